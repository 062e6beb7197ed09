/*
 * merkle.c - the tree of RFC 9162, section 2.1, and its proofs.
 *
 * Of a tree only the right edge is kept: the roots of the complete subtrees
 * that make it up, one for each bit of its size.
 */
#include <string.h>

#include <openssl/evp.h>

#include "verify.h"

void
hash_parts(const void *first, size_t first_length, const void *second, size_t second_length, uint8_t *hash)
{
	static EVP_MD_CTX *context;
	static EVP_MD	  *sha256;

	if (!context)
	{
		context = EVP_MD_CTX_new();
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		if (!context || !sha256)
			die("OpenSSL offers no SHA-256");
	}
	if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 || EVP_DigestUpdate(context, first, first_length) != 1 ||
		EVP_DigestUpdate(context, second, second_length) != 1 || EVP_DigestFinal_ex(context, hash, NULL) != 1)
		die("SHA-256 failed");
}

void
hash_leaf(const void *text, size_t length, uint8_t *hash)
{
	hash_parts("\0", 1, text, length, hash);
}

static void
hash_node(const uint8_t *left, const uint8_t *right, uint8_t *hash)
{
	uint8_t node[1 + 2 * HASH_SIZE];

	node[0] = 1;
	memcpy(node + 1, left, HASH_SIZE);
	memcpy(node + 1 + HASH_SIZE, right, HASH_SIZE);
	hash_parts(node, sizeof(node), "", 0, hash);
}

static bool
same(const uint8_t *one, const uint8_t *other)
{
	return memcmp(one, other, HASH_SIZE) == 0;
}

void
tree_add(Tree *tree, const uint8_t *leaf_hash)
{
	uint8_t hash[HASH_SIZE];
	int		height = 0;

	memcpy(hash, leaf_hash, HASH_SIZE);
	for (; tree->size >> height & 1; height++)
		hash_node(tree->peaks[height], hash, hash);
	memcpy(tree->peaks[height], hash, HASH_SIZE);
	tree->size++;
}

void
tree_root(const Tree *tree, uint8_t *root)
{
	bool begun = false;

	if (tree->size == 0)
		hash_parts("", 0, "", 0, root);
	for (int height = 0; height < 64; height++)
	{
		if (!(tree->size >> height & 1))
			continue;
		if (begun)
			hash_node(tree->peaks[height], root, root);
		else
			memcpy(root, tree->peaks[height], HASH_SIZE);
		begun = true;
	}
}

bool
inclusion_holds(uint64_t index, uint64_t size, const uint8_t *leaf_hash, const uint8_t *root, uint8_t (*proof)[HASH_SIZE],
				size_t length)
{
	uint8_t	 hash[HASH_SIZE];
	uint64_t last;

	if (index >= size)
		return false;
	last = size - 1;
	memcpy(hash, leaf_hash, HASH_SIZE);
	for (size_t i = 0; i < length; i++)
	{
		if (last == 0)
			return false;
		if (index & 1 || index == last)
		{
			hash_node(proof[i], hash, hash);
			for (; !(index & 1) && index != 0; index >>= 1)
				last >>= 1;
		}
		else
			hash_node(hash, proof[i], hash);
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && same(hash, root);
}

bool
consistency_holds(uint64_t first_size, const uint8_t *first_root, uint64_t second_size, const uint8_t *second_root,
				  uint8_t (*proof)[HASH_SIZE], size_t length)
{
	uint64_t	   index = first_size - 1;
	uint64_t	   last = second_size - 1;
	uint8_t		   first[HASH_SIZE];
	uint8_t		   second[HASH_SIZE];
	const uint8_t *start = first_root;
	size_t		   i = 0;

	if (first_size > second_size)
		return false;
	if (first_size == second_size)
		return length == 0 && same(first_root, second_root);
	if (first_size == 0)
	{
		/* The empty tree begins every other, and has one root. */
		hash_parts("", 0, "", 0, first);
		return length == 0 && same(first, first_root);
	}
	/* A first tree that is complete is a node of the second, so the proof leaves its root out. */
	if (first_size & (first_size - 1))
	{
		if (length == 0)
			return false;
		start = proof[i++];
	}
	for (; index & 1; index >>= 1)
		last >>= 1;
	memcpy(first, start, HASH_SIZE);
	memcpy(second, start, HASH_SIZE);
	for (; i < length; i++)
	{
		if (last == 0)
			return false;
		if (index & 1 || index == last)
		{
			hash_node(proof[i], first, first);
			hash_node(proof[i], second, second);
			for (; !(index & 1) && index != 0; index >>= 1)
				last >>= 1;
		}
		else
			hash_node(second, proof[i], second);
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && same(first, first_root) && same(second, second_root);
}
