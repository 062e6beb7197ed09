/*
 * refusal.c - the one place that words a refusal.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"

#include "error_values.h"
#include "refusal.h"
#include "registry.h"
#include "utility_gate.h"

static emit_log_hook_type previous_emit_log = NULL;

/*
 * The server log may not quote the statement of a refusal, nor the function it
 * stood in: both may name a plate; nor what functions say of rows that they are
 * run over by a command, or by autovacuum, whose errors nobody else sees.
 */
static void
hide_values(ErrorData *error)
{
	const char *sqlstate = unpack_sql_state(error->sqlerrcode);

	if (sqlstate[0] == 'L' && sqlstate[1] == 'P')
	{
		error->hide_stmt = true;
		error->hide_ctx = true;
	}
	else if (error->elevel < ERROR && utility_gate_is_quiet())
		error->output_to_server = false;
	else if (error->elevel >= ERROR && COMPAT_IS_AUTOVACUUM() && registry_was_any_governed() &&
			 !error_says_nothing_of_rows(error->sqlerrcode))
		error_forget_values(error);
	if (previous_emit_log)
		previous_emit_log(error);
}

/*
 * Whether anything is governed cannot be asked while an error is told.
 * Autovacuum is told by its first transaction, the one in which it connects.
 */
static void
settle_autovacuum(XactEvent event, void *arg)
{
	static bool settled = false;

	if (settled || event != XACT_EVENT_PRE_COMMIT)
		return;
	settled = true;
	if (COMPAT_IS_AUTOVACUUM() && OidIsValid(MyDatabaseId))
		(void) registry_any_governed();
}

void
refusal_install(void)
{
	RegisterXactCallback(settle_autovacuum, NULL);
	previous_emit_log = emit_log_hook;
	emit_log_hook = hide_values;
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
