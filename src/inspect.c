/*
 * inspect.c - reads a finished plan.
 *
 * It walks plan states rather than plans: the server's own walker knows every
 * kind of node, and partitions that were pruned when the executor started are
 * not there any more.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "inspect.h"
#include "registry.h"

typedef struct Inspection
{
	QueryDesc	*query_desc;
	PlannedStmt *stmt;
	PlanFacts	*facts;
	List		*param_sources; /* plans above that set executor parameters */
} Inspection;

/* A place in the plan: expressions are read relative to it */
typedef struct Place
{
	Inspection *inspection;
	Plan	   *plan;
} Place;

/* What a clause refers to */
typedef struct ClauseFacts
{
	Place *place;
	Oid	   root;  /* governed relation that a column of it belongs to */
	bool   plate; /* its plate column is among them */
} ClauseFacts;

typedef struct Collection
{
	Place		  *place;
	RelationFacts *relation;
	int			   depth; /* references followed so far */
} Collection;

/* No plan nests references deeper than this; what does is not followed */
#define REFERENCES_MAX 64

const char *
inspect_search_kind_name(SearchKind kind)
{
	static const char *const names[] = {"plate", "partial", "area_time", "browse", "none"};

	return names[kind];
}

RelationFacts *
inspect_relation(const PlanFacts *facts, Oid root)
{
	ListCell *cell;

	foreach (cell, facts->relations)
	{
		RelationFacts *relation = lfirst(cell);

		if (relation->root == root)
			return relation;
	}
	return NULL;
}

static RelationFacts *
relation_facts(Inspection *inspection, Oid root)
{
	RelationFacts *relation = inspect_relation(inspection->facts, root);

	if (!relation)
	{
		relation = palloc0(sizeof(RelationFacts));
		relation->root = root;
		relation->search_kind = SEARCH_NONE;
		inspection->facts->relations = lappend(inspection->facts->relations, relation);
	}
	return relation;
}

/* ---- from a Var back to a column ---- */

static Plan *
first_child(Plan *plan)
{
	if (IsA(plan, Append))
		return linitial(((Append *) plan)->appendplans);
	if (IsA(plan, MergeAppend))
		return linitial(((MergeAppend *) plan)->mergeplans);
	return outerPlan(plan);
}

/* The expression that a Var names, in the node below or beside; NULL where it cannot be followed */
static Node *
referenced_expression(Place *place, Var *var, Place *below)
{
	Plan		*plan = place->plan;
	List		*tlist = NIL;
	TargetEntry *entry;

	*below = *place;
	if (var->varno == OUTER_VAR || var->varno == INNER_VAR)
	{
		below->plan = var->varno == OUTER_VAR ? first_child(plan) : innerPlan(plan);
		tlist = below->plan ? below->plan->targetlist : NIL;
	}
	else if (var->varno == INDEX_VAR && IsA(plan, IndexOnlyScan))
		tlist = ((IndexOnlyScan *) plan)->indextlist;
	else if (IsA(plan, SubqueryScan))
	{
		below->plan = ((SubqueryScan *) plan)->subplan;
		tlist = below->plan->targetlist;
	}
	else if (IsA(plan, CteScan))
	{
		below->plan = list_nth(place->inspection->stmt->subplans, ((CteScan *) plan)->ctePlanId - 1);
		tlist = below->plan->targetlist;
	}
	if (var->varattno <= 0 || var->varattno > list_length(tlist))
		return NULL;
	entry = list_nth(tlist, var->varattno - 1);
	return (Node *) entry->expr;
}

/*
 * Follow a Var through nodes that only pass it on.  Result: the Var of a base
 * relation, or the expression that computes it; *where is the node that it
 * stands in.
 */
static Node *
follow_reference(Place *place, Var *var, Place *where)
{
	Node *node = (Node *) var;

	*where = *place;
	for (int depth = 0; depth < REFERENCES_MAX; depth++)
	{
		Place below;
		Node *referenced;

		var = (Var *) node;
		if (!IS_SPECIAL_VARNO(var->varno) && rt_fetch(var->varno, place->inspection->stmt->rtable)->rtekind == RTE_RELATION)
			return node;
		referenced = referenced_expression(where, var, &below);
		if (referenced == NULL)
			return node;
		*where = below;
		while (IsA(referenced, RelabelType))
			referenced = (Node *) ((RelabelType *) referenced)->arg;
		if (!IsA(referenced, Var))
			return referenced;
		node = referenced;
	}
	return node;
}

