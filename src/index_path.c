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
#include "registry.h"
#include "row_policy.h"
#include "shared.h"

static planner_hook_type		   previous_planner = NULL;
static get_relation_info_hook_type previous_relation_info = NULL;
static set_rel_pathlist_hook_type  previous_pathlist = NULL;

static bool planning_exempt = false;

/* ---- referential integrity checks ---- */

/* Columns that a list of "column = $n" conditions is about; false when it is anything else */
static bool
key_columns(Node *quals, Bitmapset **columns)
{
	List	 *clauses = quals == NULL													   ? NIL
						: IsA(quals, BoolExpr) && ((BoolExpr *) quals)->boolop == AND_EXPR ? ((BoolExpr *) quals)->args
																						   : list_make1(quals);
	ListCell *cell;

	foreach (cell, clauses)
	{
		OpExpr	 *clause = lfirst(cell);
		int		  params = 0;
		ListCell *argument;

		if (!IsA(clause, OpExpr) || list_length(clause->args) != 2)
			return false;
		foreach (argument, clause->args)
		{
			Node *node = lfirst(argument);

			while (IsA(node, RelabelType))
				node = (Node *) ((RelabelType *) node)->arg;
			if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
				params++;
			else if (IsA(node, Var) && ((Var *) node)->varattno > 0)
				*columns = bms_add_member(*columns, ((Var *) node)->varattno);
			else
				return false;
		}
		if (params != 1)
			return false;
	}
	return !bms_is_empty(*columns);
}

static Bitmapset *
attribute_set(HeapTuple row, Relation constraints, AttrNumber attribute)
{
	bool	   isnull;
	Datum	   value = row_datum(constraints, row, attribute, &isnull);
	Bitmapset *result = NULL;
	ArrayType *array;

	if (isnull)
		return NULL;
	array = DatumGetArrayTypeP(value);
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
		result = bms_add_member(result, ((int16 *) ARR_DATA_PTR(array))[i]);
	return result;
}

/*
 * Is there a foreign key from or to the relation over exactly these columns?
 * With another relation given: from the relation to that one.
 */
static bool
foreign_key_over(Oid relid, Bitmapset *columns, Oid referenced)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(constraints, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	bool		found = false;

	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(row);

		if (constraint->contype != CONSTRAINT_FOREIGN)
			continue;
		if (constraint->conrelid == relid && (!OidIsValid(referenced) || constraint->confrelid == referenced))
			found |= bms_equal(columns, attribute_set(row, constraints, Anum_pg_constraint_conkey));
		if (constraint->confrelid == relid && !OidIsValid(referenced))
			found |= bms_equal(columns, attribute_set(row, constraints, Anum_pg_constraint_confkey));
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

/* SELECT 1 ... FOR KEY SHARE, or a DELETE or UPDATE that a foreign key's action runs: nothing of a row comes back */
static bool
returns_nothing(const Query *query)
{
	if (query->commandType == CMD_SELECT)
	{
		TargetEntry *entry = list_length(query->targetList) == 1 ? linitial(query->targetList) : NULL;

		return entry && IsA(entry->expr, Const) && list_length(query->rowMarks) == 1 &&
			   linitial_node(RowMarkClause, query->rowMarks)->strength == LCS_FORKEYSHARE;
	}
	if (query->commandType == CMD_UPDATE)
	{
		ListCell *cell;

		foreach (cell, query->targetList)
			if (contain_var_clause((Node *) ((TargetEntry *) lfirst(cell))->expr))
				return false;
	}
	return (query->commandType == CMD_DELETE || query->commandType == CMD_UPDATE) && query->returningList == NIL;
}

/* Has the query nothing but a join tree, conditions and a target list? */
static bool
is_plain(const Query *query)
{
	return !query->hasSubLinks && !query->cteList && !query->setOperations && !query->groupClause && !query->havingQual &&
		   !query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs && !query->limitCount && !query->distinctClause &&
		   query->jointree != NULL;
}

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

/*
 * Is it a query of the server's own referential integrity triggers?  They run
 * as the table's owner without forced row security, which is a context that
 * triggers below them inherit; so the shape and the constraint are checked too.
 */
static bool
is_key_check(Query *query)
{
	RangeTblEntry *target = NULL;
	Bitmapset	  *columns = NULL;
	ListCell	  *cell;

	if (!InNoForceRLSOperation() || !is_plain(query) || !returns_nothing(query) || !key_columns(query->jointree->quals, &columns))
		return false;
	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind != RTE_RELATION || target != NULL)
			return false;
		target = rte;
	}
	return target != NULL && registry_lookup(target->relid) != NULL && foreign_key_over(target->relid, columns, InvalidOid);
}

