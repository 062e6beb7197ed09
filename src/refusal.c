/*
 * refusal.c - the one place that words a refusal.
 */
#include "postgres.h"

#include "refusal.h"

void
refusal_raise(VerdictCause cause, const char *clause)
{
	ereport(ERROR,
			(errcode(verdict_sqlstate(cause)), errmsg("%s", verdict_message(cause)),
			 errdetail("The statute decides so in %s.", clause ? clause : "13(b)(1)"), errhint("%s", verdict_hint(cause))));
	pg_unreachable();
}

char *
refusal_explain(VerdictCause cause, const char *clause)
{
	char *sentence;

	if (cause == CAUSE_ALLOWED)
		return psprintf("Allowed under %s.", clause ? clause : "13(b)(1)");
	sentence = psprintf("Refused: %s (%s). %s", verdict_message(cause), clause ? clause : "13(b)(1)", verdict_hint(cause));
	return sentence;
}
