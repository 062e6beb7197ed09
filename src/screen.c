/*
 * screen.c - see screen.h.
 *
 * Terms of three kinds.  Those that refuse and those that flag are looked for;
 * those that are lawful cover the words that they match, so that "assault on an
 * ICE agent" is not about immigration.  A term that finds words which no lawful
 * one covers, decides.  What is covered by part only still counts.
 *
 * Terms are compiled once for each version of the rules; a request is screened
 * again when the rules have changed since, as everything about it is decided
 * again by each statement.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog_scan.h"
#include "clock.h"
#include "registry.h"
#include "request.h"
#include "rules.h"
#include "screen.h"
#include "screen_pattern.h"
#include "shared.h"

/* Attribute numbers, see sql/screen.sql */
enum
{
	Anum_term_statute = 1,
	Anum_term_pattern,
	Anum_term_category,
	Anum_term_action,
	Anum_term_clause,
	Anum_term_shipped
};
enum
{
	Anum_list_list = 1,
	Anum_list_words,
	Anum_list_shipped
};
enum
{
	Anum_approval_request_seq = 1,
	Anum_approval_seq,
	Anum_approval_agency_id,
	Anum_approval_digest,
	Anum_approval_valid_until
};

/* A lawful term of this category covers those of all */
#define CATEGORY_ANY	   "any"
#define CATEGORY_CONTESTED "contested"
#define CATEGORY_VAGUE	   "vague"
#define CATEGORY_NUMBER	   "case_number_only"

/* What decides where no word is there to be found */
#define NO_WORDS  "(no words)"
#define NO_REASON "(no reason)"

typedef struct Term
{
	const char	  *pattern;
	const char	  *category;
	const char	  *clause;
	ScreenAction   action;
	bool		   lawful;
	bool		   off;
	bool		   shipped;
	ScreenPattern *compiled;
} Term;

typedef struct ListRow
{
	const char *name;
	List	   *words;
	bool		shipped;
} ListRow;

/* Terms of the statute in force, in the rules' cache */
static uint64			 epoch = 0;
static List				*terms; /* of Term *, the gravest first */
static ScreenDictionary *dictionary;
static const char		*agreement_clause;

/* The request that was screened last, for the statements that follow it */
static int64		 last_seq = 0;
static uint64		 last_epoch;
static ScreenVerdict last_verdict;

PG_FUNCTION_INFO_V1(ctlpr_screen_reason);
PG_FUNCTION_INFO_V1(ctlpr_screen_pattern_flaw);
PG_FUNCTION_INFO_V1(ctlpr_reason_digest);

/* ---- terms ---- */

static Relation
open_own_table(const char *name)
{
	return table_open(registry_own_relation(name), AccessShareLock);
}

static List *
read_lists(void)
{
	Relation	relation = open_own_table("screen_list");
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	List	   *lists = NIL;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		ListRow *list = palloc0(sizeof(ListRow));

		list->name = row_text(relation, row, Anum_list_list);
		list->words = rules_row_texts(relation, row, Anum_list_words);
		list->shipped = DatumGetBool(row_datum(relation, row, Anum_list_shipped, NULL));
		lists = lappend(lists, list);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return lists;
}

/* Is there a row of the administrator's that takes the place of a shipped one? */
static bool
list_replaced(List *lists, const ListRow *list)
{
	ListCell *cell;

	foreach (cell, lists)
	{
		ListRow *other = lfirst(cell);

		if (list->shipped && !other->shipped && strcmp(other->name, list->name) == 0)
			return true;
	}
	return false;
}

static void
define_lists(ScreenDictionary *into)
{
	List	 *lists = read_lists();
	ListCell *cell;

	foreach (cell, lists)
		if (!list_replaced(lists, lfirst(cell)))
			screen_define_list(into, ((ListRow *) lfirst(cell))->name, ((ListRow *) lfirst(cell))->words);
}

static Term *
read_term(Relation relation, HeapTuple row)
{
	Term	   *term = palloc0(sizeof(Term));
	const char *action = row_text(relation, row, Anum_term_action);

	term->pattern = row_text(relation, row, Anum_term_pattern);
	term->category = row_text(relation, row, Anum_term_category);
	term->clause = row_text(relation, row, Anum_term_clause);
	term->shipped = DatumGetBool(row_datum(relation, row, Anum_term_shipped, NULL));
	term->lawful = strcmp(action, "lawful") == 0;
	term->off = strcmp(action, "off") == 0;
	/* An action that nobody knows refuses. */
	if (!term->lawful && !term->off)
		term->action = strcmp(action, "flag") == 0 ? SCREEN_FLAG : SCREEN_REFUSE;
	return term;
}

