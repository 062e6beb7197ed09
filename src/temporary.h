/*
 * temporary.h - temporary tables that go when the transaction ends, and the
 * reads that went into them.
 *
 * Reads may be copied into such a table, and from one into another, but from
 * none into anything that stays (13(b)(2)(A)).  What is known here ends with
 * the transaction.
 */
#ifndef CTLPR_TEMPORARY_H
#define CTLPR_TEMPORARY_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

/* The name of a CREATE TABLE, or CREATE TABLE AS, that makes such a table; NULL for any other command */
extern const RangeVar *temporary_to_make(Node *command);

/* Such a table was made; root: the governed relation whose reads it was made of, or InvalidOid */
extern void temporary_made(Oid relid, Oid root);

/* Is it one of those made in this transaction? */
extern bool temporary_goes_at_commit(Oid relid);

/* Reads of a governed relation go into a table; nothing is noted of one that is none of these. */
extern void temporary_took_reads(Oid relid, Oid root);

/* Did reads go into any, in this transaction?  Cheap, for it is asked for every statement. */
extern bool temporary_any_reads(void);

/* The governed relation whose reads went into a table, or into any table that a statement names; InvalidOid: none did. */
extern Oid temporary_reads_in(Oid relid);
extern Oid temporary_reads_named(const PlannedStmt *stmt);

extern void temporary_install(void);

#endif /* CTLPR_TEMPORARY_H */
