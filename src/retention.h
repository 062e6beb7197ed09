/*
 * retention.h - what of a governed relation has expired, by its numbers.
 */
#ifndef CTLPR_RETENTION_H
#define CTLPR_RETENTION_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "registry.h"

/* Reads of the relation captured before *limit are expired; false when no rule is in force. */
extern bool retention_limit(const GovernedRelation *governed, TimestampTz now, TimestampTz *limit);

/*
 * SQL text of the condition that a member's row is expired: captured before $1
 * (the relation's limit), or before the limit of an agency that keeps its reads
 * for a shorter time; palloc'd.
 */
extern char *retention_expired_sql(const GovernedRelation *member, TimestampTz now);

/* The latest instant before which that condition holds for anybody's reads; limit: the relation's */
extern TimestampTz retention_latest_limit(TimestampTz limit, TimestampTz now);

/* Has any read of a root that the active snapshot sees expired, by the limit that was right at that time? */
extern bool retention_any_expired(Oid root, TimestampTz limit, TimestampTz now);

/* SQL text of a member's owner column as text, or of the one owner as a literal; palloc'd */
extern char *retention_owner_sql(const GovernedRelation *member);

/* A member's name and its column's, qualified and quoted; palloc'd */
extern char *retention_relation_sql(Oid relid);
extern char *retention_captured_sql(const GovernedRelation *member);

#endif /* CTLPR_RETENTION_H */
