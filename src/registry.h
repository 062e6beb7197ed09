/*
 * registry.h - which relations are governed, and where the extension's own
 * objects are.
 *
 * Looked up once per relation and backend, kept until the relation, the
 * registry or the extension changes.
 */
#ifndef CTLPR_REGISTRY_H
#define CTLPR_REGISTRY_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"

#include "ctlpr.h"

/* A governed relation as one of its members (the table itself, a partition, a child) has it */
typedef struct GovernedRelation
{
	Oid			relid;							/* the member */
	Oid			root;							/* the relation given to govern() */
	Oid			detached_from;					/* of a root that was a partition: its root then; InvalidOid elsewhere */
	char		root_name[2 * NAMEDATALEN + 6]; /* qualified and quoted */
	AttrNumber	captured_at;					/* columns of the member; 0: there is none */
	AttrNumber	plate;
	AttrNumber	owner;
	AttrNumber	camera;
	AttrNumber	image;
	AttrNumber	hold;			  /* of an evidence table: number of the hold; 0 elsewhere */
	AttrNumber	root_captured_at; /* columns of the root */
	AttrNumber	root_owner;
	char		owner_agency[CTLPR_AGENCY_ID_SIZE]; /* owner of all reads where there is no owner column */
	char		retention[NAMEDATALEN];
	TimestampTz hidden_before; /* what had expired under another statute stays expired; DT_NOBEGIN: nothing */
	TimestampTz observe_until; /* 0: enforced */
	bool		purging;
	bool		has_keys; /* values of the owner column that stand for agencies are registered */
	bool		broken;	  /* the registration does not fit the columns: refuse everything */
} GovernedRelation;

/* Functions that stand in policies, by which the gate knows a policy in a plan */
typedef struct PolicyFunctions
{
	Oid visible_since;
	Oid may_read;
	Oid may_change;
	Oid may_probe;
	Oid may_insert;
	Oid referential;
	Oid touch;
	Oid touch_given;
	Oid admits;
	Oid shows_statistics;
	Oid shows_extended_statistics;
} PolicyFunctions;

/* Is the extension installed in this database?  Everything below needs that.  Needs a transaction. */
extern bool registry_ready(void);

/*
 * ALTER EXTENSION ctlpr UPDATE begins or ends: meanwhile an extension that lacks
 * what this library needs is not installed, instead of an error.  Result: what
 * it was before.
 */
extern bool registry_set_updating(bool is_updating);

/*
 * The entry of a governed relation or of a partition or child of one; NULL
 * when it is not governed.  Valid until the next call that may process
 * invalidations; copy what must last.  Raises no error but the catalogs'.
 */
extern const GovernedRelation *registry_lookup(Oid relid);

/* Grows whenever what the functions here answer may have changed */
extern uint64 registry_version(void);

/* Is anything governed here?  Cheap. */
extern bool registry_any_governed(void);

/* The same as it was when last asked, by whatever; looks nothing up */
extern bool registry_was_any_governed(void);

/* OIDs (list of Oid) of all governed roots, in the current context; a partition on its way out is none yet */
extern List *registry_roots(void);

/* Is it in observe mode now: recorded, but neither refused nor hidden? */
extern bool registry_observed(const GovernedRelation *governed, TimestampTz now);

/* Values of the owner column that stand for an agency; list of char *, palloc'd */
extern List *registry_owner_values(Oid root, const char *agency_id);

/* The agency that a value of the owner column stands for, palloc'd; the value itself where no key is registered */
extern char *registry_owner_agency(Oid root, const char *value);

/* The evidence table of a root; InvalidOid when it has none */
extern Oid registry_evidence(Oid root);

/* Did an administrator allow a trigger of that name on a root and its members? */
extern bool registry_allows_trigger(Oid root, const char *name);

/* Is it a table of approved aggregates, 13(b)(2)(A)(iv)? */
extern bool registry_aggregate_approved(Oid relid);

extern const PolicyFunctions *registry_policy_functions(void);

/* The log: its relation, its unique index on seq, its index on at, a descriptor that lives as long as the backend */
extern Oid		 registry_log_relation(void);
extern Oid		 registry_log_index(void);
extern Oid		 registry_log_time_index(void);
extern TupleDesc registry_log_descriptor(void);

/* The extension, and the role that owns its objects */
extern Oid registry_extension(void);
extern Oid registry_extension_owner(void);

/* OID of a table or index in schema ctlpr by its name; raises undefined_table */
extern Oid registry_own_relation(const char *name);

/*
 * Is a table of ours missing because the extension is of a version before it
 * came, and waits for ALTER EXTENSION ctlpr UPDATE?  What it would demand is
 * not demanded yet.  A table that is missing otherwise is an error where it is
 * read.
 */
extern bool registry_awaits_relation(const char *name);

/* Look everything up anew: the own transaction changed the registry. */
extern void registry_forget(void);

/* Register the invalidation callbacks; once per backend, needs no transaction. */
extern void registry_install(void);

#endif /* CTLPR_REGISTRY_H */
