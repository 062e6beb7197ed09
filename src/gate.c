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
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "compat.h"
#include "gate.h"
#include "instruments.h"
#include "record.h"
#include "refusal.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"
#include "statement_text.h"
#include "utility_gate.h"

static ExecutorStart_hook_type	previous_start = NULL;
static ExecutorRun_hook_type	previous_run = NULL;
static ExecutorFinish_hook_type previous_finish = NULL;
static ExecutorEnd_hook_type	previous_end = NULL;

static StatementAccess *open_statements = NULL;
static StatementAccess *running = NULL;
static uint64			last_serial = 0;
static QueryDesc	   *exempt_query = NULL;

/* A relation that a statement names, with what it asks of it */
typedef struct NamedRelation
{
	Oid		relid;
	AclMode required;
	bool	bypasses;	   /* row security does not bind whoever's rights count */
	bool	assigns_fixed; /* an UPDATE assigns the captured time, the owner or the hold */
	bool	assigns_camera;
} NamedRelation;

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

/* ---- what the statement names ---- */

static bool
column_in(Bitmapset *columns, AttrNumber attribute)
{
	return attribute > 0 && bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, columns);
}

/*
 * What the statement asks of an entry.  SELECT ... FOR UPDATE and its like ask
 * for the right to update as well; that is not an update.
 */
static AclMode
requested_access(PlannedStmt *stmt, Index varno, AclMode required)
{
	ListCell *cell;

	foreach (cell, stmt->rowMarks)
	{
		PlanRowMark *mark = lfirst_node(PlanRowMark, cell);

		if (mark->rti == varno && mark->markType <= ROW_MARK_KEYSHARE)
			return required & ~ACL_UPDATE;
	}
	return required;
}

static NamedRelation *
named_relation(List **named, Oid relid)
{
	NamedRelation *entry;
	ListCell	  *cell;

	foreach (cell, *named)
	{
		entry = lfirst(cell);
		if (entry->relid == relid)
			return entry;
	}
	entry = palloc0(sizeof(NamedRelation));
	entry->relid = relid;
	*named = lappend(*named, entry);
	return entry;
}

/*
 * Governed relations in the range table, list of NamedRelation *.  A member
 * that was not named by itself counts only when its root was not named either:
 * then it hangs below an ungoverned parent.
 */
static List *
named_relations(PlannedStmt *stmt, bool *reads_log, bool *writes_log)
{
	List	 *named = NIL;
	List	 *members = NIL;
	ListCell *cell;
	bool	  any = registry_any_governed();
	Index	  varno = 0;

	*reads_log = *writes_log = false;
	foreach (cell, stmt->rtable)
	{
		RangeTblEntry		   *rte = lfirst_node(RangeTblEntry, cell);
		const GovernedRelation *governed;
		CompatPermissions		permissions;
		NamedRelation		   *entry;

		varno++;
		if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId)
			continue;
		permissions = compat_permissions(rte, COMPAT_PLAN_PERMINFOS(stmt));
		permissions.required = requested_access(stmt, varno, permissions.required);
		if (rte->relid == registry_log_relation())
		{
			/* As a child of another table it is asked for nothing by itself. */
			*reads_log |= permissions.required == 0 || (permissions.required & ACL_SELECT) != 0;
			*writes_log |= (permissions.required & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)) != 0 ||
						   list_member_int(stmt->resultRelations, varno);
			continue;
		}
		if (!any || rte->relkind == RELKIND_COMPOSITE_TYPE || (governed = registry_lookup(rte->relid)) == NULL)
			continue;
		if (permissions.required == 0)
		{
			members = lappend(members, rte);
			continue;
		}
		entry = named_relation(&named, rte->relid);
		entry->required |= permissions.required;
		entry->bypasses |= has_bypassrls_privilege(OidIsValid(permissions.check_as) ? permissions.check_as : GetUserId());
		entry->assigns_fixed |= (permissions.required & ACL_UPDATE) && (column_in(permissions.updated, governed->captured_at) ||
																		column_in(permissions.updated, governed->owner) ||
																		column_in(permissions.updated, governed->hold));
		entry->assigns_camera |= (permissions.required & ACL_UPDATE) && column_in(permissions.updated, governed->camera);
	}

	foreach (cell, members)
	{
		Oid		  root = registry_lookup(((RangeTblEntry *) lfirst(cell))->relid)->root;
		ListCell *other;
		bool	  covered = false;

		foreach (other, named)
			covered |= registry_lookup(((NamedRelation *) lfirst(other))->relid)->root == root;
		if (!covered)
			named_relation(&named, ((RangeTblEntry *) lfirst(cell))->relid)->required |= ACL_SELECT;
	}
	return named;
}

