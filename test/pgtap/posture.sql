-- 13(g)(5), 14(a)(6): whatever weakens the guarantees is in the view posture while it is there, with the statement that puts it right, for administrators and auditors only.
\set ON_ERROR_STOP 1
\set QUIET 1
SET client_min_messages = warning;

-- what an earlier run may have left behind
DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'posture\_%';
DELETE FROM ctlpr.role_binding WHERE role_name LIKE 'posture\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'PO-%';
DROP ROLE IF EXISTS posture_auditor, posture_elsewhere, posture_unbound, posture_patrol;

-- Bindings are known to every session once they are committed.
CREATE ROLE posture_auditor IN ROLE ctlpr_auditor;
CREATE ROLE posture_elsewhere IN ROLE ctlpr_auditor;
CREATE ROLE posture_unbound IN ROLE ctlpr_auditor;
CREATE ROLE posture_patrol;
DO $$
BEGIN
	PERFORM ctlpr.register_agency('PO-CITY', 'City', 'police', 'CT');
	PERFORM ctlpr.register_agency('PO-TOWN', 'Town', 'police', 'CT');
	PERFORM ctlpr.bind_auditor('posture_auditor');
	PERFORM ctlpr.bind_auditor('posture_elsewhere', 'PO-TOWN');
	PERFORM ctlpr.bind_role('posture_patrol', 'PO-CITY');
END
$$;

SELECT plan(138);

-- A setting of the whole server comes and goes; a reload reaches a session between two of its statements.
SELECT is((SELECT severity FROM ctlpr.posture WHERE item = 'setting fsync'), 'violation', 'without fsync no record is durable');
ALTER SYSTEM SET fsync = on;
SELECT FROM pg_reload_conf();
SELECT FROM pg_sleep(1);
SELECT FROM pg_sleep(0.1);
SELECT is((SELECT severity FROM ctlpr.posture WHERE item = 'setting fsync'), NULL, '... with it the row is gone');
ALTER SYSTEM RESET fsync;
SELECT FROM pg_reload_conf();
SELECT FROM pg_sleep(1);
SELECT FROM pg_sleep(0.1);
SELECT is((SELECT severity FROM ctlpr.posture WHERE item = 'setting fsync'), 'violation', '... and back again');

BEGIN;
SET LOCAL client_min_messages = error;
CREATE SCHEMA posture;
GRANT USAGE ON SCHEMA posture TO PUBLIC;
CREATE ROLE posture_stranger;
CREATE ROLE posture_admin IN ROLE ctlpr_admin;
CREATE ROLE posture_owner;

