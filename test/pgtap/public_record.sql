-- 13(e)(2), 14(a)(7): the public reads the record with all ALPR data redacted, and nothing else, once ctlpr.public_delay has passed.
--
-- Entries are durable whatever becomes of this test's transactions.  It plants one plate wherever a client can put a text, and looks for
-- it in all that the public can read, also of what other tests left in the log.
\set ON_ERROR_STOP 1
\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;

-- what an earlier run may have left behind
DELETE FROM ctlpr.role_binding WHERE role_name LIKE 'pr\_test\_%';
DELETE FROM ctlpr.standing_request WHERE role_name LIKE 'pr\_test\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'PR-TEST-%';
DELETE FROM ctlpr.offense_category WHERE NOT shipped;
DELETE FROM ctlpr.camera WHERE camera_id LIKE 'PR-TEST-%';
DROP TABLE IF EXISTS public.pr_test_reads;
DROP ROLE IF EXISTS pr_test_web, pr_test_officer, pr_test_records;

CREATE ROLE pr_test_web LOGIN IN ROLE ctlpr_public;
CREATE ROLE pr_test_officer LOGIN;
CREATE ROLE pr_test_records LOGIN IN ROLE ctlpr_registrar;
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;
GRANT SELECT ON beginning TO PUBLIC;
DO $$
BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.register_agency('PR-TEST-1', 'First', 'police', 'CT');
	PERFORM ctlpr.register_agency('PR-TEST-2', 'Second', 'police', 'CT');
	PERFORM ctlpr.bind_role('pr_test_officer', 'PR-TEST-1');
END
$$;
CREATE TABLE public.pr_test_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
INSERT INTO public.pr_test_reads VALUES (now() - interval '1 hour', 'QZX7841', 'PR-TEST-1'), (now() - interval '1 hour', 'QZX7841', 'PR-TEST-2');
GRANT SELECT ON public.pr_test_reads TO pr_test_officer;
DO $$ BEGIN PERFORM ctlpr.govern('public.pr_test_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id'); END $$;

-- One plate in everything that a client can state, in every way to write it
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN '00000';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION pg_temp.raise_plate(plate text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE 'QZ784'; END $$;
GRANT EXECUTE ON FUNCTION pg_temp.try(text), pg_temp.raise_plate(text) TO PUBLIC;
SET application_name = 'terminal QZX7841';
SET ROLE pr_test_officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => 'qzx-7841', reason => 'Stolen car Q.Z.X. 7841, seen near the harbor on I-95, call Officer Planted', officer => 'Officer Planted QZX7841',
	offense => 'Theft of car qzx 7841', terminal => 'QZX7841') AS request \gset
SELECT count(*) AS both FROM public.pr_test_reads WHERE plate = 'QZX7841' \gset
SELECT count(*) FROM public.pr_test_reads WHERE plate = 'HARBOR' \gset
COMMIT;
\set planted ''
SELECT pg_temp.try($$SELECT ctlpr.begin_request('QZX7841')$$) AS planted_purpose, pg_temp.try($$SELECT ctlpr.begin_request('stolen_vehicle', agency_id => 'QZX7841')$$) AS planted_agency,
	pg_temp.try($$SELECT ctlpr.begin_request('stolen_vehicle', case_number => '1', reason => 'x', on_behalf_of => 'QZX7841')$$) AS planted_on_behalf \gset
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', reason => 'ＱＺＸ７８４１', offense => 'ＱＺＸ７８４１') AS wide_request \gset
SELECT pg_temp.try('SELECT pg_temp.raise_plate(plate) FROM public.pr_test_reads') AS planted_state \gset
COMMIT;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', reason => 'my enemy seen') AS vanity \gset
SELECT count(*) FROM public.pr_test_reads WHERE plate = 'ＭＹ' \gset
COMMIT;
SELECT ctlpr.record_disclosure(:request, 'PR-TEST-2', 'handed over QZX7841') AS disclosure \gset
RESET ROLE;
RESET application_name;
SELECT ctlpr.limit_sharing('PR-TEST-1', 'because of QZX7841', recipient_agency => 'PR-TEST-2', purpose => 'stolen_vehicle') AS limit_id \gset
SELECT ctlpr.forbid_purpose('PR-TEST-1', 'weigh_station', 'because of QZX7841') AS forbidden_id \gset
SELECT FROM ctlpr.set_agency_option('PR-TEST-1', retention => '240 hours', oversight => 'QZX7841');
SELECT FROM ctlpr.register_camera('PR-TEST-CAM-1', 'PR-TEST-1', true, 'POINT(-72.92 41.31)'::geography, 'Church Street');
SELECT FROM ctlpr.register_camera('PR-TEST-CAM-2', 'PR-TEST-1', true, 'POINT(-72.93 41.32)'::geography, 'a secret corner', funding => 'federal homeland security grant', nondisclosure => true);
SELECT FROM ctlpr.register_camera('PR-TEST-CAM-3', 'PR-TEST-1', false, NULL, 'car 7');

