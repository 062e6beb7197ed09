/*
 * posture.sql - what weakens the guarantees although nobody broke a rule:
 * settings, roles, extensions, functions, replication, the server's version
 * and the state of the governed relations.
 *
 * What a superuser, a file, a replica or the server's log can carry away is
 * out of reach of refusal.  It is not out of sight: the view posture lists
 * what is there, who could use it, and the statement that puts it right.
 * docs/posture.md explains each item.
 *
 * Severities.  violation: a guarantee does not hold while this is so.
 * warning: somebody could get around one.  info: what an auditor should know
 * of, and what cannot be told apart from here.
 *
 * Rights.  The catalogs that matter (user mappings, walsenders, pg_hba.conf,
 * settings that only superusers see) are closed to auditors.  The view
 * therefore selects from one SECURITY DEFINER function, which answers
 * administrators and bound auditors and nobody else; what a relation's row
 * tells is for those whom retention_status shows that relation.  The
 * functions that do the looking are granted to nobody.  Nothing that may hold
 * a secret or a plate is shown: no connection string, no command, no text of
 * a statement.
 *
 * Nothing is written and no table of reads is touched, so it works on a
 * standby, and costs what a look at the catalogs costs.
 */

/*
 * name_list(names) - the names, sorted, with commas; the first 20, and how
 * many more there are, so that no row grows without bound.
 */
