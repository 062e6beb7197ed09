-- The auditor's views tell what the log holds, to auditors only: 14(a)(6), 15(a)(1)(B), (C), (E) and 13(b)(2)
--
-- Entries are durable whatever becomes of this test's transactions, so it looks at its own only, and everything that it
-- looks for is named av_test or AV-TEST-something.
\set ON_ERROR_STOP 1
\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;

-- what an earlier run may have left behind
DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'av\_test\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'AV-TEST-%';
DROP ROLE IF EXISTS av_test_all, av_test_one, av_test_unbound, av_test_admin, av_test_nobody;

CREATE ROLE av_test_all;
CREATE ROLE av_test_one;
CREATE ROLE av_test_unbound;
CREATE ROLE av_test_admin;
CREATE ROLE av_test_nobody;
GRANT ctlpr_auditor TO av_test_all, av_test_one, av_test_unbound;
GRANT ctlpr_admin TO av_test_admin;
DO $$
BEGIN
	PERFORM ctlpr.register_agency(agency_id => 'AV-TEST-1', name => 'First', kind => 'police', state => 'CT');
	PERFORM ctlpr.register_agency(agency_id => 'AV-TEST-2', name => 'Second', kind => 'police', state => 'CT');
	PERFORM ctlpr.bind_auditor(role => 'av_test_all');
	PERFORM ctlpr.bind_auditor(role => 'av_test_one', agency_id => 'AV-TEST-1');
END
$$;

-- the outcome follows the end of the transaction, so wait for it; each statement of a volatile function sees what is there by then
CREATE FUNCTION pg_temp.await_outcome(entry bigint) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	found_outcome text;
BEGIN
	FOR i IN 1 .. 100 LOOP
		SELECT l.outcome INTO found_outcome FROM ctlpr.audit_log l WHERE l.seq = entry;
		EXIT WHEN found_outcome IN ('ok', 'error');
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN found_outcome;
END
$$;
CREATE FUNCTION pg_temp.shape(rel regclass, columns int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
	FROM pg_attribute a
	WHERE a.attrelid = rel AND a.attnum BETWEEN 1 AND columns AND NOT a.attisdropped
$$;

SELECT plan(76);

-- shapes: names, order and types that others build on
SELECT has_view('ctlpr', v, format('there is a view %s', v))
FROM unnest('{audit_log,refusals,disclosures,purges,retention_status,purge_status,findings}'::name[]) v;

\set log_shape 'seq bigint, request_seq bigint, at timestamp with time zone, session_role name, role name, agency_id text, agency_kind text, agency_state text, on_behalf_of text, officer text, purpose text, offense text, case_number text, reason text, basis text, declaration_id bigint, authorization_id bigint, relation regclass, action text, search_kind text, plates text[], statement text, allowed boolean, enforced boolean, sqlstate text, clause text, outcome text, rows_returned bigint, rows_touched bigint, oldest_age_days integer, client_addr inet, application_name text, terminal text, backend_pid integer, statute text'
SELECT is(pg_temp.shape('ctlpr.audit_log', 35), :'log_shape', 'shape of audit_log');
SELECT is(pg_temp.shape('ctlpr.refusals', 35), :'log_shape', 'shape of refusals');
SELECT is(pg_temp.shape('ctlpr.disclosures', 37), :'log_shape' || ', owner_agency_id text, owner_rows bigint', 'shape of disclosures');
SELECT is(pg_temp.shape('ctlpr.purges', 9),
	'seq bigint, relation regclass, limit_at timestamp with time zone, rows_deleted bigint, partitions_dropped integer, oldest_read_on date, newest_read_on date, started_at timestamp with time zone, finished_at timestamp with time zone',
	'shape of purges');
SELECT is(pg_temp.shape('ctlpr.retention_status', 7),
	'relation regclass, retention interval, limit_at timestamp with time zone, oldest_read_on date, expired_rows bigint, purge_lag interval, purging boolean',
	'shape of retention_status');
SELECT is(pg_temp.shape('ctlpr.purge_status', 11),
	'relation regclass, purging boolean, started_at timestamp with time zone, progress_at timestamp with time zone, finished_at timestamp with time zone, rows_deleted bigint, partitions_dropped integer, last_sqlstate text, running boolean, expired_rows bigint, purge_lag interval',
	'shape of purge_status');
SELECT is(pg_temp.shape('ctlpr.findings', 8),
	'finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[], remedy text',
	'shape of findings');
SELECT is(pg_get_function_result('ctlpr.purge(regclass)'::regprocedure), 'TABLE(relation regclass, rows_deleted bigint, partitions_dropped integer)',
	'shape of purge()');
SELECT is(pg_get_function_arguments('ctlpr.purge(regclass)'::regprocedure),
	'relation regclass DEFAULT NULL::regclass', 'arguments of purge()');

-- a filter that the planner may run a user's function before is none
SELECT is_empty(
	$$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind = 'v'
		AND NOT coalesce('security_barrier=true' = ANY (c.reloptions) OR 'security_barrier' = ANY (c.reloptions), false)
		AND c.relname IN ('audit_log', 'refusals', 'disclosures', 'purges', 'retention_status', 'purge_status', 'findings')$$,
	'every view is a security barrier');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.prosecdef
		AND NOT coalesce(array_to_string(p.proconfig, ' ') LIKE '%search\_path=pg\_catalog, pg\_temp%', false)$$,
	'every SECURITY DEFINER function pins its search_path');

