/*
 * key_checks.h - the server's own queries that keep foreign keys.
 */
#ifndef CTLPR_KEY_CHECKS_H
#define CTLPR_KEY_CHECKS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * Could it be a query by which the server checks a foreign key or carries out
 * its action?  Keys are kept whoever owns the rows, so such a query passes the
 * policy (13(d)(6) is about sharing, and it shows nothing).  For the planner,
 * which only marks it; a plan is kept and may be started elsewhere.  text: the
 * query's source, or NULL.
 */
extern bool key_checks_recognize(const Query *query, const char *text);

/*
 * Would a query that starts now be the server's?  The security context in which
 * it keeps keys is inherited by whatever runs below: triggers, defaults and
 * checks of the other table, functions that the planner calls.  So it counts
 * only until a run has begun in it, and while nothing is being planned.
 */
extern bool key_checks_underway(void);

/* An executor run begins or ends.  begin returns what end has to be given, whatever happens in between. */
extern int	key_checks_begin_run(void);
extern void key_checks_end_run(int outer);

/* Executor runs that are open now */
extern int key_checks_open_runs(void);

/* The same of a planner run */
extern int	key_checks_begin_planning(void);
extern void key_checks_end_planning(int outer);

#endif /* CTLPR_KEY_CHECKS_H */
