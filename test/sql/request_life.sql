-- 14(a)(6): a request is of one role, ends with its transaction, and nobody sets it but begin_request()
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
SELECT ctlpr.begin_request('stolen_vehicle');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SELECT purpose, case_number, scope FROM ctlpr.current_request();
SAVEPOINT a;
SELECT ctlpr.begin_request('missing_person') > 0 AS begun;
SELECT purpose FROM ctlpr.current_request();
ROLLBACK TO a;
SELECT purpose FROM ctlpr.current_request();
SELECT ctlpr.end_request();
SELECT purpose FROM ctlpr.current_request();
SELECT count(*) FROM plate_reads;
ROLLBACK;
BEGIN READ ONLY;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
SELECT purpose FROM ctlpr.current_request();
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
RESET ALL;
SELECT purpose FROM ctlpr.current_request();
ROLLBACK;
-- of another role it is none
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SET ROLE officer_hpd;
SELECT count(*) FROM plate_reads;
ROLLBACK;
RESET ROLE;
-- nobody sets it
SET ctlpr.request = 'x';
SELECT set_config('ctlpr.request', 'x', false);
ALTER ROLE officer SET ctlpr.request = 'x';
SET ctlpr.request = '';
-- a definer lends his name to nothing
CREATE FUNCTION search_as_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM plate_reads';
ALTER FUNCTION search_as_definer() OWNER TO officer;
SET ROLE stranger;
SELECT search_as_definer();
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT search_as_definer();
COMMIT;
RESET ROLE;
DROP FUNCTION search_as_definer;
-- session scope: only for roles bound with it, ends in time and with DISCARD ALL
SET SESSION AUTHORIZATION officer_hpd;
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session');
SET SESSION AUTHORIZATION officer;
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'forever');
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session') > 0 AS begun;
SELECT count(*) FROM plate_reads;
SELECT scope FROM ctlpr.current_request();
SELECT ctlpr.end_request();
SELECT count(*) FROM plate_reads;
RESET SESSION AUTHORIZATION;
SET ctlpr.request_timeout = '1s';
SET ROLE officer;
SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session') > 0 AS begun;
SELECT count(*) FROM plate_reads;
SELECT pg_sleep(1.1);
SELECT count(*) FROM plate_reads;
RESET ROLE;
RESET ctlpr.request_timeout;
-- standing requests: own reads, every statement under them, until they end
SELECT ctlpr.standing_request('officer_hpd', 'traffic_analytics', 'dashboard', 'Chief', now() + interval '1 hour') AS standing \gset
SET ROLE officer_hpd;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
RESET ROLE;
SELECT count(*) AS under_it FROM ctlpr.audit_entry WHERE request_seq = :standing AND action = 'select' AND allowed;
SELECT ctlpr.standing_request('officer_hpd', 'criminal_investigation', 'watching', 'Chief', now() + interval '1 hour');
SELECT ctlpr.revoke_standing_request(:standing, 'test');
SET ROLE officer_hpd;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
RESET ROLE;
DISCARD ALL;
