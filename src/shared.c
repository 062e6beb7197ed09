/*
 * shared.c - shared memory: laid out once at server start, found again by
 * every process.
 *
 * A slot per database keeps the queue of one database apart from another's: a
 * full queue or a dead writer in one refuses nothing in the next.
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "ctlpr.h"
#include "shared.h"

SharedState *shared = NULL;

static shmem_request_hook_type previous_shmem_request_hook = NULL;
static shmem_startup_hook_type previous_shmem_startup_hook = NULL;
static DatabaseSlot			  *my_database = NULL;

uint64
shared_ring_bytes(void)
{
	return (uint64) ctlpr_audit_queue_kb * 1024;
}

static int
backend_slots(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS + max_prepared_xacts;
}

static Size
shared_size(void)
{
	Size size = MAXALIGN(add_size(offsetof(SharedState, databases), mul_size(ctlpr_max_databases, sizeof(DatabaseSlot))));

	size = add_size(size, MAXALIGN(mul_size(backend_slots(), sizeof(BackendSlot))));
	return add_size(size, mul_size(ctlpr_max_databases, shared_ring_bytes()));
}

static void
shared_request(void)
{
	if (previous_shmem_request_hook)
		previous_shmem_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche("ctlpr", ctlpr_max_databases + 1);
}

static void
initialize_database_slot(DatabaseSlot *slot, LWLock *lock, char *ring)
{
	memset(slot, 0, sizeof(*slot));
	slot->lock = lock;
	slot->ring = ring;
	pg_atomic_init_u64(&slot->rules_generation, 1);
	pg_atomic_init_u64(&slot->nothing_governed, 0);
	pg_atomic_init_u64(&slot->clock_floor, 0);
	pg_atomic_init_u64(&slot->urgent, 0);
	pg_atomic_init_u64(&slot->flushed, 0);
	ConditionVariableInit(&slot->queue_cv);
	for (int i = 0; i < SHARED_FLUSH_CVS; i++)
		ConditionVariableInit(&slot->flushed_cv[i]);
	ConditionVariableInit(&slot->purge.cv);
	ConditionVariableInit(&slot->erase.cv);
	statistics_initialize(&slot->statistics);
}

static void
shared_startup(void)
{
	bool		  found;
	char		 *rest;
	LWLockPadded *locks;

	if (previous_shmem_startup_hook)
		previous_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ctlpr", shared_size(), &found);
	if (!found)
	{
		locks = GetNamedLWLockTranche("ctlpr");
		shared->lock = &locks[ctlpr_max_databases].lock;
		shared->launcher_latch = NULL;
		if (!pg_strong_random(shared->request_key, sizeof(shared->request_key)))
			ereport(FATAL, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate the key that seals requests")));

		rest = (char *) shared + MAXALIGN(offsetof(SharedState, databases) + ctlpr_max_databases * sizeof(DatabaseSlot));
		shared->backends = (BackendSlot *) rest;
		shared->max_backends = backend_slots();
		memset(shared->backends, 0, shared->max_backends * sizeof(BackendSlot));
		for (int i = 0; i < shared->max_backends; i++)
		{
			pg_atomic_init_u64(&shared->backends[i].bulk.touched, 0);
			pg_atomic_init_u32(&shared->backends[i].bulk.recorded, 0);
		}
		rest += MAXALIGN(shared->max_backends * sizeof(BackendSlot));

		for (int i = 0; i < ctlpr_max_databases; i++)
			initialize_database_slot(&shared->databases[i], &locks[i].lock, rest + i * shared_ring_bytes());
	}
	LWLockRelease(AddinShmemInitLock);
}

void
shared_install(void)
{
	previous_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shared_request;
	previous_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shared_startup;
}

/* The slot of this database, or a free one that becomes it; NULL when all are taken */
static DatabaseSlot *
claim_slot(void)
{
	DatabaseSlot *found = NULL;
	DatabaseSlot *unused = NULL;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ctlpr_max_databases && !found; i++)
	{
		DatabaseSlot *slot = &shared->databases[i];

		if (slot->database == MyDatabaseId)
			found = slot;
		else if (!unused && !OidIsValid(slot->database))
			unused = slot;
	}
	if (!found && unused)
	{
		unused->database = MyDatabaseId;
		/* Rounds count on from the clock, so that a number is not used again after a restart. */
		unused->purge.asked = unused->purge.begun = unused->purge.done = (uint64) GetCurrentTimestamp() / 1000;
		unused->purge_first = unused->purge.done;
		unused->erase.asked = unused->erase.begun = unused->erase.done = unused->purge.done;
		statistics_reset(&unused->statistics);
		found = unused;
	}
	LWLockRelease(shared->lock);
	return found;
}