-- comments on everything
SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
		AND obj_description(c.oid, 'pg_class') IS NULL$$,
	'every table and view has a comment');
SELECT is_empty(
	$$SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
		AND col_description(a.attrelid, a.attnum) IS NULL$$,
	'every column has a comment');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL$$,
	'every function has a comment');

-- privileges: PUBLIC and ctlpr_public read none, auditors all, administrators those of the purge
SELECT ok(NOT has_table_privilege(r, 'ctlpr.' || v, 'SELECT'), format('%s cannot read %s', r, v))
FROM unnest('{audit_log,refusals,disclosures,purges,retention_status,purge_status,findings}'::text[]) v,
	unnest('{ctlpr_public,av_test_nobody}'::name[]) r;
SELECT ok(has_table_privilege('ctlpr_auditor', 'ctlpr.' || v, 'SELECT'), format('an auditor can read %s', v))
FROM unnest('{audit_log,refusals,disclosures,purges,retention_status,purge_status,findings}'::text[]) v;
SELECT is(has_table_privilege('ctlpr_admin', 'ctlpr.' || v, 'SELECT'), v IN ('retention_status', 'purge_status'),
	format('an administrator reads %s as laid down', v))
FROM unnest('{audit_log,refusals,disclosures,purges,retention_status,purge_status,findings}'::text[]) v;
SELECT is_empty(
	$$SELECT c.oid::regclass, r FROM pg_class c, unnest('{ctlpr_auditor,ctlpr_admin,ctlpr_public,av_test_nobody}'::name[]) r
		WHERE c.oid IN ('ctlpr.audit_log'::regclass, 'ctlpr.refusals'::regclass, 'ctlpr.disclosures'::regclass, 'ctlpr.purges'::regclass,
			'ctlpr.retention_status'::regclass, 'ctlpr.purge_status'::regclass, 'ctlpr.findings'::regclass, 'ctlpr.audit_entry'::regclass)
			AND has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')$$,
	'nobody may write the log or a view of it');
SELECT ok(has_function_privilege('ctlpr_admin', 'ctlpr.purge(regclass)', 'EXECUTE'), 'an administrator may call purge()');
SELECT ok(NOT has_function_privilege(r, 'ctlpr.purge(regclass)', 'EXECUTE'), format('%s may not call purge()', r))
FROM unnest('{av_test_nobody,ctlpr_auditor}'::name[]) r;
SELECT is_empty(
	$$SELECT p.oid::regprocedure, r FROM pg_proc p, unnest('{av_test_nobody,ctlpr_auditor,ctlpr_admin}'::name[]) r
		WHERE p.oid IN ('ctlpr.purge_by_hand(regclass)'::regprocedure, 'ctlpr.purge_lag(regclass,text,date)'::regprocedure)
			AND has_function_privilege(r, p.oid, 'EXECUTE')$$,
	'what works behind the views is granted to nobody');

