/*
 * release.h - when what a statement finds may leave: not before its record is
 * durable (14(a)(6)).
 *
 * The record is queued as the statement starts.  A query that calls nothing but
 * functions known to keep what they see to themselves runs while the record is
 * written, and its first row waits for it; so do its end, and any error that
 * could say something of a row.  Any other statement waits before it runs: what
 * its functions and triggers do with what they see, nobody could take back.
 */
#ifndef CTLPR_RELEASE_H
#define CTLPR_RELEASE_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "tcop/dest.h"

/*
 * Watch which functions a plan is made ready to call, between the two calls.
 * end: has it called for none but known ones?  Both take what begin returned,
 * and end has to be called whatever happens in between.
 */
typedef struct ReleaseWatch
{
	struct ReleaseWatch *outer;
	bool				 unknown; /* a function was met that is not known */
} ReleaseWatch;

extern void release_begin_watch(ReleaseWatch *watch);
extern void release_end_watch(ReleaseWatch *watch);

/* From the object access hook: a function is made ready to be called. */
extern void release_note_function(Oid function);

/* Is the statement a query that writes nothing and asks no other server? */
extern bool release_is_plain_query(const QueryDesc *query_desc);

/*
 * A receiver that hands rows on, the first of them when the record with this
 * ticket is durable.  In the current memory context; raises LP020 as
 * audit_await() does.
 */
extern DestReceiver *release_when_durable(DestReceiver *receiver, uint64 ticket);

#endif /* CTLPR_RELEASE_H */
