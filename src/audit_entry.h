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