-- Everything is looked at as an auditor without other rights.
CREATE FUNCTION posture.seen(reader name DEFAULT 'posture_auditor') RETURNS TABLE (severity text, item text, detail text, remedy text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', reader, true);
	RETURN QUERY SELECT p.severity, p.item, p.detail, p.remedy FROM ctlpr.posture p;
	PERFORM set_config('role', 'none', true);
END
$$;

-- The row is absent, is there once the condition is made, with its severity and remedy, and goes when the remedy is run (or undo, where that is no statement).
CREATE FUNCTION posture.appears(make text, item text, severity text, detail_pattern text, remedy_pattern text, undo text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	shown  record;
	rows   bigint;
	left_over bigint;
BEGIN
	SELECT count(*) INTO before FROM posture.seen() s WHERE s.item = appears.item AND s.severity = appears.severity AND s.detail ~ detail_pattern;
	EXECUTE make;
	SELECT count(*), min(s.severity) AS severity, min(s.remedy) AS remedy, min(s.detail) AS detail INTO shown FROM posture.seen() s WHERE s.item = appears.item AND s.detail ~ detail_pattern;
	IF shown.count = 1 THEN
		EXECUTE coalesce(undo, shown.remedy);
	END IF;
	SELECT count(*) INTO left_over FROM posture.seen() s WHERE s.item = appears.item AND s.severity = appears.severity AND s.detail ~ detail_pattern;
	RETURN ok(before = 0 AND shown.count = 1 AND shown.severity = appears.severity AND shown.remedy ~ remedy_pattern AND left_over = 0, left(make, 100))
		|| CASE WHEN before = 0 AND shown.count = 1 AND shown.severity = appears.severity AND shown.remedy ~ remedy_pattern AND left_over = 0 THEN ''
				ELSE E'\n' || diag(format('before %s, then %s (%s: %s; remedy: %s), after the remedy %s', before, shown.count, shown.severity, shown.detail, shown.remedy, left_over)) END;
END
$$;

-- Who sees it
SELECT throws_ok($$SELECT * FROM posture.seen('posture_stranger')$$, '42501', NULL, 'a stranger is refused');
SELECT throws_ok($$SELECT * FROM posture.seen('posture_patrol')$$, '42501', NULL, 'so is an agency''s role');
SELECT is((SELECT count(*) FROM posture.seen('posture_unbound')), 0::bigint, 'an auditor who is bound to nobody sees nothing');
SELECT cmp_ok((SELECT count(*) FROM posture.seen('posture_auditor')), '>', 3::bigint, 'an auditor sees it');
SELECT results_eq($$SELECT * FROM posture.seen('posture_admin')$$, $$SELECT * FROM posture.seen('posture_auditor')$$, 'an administrator sees the same');
SELECT results_eq($$SELECT * FROM posture.seen('posture_elsewhere')$$, $$SELECT * FROM posture.seen('posture_auditor')$$, 'and an agency''s auditor, as long as no relation is concerned');
SELECT is_empty($$SELECT p.oid::regprocedure, r FROM pg_proc p, unnest('{posture_stranger,posture_auditor,posture_admin}'::name[]) r
	WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.proname IN ('posture_settings', 'posture_roles', 'posture_code', 'posture_replication', 'posture_relations', 'group_edges') AND has_function_privilege(r, p.oid, 'EXECUTE')$$,
	'what works behind the view is granted to nobody');
SELECT is_empty($$SELECT 1 FROM unnest('{posture_stranger,posture_patrol,ctlpr_public,ctlpr_registrar}'::name[]) r WHERE has_table_privilege(r, 'ctlpr.posture', 'SELECT') OR has_function_privilege(r, 'ctlpr.current_posture()', 'EXECUTE')$$, 'the view is granted to auditors and administrators');
SELECT is((SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'ctlpr.posture'::regclass AND a.attnum > 0),
	'severity text, item text, detail text, remedy text', 'shape of posture');
SELECT is_empty($$SELECT * FROM posture.seen() s WHERE num_nulls(s.severity, s.item, s.detail, s.remedy) > 0 OR s.severity NOT IN ('info', 'warning', 'violation') OR '' IN (s.item, s.detail, s.remedy)$$, 'every row is whole');

-- Settings
SELECT posture.appears(format('SET LOCAL %s = %L', v.name, v.value), 'setting ' || v.name, v.severity, format('^%s is .* in this session: ', v.name), format('^RESET %s;$', v.name))
FROM (VALUES
	('ctlpr.audit_durability', 'async', 'warning'), ('ctlpr.restore', 'on', 'violation'), ('ctlpr.bulk_row_limit', '0', 'warning'), ('ctlpr.bulk_row_limit', '20000', 'info'),
	('ctlpr.pending_limit', '2d', 'info'), ('ctlpr.clock_skew', '10min', 'warning'), ('ctlpr.observe_limit', '60d', 'warning'), ('ctlpr.request_timeout', '2h', 'warning'), ('ctlpr.public_delay', '0', 'warning'),
	('synchronous_commit', 'off', 'warning'), ('zero_damaged_pages', 'on', 'warning'), ('ignore_checksum_failure', 'on', 'warning'), ('allow_system_table_mods', 'on', 'warning'),
	('session_replication_role', 'replica', 'warning'), ('row_security', 'off', 'info'), ('lo_compat_privileges', 'on', 'warning'),
	('log_statement', 'all', 'warning'), ('log_min_duration_statement', '0', 'warning'), ('log_min_duration_sample', '100', 'warning'), ('log_transaction_sample_rate', '0.1', 'warning'),
	('log_parameter_max_length_on_error', '-1', 'warning')
) AS v (name, value, severity);
SELECT is_empty($$SELECT r.name FROM ctlpr.posture_rules() r WHERE r.name ~ '^ctlpr\.' AND NOT EXISTS (SELECT FROM pg_settings s WHERE s.name = r.name)$$, 'every setting of ctlpr that is looked at exists');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'setting log_min_error_statement'), 'warning', 'statements that fail are in the server log by default');
SET LOCAL log_min_error_statement = panic;
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'setting log_min_error_statement'), 'warning', '... and a SET of the reader''s own does not hide that');
SELECT is((SELECT remedy FROM posture.seen() WHERE item = 'setting log_min_error_statement'), 'ALTER SYSTEM SET log_min_error_statement = ''panic''; SELECT pg_reload_conf();', '... the remedy is for the whole server');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'setting track_activities'), 'info', 'texts of statements are in pg_stat_activity');
LOAD 'auto_explain';
SELECT posture.appears('SET LOCAL auto_explain.log_min_duration = 0', 'setting auto_explain.log_min_duration', 'warning', '', '^RESET auto_explain.log_min_duration;$');

