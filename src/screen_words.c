/*
 * screen_words.c - see screen_words.h.
 *
 * Three steps.  flatten(): bytes to a row of ASCII characters, one a letter or
 * symbol that is seen.  split(): that row into chunks (between spaces) and plain
 * words (runs of letters and digits).  read_*(): further readings of the same
 * place, each a word of its own over the plain words that it covers.  A text of
 * four kilobytes has some thousand plain words and no more than a few dozen
 * readings a word, so nothing here grows faster than the text.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "screen_words.h"

/* What flatten() makes of characters that no ASCII character stands for */
#define UNREAD_LETTER '\x7f' /* belongs to a word, and is no letter of ours */
#define EURO		  '\x01' /* a symbol that stands for a letter */

#define WORD_MAX	   24 /* letters of a reading that is put together of several words */
#define RUN_MAX		   16 /* single letters that are put together */
#define SMALL_PART_MAX 3  /* letters of each of the words that are put together over spaces */

/* A character and what it looks like; "" for what shows nothing */
typedef struct Look
{
	UChar32 character; /* hash key */
	char	ascii[5];
} Look;

/* A run of letters and digits */
typedef struct PlainWord
{
	int	 from; /* in the flat text */
	int	 until;
	int	 chunk;
	bool bound;	 /* a part begins here */
	bool clause; /* a clause does */
} PlainWord;

typedef struct Reader
{
	const char *flat;
	PlainWord  *plain;
	int			plain_count;
	int			plain_room;
	ScreenWord *words;
	int			count;
	int			room;
} Reader;

static HTAB *looks = NULL;

/* ---- characters ---- */

static void
check_icu(UErrorCode status, const char *what)
{
	if (U_FAILURE(status))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not %s: %s", what, u_errorName(status))));
}

/* "LATIN LETTER SMALL CAPITAL I", "NEGATIVE CIRCLED LATIN CAPITAL LETTER I", "REGIONAL INDICATOR SYMBOL LETTER I" */
static char
letter_by_name(UChar32 character)
{
	char	   name[128];
	UErrorCode status = U_ZERO_ERROR;
	int		   length = u_charName(character, U_UNICODE_CHAR_NAME, name, sizeof(name), &status);

	if (U_FAILURE(status) || length < 3 || name[length - 2] != ' ' || name[length - 1] < 'A' || name[length - 1] > 'Z' ||
		strstr(name, "LETTER") == NULL || (strstr(name, "LATIN") == NULL && strncmp(name, "REGIONAL", 8) != 0))
		return '\0';
	return name[length - 1];
}

/* The ASCII letters and digits of a string of UTF-16, marks and what shows nothing left out; false: there are others */
static bool
take_ascii(const UChar *string, int length, char *ascii, int room)
{
	int used = 0;
	int i = 0;

	while (i < length)
	{
		UChar32 character;

		U16_NEXT(string, i, length, character);
		if (u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
			(U_GET_GC_MASK(character) & (U_GC_M_MASK | U_GC_SK_MASK | U_GC_LM_MASK)) != 0)
			continue;
		if (character >= 0x80)
			return false;
		if (used < room - 1)
			ascii[used++] = (char) character;
	}
	ascii[used] = '\0';
	return used > 0;
}

/* What a character that is not ASCII looks like, by the tables of ICU */
static void
find_look(UChar32 character, char *ascii, int room)
{
	static USpoofChecker *checker = NULL;
	UErrorCode			  status = U_ZERO_ERROR;
	UChar				  source[2];
	UChar				  skeleton[64];
	int					  length = 0;
	int					  skeleton_length;
	int					  category = U_GET_GC_MASK(character);

	ascii[0] = '\0';
	ascii[1] = '\0';
	if (u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || (category & U_GC_M_MASK) != 0)
		return;
	if (character == 0x20AC)
		ascii[0] = EURO;
	else if ((category & (U_GC_ZL_MASK | U_GC_ZP_MASK)) != 0 || character == 0x85)
		ascii[0] = '\n';
	else if (u_isUWhiteSpace(character))
		ascii[0] = ' ';
	else if ((category & U_GC_PD_MASK) != 0)
		ascii[0] = '-';
	else
	{
		if (checker == NULL)
			checker = uspoof_open(&status);
		U16_APPEND_UNSAFE(source, length, character);
		skeleton_length = uspoof_getSkeleton(checker, 0, source, length, skeleton, lengthof(skeleton), &status);
		check_icu(status, "find what a character looks like");
		if (!take_ascii(skeleton, skeleton_length, ascii, room))
		{
			/* The skeleton of a letter may be another one that only its name tells. */
			UChar32 seen;
			int		i = 0;
			char	letter;

			seen = character;
			if (skeleton_length > 0)
				U16_NEXT(skeleton, i, skeleton_length, seen);
			letter = letter_by_name(seen);
			if (letter == '\0' && u_tolower(character) != character)
			{
				find_look(u_tolower(character), ascii, room);
				return;
			}
			ascii[0] = letter ? letter : u_isalnum(character) ? UNREAD_LETTER : '.';
			ascii[1] = '\0';
		}
	}
}

