/*
 * record.h - what a statement leaves behind in the log.
 */
#ifndef CTLPR_RECORD_H
#define CTLPR_RECORD_H

#include "postgres.h"

#include "gate.h"

/*
 * Queue a verdict for each relation of a statement, but not for plain ingest,
 * which is counted.  stopped: the verdict that stops the whole statement, or
 * NULL; text: the statement without its literals, or NULL.  Leaves the ticket
 * to wait for in access and the entries' numbers in its relations.
 */
extern void record_statement(StatementAccess *access, const PlanFacts *facts, const char *text, const Verdict *stopped);

/* Queue the refusal of a statement that runs already.  Result: the ticket to wait for. */
extern uint64 record_refusal(StatementAccess *access, RelationAccess *relation, const Verdict *verdict);

/* Queue the refusal of a call or command by whoever acts now; relation_name may be NULL.  Result: the ticket to wait for. */
extern uint64 record_refused_command(const char *action, const char *relation_name, const Verdict *verdict);

/* Queue the refusal that a command on an observed relation would have met. */
extern void record_observed_command(const char *action, const char *relation_name, const Verdict *verdict);

/*
 * Record durably a command that goes on: of maintenance (basis NULL), or one
 * that break_glass() opens.  statement: NULL for the command under way.  Its outcome follows at the end of the transaction.
 */
extern void record_permitted_command(const char *action, const char *relation_name, const char *basis, const char *statement);

/* Record durably that the log is read, once a transaction. */
extern void record_log_reading(const char *action);

/* Record durably that what was imported of vendors' audits is read, once a transaction; a standby, which records nothing, shows it as it shows the log. */
extern void record_external_reading(void);

/* Queue the outcome of one relation; sqlstate 0: it went well.  may_wait: not in an abort. */
extern void record_outcome(StatementAccess *access, RelationAccess *relation, int sqlstate, bool may_wait);

/* Count a read that comes in, by owner and day, 15(a)(1)(A); and store the counts when its statement has ended well. */
extern void record_ingested_read(StatementAccess *access, RelationAccess *relation, const char *agency_id,
								 TimestampTz captured_at);
extern void record_ingest_counts(StatementAccess *access, RelationAccess *relation);

extern void record_install(void);

#endif /* CTLPR_RECORD_H */
