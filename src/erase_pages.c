/*
 * erase_pages.c - zeroes the bytes of heap pages that belong to no row.
 *
 * VACUUM makes a dead row's line pointer unused and moves the rows that stay
 * together; what they leave free, the hole between pd_lower and pd_upper, keeps
 * whatever lay there.  So do the up to seven bytes that pad each row, when it is
 * put where another one was: enough for a plate.
 *
 * A generic WAL record copies a page without its hole, and zeroes the hole of
 * the page itself and of whatever replays it, also when nothing else changed
 * (GenericXLogFinish(), generic_redo()).  The padding is changed like any byte.
 * No row moves, so that an exclusive lock on the buffer will do: those who look
 * at rows under a pin alone find them as they were.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "erase_pages.h"

/* The bytes of a page that are to be kept have all bits set here */
typedef struct PageMask
{
	Offset begin; /* where the first byte is that may belong to no row */
	Offset end;
	uint8  kept[BLCKSZ];
} PageMask;

static void
make_mask(Page page, PageMask *mask)
{
	PageHeader	 header = (PageHeader) page;
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	if (header->pd_lower < SizeOfPageHeaderData || header->pd_lower > header->pd_upper || header->pd_upper > header->pd_special ||
		header->pd_special > BLCKSZ)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("corrupted page pointers")));
	mask->begin = header->pd_lower;
	mask->end = header->pd_special;
	memset(mask->kept + mask->begin, 0, mask->end - mask->begin);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId item = PageGetItemId(page, offset);

		if (!ItemIdHasStorage(item))
			continue;
		if (ItemIdGetOffset(item) < header->pd_upper || ItemIdGetOffset(item) + ItemIdGetLength(item) > header->pd_special)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("corrupted line pointer")));
		memset(mask->kept + ItemIdGetOffset(item), 0xFF, ItemIdGetLength(item));
	}
}

static bool
is_clean(Page page, const PageMask *mask)
{
	uint8 left = 0;

	for (int i = mask->begin; i < mask->end; i++)
		left |= ((uint8 *) page)[i] & ~mask->kept[i];
	return left == 0;
}

/* Should a row be gone?  Only a dead one may be that was not expired, or that somebody deleted too late for this run. */
static bool
should_be_gone(Relation heap, HeapTuple row, Buffer buffer, const ErasePages *look)
{
	bool		dead = HeapTupleSatisfiesVacuum(row, look->horizon, buffer) == HEAPTUPLE_DEAD;
	bool		isnull;
	TimestampTz captured_at;

	if (look->captured_at == 0)
		/* What was never committed is dead at once, whenever it came. */
		return dead && !(HeapTupleHeaderXminInvalid(row->t_data) &&
						 TransactionIdFollowsOrEquals(HeapTupleHeaderGetRawXmin(row->t_data), look->horizon));
	captured_at = DatumGetTimestampTz(heap_getattr(row, look->captured_at, RelationGetDescr(heap), &isnull));
	return isnull || captured_at < look->expired_before || (dead && captured_at < look->dead_before);
}

static int64
count_remains(Relation heap, Buffer buffer, BlockNumber block, const ErasePages *look)
{
	Page		 page = BufferGetPage(buffer);
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	int64		 remains = 0;

	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		  item = PageGetItemId(page, offset);
		HeapTupleData row;

		if (!ItemIdHasStorage(item))
			continue;
		row.t_data = (HeapTupleHeader) PageGetItem(page, item);
		row.t_len = ItemIdGetLength(item);
		row.t_tableOid = RelationGetRelid(heap);
		ItemPointerSet(&row.t_self, block, offset);
		remains += !ItemIdIsNormal(item) || should_be_gone(heap, &row, buffer, look);
	}
	return remains;
}

static void
zero_page(Relation heap, Buffer buffer, const PageMask *mask)
{
	GenericXLogState *state = GenericXLogStart(heap);
	uint8			 *image = (uint8 *) GenericXLogRegisterBuffer(state, buffer, 0);

	for (int i = mask->begin; i < mask->end; i++)
		image[i] &= mask->kept[i];
	GenericXLogFinish(state);
}

static void
look_at_page(Relation heap, Buffer buffer, BlockNumber block, PageMask *mask, ErasePages *look)
{
	Page page = BufferGetPage(buffer);

	if (PageIsNew(page))
	{
		look->verified++;
		return;
	}
	look->remains += count_remains(heap, buffer, block, look);
	make_mask(page, mask);
	if (is_clean(page, mask))
		look->verified++;
	else if (look->zero)
	{
		/* Others may come in between, so the page is looked at again. */
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		make_mask(page, mask);
		zero_page(heap, buffer, mask);
		look->zeroed++;
	}
	else if (PageGetLSN(page) > look->since)
		look->changed++;
	else
		look->failed++;
}

void
erase_pages(Relation heap, BlockNumber from, BlockNumber end, ErasePages *look)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_VACUUM);
	PageMask			*mask = palloc(sizeof(PageMask));

	if (!RelationNeedsWAL(heap) || heap->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("pages of relation with OID %u cannot be erased", RelationGetRelid(heap)),
						errdetail("They are not those of a heap that is logged.")));
	for (BlockNumber block = from; block < end; block++)
	{
		Buffer buffer = ReadBufferExtended(heap, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		look_at_page(heap, buffer, block, mask, look);
		UnlockReleaseBuffer(buffer);
	}
	pfree(mask);
	FreeAccessStrategy(strategy);
}
