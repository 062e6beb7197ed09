/*
 * index_path.c - the planner hooks.
 *
 * The rewriter applies row security where the role is subject to it.  Where it
 * is not - superusers, BYPASSRLS, relations in observe mode - the policy is
 * appended here to the same securityQuals, in every state: a plan may be kept
 * and run later by somebody who is subject to it.  What a requester may see is
 * the answer of the predicates at run time, never the shape of the plan.
 *
 * SQL functions that return sets are inlined inside the planner and never pass
 * the planner hook; get_relation_info_hook refuses what comes that way without
 * the policy.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "compat.h"
#include "ctlpr.h"
#include "exempt.h"
#include "gate.h"
#include "index_quals.h"
#include "key_checks.h"
#include "query_shape.h"
#include "registry.h"
#include "row_policy.h"
#include "shared.h"
#include "touched_rows.h"
#include "whole_input.h"

static planner_hook_type			previous_planner = NULL;
static get_relation_info_hook_type	previous_relation_info = NULL;
static set_rel_pathlist_hook_type	previous_pathlist = NULL;
static create_upper_paths_hook_type previous_upper_paths = NULL;

static bool planning_exempt = false;

/* ---- checks of keys ---- */

/* Mark the governed entries of a query that is let through as a check of keys. */
static bool
mark_referential(Query *query)
{
	ListCell *cell;
	bool	  marked = false;

	foreach (cell, query->rtable)
	{
		RangeTblEntry		   *rte = lfirst(cell);
		const GovernedRelation *governed = rte->rtekind == RTE_RELATION ? registry_lookup(rte->relid) : NULL;

		if (!governed)
			continue;
		rte->securityQuals = list_make1(row_policy_referential(governed));
		marked = true;
	}
	if (marked)
		query->withCheckOptions = NIL;
	return marked;
}

/* ---- the policy where row security was skipped ---- */

static void
add_check(Query *query, RangeTblEntry *rte, WCOKind kind, Node *qual)
{
	WithCheckOption *check = makeNode(WithCheckOption);

	check->kind = kind;
	check->relname = pstrdup(get_rel_name(rte->relid));
	check->polname = pstrdup("ctlpr");
	check->qual = qual;
	query->withCheckOptions = lappend(query->withCheckOptions, check);
}

/* Add a check of new rows unless it is there: the very expression, not one that merely calls our functions. */
static void
ensure_check(Query *query, RangeTblEntry *rte, WCOKind kind, const GovernedRelation *governed, PolicyUse use)
{
	Node	 *expression = row_policy_expression(governed, query->resultRelation, use);
	ListCell *cell;

	foreach (cell, query->withCheckOptions)
	{
		WithCheckOption *check = lfirst(cell);

		if (check->kind == kind && equal(check->qual, expression))
			return;
	}
	add_check(query, rte, kind, expression);
}

/* The checks of new rows, and of those that MERGE changes, where the rewriter did not add them */
static void
ensure_checks(Query *query, RangeTblEntry *rte, const GovernedRelation *governed)
{
	bool merges = query->commandType == CMD_MERGE;
	bool updates_conflict = query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE;

	if (query->commandType == CMD_INSERT || merges)
		ensure_check(query, rte, WCO_RLS_INSERT_CHECK, governed, POLICY_INSERT);
	if (query->commandType == CMD_UPDATE || merges || updates_conflict)
		ensure_check(query, rte, WCO_RLS_UPDATE_CHECK, governed, POLICY_CHANGED);
	if (updates_conflict)
		ensure_check(query, rte, WCO_RLS_CONFLICT_CHECK, governed, POLICY_CHANGE);
	if (merges)
	{
		ensure_check(query, rte, WCO_RLS_MERGE_UPDATE_CHECK, governed, POLICY_CHANGE);
		ensure_check(query, rte, WCO_RLS_MERGE_DELETE_CHECK, governed, POLICY_CHANGE);
	}
}

