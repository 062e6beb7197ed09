/*
 * audit_writer.c - takes entries from the queue and makes them durable.
 *
 * One process per database, started by the launcher when a backend asks and
 * gone again after a while without work.  All entries that wait are stored in
 * one transaction, so the more backends wait, the fewer flushes each costs.
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
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_queue.h"
#include "audit_writer.h"
#include "compat.h"
#include "ctlpr.h"
#include "registry.h"
#include "shared.h"

/* A writer without work leaves after this long, so that its database can be dropped or copied */
#define WRITER_IDLE_MS (60 * 1000L)

static DatabaseSlot *my_slot = NULL;

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
		audit_queue_committed(my_slot);
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

/* The greatest value of a column of the log, by its index; false for an empty log */
static bool
greatest_value(Relation log, Oid index_oid, AttrNumber attribute, Datum *value)
{
	Relation	index = index_open(index_oid, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(log, index, GetActiveSnapshot(), 0, NULL);
	HeapTuple	last = systable_getnext_ordered(scan, BackwardScanDirection);
	bool		isnull = true;

	if (HeapTupleIsValid(last))
		*value = heap_getattr(last, attribute, RelationGetDescr(log), &isnull);
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return !isnull;
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

/* Number on from the newest entry; the latest time on record is a floor for the clock. */
static void
read_log_end(Relation log)
{
	AuditEntry restore = AUDIT_ENTRY_INIT;
	int64	   last = 0;
	Datum	   value;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (greatest_value(log, registry_log_index(), 1, &value))
		last = DatumGetInt64(value);
	if (greatest_value(log, registry_log_time_index(), 4, &value))
		shared_raise_clock(my_slot, DatumGetTimestampTz(value));
	PopActiveSnapshot();

	restore.kind = AUDIT_VERDICT;
	restore.at = shared_now();
	restore.action = "restore";
	restore.allowed = TRI_TRUE;
	restore.enforced = TRI_TRUE;
	restore.clause = "14(a)(6)";
	audit_queue_number(my_slot, last + 1, take_restored() ? &restore : NULL);
}

static void
ensure_numbering(void)
{
	Relation log;

	if (my_slot->seq_known)
		return;
	StartTransactionCommand();
	if (!registry_ready())
	{
		CommitTransactionCommand();
		return;
	}
	log = table_open(registry_log_relation(), AccessShareLock);
	read_log_end(log);
	table_close(log, NoLock);
	CommitTransactionCommand();
}

/* The extension is gone from this database: nothing can be recorded, so nothing may wait to be. */
static void
abandon_queue(void)
{
	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->head = my_slot->tail = 0;
	my_slot->seq_known = false;
	my_slot->restored = false;
	my_slot->writing_xid = InvalidTransactionId;
	LWLockRelease(my_slot->lock);
}

/* Store what stands between tail and head in one transaction.  False: the extension is gone. */
static bool
write_batch(uint64 tail, uint64 head, uint64 ticket)
{
	uint64			  position = tail;
	Relation		  log;
	CatalogIndexState indexes;
	MemoryContext	  batch;
	MinimalTuple	  row;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (!registry_ready())
	{
		CommitTransactionCommand();
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	log = table_open(registry_log_relation(), RowExclusiveLock);
	indexes = CatalogOpenIndexes(log);
	batch = AllocSetContextCreate(CurrentMemoryContext, "ctlpr audit batch", ALLOCSET_DEFAULT_SIZES);

	while (true)
	{
		MemoryContext old = MemoryContextSwitchTo(batch);

		row = audit_queue_next(my_slot, &position, head);
		if (row)
			CatalogTupleInsertWithInfo(log, heap_tuple_from_minimal_tuple(row), indexes);
		MemoryContextSwitchTo(old);
		if (!row)
			break;
		MemoryContextReset(batch);
	}

	MemoryContextDelete(batch);
	CatalogCloseIndexes(indexes);
	table_close(log, NoLock);
	PopActiveSnapshot();

	LWLockAcquire(my_slot->lock, LW_EXCLUSIVE);
	my_slot->writing_xid = GetTopTransactionId();
	my_slot->writing_tail = position;
	my_slot->writing_ticket = ticket;
	LWLockRelease(my_slot->lock);

	CommitTransactionCommand();
	audit_queue_committed(my_slot);
	pgstat_report_stat(false);
	return true;
}

/* Wait for work.  False: none came for a long time. */
static bool
wait_for_entries(void)
{
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, WRITER_IDLE_MS, PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
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
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
	pgstat_report_appname("ctlpr audit writer");

	my_slot = shared_database();
	writer_attach();
	apply_durability();

	StartTransactionCommand();
	settle_batch();
	CommitTransactionCommand();

	for (;;)
	{
		uint64 head;
		uint64 tail;
		uint64 ticket;

		ensure_numbering();

		LWLockAcquire(my_slot->lock, LW_SHARED);
		head = my_slot->head;
		tail = my_slot->tail;
		ticket = my_slot->pushed;
		LWLockRelease(my_slot->lock);

		if (head != tail)
		{
			if (!write_batch(tail, head, ticket))
			{
				abandon_queue();
				proc_exit(0);
			}
			CHECK_FOR_INTERRUPTS();
		}
		else if (!wait_for_entries() && writer_may_leave())
			proc_exit(0);
	}
}
