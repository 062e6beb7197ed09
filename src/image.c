/*
 * image.c - the queue of images to delete, see image.h.
 *
 * References are gathered while their reads are deleted, with the rights of the
 * table's owner, and stored afterwards with ours: the owner has none on the
 * queue, and nothing of his runs where it is written.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "exempt.h"
#include "image.h"
#include "retention.h"

PG_FUNCTION_INFO_V1(ctlpr_images_in_use);

/* The list as statements of image_queue() know it */
#define LIST_NAME "ctlpr_purged_images"

/* Receives rows of (owner text, reference text) */
typedef struct ImageReceiver
{
	DestReceiver	 receiver;
	Tuplestorestate *list;
	Oid				 root;
} ImageReceiver;

/* ---- references ---- */

/* A text, a number or a UUID refers to an image; a bytea is one. */
static bool
is_reference(Oid type)
{
	char category;
	bool preferred;

	type = getBaseType(type);
	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING || category == TYPCATEGORY_NUMERIC || type == UUIDOID;
}

char *
image_reference_sql(const GovernedRelation *member)
{
	if (member->image <= 0 || !is_reference(get_atttype(member->relid, member->image)))
		return NULL;
	return psprintf("%s::pg_catalog.text", quote_identifier(get_attname(member->relid, member->image, false)));
}

/* ---- lists ---- */

static TupleDesc
list_desc(void)
{
	TupleDesc desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, 1, "agency_id", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 2, "reference", TEXTOID, -1, 0);
	return desc;
}

Tuplestorestate *
image_list_begin(void)
{
	/* Each statement that reads it begins at its beginning. */
	Tuplestorestate *list = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_set_eflags(list, EXEC_FLAG_REWIND);
	return list;
}

void
image_list_add(Tuplestorestate *list, const char *agency_id, Datum reference)
{
	static TupleDesc desc = NULL;
	Datum			 values[] = {CStringGetTextDatum(agency_id), PointerGetDatum(PG_DETOAST_DATUM_PACKED(reference))};
	bool			 nulls[] = {false, false};

	if (!desc)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		desc = list_desc();
		MemoryContextSwitchTo(old);
	}
	tuplestore_putvalues(list, desc, values, nulls);
	pfree(DatumGetPointer(values[0]));
	if (DatumGetPointer(values[1]) != DatumGetPointer(reference))
		pfree(DatumGetPointer(values[1]));
}

/* ---- queueing ---- */

static uint64
execute_over_list(const char *sql, Oid root, int expected)
{
	Oid	  types[] = {OIDOID, TEXTOID};
	Datum values[] = {ObjectIdGetDatum(root), CStringGetTextDatum(retention_relation_sql(root))};

	if (SPI_execute_with_args(sql, 2, types, values, NULL, false, 0) != expected)
		elog(ERROR, "unexpected result of a statement over the images of relation with OID %u", root);
	return SPI_processed;
}

/* Evidence is of the relation whose reads it keeps: it is the same image. */
#define SOURCE_SQL                                                                                                               \
	"(SELECT coalesce(s.relation, $1::pg_catalog.regclass) AS relation, coalesce(s.relation_name, $2) AS relation_name "         \
	"FROM (SELECT) one LEFT JOIN ctlpr.governed_relation g ON g.relation OPERATOR(pg_catalog.=) $1 "                             \
	"LEFT JOIN ctlpr.governed_relation s ON s.relation OPERATOR(pg_catalog.=) coalesce(g.evidence_of, g.relation)) source"

#define DUE_SQL                                                                                                                  \
	"pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.current_setting('ctlpr.image_deletion_limit')::pg_catalog.interval"

