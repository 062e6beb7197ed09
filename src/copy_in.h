/*
 * copy_in.h - COPY FROM into a governed table.
 */
#ifndef CTLPR_COPY_IN_H
#define CTLPR_COPY_IN_H

#include "postgres.h"

#include "nodes/plannodes.h"
#include "tcop/cmdtag.h"

/*
 * Run COPY ... FROM into a governed table, which the server itself refuses
 * under row security: as ingest, each row checked like an inserted one, by the
 * multi-insert path.  text: the command as the log may keep it, or NULL.
 * completion may be NULL.
 *
 * Errors: those of COPY and of ingest (LP002, LP005, LP010, LP013, LP014);
 * feature_not_supported where the table has insert policies of its own.
 * Clause: 13(b)(2)(A), 13(d)(5).
 */
extern void copy_in(PlannedStmt *statement, const char *query_string, const char *text, QueryCompletion *completion);

#endif /* CTLPR_COPY_IN_H */
