/*
 * annual_figures.sql - what the annual report of 15(a) counts, and how.
 *
 * Where the figures come from.  All but four items are counted from entries
 * of the log whose verdict was given in the year, by the days of the
 * statute's time zone; so a past year's are the same at every call, and
 * anybody who has the log can count them again.  The four are said in
 * docs/reports.md: plates scanned (ctlpr.ingest_count, kept when the reads
 * are gone), reads deleted late (ctlpr.purge_run, of which the certificates
 * are made), copies kept too long (ctlpr.data_copy), and expired reads that
 * are there when the report is made, which no record of the past can tell.
 *
 * What is in it.  The report is published, 15(c).  So nothing in it is text
 * that somebody typed: a stated reason, a case number, an offense or an
 * unknown purpose may spell a plate.  Reasons are purposes of the statute,
 * offenses fall into a closed list, clauses and names of functions are ours.
 * An item of which there is nothing has a row with count 0.
 *
 * Whose it is.  An agency's searches are those that it made, or its vendor for
 * it; what was shared, accessed or kept too long is of its reads, whoever
 * looked.
 *
 * Speed.  The views over the log look up each entry's outcome by itself,
 * which is right for a page of entries and not for a year of them.  Here the
 * year is read once by the index on time, its outcomes once by the index on
 * their verdicts, and the two are joined.
 */

/*
 * year_start(year) - the instant at which a calendar year begins, in the
 * statute's time zone.  Errors: 22004, 22023 no year.
 */
CREATE FUNCTION ctlpr.year_start(year int)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF year IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "year" must not be null',
			HINT = 'State the calendar year, as in 2026.';
	END IF;
	IF year NOT BETWEEN 1900 AND 2199 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "year" names no year of this age',
			HINT = 'State the calendar year with four digits, as in 2026.';
	END IF;
	RETURN make_timestamp(year, 1, 1, 0, 0, 0) AT TIME ZONE (ctlpr.adopted_statute()).time_zone;
END
$$;
COMMENT ON FUNCTION ctlpr.year_start(int) IS 'Internal: the instant at which a calendar year begins, in the statute''s time zone';

/*
 * What a stated offense is counted under.  The list is closed, so that no
 * digit and no word of a free text comes through; the first line that fits
 * counts.
 */
