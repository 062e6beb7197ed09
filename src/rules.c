/*
 * rules.c - the one cache through which C reads rules.
 *
 * Two sorts of rules: the statute's tables are small and read whole; agencies,
 * bindings and declarations are many and read one at a time through their
 * indexes, so that a backend pays for those that it meets.
 *
 * A statement trigger on every rule table (rules_changed) marks the
 * transaction; when it commits, the generation in shared memory moves on and
 * every backend drops what it knew before its next look.  Relcache
 * invalidations would not do: they are not processed while the lock is held
 * already, and a suspension must bite in the next statement.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "registry.h"
#include "rules.h"
#include "shared.h"

/* Attribute numbers, see sql/agency.sql, sql/statute.sql and sql/request.sql */
enum
{
	Anum_agency_agency_id = 1,
	Anum_agency_name,
	Anum_agency_kind,
	Anum_agency_state
};
enum
{
	Anum_binding_role = 1,
	Anum_binding_role_name,
	Anum_binding_agency_id,
	Anum_binding_may_ingest,
	Anum_binding_supervisor,
	Anum_binding_session_scope
};
enum
{
	Anum_auditor_role = 1,
	Anum_auditor_role_name,
	Anum_auditor_agency_id
};
enum
{
	Anum_declaration_id = 1,
	Anum_declaration_agency_id,
	Anum_declaration_signed_by,
	Anum_declaration_signed_on,
	Anum_declaration_document,
	Anum_declaration_valid_until,
	Anum_declaration_filed_at,
	Anum_declaration_filed_by,
	Anum_declaration_withdrawn_at,
	Anum_declaration_withdrawn_by,
	Anum_declaration_withdrawn_reason,
	Anum_declaration_affirms_first, /* four points, each a column */
	Anum_declaration_affirms_last = Anum_declaration_affirms_first + 3
};
enum
{
	Anum_statute_statute = 1,
	Anum_statute_title,
	Anum_statute_state,
	Anum_statute_time_zone
};
enum
{
	Anum_purpose_statute = 1,
	Anum_purpose_purpose,
	Anum_purpose_clause,
	Anum_purpose_permitted,
	Anum_purpose_agency_kinds,
	Anum_purpose_demands,
	Anum_purpose_standing,
	Anum_purpose_description,
	Anum_purpose_valid_from,
	Anum_purpose_valid_until,
	Anum_purpose_standing_only,
	Anum_purpose_pending_case
};
enum
{
	Anum_retention_statute = 1,
	Anum_retention_rule,
	Anum_retention_clause,
	Anum_retention_period,
	Anum_retention_description,
	Anum_retention_valid_from,
	Anum_retention_valid_until,
	Anum_retention_shared_purposes,
	Anum_retention_shared_kinds
};
enum
{
	Anum_recipient_statute = 1,
	Anum_recipient_rank,
	Anum_recipient_clause,
	Anum_recipient_states,
	Anum_recipient_agency_kinds,
	Anum_recipient_basis,
	Anum_recipient_demands,
	Anum_recipient_description,
	Anum_recipient_valid_from,
	Anum_recipient_valid_until
};
enum
{
	Anum_standing_request_seq = 1,
	Anum_standing_role,
	Anum_standing_role_name,
	Anum_standing_agency_id,
	Anum_standing_purpose,
	Anum_standing_reason,
	Anum_standing_approved_by,
	Anum_standing_valid_until
};

typedef struct RetentionRule
{
	char	   *rule;
	int64		period_us;
	bool		reserved;		 /* to the purposes and kinds that follow */
	List	   *shared_purposes; /* of char * */
	uint32		shared_kinds;
	TimestampTz valid_from;
	TimestampTz valid_until;
} RetentionRule;

typedef struct RecipientRule
{
	int			 rank;
	char		*clause;
	List		*states; /* of char *; NIL: any */
	uint32		 kinds;
	SharingBasis basis;
	uint32		 demands;
	TimestampTz	 valid_from;
	TimestampTz	 valid_until;
} RecipientRule;

/* What a role has: bindings, standing requests, agencies whose entries it audits */
typedef struct RoleRules
{
	Oid	  role; /* hash key */
	List *bindings;
	List *standing;
	List *audited; /* of char *; "" stands for all agencies */
} RoleRules;

typedef struct DeclarationPeriod
{
	int64		declaration_id;
	bool		affirmed;  /* all points that the act demands */
	int			first_day; /* signed on; days as DateADT */
	int			last_day;
	TimestampTz withdrawn_at; /* DT_NOEND while it stands */
} DeclarationPeriod;

