/*
 * audit_removal.c - takes values out of entries of the log, and old entries out
 * of the log.
 *
 * The hash by which a value entered the tree stays, so the entry still
 * verifies; value and salt go, and without the salt the hash tells nothing,
 * however few values are possible.  Of an entry the hash stays in its tile, so
 * what comes after it still verifies.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "audit_entry.h"
#include "audit_leaf.h"
#include "audit_tree.h"
#include "catalog_scan.h"
#include "exempt.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(ctlpr_redact_stored);
PG_FUNCTION_INFO_V1(ctlpr_trim_stored);

/* ---- values ---- */

static const SaltedColumn *
salted_column(const char *name)
{
	for (int i = 0; i < SALTED_COLUMNS; i++)
		if (strcmp(audit_leaf_salted[i].name, name) == 0)
			return &audit_leaf_salted[i];
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("column \"%s\" of the log cannot be redacted", name),
					errhint("Columns that can be are officer, case_number, reason, plates and detail.")));
}

/* Add what takes one value out to the assignments of an UPDATE, and its hash to those that are kept; false: there is none. */
static bool
take_out(const SaltedColumn *column, const Datum *values, const bool *nulls, StringInfo assignments, StringInfo hashes)
{
	StringInfoData scratch;
	MerkleHash	   hash;
	char		   hex[2 * MERKLE_HASH_BYTES + 1];

	if (nulls[column->attribute - 1] || nulls[column->salt - 1])
		return false;
	initStringInfo(&scratch);
	audit_leaf_value_hash(&scratch, column, values, &hash);
	hex[hex_encode((const char *) hash.bytes, MERKLE_HASH_BYTES, hex)] = '\0';
	appendStringInfo(hashes, "%s\"%s\": \"%s\"", hashes->len > 1 ? ", " : "", column->name, hex);
	appendStringInfo(assignments, "%s = NULL, %s_salt = NULL, ", column->name, column->name);
	return true;
}

/* redact_stored(seq, columns): take the values out; result: how many there were */
Datum
ctlpr_redact_stored(PG_FUNCTION_ARGS)
{
	Relation	   log = table_open(registry_log_relation(), RowExclusiveLock);
	TupleDesc	   desc = RelationGetDescr(log);
	Datum		  *values = palloc(sizeof(Datum) * desc->natts);
	bool		  *nulls = palloc(sizeof(bool) * desc->natts);
	Bitmapset	  *named = NULL;
	StringInfoData assignments;
	StringInfoData hashes;
	ScanKeyData	   key;
	HeapTuple	   row;
	Datum		  *names;
	bool		  *name_nulls;
	int			   count;
	int			   taken = 0;

	ScanKeyInit(&key, Anum_seq, BTEqualStrategyNumber, F_INT8EQ, PG_GETARG_DATUM(0));
	row = catalog_row(log, registry_log_index(), GetActiveSnapshot(), 1, &key);
	if (!HeapTupleIsValid(row))
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("there is no entry " INT64_FORMAT, PG_GETARG_INT64(0))));
	heap_deform_tuple(row, desc, values, nulls);

	initStringInfo(&assignments);
	initStringInfo(&hashes);
	appendStringInfoChar(&hashes, '{');
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, &name_nulls, &count);
	for (int i = 0; i < count; i++)
	{
		const SaltedColumn *column;

		if (name_nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a column to redact must be named")));
		column = salted_column(NameStr(*DatumGetName(names[i])));
		if (!bms_is_member(column->attribute, named))
			taken += take_out(column, values, nulls, &assignments, &hashes);
		named = bms_add_member(named, column->attribute);
	}
	appendStringInfoChar(&hashes, '}');
	if (taken > 0)
		(void) exempt_run(InvalidOid,
						  psprintf("UPDATE ctlpr.audit_entry SET %sredacted = coalesce(redacted, '{}') OPERATOR(pg_catalog.||) "
								   "'%s'::pg_catalog.jsonb WHERE seq OPERATOR(pg_catalog.=) " INT64_FORMAT,
								   assignments.data, hashes.data, PG_GETARG_INT64(0)),
						  0, NULL, NULL, NULL);
	table_close(log, NoLock);
	PG_RETURN_INT32(taken);
}

/* ---- entries ---- */

/* Of what goes the hashes have to be there. */
static void
require_tiles(uint64 through)
{
	AuditTree *tree = audit_tree_make();
	MerkleHash hashes[TILE_HASHES];

	audit_tree_open(tree, AccessShareLock);
	for (uint64 number = 0; number < through / TILE_HASHES; number++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!audit_tree_tile(tree, 0, number, hashes, NULL))
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
							errmsg("tile " UINT64_FORMAT " of the tree over the log is missing", number)));
	}
	audit_tree_close(tree);
}

/* trim_stored(through): delete the entries up to this number, the last of a tile; result: how many there were */
Datum
ctlpr_trim_stored(PG_FUNCTION_ARGS)
{
	int64		through = PG_GETARG_INT64(0);
	Relation	log;
	Relation	index;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	int64		count = 0;

	if (through < 0 || through % TILE_HASHES != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the log is trimmed by whole tiles of %d entries", TILE_HASHES)));
	require_tiles((uint64) through);
	log = table_open(registry_log_relation(), RowExclusiveLock);
	index = index_open(registry_log_index(), AccessShareLock);
	ScanKeyInit(&key, Anum_seq, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(through));
	scan = systable_beginscan_ordered(log, index, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		CatalogTupleDelete(log, &row->t_self);
		count++;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(log, NoLock);
	PG_RETURN_INT64(count);
}
