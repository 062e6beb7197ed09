/*
 * audit_proof.c - proofs from the Merkle tree over the log, its verification,
 * and its export for those who verify it elsewhere.
 *
 * Verifying does not trust what is stored of the tree: leaves are made anew from
 * the rows and the tree from the leaves; what is stored only tells which entry
 * it is that differs.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "audit_entry.h"
#include "audit_leaf.h"
#include "audit_tree.h"
#include "catalog_scan.h"
#include "checkpoint.h"
#include "record.h"
#include "registry.h"
#include "rules.h"

/* How often a long verification tells how far it is */
#define PROGRESS_MS		 5000
#define PROGRESS_ENTRIES 16384

PG_FUNCTION_INFO_V1(ctlpr_audit_root);
PG_FUNCTION_INFO_V1(ctlpr_inclusion_proof);
PG_FUNCTION_INFO_V1(ctlpr_consistency_proof);
PG_FUNCTION_INFO_V1(ctlpr_verify_audit);
PG_FUNCTION_INFO_V1(ctlpr_export_audit);

/* ---- proofs ---- */

static Datum
hash_datum(const MerkleHash *hash)
{
	bytea *result = palloc(VARHDRSZ + MERKLE_HASH_BYTES);

	SET_VARSIZE(result, VARHDRSZ + MERKLE_HASH_BYTES);
	memcpy(VARDATA(result), hash, MERKLE_HASH_BYTES);
	return PointerGetDatum(result);
}

static Datum
hashes_datum(const MerkleHash *hashes, int count)
{
	Datum *elements = palloc(sizeof(Datum) * (count + 1));

	for (int i = 0; i < count; i++)
		elements[i] = hash_datum(&hashes[i]);
	return PointerGetDatum(construct_array(elements, count, BYTEAOID, -1, false, TYPALIGN_INT));
}

/* The tree over the log as it is now, open */
static AuditTree *
open_tree(void)
{
	AuditTree *tree = audit_tree_make();

	audit_tree_open(tree, AccessShareLock);
	audit_tree_load(tree, audit_tree_log_size(tree), false);
	return tree;
}

/* A size that was asked for, between two others; NULL: that of the log */
static uint64
size_argument(FunctionCallInfo fcinfo, int argument, const char *name, uint64 least, const AuditTree *tree)
{
	int64 size = PG_ARGISNULL(argument) ? (int64) tree->size : PG_GETARG_INT64(argument);

	if (size < (int64) least || size > (int64) tree->size)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between " UINT64_FORMAT " and " UINT64_FORMAT, name, least, tree->size)));
	return (uint64) size;
}

/* audit_root(size): the root of the tree over the first entries of the log */
Datum
ctlpr_audit_root(PG_FUNCTION_ARGS)
{
	AuditTree *tree = open_tree();
	MerkleHash root;

	audit_tree_root(tree, size_argument(fcinfo, 0, "size", 0, tree), &root);
	audit_tree_close(tree);
	return hash_datum(&root);
}

/* inclusion_proof(seq, size): RFC 9162, 2.1.3, for entry number seq in the log of the first "size" entries */
Datum
ctlpr_inclusion_proof(PG_FUNCTION_ARGS)
{
	MerkleHash proof[MERKLE_PROOF_MAX];
	AuditTree *tree = open_tree();
	uint64	   size = size_argument(fcinfo, 1, "size", 1, tree);
	int64	   seq = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	int		   count;

	if (seq < 1 || (uint64) seq > size)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("seq must be between 1 and " UINT64_FORMAT, size)));
	count = merkle_inclusion(audit_tree_subtree, tree, (uint64) seq - 1, size, proof);
	audit_tree_close(tree);
	return hashes_datum(proof, count);
}

/* consistency_proof(size1, size2): RFC 9162, 2.1.4 */
Datum
ctlpr_consistency_proof(PG_FUNCTION_ARGS)
{
	MerkleHash proof[MERKLE_PROOF_MAX];
	AuditTree *tree = open_tree();
	uint64	   size = size_argument(fcinfo, 1, "size2", 1, tree);
	int64	   old_size = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	int		   count;

	if (old_size < 1 || (uint64) old_size > size)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("size1 must be between 1 and " UINT64_FORMAT, size)));
	count = merkle_consistency(audit_tree_subtree, tree, (uint64) old_size, size, proof);
	audit_tree_close(tree);
	return hashes_datum(proof, count);
}

/* ---- verification ---- */

typedef struct Verification
{
	AuditTree  *tree;		 /* grows from the rows */
	uint64		log_size;	 /* entries in the log */
	uint64		from;		 /* what is verified: behind so many entries ... */
	uint64		to;			 /* ... up to so many */
	uint64		bad;		 /* first entry that is not valid; 0: none so far */
	uint64		good;		 /* a checkpoint over so many entries holds */
	List	   *checkpoints; /* by size */
	int			next;		 /* of those */
	bool		has_tile;	 /* of the entry that comes next */
	MerkleHash	tile[TILE_HASHES];
	TimestampTz told_at;
} Verification;

