/*
 * row_policy.h - the policy as expressions, and the functions they call.
 */
#ifndef CTLPR_ROW_POLICY_H
#define CTLPR_ROW_POLICY_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

#include "registry.h"

/* What a row is touched for; each has a function of its own, by which the gate knows it in a plan */
typedef enum PolicyUse
{
	POLICY_READ,	/* captured_at >= visible_since(r) AND may_read(r, captured_at, owner, plate, camera, hold) */
	POLICY_CHANGE,	/* the same with may_change(): own agency's reads only */
	POLICY_CHANGED, /* the same of the row that an UPDATE makes */
	POLICY_INSERT	/* may_insert(r, captured_at, owner, plate, camera, hold): of the new row */
} PolicyUse;

/*
 * The expression for a range table entry.  It is context-free: a tree over
 * columns and STABLE functions, so that a cached plan carries nobody's sight.
 * Allocated in the current context.
 */
extern Node *row_policy_expression(const GovernedRelation *governed, Index varno, PolicyUse use);

/* Which rows are counted, see touched_rows.h */
typedef enum TouchPlace
{
	TOUCH_SCANNED, /* touch(r, captured_at, owner): a row that passed everything else, in whatever process */
	TOUCH_GIVEN	   /* touch_given(r, captured_at, owner): a row that is taken, never before a sort */
} TouchPlace;

extern Node *row_policy_touch(const GovernedRelation *governed, Index varno, TouchPlace place);

/*
 * admits(r, captured_at, owner) of a row that an INSERT brings, by the
 * expressions that give it both; owner NULL where the relation has one owner
 */
extern Node *row_policy_admits(const GovernedRelation *governed, Node *captured_at, Node *owner);

/* shows_statistics(relation) and its like: keep the server's statistics of governed tables to the server */
extern Node *row_policy_statistics(bool extended, Index varno, AttrNumber attribute);

/* referential(r): marks a query as a referential integrity check */
extern Node *row_policy_referential(const GovernedRelation *governed);

/* What a condition of a scan is to the policy */
typedef enum PolicyPredicate
{
	PREDICATE_NONE, /* the user's own, even where it calls a function of ours */
	PREDICATE_READ, /* may_read() or may_change() over the row's own columns */
	PREDICATE_PROBE,
	PREDICATE_REFERENTIAL
} PolicyPredicate;

/*
 * Which one is it, as a top-level condition of a scan of this member?  A call
 * counts only with the arguments that we give it.  resolve tells the column of
 * the member that a Var is, 0 for none: expressions of finished plans name
 * columns in several ways.
 */
typedef AttrNumber (*ColumnResolver)(Var *var, void *context);
extern PolicyPredicate row_policy_predicate(Node *condition, const GovernedRelation *governed, ColumnResolver resolve,
											void *context);

/* Replace may_read() by may_probe() in an expression, in place. */
extern void row_policy_make_probe(Node *expression);

extern void row_policy_install(void);

#endif /* CTLPR_ROW_POLICY_H */
