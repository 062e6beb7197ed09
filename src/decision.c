/*
 * decision.c - the act as a function of facts.
 *
 * The order of the checks is the order in which an officer can mend things:
 * who are you, what for, what did you leave out, whose reads.  The first that
 * fails is the answer, so that the log holds one verdict and one clause.
 */
#include "postgres.h"

#include "ctlpr.h"
#include "decision.h"

/* What each cause means to the client; indexed by VerdictCause */
static const struct
{
	int			sqlstate;
	const char *message;
	const char *hint;
} causes[] = {
	[CAUSE_ALLOWED] = {0, "allowed", ""},
	[CAUSE_NO_STATUTE] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "no statute is in force in this database",
						  "An administrator must call ctlpr.adopt_statute()."},
	[CAUSE_NOT_BOUND] = {ERRCODE_LP_ROLE_NOT_BOUND, "the role is bound to no agency",
						 "An administrator binds roles to agencies with ctlpr.bind_role()."},
	[CAUSE_AGENCY_NOT_NAMED] = {ERRCODE_LP_DEMAND_MISSING, "the request names no agency that the role is bound to",
								"Name one of the role's agencies with the agency_id argument of ctlpr.begin_request()."},
	[CAUSE_PURPOSE_UNKNOWN] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the purpose is not on the list of permitted purposes",
							   "State one of the permitted purposes in ctlpr.statute_purpose."},
	[CAUSE_PURPOSE_FORBIDDEN] = {ERRCODE_LP_PURPOSE_FORBIDDEN, "the purpose is forbidden",
								 "No request, approval or instrument makes this purpose lawful."},
	[CAUSE_PURPOSE_NOT_IN_EFFECT] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the purpose is not in effect at this time",
									 "See valid_from and valid_until in ctlpr.statute_purpose."},
	[CAUSE_PURPOSE_OTHER_KIND] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the purpose is not permitted for this kind of agency",
								  "See agency_kinds in ctlpr.statute_purpose for who may state it."},
	[CAUSE_PURPOSE_MUST_STAND] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the purpose is reserved to standing requests",
								  "An administrator files a standing request with ctlpr.standing_request()."},
	[CAUSE_PURPOSE_MAY_NOT_STAND] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the purpose is not permitted for a standing request",
									 "State it with ctlpr.begin_request(), for one search at a time."},
	[CAUSE_DEMAND_REASON] = {ERRCODE_LP_DEMAND_MISSING, "the request states no reason", "State it with the reason argument."},
	[CAUSE_DEMAND_CASE_NUMBER] = {ERRCODE_LP_DEMAND_MISSING, "the request states no case number",
								  "State a case, incident, dispatch or alert number with the case_number argument."},
	[CAUSE_DEMAND_OFFICER] = {ERRCODE_LP_DEMAND_MISSING, "the request states no officer", "State it with the officer argument."},
	[CAUSE_DEMAND_OFFENSE] = {ERRCODE_LP_DEMAND_MISSING, "the request states no offense", "State it with the offense argument."},
	[CAUSE_DEMAND_AUTHORIZATION] =
		{ERRCODE_LP_DEMAND_MISSING, "the request names no instrument",
		 "A registrar files it with ctlpr.authorize(); name its number with the authorization_id argument."},
	[CAUSE_DEMAND_UNKNOWN] = {ERRCODE_LP_DEMAND_MISSING, "the statute demands what no request can state",
							  "See demands in ctlpr.statute_purpose and ctlpr.statute_recipient."},
	[CAUSE_NO_AUTHORIZATION] =
		{ERRCODE_LP_NO_BASIS, "no authorization for specific data is in force for this agency",
		 "The statute has no exception for urgency: the lawful ways are a judicially issued probable cause warrant for the "
		 "specific data, a match in the Terrorist Screening Database, or an agency of the state that has the case."},
	[CAUSE_BENEFICIARY_UNKNOWN] = {ERRCODE_LP_NO_BASIS, "the agency that the search is for is not registered",
								   "An administrator registers agencies with ctlpr.register_agency()."},
	[CAUSE_NO_DECLARATION] = {ERRCODE_LP_NO_BASIS, "no written declaration of the agency is in force",
							  "A registrar files the signed declaration with ctlpr.file_declaration()."},
	[CAUSE_NO_SHARING_RULE] = {ERRCODE_LP_NO_BASIS, "the statute names no way to share reads with this agency",
							   "See ctlpr.statute_recipient for who may receive reads, and on what basis."},
	[CAUSE_WITHHELD] = {ERRCODE_LP_NO_BASIS,
						"the agency whose reads they are withholds them from this recipient or for this purpose",
						"See ctlpr.sharing_limit; a judge's warrant opens what it names."},
	[CAUSE_SUSPENDED] = {ERRCODE_LP_SUSPENDED, "sharing with this agency is suspended",
						 "Until whoever directed it resumes sharing, no agency of the state shares reads with it."},
	[CAUSE_NETWORK_CLOSED] =
		{ERRCODE_LP_NO_BASIS, "a participant of the agency's sharing network has no declaration in force",
		 "A registrar files the missing declaration, or ends that participation with ctlpr.leave_network()."},
	[CAUSE_AUTHORIZATION_NOT_IN_FORCE] = {ERRCODE_LP_NO_BASIS, "the authorization is unknown, revoked or outside its validity",
										  "Name an instrument in force; a registrar files it with ctlpr.authorize()."},
	[CAUSE_AUTHORIZATION_OTHER] = {ERRCODE_LP_NO_BASIS, "the authorization is not for this agency",
								   "Name an instrument that was filed for the agency that receives the reads."},
	[CAUSE_AUTHORIZATION_PURPOSE] = {ERRCODE_LP_NO_BASIS, "the authorization does not serve this purpose",
									 "See purposes in ctlpr.statute_authorization."},
	[CAUSE_PURPOSE_RULED_OUT] = {ERRCODE_LP_PURPOSE_NOT_LISTED, "the agency has ruled this purpose out",
								 "The agency's own policy is stricter than the act; see ctlpr.sharing_limit."},
	[CAUSE_TRAINING] = {ERRCODE_LP_DEMAND_MISSING, "the officer is not registered, or the training has lapsed",
						"The agency registers trained officers with ctlpr.register_officer()."},
	[CAUSE_REASON] = {ERRCODE_LP_REASON, "what the request states reveals a forbidden purpose",
					  "State the reason again, as it is; one that is lawful all the same a supervisor may admit with "
					  "ctlpr.approve_reason()."},
	[CAUSE_VENDOR_ALONE] = {ERRCODE_LP_DEMAND_MISSING, "a vendor acts for its contracting agencies alone",
							"Name the agency with the on_behalf_of argument."},
	[CAUSE_NO_CONTRACT] = {ERRCODE_LP_NO_BASIS, "no contract of the vendor with this agency is in force",
						   "A registrar files contracts with ctlpr.register_contract()."},
	[CAUSE_BULK] = {ERRCODE_LP_BULK, "the statement touches more of other agencies' reads than ctlpr.bulk_row_limit",
					"Search for the plate, the place or the time of the case."},
	[CAUSE_PROTECTED_SITE] = {ERRCODE_LP_PROTECTED_SITE, "the camera stands too close to a protected site",
							  "Take the camera down, or have it authorized under section 29-6d of the general statutes."},
	[CAUSE_EVIDENCE] = {ERRCODE_LP_HOLD, "evidence is not inserted by hand",
						"A supervisory officer holds reads with ctlpr.preserve()."},
	[CAUSE_AGGREGATE_ALTERED] = {ERRCODE_LP_WEAKENING, "a table of approved aggregates may not be altered",
								 "Withdraw its approval with ctlpr.withdraw_aggregate(), and approve what it has become."},
	[CAUSE_EVIDENCE_ALTERED] =
		{ERRCODE_LP_WEAKENING, "evidence may not be altered",
		 "When its holds have ended and the worker has deleted it, the table can be released with ctlpr.release()."},
	[CAUSE_WEAKENS] =
		{ERRCODE_LP_WEAKENING, "the command would weaken the governance of a table",
		 "End governance on record with ctlpr.release(); in an emergency a superuser may call ctlpr.break_glass()."},
	[CAUSE_OWN_OBJECT] = {ERRCODE_LP_WEAKENING, "objects of extension \"ctlpr\" may not be changed while a table is governed",
						  "Use the functions of ctlpr; its objects change with ALTER EXTENSION ctlpr UPDATE."},
	[CAUSE_GOVERNED_DROPPED] =
		{ERRCODE_LP_WEAKENING, "a governed table may not be dropped",
		 "Delete its reads, or end governance on record with ctlpr.release() first; partitions may be dropped."},
	[CAUSE_HELD_DROPPED] = {ERRCODE_LP_WEAKENING, "reads of the table are held, and have not been copied",
							"Drop the partition by its name with DROP TABLE, which copies what is held first."},
	[CAUSE_EMPTIED] = {ERRCODE_LP_BYPASS, "TRUNCATE would delete reads past the policy",
					   "Delete the agency's own reads under a request, drop whole partitions, or let the worker purge."},
	[CAUSE_EXPRESSION] = {ERRCODE_LP_WEAKENING, "a function that is not vetted would see every read, expired ones included",
						  "Use functions of the server and of extensions that only compute; see the manual on expressions."},
	[CAUSE_KEY_ACTION] = {ERRCODE_LP_WEAKENING, "an action of a foreign key would change or delete reads past the policy",
						  "Declare it with ON DELETE and ON UPDATE NO ACTION or RESTRICT."},
	[CAUSE_UNCHECKED_READS] = {ERRCODE_LP_WEAKENING,
							   "a table that joins a governed one would bring reads that nothing has checked",
							   "Attach it empty, and insert its reads through the governed table as an ingest role."},
	[CAUSE_PUBLISHED] = {ERRCODE_LP_COPY, "a publication would carry every read away, without a statement to record",
						 "For a subscriber of the same agency an administrator calls ctlpr.allow_publication()."},
	[CAUSE_DECODING] = {ERRCODE_LP_BYPASS, "logical decoding would show every read, without a statement to record",
						"A subscriber of the same agency uses a role named to ctlpr.allow_publication()."},
	[CAUSE_SUBSCRIBED] = {ERRCODE_LP_WEAKENING, "a subscription would write reads that nothing has checked",
						  "Let an ingest role insert them; drop the slot that the command may have left at the publisher."},
	[CAUSE_EXPLAIN_ANALYZE] = {ERRCODE_LP_BYPASS, "EXPLAIN ANALYZE would count the reads that the policy hides",
							   "Use EXPLAIN without ANALYZE; members of ctlpr_admin may use ANALYZE."},
	[CAUSE_EXPLAIN_LOG] = {ERRCODE_LP_BYPASS, "EXPLAIN would tell of entries of the log that the role may not see",
						   "Auditors may use EXPLAIN without ANALYZE, superusers with it."},
	[CAUSE_SCAN_STATISTICS] = {ERRCODE_LP_BYPASS, "statistics of scans would count the reads that the policy hides",
							   "Ask a member of pg_read_all_stats or pg_monitor."},
	[CAUSE_NO_REQUEST] =
		{ERRCODE_LP_NO_REQUEST, "no request is in force",
		 "State the purpose of the search with ctlpr.begin_request() in the same transaction, as the same role."},
	[CAUSE_REQUEST_CHANGED] = {ERRCODE_LP_BYPASS, "the role, the request or what it may see changed while the statement was open",
							   "Run the statement again under the role and the request that it is meant for."},
	[CAUSE_BYPASS] =
		{ERRCODE_LP_BYPASS, "access that bypasses row security is refused",
		 "Use a role bound to an agency, and views owned by roles that are subject to row security; in an emergency a "
		 "superuser may call ctlpr.break_glass()."},
	[CAUSE_BREAK_GLASS_READS_ONLY] = {ERRCODE_LP_BYPASS, "break_glass() opens reading only",
									  "Change reads as a role bound to the agency that owns them."},
	[CAUSE_PARTITION_DIRECT] = {ERRCODE_LP_BYPASS, "a partition or child of a governed table may not be named directly",
								"Name the governed table itself."},
	[CAUSE_UNFILTERED] = {ERRCODE_LP_BYPASS, "the plan reads a governed table without its policy",
						  "Another module may have changed the plan; see the manual on other planner hooks."},
	[CAUSE_COPY_LASTING] = {ERRCODE_LP_COPY, "reads may not be copied to where they escape governance",
							"Fetch the rows under a request, or govern the target table."},
	[CAUSE_LOG_WRITE] = {ERRCODE_LP_WEAKENING, "the audit log may not be changed",
						 "Entries are written by the audit writer alone."},
	[CAUSE_FIXED_COLUMNS] = {ERRCODE_LP_READ_TIME, "the captured time and the owner of a read may not be changed",
							 "Delete the read and ingest it again if it was recorded wrongly."},
	[CAUSE_NOT_INGEST_ROLE] = {ERRCODE_LP_DEMAND_MISSING, "the role may not ingest reads",
							   "An administrator binds ingest roles with ctlpr.bind_role(may_ingest => true)."},
	[CAUSE_CAPTURED_EARLY] = {ERRCODE_LP_READ_TIME, "the read is past its retention already",
							  "Reads are ingested before they expire; an old read may not come in."},
	[CAUSE_CAPTURED_LATE] = {ERRCODE_LP_READ_TIME, "the captured time lies in the future",
							 "Check the clock of the camera; ctlpr.clock_skew says how much is tolerated."},
	[CAUSE_CAPTURED_NULL] = {ERRCODE_LP_READ_TIME, "the captured time of a read is null",
							 "Retention starts at capture, so a read needs its captured time."},
	[CAUSE_PLATE_NULL] = {ERRCODE_LP_READ_TIME, "the plate of a read is null", "Leave out what the camera could not read."},
	[CAUSE_OWNER_OTHER] = {ERRCODE_LP_READ_TIME, "the owner of the read is not an agency that the role ingests for",
						   "The agency column must name an agency that the role is bound to with may_ingest."},
	[CAUSE_NO_RETENTION_RULE] = {ERRCODE_LP_READ_TIME, "no retention rule is in force for the governed table",
								 "See ctlpr.statute_retention and the retention argument of ctlpr.govern()."},
	[CAUSE_STANDBY] = {ERRCODE_LP_STANDBY, "no record can be written on a standby", "Run the statement on the primary."},
	[CAUSE_BROKEN_REGISTRATION] = {ERRCODE_LP_WEAKENING, "the registration of the governed table does not fit its columns",
								   "A registered column is missing or has another type; put it back."},
	[CAUSE_REQUEST_WHILE_RUNNING] = {ERRCODE_LP_BYPASS, "a request may not change while a statement on governed tables runs",
									 "Call it as a statement of its own."},
	[CAUSE_EXPIRED_MEANWHILE] = {ERRCODE_LP_READ_TIME, "reads that the open statement holds have expired",
								 "Run the statement again."},
	[CAUSE_CAPTURED_RENEWED] = {ERRCODE_LP_READ_TIME, "a copy of reads would not keep their captured time",
								"Select the captured time of the copied reads."},
	[CAUSE_COPY_OUTLIVES] = {ERRCODE_LP_COPY, "a copy of reads would outlive them, or be open to others",
							 "Copy into a table that is governed under the same retention rule."},
	[CAUSE_FOREIGN_PARENT] = {ERRCODE_LP_WEAKENING, "a governed table cannot become a partition or child of another table",
							  "Govern the whole: release this table, attach it, and govern its new parent."},
	[CAUSE_TRIGGER] = {ERRCODE_LP_WEAKENING, "a trigger or rule of a governed table would see or change reads past the policy",
					   "Drop it; or release the table and govern it again with the trigger's name in allow_triggers."},
	[CAUSE_TOO_COMPLEX] = {ERRCODE_LP_NOT_DURABLE, "the statement is too long or too complex for its record",
						   "Search for fewer plates in one statement, or split it."},
	[CAUSE_SESSION_SCOPE] = {ERRCODE_LP_DEMAND_MISSING, "the role may not hold a request beyond its transaction",
							 "State the request inside a transaction block; an administrator allows more with "
							 "ctlpr.bind_role(session_scope => true)."},
};

