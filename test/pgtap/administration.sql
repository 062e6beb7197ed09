-- 13(b), 13(d), 15(a)(2): who may act, on which instrument and over which table is settled by recorded administration; wrong input changes nothing and its error names the way out.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(259);

CREATE SCHEMA administration;
CREATE ROLE administration_patrol;
CREATE ROLE administration_pool;
CREATE ROLE administration_dashboard LOGIN;
CREATE ROLE administration_auditor;
CREATE ROLE administration_admin IN ROLE ctlpr_admin;
CREATE ROLE administration_registrar IN ROLE ctlpr_registrar;

-- The log outlives this transaction, so only what is newer counts.
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- A refusal has its SQLSTATE and a hint that leads on.
CREATE FUNCTION administration.refused(statement text, state text, hint_pattern text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state text;
	got_hint  text;
	got_text  text;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT;
	END;
	RETURN ok(coalesce(got_state = state AND got_hint ~ hint_pattern, false), description)
		|| CASE WHEN got_state = state AND got_hint ~ hint_pattern THEN ''
				ELSE E'\n' || diag(format('got %s: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_hint)) END;
END
$$;

-- How many entries of this test the log has for a function.
CREATE FUNCTION administration.recorded(function_name text, state text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'configuration'
		AND e.detail ->> 'function' = function_name AND e.sqlstate IS NOT DISTINCT FROM state
$$;

-- The profile
SELECT is((SELECT count(*) FROM ctlpr.statute_adoption), 0::bigint, 'no statute is adopted by installing the extension');
SELECT is((SELECT array_agg(purpose ORDER BY purpose) FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND permitted),
	'{backup,criminal_investigation,hotlist_comparison,missing_person,motor_vehicle_tax,outstanding_warrant,own_vehicles,parking_enforcement,registrant_request,secured_area_access,state_facility_security,stolen_vehicle,traffic_analytics,weigh_station}'::text[],
	'the list of permitted purposes is closed: 13(b)(1)');
SELECT is((SELECT array_agg(purpose ORDER BY purpose) FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND NOT permitted),
	'{gender_affirming_care,immigration_enforcement,protected_activity,protected_class,public_records,reproductive_health_care,sale}'::text[],
	'forbidden purposes are known by name: 13(d)(1)-(4), 13(e)(1), 13(g)(1)');
SELECT is((SELECT array_agg(purpose ORDER BY purpose) FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND clause LIKE '13(b)(1)(B)(ii)%' AND standing), NULL, 'no investigative purpose may stand: 13(b)(1)(B)(ii)');
SELECT is((SELECT array_agg(purpose) FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND standing_only), '{backup}'::text[], 'backup is for standing requests only');
SELECT is((SELECT demands FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND purpose = 'criminal_investigation'), '{reason}'::text[], 'an investigation demands a reason: 13(b)(1)(B)(ii)(I)');
SELECT is((SELECT extract(epoch FROM period) FROM ctlpr.statute_retention WHERE statute = 'us-ct-2026' AND rule = 'standard'), 504 * 3600::numeric, 'the standard retention is 504 hours: 13(b)(2)(A)');
SELECT is((SELECT extract(epoch FROM period) FROM ctlpr.statute_retention WHERE statute = 'us-ct-2026' AND rule = 'motor_vehicle_tax'), 2160 * 3600::numeric, 'reads for the vehicle tax are kept 2160 hours: 13(b)(2)(C)');
SELECT is((SELECT DISTINCT valid_from FROM ctlpr.statute_retention WHERE statute = 'us-ct-2026'), '2026-10-01 04:00:00+00'::timestamptz, 'retention binds from midnight in Connecticut: 13(b)');
SELECT is((SELECT string_agg(format('%s %s %s %s', clause, coalesce(array_to_string(states, '/'), 'any'), array_to_string(agency_kinds, '/'), basis), '; ' ORDER BY rank) FROM ctlpr.statute_recipient WHERE statute = 'us-ct-2026'),
	'13(d)(6)(A) CT police/public_agency/prosecutor none; 13(d)(6)(B) NY/RI/MA police declaration; 13(d)(6)(B) CT/NY/RI/MA task_force authorization; 13(d)(6)(C) any police/federal/prosecutor authorization',
	'who may see another agency''s reads: 13(d)(6)(A)-(C)');

-- adopt_statute()
SELECT administration.refused($$SELECT ctlpr.adopt_statute('us-xx-2026')$$, '42704', 'us-ct-2026', 'an unknown statute is refused and the known ones are listed');
SELECT administration.refused($$SELECT ctlpr.adopt_statute(NULL)$$, '22004', 'statute', 'a NULL statute is refused');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'us-ct-2026 is adopted');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'adopting it again does nothing');
SELECT is(administration.recorded('adopt_statute'), 1::bigint, 'the adoption is on record once');
INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation) VALUES ('administration-1', 'A statute of this test', 'CT', 'America/New_York', 'none');
SELECT administration.refused($$SELECT ctlpr.adopt_statute('administration-1')$$, '55000', 'statute_flaws', 'a statute with a flaw is refused');
INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description) VALUES ('administration-1', 'standard', '1', '1 day', 'A rule of this test');
SELECT is(administration.recorded('statute_changed'), 2::bigint, 'whoever changes the rules is on record: 15(a)(2)');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('administration-1')$$, 'another statute is adopted');
SELECT is((SELECT array_agg(statute) FROM ctlpr.statute_adoption), '{administration-1}'::text[], 'and replaces the one before');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'us-ct-2026 is adopted again');
DELETE FROM ctlpr.statute_retention WHERE statute = 'administration-1';

