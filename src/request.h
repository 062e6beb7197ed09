/*
 * request.h - the request in force: who asks, for which agency, for which
 * purpose, on which case.
 */
#ifndef CTLPR_REQUEST_H
#define CTLPR_REQUEST_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "audit_entry.h"
#include "ctlpr.h"
#include "decision.h"
#include "screen.h"

/* Texts that a client states, each at most CTLPR_STATED_MAX_BYTES */
typedef enum StatedText
{
	TEXT_PURPOSE,
	TEXT_CASE_NUMBER,
	TEXT_REASON,
	TEXT_OFFICER,
	TEXT_AGENCY_ID,
	TEXT_ON_BEHALF_OF,
	TEXT_OFFENSE,
	TEXT_TERMINAL,
	STATED_TEXTS
} StatedText;

typedef struct Request
{
	int64		seq; /* its entry in the log; 0 while it is only considered */
	Oid			role;
	Oid			database;
	int64		authorization_id;
	TimestampTz started_at;
	TimestampTz expires_at; /* session scope; DT_NOEND: with the transaction */
	bool		break_glass;
	bool		standing;
	const char *text[STATED_TEXTS]; /* NULL: not stated */
} Request;

/* A verdict with what the log wants to know of the requester; in the context of the call */
typedef struct RequestVerdict
{
	Verdict						  verdict;
	bool						  bound; /* agency_id and the next two are known */
	char						  agency_id[CTLPR_AGENCY_ID_SIZE];
	char						  agency_kind[16];
	char						  agency_state[3];
	char						  owner_id[CTLPR_AGENCY_ID_SIZE]; /* the agency whose reads count as its own */
	bool						  session_scope;				  /* the role may hold a request beyond its transaction */
	const struct AuthorizedScope *scope; /* the specific data that the verdict is narrowed to; NULL: it is not */
	int64						  declaration_id;
	const char					 *statute;
	ScreenVerdict				  screened; /* what the stated texts reveal; its strings are the rules' cache's */
} RequestVerdict;

/* The number of the request that the session holds, whoever's it is; 0: none.  Cheap. */
extern int64 request_held(void);

/*
 * The request in force for a role: the one it began, else a standing one
 * filed for it.  False: none.  Texts point into the session's own copy or the
 * rules' cache; request_copy() what must last.
 */
extern bool request_in_force(Oid role, TimestampTz now, Request *request);

/* A copy in the current context */
extern void request_copy(Request *into, const Request *from);

/* Decide a request by the rules as they are now.  Clauses and names in the result are palloc'd. */
extern RequestVerdict request_decide(const Request *request, TimestampTz now);

/*
 * What the log wants to know of a requester who may have no request: the agency
 * when it is unambiguous, the statute.
 */
extern RequestVerdict request_describe_role(Oid role);

/* Fill the columns of an entry that tell who asked for what. */
extern void request_fill_entry(AuditEntry *entry, const Request *request, const RequestVerdict *verdict);

/* Define the setting that carries the request; from _PG_init() only. */
extern void request_install(void);

#endif /* CTLPR_REQUEST_H */
