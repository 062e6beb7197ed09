/*
 * object_gate.h - what happens to objects, whichever command does it.
 */
#ifndef CTLPR_OBJECT_GATE_H
#define CTLPR_OBJECT_GATE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

#include "registry.h"

/* Is the command under way one of ours: of the extension's script, or object_gate_run()? */
extern bool object_gate_own_work(void);

/* Run one utility command of ours through SPI, which the caller has connected; raises what the command raises. */
extern void object_gate_run(const char *command);

/* Call a function of ours over one relation, ctlpr.name(regclass), with the rights of the extension's owner. */
extern void object_gate_call(const char *name, Oid relid);

/*
 * Run a query of ours with the rights of the extension's owner; $1 is the
 * argument.  Result: its first value as an OID, InvalidOid where it has no row.
 */
extern Oid object_gate_query(const char *query, Oid argument);

/* What held reads a relation has is copied before it is dropped or detached; notes that it was done. */
extern void object_gate_keep_held(Oid relid, LOCKMODE lock);

/* Refuse (LP012, recorded) that a governed root is dropped; returns under break_glass(). */
extern void object_gate_refuse_drop(const GovernedRelation *governed);

/* Drop the registrations of detached partitions that the command under way has dropped. */
extern void object_gate_forget_dropped(void);

/* Relations that got or left a parent in the command under way, and their parents (lists of Oid); forgets them. */
extern List *object_gate_new_children(List **parents);

extern void object_gate_install(void);

#endif /* CTLPR_OBJECT_GATE_H */
