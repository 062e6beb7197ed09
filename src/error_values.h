/*
 * error_values.h - errors that may quote a row of a governed table.
 */
#ifndef CTLPR_ERROR_VALUES_H
#define CTLPR_ERROR_VALUES_H

#include "postgres.h"

#include "compat.h"

/* Can an error of that code not come from an expression over a row? */
extern bool error_says_nothing_of_rows(int code);

/* Take what may quote a row out of an error in the making; of its context the outermost line stays, which names the work. */
extern void error_forget_values(ErrorData *error);

/*
 * In a PG_CATCH block: raise the error again, in the given context, without
 * what may quote a row: its code stays, and the name of a violated constraint.
 */
COMPAT_NORETURN extern void error_rethrow_without_values(MemoryContext context);

#endif /* CTLPR_ERROR_VALUES_H */