CREATE FUNCTION ctlpr.name_list(names text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(n.name, ', ' ORDER BY n.place) FILTER (WHERE n.place <= 20)
		|| CASE WHEN count(*) > 20 THEN format(' and %s more', count(*) - 20) ELSE '' END
	FROM (SELECT u.name, row_number() OVER (ORDER BY u.name COLLATE "C") AS place FROM unnest(names) u(name)) n
$$;
COMMENT ON FUNCTION ctlpr.name_list(text[]) IS 'Internal: names with commas, sorted, the first 20 of them';

/*
 * setting_number(value, unit) - a setting's value in the setting's own unit.
 *
 * value: as it was typed, '1h' or '3600'; unit: s, ms, min, ... as pg_settings
 * has it.  NULL where it is no number, or of a unit that is none of time.
 */
CREATE FUNCTION ctlpr.setting_number(value text, unit text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN m.part[2] = '' THEN m.part[1]::numeric ELSE m.part[1]::numeric * given.ms / own.ms END
	FROM (SELECT regexp_match(value, '^\s*(-?[0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$') AS part) m
		LEFT JOIN (VALUES ('us', 0.001), ('ms', 1), ('s', 1000), ('min', 60000), ('h', 3600000), ('d', 86400000)) given(unit, ms) ON given.unit = m.part[2]
		LEFT JOIN (VALUES ('us', 0.001), ('ms', 1), ('s', 1000), ('min', 60000), ('h', 3600000), ('d', 86400000)) own(unit, ms) ON own.unit = setting_number.unit
$$;
COMMENT ON FUNCTION ctlpr.setting_number(text, text) IS 'Internal: value of a setting in its own unit of time, NULL if it is no number';

/*
 * group_edges(group_role) - the memberships that make somebody a member of
 * the group, at every depth; from 16 on a membership may be there several
 * times, by different grantors.
 */
CREATE FUNCTION ctlpr.group_edges(group_role name) RETURNS TABLE (member oid, granted oid)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE edge (member, granted) AS (
		SELECT m.member, m.roleid FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid WHERE g.rolname = group_role
		UNION
		SELECT m.member, m.roleid FROM edge e JOIN pg_auth_members m ON m.roleid = e.member
	)
	SELECT e.member, e.granted FROM edge e
$$;
COMMENT ON FUNCTION ctlpr.group_edges(name) IS 'Internal: memberships, at every depth, that lead to a group role';

/*
 * missing_fixes(server_version_num) - security fixes that the server lacks.
 *
 * Listed are the flaws that defeat row security or what it rests on: wrong
 * policies, the wrong role, statistics of hidden rows, and arbitrary code by
 * an ordinary user.  fixed_minor is the first minor release of that major
 * version with the fix; a major version without a row was never released
 * with the flaw.  Fixes to clients, and to extensions that few install, are
 * not here, and what was published later cannot be: the newest minor release
 * is always the one to run.
 */
CREATE FUNCTION ctlpr.missing_fixes(server_version_num int) RETURNS TABLE (cve text, fixed_in text, weakness text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.cve, format('%s.%s', f.major, f.fixed_minor), f.weakness
	FROM (VALUES
		(15,  3, 'CVE-2023-2454',  'CREATE SCHEMA defeats a pinned search_path: whoever may create schemas runs code as a superuser'),
		(15,  3, 'CVE-2023-2455',  'policies of the wrong role are applied once a function is inlined'),
		(15,  4, 'CVE-2023-39418', 'MERGE does not enforce the policies for UPDATE and SELECT'),
		(15,  5, 'CVE-2023-5869',  'an integer overflow in arrays lets any user write the server''s memory'),
		(16,  1, 'CVE-2023-5869',  'an integer overflow in arrays lets any user write the server''s memory'),
		(15,  6, 'CVE-2024-0985',  'REFRESH MATERIALIZED VIEW CONCURRENTLY drops privileges late: an owner runs code as who refreshes'),
		(16,  2, 'CVE-2024-0985',  'REFRESH MATERIALIZED VIEW CONCURRENTLY drops privileges late: an owner runs code as who refreshes'),
		(15,  7, 'CVE-2024-4317',  'pg_stats_ext shows values of hidden rows to everybody'),
		(16,  3, 'CVE-2024-4317',  'pg_stats_ext shows values of hidden rows to everybody'),
		(15,  8, 'CVE-2024-7348',  'pg_dump, run by a superuser, executes functions of a table''s owner'),
		(16,  4, 'CVE-2024-7348',  'pg_dump, run by a superuser, executes functions of a table''s owner'),
		(15,  9, 'CVE-2024-10976', 'a cached plan keeps the policies of the role that it was planned for, below subqueries and WITH'),
		(16,  5, 'CVE-2024-10976', 'a cached plan keeps the policies of the role that it was planned for, below subqueries and WITH'),
		(17,  1, 'CVE-2024-10976', 'a cached plan keeps the policies of the role that it was planned for, below subqueries and WITH'),
		(15,  9, 'CVE-2024-10978', 'SET ROLE and SET SESSION AUTHORIZATION return to the wrong role'),
		(16,  5, 'CVE-2024-10978', 'SET ROLE and SET SESSION AUTHORIZATION return to the wrong role'),
		(17,  1, 'CVE-2024-10978', 'SET ROLE and SET SESSION AUTHORIZATION return to the wrong role'),
		(15, 14, 'CVE-2025-8713',  'the planner''s statistics show samples of hidden rows of views, partitions and children'),
		(16, 10, 'CVE-2025-8713',  'the planner''s statistics show samples of hidden rows of views, partitions and children'),
		(17,  6, 'CVE-2025-8713',  'the planner''s statistics show samples of hidden rows of views, partitions and children'),
		(15, 16, 'CVE-2026-2006',  'text functions trust lengths of multibyte characters: any user runs code in the server'),
		(16, 12, 'CVE-2026-2006',  'text functions trust lengths of multibyte characters: any user runs code in the server'),
		(17,  8, 'CVE-2026-2006',  'text functions trust lengths of multibyte characters: any user runs code in the server'),
		(18,  2, 'CVE-2026-2006',  'text functions trust lengths of multibyte characters: any user runs code in the server'),
		(15, 18, 'CVE-2026-6473',  'integer overflows in memory allocation: any user runs code in the server'),
		(16, 14, 'CVE-2026-6473',  'integer overflows in memory allocation: any user runs code in the server'),
		(17, 10, 'CVE-2026-6473',  'integer overflows in memory allocation: any user runs code in the server'),
		(18,  4, 'CVE-2026-6473',  'integer overflows in memory allocation: any user runs code in the server'),
		(15, 19, 'CVE-2026-14666', 'a cached plan keeps its policies after memberships and attributes of roles have changed'),
		(16, 15, 'CVE-2026-14666', 'a cached plan keeps its policies after memberships and attributes of roles have changed'),
		(17, 11, 'CVE-2026-14666', 'a cached plan keeps its policies after memberships and attributes of roles have changed'),
		(18,  6, 'CVE-2026-14666', 'a cached plan keeps its policies after memberships and attributes of roles have changed'),
		(15, 19, 'CVE-2026-16239', 'a cursor made anew with other types: any user runs code in the server'),
		(16, 15, 'CVE-2026-16239', 'a cursor made anew with other types: any user runs code in the server'),
		(17, 11, 'CVE-2026-16239', 'a cursor made anew with other types: any user runs code in the server'),
		(18,  6, 'CVE-2026-16239', 'a cursor made anew with other types: any user runs code in the server')
	) AS f (major, fixed_minor, cve, weakness)
	WHERE f.major = server_version_num / 10000 AND f.fixed_minor > server_version_num % 10000
	ORDER BY f.fixed_minor, f.cve
$$;
COMMENT ON FUNCTION ctlpr.missing_fixes(int) IS 'Internal: published flaws that defeat row security or what it rests on, and that a server of this version still has';

/*
 * posture_rules() - settings that matter, and what they should be.
 *
 * A setting complies if its value is one of safe, or none of unsafe, or not
 * above bound (in the setting's unit), whichever is given.  advised is what
 * the remedy sets; NULL where no setting helps, then remedy says what does.
 * Settings that a server does not have are passed over.
 */
CREATE FUNCTION ctlpr.posture_rules()
RETURNS TABLE (name text, safe text[], unsafe text[], bound numeric, severity text, advised text, why text, remedy text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
		/* ctlpr's own, away from what they come with; audit_timeout and the sizes change no promise */
		('ctlpr.audit_durability', '{sync}'::text[], NULL::text[], NULL::numeric, 'warning', 'sync',
			'a crash of the server may lose entries whose rows were released', NULL::text),
		('ctlpr.restore', '{off}', NULL, NULL, 'violation', 'off',
			'COPY fills governed tables and the log past the checks of ingest; it is for the session that loads a dump', NULL),
		('ctlpr.bulk_row_limit', NULL, '{0}', NULL, 'warning', '10000',
			'one statement may take all that other agencies have: bulk access, 13(d)(8)', NULL),
		('ctlpr.bulk_row_limit', NULL, NULL, 10000, 'info', '10000',
			'a statement may touch more reads of other agencies than the limit that ctlpr comes with', NULL),
		('ctlpr.pending_limit', NULL, NULL, 86400, 'info', '24h',
			'a request without its case number becomes a finding late', NULL),
		('ctlpr.clock_skew', NULL, NULL, 300, 'warning', '5min',
			'a read dated ahead is kept that much longer than 13(b)(2)(A) allows', NULL),
		('ctlpr.observe_limit', NULL, NULL, 43200, 'warning', '30d',
			'a relation may be observed, and nothing enforced on it, for longer than ctlpr comes with', NULL),
		('ctlpr.request_timeout', NULL, NULL, 1800, 'warning', '30min',
			'a terminal left alone searches on under the last officer''s request for longer', NULL),
		('ctlpr.public_delay', NULL, '{0}', NULL, 'warning', '30d',
			'a search shows to the public at once, also to whom it seeks', NULL),
		('ctlpr.purge_naptime', NULL, NULL, 3600, 'info', '60s',
			'expired reads, hidden at once, stay stored for longer', NULL),
		('ctlpr.erase', '{on}', NULL, NULL, 'warning', 'on',
			'bytes of purged reads stay in the files until their place is taken', NULL),

		/* durability of the record and of what the registrars file */
		('fsync', '{on}', NULL, NULL, 'violation', 'on',
			'nothing is durable, so no record is before its rows are released: 14(a)(6)', NULL),
		('full_page_writes', '{on}', NULL, NULL, 'warning', 'on',
			'a crash of the machine may leave torn pages, of the log as well', NULL),
		('synchronous_commit', NULL, '{off}', NULL, 'warning', 'on',
			'a crash may undo a suspension or a withdrawal that was committed; the log itself is written durably all the same', NULL),
		('data_sync_retry', '{off}', NULL, NULL, 'warning', 'off',
			'after a failed flush the next one may report success for what was lost, entries included', NULL),
		('data_checksums', '{on}', NULL, NULL, 'info', NULL,
			'a changed or damaged page is not noticed, of the log as well', 'Stop the server and run pg_checksums --enable.'),

		/* ways to make the server overlook things */
		('zero_damaged_pages', '{off}', NULL, NULL, 'warning', 'off', 'damaged pages of the log and of reads are emptied in silence', NULL),
		('ignore_checksum_failure', '{off}', NULL, NULL, 'warning', 'off', 'damaged or changed pages are taken for sound', NULL),
		('ignore_invalid_pages', '{off}', NULL, NULL, 'warning', 'off', 'recovery goes on past references to pages that are not there', NULL),
		('ignore_system_indexes', '{off}', NULL, NULL, 'warning', 'off', 'catalog entries are found without their indexes, for repairs only', NULL),
		('allow_system_table_mods', '{off}', NULL, NULL, 'warning', 'off', 'a superuser may alter the system catalogs, in which policies and owners are written', NULL),
		('session_replication_role', '{origin}', NULL, NULL, 'warning', 'origin', 'ordinary triggers and foreign keys do not fire', NULL),
		('row_security', '{on}', NULL, NULL, 'info', 'on', 'statements on governed relations fail rather than being filtered', NULL),
		('lo_compat_privileges', '{off}', NULL, NULL, 'warning', 'off', 'every role may read and write every large object', NULL),
		('output_plugin_libraries', '{"pgoutput","pgoutput, test_decoding","pgoutput,test_decoding"}', NULL, NULL, 'warning', 'pgoutput',
			'replication roles may load other libraries as output plugins', NULL),

		/* plates in the server log: whoever reads it reads searches and, with DETAIL, reads, past their retention */
		('log_statement', '{none}', NULL, NULL, 'warning', 'none', 'texts of statements, with the plates in them, go to the server log', NULL),
		('log_min_duration_statement', '{-1}', NULL, NULL, 'warning', '-1', 'texts of slow statements, with the plates in them, go to the server log', NULL),
		('log_min_duration_sample', '{-1}', NULL, NULL, 'warning', '-1', 'texts of some statements, with the plates in them, go to the server log', NULL),
		('log_transaction_sample_rate', '{0}', NULL, NULL, 'warning', '0', 'texts of some statements, with the plates in them, go to the server log', NULL),
		('log_min_error_statement', '{log,fatal,panic}', NULL, NULL, 'warning', 'panic', 'texts of statements that fail, with the plates in them, go to the server log', NULL),
		('log_parameter_max_length', '{0}', NULL, NULL, 'info', '0', 'whatever statements are logged, their parameters, plates among them, go along', NULL),
		('log_parameter_max_length_on_error', '{0}', NULL, NULL, 'warning', '0', 'parameters of statements that fail, plates among them, go to the server log and to error messages', NULL),
		('log_error_verbosity', '{terse}', NULL, NULL, 'info', 'terse', 'the DETAIL of a logged error may hold values of a row', NULL),
		('debug_print_parse', '{off}', NULL, NULL, 'warning', 'off', 'parse trees, with the plates in them, go to the server log', NULL),
		('debug_print_raw_parse', '{off}', NULL, NULL, 'warning', 'off', 'parse trees, with the plates in them, go to the server log', NULL),
		('debug_print_rewritten', '{off}', NULL, NULL, 'warning', 'off', 'parse trees, with the plates in them, go to the server log', NULL),
		('debug_print_plan', '{off}', NULL, NULL, 'warning', 'off', 'plans, with the plates in them, go to the server log', NULL),
		('log_replication_commands', '{on}', NULL, NULL, 'info', 'on', 'the server log does not tell of base backups and other replication commands', NULL),
		('auto_explain.log_min_duration', '{-1}', NULL, NULL, 'warning', '-1', 'plans and texts of statements, with the plates in them, go to the server log, and counts of hidden rows with log_analyze', NULL),
		('auto_explain.log_parameter_max_length', '{0}', NULL, NULL, 'info', '0', 'whatever plans are logged, their parameters, plates among them, go along', NULL),
		('pgaudit.log', '{none}', NULL, NULL, 'warning', 'none', 'texts of statements, with the plates in them, go to the server log', NULL),
		('pg_stat_statements.track_utility', '{off}', NULL, NULL, 'warning', 'off', 'utility statements may keep their constants, plates among them, in pg_stat_statements', NULL),

		/* plates in the views of statistics */
		('track_activities', '{off}', NULL, NULL, 'info', NULL,
			'the texts of running statements, with the plates in them, are in pg_stat_activity for superusers, members of pg_read_all_stats and sessions of the same role',
			'Keep pg_read_all_stats and pg_monitor to few; without track_activities the finding no_outcome cannot tell open transactions.')
$$;
COMMENT ON FUNCTION ctlpr.posture_rules() IS 'Internal: settings that the view posture looks at, and what they should be';

/*
 * posture_settings() - settings as they are here, and as they are set for a
 * role or database.
 *
 * Both the value in force in this session and the one that RESET would bring
 * back are looked at, so that no reader sees a better server than others by a
 * SET of its own.  What another session has SET for itself nobody can see.
 */
CREATE FUNCTION ctlpr.posture_settings() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH looked_at AS (
		SELECT r.*, s.setting, s.reset_val, s.unit, s.context, s.source,
			CASE WHEN r.safe IS NOT NULL THEN s.setting = ANY (r.safe) WHEN r.unsafe IS NOT NULL THEN s.setting <> ALL (r.unsafe)
				 ELSE coalesce(ctlpr.setting_number(s.setting, s.unit) <= r.bound, false) END AS here_complies,
			CASE WHEN r.safe IS NOT NULL THEN s.reset_val = ANY (r.safe) WHEN r.unsafe IS NOT NULL THEN s.reset_val <> ALL (r.unsafe)
				 ELSE coalesce(ctlpr.setting_number(s.reset_val, s.unit) <= r.bound, false) END AS else_complies
		FROM ctlpr.posture_rules() r
			JOIN pg_settings s ON s.name = r.name
	)
	SELECT l.severity, 'setting ' || l.name,
		format('%s is %s%s: %s', l.name, coalesce(nullif(CASE WHEN l.else_complies THEN l.setting ELSE l.reset_val END, '') || CASE WHEN l.bound IS NOT NULL THEN coalesce(' ' || l.unit, '') ELSE '' END, 'empty'),
			CASE WHEN l.else_complies THEN ' in this session' ELSE '' END, l.why),
		coalesce(l.remedy,
			CASE
				WHEN l.else_complies THEN format('RESET %s;', l.name)
				WHEN l.context = 'postmaster' THEN format('ALTER SYSTEM SET %s = %L; then restart the server.', l.name, l.advised)
				ELSE format('ALTER SYSTEM SET %s = %L; SELECT pg_reload_conf();', l.name, l.advised)
			END)
	FROM looked_at l
	WHERE NOT (l.here_complies AND l.else_complies);

	/* the same settings, all of ctlpr's that differ, and libraries, set for a role or a database */
	RETURN QUERY
	WITH stored AS (
		SELECT d.setrole, d.setdatabase, lower(split_part(c.entry, '=', 1)) AS name, substr(c.entry, strpos(c.entry, '=') + 1) AS value
		FROM pg_db_role_setting d
			CROSS JOIN LATERAL unnest(d.setconfig) c(entry)
		WHERE d.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
	), judged AS (
		SELECT t.*, r.severity, r.why,
			CASE WHEN r.safe IS NOT NULL THEN v.value = ANY (r.safe) WHEN r.unsafe IS NOT NULL THEN v.value <> ALL (r.unsafe)
				 ELSE coalesce(ctlpr.setting_number(v.value, s.unit) <= r.bound, false) END AS complies
		FROM stored t
			JOIN ctlpr.posture_rules() r ON r.name = t.name
			LEFT JOIN pg_settings s ON s.name = t.name
			CROSS JOIN LATERAL (
				SELECT CASE WHEN s.vartype = 'bool' AND lower(t.value) IN ('1', 't', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on') THEN 'on'
							WHEN s.vartype = 'bool' AND lower(t.value) IN ('0', 'f', 'fa', 'fal', 'fals', 'false', 'n', 'no', 'of', 'off') THEN 'off'
							WHEN s.vartype IN ('bool', 'enum') THEN lower(t.value)
							ELSE t.value END AS value
			) v
		UNION ALL
		SELECT t.*, 'info', 'a library is loaded into these sessions, and runs with their rights', false
		FROM stored t
		WHERE t.name IN ('session_preload_libraries', 'local_preload_libraries') AND t.value NOT IN ('', '""')
	)
	SELECT j.severity, 'role setting ' || j.name,
		format('%s is %s for %s: %s', j.name, coalesce(nullif(j.value, ''), 'empty'), w.whom, j.why),
		format('ALTER %s RESET %s;', w.target, j.name)
	FROM judged j
		CROSS JOIN LATERAL (
			SELECT CASE WHEN j.setrole = 0 THEN format('database %I', current_database())
						ELSE format('role %I%s', pg_get_userbyid(j.setrole), CASE WHEN j.setdatabase <> 0 THEN format(' in database %I', current_database()) ELSE '' END) END AS whom,
				CASE WHEN j.setrole = 0 AND j.setdatabase = 0 THEN 'ROLE ALL'
					 WHEN j.setrole = 0 THEN format('DATABASE %I', current_database())
					 ELSE format('ROLE %I%s', pg_get_userbyid(j.setrole), CASE WHEN j.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) ELSE '' END) END AS target
		) w
	WHERE NOT j.complies;

	/* libraries of the whole server: each may hook what ctlpr hooks */
	RETURN QUERY
	WITH library AS (
		SELECT s.name AS setting, regexp_replace(btrim(u.file, E' \t\n"'), '^.*/|\.so$', '', 'g') AS file
		FROM pg_settings s
			CROSS JOIN LATERAL unnest(string_to_array(s.reset_val, ',')) u(file)
		WHERE s.name IN ('shared_preload_libraries', 'session_preload_libraries', 'local_preload_libraries') AND btrim(u.file, E' \t\n"') <> ''
	)
	SELECT 'info', 'library ' || l.file,
		format('%s has %s: %s', l.setting, l.file,
			CASE l.file
				WHEN 'auto_explain' THEN 'plans of statements go to the server log once auto_explain.log_min_duration is set, in any session of a superuser'
				WHEN 'pg_stat_statements' THEN 'texts of statements are kept without their constants, but for some utility statements'
				WHEN 'pgaudit' THEN 'texts of statements, with the plates in them, go to the server log where pgaudit.log is set'
				ELSE 'unknown to ctlpr; it runs in every process with all rights'
			END),
		CASE WHEN l.setting = 'shared_preload_libraries' THEN format('Take it off %s and restart the server, if nobody answers for it.', l.setting)
			 ELSE format('ALTER SYSTEM RESET %s; SELECT pg_reload_conf();', l.setting) END
	FROM library l
	WHERE l.file NOT IN ('ctlpr', 'pg_prewarm');

	/* the network */
	RETURN QUERY
	SELECT 'warning', 'connections without TLS',
		format('ssl is off and the server listens on %s: reads and passwords cross the network in clear text', ctlpr.name_list(array_agg(a.address))),
		'ALTER SYSTEM SET ssl = on; SELECT pg_reload_conf(); then hostssl instead of host in pg_hba.conf.'
	FROM (SELECT btrim(u.address) AS address FROM unnest(string_to_array(current_setting('listen_addresses'), ',')) u(address)) a
	WHERE current_setting('ssl') = 'off' AND a.address <> '' AND a.address <> 'localhost' AND a.address !~ '^127\.' AND a.address <> '::1'
	HAVING count(*) > 0;

	/* who acts is known by the role; under "trust" anybody is any role */
	BEGIN
		RETURN QUERY
		SELECT CASE WHEN h.far THEN 'violation' ELSE 'warning' END, 'authentication by trust',
			format('pg_hba.conf, %s: %s connects as any role without proof, so the log does not know who searched',
				CASE WHEN count(*) = 1 THEN 'line ' ELSE 'lines ' END || string_agg(h.line_number::text, ', ' ORDER BY h.line_number),
				CASE WHEN h.far THEN 'whoever reaches the port' ELSE 'whoever is on this machine' END),
			'Put peer or scram-sha-256 in place of trust in pg_hba.conf, then SELECT pg_reload_conf();'
		FROM (SELECT r.line_number, r.type <> 'local' AND coalesce(r.address, '') NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost') AS far
			  FROM pg_hba_file_rules r
			  WHERE r.auth_method = 'trust') h
		GROUP BY h.far;
	EXCEPTION WHEN OTHERS THEN
		/* the file cannot be read; the server goes on with what it had read before */
		RETURN QUERY SELECT 'info', 'authentication by trust', 'pg_hba.conf cannot be read, so it is not known who may connect how', 'Look at the file that SHOW hba_file names.';
	END;
END
$$;
COMMENT ON FUNCTION ctlpr.posture_settings() IS 'Internal: settings, for the view posture';

/*
 * posture_roles() - who is beyond row security, or wears two hats.  One row
 * for each kind.
 */
CREATE FUNCTION ctlpr.posture_roles() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	/* the bootstrap superuser cannot be anything else */
	RETURN QUERY
	SELECT CASE WHEN count(*) FILTER (WHERE r.oid <> 10) > 0 THEN 'warning' ELSE 'info' END, 'superusers',
		format('superusers: %s; what they do in SQL is refused or recorded, what they do with files, libraries and catalogs is not', ctlpr.name_list(array_agg(quote_ident(r.rolname)))),
		coalesce(string_agg(format('ALTER ROLE %I NOSUPERUSER;', r.rolname), ' ' ORDER BY r.rolname) FILTER (WHERE r.oid <> 10), 'Keep its password from applications and from those who search.')
	FROM pg_authid r
	WHERE r.rolsuper;

	/* a backup role has it by design, as long as its standing request lives */
	RETURN QUERY
	SELECT CASE WHEN h.covered THEN 'info' ELSE 'warning' END, 'roles with BYPASSRLS',
		CASE WHEN h.covered THEN format('for backups, under a standing request: %s', ctlpr.name_list(array_agg(quote_ident(h.rolname))))
			 ELSE format('row security does not reach %s; ctlpr refuses their statements on governed relations, and nothing else would without the library', ctlpr.name_list(array_agg(quote_ident(h.rolname)))) END,
		string_agg(format('ALTER ROLE %I NOBYPASSRLS;', h.rolname), ' ' ORDER BY h.rolname)
	FROM (SELECT r.rolname, EXISTS (SELECT FROM ctlpr.standing_request q WHERE q.role = r.oid AND q.purpose = 'backup' AND q.valid_until > now()) AS covered
		  FROM pg_authid r
		  WHERE r.rolbypassrls AND NOT r.rolsuper) h
	GROUP BY h.covered;

	RETURN QUERY
	SELECT 'warning', 'roles with REPLICATION',
		format('%s may copy the whole server, expired reads included, with pg_basebackup, and decode its changes', ctlpr.name_list(array_agg(quote_ident(r.rolname)))),
		string_agg(format('ALTER ROLE %I NOREPLICATION;', r.rolname), ' ' ORDER BY r.rolname)
	FROM pg_authid r
	WHERE r.rolreplication AND NOT r.rolsuper
	HAVING count(*) > 0;

	/* before 16 it reached every role that is no superuser, without being a member of it */
	RETURN QUERY
	SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'warning' ELSE 'info' END, 'roles with CREATEROLE',
		CASE WHEN current_setting('server_version_num')::int < 160000
			 THEN format('%s may make themselves members of any role but superusers: of ctlpr_registrar, of an agency''s role, of pg_execute_server_program', ctlpr.name_list(array_agg(quote_ident(r.rolname))))
			 ELSE format('%s may grant and alter the roles that they administer', ctlpr.name_list(array_agg(quote_ident(r.rolname)))) END,
		string_agg(format('ALTER ROLE %I NOCREATEROLE;', r.rolname), ' ' ORDER BY r.rolname)
	FROM pg_authid r
	WHERE r.rolcreaterole AND NOT r.rolsuper
	HAVING count(*) > 0;

	/* the server's own groups; pg_monitor is in pg_read_all_stats, pg_signal_backend harms no read */
	RETURN QUERY
	SELECT 'warning', 'members of ' || g.name,
		format('%s %s', ctlpr.name_list(array_agg(DISTINCT quote_ident(r.rolname))), g.what),
		string_agg(DISTINCT CASE WHEN f.rolname ~ '^pg_' THEN format('REVOKE %I FROM %I;', f.rolname, r.rolname) END, ' ')
	FROM (VALUES
			('pg_read_all_data', 'may read every table without a grant: the log with the plates sought, the instruments, hotlists; governed relations only under a request'),
			('pg_write_all_data', 'may write every table without a grant, those of the schema ctlpr too'),
			('pg_read_server_files', 'may read the files in which reads are stored, expired ones included'),
			('pg_write_server_files', 'may overwrite files of the server'),
			('pg_execute_server_program', 'may run programs as the server''s user, and so read and change everything'),
			('pg_read_all_stats', 'may read the texts of other roles'' statements, with the plates in them, in pg_stat_activity and pg_stat_statements'),
			('pg_create_subscription', 'may make this server a subscriber, which writes past the checks of ingest')
		) AS g (name, what)
		CROSS JOIN LATERAL ctlpr.group_edges(g.name::name) e
		JOIN pg_authid r ON r.oid = e.member
		JOIN pg_authid f ON f.oid = e.granted
	WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'
	GROUP BY g.name, g.what;

	/* the owner may drop the table and grant it; a group owns, a login uses */
	RETURN QUERY
	SELECT 'warning', 'owners that can log in',
		format('%s own governed relations and can log in', ctlpr.name_list(array_agg(DISTINCT quote_ident(r.rolname)))),
		'ALTER TABLE ... OWNER TO a role with NOLOGIN, and members of it only for maintenance.'
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL ctlpr.relation_members(g.relation) m
		JOIN pg_class c ON c.oid = m
		JOIN pg_authid r ON r.oid = c.relowner
	WHERE r.rolcanlogin AND NOT r.rolsuper
	HAVING count(*) > 0;

	RETURN QUERY
	SELECT 'warning', 'agency roles with too much',
		format('roles that act for an agency and are more than that: %s', ctlpr.name_list(array_agg(format('%I (%s)', r.rolname, w.what)))),
		'Give the agency a role of its own: SELECT ctlpr.unbind_role(role, agency_id), or take the other right away.'
	FROM (SELECT DISTINCT b.role FROM ctlpr.role_binding b) bound
		JOIN pg_authid r ON r.oid = bound.role
		CROSS JOIN LATERAL (
			SELECT concat_ws(', ', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolbypassrls AND NOT r.rolsuper THEN 'BYPASSRLS' END,
				CASE WHEN r.oid IN (SELECT e.member FROM ctlpr.group_edges('ctlpr_admin') e) THEN 'ctlpr_admin' END,
				CASE WHEN r.oid IN (SELECT e.member FROM ctlpr.group_edges('ctlpr_registrar') e) THEN 'ctlpr_registrar' END) AS what
		) w
	WHERE w.what <> ''
		AND NOT (w.what = 'BYPASSRLS' AND EXISTS (SELECT FROM ctlpr.standing_request q WHERE q.role = r.oid AND q.purpose = 'backup' AND q.valid_until > now()))
	HAVING count(*) > 0;

	/*
	 * Rights on what is ctlpr's own beyond those that it came with: the log
	 * past the views that show each auditor a part, or the rules past the
	 * functions that record their change.
	 */
	RETURN QUERY
	SELECT 'warning', 'grants in schema ctlpr',
		format('beyond what the extension grants: %s', ctlpr.name_list(array_agg(format('%s on %s to %s', x.privileges, x.object, x.grantee)))),
		string_agg(format('REVOKE %s ON %s FROM %s;', x.privileges, x.object, x.grantee), ' ' ORDER BY x.object, x.grantee)
	FROM (
		SELECT string_agg(DISTINCT a.privilege_type, ', ') AS privileges, o.object, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
		FROM (
				SELECT 'pg_class'::regclass AS class, c.oid, 0 AS part, c.relowner AS owner, CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || c.oid::regclass::text AS object, c.relacl AS acl
				FROM pg_class c
				WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v', 'S')
				UNION ALL
				SELECT 'pg_proc'::regclass, p.oid, 0, p.proowner, 'FUNCTION ' || p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
				FROM pg_proc p
				WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.prokind = 'f'
			) o
			CROSS JOIN LATERAL aclexplode(o.acl) a
		WHERE a.grantee <> o.owner
			AND NOT EXISTS (
				SELECT
				FROM pg_init_privs i
					CROSS JOIN LATERAL aclexplode(i.initprivs) b
				WHERE i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.part AND b.grantee = a.grantee AND b.privilege_type = a.privilege_type)
		GROUP BY o.object, a.grantee
	) x
	HAVING count(*) > 0;

	/* who runs the database, who opens it to others and who audits both are three */
	RETURN QUERY
	SELECT 'warning', format('members of both %s and %s', p.one, p.other),
		format('%s %s', ctlpr.name_list(array_agg(DISTINCT quote_ident(r.rolname))), p.what),
		string_agg(DISTINCT format('REVOKE %I FROM %I;', p.other, r.rolname), ' ')
	FROM (VALUES
			('ctlpr_admin', 'ctlpr_registrar', 'may bind a role to an agency and file the instrument that opens the reads to it'),
			('ctlpr_admin', 'ctlpr_auditor', 'audit what they administer'),
			('ctlpr_registrar', 'ctlpr_auditor', 'audit the instruments that they file')
		) AS p (one, other, what)
		CROSS JOIN LATERAL (SELECT a.member FROM ctlpr.group_edges(p.one::name) a INTERSECT SELECT b.member FROM ctlpr.group_edges(p.other::name) b) m
		JOIN pg_authid r ON r.oid = m.member
	WHERE NOT r.rolsuper
	GROUP BY p.one, p.other, p.what;

	RETURN QUERY
	SELECT 'warning', 'no auditor', 'nobody but superusers can read the log: no member of ctlpr_auditor is bound',
		'GRANT ctlpr_auditor TO role; SELECT ctlpr.bind_auditor(role);'
	WHERE NOT EXISTS (
		SELECT
		FROM ctlpr.auditor_binding b
			JOIN pg_authid r ON r.oid = b.role AND NOT r.rolsuper
		WHERE r.oid IN (SELECT e.member FROM ctlpr.group_edges('ctlpr_auditor') e));
END
$$;
COMMENT ON FUNCTION ctlpr.posture_roles() IS 'Internal: roles and memberships, for the view posture';

/*
 * posture_code() - extensions, languages, functions, foreign servers and
 * large objects: what reads or carries data past the executor.
 */
CREATE FUNCTION ctlpr.posture_code() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH known (name, severity, what) AS (VALUES
		('pageinspect', 'warning', 'shows raw pages, with hidden, expired and deleted reads; most of its functions ask for a superuser besides'),
		('pg_dirtyread', 'warning', 'shows deleted rows that no vacuum has removed yet'),
		('pg_surgery', 'warning', 'removes and revives rows in place, unrecorded'),
		('pg_walinspect', 'warning', 'shows the write-ahead log, in which deleted reads live on'),
		('pg_filedump', 'warning', 'shows raw pages'),
		('adminpack', 'warning', 'writes, renames and removes files of the server'),
		('file_fdw', 'warning', 'reads files of the server and the output of programs'),
		('dblink', 'warning', 'opens sessions on any server, this one included, as other roles'),
		('postgres_fdw', 'info', 'reaches tables of other servers, or of this one as another role; see the foreign servers'),
		('lo', 'info', 'keeps large objects, which ctlpr does not govern'),
		('amcheck', 'info', 'reads every row of a table and names damaged ones by their place, not their values'),
		('pg_visibility', 'info', 'shows which pages of a table hold rows, and no values'),
		('pg_stat_statements', 'info', 'keeps texts of statements, without constants but for some utility statements'),
		('pg_stat_monitor', 'warning', 'keeps texts of statements, with the plates in them where they are not normalised'),
		('pgaudit', 'info', 'writes texts of statements to the server log where pgaudit.log is set'),
		('pldbgapi', 'warning', 'shows the variables of other roles'' functions'),
		('pg_cron', 'warning', 'runs statements when nobody is there, as the role that planned them'),
		('pg_background', 'warning', 'runs statements in processes of their own'),
		('pglogical', 'warning', 'sends changes of tables to other servers'),
		('orafce', 'warning', 'reads and writes files of the server (utl_file)'),
		('http', 'warning', 'sends data to other machines'),
		('pg_net', 'warning', 'sends data to other machines'),
		('set_user', 'warning', 'lets roles become others, superusers too'))
	SELECT k.severity, 'extension ' || k.name,
		format('%s is installed: it %s; EXECUTE on its functions beside superusers: %s', k.name, k.what, coalesce(g.grantees, 'nobody')),
		format('DROP EXTENSION %I;', e.extname)
	FROM known k
		JOIN pg_extension e ON e.extname = k.name
		LEFT JOIN LATERAL (
			SELECT ctlpr.name_list(array_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END)) AS grantees
			FROM pg_depend d
				JOIN pg_proc p ON p.oid = d.objid
				CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
				LEFT JOIN pg_authid r ON r.oid = a.grantee
			WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
				AND a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner AND NOT coalesce(r.rolsuper, false)
				/* what cannot be called by a statement */
				AND p.prorettype NOT IN ('fdw_handler'::regtype, 'language_handler'::regtype, 'trigger'::regtype, 'internal'::regtype)
		) g ON true
	UNION ALL
	SELECT 'info', 'extensions available',
		format('a superuser could install: %s', ctlpr.name_list(array_agg(v.name::text))),
		'Remove their packages from the machine where they are not needed.'
	FROM pg_available_extensions() v
	WHERE (v.name IN (SELECT k.name FROM known k WHERE k.severity = 'warning') OR v.name ~ '^pl.*u$')
		AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = v.name)
	HAVING count(*) > 0;

	/* an untrusted language has the rights of the server's operating system user */
	RETURN QUERY
	SELECT 'warning', 'language ' || l.lanname,
		format('functions in %s do what the server''s user may do, files included; there are %s, and EXECUTE on them beside superusers: %s', l.lanname, f.functions, coalesce(f.grantees, 'nobody')),
		format('DROP LANGUAGE %I;', l.lanname)
	FROM pg_language l
		CROSS JOIN LATERAL (
			SELECT count(DISTINCT p.oid) AS functions,
				ctlpr.name_list(array_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END)
					FILTER (WHERE a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner AND NOT coalesce(r.rolsuper, false))) AS grantees
			FROM pg_proc p
				LEFT JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a ON true
				LEFT JOIN pg_authid r ON r.oid = a.grantee
			WHERE p.prolang = l.oid
		) f
	WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c');

	RETURN QUERY
	SELECT 'warning', 'C functions of no extension',
		format('%s run with all rights of the server and came with no extension', ctlpr.name_list(array_agg(p.oid::regprocedure::text))),
		string_agg(format('DROP ROUTINE %s;', p.oid::regprocedure), ' ' ORDER BY p.oid)
	FROM pg_proc p
		JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname IN ('c', 'internal') AND p.oid >= 16384
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
	HAVING count(*) > 0;

	/*
	 * Functions of the server that were granted out.  Those for logical
	 * decoding are everybody's by default and ask for REPLICATION
	 * themselves, so only what somebody was given by name counts.
	 */
	RETURN QUERY
	SELECT 'warning', 'function ' || p.proname,
		format('EXECUTE was granted to %s: it %s', ctlpr.name_list(array_agg(DISTINCT x.grantee)), min(f.what)),
		string_agg(DISTINCT format('REVOKE EXECUTE ON FUNCTION pg_catalog.%s(%s) FROM %s;', p.proname, pg_get_function_identity_arguments(p.oid), x.grantee), ' ')
	FROM (VALUES
			('^pg_read_(binary_)?file$', 'reads files of the server, in which reads are stored'),
			('^(pg_ls_dir|pg_stat_file)$', 'shows files of the server'),
			('^lo_import$', 'reads files of the server into large objects'),
			('^lo_export$', 'writes files of the server'),
			('^pg_(logical_slot_(get|peek)_(binary_)?changes|create_logical_replication_slot|copy_logical_replication_slot)$', 'decodes every change of every table'),
			('^pg_get_wal_', 'shows the write-ahead log'),
			('^pg_file_(write|rename|unlink|sync)$', 'changes files of the server'),
			('^pg_(restore|clear)_(relation|attribute)_stats$', 'changes the planner''s statistics')
		) AS f (pattern, what)
		JOIN pg_proc p ON p.proname ~ f.pattern AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
		CROSS JOIN LATERAL (
			SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee
			FROM aclexplode(p.proacl) a
				LEFT JOIN pg_authid r ON r.oid = a.grantee
			WHERE a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner AND NOT coalesce(r.rolsuper, false) AND coalesce(r.rolname, '') !~ '^pg_'
		) x
	GROUP BY p.proname;

	/*
	 * Foreign servers that lead back here: a session of its own, as another
	 * role, and with it another's request.  A name that resolves to this
	 * machine cannot be told from here.
	 */
	RETURN QUERY
	SELECT CASE WHEN t.back THEN 'warning' ELSE 'info' END, 'foreign server',
		format('server %I%s of %I; mapped: %s', s.srvname, CASE WHEN t.back THEN ' leads back to this server,' ELSE '' END, w.fdwname, coalesce(m.mapped, 'nobody')),
		format('DROP SERVER %I CASCADE;', s.srvname)
	FROM pg_foreign_server s
		JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
		CROSS JOIN LATERAL (
			SELECT coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'hostaddr'), max(o.option_value) FILTER (WHERE o.option_name = 'host'), '') AS host,
				coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'port'), '5432') AS port
			FROM pg_options_to_table(s.srvoptions) o
		) o
		CROSS JOIN LATERAL (
			SELECT w.fdwname IN ('postgres_fdw', 'dblink_fdw') AND o.port = current_setting('port')
				AND (o.host = '' OR o.host ~ '^(/|@|127\.)' OR lower(o.host) IN ('localhost', '::1') OR o.host = coalesce(host(inet_server_addr()), '')) AS back
		) t
		LEFT JOIN LATERAL (
			SELECT ctlpr.name_list(array_agg(CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u.umuser)) END
				|| coalesce((SELECT ' as ' || quote_ident(o.option_value) FROM pg_options_to_table(u.umoptions) o WHERE o.option_name = 'user'), ''))) AS mapped
			FROM pg_user_mapping u
			WHERE u.umserver = s.oid
		) m ON true;

	/* counted to a bound, as there may be many */
	RETURN QUERY
	SELECT 'warning', 'large objects',
		format('%s large objects; ctlpr does not govern them: an image kept so is read without a record and never expires', CASE WHEN n.objects = 10000 THEN '10000 or more' ELSE n.objects::text END),
		'Keep images in a governed table or outside of the database, and remove them with SELECT lo_unlink(oid).'
	FROM (SELECT count(*) AS objects FROM (SELECT FROM pg_largeobject_metadata LIMIT 10000) l) n
	WHERE n.objects > 0;

	RETURN QUERY
	SELECT 'warning', 'server version',
		format('%s, fixed in %s: %s', f.cve, f.fixed_in, f.weakness),
		'Update the server to its newest minor release.'
	FROM ctlpr.missing_fixes(current_setting('server_version_num')::int) f;

	/* an update of the programs leaves the views of a cluster as initdb made them */
	RETURN QUERY
	SELECT 'warning', 'server version',
		format('CVE-2024-4317: the server is new enough, but the view %s of this database is still the old one, which shows values of hidden rows', v.view),
		'Run fix-CVE-2024-4317.sql of the server''s installation in every database, as its release notes say.'
	FROM unnest(ARRAY['pg_stats_ext', 'pg_stats_ext_exprs']) v(view)
	WHERE pg_get_viewdef(format('pg_catalog.%I', v.view)::regclass) !~ 'pg_has_role'
		AND NOT EXISTS (SELECT FROM ctlpr.missing_fixes(current_setting('server_version_num')::int) f WHERE f.cve = 'CVE-2024-4317');
