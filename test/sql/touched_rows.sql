-- 15(a)(1)(G), 13(d)(8): for a statement on one relation, rows touched are the same under every plan
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id)
SELECT now() - n * interval '1 hour', 'ZZ' || lpad(n::text, 3, '0'), 'CT-NHPD', n % 7 FROM generate_series(1, 300) n;
RESET ROLE;
CREATE INDEX ON plate_reads (camera_id, captured_at);
ANALYZE plate_reads;
CREATE FUNCTION pg_temp.sees(plate text) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN length(plate); END';
CREATE VIEW recent AS SELECT * FROM plate_reads;
GRANT SELECT ON recent TO officer;
ALTER VIEW recent SET (security_invoker = on);
CREATE TABLE statement (n int, sql text);
INSERT INTO statement VALUES
	(1, 'SELECT * FROM plate_reads WHERE plate LIKE ''ZZ%'' ORDER BY captured_at DESC LIMIT 5'),
	(2, 'SELECT plate FROM plate_reads ORDER BY plate, captured_at OFFSET 4 LIMIT 3'),
	(3, 'SELECT upper(plate) FROM plate_reads WHERE camera_id = 3 ORDER BY captured_at LIMIT 2'),
	(4, 'SELECT plate FROM plate_reads LIMIT 4'),
	(5, 'SELECT plate FROM plate_reads ORDER BY captured_at LIMIT 0'),
	(6, 'SELECT max(captured_at) FROM plate_reads'),
	(7, 'SELECT min(plate), max(plate) FROM plate_reads WHERE camera_id = 2'),
	(8, 'SELECT EXISTS (SELECT 1 FROM plate_reads WHERE camera_id = 1)'),
	(9, 'SELECT (SELECT plate FROM plate_reads ORDER BY captured_at LIMIT 1)'),
	(10, 'SELECT DISTINCT camera_id FROM plate_reads LIMIT 2'),
	(11, 'SELECT DISTINCT camera_id FROM plate_reads ORDER BY camera_id LIMIT 2'),
	(12, 'SELECT camera_id, count(*) FROM plate_reads GROUP BY camera_id ORDER BY camera_id LIMIT 1'),
	(13, 'SELECT camera_id, count(*) FROM plate_reads GROUP BY camera_id ORDER BY 2 DESC LIMIT 1'),
	(14, 'SELECT camera_id, row_number() OVER (PARTITION BY camera_id ORDER BY captured_at) FROM plate_reads LIMIT 3'),
	(15, 'SELECT * FROM (SELECT DISTINCT plate FROM plate_reads WHERE plate LIKE ''ZZ%'') s LIMIT 1'),
	(16, 'SELECT count(*) FROM (SELECT 1 FROM plate_reads ORDER BY captured_at LIMIT 6) s'),
	(17, 'SELECT plate FROM recent ORDER BY captured_at LIMIT 3'),
	(18, 'WITH s AS MATERIALIZED (SELECT plate FROM plate_reads ORDER BY plate LIMIT 7) SELECT * FROM s'),
	(19, 'SELECT plate FROM plate_reads WHERE camera_id = 4 ORDER BY captured_at'),
	(20, 'SELECT read_id FROM plate_reads WHERE agency_id = ''CT-NHPD'' ORDER BY captured_at LIMIT 2 FOR UPDATE'),
	(21, 'SELECT camera_id FROM plate_reads GROUP BY GROUPING SETS ((camera_id), ()) LIMIT 1'),
	(22, 'SELECT s.n FROM generate_series(1, 3) n, LATERAL (SELECT n, camera_id FROM plate_reads WHERE camera_id = n GROUP BY 2 LIMIT 1) s');
GRANT SELECT ON statement TO officer;
CREATE TABLE plan_setting (name text, settings text[]);
INSERT INTO plan_setting VALUES
	('default', '{}'), ('no seqscan', '{enable_seqscan,off}'), ('no indexes', '{enable_indexscan,off,enable_indexonlyscan,off,enable_bitmapscan,off}'),
	('bitmap only', '{enable_indexscan,off,enable_indexonlyscan,off,enable_seqscan,off}'), ('no sort', '{enable_sort,off,enable_incremental_sort,off}'),
	('no hash', '{enable_hashagg,off}'), ('sorted groups', '{enable_hashagg,off,enable_seqscan,off,enable_bitmapscan,off}'),
	('incremental', '{enable_hashagg,off,enable_seqscan,off,enable_bitmapscan,off,enable_sort,off}'),
	('no append order', '{enable_gathermerge,off,enable_partition_pruning,off}'), ('by partition', '{enable_partitionwise_aggregate,on,enable_partitionwise_join,on}'),
	('parallel', '{parallel_setup_cost,0,parallel_tuple_cost,0,min_parallel_table_scan_size,0,min_parallel_index_scan_size,0,max_parallel_workers_per_gather,2}'),
	('parallel, sorted', '{parallel_setup_cost,0,parallel_tuple_cost,0,min_parallel_table_scan_size,0,min_parallel_index_scan_size,0,max_parallel_workers_per_gather,2,enable_hashagg,off,enable_indexscan,off,enable_indexonlyscan,off}');