static const char *
action_of(const NamedRelation *named, const QueryDesc *query_desc, int eflags)
{
	if (query_desc == NULL)
		return "copy";
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return "explain";
	if (query_desc->operation == CMD_MERGE && (named->required & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)))
		return "merge";
	if (named->required & ACL_INSERT)
		return "insert";
	if (named->required & ACL_UPDATE)
		return "update";
	if (named->required & ACL_DELETE)
		return "delete";
	if (query_desc->dest && query_desc->dest->mydest == DestCopyOut)
		return "copy";
	return "select";
}

/* ---- where its rows would go ---- */

/*
 * Are the rows of this run kept, for whoever comes?  CREATE TABLE ... AS
 * EXECUTE and a portal that is held over a COMMIT say so only when they run.
 */
static bool
keeps_rows(QueryDesc *query_desc)
{
	if (query_desc->dest && query_desc->dest->mydest == DestIntoRel)
		return !utility_gate_until_commit(InvalidOid);
	if (query_desc->dest && query_desc->dest->mydest == DestTransientRel)
		return true;
	if (query_desc->dest && query_desc->dest->mydest == DestCopyOut && utility_gate_copies_to_server())
		return true;
	return ActivePortal && ActivePortal->queryDesc == query_desc && ActivePortal->holdStore != NULL;
}

/*
 * Do rows of the statement end up in a relation that is neither governed, nor
 * gone when the transaction ends, nor approved for what they sum up?
 */
static bool
fills_lasting_relation(QueryDesc *query_desc, const PlanFacts *facts)
{
	PlannedStmt *stmt = query_desc->plannedstmt;
	ListCell	*cell;

	if (keeps_rows(query_desc))
		return true;
	if (ActivePortal && ActivePortal->queryDesc == NULL && ActivePortal->status == PORTAL_DEFINED &&
		(ActivePortal->cursorOptions & CURSOR_OPT_HOLD))
		return true;
	foreach (cell, stmt->resultRelations)
	{
		RangeTblEntry	 *rte = rt_fetch(lfirst_int(cell), stmt->rtable);
		CompatPermissions permissions = compat_permissions(rte, COMPAT_PLAN_PERMINFOS(stmt));

		if ((permissions.required & (ACL_INSERT | ACL_UPDATE)) && registry_lookup(rte->relid) == NULL &&
			!utility_gate_until_commit(rte->relid) && !(facts->only_summaries && registry_aggregate_approved(rte->relid)))
			return true;
	}
	return false;
}

/* ---- the verdict ---- */

static Verdict
refused(VerdictCause cause, const char *clause)
{
	return (Verdict){.allowed = false, .cause = cause, .clause = clause, .scope = SCOPE_NONE};
}

static Verdict
passed(void)
{
	return (Verdict){.allowed = true, .cause = CAUSE_ALLOWED, .scope = SCOPE_NONE};
}

static bool
request_opens_bypass(Oid role, bool has_request, const Request *request)
{
	if (!has_request)
		return false;
	if (request->break_glass)
		return superuser_arg(role);
	return request->standing && request->text[TEXT_PURPOSE] && strcmp(request->text[TEXT_PURPOSE], "backup") == 0;
}

