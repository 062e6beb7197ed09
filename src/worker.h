/*
 * worker.h - the launcher and its rounds.
 */
#ifndef CTLPR_WORKER_H
#define CTLPR_WORKER_H

#include "postgres.h"

/* Entry points of background workers; the second takes the database's OID */
extern PGDLLEXPORT void worker_launcher_main(Datum arg);
extern PGDLLEXPORT void worker_purge_main(Datum database);

/* Register the launcher; from _PG_init() only. */
extern void worker_install(void);

#endif /* CTLPR_WORKER_H */
