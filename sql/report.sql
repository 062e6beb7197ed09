/*
 * report.sql - what auditors and administrators see: the log with verdicts
 * and outcomes put together, certificates, the state of retention; and
 * purge(), which asks the worker for a round now.
 *
 * Rights.  A view reads its tables with its owner's rights, but the functions
 * in it are executed with the reader's.  So there are two kinds of view here.
 * Those over the log read the table themselves, for the sake of its indexes,
 * and call only functions that auditors may execute.  Those that need a
 * function without grants (expired_reads() and its kin look behind the row
 * policy) select from one SECURITY DEFINER function that does the looking and
 * leaves out what the reader may not know; it keeps that promise also when
 * it is called directly.  All filters ask for the role that acts
 * (ctlpr.outer_role(), ctlpr.auditor_sees()), which a SECURITY DEFINER
 * function does not change.
 *
 * Who sees what.  An entry is seen by the auditors of the agency that acted
 * and of each agency whose reads it touched, and by auditors of all agencies.
 * Entries of no agency (unbound roles, reads of the log) are for auditors of
 * all agencies, but for those that concern everybody's reads: certificates,
 * changes of the rules, break-glass and restores are seen by every auditor.
 * They hold no plate and no search, and without them nobody could audit an
 * agency's part of the log.
 *
 * Order.  A security_barrier view is planned by itself, and an ORDER BY
 * outside of it does not reach its indexes.  The views over the log therefore
 * come ordered, newest first: "ORDER BY seq DESC LIMIT 20" then reads twenty
 * entries instead of all, and costs nothing elsewhere, as the table lies in
 * that order.
 */

/*
 * Helpers
 */
CREATE FUNCTION ctlpr.is_auditor() RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ctlpr.auditor_sees(NULL, (SELECT array_agg(a.agency_id) FROM ctlpr.agency a))
$$;
COMMENT ON FUNCTION ctlpr.is_auditor() IS 'Whether the role that acts is a superuser or an auditor of any agency';

/*
 * to_regclass() raises an error where the caller lacks USAGE on the schema,
 * and an auditor has no business in the schema of the reads.
 */
CREATE FUNCTION ctlpr.relation_named(relation_name text) RETURNS regclass
LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT to_regclass(relation_name)
$$;
COMMENT ON FUNCTION ctlpr.relation_named(text) IS 'The relation that bears a qualified name now, NULL if none does; needs no right on its schema';

/*
 * Only the day of capture is known here, on purpose.  The oldest expired read
 * was captured on that day, and after the limit of the last run that went
 * through without an error, or that run would have deleted it; unless the day
 * is before that limit's, when the read came later, from a backup perhaps.
 * The result is an upper bound: off by up to a day before the first run,
 * afterwards by no more than the time between two runs.
 *
 * An agency's own limit, or a contract's, is later than the relation's; at the
 * last run it was as far behind today's as the relation's was.
 */
CREATE FUNCTION ctlpr.purge_lag(relation regclass, agency_id text, oldest_expired_on date) RETURNS interval
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
			WHEN l.limit_at IS NULL THEN NULL
			/* evidence: since its hold had it deleted */
			WHEN NOT isfinite(l.limit_at) THEN greatest(interval '0', now() - (
				SELECT min(h.purge_after) FROM ctlpr.governed_relation g JOIN ctlpr.hold h ON h.relation = g.evidence_of
				WHERE g.relation = $1 AND h.purge_after <= now() AND ctlpr.held_reads(h.hold_id) > 0))
			ELSE greatest(interval '0',
				o.limit_at - greatest(greatest($3, date '0001-01-01')::timestamp AT TIME ZONE s.time_zone,
					CASE WHEN (done.limit_at AT TIME ZONE s.time_zone)::date <= $3 THEN done.limit_at END))
		END
	FROM (SELECT ctlpr.retention_limit($1) AS limit_at) l
		CROSS JOIN LATERAL (SELECT greatest(l.limit_at, ctlpr.agency_retention_limit($2)) AS limit_at) o
		CROSS JOIN ctlpr.statute_adoption a
		JOIN ctlpr.statute s ON s.statute = a.statute
		LEFT JOIN LATERAL (
			SELECT CASE WHEN isfinite(l.limit_at) AND isfinite(r.limit_at) THEN o.limit_at - (l.limit_at - r.limit_at) END AS limit_at
			FROM ctlpr.purge_run r
			WHERE r.relation = $1 AND r.finished_at IS NOT NULL AND r.last_sqlstate IS NULL
			ORDER BY r.run_id DESC
			LIMIT 1
		) done ON true
