/*
 * refusal.c - the one place that words a refusal.
 */
#include "postgres.h"

#include "refusal.h"

static emit_log_hook_type previous_emit_log = NULL;

/* The server log may not quote the statement of a refusal, nor the function it stood in: both may name a plate. */
static void
hide_statement(ErrorData *error)
{
	const char *sqlstate = unpack_sql_state(error->sqlerrcode);

	if (sqlstate[0] == 'L' && sqlstate[1] == 'P')
	{
		error->hide_stmt = true;
		error->hide_ctx = true;
	}
	if (previous_emit_log)
		previous_emit_log(error);
}

void
refusal_install(void)
{
	previous_emit_log = emit_log_hook;
	emit_log_hook = hide_statement;
}

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
