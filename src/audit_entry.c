/*
 * audit_entry.c - forms the rows of the log in the backend that knows them.
 *
 * A backend hands the writer a finished row without its number, so the writer
 * needs no knowledge of what an entry means and runs no code but the heap's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "audit_entry.h"
#include "compat.h"
#include "ctlpr.h"

typedef struct Row
{
	Datum values[Natts_audit_entry];
	bool  nulls[Natts_audit_entry];
} Row;

static void
set_datum(Row *row, int attribute, Datum value)
{
	row->values[attribute - 1] = value;
	row->nulls[attribute - 1] = false;
}

static void
set_text(Row *row, int attribute, const char *value)
{
	if (value)
		set_datum(row, attribute, CStringGetTextDatum(value));
}

static void
set_name(Row *row, int attribute, const char *value)
{
	if (value)
	{
		Name name = palloc0(sizeof(NameData));

		namestrcpy(name, value);
		set_datum(row, attribute, NameGetDatum(name));
	}
}

static void
set_int64(Row *row, int attribute, int64 value, int64 null_value)
{
	if (value != null_value)
		set_datum(row, attribute, Int64GetDatum(value));
}

static void
set_tristate(Row *row, int attribute, TriState value)
{
	if (value != TRI_NULL)
		set_datum(row, attribute, BoolGetDatum(value == TRI_TRUE));
}

static void
set_plates(Row *row, List *plates)
{
	Datum	 *elements;
	int		  count = 0;
	ListCell *cell;

	if (plates == NIL)
		return;
	elements = palloc(sizeof(Datum) * list_length(plates));
	foreach (cell, plates)
		elements[count++] = CStringGetTextDatum((char *) lfirst(cell));
	set_datum(row, Anum_plates, PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* A random salt beside a value, so that its hash in the tree gives nothing away (docs/log-format.md) */
static void
set_salt(Row *row, int attribute, int salt_attribute)
{
	static uint8 random[64 * UUID_LEN];
	static int	 used = sizeof(random);
	pg_uuid_t	*salt;

	if (row->nulls[attribute - 1])
		return;
	if (used == sizeof(random))
	{
		if (!pg_strong_random(random, sizeof(random)))
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
		used = 0;
	}
	salt = palloc(sizeof(pg_uuid_t));
	memcpy(salt->data, &random[used], UUID_LEN);
	memset(&random[used], 0, UUID_LEN);
	used += UUID_LEN;
	set_datum(row, salt_attribute, UUIDPGetDatum(salt));
}

