/*
 * expressions.c - vets functions that would see every row.
 *
 * A function is vetted when only a superuser can have made it (the server's
 * own, and C), it does nothing but compute (not volatile, and no queries), and
 * nobody else can replace it.  What such a function says in an error is kept
 * from the client elsewhere (utility_gate.c).
 *
 * Some functions that no expression names run all the same, because of the type
 * of a value: the checks of its domain, what a range was made with, its cast to
 * JSON.
 *
 * Objects are looked at as they are created, before the server runs them over
 * the rows: their catalog rows are there, but not yet visible to an ordinary
 * scan.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_language.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "catalog_scan.h"
#include "expressions.h"
#include "gate.h"
#include "object_gate.h"
#include "record.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(ctlpr_unvetted_function);

/* ---- functions ---- */

/* Volatile, and still nothing but a value */
static bool
is_harmless(Oid function)
{
	return function == F_CLOCK_TIMESTAMP || function == F_TIMEOFDAY || function == F_GEN_RANDOM_UUID;
}

/* The server's, not volatile, and yet they run what an argument names: a query over a relation, the input of a type */
static const char *const runs_what_it_is_told[] = {"table_to_xml",		"table_to_xmlschema",	 "table_to_xml_and_xmlschema",
												   "schema_to_xml",		"schema_to_xmlschema",	 "schema_to_xml_and_xmlschema",
												   "database_to_xml",	"database_to_xmlschema", "database_to_xml_and_xmlschema",
												   "pg_input_is_valid", "pg_input_error_info"};

static bool
is_told_what_to_run(HeapTuple tuple)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	const char *symbol = isnull ? "" : TextDatumGetCString(source);

	for (int i = 0; i < lengthof(runs_what_it_is_told); i++)
		if (strcmp(symbol, runs_what_it_is_told[i]) == 0)
			return true;
	return false;
}

bool
expressions_is_vetted(Oid function)
{
	HeapTuple	 tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool		 vetted;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	vetted = (proc->provolatile != PROVOLATILE_VOLATILE || is_harmless(function)) && superuser_arg(proc->proowner) &&
			 (function < FirstNormalObjectId || proc->prolang == INTERNALlanguageId || proc->prolang == ClanguageId) &&
			 !is_told_what_to_run(tuple);
	ReleaseSysCache(tuple);
	return vetted;
}

static bool
note_unvetted(Oid function, void *unvetted)
{
	if (expressions_is_vetted(function))
		return false;
	*(Oid *) unvetted = function;
	return true;
}

static Oid unvetted_of_type(Oid type);

/*
 * The type of what a node makes, where making it may run the checks of domains
 * that the type contains: by a coercion, or by the input of a value as text or
 * JSON; InvalidOid for any other node
 */
static Oid
type_made(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CoerceToDomain:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_RowExpr:
		case T_FieldStore:
		case T_FuncExpr:
		case T_OpExpr:
		case T_Const:
			return exprType(node);
		default:
			return COMPAT_JSON_TYPE_MADE(node);
	}
}

/* Stops at the first function that is not vetted. */
static bool
find_unvetted(Node *node, void *unvetted)
{
	Oid type;

	if (node == NULL)
		return false;
	if (check_functions_in_node(node, note_unvetted, unvetted))
		return true;
	type = type_made(node);
	if (OidIsValid(type))
	{
		*(Oid *) unvetted = unvetted_of_type(type);
		if (OidIsValid(*(Oid *) unvetted))
			return true;
	}
	return expression_tree_walker(node, find_unvetted, unvetted);
}

static Oid
unvetted_in(Node *expression)
{
	Oid unvetted = InvalidOid;

	(void) find_unvetted(expression, &unvetted);
	return unvetted;
}

static bool
find_column(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_column, context, 0);
	return expression_tree_walker(node, find_column, context);
}

/*
 * Stops at the first unvetted function that is given a column, of the row or of
 * what a sub-select reads for it.  One that is given none sees no read: who asks
 * may be told by a function of the application's own.
 */
