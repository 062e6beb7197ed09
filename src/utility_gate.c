/*
 * utility_gate.c - commands that never reach the executor, or reach it by
 * another way.
 *
 * COPY of a governed relation becomes COPY of a query over it, which then
 * passes the gate like any other; COPY into one is copy_in.c's.  The log is
 * not to be emptied, loaded or locked against its writer.  What a command has
 * altered must be as well guarded afterwards as it was before: a new partition
 * or child gets the guard that its siblings have, one that leaves keeps its
 * governance, and whatever took a part of the guard away is refused, which
 * undoes it.  What can be told only from the objects is object_gate.c's.
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
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/policy.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit_entry.h"
#include "audit_queue.h"
#include "compat.h"
#include "copy_in.h"
#include "ctlpr.h"
#include "expressions.h"
#include "gate.h"
#include "object_gate.h"
#include "outflow.h"
#include "record.h"
#include "registry.h"
#include "shared.h"
#include "statement_text.h"
#include "utility_gate.h"

#define WRITER_LEAVE_TRIES	 100
#define WRITER_LEAVE_WAIT_US 10000L

static ProcessUtility_hook_type previous_utility = NULL;

/* The utility command under way; commands nest through functions */
typedef struct Command
{
	Oid			 altered;		 /* relation of an ALTER TABLE */
	bool		 explains;		 /* EXPLAIN */
	bool		 to_server;		 /* COPY to a file or program of the server */
	bool		 until_commit;	 /* CREATE TEMPORARY TABLE ... ON COMMIT DROP AS */
	bool		 about_governed; /* its errors may quote reads */
	int			 governs;		 /* is anything governed, as it began; -1: not asked yet */
	PlannedStmt *statement;		 /* NULL: there is none */
	const char	*source;		 /* text of all that the client sent with it; NULL: not known */
} Command;

static Command command = {InvalidOid, false, false, false, false, -1, NULL, NULL};
static List	  *until_commit = NIL;	 /* of Oid: temporary tables that go at commit; in TopTransactionContext */
static bool	   log_restored = false; /* this transaction loaded the log */

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
 * COPY of a governed relation out becomes COPY of a query; COPY into one is
 * ingest, or a restore that loads past the policy.  *done: it was run here.
 */
static PlannedStmt *
gate_copy(PlannedStmt *statement, const char *query_string, QueryCompletion *completion, bool *done)
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

/* ---- governed tables ---- */

/* The relation that a command alters otherwise than by dropping it, by its OID; InvalidOid when it alters none */
static Oid
altered_relation(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			return relation_oid(((AlterTableStmt *) node)->relation);
		case T_RenameStmt:
			return relation_oid(((RenameStmt *) node)->relation);
		case T_AlterObjectSchemaStmt:
			return relation_oid(((AlterObjectSchemaStmt *) node)->relation);
		case T_IndexStmt:
			return relation_oid(((IndexStmt *) node)->relation);
		case T_RuleStmt:
			return relation_oid(((RuleStmt *) node)->relation);
		case T_CreatePolicyStmt:
			return relation_oid(((CreatePolicyStmt *) node)->table);
		case T_AlterPolicyStmt:
			return relation_oid(((AlterPolicyStmt *) node)->table);
		case T_CreateTrigStmt:
			return relation_oid(((CreateTrigStmt *) node)->relation);
		case T_DropStmt:
		{
			DropStmt *drop = (DropStmt *) node;
			List	 *name = linitial(drop->objects);

			/* A policy, rule or trigger is named behind its relation. */
			if (drop->removeType != OBJECT_POLICY && drop->removeType != OBJECT_RULE && drop->removeType != OBJECT_TRIGGER)
				return InvalidOid;
			name = list_truncate(list_copy(name), list_length(name) - 1);
			return relation_oid(makeRangeVarFromNameList(name));
		}
		default:
			return InvalidOid;
	}
}

/* Evidence stays as the hold has it, 13(c): nobody alters its table. */
static void
protect_evidence(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (governed && governed->hold > 0 && !object_gate_own_work())
		gate_refuse_weakening("ddl", governed->relid, CAUSE_EVIDENCE_ALTERED, "13(c)");
}

