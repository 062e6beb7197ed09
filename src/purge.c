/*
 * purge.c - a round of the purge worker.
 *
 * Whole expired partitions are dropped, the rest is deleted in batches; each
 * is a transaction that also brings ctlpr.purge_run up to date, so a run never
 * claims more than is committed, and the certificate is composed from that row
 * when the run ends - or, after a crash, when the next round finds it open.
 *
 * Deleting is done as the owner of the table, as a security-restricted
 * operation: a trigger or an index expression of his runs with no more than his
 * rights.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "crash_point.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/wait_event.h"

#include "audit_queue.h"
#include "clock.h"
#include "ctlpr.h"
#include "erase.h"
#include "exempt.h"
#include "hold.h"
#include "image.h"
#include "object_gate.h"
#include "purge.h"
#include "purge_count.h"
#include "registry.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"
#include "worker.h"

/* A partition that cannot be locked is tried this often before its rows go in batches */
#define DROP_TRIES	 3
#define DROP_WAIT_MS 200L

/* A batch by place reaches so many times further where little has expired */
#define PAGES_GROWTH_MAX 16

/* Fold the counts of ingested reads when there are more rows than this */
#define INGEST_COUNT_ROWS_MAX 1000

/* How the expired rows of a table are gone through, batch by batch */
typedef enum PurgeWay
{
	WAY_BY_TIME, /* by an index on the captured time, oldest first */
	WAY_BY_PLACE /* as they lie in the table, some pages at a time */
} PurgeWay;

typedef struct PurgeSweep
{
	PurgeWay	way;
	TimestampTz from;		  /* where the next batch goes on, by time */
	BlockNumber block;		  /* the same by place, */
	BlockNumber pages;		  /* how far the batch reaches */
	BlockNumber end;		  /* and where the table ended when the sweep began */
	bool		around_locks; /* somebody holds rows of it: go around those */
	bool		more;		  /* there may be */
} PurgeSweep;

/* A run over one relation; in the memory context of the round */
typedef struct PurgeRun
{
	Oid			  relid;
	uint64		  round;
	int64		  run_id;
	TimestampTz	  now; /* the instant that the limits are reckoned from */
	TimestampTz	  limit;
	int			  partitions_dropped;
	PurgeCount	  total; /* committed */
	PurgeCount	  batch; /* of the transaction under way */
	PurgeSweep	  sweep;
	int64		  hold_id; /* hold that is applied */
	bool		  failed;  /* something that has expired was left */
	MemoryContext context;
} PurgeRun;

typedef void (*PurgeStep)(PurgeRun *run, Oid member);

PG_FUNCTION_INFO_V1(ctlpr_run_purge_round);
PG_FUNCTION_INFO_V1(ctlpr_purge_round_results);

/* ---- transactions ---- */

typedef struct PurgeCall
{
	PurgeStep step;
	PurgeRun *run;
	Oid		  member;
} PurgeCall;

static void
call_step(void *arg)
{
	PurgeCall *call = arg;

	call->step(call->run, call->member);
}

/* Run a step in a transaction of its own.  Result: the SQLSTATE of the error that ended it, 0 when it committed */
static int
run_step(PurgeStep step, PurgeRun *run, Oid member)
{
	PurgeCall call = {step, run, member};

	return worker_run_step(call_step, &call, "purge", run->relid);
}

static void
execute(const char *sql, int expected)
{
	if (SPI_execute(sql, false, 0) != expected)
		elog(ERROR, "unexpected result of a statement of the purge worker");
}

/* ---- progress ---- */

static Datum
day_datum(TimestampTz at, char *null)
{
	*null = (at == DT_NOEND || TIMESTAMP_NOT_FINITE(at)) ? 'n' : ' ';
	return *null == 'n' ? (Datum) 0 : DateADTGetDatum(rules_day(at));
}

