/*
 * clock.h - is the server's clock to be believed, before reads are deleted by it?
 */
#ifndef CTLPR_CLOCK_H
#define CTLPR_CLOCK_H

#include "postgres.h"

/*
 * Look at the clock; for the purge worker, once a round, in a transaction with
 * an active snapshot.  Result: false while deletion is suspended, because the
 * clock was stepped forward by more than an hour against monotonic time, or
 * stands more than a day after it was last seen before a restart, and nobody
 * has confirmed it.
 */
extern bool clock_believed(void);

#endif /* CTLPR_CLOCK_H */
