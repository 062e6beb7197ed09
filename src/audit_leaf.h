/*
 * audit_leaf.h - an entry of the log as a leaf of the Merkle tree.
 *
 * docs/log-format.md describes the form; what is said there is a promise to
 * those who verify logs, and changes only together with the word that a leaf
 * begins with.
 */
#ifndef CTLPR_AUDIT_LEAF_H
#define CTLPR_AUDIT_LEAF_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "merkle.h"

/*
 * The text of the leaf, into an empty buffer; values and nulls: all columns of
 * a row of ctlpr.audit_entry, whatever has been made of it.
 */
extern void audit_leaf_text(StringInfo text, const Datum *values, const bool *nulls);

/* The hash of the leaf; in scratch, which is made once and used again */
extern void audit_leaf_hash(StringInfo scratch, const Datum *values, const bool *nulls, MerkleHash *hash);

/* Columns that enter the tree as salted hashes; attribute numbers of the value and of the salt */
typedef struct SaltedColumn
{
	const char *name;
	int			attribute;
	int			salt;
} SaltedColumn;

#define SALTED_COLUMNS 5

extern const SaltedColumn audit_leaf_salted[SALTED_COLUMNS];

/* A salted column's value in the form of the leaf, appended; and the hash over salt and value, which must both be there */
extern void audit_leaf_value(StringInfo text, int attribute, Datum value);
extern void audit_leaf_value_hash(StringInfo scratch, const SaltedColumn *column, const Datum *values, MerkleHash *hash);

#endif /* CTLPR_AUDIT_LEAF_H */
