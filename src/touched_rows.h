/*
 * touched_rows.h - where in a plan the rows touched are counted.
 *
 * A read counts when it has passed all conditions of its scan, or, in a query
 * on one relation that has an order or a limit and hands its reads on as they
 * are, when it is taken from the sorted or limited rows.  So a statement on one
 * relation counts the same whether an index gave its rows in order or a sort.
 */
#ifndef CTLPR_TOUCHED_ROWS_H
#define CTLPR_TOUCHED_ROWS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

#include "registry.h"

/*
 * A governed base relation has come into a query that is planned: where the
 * rows that the query hands on are counted, add that to its target list.  To be
 * called before the planner has looked at that list (get_relation_info_hook).
 */
extern void touched_rows_add_to_target(PlannerInfo *root, RelOptInfo *rel, const GovernedRelation *governed);

/*
 * The paths of a governed table or partition are being made: where its scan
 * counts, add that as the last of its conditions (set_rel_pathlist_hook).
 */
extern void touched_rows_add_to_scan(PlannerInfo *root, RelOptInfo *rel, Index varno, const GovernedRelation *governed);

/*
 * The last paths of a query are there: where a limit would end the reading of
 * groups at a point that depends on the plan, have it read to the end
 * (create_upper_paths_hook, UPPERREL_FINAL).
 */
extern void touched_rows_read_all_below_limits(PlannerInfo *root, RelOptInfo *final);

#endif /* CTLPR_TOUCHED_ROWS_H */
