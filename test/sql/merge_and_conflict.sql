-- 13(b)(2)(A), 13(d)(6): MERGE and ON CONFLICT DO UPDATE read what is there: they need a request, change own reads only, and bring in no read that INSERT may not
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set new 'INSERT (captured_at, plate, agency_id) VALUES'
\set onto 'ON CONFLICT (plate, captured_at, agency_id) DO UPDATE SET'
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
MERGE INTO plate_reads r USING (VALUES ('NH300')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET camera_id = 7;
MERGE INTO plate_reads r USING (VALUES ('NH300'), ('NH700'), ('XX1')) v (p) ON r.plate = v.p WHEN MATCHED THEN DELETE;
SAVEPOINT a;
MERGE INTO plate_reads r USING (VALUES ('HA300')) v (p) ON r.plate = v.p WHEN MATCHED THEN DELETE;
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NH120')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET agency_id = 'CT-HPD';
ROLLBACK TO a;
-- an officer brings in nothing
MERGE INTO plate_reads r USING (VALUES ('NEW')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now(), v.p, 'CT-NHPD');
ROLLBACK;
SET ROLE camera_feed;
MERGE INTO plate_reads r USING (VALUES ('NEW')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now(), v.p, 'CT-NHPD');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
MERGE INTO plate_reads r USING (VALUES ('NEW')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now(), v.p, 'CT-NHPD');
SAVEPOINT a;
MERGE INTO plate_reads r USING (VALUES ('NH700')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now() - interval '505 hours', v.p, 'CT-NHPD');
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NEW2')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now() + interval '1 hour', v.p, 'CT-NHPD');
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NEW2')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN :new (now(), v.p, 'CT-HPD');
ROLLBACK TO a;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate, agency_id FROM plate_reads WHERE plate = 'NH300' :onto camera_id = 7 RETURNING plate, camera_id;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate, agency_id FROM plate_reads WHERE plate = 'NH300' :onto captured_at = now();
ROLLBACK TO a;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate, agency_id FROM plate_reads WHERE plate = 'NH300' :onto agency_id = 'CT-HPD';
ROLLBACK;
-- without a request it is no ingest, conflict or none
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW3', 'CT-NHPD') :onto camera_id = 7;
WITH d AS (DELETE FROM plate_reads RETURNING plate) INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), plate, 'CT-NHPD' FROM d;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW4', 'CT-NHPD') RETURNING (SELECT count(*) FROM plate_reads);
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), (SELECT min(plate) FROM plate_reads), 'CT-NHPD');
RESET ROLE;
SELECT role, action, allowed, sqlstate, plates FROM pg_temp.log_since(:start_seq) WHERE action <> 'request';
