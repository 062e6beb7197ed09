/*
 * refusal.h - how a refusal reaches the client.
 */
#ifndef CTLPR_REFUSAL_H
#define CTLPR_REFUSAL_H

#include "postgres.h"

#include "compat.h"
#include "decision.h"

/*
 * Raise the refusal: SQLSTATE of the cause, DETAIL with the clause, HINT with
 * the way out.  No plate, reason or name of an officer is in any of them.  The
 * record is the caller's to make first.
 */
COMPAT_NORETURN extern void refusal_raise(VerdictCause cause, const char *clause);

/* One sentence for check_request(), palloc'd */
extern char *refusal_explain(VerdictCause cause, const char *clause);

/* Keep the statements of refusals out of the server log; from _PG_init() only. */
extern void refusal_install(void);

#endif /* CTLPR_REFUSAL_H */