-- Settings of roles and databases
SELECT posture.appears('ALTER ROLE posture_patrol SET log_min_duration_statement = 0', 'role setting log_min_duration_statement', 'warning', 'is 0 for role posture_patrol: ', '^ALTER ROLE posture_patrol RESET ');
SELECT posture.appears(format('ALTER ROLE posture_patrol IN DATABASE %I SET zero_damaged_pages = ''true''', current_database()), 'role setting zero_damaged_pages', 'warning', 'for role posture_patrol in database', '^ALTER ROLE posture_patrol IN DATABASE \S+ RESET ');
SELECT posture.appears(format('ALTER DATABASE %I SET ctlpr.audit_durability = async', current_database()), 'role setting ctlpr.audit_durability', 'warning', 'is async for database', '^ALTER DATABASE \S+ RESET ');
SELECT posture.appears('ALTER ROLE ALL SET ctlpr.bulk_row_limit = 0', 'role setting ctlpr.bulk_row_limit', 'warning', 'is 0 for ', '^ALTER ROLE ALL RESET ');
SELECT posture.appears('ALTER ROLE posture_patrol SET ctlpr.request_timeout = ''1h''', 'role setting ctlpr.request_timeout', 'warning', 'is 1h for role posture_patrol', 'RESET');
SELECT posture.appears('ALTER ROLE posture_patrol SET session_preload_libraries = ''auto_explain''', 'role setting session_preload_libraries', 'info', 'posture_patrol', 'RESET');
-- here, because in this session they would fill the log
SELECT posture.appears(format('ALTER ROLE posture_patrol SET %I = yes', name), 'role setting ' || name, 'warning', 'is yes for role posture_patrol', 'RESET')
FROM unnest('{debug_print_parse,debug_print_rewritten,debug_print_plan}'::text[]) name;
ALTER ROLE posture_patrol SET ctlpr.request_timeout = '600s';
ALTER ROLE posture_patrol SET synchronous_commit = local;
ALTER ROLE posture_patrol SET log_statement = none;
SELECT is_empty($$SELECT * FROM posture.seen() WHERE item ~ '^role setting'$$, 'what a role has that is no weaker is no matter');
SELECT is(ctlpr.setting_number('1h', 's'), 3600::numeric, 'an hour in seconds');
SELECT is(ctlpr.setting_number('90s', 'min'), 1.5, 'seconds in minutes');
SELECT is(ctlpr.setting_number('soon', 's'), NULL, 'what is no number is none');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'authentication by trust'), 'warning', 'trust on this machine only');

