-- 13(g)(5), 14(a)(6): the extension's own objects stay as they are while anything is governed, superuser or not
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
DROP EXTENSION ctlpr;
DROP EXTENSION ctlpr CASCADE;
DROP EXTENSION postgis CASCADE;
DROP FUNCTION ctlpr.guard() CASCADE;
DROP TABLE ctlpr.audit_entry CASCADE;
DROP TABLE ctlpr.suspension;
DROP VIEW ctlpr.findings CASCADE;
ALTER EXTENSION ctlpr DROP FUNCTION ctlpr.guard();
ALTER EXTENSION ctlpr ADD TABLE plate_reads;
CREATE OR REPLACE FUNCTION ctlpr.guard() RETURNS boolean LANGUAGE sql AS 'SELECT true';
ALTER FUNCTION ctlpr.check_agency(text) RENAME TO other;
ALTER FUNCTION ctlpr.check_agency(text) SET search_path = public;
ALTER FUNCTION ctlpr.check_agency(text) OWNER TO reads_owner;
CREATE OR REPLACE VIEW ctlpr.findings AS SELECT * FROM ctlpr.findings WHERE false;
ALTER TABLE ctlpr.suspension ADD COLUMN note text;
ALTER TABLE ctlpr.role_binding DISABLE TRIGGER rules_changed;
ALTER TABLE ctlpr.role_binding RENAME TO binding;
ALTER TABLE ctlpr.audit_entry OWNER TO reads_owner;
DROP TRIGGER rules_changed ON ctlpr.role_binding;
CREATE FUNCTION pg_temp.carry() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER carry AFTER INSERT ON ctlpr.audit_entry FOR EACH ROW EXECUTE FUNCTION pg_temp.carry();
CREATE RULE carry AS ON INSERT TO ctlpr.audit_entry DO INSTEAD NOTHING;
CREATE INDEX ON ctlpr.audit_entry (lower(reason));
CREATE POLICY own ON ctlpr.audit_entry USING (false);
TRUNCATE ctlpr.suspension;
TRUNCATE ctlpr.audit_entry;
DELETE FROM ctlpr.audit_entry;
GRANT INSERT ON ctlpr.role_binding TO reads_owner;
GRANT ALL ON ALL TABLES IN SCHEMA ctlpr TO reads_owner;
GRANT ALL ON SCHEMA ctlpr TO reads_owner;
-- its tables are written by its functions; whoever may write all tables is not meant, and a superuser does it on record
GRANT pg_write_all_data, pg_read_all_data TO stranger;
SET ROLE stranger;
UPDATE ctlpr.governed_relation SET mode = 'observe', observe_until = 'infinity';
DELETE FROM ctlpr.governed_relation;
INSERT INTO ctlpr.role_binding (role, role_name, agency_id) VALUES ('stranger', 'stranger', 'CT-HPD');
DELETE FROM ctlpr.ingest_count;
UPDATE ctlpr.clock SET seen_at = now() - interval '1 year';
DELETE FROM ctlpr.audit_entry;
RESET ROLE;
REVOKE pg_write_all_data, pg_read_all_data FROM stranger;
BEGIN;
DELETE FROM ctlpr.ingest_count;
ROLLBACK;
SELECT ctlpr.alter_governed('plate_reads', 'ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY', false);
CREATE FUNCTION pg_temp.disable() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY';
SELECT pg_temp.disable();
-- nor is its log stopped through a view
BEGIN;
LOCK TABLE ctlpr.audit_log IN SHARE MODE;
ROLLBACK;
CREATE VIEW over_the_log AS SELECT seq FROM ctlpr.audit_log;
BEGIN;
LOCK TABLE over_the_log IN EXCLUSIVE MODE;
ROLLBACK;
BEGIN;
LOCK TABLE over_the_log IN ROW SHARE MODE;
ROLLBACK;
DROP VIEW over_the_log;
-- rights to look and to call may be given, on record
GRANT SELECT ON ctlpr.agency TO reads_owner;
REVOKE SELECT ON ctlpr.agency FROM reads_owner;
-- settings for others' sessions, and for one's own, are on record
ALTER ROLE officer SET ctlpr.request_timeout = '10min';
ALTER ROLE officer RESET ctlpr.request_timeout;
SET ctlpr.bulk_row_limit = 0;
RESET ctlpr.bulk_row_limit;
SELECT set_config('ctlpr.clock_skew', '10min', false);
RESET ctlpr.clock_skew;
SET ROLE officer;
SET ctlpr.bulk_row_limit = 0;
SELECT set_config('ctlpr.restore', 'on', false);
RESET ROLE;
-- what needs no leave
COMMENT ON TABLE ctlpr.suspension IS 'Suspensions of sharing, 13(l)';
VACUUM ANALYZE ctlpr.audit_entry;
VACUUM FULL ctlpr.suspension;
REINDEX TABLE ctlpr.suspension;
CREATE TABLE refers (agency_id text REFERENCES ctlpr.agency);
DROP TABLE refers;
-- the modes that switch triggers off switch nothing of this off
SET session_replication_role = replica;
SELECT count(*) FROM plate_reads;
DELETE FROM plate_reads;
SELECT ctlpr.suspend_sharing('MA-BPD', 'the Attorney General', 'test');
RESET session_replication_role;
SELECT ctlpr.resume_sharing('MA-BPD', 'the Attorney General', 'test');
CREATE TEMP SEQUENCE seen;
CREATE FUNCTION pg_temp.stop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''pg_temp.seen''); END';
CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pg_temp.stop();
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
DROP EVENT TRIGGER stop;
SELECT is_called AS seen FROM pg_temp.seen;
SELECT action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT statement FROM ctlpr.audit_log WHERE seq > :start_seq AND action = 'configuration' AND statement IS NOT NULL ORDER BY seq;
-- nothing of the caller's is found by name where the gate looks something up
GRANT CREATE ON SCHEMA public TO reads_owner;
INSERT INTO pg_subscription_rel VALUES (1, 'pg_class'::regclass, 'r', NULL);
SET ROLE reads_owner;
CREATE FUNCTION public.same_oid(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'called by %', current_user; RETURN false; END $$;
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.same_oid);
SET search_path = public, pg_catalog;
\set VERBOSITY terse
CREATE TABLE plate_reads_later PARTITION OF plate_reads FOR VALUES FROM ('2040-01-01') TO ('2041-01-01');
RESET search_path;
DROP OPERATOR public.= (oid, oid);
DROP FUNCTION public.same_oid;
RESET ROLE;
DELETE FROM pg_subscription_rel WHERE srsubid = 1;
