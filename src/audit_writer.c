/*
 * audit_writer.c - takes entries from the queue and makes them durable.
 *
 * One process per database, started by the launcher when a backend asks and
 * gone again after a while without work.  All entries that are there are stored
 * in one transaction, so the more backends wait, the fewer flushes each costs;
 * what nobody waits for, outcomes above all, is no reason for a flush of its own
 * until it has lingered for a while.
 * In the same transaction each entry enters the Merkle tree (audit_tree.c).
 * Nothing of a user's runs here: rows come formed, the log has no trigger, no
 * default and only plain indexes.
 *
 * An error, a full disk for instance, ends the process; the entries are still
 * in the queue and the next writer tries again, while backends refuse their
 * statements with LP020.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/syncrep.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_mirror.h"
#include "audit_queue.h"
#include "audit_tree.h"
#include "audit_writer.h"
#include "catalog_scan.h"
#include "checkpoint.h"
#include "compat.h"
#include "ctlpr.h"
#include "registry.h"
#include "shared.h"

/* A writer without work leaves after this long, so that its database can be dropped or copied */
#define WRITER_IDLE_MS (60 * 1000L)

/* How often a writer looks whether a log that contradicts its checkpoint has been accepted */
#define FORK_NAP_MS 250L

/* Rows that are stored at once */
#define BATCH_ROWS 64

static DatabaseSlot *my_slot = NULL;

/* The Merkle tree over what is stored.  Lives as long as this process, which an error ends. */
static AuditTree *my_tree = NULL;
static bool		  tree_found = false;

/* The checkpoint that was made last; the time also when it could not be made */
static uint64	   checkpoint_size = 0;
static TimestampTz checkpoint_at = 0;

/* What stands in the queue, from tail to head, up to the entry with this ticket */
typedef struct Batch
{
	uint64 tail;
	uint64 head;
	uint64 ticket;
} Batch;

typedef enum QueueState
{
	QUEUE_EMPTY,
	QUEUE_LINGERS, /* nobody waits for what is there */
	QUEUE_URGENT
} QueueState;

static void
show_state(WriterState state)
{
	pg_atomic_write_u32(&my_slot->statistics.writer_state, state);
}

/* Tell everybody that this writer is gone; the queue keeps its entries. */
static void
writer_detach(int code, Datum arg)
{
	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->writer_latch = NULL;
	if (my_slot->head != my_slot->tail)
		my_slot->writer_wanted = true;
	LWLockRelease(my_slot->lock);
	shared_wake_launcher();
}

/* Become the writer, unless there is one. */
static void
writer_attach(void)
{
	bool attached;

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	attached = (my_slot->writer_latch == NULL);
	if (attached)
	{
		my_slot->writer_latch = MyLatch;
		my_slot->writer_pid = MyProcPid;
		my_slot->statistics.writer_since = GetCurrentTimestamp();
		pg_atomic_write_u32(&my_slot->statistics.writer_state, WRITER_STARTING);
		my_slot->writer_wanted = false;
	}
	LWLockRelease(my_slot->lock);
	if (!attached)
		proc_exit(0);
	before_shmem_exit(writer_detach, (Datum) 0);
}

/* A batch that an earlier writer had under way: did it commit? */
static void
settle_batch(void)
{
	TransactionId xid = my_slot->writing_xid;

	if (!TransactionIdIsValid(xid))
		return;
	if (TransactionIdDidCommit(xid))
	{
		/* Its writer may have been told to leave before the standbys had it. */
		HOLD_INTERRUPTS();
		SyncRepWaitForLSN(GetXLogWriteRecPtr(), true);
		RESUME_INTERRUPTS();
		my_slot->statistics.flush_began = 0; /* how long that took nobody knows */
		if (!ProcDiePending)
			audit_queue_committed(my_slot);
	}
	else
	{
		LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
		my_slot->writing_xid = InvalidTransactionId;
		LWLockRelease(my_slot->lock);
	}
}

/* The promise of audit_durability = sync must not hang on a user's synchronous_commit = off. */
static void
apply_durability(void)
{
	if (ctlpr_audit_durability == AUDIT_DURABILITY_ASYNC)
		SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION);
	else if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION);
}

