-- 13(b)(2)(A): no function of anybody's is run over every read, expired ones included, by a check, an index, a generated column, statistics, a domain or a change of type
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE reads_owner;
CREATE FUNCTION look(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'looked at %', $1; RETURN $1; END $$;
CREATE FUNCTION looks(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'looked at %', $1; RETURN true; END $$;
CREATE FUNCTION looks_sql(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) > 0 $$;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'looked'; RETURN true; END $$;
CREATE OPERATOR ==== (LEFTARG = text, RIGHTARG = text, FUNCTION = same);
CREATE FUNCTION measure(text, text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'looked at %', $1; RETURN 1; END $$;
CREATE DOMAIN looked_at AS text CHECK (looks(VALUE));
CREATE DOMAIN plain_domain AS text;
CREATE DOMAIN above AS looked_at;
CREATE TABLE r (captured_at timestamptz NOT NULL, plate text NOT NULL, note text, lane int, plain plain_domain);
INSERT INTO r VALUES (now() - interval '90 days', 'EXPIRED', 'EXPIRED', 1, 'x'), (now(), 'LIVE', NULL, 2, 'x');
CREATE TABLE other (note text);
RESET ROLE;
SELECT ctlpr.govern('r', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
SET ROLE reads_owner;
\set VERBOSITY terse
ALTER TABLE r ADD CHECK (looks(plate));
ALTER TABLE r ADD CONSTRAINT later CHECK (looks(plate)) NOT VALID;
ALTER TABLE r ADD CHECK (looks_sql(plate));
ALTER TABLE r ADD CHECK (plate ==== note);
ALTER TABLE r ADD CHECK (note::looked_at IS NOT NULL);
ALTER TABLE r ADD CHECK (pg_notify('reads', plate) IS NULL);
ALTER TABLE r ADD CHECK (lo_from_bytea(0, plate::bytea) > 0);
CREATE INDEX ON r (look(plate));
CREATE INDEX ON r (lane) WHERE looks(plate);
CREATE INDEX CONCURRENTLY looked ON r (look(plate));
CREATE STATISTICS s ON (look(plate)), lane FROM r;
ALTER TABLE r ADD COLUMN made text GENERATED ALWAYS AS (look(plate)) STORED;
ALTER TABLE r ALTER COLUMN note TYPE varchar USING look(plate);
ALTER TABLE r ALTER COLUMN note TYPE looked_at;
ALTER TABLE r ALTER COLUMN note TYPE above;
ALTER DOMAIN plain_domain ADD CHECK (looks(VALUE));
ALTER DOMAIN plain_domain ADD CONSTRAINT later CHECK (looks(VALUE)) NOT VALID;
ALTER TABLE r ADD EXCLUDE USING hash ((look(plate)) WITH =);
-- what a value runs by itself: how its range is measured or put in order, its cast to JSON
CREATE TYPE measured AS RANGE (subtype = text, subtype_diff = measure);
CREATE TYPE plain_range AS RANGE (subtype = text);
CREATE STATISTICS s ON (measured(plate, plate || 'z')), lane FROM r;
CREATE INDEX ON r USING gist (measured(plate, plate));
ALTER TABLE r ADD COLUMN spans measured;
ALTER TABLE r ALTER COLUMN note TYPE measured[] USING ARRAY[measured(note, note)];
ALTER TABLE r ADD CONSTRAINT as_json CHECK (to_json(plain_range(plate, plate)) IS NOT NULL);
CREATE FUNCTION range_json(plain_range) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'looked at %', $1; RETURN '1'; END $$;
CREATE CAST (plain_range AS json) WITH FUNCTION range_json(plain_range);
ALTER TABLE r DROP CONSTRAINT as_json;
CREATE CAST (plain_range AS json) WITH FUNCTION range_json(plain_range);
ALTER TABLE r ADD CHECK (to_jsonb(plain_range(plate, plate)) IS NOT NULL);
-- the server's own that run what they are told
CREATE VIEW "EXPIRED" AS SELECT looks('EXPIRED');
ALTER TABLE r ADD CHECK (table_to_xml(to_regclass(quote_ident(plate)), false, false, '') IS NOT NULL);
-- the key by which a partition of a partition is chosen
CREATE TABLE parted (captured_at timestamptz NOT NULL, plate text NOT NULL) PARTITION BY RANGE (captured_at);
RESET ROLE;
SELECT ctlpr.govern('parted', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD') \g /dev/null
SET ROLE reads_owner;
CREATE TABLE parted_all PARTITION OF parted DEFAULT PARTITION BY LIST (look(plate));
CREATE TABLE parted_all PARTITION OF parted DEFAULT PARTITION BY LIST (upper(plate));
CREATE TABLE keyed (captured_at timestamptz NOT NULL, plate text NOT NULL) PARTITION BY LIST (look(plate));
RESET ROLE;
SELECT kind, function FROM ctlpr.unvetted_expressions('keyed');
SELECT ctlpr.govern('keyed', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
SELECT ctlpr.release('parted', 'test') \g /dev/null
DROP TABLE parted, keyed;
SET ROLE reads_owner;
CREATE TABLE r_child (CHECK (looks(plate))) INHERITS (r);
CREATE TABLE r_child (LIKE r INCLUDING ALL);
CREATE INDEX ON r_child (look(plate));
ALTER TABLE r_child INHERIT r;
DROP TABLE r_child;
-- what the server and its extensions have only computes
ALTER TABLE r ADD CHECK (length(plate) < 20 AND plate = upper(plate));
ALTER TABLE r ADD CHECK (plate === upper(plate));
CREATE INDEX ON r (upper(plate)) WHERE plain <> '';
CREATE STATISTICS s ON (lower(plate)), lane FROM r;
ALTER TABLE r ADD COLUMN made text GENERATED ALWAYS AS (plate || coalesce(note, '')) STORED;
ALTER TABLE r ALTER COLUMN lane TYPE text USING lane::text || plate;
ALTER DOMAIN plain_domain ADD CHECK (length(VALUE) < 10);
ANALYZE r;
-- of an extension's functions those that find others by name are not vetted; and what a vetted one has to say is nobody's
ALTER TABLE r ADD CHECK (st_rotate(st_point(0, 0), length(plate)) IS NOT NULL);
ALTER TABLE r ADD CHECK (st_isvalid(st_makepolygon(st_makeline(ARRAY[st_point(0, ascii(plate)), st_point(1, 1), st_point(1, 0), st_point(0, 1), st_point(0, ascii(plate))]))) IS NOT NULL);
-- elsewhere they are nobody's business here
ALTER TABLE other ADD CHECK (looks_sql(note));
CREATE INDEX ON other (look(note));
ALTER TABLE other ALTER COLUMN note TYPE looked_at;
RESET ROLE;
\set VERBOSITY sqlstate
SELECT kind, name, function FROM ctlpr.unvetted_expressions('other');
SELECT kind, name, function FROM ctlpr.unvetted_expressions('r');
SELECT severity, item, remedy FROM ctlpr.preflight('other') WHERE item = 'unvetted expression';
CREATE TABLE city (captured_at timestamptz NOT NULL, plate text NOT NULL, note looked_at, make text GENERATED ALWAYS AS (look('x')) STORED);
SELECT ctlpr.govern('city', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
-- functions in policies of the table's own see no read that is hidden
SET ROLE reads_owner;
CREATE FUNCTION cheap(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'looked at %', $1; RETURN true; END $$;
GRANT SELECT ON r TO officer;
CREATE POLICY everybody ON r USING (cheap(plate));
CREATE POLICY aaa ON r AS RESTRICTIVE USING (true) WITH CHECK (plate <> look(note));
CREATE POLICY aaa ON r AS RESTRICTIVE USING (EXISTS (SELECT FROM other o WHERE cheap(o.note) AND o.note = r.note));
CREATE POLICY aaa ON r AS RESTRICTIVE USING (plate <> look('x') AND EXISTS (SELECT FROM other o WHERE o.note IS DISTINCT FROM r.note OR true));
ALTER POLICY aaa ON r USING (cheap(plate));
DROP POLICY aaa ON r;
RESET ROLE;
BEGIN;
SELECT ctlpr.break_glass('the table''s own policies are needed') > 0 AS broken;
CREATE POLICY everybody ON r USING (cheap(plate));
CREATE POLICY aaa ON r AS RESTRICTIVE USING (cheap(plate));
COMMIT;
SELECT kind, name, function FROM ctlpr.unvetted_expressions('r');
SELECT severity, item, remedy FROM ctlpr.preflight('r') WHERE item = 'unvetted expression';
SET ROLE officer;
\set VERBOSITY terse
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM r;
COMMIT;
\set VERBOSITY sqlstate
RESET ROLE;
SELECT role, action, relation, allowed, sqlstate, count(*) FROM pg_temp.log_since(:start_seq) WHERE NOT allowed GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT ctlpr.release('r', 'test') \g /dev/null
SET client_min_messages = error;
DROP TABLE r, other, city CASCADE;
DROP OPERATOR === (text, text), ==== (text, text);
DROP DOMAIN above, looked_at, plain_domain;
DROP TYPE measured, plain_range CASCADE;
DROP VIEW "EXPIRED";
DROP FUNCTION look, looks, looks_sql, same, cheap, measure CASCADE;
