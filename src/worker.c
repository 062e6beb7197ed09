/*
 * worker.c - the launcher: one process that starts the others.
 *
 * It keeps no connection to any database.  For each database that uses ctlpr
 * it starts the audit writer when a backend asks, and a purge worker every
 * ctlpr.purge_naptime or when somebody asks, and an erase worker after that
 * every ctlpr.erase_naptime: erasing takes its time, and must not keep the next
 * purge waiting.  Which databases those are it learns from the slots in shared memory, and by sending a purge worker into
 * every database once in a while, for after a restart nobody may have touched
 * the one whose reads expire.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_writer.h"
#include "ctlpr.h"
#include "erase.h"
#include "purge.h"
#include "registry.h"
#include "shared.h"
#include "worker.h"

/* Databases without a slot are looked into this often */
#define SWEEP_INTERVAL_MS (10 * 60 * 1000)

/* A worker that ended is not started again sooner */
#define RESTART_DELAY_MS 500

/* Somebody who waits for a round gives up when none has begun for so long */
#define ROUND_BEGIN_MS (30 * 1000)

/* What the launcher knows of a database's workers; its own memory, gone with it */
typedef struct DatabaseWorkers
{
	Oid						database;
	BackgroundWorkerHandle *writer;
	TimestampTz				writer_started_at;
	BackgroundWorkerHandle *purge;
	TimestampTz				purge_started_at;
	BackgroundWorkerHandle *erase;
	TimestampTz				erase_started_at;
} DatabaseWorkers;

static List		  *known = NIL; /* of DatabaseWorkers * */
static TimestampTz swept_at = 0;

/* Of a purge or an erase worker: its rounds, and the number of its own */
static DatabaseSlot *round_slot = NULL;
static WorkerRounds *round_kind = NULL;
static uint64		 round_number = 0;

/* ---- the launcher ---- */

static DatabaseWorkers *
workers_of(Oid database)
{
	DatabaseWorkers *workers;
	ListCell		*cell;
	MemoryContext	 old;

	foreach (cell, known)
	{
		workers = lfirst(cell);
		if (workers->database == database)
			return workers;
	}
	old = MemoryContextSwitchTo(TopMemoryContext);
	workers = palloc0(sizeof(DatabaseWorkers));
	workers->database = database;
	known = lappend(known, workers);
	MemoryContextSwitchTo(old);
	return workers;
}

/* Has the worker behind the handle ended?  Forgets the handle if so. */
static bool
has_ended(BackgroundWorkerHandle **handle)
{
	pid_t pid;

	if (*handle == NULL)
		return true;
	if (GetBackgroundWorkerPid(*handle, &pid) != BGWH_STOPPED)
		return false;
	pfree(*handle);
	*handle = NULL;
	return true;
}

static BackgroundWorkerHandle *
start_worker(const char *name, const char *function, Oid database)
{
	BackgroundWorker		worker;
	BackgroundWorkerHandle *handle = NULL;
	MemoryContext			old = MemoryContextSwitchTo(TopMemoryContext);

	memset(&worker, 0, sizeof(worker));
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s for database %u", name, database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "%s", name);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "ctlpr", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("no free worker slot for %s", worker.bgw_name),
					  errhint("Raise max_worker_processes.")));
		handle = NULL;
	}
	MemoryContextSwitchTo(old);
	return handle;
}

static bool
older_than(TimestampTz then, TimestampTz now, long milliseconds)
{
	return TimestampDifferenceExceeds(then, now, milliseconds);
}

/* Start the writer if it is asked for.  True: it is, and could not be started yet. */
static bool
serve_writer(DatabaseSlot *slot, DatabaseWorkers *workers, TimestampTz now)
{
	bool wanted;

	LWLockAcquire(slot->lock, LW_SHARED);
	wanted = slot->writer_wanted && slot->writer_latch == NULL;
	LWLockRelease(slot->lock);
	if (!wanted)
		return false;
	if (!has_ended(&workers->writer) || !older_than(workers->writer_started_at, now, RESTART_DELAY_MS))
		return true;
	workers->writer = start_worker("ctlpr audit writer", "audit_writer_main", slot->database);
	workers->writer_started_at = now;
	return workers->writer == NULL;
}