CREATE FUNCTION ctlpr.report_offense(offense text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN offense ~ '[^[:space:]]' THEN coalesce((
		SELECT c.category
		FROM (VALUES
			(1, 'homicide', '\m(homicide|murder|manslaughter|death)'),
			(2, 'kidnapping or human trafficking', '\m(kidnap|abduct|human traffick|trafficking in persons)'),
			(3, 'missing or endangered person', '\m(missing|endangered|runaway|welfare check|amber|silver alert)'),
			(4, 'sexual offense', '\m(sex|rape|indecent|lewd|pornograph|obscen|prostitut)'),
			(5, 'robbery', '\m(robber|carjack)'),
			(6, 'assault or threat', '\m(assault|battery|domestic|threat|harass|stalk|menac|strangul|protective|protection order)'),
			(7, 'burglary', '\m(burglar|breaking)'),
			(8, 'stolen vehicle', '\m((motor )?vehicle theft|theft of (a )?(motor )?vehicle|stolen (motor )?(vehicle|car|plate)|auto theft)'),
			(9, 'larceny or stolen property', '\m(larcen|theft|stolen|shoplift|receiving)'),
			(10, 'fraud', '\m(fraud|embezzl|forger|counterfeit|brib|identity|financial)'),
			(11, 'drugs', '\m(drug|narcotic|controlled substance)'),
			(12, 'weapons', '\m(weapon|firearm|gun|shots)'),
			(13, 'warrant', '\m(warrant|fugitive|wanted)'),
			(14, 'traffic or vehicle offense', '\m(traffic|hit and run|hit-and-run|accident|collision|driving|dui|owi|evading|eluding|fleeing|reckless|vehicle offense)'),
			(15, 'damage or arson', '\m(arson|vandal|damage|destruction|dumping|litter)'),
			(16, 'public order', '\m(disorder|disturb|riot|trespass|loiter|curfew|obstruct|alcohol|animal|juvenile)'),
			(17, 'child abuse', '\m(child)'),
			(18, 'terrorism', '\m(terror)'),
			(19, 'parking or traffic analysis', '\m(parking|planning|analysis)')) AS c (place, category, words)
		WHERE lower(offense) ~ c.words
		ORDER BY c.place
		LIMIT 1), 'other') END
$$;
COMMENT ON FUNCTION ctlpr.report_offense(text) IS 'Category of a closed list under which a stated offense is counted, other where none fits; NULL where none was stated';

/*
 * What a recorded change of the configuration bears on, 15(a)(2).  Dealing
 * with people and single cases is no policy.  What is not named here is
 * counted as another rule: a change is never passed over because it is new.
 */
CREATE FUNCTION ctlpr.changed_policy(changed_by text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN changed_by IN ('govern', 'govern_detached', 'follow_parent', 'release', 'register_camera', 'move_camera', 'activate_camera', 'deactivate_camera',
			'authorize_camera', 'revoke_camera_authorization', 'register_protected_site', 'withdraw_protected_site', 'bar_camera', 'unbar_camera') THEN 'collection rules changed'
		WHEN changed_by IN ('start_purge', 'set_agency_option', 'register_copy', 'end_copy', 'register_aggregate', 'withdraw_aggregate', 'confirm_clock') THEN 'retention rules changed'
		WHEN changed_by IN ('file_declaration', 'withdraw_declaration', 'suspend_sharing', 'resume_sharing', 'limit_sharing', 'forbid_purpose', 'lift_limit', 'register_network',
			'join_network', 'leave_network', 'register_contract', 'end_contract', 'authorize_vendor', 'revoke_vendor_authorization', 'standing_request',
			'revoke_standing_request', 'allow_publication', 'withdraw_publication', 'record_determination') THEN 'sharing rules changed'
		WHEN changed_by IN ('set_screen_term', 'drop_screen_term', 'set_screen_list', 'register_immigration_agreement', 'end_immigration_agreement') THEN 'screening rules changed'
		WHEN changed_by IN ('adopt_statute', 'statute_changed', 'copy_statute') THEN 'statute changed'
		WHEN changed_by IN ('register_policy') THEN 'policy registered'
		WHEN changed_by IN ('register_agency', 'bind_role', 'unbind_role', 'bind_auditor', 'unbind_auditor', 'agency_key', 'drop_agency_key', 'register_officer', 'authorize',
			'revoke_authorization', 'report_suspected_misuse', 'record_post_notice', 'load_hotlist', 'withdraw_hotlist', 'record_review', 'record_annual_report', 'close_finding', 'reopen_finding', 'approve_reason',
			'set_shift', 'end_shift', 'set_offense_category', 'remove_offense_category',
			'import_external_audit', 'release_reason') THEN NULL
		ELSE 'other rules changed'
	END
$$;
COMMENT ON FUNCTION ctlpr.changed_policy(text) IS 'Item of the annual report under which a recorded change of the configuration is counted, 15(a)(2); NULL where it is no change of a policy';

/*
 * Items of the annual report, with their clauses, in its order.  Names are
 * part of the public face: others show the same figures under them.
 */
CREATE FUNCTION ctlpr.report_items()
RETURNS TABLE (place int, clause text, item text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
		(10, '15(a)(1)(A)', 'plates scanned'),
		(11, '15(a)(1)(A)', 'reads deleted by the purge'),
		(20, '15(a)(1)(B)', 'searches'),
		(21, '15(a)(1)(B)', 'searches, by offense'),
		(22, '15(a)(1)(B)', 'searches in observe mode'),
		(23, '15(a)(1)(B)', 'requests without a statement'),
		(24, '15(a)(1)(B)', 'requests refused'),
		(25, '15(a)(1)(B)', 'statements'),
		(26, '15(a)(1)(B)', 'statements refused'),
		(27, '15(a)(1)(B)', 'statements under standing requests'),
		(28, '15(a)(1)(B)', 'statements under break-glass'),
		(29, '15(a)(1)(B)', 'statements in observe mode'),
		(30, '15(a)(1)(B)', 'statements for hotlist comparison'),
		(31, '15(a)(1)(B)', 'hotlist comparisons'),
		(32, '15(a)(1)(B)', 'hotlist matches at ingest'),
		(33, '15(a)(1)(B)', 'hotlists handed to a matcher'),
		(40, '15(a)(1)(C)', 'accessed by another entity'),
		(41, '15(a)(1)(C)', 'accessed by another entity, by basis'),
		(42, '15(a)(1)(C)', 'accessed by another entity in observe mode'),
		(43, '15(a)(1)(C)', 'disclosed outside of the database'),
		(44, '15(a)(1)(C)', 'disclosed without a basis'),
		(50, '15(a)(1)(D)', 'shared or accessed under a judicial warrant'),
		(51, '15(a)(1)(D)', 'own access under a judicial warrant'),
		(60, '15(a)(1)(E)', 'reads deleted late'),
		(61, '15(a)(1)(E)', 'expired reads present when the report was made'),
		(62, '15(a)(1)(E)', 'copies kept too long'),
		(70, '15(a)(1)(F)', 'collection requested at a protected site'),
		(80, '15(a)(1)(G)', 'accessed on or after the 14th day'),
		(81, '15(a)(1)(G)', 'accessed in the 24 hours before 14 full days'),
		(90, '15(a)(2)', 'collection rules changed'),
		(91, '15(a)(2)', 'retention rules changed'),
		(92, '15(a)(2)', 'sharing rules changed'),
		(93, '15(a)(2)', 'screening rules changed'),
		(94, '15(a)(2)', 'statute changed'),
		(95, '15(a)(2)', 'policy registered'),
		(96, '15(a)(2)', 'other rules changed')
$$;
COMMENT ON FUNCTION ctlpr.report_items() IS 'Items of the annual report with their clauses, in its order';

/*
 * report_entries(from_at, until_at) - the verdicts of a time with what came of
 * them, put together in bulk.
 *
 * actor: the agency that acted, for a vendor the one that it acts for;
 * ran: it was executed, or may have been; request: action of the entry that
 * request_seq names, and began: whether this is the first statement under it.
 * A reading of the log is left out.
 */
CREATE FUNCTION ctlpr.report_entries(from_at timestamptz, until_at timestamptz)
RETURNS TABLE (seq bigint, at timestamptz, request_seq bigint, actor text, agency_id text, on_behalf_of text, officer text, purpose text, offense text, case_number text,
	reason text, basis text, action text, search_kind text, allowed boolean, enforced boolean, sqlstate text, clause text, detail jsonb, relation text,
	is_statement boolean, ran boolean, failed boolean, outcomes bigint, oldest_age_days int, owners text[])
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED NOT LEAKPROOF ROWS 100000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	span record;
BEGIN
	/* count(*) keeps the planner from looking for the least number along the primary key */
	SELECT min(e.seq) AS first, max(e.seq) AS last, count(*) AS entries INTO span
		FROM ctlpr.audit_entry e WHERE e.at >= report_entries.from_at AND e.at < report_entries.until_at;
	RETURN QUERY
	WITH outcome AS MATERIALIZED (
		SELECT x.of_seq, count(*) AS outcomes, bool_or(x.outcome = 'error') AS failed, max(x.oldest_age_days) AS oldest_age_days
		FROM ctlpr.audit_entry x
		WHERE x.of_seq BETWEEN span.first AND span.last AND x.entry = 'outcome'
		GROUP BY x.of_seq
	), owner AS MATERIALIZED (
		SELECT x.of_seq, array_agg(DISTINCT u.owner) AS owners
		FROM ctlpr.audit_entry x
			CROSS JOIN LATERAL unnest(x.owners, x.owner_rows) u(owner, rows)
		WHERE x.of_seq BETWEEN span.first AND span.last AND x.entry = 'outcome' AND u.rows > 0
		GROUP BY x.of_seq
	)
	SELECT e.seq, e.at, e.request_seq,
		CASE e.agency_kind WHEN 'vendor' THEN coalesce(e.on_behalf_of, e.agency_id) ELSE e.agency_id END,
		e.agency_id, e.on_behalf_of, e.officer, e.purpose, e.offense, e.case_number, e.reason, e.basis, e.action, e.search_kind, e.allowed, e.enforced,
		e.sqlstate, e.clause, e.detail, e.relation,
		e.action IN ('select', 'insert', 'update', 'delete', 'merge', 'copy'),
		coalesce(e.allowed, false) OR e.enforced IS FALSE,
		coalesce(o.failed, false), coalesce(o.outcomes, 0), o.oldest_age_days, w.owners
	FROM ctlpr.audit_entry e
		LEFT JOIN outcome o ON o.of_seq = e.seq
		LEFT JOIN owner w ON w.of_seq = e.seq
	WHERE e.at >= report_entries.from_at AND e.at < report_entries.until_at
		AND e.entry = 'verdict'
		AND e.relation IS DISTINCT FROM 'ctlpr.audit_entry';
END
$$;
COMMENT ON FUNCTION ctlpr.report_entries(timestamptz, timestamptz) IS 'Internal: the verdicts of a time, from an instant on and before another, with what came of them';

/*
 * annual_figures(agency_id, from_at, until_at, made_at) - the figures of an
 * agency's own log; NULL: of all agencies together.
 *
 * Result: rows with a count above 0 only, but for items that have none.
 */
CREATE FUNCTION ctlpr.annual_figures(agency_id text, from_at timestamptz, until_at timestamptz)
RETURNS TABLE (clause text, item text, entity text, reason text, count bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	whose    text := annual_figures.agency_id;
	law      ctlpr.statute := ctlpr.adopted_statute();
	first_on date := (annual_figures.from_at AT TIME ZONE law.time_zone)::date;
	next_on  date := (annual_figures.until_at AT TIME ZONE law.time_zone)::date;
BEGIN
	RETURN QUERY
	WITH entry AS MATERIALIZED (
		SELECT * FROM ctlpr.report_entries(annual_figures.from_at, annual_figures.until_at)
	), used AS MATERIALIZED (
		/* requests under which something ran, with how they were begun */
		SELECT s.request_seq, bool_or(s.enforced IS NOT FALSE) AS enforced
		FROM entry s
		WHERE s.is_statement AND s.ran AND s.request_seq IS NOT NULL
		GROUP BY s.request_seq
	), request AS MATERIALIZED (
		SELECT u.request_seq, u.enforced, r.action, r.purpose, r.offense,
			CASE r.agency_kind WHEN 'vendor' THEN coalesce(r.on_behalf_of, r.agency_id) ELSE r.agency_id END AS actor,
			/* one that was begun before and used before was counted then */
			r.at >= annual_figures.from_at OR NOT EXISTS (
				SELECT FROM ctlpr.audit_entry x
				WHERE x.at >= r.at AND x.at < annual_figures.from_at AND x.request_seq = r.seq AND x.entry = 'verdict'
					AND x.action IN ('select', 'insert', 'update', 'delete', 'merge', 'copy') AND (x.allowed OR x.enforced IS FALSE)) AS first_used
		FROM used u
			JOIN ctlpr.audit_entry r ON r.seq = u.request_seq
		/* of a standing request and of break-glass the statements are counted, not the use */
		WHERE r.action = 'request'
	), statement AS MATERIALIZED (
		SELECT s.*,
			CASE
				WHEN s.enforced IS FALSE THEN 'statements in observe mode'
				WHEN NOT s.allowed THEN 'statements refused'
				WHEN s.basis = 'break_glass' THEN 'statements under break-glass'
				WHEN r.request_seq IS NULL AND s.request_seq IS NOT NULL THEN 'statements under standing requests'
				WHEN s.purpose = 'hotlist_comparison' THEN 'statements for hotlist comparison'
				ELSE 'statements'
			END AS item
		FROM entry s
			LEFT JOIN request r ON r.request_seq = s.request_seq
		WHERE s.is_statement
	), access AS MATERIALIZED (
		/* as the view disclosures has it, and what observe mode let pass */
		SELECT s.seq, o.owner, s.allowed, s.basis, s.purpose,
			coalesce(
				/* an agency that was stated and not allowed may be any text */
				CASE WHEN s.on_behalf_of <> o.owner THEN CASE WHEN s.allowed OR EXISTS (SELECT FROM ctlpr.agency g WHERE g.agency_id = s.on_behalf_of) THEN s.on_behalf_of ELSE 'unregistered' END END,
				s.agency_id, CASE WHEN s.basis = 'break_glass' THEN 'administrator (break-glass)' ELSE 'no agency' END) AS entity
		FROM entry s
			CROSS JOIN LATERAL unnest(s.owners) o(owner)
		WHERE s.ran
			AND (o.owner IS DISTINCT FROM s.actor OR o.owner <> s.on_behalf_of)
			AND (whose IS NULL OR o.owner = whose)
	), disclosure AS MATERIALIZED (
		/* what was passed on: reads of the owners, by the agency whose request found them */
		SELECT d.seq, d.allowed, d.clause, d.purpose, d.detail ->> 'recipient_agency' AS entity, d.detail ->> 'basis' AS basis
		FROM entry d
		WHERE d.action = 'disclosure' AND d.detail ? 'recipient_agency'
			AND (whose IS NULL OR d.actor = whose OR coalesce(d.detail -> 'owners' ? whose, false))
	), judicial AS MATERIALIZED (
		SELECT DISTINCT t.kind FROM ctlpr.statute_authorization t WHERE t.statute = law.statute AND 'issuer' = ANY (t.demands)
	), late AS MATERIALIZED (
		SELECT o.agency_id, o.reads::bigint AS reads, p.finished_at - x.expiry AS kept
		FROM ctlpr.purge_run p
			CROSS JOIN LATERAL (SELECT ctlpr.first_expiry(p.run_id) AS expiry) x
			CROSS JOIN LATERAL jsonb_each_text(p.owners) o(agency_id, reads)
		WHERE p.finished_at >= annual_figures.from_at AND p.finished_at < annual_figures.until_at
			AND (whose IS NULL OR o.agency_id = whose)
			/* two rounds at the purge's own pace; a longer ctlpr.purge_naptime is a choice, and makes reads late */
			AND p.finished_at - x.expiry > interval '120 s' + (p.finished_at - p.started_at)
	), figure AS (
		SELECT 'plates scanned' AS item, NULL::text AS entity, NULL::text AS reason, coalesce(sum(i.reads), 0)::bigint AS count
		FROM ctlpr.ingest_count i
		WHERE i.read_on >= first_on AND i.read_on < next_on AND (whose IS NULL OR i.agency_id = whose)
		UNION ALL
		SELECT 'reads deleted by the purge', NULL, NULL, coalesce(sum(CASE WHEN whose IS NULL THEN (e.detail ->> 'rows_deleted')::bigint ELSE (e.detail -> 'owners' ->> whose)::bigint END), 0)::bigint
		FROM entry e
		WHERE e.action = 'purge' AND e.allowed AND e.detail ? 'run_id'
		UNION ALL
		SELECT CASE WHEN r.enforced THEN 'searches' ELSE 'searches in observe mode' END, NULL, r.purpose, count(*)
		FROM request r
		WHERE r.first_used AND r.purpose <> 'hotlist_comparison' AND (whose IS NULL OR r.actor = whose)
		GROUP BY r.enforced, r.purpose
		UNION ALL
		/* in two steps, as there are few offenses and many searches */
		SELECT 'searches, by offense', NULL, coalesce(ctlpr.report_offense(r.offense), 'none stated'), sum(r.searches)::bigint
		FROM (
			SELECT q.offense, count(*) AS searches
			FROM request q
			WHERE q.first_used AND q.enforced AND q.purpose <> 'hotlist_comparison' AND (whose IS NULL OR q.actor = whose)
			GROUP BY q.offense
		) r
		GROUP BY 3
		UNION ALL
		SELECT CASE WHEN e.allowed THEN 'requests without a statement' ELSE 'requests refused' END, NULL, CASE WHEN e.allowed THEN e.purpose ELSE e.clause END, count(*)
		FROM entry e
		WHERE e.action = 'request' AND (whose IS NULL OR e.actor = whose)
			AND NOT (e.allowed AND EXISTS (SELECT FROM used u WHERE u.request_seq = e.seq))
		GROUP BY e.allowed, 3
		UNION ALL
		SELECT s.item, NULL,
			CASE s.item
				WHEN 'statements refused' THEN s.clause
				WHEN 'statements under break-glass' THEN NULL
				WHEN 'statements in observe mode' THEN CASE WHEN s.allowed THEN 'allowed' ELSE 'would have been refused' END
				ELSE s.purpose
			END, count(*)
		FROM statement s
		/* who breaks the glass is no agency: it is counted with each agency whose reads were seen */
		WHERE whose IS NULL OR s.actor = whose OR (s.basis = 'break_glass' AND whose = ANY (s.owners))
		GROUP BY 1, 3
		UNION ALL
		SELECT CASE h.detail ->> 'function' WHEN 'match_hotlist' THEN 'hotlist comparisons' WHEN 'match_at_ingest' THEN 'hotlist matches at ingest' ELSE 'hotlists handed to a matcher' END,
			NULL, coalesce(c.source, 'no list in force'), count(*)
		FROM entry h
			LEFT JOIN LATERAL jsonb_array_elements_text(CASE WHEN jsonb_typeof(h.detail -> 'sources') = 'array' THEN h.detail -> 'sources' END) c(source) ON true
		WHERE h.action = 'hotlist' AND h.allowed AND h.detail ->> 'function' IN ('match_hotlist', 'match_at_ingest', 'live_hotlist_entries') AND (whose IS NULL OR h.actor = whose)
		GROUP BY 1, 3
		UNION ALL
		SELECT CASE WHEN a.allowed THEN 'accessed by another entity' ELSE 'accessed by another entity in observe mode' END, a.entity,
			CASE WHEN a.allowed OR EXISTS (SELECT FROM ctlpr.statute_purpose p WHERE p.purpose = a.purpose) THEN a.purpose WHEN a.purpose IS NOT NULL THEN 'no known purpose' END,
			count(DISTINCT a.seq)
		FROM access a
		GROUP BY 1, a.entity, 3
		UNION ALL
		SELECT 'accessed by another entity, by basis', a.entity, a.basis, count(DISTINCT a.seq)
		FROM access a
		WHERE a.allowed
		GROUP BY a.entity, a.basis
		UNION ALL
		SELECT CASE WHEN d.allowed THEN 'disclosed outside of the database' ELSE 'disclosed without a basis' END, d.entity, CASE WHEN d.allowed THEN d.purpose ELSE d.clause END, count(*)
		FROM disclosure d
		GROUP BY d.allowed, d.entity, 3
		UNION ALL
		SELECT 'shared or accessed under a judicial warrant', w.entity, w.basis, count(DISTINCT w.seq)
		FROM (
			SELECT a.seq, a.entity, a.basis FROM access a WHERE a.allowed
			UNION ALL
			SELECT d.seq, d.entity, d.basis FROM disclosure d WHERE d.allowed
		) w
			JOIN judicial j ON j.kind = w.basis
		GROUP BY w.entity, w.basis
		UNION ALL
		SELECT 'own access under a judicial warrant', NULL, s.basis, count(*)
		FROM entry s
			JOIN judicial j ON j.kind = s.basis
		WHERE s.ran AND s.actor = ANY (s.owners) AND (whose IS NULL OR s.actor = whose)
			AND NOT EXISTS (SELECT FROM access a WHERE a.seq = s.seq AND a.owner = s.actor)
		GROUP BY s.basis
		UNION ALL
		SELECT 'reads deleted late', NULL,
			CASE WHEN l.kept <= interval '1 hour' THEN 'up to an hour' WHEN l.kept <= interval '24 hours' THEN 'up to a day' ELSE 'more than a day' END, sum(l.reads)::bigint
		FROM late l
		GROUP BY 3
		UNION ALL
		SELECT 'expired reads present when the report was made', NULL, NULL, coalesce(sum(x.reads), 0)::bigint
		FROM ctlpr.governed_relation g
			CROSS JOIN LATERAL ctlpr.expired_reads(g.relation) x
		WHERE (whose IS NULL OR x.agency_id = whose)
			/* expired by the end of the time, as far as the day of capture tells; evidence by the end of its hold */
			AND CASE WHEN isfinite(ctlpr.retention_limit(g.relation))
				THEN (x.read_on::timestamp AT TIME ZONE law.time_zone) + (now() - ctlpr.retention_limit(g.relation)) < annual_figures.until_at
				ELSE EXISTS (SELECT FROM ctlpr.hold h WHERE h.relation = g.evidence_of AND h.agency_id = x.agency_id AND h.purge_after < annual_figures.until_at AND ctlpr.held_reads(h.hold_id) > 0)
			END
		UNION ALL
		SELECT 'copies kept too long', NULL, c.kind, count(*)
		FROM ctlpr.data_copy c
			CROSS JOIN (
				SELECT min(r.period) AS period
				FROM ctlpr.statute_retention r
					JOIN ctlpr.governed_relation g ON g.retention = r.rule
				WHERE r.statute = law.statute AND r.valid_from < annual_figures.until_at AND annual_figures.from_at < r.valid_until
			) p
		WHERE c.registered_at < annual_figures.until_at AND coalesce(c.ended_at, 'infinity') > annual_figures.from_at
			AND p.period IS NOT NULL
			AND coalesce(c.retention > interval '0', true)
		GROUP BY c.kind
		UNION ALL
		SELECT 'collection requested at a protected site', NULL, CASE WHEN e.action = 'configuration' THEN coalesce(e.detail ->> 'function', e.action) ELSE 'read of a barred camera' END, count(*)
		FROM entry e
		WHERE e.sqlstate = 'LP014' AND (whose IS NULL OR e.agency_id = whose)
		GROUP BY 3
		UNION ALL
		SELECT CASE WHEN s.oldest_age_days >= 14 THEN 'accessed on or after the 14th day' ELSE 'accessed in the 24 hours before 14 full days' END,
			coalesce(CASE WHEN s.allowed OR EXISTS (SELECT FROM ctlpr.agency g WHERE g.agency_id = s.actor) THEN s.actor WHEN s.actor IS NOT NULL THEN 'unregistered' END,
				CASE WHEN s.basis = 'break_glass' THEN 'administrator (break-glass)' ELSE 'no agency' END),
			CASE WHEN s.allowed THEN coalesce(s.purpose, s.basis) ELSE 'observe mode' END, count(*)
		FROM entry s
		WHERE s.ran AND s.oldest_age_days >= 13 AND (whose IS NULL OR whose = ANY (s.owners))
		GROUP BY 1, 2, 3
		UNION ALL
		SELECT p.item, CASE WHEN p.everybodys THEN p.agency_id END, p.changed_by, count(*)
		FROM (
			SELECT coalesce(c.detail ->> 'function', 'direct change of ' || coalesce(c.relation, 'a setting')) AS changed_by, c.agency_id,
				CASE WHEN c.detail ? 'function' THEN ctlpr.changed_policy(c.detail ->> 'function') ELSE 'other rules changed' END AS item,
				/* with whom everybody's reads may be shared */
				coalesce(c.detail ->> 'function', '') IN ('file_declaration', 'withdraw_declaration', 'suspend_sharing', 'resume_sharing', 'join_network', 'leave_network', 'record_determination') AS everybodys
			FROM entry c
			WHERE c.action = 'configuration' AND c.allowed AND NOT c.failed
		) p
		WHERE p.item IS NOT NULL AND (whose IS NULL OR p.agency_id IS NULL OR p.agency_id = whose OR p.everybodys)
		GROUP BY p.item, 2, p.changed_by
	)
	SELECT i.clause, i.item, f.entity, f.reason, coalesce(f.count, 0)
	FROM ctlpr.report_items() i
		LEFT JOIN figure f ON f.item = i.item AND f.count > 0
	ORDER BY i.place, f.entity COLLATE "C" NULLS FIRST, f.reason COLLATE "C" NULLS FIRST;
END
$$;
COMMENT ON FUNCTION ctlpr.annual_figures(text, timestamptz, timestamptz) IS 'Internal: rows of the annual report from an agency''s own log, of a time from an instant on and before another';

/*
 * external_annual_report(agency_id, year) - what vendors reported of searches in
 * their own systems in a year, from the imports of their audits.
 *
 * A vendor's word, which nothing here proves: so each row is an item of its own,
 * named after the system, and none is added to the figures of the log.  Of the
 * agency are the audits that are registered as its; NULL: all.  One search that
 * several audits of a system show, by the vendor's own number, counts once.
 */
CREATE FUNCTION ctlpr.external_annual_report(agency_id text, year int)
RETURNS TABLE (clause text, item text, entity text, reason text, count bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	from_at  timestamptz := ctlpr.year_start(external_annual_report.year);
	until_at timestamptz := ctlpr.year_start(external_annual_report.year + 1);
BEGIN
	RETURN QUERY
	WITH search AS MATERIALIZED (
		SELECT e.source, e.audited_agency_id AS audited, coalesce(e.vendor_id, format('%s:%s', e.import_id, e.line_no)) AS vendor_id, e.offense, e.screen_category, e.screen_clause,
			coalesce(e.agency_id, e.searching_agency, e.audited_agency_id) AS searcher
		FROM ctlpr.external_searches e
		WHERE e.searched_at >= from_at AND e.searched_at < until_at
			AND (external_annual_report.agency_id IS NULL OR e.audited_agency_id = external_annual_report.agency_id)
	), figure AS (
		SELECT '15(a)(1)(B)' AS clause, format('searches in %s (as reported by the vendor)', s.source) AS item, NULL::text AS entity,
			coalesce(ctlpr.report_offense(s.offense), 'none stated') AS reason, count(DISTINCT s.vendor_id) AS count
		FROM search s
		WHERE s.searcher IS NOT DISTINCT FROM s.audited
		GROUP BY s.source, 4
		UNION ALL
		SELECT '15(a)(1)(C)', format('searches by others in %s (as reported by the vendor)', s.source), s.searcher, coalesce(ctlpr.report_offense(s.offense), 'none stated'), count(DISTINCT s.vendor_id)
		FROM search s
		WHERE s.searcher IS DISTINCT FROM s.audited
		GROUP BY s.source, s.searcher, 4
		UNION ALL
		SELECT s.screen_clause, format('searches in %s whose reason was found by screening (as reported by the vendor)', s.source), CASE WHEN s.searcher IS DISTINCT FROM s.audited THEN s.searcher END,
			s.screen_category, count(DISTINCT s.vendor_id)
		FROM search s
		WHERE s.screen_category IS NOT NULL
		GROUP BY s.source, s.screen_clause, 3, s.screen_category
	)
	SELECT f.clause, f.item, f.entity, f.reason, f.count
	FROM figure f
	ORDER BY f.item COLLATE "C", f.clause COLLATE "C", f.entity COLLATE "C" NULLS FIRST, f.reason COLLATE "C";
END
$$;
COMMENT ON FUNCTION ctlpr.external_annual_report(text, int) IS 'Internal: rows of the annual report from imported audits of vendors: their word, apart from the figures of the log';
