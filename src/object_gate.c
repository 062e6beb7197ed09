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

#include "catalog/index.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "ctlpr.h"
#include "expressions.h"
#include "gate.h"
#include "hold.h"
#include "object_gate.h"
#include "outflow.h"
#include "record.h"
#include "registry.h"
#include "utility_gate.h"

static object_access_hook_type previous_object_access = NULL;

static int	 own_depth = 0;			   /* commands of ours under way */
static List *new_children = NIL;	   /* of Oid; in TopTransactionContext */
static bool	 detached_dropped = false; /* a table with a registration of its own went in the command under way */
static List *held_kept = NIL;		   /* of Oid: what is held of them was copied in this transaction; in TopTransactionContext */

/* ---- what is our own doing ---- */

bool
object_gate_own_work(void)
{
	Oid user;
	int context;

	if (own_depth > 0 || (ctlpr_restore && superuser()))
		return true;
	if (creating_extension && CurrentExtensionObject == registry_extension())
		return true;
	GetUserIdAndSecContext(&user, &context);
	return (context & SECURITY_LOCAL_USERID_CHANGE) && user == registry_extension_owner();
}

void
object_gate_run(const char *command)
{
	own_depth++;
	PG_TRY();
	{
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "unexpected result of a command of ctlpr");
	}
	PG_FINALLY();
	{
		own_depth--;
	}
	PG_END_TRY();
}

void
object_gate_call(const char *name, Oid relid)
{
	Oid user;
	int context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(registry_extension_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute(psprintf("SELECT ctlpr.%s(%u::pg_catalog.regclass)", name, relid), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not call ctlpr.%s() for relation %u", name, relid);
	SPI_finish();
	PopActiveSnapshot();
	SetUserIdAndSecContext(user, context);
}

Oid
object_gate_query(const char *query, Oid argument)
{
	Oid	  types[] = {OIDOID};
	Datum values[] = {ObjectIdGetDatum(argument)};
	Oid	  result = InvalidOid;
	Oid	  user;
	int	  context;
	bool  isnull;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(registry_extension_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (SPI_execute_with_args(query, 1, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of a query of ctlpr");
	if (SPI_processed > 0)
		result = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PopActiveSnapshot();
	SetUserIdAndSecContext(user, context);
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
object_gate_new_children(void)
{
	List *children = new_children;

	new_children = NIL;
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
object_gate_keep_held(Oid relid)
{
	List	 *members = find_all_inheritors(relid, AccessShareLock, NULL);
	ListCell *cell;
	Oid		  user;
	int		  context;

	/* Evidence tables are ours to follow their relations; the copying itself runs as their owner. */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(registry_extension_owner(), context | SECURITY_LOCAL_USERID_CHANGE);
	foreach (cell, members)
	{
		const GovernedRelation *found = registry_lookup(lfirst_oid(cell));
		GovernedRelation		member;

		if (!found || found->hold > 0 || get_rel_relkind(found->relid) != RELKIND_RELATION)
			continue;
		member = *found;
		member.root = held_root(found);
		PushActiveSnapshot(GetTransactionSnapshot());
		hold_keep(&member, DT_NOEND);
		PopActiveSnapshot();
		held_kept = remember_oid(held_kept, member.relid);
	}
	SetUserIdAndSecContext(user, context);
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

/* The extension's own objects stay as its script made them while anything is governed. */
static void
guard_altered(Oid class_id, Oid object_id)
{
	if (getExtensionOfObject(class_id, object_id) == registry_extension())
		gate_refuse_weakening("ddl", InvalidOid, CAUSE_OWN_OBJECT, "13(d)(6)");
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
			expressions_guard_created(class_id, object_id, sub_id);
			break;
		case ProcedureRelationId:
		case TypeRelationId:
			guard_altered(class_id, object_id);
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
		if (outflow_is_decoding_function(object_id))
			outflow_guard_decoding();
		return;
	}
	/* The server's own work on the files of a relation alters nothing that anybody stated. */
	if (access == OAT_POST_ALTER && class_id != InheritsRelationId && arg && ((ObjectAccessPostAlter *) arg)->is_internal)
		return;
	if (access == OAT_POST_ALTER && class_id == InheritsRelationId)
		new_children = remember_oid(new_children, object_id);
	if (proc_exit_inprogress || !IsTransactionState() || !utility_gate_any_governed() || object_gate_own_work())
		return;
	switch (access)
	{
		case OAT_DROP:
			guard_dropped(class_id, object_id, sub_id);
			break;
		case OAT_POST_ALTER:
			guard_altered(class_id, object_id);
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
		new_children = held_kept = NIL;
		detached_dropped = false;
	}
}

void
object_gate_install(void)
{
	previous_object_access = object_access_hook;
	object_access_hook = gate_object;
	RegisterXactCallback(forget_transaction, NULL);
}
