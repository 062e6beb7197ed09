-- 13 to 15, clause by clause: what no other test shows. docs/law.md names for each clause the test that would fail without it.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(104);

CREATE SCHEMA law;
GRANT USAGE ON SCHEMA law TO PUBLIC;

-- One agency of each kind, with a role named after the kind; what is not of Connecticut says so.
CREATE TABLE law.actor (no int, role name, agency_id text, kind text, state text);
INSERT INTO law.actor VALUES
	(1, 'law_police', 'T-LAW-PD', 'police', 'CT'), (2, 'law_public_agency', 'T-LAW-CIVIL', 'public_agency', 'CT'), (3, 'law_prosecutor', 'T-LAW-SA', 'prosecutor', 'CT'),
	(4, 'law_task_force', 'T-LAW-TF', 'task_force', 'CT'), (5, 'law_other', 'T-LAW-OTHER', 'other', 'CT'), (6, 'law_federal', 'T-LAW-US', 'federal', 'US'),
	(7, 'law_boston', 'T-LAW-MA', 'police', 'MA'), (8, 'law_ma_agency', 'T-LAW-MA-CIVIL', 'public_agency', 'MA'), (9, 'law_texan', 'T-LAW-TX', 'police', 'TX'),
	(10, 'law_vendor', 'T-LAW-VENDOR', 'vendor', 'US'), (11, 'law_hartford', 'T-LAW-HPD', 'police', 'CT');
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;
DO $$
DECLARE
	a law.actor;
BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	FOR a IN SELECT * FROM law.actor ORDER BY no LOOP
		EXECUTE format('CREATE ROLE %I', a.role);
		PERFORM ctlpr.register_agency(a.agency_id, a.agency_id, a.kind, a.state);
		PERFORM ctlpr.bind_role(a.role::text::regrole, a.agency_id);
	END LOOP;
	CREATE ROLE law_chief;
	PERFORM ctlpr.bind_role('law_chief', 'T-LAW-PD', supervisor => true);
END
$$;

