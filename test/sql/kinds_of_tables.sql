-- 13(b)(2)(A), 13(d)(6): owners as numbers and UUIDs, one owner for all, inheritance, partitions that come later, and upkeep
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE by_number (captured_at timestamptz NOT NULL, plate text NOT NULL, city int);
CREATE TABLE by_uuid (captured_at timestamptz NOT NULL, plate varchar(12) NOT NULL, city uuid);
CREATE TABLE of_one (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE of_one_child () INHERITS (of_one);
INSERT INTO by_number VALUES (now(), 'A', 7), (now(), 'B', 8), (now(), 'C', 9), (now(), 'D', NULL);
INSERT INTO by_uuid VALUES (now(), 'A', '00000000-0000-0000-0000-000000000007'), (now(), 'B', '00000000-0000-0000-0000-000000000008');
INSERT INTO of_one VALUES (now(), 'A'), (now() - interval '22 days', 'B');
INSERT INTO of_one_child VALUES (now(), 'C'), (now() - interval '22 days', 'D');
GRANT ALL ON by_number, by_uuid, of_one, of_one_child TO officer, camera_feed;
SELECT ctlpr.agency_key('CT-NHPD', 'by_number', '7');
SELECT ctlpr.govern('by_number', captured_at => 'captured_at', plate => 'plate', agency => 'city');
SELECT ctlpr.govern('by_uuid', captured_at => 'captured_at', plate => 'plate', agency => 'city');
SELECT ctlpr.agency_key('CT-NHPD', 'by_uuid', '00000000-0000-0000-0000-000000000007');
SET client_min_messages = error;
SELECT ctlpr.govern('of_one', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
RESET client_min_messages;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SELECT plate FROM by_number ORDER BY 1;
SELECT plate FROM by_uuid ORDER BY 1;
SELECT plate FROM of_one ORDER BY 1;
SAVEPOINT a;
SELECT plate FROM of_one_child;
ROLLBACK;
SET ROLE camera_feed;
INSERT INTO by_number VALUES (now(), 'E', 7);
INSERT INTO by_number VALUES (now(), 'F', 8);
RESET ROLE;
-- what comes later is governed and guarded too
CREATE TABLE plate_reads_7 PARTITION OF plate_reads FOR VALUES FROM (now() + interval '480 hours') TO (now() + interval '720 hours');
CREATE TABLE plate_reads_8 (LIKE plate_reads INCLUDING ALL EXCLUDING IDENTITY);
ALTER TABLE plate_reads ATTACH PARTITION plate_reads_8 DEFAULT;
SELECT relname, relrowsecurity, relforcerowsecurity, polname FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE relname IN ('plate_reads_7', 'plate_reads_8') ORDER BY 1;
SELECT count(*) FROM plate_reads_8;
-- upkeep goes on
CREATE INDEX ON plate_reads (plate text_pattern_ops);
ALTER TABLE plate_reads ADD COLUMN remark text;
ANALYZE plate_reads;
VACUUM plate_reads;
CLUSTER plate_reads_3 USING plate_reads_3_captured_at_idx;
REINDEX TABLE plate_reads_3;
SET client_min_messages = error;
SELECT ctlpr.start_purge('of_one', approved_by => 'Chief');
SELECT * FROM ctlpr.purge('of_one');
RESET client_min_messages;
-- the registration must fit: a renamed column closes the table until it fits again
ALTER TABLE by_number RENAME captured_at TO seen_at;
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER TABLE by_number RENAME captured_at TO seen_at;
COMMIT;
SET ROLE officer;
SELECT count(*) FROM by_number;
RESET ROLE;
ALTER TABLE by_number RENAME seen_at TO captured_at;
SELECT ctlpr.release('by_number', 'test'), ctlpr.release('by_uuid', 'test'), ctlpr.release('of_one', 'test');
DROP TABLE by_number, by_uuid, of_one CASCADE;
