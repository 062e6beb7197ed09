-- 13(f), 13(g)(1)-(4), 13(i), 13(l), 14(a)(4)-(5), 14(b): contracts, authorizations, officers, policies and reports of misuse are put on file by those whose task it is, on record, and never half done.
SET client_min_messages = warning;

-- Violations are acts of a role whose agency is known to every session, so these few are committed.
CREATE ROLE registers_vendor;
CREATE ROLE registers_auditor;
DO $$
BEGIN
	PERFORM ctlpr.register_agency('RG-VENDOR', 'Readers Inc.', 'vendor', 'GA');
	PERFORM ctlpr.register_agency('RG-VENDOR-2', 'Cameras Inc.', 'vendor', 'CT');
	PERFORM ctlpr.register_agency('RG-POLICE', 'Police Department', 'police', 'CT');
	PERFORM ctlpr.register_agency('RG-TRANSIT', 'Transit District', 'public_agency', 'CT');
	PERFORM ctlpr.register_agency('RG-DALLAS', 'Dallas Police Department', 'police', 'TX');
	PERFORM ctlpr.register_agency('RG-CBP', 'Customs and Border Protection', 'federal', 'US');
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.bind_role('registers_vendor', 'RG-VENDOR');
	PERFORM ctlpr.bind_auditor('registers_auditor');
END
$$;

BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(92);

