/*
 * screen_pattern.h - patterns over the words of a stated reason.
 *
 * A pattern is a row of elements between spaces, each of which one word of the
 * text has to match, in that order:
 *
 *     word      the word itself, in lower case
 *     word*     a word that begins so
 *     word~     the word, or one that is a letter more, less, other or swapped
 *     @list     a word of a list (ctlpr.screen_list)
 *     #         a case, incident or dispatch number
 *     _         any word
 *     (a|b*|@c) one of these
 *     element?  may be missing         element+  once or more
 *     ..        up to four words of any kind
 *     ^  $      a part of the text begins or ends here
 *     ^^ $$     the text begins or ends here
 *
 * Pure: no catalog, no globals.  Everything lives in the memory context that
 * is current at the call.
 */
#ifndef CTLPR_SCREEN_PATTERN_H
#define CTLPR_SCREEN_PATTERN_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "screen_words.h"

/* Elements of one pattern, the words of a gap included */
#define SCREEN_ELEMENTS_MAX 60

typedef struct ScreenDictionary ScreenDictionary;
typedef struct ScreenPattern	ScreenPattern;
typedef struct ScreenHits		ScreenHits;

/* Words from until, as ScreenWord */
typedef struct ScreenSpan
{
	int from;
	int until;
} ScreenSpan;

/* A dictionary of the words that patterns name */
extern ScreenDictionary *screen_dictionary(void);

/* Define @name, before patterns that use it.  words: list of char *, each as an element's word. */
extern void screen_define_list(ScreenDictionary *dictionary, const char *name, List *words);

/*
 * Compile a pattern.  Result: NULL where it cannot be read; *flaw then says
 * why, as the end of the sentence "the pattern ...".
 */
extern ScreenPattern *screen_compile(ScreenDictionary *dictionary, const char *pattern, const char **flaw);

/* What the dictionary knows of each word of a text; needed for the calls that follow */
extern ScreenHits *screen_look_up(ScreenDictionary *dictionary, const ScreenText *text);

/* May the pattern match?  Cheap; false is certain. */
extern bool screen_may_match(const ScreenPattern *pattern, const ScreenHits *hits);

typedef struct ScreenMatch
{
	List	  *spans; /* of ScreenSpan *, the longest for each end; NIL: it does not match */
	Bitmapset *words; /* plain words that an element matched which is no gap */
} ScreenMatch;

/*
 * Where it matches.  The time it takes is that of the text's words times the
 * pattern's elements.
 *
 * lawful: within one clause only, and with no word of the list @purpose in a
 * gap, so that a crime before a comma, or what is asked for in between, makes
 * nothing lawful.
 */
extern ScreenMatch screen_match(const ScreenPattern *pattern, const ScreenHits *hits, bool lawful);

#endif /* CTLPR_SCREEN_PATTERN_H */
