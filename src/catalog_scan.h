/*
 * catalog_scan.h - scans of the extension's own tables.
 *
 * They are read the way the server reads its catalogs: systable scans with no
 * snapshot given take a fresh one each, which is what a rule must be read with
 * (under REPEATABLE READ a transaction's snapshot would show repealed rules),
 * and which is allowed in a parallel worker.
 */
#ifndef CTLPR_CATALOG_SCAN_H
#define CTLPR_CATALOG_SCAN_H

#include "postgres.h"

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

#endif /* CTLPR_CATALOG_SCAN_H */