END
$$;
COMMENT ON FUNCTION ctlpr.posture_code() IS 'Internal: extensions, languages, functions, foreign servers, large objects and missing fixes, for the view posture';

/*
 * posture_replication() - where changes of this server go to, and come from.
 */
CREATE FUNCTION ctlpr.posture_replication() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	members oid[] := ARRAY(SELECT m::oid FROM ctlpr.governed_relation g CROSS JOIN LATERAL ctlpr.relation_members(g.relation) m);
BEGIN
	/* a stream of changes is bulk, automatic access: 13(d)(8); and it carries no record */
	RETURN QUERY
	SELECT CASE WHEN p.pubname IN (SELECT w.publication FROM ctlpr.published_without_leave() w) THEN 'violation' ELSE 'info' END, 'publication',
		format(CASE WHEN p.pubname IN (SELECT w.publication FROM ctlpr.published_without_leave() w)
					THEN 'publication %I sends every change of %s to its subscribers, unfiltered and unrecorded'
					ELSE 'publication %I sends changes of %s to a subscriber of the same agency, with leave' END, p.pubname,
			CASE WHEN p.puballtables THEN 'all tables, governed ones included,'
				 ELSE (SELECT ctlpr.name_list(array_agg(DISTINCT c.oid::regclass::text))
					   FROM pg_class c
					   WHERE c.oid = ANY (members)
						   AND (c.oid IN (SELECT t.prrelid FROM pg_publication_rel t WHERE t.prpubid = p.oid)
								OR c.relnamespace IN (SELECT n.pnnspid FROM pg_publication_namespace n WHERE n.pnpubid = p.oid))) END),
		CASE WHEN p.puballtables THEN format('DROP PUBLICATION %I;', p.pubname)
			 ELSE concat_ws(' ',
				(SELECT string_agg(format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, t.prrelid::regclass), ' ' ORDER BY t.prrelid)
				 FROM pg_publication_rel t WHERE t.prpubid = p.oid AND t.prrelid = ANY (members)),
				(SELECT string_agg(format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I;', p.pubname, s.nspname), ' ' ORDER BY s.nspname)
				 FROM pg_publication_namespace n JOIN pg_namespace s ON s.oid = n.pnnspid
				 WHERE n.pnpubid = p.oid AND s.oid IN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = ANY (members)))) END
	FROM pg_publication p
	WHERE cardinality(members) > 0
		AND (p.puballtables
			OR EXISTS (SELECT FROM pg_publication_rel t WHERE t.prpubid = p.oid AND t.prrelid = ANY (members))
			OR EXISTS (SELECT FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid WHERE n.pnpubid = p.oid AND c.oid = ANY (members)));

	/* what is applied from elsewhere is no statement of an ingest role */
	RETURN QUERY
	SELECT CASE WHEN s.governed IS NOT NULL THEN 'violation' ELSE 'info' END, 'subscription',
		CASE WHEN s.governed IS NOT NULL THEN format('subscription %I, owned by %I, writes into %s past the checks of ingest', s.subname, pg_get_userbyid(s.subowner), s.governed)
			 ELSE format('subscription %I, owned by %I, brings in tables of another server, none of them governed', s.subname, pg_get_userbyid(s.subowner)) END,
		format('ALTER SUBSCRIPTION %I DISABLE; ALTER SUBSCRIPTION %I SET (slot_name = NONE); DROP SUBSCRIPTION %I;', s.subname, s.subname, s.subname)
	FROM (SELECT b.subname, b.subowner,
			  (SELECT ctlpr.name_list(array_agg(r.srrelid::regclass::text)) FROM pg_subscription_rel r WHERE r.srsubid = b.oid AND r.srrelid = ANY (members)) AS governed
		  FROM pg_subscription b
		  WHERE b.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) s;

	/* pgoutput sends what publications name; other plugins send every table */
	RETURN QUERY
	SELECT CASE WHEN s.plugin IS DISTINCT FROM 'pgoutput' AND cardinality(members) > 0 THEN 'violation' ELSE 'warning' END, 'logical slot',
		format('slot %I of plugin %s, %s, %s', s.slot_name, s.plugin, CASE WHEN s.active THEN 'in use' ELSE 'not in use' END,
			CASE WHEN s.plugin = 'pgoutput' THEN 'gives the changes of published tables' ELSE 'gives the changes of every table' END),
		format('SELECT pg_drop_replication_slot(%L);', s.slot_name)
	FROM pg_replication_slots s
	WHERE s.slot_type = 'logical' AND s.database = current_database();

	RETURN QUERY
	SELECT 'info', 'physical slot',
		format('slot %I for a standby, %s; it keeps the write-ahead log, and deleted reads in it, until the standby has it', s.slot_name, CASE WHEN s.active THEN 'in use' ELSE 'not in use' END),
		format('SELECT pg_drop_replication_slot(%L); if no standby needs it.', s.slot_name)
	FROM pg_replication_slots s
	WHERE s.slot_type = 'physical';

	/* a physical standby is allowed: it refuses reads of governed relations by itself */
	RETURN QUERY
	SELECT CASE WHEN a.state = 'backup' OR l.plugin IS NOT NULL THEN 'warning' ELSE 'info' END, 'replication connection',
		format('%s, application %s, role %s, from %s, state %s',
			CASE WHEN a.state = 'backup' THEN 'a base backup' WHEN l.plugin IS NOT NULL THEN 'logical decoding' ELSE 'a physical standby' END,
			coalesce(nullif(a.application_name, ''), 'without a name'), a.usename, coalesce(host(a.client_addr), 'this machine'), a.state),
		format('SELECT pg_terminate_backend(%s); if it is not known.', a.pid)
	FROM pg_stat_replication a
		LEFT JOIN LATERAL (SELECT s.plugin FROM pg_replication_slots s WHERE s.active_pid = a.pid AND s.slot_type = 'logical' LIMIT 1) l ON true;

	RETURN QUERY
	SELECT 'info', 'recovery', 'this server is a standby: it can write no record, so reads of governed relations are refused (LP021); what else this view shows holds for it, not for its primary',
		'Look at ctlpr.posture on the primary too.'
	WHERE pg_is_in_recovery();

	RETURN QUERY
	SELECT 'info', 'write-ahead log archive', 'archiving is on: the archive holds reads that were purged since',
		'Bound the age of the archive and of base backups by the retention, and encrypt them.'
	WHERE current_setting('archive_mode') <> 'off';

	RETURN QUERY
	SELECT 'info', 'logical decoding', 'wal_level is logical: whoever has REPLICATION can decode every change',
		'ALTER SYSTEM SET wal_level = ''replica''; then restart the server.'
	WHERE current_setting('wal_level') = 'logical';
