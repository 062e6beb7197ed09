/*
 * usage_finding.sql - findings from how people search: one plate again and
 * again without a case, searches off duty, logins that are shared, reasons
 * that say nothing.
 *
 * None of these is a breach by itself.  They say where an auditor should ask,
 * so each is a warning, and the limits below are set so that ordinary work
 * stays under them.  They look back to the beginning of the last quarter, as
 * the quarterly audit does (14(a)(6)); reasons, whose share is what counts,
 * over 90 days.  Purposes under which programs may work (standing) are left
 * out everywhere: parking enforcement looks up the same vehicles every day.
 *
 *   repeated_plate  An officer's day is one on which that officer sought the
 *       plate at least once without a case.  Three of these within 30 days are
 *       a finding, of one officer or of several of an agency, so that it helps
 *       nobody to have a colleague look.  Refused searches count.  Plates are
 *       compared as instruments compare them (normal_plate()).  What the plate
 *       column was compared with in other ways than equality counts where it
 *       has a digit: it may be a word that is no plate.
 *
 *   outside_shift  Only of agencies that registered shifts, and only for as
 *       long as one of theirs holds.  Who is not named is on no shift.
 *
 *   shared_login  What the log can show is that one name is in two places, or
 *       that one login has two names.  A single change tells little: people
 *       walk from the car to the desk.  So what counts is A, B and A again
 *       within ten minutes, three times in the period.  A place is the
 *       terminal that the request states and, where the login is somebody's
 *       own, the client's address.  A login that states five officers or more
 *       is taken for an application's pool: its address is the application
 *       server's, and that it has many names is its purpose, so neither is
 *       held against it.  It is listed once (pooled_login), for a personal
 *       login that is passed around among many would look the same.
 *
 *   vague_reasons  Of an agency's allowed requests, at least 20, more than half
 *       have no reason, or one that the screen found vague or to be a case
 *       number only.
 */
CREATE FUNCTION ctlpr.finding_limits(OUT repeated_days int, OUT repeated_within_days int, OUT changes int, OUT changes_within interval,
	OUT pool_officers int, OUT reasons_within_days int, OUT reasons_requests int, OUT reasons_share numeric, OUT lapse_days int, OUT purge_naptimes int)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN (3, 30, 3, interval '10 minutes', 5, 90, 20, 0.5, 30, 5);
COMMENT ON FUNCTION ctlpr.finding_limits() IS 'Limits from which on something is a finding, see docs/findings.md';

CREATE FUNCTION ctlpr.usage_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone     text := ctlpr.law_zone();
	since    timestamptz := (date_trunc('quarter', now() AT TIME ZONE zone) - interval '3 months') AT TIME ZONE zone;
	most     record;
	standing text[] := ARRAY(SELECT DISTINCT p.purpose FROM ctlpr.statute_purpose p JOIN ctlpr.statute_adoption a ON a.statute = p.statute WHERE p.standing);