static bool
term_replaced(List *rows, const Term *term)
{
	ListCell *cell;

	foreach (cell, rows)
	{
		Term *other = lfirst(cell);

		if (term->shipped && !other->shipped && strcmp(other->pattern, term->pattern) == 0)
			return true;
	}
	return false;
}

/* A number without a reason says more than a vague reason, and both say less than anything else. */
static int
quality_rank(const Term *term)
{
	return strcmp(term->category, CATEGORY_VAGUE) == 0 ? 2 : strcmp(term->category, CATEGORY_NUMBER) == 0 ? 1 : 0;
}

/* The gravest first; what is contested before questions of quality */
static int
compare_terms(const ListCell *left, const ListCell *right)
{
	const Term *a = lfirst(left);
	const Term *b = lfirst(right);

	if (a->action != b->action)
		return (int) b->action - (int) a->action;
	if (quality_rank(a) != quality_rank(b))
		return quality_rank(a) - quality_rank(b);
	return strcmp(a->pattern, b->pattern);
}

static void
compile_terms(List *rows)
{
	ListCell *cell;

	foreach (cell, rows)
	{
		Term	   *term = lfirst(cell);
		const char *flaw;

		if (term->off || term_replaced(rows, term))
			continue;
		term->compiled = screen_compile(dictionary, term->pattern, &flaw);
		if (term->compiled == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a screen term cannot be read"),
							errdetail("The pattern \"%s\" %s.", term->pattern, flaw),
							errhint("What cannot be screened is not allowed (13(d)); mend it with ctlpr.set_screen_term().")));
		terms = lappend(terms, term);
	}
	list_sort(terms, compare_terms);
}

/* Read the terms of the statute in force, where they are not known yet. */
static void
refresh(void)
{
	uint64		   current;
	MemoryContext  context;
	MemoryContext  previous;
	const Statute *statute;
	Relation	   relation;
	SysScanDesc	   scan;
	HeapTuple	   row;
	ScanKeyData	   key;
	List		  *rows = NIL;

	(void) rules_cache_context(&current);
	if (current == epoch)
		return;
	epoch = 0;
	statute = rules_statute();
	context = rules_cache_context(&current);
	previous = MemoryContextSwitchTo(context);
	terms = NIL;
	dictionary = screen_dictionary();
	/* Objects of a version before are screened when they are brought up to this one. */
	if (!registry_awaits_relation("screen_list"))
		define_lists(dictionary);
	if (statute && !registry_awaits_relation("screen_term"))
	{
		relation = open_own_table("screen_term");
		scan_key_text(&key, Anum_term_statute, statute->name);
		scan = systable_beginscan(relation, registry_own_relation("screen_term_pkey"), true, NULL, 1, &key);
		while (HeapTupleIsValid(row = systable_getnext(scan)))
			rows = lappend(rows, read_term(relation, row));
		systable_endscan(scan);
		table_close(relation, AccessShareLock);
	}
	compile_terms(rows);
	agreement_clause = "13(d)(3)";
	MemoryContextSwitchTo(previous);
	epoch = current;
}

/* ---- screening a text ---- */

/* The words of a lawful term, for terms of its category */
typedef struct Cover
{
	const char *category;
	Bitmapset  *words;
} Cover;

/*
 * Are the words of the span that the term asked for all covered by lawful
 * terms?  Words in a gap are no one's: "narcotics, assist ICE" is not lawful for
 * the sake of ice that is a drug.
 */
static bool
is_covered(const ScreenSpan *span, Bitmapset *words, const Term *term, List *covers)
{
	ListCell  *cell;
	Bitmapset *lawful = NULL;
	bool	   asked = false;

	foreach (cell, covers)
	{
		Cover *cover = lfirst(cell);

		if (strcmp(cover->category, CATEGORY_ANY) == 0 || strcmp(cover->category, term->category) == 0 ||
			strcmp(term->category, CATEGORY_CONTESTED) == 0)
			lawful = bms_add_members(lawful, cover->words);
	}
	for (int word = span->from; word < span->until; word++)
	{
		if (!bms_is_member(word, words))
			continue;
		if (!bms_is_member(word, lawful))
			return false;
		asked = true;
	}
	return asked;
}