static void
find_bad(Verification *verification, uint64 seq)
{
	if (verification->bad == 0 || seq < verification->bad)
		verification->bad = seq;
}

/* A tile is full: it has to be what is stored. */
static void
compare_tile(AuditTree *tree, int level, uint64 number, const MerkleHash *hashes, const MerkleHash *root)
{
	Verification *verification = tree->context;
	MerkleHash	  stored[TILE_HASHES];
	MerkleHash	  stored_root;
	uint64		  first = number << (TILE_HEIGHT * (level + 1));

	if (!audit_tree_tile(tree, level, number, stored, &stored_root) || memcmp(stored, hashes, sizeof(stored)) != 0 ||
		memcmp(&stored_root, root, sizeof(stored_root)) != 0)
		find_bad(verification, first + 1);
}

/* Is it good: signed, stored as it is signed, and with the root of the log, unless a fork excuses it from that? */
static bool
checkpoint_holds(Verification *verification, const Checkpoint *stored)
{
	AuditTree *tree = verification->tree;
	Checkpoint signed_one;
	MerkleHash root;

	if (!checkpoint_read(stored->note, &signed_one) || signed_one.size != stored->size || signed_one.epoch != stored->epoch ||
		memcmp(&signed_one.root, &stored->root, sizeof(root)) != 0)
		return false;
	if (stored->size <= tree->size)
	{
		audit_tree_root(tree, stored->size, &root);
		if (memcmp(&stored->root, &root, sizeof(root)) == 0)
		{
			verification->good = Max(verification->good, stored->size);
			return true;
		}
	}
	return checkpoint_excused(tree->log, stored);
}

/* Look at the checkpoints over no more entries than "size"; the tree has at least as many, or there are none left. */
static void
meet_checkpoints(Verification *verification, uint64 size)
{
	while (verification->next < list_length(verification->checkpoints) && verification->bad == 0)
	{
		Checkpoint *stored = list_nth(verification->checkpoints, verification->next);

		if (stored->size > size)
			break;
		verification->next++;
		if (!checkpoint_holds(verification, stored))
			find_bad(verification, Min(verification->good, verification->tree->size) + 1);
	}
}

/* The next row: it has to have the next number, and the hash that its tile has. */
static void
verify_entry(Verification *verification, const Datum *values, const bool *nulls)
{
	AuditTree *tree = verification->tree;
	uint64	   place = tree->size % TILE_HASHES;
	MerkleHash hash;

	if ((uint64) DatumGetInt64(values[Anum_seq - 1]) != tree->size + 1)
	{
		find_bad(verification, tree->size + 1);
		return;
	}
	if (place == 0)
		verification->has_tile = audit_tree_tile(tree, 0, tree->size / TILE_HASHES, verification->tile, NULL);
	audit_leaf_hash(&tree->scratch, values, nulls, &hash);
	if (verification->has_tile && memcmp(&hash, &verification->tile[place], sizeof(hash)) != 0)
		find_bad(verification, tree->size + 1);
	else
		audit_tree_append_hash(tree, &hash);
}

static void
tell_progress(Verification *verification)
{
	if (verification->tree->size % PROGRESS_ENTRIES != 0 ||
		!TimestampDifferenceExceeds(verification->told_at, GetCurrentTimestamp(), PROGRESS_MS))
		return;
	ereport(NOTICE, (errmsg("verified " UINT64_FORMAT " of " UINT64_FORMAT " entries",
							verification->tree->size - verification->from, verification->to - verification->from)));
	verification->told_at = GetCurrentTimestamp();
}

static bool
visit_entry(void *context, const Datum *values, const bool *nulls)
{
	Verification *verification = context;

	verify_entry(verification, values, nulls);
	meet_checkpoints(verification, verification->tree->size);
	tell_progress(verification);
	return verification->bad == 0;
}

/* Verify what is asked for, row by row. */
static void
verify_entries(Verification *verification)
{
	audit_tree_visit(verification->tree, verification->from, verification->to, visit_entry, verification);
	if (verification->bad == 0 && verification->tree->size < verification->to)
		find_bad(verification, verification->tree->size + 1);
	/* One over more entries than there are: the log has been cut short. */
	if (verification->bad == 0 && verification->to == verification->log_size)
	{
		verification->good = verification->to;
		meet_checkpoints(verification, PG_INT64_MAX);
	}
}