-- Reads of New Haven and Hartford, by hours of age, and one that has expired.
CREATE TABLE law.reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency text NOT NULL);
INSERT INTO law.reads SELECT now() - age * interval '1 hour', 'P' || age, 'T-LAW-PD' FROM unnest('{1,100,400,600}'::int[]) age;
INSERT INTO law.reads SELECT now() - age * interval '1 hour', 'H' || age, 'T-LAW-HPD' FROM unnest('{1,100}'::int[]) age;
INSERT INTO law.reads SELECT now() - age * interval '1 hour', 'OWNED', 'T-LAW-PD' FROM unnest('{2,150}'::int[]) age;
-- Reads for the vehicle tax, by days of age.
CREATE TABLE law.tax (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO law.tax SELECT now() - age * interval '24 hours', 'T' || age FROM unnest('{1,89,91}'::int[]) age;
SELECT ctlpr.govern('law.reads', 'captured_at', 'plate', agency => 'agency'), ctlpr.govern('law.tax', 'captured_at', 'plate', owner_agency => 'T-LAW-CIVIL', retention => 'motor_vehicle_tax');
DO $$
DECLARE
	r name;
BEGIN
	FOR r IN SELECT role FROM law.actor UNION ALL SELECT 'law_chief' LOOP
		EXECUTE format('GRANT SELECT, DELETE ON law.reads, law.tax TO %I', r);
	END LOOP;
END
$$;

-- What a role would be told: "allowed", or the SQLSTATE and its clause.
CREATE FUNCTION law.verdict(who name, purpose text, case_number text DEFAULT 'C-1', reason text DEFAULT 'burglary', authorization_id bigint DEFAULT NULL, on_behalf_of text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v record;
BEGIN
	PERFORM set_config('role', who, true);
	SELECT * INTO v FROM ctlpr.check_request(verdict.purpose, verdict.case_number, verdict.reason, on_behalf_of => verdict.on_behalf_of, authorization_id => verdict.authorization_id);
	PERFORM set_config('role', 'none', true);
	RETURN CASE WHEN v.allowed THEN 'allowed' ELSE v.sqlstate || ' ' || v.clause END;
END
$$;
-- The kinds that may state a purpose, and how the rest are refused; the vendor asks for the agency of the kind that it has a contract with.
CREATE FUNCTION law.who_may(purpose text, vendor_for text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(substr(a.role, 5), ' ' ORDER BY a.no) FILTER (WHERE v.verdict = 'allowed') || '; ' || string_agg(DISTINCT v.verdict, ' ') FILTER (WHERE v.verdict <> 'allowed')
	FROM law.actor a, LATERAL (SELECT law.verdict(a.role, who_may.purpose, on_behalf_of => CASE WHEN a.kind = 'vendor' THEN vendor_for END) AS verdict) v
$$;
-- The plates that a role sees in a relation under a request.
CREATE FUNCTION law.seen(who name, relation text, purpose text, case_number text DEFAULT NULL, reason text DEFAULT 'burglary', authorization_id bigint DEFAULT NULL, on_behalf_of text DEFAULT NULL, officer text DEFAULT NULL)
	RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text[];
BEGIN
	PERFORM set_config('role', who, true);
	PERFORM ctlpr.begin_request(seen.purpose, seen.case_number, seen.reason, seen.officer, authorization_id => seen.authorization_id, on_behalf_of => seen.on_behalf_of);
	EXECUTE format('SELECT array_agg(plate ORDER BY plate) FROM %s', relation) INTO result;
	PERFORM ctlpr.end_request();
	PERFORM set_config('role', 'none', true);
	RETURN coalesce(array_to_string(result, ' '), 'nothing');
END
$$;
-- The outcomes that end a hold, each with the time until its copies are deleted; none of them comes to stay.
CREATE FUNCTION law.endings(hold bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ending record;
	delay  interval;
	result text[] := '{}';
BEGIN
	FOR ending IN SELECT DISTINCT h.outcome FROM ctlpr.statute_hold h WHERE h.statute = 'us-ct-2026' ORDER BY 1 LOOP
		BEGIN
			PERFORM set_config('role', 'law_chief', true);
			PERFORM ctlpr.end_hold(hold, ending.outcome);
			PERFORM set_config('role', 'none', true);
			SELECT h.purge_after - h.ended_at INTO delay FROM ctlpr.hold h WHERE h.hold_id = hold;
			result := result || format('%s %s', ending.outcome, delay);
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception OR SQLSTATE 'LP030' THEN
			CONTINUE;
		END;
	END LOOP;
	RETURN array_to_string(result, ', ');
END
$$;
-- How a statement of a role ends: "done", or its SQLSTATE.
CREATE FUNCTION law.outcome(who name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', who, true);
	EXECUTE statement;
	PERFORM set_config('role', 'none', true);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
-- Entries of this test, when what came of the statements has been written too.
CREATE FUNCTION law.entries() RETURNS SETOF ctlpr.audit_log LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM ctlpr.audit_log l, pg_temp.beginning b WHERE l.seq > b.seq AND l.action = 'select' AND l.allowed AND l.role LIKE 'law\_%' AND l.outcome = 'unknown');
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN QUERY SELECT l.* FROM ctlpr.audit_log l, pg_temp.beginning b WHERE l.seq > b.seq AND l.agency_id LIKE 'T-LAW-%';
END
$$;

-- 13(b)(1)(A): the seven purposes of any public agency of the state, or of its vendor
SELECT ctlpr.register_contract('T-LAW-VENDOR', 'T-LAW-CIVIL', '2026-01-05') AS contract \gset
\set any_public_agency 'police public_agency prosecutor vendor hartford; LP003 '
SELECT is(law.who_may('weigh_station', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(i) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(i): weigh station duties are for public agencies of the state');
SELECT is(law.who_may('own_vehicles', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(ii) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(ii): so are their own vehicles');
SELECT is(law.who_may('secured_area_access', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(iii) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(iii): so is access to secured areas');
SELECT is(law.who_may('traffic_analytics', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(iv) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(iv): so are traffic analytics');
SELECT is(law.who_may('parking_enforcement', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(v) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(v): so is parking enforcement');
SELECT is(law.who_may('state_facility_security', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(vi) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(vi): so is the security of state facilities');
SELECT is(law.who_may('motor_vehicle_tax', 'T-LAW-CIVIL'), :'any_public_agency' || '13(b)(1)(A)(vii) LP006 13(d)(6) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(A)(vii): so is compliance with the vehicle tax');

-- 13(b)(1)(B): law enforcement; its vendor too, for comparing with hotlists
\set police_only 'police prosecutor task_force hartford; LP003 '
SELECT is(law.who_may('hotlist_comparison', 'T-LAW-CIVIL'), :'police_only' || '13(b)(1)(B)(i) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(B)(i): comparison with hotlists is for law enforcement');
SELECT ctlpr.end_contract(:contract, 'over');
SELECT ctlpr.register_contract('T-LAW-VENDOR', 'T-LAW-PD', '2026-01-05') AS contract \gset
SELECT is(law.verdict('law_vendor', 'hotlist_comparison', on_behalf_of => 'T-LAW-PD'), 'allowed', 'or for its vendor, which acts for it');
SELECT is(law.who_may('criminal_investigation', 'T-LAW-PD'), :'police_only' || '13(b)(1)(B)(ii)(I) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(B)(ii)(I): investigating with a plate is for law enforcement');
SELECT is(law.who_may('outstanding_warrant', 'T-LAW-PD'), :'police_only' || '13(b)(1)(B)(ii)(II) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(B)(ii)(II): so is looking for somebody with an outstanding warrant');
SELECT is(law.who_may('missing_person', 'T-LAW-PD'), :'police_only' || '13(b)(1)(B)(ii)(III) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(B)(ii)(III): so is looking for somebody who is missing');
SELECT is(law.who_may('stolen_vehicle', 'T-LAW-PD'), :'police_only' || '13(b)(1)(B)(ii)(IV) LP006 13(d)(6)(B) LP006 13(d)(6)(C)', '13(b)(1)(B)(ii)(IV): so is looking for a stolen vehicle');
SELECT is(law.verdict('law_police', 'criminal_investigation', 'C-1', stated), 'LP005 13(b)(1)(B)(ii)(I)', format('an investigation without a reason is refused: %L', stated)) FROM unnest('{NULL,""," "}'::text[]) stated;
SELECT is(law.verdict('law_police', 'facial_recognition'), 'LP003 13(b)(1)', '13(b)(1): what is not on the list is refused');
SELECT law.seen('law_police', 'law.reads', purpose, 'C-' || purpose, 'because of ' || purpose, officer => 'Officer B') AS seen FROM unnest('{criminal_investigation,outstanding_warrant,missing_person,stolen_vehicle}'::text[]) purpose \g /dev/null
SELECT is((SELECT array_agg(format('%s %s %s: %s, %s', action, clause, officer, case_number, reason) ORDER BY seq) FROM law.entries() WHERE officer = 'Officer B'),
	(SELECT array_agg(format('%1$s %2$s Officer B: C-%3$s, because of %3$s', a, '13(d)(6)(A)', p) ORDER BY no, a) FROM unnest('{criminal_investigation,outstanding_warrant,missing_person,stolen_vehicle}'::text[]) WITH ORDINALITY v (p, no), unnest('{request,select}'::text[]) a),
	'13(b)(1)(B)(ii): reason, case and officer stand on the request and on each search under it');

-- 13(d)(1) to (4), 13(e)(1), 13(g)(1): forbidden to everybody, whatever he holds
CREATE TEMP TABLE warrant AS SELECT ctlpr.authorize('probable_cause_warrant', 'T-LAW-US', plates => '{P1}', captured => tstzrange(now() - interval '10 days', now()), issued_by => 'Judge A') AS number;
CREATE FUNCTION law.forbidden(purpose text, clause text) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(law.verdict(a.role, purpose, on_behalf_of => CASE WHEN a.kind = 'vendor' THEN 'T-LAW-PD' END) = 'LP004 ' || clause
		AND law.verdict(a.role, purpose, authorization_id => w.number) = 'LP004 ' || clause) FROM law.actor a, warrant w
$$;
SELECT ok(law.forbidden('protected_class', '13(d)(1)'), '13(d)(1): nobody monitors protected classes');
SELECT ok(law.forbidden('protected_activity', '13(d)(2)'), '13(d)(2): nobody identifies people in protected activity');
SELECT ok(law.forbidden('immigration_enforcement', '13(d)(3)'), '13(d)(3): nobody enforces immigration law, with a warrant neither');
SELECT ok(law.forbidden('reproductive_health_care', '13(d)(4)') AND law.forbidden('gender_affirming_care', '13(d)(4)'), '13(d)(4): nobody acts against lawful care');
SELECT ok(law.forbidden('public_records', '13(e)(1)'), '13(e)(1): reads are no public record');
SELECT ok(law.forbidden('sale', '13(g)(1)'), '13(g)(1): nobody sells reads');
SELECT is(law.outcome('law_police', format('SELECT ctlpr.begin_request(%L, officer => %L)', purpose, 'Officer F')), 'LP004', format('a request for %s is refused', purpose))
	FROM unnest('{protected_class,protected_activity,immigration_enforcement,reproductive_health_care,gender_affirming_care,public_records,sale}'::text[]) purpose;
SELECT is((SELECT array_agg(format('%s %s %s', purpose, sqlstate, clause) ORDER BY seq) FROM ctlpr.refusals WHERE agency_id = 'T-LAW-PD' AND officer = 'Officer F'),
	'{"protected_class LP004 13(d)(1)","protected_activity LP004 13(d)(2)","immigration_enforcement LP004 13(d)(3)","reproductive_health_care LP004 13(d)(4)","gender_affirming_care LP004 13(d)(4)","public_records LP004 13(e)(1)","sale LP004 13(g)(1)"}'::text[],
	'each stays on record with its clause');
SELECT is((SELECT array_agg(f.clause ORDER BY f.clause) FROM ctlpr.findings f WHERE f.kind = 'forbidden_purpose' AND f.agency_id = 'T-LAW-PD' AND f.officer = 'Officer F'),
	'{13(d)(1),13(d)(2),13(d)(3),13(d)(4),13(e)(1),13(g)(1)}'::text[], '13(k): and is a finding about the officer');

-- 13(b)(2)(A): what is hidden, what is too old, and what a contract shortens
SELECT is(law.seen('law_police', 'law.reads', 'stolen_vehicle'), 'OWNED OWNED P1 P100 P400', 'an expired read is hidden');
SELECT is((SELECT format('%s %s %s', f.severity, f.clause, f.finding LIKE '%law.reads: 1,%') FROM ctlpr.findings f WHERE f.kind = 'over_retention' AND f.agency_id = 'T-LAW-PD'), 'violation 13(b)(2)(A), 15(a)(1)(E) t',
	'15(a)(1)(E): a read that is still there past its time is counted as a violation of its agency');
SELECT is((SELECT expired_rows FROM ctlpr.retention_status WHERE relation = 'law.reads'::regclass), 1::bigint, 'and in the state of retention');
SELECT is(law.outcome('none', $$SELECT ctlpr.register_contract('T-LAW-VENDOR', 'T-LAW-HPD', '2026-01-05', retention => '91 days')$$), 'LP012', 'a contract sets no longer retention than the act');
SELECT lives_ok($$SELECT ctlpr.register_contract('T-LAW-VENDOR', 'T-LAW-HPD', '2026-01-05', retention => '48 hours')$$, 'it may set a shorter one');
SELECT is(law.seen('law_hartford', 'law.reads', 'stolen_vehicle'), 'H1', '13(b)(2)(A): reads older than the vendor''s contract allows are hidden at once');
SELECT is(law.seen('law_police', 'law.reads', 'stolen_vehicle', 'C-1'), 'H1 OWNED OWNED P1 P100 P400', 'from others as well, and those of others only');
SELECT ctlpr.start_purge('law.reads', approved_by => 'Chief') \g /dev/null
SELECT ok((SELECT f.finding LIKE '%law.reads: 1, %the purge is behind by up to %day%' FROM ctlpr.findings f WHERE f.kind = 'over_retention' AND f.agency_id = 'T-LAW-HPD'),
	'15(a)(1)(E): what a contract would have deleted is retained too long, before the 21 days are over');

-- 13(b)(2)(C): the vehicle tax
SELECT is(law.seen('law_public_agency', 'law.tax', 'motor_vehicle_tax'), 'T1 T89', '13(b)(2)(C): reads for the vehicle tax are kept for 90 days');
SELECT ctlpr.limit_sharing('T-LAW-CIVIL', 'reads for the vehicle tax are for the assessor and the registrant') \g /dev/null
SELECT is(law.seen('law_police', 'law.tax', 'criminal_investigation', 'C-1') || ', ' || law.seen('law_prosecutor', 'law.tax', 'motor_vehicle_tax', 'C-1'), 'nothing, nothing', '13(b)(2)(C): an assessor who limits sharing shows them to no other agency');
SELECT is(law.outcome('law_police', $$SELECT ctlpr.begin_request('criminal_investigation', 'C-1', 'fraud'); DELETE FROM law.tax; SELECT ctlpr.end_request()$$), 'done', 'another agency deletes none of them');
SELECT is(law.outcome('law_public_agency', $$SELECT ctlpr.begin_request('motor_vehicle_tax'); DELETE FROM law.tax WHERE plate = 'T89'; SELECT ctlpr.end_request()$$), 'done', 'the assessor deletes those of a vehicle found compliant');
SELECT is(law.seen('law_public_agency', 'law.tax', 'motor_vehicle_tax'), 'T1', '13(b)(2)(C): they are gone, and the others are there');

-- 13(b)(2)(A)(i) to (iii), 13(b)(2)(B): holds outlive retention, on their own bases and by their own ending events
CREATE FUNCTION law.hold(basis text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	PERFORM set_config('role', 'law_chief', true);
	result := ctlpr.preserve('law.reads', hold.basis, 'purpose', 'C-' || hold.basis, 'Officer H', plates => '{P100}');
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;
CREATE TEMP TABLE held AS SELECT basis, law.hold(basis) AS hold_id FROM unnest('{court_order,criminal_evidence,highway_fee,subsequent_offense}'::text[]) basis;
SELECT ctlpr.set_agency_option('T-LAW-PD', retention => '50 hours');
SELECT is(law.seen('law_police', 'law.reads', 'criminal_investigation', 'C-court_order'), 'H1 OWNED P1', 'what is past retention is gone from the reads, case or not');
SELECT is((SELECT array_agg(basis || ': ' || law.seen('law_police', 'law.reads_evidence', 'criminal_investigation', 'C-' || basis) ORDER BY basis) FROM held),
	'{"court_order: P100","criminal_evidence: P100","highway_fee: P100","subsequent_offense: P100"}'::text[], 'and kept as evidence of each case: 13(b)(2)(A)(i) to (iii), 13(b)(2)(B)');
SELECT is((SELECT law.endings(hold_id) FROM held WHERE basis = 'court_order'), 'order_ended 00:00:00', '13(b)(2)(A)(i): a hold by order of a court ends as the order says');
SELECT is((SELECT law.endings(hold_id) FROM held WHERE basis = 'highway_fee'), 'fee_collected 30 days, no_fee_due 00:00:00', '13(b)(2)(A)(ii): reads for a highway fee are deleted 30 days after its collection');
SELECT is((SELECT law.endings(hold_id) FROM held WHERE basis = 'criminal_evidence'), 'final_disposition 00:00:00, last_defendant_released 00:00:00, no_charges 00:00:00', '13(b)(2)(A)(iii): evidence is kept until one of its three ending events');
SELECT is((SELECT law.endings(hold_id) FROM held WHERE basis = 'subsequent_offense'), 'no_longer_needed 00:00:00', '13(b)(2)(B): what proves a subsequent offense is kept until it is no longer needed');
SELECT is((SELECT array_agg(law.outcome('law_police', format('SELECT ctlpr.preserve(%L, %L, %L, %L, %L, plates => %L)', 'law.reads', basis, 'purpose', 'C-9', 'Officer H', '{P1}'))) FROM held), '{LP005,LP005,LP005,LP005}'::text[],
	'none of them begins without a supervisor');
SELECT is((SELECT array_agg(format('%s %s %s %s', basis, clause, approved_by, requested_by) ORDER BY basis) FROM ctlpr.holds WHERE agency_id = 'T-LAW-PD' AND reads = 1 AND duration >= interval '0' AND ended_at IS NULL),
	'{"court_order 13(b)(2)(A)(i) law_chief Officer H","criminal_evidence 13(b)(2)(A)(iii) law_chief Officer H","highway_fee 13(b)(2)(A)(ii) law_chief Officer H","subsequent_offense 13(b)(2)(B) law_chief Officer H"}'::text[],
	'14(a)(6): open holds are listed with what they keep and for how long');
SELECT law.outcome('law_chief', format('SELECT ctlpr.end_hold(%s, %L)', hold_id, 'no_charges')) FROM held WHERE basis = 'criminal_evidence' \g /dev/null
SELECT ok((SELECT count(*) > 0 FROM ctlpr.retention_status) AND (SELECT count(*) >= 0 FROM ctlpr.findings), 'what has outlived its hold breaks no view');
SELECT is(law.seen('law_police', 'law.reads_evidence', 'criminal_investigation', 'C-criminal_evidence') || ', ' || law.seen('law_police', 'law.reads_evidence', 'criminal_investigation', 'C-court_order'), 'nothing, P100',
	'13(b)(2)(A)(iii): evidence is hidden when its hold has ended, unless a court holds it');
SELECT ctlpr.set_agency_option('T-LAW-PD');

-- 13(d)(6)(C): the Terrorist Screening Database
SELECT is(law.verdict('law_federal', 'criminal_investigation'), 'LP006 13(d)(6)(C)', 'a federal agency without an instrument is refused');
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize('terrorist_screening_match', 'T-LAW-US')$$), 'LP005', 'a screening match names the data');
SELECT ctlpr.authorize('terrorist_screening_match', 'T-LAW-US', plates => '{P1}') AS match \gset
SELECT is(law.seen('law_federal', 'law.reads', 'criminal_investigation', 'F-1', authorization_id => :match), 'P1', '13(d)(6)(C): a screening match opens the plate that it names');
SELECT is(law.seen('law_federal', 'law.reads', 'criminal_investigation', 'F-2', authorization_id => number), 'P1', 'so does a warrant') FROM warrant;
SELECT is((SELECT array_agg(format('%s %s', basis, searches) ORDER BY basis) FROM (SELECT basis, count(*) AS searches FROM law.entries() WHERE action = 'select' AND agency_id = 'T-LAW-US' GROUP BY 1) s), '{"probable_cause_warrant 1","terrorist_screening_match 1"}'::text[],
	'15(a)(1)(D): searches under a judicial warrant can be counted apart');

-- 13(d)(6)(D), 13(e)(3): the registrant
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize('registrant', 'T-LAW-PD', plates => '{OWNED}', registrants => '{A}', consenting => '{A}')$$), 'LP005', 'a registrant states since when the vehicle has been registered');
SELECT ctlpr.authorize('registrant', 'T-LAW-PD', plates => '{OWNED}', captured => tstzrange(now() - interval '90 hours', now()), registrants => '{A}', consenting => '{A}') AS registrant \gset
SELECT is(law.seen('law_police', 'law.reads', 'registrant_request', 'R-1', 'by the owner', :registrant), 'OWNED', '13(e)(3): a registrant obtains the reads of the time of registration alone');

-- 13(f), 14(b), 14(a)(7): policies
UPDATE ctlpr.statute_policy SET due_on = (now() AT TIME ZONE 'America/New_York')::date + 60 WHERE statute = 'us-ct-2026';
SELECT is((SELECT count(*) FROM ctlpr.findings WHERE kind = 'missing_policy'), 0::bigint, 'long before its day no policy is missed');
UPDATE ctlpr.statute_policy SET due_on = (now() AT TIME ZONE 'America/New_York')::date + 20 WHERE statute = 'us-ct-2026';
SELECT is((SELECT array_agg(DISTINCT severity) FROM ctlpr.findings WHERE kind = 'missing_policy'), '{info}'::text[], 'a month before, it is announced');
UPDATE ctlpr.statute_policy SET due_on = (now() AT TIME ZONE 'America/New_York')::date WHERE statute = 'us-ct-2026';
SELECT is((SELECT array_agg(format('%s %s %s', severity, clause, agency_id) ORDER BY agency_id) FROM ctlpr.findings WHERE kind = 'missing_policy' AND agency_id IN ('T-LAW-CIVIL', 'T-LAW-PD', 'T-LAW-MA', 'T-LAW-TX')),
	'{"violation 13(f) T-LAW-CIVIL","violation 14(b) T-LAW-PD"}'::text[], '13(f), 14(b): an agency of the state without its policy is in violation from the day on');
SELECT is(law.outcome('none', format('SELECT ctlpr.register_policy(%L, %L, %L, %L)', 'T-LAW-CIVIL', 'usage_and_privacy', now()::date + 3, 'https://example.org')), 'LP005', 'a policy is not adopted in the future');
SELECT is(law.outcome('none', format('SELECT ctlpr.register_policy(%L, %L, %L, %L)', 'T-LAW-CIVIL', 'usage_and_privacy', '2026-09-01', ' ')), '22023', '14(a)(7): a policy is published somewhere');
SELECT is(law.outcome('none', format('SELECT ctlpr.register_policy(%L, %L, %L, %L)', 'T-LAW-CIVIL', 'etiquette', '2026-09-01', 'https://example.org')), '42704', 'and is one that the act knows');
SELECT lives_ok($$SELECT ctlpr.register_policy('T-LAW-CIVIL', 'usage_and_privacy', '2026-09-01', 'https://example.org/usage'), ctlpr.register_policy('T-LAW-PD', 'model_policy', '2026-09-01', 'https://example.org/model', stricter => true)$$, 'policies are registered');
SELECT is((SELECT array_agg(format('%s %s %s %s', agency_id, kind, published_at, stricter) ORDER BY agency_id) FROM ctlpr.policy WHERE agency_id LIKE 'T-LAW-%'),
	'{"T-LAW-CIVIL usage_and_privacy https://example.org/usage f","T-LAW-PD model_policy https://example.org/model t"}'::text[], '14(a)(7): the register says where the public finds each');
SELECT is((SELECT count(*) FROM ctlpr.findings WHERE kind = 'missing_policy' AND agency_id IN ('T-LAW-CIVIL', 'T-LAW-PD')), 0::bigint, '13(f), 14(b): with it, nothing is missed');

-- 13(g)(1) to (4), 13(i): vendors
SELECT is(law.outcome('none', $$SELECT ctlpr.register_contract('T-LAW-VENDOR', 'T-LAW-SA', '2026-01-05', bars_sale => false)$$), 'LP005', '13(g)(1): a contract that does not bar sale is none');
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize_vendor('T-LAW-VENDOR', 'T-LAW-SA', 'a mapmaker', 'traffic_analytics', now() + interval '1 day')$$), 'LP006', '13(g)(2): without a contract no vendor is authorized to share');
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize_vendor('T-LAW-VENDOR', 'T-LAW-PD', 'a contractor', 'immigration_enforcement', now() + interval '1 day')$$), 'LP004', '13(g)(4): nor for a forbidden use');
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize_vendor('T-LAW-VENDOR', 'T-LAW-PD', 'a contractor', 'anything', now() + interval '1 day')$$), 'LP003', 'nor for no purpose in particular');
SELECT is(law.outcome('none', $$SELECT ctlpr.authorize_vendor('T-LAW-VENDOR', 'T-LAW-PD', ' ', 'traffic_analytics', now() + interval '1 day')$$), '22023', 'nor with nobody in particular');
SELECT lives_ok($$SELECT ctlpr.authorize_vendor('T-LAW-VENDOR', 'T-LAW-PD', 'a mapmaker', 'traffic_analytics', now() + interval '1 day', 'letter 7')$$, 'an express authorization is registered');
SELECT is((SELECT format('%s %s %s', third_party, purpose, document) FROM ctlpr.vendor_authorization WHERE agency_id = 'T-LAW-PD'), 'a mapmaker traffic_analytics letter 7', '13(g)(2): with whom it may share, and for what');
SELECT is(law.verdict('law_vendor', 'hotlist_comparison'), 'LP005 13(g)(2)', 'a vendor does not act for itself');
SELECT is(law.verdict('law_vendor', 'hotlist_comparison', on_behalf_of => 'T-LAW-SA'), 'LP006 13(g)(2)', 'nor for who has no contract with it');
SELECT is(law.seen('law_vendor', 'law.reads', 'traffic_analytics', 'C-1', on_behalf_of => 'T-LAW-PD'), 'OWNED P1', '13(g)(3): it sees the reads of the agency that it acts for, whatever the case, and none that had expired');
SELECT is(law.outcome('law_vendor', $$SELECT ctlpr.begin_request('hotlist_comparison', on_behalf_of => 'T-LAW-SA')$$) || law.outcome('law_vendor', $$SELECT ctlpr.begin_request('sale', on_behalf_of => 'T-LAW-PD')$$), 'LP006LP004', 'what a vendor tries is refused');
SELECT is((SELECT array_agg(format('%s %s %s', sqlstate, clause, violations) ORDER BY sqlstate) FROM ctlpr.violations_by_vendor WHERE vendor_id = 'T-LAW-VENDOR'), '{"LP004 13(g)(1) 1","LP006 13(g)(2) 1"}'::text[], '13(i): and counted for each vendor and clause');

-- 13(g)(5): security that somebody weakened
SELECT ctlpr.break_glass('test') \g /dev/null
ALTER TABLE law.tax DISABLE ROW LEVEL SECURITY;
DROP POLICY ctlpr_guard ON law.reads;
SELECT ctlpr.end_request() \g /dev/null
SELECT is((SELECT array_agg(format('%s %s %s', f.severity, f.kind, f.clause) ORDER BY f.kind) FROM ctlpr.findings f WHERE f.kind IN ('row_security', 'guard_policy') AND f.finding LIKE '%law.%'), '{"violation guard_policy 13(d)(6), 13(e)(1)","violation row_security 13(d)(6), 13(e)(1)"}'::text[],
	'13(g)(5): row security that was taken off, and a guard that is gone, are violations');
ALTER TABLE law.tax ENABLE ROW LEVEL SECURITY;
SELECT ctlpr.apply_guard('law.reads');
SELECT is((SELECT count(*) FROM ctlpr.findings f WHERE f.kind IN ('row_security', 'guard_policy') AND f.finding LIKE '%law.%'), 0::bigint, 'until they are back');

-- 13(j), 13(k): who was sought, and by whom
SELECT is(law.outcome('law_texan', $$SELECT FROM law.reads WHERE plate = 'P1'$$), 'LP001', 'a search without a request is refused');
SELECT is(law.outcome('law_hartford', format('DO %L', $$BEGIN PERFORM ctlpr.begin_request('stolen_vehicle', 'C-7', officer => 'Officer J'); PERFORM FROM law.reads WHERE plate = 'P1'; PERFORM FROM law.reads WHERE plate = 'H1'; END$$)), 'done', 'one with a request finds a read of another agency');
SELECT is((SELECT array_agg(format('%s %s %s', agency_id, allowed, sqlstate) ORDER BY agency_id) FROM law.entries() WHERE plates @> '{P1}'), '{"T-LAW-HPD t ","T-LAW-TX f LP001"}'::text[], '13(j): an auditor finds by plate who sought it, refusals too');
SELECT is((SELECT array_agg(format('%s %s %s', d.agency_id, d.owner_agency_id, d.owner_rows)) FROM ctlpr.disclosures d, beginning b WHERE d.seq > b.seq AND d.plates @> '{P1}'), '{"T-LAW-HPD T-LAW-PD 1"}'::text[], '13(j): and to whom its reads were disclosed');
SELECT is((SELECT array_agg(format('%s %s', officer, searches) ORDER BY officer) FROM (SELECT officer, count(*) AS searches FROM law.entries() WHERE action = 'select' AND officer IN ('Officer B', 'Officer J') GROUP BY 1) s), '{"Officer B 4","Officer J 2"}'::text[], '13(k): searches are counted for each officer');

-- 13(l): a suspected misuse, and what follows
SELECT is(law.outcome('none', $$SELECT ctlpr.report_suspected_misuse('T-LAW-HPD', 'T-LAW-PD', 'shared with others')$$), '22023', '13(l): a notice is about an agency of another state or of the federation');
SELECT is(law.outcome('none', $$SELECT ctlpr.report_suspected_misuse('T-LAW-MA', 'T-LAW-PD', 'shared with others', '{-1}')$$), '42704', 'its evidence is on record');
SELECT ctlpr.report_suspected_misuse('T-LAW-MA', 'T-LAW-PD', 'shared with others', ARRAY[(SELECT max(seq) FROM law.entries() WHERE officer = 'Officer F')], '2026-11-01') AS report \gset
SELECT is((SELECT format('%s %s %s %s', agency_id, reported_by_agency, notice_sent_on, determination) FROM ctlpr.misuse_report WHERE report_id = :report), 'T-LAW-MA T-LAW-PD 2026-11-01 ', '13(l): a notice of suspected misuse is registered');
SELECT ctlpr.file_declaration('T-LAW-MA', 'Commissioner', '2026-09-15') \g /dev/null
SELECT is(law.verdict('law_boston', 'stolen_vehicle', 'B-1'), 'allowed', 'until it is determined, sharing goes on');
SELECT lives_ok(format('SELECT ctlpr.record_determination(%s, %L)', :report, 'misuse'), 'the determination is recorded');
SELECT is(law.outcome('none', format('SELECT ctlpr.record_determination(%s, %L)', :report, 'no_misuse')), '55000', 'once');
SELECT ctlpr.suspend_sharing('T-LAW-MA', 'POST', 'misuse determined') \g /dev/null
SELECT is(law.verdict('law_boston', 'stolen_vehicle', 'B-1') || ', ' || law.verdict('law_hartford', 'stolen_vehicle', 'B-1', on_behalf_of => 'T-LAW-MA') || ', ' || law.verdict('law_police', 'stolen_vehicle', 'B-1', on_behalf_of => 'T-LAW-MA'), 'LP007 13(l), LP007 13(l), LP007 13(l)',
	'13(l): then every agency of the state stops sharing with it');

-- 14(a)(4): oversight
SELECT ctlpr.set_agency_option('T-LAW-PD', oversight => 'Internal Affairs') \g /dev/null
SELECT is((SELECT oversight FROM ctlpr.agency_option WHERE agency_id = 'T-LAW-PD'), 'Internal Affairs', '14(a)(4): the oversight unit of an agency is registered');

-- 15(a)(1)(C), (G): what is told apart in what was accessed
SELECT is((SELECT max(oldest_age_days) FROM law.entries() WHERE action = 'select' AND agency_id = 'T-LAW-PD'), 16, '15(a)(1)(G): access to a read 16 days after its collection shows its age');
SELECT is((SELECT max(oldest_age_days) FROM law.entries() WHERE action = 'select' AND officer = 'Officer J'), 0, 'access to younger ones shows theirs');
SELECT is(law.outcome('law_hartford', format('SELECT ctlpr.record_disclosure(%s, %L, %L)', (SELECT max(seq) FROM law.entries() WHERE action = 'request' AND officer = 'Officer J'), 'T-LAW-US', 'over the telephone')), 'LP006', '15(a)(1)(C): what was passed on by other means, without a basis,');
SELECT is((SELECT format('%s %s', severity, clause) FROM ctlpr.findings WHERE kind = 'unlawful_disclosure' AND agency_id = 'T-LAW-HPD'), 'violation 13(d)(6)', 'is on record and a finding');

-- 15(a)(2): changes of policy
SELECT is((SELECT array_agg(DISTINCT e.detail ->> 'function' ORDER BY e.detail ->> 'function') FROM ctlpr.audit_entry e, beginning b WHERE e.seq > b.seq AND e.entry = 'verdict' AND e.action = 'configuration' AND e.sqlstate IS NULL AND e.agency_id LIKE 'T-LAW-%'),
	'{authorize,authorize_vendor,bind_role,end_contract,file_declaration,govern,limit_sharing,record_determination,register_agency,register_contract,register_policy,report_suspected_misuse,set_agency_option,suspend_sharing}'::text[],
	'15(a)(2): changes of collection, retention and sharing are entries of the log');

SELECT * FROM finish();
ROLLBACK;
