/*
 * audit_queue.c - a ring of bytes per database between backends and writer.
 *
 * An entry stays in the ring until the transaction that stored it is durable.
 * A writer that dies is followed by another, which finds the same bytes; what
 * it may not do is store a batch twice, so the batch under way is noted with
 * its transaction id (see audit_writer.c).  Numbers are given out here, under
 * the lock, so that the order of the ring is the order of the log and a number
 * is lost only together with everything else in a crash of the server, when
 * nobody has been told it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_queue.h"
#include "ctlpr.h"
#include "decision.h"
#include "registry.h"

/* Header of an entry in the ring */
typedef struct RingItem
{
	uint32 length; /* of the row that follows, before alignment */
} RingItem;

static void
ring_put(DatabaseSlot *slot, uint64 position, const void *data, Size length)
{
	uint64 size = shared_ring_bytes();
	uint64 at = position % size;
	Size   first = Min(length, size - at);

	memcpy(slot->ring + at, data, first);
	memcpy(slot->ring, (const char *) data + first, length - first);
}

static void
ring_get(DatabaseSlot *slot, uint64 position, void *data, Size length)
{
	uint64 size = shared_ring_bytes();
	uint64 at = position % size;
	Size   first = Min(length, size - at);

	memcpy(data, slot->ring + at, first);
	memcpy((char *) data + first, slot->ring, length - first);
}

static Size
item_size(uint32 row_length)
{
	return MAXALIGN(sizeof(RingItem)) + MAXALIGN(row_length);
}

/* Another log than the one that was numbered: what still waits for the old one has nowhere to go. */
static void
forget_numbering(DatabaseSlot *slot)
{
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (slot->log_relation != registry_log_relation())
	{
		slot->seq_known = false;
		slot->tail = slot->head;
	}
	LWLockRelease(slot->lock);
}

/* Queue a formed row if there is room; the caller holds the lock. */
static bool
put_row(DatabaseSlot *slot, MinimalTuple row, int64 *seq, uint64 *ticket)
{
	RingItem item = {row->t_len};
	Size	 size = item_size(row->t_len);

	if (!slot->seq_known || slot->log_relation != registry_log_relation() ||
		shared_ring_bytes() - (slot->head - slot->tail) < size)
		return false;

	*seq = slot->next_seq++;
	audit_entry_set_seq(row, *seq);
	ring_put(slot, slot->head, &item, sizeof(item));
	ring_put(slot, slot->head + MAXALIGN(sizeof(item)), row, row->t_len);
	slot->head += size;
	*ticket = ++slot->pushed;
	return true;
}

/* Wake the writer, or have one started; the caller holds the lock.  True when the launcher must be told. */
static bool
wake_writer(DatabaseSlot *slot)
{
	if (slot->writer_latch)
	{
		SetLatch(slot->writer_latch);
		return false;
	}
	slot->writer_wanted = true;
	return true;
}

static void
raise_not_durable(void)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_LP_NOT_DURABLE), errmsg("the record of the access could not be made durable in time"),
		 errdetail("Nothing is released before its record is durable (14(a)(6))."),
		 errhint(
			 "See the server log for the ctlpr audit writer, free worker slots (max_worker_processes), and ctlpr.audit_timeout.")));
}

/* The writer is another transaction: it cannot see a log that this one has just created. */
static void
require_committed_log(void)
{
	Relation log = table_open(registry_log_relation(), AccessShareLock);
	bool	 created_here = log->rd_createSubid != InvalidSubTransactionId;

	table_close(log, NoLock);
	if (created_here)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"ctlpr\" was created in this transaction and cannot be used in it"),
						errdetail("The record of what is done is written by another transaction."),
						errhint("Commit CREATE EXTENSION first.")));
}

/*
 * Wait until a writer has read the log: with the number to go on from, it
 * brings the latest time on record, before which no entry may be dated.
 */
