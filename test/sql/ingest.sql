-- 13(b)(2)(A), 15(a)(1)(A): an agency brings in its own reads, within their time, without a request; what shows an existing read needs one
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\o /dev/null
DELETE FROM ctlpr.ingest_count;
\o
CREATE FUNCTION leak(plate text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'leaked'; RETURN true; END $$;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW1', 'CT-NHPD'), (now() - interval '2 days', 'NEW2', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW3', 'CT-NHPD') RETURNING plate, agency_id;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '504 hours 1 minute', 'OLD', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '503 hours', 'OLDISH', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() + interval '6 minutes', 'AHEAD', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() + interval '4 minutes', 'SKEW', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'OTHER', 'CT-HPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NOBODY', 'XX-NONE');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), NULL, 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NOONE', NULL);
-- the idioms of ingest
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), v.p, 'CT-NHPD' FROM (VALUES ('NEW1'), ('NEW4')) v (p)
	WHERE NOT EXISTS (SELECT FROM plate_reads r WHERE r.plate = v.p);
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), v.p, 'CT-NHPD' FROM (VALUES ('HA1')) v (p)
	WHERE NOT EXISTS (SELECT FROM plate_reads r WHERE r.plate = v.p);
BEGIN;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'DUP', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'DUP', 'CT-NHPD'), (now(), 'DUP2', 'CT-NHPD') ON CONFLICT DO NOTHING;
COMMIT;
BEGIN;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'UNDONE', 'CT-NHPD');
ROLLBACK;
-- what is not ingest
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW1', 'CT-NHPD') ON CONFLICT (plate, captured_at, agency_id) DO UPDATE SET camera_id = 9 RETURNING *;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), plate, 'CT-NHPD' FROM plate_reads RETURNING plate;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), v.p, 'CT-NHPD' FROM (VALUES ('NH1'), ('NOPE')) v (p) WHERE EXISTS (SELECT FROM plate_reads r WHERE r.plate = v.p) RETURNING plate;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), v.p, 'CT-NHPD' FROM (VALUES ('NH1'), ('NOPE')) v (p) WHERE NOT (NOT EXISTS (SELECT FROM plate_reads r WHERE r.plate = v.p)) RETURNING plate;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'PROBE', 'CT-NHPD' WHERE NOT EXISTS (SELECT FROM plate_reads r WHERE leak(r.plate));
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'PROBE', 'CT-NHPD' WHERE NOT EXISTS (SELECT FROM plate_reads r JOIN generate_series(1, 1) g ON leak(r.plate));
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'PROBE', 'CT-NHPD' WHERE NOT EXISTS (SELECT FROM plate_reads r, LATERAL leak(r.plate) l);
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'PROBE', 'CT-NHPD' WHERE NOT EXISTS (SELECT FROM plate_reads r WHERE r.plate::int = 1);
WITH seen AS (SELECT plate FROM plate_reads) INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'PROBE', 'CT-NHPD' FROM seen;
SELECT count(*) FROM plate_reads;
DELETE FROM plate_reads;
SET ROLE officer;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'BYHAND', 'CT-NHPD');
RESET ROLE;
SELECT agency_id, sum(reads) FROM ctlpr.ingest_count GROUP BY 1;
SELECT action, allowed, sqlstate, clause, count(*) FROM pg_temp.log_since(:start_seq) GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4;
-- corrections: own reads, with a request; never the captured time or the owner
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
UPDATE plate_reads SET plate = 'NH2' WHERE plate IN ('NH1', 'HA1') RETURNING agency_id, plate;
DELETE FROM plate_reads WHERE plate IN ('NH120', 'HA120') RETURNING agency_id, plate;
MERGE INTO plate_reads r USING (VALUES ('NH300'), ('HA300')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET camera_id = 7;
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
UPDATE plate_reads SET captured_at = now();
ROLLBACK TO a;
UPDATE plate_reads SET agency_id = 'CT-HPD';
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NH300')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET captured_at = now();
ROLLBACK;
RESET ROLE;
DROP FUNCTION leak;
