/*
 * verify.h - what the files of ctlpr-verify share: hashes and the tree, codes,
 * checkpoints, and how the program ends.
 *
 * What it reads may have been made by an adversary.  So a form that is not
 * exactly that of docs/log-format.md is refused, and nothing that was read is
 * printed except numbers and an origin that has been looked at.
 */
#ifndef CTLPR_VERIFY_H
#define CTLPR_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32

/* What is pointed to in a line: not terminated, and any byte may be in it */
typedef struct Field
{
	const char *at;
	size_t		length;
} Field;

/* ---- ctlpr-verify.c ---- */

/* Say on stderr what keeps the program from a verdict, and exit 2. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Say the verdict that the log is valid up to the entry before this one, and exit 1. */
void not_valid(uint64_t seq, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Memory, or exit 2 */
void *grow(void *memory, size_t count, size_t size);

/* ---- codes.c: strict readers, each false for what is not wholly in its form ---- */

bool field_is(Field field, const char *text);
bool field_starts(Field field, const char *text);

/* The field up to the next separator, which is consumed with it; false at the end, where rest->at is NULL */
bool next_field(Field *rest, char separator, Field *field);

/* Decimal up to 2^63 - 1, without sign or leading zeros */
bool parse_number(Field field, uint64_t *number);

/* Hexadecimal in small letters, of exactly so many bytes */
bool parse_hex(Field field, uint8_t *bytes, size_t count);

/* Base64 with its padding, of exactly so many bytes, in the only form that these bytes have */
bool parse_base64(Field field, uint8_t *bytes, size_t count);

/* Is it a name that a key may have and a terminal can show: printable ASCII without spaces and plus signs? */
bool is_name(Field field);

/* ---- merkle.c ---- */

/* The right edge of a tree: its roots of complete subtrees, by height, where the size has a bit. */
typedef struct Tree
{
	uint64_t size;
	uint8_t	 peaks[64][HASH_SIZE];
} Tree;

/* SHA-256 over two parts, one after the other; either may be empty */
void hash_parts(const void *first, size_t first_length, const void *second, size_t second_length, uint8_t *hash);
void hash_leaf(const void *text, size_t length, uint8_t *hash);
void tree_add(Tree *tree, const uint8_t *leaf_hash);
void tree_root(const Tree *tree, uint8_t *root);

/* RFC 9162, 2.1.3.2: is this the leaf at that index, from 0, of the tree of that size and root? */
bool inclusion_holds(uint64_t index, uint64_t size, const uint8_t *leaf_hash, const uint8_t *root, uint8_t (*proof)[HASH_SIZE],
					 size_t length);

/* RFC 9162, 2.1.4.2: does the second tree begin with all of the first? */
bool consistency_holds(uint64_t first_size, const uint8_t *first_root, uint64_t second_size, const uint8_t *second_root,
					   uint8_t (*proof)[HASH_SIZE], size_t length);

/* ---- checkpoint.c ---- */

typedef enum CheckpointState
{
	CHECKPOINT_UNSEEN,
	CHECKPOINT_HOLDS,
	CHECKPOINT_DIFFERS, /* another root at its size */
	CHECKPOINT_BEYOND	/* the log is shorter */
} CheckpointState;

/* The end of an epoch */
typedef struct Citation
{
	uint64_t epoch;
	uint64_t size;
	uint8_t	 root[HASH_SIZE];
} Citation;

typedef struct Checkpoint
{
	uint64_t		size;
	uint8_t			root[HASH_SIZE];
	uint64_t		epoch;	 /* 0 before any fork was accepted */
	const char	   *problem; /* why it cannot count, or NULL */
	bool			kept;	 /* from --from-checkpoint: no later epoch excuses it */
	bool			cited;	 /* not given, but the end of an epoch that a later one cites: only looked at */
	CheckpointState state;
} Checkpoint;

/* A fork that was accepted: what its epoch says of the one before it.  Signed. */
typedef struct Fork
{
	uint64_t epoch;
	Citation extends;
} Fork;

extern Checkpoint *checkpoints; /* in the order of size, once sorted */
extern size_t	   checkpoint_count;
extern Fork		  *forks;
extern size_t	   fork_count;

/* Let this key sign, a line NAME+NUMBER+KEY; several may, of one name. */
void checkpoint_add_key(const char *line);

/* Read a file of checkpoints; without any key signatures are not looked at. */
void checkpoint_read_file(const char *path, bool kept);

/* All are read: add what they cite, and sort. */
void checkpoint_sort(void);

/* Is an origin that of the checkpoints, with or without an epoch? */
bool checkpoint_origin_is(Field origin);

/* The origin without its epoch; NULL while neither key nor checkpoint was read */
const char *checkpoint_base_origin(void);

/* The fork by which a later epoch says that a log need not extend this checkpoint; NULL: it must */
const Fork *checkpoint_excuse(const Checkpoint *checkpoint);

#endif
