/*
 * decision.h - facts in, verdict out.
 *
 * Pure: no catalog, no clock, no setting, no allocation.  Whoever calls
 * gathers the facts (request.c, gate.c, row_policy.c), so that the law can be
 * tested against an independent model.
 */
#ifndef CTLPR_DECISION_H
#define CTLPR_DECISION_H

#include "postgres.h"

/* Kinds of agency, 13(a); bits, because rules name sets of them */
typedef enum AgencyKind
{
	AGENCY_POLICE = 1 << 0,
	AGENCY_PUBLIC = 1 << 1,
	AGENCY_TASK_FORCE = 1 << 2,
	AGENCY_PROSECUTOR = 1 << 3,
	AGENCY_FEDERAL = 1 << 4,
	AGENCY_VENDOR = 1 << 5,
	AGENCY_OTHER = 1 << 6
} AgencyKind;

/* What a request can state and a rule can demand; bits */
typedef enum StatedField
{
	STATED_REASON = 1 << 0,
	STATED_CASE_NUMBER = 1 << 1,
	STATED_OFFICER = 1 << 2,
	STATED_OFFENSE = 1 << 3,
	STATED_AUTHORIZATION = 1 << 4
} StatedField;

/* What opens another agency's reads to a recipient, 13(d)(6) */
typedef enum SharingBasis
{
	SHARING_CLOSED,		  /* no rule names this recipient */
	SHARING_OPEN,		  /* nothing beyond the rule's demands */
	SHARING_DECLARATION,  /* a written declaration in force */
	SHARING_AUTHORIZATION /* an instrument for specific data */
} SharingBasis;

/* How far a request sees */
typedef enum ReadScope
{
	SCOPE_NONE,
	SCOPE_OWN, /* reads of the requester's own agency */
	SCOPE_ALL  /* reads of every registered agency */
} ReadScope;

/* How a purpose stands in the statute */
typedef enum PurposeStatus
{
	PURPOSE_UNKNOWN,
	PURPOSE_PERMITTED,
	PURPOSE_FORBIDDEN
} PurposeStatus;

/* A recipient and the rule that the statute has for it */
typedef struct SharingFacts
{
	bool		 in_state;
	SharingBasis basis;
	uint32		 demands; /* StatedField bits */
	bool		 declaration_in_force;
	bool		 suspended;		 /* 13(l) */
	bool		 network_closed; /* of a network with a participant that has not declared, 13(d)(7) */
	const char	*clause;		 /* of the rule, or of the ban where there is none */
} SharingFacts;

/* The instrument for specific data that a request names, 13(d)(6)(B) to (D) */
typedef struct AuthorizationFacts
{
	bool		named;
	bool		in_force; /* filed, within its validity, not revoked */
	bool		fits;	  /* filed for the recipient, by a rule in effect that opens to its kind and state */
	bool		serves;	  /* the purpose */
	bool		compels;
	bool		declared; /* takes a declaration besides */
	const char *kind;	  /* NULL where it is unknown */
	const char *clause;
} AuthorizationFacts;

typedef struct RequestFacts
{
	bool	   statute_in_force;
	int		   bindings;	   /* agencies that the role acts for */
	bool	   agency_settled; /* one of them is the requester */
	AgencyKind agency_kind;
	bool	   break_glass; /* a superuser's, for one transaction */

	PurposeStatus purpose;
	bool		  purpose_in_effect;
	uint32		  purpose_kinds; /* AgencyKind bits that may state it */
	uint32		  purpose_demands;
	bool		  purpose_standing;		 /* may stand */
	bool		  purpose_standing_only; /* may only stand */
	const char	 *purpose_clause;

	bool   purpose_ruled_out; /* by the requester's own agency, or the one that a vendor acts for, 14(b) */
	bool   standing;		  /* a standing request, not a stated one */
	uint32 stated;			  /* StatedField bits present */
	bool   training_demanded; /* by the same, 14(a)(5) */
	bool   training_valid;

	AuthorizationFacts authorization;
	SharingFacts	   own;		  /* the requester as a recipient */
	bool			   on_behalf; /* of another agency, 13(d)(6) */
	bool			   beneficiary_known;
	AgencyKind		   beneficiary_kind;
	SharingFacts	   beneficiary;
	bool			   contract_in_force; /* of a vendor with the beneficiary, 13(g) */
} RequestFacts;

