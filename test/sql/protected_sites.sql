-- 13(d)(5): reads of a fixed camera at a protected site do not come in, and the attempt is on record
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT ctlpr.register_camera('77', 'CT-NHPD', true, 'POINT(-72.93 41.31)'), ctlpr.register_camera('78', 'CT-NHPD', false);
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'BEFORE', 'CT-NHPD', 77);
RESET ROLE;
SET client_min_messages = warning;
SELECT ctlpr.register_protected_site('immigrant_service', 'A center', 'POINT(-72.93 41.31)', 100, current_date - 3) AS site \gset
RESET client_min_messages;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'AT SITE', 'CT-NHPD', 77);
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'A', 'CT-NHPD', 78), (now(), 'B', 'CT-NHPD', 79), (now(), 'C', 'CT-NHPD', NULL);
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'D', 'CT-NHPD', 78), (now(), 'E', 'CT-NHPD', 77);
RESET ROLE;
-- nor by way of an UPDATE, or of a column that fills up with blanks
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('own_vehicles') > 0 AS begun;
UPDATE plate_reads SET camera_id = 77 WHERE plate = 'C';
ROLLBACK;
RESET ROLE;
SET client_min_messages = error;
CREATE TABLE padded_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, camera character(10));
SELECT ctlpr.govern('padded_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD', camera => 'camera') \g /dev/null
RESET client_min_messages;
GRANT INSERT ON padded_reads TO camera_feed;
SET ROLE camera_feed;
INSERT INTO padded_reads VALUES (now(), 'F', '77');
INSERT INTO padded_reads VALUES (now(), 'F', '78');
RESET ROLE;
SELECT role, action, allowed, sqlstate, clause FROM pg_temp.log_since(:start_seq) WHERE sqlstate = 'LP014';
SELECT count(*) FROM ctlpr.camera_requests_at_sites WHERE seq > :start_seq;
SET client_min_messages = warning;
SELECT ctlpr.withdraw_protected_site(:site, 'moved away');
RESET client_min_messages;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'AFTER', 'CT-NHPD', 77);
RESET ROLE;
SELECT ctlpr.release('padded_reads', 'the test is over');
DROP TABLE padded_reads;
DELETE FROM ctlpr.camera;
DELETE FROM ctlpr.protected_site;
