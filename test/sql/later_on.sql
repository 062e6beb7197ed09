-- 15(a)(1)(A), 13(d)(8): what is only seen later: reads are counted that were purged since, and a case number that never followed is missed
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
-- reads that expire while this test runs
\o /dev/null
DELETE FROM ctlpr.ingest_count;
\o
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - interval '504 hours' + interval '2 seconds', 'SOON' || n, 'CT-NHPD' FROM generate_series(1, 3) n;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'FRESH', 'CT-NHPD');
RESET ROLE;
\set QUIET on
SET client_min_messages = error;
SELECT ctlpr.start_purge('plate_reads', approved_by => 'Chief') AS started \gset
RESET client_min_messages;
\set QUIET off
SELECT pg_sleep(2.5);
SELECT FROM ctlpr.purge('plate_reads') \g /dev/null
SELECT sum(rows_deleted) >= 3 AS purged FROM ctlpr.purges WHERE relation = 'plate_reads'::regclass AND seq > :start_seq;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM plate_reads WHERE plate = 'FRESH' OR plate LIKE 'SOON%';
COMMIT;
RESET ROLE;
SELECT agency_id, sum(reads) AS scanned FROM ctlpr.ingest_count GROUP BY 1;
-- a search for somebody missing, whose number was to follow
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('missing_person', 'pending', officer => 'Officer P') AS pending \gset
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT count(*) AS within_its_time FROM ctlpr.findings WHERE kind = 'pending_case' AND :pending = ANY (evidence);
SET ctlpr.pending_limit = 0;
SELECT severity, clause, agency_id FROM ctlpr.findings WHERE kind = 'pending_case' AND :pending = ANY (evidence);
SET ROLE officer;
SELECT ctlpr.complete_request(:pending, '26-9');
RESET ROLE;
SELECT count(*) AS completed_and_missed FROM ctlpr.findings WHERE kind = 'pending_case' AND :pending = ANY (evidence);
RESET ctlpr.pending_limit;
