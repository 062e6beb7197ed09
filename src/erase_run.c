/*
 * erase_run.c - the rows that tell how far an erasure has come, see erase_run.h.
 *
 * What is to be erased is found out in SQL (sql/erase_functions.sql); here is the
 * way there and back.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "crash_point.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit_queue.h"
#include "erase.h"
#include "erase_run.h"
#include "exempt.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"

static const char *const stage_names[] = {"vacuum", "zero", "zero_toast", "rebuild", "verify", "verify_toast", "done"};

/* ---- statements ---- */

/* Run a statement; SPI is connected.  Result: rows */
static uint64
run(int expected, const char *sql, int arguments, const Oid *types, const Datum *values, const char *nulls)
{
	if (SPI_execute_with_args(sql, arguments, (Oid *) types, (Datum *) values, nulls, false, 0) != expected)
		elog(ERROR, "unexpected result of a statement of the erase worker");
	return SPI_processed;
}

/* A column of the result; nulls are zero */
static Datum
column(uint64 row, int number)
{
	bool isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);
}

static bool
is_null(uint64 row, int number)
{
	bool isnull;

	(void) SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, &isnull);
	return isnull;
}

/* A text of the result in a context that outlives it; NULL for null */
static char *
text_column(uint64 row, int number, MemoryContext context)
{
	return is_null(row, number) ? NULL : MemoryContextStrdup(context, TextDatumGetCString(column(row, number)));
}

void
erase_note_loss(Oid table)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(table)};

	SPI_connect();
	(void) run(SPI_OK_INSERT, "INSERT INTO ctlpr.erase_loss (member) VALUES ($1)", 1, types, values, NULL);
	SPI_finish();
}

bool
erase_has_loss(Oid table)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(table)};
	bool  has;

	SPI_connect();
	has = run(SPI_OK_SELECT, "SELECT FROM ctlpr.erase_loss WHERE member::pg_catalog.oid OPERATOR(pg_catalog.=) $1 LIMIT 1", 1,
			  types, values, NULL) > 0;
	SPI_finish();
	return has;
}

void
erase_forget_loss(Oid table)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(table)};

	SPI_connect();
	(void) run(SPI_OK_DELETE, "DELETE FROM ctlpr.erase_loss WHERE member::pg_catalog.oid OPERATOR(pg_catalog.=) $1", 1, types,
			   values, NULL);
	SPI_finish();
}

/* ---- runs ---- */

bool
erase_run_clock_doubted(void)
{
	bool doubted;

	SPI_connect();
	doubted = run(SPI_OK_SELECT, "SELECT FROM ctlpr.clock WHERE doubted_at IS NOT NULL", 0, NULL, NULL, NULL) > 0;
	SPI_finish();
	return doubted;
}

bool
erase_run_load(EraseRun *erase)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(erase->relid)};
	bool  found;

	SPI_connect();
	found = run(SPI_OK_SELECT,
				"SELECT run_id, expired_at, limit_at, horizon, stage OPERATOR(pg_catalog.<>) 'members', "
				"stage OPERATOR(pg_catalog.=) 'certificate', statistics_horizon "
				"FROM ctlpr.erase_run WHERE relation OPERATOR(pg_catalog.=) $1 AND finished_at IS NULL ORDER BY run_id LIMIT 1",
				1, types, values, NULL) > 0;
	if (found)
	{
		erase->run_id = DatumGetInt64(column(0, 1));
		erase->resumed = true;
		erase->expired_at = DatumGetTimestampTz(column(0, 2));
		erase->limit = DatumGetTimestampTz(column(0, 3));
		erase->horizon = DatumGetFullTransactionId(column(0, 4));
		erase->members_done = DatumGetBool(column(0, 5));
		erase->statistics_done = DatumGetBool(column(0, 6));
		erase->statistics_horizon = is_null(0, 7) ? InvalidFullTransactionId : DatumGetFullTransactionId(column(0, 7));
	}
	SPI_finish();
	return found;
}