/* The latest time on record; false for an empty log */
static bool
latest_time(Relation log, TimestampTz *at)
{
	Relation	index = index_open(registry_log_time_index(), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(log, index, GetActiveSnapshot(), 0, NULL);
	HeapTuple	last = systable_getnext_ordered(scan, BackwardScanDirection);

	if (HeapTupleIsValid(last))
		*at = DatumGetTimestampTz(row_datum(log, last, Anum_at, NULL));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return HeapTupleIsValid(last);
}

/* Did a restore fill the log?  The log itself says so, where it goes on. */
static bool
take_restored(void)
{
	bool restored;

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	restored = my_slot->restored;
	my_slot->restored = false;
	LWLockRelease(my_slot->lock);
	return restored;
}

/* An entry about the log itself */
static AuditEntry
log_event(const char *action)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;

	entry.kind = AUDIT_VERDICT;
	entry.at = shared_now();
	entry.action = action;
	entry.allowed = TRI_TRUE;
	entry.enforced = TRI_TRUE;
	entry.clause = "14(a)(6)";
	return entry;
}

/* A fork that was accepted, and that the log does not tell of yet: the entry that does */
static bool
log_fork_unrecorded(Relation log, AuditEntry *entry)
{
	LogFork fork;

	if (!checkpoint_fork(&fork) || checkpoint_fork_recorded(log, &fork))
		return false;
	*entry = log_event("log_fork");
	entry->detail = fork.detail;
	return true;
}

/* Number on from the newest entry; the latest time on record is a floor for the clock. */
static void
read_log_end(Relation log)
{
	AuditEntry	first[2];
	int			count = 0;
	TimestampTz at;

	if (latest_time(log, &at))
		shared_raise_clock(my_slot, at);
	if (take_restored())
		first[count++] = log_event("restore");
	if (log_fork_unrecorded(log, &first[count]))
		count++;
	audit_queue_number(my_slot, (int64) my_tree->size + 1, first, count);
}

/* Find the end of the tree over what the log holds. */
static void
read_tree(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (!my_tree)
		my_tree = audit_tree_make();
	MemoryContextSwitchTo(old);
	audit_tree_open(my_tree, RowExclusiveLock);
	audit_tree_load(my_tree, audit_tree_log_size(my_tree), true);
}

/* Does the log still say what was signed?  Where not, nobody adds to it before that is accepted. */
static bool
check_checkpoints(void)
{
	Checkpoint contradicted;
	bool	   extended = checkpoint_extended(my_tree, &contradicted);

	if (!extended && !my_slot->forked)
		ereport(LOG, (errmsg("the log of database %u contradicts a checkpoint over " UINT64_FORMAT " entries", MyDatabaseId,
							 contradicted.size),
					  errdetail("It has " UINT64_FORMAT " entries; nothing is written to it.", my_tree->size),
					  errhint("After a failover, a recovery or a restore, ctlpr.accept_log_fork() goes on from what is left.")));
	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->forked = !extended;
	if (!extended)
		my_slot->seq_known = false;
	LWLockRelease(my_slot->lock);
	return extended;
}

/* Know where the log ends: its tree and, unless they are known from an earlier writer, its numbers. */
static void
ensure_log_end(void)
{
	Relation log;

	if (my_slot->seq_known && tree_found)
		return;
	StartTransactionCommand();
	if (!registry_ready())
	{
		CommitTransactionCommand();
		return;
	}
	/* Waits for a restore that loads it. */
	log = table_open(registry_log_relation(), RowExclusiveLock);
	PushActiveSnapshot(GetLatestSnapshot());
	read_tree();
	tree_found = check_checkpoints();
	if (tree_found && !my_slot->seq_known)
		read_log_end(log);
	audit_tree_close(my_tree);
	PopActiveSnapshot();
	table_close(log, NoLock);
	CommitTransactionCommand();
}

/* The extension is gone from this database: nothing can be recorded, so nothing may wait to be. */
static void
abandon_queue(void)
{
	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->head = my_slot->tail = 0;
	my_slot->tail_ticket = my_slot->pushed;
	my_slot->seq_known = false;
	my_slot->restored = false;
	my_slot->writing_xid = InvalidTransactionId;
	LWLockRelease(my_slot->lock);
}

/*
 * What is there to do?  sleeps: without work this writer will not look again
 * unless it is woken.
 */
static QueueState
look_at_queue(Batch *batch, bool sleeps)
{
	QueueState state = QUEUE_LINGERS;

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	*batch = (Batch){my_slot->tail, my_slot->head, my_slot->pushed};
	if (batch->head == batch->tail)
		state = QUEUE_EMPTY;
	else if (pg_atomic_read_u64(&my_slot->urgent) > pg_atomic_read_u64(&my_slot->flushed) || audit_queue_is_filling(my_slot))
		state = QUEUE_URGENT;
	my_slot->writer_asleep = sleeps && state == QUEUE_EMPTY;
	LWLockRelease(my_slot->lock);
	return state;
}

/* ---- storing ---- */

