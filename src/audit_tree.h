/*
 * audit_tree.h - the Merkle tree over the log, kept in tiles.
 *
 * A tile holds 256 neighbouring hashes; a full one is a row of ctlpr.audit_tile
 * and never changes.  What is not full yet is kept in memory by the writer, and
 * found again from the log by everybody else.  So adding an entry costs two
 * hashes and no write, and any node is a few tiles away.
 */
#ifndef CTLPR_AUDIT_TREE_H
#define CTLPR_AUDIT_TREE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "merkle.h"

#define TILE_HEIGHT 8
#define TILE_HASHES (1 << TILE_HEIGHT)
#define TILE_LEVELS 8 /* enough for 2^63 entries */

/* The hashes at the end of a level that do not fill a tile */
typedef struct PartialTile
{
	int		   count;
	MerkleHash hashes[TILE_HASHES];
} PartialTile;

struct AuditTree;

/* What becomes of a tile that an entry has filled; root: the hash over it */
typedef void (*TileFilled)(struct AuditTree *tree, int level, uint64 number, const MerkleHash *hashes, const MerkleHash *root);

typedef struct AuditTree
{
	uint64		   size; /* entries in it */
	TileFilled	   filled;
	void		  *context; /* of whoever gave that */
	PartialTile	   partial[TILE_LEVELS];
	StringInfoData scratch; /* for leaves */
	Relation	   log;		/* open between audit_tree_open() and audit_tree_close() */
	Relation	   tiles;
	Oid			   log_index;
	Oid			   tile_index;
	Snapshot	   snapshot; /* what is read is seen with it */
} AuditTree;

/* A tree without entries that stores its tiles, in the current memory context, which must live as long */
extern AuditTree *audit_tree_make(void);

/* Open its tables, under the active snapshot; to be closed in the same transaction.  lock: of the tiles. */
extern void audit_tree_open(AuditTree *tree, LOCKMODE lock);
extern void audit_tree_close(AuditTree *tree);

/*
 * Find the end of the tree over the first "size" entries of the log: the
 * hashes of tiles that are not full.  mend: store tiles that are missing, which
 * a restore has not brought (yet).  False, or ERRCODE_DATA_CORRUPTED raised,
 * where entries or tiles are missing that nothing else tells.
 */
extern bool audit_tree_try_load(AuditTree *tree, uint64 size, bool mend);
extern void audit_tree_load(AuditTree *tree, uint64 size, bool mend);

/* Number of entries in the log, as the active snapshot shows it; the tree must be open. */
extern uint64 audit_tree_log_size(AuditTree *tree);

/*
 * Up to which entry the contents of the log have been deleted on record; 0 where
 * none have, or the log has no entry that tells of it.
 */
extern uint64 audit_tree_trimmed(AuditTree *tree);

/* Add the next entry, by its row's columns or by its hash. */
extern void audit_tree_append(AuditTree *tree, const Datum *values, const bool *nulls);
extern void audit_tree_append_hash(AuditTree *tree, const MerkleHash *hash);

/*
 * Show a visitor the rows of the entries behind the first "from", up to "to" of
 * them, in their order, until it answers false.  What it allocates is freed
 * after each.
 */
typedef bool (*EntryVisitor)(void *context, const Datum *values, const bool *nulls);
extern void audit_tree_visit(AuditTree *tree, uint64 from, uint64 to, EntryVisitor visit, void *context);

/* Has the log rows with numbers below 1? */
extern bool audit_tree_has_others(AuditTree *tree);

/* For merkle.h; tree: an AuditTree that is open */
extern void audit_tree_subtree(void *tree, int height, uint64 index, MerkleHash *result);

extern void audit_tree_root(AuditTree *tree, uint64 size, MerkleHash *root);

/* How many full tiles has a level of the tree over so many entries? */
extern uint64 audit_tree_full_tiles(uint64 size, int level);

/* A stored tile, and its root if that is not NULL; false when there is none with this number, or it is damaged */
extern bool audit_tree_tile(AuditTree *tree, int level, uint64 number, MerkleHash *hashes, MerkleHash *root);

#endif /* CTLPR_AUDIT_TREE_H */
