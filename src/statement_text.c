/*
 * statement_text.c - takes the literals out of a statement.
 *
 * With the server's own scanner, as pg_stat_statements does, so that what is a
 * literal here is what was a literal to the parser.  Comments go too: people
 * put anything there.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "parser/parser.h"

#include "statement_text.h"

/*
 * Tokens that the scanner hands out for literals.  Bison numbers them from 258
 * in the order of gram.y, which PL/pgSQL relies on in the same way.
 */
enum
{
	TOKEN_FIRST_NAMED = 258,
	TOKEN_FCONST = TOKEN_FIRST_NAMED + 2,
	TOKEN_SCONST,
	TOKEN_USCONST,
	TOKEN_BCONST,
	TOKEN_XCONST,
	TOKEN_OP,
	TOKEN_ICONST
};

static bool
is_literal(int token)
{
	return (token >= TOKEN_FCONST && token <= TOKEN_XCONST) || token == TOKEN_ICONST;
}

static bool
ends_with(StringInfo text, const char *ending)
{
	int length = strlen(ending);

	return text->len >= length && strcmp(text->data + text->len - length, ending) == 0;
}

/* Append a literal's placeholder; "?, ?" folds into "?". */
static void
append_placeholder(StringInfo text)
{
	if (ends_with(text, "? ,"))
		text->len -= 2;
	else
	{
		if (text->len > 0)
			appendStringInfoChar(text, ' ');
		appendStringInfoChar(text, '?');
	}
	text->data[text->len] = '\0';
}

static void
scan_statement(const char *source, StringInfo text)
{
	core_yy_extra_type extra;
	core_yyscan_t	   scanner;
	core_YYSTYPE	   value;
	YYLTYPE			   location = 0;
	int				   token;

	scanner = scanner_init(source, &extra, &ScanKeywords, ScanKeywordTokens);
	extra.escape_string_warning = false;
	while ((token = core_yylex(&value, &location, scanner)) != 0)
	{
		/* The scanner ends the token it is at with a zero byte. */
		const char *spelling = extra.scanbuf + location;

		if (is_literal(token))
			append_placeholder(text);
		else
		{
			if (text->len > 0)
				appendStringInfoChar(text, ' ');
			appendStringInfoString(text, spelling);
		}
	}
	scanner_finish(scanner);
}

char *
statement_text(const char *source, int location, int length)
{
	StringInfoData text;
	char		  *statement;

	initStringInfo(&text);
	/* With the old rules for backslashes the text may have been parsed otherwise than now. */
	if (source == NULL || !standard_conforming_strings)
		return text.data;

	if (location < 0)
		location = 0;
	if (location > (int) strlen(source))
		return text.data;
	statement = length > 0 ? pnstrdup(source + location, length) : pstrdup(source + location);

	PG_TRY();
	{
		scan_statement(statement, &text);
	}
	PG_CATCH();
	{
		ErrorData *error = CopyErrorData();

		/* Unreadable as a statement: keep none of it.  Anything else goes on. */
		if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR)
			PG_RE_THROW();
		FlushErrorState();
		resetStringInfo(&text);
	}
	PG_END_TRY();
	pfree(statement);
	return text.data;
}
