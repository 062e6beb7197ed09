/*
 * erase.c - a round of the erase worker.
 *
 * Deleting leaves bytes: in the pages of a table and its TOAST, in each of its
 * indexes, whose inner pages keep values that no row has any more, and in the
 * samples that ANALYZE took.  For each relation from which something was purged:
 *
 * - rows that are dead to everybody are vacuumed away. Until whoever may still
 *   see them is gone, the run says for whom it waits, and claims nothing;
 * - what they left in the pages is zeroed, and looked for (erase_pages.c);
 * - indexes of what has lost rows are rebuilt beside the ones in use;
 * - its statistics are made anew, and the old ones zeroed like rows of its own;
 * - then every page is read once more, and a certificate written.
 *
 * Each piece commits with its progress (erase_run.c), so that a run goes on after
 * a crash where it stood.  Dropped partitions were unlinked with all that.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "executor/spi.h"
#include "crash_point.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "postmaster/interrupt.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "ctlpr.h"
#include "erase.h"
#include "erase_commands.h"
#include "erase_pages.h"
#include "erase_run.h"
#include "exempt.h"
#include "registry.h"
#include "retention.h"
#include "shared.h"
#include "worker.h"

/* Pages that are gone through in one transaction */
#define BATCH_PAGES 1024

/* Whoever may still see deleted rows mostly is gone before that */
#define HORIZON_WAIT_MS (10 * 1000)
#define HORIZON_LOOK_MS 100L

/*
 * Longest wait for a lock.  None is asked for here that readers or writers of
 * the table queue behind; what waits is other maintenance.
 */
#define LOCK_WAIT "20s"

typedef void (*EraseStep)(EraseRun *run, EraseMember *member);

typedef struct EraseCall
{
	EraseStep	 step;
	EraseRun	*run;
	EraseMember *member;
} EraseCall;

PG_FUNCTION_INFO_V1(ctlpr_run_erase_round);

static bool round_asked = false; /* for, so that the setting does not end it */

/* The governed relations to go through, list of Oid; in the round's context */
static List *gathered = NIL;

/* What a step has found for the one that follows */
static bool	 reached = false;	  /* the horizon */
static int64 remains = 0;		  /* rows that should be gone */
static int64 looked_at = 0;		  /* pages, in the last batch */
static char *waiting_for = NULL;  /* in the round's context */
static char *next_command = NULL; /* the same */
static Oid	 command_relation;	  /* for VACUUM and ANALYZE */
static List *analyzed = NIL;	  /* relations whose statistics are made anew; in the round's context */
static int	 noted_sqlstate = 0;
static bool	 queue_lost = false; /* references to images were acknowledged */

/* ---- steps ---- */

static void
call_step(void *arg)
{
	EraseCall *call = arg;

	call->step(call->run, call->member);
}

static int
run_step(EraseStep step, EraseRun *run, EraseMember *member)
{
	EraseCall call = {step, run, member};

	return worker_run_step(call_step, &call, "erasure", run->relid);
}

static void
step_wait(EraseRun *run, EraseMember *member)
{
	erase_run_wait(run, waiting_for, noted_sqlstate);
}

/* Leave the run open, and say why: for what it waits, or by which error it was stopped.  Result: false */
static bool
leave_open(EraseRun *run, char *for_what, int sqlstate)
{
	waiting_for = for_what;
	noted_sqlstate = sqlstate;
	(void) run_step(step_wait, run, NULL);
	return false;
}

static void
step_find_holder(EraseRun *run, EraseMember *member)
{
	waiting_for = erase_run_holder(run->context);
}

static char *
holder(EraseRun *run)
{
	waiting_for = NULL;
	(void) run_step(step_find_holder, run, NULL);
	return waiting_for ? waiting_for : MemoryContextStrdup(run->context, "others that may see deleted rows");
}

/* ---- rate ---- */

/* May the round go on?  Settings that were changed are heeded. */
static bool
may_go_on(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return ctlpr_erase || round_asked;
}