-- Roles
SELECT posture.appears('CREATE ROLE posture_root SUPERUSER', 'superusers', 'warning', 'posture_root', 'ALTER ROLE posture_root NOSUPERUSER;');
SELECT posture.appears('ALTER ROLE posture_stranger BYPASSRLS', 'roles with BYPASSRLS', 'warning', 'posture_stranger', 'ALTER ROLE posture_stranger NOBYPASSRLS;');
SELECT posture.appears('ALTER ROLE posture_stranger REPLICATION', 'roles with REPLICATION', 'warning', 'posture_stranger', 'ALTER ROLE posture_stranger NOREPLICATION;');
SELECT posture.appears('ALTER ROLE posture_stranger CREATEROLE', 'roles with CREATEROLE', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'warning' ELSE 'info' END, 'posture_stranger', 'ALTER ROLE posture_stranger NOCREATEROLE;');
SELECT posture.appears(format('GRANT %I TO posture_stranger', g), 'members of ' || g, 'warning', 'posture_stranger', format('REVOKE %s FROM posture_stranger;', g))
FROM unnest('{pg_read_all_data,pg_write_all_data,pg_read_server_files,pg_write_server_files,pg_execute_server_program,pg_read_all_stats}'::text[]) g;
SELECT posture.appears('GRANT pg_monitor TO posture_stranger', 'members of pg_read_all_stats', 'warning', 'posture_stranger', 'REVOKE pg_monitor FROM posture_stranger;');
CREATE ROLE posture_group IN ROLE pg_read_all_data;
GRANT posture_group TO posture_stranger;
SELECT is((SELECT detail ~ 'posture_group, posture_stranger may read' AND remedy = 'REVOKE pg_read_all_data FROM posture_group;' FROM posture.seen() WHERE item = 'members of pg_read_all_data'), true, 'a member by way of another role is one too');
DROP ROLE posture_group;
SELECT is_empty($$SELECT * FROM posture.seen() WHERE item ~ 'pg_signal_backend'$$, 'pg_signal_backend is harmless');
SELECT posture.appears('GRANT ctlpr_registrar TO posture_admin', 'members of both ctlpr_admin and ctlpr_registrar', 'warning', 'posture_admin', 'REVOKE ctlpr_registrar FROM posture_admin;');
SELECT posture.appears('GRANT ctlpr_admin TO posture_auditor', 'members of both ctlpr_admin and ctlpr_auditor', 'warning', 'posture_auditor', 'REVOKE ctlpr_auditor FROM posture_auditor;', 'REVOKE ctlpr_admin FROM posture_auditor');
SELECT posture.appears('GRANT ctlpr_registrar TO posture_auditor', 'members of both ctlpr_registrar and ctlpr_auditor', 'warning', 'posture_auditor', 'REVOKE ctlpr_auditor FROM posture_auditor;', 'REVOKE ctlpr_registrar FROM posture_auditor');
SELECT posture.appears('ALTER ROLE posture_patrol BYPASSRLS', 'agency roles with too much', 'warning', 'posture_patrol \(BYPASSRLS\)', 'unbind_role', 'ALTER ROLE posture_patrol NOBYPASSRLS');
SELECT posture.appears('GRANT ctlpr_admin TO posture_patrol', 'agency roles with too much', 'warning', 'posture_patrol \(ctlpr_admin\)', 'unbind_role', 'REVOKE ctlpr_admin FROM posture_patrol');
INSERT INTO ctlpr.standing_request (request_seq, role, role_name, agency_id, purpose, reason, approved_by, valid_until) VALUES (-1, 'posture_patrol', 'posture_patrol', 'PO-CITY', 'backup', 'nightly', 'Chief', now() + interval '1 day');
ALTER ROLE posture_patrol BYPASSRLS;
SELECT results_eq($$SELECT item, severity FROM posture.seen() WHERE detail ~ 'posture_patrol'$$, $$VALUES ('roles with BYPASSRLS', 'info')$$, 'a backup role under a standing request is only named');
UPDATE ctlpr.standing_request SET valid_until = now() WHERE request_seq = -1;
SELECT results_eq($$SELECT item, severity FROM posture.seen() WHERE detail ~ 'posture_patrol'$$, $$VALUES ('agency roles with too much', 'warning'), ('roles with BYPASSRLS', 'warning')$$, '... until that lapses');
ALTER ROLE posture_patrol NOBYPASSRLS;
SELECT is_empty($$SELECT * FROM posture.seen('posture_admin') WHERE item = 'no auditor'$$, 'somebody audits');
REVOKE ctlpr_auditor FROM posture_auditor, posture_elsewhere;
SELECT is((SELECT severity FROM posture.seen('posture_admin') WHERE item = 'no auditor'), 'warning', 'nobody does, although roles are bound');
GRANT ctlpr_auditor TO posture_auditor, posture_elsewhere;

