/*
 * checkpoint_note.h - checkpoints as signed notes.
 *
 * In the form of C2SP's tlog-checkpoint, as a signed note with an Ed25519
 * signature (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note);
 * docs/log-format.md says what ctlpr writes.
 */
#ifndef CTLPR_CHECKPOINT_NOTE_H
#define CTLPR_CHECKPOINT_NOTE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "merkle.h"

/* What a checkpoint says */
typedef struct Checkpoint
{
	int			epoch;
	uint64		size;
	MerkleHash	root;
	char	   *origin;	   /* its first line */
	char	   *note;	   /* the signed note, palloc'd */
	TimestampTz signed_at; /* of a stored one */
} Checkpoint;

/* Is there a key to sign with? */
extern bool checkpoint_enabled(void);

/* The name of the key, which is the origin of the first epoch; palloc'd */
extern char *checkpoint_key_name(void);

/* The name of the log in its checkpoints, for an epoch; palloc'd */
extern char *checkpoint_origin(int epoch);

/* A root as notes have it; palloc'd */
extern char *checkpoint_base64(const MerkleHash *hash);

/* Append the signature to the text of a note; false, and a line in the server log, when it cannot be signed. */
extern bool checkpoint_sign(StringInfo note);

/* Take a note apart, whoever signed it; false when it is no checkpoint. */
extern bool checkpoint_parse(const char *note, Checkpoint *result);

/*
 * The same and, where there is a key that can be read and the note has a
 * signature of it, look at that.  False when it is no checkpoint, or the
 * signature is not good.  One of a key that was used before proves nothing here.
 */
extern bool checkpoint_read(const char *note, Checkpoint *result);

#endif /* CTLPR_CHECKPOINT_NOTE_H */
