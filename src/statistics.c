/*
 * statistics.c - see statistics.h.
 *
 * What a session waits for is in its own slot with its process, so that a
 * session that is ended while it waits leaves no count behind.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "compat.h"
#include "registry.h"
#include "shared.h"
#include "statistics.h"

PG_FUNCTION_INFO_V1(ctlpr_queue_statistics);

/* Columns of ctlpr.queue_statistics(), see sql/stat.sql */
enum
{
	STAT_SINCE,
	STAT_QUEUE_ENTRIES,
	STAT_QUEUE_BYTES,
	STAT_QUEUE_CAPACITY_BYTES,
	STAT_QUEUE_PEAK_BYTES,
	STAT_OLDEST_UNWRITTEN_AT,
	STAT_WAITING_BACKENDS,
	STAT_WAITS,
	STAT_WAIT_TIME_MS,
	STAT_ROOM_WAITS,
	STAT_TIMEOUTS,
	STAT_ENTRIES_WRITTEN,
	STAT_ENTRIES_PER_SECOND,
	STAT_ENTRIES_PER_SECOND_RECENT,
	STAT_BATCHES,
	STAT_FLUSH_TIME_MS,
	STAT_FLUSH_LAST_MS,
	STAT_WRITER_STATE,
	STAT_WRITER_PID,
	STAT_WRITER_SINCE,
	STAT_REQUESTS,
	STAT_REQUESTS_REFUSED,
	STAT_REFUSALS,
	STAT_LOG_ENTRIES,
	STAT_PURGED_THROUGH,
	STAT_PURGE_BEHIND,
	STAT_RULE_CHANGES,
	STAT_RULE_LOADS,
	STAT_COLUMNS
};