$$;
COMMENT ON FUNCTION ctlpr.purge_lag(regclass, text, date) IS 'How long, at most, the oldest expired read of the agency, captured on that day, has outlived its limit';

CREATE FUNCTION ctlpr.retention_state()
RETURNS TABLE (relation regclass, relation_name text, retention interval, limit_at timestamptz, oldest_read_on date,
	expired_rows bigint, purge_lag interval, purging boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT g.relation, g.relation_name, rule.period, ctlpr.retention_limit(g.relation), ctlpr.oldest_read_on(g.relation),
		expired.reads, coalesce(expired.lag, CASE WHEN ctlpr.retention_limit(g.relation) IS NOT NULL THEN interval '0' END), g.purging
	FROM ctlpr.governed_relation g
		LEFT JOIN LATERAL (
			SELECT r.period
			FROM ctlpr.statute_adoption a
				JOIN ctlpr.statute_retention r ON r.statute = a.statute
			WHERE r.rule = g.retention AND r.valid_from <= now() AND now() < r.valid_until
			ORDER BY r.valid_from DESC
			LIMIT 1
		) rule ON true
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(x.reads), 0)::bigint AS reads, max(ctlpr.purge_lag(g.relation, x.agency_id, x.oldest_on)) AS lag
			FROM (
				SELECT y.agency_id, sum(y.reads) AS reads, min(y.read_on) AS oldest_on
				FROM ctlpr.expired_reads(g.relation) y
				GROUP BY y.agency_id
			) x
		) expired
	/* administrators run the purge; a shared table is every auditor's, another agency's table is not */
	WHERE pg_has_role(ctlpr.outer_role(), 'ctlpr_admin', 'USAGE')
		OR CASE WHEN g.owner_agency IS NULL THEN ctlpr.is_auditor() ELSE ctlpr.auditor_sees(g.owner_agency, NULL) END
	ORDER BY g.relation_name
$$;
COMMENT ON FUNCTION ctlpr.retention_state() IS 'What retention_status and purge_status show: the governed relations that the role that acts may know of, with their expired reads';

/*
 * The log
 */
CREATE VIEW ctlpr.audit_log WITH (security_barrier) AS
SELECT e.seq,
	/* a request that was granted is the request that its statements name */
	CASE WHEN e.action = 'request' AND e.allowed THEN coalesce(e.request_seq, e.seq) ELSE e.request_seq END AS request_seq,
	e.at,
	e.session_role,
	e.role,
	e.agency_id,
	e.agency_kind,
	e.agency_state,
	e.on_behalf_of,
	e.officer,
	e.purpose,
	e.offense,
	e.case_number,
	e.reason,
	e.basis,
	e.declaration_id,
	e.authorization_id,
	ctlpr.relation_named(e.relation) AS relation,
	e.action,
	e.search_kind,
	e.plates,
	e.statement,
	e.allowed,
	e.enforced,
	coalesce(e.sqlstate, o.sqlstate) AS sqlstate,
	e.clause,
	CASE
		WHEN o.failed THEN 'error'
		WHEN o.entries > 0 THEN 'ok'
		WHEN NOT e.allowed AND e.enforced IS NOT FALSE THEN 'none'
		/* nothing runs after these: a request is a permission, the others tell of what is done */
		WHEN e.action IN ('request', 'break_glass', 'purge', 'erase', 'restore') THEN 'none'
		ELSE 'unknown'
	END AS outcome,
	o.rows_returned,
	o.rows_touched,
	o.oldest_age_days,
	e.client_addr,
	e.application_name,
	e.terminal,
	e.backend_pid,
	e.statute,
	e.relation AS relation_name,
	w.owners,
	w.owner_rows,
	e.detail
