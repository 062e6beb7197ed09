/*
 * instruments.c - reads the legal instruments as rules.c reads the rules, and
 * keeps them in the same cache, so that one commit makes every session forget
 * both.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "catalog_scan.h"
#include "instruments.h"
#include "registry.h"

/* Attribute numbers, see sql/instrument.sql, sql/register.sql and sql/camera.sql */
enum
{
	Anum_rule_statute = 1,
	Anum_rule_kind,
	Anum_rule_clause,
	Anum_rule_agency_kinds,
	Anum_rule_states,
	Anum_rule_purposes,
	Anum_rule_compels,
	Anum_rule_declared,
	Anum_rule_valid_from,
	Anum_rule_valid_until
};
enum
{
	Anum_authorization_id = 1,
	Anum_authorization_kind,
	Anum_authorization_agency_id,
	Anum_authorization_plates,
	Anum_authorization_captured,
	Anum_authorization_cameras,
	Anum_authorization_hold_id,
	Anum_authorization_case_number,
	Anum_authorization_valid_from,
	Anum_authorization_valid_until,
	Anum_authorization_revoked_at
};
enum
{
	Anum_suspension_id = 1,
	Anum_suspension_agency_id,
	Anum_suspension_resumed_at
};
enum
{
	Anum_member_network_id = 1,
	Anum_member_agency_id
};
enum
{
	Anum_limit_id = 1,
	Anum_limit_agency_id,
	Anum_limit_recipient_agency,
	Anum_limit_recipient_state,
	Anum_limit_recipient_kind,
	Anum_limit_purpose,
	Anum_limit_own,
	Anum_limit_lifted_at
};
enum
{
	Anum_option_agency_id = 1,
	Anum_option_demands_training,
	Anum_option_retention,
	Anum_option_oversight,
	Anum_option_hidden_before
};
enum
{
	Anum_agreement_id = 1,
	Anum_agreement_agency_id,
	Anum_agreement_ended_at
};
enum
{
	Anum_officer_agency_id = 1,
	Anum_officer_officer,
	Anum_officer_training_valid_until
};
enum
{
	Anum_contract_id = 1,
	Anum_contract_vendor_id,
	Anum_contract_agency_id,
	Anum_contract_valid_from,
	Anum_contract_valid_until,
	Anum_contract_ended_at,
	Anum_contract_retention
};
enum
{
	Anum_hold_id = 1,
	Anum_hold_relation,
	Anum_hold_agency_id,
	Anum_hold_case_number,
	Anum_hold_ended_at,
	Anum_hold_purge_after = 17
};
enum
{
	Anum_camera_id = 1,
	Anum_camera_agency_id,
	Anum_camera_fixed,
	Anum_camera_active,
	Anum_camera_barred_by
};

/* A kind of instrument, as the statute in force has it */
typedef struct AuthorizationRule
{
	const char *kind;
	const char *clause;
	uint32		kinds;
	List	   *states;	  /* of char *; NIL: any */
	List	   *purposes; /* of char *; NIL: any */
	bool		compels;
	bool		declared;
	TimestampTz valid_from;
	TimestampTz valid_until;
} AuthorizationRule;

typedef struct SharingLimit
{
	const char *recipient_agency; /* NULL: any */
	const char *recipient_state;
	const char *recipient_kind;
	const char *purpose;
	bool		own;
} SharingLimit;

typedef struct Contract
{
	char		vendor_id[CTLPR_AGENCY_ID_SIZE];
	TimestampTz valid_from;
	TimestampTz valid_until;  /* or when it was ended */
	int64		retention_us; /* 0: none */
} Contract;

/* What concerns one agency */
typedef struct AgencyInstruments
{
	char		agency_id[CTLPR_AGENCY_ID_SIZE]; /* hash key */
	bool		suspended;
	bool		demands_training;
	bool		immigration_agreement;
	int64		retention_us; /* 0: none */
	TimestampTz hidden_before;
	List	   *partners;  /* agency ids (char *) of all participants of its networks, itself included */
	List	   *limits;	   /* of SharingLimit *, those that stand */
	List	   *contracts; /* of Contract * */
} AgencyInstruments;

