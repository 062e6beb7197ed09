/*
 * index_quals.c - indexes under the policy.
 *
 * Under row security the server takes a condition for an index only when its
 * functions are LEAKPROOF: an index is searched, and what it finds rechecked,
 * before the policy has taken rows away.  The functions that plates are looked
 * for with (LIKE, trigrams, PostGIS) are not so marked.  Those listed here were
 * read: whatever the row holds they neither fail nor have an effect, under the
 * circumstances that the code below asks for.  docs/vetting.md has the argument
 * for each.
 *
 * A condition counts as leakproof only while paths over indexes are made.  As a
 * filter it runs where the server puts it, after the policy.
 *
 * A function is known by what only a superuser can give it: its language, its
 * library and its symbol.  Name and schema can be anybody's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "index_quals.h"

/* ---- the list ---- */

#define LIBRARY_TRIGRAM "$libdir/pg_trgm"
#define LIBRARY_CITEXT	"$libdir/citext"
#define LIBRARY_POSTGIS "$libdir/postgis-3"

#define NEEDS_COLLATION 0x01 /* known and deterministic */
#define NEEDS_PATTERN	0x02 /* second argument: a constant pattern that does not end in an escape */

typedef struct VettedFunction
{
	const char *symbol;
	const char *library; /* NULL: the server itself */
	int			needs;
} VettedFunction;

static const VettedFunction vetted_functions[] = {
	{"textlike", NULL, NEEDS_COLLATION | NEEDS_PATTERN}, /* also of character(n) and citext */
	{"namelike", NULL, NEEDS_COLLATION | NEEDS_PATTERN},
	{"texticlike", NULL, NEEDS_COLLATION | NEEDS_PATTERN},
	{"nameiclike", NULL, NEEDS_COLLATION | NEEDS_PATTERN},
	{"text_starts_with", NULL, NEEDS_COLLATION},
	{"lower", NULL, NEEDS_COLLATION},
	{"upper", NULL, NEEDS_COLLATION},
	{"numeric_eq", NULL, 0},
	{"numeric_lt", NULL, 0},
	{"numeric_le", NULL, 0},
	{"numeric_gt", NULL, 0},
	{"numeric_ge", NULL, 0},
	{"timestamptz_eq_date", NULL, 0},
	{"timestamptz_lt_date", NULL, 0},
	{"timestamptz_le_date", NULL, 0},
	{"timestamptz_gt_date", NULL, 0},
	{"timestamptz_ge_date", NULL, 0},
	{"date_eq_timestamptz", NULL, 0},
	{"date_lt_timestamptz", NULL, 0},
	{"date_le_timestamptz", NULL, 0},
	{"date_gt_timestamptz", NULL, 0},
	{"date_ge_timestamptz", NULL, 0},
	{"timestamptz_eq_timestamp", NULL, 0},
	{"timestamptz_lt_timestamp", NULL, 0},
	{"timestamptz_le_timestamp", NULL, 0},
	{"timestamptz_gt_timestamp", NULL, 0},
	{"timestamptz_ge_timestamp", NULL, 0},
	{"timestamp_eq_timestamptz", NULL, 0},
	{"timestamp_lt_timestamptz", NULL, 0},
	{"timestamp_le_timestamptz", NULL, 0},
	{"timestamp_gt_timestamptz", NULL, 0},
	{"timestamp_ge_timestamptz", NULL, 0},
	{"similarity_op", LIBRARY_TRIGRAM, NEEDS_COLLATION},
	{"word_similarity_op", LIBRARY_TRIGRAM, NEEDS_COLLATION},
	{"word_similarity_commutator_op", LIBRARY_TRIGRAM, NEEDS_COLLATION},
	{"strict_word_similarity_op", LIBRARY_TRIGRAM, NEEDS_COLLATION},
	{"strict_word_similarity_commutator_op", LIBRARY_TRIGRAM, NEEDS_COLLATION},
	{"citext_eq", LIBRARY_CITEXT, NEEDS_COLLATION},
	{"citext_lt", LIBRARY_CITEXT, NEEDS_COLLATION},
	{"citext_le", LIBRARY_CITEXT, NEEDS_COLLATION},
	{"citext_gt", LIBRARY_CITEXT, NEEDS_COLLATION},
	{"citext_ge", LIBRARY_CITEXT, NEEDS_COLLATION},
	{"gserialized_overlaps_2d", LIBRARY_POSTGIS, 0}, /* && */
	{"gserialized_within_2d", LIBRARY_POSTGIS, 0},	 /* @ */
	{"gserialized_contains_2d", LIBRARY_POSTGIS, 0}, /* ~ */
	{"gserialized_same_2d", LIBRARY_POSTGIS, 0},	 /* ~= */
	{"gserialized_overlaps", LIBRARY_POSTGIS, 0},	 /* && of geography, &&& */
	{"gserialized_within", LIBRARY_POSTGIS, 0},		 /* @@ */
	{"gserialized_contains", LIBRARY_POSTGIS, 0},	 /* ~~ */
	{"gserialized_same", LIBRARY_POSTGIS, 0},		 /* ~~= */
};