/* Bring ctlpr.purge_run up to what this transaction has done besides. */
static void
store_progress(const PurgeRun *run, int partitions_dropped)
{
	Oid	  types[] = {INT8OID, INT8OID, INT4OID, TEXTOID, DATEOID, DATEOID, INT8OID};
	char  nulls[] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};
	Datum values[] = {Int64GetDatum(run->run_id),
					  Int64GetDatum(run->total.reads + run->batch.reads),
					  Int32GetDatum(run->partitions_dropped + partitions_dropped),
					  CStringGetTextDatum(purge_count_json(&run->total, &run->batch)),
					  day_datum(Min(run->total.oldest, run->batch.oldest), &nulls[4]),
					  day_datum(Max(run->total.newest, run->batch.newest), &nulls[5]),
					  Int64GetDatum(run->total.images + run->batch.images)};

	SPI_connect();
	if (SPI_execute_with_args(
			"UPDATE ctlpr.purge_run SET rows_deleted = $2, partitions_dropped = $3, owners = $4::pg_catalog.jsonb, "
			"oldest_read_on = $5, newest_read_on = $6, images_queued = $7, progress_at = pg_catalog.clock_timestamp() WHERE run_id = "
			"$1",
			7, types, values, nulls, false, 0) != SPI_OK_UPDATE ||
		SPI_processed != 1)
		elog(ERROR, "the row of the purge run is missing");
	SPI_finish();
}

/* ---- steps ---- */

static void
step_begin(PurgeRun *run, Oid root)
{
	Oid	  types[] = {INT8OID, OIDOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum values[] = {Int64GetDatum((int64) run->round), ObjectIdGetDatum(root),
					  CStringGetTextDatum(retention_relation_sql(root)), TimestampTzGetDatum(run->limit),
					  TimestampTzGetDatum(run->now)};
	bool  isnull;

	SPI_connect();
	if (SPI_execute_with_args(
			"INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, started_at, progress_at) VALUES "
			"($1, $2, $3, $4, $5, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp()) RETURNING run_id",
			5, types, values, NULL, false, 0) != SPI_OK_INSERT_RETURNING)
		elog(ERROR, "could not begin a purge run");
	run->run_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
}

/*
 * Did transactions that may still bring rows into a partition, or change some,
 * begin before it was expired to its last row?  None that begins later can: the
 * policy lets no such row in, and shows none.  Nobody is kept waiting for them.
 */
static void
step_look_for_writers(PurgeRun *run, Oid root)
{
	LOCKTAG				  tag;
	VirtualTransactionId *writers;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, root);
	writers = GetLockConflicts(&tag, ShareLock, NULL);
	for (; VirtualTransactionIdIsValid(*writers); writers++)
		if (!VirtualXactLock(*writers, false))
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("relation with OID %u is being written", root)));
}

/* Copy what is held of a partition, which may have partitions of its own. */
static void
keep_held(Oid partition)
{
	List	 *members = find_all_inheritors(partition, AccessShareLock, NULL);
	ListCell *cell;

	foreach (cell, members)
	{
		const GovernedRelation *found = registry_lookup(lfirst_oid(cell));
		GovernedRelation		member;

		if (!found || get_rel_relkind(found->relid) != RELKIND_RELATION)
			continue;
		member = *found;
		hold_keep(&member, (HoldPart) HOLD_ALL);
	}
}

/* Count a partition that nobody writes any more, and drop it. */
static void
step_drop_partition(PurgeRun *run, Oid partition)
{
	const GovernedRelation *found = registry_lookup(partition);
	GovernedRelation		member;
	Oid						user;
	int						context;

	if (!found)
		return;
	member = *found;
	purge_count_reset(&run->batch);
	keep_held(partition);
	run->batch.images = image_queue_all(&member);
	exempt_become_owner(partition, &user, &context);
	(void) exempt_send(partition,
					   psprintf("SELECT %s, pg_catalog.count(*), pg_catalog.min(%s), pg_catalog.max(%s) FROM %s GROUP BY 1",
								retention_owner_sql(&member), retention_captured_sql(&member), retention_captured_sql(&member),
								retention_relation_sql(partition)),
					   0, NULL, purge_sums_receiver(&run->batch, member.root), NULL);
	SPI_connect();
	object_gate_run(psprintf("DROP TABLE %s", retention_relation_sql(partition)));
	SPI_finish();
	SetUserIdAndSecContext(user, context);

	store_progress(run, 1);
	CRASH_POINT("purge-drop");
}