-- the outcome follows the statement
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		EXIT WHEN (SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.sqlstate = 'QZ784') > 0
			AND (SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND 'PR-TEST-2' = ANY (e.owners)) > 0;
		PERFORM pg_sleep(0.1);
	END LOOP;
END
$$;

CREATE FUNCTION pg_temp.plain(value text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(upper(normalize(value, NFKC)), '[^[:alnum:]]', '', 'g') $$;
CREATE FUNCTION pg_temp.readable(reader name) RETURNS SETOF regclass LANGUAGE sql AS $$
	SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_any_column_privilege(reader, c.oid, 'SELECT')
$$;
-- everything that the reader can see, as text
CREATE FUNCTION pg_temp.shown() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	seen regclass;
BEGIN
	FOR seen IN SELECT c FROM pg_temp.readable(current_user) c LOOP
		RETURN QUERY EXECUTE format('SELECT %L || t::text FROM %s t', seen || ': ', seen);
	END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.plain(text), pg_temp.readable(name), pg_temp.shown() TO PUBLIC;
CREATE FUNCTION pg_temp.refused(statement text, state text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got   text := '00000';
	words text := '';
	more  text := '';
	hint  text := '';
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got = RETURNED_SQLSTATE, words = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	END;
	RETURN ok(got = state AND (got = '42501' AND words LIKE 'permission denied%' OR hint <> '') AND position('QZX7841' IN pg_temp.plain(words || more || hint)) = 0, description)
		|| CASE WHEN got = state THEN '' ELSE E'\n' || diag(format('got %s: %s', got, words)) END;
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.refused(text, text, text) TO PUBLIC;

SELECT plan(112);

/*
 * The role
 */
SELECT is((SELECT array_agg(c::text ORDER BY c::text COLLATE "C") FROM pg_temp.readable('pr_test_web') c),
	'{ctlpr.public_agencies,ctlpr.public_audit_log,ctlpr.public_cameras,ctlpr.public_cameras_geojson,ctlpr.public_checkpoint,ctlpr.public_purges,ctlpr.public_rules,ctlpr.public_usage}'::text[],
	'the public reads these views, and no other relation or column of the schema');
SELECT is((SELECT array_agg(p.oid::regprocedure::text ORDER BY p.oid::regprocedure::text COLLATE "C") FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace
		AND has_function_privilege('pr_test_web', p.oid, 'EXECUTE') AND NOT has_function_privilege('public', p.oid, 'EXECUTE')),
	'{ctlpr.public_until(),ctlpr.public_usage_counted()}'::text[], 'and executes what these need and everybody may, no other function');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND (has_table_privilege('pr_test_web', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES') OR has_any_column_privilege('pr_test_web', c.oid, 'INSERT, UPDATE, REFERENCES'))
	UNION ALL SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('pr_test_web', c.oid, 'USAGE, SELECT, UPDATE') END$$,
	'it writes none of them');
SELECT ok(NOT has_schema_privilege('pr_test_web', 'ctlpr', 'CREATE'), 'and makes nothing in the schema');
SELECT is_empty($$SELECT c FROM pg_temp.readable('pr_test_web') c JOIN pg_class r ON r.oid = c WHERE r.relkind <> 'v' OR NOT coalesce(r.reloptions && '{security_barrier=true,security_barrier}', false)$$,
	'each is a view, and a security barrier');
SELECT ok(NOT pg_has_role('ctlpr_public', r, 'USAGE'), format('ctlpr_public is no member of %s', r))
	FROM unnest('{ctlpr_admin,ctlpr_registrar,ctlpr_auditor,ctlpr_matcher,ctlpr_image_deleter}'::name[]) r;

-- shapes: names, order and types that others build on
SELECT is((SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) FROM pg_attribute a
		WHERE a.attrelid = ('ctlpr.' || v.name)::regclass AND a.attnum > 0 AND NOT a.attisdropped), v.columns, 'shape of ' || v.name)
	FROM (VALUES
		('public_audit_log', 'seq bigint, at timestamp with time zone, agency_id text, agency_name text, agency_kind text, agency_state text, on_behalf_of text, purpose text, offense_category text, action text, search_kind text, allowed boolean, sqlstate text, clause text, owners text[], reason text'),
		('public_usage', 'agency_id text, agency_name text, month date, measure text, clause text, item text, entity text, count bigint'),
		('public_cameras_geojson', 'geojson jsonb'),
		('public_agencies', 'agency_id text, name text, kind text, state text'),
		('public_rules', 'topic text, clause text, rule text, detail text, agency_id text, agency_name text'),
		('public_purges', 'agency_id text, agency_name text, finished_on date, runs bigint, rows_deleted bigint'),
		('public_checkpoint', 'origin text, size bigint, root bytea, signed_at timestamp with time zone, note text')) v (name, columns);

/*
 * The delay
 */
SELECT is(current_setting('ctlpr.public_delay'), '30d', 'entries show after 30 days, unless an administrator chooses otherwise');
SET ROLE pr_test_web;
SELECT is((SELECT count(*) FROM ctlpr.public_audit_log WHERE seq > (SELECT seq FROM beginning)), 0::bigint, 'nobody is warned of a running case: what is new does not show');
SELECT throws_ok('SET ctlpr.public_delay = 0', '42501', NULL, 'no user shortens the delay');
SELECT throws_ok($$SELECT set_config('ctlpr.public_delay', '0', false)$$, '42501', NULL, 'in no other way either');
SELECT throws_ok($$EXPLAIN (ANALYZE) SELECT * FROM ctlpr.public_audit_log WHERE agency_id = 'PR-TEST-1'$$, 'LP010', NULL, 'what is not public yet is not counted either');
SELECT throws_ok($$EXPLAIN (BUFFERS) SELECT * FROM ctlpr.public_audit_log WHERE agency_id = 'PR-TEST-1'$$, 'LP010', NULL, 'nor estimated');
SELECT lives_ok($$EXPLAIN (ANALYZE) SELECT * FROM ctlpr.public_usage$$, 'and of usage, whose counting is its own');
RESET ROLE;
SET ctlpr.public_delay = '1min';
SELECT is(ctlpr.public_until(), now() - interval '1 minute', 'what is recorded before now less the delay is public');
SET ctlpr.public_delay = '30d';
SET TimeZone = 'America/New_York';
SELECT is(ctlpr.public_until(), now() - interval '720 hours', 'a day of it has 24 hours, whatever the reader''s time zone');
RESET TimeZone;
SET ctlpr.public_delay = 0;
SELECT ok((SELECT count(*) > 0 FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.statement LIKE 'SET ctlpr.public_delay%' AND e.action = 'configuration'), 'an administrator who shortens it does so on record');
BEGIN;
INSERT INTO ctlpr.clock (seen_at) VALUES (now()) ON CONFLICT DO NOTHING;
UPDATE ctlpr.clock SET seen_at = now() - interval '1 day', doubted_at = now();
SELECT ctlpr.public_until() = now() - interval '1 day' AS doubted \gset
ROLLBACK;
SELECT ok(:'doubted', 'a clock that was set forward opens nothing');

/*
 * What shows
 */
SET ROLE pr_test_web;
CREATE TEMP TABLE seen AS SELECT * FROM ctlpr.public_audit_log WHERE seq > (SELECT seq FROM beginning);
RESET ROLE;
GRANT SELECT ON seen TO PUBLIC;
SELECT is((SELECT row(s.at, s.agency_id, s.agency_name, s.agency_kind, s.agency_state, s.on_behalf_of, s.purpose, s.offense_category, s.action, s.search_kind, s.allowed, s.sqlstate, s.clause, s.owners, s.reason)::text FROM seen s WHERE s.seq = :request),
	(SELECT row(date_trunc('minute', e.at), 'PR-TEST-1', 'First', 'police', 'CT', NULL, 'stolen_vehicle', 'motor vehicle theft', 'request', 'none', true, NULL, e.clause, NULL, NULL)::text FROM ctlpr.audit_entry e WHERE e.seq = :request),
	'a request: to the minute, with purpose and offense category, and no word of its reason');
SELECT is((SELECT row(s.agency_id, s.purpose, s.action, s.search_kind, s.allowed, s.owners)::text FROM seen s WHERE s.action = 'select' AND 'PR-TEST-2' = ANY (s.owners)),
	'(PR-TEST-1,stolen_vehicle,select,plate,t,"{PR-TEST-1,PR-TEST-2}")', 'a statement: what kind of search, and whose reads it touched');
SELECT is((SELECT array_agg(DISTINCT s.purpose || ' ' || s.sqlstate) FROM seen s WHERE s.purpose = 'unknown purpose'), '{unknown purpose LP003}'::text[], 'a purpose that the statute does not know is called so');
SELECT is((SELECT array_agg(DISTINCT s.on_behalf_of) FROM seen s WHERE NOT s.allowed AND s.on_behalf_of IS NOT NULL), '{unregistered}'::text[], 'an agency that is not registered is called so');
SELECT is((SELECT s.offense_category FROM seen s WHERE s.seq = :wide_request), 'other', 'an offense of no category is called other');
SELECT is((SELECT count(*) FROM seen s WHERE s.offense_category = 'not stated'), (SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq IN (SELECT seq FROM seen) AND e.purpose IS NOT NULL AND e.offense IS NULL), 'and one that was not stated is called so');
SELECT is((SELECT row(s.on_behalf_of, s.owners, s.action)::text FROM seen s WHERE s.seq = :disclosure), '(PR-TEST-2,"{PR-TEST-1,PR-TEST-2}",disclosure)', 'a disclosure names the recipient and the owners');
SELECT is((SELECT count(*) FROM seen s WHERE s.sqlstate !~ '^LP[0-9]{3}$'), 0::bigint, 'of errors only those of the law are shown');
SELECT is((SELECT count(*) FROM seen), (SELECT count(*) FROM ctlpr.audit_entry e WHERE e.entry = 'verdict' AND e.seq > (SELECT seq FROM beginning) AND e.seq <= (SELECT max(seq) FROM seen)
		AND coalesce(e.detail ->> 'function', '') <> 'register_camera'), 'every entry shows, also refused ones, but those about cameras');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e JOIN seen s USING (seq) WHERE e.detail ->> 'function' = 'register_camera'), 0::bigint, 'which would tell of cameras under a condition of non-disclosure: 13(e)(2)(A)');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.detail ->> 'function' = 'register_camera' AND e.seq > (SELECT seq FROM beginning)), 3::bigint, '(they are in the log)');

