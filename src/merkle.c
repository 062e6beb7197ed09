/*
 * merkle.c - Merkle trees as Certificate Transparency has them (RFC 9162,
 * section 2.1), with SHA-256.
 *
 * The recursions are those of the RFC.  A range of leaves that is a power of
 * two and begins at a multiple of itself is a full subtree, and asked for.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "port/pg_bitutils.h"

#include "merkle.h"

/* ---- hashes ---- */

/* A context that is made once: making one, and finding the algorithm, takes longer than hashing an entry. */
static EVP_MD_CTX *
context(void)
{
	static EVP_MD_CTX *reused = NULL;

	if (!reused)
		reused = EVP_MD_CTX_new();
	return reused;
}

static const EVP_MD *
algorithm(void)
{
	static EVP_MD *fetched = NULL;

	if (!fetched)
		fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	return fetched;
}

/* SHA-256 of up to three parts */
static void
hash_parts(const void *const *parts, const size_t *bytes, int count, MerkleHash *result)
{
	EVP_MD_CTX	 *hashing = context();
	const EVP_MD *sha256 = algorithm();
	bool		  done = hashing && sha256 && EVP_DigestInit_ex2(hashing, sha256, NULL) == 1;

	for (int i = 0; i < count && done; i++)
		done = EVP_DigestUpdate(hashing, parts[i], bytes[i]) == 1;
	if (!done || EVP_DigestFinal_ex(hashing, result->bytes, NULL) != 1)
		elog(ERROR, "SHA-256 could not be computed");
}

void
merkle_sha256(const void *first, size_t first_bytes, const void *second, size_t second_bytes, MerkleHash *result)
{
	const void	*parts[] = {first, second};
	const size_t bytes[] = {first_bytes, second_bytes};

	hash_parts(parts, bytes, 2, result);
}

void
merkle_leaf(const void *data, size_t bytes, MerkleHash *result)
{
	merkle_sha256("\0", 1, data, bytes, result);
}

void
merkle_node(const MerkleHash *left, const MerkleHash *right, MerkleHash *result)
{
	const void	*parts[] = {"\1", left, right};
	const size_t bytes[] = {1, MERKLE_HASH_BYTES, MERKLE_HASH_BYTES};

	hash_parts(parts, bytes, 3, result);
}

void
merkle_fold(MerkleHash *hashes, int height, MerkleHash *result)
{
	for (int left = 1 << height; left > 1; left /= 2)
		for (int i = 0; i < left; i += 2)
			merkle_node(&hashes[i], &hashes[i + 1], &hashes[i / 2]);
	*result = hashes[0];
}

/* ---- trees ---- */

/* The largest power of two below a number of leaves above one */
static uint64
split(uint64 leaves)
{
	return UINT64CONST(1) << pg_leftmost_one_pos64(leaves - 1);
}

/* MTH(D[from:to]) of RFC 9162, 2.1.1, for a range that such a tree has */
static void
range_hash(MerkleSubtree subtree, void *tree, uint64 from, uint64 to, MerkleHash *result)
{
	uint64	   leaves = to - from;
	MerkleHash left;
	MerkleHash right;
	uint64	   middle;

	if ((leaves & (leaves - 1)) == 0)
	{
		int height = pg_leftmost_one_pos64(leaves);

		Assert(from % leaves == 0);
		subtree(tree, height, from >> height, result);
		return;
	}
	middle = from + split(leaves);
	range_hash(subtree, tree, from, middle, &left);
	range_hash(subtree, tree, middle, to, &right);
	merkle_node(&left, &right, result);
}

void
merkle_root(MerkleSubtree subtree, void *tree, uint64 size, MerkleHash *result)
{
	if (size == 0)
		merkle_sha256(NULL, 0, NULL, 0, result);
	else
		range_hash(subtree, tree, 0, size, result);
}

/* PATH(m, D[from:to]) of 2.1.3.1 */
static int
path(MerkleSubtree subtree, void *tree, uint64 leaf, uint64 from, uint64 to, MerkleHash *proof)
{
	uint64 middle;
	int	   count;

	if (to - from == 1)
		return 0;
	middle = from + split(to - from);
	if (leaf < middle)
	{
		count = path(subtree, tree, leaf, from, middle, proof);
		range_hash(subtree, tree, middle, to, &proof[count]);
	}
	else
	{
		count = path(subtree, tree, leaf, middle, to, proof);
		range_hash(subtree, tree, from, middle, &proof[count]);
	}
	return count + 1;
}

int
merkle_inclusion(MerkleSubtree subtree, void *tree, uint64 leaf, uint64 size, MerkleHash *proof)
{
	Assert(leaf < size);
	return path(subtree, tree, leaf, 0, size, proof);
}

/* SUBPROOF(m, D[from:to], whole) of 2.1.4.1; m reckoned from the first leaf of all */
static int
subproof(MerkleSubtree subtree, void *tree, uint64 old_size, uint64 from, uint64 to, bool whole, MerkleHash *proof)
{
	uint64 middle;
	int	   count = 0;

	if (old_size == to)
	{
		if (!whole)
			range_hash(subtree, tree, from, to, &proof[count++]);
		return count;
	}
	middle = from + split(to - from);
	if (old_size <= middle)
	{
		count = subproof(subtree, tree, old_size, from, middle, whole, proof);
		range_hash(subtree, tree, middle, to, &proof[count]);
	}
	else
	{
		count = subproof(subtree, tree, old_size, middle, to, false, proof);
		range_hash(subtree, tree, from, middle, &proof[count]);
	}
	return count + 1;
}

int
merkle_consistency(MerkleSubtree subtree, void *tree, uint64 old_size, uint64 size, MerkleHash *proof)
{
	Assert(old_size >= 1 && old_size <= size);
	return subproof(subtree, tree, old_size, 0, size, true, proof);
}