/* It finds the index condition of ST_DWithin() and its like: always one of the operators above, never the function itself. */
static const VettedFunction spatial_support = {"postgis_index_supportfn", LIBRARY_POSTGIS, 0};

/* ---- functions ---- */

static bool
is_symbol(Form_pg_proc proc, const char *symbol, const char *library, const VettedFunction *vetted)
{
	if (strcmp(symbol, vetted->symbol) != 0)
		return false;
	if (vetted->library == NULL)
		return proc->prolang == INTERNALlanguageId;
	return proc->prolang == ClanguageId && library && strcmp(library, vetted->library) == 0;
}

static char *
text_attribute(HeapTuple tuple, AttrNumber attribute)
{
	bool  isnull;
	Datum value = SysCacheGetAttr(PROCOID, tuple, attribute, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* The first of the list that a function is, or NULL */
static const VettedFunction *
find_vetted(Oid function, const VettedFunction *list, int length)
{
	const VettedFunction *found = NULL;
	HeapTuple			  tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc		  proc;
	char				 *symbol;
	char				 *library;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	if (proc->prolang == INTERNALlanguageId || proc->prolang == ClanguageId)
	{
		symbol = text_attribute(tuple, Anum_pg_proc_prosrc);
		library = text_attribute(tuple, Anum_pg_proc_probin);
		for (int i = 0; !found && symbol && i < length; i++)
			if (is_symbol(proc, symbol, library, &list[i]))
				found = &list[i];
	}
	ReleaseSysCache(tuple);
	return found;
}

bool
index_quals_is_vetted(Oid function)
{
	return find_vetted(function, vetted_functions, lengthof(vetted_functions)) != NULL;
}

/* A pattern that runs out after an escape is an error, but only for the rows that match so far. */
static bool
is_whole_pattern(Node *node)
{
	Const	   *constant = (Const *) node;
	text	   *value;
	const char *pattern;
	int			length;

	if (!IsA(node, Const) || constant->constisnull)
		return false;
	value = DatumGetTextPP(constant->constvalue);
	pattern = VARDATA_ANY(value);
	length = VARSIZE_ANY_EXHDR(value);
	for (int i = 0; i < length; i++)
		if (pattern[i] == '\\' && ++i == length)
			return false;
	return true;
}

static bool
is_vetted_call(Oid function, List *args, Oid collation)
{
	const VettedFunction *vetted;

	if (get_func_leakproof(function))
		return true;
	vetted = find_vetted(function, vetted_functions, lengthof(vetted_functions));
	if (!vetted)
		return false;
	if ((vetted->needs & NEEDS_COLLATION) && (!OidIsValid(collation) || !get_collation_isdeterministic(collation)))
		return false;
	return !(vetted->needs & NEEDS_PATTERN) || (list_length(args) == 2 && is_whole_pattern(lsecond(args)));
}

/* ---- conditions ---- */

static bool reveals(Node *node);

static bool
any_reveals(List *nodes)
{
	ListCell *cell;

	foreach (cell, nodes)
		if (reveals(lfirst(cell)))
			return true;
	return false;
}

/* Could running the expression tell something about a row?  As the server judges, but for the list above. */
static bool
reveals(Node *node)
{
	if (!contain_leaked_vars(node))
		return false;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_RelabelType:
			return reveals((Node *) ((RelabelType *) node)->arg);
		case T_BoolExpr:
			return any_reveals(((BoolExpr *) node)->args);
		case T_OpExpr:
		{
			OpExpr *operator=(OpExpr *) node;

			return !is_vetted_call(operator->opfuncid, operator->args, operator->inputcollid) || any_reveals(operator->args);
		}
		case T_ScalarArrayOpExpr:
		{
			ScalarArrayOpExpr *operator=(ScalarArrayOpExpr *) node;

			return !is_vetted_call(operator->opfuncid, operator->args, operator->inputcollid) || any_reveals(operator->args);
		}
		case T_FuncExpr:
		{
			FuncExpr *call = (FuncExpr *) node;

			return !is_vetted_call(call->funcid, call->args, call->inputcollid) || any_reveals(call->args);
		}
		default:
			return true;
	}
}

/* A function of PostGIS that takes an index by an operator and runs as a filter, after the policy, in any case */
static bool
is_spatial(Node *clause)
{
	FuncExpr *call = (FuncExpr *) clause;

	return IsA(clause, FuncExpr) && OidIsValid(get_func_support(call->funcid)) &&
		   find_vetted(get_func_support(call->funcid), &spatial_support, 1) && !any_reveals(call->args);
}

/* ---- paths ---- */

static List *mark_parts(List *parts, List *marked);

static List *
mark(RestrictInfo *restriction, bool alone, List *marked)
{
	Node *clause = (Node *) restriction->clause;

	if (!restriction->leakproof && (!reveals(clause) || (alone && is_spatial(clause))))
	{
		restriction->leakproof = true;
		marked = lappend(marked, restriction);
	}
	/* One side of an OR has its recheck without the others: nothing there may count on being a filter. */
	if (restriction->orclause)
		marked = mark_parts(((BoolExpr *) restriction->orclause)->args, marked);
	return marked;
}

static List *
mark_parts(List *parts, List *marked)
{
	ListCell *cell;

	foreach (cell, parts)
	{
		Node *part = lfirst(cell);

		if (IsA(part, RestrictInfo))
			marked = mark((RestrictInfo *) part, false, marked);
		else if (IsA(part, BoolExpr))
			marked = mark_parts(((BoolExpr *) part)->args, marked);
	}
	return marked;
}

/* Columns that the user's own conditions are about, offset as by pull_varattnos() */
static Bitmapset *
columns_asked(PlannerInfo *root, RelOptInfo *rel)
{
	Bitmapset *columns = NULL;
	ListCell  *cell;

	foreach (cell, rel->baserestrictinfo)
		if (lfirst_node(RestrictInfo, cell)->security_level == root->qual_security_level)
			pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid, &columns);
	foreach (cell, rel->joininfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid, &columns);
	return columns;
}

