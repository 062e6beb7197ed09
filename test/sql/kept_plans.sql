-- 14(a)(6), 13(d)(6): a plan that is kept for the next run is recorded with that run's plates, judged as that run's role, and reads what is there then
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\pset format unaligned
\set first_seq :start_seq
SELECT format('ALTER TABLE plate_reads_%s OWNER TO reads_owner', n) FROM generate_series(1, 6) n \gexec
SET plan_cache_mode = force_generic_plan;
PREPARE one(text) AS SELECT plate FROM plate_reads WHERE plate = $1 ORDER BY 1;
PREPARE listed(text[]) AS SELECT plate FROM plate_reads WHERE plate = ANY ($1) ORDER BY 1;
PREPARE twice(text) AS SELECT plate FROM plate_reads WHERE plate = $1 AND upper(plate) = upper($1) OR plate = $1 ORDER BY 1;
PREPARE two(text, text) AS SELECT plate FROM plate_reads WHERE plate = $1 OR plate = $2 ORDER BY 1;
PREPARE beside(text) AS SELECT plate FROM plate_reads WHERE plate IN ('NH120', $1) ORDER BY 1;
PREPARE maybe(text) AS SELECT plate FROM plate_reads WHERE ($1 IS NULL OR plate = $1) AND camera_id = 1 ORDER BY 1;
PREPARE alike(text) AS SELECT plate FROM plate_reads WHERE plate LIKE $1 ORDER BY 1;
PREPARE looked_up(text[]) AS SELECT plate FROM plate_reads WHERE plate IN (SELECT unnest($1)) ORDER BY 1;
PREPARE camera(int, text) AS SELECT plate FROM plate_reads WHERE camera_id = $1 AND $2 <> 'NH1' ORDER BY 1;
PREPARE everything AS SELECT plate FROM plate_reads ORDER BY 1;
-- each call three times, every time after another one
CREATE TEMP TABLE runs AS
SELECT row_number() OVER (ORDER BY round, CASE round WHEN 1 THEN n WHEN 2 THEN -n ELSE n * 7 % 31 END) AS run, call
FROM generate_series(1, 3) round, unnest(ARRAY[$$one('NH1')$$, $$one('HA1')$$, $$one(NULL)$$, $$one('NH500')$$, $$listed('{NH1,NH300}')$$, $$listed('{NH300,NULL,NH120,NH300,NONE}')$$, $$listed('{}')$$,
	$$listed('{NULL}')$$, $$listed(NULL)$$, $$listed('{HA1}')$$, $$twice('NH1')$$, $$twice('NH300')$$, $$twice(NULL)$$, $$two('NH1', 'NH500')$$, $$two('NH500', 'NH1')$$, $$two(NULL, 'NH1')$$, $$two('NH1', 'NH1')$$,
	$$beside('NH1')$$, $$beside('NH300')$$, $$beside(NULL)$$, $$maybe('NH1')$$, $$maybe(NULL)$$, $$alike('NH1%')$$, $$alike('%5%')$$, $$looked_up('{NH1,NONE}')$$, $$looked_up('{NH500}')$$, $$camera(1, 'x')$$, $$camera(2, 'NH1')$$,
	'everything']) WITH ORDINALITY c (call, n);
