/*
 * screen.h - what a stated reason reveals, 13(d).
 *
 * The rules are rows of ctlpr.screen_term, for the statute in force; see
 * screen_pattern.h for how a pattern is written.
 */
#ifndef CTLPR_SCREEN_H
#define CTLPR_SCREEN_H

#include "postgres.h"

struct Request;

typedef enum ScreenAction
{
	SCREEN_NOTHING,
	SCREEN_FLAG,
	SCREEN_REFUSE
} ScreenAction;

/* The term that decided; its strings live as long as the rules' cache, see rules.h */
typedef struct ScreenVerdict
{
	ScreenAction action;
	const char	*field; /* where it was found: reason | offense | case_number */
	const char	*category;
	const char	*clause; /* NULL: a question of quality, no clause */
	const char	*term;
	int64		 approval_seq; /* the entry by which a supervisor admitted it; 0: nobody did */
} ScreenVerdict;

/*
 * Screen what a request states: its reason, offense and case number.  The
 * statute's terms decide; of several the gravest, and among those the first.
 *
 * agency_id: the agency that acts, whose approvals count; agreement: that
 * agency, or the one it acts for, assists immigration enforcement by agreement,
 * so that a vague reason is a contested one.  Raises 22023 for a term that
 * cannot be read: what cannot be screened is not allowed.
 */
extern ScreenVerdict screen_request(const struct Request *request, const char *agency_id, bool agreement);

/* What goes into the detail of a request's entry; 0 where nothing was found */
extern Datum screen_detail(const ScreenVerdict *verdict);

#endif /* CTLPR_SCREEN_H */
