/*
 * gate.c - decides, records, and lets run.
 *
 * ExecutorStart: the plan is inspected, the statement is decided with the
 * rules as they are now, and its entries are queued.  ExecutorRun (each FETCH
 * is one): the role and the request must still be those of the start, the
 * entries must be durable, the retention limit moves to now.  ExecutorEnd: the
 * outcome follows.  An error or a dropped portal ends in the reset of the
 * executor's memory context, where the outcome is noted as an error.
 *
 * What a statement may see is pinned in its StatementAccess.  The innermost
 * one that runs is "running"; the policy predicates read it.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit_queue.h"
#include "error_values.h"
#include "gate.h"
#include "instruments.h"
#include "key_checks.h"
#include "plan_facts.h"
#include "record.h"
#include "refusal.h"
#include "release.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"
#include "temporary.h"
#include "utility_gate.h"
#include "verdict.h"

static ExecutorStart_hook_type		previous_start = NULL;
static ExecutorRun_hook_type		previous_run = NULL;
static ExecutorFinish_hook_type		previous_finish = NULL;
static ExecutorEnd_hook_type		previous_end = NULL;
static ExecutorCheckPerms_hook_type previous_permissions = NULL;

static StatementAccess *open_statements = NULL;
static StatementAccess *running = NULL;
static uint64			last_serial = 0;
static QueryDesc	   *innermost_run = NULL; /* governed or not */
static StatementAccess *carriers = NULL;	  /* see carry() */
static QueryDesc	   *exempt_query = NULL;

StatementAccess *
gate_running(void)
{
	return running;
}

bool
gate_statement_running(void)
{
	return running != NULL;
}

void
gate_exempt(QueryDesc *query_desc)
{
	exempt_query = query_desc;
}

/* ---- life of a statement ---- */

static void
unlink_statement(StatementAccess *access)
{
	StatementAccess **link = &open_statements;

	while (*link && *link != access)
		link = &(*link)->next;
	if (*link)
		*link = access->next;
	if (running == access)
		running = NULL;
	if (access->owners_context)
		MemoryContextDelete(access->owners_context);
	access->owners_context = NULL;
}

/* The end, once: sqlstate 0 is a good one.  May be called while a transaction is aborted. */
static void
close_statement(StatementAccess *access, int sqlstate, bool may_wait)
{
	if (access->closed)
		return;
	access->closed = true;
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		/* A parallel worker adds its part, if it has one, to what the leader reports. */
		if (relation->seq != 0 && (!access->is_worker || relation->touched > 0))
			record_outcome(access, relation, sqlstate, may_wait);
		if (sqlstate == 0 && relation->ingest && !access->copies_reads)
			record_ingest_counts(access, relation);
		if (sqlstate == 0 && relation->left_out > 0)
			ereport(NOTICE,
					(errmsg_plural("%lld read past its retention was left out", "%lld reads past their retention were left out",
								   (unsigned long) relation->left_out, (long long) relation->left_out)));
	}
}

/* The executor's memory goes without ExecutorEnd: a dropped portal, an error elsewhere */
static void
statement_context_reset(void *arg)
{
	StatementAccess *access = arg;

	close_statement(access, ERRCODE_TRANSACTION_ROLLBACK, false);
	unlink_statement(access);
}

static StatementAccess *
find_statement(QueryDesc *query_desc)
{
	StatementAccess *access = open_statements;

	while (access && access->query_desc != query_desc)
		access = access->next;
	return access;
}

static bool
is_observed_only(const StatementAccess *access)
{
	for (int i = 0; i < access->relation_count; i++)
		if (!access->relations[i].observed)
			return false;
	return true;
}

/* The limits of retention at the instant of this run */
static void
move_limits(StatementAccess *access)
{
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		relation->retention_known = retention_limit(&relation->relation, access->now, &relation->limit);
		if (!relation->retention_known)
			relation->limit = DT_NOEND;
		relation->last_hold_known = false;
	}
}

/*
 * A worker's share of its leader's statement, which has passed the gate.  What
 * a function runs in a worker is a statement of its own, like anywhere else.
 */
static bool
is_leaders_plan(const QueryDesc *query_desc)
{
	return IsParallelWorker() && query_desc && query_desc->dest && query_desc->dest->mydest == DestTupleQueue;
}

