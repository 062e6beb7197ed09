/*
 * registry.c - finds out what is governed.
 *
 * A partition or child is governed because an ancestor is, so a lookup walks
 * pg_inherits upwards once and keeps the answer, the negative one too.  The
 * answers go when relcache says that the relation changed, and all of them
 * when a rule changed (rules_generation) or the extension came or went.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "registry.h"
#include "rules.h"
#include "shared.h"

/* Attribute numbers of ctlpr.governed_relation and ctlpr.agency_key, see sql/governed_table.sql */
enum
{
	Anum_relation = 1,
	Anum_relation_name,
	Anum_captured_at_column,
	Anum_plate_column,
	Anum_agency_column,
	Anum_owner_agency,
	Anum_camera_column,
	Anum_image_column,
	Anum_retention,
	Anum_mode,
	Anum_observe_until,
	Anum_allow_triggers,
	Anum_purging,
	Anum_purge_approved_by,
	Anum_purge_started_at,
	Anum_governed_at,
	Anum_governed_by,
	Anum_evidence_of,
	Anum_hidden_before,
	Anum_detached_from
};
enum
{
	Anum_key_relation = 1,
	Anum_key_value,
	Anum_key_agency_id
};

enum
{
	Anum_aggregate_relation = 1,
	Anum_aggregate_withdrawn_at
};

typedef struct RegistryEntry
{
	Oid				 relid; /* hash key */
	bool			 governed;
	GovernedRelation relation;
} RegistryEntry;

/* The extension's objects; known while ready */
typedef struct Objects
{
	Oid				schema;
	Oid				extension;
	Oid				owner;
	Oid				governed_relation;
	Oid				governed_relation_index;
	Oid				agency_key;
	Oid				agency_key_index;
	Oid				log;
	Oid				log_index;
	Oid				log_time_index;
	PolicyFunctions functions;
} Objects;

typedef enum Readiness
{
	READINESS_UNKNOWN,
	READINESS_NO_SCHEMA, /* stays so until a schema is made */
	READINESS_READY
} Readiness;

static Readiness readiness = READINESS_UNKNOWN;
static Objects	 objects;
static TupleDesc log_descriptor = NULL;
static HTAB		*entries = NULL;
static uint64	 entries_generation = 0;
static bool		 entries_stale = true;
static int		 governed_count = -1; /* roots; -1: not counted */
static bool		 looking_up = false;
static bool		 updating = false; /* ALTER EXTENSION ctlpr UPDATE is under way */
static uint64	 changes = 0;	   /* heard of */

/* ---- invalidation ---- */

static void
forget_relation(Datum arg, Oid relid)
{
	changes++;
	/* DROP EXTENSION leaves the schema, so the extension's own tables tell that it is gone. */
	if (!OidIsValid(relid) || relid == objects.governed_relation || relid == objects.log)
		readiness = READINESS_UNKNOWN;
	if (!OidIsValid(relid) || relid == objects.governed_relation || relid == objects.agency_key || looking_up)
		entries_stale = true;
	else if (entries)
	{
		RegistryEntry *entry = hash_search(entries, &relid, HASH_FIND, NULL);

		/* What changed may be a parent of others. */
		if (entry && entry->governed)
			entries_stale = true;
		else if (entry)
			hash_search(entries, &relid, HASH_REMOVE, NULL);
	}
}

static void
forget_objects(Datum arg, int cacheid, uint32 hashvalue)
{
	changes++;
	readiness = READINESS_UNKNOWN;
	entries_stale = true;
}

void
registry_forget(void)
{
	changes++;
	entries_stale = true;
}

uint64
registry_version(void)
{
	/* Both only grow. */
	return changes + pg_atomic_read_u64(&shared_database()->rules_generation);
}

void
registry_install(void)
{
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_objects, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, forget_objects, (Datum) 0);
}

/* ---- the extension's own objects ---- */

static Oid
own_function(Oid schema, const char *name, int nargs, const Oid *types)
{
	oidvector *signature = buildoidvector(types, nargs);
	Oid		   oid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name), PointerGetDatum(signature),
									 ObjectIdGetDatum(schema));

	pfree(signature);
	return oid;
}