int64
image_queue(Oid root, Tuplestorestate *list)
{
	EphemeralNamedRelationData relation = {0};
	uint64					   queued;

	relation.md.name = LIST_NAME;
	relation.md.reliddesc = InvalidOid;
	relation.md.tupdesc = list_desc();
	relation.md.enrtype = ENR_NAMED_TUPLESTORE;
	relation.md.enrtuples = tuplestore_tuple_count(list);
	relation.reldata = list;

	SPI_connect();
	if (SPI_register_relation(&relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the list of purged images");
	/* What was held back for this read, and perhaps for others, is looked at again at once. */
	(void) execute_over_list("UPDATE ctlpr.image_deletion d SET available_at = pg_catalog.clock_timestamp(), due_at = " DUE_SQL
							 " FROM " LIST_NAME " p, " SOURCE_SQL
							 " WHERE (SELECT true FROM ctlpr.image_deletion k WHERE k.kept_at IS NOT NULL LIMIT 1) "
							 "AND d.kept_at IS NOT NULL AND d.relation OPERATOR(pg_catalog.=) source.relation "
							 "AND d.reference OPERATOR(pg_catalog.=) p.reference",
							 root, SPI_OK_UPDATE);
	queued = execute_over_list("INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at) "
							   "SELECT source.relation, source.relation_name, p.agency_id, p.reference, " DUE_SQL
							   " FROM " LIST_NAME " p, " SOURCE_SQL " WHERE p.reference OPERATOR(pg_catalog.<>) '' "
							   "ON CONFLICT (relation, pg_catalog.md5(reference)) WHERE reference IS NOT NULL DO NOTHING",
							   root, SPI_OK_INSERT);
	SPI_finish();
	tuplestore_end(list);
	return (int64) queued;
}

static bool
receive_image(TupleTableSlot *slot, DestReceiver *self)
{
	ImageReceiver *images = (ImageReceiver *) self;
	char		  *agency_id = "";

	slot_getallattrs(slot);
	if (!slot->tts_isnull[0])
		agency_id = registry_owner_agency(images->root, TextDatumGetCString(slot->tts_values[0]));
	image_list_add(images->list, agency_id, slot->tts_values[1]);
	return true;
}

static void
start_up(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
shut_down(DestReceiver *self)
{
}

int64
image_queue_all(const GovernedRelation *member)
{
	char		 *reference = image_reference_sql(member);
	ImageReceiver images = {.receiver = {receive_image, start_up, shut_down, shut_down, DestNone}, .root = member->root};

	if (!reference)
		return 0;
	images.list = image_list_begin();
	(void) exempt_send(member->relid,
					   psprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL", retention_owner_sql(member), reference,
								retention_relation_sql(member->relid), reference),
					   0, NULL, &images.receiver, NULL);
	return image_queue(member->root, images.list);
}

/* ---- what is still in use ---- */

/*
 * Is a hold being registered?  It may copy reads whose rows are gone by now, and
 * whoever began before it does not see them yet.
 */
static bool
hold_is_registered(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, registry_own_relation("hold"));
	return VirtualTransactionIdIsValid(*GetLockConflicts(&tag, ShareLock, NULL));
}

/* Those of the references that rows of a governed relation have; false: it cannot be told. */
static bool
add_used(ArrayBuildState **used, Oid root, const char *references)
{
	const GovernedRelation *found = registry_lookup(root);
	GovernedRelation		governed;
	Tuplestorestate		   *rows;
	TupleTableSlot		   *slot;
	TupleDesc				desc;
	char				   *reference;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(root)))
		return true; /* gone, with its rows */
	if (!found || found->broken)
	{
		ereport(WARNING, (errmsg("whether relation with OID %u refers to images cannot be told", root),
						  errdetail("Its registration does not fit its columns, so that no image is deleted.")));
		return false;
	}
	governed = *found;
	reference = image_reference_sql(&governed);
	if (!reference)
		return true;
	rows = tuplestore_begin_heap(false, false, work_mem);
	exempt_run(root,
			   psprintf("SELECT r.reference FROM pg_catalog.unnest(%s::pg_catalog.text[]) r (reference) "
						"WHERE EXISTS (SELECT FROM %s read WHERE read.%s OPERATOR(pg_catalog.=) r.reference)",
						references, retention_relation_sql(root), reference),
			   0, NULL, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool  isnull;
		Datum value = slot_getattr(slot, 1, &isnull);

		*used = accumArrayResult(*used, value, isnull, TEXTOID, CurrentMemoryContext);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	return true;
}

/*
 * images_in_use(references): those that a row of a governed relation has,
 * expired or not, evidence included; NULL when it cannot be told now
 */
Datum
ctlpr_images_in_use(PG_FUNCTION_ARGS)
{
	char			*references = quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(0)));
	List			*roots;
	ListCell		*cell;
	ArrayBuildState *used = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	bool			 known = !hold_is_registered();

	/* Whatever the snapshot of the transaction: what was committed since counts. */
	PushActiveSnapshot(GetLatestSnapshot());
	roots = registry_roots();
	foreach (cell, roots)
		known = known && add_used(&used, lfirst_oid(cell), references);
	PopActiveSnapshot();
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(makeArrayResult(used, CurrentMemoryContext));
}
