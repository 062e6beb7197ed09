/*
 * trigger_gate.h - triggers on governed tables.
 */
#ifndef CTLPR_TRIGGER_GATE_H
#define CTLPR_TRIGGER_GATE_H

#include "postgres.h"

/*
 * Refuse (LP012, recorded) a trigger that was just created or replaced on a
 * governed table, unless govern() allowed it and it is what it was then.  To be
 * called from the object access hook, before its catalog row is visible.
 */
extern void trigger_gate_created(Oid trigger);

/* The same for a function that was replaced or altered, and that a trigger of a governed table calls */
extern void trigger_gate_function_altered(Oid function);

#endif /* CTLPR_TRIGGER_GATE_H */