static void
set_owners(Row *row, const AuditEntry *entry)
{
	Datum *names = palloc(sizeof(Datum) * entry->owners);
	Datum *counts = palloc(sizeof(Datum) * entry->owners);

	for (int i = 0; i < entry->owners; i++)
	{
		names[i] = CStringGetTextDatum(entry->owner[i]);
		counts[i] = Int64GetDatum(entry->owner_rows[i]);
	}
	set_datum(row, Anum_owners, PointerGetDatum(construct_array(names, entry->owners, TEXTOID, -1, false, TYPALIGN_INT)));
	set_datum(row, Anum_owner_rows,
			  PointerGetDatum(construct_array(counts, entry->owners, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}

/* The client's address, worked out once a session; 0 where there is none */
static Datum
client_address(void)
{
	static Datum address = 0;
	static bool	 known = false;

	if (!known && MyProcPort)
	{
		LOCAL_FCINFO(fcinfo, 0);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		Datum		  result;

		InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
		result = inet_client_addr(fcinfo);
		address = fcinfo->isnull ? (Datum) 0 : result;
		MemoryContextSwitchTo(old);
		known = true;
	}
	return address;
}

static void
set_session_columns(Row *row)
{
	Datum address = client_address();

	if (address)
		set_datum(row, Anum_client_addr, address);
	set_text(row, Anum_application_name, application_name && *application_name ? application_name : NULL);
	set_datum(row, Anum_backend_pid, Int32GetDatum(MyProcPid));
}

MinimalTuple
audit_entry_form(const AuditEntry *entry, TupleDesc desc)
{
	Row			 row;
	MinimalTuple tuple;

	if (desc->natts < Natts_audit_entry)
		elog(ERROR, "ctlpr.audit_entry has %d columns instead of %d", desc->natts, Natts_audit_entry);

	memset(row.nulls, true, sizeof(row.nulls));
	memset(row.values, 0, sizeof(row.values));

	set_datum(&row, Anum_seq, Int64GetDatum(0));
	set_text(&row, Anum_entry, entry->kind == AUDIT_VERDICT ? "verdict" : "outcome");
	set_int64(&row, Anum_of_seq, entry->of_seq, 0);
	set_datum(&row, Anum_at, TimestampTzGetDatum(entry->at));
	set_int64(&row, Anum_request_seq, entry->request_seq, 0);
	set_name(&row, Anum_session_role, entry->session_role);
	set_name(&row, Anum_role, entry->role);
	set_text(&row, Anum_agency_id, entry->agency_id);
	set_text(&row, Anum_agency_kind, entry->agency_kind);
	set_text(&row, Anum_agency_state, entry->agency_state);
	set_text(&row, Anum_on_behalf_of, entry->on_behalf_of);
	set_text(&row, Anum_officer, entry->officer);
	set_text(&row, Anum_purpose, entry->purpose);
	set_text(&row, Anum_offense, entry->offense);
	set_text(&row, Anum_case_number, entry->case_number);
	set_text(&row, Anum_reason, entry->reason);
	set_text(&row, Anum_basis, entry->basis);
	set_int64(&row, Anum_declaration_id, entry->declaration_id, 0);
	set_int64(&row, Anum_authorization_id, entry->authorization_id, 0);
	set_text(&row, Anum_relation, entry->relation);
	set_text(&row, Anum_action, entry->action);
	set_text(&row, Anum_search_kind, entry->search_kind);
	set_plates(&row, entry->plates);
	set_text(&row, Anum_statement, entry->statement);
	set_tristate(&row, Anum_allowed, entry->allowed);
	set_tristate(&row, Anum_enforced, entry->enforced);
	set_text(&row, Anum_sqlstate, entry->sqlstate ? unpack_sql_state(entry->sqlstate) : NULL);
	set_text(&row, Anum_clause, entry->clause);
	set_text(&row, Anum_outcome, entry->outcome);
	set_int64(&row, Anum_rows_returned, entry->rows_returned, -1);
	set_int64(&row, Anum_rows_touched, entry->rows_touched, -1);
	if (entry->oldest_age_days >= 0)
		set_datum(&row, Anum_oldest_age_days, Int32GetDatum(entry->oldest_age_days));
	set_text(&row, Anum_terminal, entry->terminal);
	set_text(&row, Anum_statute, entry->statute);
	if (entry->owners > 0)
		set_owners(&row, entry);
	if (entry->detail)
		set_datum(&row, Anum_detail, entry->detail);
	if (entry->session_columns)
		set_session_columns(&row);

	set_salt(&row, Anum_officer, Anum_officer_salt);
	set_salt(&row, Anum_case_number, Anum_case_number_salt);
	set_salt(&row, Anum_reason, Anum_reason_salt);
	set_salt(&row, Anum_plates, Anum_plates_salt);
	set_salt(&row, Anum_detail, Anum_detail_salt);

	tuple = COMPAT_FORM_MINIMAL_TUPLE(desc, row.values, row.nulls);
	if (tuple->t_len > AUDIT_ENTRY_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_LP_NOT_DURABLE), errmsg("the audit entry of the statement is too large"),
						errdetail("It would take %u bytes; the bound is %d (14(a)(6)).", tuple->t_len, AUDIT_ENTRY_MAX_BYTES),
						errhint("Search for fewer plates in one statement.")));
	return tuple;
}

void
audit_entry_set_seq(MinimalTuple tuple, int64 seq)
{
	/* seq is the first column, never null and of fixed width, so it stands where the data begin. */
	memcpy((char *) tuple + tuple->t_hoff - MINIMAL_TUPLE_OFFSET, &seq, sizeof(seq));
}
