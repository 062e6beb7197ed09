/*
 * release.c - see release.h.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"

#include "audit_queue.h"
#include "function_facts.h"
#include "release.h"
#include "whole_input.h"

/* ---- functions ---- */

static ReleaseWatch *watching = NULL;

void
release_begin_watch(ReleaseWatch *watch)
{
	*watch = (ReleaseWatch){watching, false};
	watching = watch;
}

void
release_end_watch(ReleaseWatch *watch)
{
	watching = watch->outer;
}

void
release_note_function(Oid function)
{
	if (watching && !watching->unknown)
		watching->unknown = !function_is_quiet(function);
}

/* ---- statements ---- */

/* Does a part of a plan tell another server, or a module of its own, what it looks for? */
static bool
reaches_out(PlanState *state, void *context)
{
	if (IsA(state, ForeignScanState) || (IsA(state, CustomScanState) && !whole_input_is(state)))
		return true;
	return planstate_tree_walker(state, reaches_out, context);
}

bool
release_is_plain_query(const QueryDesc *query_desc)
{
	const PlannedStmt *stmt = query_desc->plannedstmt;

	return query_desc->operation == CMD_SELECT && stmt->rowMarks == NIL && !stmt->hasModifyingCTE &&
		   !reaches_out(query_desc->planstate, NULL);
}

/* ---- rows ---- */

typedef struct WaitingReceiver
{
	DestReceiver  receiver;
	DestReceiver *real;
	uint64		  ticket; /* 0: waited for */
} WaitingReceiver;

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	WaitingReceiver *waiting = (WaitingReceiver *) self;

	if (waiting->ticket != 0)
	{
		audit_await(waiting->ticket);
		waiting->ticket = 0;
	}
	return waiting->real->receiveSlot(slot, waiting->real);
}

static void
start_up(DestReceiver *self, int operation, TupleDesc desc)
{
	DestReceiver *real = ((WaitingReceiver *) self)->real;

	real->rStartup(real, operation, desc);
}

static void
shut_down(DestReceiver *self)
{
	DestReceiver *real = ((WaitingReceiver *) self)->real;

	real->rShutdown(real);
}

/* The real receiver belongs to somebody else. */
static void
destroy(DestReceiver *self)
{
}

DestReceiver *
release_when_durable(DestReceiver *receiver, uint64 ticket)
{
	WaitingReceiver *waiting = palloc(sizeof(WaitingReceiver));

	*waiting = (WaitingReceiver){{receive, start_up, shut_down, destroy, receiver->mydest}, receiver, ticket};
	return &waiting->receiver;
}