static bool
find_unvetted_given_columns(Node *node, void *unvetted)
{
	Oid type;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_unvetted_given_columns, unvetted, 0);
	if (check_functions_in_node(node, note_unvetted, unvetted) && expression_tree_walker(node, find_column, NULL))
		return true;
	type = type_made(node);
	if (OidIsValid(type) && expression_tree_walker(node, find_column, NULL))
	{
		*(Oid *) unvetted = unvetted_of_type(type);
		if (OidIsValid(*(Oid *) unvetted))
			return true;
	}
	return expression_tree_walker(node, find_unvetted_given_columns, unvetted);
}

static Oid
unvetted_in_policy(Node *expression)
{
	Oid unvetted = InvalidOid;

	return find_unvetted_given_columns(expression, &unvetted) ? unvetted : InvalidOid;
}

/* ---- stored expressions ---- */

static Node *
stored_expression(Relation catalog, HeapTuple row, AttrNumber attribute)
{
	bool  isnull;
	Datum value = heap_getattr(row, attribute, RelationGetDescr(catalog), &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(value));
}

/* An object with expressions: whose rows they see, and what they are */
typedef struct StoredExpressions
{
	Oid	  relid;	 /* InvalidOid: of a domain */
	Oid	  domain;	 /* InvalidOid: of a relation */
	bool  inherited; /* from a parent's constraint or index */
	bool  policy;	 /* runs with every statement, in the name of whoever asks */
	Node *first;
	Node *second;
} StoredExpressions;

static bool
is_partition(Oid index)
{
	Relation  catalog = table_open(RelationRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, ClassOidIndexId, SnapshotSelf, Anum_pg_class_oid, index);
	bool	  result = HeapTupleIsValid(row) && ((Form_pg_class) GETSTRUCT(row))->relispartition;

	table_close(catalog, AccessShareLock);
	return result;
}

static void
load_index(StoredExpressions *stored, Oid index)
{
	Relation  catalog = table_open(IndexRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, IndexRelidIndexId, SnapshotSelf, Anum_pg_index_indexrelid, index);

	if (HeapTupleIsValid(row))
	{
		stored->relid = ((Form_pg_index) GETSTRUCT(row))->indrelid;
		stored->first = stored_expression(catalog, row, Anum_pg_index_indexprs);
		stored->second = stored_expression(catalog, row, Anum_pg_index_indpred);
		stored->inherited = is_partition(index);
	}
	table_close(catalog, AccessShareLock);
}

static void
load_constraint(StoredExpressions *stored, Oid constraint)
{
	Relation  catalog = table_open(ConstraintRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, ConstraintOidIndexId, SnapshotSelf, Anum_pg_constraint_oid, constraint);

	if (HeapTupleIsValid(row) && ((Form_pg_constraint) GETSTRUCT(row))->contype == CONSTRAINT_CHECK)
	{
		stored->relid = ((Form_pg_constraint) GETSTRUCT(row))->conrelid;
		stored->domain = ((Form_pg_constraint) GETSTRUCT(row))->contypid;
		stored->inherited = !((Form_pg_constraint) GETSTRUCT(row))->conislocal;
		stored->first = stored_expression(catalog, row, Anum_pg_constraint_conbin);
	}
	table_close(catalog, AccessShareLock);
}

/* A column as the catalog has it, visible or just made, without its variable part; NULL where there is none */
static Form_pg_attribute
column_of(Oid relid, AttrNumber attribute)
{
	Relation	catalog = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData key[2];
	HeapTuple	row;

	ScanKeyInit(&key[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attribute));
	row = catalog_row(catalog, AttributeRelidNumIndexId, SnapshotSelf, 2, key);
	table_close(catalog, AccessShareLock);
	return HeapTupleIsValid(row) ? (Form_pg_attribute) GETSTRUCT(row) : NULL;
}