/*
 * No plate
 */
SELECT is(:'planted_purpose' || ' ' || :'planted_agency' || ' ' || :'planted_on_behalf' || ' ' || :'planted_state', 'LP003 LP005 LP006 QZ784', 'a plate was stated as purpose, agency and recipient, and raised as an error');
SELECT ok((SELECT count(*) > 0 FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND position('QZX7841' IN pg_temp.plain(to_jsonb(e) ->> field)) > 0), format('the log has it as %s', field))
	FROM unnest('{reason,offense,case_number,officer,terminal,purpose,on_behalf_of,application_name,plates,detail}'::text[]) field;
SELECT is((SELECT max(o.sqlstate) FROM ctlpr.audit_entry o WHERE o.seq > (SELECT seq FROM beginning) AND o.entry = 'outcome' AND o.sqlstate = 'QZ784'), 'QZ784', 'and as an SQLSTATE');
SET ROLE pr_test_web;
SELECT ok((SELECT count(*) > 50 FROM pg_temp.shown()), 'the public reads all of its views');
SELECT is_empty($$SELECT s FROM pg_temp.shown() s WHERE position('QZX7841' IN pg_temp.plain(s)) > 0 OR position('QZ784' IN pg_temp.plain(s)) > 0$$, 'and no plate in any, however it was typed');
SELECT is_empty($$SELECT s FROM pg_temp.shown() s WHERE s ~* 'planted'$$, 'nor an officer');
SELECT is_empty($$SELECT s FROM pg_temp.shown() s WHERE s ~* 'harbor|because of|handed over|pr_test_officer'$$, 'nor a reason or a login');
RESET ROLE;