/* The log, opened for storing entries */
typedef struct OpenLog
{
	Relation		relation;
	EState		   *estate;
	ResultRelInfo  *result;
	int				rows; /* that wait in the slots */
	TupleTableSlot *slots[BATCH_ROWS];
} OpenLog;

/* An index whose expressions or conditions call functions would run them here, with all rights. */
static void
require_plain_indexes(const ResultRelInfo *result)
{
	for (int i = 0; i < result->ri_NumIndices; i++)
	{
		List	 *conditions = result->ri_IndexRelationInfo[i]->ii_Predicate;
		ListCell *cell;

		if (result->ri_IndexRelationInfo[i]->ii_Expressions != NIL)
			ereport(ERROR, (errcode(ERRCODE_LP_WEAKENING), errmsg("the log has an index over an expression")));
		foreach (cell, conditions)
			if (!IsA(lfirst(cell), NullTest) || !IsA(((NullTest *) lfirst(cell))->arg, Var))
				ereport(ERROR, (errcode(ERRCODE_LP_WEAKENING), errmsg("the log has an index with a condition")));
	}
}

static void
open_log(OpenLog *log)
{
	log->relation = table_open(registry_log_relation(), RowExclusiveLock);
	audit_tree_open(my_tree, RowExclusiveLock);
	log->estate = CreateExecutorState();
	log->result = makeNode(ResultRelInfo);
	InitResultRelInfo(log->result, log->relation, 0, NULL, 0);
	ExecOpenIndices(log->result, false);
	require_plain_indexes(log->result);
	log->rows = 0;
	for (int i = 0; i < BATCH_ROWS; i++)
		log->slots[i] = NULL;
}

/* Store the rows that wait: on as few pages as they take, then in the indexes. */
static void
flush_rows(OpenLog *log)
{
	if (log->rows == 0)
		return;
	table_multi_insert(log->relation, log->slots, log->rows, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < log->rows; i++)
	{
		(void) COMPAT_INSERT_INDEX_TUPLES(log->result, log->slots[i], log->estate);
		ExecClearTuple(log->slots[i]);
		ResetPerTupleExprContext(log->estate);
	}
	log->rows = 0;
}

static void
add_row(OpenLog *log, MinimalTuple row)
{
	TupleTableSlot *slot;

	if (log->rows == BATCH_ROWS)
		flush_rows(log);
	if (!log->slots[log->rows])
		log->slots[log->rows] = MakeSingleTupleTableSlot(RelationGetDescr(log->relation), &TTSOpsHeapTuple);
	slot = log->slots[log->rows++];
	ExecStoreHeapTuple(heap_tuple_from_minimal_tuple(row), slot, true);
	pfree(row);

#ifndef CTLPR_WITHOUT_TREE /* for the benchmark alone: what the tree costs */
	slot_getallattrs(slot);
	if ((uint64) DatumGetInt64(slot->tts_values[Anum_seq - 1]) != my_tree->size + 1)
		elog(ERROR, "the next entry does not follow the log");
	audit_tree_append(my_tree, slot->tts_values, slot->tts_isnull);
#endif
}

static void
close_log(OpenLog *log)
{
	flush_rows(log);
	for (int i = 0; i < BATCH_ROWS && log->slots[i]; i++)
		ExecDropSingleTupleTableSlot(log->slots[i]);
	ExecCloseIndices(log->result);
	FreeExecutorState(log->estate);
	audit_tree_close(my_tree);
	table_close(log->relation, NoLock);
}

/*
 * Store a batch in one transaction.  may_wait: for a lock on the log; else,
 * where somebody holds one, nothing is stored.  False: the extension is gone.
 */
