/*
 * erase_commands.c - see erase_commands.h.
 *
 * The server's own commands switch to the owner of the table before they run
 * what he made, as a security-restricted operation, so there is nothing to add
 * to that here.  They are given the OID of the table where they take one, which
 * a change of names cannot turn into another.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "erase_commands.h"
#include "utility_gate.h"

/*
 * Commands that commit keep their lists below the context of a portal; there is
 * none in a worker.  After an error it is emptied when the next one begins, for
 * the transaction is not aborted yet.
 */
static void
enter_portal(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "ctlpr erase command", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	PortalContext = context;
	MemoryContextSwitchTo(context);
}

static void
run_vacuum(Oid relid, bits32 options)
{
	VacuumParams params = {.options = options,
						   .freeze_min_age = -1,
						   .freeze_table_age = -1,
						   .multixact_freeze_min_age = -1,
						   .multixact_freeze_table_age = -1,
						   .log_min_duration = -1,
						   .index_cleanup = VACOPTVALUE_ENABLED,
						   /* Pages at the end are zeroed in their place; taking them off needs an exclusive lock. */
						   .truncate = VACOPTVALUE_DISABLED,
						   .nworkers = -1};
	List		*relations;

	enter_portal();
	relations = list_make1(makeVacuumRelation(NULL, relid, NIL));
	PG_TRY();
	{
		COMPAT_VACUUM(relations, &params, PortalContext);
	}
	PG_FINALLY();
	{
		PortalContext = NULL;
	}
	PG_END_TRY();
}

void
erase_vacuum(Oid relid)
{
	run_vacuum(relid, VACOPT_VACUUM | VACOPT_DISABLE_PAGE_SKIPPING | COMPAT_VACUUM_MAIN | VACOPT_PROCESS_TOAST);
}

void
erase_analyze(Oid relid)
{
	run_vacuum(relid, VACOPT_ANALYZE);
}

void
erase_command(const char *command)
{
	PlannedStmt *statement;

	enter_portal();
	statement = makeNode(PlannedStmt);
	command = pstrdup(command);
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = linitial_node(RawStmt, pg_parse_query(command))->stmt;
	PG_TRY();
	{
		utility_gate_expect_own(true);
		ProcessUtility(statement, command, false, PROCESS_UTILITY_TOPLEVEL, NULL, NULL, None_Receiver, NULL);
	}
	PG_FINALLY();
	{
		utility_gate_expect_own(false);
		PortalContext = NULL;
	}
	PG_END_TRY();
}

static bool
is_older(HeapTuple row, TransactionId than)
{
	return TransactionIdPrecedes(HeapTupleHeaderGetXmin(row->t_data), than);
}

static void
forget_columns(Oid relid, TransactionId older_than)
{
	Relation	catalog = table_open(StatisticRelationId, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_statistic_starelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, StatisticRelidAttnumInhIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		if (is_older(row, older_than))
			CatalogTupleDelete(catalog, &row->t_self);
	systable_endscan(scan);
	table_close(catalog, NoLock);
}

static void
forget_extended(Oid statistics, bool inherited, TransactionId older_than)
{
	HeapTuple row = SearchSysCache2(STATEXTDATASTXOID, ObjectIdGetDatum(statistics), BoolGetDatum(inherited));
	bool	  older;

	if (!HeapTupleIsValid(row))
		return;
	older = is_older(row, older_than);
	ReleaseSysCache(row);
	if (older)
		RemoveStatisticsDataById(statistics, inherited);
}

void
erase_forget_statistics(Oid relid, TransactionId older_than)
{
	/* As ANALYZE does, so that none of it comes in between. */
	Relation  relation = try_table_open(relid, ShareUpdateExclusiveLock);
	List	 *indexes;
	List	 *objects;
	ListCell *cell;

	if (!relation)
		return;
	forget_columns(relid, older_than);
	/* Those of the expressions of its indexes; a rebuilt one has got a copy of them. */
	indexes = RelationGetIndexList(relation);
	foreach (cell, indexes)
		forget_columns(lfirst_oid(cell), older_than);
	objects = RelationGetStatExtList(relation);
	foreach (cell, objects)
	{
		forget_extended(lfirst_oid(cell), false, older_than);
		forget_extended(lfirst_oid(cell), true, older_than);
	}
	table_close(relation, NoLock);
}

bool
erase_horizon_reached(Oid relid, FullTransactionId horizon)
{
	Relation	  relation = try_table_open(relid, AccessShareLock);
	TransactionId oldest;

	if (!relation)
		return true;
	oldest = GetOldestNonRemovableTransactionId(relation);
	table_close(relation, NoLock);
	return TransactionIdFollowsOrEquals(oldest, XidFromFullTransactionId(horizon));
}