/* Can the index be read in the order of the captured time? */
static bool
is_time_index(Relation index, AttrNumber captured_at)
{
	Form_pg_index form = index->rd_index;
	int16		  option = form->indnatts > 0 ? index->rd_indoption[0] : 0;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid && form->indkey.values[0] == captured_at &&
		   (option == 0 || option == (INDOPTION_DESC | INDOPTION_NULLS_FIRST)) &&
		   index->rd_opfamily[0] == lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf &&
		   heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

static bool
has_time_index(Relation table, AttrNumber captured_at)
{
	List	 *indexes = RelationGetIndexList(table);
	ListCell *cell;
	bool	  found = false;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		found |= is_time_index(index, captured_at);
		index_close(index, AccessShareLock);
	}
	return found;
}

/* So many pages hold no more rows than a batch may have. */
static BlockNumber
pages_of_batch(void)
{
	return ctlpr_purge_batch_rows / MaxHeapTuplesPerPage + 1;
}

/* Find the way through a table, and begin at its beginning. */
static void
step_find_way(PurgeRun *run, Oid table)
{
	const GovernedRelation *found = registry_lookup(table);
	GovernedRelation		member;
	Relation				relation;

	run->sweep = (PurgeSweep){.way = WAY_BY_PLACE, .from = DT_NOBEGIN, .pages = pages_of_batch()};
	if (!found)
		return;
	member = *found;
	relation = table_open(table, AccessShareLock);
	run->sweep.end = RelationGetNumberOfBlocks(relation);
	/* Evidence goes by its hold, whatever its age. */
	if (member.hold == 0 && has_time_index(relation, member.captured_at))
		run->sweep.way = WAY_BY_TIME;
	table_close(relation, AccessShareLock);
}