static StatementAccess *
create_statement(QueryDesc *query_desc, List *named, int eflags)
{
	StatementAccess		  *access = palloc0(sizeof(StatementAccess));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	ListCell			  *cell;

	access->serial = ++last_serial;
	access->query_desc = query_desc;
	access->context = CurrentMemoryContext;
	access->role = GetOuterUserId();
	access->held_request = request_held();
	access->now = access->decided_at = shared_now();
	access->is_worker = is_leaders_plan(query_desc);
	access->relations = palloc0(sizeof(RelationAccess) * list_length(named));
	foreach (cell, named)
	{
		NamedRelation  *entry = lfirst(cell);
		RelationAccess *relation = &access->relations[access->relation_count++];

		relation->relation = *registry_lookup(entry->relid);
		relation->observed = registry_observed(&relation->relation, access->now);
		relation->action = verdict_action(entry, query_desc, eflags);
		relation->assigns_camera = entry->assigns_camera;
		relation->oldest = DT_NOEND;
	}
	move_limits(access);

	callback->func = statement_context_reset;
	callback->arg = access;
	MemoryContextRegisterResetCallback(access->context, callback);
	access->next = open_statements;
	open_statements = access;
	return access;
}

/* Who asks, under which request, and what the rules say to that now */
static void
settle_requester(StatementAccess *access)
{
	Request	  request;
	ListCell *cell;

	access->has_request = request_in_force(access->role, access->now, &request);
	if (access->has_request)
	{
		request_copy(&access->request, &request);
		access->decided = request_decide(&access->request, access->now);
		access->rules = rules_generation();
	}
	else
		access->decided = request_describe_role(access->role);
	foreach (cell, rules_bindings(access->role))
	{
		Binding *binding = lfirst(cell);

		if (binding->may_ingest)
			access->ingest_agencies = lappend(access->ingest_agencies, pstrdup(binding->agency_id));
	}
}

/*
 * Is it a referential integrity check?  Its plan carries the mark instead of
 * the policy; a mark that somebody wrote into a query of his own stands beside
 * the policy.
 */
static bool
is_referential(const PlanFacts *facts)
{
	ListCell *cell;

	if (!facts->referential || !key_checks_underway())
		return false;
	foreach (cell, facts->relations)
	{
		RelationFacts *relation = lfirst(cell);

		if (relation->read || relation->probed)
			return false;
	}
	return true;
}

/* The statement's text for the log; too long a one is no statement that can be allowed. */
static const char *
recordable_text(StatementAccess *access, RelationAccess *relation, PlanFacts *facts, const char *text)
{
	if (!text && access->query_desc)
		text = plan_text(access->query_desc);
	facts->too_complex |= facts->plate_bytes + (text ? strlen(text) : 0) > AUDIT_STATEMENT_MAX_BYTES;
	if (facts->too_complex && relation->verdict.allowed)
		relation->verdict = verdict_refused(CAUSE_TOO_COMPLEX, "14(a)(6)");
	return text;
}

/* Decide all relations of the statement, record it, raise when it is refused.  text: of the statement, NULL to find it. */
static void
decide_statement(StatementAccess *access, List *named, PlanFacts *facts, const char *text)
{
	const Verdict *stopped = NULL;

	if (RecoveryInProgress() && !is_observed_only(access))
		refusal_raise(CAUSE_STANDBY, "14(a)(6)");

	access->holds_rows = facts->holds_rows;
	access->copies_reads = facts->copies_reads;
	settle_requester(access);

	/* Keys must be checked whoever owns the rows; such a query shows none. */
	access->referential = is_referential(facts);
	if (access->referential)
		return;

	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		relation->verdict = verdict_of(access, relation, list_nth(named, i), facts);
		if (!relation->ingest)
			text = recordable_text(access, relation, facts, text);
		if (!relation->verdict.allowed && !relation->observed && !stopped)
			stopped = &relation->verdict;
	}
	record_statement(access, facts, text, stopped);
	if (!stopped)
		return;

	access->closed = true; /* a refused statement has no outcome */
	audit_await(access->ticket);
	refusal_raise(stopped->cause, stopped->clause);
}