bool
erase_run_purging(Oid relid)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(relid)};
	bool  purging;

	SPI_connect();
	purging =
		run(SPI_OK_SELECT, "SELECT FROM ctlpr.purge_run WHERE relation OPERATOR(pg_catalog.=) $1 AND finished_at IS NULL LIMIT 1",
			1, types, values, NULL) > 0;
	SPI_finish();
	return purging;
}

bool
erase_run_purged(Oid relid, TimestampTz *expired_at, TimestampTz *limit)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(relid)};
	bool  found;

	SPI_connect();
	found =
		run(SPI_OK_SELECT, "SELECT u.expired_at, u.limit_at FROM ctlpr.purged_since_erasure($1) u WHERE u.expired_at IS NOT NULL",
			1, types, values, NULL) > 0;
	if (found)
	{
		*expired_at = DatumGetTimestampTz(column(0, 1));
		*limit = DatumGetTimestampTz(column(0, 2));
	}
	SPI_finish();
	return found;
}

static Datum
oid_array(List *oids)
{
	Datum	 *elements = palloc(sizeof(Datum) * (list_length(oids) + 1));
	ListCell *cell;

	foreach (cell, oids)
		elements[foreach_current_index(cell)] = ObjectIdGetDatum(lfirst_oid(cell));
	return PointerGetDatum(construct_array(elements, list_length(oids), OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

void
erase_run_begin(EraseRun *erase, List *members)
{
	Oid	  types[] = {INT8OID, OIDOID, TEXTOID, OIDARRAYOID, TIMESTAMPTZOID, TIMESTAMPTZOID, XID8OID};
	Datum values[] = {Int64GetDatum((int64) erase->round),
					  ObjectIdGetDatum(erase->relid),
					  CStringGetTextDatum(retention_relation_sql(erase->relid)),
					  oid_array(members),
					  TimestampTzGetDatum(erase->expired_at),
					  TimestampTzGetDatum(erase->limit),
					  FullTransactionIdGetDatum(erase->horizon)};

	SPI_connect();
	(void) run(SPI_OK_SELECT, "SELECT ctlpr.begin_erasure($1, $2, $3, $4, $5, $6, $7)", 7, types, values, NULL);
	erase->run_id = is_null(0, 1) ? 0 : DatumGetInt64(column(0, 1));
	SPI_finish();
}

static EraseStage
stage_of_name(const char *name)
{
	for (int i = 0; i < lengthof(stage_names); i++)
		if (strcmp(stage_names[i], name) == 0)
			return (EraseStage) i;
	elog(ERROR, "unknown stage of an erasure: %s", name);
}

void
erase_run_load_members(EraseRun *erase)
{
	Oid	  types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(erase->run_id)};

	erase->members = NIL;
	SPI_connect();
	(void) run(SPI_OK_SELECT,
			   "SELECT member::pg_catalog.oid, stage, block, file, since, rebuild FROM ctlpr.erase_member "
			   "WHERE run_id OPERATOR(pg_catalog.=) $1 AND stage OPERATOR(pg_catalog.<>) 'done' ORDER BY member",
			   1, types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(erase->context);
		EraseMember	 *member = palloc0(sizeof(EraseMember));

		member->relid = DatumGetObjectId(column(i, 1));
		member->stage = stage_of_name(TextDatumGetCString(column(i, 2)));
		member->block = (BlockNumber) DatumGetInt64(column(i, 3));
		member->file = DatumGetObjectId(column(i, 4));
		member->since = DatumGetLSN(column(i, 5));
		member->rebuild = DatumGetBool(column(i, 6));
		erase->members = lappend(erase->members, member);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

void
erase_run_store_member(const EraseRun *erase, const EraseMember *member)
{
	Oid	  types[] = {INT8OID, OIDOID, TEXTOID, INT8OID, OIDOID, LSNOID, BOOLOID};
	Datum values[] = {
		Int64GetDatum(erase->run_id), ObjectIdGetDatum(member->relid), CStringGetTextDatum(stage_names[member->stage]),
		Int64GetDatum(member->block), ObjectIdGetDatum(member->file),  LSNGetDatum(member->since),
		BoolGetDatum(member->rebuild)};

	SPI_connect();
	(void) run(SPI_OK_UPDATE,
			   "UPDATE ctlpr.erase_member SET stage = $3, block = $4, file = $5, since = $6, rebuild = $7 "
			   "WHERE run_id OPERATOR(pg_catalog.=) $1 AND member OPERATOR(pg_catalog.=) $2",
			   7, types, values, NULL);
	SPI_finish();
}

void
erase_run_add(const EraseRun *erase, const EraseWork *work)
{
	Oid	  types[] = {INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4OID, INT4OID};
	Datum values[] = {Int64GetDatum(erase->run_id), Int64GetDatum((int64) erase->round), Int64GetDatum(work->total),
					  Int64GetDatum(work->done),	Int64GetDatum(work->zeroed),		 Int64GetDatum(work->verified),
					  Int64GetDatum(work->changed), Int32GetDatum(work->tables),		 Int32GetDatum(work->indexes)};

	SPI_connect();
	if (run(SPI_OK_UPDATE,
			"UPDATE ctlpr.erase_run SET round = $2, pages_total = pages_total OPERATOR(pg_catalog.+) $3, "
			"pages_done = pages_done OPERATOR(pg_catalog.+) $4, pages_zeroed = pages_zeroed OPERATOR(pg_catalog.+) $5, "
			"pages_verified = pages_verified OPERATOR(pg_catalog.+) $6, pages_changed = pages_changed OPERATOR(pg_catalog.+) $7, "
			"tables_erased = tables_erased OPERATOR(pg_catalog.+) $8, indexes_rebuilt = indexes_rebuilt OPERATOR(pg_catalog.+) $9, "
			"progress_at = pg_catalog.clock_timestamp(), waiting_for = NULL WHERE run_id OPERATOR(pg_catalog.=) $1",
			9, types, values, NULL) != 1)
		elog(ERROR, "the row of the erase run is missing");
	SPI_finish();
}

void
erase_run_wait(const EraseRun *erase, const char *waiting_for, int sqlstate)
{
	Oid	  types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum values[] = {Int64GetDatum(erase->run_id), waiting_for ? CStringGetTextDatum(waiting_for) : (Datum) 0,
					  sqlstate ? CStringGetTextDatum(unpack_sql_state(sqlstate)) : (Datum) 0};
	char  nulls[] = {' ', waiting_for ? ' ' : 'n', sqlstate ? ' ' : 'n'};

	SPI_connect();
	(void) run(SPI_OK_UPDATE,
			   "UPDATE ctlpr.erase_run SET waiting_for = $2, last_sqlstate = coalesce($3, last_sqlstate) "
			   "WHERE run_id OPERATOR(pg_catalog.=) $1",
			   3, types, values, nulls);
	SPI_finish();
}

/* ---- indexes and statistics ---- */

void
erase_run_mark_indexes(const EraseMember *member)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(member->relid)};

	SPI_connect();
	(void) run(SPI_OK_SELECT, "SELECT ctlpr.mark_indexes($1)", 1, types, values, NULL);
	SPI_finish();
}

char *
erase_run_index_command(const EraseMember *member, MemoryContext context, char **waiting_for)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(member->relid)};
	char *command = NULL;

	*waiting_for = NULL;
	SPI_connect();
	if (run(SPI_OK_SELECT, "SELECT command, waiting_for FROM ctlpr.next_index_command($1)", 1, types, values, NULL) > 0)
	{
		command = text_column(0, 1, context);
		*waiting_for = text_column(0, 2, context);
	}
	SPI_finish();
	return command;
}

