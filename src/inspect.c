/*
 * inspect.c - reads a finished plan.
 *
 * It walks plan states rather than plans: the server's own walker knows every
 * kind of node, and partitions that were pruned when the executor started are
 * not there any more.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "audit_entry.h"
#include "compat.h"
#include "inspect.h"
#include "registry.h"
#include "row_policy.h"

typedef struct Inspection
{
	QueryDesc	*query_desc;
	PlannedStmt *stmt;
	PlanFacts	*facts;
	List		*param_sources; /* of ParamSource * */
	List		*work_tables;	/* of WorkTable *; none met between two walks */
	List		*reading_scans; /* scanrelid of each scan under the policy for reading */
	List		*insertions;	/* ModifyTable nodes that insert into a governed relation */
	List		*fillings;		/* ModifyTable nodes that plainly insert into any other */
	bool		 changes_other; /* one changes any other in another way */
	int			 steps;			/* references followed so far */
} Inspection;

/* A place in the plan: expressions are read relative to it */
typedef struct Place
{
	Inspection *inspection;
	Plan	   *plan;
} Place;

/* An expression that gives an executor parameter its value */
typedef struct ParamSource
{
	int	  paramid;
	Node *expression;
	Plan *plan; /* where the expression stands */
} ParamSource;

/* What a recursion hands on to itself: columns, of which 0 is the whole row, in the present walk */
typedef struct WorkTable
{
	RecursiveUnion *plan;
	Bitmapset	   *met;
	Bitmapset	   *followed;
} WorkTable;

/* What a clause refers to */
typedef struct ClauseFacts
{
	Place *place;
	int	   depth;
	Oid	   root;  /* governed relation that a column of it belongs to */
	bool   plate; /* its plate column is among them */
} ClauseFacts;

typedef struct Collection
{
	Place		  *place;
	int			   depth; /* references followed so far */
	RelationFacts *relation;
} Collection;

/* Bounds of what is followed; a statement beyond them cannot be recorded and is refused. */
#define DEPTH_MAX 200
#define STEPS_MAX 1000000

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

/* ---- from a reference back to where its value comes from ---- */

typedef void (*OriginVisitor)(Place *where, Node *origin, int depth, void *context);

/* May one more reference be followed?  Not once the bounds were passed. */
static bool
take_step(Inspection *inspection, int depth)
{
	CHECK_FOR_INTERRUPTS();
	if (depth > DEPTH_MAX || ++inspection->steps > STEPS_MAX)
		inspection->facts->too_complex = true;
	return !inspection->facts->too_complex;
}

static bool
is_executor_param(Node *node)
{
	return IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC;
}

static bool
is_reference(Node *node)
{
	return IsA(node, Var) || is_executor_param(node);
}

/* Plans from which a node's Var may come; NIL where it cannot be followed */
static List *
plans_below(Place *place, Var *var)
{
	Plan *plan = place->plan;

	if (IsA(plan, SubqueryScan) && !IS_SPECIAL_VARNO(var->varno))
		return list_make1(((SubqueryScan *) plan)->subplan);
	if (IsA(plan, CteScan))
		return list_make1(list_nth(place->inspection->stmt->subplans, ((CteScan *) plan)->ctePlanId - 1));
	if (IsA(plan, ModifyTable)) /* MERGE names its source INNER_VAR */
		return list_make1(outerPlan(plan));
	if (var->varno == INNER_VAR)
		return innerPlan(plan) ? list_make1(innerPlan(plan)) : NIL;
	if (var->varno != OUTER_VAR)
		return NIL;
	if (IsA(plan, Append))
		return ((Append *) plan)->appendplans;
	if (IsA(plan, MergeAppend))
		return ((MergeAppend *) plan)->mergeplans;
	if (IsA(plan, RecursiveUnion) || (IsA(plan, SetOp) && innerPlan(plan)))
		return list_make2(outerPlan(plan), innerPlan(plan));
	return outerPlan(plan) ? list_make1(outerPlan(plan)) : NIL;
}

static void visit_origins(Place *place, Node *node, int depth, OriginVisitor visit, void *context);

/* A whole row stands for each of its columns. */
static void
visit_column(Place *where, List *tlist, AttrNumber attribute, int depth, OriginVisitor visit, void *context)
{
	int first = attribute == 0 ? 0 : attribute - 1;
	int end = attribute == 0 ? list_length(tlist) : Min(attribute, list_length(tlist));

	for (int i = first; attribute >= 0 && i < end; i++)
		visit_origins(where, (Node *) ((TargetEntry *) list_nth(tlist, i))->expr, depth, visit, context);
}

/*
 * Call visit for each expression that a reference may stand for, through nodes
 * that only pass it on: a Var of a base relation, the expression that computes
 * it, or the reference itself where it cannot be followed (a VALUES list, a
 * function).  where is the node that the origin stands in.
 */
static void
visit_origins(Place *place, Node *node, int depth, OriginVisitor visit, void *context)
{
	Inspection *inspection = place->inspection;
	Var		   *var = (Var *) node;
	List	   *below;
	ListCell   *cell;

	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	var = (Var *) node;
	if (node == NULL || !take_step(inspection, depth))
		return;
	if (is_executor_param(node))
	{
		foreach (cell, inspection->param_sources)
		{
			ParamSource *source = lfirst(cell);
			Place		 where = {inspection, source->plan};

			if (source->paramid == ((Param *) node)->paramid)
				visit_origins(&where, source->expression, depth + 1, visit, context);
		}
		return;
	}
	if (!IsA(node, Var) ||
		(!IS_SPECIAL_VARNO(var->varno) && rt_fetch(var->varno, inspection->stmt->rtable)->rtekind == RTE_RELATION))
	{
		visit(place, node, depth, context);
		return;
	}
	if (var->varno == INDEX_VAR && IsA(place->plan, IndexOnlyScan))
	{
		visit_column(place, ((IndexOnlyScan *) place->plan)->indextlist, var->varattno, depth + 1, visit, context);
		return;
	}
	below = plans_below(place, var);
	if (below == NIL)
		visit(place, node, depth, context);
	foreach (cell, below)
	{
		Place where = {inspection, lfirst(cell)};

		visit_column(&where, where.plan->targetlist, var->varattno, depth + 1, visit, context);
	}
}

