-- reference.sql - writes docs/reference.md from the comments of an installed extension, for psql -XAtq.
--
-- What is public: what PUBLIC or a group role of the extension may call or read, and every setting.
SET client_min_messages = error;
SET search_path = pg_catalog;

CREATE TEMP VIEW reader AS
SELECT r.oid, r.rolname AS name FROM pg_roles r WHERE r.rolname ~ '^ctlpr_'
UNION ALL SELECT 0, 'everybody';

-- Arguments and results as they are written by hand
CREATE FUNCTION pg_temp.plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT regexp_replace(replace(replace($1, 'timestamp with time zone', 'timestamptz'), 'SETOF ctlpr.', 'SETOF '), '::[a-z]+(\[\])?', '', 'g')$$;

-- A number of a setting with the largest unit that it is a multiple of
CREATE FUNCTION pg_temp.amount(amount bigint, unit text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((SELECT amount / u.many || u.name
			FROM (VALUES ('min', 1440, 'd'), ('min', 60, 'h'), ('s', 86400, 'd'), ('s', 3600, 'h'), ('s', 60, 'min'), ('ms', 60000, 'min'), ('ms', 1000, 's'),
						 ('kB', 1048576, 'GB'), ('kB', 1024, 'MB')) AS u (unit, many, name)
			WHERE u.unit = amount.unit AND amount.amount <> 0 AND amount.amount % u.many = 0
			ORDER BY u.many DESC LIMIT 1),
		amount || coalesce(unit, ''))
$$;

CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$SELECT replace(replace($1, '|', '\|'), E'\n', ' ')$$;

SELECT '# Reference

Every public function, view, table and setting of the extension, written from its comments by `make reference`; change the comment, not this page.
[concepts.md](concepts.md) says how they belong together. Arguments are best named. Errors beside the `LP` ones are the server''s own. Functions that
are not here are internal, and only the extension''s owner may call them.

## Functions
';

SELECT format(E'### %s\n\n```\n%s(%s)%s\n```\n\n%s. For %s.\n', string_agg(DISTINCT p.proname, ''), p.proname,
		CASE WHEN length(pg_temp.plain(pg_get_function_arguments(p.oid))) > 90 THEN E'\n    ' || replace(pg_temp.plain(pg_get_function_arguments(p.oid)), ', ', E',\n    ') ELSE pg_temp.plain(pg_get_function_arguments(p.oid)) END,
		CASE WHEN p.prokind = 'p' THEN '  (a procedure)' ELSE ' → ' || pg_temp.plain(coalesce(pg_get_function_result(p.oid), '')) END,
		rtrim(obj_description(p.oid, 'pg_proc'), '.'),
		string_agg(DISTINCT r.name, ', ' ORDER BY r.name))
FROM pg_proc p
	CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
	JOIN reader r ON r.oid = x.grantee
WHERE p.pronamespace = 'ctlpr'::regnamespace AND x.privilege_type = 'EXECUTE' AND obj_description(p.oid, 'pg_proc') !~ '^(Internal|Policy |Restrictive policy|Condition of|Marks the plan|Counts a read)'
GROUP BY p.oid
ORDER BY p.proname, pg_get_function_identity_arguments(p.oid);

SELECT E'## Views and tables\n';

SELECT format(E'### %s\n\n%s. %s, read by %s.\n\n| column | type | |\n|---|---|---|\n%s\n', c.relname, rtrim(obj_description(c.oid, 'pg_class'), '.'),
		CASE c.relkind WHEN 'v' THEN 'A view' ELSE 'A table' END, readers.names, columns.rows)
FROM pg_class c
	CROSS JOIN LATERAL (
		SELECT string_agg(DISTINCT r.name, ', ' ORDER BY r.name) AS names
		FROM aclexplode(c.relacl) x JOIN reader r ON r.oid = x.grantee
		WHERE x.privilege_type = 'SELECT') readers
	CROSS JOIN LATERAL (
		SELECT string_agg(format('| `%s` | %s | %s |', a.attname, pg_temp.plain(format_type(a.atttypid, a.atttypmod)),
								pg_temp.cell(col_description(c.oid, a.attnum))), E'\n' ORDER BY a.attnum) AS rows
		FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) columns
WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v') AND readers.names IS NOT NULL
ORDER BY c.relname;

SELECT E'## Settings\n\n| setting | default | changed by | |\n|---|---|---|---|';

SELECT format('| `%s` | `%s` | %s | %s |', s.name, CASE WHEN s.boot_val ~ '^[0-9]+$' THEN pg_temp.amount(s.boot_val::bigint, s.unit) WHEN s.boot_val = '' THEN '(empty)' ELSE s.boot_val END,
		CASE s.context WHEN 'postmaster' THEN 'restart' WHEN 'sighup' THEN 'reload' WHEN 'superuser' THEN 'superusers' WHEN 'user' THEN 'everybody' ELSE s.context END,
		pg_temp.cell(concat_ws(' ', s.short_desc, s.extra_desc)))
FROM pg_settings s
WHERE s.name LIKE 'ctlpr.%'
ORDER BY s.name;