-- register_agency()
SELECT lives_ok($$SELECT ctlpr.register_agency('T-CT-NEWHAVEN', 'New Haven Police Department', 'police', 'CT')$$, 'a Connecticut police department is registered');
SELECT lives_ok($$SELECT ctlpr.register_agency('T-CT-TRANSIT', 'Transit District', 'public_agency', 'CT')$$, 'a Connecticut public agency is registered');
SELECT lives_ok($$SELECT ctlpr.register_agency('T-MA-BOSTON', 'Boston Police Department', 'police', 'MA')$$, 'a Massachusetts police department is registered');
SELECT lives_ok($$SELECT ctlpr.register_agency('T-TX-DALLAS', 'Dallas Police Department', 'police', 'TX')$$, 'a Texas police department is registered');
SELECT lives_ok($$SELECT ctlpr.register_agency('T-US-CBP', 'Customs and Border Protection', 'federal', 'US')$$, 'a federal agency is registered');
SELECT is(administration.recorded('register_agency'), 5::bigint, 'each registration is on record');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-CT-NEWHAVEN', 'Another', 'police', 'CT')$$, '42710', 'identifier of its own', 'an agency is registered once');
SELECT is((SELECT name FROM ctlpr.agency WHERE agency_id = 'T-CT-NEWHAVEN'), 'New Haven Police Department', 'and stays as it was');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-1', 'X', 'sheriff', 'CT')$$, '22023', 'police, public_agency', 'an unknown kind is refused and the kinds are listed');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-1', 'X', 'police', 'Conn')$$, '22023', 'two capital letters', 'a state is two letters');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-1', 'X', 'federal', 'CT')$$, '22023', 'US', 'a federal agency belongs to no state');
SELECT administration.refused($$SELECT ctlpr.register_agency('', 'X', 'police', 'CT')$$, '22023', 'agency_id', 'an empty identifier is refused');
SELECT administration.refused($$SELECT ctlpr.register_agency(' T-1', 'X', 'police', 'CT')$$, '22023', 'short stable', 'an identifier has no spaces around it');
SELECT administration.refused($$SELECT ctlpr.register_agency(repeat('x', 64), 'X', 'police', 'CT')$$, '22023', 'short stable', 'an identifier has at most 63 bytes');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-1', NULL, 'police', 'CT')$$, '22004', 'name', 'a NULL name is refused');
SELECT administration.refused($$SELECT ctlpr.register_agency('T-1', repeat('x', 4097), 'police', 'CT')$$, '22001', 'Shorten', 'a name has at most 4096 bytes');
SELECT is((SELECT count(*) FROM ctlpr.agency WHERE agency_id LIKE 'T-%'), 5::bigint, 'refused registrations left nothing');

-- bind_role() and unbind_role()
SELECT lives_ok($$SELECT ctlpr.bind_role('administration_patrol', 'T-CT-NEWHAVEN')$$, 'a role is bound');
SELECT lives_ok($$SELECT ctlpr.bind_role('administration_pool', 'T-CT-NEWHAVEN', may_ingest => true)$$, 'a pool login is bound to one agency');
SELECT lives_ok($$SELECT ctlpr.bind_role('administration_pool', 'T-CT-TRANSIT', session_scope => true)$$, 'and to another');
SELECT lives_ok($$SELECT ctlpr.bind_role('administration_dashboard', 'T-CT-TRANSIT')$$, 'a dashboard is bound');
SELECT is((SELECT role_name || ' ' || agency_id || ' ' || may_ingest || ' ' || supervisor || ' ' || session_scope FROM ctlpr.role_binding WHERE role = 'administration_pool'::regrole AND may_ingest),
	'administration_pool T-CT-NEWHAVEN true false false', 'the binding is as it was asked for');
SELECT administration.refused($$SELECT ctlpr.bind_role('administration_patrol', 'T-CT-NEWHAVEN', supervisor => true)$$, '42710', 'unbind_role', 'a role is bound to one agency once');
SELECT is((SELECT supervisor FROM ctlpr.role_binding WHERE role = 'administration_patrol'::regrole), false, 'and stays bound as it was');
SELECT administration.refused($$SELECT ctlpr.bind_role('administration_patrol', 'T-NOWHERE')$$, '42704', 'register_agency', 'an unknown agency is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role(4294967290::oid::regrole, 'T-CT-NEWHAVEN')$$, '42704', 'CREATE ROLE', 'an unknown role is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role(NULL, 'T-CT-NEWHAVEN')$$, '22004', 'role', 'a NULL role is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role('administration_patrol', NULL)$$, '22004', 'agency', 'a NULL agency is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role('administration_patrol', 'T-MA-BOSTON', may_ingest => NULL)$$, '22004', 'true or false', 'a NULL flag is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role('pg_monitor', 'T-CT-NEWHAVEN')$$, '42939', 'act under', 'a role of the server is refused');
SELECT administration.refused($$SELECT ctlpr.bind_role('ctlpr_auditor', 'T-CT-NEWHAVEN')$$, '42939', 'act under', 'a group role of this extension is refused');
SELECT administration.refused($$SELECT ctlpr.unbind_role('administration_patrol', 'T-CT-TRANSIT')$$, '42704', 'role_binding', 'what is not bound is not unbound');
SELECT administration.refused($$SELECT ctlpr.unbind_role(NULL, NULL)$$, '22004', 'role_binding', 'unbinding names both');
SELECT lives_ok($$SELECT ctlpr.unbind_role('administration_patrol', 'T-CT-NEWHAVEN')$$, 'a role is unbound');
SELECT is((SELECT count(*) FROM ctlpr.role_binding WHERE role = 'administration_patrol'::regrole), 0::bigint, 'and acts for nobody');
SELECT is(ARRAY[administration.recorded('bind_role'), administration.recorded('unbind_role')], '{4,1}'::bigint[], 'each binding and its end are on record');

-- bind_auditor() and unbind_auditor()
SELECT lives_ok($$SELECT ctlpr.bind_auditor('administration_auditor', 'T-CT-NEWHAVEN')$$, 'an auditor of one agency is bound');
SELECT ok(pg_has_role('administration_auditor', 'ctlpr_auditor', 'MEMBER'), 'and is a member of ctlpr_auditor');
SELECT lives_ok($$SELECT ctlpr.bind_auditor('administration_auditor')$$, 'also of all agencies');
SELECT administration.refused($$SELECT ctlpr.bind_auditor('administration_auditor')$$, '42710', 'unbind_auditor', 'of all agencies once');
SELECT administration.refused($$SELECT ctlpr.bind_auditor('administration_auditor', 'T-CT-NEWHAVEN')$$, '42710', 'unbind_auditor', 'of one agency once');
SELECT administration.refused($$SELECT ctlpr.bind_auditor('administration_auditor', 'T-NOWHERE')$$, '42704', 'register_agency', 'of no unknown agency');
SELECT administration.refused($$SELECT ctlpr.bind_auditor(NULL)$$, '22004', 'role', 'a NULL auditor is refused');
SELECT lives_ok($$SELECT ctlpr.unbind_auditor('administration_auditor')$$, 'the binding to all agencies ends');
SELECT ok(pg_has_role('administration_auditor', 'ctlpr_auditor', 'MEMBER'), 'with another left it stays a member');
SELECT lives_ok($$SELECT ctlpr.unbind_auditor('administration_auditor', 'T-CT-NEWHAVEN')$$, 'the last binding ends');
SELECT ok(NOT pg_has_role('administration_auditor', 'ctlpr_auditor', 'MEMBER'), 'and the membership with it');
SELECT administration.refused($$SELECT ctlpr.unbind_auditor('administration_auditor')$$, '42704', 'auditor_binding', 'what is not bound is not unbound');
SELECT is(ARRAY[administration.recorded('bind_auditor'), administration.recorded('unbind_auditor')], '{2,2}'::bigint[], 'each is on record');

-- file_declaration() and withdraw_declaration(): 13(d)(6)(B)
SELECT lives_ok($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', '2026-09-15', document => 'binder 3')$$, 'a Massachusetts police department declares');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-TX-DALLAS', 'The Chief', '2026-09-15')$$, 'LP006', '13\(d\)\(6\)\(B\) from agencies of kind police in NY, RI, MA', 'a Texas police department cannot: 13(d)(6)(C)');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-US-CBP', 'The Chief', '2026-09-15')$$, 'LP006', '13\(d\)\(6\)\(B\)', 'a federal agency cannot: 13(d)(6)(C)');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-CT-NEWHAVEN', 'The Chief', '2026-09-15')$$, 'LP006', '13\(d\)\(6\)\(B\)', 'a Connecticut agency need not: 13(d)(6)(A)');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', (now() + interval '2 days')::date)$$, 'LP005', 'signed_on', 'a signature in the future is none');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-MA-BOSTON', '  ', '2026-09-15')$$, 'LP005', 'signed_by', 'nor is a blank one');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', NULL)$$, 'LP005', 'signed_on', 'nor one without a day');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', '2026-09-15', valid_until => '2026-09-01')$$, '22023', 'last day', 'it does not end before it begins');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-MA-BOSTON', repeat('x', 4097), '2026-09-15')$$, '22001', 'Shorten', 'a signer has at most 4096 bytes');
SELECT administration.refused($$SELECT ctlpr.file_declaration('T-NOWHERE', 'The Chief', '2026-09-15')$$, '42704', 'register_agency', 'an unknown agency cannot declare');
SELECT is(ARRAY[administration.recorded('file_declaration'), administration.recorded('file_declaration', 'LP006'), administration.recorded('file_declaration', 'LP005')], '{1,3,3}'::bigint[],
	'the declaration and the refusals are on record');