/* A worker is let see what its leader sees; what it may not have is an error, for the leader has passed the gate. */
static void
join_leader(StatementAccess *access)
{
	BackendSlot *leader = shared_leader();

	settle_requester(access);
	if (!leader->in_use)
		refusal_raise(CAUSE_UNFILTERED, "13(d)(6)");
	access->now = leader->now;
	access->shared_bulk = &leader->bulk;
	move_limits(access);
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		for (int j = 0; j < leader->relations; j++)
			if (leader->relation[j] == relation->relation.relid)
				relation->seq = leader->seq[j];
	}
}

/*
 * Writing the log by hand is refused; reading it is recorded.  Counts of rows
 * that a filter removed are counts of entries that are another agency's, or
 * not public yet.
 */
static void
guard_log(bool reads, bool writes, const QueryDesc *query_desc, int eflags)
{
	if (writes)
		gate_refuse_command("ddl", registry_log_relation(), CAUSE_LOG_WRITE, "14(a)(6)");
	if (!reads || is_leaders_plan(query_desc))
		return;
	/* Counts tell of entries of others, and estimates, by the statistics of all entries, of those that are not public yet. */
	if (utility_gate_explains() && !superuser_arg(GetOuterUserId()) &&
		((query_desc->instrument_options & (INSTRUMENT_TIMER | INSTRUMENT_ROWS)) != 0 ||
		 ((eflags & EXEC_FLAG_EXPLAIN_ONLY) && !has_privs_of_role(GetOuterUserId(), get_role_oid("ctlpr_auditor", false)))))
		gate_refuse_command("select", registry_log_relation(), CAUSE_EXPLAIN_LOG, "13(e)(2)(B)");
	if (!RecoveryInProgress())
		record_log_reading("select");
}

static void
call_standard_start(QueryDesc *query_desc, int eflags)
{
	if (previous_start)
		previous_start(query_desc, eflags);
	else
		standard_ExecutorStart(query_desc, eflags);
}

/*
 * Counts of rows that a filter removed are counts of reads that the policy
 * hides.  EXPLAIN ANALYZE is for administrators; what auto_explain would count
 * is not counted.
 */
static bool
counts_hidden_rows(QueryDesc *query_desc)
{
	/* A worker counts for its leader. */
	if ((query_desc->instrument_options & (INSTRUMENT_TIMER | INSTRUMENT_ROWS)) == 0 || is_leaders_plan(query_desc))
		return false;
	if (!utility_gate_explains())
		query_desc->instrument_options = 0;
	return utility_gate_explains() && !is_member_of_role(GetOuterUserId(), get_role_oid("ctlpr_admin", false));
}

/*
 * What was copied into a temporary table may go on into another, but not into
 * anything that stays.  Some destinations show only when the statement runs.
 */
static void
guard_copies(QueryDesc *query_desc)
{
	Oid root = temporary_any_reads() ? temporary_reads_named(query_desc->plannedstmt) : InvalidOid;

	if (!OidIsValid(root) || registry_lookup(root) == NULL)
		return;
	if (verdict_fills_lasting(query_desc, false))
		gate_refuse_command("copy", root, CAUSE_COPY_LASTING, "13(b)(2)(A)");
	verdict_note_temporary(query_desc, root);
}

/* Does the plan call nothing but functions that keep what they see to themselves? */
static bool
start_watched(QueryDesc *query_desc, int eflags)
{
	ReleaseWatch watch;

	release_begin_watch(&watch);
	PG_TRY();
	{
		call_standard_start(query_desc, eflags);
	}
	PG_FINALLY();
	{
		release_end_watch(&watch);
	}
	PG_END_TRY();
	return !watch.unknown;
}

