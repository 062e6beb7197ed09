/*
 * audit_tree.c - the Merkle tree over the log, kept in tiles.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "audit_entry.h"
#include "audit_leaf.h"
#include "audit_tree.h"
#include "catalog_scan.h"
#include "registry.h"

/* Attribute numbers of ctlpr.audit_tile, see sql/audit.sql */
enum
{
	Anum_tile_level = 1,
	Anum_tile_number,
	Anum_tile_root,
	Anum_tile_hashes,
	Natts_tile = Anum_tile_hashes
};

/* Attribute numbers of ctlpr.log_trim */
enum
{
	Anum_trim_through = 1,
	Anum_trim_seq
};

/* ---- tiles ---- */

uint64
audit_tree_full_tiles(uint64 size, int level)
{
	return size >> (TILE_HEIGHT * (level + 1));
}

/* A scan in the order of the index; its keys are a level, and a number to begin with */
typedef struct TileScan
{
	Relation	index;
	SysScanDesc scan;
} TileScan;

static void
begin_tiles(AuditTree *tree, TileScan *tiles, int level, StrategyNumber strategy, RegProcedure compare, uint64 number)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_tile_level, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(level));
	ScanKeyInit(&keys[1], Anum_tile_number, strategy, compare, Int64GetDatum((int64) number));
	tiles->index = index_open(tree->tile_index, AccessShareLock);
	tiles->scan = systable_beginscan_ordered(tree->tiles, tiles->index, tree->snapshot, 2, keys);
}

static void
end_tiles(TileScan *tiles)
{
	systable_endscan_ordered(tiles->scan);
	index_close(tiles->index, AccessShareLock);
}

static uint64
tile_number(AuditTree *tree, HeapTuple row)
{
	return (uint64) DatumGetInt64(row_datum(tree->tiles, row, Anum_tile_number, NULL));
}

/* Copy a column of hashes; false when it does not hold that many. */
static bool
copy_hashes(AuditTree *tree, HeapTuple row, int attribute, int count, MerkleHash *hashes)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(row_datum(tree->tiles, row, attribute, NULL));
	bool			fits = VARSIZE_ANY_EXHDR(stored) == count * sizeof(MerkleHash);

	if (fits)
		memcpy(hashes, VARDATA_ANY(stored), count * sizeof(MerkleHash));
	return fits;
}

static pg_noinline void
raise_missing_tile(int level, uint64 number)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("tile " UINT64_FORMAT " of level %d of the tree over the log is missing or damaged", number, level),
					errhint("ctlpr.verify_audit() tells the first entry that is not as it was.")));
}

bool
audit_tree_tile(AuditTree *tree, int level, uint64 number, MerkleHash *hashes, MerkleHash *root)
{
	TileScan  tiles;
	HeapTuple row;
	bool	  found;

	begin_tiles(tree, &tiles, level, BTEqualStrategyNumber, F_INT8EQ, number);
	row = systable_getnext_ordered(tiles.scan, ForwardScanDirection);
	found = HeapTupleIsValid(row) && copy_hashes(tree, row, Anum_tile_hashes, TILE_HASHES, hashes) &&
			(root == NULL || copy_hashes(tree, row, Anum_tile_root, 1, root));
	end_tiles(&tiles);
	return found;
}

static bytea *
make_bytea(const MerkleHash *hashes, int count)
{
	Size   size = VARHDRSZ + count * sizeof(MerkleHash);
	bytea *result = palloc(size);

	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), hashes, count * sizeof(MerkleHash));
	return result;
}

static void
store_tile(AuditTree *tree, int level, uint64 number, const MerkleHash *hashes, const MerkleHash *root)
{
	Datum	  values[Natts_tile];
	bool	  nulls[Natts_tile] = {false};
	HeapTuple row;

	values[Anum_tile_level - 1] = Int16GetDatum(level);
	values[Anum_tile_number - 1] = Int64GetDatum((int64) number);
	values[Anum_tile_root - 1] = PointerGetDatum(make_bytea(root, 1));
	values[Anum_tile_hashes - 1] = PointerGetDatum(make_bytea(hashes, TILE_HASHES));
	row = heap_form_tuple(RelationGetDescr(tree->tiles), values, nulls);
	CatalogTupleInsert(tree->tiles, row);
	heap_freetuple(row);
	pfree(DatumGetPointer(values[Anum_tile_root - 1]));
	pfree(DatumGetPointer(values[Anum_tile_hashes - 1]));
}

/* ---- life ---- */

AuditTree *
audit_tree_make(void)
{
	AuditTree *tree = palloc0(sizeof(AuditTree));

	tree->filled = store_tile;
	initStringInfo(&tree->scratch);
	return tree;
}

void
audit_tree_open(AuditTree *tree, LOCKMODE lock)
{
	tree->log = table_open(registry_log_relation(), AccessShareLock);
	tree->tiles = table_open(registry_own_relation("audit_tile"), lock);
	tree->log_index = registry_log_index();
	tree->tile_index = registry_own_relation("audit_tile_pkey");
	tree->snapshot = GetActiveSnapshot();
}

