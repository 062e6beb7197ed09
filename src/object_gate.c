/*
 * object_gate.c - guards objects against being dropped, emptied or altered,
 * by whatever command, cascade or owner's farewell it comes.
 *
 * A governed table goes by release() only; its partitions may go, after what
 * is held was copied.  Evidence stays, and the
 * extension's own objects stay as its script made them while anything is
 * governed.  Expressions that come to be stored beside a governed table are
 * vetted (expressions.c) before they are run over its rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker_internals.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog_scan.h"
#include "ctlpr.h"
#include "exempt.h"
#include "expressions.h"
#include "function_facts.h"
#include "gate.h"
#include "hold.h"
#include "image.h"
#include "object_gate.h"
#include "outflow.h"
#include "record.h"
#include "registry.h"
#include "release.h"
#include "trigger_gate.h"
#include "utility_gate.h"

PG_FUNCTION_INFO_V1(ctlpr_alter_governed);
PG_FUNCTION_INFO_V1(ctlpr_guard_own_table);

static object_access_hook_type previous_object_access = NULL;

static List *new_children = NIL;	   /* of Oid: relations that got or left a parent in the command; in TopTransactionContext */
static List *their_parents = NIL;	   /* of Oid, one for each of new_children */
static bool	 detached_dropped = false; /* a table with a registration of its own went in the command under way */
static List *held_kept = NIL;		   /* of Oid: what is held of them was copied in this transaction; in TopTransactionContext */

/* ---- what is our own doing ---- */

bool
object_gate_own_work(void)
{
	return utility_gate_command_is_own() || (creating_extension && CurrentExtensionObject == registry_extension());
}

/*
 * alter_governed(relation, command, as_owner): a command of ours on a governed
 * table or evidence, for our definer functions; as_owner: with the rights of
 * the relation's owner, for what could run what he made.  Called in any other
 * way it is refused.
 */
Datum
ctlpr_alter_governed(PG_FUNCTION_ARGS)
{
	char *own_command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid	  user;
	int	  context;

	GetUserIdAndSecContext(&user, &context);
	if (!(context & SECURITY_LOCAL_USERID_CHANGE) || user != registry_extension_owner())
		gate_refuse_call("ddl", CAUSE_OWN_OBJECT, "13(d)(6)");
	if (PG_GETARG_BOOL(2))
		exempt_become_owner(PG_GETARG_OID(0), &user, &context);
	SPI_connect();
	object_gate_run(own_command);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	PG_RETURN_VOID();
}

/*
 * Trigger before every command that writes a table of ours: its functions
 * write them.  A superuser may, on record; whoever was given the right to write
 * all tables may not, for with these he would rule over the others.
 */
Datum
ctlpr_guard_own_table(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid			 user;
	int			 context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED), errmsg("guard_own_table() must be called as a trigger")));
	GetUserIdAndSecContext(&user, &context);
	if (user == registry_extension_owner() && ((context & SECURITY_LOCAL_USERID_CHANGE) || creating_extension))
		PG_RETURN_POINTER(NULL);
	/* Our worker, unless something of an owner's runs in it */
	if (MyBgworkerEntry && strcmp(MyBgworkerEntry->bgw_library_name, "ctlpr") == 0 && superuser_arg(user))
		PG_RETURN_POINTER(NULL);
	if (!superuser_arg(user))
		gate_refuse_command("configuration", RelationGetRelid(trigger->tg_relation), CAUSE_OWN_OBJECT, "13(d)(6)");
	if (!ctlpr_restore && !IsBinaryUpgrade && registry_any_governed())
		record_permitted_command("configuration",
								 quote_qualified_identifier("ctlpr", RelationGetRelationName(trigger->tg_relation)), NULL, NULL);
	PG_RETURN_POINTER(NULL);
}

void
object_gate_run(const char *command)
{
	utility_gate_expect_own(true);
	PG_TRY();
	{
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "unexpected result of a command of ctlpr");
	}
	PG_FINALLY();
	{
		utility_gate_expect_own(false);
	}
	PG_END_TRY();
}

/* Who acted before the gate acted as the extension's owner */
typedef struct Caller
{
	Oid user;
	int context;
	int nest_level; /* of settings */
} Caller;

