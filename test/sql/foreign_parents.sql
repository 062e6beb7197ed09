-- 13(b)(2)(A), 14(a)(6): neither a governed table nor the log is reached through a parent that is not governed
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE city (captured_at timestamptz NOT NULL, plate text NOT NULL) PARTITION BY LIST (plate);
CREATE TABLE city_x PARTITION OF city FOR VALUES IN ('X');
CREATE TABLE elsewhere (captured_at timestamptz NOT NULL, plate text NOT NULL);
SELECT ctlpr.govern('elsewhere', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
ALTER TABLE city ATTACH PARTITION elsewhere DEFAULT;
GRANT ALL ON city TO stranger;
SET ROLE stranger;
INSERT INTO city VALUES (now() - interval '25 days', 'EXPIRED'), (now() + interval '25 days', 'FUTURE'), (now(), 'X');
UPDATE city SET plate = 'MOVED' WHERE plate = 'X';
RESET ROLE;
SELECT sum(reads) AS expired FROM ctlpr.expired_reads('elsewhere');
ALTER TABLE city DETACH PARTITION elsewhere;
SELECT ctlpr.release('elsewhere', 'test');
DROP TABLE city, elsewhere;
-- what joins a governed table brings no trigger, no rule, and a log of its own
CREATE FUNCTION younger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.captured_at := now(); RETURN NEW; END';
CREATE TABLE plate_reads_7 (LIKE plate_reads INCLUDING DEFAULTS);
CREATE TRIGGER younger BEFORE INSERT ON plate_reads_7 FOR EACH ROW EXECUTE FUNCTION younger();
ALTER TABLE plate_reads ATTACH PARTITION plate_reads_7 FOR VALUES FROM ('2090-01-01') TO ('2091-01-01');
DROP TRIGGER younger ON plate_reads_7;
CREATE RULE kept AS ON INSERT TO plate_reads_7 DO ALSO NOTIFY kept;
ALTER TABLE plate_reads ATTACH PARTITION plate_reads_7 FOR VALUES FROM ('2090-01-01') TO ('2091-01-01');
DROP RULE kept ON plate_reads_7;
ALTER TABLE plate_reads_7 SET UNLOGGED;
ALTER TABLE plate_reads ATTACH PARTITION plate_reads_7 FOR VALUES FROM ('2090-01-01') TO ('2091-01-01');
ALTER TABLE plate_reads_7 SET LOGGED;
ALTER TABLE plate_reads ATTACH PARTITION plate_reads_7 FOR VALUES FROM ('2090-01-01') TO ('2091-01-01');
CREATE UNLOGGED TABLE plate_reads_8 PARTITION OF plate_reads FOR VALUES FROM ('2091-01-01') TO ('2092-01-01');
DROP FUNCTION younger;
CREATE TABLE logparent (seq bigint NOT NULL);
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER TABLE ctlpr.audit_entry INHERIT logparent;
COMMIT;
BEGIN;
DELETE FROM logparent;
ROLLBACK;
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER TABLE ctlpr.audit_entry NO INHERIT logparent;
COMMIT;
DROP TABLE logparent;