/*
 * Reading it is on record
 */
SELECT max(seq) AS before FROM ctlpr.audit_entry \gset
SET ROLE pr_test_web;
BEGIN;
SELECT count(*) FROM ctlpr.public_audit_log \gset
SELECT count(*) FROM ctlpr.public_usage \gset
COMMIT;
RESET ROLE;
SELECT is((SELECT array_agg(e.action || ' ' || e.role) FROM ctlpr.audit_entry e WHERE e.seq > :before AND e.entry = 'verdict' AND e.relation = 'ctlpr.audit_entry' AND e.role = 'pr_test_web'), '{select pr_test_web}'::text[],
	'who reads the log through the public views is on record, once a transaction');
SELECT is((SELECT array_agg(DISTINCT p.action) FROM ctlpr.public_audit_log p WHERE p.seq > :before), '{log_reading}'::text[], 'and shows as what it is');

/*
 * Releasing a reason
 */
SET ROLE pr_test_web;
SELECT throws_ok(format('SELECT ctlpr.release_reason(%s, %L)', :request, 'Stolen car'), '42501', NULL, 'the public releases nothing');
RESET ROLE;
SET ROLE pr_test_records;
SELECT pg_temp.refused(format('SELECT ctlpr.release_reason(%s, %L)', :request, 'Stolen car'), '55000', 'no reason is released while its request may go on');
RESET ROLE;
SELECT ctlpr.standing_request('pr_test_officer', 'traffic_analytics', 'counts at the plaza', 'the director', now() + interval '1 day') AS standing \gset
SET ctlpr.request_timeout = '1s';
SELECT pg_sleep(1.1);
SET ROLE pr_test_records;
SELECT pg_temp.refused(format('SELECT ctlpr.release_reason(%s, %L)', :standing, 'counts'), '55000', 'a standing one goes on until it ends');
SELECT pg_temp.refused(format('SELECT ctlpr.release_reason(%s, %L)', :request, t), s, d) FROM (VALUES
	('Stolen car QZX7841', '42501', 'a plate is not released'),
	('Stolen car Q.Z.X. 7841', '42501', 'as it was typed'),
	('Stolen car q z x 7 8 4 1', '42501', 'in other letters, with spaces'),
	('Stolen car QZX 784 I', '42501', 'with what looks like its digits'),
	('Stolen car ＱＺＸ７８４１', '42501', 'in wide characters'),
	(U&'Stolen car QZ\0425 7841', '22023', 'with a letter of another alphabet'),
	(U&'Stolen car Q\200BZ\200BX\200B7841', '22023', 'with characters that show nothing'),
	('Stolen car seen near the harbor', '42501', 'nor a plate that is a word, sought under the request'),
	('Stolen car KXR-4417', '42501', 'nor what looks like another'),
	('Stolen car AB 12345', '42501', 'in two words'),
	('car Officer Planted', '42501', 'nor the officer by a name'),
	('car Stolen', '22023', 'nor words in another order'),
	('Murdered car', '22023', 'nor one that was never stated'),
	('[...]', '22023', 'nor nothing at all'),
	(' ', '22023', 'nor a blank'),
	(NULL, '22004', 'nor NULL'),
	(repeat('x', 4097), '22001', 'nor more than a reason may have')) v (t, s, d);