/* A default is computed from nothing of a row, unless its column is generated. */
static void
load_default(StoredExpressions *stored, Oid relid, AttrNumber attribute)
{
	Relation		  catalog = table_open(AttrDefaultRelationId, AccessShareLock);
	Form_pg_attribute column = column_of(relid, attribute);
	ScanKeyData		  key[2];
	HeapTuple		  row;

	ScanKeyInit(&key[0], Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[1], Anum_pg_attrdef_adnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attribute));
	row = catalog_row(catalog, AttrDefaultIndexId, SnapshotSelf, 2, key);
	if (HeapTupleIsValid(row) && column && column->attgenerated != '\0')
	{
		stored->relid = relid;
		stored->inherited = !column->attislocal;
		stored->first = stored_expression(catalog, row, Anum_pg_attrdef_adbin);
	}
	table_close(catalog, AccessShareLock);
}

static void
load_statistics(StoredExpressions *stored, Oid statistics)
{
	Relation  catalog = table_open(StatisticExtRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, StatisticExtOidIndexId, SnapshotSelf, Anum_pg_statistic_ext_oid, statistics);

	if (HeapTupleIsValid(row))
	{
		stored->relid = ((Form_pg_statistic_ext) GETSTRUCT(row))->stxrelid;
		stored->first = stored_expression(catalog, row, Anum_pg_statistic_ext_stxexprs);
	}
	table_close(catalog, AccessShareLock);
}

static void
load_policy(StoredExpressions *stored, Oid policy)
{
	Relation  catalog = table_open(PolicyRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, PolicyOidIndexId, SnapshotSelf, Anum_pg_policy_oid, policy);

	if (HeapTupleIsValid(row))
	{
		stored->relid = ((Form_pg_policy) GETSTRUCT(row))->polrelid;
		stored->policy = true;
		stored->first = stored_expression(catalog, row, Anum_pg_policy_polqual);
		stored->second = stored_expression(catalog, row, Anum_pg_policy_polwithcheck);
	}
	table_close(catalog, AccessShareLock);
}

/* The key of a partitioned table is computed of every row that comes in. */
static void
load_partition_key(StoredExpressions *stored, Oid relid)
{
	Relation  catalog = table_open(PartitionedRelationId, AccessShareLock);
	HeapTuple row =
		catalog_row_by_oid(catalog, PartitionedRelidIndexId, SnapshotSelf, Anum_pg_partitioned_table_partrelid, relid);

	if (HeapTupleIsValid(row))
	{
		stored->relid = relid;
		stored->first = stored_expression(catalog, row, Anum_pg_partitioned_table_partexprs);
	}
	table_close(catalog, AccessShareLock);
}

static StoredExpressions
load_expressions(Oid class_id, Oid object_id, int sub_id)
{
	StoredExpressions stored = {.relid = InvalidOid};

	switch (class_id)
	{
		case RelationRelationId:
			load_index(&stored, object_id);
			break;
		case ConstraintRelationId:
			load_constraint(&stored, object_id);
			break;
		case AttrDefaultRelationId:
			load_default(&stored, object_id, sub_id);
			break;
		case StatisticExtRelationId:
			load_statistics(&stored, object_id);
			break;
		case PolicyRelationId:
			load_policy(&stored, object_id);
			break;
		case PartitionedRelationId:
			load_partition_key(&stored, object_id);
			break;
		default:
			break;
	}
	return stored;
}

static Oid
unvetted_of(const StoredExpressions *stored)
{
	Oid unvetted = stored->policy ? unvetted_in_policy(stored->first) : unvetted_in(stored->first);

	if (OidIsValid(unvetted))
		return unvetted;
	return stored->policy ? unvetted_in_policy(stored->second) : unvetted_in(stored->second);
}

/* ---- types ---- */

/* The first unvetted function in the checks of one domain */
static Oid
unvetted_of_checks(Oid domain)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	Oid			unvetted = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(domain));
	scan = systable_beginscan(catalog, ConstraintTypidIndexId, true, SnapshotSelf, 1, &key);
	while (!OidIsValid(unvetted) && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		/* Domains have not-null constraints too, since 17. */
		if (((Form_pg_constraint) GETSTRUCT(row))->contype == CONSTRAINT_CHECK)
			unvetted = unvetted_in(stored_expression(catalog, row, Anum_pg_constraint_conbin));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return unvetted;
}