static void
gate_start(QueryDesc *query_desc, int eflags)
{
	List			*named;
	bool			 reads_log;
	bool			 writes_log;
	bool			 counts_hidden;
	bool			 knows_functions;
	MemoryContext	 old;
	StatementAccess *access;

	if (query_desc == exempt_query)
	{
		exempt_query = NULL;
		call_standard_start(query_desc, eflags);
		return;
	}
	if (IsBinaryUpgrade || !registry_ready())
	{
		call_standard_start(query_desc, eflags);
		return;
	}

	guard_copies(query_desc);
	named = verdict_named_relations(query_desc->plannedstmt, &reads_log, &writes_log);
	if (reads_log || writes_log)
		guard_log(reads_log, writes_log, query_desc, eflags);
	if (named == NIL)
	{
		call_standard_start(query_desc, eflags);
		return;
	}
	counts_hidden = counts_hidden_rows(query_desc);
	knows_functions = start_watched(query_desc, eflags);
	/* A module that is called after us may have asked for the counts. */
	if (!counts_hidden)
		counts_hidden = counts_hidden_rows(query_desc);

	old = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	access = create_statement(query_desc, named, eflags);
	access->counts_hidden = counts_hidden;
	access->overlaps = knows_functions && release_is_plain_query(query_desc);
	if (access->is_worker)
		join_leader(access);
	else
		decide_statement(access, named, plan_facts(query_desc), NULL);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		audit_await(access->ticket);
	MemoryContextSwitchTo(old);
}

/* Refuse an open statement to go on. */
static void
stop_statement(StatementAccess *access, VerdictCause cause, const char *clause)
{
	Verdict verdict = verdict_refused(cause, clause);

	audit_await(record_refusal(access, &access->relations[0], &verdict));
	refusal_raise(cause, clause);
}

/* A statement that is open under one requester may not go on under another, nor when the request has run out. */
static void
check_unchanged(StatementAccess *access)
{
	if (GetOuterUserId() != access->role || request_held() != access->held_request ||
		(access->has_request && access->request.expires_at <= access->now))
		stop_statement(access, CAUSE_REQUEST_CHANGED, "13(d)(6)");
}

/*
 * What was lawful at the start may have been withdrawn, suspended or outlived
 * since: each run, and so each FETCH, is decided again.
 */
static void
check_still_allowed(StatementAccess *access)
{
	MemoryContext  scratch;
	MemoryContext  old;
	RequestVerdict decided;
	VerdictCause   cause = CAUSE_ALLOWED;
	char		   clause[NAMEDATALEN];

	if (!access->has_request || !access->decided.verdict.allowed ||
		(!access->has_run && access->rules == rules_generation() && access->now - access->decided_at < USECS_PER_SEC))
		return;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "ctlpr decision", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);
	decided = request_decide(&access->request, access->now);
	if (!decided.verdict.allowed)
		cause = decided.verdict.cause;
	else if (decided.verdict.scope != access->decided.verdict.scope ||
			 decided.verdict.narrowed != access->decided.verdict.narrowed ||
			 strcmp(decided.agency_id, access->decided.agency_id) != 0)
		cause = CAUSE_REQUEST_CHANGED;
	strlcpy(clause, decided.verdict.clause ? decided.verdict.clause : "13(d)(6)", sizeof(clause));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	access->rules = rules_generation();
	if (cause != CAUSE_ALLOWED)
		stop_statement(access, cause, clause);
}

/* Rows that the run would keep beyond the statement, or copy to where they stay until the transaction ends */
static void
check_kept_rows(StatementAccess *access)
{
	for (int i = 0; i < access->relation_count; i++)
	{
		if (access->relations[i].observed || access->relations[i].ingest)
			continue;
		if (verdict_keeps_rows(access->query_desc))
			stop_statement(access, CAUSE_COPY_LASTING, "13(b)(2)(A)");
		verdict_note_temporary(access->query_desc, access->relations[i].relation.root);
	}
}

/* Is what the statement has read of an owner no longer its to see? */
static bool
lost_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner, VerdictCause *cause)
{
	bool was_visible = owner->visible;

	gate_settle_owner(access, relation, owner);
	if (owner->touched == 0)
		return false;
	*cause = CAUSE_REQUEST_CHANGED;
	if (was_visible && !owner->visible)
		return true;
	*cause = CAUSE_EXPIRED_MEANWHILE;
	return relation->relation.hold == 0 && owner->oldest < instruments_limit(&owner->retention, access->now);
}

static bool
lost_hold(StatementAccess *access, RelationAccess *relation)
{
	ListCell *cell;

	foreach (cell, relation->holds)
		if (!gate_is_hold_visible(access, *(int64 *) lfirst(cell)))
			return true;
	return false;
}

/*
 * Owners are settled anew for each run.  What a sort or a hash has kept since
 * an earlier one is past the policy: it may not have expired, nor been
 * withheld, meanwhile.
 */
