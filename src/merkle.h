/*
 * merkle.h - Merkle trees as Certificate Transparency has them (RFC 9162,
 * section 2.1), with SHA-256.
 *
 * Pure: no table, no state but OpenSSL's.  A tree is a function that gives the
 * hash of each full subtree; where it keeps them is its own matter
 * (audit_tree.c).
 */
#ifndef CTLPR_MERKLE_H
#define CTLPR_MERKLE_H

#include "postgres.h"

#define MERKLE_HASH_BYTES 32

/* No proof over fewer than 2^63 leaves has more hashes than this (RFC 9162, 2.1.3 and 2.1.4) */
#define MERKLE_PROOF_MAX 66

typedef struct MerkleHash
{
	uint8 bytes[MERKLE_HASH_BYTES];
} MerkleHash;

/* SHA-256 of two strings of bytes, one after the other.  Raises an internal error when OpenSSL fails, as all here. */
extern void merkle_sha256(const void *first, size_t first_bytes, const void *second, size_t second_bytes, MerkleHash *result);

/* The hash of a leaf over its data, and of an inner node over the two below it */
extern void merkle_leaf(const void *data, size_t bytes, MerkleHash *result);
extern void merkle_node(const MerkleHash *left, const MerkleHash *right, MerkleHash *result);

/* The hash over a full subtree of 2^height hashes, which are overwritten */
extern void merkle_fold(MerkleHash *hashes, int height, MerkleHash *result);

/*
 * Gives the hash of the full subtree over leaves index * 2^height up to the
 * next, of leaves that are all there.
 */
typedef void (*MerkleSubtree)(void *tree, int height, uint64 index, MerkleHash *result);

/* The root of the tree of the first "size" leaves; that of none is SHA-256 of nothing */
extern void merkle_root(MerkleSubtree subtree, void *tree, uint64 size, MerkleHash *result);

/*
 * The proof that a leaf (from 0) is in the tree of the first "size" leaves, and
 * that this tree extends the one of the first "old_size", 1 <= old_size <= size.
 * proof: room for MERKLE_PROOF_MAX; result: how many hashes.
 */
extern int merkle_inclusion(MerkleSubtree subtree, void *tree, uint64 leaf, uint64 size, MerkleHash *proof);
extern int merkle_consistency(MerkleSubtree subtree, void *tree, uint64 old_size, uint64 size, MerkleHash *proof);

#endif /* CTLPR_MERKLE_H */