List *
erase_run_lost(const EraseRun *erase)
{
	Oid	  types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(erase->run_id)};
	List *lost = NIL;

	SPI_connect();
	(void) run(SPI_OK_SELECT,
			   "SELECT member::pg_catalog.oid FROM ctlpr.erase_member WHERE run_id OPERATOR(pg_catalog.=) $1 AND rebuild", 1,
			   types, values, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(erase->context);

		lost = lappend_oid(lost, DatumGetObjectId(column(i, 1)));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return lost;
}

void
erase_run_statistics(EraseRun *erase, FullTransactionId horizon)
{
	Oid	  types[] = {INT8OID, XID8OID};
	Datum values[] = {Int64GetDatum(erase->run_id), FullTransactionIdGetDatum(horizon)};

	SPI_connect();
	(void) run(SPI_OK_UPDATE, "UPDATE ctlpr.erase_run SET statistics_horizon = $2 WHERE run_id OPERATOR(pg_catalog.=) $1", 2,
			   types, values, NULL);
	SPI_finish();
	erase->statistics_horizon = horizon;
}

void
erase_run_stage(const EraseRun *erase, const char *stage)
{
	Oid	  types[] = {INT8OID, TEXTOID};
	Datum values[] = {Int64GetDatum(erase->run_id), CStringGetTextDatum(stage)};

	SPI_connect();
	(void) run(SPI_OK_UPDATE, "UPDATE ctlpr.erase_run SET stage = $2 WHERE run_id OPERATOR(pg_catalog.=) $1", 2, types, values,
			   NULL);
	SPI_finish();
}

