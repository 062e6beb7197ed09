/*
 * expressions.c - vets functions that would see every row.
 *
 * A function is vetted when only a superuser can have made it (the server's
 * own, those of extensions, C), it does nothing but compute (not volatile),
 * and nobody else can replace it.  What such a function says in an error is
 * kept from the client elsewhere (utility_gate.c).
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
#include "catalog/pg_constraint.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog_scan.h"
#include "expressions.h"
#include "gate.h"
#include "object_gate.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(ctlpr_unvetted_function);

/* ---- functions ---- */

/* Volatile, and still nothing but a value */
static bool
is_harmless(Oid function)
{
	return function == F_CLOCK_TIMESTAMP || function == F_TIMEOFDAY || function == F_GEN_RANDOM_UUID;
}

static bool
is_vetted(Oid function)
{
	HeapTuple	 tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool		 vetted;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	vetted = (proc->provolatile != PROVOLATILE_VOLATILE || is_harmless(function)) && superuser_arg(proc->proowner) &&
			 (function < FirstNormalObjectId || proc->prolang == INTERNALlanguageId || proc->prolang == ClanguageId ||
			  OidIsValid(getExtensionOfObject(ProcedureRelationId, function)));
	ReleaseSysCache(tuple);
	return vetted;
}

static bool
note_unvetted(Oid function, void *unvetted)
{
	if (is_vetted(function))
		return false;
	*(Oid *) unvetted = function;
	return true;
}

static Oid unvetted_of_domain(Oid domain);

/* Stops at the first function that is not vetted. */
static bool
find_unvetted(Node *node, void *unvetted)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, note_unvetted, unvetted))
		return true;
	if (IsA(node, CoerceToDomain))
	{
		*(Oid *) unvetted = unvetted_of_domain(((CoerceToDomain *) node)->resulttype);
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

/* ---- stored expressions ---- */

/* The row of a catalog with this key, visible or just made; *catalog stays open for the caller */
static HeapTuple
catalog_row(Relation catalog, Oid index, int keys, ScanKey key)
{
	SysScanDesc scan = systable_beginscan(catalog, index, true, SnapshotSelf, keys, key);
	HeapTuple	row = systable_getnext(scan);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

static HeapTuple
catalog_row_by_oid(Relation catalog, Oid index, AttrNumber attribute, Oid oid)
{
	ScanKeyData key;

	ScanKeyInit(&key, attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	return catalog_row(catalog, index, 1, &key);
}

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
	Oid	  relid;  /* InvalidOid: of a domain */
	Oid	  domain; /* InvalidOid: of a relation */
	Node *first;
	Node *second;
} StoredExpressions;

static void
load_index(StoredExpressions *stored, Oid index)
{
	Relation  catalog = table_open(IndexRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, IndexRelidIndexId, Anum_pg_index_indexrelid, index);

	if (HeapTupleIsValid(row))
	{
		stored->relid = ((Form_pg_index) GETSTRUCT(row))->indrelid;
		stored->first = stored_expression(catalog, row, Anum_pg_index_indexprs);
		stored->second = stored_expression(catalog, row, Anum_pg_index_indpred);
	}
	table_close(catalog, AccessShareLock);
}

static void
load_constraint(StoredExpressions *stored, Oid constraint)
{
	Relation  catalog = table_open(ConstraintRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, ConstraintOidIndexId, Anum_pg_constraint_oid, constraint);

	if (HeapTupleIsValid(row) && ((Form_pg_constraint) GETSTRUCT(row))->contype == CONSTRAINT_CHECK)
	{
		stored->relid = ((Form_pg_constraint) GETSTRUCT(row))->conrelid;
		stored->domain = ((Form_pg_constraint) GETSTRUCT(row))->contypid;
		stored->first = stored_expression(catalog, row, Anum_pg_constraint_conbin);
	}
	table_close(catalog, AccessShareLock);
}

static bool
is_generated(Oid relid, AttrNumber attribute)
{
	Relation	catalog = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData key[2];
	HeapTuple	row;
	bool		generated;

	ScanKeyInit(&key[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attribute));
	row = catalog_row(catalog, AttributeRelidNumIndexId, 2, key);
	generated = HeapTupleIsValid(row) && ((Form_pg_attribute) GETSTRUCT(row))->attgenerated != '\0';
	table_close(catalog, AccessShareLock);
	return generated;
}

/* A default is computed from nothing of a row, unless its column is generated. */
static void
load_default(StoredExpressions *stored, Oid relid, AttrNumber attribute)
{
	Relation	catalog = table_open(AttrDefaultRelationId, AccessShareLock);
	ScanKeyData key[2];
	HeapTuple	row;

	ScanKeyInit(&key[0], Anum_pg_attrdef_adrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[1], Anum_pg_attrdef_adnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(attribute));
	row = catalog_row(catalog, AttrDefaultIndexId, 2, key);
	if (HeapTupleIsValid(row) && is_generated(relid, attribute))
	{
		stored->relid = relid;
		stored->first = stored_expression(catalog, row, Anum_pg_attrdef_adbin);
	}
	table_close(catalog, AccessShareLock);
}

static void
load_statistics(StoredExpressions *stored, Oid statistics)
{
	Relation  catalog = table_open(StatisticExtRelationId, AccessShareLock);
	HeapTuple row = catalog_row_by_oid(catalog, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid, statistics);

	if (HeapTupleIsValid(row))
	{
		stored->relid = ((Form_pg_statistic_ext) GETSTRUCT(row))->stxrelid;
		stored->first = stored_expression(catalog, row, Anum_pg_statistic_ext_stxexprs);
	}
	table_close(catalog, AccessShareLock);
}

static StoredExpressions
load_expressions(Oid class_id, Oid object_id, int sub_id)
{
	StoredExpressions stored = {InvalidOid, InvalidOid, NULL, NULL};

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
		default:
			break;
	}
	return stored;
}

static Oid
unvetted_of(const StoredExpressions *stored)
{
	Oid unvetted = unvetted_in(stored->first);

	return OidIsValid(unvetted) ? unvetted : unvetted_in(stored->second);
}

/* ---- domains ---- */

/* The first unvetted function of a domain's checks, or of those that it is made over */
static Oid
unvetted_of_domain(Oid domain)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	Oid			unvetted = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(domain));
	scan = systable_beginscan(catalog, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (!OidIsValid(unvetted) && HeapTupleIsValid(row = systable_getnext(scan)))
		unvetted = unvetted_in(stored_expression(catalog, row, Anum_pg_constraint_conbin));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	if (!OidIsValid(unvetted) && get_typtype(domain) == TYPTYPE_DOMAIN)
	{
		HeapTuple type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
		Oid		  base = HeapTupleIsValid(type) ? ((Form_pg_type) GETSTRUCT(type))->typbasetype : InvalidOid;

		if (HeapTupleIsValid(type))
			ReleaseSysCache(type);
		if (OidIsValid(base) && get_typtype(base) == TYPTYPE_DOMAIN)
			unvetted = unvetted_of_domain(base);
	}
	return unvetted;
}

