/*
 * statistics.h - what the queue and the workers of a database count of
 * themselves, for whoever watches over the server (ctlpr.ctlpr_stat).
 *
 * Counts go into shared memory, where a lock is held anyway or by an atomic on
 * a path that waits for the disk; they are gone with the server.  None is of a
 * person or a plate.
 */
#ifndef CTLPR_STATISTICS_H
#define CTLPR_STATISTICS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "port/atomics.h"

/* Entries of the last minute are kept in so many parts of so many seconds each, and one that begins */
#define STATISTICS_PART_SECONDS 5
#define STATISTICS_PARTS		12

typedef enum WriterState
{
	WRITER_STARTING, /* it reads where the log ends */
	WRITER_IDLE,
	WRITER_WRITING,
	WRITER_SIGNING,
	WRITER_FORKED /* the log contradicts a checkpoint */
} WriterState;

typedef struct RecentEntries
{
	int64  part; /* number of the part, in time */
	uint64 entries;
} RecentEntries;

/* Protected by the slot's lock, but for the atomics.  Times are microseconds of the monotonic clock. */
typedef struct Statistics
{
	TimestampTz since; /* of the wall clock */
	int64		began;

	/* what is queued */
	uint64 requests;		 /* begin_request(), allowed or not */
	uint64 requests_refused; /* of them */
	uint64 refusals;		 /* verdicts that were enforced, those of requests included */
	uint64 peak_bytes;		 /* the fullest that the queue has been */

	/* what is durable */
	uint64		  entries;
	uint64		  batches;
	uint64		  flush_us; /* from commit to durable, all batches together */
	uint64		  flush_last_us;
	RecentEntries recent[STATISTICS_PARTS + 1];

	int64 flush_began; /* of the batch under way; 0: its writer did not live to see it durable */

	/* the last round of the purge worker over all relations */
	TimestampTz purged_through; /* nothing that had expired by then was left; 0: no round since the start */
	Oid			purge_behind;	/* a relation that it could not finish; InvalidOid: none */

	TimestampTz		 writer_since;
	pg_atomic_uint32 writer_state;

	pg_atomic_uint64 waits; /* for a record to become durable */
	pg_atomic_uint64 wait_us;
	pg_atomic_uint64 room_waits; /* for a place in the queue, or for a writer that numbers it */
	pg_atomic_uint64 timeouts;	 /* LP020 */
	pg_atomic_uint64 rule_loads; /* sessions that forgot the rules and read them anew */
} Statistics;

struct AuditEntry;
struct DatabaseSlot;

/* Begin at nothing; and once a database has the slot, say since when. */
extern void statistics_initialize(Statistics *statistics);
extern void statistics_reset(Statistics *statistics);

/* An entry was queued; the caller holds the slot's lock. */
extern void statistics_queued(struct DatabaseSlot *slot, const struct AuditEntry *entry);

/* The batch under way, of so many entries, is durable; the caller holds the slot's lock. */
extern void statistics_committed(Statistics *statistics, uint64 entries);

/* This process begins and ends to wait for the queue or the writer; an end without a beginning does nothing. */
extern void statistics_wait_begins(void);
extern void statistics_wait_ends(void);

/* Microseconds of the monotonic clock */
extern int64 statistics_clock(void);

#endif /* CTLPR_STATISTICS_H */