GRANT SELECT ON plan_setting TO officer;
CREATE PROCEDURE run_under_all_plans() LANGUAGE plpgsql AS $$
DECLARE
	s record;
	p record;
BEGIN
	FOR p IN SELECT * FROM plan_setting LOOP
		FOR i IN 1 .. cardinality(p.settings) / 2 LOOP
			PERFORM set_config(p.settings[2 * i - 1], p.settings[2 * i], true);
		END LOOP;
		FOR s IN SELECT * FROM statement ORDER BY n LOOP
			PERFORM set_config('application_name', s.n::text, true);
			EXECUTE s.sql;
		END LOOP;
		FOR i IN 1 .. cardinality(p.settings) / 2 LOOP
			EXECUTE format('RESET %I', p.settings[2 * i - 1]);
		END LOOP;
	END LOOP;
END
$$;
SELECT coalesce(max(seq), 0) AS before FROM ctlpr.audit_entry \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
CALL run_under_all_plans();
COMMIT;
RESET ROLE;
SELECT count(*) > 0 AS recorded FROM pg_temp.log_since(:before);
SELECT s.n, s.sql, array_agg(DISTINCT l.rows_touched) AS touched, count(*) AS runs
FROM statement s JOIN ctlpr.audit_log l ON l.application_name = s.n::text AND l.seq > :before AND l.action IN ('select', 'update')
GROUP BY 1, 2 ORDER BY 1;
-- what a function of somebody's has seen counts, limit or not
SELECT coalesce(max(seq), 0) AS before FROM ctlpr.audit_entry \gset
GRANT EXECUTE ON FUNCTION pg_temp.sees TO officer;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
SELECT pg_temp.sees(plate) FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at LIMIT 1;
SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY pg_temp.sees(plate), captured_at LIMIT 1;
-- a cursor counts what has been fetched
DECLARE c CURSOR FOR SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at;
FETCH 3 FROM c;
CLOSE c;
DECLARE d SCROLL CURSOR FOR SELECT DISTINCT camera_id FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY camera_id LIMIT 3;
FETCH 2 FROM d;
FETCH BACKWARD 1 FROM d;
CLOSE d;
COMMIT;
RESET ROLE;
SELECT returned, touched FROM pg_temp.log_since(:before) WHERE action = 'select';
-- ... and what is counted there shows nowhere
CREATE FUNCTION newest(n int) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT plate FROM plate_reads WHERE plate LIKE ''ZZ%'' ORDER BY captured_at DESC LIMIT n';
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
(SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 2) UNION ALL (SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at LIMIT 1);
SELECT count(*) FROM ((SELECT plate FROM plate_reads ORDER BY plate LIMIT 9) INTERSECT (SELECT plate FROM plate_reads ORDER BY plate LIMIT 5)) s;
SELECT s, s.plate FROM (SELECT plate, camera_id FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 1) s;
WITH c AS MATERIALIZED (SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 1) SELECT c FROM c;
SELECT ARRAY(SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 2);
SELECT 'ZZ001' IN (SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 2), (SELECT (plate, camera_id) FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 1);
SELECT * FROM newest(2);
SELECT newest(1);
WITH RECURSIVE r (plate, n) AS ((SELECT plate, 1 FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 1) UNION ALL SELECT plate, n + 1 FROM r WHERE n < 2) SELECT * FROM r;
CREATE TEMPORARY TABLE few ON COMMIT DROP AS SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT 1;
SELECT * FROM few;
PREPARE generic(int) AS SELECT plate FROM plate_reads WHERE plate LIKE 'ZZ%' ORDER BY captured_at DESC LIMIT $1;
SET LOCAL plan_cache_mode = force_generic_plan;
EXECUTE generic(2);
COMMIT;
RESET ROLE;
DROP FUNCTION newest;
-- the limit of 13(d)(8) is held against what is given
SET ctlpr.bulk_row_limit = 10;
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-2') > 0 AS begun;
SET LOCAL enable_indexscan = off;
SELECT count(*) FROM (SELECT 1 FROM plate_reads WHERE agency_id = 'CT-NHPD' ORDER BY captured_at LIMIT 10) s;
SELECT count(*) FROM (SELECT 1 FROM plate_reads WHERE agency_id = 'CT-NHPD' ORDER BY captured_at LIMIT 11) s;
ROLLBACK;
RESET ROLE;
\set QUIET on
RESET ctlpr.bulk_row_limit;
DROP VIEW recent;
DROP TABLE statement, plan_setting;
DROP PROCEDURE run_under_all_plans;
