/*
 * erase.h - erases the bytes of what was purged.
 */
#ifndef CTLPR_ERASE_H
#define CTLPR_ERASE_H

#include "postgres.h"

/*
 * One round over all governed relations that are purged, or over one of them:
 * after it no page, index or statistic of theirs holds a byte of the reads that
 * had been purged (13(b)(2)(A)), unless somebody may still see those reads.
 * Each piece of work commits with its progress in ctlpr.erase_run; a
 * certificate for each relation that is through.  Called by the erase worker
 * outside of a transaction.
 *
 * asked: somebody asked for it, so ctlpr.erase = off does not end it.  Result:
 * something is left open, to be looked at again soon.
 */
extern bool erase_round(uint64 round, Oid only, bool asked);

/* Note, in the transaction that takes them, that a table loses rows. */
extern void erase_note_loss(Oid table);

/* Has a table such a note; and take them away, those that this transaction sees */
extern bool erase_has_loss(Oid table);
extern void erase_forget_loss(Oid table);

#endif /* CTLPR_ERASE_H */