/* Is the type the domain, made over it, or an array of such? */
static bool
is_made_of(Oid type, Oid domain)
{
	while (OidIsValid(type))
	{
		Oid		  element = get_element_type(type);
		HeapTuple tuple;

		if (type == domain)
			return true;
		if (OidIsValid(element))
		{
			type = element;
			continue;
		}
		tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		type = HeapTupleIsValid(tuple) ? ((Form_pg_type) GETSTRUCT(tuple))->typbasetype : InvalidOid;
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
	}
	return false;
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
			found |= !TupleDescAttr(desc, i)->attisdropped && is_made_of(TupleDescAttr(desc, i)->atttypid, domain);
		relation_close(relation, AccessShareLock);
		if (found)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/* ---- the guards ---- */

void
expressions_guard_created(Oid class_id, Oid object_id, int sub_id)
{
	StoredExpressions stored = load_expressions(class_id, object_id, sub_id);
	Oid				  relid = OidIsValid(stored.domain) ? governed_with_domain(stored.domain) : stored.relid;

	if (OidIsValid(relid) && registry_lookup(relid) && OidIsValid(unvetted_of(&stored)))
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
	if (!OidIsValid(unvetted) && get_typtype(type) == TYPTYPE_DOMAIN)
		unvetted = unvetted_of_domain(type);
	relation_close(relation, NoLock);
	free_parsestate(pstate);
	if (OidIsValid(unvetted))
		gate_refuse_weakening("ddl", relid, CAUSE_EXPRESSION, "13(b)(2)(A)");
}

/* ---- SQL function ---- */

/*
 * unvetted_function(class, object, sub): the first function that is not vetted
 * in the expressions of an index, constraint, default (object: its relation,
 * sub: its column) or extended statistics object, or of a domain (class
 * pg_type); NULL when there is none
 */
Datum
ctlpr_unvetted_function(PG_FUNCTION_ARGS)
{
	Oid				  class_id = PG_GETARG_OID(0);
	StoredExpressions stored;
	Oid				  unvetted;

	if (class_id == TypeRelationId)
		unvetted = unvetted_of_domain(PG_GETARG_OID(1));
	else
	{
		stored = load_expressions(class_id, PG_GETARG_OID(1), PG_GETARG_INT32(2));
		unvetted = unvetted_of(&stored);
	}
	if (!OidIsValid(unvetted))
		PG_RETURN_NULL();
	PG_RETURN_OID(unvetted);
}