/* What was approved is the table as it was, 13(b)(2)(A)(iv). */
static void
protect_aggregate(Oid relid)
{
	if (OidIsValid(relid) && registry_aggregate_approved(relid) && !object_gate_own_work())
		gate_refuse_weakening("ddl", relid, CAUSE_AGGREGATE_ALTERED, "13(b)(2)(A)(iv)");
}

/* The extension's own tables get no index, trigger, rule or policy, and keep their columns. */
static void
protect_own_relation(Oid relid)
{
	if (OidIsValid(relid) && get_rel_namespace(relid) == get_rel_namespace(registry_log_relation()) && registry_any_governed() &&
		!object_gate_own_work())
		gate_refuse_weakening("ddl", relid, CAUSE_OWN_OBJECT, "13(d)(6)");
}

static bool
may_be_null(Oid relid, AttrNumber attribute)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attribute));
	bool	  result = !HeapTupleIsValid(tuple) || !((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

static bool
has_rule(Oid relid)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return found;
}

/* What keeps a relation and its members from being as govern() left them, counted */
static int
count_flaws(Oid relid)
{
	List	 *members = find_all_inheritors(relid, NoLock, NULL);
	int		  flaws = 0;
	ListCell *cell;

	foreach (cell, members)
	{
		const GovernedRelation *found = registry_lookup(lfirst_oid(cell));
		GovernedRelation		member;
		HeapTuple				tuple;
		Form_pg_class class;

		if (!found)
			continue;
		member = *found;
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(member.relid));
		if (!HeapTupleIsValid(tuple))
			continue;
		class = (Form_pg_class) GETSTRUCT(tuple);
		flaws += member.broken + !class->relrowsecurity + !class->relforcerowsecurity +
				 (class->relhasrules && has_rule(member.relid)) + (class->relpersistence != RELPERSISTENCE_PERMANENT);
		ReleaseSysCache(tuple);
		flaws += may_be_null(member.relid, member.captured_at) + may_be_null(member.relid, member.plate) +
				 !OidIsValid(get_relation_policy_oid(member.relid, "ctlpr_guard", true));
	}
	return flaws;
}

static bool
is_governing_column(const GovernedRelation *governed, const char *name)
{
	AttrNumber attribute = get_attnum(governed->relid, name);

	return attribute > 0 && (attribute == governed->captured_at || attribute == governed->plate || attribute == governed->owner ||
							 attribute == governed->camera || attribute == governed->image || attribute == governed->hold);
}

/* A partition that leaves stays governed, under a registration of its own. */
static void
keep_detached(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (!governed || governed->root == governed->relid)
		return;
	object_gate_keep_held(relid);
	object_gate_call("govern_detached", relid);
}

static void
gate_alter_table(AlterTableStmt *statement, const char *query_string)
{
	Oid						relid = relation_oid(statement->relation);
	const GovernedRelation *found = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	GovernedRelation		governed;
	ListCell			   *cell;

	if (!found || object_gate_own_work())
		return;
	governed = *found;
	foreach (cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		switch (command->subtype)
		{
			case AT_AlterColumnType:
				/* Rewritten before anything could be looked at afterwards */
				if (is_governing_column(&governed, command->name))
					gate_refuse_weakening("ddl", relid, CAUSE_WEAKENS, "13(b)(2)(A)");
				else
					expressions_guard_type_change(relid, command, query_string);
				break;
			case AT_DetachPartition:
			case AT_DetachPartitionFinalize:
				keep_detached(relation_oid(((PartitionCmd *) command->def)->name));
				break;
			case AT_DropInherit:
				keep_detached(relid);
				break;
			default:
				break;
		}
	}
}

