/*
 * annual_report.sql - the annual report of 15(a) to (c): who may have it, as
 * rows, JSON and CSV; and the register of the reports that were handed in.
 * annual_figures.sql counts.
 */

/*
 * The register of reports handed in
 */
CREATE TABLE ctlpr.annual_submission (
	agency_id     text NOT NULL,
	year          int NOT NULL,
	submitted_on  date NOT NULL,
	document      text,
	published_at  text,
	registered_at timestamptz NOT NULL DEFAULT now(),
	registered_by name NOT NULL DEFAULT session_user,
	PRIMARY KEY (agency_id, year)
);
COMMENT ON TABLE ctlpr.annual_submission IS 'Annual reports that were sent to the institute and published, 15(b)-(c)';
COMMENT ON COLUMN ctlpr.annual_submission.agency_id IS 'The agency that it is about';
COMMENT ON COLUMN ctlpr.annual_submission.year IS 'The calendar year that it is about';
COMMENT ON COLUMN ctlpr.annual_submission.submitted_on IS 'Day on which it was sent, in the statute''s time zone';
COMMENT ON COLUMN ctlpr.annual_submission.document IS 'Where what was sent is kept; NULL where not stated';
COMMENT ON COLUMN ctlpr.annual_submission.published_at IS 'Where the public finds it, 15(c); NULL where not stated';
COMMENT ON COLUMN ctlpr.annual_submission.registered_at IS 'When it was registered';
COMMENT ON COLUMN ctlpr.annual_submission.registered_by IS 'Login that registered it';

/*
 * annual_rows(agency_id, year, covered_from) - the rows of a report: those of
 * the log, where it covers any of the year, and behind them those of vendors.
 */
