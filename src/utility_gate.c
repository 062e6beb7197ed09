/*
 * utility_gate.c - commands that never reach the executor, or reach it by
 * another way.
 *
 * COPY of a governed relation becomes COPY of a query over it, which then
 * passes the gate like any other.  COPY into one is for restores.  The log is
 * not to be emptied, loaded or locked against its writer.  A new partition or
 * child gets the guard that its siblings have; a governed table gets no parent
 * and no trigger.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "ctlpr.h"
#include "gate.h"
#include "hold.h"
#include "record.h"
#include "registry.h"
#include "shared.h"

#define WRITER_LEAVE_TRIES	 100
#define WRITER_LEAVE_WAIT_US 10000L

static ProcessUtility_hook_type previous_utility = NULL;
static object_access_hook_type	previous_object_access = NULL;

static Oid	 altered = InvalidOid; /* relation of the ALTER TABLE under way */
static List *new_children = NIL;   /* relations that got a parent in this command; TopTransactionContext */
static bool	 log_restored = false; /* this transaction loaded the log */

static Oid
relation_oid(const RangeVar *relation)
{
	return relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

/* ---- COPY ---- */

static List *
column_references(Oid relid, List *names)
{
	List	 *targets = NIL;
	ListCell *cell;

	if (names == NIL)
	{
		Relation  relation = table_open(relid, AccessShareLock);
		TupleDesc desc = RelationGetDescr(relation);

		for (int i = 0; i < desc->natts; i++)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, i);

			/* As COPY does: generated columns are left out. */
			if (!attribute->attisdropped && !attribute->attgenerated)
				names = lappend(names, makeString(pstrdup(NameStr(attribute->attname))));
		}
		table_close(relation, NoLock);
	}
	foreach (cell, names)
	{
		ColumnRef *reference = makeNode(ColumnRef);
		ResTarget *target = makeNode(ResTarget);

		reference->fields = list_make1(lfirst(cell));
		reference->location = -1;
		target->val = (Node *) reference;
		target->location = -1;
		targets = lappend(targets, target);
	}
	return targets;
}

/* COPY relation TO as COPY (SELECT ... FROM relation) TO */
static PlannedStmt *
copy_as_query(PlannedStmt *statement, Oid relid)
{
	PlannedStmt *result = copyObject(statement);
	CopyStmt	*copy = castNode(CopyStmt, result->utilityStmt);
	SelectStmt	*select = makeNode(SelectStmt);
	RangeVar	*relation = copy->relation;

	relation->inh = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	select->targetList = column_references(relid, copy->attlist);
	select->fromClause = list_make1(relation);
	copy->relation = NULL;
	copy->attlist = NIL;
	copy->query = (Node *) select;
	return result;
}

static bool
log_is_empty(void)
{
	Relation	log = table_open(registry_log_relation(), AccessShareLock);
	SysScanDesc scan = systable_beginscan(log, InvalidOid, false, NULL, 0, NULL);
	bool		empty = !HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(log, AccessShareLock);
	return empty;
}

static void
check_copy_into_log(void)
{
	if (!ctlpr_restore || !superuser() || !log_is_empty())
		gate_refuse_command("copy", registry_log_relation(), CAUSE_LOG_WRITE, "14(a)(6)");
	log_restored = true;
}

/*
 * Loading reads past the policy is for restores; ingest goes through INSERT.
 * The server refuses COPY into a relation with row security only for roles
 * that it binds, and an owner can take it off.
 */
static void
check_copy_into_governed(Oid relid, const GovernedRelation *governed)
{
	if ((ctlpr_restore && superuser()) || registry_observed(governed, shared_now()))
		return;
	gate_refuse_command("copy", relid, CAUSE_COPY_IN, "13(d)(6)");
}

static PlannedStmt *
gate_copy(PlannedStmt *statement)
{
	CopyStmt			   *copy = castNode(CopyStmt, statement->utilityStmt);
	Oid						relid = relation_oid(copy->relation);
	const GovernedRelation *governed;

	if (!OidIsValid(relid))
		return statement;
	if (relid == registry_log_relation())
	{
		if (copy->is_from)
			check_copy_into_log();
		else
			record_log_reading("copy");
		return statement;
	}
	governed = registry_lookup(relid);
	if (!governed)
		return statement;
	if (!copy->is_from)
		return copy_as_query(statement, relid);
	check_copy_into_governed(relid, governed);
	return statement;
}