FROM ctlpr.audit_entry e
	/* a parallel worker writes an outcome of its own, so there may be several */
	CROSS JOIN LATERAL (
		SELECT count(*) AS entries,
			bool_or(x.outcome = 'error') AS failed,
			min(x.sqlstate) FILTER (WHERE x.outcome = 'error') AS sqlstate,
			sum(x.rows_returned)::bigint AS rows_returned,
			sum(x.rows_touched)::bigint AS rows_touched,
			max(x.oldest_age_days) AS oldest_age_days
		FROM ctlpr.audit_entry x
		WHERE x.of_seq = e.seq AND x.entry = 'outcome'
	) o
	CROSS JOIN LATERAL (
		SELECT array_agg(y.owner ORDER BY y.owner) AS owners,
			array_agg(y.rows ORDER BY y.owner) AS owner_rows
		FROM (
			SELECT u.owner, sum(u.rows)::bigint AS rows
			FROM ctlpr.audit_entry x
				CROSS JOIN LATERAL unnest(x.owners, x.owner_rows) u(owner, rows)
			WHERE x.of_seq = e.seq AND x.entry = 'outcome'
			GROUP BY u.owner
		) y
	) w
WHERE e.entry = 'verdict'
	AND (ctlpr.auditor_sees(e.agency_id, w.owners)
		OR (e.agency_id IS NULL
			AND e.action IN ('purge', 'erase', 'configuration', 'break_glass', 'restore', 'clock')
			AND (SELECT ctlpr.is_auditor())))
ORDER BY e.seq DESC;
COMMENT ON VIEW ctlpr.audit_log IS 'The log, newest first: a row for each statement on a governed relation, request and event, with its verdict and what came of it (14(a)(6), 15(a)(1)(B))';
COMMENT ON COLUMN ctlpr.audit_log.seq IS 'Number of the entry, in the order of recording; numbers in between are outcomes, shown with their verdict';
COMMENT ON COLUMN ctlpr.audit_log.request_seq IS 'The entry of the request under which a statement ran; for a request that was allowed, its own';
COMMENT ON COLUMN ctlpr.audit_log.at IS 'When the verdict was given';
COMMENT ON COLUMN ctlpr.audit_log.session_role IS 'Login';
COMMENT ON COLUMN ctlpr.audit_log.role IS 'Role that acted, after SET ROLE';
COMMENT ON COLUMN ctlpr.audit_log.agency_id IS 'Agency for which it acted; NULL if none';
COMMENT ON COLUMN ctlpr.audit_log.agency_kind IS 'Kind of that agency at the time';
COMMENT ON COLUMN ctlpr.audit_log.agency_state IS 'State of that agency at the time';
COMMENT ON COLUMN ctlpr.audit_log.on_behalf_of IS 'Agency that the search was really for, as stated';
COMMENT ON COLUMN ctlpr.audit_log.officer IS 'Officer, as stated';
COMMENT ON COLUMN ctlpr.audit_log.purpose IS 'Purpose, as stated';
COMMENT ON COLUMN ctlpr.audit_log.offense IS 'Offense, as stated';
COMMENT ON COLUMN ctlpr.audit_log.case_number IS 'Case, incident, dispatch or alert number, as stated';
COMMENT ON COLUMN ctlpr.audit_log.reason IS 'Reason, as stated';
COMMENT ON COLUMN ctlpr.audit_log.basis IS 'What opened the widest reads that the statement could see: own | in_state | declaration | ...';
COMMENT ON COLUMN ctlpr.audit_log.declaration_id IS 'Declaration in force that was relied on, 13(d)(6)(B)';
COMMENT ON COLUMN ctlpr.audit_log.authorization_id IS 'Instrument that was relied on, 13(d)(6)(C)';
COMMENT ON COLUMN ctlpr.audit_log.relation IS 'The governed relation, if one bears that name today; see relation_name';
COMMENT ON COLUMN ctlpr.audit_log.action IS 'request | select | insert | update | delete | merge | copy | export | ddl | break_glass | purge | erase | configuration | ...';
COMMENT ON COLUMN ctlpr.audit_log.search_kind IS 'plate | partial | area_time | browse | none';
COMMENT ON COLUMN ctlpr.audit_log.plates IS 'Plates sought: constants and parameters compared with the plate column';
COMMENT ON COLUMN ctlpr.audit_log.statement IS 'Text of the statement, literals and comments removed';
COMMENT ON COLUMN ctlpr.audit_log.allowed IS 'The verdict';
COMMENT ON COLUMN ctlpr.audit_log.enforced IS 'False in observe mode: the verdict was recorded only, and a refusal did not stop the statement';
COMMENT ON COLUMN ctlpr.audit_log.sqlstate IS 'SQLSTATE of the refusal or, for what was allowed, of the error in which it ended';
COMMENT ON COLUMN ctlpr.audit_log.clause IS 'Clause of the statute behind the verdict';
COMMENT ON COLUMN ctlpr.audit_log.outcome IS 'ok | error | unknown (still at work, or cut off) | none (nothing ran)';
COMMENT ON COLUMN ctlpr.audit_log.rows_returned IS 'Rows sent or changed; NULL where nothing ran or no outcome was recorded';
COMMENT ON COLUMN ctlpr.audit_log.rows_touched IS 'Reads that passed all conditions of their scan; NULL where nothing ran or no outcome was recorded';
COMMENT ON COLUMN ctlpr.audit_log.oldest_age_days IS 'Age in whole days of the oldest read touched, 15(a)(1)(G); NULL if none was';
COMMENT ON COLUMN ctlpr.audit_log.client_addr IS 'Address of the client; NULL for a local socket';
COMMENT ON COLUMN ctlpr.audit_log.application_name IS 'Name of the application, as it states it';
COMMENT ON COLUMN ctlpr.audit_log.terminal IS 'Terminal, as stated';
COMMENT ON COLUMN ctlpr.audit_log.backend_pid IS 'Process that served the session';
COMMENT ON COLUMN ctlpr.audit_log.statute IS 'Profile in force';
COMMENT ON COLUMN ctlpr.audit_log.relation_name IS 'Qualified name of the relation at the time';
COMMENT ON COLUMN ctlpr.audit_log.owners IS 'Agencies whose reads were touched; NULL if none';
COMMENT ON COLUMN ctlpr.audit_log.owner_rows IS 'How many reads of each were touched, in the order of owners';
COMMENT ON COLUMN ctlpr.audit_log.detail IS 'What else belongs to an event: a certificate, the arguments of a configuration change';