static ScreenVerdict
found(const Term *term, const char *field)
{
	return (ScreenVerdict){
		.action = term->action, .field = field, .category = term->category, .clause = term->clause, .term = term->pattern};
}

static ScreenVerdict
screen_text(const char *stated, const char *field)
{
	ScreenText	 *text = screen_words(stated);
	ScreenHits	 *hits = screen_look_up(dictionary, text);
	ScreenVerdict nothing = {.action = SCREEN_NOTHING};
	List		 *covers = NIL; /* of Cover * */
	ListCell	 *cell;
	ListCell	 *spot;

	if (text->length == 0)
		return (ScreenVerdict){.action = SCREEN_FLAG, .field = field, .category = CATEGORY_VAGUE, .term = NO_WORDS};
	foreach (cell, terms)
	{
		Term *term = lfirst(cell);

		if (term->lawful && screen_may_match(term->compiled, hits))
		{
			Cover *cover = palloc(sizeof(Cover));

			*cover = (Cover){.category = term->category, .words = screen_match(term->compiled, hits, true).words};
			covers = lappend(covers, cover);
		}
	}
	foreach (cell, terms)
	{
		Term	   *term = lfirst(cell);
		ScreenMatch match;

		if (term->lawful || !screen_may_match(term->compiled, hits))
			continue;
		match = screen_match(term->compiled, hits, false);
		foreach (spot, match.spans)
			if (!is_covered(lfirst(spot), match.words, term, covers))
				return found(term, field);
	}
	return nothing;
}

static bool
is_blank(const char *text)
{
	return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

/* A question of quality is asked of the reason alone. */
static ScreenVerdict
screen_field(const char *stated, const char *field, bool quality)
{
	ScreenVerdict verdict = {.action = SCREEN_NOTHING};

	if (!is_blank(stated))
	{
		MemoryContext room = AllocSetContextCreate(CurrentMemoryContext, "ctlpr screening", ALLOCSET_SMALL_SIZES);
		MemoryContext previous = MemoryContextSwitchTo(room);

		verdict = screen_text(stated, field);
		MemoryContextSwitchTo(previous);
		MemoryContextDelete(room);
	}
	if (!quality && verdict.clause == NULL)
		verdict.action = SCREEN_NOTHING;
	return verdict;
}

/* ---- approvals ---- */

/* A digest of what a supervisor admits: agency, purpose, reason, offense, case number and for whom, as they were stated */
static void
digest_stated(const char *agency_id, const char *const *stated, int count, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bool			   done = context != NULL && pg_cryptohash_init(context) >= 0;

	for (int i = -1; done && i < count; i++)
	{
		const char *text = i < 0 ? agency_id : stated[i];
		int32		length = text ? (int32) strlen(text) : -1;

		done = pg_cryptohash_update(context, (const uint8 *) &length, sizeof(length)) >= 0 &&
			   (length <= 0 || pg_cryptohash_update(context, (const uint8 *) text, length) >= 0);
	}
	done = done && pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) >= 0;
	if (context)
		pg_cryptohash_free(context);
	if (!done)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a digest")));
}

#define DIGESTED_TEXTS 5

