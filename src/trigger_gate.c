/*
 * trigger_gate.c - triggers on governed tables.
 *
 * A trigger sees every row that is written.  govern() was told which ones may,
 * by name; it allows none that fires before a row and could change it.  What was
 * allowed is the trigger as it was: its function, events, columns, condition,
 * arguments and transition tables.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog_scan.h"
#include "gate.h"
#include "registry.h"
#include "trigger_gate.h"
#include "utility_gate.h"

/*
 * The trigger as it was when the command under way began: the same one, or that
 * of its name on the root.  Some of what the command has made is visible by now.
 */
static HeapTuple
trigger_before(Relation triggers, Form_pg_trigger trigger, Oid root)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key[2];
	HeapTuple	row;

	/* A registered snapshot is a copy of its own. */
	snapshot->curcid = utility_gate_first_id();
	row = catalog_row_by_oid(triggers, TriggerOidIndexId, snapshot, Anum_pg_trigger_oid, trigger->oid);
	if (!HeapTupleIsValid(row))
	{
		ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(root));
		ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&trigger->tgname));
		row = catalog_row(triggers, TriggerRelidNameIndexId, snapshot, 2, key);
	}
	UnregisterSnapshot(snapshot);
	return row;
}

/* Do two triggers do the same at the same events? */
static bool
is_same_trigger(Relation triggers, HeapTuple one, HeapTuple other)
{
	static const AttrNumber compared[] = {Anum_pg_trigger_tgfoid,	 Anum_pg_trigger_tgtype, Anum_pg_trigger_tgattr,
										  Anum_pg_trigger_tgargs,	 Anum_pg_trigger_tgqual, Anum_pg_trigger_tgoldtable,
										  Anum_pg_trigger_tgnewtable};

	for (int i = 0; i < lengthof(compared); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(triggers), compared[i] - 1);
		bool			  null_one;
		bool			  null_other;
		Datum			  value_one = row_datum(triggers, one, compared[i], &null_one);
		Datum			  value_other = row_datum(triggers, other, compared[i], &null_other);

		if (null_one != null_other || (!null_one && !datum_image_eq(value_one, value_other, column->attbyval, column->attlen)))
			return false;
	}
	return true;
}

/* As it was when govern() allowed it: on its own table, or on the root for a member's */
static bool
is_allowed(Relation triggers, HeapTuple row, Oid root)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(row);
	HeapTuple		before;

	if ((TRIGGER_FOR_ROW(trigger->tgtype) && !TRIGGER_FOR_AFTER(trigger->tgtype)) ||
		!registry_allows_trigger(root, NameStr(trigger->tgname)))
		return false;
	before = trigger_before(triggers, trigger, root);
	return HeapTupleIsValid(before) && is_same_trigger(triggers, before, row);
}

void
trigger_gate_created(Oid trigger_oid)
{
	Relation				triggers = table_open(TriggerRelationId, AccessShareLock);
	HeapTuple				row = catalog_row_by_oid(triggers, TriggerOidIndexId, SnapshotSelf, Anum_pg_trigger_oid, trigger_oid);
	Form_pg_trigger			trigger = HeapTupleIsValid(row) ? (Form_pg_trigger) GETSTRUCT(row) : NULL;
	const GovernedRelation *governed = trigger ? registry_lookup(trigger->tgrelid) : NULL;

	/* Of keys and the like; or of the parent's, which was looked at. */
	if (governed && !trigger->tgisinternal && !OidIsValid(trigger->tgparentid) && !is_allowed(triggers, row, governed->root))
		gate_refuse_weakening("ddl", trigger->tgrelid, CAUSE_TRIGGER, "13(b)(2)(A)");
	table_close(triggers, AccessShareLock);
}

static bool
returns_trigger(Oid function)
{
	HeapTuple proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool	  result = HeapTupleIsValid(proc) && ((Form_pg_proc) GETSTRUCT(proc))->prorettype == TRIGGEROID;

	/* One that is only being created is in no trigger yet. */
	if (HeapTupleIsValid(proc))
		ReleaseSysCache(proc);
	return result;
}

void
trigger_gate_function_altered(Oid function)
{
	Oid			relid = InvalidOid;
	Relation	triggers;
	SysScanDesc scan;
	HeapTuple	row;

	if (!returns_trigger(function))
		return;
	triggers = table_open(TriggerRelationId, AccessShareLock);
	scan = systable_beginscan(triggers, InvalidOid, false, NULL, 0, NULL);
	while (!OidIsValid(relid) && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(row);

		if (trigger->tgfoid == function && registry_lookup(trigger->tgrelid))
			relid = trigger->tgrelid;
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	if (OidIsValid(relid))
		gate_refuse_weakening("ddl", relid, CAUSE_TRIGGER, "13(b)(2)(A)");
}
