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
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_queue.h"
#include "compat.h"
#include "ctlpr.h"
#include "decision.h"
#include "registry.h"

/* How much longer than anybody else who restores a database waits, for another session that loads the log meanwhile */
#define RESTORE_PATIENCE_USECS USECS_PER_HOUR

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

bool
audit_queue_is_filling(const DatabaseSlot *slot)
{
	return slot->head - slot->tail > shared_ring_bytes() / 2;
}

uint64
audit_queue_count(const DatabaseSlot *slot)
{
	return slot->pushed - slot->tail_ticket;
}

/* Another log than the one that was numbered: what still waits for the old one has nowhere to go. */
void
audit_queue_forget_log(DatabaseSlot *slot)
{
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (slot->log_relation != registry_log_relation())
	{
		slot->seq_known = false;
		slot->tail = slot->head;
		slot->tail_ticket = slot->pushed;
	}
	LWLockRelease(slot->lock);
}

/* Is the log numbered, and is there room for an item of that size?  The caller holds the lock. */
static bool
has_room(DatabaseSlot *slot, Size size)
{
	return slot->seq_known && slot->log_relation == registry_log_relation() &&
		   shared_ring_bytes() - (slot->head - slot->tail) >= size;
}

/* Queue a formed row if there is room; the caller holds the lock. */
static bool
put_row(DatabaseSlot *slot, MinimalTuple row, int64 *seq, uint64 *ticket)
{
	RingItem item = {row->t_len};
	Size	 size = item_size(row->t_len);

	if (!has_room(slot, size))
		return false;

	*seq = slot->next_seq++;
	audit_entry_set_seq(row, *seq);
	ring_put(slot, slot->head, &item, sizeof(item));
	ring_put(slot, slot->head + MAXALIGN(sizeof(item)), row, row->t_len);
	slot->head += size;
	*ticket = ++slot->pushed;
	return true;
}

/*
 * Let the writer know what was queued, or have one started; the caller holds
 * the lock.  urgent: a ticket that somebody waits for, 0 when nobody does; then
 * the entry is stored with the next that is urgent, or when the writer looks by
 * itself.  True when the launcher must be told.
 */
static bool
wake_writer(DatabaseSlot *slot, uint64 urgent)
{
	if (urgent > pg_atomic_read_u64(&slot->urgent))
		pg_atomic_write_u64(&slot->urgent, urgent);
	if (!slot->writer_latch)
	{
		slot->writer_wanted = true;
		return true;
	}
	if (urgent > 0 || slot->writer_asleep || audit_queue_is_filling(slot))
	{
		slot->writer_asleep = false;
		SetLatch(slot->writer_latch);
	}
	return false;
}

static void
raise_not_durable(void)
{
	pg_atomic_fetch_add_u64(&shared_database()->statistics.timeouts, 1);
	if (shared_database()->forked)
		ereport(ERROR,
				(errcode(ERRCODE_LP_NOT_DURABLE), errmsg("the log contradicts its last checkpoint, and nothing is written to it"),
				 errdetail("Entries that were signed are missing or are not what they were (14(a)(6))."),
				 errhint("After a failover, a recovery or a restore, ctlpr.accept_log_fork() goes on from what is left.")));
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

static MinimalTuple
form_row(DatabaseSlot *slot, const AuditEntry *entry)
{
	AuditEntry dated = *entry;

	dated.at = Max(dated.at, (TimestampTz) pg_atomic_read_u64(&slot->clock_floor));
	return audit_entry_form(&dated, registry_log_descriptor());
}

/* Whoever restores waits until another of his sessions has loaded the log, unless that is what he does himself. */
static int64
restore_patience(void)
{
	LOCKTAG tag;

	if (!ctlpr_restore || !superuser())
		return 0;
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, registry_log_relation());
	return COMPAT_LOCK_HELD_BY_ME(&tag, ShareRowExclusiveLock) ? 0 : RESTORE_PATIENCE_USECS;
}

/*
 * Wait until a writer has read the log, and the queue has room.  With the
 * number to go on from, the writer brings the latest time on record, before
 * which no entry may be dated.
 */
