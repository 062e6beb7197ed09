/*
 * screen_pattern.c - see screen_pattern.h.
 *
 * Words of patterns are classes: a number for each way in which one can be
 * named (exactly, by its beginning, nearly, by a list).  Each reading of the
 * text is looked up once, which gives its classes; matching then compares
 * numbers.  A pattern is run as a set of states, all starts at once, so that no
 * text makes it go back: time is bounded by the product of both lengths.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "screen_pattern.h"

#define WORD_SIZE 32
#define GAP_WORDS 4

/* Classes that no word names */
enum
{
	CLASS_ANY,
	CLASS_CASE_NUMBER,
	FIRST_CLASS
};

/* How a word of a pattern is named: the first character of a dictionary's key */
#define EXACTLY '='
#define BEGINS	'*'
#define NEARLY	'~'
#define LISTED	'@'

typedef struct Entry
{
	char  key[WORD_SIZE]; /* how it is named, then its shape */
	List *classes;		  /* of int */
} Entry;

struct ScreenDictionary
{
	HTAB *entries;
	List *near_words; /* of Entry * */
	int	  classes;
	bool  prefix_lengths[WORD_SIZE];
};

typedef enum Anchor
{
	ANYWHERE,
	AT_PART,
	AT_TEXT
} Anchor;

typedef struct Element
{
	Bitmapset *classes; /* one of which a word must have; NULL: any word */
	bool	   optional;
	bool	   repeats;
	bool	   gap;
} Element;

struct ScreenPattern
{
	int		elements;
	Element element[SCREEN_ELEMENTS_MAX];
	Anchor	begin;
	Anchor	end;
};

struct ScreenHits
{
	const ScreenText *text;
	Bitmapset		**classes; /* of each word */
	Bitmapset		 *all;
	int				  purpose; /* class of the list @purpose; -1: there is none */
};

/* ---- dictionary ---- */

ScreenDictionary *
screen_dictionary(void)
{
	ScreenDictionary *dictionary = palloc0(sizeof(ScreenDictionary));
	HASHCTL			  control = {.keysize = WORD_SIZE, .entrysize = sizeof(Entry), .hcxt = CurrentMemoryContext};

	dictionary->entries = hash_create("ctlpr words of screen terms", 512, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	dictionary->classes = FIRST_CLASS;
	return dictionary;
}

static Entry *
find_entry(ScreenDictionary *dictionary, char how, const char *word, int length, bool enter)
{
	char   key[WORD_SIZE];
	Entry *entry;
	bool   found;

	key[0] = how;
	memcpy(key + 1, word, length);
	key[length + 1] = '\0';
	entry = hash_search(dictionary->entries, key, enter ? HASH_ENTER : HASH_FIND, &found);
	if (enter && !found)
		entry->classes = NIL;
	return entry;
}

/* The entry of a word as it stands in a pattern or list; NULL: it cannot be read */
static Entry *
word_entry(ScreenDictionary *dictionary, const char *word)
{
	char   shape[WORD_SIZE];
	int	   length = strlen(word);
	char   how = EXACTLY;
	Entry *entry;

	if (length > 0 && (word[length - 1] == BEGINS || word[length - 1] == NEARLY))
		how = word[--length];
	if (length == 0 || length > WORD_SIZE - 3 || strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789") != length)
		return NULL;
	memcpy(shape, word, length);
	shape[length] = '\0';
	screen_shape(shape);
	length = strlen(shape);
	entry = find_entry(dictionary, how, shape, length, true);
	if (how == BEGINS)
		dictionary->prefix_lengths[length] = true;
	else if (how == NEARLY)
		dictionary->near_words = list_append_unique_ptr(dictionary->near_words, entry);
	return entry;
}

/* The class that an entry has of its own: the first it got by this function */
static int
own_class(ScreenDictionary *dictionary, char how, const char *name)
{
	/* Kept under a key that no text can have, so that lists do not come in between. */
	char   key[WORD_SIZE + 1];
	Entry *entry;

	snprintf(key, sizeof(key), "%c%s", how, name);
	entry = find_entry(dictionary, LISTED, key, strlen(key), true);
	if (entry->classes == NIL)
		entry->classes = list_make1_int(dictionary->classes++);
	return linitial_int(entry->classes);
}

static bool
valid_name(const char *name)
{
	return *name && strlen(name) < WORD_SIZE - 4 && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name);
}

void
screen_define_list(ScreenDictionary *dictionary, const char *name, List *words)
{
	ListCell *cell;
	int class = valid_name(name) ? own_class(dictionary, LISTED, name) : -1;

	if (class < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the name of a list of screened words cannot be read"),
						errhint("It has lower-case letters and underscores, at most %d.", WORD_SIZE - 5)));
	foreach (cell, words)
	{
		Entry *entry = word_entry(dictionary, lfirst(cell));

		if (entry == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a word of the list @%s cannot be read", name),
							errhint("It has lower-case letters and digits, at most %d, and may end in * or ~.", WORD_SIZE - 3)));
		entry->classes = list_append_unique_int(entry->classes, class);
	}
}