static void
find_policy_functions(Oid schema, PolicyFunctions *functions)
{
	static const Oid relation[] = {OIDOID};
	static const Oid touched[] = {OIDOID, TIMESTAMPTZOID, TEXTOID};
	static const Oid row[] = {OIDOID, TIMESTAMPTZOID, TEXTOID, ANYOID, ANYOID, INT8OID};

	functions->visible_since = own_function(schema, "visible_since", 1, relation);
	functions->referential = own_function(schema, "referential", 1, relation);
	functions->may_read = own_function(schema, "may_read", lengthof(row), row);
	functions->may_change = own_function(schema, "may_change", lengthof(row), row);
	functions->may_probe = own_function(schema, "may_probe", lengthof(row), row);
	functions->touch = own_function(schema, "touch", lengthof(touched), touched);
	functions->touch_given = own_function(schema, "touch_given", lengthof(touched), touched);
	functions->may_insert = own_function(schema, "may_insert", lengthof(row), row);
	functions->admits = own_function(schema, "admits", lengthof(touched), touched);
	functions->shows_statistics = own_function(schema, "shows_statistics", 1, relation);
	functions->shows_extended_statistics = own_function(schema, "shows_extended_statistics", 1, relation);
}

/* Keep a descriptor of the log that outlives transactions: an entry may have to be formed while one is aborted. */
static void
keep_log_descriptor(void)
{
	Relation	  log = table_open(objects.log, AccessShareLock);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	TupleDesc	  copy = CreateTupleDescCopy(RelationGetDescr(log));

	if (log_descriptor)
		FreeTupleDesc(log_descriptor);
	log_descriptor = copy;
	MemoryContextSwitchTo(old);
	table_close(log, AccessShareLock);
}

static Oid
owner_of(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid		  owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Find all objects; false when one is missing. */
static bool
find_objects(Oid schema)
{
	Objects found;

	memset(&found, 0, sizeof(found));
	found.schema = schema;
	found.extension = get_extension_oid("ctlpr", true);
	found.governed_relation = get_relname_relid("governed_relation", schema);
	found.governed_relation_index = get_relname_relid("governed_relation_pkey", schema);
	found.agency_key = get_relname_relid("agency_key", schema);
	found.agency_key_index = get_relname_relid("agency_key_pkey", schema);
	found.log = get_relname_relid("audit_entry", schema);
	found.log_index = get_relname_relid("audit_entry_pkey", schema);
	found.log_time_index = get_relname_relid("audit_entry_at_idx", schema);
	found.owner = OidIsValid(found.log) ? owner_of(found.log) : InvalidOid;
	find_policy_functions(schema, &found.functions);
	objects = found;
	return OidIsValid(found.governed_relation) && OidIsValid(found.governed_relation_index) && OidIsValid(found.agency_key) &&
		   OidIsValid(found.agency_key_index) && OidIsValid(found.log) && OidIsValid(found.log_index) &&
		   OidIsValid(found.log_time_index) && OidIsValid(found.functions.visible_since) &&
		   OidIsValid(found.functions.may_read) && OidIsValid(found.functions.may_change) &&
		   OidIsValid(found.functions.may_probe) && OidIsValid(found.functions.may_insert) &&
		   OidIsValid(found.functions.referential) && OidIsValid(found.functions.touch) &&
		   OidIsValid(found.functions.touch_given) && OidIsValid(found.functions.admits) &&
		   OidIsValid(found.functions.shows_statistics) && OidIsValid(found.functions.shows_extended_statistics);
}

/* What is missing may be of a later version than the extension is of. */
static int
hint_at_update(void)
{
	return errhint("If the library is newer than the extension, run ALTER EXTENSION ctlpr UPDATE.");
}

/*
 * Find out whether the extension is there.  An extension with a part missing
 * is no reason to let statements pass: that is an error, except while its
 * script runs, or the command that mends it.
 */
static void
settle_readiness(void)
{
	Oid schema = get_namespace_oid("ctlpr", true);

	if (!OidIsValid(schema))
	{
		readiness = READINESS_NO_SCHEMA;
		return;
	}

	/* Anybody may make a schema of this name; only the extension counts. */
	if (creating_extension || !OidIsValid(get_extension_oid("ctlpr", true)))
		return;
	if (!find_objects(schema))
	{
		if (updating)
			return;
		ereport(ERROR, (errcode(ERRCODE_LP_WEAKENING), errmsg("an object of extension \"ctlpr\" is missing"), hint_at_update()));
	}
	readiness = READINESS_READY;
	keep_log_descriptor();
}

bool
registry_ready(void)
{
	/* pg_upgrade makes the extension's objects one by one; nothing is asked of them meanwhile. */
	if (!OidIsValid(MyDatabaseId) || looking_up || IsBinaryUpgrade)
		return false;

	/* Looking may itself process an invalidation; then what was found has to be looked up again. */
	while (readiness == READINESS_UNKNOWN)
	{
		settle_readiness();
		if (readiness == READINESS_UNKNOWN && (creating_extension || updating || !OidIsValid(get_extension_oid("ctlpr", true))))
			return false;
	}
	return readiness == READINESS_READY;
}

bool
registry_set_updating(bool is_updating)
{
	bool before = updating;

	updating = is_updating;
	return before;
}

const PolicyFunctions *
registry_policy_functions(void)
{
	return &objects.functions;
}

Oid
registry_extension(void)
{
	return objects.extension;
}

Oid
registry_extension_owner(void)
{
	return objects.owner;
}

Oid
registry_log_relation(void)
{
	return objects.log;
}

Oid
registry_log_index(void)
{
	return objects.log_index;
}

Oid
registry_log_time_index(void)
{
	return objects.log_time_index;
}

TupleDesc
registry_log_descriptor(void)
{
	if (!log_descriptor && !registry_ready())
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"ctlpr\" is not installed in this database")));
	return log_descriptor;
}

