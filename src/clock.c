/*
 * clock.c - a clock that is set forward hides reads at once, but must not
 * delete them: what is deleted does not come back when the clock is put right.
 *
 * Within a server's life the wall clock is compared with the monotonic one,
 * across a restart with the time that ctlpr.clock has kept.  A doubt stands in
 * that table until confirm_clock(), so that a restart does not take it away.
 */
#include "postgres.h"

#include <time.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "clock.h"
#include "shared.h"

/* A step of this size against monotonic time, or a gap of that size over a restart, is doubted */
#define STEP_MAX_US USECS_PER_HOUR
#define GAP_MAX_US	USECS_PER_DAY

/* The time is kept at least this often, so a restart can tell */
#define KEEP_EVERY_US (10 * USECS_PER_MINUTE)

/* Microseconds of a clock that nobody can set */
static int64
monotonic_us(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		elog(ERROR, "could not read the monotonic clock: %m");
	return (int64) now.tv_sec * USECS_PER_SEC + now.tv_nsec / 1000;
}

/* How far the wall clock ran ahead of the monotonic one since the last look; *first: there was none since the server started */
static int64
step_since_last_look(TimestampTz wall, bool *first)
{
	DatabaseSlot *slot = shared_database();
	int64		  monotonic = monotonic_us();
	int64		  step;

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	*first = slot->clock_wall == 0;
	step = *first ? 0 : (wall - slot->clock_wall) - (monotonic - slot->clock_monotonic);
	slot->clock_wall = wall;
	slot->clock_monotonic = monotonic;
	LWLockRelease(slot->lock);
	return step;
}

static void
execute_with_time(const char *sql, TimestampTz at, int expected)
{
	Oid	  types[] = {TIMESTAMPTZOID};
	Datum values[] = {TimestampTzGetDatum(at)};

	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 1) != expected)
		elog(ERROR, "unexpected result of a statement on ctlpr.clock");
}

static void
record_doubt(TimestampTz wall)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	entry.kind = AUDIT_VERDICT;
	entry.at = shared_now();
	entry.action = "clock";
	entry.search_kind = "none";
	entry.allowed = TRI_FALSE;
	entry.enforced = TRI_TRUE;
	entry.clause = "13(b)(2)(A)";
	audit_await(audit_push(&entry, &seq));
	ereport(LOG, (errmsg("ctlpr suspends the deletion of expired reads: the clock was set forward"),
				  errhint("When the clock is right, call ctlpr.confirm_clock().")));
}

bool
clock_believed(void)
{
	TimestampTz wall = GetCurrentTimestamp();
	bool		first;
	int64		step = step_since_last_look(wall, &first);
	bool		doubted;
	bool		isnull;
	TimestampTz seen_at;

	SPI_connect();
	execute_with_time("INSERT INTO ctlpr.clock (seen_at) VALUES ($1) ON CONFLICT DO NOTHING", wall, SPI_OK_INSERT);
	if (SPI_execute("SELECT seen_at, doubted_at IS NOT NULL FROM ctlpr.clock", false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the row of ctlpr.clock is missing");
	seen_at = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	doubted = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (!doubted && (step > STEP_MAX_US || (first && wall - seen_at > GAP_MAX_US)))
	{
		record_doubt(wall);
		execute_with_time("UPDATE ctlpr.clock SET doubted_at = $1", wall, SPI_OK_UPDATE);
		doubted = true;
	}
	else if (!doubted && wall - seen_at > KEEP_EVERY_US)
		execute_with_time("UPDATE ctlpr.clock SET seen_at = $1", wall, SPI_OK_UPDATE);
	SPI_finish();
	return !doubted;
}