int
verdict_sqlstate(VerdictCause cause)
{
	return causes[cause].sqlstate;
}

const char *
verdict_message(VerdictCause cause)
{
	return causes[cause].message;
}

const char *
verdict_hint(VerdictCause cause)
{
	return causes[cause].hint;
}

static Verdict
refuse(VerdictCause cause, const char *clause)
{
	return (Verdict){.allowed = false, .cause = cause, .clause = clause, .scope = SCOPE_NONE, .basis = NULL};
}

/* The first demand that the request does not meet, or CAUSE_ALLOWED */
static VerdictCause
missing_demand(uint32 demands, uint32 stated)
{
	uint32 missing = demands & ~stated;

	if (missing & STATED_REASON)
		return CAUSE_DEMAND_REASON;
	if (missing & STATED_CASE_NUMBER)
		return CAUSE_DEMAND_CASE_NUMBER;
	if (missing & STATED_OFFICER)
		return CAUSE_DEMAND_OFFICER;
	if (missing & STATED_OFFENSE)
		return CAUSE_DEMAND_OFFENSE;
	if (missing & STATED_AUTHORIZATION)
		return CAUSE_DEMAND_AUTHORIZATION;
	return missing == 0 ? CAUSE_ALLOWED : CAUSE_DEMAND_UNKNOWN;
}