CREATE FUNCTION ctlpr.annual_rows(agency_id text, year int, covered_from timestamptz)
RETURNS TABLE (clause text, item text, entity text, reason text, count bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
/* to compile it takes longer than to run it */
SET jit = off
AS $$
BEGIN
	IF covered_from IS NOT NULL THEN
		RETURN QUERY SELECT * FROM ctlpr.annual_figures(annual_rows.agency_id, ctlpr.year_start(annual_rows.year), ctlpr.year_start(annual_rows.year + 1));
	END IF;
	IF to_regclass('ctlpr.external_searches') IS NOT NULL THEN
		RETURN QUERY SELECT * FROM ctlpr.external_annual_report(annual_rows.agency_id, annual_rows.year);
	END IF;
	/* rows of the log are there always, if only to say zero */
	IF covered_from IS NULL AND NOT FOUND THEN
		PERFORM ctlpr.refuse_uncovered(format('year %s', annual_rows.year));
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.annual_rows(text, int, timestamptz) IS 'Internal: rows of the annual report, of the log and behind them of vendors';

/*
 * refuse_uncovered(named) - a report on a time before the log's first entry would
 * say that nothing happened.
 *
 * Errors: 55000.
 */
CREATE FUNCTION ctlpr.refuse_uncovered(named text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = '55000',
		MESSAGE = format('the log holds nothing of %s', named),
		DETAIL = coalesce((SELECT format('Its first entry is of %s. A report that says nothing happened before would be false.', (min(e.at) AT TIME ZONE (ctlpr.adopted_statute()).time_zone)::date)
						   FROM ctlpr.audit_entry e), 'It is empty.'),
		HINT = 'Report on that time from the records of the system that was in use then.';
END
$$;
COMMENT ON FUNCTION ctlpr.refuse_uncovered(text) IS 'Internal: errors, as the log says nothing of a time before its first entry';

/*
 * check_report(agency_id, from_at, until_at, named, elsewhere) - whoever acts may
 * have that report, and there is something to report on.
 *
 * named: the time, for messages; elsewhere: there may be other records of it than
 * the log, so the caller decides.
 * Result: from when on the log covers the time; NULL: not at all.
 * Told with a NOTICE: a time that is not over, a log that began in it, an agency
 * that has no entry in it.
 * Errors: 22004, 22023 an argument, a year to come, an agency that the act
 * asks for no report; 42501 an auditor of others, recorded; 42704 agency
 * unknown; 55000 no statute, or a year before the log.
 */
CREATE FUNCTION ctlpr.check_report(agency_id text, from_at timestamptz, until_at timestamptz, named text, elsewhere boolean DEFAULT false, OUT covered_from timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law    ctlpr.statute := ctlpr.adopted_statute();
	about  ctlpr.agency;
	oldest timestamptz;
BEGIN
	IF check_report.agency_id IS NOT NULL THEN
		about := ctlpr.check_agency(check_report.agency_id);
	END IF;
	IF NOT ctlpr.auditor_sees(check_report.agency_id, NULL) THEN
		PERFORM ctlpr.record_event('report', agency_id => about.agency_id, clause => '13(e)(1)', sqlstate => '42501', detail => jsonb_build_object('report', named));
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = CASE WHEN about.agency_id IS NULL THEN 'the role does not audit all agencies' ELSE 'the role audits other agencies' END,
			HINT = 'An auditor sees reports of the agencies that ctlpr.bind_auditor() names.';
	END IF;
	IF about.agency_id IS NOT NULL AND (about.state <> law.state OR about.kind = 'vendor') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('agency "%s" is %s', about.agency_id, CASE about.kind WHEN 'vendor' THEN 'a vendor' ELSE format('no agency of %s', law.state) END),
			DETAIL = 'The act asks agencies of the state for reports; what others did stands in the reports of those whose reads they saw.',
			HINT = 'Name an agency of the state, or look at ctlpr.audit_log.';
	END IF;
	IF check_report.from_at > now() THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('%s has not begun', named),
			HINT = 'Name one that is over, or the one that runs.';
	END IF;
	SELECT e.at INTO oldest FROM ctlpr.audit_entry e ORDER BY e.at LIMIT 1;
	IF oldest IS NULL OR oldest >= check_report.until_at THEN
		IF NOT check_report.elsewhere THEN
			PERFORM ctlpr.refuse_uncovered(named);
		END IF;
		RETURN;
	END IF;
	covered_from := greatest(oldest, check_report.from_at);
	IF oldest > check_report.from_at THEN
		RAISE NOTICE USING MESSAGE = format('the log covers %s from %s on only', named, (oldest AT TIME ZONE law.time_zone)::date),
			HINT = 'What was before is to be reported from other records.';
	END IF;
	IF check_report.until_at > now() THEN
		RAISE NOTICE USING MESSAGE = format('%s is not over', named),
			HINT = 'Make the report again when it is.';
	END IF;
	IF about.agency_id IS NOT NULL AND NOT EXISTS (
		SELECT FROM ctlpr.audit_entry e WHERE e.at >= check_report.from_at AND e.at < check_report.until_at AND e.agency_id = about.agency_id) THEN
		RAISE NOTICE USING MESSAGE = format('no entry of the log in %s is of agency "%s"', named, about.agency_id),
			HINT = 'If it used its reads in that time, it did so elsewhere.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_report(text, timestamptz, timestamptz, text, boolean) IS 'Internal: errors unless the role that acts may have the report and there is something to report on; from when on the log covers it';

/*
 * annual_report(agency_id, year) - every figure of 15(a)(1) and (2).
 *
 * agency_id: an agency of the state; NULL: all together, for auditors of all.
 * year: a calendar year in the statute's time zone.
 * Result: clause; item, a name that stays; entity, whom it was shared with or
 * who accessed; reason; count.  Ordered; an item without anything has one row
 * with count 0.
 * Behind the figures of the log come what vendors reported of their own systems,
 * as items of their own.
 * Errors: those of check_report().  Making it is recorded as a reading of the log.
 * Clause: 15(a).
 */
CREATE FUNCTION ctlpr.annual_report(agency_id text, year int)
RETURNS TABLE (clause text, item text, entity text, reason text, count bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	from_at  timestamptz := ctlpr.year_start(annual_report.year);
	until_at timestamptz := ctlpr.year_start(annual_report.year + 1);
BEGIN
	RETURN QUERY SELECT r.clause, r.item, r.entity, r.reason, r.count
		FROM ctlpr.annual_rows(annual_report.agency_id, annual_report.year, ctlpr.check_report(annual_report.agency_id, from_at, until_at, format('year %s', annual_report.year), true)) r;
END
$$;
COMMENT ON FUNCTION ctlpr.annual_report(text, int) IS 'The annual report of an agency, or of all (NULL), for a calendar year: every figure of 15(a), from the log; see docs/reports.md';

/*
 * log_state(from_at, until_at) - what ties a report to the log: the numbers of
 * the first and last entry of the time, and the checkpoints that cover them.
 */
CREATE FUNCTION ctlpr.log_state(from_at timestamptz, until_at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('entries', s.entries, 'first_seq', s.first, 'last_seq', s.last, 'log_begins_at', (SELECT min(e.at) FROM ctlpr.audit_entry e),
		'covering_checkpoint', (
			SELECT jsonb_build_object('epoch', c.epoch, 'size', c.size, 'root', encode(c.root, 'hex'), 'signed_at', c.signed_at)
			FROM ctlpr.checkpoint c
			WHERE c.size >= s.last
			ORDER BY c.epoch, c.size LIMIT 1),
		'latest_checkpoint', (
			SELECT jsonb_build_object('epoch', c.epoch, 'size', c.size, 'root', encode(c.root, 'hex'), 'signed_at', c.signed_at)
			FROM ctlpr.checkpoint c
			ORDER BY c.epoch DESC, c.size DESC LIMIT 1))
	FROM (SELECT count(*) AS entries, min(e.seq) AS first, max(e.seq) AS last FROM ctlpr.audit_entry e WHERE e.at >= $1 AND e.at < $2) s
$$;
COMMENT ON FUNCTION ctlpr.log_state(timestamptz, timestamptz) IS 'Internal: entries of a time, from an instant on and before another, and the checkpoints that cover them';

/*
 * annual_report_json(agency_id, year) - the same rows with a head that says
 * what they are of: agency, year, statute, and the part of the log.
 *
 * complete: the year is over, and the log covers it from its first day on.
 * Errors, clause: as annual_report().
 */
CREATE FUNCTION ctlpr.annual_report_json(agency_id text, year int) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law          ctlpr.statute := ctlpr.adopted_statute();
	from_at      timestamptz := ctlpr.year_start(annual_report_json.year);
	until_at     timestamptz := ctlpr.year_start(annual_report_json.year + 1);
	covered_from timestamptz := ctlpr.check_report(annual_report_json.agency_id, from_at, until_at, format('year %s', annual_report_json.year), true);
BEGIN
	RETURN jsonb_build_object(
		'report', 'annual_report',
		'agency', (SELECT jsonb_build_object('agency_id', a.agency_id, 'name', a.name, 'kind', a.kind, 'state', a.state) FROM ctlpr.agency a WHERE a.agency_id = annual_report_json.agency_id),
		'year', annual_report_json.year,
		'statute', law.statute,
		'title', law.title,
		'citation', law.citation,
		'time_zone', law.time_zone,
		'from', from_at,
		'until', until_at,
		'covered_from', covered_from,
		'complete', until_at <= now() AND coalesce(covered_from <= from_at, false),
		'made_at', now(),
		'log', ctlpr.log_state(from_at, until_at),
		'rows', (SELECT jsonb_agg(jsonb_build_object('clause', f.clause, 'item', f.item, 'entity', f.entity, 'reason', f.reason, 'count', f.count) ORDER BY f.place)
				 FROM ctlpr.annual_rows(annual_report_json.agency_id, annual_report_json.year, covered_from) WITH ORDINALITY AS f (clause, item, entity, reason, count, place)));
END
$$;
COMMENT ON FUNCTION ctlpr.annual_report_json(text, int) IS 'The annual report as JSON, with a head that ties it to the log (15(b)-(c))';

/*
 * csv_cell(value) - a cell by RFC 4180; text that a spreadsheet would take for
 * a formula is put behind an apostrophe, with full-width signs too (U+FF0B,
 * U+FF0D, U+FF1D, U+FF20).
 */
CREATE FUNCTION ctlpr.csv_cell(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN c.cell ~ '[",\r\n]' THEN '"' || replace(c.cell, '"', '""') || '"' ELSE c.cell END
	FROM (
		SELECT CASE
			WHEN value ~ '^[[:space:][:cntrl:]]*[-=+@|%]' OR value ~ '^[\t\r\n]' THEN '''' || value
			WHEN getdatabaseencoding() = 'UTF8' AND ascii(regexp_replace(value, '^[[:space:][:cntrl:]]+', '')) IN (65291, 65293, 65309, 65312) THEN '''' || value
			ELSE coalesce(value, '')
		END AS cell
	) c
$$;
COMMENT ON FUNCTION ctlpr.csv_cell(text) IS 'Internal: a cell of a CSV file, quoted where need be and never a formula';

/*
 * annual_report_csv(agency_id, year) - the same rows as a file by RFC 4180: a
 * header line, lines that end in CR LF.
 *
 * Errors, clause: as annual_report().
 */
CREATE FUNCTION ctlpr.annual_report_csv(agency_id text, year int) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN E'clause,item,entity,reason,count\r\n' || (
		SELECT string_agg(concat_ws(',', ctlpr.csv_cell(r.clause), ctlpr.csv_cell(r.item), ctlpr.csv_cell(r.entity), ctlpr.csv_cell(r.reason), r.count) || E'\r\n', '' ORDER BY r.place)
		FROM ctlpr.annual_report(annual_report_csv.agency_id, annual_report_csv.year) WITH ORDINALITY AS r (clause, item, entity, reason, count, place));
END
$$;
COMMENT ON FUNCTION ctlpr.annual_report_csv(text, int) IS 'The annual report as CSV (15(b)-(c))';

/*
 * record_annual_report(agency_id, year, submitted_on, document, published_at)
 * - the report on a year was sent to the institute and published.
 *
 * Called by registrars, and by auditors of the agency.  year: one that is
 * over; submitted_on: after it, today where left out; document: where what was
 * sent is kept; published_at: where the public finds it.
 * What is on record stays: a year is registered once.
 * Errors: 22004, 22001, 22023 an argument; 42501 an auditor of others,
 * recorded; 42704 agency unknown; 42710 registered before; 55000 the year is
 * not over.
 * Clause: 15(b)-(c).
 */
CREATE FUNCTION ctlpr.record_annual_report(agency_id text, year int, submitted_on date DEFAULT NULL, document text DEFAULT NULL, published_at text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about     ctlpr.agency := ctlpr.check_agency(record_annual_report.agency_id);
	started   timestamptz := ctlpr.year_start(record_annual_report.year);
	today     date := (now() AT TIME ZONE (ctlpr.adopted_statute()).time_zone)::date;
	ended_on  date := make_date(record_annual_report.year + 1, 1, 1);
	sent      date := coalesce(record_annual_report.submitted_on, today);
	arguments jsonb := jsonb_build_object('function', 'record_annual_report', 'year', record_annual_report.year);
BEGIN
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF published_at IS NOT NULL THEN
		PERFORM ctlpr.check_text('published_at', published_at);
	END IF;
	IF NOT pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE') AND NOT ctlpr.auditor_sees(about.agency_id, NULL) THEN
		PERFORM ctlpr.record_event('configuration', agency_id => about.agency_id, clause => '15(b)', sqlstate => '42501', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = 'the role audits other agencies',
			HINT = 'An auditor registers reports of the agencies that ctlpr.bind_auditor() names; a registrar may register all.';
	END IF;
	IF today < ended_on THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('year %s is not over', record_annual_report.year),
			DETAIL = 'A report on it is for the whole calendar year.',
			HINT = 'Register the report when the year is over.';
	END IF;
	IF sent NOT BETWEEN ended_on AND today THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the report was sent before its year was over, or on a day to come',
			HINT = format('State a day from %s to %s.', ended_on, today);
	END IF;
	INSERT INTO ctlpr.annual_submission AS s (agency_id, year, submitted_on, document, published_at)
		VALUES (about.agency_id, record_annual_report.year, sent, record_annual_report.document, record_annual_report.published_at)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('the report of agency "%s" on %s was registered before', about.agency_id, record_annual_report.year),
			HINT = 'What is on record stays; the table ctlpr.annual_submission has it.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => about.agency_id, clause => '15(b)', detail => arguments || jsonb_build_object('submitted_on', sent));
END
$$;
COMMENT ON FUNCTION ctlpr.record_annual_report(text, int, date, text, text) IS 'Registers that the annual report of an agency was sent to the institute and published, 15(b)-(c)';

/*
 * report_findings() - years with entries of an agency of the state on which no
 * report is registered: told in the January after, a violation from its end on.
 *
 * Changes of the rules alone are no use of the data.
 */
CREATE FUNCTION ctlpr.report_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[], remedy text, kind text)
LANGUAGE sql STABLE PARALLEL RESTRICTED NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ctlpr.finding_id('missing_annual_report', y.agency_id, y.year::text),
		CASE WHEN (now() AT TIME ZONE t.time_zone)::date >= make_date(y.year + 1, 2, 1) THEN 'violation' ELSE 'info' END,
		format('no annual report is registered for %s and %s, which has entries: %s; it %s due by %s', y.agency_id, y.year, y.entries,
			CASE WHEN (now() AT TIME ZONE t.time_zone)::date >= make_date(y.year + 1, 2, 1) THEN 'was' ELSE 'is' END, make_date(y.year + 1, 1, 31)),
		'15(b), 15(c)',
		y.agency_id,
		NULL::text,
		ARRAY[y.first_seq, y.last_seq],
		format('SELECT ctlpr.annual_report_csv(%L, %s), send it to the institute and publish it, then SELECT ctlpr.record_annual_report(%L, %s, submitted_on => ...).',
			y.agency_id, y.year, y.agency_id, y.year),
		'missing_annual_report'
	/* OFFSET 0: the time zone of a statute that is not adopted may be none, and is not to be looked at */
	FROM (SELECT u.* FROM ctlpr.statute_adoption s JOIN ctlpr.statute u ON u.statute = s.statute OFFSET 0) t
		/* instants at which years begin, from that of the first entry to this one: an entry's year by them is cheaper than by its local time */
		CROSS JOIN LATERAL (
			SELECT min(n.year) AS first, array_agg(make_timestamp(n.year, 1, 1, 0, 0, 0) AT TIME ZONE t.time_zone ORDER BY n.year) AS starts
			FROM generate_series(extract(year FROM (SELECT min(e.at) FROM ctlpr.audit_entry e) AT TIME ZONE t.time_zone)::int, extract(year FROM now() AT TIME ZONE t.time_zone)::int) n (year)
		) b
		CROSS JOIN LATERAL (
			SELECT e.agency_id, b.first + width_bucket(e.at, b.starts) - 1 AS year, count(*) AS entries, min(e.seq) AS first_seq, max(e.seq) AS last_seq
			FROM ctlpr.audit_entry e
			WHERE e.entry = 'verdict' AND e.action <> 'configuration' AND e.at < b.starts[cardinality(b.starts)]
			GROUP BY 1, 2
		) y
		JOIN ctlpr.agency a ON a.agency_id = y.agency_id AND a.kind <> 'vendor' AND a.state = t.state
	WHERE NOT EXISTS (SELECT FROM ctlpr.annual_submission r WHERE r.agency_id = y.agency_id AND r.year = y.year)
		AND ctlpr.auditor_sees(y.agency_id, NULL)
	ORDER BY y.agency_id, y.year
$$;
COMMENT ON FUNCTION ctlpr.report_findings() IS 'Findings of kind missing_annual_report: years on which no report is registered, 15(b)-(c)';
