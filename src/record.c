/*
 * record.c - what a statement leaves behind: its verdict, its outcome, the
 * count of what it brought in.
 *
 * Everything here ends in the queue (audit_queue.c), but for the counts of
 * ingest, which commit and roll back with the reads that they count.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "event.h"
#include "record.h"
#include "registry.h"
#include "rules.h"
#include "shared.h"
#include "utility_gate.h"

#define QUARTER_HOUR_USECS (15 * 60 * USECS_PER_SEC)

/* In this transaction */
static bool log_reading_recorded = false;
static bool external_reading_recorded = false;

/* ---- verdicts ---- */

/* Fill what all entries of a statement share. */
static void
fill_statement_entry(AuditEntry *entry, StatementAccess *access, RelationAccess *relation)
{
	request_fill_entry(entry, access->has_request ? &access->request : NULL, &access->decided);
	entry->kind = AUDIT_VERDICT;
	entry->at = access->now;
	entry->relation = relation->relation.root_name;
	entry->action = relation->action;
	entry->enforced = relation->observed ? TRI_FALSE : TRI_TRUE;
}

static void
fill_verdict(AuditEntry *entry, const Verdict *verdict)
{
	entry->allowed = verdict->allowed ? TRI_TRUE : TRI_FALSE;
	entry->sqlstate = verdict_sqlstate(verdict->cause);
	if (verdict->clause)
		entry->clause = verdict->clause;
	if (!verdict->allowed)
		entry->basis = NULL;
}

/*
 * Queue an entry.  Observation must not stop what it observes, so it gives up
 * where enforcement would refuse.
 */
static void
push_entry(StatementAccess *access, RelationAccess *relation, const AuditEntry *entry)
{
	uint64 ticket = relation->observed ? audit_push_nowait(entry, &relation->seq) : audit_push(entry, &relation->seq);

	if (ticket == 0)
		relation->seq = 0;
	else if (!relation->observed)
		access->ticket = ticket;
}

void
record_statement(StatementAccess *access, const PlanFacts *facts, const char *text, const Verdict *stopped)
{
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess		*relation = &access->relations[i];
		const RelationFacts *scanned = inspect_relation(facts, relation->relation.root);
		AuditEntry			 entry = AUDIT_ENTRY_INIT;

		if (relation->ingest && relation->verdict.allowed && !stopped)
			continue;
		fill_statement_entry(&entry, access, relation);
		entry.search_kind = inspect_search_kind_name(scanned ? scanned->search_kind : SEARCH_NONE);
		if (!facts->too_complex)
		{
			entry.statement = text && *text ? text : NULL;
			entry.plates = scanned ? scanned->plates : NIL;
		}
		fill_verdict(&entry, stopped && !relation->observed ? stopped : &relation->verdict);
		push_entry(access, relation, &entry);
	}
}

uint64
record_refusal(StatementAccess *access, RelationAccess *relation, const Verdict *verdict)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	fill_statement_entry(&entry, access, relation);
	entry.search_kind = "none";
	fill_verdict(&entry, verdict);
	return relation->observed ? audit_push_nowait(&entry, &seq) : audit_push(&entry, &seq);
}

/* An entry about a call or command of whoever acts now */
static void
fill_command_entry(AuditEntry *entry, const char *action, const char *relation_name, const Verdict *verdict)
{
	TimestampTz	   now = shared_now();
	Oid			   role = GetOuterUserId();
	Request		   request;
	RequestVerdict described = request_describe_role(role);
	bool		   has_request = request_in_force(role, now, &request);

	request_fill_entry(entry, has_request ? &request : NULL, &described);
	entry->kind = AUDIT_VERDICT;
	entry->at = now;
	entry->action = action;
	entry->relation = relation_name;
	entry->search_kind = "none";
	entry->statement = utility_gate_statement();
	entry->enforced = TRI_TRUE;
	fill_verdict(entry, verdict);
}

uint64
record_refused_command(const char *action, const char *relation_name, const Verdict *verdict)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	fill_command_entry(&entry, action, relation_name, verdict);
	return audit_push(&entry, &seq);
}

void
record_observed_command(const char *action, const char *relation_name, const Verdict *verdict)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	fill_command_entry(&entry, action, relation_name, verdict);
	entry.enforced = TRI_FALSE;
	(void) audit_push_nowait(&entry, &seq);
}

void
record_permitted_command(const char *action, const char *relation_name, const char *basis, const char *statement)
{
	Verdict	   verdict = {.allowed = true, .cause = CAUSE_ALLOWED, .scope = SCOPE_NONE};
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	fill_command_entry(&entry, action, relation_name, &verdict);
	entry.basis = basis;
	if (statement)
		entry.statement = statement;
	audit_await(audit_push(&entry, &seq));
	event_outcome_follows(seq, action);
}

/* Once a transaction, as the flag knows */
static void
record_reading(const char *action, const char *relation, bool *recorded)
{
	RequestVerdict described;
	AuditEntry	   entry = AUDIT_ENTRY_INIT;
	int64		   seq;

	if (*recorded)
		return;
	described = request_describe_role(GetOuterUserId());
	request_fill_entry(&entry, NULL, &described);
	entry.kind = AUDIT_VERDICT;
	entry.at = shared_now();
	entry.action = action;
	entry.relation = relation;
	entry.search_kind = "none";
	entry.allowed = TRI_TRUE;
	entry.enforced = TRI_TRUE;
	entry.clause = "14(a)(6)";
	audit_await(audit_push(&entry, &seq));
	*recorded = true;

	/* What was read is not known afterwards, only that it was. */
	entry = (AuditEntry) AUDIT_ENTRY_INIT;
	entry.kind = AUDIT_OUTCOME;
	entry.of_seq = seq;
	entry.at = shared_now();
	entry.action = action;
	entry.outcome = "ok";
	(void) audit_push_nowait(&entry, &seq);
}