/* The function by which ANALYZE and GiST measure a range, or the one that puts it in order */
static Oid
unvetted_of_range(Oid range)
{
	HeapTuple	  tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(range));
	Form_pg_range form;
	Oid			  unvetted = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	form = (Form_pg_range) GETSTRUCT(tuple);
	if (OidIsValid(form->rngsubdiff) && !expressions_is_vetted(form->rngsubdiff))
		unvetted = form->rngsubdiff;
	else if (OidIsValid(form->rngcanonical) && !expressions_is_vetted(form->rngcanonical))
		unvetted = form->rngcanonical;
	ReleaseSysCache(tuple);
	return unvetted;
}

/* The function by which to_json() and its like turn a value of a type that is not the server's own */
static Oid
unvetted_of_cast(Oid type)
{
	HeapTuple tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(type), ObjectIdGetDatum(JSONOID));
	Oid		  function;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	function = ((Form_pg_cast) GETSTRUCT(tuple))->castfunc;
	ReleaseSysCache(tuple);
	return OidIsValid(function) && !expressions_is_vetted(function) ? function : InvalidOid;
}

static Oid
unvetted_of_part(Oid type)
{
	Oid unvetted = unvetted_of_cast(type);

	if (OidIsValid(unvetted))
		return unvetted;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return unvetted_of_checks(type);
		case TYPTYPE_RANGE:
			return unvetted_of_range(type);
		default:
			return InvalidOid;
	}
}

/* The types that a type is directly made of: of a domain's base, an array's element, a range's bounds, a row's columns */
static List *
parts_of_type(Oid type)
{
	HeapTuple	 tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	List		*parts = NIL;
	Form_pg_type form;
	TupleDesc	 desc;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	switch (form->typtype)
	{
		case TYPTYPE_DOMAIN:
			parts = list_make1_oid(form->typbasetype);
			break;
		case TYPTYPE_RANGE:
			parts = list_make1_oid(get_range_subtype(type));
			break;
		case TYPTYPE_MULTIRANGE:
			parts = list_make1_oid(get_multirange_range(type));
			break;
		case TYPTYPE_COMPOSITE:
			desc = lookup_rowtype_tupdesc(type, -1);
			for (int i = 0; i < desc->natts; i++)
				if (!TupleDescAttr(desc, i)->attisdropped)
					parts = lappend_oid(parts, TupleDescAttr(desc, i)->atttypid);
			ReleaseTupleDesc(desc);
			break;
		default:
			if (OidIsValid(form->typelem))
				parts = list_make1_oid(form->typelem);
			break;
	}
	ReleaseSysCache(tuple);
	return parts;
}

/* A type and all that it is made of, at every depth; list of Oid */
static List *
types_in(Oid type)
{
	List *types = list_make1_oid(type);

	/* The list grows while it is gone through. */
	for (int i = 0; i < list_length(types); i++)
		types = list_concat_unique_oid(types, parts_of_type(list_nth_oid(types, i)));
	return types;
}

/* The first unvetted function that values of a type run by themselves, or what the type is made of */
static Oid
unvetted_of_type(Oid type)
{
	List	 *types = type < FirstGenbkiObjectId ? NIL : types_in(type);
	Oid		  unvetted = InvalidOid;
	ListCell *cell;

	check_stack_depth();
	foreach (cell, types)
	{
		unvetted = unvetted_of_part(lfirst_oid(cell));
		if (OidIsValid(unvetted))
			break;
	}
	list_free(types);
	return unvetted;
}

