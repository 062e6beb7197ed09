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
-- nor the very text of the server's: in a function that ALTER TABLE calls, in a trigger below a cascade, in one that the planner runs
CREATE TABLE cameras (camera_id int PRIMARY KEY, label text);
CREATE TABLE reads (read_id int PRIMARY KEY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text, camera_id int,
	FOREIGN KEY (camera_id) REFERENCES cameras ON UPDATE CASCADE, CONSTRAINT small CHECK (camera_id < 100));
ALTER TABLE reads OWNER TO reads_owner;
ALTER TABLE cameras OWNER TO reads_owner;
INSERT INTO cameras VALUES (1), (2);
INSERT INTO reads VALUES (1, now(), 'OWN1', 'CT-NHPD', 1), (2, now(), 'OTHER2', 'CT-HPD', 1), (3, now() - interval '25 days', 'EXPIRED3', 'CT-NHPD', 1);
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id');
GRANT SELECT, UPDATE ON reads, cameras TO officer;
SET ROLE reads_owner;
CREATE FUNCTION all_at_once(text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN EXECUTE 'SELECT fk."camera_id" FROM ONLY "public"."reads" fk LEFT OUTER JOIN ONLY "public"."cameras" pk ON ( pk."camera_id" OPERATOR(pg_catalog.=) fk."camera_id") WHERE pk."camera_id" IS NULL AND (fk."camera_id" IS NOT NULL)' LOOP
		RAISE NOTICE 'a read of camera %', r.camera_id;
	END LOOP;
	RETURN true;
END $$;
ALTER TABLE cameras ADD CHECK (all_at_once(label));
ALTER TABLE cameras ALTER label TYPE text USING all_at_once(label)::text;
SET ROLE officer;
CREATE TEMP TABLE above (id int PRIMARY KEY);
CREATE TEMP TABLE below (id int REFERENCES above ON DELETE CASCADE);
CREATE FUNCTION pg_temp.in_between() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	BEGIN
		EXECUTE 'SELECT 1 FROM ONLY "public"."reads" x WHERE "camera_id" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x' USING 1;
		GET DIAGNOSTICS n = ROW_COUNT;
		RAISE NOTICE 'counted %', n;
	EXCEPTION WHEN OTHERS THEN
		RAISE NOTICE 'SELECT: %', SQLSTATE;
	END;
	BEGIN
		EXECUTE 'UPDATE ONLY "public"."reads" SET "camera_id" = $2 WHERE $1 OPERATOR(pg_catalog.=) "camera_id"' USING 1, 2;
		GET DIAGNOSTICS n = ROW_COUNT;
		RAISE NOTICE 'changed %', n;
	EXCEPTION WHEN OTHERS THEN
		RAISE NOTICE 'UPDATE: %', SQLSTATE;
	END;
	RETURN OLD;
END $$;
CREATE TRIGGER t BEFORE DELETE ON below FOR EACH ROW EXECUTE FUNCTION pg_temp.in_between();
INSERT INTO above VALUES (1);
INSERT INTO below VALUES (1);
DELETE FROM above;
-- a trigger after the row, in a statement below the cascade
CREATE TEMP TABLE aside (id int);
CREATE TRIGGER t AFTER INSERT ON aside FOR EACH ROW EXECUTE FUNCTION pg_temp.in_between();
CREATE FUNCTION pg_temp.step_aside() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO aside VALUES (1); RETURN OLD; END $$;
CREATE OR REPLACE TRIGGER t BEFORE DELETE ON below FOR EACH ROW EXECUTE FUNCTION pg_temp.step_aside();
INSERT INTO above VALUES (2);
INSERT INTO below VALUES (2);
DELETE FROM above;
-- the planner of the cascade's query runs a function
CREATE FUNCTION pg_temp.while_planning(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE 'SELECT 1 FROM ONLY "public"."reads" x WHERE "camera_id" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x' USING 1;
	GET DIAGNOSTICS n = ROW_COUNT;
	RAISE NOTICE 'counted %', n;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE 'SELECT while planning: %', SQLSTATE;
	RETURN true;
END $$;
CREATE TEMP TABLE planned (id int REFERENCES above ON DELETE CASCADE);
CREATE INDEX ON planned (id) WHERE pg_temp.while_planning(1);
INSERT INTO above VALUES (3);
DELETE FROM above;
-- an action that fails does not quote the read
UPDATE cameras SET camera_id = 1000 WHERE camera_id = 1;
-- and one that does not is carried out for all of them
UPDATE cameras SET camera_id = 3 WHERE camera_id = 1;
RESET ROLE;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.reads' AND action <> 'configuration' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT ctlpr.release('reads', 'test');
SELECT read_id, camera_id FROM reads ORDER BY 1;
DROP TABLE reads, cameras;
DROP FUNCTION all_at_once;
-- keys whose columns differ in collation or type, and partitions to be detached that a key points to
\set VERBOSITY sqlstate
SET ROLE reads_owner;
CREATE TABLE agencies (agency_id text COLLATE "POSIX" PRIMARY KEY);
INSERT INTO agencies VALUES ('CT-NHPD'), ('CT-HPD'), ('XX-NONE');
ALTER TABLE plate_reads ADD FOREIGN KEY (agency_id) REFERENCES agencies;
CREATE TABLE numbered (camera_id numeric PRIMARY KEY);
INSERT INTO numbered VALUES (1);
ALTER TABLE plate_reads ADD CONSTRAINT numbered FOREIGN KEY (camera_id) REFERENCES numbered;
CREATE TABLE seen (plate varchar(20) COLLATE "POSIX", captured_at timestamptz, agency_id char(10),
	FOREIGN KEY (plate, captured_at, agency_id) REFERENCES plate_reads (plate, captured_at, agency_id));
GRANT INSERT ON seen TO officer;
SET ROLE officer;
INSERT INTO seen VALUES ('nowhere', now(), 'CT-NHPD');
RESET ROLE;
ALTER TABLE plate_reads_5 OWNER TO reads_owner;
SET ROLE reads_owner;
ALTER TABLE plate_reads DETACH PARTITION plate_reads_5;
RESET ROLE;
SELECT role, action, relation, allowed, sqlstate FROM pg_temp.log_since(:start_seq) WHERE relation LIKE 'public.plate_reads%' AND NOT allowed;
DROP TABLE seen;
ALTER TABLE plate_reads DROP CONSTRAINT plate_reads_agency_id_fkey, DROP CONSTRAINT numbered;
DROP TABLE plate_reads_5;
DROP TABLE agencies, numbered;