SELECT is((SELECT array_agg(DISTINCT e.clause) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.detail ->> 'function' = 'file_declaration'), '{13(d)(6)(B)}'::text[], 'with their clause');
SELECT is((SELECT count(*) FROM ctlpr.declaration WHERE agency_id LIKE 'T-%'), 1::bigint, 'refused declarations left nothing');
SELECT administration.refused($$SELECT ctlpr.withdraw_declaration(NULL, 'gone')$$, '22004', 'file_declaration', 'a NULL declaration is refused');
SELECT administration.refused($$SELECT ctlpr.withdraw_declaration(-1, 'gone')$$, '42704', 'ctlpr.declaration', 'an unknown declaration is refused');
SELECT administration.refused($$SELECT ctlpr.withdraw_declaration(max(declaration_id), ' ') FROM ctlpr.declaration WHERE agency_id = 'T-MA-BOSTON'$$, '22023', 'reason', 'a withdrawal has a reason');
SELECT lives_ok($$SELECT ctlpr.withdraw_declaration(max(declaration_id), 'disclosed to others') FROM ctlpr.declaration WHERE agency_id = 'T-MA-BOSTON'$$, 'a declaration is withdrawn');
SELECT administration.refused($$SELECT ctlpr.withdraw_declaration(max(declaration_id), 'again') FROM ctlpr.declaration WHERE agency_id = 'T-MA-BOSTON'$$, '55000', 'file_declaration', 'once');
SELECT is((SELECT withdrawn_at IS NOT NULL AND withdrawn_by = session_user AND withdrawn_reason = 'disclosed to others' FROM ctlpr.declaration WHERE agency_id = 'T-MA-BOSTON'), true, 'who, when and why are kept');
SELECT is(administration.recorded('withdraw_declaration'), 1::bigint, 'and on record');

-- standing_request() and revoke_standing_request()
SELECT lives_ok($$SELECT ctlpr.standing_request('administration_dashboard', 'traffic_analytics', 'counts at the toll plaza', 'the director', now() + interval '30 days')$$, 'a dashboard has a standing request');
SELECT is((SELECT e.purpose || ' ' || e.clause FROM ctlpr.standing_request s JOIN ctlpr.audit_entry e ON e.seq = s.request_seq WHERE s.role = 'administration_dashboard'::regrole), 'traffic_analytics 13(b)(1)(A)(iv)',
	'whose number is that of its entry in the log');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_dashboard', 'backup', 'nightly', 'the director', now() + interval '30 days')$$, '42710', 'revoke_standing_request', 'a second one at the same time is refused');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_patrol', 'backup', 'nightly', 'the director', now() + interval '30 days')$$, 'LP002', 'bind_role', 'a role that acts for nobody has none');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', 'the director', now() + interval '30 days')$$, 'LP005', 'agency_id', 'a role of several agencies names one');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', 'the director', now() + interval '30 days', agency_id => 'T-MA-BOSTON')$$, 'LP002', 'bind_role', 'and one that it is bound to');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'mapmaking', 'x', 'the director', now() + interval '30 days', agency_id => 'T-CT-NEWHAVEN')$$, 'LP003', 'traffic_analytics', 'an unknown purpose may not stand');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'stolen_vehicle', 'x', 'the director', now() + interval '30 days', agency_id => 'T-CT-NEWHAVEN')$$, 'LP003', 'begin_request', 'an investigative purpose may not stand');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'hotlist_comparison', 'x', 'the director', now() + interval '30 days', agency_id => 'T-CT-TRANSIT')$$, 'LP003', 'backup', 'a purpose of the police is none of a transit district');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'immigration_enforcement', 'x', 'the director', now() + interval '30 days', agency_id => 'T-CT-NEWHAVEN')$$, 'LP004', 'begin_request', 'a forbidden purpose may not stand: 13(d)(3)');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', '', 'the director', now() + interval '30 days', agency_id => 'T-CT-NEWHAVEN')$$, 'LP005', 'reason', 'it has a reason');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', NULL, now() + interval '30 days', agency_id => 'T-CT-NEWHAVEN')$$, 'LP005', 'approved', 'and an approval');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', 'the director', now() - interval '1 day', agency_id => 'T-CT-NEWHAVEN')$$, '22023', 'lapses', 'it does not end in the past');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', 'the director', 'infinity', agency_id => 'T-CT-NEWHAVEN')$$, '22023', 'lapses', 'it does not stand for ever');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', 'nightly', 'the director', NULL, agency_id => 'T-CT-NEWHAVEN')$$, '22004', 'lapses', 'it has an end');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_pool', 'backup', repeat('x', 4097), 'the director', now() + interval '1 day', agency_id => 'T-CT-NEWHAVEN')$$, '22001', 'Shorten', 'its reason has at most 4096 bytes');