static void
await_numbering(DatabaseSlot *slot, TimestampTz deadline)
{
	ConditionVariablePrepareToSleep(&slot->flushed_cv);
	for (;;)
	{
		bool known;
		bool start_writer;

		LWLockAcquire(slot->lock, LW_EXCLUSIVE);
		known = slot->seq_known && slot->log_relation == registry_log_relation();
		start_writer = !known && wake_writer(slot);
		LWLockRelease(slot->lock);
		if (known)
			break;
		if (start_writer)
			shared_wake_launcher();
		require_committed_log();
		if (GetCurrentTimestamp() >= deadline)
		{
			ConditionVariableCancelSleep();
			raise_not_durable();
		}
		/* The writer numbers when it has something to do; an empty queue of another log counts as that. */
		if (slot->seq_known && slot->log_relation != registry_log_relation())
			forget_numbering(slot);
		ConditionVariableTimedSleep(&slot->flushed_cv, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

static MinimalTuple
form_row(DatabaseSlot *slot, const AuditEntry *entry)
{
	AuditEntry dated = *entry;

	dated.at = Max(dated.at, (TimestampTz) pg_atomic_read_u64(&slot->clock_floor));
	return audit_entry_form(&dated, registry_log_descriptor());
}

uint64
audit_push(const AuditEntry *entry, int64 *seq)
{
	DatabaseSlot *slot = shared_database();
	MinimalTuple  row;
	uint64		  ticket = 0;
	TimestampTz	  deadline;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_LP_STANDBY), errmsg("%s", verdict_message(CAUSE_STANDBY)),
				 errdetail("Nothing is released without a record (14(a)(6))."), errhint("%s", verdict_hint(CAUSE_STANDBY))));

	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ctlpr_audit_timeout_ms);
	await_numbering(slot, deadline);
	row = form_row(slot, entry);
	if (item_size(row->t_len) > shared_ring_bytes())
		raise_not_durable();

	ConditionVariablePrepareToSleep(&slot->flushed_cv);
	for (;;)
	{
		bool queued;
		bool start_writer;

		LWLockAcquire(slot->lock, LW_EXCLUSIVE);
		queued = put_row(slot, row, seq, &ticket);
		start_writer = wake_writer(slot);
		LWLockRelease(slot->lock);
		if (start_writer)
			shared_wake_launcher();
		if (queued)
			break;
		if (GetCurrentTimestamp() >= deadline)
		{
			ConditionVariableCancelSleep();
			raise_not_durable();
		}
		require_committed_log();
		ConditionVariableTimedSleep(&slot->flushed_cv, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	pfree(row);
	return ticket;
}

uint64
audit_push_nowait(const AuditEntry *entry, int64 *seq)
{
	DatabaseSlot *slot = shared_database();
	MinimalTuple  row;
	uint64		  ticket = 0;
	bool		  start_writer;

	if (RecoveryInProgress())
		return 0;
	row = form_row(slot, entry);
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (!put_row(slot, row, seq, &ticket))
		ticket = 0;
	start_writer = wake_writer(slot);
	LWLockRelease(slot->lock);
	if (start_writer)
		shared_wake_launcher();
	pfree(row);
	return ticket;
}

bool
audit_is_durable(uint64 ticket)
{
	return ctlpr_audit_durability == AUDIT_DURABILITY_ASYNC || pg_atomic_read_u64(&shared_database()->flushed) >= ticket;
}

void
audit_await(uint64 ticket)
{
	DatabaseSlot *slot = shared_database();
	TimestampTz	  deadline;

	if (audit_is_durable(ticket))
		return;

	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ctlpr_audit_timeout_ms);
	ConditionVariablePrepareToSleep(&slot->flushed_cv);
	while (pg_atomic_read_u64(&slot->flushed) < ticket)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		if (left <= 0)
		{
			ConditionVariableCancelSleep();
			raise_not_durable();
		}
		ConditionVariableTimedSleep(&slot->flushed_cv, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

void
audit_queue_number(DatabaseSlot *slot, int64 next_seq, const AuditEntry *first)
{
	MinimalTuple row = first ? form_row(slot, first) : NULL;
	bool		 queued = true;
	int64		 seq;
	uint64		 ticket;

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	slot->next_seq = next_seq;
	slot->log_relation = registry_log_relation();
	slot->seq_known = true;
	if (row)
		queued = put_row(slot, row, &seq, &ticket);
	LWLockRelease(slot->lock);
	ConditionVariableBroadcast(&slot->flushed_cv);
	if (!queued)
		elog(ERROR, "the audit queue has no room for its first entry");
}

MinimalTuple
audit_queue_next(DatabaseSlot *slot, uint64 *position, uint64 limit)
{
	RingItem	 item;
	MinimalTuple row;

	/* What stands between tail and head does not move, so no lock is needed to read it. */
	if (*position >= limit)
		return NULL;
	ring_get(slot, *position, &item, sizeof(item));
	row = palloc(item.length);
	ring_get(slot, *position + MAXALIGN(sizeof(item)), row, item.length);
	*position += item_size(item.length);
	return row;
}

void
audit_queue_committed(DatabaseSlot *slot)
{
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (TransactionIdIsValid(slot->writing_xid))
	{
		slot->tail = Max(slot->tail, slot->writing_tail);
		pg_atomic_write_u64(&slot->flushed, slot->writing_ticket);
		slot->writing_xid = InvalidTransactionId;
	}
	LWLockRelease(slot->lock);
	ConditionVariableBroadcast(&slot->flushed_cv);
}

void
audit_queue_restored(void)
{
	DatabaseSlot *slot = shared_database();

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	slot->seq_known = false;
	slot->restored = true;
	slot->writer_wanted = true;
	if (slot->writer_latch)
		SetLatch(slot->writer_latch);
	LWLockRelease(slot->lock);
	shared_wake_launcher();
}
