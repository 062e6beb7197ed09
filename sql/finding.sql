/*
 * finding.sql - what an auditor should look into, from the log and from the
 * state of the database now.
 *
 * Each subject has a function <subject>_findings() that returns rows as the
 * view findings shows them; all_findings() gathers them, and what an auditor
 * has closed (finding_closure.sql) is left out by current_findings().  A
 * subject is added by a function of that shape, a line there, and its kinds in
 * finding_kinds().
 *
 * finding_id(), current_findings() and the view were there in version 0.1,
 * whose databases are brought up to date with this file: so OR REPLACE.
 *
 * Rights.  The functions of the subjects look behind the row policy and are
 * granted to nobody; current_findings() runs them as the extension's owner,
 * for auditors only.  What concerns one agency they leave out where the role
 * that acts does not audit it (auditor_sees()).
 *
 * evidence holds the newest 1000 entries at most; the text has the number of
 * all of them.
 */

/*
 * The same finding has the same number at every call, so that it can be named
 * in a ticket: a hash of its kind and of what it is about, names rather than
 * OIDs so that it outlives a dump and restore.  Raw bytes are hashed, as an
 * officer's name may be text of any encoding.
 */
CREATE OR REPLACE FUNCTION ctlpr.finding_id(kind text, VARIADIC key text[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT hashtextextended(kind || E'\x1f' || array_to_string(key, E'\x1f', E'\x1e') COLLATE "C", 0) & 9223372036854775807
$$;
COMMENT ON FUNCTION ctlpr.finding_id(text, text[]) IS 'Number of a finding: a hash of its kind and of what it is about';

/* Dates in the text are the law's, whatever the reader's TimeZone. */
CREATE FUNCTION ctlpr.law_zone() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT s.time_zone FROM ctlpr.statute_adoption a JOIN ctlpr.statute s ON s.statute = a.statute), 'UTC')
$$;
COMMENT ON FUNCTION ctlpr.law_zone() IS 'Time zone in which the dates of the law are read; UTC before a statute is adopted';

CREATE FUNCTION ctlpr.retention_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	naptime interval := coalesce(nullif(current_setting('ctlpr.purge_naptime', true), '')::interval, interval '60 s');
	zone    text := ctlpr.law_zone();