typedef struct Camera
{
	char camera_id[256]; /* hash key */
	bool barred;
} Camera;

static MemoryContext context = NULL; /* the rules' cache */
static uint64		 epoch = 0;
static bool			 rules_loaded;
static List			*authorization_rules; /* of AuthorizationRule * */
static HTAB			*authorizations;
static HTAB			*agencies;
static HTAB			*holds;
static HTAB			*cameras;

static HTAB *
make_table(const char *name, Size key, Size entry, int flags)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = context};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

static void
refresh(void)
{
	uint64 current;

	context = rules_cache_context(&current);
	if (current == epoch && hash_get_num_entries(agencies) >= RULES_AGENCIES_MAX)
	{
		rules_drop_cache();
		context = rules_cache_context(&current);
	}
	if (current == epoch)
		return;
	rules_loaded = false;
	authorization_rules = NIL;
	authorizations = make_table("ctlpr authorizations", sizeof(int64), sizeof(Authorization), HASH_BLOBS);
	agencies = make_table("ctlpr instruments of agencies", CTLPR_AGENCY_ID_SIZE, sizeof(AgencyInstruments), HASH_STRINGS);
	holds = make_table("ctlpr holds", sizeof(int64), sizeof(HeldCase), HASH_BLOBS);
	cameras = make_table("ctlpr cameras", sizeof(((Camera *) 0)->camera_id), sizeof(Camera), HASH_STRINGS);
	epoch = current;
}

/* ---- reading ---- */

static bool
is_null(Relation relation, HeapTuple row, int attribute)
{
	bool isnull;

	(void) row_datum(relation, row, attribute, &isnull);
	return isnull;
}

static bool
row_bool(Relation relation, HeapTuple row, int attribute)
{
	return DatumGetBool(row_datum(relation, row, attribute, NULL));
}

static TimestampTz
row_time(Relation relation, HeapTuple row, int attribute)
{
	return DatumGetTimestampTz(row_datum(relation, row, attribute, NULL));
}

/* An interval without months as microseconds; 0 for null */
static int64
row_period(Relation relation, HeapTuple row, int attribute)
{
	bool	  isnull;
	Datum	  value = row_datum(relation, row, attribute, &isnull);
	Interval *period = isnull ? NULL : DatumGetIntervalP(value);

	return period ? period->time + period->day * USECS_PER_DAY : 0;
}

typedef void (*RowLoader)(Relation relation, HeapTuple row, void *target);

