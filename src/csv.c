/*
 * csv.c - text with delimited cells, record by record.
 */
#include "csv.h"

static bool
at_end(const CsvReader *reader)
{
	return reader->at >= reader->length;
}

static char
peek(const CsvReader *reader)
{
	return reader->text[reader->at];
}

/* Passes over a line's end if one is here: LF, CRLF or CR. */
static bool
pass_line_end(CsvReader *reader)
{
	if (at_end(reader) || (peek(reader) != '\n' && peek(reader) != '\r'))
		return false;
	if (peek(reader) == '\r' && reader->at + 1 < reader->length && reader->text[reader->at + 1] == '\n')
		reader->at++;
	reader->at++;
	reader->line++;
	return true;
}

static void
pass_line(CsvReader *reader)
{
	while (!at_end(reader) && peek(reader) != '\n' && peek(reader) != '\r')
		reader->at++;
	(void) pass_line_end(reader);
}

static bool
ends_cell(const CsvReader *reader)
{
	return at_end(reader) || peek(reader) == reader->delimiter || peek(reader) == '\n' || peek(reader) == '\r';
}

/* Appends to the record's last cell. */
static bool
append(CsvRecord *record, char c)
{
	int cell = record->count - 1;
	int end = record->start[cell] + record->length[cell];

	if (end >= CSV_RECORD_BYTES_MAX)
		return false;
	record->bytes[end] = c;
	record->length[cell]++;
	return true;
}

static CsvStatus
read_quoted(CsvReader *reader, CsvRecord *record)
{
	reader->at++;
	for (;;)
	{
		char c;

		if (at_end(reader))
			return CSV_UNCLOSED_QUOTE;
		if (pass_line_end(reader))
			c = '\n';
		else
		{
			c = peek(reader);
			reader->at++;
			if (c == '"')
			{
				if (at_end(reader) || peek(reader) != '"')
					break;
				reader->at++;
			}
		}
		if (!append(record, c))
			return CSV_TOO_LONG;
	}
	while (!at_end(reader) && peek(reader) == ' ' && reader->delimiter != ' ')
		reader->at++;
	return ends_cell(reader) ? CSV_RECORD : CSV_TEXT_BEHIND_QUOTE;
}

static CsvStatus
read_plain(CsvReader *reader, CsvRecord *record)
{
	while (!ends_cell(reader))
	{
		if (!append(record, peek(reader)))
			return CSV_TOO_LONG;
		reader->at++;
	}
	return CSV_RECORD;
}

static CsvStatus
read_cell(CsvReader *reader, CsvRecord *record)
{
	int end = record->count > 0 ? record->start[record->count - 1] + record->length[record->count - 1] : 0;

	if (record->count >= CSV_CELLS_MAX)
		return CSV_TOO_MANY_CELLS;
	record->start[record->count] = end;
	record->length[record->count] = 0;
	record->count++;
	return !at_end(reader) && peek(reader) == '"' ? read_quoted(reader, record) : read_plain(reader, record);
}

CsvStatus
csv_read(CsvReader *reader, CsvRecord *record)
{
	CsvReader begin;

	while (pass_line_end(reader))
		;
	if (at_end(reader))
		return CSV_END;
	begin = *reader;
	record->line = reader->line;
	record->count = 0;
	for (;;)
	{
		CsvStatus status = read_cell(reader, record);

		if (status != CSV_RECORD)
		{
			*reader = begin;
			pass_line(reader);
			return status;
		}
		if (at_end(reader) || pass_line_end(reader))
			return CSV_RECORD;
		reader->at++; /* the delimiter */
	}
}
