/*
 * exempt.h - queries of our own over governed relations: purging and counting.
 */
#ifndef CTLPR_EXEMPT_H
#define CTLPR_EXEMPT_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/tuplestore.h"

/*
 * Run one statement that the policy does not apply to.  It is this one
 * statement that is exempt, known by its query tree and its query descriptor;
 * whatever a trigger or function below it runs passes the gate like anything
 * else.  It is planned and run with the rights of the owner of a relation, for
 * even planning may call functions that he made; InvalidOid where it is about
 * our own tables alone.  The caller has set an active snapshot.
 *
 * sql: one statement, built here from quoted names only; values: timestamptz
 * parameters $1, $2, ...  Result: rows processed; rows go to the tuplestore
 * when one is given, *desc receives their descriptor.
 */
extern uint64 exempt_run(Oid relid, const char *sql, int parameters, const TimestampTz *values, Tuplestorestate *rows,
						 TupleDesc *desc);

/* The same with a receiver for the rows */
extern uint64 exempt_send(Oid relid, const char *sql, int parameters, const TimestampTz *values, DestReceiver *receiver,
						  TupleDesc *desc);

/* Become the owner of a relation, with everything of his fenced in; undo with the saved pair. */
extern void exempt_become_owner(Oid relid, Oid *user, int *context);

/* Is this the query tree of an exempt statement?  For the planner hook. */
extern bool exempt_is_planned(const Query *query);

#endif /* CTLPR_EXEMPT_H */
