-- 14(a)(6): observation records every verdict, hides and refuses nothing, and ends by itself
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set QUIET on
SELECT ctlpr.release('plate_reads', 'to observe it') AS released \gset
SET client_min_messages = error;
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', mode => 'observe') AS governed \gset
RESET client_min_messages;
\set QUIET off
PREPARE everything AS SELECT count(*) FROM plate_reads;
SET plan_cache_mode = force_generic_plan;
EXECUTE everything;
SELECT count(*) FROM plate_reads_2;
SET ROLE stranger;
SELECT count(*) FROM plate_reads WHERE plate = 'NH700';
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '600 hours', 'LATE', 'CT-HPD');
UPDATE plate_reads SET agency_id = 'CT-NHPD' WHERE plate = 'LATE';
DELETE FROM plate_reads WHERE plate = 'LATE';
\copy plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date -u "+%Y-%m-%d %H:%M:%S+00%tCOPIED%tCT-NHPD"'
RESET ROLE;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE plate = 'HA1';
COMMIT;
RESET ROLE;
SELECT severity, clause FROM ctlpr.findings WHERE kind = 'observe_mode';
SELECT * FROM ctlpr.purge('plate_reads');
SELECT role, action, allowed, enforced, sqlstate, search_kind, returned, touched FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.plate_reads' AND action <> 'configuration';
-- commands go on as well, with the verdict that they would have had
CREATE FUNCTION seen(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
SET ROLE reads_owner;
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
CREATE RULE nothing AS ON INSERT TO plate_reads DO ALSO NOTIFY nothing;
DROP RULE nothing ON plate_reads;
RESET ROLE;
ALTER TABLE plate_reads RENAME COLUMN plate TO number;
ALTER TABLE plate_reads RENAME COLUMN number TO plate;
ALTER TABLE plate_reads ADD CONSTRAINT seen CHECK (seen(plate));
ALTER TABLE plate_reads DROP CONSTRAINT seen;
DROP FUNCTION seen;
SELECT role, action, allowed, enforced, sqlstate, clause, count(*) FROM pg_temp.log_since(:start_seq) WHERE action = 'ddl' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 6;
-- its time is over: enforced at once, plans that were kept included
UPDATE ctlpr.governed_relation SET observe_until = now() - interval '1 second' WHERE relation = 'plate_reads'::regclass;
EXECUTE everything;
SET ROLE stranger;
SELECT count(*) FROM plate_reads;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
ROLLBACK;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '600 hours', 'LATE', 'CT-NHPD');
RESET ROLE;
RESET plan_cache_mode;
-- or an administrator ends it
SET client_min_messages = error;
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', mode => 'enforce');
SELECT relrowsecurity, relforcerowsecurity, count(p.polname) FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relname LIKE 'plate\_reads%' AND c.relkind IN ('r', 'p') GROUP BY 1, 2;
EXECUTE everything;