void
record_log_reading(const char *action)
{
	record_reading(action, "ctlpr.audit_entry", &log_reading_recorded);
}

void
record_external_reading(void)
{
	if (!RecoveryInProgress())
		record_reading("select", "ctlpr.external_search", &external_reading_recorded);
}

/* ---- outcomes ---- */

/* An owner's share of the rows touched, as arrays for the entry */
static void
fill_owners(AuditEntry *entry, RelationAccess *relation)
{
	HASH_SEQ_STATUS scan;
	OwnerAccess	   *owner;
	long			count = relation->owners ? hash_get_num_entries(relation->owners) : 0;

	if (count == 0)
		return;
	entry->owner = palloc(sizeof(char *) * count);
	entry->owner_rows = palloc(sizeof(int64) * count);
	hash_seq_init(&scan, relation->owners);
	while ((owner = hash_seq_search(&scan)) != NULL)
	{
		if (owner->touched == 0)
			continue;
		entry->owner[entry->owners] = owner->agency_id;
		entry->owner_rows[entry->owners++] = owner->touched;
	}
}

void
record_outcome(StatementAccess *access, RelationAccess *relation, int sqlstate, bool may_wait)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	entry.kind = AUDIT_OUTCOME;
	entry.of_seq = relation->seq;
	entry.at = shared_now();
	entry.action = relation->action;
	entry.outcome = sqlstate ? "error" : "ok";
	entry.sqlstate = sqlstate;
	entry.rows_returned = access->is_worker ? -1 : access->rows_returned;
	entry.rows_touched = relation->touched;
	if (relation->oldest != DT_NOEND && !TIMESTAMP_NOT_FINITE(relation->oldest))
		entry.oldest_age_days = (int) Max(0, (access->now - relation->oldest) / USECS_PER_DAY);
	fill_owners(&entry, relation);
	if (audit_push_nowait(&entry, &seq) == 0 && may_wait)
		(void) audit_push(&entry, &seq);
}

/* ---- reads that come in ---- */

/* Count a read that comes in, by owner and day: 15(a)(1)(A). */
void
record_ingested_read(StatementAccess *access, RelationAccess *relation, const char *agency_id, TimestampTz captured_at)
{
	int64		 quarter = captured_at / QUARTER_HOUR_USECS - (captured_at < 0);
	IngestCount *count = relation->last_count;
	ListCell	*cell;
	int			 day;

	if (count && relation->last_count_quarter == quarter && strcmp(count->agency_id, agency_id) == 0)
	{
		count->reads++;
		return;
	}
	day = rules_day(captured_at);
	count = NULL;
	foreach (cell, relation->ingest_counts)
	{
		IngestCount *candidate = lfirst(cell);

		if (candidate->day == day && strcmp(candidate->agency_id, agency_id) == 0)
			count = candidate;
	}
	if (!count)
	{
		MemoryContext old = MemoryContextSwitchTo(access->context);

		count = palloc0(sizeof(IngestCount));
		strlcpy(count->agency_id, agency_id, sizeof(count->agency_id));
		count->day = day;
		relation->ingest_counts = lappend(relation->ingest_counts, count);
		MemoryContextSwitchTo(old);
	}
	count->reads++;
	relation->last_count = count;
	relation->last_count_quarter = quarter;
}

/* Reads that came in, into the transaction that brought them */
void
record_ingest_counts(StatementAccess *access, RelationAccess *relation)
{
	Relation  counts;
	ListCell *cell;
	int64	  surplus = 0;

	if (relation->ingest_counts == NIL)
		return;

	/* ON CONFLICT DO NOTHING passes over rows that were checked; the total must be what came in. */
	foreach (cell, relation->ingest_counts)
		surplus += ((IngestCount *) lfirst(cell))->reads;
	surplus = access->query_desc && access->query_desc->operation == CMD_INSERT ? surplus - access->rows_returned : 0;

	counts = table_open(registry_own_relation("ingest_count"), RowExclusiveLock);
	foreach (cell, relation->ingest_counts)
	{
		IngestCount *count = lfirst(cell);
		int64		 passed_over = Min(Max(surplus, 0), count->reads);
		Datum		 values[4];
		bool		 nulls[4] = {false, false, false, false};

		surplus -= passed_over;
		if (count->reads == passed_over)
			continue;
		values[0] = CStringGetTextDatum(relation->relation.root_name);
		values[1] = CStringGetTextDatum(count->agency_id);
		values[2] = Int32GetDatum(count->day);
		values[3] = Int64GetDatum(count->reads - passed_over);
		simple_heap_insert(counts, heap_form_tuple(RelationGetDescr(counts), values, nulls));
	}
	table_close(counts, RowExclusiveLock);
}

static void
forget_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		log_reading_recorded = false;
		external_reading_recorded = false;
	}
}

void
record_install(void)
{
	RegisterXactCallback(forget_transaction, NULL);
}
