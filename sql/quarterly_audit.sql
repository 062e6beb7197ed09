/*
 * quarterly_audit.sql - what a reviewer goes through each quarter, 14(a)(6):
 * how the data was accessed, (A) how often it was retained and (B) for how
 * long, what was refused, and whether the log itself is whole.
 *
 * It is for auditors and is not published, so unlike the annual report it has
 * officers, stated reasons and case numbers, and names the entries.  A plate
 * that was typed into a reason is in it as it is in the log.  What is of the quarter is
 * counted from the log; sections named "now" are the state at the time of the call.
 */

/*
 * quarter_figures(agency_id, from_at, until_at) - what the log of a time tells an
 * audit of an agency: of the entries that it, or its vendor for it, made, and
 * of those that touched its reads; NULL: of all.
 *
 * Result: a row for each figure above 0, and one with 0 for each item that has none.
 */
CREATE FUNCTION ctlpr.quarter_figures(agency_id text, from_at timestamptz, until_at timestamptz)
RETURNS TABLE (section text, item text, detail text, count bigint, value text, evidence bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	whose text := quarter_figures.agency_id;
BEGIN
	RETURN QUERY
	WITH entry AS MATERIALIZED (
		SELECT e.*, whose IS NULL OR e.actor = whose OR e.agency_id = whose AS own
		FROM ctlpr.report_entries(quarter_figures.from_at, quarter_figures.until_at) e
		WHERE whose IS NULL OR e.actor = whose OR e.agency_id = whose OR whose = ANY (e.owners)
			OR e.action IN ('purge', 'erase', 'break_glass') OR (e.action = 'disclosure' AND coalesce(e.detail -> 'owners' ? whose, false))
	), request AS MATERIALIZED (
		/* searches, as in the annual report, but each in the quarter in which it was begun or used */
		SELECT r.seq, r.officer, r.purpose, r.reason, coalesce(c.case_number, r.case_number) AS case_number
		FROM (SELECT s.request_seq FROM entry s WHERE s.is_statement AND s.ran AND s.own AND s.request_seq IS NOT NULL GROUP BY s.request_seq) u
			JOIN ctlpr.audit_entry r ON r.seq = u.request_seq AND r.action = 'request'
			LEFT JOIN ctlpr.request_completion c ON c.request_seq = r.seq
		WHERE r.purpose <> 'hotlist_comparison'
	), reason AS (
		SELECT coalesce(q.reason, '(none stated)') AS stated, count(*) AS searches, (array_agg(q.seq ORDER BY q.seq DESC))[1:1000] AS evidence,
			row_number() OVER (ORDER BY count(*) DESC, q.reason COLLATE "C") AS place
		FROM request q
		GROUP BY q.reason
	), access AS (
		SELECT s.seq, s.allowed, s.purpose, s.basis,
			coalesce(CASE WHEN s.on_behalf_of <> o.owner THEN s.on_behalf_of END, s.agency_id, CASE WHEN s.basis = 'break_glass' THEN 'administrator (break-glass)' ELSE 'no agency' END) AS entity
		FROM entry s
			CROSS JOIN LATERAL unnest(s.owners) o(owner)
		WHERE s.ran AND (o.owner IS DISTINCT FROM s.actor OR o.owner <> s.on_behalf_of) AND (whose IS NULL OR o.owner = whose)
	), held AS MATERIALIZED (
		SELECT h.*, (SELECT min(e.seq) FROM ctlpr.audit_entry e WHERE e.at >= h.started_at AND e.at < h.started_at + interval '1 day' AND e.action = 'hold' AND e.entry = 'verdict'
				AND e.detail ->> 'function' = 'preserve' AND e.detail ->> 'hold_id' = h.hold_id::text) AS seq,
			least(coalesce(h.ended_at, now()), quarter_figures.until_at) - h.started_at AS duration,
			h.ended_at IS NULL OR h.ended_at >= quarter_figures.until_at AS is_open
		FROM ctlpr.hold h
		WHERE (whose IS NULL OR h.agency_id = whose) AND h.started_at < quarter_figures.until_at AND coalesce(h.ended_at, 'infinity') >= quarter_figures.from_at
	), purged AS (
		SELECT p.certificate_seq, p.finished_at - ctlpr.first_expiry(p.run_id) AS kept, p.finished_at - p.started_at AS lasted, o.reads::bigint AS reads
		FROM ctlpr.purge_run p
			CROSS JOIN LATERAL jsonb_each_text(p.owners) o(agency_id, reads)
		WHERE p.finished_at >= quarter_figures.from_at AND p.finished_at < quarter_figures.until_at AND (whose IS NULL OR o.agency_id = whose)
	), figure (place, section, item, detail, count, value, evidence) AS (
		SELECT 10, 'access', 'searches', q.purpose, count(*), NULL::text, (array_agg(q.seq ORDER BY q.seq DESC))[1:1000] FROM request q GROUP BY q.purpose
		UNION ALL
		SELECT 11, 'access', 'searches by officer', coalesce(q.officer, '(none stated)'), count(*), NULL, (array_agg(q.seq ORDER BY q.seq DESC))[1:1000] FROM request q GROUP BY q.officer
		UNION ALL
		/* the fifty most frequent, and the rest together */
		SELECT 12, 'access', 'searches by stated reason', r.stated, r.searches, NULL, r.evidence FROM reason r WHERE r.place <= 50
		UNION ALL
		SELECT 12, 'access', 'searches by stated reason', '(other reasons)', coalesce(sum(r.searches), 0)::bigint, format('%s reasons', count(*)), NULL FROM reason r WHERE r.place > 50
		UNION ALL
		SELECT 13, 'access', CASE WHEN ctlpr.is_pending(q.case_number) THEN 'searches whose case number is pending' ELSE 'searches without a case number' END, q.purpose, count(*), NULL, (array_agg(q.seq ORDER BY q.seq DESC))[1:1000]
		FROM request q WHERE coalesce(btrim(q.case_number), '') = '' OR ctlpr.is_pending(q.case_number) GROUP BY 3, q.purpose
		UNION ALL
		SELECT 14, 'access', 'statements by basis', coalesce(s.basis, '(none)'), count(*), NULL, (array_agg(s.seq ORDER BY s.seq DESC))[1:1000] FROM entry s WHERE s.is_statement AND s.ran AND s.own GROUP BY s.basis
		UNION ALL
		SELECT 15, 'access', 'statements by kind', coalesce(s.search_kind, '(none)'), count(*), NULL, (array_agg(s.seq ORDER BY s.seq DESC))[1:1000] FROM entry s WHERE s.is_statement AND s.ran AND s.own GROUP BY s.search_kind
		UNION ALL
		SELECT 16, 'access', 'statements in observe mode', CASE WHEN s.allowed THEN 'allowed' ELSE 'would have been refused' END, count(*), NULL, (array_agg(s.seq ORDER BY s.seq DESC))[1:1000] FROM entry s WHERE s.is_statement AND s.enforced IS FALSE GROUP BY s.allowed
		UNION ALL
		SELECT 17, 'access', 'break-glass', b.reason, 1::bigint, format('statements under it: %s', count(s.seq)), (b.seq || array_agg(s.seq ORDER BY s.seq DESC) FILTER (WHERE s.seq IS NOT NULL))[1:1000]
		FROM entry b LEFT JOIN entry s ON s.request_seq = b.seq AND s.seq <> b.seq
		WHERE b.action = 'break_glass' AND b.allowed GROUP BY b.seq, b.reason
		UNION ALL
		SELECT 20, 'refusals', 'refused', coalesce(r.clause, '(none)'), count(*), concat_ws(', ', r.sqlstate, r.action), (array_agg(r.seq ORDER BY r.seq DESC))[1:1000] FROM entry r WHERE NOT r.allowed AND r.own GROUP BY r.clause, r.sqlstate, r.action
		UNION ALL
		SELECT 30, 'sharing', CASE WHEN a.allowed THEN 'accessed by another entity' ELSE 'accessed by another entity in observe mode' END, a.entity, count(DISTINCT a.seq), concat_ws(', ', a.purpose, a.basis), (array_agg(DISTINCT a.seq ORDER BY a.seq DESC))[1:1000]
		FROM access a GROUP BY a.allowed, a.entity, a.purpose, a.basis
		UNION ALL
		SELECT 31, 'sharing', CASE WHEN d.allowed THEN 'disclosed outside of the database' ELSE 'disclosed without a basis' END, d.detail ->> 'recipient_agency', count(*), concat_ws(', ', d.purpose, coalesce(d.detail ->> 'basis', d.clause)), (array_agg(d.seq ORDER BY d.seq DESC))[1:1000]
		FROM entry d WHERE d.action = 'disclosure' AND d.detail ? 'recipient_agency' GROUP BY d.allowed, d.detail ->> 'recipient_agency', 6
		UNION ALL
		SELECT 40, 'retention (A), number', 'holds begun', h.basis, count(*), NULL, (array_agg(h.seq ORDER BY h.seq DESC) FILTER (WHERE h.seq IS NOT NULL))[1:1000] FROM held h WHERE h.started_at >= quarter_figures.from_at GROUP BY h.basis
		UNION ALL
		SELECT 41, 'retention (A), number', 'holds ended', h.basis, count(*), h.outcome, (array_agg(h.seq ORDER BY h.seq DESC) FILTER (WHERE h.seq IS NOT NULL))[1:1000] FROM held h WHERE NOT h.is_open GROUP BY h.basis, h.outcome
		UNION ALL
		SELECT 42, 'retention (A), number', 'holds open at the end', h.basis, count(*), NULL, (array_agg(h.seq ORDER BY h.seq DESC) FILTER (WHERE h.seq IS NOT NULL))[1:1000] FROM held h WHERE h.is_open GROUP BY h.basis
		UNION ALL
		SELECT 50, 'retention (B), duration', CASE WHEN h.is_open THEN 'open hold' ELSE 'ended hold' END, format('hold %s, %s, case %s', h.hold_id, h.basis, h.case_number), floor(extract(epoch FROM h.duration) / 86400)::bigint,
			'days; ' || coalesce('ended: ' || CASE WHEN NOT h.is_open THEN h.outcome END, 'open'), ARRAY[h.seq]
		FROM held h
		UNION ALL
		SELECT 51, 'retention (B), duration', 'longest and mean of the holds', h.basis, floor(extract(epoch FROM max(h.duration)) / 86400)::bigint, format('days; mean %s', round((extract(epoch FROM avg(h.duration)) / 86400)::numeric, 1)), NULL FROM held h GROUP BY h.basis
		UNION ALL
		SELECT 60, 'purge', 'certificates of deletion', NULL, count(*), NULL, (array_agg(e.seq ORDER BY e.seq DESC))[1:1000] FROM entry e
			WHERE e.action = 'purge' AND e.allowed AND e.detail ? 'run_id' AND (whose IS NULL OR e.detail -> 'owners' ? whose)
		UNION ALL
		SELECT 61, 'purge', 'reads deleted', NULL, coalesce(sum(CASE WHEN whose IS NULL THEN (e.detail ->> 'rows_deleted')::bigint ELSE (e.detail -> 'owners' ->> whose)::bigint END), 0)::bigint, NULL, NULL FROM entry e
			WHERE e.action = 'purge' AND e.allowed AND e.detail ? 'run_id'
		UNION ALL
		SELECT 62, 'purge', 'reads deleted late', NULL, coalesce(sum(p.reads), 0)::bigint, 'longest, at most: ' || date_trunc('second', max(p.kept)), (array_agg(p.certificate_seq ORDER BY p.certificate_seq DESC) FILTER (WHERE p.certificate_seq IS NOT NULL))[1:1000]
			FROM purged p WHERE p.kept > interval '120 s' + p.lasted
		UNION ALL
		SELECT 63, 'purge', 'certificates of erasure', NULL, count(*), 'bytes were there, at most: ' || max((e.detail -> 'latency' ->> 'erased_within')::interval), (array_agg(e.seq ORDER BY e.seq DESC))[1:1000] FROM entry e
			WHERE e.action = 'erase' AND e.allowed AND e.detail ? 'erase_run'
		UNION ALL
		SELECT 64, 'purge', 'images acknowledged', e.detail ->> 'outcome', coalesce(sum((e.detail ->> 'images')::bigint), 0)::bigint, NULL, (array_agg(e.seq ORDER BY e.seq DESC))[1:1000] FROM entry e
			WHERE e.action = 'image_deletion' AND e.allowed AND NOT e.failed AND e.detail ->> 'function' = 'acknowledge_image_deletion' GROUP BY e.detail ->> 'outcome'
		UNION ALL
		/* what is younger may still be at work */
		SELECT 70, 'log', 'entries without an outcome', NULL, count(*), NULL, (array_agg(e.seq ORDER BY e.seq DESC))[1:1000] FROM entry e
			WHERE e.outcomes = 0 AND e.ran AND e.own AND e.action NOT IN ('request', 'break_glass', 'purge', 'erase', 'restore') AND e.at < now() - interval '1 minute'
		UNION ALL
		SELECT 71, 'log', 'entries of the agency', NULL, count(*), NULL, ARRAY[min(e.seq), max(e.seq)] FROM entry e WHERE e.own
	)
	SELECT i.section, i.item, f.detail, coalesce(f.count, 0), f.value, coalesce(f.evidence, '{}')
	FROM (VALUES
			(10, 'access', 'searches'), (11, 'access', 'searches by officer'), (12, 'access', 'searches by stated reason'), (13, 'access', 'searches without a case number'),
			(13, 'access', 'searches whose case number is pending'), (14, 'access', 'statements by basis'), (15, 'access', 'statements by kind'), (16, 'access', 'statements in observe mode'),
			(17, 'access', 'break-glass'), (20, 'refusals', 'refused'), (30, 'sharing', 'accessed by another entity'), (30, 'sharing', 'accessed by another entity in observe mode'),
			(31, 'sharing', 'disclosed outside of the database'), (31, 'sharing', 'disclosed without a basis'), (40, 'retention (A), number', 'holds begun'), (41, 'retention (A), number', 'holds ended'),
			(42, 'retention (A), number', 'holds open at the end'), (50, 'retention (B), duration', 'open hold'), (50, 'retention (B), duration', 'ended hold'),
			(51, 'retention (B), duration', 'longest and mean of the holds'), (60, 'purge', 'certificates of deletion'), (61, 'purge', 'reads deleted'), (62, 'purge', 'reads deleted late'),
			(63, 'purge', 'certificates of erasure'), (64, 'purge', 'images acknowledged'), (70, 'log', 'entries without an outcome'), (71, 'log', 'entries of the agency')) AS i (place, section, item)
		LEFT JOIN figure f ON f.place = i.place AND f.item = i.item AND f.count > 0
	ORDER BY i.place, i.item, f.count DESC, f.detail COLLATE "C", f.value COLLATE "C";
END
$$;
COMMENT ON FUNCTION ctlpr.quarter_figures(text, timestamptz, timestamptz) IS 'Internal: rows of the quarterly audit from the log of a time, from an instant on and before another';

/*
 * quarter_log_checks(from_at, until_at) - is the log of that time as it was
 * signed?  The roots of the first and the last checkpoint of the time are made
 * anew, and the hashes of up to 1024 entries at either end of it.  A sample:
 * ctlpr.verify_audit() goes through all.
 */
CREATE FUNCTION ctlpr.quarter_log_checks(from_at timestamptz, until_at timestamptz)
RETURNS TABLE (item text, detail text, count bigint, value text, evidence bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	span     record;
	signed   record;
	sample   record;
	verified record;
BEGIN
	SELECT min(e.seq) AS first, max(e.seq) AS last, count(*) AS entries INTO span
		FROM ctlpr.audit_entry e WHERE e.at >= quarter_log_checks.from_at AND e.at < quarter_log_checks.until_at;
	SELECT count(*) AS checkpoints, min(ARRAY[c.epoch, c.size]::bigint[]) AS first, max(ARRAY[c.epoch, c.size]::bigint[]) AS last INTO signed
		FROM ctlpr.checkpoint c WHERE c.signed_at >= quarter_log_checks.from_at AND c.signed_at < quarter_log_checks.until_at;
	RETURN QUERY SELECT 'checkpoints signed', NULL::text, signed.checkpoints, NULL::text, '{}'::bigint[];
	IF signed.checkpoints > 0 THEN
		RETURN QUERY SELECT k.item, format('size %s of epoch %s, signed %s, root %s', c.size, c.epoch, to_char(c.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), encode(c.root, 'hex')), 1::bigint,
				CASE
					WHEN c.epoch <> (SELECT max(m.epoch) FROM ctlpr.checkpoint m) THEN 'of an epoch before a fork of the log: not compared'
					WHEN c.size > (SELECT max(e.seq) FROM ctlpr.audit_entry e) THEN 'the log is shorter than what was signed'
					WHEN ctlpr.audit_root(c.size) = c.root THEN 'the log has this root'
					ELSE 'the log has another root'
				END,
				ARRAY[c.size]
			FROM (VALUES ('first checkpoint', signed.first), ('last checkpoint', signed.last)) AS k (item, epoch_and_size)
				JOIN ctlpr.checkpoint c ON c.epoch = k.epoch_and_size[1] AND c.size = k.epoch_and_size[2]
			ORDER BY k.item;
	END IF;
	FOR sample IN
		SELECT s.item, s.from_seq, s.to_seq
		FROM (VALUES ('first entries, hashed anew', span.first, least(span.first + 1023, span.last)), ('last entries, hashed anew', greatest(span.last - 1023, span.first), span.last)) AS s (item, from_seq, to_seq)
		WHERE span.entries > 0
	LOOP
		SELECT * INTO verified FROM ctlpr.verify_audit(sample.from_seq, sample.to_seq);
		RETURN QUERY SELECT sample.item, format('entries %s to %s', sample.from_seq, sample.to_seq), verified.entries,
			CASE WHEN verified.valid THEN 'as they were' ELSE format('entry %s is not as it was', verified.first_bad_seq) END,
			CASE WHEN verified.valid THEN ARRAY[sample.from_seq, sample.to_seq] ELSE ARRAY[verified.first_bad_seq] END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ctlpr.quarter_log_checks(timestamptz, timestamptz) IS 'Internal: a sample verification of the log of a time, from an instant on and before another';

/*
 * quarterly_audit(agency_id, quarter) - what a reviewer goes through before
 * signing with record_review().
 *
 * agency_id: an agency of the state; NULL: all, for auditors of all.  quarter:
 * such as 2026Q4, in the statute's time zone.
 * Result: section; item; detail, what is counted; count; value, what goes with
 * it; evidence, the newest 1000 entries at most.  A finding that is open now is a
 * row each, whatever the quarter.
 * Errors: those of check_report().  Making it is recorded as a reading of the log.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.quarterly_audit(agency_id text, quarter text)
RETURNS TABLE (section text, item text, detail text, count bigint, value text, evidence bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	whose    text := quarterly_audit.agency_id;
	zone     text := (ctlpr.adopted_statute()).time_zone;
	from_at  timestamptz := ctlpr.quarter_start(quarterly_audit.quarter);
	until_at timestamptz := ((from_at AT TIME ZONE zone) + interval '3 months') AT TIME ZONE zone;
BEGIN
	PERFORM ctlpr.check_report(whose, from_at, until_at, format('quarter %s', quarterly_audit.quarter));
	RETURN QUERY SELECT f.section, f.item, f.detail, f.count, f.value, f.evidence FROM ctlpr.quarter_figures(whose, from_at, until_at) f;
	RETURN QUERY SELECT 'log', c.item, c.detail, c.count, c.value, c.evidence FROM ctlpr.quarter_log_checks(from_at, until_at) c;
	RETURN QUERY
		SELECT 'now', 'expired reads present', g.relation_name, sum(x.reads)::bigint, 'the oldest of ' || min(x.read_on), '{}'::bigint[]
		FROM ctlpr.governed_relation g
			CROSS JOIN LATERAL ctlpr.expired_reads(g.relation) x
		WHERE whose IS NULL OR x.agency_id = whose
		GROUP BY g.relation_name
		ORDER BY g.relation_name;
	RETURN QUERY
		SELECT 'now', 'images overdue', d.relation_name, count(*), 'the first was due on ' || (min(d.due_at) AT TIME ZONE zone)::date, '{}'::bigint[]
		FROM ctlpr.image_deletion d
		WHERE d.reference IS NOT NULL AND d.kept_at IS NULL AND d.due_at < now() AND (whose IS NULL OR d.agency_id = whose)
		GROUP BY d.relation_name
		ORDER BY d.relation_name;
	RETURN QUERY
		SELECT 'now', 'finding: ' || f.kind, f.finding, 1::bigint, concat_ws(', ', f.severity, f.clause, f.officer), f.evidence
		FROM ctlpr.findings f
		WHERE whose IS NULL OR f.agency_id IS NULL OR f.agency_id = whose
		ORDER BY array_position(ARRAY['violation', 'warning', 'info'], f.severity), f.kind, f.finding_id;
	RETURN QUERY
		SELECT 'now', 'review registered', r.agency_id, 1::bigint, concat_ws(', ', r.reviewer, r.reviewed_on, r.conclusion), '{}'::bigint[]
		FROM ctlpr.audit_review r
		WHERE r.quarter = quarterly_audit.quarter AND (whose IS NULL OR r.agency_id = whose)
		ORDER BY r.agency_id;
END
$$;
COMMENT ON FUNCTION ctlpr.quarterly_audit(text, text) IS 'What a reviewer of an agency''s quarter goes through, with the entries of the log that show it (14(a)(6)); see docs/reports.md';

/*
 * quarterly_audit_json(agency_id, quarter) - the same rows with a head that ties
 * them to the log.  Errors, clause: as quarterly_audit().
 */
CREATE FUNCTION ctlpr.quarterly_audit_json(agency_id text, quarter text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law      ctlpr.statute := ctlpr.adopted_statute();
	from_at  timestamptz := ctlpr.quarter_start(quarterly_audit_json.quarter);
	until_at timestamptz := ((from_at AT TIME ZONE law.time_zone) + interval '3 months') AT TIME ZONE law.time_zone;
	figures  jsonb;
BEGIN
	/* first, as it says who may have it */
	SELECT jsonb_agg(jsonb_build_object('section', q.section, 'item', q.item, 'detail', q.detail, 'count', q.count, 'value', q.value, 'evidence', to_jsonb(q.evidence)) ORDER BY q.place) INTO figures
		FROM ctlpr.quarterly_audit(quarterly_audit_json.agency_id, quarterly_audit_json.quarter) WITH ORDINALITY AS q (section, item, detail, count, value, evidence, place);
	RETURN jsonb_build_object(
		'report', 'quarterly_audit',
		'agency', (SELECT jsonb_build_object('agency_id', a.agency_id, 'name', a.name, 'kind', a.kind, 'state', a.state) FROM ctlpr.agency a WHERE a.agency_id = quarterly_audit_json.agency_id),
		'quarter', quarterly_audit_json.quarter,
		'statute', law.statute,
		'title', law.title,
		'citation', law.citation,
		'time_zone', law.time_zone,
		'from', from_at,
		'until', until_at,
		'complete', until_at <= now() AND (SELECT min(e.at) FROM ctlpr.audit_entry e) <= from_at,
		'made_at', now(),
		'log', ctlpr.log_state(from_at, until_at),
		'rows', figures);
END
$$;
COMMENT ON FUNCTION ctlpr.quarterly_audit_json(text, text) IS 'The quarterly audit as JSON, with a head that ties it to the log (14(a)(6))';