/* Have the planner go the way that the batch is made for; it does not know how much of the table is left. */
static void
insist_on_way(PurgeWay way)
{
	static const char *const by_time[] = {"enable_seqscan", "enable_bitmapscan", "enable_sort"};
	static const char *const by_place[] = {"enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"};

	for (int i = 0; i < lengthof(by_time); i++)
		(void) set_config_option(way == WAY_BY_TIME ? by_time[i] : by_place[i], "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Delete a batch of what is left, or (direct) find it.  Only a table without
 * triggers, which keys are too, may lose rows without the executor's help; a
 * DELETE has to be run to its end, or its triggers do not hear of it.  By time,
 * captured times that are left are between $2 and $3.
 */
static char *
batch_sql(const PurgeRun *run, const GovernedRelation *member, bool direct)
{
	const PurgeSweep *sweep = &run->sweep;
	char			 *relation = retention_relation_sql(member->relid);
	char			 *captured = retention_captured_sql(member);
	char			 *columns = psprintf("%s, %s, ctid", retention_owner_sql(member), captured);
	char			 *reference = image_reference_sql(member);
	char			 *expired = retention_expired_sql(member, run->now);
	char			 *rest;

	if (reference)
		columns = psprintf("%s, %s", columns, reference);
	if (sweep->way == WAY_BY_TIME)
		rest = psprintf("FROM ONLY %s WHERE %s >= $2 AND %s < $3 AND %s ORDER BY %s LIMIT %d", relation, captured, captured,
						expired, captured, ctlpr_purge_batch_rows);
	else
		rest = psprintf("FROM ONLY %s WHERE ctid >= '(%u,0)'::pg_catalog.tid AND ctid < '(%u,0)'::pg_catalog.tid AND %s",
						relation, sweep->block, sweep->block + sweep->pages, expired);
	if (direct)
		return psprintf("SELECT %s %s", columns, rest);
	return psprintf("DELETE FROM ONLY %s WHERE ctid = ANY (ARRAY(SELECT ctid %s%s)) RETURNING %s", relation, rest,
					sweep->around_locks ? " FOR UPDATE SKIP LOCKED" : "", columns);
}

/*
 * The part of a table in which the next batch lies.  By time it ends with the
 * last of the rows that the batch will find, by a search of its own: it is the
 * same snapshot that finds them.
 */
static HoldPart
part_of_batch(const PurgeRun *run, const GovernedRelation *member, const TimestampTz *values)
{
	const PurgeSweep *sweep = &run->sweep;
	HoldPart		  part = HOLD_ALL;
	Tuplestorestate	 *rows;
	TupleTableSlot	 *slot;
	TupleDesc		  desc;
	char			 *captured;
	bool			  isnull;

	part.until = values[2];
	if (sweep->way == WAY_BY_PLACE)
	{
		part.block = sweep->block;
		part.end = sweep->block + sweep->pages;
		return part;
	}
	part.from = sweep->from;
	captured = retention_captured_sql(member);
	rows = tuplestore_begin_heap(false, false, work_mem);
	exempt_run(member->relid,
			   psprintf("SELECT %s FROM ONLY %s WHERE %s >= $2 AND %s < $3 AND %s ORDER BY %s OFFSET %d LIMIT 1", captured,
						retention_relation_sql(member->relid), captured, captured, retention_expired_sql(member, run->now),
						captured, ctlpr_purge_batch_rows - 1),
			   3, values, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(rows, true, false, slot))
		part.until = DatumGetTimestampTz(slot_getattr(slot, 1, &isnull)) + 1;
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	return part;
}

/*
 * By time: the next batch goes on with the latest instant of this one, some of
 * whose rows may be left; or, where the batch was bounded and others hold all of
 * its rows, beyond it.
 */
static void
move_on_by_time(PurgeSweep *sweep, const PurgeReceiver *receiver, const TimestampTz *values, uint64 met, bool direct)
{
	bool moved = receiver->latest > sweep->from;

	sweep->from = Max(sweep->from, receiver->latest);
	/* A DELETE may meet less than a batch because others have deleted some of it. */
	sweep->more = direct ? met == ctlpr_purge_batch_rows : met > 0;
	if (!sweep->more && values[2] < values[3])
	{
		sweep->from = values[2];
		sweep->more = true;
		return;
	}
	/* Rows of one instant that others hold would be met again and again. */
	if (sweep->more && !moved && receiver->count->reads < met)
		sweep->way = WAY_BY_PLACE;
}

/* By place: the next pages, more of them while they hold little that has expired */
static void
move_on_by_place(PurgeSweep *sweep, int64 deleted)
{
	sweep->block += sweep->pages;
	sweep->more = sweep->block < sweep->end;
	if (deleted < ctlpr_purge_batch_rows / 4)
		sweep->pages = Min(sweep->pages * 2, pages_of_batch() * PAGES_GROWTH_MAX);
	else
		sweep->pages = pages_of_batch();
	/* Block numbers end before they would begin anew. */
	sweep->pages = Min(sweep->pages, MaxBlockNumber - Min(sweep->block, MaxBlockNumber - 1));
}

/* Delete one batch of a table that has rows itself. */
static void
step_delete_batch(PurgeRun *run, Oid table)
{
	const GovernedRelation *found = registry_lookup(table);
	GovernedRelation		member;
	PurgeReceiver			receiver;
	TimestampTz				values[4]; /* $1 to $3, and what $3 is unless holds bound the batch */
	Relation				relation;
	bool					by_time = run->sweep.way == WAY_BY_TIME;
	bool					direct;
	int						nest_level;
	uint64					met;

	purge_count_reset(&run->batch);
	run->sweep.more = false;
	if (!found)
		return;
	member = *found;
	relation = table_open(table, RowExclusiveLock);
	values[0] = run->limit;
	values[1] = run->sweep.from;
	values[2] = values[3] = retention_latest_limit(run->limit, run->now);
	/* Under the snapshot that finds what is deleted, so that no read comes in between that is held. */
	if (hold_open(member.root) != NIL)
	{
		HoldPart part = part_of_batch(run, &member, values);

		hold_keep(&member, part);
		values[2] = part.until;
	}
	direct = !relation->rd_rel->relhastriggers;
	/* As the executor would, for who subscribes to it. */
	CheckCmdReplicaIdentity(relation, CMD_DELETE);
	purge_receiver_init(&receiver, &run->batch, member.root, direct ? relation : NULL);
	if (image_reference_sql(&member))
		receiver.images = image_list_begin();
	nest_level = NewGUCNestLevel();
	insist_on_way(run->sweep.way);
	met = exempt_send(table, batch_sql(run, &member, direct), by_time ? 3 : 1, values, &receiver.receiver, NULL);
	AtEOXact_GUC(true, nest_level);
	table_close(relation, NoLock);
	if (receiver.images)
		run->batch.images = image_queue(member.root, receiver.images);
	if (by_time)
		move_on_by_time(&run->sweep, &receiver, values, met, direct);
	else
		move_on_by_place(&run->sweep, run->batch.reads);
	if (run->batch.reads > 0)
	{
		erase_note_loss(table);
		store_progress(run, 0);
	}
	CRASH_POINT("purge-batch");
}

/* Write the certificate from the committed row, and close the run. */
static void
step_certify(PurgeRun *run, Oid root)
{
	AuditEntry	   entry = AUDIT_ENTRY_INIT;
	const Statute *statute = rules_statute();
	int64		   seq = 0;
	bool		   isnull;

	entry.statute = statute ? pstrdup(statute->name) : NULL;
	SPI_connect();
	execute(psprintf(
				"UPDATE ctlpr.purge_run SET finished_at = pg_catalog.clock_timestamp() WHERE run_id = " INT64_FORMAT
				" RETURNING relation_name, pg_catalog.jsonb_build_object('run_id', run_id, 'limit_at', limit_at, 'rows_deleted', "
				"rows_deleted, 'partitions_dropped', partitions_dropped, 'images_queued', images_queued, 'owners', owners, "
				"'oldest_read_on', oldest_read_on, "
				"'newest_read_on', newest_read_on, 'started_at', started_at, 'finished_at', finished_at), "
				"rows_deleted > 0 OR partitions_dropped > 0",
				run->run_id),
			SPI_OK_UPDATE_RETURNING);
	if (SPI_processed == 1 && DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull)))
	{
		entry.kind = AUDIT_VERDICT;
		entry.at = shared_now();
		entry.action = "purge";
		entry.relation = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		entry.search_kind = "none";
		entry.allowed = TRI_TRUE;
		entry.enforced = TRI_TRUE;
		entry.clause = "13(b)(2)(A)";
		entry.detail = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
		entry.detail = JsonbPGetDatum(DatumGetJsonbPCopy(entry.detail));
		audit_await(audit_push(&entry, &seq));
		CRASH_POINT("purge-certified");
		execute(psprintf("UPDATE ctlpr.purge_run SET certificate_seq = " INT64_FORMAT " WHERE run_id = " INT64_FORMAT, seq,
						 run->run_id),
				SPI_OK_UPDATE);
	}
	SPI_finish();
}