/* DROP TABLE of a partition: what is held of it is copied first.  That of the governed table needs no look at its partitions. */
static void
gate_drop_table(DropStmt *drop)
{
	ListCell *cell;

	if (drop->removeType != OBJECT_TABLE || object_gate_own_work())
		return;
	foreach (cell, drop->objects)
	{
		Oid						relid = relation_oid(makeRangeVarFromNameList(lfirst(cell)));
		const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

		if (!governed || !COMPAT_OWNS_RELATION(relid, GetUserId()))
			continue;
		if (governed->root != governed->relid || OidIsValid(governed->detached_from))
			object_gate_keep_held(relid);
		else
			object_gate_refuse_drop(governed);
	}
}

/* The guard policy keeps what it says, and its name. */
static void
protect_guard_policy(Oid relid, const char *policy)
{
	if (strcmp(policy, "ctlpr_guard") == 0 && OidIsValid(relid) && registry_lookup(relid) && !object_gate_own_work())
		gate_refuse_weakening("ddl", relid, CAUSE_WEAKENS, "13(d)(6)");
}

static bool
is_own_object(GrantStmt *grant)
{
	ListCell *cell;

	foreach (cell, grant->objects)
	{
		Node *object = lfirst(cell);

		if (IsA(object, RangeVar)
				? get_rel_namespace(relation_oid((RangeVar *) object)) == get_rel_namespace(registry_log_relation())
			: IsA(object, String)		  ? strcmp(strVal(object), "ctlpr") == 0
			: IsA(object, ObjectWithArgs) ? list_length(((ObjectWithArgs *) object)->objname) == 2 &&
												strcmp(strVal(linitial(((ObjectWithArgs *) object)->objname)), "ctlpr") == 0
										  : false)
			return true;
	}
	return false;
}

/* Rights on the extension's tables are for reading; any grant on its objects is on record. */
static void
gate_grant(GrantStmt *grant)
{
	bool	  reads_only = grant->privileges != NIL;
	ListCell *cell;

	if (!is_own_object(grant) || !registry_any_governed() || object_gate_own_work())
		return;
	foreach (cell, grant->privileges)
	{
		const char *privilege = ((AccessPriv *) lfirst(cell))->priv_name;

		reads_only &= privilege &&
					  (strcmp(privilege, "select") == 0 || strcmp(privilege, "execute") == 0 || strcmp(privilege, "usage") == 0);
	}
	if (grant->is_grant && !reads_only)
		gate_refuse_weakening("ddl", InvalidOid, CAUSE_OWN_OBJECT, "13(d)(6)");
	else
		record_permitted_command("configuration", NULL, NULL, NULL);
}

/* Settings of ctlpr for later sessions; those of this session record themselves, see ctlpr.c. */
static void
record_setting(VariableSetStmt *setting)
{
	if (setting->name == NULL || pg_strncasecmp(setting->name, "ctlpr.", 6) == 0)
		record_permitted_command("configuration", NULL, NULL, NULL);
}

static void
gate_settings(Node *node)
{
	if (!registry_any_governed())
		return;
	if (IsA(node, AlterSystemStmt))
		record_setting(((AlterSystemStmt *) node)->setstmt);
	else if (IsA(node, AlterDatabaseSetStmt))
		record_setting(((AlterDatabaseSetStmt *) node)->setstmt);
	else
		record_setting(((AlterRoleSetStmt *) node)->setstmt);
}