/* Start a purge worker if one is due.  True: somebody waits for a round that could not begin yet. */
static bool
serve_purge(DatabaseSlot *slot, DatabaseWorkers *workers, TimestampTz now)
{
	bool asked;

	LWLockAcquire(slot->lock, LW_SHARED);
	asked = slot->purge.asked > slot->purge.begun;
	LWLockRelease(slot->lock);
	if (!has_ended(&workers->purge) ||
		!older_than(workers->purge_started_at, now, asked ? RESTART_DELAY_MS : ctlpr_purge_naptime_s * 1000L))
		return asked;
	workers->purge = start_worker("ctlpr purge worker", "worker_purge_main", slot->database);
	workers->purge_started_at = now;
	return asked && workers->purge == NULL;
}

/*
 * Start an erase worker if one is due, which it never is before something was
 * purged.  What waits for others is looked at as often as there is a purge.
 */
static bool
serve_erase(DatabaseSlot *slot, DatabaseWorkers *workers, TimestampTz now)
{
	bool asked;
	bool due;
	long naptime_ms;

	LWLockAcquire(slot->lock, LW_SHARED);
	asked = slot->erase.asked > slot->erase.begun;
	due = asked || (ctlpr_erase && slot->purge.done == slot->purge.begun && slot->purge.done > slot->purge_first);
	naptime_ms = Min(slot->erase_open ? ctlpr_purge_naptime_s : INT_MAX, ctlpr_erase_naptime_s) * 1000L;
	LWLockRelease(slot->lock);
	if (!due || !has_ended(&workers->erase) || !older_than(workers->erase_started_at, now, asked ? RESTART_DELAY_MS : naptime_ms))
		return asked;
	workers->erase = start_worker("ctlpr erase worker", "worker_erase_main", slot->database);
	workers->erase_started_at = now;
	return asked && workers->erase == NULL;
}

/* True: something has to be tried again soon. */
static bool
serve_databases(void)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		waiting = false;

	for (int i = 0; i < ctlpr_max_databases; i++)
	{
		DatabaseSlot	*slot = &shared->databases[i];
		DatabaseWorkers *workers;

		if (!OidIsValid(slot->database))
			continue;
		workers = workers_of(slot->database);
		waiting |= serve_writer(slot, workers, now);
		waiting |= serve_purge(slot, workers, now);
		waiting |= serve_erase(slot, workers, now);
	}
	return waiting;
}

static bool
has_slot(Oid database)
{
	return shared_database_of(database) != NULL;
}

