-- The law as data: three profiles without a flaw, two of them examples; a copy is amended, dumped and put in force; which cameras a statute permits.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(67);

CREATE SCHEMA statutes;
CREATE ROLE statutes_admin IN ROLE ctlpr_admin;
CREATE ROLE statutes_chief;

-- The log outlives this transaction, so only what is newer counts.
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- A refusal has its SQLSTATE, a hint that leads on and, where the law refuses, its clause.
CREATE FUNCTION statutes.refused(statement text, state text, hint_pattern text, clause text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state  text;
	got_hint   text;
	got_detail text;
	got_text   text;
	as_wanted  boolean;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT, got_detail = PG_EXCEPTION_DETAIL;
	END;
	as_wanted := coalesce(got_state = state AND got_hint ~ hint_pattern AND (clause IS NULL OR strpos(got_detail, clause) > 0), false);
	RETURN ok(as_wanted, description)
		|| CASE WHEN as_wanted THEN '' ELSE E'\n' || diag(format('got %s: %s; detail: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_detail, got_hint)) END;
END
$$;

-- SQLSTATE and clause of what this test has on record for a function
CREATE FUNCTION statutes.recorded(function_name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', coalesce(e.sqlstate, 'allowed'), e.clause), '; ' ORDER BY e.seq) FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.detail ->> 'function' = function_name
$$;

-- What came with the extension
SELECT is((SELECT array_agg(statute ORDER BY statute) FROM ctlpr.statute WHERE shipped), '{us-ct-2026,us-nh,us-va-2025}'::text[], 'three profiles come with the extension');
SELECT is((SELECT array_agg(statute ORDER BY statute) FROM ctlpr.statute WHERE title ~ 'an example that no counsel has checked' AND citation ~ 'an example that no counsel has checked'), '{us-nh,us-va-2025}'::text[],
	'two of them say that they are examples');
SELECT is((SELECT array_agg(format('%s: %s %s %s', s.statute, f.relation, f.rule, f.flaw)) FROM ctlpr.statute s CROSS JOIN LATERAL ctlpr.statute_flaws(s.statute) f), NULL, 'none has a flaw');
SELECT is((SELECT array_agg(t.t) FROM (SELECT clause FROM ctlpr.statute_purpose WHERE statute <> 'us-ct-2026' UNION ALL SELECT clause FROM ctlpr.statute_retention WHERE statute <> 'us-ct-2026'
	UNION ALL SELECT clause FROM ctlpr.statute_recipient WHERE statute <> 'us-ct-2026' UNION ALL SELECT clause FROM ctlpr.statute_authorization WHERE statute <> 'us-ct-2026'
	UNION ALL SELECT clause FROM ctlpr.statute_hold WHERE statute <> 'us-ct-2026' UNION ALL SELECT clause FROM ctlpr.statute_camera UNION ALL SELECT clause FROM ctlpr.statute_policy WHERE statute <> 'us-ct-2026'
	UNION ALL SELECT clause FROM ctlpr.statute_hotlist_source WHERE statute <> 'us-ct-2026' UNION ALL SELECT log_clause FROM ctlpr.statute WHERE log_clause IS NOT NULL) t (t)
	WHERE t.t !~ '^RSA (261:75-b, [IVX]+|259:68-a)' AND t.t !~ '^2\.2-5517 \('), NULL, 'the examples cite their own law only');
SELECT is((SELECT string_agg(format('%s %s', statute, extract(epoch FROM period)), ', ' ORDER BY statute) FROM ctlpr.statute_retention WHERE rule = 'standard'), 'us-ct-2026 1814400.000000, us-nh 180.000000, us-va-2025 1814400.000000',
	'three weeks, three minutes, three weeks');
SELECT is((SELECT string_agg(format('%s %s', statute, log_retention), ', ') FROM ctlpr.statute WHERE log_retention IS NOT NULL), 'us-va-2025 2 years', 'Virginia has a clock for the audit trail');
SELECT throws_ok($$INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation, log_retention) VALUES ('statutes-0', 'x', 'CT', 'UTC', 'x', '1 year')$$, '23514', NULL, 'which has a clause');

-- copy_statute()
SELECT statutes.refused($$SELECT ctlpr.copy_statute('us-xx', 'statutes-1')$$, '42704', 'us-nh', NULL, 'an unknown profile is not copied');
SELECT statutes.refused($$SELECT ctlpr.copy_statute(NULL, 'statutes-1')$$, '22004', 'statute', NULL, 'nor is none');
SELECT statutes.refused($$SELECT ctlpr.copy_statute('us-nh', ' ')$$, '22023', 'copy', NULL, 'a copy has a name');
SELECT statutes.refused($$SELECT ctlpr.copy_statute('us-nh', 'us-va-2025')$$, '42710', 'another name', NULL, 'of its own');
SELECT lives_ok($$SELECT ctlpr.copy_statute('us-nh', 'statutes-1', 'New Hampshire as amended'), ctlpr.copy_statute('us-va-2025', 'statutes-2')$$, 'profiles are copied');
SELECT is((SELECT (title, state, time_zone, shipped, log_retention)::text FROM ctlpr.statute WHERE statute = 'statutes-1'), '("New Hampshire as amended",NH,America/New_York,f,)', 'under a title, as rows that a dump takes along');
SELECT is((SELECT (c.title = s.title, c.shipped, c.log_retention, c.log_clause = s.log_clause)::text FROM ctlpr.statute c, ctlpr.statute s WHERE c.statute = 'statutes-2' AND s.statute = 'us-va-2025'), '(t,f,"2 years",t)', 'or the same');
CREATE FUNCTION statutes.differing(original text, copy text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	rule_table name;
	differ boolean;
	result text[];
BEGIN
	FOREACH rule_table IN ARRAY '{statute_purpose,statute_retention,statute_recipient,statute_authorization,statute_policy,statute_hold,statute_hotlist_source,statute_camera}'::name[] LOOP
		EXECUTE format('SELECT NOT EXISTS (SELECT FROM ctlpr.%1$I WHERE statute = $2) AND EXISTS (SELECT FROM ctlpr.%1$I WHERE statute = $1)
			OR EXISTS (SELECT to_jsonb(t) - ''statute'' FROM ctlpr.%1$I t WHERE statute = $1 EXCEPT SELECT to_jsonb(t) - ''statute'' FROM ctlpr.%1$I t WHERE statute = $2)
			OR EXISTS (SELECT to_jsonb(t) - ''statute'' FROM ctlpr.%1$I t WHERE statute = $2 EXCEPT SELECT to_jsonb(t) - ''statute'' FROM ctlpr.%1$I t WHERE statute = $1)', rule_table)
			INTO differ USING original, copy;
		IF differ THEN
			result := result || rule_table::text;
		END IF;
	END LOOP;
	RETURN result;
END
$$;
SELECT is(statutes.differing('us-nh', 'statutes-1'), NULL, 'with all their rules');
SELECT is(statutes.differing('us-va-2025', 'statutes-2'), NULL, 'dates and purposes included');
SELECT is(statutes.recorded('copy_statute'), 'allowed 15(a)(2); allowed 15(a)(2)', 'which is on record');
SELECT is((SELECT array_agg(f.flaw) FROM ctlpr.statute_flaws('statutes-1') f), NULL, 'a copy has no flaw either');

-- statute_flaws()
UPDATE ctlpr.statute_retention SET valid_until = '2030-01-01 00:00 America/New_York' WHERE statute = 'statutes-1';
INSERT INTO ctlpr.statute_retention SELECT statute, rule, clause, '2 minutes', description, valid_until FROM ctlpr.statute_retention WHERE statute = 'statutes-1';
SELECT is((SELECT array_agg(f.flaw) FROM ctlpr.statute_flaws('statutes-1') f), NULL, 'versions that follow each other are none');
UPDATE ctlpr.statute_retention SET valid_until = '2030-01-01 00:00:01 America/New_York' WHERE statute = 'statutes-1' AND period = '3 minutes';
INSERT INTO ctlpr.statute_camera (statute, fixed, clause, permitted, description, valid_from) VALUES ('statutes-1', true, 'x', true, 'x', '2030-01-01');
INSERT INTO ctlpr.statute_recipient (statute, rank, clause, agency_kinds, basis, description) VALUES ('statutes-1', 1, 'x', '{police,sheriff}', 'none', 'x');
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, description) VALUES ('statutes-1', 'nobodys', 'x', true, 'x');
INSERT INTO ctlpr.statute_authorization (statute, kind, clause, agency_kinds, purposes, description) VALUES ('statutes-1', 'warrant', 'x', '{police}', '{stolen_vehicle,curiosity}', 'x');
SELECT results_eq($$SELECT relation, rule, flaw FROM ctlpr.statute_flaws('statutes-1')$$,
	$$VALUES ('statute_authorization', 'warrant', 'serves an unknown purpose "curiosity"'), ('statute_camera', 'fixed', 'has versions whose times overlap'),
		('statute_purpose', 'nobodys', 'is permitted to no kind of agency'), ('statute_recipient', '1', 'names an unknown kind of agency "sheriff"'), ('statute_retention', 'standard', 'has versions whose times overlap')$$,
	'flaws are found, each with its table and rule');
UPDATE ctlpr.statute SET time_zone = 'America/New_Yrok' WHERE statute = 'statutes-2';
UPDATE ctlpr.statute_retention SET valid_until = now() WHERE statute = 'statutes-2';
SELECT results_eq($$SELECT relation, rule, flaw FROM ctlpr.statute_flaws('statutes-2')$$,
	$$VALUES ('statute', 'statutes-2', 'knows no time zone "America/New_Yrok"'), ('statute_retention', 'standard', 'is not there, now or later')$$, 'so are a time zone and a missing retention');
SELECT results_eq($$SELECT relation, rule, flaw FROM ctlpr.statute_flaws('us-xx') WHERE relation = 'statute'$$, $$VALUES ('statute', 'us-xx', 'is not known')$$, 'an unknown profile is one');

-- Cameras, as the statute in force has it
SELECT ctlpr.register_agency('T-NH-PD', 'A police department', 'police', 'NH'), ctlpr.register_agency('T-VA-PD', 'Another', 'police', 'VA'), ctlpr.register_agency('T-VT-PD', 'A third', 'police', 'VT');
SELECT lives_ok($$SELECT ctlpr.register_camera('ST-0', 'T-NH-PD', true, 'POINT(-71.5 43.2)')$$, 'without a statute any camera is registered');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-nh')$$, 'New Hampshire is adopted');
SELECT is((SELECT (f.severity, f.clause, f.agency_id)::text FROM ctlpr.findings f WHERE f.kind = 'camera_not_permitted'), '(violation,"RSA 259:68-a",T-NH-PD)', 'a fixed camera from before is a finding');
SELECT statutes.refused($$SELECT ctlpr.register_camera('ST-1', 'T-NH-PD', true, 'POINT(-71.5 43.2)')$$, 'LP005', 'statute_camera', 'RSA 259:68-a', 'a fixed camera is refused');
SELECT statutes.refused($$SELECT ctlpr.register_camera('ST-2', 'T-NH-PD', false)$$, 'LP005', 'attended => true', 'RSA 259:68-a', 'so is a mobile one that nobody attends');
SELECT statutes.refused($$SELECT ctlpr.register_camera('ST-2', 'T-NH-PD', false, attended => NULL)$$, '22004', 'true or false', NULL, 'or that may be attended');
SELECT lives_ok($$SELECT ctlpr.register_camera('ST-2', 'T-NH-PD', false, attended => true)$$, 'an attended one is registered');
SELECT is((SELECT array_agg(camera_id ORDER BY camera_id) FROM ctlpr.camera WHERE agency_id = 'T-NH-PD' AND active), '{ST-0,ST-2}'::text[], 'and nothing was half done');
SELECT lives_ok($$SELECT ctlpr.deactivate_camera('ST-0', 'the statute')$$, 'the fixed one is taken down');
SELECT is((SELECT count(*) FROM ctlpr.findings f WHERE f.kind = 'camera_not_permitted'), 0::bigint, 'which settles the finding');
SELECT statutes.refused($$SELECT ctlpr.activate_camera('ST-0')$$, 'LP005', 'statute_camera', 'RSA 259:68-a', 'it is not activated again');
SELECT is((SELECT active FROM ctlpr.camera WHERE camera_id = 'ST-0'), false, 'and stays inactive');
SELECT is(statutes.recorded('register_camera'), 'allowed 13(d)(5); LP005 RSA 259:68-a; LP005 RSA 259:68-a; allowed 13(d)(5)', 'refusals are on record with the clause');
SELECT is(statutes.recorded('activate_camera'), 'LP005 RSA 259:68-a', 'all of them');
SELECT is((SELECT count(*) FROM ctlpr.camera_requests_at_sites WHERE agency_id = 'T-NH-PD'), 0::bigint, 'and are none at a protected site');
UPDATE ctlpr.statute_camera SET valid_until = now() WHERE statute = 'us-nh' AND fixed;
SELECT lives_ok($$SELECT ctlpr.activate_camera('ST-0')$$, 'a rule whose time is over refuses nothing');
UPDATE ctlpr.statute_camera SET valid_from = now() + interval '1 day', valid_until = 'infinity' WHERE statute = 'us-nh' AND fixed;
SELECT is((SELECT count(*) FROM ctlpr.findings f WHERE f.kind = 'camera_not_permitted'), 0::bigint, 'nor does one whose time is to come');
UPDATE ctlpr.statute_camera SET valid_from = now() WHERE statute = 'us-nh' AND fixed;
SELECT is((SELECT count(*) FROM ctlpr.findings f WHERE f.kind = 'camera_not_permitted'), 1::bigint, 'when it comes, the camera is a finding');

-- Hotlists: each law has its own sources, and says itself which files stay out.
SELECT statutes.refused($$SELECT ctlpr.load_hotlist('collect', 'Sergeant', now() + interval '1 day', 'T-NH-PD', 'daily', '[]')$$, 'LP003', 'local, ncic, state', 'RSA 261:75-b, IV', 'a list of another state is no source');
SELECT lives_ok($$SELECT ctlpr.load_hotlist('ncic', 'Sergeant', now() + interval '1 day', 'T-NH-PD', 'daily', '[{"plate": "A1", "category": "stolen vehicle"}, {"plate": "A2", "category": "wanted person"}]')$$, 'New Hampshire names NCIC');
SELECT is((SELECT array_agg(plate || ' ' || clause ORDER BY plate) FROM ctlpr.hotlist_in_force), '{"A1 RSA 261:75-b, IV","A2 RSA 261:75-b, IV"}'::text[], 'a source that keeps no file out matches');

-- Declarations open nothing where the statute takes none.
SELECT statutes.refused($$SELECT ctlpr.file_declaration('T-VT-PD', 'Chief', '2026-10-01')$$, 'LP006', 'takes no declarations', 'RSA 261:75-b, VIII', 'New Hampshire takes no declaration');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-va-2025')$$, 'Virginia is adopted');
SELECT lives_ok($$SELECT ctlpr.register_camera('ST-3', 'T-VA-PD', true, 'POINT(-77.4 37.5)'), ctlpr.register_camera('ST-4', 'T-VA-PD', false)$$, 'where any camera may read');
SELECT lives_ok($$SELECT ctlpr.load_hotlist('ncic', 'Sergeant', now() + interval '1 day', 'T-VA-PD', 'daily', '[{"plate": "A3", "category": "stolen vehicle"}, {"plate": "A4", "category": "immigration violator"}]')$$, 'Virginia names NCIC, too');
SELECT is((SELECT array_agg(plate || ' ' || clause ORDER BY plate) FROM ctlpr.hotlist_in_force WHERE agency_id = 'T-VA-PD'), '{"A3 2.2-5517 (purposes) (iii)"}'::text[], 'without what is on no list of its purposes');
-- A purpose in two versions: the one in force counts, not the last.
SELECT ctlpr.register_agency('T-VA-VENDOR', 'A vendor', 'vendor', 'VA');
SELECT ctlpr.register_contract('T-VA-VENDOR', 'T-VA-PD', signed_on => '2026-10-01');
UPDATE ctlpr.statute_purpose SET valid_until = now() + interval '1 day' WHERE statute = 'us-va-2025' AND purpose IN ('system_maintenance', 'sale');
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, description, valid_from)
	SELECT statute, purpose, 'amended', NOT permitted, '{police,vendor}', 'The other way round from tomorrow', now() + interval '1 day' FROM ctlpr.statute_purpose WHERE statute = 'us-va-2025' AND purpose IN ('system_maintenance', 'sale');
SELECT lives_ok($$SELECT ctlpr.authorize_vendor('T-VA-VENDOR', 'T-VA-PD', 'A mender', 'system_maintenance', now() + interval '1 hour')$$, 'a purpose that is permitted until tomorrow is permitted');
SELECT statutes.refused($$SELECT ctlpr.authorize_vendor('T-VA-VENDOR', 'T-VA-PD', 'A buyer', 'sale', now() + interval '1 hour')$$, 'LP004', 'statute_purpose', NULL, 'one that is permitted from tomorrow is not yet');
SELECT statutes.refused($$SELECT ctlpr.file_declaration('T-VT-PD', 'Chief', '2026-10-01')$$, 'LP006', 'takes no declarations', '2.2-5517 (sharing)', 'Virginia takes none either');
SELECT statutes.refused($$SELECT ctlpr.file_declaration('T-VA-PD', 'Chief', '2026-10-01')$$, 'LP006', 'takes no declarations', '2.2-5517 (sharing)', 'nor from an agency of its own');
SELECT is(statutes.recorded('file_declaration'), 'LP006 RSA 261:75-b, VIII; LP006 2.2-5517 (sharing); LP006 2.2-5517 (sharing)', 'each on record with the clause that decided');
SELECT statutes.refused($$SELECT ctlpr.authorize('probable_cause_warrant', 'T-VT-PD', plates => '{A1}')$$, 'LP003', 'court_order', NULL, 'Virginia knows no instrument for another state');
SELECT statutes.refused($$SELECT ctlpr.authorize('court_order', 'T-VT-PD', plates => '{A1}', issued_by => 'Judge')$$, 'LP006', 'statute_authorization', '2.2-5517 (sharing)', 'nor its own for one');

-- Evidence stands in no one's way: it has no retention rule of a statute.
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-nh')$$, 'New Hampshire is adopted again');
CREATE TABLE statutes.reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO statutes.reads VALUES (now() - interval '1 minute', 'HELD');
SELECT lives_ok($$SELECT ctlpr.govern('statutes.reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'T-NH-PD')$$, 'a table is governed');
SELECT ctlpr.bind_role('statutes_chief', 'T-NH-PD', supervisor => true);
GRANT USAGE ON SCHEMA statutes TO statutes_chief;
SET LOCAL ROLE statutes_chief;
SELECT statutes.refused($$SELECT ctlpr.preserve('statutes.reads', 'criminal_evidence', 'x', '26-1', 'Officer A', plates => '{HELD}')$$, 'LP003', 'arrest_or_citation, wanted_or_stolen', NULL, 'a basis of another state is none');
SELECT lives_ok($$SELECT ctlpr.preserve('statutes.reads', 'arrest_or_citation', 'arrest', '26-1', 'Officer A', plates => '{HELD}')$$, 'a read that led to an arrest is held');
RESET ROLE;
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-va-2025')$$, 'another statute takes over though evidence is held');
INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation) VALUES ('statutes-3', 'Without rules', 'VA', 'America/New_York', 'none');
SELECT statutes.refused($$SELECT ctlpr.adopt_statute('statutes-3')$$, '55000', 'statute_retention', NULL, 'but none without the retention of the table itself');

-- Who may call what, and what a dump takes along
SELECT is((SELECT array_agg(r.rolname ORDER BY r.rolname) FROM pg_roles r WHERE NOT r.rolsuper AND has_function_privilege(r.oid, 'ctlpr.copy_statute(text, text, text)', 'EXECUTE')), NULL, 'superusers alone copy a profile');
SELECT is((SELECT array_agg(r.rolname ORDER BY r.rolname) FROM pg_roles r WHERE r.rolname ~ '^(ctlpr_|statutes_)' AND has_function_privilege(r.oid, 'ctlpr.statute_flaws(text)', 'EXECUTE')), '{ctlpr_admin,statutes_admin}'::name[], 'administrators look for flaws');
SET LOCAL ROLE statutes_admin;
SELECT ok((SELECT count(*) FROM ctlpr.statute_flaws('statutes-2')) > 0, 'and find them');
SELECT ok((SELECT count(*) FROM ctlpr.statute_camera) > 0, 'and see which cameras are permitted');
SELECT throws_ok($$UPDATE ctlpr.statute_retention SET period = '1 year'$$, '42501', NULL, 'but change no rule');
RESET ROLE;
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) d (relation, condition) JOIN pg_class c ON c.oid = d.relation
	WHERE e.extname = 'ctlpr' AND c.relname ~ '^statute' AND d.condition ~ 'shipped'),
	'{statute,statute_authorization,statute_camera,statute_hold,statute_hotlist_source,statute_policy,statute_purpose,statute_recipient,statute_retention}'::name[], 'a dump takes along what did not come with the extension');

SELECT * FROM finish();
ROLLBACK;
