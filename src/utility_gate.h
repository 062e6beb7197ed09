/*
 * utility_gate.h - what is known of the utility command under way.
 */
#ifndef CTLPR_UTILITY_GATE_H
#define CTLPR_UTILITY_GATE_H

#include "postgres.h"

#include "catalog/namespace.h"

/* The relation of that name; InvalidOid where there is none */
static inline Oid
relation_oid(const RangeVar *relation)
{
	return relation ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

/* The command identifier with which it began: what the transaction did before it has lower ones */
extern CommandId utility_gate_first_id(void);

/* Does it give a column another type?  *altered: the relation that had its name as it began */
extern bool utility_gate_retypes(Oid *altered);

/* It is about to rewrite a governed table; asked from then on, and not below an executor run: which one, or InvalidOid */
extern void utility_gate_rewrite(Oid relid);
extern Oid	utility_gate_rewrites(void);

/* Does it only detach a partition, and has no executor run begun below it? */
extern bool utility_gate_detaches(void);

/* Is the command under way one that object_gate_run() runs, which announces it? */
extern bool utility_gate_command_is_own(void);
extern void utility_gate_expect_own(bool expected);

/* The command under way has created or altered an object: from now on it may run expressions over rows. */
extern void utility_gate_object_altered(void);

/* Is it kept from saying anything but errors? */
extern bool utility_gate_is_quiet(void);

/* Does EXPLAIN run the statement? */
extern bool utility_gate_explains(void);

/* Is it a COPY into a file or program of the server? */
extern bool utility_gate_copies_to_server(void);

/* Does it create, from a query, a temporary table that goes when the transaction ends?  Reads of a governed relation go in. */
extern bool utility_gate_until_commit(void);
extern void utility_gate_took_reads(Oid root);

/*
 * Was anything governed when the command began?  While it drops the extension,
 * the registry cannot be asked any more.
 */
extern bool utility_gate_any_governed(void);

/* The command's text without its literals, as the log may keep it; NULL where there is none */
extern const char *utility_gate_statement(void);

/* Installs the ProcessUtility hook. */
extern void utility_gate_install(void);

#endif /* CTLPR_UTILITY_GATE_H */