/* ---- compiling ---- */

/* Read one of the alternatives of an element into its classes. */
static bool
read_alternative(ScreenDictionary *dictionary, const char *text, Element *element, const char **flaw)
{
	Entry *entry;
	int class;

	if (strcmp(text, "#") == 0)
		class = CLASS_CASE_NUMBER;
	else if (strcmp(text, "_") == 0)
		class = CLASS_ANY;
	else if (text[0] == LISTED)
	{
		char key[WORD_SIZE + 1];

		if (!valid_name(text + 1))
		{
			*flaw = "names a list that cannot be read";
			return false;
		}
		snprintf(key, sizeof(key), "%c%s", LISTED, text + 1);
		entry = find_entry(dictionary, LISTED, key, strlen(key), false);
		if (entry == NULL)
		{
			*flaw = "names a list that is not known";
			return false;
		}
		class = linitial_int(entry->classes);
	}
	else
	{
		entry = word_entry(dictionary, text);
		if (entry == NULL)
		{
			*flaw = "has a word that cannot be read";
			return false;
		}
		class = own_class(dictionary, entry->key[0], entry->key + 1);
		entry->classes = list_append_unique_int(entry->classes, class);
	}
	element->classes = bms_add_member(element->classes, class);
	return true;
}

/* Read one element, without its spaces. */
static bool
read_element(ScreenDictionary *dictionary, char *text, ScreenPattern *pattern, const char **flaw)
{
	Element element = {.classes = NULL};
	int		length = strlen(text);
	char   *alternative;

	if (length > 1 && (text[length - 1] == '?' || text[length - 1] == '+'))
	{
		element.optional = text[length - 1] == '?';
		element.repeats = text[length - 1] == '+';
		text[--length] = '\0';
	}
	if (length > 1 && text[0] == '(' && text[length - 1] == ')')
	{
		text[length - 1] = '\0';
		text++;
	}
	do
	{
		alternative = text;
		text = strchr(text, '|');
		if (text)
			*text++ = '\0';
		if (!read_alternative(dictionary, alternative, &element, flaw))
			return false;
	} while (text);
	if (pattern->elements == SCREEN_ELEMENTS_MAX)
	{
		*flaw = "is too long";
		return false;
	}
	pattern->element[pattern->elements++] = element;
	return true;
}

static bool
add_gap(ScreenPattern *pattern)
{
	for (int i = 0; i < GAP_WORDS; i++)
	{
		if (pattern->elements == SCREEN_ELEMENTS_MAX)
			return false;
		pattern->element[pattern->elements++] =
			(Element){.classes = bms_make_singleton(CLASS_ANY), .optional = true, .gap = true};
	}
	return true;
}

/* A pattern whose elements any word matches, or none need match, would match everything. */
static bool
asks_for_something(const ScreenPattern *pattern)
{
	for (int i = 0; i < pattern->elements; i++)
		if (!pattern->element[i].optional && !bms_is_member(CLASS_ANY, pattern->element[i].classes))
			return true;
	return false;
}

ScreenPattern *
screen_compile(ScreenDictionary *dictionary, const char *source, const char **flaw)
{
	ScreenPattern *pattern = palloc0(sizeof(ScreenPattern));
	char		  *rest = pstrdup(source);
	char		  *text;

	*flaw = NULL;
	while ((text = strsep(&rest, " ")) != NULL)
	{
		if (*text == '\0')
			continue;
		if (pattern->end != ANYWHERE)
			*flaw = "goes on after $";
		else if (strcmp(text, "^") == 0 || strcmp(text, "^^") == 0)
		{
			if (pattern->elements > 0 || pattern->begin != ANYWHERE)
				*flaw = "has ^ elsewhere than in front";
			pattern->begin = text[1] ? AT_TEXT : AT_PART;
		}
		else if (strcmp(text, "$") == 0 || strcmp(text, "$$") == 0)
			pattern->end = text[1] ? AT_TEXT : AT_PART;
		else if (strcmp(text, "..") == 0)
		{
			if (!add_gap(pattern))
				*flaw = "is too long";
		}
		else
			(void) read_element(dictionary, text, pattern, flaw);
		if (*flaw)
			return NULL;
	}
	if (!asks_for_something(pattern))
	{
		*flaw = "asks for no word that must be there";
		return NULL;
	}
	return pattern;
}