END
$$;
COMMENT ON FUNCTION ctlpr.posture_replication() IS 'Internal: publications, subscriptions, slots and replication connections, for the view posture';

/*
 * posture_log() - whether others could tell that the log was rewritten, and
 * whether it outlives this server.
 */
CREATE FUNCTION ctlpr.posture_log() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'warning', 'log not signed', 'there is no key for checkpoints: whoever administers the server can rewrite the log unnoticed (14(a)(6))',
		'Make a key with "make keygen", set ctlpr.checkpoint_key, and give the checkpoints to others.'
	WHERE coalesce(current_setting('ctlpr.checkpoint_key'), '') = ''
	UNION ALL
	SELECT 'warning', 'checkpoints not published', 'checkpoints of the log stand in the database alone: a log that is set back with it is not found out',
		'Set ctlpr.checkpoint_directory to a directory on another disk, which others read.'
	WHERE coalesce(current_setting('ctlpr.checkpoint_key'), '') <> '' AND coalesce(current_setting('ctlpr.checkpoint_directory'), '') = ''
	UNION ALL
	SELECT 'warning', 'log durable here only', 'an entry counts as durable once this server has it: if the machine is lost, so are the last entries',
		'Name a standby in synchronous_standby_names, with synchronous_commit = on.'
	WHERE NOT pg_is_in_recovery() AND (current_setting('synchronous_standby_names') = '' OR current_setting('synchronous_commit') IN ('off', 'local'))
