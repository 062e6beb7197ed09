-- 14(a)(6), 13(d)(6): who acts is the role that was set, not who owns the function; and nothing but begin_request() puts a request in force
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE FUNCTION feed() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'FED', 'CT-NHPD') $$;
ALTER FUNCTION feed() OWNER TO camera_feed;
CREATE FUNCTION state_it() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$ SELECT ctlpr.begin_request('stolen_vehicle') > 0 $$;
ALTER FUNCTION state_it() OWNER TO officer;
CREATE FUNCTION as_another() RETURNS bigint LANGUAGE plpgsql SET role = 'officer_hpd' AS $$ BEGIN RETURN (SELECT count(*) FROM plate_reads); END $$;
SET ROLE stranger;
SELECT feed();
BEGIN;
SELECT state_it();
ROLLBACK;
SET ROLE officer;
SELECT feed();
SET ROLE officer_hpd;
BEGIN;
-- of the caller's agency, not the owner's
SELECT state_it();
SELECT agency_id FROM ctlpr.current_request();
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
COMMIT;
RESET ROLE;
BEGIN;
SET LOCAL ROLE officer;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
RESET ROLE;
SET LOCAL ROLE officer;
SELECT count(*) FROM plate_reads;
SAVEPOINT a;
SELECT as_another();
ROLLBACK TO a;
-- taken away in the middle of a statement, it is gone for the next
SELECT count(*) > 0 AS found FROM plate_reads WHERE set_config('ctlpr.request', '', true) = '';
SELECT count(*) FROM plate_reads;
ROLLBACK;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT current_setting('ctlpr.request') AS sealed \gset
SAVEPOINT a;
CREATE FUNCTION pg_temp.carry() RETURNS bigint LANGUAGE sql SET ctlpr.request FROM CURRENT AS 'SELECT count(*) FROM plate_reads';
ROLLBACK TO a;
SELECT set_config('ctlpr.request', :'sealed', true) IS NULL;
ROLLBACK TO a;
SET LOCAL ctlpr.request TO DEFAULT;
SELECT count(*) FROM plate_reads;
ROLLBACK;
SELECT set_config('ctlpr.request', :'sealed', false) IS NULL;
RESET ROLE;
ALTER SYSTEM SET ctlpr.request = 'x';
SELECT set_config('test.sealed', :'sealed', false) IS NULL AS kept;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ctlpr.request = %L', current_database(), current_setting('test.sealed')); END $$;
DO $$ BEGIN EXECUTE format('ALTER ROLE officer SET ctlpr.request = %L', current_setting('test.sealed')); END $$;
RESET test.sealed;
DROP FUNCTION feed, state_it, as_another;
SELECT role, agency_id, action, v.allowed, v.sqlstate FROM ctlpr.audit_entry v WHERE seq > :start_seq AND entry = 'verdict' AND relation IS DISTINCT FROM 'ctlpr.audit_entry' ORDER BY seq;
