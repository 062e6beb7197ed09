/*
 * event.c - events that SQL functions put on record: configuration changes,
 * refusals of theirs.
 *
 * The entry is durable at once, whatever becomes of the transaction; what
 * became of it follows as the outcome, when it ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "catalog/pg_type.h"

#include "audit_queue.h"
#include "event.h"
#include "registry.h"
#include "request.h"
#include "rules.h"
#include "shared.h"

PG_FUNCTION_INFO_V1(ctlpr_record_event);
PG_FUNCTION_INFO_V1(ctlpr_outer_role);
PG_FUNCTION_INFO_V1(ctlpr_auditor_sees);

typedef struct PendingEvent
{
	int64			 seq;
	SubTransactionId subxact; /* InvalidSubTransactionId: it was rolled back */
	char			 action[NAMEDATALEN];
} PendingEvent;

static List *pending_events = NIL; /* of this transaction; in TopTransactionContext */

static char *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

static char *
relation_name(Oid relid)
{
	char *name = get_rel_name(relid);

	return name ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name) : NULL;
}

static int
packed_sqlstate(const char *sqlstate)
{
	if (strlen(sqlstate) != 5)
		elog(ERROR, "invalid SQLSTATE code: \"%s\"", sqlstate);
	return MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
}

void
event_outcome_follows(int64 seq, const char *action)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	PendingEvent *event = palloc0(sizeof(PendingEvent));

	event->seq = seq;
	event->subxact = GetCurrentSubTransactionId();
	strlcpy(event->action, action, sizeof(event->action));
	pending_events = lappend(pending_events, event);
	MemoryContextSwitchTo(old);
}

/* record_event(action, relation, agency_id, purpose, reason, clause, sqlstate, detail) RETURNS bigint */
Datum
ctlpr_record_event(PG_FUNCTION_ARGS)
{
	RequestVerdict described = request_describe_role(GetOuterUserId());
	AuditEntry	   entry = AUDIT_ENTRY_INIT;
	char		  *sqlstate = text_argument(fcinfo, 6);
	int64		   seq;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an event needs an action")));
	request_fill_entry(&entry, NULL, &described);
	entry.kind = AUDIT_VERDICT;
	entry.at = shared_now();
	entry.action = text_argument(fcinfo, 0);
	entry.relation = PG_ARGISNULL(1) ? NULL : relation_name(PG_GETARG_OID(1));
	entry.search_kind = "none";
	if (!PG_ARGISNULL(2))
	{
		const Agency *agency;

		entry.agency_id = text_argument(fcinfo, 2);
		agency = rules_agency(entry.agency_id);
		entry.agency_kind = agency ? pstrdup(agency->kind_name) : NULL;
		entry.agency_state = agency ? pstrdup(agency->state) : NULL;
	}
	entry.purpose = text_argument(fcinfo, 3);
	entry.reason = text_argument(fcinfo, 4);
	entry.clause = text_argument(fcinfo, 5);
	entry.sqlstate = sqlstate ? packed_sqlstate(sqlstate) : 0;
	entry.allowed = sqlstate ? TRI_FALSE : TRI_TRUE;
	entry.enforced = TRI_TRUE;
	if (!PG_ARGISNULL(7))
		entry.detail = JsonbPGetDatum(PG_GETARG_JSONB_P(7));

	audit_await(audit_push(&entry, &seq));
	if (!sqlstate)
		event_outcome_follows(seq, entry.action);
	PG_RETURN_INT64(seq);
}

static void
push_event_outcome(const PendingEvent *event, bool committed)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	entry.kind = AUDIT_OUTCOME;
	entry.of_seq = event->seq;
	entry.at = shared_now();
	entry.action = event->action;
	entry.outcome = committed ? "ok" : "error";
	entry.sqlstate = committed ? 0 : ERRCODE_TRANSACTION_ROLLBACK;
	/* Without room the outcome stays unknown, which is a finding. */
	(void) audit_push_nowait(&entry, &seq);
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	ListCell *cell;
	bool	  committed = event == XACT_EVENT_COMMIT;

	if (pending_events == NIL || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	foreach (cell, pending_events)
	{
		PendingEvent *pending = lfirst(cell);

		push_event_outcome(pending, committed && pending->subxact != InvalidSubTransactionId);
	}
	pending_events = NIL;
}

static void
end_of_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	foreach (cell, pending_events)
	{
		PendingEvent *pending = lfirst(cell);

		if (pending->subxact == mine)
			pending->subxact = event == SUBXACT_EVENT_COMMIT_SUB ? parent : InvalidSubTransactionId;
	}
}

void
event_install(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
}

/* outer_role(): the role that acts; SET ROLE counts, SECURITY DEFINER does not */
Datum
ctlpr_outer_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(GetOuterUserId());
}

/* auditor_sees(agency_id, owners): may the acting role read an entry about these agencies? */
Datum
ctlpr_auditor_sees(PG_FUNCTION_ARGS)
{
	Oid	   role = GetOuterUserId();
	char  *agency_id = text_argument(fcinfo, 0);
	Datum *owners;
	bool  *nulls;
	int	   count;

	if (rules_auditor_of(role, agency_id))
		PG_RETURN_BOOL(true);
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &owners, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i] && rules_auditor_of(role, TextDatumGetCString(owners[i])))
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
