/*
 * hold.c - the copies that a hold keeps.
 *
 * The main table purges without asking, so a read that is held must be in the
 * evidence table before it goes: when the hold begins, in each round of the
 * purge worker, and once more in the transaction that deletes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "catalog_scan.h"
#include "exempt.h"
#include "hold.h"
#include "instruments.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"

/* Attribute numbers of ctlpr.hold, see sql/hold.sql */
enum
{
	Anum_hold_id = 1,
	Anum_hold_relation,
	Anum_hold_agency_id,
	Anum_hold_case_number,
	Anum_hold_ended_at,
	Anum_hold_basis,
	Anum_hold_clause,
	Anum_hold_purpose,
	Anum_hold_plates,
	Anum_hold_captured,
	Anum_hold_requested_by,
	Anum_hold_approved_by,
	Anum_hold_relation_name,
	Anum_hold_started_at,
	Anum_hold_outcome,
	Anum_hold_ended_by,
	Anum_hold_purge_after,
	Anum_hold_live_since
};

typedef struct Hold
{
	int64		hold_id;
	Oid			relation;
	char	   *agency_id;
	bool		open;
	char	   *plates;		/* as an array's text; NULL: any */
	char	   *captured;	/* as a range's text; NULL: any */
	TimestampTz live_since; /* what was captured before had expired when it began */
} Hold;

PG_FUNCTION_INFO_V1(ctlpr_apply_hold);
PG_FUNCTION_INFO_V1(ctlpr_held_reads);

/* ---- reading ---- */

static char *
row_output(Relation relation, HeapTuple row, int attribute)
{
	bool  isnull;
	Datum value = row_datum(relation, row, attribute, &isnull);
	Oid	  function;
	bool  varlena;

	if (isnull)
		return NULL;
	getTypeOutputInfo(TupleDescAttr(RelationGetDescr(relation), attribute - 1)->atttypid, &function, &varlena);
	return OidOutputFunctionCall(function, value);
}

static Hold *
load_hold(Relation relation, HeapTuple row)
{
	Hold *hold = palloc0(sizeof(Hold));
	bool  isnull;

	hold->hold_id = DatumGetInt64(row_datum(relation, row, Anum_hold_id, NULL));
	hold->relation = DatumGetObjectId(row_datum(relation, row, Anum_hold_relation, NULL));
	hold->agency_id = row_text(relation, row, Anum_hold_agency_id);
	(void) row_datum(relation, row, Anum_hold_ended_at, &isnull);
	hold->open = isnull;
	hold->plates = row_output(relation, row, Anum_hold_plates);
	hold->captured = row_output(relation, row, Anum_hold_captured);
	hold->live_since = DatumGetTimestampTz(row_datum(relation, row, Anum_hold_live_since, NULL));
	return hold;
}

