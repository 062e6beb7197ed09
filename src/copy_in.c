/*
 * copy_in.c - does the work of the server's COPY FROM for governed tables.
 *
 * The policy for new rows stands as the last condition of COPY's own WHERE.
 * It raises where a row may not come in, and so keeps the path that inserts
 * many rows at once, which BEFORE triggers or a check of views would not.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_authid.h"
#include "commands/copy.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/rel.h"

#include "copy_in.h"
#include "gate.h"
#include "registry.h"
#include "row_policy.h"

typedef struct Load
{
	ParseState *pstate;
	CopyStmt   *copy;
	Relation	relation;
	List	   *conditions;
} Load;

/* What the server asks for before it opens a file or a program */
static void
check_source(const CopyStmt *copy)
{
	Oid role = copy->is_program ? ROLE_PG_EXECUTE_SERVER_PROGRAM : ROLE_PG_READ_SERVER_FILES;

	if (copy->filename && !has_privs_of_role(GetUserId(), role))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to COPY from a file or a program of the server"),
						errhint("Anyone can COPY from stdin. psql's \\copy command also works for anyone.")));
}

/* The policy here is ctlpr's alone; what the table's own policies check, only INSERT checks. */
static void
check_own_policies(Relation relation)
{
	ListCell *cell;

	if (relation->rd_rsdesc == NULL)
		return;
	foreach (cell, relation->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(cell);

		if (strcmp(policy->policy_name, "ctlpr_guard") != 0 && (policy->polcmd == '*' || policy->polcmd == ACL_INSERT_CHR))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("COPY FROM is not supported for a table with row security policies of its own"),
							errhint("Use INSERT statements instead.")));
	}
}

/* As the server does: a generated column has no value yet when the condition is looked at. */
static void
check_generated(Relation relation, Node *condition)
{
	Bitmapset *columns = NULL;
	int		   column = -1;

	pull_varattnos(condition, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber attribute = column + FirstLowInvalidHeapAttributeNumber;

		for (int i = 0; i < RelationGetDescr(relation)->natts; i++)
			if ((attribute == 0 || attribute == i + 1) && TupleDescAttr(RelationGetDescr(relation), i)->attgenerated)
				ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
								errmsg("generated columns are not supported in COPY FROM WHERE conditions")));
	}
}

/* The user's WHERE, as an implicit AND */
static List *
transform_where(Load *load, ParseNamespaceItem *item)
{
	ParseState *pstate = load->pstate;
	Node	   *condition;

	if (load->copy->whereClause == NULL)
		return NIL;
	addNSItemToQuery(pstate, item, false, true, true);
	condition = transformExpr(pstate, copyObject(load->copy->whereClause), EXPR_KIND_COPY_WHERE);
	condition = coerce_to_boolean(pstate, condition, "WHERE");
	assign_expr_collations(pstate, condition);
	check_generated(load->relation, condition);
	condition = eval_const_expressions(NULL, condition);
	return make_ands_implicit((Expr *) canonicalize_qual((Expr *) condition, false));
}

/* May the role insert into the columns that the command names? */
static void
check_permissions(Load *load, ParseNamespaceItem *item)
{
	List	 *attributes = CopyGetAttnums(RelationGetDescr(load->relation), load->relation, load->copy->attlist);
	ListCell *cell;

	foreach (cell, attributes)
		COMPAT_INSERTS_COLUMN(item, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
	COMPAT_CHECK_PERMISSIONS(load->pstate);
}

static uint64
run_copy(void *context)
{
	Load		 *load = context;
	CopyFromState state = BeginCopyFrom(load->pstate, load->relation, (Node *) load->conditions, load->copy->filename,
										load->copy->is_program, NULL, load->copy->attlist, load->copy->options);
	uint64		  processed = CopyFrom(state);

	EndCopyFrom(state);
	return processed;
}

/* The client knows its own input, and is told what of it does not fit; the server's log is told neither line nor value. */
static void
rethrow_for_client(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION && error->context)
		error->message = "a value of the input does not fit its column";
	error->hide_ctx = true;
	error->hide_stmt = true;
	ReThrowError(error);
}

void
copy_in(PlannedStmt *statement, const char *query_string, const char *text, QueryCompletion *completion)
{
	MemoryContext			caller = CurrentMemoryContext;
	Load					load = {.pstate = make_parsestate(NULL), .copy = castNode(CopyStmt, statement->utilityStmt)};
	ParseNamespaceItem	   *item;
	const GovernedRelation *found;
	GovernedRelation		governed;
	volatile uint64			processed = 0;

	check_source(load.copy);
	PreventCommandIfReadOnly("COPY FROM");
	PreventCommandIfParallelMode("COPY FROM");
	load.pstate->p_sourcetext = query_string;
	load.relation = table_openrv(load.copy->relation, RowExclusiveLock);
	found = registry_lookup(RelationGetRelid(load.relation));
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("the governance of the table has changed meanwhile"),
						errhint("Run the command again.")));
	governed = *found;
	item = addRangeTableEntryForRelation(load.pstate, load.relation, RowExclusiveLock, NULL, false, false);
	COMPAT_REQUIRES_INSERT(item);
	load.conditions = transform_where(&load, item);
	check_permissions(&load, item);
	if (!registry_observed(&governed, shared_now()))
		check_own_policies(load.relation);
	load.conditions = lappend(load.conditions, row_policy_expression(&governed, 1, POLICY_INSERT));

	PG_TRY();
	{
		processed = gate_run_copy(governed.relid, text, run_copy, &load);
	}
	PG_CATCH();
	{
		rethrow_for_client(caller);
	}
	PG_END_TRY();
	table_close(load.relation, NoLock);
	free_parsestate(load.pstate);
	if (completion)
		SetQueryCompletion(completion, CMDTAG_COPY, processed);
}
