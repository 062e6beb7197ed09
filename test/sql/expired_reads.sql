-- 13(b)(2)(A): a read is gone for everybody at the instant it is older than 504 hours, purged or not
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
-- the requester, the owner of the table, a superuser who breaks the glass: nobody sees the ages 530 and 700
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SELECT agency_id, count(*), max(extract(epoch FROM now() - captured_at) / 3600)::int AS oldest_hours FROM plate_reads GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM plate_reads WHERE captured_at < now() - interval '504 hours';
SELECT count(*) FROM plate_reads a JOIN plate_reads b USING (plate) WHERE b.captured_at < now() - interval '504 hours';
SELECT count(*) FROM (SELECT plate FROM plate_reads UNION ALL SELECT plate FROM plate_reads) both_times;
SELECT EXISTS (SELECT FROM plate_reads WHERE plate = 'NH530') AS shows;
UPDATE plate_reads SET camera_id = 2 WHERE plate = 'NH700';
DELETE FROM plate_reads WHERE plate = 'NH700';
ROLLBACK;
RESET ROLE;
BEGIN;
SELECT ctlpr.break_glass('test of retention') > 0 AS broken;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM plate_reads_2;
ROLLBACK;
-- a little this side and that side of the limit, whatever anybody's time zone
\set QUIET on
SET client_min_messages = error;
SELECT ctlpr.release('plate_reads', 'to put reads at the limit') AS released \gset
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '504 hours' + interval '20 seconds', 'EDGE1', 'CT-NHPD'), (now() - interval '504 hours', 'EDGE2', 'CT-NHPD');
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') AS governed \gset
RESET client_min_messages;
\set QUIET off
SET timezone = 'Pacific/Kiritimati';
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM plate_reads WHERE plate LIKE 'EDGE%' ORDER BY 1;
ROLLBACK;
RESET ROLE;
SET timezone = 'UTC';
-- nothing is deleted before start_purge(), and what is deleted is certified
SELECT * FROM ctlpr.purge('plate_reads');
SELECT expired_rows, purging FROM ctlpr.retention_status WHERE relation = 'plate_reads'::regclass;
\set QUIET on
SET client_min_messages = error;
SELECT ctlpr.start_purge('plate_reads', approved_by => 'Chief') AS started \gset
\set QUIET off
SELECT * FROM ctlpr.purge('plate_reads');
SELECT rows_deleted, partitions_dropped, owners FROM ctlpr.purges WHERE relation = 'plate_reads'::regclass ORDER BY seq DESC LIMIT 1;
SELECT expired_rows, purge_lag FROM ctlpr.retention_status WHERE relation = 'plate_reads'::regclass;

-- what had expired under another statute stays expired
SELECT ctlpr.adopt_statute('us-nh');
SELECT ctlpr.adopt_statute('us-ct-2026');
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT count(*) FROM plate_reads;
COMMIT;
RESET ROLE;
SELECT hidden_before BETWEEN now() - interval '4 minutes' AND now() - interval '3 minutes' AS hidden FROM ctlpr.governed_relation WHERE relation = 'plate_reads'::regclass;