static void
ensure_quals(Query *query, RangeTblEntry *rte, Index varno, const GovernedRelation *governed)
{
	bool changes = (int) varno == query->resultRelation && (query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE);
	Node *expression = row_policy_expression(governed, varno, changes ? POLICY_CHANGE : POLICY_READ);

	/* First of all, so that a function in a policy of the table's own sees no row that ours takes away. */
	rte->securityQuals = lcons(expression, list_delete(rte->securityQuals, expression));
}

/*
 * What ANALYZE keeps of a governed table are values of its reads, expired ones
 * included; the views over it hide them only from roles that row security binds.
 */
static void
hide_statistics(RangeTblEntry *rte, Index varno)
{
	bool	   extended = rte->relid == StatisticExtDataRelationId;
	AttrNumber attribute = extended ? Anum_pg_statistic_ext_data_stxoid : Anum_pg_statistic_starelid;
	Node	  *expression = row_policy_statistics(extended, varno, attribute);

	if (!list_member(rte->securityQuals, expression))
		rte->securityQuals = lappend(rte->securityQuals, expression);
}

static bool
ensure_policies(Node *node, void *context)
{
	Query	 *query = (Query *) node;
	Index	  varno = 0;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, ensure_policies, context);

	foreach (cell, query->rtable)
	{
		RangeTblEntry		   *rte = lfirst(cell);
		const GovernedRelation *found;
		GovernedRelation		governed;

		varno++;
		if (rte->rtekind == RTE_RELATION && (rte->relid == StatisticRelationId || rte->relid == StatisticExtDataRelationId))
			hide_statistics(rte, varno);
		if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_COMPOSITE_TYPE ||
			(found = registry_lookup(rte->relid)) == NULL)
			continue;
		governed = *found;
		if ((int) varno == query->resultRelation)
			ensure_checks(query, rte, &governed);
		if ((int) varno != query->resultRelation || query->commandType != CMD_INSERT)
			ensure_quals(query, rte, varno, &governed);
	}
	return query_tree_walker(query, ensure_policies, context, 0);
}

/* ---- existence probes of an ingest statement ---- */

typedef struct ProbeContext
{
	Oid target; /* root of the relation that is inserted into */
} ProbeContext;

/* A plain join of tables: no function, subquery or outer join sees a row of them */
static bool
joins_tables_only(const Query *query)
{
	ListCell *cell;

	foreach (cell, query->jointree->fromlist)
		if (!IsA(lfirst(cell), RangeTblRef))
			return false;
	foreach (cell, query->rtable)
		if (((RangeTblEntry *) lfirst(cell))->rtekind != RTE_RELATION)
			return false;
	return true;
}

/* WHERE NOT EXISTS (SELECT ... FROM target WHERE ...): only whether a row is there decides, and no function sees its values */
static void
make_probes(Query *exists, ProbeContext *context)
{
	ListCell *cell;

	if (exists->commandType != CMD_SELECT || !query_is_plain(exists) || exists->rowMarks || exists->sortClause ||
		exists->limitOffset || !joins_tables_only(exists) || contain_leaked_vars((Node *) exists->jointree->quals))
		return;
	foreach (cell, exists->rtable)
	{
		RangeTblEntry		   *rte = lfirst(cell);
		const GovernedRelation *governed;

		if (rte->rtekind == RTE_RELATION && (governed = registry_lookup(rte->relid)) != NULL && governed->root == context->target)
			row_policy_make_probe((Node *) rte->securityQuals);
	}
}

/*
 * Only the conditions that must all hold, and only NOT EXISTS: an INSERT with
 * EXISTS asks which of many reads are there, and that is a search.
 */
static void
find_probes_in(Node *quals, ProbeContext *context)
{
	ListCell *cell;

	foreach (cell, make_ands_implicit((Expr *) quals))
	{
		BoolExpr *negation = lfirst(cell);
		SubLink	 *exists;

		if (IsA(negation, BoolExpr) && negation->boolop == AND_EXPR)
			find_probes_in((Node *) negation, context);
		if (!IsA(negation, BoolExpr) || negation->boolop != NOT_EXPR)
			continue;
		exists = linitial(negation->args);
		if (IsA(exists, SubLink) && exists->subLinkType == EXISTS_SUBLINK && IsA(exists->subselect, Query))
			make_probes((Query *) exists->subselect, context);
	}
}