static bool
write_batch(const Batch *batch, bool may_wait)
{
	uint64		 position = batch->tail;
	OpenLog		 log;
	MinimalTuple row;

	show_state(WRITER_WRITING);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (!registry_ready())
	{
		CommitTransactionCommand();
		return false;
	}
	if (!may_wait && !(ConditionalLockRelationOid(registry_log_relation(), RowExclusiveLock) &&
					   ConditionalLockRelationOid(registry_own_relation("audit_tile"), RowExclusiveLock)))
	{
		CommitTransactionCommand();
		return true;
	}
	if (my_slot->log_relation != registry_log_relation())
	{
		CommitTransactionCommand();
		audit_queue_forget_log(my_slot);
		return true;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	open_log(&log);
	while ((row = audit_queue_next(my_slot, &position, batch->head)) != NULL)
	{
		audit_mirror_add(row);
		add_row(&log, row);
	}
	close_log(&log);
	PopActiveSnapshot();

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->writing_xid = GetTopTransactionId();
	my_slot->writing_tail = position;
	my_slot->writing_ticket = batch->ticket;
	my_slot->statistics.flush_began = statistics_clock();
	LWLockRelease(my_slot->lock);

	CommitTransactionCommand();
	/* Who is told to leave does not wait for standbys: the next writer settles it. */
	if (!ProcDiePending)
		audit_queue_committed(my_slot);
	audit_mirror_write();
	pgstat_report_stat(false);
	return true;
}

/* ---- checkpoints ---- */

/* Is one to be made: is it asked for, is the last one old, or does this writer leave? */
static bool
checkpoint_is_due(bool leaves)
{
	bool asked;

	if (!tree_found || !my_slot->seq_known || !checkpoint_enabled())
		return false;
	LWLockAcquire(my_slot->lock, LW_SHARED);
	asked = my_slot->checkpoint_asked > my_slot->checkpoint_done;
	LWLockRelease(my_slot->lock);
	if (asked)
		return true;
	if (my_tree->size == checkpoint_size)
		return false;
	return leaves || (ctlpr_checkpoint_interval_s > 0 &&
					  TimestampDifferenceExceeds(checkpoint_at, GetCurrentTimestamp(), ctlpr_checkpoint_interval_s * 1000));
}

/* An error that keeps a checkpoint from being made is in the server log, and keeps nobody from recording. */
static bool
try_checkpoint(void)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool made = false;

	PG_TRY();
	{
		made = checkpoint_make(my_tree);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return made;
}

static void
make_checkpoint(void)
{
	uint64 asked;
	bool   made;

	show_state(WRITER_SIGNING);
	LWLockAcquire(my_slot->lock, LW_SHARED);
	asked = my_slot->checkpoint_asked;
	LWLockRelease(my_slot->lock);
	made = try_checkpoint();
	checkpoint_at = GetCurrentTimestamp();
	if (made)
		checkpoint_size = my_tree->size;
	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->checkpoint_failed = !made;
	my_slot->checkpoint_done = asked;
	LWLockRelease(my_slot->lock);
	ConditionVariableBroadcast(&my_slot->queue_cv);
}

/* ---- waiting ---- */

/* Told to leave: what lingers is stored first, if that takes no waiting.  The next writer settles it. */
static void
write_before_leaving(void)
{
	Batch batch;

	HOLD_INTERRUPTS();
	if (my_slot->seq_known && tree_found && look_at_queue(&batch, false) == QUEUE_LINGERS)
		(void) write_batch(&batch, false);
	RESUME_INTERRUPTS();
}

/* Wait to be woken.  False: nobody did for so long. */
static bool
wait_for_entries(long milliseconds)
{
	int events;

	if (!my_slot->forked)
		show_state(WRITER_IDLE);
	events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (ProcDiePending)
		write_before_leaving();
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		apply_durability();
	}
	return (events & WL_TIMEOUT) == 0;
}

/* Leave, unless an entry came in at the last moment. */
static bool
writer_may_leave(void)
{
	bool empty;

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	empty = (my_slot->head == my_slot->tail);
	if (empty)
		my_slot->writer_latch = NULL; /* from now on a backend asks for a new one */
	LWLockRelease(my_slot->lock);
	return empty;
}

void
audit_writer_main(Datum database)
{
	bool lingered = false; /* since it was woken last, or had something to do */

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
	pgstat_report_appname("ctlpr audit writer");

	checkpoint_at = GetCurrentTimestamp();
	my_slot = shared_database();
	writer_attach();
	apply_durability();

	StartTransactionCommand();
	settle_batch();
	CommitTransactionCommand();
	CHECK_FOR_INTERRUPTS(); /* who is told to leave may have left it unsettled */

	for (;;)
	{
		Batch	   batch;
		QueueState state;
		bool	   due;

		ensure_log_end();
		if (my_slot->forked)
		{
			show_state(WRITER_FORKED);
			(void) wait_for_entries(FORK_NAP_MS);
			continue;
		}
		due = checkpoint_is_due(false);
		state = look_at_queue(&batch, lingered);
		if (state == QUEUE_URGENT || (state == QUEUE_LINGERS && (lingered || due)))
		{
			if (!write_batch(&batch, true))
			{
				abandon_queue();
				proc_exit(0);
			}
			CHECK_FOR_INTERRUPTS();
			if (due)
				make_checkpoint();
			lingered = false;
		}
		else if (due)
			make_checkpoint();
		else if (state == QUEUE_LINGERS || !lingered)
			lingered = !wait_for_entries(AUDIT_LINGER_MS);
		else if (wait_for_entries(WRITER_IDLE_MS))
			lingered = false;
		else
		{
			if (checkpoint_is_due(true))
				make_checkpoint();
			if (writer_may_leave())
				proc_exit(0);
		}
	}
}
