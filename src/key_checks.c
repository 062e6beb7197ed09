/*
 * key_checks.c - recognizes the queries of the server's referential integrity
 * triggers (its ri_triggers.c) by shape and constraint.
 *
 *	SELECT 1 FROM referenced x WHERE key = $n ... FOR KEY SHARE OF x
 *	SELECT 1 FROM referencing x WHERE $n = column ... FOR KEY SHARE OF x
 *	DELETE FROM referencing WHERE $n = column ...			ON DELETE CASCADE
 *	UPDATE referencing SET column = ... WHERE $n = column ...	the other actions
 *	SELECT fk.column ... FROM referencing fk LEFT JOIN referenced pk
 *		ON pk.key = fk.column ... WHERE pk.key IS NULL AND ...	ADD or VALIDATE
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "catalog_scan.h"
#include "compat.h"
#include "ctlpr.h"
#include "key_checks.h"
#include "query_shape.h"
#include "utility_gate.h"

/* ---- shapes ---- */

static List *
conjuncts(Node *quals)
{
	if (quals == NULL)
		return NIL;
	if (IsA(quals, BoolExpr) && ((BoolExpr *) quals)->boolop == AND_EXPR)
		return ((BoolExpr *) quals)->args;
	return list_make1(quals);
}

/*
 * The two sides of an equality, without relabelling; false for anything else.
 * Only a superuser can make an operator the equality of an index, so no
 * function of an ordinary user's sees a value.
 */
static bool
equality(Node *node, Node **left, Node **right)
{
	OpExpr *clause = (OpExpr *) node;

	if (!IsA(node, OpExpr) || list_length(clause->args) != 2 || get_mergejoin_opfamilies(clause->opno) == NIL)
		return false;
	*left = linitial(clause->args);
	*right = lsecond(clause->args);
	while (IsA(*left, RelabelType))
		*left = (Node *) ((RelabelType *) *left)->arg;
	while (IsA(*right, RelabelType))
		*right = (Node *) ((RelabelType *) *right)->arg;
	return true;
}

static bool
is_column(Node *node, int varno)
{
	return IsA(node, Var) && ((Var *) node)->varno == varno && ((Var *) node)->varattno > 0;
}

static bool
is_parameter(Node *node)
{
	return IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN;
}

/* Columns that are compared with parameters, when the conditions are nothing else; NULL otherwise */
static Bitmapset *
columns_by_parameter(Node *quals)
{
	Bitmapset *columns = NULL;
	ListCell  *cell;

	foreach (cell, conjuncts(quals))
	{
		Node *left;
		Node *right;

		if (!equality(lfirst(cell), &left, &right))
			return NULL;
		if (is_column(left, 1) && is_parameter(right))
			columns = bms_add_member(columns, ((Var *) left)->varattno);
		else if (is_column(right, 1) && is_parameter(left))
			columns = bms_add_member(columns, ((Var *) right)->varattno);
		else
			return NULL;
	}
	return columns;
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

/* ---- constraints ---- */

typedef bool (*ConstraintTest)(Form_pg_constraint constraint, const AttrNumber *columns, const AttrNumber *keys, int count,
							   const void *asked);

static int
constraint_columns(Relation constraints, HeapTuple row, AttrNumber attribute, AttrNumber *columns)
{
	bool	   isnull;
	Datum	   value = row_datum(constraints, row, attribute, &isnull);
	ArrayType *array = isnull ? NULL : DatumGetArrayTypeP(value);
	int		   count = array ? ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) : 0;

	count = Min(count, INDEX_MAX_KEYS);
	if (count > 0)
		memcpy(columns, ARR_DATA_PTR(array), sizeof(int16) * count);
	return count;
}

