-- 13(d)(6): by whatever role, object or command a governed table is reached, it is the acting role that counts, and nothing is copied out of its reach
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
-- members of the owner, whether they take the role on or only its rights
CREATE ROLE owners_friend LOGIN IN ROLE reads_owner;
SET ROLE owners_friend;
SELECT count(*) FROM plate_reads;
ALTER TABLE plate_reads DISABLE ROW LEVEL SECURITY;
SET ROLE reads_owner;
SELECT count(*) FROM plate_reads;
SET row_security = off;
SELECT count(*) FROM plate_reads;
RESET row_security;
RESET ROLE;
SET SESSION AUTHORIZATION officer;
SELECT count(*) FROM plate_reads;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads;
COMMIT;
SET row_security = off;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads;
ROLLBACK;
RESET row_security;
RESET SESSION AUTHORIZATION;
-- rules and triggers of views
CREATE TABLE kept (plate text);
GRANT ALL ON kept TO officer;
CREATE VIEW city AS SELECT plate FROM plate_reads;
CREATE RULE carry AS ON INSERT TO city DO INSTEAD INSERT INTO kept SELECT plate FROM plate_reads;
CREATE RULE look AS ON UPDATE TO city DO INSTEAD SELECT plate FROM plate_reads ORDER BY 1;
CREATE FUNCTION carried() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO kept SELECT plate FROM plate_reads; RETURN NEW; END $$;
CREATE VIEW town AS SELECT 'x'::text AS plate;
CREATE TRIGGER carried INSTEAD OF INSERT ON town FOR EACH ROW EXECUTE FUNCTION carried();
GRANT ALL ON city, town TO officer;
ALTER VIEW city OWNER TO officer;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
INSERT INTO city VALUES ('x');
ROLLBACK TO a;
UPDATE city SET plate = 'y';
ROLLBACK TO a;
INSERT INTO town VALUES ('x');
ROLLBACK TO a;
MERGE INTO kept k USING plate_reads r ON k.plate = r.plate WHEN NOT MATCHED THEN INSERT VALUES (r.plate);
ROLLBACK TO a;
MERGE INTO kept k USING (SELECT plate FROM plate_reads) r ON false WHEN NOT MATCHED THEN INSERT VALUES (r.plate);
ROLLBACK TO a;
WITH gone AS (DELETE FROM plate_reads WHERE plate = 'NH1' RETURNING plate) INSERT INTO kept SELECT plate FROM gone;
ROLLBACK TO a;
UPDATE kept SET plate = (SELECT min(plate) FROM plate_reads);
ROLLBACK TO a;
INSERT INTO kept VALUES ((SELECT min(plate) FROM plate_reads));
ROLLBACK TO a;
COMMIT;
RESET ROLE;
SELECT count(*) AS kept FROM kept;
-- a materialized view from before
CREATE MATERIALIZED VIEW lasting AS SELECT plate FROM plate_reads WITH NO DATA;
ALTER MATERIALIZED VIEW lasting OWNER TO officer;
SET ROLE officer;
REFRESH MATERIALIZED VIEW lasting;
RESET ROLE;
REFRESH MATERIALIZED VIEW lasting;
BEGIN;
SELECT ctlpr.break_glass('look') > 0 AS broken;
REFRESH MATERIALIZED VIEW lasting;
ROLLBACK;
-- files and programs of the server
COPY plate_reads TO '/tmp/ctlpr_is_not_written';
COPY plate_reads TO PROGRAM 'cat';
COPY (SELECT plate FROM plate_reads) TO PROGRAM 'cat';
GRANT pg_execute_server_program, pg_write_server_files TO officer;
SET ROLE officer;
COPY plate_reads TO PROGRAM 'cat > /dev/null';
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SAVEPOINT a;
COPY plate_reads TO PROGRAM 'cat > /dev/null';
ROLLBACK TO a;
COPY (SELECT plate FROM plate_reads) TO '/tmp/ctlpr_is_not_written';
ROLLBACK TO a;
COPY (SELECT plate FROM plate_reads WHERE plate = 'NH1') TO STDOUT;
COMMIT;
RESET ROLE;
REVOKE pg_execute_server_program, pg_write_server_files FROM officer;
-- back to the same server
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
CREATE FUNCTION pg_temp.by_dblink() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	PERFORM * FROM dblink(format('dbname=%s port=%s host=%s user=postgres', current_database(), current_setting('port'), current_setting('unix_socket_directories')), 'SELECT plate FROM plate_reads') AS t (plate text);
	RETURN 'seen';
EXCEPTION WHEN OTHERS THEN RETURN sqlstate;
END $$;
SELECT pg_temp.by_dblink();
DO $$ BEGIN
	EXECUTE format('CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, port %L, host %L)', current_database(), current_setting('port'), current_setting('unix_socket_directories'));
END $$;
CREATE USER MAPPING FOR PUBLIC SERVER here OPTIONS (user 'postgres');
CREATE FOREIGN TABLE back (plate text) SERVER here OPTIONS (table_name 'plate_reads');
CREATE FOREIGN TABLE away (plate text) SERVER here OPTIONS (table_name 'kept');
GRANT ALL ON back, away TO officer;
SELECT count(*) FROM back;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
INSERT INTO away SELECT plate FROM plate_reads;
ROLLBACK;
RESET ROLE;
-- the library is there already, and is not loaded again
LOAD 'ctlpr';
SELECT count(*) FROM plate_reads;
SELECT role, action, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE action <> 'request' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SET client_min_messages = error;
DROP EXTENSION postgres_fdw CASCADE;
DROP EXTENSION dblink;
DROP MATERIALIZED VIEW lasting;
DROP VIEW city, town;
DROP FUNCTION carried;
DROP TABLE kept;
DROP ROLE owners_friend;
