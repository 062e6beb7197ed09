-- 13(b)(2)(A): a copy may be temporary if it goes when the transaction ends
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
CREATE TEMP TABLE kept (plate text);
CREATE TEMP TABLE emptied (plate text) ON COMMIT DELETE ROWS;
PREPARE sought AS SELECT plate FROM plate_reads WHERE plate LIKE 'NH%';
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT plate FROM plate_reads WHERE plate LIKE 'NH%';
CREATE TEMP TABLE made (plate text) ON COMMIT DROP;
INSERT INTO made SELECT plate FROM plate_reads WHERE plate LIKE 'NH%';
CREATE TEMP TABLE prepared ON COMMIT DROP AS EXECUTE sought;
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM made) AS made, (SELECT count(*) FROM prepared) AS prepared;
SAVEPOINT a;
INSERT INTO kept SELECT plate FROM plate_reads;
ROLLBACK TO a;
INSERT INTO emptied SELECT plate FROM plate_reads;
ROLLBACK TO a;
CREATE TEMP TABLE lasting AS SELECT plate FROM plate_reads;
ROLLBACK TO a;
CREATE TEMP TABLE lasting ON COMMIT PRESERVE ROWS AS SELECT plate FROM plate_reads;
ROLLBACK TO a;
CREATE TEMP TABLE lasting ON COMMIT DELETE ROWS AS SELECT plate FROM plate_reads;
ROLLBACK TO a;
SELECT plate INTO TEMP lasting FROM plate_reads;
ROLLBACK TO a;
CREATE TEMP TABLE lasting AS EXECUTE sought;
ROLLBACK TO a;
UPDATE kept SET plate = r.plate FROM plate_reads r;
ROLLBACK TO a;
-- a lasting table made below a statement whose own table goes
CREATE FUNCTION pg_temp.carry() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE nested AS SELECT plate FROM plate_reads; RETURN 1; END $$;
CREATE TEMP TABLE gone2 ON COMMIT DROP AS SELECT pg_temp.carry();
ROLLBACK TO a;
-- the number of a table whose creation was rolled back means nothing
CREATE TEMP TABLE rolled_back (plate text) ON COMMIT DROP;
ROLLBACK TO a;
INSERT INTO kept SELECT plate FROM plate_reads;
ROLLBACK;
-- the next transaction knows nothing of the last one's tables
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT plate FROM plate_reads WHERE plate = 'NH1';
COMMIT;
SELECT to_regclass('pg_temp.gone') IS NULL AS gone;
RESET ROLE;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action <> 'request' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
