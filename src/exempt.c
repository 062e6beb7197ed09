/*
 * exempt.c - runs purging and counting past the policy.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "parser/analyze.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "exempt.h"
#include "gate.h"

static const Query *planned_query = NULL;

bool
exempt_is_planned(const Query *query)
{
	return planned_query != NULL && query == planned_query;
}

static PlannedStmt *
plan_exempt(const char *sql, int parameters, ParamListInfo params)
{
	static const Oid types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	List			*raw = pg_parse_query(sql);
	List			*rewritten;
	PlannedStmt		*plan;
	Query			*query;

	Assert(list_length(raw) == 1 && parameters <= lengthof(types));
	query = parse_analyze_fixedparams(linitial_node(RawStmt, raw), sql, types, parameters, NULL);
	rewritten = pg_rewrite_query(query);
	if (list_length(rewritten) != 1)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a rule changes what happens to a governed table"),
						errhint("Drop the rule.")));

	planned_query = linitial_node(Query, rewritten);
	PG_TRY();
	{
		plan = pg_plan_query(linitial_node(Query, rewritten), sql, 0, params);
	}
	PG_FINALLY();
	{
		planned_query = NULL;
	}
	PG_END_TRY();
	return plan;
}

void
exempt_become_owner(Oid relid, Oid *user, int *context)
{
	Relation relation = table_open(relid, AccessShareLock);
	Oid		 owner = relation->rd_rel->relowner;

	table_close(relation, NoLock);
	GetUserIdAndSecContext(user, context);
	SetUserIdAndSecContext(owner, *context | SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
}

/* Texts that a statement makes of values are the same whoever runs it, and its operators the server's. */
static void
set_plain_options(void)
{
	static const char *const options[][2] = {
		{"search_path", "pg_catalog, pg_temp"}, {"timezone", "UTC"},		 {"datestyle", "ISO, YMD"},
		{"intervalstyle", "postgres"},			{"extra_float_digits", "1"}, {"bytea_output", "hex"},
		{"synchronize_seqscans", "off"}};

	for (int i = 0; i < lengthof(options); i++)
		(void) set_config_option(options[i][0], options[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

uint64
exempt_send(Oid relid, const char *sql, int parameters, const TimestampTz *values, DestReceiver *receiver, TupleDesc *desc)
{
	ParamListInfo params = makeParamList(parameters);
	int			  nest_level = NewGUCNestLevel();
	PlannedStmt	 *plan;
	QueryDesc	 *query_desc;
	uint64		  processed;
	Oid			  user;
	int			  context;

	set_plain_options();
	GetUserIdAndSecContext(&user, &context);
	if (OidIsValid(relid))
		exempt_become_owner(relid, &user, &context);
	for (int i = 0; i < parameters; i++)
		params->params[i] = (ParamExternData){
			.value = TimestampTzGetDatum(values[i]), .isnull = false, .pflags = PARAM_FLAG_CONST, .ptype = TIMESTAMPTZOID};
	plan = plan_exempt(sql, parameters, params);

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	query_desc = CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot, receiver, params, NULL, 0);
	gate_exempt(query_desc);
	ExecutorStart(query_desc, 0);
	if (desc)
		*desc = CreateTupleDescCopy(query_desc->tupDesc);
	COMPAT_EXECUTOR_RUN(query_desc);
	processed = query_desc->estate->es_processed;
	ExecutorFinish(query_desc);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	PopActiveSnapshot();
	SetUserIdAndSecContext(user, context);
	AtEOXact_GUC(true, nest_level);
	return processed;
}

uint64
exempt_run(Oid relid, const char *sql, int parameters, const TimestampTz *values, Tuplestorestate *rows, TupleDesc *desc)
{
	DestReceiver *receiver = rows ? CreateDestReceiver(DestTuplestore) : None_Receiver;

	if (rows)
		SetTuplestoreDestReceiverParams(receiver, rows, CurrentMemoryContext, false, NULL, NULL);
	return exempt_send(relid, sql, parameters, values, receiver, desc);
}
