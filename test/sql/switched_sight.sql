-- 13(d)(6): no plan, cursor or function carries one requester's sight to another
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
GRANT officer, officer_hpd, stranger TO camera_feed;
SET plan_cache_mode = force_generic_plan;
PREPARE search(text) AS SELECT agency_id, count(*) FROM plate_reads WHERE plate = $1 GROUP BY 1 ORDER BY 1;
-- planned under break_glass first, then run by others
BEGIN;
SELECT ctlpr.break_glass('plan') > 0 AS broken;
EXECUTE search('AB12345');
COMMIT;
EXECUTE search('AB12345');
SET ROLE officer;
EXECUTE search('AB12345');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
EXECUTE search('AB12345');
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
EXECUTE search('AB12345');
SET ROLE officer_hpd;
EXECUTE search('AB12345');
ROLLBACK;
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
EXECUTE search('AB12345');
COMMIT;
RESET ROLE;
-- functions keep plans as well
CREATE FUNCTION kept(p text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM plate_reads WHERE plate = p; RETURN n; END $$;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SELECT kept('AB12345');
COMMIT;
SET ROLE officer_hpd;
SELECT kept('AB12345');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT kept('AB12345');
COMMIT;
RESET ROLE;
RESET plan_cache_mode;
-- cursors: each FETCH must be of the requester who opened it
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads ORDER BY plate;
FETCH 2 FROM c;
FETCH 1 FROM c;
SELECT ctlpr.end_request();
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads ORDER BY plate;
FETCH 1 FROM c;
SELECT ctlpr.begin_request('missing_person', case_number => '26-2') > 0 AS begun;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads ORDER BY plate;
RESET ROLE;
SET ROLE officer_hpd;
FETCH 1 FROM c;
ROLLBACK;
-- in the middle of a statement nothing changes
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
SELECT ctlpr.end_request() FROM plate_reads LIMIT 1;
ROLLBACK TO a;
SELECT ctlpr.begin_request('missing_person', case_number => '26-3') FROM plate_reads LIMIT 1;
ROLLBACK;
SET SESSION AUTHORIZATION camera_feed;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT DISTINCT agency_id, set_config('role', 'officer_hpd', true) FROM plate_reads;
SELECT count(*) FROM plate_reads;
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP FUNCTION kept;
REVOKE officer, officer_hpd, stranger FROM camera_feed;