/* Begin with the tile that an entry is in; the tree before it is taken from the tiles, which checkpoints behind it will confirm. */
static bool
begin_verification(Verification *verification, uint64 from_seq)
{
	AuditTree *tree = verification->tree;
	bool	   begun;

	/* Contents that were deleted on record are taken as their tiles have them, too. */
	verification->from = Max((from_seq - 1) / TILE_HASHES * TILE_HASHES, audit_tree_trimmed(tree));
	begun = audit_tree_try_load(tree, verification->from, false);
	tree->filled = compare_tile;
	tree->context = verification;
	verification->good = 0;
	return begun;
}

static bool
stop_at_first(void *context, const Datum *values, const bool *nulls)
{
	*(bool *) context = true;
	return false;
}

/* Is there a row where none may be: without a number of the tree, or where the contents are said to have been deleted? */
static bool
is_stray(Verification *verification)
{
	AuditTree *tree = verification->tree;
	uint64	   trimmed = audit_tree_trimmed(tree);
	bool	   found = audit_tree_has_others(tree);

	if (!found && trimmed > 0)
		audit_tree_visit(tree, 0, trimmed, stop_at_first, &found);
	return found;
}

/* verify_audit(from_seq, to_seq) */
Datum
ctlpr_verify_audit(PG_FUNCTION_ARGS)
{
	Verification verification = {.tree = audit_tree_make(), .told_at = GetCurrentTimestamp()};
	AuditTree	*tree = verification.tree;
	int64		 from_seq = PG_ARGISNULL(0) ? 1 : PG_GETARG_INT64(0);
	Checkpoint	 contradicted;
	MerkleHash	 root;
	TupleDesc	 desc;
	Datum		 values[4];
	bool		 nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "verify_audit() is not declared as it should be");
	PushActiveSnapshot(GetLatestSnapshot());
	audit_tree_open(tree, AccessShareLock);
	verification.log_size = verification.to = audit_tree_log_size(tree);
	/* Where nothing can be recorded because the log is not what it was, it must be possible to find out where. */
	if (audit_tree_try_load(tree, verification.log_size, false) && checkpoint_extended(tree, &contradicted))
		record_log_reading("verify");
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) < (int64) verification.log_size)
		verification.to = (uint64) Max(PG_GETARG_INT64(1), 0);
	if (from_seq < 1 || (uint64) from_seq > Max(verification.to, 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("from_seq must be between 1 and " UINT64_FORMAT, Max(verification.to, UINT64CONST(1)))));

	if (!begin_verification(&verification, (uint64) from_seq))
		find_bad(&verification, 1);
	else
	{
		verification.checkpoints = checkpoint_list();
		meet_checkpoints(&verification, verification.from);
		if (verification.bad == 0 && is_stray(&verification))
			find_bad(&verification, 1);
		if (verification.bad == 0)
			verify_entries(&verification);
	}

	if (verification.bad == 0)
		audit_tree_root(tree, tree->size, &root);
	audit_tree_close(tree);
	PopActiveSnapshot();

	values[0] = BoolGetDatum(verification.bad == 0);
	values[1] = Int64GetDatum((int64) (tree->size - Min(tree->size, verification.from)));
	values[2] = Int64GetDatum((int64) verification.bad);
	nulls[2] = verification.bad == 0;
	nulls[3] = verification.bad != 0;
	values[3] = nulls[3] ? (Datum) 0 : hash_datum(&root);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ---- export ---- */

/* An export under way: it goes from tile to tile, so that nothing is held open between two calls */
typedef struct Export
{
	uint64		  next;	   /* entries that are done */
	uint64		  trimmed; /* entries whose contents were deleted */
	uint64		  to;
	List		 *lines; /* of the tile under way; list of text * */
	int			  line;
	MemoryContext tile;		  /* lives as long as they */
	bool		  has_hashes; /* the tile is stored: */
	MerkleHash	  hashes[TILE_HASHES];
} Export;

static void
add_line(Export *export, const char *line, int length)
{
	export->lines = lappend(export->lines, cstring_to_text_with_len(line, length));
}

static void
append_hex(StringInfo line, const void *data, int bytes)
{
	enlargeStringInfo(line, 2 * bytes + 1);
	line->len += hex_encode(data, bytes, line->data + line->len);
	line->data[line->len] = '\0';
}

static void
add_values(Export *export, const Datum *values, const bool *nulls)
{
	StringInfoData line;

	initStringInfo(&line);
	for (int i = 0; i < SALTED_COLUMNS; i++)
	{
		const SaltedColumn *column = &audit_leaf_salted[i];

		if (nulls[column->attribute - 1] || nulls[column->salt - 1])
			continue;
		resetStringInfo(&line);
		appendStringInfo(&line, "value\t" INT64_FORMAT "\t%s\t", DatumGetInt64(values[Anum_seq - 1]), column->name);
		append_hex(&line, DatumGetUUIDP(values[column->salt - 1])->data, UUID_LEN);
		appendStringInfoChar(&line, '\t');
		audit_leaf_value(&line, column->attribute, values[column->attribute - 1]);
		add_line(export, line.data, line.len);
	}
	pfree(line.data);
}