static void
sleep_until_room(DatabaseSlot *slot, Size size, TimestampTz deadline)
{
	ConditionVariablePrepareToSleep(&slot->queue_cv);
	for (;;)
	{
		bool room;
		bool start_writer;

		LWLockAcquire(slot->lock, LW_EXCLUSIVE);
		room = has_room(slot, size);
		start_writer = !room && wake_writer(slot, slot->pushed);
		LWLockRelease(slot->lock);
		if (room)
			break;
		if (start_writer)
			shared_wake_launcher();
		require_committed_log();
		if (GetCurrentTimestamp() >= deadline + restore_patience())
		{
			ConditionVariableCancelSleep();
			raise_not_durable();
		}
		/* The writer numbers when it has something to do; an empty queue of another log counts as that. */
		if (slot->seq_known && slot->log_relation != registry_log_relation())
			audit_queue_forget_log(slot);
		ConditionVariableTimedSleep(&slot->queue_cv, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

static void
await_room(DatabaseSlot *slot, Size size, TimestampTz deadline)
{
	pg_atomic_fetch_add_u64(&slot->statistics.room_waits, 1);
	statistics_wait_begins();
	PG_TRY();
	{
		sleep_until_room(slot, size, deadline);
	}
	PG_FINALLY();
	{
		statistics_wait_ends();
	}
	PG_END_TRY();
}

uint64
audit_push(const AuditEntry *entry, int64 *seq)
{
	DatabaseSlot *slot = shared_database();
	uint64		  ticket = 0;
	TimestampTz	  deadline = 0;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_LP_STANDBY), errmsg("%s", verdict_message(CAUSE_STANDBY)),
				 errdetail("Nothing is released without a record (14(a)(6))."), errhint("%s", verdict_hint(CAUSE_STANDBY))));

	for (;;)
	{
		MinimalTuple row = form_row(slot, entry);
		Size		 size = item_size(row->t_len);
		bool		 queued;
		bool		 start_writer = false;

		if (size > shared_ring_bytes())
			raise_not_durable();
		LWLockAcquire(slot->lock, LW_EXCLUSIVE);
		queued = put_row(slot, row, seq, &ticket);
		if (queued)
		{
			statistics_queued(slot, entry);
			start_writer = wake_writer(slot, ctlpr_audit_durability == AUDIT_DURABILITY_SYNC ? ticket : 0);
		}
		LWLockRelease(slot->lock);
		pfree(row);
		if (start_writer)
			shared_wake_launcher();
		if (queued)
			return ticket;
		if (deadline == 0)
			deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ctlpr_audit_timeout_ms);
		await_room(slot, size, deadline);
	}
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
	if (put_row(slot, row, seq, &ticket))
		statistics_queued(slot, entry);
	else
		ticket = 0;
	start_writer = wake_writer(slot, 0);
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

/* What was queued without haste is waited for now. */
static void
hasten(DatabaseSlot *slot, uint64 ticket)
{
	bool start_writer;

	if (pg_atomic_read_u64(&slot->urgent) >= ticket)
		return;
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	start_writer = wake_writer(slot, ticket);
	LWLockRelease(slot->lock);
	if (start_writer)
		shared_wake_launcher();
}

static void
sleep_until_flushed(DatabaseSlot *slot, uint64 ticket)
{
	ConditionVariable *flushed = &slot->flushed_cv[ticket % SHARED_FLUSH_CVS];
	TimestampTz		   deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ctlpr_audit_timeout_ms);

	ConditionVariablePrepareToSleep(flushed);
	while (pg_atomic_read_u64(&slot->flushed) < ticket)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

		if (left <= 0)
		{
			ConditionVariableCancelSleep();
			raise_not_durable();
		}
		ConditionVariableTimedSleep(flushed, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

void
audit_await(uint64 ticket)
{
	DatabaseSlot *slot = shared_database();
	int64		  began;

	if (audit_is_durable(ticket))
		return;

	hasten(slot, ticket);
	began = statistics_clock();
	statistics_wait_begins();
	PG_TRY();
	{
		sleep_until_flushed(slot, ticket);
	}
	PG_FINALLY();
	{
		statistics_wait_ends();
		pg_atomic_fetch_add_u64(&slot->statistics.waits, 1);
		pg_atomic_fetch_add_u64(&slot->statistics.wait_us, statistics_clock() - began);
	}
	PG_END_TRY();
}

void
audit_queue_number(DatabaseSlot *slot, int64 next_seq, const AuditEntry *first, int count)
{
	MinimalTuple *rows = palloc(sizeof(MinimalTuple) * (count + 1));
	bool		  queued = true;
	int64		  seq;
	uint64		  ticket;

	for (int i = 0; i < count; i++)
		rows[i] = form_row(slot, &first[i]);

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	/* What waits has its numbers, which follow the log: it cannot have become shorter while the server ran. */
	if (slot->head == slot->tail)
		slot->next_seq = next_seq;
	slot->log_relation = registry_log_relation();
	slot->seq_known = true;
	for (int i = 0; i < count && queued; i++)
		queued = put_row(slot, rows[i], &seq, &ticket);
	LWLockRelease(slot->lock);
	ConditionVariableBroadcast(&slot->queue_cv);
	if (!queued)
		elog(ERROR, "the audit queue has no room for its first entries");
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
	uint64 before = pg_atomic_read_u64(&slot->flushed);
	uint64 now;

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	if (TransactionIdIsValid(slot->writing_xid))
	{
		/* Nothing is left of a batch whose log has been forgotten meanwhile. */
		statistics_committed(&slot->statistics, Max(slot->tail_ticket, slot->writing_ticket) - slot->tail_ticket);
		slot->tail = Max(slot->tail, slot->writing_tail);
		slot->tail_ticket = Max(slot->tail_ticket, slot->writing_ticket);
		pg_atomic_write_u64(&slot->flushed, slot->writing_ticket);
		slot->writing_xid = InvalidTransactionId;
	}
	LWLockRelease(slot->lock);
	now = pg_atomic_read_u64(&slot->flushed);
	if (now - before > SHARED_FLUSH_CVS)
		before = now - SHARED_FLUSH_CVS;
	while (before < now)
		ConditionVariableBroadcast(&slot->flushed_cv[++before % SHARED_FLUSH_CVS]);
	ConditionVariableBroadcast(&slot->queue_cv);
}

bool
audit_queue_stop_numbering(void)
{
	DatabaseSlot *slot = shared_database();
	bool		  empty;

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	empty = slot->head == slot->tail;
	if (empty)
		slot->seq_known = false;
	LWLockRelease(slot->lock);
	return empty;
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
