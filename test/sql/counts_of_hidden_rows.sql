-- 13(b)(2)(A), 13(d)(6): neither EXPLAIN ANALYZE nor the server's statistics tell of reads that the policy hides
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE ROLE data_admin LOGIN;
GRANT ctlpr_admin TO data_admin;
SELECT ctlpr.bind_role('data_admin', 'CT-NHPD') \g /dev/null
GRANT SELECT ON plate_reads TO data_admin;
CREATE STATISTICS of_reads (mcv, ndistinct, dependencies) ON plate, agency_id FROM plate_reads_1;
ANALYZE plate_reads;
CREATE FUNCTION pg_temp.explained(options text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE line text; BEGIN FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP IF line ~ 'Rows Removed|actual' THEN RETURN NEXT 'counted'; END IF; END LOOP; END $$;
SET ROLE officer;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT * FROM plate_reads;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT * FROM plate_reads;
ROLLBACK TO a;
EXPLAIN ANALYZE SELECT * FROM plate_reads;
ROLLBACK TO a;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) DELETE FROM plate_reads WHERE plate = 'NH1';
ROLLBACK TO a;
PREPARE sought AS SELECT plate FROM plate_reads;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE sought;
ROLLBACK TO a;
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) CREATE TEMP TABLE t ON COMMIT DROP AS SELECT plate FROM plate_reads;
ROLLBACK TO a;
SELECT DISTINCT e FROM pg_temp.explained('ANALYZE', 'SELECT * FROM plate_reads') e;
ROLLBACK TO a;
SELECT count(*) AS lines FROM pg_temp.explained('COSTS off', 'SELECT * FROM plate_reads');
SELECT DISTINCT e AS ungoverned FROM pg_temp.explained('ANALYZE', 'SELECT 1') e;
COMMIT;
SET ROLE data_admin;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', officer => 'A', case_number => '26-1') > 0 AS begun;
SELECT DISTINCT e FROM pg_temp.explained('ANALYZE', 'SELECT * FROM plate_reads') e;
-- parallel workers count for their leader
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
SELECT set_config(name, 'on', true) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT DISTINCT e FROM pg_temp.explained('ANALYZE, VERBOSE', 'SELECT count(*) FROM plate_reads') e;
COMMIT;
RESET ROLE;
-- what ANALYZE keeps: for nobody, superusers included
GRANT pg_read_all_data, pg_read_all_stats TO stranger;
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (statistics bigint, extended bigint, plates bigint, others bigint) LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM pg_statistic s WHERE s.starelid IN (SELECT 'plate_reads'::regclass UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = 'plate_reads'::regclass)),
		(SELECT count(*) FROM pg_statistic_ext_data d JOIN pg_statistic_ext s ON s.oid = d.stxoid WHERE s.stxname = 'of_reads'),
		(SELECT count(*) FROM pg_stats WHERE tablename LIKE 'plate_reads%') + (SELECT count(*) FROM pg_stats_ext WHERE tablename LIKE 'plate_reads%' AND (most_common_vals IS NOT NULL OR n_distinct IS NOT NULL)),
		least(1, (SELECT count(*) FROM pg_stats WHERE tablename = 'pg_class')) $$;