void
audit_tree_close(AuditTree *tree)
{
	table_close(tree->tiles, NoLock);
	table_close(tree->log, NoLock);
	tree->log = tree->tiles = NULL;
}

/* ---- growing ---- */

/* Add a hash at the end of a level; where it fills a tile, go on with that one's root. */
static void
add_hash(AuditTree *tree, int level, const MerkleHash *hash)
{
	PartialTile *partial = &tree->partial[level];
	MerkleHash	 folded[TILE_HASHES];
	MerkleHash	 root;

	partial->hashes[partial->count++] = *hash;
	if (partial->count < TILE_HASHES)
		return;
	memcpy(folded, partial->hashes, sizeof(folded));
	merkle_fold(folded, TILE_HEIGHT, &root);
	tree->filled(tree, level, audit_tree_full_tiles(tree->size, level) - 1, partial->hashes, &root);
	partial->count = 0;
	add_hash(tree, level + 1, &root);
}

void
audit_tree_append_hash(AuditTree *tree, const MerkleHash *hash)
{
	tree->size++;
	add_hash(tree, 0, hash);
}

void
audit_tree_append(AuditTree *tree, const Datum *values, const bool *nulls)
{
	MerkleHash hash;

	audit_leaf_hash(&tree->scratch, values, nulls, &hash);
	audit_tree_append_hash(tree, &hash);
}

/* ---- finding the end ---- */

uint64
audit_tree_log_size(AuditTree *tree)
{
	Relation	index = index_open(tree->log_index, AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(tree->log, index, tree->snapshot, 0, NULL);
	HeapTuple	last = systable_getnext_ordered(scan, BackwardScanDirection);
	uint64		size = HeapTupleIsValid(last) ? (uint64) DatumGetInt64(row_datum(tree->log, last, Anum_seq, NULL)) : 0;

	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return size;
}

/* Does the log have an entry of this number that tells of entries deleted up to there? */
static bool
tells_of_trim(AuditTree *tree, int64 seq, int64 through)
{
	TupleDesc	desc = RelationGetDescr(tree->log);
	ScanKeyData key;
	HeapTuple	row;
	Datum		detail;
	bool		isnull;
	JsonbValue	found;
	JsonbValue *stated;

	ScanKeyInit(&key, Anum_seq, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(seq));
	row = catalog_row(tree->log, tree->log_index, tree->snapshot, 1, &key);
	if (!HeapTupleIsValid(row) || strcmp(row_text(tree->log, row, Anum_action), "log_retention") != 0)
		return false;
	detail = heap_getattr(row, Anum_detail, desc, &isnull);
	stated = isnull ? NULL : getKeyJsonValueFromContainer(&DatumGetJsonbP(detail)->root, "through", strlen("through"), &found);
	return stated && stated->type == jbvNumeric &&
		   DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(stated->val.numeric))) == through;
}