VerdictCause
decide_sharing(const SharingFacts *sharing, const AuthorizationFacts *authorization, const char **clause)
{
	*clause = sharing->clause;
	if (sharing->suspended)
	{
		*clause = "13(l)";
		return CAUSE_SUSPENDED;
	}
	if (authorization && authorization->named)
	{
		*clause = authorization->clause;
		return authorization->declared && !sharing->declaration_in_force ? CAUSE_NO_DECLARATION : CAUSE_ALLOWED;
	}
	if (sharing->network_closed && !sharing->in_state)
	{
		*clause = "13(d)(7)";
		return CAUSE_NETWORK_CLOSED;
	}
	switch (sharing->basis)
	{
		case SHARING_OPEN:
			return CAUSE_ALLOWED;
		case SHARING_DECLARATION:
			return sharing->declaration_in_force ? CAUSE_ALLOWED : CAUSE_NO_DECLARATION;
		case SHARING_AUTHORIZATION:
			return CAUSE_NO_AUTHORIZATION;
		case SHARING_CLOSED:
			break;
	}
	return CAUSE_NO_SHARING_RULE;
}

static bool
authorization_usable(const AuthorizationFacts *authorization)
{
	return authorization->named && authorization->in_force && authorization->fits && authorization->serves;
}

/* A court's order opens what it names to whom it names; that is never a vendor. */
static bool
purpose_fits_kind(const RequestFacts *facts, AgencyKind kind, bool receives)
{
	return (facts->purpose_kinds & kind) != 0 ||
		   (receives && kind != AGENCY_VENDOR && facts->authorization.compels && authorization_usable(&facts->authorization));
}