/* Nothing but tests of columns for null, joined by AND and OR */
static bool
only_null_tests(Node *quals)
{
	ListCell *cell;

	if (quals && IsA(quals, NullTest))
		return IsA(((NullTest *) quals)->arg, Var);
	if (!quals || !IsA(quals, BoolExpr))
		return false;
	foreach (cell, ((BoolExpr *) quals)->args)
		if (!only_null_tests(lfirst(cell)))
			return false;
	return true;
}

/* The columns that a target list selects from one entry; false when it has anything else */
static bool
selected_columns(List *targets, int varno, Bitmapset **columns)
{
	ListCell *cell;

	foreach (cell, targets)
	{
		Var *var = (Var *) ((TargetEntry *) lfirst(cell))->expr;

		if (!IsA(var, Var) || var->varno != varno || var->varattno <= 0)
			return false;
		*columns = bms_add_member(*columns, var->varattno);
	}
	return !bms_is_empty(*columns);
}

/*
 * Is it the query by which ALTER TABLE looks for rows that a new foreign key
 * would not hold for?  SELECT fk.columns FROM fk LEFT JOIN pk ON ... WHERE
 * pk.column IS NULL AND fk.column IS NOT NULL: it returns keys without a match.
 */
static bool
is_constraint_validation(Query *query)
{
	JoinExpr  *join;
	Bitmapset *columns = NULL;
	int		   referencing;

	if (!utility_gate_altering() || query->commandType != CMD_SELECT || !is_plain(query) || query->rowMarks ||
		list_length(query->jointree->fromlist) != 1 || !IsA(linitial(query->jointree->fromlist), JoinExpr) ||
		!only_null_tests(query->jointree->quals))
		return false;
	join = linitial(query->jointree->fromlist);
	if (join->jointype != JOIN_LEFT || !IsA(join->larg, RangeTblRef) || !IsA(join->rarg, RangeTblRef))
		return false;
	referencing = ((RangeTblRef *) join->larg)->rtindex;
	return selected_columns(query->targetList, referencing, &columns) &&
		   foreign_key_over(rt_fetch(referencing, query->rtable)->relid, columns,
							rt_fetch(((RangeTblRef *) join->rarg)->rtindex, query->rtable)->relid);
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

/* The checks of new rows, where the rewriter added none of ours */
static void
ensure_checks(Query *query, RangeTblEntry *rte, const GovernedRelation *governed)
{
	ListCell *cell;

	foreach (cell, query->withCheckOptions)
		if (row_policy_present(((WithCheckOption *) lfirst(cell))->qual))
			return;
	if (query->commandType == CMD_INSERT)
	{
		add_check(query, rte, WCO_RLS_INSERT_CHECK, row_policy_expression(governed, query->resultRelation, POLICY_INSERT));
		if (query->onConflict && query->onConflict->action == ONCONFLICT_UPDATE)
			add_check(query, rte, WCO_RLS_CONFLICT_CHECK, row_policy_expression(governed, query->resultRelation, POLICY_CHANGE));
	}
	else if (query->commandType == CMD_UPDATE)
		add_check(query, rte, WCO_RLS_UPDATE_CHECK, row_policy_expression(governed, query->resultRelation, POLICY_CHANGE));
}

static void
ensure_quals(Query *query, RangeTblEntry *rte, Index varno, const GovernedRelation *governed)
{
	bool changes = (int) varno == query->resultRelation && (query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE);

	if (row_policy_present((Node *) rte->securityQuals))
		return;
	rte->securityQuals =
		lappend(rte->securityQuals, row_policy_expression(governed, varno, changes ? POLICY_CHANGE : POLICY_READ));
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

	if (exists->commandType != CMD_SELECT || !is_plain(exists) || exists->rowMarks || exists->sortClause || exists->limitOffset ||
		!joins_tables_only(exists) || contain_leaked_vars((Node *) exists->jointree->quals))
		return;
	foreach (cell, exists->rtable)
	{
		RangeTblEntry		   *rte = lfirst(cell);
		const GovernedRelation *governed;

		if (rte->rtekind == RTE_RELATION && (governed = registry_lookup(rte->relid)) != NULL && governed->root == context->target)
			row_policy_make_probe((Node *) rte->securityQuals);
	}
}

static bool
probe_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == EXISTS_SUBLINK && IsA(((SubLink *) node)->subselect, Query))
	{
		make_probes((Query *) ((SubLink *) node)->subselect, context);
		return false;
	}
	return expression_tree_walker(node, probe_walker, context);
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
		(void) probe_walker(query->jointree->quals, &context);
	foreach (cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_SUBQUERY && rte->subquery && rte->subquery->jointree)
			(void) probe_walker(rte->subquery->jointree->quals, &context);
	}
}