/*
 * Indexes that a condition of the user's may search.  Those that serve the
 * policy alone have their paths already, and beside a condition of the user's
 * they narrow nothing down.
 */
static List *
indexes_asked(PlannerInfo *root, RelOptInfo *rel)
{
	Bitmapset *columns = columns_asked(root, rel);
	List	  *asked = NIL;
	ListCell  *cell;

	foreach (cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);
		bool		  concerned = rel->has_eclass_joins;

		for (int i = 0; i < index->nkeycolumns && !concerned; i++)
			concerned =
				index->indexkeys[i] == 0 || bms_is_member(index->indexkeys[i] - FirstLowInvalidHeapAttributeNumber, columns);
		if (concerned)
			asked = lappend(asked, index);
	}
	return asked;
}

void
index_quals_add_paths(PlannerInfo *root, RelOptInfo *rel)
{
	List	 *indexes = rel->indexlist;
	List	 *marked = NIL;
	ListCell *cell;

	if (rel->indexlist == NIL || IS_DUMMY_REL(rel))
		return;
	foreach (cell, rel->baserestrictinfo)
		marked = mark(lfirst_node(RestrictInfo, cell), true, marked);
	foreach (cell, rel->joininfo)
		marked = mark(lfirst_node(RestrictInfo, cell), true, marked);
	if (marked == NIL)
		return;
	rel->indexlist = indexes_asked(root, rel);
	create_index_paths(root, rel);
	rel->indexlist = indexes;
	foreach (cell, marked)
		lfirst_node(RestrictInfo, cell)->leakproof = false;
}
