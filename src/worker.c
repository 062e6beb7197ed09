/*
 * worker.c - the launcher: one process that starts the others.
 *
 * It keeps no connection to any database.  For each database that uses ctlpr
 * it starts the audit writer when a backend asks, and a purge worker every
 * ctlpr.purge_naptime or when somebody asks.  Which databases those are it
 * learns from the slots in shared memory, and by sending a purge worker into
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
#include "purge.h"
#include "registry.h"
#include "shared.h"
#include "worker.h"

/* Databases without a slot are looked into this often */
#define SWEEP_INTERVAL_MS (10 * 60 * 1000)

/* A worker that ended is not started again sooner */
#define RESTART_DELAY_MS 500

/* What the launcher knows of a database's workers; its own memory, gone with it */
typedef struct DatabaseWorkers
{
	Oid						database;
	BackgroundWorkerHandle *writer;
	TimestampTz				writer_started_at;
	BackgroundWorkerHandle *purge;
	TimestampTz				purge_started_at;
} DatabaseWorkers;

static List		  *known = NIL; /* of DatabaseWorkers * */
static TimestampTz swept_at = 0;

static DatabaseSlot *purge_slot = NULL;
static uint64		 purge_number = 0;

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
	asked = slot->purge_asked > slot->purge_begun;
	LWLockRelease(slot->lock);
	if (!has_ended(&workers->purge) ||
		!older_than(workers->purge_started_at, now, asked ? RESTART_DELAY_MS : ctlpr_purge_naptime_s * 1000L))
		return asked;
	workers->purge = start_worker("ctlpr purge worker", "worker_purge_main", slot->database);
	workers->purge_started_at = now;
	return asked && workers->purge == NULL;
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
		long timeout_ms = ctlpr_purge_naptime_s * 1000L;

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

/* ---- a purge worker ---- */

/* Whoever waits for the round goes on, however it ended. */
static void
end_round(int code, Datum arg)
{
	LWLockAcquire(purge_slot->lock, LW_EXCLUSIVE);
	if (purge_slot->purge_done < purge_number)
		purge_slot->purge_done = purge_number;
	LWLockRelease(purge_slot->lock);
	ConditionVariableBroadcast(&purge_slot->purge_cv);
}

static Oid
begin_round(void)
{
	Oid only;

	LWLockAcquire(purge_slot->lock, LW_EXCLUSIVE);
	only = purge_slot->purge_asked > purge_slot->purge_begun ? purge_slot->purge_relation : InvalidOid;
	purge_number = Max(purge_slot->purge_begun + 1, purge_slot->purge_asked);
	purge_slot->purge_begun = purge_number;
	purge_slot->purge_relation = InvalidOid;
	LWLockRelease(purge_slot->lock);
	before_shmem_exit(end_round, (Datum) 0);
	return only;
}

void
worker_purge_main(Datum database)
{
	bool installed;
	Oid	 only;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
	pgstat_report_appname("ctlpr purge worker");

	StartTransactionCommand();
	installed = registry_ready();
	CommitTransactionCommand();
	if (!installed)
		proc_exit(0);

	purge_slot = shared_database();
	only = begin_round();
	purge_round(purge_number, only);
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