/* The governed relation whose column a Var is, or NULL */
static const GovernedRelation *
governed_column(Place *place, Var *var, AttrNumber *attribute)
{
	Place		   where;
	Node		  *node = follow_reference(place, var, &where);
	RangeTblEntry *rte;

	if (!IsA(node, Var) || IS_SPECIAL_VARNO(((Var *) node)->varno))
		return NULL;
	rte = rt_fetch(((Var *) node)->varno, place->inspection->stmt->rtable);
	if (rte->rtekind != RTE_RELATION)
		return NULL;
	*attribute = ((Var *) node)->varattno;
	return registry_lookup(rte->relid);
}

/* ---- what a clause is about ---- */

static bool
is_policy_function(Oid function)
{
	const PolicyFunctions *policy = registry_policy_functions();

	return function == policy->may_read || function == policy->may_change || function == policy->may_probe ||
		   function == policy->visible_since || function == policy->touch || function == policy->referential;
}

/* Is it a condition of the policy itself?  One that merely calls a predicate of ours is the user's own. */
static bool
is_policy_clause(Node *node)
{
	if (IsA(node, FuncExpr))
		return is_policy_function(((FuncExpr *) node)->funcid);
	if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
	{
		Node *left = linitial(((OpExpr *) node)->args);
		Node *right = lsecond(((OpExpr *) node)->args);

		return IsA(left, Var) && IsA(right, FuncExpr) &&
			   ((FuncExpr *) right)->funcid == registry_policy_functions()->visible_since;
	}
	return false;
}

static bool
clause_walker(Node *node, ClauseFacts *clause)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		AttrNumber				attribute;
		const GovernedRelation *governed = governed_column(clause->place, (Var *) node, &attribute);

		if (governed)
		{
			clause->root = governed->root;
			clause->plate |= (attribute == governed->plate);
		}
	}
	return expression_tree_walker(node, clause_walker, clause);
}

/* Keep a sought plate once. */
static void
add_plate(RelationFacts *relation, char *plate)
{
	ListCell *cell;

	foreach (cell, relation->plates)
		if (strcmp(lfirst(cell), plate) == 0)
			return;
	relation->plates = lappend(relation->plates, plate);
}

static bool
is_string_type(Oid type)
{
	char category;
	bool preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

/* A value compared with the plate: a character string, or an array of them */
static void
add_value(RelationFacts *relation, Oid type, Datum value, bool isnull)
{
	Oid	 output;
	Oid	 element = get_element_type(type);
	bool varlena;

	if (isnull)
		return;
	if (is_string_type(type))
	{
		getTypeOutputInfo(type, &output, &varlena);
		add_plate(relation, OidOutputFunctionCall(output, value));
	}
	else if (OidIsValid(element) && is_string_type(element))
	{
		ArrayIterator iterator = array_create_iterator(DatumGetArrayTypeP(value), 0, NULL);

		while (array_iterate(iterator, &value, &isnull))
			add_value(relation, element, value, isnull);
		array_free_iterator(iterator);
	}
}

static bool collect_values(Node *node, Collection *collection);

/* Values that come from elsewhere in the plan: a VALUES list, a function in FROM, a computed column */
static void
collect_referenced(Var *var, Collection *collection)
{
	Place	   where;
	Node	  *node = follow_reference(collection->place, var, &where);
	Collection below = {&where, collection->relation, collection->depth + 1};
	ListCell  *cell;

	if (collection->depth >= REFERENCES_MAX)
		return;
	if (!IsA(node, Var))
		(void) collect_values(node, &below);
	else if (IsA(where.plan, ValuesScan))
	{
		foreach (cell, ((ValuesScan *) where.plan)->values_lists)
			(void) collect_values(list_nth(lfirst(cell), ((Var *) node)->varattno - 1), &below);
	}
	else if (IsA(where.plan, FunctionScan))
	{
		foreach (cell, ((FunctionScan *) where.plan)->functions)
			(void) collect_values(((RangeTblFunction *) lfirst(cell))->funcexpr, &below);
	}
}

/* A parameter that another node of the plan sets: the outer side of a nested loop, or a sub-select */
static void
collect_executor_param(int paramid, Collection *collection)
{
	Inspection *inspection = collection->place->inspection;
	ListCell   *source;
	ListCell   *cell;

	if (collection->depth >= REFERENCES_MAX)
		return;
	foreach (source, inspection->param_sources)
	{
		Plan	  *plan = lfirst(source);
		Place	   place = {inspection, plan};
		Collection below = {&place, collection->relation, collection->depth + 1};

		if (IsA(plan, NestLoop))
		{
			foreach (cell, ((NestLoop *) plan)->nestParams)
			{
				NestLoopParam *param = lfirst(cell);

				if (param->paramno == paramid)
					(void) collect_values((Node *) param->paramval, &below);
			}
		}
		foreach (cell, plan->initPlan)
		{
			SubPlan *subplan = lfirst(cell);

			if (!list_member_int(subplan->setParam, paramid))
				continue;
			place.plan = list_nth(inspection->stmt->subplans, subplan->plan_id - 1);
			(void) collect_values((Node *) place.plan->targetlist, &below);
			place.plan = plan;
		}
	}
}

static bool
collect_values(Node *node, Collection *collection)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		collect_referenced((Var *) node, collection);
	else if (IsA(node, Const))
	{
		Const *constant = (Const *) node;

		add_value(collection->relation, constant->consttype, constant->constvalue, constant->constisnull);
	}
	else if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		collect_executor_param(((Param *) node)->paramid, collection);
	else if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Param		 *param = (Param *) node;
		ParamListInfo params = collection->place->inspection->query_desc->params;

		if (params && param->paramid > 0 && param->paramid <= params->numParams)
		{
			ParamExternData	 storage;
			ParamExternData *data = params->paramFetch ? params->paramFetch(params, param->paramid, false, &storage)
													   : &params->params[param->paramid - 1];

			if (OidIsValid(data->ptype))
				add_value(collection->relation, data->ptype, data->value, data->isnull);
		}
	}
	return expression_tree_walker(node, collect_values, collection);
}

