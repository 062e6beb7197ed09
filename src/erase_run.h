/*
 * erase_run.h - a run of the erase worker over one governed relation, as C and
 * as its rows in ctlpr.erase_run and ctlpr.erase_member.
 */
#ifndef CTLPR_ERASE_RUN_H
#define CTLPR_ERASE_RUN_H

#include "postgres.h"

#include "access/transam.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/block.h"

typedef enum EraseStage
{
	ERASE_VACUUM,		/* dead rows are taken away */
	ERASE_ZERO,			/* and the bytes that they left */
	ERASE_ZERO_TOAST,	/* */
	ERASE_REBUILD,		/* indexes are built again without them */
	ERASE_VERIFY,		/* every page is looked at once more */
	ERASE_VERIFY_TOAST, /* */
	ERASE_DONE
} EraseStage;

/* A table or partition of the relation that is gone through */
typedef struct EraseMember
{
	Oid			relid;
	EraseStage	stage;
	BlockNumber block; /* where the stage goes on, ... */
	Oid			file;  /* ... in this file */
	XLogRecPtr	since;
	bool		rebuild; /* it has lost rows */
} EraseMember;

/* What a step has done, to be added to the row of the run */
typedef struct EraseWork
{
	int64 total; /* pages that have come to be gone through */
	int64 done;
	int64 zeroed;
	int64 verified;
	int64 changed;
	int	  tables;
	int	  indexes;
} EraseWork;

typedef struct EraseRun
{
	MemoryContext	  context; /* of the round; run and members live in it */
	uint64			  round;
	Oid				  relid;
	int64			  run_id; /* 0: there is nothing to do */
	bool			  resumed;
	bool			  deferred; /* the purge is at work */
	TimestampTz		  expired_at;
	TimestampTz		  limit;
	FullTransactionId horizon;
	bool			  members_done;
	bool			  statistics_done;
	FullTransactionId statistics_horizon; /* invalid: they are not replaced yet */
	List			 *members;			  /* EraseMember *, that are not done */
} EraseRun;

/*
 * All of these are called in a transaction with an active snapshot, and change
 * rows in it.
 */

/* Has the purge worker found the clock set forward, and nobody confirmed it? */
extern bool erase_run_clock_doubted(void);

/* Find the run over run->relid that is open.  Result: there is one */
extern bool erase_run_load(EraseRun *run);

/* Is the purge at work on a relation, or was it cut off there? */
extern bool erase_run_purging(Oid relid);

/* What the purge took last and no run has erased: when it had expired, and by which limit.  False: nothing */
extern bool erase_run_purged(Oid relid, TimestampTz *expired_at, TimestampTz *limit);

/* Begin a run over members (list of Oid) as the struct describes it; run_id stays 0 where nothing was lost. */
extern void erase_run_begin(EraseRun *run, List *members);

extern void erase_run_load_members(EraseRun *run);
extern void erase_run_store_member(const EraseRun *run, const EraseMember *member);
extern void erase_run_add(const EraseRun *run, const EraseWork *work);

/* Note what it waits for, palloc'd text or NULL, and the error that it met (0: none). */
extern void erase_run_wait(const EraseRun *run, const char *waiting_for, int sqlstate);

/* The files of a member's indexes as they are now may hold what it has lost. */
extern void erase_run_mark_indexes(const EraseMember *member);

/*
 * The command to run next so that no index of a member holds what it has lost,
 * in the given context; NULL: there is none.  *waiting_for: what an
 * administrator has to do instead.
 */
extern char *erase_run_index_command(const EraseMember *member, MemoryContext context, char **waiting_for);

/* Members that have lost rows in the run; list of Oid in the run's context */
extern List *erase_run_lost(const EraseRun *run);

/* Note that statistics are replaced, by transactions before horizon; that all is done. */
extern void erase_run_statistics(EraseRun *run, FullTransactionId horizon);
extern void erase_run_stage(const EraseRun *run, const char *stage);

/* Who keeps deleted rows from going, in words; palloc'd in the given context, NULL: nobody */
extern char *erase_run_holder(MemoryContext context);

/*
 * Write the certificate from the committed rows, and close the run.  Where a
 * worker was cut off here before, it may be in the log already.
 */
extern void erase_run_certify(const EraseRun *run);

#endif /* CTLPR_ERASE_RUN_H */
