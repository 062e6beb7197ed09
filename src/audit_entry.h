/*
 * audit_entry.h - an entry of the log, as C and as the row of ctlpr.audit_entry.
 */
#ifndef CTLPR_AUDIT_ENTRY_H
#define CTLPR_AUDIT_ENTRY_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* An entry larger than this is refused with LP020, never cut */
#define AUDIT_ENTRY_MAX_BYTES (256 * 1024)

/* What a statement's text and the plates it seeks may take of that; the rest is for what the requester stated */
#define AUDIT_STATEMENT_MAX_BYTES (AUDIT_ENTRY_MAX_BYTES - 64 * 1024)

/* Attribute numbers of ctlpr.audit_entry, see sql/audit.sql */
enum
{
	Anum_seq = 1,
	Anum_entry,
	Anum_of_seq,
	Anum_at,
	Anum_request_seq,
	Anum_session_role,
	Anum_role,
	Anum_agency_id,
	Anum_agency_kind,
	Anum_agency_state,
	Anum_on_behalf_of,
	Anum_officer,
	Anum_purpose,
	Anum_offense,
	Anum_case_number,
	Anum_reason,
	Anum_basis,
	Anum_declaration_id,
	Anum_authorization_id,
	Anum_relation,
	Anum_action,
	Anum_search_kind,
	Anum_plates,
	Anum_statement,
	Anum_allowed,
	Anum_enforced,
	Anum_sqlstate,
	Anum_clause,
	Anum_outcome,
	Anum_rows_returned,
	Anum_rows_touched,
	Anum_oldest_age_days,
	Anum_client_addr,
	Anum_application_name,
	Anum_terminal,
	Anum_backend_pid,
	Anum_statute,
	Anum_owners,
	Anum_owner_rows,
	Anum_detail,
	Anum_officer_salt,
	Anum_case_number_salt,
	Anum_reason_salt,
	Anum_plates_salt,
	Anum_detail_salt,
	Anum_redacted,
	Natts_audit_entry = Anum_redacted
};

typedef enum AuditEntryKind
{
	AUDIT_VERDICT,
	AUDIT_OUTCOME
} AuditEntryKind;

typedef enum TriState
{
	TRI_NULL,
	TRI_FALSE,
	TRI_TRUE
} TriState;

/*
 * Zero or NULL means SQL NULL where the column allows it; counts use -1.
 * Initialize with AUDIT_ENTRY_INIT.
 */
typedef struct AuditEntry
{
	AuditEntryKind kind;
	int64		   of_seq;
	TimestampTz	   at;
	int64		   request_seq;
	const char	  *session_role;
	const char	  *role;
	const char	  *agency_id;
	const char	  *agency_kind;
	const char	  *agency_state;
	const char	  *on_behalf_of;
	const char	  *officer;
	const char	  *purpose;
	const char	  *offense;
	const char	  *case_number;
	const char	  *reason;
	const char	  *basis;
	int64		   declaration_id;
	int64		   authorization_id;
	const char	  *relation; /* qualified name */
	const char	  *action;
	const char	  *search_kind;
	List		  *plates; /* of char *; NIL is NULL */
	const char	  *statement;
	TriState	   allowed;
	TriState	   enforced;
	int			   sqlstate; /* packed; 0 is NULL */
	const char	  *clause;
	const char	  *outcome;
	int64		   rows_returned;
	int64		   rows_touched;
	int			   oldest_age_days;
	const char	  *terminal;
	const char	  *statute;
	int			   owners; /* length of the two arrays that follow */
	const char	 **owner;
	int64		  *owner_rows;
	Datum		   detail;			/* jsonb; 0 is NULL */
	bool		   session_columns; /* fill client_addr, application_name, backend_pid */
} AuditEntry;

#define AUDIT_ENTRY_INIT                                                                                                         \
	{                                                                                                                            \
		.rows_returned = -1, .rows_touched = -1, .oldest_age_days = -1                                                           \
	}

/*
 * Form the row.  desc is that of ctlpr.audit_entry; seq is left to the queue
 * (audit_queue_push).  Result in the current memory context.  Raises LP020
 * for an entry over AUDIT_ENTRY_MAX_BYTES.
 */
extern MinimalTuple audit_entry_form(const AuditEntry *entry, TupleDesc desc);

/* Write the number of the entry into a formed row. */
extern void audit_entry_set_seq(MinimalTuple tuple, int64 seq);

#endif /* CTLPR_AUDIT_ENTRY_H */
