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
typedef struct AlterFlaws
{
	int	  guard;	   /* missing parts of the guard */
	int	  acting_keys; /* foreign keys that would change or delete reads; counted where the command could add one */
	List *others;	   /* missing parts of the guard of other governed tables that the transaction has locked */
} AlterFlaws;

/* Those of a relation that a command alters; none where it is InvalidOid or not governed */
extern AlterFlaws alter_gate_flaws(Node *node, Oid relid);

/* Refuse the command that was run if it left more flaws than it found, or published what may not be. */
extern void alter_gate_after(Node *node, Oid altered, AlterFlaws before);

#endif /* CTLPR_ALTER_GATE_H */