SELECT pg_temp.refused(format('SELECT ctlpr.release_reason(%s, %L)', :vanity, 'my'), '42501', 'nor a plate of two letters, sought in wide ones');
SELECT lives_ok(format('SELECT ctlpr.release_reason(%s, %L)', :vanity, 'enemy seen'), '... which may be letters of another word');
SELECT pg_temp.refused('SELECT ctlpr.release_reason(-1, ''x'')', '42704', 'an entry that is not there has no reason');
SELECT pg_temp.refused('SELECT ctlpr.release_reason(NULL, ''x'')', '22004', 'nor has none');
SELECT pg_temp.refused('SELECT ctlpr.withdraw_release(1, ''x'')', '42704', 'what is not released is not withdrawn');
SELECT is((SELECT count(*) FROM ctlpr.released_reason WHERE seq = :request), 0::bigint, 'what was refused left nothing');
SELECT lives_ok(format('SELECT ctlpr.release_reason(%s, %L)', :request, 'stolen car [redacted], seen near the [...] on I-95'), 'words of the reason in their order are released');
SELECT pg_temp.refused(format('SELECT ctlpr.release_reason(%s, %L)', :request, 'Stolen car'), '42710', 'once');
RESET ROLE;
SET ROLE pr_test_web;
SELECT is((SELECT array_agg(p.reason) FROM ctlpr.public_audit_log p WHERE p.seq > (SELECT seq FROM beginning) AND p.reason IS NOT NULL), '{"enemy seen","stolen car [redacted], seen near the [...] on I-95"}'::text[], 'and show, with their entries alone');
RESET ROLE;
BEGIN;
SELECT ctlpr.redact_entry(:request, '{reason}', 'a name in it', 'the clerk') \gset
SELECT count(p.reason) AS after_redaction FROM ctlpr.public_audit_log p WHERE p.seq = :request \gset
ROLLBACK;
SELECT is(:after_redaction, 0, 'a reason that was taken out of the log shows no more');
SET ROLE pr_test_records;
SELECT pg_temp.refused(format('SELECT ctlpr.withdraw_release(%s, '' '')', :request), '22023', 'a release is withdrawn for a reason');
SELECT lives_ok(format('SELECT ctlpr.withdraw_release(%s, ''the family asked for it'')', :request), 'a release is withdrawn');
RESET ROLE;
SELECT is((SELECT p.reason FROM ctlpr.public_audit_log p WHERE p.seq = :request), NULL, 'and shows no more');
SELECT is((SELECT array_agg(e.action || ' ' || e.agency_id || ' ' || (e.detail ->> 'seq' = :request::text) ORDER BY e.seq) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.entry = 'verdict' AND e.action IN ('release_reason', 'withdraw_release')),
	'{release_reason PR-TEST-1 false,release_reason PR-TEST-1 true,withdraw_release PR-TEST-1 true}'::text[], 'both are on record, with the agency');

