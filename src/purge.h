/*
 * purge.h - deletes what has expired.
 */
#ifndef CTLPR_PURGE_H
#define CTLPR_PURGE_H

#include "postgres.h"

/*
 * One round over all governed relations that are to be purged, or over one of
 * them: batches and partitions in transactions of their own, a certificate for
 * each relation from which anything went.  Called by the purge worker outside
 * of a transaction; an error in one relation is logged, noted in
 * ctlpr.purge_run, and does not keep the next one waiting.
 */
extern void purge_round(uint64 round, Oid only);

#endif /* CTLPR_PURGE_H */