/* ---- looking up ---- */

/* Is it the word, or one that is a letter more, less, other or swapped? */
static bool
is_near(const char *word, const char *other)
{
	int length = strlen(word);
	int other_length = strlen(other);
	int same = 0;

	if (abs(length - other_length) > 1)
		return false;
	while (word[same] && word[same] == other[same])
		same++;
	if (length > other_length)
		return strcmp(word + same + 1, other + same) == 0;
	if (length < other_length)
		return strcmp(word + same, other + same + 1) == 0;
	if (same == length || strcmp(word + same + 1, other + same + 1) == 0)
		return true;
	return word[same + 1] && word[same] == other[same + 1] && word[same + 1] == other[same] &&
		   strcmp(word + same + 2, other + same + 2) == 0;
}

static Bitmapset *
add_classes(Bitmapset *classes, const Entry *entry)
{
	ListCell *cell;

	if (entry == NULL)
		return classes;
	foreach (cell, entry->classes)
		classes = bms_add_member(classes, lfirst_int(cell));
	return classes;
}

static Bitmapset *
look_up_word(ScreenDictionary *dictionary, const ScreenWord *word)
{
	Bitmapset *classes = NULL;
	int		   length = strlen(word->text);
	ListCell  *cell;

	if (word->case_number)
		return bms_make_singleton(CLASS_CASE_NUMBER);
	/* What is put together of several is another reading, not any word. */
	if (word->until == word->from + 1)
		classes = bms_make_singleton(CLASS_ANY);
	if (length <= WORD_SIZE - 2)
		classes = add_classes(classes, find_entry(dictionary, EXACTLY, word->text, length, false));
	for (int i = 1; i <= length && i < WORD_SIZE - 1; i++)
		if (dictionary->prefix_lengths[i])
			classes = add_classes(classes, find_entry(dictionary, BEGINS, word->text, i, false));
	foreach (cell, dictionary->near_words)
	{
		Entry *entry = lfirst(cell);

		if (is_near(word->text, entry->key + 1))
			classes = add_classes(classes, entry);
	}
	return classes;
}

/* The class of a list; -1: it is not defined */
static int
list_class(ScreenDictionary *dictionary, const char *name)
{
	char   key[WORD_SIZE];
	Entry *entry;

	snprintf(key, sizeof(key), "%c%s", LISTED, name);
	entry = find_entry(dictionary, LISTED, key, strlen(key), false);
	return entry ? linitial_int(entry->classes) : -1;
}

ScreenHits *
screen_look_up(ScreenDictionary *dictionary, const ScreenText *text)
{
	ScreenHits *hits = palloc(sizeof(ScreenHits));

	hits->text = text;
	hits->all = NULL;
	hits->purpose = list_class(dictionary, "purpose");
	hits->classes = palloc(sizeof(Bitmapset *) * (text->count + 1));
	for (int i = 0; i < text->count; i++)
	{
		hits->classes[i] = look_up_word(dictionary, &text->words[i]);
		hits->all = bms_add_members(hits->all, hits->classes[i]);
	}
	return hits;
}

/* ---- matching ---- */

bool
screen_may_match(const ScreenPattern *pattern, const ScreenHits *hits)
{
	for (int i = 0; i < pattern->elements; i++)
		if (!pattern->element[i].optional && !bms_overlap(pattern->element[i].classes, hits->all))
			return false;
	return true;
}

static bool
is_anchored(Anchor anchor, const ScreenText *text, int at, int edge)
{
	return anchor == ANYWHERE || (anchor == AT_PART ? text->bounds[at] : at == edge);
}

/* A state is reached, by a match that began there; the earliest beginning counts. */
static void
reach(int *state, int began)
{
	if (*state < 0 || began < *state)
		*state = began;
}

static bool
element_matches(const Element *element, const ScreenHits *hits, int word, bool lawful)
{
	if (lawful && element->gap && hits->purpose >= 0 && bms_is_member(hits->purpose, hits->classes[word]))
		return false;
	return bms_overlap(element->classes, hits->classes[word]);
}

/* Does a clause begin within these words?  One that begins with the first is no matter. */
static bool
leaves_clause(const ScreenText *text, int from, int until)
{
	for (int i = from + 1; i <= until; i++)
		if (i < text->length && text->clauses[i])
			return true;
	return false;
}