SELECT is_empty($$SELECT * FROM posture.seen() WHERE item = 'grants in schema ctlpr'$$, 'nothing is granted but what the extension grants');
SELECT posture.appears('GRANT SELECT, UPDATE ON ctlpr.audit_entry TO posture_stranger', 'grants in schema ctlpr', 'warning', 'SELECT, UPDATE on ctlpr\.audit_entry to posture_stranger$', 'REVOKE SELECT, UPDATE ON ctlpr\.audit_entry FROM posture_stranger;');
SELECT posture.appears('GRANT EXECUTE ON FUNCTION ctlpr.record_event TO PUBLIC', 'grants in schema ctlpr', 'warning', 'EXECUTE on FUNCTION ctlpr\.record_event\(.*\) to PUBLIC$', 'FROM PUBLIC;');
SELECT posture.appears('GRANT ctlpr_auditor TO posture_stranger; GRANT SELECT ON ctlpr.agency TO posture_stranger', 'grants in schema ctlpr', 'warning', 'SELECT on ctlpr\.agency to posture_stranger$', 'REVOKE');
SELECT posture.appears('ALTER TABLE ctlpr.suspension DISABLE TRIGGER rules_changed', 'triggers of ctlpr', 'violation', 'rules_changed on ctlpr\.suspension', 'ENABLE ALWAYS TRIGGER rules_changed;');
SELECT posture.appears('ALTER TABLE ctlpr.statute_purpose ENABLE TRIGGER statute_changed', 'triggers of ctlpr', 'violation', 'statute_changed on ctlpr\.statute_purpose', 'ENABLE ALWAYS TRIGGER');
SELECT posture.appears('CREATE TRIGGER copying AFTER INSERT ON ctlpr.hold FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'triggers of ctlpr', 'violation', 'trigger copying on ctlpr\.hold is none', 'DROP TRIGGER copying ON ctlpr\.hold;');

-- Extensions, languages, functions
SELECT posture.appears(format('CREATE EXTENSION %I SCHEMA posture', v.name), 'extension ' || v.name, v.severity, v.detail, format('^DROP EXTENSION %s;$', v.name))
FROM (VALUES ('pageinspect', 'warning', 'raw pages'), ('pg_surgery', 'warning', 'superusers: nobody$'), ('pg_walinspect', 'warning', 'superusers: pg_read_server_files$'), ('dblink', 'warning', 'superusers: PUBLIC$'),
	('file_fdw', 'warning', 'superusers: '), ('postgres_fdw', 'info', 'superusers: '), ('lo', 'info', 'large objects'), ('amcheck', 'info', 'superusers: nobody$')) AS v (name, severity, detail);
CREATE EXTENSION pg_surgery SCHEMA posture;
GRANT EXECUTE ON FUNCTION posture.heap_force_kill(regclass, tid[]) TO posture_stranger;
SELECT is((SELECT detail ~ 'superusers: posture_stranger$' FROM posture.seen() WHERE item = 'extension pg_surgery'), true, 'who may use an extension is named');
SELECT is((SELECT detail ~ '\mdblink\M' AND detail !~ 'pg_surgery' FROM posture.seen() WHERE item = 'extensions available'), true, 'extensions that are there to be installed are named, those that are installed are not');
SELECT posture.appears('CREATE LANGUAGE posture_shell HANDLER plpgsql_call_handler', 'language posture_shell', 'warning', 'there are 0, .*superusers: nobody$', '^DROP LANGUAGE posture_shell;$');
CREATE LANGUAGE posture_shell HANDLER plpgsql_call_handler;
CREATE FUNCTION posture.shell() RETURNS int LANGUAGE posture_shell AS 'BEGIN RETURN 1; END';
SELECT is((SELECT detail ~ 'there are 1, .*superusers: PUBLIC$' FROM posture.seen() WHERE item = 'language posture_shell'), true, 'functions in an untrusted language, and who may call them');
REVOKE EXECUTE ON FUNCTION posture.shell() FROM PUBLIC;
SELECT is((SELECT detail ~ 'there are 1, .*superusers: nobody$' FROM posture.seen() WHERE item = 'language posture_shell'), true, '... nobody any more');
SELECT posture.appears('CREATE FUNCTION posture.pid() RETURNS int LANGUAGE internal AS ''pg_backend_pid''', 'C functions of no extension', 'warning', 'posture\.pid\(\)', 'DROP ROUTINE posture.pid\(\);');
SELECT posture.appears(format('GRANT EXECUTE ON FUNCTION %s TO posture_stranger', f), 'function ' || split_part(f, '(', 1), 'warning', 'granted to posture_stranger: it', format('REVOKE EXECUTE ON FUNCTION pg_catalog\.%s\(.*\) FROM posture_stranger;', split_part(f, '(', 1)))
FROM unnest('{"pg_read_file(text)","pg_read_binary_file(text)","pg_ls_dir(text)","pg_stat_file(text)","lo_import(text)","lo_export(oid,text)"}'::text[]) f;
SELECT posture.appears('REVOKE EXECUTE ON FUNCTION pg_logical_slot_get_changes FROM PUBLIC; GRANT EXECUTE ON FUNCTION pg_logical_slot_get_changes TO posture_stranger', 'function pg_logical_slot_get_changes', 'warning', 'posture_stranger', 'FROM posture_stranger;');

-- Foreign servers; what they connect with is not shown
CREATE EXTENSION postgres_fdw SCHEMA posture;
CREATE SERVER posture_there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'there.example', port '5432');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'foreign server' AND detail ~ 'posture_there'), 'info', 'a server elsewhere');
SELECT posture.appears(format('CREATE SERVER posture_here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L); CREATE USER MAPPING FOR posture_stranger SERVER posture_here OPTIONS (user ''postgres'', password ''open sesame'')', h, current_setting('port')),
	'foreign server', 'warning', 'posture_here leads back to this server, of postgres_fdw; mapped: posture_stranger as postgres', '^DROP SERVER posture_here CASCADE;$')
