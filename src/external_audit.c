/*
 * external_audit.c - what the import of a vendor's audit needs of the server:
 * its file, its text in records, its times, and the entry that somebody read
 * what was imported (sql/external_audit_functions.sql).
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "port.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "audit_time.h"
#include "compat.h"
#include "csv.h"
#include "record.h"

PG_FUNCTION_INFO_V1(ctlpr_read_server_file);
PG_FUNCTION_INFO_V1(ctlpr_split_records);
PG_FUNCTION_INFO_V1(ctlpr_external_time);
PG_FUNCTION_INFO_V1(ctlpr_external_time_frame);
PG_FUNCTION_INFO_V1(ctlpr_external_reading);

/* Bytes of a file that fit into a value, and into the text that is made of them */
#define FILE_BYTES_MAX (MaxAllocSize - VARHDRSZ - 1)

/*
 * Opens a file as COPY does: an error names it only to those who may read the
 * server's files anyway.
 */
static FILE *
open_server_file(const char *path, size_t *bytes)
{
	struct stat status;
	FILE	   *file;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to read a file of the server"),
						errdetail("Only roles with the privileges of the \"%s\" role may name one.", "pg_read_server_files"),
						errhint("Send the content from the client with ctlpr.import_external_audit_text().")));
	if (!is_absolute_path(path))
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("a file of the server is named by its absolute path"),
						errhint("State the whole path, as the server sees it.")));
	file = AllocateFile(path, PG_BINARY_R);
	if (!file)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\" for reading: %m", path),
						errhint("The server reads it, not the client, under its own account.")));
	if (fstat(fileno(file), &status) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not stat file \"%s\": %m", path)));
	if (!S_ISREG(status.st_mode))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is no regular file", path),
						errhint("Name the exported file itself.")));
	if ((uint64) status.st_size > FILE_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("file \"%s\" is too large", path),
						errhint("Export the audit in parts of less than 1 GB, by month.")));
	*bytes = (size_t) status.st_size;
	return file;
}

/* read_server_file(path) RETURNS bytea, with the rights of whoever calls, as COPY: not to be called by a SECURITY DEFINER function */
Datum
ctlpr_read_server_file(PG_FUNCTION_ARGS)
{
	char  *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	size_t bytes;
	FILE  *file = open_server_file(path, &bytes);
	bytea *result = palloc(VARHDRSZ + bytes);
	size_t read = fread(VARDATA(result), 1, bytes, file);

	if (ferror(file) || read != bytes)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
	SET_VARSIZE(result, VARHDRSZ + bytes);
	PG_RETURN_BYTEA_P(result);
}

static const char *
flaw_of(CsvStatus status)
{
	switch (status)
	{
		case CSV_UNCLOSED_QUOTE:
			return "quote_not_closed";
		case CSV_TEXT_BEHIND_QUOTE:
			return "text_behind_quote";
		case CSV_TOO_LONG:
			return "too_long";
		case CSV_TOO_MANY_CELLS:
			return "too_many_cells";
		case CSV_RECORD:
		case CSV_END:
			break;
	}
	return NULL;
}

