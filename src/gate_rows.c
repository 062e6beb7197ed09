/*
 * gate_rows.c - what the statement that runs may do with one row: answers to
 * the policy predicates (row_policy.c), settled once for each owner, hold and
 * camera that a statement meets.
 */
#include "postgres.h"

#include "access/xact.h"

#include "gate.h"
#include "instruments.h"
#include "refusal.h"
#include "rules.h"
#include "shared.h"
#include "verdict.h"

/* ---- for the policy predicates ---- */

static RelationAccess *
named_relation(StatementAccess *access, Oid relid)
{
	const GovernedRelation *governed;

	for (int i = 0; i < access->relation_count; i++)
		if (access->relations[i].relation.relid == relid)
			return &access->relations[i];

	/* A partition of a relation that the statement names counts as that relation. */
	governed = registry_lookup(relid);
	for (int i = 0; governed && i < access->relation_count; i++)
		if (access->relations[i].relation.relid == governed->root)
			return &access->relations[i];
	return NULL;
}

bool
gate_names(StatementAccess *access, Oid relid)
{
	return named_relation(access, relid) != NULL;
}

RelationAccess *
gate_relation(StatementAccess *access, Oid relid)
{
	RelationAccess *relation = named_relation(access, relid);

	if (!relation)
		refusal_raise(CAUSE_UNFILTERED, "13(d)(6)");
	return relation;
}

static bool
is_ingest_agency(StatementAccess *access, const char *agency_id)
{
	ListCell *cell;

	foreach (cell, access->ingest_agencies)
		if (strcmp(lfirst(cell), agency_id) == 0)
			return true;
	return false;
}

/* The agency whose reads are the requester's own: for a vendor, the one that it acts for */
static const char *
own_agency(const StatementAccess *access)
{
	return access->has_request && access->decided.owner_id[0] ? access->decided.owner_id : access->decided.agency_id;
}

/* What keeps the reads from whoever asks, and from whom it is asked for.  A vendor is nobody of its own. */
static void
gather_recipients(StatementAccess *access, RelationAccess *relation, OwnerFacts *facts, const char *owner)
{
	const char *recipients[] = {own_agency(access), access->request.text[TEXT_ON_BEHALF_OF]};
	const char *purpose = access->request.text[TEXT_PURPOSE];

	if (access->request.break_glass)
		return;
	for (int i = 0; i < lengthof(recipients); i++)
	{
		const Agency *found = recipients[i] ? rules_agency(recipients[i]) : NULL;
		Agency		  recipient;

		if (!found || strcmp(found->agency_id, owner) == 0)
			continue;
		recipient = *found;
		facts->withheld |= instruments_withheld(owner, &recipient, purpose);
		facts->reserved |= rules_reserved(relation->relation.retention, &recipient, purpose, access->now);
	}
}

void
gate_settle_owner(StatementAccess *access, RelationAccess *relation, OwnerAccess *owner)
{
	char *agency_id = relation->relation.owner > 0 ? registry_owner_agency(relation->relation.root, owner->value)
												   : pstrdup(relation->relation.owner_agency);

	strlcpy(owner->agency_id, agency_id, sizeof(owner->agency_id));
	owner->known = rules_agency(owner->agency_id) != NULL;
	owner->mine = access->decided.bound && strcmp(own_agency(access), owner->agency_id) == 0;
	owner->shared = !owner->mine || (access->has_request && access->request.text[TEXT_ON_BEHALF_OF] &&
									 strcmp(access->request.text[TEXT_ON_BEHALF_OF], owner->agency_id) != 0);
	owner->retention = instruments_retention(owner->agency_id, access->now);
	owner->ingestible = owner->known && is_ingest_agency(access, owner->agency_id);
	if (relation->ingest && !access->has_request)
		owner->visible = owner->ingestible;
	else if (access->has_request)
	{
		OwnerFacts facts = {.known = owner->known, .mine = owner->mine};

		gather_recipients(access, relation, &facts, owner->agency_id);
		owner->visible = decide_owner(&access->decided.verdict, &facts);
	}
}