static PlannedStmt *
gate_command(PlannedStmt *statement, const char *query_string, QueryCompletion *completion, bool *done)
{
	Node *node = statement->utilityStmt;
	Oid	  relid = altered_relation(node);

	protect_evidence(relid);
	protect_own_relation(relid);
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			protect_aggregate(relid);
			gate_alter_table((AlterTableStmt *) node, query_string);
			return statement;
		case T_CopyStmt:
			return gate_copy(statement, query_string, completion, done);
		case T_CreateTrigStmt:
			gate_trigger((CreateTrigStmt *) node);
			return statement;
		case T_AlterPolicyStmt:
			protect_guard_policy(relid, ((AlterPolicyStmt *) node)->policy_name);
			return statement;
		case T_RenameStmt:
			if (((RenameStmt *) node)->renameType == OBJECT_POLICY)
				protect_guard_policy(relid, ((RenameStmt *) node)->subname);
			return statement;
		case T_DropStmt:
			gate_drop_table((DropStmt *) node);
			return statement;
		case T_TruncateStmt:
			protect_log(((TruncateStmt *) node)->relations, "ddl");
			return statement;
		case T_LockStmt:
			/* The writer takes ROW EXCLUSIVE; what conflicts with it would stop the log. */
			if (((LockStmt *) node)->mode >= ShareLock)
				protect_log(((LockStmt *) node)->relations, "ddl");
			return statement;
		case T_GrantStmt:
			gate_grant((GrantStmt *) node);
			return statement;
		case T_AlterExtensionContentsStmt:
			if (strcmp(((AlterExtensionContentsStmt *) node)->extname, "ctlpr") == 0 && registry_any_governed())
				gate_refuse_weakening("ddl", InvalidOid, CAUSE_OWN_OBJECT, "13(d)(6)");
			return statement;
		case T_AlterSystemStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterRoleSetStmt:
			gate_settings(node);
			return statement;
		default:
			return statement;
	}
}

/* ---- afterwards ---- */

/* Triggers and rules of a new member must be such as govern() would have let be; what is unlogged does not stay erased. */
static void
guard_new_member(Oid relid)
{
	if (OidIsValid(
			object_gate_query("SELECT u.member::pg_catalog.oid FROM ctlpr.unfit_members($1::pg_catalog.regclass) u", relid)))
		gate_refuse_weakening("ddl", relid, CAUSE_TRIGGER, "13(b)(2)(A)");
	expressions_guard_member(relid);
}

static void
guard_new_children(List *children)
{
	ListCell *cell;

	if (!IsTransactionState() || !registry_any_governed())
		return;
	foreach (cell, children)
	{
		const GovernedRelation *governed = registry_lookup(lfirst_oid(cell));

		/* Rows that a parent routes into it, or takes from it, would not pass its policy. */
		if (governed && governed->root == governed->relid && has_superclass(governed->relid))
			gate_refuse_command("ddl", governed->relid, CAUSE_FOREIGN_PARENT, "13(d)(6)");
		if (!governed || !get_rel_name(lfirst_oid(cell)))
			continue;
		if (governed->observe_until == 0)
			object_gate_call("apply_guard", lfirst_oid(cell));
		object_gate_call("follow_parent", lfirst_oid(cell));
		if (!object_gate_own_work())
			guard_new_member(lfirst_oid(cell));
	}
	if (children != NIL)
	{
		outflow_guard_publications(NULL);
		outflow_guard_subscriptions();
	}
}

/* A temporary table that goes at commit may take copies of reads. */
static void
note_temporary(Node *node)
{
	RangeVar	  *relation;
	OnCommitAction on_commit;
	Oid			   relid;
	MemoryContext  old;

	if (IsA(node, CreateStmt))
	{
		relation = ((CreateStmt *) node)->relation;
		on_commit = ((CreateStmt *) node)->oncommit;
	}
	else
	{
		relation = ((CreateTableAsStmt *) node)->into->rel;
		on_commit = ((CreateTableAsStmt *) node)->into->onCommit;
	}
	relid = on_commit == ONCOMMIT_DROP ? relation_oid(relation) : InvalidOid;
	if (!OidIsValid(relid) || get_rel_persistence(relid) != RELPERSISTENCE_TEMP)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	until_commit = lappend_oid(until_commit, relid);
	MemoryContextSwitchTo(old);
}

