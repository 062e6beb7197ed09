-- 13(b)(2)(A): a partition that leaves stays governed by itself; it may be dropped, and follows its parent again when it comes back
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT format('ALTER TABLE plate_reads_%s OWNER TO reads_owner', n) FROM generate_series(1, 6) n \gexec
CREATE FUNCTION pg_temp.governed() RETURNS TABLE (relation text, detached_from text) LANGUAGE sql AS $$ SELECT relation::text, detached_from::text FROM ctlpr.governed_relation WHERE relation_name LIKE 'public.plate_reads%' ORDER BY 1 $$;
SET ROLE reads_owner;
ALTER TABLE plate_reads DETACH PARTITION plate_reads_4;
ALTER TABLE plate_reads DETACH PARTITION plate_reads_3 CONCURRENTLY;
SELECT count(*) FROM plate_reads_4;
ALTER TABLE plate_reads_4 DISABLE ROW LEVEL SECURITY;
RESET ROLE;
SELECT * FROM pg_temp.governed();
SELECT count(*) FROM plate_reads_4;
GRANT SELECT ON plate_reads_3, plate_reads_4 TO officer, stranger;
SET ROLE stranger;
SELECT count(*) FROM plate_reads_4;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM plate_reads ORDER BY 1;
SELECT plate FROM plate_reads_4 ORDER BY 1;
SELECT plate FROM plate_reads_3 ORDER BY 1;
COMMIT;
RESET ROLE;
-- back again
SET ROLE reads_owner;
DO $$ BEGIN EXECUTE format('ALTER TABLE plate_reads ATTACH PARTITION plate_reads_3 FOR VALUES FROM (%L) TO (%L)', now() - interval '480 hours', now() - interval '240 hours' - interval '1 minute'); END $$;
RESET ROLE;
SELECT * FROM pg_temp.governed();
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM plate_reads ORDER BY 1;
SELECT plate FROM plate_reads_3;
COMMIT;
-- partitions and detached ones may be dropped, the table may not
SET ROLE reads_owner;
DROP TABLE plate_reads_4;
DROP TABLE plate_reads_2;
DROP TABLE plate_reads;
RESET ROLE;
-- children of an ordinary table likewise
SET ROLE reads_owner;
CREATE TABLE flat (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE flat_child () INHERITS (flat);
INSERT INTO flat_child VALUES (now(), 'NH1'), (now() - interval '30 days', 'OLD');
RESET ROLE;
SELECT ctlpr.govern('flat', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
SET ROLE reads_owner;
ALTER TABLE flat_child NO INHERIT flat;
SELECT * FROM flat_child;
GRANT SELECT ON flat, flat_child TO officer;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM flat_child;
COMMIT;
SET ROLE reads_owner;
ALTER TABLE flat_child INHERIT flat;
DROP TABLE flat_child;
RESET ROLE;
-- what is held is copied before a partition goes
CREATE ROLE detective_chief;
SELECT ctlpr.bind_role('detective_chief', 'CT-NHPD', supervisor => true) \g /dev/null
GRANT SELECT ON plate_reads TO detective_chief;
SET ROLE detective_chief;
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-77', 'Officer A', plates => '{LATE1}') AS hold \gset
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() + interval '1 minute', 'LATE1', 'CT-NHPD');
RESET ROLE;
SELECT ctlpr.held_reads(:hold) AS before;
CREATE SCHEMA going AUTHORIZATION reads_owner;
ALTER TABLE plate_reads_5 SET SCHEMA going;
DROP SCHEMA going CASCADE;
SELECT ctlpr.held_reads(:hold) AS not_yet;
-- what was copied in a savepoint that is gone was not
BEGIN;
SAVEPOINT s;
DROP TABLE going.plate_reads_5;
ROLLBACK TO s;
DROP SCHEMA going CASCADE;
ROLLBACK;
SET ROLE reads_owner;
DROP TABLE going.plate_reads_5;
RESET ROLE;
SELECT ctlpr.held_reads(:hold) AS kept;
DROP SCHEMA going;
SELECT role, action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action IN ('ddl', 'configuration') OR NOT allowed GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT statement, outcome FROM ctlpr.audit_log WHERE seq > :start_seq AND action = 'ddl' AND allowed ORDER BY seq;
\o /dev/null
SET client_min_messages = error;
DELETE FROM ctlpr.hold;
SELECT ctlpr.release(relation, 'the test is over') FROM ctlpr.governed_relation WHERE relation_name <> 'public.plate_reads';
DROP TABLE IF EXISTS flat, plate_reads_evidence CASCADE;
SELECT ctlpr.unbind_role('detective_chief', 'CT-NHPD');
REVOKE ALL ON plate_reads FROM detective_chief;
DROP ROLE detective_chief;