/* Conditions of an INSERT's source: in its own join tree, or in that of the subquery it selects from */
static void
find_probes(Query *query)
{
	ProbeContext			context;
	const GovernedRelation *governed = NULL;
	ListCell			   *cell;

	if (query->commandType != CMD_INSERT || query->resultRelation == 0)
		return;
	governed = registry_lookup(rt_fetch(query->resultRelation, query->rtable)->relid);
	if (!governed)
		return;
	context.target = governed->root;
	if (query->jointree)
		find_probes_in(query->jointree->quals, &context);
	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_SUBQUERY && rte->subquery && rte->subquery->jointree)
			find_probes_in(rte->subquery->jointree->quals, &context);
	}
}

/* ---- reads that come in expired ---- */

/* The expression that an INSERT gives a column; NULL where it gives none */
static Node *
assigned_to(Query *query, AttrNumber attribute)
{
	ListCell *cell;

	foreach (cell, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resno == attribute && !entry->resjunk)
			return (Node *) copyObject(entry->expr);
	}
	return NULL;
}

/* Would the same expression give a condition the value that it gives the column? */
static bool
repeats_itself(Node *expression)
{
	return expression == NULL || (!expression_returns_set(expression) && !contain_volatile_functions(expression));
}

/*
 * Where expired reads are to be left out rather than refused, an INSERT does
 * not get to see them.  What cannot be told beforehand is refused when it comes.
 */
static void
leave_out_expired(Query *query)
{
	const GovernedRelation *governed;
	Node				   *captured_at;
	Node				   *owner;
	ListCell			   *cell;

	if (ctlpr_on_expired_ingest != EXPIRED_INGEST_SKIP)
		return;
	foreach (cell, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, cell);

		if (IsA(cte->ctequery, Query))
			leave_out_expired((Query *) cte->ctequery);
	}
	if (query->commandType != CMD_INSERT || query->jointree == NULL)
		return;
	governed = registry_lookup(rt_fetch(query->resultRelation, query->rtable)->relid);
	if (!governed || governed->broken)
		return;
	captured_at = assigned_to(query, governed->captured_at);
	owner = governed->owner > 0 ? assigned_to(query, governed->owner) : NULL;
	if (captured_at && (owner || governed->owner <= 0) && repeats_itself(captured_at) && repeats_itself(owner))
		query->jointree->quals = make_and_qual(query->jointree->quals, row_policy_admits(governed, captured_at, owner));
}

/* ---- hooks ---- */

static void
apply_policies(Query *query, const char *query_string)
{
	if (key_checks_recognize(query, query_string) && mark_referential(query))
		return;
	(void) ensure_policies((Node *) query, NULL);
	find_probes(query);
	leave_out_expired(query);
}

static PlannedStmt *
plan_statement(Query *query, const char *query_string, int cursor_options, ParamListInfo params)
{
	bool outer = planning_exempt;
	int	 outer_planning = key_checks_begin_planning();
	PlannedStmt *volatile result = NULL;

	planning_exempt = exempt_is_planned(query);
	PG_TRY();
	{
		if (!IsBinaryUpgrade && !planning_exempt && registry_any_governed())
			apply_policies(query, query_string);
		result = previous_planner ? previous_planner(query, query_string, cursor_options, params)
								  : standard_planner(query, query_string, cursor_options, params);
	}
	PG_FINALLY();
	{
		planning_exempt = outer;
		key_checks_end_planning(outer_planning);
	}
	PG_END_TRY();
	return result;
}

static AttrNumber
column_of_entry(Var *var, void *varno)
{
	return var->varno == *(int *) varno ? var->varattno : 0;
}

/* Is one of the conditions, joined by AND, the policy?  The planner has made lists of them by now. */
static bool
has_policy(Node *conditions, const GovernedRelation *governed, int varno)
{
	List	 *parts = NIL;
	ListCell *cell;

	if (conditions && IsA(conditions, List))
		parts = (List *) conditions;
	else if (conditions && IsA(conditions, BoolExpr) && ((BoolExpr *) conditions)->boolop == AND_EXPR)
		parts = ((BoolExpr *) conditions)->args;
	else
		return conditions && row_policy_predicate(conditions, governed, column_of_entry, &varno) != PREDICATE_NONE;
	foreach (cell, parts)
		if (has_policy(lfirst(cell), governed, varno))
			return true;
	return false;
}