FROM unnest('{localhost,127.0.0.1,::1,/tmp}'::text[]) h;
CREATE SERVER posture_here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (port '1');
CREATE USER MAPPING FOR posture_stranger SERVER posture_here OPTIONS (user 'postgres', password 'open sesame');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'foreign server' AND detail ~ 'posture_here'), 'info', 'another port is another server');

-- Large objects
SELECT posture.appears('SELECT lo_create(4711)', 'large objects', 'warning', '^1 large objects', 'lo_unlink', 'SELECT lo_unlink(4711)');

-- Versions
SELECT is((SELECT string_agg(cve, ' ') FROM ctlpr.missing_fixes(150018)), 'CVE-2026-14666 CVE-2026-16239', '15.18 lacks what 15.19 fixed');
SELECT is((SELECT string_agg(cve, ' ') FROM ctlpr.missing_fixes(170005) WHERE fixed_in = '17.6'), 'CVE-2025-8713', '17.5 shows statistics of hidden rows');
SELECT is((SELECT count(*) FROM ctlpr.missing_fixes(150000)), 14::bigint, '15.0 lacks all of them');
SELECT is_empty($$SELECT * FROM ctlpr.missing_fixes(150019) UNION ALL SELECT * FROM ctlpr.missing_fixes(160015) UNION ALL SELECT * FROM ctlpr.missing_fixes(170011) UNION ALL SELECT * FROM ctlpr.missing_fixes(180006)$$, 'the first minor releases without a known gap');
SELECT is_empty($$SELECT * FROM ctlpr.missing_fixes(180000) WHERE cve < 'CVE-2026'$$, 'what was fixed before a major version was released is not missing there');
SELECT results_eq($$SELECT detail FROM posture.seen() WHERE item = 'server version' AND detail !~ 'still the old one' ORDER BY 1$$, $$SELECT format('%s, fixed in %s: %s', cve, fixed_in, weakness) FROM ctlpr.missing_fixes(current_setting('server_version_num')::int) ORDER BY 1$$, 'a row for each fix that this server lacks');