-- entries of this test's own: one that commits, one that rolls back, one refused, one of no agency, a certificate
SELECT ctlpr.record_event('av_test', agency_id => 'AV-TEST-1', reason => 'av_test') AS committed \gset
BEGIN;
SELECT ctlpr.record_event('av_test', agency_id => 'AV-TEST-2', reason => 'av_test') AS rolled_back \gset
SELECT is((SELECT l.outcome FROM ctlpr.audit_log l WHERE l.seq = :rolled_back), 'unknown', 'before its transaction ends, the outcome of an entry is unknown');
ROLLBACK;
SELECT ctlpr.record_event('av_test', agency_id => 'AV-TEST-1', purpose => 'immigration_enforcement', clause => '13(d)(3)', sqlstate => 'LP004') AS refused \gset
SELECT ctlpr.record_event('av_test') AS nobodys \gset
SELECT ctlpr.record_event('configuration', detail => '{"function": "av_test"}') AS configuration \gset
SELECT ctlpr.record_event('purge', relation => 'ctlpr.ingest_count', detail => '{"run_id": -1, "limit_at": "2026-10-22T00:00:00+00:00",
	"rows_deleted": 7, "partitions_dropped": 1, "owners": {"AV-TEST-1": 7}, "oldest_read_on": "2026-09-30", "newest_read_on": "2026-10-01",
	"started_at": "2026-10-22T00:00:01+00:00", "finished_at": "2026-10-22T00:00:02+00:00"}') AS certificate \gset

SELECT is(pg_temp.await_outcome(:committed), 'ok', 'what committed has the outcome ok');
SELECT is(pg_temp.await_outcome(:rolled_back), 'error', 'what rolled back is still in the log, with the outcome error');
SELECT results_eq(
	format('SELECT agency_id, action, reason, allowed, sqlstate FROM ctlpr.audit_log WHERE seq = %s', :committed),
	$$VALUES ('AV-TEST-1', 'av_test', 'av_test', true, NULL::text)$$,
	'an entry is shown as it was recorded');
SELECT results_eq(
	format('SELECT agency_id, purpose, allowed, sqlstate, clause, outcome FROM ctlpr.refusals WHERE seq = %s', :refused),
	$$VALUES ('AV-TEST-1', 'immigration_enforcement', false, 'LP004', '13(d)(3)', 'none')$$,
	'a refusal is among the refusals, and nothing came of it');
SELECT is_empty(format('SELECT FROM ctlpr.refusals WHERE seq IN (%s, %s)', :committed, :rolled_back), 'what was allowed is not among the refusals');
SELECT results_eq(
	format('SELECT seq FROM ctlpr.audit_log WHERE seq IN (%s, %s, %s)', :committed, :rolled_back, :refused),
	format('VALUES (%s::bigint), (%s), (%s)', :refused, :rolled_back, :committed),
	'the newest entry comes first');
SELECT results_eq(
	format('SELECT relation, limit_at, rows_deleted, partitions_dropped, oldest_read_on, newest_read_on, started_at, finished_at, owners FROM ctlpr.purges WHERE seq = %s', :certificate),
	$$VALUES ('ctlpr.ingest_count'::regclass, '2026-10-22 00:00:00+00'::timestamptz, 7::bigint, 1, '2026-09-30'::date, '2026-10-01'::date,
		'2026-10-22 00:00:01+00'::timestamptz, '2026-10-22 00:00:02+00'::timestamptz, '{"AV-TEST-1": 7}'::jsonb)$$,
	'a certificate is shown as it was composed');

-- findings
SELECT results_eq(
	$$SELECT severity, clause, count(*) FROM ctlpr.findings WHERE kind = 'forbidden_purpose' AND agency_id = 'AV-TEST-1' GROUP BY 1, 2$$,
	$$VALUES ('warning', '13(d)(3)', 1::bigint)$$,
	'a refused forbidden purpose is a finding of its agency');
