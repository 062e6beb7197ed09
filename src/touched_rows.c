/*
 * touched_rows.c - where in a plan the rows touched are counted.
 *
 * What bounds the count must not depend on the plan.  Three things would make
 * it: a LIMIT over rows that one plan sorts and another finds in order - these
 * are counted above the sort; a LIMIT over groups - its input is read to the
 * end (whole_input.c); and min() and max() by an index - they aggregate all
 * rows, and that is what counts, so they get no such path here.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"

#include "compat.h"
#include "function_facts.h"
#include "row_policy.h"
#include "touched_rows.h"
#include "whole_input.h"

/* ---- what a query does with its rows ---- */

/* The one relation or subquery that a query reads; 0 when it joins several, or reads none */
static Index
only_source(const Query *query)
{
	Node *node = (Node *) query->jointree;

	while (node && IsA(node, FromExpr) && list_length(((FromExpr *) node)->fromlist) == 1)
		node = linitial(((FromExpr *) node)->fromlist);
	return node && IsA(node, RangeTblRef) ? ((RangeTblRef *) node)->rtindex : 0;
}

/* Does a query make other rows of those that it reads? */
static bool
makes_rows(const Query *query)
{
	return query->hasAggs || query->groupClause || query->groupingSets || query->havingQual || query->distinctClause ||
		   query->hasWindowFuncs || query->hasTargetSRFs || query->setOperations;
}

static bool
is_not_quiet(Oid function, void *context)
{
	return !function_is_quiet(function);
}

/* Does anything in an expression see a row before it is handed on, and could it keep what it saw? */
static bool
may_keep_values(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) || IsA(node, SubLink) ||
		check_functions_in_node(node, is_not_quiet, NULL))
		return true;
	return expression_tree_walker(node, may_keep_values, context);
}

/*
 * Are the rows of the query counted as they are taken from it?  A function that
 * is not known to keep nothing may be run for every row before a sort: then the
 * scan counts, what it has seen.
 */
static bool
counts_on_top(PlannerInfo *root)
{
	const Query *query = root->parse;
	Index		 source = only_source(query);

	return query->commandType == CMD_SELECT &&
		   (query->sortClause || query->limitCount || query->limitOffset || !query->targetList) && !makes_rows(query) &&
		   source != 0 && root->simple_rte_array[source]->rtekind == RTE_RELATION &&
		   !may_keep_values((Node *) query->targetList, NULL);
}

/*
 * The subquery that the planner makes of a min() or max() to try an index: a
 * copy of the query, with a limit in place of the aggregate.
 */
static bool
is_minmax_trial(PlannerInfo *root)
{
	PlannerInfo *outer = root->parent_root;
	Index		 source = only_source(root->parse);

	return outer && outer->parse->hasAggs && !root->parse->hasAggs && root->parse->limitCount && source != 0 &&
		   source == only_source(outer->parse) && rt_fetch(source, outer->parse->rtable)->rtekind == RTE_RELATION &&
		   rt_fetch(source, outer->parse->rtable)->relid == rt_fetch(source, root->parse->rtable)->relid;
}

/* ---- where it counts ---- */

void
touched_rows_add_to_target(PlannerInfo *root, RelOptInfo *rel, const GovernedRelation *governed)
{
	Expr *touch;

	if (rel->reloptkind != RELOPT_BASEREL || !counts_on_top(root))
		return;
	touch = (Expr *) row_policy_touch(governed, rel->relid, TOUCH_GIVEN);
	/* What the planner found of the query before says that everything in it may run in workers. */
	if (root->glob->maxParallelHazard == PROPARALLEL_SAFE)
		root->glob->maxParallelHazard = PROPARALLEL_RESTRICTED;
	root->processed_tlist =
		lappend(root->processed_tlist, makeTargetEntry(touch, list_length(root->processed_tlist) + 1, pstrdup("touched"), true));
}

void
touched_rows_add_to_scan(PlannerInfo *root, RelOptInfo *rel, Index varno, const GovernedRelation *governed)
{
	List		 *conditions = rel->baserestrictinfo;
	RestrictInfo *touch;
	ListCell	 *cell;

	if (is_minmax_trial(root))
		foreach (cell, rel->pathlist)
			((Path *) lfirst(cell))->pathkeys = NIL;
	if (counts_on_top(root))
		return;
	touch = (RestrictInfo *) COMPAT_MAKE_RESTRICTINFO(root, (Expr *) row_policy_touch(governed, varno, TOUCH_SCANNED),
													  root->qual_security_level + 1);
	touch->norm_selec = touch->outer_selec = 1.0;
	rel->baserestrictinfo = lappend(list_copy(conditions), touch);
	foreach (cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		index->indrestrictinfo =
			index->indrestrictinfo == conditions ? rel->baserestrictinfo : lappend(list_copy(index->indrestrictinfo), touch);
	}
}

/* ---- limits above groups ---- */

/* Does a query make groups, or other rows, of the reads of one governed relation, itself or in the subquery that it reads? */
static bool
makes_rows_of_reads(PlannerInfo *root)
{
	Index		   source = only_source(root->parse);
	RangeTblEntry *rte = source != 0 ? rt_fetch(source, root->parse->rtable) : NULL;
	RelOptInfo	  *rel = source != 0 ? root->simple_rel_array[source] : NULL;

	if (rte && rte->rtekind == RTE_RELATION)
		return makes_rows(root->parse) && registry_lookup(rte->relid) != NULL;
	return rte && rte->rtekind == RTE_SUBQUERY && rel && rel->subroot && makes_rows_of_reads(rel->subroot);
}

/* Does a path read all of its input before it gives a row? */
static bool
reads_all(Path *path)
{
	if (IsA(path, ProjectionPath))
		return reads_all(((ProjectionPath *) path)->subpath);
	if (IsA(path, AggPath))
		return ((AggPath *) path)->aggstrategy == AGG_HASHED || ((AggPath *) path)->aggstrategy == AGG_PLAIN;
	return IsA(path, SortPath);
}

void
touched_rows_read_all_below_limits(PlannerInfo *root, RelOptInfo *final)
{
	ListCell *cell;

	if (!(root->parse->limitCount || root->parse->limitOffset) || !makes_rows_of_reads(root))
		return;
	foreach (cell, final->pathlist)
	{
		LimitPath *limit = lfirst(cell);

		if (!IsA(limit, LimitPath) || reads_all(limit->subpath))
			continue;
		limit->subpath = whole_input_path(limit->subpath);
		limit->path.startup_cost = limit->subpath->startup_cost;
		limit->path.total_cost = limit->subpath->total_cost;
	}
}
