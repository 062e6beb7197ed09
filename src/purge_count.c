/*
 * purge_count.c - see purge_count.h.
 *
 * A purge deletes as fast as it can.  Rows go straight from the executor into
 * the count; where no trigger has to hear of it, they are deleted on the way,
 * which spares finding each of them a second time.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "ctlpr.h"
#include "image.h"
#include "purge_count.h"
#include "registry.h"

typedef struct PurgedOwner
{
	char *value; /* of the owner column */
	char *agency_id;
	int64 reads;
} PurgedOwner;

/* ---- counts ---- */

PurgeCount
purge_count_make(void)
{
	return (PurgeCount){.context = AllocSetContextCreate(CurrentMemoryContext, "ctlpr purge count", ALLOCSET_SMALL_SIZES),
						.oldest = DT_NOEND,
						.newest = DT_NOBEGIN};
}

void
purge_count_reset(PurgeCount *count)
{
	MemoryContextReset(count->context);
	*count = (PurgeCount){.context = count->context, .oldest = DT_NOEND, .newest = DT_NOBEGIN};
}

static PurgedOwner *
find_owner(List *owners, const char *value, size_t length)
{
	ListCell *cell;

	foreach (cell, owners)
	{
		PurgedOwner *owner = lfirst(cell);

		if (strncmp(owner->value, value, length) == 0 && owner->value[length] == '\0')
			return owner;
	}
	return NULL;
}

static PurgedOwner *
make_owner(PurgeCount *count, const char *value, size_t length, const char *agency_id)
{
	MemoryContext old = MemoryContextSwitchTo(count->context);
	PurgedOwner	 *owner = palloc0(sizeof(PurgedOwner));

	owner->value = pnstrdup(value, length);
	owner->agency_id = pstrdup(agency_id);
	/* Most rows have the owner of the row before. */
	count->owners = lcons(owner, count->owners);
	MemoryContextSwitchTo(old);
	return owner;
}

/* Count reads of an owner whose value is not null, or of nobody (value NULL). */
static PurgedOwner *
add_reads(PurgeCount *count, Oid root, const char *value, size_t length, int64 reads)
{
	PurgedOwner *owner = find_owner(count->owners, value ? value : "", length);

	if (!owner)
		owner = make_owner(count, value ? value : "", length, value ? registry_owner_agency(root, pnstrdup(value, length)) : "");
	owner->reads += reads;
	count->reads += reads;
	return owner;
}

void
purge_count_merge(PurgeCount *into, const PurgeCount *from)
{
	ListCell *cell;

	foreach (cell, from->owners)
	{
		PurgedOwner *added = lfirst(cell);
		PurgedOwner *owner = find_owner(into->owners, added->value, strlen(added->value));

		if (!owner)
			owner = make_owner(into, added->value, strlen(added->value), added->agency_id);
		owner->reads += added->reads;
	}
	into->reads += from->reads;
	into->images += from->images;
	into->oldest = Min(into->oldest, from->oldest);
	into->newest = Max(into->newest, from->newest);
}

/* Several values may stand for one agency. */
static int64
reads_of_agency(const List *owners, const char *agency_id)
{
	int64	  reads = 0;
	ListCell *cell;

	foreach (cell, owners)
	{
		PurgedOwner *owner = lfirst(cell);

		if (strcmp(owner->agency_id, agency_id) == 0)
			reads += owner->reads;
	}
	return reads;
}

static bool
is_first_of_agency(const List *owners, const PurgedOwner *owner)
{
	ListCell *cell;

	foreach (cell, owners)
	{
		PurgedOwner *before = lfirst(cell);

		if (before == owner)
			return true;
		if (strcmp(before->agency_id, owner->agency_id) == 0)
			return false;
	}
	return true;
}

char *
purge_count_json(const PurgeCount *total, const PurgeCount *batch)
{
	StringInfoData json;
	PurgeCount	   sum = purge_count_make();
	ListCell	  *cell;

	purge_count_merge(&sum, total);
	purge_count_merge(&sum, batch);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	foreach (cell, sum.owners)
	{
		PurgedOwner *owner = lfirst(cell);

		if (!is_first_of_agency(sum.owners, owner))
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		escape_json(&json, owner->agency_id);
		appendStringInfo(&json, ":" INT64_FORMAT, reads_of_agency(sum.owners, owner->agency_id));
	}
	appendStringInfoChar(&json, '}');
	MemoryContextDelete(sum.context);
	return json.data;
}

/* ---- receivers ---- */

/* An owner as a text of the slot's; NULL for null */
static const char *
owner_value(TupleTableSlot *slot, size_t *length)
{
	text *value;

	*length = 0;
	if (slot->tts_isnull[0])
		return NULL;
	value = DatumGetTextPP(slot->tts_values[0]);
	*length = VARSIZE_ANY_EXHDR(value);
	return VARDATA_ANY(value);
}

/* False: somebody else has it, or has deleted it meanwhile. */
static bool
delete_row(PurgeReceiver *purge, ItemPointer place)
{
	TM_FailureData failure;

	return table_tuple_delete(purge->table, place, purge->command, purge->snapshot, InvalidSnapshot, false, &failure, false) ==
		   TM_Ok;
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	PurgeReceiver *purge = (PurgeReceiver *) self;
	size_t		   length;
	const char	  *value;
	PurgedOwner	  *owner;
	TimestampTz	   captured_at;

	slot_getallattrs(slot);
	captured_at = DatumGetTimestampTz(slot->tts_values[1]);
	purge->latest = Max(purge->latest, captured_at);
	if (purge->table && !delete_row(purge, (ItemPointer) DatumGetPointer(slot->tts_values[2])))
		return true;
	value = owner_value(slot, &length);
	owner = add_reads(purge->count, purge->root, value, length, 1);
	if (purge->images && !slot->tts_isnull[3])
		image_list_add(purge->images, owner->agency_id, slot->tts_values[3]);
	purge->count->oldest = Min(purge->count->oldest, captured_at);
	purge->count->newest = Max(purge->count->newest, captured_at);
	return true;
}

static bool
receive_sums(TupleTableSlot *slot, DestReceiver *self)
{
	PurgeReceiver *purge = (PurgeReceiver *) self;
	size_t		   length;
	const char	  *value;

	slot_getallattrs(slot);
	value = owner_value(slot, &length);
	(void) add_reads(purge->count, purge->root, value, length, DatumGetInt64(slot->tts_values[1]));
	purge->count->oldest = Min(purge->count->oldest, DatumGetTimestampTz(slot->tts_values[2]));
	purge->count->newest = Max(purge->count->newest, DatumGetTimestampTz(slot->tts_values[3]));
	return true;
}

static void
start_up(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
shut_down(DestReceiver *self)
{
}

void
purge_receiver_init(PurgeReceiver *receiver, PurgeCount *count, Oid root, Relation table)
{
	memset(receiver, 0, sizeof(*receiver));
	receiver->table = table;
	if (table)
	{
		receiver->command = GetCurrentCommandId(true);
		receiver->snapshot = GetActiveSnapshot();
	}
	receiver->receiver = (DestReceiver){receive_row, start_up, shut_down, shut_down, DestNone};
	receiver->count = count;
	receiver->root = root;
	receiver->latest = DT_NOBEGIN;
}

DestReceiver *
purge_sums_receiver(PurgeCount *count, Oid root)
{
	PurgeReceiver *purge = palloc(sizeof(PurgeReceiver));

	purge_receiver_init(purge, count, root, NULL);
	purge->receiver.receiveSlot = receive_sums;
	return &purge->receiver;
}