CREATE VIEW ctlpr.refusals WITH (security_barrier) AS
SELECT l.*
FROM ctlpr.audit_log l
WHERE NOT l.allowed
ORDER BY l.seq DESC;
COMMENT ON VIEW ctlpr.refusals IS 'The entries of the log that were refused, newest first; in observe mode those that would have been (enforced is false)';

CREATE VIEW ctlpr.disclosures WITH (security_barrier) AS
SELECT l.seq, l.request_seq, l.at, l.session_role, l.role, l.agency_id, l.agency_kind, l.agency_state, l.on_behalf_of, l.officer,
	l.purpose, l.offense, l.case_number, l.reason, l.basis, l.declaration_id, l.authorization_id, l.relation, l.action,
	l.search_kind, l.plates, l.statement, l.allowed, l.enforced, l.sqlstate, l.clause, l.outcome, l.rows_returned,
	l.rows_touched, l.oldest_age_days, l.client_addr, l.application_name, l.terminal, l.backend_pid, l.statute,
	u.owner AS owner_agency_id,
	u.rows AS owner_rows,
	l.relation_name
FROM ctlpr.audit_log l
	CROSS JOIN LATERAL unnest(l.owners, l.owner_rows) u(owner, rows)
WHERE l.allowed
	/* with who asks, or with whom it asks for; a vendor is the agency that it acts for */
	AND (u.owner IS DISTINCT FROM CASE l.agency_kind WHEN 'vendor' THEN l.on_behalf_of ELSE l.agency_id END OR u.owner <> l.on_behalf_of)
	AND u.rows > 0
UNION ALL
/* what record_disclosure() added: the reads that the request had found, by owner */
SELECT l.seq, (l.detail ->> 'request_seq')::bigint, l.at, l.session_role, l.role, l.agency_id, l.agency_kind, l.agency_state,
	l.detail ->> 'recipient_agency', l.officer,
	l.purpose, l.offense, l.case_number, l.reason, l.detail ->> 'basis', l.declaration_id, l.authorization_id, l.relation, l.action,
	l.search_kind, l.plates, l.statement, l.allowed, l.enforced, l.sqlstate, l.clause, l.outcome, l.rows_returned,
	l.rows_touched, l.oldest_age_days, l.client_addr, l.application_name, l.terminal, l.backend_pid, l.statute,
	o.owner, NULL::bigint, l.relation_name
FROM ctlpr.audit_log l
	LEFT JOIN LATERAL jsonb_array_elements_text(nullif(l.detail -> 'owners', 'null'::jsonb)) o(owner) ON true