/* Does the clause compare whole plates?  By the operator's own estimator, which every equality of strings shares. */
static bool
compares_whole_plate(Node *node)
{
	Oid		  operator= InvalidOid;
	List	 *args = NIL;
	ListCell *cell;

	if (IsA(node, OpExpr))
	{
		operator=((OpExpr *) node)->opno;
		args = ((OpExpr *) node)->args;
	}
	else if (IsA(node, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) node)->useOr)
	{
		operator=((ScalarArrayOpExpr *) node)->opno;
		args = ((ScalarArrayOpExpr *) node)->args;
	}
	if (!OidIsValid(operator) || get_oprrest(operator) != F_EQSEL)
		return false;
	foreach (cell, args)
	{
		Node *argument = lfirst(cell);

		while (IsA(argument, RelabelType))
			argument = (Node *) ((RelabelType *) argument)->arg;
		if (IsA(argument, Var))
			return true;
	}
	return false;
}

/* Note what one clause seeks; descends into AND, OR and NOT. */
static void
inspect_clause(Place *place, Node *node, bool is_condition)
{
	ClauseFacts	   clause = {.place = place};
	RelationFacts *relation;
	SearchKind	   kind;
	ListCell	  *cell;

	if (node == NULL)
		return;
	if (IsA(node, List))
	{
		foreach (cell, (List *) node)
			inspect_clause(place, lfirst(cell), is_condition);
		return;
	}
	if (IsA(node, BoolExpr))
	{
		inspect_clause(place, (Node *) ((BoolExpr *) node)->args, is_condition);
		return;
	}
	if (IsA(node, TargetEntry))
	{
		inspect_clause(place, (Node *) ((TargetEntry *) node)->expr, is_condition);
		return;
	}

	clause_walker(node, &clause);
	if (!OidIsValid(clause.root) || is_policy_clause(node))
		return;
	relation = relation_facts(place->inspection, clause.root);
	if (clause.plate)
	{
		Collection collection = {place, relation, 0};

		collect_values(node, &collection);
	}
	if (!is_condition)
		return;
	kind = !clause.plate ? SEARCH_AREA_TIME : compares_whole_plate(node) ? SEARCH_PLATE : SEARCH_PARTIAL;
	if (kind < relation->search_kind)
		relation->search_kind = kind;
}

/* ---- what a node does ---- */

typedef struct Marks
{
	bool read;
	bool probe;
	bool referential;
} Marks;

