/*
 * hold.h - copies held reads into evidence tables, 13(b)(2)(A)(i) to (iii) and (B).
 */
#ifndef CTLPR_HOLD_H
#define CTLPR_HOLD_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/block.h"

#include "registry.h"

/* Which reads of a table a hold is applied to */
typedef enum HoldReach
{
	HOLD_LIVE,	 /* those that have not expired, plates compared without case, spaces and punctuation */
	HOLD_ARRIVED /* the same, plates as they are written: quick enough for every round of the worker */
} HoldReach;

/* Numbers of the holds that are open, on one root or (InvalidOid) on all; list of int64 *, palloc'd */
extern List *hold_open(Oid root);

/*
 * Copy what an open hold covers and what is not copied yet, from the relation
 * that it is on.  Runs as that relation's owner, past the policy.  Result:
 * reads copied.  Needs an active snapshot.
 */
extern int64 hold_apply(int64 hold_id, HoldReach reach, TimestampTz now);

/* Part of a member's rows: captured from "from" on and before "until", in pages from "block" on and before "end" */
typedef struct HoldPart
{
	TimestampTz from;  /* DT_NOBEGIN */
	TimestampTz until; /* DT_NOEND */
	BlockNumber block; /* 0 */
	BlockNumber end;   /* InvalidBlockNumber: whatever the captured time and the place */
} HoldPart;

#define HOLD_ALL                                                                                                                 \
	{                                                                                                                            \
		DT_NOBEGIN, DT_NOEND, 0, InvalidBlockNumber                                                                              \
	}

/*
 * The same for the expired rows of one member, which are about to be deleted:
 * those that a hold on the root found alive when it began, or that came later.
 * Looks with the active snapshot, as whoever deletes them has to.
 */
extern void hold_keep(const GovernedRelation *member, HoldPart part);

#endif /* CTLPR_HOLD_H */