/*
 * Offense categories
 */
CREATE FUNCTION pg_temp.category(offense text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT c.category FROM ctlpr.offense_category c WHERE c.shipped AND offense ~* c.pattern ORDER BY c.rank LIMIT 1), 'other')
$$;
SELECT is((SELECT array_agg(o || ' -> ' || pg_temp.category(o)) FROM unnest('{Homicide,"Burglary - 3rd degree","MOTOR VEHICLE THEFT","Theft from vehicle","Larceny 6th",Shots Fired,"Sexual Assault 1","Domestic Violence - assault","Human Trafficking","Identity theft","Hit and Run","Grand theft","evading responsibility","Missing person","QZX7841",""}'::text[]) WITH ORDINALITY o (o, n)),
	'{"Homicide -> homicide","Burglary - 3rd degree -> burglary","MOTOR VEHICLE THEFT -> motor vehicle theft","Theft from vehicle -> larceny","Larceny 6th -> larceny","Shots Fired -> weapons offense","Sexual Assault 1 -> sex offense","Domestic Violence - assault -> domestic violence","Human Trafficking -> human trafficking","Identity theft -> fraud","Hit and Run -> hit and run","Grand theft -> larceny","evading responsibility -> hit and run","Missing person -> missing or endangered person","QZX7841 -> other"," -> other"}'::text[],
	'offenses fall into categories');
