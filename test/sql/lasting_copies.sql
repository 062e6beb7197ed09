-- 13(b)(2)(A): reads are not copied to where they would outlive their time; what leaves is recorded first
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE keep (plate text);
GRANT ALL ON keep TO officer;
GRANT CREATE ON SCHEMA public TO officer;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
CREATE TABLE copied AS SELECT * FROM plate_reads;
ROLLBACK TO a;
SELECT * INTO copied FROM plate_reads;
ROLLBACK TO a;
CREATE MATERIALIZED VIEW copied AS SELECT * FROM plate_reads;
ROLLBACK TO a;
INSERT INTO keep SELECT plate FROM plate_reads;
ROLLBACK TO a;
UPDATE keep SET plate = r.plate FROM plate_reads r;
ROLLBACK TO a;
WITH w AS (INSERT INTO keep SELECT plate FROM plate_reads RETURNING plate) SELECT * FROM w;
ROLLBACK TO a;
DECLARE c CURSOR WITH HOLD FOR SELECT plate FROM plate_reads;
ROLLBACK TO a;
COPY (SELECT plate FROM plate_reads WHERE plate = 'NH1') TO STDOUT;
COPY plate_reads (plate, agency_id) TO STDOUT;
COMMIT;
COPY plate_reads TO STDOUT;
\copy plate_reads FROM '/dev/null'
RESET ROLE;
COPY plate_reads TO STDOUT;
COPY plate_reads_4 TO STDOUT;
\copy plate_reads (captured_at, plate, agency_id) FROM '/dev/null'
-- a restore loads what was dumped, expired reads too; nobody sees those
SET ctlpr.restore = on;
CREATE TABLE plate_reads_0 PARTITION OF plate_reads FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
COPY plate_reads (captured_at, plate, agency_id) FROM STDIN;
2019-01-01	LOADED	CT-NHPD
\.
RESET ctlpr.restore;
BEGIN;
SELECT ctlpr.break_glass('look for it') > 0 AS broken;
SELECT count(*) FROM plate_reads WHERE plate = 'LOADED';
COMMIT;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.plate_reads' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4;
DROP TABLE keep;
REVOKE CREATE ON SCHEMA public FROM officer;
