-- 13(d)(6): only the server's own checks and actions of a key pass unseen: not its shape in a function that ALTER TABLE calls, nor in a trigger below a cascade
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE cameras (camera_id int PRIMARY KEY);
CREATE TABLE reads (read_id int PRIMARY KEY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text, camera_id int REFERENCES cameras);
CREATE TABLE images (image_id int PRIMARY KEY, read_id int REFERENCES reads ON DELETE CASCADE);
INSERT INTO cameras VALUES (1);
INSERT INTO reads VALUES (1, now(), 'OWN1', 'CT-NHPD', 1), (2, now(), 'OTHER2', 'CT-HPD', 1), (3, now() - interval '25 days', 'EXPIRED3', 'CT-HPD', 1);
INSERT INTO images VALUES (1, 1);
GRANT SELECT ON cameras, reads, images TO stranger;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id');
SET ROLE stranger;
CREATE TEMP TABLE x (c int);
INSERT INTO x VALUES (1);
CREATE FUNCTION pg_temp.leak(p text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'leaked %', p; RETURN true; END $$;
CREATE FUNCTION pg_temp.pk_side(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM fk.read_id FROM ONLY images fk LEFT JOIN ONLY reads pk ON pg_temp.leak(pk.plate) WHERE pk.read_id IS NULL; RETURN 1; END $$;
CREATE FUNCTION pg_temp.fk_side(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM fk.camera_id FROM ONLY reads fk LEFT JOIN ONLY cameras pk ON pg_temp.leak(fk.plate) WHERE pk.camera_id IS NULL; RETURN 1; END $$;
\set VERBOSITY terse
ALTER TABLE x ALTER c TYPE int USING pg_temp.pk_side(c);
ALTER TABLE x ALTER c TYPE int USING pg_temp.fk_side(c);
RESET ROLE;
SELECT role, action, allowed, sqlstate FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.reads' AND action <> 'configuration';
SELECT ctlpr.release('reads', 'test');
DROP TABLE images, reads, cameras;
CREATE TABLE reads (read_id int PRIMARY KEY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text);
CREATE TABLE images (image_id int PRIMARY KEY, read_id int REFERENCES reads ON DELETE CASCADE);
ALTER TABLE reads OWNER TO reads_owner;
ALTER TABLE images OWNER TO reads_owner;
INSERT INTO reads VALUES (1, now(), 'OWN1', 'CT-NHPD'), (2, now(), 'OTHER2', 'CT-HPD'), (3, now() - interval '25 days', 'EXPIRED3', 'CT-NHPD');
INSERT INTO images VALUES (1, 1);
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
GRANT SELECT, DELETE ON reads TO officer;
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	n int := 3;
BEGIN
	BEGIN
		UPDATE ONLY reads SET captured_at = now() WHERE read_id = n;
	EXCEPTION WHEN OTHERS THEN
		RAISE NOTICE 'UPDATE: %', SQLSTATE;
	END;
	n := 2;
	BEGIN
		DELETE FROM ONLY reads WHERE read_id = n;
	EXCEPTION WHEN OTHERS THEN
		RAISE NOTICE 'DELETE: %', SQLSTATE;
	END;
	RETURN OLD;
END $$;
CREATE TRIGGER spy BEFORE DELETE ON images FOR EACH ROW EXECUTE FUNCTION spy();
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
DELETE FROM reads WHERE read_id = 1;
ROLLBACK;
RESET ROLE;
SELECT role, action, allowed, sqlstate FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.reads';
SELECT ctlpr.release('reads', 'test');
DROP TABLE images, reads;
DROP FUNCTION spy;
