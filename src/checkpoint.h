/*
 * checkpoint.h - signed statements of the size and the root of the log.
 *
 * Whoever keeps one can tell later
 * whether the log still says what it said.
 */
#ifndef CTLPR_CHECKPOINT_H
#define CTLPR_CHECKPOINT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "audit_tree.h"
#include "checkpoint_note.h"

/* The epoch of the log: one more for each fork that was accepted.  Needs an active snapshot. */
extern int checkpoint_epoch(void);

/*
 * Sign the tree as it is, store that in ctlpr.checkpoint and publish it in
 * ctlpr.checkpoint_directory.  In a transaction of its own; the tree must hold
 * committed entries only.  False: it could not be signed or published, which is
 * in the server log.
 */
extern bool checkpoint_make(AuditTree *tree);

/*
 * Does the log still say what the checkpoints of its epoch say that were stored
 * and published last?  If not, *contradicted is one of them.  The tree must be
 * open and loaded.
 */
extern bool checkpoint_extended(AuditTree *tree, Checkpoint *contradicted);

/* A fork of the log that was accepted */
typedef struct LogFork
{
	int			epoch; /* that it began */
	TimestampTz accepted_at;
	Datum		detail; /* jsonb, for the entry that tells of it */
} LogFork;

/* The last fork; false when there was none.  And has the log an entry that tells of it?  Need an active snapshot. */
extern bool checkpoint_fork(LogFork *result);
extern bool checkpoint_fork_recorded(Relation log, const LogFork *fork);

/* All checkpoints that are stored, of whichever epoch, and the published one, by size; list of Checkpoint *, palloc'd */
extern List *checkpoint_list(void);

/*
 * Need not the log extend a checkpoint, because a later epoch, on record, cites
 * the end of its epoch?  docs/log-format.md has the rule.  Needs an active snapshot.
 */
extern bool checkpoint_excused(Relation log, const Checkpoint *checkpoint);

/* The last checkpoint that is stored, of any epoch; false when there is none.  Needs an active snapshot. */
extern bool checkpoint_last(Checkpoint *result);

#endif /* CTLPR_CHECKPOINT_H */
