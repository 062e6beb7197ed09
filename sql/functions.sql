/*
 * functions.sql - what the C library offers to SQL.
 *
 * Policy predicates and the functions that decide and record by themselves
 * are executable by everybody (privileges.sql); the rest is for the
 * extension's own functions.  C functions look nothing up by name through the
 * search path, so they need none pinned.
 */

-- Policy predicates: called for rows by the policy, with the rights of whoever runs the statement.  None is leakproof:
-- they decide, so nothing of a user's may run before them.

CREATE FUNCTION ctlpr.guard_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'ctlpr_guard_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.guard_support(internal) IS 'Planner support: folds guard() away where the library is loaded';

CREATE FUNCTION ctlpr.guard() RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_guard' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF SUPPORT ctlpr.guard_support;
COMMENT ON FUNCTION ctlpr.guard() IS 'Restrictive policy of every governed relation: true where the library is loaded, an error (55000) where it is not';

CREATE FUNCTION ctlpr.visible_since(relation oid) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'ctlpr_visible_since' LANGUAGE C STABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.visible_since(oid) IS 'Policy predicate: reads captured before this instant are expired (13(b)(2)(A))';

CREATE FUNCTION ctlpr.may_read(relation oid, captured_at timestamptz, owner text, plate "any", camera "any", hold bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_may_read' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.may_read(oid, timestamptz, text, "any", "any", bigint) IS 'Policy predicate: the read is live and of an owner that the request may see (13(b)(2), 13(d)(6))';

CREATE FUNCTION ctlpr.may_change(relation oid, captured_at timestamptz, owner text, plate "any", camera "any", hold bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_may_change' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.may_change(oid, timestamptz, text, "any", "any", bigint) IS 'Policy predicate: the read is live and of the requester''s own agency';

CREATE FUNCTION ctlpr.may_probe(relation oid, captured_at timestamptz, owner text, plate "any", camera "any", hold bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_may_probe' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.may_probe(oid, timestamptz, text, "any", "any", bigint) IS 'Policy predicate of an ingest statement''s existence check: the read is live and of an agency that the role ingests for';

CREATE FUNCTION ctlpr.may_insert(relation oid, captured_at timestamptz, owner text, plate "any", camera "any", hold bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_may_insert' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.may_insert(oid, timestamptz, text, "any", "any", bigint) IS 'Policy check of a new read: captured within its permitted time, of an agency that the role ingests for; otherwise LP013; not of a camera at a protected site, otherwise LP014';

CREATE FUNCTION ctlpr.admits(relation oid, captured_at timestamptz, owner text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_admits' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.admits(oid, timestamptz, text) IS 'Condition of an INSERT under ctlpr.on_expired_ingest = skip: the read that comes in is not past its retention';

CREATE FUNCTION ctlpr.shows_statistics(relation oid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_shows_statistics' LANGUAGE C STABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.shows_statistics(oid) IS 'Policy predicate of pg_statistic: the relation is not governed';

CREATE FUNCTION ctlpr.shows_extended_statistics(statistics oid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_shows_extended_statistics' LANGUAGE C STABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.shows_extended_statistics(oid) IS 'Policy predicate of pg_statistic_ext_data: the relation of the statistics object is not governed';

CREATE FUNCTION ctlpr.unvetted_function(class oid, object oid, sub integer) RETURNS regprocedure
	AS 'MODULE_PATHNAME', 'ctlpr_unvetted_function' LANGUAGE C STABLE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.unvetted_function(oid, oid, integer) IS 'Internal: the first function in the expressions of an index, check constraint, generated column, statistics object or domain that is not vetted to see every row; NULL when there is none';

-- VOLATILE, or the planner would take it out of the scans of partitions, which it marks
CREATE FUNCTION ctlpr.referential(relation oid) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_referential' LANGUAGE C VOLATILE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.referential(oid) IS 'Marks the plan of a referential integrity check; true';

CREATE FUNCTION ctlpr.touch(relation oid, captured_at timestamptz, owner text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_touch' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF COST 0.0001;
COMMENT ON FUNCTION ctlpr.touch(oid, timestamptz, text) IS 'Counts a read that passed all conditions of its scan (rows_touched); true';

CREATE FUNCTION ctlpr.touch_given(relation oid, captured_at timestamptz, owner text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_touch' LANGUAGE C VOLATILE PARALLEL RESTRICTED NOT LEAKPROOF COST 0.0001;
COMMENT ON FUNCTION ctlpr.touch_given(oid, timestamptz, text) IS 'Counts a read that is taken from sorted or limited rows (rows_touched); true';

-- Requests

CREATE FUNCTION ctlpr.begin_request(purpose text, case_number text DEFAULT NULL, reason text DEFAULT NULL, officer text DEFAULT NULL,
		agency_id text DEFAULT NULL, authorization_id bigint DEFAULT NULL, on_behalf_of text DEFAULT NULL, offense text DEFAULT NULL,
		terminal text DEFAULT NULL, scope text DEFAULT 'transaction') RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_begin_request' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.begin_request(text, text, text, text, text, bigint, text, text, text, text) IS
	'States purpose, case, reason and officer of the searches that follow in this transaction (or session); returns its entry number, or records and raises the refusal (LP002 to LP008)';

CREATE FUNCTION ctlpr.check_request(purpose text, case_number text DEFAULT NULL, reason text DEFAULT NULL, officer text DEFAULT NULL,
		agency_id text DEFAULT NULL, authorization_id bigint DEFAULT NULL, on_behalf_of text DEFAULT NULL, offense text DEFAULT NULL,
		terminal text DEFAULT NULL, scope text DEFAULT 'transaction',
		OUT allowed boolean, OUT sqlstate text, OUT clause text, OUT explanation text)
	AS 'MODULE_PATHNAME', 'ctlpr_check_request' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.check_request(text, text, text, text, text, bigint, text, text, text, text) IS
	'The verdict that begin_request() would give on the same arguments; nothing is begun or recorded';

CREATE FUNCTION ctlpr.end_request() RETURNS void
	AS 'MODULE_PATHNAME', 'ctlpr_end_request' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.end_request() IS 'Ends the request in force; without one it does nothing';

CREATE FUNCTION ctlpr.current_request(OUT request_seq bigint, OUT agency_id text, OUT purpose text, OUT case_number text, OUT reason text,
		OUT officer text, OUT on_behalf_of text, OUT offense text, OUT terminal text, OUT scope text, OUT expires_at timestamptz)
	AS 'MODULE_PATHNAME', 'ctlpr_current_request' LANGUAGE C VOLATILE PARALLEL RESTRICTED NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.current_request() IS 'The request in force for the acting role, a row of nulls when there is none';

CREATE FUNCTION ctlpr.break_glass(reason text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_break_glass' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.break_glass(text) IS
	'Superusers only: opens reading of all owners'' live reads until the transaction ends; recorded first, and a finding that stays';

-- For the extension's own functions and views

CREATE FUNCTION ctlpr.outer_role() RETURNS oid
	AS 'MODULE_PATHNAME', 'ctlpr_outer_role' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.outer_role() IS 'The role that acts: SET ROLE counts, SECURITY DEFINER does not';

CREATE FUNCTION ctlpr.record_event(action text, relation regclass DEFAULT NULL, agency_id text DEFAULT NULL, purpose text DEFAULT NULL,
		reason text DEFAULT NULL, clause text DEFAULT NULL, sqlstate text DEFAULT NULL, detail jsonb DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_record_event' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.record_event(text, regclass, text, text, text, text, text, jsonb) IS
	'Puts an event on record, durable at once; what became of the transaction follows as its outcome';

CREATE FUNCTION ctlpr.sharing_basis(agency_id text, authorization_id bigint, purpose text, case_number text, owners text[], OUT basis text, OUT clause text, OUT sqlstate text)
	AS 'MODULE_PATHNAME', 'ctlpr_sharing_basis' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.sharing_basis(text, bigint, text, text, text[]) IS 'On what basis reads of these owners may be shared with an agency now, for a purpose and a case; sqlstate is null when they may';

CREATE FUNCTION ctlpr.auditor_sees(agency_id text, owners text[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_auditor_sees' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.auditor_sees(text, text[]) IS 'May the acting role read an entry about these agencies?';

CREATE FUNCTION ctlpr.rules_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ctlpr_rules_changed' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.rules_changed() IS 'Trigger on every table of rules: from the commit on, every session reads them anew';

CREATE FUNCTION ctlpr.guard_own_table() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ctlpr_guard_own_table' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.guard_own_table() IS 'Trigger on every table of the extension but its log: a superuser writes it on record, nobody else but by its functions';

CREATE FUNCTION ctlpr.retention_limit(relation regclass) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'ctlpr_retention_limit' LANGUAGE C STABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.retention_limit(regclass) IS 'Instant before which reads of the relation are expired; NULL where no rule is in force';

CREATE FUNCTION ctlpr.alter_governed(relation regclass, command text, as_owner boolean) RETURNS void
	AS 'MODULE_PATHNAME', 'ctlpr_alter_governed' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.alter_governed(regclass, text, boolean) IS 'Internal: a command of the extension''s own on a governed table or evidence, which nobody else may alter so; refused but to the extension''s own functions';

CREATE FUNCTION ctlpr.agency_retention_limit(agency_id text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'ctlpr_agency_retention_limit' LANGUAGE C STABLE STRICT PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.agency_retention_limit(text) IS 'Instant before which the agency''s reads are expired by its own, shorter retention or a contract''s; -infinity where there is none';

CREATE FUNCTION ctlpr.expired_reads(relation regclass) RETURNS TABLE (agency_id text, read_on date, reads bigint)
	AS 'MODULE_PATHNAME', 'ctlpr_expired_reads' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.expired_reads(regclass) IS 'Numbers of expired reads by owning agency and day of capture';

CREATE FUNCTION ctlpr.oldest_read_on(relation regclass) RETURNS date
	AS 'MODULE_PATHNAME', 'ctlpr_oldest_read_on' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.oldest_read_on(regclass) IS 'Day of capture of the oldest read that is there, expired or not';

CREATE FUNCTION ctlpr.run_purge_round(relation regclass DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_run_purge_round' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.run_purge_round(regclass) IS 'Has the purge worker do a round now and waits for its end; returns its number';

CREATE FUNCTION ctlpr.purge_round_results(round bigint) RETURNS SETOF ctlpr.purge_run
	AS 'MODULE_PATHNAME', 'ctlpr_purge_round_results' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.purge_round_results(bigint) IS 'Runs of a round as they are committed now';

CREATE FUNCTION ctlpr.apply_hold(hold_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_apply_hold' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.apply_hold(bigint) IS 'Copies the reads that a hold covers and that are not copied yet; returns their number';

CREATE FUNCTION ctlpr.held_reads(hold_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_held_reads' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
CREATE FUNCTION ctlpr.images_in_use(refs text[]) RETURNS text[]
	AS 'MODULE_PATHNAME', 'ctlpr_images_in_use' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.images_in_use(text[]) IS 'Those of the references to images that a read has which is still there, evidence included; NULL while that cannot be told';

COMMENT ON FUNCTION ctlpr.held_reads(bigint) IS 'Number of reads that are copied for a hold';