static void
check_held_rows(StatementAccess *access)
{
	MemoryContext scratch;
	MemoryContext old;
	VerdictCause  cause = CAUSE_ALLOWED;
	VerdictCause  lost;

	if (!access->has_run)
		return;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "ctlpr owners of a run", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];
		HASH_SEQ_STATUS owners;
		OwnerAccess	   *owner;

		if (relation->observed)
			continue;
		if (relation->oldest < relation->limit || lost_hold(access, relation))
			cause = CAUSE_EXPIRED_MEANWHILE;
		if (relation->owners == NULL)
			continue;
		hash_seq_init(&owners, relation->owners);
		while ((owner = hash_seq_search(&owners)) != NULL)
			if (lost_owner(access, relation, owner, &lost) && cause == CAUSE_ALLOWED)
				cause = lost;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	if (cause != CAUSE_ALLOWED && access->holds_rows)
		stop_statement(access, cause, cause == CAUSE_EXPIRED_MEANWHILE ? "13(b)(2)(A)" : "13(d)(6)");
}

static int64 published_touched; /* what the shared count began with */

/* Tell parallel workers what they need to know.  False: they cannot be told. */
static bool
publish_to_workers(StatementAccess *access)
{
	BackendSlot *slot = shared_backend();

	if (running || access->relation_count > SHARED_PARALLEL_RELATIONS_MAX)
		return false;
	slot->now = access->now;
	slot->relations = access->relation_count;
	published_touched = *gate_touched_by_message();
	published_touched = Max(access->others_touched, published_touched);
	for (int i = 0; i < access->relation_count; i++)
	{
		slot->relation[i] = access->relations[i].relation.relid;
		slot->seq[i] = access->relations[i].seq;
	}
	pg_atomic_write_u64(&slot->bulk.touched, published_touched);
	pg_atomic_write_u32(&slot->bulk.recorded, 0);
	access->shared_bulk = &slot->bulk;
	slot->in_use = true;
	return true;
}

static void
withdraw_from_workers(StatementAccess *access)
{
	int64 by_run = (int64) pg_atomic_read_u64(&access->shared_bulk->touched) - published_touched;

	shared_backend()->in_use = false;
	access->others_touched += by_run;
	*gate_touched_by_message() += by_run;
	access->shared_bulk = NULL;
}

static void
call_standard_run(EXECUTOR_RUN_PARAMS)
{
	if (previous_run)
		previous_run(EXECUTOR_RUN_ARGS);
	else
		standard_ExecutorRun(EXECUTOR_RUN_ARGS);
}

