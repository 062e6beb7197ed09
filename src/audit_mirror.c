/*
 * audit_mirror.c - entries as lines of the server log, for programs that watch
 * over several servers (a SIEM) and take what they watch from there.
 *
 * A line is one JSON object of what may be told outside of the database: who, for
 * which agency, what kind of thing, with which verdict, and how many rows.  It
 * has no plate, reason, officer, case, statement, application or detail.  What a
 * client states is told only where a rule knew it: a purpose that no rule names
 * could be a plate.  The entry shows that; rules are not looked up here, since
 * whoever changes them waits for the writer.
 *
 * Lines are made while the batch is stored and written when it is committed, so
 * that none tells of an entry that is not there; under audit_durability = async
 * it may be lost in a crash after all.  A crash in between loses lines, never
 * entries: the log is the record, and seq shows what is missing here.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit_entry.h"
#include "audit_mirror.h"
#include "ctlpr.h"
#include "registry.h"

/* What stands for a purpose or an agency that no rule knows */
#define UNKNOWN "(unknown)"

/* What is told of an entry; columns of ctlpr.audit_entry by their numbers, see sql/audit.sql */
typedef struct MirroredColumn
{
	AttrNumber	attribute;
	const char *name;
} MirroredColumn;

static const MirroredColumn columns[] = {{Anum_seq, "seq"},
										 {Anum_entry, "entry"},
										 {Anum_of_seq, "of_seq"},
										 {Anum_at, "at"},
										 {Anum_role, "role"},
										 {Anum_agency_id, "agency_id"},
										 {Anum_purpose, "purpose"},
										 {Anum_relation, "relation"},
										 {Anum_action, "action"},
										 {Anum_search_kind, "search_kind"},
										 {Anum_allowed, "allowed"},
										 {Anum_sqlstate, "sqlstate"},
										 {Anum_clause, "clause"},
										 {Anum_outcome, "outcome"},
										 {Anum_rows_returned, "rows_returned"},
										 {Anum_rows_touched, "rows_touched"}};

/* Lines of the batch under way, each with the end of its string; in TopMemoryContext */
static StringInfo lines = NULL;

/* A character of the database's encoding as JSON has it in ASCII; *length: its bytes */
static void
append_character(StringInfo line, const unsigned char *at, int *length)
{
	pg_wchar code = *at;

	*length = 1;
	if (GetDatabaseEncoding() == PG_UTF8 && pg_utf8_islegal(at, pg_utf_mblen(at)))
	{
		*length = pg_utf_mblen(at);
		code = utf8_to_unicode(at);
	}
	if (code > 0xffff)
		appendStringInfo(line, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
	else
		appendStringInfo(line, "\\u%04x", code);
}

/* Whatever a role or a relation is called, nothing in its name ends the line, or begins another. */
static void
append_string(StringInfo line, const char *value)
{
	const unsigned char *at = (const unsigned char *) value;
	int					 length;

	appendStringInfoChar(line, '"');
	for (; *at; at += length)
	{
		length = 1;
		if (*at == '"' || *at == '\\')
			appendStringInfo(line, "\\%c", *at);
		else if (*at >= 0x20 && *at < 0x7f)
			appendStringInfoChar(line, *at);
		else
			append_character(line, at, &length);
	}
	appendStringInfoChar(line, '"');
}

/* In UTC, whatever the server's time zone */
static void
append_instant(StringInfo line, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		 microseconds;

	if (timestamp2tm(at, NULL, &tm, &microseconds, NULL, NULL) != 0)
		appendStringInfoString(line, "null");
	else
		appendStringInfo(line, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour,
						 tm.tm_min, tm.tm_sec, (int) microseconds);
}

static void
append_value(StringInfo line, Form_pg_attribute attribute, Datum value)
{
	switch (attribute->atttypid)
	{
		case INT8OID:
			appendStringInfo(line, INT64_FORMAT, DatumGetInt64(value));
			break;
		case BOOLOID:
			appendStringInfoString(line, DatumGetBool(value) ? "true" : "false");
			break;
		case TIMESTAMPTZOID:
			append_instant(line, DatumGetTimestampTz(value));
			break;
		case NAMEOID:
			append_string(line, NameStr(*DatumGetName(value)));
			break;
		case TEXTOID:
			append_string(line, TextDatumGetCString(value));
			break;
		default:
			elog(ERROR, "column \"%s\" of ctlpr.audit_entry cannot be mirrored", NameStr(attribute->attname));
	}
}

/* Did a rule know what the requester stated there? */
static bool
is_known(AttrNumber column, HeapTuple entry, TupleDesc desc)
{
	bool  isnull;
	Datum value;
	char *purpose;

	if (column == Anum_agency_id)
		return !heap_attisnull(entry, Anum_agency_kind, desc);
	if (column != Anum_purpose)
		return true;
	/* Rules name purposes so; elsewhere on record one may be described. */
	value = heap_getattr(entry, Anum_purpose, desc, &isnull);
	purpose = TextDatumGetCString(value);
	if (purpose[strspn(purpose, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return false;
	value = heap_getattr(entry, Anum_allowed, desc, &isnull);
	if (!isnull && DatumGetBool(value))
		return true;
	value = heap_getattr(entry, Anum_sqlstate, desc, &isnull);
	return !isnull && strcmp(TextDatumGetCString(value), "LP004") == 0;
}

static void
append_line(StringInfo line, HeapTuple entry, TupleDesc desc)
{
	appendStringInfoChar(line, '{');
	for (int i = 0; i < lengthof(columns); i++)
	{
		bool  isnull;
		Datum value = heap_getattr(entry, columns[i].attribute, desc, &isnull);

		if (isnull)
			continue;
		appendStringInfo(line, "%s\"%s\":", i > 0 ? "," : "", columns[i].name);
		if (is_known(columns[i].attribute, entry, desc))
			append_value(line, TupleDescAttr(desc, columns[i].attribute - 1), value);
		else
			append_string(line, UNKNOWN);
	}
	appendStringInfoChar(line, '}');
	appendStringInfoChar(line, '\0');
}

void
audit_mirror_add(MinimalTuple row)
{
	MemoryContext old;
	HeapTuple	  entry;

	if (ctlpr_audit_mirror == AUDIT_MIRROR_OFF)
		return;
	if (!lines)
	{
		old = MemoryContextSwitchTo(TopMemoryContext);
		lines = makeStringInfo();
		MemoryContextSwitchTo(old);
	}
	entry = heap_tuple_from_minimal_tuple(row);
	append_line(lines, entry, registry_log_descriptor());
	heap_freetuple(entry);
}

void
audit_mirror_write(void)
{
	if (!lines)
		return;
	for (int at = 0; at < lines->len; at += strlen(lines->data + at) + 1)
		ereport(LOG, (errmsg_internal("ctlpr audit: %s", lines->data + at), errhidestmt(true), errhidecontext(true)));
	/* A batch may be large; the next one seldom is. */
	pfree(lines->data);
	pfree(lines);
	lines = NULL;
}
