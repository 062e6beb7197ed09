/*
 * erase_pages.h - the bytes of heap pages that belong to no row.
 */
#ifndef CTLPR_ERASE_PAGES_H
#define CTLPR_ERASE_PAGES_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/transam.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "storage/block.h"
#include "utils/relcache.h"

/* What to look for in the pages of a table, and what was found */
typedef struct ErasePages
{
	AttrNumber	  captured_at;	  /* 0: a table without, of TOAST or the server's */
	TimestampTz	  expired_before; /* no row, in whatever state, may have been captured before it */
	TimestampTz	  dead_before;	  /* nor a dead one before it ... */
	TransactionId horizon;		  /* ... that was deleted by an earlier transaction than this */
	bool		  zero;			  /* zero what is found; else verify that nothing is */
	XLogRecPtr	  since;		  /* to verify: pages changed since are others' */

	int64 zeroed;	/* pages in which bytes were zeroed */
	int64 verified; /* pages without a byte that belongs to no row */
	int64 changed;	/* pages with such bytes, of changes since */
	int64 failed;	/* pages with such bytes that should have none */
	int64 remains;	/* rows that should be gone */
} ErasePages;

/*
 * Go through blocks from <= block < end of a heap that is logged, and add up
 * what is found.  Zeroed pages are logged, so that replicas zero theirs.  The
 * caller holds a lock and is in a transaction.
 */
extern void erase_pages(Relation heap, BlockNumber from, BlockNumber end, ErasePages *look);

#endif /* CTLPR_ERASE_PAGES_H */
