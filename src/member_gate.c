/*
 * member_gate.c - partitions and children that join or leave a governed table.
 *
 * One that joins gets the guard that its siblings have, and brings nothing
 * that govern() would have refused, nor reads that nothing has checked; one
 * that leaves keeps its governance.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "expressions.h"
#include "gate.h"
#include "member_gate.h"
#include "object_gate.h"
#include "outflow.h"
#include "registry.h"

/* ---- leaving ---- */

void
member_gate_leaving(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (!governed || governed->root == governed->relid)
		return;
	object_gate_keep_held(relid, AccessShareLock);
	object_gate_call("govern_detached", relid);
}

/* ---- joining ---- */

int
member_gate_acting_keys(Oid relid)
{
	return object_gate_query("SELECT pg_catalog.count(k.name)::pg_catalog.oid FROM ctlpr.acting_keys($1::pg_catalog.regclass, "
							 "ctlpr.governing_columns($1::pg_catalog.regclass)) k",
							 relid);
}

/* Triggers, rules and keys of a new member must be such as govern() would have let be; what is unlogged does not stay erased. */
static void
guard_new_member(Oid relid)
{
	if (OidIsValid(
			object_gate_query("SELECT u.member::pg_catalog.oid FROM ctlpr.unfit_members($1::pg_catalog.regclass) u", relid)))
		gate_refuse_weakening("ddl", relid, CAUSE_TRIGGER, "13(b)(2)(A)");
	if (member_gate_acting_keys(relid) > 0)
		gate_refuse_weakening("ddl", relid, CAUSE_KEY_ACTION, "13(d)(6)");
	expressions_guard_member(relid);
}

/* Do all parents of a relation belong to that root? */
static bool
parents_are_of(Oid relid, Oid root)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	bool		result = true;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (result && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_inherits		link = (Form_pg_inherits) GETSTRUCT(row);
		Oid						parent = link->inhparent;
		const GovernedRelation *governed;

		/* On its way out, see DETACH PARTITION CONCURRENTLY */
		if (link->inhdetachpending)
			continue;
		governed = registry_lookup(parent);
		result = governed && governed->root == root;
	}
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return result;
}

/* Rows that a parent routes into a member, or takes from it, would not pass the policy of another root, or any. */
static void
guard_parents(Oid relid, Oid root)
{
	List	 *members = find_all_inheritors(relid, NoLock, NULL);
	ListCell *cell;

	foreach (cell, members)
		if (!parents_are_of(lfirst_oid(cell), root))
			gate_refuse_command("ddl", lfirst_oid(cell), CAUSE_FOREIGN_PARENT, "13(d)(6)");
}

static bool
has_rows(Oid relid)
{
	List	 *members = find_all_inheritors(relid, AccessShareLock, NULL);
	bool	  found = false;
	ListCell *cell;

	foreach (cell, members)
	{
		Relation		member = table_open(lfirst_oid(cell), NoLock);
		TupleTableSlot *slot;
		TableScanDesc	scan;

		if (!found && member->rd_rel->relkind == RELKIND_RELATION)
		{
			slot = table_slot_create(member, NULL);
			scan = table_beginscan(member, SnapshotSelf, 0, NULL);
			found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
			table_endscan(scan);
			ExecDropSingleTupleTableSlot(slot);
		}
		table_close(member, NoLock);
	}
	return found;
}

/* Reads come in by INSERT and COPY, where each is checked, not by the table; one that was governed before has been checked. */
static void
guard_brought_reads(Oid relid)
{
	if (!OidIsValid(object_gate_query("SELECT g.relation::pg_catalog.oid FROM ctlpr.governed_relation g "
									  "WHERE g.relation OPERATOR(pg_catalog.=) $1",
									  relid)) &&
		has_rows(relid))
		gate_refuse_weakening("ddl", relid, CAUSE_UNCHECKED_READS, "13(b)(2)(A)");
}

static void
guard_joined(Oid relid, Oid parent)
{
	const GovernedRelation *found = registry_lookup(relid);
	GovernedRelation		governed;

	if (!found)
	{
		/* It was to stay governed when it left; what is of that name now is another. */
		if (OidIsValid(parent) && registry_lookup(parent))
			gate_refuse_weakening("ddl", parent, CAUSE_WEAKENS, "13(b)(2)(A)");
		return;
	}
	governed = *found;
	guard_parents(relid, governed.root);
	if (governed.root != relid && !object_gate_own_work())
		guard_brought_reads(relid);
	if (governed.observe_until == 0)
		object_gate_call("apply_guard", relid);
	object_gate_call("follow_parent", relid);
	if (!object_gate_own_work())
		guard_new_member(relid);
}

void
member_gate_joined(List *children, List *parents)
{
	ListCell *child;
	ListCell *parent;

	if (!IsTransactionState() || !registry_any_governed())
		return;
	forboth (child, children, parent, parents)
		if (get_rel_name(lfirst_oid(child)))
			guard_joined(lfirst_oid(child), lfirst_oid(parent));
	if (children != NIL)
	{
		outflow_guard_publications(NULL);
		outflow_guard_subscriptions();
	}
}
