/*
 * inspect.h - what a finished plan does to governed relations.
 *
 * The second wall: whoever planned the statement, and whatever another module
 * did to the plan, each scan of a governed relation must carry the policy in
 * its quals.  What is sought, and how, comes from the same walk.
 */
#ifndef CTLPR_INSPECT_H
#define CTLPR_INSPECT_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/params.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* How narrow a search is, narrowest first */
typedef enum SearchKind
{
	SEARCH_PLATE,	  /* whole plates compared for equality */
	SEARCH_PARTIAL,	  /* other conditions on the plate */
	SEARCH_AREA_TIME, /* conditions on other columns */
	SEARCH_BROWSE,	  /* no condition */
	SEARCH_NONE		  /* no scan */
} SearchKind;

typedef struct RelationFacts
{
	Oid		   root;
	bool	   read;	   /* scanned under the policy for reading or changing */
	bool	   probed;	   /* scanned for existence only, by an ingest statement */
	bool	   unfiltered; /* scanned without a policy */
	SearchKind search_kind;
	List	  *plates; /* of char *, distinct */
	HTAB	  *seen;   /* of char *: the same, to find one; NULL while they are few */
	List	  *params; /* numbers of the client's parameters that hold plates, too; distinct */
} RelationFacts;

typedef struct PlanFacts
{
	List *relations;	   /* of RelationFacts * */
	bool  referential;	   /* planned as a referential integrity check (index_path.c) */
	bool  holds_rows;	   /* a node keeps rows from one run to the next: a sort, a join, a subquery that is run once */
	bool  conflict_update; /* INSERT ... ON CONFLICT DO UPDATE ... */
	bool  conflict_counts; /* ... that only counts on, and shows nothing of the row that is there */
	bool  too_complex;	   /* to be told what it seeks, or to be held by an entry */
	Size  plate_bytes;	   /* that the plates of all relations would take in an entry */
	bool  only_summaries;  /* what it inserts into ungoverned relations shows no single read */
	bool  copies_reads;	   /* inserts copies of reads, which were counted when they came in */
	List *copied_roots;	   /* OIDs of the governed relations that they are copied from */
	bool  renews_reads;	   /* inserts copies of reads under another captured time */
} PlanFacts;

/*
 * Walk the plan of a started executor.  Result in the current context, without
 * the plates that the client's parameters hold; raises only what output
 * functions of character types may raise.  It depends on the nodes that are
 * there, the registry and the catalogs, and on nothing else of the run.
 */
extern PlanFacts *inspect_plan(QueryDesc *query_desc);

/* Add the plates that this run's parameters hold.  Raises what inspect_plan() does. */
extern void inspect_parameters(PlanFacts *facts, ParamListInfo params);

/* The facts of one relation, or NULL where the plan does not scan it */
extern RelationFacts *inspect_relation(const PlanFacts *facts, Oid root);

/* Name of a search kind as the log has it */
extern const char *inspect_search_kind_name(SearchKind kind);

#endif /* CTLPR_INSPECT_H */
