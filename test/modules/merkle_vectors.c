/*
 * merkle_vectors.c - calls src/merkle.c over leaves that are given, for known
 * answers.
 */
#include "../../src/merkle.c"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(merkle_vector_root);
PG_FUNCTION_INFO_V1(merkle_vector_inclusion);
PG_FUNCTION_INFO_V1(merkle_vector_consistency);

typedef struct Leaves
{
	int			count;
	MerkleHash *hashes;
} Leaves;

static void
subtree(void *tree, int height, uint64 index, MerkleHash *result)
{
	Leaves	  *leaves = tree;
	int		   count = 1 << height;
	MerkleHash hashes[64];

	memcpy(hashes, &leaves->hashes[index * count], count * sizeof(MerkleHash));
	merkle_fold(hashes, height, result);
}

static Leaves
read_leaves(Datum array)
{
	Leaves leaves;
	Datum *data;
	bool  *nulls;

	deconstruct_array(DatumGetArrayTypeP(array), BYTEAOID, -1, false, TYPALIGN_INT, &data, &nulls, &leaves.count);
	leaves.hashes = palloc(sizeof(MerkleHash) * (leaves.count + 1));
	for (int i = 0; i < leaves.count; i++)
	{
		bytea *leaf = DatumGetByteaPP(data[i]);

		merkle_leaf(VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf), &leaves.hashes[i]);
	}
	return leaves;
}

static Datum
hash_bytea(const MerkleHash *hash)
{
	bytea *result = palloc(VARHDRSZ + MERKLE_HASH_BYTES);

	SET_VARSIZE(result, VARHDRSZ + MERKLE_HASH_BYTES);
	memcpy(VARDATA(result), hash, MERKLE_HASH_BYTES);
	return PointerGetDatum(result);
}

static Datum
proof_array(const MerkleHash *proof, int count)
{
	Datum hashes[MERKLE_PROOF_MAX];

	for (int i = 0; i < count; i++)
		hashes[i] = hash_bytea(&proof[i]);
	return PointerGetDatum(construct_array(hashes, count, BYTEAOID, -1, false, TYPALIGN_INT));
}

/* merkle_vector_root(leaves bytea[]) RETURNS bytea */
Datum
merkle_vector_root(PG_FUNCTION_ARGS)
{
	Leaves	   leaves = read_leaves(PG_GETARG_DATUM(0));
	MerkleHash root;

	merkle_root(subtree, &leaves, leaves.count, &root);
	return hash_bytea(&root);
}

/* merkle_vector_inclusion(leaves bytea[], leaf int) RETURNS bytea[] */
Datum
merkle_vector_inclusion(PG_FUNCTION_ARGS)
{
	Leaves	   leaves = read_leaves(PG_GETARG_DATUM(0));
	MerkleHash proof[MERKLE_PROOF_MAX];

	return proof_array(proof, merkle_inclusion(subtree, &leaves, PG_GETARG_INT32(1), leaves.count, proof));
}

/* merkle_vector_consistency(leaves bytea[], old_size int) RETURNS bytea[] */
Datum
merkle_vector_consistency(PG_FUNCTION_ARGS)
{
	Leaves	   leaves = read_leaves(PG_GETARG_DATUM(0));
	MerkleHash proof[MERKLE_PROOF_MAX];

	return proof_array(proof, merkle_consistency(subtree, &leaves, PG_GETARG_INT32(1), leaves.count, proof));
}