SET ROLE pr_test_records;
SELECT lives_ok($$SELECT ctlpr.set_offense_category('car trouble', '\mtheft of car', 1)$$, 'a records officer adds a category');
SELECT lives_ok($$SELECT ctlpr.remove_offense_category('motor vehicle theft')$$, 'and takes one away that came with the extension');
SELECT pg_temp.refused(t, s, d) FROM (VALUES
	($$SELECT ctlpr.remove_offense_category('motor vehicle theft')$$, '42704', 'once'),
	($$SELECT ctlpr.remove_offense_category('no such')$$, '42704', 'not one that is not there'),
	($$SELECT ctlpr.set_offense_category('other', 'x')$$, '22023', 'other is no category of its own'),
	($$SELECT ctlpr.set_offense_category('all', '.*')$$, '22023', 'a pattern does not match everything'),
	($$SELECT ctlpr.set_offense_category('slow', '(a*)*\1b')$$, '22023', 'nor without bound')) v (t, s, d);
SELECT throws_ok($$SELECT ctlpr.set_offense_category('broken', '(')$$, '2201B', NULL, 'and it is a regular expression');
RESET ROLE;
SELECT is((SELECT p.offense_category FROM ctlpr.public_audit_log p WHERE p.seq = :request), 'car trouble', 'entries show it');
SELECT ctlpr.remove_offense_category('car trouble') \gset
SELECT is((SELECT p.offense_category FROM ctlpr.public_audit_log p WHERE p.seq = :request), 'larceny', 'and what takes their place');
SELECT is((SELECT array_agg(c.category || coalesce(c.pattern, ' none')) FROM ctlpr.offense_category c WHERE NOT c.shipped), '{"motor vehicle theft none"}'::text[], 'a dump takes along what differs');

/*
 * Cameras, rules, purges
 */
SELECT is((SELECT jsonb_agg(f ORDER BY f ->> 'id') FROM ctlpr.public_cameras_geojson g, jsonb_array_elements(g.geojson -> 'features') f WHERE f ->> 'id' LIKE 'PR-TEST-%'),
	'[{"type": "Feature", "id": "PR-TEST-CAM-1", "geometry": {"type": "Point", "coordinates": [-72.92, 41.31]},
		"properties": {"agency_id": "PR-TEST-1", "agency_name": "First", "fixed": true, "active": true, "place": "Church Street", "funding": null}},
	  {"type": "Feature", "id": "PR-TEST-CAM-3", "geometry": null,
		"properties": {"agency_id": "PR-TEST-1", "agency_name": "First", "fixed": false, "active": true, "place": "car 7", "funding": null}}]'::jsonb,
	'cameras are GeoJSON features (RFC 7946), longitude first, without those under a condition of non-disclosure: 13(e)(2)(A)');
SELECT is((SELECT count(*) || ' ' || min(g.geojson ->> 'type') FROM ctlpr.public_cameras_geojson g), '1 FeatureCollection', 'in one collection');
SELECT is((SELECT array_agg(r.topic || ': ' || r.detail ORDER BY r.detail) FROM ctlpr.public_rules r WHERE r.agency_id = 'PR-TEST-1'),
	'{"retention: First keeps its reads for 10 days only","prohibition: First rules out purpose weigh_station, for its own people and over its reads","sharing: First withholds its reads from Second for purpose stolen_vehicle"}'::text[],
	'rules show in words, also where an agency is stricter, without what it stated as its reason');
