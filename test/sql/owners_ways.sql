-- 13(b)(2)(A), 13(d)(6): what the owner of a governed table can arrange around it
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set VERBOSITY sqlstate
SELECT format('ALTER TABLE %s OWNER TO reads_owner', m) FROM ctlpr.relation_members('plate_reads') m \gexec
GRANT CREATE ON DATABASE :DBNAME TO reads_owner;
SELECT ctlpr.bind_role('reads_owner', 'CT-NHPD') \g /dev/null
SET ROLE reads_owner;
-- keys whose actions would change or delete reads
CREATE TABLE agencies (agency_id text PRIMARY KEY);
INSERT INTO agencies VALUES ('CT-NHPD'), ('CT-HPD'), ('XX-NONE');
CREATE TABLE lanes (lane int PRIMARY KEY);
INSERT INTO lanes VALUES (1);
ALTER TABLE plate_reads ADD FOREIGN KEY (agency_id) REFERENCES agencies ON UPDATE CASCADE;
ALTER TABLE plate_reads ADD FOREIGN KEY (agency_id) REFERENCES agencies ON DELETE SET NULL;
ALTER TABLE plate_reads_1 ADD FOREIGN KEY (agency_id) REFERENCES agencies ON DELETE SET DEFAULT;
ALTER TABLE plate_reads ADD FOREIGN KEY (camera_id) REFERENCES lanes ON DELETE CASCADE;
ALTER TABLE plate_reads ADD COLUMN lane int REFERENCES lanes ON DELETE CASCADE;
ALTER TABLE plate_reads ADD CONSTRAINT of_agency FOREIGN KEY (agency_id) REFERENCES agencies, ADD CONSTRAINT of_lane FOREIGN KEY (camera_id) REFERENCES lanes ON UPDATE CASCADE ON DELETE SET NULL;
ALTER TABLE plate_reads DROP CONSTRAINT of_agency, DROP CONSTRAINT of_lane;
CREATE TABLE brings_key (LIKE plate_reads, FOREIGN KEY (agency_id) REFERENCES agencies ON DELETE CASCADE);
ALTER TABLE plate_reads ATTACH PARTITION brings_key DEFAULT;
DROP TABLE brings_key;
CREATE TABLE keyed (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text REFERENCES agencies ON UPDATE CASCADE);
RESET ROLE;
\set VERBOSITY default
SELECT ctlpr.govern('keyed', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
\set VERBOSITY sqlstate
SELECT severity, item, detail FROM ctlpr.preflight('keyed') WHERE item = 'foreign key';
-- types that alter their tables
CREATE TYPE read_type AS (captured_at timestamptz, plate text);
ALTER TYPE read_type OWNER TO reads_owner;
CREATE TABLE typed OF read_type (captured_at NOT NULL, plate NOT NULL);
ALTER TABLE typed OWNER TO reads_owner;
\set VERBOSITY default
SELECT ctlpr.govern('typed', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
\set VERBOSITY sqlstate
ALTER TABLE typed NOT OF;
SELECT ctlpr.govern('typed', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
SET ROLE reads_owner;
ALTER TABLE typed OF read_type;
-- a second parent
CREATE TABLE beside (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE typed_child () INHERITS (typed);
ALTER TABLE typed_child INHERIT beside;
CREATE TABLE of_both () INHERITS (typed, beside);
CREATE TABLE plain (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE plain_child () INHERITS (plain, beside);
ALTER TABLE plain INHERIT typed;
DROP TABLE plain CASCADE;
-- reads that a table brings along
CREATE TABLE forged (LIKE plate_reads);
INSERT INTO forged SELECT 1, now() + interval '55 days', 'FORGED', 'CT-HPD', 1;
ALTER TABLE plate_reads ATTACH PARTITION forged DEFAULT;
CREATE TABLE forged_child (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO forged_child SELECT now(), 'FORGED';
ALTER TABLE forged_child INHERIT typed;
DELETE FROM forged;
ALTER TABLE plate_reads ATTACH PARTITION forged DEFAULT;
ALTER TABLE plate_reads DETACH PARTITION plate_reads_4;
ALTER TABLE plate_reads ATTACH PARTITION forged_child DEFAULT;
SELECT count(*) AS of_the_default FROM pg_inherits WHERE inhparent = 'plate_reads'::regclass AND inhrelid = 'forged'::regclass;
DROP TABLE forged, forged_child;
-- functions of triggers that were allowed
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION when_told(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO told VALUES ($1); RETURN true; END';
CREATE FUNCTION tell_more() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO told VALUES (NEW.plate); RETURN NULL; END';
CREATE TABLE told (plate text);
CREATE TABLE triggered (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell();
RESET ROLE;
SELECT ctlpr.govern('triggered', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD', allow_triggers => '{tell}') \g /dev/null
SET ROLE reads_owner;
CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO told VALUES (NEW.plate); RETURN NULL; END';
ALTER FUNCTION tell() SET search_path = told;
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell_more();
CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION tell();
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW WHEN (when_told(NEW.plate)) EXECUTE FUNCTION tell();
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell('told');
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered REFERENCING NEW TABLE AS fresh FOR EACH ROW EXECUTE FUNCTION tell();
CREATE OR REPLACE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TABLE triggered_child () INHERITS (triggered);
CREATE TRIGGER tell AFTER INSERT ON triggered_child FOR EACH ROW EXECUTE FUNCTION tell_more();
CREATE TRIGGER tell AFTER INSERT ON triggered_child FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TABLE triggered_later (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TRIGGER tell AFTER INSERT ON triggered_later FOR EACH ROW EXECUTE FUNCTION tell_more();
ALTER TABLE triggered_later INHERIT triggered;
DROP TRIGGER tell ON triggered_child;
DROP TRIGGER tell ON triggered;
CREATE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tell_more();
CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- domains inside of types, and inside of expressions
CREATE FUNCTION looks(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''saw''; RETURN true; END';
CREATE DOMAIN looking AS text CHECK (looks(VALUE));
CREATE DOMAIN harmless AS text;
CREATE TYPE looking_row AS (plate looking);
CREATE TYPE harmless_row AS (plate harmless);
CREATE TYPE looking_range AS RANGE (SUBTYPE = looking);
CREATE DOMAIN over_array AS looking[];
ALTER TABLE plate_reads ADD CHECK (plate::looking IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK (('{' || plate || '}')::looking[] IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK (('(' || plate || ')')::looking_row IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK (('[' || plate || ',]')::looking_range IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK (ARRAY[plate]::over_array IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK (jsonb_populate_record(NULL::looking_row, jsonb_build_object('plate', plate)) IS NOT NULL);
ALTER TABLE plate_reads ADD COLUMN more looking;
ALTER TABLE plate_reads ADD COLUMN more looking_row[];
ALTER TABLE plate_reads ADD CONSTRAINT harmless CHECK (('(' || plate || ')')::harmless_row IS NOT NULL);
ALTER DOMAIN harmless ADD CHECK (looks(VALUE)) NOT VALID;
ALTER TYPE harmless_row ADD ATTRIBUTE more looking;
ALTER TABLE plate_reads DROP CONSTRAINT harmless;
-- what holds of every read is an answer that stands in the log
ALTER TABLE plate_reads ADD CONSTRAINT asked CHECK (NOT (plate = 'HA700' AND agency_id = 'CT-HPD'));
CREATE INDEX ON plate_reads_1 (captured_at) WHERE agency_id = 'XX-NONE';
-- and an error says no more than that there is one
\set VERBOSITY default
ALTER TABLE plate_reads ADD CHECK (agency_id <> 'CT-HPD' OR current_setting('x.' || plate) IS NULL);
ALTER TABLE plate_reads ADD CHECK (plate::regclass IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK ((plate || '.b.c')::regclass IS NOT NULL);
ALTER TABLE plate_reads ADD CHECK ((plate || ' x y')::regtype IS NOT NULL);
ALTER TABLE plate_reads ALTER plate TYPE text USING plate::regclass::text;
ALTER TABLE plate_reads ADD COLUMN n int GENERATED ALWAYS AS (plate::int) STORED;
CREATE INDEX ON plate_reads (to_tsquery('simple'::regconfig, plate || ' &&& ' || agency_id));
-- what is wrong before a row is read is said
ALTER TABLE plate_reads ADD CHECK (speed > 0);
ALTER TABLE plate_reads DROP CONSTRAINT none;
ALTER TABLE plate_reads ADD COLUMN camera_id int;
VACUUM none;
RESET ROLE;
\set VERBOSITY sqlstate
-- release() that is taken back leaves all as it was
BEGIN;
SAVEPOINT s;
SELECT ctlpr.release('plate_reads', 'oops') \g /dev/null
ROLLBACK TO s;
SELECT count(*) FROM plate_reads;
ROLLBACK;
SELECT role, action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action <> 'configuration' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT statement FROM ctlpr.audit_log WHERE seq > :start_seq AND action = 'ddl' AND allowed ORDER BY seq;
\o /dev/null
SET client_min_messages = error;
SELECT ctlpr.release(relation, 'test') FROM ctlpr.governed_relation WHERE relation_name ~ 'typed|triggered|plate_reads';
SELECT ctlpr.unbind_role('reads_owner', 'CT-NHPD');
DROP TABLE plate_reads, plate_reads_4, typed, beside, keyed, agencies, lanes, told, triggered, triggered_later CASCADE;
DROP TYPE read_type, looking_row, harmless_row, looking_range CASCADE;
DROP DOMAIN over_array, looking, harmless;
REVOKE CREATE ON DATABASE :DBNAME FROM reads_owner;
DROP FUNCTION tell, tell_more, when_told, looks;