static Hold *
find_hold(int64 hold_id)
{
	Relation	relation = table_open(registry_own_relation("hold"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	Hold	   *hold = NULL;

	ScanKeyInit(&key, Anum_hold_id, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hold_id));
	scan = systable_beginscan(relation, registry_own_relation("hold_pkey"), true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		hold = load_hold(relation, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return hold;
}

List *
hold_open(Oid root)
{
	Relation	relation = table_open(registry_own_relation("hold"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	List	   *result = NIL;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Hold *hold = load_hold(relation, row);

		if (hold->open && (!OidIsValid(root) || hold->relation == root))
		{
			int64 *hold_id = palloc(sizeof(int64));

			*hold_id = hold->hold_id;
			result = lappend(result, hold_id);
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* ---- copying ---- */

static char *
instant_literal(TimestampTz at)
{
	return psprintf("%s::pg_catalog.timestamptz",
					quote_literal_cstr(DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)))));
}

/* Columns of a member that the evidence table has, quoted and comma-separated */
static char *
shared_columns(Oid member, Oid evidence)
{
	Relation	   relation = table_open(member, AccessShareLock);
	TupleDesc	   desc = RelationGetDescr(relation);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strncmp(NameStr(attribute->attname), "ctlpr_", 6) != 0 &&
			get_attnum(evidence, NameStr(attribute->attname)) != InvalidAttrNumber)
			appendStringInfo(&columns, "%s%s", columns.len ? ", " : "", quote_identifier(NameStr(attribute->attname)));
	}
	table_close(relation, NoLock);
	return columns.data;
}

static void
append_plates(StringInfo condition, const GovernedRelation *member, const char *plates, bool as_written)
{
	const char *plate = quote_identifier(get_attname(member->relid, member->plate, false));

	if (as_written)
		appendStringInfo(condition, " AND %s::pg_catalog.text = ANY (%s::pg_catalog.text[])", plate, quote_literal_cstr(plates));
	else
		appendStringInfo(condition,
						 " AND pg_catalog.upper(pg_catalog.regexp_replace(%s::pg_catalog.text COLLATE pg_catalog.\"C\", "
						 "'[\\x01-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7f]', '', 'g') COLLATE pg_catalog.\"C\") = ANY "
						 "(%s::pg_catalog.text[])", /* as ctlpr.normal_plate(), which the owner may not call */
						 plate, quote_literal_cstr(plates));
}

/* The agency's own reads; false when the member has none */
static bool
append_owner(StringInfo condition, const GovernedRelation *member, const char *agency_id)
{
	ListCell   *cell;
	const char *joint = " AND (";

	if (member->owner <= 0)
		return strcmp(member->owner_agency, agency_id) == 0;
	foreach (cell, registry_owner_values(member->root, agency_id))
	{
		appendStringInfo(condition, "%s%s = %s::pg_catalog.text", joint, retention_owner_sql(member),
						 quote_literal_cstr(lfirst(cell)));
		joint = " OR ";
	}
	appendStringInfoChar(condition, ')');
	return strcmp(joint, " OR ") == 0;
}

/* Of a relation without a primary key, a copy is known by what its read holds; a column that is added later changes nothing. */
#define READ_KEY	 "ctlpr_read_key"
#define READ_KEY_SQL "pg_catalog.md5(pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(read))::pg_catalog.text)::pg_catalog.uuid"

/* Without its evidence table a relation with holds is not purged, for what is held would go. */
static void
check_evidence(Oid root, Oid evidence)
{
	const GovernedRelation *governed = OidIsValid(evidence) ? registry_lookup(evidence) : NULL;

	if (!governed || governed->broken || governed->hold <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_LP_HOLD), errmsg("the evidence table of relation with OID %u is missing or altered", root),
				 errhint("End the holds on it with ctlpr.end_hold(), or restore the table from a backup.")));
}

