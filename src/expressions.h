/*
 * expressions.h - expressions that the server runs over every row of a
 * governed table, expired ones included: of checks, indexes, generated
 * columns, statistics, domains, changes of a type.
 */
#ifndef CTLPR_EXPRESSIONS_H
#define CTLPR_EXPRESSIONS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Can only a superuser have made the function, does it nothing but compute, and can nobody else replace it? */
extern bool expressions_is_vetted(Oid function);

/*
 * Refuse (LP012, recorded) an object that was just created, as the object
 * access hook names it, when it would run an unvetted function over a governed
 * table.  Does nothing for any other object.
 */
extern void expressions_guard_created(Oid class_id, Oid object_id, int sub_id);

/* The same for a relation that has become a member of a governed tree, with what expressions it brought along */
extern void expressions_guard_member(Oid relid);

/* The same for all governed relations, after a command that has changed a type */
extern void expressions_guard_all(void);

/*
 * The same for ALTER COLUMN ... TYPE of a governed table, before it runs.
 * Raises what the transformation of the USING expression raises.
 */
extern void expressions_guard_type_change(Oid relid, AlterTableCmd *command, const char *query_string);

#endif /* CTLPR_EXPRESSIONS_H */