SELECT lives_ok($$SELECT ctlpr.bind_role('administration_patrol', 'T-MA-BOSTON')$$, 'a role of another state is bound');
SELECT administration.refused($$SELECT ctlpr.standing_request('administration_patrol', 'backup', 'nightly', 'the director', now() + interval '30 days')$$, 'LP006', 'begin_request', 'an agency of another state owns no reads here: 13(d)(8)');
SELECT is((SELECT array_agg(administration.recorded('standing_request', s) ORDER BY s) FROM unnest('{LP002,LP003,LP004,LP005,LP006}'::text[]) s), '{2,3,1,3,1}'::bigint[], 'the refusals are on record');
SELECT is((SELECT count(*) FROM ctlpr.standing_request WHERE role_name LIKE 'administration_%'), 1::bigint, 'and left nothing');
SELECT administration.refused($$SELECT ctlpr.revoke_standing_request(-1, 'over')$$, '42704', 'ctlpr.standing_request', 'an unknown standing request is refused');
SELECT administration.refused($$SELECT ctlpr.revoke_standing_request(NULL, 'over')$$, '22004', 'number', 'a NULL one too');
SELECT administration.refused($$SELECT ctlpr.revoke_standing_request(request_seq, NULL) FROM ctlpr.standing_request$$, '22004', 'reason', 'a revocation has a reason');
SELECT lives_ok($$SELECT ctlpr.revoke_standing_request(request_seq, 'over') FROM ctlpr.standing_request WHERE role = 'administration_dashboard'::regrole$$, 'a standing request is revoked');
SELECT lives_ok($$SELECT ctlpr.standing_request('administration_dashboard', 'backup', 'nightly', 'the director', now() + interval '30 days')$$, 'and another filed');
SELECT lives_ok($$SELECT ctlpr.unbind_role('administration_dashboard', 'T-CT-TRANSIT')$$, 'with the binding');
SELECT is((SELECT count(*) FROM ctlpr.standing_request WHERE role_name LIKE 'administration_%'), 0::bigint, 'ends the standing request');
SELECT is(ARRAY[administration.recorded('standing_request'), administration.recorded('revoke_standing_request')], '{2,1}'::bigint[], 'all of it on record');

-- govern(): what cannot be governed
CREATE TABLE administration.reads (read_id bigint, plate text NOT NULL, captured_at timestamptz NOT NULL, agency text, camera int, picture bytea, note text) PARTITION BY RANGE (captured_at);
CREATE TABLE administration.reads_old PARTITION OF administration.reads FOR VALUES FROM (MINVALUE) TO (now() - interval '3 days');
CREATE TABLE administration.reads_new PARTITION OF administration.reads FOR VALUES FROM (now() - interval '3 days') TO (MAXVALUE) PARTITION BY LIST (agency);
CREATE TABLE administration.reads_new_rest PARTITION OF administration.reads_new DEFAULT;
INSERT INTO administration.reads (plate, captured_at, agency)
	SELECT 'AB' || i, now() - interval '1 day' * i, CASE i % 2 WHEN 0 THEN 'T-CT-NEWHAVEN' ELSE 'T-CT-TRANSIT' END FROM generate_series(1, 40) i;