/* Does the entry, or the parent that it was expanded from, carry the policy? */
static bool
carries_policy(PlannerInfo *root, Index relid)
{
	while (relid != 0)
	{
		RangeTblEntry		   *rte = root->simple_rte_array[relid];
		AppendRelInfo		   *parent = root->append_rel_array ? root->append_rel_array[relid] : NULL;
		const GovernedRelation *found = registry_lookup(rte->relid);

		if (found)
		{
			GovernedRelation governed = *found;

			if (has_policy((Node *) rte->securityQuals, &governed, relid))
				return true;
		}
		relid = parent ? parent->parent_relid : 0;
	}
	return false;
}

/* What ANALYZE keeps is hidden by a qual, which is not there where a function was inlined. */
static bool
carries_statistics_policy(PlannerInfo *root, Index varno)
{
	RangeTblEntry *rte = root->simple_rte_array[varno];
	bool		   extended = rte->relid == StatisticExtDataRelationId;
	AttrNumber	   attribute = extended ? Anum_pg_statistic_ext_data_stxoid : Anum_pg_statistic_starelid;
	Node		  *policy = row_policy_statistics(extended, varno, attribute);
	ListCell	  *cell;

	foreach (cell, rte->securityQuals)
		if (equal(lfirst(cell), policy) || (IsA(lfirst(cell), List) && list_member(lfirst(cell), policy)))
			return true;
	return false;
}

static void
check_relation(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (previous_relation_info)
		previous_relation_info(root, relid, inhparent, rel);

	/* CREATE INDEX and CLUSTER plan their sorts with a query of their own making, which has no join tree and shows no row. */
	if (root->parse->jointree == NULL)
		return;
	if (!IsBinaryUpgrade && !planning_exempt && registry_any_governed())
	{
		const GovernedRelation *governed = registry_lookup(relid);

		/* A kept plan of an observed relation is looked at again by the gate, scan by scan. */
		if (governed && !registry_observed(governed, shared_now()) && !carries_policy(root, rel->relid))
			gate_refuse_command("select", relid, CAUSE_UNFILTERED, "13(d)(6)");
		if ((relid == StatisticRelationId || relid == StatisticExtDataRelationId) && !carries_statistics_policy(root, rel->relid))
			gate_refuse_command("select", relid, CAUSE_UNFILTERED, "13(d)(6)");
		governed = registry_lookup(relid);
		if (governed && !governed->broken)
		{
			GovernedRelation copy = *governed;

			touched_rows_add_to_target(root, rel, &copy);
		}
	}
}

static void
extend_paths(PlannerInfo *root, RelOptInfo *rel, Index varno, RangeTblEntry *rte)
{
	const GovernedRelation *found;

	if (previous_pathlist)
		previous_pathlist(root, rel, varno, rte);
	if (IsBinaryUpgrade || planning_exempt || rte->rtekind != RTE_RELATION || rte->inh || !registry_any_governed())
		return;
	found = registry_lookup(rte->relid);
	if (found && !found->broken)
	{
		GovernedRelation governed = *found;

		index_quals_add_paths(root, rel);
		touched_rows_add_to_scan(root, rel, varno, &governed);
	}
}

static void
extend_upper_paths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output, void *extra)
{
	if (previous_upper_paths)
		previous_upper_paths(root, stage, input, output, extra);
	if (stage == UPPERREL_FINAL && !IsBinaryUpgrade && !planning_exempt && registry_any_governed())
		touched_rows_read_all_below_limits(root, output);
}

void
index_path_install(void)
{
	whole_input_install();
	previous_planner = planner_hook;
	planner_hook = plan_statement;
	previous_relation_info = get_relation_info_hook;
	get_relation_info_hook = check_relation;
	previous_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = extend_paths;
	previous_upper_paths = create_upper_paths_hook;
	create_upper_paths_hook = extend_upper_paths;
}
