/*
 * worker.h - the launcher and its rounds.
 */
#ifndef CTLPR_WORKER_H
#define CTLPR_WORKER_H

#include "postgres.h"

#include "shared.h"

/* Entry points of background workers; the others take the database's OID */
extern PGDLLEXPORT void worker_launcher_main(Datum arg);
extern PGDLLEXPORT void worker_purge_main(Datum database);
extern PGDLLEXPORT void worker_erase_main(Datum database);

/* Ask the launcher for a round of a kind, over one relation or (InvalidOid) all.  Result: its number */
extern uint64 worker_ask_round(DatabaseSlot *slot, WorkerRounds *rounds, Oid relation);

/*
 * Wait for the end of a round; the caller holds no snapshot that the round would
 * wait for.  worker: what to call it.  Raises insufficient_resources when no
 * worker has begun for a while.
 */
extern void worker_await_round(DatabaseSlot *slot, WorkerRounds *rounds, uint64 round, const char *worker);

/*
 * Run a step of a worker's in a transaction of its own, with a snapshot.  An
 * error ends the step, not the worker; result: its SQLSTATE, 0 when it
 * committed.  Its text stays out of the server log, since it may quote a row;
 * work and relid are named there instead.  A step may be a command that makes
 * its own transactions.
 */
typedef void (*WorkerStep)(void *arg);
extern int worker_run_step(WorkerStep step, void *arg, const char *work, Oid relid);

/* Register the launcher; from _PG_init() only. */
extern void worker_install(void);

#endif /* CTLPR_WORKER_H */