typedef struct AgencyDeclarations
{
	char  agency_id[CTLPR_AGENCY_ID_SIZE]; /* hash key */
	List *periods;
} AgencyDeclarations;

typedef struct RulesCache
{
	MemoryContext context;
	uint64		  generation;
	bool		  whole; /* the statute's tables are loaded */
	bool		  adopted;
	Statute		  statute;
	pg_tz		 *zone;
	List		 *purposes;
	List		 *retention;
	List		 *recipients; /* by rank */
	HTAB		 *agencies;
	HTAB		 *roles;
	HTAB		 *declarations;
} RulesCache;

static RulesCache cache;
static uint64	  cache_epoch = 0;
static bool		  cache_stale = true;
static bool		  changed_here = false; /* this transaction changed a rule */

PG_FUNCTION_INFO_V1(ctlpr_rules_changed);

/* ---- life of the cache ---- */

static HTAB *
make_table(const char *name, Size key, Size entry, int flags)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = cache.context};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_CONTEXT | flags);
}

uint64
rules_generation(void)
{
	return pg_atomic_read_u64(&shared_database()->rules_generation);
}

static void
refresh(void)
{
	uint64 generation = rules_generation();

	if (!cache_stale && cache.generation == generation && hash_get_num_entries(cache.agencies) < RULES_AGENCIES_MAX)
		return;

	if (cache.context)
		MemoryContextDelete(cache.context);
	memset(&cache, 0, sizeof(cache));
	cache_stale = true;
	cache.context = AllocSetContextCreate(TopMemoryContext, "ctlpr rules", ALLOCSET_DEFAULT_SIZES);
	cache.agencies = make_table("ctlpr agencies", CTLPR_AGENCY_ID_SIZE, sizeof(Agency), HASH_STRINGS);
	cache.roles = make_table("ctlpr roles", sizeof(Oid), sizeof(RoleRules), HASH_BLOBS);
	cache.declarations = make_table("ctlpr declarations", CTLPR_AGENCY_ID_SIZE, sizeof(AgencyDeclarations), HASH_STRINGS);
	cache.generation = generation;
	cache_epoch++;
	cache_stale = false;
	pg_atomic_fetch_add_u64(&shared_database()->statistics.rule_loads, 1);
}

MemoryContext
rules_cache_context(uint64 *epoch)
{
	refresh();
	*epoch = cache_epoch;
	return cache.context;
}

void
rules_drop_cache(void)
{
	cache_stale = true;
}

/* Trigger on the rule tables: what is known here is stale now, and everywhere once this commits. */
Datum
ctlpr_rules_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED), errmsg("rules_changed() must be called as a trigger")));
	changed_here = true;
	cache_stale = true;
	registry_forget();
	/* Plans over the server's statistics, made while nothing was governed, do not hide them. */
	CacheInvalidateRelcacheByRelid(StatisticRelationId);
	CacheInvalidateRelcacheByRelid(StatisticExtDataRelationId);
	PG_RETURN_POINTER(NULL);
}

bool
rules_changed_here(void)
{
	return changed_here;
}

static void
publish_changes(XactEvent event, void *arg)
{
	if (!changed_here)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			pg_atomic_fetch_add_u64(&shared_database()->rules_generation, 1);
			changed_here = false;
			cache_stale = true;
			registry_forget();
			break;
		case XACT_EVENT_ABORT:
			changed_here = false;
			cache_stale = true;
			registry_forget();
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("cannot prepare a transaction that changed rules of ctlpr"),
					 errhint("Commit it in one phase.")));
			break;
		default:
			break;
	}
}

static void
forget_at_subabort(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && changed_here)
	{
		cache_stale = true;
		registry_forget();
	}
}

void
rules_install(void)
{
	RegisterXactCallback(publish_changes, NULL);
	RegisterSubXactCallback(forget_at_subabort, NULL);
}

/* ---- reading rows ---- */

static uint32
kind_bit(const char *kind)
{
	static const struct
	{
		const char *name;
		AgencyKind	bit;
	} kinds[] = {{"police", AGENCY_POLICE},
				 {"public_agency", AGENCY_PUBLIC},
				 {"task_force", AGENCY_TASK_FORCE},
				 {"prosecutor", AGENCY_PROSECUTOR},
				 {"federal", AGENCY_FEDERAL},
				 {"vendor", AGENCY_VENDOR},
				 {"other", AGENCY_OTHER}};

	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].bit;
	return 0;
}