static void
check_result(Node *node, Oid altered, int flaws)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
			note_temporary(node);
			break;
		case T_CreatePublicationStmt:
			outflow_guard_publications(((CreatePublicationStmt *) node)->pubname);
			break;
		case T_AlterPublicationStmt:
			/* What only takes tables out mends. */
			if (((AlterPublicationStmt *) node)->action != AP_DropObjects)
				outflow_guard_publications(((AlterPublicationStmt *) node)->pubname);
			break;
		case T_CreateSubscriptionStmt:
			outflow_guard_subscriptions();
			break;
		case T_AlterSubscriptionStmt:
			/* These bring tables in. */
			if (((AlterSubscriptionStmt *) node)->kind == ALTER_SUBSCRIPTION_SET_PUBLICATION ||
				((AlterSubscriptionStmt *) node)->kind == ALTER_SUBSCRIPTION_ADD_PUBLICATION ||
				((AlterSubscriptionStmt *) node)->kind == ALTER_SUBSCRIPTION_REFRESH)
				outflow_guard_subscriptions();
			break;
		case T_RenameStmt:
		case T_AlterObjectSchemaStmt:
			outflow_guard_publications(NULL);
			break;
		default:
			break;
	}
	if (OidIsValid(altered) && registry_lookup(altered) && count_flaws(altered) > flaws)
		gate_refuse_weakening("ddl", altered, CAUSE_WEAKENS, "13(d)(6)");
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
	return command.altered;
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
utility_gate_until_commit(Oid relid)
{
	return OidIsValid(relid) ? list_member_oid(until_commit, relid) : command.until_commit;
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

/* What the server says of a row that does not fit names its values; that it does not fit is enough. */
static void
rethrow_without_values(MemoryContext context)
{
	ErrorData *error;
	int		   category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		return;
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (category == ERRCODE_DATA_EXCEPTION)
		error->message = "the command fails on a row of a governed table";
	error->detail = "What the server says of the row stays here, since it may quote a read.";
	error->detail_log = NULL;
	error->context = NULL;
	ReThrowError(error);
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

/* What is to be known of a command while it runs */
static Command
describe_command(PlannedStmt *statement, const char *query_string)
{
	Node   *node = statement->utilityStmt;
	Command described = {InvalidOid, false, false, false, false, -1, statement, query_string};

	if (!IsTransactionState())
		return described;
	if (IsA(node, AlterTableStmt))
		described.altered = relation_oid(((AlterTableStmt *) node)->relation);
	described.explains = IsA(node, ExplainStmt);
	described.to_server = IsA(node, CopyStmt) && ((CopyStmt *) node)->filename != NULL;
	described.until_commit = IsA(node, CreateTableAsStmt) && ((CreateTableAsStmt *) node)->into->onCommit == ONCOMMIT_DROP &&
							 ((CreateTableAsStmt *) node)->into->rel->relpersistence == RELPERSISTENCE_TEMP;
	return described;
}

static void
run_gated(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
		  ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	Node *node = statement->utilityStmt;
	Oid	  altered = InvalidOid;
	int	  flaws = 0;
	bool  gated = !IsBinaryUpgrade && IsTransactionState() && registry_ready();
	bool  done = false;

	if (gated)
	{
		statement = gate_command(statement, query_string, completion, &done);
		if (done)
			return;
		altered = registry_any_governed() ? altered_relation(node) : InvalidOid;
		if (object_gate_own_work())
			altered = InvalidOid;
		command.about_governed = is_about_governed(node, altered);
		if (OidIsValid(altered) && registry_lookup(altered))
			flaws = count_flaws(altered);
	}
	call_standard_utility(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	guard_new_children(object_gate_new_children());
	/* Some commands end the transaction that they began in. */
	if (gated && IsTransactionState() && registry_any_governed() && !object_gate_own_work())
	{
		object_gate_forget_dropped();
		check_result(node, altered, flaws);
	}
}

static void
run_utility(PlannedStmt *statement, const char *query_string, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	MemoryContext caller = CurrentMemoryContext;
	Command		  outer = command;
	const char	 *database = database_to_be_alone(statement->utilityStmt);

	if (!IsBinaryUpgrade && database && superuser())
		dismiss_writer(database);
	command = describe_command(statement, query_string);
	PG_TRY();
	{
		run_gated(statement, query_string, read_only_tree, context, params, environment, receiver, completion);
	}
	PG_CATCH();
	{
		bool about_governed = command.about_governed;

		command = outer;
		if (about_governed)
			rethrow_without_values(caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
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
			until_commit = NIL;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			log_restored = false;
			until_commit = NIL;
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