/* Whether the purpose may be stated by this kind of agency, and for that kind, in this way, 13(b)(1) and 13(d)(1) to (4) */
static VerdictCause
decide_purpose(const RequestFacts *facts)
{
	if (facts->purpose == PURPOSE_UNKNOWN)
		return CAUSE_PURPOSE_UNKNOWN;
	if (facts->purpose == PURPOSE_FORBIDDEN)
		return CAUSE_PURPOSE_FORBIDDEN;
	if (!facts->purpose_in_effect)
		return CAUSE_PURPOSE_NOT_IN_EFFECT;
	if (!purpose_fits_kind(facts, facts->agency_kind, !facts->on_behalf) ||
		(facts->on_behalf && facts->beneficiary_known && !purpose_fits_kind(facts, facts->beneficiary_kind, true)))
		return CAUSE_PURPOSE_OTHER_KIND;
	if (facts->purpose_ruled_out)
		return CAUSE_PURPOSE_RULED_OUT;
	if (facts->standing && !facts->purpose_standing)
		return CAUSE_PURPOSE_MAY_NOT_STAND;
	if (!facts->standing && facts->purpose_standing_only)
		return CAUSE_PURPOSE_MUST_STAND;
	return CAUSE_ALLOWED;
}

/* Whether everything is stated that the purpose, the agency, the beneficiary and the way of sharing demand */
static VerdictCause
decide_demands(const RequestFacts *facts, const char **clause)
{
	VerdictCause cause = missing_demand(facts->purpose_demands, facts->stated);

	*clause = facts->purpose_clause;
	if (cause == CAUSE_ALLOWED && facts->training_demanded && !facts->standing)
	{
		*clause = "14(a)(5)";
		cause = missing_demand(STATED_OFFICER, facts->stated);
		if (cause == CAUSE_ALLOWED && !facts->training_valid)
			cause = CAUSE_TRAINING;
	}
	if (cause == CAUSE_ALLOWED && facts->on_behalf && facts->agency_kind != AGENCY_VENDOR)
	{
		cause = missing_demand(facts->beneficiary.demands, facts->stated);
		*clause = facts->beneficiary.clause;
	}
	if (cause == CAUSE_ALLOWED && !facts->own.in_state && facts->agency_kind != AGENCY_VENDOR)
	{
		cause = missing_demand(facts->own.demands, facts->stated);
		*clause = facts->own.clause;
	}
	return cause;
}

