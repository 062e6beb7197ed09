/*
 * whole_input.c - a plan node that takes all of its input before it gives a
 * row of it.
 *
 * Where a LIMIT stands above groups of reads, a plan that sorts gives the first
 * group after a few reads and one that hashes after all of them.  This node in
 * between makes both read all, so that both count the same.  No node of the
 * server's does that alone: Material takes its rows one by one.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "optimizer/optimizer.h"
#include "utils/tuplestore.h"

#include "whole_input.h"

typedef struct WholeInputState
{
	CustomScanState	 custom;
	Tuplestorestate *rows; /* NULL: the input has not been read yet */
	TupleTableSlot	*slot;
} WholeInputState;

static const CustomPathMethods path_methods;
static const CustomScanMethods scan_methods;
static const CustomExecMethods exec_methods;

/* ---- planner ---- */

Path *
whole_input_path(Path *input)
{
	CustomPath *whole = makeNode(CustomPath);

	whole->path = *input;
	whole->path.type = T_CustomPath;
	whole->path.pathtype = T_CustomScan;
	whole->path.parallel_aware = false;
	whole->path.parallel_safe = false;
	whole->path.parallel_workers = 0;
	whole->path.total_cost += 2 * cpu_operator_cost * input->rows;
	whole->path.startup_cost = whole->path.total_cost;
	whole->custom_paths = list_make1(input);
	whole->methods = &path_methods;
	return &whole->path;
}

static Plan *
make_plan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *target_list, List *clauses, List *inputs)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = target_list;
	scan->custom_plans = inputs;
	scan->custom_scan_tlist = copyObject(((Plan *) linitial(inputs))->targetlist);
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

/* ---- executor ---- */

static Node *
create_state(CustomScan *scan)
{
	WholeInputState *state = (WholeInputState *) newNode(sizeof(WholeInputState), T_CustomScanState);

	state->custom.methods = &exec_methods;
	return (Node *) state;
}

static PlanState *
input_of(WholeInputState *state)
{
	return linitial(state->custom.custom_ps);
}

static void
begin(CustomScanState *node, EState *estate, int eflags)
{
	WholeInputState *state = (WholeInputState *) node;
	CustomScan		*scan = (CustomScan *) node->ss.ps.plan;

	/* The rows of the store are given as they are, whichever way back the plan above would go. */
	node->custom_ps = list_make1(
		ExecInitNode(linitial(scan->custom_plans), estate, eflags & ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)));
	state->slot = ExecInitExtraTupleSlot(estate, ExecGetResultType(input_of(state)), &TTSOpsMinimalTuple);
	node->ss.ps.resultopsset = true;
	node->ss.ps.resultopsfixed = true;
	node->ss.ps.resultops = &TTSOpsMinimalTuple;
}

static TupleTableSlot *
execute(CustomScanState *node)
{
	WholeInputState *state = (WholeInputState *) node;

	if (!state->rows)
	{
		TupleTableSlot *slot;

		state->rows = tuplestore_begin_heap(false, false, work_mem);
		for (;;)
		{
			CHECK_FOR_INTERRUPTS();
			slot = ExecProcNode(input_of(state));
			if (TupIsNull(slot))
				break;
			tuplestore_puttupleslot(state->rows, slot);
		}
	}
	/* Clears the slot where there is no more. */
	(void) tuplestore_gettupleslot(state->rows, true, false, state->slot);
	return state->slot;
}

static void
forget(WholeInputState *state)
{
	(void) ExecClearTuple(state->slot);
	if (state->rows)
		tuplestore_end(state->rows);
	state->rows = NULL;
}

static void
rescan(CustomScanState *node)
{
	WholeInputState *state = (WholeInputState *) node;

	forget(state);
	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(input_of(state), node->ss.ps.chgParam);
	if (input_of(state)->chgParam == NULL)
		ExecReScan(input_of(state));
}

static void
end(CustomScanState *node)
{
	WholeInputState *state = (WholeInputState *) node;

	forget(state);
	ExecEndNode(input_of(state));
}

bool
whole_input_is(const PlanState *state)
{
	return IsA(state, CustomScanState) && ((const CustomScanState *) state)->methods == &exec_methods;
}

static const CustomPathMethods path_methods = {.CustomName = "ctlpr whole input", .PlanCustomPath = make_plan};

static const CustomScanMethods scan_methods = {.CustomName = "ctlpr whole input", .CreateCustomScanState = create_state};

static const CustomExecMethods exec_methods = {.CustomName = "ctlpr whole input",
											   .BeginCustomScan = begin,
											   .ExecCustomScan = execute,
											   .EndCustomScan = end,
											   .ReScanCustomScan = rescan};

void
whole_input_install(void)
{
	RegisterCustomScanMethods(&scan_methods);
}
