/*
 * query_shape.h - what a query tree consists of.
 */
#ifndef CTLPR_QUERY_SHAPE_H
#define CTLPR_QUERY_SHAPE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

/* Has the query nothing but a join tree, conditions, row marks, an order and a target list? */
static inline bool
query_is_plain(const Query *query)
{
	return !query->hasSubLinks && !query->cteList && !query->setOperations && !query->groupClause && !query->havingQual &&
		   !query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs && !query->limitCount && !query->distinctClause &&
		   query->returningList == NIL && query->jointree != NULL;
}

#endif /* CTLPR_QUERY_SHAPE_H */