$$;
COMMENT ON FUNCTION ctlpr.posture_log() IS 'Internal: checkpoints and durability of the log, for the view posture';

/*
 * posture_relations() - the state of the governed relations that the role
 * that acts may know of, and what stands around them.
 */
CREATE FUNCTION ctlpr.posture_relations() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	administrator boolean := pg_has_role(ctlpr.outer_role(), 'ctlpr_admin', 'USAGE');
	shown         regclass[];
BEGIN
	shown := ARRAY(
		SELECT g.relation
		FROM ctlpr.governed_relation g
			JOIN pg_class c ON c.oid = g.relation
		WHERE administrator OR CASE WHEN g.owner_agency IS NULL THEN ctlpr.is_auditor() ELSE ctlpr.auditor_sees(g.owner_agency, NULL) END);

	RETURN QUERY
	SELECT 'violation', 'observe mode',
		format('%s is in observe mode until %s: nothing is refused, hidden or purged', g.relation_name, to_char(g.observe_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')),
		/* enforcement begins only with the settings that were observed */
		format('SELECT ctlpr.govern(%L, %s, mode => ''enforce'');', g.relation::text,
			concat_ws(', ', format('captured_at => %L', g.captured_at_column), format('plate => %L', g.plate_column),
				'agency => ' || quote_literal(g.agency_column), 'owner_agency => ' || quote_literal(g.owner_agency),
				'camera => ' || quote_literal(g.camera_column), 'image => ' || quote_literal(g.image_column),
				CASE WHEN g.retention <> 'standard' THEN format('retention => %L', g.retention) END,
				CASE WHEN g.allow_triggers <> '{}' THEN format('allow_triggers => %L', g.allow_triggers) END))
	FROM ctlpr.governed_relation g
	WHERE g.relation = ANY (shown) AND g.mode = 'observe' AND g.observe_until > now();

	RETURN QUERY
	SELECT 'warning', 'purging not started',
		format('expired reads of %s are hidden but never deleted: nobody has approved that deletion starts (13(b)(2)(A))', g.relation_name),
		format('SELECT ctlpr.start_purge(%L, approved_by => ''...'');', g.relation::text)
	FROM ctlpr.governed_relation g
	WHERE g.relation = ANY (shown) AND NOT g.purging AND g.mode = 'enforce' AND g.evidence_of IS NULL;

	/* the wall that stands without the library, on every partition and child; as apply_guard() leaves it */
	RETURN QUERY
	SELECT 'violation', 'row security missing',
		format('row security is not enabled, not forced or without the policy ctlpr_guard on %s', ctlpr.name_list(array_agg(c.oid::regclass::text))),
		format('SELECT ctlpr.apply_guard(%L);', g.relation::text)
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL ctlpr.relation_members(g.relation) m
		JOIN pg_class c ON c.oid = m
	WHERE g.relation = ANY (shown) AND (g.mode = 'enforce' OR g.observe_until <= now())
		AND NOT (c.relrowsecurity AND c.relforcerowsecurity
			AND EXISTS (
				SELECT
				FROM pg_policy p
				WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
					AND pg_get_expr(p.polqual, p.polrelid) = 'ctlpr.guard()'
					AND (p.polwithcheck IS NULL OR pg_get_expr(p.polwithcheck, p.polrelid) = 'ctlpr.guard()')))
	GROUP BY g.relation;

	/* what tells sessions of changed rules, and the log of changed law; nothing else fires on what is ctlpr's own */
	RETURN QUERY
	SELECT 'violation', 'triggers of ctlpr',
		CASE WHEN t.own THEN format('trigger %I on %s does not always fire: changed rules do not reach every session, or go unrecorded, or anybody writes them', t.tgname, t.tgrelid::regclass)
			 ELSE format('trigger %I on %s is none of ctlpr''s, and runs with the rights of who changes rules or writes the log', t.tgname, t.tgrelid::regclass) END,
		CASE WHEN t.own THEN format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', t.tgrelid::regclass, t.tgname)
			 ELSE format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass) END
	FROM (SELECT g.tgrelid, g.tgname, g.tgenabled, g.tgfoid IN ('ctlpr.rules_changed()'::regprocedure, 'ctlpr.statute_changed()'::regprocedure, 'ctlpr.guard_own_table()'::regprocedure, 'ctlpr.skip_known_tile()'::regprocedure) AS own
		  FROM pg_trigger g
			  JOIN pg_class c ON c.oid = g.tgrelid
		  WHERE c.relnamespace = 'ctlpr'::regnamespace AND NOT g.tgisinternal) t
	WHERE NOT t.own OR t.tgenabled <> 'A';

	/* what preflight() warns of before, and what may have come since; it reads no table that is governed already */
	RETURN QUERY
	SELECT DISTINCT CASE WHEN p.item = 'other table with plates' THEN 'info' WHEN p.severity = 'error' THEN 'violation' ELSE p.severity END,
		p.item,
		CASE WHEN p.item IN ('other table with plates', 'unbound role') THEN p.detail ELSE format('%s: %s', g.relation, p.detail) END,
		p.remedy || CASE WHEN p.remedy ~ ';$' THEN '' ELSE ';' END
	FROM unnest(shown) g(relation)
		CROSS JOIN LATERAL ctlpr.preflight(g.relation) p
	WHERE p.item IN ('view', 'materialized view', 'definer function', 'trigger', 'rule', 'existing policy', 'other table with plates', 'unbound role')
		/* the extension's own, and triggers that an administrator has allowed by name */
		AND NOT (p.item = 'trigger' AND EXISTS (
			SELECT FROM ctlpr.governed_relation a CROSS JOIN LATERAL unnest(a.allow_triggers) t(name)
			WHERE a.relation = g.relation AND position(format('trigger "%s" on ', t.name) IN p.detail) > 0));
END
$$;
COMMENT ON FUNCTION ctlpr.posture_relations() IS 'Internal: state and surroundings of the governed relations, for the view posture';

/*
 * current_posture() - all of the above for administrators and bound
 * auditors, nothing for anybody else; worst first.
 */
CREATE FUNCTION ctlpr.current_posture() RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF NOT (pg_has_role(ctlpr.outer_role(), 'ctlpr_admin', 'USAGE') OR ctlpr.is_auditor()) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT a.severity, a.item, a.detail, a.remedy
	FROM (
		SELECT * FROM ctlpr.posture_settings()
		UNION ALL
		SELECT * FROM ctlpr.posture_roles()
		UNION ALL
		SELECT * FROM ctlpr.posture_code()
		UNION ALL
		SELECT * FROM ctlpr.posture_replication()
		UNION ALL
		SELECT * FROM ctlpr.posture_log()
		UNION ALL
		SELECT * FROM ctlpr.posture_relations()
	) a
	ORDER BY array_position('{violation,warning,info}'::text[], a.severity), a.item COLLATE "C", a.detail COLLATE "C";
END
$$;
COMMENT ON FUNCTION ctlpr.current_posture() IS 'What the view posture shows: to administrators and auditors, what weakens the guarantees now';

CREATE VIEW ctlpr.posture WITH (security_barrier) AS
SELECT p.severity, p.item, p.detail, p.remedy
FROM ctlpr.current_posture() p;
COMMENT ON VIEW ctlpr.posture IS 'Settings, roles, extensions, replication, versions and states that weaken the guarantees, worst first (13(g)(5), 14(a)(6))';
COMMENT ON COLUMN ctlpr.posture.severity IS 'violation (a guarantee does not hold) | warning (somebody could get around one) | info';
COMMENT ON COLUMN ctlpr.posture.item IS 'What kind of weakness, the same at every call';
COMMENT ON COLUMN ctlpr.posture.detail IS 'What is there, who could use it and why that matters';
COMMENT ON COLUMN ctlpr.posture.remedy IS 'The statement that puts it right, or what to do where none does';

/*
 * Rights.  What is revoked from PUBLIC here is so again in privileges.sql,
 * which leaves the grants alone.
 */
REVOKE ALL ON FUNCTION ctlpr.current_posture() FROM PUBLIC;
REVOKE ALL ON ctlpr.posture FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.current_posture() TO ctlpr_auditor, ctlpr_admin;
GRANT SELECT ON ctlpr.posture TO ctlpr_auditor, ctlpr_admin;