WHERE l.allowed AND l.action = 'disclosure'
ORDER BY 1 DESC;
COMMENT ON VIEW ctlpr.disclosures IS 'The allowed entries of the log that touched another agency''s reads, a row for each entry and owner, and what record_disclosure() added, with the recipient in on_behalf_of (15(a)(1)(C))';
COMMENT ON COLUMN ctlpr.disclosures.owner_agency_id IS 'The agency whose reads were touched';
COMMENT ON COLUMN ctlpr.disclosures.owner_rows IS 'How many reads of that agency were touched';

/* what both inherit from audit_log means the same there */
DO $$
DECLARE
	col record;
BEGIN
	FOR col IN
		SELECT t.relname, t.attname, pg_catalog.col_description(s.attrelid, s.attnum) AS description
		FROM (SELECT a.attrelid, a.attnum, a.attname, c.relname
				FROM pg_catalog.pg_attribute a
					JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
				WHERE a.attrelid IN ('ctlpr.refusals'::pg_catalog.regclass, 'ctlpr.disclosures'::pg_catalog.regclass)
					AND a.attnum OPERATOR(pg_catalog.>) 0) t
			JOIN pg_catalog.pg_attribute s ON s.attrelid OPERATOR(pg_catalog.=) 'ctlpr.audit_log'::pg_catalog.regclass
				AND s.attname OPERATOR(pg_catalog.=) t.attname
		WHERE pg_catalog.col_description(t.attrelid, t.attnum) IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN ctlpr.%I.%I IS %L', col.relname, col.attname, col.description);
	END LOOP;
END
$$;

/*
 * Retention
 */
/*
 * Holds: their number and duration, 14(a)(6).  The reads are counted past the
 * policy, so this runs as the extension's owner.
 */
CREATE FUNCTION ctlpr.current_holds()
RETURNS TABLE (hold_id bigint, relation regclass, agency_id text, basis text, clause text, purpose text, case_number text, requested_by text,
	approved_by name, started_at timestamptz, ended_at timestamptz, outcome text, purge_after timestamptz, duration interval, reads bigint, relation_name text)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT h.hold_id, ctlpr.relation_named(h.relation_name), h.agency_id, h.basis, h.clause, h.purpose, h.case_number, h.requested_by,
		h.approved_by, h.started_at, h.ended_at, h.outcome, h.purge_after, coalesce(h.ended_at, now()) - h.started_at,
		ctlpr.held_reads(h.hold_id), h.relation_name
	FROM ctlpr.hold h
	WHERE ctlpr.auditor_sees(h.agency_id, NULL)
	ORDER BY h.hold_id DESC
$$;
COMMENT ON FUNCTION ctlpr.current_holds() IS 'What the view holds shows: the holds of the agencies that the role that acts audits';

CREATE VIEW ctlpr.holds WITH (security_barrier) AS
SELECT h.hold_id, h.relation, h.agency_id, h.basis, h.clause, h.purpose, h.case_number, h.requested_by, h.approved_by, h.started_at, h.ended_at,
	h.outcome, h.purge_after, h.duration, h.reads, h.relation_name
FROM ctlpr.current_holds() h;
COMMENT ON VIEW ctlpr.holds IS 'Holds on reads, with their number, duration and what they keep (14(a)(6))';
COMMENT ON COLUMN ctlpr.holds.hold_id IS 'Number of the hold';
COMMENT ON COLUMN ctlpr.holds.relation IS 'The relation whose reads it keeps, if one bears that name today; see relation_name';
COMMENT ON COLUMN ctlpr.holds.agency_id IS 'The agency that holds';
COMMENT ON COLUMN ctlpr.holds.basis IS 'court_order | criminal_evidence | highway_fee | subsequent_offense';
COMMENT ON COLUMN ctlpr.holds.clause IS 'Clause behind it';
COMMENT ON COLUMN ctlpr.holds.purpose IS 'Purpose of the designation';
COMMENT ON COLUMN ctlpr.holds.case_number IS 'Case that a request states to see the evidence';
COMMENT ON COLUMN ctlpr.holds.requested_by IS 'Who asked for it, as stated';
COMMENT ON COLUMN ctlpr.holds.approved_by IS 'Role of the supervisory officer who approved';
COMMENT ON COLUMN ctlpr.holds.started_at IS 'When it began';
COMMENT ON COLUMN ctlpr.holds.ended_at IS 'When it ended; NULL while it is open';
COMMENT ON COLUMN ctlpr.holds.outcome IS 'The event that ended it';
COMMENT ON COLUMN ctlpr.holds.purge_after IS 'Instant from which its copies are deleted';
COMMENT ON COLUMN ctlpr.holds.duration IS 'How long it has lasted, or did';
COMMENT ON COLUMN ctlpr.holds.reads IS 'Reads that are kept for it now';
COMMENT ON COLUMN ctlpr.holds.relation_name IS 'Qualified name of the relation when the hold began';