/* Skip optional elements; result: where a match began that has come to its end, -1: none has. */
static int
close_states(const ScreenPattern *pattern, int *here)
{
	for (int i = 0; i < pattern->elements; i++)
		if (here[i] >= 0 && pattern->element[i].optional)
			reach(&here[i + 1], here[i]);
	return here[pattern->elements];
}

/*
 * For each place between words and each state, where a match began that has
 * come so far; -1: none has.
 */
static int *
run_forward(const ScreenPattern *pattern, const ScreenHits *hits, bool lawful, List **spans)
{
	const ScreenText *text = hits->text;
	int				  last = pattern->elements;
	int				  states = last + 1;
	int				 *began = palloc(sizeof(int) * states * (text->length + 1));

	memset(began, -1, sizeof(int) * states * (text->length + 1));
	for (int at = 0; at <= text->length; at++)
	{
		int *here = began + states * at;

		/* What has begun before does not go on into another clause, but may end before it. */
		if (lawful && at < text->length && text->clauses[at])
		{
			int ended = close_states(pattern, here);

			memset(here, -1, sizeof(int) * states);
			here[last] = ended;
		}
		if (here[0] < 0 && at < text->length && is_anchored(pattern->begin, text, at, 0))
			here[0] = at;
		(void) close_states(pattern, here);
		if (here[last] >= 0 && here[last] < at && is_anchored(pattern->end, text, at, text->length))
		{
			ScreenSpan *span = palloc(sizeof(ScreenSpan));

			*span = (ScreenSpan){.from = here[last], .until = at};
			*spans = lappend(*spans, span);
		}
		if (at == text->length)
			break;
		for (int w = text->first[at]; w < text->first[at + 1]; w++)
		{
			int *there = began + states * text->words[w].until;

			for (int i = 0; i < last; i++)
			{
				if (here[i] < 0 || !element_matches(&pattern->element[i], hits, w, lawful) ||
					(lawful && leaves_clause(text, at, text->words[w].until - 1)))
					continue;
				reach(&there[i + 1], here[i]);
				if (pattern->element[i].repeats)
					reach(&there[i], here[i]);
			}
		}
	}
	return began;
}

/* May a match that has come to this state here reach its end?  In another clause it may only have reached it already. */
static bool
may_go_on(const ScreenPattern *pattern, const ScreenText *text, const bool *ends, int at, int state, bool lawful)
{
	if (!lawful || at == text->length || !text->clauses[at])
		return ends[state];
	while (state < pattern->elements && pattern->element[state].optional)
		state++;
	return state == pattern->elements && is_anchored(pattern->end, text, at, text->length);
}

/* The words that elements other than gaps match on a way to the end */
static Bitmapset *
run_backward(const ScreenPattern *pattern, const ScreenHits *hits, bool lawful, const int *began)
{
	const ScreenText *text = hits->text;
	int				  last = pattern->elements;
	int				  states = last + 1;
	bool			 *ends = palloc0(sizeof(bool) * states * (text->length + 1)); /* may a match go on from here? */
	Bitmapset		 *words = NULL;

	for (int at = text->length; at >= 0; at--)
	{
		bool *here = ends + states * at;

		here[last] = is_anchored(pattern->end, text, at, text->length);
		for (int w = text->first[at]; at < text->length && w < text->first[at + 1]; w++)
		{
			int			until = text->words[w].until;
			const bool *there = ends + states * until;

			for (int i = 0; i < last; i++)
			{
				const Element *element = &pattern->element[i];

				if (!(may_go_on(pattern, text, there, until, i + 1, lawful) ||
					  (element->repeats && may_go_on(pattern, text, there, until, i, lawful))) ||
					!element_matches(element, hits, w, lawful) || (lawful && leaves_clause(text, at, until - 1)))
					continue;
				here[i] = true;
				if (began[states * at + i] >= 0 && !element->gap)
					words = bms_add_range(words, at, until - 1);
			}
		}
		for (int i = last - 1; i >= 0; i--)
			here[i] |= pattern->element[i].optional && here[i + 1];
	}
	return words;
}

ScreenMatch
screen_match(const ScreenPattern *pattern, const ScreenHits *hits, bool lawful)
{
	ScreenMatch match = {.spans = NIL};
	int		   *began = run_forward(pattern, hits, lawful, &match.spans);

	if (match.spans != NIL)
		match.words = run_backward(pattern, hits, lawful, began);
	return match;
}