SELECT is((SELECT array_agg(r.detail) FROM ctlpr.public_rules r WHERE r.rule = 'standard'), '{"Reads are kept no longer than 21 days after capture: 21 days (504 hours) after capture"}'::text[], 'retention is in days and hours');
SELECT is((SELECT array_agg(r.rule ORDER BY r.rule) FROM ctlpr.public_rules r WHERE r.topic = 'prohibition' AND r.agency_id IS NULL), (SELECT array_agg(p.purpose ORDER BY p.purpose) FROM ctlpr.statute_purpose p WHERE p.statute = 'us-ct-2026' AND NOT p.permitted), 'each prohibition of the statute is there');
INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, rows_deleted, owners, started_at, progress_at, finished_at, certificate_seq) VALUES
	(0, 'public.pr_test_reads', 'public.pr_test_reads', now(), now(), 7, '{"PR-TEST-1": 5, "PR-TEST-2": 2}', now() - interval '3 days', now() - interval '3 days', now() - interval '3 days', 1),
	(0, 'public.pr_test_reads', 'public.pr_test_reads', now(), now(), 9, '{"PR-TEST-1": 9}', now() - interval '3 days', now() - interval '3 days', NULL, NULL),
	(0, 'public.pr_test_reads', 'public.pr_test_reads', now(), now(), 11, '{"PR-TEST-1": 11}', now() - interval '3 days', now() - interval '3 days', now() - interval '3 days', NULL),
	(0, 'public.pr_test_reads', 'public.pr_test_reads', now(), now(), 13, '{"PR-TEST-1": 13}', now(), now(), now(), 1);
SELECT is((SELECT array_agg(format('%s %s %s %s', p.agency_id, p.runs, p.rows_deleted, p.finished_on = ((now() - interval '3 days') AT TIME ZONE 'America/New_York')::date) ORDER BY p.agency_id) FROM ctlpr.public_purges p WHERE p.agency_id LIKE 'PR-TEST-%'),
	'{"PR-TEST-1 1 5 t","PR-TEST-2 1 2 t"}'::text[], 'of purges those that are certified show, by days that are over');
DELETE FROM ctlpr.purge_run WHERE round = 0 AND relation_name = 'public.pr_test_reads';

-- Bad input
SELECT is((SELECT count(*) FROM ctlpr.public_usage WHERE agency_id = 'no such agency') + (SELECT count(*) FROM ctlpr.public_audit_log WHERE agency_id = 'no such agency')
	+ (SELECT count(*) FROM ctlpr.public_purges WHERE agency_id = 'no such agency') + (SELECT count(*) FROM ctlpr.public_cameras WHERE agency_id = 'no such agency'), 0::bigint, 'an unknown agency has an empty record');
BEGIN;
DELETE FROM ctlpr.statute_adoption;
SET LOCAL ROLE pr_test_web;
SELECT pg_temp.try('SELECT count(*) FROM pg_temp.shown()') AS without_statute \gset
SELECT count(*) AS rules_of_none FROM ctlpr.public_rules WHERE agency_id IS NULL \gset
ROLLBACK;
SELECT is(:'without_statute'::text, '00000', 'without a statute the views can be read');
SELECT is(:rules_of_none, 0, 'and have no rules of it');

SELECT * FROM finish();

SELECT FROM ctlpr.release('public.pr_test_reads', 'end of the test');
DROP TABLE public.pr_test_reads;
DELETE FROM ctlpr.offense_category WHERE NOT shipped;
DELETE FROM ctlpr.standing_request WHERE role_name LIKE 'pr\_test\_%';
DELETE FROM ctlpr.sharing_limit WHERE limit_id IN (:limit_id, :forbidden_id);
DELETE FROM ctlpr.agency_option WHERE agency_id LIKE 'PR-TEST-%';
DELETE FROM ctlpr.camera WHERE camera_id LIKE 'PR-TEST-%';
DELETE FROM ctlpr.role_binding WHERE role_name LIKE 'pr\_test\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'PR-TEST-%';
DELETE FROM ctlpr.statute_adoption;
DROP OWNED BY pr_test_web, pr_test_officer, pr_test_records;
DROP ROLE pr_test_web, pr_test_officer, pr_test_records;