/* ---- the log ---- */

static void
protect_log(List *relations, const char *action)
{
	ListCell *cell;

	foreach (cell, relations)
		if (relation_oid(lfirst(cell)) == registry_log_relation())
			gate_refuse_command(action, registry_log_relation(), CAUSE_LOG_WRITE, "14(a)(6)");
}

/* ---- triggers ---- */

/* govern() looked at the triggers that were there; it allows none that fires before a row and could change it. */
static void
gate_trigger(CreateTrigStmt *command)
{
	Oid						relid = relation_oid(command->relation);
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (!governed || (ctlpr_restore && superuser()) || registry_observed(governed, shared_now()))
		return;
	if ((command->row && command->timing == TRIGGER_TYPE_BEFORE) || !registry_allows_trigger(governed->root, command->trigname))
		gate_refuse_command("ddl", relid, CAUSE_TRIGGER, "13(b)(2)(A)");
}

/* ---- evidence ---- */

/* Evidence stays as the hold has it, 13(c): nobody alters, empties or drops its table. */
static void
protect_evidence(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (governed && governed->hold > 0 && !hold_altering_evidence() && !(ctlpr_restore && superuser()))
		gate_refuse_command("ddl", governed->relid, CAUSE_EVIDENCE_ALTERED, "13(c)");
}

/* What was approved is the table as it was, 13(b)(2)(A)(iv). */
static void
protect_aggregate(Oid relid)
{
	if (OidIsValid(relid) && registry_aggregate_approved(relid) && !(ctlpr_restore && superuser()))
		gate_refuse_command("ddl", relid, CAUSE_AGGREGATE_ALTERED, "13(b)(2)(A)(iv)");
}

/* The relation that a command alters otherwise than by dropping it */
static RangeVar *
altered_relation(Node *command)
{
	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) command)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) command)->relation;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) command)->relation;
		case T_IndexStmt:
			return ((IndexStmt *) command)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) command)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) command)->table;
		case T_AlterPolicyStmt:
			return ((AlterPolicyStmt *) command)->table;
		default:
			return NULL;
	}
}

/* However a table comes to be dropped: by name, with its schema, or with its owner; its index, too */
static void
protect_dropped(Oid relid)
{
	if (IsBinaryUpgrade || proc_exit_inprogress || !IsTransactionState() || hold_altering_evidence())
		return;
	if (get_rel_relkind(relid) == RELKIND_INDEX)
		relid = IndexGetRelation(relid, true);
	/* Our own tables go with the extension, and the registry among them. */
	if (get_rel_relkind(relid) == RELKIND_RELATION && get_rel_namespace(relid) != get_namespace_oid("ctlpr", true) &&
		registry_ready())
		protect_evidence(relid);
}

static PlannedStmt *
gate_command(PlannedStmt *statement)
{
	Node	 *command = statement->utilityStmt;
	ListCell *cell;

	protect_evidence(relation_oid(altered_relation(command)));
	if (IsA(command, AlterTableStmt))
		protect_aggregate(relation_oid(((AlterTableStmt *) command)->relation));
	switch (nodeTag(command))
	{
		case T_CopyStmt:
			return gate_copy(statement);
		case T_CreateTrigStmt:
			gate_trigger((CreateTrigStmt *) command);
			return statement;
		case T_TruncateStmt:
			protect_log(((TruncateStmt *) command)->relations, "ddl");
			foreach (cell, ((TruncateStmt *) command)->relations)
				protect_evidence(relation_oid(lfirst(cell)));
			return statement;
		case T_LockStmt:
			/* The writer takes ROW EXCLUSIVE; what conflicts with it would stop the log. */
			if (((LockStmt *) command)->mode >= ShareLock)
				protect_log(((LockStmt *) command)->relations, "ddl");
			return statement;
		default:
			return statement;
	}
}

/* ---- new partitions and children ---- */

static void
note_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (previous_object_access)
		previous_object_access(access, class_id, object_id, sub_id, arg);
	if (access == OAT_POST_ALTER && class_id == InheritsRelationId && !IsBinaryUpgrade)
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

		new_children = lappend_oid(new_children, object_id);
		MemoryContextSwitchTo(old);
	}
	if (access == OAT_DROP && class_id == RelationRelationId)
		protect_dropped(object_id);
}