static const char *
look_of(UChar32 character)
{
	Look *look;
	bool  found;

	if (looks == NULL)
	{
		HASHCTL control = {.keysize = sizeof(UChar32), .entrysize = sizeof(Look), .hcxt = TopMemoryContext};

		looks = hash_create("ctlpr looks of characters", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	look = hash_search(looks, &character, HASH_FIND, NULL);
	if (look == NULL)
	{
		char ascii[sizeof(look->ascii)];

		find_look(character, ascii, sizeof(ascii));
		look = hash_search(looks, &character, HASH_ENTER, &found);
		strlcpy(look->ascii, ascii, sizeof(look->ascii));
	}
	return look->ascii;
}

/* Compatibility forms by NFKC; what is not valid in the encoding is a letter that nobody can read. */
static UChar *
compatible(const char *text, int *length)
{
	UErrorCode			status = U_ZERO_ERROR;
	const UNormalizer2 *normalizer = unorm2_getNFKCInstance(&status);
	int					bytes = strlen(text);
	UChar			   *source;
	UChar			   *result;
	int					room;

	check_icu(status, "load Unicode normalization");
	source = palloc(sizeof(UChar) * (bytes + 1));
	u_strFromUTF8WithSub(source, bytes + 1, length, text, bytes, 0xFFFD, NULL, &status);
	check_icu(status, "read text");
	/* No character grows to more than eighteen, see UAX #15; most do not at all. */
	room = *length * 2 + 64;
	for (;;)
	{
		int needed;

		status = U_ZERO_ERROR;
		result = palloc(sizeof(UChar) * room);
		needed = unorm2_normalize(normalizer, source, *length, result, room, &status);
		if (status != U_BUFFER_OVERFLOW_ERROR)
		{
			check_icu(status, "normalize text");
			*length = needed;
			return result;
		}
		pfree(result);
		room = needed + 1;
	}
}

static bool
is_ascii(const char *text)
{
	for (; *text; text++)
		if (IS_HIGHBIT_SET(*text))
			return false;
	return true;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/*
 * A text of the database's encoding as UTF-8.  What has no counterpart there
 * divides like a full stop; a database of no encoding may hold anything, most
 * likely UTF-8.
 */
static char *
as_utf8(const char *text)
{
	int	  encoding = GetDatabaseEncoding();
	int	  length = strlen(text);
	Oid	  conversion;
	char *utf8;
	int	  used = 0;
	int	  done = 0;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return unconstify(char *, text);
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return unconstify(char *, text);
	utf8 = palloc(length * MAX_CONVERSION_GROWTH + 1);
	while (done < length)
	{
		done += pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) text + done, length - done,
											  (unsigned char *) utf8 + used, (length - done) * MAX_CONVERSION_GROWTH + 1, true);
		used += strlen(utf8 + used);
		if (done < length)
		{
			utf8[used++] = '.';
			done += Min(Max(pg_encoding_mblen(encoding, text + done), 1), length - done);
		}
	}
	utf8[used] = '\0';
	return utf8;
}

/* What shows nothing, and what we write ourselves for what is not ASCII, divides like a full stop. */
static char
plain_ascii(char c)
{
	return (c < ' ' && !is_space(c)) || c == UNREAD_LETTER ? '.' : lower(c);
}

/* A text as lower-case ASCII characters, one for each that is seen */
static char *
flatten(const char *text)
{
	StringInfoData flat;
	char		  *utf8;
	UChar		  *string;
	int			   length;
	int			   i = 0;

	if (is_ascii(text))
	{
		char *copy = pstrdup(text);

		for (char *c = copy; *c; c++)
			*c = plain_ascii(*c);
		return copy;
	}
	utf8 = as_utf8(text);
	string = compatible(utf8, &length);
	initStringInfo(&flat);
	while (i < length)
	{
		UChar32 character;

		U16_NEXT(string, i, length, character);
		if (character < 0x80)
			appendStringInfoChar(&flat, plain_ascii((char) character));
		else
			for (const char *c = look_of(character); *c; c++)
				appendStringInfoChar(&flat, lower(*c));
	}
	return flat.data;
}

/* ---- shapes ---- */

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word_character(char c)
{
	return is_letter(c) || is_digit(c) || c == UNREAD_LETTER;
}

/* The letter that a digit or a symbol stands for; '\0': none.  i, l, 1, ! and | are one. */
static char
stands_for(char c)
{
	switch (c)
	{
		case '0':
			return 'o';
		case '1':
		case 'l':
		case '!':
		case '|':
			return 'i';
		case '3':
		case EURO:
			return 'e';
		case '4':
		case '@':
			return 'a';
		case '5':
		case '$':
			return 's';
		case '7':
		case '+':
			return 't';
		case '8':
			return 'b';
		default:
			return '\0';
	}
}

void
screen_shape(char *word)
{
	char *out = word;
	bool  lettered = false;

	for (const char *c = word; *c; c++)
		lettered |= is_letter(*c);
	if (!lettered)
		return;
	for (const char *c = word; *c; c++)
	{
		char letter = stands_for(*c);

		if (c[0] == 'r' && c[1] == 'n')
			letter = 'm', c++;
		else if (c[0] == 'v' && c[1] == 'v')
			letter = 'w', c++;
		*out++ = letter ? letter : *c;
	}
	*out = '\0';
}

/* ---- plain words ---- */

static void
add_plain(Reader *reader, int from, int until, int chunk, bool bound, bool clause)
{
	if (reader->plain_count == reader->plain_room)
	{
		reader->plain_room *= 2;
		reader->plain = repalloc(reader->plain, sizeof(PlainWord) * reader->plain_room);
	}
	reader->plain[reader->plain_count++] =
		(PlainWord){.from = from, .until = until, .chunk = chunk, .bound = bound, .clause = clause};
}

/*
 * Plain words, chunks between spaces, and where parts begin: after a line, a
 * semicolon, and a dash that has a space beside it, as the dropdown form
 * "Category - text" does; and where clauses do.
 */
static void
split(Reader *reader)
{
	const char *flat = reader->flat;
	int			at = 0;
	int			chunk = 0;
	bool		bound = true;
	bool		clause = true;

	while (flat[at])
	{
		if (is_word_character(flat[at]))
		{
			int from = at;

			while (is_word_character(flat[at]))
				at++;
			add_plain(reader, from, at, chunk, bound, clause);
			bound = clause = false;
			continue;
		}
		/* A word that is broken over two lines is one. */
		if (flat[at] == ' ')
			chunk++;
		clause |= flat[at] == '\n' || flat[at] == '\r' || flat[at] == ';' || flat[at] == ',' || flat[at] == ':';
		bound |= flat[at] == '\n' || flat[at] == '\r' || flat[at] == ';' ||
				 (flat[at] == '-' && (flat[at + 1] == '\0' || is_space(flat[at + 1]) || (at > 0 && is_space(flat[at - 1]))));
		at++;
	}
}

/* ---- readings ---- */

static void
add_word(Reader *reader, char *text, int from, int until, bool case_number)
{
	if (reader->count == reader->room)
	{
		reader->room *= 2;
		reader->words = repalloc(reader->words, sizeof(ScreenWord) * reader->room);
	}
	screen_shape(text);
	reader->words[reader->count++] = (ScreenWord){.text = text, .from = from, .until = until, .case_number = case_number};
}

/* The letters and digits of some plain words that follow each other, without what is between */
static char *
put_together(const Reader *reader, int from, int until)
{
	char *text = palloc(reader->plain[until - 1].until - reader->plain[from].from + 1);
	char *out = text;

	for (int i = from; i < until; i++)
		for (int c = reader->plain[i].from; c < reader->plain[i].until; c++)
			*out++ = reader->flat[c];
	*out = '\0';
	return text;
}

static int
plain_length(const Reader *reader, int index)
{
	return reader->plain[index].until - reader->plain[index].from;
}

/* Words of one chunk, such as "immi-gration", and small ones over spaces, such as "i c e" */
static void
read_joined(Reader *reader, int from)
{
	int	 letters = plain_length(reader, from);
	bool small = letters <= SMALL_PART_MAX;

	for (int until = from + 1; until < reader->plain_count && until - from < RUN_MAX; until++)
	{
		bool same_chunk = reader->plain[until].chunk == reader->plain[from].chunk;

		letters += plain_length(reader, until);
		small &= plain_length(reader, until) <= SMALL_PART_MAX;
		if (letters > WORD_MAX || (!same_chunk && !small))
			return;
		add_word(reader, put_together(reader, from, until + 1), from, until + 1, false);
	}
}

/* A chunk with symbols among its letters, such as "!c€" or "imm!gr@tion" */
static void
read_symbols(Reader *reader, int from, int until)
{
	int			   begin = reader->plain[from].from;
	int			   end = reader->plain[until - 1].until;
	bool		   symbols = false;
	StringInfoData text;

	while (begin > 0 && stands_for(reader->flat[begin - 1]))
		begin--;
	while (stands_for(reader->flat[end]))
		end++;
	if (end - begin > WORD_MAX * 2)
		return;
	initStringInfo(&text);
	for (int c = begin; c < end; c++)
	{
		char letter = reader->flat[c];

		if (!is_word_character(letter))
		{
			letter = stands_for(letter);
			symbols |= letter != '\0';
		}
		if (letter)
			appendStringInfoChar(&text, letter);
	}
	if (!symbols)
		return;
	add_word(reader, text.data, from, until, false);
	/* An exclamation mark at the end may be just that. */
	while (text.len > 1 && end > begin && !is_word_character(reader->flat[end - 1]))
	{
		end--;
		if (!stands_for(reader->flat[end]))
			continue;
		text.len--;
		add_word(reader, pnstrdup(text.data, text.len), from, until, false);
	}
}

/*
 * Is the chunk a case, incident or dispatch number?  Digits and few letters, at
 * least six of the first, or a year and a number: "26-10423", "2604c0266",
 * "26.03.11.0356".  Sections of a code are shorter, or divided otherwise.
 */
static bool
is_case_number(const Reader *reader, int from, int until)
{
	int digits = 0;
	int letters = 0;
	int leading = 0; /* digits before the first dash */
	int dashes = 0;
	int dots = 0;

	for (int c = reader->plain[from].from; c < reader->plain[until - 1].until; c++)
	{
		char character = reader->flat[c];

		if (is_digit(character))
			digits++;
		else if (is_letter(character))
			letters++;
		else if (character == '-' && dashes++ == 0)
			leading = digits;
		else if (character == '.')
			dots++;
		else if (character != '-' && character != '#')
			return false;
	}
	if (letters > 4 || dots == 1 || (dashes > 0 && leading != 0 && leading != 2 && leading != 4))
		return false;
	return digits >= (dashes > 0 && leading > 0 ? 5 : 6);
}

static int
compare_words(const void *left, const void *right)
{
	const ScreenWord *a = left;
	const ScreenWord *b = right;

	return a->from != b->from ? a->from - b->from : a->until - b->until;
}

ScreenText *
screen_words(const char *text)
{
	Reader		reader = {.flat = flatten(text), .plain_room = 16, .room = 32};
	ScreenText *result = palloc(sizeof(ScreenText));
	int			word = 0;

	reader.plain = palloc(sizeof(PlainWord) * reader.plain_room);
	reader.words = palloc(sizeof(ScreenWord) * reader.room);
	split(&reader);
	for (int i = 0; i < reader.plain_count; i++)
	{
		add_word(&reader, put_together(&reader, i, i + 1), i, i + 1, false);
		read_joined(&reader, i);
	}
	for (int from = 0, until; from < reader.plain_count; from = until)
	{
		until = from + 1;
		while (until < reader.plain_count && reader.plain[until].chunk == reader.plain[from].chunk)
			until++;
		read_symbols(&reader, from, until);
		if (is_case_number(&reader, from, until))
			add_word(&reader, pstrdup(""), from, until, true);
	}
	qsort(reader.words, reader.count, sizeof(ScreenWord), compare_words);

	result->length = reader.plain_count;
	result->count = reader.count;
	result->words = reader.words;
	result->bounds = palloc(sizeof(bool) * (result->length + 1));
	result->clauses = palloc(sizeof(bool) * (result->length + 1));
	result->first = palloc(sizeof(int) * (result->length + 1));
	for (int i = 0; i <= result->length; i++)
	{
		result->bounds[i] = i == result->length || reader.plain[i].bound;
		result->clauses[i] = i == result->length || reader.plain[i].clause;
		while (word < reader.count && reader.words[word].from < i)
			word++;
		result->first[i] = word;
	}
	return result;
}