/* ---- hooks ---- */

static void
apply_policies(Query *query)
{
	if ((is_key_check(query) || is_constraint_validation(query)) && mark_referential(query))
		return;
	(void) ensure_policies((Node *) query, NULL);
	find_probes(query);
}

static PlannedStmt *
plan_statement(Query *query, const char *query_string, int cursor_options, ParamListInfo params)
{
	bool		 outer = planning_exempt;
	PlannedStmt *result;

	planning_exempt = exempt_is_planned(query);
	PG_TRY();
	{
		if (!IsBinaryUpgrade && !planning_exempt && registry_any_governed())
			apply_policies(query);
		result = previous_planner ? previous_planner(query, query_string, cursor_options, params)
								  : standard_planner(query, query_string, cursor_options, params);
	}
	PG_FINALLY();
	{
		planning_exempt = outer;
	}
	PG_END_TRY();
	return result;
}

/* Does the entry, or the parent that it was expanded from, carry the policy? */
static bool
carries_policy(PlannerInfo *root, Index relid)
{
	while (relid != 0)
	{
		RangeTblEntry *rte = root->simple_rte_array[relid];
		AppendRelInfo *parent = root->append_rel_array ? root->append_rel_array[relid] : NULL;

		if (row_policy_present((Node *) rte->securityQuals))
			return true;
		relid = parent ? parent->parent_relid : 0;
	}
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
	}
}

/* Append the counting of rows touched, to be evaluated after everything else. */
static void
count_touched(PlannerInfo *root, RelOptInfo *rel, Index varno, const GovernedRelation *governed)
{
	List		 *conditions = rel->baserestrictinfo;
	RestrictInfo *touch = (RestrictInfo *) COMPAT_MAKE_RESTRICTINFO(root, (Expr *) row_policy_touch(governed, varno),
																	root->qual_security_level + 1);
	ListCell	 *cell;

	touch->norm_selec = touch->outer_selec = 1.0;
	rel->baserestrictinfo = lappend(list_copy(conditions), touch);
	foreach (cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		index->indrestrictinfo =
			index->indrestrictinfo == conditions ? rel->baserestrictinfo : lappend(list_copy(index->indrestrictinfo), touch);
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

		count_touched(root, rel, varno, &governed);
	}
}

void
index_path_install(void)
{
	previous_planner = planner_hook;
	planner_hook = plan_statement;
	previous_relation_info = get_relation_info_hook;
	get_relation_info_hook = check_relation;
	previous_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = extend_paths;
}
