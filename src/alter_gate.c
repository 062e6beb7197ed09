/*
 * alter_gate.c - what commands do to governed tables and to the extension.
 *
 * What a command has altered must be as well guarded afterwards as it was
 * before.  Its flaws are counted on both sides, and whatever took a part of
 * the guard away is refused, which undoes it.  What joins or leaves a governed
 * table is member_gate.c's.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_rewrite.h"
#include "commands/policy.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "alter_gate.h"
#include "ctlpr.h"
#include "expressions.h"
#include "gate.h"
#include "member_gate.h"
#include "object_gate.h"
#include "outflow.h"
#include "record.h"
#include "registry.h"
#include "utility_gate.h"

/* ---- governed tables ---- */

/* The name of the relation that a command alters otherwise than by dropping it; NULL when it alters none */
static RangeVar *
altered_name(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) node)->relation;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->relation;
		case T_IndexStmt:
			return ((IndexStmt *) node)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) node)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) node)->table;
		case T_AlterPolicyStmt:
			return ((AlterPolicyStmt *) node)->table;
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) node)->relation;
		case T_DropStmt:
		{
			DropStmt *drop = (DropStmt *) node;
			List	 *name = linitial(drop->objects);

			/* A policy, rule or trigger is named behind its relation. */
			if (drop->removeType != OBJECT_POLICY && drop->removeType != OBJECT_RULE && drop->removeType != OBJECT_TRIGGER)
				return NULL;
			name = list_truncate(list_copy(name), list_length(name) - 1);
			return makeRangeVarFromNameList(name);
		}
		default:
			return NULL;
	}
}

Oid
alter_gate_relation(Node *node)
{
	return relation_oid(altered_name(node));
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
guard_flaws(Oid relid)
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
				 (class->relhasrules && has_rule(member.relid)) + (class->relpersistence != RELPERSISTENCE_PERMANENT) +
				 OidIsValid(class->reloftype);
		ReleaseSysCache(tuple);
		flaws += may_be_null(member.relid, member.captured_at) + may_be_null(member.relid, member.plate) +
				 !OidIsValid(get_relation_policy_oid(member.relid, "ctlpr_guard", true));
	}
	return flaws;
}

static bool
may_add_key(Node *node)
{
	ListCell *cell;

	if (!IsA(node, AlterTableStmt))
		return false;
	foreach (cell, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableType subtype = lfirst_node(AlterTableCmd, cell)->subtype;

		if (subtype == AT_AddConstraint || subtype == AT_AddColumn || subtype == AT_AlterConstraint)
			return true;
	}
	return false;
}

/* Does the command under way, or one before it in the transaction, hold a lock under which it could have altered the relation? */
static bool
is_locked_by_us(Oid relid)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	for (LOCKMODE mode = ShareUpdateExclusiveLock; mode <= AccessExclusiveLock; mode++)
		if (COMPAT_LOCK_HELD_BY_ME(&tag, mode))
			return true;
	return false;
}

static bool
any_locked_by_us(List *relids)
{
	ListCell *cell;

	foreach (cell, relids)
		if (is_locked_by_us(lfirst_oid(cell)))
			return true;
	return false;
}

/* A governed table that is not the one altered */
typedef struct OtherTable
{
	Oid root;
	int flaws;
} OtherTable;

/* The governed tables that could be altered by mistake, because the transaction has locked them, with their flaws */
static List *
other_tables(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	Oid						root = governed ? governed->root : InvalidOid;
	List				   *others = NIL;
	ListCell			   *cell;

	foreach (cell, registry_roots())
	{
		OtherTable *other;

		/* A registration may stand for a table that was dropped under break_glass(). */
		if (lfirst_oid(cell) == root || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))) ||
			!any_locked_by_us(find_all_inheritors(lfirst_oid(cell), NoLock, NULL)))
			continue;
		other = palloc(sizeof(OtherTable));
		*other = (OtherTable){lfirst_oid(cell), guard_flaws(lfirst_oid(cell))};
		others = lappend(others, other);
	}
	return others;
}