/* An instrument that is named must be good, whether or not it is needed: it narrows what is seen. */
static VerdictCause
decide_authorization(const AuthorizationFacts *authorization)
{
	if (!authorization->named)
		return CAUSE_ALLOWED;
	if (!authorization->in_force)
		return CAUSE_AUTHORIZATION_NOT_IN_FORCE;
	if (!authorization->fits)
		return CAUSE_AUTHORIZATION_OTHER;
	return authorization->serves ? CAUSE_ALLOWED : CAUSE_AUTHORIZATION_PURPOSE;
}

static Verdict
allow(const RequestFacts *facts, ReadScope scope, const char *clause, const char *basis)
{
	const AuthorizationFacts *authorization = &facts->authorization;

	return (Verdict){.allowed = true,
					 .cause = CAUSE_ALLOWED,
					 .clause = authorization->named ? authorization->clause : clause,
					 .scope = scope,
					 .narrowed = authorization->named,
					 .compels = authorization->named && authorization->compels,
					 .basis = authorization->named ? authorization->kind : basis};
}

/* A vendor sees the reads of the agency that it acts for, 13(g)(2) and (3). */
static Verdict
decide_vendor(const RequestFacts *facts)
{
	VerdictCause cause;
	const char	*clause = NULL;

	if (!facts->on_behalf)
		return refuse(CAUSE_VENDOR_ALONE, "13(g)(2)");
	if (!facts->beneficiary_known)
		return refuse(CAUSE_BENEFICIARY_UNKNOWN, "13(g)(2)");
	if (!facts->contract_in_force)
		return refuse(CAUSE_NO_CONTRACT, "13(g)(2)");
	if (facts->own.suspended || facts->beneficiary.suspended)
		return refuse(CAUSE_SUSPENDED, "13(l)");
	/* It may do no more than the agency, of which one of another state has no reads of its own. */
	cause = decide_sharing(&facts->beneficiary, &facts->authorization, &clause);
	if (cause != CAUSE_ALLOWED && !facts->beneficiary.in_state)
		return refuse(cause, clause);
	cause = decide_demands(facts, &clause);
	if (cause != CAUSE_ALLOWED)
		return refuse(cause, clause);
	return allow(facts, SCOPE_OWN, facts->purpose_clause, "contract");
}

