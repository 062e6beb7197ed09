/*
 * shared.h - the shared memory of ctlpr: one slot per database, one per
 * backend, and the key that seals requests.
 *
 * Sized at server start from ctlpr.max_databases, ctlpr.audit_queue_size and
 * the number of backends; nothing grows afterwards.
 */
#ifndef CTLPR_SHARED_H
#define CTLPR_SHARED_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include "statistics.h"

#define SHARED_REQUEST_KEY_BYTES	  32
#define SHARED_PARALLEL_RELATIONS_MAX 8
#define SHARED_FLUSH_CVS			  32

/* Rounds of a kind of worker, numbered; protected by the slot's lock */
typedef struct WorkerRounds
{
	uint64			  asked;	/* newest that somebody waits for */
	Oid				  relation; /* its relation, or InvalidOid for all */
	uint64			  begun;
	uint64			  done;
	ConditionVariable cv;
} WorkerRounds;

/*
 * State of one database.  Fields of the queue and the workers are protected
 * by the slot's lock; atomics are read without it.
 */
typedef struct DatabaseSlot
{
	Oid		database; /* InvalidOid: free */
	LWLock *lock;

	pg_atomic_uint64 rules_generation; /* rules.c: bumped at every commit that changed a rule */
	pg_atomic_uint64 nothing_governed; /* registry.c: one more than the generation at which nothing was governed; 0: not known */
	pg_atomic_uint64 clock_floor;	   /* latest time ever seen; a clock set back does not resurrect reads */

	/* clock.c: the wall clock and the monotonic one at the last look; 0: none yet */
	TimestampTz clock_wall;
	int64		clock_monotonic;

	/* audit_queue.c: a ring of bytes, positions ever growing */
	char			 *ring;
	uint64			  head;		   /* end of the newest entry */
	uint64			  tail;		   /* start of the oldest entry that is not durable */
	uint64			  pushed;	   /* entries pushed since server start: the newest ticket */
	uint64			  tail_ticket; /* newest ticket of what stood before the tail */
	pg_atomic_uint64  urgent;	   /* newest ticket that somebody waits for */
	pg_atomic_uint64  flushed;	   /* newest ticket that is durable */
	bool			  seq_known;   /* the writer has told next_seq, of log_relation */
	int64			  next_seq;
	Oid				  log_relation;					/* dropping and creating the extension makes another log */
	bool			  restored;						/* a restore loaded the log: read it again, note it */
	ConditionVariable queue_cv;						/* numbered, or room again, or a checkpoint made */
	ConditionVariable flushed_cv[SHARED_FLUSH_CVS]; /* by ticket, so that a batch wakes those alone whom it serves */

	/* audit_writer.c */
	Latch		 *writer_latch; /* NULL: no writer runs */
	int			  writer_pid;
	bool		  writer_wanted;
	bool		  writer_asleep;	/* it does not look at the queue again unless it is woken */
	TransactionId writing_xid;		/* the batch under way, ... */
	uint64		  writing_tail;		/* ... where the tail is once it is committed, */
	uint64		  writing_ticket;	/* ... and the newest ticket in it */
	bool		  forked;			/* the log contradicts a checkpoint: nothing is written */
	uint64		  checkpoint_asked; /* newest checkpoint that somebody waits for */
	uint64		  checkpoint_done;
	bool		  checkpoint_failed; /* the one made last */

	/* worker.c */
	WorkerRounds purge;
	uint64		 purge_first; /* the number that they began with: nothing was purged yet */
	WorkerRounds erase;
	int			 erase_pid;	 /* 0: no erase worker runs */
	bool		 erase_open; /* it left something that it could not end yet */

	Statistics statistics;
} DatabaseSlot;

/* Reads of other agencies that a statement touches, by leader and workers together, 13(d)(8) */
typedef struct BulkCount
{
	pg_atomic_uint64 touched;
	pg_atomic_uint32 recorded; /* one of them has put the refusal on record */
} BulkCount;

/* What parallel workers need to know of their leader's statement */
typedef struct BackendSlot
{
	bool		in_use;
	BulkCount	bulk;
	TimestampTz now; /* the instant of the executor run */
	int			relations;
	Oid			relation[SHARED_PARALLEL_RELATIONS_MAX];
	int64		seq[SHARED_PARALLEL_RELATIONS_MAX];

	/* statistics.c: process and database of a session that waits for its record; written by itself alone */
	int waits_pid; /* 0: it does not */
	Oid waits_in;
} BackendSlot;

typedef struct SharedState
{
	LWLock		*lock; /* claiming and freeing of database slots */
	Latch		*launcher_latch;
	uint8		 request_key[SHARED_REQUEST_KEY_BYTES];
	BackendSlot *backends;
	int			 max_backends;
	DatabaseSlot databases[FLEXIBLE_ARRAY_MEMBER];
} SharedState;

extern SharedState *shared;

/* Install the shared memory hooks; from _PG_init() only. */
extern void shared_install(void);

/*
 * The slot of the connected database, claimed on first use.  Raises
 * configuration_limit_exceeded when ctlpr.max_databases are in use.
 */
extern DatabaseSlot *shared_database(void);

/* The slot of another database, or NULL where it has none */
extern DatabaseSlot *shared_database_of(Oid database);

/* Free the slots of databases that are gone.  Needs a transaction. */
extern void shared_forget_databases(void);

/* The backend slot of this process, and in a parallel worker that of its leader */
extern BackendSlot *shared_backend(void);
extern BackendSlot *shared_leader(void);

/* Ring of bytes: its size, and the launcher's wake-up */
extern uint64 shared_ring_bytes(void);
extern void	  shared_wake_launcher(void);

/*
 * Now, but never before the latest time seen here (so that a clock set back
 * shows no expired read).  Result in microseconds as any TimestampTz.
 */
extern TimestampTz shared_now(void);

/* Raise the floor of shared_now(); the writer does so from the log at its start. */
extern void shared_raise_clock(DatabaseSlot *slot, TimestampTz seen);

#endif /* CTLPR_SHARED_H */
