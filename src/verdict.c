/*
 * verdict.c - judges a statement, relation by relation.
 *
 * First the way: access that no request could make right is refused whoever
 * asks.  Then the person: ingest by its role, anything else by its request
 * (decision.c).
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "retention.h"
#include "rules.h"
#include "temporary.h"
#include "utility_gate.h"
#include "verdict.h"

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

/* Pieces of long values lie in a table of their own, which has no captured time to go by, and a name that tells whose it is. */
static void
guard_toast(Oid toast)
{
	const char *name = get_rel_name(toast);
	Oid			relid = name && strncmp(name, "pg_toast_", 9) == 0 ? strtoul(name + 9, NULL, 10) : InvalidOid;

	if (OidIsValid(relid) && registry_lookup(relid))
		gate_refuse_command("select", relid, CAUSE_PARTITION_DIRECT, "13(d)(6)");
}

/*
 * Governed relations in the range table, list of NamedRelation *.  A member
 * that was not named by itself counts only when its root was not named either:
 * then it hangs below an ungoverned parent.
 */
List *
verdict_named_relations(PlannedStmt *stmt, bool *reads_log, bool *writes_log)
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
		if (any && rte->relkind == RELKIND_TOASTVALUE)
			guard_toast(rte->relid);
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

const char *
verdict_action(const NamedRelation *named, const QueryDesc *query_desc, int eflags)
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
bool
verdict_keeps_rows(QueryDesc *query_desc)
{
	if (query_desc->dest && query_desc->dest->mydest == DestIntoRel)
		return !utility_gate_until_commit();
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
bool
verdict_fills_lasting(QueryDesc *query_desc, bool only_summaries)
{
	PlannedStmt *stmt = query_desc->plannedstmt;
	ListCell	*cell;

	if (verdict_keeps_rows(query_desc))
		return true;
	if (ActivePortal && ActivePortal->queryDesc == NULL && ActivePortal->status == PORTAL_DEFINED &&
		(ActivePortal->cursorOptions & CURSOR_OPT_HOLD))
		return true;
	foreach (cell, stmt->resultRelations)
	{
		RangeTblEntry	 *rte = rt_fetch(lfirst_int(cell), stmt->rtable);
		CompatPermissions permissions = compat_permissions(rte, COMPAT_PLAN_PERMINFOS(stmt));

		if ((permissions.required & (ACL_INSERT | ACL_UPDATE)) && registry_lookup(rte->relid) == NULL &&
			!temporary_goes_at_commit(rte->relid) && !(only_summaries && registry_aggregate_approved(rte->relid)))
			return true;
	}
	return false;
}

void
verdict_note_temporary(QueryDesc *query_desc, Oid root)
{
	PlannedStmt *stmt = query_desc->plannedstmt;
	ListCell	*cell;

	if (query_desc->dest && query_desc->dest->mydest == DestIntoRel && utility_gate_until_commit())
		utility_gate_took_reads(root);
	foreach (cell, stmt->resultRelations)
		temporary_took_reads(rt_fetch(lfirst_int(cell), stmt->rtable)->relid, root);
}

/* ---- the verdict ---- */

Verdict
verdict_refused(VerdictCause cause, const char *clause)
{
	return (Verdict){.allowed = false, .cause = cause, .clause = clause, .scope = SCOPE_NONE};
}

static Verdict
passed(void)
{
	return (Verdict){.allowed = true, .cause = CAUSE_ALLOWED, .scope = SCOPE_NONE};
}

bool
verdict_opens_bypass(Oid role, bool has_request, const Request *request)
{
	if (!has_request)
		return false;
	if (request->break_glass)
		return superuser_arg(role);
	return request->standing && request->text[TEXT_PURPOSE] && strcmp(request->text[TEXT_PURPOSE], "backup") == 0;
}

/* Access that no request could make right: by the wrong way rather than by the wrong person */
static Verdict
decide_way(StatementAccess *access, RelationAccess *relation, const NamedRelation *named, const PlanFacts *facts)
{
	const RelationFacts *scanned = inspect_relation(facts, relation->relation.root);
	bool				 writes = (named->required & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)) != 0;
	bool				 opened = verdict_opens_bypass(access->role, access->has_request, &access->request);

	if (relation->relation.broken)
		return verdict_refused(CAUSE_BROKEN_REGISTRATION, "13(b)(2)(A)");
	if (facts->too_complex)
		return verdict_refused(CAUSE_TOO_COMPLEX, "14(a)(6)");
	if (scanned && scanned->unfiltered)
		return verdict_refused(CAUSE_UNFILTERED, "13(d)(6)");
	if (named->bypasses && !opened)
		return verdict_refused(CAUSE_BYPASS, "13(d)(6)");
	if (relation->relation.relid != relation->relation.root && !opened)
		return verdict_refused(CAUSE_PARTITION_DIRECT, "13(d)(6)");
	if (opened && writes)
		return verdict_refused(CAUSE_BREAK_GLASS_READS_ONLY, "14(a)(6)");
	if ((named->required & ACL_SELECT) && verdict_fills_lasting(access->query_desc, facts->only_summaries))
		return verdict_refused(CAUSE_COPY_LASTING, "13(b)(2)(A)");
	if (access->counts_hidden)
		return verdict_refused(CAUSE_EXPLAIN_ANALYZE, "13(d)(6)");
	if (!relation->retention_known)
		return verdict_refused(CAUSE_NO_RETENTION_RULE, "13(b)(2)");
	if (named->assigns_fixed)
		return verdict_refused(CAUSE_FIXED_COLUMNS, "13(b)(2)(A)");
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

Verdict
verdict_of(StatementAccess *access, RelationAccess *relation, const NamedRelation *named, const PlanFacts *facts)
{
	Verdict verdict = decide_way(access, relation, named, facts);

	if (!verdict.allowed)
		return verdict;
	if ((named->required & ACL_INSERT) && access->ingest_agencies == NIL)
		return rules_bindings(access->role) == NIL ? verdict_refused(CAUSE_NOT_BOUND, "13(d)(6)")
												   : verdict_refused(CAUSE_NOT_INGEST_ROLE, "13(d)(6)");
	/* Without a request a copy is refused where it reads. */
	if ((named->required & ACL_INSERT) && access->decided.verdict.allowed)
	{
		if (facts->renews_reads)
			return verdict_refused(CAUSE_CAPTURED_RENEWED, "13(b)(2)(A)");
		if (outlives_its_reads(access, relation, facts))
			return verdict_refused(CAUSE_COPY_OUTLIVES, "13(b)(2)(A)");
	}
	if (is_ingest(named, facts, inspect_relation(facts, relation->relation.root)))
	{
		relation->ingest = true;
		return verdict;
	}
	if (!access->has_request)
		return verdict_refused(access->decided.verdict.cause,
							   access->decided.verdict.cause == CAUSE_NOT_BOUND ? "13(d)(6)" : "13(b)(1)");
	return access->decided.verdict;
}
