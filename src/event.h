/*
 * event.h - events on record, see event.c.
 */
#ifndef CTLPR_EVENT_H
#define CTLPR_EVENT_H

/* Register the transaction callbacks that write the outcomes; once per backend. */
extern void event_install(void);

#endif /* CTLPR_EVENT_H */
