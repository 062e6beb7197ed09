-- 13(d)(6): keys are checked whoever owns the rows, and nothing but the checks goes that way
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE cameras (camera_id int PRIMARY KEY);
CREATE TABLE reads (read_id int PRIMARY KEY, captured_at timestamptz NOT NULL, plate text NOT NULL, camera_id int REFERENCES cameras ON UPDATE CASCADE);
CREATE TABLE images (image_id int PRIMARY KEY, read_id int REFERENCES reads ON DELETE CASCADE);
CREATE TABLE notes (read_id int);
ALTER TABLE cameras OWNER TO reads_owner;
ALTER TABLE reads OWNER TO reads_owner;
ALTER TABLE images OWNER TO reads_owner;
INSERT INTO cameras VALUES (1), (2), (3);
INSERT INTO reads SELECT n, now() - n * interval '1 day', 'P' || n, 1 FROM generate_series(1, 25) n;
INSERT INTO images SELECT n, n FROM generate_series(1, 25) n;
GRANT ALL ON cameras, reads, images TO officer, camera_feed;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD', camera => 'camera_id');
SET ROLE camera_feed;
INSERT INTO reads VALUES (100, now(), 'NEW', 2);
INSERT INTO reads VALUES (101, now(), 'NEW', 9);
INSERT INTO images VALUES (100, 100);
INSERT INTO images VALUES (101, 999);
UPDATE cameras SET camera_id = 20 WHERE camera_id = 2;
DELETE FROM cameras WHERE camera_id = 1;
DELETE FROM cameras WHERE camera_id = 3;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT camera_id FROM reads WHERE read_id = 100;
DELETE FROM reads WHERE read_id = 100;
SELECT count(*) FROM images WHERE image_id = 100;
ROLLBACK;
RESET ROLE;
-- keys that are added later, by a superuser
ALTER TABLE notes ADD FOREIGN KEY (read_id) REFERENCES reads;
ALTER TABLE notes DROP CONSTRAINT notes_read_id_fkey, ADD FOREIGN KEY (read_id) REFERENCES reads NOT VALID;
ALTER TABLE notes VALIDATE CONSTRAINT notes_read_id_fkey;
-- the same text by anybody else is a statement like any other
SELECT 1 FROM ONLY reads x WHERE read_id = 1 FOR KEY SHARE OF x;
SELECT fk.read_id FROM ONLY images fk LEFT OUTER JOIN ONLY reads pk ON (pk.read_id = fk.read_id) WHERE pk.read_id IS NULL AND fk.read_id IS NOT NULL;
SELECT count(*) FROM reads WHERE ctlpr.referential('reads'::regclass);
-- a trigger below a cascade inherits the context of the check, not its exemption
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	SELECT count(*) INTO n FROM reads WHERE ctlpr.referential('reads'::regclass);
	RAISE NOTICE 'saw % reads', n;
	RETURN NULL;
END $$;
CREATE TRIGGER spy AFTER DELETE ON images FOR EACH ROW EXECUTE FUNCTION spy();
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DELETE FROM reads WHERE read_id = 3;
ROLLBACK;
RESET ROLE;
SELECT role, action, relation, allowed, sqlstate, touched FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.reads' AND action <> 'configuration';
SELECT ctlpr.release('reads', 'test');
DROP TABLE notes, images, reads, cameras;
DROP FUNCTION spy;
