/*
 * plan_facts.h - what is found of a plan, kept between its runs.
 */
#ifndef CTLPR_PLAN_FACTS_H
#define CTLPR_PLAN_FACTS_H

#include "postgres.h"

#include "executor/execdesc.h"

#include "inspect.h"

/*
 * The facts of the plan of a started executor, with the plates that this run's
 * parameters hold.  Result in the current context; raises what inspect_plan()
 * raises.
 */
extern PlanFacts *plan_facts(QueryDesc *query_desc);

/* The statement's text without its literals, as the log has it; an empty string where there is none to be had */
extern const char *plan_text(QueryDesc *query_desc);

#endif /* CTLPR_PLAN_FACTS_H */
