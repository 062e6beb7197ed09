/*
 * key_checks.h - the server's own queries that keep foreign keys.
 */
#ifndef CTLPR_KEY_CHECKS_H
#define CTLPR_KEY_CHECKS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/*
 * Is it a query by which the server checks a foreign key or carries out its
 * action?  Keys are kept whoever owns the rows, so such a query passes the
 * policy (13(d)(6) is about sharing, and it shows nothing).
 *
 * The context in which the server runs them is inherited by triggers below and
 * by functions that ALTER TABLE calls, so shape, operators, columns, action and
 * relation must be those of a constraint that exists.  Raises only what the
 * catalogs raise.
 */
extern bool key_check_recognized(const Query *query);

#endif /* CTLPR_KEY_CHECKS_H */
