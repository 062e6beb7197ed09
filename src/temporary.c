/*
 * temporary.c - see temporary.h.
 *
 * A table whose creation was rolled back stays on the list until the
 * transaction ends; its number is not given again before that.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "temporary.h"

typedef struct TemporaryTable
{
	Oid relid;
	Oid root; /* whose reads went in; InvalidOid: none did */
} TemporaryTable;

static List *tables = NIL; /* of TemporaryTable *; in TopTransactionContext */
static bool	 any_reads = false;

static TemporaryTable *
find_table(Oid relid)
{
	ListCell *cell;

	foreach (cell, tables)
		if (((TemporaryTable *) lfirst(cell))->relid == relid)
			return lfirst(cell);
	return NULL;
}

const RangeVar *
temporary_to_make(Node *command)
{
	if (IsA(command, CreateStmt) && ((CreateStmt *) command)->oncommit == ONCOMMIT_DROP)
		return ((CreateStmt *) command)->relation;
	if (IsA(command, CreateTableAsStmt) && ((CreateTableAsStmt *) command)->into->onCommit == ONCOMMIT_DROP)
		return ((CreateTableAsStmt *) command)->into->rel;
	return NULL;
}

void
temporary_made(Oid relid, Oid root)
{
	MemoryContext	old;
	TemporaryTable *table;

	/* Rows of a partitioned one stand in partitions, which may stay. */
	if (!OidIsValid(relid) || get_rel_persistence(relid) != RELPERSISTENCE_TEMP || get_rel_relkind(relid) != RELKIND_RELATION)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	table = palloc(sizeof(TemporaryTable));
	*table = (TemporaryTable){relid, root};
	tables = lappend(tables, table);
	any_reads |= OidIsValid(root);
	MemoryContextSwitchTo(old);
}

bool
temporary_goes_at_commit(Oid relid)
{
	return find_table(relid) != NULL;
}

void
temporary_took_reads(Oid relid, Oid root)
{
	TemporaryTable *table = find_table(relid);

	if (!table)
		return;
	table->root = root;
	any_reads = true;
}

bool
temporary_any_reads(void)
{
	return any_reads;
}

Oid
temporary_reads_in(Oid relid)
{
	TemporaryTable *table = find_table(relid);

	return table ? table->root : InvalidOid;
}

Oid
temporary_reads_named(const PlannedStmt *stmt)
{
	ListCell *cell;

	foreach (cell, stmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
		Oid			   root = rte->rtekind == RTE_RELATION ? temporary_reads_in(rte->relid) : InvalidOid;

		if (OidIsValid(root))
			return root;
	}
	return InvalidOid;
}

static void
forget_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		tables = NIL;
		any_reads = false;
	}
}

void
temporary_install(void)
{
	RegisterXactCallback(forget_transaction, NULL);
}