static void
pause_for(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* After pages that took so long: no more of them than the rate allows */
static void
keep_to_rate(int64 pages, TimestampTz started)
{
	long took_ms = TimestampDifferenceMilliseconds(started, GetCurrentTimestamp());
	long due_ms = ctlpr_erase_rate_mb > 0 ? pages * BLCKSZ / 1024 * 1000 / 1024 / ctlpr_erase_rate_mb : 0;

	if (due_ms > took_ms)
		pause_for(due_ms - took_ms);
}

/* VACUUM keeps to about the same rate by the server's own means: a page that is read costs 2, and is dirtied for 4 more. */
static void
set_worker_options(void)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%d", Min(Max(ctlpr_erase_rate_mb, 1), 10000));
	SetConfigOption("vacuum_cost_limit", limit, PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("vacuum_cost_page_dirty", "4", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("vacuum_cost_delay", ctlpr_erase_rate_mb > 0 ? "4" : "0", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", LOCK_WAIT, PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("row_security", "on", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_SESSION);
}

/* ---- who may still see ---- */

static FullTransactionId awaited;
static FullTransactionId analyzed_from; /* statistics of transactions before it are the old ones */

static void
step_look_at_horizon(EraseRun *run, EraseMember *member)
{
	reached = erase_horizon_reached(command_relation, awaited);
}

/* Wait a little until nobody may see what transactions before the horizon deleted from a table.  False: somebody still may */
static bool
await_horizon(EraseRun *run, Oid relid, FullTransactionId horizon)
{
	for (long waited = 0; waited <= HORIZON_WAIT_MS; waited += HORIZON_LOOK_MS)
	{
		command_relation = relid;
		awaited = horizon;
		reached = false;
		if (run_step(step_look_at_horizon, run, NULL) != 0)
			return false;
		if (reached)
			return true;
		if (!may_go_on())
			return false;
		pause_for(HORIZON_LOOK_MS);
	}
	return false;
}

/* ---- commands ---- */

static void
step_vacuum(EraseRun *run, EraseMember *member)
{
	erase_vacuum(command_relation);
}

static void
step_analyze(EraseRun *run, EraseMember *member)
{
	erase_analyze(command_relation);
}

static void
step_command(EraseRun *run, EraseMember *member)
{
	erase_command(next_command);
}

static int
vacuum(EraseRun *run, Oid relid)
{
	command_relation = relid;
	return run_step(step_vacuum, run, NULL);
}

/* ---- pages ---- */

static bool
is_toast_stage(EraseStage stage)
{
	return stage == ERASE_ZERO_TOAST || stage == ERASE_VERIFY_TOAST;
}

static bool
zeroes(EraseStage stage)
{
	return stage == ERASE_ZERO || stage == ERASE_ZERO_TOAST;
}

/* What may not be in the pages of a member any more, or in those of its TOAST, which has no captured time */
static ErasePages
what_to_look_for(const EraseRun *run, const GovernedRelation *governed, EraseMember *member)
{
	ErasePages look = {.zero = zeroes(member->stage),
					   .since = member->since,
					   .horizon = XidFromFullTransactionId(run->horizon),
					   .expired_before = DT_NOBEGIN,
					   .dead_before = DT_NOEND};

	if (is_toast_stage(member->stage))
		return look;
	look.captured_at = governed->captured_at;
	/* Evidence goes by its holds: whatever was deleted, of any age, is to be gone. */
	if (governed->hold == 0)
	{
		look.expired_before = run->limit;
		look.dead_before = retention_latest_limit(run->limit, run->expired_at);
	}
	return look;
}

/* The stage that follows when all pages are done.  TOAST that is not there takes no time. */
static void
begin_stage(EraseMember *member, EraseStage stage)
{
	member->stage = stage;
	member->block = 0;
	member->file = InvalidOid;
}

/* Deal with rows that should be gone and bytes that should be zero; false: there were none. */
static bool
begin_again(EraseMember *member, const ErasePages *look)
{
	remains += look->remains;
	if (look->remains > 0)
		begin_stage(member, ERASE_VACUUM);
	else if (look->failed > 0)
		begin_stage(member, ERASE_ZERO);
	return look->remains > 0 || look->failed > 0;
}

/* The table of a member, or its TOAST where the stage is about that; NULL: it has none */
static Relation
open_heap(Relation table, EraseStage stage)
{
	if (!is_toast_stage(stage))
		return table;
	return OidIsValid(table->rd_rel->reltoastrelid) ? table_open(table->rd_rel->reltoastrelid, RowExclusiveLock) : NULL;
}

/*
 * Pages that are zeroed stay so whatever becomes of the transaction.  That they
 * had to be tells that the indexes have to be rebuilt, so that is noted first.
 * Result: it was not known before
 */
static bool
finds_loss(EraseMember *member, Relation heap, BlockNumber until, ErasePages look)
{
	if (!look.zero || member->rebuild)
		return false;
	look.zero = false;
	erase_pages(heap, member->block, until, &look);
	member->rebuild = look.changed > 0 || look.failed > 0;
	return member->rebuild;
}

/* Go through the pages of a heap up to one of them, the last at end. */
static void
look_at_heap(EraseRun *run, EraseMember *member, Relation heap, BlockNumber until, BlockNumber end, ErasePages *look)
{
	EraseStage stage = member->stage;
	EraseWork  work = {0};

	/* Another file than before, after CLUSTER or the like, is begun anew. */
	if (heap && member->file != heap->rd_rel->relfilenode)
	{
		member->file = heap->rd_rel->relfilenode;
		member->block = 0;
		until = Min(until, BATCH_PAGES);
		work.total = end;
	}
	if (heap && member->block < until)
	{
		if (!finds_loss(member, heap, until, *look))
		{
			erase_pages(heap, member->block, until, look);
			work.done = looked_at = until - member->block;
			member->block = until;
		}
	}
	work.zeroed = look->zeroed;
	work.verified = look->zero ? 0 : look->verified;
	work.changed = look->changed;
	if (!begin_again(member, look) && member->block >= end)
	{
		begin_stage(member, stage + 1);
		work.tables = member->stage == ERASE_DONE;
		if (member->stage == ERASE_REBUILD && member->rebuild)
			erase_run_mark_indexes(member);
	}
	erase_run_store_member(run, member);
	erase_run_add(run, &work);
}

/* Go through the next pages of a member. */
static void
step_pages(EraseRun *run, EraseMember *member)
{
	Relation				table = try_table_open(member->relid, RowExclusiveLock);
	const GovernedRelation *governed = table ? registry_lookup(member->relid) : NULL;
	ErasePages				look;
	Relation				heap;
	BlockNumber				end;

	if (!table)
	{
		begin_stage(member, ERASE_DONE);
		erase_run_store_member(run, member);
		return;
	}
	if (!governed)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("relation with OID %u is not governed any more", member->relid)));
	look = what_to_look_for(run, governed, member);
	heap = open_heap(table, member->stage);
	end = heap ? RelationGetNumberOfBlocks(heap) : 0;
	look_at_heap(run, member, heap, Min(end, member->block + BATCH_PAGES), end, &look);
	CRASH_POINT("erase-pages");
	if (heap && heap != table)
		table_close(heap, NoLock);
	table_close(table, NoLock);
}

/* False: rows remain that should be gone, or an error stopped it. */
static bool
go_through_pages(EraseRun *run, EraseMember *member)
{
	EraseMember before = *member;
	TimestampTz started = GetCurrentTimestamp();
	int			sqlstate;

	remains = looked_at = 0;
	sqlstate = run_step(step_pages, run, member);
	CRASH_POINT("erase-pages-committed");
	if (sqlstate != 0)
	{
		*member = before;
		return leave_open(run, NULL, sqlstate);
	}
	if (member->stage == ERASE_VACUUM)
		return leave_open(run, MemoryContextStrdup(run->context, "a page that others look at"), 0);
	/* Bytes that were zeroed and are not: nothing that is known leads here, and it is not tried for ever. */
	if (member->stage < before.stage)
		return leave_open(run, NULL, ERRCODE_DATA_CORRUPTED);
	keep_to_rate(looked_at, started);
	return true;
}

/* ---- members ---- */

static void
step_begin_zeroing(EraseRun *run, EraseMember *member)
{
	begin_stage(member, ERASE_ZERO);
	member->since = GetXLogInsertRecPtr();
	erase_run_store_member(run, member);
}

static bool
vacuum_member(EraseRun *run, EraseMember *member)
{
	int sqlstate;

	if (!await_horizon(run, member->relid, run->horizon))
		return leave_open(run, holder(run), 0);
	sqlstate = vacuum(run, member->relid);
	CRASH_POINT("erase-vacuumed");
	if (sqlstate == 0)
		sqlstate = run_step(step_begin_zeroing, run, member);
	return sqlstate == 0 || leave_open(run, NULL, sqlstate);
}

static void
step_next_command(EraseRun *run, EraseMember *member)
{
	next_command = erase_run_index_command(member, run->context, &waiting_for);
	if (next_command || waiting_for)
		return;
	begin_stage(member, ERASE_VERIFY);
	erase_run_store_member(run, member);
}

static void
step_count_index(EraseRun *run, EraseMember *member)
{
	/* or it has dropped one */
	EraseWork work = {.indexes = strncmp(next_command, "REINDEX", strlen("REINDEX")) == 0};

	erase_run_add(run, &work);
}

/* Rebuild one of the indexes that may hold what is gone, or drop what a rebuild that was cut off has left. */
static bool
rebuild_index(EraseRun *run, EraseMember *member)
{
	char *before = next_command;
	int	  sqlstate = run_step(step_next_command, run, member);

	if (sqlstate == 0 && !next_command)
		return waiting_for == NULL || leave_open(run, waiting_for, 0);
	/* What was done is not asked for again. */
	if (sqlstate == 0 && before && strcmp(next_command, before) == 0)
		sqlstate = ERRCODE_INTERNAL_ERROR;
	if (sqlstate == 0)
		sqlstate = run_step(step_command, run, member);
	CRASH_POINT("erase-index");
	if (sqlstate == 0)
		sqlstate = run_step(step_count_index, run, member);
	return sqlstate == 0 || leave_open(run, sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ? holder(run) : NULL, sqlstate);
}

/* Take a member to its end.  False: it is left open */
static bool
erase_member(EraseRun *run, EraseMember *member)
{
	bool going = true;

	next_command = NULL;
	while (going && member->stage != ERASE_DONE)
	{
		if (!may_go_on())
			return false;
		if (member->stage == ERASE_VACUUM)
			going = vacuum_member(run, member);
		else if (member->stage == ERASE_REBUILD)
			going = rebuild_index(run, member);
		else
			going = go_through_pages(run, member);
	}
	return going;
}

/* ---- statistics ---- */

/* Those of parents are over all their children; one of those may be gone. */
static void
step_gather_analyzed(EraseRun *run, EraseMember *member)
{
	List		 *lost = erase_run_lost(run);
	List		 *members = find_all_inheritors(run->relid, AccessShareLock, NULL);
	MemoryContext old = MemoryContextSwitchTo(run->context);
	ListCell	 *cell;

	analyzed = NIL;
	analyzed_from = ReadNextFullTransactionId();
	foreach (cell, members)
		if (lfirst_oid(cell) == run->relid || has_subclass(lfirst_oid(cell)) || list_member_oid(lost, lfirst_oid(cell)))
			analyzed = lappend_oid(analyzed, lfirst_oid(cell));
	MemoryContextSwitchTo(old);
}

static void
step_forget_statistics(EraseRun *run, EraseMember *member)
{
	ListCell *cell;

	foreach (cell, analyzed)
		erase_forget_statistics(lfirst_oid(cell), XidFromFullTransactionId(analyzed_from));
	/* This transaction has its number by now, or has changed nothing. */
	erase_run_statistics(run, ReadNextFullTransactionId());
}

static bool
replace_statistics(EraseRun *run)
{
	int		  sqlstate = run_step(step_gather_analyzed, run, NULL);
	ListCell *cell;

	foreach (cell, analyzed)
	{
		command_relation = lfirst_oid(cell);
		if (sqlstate == 0)
			sqlstate = run_step(step_analyze, run, NULL);
	}
	if (sqlstate == 0)
		sqlstate = run_step(step_forget_statistics, run, NULL);
	return sqlstate == 0 || leave_open(run, NULL, sqlstate);
}

static void
look_at_catalog(EraseRun *run, Oid relid, ErasePages *look, EraseWork *work)
{
	Relation heap = table_open(relid, RowExclusiveLock);
	Oid		 toast = heap->rd_rel->reltoastrelid;
	int64	 pages = RelationGetNumberOfBlocks(heap);

	erase_pages(heap, 0, (BlockNumber) pages, look);
	work->total += pages;
	work->done += pages;
	table_close(heap, NoLock);
	if (OidIsValid(toast))
		look_at_catalog(run, toast, look, work);
}

/* Zero what the old statistics have left, then look at every page once more. */
static void
step_erase_statistics(EraseRun *run, EraseMember *member)
{
	static const Oid catalogs[] = {StatisticRelationId, StatisticExtDataRelationId};
	ErasePages		 look = {
			  .zero = true, .horizon = XidFromFullTransactionId(run->statistics_horizon), .since = GetXLogInsertRecPtr()};
	EraseWork work = {0};

	for (int i = 0; i < lengthof(catalogs); i++)
		look_at_catalog(run, catalogs[i], &look, &work);
	work.zeroed = look.zeroed;
	look.zero = false;
	look.verified = 0;
	for (int i = 0; i < lengthof(catalogs); i++)
		look_at_catalog(run, catalogs[i], &look, &work);
	work.verified = look.verified;
	work.changed = look.changed;
	remains = look.remains + look.failed;
	erase_run_add(run, &work);
	if (remains == 0)
		erase_run_stage(run, "certificate");
}

static bool
erase_statistics(EraseRun *run)
{
	int sqlstate;

	if (!FullTransactionIdIsValid(run->statistics_horizon) && !replace_statistics(run))
		return false;
	if (!await_horizon(run, StatisticRelationId, run->statistics_horizon))
		return leave_open(run, holder(run), 0);
	sqlstate = vacuum(run, StatisticRelationId);
	if (sqlstate == 0)
		sqlstate = vacuum(run, StatisticExtDataRelationId);
	if (sqlstate == 0)
		sqlstate = run_step(step_erase_statistics, run, NULL);
	if (sqlstate != 0)
		return leave_open(run, NULL, sqlstate);
	return remains == 0 || leave_open(run, MemoryContextStrdup(run->context, "a page that others look at"), 0);
}

/* ---- references to images ---- */

/*
 * A reference that was acknowledged, and the row version that held it: gone
 * from the pages of the queue as reads are from theirs.
 */
static void
step_erase_queue(EraseRun *run, EraseMember *member)
{
	Oid		   queue = registry_own_relation("image_deletion");
	ErasePages look = {
		.zero = true, .horizon = XidFromFullTransactionId(ReadNextFullTransactionId()), .since = GetXLogInsertRecPtr()};
	EraseWork work = {0};

	look_at_catalog(run, queue, &look, &work);
	look.zero = false;
	look_at_catalog(run, queue, &look, &work);
	remains = look.remains + look.failed;
	if (remains == 0)
		erase_forget_loss(queue);
}

static void
step_look_for_queue(EraseRun *run, EraseMember *member)
{
	command_relation = registry_own_relation("image_deletion");
	queue_lost = erase_has_loss(command_relation);
}

/* True: nothing is left to be done, now. */
static bool
erase_queue(EraseRun *run)
{
	queue_lost = false;
	if (run_step(step_look_for_queue, run, NULL) != 0)
		return false;
	if (!queue_lost)
		return true;
	if (!may_go_on() || vacuum(run, command_relation) != 0)
		return false;
	return run_step(step_erase_queue, run, NULL) == 0 && remains == 0;
}

/* ---- a relation ---- */

/* Find the run that is open, or begin one if something was lost since the last. */
static void
step_begin(EraseRun *run, EraseMember *member)
{
	const GovernedRelation *found = registry_lookup(run->relid);
	GovernedRelation		governed;
	List				   *members;
	List				   *tables = NIL;
	ListCell			   *cell;

	if (!found)
		return;
	governed = *found;
	if (erase_run_load(run))
		return;
	/* What it deletes now would be erased, and certified by nothing that it goes on from. */
	run->deferred = erase_run_purging(run->relid);
	if (run->deferred)
		return;
	if (!erase_run_purged(run->relid, &run->expired_at, &run->limit))
	{
		run->expired_at = shared_now();
		if (!retention_limit(&governed, run->expired_at, &run->limit))
			return;
	}
	/* What the purge has left is not erased, and nothing can be said of the rest. */
	if (retention_any_expired(run->relid, run->limit, run->expired_at))
		return;
	/* Whoever deleted what is not seen any more has a lower number. */
	run->horizon = ReadNextFullTransactionId();
	members = find_all_inheritors(run->relid, AccessShareLock, NULL);
	foreach (cell, members)
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
			tables = lappend_oid(tables, lfirst_oid(cell));
	erase_run_begin(run, tables);
	CRASH_POINT("erase-begun");
}

static void
step_load_members(EraseRun *run, EraseMember *member)
{
	erase_run_load_members(run);
}

static void
step_end_members(EraseRun *run, EraseMember *member)
{
	erase_run_stage(run, "statistics");
}

static void
step_certify(EraseRun *run, EraseMember *member)
{
	erase_run_certify(run);
}

static bool
erase_members(EraseRun *run)
{
	bool	  done = run_step(step_load_members, run, NULL) == 0;
	ListCell *cell;

	/* One that waits does not keep the others. */
	foreach (cell, run->members)
		done &= erase_member(run, lfirst(cell));
	return done && run_step(step_end_members, run, NULL) == 0;
}

/* True: nothing is left to be done, now. */
static bool
erase_relation(EraseRun *run)
{
	if (run_step(step_begin, run, NULL) != 0)
		return false;
	if (run->run_id == 0)
		return !run->deferred;
	if (!run->members_done && !erase_members(run))
		return false;
	if (!may_go_on() || (!run->statistics_done && !erase_statistics(run)))
		return false;
	return run_step(step_certify, run, NULL) == 0;
}

/* ---- the round ---- */

static void
step_gather_relations(EraseRun *run, EraseMember *member)
{
	List	 *roots = registry_roots();
	ListCell *cell;

	gathered = NIL;
	/* By a clock that nobody believes nothing is said of what has expired. */
	if (erase_run_clock_doubted())
		return;
	foreach (cell, roots)
	{
		Oid						root = lfirst_oid(cell);
		const GovernedRelation *governed = registry_lookup(root);

		if (governed && governed->purging && !governed->broken && !registry_observed(governed, shared_now()) &&
			(!OidIsValid(run->relid) || run->relid == root))
		{
			MemoryContext old = MemoryContextSwitchTo(run->context);

			gathered = lappend_oid(gathered, root);
			MemoryContextSwitchTo(old);
		}
	}
}

bool
erase_round(uint64 round, Oid only, bool asked)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "ctlpr erase round", ALLOCSET_DEFAULT_SIZES);
	EraseRun	  general = {.context = context, .relid = only};
	bool		  open = false;
	ListCell	 *cell;

	MemoryContextSwitchTo(context);
	round_asked = asked;
	if (!may_go_on())
		return false;
	set_worker_options();
	if (run_step(step_gather_relations, &general, NULL) != 0)
		return true;
	foreach (cell, gathered)
	{
		EraseRun run = {.context = context, .round = round, .relid = lfirst_oid(cell)};

		open |= !erase_relation(&run);
	}
	open |= !erase_queue(&general);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
	return open;
}