/* The owner of the extension's functions, who may alter any table */
static Oid
guard_function(Oid *owner)
{
	static const Oid arguments[] = {REGCLASSOID};
	Oid				 function = LookupFuncName(list_make2(makeString("ctlpr"), makeString("apply_guard")), 1, arguments, false);
	HeapTuple		 tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	*owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return function;
}

static void
apply_guard(Oid relid)
{
	Oid owner;
	Oid user;
	int context;

	(void) guard_function(&owner);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(psprintf("SELECT ctlpr.apply_guard(%u::pg_catalog.regclass)", relid), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not guard relation %u", relid);
	SPI_finish();
	PopActiveSnapshot();
	SetUserIdAndSecContext(user, context);
}

static void
guard_new_children(void)
{
	List	 *children = new_children;
	ListCell *cell;

	new_children = NIL;
	if (!IsTransactionState() || !registry_any_governed())
		return;
	foreach (cell, children)
	{
		const GovernedRelation *governed = registry_lookup(lfirst_oid(cell));

		/* Rows that a parent routes into it, or takes from it, would not pass its policy. */
		if (governed && governed->root == governed->relid && has_superclass(governed->relid))
			gate_refuse_command("ddl", governed->relid, CAUSE_FOREIGN_PARENT, "13(d)(6)");
		if (governed && governed->observe_until == 0 && get_rel_name(lfirst_oid(cell)))
			apply_guard(lfirst_oid(cell));
	}
}

/* ---- DROP, RENAME and copying of databases ---- */

/* The writer of a database that is to go must not be what keeps it; it leaves its queue behind. */
static void
dismiss_writer(const char *database)
{
	DatabaseSlot *slot = shared_database_of(get_database_oid(database, true));

	for (int i = 0; slot && i < WRITER_LEAVE_TRIES; i++)
	{
		int pid;

		LWLockAcquire(slot->lock, LW_SHARED);
		pid = slot->writer_latch ? slot->writer_pid : 0;
		LWLockRelease(slot->lock);
		if (pid == 0)
			return;
		kill(pid, SIGTERM);
		pg_usleep(WRITER_LEAVE_WAIT_US);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The database that a command needs without any other session, or NULL */
static const char *
database_to_be_alone(Node *command)
{
	ListCell *cell;

	if (IsA(command, DropdbStmt))
		return ((DropdbStmt *) command)->dbname;
	if (IsA(command, RenameStmt) && ((RenameStmt *) command)->renameType == OBJECT_DATABASE)
		return ((RenameStmt *) command)->subname;
	if (!IsA(command, CreatedbStmt))
		return NULL;
	foreach (cell, ((CreatedbStmt *) command)->options)
	{
		DefElem *option = lfirst(cell);

		if (strcmp(option->defname, "template") == 0 && option->arg)
			return defGetString(option);
	}
	return NULL;
}

/* ---- hook ---- */

Oid
utility_gate_altered(void)
{
	return altered;
}

static void
call_standard_utility(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
					  ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	Oid outer = altered;

	altered = IsA(statement->utilityStmt, AlterTableStmt) && IsTransactionState()
				  ? relation_oid(castNode(AlterTableStmt, statement->utilityStmt)->relation)
				  : InvalidOid;
	PG_TRY();
	{
		if (previous_utility)
			previous_utility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
		else
			standard_ProcessUtility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	}
	PG_FINALLY();
	{
		altered = outer;
	}
	PG_END_TRY();
}

static void
run_utility(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	const char *database = database_to_be_alone(statement->utilityStmt);

	if (!IsBinaryUpgrade && database && superuser())
		dismiss_writer(database);
	else if (!IsBinaryUpgrade && IsTransactionState() && registry_ready())
		statement = gate_command(statement);

	call_standard_utility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);

	if (new_children != NIL)
		guard_new_children();
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (log_restored)
				audit_queue_restored();
			log_restored = false;
			new_children = NIL;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			log_restored = false;
			new_children = NIL;
			break;
		default:
			break;
	}
}

void
utility_gate_install(void)
{
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
	previous_object_access = object_access_hook;
	object_access_hook = note_object_access;
	RegisterXactCallback(end_of_transaction, NULL);
}
