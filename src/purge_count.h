/*
 * purge_count.h - what a purge takes away, counted for its certificate: reads
 * by owner, the oldest and the newest.
 */
#ifndef CTLPR_PURGE_COUNT_H
#define CTLPR_PURGE_COUNT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "tcop/dest.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

typedef struct PurgeCount
{
	MemoryContext context; /* of the owners */
	int64		  reads;
	int64		  images; /* of theirs that were queued for deletion */
	List		 *owners; /* of PurgedOwner * */
	TimestampTz	  oldest; /* DT_NOEND: nothing yet */
	TimestampTz	  newest;
} PurgeCount;

/* An empty count, whose memory is a child of the current context */
extern PurgeCount purge_count_make(void);

/* Empty it, and give its memory back. */
extern void purge_count_reset(PurgeCount *count);

/* Add one count to another. */
extern void purge_count_merge(PurgeCount *into, const PurgeCount *from);

/* Both together as a JSON object of reads by agency, palloc'd */
extern char *purge_count_json(const PurgeCount *total, const PurgeCount *batch);

/*
 * Where rows of (owner text, captured_at timestamptz, ctid tid) are counted
 * that a DELETE returns, or that a query finds and that are deleted here.  With
 * a list for images the rows have a fourth column, a text that refers to one.
 */
typedef struct PurgeReceiver
{
	DestReceiver	 receiver;
	PurgeCount		*count;
	Oid				 root;
	Relation		 table; /* to delete from; NULL: the rows are gone already */
	CommandId		 command;
	Snapshot		 snapshot;
	Tuplestorestate *images; /* list for references; NULL: none are wanted */
	TimestampTz		 latest; /* captured time of those that came, deleted or not */
} PurgeReceiver;

/*
 * table: to delete the rows from, without a trigger, locked for that; NULL when
 * they come from a DELETE.  A row that somebody else holds stays, and is not
 * counted.
 */
extern void purge_receiver_init(PurgeReceiver *receiver, PurgeCount *count, Oid root, Relation table);

/* Count what a query found: rows of (owner text, reads bigint, oldest timestamptz, newest timestamptz). */
extern DestReceiver *purge_sums_receiver(PurgeCount *count, Oid root);

#endif /* CTLPR_PURGE_COUNT_H */