Oid
registry_own_relation(const char *name)
{
	Oid oid = get_relname_relid(name, objects.schema);

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"ctlpr.%s\" does not exist", name), hint_at_update()));
	return oid;
}

/* Version of the extension's objects, palloc'd; NULL when it is not there */
static char *
extension_version(void)
{
	Relation  extensions = table_open(ExtensionRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(extensions, ExtensionOidIndexId, NULL, Anum_pg_extension_oid, registry_extension());
	char	 *version = HeapTupleIsValid(row) ? row_text(extensions, row, Anum_pg_extension_extversion) : NULL;

	table_close(extensions, AccessShareLock);
	return version;
}

bool
registry_awaits_relation(const char *name)
{
	char *version;

	if (OidIsValid(get_relname_relid(name, objects.schema)))
		return false;
	version = extension_version();
	return version != NULL && strcmp(version, "0.1") == 0;
}

/* ---- lookups ---- */

static void
refresh_entries(void)
{
	uint64 generation = pg_atomic_read_u64(&shared_database()->rules_generation);

	if (entries && !entries_stale && entries_generation == generation)
		return;
	if (entries)
		hash_destroy(entries);
	entries = NULL;
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(RegistryEntry), .hcxt = TopMemoryContext};

		entries = hash_create("ctlpr governed relations", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	governed_count = -1;
	entries_stale = false;
	entries_generation = generation;
}

/* The row of a root in ctlpr.governed_relation, copied; NULL when there is none */
static HeapTuple
registered_row(Relation registry, Oid relid)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(registry, objects.governed_relation_index, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

Oid
registry_evidence(Oid root)
{
	Relation	registry = table_open(objects.governed_relation, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	Oid			evidence = InvalidOid;

	ScanKeyInit(&key, Anum_evidence_of, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(root));
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		evidence = DatumGetObjectId(row_datum(registry, row, Anum_relation, NULL));
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return evidence;
}

bool
registry_allows_trigger(Oid root, const char *name)
{
	Relation   registry = table_open(objects.governed_relation, AccessShareLock);
	HeapTuple  row = registered_row(registry, root);
	ArrayType *allowed = row ? DatumGetArrayTypeP(row_datum(registry, row, Anum_allow_triggers, NULL)) : NULL;
	bool	   found = false;

	if (allowed)
	{
		ArrayIterator iterator = array_create_iterator(allowed, 0, NULL);
		Datum		  value;
		bool		  isnull;

		while (array_iterate(iterator, &value, &isnull))
			found |= !isnull && strcmp(NameStr(*DatumGetName(value)), name) == 0;
		array_free_iterator(iterator);
	}
	table_close(registry, AccessShareLock);
	return found;
}

bool
registry_aggregate_approved(Oid relid)
{
	Relation	aggregates = table_open(registry_own_relation("aggregate"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		withdrawn = true;

	ScanKeyInit(&key, Anum_aggregate_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(aggregates, registry_own_relation("aggregate_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		withdrawn = !heap_attisnull(row, Anum_aggregate_withdrawn_at, RelationGetDescr(aggregates));
	systable_endscan(scan);
	table_close(aggregates, AccessShareLock);
	return !withdrawn;
}

/* Parents of a relation, a list of Oid */
static List *
parents_of(Oid relid)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		result = lappend_oid(result, ((Form_pg_inherits) GETSTRUCT(row))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return result;
}

/*
 * The row of the topmost governed ancestor, or of the relation itself; *root
 * tells which.  A partition that is about to be detached has a row of its own
 * already, which counts once it stands alone.
 */
static HeapTuple
governing_row(Relation registry, Oid relid, Oid *root)
{
	List	 *parents = parents_of(relid);
	HeapTuple row = NULL;
	ListCell *cell;

	foreach (cell, parents)
	{
		row = governing_row(registry, lfirst_oid(cell), root);
		if (row)
			break;
	}
	list_free(parents);
	if (row)
		return row;
	*root = relid;
	return registered_row(registry, relid);
}

/* Attribute numbers of a named column in root and member; false when it is not there */
static bool
resolve_column(Relation registry, HeapTuple row, int attribute, Oid root, Oid relid, AttrNumber *in_root, AttrNumber *in_member)
{
	bool  isnull;
	Datum value = row_datum(registry, row, attribute, &isnull);

	*in_root = *in_member = InvalidAttrNumber;
	if (isnull)
		return true;
	*in_root = get_attnum(root, NameStr(*DatumGetName(value)));
	*in_member = get_attnum(relid, NameStr(*DatumGetName(value)));
	return *in_root > 0 && *in_member > 0;
}

static void
fill_governed(Relation registry, HeapTuple row, Oid root, Oid relid, GovernedRelation *result)
{
	AttrNumber unused;
	bool	   isnull;
	Datum	   value;
	char	  *owner;
	char	  *schema = get_namespace_name(get_rel_namespace(root));
	bool	   fits;

	result->relid = relid;
	result->root = root;
	if (schema)
		strlcpy(result->root_name, quote_qualified_identifier(schema, get_rel_name(root)), sizeof(result->root_name));

	fits = schema != NULL;
	fits &= resolve_column(registry, row, Anum_captured_at_column, root, relid, &result->root_captured_at, &result->captured_at);
	fits &= resolve_column(registry, row, Anum_plate_column, root, relid, &unused, &result->plate);
	fits &= resolve_column(registry, row, Anum_agency_column, root, relid, &result->root_owner, &result->owner);
	fits &= resolve_column(registry, row, Anum_camera_column, root, relid, &unused, &result->camera);
	fits &= resolve_column(registry, row, Anum_image_column, root, relid, &unused, &result->image);
	(void) row_datum(registry, row, Anum_evidence_of, &isnull);
	if (!isnull)
	{
		result->hold = get_attnum(relid, "ctlpr_hold_id");
		fits &= result->hold > 0 && get_atttype(relid, result->hold) == INT8OID;
	}
	owner = row_text(registry, row, Anum_owner_agency);
	if (owner)
		strlcpy(result->owner_agency, owner, sizeof(result->owner_agency));
	fits &= (owner != NULL) != (result->owner > 0);
	fits &= result->captured_at > 0 && get_atttype(relid, result->captured_at) == TIMESTAMPTZOID;
	result->broken = !fits;

	strlcpy(result->retention, row_text(registry, row, Anum_retention), sizeof(result->retention));
	value = row_datum(registry, row, Anum_detached_from, &isnull);
	result->detached_from = isnull ? InvalidOid : DatumGetObjectId(value);
	value = row_datum(registry, row, Anum_hidden_before, &isnull);
	result->hidden_before = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	value = row_datum(registry, row, Anum_observe_until, &isnull);
	result->observe_until = isnull ? 0 : DatumGetTimestampTz(value);
	result->purging = DatumGetBool(row_datum(registry, row, Anum_purging, NULL));
}

/* Is any value of the root's owner column registered as an agency's? */
static bool
has_agency_keys(Oid root)
{
	Relation	keys = table_open(objects.agency_key, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key, Anum_key_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(root));
	scan = systable_beginscan(keys, objects.agency_key_index, true, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(keys, AccessShareLock);
	return found;
}

static void
load_entry(Oid relid, RegistryEntry *loaded)
{
	Relation  registry = table_open(objects.governed_relation, AccessShareLock);
	Oid		  root = InvalidOid;
	HeapTuple row = governing_row(registry, relid, &root);

	memset(loaded, 0, sizeof(*loaded));
	loaded->relid = relid;
	loaded->governed = HeapTupleIsValid(row);
	if (loaded->governed)
	{
		fill_governed(registry, row, root, relid, &loaded->relation);
		loaded->relation.has_keys = has_agency_keys(root);
		heap_freetuple(row);
	}
	table_close(registry, AccessShareLock);
}

const GovernedRelation *
registry_lookup(Oid relid)
{
	RegistryEntry *entry;
	RegistryEntry  loaded;

	/* Catalogs are never governed, nor is anything while we look ourselves. */
	if (relid < FirstNormalObjectId || looking_up || !registry_ready())
		return NULL;

	if (!registry_any_governed())
		return NULL;
	entry = hash_search(entries, &relid, HASH_FIND, NULL);
	if (entry == NULL)
	{
		looking_up = true;
		PG_TRY();
		{
			load_entry(relid, &loaded);
		}
		PG_FINALLY();
		{
			looking_up = false;
		}
		PG_END_TRY();

		/* An invalidation meanwhile has marked the table stale; then this answer is the last that it gives. */
		entry = hash_search(entries, &relid, HASH_ENTER, NULL);
		*entry = loaded;
	}
	return entry->governed ? &entry->relation : NULL;
}

List *
registry_roots(void)
{
	List	   *result = NIL;
	Relation	registry;
	SysScanDesc scan;
	HeapTuple	row;

	if (!registry_ready())
		return NIL;
	registry = table_open(objects.governed_relation, AccessShareLock);
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Oid		  relid = DatumGetObjectId(row_datum(registry, row, Anum_relation, NULL));
		Oid		  root = InvalidOid;
		HeapTuple governing = governing_row(registry, relid, &root);

		if (governing)
			heap_freetuple(governing);
		if (root == relid)
			result = lappend_oid(result, relid);
	}
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return result;
}

/*
 * That nothing is governed is known to all sessions, so that hardly a
 * transaction of theirs has to look: each look leaves a predicate lock on the
 * registry where the transaction is a serializable one.
 */
static int
count_governed(void)
{
	DatabaseSlot *slot = shared_database();
	uint64		  known = entries_generation + 1;
	bool		  shareable = !rules_changed_here() && !RecoveryInProgress();
	List		 *roots;
	int			  count;

	if (shareable && pg_atomic_read_u64(&slot->nothing_governed) == known)
		return 0;
	roots = registry_roots();
	count = list_length(roots);
	list_free(roots);
	if (count == 0 && shareable)
		pg_atomic_write_u64(&slot->nothing_governed, known);
	return count;
}

bool
registry_any_governed(void)
{
	if (looking_up || !registry_ready())
		return false;
	refresh_entries();
	/* On a standby rules change without a word to its sessions. */
	if (governed_count < 0 || RecoveryInProgress())
		governed_count = count_governed();
	return governed_count > 0;
}

bool
registry_was_any_governed(void)
{
	return governed_count > 0;
}

bool
registry_observed(const GovernedRelation *governed, TimestampTz now)
{
	return governed->observe_until != 0 && now < governed->observe_until;
}

List *
registry_owner_values(Oid root, const char *agency_id)
{
	Relation	keys = table_open(objects.agency_key, AccessShareLock);
	List	   *values = NIL;
	bool		taken = false; /* the identifier itself stands for another agency */
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_key_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(root));
	scan = systable_beginscan(keys, objects.agency_key_index, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		char *value = row_text(keys, row, Anum_key_value);

		taken |= strcmp(value, agency_id) == 0;
		if (strcmp(row_text(keys, row, Anum_key_agency_id), agency_id) == 0)
			values = lappend(values, value);
	}
	systable_endscan(scan);
	table_close(keys, AccessShareLock);
	return taken ? values : lappend(values, pstrdup(agency_id));
}

char *
registry_owner_agency(Oid root, const char *value)
{
	const GovernedRelation *governed = registry_lookup(root);
	Relation				keys;
	ScanKeyData				key[2];
	SysScanDesc				scan;
	HeapTuple				row;
	char				   *result = NULL;

	if (governed && !governed->has_keys)
		return pstrdup(value);
	keys = table_open(objects.agency_key, AccessShareLock);
	ScanKeyInit(&key[0], Anum_key_relation, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(root));
	scan_key_text(&key[1], Anum_key_value, value);
	scan = systable_beginscan(keys, objects.agency_key_index, true, NULL, 2, key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		result = row_text(keys, row, Anum_key_agency_id);
	systable_endscan(scan);
	table_close(keys, AccessShareLock);
	return result ? result : pstrdup(value);
}