/* Call load, in the memory of the cache, for the rows whose text column has a value; index: that begins with it. */
static void
load_rows(const char *table, const char *index, AttrNumber attribute, const char *value, RowLoader load, void *target)
{
	Relation	relation = table_open(registry_own_relation(table), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	scan_key_text(&key, attribute, value);
	scan = systable_beginscan(relation, registry_own_relation(index), true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		load(relation, row, target);
		MemoryContextSwitchTo(old);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static bool
list_has(List *strings, const char *string)
{
	ListCell *cell;

	foreach (cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

/* ---- authorizations ---- */

static void
load_rule(Relation relation, HeapTuple row, void *target)
{
	AuthorizationRule *rule = palloc0(sizeof(AuthorizationRule));

	rule->kind = row_text(relation, row, Anum_rule_kind);
	rule->clause = row_text(relation, row, Anum_rule_clause);
	rule->kinds = rules_row_kinds(relation, row, Anum_rule_agency_kinds);
	rule->states = rules_row_texts(relation, row, Anum_rule_states);
	rule->purposes = rules_row_texts(relation, row, Anum_rule_purposes);
	rule->compels = row_bool(relation, row, Anum_rule_compels);
	rule->declared = row_bool(relation, row, Anum_rule_declared);
	rule->valid_from = row_time(relation, row, Anum_rule_valid_from);
	rule->valid_until = row_time(relation, row, Anum_rule_valid_until);
	authorization_rules = lappend(authorization_rules, rule);
}

static const AuthorizationRule *
rule_of(const char *kind, TimestampTz at)
{
	const Statute *statute = rules_statute();
	char		  *name = statute ? pstrdup(statute->name) : NULL;
	ListCell	  *cell;

	refresh();
	if (!rules_loaded && name)
	{
		authorization_rules = NIL;
		load_rows("statute_authorization", "statute_authorization_pkey", Anum_rule_statute, name, load_rule, NULL);
		rules_loaded = true;
	}
	foreach (cell, authorization_rules)
	{
		AuthorizationRule *rule = lfirst(cell);

		if (strcmp(rule->kind, kind) == 0 && at >= rule->valid_from && at < rule->valid_until)
			return rule;
	}
	return NULL;
}

static int
compare_strings(const void *left, const void *right)
{
	return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* A text[] column as a sorted array of strings; result: whether there is one, an empty one included */
static bool
row_sorted(Relation relation, HeapTuple row, int attribute, const char ***strings, int *count)
{
	List	 *texts;
	ListCell *cell;

	if (is_null(relation, row, attribute))
		return false;
	texts = rules_row_texts(relation, row, attribute);
	*strings = palloc(sizeof(char *) * (list_length(texts) + 1));
	foreach (cell, texts)
		(*strings)[(*count)++] = lfirst(cell);
	qsort(*strings, *count, sizeof(char *), compare_strings);
	return true;
}

static void
load_range(Relation relation, HeapTuple row, AuthorizedScope *scope)
{
	bool			isnull;
	Datum			value = row_datum(relation, row, Anum_authorization_captured, &isnull);
	TypeCacheEntry *type;
	RangeBound		lower;
	RangeBound		upper;
	bool			empty;

	if (isnull)
		return;
	type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	range_deserialize(type, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	scope->ranged = true;
	/* An empty range covers nothing. */
	scope->captured_from = empty ? DT_NOEND : lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	scope->from_inclusive = !empty && (lower.infinite || lower.inclusive);
	scope->captured_until = empty ? DT_NOBEGIN : upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
	scope->until_inclusive = !empty && (upper.infinite || upper.inclusive);
}

static void
load_authorization(Relation relation, HeapTuple row, Authorization *loaded)
{
	loaded->exists = true;
	strlcpy(loaded->agency_id, row_text(relation, row, Anum_authorization_agency_id), sizeof(loaded->agency_id));
	loaded->kind = row_text(relation, row, Anum_authorization_kind);
	loaded->case_number = row_text(relation, row, Anum_authorization_case_number);
	loaded->valid_from = row_time(relation, row, Anum_authorization_valid_from);
	loaded->valid_until = row_time(relation, row, Anum_authorization_valid_until);
	loaded->revoked = !is_null(relation, row, Anum_authorization_revoked_at);
	loaded->scope.by_plate = row_sorted(relation, row, Anum_authorization_plates, &loaded->scope.plate, &loaded->scope.plates);
	loaded->scope.by_camera =
		row_sorted(relation, row, Anum_authorization_cameras, &loaded->scope.camera, &loaded->scope.cameras);
	load_range(relation, row, &loaded->scope);
	if (!is_null(relation, row, Anum_authorization_hold_id))
		loaded->scope.hold_id = DatumGetInt64(row_datum(relation, row, Anum_authorization_hold_id, NULL));
}

const Authorization *
instruments_authorization(int64 authorization_id)
{
	Authorization *entry;
	Authorization  loaded = {.authorization_id = authorization_id};
	Relation	   relation;
	ScanKeyData	   key;
	SysScanDesc	   scan;
	HeapTuple	   row;
	MemoryContext  old;

	refresh();
	entry = hash_search(authorizations, &authorization_id, HASH_FIND, NULL);
	if (entry)
		return entry->exists ? entry : NULL;

	old = MemoryContextSwitchTo(context);
	relation = table_open(registry_own_relation("legal_authorization"), AccessShareLock);
	ScanKeyInit(&key, Anum_authorization_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(authorization_id));
	scan = systable_beginscan(relation, registry_own_relation("legal_authorization_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		load_authorization(relation, row, &loaded);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	MemoryContextSwitchTo(old);

	entry = hash_search(authorizations, &authorization_id, HASH_ENTER, NULL);
	*entry = loaded;
	return entry->exists ? entry : NULL;
}

AuthorizationFacts
instruments_facts(int64 authorization_id, const Agency *recipient, const char *purpose, TimestampTz at)
{
	AuthorizationFacts		 facts = {.named = true};
	const Authorization		*found = instruments_authorization(authorization_id);
	Authorization			 authorization;
	const AuthorizationRule *rule;

	if (!found)
		return facts;
	authorization = *found;
	facts.kind = pstrdup(found->kind);
	facts.in_force = !authorization.revoked && at >= authorization.valid_from && at < authorization.valid_until;
	rule = rule_of(facts.kind, at);
	if (!rule)
		return facts;
	facts.clause = pstrdup(rule->clause);
	facts.fits = recipient && strcmp(authorization.agency_id, recipient->agency_id) == 0 &&
				 (rule->kinds & recipient->kind) != 0 && (rule->states == NIL || list_has(rule->states, recipient->state));
	facts.serves = purpose && (rule->purposes == NIL || list_has(rule->purposes, purpose));
	facts.compels = rule->compels;
	facts.declared = rule->declared;
	return facts;
}

static const char **
copy_strings(const char **strings, int count)
{
	const char **copy = count > 0 ? palloc(sizeof(char *) * count) : NULL;

	for (int i = 0; i < count; i++)
		copy[i] = pstrdup(strings[i]);
	return copy;
}

AuthorizedScope *
instruments_copy_scope(const AuthorizedScope *scope)
{
	AuthorizedScope *copy = palloc(sizeof(AuthorizedScope));

	*copy = *scope;
	copy->plate = copy_strings(scope->plate, scope->plates);
	copy->camera = copy_strings(scope->camera, scope->cameras);
	return copy;
}

/* The plate as instruments have it: capital letters and digits.  Other characters than ASCII stay as they are. */
static bool
names_plate(const AuthorizedScope *scope, const char *plate, int length)
{
	char  buffer[64];
	char *normal = length < sizeof(buffer) ? buffer : palloc(length + 1);
	int	  used = 0;
	bool  found;

	for (int i = 0; i < length; i++)
	{
		unsigned char c = plate[i];

		if (c >= 'a' && c <= 'z')
			normal[used++] = c - 'a' + 'A';
		else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80)
			normal[used++] = c;
	}
	normal[used] = '\0';
	found = bsearch(&normal, scope->plate, scope->plates, sizeof(char *), compare_strings) != NULL;
	if (normal != buffer)
		pfree(normal);
	return found;
}

static bool
names_camera(const AuthorizedScope *scope, const char *camera, int length)
{
	for (int i = 0; i < scope->cameras; i++)
		if (strncmp(scope->camera[i], camera, length) == 0 && scope->camera[i][length] == '\0')
			return true;
	return false;
}

bool
instruments_cover(const AuthorizedScope *scope, TimestampTz captured_at, const char *plate, int plate_length, const char *camera,
				  int camera_length)
{
	if (scope->ranged &&
		(captured_at < scope->captured_from || (captured_at == scope->captured_from && !scope->from_inclusive) ||
		 captured_at > scope->captured_until || (captured_at == scope->captured_until && !scope->until_inclusive)))
		return false;
	if (scope->by_plate && !names_plate(scope, plate, plate_length))
		return false;
	return !scope->by_camera || (camera && names_camera(scope, camera, camera_length));
}

/* ---- agencies ---- */

static void
load_suspension(Relation relation, HeapTuple row, void *target)
{
	((AgencyInstruments *) target)->suspended |= is_null(relation, row, Anum_suspension_resumed_at);
}

static void
load_limit(Relation relation, HeapTuple row, void *target)
{
	AgencyInstruments *agency = target;
	SharingLimit	  *limit;

	if (!is_null(relation, row, Anum_limit_lifted_at))
		return;
	limit = palloc0(sizeof(SharingLimit));
	limit->recipient_agency = row_text(relation, row, Anum_limit_recipient_agency);
	limit->recipient_state = row_text(relation, row, Anum_limit_recipient_state);
	limit->recipient_kind = row_text(relation, row, Anum_limit_recipient_kind);
	limit->purpose = row_text(relation, row, Anum_limit_purpose);
	limit->own = row_bool(relation, row, Anum_limit_own);
	agency->limits = lappend(agency->limits, limit);
}

static void
load_option(Relation relation, HeapTuple row, void *target)
{
	AgencyInstruments *agency = target;

	agency->demands_training = row_bool(relation, row, Anum_option_demands_training);
	agency->retention_us = row_period(relation, row, Anum_option_retention);
	if (!is_null(relation, row, Anum_option_hidden_before))
		agency->hidden_before = row_time(relation, row, Anum_option_hidden_before);
}

static void
load_agreement(Relation relation, HeapTuple row, void *target)
{
	((AgencyInstruments *) target)->immigration_agreement |= is_null(relation, row, Anum_agreement_ended_at);
}

static void
load_contract(Relation relation, HeapTuple row, void *target)
{
	AgencyInstruments *agency = target;
	Contract		  *contract;

	contract = palloc0(sizeof(Contract));
	strlcpy(contract->vendor_id, row_text(relation, row, Anum_contract_vendor_id), sizeof(contract->vendor_id));
	contract->valid_from = row_time(relation, row, Anum_contract_valid_from);
	contract->valid_until = row_time(relation, row, Anum_contract_valid_until);
	if (!is_null(relation, row, Anum_contract_ended_at))
		contract->valid_until = Min(contract->valid_until, row_time(relation, row, Anum_contract_ended_at));
	contract->retention_us = row_period(relation, row, Anum_contract_retention);
	agency->contracts = lappend(agency->contracts, contract);
}

static void
load_partner(Relation relation, HeapTuple row, void *target)
{
	AgencyInstruments *agency = target;

	agency->partners = lappend(agency->partners, row_text(relation, row, Anum_member_agency_id));
}

static void
load_network(Relation relation, HeapTuple row, void *target)
{
	load_rows("network_member", "network_member_pkey", Anum_member_network_id, row_text(relation, row, Anum_member_network_id),
			  load_partner, target);
}

static const AgencyInstruments *
agency_instruments(const char *agency_id)
{
	AgencyInstruments *entry;
	AgencyInstruments  loaded;

	refresh();
	entry = hash_search(agencies, agency_id, HASH_FIND, NULL);
	if (entry)
		return entry;

	memset(&loaded, 0, sizeof(loaded));
	strlcpy(loaded.agency_id, agency_id, sizeof(loaded.agency_id));
	loaded.hidden_before = DT_NOBEGIN;
	load_rows("suspension", "suspension_agency_id_idx", Anum_suspension_agency_id, agency_id, load_suspension, &loaded);
	load_rows("sharing_limit", "sharing_limit_agency_id_idx", Anum_limit_agency_id, agency_id, load_limit, &loaded);
	load_rows("agency_option", "agency_option_pkey", Anum_option_agency_id, agency_id, load_option, &loaded);
	if (!registry_awaits_relation("immigration_agreement"))
		load_rows("immigration_agreement", "immigration_agreement_agency_id_idx", Anum_agreement_agency_id, agency_id,
				  load_agreement, &loaded);
	load_rows("contract", "contract_agency_id_idx", Anum_contract_agency_id, agency_id, load_contract, &loaded);
	load_rows("network_member", "network_member_agency_id_idx", Anum_member_agency_id, agency_id, load_network, &loaded);

	entry = hash_search(agencies, agency_id, HASH_ENTER, NULL);
	*entry = loaded;
	return entry;
}

bool
instruments_suspended(const char *agency_id)
{
	return agency_instruments(agency_id)->suspended;
}

bool
instruments_network_closed(const char *agency_id, TimestampTz at)
{
	List	 *partners = NIL;
	ListCell *cell;

	foreach (cell, agency_instruments(agency_id)->partners)
		partners = lappend(partners, pstrdup(lfirst(cell)));
	foreach (cell, partners)
	{
		const char	 *partner = lfirst(cell);
		const Agency *found = rules_agency(partner);
		Agency		  agency;

		if (found)
			agency = *found;
		if ((!found || !rules_in_state(&agency)) && rules_declaration(partner, at) == 0)
			return true;
	}
	return false;
}

static bool
matches(const char *wanted, const char *value)
{
	return wanted == NULL || (value && strcmp(wanted, value) == 0);
}

bool
instruments_withheld(const char *owner, const Agency *recipient, const char *purpose)
{
	ListCell *cell;

	foreach (cell, agency_instruments(owner)->limits)
	{
		SharingLimit *limit = lfirst(cell);

		if (matches(limit->recipient_agency, recipient->agency_id) && matches(limit->recipient_state, recipient->state) &&
			matches(limit->recipient_kind, recipient->kind_name) && matches(limit->purpose, purpose))
			return true;
	}
	return false;
}

bool
instruments_ruled_out(const char *agency_id, const char *purpose)
{
	ListCell *cell;

	foreach (cell, agency_instruments(agency_id)->limits)
	{
		SharingLimit *limit = lfirst(cell);

		if (limit->own && matches(limit->purpose, purpose))
			return true;
	}
	return false;
}

bool
instruments_immigration_agreement(const char *agency_id)
{
	return agency_instruments(agency_id)->immigration_agreement;
}

bool
instruments_training_demanded(const char *agency_id)
{
	return agency_instruments(agency_id)->demands_training;
}

bool
instruments_training_valid(const char *agency_id, const char *officer, TimestampTz at)
{
	Relation	relation;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	row;
	bool		valid = false;

	if (!officer)
		return false;
	relation = table_open(registry_own_relation("officer"), AccessShareLock);
	scan_key_text(&key[0], Anum_officer_agency_id, agency_id);
	scan_key_text(&key[1], Anum_officer_officer, officer);
	scan = systable_beginscan(relation, registry_own_relation("officer_pkey"), true, NULL, 2, key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		valid = rules_day(at) <= DatumGetDateADT(row_datum(relation, row, Anum_officer_training_valid_until, NULL));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return valid;
}

bool
instruments_contract(const char *vendor_id, const char *agency_id, TimestampTz at)
{
	ListCell *cell;

	foreach (cell, agency_instruments(agency_id)->contracts)
	{
		Contract *contract = lfirst(cell);

		if (strcmp(contract->vendor_id, vendor_id) == 0 && at >= contract->valid_from && at < contract->valid_until)
			return true;
	}
	return false;
}

AgencyRetention
instruments_retention(const char *agency_id, TimestampTz at)
{
	const AgencyInstruments *agency = agency_instruments(agency_id);
	AgencyRetention			 result = {.period_us = agency->retention_us, .hidden_before = agency->hidden_before};
	ListCell				*cell;

	foreach (cell, agency->contracts)
	{
		Contract *contract = lfirst(cell);

		if (contract->retention_us == 0 || at < contract->valid_from || contract->valid_until <= contract->valid_from)
			continue;
		if (at >= contract->valid_until)
			result.hidden_before = Max(result.hidden_before, contract->valid_until - contract->retention_us);
		else
			result.period_us = result.period_us > 0 ? Min(result.period_us, contract->retention_us) : contract->retention_us;
	}
	return result;
}

/* Add the agencies that a column of a table names, where another column is not null. */
static List *
add_keepers(List *keepers, const char *table, AttrNumber agency, AttrNumber retention)
{
	Relation	relation = table_open(registry_own_relation(table), AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		char *agency_id = row_text(relation, row, agency);

		if (!is_null(relation, row, retention) && !list_has(keepers, agency_id))
			keepers = lappend(keepers, agency_id);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return keepers;
}

List *
instruments_shorter_keepers(TimestampTz at)
{
	List	 *candidates = add_keepers(NIL, "agency_option", Anum_option_agency_id, Anum_option_retention);
	List	 *keepers = NIL;
	ListCell *cell;

	candidates = add_keepers(candidates, "agency_option", Anum_option_agency_id, Anum_option_hidden_before);
	candidates = add_keepers(candidates, "contract", Anum_contract_agency_id, Anum_contract_retention);
	foreach (cell, candidates)
	{
		AgencyRetention retention = instruments_retention(lfirst(cell), at);

		if (instruments_limit(&retention, at) != DT_NOBEGIN)
			keepers = lappend(keepers, lfirst(cell));
	}
	return keepers;
}

/* ---- holds ---- */

static TimestampTz
row_purge_after(Relation relation, HeapTuple row)
{
	return is_null(relation, row, Anum_hold_purge_after) ? DT_NOEND : row_time(relation, row, Anum_hold_purge_after);
}

const HeldCase *
instruments_hold(int64 hold_id)
{
	HeldCase	 *entry;
	HeldCase	  loaded = {.hold_id = hold_id};
	Relation	  relation;
	ScanKeyData	  key;
	SysScanDesc	  scan;
	HeapTuple	  row;
	MemoryContext old;

	refresh();
	entry = hash_search(holds, &hold_id, HASH_FIND, NULL);
	if (entry)
		return entry->exists ? entry : NULL;
	relation = table_open(registry_own_relation("hold"), AccessShareLock);
	ScanKeyInit(&key, Anum_hold_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hold_id));
	scan = systable_beginscan(relation, registry_own_relation("hold_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		old = MemoryContextSwitchTo(context);
		loaded.exists = true;
		loaded.case_number = row_text(relation, row, Anum_hold_case_number);
		loaded.purge_after = row_purge_after(relation, row);
		MemoryContextSwitchTo(old);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	entry = hash_search(holds, &hold_id, HASH_ENTER, NULL);
	*entry = loaded;
	return entry->exists ? entry : NULL;
}

List *
instruments_lapsed_holds(TimestampTz now)
{
	Relation	relation = table_open(registry_own_relation("hold"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	List	   *result = NIL;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
		if (row_purge_after(relation, row) <= now)
		{
			int64 *hold_id = palloc(sizeof(int64));

			*hold_id = DatumGetInt64(row_datum(relation, row, Anum_hold_id, NULL));
			result = lappend(result, hold_id);
		}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* ---- cameras ---- */

bool
instruments_camera_barred(const char *camera_id)
{
	Camera	   *entry;
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		barred = false;

	/* A longer identifier cannot be registered. */
	if (strlen(camera_id) >= sizeof(((Camera *) 0)->camera_id))
		return false;
	refresh();
	entry = hash_search(cameras, camera_id, HASH_FIND, NULL);
	if (entry)
		return entry->barred;
	relation = table_open(registry_own_relation("camera"), AccessShareLock);
	scan_key_text(&key, Anum_camera_id, camera_id);
	scan = systable_beginscan(relation, registry_own_relation("camera_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		barred = !is_null(relation, row, Anum_camera_barred_by);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	entry = hash_search(cameras, camera_id, HASH_ENTER, NULL);
	entry->barred = barred;
	return barred;
}