-- Governed relations.  What would be refused later stands before they are governed.
CREATE TABLE posture.reads (plate text NOT NULL, captured_at timestamptz NOT NULL, agency text NOT NULL) PARTITION BY RANGE (captured_at);
CREATE TABLE posture.reads_now PARTITION OF posture.reads DEFAULT;
CREATE TABLE posture.town (plate text NOT NULL, captured_at timestamptz NOT NULL);
INSERT INTO posture.reads VALUES ('PSTR77', now() - interval '1 hour', 'PO-CITY');
ALTER TABLE posture.reads OWNER TO posture_owner;
ALTER TABLE posture.reads_now OWNER TO posture_owner;
CREATE VIEW posture.all_reads AS SELECT plate FROM posture.reads;
CREATE VIEW posture.own_reads WITH (security_invoker) AS SELECT plate FROM posture.reads;
CREATE MATERIALIZED VIEW posture.copied AS SELECT plate FROM posture.reads WITH NO DATA;
CREATE FUNCTION posture.lend() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM posture.reads';
CREATE TABLE posture.elsewhere (license_plate text);
CREATE PUBLICATION posture_other FOR TABLE posture.elsewhere;
CREATE SUBSCRIPTION posture_in CONNECTION 'host=there.example password=sesame' PUBLICATION p WITH (connect = false, slot_name = NONE);
SELECT is((SELECT count(*) FROM posture.seen() WHERE item IN ('publication', 'view', 'observe mode', 'purging not started', 'other table with plates', 'row security missing', 'unbound role')), 0::bigint, 'as long as nothing is governed nothing of it matters');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'subscription'), 'info', 'a subscription of ungoverned tables');
DO $$
BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.govern('posture.reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency');
	-- a publication of a governed table needs leave, or an emergency
	PERFORM ctlpr.break_glass('test');
	CREATE PUBLICATION posture_one FOR TABLE posture.reads;
	CREATE PUBLICATION posture_schema FOR TABLES IN SCHEMA posture;
	CREATE PUBLICATION posture_all FOR ALL TABLES;
	PERFORM ctlpr.end_request();
END
$$;
SELECT is((SELECT array_agg(substring(detail FROM 'publication (\w+)') ORDER BY detail) FROM posture.seen() WHERE item = 'publication' AND severity = 'violation' AND detail ~ ' every change of (all tables, governed ones included|posture\.reads)\M'), '{posture_all,posture_one,posture_schema}', 'each publication that has a governed relation');
DO $$
DECLARE
	cure text;
BEGIN
	FOR cure IN SELECT remedy FROM posture.seen() WHERE item = 'publication' LOOP
		EXECUTE cure;
	END LOOP;
END
$$;
SELECT is_empty($$SELECT * FROM posture.seen() WHERE item = 'publication'$$, '... and their remedies');
SELECT posture.appears('INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, ''posture.reads''::regclass, ''r'' FROM pg_subscription', 'subscription', 'violation', 'posture_in, owned by \w+, writes into posture\.reads', 'DROP SUBSCRIPTION posture_in;');
SELECT is((SELECT severity FROM posture.seen() WHERE item = 'purging not started' AND detail ~ 'posture\.reads'), 'warning', 'deletion waits for an approval');
DO $$ BEGIN PERFORM ctlpr.start_purge('posture.reads', approved_by => 'Chief'); END $$;
SELECT is_empty($$SELECT * FROM posture.seen() WHERE item = 'purging not started'$$, '... which was given');

SELECT posture.appears('UPDATE pg_class SET relforcerowsecurity = false WHERE oid = ''posture.reads_now''::regclass', 'row security missing', 'violation', 'on posture\.reads_now$', 'apply_guard\(''posture.reads''\)');
SELECT posture.appears('UPDATE pg_class SET relrowsecurity = false WHERE oid = ''posture.reads''::regclass', 'row security missing', 'violation', 'on posture\.reads$', 'apply_guard');
SELECT posture.appears('UPDATE pg_policy SET polpermissive = true WHERE polrelid = ''posture.reads_now''::regclass', 'row security missing', 'violation', 'on posture\.reads_now$', 'apply_guard');

