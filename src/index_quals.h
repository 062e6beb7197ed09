/*
 * index_quals.h - which conditions of a statement may look at the index of a
 * governed relation before the policy has looked at the row.
 */
#ifndef CTLPR_INDEX_QUALS_H
#define CTLPR_INDEX_QUALS_H

#include "postgres.h"

#include "nodes/pathnodes.h"

/* Is the function on the list, whatever it is given? */
extern bool index_quals_is_vetted(Oid function);

/*
 * Add the paths over indexes of a base relation (a plain table or a partition)
 * that its vetted conditions allow, beside those that the server has found.
 * To be called while the relation's paths are gathered, with its conditions
 * still what the statement and the policy say.  docs/vetting.md argues for each
 * function.
 */
extern void index_quals_add_paths(PlannerInfo *root, RelOptInfo *rel);

#endif /* CTLPR_INDEX_QUALS_H */
