/*
 * instruments.h - what opens, narrows or closes sharing in single cases:
 * authorizations, suspensions, networks, limits that agencies set themselves,
 * vendors' contracts, officers' training, cameras at protected sites.
 *
 * Kept with the rules' cache (rules.h): results are valid until the next call
 * that may refresh it; copy what must last.  All need registry_ready() and a
 * transaction.
 */
#ifndef CTLPR_INSTRUMENTS_H
#define CTLPR_INSTRUMENTS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "ctlpr.h"
#include "rules.h"

/* The specific data that an instrument covers; each part that is absent does not narrow */
typedef struct AuthorizedScope
{
	bool		 by_plate;
	int			 plates;
	const char **plate; /* capital letters and digits only, sorted */
	bool		 by_camera;
	int			 cameras;
	const char **camera;
	bool		 ranged;
	TimestampTz	 captured_from; /* DT_NOBEGIN: open */
	TimestampTz	 captured_until;
	bool		 from_inclusive;
	bool		 until_inclusive;
	int64		 hold_id; /* 0: live reads */
} AuthorizedScope;

typedef struct Authorization
{
	int64			authorization_id; /* hash key */
	bool			exists;
	char			agency_id[CTLPR_AGENCY_ID_SIZE];
	const char	   *kind;
	const char	   *case_number; /* NULL: none */
	TimestampTz		valid_from;
	TimestampTz		valid_until;
	bool			revoked;
	AuthorizedScope scope;
} Authorization;

/* A filed instrument, revoked ones included; NULL when there is none of that number */
extern const Authorization *instruments_authorization(int64 authorization_id);

/*
 * How the statute takes an instrument for a recipient and a purpose at that
 * time.  recipient is a copy of the caller's; strings of the result are
 * palloc'd.
 */
extern AuthorizationFacts instruments_facts(int64 authorization_id, const Agency *recipient, const char *purpose, TimestampTz at);

/* A copy of a scope in the current context */
extern AuthorizedScope *instruments_copy_scope(const AuthorizedScope *scope);

/* Does the scope cover a read?  plate and camera need not be terminated; camera may be NULL. */
extern bool instruments_cover(const AuthorizedScope *scope, TimestampTz captured_at, const char *plate, int plate_length,
							  const char *camera, int camera_length);

/* Is sharing with the agency suspended, 13(l)? */
extern bool instruments_suspended(const char *agency_id);

/* Is the agency in a sharing network of which a participant of another state has no declaration in force, 13(d)(7)? */
extern bool instruments_network_closed(const char *agency_id, TimestampTz at);

/* Does the owner withhold its reads from this recipient or for this purpose? */
extern bool instruments_withheld(const char *owner, const Agency *recipient, const char *purpose);

/* Has the agency ruled the purpose out for its own people? */
extern bool instruments_ruled_out(const char *agency_id, const char *purpose);

/* Does the agency demand training, and is the officer's valid on the day? */
extern bool instruments_training_demanded(const char *agency_id);
extern bool instruments_training_valid(const char *agency_id, const char *officer, TimestampTz at);

/* Does the agency assist immigration enforcement by agreement, such as under 8 U.S.C. 1357(g), 13(d)(3)? */
extern bool instruments_immigration_agreement(const char *agency_id);

/* Is a contract of the vendor with the agency in force? */
extern bool instruments_contract(const char *vendor_id, const char *agency_id, TimestampTz at);

/* What an agency and its contracts set below the statute's retention */
typedef struct AgencyRetention
{
	int64		period_us;	   /* 0: none */
	TimestampTz hidden_before; /* what had expired under a period that is over stays expired; DT_NOBEGIN: nothing */
} AgencyRetention;

extern AgencyRetention instruments_retention(const char *agency_id, TimestampTz at);

/* The agency's reads captured before this instant are expired by it; DT_NOBEGIN: none is */
static inline TimestampTz
instruments_limit(const AgencyRetention *retention, TimestampTz now)
{
	return Max(retention->hidden_before, retention->period_us > 0 ? now - retention->period_us : DT_NOBEGIN);
}

/* Agencies that have such a limit; list of char *, palloc'd */
extern List *instruments_shorter_keepers(TimestampTz at);

/* A hold on reads; purge_after is DT_NOEND while it is open */
typedef struct HeldCase
{
	int64		hold_id; /* hash key */
	bool		exists;
	const char *case_number;
	TimestampTz purge_after;
} HeldCase;

/* The hold of that number; NULL when there is none */
extern const HeldCase *instruments_hold(int64 hold_id);

/* Holds whose copies are to be deleted by now; list of int64 *, palloc'd */
extern List *instruments_lapsed_holds(TimestampTz now);

/* Is the camera barred by a protected site, 13(d)(5)?  An unregistered one is not. */
extern bool instruments_camera_barred(const char *camera_id);

#endif /* CTLPR_INSTRUMENTS_H */