CREATE SCHEMA registers;
CREATE ROLE registers_stranger;
CREATE ROLE registers_admin IN ROLE ctlpr_admin;
CREATE ROLE registers_registrar IN ROLE ctlpr_registrar;
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- A refusal has its SQLSTATE and a hint; one under the law names its clause, and no message tells what was typed in.
CREATE FUNCTION registers.refused(statement text, state text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state text;
	got_hint  text;
	got_text  text;
	got_more  text;
	as_wanted boolean;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT, got_more = PG_EXCEPTION_DETAIL;
	END;
	as_wanted := coalesce(got_state = state AND got_hint <> '' AND (state NOT LIKE 'LP%' OR got_more ~ '1[34]\(') AND concat(got_text, got_more, got_hint) !~ 'SECRET', false);
	RETURN ok(as_wanted, description)
		|| CASE WHEN as_wanted THEN '' ELSE E'\n' || diag(format('got %s: %s; detail: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_more, got_hint)) END;
END
$$;

-- How many entries of this test the log has for a function.
CREATE FUNCTION registers.recorded(function_name text, state text, wanted_clause text, agency text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'configuration' AND e.detail ->> 'function' = function_name
		AND e.sqlstate IS NOT DISTINCT FROM state AND e.clause = wanted_clause AND e.agency_id = agency
$$;
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		   WHERE c.relname IN ('contract', 'vendor_authorization', 'officer', 'agency_option', 'policy', 'statute_policy', 'misuse_report', 'aggregate', 'violations_by_vendor')
			   AND c.relnamespace = 'ctlpr'::regnamespace AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column is explained');

-- register_contract(), end_contract(): 13(g)(1)
SELECT lives_ok($$SELECT ctlpr.register_contract('RG-VENDOR', 'RG-POLICE', '2026-10-05', retention => '14 days', document => 'binder 7')$$, 'a contract is registered');
SELECT results_eq($$SELECT valid_from, valid_until, retention, bars_sale, document FROM ctlpr.contract$$,
	$$VALUES ('2026-10-05 04:00:00+00'::timestamptz, 'infinity'::timestamptz, interval '14 days', true, 'binder 7')$$, 'it holds from midnight in Connecticut until it is ended');
SELECT lives_ok($$SELECT ctlpr.register_contract('RG-VENDOR', 'RG-TRANSIT', '2026-10-05', valid_until => '2030-12-31', retention => '504 hours')$$, 'a vendor has two agencies');
SELECT is((SELECT valid_until FROM ctlpr.contract WHERE agency_id = 'RG-TRANSIT'), '2031-01-01 05:00:00+00'::timestamptz, 'a last day ends at its end in Connecticut');
SELECT is(registers.recorded('register_contract', NULL, '13(g)(1)', 'RG-POLICE'), 1::bigint, 'it is on record, as of the agency');
SELECT registers.refused(format('SELECT ctlpr.register_contract(%s)', a), s, d)
	FROM (VALUES ('''RG-VENDOR'', ''RG-POLICE'', ''2026-11-01''', '42710', 'a second contract of the same two is refused'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', bars_sale => false', 'LP005', 'a contract that does not bar sale is'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', bars_sale => NULL', 'LP005', 'nor one that does not say'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', (now() + interval ''2 days'')::date', 'LP005', 'a signature in the future is none'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', NULL', 'LP005', 'nor is no day'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''infinity''', 'LP005', 'nor one that never comes'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', retention => ''505 hours''', 'LP012', 'it cannot keep longer than the statute'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', retention => ''22 days''', 'LP012', 'not in days either'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', retention => ''1 month''', '22023', 'a month is no retention'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', retention => ''-1 day''', '22023', 'nor is less than nothing'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', valid_until => ''2026-10-04''', '22023', 'it does not end before it begins'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', valid_until => ''infinity''', '22023', 'nor on a day that never comes'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', valid_until => ''5874897-12-31''', '22023', 'nor beyond the calendar'),
				 ('''RG-TRANSIT'', ''RG-POLICE'', ''2026-10-05''', '22023', 'the vendor is one'),
				 ('''RG-VENDOR'', ''RG-VENDOR-2'', ''2026-10-05''', '22023', 'the agency is none'),
				 ('''RG-NONE'', ''RG-POLICE'', ''2026-10-05''', '42704', 'the vendor is registered'),
				 ('NULL, ''RG-POLICE'', ''2026-10-05''', '22004', 'and stated'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', document => '' ''', '22023', 'a document is not blank'),
				 ('''RG-VENDOR-2'', ''RG-POLICE'', ''2026-10-05'', document => repeat(''SECRET'', 700)', '22001', 'and has a sane size')) AS v (a, s, d);
SELECT is((SELECT count(*) FROM ctlpr.contract), 2::bigint, 'refused contracts left nothing');
SELECT is(registers.recorded('register_contract', 'LP012', '13(b)(2)(A)', 'RG-POLICE') + registers.recorded('register_contract', 'LP005', '13(g)(1)', 'RG-POLICE'), 7::bigint, 'the refusals are on record');

-- authorize_vendor(), revoke_vendor_authorization(): 13(g)(2)
SELECT lives_ok($$SELECT ctlpr.authorize_vendor('RG-VENDOR', 'RG-TRANSIT', 'Hosting Ltd.', 'parking_enforcement', now() + interval '90 days', 'letter 3')$$, 'an agency authorizes its vendor');
SELECT registers.refused(format('SELECT ctlpr.authorize_vendor(%s)', a), s, d)
	FROM (VALUES ('''RG-VENDOR'', ''RG-TRANSIT'', ''hosting  ltd.'', ''parking_enforcement'', now() + interval ''9 days''', '42710', 'once for a third party and purpose'),
				 ('''RG-VENDOR-2'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''parking_enforcement'', now() + interval ''9 days''', 'LP006', 'without a contract nothing is authorized'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''mapmaking'', now() + interval ''9 days''', 'LP003', 'an unknown purpose is none'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''stolen_vehicle'', now() + interval ''9 days''', 'LP003', 'a purpose of the police is none of a transit district'),
				 ('''RG-VENDOR'', ''RG-POLICE'', ''Broker'', ''sale'', now() + interval ''9 days''', 'LP004', 'sale is never authorized'),
				 ('''RG-VENDOR'', ''RG-POLICE'', ''Broker'', ''immigration_enforcement'', now() + interval ''9 days''', 'LP004', 'nor is immigration enforcement'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''own_vehicles'', NULL', '22004', 'it lapses'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''own_vehicles'', ''infinity''', '22023', 'at an instant'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''Hosting Ltd.'', ''own_vehicles'', ''2031-01-02''', '22023', 'while the contract holds'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', ''RG-VENDOR'', ''own_vehicles'', now() + interval ''1 day''', '22023', 'a third party is a third one'),
				 ('''RG-VENDOR'', ''RG-TRANSIT'', '' '', ''own_vehicles'', now() + interval ''1 day''', '22023', 'and not blank')) AS v (a, s, d);
SELECT is(ARRAY[registers.recorded('authorize_vendor', 'LP004', '13(g)(1)', 'RG-POLICE'), registers.recorded('authorize_vendor', 'LP004', '13(d)(3)', 'RG-POLICE'), registers.recorded('authorize_vendor', 'LP006', '13(g)(2)', 'RG-TRANSIT')],
	'{1,1,1}'::bigint[], 'the refusals are on record under their clauses');
SELECT is((SELECT count(*) FROM ctlpr.vendor_authorization), 1::bigint, 'refused authorizations left nothing');
SELECT registers.refused('SELECT ctlpr.revoke_vendor_authorization(NULL, ''over'')', '22004', 'a NULL authorization is refused');
SELECT registers.refused('SELECT ctlpr.revoke_vendor_authorization(-1, ''over'')', '42704', 'an unknown one too');
SELECT lives_ok($$SELECT ctlpr.revoke_vendor_authorization(vendor_authorization_id, 'over') FROM ctlpr.vendor_authorization$$, 'an authorization is revoked');
SELECT registers.refused('SELECT ctlpr.revoke_vendor_authorization(vendor_authorization_id, ''again'') FROM ctlpr.vendor_authorization', '55000', 'once');
SELECT lives_ok($$SELECT ctlpr.authorize_vendor('RG-VENDOR', 'RG-TRANSIT', 'Hosting Ltd.', 'parking_enforcement', now() + interval '90 days')$$, 'and another is registered');
SELECT registers.refused('SELECT ctlpr.end_contract(NULL, ''over'')', '22004', 'a NULL contract is not ended');
SELECT registers.refused('SELECT ctlpr.end_contract(-1, ''over'')', '42704', 'nor an unknown one');
SELECT registers.refused('SELECT ctlpr.end_contract(contract_id, NULL) FROM ctlpr.contract', '22004', 'nor without a reason');
SELECT lives_ok($$SELECT ctlpr.end_contract(contract_id, 'replaced') FROM ctlpr.contract WHERE agency_id = 'RG-TRANSIT'$$, 'a contract is ended');
SELECT is((SELECT count(*) FROM ctlpr.vendor_authorization WHERE revoked_at IS NULL), 0::bigint, 'what the vendor was authorized to pass on ends with it');
SELECT registers.refused('SELECT ctlpr.end_contract(contract_id, ''again'') FROM ctlpr.contract WHERE agency_id = ''RG-TRANSIT''', '55000', 'once');
SELECT lives_ok($$SELECT ctlpr.register_contract('RG-VENDOR', 'RG-TRANSIT', '2026-11-01')$$, 'and a new contract may be registered');

-- register_officer(), set_agency_option(): 14(a)(4)-(5)
SELECT lives_ok($$SELECT ctlpr.register_officer('RG-POLICE', 'Badge 17', '2027-06-30', 'the academy'), ctlpr.register_officer('RG-POLICE', 'Badge 17', '2028-06-30'), ctlpr.register_officer('RG-POLICE', 'Badge 18', '2020-01-01')$$, 'officers are registered, and trained again');
SELECT results_eq($$SELECT officer, training_valid_until FROM ctlpr.officer ORDER BY 1$$, $$VALUES ('Badge 17', '2028-06-30'::date), ('Badge 18', '2020-01-01')$$, 'the later training counts');
SELECT registers.refused(format('SELECT ctlpr.register_officer(%s)', a), s, d)
	FROM (VALUES ('''RG-NONE'', ''SECRET'', ''2027-06-30''', '42704', 'the agency is registered'),
				 ('''RG-POLICE'', NULL, ''2027-06-30''', '22004', 'an officer is stated'),
				 ('''RG-POLICE'', '' '', ''2027-06-30''', '22023', 'and not blank'),
				 ('''RG-POLICE'', ''SECRET'', NULL', '22004', 'a training lasts until a day'),
				 ('''RG-POLICE'', ''SECRET'', ''infinity''', '22023', 'and not for ever')) AS v (a, s, d);
SELECT lives_ok($$SELECT ctlpr.set_agency_option('RG-POLICE', demands_training => true), ctlpr.set_agency_option('RG-POLICE', oversight => 'Professional Standards')$$, 'an agency demands training and has an oversight unit');
SELECT results_eq($$SELECT demands_training, retention, oversight FROM ctlpr.agency_option$$, $$VALUES (true, NULL::interval, 'Professional Standards')$$, 'and what is not named stays');
SELECT registers.refused('SELECT ctlpr.set_agency_option(''RG-POLICE'', retention => ''60 days'')', 'LP012', 'no agency keeps longer than the statute');

-- register_policy(): 13(f) usage_and_privacy, 14(b) model_policy
SELECT is((SELECT string_agg(format('%s %s %s %s', clause, kind, array_to_string(agency_kinds, '/'), due_on), '; ' ORDER BY clause) FROM ctlpr.statute_policy WHERE statute = 'us-ct-2026'),
	'13(f) usage_and_privacy public_agency/prosecutor 2027-01-01; 14(b) model_policy police 2027-01-01', 'the policies that the act demands');
UPDATE ctlpr.statute_policy SET due_on = (now() AT TIME ZONE 'America/New_York')::date - 1;
CREATE FUNCTION registers.missing() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(f.agency_id || ' ' || f.clause, ', ' ORDER BY f.agency_id) FROM ctlpr.findings f WHERE f.kind = 'missing_policy' AND f.agency_id LIKE 'RG-%' $$;
SELECT is(registers.missing(), 'RG-POLICE 14(b), RG-TRANSIT 13(f)', 'once they are due, what is missing is a finding');
SELECT lives_ok($$SELECT ctlpr.register_policy('RG-TRANSIT', 'usage_and_privacy', '2026-11-01', published_at => 'https://transit.example/policy')$$, 'a policy is registered');
SELECT lives_ok($$SELECT ctlpr.register_policy('RG-POLICE', 'model_policy', '2026-11-01', published_at => 'https://police.example', stricter => true, document => 'general order 5')$$, 'a stricter one too');
SELECT is(registers.missing(), NULL, 'and is missing no more');
SELECT registers.refused(format('SELECT ctlpr.register_policy(%s)', a), s, d)
	FROM (VALUES ('''RG-POLICE'', ''poetry'', ''2026-11-01'', ''x''', '42704', 'a kind that the statute knows'),
				 ('''RG-POLICE'', ''model_policy'', (now() + interval ''2 days'')::date, ''x''', 'LP005', 'adopted on a day that has come'),
				 ('''RG-POLICE'', ''model_policy'', ''2026-11-01'', NULL', '22004', 'published somewhere'),
				 ('''RG-POLICE'', ''model_policy'', ''2026-11-01'', ''x'', stricter => NULL', '22004', 'stricter or not')) AS v (a, s, d);
SELECT is(registers.recorded('register_policy', NULL, '13(f)', 'RG-TRANSIT') + registers.recorded('register_policy', NULL, '14(b)', 'RG-POLICE'), 2::bigint, 'each is on record under its clause');

-- report_suspected_misuse(), record_post_notice(), record_determination(): 13(l)
SELECT lives_ok($$SELECT ctlpr.report_suspected_misuse('RG-CBP', 'RG-POLICE', 'searches without a case', ARRAY(SELECT min(seq) FROM ctlpr.audit_entry))$$, 'suspected misuse is registered, with its evidence');
SELECT registers.refused(format('SELECT ctlpr.report_suspected_misuse(%s)', a), s, d)
	FROM (VALUES ('''RG-TRANSIT'', ''RG-POLICE'', ''SECRET''', '22023', 'of an agency of another state'),
				 ('''RG-CBP'', ''RG-DALLAS'', ''SECRET''', '22023', 'by an agency of this one'),
				 ('''RG-CBP'', ''RG-POLICE'', '' ''', '22023', 'described'),
				 ('''RG-CBP'', ''RG-POLICE'', ''SECRET'', ''{-1}''', '42704', 'on entries that are there'),
				 ('''RG-CBP'', ''RG-POLICE'', ''SECRET'', notice_sent_on => (now() + interval ''2 days'')::date', '22023', 'and noticed on a day that has come')) AS v (a, s, d);
SELECT lives_ok($$SELECT ctlpr.record_post_notice(report_id, '2026-11-21') FROM ctlpr.misuse_report$$, 'the notice is sent later');
SELECT registers.refused('SELECT ctlpr.record_post_notice(report_id, ''2026-11-21'') FROM ctlpr.misuse_report', '55000', 'once');
SELECT registers.refused('SELECT ctlpr.record_determination(report_id, ''guilty'') FROM ctlpr.misuse_report', '22023', 'POST determines one of two');
SELECT lives_ok($$SELECT ctlpr.record_determination(report_id, 'misuse') FROM ctlpr.misuse_report$$, 'POST determines misuse');
SELECT registers.refused('SELECT ctlpr.record_determination(report_id, ''no_misuse'') FROM ctlpr.misuse_report', '55000', 'once');
SELECT is(registers.recorded('report_suspected_misuse', NULL, '13(l)', 'RG-POLICE') + registers.recorded('record_post_notice', NULL, '13(l)', 'RG-POLICE') + registers.recorded('record_determination', NULL, '13(l)', 'RG-POLICE'), 3::bigint, 'all of it is on record');

-- Who may what
SET LOCAL ROLE registers_admin;
SELECT throws_ok($$SELECT ctlpr.register_contract('RG-VENDOR-2', 'RG-POLICE', '2026-10-05')$$, '42501', NULL, 'an administrator registers no contract');
RESET ROLE;
SET LOCAL ROLE registers_registrar;
SELECT throws_ok($$SELECT ctlpr.register_officer('RG-POLICE', 'Badge 19', '2027-06-30')$$, '42501', NULL, 'a registrar registers no officer');
SELECT throws_ok($$INSERT INTO ctlpr.contract (vendor_id) VALUES ('x')$$, '42501', NULL, 'nor writes a table');
RESET ROLE;

-- violations_by_vendor: 13(i)
SET LOCAL ROLE registers_vendor;
SELECT throws_ok($$SELECT ctlpr.begin_request('immigration_enforcement', reason => 'x')$$, 'LP004', NULL, 'a vendor states a forbidden purpose');
SELECT throws_ok($$SELECT ctlpr.begin_request('mapmaking')$$, 'LP003', NULL, 'and one that nobody knows');
SELECT throws_ok($$SELECT * FROM ctlpr.violations_by_vendor$$, '42501', NULL, 'it does not see what is counted');
RESET ROLE;
SET LOCAL ROLE registers_auditor;
SELECT results_eq($$SELECT sqlstate, clause, violations FROM ctlpr.violations_by_vendor WHERE vendor_id = 'RG-VENDOR' ORDER BY 1$$, $$VALUES ('LP003', '13(b)(1)', 1::bigint), ('LP004', '13(d)(3)', 1)$$, 'violations are counted by vendor and clause');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;

DELETE FROM ctlpr.role_binding WHERE role_name LIKE 'registers\_%';
DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'registers\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'RG-%';
DELETE FROM ctlpr.statute_adoption;
DROP ROLE registers_vendor, registers_auditor;