BEGIN
	SELECT * INTO most FROM ctlpr.finding_limits();

	RETURN QUERY
	WITH entry AS (
		SELECT e.seq, e.agency_id, e.officer, (e.at AT TIME ZONE zone)::date AS day, e.search_kind, ctlpr.normal_plate(x.sought) AS plate
		FROM ctlpr.audit_entry e
			CROSS JOIN LATERAL unnest(e.plates) x (sought)
		WHERE e.at >= since
			AND e.entry = 'verdict'
			AND e.plates IS NOT NULL
			AND e.agency_id IS NOT NULL
			AND e.purpose <> ALL (standing)
			AND NOT coalesce(e.redacted ?| '{case_number,officer}', false)
			AND (e.case_number IS NULL OR (ctlpr.is_pending(e.case_number)
				AND NOT EXISTS (SELECT FROM ctlpr.request_completion c WHERE c.request_seq = e.request_seq)))
		/* a plate is normalized once */
		OFFSET 0
	), sought AS (
		SELECT e.seq, e.agency_id, e.officer, ctlpr.plain_name(e.officer) AS person, e.day, e.plate
		FROM entry e
		WHERE char_length(e.plate) BETWEEN 2 AND 15
			AND (e.search_kind = 'plate' OR e.plate ~ '[0-9]')
	), day AS (
		SELECT s.agency_id, s.plate, s.person, s.day, min(s.officer) AS officer, array_agg(s.seq) AS seqs
		FROM sought s
		GROUP BY s.agency_id, s.plate, s.person, s.day
	), span AS (
		SELECT d.*, d.day - lag(d.day, most.repeated_days - 1) OVER (PARTITION BY d.agency_id, d.plate ORDER BY d.day) AS days
		FROM day d
	), repeated AS (
		SELECT s.agency_id, s.plate, count(*) AS days, count(DISTINCT s.person) AS persons, min(s.officer) AS officer,
			bool_or(s.person IS NULL) AS unnamed, min(s.day) AS first_on, max(s.day) AS last_on
		FROM span s
		GROUP BY s.agency_id, s.plate
		HAVING min(s.days) <= most.repeated_within_days
	)
	SELECT ctlpr.finding_id('repeated_plate', r.agency_id, r.plate),
		'warning',
		format('one plate was sought without a case number on %s days, the first %s, the last %s; officers: %s', r.days, r.first_on, r.last_on,
			CASE WHEN r.persons = 0 THEN 'none was named' ELSE r.persons || CASE WHEN r.unnamed THEN ' and some not named' ELSE '' END END),
		'13(b)(1)(B)(ii), 13(k)',
		r.agency_id,
		CASE WHEN r.persons = 1 AND NOT r.unnamed THEN r.officer END,
		(SELECT (array_agg(DISTINCT x.seq ORDER BY x.seq DESC))[1:1000] FROM day d, unnest(d.seqs) x (seq) WHERE d.agency_id = r.agency_id AND d.plate = r.plate),
		'Ask what each search was for; where there was a case, have it stated from now on.',
		'repeated_plate'
	FROM repeated r
	WHERE ctlpr.auditor_sees(r.agency_id, NULL);

	IF EXISTS (SELECT FROM ctlpr.shift) THEN
		RETURN QUERY
		SELECT ctlpr.finding_id('outside_shift', e.agency_id, ctlpr.plain_name(e.officer)),
			'warning',
			format('%s: %s, the last on %s',
				CASE WHEN min(e.officer) IS NULL THEN 'searches by an officer who is not named, while shifts are registered' ELSE 'searches outside of the shifts that are registered' END,
				count(*), to_char(max(e.at) AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI')),
			'13(k), 14(a)(6)',
			e.agency_id,
			min(e.officer),
			(array_agg(e.seq ORDER BY e.seq DESC))[1:1000],
			'Compare with the duty roster; where the roster is right, register the shift with ctlpr.set_shift().',
			'outside_shift'
		FROM ctlpr.audit_entry e
		WHERE e.at >= since
			AND e.entry = 'verdict'
			AND e.search_kind <> 'none'
			AND e.purpose <> ALL (standing)
			AND NOT coalesce(e.redacted ? 'officer', false)
			AND e.agency_id IN (SELECT s.agency_id FROM ctlpr.shift s)
			AND EXISTS (
				SELECT FROM ctlpr.shift s
				WHERE s.agency_id = e.agency_id AND s.valid_from <= e.at AND (s.ended_at IS NULL OR e.at < s.ended_at))
			AND NOT EXISTS (
				SELECT FROM ctlpr.shift s
				WHERE s.agency_id = e.agency_id AND s.valid_from <= e.at AND (s.ended_at IS NULL OR e.at < s.ended_at)
					AND e.officer IS NOT NULL
					AND (s.officer IS NULL OR ctlpr.plain_name(s.officer) = ctlpr.plain_name(e.officer))
					AND ctlpr.in_shift(s.weekdays, s.from_time, s.until_time, e.at AT TIME ZONE zone))
		GROUP BY e.agency_id, ctlpr.plain_name(e.officer)
		HAVING ctlpr.auditor_sees(e.agency_id, NULL);
	END IF;

	RETURN QUERY
	WITH stated AS MATERIALIZED (
		SELECT e.seq, e.at, e.agency_id, e.session_role, e.officer, e.terminal, e.client_addr
		FROM ctlpr.audit_entry e
		WHERE e.at >= since
			AND e.entry = 'verdict'
			AND e.action = 'request'
			AND e.officer IS NOT NULL
			AND e.agency_id IS NOT NULL
	), place AS (
		/* few against the requests: from here on, what is compared is compared once */
		SELECT DISTINCT s.session_role, s.agency_id, s.officer, s.terminal, s.client_addr
		FROM stated s
	), named AS (
		SELECT n.agency_id, n.officer, ctlpr.plain_name(n.officer) AS person, dense_rank() OVER (ORDER BY n.agency_id, ctlpr.plain_name(n.officer)) AS who
		FROM (SELECT DISTINCT p.agency_id, p.officer FROM place p) n
	), login AS MATERIALIZED (
		SELECT p.session_role, count(DISTINCT n.person) AS persons, array_agg(DISTINCT n.agency_id) AS agencies
		FROM place p
			JOIN named n ON n.agency_id = p.agency_id AND n.officer = p.officer
		GROUP BY p.session_role
	), moved AS (
		SELECT n.who
		FROM place p
			JOIN named n ON n.agency_id = p.agency_id AND n.officer = p.officer
			JOIN login l ON l.session_role = p.session_role
		GROUP BY n.who
		HAVING count(DISTINCT p.terminal) > 1 OR count(DISTINCT p.client_addr) FILTER (WHERE l.persons < most.pool_officers) > 1
	), suspect AS MATERIALIZED (
		SELECT DISTINCT p.session_role, p.agency_id, p.officer, n.who, l.persons < most.pool_officers AS personal, l.persons BETWEEN 2 AND most.pool_officers - 1 AS has_names
		FROM place p
			JOIN named n ON n.agency_id = p.agency_id AND n.officer = p.officer
			JOIN login l ON l.session_role = p.session_role
		WHERE l.persons BETWEEN 2 AND most.pool_officers - 1 OR n.who IN (SELECT m.who FROM moved m)
	), used AS MATERIALIZED (
		SELECT s.seq, s.at, s.session_role, x.who, s.terminal, CASE WHEN x.personal THEN host(s.client_addr) END AS address, x.has_names
		FROM stated s
			JOIN suspect x ON x.session_role = s.session_role AND x.agency_id = s.agency_id AND x.officer = s.officer
	), changed AS (
		/* one name in two places */
		SELECT p.who, NULL::name AS session_role, p.seq, p.earlier
		FROM (
			SELECT x.who, x.seq, x.at, x.place,
				lag(x.place) OVER w AS last, lag(x.place, 2) OVER w AS before_last, lag(x.at, 2) OVER w AS since,
				ARRAY[lag(x.seq) OVER w, lag(x.seq, 2) OVER w] AS earlier
			FROM (
				SELECT u.who, u.seq, u.at, 1 AS what, u.terminal AS place FROM used u WHERE u.terminal IS NOT NULL
				UNION ALL
				SELECT u.who, u.seq, u.at, 2, u.address FROM used u WHERE u.address IS NOT NULL
			) x
			WINDOW w AS (PARTITION BY x.who, x.what ORDER BY x.seq)
		) p
		WHERE p.place = p.before_last AND p.place <> p.last AND p.at - p.since <= most.changes_within
		UNION ALL
		/* one login with two names */
		SELECT p.who, p.session_role, p.seq, p.earlier
		FROM (
			SELECT u.session_role, u.who, u.seq, u.at,
				lag(u.who) OVER w AS last, lag(u.who, 2) OVER w AS before_last, lag(u.at, 2) OVER w AS since,
				ARRAY[lag(u.seq) OVER w, lag(u.seq, 2) OVER w] AS earlier
			FROM used u
			WHERE u.has_names
			WINDOW w AS (PARTITION BY u.session_role ORDER BY u.seq)
		) p
		WHERE p.who = p.before_last AND p.who <> p.last AND p.at - p.since <= most.changes_within
	), shared AS (
		SELECT n.agency_id, c.session_role, CASE WHEN c.session_role IS NULL THEN n.person END AS person, CASE WHEN c.session_role IS NULL THEN min(n.officer) END AS officer,
			count(DISTINCT c.seq) AS times, array_agg(c.earlier || c.seq) AS seqs
		FROM changed c
			JOIN (SELECT x.who, x.agency_id, x.person, min(x.officer) AS officer FROM named x GROUP BY x.who, x.agency_id, x.person) n ON n.who = c.who
		GROUP BY n.agency_id, c.session_role, CASE WHEN c.session_role IS NULL THEN n.person END
	)
	SELECT ctlpr.finding_id('shared_login', s.agency_id, CASE WHEN s.session_role IS NULL THEN 'officer' ELSE 'login' END, coalesce(s.session_role, s.person)),
		'warning',
		CASE
			WHEN s.session_role IS NULL THEN format('one officer''s requests came from two terminals or addresses in turn within %s minutes: %s times',
				extract(epoch FROM most.changes_within)::int / 60, s.times)
			ELSE format('requests of login %s named two officers in turn within %s minutes: %s times', s.session_role,
				extract(epoch FROM most.changes_within)::int / 60, s.times)
		END,
		'13(k), 13(g)(5)',
		s.agency_id,
		s.officer,
		(SELECT (array_agg(DISTINCT y.seq ORDER BY y.seq DESC))[1:1000] FROM unnest(s.seqs) y (seq)),
		'Ask whether somebody else used the login or the name; give each officer a login, or the application a way to tell them apart.',
		'shared_login'
	FROM shared s
	WHERE s.times >= most.changes
		AND ctlpr.auditor_sees(s.agency_id, NULL)
	UNION ALL
	SELECT ctlpr.finding_id('pooled_login', g.agency_id, l.session_role),
		'info',
		format('login %s states %s officers or more: who they are is what its application says', l.session_role, most.pool_officers),
		'13(k), 14(a)(6)',
		g.agency_id,
		NULL::text,
		'{}'::bigint[],
		'If this is an application that knows its users, close this; if it is somebody''s own login, have its password changed.',
		'pooled_login'
	FROM login l
		CROSS JOIN LATERAL unnest(l.agencies) g (agency_id)
	WHERE l.persons >= most.pool_officers
		AND ctlpr.auditor_sees(g.agency_id, NULL);

	RETURN QUERY
	SELECT ctlpr.finding_id('vague_reasons', r.agency_id),
		'warning',
		format('of %s requests in %s days, %s %% state no reason (%s), a vague one (%s) or a case number only (%s)', r.requests, most.reasons_within_days,
			round(100.0 * (r.missing + r.vague + r.numbers) / r.requests), r.missing, r.vague, r.numbers),
		'13(b)(1)(B)(ii)(I), 15(a)(1)(B)',
		r.agency_id,
		NULL::text,
		r.evidence[1:1000],
		'Have the agency''s officers say why they search; see ctlpr.screen_term for what is taken to be vague.',
		'vague_reasons'
	FROM (
		SELECT x.agency_id, count(*) AS requests,
			count(*) FILTER (WHERE x.flaw = 'missing') AS missing,
			count(*) FILTER (WHERE x.flaw = 'vague') AS vague,
			count(*) FILTER (WHERE x.flaw = 'case_number_only') AS numbers,
			array_agg(x.seq ORDER BY x.seq DESC) FILTER (WHERE x.flaw IS NOT NULL) AS evidence
		FROM (
			SELECT e.seq, e.agency_id,
				CASE
					WHEN e.reason IS NULL OR e.reason !~ '[^[:space:]]' THEN 'missing'
					WHEN e.detail #>> '{screen,category}' IN ('vague', 'case_number_only') THEN e.detail #>> '{screen,category}'
				END AS flaw
			FROM ctlpr.audit_entry e
			WHERE e.at >= now() - most.reasons_within_days * interval '1 day'
				AND e.entry = 'verdict'
				AND e.action = 'request'
				AND e.allowed
				AND e.agency_id IS NOT NULL
				AND e.purpose <> ALL (standing)
				AND NOT coalesce(e.redacted ? 'reason', false)
		) x
		GROUP BY x.agency_id
	) r
	WHERE r.requests >= most.reasons_requests
		AND r.missing + r.vague + r.numbers > most.reasons_share * r.requests
		AND ctlpr.auditor_sees(r.agency_id, NULL);
END
$$;
COMMENT ON FUNCTION ctlpr.usage_findings() IS 'Findings: how people search';