static Datum
cells_of(const CsvRecord *record)
{
	Datum *cells = palloc(sizeof(Datum) * record->count);

	for (int i = 0; i < record->count; i++)
		cells[i] = PointerGetDatum(cstring_to_text_with_len(record->bytes + record->start[i], record->length[i]));
	return PointerGetDatum(construct_array(cells, record->count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
put_record(ReturnSetInfo *result, const CsvReader *reader, const CsvRecord *record, CsvStatus status)
{
	const char *flaw = flaw_of(status);
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = Int64GetDatum(record->line);
	nulls[1] = flaw != NULL;
	values[1] = flaw ? (Datum) 0 : cells_of(record);
	nulls[2] = flaw == NULL;
	values[2] = flaw ? CStringGetTextDatum(flaw) : (Datum) 0;
	values[3] = Int64GetDatum((int64) reader->at);
	values[4] = Int64GetDatum(reader->line);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* split_records(content, delimiter, from_byte, from_line, count): so many records from there on */
Datum
ctlpr_split_records(PG_FUNCTION_ARGS)
{
	text		  *content = PG_GETARG_TEXT_PP(0);
	text		  *delimiter = PG_GETARG_TEXT_PP(1);
	int64		   from_byte = PG_GETARG_INT64(2);
	int			   count = PG_GETARG_INT32(4);
	CsvReader	   reader = {VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content)};
	CsvRecord	  *record = palloc(sizeof(CsvRecord));
	MemoryContext  row = AllocSetContextCreate(CurrentMemoryContext, "ctlpr record of an external audit", ALLOCSET_DEFAULT_SIZES);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (VARSIZE_ANY_EXHDR(delimiter) != 1 || from_byte < 0 || (size_t) from_byte > reader.length)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a delimiter has one byte, and records begin within the text")));
	reader.delimiter = VARDATA_ANY(delimiter)[0];
	reader.at = (size_t) from_byte;
	reader.line = PG_GETARG_INT64(3);
	InitMaterializedSRF(fcinfo, 0);
	while (count-- > 0)
	{
		CsvStatus	  status = csv_read(&reader, record);
		MemoryContext old;

		if (status == CSV_END)
			break;
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row);
		put_record(result, &reader, record, status);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	return (Datum) 0;
}

/* The instant; zone: of times that name none, NULL: these are not read.  False: not read. */
static bool
instant_of(const char *text, size_t length, pg_tz *zone, TimestampTz *result)
{
	AuditTime	 time;
	struct pg_tm tm = {0};
	int			 west;

	if (!audit_time_read(text, length, &time) || (!time.zoned && !zone))
		return false;
	tm.tm_year = time.year;
	tm.tm_mon = time.month;
	tm.tm_mday = time.day;
	tm.tm_hour = time.hour;
	tm.tm_min = time.minute;
	tm.tm_sec = time.second;
	tm.tm_isdst = -1;
	west = time.zoned ? -time.offset_secs : DetermineTimeZoneOffset(&tm, zone);
	return tm2timestamp(&tm, time.microsecond, &west, result) == 0;
}

static pg_tz *
zone_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : pg_tzset(text_to_cstring(PG_GETARG_TEXT_PP(argument)));
}

/* external_time(written, time_zone): NULL: not read */
Datum
ctlpr_external_time(PG_FUNCTION_ARGS)
{
	text	   *written;
	TimestampTz result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	written = PG_GETARG_TEXT_PP(0);
	if (!instant_of(VARDATA_ANY(written), VARSIZE_ANY_EXHDR(written), zone_argument(fcinfo, 1), &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}

/* Where the second time begins, behind a line's end, "to" or a dash between blanks; NULL: nowhere */
static const char *
second_time(const char *text, const char *end, const char **first_end)
{
	static const char *const betweens[] = {"\n", " to ", " - "};

	for (int i = 0; i < lengthof(betweens); i++)
	{
		size_t length = strlen(betweens[i]);

		for (const char *at = text; at + length <= end; at++)
			if (memcmp(at, betweens[i], length) == 0)
			{
				*first_end = at;
				return at + length;
			}
	}
	return NULL;
}

/* external_time_frame(written, time_zone): NULL: not read */
Datum
ctlpr_external_time_frame(PG_FUNCTION_ARGS)
{
	text		   *written;
	const char	   *begin;
	const char	   *end;
	const char	   *first_end;
	const char	   *second;
	pg_tz		   *zone = zone_argument(fcinfo, 1);
	TimestampTz		from;
	TimestampTz		to;
	TypeCacheEntry *type;
	RangeBound		lower = {0};
	RangeBound		upper = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	written = PG_GETARG_TEXT_PP(0);
	begin = VARDATA_ANY(written);
	end = begin + VARSIZE_ANY_EXHDR(written);
	second = second_time(begin, end, &first_end);
	if (!second || !instant_of(begin, first_end - begin, zone, &from) || !instant_of(second, end - second, zone, &to) ||
		from > to)
		PG_RETURN_NULL();
	type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	lower.val = TimestampTzGetDatum(from);
	lower.inclusive = true;
	lower.lower = true;
	upper.val = TimestampTzGetDatum(to);
	upper.inclusive = true;
	PG_RETURN_RANGE_P(COMPAT_MAKE_RANGE(type, &lower, &upper));
}

/* external_reading(): true, once it is on record that the acting role reads what was imported */
Datum
ctlpr_external_reading(PG_FUNCTION_ARGS)
{
	record_external_reading();
	PG_RETURN_BOOL(true);
}