/* An entry whose contents were deleted: its hash alone */
static void
add_hash_only(Export *export, uint64 seq, const MerkleHash *hash)
{
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "entry\t" UINT64_FORMAT "\t", seq);
	append_hex(&line, hash, MERKLE_HASH_BYTES);
	add_line(export, line.data, line.len);
}

static void
add_entry(Export *export, const Datum *values, const bool *nulls, const MerkleHash *stored)
{
	StringInfoData text;
	StringInfoData line;
	MerkleHash	   hash;

	initStringInfo(&text);
	initStringInfo(&line);
	audit_leaf_text(&text, values, nulls);
	merkle_leaf(text.data, text.len, &hash);
	appendStringInfo(&line, "entry\t" INT64_FORMAT "\t", DatumGetInt64(values[Anum_seq - 1]));
	append_hex(&line, stored ? stored : &hash, MERKLE_HASH_BYTES);
	appendStringInfoChar(&line, '\t');
	appendBinaryStringInfo(&line, text.data, text.len);
	add_line(export, line.data, line.len);
	pfree(text.data);
	pfree(line.data);
	add_values(export, values, nulls);
}

static bool
export_entry(void *context, const Datum *values, const bool *nulls)
{
	Export *export = context;
	int			  place = (DatumGetInt64(values[Anum_seq - 1]) - 1) % TILE_HASHES;
	MemoryContext old = MemoryContextSwitchTo(export->tile);

	add_entry(export, values, nulls, export->has_hashes ? &export->hashes[place] : NULL);
	MemoryContextSwitchTo(old);
	return true;
}

/* Lines of the entries up to the end of the tile, or of what is asked for */
static void
read_tile(Export *export)
{
	AuditTree *tree = audit_tree_make();
	uint64	   number = export->next / TILE_HASHES;
	uint64	   to = Min(export->to, (number + 1) * TILE_HASHES);

	audit_tree_open(tree, AccessShareLock);
	export->has_hashes = audit_tree_tile(tree, 0, number, export->hashes, NULL);
	for (; export->has_hashes && export->next < Min(to, export->trimmed); export->next++)
		add_hash_only(export, export->next + 1, &export->hashes[export->next % TILE_HASHES]);
	audit_tree_visit(tree, export->next, to, export_entry, export);
	audit_tree_close(tree);
	export->next = to;
}

static Export *
begin_export(FunctionCallInfo fcinfo)
{
	Export *export = palloc0(sizeof(Export));
	AuditTree *tree = audit_tree_make();
	int64	   from_seq = PG_ARGISNULL(0) ? 1 : PG_GETARG_INT64(0);
	char	  *header = psprintf("log\tctlpr-log-1\t%s", checkpoint_origin(checkpoint_epoch()));

	if (!rules_auditor_of(GetOuterUserId(), NULL))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("only an auditor of all agencies may export the log")));
	record_log_reading("export");
	audit_tree_open(tree, AccessShareLock);
	export->to = audit_tree_log_size(tree);
	export->trimmed = audit_tree_trimmed(tree);
	audit_tree_close(tree);
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) < (int64) export->to)
		export->to = (uint64) Max(PG_GETARG_INT64(1), 0);
	if (from_seq < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("from_seq must be 1 or more")));
	export->next = (uint64) from_seq - 1;
	export->tile = AllocSetContextCreate(CurrentMemoryContext, "ctlpr export", ALLOCSET_DEFAULT_SIZES);
	add_line(export, header, strlen(header));
	return export;
}

/* export_audit(from_seq, to_seq): lines as docs/log-format.md has them */
Datum
ctlpr_export_audit(PG_FUNCTION_ARGS)
{
	FuncCallContext *calls;
	MemoryContext	 caller;
	Export *export;

	if (SRF_IS_FIRSTCALL())
	{
		calls = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
		calls->user_fctx = begin_export(fcinfo);
		MemoryContextSwitchTo(caller);
	}
	calls = SRF_PERCALL_SETUP();
	export = calls->user_fctx;
	if (export->line == list_length(export->lines) && export->next < export->to)
	{
		caller = MemoryContextSwitchTo(export->tile);
		MemoryContextReset(export->tile);
		export->lines = NIL;
		export->line = 0;
		read_tile(export);
		MemoryContextSwitchTo(caller);
	}
	if (export->line < list_length(export->lines))
		SRF_RETURN_NEXT(calls, PointerGetDatum(list_nth(export->lines, export->line++)));
	SRF_RETURN_DONE(calls);
}