/* As a function of ours with its own search_path does: nothing of the caller's is found by name. */
static Caller
become_extension(void)
{
	Caller caller;

	GetUserIdAndSecContext(&caller.user, &caller.context);
	caller.nest_level = NewGUCNestLevel();
	SetUserIdAndSecContext(registry_extension_owner(), caller.context | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return caller;
}

static void
become_caller(Caller caller)
{
	AtEOXact_GUC(true, caller.nest_level);
	SetUserIdAndSecContext(caller.user, caller.context);
}

void
object_gate_call(const char *name, Oid relid)
{
	Caller caller = become_extension();

	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(psprintf("SELECT ctlpr.%s(%u::pg_catalog.regclass)", name, relid), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not call ctlpr.%s() for relation %u", name, relid);
	SPI_finish();
	PopActiveSnapshot();
	become_caller(caller);
}

Oid
object_gate_query(const char *query, Oid argument)
{
	Oid	   types[] = {OIDOID};
	Datum  values[] = {ObjectIdGetDatum(argument)};
	Oid	   result = InvalidOid;
	Caller caller = become_extension();
	bool   isnull;

	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute_with_args(query, 1, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of a query of ctlpr");
	if (SPI_processed > 0)
		result = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PopActiveSnapshot();
	become_caller(caller);
	return result;
}

static List *
remember_oid(List *list, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	list = lappend_oid(list, oid);
	MemoryContextSwitchTo(old);
	return list;
}

List *
object_gate_new_children(List **parents)
{
	List *children = new_children;

	*parents = their_parents;
	their_parents = new_children = NIL;
	return children;
}

/* ---- dropping ---- */

static bool
is_own_relation(Oid relid)
{
	return get_rel_namespace(relid) == get_rel_namespace(registry_log_relation());
}

/* The root whose holds cover a relation's reads */
static Oid
held_root(const GovernedRelation *governed)
{
	return OidIsValid(governed->detached_from) ? governed->detached_from : governed->root;
}

void
object_gate_keep_held(Oid relid, LOCKMODE lock)
{
	List	 *members = find_all_inheritors(relid, lock, NULL);
	ListCell *cell;
	/* Evidence tables are ours to follow their relations; the copying itself runs as their owner. */
	Caller caller = become_extension();

	foreach (cell, members)
	{
		const GovernedRelation *found = registry_lookup(lfirst_oid(cell));
		GovernedRelation		member;

		if (!found || found->hold > 0 || get_rel_relkind(found->relid) != RELKIND_RELATION)
			continue;
		member = *found;
		member.root = held_root(found);
		PushActiveSnapshot(GetTransactionSnapshot());
		hold_keep(&member, (HoldPart) HOLD_ALL);
		/* Whoever is detached keeps its reads. */
		if (lock == AccessExclusiveLock)
			(void) image_queue_all(&member);
		PopActiveSnapshot();
		held_kept = remember_oid(held_kept, member.relid);
	}
	become_caller(caller);
	CommandCounterIncrement();
}

void
object_gate_refuse_drop(const GovernedRelation *governed)
{
	if (governed->hold > 0)
		gate_refuse_weakening("ddl", governed->relid, CAUSE_EVIDENCE_ALTERED, "13(c)");
	else
		gate_refuse_weakening("ddl", governed->relid, CAUSE_GOVERNED_DROPPED, "13(b)(2)(A)");
}

/* A partition may go: what is held was copied before.  The table itself goes by release(). */
static void
guard_dropped_relation(const GovernedRelation *governed)
{
	Oid relid = governed->relid;

	if (governed->root == relid && !OidIsValid(governed->detached_from))
		object_gate_refuse_drop(governed);
	else if (!list_member_oid(held_kept, relid) && hold_open(held_root(governed)) != NIL)
		gate_refuse_weakening("ddl", relid, CAUSE_HELD_DROPPED, "13(b)(2)(A)");
	else
	{
		detached_dropped |= OidIsValid(governed->detached_from);
		record_permitted_command("ddl", pstrdup(governed->root_name), NULL, NULL);
	}
}

void
object_gate_forget_dropped(void)
{
	if (!detached_dropped)
		return;
	detached_dropped = false;
	(void) object_gate_query("SELECT f::pg_catalog.oid FROM ctlpr.forget_dropped() f", InvalidOid);
}

static bool
is_governing_column(const GovernedRelation *governed, AttrNumber attribute)
{
	return attribute == governed->captured_at || attribute == governed->plate || attribute == governed->owner ||
		   attribute == governed->camera || attribute == governed->image || attribute == governed->hold;
}

static void
guard_dropped(Oid class_id, Oid object_id, int sub_id)
{
	const GovernedRelation *governed;
	Oid						relid;

	/* Not even under break_glass(): what is governed is released first, and then nothing is in the way. */
	if (getExtensionOfObject(class_id, object_id) == registry_extension() ||
		(class_id == ExtensionRelationId && object_id == registry_extension()))
		gate_refuse_locked_command("ddl", CAUSE_OWN_OBJECT, "13(d)(6)");
	if (class_id != RelationRelationId)
		return;
	relid = get_rel_relkind(object_id) == RELKIND_INDEX ? IndexGetRelation(object_id, true) : object_id;
	governed = registry_lookup(relid);
	if (!governed)
		return;
	if (sub_id == 0 && relid == object_id)
		guard_dropped_relation(governed);
	else if (governed->hold > 0)
		gate_refuse_weakening("ddl", relid, CAUSE_EVIDENCE_ALTERED, "13(c)");
	else if (sub_id != 0 && is_governing_column(governed, sub_id))
		gate_refuse_weakening("ddl", relid, CAUSE_WEAKENS, "13(b)(2)(A)");
}

/* ---- altering, creating, emptying ---- */

/* The guard policy keeps what it says, and its name. */
static bool
is_guard_policy(Oid policy, Snapshot snapshot, Oid *relid)
{
	Relation	   policies = table_open(PolicyRelationId, AccessShareLock);
	HeapTuple	   row = catalog_row_by_oid(policies, PolicyOidIndexId, snapshot, Anum_pg_policy_oid, policy);
	Form_pg_policy form = HeapTupleIsValid(row) ? (Form_pg_policy) GETSTRUCT(row) : NULL;

	table_close(policies, AccessShareLock);
	if (!form)
		return false;
	*relid = form->polrelid;
	return registry_lookup(*relid) && strcmp(NameStr(form->polname), "ctlpr_guard") == 0;
}

static void
guard_policy(Oid policy)
{
	Oid relid;

	if (is_guard_policy(policy, NULL, &relid) || is_guard_policy(policy, SnapshotSelf, &relid))
		gate_refuse_weakening("ddl", relid, CAUSE_WEAKENS, "13(d)(6)");
	expressions_guard_created(PolicyRelationId, policy, 0);
}

/*
 * A column gets another type: of the table whose USING expression was vetted,
 * or was the name another's by then?  What the names in the expression meant may
 * have changed as well; so each function is looked at again as the server gets
 * ready to run it over the rows.
 */
static void
guard_retyped(Oid relid)
{
	Oid						altered;
	const GovernedRelation *governed;
	Oid						root;

	if (!utility_gate_retypes(&altered) || (governed = registry_lookup(relid)) == NULL)
		return;
	root = governed->root;
	governed = OidIsValid(altered) ? registry_lookup(altered) : NULL;
	if (!governed || governed->root != root)
		gate_refuse_weakening("ddl", relid, CAUSE_WEAKENS, "13(b)(2)(A)");
	utility_gate_rewrite(relid);
}

/*
 * The extension's own objects stay as its script made them while anything is
 * governed; so does the function of a trigger that was allowed as it was.
 */
static void
guard_altered(Oid class_id, Oid object_id, int sub_id)
{
	if (getExtensionOfObject(class_id, object_id) == registry_extension())
		gate_refuse_weakening("ddl", InvalidOid, CAUSE_OWN_OBJECT, "13(d)(6)");
	else if (class_id == ProcedureRelationId)
		trigger_gate_function_altered(object_id);
	else if (class_id == PolicyRelationId)
		guard_policy(object_id);
	else if (class_id == RelationRelationId && sub_id > 0)
		guard_retyped(object_id);
}

static void
guard_created(Oid class_id, Oid object_id, int sub_id)
{
	switch (class_id)
	{
		case RelationRelationId:
		case ConstraintRelationId:
		case AttrDefaultRelationId:
		case StatisticExtRelationId:
		case PolicyRelationId:
			expressions_guard_created(class_id, object_id, sub_id);
			break;
		case TriggerRelationId:
			trigger_gate_created(object_id);
			break;
		case ProcedureRelationId:
		case TypeRelationId:
			guard_altered(class_id, object_id, sub_id);
			break;
		default:
			break;
	}
}

static void
guard_truncated(Oid relid)
{
	const GovernedRelation *governed;

	if (is_own_relation(relid))
		gate_refuse_weakening("ddl", relid, relid == registry_log_relation() ? CAUSE_LOG_WRITE : CAUSE_OWN_OBJECT, "14(a)(6)");
	governed = registry_lookup(relid);
	if (!governed || registry_observed(governed, shared_now()))
		return;
	if (governed->hold > 0)
		gate_refuse_weakening("ddl", relid, CAUSE_EVIDENCE_ALTERED, "13(c)");
	else
		gate_refuse_weakening("delete", relid, CAUSE_EMPTIED, "13(d)(6)");
}

/* ---- functions ---- */

/*
 * What the server counts of a table's scans: rows and pages that a search
 * found, before the policy took rows away; and how often an index was gone to,
 * once for each of them where a join looks further.
 */
static bool
counts_scanned_rows(Oid function)
{
	switch (function)
	{
		case F_PG_STAT_GET_NUMSCANS:
		case F_PG_STAT_GET_XACT_NUMSCANS:
		case F_PG_STAT_GET_TUPLES_RETURNED:
		case F_PG_STAT_GET_TUPLES_FETCHED:
		case F_PG_STAT_GET_BLOCKS_FETCHED:
		case F_PG_STAT_GET_BLOCKS_HIT:
		case F_PG_STAT_GET_XACT_TUPLES_RETURNED:
		case F_PG_STAT_GET_XACT_TUPLES_FETCHED:
		case F_PG_STAT_GET_XACT_BLOCKS_FETCHED:
		case F_PG_STAT_GET_XACT_BLOCKS_HIT:
			return true;
		default:
			return false;
	}
}

static void
guard_executed(Oid function)
{
	release_note_function(function);
	if (utility_gate_rewrites() && !expressions_is_vetted(function))
		gate_refuse_weakening("ddl", utility_gate_rewrites(), CAUSE_EXPRESSION, "13(b)(2)(A)");
	if (outflow_is_decoding_function(function))
		outflow_guard_decoding();
	else if (IsTransactionState() && registry_any_governed() &&
			 (counts_scanned_rows(function) || function_tells_of_places(function)) &&
			 !has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		gate_refuse_call("select", CAUSE_SCAN_STATISTICS, "13(d)(6)");
}

/* ---- hook ---- */

static void
gate_object(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (previous_object_access)
		previous_object_access(access, class_id, object_id, sub_id, arg);
	if (access == OAT_NAMESPACE_SEARCH || IsBinaryUpgrade)
		return;
	if (access == OAT_FUNCTION_EXECUTE)
	{
		guard_executed(object_id);
		return;
	}
	if (access == OAT_POST_CREATE || access == OAT_POST_ALTER)
		utility_gate_object_altered();
	/* The server's own work on the files of a relation alters nothing that anybody stated. */
	if (access == OAT_POST_ALTER && class_id != InheritsRelationId && arg && ((ObjectAccessPostAlter *) arg)->is_internal)
		return;
	if (access == OAT_POST_ALTER && class_id == InheritsRelationId)
	{
		new_children = remember_oid(new_children, object_id);
		their_parents = remember_oid(their_parents, arg ? ((ObjectAccessPostAlter *) arg)->auxiliary_id : InvalidOid);
	}
	if (proc_exit_inprogress || !IsTransactionState() || !utility_gate_any_governed() || object_gate_own_work())
		return;
	switch (access)
	{
		case OAT_DROP:
			guard_dropped(class_id, object_id, sub_id);
			break;
		case OAT_POST_ALTER:
			guard_altered(class_id, object_id, sub_id);
			break;
		case OAT_POST_CREATE:
			guard_created(class_id, object_id, sub_id);
			break;
		case OAT_TRUNCATE:
			guard_truncated(object_id);
			break;
		default:
			break;
	}
}

static void
forget_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		their_parents = new_children = held_kept = NIL;
		detached_dropped = false;
	}
}

/* What was copied or noted in a subtransaction that is rolled back was not. */
static void
forget_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		their_parents = new_children = held_kept = NIL;
		detached_dropped = false;
	}
}

void
object_gate_install(void)
{
	previous_object_access = object_access_hook;
	object_access_hook = gate_object;
	RegisterXactCallback(forget_transaction, NULL);
	RegisterSubXactCallback(forget_subtransaction, NULL);
}