/* A run that a crash left open: its certificate may be in the log already. */
static void
step_settle(PurgeRun *run, Oid root)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc		 desc;
	TupleTableSlot	*slot;
	int64			 seq = 0;
	bool			 isnull;

	exempt_run(
		InvalidOid,
		psprintf(
			"SELECT seq FROM ctlpr.audit_entry WHERE action = 'purge' AND detail OPERATOR(pg_catalog.@>) '{\"run_id\": " INT64_FORMAT
			"}' LIMIT 1",
			run->run_id),
		0, NULL, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(rows, true, false, slot))
		seq = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	ExecDropSingleTupleTableSlot(slot);

	if (seq == 0)
	{
		step_certify(run, root);
		return;
	}
	SPI_connect();
	execute(psprintf("UPDATE ctlpr.purge_run SET finished_at = progress_at, certificate_seq = " INT64_FORMAT
					 " WHERE run_id = " INT64_FORMAT,
					 seq, run->run_id),
			SPI_OK_UPDATE);
	SPI_finish();
}

/* Note an error that the run went past; a note that cannot be made is not worth the run. */
static int noted_sqlstate;

static void
step_note_error(PurgeRun *run, Oid root)
{
	SPI_connect();
	execute(psprintf("UPDATE ctlpr.purge_run SET last_sqlstate = %s WHERE run_id = " INT64_FORMAT,
					 quote_literal_cstr(unpack_sql_state(noted_sqlstate)), run->run_id),
			SPI_OK_UPDATE);
	SPI_finish();
}