SELECT * FROM pg_temp.seen();
SET ROLE bypasser;
SELECT plates FROM pg_temp.seen() WHERE false;
SELECT count(*) AS plates FROM pg_stats WHERE tablename LIKE 'plate_reads%';
SET ROLE stranger;
SELECT * FROM pg_temp.seen();
RESET ROLE;
BEGIN;
SELECT ctlpr.break_glass('look at the statistics') > 0 AS broken;
SELECT * FROM pg_temp.seen();
COMMIT;
-- nor by COPY, nor through a function that the planner takes apart, nor by a plan from before
CREATE FUNCTION pg_temp.inlined() RETURNS SETOF pg_stats LANGUAGE sql STABLE AS 'SELECT * FROM pg_catalog.pg_stats';
SELECT count(*) FROM pg_temp.inlined() WHERE tablename LIKE 'plate_reads%';
SET ROLE stranger;
CREATE TEMPORARY TABLE lines (line text);
\set QUIET on
\copy pg_statistic (starelid) TO '/tmp/ctlpr_statistics'
\copy lines FROM '/tmp/ctlpr_statistics'
\set QUIET off
RESET ROLE;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE line::oid IN (SELECT m FROM ctlpr.relation_members('plate_reads') m)) AS of_reads FROM lines;
\! rm -f /tmp/ctlpr_statistics
SELECT ctlpr.release('plate_reads', 'test') \g /dev/null
SET plan_cache_mode = force_generic_plan;
PREPARE before AS SELECT count(*) > 0 AS seen FROM pg_statistic WHERE starelid = 'plate_reads_4'::regclass;
EXECUTE before;
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') \g /dev/null
EXECUTE before;
DEALLOCATE before;
RESET plan_cache_mode;
DROP STATISTICS of_reads;
REVOKE pg_read_all_data, pg_read_all_stats FROM stranger;
-- what goes wrong in maintenance names no read
CREATE TABLE pairs (captured_at timestamptz NOT NULL, plate text NOT NULL, note text, lane text);
INSERT INTO pairs VALUES (now() - interval '90 days', 'HIDDEN1', 'HIDDEN2', 'x'), (now(), 'HIDDEN1', NULL, '1');
SELECT ctlpr.govern('pairs', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
\set VERBOSITY default
CREATE UNIQUE INDEX ON pairs (plate);
ALTER TABLE pairs ADD CONSTRAINT u UNIQUE (plate);
ALTER TABLE pairs ADD EXCLUDE USING btree (plate WITH =);
ALTER TABLE pairs ALTER COLUMN note TYPE int USING note::int;
ALTER TABLE pairs ALTER COLUMN lane TYPE int USING (plate::int);
ALTER TABLE pairs ADD CHECK (plate <> 'HIDDEN1');
ALTER TABLE pairs ALTER COLUMN note SET NOT NULL;
CREATE INDEX ON pairs ((note::int));
\set VERBOSITY sqlstate
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action NOT IN ('request', 'configuration') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT ctlpr.release('pairs', 'test') \g /dev/null
DROP TABLE pairs;
SELECT ctlpr.unbind_role('data_admin', 'CT-NHPD') \g /dev/null
REVOKE ALL ON plate_reads FROM data_admin;
DROP ROLE data_admin;
-- nor what the server counts of scans: a search for a read that is hidden fetches it
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM plate_reads WHERE plate = 'HA1';
SAVEPOINT a;
SELECT relname, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname ~ 'plate_reads' AND idx_tup_fetch > 0;
ROLLBACK TO a;
SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'plate_reads_4';
ROLLBACK TO a;
SELECT idx_tup_read FROM pg_stat_user_indexes WHERE relname = 'plate_reads_4';
ROLLBACK TO a;
SELECT heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'plate_reads_4';
ROLLBACK TO a;
SELECT count(*) AS tables FROM pg_stat_user_tables WHERE relname = 'plate_reads_4' AND last_analyze IS NOT NULL;
COMMIT;
RESET ROLE;
CREATE ROLE watchman;
GRANT pg_monitor TO watchman;
SET ROLE watchman;
SELECT count(seq_tup_read) AS tables FROM pg_stat_user_tables WHERE relname = 'plate_reads_4';
RESET ROLE;
DROP ROLE watchman;
-- what ANALYZE keeps of an index is hidden with what it keeps of its table
CREATE INDEX as_written ON plate_reads_2 (upper(plate));
ANALYZE plate_reads_2;
SELECT count(*) FROM pg_stats WHERE tablename = 'as_written';
SELECT count(*) FROM pg_statistic WHERE starelid = 'as_written'::regclass;
DROP INDEX as_written;
-- nor does PostGIS tell where hidden reads are
SELECT ctlpr.release('plate_reads', 'to add a place') \g /dev/null
ALTER TABLE plate_reads ADD COLUMN place geometry;
UPDATE plate_reads SET place = st_makepoint(-72.9, 41.3);
CREATE INDEX ON plate_reads_2 USING gist (place);
ANALYZE plate_reads_2;
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') \g /dev/null
GRANT SELECT ON plate_reads_2 TO officer;
SET ROLE officer;
SELECT st_estimatedextent('public', 'plate_reads_2', 'place');
SELECT _postgis_index_extent('plate_reads_2', 'place');
SELECT _postgis_stats('plate_reads_2', 'place');
SELECT _postgis_selectivity('plate_reads_2', 'place', st_makeenvelope(-73, 41, -72, 42));
RESET ROLE;
