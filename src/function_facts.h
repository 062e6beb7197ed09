/*
 * function_facts.h - what the gate has to know of each function that a plan
 * calls, remembered until a function of the catalog changes.
 */
#ifndef CTLPR_FUNCTION_FACTS_H
#define CTLPR_FUNCTION_FACTS_H

#include "postgres.h"

/* Does it keep what it sees to itself: does it neither write, nor say, nor call anything of anybody's? */
extern bool function_is_quiet(Oid function);

/* Is it one of PostGIS's that tell what ANALYZE or an index keeps of places, hidden reads' included? */
extern bool function_tells_of_places(Oid function);

extern void function_facts_install(void);

#endif /* CTLPR_FUNCTION_FACTS_H */
