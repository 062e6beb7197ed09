-- 13(b)(2)(A): copies whose destination is known only when the statement runs
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
GRANT CREATE ON SCHEMA public TO officer;
SET ROLE officer;
PREPARE q AS SELECT * FROM plate_reads;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
CREATE TABLE copied AS EXECUTE q;
ROLLBACK;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM officer;
SET SESSION AUTHORIZATION officer;
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session') > 0 AS begun;
\set VERBOSITY terse
DO $$ DECLARE r record; n int := 0; BEGIN FOR r IN SELECT plate FROM plate_reads LOOP n := n + 1; COMMIT; PERFORM ctlpr.end_request(); END LOOP; RAISE NOTICE 'saw %', n; END $$;
RESET SESSION AUTHORIZATION;
-- what a function has read, where the statement that calls it keeps what it returns
CREATE FUNCTION searched() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT plate FROM plate_reads; END $$;
GRANT CREATE ON SCHEMA public TO officer;
\set VERBOSITY sqlstate
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
CREATE TABLE copied AS SELECT * FROM searched();
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM searched();
SELECT count(*) FROM copied;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM searched();
COMMIT;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM searched();
FETCH 1 FROM c \g /dev/null
COMMIT;
FETCH ALL FROM c;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM officer;
DROP FUNCTION searched;