CREATE VIEW ctlpr.violations_by_vendor WITH (security_barrier) AS
SELECT l.agency_id AS vendor_id,
	l.sqlstate,
	l.clause,
	count(*) AS violations,
	min(l.at) AS first_at,
	max(l.at) AS last_at
FROM ctlpr.audit_log l
WHERE l.agency_kind = 'vendor' AND NOT l.allowed AND l.action <> 'configuration'
GROUP BY l.agency_id, l.sqlstate, l.clause
ORDER BY l.agency_id, l.sqlstate, l.clause;
COMMENT ON VIEW ctlpr.violations_by_vendor IS 'What vendors tried that was refused, countable for 13(i)';
COMMENT ON COLUMN ctlpr.violations_by_vendor.vendor_id IS 'The vendor';
COMMENT ON COLUMN ctlpr.violations_by_vendor.sqlstate IS 'SQLSTATE of the refusals';
COMMENT ON COLUMN ctlpr.violations_by_vendor.clause IS 'Clause behind them';
COMMENT ON COLUMN ctlpr.violations_by_vendor.violations IS 'How many there were';
COMMENT ON COLUMN ctlpr.violations_by_vendor.first_at IS 'The first';
COMMENT ON COLUMN ctlpr.violations_by_vendor.last_at IS 'The last';

CREATE VIEW ctlpr.purges WITH (security_barrier) AS
SELECT e.seq,
	ctlpr.relation_named(e.relation) AS relation,
	(e.detail ->> 'limit_at')::timestamptz AS limit_at,
	(e.detail ->> 'rows_deleted')::bigint AS rows_deleted,
	(e.detail ->> 'partitions_dropped')::int AS partitions_dropped,
	(e.detail ->> 'oldest_read_on')::date AS oldest_read_on,
	(e.detail ->> 'newest_read_on')::date AS newest_read_on,
	(e.detail ->> 'started_at')::timestamptz AS started_at,
	(e.detail ->> 'finished_at')::timestamptz AS finished_at,
	e.relation AS relation_name,
	e.detail -> 'owners' AS owners,
	coalesce((e.detail ->> 'images_queued')::bigint, 0) AS images_queued
FROM ctlpr.audit_entry e
WHERE e.entry = 'verdict'
	AND e.action = 'purge'
	AND e.allowed
	AND e.detail ? 'run_id'
	AND (SELECT ctlpr.is_auditor())
ORDER BY e.seq DESC;
COMMENT ON VIEW ctlpr.purges IS 'Certificates of deletion, newest first, a row for each run of the purge worker and relation (13(b)(2)); seen by every auditor';
COMMENT ON COLUMN ctlpr.purges.seq IS 'Entry of the log that is the certificate';
COMMENT ON COLUMN ctlpr.purges.relation IS 'The governed relation, if one bears that name today; see relation_name';
COMMENT ON COLUMN ctlpr.purges.limit_at IS 'Reads captured before this instant had expired';
COMMENT ON COLUMN ctlpr.purges.rows_deleted IS 'Reads deleted, those in dropped partitions included';
COMMENT ON COLUMN ctlpr.purges.partitions_dropped IS 'Partitions dropped';
COMMENT ON COLUMN ctlpr.purges.oldest_read_on IS 'Day of capture of the oldest read deleted, in the statute''s time zone';
COMMENT ON COLUMN ctlpr.purges.newest_read_on IS 'Day of capture of the newest read deleted, in the statute''s time zone';
COMMENT ON COLUMN ctlpr.purges.started_at IS 'When the run began';
COMMENT ON COLUMN ctlpr.purges.finished_at IS 'When it ended';
COMMENT ON COLUMN ctlpr.purges.relation_name IS 'Qualified name of the relation at the time';
COMMENT ON COLUMN ctlpr.purges.owners IS 'Reads deleted for each owning agency';
COMMENT ON COLUMN ctlpr.purges.images_queued IS 'Images of theirs that were queued for deletion where they are kept, see ctlpr.image_deletions';

