-- 13(d)(6), 13(g)(5): no ALTER takes a part of the guard away, whoever owns the table; break_glass() opens it, on record
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT format('ALTER TABLE plate_reads_%s OWNER TO reads_owner', n) FROM generate_series(1, 6) n \gexec
CREATE FUNCTION pg_temp.guarded() RETURNS text LANGUAGE sql AS $$ SELECT format('%s %s %s', c.relrowsecurity, c.relforcerowsecurity, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'ctlpr_guard')) FROM pg_class c WHERE c.oid = 'plate_reads'::regclass $$;
SET ROLE reads_owner;
-- row security
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
ALTER TABLE plate_reads NO FORCE ROW LEVEL SECURITY;
ALTER TABLE plate_reads_4 DISABLE ROW LEVEL SECURITY;
DROP POLICY ctlpr_guard ON plate_reads;
DROP POLICY ctlpr_guard ON plate_reads_4;
ALTER POLICY ctlpr_guard ON plate_reads USING (true);
ALTER POLICY ctlpr_guard ON plate_reads RENAME TO own;
-- policies of its own may come and go
CREATE POLICY own ON plate_reads USING (true);
ALTER POLICY own ON plate_reads USING (camera_id IS NOT NULL);
ALTER POLICY own ON plate_reads RENAME TO own2;
DROP POLICY own2 ON plate_reads;
-- the columns that govern
ALTER TABLE plate_reads DROP COLUMN captured_at;
ALTER TABLE plate_reads DROP COLUMN plate;
ALTER TABLE plate_reads DROP COLUMN agency_id CASCADE;
ALTER TABLE plate_reads RENAME COLUMN plate TO number;
ALTER TABLE plate_reads RENAME COLUMN agency_id TO owner;
ALTER TABLE plate_reads ALTER COLUMN plate DROP NOT NULL;
ALTER TABLE plate_reads_4 ALTER COLUMN captured_at DROP NOT NULL;
ALTER TABLE plate_reads ALTER COLUMN captured_at TYPE timestamp;
ALTER TABLE plate_reads ALTER COLUMN plate TYPE varchar(3) USING left(plate, 3);
ALTER TABLE plate_reads ALTER COLUMN agency_id TYPE text USING 'CT-NHPD';
-- the table itself
CREATE RULE carry AS ON INSERT TO plate_reads DO ALSO NOTIFY carried;
CREATE RULE nothing AS ON DELETE TO plate_reads DO INSTEAD NOTHING;
ALTER TABLE plate_reads_4 SET UNLOGGED;
TRUNCATE plate_reads;
TRUNCATE plate_reads_4;
DROP TABLE plate_reads;
DROP OWNED BY reads_owner;
RESET ROLE;
DROP OWNED BY reads_owner CASCADE;
TRUNCATE plate_reads;
CREATE SCHEMA elsewhere;
ALTER TABLE plate_reads SET SCHEMA elsewhere;
DROP SCHEMA elsewhere CASCADE;
ALTER TABLE elsewhere.plate_reads SET SCHEMA public;
CREATE TABLE camera (camera_id int PRIMARY KEY);
GRANT REFERENCES ON camera TO reads_owner;
INSERT INTO camera VALUES (1);
ALTER TABLE plate_reads ADD FOREIGN KEY (camera_id) REFERENCES camera;
TRUNCATE camera CASCADE;
DROP TABLE camera CASCADE;
SELECT pg_temp.guarded();
SELECT count(*) AS there FROM pg_attribute WHERE attrelid = 'plate_reads'::regclass AND attname IN ('captured_at', 'plate', 'agency_id') AND NOT attisdropped AND (attnotnull OR attname = 'agency_id');
-- what maintenance does goes on
SET ROLE reads_owner;
ALTER TABLE plate_reads ADD COLUMN lane int DEFAULT 1, ADD COLUMN make text;
ALTER TABLE plate_reads ALTER COLUMN lane TYPE bigint, ALTER COLUMN make SET DEFAULT '';
ALTER TABLE plate_reads DROP COLUMN make;
CREATE INDEX ON plate_reads (camera_id);
CREATE INDEX ON plate_reads (lower(plate)) WHERE lane > 0;
REINDEX TABLE plate_reads_4;
VACUUM ANALYZE plate_reads;
VACUUM FULL plate_reads_4;
CLUSTER plate_reads_4 USING plate_reads_4_captured_at_idx;
CREATE STATISTICS of_plates (mcv) ON plate, camera_id FROM plate_reads;
BEGIN;
LOCK TABLE plate_reads IN ACCESS EXCLUSIVE MODE;
COMMIT;
RESET ROLE;
SELECT pg_temp.guarded();
-- a restore, for superusers, on record
SET ctlpr.restore = on;
BEGIN;
ALTER TABLE plate_reads NO FORCE ROW LEVEL SECURITY;
TRUNCATE plate_reads_1;
ROLLBACK;
SET ROLE reads_owner;
ALTER TABLE plate_reads NO FORCE ROW LEVEL SECURITY;
RESET ROLE;
RESET ctlpr.restore;
-- an emergency: on record first, and a finding afterwards
BEGIN;
SELECT ctlpr.break_glass('a table has to be repaired') > 0 AS broken;
ALTER TABLE plate_reads NO FORCE ROW LEVEL SECURITY;
ALTER TABLE plate_reads FORCE ROW LEVEL SECURITY;
TRUNCATE plate_reads_1;
COMMIT;
-- ... and not for anybody else's role
BEGIN;
SELECT ctlpr.break_glass('for another') > 0 AS broken;
SET LOCAL ROLE reads_owner;
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
ROLLBACK;
SELECT role, action, relation, allowed, sqlstate, clause, count(*) FROM pg_temp.log_since(:start_seq) GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6;
SELECT statement, basis, outcome FROM ctlpr.audit_log WHERE seq > :start_seq AND action IN ('ddl', 'delete') AND allowed ORDER BY seq;
SELECT count(*) > 0 AS refusal_with_its_statement FROM ctlpr.refusals WHERE seq > :start_seq AND statement = 'ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY';
