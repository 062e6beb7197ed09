-- describe.sql - everything that is to be known of the extension in this database, a line for each part of an object; two
-- databases with the same version of it show the same.  What the server numbers, and what it does on its own, is left out:
-- OIDs, statistics, the places of columns that were dropped, and the numbers that some releases keep with each column.
SET search_path = pg_catalog;
WITH member AS (
	SELECT d.classid, d.objid, i.type, i.identity
	FROM pg_depend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'ctlpr')
), relation AS (
	SELECT c.*, format('%s %s', c.relkind, c.relname) AS what FROM pg_class c
	WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S', 'p', 'f', 'c')
), line (what, said) AS (
	SELECT 'member', format('%s %s', m.type, m.identity) FROM member m
	UNION ALL SELECT 'extension', format('%s %s %s owner %s: %s', e.extname, e.extversion, e.extrelocatable, e.extowner::regrole, obj_description(e.oid, 'pg_extension')) FROM pg_extension e WHERE e.extname = 'ctlpr'
	UNION ALL SELECT 'dump', format('%s %s', c.relation::regclass, c.condition) FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) c (relation, condition) WHERE e.extname = 'ctlpr'
	UNION ALL SELECT 'schema', format('%s owner %s, may %s: %s', n.nspname, n.nspowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(n.nspacl) a), obj_description(n.oid, 'pg_namespace')) FROM pg_namespace n WHERE n.nspname = 'ctlpr'
	UNION ALL SELECT 'function ' || p.oid::regprocedure, format('owner %s, may %s, cost %s, rows %s: %s / %s', p.proowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(p.proacl) a), p.procost, p.prorows, obj_description(p.oid, 'pg_proc'), pg_get_functiondef(p.oid)) FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.prokind <> 'a'
	UNION ALL SELECT 'initial rights ' || m.identity, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(i.initprivs) a) || ' of ' || i.objsubid FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
	UNION ALL SELECT r.what, format('owner %s, may %s, %s %s %s %s options %s: %s', r.relowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(r.relacl) a), r.relpersistence, r.relrowsecurity, r.relforcerowsecurity, r.relreplident, r.reloptions, obj_description(r.oid, 'pg_class')) FROM relation r
	UNION ALL SELECT r.what || ' column ' || row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum), format('%s %s, null %s, default %s, %s%s, stored %s%s, collation %s, may %s, statistics %s, options %s: %s',
			a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attcollation::regcollation,
			(SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM unnest(a.attacl) x), a.attstattarget, ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'), col_description(r.oid, a.attnum))
		FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
	UNION ALL SELECT r.what || ' constraint', format('%s: %s, %s %s %s: %s', c.conname, pg_get_constraintdef(c.oid), c.convalidated, c.connoinherit, c.condeferrable, obj_description(c.oid, 'pg_constraint')) FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
	UNION ALL SELECT r.what || ' index', format('%s valid %s, %s, clustered %s, identity %s: %s', pg_get_indexdef(i.indexrelid), i.indisvalid, c.reloptions, i.indisclustered, i.indisreplident, obj_description(i.indexrelid, 'pg_class')) FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
	UNION ALL SELECT r.what || ' trigger', format('%s, enabled %s: %s', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger')) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
	UNION ALL SELECT r.what || ' policy', format('%s for %s, %s, to %s, using %s, check %s', p.polname, p.polcmd, p.polpermissive, (SELECT string_agg(o::regrole::text, ' ' ORDER BY o::regrole::text) FROM unnest(p.polroles) o), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
	UNION ALL SELECT r.what || ' rule', pg_get_ruledef(w.oid) || w.ev_enabled::text FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
	UNION ALL SELECT r.what || ' statistics', pg_get_statisticsobjdef(s.oid) FROM relation r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
	UNION ALL SELECT r.what || ' sequence', format('%s from %s by %s %s-%s %s %s, of %s', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
			(SELECT string_agg(format('%s %s.%s', d.deptype, d.refobjid::regclass, a.attname), ' ') FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.objid = r.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
		FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
	UNION ALL SELECT 'type ' || t.typname, format('%s %s owner %s, may %s, base %s %s, null %s, default %s: %s; %s; %s', t.typtype, t.typcategory, t.typowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(t.typacl) a), format_type(t.typbasetype, t.typtypmod), t.typcollation::regcollation, NOT t.typnotnull, t.typdefault, obj_description(t.oid, 'pg_type'),
			(SELECT string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), (SELECT string_agg(c.conname || ' ' || pg_get_constraintdef(c.oid), ' ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid))
		FROM pg_type t WHERE t.typnamespace = 'ctlpr'::regnamespace
	UNION ALL SELECT 'role ' || r.rolname, format('%s %s %s %s %s %s %s, member of %s', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls, (SELECT string_agg(m.roleid::regrole::text, ' ' ORDER BY m.roleid::regrole::text) FROM pg_auth_members m WHERE m.member = r.oid)) FROM pg_roles r WHERE r.rolname LIKE 'ctlpr\_%'
	UNION ALL SELECT 'default rights', format('%s %s %s', a.defaclrole::regrole, a.defaclobjtype, a.defaclacl) FROM pg_default_acl a WHERE a.defaclnamespace = 'ctlpr'::regnamespace
	-- rows that come with the extension
	UNION ALL SELECT 'row of ' || c.relation::regclass, x.said FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) c (relation, condition)
		CROSS JOIN LATERAL unnest(xpath('/table/row', query_to_xml(format('SELECT (to_jsonb(t) - ''adopted_at'')::text AS said FROM %s t', c.relation::regclass), false, false, ''))) row
		CROSS JOIN LATERAL (SELECT (xpath('/row/said/text()', row))[1]::text) x (said)
		WHERE e.extname = 'ctlpr' AND c.condition LIKE '%shipped%'
)
SELECT said FROM (SELECT replace(format('%s: %s', what, said), E'\n', '\n') FROM line) l (said) ORDER BY said COLLATE "C";