/* Look into databases that have no slot; a purge worker that finds no extension there leaves at once. */
static void
sweep_databases(void)
{
	Relation	  catalog;
	TableScanDesc scan;
	HeapTuple	  row;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	shared_forget_databases();
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while (HeapTupleIsValid(row = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(row);
		DatabaseWorkers *workers;

		if (!database->datallowconn || database->datistemplate || has_slot(database->oid))
			continue;
		workers = workers_of(database->oid);
		if (has_ended(&workers->purge))
			workers->purge = start_worker("ctlpr purge worker", "worker_purge_main", database->oid);
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	CommitTransactionCommand();
}

static void
launcher_detach(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher_latch = NULL;
	LWLockRelease(shared->lock);
}

void
worker_launcher_main(Datum arg)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher_latch = MyLatch;
	LWLockRelease(shared->lock);
	before_shmem_exit(launcher_detach, (Datum) 0);

	for (;;)
	{
		long timeout_ms = Min(ctlpr_purge_naptime_s, ctlpr_erase_naptime_s) * 1000L;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (swept_at == 0 || older_than(swept_at, GetCurrentTimestamp(), SWEEP_INTERVAL_MS))
		{
			sweep_databases();
			swept_at = GetCurrentTimestamp();
		}
		if (serve_databases())
			timeout_ms = Min(timeout_ms, RESTART_DELAY_MS);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* ---- rounds ---- */

/* Whoever waits for the round goes on, however it ended. */
static void
end_round(int code, Datum arg)
{
	LWLockAcquire(round_slot->lock, LW_EXCLUSIVE);
	if (round_kind->done < round_number)
		round_kind->done = round_number;
	if (round_slot->erase_pid == MyProcPid)
		round_slot->erase_pid = 0;
	LWLockRelease(round_slot->lock);
	ConditionVariableBroadcast(&round_kind->cv);
	/* What follows a purge need not wait for the next look around. */
	if (round_kind == &round_slot->purge)
		shared_wake_launcher();
}

/* Begin a round.  *asked: somebody waits for it.  Result: the one relation that it is about, or InvalidOid */
static Oid
begin_round(DatabaseSlot *slot, WorkerRounds *rounds, bool *asked)
{
	Oid only;

	round_slot = slot;
	round_kind = rounds;
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	*asked = rounds->asked > rounds->begun;
	only = *asked ? rounds->relation : InvalidOid;
	round_number = Max(rounds->begun + 1, rounds->asked);
	rounds->begun = round_number;
	rounds->relation = InvalidOid;
	if (rounds == &slot->erase)
		slot->erase_pid = MyProcPid;
	LWLockRelease(slot->lock);
	before_shmem_exit(end_round, (Datum) 0);
	return only;
}

uint64
worker_ask_round(DatabaseSlot *slot, WorkerRounds *rounds, Oid relation)
{
	uint64 round;

	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	/* Whoever asks beside us for another relation gets a round over all of them. */
	rounds->relation = rounds->asked > rounds->begun && rounds->relation != relation ? InvalidOid : relation;
	round = Max(rounds->begun, rounds->asked) + 1;
	rounds->asked = round;
	LWLockRelease(slot->lock);
	shared_wake_launcher();
	return round;
}

void
worker_await_round(DatabaseSlot *slot, WorkerRounds *rounds, uint64 round, const char *worker)
{
	TimestampTz started = GetCurrentTimestamp();

	ConditionVariablePrepareToSleep(&rounds->cv);
	for (;;)
	{
		uint64 begun;
		uint64 done;

		LWLockAcquire(slot->lock, LW_SHARED);
		begun = rounds->begun;
		done = rounds->done;
		LWLockRelease(slot->lock);
		if (done >= round)
			break;
		/* A round before this one may take its time; that none begins at all is another matter. */
		if (begun == done && TimestampDifferenceExceeds(started, GetCurrentTimestamp(), ROUND_BEGIN_MS))
		{
			ConditionVariableCancelSleep();
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("the %s worker could not be started", worker),
							errhint("See the server log for the ctlpr launcher, and max_worker_processes.")));
		}
		(void) ConditionVariableTimedSleep(&rounds->cv, 1000, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

int
worker_run_step(WorkerStep step, void *arg, const char *work, Oid relid)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile int  sqlstate = 0;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		step(arg);
		/* A command that makes transactions of its own has popped it. */
		if (ActiveSnapshotSet())
			PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		sqlstate = geterrcode();
		FlushErrorState();
		AbortCurrentTransaction();
		ereport(LOG, (errmsg("ctlpr %s of relation with OID %u met an error with SQLSTATE %s", work, relid,
							 unpack_sql_state(sqlstate))));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CHECK_FOR_INTERRUPTS();
	return sqlstate;
}

/* ---- purge and erase workers ---- */

/* Connect; a worker that finds no extension in the database leaves. */
static void
connect_worker(Oid database, const char *name)
{
	bool installed;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	pgstat_report_appname(name);

	StartTransactionCommand();
	installed = registry_ready();
	CommitTransactionCommand();
	if (!installed)
		proc_exit(0);
}

void
worker_purge_main(Datum database)
{
	DatabaseSlot *slot;
	bool		  asked;
	Oid			  only;

	connect_worker(DatumGetObjectId(database), "ctlpr purge worker");
	slot = shared_database();
	only = begin_round(slot, &slot->purge, &asked);
	purge_round(round_number, only);
	/* What it has deleted is counted before the erase worker looks, or that would find it changed once more afterwards. */
	pgstat_report_stat(true);
	proc_exit(0);
}

void
worker_erase_main(Datum database)
{
	DatabaseSlot *slot;
	bool		  asked;
	bool		  open;
	Oid			  only;

	connect_worker(DatumGetObjectId(database), "ctlpr erase worker");
	slot = shared_database();
	only = begin_round(slot, &slot->erase, &asked);
	open = erase_round(round_number, only, asked);
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	slot->erase_open = open;
	LWLockRelease(slot->lock);
	proc_exit(0);
}

void
worker_install(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	snprintf(worker.bgw_name, BGW_MAXLEN, "ctlpr launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "ctlpr launcher");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "ctlpr", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "worker_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
