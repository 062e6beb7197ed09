/*
 * retention.c - counts what has expired, for those who approve and audit.
 *
 * Numbers only: of reads by owner and day.  The reads themselves are gone for
 * everybody.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "exempt.h"
#include "instruments.h"
#include "retention.h"
#include "rules.h"
#include "shared.h"

PG_FUNCTION_INFO_V1(ctlpr_retention_limit);
PG_FUNCTION_INFO_V1(ctlpr_agency_retention_limit);
PG_FUNCTION_INFO_V1(ctlpr_expired_reads);
PG_FUNCTION_INFO_V1(ctlpr_oldest_read_on);

bool
retention_limit(const GovernedRelation *governed, TimestampTz now, TimestampTz *limit)
{
	/* Evidence goes when its hold has ended, however old it is. */
	if (governed->hold > 0)
	{
		*limit = DT_NOBEGIN;
		return true;
	}
	if (!rules_retention_limit(governed->retention, now, limit))
		return false;
	*limit = Max(*limit, governed->hidden_before);
	return true;
}

char *
retention_relation_sql(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

char *
retention_captured_sql(const GovernedRelation *member)
{
	return pstrdup(quote_identifier(get_attname(member->relid, member->captured_at, false)));
}

char *
retention_owner_sql(const GovernedRelation *member)
{
	if (member->owner > 0)
		return psprintf("%s::pg_catalog.text", quote_identifier(get_attname(member->relid, member->owner, false)));
	return psprintf("%s::pg_catalog.text", quote_literal_cstr(member->owner_agency));
}

char *
retention_expired_sql(const GovernedRelation *member, TimestampTz now)
{
	char		  *captured = retention_captured_sql(member);
	char		  *owner = retention_owner_sql(member);
	List		  *keepers = instruments_shorter_keepers(now);
	ListCell	  *keeper;
	ListCell	  *value;
	StringInfoData condition;

	initStringInfo(&condition);
	if (member->hold > 0)
	{
		appendStringInfoString(&condition, "(false");
		foreach (keeper, instruments_lapsed_holds(now))
			appendStringInfo(&condition, " OR ctlpr_hold_id = " INT64_FORMAT, *(int64 *) lfirst(keeper));
		appendStringInfoChar(&condition, ')');
		return condition.data;
	}
	appendStringInfo(&condition, "(%s < $1", captured);
	foreach (keeper, keepers)
	{
		AgencyRetention retention = instruments_retention(lfirst(keeper), now);
		TimestampTz		limit = instruments_limit(&retention, now);
		char		   *instant = DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(limit)));
		List *values = member->owner > 0 ? registry_owner_values(member->root, lfirst(keeper)) : list_make1(lfirst(keeper));

		foreach (value, values)
			appendStringInfo(&condition, " OR %s < %s::pg_catalog.timestamptz AND %s = %s::pg_catalog.text", captured,
							 quote_literal_cstr(instant), owner, quote_literal_cstr(lfirst(value)));
	}
	appendStringInfoChar(&condition, ')');
	return condition.data;
}

TimestampTz
retention_latest_limit(TimestampTz limit, TimestampTz now)
{
	ListCell *keeper;

	foreach (keeper, instruments_shorter_keepers(now))
	{
		AgencyRetention retention = instruments_retention(lfirst(keeper), now);

		limit = Max(limit, instruments_limit(&retention, now));
	}
	return limit;
}

bool
retention_any_expired(Oid root, TimestampTz limit, TimestampTz now)
{
	GovernedRelation governed = *registry_lookup(root);
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc		 desc;
	bool			 any;

	exempt_run(root,
			   psprintf("SELECT 1 FROM %s WHERE %s LIMIT 1", retention_relation_sql(root), retention_expired_sql(&governed, now)),
			   1, &limit, rows, &desc);
	any = tuplestore_tuple_count(rows) > 0;
	tuplestore_end(rows);
	return any;
}