/* Bring the evidence table up to what its relation has become: columns, types, owner. */
static void
update_evidence(Oid root)
{
	SPI_connect();
	if (SPI_execute(psprintf("SELECT ctlpr.evidence_table(%u::pg_catalog.regclass)", root), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not update the evidence table of relation with OID %u", root);
	SPI_finish();
	CommandCounterIncrement();
}

/* Copy, and keep to itself what the server would tell of a row that cannot be copied. */
static int64
run_copy(Oid member, const char *sql)
{
	MemoryContext	caller = CurrentMemoryContext;
	volatile uint64 copied = 0;

	PG_TRY();
	{
		copied = exempt_run(member, sql, 0, NULL, NULL, NULL);
	}
	PG_CATCH();
	{
		int sqlstate = geterrcode();

		MemoryContextSwitchTo(caller);
		FlushErrorState();
		ereport(ERROR, (errcode(sqlstate), errmsg("held reads of relation with OID %u cannot be copied", member),
						errdetail("The server's error was SQLSTATE %s; its text stays here, since it may quote a read.",
								  unpack_sql_state(sqlstate)),
						errhidestmt(true), errhidecontext(true)));
	}
	PG_END_TRY();
	return (int64) copied;
}

/* Copy the rows of a part of a member that a hold covers. */
static int64
copy_rows(const Hold *hold, const GovernedRelation *member, bool only, bool as_written, const HoldPart *part)
{
	Oid			   evidence = registry_evidence(member->root);
	char		  *captured = retention_captured_sql(member);
	StringInfoData condition;
	char		  *columns;
	bool		   keyed;

	check_evidence(member->root, evidence);
	initStringInfo(&condition);
	appendStringInfo(&condition, "%s >= %s", captured, instant_literal(part->from));
	if (part->until != DT_NOEND)
		appendStringInfo(&condition, " AND %s < %s", captured, instant_literal(part->until));
	if (part->end != InvalidBlockNumber)
		appendStringInfo(&condition, " AND read.ctid >= '(%u,0)'::pg_catalog.tid AND read.ctid < '(%u,0)'::pg_catalog.tid",
						 part->block, part->end);
	if (hold->captured)
		appendStringInfo(&condition, " AND %s <@ %s::pg_catalog.tstzrange", captured, quote_literal_cstr(hold->captured));
	if (hold->plates)
		append_plates(&condition, member, hold->plates, as_written);
	if (!append_owner(&condition, member, hold->agency_id))
		return 0;

	columns = shared_columns(member->relid, evidence);
	keyed = get_attnum(evidence, READ_KEY) != InvalidAttrNumber;
	return run_copy(member->relid, psprintf("INSERT INTO %s (%s, ctlpr_hold_id%s) SELECT %s, " INT64_FORMAT
											"%s FROM %s%s read WHERE %s ON CONFLICT DO NOTHING",
											retention_relation_sql(evidence), columns, keyed ? ", " READ_KEY : "", columns,
											hold->hold_id, keyed ? ", " READ_KEY_SQL : "", only ? "ONLY " : "",
											retention_relation_sql(member->relid), condition.data));
}

int64
hold_apply(int64 hold_id, HoldReach reach, TimestampTz now)
{
	Hold				   *hold = find_hold(hold_id);
	const GovernedRelation *found = hold && hold->open ? registry_lookup(hold->relation) : NULL;
	GovernedRelation		governed;
	AgencyRetention			retention;
	HoldPart				live = HOLD_ALL;
	TimestampTz				limit;

	if (!found || found->root != hold->relation || found->broken)
		return 0;
	governed = *found;
	if (!retention_limit(&governed, now, &limit))
		return 0;
	update_evidence(governed.root);
	retention = instruments_retention(hold->agency_id, now);
	live.from = Max(limit, instruments_limit(&retention, now));
	return copy_rows(hold, &governed, false, reach == HOLD_ARRIVED && hold->plates != NULL, &live);
}

void
hold_keep(const GovernedRelation *member, HoldPart part)
{
	List	 *open = hold_open(member->root);
	ListCell *cell;

	if (open != NIL)
		update_evidence(member->root);
	foreach (cell, open)
	{
		Hold	*hold = find_hold(*(int64 *) lfirst(cell));
		HoldPart held = part;

		if (!hold || !hold->open)
			continue;
		/* What had expired when the hold began was nobody's to hold. */
		held.from = Max(hold->live_since, part.from);
		(void) copy_rows(hold, member, true, false, &held);
	}
}

/* ---- SQL functions ---- */

/* apply_hold(hold_id): copy what it covers now; result: reads copied */
Datum
ctlpr_apply_hold(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(hold_apply(PG_GETARG_INT64(0), HOLD_LIVE, shared_now()));
}

/* held_reads(hold_id): reads copied for it that are still there */
Datum
ctlpr_held_reads(PG_FUNCTION_ARGS)
{
	Hold				   *hold = find_hold(PG_GETARG_INT64(0));
	Oid						evidence = hold ? registry_evidence(hold->relation) : InvalidOid;
	const GovernedRelation *governed = OidIsValid(evidence) ? registry_lookup(evidence) : NULL;
	Tuplestorestate		   *rows;
	TupleDesc				desc;
	TupleTableSlot		   *slot;
	bool					isnull;
	int64					count = 0;

	if (!governed || governed->broken || governed->hold <= 0)
		PG_RETURN_INT64(0);
	rows = tuplestore_begin_heap(false, false, work_mem);
	exempt_run(evidence,
			   psprintf("SELECT pg_catalog.count(*) FROM %s WHERE ctlpr_hold_id = " INT64_FORMAT,
						retention_relation_sql(evidence), hold->hold_id),
			   0, NULL, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(rows, true, false, slot))
		count = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	PG_RETURN_INT64(count);
}