GRANT SELECT ON runs TO officer;
SET ROLE officer; BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
SELECT 'EXECUTE ' || call FROM runs ORDER BY run \gexec
COMMIT; RESET ROLE;
SELECT count(*) AS prepared, sum(generic_plans) AS generic, sum(custom_plans) AS custom FROM pg_prepared_statements;
SELECT call, count(*) AS runs, count(DISTINCT to_jsonb(l) - 'run') AS entries, min(search_kind) AS search_kind, min(plates) AS plates, min(returned) AS returned, min(touched) AS touched
FROM runs LEFT JOIN (SELECT row_number() OVER () AS run, * FROM pg_temp.log_since(:start_seq) WHERE action = 'select') l USING (run) GROUP BY 1 ORDER BY min(run);
SELECT substring(call FROM '\w+') AS name, count(*) AS runs, count(DISTINCT statement) AS texts, min(statement) AS statement
FROM runs LEFT JOIN (SELECT row_number() OVER (ORDER BY seq) AS run, statement FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND relation = 'public.plate_reads') e USING (run) GROUP BY 1 ORDER BY min(run);
-- of several in one message each has its own text
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
PREPARE a(text) AS SELECT plate AS a FROM plate_reads WHERE plate = $1 AND agency_id <> 'HA1'\; PREPARE b(text) AS SELECT plate AS b FROM plate_reads WHERE plate = $1;
SET ROLE officer; BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
EXECUTE a('NH1')\; EXECUTE b('NH300')\; SELECT plate AS c FROM plate_reads WHERE plate = 'NH500'\; EXECUTE a('NH120');
COMMIT; RESET ROLE;
SELECT plates, statement FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND relation = 'public.plate_reads' ORDER BY seq;
-- judged as who runs it, under the request that there is
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SELECT format('SET ROLE %I', r), $$EXECUTE one('HA1')$$, 'BEGIN', $$SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun$$, $$EXECUTE one('NH1')$$, $$EXECUTE one('HA1')$$, 'COMMIT'
FROM unnest('{officer,officer_hpd,texan,stranger,officer}'::name[]) WITH ORDINALITY u (r, n) ORDER BY n \gexec
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
EXECUTE listed('{NH1,HA1}');
SAVEPOINT s; SET ROLE officer_hpd;
EXECUTE listed('{NH1,HA1}');
ROLLBACK TO s; SELECT ctlpr.end_request();
EXECUTE listed('{NH1,HA1}');
ROLLBACK; RESET ROLE;
EXECUTE one('NH1');
SELECT role, allowed, sqlstate, plates, returned FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
-- other partitions are there, by what a run leaves out and by what became of them
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
PREPARE since(timestamptz, text) AS SELECT plate FROM plate_reads WHERE captured_at >= $1 AND plate LIKE $2 ORDER BY 1;
SELECT max(pg_get_expr(relpartbound, oid)) FILTER (WHERE relname = 'plate_reads_2') AS range_2, max(pg_get_expr(relpartbound, oid)) FILTER (WHERE relname = 'plate_reads_3') AS range_3 FROM pg_class \gset
SET ROLE officer;
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session') > 0 AS begun \gset
SELECT format('EXECUTE since(now() - interval ''%s hours'', %L)', age, sought) FROM unnest('{5,600,200,-2000,400,5,10000}'::int[], '{NH%,N%,NH1%,X%,NH%,%1,%500}'::text[]) u (age, sought) \gexec
SET ROLE reads_owner; ALTER TABLE plate_reads DETACH PARTITION plate_reads_3; SET ROLE officer;
EXECUTE listed('{NH300,NH1}');
SET ROLE reads_owner; ALTER TABLE plate_reads ATTACH PARTITION plate_reads_3 :range_3; SET ROLE officer;
EXECUTE listed('{NH120,NH300}');
SET ROLE reads_owner; DROP TABLE plate_reads_2; SET ROLE officer;
EXECUTE listed('{NH500,NH300}');
SET ROLE reads_owner; CREATE TABLE plate_reads_7 PARTITION OF plate_reads :range_2; SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '490 hours', 'NH490', 'CT-NHPD');
SET ROLE officer;
EXECUTE listed('{NH490,NH1}'); EXECUTE since(now() - interval '500 hours', 'NH4%');
RESET ROLE;
SELECT role, allowed, sqlstate, search_kind, plates, returned, touched FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
-- an owner that gets a key, another plate column, no governance for a while
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
ALTER TABLE plate_reads ADD COLUMN seen_as text NOT NULL DEFAULT 'SEEN';
PREPARE both_columns(text, text) AS SELECT plate FROM plate_reads WHERE plate = $1 AND seen_as = $2;
SET ROLE officer;
EXECUTE both_columns('NH1', 'SEEN'); EXECUTE one('XX1');
RESET ROLE; SELECT ctlpr.agency_key('CT-NHPD', 'plate_reads', 'XX-NONE'); SET ROLE officer;
EXECUTE one('XX1');
RESET ROLE; SELECT ctlpr.drop_agency_key('plate_reads', 'XX-NONE'); SET ROLE officer;
EXECUTE one('XX1');
RESET ROLE; SELECT ctlpr.release('plate_reads', 'for another column'); SET ROLE officer;
EXECUTE one('XX1'); EXECUTE both_columns('NH300', 'SEEN');
RESET ROLE; SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'seen_as', agency => 'agency_id'); SET ROLE officer;
EXECUTE one('XX1'); EXECUTE both_columns('NH300', 'SEEN');
RESET ROLE; SELECT ctlpr.release('plate_reads', 'as before'), ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id'); SET ROLE officer;
EXECUTE both_columns('NH120', 'SEEN'); EXECUTE one('NH1');
RESET ROLE;
SELECT role, allowed, sqlstate, search_kind, plates, returned, touched FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
-- functions keep plans too
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
CREATE FUNCTION found(sought text[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT count(*) FROM plate_reads WHERE plate = ANY (sought)); END $$;
CREATE FUNCTION found_each(sought text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN FOREACH s IN ARRAY sought LOOP RETURN QUERY SELECT plate FROM plate_reads WHERE plate = s; END LOOP; END $$;
CREATE FUNCTION inlined(sought text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT plate FROM plate_reads WHERE plate = sought $$;
CREATE FUNCTION called(sought text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT plate FROM plate_reads WHERE plate = sought $$;
PREPARE by_function(text) AS SELECT * FROM inlined($1);
SET ROLE officer;
SELECT found('{NH1,NH120}'), found('{NH300}'), found('{}'), found('{NH300,NULL,NH1}');
SELECT found('{HA1}');
SELECT found_each('{NH1,HA1,NH300}'); SELECT found_each(ARRAY['NH120', NULL]);
SELECT inlined('NH1'); EXECUTE by_function('NH120'); EXECUTE by_function('NH1');
SELECT called(s) FROM unnest('{NH1,HA1,NH120}'::text[]) s;
RESET ROLE;
SELECT search_kind, plates, returned, touched FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
-- what a run may not do it may not do after one that might
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
CREATE SCHEMA own AUTHORIZATION officer;
SET ROLE officer;
EXECUTE one('NH1');
CREATE TABLE own.copied AS EXECUTE one('NH1'); CREATE TEMP TABLE copied AS EXECUTE one('NH120');
BEGIN;
CREATE TEMP TABLE copied ON COMMIT DROP AS EXECUTE one('NH300');
TABLE copied; COMMIT;
DECLARE held CURSOR WITH HOLD FOR SELECT plate FROM plate_reads WHERE plate = 'NH1';
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE one('NH1');
DO $$ DECLARE c refcursor; p text; BEGIN OPEN c FOR EXECUTE 'EXECUTE one(''NH1'')'; FETCH c INTO p; RAISE NOTICE '%', p; END $$;
DO $$ DECLARE r record; s text; BEGIN FOREACH s IN ARRAY '{NH300,NH1}'::text[] LOOP FOR r IN SELECT plate FROM plate_reads WHERE plate = s LOOP COMMIT; END LOOP; END LOOP; END $$;
EXECUTE one('NH300');
RESET ROLE;
SELECT role, action, allowed, sqlstate, plates, returned FROM pg_temp.log_since(:start_seq);
SELECT count(*) AS with_a_literal FROM ctlpr.audit_entry WHERE seq > :first_seq AND statement ~ 'NH|HA1|SEEN';
DROP FUNCTION found, found_each, inlined, called; DROP SCHEMA own;