BEGIN
	/* reads past their limit, by relation and owner; a purge that keeps up needs a naptime, and one more to be sure */
	RETURN QUERY
	SELECT ctlpr.finding_id('over_retention', g.relation_name, x.agency_id),
		'violation',
		format('expired reads still present in %s: %s, the oldest captured on %s; %s', g.relation_name, x.reads, x.oldest_on,
			CASE
				WHEN NOT g.purging THEN 'purging was never started'
				ELSE format('the purge is behind by up to %s', justify_interval(date_trunc('second', x.lag)))
			END),
		'13(b)(2)(A), 15(a)(1)(E)',
		x.agency_id,
		NULL::text,
		ARRAY(SELECT p.seq
			FROM (SELECT r.certificate_seq AS seq
				FROM ctlpr.purge_run r
				WHERE r.relation = g.relation AND r.certificate_seq IS NOT NULL
				ORDER BY r.run_id DESC
				LIMIT 1) p),
		CASE
			WHEN NOT g.purging THEN format('SELECT ctlpr.start_purge(%L, approved_by => ...), once the number of reads was approved for deletion.',
				g.relation_name)
			ELSE 'Look at ctlpr.purge_status for the error that holds the worker up, remove its cause, then SELECT * FROM ctlpr.purge().'
		END,
		'over_retention'
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL (
			SELECT y.agency_id, sum(y.reads)::bigint AS reads, min(y.read_on) AS oldest_on,
				ctlpr.purge_lag(g.relation, y.agency_id, min(y.read_on)) AS lag
			FROM ctlpr.expired_reads(g.relation) y
			GROUP BY y.agency_id
		) x
	WHERE x.reads > 0
		AND (NOT g.purging OR x.lag > 2 * naptime)
		AND ctlpr.auditor_sees(x.agency_id, NULL);

	/*
	 * A purge that does not come around, though it has left nothing behind yet
	 * that the finding above would tell of.  It runs over every relation in
	 * every round, also where nothing has expired.
	 */
	RETURN QUERY
	SELECT ctlpr.finding_id('purge_lag', g.relation_name),
		'warning',
		format('the purge has not been through %s without an error since %s', g.relation_name, to_char(r.last_at AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI')),
		'13(b)(2)(A)',
		g.owner_agency,
		NULL::text,
		'{}'::bigint[],
		'Look at ctlpr.purge_status and the server log for what holds the worker up, before reads outlive their limit.',
		'purge_lag'
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL (
			SELECT greatest(g.purge_started_at, max(p.finished_at)) AS last_at
			FROM ctlpr.purge_run p
			WHERE p.relation = g.relation AND p.finished_at IS NOT NULL AND p.last_sqlstate IS NULL
		) r
	WHERE g.purging
		AND r.last_at < now() - greatest((ctlpr.finding_limits()).purge_naptimes * naptime, interval '5 minutes')
		/* deletion is suspended then, which is a finding of its own */
		AND NOT EXISTS (SELECT FROM ctlpr.clock c WHERE c.doubted_at IS NOT NULL)
		AND (g.owner_agency IS NULL OR ctlpr.auditor_sees(g.owner_agency, NULL))
		AND NOT EXISTS (
			SELECT
			FROM ctlpr.expired_reads(g.relation) y
			GROUP BY y.agency_id
			HAVING sum(y.reads) > 0 AND ctlpr.purge_lag(g.relation, y.agency_id, min(y.read_on)) > 2 * naptime);

	/* images of purged reads that nobody deleted in time: they are ALPR data like the reads */
	RETURN QUERY
	SELECT ctlpr.finding_id('overdue_image', d.relation_name, d.agency_id),
		'violation',
		format('images of reads that were purged from %s are not deleted: %s, the first was due on %s', d.relation_name, count(*), (min(d.due_at) AT TIME ZONE zone)::date),
		'13(b)(2)(A)',
		d.agency_id,
		NULL::text,
		ARRAY(SELECT e.seq
			FROM ctlpr.audit_entry e
			WHERE e.entry = 'verdict' AND e.action = 'image_deletion' AND e.agency_id = d.agency_id
			ORDER BY e.seq DESC
			LIMIT 1),
		'See that the program which deletes images runs as a role that is a member of ctlpr_image_deleter and bound to the agency, and look at its own log for deletions that fail.',
		'overdue_image'
	FROM ctlpr.image_deletion d
	WHERE d.reference IS NOT NULL
		AND d.kept_at IS NULL
		AND d.due_at < now()
		AND ctlpr.auditor_sees(d.agency_id, NULL)
	GROUP BY d.relation_name, d.agency_id;

	/* bytes that stay behind: erasing is off, or is kept from going on */
	RETURN QUERY
	SELECT ctlpr.finding_id('not_erased', g.relation_name),
		'warning',
		format('reads of %s were deleted and are not erased since %s; %s', g.relation_name, (p.since AT TIME ZONE zone)::date,
			CASE
				WHEN current_setting('ctlpr.erase', true) = 'off' THEN 'ctlpr.erase is off'
				WHEN r.waiting_for IS NOT NULL THEN 'it waits for ' || r.waiting_for
				WHEN r.last_sqlstate IS NOT NULL THEN format('it met an error with SQLSTATE %s', r.last_sqlstate)
				ELSE 'the erase worker is behind'
			END),
		'13(b)(2)(A)',
		g.owner_agency,
		NULL::text,
		ARRAY(SELECT p.certificate_seq WHERE p.certificate_seq IS NOT NULL),
		'Look at ctlpr.erase_status, end what it waits for or set ctlpr.erase = on, then CALL ctlpr.erase().',
		'not_erased'
	FROM ctlpr.governed_relation g
		LEFT JOIN LATERAL (
			SELECT e.waiting_for, e.last_sqlstate FROM ctlpr.erase_run e WHERE e.relation = g.relation AND e.finished_at IS NULL ORDER BY e.run_id DESC LIMIT 1
		) r ON true
		CROSS JOIN LATERAL (
			SELECT min(x.finished_at) AS since, min(x.certificate_seq) AS certificate_seq
			FROM ctlpr.purge_run x
			WHERE x.relation = g.relation
				AND (x.rows_deleted > 0 OR x.partitions_dropped > 0)
				AND x.run_id > coalesce((SELECT max(e.last_purge_run) FROM ctlpr.erase_run e WHERE e.relation = g.relation AND e.finished_at IS NOT NULL), 0)
		) p
	WHERE p.since < now() - greatest(interval '1 day', 2 * coalesce(nullif(current_setting('ctlpr.erase_naptime', true), '')::interval, interval '1 h'))
			* (current_setting('ctlpr.erase', true) IS DISTINCT FROM 'off')::int
		AND (g.owner_agency IS NULL OR ctlpr.auditor_sees(g.owner_agency, NULL));

	/* copies elsewhere, in which reads outlive their limit */
	RETURN QUERY
	SELECT ctlpr.finding_id('copy_past_limit', c.kind, c.place),
		c.severity,
		format('copy %s (%s, %s) is kept %s; reads may be kept for %s', c.copy_id, c.kind, c.place,
			CASE WHEN c.retention IS NULL THEN 'without end' ELSE format('for %s, and reads in it that much past their limit', c.retention) END,
			justify_hours(c.permitted)),
		'13(b)(2)(A), 15(a)(1)(E)',
		NULL::text,
		NULL::text,
		'{}'::bigint[],
		'Shorten its retention, encrypt it with a key that is destroyed in time, or SELECT ctlpr.end_copy(copy_id, reason) when it is gone; see docs/erasure.md.',
		'copy_past_limit'
	FROM ctlpr.copies_past_limit() c;

	/* a clock that nobody believes */
	RETURN QUERY
	SELECT ctlpr.finding_id('clock', c.doubted_at::text),
		'warning',
		format('the clock was set forward, seen on %s: expired reads are hidden and not deleted', (c.doubted_at AT TIME ZONE zone)::date),
		'13(b)(2)(A)',
		NULL::text,
		NULL::text,
		ARRAY(SELECT e.seq FROM ctlpr.audit_entry e WHERE e.entry = 'verdict' AND e.action = 'clock' ORDER BY e.seq DESC LIMIT 1),
		'Put the clock right, then SELECT ctlpr.confirm_clock(reason).',
		'clock'
	FROM ctlpr.clock c
	WHERE c.doubted_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION ctlpr.retention_findings() IS 'Findings: what is kept past its limit: reads, images, bytes, copies; and a clock that nobody believes';

CREATE FUNCTION ctlpr.log_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone text := ctlpr.law_zone();
BEGIN
	/*
	 * Entries whose outcome never came: the backend died, or the outcome was
	 * lost.  A statement may take hours, and an event's outcome comes at the
	 * end of its transaction, so an entry is left alone while the transaction
	 * that made it may still be open: the process is there, it is the same one
	 * (numbers are reused; it began before the entry) and so is its
	 * transaction.  Where track_activities is off the last is not known.
	 */
	RETURN QUERY
	SELECT ctlpr.finding_id('no_outcome', e.agency_id),
		'warning',
		format('entries without an outcome: %s, the last of %s; how many reads they released is not known', count(*),
			(max(e.at) AT TIME ZONE zone)::date),
		'14(a)(6)',
		e.agency_id,
		NULL::text,
		(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
		'Search the server log around these entries for a crash or a killed process, and take their reads as disclosed.',
		'no_outcome'
	FROM ctlpr.audit_entry e
	WHERE e.entry = 'verdict'
		AND e.action NOT IN ('request', 'break_glass', 'purge', 'erase', 'restore')
		AND (e.allowed OR e.enforced IS FALSE)
		AND e.at < now() - interval '1 minute'
		AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = e.seq)
		AND NOT EXISTS (
			SELECT
			FROM pg_stat_get_activity(NULL) a
			WHERE a.pid = e.backend_pid
				AND a.backend_start <= e.at
				AND (a.state = 'disabled' OR a.xact_start <= e.at))
		AND ctlpr.auditor_sees(e.agency_id, NULL)
	GROUP BY e.agency_id;

	/* a weaker promise about the log, in this session or set for a database or role */
	RETURN QUERY
	SELECT ctlpr.finding_id('async_durability', 'ctlpr.audit_durability'),
		'warning',
		'ctlpr.audit_durability is async: a crash of the server may lose entries whose rows were released',
		'14(a)(6)',
		NULL::text,
		NULL::text,
		'{}'::bigint[],
		'ALTER SYSTEM SET ctlpr.audit_durability = sync, ALTER ROLE ... or ALTER DATABASE ... RESET ctlpr.audit_durability, then SELECT pg_reload_conf().',
		'async_durability'
	WHERE current_setting('ctlpr.audit_durability', true) = 'async'
		OR EXISTS (
			SELECT
			FROM pg_db_role_setting d
				CROSS JOIN LATERAL unnest(d.setconfig) c(setting)
			WHERE c.setting = 'ctlpr.audit_durability=async'
				AND d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())));

	/* what was signed and is not there any more, or has not been signed for long */
	RETURN QUERY
	SELECT ctlpr.finding_id('log_fork', f.epoch::text),
		'warning',
		format('the log went on after a fork: up to %s entries that had been signed may be missing or others now (epoch %s, accepted %s)',
			f.last_size, f.epoch, to_char(f.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')),
		'14(a)(6)',
		NULL::text,
		NULL::text,
		ARRAY(SELECT e.seq FROM ctlpr.audit_entry e WHERE e.action = 'log_fork' AND e.entry = 'verdict' AND e.at >= f.accepted_at
				AND e.detail ->> 'epoch' = f.epoch::text ORDER BY e.seq LIMIT 1),
		'Compare with what others have kept of the log and of its checkpoints; see docs/log-format.md.',
		'log_fork'
	FROM ctlpr.log_fork f
	WHERE ctlpr.auditor_sees(NULL, NULL);

	RETURN QUERY
	SELECT ctlpr.finding_id('log_not_signed', 'ctlpr.checkpoint_key'),
		'warning',
		format('entries of the log have not been signed for more than a day; the last checkpoint is of %s',
			coalesce(to_char(c.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), 'never')),
		'14(a)(6)',
		NULL::text,
		NULL::text,
		ARRAY(SELECT e.seq FROM ctlpr.audit_entry e WHERE e.seq > coalesce(c.size, 0) ORDER BY e.seq LIMIT 1),
		'See the server log for the ctlpr audit writer, ctlpr.checkpoint_key, _directory and _interval; then SELECT ctlpr.audit_checkpoint().',
		'log_not_signed'
	FROM (SELECT max(k.signed_at) AS signed_at, max(k.size) FILTER (WHERE k.epoch = (SELECT max(m.epoch) FROM ctlpr.checkpoint m)) AS size FROM ctlpr.checkpoint k) c
	WHERE current_setting('ctlpr.checkpoint_key', true) <> '' AND ctlpr.auditor_sees(NULL, NULL)
		AND EXISTS (SELECT FROM ctlpr.audit_entry e WHERE e.seq > coalesce(c.size, 0) AND e.at < now() - interval '1 day');

	/* values that somebody took out past redact_entry() */
	RETURN QUERY
	SELECT ctlpr.finding_id('unrecorded_redaction', e.seq::text),
		'violation',
		format('values were taken out of entry %s of the log, of which no entry tells', e.seq),
		'14(a)(6)',
		e.agency_id,
		NULL::text,
		ARRAY[e.seq],
		'Find out who changed the log past ctlpr.redact_entry().',
		'unrecorded_redaction'
	FROM ctlpr.audit_entry e
	WHERE e.redacted IS NOT NULL AND ctlpr.auditor_sees(e.agency_id, NULL)
		AND NOT EXISTS (
			SELECT FROM ctlpr.audit_entry r
			WHERE r.action = 'redaction' AND r.entry = 'verdict' AND r.at >= e.at AND r.detail @> jsonb_build_object('seq', e.seq)
				AND r.detail -> 'columns' @> (SELECT jsonb_agg(k.name) FROM jsonb_object_keys(e.redacted) k (name)));
END
$$;
COMMENT ON FUNCTION ctlpr.log_findings() IS 'Findings: what the log does not say, or not for sure';

/* refuse is more than flag, which is more than what lets pass; NULL: no action */
CREATE FUNCTION ctlpr.screen_strength(action text) RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN CASE action WHEN 'refuse' THEN 2 WHEN 'flag' THEN 1 WHEN 'lawful' THEN 0 WHEN 'off' THEN 0 END;
COMMENT ON FUNCTION ctlpr.screen_strength(text) IS 'Internal: actions of screen terms in their order';

CREATE FUNCTION ctlpr.request_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone text := ctlpr.law_zone();
BEGIN
	/* the log is long and what matters in it is rare, so it is read once */
	RETURN QUERY
	WITH told AS MATERIALIZED (
		SELECT e.seq, e.at, e.agency_id, e.officer, e.session_role, e.clause, e.enforced, e.allowed, e.sqlstate, e.action, e.case_number, e.detail
		FROM ctlpr.audit_entry e
		WHERE e.entry = 'verdict'
			AND CASE
				WHEN e.allowed THEN e.action IN ('break_glass', 'reason_approval')
					OR (e.action = 'request' AND (ctlpr.is_pending(e.case_number) OR e.detail #> '{screen,approval_seq}' IS NOT NULL
						OR (e.detail #>> '{screen,action}' = 'flag' AND e.detail #>> '{screen,category}' NOT IN ('vague', 'case_number_only'))))
					OR (e.action = 'configuration' AND e.detail ->> 'function' IN ('set_screen_term', 'drop_screen_term', 'set_screen_list'))
				ELSE e.sqlstate IN ('LP004', 'LP008') OR e.action = 'disclosure'
			END
	)
	/* what somebody tried that the act forbids to everybody */
	SELECT ctlpr.finding_id('forbidden_purpose', e.agency_id, e.officer, e.clause),
		CASE WHEN bool_or(e.enforced IS FALSE) THEN 'violation' ELSE 'warning' END,
		format('requests that state a forbidden purpose: %s, the last on %s; %s', count(*), (max(e.at) AT TIME ZONE zone)::date,
			CASE
				WHEN bool_or(e.enforced IS FALSE) THEN 'some were not refused, as a relation was in observe mode'
				ELSE 'each was refused'
			END),
		coalesce(e.clause, '13(d)'),
		e.agency_id,
		e.officer,
		(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
		'Review these entries with the agency; 13(k) asks for discipline where the misuse was knowing and malicious.',
		'forbidden_purpose'
	FROM told e
	WHERE NOT e.allowed
		AND e.sqlstate IN ('LP004', 'LP008')
		AND ctlpr.auditor_sees(e.agency_id, NULL)
	GROUP BY e.agency_id, e.officer, e.clause
	UNION ALL
	/* what the screen refused, and a supervisor let pass: the approvals, and the requests that were made by them */
	SELECT ctlpr.finding_id('reason_approved', x.agency_id, x.officer, x.clause),
		'warning',
		format('reasons that the screen refused and a supervisor approved: approvals %s, requests %s, the last on %s', count(*) FILTER (WHERE x.approval),
			count(*) FILTER (WHERE NOT x.approval), (max(x.at) AT TIME ZONE zone)::date),
		coalesce(x.clause, '13(d)'),
		x.agency_id,
		x.officer,
		(array_agg(x.seq ORDER BY x.seq DESC))[1:1000],
		'Read the reasons and the approvals, which the requests name in their detail, and have somebody else than the supervisor confirm them.',
		'reason_approved'
	FROM (
		SELECT e.seq, e.at, e.agency_id, e.officer, e.detail #>> '{screen,clause}' AS clause, false AS approval
		FROM told e
		WHERE e.allowed
			AND e.action = 'request'
			AND e.detail #>> '{screen,action}' = 'refuse'
			AND e.detail #> '{screen,approval_seq}' IS NOT NULL
		UNION ALL
		SELECT a.seq, a.at, a.agency_id, r.officer, a.clause, true
		FROM told a
			LEFT JOIN told r ON r.seq = (a.detail ->> 'request_seq')::bigint AND NOT r.allowed
		WHERE a.allowed
			AND a.action = 'reason_approval'
			/* one that was rolled back let nothing pass */
			AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = a.seq AND o.outcome = 'error')
	) x
	WHERE ctlpr.auditor_sees(x.agency_id, NULL)
	GROUP BY x.agency_id, x.officer, x.clause
	UNION ALL
	/* what may reveal a forbidden purpose, or may not: the screen lets it pass for somebody to look at */
	SELECT ctlpr.finding_id('contested_reason', e.agency_id, e.officer, e.detail #>> '{screen,category}', e.detail #>> '{screen,clause}'),
		'warning',
		format('requests whose reason may reveal a forbidden purpose (%s): %s, the last on %s', e.detail #>> '{screen,category}', count(*), (max(e.at) AT TIME ZONE zone)::date),
		coalesce(e.detail #>> '{screen,clause}', '13(d)'),
		e.agency_id,
		e.officer,
		(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
		'Read the reasons, and ask the officer what the searches were for.',
		'contested_reason'
	FROM told e
	WHERE e.allowed
		AND e.action = 'request'
		AND e.detail #>> '{screen,action}' = 'flag'
		AND e.detail #>> '{screen,category}' NOT IN ('vague', 'case_number_only')
		AND ctlpr.auditor_sees(e.agency_id, NULL)
	GROUP BY e.agency_id, e.officer, e.detail #>> '{screen,category}', e.detail #>> '{screen,clause}'
	UNION ALL
	/*
	 * What the screen would have caught, and does not any more: a term that
	 * refuses or flags less than it did once, or than the one that came with
	 * the extension, an exception that was added, and a list that lacks words.
	 * It concerns everybody's requests, so every auditor is told.
	 */
	SELECT ctlpr.finding_id('screen_weakened', t.what, t.statute, t.name),
		'warning',
		CASE
			WHEN t.what = 'list' THEN format('the list "%s" that reasons are screened by lacks words that came with it: %s', t.name, t.missing)
			WHEN t.now_action = 'lawful' THEN format('the screen term "%s" lets reasons pass', t.name)
			ELSE format('the screen term "%s" is %s; it was to %s', t.name,
				CASE WHEN t.now_action IS NULL THEN 'gone' WHEN t.now_action = 'off' THEN 'out of force' ELSE 'one to ' || t.now_action END,
				CASE WHEN t.once = 2 THEN 'refuse' ELSE 'flag' END)
		END,
		coalesce(t.clause, '13(d)'),
		NULL::text,
		NULL::text,
		coalesce((SELECT (array_agg(e.seq ORDER BY e.seq DESC))[1:1000] FROM told e
			WHERE e.action = 'configuration' AND e.allowed
				AND CASE t.what WHEN 'list' THEN e.detail ->> 'list' = t.name ELSE e.detail ->> 'term' = t.name AND e.detail ->> 'statute' = t.statute END), '{}'),
		'Ask who changed it why, and look for requests since then that it would have stopped; ctlpr.set_screen_term() and ctlpr.set_screen_list() put it right.',
		'screen_weakened'
	FROM (
		SELECT 'term' AS what, k.statute, k.name, o.action AS now_action, o.shipped, coalesce(o.clause, k.clause) AS clause, k.once, NULL::text AS missing
		FROM (
			SELECT x.statute, x.name, max(x.strength) AS once, min(x.clause) AS clause
			FROM (
				SELECT t.statute, t.pattern AS name, ctlpr.screen_strength(t.action) AS strength, t.clause
				FROM ctlpr.screen_term t
				UNION ALL
				SELECT e.detail ->> 'statute', e.detail ->> 'term', greatest(ctlpr.screen_strength(e.detail ->> 'action'), ctlpr.screen_strength(e.detail ->> 'previous_action')), e.clause
				FROM told e
				WHERE e.allowed AND e.action = 'configuration' AND e.detail ? 'term'
					/* what was rolled back was never in force */
					AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = e.seq AND o.outcome = 'error')
			) x
			GROUP BY x.statute, x.name
		) k
			LEFT JOIN LATERAL (SELECT t.action, t.shipped, t.clause FROM ctlpr.screen_term t WHERE t.statute = k.statute AND t.pattern = k.name ORDER BY t.shipped LIMIT 1) o ON true
		WHERE coalesce(ctlpr.screen_strength(o.action), 0) < k.once OR (o.action = 'lawful' AND NOT o.shipped)
		UNION ALL
		SELECT 'list', a.statute, mine.list, NULL, NULL, NULL, NULL, array_to_string(ARRAY(SELECT w FROM unnest(came.words) w WHERE w <> ALL (mine.words)), ', ')
		FROM ctlpr.screen_list mine
			JOIN ctlpr.screen_list came ON came.list = mine.list AND came.shipped AND NOT came.words <@ mine.words
			CROSS JOIN ctlpr.statute_adoption a
		WHERE NOT mine.shipped
	) t
		JOIN ctlpr.statute_adoption a ON a.statute = t.statute
	UNION ALL
	/* break-glass opens everybody's reads, so every auditor is told; what ran under it names it as its request */
	SELECT ctlpr.finding_id('break_glass', e.seq::text),
		'warning',
		format('break-glass was used by login %s on %s; statements on record under it: %s', e.session_role, (e.at AT TIME ZONE zone)::date,
			count(s.seq)),
		'14(a)(6)',
		e.agency_id,
		e.officer,
		(e.seq || array_agg(s.seq ORDER BY s.seq DESC) FILTER (WHERE s.seq IS NOT NULL))[1:1000],
		'Check the stated reason against what the statements did, and have somebody else than the login confirm it in writing.',
		'break_glass'
	FROM told e
		LEFT JOIN ctlpr.audit_entry s ON s.request_seq = e.seq AND s.entry = 'verdict' AND s.seq <> e.seq
	WHERE e.allowed
		AND e.action = 'break_glass'
	GROUP BY e.seq, e.session_role, e.at, e.agency_id, e.officer
	UNION ALL
	/* a case number that was to follow and did not */
	SELECT ctlpr.finding_id('pending_case', e.agency_id),
		'warning',
		format('requests whose case number is still pending: %s, the first of %s', count(*), (min(e.at) AT TIME ZONE zone)::date),
		'13(d)(8)',
		e.agency_id,
		NULL::text,
		(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
		'Have the officers complete them with ctlpr.complete_request(request_seq, case_number).',
		'pending_case'
	FROM told e
	WHERE e.allowed
		AND e.action = 'request'
		AND ctlpr.is_pending(e.case_number)
		AND e.at < now() - coalesce(nullif(current_setting('ctlpr.pending_limit', true), '')::interval, interval '24 hours')
		AND NOT EXISTS (SELECT FROM ctlpr.request_completion c WHERE c.request_seq = e.seq)
		AND ctlpr.auditor_sees(e.agency_id, NULL)
	GROUP BY e.agency_id
	UNION ALL
	/* a disclosure outside of the database that had no basis */
	SELECT ctlpr.finding_id('unlawful_disclosure', e.agency_id),
		'violation',
		format('disclosures on record without a basis: %s, the last of %s', count(*), (max(e.at) AT TIME ZONE zone)::date),
		'13(d)(6)',
		e.agency_id,
		NULL::text,
		(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
		'Find out with the agency whether reads were passed on; 13(j) gives whoever is aggrieved a claim.',
		'unlawful_disclosure'
	FROM told e
	WHERE NOT e.allowed
		AND e.action = 'disclosure'
		AND ctlpr.auditor_sees(e.agency_id, NULL)
	GROUP BY e.agency_id;
END
$$;
COMMENT ON FUNCTION ctlpr.request_findings() IS 'Findings: what people asked for and did, from the log';

CREATE FUNCTION ctlpr.register_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone text := ctlpr.law_zone();
BEGIN
	/* policies that the act demands, once their day has come; with a month's warning */
	RETURN QUERY
	SELECT ctlpr.finding_id('missing_policy', a.agency_id, p.kind),
		CASE WHEN p.due_on <= (now() AT TIME ZONE zone)::date THEN 'violation' ELSE 'info' END,
		format('no policy of kind "%s" is registered for %s; it is due by %s', p.kind, a.agency_id, p.due_on),
		p.clause,
		a.agency_id,
		NULL::text,
		'{}'::bigint[],
		format('Adopt and publish it, then SELECT ctlpr.register_policy(%L, %L, adopted_on => ..., published_at => ...).', a.agency_id, p.kind),
		'missing_policy'
	FROM ctlpr.statute_adoption s
		JOIN ctlpr.statute t ON t.statute = s.statute
		JOIN ctlpr.statute_policy p ON p.statute = s.statute
		JOIN ctlpr.agency a ON a.state = t.state AND a.kind = ANY (p.agency_kinds)
	WHERE p.due_on <= (now() AT TIME ZONE zone)::date + 31
		AND NOT EXISTS (SELECT FROM ctlpr.policy o WHERE o.agency_id = a.agency_id AND o.kind = p.kind)
		AND ctlpr.auditor_sees(a.agency_id, NULL);

	/* quarters whose entries nobody audited within a month: 14(a)(6) asks agencies of the state for that */
	RETURN QUERY
	SELECT ctlpr.finding_id('missing_review', q.agency_id, q.quarter),
		'violation',
		format('no audit of the log is registered for %s and quarter %s, which has entries: %s', q.agency_id, q.quarter, q.entries),
		'14(a)(6)',
		q.agency_id,
		NULL::text,
		ARRAY[q.first_seq, q.last_seq],
		format('Review the entries from the first to the last named here, then SELECT ctlpr.record_review(%L, %L, reviewer => ...).', q.agency_id, q.quarter),
		'missing_review'
	FROM (
		SELECT x.agency_id, to_char(x.started_at, 'YYYY"Q"Q') AS quarter, x.started_at, x.entries, x.first_seq, x.last_seq
		FROM (
			SELECT e.agency_id, date_trunc('quarter', e.at AT TIME ZONE zone) AS started_at, count(*) AS entries, min(e.seq) AS first_seq, max(e.seq) AS last_seq
			FROM ctlpr.audit_entry e
			WHERE e.entry = 'verdict'
				AND e.action <> 'configuration'
				/* before this quarter, for what is after it is not due; by the index on the time of the entries */
				AND e.at < date_trunc('quarter', now() AT TIME ZONE zone) AT TIME ZONE zone
			GROUP BY 1, 2
		) x
	) q
		JOIN ctlpr.agency a ON a.agency_id = q.agency_id AND a.kind <> 'vendor'
		JOIN ctlpr.statute_adoption s ON true
		JOIN ctlpr.statute t ON t.statute = s.statute AND t.state = a.state
	WHERE q.started_at + interval '3 months 30 days' <= now() AT TIME ZONE zone
		AND NOT EXISTS (SELECT FROM ctlpr.audit_review r WHERE r.agency_id = q.agency_id AND r.quarter = q.quarter)
		AND ctlpr.auditor_sees(q.agency_id, NULL);

	/* cameras that collect although the statute in force does not permit them: rules and statutes change after cameras */
	RETURN QUERY
	SELECT ctlpr.finding_id('camera_not_permitted', c.camera_id),
		'violation',
		format('camera %s is active; %s', c.camera_id, lower(left(r.description, 1)) || substr(r.description, 2)),
		r.clause,
		c.agency_id,
		NULL::text,
		'{}'::bigint[],
		format('SELECT ctlpr.deactivate_camera(%L, reason), and have it read no more.', c.camera_id),
		'camera_not_permitted'
	FROM ctlpr.camera c
		CROSS JOIN LATERAL ctlpr.camera_rule(c) r
	WHERE c.active
		AND r.statute IS NOT NULL
		AND ctlpr.auditor_sees(c.agency_id, NULL);
END
$$;
COMMENT ON FUNCTION ctlpr.register_findings() IS 'Findings: what agencies have to register, or have registered against the law';

CREATE FUNCTION ctlpr.governance_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone text := ctlpr.law_zone();
BEGIN
	/* observation ends by itself, whatever the row still says */
	RETURN QUERY
	SELECT ctlpr.finding_id('observe_mode', g.relation_name),
		'violation',
		format('%s is in observe mode until %s: nothing is refused, hidden or purged; statements that would have been refused: %s',
			g.relation_name, (g.observe_until AT TIME ZONE zone)::date, v.entries),
		'13(b)(2)(A), 13(d)(6)',
		g.owner_agency,
		NULL::text,
		v.evidence,
		'Have the applications state requests, then let ctlpr.govern() put the relation in enforce mode.',
		'observe_mode'
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL (
			SELECT count(*) AS entries, coalesce((array_agg(e.seq ORDER BY e.seq DESC))[1:1000], '{}') AS evidence
			FROM ctlpr.audit_entry e
			WHERE e.entry = 'verdict' AND NOT e.allowed AND e.enforced IS FALSE AND e.relation = g.relation_name
		) v
	WHERE g.mode = 'observe'
		AND g.observe_until > now()
		AND (g.owner_agency IS NULL OR ctlpr.auditor_sees(g.owner_agency, NULL));

	/*
	 * The server's own row security, which still stands when this library
	 * does not: on each governed relation and everything below it, with a
	 * restrictive policy for everybody and every command that does nothing
	 * but ask guard().
	 */
	RETURN QUERY
	WITH RECURSIVE member AS (
		SELECT g.relation::oid AS oid, g.owner_agency
		FROM ctlpr.governed_relation g
		WHERE (g.mode = 'enforce' OR g.observe_until <= now())
			AND (g.owner_agency IS NULL OR ctlpr.auditor_sees(g.owner_agency, NULL))
		UNION
		SELECT i.inhrelid, m.owner_agency
		FROM member m
			JOIN pg_inherits i ON i.inhparent = m.oid
	), state AS (
		SELECT m.owner_agency, c.relrowsecurity, c.relforcerowsecurity, format('%I.%I', n.nspname, c.relname) AS name,
			EXISTS (
				SELECT
				FROM pg_policy p
				WHERE p.polrelid = c.oid
					AND NOT p.polpermissive
					AND p.polcmd = '*'
					AND p.polroles = '{0}'::oid[]
					AND pg_get_expr(p.polqual, p.polrelid) ~ '^ctlpr\.guard\([^()]*\)$'
					AND (p.polwithcheck IS NULL OR pg_get_expr(p.polwithcheck, p.polrelid) ~ '^ctlpr\.guard\([^()]*\)$')
			) AS guarded
		FROM member m
			JOIN pg_class c ON c.oid = m.oid
			JOIN pg_namespace n ON n.oid = c.relnamespace
	)
	SELECT ctlpr.finding_id('row_security', s.name),
		'violation',
		format('row security is not %s on %s', CASE WHEN NOT s.relrowsecurity THEN 'enabled' ELSE 'forced' END, s.name),
		'13(d)(6), 13(e)(1)',
		s.owner_agency,
		NULL::text,
		'{}'::bigint[],
		format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;', s.name),
		'row_security'
	FROM state s
	WHERE NOT (s.relrowsecurity AND s.relforcerowsecurity)
	UNION ALL
	SELECT ctlpr.finding_id('guard_policy', s.name),
		'violation',
		format('the guard policy is missing or altered on %s', s.name),
		'13(d)(6), 13(e)(1)',
		s.owner_agency,
		NULL::text,
		'{}'::bigint[],
		format('CREATE POLICY ctlpr_guard ON %s AS RESTRICTIVE USING (ctlpr.guard());', s.name),
		'guard_policy'
	FROM state s
	WHERE NOT s.guarded;
END
$$;
COMMENT ON FUNCTION ctlpr.governance_findings() IS 'Findings: governed relations whose guard is down';

/*
 * All of them, those that an auditor has closed among them.
 */
CREATE FUNCTION ctlpr.all_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT ctlpr.is_auditor() THEN
		RETURN;
	END IF;

	RETURN QUERY SELECT * FROM ctlpr.retention_findings();
	RETURN QUERY SELECT * FROM ctlpr.log_findings();
	RETURN QUERY SELECT * FROM ctlpr.request_findings();
	RETURN QUERY SELECT * FROM ctlpr.usage_findings();
	RETURN QUERY SELECT * FROM ctlpr.instrument_findings();
	RETURN QUERY SELECT * FROM ctlpr.register_findings();
	RETURN QUERY SELECT * FROM ctlpr.report_findings();
	RETURN QUERY SELECT * FROM ctlpr.external_audit_findings();
	RETURN QUERY SELECT * FROM ctlpr.governance_findings();
END
$$;
COMMENT ON FUNCTION ctlpr.all_findings() IS 'Internal: the findings that the role that acts may know of, those that are closed among them';

CREATE OR REPLACE FUNCTION ctlpr.current_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT f.*
	FROM ctlpr.all_findings() f
	WHERE NOT ctlpr.finding_closed(f.finding_id, f.kind, f.severity, f.evidence);
END
$$;
COMMENT ON FUNCTION ctlpr.current_findings() IS 'What the view findings shows: the findings that the role that acts may know of';

CREATE OR REPLACE VIEW ctlpr.findings WITH (security_barrier) AS
SELECT f.finding_id, f.severity, f.finding, f.clause, f.agency_id, f.officer, f.evidence, f.remedy, f.kind
FROM ctlpr.current_findings() f;
COMMENT ON VIEW ctlpr.findings IS 'What an auditor should look into, from the log and from the state of the database now';
COMMENT ON COLUMN ctlpr.findings.finding_id IS 'Number of the finding, the same at every call: a hash of its kind and of what it is about';
COMMENT ON COLUMN ctlpr.findings.severity IS 'info | warning | violation';
COMMENT ON COLUMN ctlpr.findings.finding IS 'What was found';
COMMENT ON COLUMN ctlpr.findings.clause IS 'Clauses of the statute that it concerns';
COMMENT ON COLUMN ctlpr.findings.agency_id IS 'Agency that it concerns; NULL if none or all';
COMMENT ON COLUMN ctlpr.findings.officer IS 'Officer, as stated, where it concerns one';
COMMENT ON COLUMN ctlpr.findings.evidence IS 'Entries of the log that show it, the newest 1000 at most';
COMMENT ON COLUMN ctlpr.findings.remedy IS 'What to do about it';
COMMENT ON COLUMN ctlpr.findings.kind IS 'What kind of finding it is; see ctlpr.finding_kinds and docs/findings.md';

/*
 * Rights
 */
REVOKE ALL ON FUNCTION
	ctlpr.finding_id(text, text[]),
	ctlpr.law_zone(),
	ctlpr.screen_strength(text),
	ctlpr.retention_findings(),
	ctlpr.log_findings(),
	ctlpr.request_findings(),
	ctlpr.register_findings(),
	ctlpr.governance_findings(),
	ctlpr.all_findings(),
	ctlpr.current_findings()
	FROM PUBLIC;
REVOKE ALL ON ctlpr.findings FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.current_findings() TO ctlpr_auditor;
GRANT SELECT ON ctlpr.findings TO ctlpr_auditor;