/* The governed root that an argument names; copied, since lookups may go */
static GovernedRelation
governed_argument(Oid relid)
{
	const GovernedRelation *governed = registry_lookup(relid);

	if (!governed || governed->root != relid)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("relation with OID %u is not governed", relid),
						errhint("See ctlpr.governed_relation for those that are.")));
	return *governed;
}

/* retention_limit(relation): NULL where no rule is in force */
Datum
ctlpr_retention_limit(PG_FUNCTION_ARGS)
{
	GovernedRelation governed = governed_argument(PG_GETARG_OID(0));
	TimestampTz		 limit;

	if (!retention_limit(&governed, shared_now(), &limit))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(limit);
}

/* agency_retention_limit(agency_id): -infinity where it sets none of its own */
Datum
ctlpr_agency_retention_limit(PG_FUNCTION_ARGS)
{
	TimestampTz		now = shared_now();
	AgencyRetention retention = instruments_retention(text_to_cstring(PG_GETARG_TEXT_PP(0)), now);

	PG_RETURN_TIMESTAMPTZ(instruments_limit(&retention, now));
}

/* expired_reads(relation): expired reads by owning agency and day of capture */
Datum
ctlpr_expired_reads(PG_FUNCTION_ARGS)
{
	ReturnSetInfo	*result = (ReturnSetInfo *) fcinfo->resultinfo;
	GovernedRelation governed = governed_argument(PG_GETARG_OID(0));
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	const Statute	*statute = rules_statute();
	char			*time_zone = statute ? quote_literal_cstr(statute->time_zone) : NULL;
	TimestampTz		 limit;
	TupleDesc		 desc;
	TupleTableSlot	*slot;

	InitMaterializedSRF(fcinfo, 0);
	/* Of a table that is gone, or that its registration does not fit, nothing can be counted. */
	if (governed.broken || !time_zone || !retention_limit(&governed, shared_now(), &limit))
		PG_RETURN_NULL();
	exempt_run(governed.relid,
			   psprintf("SELECT %s, (%s AT TIME ZONE %s)::pg_catalog.date, pg_catalog.count(*) FROM %s WHERE %s GROUP BY 1, 2 "
						"ORDER BY 2, 1",
						retention_owner_sql(&governed), retention_captured_sql(&governed), time_zone,
						retention_relation_sql(governed.relid), retention_expired_sql(&governed, shared_now())),
			   1, &limit, rows, &desc);

	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		Datum values[3];
		bool  nulls[3];

		slot_getallattrs(slot);
		memcpy(values, slot->tts_values, sizeof(values));
		memcpy(nulls, slot->tts_isnull, sizeof(nulls));
		if (!nulls[0])
		{
			char *agency_id = registry_owner_agency(governed.root, TextDatumGetCString(values[0]));

			nulls[0] = rules_agency(agency_id) == NULL;
			values[0] = CStringGetTextDatum(agency_id);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	return (Datum) 0;
}

/* oldest_read_on(relation): day of the oldest read that is there, expired or not; NULL for an empty table */
Datum
ctlpr_oldest_read_on(PG_FUNCTION_ARGS)
{
	GovernedRelation governed = governed_argument(PG_GETARG_OID(0));
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleDesc		 desc;
	TupleTableSlot	*slot;
	bool			 isnull = true;
	TimestampTz		 oldest = 0;

	if (governed.broken)
		PG_RETURN_NULL();
	exempt_run(
		governed.relid,
		psprintf("SELECT pg_catalog.min(%s) FROM %s", retention_captured_sql(&governed), retention_relation_sql(governed.relid)),
		0, NULL, rows, &desc);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(rows, true, false, slot))
		oldest = DatumGetTimestampTz(slot_getattr(slot, 1, &isnull));
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows);
	if (isnull || !rules_statute())
		PG_RETURN_NULL();
	if (TIMESTAMP_NOT_FINITE(oldest))
		PG_RETURN_DATEADT(TIMESTAMP_IS_NOBEGIN(oldest) ? DATEVAL_NOBEGIN : DATEVAL_NOEND);
	PG_RETURN_DATEADT(rules_day(oldest));
}
