-- 13(d)(6), 13(b)(2)(A): whatever runs a query passes the gate: text search statistics, samples, addresses of rows, locks, cursors' positions
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT count(*) FROM ts_stat('SELECT to_tsvector(plate) FROM plate_reads');
DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT plate FROM plate_reads' LOOP RAISE NOTICE '%', r; END LOOP; END $$;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT sum(ndoc) FROM ts_stat('SELECT to_tsvector(''simple'', plate) FROM plate_reads');
SELECT count(*) FROM plate_reads TABLESAMPLE SYSTEM (100);
SELECT count(*) FROM plate_reads WHERE ctid >= '(0,0)';
SELECT count(*) FROM (SELECT plate FROM plate_reads FOR UPDATE) s;
SELECT count(*) FROM (SELECT plate FROM plate_reads FOR KEY SHARE SKIP LOCKED) s;
SELECT count(*) FROM plate_reads r WHERE (r.*)::text LIKE '%HA%';
SELECT count(*) FROM plate_reads a LEFT JOIN plate_reads b ON a.plate = b.plate AND b.agency_id <> 'CT-NHPD' WHERE b.plate IS NOT NULL;
-- a function of the requester's own sees nothing that the policy takes away
CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN IF $1 !~ '^(NH|AB)' THEN RAISE NOTICE 'saw a read of another'; END IF; RETURN true; END $$;
SELECT count(*) FROM plate_reads WHERE pg_temp.peek(plate);
SELECT count(*) FROM plate_reads WHERE pg_temp.peek(plate) AND plate = 'HA1';
SELECT count(*) FROM plate_reads a JOIN plate_reads b ON pg_temp.peek(a.plate || b.plate);
DECLARE c CURSOR FOR SELECT plate FROM plate_reads WHERE plate = 'NH1';
FETCH c;
UPDATE plate_reads SET camera_id = 5 WHERE CURRENT OF c;
ROLLBACK;
-- another agency's read under the cursor is not changed
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads WHERE plate = 'HA1';
FETCH c;
UPDATE plate_reads SET camera_id = 5 WHERE CURRENT OF c;
DELETE FROM plate_reads WHERE CURRENT OF c;
ROLLBACK;
RESET ROLE;
-- nor does the emergency open more than reading, to the superuser, of live reads
BEGIN;
SELECT ctlpr.break_glass('a child is missing') > 0 AS broken;
COPY (SELECT count(*) FROM plate_reads) TO STDOUT;
SELECT count(*) FROM plate_reads TABLESAMPLE SYSTEM (100);
SELECT count(*) FROM plate_reads_1 WHERE ctid >= '(0,0)';
SELECT count(*) FROM plate_reads a JOIN plate_reads_1 b USING (plate);
SAVEPOINT a;
DECLARE c CURSOR WITH HOLD FOR SELECT plate FROM plate_reads;
ROLLBACK TO a;
CREATE TABLE kept AS SELECT * FROM plate_reads;
ROLLBACK TO a;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'GLASS', 'CT-NHPD');
ROLLBACK TO a;
SET LOCAL ROLE officer;
SELECT count(*) FROM plate_reads;
ROLLBACK TO a;
SET LOCAL ROLE bypasser;
SELECT count(*) FROM plate_reads;
ROLLBACK;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
-- pieces of long values lie in a table of their own, for superusers and whoever may read all tables
CREATE TABLE pictures (captured_at timestamptz NOT NULL, plate text NOT NULL, image text);
ALTER TABLE pictures ALTER image SET STORAGE EXTERNAL;
INSERT INTO pictures VALUES (now() - interval '25 days', 'EXPIRED', repeat('picture', 2000));
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'pictures'::regclass \gset
SELECT ctlpr.govern('pictures', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
SELECT count(*) FROM :toast;
CREATE ROLE reader_of_all LOGIN;
GRANT pg_read_all_data TO reader_of_all;
SET ROLE reader_of_all;
SELECT count(*) FROM :toast;
RESET ROLE;
DROP ROLE reader_of_all;
VACUUM FULL pictures;
SELECT reltoastrelid::regclass AS toast FROM pg_class WHERE oid = 'pictures'::regclass \gset
SELECT count(*) FROM :toast;
SELECT role, action, relation, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.pictures' AND NOT allowed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
SELECT ctlpr.release('pictures', 'test') \g /dev/null
DROP TABLE pictures;
