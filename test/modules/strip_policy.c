/*
 * strip_policy.c - a module that takes every condition out of finished plans,
 * as if the first wall had a hole.  Only test/t/plan_stripped.pl loads it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "optimizer/planner.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

static planner_hook_type previous_planner = NULL;
static bool				 strip = false;

void _PG_init(void);

static void
strip_plan(Plan *plan)
{
	ListCell *cell;

	if (plan == NULL)
		return;
	plan->qual = NIL;
	if (IsA(plan, Append))
		foreach (cell, ((Append *) plan)->appendplans)
			strip_plan(lfirst(cell));
	if (IsA(plan, SubqueryScan))
		strip_plan(((SubqueryScan *) plan)->subplan);
	strip_plan(plan->lefttree);
	strip_plan(plan->righttree);
}

static PlannedStmt *
plan_without_conditions(Query *query, const char *query_string, int cursor_options, ParamListInfo params)
{
	PlannedStmt *result = previous_planner ? previous_planner(query, query_string, cursor_options, params)
										   : standard_planner(query, query_string, cursor_options, params);
	ListCell	*cell;

	if (strip)
	{
		strip_plan(result->planTree);
		foreach (cell, result->subplans)
			strip_plan(lfirst(cell));
	}
	return result;
}

void
_PG_init(void)
{
	DefineCustomBoolVariable("strip_policy.strip", "Takes the conditions out of plans.", NULL, &strip, false, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	previous_planner = planner_hook;
	planner_hook = plan_without_conditions;
}
