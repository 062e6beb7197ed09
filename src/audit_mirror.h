/*
 * audit_mirror.h - a line in the server log for each entry of the log,
 * ctlpr.audit_mirror.
 */
#ifndef CTLPR_AUDIT_MIRROR_H
#define CTLPR_AUDIT_MIRROR_H

#include "postgres.h"

#include "access/htup.h"

/* A row that the writer is about to store; in its transaction.  Costs nothing while the mirror is off. */
extern void audit_mirror_add(MinimalTuple row);

/* The rows added since are committed: write their lines.  Keeps nobody waiting who waits for the entries. */
extern void audit_mirror_write(void);

#endif /* CTLPR_AUDIT_MIRROR_H */
