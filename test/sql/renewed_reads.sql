-- 13(b)(2)(A): a read is not made young by copying it, nor by a trigger
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE camera_feed;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), plate || '-', agency_id FROM plate_reads WHERE plate = 'NH500';
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
WITH d AS (DELETE FROM plate_reads WHERE plate = 'NH500' RETURNING *) INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), plate, agency_id FROM d;
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate || '-', agency_id FROM plate_reads WHERE plate = 'NH500' RETURNING plate;
ROLLBACK;
RESET ROLE;
CREATE FUNCTION renew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.captured_at := OLD.captured_at + interval '10 minutes'; RETURN NEW; END $$;
CREATE TRIGGER renew BEFORE UPDATE ON plate_reads_4 FOR EACH ROW EXECUTE FUNCTION renew();
DROP FUNCTION renew;
