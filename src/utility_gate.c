/*
 * utility_gate.c - commands that never reach the executor, or reach it by
 * another way.
 *
 * COPY of a governed relation becomes COPY of a query over it, which then
 * passes the gate like any other; COPY into one is copy_in.c's.  The log is
 * not to be emptied, loaded or locked against its writer.  What commands alter
 * is alter_gate.c's, and what can be told only from the objects object_gate.c's.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "alter_gate.h"
#include "audit_queue.h"
#include "copy_in.h"
#include "ctlpr.h"
#include "error_values.h"
#include "gate.h"
#include "key_checks.h"
#include "member_gate.h"
#include "object_gate.h"
#include "record.h"
#include "registry.h"
#include "shared.h"
#include "statement_text.h"
#include "temporary.h"
#include "utility_gate.h"

#define WRITER_LEAVE_TRIES	 100
#define WRITER_LEAVE_WAIT_US 10000L

/* The writer takes ROW EXCLUSIVE; this, and what is stronger, would stop the log. */
#define LOG_CONFLICT ShareLock

static ProcessUtility_hook_type previous_utility = NULL;

/* The utility command under way; commands nest through functions */
typedef struct Command
{
	bool		 explains;		 /* EXPLAIN */
	Oid			 altered;		 /* what alter_gate_relation() found, by name */
	bool		 retypes;		 /* ALTER TABLE ... ALTER COLUMN ... TYPE */
	Oid			 rewrites;		 /* a governed table whose rows that is about to go through */
	bool		 detaches;		 /* ALTER TABLE ... DETACH PARTITION, and nothing else */
	int			 open_runs;		 /* executor runs that were open as it began */
	CommandId	 first_id;		 /* what the transaction did before it has lower ones */
	bool		 to_server;		 /* COPY to a file or program of the server */
	bool		 until_commit;	 /* CREATE TEMPORARY TABLE ... ON COMMIT DROP AS */
	Oid			 took_reads;	 /* the governed relation whose reads went into that table */
	bool		 about_governed; /* its errors may quote reads */
	bool		 reads_rows;	 /* it may have begun to run expressions over them */
	bool		 quiet;			 /* and what they say reaches nobody */
	int			 min_messages;	 /* client_min_messages before */
	bool		 own;			 /* object_gate_run() runs it */
	int			 governs;		 /* is anything governed, as it began; -1: not asked yet */
	PlannedStmt *statement;		 /* NULL: there is none */
	const char	*source;		 /* text of all that the client sent with it; NULL: not known */
} Command;

static Command command = {.governs = -1};
static bool	   own_expected = false; /* the next command is one of ours */
static bool	   log_restored = false; /* this transaction loaded the log */

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

/*
 * Only a restore may load the log, and only an empty one.  Until it has
 * committed nobody numbers entries, for what it loads is not seen before.
 */
static void
check_copy_into_log(void)
{
	bool loads = ctlpr_restore && superuser();

	if (loads)
	{
		LockRelationOid(registry_log_relation(), ShareRowExclusiveLock);
		loads = audit_queue_stop_numbering() && log_is_empty();
		if (!loads)
			UnlockRelationOid(registry_log_relation(), ShareRowExclusiveLock);
	}
	if (!loads)
		gate_refuse_command("copy", registry_log_relation(), CAUSE_LOG_WRITE, "14(a)(6)");
	log_restored = true;
}

/*
 * COPY of a governed relation out becomes COPY of a query; COPY into one is
 * ingest, or a restore that loads past the policy.  *done: it was run here.
 */
