-- 13(b)(2)(A), 13(d)(5): COPY FROM is ingest: own agency's reads of their time, by roles that ingest; what has expired may be left out
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
GRANT pg_execute_server_program TO camera_feed, officer, stranger;
\o /dev/null
DELETE FROM ctlpr.ingest_count WHERE relation = 'public.plate_reads';
\o
SET ROLE camera_feed;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date -d "-1 hour" +%Y-%m-%dT%H:%M:%SZ%tC1%tCT-NHPD; date -d "-2 hours" +%Y-%m-%dT%H:%M:%SZ%tC2%tCT-NHPD';
COPY plate_reads (captured_at, plate, agency_id, camera_id) FROM PROGRAM 'date -d "-1 hour" +%Y-%m-%dT%H:%M:%SZ,C3,CT-NHPD,7' WITH (FORMAT csv);
-- the user's condition is looked at first, so what it leaves out need not be fit to come in
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC4%tCT-NHPD; echo "2020-01-01	C5	CT-HPD"' WHERE plate <> 'C5';
-- reads that may not come in: expired, of the future, of another agency, of none, without a plate or a time
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC6%tCT-NHPD; echo "2020-01-01	C7	CT-NHPD"';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'echo "2099-01-01	C8	CT-NHPD"';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC9%tCT-HPD';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC10%tXX-NONE';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%t\\N%tCT-NHPD';
COPY plate_reads (plate, agency_id) FROM PROGRAM 'echo "C11	CT-NHPD"';
-- leaving out what has expired, and saying how many
SET ctlpr.on_expired_ingest = skip;
\set VERBOSITY terse
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC12%tCT-NHPD; echo "2020-01-01	C13	CT-NHPD"; echo "2021-01-01	C14	CT-NHPD"';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC15%tCT-HPD; echo "2020-01-01	C16	CT-NHPD"';
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'C17', 'CT-NHPD'), ('2020-01-01', 'C18', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES ('2020-01-01', 'C19', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - n * interval '10 days', 'C2' || n, 'CT-NHPD' FROM generate_series(0, 4) n RETURNING plate;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES ('2020-01-01', 'C30', 'CT-HPD'), ('2099-01-01', 'C31', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'C32', 'CT-NHPD'), ('2020-01-01', 'C33', 'CT-NHPD') ON CONFLICT DO NOTHING;
WITH w AS (INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - n * interval '10 days', 'C6' || n, 'CT-NHPD' FROM generate_series(0, 3) n RETURNING plate) SELECT count(*) FROM w;
-- what cannot be told beforehand is let in where it may come, and refused where it may not
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (generate_series(now() - interval '2 days', now() - interval '1 hour', '1 day'), 'C70', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - random() * interval '1 day', 'C71', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '30 days' - random() * interval '1 day', 'C72', 'CT-NHPD');
RESET ctlpr.on_expired_ingest;
\set VERBOSITY sqlstate
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'C34', 'CT-NHPD'), ('2020-01-01', 'C35', 'CT-NHPD');
-- by the wrong way
COPY plate_reads_4 (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC40%tCT-NHPD';
COPY plate_reads FROM '/etc/hostname';
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'true' WITH (FREEZE);
BEGIN READ ONLY;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'true';
ROLLBACK;
SET ROLE officer;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC41%tCT-NHPD';
SET ROLE stranger;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC42%tCT-NHPD';
RESET ROLE;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC43%tCT-NHPD';
REVOKE INSERT ON plate_reads FROM camera_feed;
GRANT INSERT (captured_at, plate, agency_id) ON plate_reads TO camera_feed;
SET ROLE camera_feed;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC50%tCT-NHPD';
COPY plate_reads (captured_at, plate, agency_id, camera_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC51%tCT-NHPD%t1';
RESET ROLE;
-- a function in WHERE sees what comes in, nothing that is there; a malformed value is told by its place
SET ROLE camera_feed;
CREATE FUNCTION pg_temp.look(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM plate_reads WHERE plate = $1) > 0; END $$;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC52%tCT-NHPD' WHERE pg_temp.look(plate);
\set VERBOSITY default
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'printf "yesterday at the C53\tC53\tCT-NHPD\n"';
\set VERBOSITY sqlstate
RESET ROLE;
-- policies of the table's own are for INSERT to check
CREATE POLICY short ON plate_reads AS RESTRICTIVE FOR INSERT WITH CHECK (length(plate) < 8);
SET ROLE camera_feed;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC54%tCT-NHPD';
RESET ROLE;
DROP POLICY short ON plate_reads;
-- an allowed trigger sees each read, after it came in
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'noted %', NEW.plate; RETURN NULL; END $$;
SELECT ctlpr.release('plate_reads', 'test') \g /dev/null
CREATE TRIGGER noted AFTER INSERT ON plate_reads FOR EACH ROW EXECUTE FUNCTION noted();
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', allow_triggers => '{noted}') \g /dev/null
\set VERBOSITY terse
SET ROLE camera_feed;
COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'date +%Y-%m-%dT%H:%M:%SZ%tC60%tCT-NHPD';
RESET ROLE;
\set VERBOSITY sqlstate
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
SELECT string_agg(plate, ' ' ORDER BY plate) FROM plate_reads WHERE plate LIKE 'C%';
COMMIT;
SELECT agency_id, sum(reads) AS scanned FROM ctlpr.ingest_count WHERE relation = 'public.plate_reads' GROUP BY 1;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action <> 'configuration' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT DISTINCT statement FROM ctlpr.refusals WHERE seq > :start_seq AND action = 'copy' AND role = 'officer';
REVOKE pg_execute_server_program FROM camera_feed, officer, stranger;
DROP TRIGGER noted ON plate_reads;
DROP FUNCTION noted;