CREATE VIEW ctlpr.retention_status WITH (security_barrier) AS
SELECT s.relation, s.retention, s.limit_at, s.oldest_read_on, s.expired_rows, s.purge_lag, s.purging
FROM ctlpr.retention_state() s;
COMMENT ON VIEW ctlpr.retention_status IS 'Each governed relation, its retention and what is there past it, hidden but not yet deleted (13(b)(2), 15(a)(1)(E))';
COMMENT ON COLUMN ctlpr.retention_status.relation IS 'The governed relation';
COMMENT ON COLUMN ctlpr.retention_status.retention IS 'How long reads may be kept; a day is 24 hours; NULL when no rule is in force';
COMMENT ON COLUMN ctlpr.retention_status.limit_at IS 'Reads captured before this instant have expired; NULL when no rule is in force';
COMMENT ON COLUMN ctlpr.retention_status.oldest_read_on IS 'Day of capture of the oldest read present, expired ones included';
COMMENT ON COLUMN ctlpr.retention_status.expired_rows IS 'Expired reads that are still present';
COMMENT ON COLUMN ctlpr.retention_status.purge_lag IS 'How long, at most, the oldest expired read has outlived its limit; zero when there is none, NULL when no rule is in force';
COMMENT ON COLUMN ctlpr.retention_status.purging IS 'The worker deletes expired reads; see start_purge()';

/*
 * A run without an end is at work, unless it was cut off: by a stop of the
 * server, or by an end of the worker, which then begins a new round.
 */
CREATE VIEW ctlpr.purge_status WITH (security_barrier) AS
SELECT s.relation,
	s.purging,
	r.started_at,
	r.progress_at,
	r.finished_at,
	r.rows_deleted,
	r.partitions_dropped,
	r.last_sqlstate,
	coalesce(r.finished_at IS NULL
		AND r.started_at >= pg_catalog.pg_postmaster_start_time()
		AND r.round = (SELECT max(m.round) FROM ctlpr.purge_run m), false) AS running,
	s.expired_rows,
	s.purge_lag,
	r.certificate_seq
FROM ctlpr.retention_state() s
	LEFT JOIN LATERAL (
		SELECT p.round, p.started_at, p.progress_at, p.finished_at, p.rows_deleted, p.partitions_dropped, p.last_sqlstate,
			p.certificate_seq
		FROM ctlpr.purge_run p
		WHERE p.relation = s.relation
		ORDER BY p.run_id DESC
		LIMIT 1
	) r ON true;
COMMENT ON VIEW ctlpr.purge_status IS 'Progress and lag of the purge worker, a row for each governed relation with its last run';
COMMENT ON COLUMN ctlpr.purge_status.relation IS 'The governed relation';
COMMENT ON COLUMN ctlpr.purge_status.purging IS 'The worker deletes expired reads; see start_purge()';
COMMENT ON COLUMN ctlpr.purge_status.started_at IS 'When its last run began; NULL if there was none';
COMMENT ON COLUMN ctlpr.purge_status.progress_at IS 'When that run last committed progress';
COMMENT ON COLUMN ctlpr.purge_status.finished_at IS 'When it ended; NULL while it runs or if it was cut off';
COMMENT ON COLUMN ctlpr.purge_status.rows_deleted IS 'Reads that it has deleted, those in dropped partitions included';
COMMENT ON COLUMN ctlpr.purge_status.partitions_dropped IS 'Partitions that it has dropped';
COMMENT ON COLUMN ctlpr.purge_status.last_sqlstate IS 'SQLSTATE of the last error that it met and went past';
COMMENT ON COLUMN ctlpr.purge_status.running IS 'It is at work';
COMMENT ON COLUMN ctlpr.purge_status.expired_rows IS 'Expired reads that are still present';
COMMENT ON COLUMN ctlpr.purge_status.purge_lag IS 'How long, at most, the oldest expired read has outlived its limit; zero when there is none';
COMMENT ON COLUMN ctlpr.purge_status.certificate_seq IS 'Entry of the log that certifies the run';

/*
 * Purging by hand
 *
 * The parameter and a column of the result are both called relation, which
 * PL/pgSQL does not take, so the work is done by a function with other names.
 */