SELECT ok((SELECT :refused = ANY (f.evidence) FROM ctlpr.findings f WHERE f.kind = 'forbidden_purpose' AND f.agency_id = 'AV-TEST-1'),
	'its evidence is the entry');
SELECT is((SELECT f.finding_id FROM ctlpr.findings f WHERE f.kind = 'forbidden_purpose' AND f.agency_id = 'AV-TEST-1'),
	ctlpr.finding_id('forbidden_purpose', 'AV-TEST-1', NULL, '13(d)(3)'), 'its number follows from what it is about');
SELECT is((SELECT count(*) FROM ctlpr.findings f WHERE f.kind = 'no_outcome' AND f.agency_id LIKE 'AV-TEST-%'), 0::bigint,
	'an entry that has its outcome is no finding');
SELECT coalesce((SELECT s.context IN ('superuser', 'user') FROM pg_settings s WHERE s.name = 'ctlpr.audit_durability'), true) AS settable \gset
\if :settable
BEGIN;
SET LOCAL ctlpr.audit_durability = async;
SELECT is((SELECT f.severity FROM ctlpr.findings f WHERE f.kind = 'async_durability'), 'warning', 'asynchronous durability is a finding');
ROLLBACK;
\else
SELECT skip('ctlpr.audit_durability cannot be set in a session', 1);
\endif

-- who sees what
SET ROLE av_test_all;
SELECT array_agg(l.seq ORDER BY l.seq) AS seen_by_all FROM ctlpr.audit_log l
WHERE l.seq IN (:committed, :rolled_back, :refused, :nobodys, :configuration, :certificate) \gset
SET ROLE av_test_one;
SELECT array_agg(l.seq ORDER BY l.seq) AS seen_by_one FROM ctlpr.audit_log l
WHERE l.seq IN (:committed, :rolled_back, :refused, :nobodys, :configuration, :certificate) \gset
SELECT count(*) AS certificates_by_one FROM ctlpr.purges p WHERE p.seq = :certificate \gset
SET ROLE av_test_unbound;
SELECT (SELECT count(*) FROM ctlpr.audit_log) + (SELECT count(*) FROM ctlpr.refusals) + (SELECT count(*) FROM ctlpr.disclosures)
	+ (SELECT count(*) FROM ctlpr.purges) + (SELECT count(*) FROM ctlpr.findings) + (SELECT count(*) FROM ctlpr.retention_status)
	+ (SELECT count(*) FROM ctlpr.purge_status) AS seen_by_unbound \gset
RESET ROLE;
SELECT is(:'seen_by_all'::bigint[], ARRAY[:committed, :rolled_back, :refused, :nobodys, :configuration, :certificate]::bigint[],
	'an auditor of all agencies sees every entry');
SELECT is(:'seen_by_one'::bigint[], ARRAY[:committed, :refused, :configuration, :certificate]::bigint[],
	'an auditor of one agency sees its entries, changes of the rules and certificates');
SELECT is(:certificates_by_one, 1, 'an auditor of one agency sees the certificates');
SELECT is(:seen_by_unbound, 0, 'a member of ctlpr_auditor who audits no agency sees nothing');
SET ROLE av_test_nobody;
SELECT throws_ok('SELECT FROM ctlpr.audit_log', '42501', NULL, 'nobody else may read the log');
SELECT throws_ok('SELECT FROM ctlpr.retention_state()', '42501', NULL, 'nor call what is behind a view');
SELECT throws_ok('SELECT FROM ctlpr.purge()', '42501', NULL, 'nor purge');
SET ROLE av_test_admin;
SELECT throws_ok($$SELECT * FROM ctlpr.purge('pg_catalog.pg_class')$$, '42704', 'relation "pg_class" is not governed',
	'a relation that is not governed cannot be purged');
SELECT lives_ok('SELECT FROM ctlpr.purge_status', 'an administrator sees the progress of the purge');
RESET ROLE;

SELECT * FROM finish();

DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'av\_test\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'AV-TEST-%';
DROP ROLE av_test_all, av_test_one, av_test_unbound, av_test_admin, av_test_nobody;