bool
gate_may_bypass_for_reading(void)
{
	Request request;
	Oid		role = GetOuterUserId();
	bool	has_request = request_in_force(role, shared_now(), &request);

	return request_opens_bypass(role, has_request, &request);
}

/* Access that no request could make right: by the wrong way rather than by the wrong person */
static Verdict
decide_way(StatementAccess *access, RelationAccess *relation, const NamedRelation *named, const PlanFacts *facts)
{
	const RelationFacts *scanned = inspect_relation(facts, relation->relation.root);
	bool				 writes = (named->required & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)) != 0;
	bool				 opened = request_opens_bypass(access->role, access->has_request, &access->request);

	if (relation->relation.broken)
		return refused(CAUSE_BROKEN_REGISTRATION, "13(b)(2)(A)");
	if (facts->too_complex)
		return refused(CAUSE_TOO_COMPLEX, "14(a)(6)");
	if (scanned && scanned->unfiltered)
		return refused(CAUSE_UNFILTERED, "13(d)(6)");
	if (named->bypasses && !opened)
		return refused(CAUSE_BYPASS, "13(d)(6)");
	if (relation->relation.relid != relation->relation.root && !opened)
		return refused(CAUSE_PARTITION_DIRECT, "13(d)(6)");
	if (opened && writes)
		return refused(CAUSE_BREAK_GLASS_READS_ONLY, "14(a)(6)");
	if ((named->required & ACL_SELECT) && fills_lasting_relation(access->query_desc, facts))
		return refused(CAUSE_COPY_LASTING, "13(b)(2)(A)");
	if (access->counts_hidden)
		return refused(CAUSE_EXPLAIN_ANALYZE, "13(d)(6)");
	if (!relation->retention_known)
		return refused(CAUSE_NO_RETENTION_RULE, "13(b)(2)");
	if (named->assigns_fixed)
		return refused(CAUSE_FIXED_COLUMNS, "13(b)(2)(A)");
	return passed();
}

/* A plain insert of reads: nothing of an existing row shows but whether one is there, among the role's own */
static bool
is_ingest(const NamedRelation *named, const PlanFacts *facts, const RelationFacts *scanned)
{
	return (named->required & ACL_INSERT) && !(named->required & ACL_DELETE) && !facts->conflict_update &&
		   (!(named->required & ACL_UPDATE) || facts->conflict_counts) && !(scanned && scanned->read);
}

/* Would the statement copy reads to where they are kept for longer, or under a rule that reserves them to nobody? */
static bool
outlives_its_reads(StatementAccess *access, RelationAccess *relation, const PlanFacts *facts)
{
	ListCell *cell;

	foreach (cell, facts->copied_roots)
	{
		const GovernedRelation *found = registry_lookup(lfirst_oid(cell));
		GovernedRelation		source;
		TimestampTz				limit;

		if (!found)
			return true;
		source = *found;
		if (!retention_limit(&source, access->now, &limit) || relation->limit < limit)
			return true;
		if (strcmp(source.retention, relation->relation.retention) != 0 && rules_is_reserved(source.retention, access->now))
			return true;
	}
	return false;
}