/* What a subplan returns in the place where it stands; what it returns through parameters, its own test refers to. */
static void
visit_subplan(Place *where, SubPlan *subplan, int depth, OriginVisitor visit, void *context)
{
	Place below = {where->inspection, list_nth(where->inspection->stmt->subplans, subplan->plan_id - 1)};

	if (subplan->subLinkType == EXPR_SUBLINK || subplan->subLinkType == ARRAY_SUBLINK)
		visit_column(&below, below.plan->targetlist, 1, depth + 1, visit, context);
}

static void
meet_work_table(Place *where, Var *var)
{
	ListCell *cell;

	foreach (cell, where->inspection->work_tables)
	{
		WorkTable *table = lfirst(cell);

		if (table->plan->wtParam == ((WorkTableScan *) where->plan)->wtParam)
			table->met = bms_add_member(table->met, var->varattno);
	}
}

/*
 * At the end of a walk that calls visit_made_rows(): follow what recursions
 * hand on to themselves, each column once, as it comes back to itself.
 */
static void
visit_work_tables(Inspection *inspection, OriginVisitor visit, void *context)
{
	bool	  more = inspection->work_tables != NIL;
	ListCell *cell;

	while (more)
	{
		more = false;
		foreach (cell, inspection->work_tables)
		{
			WorkTable *table = lfirst(cell);
			Place	   where = {inspection, &table->plan->plan};
			Bitmapset *columns = bms_difference(table->met, table->followed);
			int		   column = -1;

			table->followed = bms_add_members(table->followed, columns);
			while ((column = bms_next_member(columns, column)) >= 0)
			{
				visit_column(&where, where.plan->targetlist, column, 0, visit, context);
				more = true;
			}
			bms_free(columns);
		}
	}
	foreach (cell, inspection->work_tables)
	{
		WorkTable *table = lfirst(cell);

		bms_free(table->met);
		bms_free(table->followed);
		table->met = table->followed = NULL;
	}
}

/* For visitors: a column of rows that expressions in FROM make, or that a recursion hands on, leads on to these. */
static void
visit_made_rows(Place *where, Var *var, int depth, OriginVisitor visit, void *context)
{
	AttrNumber before = 0;
	ListCell  *cell;

	if (var->varattno < 0)
		return;
	switch (nodeTag(where->plan))
	{
		case T_ValuesScan:
			foreach (cell, ((ValuesScan *) where->plan)->values_lists)
				visit_origins(where, var->varattno > 0 ? list_nth(lfirst(cell), var->varattno - 1) : lfirst(cell), depth + 1,
							  visit, context);
			break;
		case T_FunctionScan:
			foreach (cell, ((FunctionScan *) where->plan)->functions)
			{
				RangeTblFunction *function = lfirst(cell);

				if (var->varattno == 0 || (var->varattno > before && var->varattno <= before + function->funccolcount))
					visit_origins(where, function->funcexpr, depth + 1, visit, context);
				before += function->funccolcount;
			}
			break;
		case T_TableFuncScan:
			visit_origins(where, (Node *) ((TableFuncScan *) where->plan)->tablefunc, depth + 1, visit, context);
			break;
		case T_WorkTableScan:
			meet_work_table(where, var);
			break;
		default:
			break;
	}
}

/* The governed relation whose column an origin is, or NULL */
static const GovernedRelation *
governed_column(Place *where, Node *origin)
{
	Var *var = (Var *) origin;

	if (!IsA(origin, Var) || IS_SPECIAL_VARNO(var->varno) ||
		rt_fetch(var->varno, where->inspection->stmt->rtable)->rtekind != RTE_RELATION)
		return NULL;
	return registry_lookup(rt_fetch(var->varno, where->inspection->stmt->rtable)->relid);
}

/* ---- what a clause is about ---- */

