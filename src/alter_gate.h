/*
 * alter_gate.h - commands that alter governed tables, or the extension.
 */
#ifndef CTLPR_ALTER_GATE_H
#define CTLPR_ALTER_GATE_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/* The relation that a command alters otherwise than by dropping it, by its OID; InvalidOid when it alters none */
extern Oid alter_gate_relation(Node *node);

/*
 * Refuse (LP012, recorded) what a command would weaken and what cannot be told
 * afterwards; copy what is held of partitions that go.  relid: that of
 * alter_gate_relation().
 */
extern void alter_gate_before(Node *node, Oid relid, const char *query_string);

/* What keeps a relation and its members from being as govern() left them, counted */
extern int alter_gate_flaws(Oid relid);

/* Guard relations that got a parent in the command (list of Oid), or refuse it. */
extern void alter_gate_joined(List *children);

/* Refuse the command that was run if it left more flaws than it found, or published what may not be. */
extern void alter_gate_after(Node *node, Oid altered, int flaws);

#endif /* CTLPR_ALTER_GATE_H */