/* The entry by which a supervisor admitted just this; 0: none is in force */
static int64
approval_of(const Request *request, const char *agency_id)
{
	const char *stated[DIGESTED_TEXTS] = {request->text[TEXT_PURPOSE], request->text[TEXT_REASON], request->text[TEXT_OFFENSE],
										  request->text[TEXT_CASE_NUMBER], request->text[TEXT_ON_BEHALF_OF]};
	bytea	   *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	Relation	relation = open_own_table("reason_approval");
	TimestampTz now = shared_now();
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	int64		seq = 0;

	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	digest_stated(agency_id, stated, DIGESTED_TEXTS, (uint8 *) VARDATA(digest));
	ScanKeyInit(&key, Anum_approval_digest, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(digest));
	scan = systable_beginscan(relation, registry_own_relation("reason_approval_digest_idx"), true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		if (now < DatumGetTimestampTz(row_datum(relation, row, Anum_approval_valid_until, NULL)))
			seq = Max(seq, DatumGetInt64(row_datum(relation, row, Anum_approval_seq, NULL)));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return seq;
}

/* ---- screening a request ---- */

static ScreenVerdict
screen_stated(const Request *request, const char *agency_id, bool agreement)
{
	static const struct
	{
		StatedText	text;
		const char *field;
	} fields[] = {{TEXT_REASON, "reason"}, {TEXT_OFFENSE, "offense"}, {TEXT_CASE_NUMBER, "case_number"}};
	ScreenVerdict result = {.action = SCREEN_NOTHING};

	for (int i = 0; i < lengthof(fields); i++)
	{
		ScreenVerdict verdict = screen_field(request->text[fields[i].text], fields[i].field, fields[i].text == TEXT_REASON);

		/* Contested is graver than vague. */
		if (verdict.action > result.action || (verdict.action == result.action && verdict.clause && !result.clause))
			result = verdict;
	}
	if (agreement && !request->break_glass && result.clause == NULL &&
		(result.action == SCREEN_FLAG || is_blank(request->text[TEXT_REASON])))
	{
		if (result.action == SCREEN_NOTHING)
			result.term = NO_REASON;
		result.action = SCREEN_FLAG;
		result.field = "reason";
		result.category = CATEGORY_CONTESTED;
		result.clause = agreement_clause;
	}
	if (result.action == SCREEN_REFUSE)
		result.approval_seq = approval_of(request, agency_id);
	return result;
}

ScreenVerdict
screen_request(const Request *request, const char *agency_id, bool agreement)
{
	refresh();
	if (request->seq != 0 && request->seq == last_seq && epoch == last_epoch)
		return last_verdict;
	last_seq = 0;
	last_verdict = screen_stated(request, agency_id, agreement);
	last_seq = request->seq;
	last_epoch = epoch;
	return last_verdict;
}

static const char *
action_name(ScreenAction action)
{
	return action == SCREEN_REFUSE ? "refuse" : "flag";
}

Datum
screen_detail(const ScreenVerdict *verdict)
{
	StringInfoData json;

	if (verdict->action == SCREEN_NOTHING)
		return (Datum) 0;
	initStringInfo(&json);
	appendStringInfo(&json, "{\"screen\": {\"field\": \"%s\", \"action\": \"%s\", \"category\": ", verdict->field,
					 action_name(verdict->action));
	escape_json(&json, verdict->category);
	if (verdict->clause)
	{
		appendStringInfoString(&json, ", \"clause\": ");
		escape_json(&json, verdict->clause);
	}
	appendStringInfoString(&json, ", \"term\": ");
	escape_json(&json, verdict->term);
	if (verdict->approval_seq)
		appendStringInfo(&json, ", \"approval_seq\": " INT64_FORMAT, verdict->approval_seq);
	appendStringInfoString(&json, "}}");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* ---- SQL functions ---- */

/* screen_reason(reason): the row that decides, none where nothing was found */
Datum
ctlpr_screen_reason(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ScreenVerdict  verdict = {.action = SCREEN_NOTHING};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	refresh();
	verdict = screen_field(text_to_cstring(PG_GETARG_TEXT_PP(0)), "reason", true);
	if (verdict.action != SCREEN_NOTHING)
	{
		Datum values[4] = {CStringGetTextDatum(action_name(verdict.action)), CStringGetTextDatum(verdict.category),
						   verdict.clause ? CStringGetTextDatum(verdict.clause) : (Datum) 0, CStringGetTextDatum(verdict.term)};
		bool  nulls[4] = {false, false, verdict.clause == NULL, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}

/* screen_pattern_flaw(pattern): what is wrong with a pattern, NULL: nothing */
Datum
ctlpr_screen_pattern_flaw(PG_FUNCTION_ARGS)
{
	ScreenDictionary *known = screen_dictionary();
	const char		 *flaw;

	define_lists(known);
	if (screen_compile(known, text_to_cstring(PG_GETARG_TEXT_PP(0)), &flaw) != NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(flaw));
}

/* reason_digest(agency_id, purpose, reason, offense, case_number, on_behalf_of): what an approval is about */
Datum
ctlpr_reason_digest(PG_FUNCTION_ARGS)
{
	const char *stated[DIGESTED_TEXTS];
	bytea	   *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	for (int i = 0; i < DIGESTED_TEXTS; i++)
		stated[i] = PG_ARGISNULL(i + 1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i + 1));
	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	digest_stated(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)), stated, DIGESTED_TEXTS,
				  (uint8 *) VARDATA(digest));
	PG_RETURN_BYTEA_P(digest);
}
