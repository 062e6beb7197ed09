/*
 * key_checks.c - recognizes the queries of the server's referential integrity
 * triggers (its ri_triggers.c), and the one by which it makes sure that a
 * partition to be detached is referenced by nobody.
 *
 *	SELECT 1 FROM referenced x WHERE key = $n ... FOR KEY SHARE OF x
 *	SELECT 1 FROM referencing x WHERE $n = column ... FOR KEY SHARE OF x
 *	DELETE FROM referencing WHERE $n = column ...			ON DELETE CASCADE
 *	UPDATE referencing SET column = ... WHERE $n = column ...	the other actions
 *	SELECT fk.column ... FROM referencing fk JOIN partition pk ...	DETACH PARTITION
 *
 * A foreign key that is added or validated is checked row by row with the first
 * of these: the query that the server has for all rows at once would give out
 * columns, and it is kept from it (gate.c, gate_permissions()).
 */
#include "postgres.h"

#include "miscadmin.h"

#include "key_checks.h"
#include "query_shape.h"
#include "utility_gate.h"

static int open_runs = 0;		/* executor runs */
static int runs_in_context = 0; /* those of them that began in the context of a key */
static int planning_depth = 0;

/* ---- shapes ---- */

/* SELECT 1 ... FOR KEY SHARE, or the DELETE or UPDATE of an action, of one table: nothing of a row comes back */
static bool
is_check_or_action(const Query *query)
{
	TargetEntry *entry;

	if (list_length(query->rtable) != 1 || linitial_node(RangeTblEntry, query->rtable)->rtekind != RTE_RELATION ||
		!query_is_plain(query))
		return false;
	if (query->commandType != CMD_SELECT)
		return query->commandType == CMD_DELETE || query->commandType == CMD_UPDATE;
	entry = list_length(query->targetList) == 1 ? linitial(query->targetList) : NULL;
	return entry && IsA(entry->expr, Const) && list_length(query->rowMarks) == 1 &&
		   linitial_node(RowMarkClause, query->rowMarks)->strength == LCS_FORKEYSHARE;
}

/*
 * As ri_triggers.c writes them.  Below another key's run a plan is made for a
 * key that is checked there, and kept for all later checks of that key; what
 * anybody else plans there is his own, unless he writes like that.
 */
static bool
is_written_by_server(const char *text)
{
	return text && strstr(text, " OPERATOR(") && strstr(text, "$1");
}

bool
key_checks_recognize(const Query *query, const char *text)
{
	if (InNoForceRLSOperation())
		return is_check_or_action(query) && (runs_in_context == 0 || is_written_by_server(text));
	return utility_gate_detaches() && query->commandType == CMD_SELECT && query_is_plain(query);
}

/* ---- where they run ---- */

bool
key_checks_underway(void)
{
	if (planning_depth > 0)
		return false;
	return InNoForceRLSOperation() ? runs_in_context == 0 : utility_gate_detaches();
}

int
key_checks_begin_run(void)
{
	int outer = runs_in_context;

	open_runs++;
	runs_in_context += InNoForceRLSOperation();
	return outer;
}

void
key_checks_end_run(int outer)
{
	open_runs--;
	runs_in_context = outer;
}

int
key_checks_open_runs(void)
{
	return open_runs;
}

int
key_checks_begin_planning(void)
{
	return planning_depth++;
}

void
key_checks_end_planning(int outer)
{
	planning_depth = outer;
}