/* Know, while it runs, what statement a function was called by. */
static void
run_as_caller(EXECUTOR_RUN_PARAMS)
{
	QueryDesc *outer = innermost_run;
	int		   outer_runs = key_checks_begin_run();

	innermost_run = query_desc;
	PG_TRY();
	{
		call_standard_run(EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		innermost_run = outer;
		key_checks_end_run(outer_runs);
	}
	PG_END_TRY();
}

/* In a PG_CATCH block: an error may quote what the statement found, and waits as its rows do. */
COMPAT_NORETURN static void
rethrow_when_durable(StatementAccess *access, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (access->ticket != 0 && !is_observed_only(access))
		audit_await(access->ticket);
	ReThrowError(error);
}

/* Run as the innermost governed statement; an error ends it. */
static void
run_as_innermost(StatementAccess *access, bool published, EXECUTOR_RUN_PARAMS)
{
	StatementAccess *outer = running;
	MemoryContext	 caller = CurrentMemoryContext;

	running = access;
	PG_TRY();
	{
		run_as_caller(EXECUTOR_RUN_ARGS);
	}
	PG_CATCH();
	{
		running = outer;
		if (published)
			withdraw_from_workers(access);
		close_statement(access, geterrcode(), false);
		if (access->overlaps && !error_says_nothing_of_rows(geterrcode()))
			rethrow_when_durable(access, caller);
		/* Who changes the other table of a key need not see the reads that it changes with. */
		if (access->referential && !error_says_nothing_of_rows(geterrcode()))
			error_rethrow_without_values(caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
	running = outer;
	if (published)
		withdraw_from_workers(access);
	access->rows_returned += query_desc->estate->es_processed;
}

/* Run while the record is written; nothing of what is found leaves before it is. */
static void
run_overlapping(StatementAccess *access, bool published, EXECUTOR_RUN_PARAMS)
{
	DestReceiver *receiver = query_desc->dest;

	query_desc->dest = release_when_durable(receiver, access->ticket);
	PG_TRY();
	{
		run_as_innermost(access, published, EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		query_desc->dest = receiver;
	}
	PG_END_TRY();
	/* That there was nothing to find is an answer, too. */
	audit_await(access->ticket);
}

/* What must be so before a run begins, or goes on: the same requester, a durable record, the limits of now */
static void
prepare_run(StatementAccess *access)
{
	if (access->is_worker)
		return;
	if (!is_observed_only(access) && access->ticket != 0 && !access->overlaps)
		audit_await(access->ticket);
	/* The entry has a number, so the writer has made sure by now that the clock is not behind the log. */
	access->now = shared_now();
	move_limits(access);
	if (!is_observed_only(access))
	{
		check_unchanged(access);
		check_still_allowed(access);
		check_kept_rows(access);
		check_held_rows(access);
	}
	access->has_run = true;
}

/* ---- what functions collect ---- */

static void
forget_carrier(void *carrier)
{
	StatementAccess **link = &carriers;

	while (*link && *link != carrier)
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

static StatementAccess *
find_carrier(QueryDesc *outer, const StatementAccess *access)
{
	StatementAccess *carrier = carriers;

	while (carrier &&
		   (carrier->query_desc != outer || carrier->role != access->role || carrier->held_request != access->held_request))
		carrier = carrier->next;
	return carrier;
}

static StatementAccess *
make_carrier(QueryDesc *outer, const StatementAccess *access)
{
	StatementAccess		  *carrier = palloc0(sizeof(StatementAccess));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	carrier->query_desc = outer;
	carrier->context = outer->estate->es_query_cxt;
	carrier->role = access->role;
	carrier->held_request = access->held_request;
	carrier->has_request = access->has_request;
	if (access->has_request)
		request_copy(&carrier->request, &access->request);
	carrier->decided = access->decided;
	carrier->rules = access->rules;
	carrier->has_run = carrier->holds_rows = true;
	callback->func = forget_carrier;
	callback->arg = carrier;
	MemoryContextRegisterResetCallback(carrier->context, callback);
	carrier->next = carriers;
	carriers = carrier;
	return carrier;
}

/* The relation among those that a carrier has rows of; added where it is not */
static RelationAccess *
carried_relation(StatementAccess *carrier, const RelationAccess *relation)
{
	RelationAccess *carried;

	for (int i = 0; i < carrier->relation_count; i++)
		if (carrier->relations[i].relation.relid == relation->relation.relid)
			return &carrier->relations[i];
	carrier->relations = carrier->relations ? repalloc(carrier->relations, sizeof(RelationAccess) * (carrier->relation_count + 1))
											: palloc(sizeof(RelationAccess));
	carried = &carrier->relations[carrier->relation_count++];
	memset(carried, 0, sizeof(RelationAccess));
	carried->relation = relation->relation;
	carried->action = relation->action;
	carried->oldest = DT_NOEND;
	return carried;
}

/*
 * A function's statement has read rows, and the statement that calls the
 * function may keep them from one of its own runs to the next: a function in
 * FROM is run to its end at once.  That statement then goes on as the function's
 * would: for the same requester, while it may, and until a read expires.
 */
static void
carry(StatementAccess *access, QueryDesc *outer)
{
	MemoryContext	 old;
	StatementAccess *carrier;

	if (is_observed_only(access) || access->is_worker)
		return;
	old = MemoryContextSwitchTo(outer->estate->es_query_cxt);
	carrier = find_carrier(outer, access);
	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		if (relation->touched == 0 || relation->observed)
			continue;
		/* What its function returns would be kept by a CREATE TABLE AS, a file, a cursor WITH HOLD. */
		if (verdict_keeps_rows(outer))
			stop_statement(access, CAUSE_COPY_LASTING, "13(b)(2)(A)");
		if (!carrier)
			carrier = make_carrier(outer, access);
		/* Evidence does not expire with its reads. */
		if (relation->relation.hold > 0)
			(void) carried_relation(carrier, relation);
		else
			carried_relation(carrier, relation)->oldest = Min(carried_relation(carrier, relation)->oldest, relation->oldest);
	}
	MemoryContextSwitchTo(old);
}

static void
check_carried(QueryDesc *query_desc)
{
	for (StatementAccess *carrier = carriers; carrier; carrier = carrier->next)
	{
		if (carrier->query_desc != query_desc)
			continue;
		if (verdict_keeps_rows(query_desc))
			stop_statement(carrier, CAUSE_COPY_LASTING, "13(b)(2)(A)");
		carrier->now = shared_now();
		move_limits(carrier);
		check_unchanged(carrier);
		check_still_allowed(carrier);
		check_held_rows(carrier);
	}
}

static void
gate_run(EXECUTOR_RUN_PARAMS)
{
	StatementAccess *access = open_statements ? find_statement(query_desc) : NULL;
	QueryDesc		*caller = innermost_run;
	bool			 published = false;

	if (carriers)
		check_carried(query_desc);
	if (!access)
	{
		guard_copies(query_desc);
		if (registry_any_governed())
			run_as_caller(EXECUTOR_RUN_ARGS);
		else
			call_standard_run(EXECUTOR_RUN_ARGS);
		return;
	}
	prepare_run(access);
	if (!access->is_worker && query_desc->plannedstmt->parallelModeNeeded)
	{
		published = publish_to_workers(access);
		if (!published)
			COMPAT_RUN_WITHOUT_WORKERS(query_desc);
	}
	if (access->overlaps && access->ticket != 0 && !is_observed_only(access) && !audit_is_durable(access->ticket))
		run_overlapping(access, published, EXECUTOR_RUN_ARGS);
	else
		run_as_innermost(access, published, EXECUTOR_RUN_ARGS);
	if (caller)
		carry(access, caller);
}

static bool
any_governed_in(List *range_table)
{
	ListCell *cell;

	foreach (cell, range_table)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION && registry_lookup(rte->relid))
			return true;
	}
	return false;
}

/*
 * Whoever adds or validates a foreign key would have the server look at all
 * rows with one query, where it may read both tables.  Nothing tells that query
 * from one of a function that the same command calls, so it is not allowed to,
 * and checks row by row.  Nobody else asks without wanting an error.
 */
static bool
gate_permissions(COMPAT_CHECK_PERMISSIONS_PARAMS)
{
	if (!ereport_on_violation && !IsBinaryUpgrade && registry_ready() && registry_any_governed() && any_governed_in(range_table))
		return false;
	return previous_permissions ? previous_permissions(COMPAT_CHECK_PERMISSIONS_ARGS) : true;
}

/* Load as the innermost governed statement; an error ends it. */
static uint64
load_as_innermost(StatementAccess *access, GateLoad load, void *load_context)
{
	StatementAccess *outer = running;
	volatile uint64	 processed = 0;

	running = access;
	PG_TRY();
	{
		processed = load(load_context);
	}
	PG_CATCH();
	{
		running = outer;
		close_statement(access, geterrcode(), false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	running = outer;
	return processed;
}

uint64
gate_run_copy(Oid relid, const char *text, GateLoad load, void *load_context)
{
	MemoryContext	 context = AllocSetContextCreate(CurrentMemoryContext, "ctlpr copy", ALLOCSET_SMALL_SIZES);
	MemoryContext	 caller = MemoryContextSwitchTo(context);
	NamedRelation	*named = palloc0(sizeof(NamedRelation));
	StatementAccess *access;
	PlanFacts		*facts = palloc0(sizeof(PlanFacts));
	uint64			 processed;

	named->relid = relid;
	named->required = ACL_INSERT;
	named->bypasses = has_bypassrls_privilege(GetUserId());
	access = create_statement(NULL, list_make1(named), 0);
	decide_statement(access, list_make1(named), facts, text ? pstrdup(text) : NULL);
	prepare_run(access);
	MemoryContextSwitchTo(caller);

	access->rows_returned = (int64) load_as_innermost(access, load, load_context);
	processed = (uint64) access->rows_returned;
	close_statement(access, 0, true);
	unlink_statement(access);
	MemoryContextDelete(context);
	return processed;
}

static void
call_standard_finish(QueryDesc *query_desc)
{
	if (previous_finish)
		previous_finish(query_desc);
	else
		standard_ExecutorFinish(query_desc);
}

/* WITH queries that write may still read governed rows when the executor finishes. */
static void
finish_as_innermost(StatementAccess *access, QueryDesc *query_desc)
{
	StatementAccess *outer = running;

	running = access;
	PG_TRY();
	{
		call_standard_finish(query_desc);
	}
	PG_CATCH();
	{
		running = outer;
		close_statement(access, geterrcode(), false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	running = outer;
}

static void
gate_finish(QueryDesc *query_desc)
{
	StatementAccess *access = open_statements ? find_statement(query_desc) : NULL;

	if (access)
		finish_as_innermost(access, query_desc);
	else
		call_standard_finish(query_desc);
}

static void
gate_end(QueryDesc *query_desc)
{
	StatementAccess *access = open_statements ? find_statement(query_desc) : NULL;

	if (access)
	{
		MemoryContext old = MemoryContextSwitchTo(access->context);

		close_statement(access, 0, true);
		unlink_statement(access);
		MemoryContextSwitchTo(old);
	}
	if (previous_end)
		previous_end(query_desc);
	else
		standard_ExecutorEnd(query_desc);
}

/* ---- refusals outside of the start of a statement ---- */

void
gate_refuse_row(StatementAccess *access, RelationAccess *relation, VerdictCause cause, const char *clause)
{
	Verdict verdict = verdict_refused(cause, clause);
	uint64	ticket;

	/* One verdict for a statement is enough where nothing is stopped by it. */
	if (relation->observed && !relation->verdict.allowed)
		return;
	relation->verdict = verdict;
	ticket = record_refusal(access, relation, &verdict);
	if (relation->observed)
		return;
	audit_await(ticket);
	refusal_raise(cause, clause);
}

/* Record the refusal of a call or command by whoever acts now. */
static void
refuse_command(const char *action, const char *relation_name, VerdictCause cause, const char *clause)
{
	Verdict verdict = verdict_refused(cause, clause);

	audit_await(record_refused_command(action, relation_name, &verdict));
	refusal_raise(cause, clause);
}

void
gate_refuse_call(const char *action, VerdictCause cause, const char *clause)
{
	refuse_command(action, NULL, cause, clause);
	pg_unreachable();
}

/* A relation as the log names it: the root of a governed one; NULL where there is none */
static const char *
recorded_name(Oid relid)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;

	if (governed)
		return pstrdup(governed->root_name);
	return OidIsValid(relid) ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid))
							 : NULL;
}

void
gate_refuse_command(const char *action, Oid relid, VerdictCause cause, const char *clause)
{
	refuse_command(action, recorded_name(relid), cause, clause);
	pg_unreachable();
}

void
gate_refuse_locked_command(const char *action, VerdictCause cause, const char *clause)
{
	Verdict verdict = verdict_refused(cause, clause);

	(void) record_refused_command(action, NULL, &verdict);
	refusal_raise(cause, clause);
}

void
gate_refuse_weakening(const char *action, Oid relid, VerdictCause cause, const char *clause)
{
	const GovernedRelation *governed = OidIsValid(relid) ? registry_lookup(relid) : NULL;
	Verdict					verdict = verdict_refused(cause, clause);
	Oid						role = GetOuterUserId();
	Request					request;

	if (governed && registry_observed(governed, shared_now()))
		record_observed_command(action, recorded_name(relid), &verdict);
	else if (request_in_force(role, shared_now(), &request) && request.break_glass && superuser_arg(role))
		record_permitted_command(action, recorded_name(relid), "break_glass", NULL);
	else if (ctlpr_restore && superuser())
		record_permitted_command(action, recorded_name(relid), "restore", NULL);
	else
		gate_refuse_command(action, relid, cause, clause);
}

static void
forget_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		exempt_query = innermost_run = NULL;
		/* Statements whose executor did not end take themselves off the list when their memory goes. */
		running = NULL;
	}
}

void
gate_install(void)
{
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = gate_start;
	previous_run = ExecutorRun_hook;
	ExecutorRun_hook = gate_run;
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = gate_finish;
	previous_end = ExecutorEnd_hook;
	ExecutorEnd_hook = gate_end;
	previous_permissions = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = gate_permissions;
	RegisterXactCallback(forget_transaction, NULL);
}
