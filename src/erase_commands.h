/*
 * erase_commands.h - what the server itself does for an erasure: VACUUM,
 * ANALYZE, rebuilding of indexes; and what keeps it from doing so.
 */
#ifndef CTLPR_ERASE_COMMANDS_H
#define CTLPR_ERASE_COMMANDS_H

#include "postgres.h"

#include "access/transam.h"

/*
 * Each of these is a step for worker_run_step(): it is called in a transaction,
 * and ends in another one.  Their relation and their text outlive both.  They
 * raise what the server raises.
 */

/* Take away all dead rows of a table and its TOAST, from every page, and what its indexes say of them. */
extern void erase_vacuum(Oid relid);

/* Make statistics of one table anew; of a parent those over all its children, which are left alone. */
extern void erase_analyze(Oid relid);

/* Run one utility command of ours that makes its own transactions. */
extern void erase_command(const char *command);

/*
 * Forget the statistics of a table, extended ones too, that are older than a
 * transaction: ANALYZE leaves alone what it has no rows for.
 */
extern void erase_forget_statistics(Oid relid, TransactionId older_than);

/* Are all rows of a table that transactions before this one have deleted gone for everybody? */
extern bool erase_horizon_reached(Oid relid, FullTransactionId horizon);

#endif /* CTLPR_ERASE_COMMANDS_H */