/* Why; each maps to one sentence that an officer understands */
typedef enum VerdictCause
{
	CAUSE_ALLOWED,
	CAUSE_NO_STATUTE,
	CAUSE_NOT_BOUND,
	CAUSE_AGENCY_NOT_NAMED,
	CAUSE_PURPOSE_UNKNOWN,
	CAUSE_PURPOSE_FORBIDDEN,
	CAUSE_PURPOSE_NOT_IN_EFFECT,
	CAUSE_PURPOSE_OTHER_KIND,
	CAUSE_PURPOSE_MUST_STAND,
	CAUSE_PURPOSE_MAY_NOT_STAND,
	CAUSE_DEMAND_REASON,
	CAUSE_DEMAND_CASE_NUMBER,
	CAUSE_DEMAND_OFFICER,
	CAUSE_DEMAND_OFFENSE,
	CAUSE_DEMAND_AUTHORIZATION,
	CAUSE_DEMAND_UNKNOWN,
	CAUSE_NO_AUTHORIZATION,
	CAUSE_BENEFICIARY_UNKNOWN,
	CAUSE_NO_DECLARATION,
	CAUSE_NO_SHARING_RULE,
	CAUSE_WITHHELD,
	CAUSE_SUSPENDED,
	CAUSE_NETWORK_CLOSED,
	CAUSE_AUTHORIZATION_NOT_IN_FORCE,
	CAUSE_AUTHORIZATION_OTHER,
	CAUSE_AUTHORIZATION_PURPOSE,
	CAUSE_PURPOSE_RULED_OUT,
	CAUSE_TRAINING,
	CAUSE_VENDOR_ALONE,
	CAUSE_NO_CONTRACT,
	/* raised by the gate, which adds facts of the statement */
	CAUSE_NO_REQUEST,
	CAUSE_REQUEST_CHANGED,
	CAUSE_BYPASS,
	CAUSE_BREAK_GLASS_READS_ONLY,
	CAUSE_PARTITION_DIRECT,
	CAUSE_UNFILTERED,
	CAUSE_COPY_LASTING,
	CAUSE_LOG_WRITE,
	CAUSE_FIXED_COLUMNS,
	CAUSE_NOT_INGEST_ROLE,
	CAUSE_CAPTURED_EARLY,
	CAUSE_CAPTURED_LATE,
	CAUSE_CAPTURED_NULL,
	CAUSE_PLATE_NULL,
	CAUSE_OWNER_OTHER,
	CAUSE_NO_RETENTION_RULE,
	CAUSE_STANDBY,
	CAUSE_BROKEN_REGISTRATION,
	CAUSE_REQUEST_WHILE_RUNNING,
	CAUSE_SESSION_SCOPE,
	CAUSE_EXPIRED_MEANWHILE,
	CAUSE_CAPTURED_RENEWED,
	CAUSE_COPY_OUTLIVES,
	CAUSE_FOREIGN_PARENT,
	CAUSE_TRIGGER,
	CAUSE_TOO_COMPLEX,
	CAUSE_BULK,
	CAUSE_PROTECTED_SITE,
	CAUSE_EVIDENCE,
	CAUSE_EVIDENCE_ALTERED,
	CAUSE_AGGREGATE_ALTERED,
	CAUSE_WEAKENS,
	CAUSE_OWN_OBJECT,
	CAUSE_GOVERNED_DROPPED,
	CAUSE_HELD_DROPPED,
	CAUSE_EMPTIED,
	CAUSE_EXPRESSION,
	CAUSE_KEY_ACTION,
	CAUSE_UNCHECKED_READS,
	CAUSE_PUBLISHED,
	CAUSE_DECODING,
	CAUSE_SUBSCRIBED,
	CAUSE_EXPLAIN_ANALYZE,
	CAUSE_EXPLAIN_LOG,
	CAUSE_SCAN_STATISTICS
} VerdictCause;

typedef struct Verdict
{
	bool		 allowed;
	VerdictCause cause;
	const char	*clause; /* points into the facts, or at a constant */
	ReadScope	 scope;
	bool		 narrowed; /* to the specific data of the instrument that the request names */
	bool		 compels;  /* agencies that share less than they may cannot withhold it */
	const char	*basis;	   /* own | in_state | declaration | contract | break_glass | kind of the instrument | NULL */
} Verdict;

/* An owner of reads, as one request meets it */
typedef struct OwnerFacts
{
	bool known;	   /* a registered agency */
	bool mine;	   /* the requester's, or for a vendor the one that it acts for */
	bool withheld; /* by the owner from a recipient or for the purpose, though the law would share */
	bool reserved; /* by the rule that keeps them, to other recipients or purposes, 13(b)(2)(C) */
} OwnerFacts;

/*
 * Decide a request, 13(b)(1) and 13(d).
 *
 * Every field of facts counts; clauses in it must outlive the verdict.  Raises
 * nothing.
 */
extern Verdict decide_request(const RequestFacts *facts);

/*
 * May reads of this owner be seen under the verdict?  An owner that is no
 * registered agency belongs to nobody, so nobody sees it.
 */
extern bool decide_owner(const Verdict *verdict, const OwnerFacts *owner);

/*
 * Is there a basis to share with a recipient, 13(d)(6)?  CAUSE_ALLOWED, or what
 * is in the way; *clause receives the clause behind it.
 */
extern VerdictCause decide_sharing(const SharingFacts *sharing, const AuthorizationFacts *authorization, const char **clause);

/* SQLSTATE of a cause, packed as by MAKE_SQLSTATE; 0 for CAUSE_ALLOWED */
extern int verdict_sqlstate(VerdictCause cause);

/* One factual sentence fragment in the server's style (lower case, no stop), and the way out; constants */
extern const char *verdict_message(VerdictCause cause);
extern const char *verdict_hint(VerdictCause cause);

#endif /* CTLPR_DECISION_H */