/* Is there a foreign key that passes the test? */
static bool
constraint_exists(ConstraintTest test, const void *asked)
{
	Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(constraints, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	bool		found = false;

	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(row);
		AttrNumber		   columns[INDEX_MAX_KEYS];
		AttrNumber		   keys[INDEX_MAX_KEYS];
		int				   count;

		if (constraint->contype != CONSTRAINT_FOREIGN)
			continue;
		count = constraint_columns(constraints, row, Anum_pg_constraint_conkey, columns);
		if (count > 0 && constraint_columns(constraints, row, Anum_pg_constraint_confkey, keys) == count)
			found = test(constraint, columns, keys, count, asked);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

static bool
is_set_of(const Bitmapset *set, const AttrNumber *columns, int count)
{
	Bitmapset *other = NULL;

	for (int i = 0; i < count; i++)
		other = bms_add_member(other, columns[i]);
	return bms_equal(set, other);
}

/* ---- checks and actions ---- */

typedef struct KeyQuery
{
	CmdType	   command;
	Oid		   relid;
	Bitmapset *columns;	 /* compared with parameters */
	Bitmapset *assigned; /* by an UPDATE */
} KeyQuery;

static bool
runs_action(Form_pg_constraint constraint, CmdType command)
{
	if (command == CMD_DELETE)
		return constraint->confdeltype == FKCONSTR_ACTION_CASCADE;
	return constraint->confupdtype == FKCONSTR_ACTION_CASCADE || constraint->confupdtype == FKCONSTR_ACTION_SETNULL ||
		   constraint->confupdtype == FKCONSTR_ACTION_SETDEFAULT || constraint->confdeltype == FKCONSTR_ACTION_SETNULL ||
		   constraint->confdeltype == FKCONSTR_ACTION_SETDEFAULT;
}

static bool
constraint_runs(Form_pg_constraint constraint, const AttrNumber *columns, const AttrNumber *keys, int count, const void *asked)
{
	const KeyQuery *query = asked;
	bool			referencing = constraint->conrelid == query->relid && is_set_of(query->columns, columns, count);

	if (query->command == CMD_SELECT)
		return referencing || (constraint->confrelid == query->relid && is_set_of(query->columns, keys, count));
	return referencing && runs_action(constraint, query->command) && bms_is_subset(query->assigned, query->columns);
}

/* SELECT 1 ... FOR KEY SHARE, or the DELETE or UPDATE of an action: nothing of a row comes back */
static bool
returns_nothing(const Query *query, Bitmapset **assigned)
{
	ListCell *cell;

	if (query->commandType == CMD_SELECT)
	{
		TargetEntry *entry = list_length(query->targetList) == 1 ? linitial(query->targetList) : NULL;

		return entry && IsA(entry->expr, Const) && list_length(query->rowMarks) == 1 &&
			   linitial_node(RowMarkClause, query->rowMarks)->strength == LCS_FORKEYSHARE;
	}
	if (query->commandType != CMD_UPDATE)
		return query->commandType == CMD_DELETE;
	foreach (cell, query->targetList)
	{
		TargetEntry *entry = lfirst(cell);

		if (entry->resjunk || contain_var_clause((Node *) entry->expr))
			return false;
		*assigned = bms_add_member(*assigned, entry->resno);
	}
	return true;
}

static bool
is_check_or_action(const Query *query)
{
	KeyQuery	   asked = {.command = query->commandType};
	RangeTblEntry *target;

	if (!InNoForceRLSOperation() || list_length(query->rtable) != 1 || !query_is_plain(query) ||
		!returns_nothing(query, &asked.assigned))
		return false;
	target = linitial(query->rtable);
	asked.relid = target->relid;
	asked.columns = columns_by_parameter(query->jointree->quals);
	return target->rtekind == RTE_RELATION && asked.columns != NULL && constraint_exists(constraint_runs, &asked);
}

/* ---- validation ---- */

typedef struct ValidationQuery
{
	Oid		   referencing;
	Oid		   referenced;
	int		   pairs; /* columns that are compared with each other */
	AttrNumber column[INDEX_MAX_KEYS];
	AttrNumber key[INDEX_MAX_KEYS];
	Bitmapset *selected; /* of the referencing side */
} ValidationQuery;

static bool
constraint_validates(Form_pg_constraint constraint, const AttrNumber *columns, const AttrNumber *keys, int count,
					 const void *asked)
{
	const ValidationQuery *query = asked;
	int					   matched = 0;

	if (constraint->conrelid != query->referencing || constraint->confrelid != query->referenced || count != query->pairs ||
		!is_set_of(query->selected, columns, count))
		return false;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++)
			matched += columns[i] == query->column[j] && keys[i] == query->key[j];
	return matched == count;
}

/* The pairs of columns that a join compares; false when it does anything else */
static bool
compared_pairs(Node *quals, int referencing, int referenced, ValidationQuery *query)
{
	ListCell *cell;

	foreach (cell, conjuncts(quals))
	{
		Node *left;
		Node *right;

		if (query->pairs >= INDEX_MAX_KEYS || !equality(lfirst(cell), &left, &right) || !is_column(left, referenced) ||
			!is_column(right, referencing))
			return false;
		query->key[query->pairs] = ((Var *) left)->varattno;
		query->column[query->pairs++] = ((Var *) right)->varattno;
	}
	return query->pairs > 0;
}

static Bitmapset *
selected_columns(List *targets, int varno)
{
	Bitmapset *columns = NULL;
	ListCell  *cell;

	foreach (cell, targets)
	{
		Node *column = (Node *) ((TargetEntry *) lfirst(cell))->expr;

		if (!is_column(column, varno))
			return NULL;
		columns = bms_add_member(columns, ((Var *) column)->varattno);
	}
	return columns;
}

/* Is the relation, or a parent that it is a partition of, the one that ALTER TABLE works on? */
static bool
is_altered(Oid relid)
{
	Oid altered = utility_gate_altered();

	return OidIsValid(altered) &&
		   (relid == altered || (get_rel_relispartition(relid) && list_member_oid(get_partition_ancestors(relid), altered)));
}

static bool
is_validation(const Query *query)
{
	ValidationQuery asked = {.pairs = 0};
	JoinExpr	   *join;
	int				referencing;
	int				referenced;

	if (!OidIsValid(utility_gate_altered()) || query->commandType != CMD_SELECT || !query_is_plain(query) || query->rowMarks ||
		list_length(query->jointree->fromlist) != 1 || !IsA(linitial(query->jointree->fromlist), JoinExpr) ||
		!only_null_tests(query->jointree->quals))
		return false;
	join = linitial(query->jointree->fromlist);
	if (join->jointype != JOIN_LEFT || !IsA(join->larg, RangeTblRef) || !IsA(join->rarg, RangeTblRef))
		return false;
	referencing = ((RangeTblRef *) join->larg)->rtindex;
	referenced = ((RangeTblRef *) join->rarg)->rtindex;
	if (rt_fetch(referencing, query->rtable)->rtekind != RTE_RELATION ||
		rt_fetch(referenced, query->rtable)->rtekind != RTE_RELATION ||
		!compared_pairs(join->quals, referencing, referenced, &asked))
		return false;
	asked.referencing = rt_fetch(referencing, query->rtable)->relid;
	asked.referenced = rt_fetch(referenced, query->rtable)->relid;
	asked.selected = selected_columns(query->targetList, referencing);
	return (is_altered(asked.referencing) || is_altered(asked.referenced)) && constraint_exists(constraint_validates, &asked);
}

bool
key_check_recognized(const Query *query)
{
	return is_check_or_action(query) || is_validation(query);
}
