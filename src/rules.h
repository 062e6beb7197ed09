/*
 * rules.h - the rules and the people, as the tables of schema ctlpr have them.
 *
 * Everything is read on demand with a fresh snapshot, kept per backend, and
 * dropped when any commit changed a rule (rules_generation in shared memory)
 * or the own transaction did.  Results are valid until the next rules_*()
 * call; copy what must last.  All need registry_ready() and a transaction.
 */
#ifndef CTLPR_RULES_H
#define CTLPR_RULES_H

#include "postgres.h"

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "ctlpr.h"
#include "decision.h"

typedef struct Agency
{
	char	   agency_id[CTLPR_AGENCY_ID_SIZE]; /* hash key */
	bool	   exists;
	AgencyKind kind;
	char	   kind_name[16];
	char	   state[3];
} Agency;

typedef struct Binding
{
	char agency_id[CTLPR_AGENCY_ID_SIZE];
	bool may_ingest;
	bool supervisor;
	bool session_scope;
} Binding;

typedef struct StandingRequest
{
	int64		request_seq;
	char		agency_id[CTLPR_AGENCY_ID_SIZE];
	const char *purpose;
	const char *reason;
	TimestampTz valid_until;
} StandingRequest;

typedef struct Statute
{
	const char *name;
	char		state[3];
	const char *time_zone;
} Statute;

typedef struct PurposeRule
{
	const char *purpose;
	const char *clause;
	bool		permitted;
	uint32		kinds;
	uint32		demands;
	bool		standing;
	bool		standing_only;
	bool		pending_case; /* "pending" counts as a case number */
	TimestampTz valid_from;
	TimestampTz valid_until;
} PurposeRule;

/* Moves on with every commit that changed a rule */
extern uint64 rules_generation(void);

/* The statute in force; NULL when none was adopted */
extern const Statute *rules_statute(void);

/* A registered agency; NULL when unknown */
extern const Agency *rules_agency(const char *agency_id);

/* Agencies that a role acts for; list of Binding * */
extern List *rules_bindings(Oid role);

/* Standing requests filed for a role, lapsed ones included; list of StandingRequest * */
extern List *rules_standing_requests(Oid role);

/*
 * The rule for a purpose: the version in effect at that time, else any
 * version (compare valid_from and valid_until), else NULL.
 */
extern const PurposeRule *rules_purpose(const char *purpose, TimestampTz at);

/* Is it an agency of the statute's state? */
extern bool rules_in_state(const Agency *agency);

/* How the statute has an agency as a recipient of others' reads, its declaration included */
extern SharingFacts rules_sharing(const Agency *recipient, TimestampTz at);

/* Number of the agency's declaration in force; 0 when there is none, 13(d)(6)(B) */
extern int64 rules_declaration(const char *agency_id, TimestampTz at);

/*
 * Reads captured before *limit are expired by the rule; false when it is not
 * in force.  What had expired under an earlier version of it stays expired.
 */
extern bool rules_retention_limit(const char *rule, TimestampTz at, TimestampTz *limit);

/*
 * Are reads that are kept by this rule reserved to other recipients or
 * purposes, 13(b)(2)(C)?  recipient is a copy of the caller's.
 */
extern bool rules_reserved(const char *rule, const Agency *recipient, const char *purpose, TimestampTz at);

/* Does the rule reserve reads to some recipients at all? */
extern bool rules_is_reserved(const char *rule, TimestampTz at);

/* Day (in the statute's time zone) of an instant, as a count of days comparable within the session */
extern int rules_day(TimestampTz at);

/* May the role read entries that concern this agency?  NULL: entries that concern none */
extern bool rules_auditor_of(Oid role, const char *agency_id);

/*
 * For instruments.c: the cache's memory, refreshed, and a number that changes
 * whenever everything in it was dropped.
 */
extern MemoryContext rules_cache_context(uint64 *epoch);

/*
 * So many agencies are kept; a session that meets more begins its cache anew,
 * so that it stays small however many there are.
 */
#ifndef RULES_AGENCIES_MAX
#define RULES_AGENCIES_MAX 1000
#endif

/* Drop the cache; what came from it is gone, as after any change of the rules. */
extern void rules_drop_cache(void);

/* The bits of a text[] column that holds kinds of agency, and its strings, in the current context */
extern uint32 rules_row_kinds(Relation relation, HeapTuple row, int attribute);
extern List	 *rules_row_texts(Relation relation, HeapTuple row, int attribute);

/* Register the transaction callbacks that publish changes of rules; once per backend. */
extern void rules_install(void);

/* Has the transaction under way changed a rule?  What it sees is then not what others see. */
extern bool rules_changed_here(void);

#endif /* CTLPR_RULES_H */
