/*
 * member_gate.h - relations that join or leave a governed table.
 */
#ifndef CTLPR_MEMBER_GATE_H
#define CTLPR_MEMBER_GATE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Before a partition or child leaves its parent: what is held of it is copied,
 * and it stays governed, under a registration of its own.
 */
extern void member_gate_leaving(Oid relid);

/*
 * After a command in which relations got or left a parent: guard them, or
 * refuse the command (LP012, recorded).  parents: in the same places;
 * InvalidOid where it is not known.
 */
extern void member_gate_joined(List *children, List *parents);

/* Foreign keys of a relation and its members whose actions would change or delete reads, counted */
extern int member_gate_acting_keys(Oid relid);

#endif /* CTLPR_MEMBER_GATE_H */
