/*
 * image.h - images that are kept outside of the database, by their references.
 *
 * An image is ALPR data like its read, 13(a), and goes when that goes,
 * 13(b)(2)(A).  What deletes it is a program outside; the reference is left to
 * it in ctlpr.image_deletion.
 */
#ifndef CTLPR_IMAGE_H
#define CTLPR_IMAGE_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "registry.h"

/*
 * The reference to a member's image as an SQL expression of type text,
 * palloc'd; NULL where it has no image column, or one that holds the image
 * itself.
 */
extern char *image_reference_sql(const GovernedRelation *member);

/* Where the references of purged reads are gathered: memory up to work_mem, then a file; of the current context */
extern Tuplestorestate *image_list_begin(void);

/* Add one; reference is a text datum. */
extern void image_list_add(Tuplestorestate *list, const char *agency_id, Datum reference);

/*
 * Queue them for deletion, in the transaction that deletes their reads, and
 * end the list.  Runs with the rights of the caller: our worker, or the
 * extension's owner.  Result: number queued; an image that is in the queue
 * already is not queued again.
 */
extern int64 image_queue(Oid root, Tuplestorestate *list);

/*
 * Queue the references of all rows of a table or partition that is about to be
 * dropped; looks with the active snapshot.  Result: number queued.
 */
extern int64 image_queue_all(const GovernedRelation *member);

#endif /* CTLPR_IMAGE_H */