static PlannedStmt *
gate_copy(PlannedStmt *statement, const char *query_string, QueryCompletion *completion, bool *done)
{
	CopyStmt			   *copy = castNode(CopyStmt, statement->utilityStmt);
	const GovernedRelation *governed;
	Oid						relid;

	/* Locked as COPY does it, so that no other table gets the name before it looks for itself. */
	relid =
		copy->relation ? RangeVarGetRelid(copy->relation, copy->is_from ? RowExclusiveLock : AccessShareLock, true) : InvalidOid;
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
	/* What ANALYZE keeps of governed tables is hidden in queries. */
	if (!copy->is_from && (relid == StatisticRelationId || relid == StatisticExtDataRelationId))
		return copy_as_query(statement, relid);
	governed = registry_lookup(relid);
	if (!governed && !copy->is_from && command.to_server && OidIsValid(temporary_reads_in(relid)))
		gate_refuse_command("copy", temporary_reads_in(relid), CAUSE_COPY_LASTING, "13(b)(2)(A)");
	if (!governed)
		return statement;
	if (!copy->is_from)
		return copy_as_query(statement, relid);
	if (ctlpr_restore && superuser())
	{
		record_permitted_command("copy", pstrdup(governed->root_name), "restore", NULL);
		return statement;
	}
	copy_in(statement, query_string, utility_gate_statement(), completion);
	*done = true;
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

/* LOCK of a view locks the tables below it. */
static void
check_log_unlocked(void)
{
	Relation log = table_open(registry_log_relation(), AccessShareLock);
	bool	 locked = CheckRelationLockedByMe(log, LOG_CONFLICT, true);

	table_close(log, AccessShareLock);
	if (locked)
		gate_refuse_locked_command("ddl", CAUSE_LOG_WRITE, "14(a)(6)");
}

/* ---- DROP, RENAME and copying of databases ---- */

/* Workers of a database that is to go must not be what keeps it; the writer leaves its queue behind. */
static void
dismiss_workers(const char *database)
{
	DatabaseSlot *slot = shared_database_of(get_database_oid(database, true));

	for (int i = 0; slot && i < WRITER_LEAVE_TRIES; i++)
	{
		int writer;
		int eraser;

		LWLockAcquire(slot->lock, LW_SHARED);
		writer = slot->writer_latch ? slot->writer_pid : 0;
		eraser = slot->erase_pid;
		LWLockRelease(slot->lock);
		if (writer == 0 && eraser == 0)
			return;
		if (writer != 0)
			kill(writer, SIGTERM);
		if (eraser != 0)
			kill(eraser, SIGTERM);
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

/* ---- commands ---- */

/* *done: the command was run here. */
static PlannedStmt *
gate_command(PlannedStmt *statement, const char *query_string, QueryCompletion *completion, bool *done)
{
	Node *node = statement->utilityStmt;

	alter_gate_before(node, alter_gate_relation(node), query_string);
	switch (nodeTag(node))
	{
		case T_CopyStmt:
			return gate_copy(statement, query_string, completion, done);
		case T_TruncateStmt:
			protect_log(((TruncateStmt *) node)->relations, "ddl");
			return statement;
		case T_LockStmt:
			if (((LockStmt *) node)->mode >= LOG_CONFLICT)
				protect_log(((LockStmt *) node)->relations, "ddl");
			return statement;
		default:
			return statement;
	}
}

/* ---- hook ---- */

bool
utility_gate_command_is_own(void)
{
	return command.own;
}

void
utility_gate_expect_own(bool expected)
{
	own_expected = expected;
}

CommandId
utility_gate_first_id(void)
{
	return command.first_id;
}

bool
utility_gate_retypes(Oid *altered)
{
	*altered = command.altered;
	return command.retypes;
}

void
utility_gate_rewrite(Oid relid)
{
	command.rewrites = relid;
}

Oid
utility_gate_rewrites(void)
{
	return OidIsValid(command.rewrites) && key_checks_open_runs() == command.open_runs ? command.rewrites : InvalidOid;
}

bool
utility_gate_detaches(void)
{
	return command.detaches && key_checks_open_runs() == command.open_runs;
}

bool
utility_gate_explains(void)
{
	return command.explains;
}

bool
utility_gate_copies_to_server(void)
{
	return command.to_server;
}

bool
utility_gate_until_commit(void)
{
	return command.until_commit;
}

void
utility_gate_took_reads(Oid root)
{
	command.took_reads = root;
}

bool
utility_gate_any_governed(void)
{
	if (command.statement == NULL)
		return registry_any_governed();
	if (command.governs < 0)
		command.governs = registry_any_governed();
	return command.governs;
}

const char *
utility_gate_statement(void)
{
	char *text;

	if (command.source == NULL)
		return NULL;
	text = statement_text(command.source, command.statement->stmt_location, command.statement->stmt_len);
	return *text == '\0' || strlen(text) > AUDIT_STATEMENT_MAX_BYTES ? NULL : text;
}

/* Could an error of the command quote a row of a governed table? */
static bool
is_about_governed(Node *node, Oid altered)
{
	ListCell *cell;

	if (OidIsValid(altered))
		return registry_lookup(altered) != NULL;
	switch (nodeTag(node))
	{
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_AlterDomainStmt:
		case T_VacuumStmt:
			return registry_any_governed();
		case T_CreateStmt:
			foreach (cell, ((CreateStmt *) node)->inhRelations)
			{
				Oid parent = relation_oid(lfirst(cell));

				if (OidIsValid(parent) && registry_lookup(parent))
					return true;
			}
			return false;
		default:
			return false;
	}
}

/*
 * Does the command run expressions over rows without altering an object first?
 * What it says before is about names, and may be said.
 */
static bool
reads_rows_at_once(Node *node)
{
	switch (nodeTag(node))
	{
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_VacuumStmt:
			return true;
		case T_AlterDomainStmt:
			return ((AlterDomainStmt *) node)->subtype == 'V';
		default:
			return false;
	}
}

/* Functions that a command runs over rows may talk about them; the server's own words are few, and lost with theirs. */
static void
be_quiet(void)
{
	if (!command.about_governed || command.quiet)
		return;
	command.quiet = true;
	command.min_messages = client_min_messages;
	/* VACUUM and its like warn of names.  Not set like a setting, which would not outlive the transactions of a VACUUM. */
	client_min_messages = Max(client_min_messages, reads_rows_at_once(command.statement->utilityStmt) ? WARNING : ERROR);
}

static void
end_quiet(void)
{
	if (command.quiet)
		client_min_messages = command.min_messages;
	command.quiet = false;
}

bool
utility_gate_is_quiet(void)
{
	return command.quiet;
}

void
utility_gate_object_altered(void)
{
	command.reads_rows = true;
	be_quiet();
}

/* VACUUM and its like are about names that cannot be told apart from an expression's, but run immutable expressions only. */
static bool
is_about_names(int code)
{
	switch (code)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_SCHEMA:
		case ERRCODE_WRONG_OBJECT_TYPE:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
			return true;
		default:
			return false;
	}
}

/* What the server, or a function, says of a row may quote it. */
static void
rethrow_without_values(MemoryContext context, const Command *failed)
{
	int code = geterrcode();

	if (!failed->about_governed || !failed->reads_rows || error_says_nothing_of_rows(code) ||
		(!IsA(failed->statement->utilityStmt, AlterDomainStmt) && reads_rows_at_once(failed->statement->utilityStmt) &&
		 is_about_names(code)))
		return;
	error_rethrow_without_values(context);
}

static void
call_standard_utility(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
					  ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	if (previous_utility)
		previous_utility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	else
		standard_ProcessUtility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
}

/* The parts of an ALTER TABLE.  One that only detaches runs no expression of anybody's by itself. */
static void
describe_alter_table(AlterTableStmt *statement, Command *described)
{
	ListCell *cell;

	described->detaches = true;
	foreach (cell, statement->cmds)
	{
		AlterTableType subtype = lfirst_node(AlterTableCmd, cell)->subtype;

		described->detaches &= subtype == AT_DetachPartition || subtype == AT_DetachPartitionFinalize;
		described->retypes |= subtype == AT_AlterColumnType;
	}
}

/* What is to be known of a command while it runs */
static Command
describe_command(PlannedStmt *statement, const char *query_string, ProcessUtilityContext context)
{
	Node   *node = statement->utilityStmt;
	Command described = {.governs = -1, .statement = statement, .source = query_string};

	/* What a function of somebody's runs below it is none of ours; the parts that the server makes of it are. */
	described.own = own_expected || (command.own && context == PROCESS_UTILITY_SUBCOMMAND);
	own_expected = false;
	if (!IsTransactionState())
		return described;
	described.explains = IsA(node, ExplainStmt);
	if (IsA(node, AlterTableStmt))
		describe_alter_table((AlterTableStmt *) node, &described);
	described.open_runs = key_checks_open_runs();
	described.first_id = GetCurrentCommandId(false);
	described.to_server = IsA(node, CopyStmt) && ((CopyStmt *) node)->filename != NULL;
	described.until_commit = IsA(node, CreateTableAsStmt) && temporary_to_make(node) != NULL;
	return described;
}

static void
run_gated(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
		  ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	Node	  *node = statement->utilityStmt;
	Oid		   altered = InvalidOid;
	AlterFlaws flaws = {0, 0, NIL};
	bool	   gated = !IsBinaryUpgrade && IsTransactionState() && registry_ready();
	bool	   done = false;
	Oid		   namesake = gated ? relation_oid(temporary_to_make(node)) : InvalidOid;
	List	  *children;
	List	  *parents;

	if (gated)
	{
		statement = gate_command(statement, query_string, completion, &done);
		if (done)
			return;
		command.altered = altered = registry_any_governed() ? alter_gate_relation(node) : InvalidOid;
		if (object_gate_own_work())
			altered = InvalidOid;
		command.about_governed = is_about_governed(node, altered);
		command.reads_rows = reads_rows_at_once(node);
		if (command.reads_rows)
			be_quiet();
		flaws = alter_gate_flaws(node, altered);
	}
	call_standard_utility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	end_quiet();
	children = object_gate_new_children(&parents);
	member_gate_joined(children, parents);
	/* Some commands end the transaction that they began in. */
	if (gated && IsTransactionState() && registry_any_governed() && !object_gate_own_work())
	{
		object_gate_forget_dropped();
		/* With IF NOT EXISTS it may have been there before. */
		if (relation_oid(temporary_to_make(node)) != namesake)
			temporary_made(relation_oid(temporary_to_make(node)), command.took_reads);
		if (IsA(node, LockStmt))
			check_log_unlocked();
		alter_gate_after(node, altered, flaws);
	}
}

/* The one command that an extension older than the library must let pass; superusers run it */
static bool
is_own_update(Node *node)
{
	return IsA(node, AlterExtensionStmt) && strcmp(((AlterExtensionStmt *) node)->extname, "ctlpr") == 0 && superuser();
}

static void
run_utility(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	MemoryContext caller = CurrentMemoryContext;
	Command		  outer = command;
	const char	 *database = database_to_be_alone(statement->utilityStmt);
	bool		  updates = is_own_update(statement->utilityStmt);
	bool		  updating = false;

	if (!IsBinaryUpgrade && database && superuser())
		dismiss_workers(database);
	command = describe_command(statement, query_string, context);
	if (updates)
		updating = registry_set_updating(true);
	PG_TRY();
	{
		run_gated(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	}
	PG_CATCH();
	{
		Command failed;

		if (updates)
			(void) registry_set_updating(updating);
		end_quiet();
		failed = command;
		command = outer;
		rethrow_without_values(caller, &failed);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (updates)
		(void) registry_set_updating(updating);
	command = outer;
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
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			log_restored = false;
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
	RegisterXactCallback(end_of_transaction, NULL);
}