static void
note_error(PurgeRun *run, int sqlstate)
{
	noted_sqlstate = sqlstate;
	(void) run_step(step_note_error, run, run->relid);
}

/* Fold the counts of ingested reads, a row for each statement, into one for each day. */
static void
step_fold_ingest_counts(PurgeRun *run, Oid root)
{
	SPI_connect();
	execute(psprintf("SELECT 1 FROM ctlpr.ingest_count OFFSET %d LIMIT 1", INGEST_COUNT_ROWS_MAX), SPI_OK_SELECT);
	if (SPI_processed > 0)
		execute(
			"WITH folded AS (DELETE FROM ctlpr.ingest_count RETURNING relation, agency_id, read_on, reads) "
			"INSERT INTO ctlpr.ingest_count SELECT relation, agency_id, read_on, pg_catalog.sum(reads) FROM folded GROUP BY 1, 2, 3",
			SPI_OK_INSERT);
	SPI_finish();
}

/* Look again at images that nobody has claimed by their deadline; forget those that are deleted long since. */
static void
step_settle_images(PurgeRun *run, Oid root)
{
	SPI_connect();
	execute("SELECT ctlpr.settle_image_deletions()", SPI_OK_SELECT);
	SPI_finish();
}

static bool clock_is_right;

static void
step_look_at_clock(PurgeRun *run, Oid only)
{
	clock_is_right = clock_believed();
}

/* ---- what there is to do ---- */

/* Work of a run, gathered before anything is changed */
typedef struct PurgePlan
{
	List *relations;  /* roots to purge; list of Oid */
	List *open_runs;  /* left by a crash; list of PurgeRun * */
	List *holds;	  /* that are open; list of int64 * */
	bool  needed;	  /* for one relation: something has expired */
	List *partitions; /* whole partitions past the limit */
	List *tables;	  /* tables with rows of their own */
	Oid	  only;
} PurgePlan;

static PurgePlan gathered;

static void
step_gather_holds(PurgeRun *run, Oid only)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	gathered.holds = hold_open(only);
	MemoryContextSwitchTo(old);
}

/* Copy what has come in for an open hold since the last round. */
static void
step_apply_hold(PurgeRun *run, Oid relation)
{
	(void) hold_apply(run->hold_id, HOLD_ARRIVED, shared_now());
}

static void
step_gather_relations(PurgeRun *run, Oid only)
{
	List	 *roots = registry_roots();
	ListCell *cell;

	foreach (cell, roots)
	{
		Oid						root = lfirst_oid(cell);
		const GovernedRelation *governed = registry_lookup(root);

		if (governed && governed->purging && !governed->broken && !registry_observed(governed, shared_now()) &&
			(!OidIsValid(only) || only == root))
		{
			MemoryContext old = MemoryContextSwitchTo(run->context);

			gathered.relations = lappend_oid(gathered.relations, root);
			MemoryContextSwitchTo(old);
		}
	}

	SPI_connect();
	execute("SELECT run_id, relation::pg_catalog.oid FROM ctlpr.purge_run WHERE finished_at IS NULL", SPI_OK_SELECT);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);
		PurgeRun	 *left = palloc0(sizeof(PurgeRun));
		bool		  isnull;

		left->run_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		left->relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
		left->context = run->context;
		gathered.open_runs = lappend(gathered.open_runs, left);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