/* ---- by hand ---- */

/*
 * erase(relation): have the worker do a round now, and wait for its end.
 *
 * A procedure, since it must not hold a snapshot: rows that were deleted since
 * could not be vacuumed, and REINDEX CONCURRENTLY would wait for it for ever.
 */
Datum
ctlpr_run_erase_round(PG_FUNCTION_ARGS)
{
	CallContext			   *call = (CallContext *) fcinfo->context;
	DatabaseSlot		   *slot = shared_database();
	Oid						relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (OidIsValid(relid) && (!governed || governed->root != relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("relation with OID %u is not governed", relid),
						errhint("Name a relation of ctlpr.erase_status; partitions are erased with their parent.")));
	if (governed && !governed->purging)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("purging of relation with OID %u was never started", relid),
						errdetail("What is not deleted is not erased (13(b)(2)(A))."),
						errhint("Approve it with ctlpr.start_purge(relation, approved_by).")));
	if (!call || !IsA(call, CallContext) || call->atomic)
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("ctlpr.erase() cannot run inside a transaction block"),
						errdetail("A transaction that waits for the erasure keeps deleted rows where they are."),
						errhint("CALL it by itself.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	SPI_commit();
	worker_await_round(slot, &slot->erase, worker_ask_round(slot, &slot->erase, relid), "erase");
	SPI_finish();
	PG_RETURN_VOID();
}