/* Those that it had before; none, where the table was not locked by then */
static int
flaws_before(const List *others, Oid root)
{
	ListCell *cell;

	foreach (cell, others)
		if (((OtherTable *) lfirst(cell))->root == root)
			return ((OtherTable *) lfirst(cell))->flaws;
	return 0;
}

AlterFlaws
alter_gate_flaws(Node *node, Oid relid)
{
	AlterFlaws flaws = {0, 0, altered_name(node) && registry_any_governed() ? other_tables(relid) : NIL};

	if (OidIsValid(relid) && registry_lookup(relid))
	{
		flaws.guard = guard_flaws(relid);
		flaws.acting_keys = may_add_key(node) ? member_gate_acting_keys(relid) : 0;
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
				member_gate_leaving(relation_oid(((PartitionCmd *) command->def)->name));
				break;
			case AT_DropInherit:
				member_gate_leaving(relid);
				break;
			default:
				break;
		}
	}
}

/* Nothing may come in between the copying of what is held and the drop; locked in the server's own order. */
static void
lock_for_drop(Oid relid)
{
	if (get_rel_relispartition(relid))
	{
		Oid parent = get_partition_parent(relid, true);

		if (OidIsValid(parent))
			LockRelationOid(parent, AccessExclusiveLock);
	}
	LockRelationOid(relid, AccessExclusiveLock);
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
		{
			lock_for_drop(relid);
			object_gate_keep_held(relid, AccessExclusiveLock);
		}
		else
			object_gate_refuse_drop(governed);
	}
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

/* ---- before a command ---- */

void
alter_gate_before(Node *node, Oid relid, const char *query_string)
{
	protect_evidence(relid);
	protect_own_relation(relid);
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			protect_aggregate(relid);
			gate_alter_table((AlterTableStmt *) node, query_string);
			break;
		case T_DropStmt:
			gate_drop_table((DropStmt *) node);
			break;
		case T_GrantStmt:
			gate_grant((GrantStmt *) node);
			break;
		case T_AlterExtensionContentsStmt:
			if (strcmp(((AlterExtensionContentsStmt *) node)->extname, "ctlpr") == 0 && registry_any_governed())
				gate_refuse_weakening("ddl", InvalidOid, CAUSE_OWN_OBJECT, "13(d)(6)");
			break;
		case T_AlterExtensionStmt:
			if (strcmp(((AlterExtensionStmt *) node)->extname, "ctlpr") == 0 && superuser() && registry_any_governed())
				record_permitted_command("ddl", NULL, NULL, NULL);
			break;
		case T_AlterSystemStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterRoleSetStmt:
			gate_settings(node);
			break;
		default:
			break;
	}
}

/* ---- afterwards ---- */

/*
 * The server looks the name up for itself, and by then it may be another
 * table's.  What it altered it has locked; a governed table other than the one
 * that was looked at before may have no more flaws than it had.
 */
static void
guard_namesakes(Node *node, const List *before, const List *after)
{
	ListCell *cell;

	foreach (cell, after)
	{
		const OtherTable *other = lfirst(cell);

		if (other->flaws > flaws_before(before, other->root))
			gate_refuse_weakening("ddl", other->root, CAUSE_WEAKENS, "13(d)(6)");
		if (may_add_key(node) && member_gate_acting_keys(other->root) > 0)
			gate_refuse_weakening("ddl", other->root, CAUSE_KEY_ACTION, "13(d)(6)");
	}
}

void
alter_gate_after(Node *node, Oid altered, AlterFlaws before)
{
	AlterFlaws flaws = alter_gate_flaws(node, altered);

	switch (nodeTag(node))
	{
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
		case T_AlterDomainStmt:
		case T_CreateCastStmt:
			expressions_guard_all();
			break;
		case T_AlterTableStmt:
			if (((AlterTableStmt *) node)->objtype == OBJECT_TYPE)
				expressions_guard_all();
			break;
		default:
			break;
	}
	guard_namesakes(node, before.others, flaws.others);
	if (flaws.guard > before.guard)
		gate_refuse_weakening("ddl", altered, CAUSE_WEAKENS, "13(d)(6)");
	if (flaws.acting_keys > before.acting_keys)
		gate_refuse_weakening("ddl", altered, CAUSE_KEY_ACTION, "13(d)(6)");
}