Verdict
decide_request(const RequestFacts *facts)
{
	const SharingFacts *recipient;
	const char		   *shared_by;
	VerdictCause		cause;
	VerdictCause		basis;
	const char		   *clause = NULL;

	if (!facts->statute_in_force)
		return refuse(CAUSE_NO_STATUTE, "13(b)(1)");
	if (facts->break_glass && facts->reason_refused)
		return refuse(CAUSE_REASON, facts->reason_clause);
	if (facts->break_glass)
		return (Verdict){
			.allowed = true, .cause = CAUSE_ALLOWED, .clause = "14(a)(6)", .scope = SCOPE_ALL, .basis = "break_glass"};
	if (facts->bindings == 0)
		return refuse(CAUSE_NOT_BOUND, "13(d)(6)");
	if (!facts->agency_settled)
		return refuse(CAUSE_AGENCY_NOT_NAMED, "14(a)(6)");

	cause = decide_purpose(facts);
	if (cause == CAUSE_PURPOSE_RULED_OUT)
		return refuse(cause, "14(b)");
	if (cause != CAUSE_ALLOWED)
		return refuse(cause, facts->purpose_clause ? facts->purpose_clause : "13(b)(1)");
	if (facts->reason_refused)
		return refuse(CAUSE_REASON, facts->reason_clause);
	cause = decide_authorization(&facts->authorization);
	if (cause != CAUSE_ALLOWED)
		return refuse(cause, facts->authorization.clause ? facts->authorization.clause : facts->own.clause);
	if (facts->agency_kind == AGENCY_VENDOR)
		return decide_vendor(facts);

	/* A search made for another agency is sharing with that agency, under the instrument that is that agency's. */
	if (facts->on_behalf && !facts->beneficiary_known)
		return refuse(CAUSE_BENEFICIARY_UNKNOWN, "13(d)(6)");
	if (facts->on_behalf)
	{
		cause = decide_sharing(&facts->beneficiary, &facts->authorization, &clause);
		if (cause != CAUSE_ALLOWED)
			return refuse(cause, clause);
	}

	/*
	 * An agency of the state has reads of its own; anybody else only what is
	 * shared.  A standing request never reaches beyond the own agency, 13(d)(8).
	 */
	basis = facts->standing ? CAUSE_NO_SHARING_RULE
							: decide_sharing(&facts->own, facts->on_behalf ? NULL : &facts->authorization, &clause);
	if (basis != CAUSE_ALLOWED && !facts->own.in_state)
		return refuse(basis, facts->standing ? facts->own.clause : clause);

	cause = decide_demands(facts, &clause);
	if (cause != CAUSE_ALLOWED)
		return refuse(cause, clause);

	recipient = facts->on_behalf ? &facts->beneficiary : &facts->own;
	shared_by = recipient->basis == SHARING_DECLARATION ? "declaration" : "in_state";
	if (basis == CAUSE_ALLOWED && missing_demand(facts->own.demands, facts->stated) == CAUSE_ALLOWED)
		return allow(facts, SCOPE_ALL, recipient->clause, shared_by);
	if (facts->on_behalf)
		return allow(facts, SCOPE_OWN, recipient->clause, shared_by);
	return allow(facts, SCOPE_OWN, facts->purpose_clause, "own");
}

bool
decide_owner(const Verdict *verdict, const OwnerFacts *owner)
{
	if (!verdict->allowed || !owner->known)
		return false;
	switch (verdict->scope)
	{
		case SCOPE_NONE:
			return false;
		case SCOPE_OWN:
			if (!owner->mine)
				return false;
			break;
		case SCOPE_ALL:
			break;
	}
	return !owner->reserved && (!owner->withheld || verdict->compels);
}