SELECT is((SELECT array_agg(item || ' ' || severity ORDER BY item) FROM posture.seen() WHERE detail ~ 'posture\.(all_reads|own_reads|copied|lend)' AND item <> 'other table with plates'), '{"definer function warning","materialized view warning","view warning"}', 'views and functions that lend their owner''s rights');
SELECT is((SELECT severity || ': ' || remedy FROM posture.seen() WHERE item = 'other table with plates' AND detail ~ 'posture\.elsewhere'), 'info: SELECT * FROM ctlpr.preflight(''posture.elsewhere'');', 'another table with plates');
SELECT posture.appears('GRANT SELECT ON posture.reads TO posture_stranger', 'unbound role', 'warning', 'posture_stranger', 'REVOKE', 'REVOKE SELECT ON posture.reads FROM posture_stranger');
SELECT posture.appears('ALTER ROLE posture_owner LOGIN', 'owners that can log in', 'warning', 'posture_owner', 'NOLOGIN', 'ALTER ROLE posture_owner NOLOGIN');

-- Observed, and one agency's own
DO $$ BEGIN PERFORM ctlpr.govern('posture.town', captured_at => 'captured_at', plate => 'plate', owner_agency => 'PO-CITY', mode => 'observe'); END $$;
SELECT is((SELECT severity || ' ' || remedy FROM posture.seen() WHERE item = 'observe mode'), $$violation SELECT ctlpr.govern('posture.town', captured_at => 'captured_at', plate => 'plate', owner_agency => 'PO-CITY', mode => 'enforce');$$, 'a relation that is only observed');
CREATE TABLE posture.village (plate text NOT NULL, captured_at timestamptz NOT NULL, police text NOT NULL, camera text, image text);
SELECT posture.appears($$SELECT ctlpr.govern('posture.village', captured_at => 'captured_at', plate => 'plate', agency => 'police', camera => 'camera', image => 'image', retention => 'motor_vehicle_tax', mode => 'observe')$$,
	'observe mode', 'violation', '^posture\.village is in observe mode until ', 'retention => ''motor_vehicle_tax''');
SELECT is_empty($$SELECT * FROM posture.seen('posture_elsewhere') WHERE detail ~ 'posture\.town'$$, 'another agency''s auditor does not see that agency''s relation');
SELECT is((SELECT count(*) FROM posture.seen('posture_admin') WHERE item = 'observe mode'), 1::bigint, 'an administrator does');

-- A trigger that an administrator allowed by name is none that came later
CREATE TABLE posture.hamlet (plate text NOT NULL, captured_at timestamptz NOT NULL);
CREATE FUNCTION posture.count_reads() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER counting AFTER INSERT ON posture.hamlet FOR EACH STATEMENT EXECUTE FUNCTION posture.count_reads();
DO $$ BEGIN PERFORM ctlpr.govern('posture.hamlet', captured_at => 'captured_at', plate => 'plate', owner_agency => 'PO-CITY', allow_triggers => '{counting}'); END $$;
SELECT is_empty($$SELECT * FROM posture.seen() WHERE item = 'trigger'$$, 'a trigger that was allowed is no weakness');
UPDATE ctlpr.governed_relation SET allow_triggers = '{count}' WHERE relation = 'posture.hamlet'::regclass;
SELECT is((SELECT severity || ' ' || detail FROM posture.seen() WHERE item = 'trigger'), 'warning posture.hamlet: trigger "counting" on posture.hamlet sees every read that is written', 'one that was not is');

-- Nothing that is nobody's to read
SELECT is_empty($$SELECT * FROM posture.seen() s WHERE s::text ~ 'PSTR77|sesame'$$, 'no plate and no password is in it');

SELECT * FROM finish();
ROLLBACK;

DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'posture\_%';
DELETE FROM ctlpr.role_binding WHERE role_name LIKE 'posture\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'PO-%';
DROP ROLE posture_auditor, posture_elsewhere, posture_unbound, posture_patrol;