DatabaseSlot *
shared_database(void)
{
	/* A slot is freed only when its database is gone, so what was found stays found. */
	if (my_database)
		return my_database;

	my_database = claim_slot();
	if (!my_database && IsTransactionState())
	{
		shared_forget_databases();
		my_database = claim_slot();
	}
	if (!my_database)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED), errmsg("too many databases use ctlpr"),
						errhint("Raise ctlpr.max_databases and restart the server.")));
	return my_database;
}

DatabaseSlot *
shared_database_of(Oid database)
{
	DatabaseSlot *found = NULL;

	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < ctlpr_max_databases; i++)
		if (shared->databases[i].database == database)
			found = &shared->databases[i];
	LWLockRelease(shared->lock);
	return found;
}

void
shared_forget_databases(void)
{
	for (int i = 0; i < ctlpr_max_databases; i++)
	{
		DatabaseSlot *slot = &shared->databases[i];
		Oid			  database = slot->database;

		if (!OidIsValid(database) || SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
			continue;
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		LWLockAcquire(slot->lock, LW_EXCLUSIVE);
		if (slot->writer_latch == NULL && slot->database == database)
		{
			slot->head = slot->tail = 0;
			slot->clock_wall = 0;
			slot->pushed = slot->tail_ticket = 0;
			pg_atomic_write_u64(&slot->urgent, 0);
			pg_atomic_write_u64(&slot->flushed, 0);
			pg_atomic_write_u64(&slot->clock_floor, 0);
			slot->seq_known = slot->restored = slot->writer_wanted = false;
			slot->writing_xid = InvalidTransactionId;
			slot->forked = slot->checkpoint_failed = false;
			slot->checkpoint_asked = slot->checkpoint_done = 0;
			slot->database = InvalidOid;
		}
		LWLockRelease(slot->lock);
		LWLockRelease(shared->lock);
	}
}

BackendSlot *
shared_backend(void)
{
	return &shared->backends[COMPAT_PROC_NUMBER(MyProc)];
}

BackendSlot *
shared_leader(void)
{
	return &shared->backends[COMPAT_PROC_NUMBER(MyProc->lockGroupLeader ? MyProc->lockGroupLeader : MyProc)];
}

void
shared_wake_launcher(void)
{
	Latch *latch;

	LWLockAcquire(shared->lock, LW_SHARED);
	latch = shared->launcher_latch;
	if (latch)
		SetLatch(latch);
	LWLockRelease(shared->lock);
}

void
shared_raise_clock(DatabaseSlot *slot, TimestampTz seen)
{
	uint64 floor = pg_atomic_read_u64(&slot->clock_floor);

	while ((int64) floor < seen)
	{
		if (pg_atomic_compare_exchange_u64(&slot->clock_floor, &floor, (uint64) seen))
			break;
	}
}

TimestampTz
shared_now(void)
{
	DatabaseSlot *slot = shared_database();
	TimestampTz	  now = GetCurrentTimestamp();
	TimestampTz	  floor = (TimestampTz) pg_atomic_read_u64(&slot->clock_floor);

	if (now < floor)
		return floor;
	/* Once a second is enough: a clock set back by less shows reads a second longer at most. */
	if (now - floor > USECS_PER_SEC)
		shared_raise_clock(slot, now);
	return now;
}