int64
statistics_clock(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

void
statistics_initialize(Statistics *statistics)
{
	memset(statistics, 0, sizeof(*statistics));
	pg_atomic_init_u32(&statistics->writer_state, WRITER_STARTING);
	pg_atomic_init_u64(&statistics->waits, 0);
	pg_atomic_init_u64(&statistics->wait_us, 0);
	pg_atomic_init_u64(&statistics->room_waits, 0);
	pg_atomic_init_u64(&statistics->timeouts, 0);
	pg_atomic_init_u64(&statistics->rule_loads, 0);
}

void
statistics_reset(Statistics *statistics)
{
	statistics_initialize(statistics);
	statistics->since = GetCurrentTimestamp();
	statistics->began = statistics_clock();
}

/* ---- counting ---- */

void
statistics_queued(DatabaseSlot *slot, const AuditEntry *entry)
{
	Statistics *statistics = &slot->statistics;

	statistics->peak_bytes = Max(statistics->peak_bytes, slot->head - slot->tail);
	if (entry->kind != AUDIT_VERDICT)
		return;
	if (entry->allowed == TRI_FALSE && entry->enforced != TRI_FALSE)
		statistics->refusals++;
	if (entry->action && strcmp(entry->action, "request") == 0)
	{
		statistics->requests++;
		if (entry->allowed == TRI_FALSE)
			statistics->requests_refused++;
	}
}

static int64
part_of(int64 clock)
{
	return clock / (STATISTICS_PART_SECONDS * USECS_PER_SEC);
}

void
statistics_committed(Statistics *statistics, uint64 entries)
{
	int64		   now = statistics_clock();
	RecentEntries *recent = &statistics->recent[part_of(now) % lengthof(statistics->recent)];

	if (recent->part != part_of(now))
		*recent = (RecentEntries){part_of(now), 0};
	recent->entries += entries;
	statistics->entries += entries;
	if (statistics->flush_began == 0)
		return;
	statistics->batches++;
	statistics->flush_last_us = now - statistics->flush_began;
	statistics->flush_us += statistics->flush_last_us;
	statistics->flush_began = 0;
}

/* ---- waiting ---- */

void
statistics_wait_begins(void)
{
	BackendSlot *mine = shared_backend();

	mine->waits_in = MyDatabaseId;
	mine->waits_pid = MyProcPid;
}

void
statistics_wait_ends(void)
{
	shared_backend()->waits_pid = 0;
}

/* Sessions of this database that wait; one that was ended in its wait is not there any more. */
static int
count_waiting(void)
{
	int count = 0;

	for (int i = 0; i < shared->max_backends; i++)
	{
		BackendSlot *slot = &shared->backends[i];
		int			 pid = slot->waits_pid;

		if (pid != 0 && slot->waits_in == MyDatabaseId && BackendPidGetProc(pid) == GetPGProcByNumber(i))
			count++;
	}
	return count;
}

/* ---- showing ---- */

/* When was the oldest entry recorded that is not durable yet?  The caller holds the slot's lock. */
static bool
oldest_unwritten(DatabaseSlot *slot, TimestampTz *at)
{
	uint64		 position = slot->tail;
	MinimalTuple row = audit_queue_next(slot, &position, slot->head);
	HeapTuple	 tuple;
	bool		 isnull;

	if (!row)
		return false;
	tuple = heap_tuple_from_minimal_tuple(row);
	*at = DatumGetTimestampTz(heap_getattr(tuple, Anum_at, registry_log_descriptor(), &isnull));
	return !isnull;
}

static double
per_second(uint64 count, int64 microseconds)
{
	return microseconds > 0 ? (double) count * USECS_PER_SEC / microseconds : 0;
}

/* Entries a second in the last minute, or since the start where that is less */
static double
recent_rate(const Statistics *statistics, int64 now)
{
	int64  first = part_of(now) - STATISTICS_PARTS + 1;
	int64  from = Max(first * STATISTICS_PART_SECONDS * USECS_PER_SEC, statistics->began);
	uint64 entries = 0;

	for (int i = 0; i < lengthof(statistics->recent); i++)
		if (statistics->recent[i].part >= first)
			entries += statistics->recent[i].entries;
	/* What came in a moment ago is no rate yet. */
	return per_second(entries, Max(now - from, USECS_PER_SEC));
}

static const char *
writer_state(const DatabaseSlot *slot)
{
	static const char *const names[] = {
		[WRITER_STARTING] = "starting", [WRITER_IDLE] = "idle",		[WRITER_WRITING] = "writing",
		[WRITER_SIGNING] = "signing",	[WRITER_FORKED] = "forked",
	};

	if (!slot->writer_latch)
		return slot->writer_wanted ? "wanted" : "none";
	return names[pg_atomic_read_u32((pg_atomic_uint32 *) &slot->statistics.writer_state)];
}

/* queue_statistics(): a row of what this database's queue and workers have counted; see sql/stat.sql */
Datum
ctlpr_queue_statistics(PG_FUNCTION_ARGS)
{
	DatabaseSlot *slot = shared_database();
	Statistics	 *statistics = &slot->statistics;
	Datum		  values[STAT_COLUMNS];
	bool		  nulls[STAT_COLUMNS] = {false};
	TupleDesc	  desc;
	int64		  now = statistics_clock();
	TimestampTz	  oldest = 0;
	int			  waiting = count_waiting();

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != STAT_COLUMNS)
		elog(ERROR, "unexpected row type of ctlpr.queue_statistics()");
	(void) registry_log_descriptor();
	LWLockAcquire(slot->lock, LW_SHARED);
	values[STAT_SINCE] = TimestampTzGetDatum(statistics->since);
	values[STAT_QUEUE_ENTRIES] = Int64GetDatum(audit_queue_count(slot));
	values[STAT_QUEUE_BYTES] = Int64GetDatum(slot->head - slot->tail);
	values[STAT_QUEUE_CAPACITY_BYTES] = Int64GetDatum(shared_ring_bytes());
	values[STAT_QUEUE_PEAK_BYTES] = Int64GetDatum(statistics->peak_bytes);
	nulls[STAT_OLDEST_UNWRITTEN_AT] = !oldest_unwritten(slot, &oldest);
	values[STAT_OLDEST_UNWRITTEN_AT] = TimestampTzGetDatum(oldest);
	values[STAT_WAITING_BACKENDS] = Int32GetDatum(waiting);
	values[STAT_WAITS] = Int64GetDatum(pg_atomic_read_u64(&statistics->waits));
	values[STAT_WAIT_TIME_MS] = Float8GetDatum(pg_atomic_read_u64(&statistics->wait_us) / 1000.0);
	values[STAT_ROOM_WAITS] = Int64GetDatum(pg_atomic_read_u64(&statistics->room_waits));
	values[STAT_TIMEOUTS] = Int64GetDatum(pg_atomic_read_u64(&statistics->timeouts));
	values[STAT_ENTRIES_WRITTEN] = Int64GetDatum(statistics->entries);
	values[STAT_ENTRIES_PER_SECOND] = Float8GetDatum(per_second(statistics->entries, now - statistics->began));
	values[STAT_ENTRIES_PER_SECOND_RECENT] = Float8GetDatum(recent_rate(statistics, now));
	values[STAT_BATCHES] = Int64GetDatum(statistics->batches);
	nulls[STAT_FLUSH_TIME_MS] = nulls[STAT_FLUSH_LAST_MS] = statistics->batches == 0;
	values[STAT_FLUSH_TIME_MS] = Float8GetDatum(statistics->flush_us / 1000.0 / Max(statistics->batches, 1));
	values[STAT_FLUSH_LAST_MS] = Float8GetDatum(statistics->flush_last_us / 1000.0);
	values[STAT_WRITER_STATE] = CStringGetTextDatum(writer_state(slot));
	nulls[STAT_WRITER_PID] = nulls[STAT_WRITER_SINCE] = slot->writer_latch == NULL;
	values[STAT_WRITER_PID] = Int32GetDatum(slot->writer_pid);
	values[STAT_WRITER_SINCE] = TimestampTzGetDatum(statistics->writer_since);
	values[STAT_REQUESTS] = Int64GetDatum(statistics->requests);
	values[STAT_REQUESTS_REFUSED] = Int64GetDatum(statistics->requests_refused);
	values[STAT_REFUSALS] = Int64GetDatum(statistics->refusals);
	nulls[STAT_LOG_ENTRIES] = !slot->seq_known;
	values[STAT_LOG_ENTRIES] = Int64GetDatum(slot->next_seq - 1);
	nulls[STAT_PURGED_THROUGH] = statistics->purged_through == 0;
	values[STAT_PURGED_THROUGH] = TimestampTzGetDatum(statistics->purged_through);
	nulls[STAT_PURGE_BEHIND] = !OidIsValid(statistics->purge_behind);
	values[STAT_PURGE_BEHIND] = ObjectIdGetDatum(statistics->purge_behind);
	values[STAT_RULE_CHANGES] = Int64GetDatum(pg_atomic_read_u64(&slot->rules_generation) - 1);
	values[STAT_RULE_LOADS] = Int64GetDatum(pg_atomic_read_u64(&statistics->rule_loads));
	LWLockRelease(slot->lock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