OwnerAccess *
gate_owner(StatementAccess *access, RelationAccess *relation, const char *value, int length)
{
	OwnerAccess	 *owner = relation->last_owner;
	char		  key[CTLPR_AGENCY_ID_SIZE];
	bool		  found;
	MemoryContext old;

	/* No agency has a longer identifier, so what is longer is nobody's, like the empty one. */
	if (length >= CTLPR_AGENCY_ID_SIZE)
		length = 0;
	if (owner && owner->length == length && memcmp(owner->value, value, length) == 0)
		return owner;

	memset(key, 0, sizeof(key));
	memcpy(key, value, length);

	if (!relation->owners)
	{
		HASHCTL control = {.keysize = CTLPR_AGENCY_ID_SIZE, .entrysize = sizeof(OwnerAccess)};

		/* Not below the executor's context, whose children are gone when its callbacks run. */
		if (!access->owners_context)
			access->owners_context = AllocSetContextCreate(TopMemoryContext, "ctlpr owners", ALLOCSET_SMALL_SIZES);
		control.hcxt = access->owners_context;

		relation->owners = hash_create("ctlpr owners of a statement", 16, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	owner = hash_search(relation->owners, key, HASH_FIND, &found);
	if (!owner)
	{
		OwnerAccess settled;

		memset(&settled, 0, sizeof(settled));
		memcpy(settled.value, key, sizeof(key));
		settled.length = strlen(key);
		settled.oldest = DT_NOEND;
		old = MemoryContextSwitchTo(access->context);
		gate_settle_owner(access, relation, &settled);
		MemoryContextSwitchTo(old);
		owner = hash_search(relation->owners, key, HASH_ENTER, &found);
		*owner = settled;
	}
	relation->last_owner = owner;
	return owner;
}

/*
 * Reads of other agencies that the client's message has touched so far: what a
 * function touches in many small statements is one access.
 */
int64 *
gate_touched_by_message(void)
{
	static TimestampTz message = 0;
	static int64	   touched = 0;

	if (GetCurrentStatementStartTimestamp() != message)
		touched = 0;
	message = GetCurrentStatementStartTimestamp();
	return &touched;
}

void
gate_touch_other(StatementAccess *access, RelationAccess *relation)
{
	BulkCount *shared = access->shared_bulk;
	int64	   touched;

	if (!access->has_request || access->request.break_glass)
		return;
	if (shared)
		touched = (int64) pg_atomic_add_fetch_u64(&shared->touched, 1);
	else
	{
		int64 by_message = ++*gate_touched_by_message();

		access->others_touched++;
		touched = Max(access->others_touched, by_message);
	}
	if (ctlpr_bulk_row_limit <= 0 || touched <= ctlpr_bulk_row_limit)
		return;
	/* The first of leader and workers records it, and all stop. */
	if (!shared || pg_atomic_exchange_u32(&shared->recorded, 1) == 0)
		gate_refuse_row(access, relation, CAUSE_BULK, "13(d)(8)");
	else if (!relation->observed)
		refusal_raise(CAUSE_BULK, "13(d)(8)");
}

/* Case numbers are compared without case and without spaces around them. */
static bool
is_same_case(const char *stated, const char *held)
{
	size_t length;

	if (!stated)
		return false;
	stated += strspn(stated, " \t\r\n");
	held += strspn(held, " \t\r\n");
	for (length = strlen(stated); length > 0 && strchr(" \t\r\n", stated[length - 1]); length--)
		;
	return pg_strncasecmp(stated, held, length) == 0 && held[length + strspn(held + length, " \t\r\n")] == '\0' && length > 0;
}

bool
gate_is_hold_visible(StatementAccess *access, int64 hold_id)
{
	const HeldCase *held = instruments_hold(hold_id);

	return held && access->now < held->purge_after && access->has_request &&
		   (verdict_opens_bypass(access->role, access->has_request, &access->request) ||
			(access->decided.scope && access->decided.scope->hold_id == hold_id) ||
			is_same_case(access->request.text[TEXT_CASE_NUMBER], held->case_number));
}

/* Keep in mind that evidence of the hold was seen. */
static void
note_hold(StatementAccess *access, RelationAccess *relation, int64 hold_id)
{
	MemoryContext old = MemoryContextSwitchTo(access->context);
	int64		 *noted = palloc(sizeof(int64));

	*noted = hold_id;
	relation->holds = lappend(relation->holds, noted);
	MemoryContextSwitchTo(old);
}

bool
gate_hold_visible(StatementAccess *access, RelationAccess *relation, int64 hold_id)
{
	ListCell *cell;

	if (relation->last_hold_known && relation->last_hold == hold_id)
		return relation->last_hold_visible;
	relation->last_hold = hold_id;
	relation->last_hold_known = true;
	relation->last_hold_visible = gate_is_hold_visible(access, hold_id);
	if (!relation->last_hold_visible)
		return false;
	foreach (cell, relation->holds)
		if (*(int64 *) lfirst(cell) == hold_id)
			return true;
	note_hold(access, relation, hold_id);
	return true;
}

bool
gate_camera_barred(RelationAccess *relation, const char *camera)
{
	if (!relation->last_camera || strcmp(relation->last_camera, camera) != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(gate_running()->context);

		relation->last_camera = pstrdup(camera);
		relation->last_camera_barred = instruments_camera_barred(camera);
		MemoryContextSwitchTo(old);
	}
	return relation->last_camera_barred;
}
