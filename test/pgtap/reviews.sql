-- 14(a)(6): that the log of an agency was audited for a quarter is on file, once and not before its end; a quarter that nobody audited is a finding.
SET client_min_messages = warning;
CREATE ROLE reviews_auditor;
CREATE ROLE reviews_other;
DO $$
BEGIN
	PERFORM ctlpr.register_agency('RV-POLICE', 'Police Department', 'police', 'CT');
	PERFORM ctlpr.register_agency('RV-TRANSIT', 'Transit District', 'public_agency', 'CT');
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.bind_auditor('reviews_auditor', 'RV-POLICE');
	PERFORM ctlpr.bind_auditor('reviews_other', 'RV-TRANSIT');
END
$$;

BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(32);
CREATE SCHEMA reviews;
CREATE ROLE reviews_registrar IN ROLE ctlpr_registrar;
CREATE ROLE reviews_admin IN ROLE ctlpr_admin;
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- Quarters so many before this one, in Connecticut
CREATE FUNCTION reviews.quarter(ago int) RETURNS text LANGUAGE sql AS $$ SELECT to_char((now() AT TIME ZONE 'America/New_York') - ago * interval '3 months', 'YYYY"Q"Q') $$;
CREATE FUNCTION reviews.first_day(ago int) RETURNS date LANGUAGE sql AS $$ SELECT (date_trunc('quarter', now() AT TIME ZONE 'America/New_York') - ago * interval '3 months')::date $$;

CREATE FUNCTION reviews.refused(statement text, state text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state text;
	got_hint  text;
	got_text  text;
	as_wanted boolean;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT;
	END;
	as_wanted := coalesce(got_state = state AND got_hint <> '' AND concat(got_text, got_hint) !~ 'SECRET', false);
	RETURN ok(as_wanted, description) || CASE WHEN as_wanted THEN '' ELSE E'\n' || diag(format('got %s: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_hint)) END;
END
$$;

SELECT is(ctlpr.quarter_start('2026Q4'), '2026-10-01 04:00+00'::timestamptz, 'a quarter begins at midnight in Connecticut');
SELECT is(ctlpr.quarter_start('2027Q1'), '2027-01-01 05:00+00'::timestamptz, 'in winter time too');
SELECT reviews.refused(format('SELECT ctlpr.record_review(%s)', format(a, reviews.quarter(0), reviews.quarter(1), reviews.first_day(0), (now() + interval '2 days')::date)), s, d)
	FROM (VALUES ('NULL, %2$L, ''SECRET''', '22004', 'no agency'), ('''RV-NONE'', %2$L, ''SECRET''', '42704', 'an agency that nobody registered'),
				 ('''RV-POLICE'', NULL, ''SECRET''', '22004', 'no quarter'), ('''RV-POLICE'', ''2026Q5'', ''SECRET''', '22023', 'a fifth quarter'),
				 ('''RV-POLICE'', ''Q1 2026'', ''SECRET''', '22023', 'another spelling'), ('''RV-POLICE'', ''2025q1'', ''SECRET''', '22023', 'a small q'),
				 ('''RV-POLICE'', ''2025Q1'' || chr(10), ''SECRET''', '22023', 'a line behind it'),
				 ('''RV-POLICE'', %1$L, ''SECRET''', '55000', 'a quarter that has not ended'), ('''RV-POLICE'', ''2199Q1'', ''SECRET''', '55000', 'nor begun'),
				 ('''RV-POLICE'', %2$L, NULL', '22004', 'no reviewer'), ('''RV-POLICE'', %2$L, '' ''', '22023', 'a blank one'), ('''RV-POLICE'', %2$L, repeat(''x'', 4097)', '22001', 'a long one'),
				 ('''RV-POLICE'', %2$L, ''SECRET'', %3$L::date - 1', '22023', 'a review that was finished before the quarter'),
				 ('''RV-POLICE'', %2$L, ''SECRET'', %4$L', '22023', 'or is yet to be'),
				 ('''RV-POLICE'', %2$L, ''SECRET'', conclusion => '' ''', '22023', 'a blank conclusion'),
				 ('''RV-POLICE'', %2$L, ''SECRET'', document => '' ''', '22023', 'a blank document')) AS v (a, s, d);
SELECT is((SELECT count(*) FROM ctlpr.audit_review), 0::bigint, 'none of it is on file');

-- Who may
SET LOCAL ROLE reviews_admin;
SELECT throws_ok($$SELECT ctlpr.record_review('RV-POLICE', '2025Q1', 'x')$$, '42501', NULL, 'an administrator registers no review');
SELECT throws_ok('SELECT * FROM ctlpr.audit_review', '42501', NULL, 'nor reads them');
RESET ROLE;
SET LOCAL ROLE reviews_other;
SELECT throws_ok($$SELECT ctlpr.record_review('RV-POLICE', '2025Q1', 'x')$$, '42501', 'the role audits other agencies', 'nor does an auditor of another agency');
RESET ROLE;
SET LOCAL ROLE reviews_auditor;
SELECT lives_ok($$SELECT ctlpr.record_review('RV-POLICE', '2025Q1', 'Captain B', '2025-04-20', conclusion => 'two searches without a case', document => 'binder 7')$$, 'the agency''s own oversight officer does');
SELECT throws_ok($$SELECT ctlpr.record_review('RV-POLICE', '2025Q1', 'Captain C')$$, '42710', NULL, 'once');
SELECT throws_ok($$INSERT INTO ctlpr.audit_review (agency_id, quarter, reviewer, reviewed_on) VALUES ('RV-POLICE', '2025Q2', 'x', '2025-08-01')$$, '42501', NULL, 'and by the function only');
RESET ROLE;
SET LOCAL ROLE reviews_registrar;
SELECT lives_ok($$SELECT ctlpr.record_review('RV-TRANSIT', '2025Q1', 'Counsel')$$, 'a registrar does for all');
SELECT is((SELECT count(*) FROM ctlpr.audit_review), 2::bigint, 'and sees all');
RESET ROLE;
SET LOCAL ROLE reviews_auditor;
SELECT results_eq('SELECT agency_id, quarter, reviewer, reviewed_on, conclusion, document FROM ctlpr.audit_review', $$VALUES ('RV-POLICE', '2025Q1', 'Captain B', '2025-04-20'::date, 'two searches without a case', 'binder 7')$$, 'an auditor sees those of the agency, as they were registered');
RESET ROLE;
SELECT is((SELECT reviewed_on FROM ctlpr.audit_review WHERE agency_id = 'RV-TRANSIT'), (now() AT TIME ZONE 'America/New_York')::date, 'one without a day was finished today');
SELECT is((SELECT string_agg(concat_ws(' ', e.agency_id, e.clause, e.role, e.sqlstate, e.detail ->> 'quarter'), ', ' ORDER BY e.seq) FROM ctlpr.audit_entry e
		   WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.detail ->> 'function' = 'record_review'),
	'RV-POLICE 14(a)(6) reviews_other 42501 2025Q1, RV-POLICE 14(a)(6) reviews_auditor 2025Q1, RV-TRANSIT 14(a)(6) reviews_registrar 2025Q1', 'each is on record, and who was refused');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND to_jsonb(e)::text ~ 'Captain|Counsel'), 0::bigint, 'without a name');
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		   WHERE c.relname = 'audit_review' AND c.relnamespace = 'ctlpr'::regnamespace AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column is explained');
SELECT * FROM finish();
ROLLBACK;

DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'reviews\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'RV-%';
DELETE FROM ctlpr.statute_adoption;
DROP ROLE reviews_auditor, reviews_other;