CREATE VIEW administration.a_view AS SELECT * FROM administration.reads;
CREATE MATERIALIZED VIEW administration.a_matview AS SELECT plate FROM administration.reads;
CREATE SEQUENCE administration.a_sequence;
CREATE FOREIGN DATA WRAPPER administration_wrapper;
CREATE SERVER administration_server FOREIGN DATA WRAPPER administration_wrapper;
CREATE FOREIGN TABLE administration.a_foreign (plate text NOT NULL, captured_at timestamptz NOT NULL) SERVER administration_server;
CREATE TABLE administration.plain (plate text NOT NULL, captured_at timestamptz NOT NULL);
CREATE UNLOGGED TABLE administration.unlogged (plate text NOT NULL, captured_at timestamptz NOT NULL);
CREATE TEMP TABLE passing (plate text NOT NULL, captured_at timestamptz NOT NULL);
CREATE TABLE administration.parent (LIKE administration.plain);
CREATE TABLE administration.child () INHERITS (administration.parent);
CREATE TABLE administration.other_parent (LIKE administration.plain);
CREATE TABLE administration.two_parents () INHERITS (administration.parent, administration.other_parent);
CREATE TABLE administration.parent_of_unlogged (LIKE administration.plain);
CREATE UNLOGGED TABLE administration.unlogged_child () INHERITS (administration.parent_of_unlogged);
CREATE TABLE administration.parent_of_foreign (LIKE administration.plain);
CREATE FOREIGN TABLE administration.foreign_child () INHERITS (administration.parent_of_foreign) SERVER administration_server;
SELECT administration.refused($$SELECT ctlpr.govern(NULL, 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN')$$, '22004', 'table of reads', 'no relation is not governed');
SELECT administration.refused($$SELECT ctlpr.govern(4294967290::oid::regclass, 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN')$$, '42P01', 'table of reads', 'nor an unknown one');
SELECT administration.refused(format($$SELECT ctlpr.govern(%L, 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN')$$, r), '42809', h, d)
	FROM (VALUES ('administration.a_view', 'tables that it reads', 'nor a view'), ('administration.a_matview', 'Drop it', 'nor a materialized view'),
				 ('administration.a_sequence', 'table of reads', 'nor a sequence'), ('administration.a_foreign', 'where it is stored', 'nor a foreign table'),
				 ('administration.unlogged', 'SET LOGGED', 'nor an unlogged table'), ('pg_temp.passing', 'permanent', 'nor a temporary table'),
				 ('administration.reads_old', 'Govern administration.reads;', 'nor a partition'), ('administration.reads_new_rest', 'Govern administration.reads;', 'nor a partition of a partition'),
				 ('administration.child', 'Govern administration.parent;', 'nor an inheritance child'), ('administration.parent', 'NO INHERIT administration.other_parent', 'nor a tree with a second way in'),
				 ('administration.parent_of_unlogged', 'administration.unlogged_child SET LOGGED', 'nor the parent of an unlogged table'), ('administration.parent_of_foreign', 'Detach', 'nor the parent of a foreign table'),
				 ('pg_catalog.pg_class', 'table of reads', 'nor a catalog'), ('ctlpr.agency', 'table of reads', 'nor a table of this extension')) AS v (r, h, d);

-- govern(): columns
ALTER TABLE administration.plain ADD COLUMN local_time timestamp NOT NULL DEFAULT now(), ADD COLUMN maybe_time timestamptz, ADD COLUMN maybe_plate text,
	ADD COLUMN plate_number int NOT NULL DEFAULT 0, ADD COLUMN agency float8, ADD COLUMN upper_plate text NOT NULL GENERATED ALWAYS AS (upper(plate)) STORED;
CREATE COLLATION administration.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
ALTER TABLE administration.plain ADD COLUMN loose_plate text COLLATE administration.loose NOT NULL DEFAULT '';
SELECT administration.refused(format('SELECT ctlpr.govern(''administration.plain'', %s)', a), s, h, d)
	FROM (VALUES ('''captured'', ''plate'', owner_agency => ''T-CT-NEWHAVEN''', '42703', 'captured_at', 'a column that does not exist is refused and the columns are listed'),
				 ('NULL, ''plate'', owner_agency => ''T-CT-NEWHAVEN''', '22004', 'Name the columns', 'a NULL column is refused'),
				 ('''local_time'', ''plate'', owner_agency => ''T-CT-NEWHAVEN''', '42804', 'TYPE timestamptz USING local_time AT TIME ZONE ''America/New_York''', 'a time without a zone is refused with the ALTER TABLE that mends it'),
				 ('''plate'', ''upper_plate'', owner_agency => ''T-CT-NEWHAVEN''', '42804', 'timestamptz', 'a captured time is a time'),
				 ('''maybe_time'', ''plate'', owner_agency => ''T-CT-NEWHAVEN''', '55000', 'ALTER COLUMN maybe_time SET NOT NULL', 'a captured time is not null'),
				 ('''captured_at'', ''maybe_plate'', owner_agency => ''T-CT-NEWHAVEN''', '55000', 'ALTER COLUMN maybe_plate SET NOT NULL', 'a plate is not null'),
				 ('''captured_at'', ''plate_number'', owner_agency => ''T-CT-NEWHAVEN''', '42804', 'TYPE text', 'a plate is a character string'),
				 ('''captured_at'', ''loose_plate'', owner_agency => ''T-CT-NEWHAVEN''', '42P22', 'COLLATE "C"', 'a plate has a deterministic collation'),
				 ('''captured_at'', ''upper_plate'', owner_agency => ''T-CT-NEWHAVEN''', '55000', 'DROP EXPRESSION', 'a plate is not generated'),
				 ('''captured_at'', ''plate''', '22023', 'owner_agency', 'the owner is stated'),
				 ('''captured_at'', ''plate'', agency => ''maybe_plate'', owner_agency => ''T-CT-NEWHAVEN''', '22023', 'either', 'and only once'),
				 ('''captured_at'', ''plate'', agency => ''plate''', '22023', 'of its own', 'a column serves one purpose'),
				 ('''captured_at'', ''plate'', agency => ''agency''', '42804', 'agency_key', 'an agency column has a type that can name one'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-NOWHERE''', '42704', 'register_agency', 'an owner is registered'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', camera => ''cam''', '42703', 'camera', 'a camera column exists'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', image => ''img''', '42703', 'image', 'an image column exists'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', retention => ''forever''', '42704', 'motor_vehicle_tax, standard', 'a retention rule exists, and those that do are listed'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', retention => NULL', '42704', 'standard', 'and is stated'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', mode => ''off''', '22023', 'enforce or observe', 'a mode is enforce or observe'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', allow_triggers => ''{nosuch}''', '42704', 'allow_triggers', 'an allowed trigger exists'),
				 ('''captured_at'', ''plate'', owner_agency => ''T-CT-NEWHAVEN'', allow_triggers => NULL', '22004', 'Leave it out', 'and is not NULL')) AS v (a, s, h, d);

-- govern(): triggers and rules
CREATE FUNCTION administration.trigger_function() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER before_row BEFORE INSERT ON administration.plain FOR EACH ROW EXECUTE FUNCTION administration.trigger_function();
SELECT administration.refused($$SELECT ctlpr.govern('administration.plain', 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN', allow_triggers => '{before_row}')$$, '55000', 'DROP TRIGGER before_row ON administration.plain', 'a row trigger that runs before is refused, allowed or not');
DROP TRIGGER before_row ON administration.plain;
CREATE TRIGGER after_row AFTER INSERT ON administration.plain FOR EACH ROW EXECUTE FUNCTION administration.trigger_function();
SELECT administration.refused($$SELECT ctlpr.govern('administration.plain', 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN')$$, '55000', 'allow_triggers', 'any other is refused unless allowed');
CREATE RULE a_rule AS ON DELETE TO administration.plain DO ALSO NOTHING;
SELECT administration.refused($$SELECT ctlpr.govern('administration.plain', 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN', allow_triggers => '{after_row}')$$, '55000', 'DROP RULE a_rule ON administration.plain', 'a rule is refused');
DROP RULE a_rule ON administration.plain;
SELECT is((SELECT count(*) FROM ctlpr.governed_relation), 0::bigint, 'nothing is governed so far');
SELECT is((SELECT count(*) FROM pg_policy WHERE polname = 'ctlpr_guard'), 0::bigint, 'and nothing guarded');

-- govern(): it works
SELECT lives_ok($$SELECT ctlpr.govern('administration.plain', 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN', allow_triggers => '{after_row}')$$, 'a table of one agency is governed, with a trigger allowed');
SELECT lives_ok($$SELECT ctlpr.govern('administration.reads', 'captured_at', 'plate', agency => 'agency', camera => 'camera', image => 'picture')$$, 'a partitioned table is governed');
SELECT is((SELECT array_agg(polrelid::regclass::text ORDER BY polrelid::regclass::text) FROM pg_policy
		   WHERE polname = 'ctlpr_guard' AND NOT polpermissive AND polcmd = '*' AND pg_get_expr(polqual, polrelid) = 'ctlpr.guard()' AND pg_get_expr(polwithcheck, polrelid) = 'ctlpr.guard()'),
	'{administration.plain,administration.reads,administration.reads_new,administration.reads_new_rest,administration.reads_old}'::text[], 'the guard is a restrictive policy on it and all its partitions');
SELECT is((SELECT count(*) FROM pg_class WHERE relnamespace = 'administration'::regnamespace AND relrowsecurity AND relforcerowsecurity), 5::bigint, 'with row security enabled and forced on each');
SELECT is((SELECT relation_name || ' ' || retention || ' ' || mode || ' ' || purging || ' ' || (observe_until IS NULL) FROM ctlpr.governed_relation WHERE relation = 'administration.reads'::regclass),
	'administration.reads standard enforce false true', 'the registry has it, and deletion has not begun');
SELECT administration.refused($$SELECT ctlpr.govern('administration.reads', 'captured_at', 'plate', agency => 'agency')$$, '42710', 'release', 'a relation is governed once');
SELECT administration.refused($$SELECT ctlpr.govern('administration.reads', 'captured_at', 'plate', agency => 'agency', mode => 'observe')$$, '42710', 'release', 'and does not go back to observation');
CREATE TABLE administration.reads_new_transit PARTITION OF administration.reads_new FOR VALUES IN ('T-SOMEBODY');
SELECT lives_ok($$SELECT ctlpr.apply_guard('administration.reads')$$, 'a new partition gets its guard');
SELECT is((SELECT relforcerowsecurity FROM pg_class WHERE oid = 'administration.reads_new_transit'::regclass) AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'administration.reads_new_transit'::regclass AND polname = 'ctlpr_guard'), true, 'row security and policy');
SELECT lives_ok($$SELECT ctlpr.apply_guard('administration.reads')$$, 'and guarding again changes nothing');

-- Observation
CREATE TABLE administration.live (plate varchar(12) NOT NULL, captured_at timestamptz NOT NULL, owner uuid NOT NULL);
SELECT lives_ok($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.live', '6f1c2a1e-6a1f-4a52-9f5d-0d6f7e1f1a01')$$, 'a key is declared before govern()');
SELECT lives_ok($$SELECT ctlpr.govern('administration.live', 'captured_at', 'plate', agency => 'owner', mode => 'observe')$$, 'a live table is observed first');
SELECT is((SELECT mode || ' ' || (observe_until = now() + current_setting('ctlpr.observe_limit')::interval) FROM ctlpr.governed_relation WHERE relation = 'administration.live'::regclass), 'observe true', 'until ctlpr.observe_limit has passed');
SELECT is((SELECT relrowsecurity FROM pg_class WHERE oid = 'administration.live'::regclass), false, 'without row security');
SELECT administration.refused($$SELECT ctlpr.govern('administration.live', 'captured_at', 'plate', agency => 'owner', mode => 'observe')$$, '42710', 'enforce', 'it is not observed twice');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.live', 'the director')$$, '55000', 'enforce', 'nothing is purged while observed');
SELECT administration.refused($$SELECT ctlpr.govern('administration.live', 'captured_at', 'owner', mode => 'enforce')$$, '22023', 'release', 'enforcement begins with the settings observed');
SELECT administration.refused($$SELECT ctlpr.govern('administration.live', 'captured_at', 'plate', owner_agency => 'T-CT-NEWHAVEN', mode => 'enforce')$$, '22023', 'release', 'the owner''s among them');
SELECT lives_ok($$SELECT ctlpr.govern('administration.live', 'captured_at', 'plate', mode => 'enforce')$$, 'enforcement begins');
SELECT is((SELECT mode || ' ' || agency_column || ' ' || (observe_until IS NULL) FROM ctlpr.governed_relation WHERE relation = 'administration.live'::regclass), 'enforce owner true', 'and keeps the settings');
SELECT is((SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'administration.live'::regclass), true, 'with row security');

-- agency_key() and drop_agency_key()
SELECT lives_ok($$SELECT ctlpr.agency_key('T-CT-TRANSIT', 'administration.live', '6f1c2a1e-6a1f-4a52-9f5d-0d6f7e1f1a02')$$, 'a key is declared after govern()');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.live', '6f1c2a1e-6a1f-4a52-9f5d-0d6f7e1f1a02')$$, '42710', 'drop_agency_key', 'a value stands for one agency');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.live', '6F1C2A1E-6A1F-4A52-9F5D-0D6F7E1F1A03')$$, '22023', '6f1c2a1e', 'a value is written as the column writes it');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.live', 'seven')$$, '22023', 'can hold', 'and one that it can hold');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.plain', '7')$$, '55000', 'agency column', 'a relation of one owner has no keys');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-NOWHERE', 'administration.live', '7')$$, '42704', 'register_agency', 'an unknown agency has no key');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.a_view', '7')$$, '42809', 'tables that it reads', 'a view has no keys');
SELECT administration.refused($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.live', NULL)$$, '22004', 'value', 'a NULL value is refused');
SELECT lives_ok($$SELECT ctlpr.drop_agency_key('administration.live', '6f1c2a1e-6a1f-4a52-9f5d-0d6f7e1f1a02')$$, 'a key is dropped');
SELECT administration.refused($$SELECT ctlpr.drop_agency_key('administration.live', '6f1c2a1e-6a1f-4a52-9f5d-0d6f7e1f1a02')$$, '42704', 'agency_key', 'once');
SELECT administration.refused($$SELECT ctlpr.drop_agency_key(NULL, NULL)$$, '22004', 'agency_key', 'and by name');
SELECT is(ARRAY[administration.recorded('agency_key'), administration.recorded('drop_agency_key')], '{2,1}'::bigint[], 'each key is on record');
CREATE TABLE administration.numbered (plate text NOT NULL, captured_at timestamptz NOT NULL, owner int NOT NULL);
SELECT lives_ok($$SELECT ctlpr.agency_key('T-CT-NEWHAVEN', 'administration.numbered', '007')$$, 'a key whose column is not known yet is taken');
SELECT administration.refused($$SELECT ctlpr.govern('administration.numbered', 'captured_at', 'plate', agency => 'owner')$$, '22023', 'Use "7"', 'and looked at when it is');

-- start_purge()
SELECT administration.refused($$SELECT ctlpr.start_purge(NULL, 'the director')$$, '22004', 'governed_relation', 'no relation is not purged');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.parent', 'the director')$$, '42704', 'govern', 'nor one that is not governed');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.reads_old', 'the director')$$, '42704', 'root', 'nor a partition by itself');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.reads', ' ')$$, 'LP005', 'approved', 'deletion needs an approval');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.reads', repeat('x', 4097))$$, '22001', 'Shorten', 'of at most 4096 bytes');
SELECT lives_ok($$SELECT ctlpr.start_purge('administration.reads', 'the director')$$, 'deletion begins');
SELECT is((SELECT purging AND purge_approved_by = 'the director' AND purge_started_at = now() FROM ctlpr.governed_relation WHERE relation = 'administration.reads'::regclass), true, 'approver and instant are kept');
SELECT administration.refused($$SELECT ctlpr.start_purge('administration.reads', 'the director')$$, '55000', 'purge_status', 'it begins once');
SELECT is(ARRAY[administration.recorded('start_purge'), administration.recorded('start_purge', 'LP005')], '{1,1}'::bigint[], 'approval and refusal are on record');

-- A statute without the rule under which a relation is kept cannot take over.
SELECT administration.refused($$SELECT ctlpr.adopt_statute('administration-1')$$, '55000', 'statute_retention', 'a statute lacking a retention rule in use is refused');

-- release()
CREATE POLICY of_its_own ON administration.live USING (true);
SELECT administration.refused($$SELECT ctlpr.release('administration.parent', 'x')$$, '42704', 'governed_relation', 'what is not governed is not released');
SELECT administration.refused($$SELECT ctlpr.release(NULL, 'x')$$, '22004', 'governed_relation', 'nor is nothing');
SELECT administration.refused($$SELECT ctlpr.release('administration.reads', NULL)$$, '22004', 'reason', 'a release has a reason');
SELECT lives_ok($$SELECT ctlpr.release('administration.reads', 'moved elsewhere')$$, 'a partitioned table is released');
SELECT lives_ok($$SELECT ctlpr.release('administration.live', 'moved elsewhere')$$, 'a table with a policy of its own is released');
SELECT is((SELECT array_agg(polrelid::regclass::text) FROM pg_policy WHERE polname = 'ctlpr_guard'), '{administration.plain}'::text[], 'the guard is off them and their partitions');
SELECT is((SELECT array_agg(oid::regclass::text ORDER BY oid::regclass::text) FROM pg_class WHERE relnamespace = 'administration'::regnamespace AND relrowsecurity), '{administration.live,administration.plain}'::text[], 'row security too, except where another policy needs it');
SELECT is((SELECT array_agg(relation::text) FROM ctlpr.governed_relation), '{administration.plain}'::text[], 'the registry has forgotten them');
SELECT is((SELECT count(*) FROM ctlpr.agency_key WHERE relation = 'administration.live'::regclass), 0::bigint, 'and their keys');
SELECT is((SELECT array_agg(e.reason) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.detail ->> 'function' = 'release'), '{moved elsewhere,moved elsewhere}'::text[], 'the log has not');

-- preflight()
CREATE TABLE administration.legacy (license_plate text, seen_at timestamp, agency_id int, template text);
CREATE TABLE administration.hits (hit_id int PRIMARY KEY, plate text NOT NULL, captured_at timestamptz NOT NULL, created_at timestamptz);
INSERT INTO administration.hits SELECT i, 'AB' || i, now() - interval '24 hours' * i, now() FROM generate_series(1, 40) i;
CREATE TABLE administration.pointing (hit_id int CONSTRAINT pointing_fkey REFERENCES administration.hits);
CREATE VIEW administration.hits_view AS SELECT * FROM administration.hits;
CREATE VIEW administration.hits_view_of_view AS SELECT * FROM administration.hits_view;
CREATE VIEW administration.hits_invoker WITH (security_invoker) AS SELECT * FROM administration.hits;
CREATE MATERIALIZED VIEW administration.hits_copy AS SELECT plate FROM administration.hits;
CREATE FUNCTION administration.definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM administration.hits';
CREATE TRIGGER before_row BEFORE INSERT ON administration.hits FOR EACH ROW EXECUTE FUNCTION administration.trigger_function();
CREATE RULE a_rule AS ON DELETE TO administration.hits DO ALSO NOTHING;
CREATE POLICY old_policy ON administration.hits USING (true);
CREATE PUBLICATION administration_publication FOR TABLE administration.hits;
GRANT SELECT ON administration.hits TO administration_dashboard, PUBLIC;
CREATE TEMP TABLE found AS SELECT 'legacy' AS table_name, * FROM ctlpr.preflight('administration.legacy') UNION ALL SELECT 'hits', * FROM ctlpr.preflight('administration.hits');
SELECT ok(EXISTS (SELECT FROM found WHERE table_name = t AND severity = s AND item = i AND remedy = r), format('preflight: %s of %s', i, t))
	FROM (VALUES ('legacy', 'error', 'column type', 'ALTER TABLE administration.legacy ALTER COLUMN seen_at TYPE timestamptz USING seen_at AT TIME ZONE ''America/New_York'''),
				 ('legacy', 'error', 'nullable column', 'ALTER TABLE administration.legacy ALTER COLUMN license_plate SET NOT NULL'),
				 ('legacy', 'warning', 'agency column', 'SELECT ctlpr.agency_key(''...'', ''administration.legacy'', v.agency_id::text) FROM (SELECT DISTINCT agency_id FROM administration.legacy) v'),
				 ('hits', 'info', 'time column', 'SELECT ctlpr.govern(''administration.hits'', captured_at => ''captured_at'', ...)'),
				 ('hits', 'warning', 'foreign key', 'ALTER TABLE administration.pointing DROP CONSTRAINT pointing_fkey'),
				 ('hits', 'warning', 'view', 'ALTER VIEW administration.hits_view SET (security_invoker = true)'),
				 ('hits', 'warning', 'view', 'ALTER VIEW administration.hits_view_of_view SET (security_invoker = true)'),
				 ('hits', 'warning', 'materialized view', 'DROP MATERIALIZED VIEW administration.hits_copy'),
				 ('hits', 'warning', 'definer function', 'ALTER ROUTINE administration.definer() SECURITY INVOKER'),
				 ('hits', 'error', 'trigger', 'DROP TRIGGER before_row ON administration.hits'),
				 ('hits', 'error', 'rule', 'DROP RULE a_rule ON administration.hits'),
				 ('hits', 'warning', 'existing policy', 'DROP POLICY old_policy ON administration.hits'),
				 ('hits', 'error', 'publication', 'ALTER PUBLICATION administration_publication DROP TABLE administration.hits'),
				 ('hits', 'warning', 'other table with plates', 'SELECT * FROM ctlpr.preflight(''administration.legacy'')'),
				 ('hits', 'warning', 'unbound role', 'SELECT ctlpr.bind_role(''administration_dashboard'', ''...''); or REVOKE ALL ON administration.hits FROM administration_dashboard'),
				 ('hits', 'warning', 'unbound role', 'REVOKE ALL ON administration.hits FROM PUBLIC'),
				 ('hits', 'warning', 'missing index', 'CREATE INDEX CONCURRENTLY ON administration.hits (captured_at)'),
				 ('hits', 'warning', 'expired reads', 'SELECT ctlpr.start_purge(''administration.hits'', approved_by => ''...'')'),
				 ('hits', 'info', 'next step', 'SELECT ctlpr.govern(''administration.hits'', captured_at => ''captured_at'', plate => ''plate'', owner_agency => ''...'')')) AS v (t, s, i, r);
SELECT ok(NOT EXISTS (SELECT FROM found WHERE remedy ~ 'hits_invoker|template'), 'a view with its reader''s rights and a template are no findings');
SELECT is((SELECT sum(split_part(detail, ' ', 1)::bigint) FROM found WHERE item = 'expired reads'), 19::numeric, 'expired reads are counted by month');
SELECT is((SELECT array_agg(DISTINCT severity ORDER BY severity) FROM found), '{error,info,warning}'::text[], 'severities are error, warning and info');
SELECT lives_ok(format('DO $do$ BEGIN %s END $do$', string_agg(remedy, '; ') || ';'), 'remedies run as they are') FROM found WHERE table_name = 'legacy' AND item IN ('column type', 'nullable column') AND remedy LIKE 'ALTER%'
	OR table_name = 'hits' AND item IN ('foreign key', 'view', 'materialized view', 'definer function', 'trigger', 'rule', 'existing policy', 'publication') AND remedy ~ 'administration';
SELECT is((SELECT array_agg(DISTINCT item ORDER BY item) FROM ctlpr.preflight('administration.hits') WHERE item IN ('foreign key', 'view', 'materialized view', 'definer function', 'trigger', 'rule', 'existing policy', 'publication')), NULL, 'and settle the findings');
SELECT lives_ok($$SELECT ctlpr.govern('administration.hits', captured_at => 'captured_at', plate => 'plate', owner_agency => 'T-CT-NEWHAVEN')$$, 'so that it can be governed');
SELECT is((SELECT item || ': ' || remedy FROM ctlpr.preflight('administration.a_view')), 'kind of relation: SELECT * FROM ctlpr.preflight(''administration.reads'')', 'preflight of a view names the table that it reads');
SELECT is((SELECT item || ': ' || remedy FROM ctlpr.preflight('administration.reads_new_rest')), 'kind of relation: SELECT * FROM ctlpr.preflight(''administration.reads'')', 'preflight of a partition names its root');
SELECT is((SELECT array_agg(remedy) FROM ctlpr.preflight('administration.unlogged') WHERE item = 'unlogged table'), '{"ALTER TABLE administration.unlogged SET LOGGED"}'::text[], 'preflight finds an unlogged table');
SELECT administration.refused('SELECT * FROM ctlpr.preflight(NULL)', '22004', 'table of reads', 'preflight of nothing is refused');
SELECT administration.refused('SELECT * FROM ctlpr.preflight(4294967290::oid::regclass)', '42P01', 'table of reads', 'preflight of an unknown relation too');

-- Who may call what
SELECT is((SELECT array_agg(p.proname ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')),
	'{admits,begin_request,check_request,complete_request,current_request,end_hold,end_request,guard,may_change,may_insert,may_probe,may_read,preserve,record_disclosure,referential,shows_extended_statistics,shows_statistics,touch,touch_given,visible_since}'::name[], 'PUBLIC executes only what decides and records by itself');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')), NULL, 'PUBLIC reads no table of the schema');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_class c CROSS JOIN (VALUES ('ctlpr_admin'), ('ctlpr_registrar'), ('ctlpr_auditor')) AS g (role_name)
		   WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege(g.role_name, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')), NULL, 'no group role writes a table of the schema');
SELECT is((SELECT array_agg(p.proname ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND has_function_privilege('ctlpr_registrar', p.oid, 'EXECUTE') AND NOT has_function_privilege('public', p.oid, 'EXECUTE')),
	'{authorize,authorize_camera,authorize_vendor,end_contract,file_declaration,forbid_purpose,join_network,leave_network,lift_limit,limit_sharing,load_hotlist,record_determination,record_post_notice,record_review,redact_entry,register_camera,register_contract,register_network,register_protected_site,release_reason,remove_offense_category,report_suspected_misuse,resume_sharing,revoke_authorization,revoke_camera_authorization,revoke_vendor_authorization,set_offense_category,suspend_sharing,trim_log,withdraw_declaration,withdraw_hotlist,withdraw_protected_site,withdraw_release}'::name[], 'a registrar files instruments, registers cameras, and nothing else');
SELECT ok(NOT has_function_privilege('ctlpr_admin', 'ctlpr.file_declaration(text, text, date, text, date, boolean, boolean, boolean, boolean)', 'EXECUTE'), 'an administrator files none');
SELECT ok(NOT has_table_privilege('ctlpr_admin', 'ctlpr.audit_entry', 'SELECT') AND NOT has_table_privilege('ctlpr_admin', 'ctlpr.audit_log', 'SELECT'), 'an administrator does not read the log');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind = 'r'
		   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'rules_changed' AND t.tgenabled = 'A' AND (t.tgtype & 1) = 0)),
	'{audit_entry,audit_review,audit_tile,checkpoint,clock,data_copy,erase_loss,erase_member,erase_run,hotlist,hotlist_entry,image_deletion,ingest_count,log_fork,log_trim,offense_category,protected_site,purge_run,released_reason,request_completion}'::name[], 'every change of a rule is announced');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
		   JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ctlpr' WHERE c.relkind IN ('r', 'S') AND c.oid <> ALL (e.extconfig)), NULL, 'a dump takes every table and sequence along');
SELECT is((SELECT array_agg(p.proname ORDER BY p.proname) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		   WHERE p.pronamespace = 'ctlpr'::regnamespace AND l.lanname = 'plpgsql' AND (p.proconfig IS NULL OR NOT p.proconfig @> '{"search_path=pg_catalog, pg_temp"}')), NULL, 'every function has its search path pinned');
GRANT USAGE ON SCHEMA administration TO administration_admin;
SET LOCAL ROLE administration_admin;
SELECT lives_ok($$SELECT ctlpr.register_agency('T-CT-HARTFORD', 'Hartford Police Department', 'police', 'CT')$$, 'an administrator registers agencies');
SELECT lives_ok($$SELECT count(*) FROM ctlpr.preflight('administration.plain')$$, 'and runs preflight() without reading the table');
SELECT throws_ok($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', '2026-09-15')$$, '42501', NULL, 'but files no declaration');
SELECT throws_ok($$SELECT ctlpr.record_event('configuration')$$, '42501', NULL, 'and writes no entry of the log');
RESET ROLE;
SET LOCAL ROLE administration_registrar;
SELECT lives_ok($$SELECT ctlpr.file_declaration('T-MA-BOSTON', 'The Commissioner', '2026-09-15')$$, 'a registrar files a declaration');
SELECT throws_ok($$SELECT ctlpr.bind_role('administration_patrol', 'T-CT-NEWHAVEN')$$, '42501', NULL, 'but binds no role');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