/* Partitions by range of the captured time alone whose upper bound is not above the limit */
static void
gather_partitions(PurgeRun *run, Oid parent)
{
	Relation				relation = table_open(parent, AccessShareLock);
	const GovernedRelation *governed = registry_lookup(parent);
	PartitionKey			key = RelationGetPartitionKey(relation);
	PartitionDesc			partitions = RelationGetPartitionDesc(relation, true);
	PartitionBoundInfo		bounds = partitions->boundinfo;
	bool					by_time = governed && key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 &&
				   key->partattrs[0] == governed->captured_at;
	Bitmapset *expired = NULL;

	for (int i = 0; by_time && i < bounds->ndatums; i++)
	{
		int partition = bounds->indexes[i];

		if (partition >= 0 && bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE &&
			DatumGetTimestampTz(bounds->datums[i][0]) <= run->limit)
			expired = bms_add_member(expired, partition);
	}
	for (int i = 0; i < partitions->nparts; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		if (bms_is_member(i, expired))
			gathered.partitions = lappend_oid(gathered.partitions, partitions->oids[i]);
		MemoryContextSwitchTo(old);
		if (!bms_is_member(i, expired) && !partitions->is_leaf[i])
			gather_partitions(run, partitions->oids[i]);
	}
	table_close(relation, AccessShareLock);
}

static void
step_gather_work(PurgeRun *run, Oid root)
{
	const GovernedRelation *governed = registry_lookup(root);
	List				   *members;
	ListCell			   *cell;

	gathered.needed = false;
	gathered.partitions = NIL;
	gathered.tables = NIL;
	run->now = shared_now();
	if (!governed || !retention_limit(governed, run->now, &run->limit))
		return;
	if (get_rel_relkind(root) == RELKIND_PARTITIONED_TABLE)
		gather_partitions(run, root);
	gathered.needed = gathered.partitions != NIL || retention_any_expired(root, run->limit, run->now);
	if (!gathered.needed)
		return;

	members = find_all_inheritors(root, AccessShareLock, NULL);
	foreach (cell, members)
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
		{
			MemoryContext old = MemoryContextSwitchTo(run->context);

			gathered.tables = lappend_oid(gathered.tables, lfirst_oid(cell));
			MemoryContextSwitchTo(old);
		}
}

/* ---- the round ---- */

/* What the last transaction counted is committed. */
static void
count_committed(PurgeRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	purge_count_merge(&run->total, &run->batch);
	MemoryContextSwitchTo(old);
}