static Verdict
decide_relation(StatementAccess *access, RelationAccess *relation, const NamedRelation *named, const PlanFacts *facts)
{
	Verdict verdict = decide_way(access, relation, named, facts);

	if (!verdict.allowed)
		return verdict;
	if ((named->required & ACL_INSERT) && access->ingest_agencies == NIL)
		return rules_bindings(access->role) == NIL ? refused(CAUSE_NOT_BOUND, "13(d)(6)")
												   : refused(CAUSE_NOT_INGEST_ROLE, "13(d)(6)");
	/* Without a request a copy is refused where it reads. */
	if ((named->required & ACL_INSERT) && access->decided.verdict.allowed)
	{
		if (facts->renews_reads)
			return refused(CAUSE_CAPTURED_RENEWED, "13(b)(2)(A)");
		if (outlives_its_reads(access, relation, facts))
			return refused(CAUSE_COPY_OUTLIVES, "13(b)(2)(A)");
	}
	if (is_ingest(named, facts, inspect_relation(facts, relation->relation.root)))
	{
		relation->ingest = true;
		return verdict;
	}
	if (!access->has_request)
		return refused(access->decided.verdict.cause, access->decided.verdict.cause == CAUSE_NOT_BOUND ? "13(d)(6)" : "13(b)(1)");
	return access->decided.verdict;
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
		relation->action = action_of(entry, query_desc, eflags);
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

	if (!facts->referential || !(InNoForceRLSOperation() || OidIsValid(utility_gate_altered())))
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
static char *
recordable_text(StatementAccess *access, RelationAccess *relation, PlanFacts *facts, char *text)
{
	if (!text && access->query_desc)
	{
		PlannedStmt *stmt = access->query_desc->plannedstmt;

		text = statement_text(access->query_desc->sourceText, stmt->stmt_location, stmt->stmt_len);
	}
	facts->too_complex |= facts->plate_bytes + (text ? strlen(text) : 0) > AUDIT_STATEMENT_MAX_BYTES;
	if (facts->too_complex && relation->verdict.allowed)
		relation->verdict = refused(CAUSE_TOO_COMPLEX, "14(a)(6)");
	return text;
}

/* Decide all relations of the statement, record it, raise when it is refused.  text: of the statement, NULL to find it. */
static void
decide_statement(StatementAccess *access, List *named, PlanFacts *facts, char *text)
{
	const Verdict *stopped = NULL;

	if (RecoveryInProgress() && !is_observed_only(access))
		refusal_raise(CAUSE_STANDBY, "14(a)(6)");

	access->holds_rows = facts->holds_rows;
	access->copies_reads = facts->copies_reads;
	settle_requester(access);

	/* Keys must be checked whoever owns the rows; such a query shows none, and its shape was checked. */
	if (is_referential(facts))
		return;

	for (int i = 0; i < access->relation_count; i++)
	{
		RelationAccess *relation = &access->relations[i];

		relation->verdict = decide_relation(access, relation, list_nth(named, i), facts);
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

/* Writing the log by hand is refused; reading it is recorded. */
static void
guard_log(bool reads, bool writes, const QueryDesc *query_desc)
{
	if (writes)
		gate_refuse_command("ddl", registry_log_relation(), CAUSE_LOG_WRITE, "14(a)(6)");
	if (reads && !is_leaders_plan(query_desc) && !RecoveryInProgress())
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
	if ((query_desc->instrument_options & (INSTRUMENT_TIMER | INSTRUMENT_ROWS)) == 0)
		return false;
	if (!utility_gate_explains())
		query_desc->instrument_options = 0;
	return utility_gate_explains() && !is_member_of_role(GetOuterUserId(), get_role_oid("ctlpr_admin", false));
}

static void
gate_start(QueryDesc *query_desc, int eflags)
{
	List			*named;
	bool			 reads_log;
	bool			 writes_log;
	bool			 counts_hidden = false;
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

	named = named_relations(query_desc->plannedstmt, &reads_log, &writes_log);
	if (reads_log || writes_log)
		guard_log(reads_log, writes_log, query_desc);
	if (named != NIL)
		counts_hidden = counts_hidden_rows(query_desc);
	call_standard_start(query_desc, eflags);
	if (named == NIL)
		return;
	/* A module that is called after us may have asked for the counts. */
	if (!counts_hidden)
		counts_hidden = counts_hidden_rows(query_desc);

	old = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	access = create_statement(query_desc, named, eflags);
	access->counts_hidden = counts_hidden;
	if (access->is_worker)
		join_leader(access);
	else
		decide_statement(access, named, inspect_plan(query_desc), NULL);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		audit_await(access->ticket);
	MemoryContextSwitchTo(old);
}

/* Refuse an open statement to go on. */
static void
stop_statement(StatementAccess *access, VerdictCause cause, const char *clause)
{
	Verdict verdict = refused(cause, clause);

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

/* Rows that the run would keep beyond the statement */
static void
check_kept_rows(StatementAccess *access)
{
	for (int i = 0; i < access->relation_count; i++)
		if (!access->relations[i].observed && !access->relations[i].ingest && keeps_rows(access->query_desc))
			stop_statement(access, CAUSE_COPY_LASTING, "13(b)(2)(A)");
}

static void settle_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner);
static bool is_hold_visible(StatementAccess *access, int64 hold_id);

/* Is what the statement has read of an owner no longer its to see? */
static bool
lost_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner, VerdictCause *cause)
{
	bool was_visible = owner->visible;

	settle_owner(access, relation, owner);
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
		if (!is_hold_visible(access, *(int64 *) lfirst(cell)))
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

/*
 * Reads of other agencies that the client's message has touched so far: what a
 * function touches in many small statements is one access.
 */
static int64 *
touched_by_message(void)
{
	static TimestampTz message = 0;
	static int64	   touched = 0;

	if (GetCurrentStatementStartTimestamp() != message)
		touched = 0;
	message = GetCurrentStatementStartTimestamp();
	return &touched;
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
	published_touched = *touched_by_message();
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
	*touched_by_message() += by_run;
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

/* Run as the innermost governed statement; an error ends it. */
static void
run_as_innermost(StatementAccess *access, bool published, EXECUTOR_RUN_PARAMS)
{
	StatementAccess *outer = running;

	running = access;
	PG_TRY();
	{
		call_standard_run(EXECUTOR_RUN_ARGS);
	}
	PG_CATCH();
	{
		running = outer;
		if (published)
			withdraw_from_workers(access);
		close_statement(access, geterrcode(), false);
		PG_RE_THROW();
	}
	PG_END_TRY();
	running = outer;
	if (published)
		withdraw_from_workers(access);
	access->rows_returned += query_desc->estate->es_processed;
}

/* What must be so before a run begins, or goes on: the same requester, a durable record, the limits of now */
static void
prepare_run(StatementAccess *access)
{
	if (access->is_worker)
		return;
	if (!is_observed_only(access) && access->ticket != 0)
		audit_await(access->ticket);
	/* After the wait: the writer has made sure by now that the clock is not behind the log. */
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

static void
gate_run(EXECUTOR_RUN_PARAMS)
{
	StatementAccess *access = open_statements ? find_statement(query_desc) : NULL;
	bool			 published = false;

	if (!access)
	{
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
	run_as_innermost(access, published, EXECUTOR_RUN_ARGS);
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

/* ---- for the policy predicates ---- */

RelationAccess *
gate_relation(StatementAccess *access, Oid relid)
{
	const GovernedRelation *governed;

	for (int i = 0; i < access->relation_count; i++)
		if (access->relations[i].relation.relid == relid)
			return &access->relations[i];

	/* A partition of a relation that the statement names counts as that relation. */
	governed = registry_lookup(relid);
	for (int i = 0; governed && i < access->relation_count; i++)
		if (access->relations[i].relation.relid == governed->root)
			return &access->relations[i];
	refusal_raise(CAUSE_UNFILTERED, "13(d)(6)");
}

static bool
is_ingest_agency(StatementAccess *access, const char *agency_id)
{
	ListCell *cell;

	foreach (cell, access->ingest_agencies)
		if (strcmp(lfirst(cell), agency_id) == 0)
			return true;
	return false;
}

/* The agency whose reads are the requester's own: for a vendor, the one that it acts for */
static const char *
own_agency(const StatementAccess *access)
{
	return access->has_request && access->decided.owner_id[0] ? access->decided.owner_id : access->decided.agency_id;
}

/* What keeps the reads from whoever asks, and from whom it is asked for.  A vendor is nobody of its own. */
static void
gather_recipients(StatementAccess *access, RelationAccess *relation, OwnerFacts *facts, const char *owner)
{
	const char *recipients[] = {own_agency(access), access->request.text[TEXT_ON_BEHALF_OF]};
	const char *purpose = access->request.text[TEXT_PURPOSE];

	if (access->request.break_glass)
		return;
	for (int i = 0; i < lengthof(recipients); i++)
	{
		const Agency *found = recipients[i] ? rules_agency(recipients[i]) : NULL;
		Agency		  recipient;

		if (!found || strcmp(found->agency_id, owner) == 0)
			continue;
		recipient = *found;
		facts->withheld |= instruments_withheld(owner, &recipient, purpose);
		facts->reserved |= rules_reserved(relation->relation.retention, &recipient, purpose, access->now);
	}
}

static void
settle_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner)
{
	char *agency_id = relation->relation.owner > 0 ? registry_owner_agency(relation->relation.root, owner->value)
												   : pstrdup(relation->relation.owner_agency);

	strlcpy(owner->agency_id, agency_id, sizeof(owner->agency_id));
	owner->known = rules_agency(owner->agency_id) != NULL;
	owner->mine = access->decided.bound && strcmp(own_agency(access), owner->agency_id) == 0;
	owner->shared = !owner->mine || (access->has_request && access->request.text[TEXT_ON_BEHALF_OF] &&
									 strcmp(access->request.text[TEXT_ON_BEHALF_OF], owner->agency_id) != 0);
	owner->retention = instruments_retention(owner->agency_id, access->now);
	owner->ingestible = owner->known && is_ingest_agency(access, owner->agency_id);
	if (relation->ingest && !access->has_request)
		owner->visible = owner->ingestible;
	else if (access->has_request)
	{
		OwnerFacts facts = {.known = owner->known, .mine = owner->mine};

		gather_recipients(access, relation, &facts, owner->agency_id);
		owner->visible = decide_owner(&access->decided.verdict, &facts);
	}
}

OwnerAccess *
gate_owner(StatementAccess *access, RelationAccess *relation, const char *value, int length)
{
	OwnerAccess	 *owner = relation->last_owner;
	char		  key[CTLPR_AGENCY_ID_SIZE];
	bool		  found;
	MemoryContext old;

	/* No agency has a longer identifier, so what is longer is nobody's, like the empty one. */
	if (length >= CTLPR_AGENCY_ID_SIZE)
		length = 0;
	if (owner && strncmp(owner->value, value, length) == 0 && owner->value[length] == '\0')
		return owner;

	memset(key, 0, sizeof(key));
	memcpy(key, value, length);

	if (!relation->owners)
	{
		HASHCTL control = {.keysize = CTLPR_AGENCY_ID_SIZE, .entrysize = sizeof(OwnerAccess)};

		/* Not below the executor's context, whose children are gone when its callbacks run. */
		if (!access->owners_context)
			access->owners_context = AllocSetContextCreate(TopMemoryContext, "ctlpr owners", ALLOCSET_SMALL_SIZES);
		control.hcxt = access->owners_context;

		relation->owners = hash_create("ctlpr owners of a statement", 16, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	owner = hash_search(relation->owners, key, HASH_FIND, &found);
	if (!owner)
	{
		OwnerAccess settled;

		memset(&settled, 0, sizeof(settled));
		memcpy(settled.value, key, sizeof(key));
		settled.oldest = DT_NOEND;
		old = MemoryContextSwitchTo(access->context);
		settle_owner(access, relation, &settled);
		MemoryContextSwitchTo(old);
		owner = hash_search(relation->owners, key, HASH_ENTER, &found);
		*owner = settled;
	}
	relation->last_owner = owner;
	return owner;
}

void
gate_touch_other(StatementAccess *access, RelationAccess *relation)
{
	BulkCount *shared = access->shared_bulk;
	int64	   touched;

	if (!access->has_request || access->request.break_glass)
		return;
	if (shared)
		touched = (int64) pg_atomic_add_fetch_u64(&shared->touched, 1);
	else
	{
		int64 by_message = ++*touched_by_message();

		access->others_touched++;
		touched = Max(access->others_touched, by_message);
	}
	if (ctlpr_bulk_row_limit <= 0 || touched <= ctlpr_bulk_row_limit)
		return;
	/* The first of leader and workers records it, and all stop. */
	if (!shared || pg_atomic_exchange_u32(&shared->recorded, 1) == 0)
		gate_refuse_row(access, relation, CAUSE_BULK, "13(d)(8)");
	else if (!relation->observed)
		refusal_raise(CAUSE_BULK, "13(d)(8)");
}

/* Case numbers are compared without case and without spaces around them. */
static bool
is_same_case(const char *stated, const char *held)
{
	size_t length;

	if (!stated)
		return false;
	stated += strspn(stated, " \t\r\n");
	held += strspn(held, " \t\r\n");
	for (length = strlen(stated); length > 0 && strchr(" \t\r\n", stated[length - 1]); length--)
		;
	return pg_strncasecmp(stated, held, length) == 0 && held[length + strspn(held + length, " \t\r\n")] == '\0' && length > 0;
}

static bool
is_hold_visible(StatementAccess *access, int64 hold_id)
{
	const HeldCase *held = instruments_hold(hold_id);

	return held && access->now < held->purge_after && access->has_request &&
		   (request_opens_bypass(access->role, access->has_request, &access->request) ||
			(access->decided.scope && access->decided.scope->hold_id == hold_id) ||
			is_same_case(access->request.text[TEXT_CASE_NUMBER], held->case_number));
}

/* Keep in mind that evidence of the hold was seen. */
static void
note_hold(StatementAccess *access, RelationAccess *relation, int64 hold_id)
{
	MemoryContext old = MemoryContextSwitchTo(access->context);
	int64		 *noted = palloc(sizeof(int64));

	*noted = hold_id;
	relation->holds = lappend(relation->holds, noted);
	MemoryContextSwitchTo(old);
}

bool
gate_hold_visible(StatementAccess *access, RelationAccess *relation, int64 hold_id)
{
	ListCell *cell;

	if (relation->last_hold_known && relation->last_hold == hold_id)
		return relation->last_hold_visible;
	relation->last_hold = hold_id;
	relation->last_hold_known = true;
	relation->last_hold_visible = is_hold_visible(access, hold_id);
	if (!relation->last_hold_visible)
		return false;
	foreach (cell, relation->holds)
		if (*(int64 *) lfirst(cell) == hold_id)
			return true;
	note_hold(access, relation, hold_id);
	return true;
}

bool
gate_camera_barred(RelationAccess *relation, const char *camera)
{
	if (!relation->last_camera || strcmp(relation->last_camera, camera) != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(gate_running()->context);

		relation->last_camera = pstrdup(camera);
		relation->last_camera_barred = instruments_camera_barred(camera);
		MemoryContextSwitchTo(old);
	}
	return relation->last_camera_barred;
}

/* ---- refusals outside of the start of a statement ---- */

void
gate_refuse_row(StatementAccess *access, RelationAccess *relation, VerdictCause cause, const char *clause)
{
	Verdict verdict = refused(cause, clause);
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
	Verdict verdict = refused(cause, clause);

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
	Verdict verdict = refused(cause, clause);

	(void) record_refused_command(action, NULL, &verdict);
	refusal_raise(cause, clause);
}

void
gate_refuse_weakening(const char *action, Oid relid, VerdictCause cause, const char *clause)
{
	Request request;
	Oid		role = GetOuterUserId();

	if (request_in_force(role, shared_now(), &request) && request.break_glass && superuser_arg(role))
		record_permitted_command(action, recorded_name(relid), "break_glass", NULL);
	else
		gate_refuse_command(action, relid, cause, clause);
}

static void
forget_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		exempt_query = NULL;
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
	RegisterXactCallback(forget_transaction, NULL);
}