static bool
is_policy_function(Oid function)
{
	const PolicyFunctions *policy = registry_policy_functions();

	return function == policy->may_read || function == policy->may_change || function == policy->may_probe ||
		   function == policy->visible_since || function == policy->touch || function == policy->touch_given ||
		   function == policy->referential || function == policy->admits;
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

static bool clause_walker(Node *node, ClauseFacts *clause);

static void
note_origin(Place *where, Node *origin, int depth, void *context)
{
	ClauseFacts			   *clause = context;
	const GovernedRelation *governed = governed_column(where, origin);

	if (governed)
	{
		clause->root = governed->root;
		/* A whole row has the plate in it. */
		clause->plate |= ((Var *) origin)->varattno == governed->plate || ((Var *) origin)->varattno == 0;
	}
	else if (is_reference(origin))
		visit_made_rows(where, (Var *) origin, depth, note_origin, clause);
	else
	{
		Place *outer = clause->place;
		int	   outer_depth = clause->depth;

		clause->place = where;
		clause->depth = depth;
		(void) clause_walker(origin, clause);
		clause->place = outer;
		clause->depth = outer_depth;
	}
}

static bool
clause_walker(Node *node, ClauseFacts *clause)
{
	if (node == NULL)
		return false;
	if (is_reference(node))
	{
		visit_origins(clause->place, node, clause->depth + 1, note_origin, clause);
		return false;
	}
	if (IsA(node, SubPlan))
		visit_subplan(clause->place, (SubPlan *) node, clause->depth, note_origin, clause);
	return expression_tree_walker(node, clause_walker, clause);
}

static ClauseFacts
clause_facts(Place *place, Node *node)
{
	ClauseFacts clause = {.place = place};

	(void) clause_walker(node, &clause);
	visit_work_tables(place->inspection, note_origin, &clause);
	return clause;
}

static uint32
hash_plate(const void *key, Size size)
{
	const char *plate = *(const char *const *) key;

	return hash_bytes((const unsigned char *) plate, (int) strlen(plate));
}

static int
compare_plates(const void *left, const void *right, Size size)
{
	return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* More plates than this are found by a hash. */
#define FEW_PLATES 16

static void
make_seen(RelationFacts *relation)
{
	HASHCTL	  control = {.keysize = sizeof(char *),
						 .entrysize = sizeof(char *),
						 .hash = hash_plate,
						 .match = compare_plates,
						 .hcxt = CurrentMemoryContext};
	ListCell *cell;

	relation->seen =
		hash_create("ctlpr plates of a statement", 64, &control, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	foreach (cell, relation->plates)
		(void) hash_search(relation->seen, &lfirst(cell), HASH_ENTER, NULL);
}

static bool
is_new_plate(RelationFacts *relation, char *plate)
{
	bool	  found = false;
	ListCell *cell;

	if (!relation->seen && list_length(relation->plates) >= FEW_PLATES)
		make_seen(relation);
	if (relation->seen)
		(void) hash_search(relation->seen, &plate, HASH_ENTER, &found);
	else
		foreach (cell, relation->plates)
			found |= strcmp(lfirst(cell), plate) == 0;
	return !found;
}

/* Keep a sought plate once, up to what an entry can hold. */
static void
add_plate(PlanFacts *facts, RelationFacts *relation, char *plate)
{
	if (!is_new_plate(relation, plate))
		return;
	relation->plates = lappend(relation->plates, plate);
	facts->plate_bytes += strlen(plate) + 2 * sizeof(int32); /* as an element of an array */
	if (facts->plate_bytes > AUDIT_STATEMENT_MAX_BYTES)
		facts->too_complex = true;
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
add_value(PlanFacts *facts, RelationFacts *relation, Oid type, Datum value, bool isnull)
{
	Oid	 output;
	Oid	 element = type == TEXTOID ? InvalidOid : get_element_type(type);
	bool varlena;

	if (isnull || facts->too_complex)
		return;
	CHECK_FOR_INTERRUPTS();
	if (type == TEXTOID)
		add_plate(facts, relation, TextDatumGetCString(value));
	else if (is_string_type(type))
	{
		getTypeOutputInfo(type, &output, &varlena);
		add_plate(facts, relation, OidOutputFunctionCall(output, value));
	}
	else if (OidIsValid(element) && is_string_type(element))
	{
		ArrayIterator iterator = array_create_iterator(DatumGetArrayTypeP(value), 0, NULL);

		while (array_iterate(iterator, &value, &isnull))
			add_value(facts, relation, element, value, isnull);
		array_free_iterator(iterator);
	}
}

static bool collect_values(Node *node, Collection *collection);

/* Values that come from elsewhere in the plan: a computed column, a VALUES list, a function in FROM */
static void
collect_origin(Place *where, Node *origin, int depth, void *context)
{
	Collection below = {where, depth + 1, ((Collection *) context)->relation};

	if (!is_reference(origin))
		(void) collect_values(origin, &below);
	else if (!governed_column(where, origin))
		visit_made_rows(where, (Var *) origin, depth, collect_origin, context);
}

static bool
collect_values(Node *node, Collection *collection)
{
	if (node == NULL)
		return false;
	if (is_reference(node))
	{
		visit_origins(collection->place, node, collection->depth + 1, collect_origin, collection);
		return false;
	}
	if (IsA(node, Const))
	{
		Const *constant = (Const *) node;

		add_value(collection->place->inspection->facts, collection->relation, constant->consttype, constant->constvalue,
				  constant->constisnull);
	}
	else if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		collection->relation->params = list_append_unique_int(collection->relation->params, ((Param *) node)->paramid);
	else if (IsA(node, SubPlan))
		visit_subplan(collection->place, (SubPlan *) node, collection->depth, collect_origin, collection);
	return expression_tree_walker(node, collect_values, collection);
}

/* Keep what a clause compares the plate with. */
static void
collect_plates(Place *place, Node *node, RelationFacts *relation)
{
	Collection collection = {place, 0, relation};

	(void) collect_values(node, &collection);
	visit_work_tables(place->inspection, collect_origin, &collection);
}

/* Is an origin the plate itself, passed on by nothing that computes? */
static void
note_plate(Place *where, Node *origin, int depth, void *context)
{
	const GovernedRelation *governed = governed_column(where, origin);
	ListCell			   *cell;

	if (governed)
		*(bool *) context |= ((Var *) origin)->varattno == governed->plate;
	else if (is_reference(origin))
		visit_made_rows(where, (Var *) origin, depth, note_plate, context);
	else if (IsA(origin, SubPlan))
		visit_subplan(where, (SubPlan *) origin, depth, note_plate, context);
	else if (IsA(origin, ArrayExpr))
	{
		foreach (cell, ((ArrayExpr *) origin)->elements)
			visit_origins(where, lfirst(cell), depth + 1, note_plate, context);
	}
	else if (IsA(origin, FuncExpr) && ((FuncExpr *) origin)->funcid == F_UNNEST_ANYARRAY)
		visit_origins(where, linitial(((FuncExpr *) origin)->args), depth + 1, note_plate, context);
}

/*
 * Is it equality?  By an operator family, which only superusers make: what an
 * operator says of itself, its own maker says.  A collation of anybody's may
 * hold different texts to be equal.
 */
static bool
is_equality(Oid opno, Oid collation)
{
	RegProcedure left;
	RegProcedure right;

	return (get_mergejoin_opfamilies(opno) != NIL || get_op_hash_functions(opno, &left, &right)) &&
		   (!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

/* Does the clause compare whole plates for equality? */
static bool
compares_whole_plate(Place *place, Node *node)
{
	List	 *args = NIL;
	bool	  equality = false;
	bool	  plate = false;
	ListCell *cell;

	if (IsA(node, OpExpr))
	{
		OpExpr *comparison = (OpExpr *) node;

		equality = is_equality(comparison->opno, comparison->inputcollid);
		args = comparison->args;
	}
	else if (IsA(node, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) node)->useOr)
	{
		ScalarArrayOpExpr *comparison = (ScalarArrayOpExpr *) node;

		equality = is_equality(comparison->opno, comparison->inputcollid);
		args = comparison->args;
	}
	if (!equality)
		return false;
	foreach (cell, args)
	{
		Oid type = exprType(lfirst(cell));

		/* A row has more in it than the plate. */
		if (!type_is_rowtype(type) && !type_is_rowtype(get_element_type(type)))
			visit_origins(place, lfirst(cell), 0, note_plate, &plate);
	}
	visit_work_tables(place->inspection, note_plate, &plate);
	return plate;
}

/* Note what one clause seeks; descends into AND, OR and NOT. */
static void
inspect_clause(Place *place, Node *node, bool is_condition)
{
	ClauseFacts	   clause;
	RelationFacts *relation;
	SearchKind	   kind;
	ListCell	  *cell;

	/* That a column is not null is no condition that anybody stated; the planner adds it for min() and max(). */
	if (node == NULL || (IsA(node, NullTest) && ((NullTest *) node)->nulltesttype == IS_NOT_NULL))
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

	clause = clause_facts(place, node);
	if (!OidIsValid(clause.root) || is_policy_clause(node))
		return;
	relation = relation_facts(place->inspection, clause.root);
	/* The kind comes first: nothing is followed any more once the plates are too many. */
	if (is_condition)
	{
		kind = !clause.plate ? SEARCH_AREA_TIME : compares_whole_plate(place, node) ? SEARCH_PLATE : SEARCH_PARTIAL;
		if (kind < relation->search_kind)
			relation->search_kind = kind;
	}
	if (clause.plate)
		collect_plates(place, node, relation);
}

/* ---- what a node does ---- */

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
note_column(Place *where, Node *origin, int depth, void *attribute)
{
	if (IsA(origin, Var) && !IS_SPECIAL_VARNO(((Var *) origin)->varno))
		*(AttrNumber *) attribute = ((Var *) origin)->varattno;
}

static AttrNumber
column_of_scan(Var *var, void *place)
{
	AttrNumber attribute = 0;

	visit_origins(place, (Node *) var, 0, note_column, &attribute);
	return attribute;
}

static void
inspect_scan(Place *place)
{
	Inspection			   *inspection = place->inspection;
	Oid						relid = scanned_relation(inspection, place->plan);
	const GovernedRelation *found = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	GovernedRelation		governed;
	RelationFacts		   *relation;
	bool					filtered = false;
	ListCell			   *cell;

	if (!found)
		return;
	governed = *found;
	relation = relation_facts(inspection, governed.root);
	foreach (cell, place->plan->qual)
	{
		PolicyPredicate predicate = row_policy_predicate(lfirst(cell), &governed, column_of_scan, place);

		relation->read |= predicate == PREDICATE_READ;
		relation->probed |= predicate == PREDICATE_PROBE;
		inspection->facts->referential |= predicate == PREDICATE_REFERENTIAL;
		filtered |= predicate == PREDICATE_READ || predicate == PREDICATE_PROBE;
	}
	relation->unfiltered |= !filtered;
	if (relation->read)
		inspection->reading_scans = lappend_int(inspection->reading_scans, ((Scan *) place->plan)->scanrelid);
	if (relation->search_kind > SEARCH_BROWSE)
		relation->search_kind = SEARCH_BROWSE;
}

/* INTERSECT and EXCEPT compare the columns of their arms with each other. */
static void
inspect_set_operation(Place *place)
{
	ListCell *cell;

	foreach (cell, place->plan->targetlist)
	{
		Node	   *column = (Node *) ((TargetEntry *) lfirst(cell))->expr;
		ClauseFacts clause = clause_facts(place, column);

		if (clause.plate)
			collect_plates(place, column, relation_facts(place->inspection, clause.root));
	}
}

/* ---- counting what comes in ---- */

typedef struct RowReference
{
	int	 varno;
	bool found;
} RowReference;

static bool
reference_walker(Node *node, RowReference *reference)
{
	if (node == NULL)
		return false;
	/* What a subplan is told of the row, it may tell others. */
	if (IsA(node, Var))
		reference->found |= ((Var *) node)->varno == reference->varno;
	else if (IsA(node, SubPlan) || IsA(node, CurrentOfExpr))
		reference->found = true;
	return expression_tree_walker(node, reference_walker, reference);
}

static bool
refers_to_row(Node *node, int varno)
{
	RowReference reference = {varno, false};

	(void) reference_walker(node, &reference);
	return reference.found;
}

static bool
is_addition(Node *node)
{
	if (!IsA(node, OpExpr))
		return false;
	switch (((OpExpr *) node)->opfuncid)
	{
		case F_INT2PL:
		case F_INT24PL:
		case F_INT42PL:
		case F_INT4PL:
		case F_INT48PL:
		case F_INT84PL:
		case F_INT8PL:
		case F_INT28PL:
		case F_INT82PL:
			return true;
		default:
			return false;
	}
}

/*
 * Does an assignment only count on: column + something of the new row's, or
 * the greater or lesser of the column and that?  Then nothing of the row that
 * is there reaches a function of anybody's, or an error but that of an integer
 * that is full.
 */
static bool
counts_on(Node *node, int varno, AttrNumber attribute)
{
	List	 *args;
	int		  own = 0;
	ListCell *cell;

	while (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
		   ((FuncExpr *) node)->funcid < FirstNormalObjectId && list_length(((FuncExpr *) node)->args) == 1)
		node = linitial(((FuncExpr *) node)->args);
	if (is_addition(node))
		args = ((OpExpr *) node)->args;
	else if (IsA(node, MinMaxExpr))
		args = ((MinMaxExpr *) node)->args;
	else
		return false;
	foreach (cell, args)
	{
		Var *var = lfirst(cell);

		if (IsA(var, Var) && var->varno == varno && var->varattno == attribute)
			own++;
		else if (refers_to_row((Node *) var, varno))
			return false;
	}
	return own == 1;
}

/* Does ON CONFLICT DO UPDATE show nothing of the row that is there, and change nothing that governs it? */
static bool
only_counts(Place *place, ModifyTable *plan)
{
	int						varno = linitial_int(plan->resultRelations);
	const GovernedRelation *governed = registry_lookup(rt_fetch(varno, place->inspection->stmt->rtable)->relid);
	ListCell			   *cell;
	ListCell			   *column;

	if (!governed || plan->onConflictWhere || plan->returningLists != NIL)
		return false;
	forboth (cell, plan->onConflictSet, column, plan->onConflictCols)
	{
		Node	  *assigned = (Node *) ((TargetEntry *) lfirst(cell))->expr;
		AttrNumber attribute = lfirst_int(column);

		if (attribute == governed->plate || attribute == governed->camera || attribute == governed->image ||
			(refers_to_row(assigned, varno) && !counts_on(assigned, varno, attribute)))
			return false;
	}
	return true;
}

static void
inspect_modification(Place *place)
{
	Inspection	*inspection = place->inspection;
	ModifyTable *plan = (ModifyTable *) place->plan;
	Oid			 relid = rt_fetch(linitial_int(plan->resultRelations), inspection->stmt->rtable)->relid;
	ListCell	*cell;
	ListCell	*action;

	if (plan->onConflictAction == ONCONFLICT_UPDATE && only_counts(place, plan))
		inspection->facts->conflict_counts = true;
	else if (plan->onConflictAction == ONCONFLICT_UPDATE)
		inspection->facts->conflict_update = true;
	if ((plan->operation == CMD_INSERT || plan->operation == CMD_MERGE) && registry_lookup(relid))
		inspection->insertions = lappend(inspection->insertions, plan);
	else if (plan->operation == CMD_INSERT && plan->onConflictAction == ONCONFLICT_NONE && plan->returningLists == NIL)
		inspection->fillings = lappend(inspection->fillings, plan);
	else if (!registry_lookup(relid))
		inspection->changes_other = true;
	inspect_clause(place, plan->onConflictWhere, true);
	foreach (cell, plan->mergeActionLists)
		foreach (action, lfirst(cell))
			inspect_clause(place, ((MergeAction *) lfirst(action))->qual, true);
}

/*
 * Does a node keep what it was given from one run of the executor to the next?
 * All do that are not known to pass each row on before they take another: those
 * that collect, that make several rows of one, that run a part of the plan once
 * and remember what came of it.
 */
static bool
keeps_rows(PlanState *state)
{
	ListCell *cell;

	if (state->plan->initPlan != NIL)
		return true;
	foreach (cell, state->subPlan)
		if (((SubPlanState *) lfirst(cell))->subplan->useHashTable)
			return true;
	switch (nodeTag(state->plan))
	{
		case T_Result:
		case T_Append:
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_BitmapIndexScan:
		case T_BitmapAnd:
		case T_BitmapOr:
		case T_TidScan:
		case T_TidRangeScan:
		case T_SubqueryScan:
		case T_Limit:
			return false;
		default:
			return true;
	}
}

static Node *
without_relabels(Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* A constant text of two operands' second; NULL where it is none */
static const char *
second_text(OpExpr *clause, int *length)
{
	Const *constant = list_length(clause->args) == 2 ? (Const *) lsecond(clause->args) : NULL;
	text  *value;

	if (!constant || !IsA(constant, Const) || constant->constisnull ||
		(constant->consttype != TEXTOID && constant->consttype != BPCHAROID && constant->consttype != VARCHAROID))
		return NULL;
	value = DatumGetTextPP(constant->constvalue);
	*length = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

/* How many bytes all texts that match a pattern begin with alike, and which; an empty string for what is no pattern */
static char *
fixed_beginning(OpExpr *pattern, int *length)
{
	Oid			support = get_func_support(pattern->opfuncid);
	bool		like = support == F_TEXTLIKE_SUPPORT || support == F_TEXTICLIKE_SUPPORT;
	int			total;
	const char *value = second_text(pattern, &total);
	char	   *fixed = palloc(value ? total + 1 : 1);

	*length = 0;
	for (int i = 0; value && (like || support == F_TEXT_STARTS_WITH_SUPPORT) && i < total; i++)
	{
		if (like && (value[i] == '%' || value[i] == '_'))
			break;
		if (like && value[i] == '\\' && ++i == total)
			break;
		fixed[(*length)++] = value[i];
	}
	return fixed;
}

/*
 * Is a condition of a B-tree search a bound that the server has made of a
 * pattern, which is among the conditions of its scan?  No longer than what all
 * matches begin with, and different in the last character at the most, it says
 * nothing that the pattern does not say.
 */
static bool
is_bound_of_pattern(Node *node, List *quals)
{
	OpExpr	   *bound = (OpExpr *) node;
	int			length;
	const char *value = IsA(node, OpExpr) ? second_text(bound, &length) : NULL;
	ListCell   *cell;

	if (!value || length == 0)
		return false;
	foreach (cell, quals)
	{
		OpExpr *pattern = lfirst(cell);
		int		fixed_length;
		char   *fixed;

		if (!IsA(pattern, OpExpr) || !equal(without_relabels(linitial(pattern->args)), without_relabels(linitial(bound->args))))
			continue;
		fixed = fixed_beginning(pattern, &fixed_length);
		if (length <= fixed_length &&
			memcmp(value, fixed, pg_mbcharcliplen(value, length, pg_mbstrlen_with_len(value, length) - 1)) == 0)
			return true;
	}
	return false;
}

/* Expressions that a kind of node has besides its target list and quals */
static void
inspect_special_clauses(Place *place)
{
	Plan	 *plan = place->plan;
	ListCell *cell;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			foreach (cell, ((IndexScan *) plan)->indexqualorig)
				if (!is_bound_of_pattern(lfirst(cell), plan->qual))
					inspect_clause(place, lfirst(cell), true);
			inspect_clause(place, (Node *) ((IndexScan *) plan)->indexorderbyorig, true);
			break;
		case T_IndexOnlyScan:
			inspect_clause(place, (Node *) ((IndexOnlyScan *) plan)->recheckqual, true);
			break;
		case T_BitmapHeapScan:
			inspect_clause(place, (Node *) ((BitmapHeapScan *) plan)->bitmapqualorig, true);
			break;
		case T_TidScan:
			inspect_clause(place, (Node *) ((TidScan *) plan)->tidquals, true);
			break;
		case T_TidRangeScan:
			inspect_clause(place, (Node *) ((TidRangeScan *) plan)->tidrangequals, true);
			break;
		case T_SampleScan:
			inspect_clause(place, (Node *) ((SampleScan *) plan)->tablesample->args, true);
			break;
		case T_Result:
			inspect_clause(place, ((Result *) plan)->resconstantqual, true);
			break;
		case T_Limit:
			inspect_clause(place, ((Limit *) plan)->limitOffset, true);
			inspect_clause(place, ((Limit *) plan)->limitCount, true);
			break;
		case T_FunctionScan:
			foreach (cell, ((FunctionScan *) plan)->functions)
				inspect_clause(place, ((RangeTblFunction *) lfirst(cell))->funcexpr, true);
			break;
		case T_TableFuncScan:
			inspect_clause(place, (Node *) ((TableFuncScan *) plan)->tablefunc, true);
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
		case T_WindowAgg:
			inspect_clause(place, ((WindowAgg *) plan)->startOffset, true);
			inspect_clause(place, ((WindowAgg *) plan)->endOffset, true);
			break;
		case T_SetOp:
			inspect_set_operation(place);
			break;
		case T_ModifyTable:
			inspect_modification(place);
			break;
		default:
			break;
	}
}

/* ---- copies ---- */

typedef struct CapturedOrigin
{
	bool kept;
	bool other;
} CapturedOrigin;

static void
note_captured_origin(Place *where, Node *origin, int depth, void *context)
{
	CapturedOrigin		   *captured = context;
	const GovernedRelation *governed = governed_column(where, origin);

	if (governed && ((Var *) origin)->varattno == governed->captured_at)
		captured->kept = true;
	else
		captured->other = true;
}

/* Does an INSERT take the captured time of its rows from governed reads? */
static bool
keeps_captured_at(Inspection *inspection, ModifyTable *plan)
{
	const GovernedRelation *governed =
		registry_lookup(rt_fetch(linitial_int(plan->resultRelations), inspection->stmt->rtable)->relid);
	Place		   where = {inspection, outerPlan(plan)};
	CapturedOrigin captured = {false, false};

	if (plan->operation != CMD_INSERT || !governed || !where.plan)
		return false;
	visit_column(&where, where.plan->targetlist, governed->captured_at, 0, note_captured_origin, &captured);
	return captured.kept && !captured.other;
}

/* Does an INSERT read governed rows, beside those that a MERGE matches?  Then what it brings in are copies. */
static bool
copies_reads(Inspection *inspection, ModifyTable *plan)
{
	ListCell *cell;

	foreach (cell, inspection->reading_scans)
		if (!list_member_int(plan->resultRelations, lfirst_int(cell)))
			return true;
	/* A trigger on governed rows hands them on as a table of its own. */
	foreach (cell, inspection->stmt->rtable)
	{
		RangeTblEntry *rte = lfirst(cell);

		if (rte->rtekind == RTE_NAMEDTUPLESTORE && OidIsValid(rte->relid) && registry_lookup(rte->relid))
			return true;
	}
	return false;
}

/* From which relations does an INSERT take its copies? */
static void
note_copied_roots(Inspection *inspection, ModifyTable *plan)
{
	ListCell *cell;
	Index	  index = 0;

	foreach (cell, inspection->stmt->rtable)
	{
		RangeTblEntry		   *rte = lfirst(cell);
		const GovernedRelation *governed;

		index++;
		if (!(rte->rtekind == RTE_RELATION && list_member_int(inspection->reading_scans, index) &&
			  !list_member_int(plan->resultRelations, index)) &&
			!(rte->rtekind == RTE_NAMEDTUPLESTORE && OidIsValid(rte->relid)))
			continue;
		governed = registry_lookup(rte->relid);
		if (governed)
			inspection->facts->copied_roots = list_append_unique_oid(inspection->facts->copied_roots, governed->root);
	}
}

/* ---- aggregates ---- */

typedef struct SummaryCheck
{
	Place *place;
	int	   depth;
	bool   broken; /* it could show a single read */
} SummaryCheck;

static bool summary_walker(Node *node, SummaryCheck *check);

static bool is_identifying(Place *place, int depth, Node *node, bool with_time);

/* A column of a table, not of what cannot be followed */
static bool
is_table_column(Place *where, Node *origin)
{
	return IsA(origin, Var) && !IS_SPECIAL_VARNO(((Var *) origin)->varno) &&
		   rt_fetch(((Var *) origin)->varno, where->inspection->stmt->rtable)->rtekind == RTE_RELATION;
}

/* Does what a reference stands for, that cannot be followed, come from what identifies a read? */
static bool
hides_identity(Place *where, Node *origin, int depth)
{
	if (IsA(where->plan, FunctionScan))
		return is_identifying(where, depth, (Node *) ((FunctionScan *) where->plan)->functions, true);
	if (IsA(where->plan, ValuesScan))
		return is_identifying(where, depth, (Node *) ((ValuesScan *) where->plan)->values_lists, true);
	return true;
}

/* What is computed below is judged where it is computed. */
static void
check_computed_origin(Place *where, Node *origin, int depth, SummaryCheck *outer)
{
	SummaryCheck check = {where, depth, false};

	if (is_table_column(where, origin))
		return;
	if (is_reference(origin))
		outer->broken |= hides_identity(where, origin, depth);
	else
		(void) summary_walker(origin, &check);
	outer->broken |= check.broken;
}

/* A column that is grouped by: owner or camera as they are, of governed reads nothing else */
static void
check_grouped_origin(Place *where, Node *origin, int depth, void *context)
{
	SummaryCheck		   *outer = context;
	const GovernedRelation *governed = governed_column(where, origin);
	AttrNumber				attribute = governed ? ((Var *) origin)->varattno : 0;

	if (!governed)
		check_computed_origin(where, origin, depth, outer);
	else if (attribute == 0 || (attribute != governed->owner && attribute != governed->camera))
		outer->broken = true;
}

/* A time that is rounded: of governed reads, the captured time */
static void
check_rounded_origin(Place *where, Node *origin, int depth, void *context)
{
	SummaryCheck		   *outer = context;
	const GovernedRelation *governed = governed_column(where, origin);

	if (!governed)
		check_computed_origin(where, origin, depth, outer);
	else if (((Var *) origin)->varattno != governed->captured_at)
		outer->broken = true;
}

static bool
is_coarse_field(Node *field)
{
	static const char *const coarse[] = {"hour", "day", "dow", "isodow", "doy", "week", "month", "quarter", "year", "isoyear"};
	char					*name;

	if (!IsA(field, Const) || ((Const *) field)->constisnull || ((Const *) field)->consttype != TEXTOID)
		return false;
	name = TextDatumGetCString(((Const *) field)->constvalue);
	for (int i = 0; i < lengthof(coarse); i++)
		if (pg_strcasecmp(name, coarse[i]) == 0)
			return true;
	return false;
}

/* At least five minutes, which is as fine as traffic is counted */
static bool
is_coarse_stride(Node *stride)
{
	Interval *interval;

	if (!IsA(stride, Const) || ((Const *) stride)->constisnull || ((Const *) stride)->consttype != INTERVALOID)
		return false;
	interval = DatumGetIntervalP(((Const *) stride)->constvalue);
	return interval->month == 0 && interval->day >= 0 && interval->time + interval->day * USECS_PER_DAY >= 5 * USECS_PER_MINUTE;
}

/* The time that an expression rounds to an hour, a bin or more; NULL where it does not */
static Node *
rounded_time(Node *node)
{
	List *args = IsA(node, FuncExpr) ? ((FuncExpr *) node)->args : NIL;
	Node *time;

	if (args == NIL)
		return NULL;
	switch (((FuncExpr *) node)->funcid)
	{
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT:
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_TIMESTAMP:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_TIMESTAMP:
			if (!is_coarse_field(linitial(args)))
				return NULL;
			time = lsecond(args);
			break;
		case F_DATE_BIN_INTERVAL_TIMESTAMPTZ_TIMESTAMPTZ:
		case F_DATE_BIN_INTERVAL_TIMESTAMP_TIMESTAMP:
			if (!is_coarse_stride(linitial(args)) || !IsA(lthird(args), Const))
				return NULL;
			time = lsecond(args);
			break;
		case F_DATE_TIMESTAMPTZ:
		case F_DATE_TIMESTAMP:
			time = linitial(args);
			break;
		default:
			return NULL;
	}
	/* What is rounded may be the local time. */
	if (IsA(time, FuncExpr))
	{
		FuncExpr *conversion = (FuncExpr *) time;

		if (conversion->funcid == F_TIMEZONE_TEXT_TIMESTAMPTZ && IsA(linitial(conversion->args), Const))
			time = lsecond(conversion->args);
		else if (conversion->funcid == F_TIMESTAMP_TIMESTAMPTZ)
			time = linitial(conversion->args);
	}
	return is_reference(time) ? time : NULL;
}

/* What identifies a read in an expression */
typedef struct IdentityCheck
{
	Place *place;
	int	   depth;
	bool   with_time; /* the captured time does, too */
	bool   found;
} IdentityCheck;

static bool identity_walker(Node *node, IdentityCheck *check);

static void
check_identity_origin(Place *where, Node *origin, int depth, void *context)
{
	IdentityCheck		   *outer = context;
	const GovernedRelation *governed = governed_column(where, origin);
	AttrNumber				attribute = governed ? ((Var *) origin)->varattno : 0;

	if (governed)
		outer->found |= attribute == 0 || attribute == governed->plate || attribute == governed->image ||
						(outer->with_time && attribute == governed->captured_at);
	else if (!is_reference(origin))
		outer->found |= is_identifying(where, depth, origin, outer->with_time);
	else if (!is_table_column(where, origin))
		outer->found |= hides_identity(where, origin, depth);
}

static bool
identity_walker(Node *node, IdentityCheck *check)
{
	if (node == NULL)
		return false;
	if (is_reference(node))
	{
		visit_origins(check->place, node, check->depth + 1, check_identity_origin, check);
		return false;
	}
	if (IsA(node, SubPlan))
		visit_subplan(check->place, (SubPlan *) node, check->depth, check_identity_origin, check);
	return expression_tree_walker(node, identity_walker, check);
}

static bool
is_identifying(Place *place, int depth, Node *node, bool with_time)
{
	IdentityCheck check = {place, depth, with_time, false};

	(void) identity_walker(node, &check);
	return check.found;
}

/* A worker's part of an aggregate is judged as the aggregate that it is. */
static void
check_partial_origin(Place *where, Node *origin, int depth, void *context)
{
	if (IsA(origin, Aggref))
		check_computed_origin(where, origin, depth, context);
	else
		((SummaryCheck *) context)->broken = true;
}

/* Counts of columns as they are, and numbers computed from what identifies no read; of rows chosen by no plate */
static bool
sums_up(Aggref *aggregate, SummaryCheck *check)
{
	bool counts = aggregate->aggfnoid == F_COUNT_ || aggregate->aggfnoid == F_COUNT_ANY;
	char category;
	bool preferred;

	if (DO_AGGSPLIT_COMBINE(aggregate->aggsplit))
	{
		visit_origins(check->place, (Node *) ((TargetEntry *) linitial(aggregate->args))->expr, check->depth + 1,
					  check_partial_origin, check);
		return !check->broken;
	}
	if (is_identifying(check->place, check->depth, (Node *) aggregate->aggfilter, false))
		return false;
	if (counts && (aggregate->args == NIL || is_reference((Node *) ((TargetEntry *) linitial(aggregate->args))->expr)))
		return true;
	get_type_category_preferred(get_func_rettype(aggregate->aggfnoid), &category, &preferred);
	return category == TYPCATEGORY_NUMERIC && !is_identifying(check->place, check->depth, (Node *) aggregate->args, true) &&
		   !is_identifying(check->place, check->depth, (Node *) aggregate->aggdirectargs, true);
}

static bool
summary_walker(Node *node, SummaryCheck *check)
{
	Node *time;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		check->broken |= !sums_up((Aggref *) node, check);
		return false;
	}
	time = rounded_time(node);
	if (time || is_reference(node))
	{
		visit_origins(check->place, time ? time : node, check->depth + 1, time ? check_rounded_origin : check_grouped_origin,
					  check);
		return false;
	}
	if (IsA(node, SubPlan))
		visit_subplan(check->place, (SubPlan *) node, check->depth, check_grouped_origin, check);
	return expression_tree_walker(node, summary_walker, check);
}

/* Could what a node returns show a single read? */
static bool
shows_read(Inspection *inspection, Plan *plan)
{
	Place		 place = {inspection, plan};
	SummaryCheck check = {&place, 0, false};

	(void) summary_walker((Node *) plan->targetlist, &check);
	return check.broken;
}

/*
 * Does an INSERT take nothing of a single read, 13(b)(2)(A)(iv)?  Its source
 * must be an aggregation, with nothing between the two that could bring rows
 * in from elsewhere, or a column.
 */
static bool
inserts_summary(Inspection *inspection, ModifyTable *plan)
{
	Plan *source = outerPlan(plan);

	while (source && !IsA(source, Agg))
	{
		if (shows_read(inspection, source))
			return false;
		if (IsA(source, SubqueryScan))
			source = ((SubqueryScan *) source)->subplan;
		else if (IsA(source, Sort) || IsA(source, Limit) || IsA(source, Result) || IsA(source, Material))
			source = source->initPlan == NIL ? outerPlan(source) : NULL;
		else
			return false;
	}
	return source && !shows_read(inspection, source);
}

/* ---- the walk ---- */

static void
add_param_source(Inspection *inspection, int paramid, Node *expression, Plan *plan)
{
	ParamSource *source;
	ListCell	*cell;

	foreach (cell, inspection->param_sources)
	{
		source = lfirst(cell);
		if (source->paramid == paramid && source->expression == expression)
			return;
	}
	source = palloc(sizeof(ParamSource));
	*source = (ParamSource){paramid, expression, plan};
	inspection->param_sources = lappend(inspection->param_sources, source);
}

/* The columns that a subplan returns through parameters, and the values that its arguments pass down */
static void
add_subplan_sources(Inspection *inspection, SubPlan *subplan, List *results, Plan *above)
{
	Plan	 *plan = list_nth(inspection->stmt->subplans, subplan->plan_id - 1);
	ListCell *cell;
	ListCell *argument;

	foreach (cell, results)
	{
		int column = foreach_current_index(cell);

		if (column < list_length(plan->targetlist))
			add_param_source(inspection, lfirst_int(cell), (Node *) ((TargetEntry *) list_nth(plan->targetlist, column))->expr,
							 plan);
	}
	forboth (cell, subplan->parParam, argument, subplan->args)
		add_param_source(inspection, lfirst_int(cell), lfirst(argument), above);
}

static void
add_work_table(Inspection *inspection, RecursiveUnion *plan)
{
	WorkTable *table;
	ListCell  *cell;

	foreach (cell, inspection->work_tables)
		if (((WorkTable *) lfirst(cell))->plan == plan)
			return;
	table = palloc(sizeof(WorkTable));
	*table = (WorkTable){plan, NULL, NULL};
	inspection->work_tables = lappend(inspection->work_tables, table);
}

/* Before anything is followed, know what sets the executor's parameters, and which recursion fills a work table. */
static bool
find_param_sources(PlanState *state, void *context)
{
	Inspection *inspection = context;
	ListCell   *cell;

	if (IsA(state->plan, RecursiveUnion))
		add_work_table(inspection, (RecursiveUnion *) state->plan);
	if (IsA(state->plan, NestLoop))
	{
		foreach (cell, ((NestLoop *) state->plan)->nestParams)
		{
			NestLoopParam *param = lfirst(cell);

			add_param_source(inspection, param->paramno, (Node *) param->paramval, state->plan);
		}
	}
	foreach (cell, state->plan->initPlan)
		add_subplan_sources(inspection, lfirst(cell), ((SubPlan *) lfirst(cell))->setParam, state->plan);
	foreach (cell, state->subPlan)
	{
		SubPlan *subplan = ((SubPlanState *) lfirst(cell))->subplan;

		/* That of UPDATE ... SET (...) = (SELECT ...) sets its parameters as an InitPlan does. */
		add_subplan_sources(inspection, subplan, subplan->paramIds != NIL ? subplan->paramIds : subplan->setParam, state->plan);
	}
	return planstate_tree_walker(state, find_param_sources, context);
}

static bool
inspect_node(PlanState *state, void *context)
{
	Place place = {context, state->plan};

	inspect_scan(&place);
	inspect_special_clauses(&place);
	place.inspection->facts->holds_rows |= keeps_rows(state);
	inspect_clause(&place, (Node *) state->plan->qual, true);
	inspect_clause(&place, (Node *) state->plan->targetlist, false);
	return planstate_tree_walker(state, inspect_node, context);
}

PlanFacts *
inspect_plan(QueryDesc *query_desc)
{
	Inspection inspection = {.query_desc = query_desc, .stmt = query_desc->plannedstmt, .facts = palloc0(sizeof(PlanFacts))};
	ListCell  *cell;

	(void) find_param_sources(query_desc->planstate, &inspection);

	/* Data-modifying WITH queries and other subplans hang on the executor state. */
	foreach (cell, query_desc->estate->es_subplanstates)
	{
		if (lfirst(cell))
			(void) find_param_sources(lfirst(cell), &inspection);
	}
	(void) inspect_node(query_desc->planstate, &inspection);
	foreach (cell, query_desc->estate->es_subplanstates)
	{
		if (lfirst(cell))
			(void) inspect_node(lfirst(cell), &inspection);
	}
	foreach (cell, inspection.insertions)
	{
		ModifyTable *plan = lfirst(cell);

		/* A read is not made young by copying it. */
		inspection.facts->copies_reads |= copies_reads(&inspection, plan);
		note_copied_roots(&inspection, plan);
		inspection.facts->renews_reads |=
			inspection.reading_scans != NIL && copies_reads(&inspection, plan) && !keeps_captured_at(&inspection, plan);
	}
	/* The traffic of one plate is no summary, whatever it shows. */
	inspection.facts->only_summaries = inspection.fillings != NIL && !inspection.changes_other;
	foreach (cell, inspection.facts->relations)
		inspection.facts->only_summaries &= ((RelationFacts *) lfirst(cell))->search_kind > SEARCH_PARTIAL;
	foreach (cell, inspection.fillings)
		inspection.facts->only_summaries &= inserts_summary(&inspection, lfirst(cell));
	return inspection.facts;
}

static void
add_parameter(PlanFacts *facts, RelationFacts *relation, ParamListInfo params, int number)
{
	ParamExternData	 storage;
	ParamExternData *data;

	if (!params || number <= 0 || number > params->numParams)
		return;
	data = params->paramFetch ? params->paramFetch(params, number, false, &storage) : &params->params[number - 1];
	if (OidIsValid(data->ptype))
		add_value(facts, relation, data->ptype, data->value, data->isnull);
}

void
inspect_parameters(PlanFacts *facts, ParamListInfo params)
{
	ListCell *cell;
	ListCell *number;

	foreach (cell, facts->relations)
	{
		RelationFacts *relation = lfirst(cell);

		foreach (number, relation->params)
			add_parameter(facts, relation, params, lfirst_int(number));
	}
}