/* Drop an expired partition; false when its rows have to go in batches. */
static bool
drop_partition(PurgeRun *run, Oid partition)
{
	int sqlstate = 0;

	for (int i = 0; i < DROP_TRIES; i++)
	{
		sqlstate = run_step(step_look_for_writers, run, run->relid);
		if (sqlstate == 0)
			sqlstate = run_step(step_drop_partition, run, partition);
		if (sqlstate == 0)
		{
			CRASH_POINT("purge-drop-committed");
			run->partitions_dropped++;
			count_committed(run);
			return true;
		}
		if (sqlstate != ERRCODE_LOCK_NOT_AVAILABLE)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, DROP_WAIT_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	note_error(run, sqlstate);
	return false;
}

/* Delete all expired rows of a table, batch by batch. */
static void
delete_rows(PurgeRun *run, Oid table)
{
	PurgeSweep before;
	int		   sqlstate = run_step(step_find_way, run, table);

	while (sqlstate == 0)
	{
		before = run->sweep;
		sqlstate = run_step(step_delete_batch, run, table);
		if (sqlstate == 0)
		{
			CRASH_POINT("purge-batch-committed");
			count_committed(run);
			if (!run->sweep.more)
			{
				run->failed |= run->sweep.around_locks;
				return;
			}
		}
		else
			run->sweep = before;
		/* Nobody waits for long: what somebody has locked goes in the next round. */
		if (sqlstate == ERRCODE_LOCK_NOT_AVAILABLE && !run->sweep.around_locks)
		{
			run->sweep.around_locks = true;
			sqlstate = 0;
		}
	}
	run->failed = true;
	note_error(run, sqlstate);
}

static void
purge_relation(PurgeRun *run)
{
	ListCell *cell;

	run->failed = run_step(step_gather_work, run, run->relid) != 0;
	if (run->failed || !gathered.needed)
		return;
	run->failed = run_step(step_begin, run, run->relid) != 0;
	if (run->failed)
		return;
	foreach (cell, gathered.partitions)
		if (drop_partition(run, lfirst_oid(cell)))
			gathered.tables = list_delete_oid(gathered.tables, lfirst_oid(cell));
	foreach (cell, gathered.tables)
		delete_rows(run, lfirst_oid(cell));
	(void) run_step(step_certify, run, run->relid);
}

static void
set_worker_options(void)
{
	char milliseconds[32];

	snprintf(milliseconds, sizeof(milliseconds), "%d", ctlpr_purge_lock_timeout_ms);
	SetConfigOption("lock_timeout", milliseconds, PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("row_security", "on", PGC_SUSET, PGC_S_SESSION);
}

/* What a round over all relations has come to, for whoever watches */
static void
show_progress(TimestampTz began, Oid behind)
{
	DatabaseSlot *slot = shared_database();

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (!OidIsValid(behind) && clock_is_right)
		slot->statistics.purged_through = began;
	slot->statistics.purge_behind = behind;
	LWLockRelease(slot->lock);
}

void
purge_round(uint64 round, Oid only)
{
	TimestampTz	  began = shared_now();
	Oid			  behind = InvalidOid;
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "ctlpr purge round", ALLOCSET_DEFAULT_SIZES);
	PurgeRun	  general = {.context = context, .round = round};
	ListCell	 *cell;

	MemoryContextSwitchTo(context);
	set_worker_options();
	memset(&gathered, 0, sizeof(gathered));
	if (run_step(step_gather_relations, &general, only) != 0)
		return;
	foreach (cell, gathered.open_runs)
		(void) run_step(step_settle, lfirst(cell), InvalidOid);
	(void) run_step(step_gather_holds, &general, only);
	foreach (cell, gathered.holds)
	{
		general.hold_id = *(int64 *) lfirst(cell);
		(void) run_step(step_apply_hold, &general, InvalidOid);
	}
	clock_is_right = false;
	(void) run_step(step_look_at_clock, &general, only);
	if (!clock_is_right)
		gathered.relations = NIL;
	foreach (cell, gathered.relations)
	{
		PurgeRun run = {.relid = lfirst_oid(cell),
						.round = round,
						.context = context,
						.total = purge_count_make(),
						.batch = purge_count_make()};

		purge_relation(&run);
		if (run.failed && !OidIsValid(behind))
			behind = run.relid;
	}
	if (!OidIsValid(only))
		show_progress(began, behind);
	(void) run_step(step_fold_ingest_counts, &general, InvalidOid);
	(void) run_step(step_settle_images, &general, InvalidOid);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
}

/* ---- by hand ---- */

/* run_purge_round(relation): have the worker do a round now, wait for its end; result: the number of the round */
Datum
ctlpr_run_purge_round(PG_FUNCTION_ARGS)
{
	DatabaseSlot *slot = shared_database();
	uint64		  round = worker_ask_round(slot, &slot->purge, PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0));

	worker_await_round(slot, &slot->purge, round, "purge");
	PG_RETURN_INT64((int64) round);
}

/* purge_round_results(round): its runs, as committed by now whatever this transaction's snapshot is */
Datum
ctlpr_purge_round_results(PG_FUNCTION_ARGS)
{
	ReturnSetInfo	*result = (ReturnSetInfo *) fcinfo->resultinfo;
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc		 desc;
	TupleTableSlot	*slot;

	InitMaterializedSRF(fcinfo, 0);
	PushActiveSnapshot(GetLatestSnapshot());
	exempt_run(InvalidOid, psprintf("SELECT * FROM ctlpr.purge_run WHERE round = " INT64_FORMAT, PG_GETARG_INT64(0)), 0, NULL,
			   rows, &desc);
	PopActiveSnapshot();
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows, true, false, slot))
		tuplestore_puttupleslot(result->setResult, slot);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	return (Datum) 0;
}
