/*
 * event.h - events on record, see event.c.
 */
#ifndef CTLPR_EVENT_H
#define CTLPR_EVENT_H

#include "postgres.h"

/* The outcome of the entry with this number is that of the transaction under way: write it when that ends. */
extern void event_outcome_follows(int64 seq, const char *action);

/* Register the transaction callbacks that write the outcomes; once per backend. */
extern void event_install(void);

#endif /* CTLPR_EVENT_H */
