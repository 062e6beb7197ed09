/*
 * screen_words.h - a stated reason as words, whatever it is dressed in.
 *
 * Pure but for a per-backend memory of how characters look.  Text of any
 * database encoding is brought to ASCII words: Unicode compatibility forms
 * (UAX #15) and look-alike letters (UTS #39) by ICU, case, accents, characters
 * that show nothing; digits and symbols that stand for letters; and separators
 * inside of a word, so that "I.C.E.", "i c e" and "1CE" all read as one.
 */
#ifndef CTLPR_SCREEN_WORDS_H
#define CTLPR_SCREEN_WORDS_H

#include "postgres.h"

/* A way to read some of the plain words of a text */
typedef struct ScreenWord
{
	const char *text;		 /* its shape, see screen_shape() */
	int			from;		 /* first plain word that it covers, from 0 */
	int			until;		 /* the one after its last */
	bool		case_number; /* a case, incident or dispatch number, by its form */
} ScreenWord;

typedef struct ScreenText
{
	int			length;	 /* plain words */
	bool	   *bounds;	 /* length + 1: a part begins or ends before this word ("Category - text") */
	bool	   *clauses; /* length + 1: a clause does, by a comma, a semicolon, a colon or a line */
	int			count;
	ScreenWord *words; /* all readings, by their first word */
	int		   *first; /* length + 1: the first of words that begins at this word or later */
} ScreenText;

/*
 * The words of a text in the database's encoding, in the current memory
 * context.  Raises an error only for want of memory and where ICU fails
 * (internal error).
 */
extern ScreenText *screen_words(const char *text);

/*
 * What a word of lower-case ASCII letters and digits looks like: letters and
 * digits that are taken for each other become one.  A word without a letter
 * stays as it is.  In place; never longer.
 */
extern void screen_shape(char *word);

#endif /* CTLPR_SCREEN_WORDS_H */
