/*
 * verdict.h - what a statement does to each governed relation that it names,
 * and whether it may.
 */
#ifndef CTLPR_VERDICT_H
#define CTLPR_VERDICT_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/pg_list.h"

#include "gate.h"
#include "inspect.h"

/* A relation that a statement names, with what it asks of it */
typedef struct NamedRelation
{
	Oid		relid;
	AclMode required;
	bool	bypasses;	   /* row security does not bind whoever's rights count */
	bool	assigns_fixed; /* an UPDATE assigns the captured time, the owner or the hold */
	bool	assigns_camera;
} NamedRelation;

/*
 * Governed relations in the range table, list of NamedRelation * in the
 * current context.  *reads_log, *writes_log: what it does to the log.
 */
extern List *verdict_named_relations(PlannedStmt *stmt, bool *reads_log, bool *writes_log);

/* What the log calls it; query_desc NULL for COPY FROM */
extern const char *verdict_action(const NamedRelation *named, const QueryDesc *query_desc, int eflags);

/* Are the rows of this run kept, for whoever comes? */
extern bool verdict_keeps_rows(QueryDesc *query_desc);

/* Do rows of the statement end up where they stay?  Sums may, where an administrator has approved of it. */
extern bool verdict_fills_lasting(QueryDesc *query_desc, bool only_summaries);

/* Reads of a governed relation go where the statement writes: keep it in mind of tables that go at commit. */
extern void verdict_note_temporary(QueryDesc *query_desc, Oid root);

/*
 * May the statement do to this relation what it names it for?  The requester
 * is settled in access.  Marks plain ingest in relation.
 */
extern Verdict verdict_of(StatementAccess *access, RelationAccess *relation, const NamedRelation *named, const PlanFacts *facts);

/* Does the request open what row security does not bind: break_glass(), or a standing backup? */
extern bool verdict_opens_bypass(Oid role, bool has_request, const Request *request);

/* A refusal; clause must outlive it */
extern Verdict verdict_refused(VerdictCause cause, const char *clause);

#endif /* CTLPR_VERDICT_H */
