/*
 * plan_facts.c - see plan_facts.h.
 *
 * A prepared search runs one plan again and again, and inspecting a plan over
 * many partitions takes longer than finding a plate in them.  What was found is
 * kept beside the plan, in a memory context that goes with the plan's own, so
 * that it cannot be taken for the facts of a later plan at the same address.  It
 * counts only for a run of the very same nodes - which partitions are there is
 * settled anew when each run starts - and until the registry changes.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "plan_facts.h"
#include "registry.h"
#include "statement_text.h"

typedef struct KeptFacts
{
	PlannedStmt	 *stmt; /* hash key */
	MemoryContext context;
	uint64		  version; /* of the registry */
	List		 *nodes;   /* of Plan *: those that were there, in the order of the walk */
	PlanFacts	  facts;
	char		 *text; /* of the statement; NULL: not asked for yet */
} KeptFacts;

static HTAB *kept_facts = NULL;

/* ---- the nodes of a run ---- */

typedef struct NodeWalk
{
	List *nodes; /* gathered, or compared with */
	bool  gathers;
	int	  met;
	bool  differs;
} NodeWalk;

static bool
walk_nodes(PlanState *state, void *context)
{
	NodeWalk *walk = context;

	if (walk->gathers)
		walk->nodes = lappend(walk->nodes, state->plan);
	else if (walk->met >= list_length(walk->nodes) || list_nth(walk->nodes, walk->met) != state->plan)
	{
		walk->differs = true;
		return true;
	}
	walk->met++;
	return planstate_tree_walker(state, walk_nodes, context);
}

static void
walk_run(QueryDesc *query_desc, NodeWalk *walk)
{
	ListCell *cell;

	(void) walk_nodes(query_desc->planstate, walk);
	foreach (cell, query_desc->estate->es_subplanstates)
		if (lfirst(cell) && !walk->differs)
			(void) walk_nodes(lfirst(cell), walk);
}

static bool
has_same_nodes(QueryDesc *query_desc, const KeptFacts *kept)
{
	NodeWalk walk = {.nodes = kept->nodes};

	walk_run(query_desc, &walk);
	return !walk.differs && walk.met == list_length(kept->nodes);
}

static List *
nodes_of(QueryDesc *query_desc)
{
	NodeWalk walk = {.gathers = true};

	walk_run(query_desc, &walk);
	return walk.nodes;
}

/* ---- what is kept ---- */

/* A copy in the current context; the texts of the plates stay where they are. */
static PlanFacts *
copy_facts(const PlanFacts *from)
{
	PlanFacts *facts = palloc(sizeof(PlanFacts));
	ListCell  *cell;

	*facts = *from;
	facts->copied_roots = list_copy(from->copied_roots);
	facts->relations = NIL;
	foreach (cell, from->relations)
	{
		RelationFacts *relation = palloc(sizeof(RelationFacts));

		*relation = *(RelationFacts *) lfirst(cell);
		relation->seen = NULL;
		relation->plates = list_copy(relation->plates);
		relation->params = list_copy(relation->params);
		facts->relations = lappend(facts->relations, relation);
	}
	return facts;
}

/* Is the plan one of the plan cache's?  Any other goes after its only run. */
static bool
is_cached_plan(PlannedStmt *stmt)
{
	return strcmp(GetMemoryChunkContext(stmt)->name, "CachedPlan") == 0;
}

static void
forget(void *stmt)
{
	(void) hash_search(kept_facts, &stmt, HASH_REMOVE, NULL);
}

static KeptFacts *
find_kept(PlannedStmt *stmt)
{
	return kept_facts ? hash_search(kept_facts, &stmt, HASH_FIND, NULL) : NULL;
}

static void
keep(QueryDesc *query_desc, const PlanFacts *facts, uint64 version)
{
	PlannedStmt	 *stmt = query_desc->plannedstmt;
	MemoryContext context = AllocSetContextCreate(GetMemoryChunkContext(stmt), "ctlpr facts of a plan", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	List				  *nodes = nodes_of(query_desc);
	PlanFacts			  *copy = copy_facts(facts);
	KeptFacts			  *kept;
	ListCell			  *cell;
	ListCell			  *plate;

	foreach (cell, copy->relations)
		foreach (plate, ((RelationFacts *) lfirst(cell))->plates)
			lfirst(plate) = pstrdup(lfirst(plate));
	MemoryContextSwitchTo(old);

	if (!kept_facts)
	{
		HASHCTL control = {.keysize = sizeof(PlannedStmt *), .entrysize = sizeof(KeptFacts), .hcxt = TopMemoryContext};

		kept_facts = hash_create("ctlpr facts of plans", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	kept = hash_search(kept_facts, &stmt, HASH_ENTER, NULL);
	*kept = (KeptFacts){stmt, context, version, nodes, *copy, NULL};
	callback->func = forget;
	callback->arg = stmt;
	MemoryContextRegisterResetCallback(context, callback);
}

PlanFacts *
plan_facts(QueryDesc *query_desc)
{
	uint64	   version = registry_version();
	KeptFacts *kept = find_kept(query_desc->plannedstmt);
	PlanFacts *facts;

	if (kept && kept->version == version && has_same_nodes(query_desc, kept))
		facts = copy_facts(&kept->facts);
	else
	{
		if (kept)
			MemoryContextDelete(kept->context);
		facts = inspect_plan(query_desc);
		if (is_cached_plan(query_desc->plannedstmt))
			keep(query_desc, facts, version);
	}
	inspect_parameters(facts, query_desc->params);
	return facts;
}

const char *
plan_text(QueryDesc *query_desc)
{
	PlannedStmt *stmt = query_desc->plannedstmt;
	KeptFacts	*kept = find_kept(stmt);
	char		*text;

	if (kept && kept->text)
		return kept->text;
	text = statement_text(query_desc->sourceText, stmt->stmt_location, stmt->stmt_len);
	if (kept)
		kept->text = MemoryContextStrdup(kept->context, text);
	return text;
}
