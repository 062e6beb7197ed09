-- 13(b)(2)(A), 13(d)(6): where row security is off - observation has run out, or the owner took it off - nothing comes in or out but by the policy
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET client_min_messages = error;
SELECT ctlpr.release('plate_reads', 'to observe it') AS released \gset
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', mode => 'observe') AS governed \gset
UPDATE ctlpr.governed_relation SET observe_until = now() - interval '1 second' WHERE relation = 'plate_reads'::regclass;
SET ROLE stranger;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date -d "-25 days" +%Y-%m-%dT00:00:00Z%tEXPIRED%tCT-HPD';
RESET ROLE;
GRANT pg_execute_server_program TO stranger;
SET ROLE stranger;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'printf "%s\tEXPIRED\tCT-HPD\n" $(date -d "-25 days" +%Y-%m-%dT00:00:00Z)';
SET ROLE camera_feed;
CREATE TEMP VIEW w2 AS SELECT * FROM plate_reads WHERE ctlpr.may_insert('plate_reads'::regclass, now(), 'CT-NHPD', 'x'::text, NULL::text, NULL) WITH CHECK OPTION;
INSERT INTO w2 (captured_at, plate, agency_id) VALUES (now() - interval '600 hours', 'OLD', 'CT-HPD');
SET ROLE officer;
CREATE TEMP VIEW v WITH (security_barrier) AS SELECT * FROM plate_reads WHERE ctlpr.may_change('plate_reads'::regclass, CASE WHEN captured_at > '1999-01-01' THEN now() ELSE now() END, 'CT-NHPD', 'x'::text, NULL::text, NULL);
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
WITH d AS (DELETE FROM v RETURNING *) SELECT agency_id, count(*), max(now() - captured_at) > interval '504 hours' AS expired FROM d GROUP BY 1 ORDER BY 1;
ROLLBACK;
RESET ROLE;
REVOKE pg_execute_server_program FROM stranger;
DROP VIEW v, w2;
-- the owner
\i :world
SET ROLE reads_owner;
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
RESET ROLE;
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
COMMIT;
RESET ROLE;
GRANT pg_execute_server_program TO camera_feed;
SET ROLE camera_feed;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'printf "%s\tEXPIRED\tCT-HPD\n" $(date -d "-25 days" +%Y-%m-%dT00:00:00Z)';
RESET ROLE;
REVOKE pg_execute_server_program FROM camera_feed;
-- MERGE is checked like INSERT, UPDATE and DELETE are
SET ROLE camera_feed;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SAVEPOINT a;
MERGE INTO plate_reads r USING (VALUES ('NOPE')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN INSERT (captured_at, plate, agency_id) VALUES (now() - interval '600 hours', v.p, 'CT-NHPD');
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NOPE')) v (p) ON r.plate = v.p WHEN NOT MATCHED THEN INSERT (captured_at, plate, agency_id) VALUES (now(), v.p, 'CT-HPD');
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('HA1')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET camera_id = 7;
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('HA1')) v (p) ON r.plate = v.p WHEN MATCHED THEN DELETE;
ROLLBACK TO a;
MERGE INTO plate_reads r USING (VALUES ('NH1'), ('NOPE')) v (p) ON r.plate = v.p WHEN MATCHED THEN UPDATE SET camera_id = 7 WHEN NOT MATCHED THEN INSERT (captured_at, plate, agency_id) VALUES (now(), v.p, 'CT-NHPD');
ROLLBACK;
RESET ROLE;
