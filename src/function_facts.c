/*
 * function_facts.c - see function_facts.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "function_facts.h"
#include "index_quals.h"
#include "registry.h"

/* ---- what is found ---- */

/*
 * The server's functions that are not volatile compute, but for those that call
 * what their arguments' types or texts name: casts to JSON, checks of domains,
 * queries over relations.
 */
static bool
calls_others(const char *name)
{
	static const char *const parts[] = {"json", "_to_xml", "pg_input_"};

	for (int i = 0; i < lengthof(parts); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

static bool
is_of_policy(Oid function)
{
	const PolicyFunctions *functions = registry_policy_functions();

	return function == functions->visible_since || function == functions->may_read || function == functions->touch ||
		   function == functions->touch_given || function == functions->shows_statistics ||
		   function == functions->shows_extended_statistics;
}

static bool
find_quiet(Oid function)
{
	HeapTuple	 tuple;
	Form_pg_proc proc;
	bool		 known;

	if (function >= FirstNormalObjectId)
		return is_of_policy(function) || index_quals_is_vetted(function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	known = proc->provolatile != PROVOLATILE_VOLATILE && !calls_others(NameStr(proc->proname));
	ReleaseSysCache(tuple);
	return known;
}

/*
 * PostGIS's functions that read what ANALYZE keeps of a table, or its index:
 * where reads are, hidden ones included
 */
static bool
find_places(Oid function)
{
	static const char *const symbols[] = {"gserialized_estimated_extent", "geometry_estimated_extent",
										  "_postgis_gserialized_stats",	  "_postgis_gserialized_sel",
										  "_postgis_gserialized_joinsel", "_postgis_gserialized_index_extent"};
	HeapTuple				 tuple;
	bool					 result = false;
	bool					 isnull;

	if (function < FirstNormalObjectId || !HeapTupleIsValid(tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function))))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId)
	{
		const char *symbol = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));

		for (int i = 0; i < lengthof(symbols); i++)
			result |= strcmp(symbol, symbols[i]) == 0;
	}
	ReleaseSysCache(tuple);
	return result;
}

/* ---- what is remembered ---- */

typedef struct FunctionFacts
{
	Oid	 function; /* InvalidOid: nothing is remembered here */
	bool quiet;
	bool places;
} FunctionFacts;

/* By the last bits of the number; a plan over many partitions asks for the same few functions again and again. */
#define REMEMBERED 64

static FunctionFacts remembered[REMEMBERED];
static uint64		 changes = 0; /* of functions, as far as heard of */

static FunctionFacts
facts_of(Oid function)
{
	FunctionFacts *place = &remembered[function % REMEMBERED];
	FunctionFacts  facts;
	uint64		   before = changes;

	if (place->function == function)
		return *place;
	facts = (FunctionFacts){function, find_quiet(function), find_places(function)};
	/* What changed while it was looked up may be this one. */
	if (before == changes)
		*place = facts;
	return facts;
}

static void
forget(Datum arg, int cache, uint32 hash)
{
	changes++;
	memset(remembered, 0, sizeof(remembered));
}

bool
function_is_quiet(Oid function)
{
	return facts_of(function).quiet;
}

bool
function_tells_of_places(Oid function)
{
	return facts_of(function).places;
}

void
function_facts_install(void)
{
	CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
}