uint64
audit_tree_trimmed(AuditTree *tree)
{
	Relation	trims = table_open(registry_own_relation("log_trim"), AccessShareLock);
	Relation	index = index_open(registry_own_relation("log_trim_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(trims, index, tree->snapshot, 0, NULL);
	HeapTuple	last = systable_getnext_ordered(scan, BackwardScanDirection);
	int64		through = 0;

	if (HeapTupleIsValid(last))
	{
		through = DatumGetInt64(row_datum(trims, last, Anum_trim_through, NULL));
		if (!tells_of_trim(tree, DatumGetInt64(row_datum(trims, last, Anum_trim_seq, NULL)), through))
			through = 0;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(trims, AccessShareLock);
	return (uint64) through;
}

void
audit_tree_visit(AuditTree *tree, uint64 from, uint64 to, EntryVisitor visit, void *context)
{
	TupleDesc	  desc = RelationGetDescr(tree->log);
	Datum		 *values = palloc(sizeof(Datum) * desc->natts);
	bool		 *nulls = palloc(sizeof(bool) * desc->natts);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext entry = AllocSetContextCreate(caller, "ctlpr entry", ALLOCSET_DEFAULT_SIZES);
	Relation	  index = index_open(tree->log_index, AccessShareLock);
	bool		  going = true;
	ScanKeyData	  keys[2];
	SysScanDesc	  scan;
	HeapTuple	  row;

	ScanKeyInit(&keys[0], Anum_seq, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum((int64) from));
	ScanKeyInit(&keys[1], Anum_seq, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum((int64) to));
	scan = systable_beginscan_ordered(tree->log, index, tree->snapshot, 2, keys);
	while (going && HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(entry);
		heap_deform_tuple(row, desc, values, nulls);
		going = visit(context, values, nulls);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(entry);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	MemoryContextDelete(entry);
	pfree(values);
	pfree(nulls);
}

bool
audit_tree_has_others(AuditTree *tree)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_seq, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(1));
	return HeapTupleIsValid(catalog_row(tree->log, tree->log_index, tree->snapshot, 1, &key));
}

static bool
append_entry(void *context, const Datum *values, const bool *nulls)
{
	AuditTree *tree = context;
	bool	   follows = (uint64) DatumGetInt64(values[Anum_seq - 1]) == tree->size + 1;

	if (follows)
		audit_tree_append(tree, values, nulls);
	return follows;
}

/* Add the entries behind the first "from", up to "to" of them; false when one is missing. */
static bool
hash_entries(AuditTree *tree, uint64 from, uint64 to)
{
	tree->size = from;
	audit_tree_visit(tree, from, to, append_entry, tree);
	return tree->size == to;
}

/* How many tiles of a level are there?  They are written in order, so the last one tells. */
static uint64
stored_tiles(AuditTree *tree, int level)
{
	TileScan  tiles;
	HeapTuple last;
	uint64	  count;

	begin_tiles(tree, &tiles, level, BTGreaterEqualStrategyNumber, F_INT8GE, 0);
	last = systable_getnext_ordered(tiles.scan, BackwardScanDirection);
	count = HeapTupleIsValid(last) ? tile_number(tree, last) + 1 : 0;
	end_tiles(&tiles);
	return count;
}

/*
 * The roots of the tiles of a level from one on, up to the last full one: hashes
 * of the level above that do not fill a tile.  False when a tile is missing.
 */
static bool
load_roots(AuditTree *tree, int level, uint64 from, uint64 to)
{
	PartialTile *above = &tree->partial[level + 1];
	uint64		 number = from;
	TileScan	 tiles;
	HeapTuple	 row;

	begin_tiles(tree, &tiles, level, BTGreaterEqualStrategyNumber, F_INT8GE, from);
	while (number < to && HeapTupleIsValid(row = systable_getnext_ordered(tiles.scan, ForwardScanDirection)))
	{
		if (tile_number(tree, row) != number || !copy_hashes(tree, row, Anum_tile_root, 1, &above->hashes[above->count]))
			break;
		above->count++;
		number++;
	}
	end_tiles(&tiles);
	return number >= to;
}

bool
audit_tree_try_load(AuditTree *tree, uint64 size, bool mend)
{
	uint64 stored = audit_tree_full_tiles(size, 0);

	tree->size = 0;
	for (int level = 0; level < TILE_LEVELS; level++)
		tree->partial[level].count = 0;
	if (mend)
		stored = Min(stored, stored_tiles(tree, 0));
	/* As it was when the last of them was stored; entries behind it fill what is missing. */
	for (int level = 0; level + 1 < TILE_LEVELS; level++)
	{
		uint64 tiles = stored >> (TILE_HEIGHT * level);

		if (!load_roots(tree, level, tiles & ~UINT64CONST(0xFF), tiles))
			return false;
	}
	return hash_entries(tree, stored << TILE_HEIGHT, size);
}

/* Where a tile is there already, it is not ours to change: whoever verifies the log compares. */
static void
store_missing_tile(AuditTree *tree, int level, uint64 number, const MerkleHash *hashes, const MerkleHash *root)
{
	MerkleHash stored[TILE_HASHES];

	if (!audit_tree_tile(tree, level, number, stored, NULL))
		store_tile(tree, level, number, hashes, root);
}

/* Make the whole tree anew from its entries; false when one is missing. */
static bool
rebuild(AuditTree *tree, uint64 size)
{
	TileFilled filled = tree->filled;
	bool	   done;

	for (int level = 0; level < TILE_LEVELS; level++)
		tree->partial[level].count = 0;
	tree->filled = store_missing_tile;
	done = hash_entries(tree, 0, size);
	tree->filled = filled;
	return done;
}

void
audit_tree_load(AuditTree *tree, uint64 size, bool mend)
{
	if (!audit_tree_try_load(tree, size, mend) && !(mend && rebuild(tree, size)))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("entries of the log, or tiles of the tree over it, are missing"),
						errhint("ctlpr.verify_audit() tells the first entry that is not as it was.")));
}

/* ---- nodes ---- */

static pg_noinline void
raise_beyond(void)
{
	elog(ERROR, "a node of the tree over the log lies beyond its end");
}

void
audit_tree_subtree(void *context, int height, uint64 index, MerkleHash *result)
{
	AuditTree *tree = context;
	int		   level = height / TILE_HEIGHT;
	int		   rest = height % TILE_HEIGHT;
	uint64	   first = index << rest;
	uint64	   number = first / TILE_HASHES;
	int		   offset = first % TILE_HASHES;
	int		   count = 1 << rest;
	MerkleHash hashes[TILE_HASHES];

	if (number < audit_tree_full_tiles(tree->size, level))
	{
		if (!audit_tree_tile(tree, level, number, hashes, NULL))
			raise_missing_tile(level, number);
		memmove(hashes, &hashes[offset], count * sizeof(MerkleHash));
	}
	else if (number == audit_tree_full_tiles(tree->size, level) && offset + count <= tree->partial[level].count)
		memcpy(hashes, &tree->partial[level].hashes[offset], count * sizeof(MerkleHash));
	else
		raise_beyond();
	merkle_fold(hashes, rest, result);
}

void
audit_tree_root(AuditTree *tree, uint64 size, MerkleHash *root)
{
	merkle_root(audit_tree_subtree, tree, size, root);
}
