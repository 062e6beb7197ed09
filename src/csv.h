/*
 * csv.h - text with delimited cells, record by record.
 *
 * Pure: bytes in, cells out; no memory of its own, no error raised.  Cells are
 * as RFC 4180 has them, with these liberties, since spreadsheets and people
 * take them: lines end with LF, CRLF or CR; a quote within a cell that does
 * not begin with one is a character like any other; blanks may follow a closing
 * quote.  CRLF within quotes comes out as LF.  Any encoding whose other
 * characters hold no ASCII byte will do, as every server encoding is.
 */
#ifndef CTLPR_CSV_H
#define CTLPR_CSV_H

#include "postgres.h"

#define CSV_CELLS_MAX		 256
#define CSV_RECORD_BYTES_MAX 65536

typedef enum CsvStatus
{
	CSV_RECORD,
	CSV_END,			   /* there was no further record */
	CSV_UNCLOSED_QUOTE,	   /* the text ended within quotes */
	CSV_TEXT_BEHIND_QUOTE, /* something stands between a closing quote and the next delimiter */
	CSV_TOO_LONG,		   /* more than CSV_RECORD_BYTES_MAX in one record */
	CSV_TOO_MANY_CELLS	   /* more than CSV_CELLS_MAX */
} CsvStatus;

typedef struct CsvReader
{
	const char *text;
	size_t		length; /* bytes of the text */
	size_t		at;		/* the next byte to be read */
	int64		line;	/* number of the line that it is on */
	char		delimiter;
} CsvReader;

typedef struct CsvRecord
{
	int64 line;					/* number of its first line */
	int	  count;				/* of its cells */
	int	  start[CSV_CELLS_MAX]; /* of each cell in bytes[] */
	int	  length[CSV_CELLS_MAX];
	char  bytes[CSV_RECORD_BYTES_MAX]; /* the cells without their quotes */
} CsvRecord;

/*
 * Reads the next record; empty lines are passed over.  After a record that
 * cannot be read, of which only the line is told, the reader goes on with the
 * line behind that record's first: a stray quote costs its own line, not the
 * rest of the text.
 */
extern CsvStatus csv_read(CsvReader *reader, CsvRecord *record);

#endif
