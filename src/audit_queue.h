/*
 * audit_queue.h - the way of an entry from a backend to the writer.
 */
#ifndef CTLPR_AUDIT_QUEUE_H
#define CTLPR_AUDIT_QUEUE_H

#include "postgres.h"

#include "access/htup.h"

#include "audit_entry.h"
#include "shared.h"

/* How long an entry that nobody waits for may wait for company, in milliseconds */
#define AUDIT_LINGER_MS 50L

/*
 * Backend side.
 *
 * audit_push() queues an entry and numbers it.  *seq receives its number.
 * Result: the ticket to wait for.  Waits for room and for the writer up to
 * ctlpr.audit_timeout, then raises LP020; LP021 in recovery.
 *
 * audit_push_nowait() is for places that may neither wait nor fail (abort), and
 * for entries that nobody waits for: it takes the entry when there is room.
 * It is stored with the next entry that somebody waits for, or after
 * AUDIT_LINGER_MS.  Result: its ticket, 0 when it was not taken.
 *
 * audit_await() returns when the ticket's entry is durable.  Raises LP020
 * after ctlpr.audit_timeout; returns at once under audit_durability = async.
 */
extern uint64 audit_push(const AuditEntry *entry, int64 *seq);
extern uint64 audit_push_nowait(const AuditEntry *entry, int64 *seq);
extern void	  audit_await(uint64 ticket);

/* How many entries are queued?  The caller holds the lock. */
extern uint64 audit_queue_count(const DatabaseSlot *slot);

/* Would audit_await() return at once? */
extern bool audit_is_durable(uint64 ticket);

/*
 * Writer side.
 *
 * audit_queue_next() copies the entry at *position into the current memory
 * context and moves *position behind it; NULL when there is none before limit.
 * audit_queue_committed() frees what the committed batch held and wakes the
 * waiters.
 */
extern bool			audit_queue_is_filling(const DatabaseSlot *slot); /* more than half; the caller holds the lock */
extern MinimalTuple audit_queue_next(DatabaseSlot *slot, uint64 *position, uint64 limit);
extern void			audit_queue_committed(DatabaseSlot *slot);

/*
 * Number what is queued from now on from this number; waiters are woken.
 * Entries that are queued already keep their numbers.  first: entries that come
 * before all that are queued from now on.  Raises an internal error when
 * the queue has no room for them.
 */
extern void audit_queue_number(DatabaseSlot *slot, int64 next_seq, const AuditEntry *first, int count);

/* Drop what waits for a log that is not there any more; the next look numbers for the one that is. */
extern void audit_queue_forget_log(DatabaseSlot *slot);

/*
 * The log is about to be loaded by a restore, which has locked it: number anew
 * when it is done.  False: entries are waiting for the log already.
 */
extern bool audit_queue_stop_numbering(void);

/* The log was loaded by a restore: number on from what is there; call when that is committed. */
extern void audit_queue_restored(void);

#endif /* CTLPR_AUDIT_QUEUE_H */
