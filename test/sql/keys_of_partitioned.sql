-- 13(d)(6): foreign keys from and to a partitioned governed table are checked
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE cameras (camera_id int PRIMARY KEY);
INSERT INTO cameras VALUES (1), (2);
CREATE TABLE img (plate text, captured_at timestamptz, agency_id text, FOREIGN KEY (plate, captured_at, agency_id) REFERENCES plate_reads (plate, captured_at, agency_id) ON DELETE CASCADE);
ALTER TABLE cameras OWNER TO reads_owner;
ALTER TABLE img OWNER TO reads_owner;
ALTER TABLE plate_reads ADD FOREIGN KEY (camera_id) REFERENCES cameras ON DELETE SET NULL ON UPDATE CASCADE;
GRANT ALL ON cameras, img TO camera_feed;
SET ROLE camera_feed;
SELECT now() AS at \gset
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (:'at', 'FK', 'CT-NHPD', 2);
INSERT INTO img VALUES ('FK', :'at', 'CT-NHPD');
INSERT INTO img VALUES ('NOFK', :'at', 'CT-NHPD');
UPDATE cameras SET camera_id = 22 WHERE camera_id = 2;
DELETE FROM cameras WHERE camera_id = 22;
RESET ROLE;
ALTER TABLE plate_reads DROP CONSTRAINT plate_reads_camera_id_fkey;
DROP TABLE img, cameras;