CREATE FUNCTION ctlpr.purge_by_hand(target regclass)
RETURNS TABLE (purged regclass, deleted bigint, dropped int)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	started boolean;
	waiting text;
BEGIN
	IF target IS NOT NULL THEN
		SELECT g.purging INTO started FROM ctlpr.governed_relation g WHERE g.relation = target;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'relation "%" is not governed', target
				USING ERRCODE = 'undefined_object',
					HINT = 'Name a relation of ctlpr.retention_status; partitions are purged with their parent.';
		END IF;
		IF NOT started THEN
			RAISE EXCEPTION 'purging of relation "%" was never started', target
				USING ERRCODE = 'object_not_in_prerequisite_state',
					DETAIL = 'Expired reads are hidden at once (13(b)(2)(A)), but deletion waits for an approval.',
					HINT = 'Approve it with ctlpr.start_purge(relation, approved_by).';
		END IF;
	ELSE
		SELECT bool_or(g.purging), string_agg(g.relation::text, ', ' ORDER BY g.relation_name) FILTER (WHERE NOT g.purging)
			INTO started, waiting
			FROM ctlpr.governed_relation g;
		IF NOT started THEN
			RAISE EXCEPTION 'purging was never started for any relation'
				USING ERRCODE = 'object_not_in_prerequisite_state',
					DETAIL = 'Expired reads are hidden at once (13(b)(2)(A)), but deletion waits for an approval.',
					HINT = 'Approve it with ctlpr.start_purge(relation, approved_by).';
		END IF;
		IF waiting IS NOT NULL THEN
			RAISE NOTICE 'relations for which purging was never started are passed over: %', waiting;
		END IF;
	END IF;

	IF EXISTS (SELECT FROM ctlpr.clock c WHERE c.doubted_at IS NOT NULL) THEN
		RAISE EXCEPTION 'deletion is suspended: the clock was set forward'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Reads that seem expired are hidden (13(b)(2)(A)), but what is deleted by a wrong clock does not come back.',
				HINT = 'When the clock is right, call ctlpr.confirm_clock(reason).';
	END IF;

	RETURN QUERY
	SELECT r.relation, r.rows_deleted, r.partitions_dropped
	FROM ctlpr.purge_round_results(ctlpr.run_purge_round(target)) r
	ORDER BY r.run_id;
END
$$;
COMMENT ON FUNCTION ctlpr.purge_by_hand(regclass) IS 'What purge() does';

CREATE FUNCTION ctlpr.purge(relation regclass DEFAULT NULL)
RETURNS TABLE (relation regclass, rows_deleted bigint, partitions_dropped int)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.purged, p.deleted, p.dropped FROM ctlpr.purge_by_hand($1) p
$$;
COMMENT ON FUNCTION ctlpr.purge(regclass) IS 'Ask the purge worker for a round now, over one relation or all, and wait for its end (13(b)(2))';

/*
 * Rights.  auditor_sees() is here because the views call it with the reader's
 * rights.
 */
REVOKE ALL ON FUNCTION
	ctlpr.is_auditor(),
	ctlpr.relation_named(text),
	ctlpr.purge_lag(regclass, text, date),
	ctlpr.retention_state(),
	ctlpr.current_holds(),
	ctlpr.purge_by_hand(regclass),
	ctlpr.purge(regclass)
	FROM PUBLIC;
REVOKE ALL ON
	ctlpr.audit_log, ctlpr.refusals, ctlpr.disclosures, ctlpr.holds, ctlpr.violations_by_vendor, ctlpr.purges, ctlpr.retention_status, ctlpr.purge_status
	FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	ctlpr.auditor_sees(text, text[]),
	ctlpr.is_auditor(),
	ctlpr.relation_named(text),
	ctlpr.retention_state(),
	ctlpr.current_holds()
	TO ctlpr_auditor;
GRANT SELECT ON
	ctlpr.audit_log, ctlpr.refusals, ctlpr.disclosures, ctlpr.holds, ctlpr.violations_by_vendor, ctlpr.purges, ctlpr.retention_status, ctlpr.purge_status
	TO ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.retention_state(), ctlpr.purge(regclass) TO ctlpr_admin;
GRANT SELECT ON ctlpr.retention_status, ctlpr.purge_status TO ctlpr_admin;
