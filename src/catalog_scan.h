/*
 * catalog_scan.h - scans of the extension's own tables, and of the server's
 * catalogs where those have no cache.
 *
 * Our tables are read the way the server reads its catalogs: systable scans with no
 * snapshot given take a fresh one each, which is what a rule must be read with
 * (under REPEATABLE READ a transaction's snapshot would show repealed rules),
 * and which is allowed in a parallel worker.
 */
#ifndef CTLPR_CATALOG_SCAN_H
#define CTLPR_CATALOG_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* Key on a text column; ScanKeyInit() would assume the C collation, our indexes have the database's. */
static inline void
scan_key_text(ScanKey key, AttrNumber attribute, const char *value)
{
	ScanKeyEntryInitialize(key, 0, attribute, BTEqualStrategyNumber, InvalidOid, DEFAULT_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(value));
}

/* A text column as a palloc'd string; NULL for null */
static inline char *
row_text(Relation relation, HeapTuple row, int attribute)
{
	bool  isnull;
	Datum value = heap_getattr(row, attribute, RelationGetDescr(relation), &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Any other column; isnull may be NULL for one that is declared NOT NULL */
static inline Datum
row_datum(Relation relation, HeapTuple row, int attribute, bool *isnull)
{
	bool ignored;

	return heap_getattr(row, attribute, RelationGetDescr(relation), isnull ? isnull : &ignored);
}

/*
 * The first row with these keys, copied into the current context; NULL where
 * there is none.  snapshot: SnapshotSelf sees what the command under way has
 * just made as well, NULL only what was there before.
 */
static inline HeapTuple
catalog_row(Relation catalog, Oid index, Snapshot snapshot, int keys, ScanKey key)
{
	SysScanDesc scan = systable_beginscan(catalog, index, true, snapshot, keys, key);
	HeapTuple	row = systable_getnext(scan);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

/* The same by the catalog's column of OIDs */
static inline HeapTuple
catalog_row_by_oid(Relation catalog, Oid index, Snapshot snapshot, AttrNumber attribute, Oid oid)
{
	ScanKeyData key;

	ScanKeyInit(&key, attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	return catalog_row(catalog, index, snapshot, 1, &key);
}

#endif /* CTLPR_CATALOG_SCAN_H */