/* A governed relation with a column of the domain; InvalidOid when there is none */
static Oid
governed_with_domain(Oid domain)
{
	ListCell *cell;

	foreach (cell, registry_roots())
	{
		Relation  relation = try_relation_open(lfirst_oid(cell), AccessShareLock);
		TupleDesc desc;
		bool	  found = false;

		if (!relation)
			continue;
		desc = RelationGetDescr(relation);
		for (int i = 0; i < desc->natts; i++)
			found |= !TupleDescAttr(desc, i)->attisdropped && list_member_oid(types_in(TupleDescAttr(desc, i)->atttypid), domain);
		relation_close(relation, AccessShareLock);
		if (found)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* ---- the guards ---- */

/* The checks of a new column's domain see what is written to it, with the rights of who writes. */
static void
guard_column(Oid relid, AttrNumber attribute)
{
	Form_pg_attribute column = registry_lookup(relid) ? column_of(relid, attribute) : NULL;

	if (column && OidIsValid(unvetted_of_type(column->atttypid)))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
}

void
expressions_guard_created(Oid class_id, Oid object_id, int sub_id)
{
	StoredExpressions		stored = load_expressions(class_id, object_id, sub_id);
	Oid						relid = OidIsValid(stored.domain) ? governed_with_domain(stored.domain) : stored.relid;
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	char				   *name;

	if (class_id == RelationRelationId && sub_id > 0)
		guard_column(object_id, sub_id);
	if (!governed || (!stored.first && !stored.second))
		return;
	name = pstrdup(governed->root_name);
	if (OidIsValid(unvetted_of(&stored)))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
	else if (!stored.inherited && !stored.policy)
		/* Whether it holds of every row is an answer, too. */
		record_permitted_command("ddl", name, NULL, NULL);
}

void
expressions_guard_all(void)
{
	Oid relid = object_gate_query("SELECT e.member::pg_catalog.oid FROM ctlpr.governed_relation g CROSS JOIN LATERAL "
								  "ctlpr.unvetted_expressions(g.relation) e",
								  InvalidOid);

	if (OidIsValid(relid))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
}

void
expressions_guard_member(Oid relid)
{
	if (OidIsValid(object_gate_query("SELECT e.member::pg_catalog.oid FROM ctlpr.unvetted_expressions($1::pg_catalog.regclass) e",
									 relid)))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
}

/* As the server transforms it, see transformAlterTableStmt() and ATPrepAlterColumnType() */
void
expressions_guard_type_change(Oid relid, AlterTableCmd *command, const char *query_string)
{
	ColumnDef		   *column = castNode(ColumnDef, command->def);
	ParseState		   *pstate = make_parsestate(NULL);
	Relation			relation;
	ParseNamespaceItem *item;
	AttrNumber			attribute = get_attnum(relid, command->name);
	Node			   *changed;
	Oid					type;
	int32				typmod;
	Oid					unvetted;

	if (attribute <= 0)
		return;
	relation = relation_open(relid, AccessShareLock);
	pstate->p_sourcetext = query_string;
	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, item, false, true, true);
	if (column->raw_default)
		changed = transformExpr(pstate, copyObject(column->raw_default), EXPR_KIND_ALTER_COL_TRANSFORM);
	else
	{
		Oid	  old_type;
		int32 old_typmod;
		Oid	  collation;

		get_atttypetypmodcoll(relid, attribute, &old_type, &old_typmod, &collation);
		changed = (Node *) makeVar(1, attribute, old_type, old_typmod, collation, 0);
	}
	typenameTypeIdAndMod(pstate, column->typeName, &type, &typmod);
	changed =
		coerce_to_target_type(pstate, changed, exprType(changed), type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	unvetted = unvetted_in(changed);
	if (!OidIsValid(unvetted))
		unvetted = unvetted_of_type(type);
	relation_close(relation, NoLock);
	free_parsestate(pstate);
	if (OidIsValid(unvetted))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
}

/* ---- SQL function ---- */

/*
 * unvetted_function(class, object, sub): the first function that is not vetted
 * in the expressions of an index, constraint, default (object: its relation,
 * sub: its column), policy, extended statistics object or partition key (class
 * pg_partitioned_table, object: the relation), or that values of a type run
 * (class pg_type); NULL when there is none
 */
Datum
ctlpr_unvetted_function(PG_FUNCTION_ARGS)
{
	Oid				  class_id = PG_GETARG_OID(0);
	StoredExpressions stored;
	Oid				  unvetted;

	if (class_id == TypeRelationId)
		unvetted = unvetted_of_type(PG_GETARG_OID(1));
	else
	{
		stored = load_expressions(class_id, PG_GETARG_OID(1), PG_GETARG_INT32(2));
		unvetted = unvetted_of(&stored);
	}
	if (!OidIsValid(unvetted))
		PG_RETURN_NULL();
	PG_RETURN_OID(unvetted);
}