static uint32
demand_bit(const char *demand)
{
	if (strcmp(demand, "reason") == 0)
		return STATED_REASON;
	if (strcmp(demand, "case_number") == 0)
		return STATED_CASE_NUMBER;
	if (strcmp(demand, "officer") == 0)
		return STATED_OFFICER;
	if (strcmp(demand, "offense") == 0)
		return STATED_OFFENSE;
	if (strcmp(demand, "authorization") == 0)
		return STATED_AUTHORIZATION;
	/* A demand that nobody can meet: refuse rather than overlook it. */
	return 1u << 31;
}

/* A text[] column as a list of strings; NIL for null */
List *
rules_row_texts(Relation relation, HeapTuple row, int attribute)
{
	bool   isnull;
	Datum  value = row_datum(relation, row, attribute, &isnull);
	Datum *elements;
	bool  *nulls;
	int	   count;
	List  *result = NIL;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			result = lappend(result, TextDatumGetCString(elements[i]));
	return result;
}

static uint32
row_bits(Relation relation, HeapTuple row, int attribute, uint32 (*bit)(const char *))
{
	List	 *names = rules_row_texts(relation, row, attribute);
	uint32	  result = 0;
	ListCell *cell;

	foreach (cell, names)
		result |= bit(lfirst(cell));
	return result;
}

uint32
rules_row_kinds(Relation relation, HeapTuple row, int attribute)
{
	return row_bits(relation, row, attribute, kind_bit);
}

static TimestampTz
row_time(Relation relation, HeapTuple row, int attribute, TimestampTz null_value)
{
	bool  isnull;
	Datum value = row_datum(relation, row, attribute, &isnull);

	return isnull ? null_value : DatumGetTimestampTz(value);
}

/* ---- the statute ---- */