char *
erase_run_holder(MemoryContext context)
{
	char *holder;

	SPI_connect();
	(void) run(SPI_OK_SELECT, "SELECT ctlpr.horizon_holder()", 0, NULL, NULL, NULL);
	holder = text_column(0, 1, context);
	SPI_finish();
	return holder;
}

/* ---- certificates ---- */

/* The certificate that a worker which was cut off has written, 0: none */
static int64
find_certificate(const EraseRun *erase)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc		 desc;
	TupleTableSlot	*slot;
	int64			 seq = 0;
	bool			 isnull;

	exempt_run(InvalidOid,
			   psprintf("SELECT seq FROM ctlpr.audit_entry WHERE action = 'erase' AND detail OPERATOR(pg_catalog.@>) "
						"'{\"erase_run\": " INT64_FORMAT "}' LIMIT 1",
						erase->run_id),
			   0, NULL, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(rows, true, false, slot))
		seq = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	return seq;
}

static int64
write_certificate(const EraseRun *erase)
{
	AuditEntry	   entry = AUDIT_ENTRY_INIT;
	const Statute *statute = rules_statute();
	Oid			   types[] = {INT8OID};
	Datum		   values[] = {Int64GetDatum(erase->run_id)};
	int64		   seq = 0;

	entry.statute = statute ? pstrdup(statute->name) : NULL;
	if (run(SPI_OK_SELECT, "SELECT relation_name, certificate FROM ctlpr.erasure_certificate($1)", 1, types, values, NULL) != 1)
		elog(ERROR, "the row of the erase run is missing");
	entry.kind = AUDIT_VERDICT;
	entry.at = shared_now();
	entry.action = "erase";
	entry.relation = TextDatumGetCString(column(0, 1));
	entry.search_kind = "none";
	entry.allowed = TRI_TRUE;
	entry.enforced = TRI_TRUE;
	entry.clause = "13(b)(2)(A)";
	entry.detail = JsonbPGetDatum(DatumGetJsonbPCopy(column(0, 2)));
	audit_await(audit_push(&entry, &seq));
	return seq;
}

void
erase_run_certify(const EraseRun *erase)
{
	Oid	  types[] = {INT8OID, INT8OID};
	Datum values[2] = {Int64GetDatum(erase->run_id)};
	int64 seq;

	SPI_connect();
	seq = erase->resumed && erase->statistics_done ? find_certificate(erase) : 0;
	if (seq == 0)
		seq = write_certificate(erase);
	CRASH_POINT("erase-certified");
	values[1] = Int64GetDatum(seq);
	(void) run(
		SPI_OK_UPDATE,
		"UPDATE ctlpr.erase_run SET stage = 'done', certificate_seq = $2, erased_through = expired_at, waiting_for = NULL, "
		"finished_at = pg_catalog.clock_timestamp() WHERE run_id OPERATOR(pg_catalog.=) $1",
		2, types, values, NULL);
	SPI_finish();
}
