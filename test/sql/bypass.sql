-- 13(d)(6): whoever row security does not bind is refused, and so is every way around the governed table; break_glass() opens reading
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT count(*) FROM plate_reads;
SELECT count(*) FROM plate_reads_4;
SET ROLE bypasser;
SELECT count(*) FROM plate_reads;
SET ROLE reads_owner;
SELECT count(*) FROM plate_reads;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads;
SAVEPOINT a;
SELECT count(*) FROM plate_reads_4;
ROLLBACK TO a;
RESET ROLE;
GRANT SELECT ON plate_reads_4 TO officer;
SET ROLE officer;
SELECT count(*) FROM plate_reads_4;
ROLLBACK;
RESET ROLE;
-- views: by whom decides
CREATE VIEW superuser_view AS SELECT * FROM plate_reads;
CREATE VIEW officer_view AS SELECT * FROM plate_reads;
ALTER VIEW officer_view OWNER TO officer;
CREATE VIEW invoker_view WITH (security_invoker) AS SELECT * FROM plate_reads;
GRANT SELECT ON superuser_view, officer_view, invoker_view TO officer, stranger;
SET ROLE stranger;
SELECT count(*) FROM officer_view;
SET ROLE officer;
SELECT count(*) FROM officer_view;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM officer_view;
SELECT count(*) FROM invoker_view;
SELECT count(*) FROM superuser_view;
ROLLBACK;
RESET ROLE;
-- functions that the planner inlines, and ones that run as a superuser
CREATE FUNCTION inlined() RETURNS SETOF plate_reads LANGUAGE sql STABLE AS 'SELECT * FROM plate_reads';
CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM plate_reads';
SELECT count(*) FROM inlined();
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM inlined();
SELECT definer();
ROLLBACK;
RESET ROLE;
-- a governed table below a parent that is not
CREATE TABLE city (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE city_reads () INHERITS (city);
INSERT INTO city_reads VALUES (now(), 'AB12345');
CREATE TABLE elsewhere (captured_at timestamptz NOT NULL, plate text NOT NULL);
SELECT ctlpr.govern('elsewhere', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
ALTER TABLE elsewhere INHERIT city;
-- as if it had been attached while the library was not there
SET allow_system_table_mods = on;
INSERT INTO pg_inherits VALUES ('elsewhere'::regclass, 'city'::regclass, 1, false);
RESET allow_system_table_mods;
ALTER TABLE city ALTER plate SET STATISTICS -1;
GRANT SELECT ON city TO officer;
SELECT count(*) FROM city;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM city;
ROLLBACK;
RESET ROLE;
SET allow_system_table_mods = on;
DELETE FROM pg_inherits WHERE inhrelid = 'elsewhere'::regclass;
RESET allow_system_table_mods;
ALTER TABLE elsewhere ALTER plate SET STATISTICS -1;
SELECT ctlpr.release('elsewhere', 'test');
DROP TABLE elsewhere, city CASCADE;
-- the emergency: superusers only, reading only, for the transaction only
SET ROLE officer;
SELECT ctlpr.break_glass('curious');
RESET ROLE;
SELECT ctlpr.break_glass('outside of a transaction');
BEGIN;
SELECT ctlpr.break_glass(' ');
ROLLBACK;
BEGIN;
SELECT ctlpr.break_glass('a child is missing') > 0 AS broken;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
SAVEPOINT a;
DELETE FROM plate_reads;
ROLLBACK TO a;
UPDATE plate_reads SET plate = 'X';
ROLLBACK;
SELECT count(*) FROM plate_reads;
SELECT role, action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE NOT allowed OR action = 'break_glass' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 5;
SELECT severity, cardinality(evidence) > 1 AS has_evidence FROM ctlpr.findings WHERE kind = 'break_glass' ORDER BY evidence[1] DESC LIMIT 1;
DROP FUNCTION inlined, definer;
DROP VIEW superuser_view, officer_view, invoker_view;