static void
load_statute(void)
{
	Relation	relation = table_open(registry_own_relation("statute_adoption"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row = systable_getnext(scan);
	ScanKeyData key;
	const char *name = HeapTupleIsValid(row) ? row_text(relation, row, Anum_statute_statute) : NULL;

	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!name)
		return;

	relation = table_open(registry_own_relation("statute"), AccessShareLock);
	scan_key_text(&key, Anum_statute_statute, name);
	scan = systable_beginscan(relation, registry_own_relation("statute_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		cache.statute.name = name;
		cache.statute.time_zone = row_text(relation, row, Anum_statute_time_zone);
		strlcpy(cache.statute.state, row_text(relation, row, Anum_statute_state), sizeof(cache.statute.state));
		cache.zone = pg_tzset(cache.statute.time_zone);
		cache.adopted = (cache.zone != NULL);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static void
load_purpose(Relation relation, HeapTuple row)
{
	PurposeRule *rule = palloc0(sizeof(PurposeRule));

	rule->purpose = row_text(relation, row, Anum_purpose_purpose);
	rule->clause = row_text(relation, row, Anum_purpose_clause);
	rule->permitted = DatumGetBool(row_datum(relation, row, Anum_purpose_permitted, NULL));
	rule->kinds = row_bits(relation, row, Anum_purpose_agency_kinds, kind_bit);
	rule->demands = row_bits(relation, row, Anum_purpose_demands, demand_bit);
	rule->standing = DatumGetBool(row_datum(relation, row, Anum_purpose_standing, NULL));
	rule->standing_only = DatumGetBool(row_datum(relation, row, Anum_purpose_standing_only, NULL));
	rule->pending_case = DatumGetBool(row_datum(relation, row, Anum_purpose_pending_case, NULL));
	rule->valid_from = row_time(relation, row, Anum_purpose_valid_from, DT_NOEND);
	rule->valid_until = row_time(relation, row, Anum_purpose_valid_until, DT_NOBEGIN);
	cache.purposes = lappend(cache.purposes, rule);
}

static void
load_retention(Relation relation, HeapTuple row)
{
	RetentionRule *rule = palloc0(sizeof(RetentionRule));
	Interval	  *period = DatumGetIntervalP(row_datum(relation, row, Anum_retention_period, NULL));
	bool		   unreserved;

	rule->rule = row_text(relation, row, Anum_retention_rule);
	rule->period_us = period->time + period->day * USECS_PER_DAY;
	(void) row_datum(relation, row, Anum_retention_shared_purposes, &unreserved);
	rule->reserved = !unreserved;
	rule->shared_purposes = rules_row_texts(relation, row, Anum_retention_shared_purposes);
	rule->shared_kinds = row_bits(relation, row, Anum_retention_shared_kinds, kind_bit);
	rule->valid_from = row_time(relation, row, Anum_retention_valid_from, DT_NOEND);
	rule->valid_until = row_time(relation, row, Anum_retention_valid_until, DT_NOBEGIN);
	cache.retention = lappend(cache.retention, rule);
}

static int
by_rank(const ListCell *a, const ListCell *b)
{
	return ((RecipientRule *) lfirst(a))->rank - ((RecipientRule *) lfirst(b))->rank;
}

static void
load_recipient(Relation relation, HeapTuple row)
{
	RecipientRule *rule = palloc0(sizeof(RecipientRule));
	char		  *basis = row_text(relation, row, Anum_recipient_basis);

	rule->rank = DatumGetInt32(row_datum(relation, row, Anum_recipient_rank, NULL));
	rule->clause = row_text(relation, row, Anum_recipient_clause);
	rule->states = rules_row_texts(relation, row, Anum_recipient_states);
	rule->kinds = row_bits(relation, row, Anum_recipient_agency_kinds, kind_bit);
	rule->demands = row_bits(relation, row, Anum_recipient_demands, demand_bit);
	rule->basis = strcmp(basis, "none") == 0		  ? SHARING_OPEN
				  : strcmp(basis, "declaration") == 0 ? SHARING_DECLARATION
													  : SHARING_AUTHORIZATION;
	rule->valid_from = row_time(relation, row, Anum_recipient_valid_from, DT_NOEND);
	rule->valid_until = row_time(relation, row, Anum_recipient_valid_until, DT_NOBEGIN);
	cache.recipients = lappend(cache.recipients, rule);
}

/* Read the rows of the statute in force from one of its tables; all have it in their first column. */
static void
load_table(const char *name, void (*load)(Relation relation, HeapTuple row))
{
	Relation	relation = table_open(registry_own_relation(name), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	scan_key_text(&key, 1, cache.statute.name);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		load(relation, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static void
ensure_statute(void)
{
	MemoryContext old;

	refresh();
	if (cache.whole)
		return;
	old = MemoryContextSwitchTo(cache.context);
	cache_stale = true; /* an error half way must not leave half a statute */
	load_statute();
	if (cache.adopted)
	{
		load_table("statute_purpose", load_purpose);
		load_table("statute_retention", load_retention);
		load_table("statute_recipient", load_recipient);
		list_sort(cache.recipients, by_rank);
	}
	cache_stale = false;
	cache.whole = true;
	MemoryContextSwitchTo(old);
}

const Statute *
rules_statute(void)
{
	ensure_statute();
	return cache.adopted ? &cache.statute : NULL;
}

const PurposeRule *
rules_purpose(const char *purpose, TimestampTz at)
{
	const PurposeRule *other = NULL;
	ListCell		  *cell;

	ensure_statute();
	foreach (cell, cache.purposes)
	{
		PurposeRule *rule = lfirst(cell);

		if (strcmp(rule->purpose, purpose) != 0)
			continue;
		if (at >= rule->valid_from && at < rule->valid_until)
			return rule;
		other = rule;
	}
	return other;
}

static const RetentionRule *
retention_rule(const char *name, TimestampTz at)
{
	ListCell *cell;

	ensure_statute();
	foreach (cell, cache.retention)
	{
		RetentionRule *rule = lfirst(cell);

		if (strcmp(rule->rule, name) == 0 && at >= rule->valid_from && at < rule->valid_until)
			return rule;
	}
	return NULL;
}

bool
rules_retention_limit(const char *name, TimestampTz at, TimestampTz *limit)
{
	ListCell *cell;

	if (!retention_rule(name, at))
		return false;
	*limit = DT_NOBEGIN;
	foreach (cell, cache.retention)
	{
		RetentionRule *rule = lfirst(cell);

		if (strcmp(rule->rule, name) == 0 && at >= rule->valid_from)
			*limit = Max(*limit, Min(at, rule->valid_until) - rule->period_us);
	}
	return true;
}

bool
rules_is_reserved(const char *name, TimestampTz at)
{
	const RetentionRule *rule = retention_rule(name, at);

	return rule && rule->reserved;
}

bool
rules_reserved(const char *name, const Agency *recipient, const char *purpose, TimestampTz at)
{
	const RetentionRule *rule = retention_rule(name, at);
	ListCell			*cell;

	if (!rule || !rule->reserved)
		return false;
	if ((rule->shared_kinds & recipient->kind) == 0)
		return true;
	foreach (cell, rule->shared_purposes)
		if (purpose && strcmp(lfirst(cell), purpose) == 0)
			return false;
	return true;
}

int
rules_day(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		 fsec;
	int			 offset;

	ensure_statute();
	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, &offset, &tm, &fsec, NULL, cache.zone) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

static bool
rule_names_state(const RecipientRule *rule, const char *state)
{
	ListCell *cell;

	if (rule->states == NIL)
		return true;
	foreach (cell, rule->states)
		if (strcmp(lfirst(cell), state) == 0)
			return true;
	return false;
}

bool
rules_in_state(const Agency *agency)
{
	ensure_statute();
	return cache.adopted && strcmp(agency->state, cache.statute.state) == 0;
}

SharingFacts
rules_sharing(const Agency *recipient, TimestampTz at)
{
	SharingFacts facts = {.basis = SHARING_CLOSED, .clause = "13(d)(6)"};
	ListCell	*cell;

	ensure_statute();
	facts.in_state = rules_in_state(recipient);
	foreach (cell, cache.recipients)
	{
		RecipientRule *rule = lfirst(cell);

		if (at < rule->valid_from || at >= rule->valid_until || (rule->kinds & recipient->kind) == 0 ||
			!rule_names_state(rule, recipient->state))
			continue;
		facts.basis = rule->basis;
		facts.demands = rule->demands;
		facts.clause = rule->clause;
		break;
	}
	facts.declaration_in_force = rules_declaration(recipient->agency_id, at) != 0;
	return facts;
}

/* ---- agencies, roles, declarations ---- */

/* Agency identifiers are bounded by a check constraint; a longer one is none. */
static bool
plausible_agency_id(const char *agency_id)
{
	return agency_id[0] != '\0' && strlen(agency_id) < CTLPR_AGENCY_ID_SIZE;
}

const Agency *
rules_agency(const char *agency_id)
{
	Agency	   *entry;
	Agency		loaded;
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	if (!plausible_agency_id(agency_id))
		return NULL;
	refresh();
	entry = hash_search(cache.agencies, agency_id, HASH_FIND, NULL);
	if (entry)
		return entry->exists ? entry : NULL;

	memset(&loaded, 0, sizeof(loaded));
	relation = table_open(registry_own_relation("agency"), AccessShareLock);
	scan_key_text(&key, Anum_agency_agency_id, agency_id);
	scan = systable_beginscan(relation, registry_own_relation("agency_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
	{
		loaded.exists = true;
		strlcpy(loaded.kind_name, row_text(relation, row, Anum_agency_kind), sizeof(loaded.kind_name));
		loaded.kind = kind_bit(loaded.kind_name);
		strlcpy(loaded.state, row_text(relation, row, Anum_agency_state), sizeof(loaded.state));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	entry = hash_search(cache.agencies, agency_id, HASH_ENTER, NULL);
	strlcpy(loaded.agency_id, entry->agency_id, sizeof(loaded.agency_id));
	*entry = loaded;
	return entry->exists ? entry : NULL;
}

/* Rows of a table for a role, each turned into an element by load() */
static List *
load_for_role(Oid role, const char *table, const char *index, AttrNumber attribute,
			  void *(*load)(Relation relation, HeapTuple row))
{
	Relation	relation = table_open(registry_own_relation(table), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	List	   *result = NIL;

	ScanKeyInit(&key, attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(relation, registry_own_relation(index), true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		result = lappend(result, load(relation, row));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

static void *
load_binding(Relation relation, HeapTuple row)
{
	Binding *binding = palloc0(sizeof(Binding));

	strlcpy(binding->agency_id, row_text(relation, row, Anum_binding_agency_id), sizeof(binding->agency_id));
	binding->may_ingest = DatumGetBool(row_datum(relation, row, Anum_binding_may_ingest, NULL));
	binding->supervisor = DatumGetBool(row_datum(relation, row, Anum_binding_supervisor, NULL));
	binding->session_scope = DatumGetBool(row_datum(relation, row, Anum_binding_session_scope, NULL));
	return binding;
}

static void *
load_standing(Relation relation, HeapTuple row)
{
	StandingRequest *standing = palloc0(sizeof(StandingRequest));

	standing->request_seq = DatumGetInt64(row_datum(relation, row, Anum_standing_request_seq, NULL));
	strlcpy(standing->agency_id, row_text(relation, row, Anum_standing_agency_id), sizeof(standing->agency_id));
	standing->purpose = row_text(relation, row, Anum_standing_purpose);
	standing->reason = row_text(relation, row, Anum_standing_reason);
	standing->valid_until = row_time(relation, row, Anum_standing_valid_until, DT_NOBEGIN);
	return standing;
}

static void *
load_audited(Relation relation, HeapTuple row)
{
	char *agency_id = row_text(relation, row, Anum_auditor_agency_id);

	return agency_id ? agency_id : pstrdup("");
}

static RoleRules *
role_rules(Oid role)
{
	RoleRules	 *entry;
	RoleRules	  loaded = {.role = role};
	MemoryContext old;

	refresh();
	entry = hash_search(cache.roles, &role, HASH_FIND, NULL);
	if (entry)
		return entry;

	old = MemoryContextSwitchTo(cache.context);
	loaded.bindings = load_for_role(role, "role_binding", "role_binding_pkey", Anum_binding_role, load_binding);
	loaded.standing = load_for_role(role, "standing_request", "standing_request_role_idx", Anum_standing_role, load_standing);
	loaded.audited =
		load_for_role(role, "auditor_binding", "auditor_binding_role_agency_id_key", Anum_auditor_role, load_audited);
	MemoryContextSwitchTo(old);

	entry = hash_search(cache.roles, &role, HASH_ENTER, NULL);
	*entry = loaded;
	return entry;
}

List *
rules_bindings(Oid role)
{
	return role_rules(role)->bindings;
}

List *
rules_standing_requests(Oid role)
{
	return role_rules(role)->standing;
}

static void
load_declarations(AgencyDeclarations *loaded)
{
	Relation	relation = table_open(registry_own_relation("declaration"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	scan_key_text(&key, Anum_declaration_agency_id, loaded->agency_id);
	scan = systable_beginscan(relation, registry_own_relation("declaration_agency_id_idx"), true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		DeclarationPeriod *period = palloc0(sizeof(DeclarationPeriod));
		bool			   isnull;
		Datum			   last;

		period->declaration_id = DatumGetInt64(row_datum(relation, row, Anum_declaration_id, NULL));
		period->affirmed = true;
		for (int point = Anum_declaration_affirms_first; point <= Anum_declaration_affirms_last; point++)
			period->affirmed &= DatumGetBool(row_datum(relation, row, point, NULL));
		period->first_day = DatumGetDateADT(row_datum(relation, row, Anum_declaration_signed_on, NULL));
		last = row_datum(relation, row, Anum_declaration_valid_until, &isnull);
		period->last_day = isnull ? PG_INT32_MAX : DatumGetDateADT(last);
		period->withdrawn_at = row_time(relation, row, Anum_declaration_withdrawn_at, DT_NOEND);
		loaded->periods = lappend(loaded->periods, period);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

int64
rules_declaration(const char *agency_id, TimestampTz at)
{
	AgencyDeclarations *entry;
	ListCell		   *cell;
	int					day;

	if (!plausible_agency_id(agency_id) || !rules_statute())
		return 0;
	day = rules_day(at);
	entry = hash_search(cache.declarations, agency_id, HASH_FIND, NULL);
	if (!entry)
	{
		AgencyDeclarations loaded = {.periods = NIL};
		MemoryContext	   old = MemoryContextSwitchTo(cache.context);

		strlcpy(loaded.agency_id, agency_id, sizeof(loaded.agency_id));
		load_declarations(&loaded);
		MemoryContextSwitchTo(old);
		entry = hash_search(cache.declarations, agency_id, HASH_ENTER, NULL);
		*entry = loaded;
	}
	foreach (cell, entry->periods)
	{
		DeclarationPeriod *period = lfirst(cell);

		/* Withdrawal works by being there, whatever a clock says. */
		if (period->affirmed && day >= period->first_day && day <= period->last_day && period->withdrawn_at == DT_NOEND)
			return period->declaration_id;
	}
	return 0;
}

bool
rules_auditor_of(Oid role, const char *agency_id)
{
	ListCell *cell;

	if (superuser_arg(role))
		return true;
	foreach (cell, role_rules(role)->audited)
	{
		const char *audited = lfirst(cell);

		if (*audited == '\0' || (agency_id && strcmp(audited, agency_id) == 0))
			return true;
	}
	return false;
}