static bool
marks_walker(Node *node, Marks *marks)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
	{
		const PolicyFunctions *policy = registry_policy_functions();
		Oid					   function = ((FuncExpr *) node)->funcid;

		marks->read |= (function == policy->may_read || function == policy->may_change);
		marks->probe |= (function == policy->may_probe);
		marks->referential |= (function == policy->referential);
	}
	return expression_tree_walker(node, marks_walker, marks);
}

/* The relation that a node scans; InvalidOid when it scans none */
static Oid
scanned_relation(Inspection *inspection, Plan *plan)
{
	Index scanrelid;

	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
		case T_CustomScan:
			scanrelid = ((Scan *) plan)->scanrelid;
			break;
		default:
			return InvalidOid;
	}
	if (scanrelid == 0)
		return InvalidOid;
	return rt_fetch(scanrelid, inspection->stmt->rtable)->relid;
}

static void
inspect_scan(Inspection *inspection, Plan *plan)
{
	Oid						relid = scanned_relation(inspection, plan);
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	RelationFacts		   *relation;
	Marks					marks = {false, false, false};

	if (!governed)
		return;
	relation = relation_facts(inspection, governed->root);
	marks_walker((Node *) plan->qual, &marks);
	relation->read |= marks.read;
	relation->probed |= marks.probe;
	relation->unfiltered |= !marks.read && !marks.probe;
	inspection->facts->referential |= marks.referential;
	if (relation->search_kind > SEARCH_BROWSE)
		relation->search_kind = SEARCH_BROWSE;
}

/* Expressions that a kind of node has besides its target list and quals */
static void
inspect_special_clauses(Place *place)
{
	Plan *plan = place->plan;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			inspect_clause(place, (Node *) ((IndexScan *) plan)->indexqualorig, true);
			inspect_clause(place, (Node *) ((IndexScan *) plan)->indexorderbyorig, true);
			break;
		case T_IndexOnlyScan:
			inspect_clause(place, (Node *) ((IndexOnlyScan *) plan)->recheckqual, true);
			break;
		case T_BitmapHeapScan:
			inspect_clause(place, (Node *) ((BitmapHeapScan *) plan)->bitmapqualorig, true);
			break;
		case T_BitmapIndexScan:
			inspect_clause(place, (Node *) ((BitmapIndexScan *) plan)->indexqualorig, true);
			break;
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			inspect_clause(place, (Node *) ((Join *) plan)->joinqual, true);
			if (IsA(plan, MergeJoin))
				inspect_clause(place, (Node *) ((MergeJoin *) plan)->mergeclauses, true);
			if (IsA(plan, HashJoin))
				inspect_clause(place, (Node *) ((HashJoin *) plan)->hashclauses, true);
			break;
		case T_Sort:
		case T_IncrementalSort:
		case T_Material:
		case T_Memoize:
		case T_Agg:
		case T_WindowAgg:
		case T_Hash:
		case T_SetOp:
		case T_CteScan:
		case T_RecursiveUnion:
		case T_Gather:
		case T_GatherMerge:
			place->inspection->facts->holds_rows = true;
			break;
		case T_ModifyTable:
			if (((ModifyTable *) plan)->onConflictAction == ONCONFLICT_UPDATE)
				place->inspection->facts->conflict_update = true;
			break;
		default:
			break;
	}
}

static bool
inspect_node(PlanState *state, void *context)
{
	Inspection *inspection = context;
	Place		place = {inspection, state->plan};

	if (IsA(state->plan, NestLoop) || state->plan->initPlan != NIL)
		inspection->param_sources = lappend(inspection->param_sources, state->plan);
	inspect_scan(inspection, state->plan);
	inspect_special_clauses(&place);
	inspect_clause(&place, (Node *) state->plan->qual, true);
	inspect_clause(&place, (Node *) state->plan->targetlist, false);
	return planstate_tree_walker(state, inspect_node, context);
}

PlanFacts *
inspect_plan(QueryDesc *query_desc)
{
	Inspection inspection = {query_desc, query_desc->plannedstmt, palloc0(sizeof(PlanFacts)), NIL};
	ListCell  *cell;

	inspect_node(query_desc->planstate, &inspection);

	/* Data-modifying WITH queries and other subplans hang on the executor state. */
	foreach (cell, query_desc->estate->es_subplanstates)
	{
		if (lfirst(cell))
			inspect_node(lfirst(cell), &inspection);
	}
	return inspection.facts;
}
