/*
 * whole_input.h - a plan node that takes all of its input before it gives a
 * row of it.
 */
#ifndef CTLPR_WHOLE_INPUT_H
#define CTLPR_WHOLE_INPUT_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

/*
 * A path over another of the same upper relation: gives the same rows in the
 * same order, the first once the last has been made.  In the planner's current
 * context; never parallel safe.
 */
extern Path *whole_input_path(Path *input);

/* Is it the node of such a path?  It tells nobody else what passes through it. */
extern bool whole_input_is(const PlanState *state);

extern void whole_input_install(void);

#endif /* CTLPR_WHOLE_INPUT_H */
