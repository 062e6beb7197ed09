-- 13(b)(2)(A): a table that an allowed trigger fills from reads is governed itself; counting on in it is ingest, looking into it is not
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE plates (plate text NOT NULL, first_seen timestamptz NOT NULL, first_day date NOT NULL, last_seen timestamptz, times int NOT NULL DEFAULT 1, small int2, agency_id text NOT NULL, note text, PRIMARY KEY (plate, agency_id, first_day));
GRANT ALL ON plates TO camera_feed, officer, stranger;
SELECT ctlpr.govern('plates', captured_at => 'first_seen', plate => 'plate', agency => 'agency_id') \g /dev/null
-- a trigger by the wrong name, one that runs before the row, and one that was allowed
CREATE FUNCTION count_plate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO plates (plate, first_seen, first_day, last_seen, agency_id) VALUES (NEW.plate, NEW.captured_at, NEW.captured_at::date, NEW.captured_at, NEW.agency_id)
		ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = plates.times + 1, last_seen = greatest(plates.last_seen, excluded.last_seen);
	RETURN NULL;
END $$;
CREATE TRIGGER count_plate AFTER INSERT ON plate_reads FOR EACH ROW EXECUTE FUNCTION count_plate();
SELECT ctlpr.release('plate_reads', 'test') \g /dev/null
CREATE TRIGGER count_plate AFTER INSERT ON plate_reads FOR EACH ROW EXECUTE FUNCTION count_plate();
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') \g /dev/null
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', allow_triggers => '{count_plate}') \g /dev/null
CREATE TRIGGER another AFTER INSERT ON plate_reads FOR EACH ROW EXECUTE FUNCTION count_plate();
CREATE OR REPLACE TRIGGER count_plate BEFORE INSERT ON plate_reads FOR EACH ROW EXECUTE FUNCTION count_plate();
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - n * interval '1 second', 'D1', 'CT-NHPD' FROM generate_series(1, 3) n;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'D2', 'CT-NHPD');
-- what only counts is ingest
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id, small) VALUES ('D1', now(), now()::date, 'CT-NHPD', 1) ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = 1 + p.times, small = 5;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id, small) VALUES ('D1', now(), now()::date, 'CT-NHPD', 1) ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + excluded.times, small = p.small + 1::int2, note = excluded.plate || 'x';
-- what shows of the row that is there is a search
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + 1 RETURNING times;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = 1 / (p.times - 5);
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + p.small;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + p.times;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + 1 WHERE p.times > 2;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET note = p.last_seen::text;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET note = (SELECT p.note);
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET plate = 'D9';
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET first_seen = excluded.first_seen;
WITH u AS (UPDATE plates SET times = 7 RETURNING plate) INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) SELECT plate, now(), now()::date, 'CT-NHPD' FROM u ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = p.times + 1;
UPDATE plates SET times = times + 1;
SET ROLE stranger;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D1', now(), now()::date, 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = 1 + p.times;
-- another agency's row, and one that has expired, are in nobody's way to see
RESET ROLE;
SET ctlpr.restore = on;
COPY plates (plate, first_seen, first_day, agency_id) FROM STDIN;
D3	2020-01-01	2020-01-01	CT-NHPD
\.
RESET ctlpr.restore;
SET ROLE camera_feed;
INSERT INTO plates AS p (plate, first_seen, first_day, agency_id) VALUES ('D3', now(), '2020-01-01', 'CT-NHPD') ON CONFLICT (plate, agency_id, first_day) DO UPDATE SET times = 1 + p.times;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate, times, small, note FROM plates ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT role, action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action <> 'configuration' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT ctlpr.release('plates', 'test'), ctlpr.release('plate_reads', 'test') \g /dev/null
DROP TABLE plates, plate_reads CASCADE;
DROP FUNCTION count_plate;
