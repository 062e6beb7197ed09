/*
 * gate.h - the executor gate: every statement that names a governed relation
 * passes here, is decided, recorded, and only then runs.
 */
#ifndef CTLPR_GATE_H
#define CTLPR_GATE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "nodes/pg_list.h"
#include "port/atomics.h"
#include "utils/hsearch.h"

#include "compat.h"
#include "ctlpr.h"
#include "decision.h"
#include "inspect.h"
#include "instruments.h"
#include "registry.h"
#include "request.h"
#include "shared.h"

/* An owner met in a relation, as the statement may see it */
typedef struct OwnerAccess
{
	char			value[CTLPR_AGENCY_ID_SIZE]; /* hash key: value of the owner column */
	int				length;						 /* of that */
	char			agency_id[CTLPR_AGENCY_ID_SIZE];
	bool			known;	   /* a registered agency */
	bool			mine;	   /* the requester's */
	bool			shared;	   /* with the requester, or with whom it asks for */
	AgencyRetention retention; /* shorter than the relation's */
	bool			visible;
	bool			ingestible; /* the role may insert reads of it */
	int64			touched;
	TimestampTz		oldest; /* of the reads touched; DT_NOEND: none */
} OwnerAccess;

/* Reads inserted for one owner and day */
typedef struct IngestCount
{
	char  agency_id[CTLPR_AGENCY_ID_SIZE];
	int	  day; /* DateADT in the statute's time zone */
	int64 reads;
} IngestCount;

/* A governed relation as one statement uses it */
typedef struct RelationAccess
{
	GovernedRelation relation;		 /* the member that the statement names */
	const char		*action;		 /* select | insert | update | delete | merge | copy | explain */
	bool			 ingest;		 /* inserts as an ingest role: counted, not logged */
	bool			 observed;		 /* recorded, not refused, not hidden */
	bool			 assigns_camera; /* an UPDATE of it does */
	bool			 retention_known;
	TimestampTz		 limit; /* older reads are expired; moves with each executor run */
	Verdict			 verdict;
	int64			 seq; /* its entry; 0: none */
	int64			 touched;
	TimestampTz		 oldest; /* of the reads touched; DT_NOEND: none */
	HTAB			*owners; /* of OwnerAccess */
	OwnerAccess		*last_owner;
	List			*ingest_counts; /* of IngestCount * */
	int64			 left_out;		/* reads that came past their retention, and were not let in */
	IngestCount		*last_count;
	int64			 last_count_quarter; /* quarter hour of the read that last_count counted */
	List			*holds;				 /* of int64 *: those whose evidence was seen */
	int64			 last_hold;			 /* of the last row of evidence, and whether it may be seen */
	bool			 last_hold_known;
	bool			 last_hold_visible;
	char			*last_camera; /* of the last read that came in, and what was found of it */
	bool			 last_camera_barred;
} RelationAccess;

/* A statement on governed relations, from the start of its executor to its end */
typedef struct StatementAccess
{
	struct StatementAccess *next;			/* the session's open statements */
	uint64					serial;			/* never used twice in a session */
	QueryDesc			   *query_desc;		/* NULL: COPY FROM, which has no executor */
	MemoryContext			context;		/* of the executor: gone with it */
	MemoryContext			owners_context; /* of the owners' tables, gone with this; NULL until needed */
	Oid						role;			/* outer role at start */
	int64					held_request;	/* request_held() at start */
	bool					has_request;
	Request					request; /* the one in force at start */
	RequestVerdict			decided;
	List				   *ingest_agencies; /* of char *: those the role ingests for */
	TimestampTz				decided_at;
	uint64					rules; /* generation of the rules that decided */
	TimestampTz				now;   /* start of the executor run under way */
	RelationAccess		   *relations;
	int						relation_count;
	uint64					ticket;			/* to be durable before anything is released; 0: nothing recorded */
	int64					others_touched; /* reads of other agencies, 13(d)(8) */
	BulkCount			   *shared_bulk;	/* the same, counted together with parallel workers; NULL: alone */
	bool					is_worker;		/* a part of its leader's statement */
	bool					overlaps;		/* runs while its record is written, see release.h */
	bool					referential;	/* the server's own, for a key: neither decided nor recorded */
	bool					copies_reads;	/* what it inserts was counted when it came in */
	bool					holds_rows;		/* a node of its plan keeps rows between runs */
	bool					counts_hidden;	/* EXPLAIN ANALYZE of a role that may not use it */
	bool					has_run;
	int64					rows_returned;
	bool					closed; /* its outcome is on the way */
} StatementAccess;

/* The innermost governed statement that runs now, NULL when none does */
extern StatementAccess *gate_running(void);
extern bool				gate_statement_running(void);

/* The statement's use of the relation with this OID; raises LP010 for one that the gate did not pass */
extern RelationAccess *gate_relation(StatementAccess *access, Oid relid);

/* Does the statement name that relation, or the root that it is a member of? */
extern bool gate_names(StatementAccess *access, Oid relid);

/* What the statement may do with reads of this owner; value need not be terminated. */
extern OwnerAccess *gate_owner(StatementAccess *access, RelationAccess *relation, const char *value, int length);

/* Settle, for the run under way, what the statement may do with reads of an owner whose value is set. */
extern void gate_settle_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner);

/* Reads of other agencies that the client's message has touched so far, in whatever many statements of its functions */
extern int64 *gate_touched_by_message(void);

/* Count a read of another agency; LP009 beyond ctlpr.bulk_row_limit. */
extern void gate_touch_other(StatementAccess *access, RelationAccess *relation);

/* Is a hold in force, and the statement's request about its case?  The second keeps in mind that its evidence was seen. */
extern bool gate_is_hold_visible(StatementAccess *access, int64 hold_id);
extern bool gate_hold_visible(StatementAccess *access, RelationAccess *relation, int64 hold_id);

/* Is the camera of a read that comes in barred by a protected site? */
extern bool gate_camera_barred(RelationAccess *relation, const char *camera);

/* Record and raise a refusal that shows while a statement runs.  Returns when the relation is only observed. */
extern void gate_refuse_row(StatementAccess *access, RelationAccess *relation, VerdictCause cause, const char *clause);

/* Record and raise the refusal of a call or command that is no statement on a governed relation. */
COMPAT_NORETURN extern void gate_refuse_call(const char *action, VerdictCause cause, const char *clause);

/* The same for one governed relation (or the log), named by its OID */
COMPAT_NORETURN extern void gate_refuse_command(const char *action, Oid relid, VerdictCause cause, const char *clause);

/* The same for a command that holds locks which the writer of the log needs: the record follows when it has let go. */
COMPAT_NORETURN extern void gate_refuse_locked_command(const char *action, VerdictCause cause, const char *clause);

/*
 * The same for what a superuser may do under break_glass() or ctlpr.restore, or
 * what is done to a relation that is only observed: then it is put on record, and the function
 * returns.  relid: InvalidOid where the command is
 * about no one relation.
 */
extern void gate_refuse_weakening(const char *action, Oid relid, VerdictCause cause, const char *clause);

/*
 * Run a COPY FROM into a governed relation: decide it, record what is not
 * plain ingest, and let load() do it with the policy in force.  text: the
 * command as the log may keep it, or NULL.  Result: that of load(), rows.
 */
typedef uint64 (*GateLoad)(void *context);
extern uint64 gate_run_copy(Oid relid, const char *text, GateLoad load, void *load_context);

/* exempt.c runs a query of our own: this executor is let through untouched. */
extern void gate_exempt(QueryDesc *query_desc);

extern void gate_install(void);

#endif /* CTLPR_GATE_H */
