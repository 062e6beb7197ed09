-- 14(a)(6): a statement inside a parallel worker is decided and recorded like any other
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TABLE other (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO other SELECT now(), 'SECRET' || n FROM generate_series(1, 3) n;
SELECT ctlpr.govern('other', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
GRANT SELECT ON other TO officer;
CREATE FUNCTION f(p text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE STABLE AS $$ DECLARE r text; BEGIN SELECT string_agg(plate, ',') INTO r FROM public.other; RETURN r; END $$;
CREATE FUNCTION g(p text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE STABLE SECURITY DEFINER AS $$ DECLARE r text; BEGIN SELECT string_agg(plate, ',') INTO r FROM public.plate_reads_4; RETURN r; END $$;
CREATE FUNCTION l(n int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE STABLE SECURITY DEFINER AS $$ BEGIN RETURN (SELECT count(*) FROM ctlpr.audit_entry); END $$;
CREATE TABLE one AS SELECT 1 AS n;
GRANT SELECT ON one TO officer;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
SET ROLE officer;
SELECT set_config(name, 'on', false) = 'on' AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT f(plate) FROM plate_reads WHERE plate = 'NH1';
SAVEPOINT a;
SELECT g(plate) FROM plate_reads WHERE plate = 'NH1';
ROLLBACK TO a;
COMMIT;
SELECT l(n) > 0 AS log_read FROM one;
RESET ROLE;
RESET ALL;
SELECT role, action, relation, allowed, sqlstate FROM pg_temp.log_since(:start_seq) WHERE role = 'officer';
SELECT count(*) AS log_readings FROM ctlpr.audit_entry WHERE seq > :start_seq AND relation = 'ctlpr.audit_entry' AND role = 'officer';
SELECT ctlpr.release('other', 'test');
DROP TABLE other, one;
DROP FUNCTION f, g, l;
