/*
 * outflow.h - logical replication: what would leave without a statement, and
 * what would come in without one.
 */
#ifndef CTLPR_OUTFLOW_H
#define CTLPR_OUTFLOW_H

#include "postgres.h"

/* Is it one of the server's functions that decode the write-ahead log? */
extern bool outflow_is_decoding_function(Oid function);

/* Refuse (LP010, recorded) its execution where anything is governed. */
extern void outflow_guard_decoding(void);

/*
 * Refuse (LP011, recorded) the command just run if it left a governed table in
 * this publication, or NULL: in any, without leave.
 */
extern void outflow_guard_publications(const char *publication);

/* The same (LP012) for a subscription that would write into a governed table. */
extern void outflow_guard_subscriptions(void);

extern void outflow_install(void);

#endif /* CTLPR_OUTFLOW_H */
