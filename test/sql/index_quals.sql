-- docs/vetting.md: conditions that were vetted search the index under the policy; all others run after it
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set QUIET on
\o /dev/null
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE COLLATION IF NOT EXISTS any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
DO $$
BEGIN
	IF EXISTS (SELECT FROM ctlpr.governed_relation g WHERE g.relation = to_regclass('public.sightings')) THEN
		PERFORM ctlpr.release('public.sightings', 'the test is over');
	END IF;
	DROP TABLE IF EXISTS sightings CASCADE;
	DROP TABLE IF EXISTS bare CASCADE;
	DROP TABLE IF EXISTS corners CASCADE;
END
$$;
-- live reads of the own agency, live ones of another, expired ones; what is hidden would fail in functions that looked at it:
-- its areas are of another reference system, and its plates begin like no visible one
CREATE TABLE bare AS
SELECT n AS read_id, now() - CASE WHEN n % 4 = 3 THEN interval '600 hours' ELSE interval '1 hour' END - n * interval '1 second' AS captured_at,
	CASE WHEN n % 4 > 1 THEN 'ZZ' ELSE 'AB' END || upper(substr(md5(n::text), 1, 5)) AS plate, CASE n % 4 WHEN 2 THEN 'CT-HPD' ELSE 'CT-NHPD' END AS agency_id,
	('Plate' || n)::citext AS label, ('name' || n)::varchar(20) AS name, rpad('C' || n, 8)::char(8) AS code, n::numeric / 4 AS confidence,
	st_setsrid(st_makepoint(-72.9 + n % 100 * 0.001, 41.3 + n / 100 * 0.001), 4326)::geometry(Point, 4326) AS place,
	st_setsrid(st_makepoint(-72.9 + n % 100 * 0.001, 41.3 + n / 100 * 0.001), 4326)::geography(Point, 4326) AS spot,
	st_setsrid(st_buffer(st_makepoint(-72.9 + n % 100 * 0.001, 41.3 + n / 100 * 0.001), 0.0002), CASE WHEN n % 4 > 1 THEN 3857 ELSE 4326 END) AS area,
	'street ' || n AS street
FROM generate_series(1, 4000) n;
CREATE TABLE sightings (LIKE bare) PARTITION BY LIST (agency_id);
ALTER TABLE sightings ALTER captured_at SET NOT NULL, ALTER plate SET NOT NULL, ALTER agency_id SET NOT NULL, ALTER street TYPE text COLLATE any_case;
CREATE TABLE sightings_nhpd PARTITION OF sightings FOR VALUES IN ('CT-NHPD');
CREATE TABLE sightings_rest PARTITION OF sightings DEFAULT;
INSERT INTO sightings SELECT * FROM bare;
CREATE INDEX by_prefix ON sightings (plate text_pattern_ops);
CREATE INDEX by_lower ON sightings (lower(plate) text_pattern_ops);
CREATE INDEX by_part ON sightings USING gin (plate gin_trgm_ops);
CREATE INDEX by_label ON sightings (label);
CREATE INDEX by_name ON sightings (name varchar_pattern_ops);
CREATE INDEX by_code ON sightings (code bpchar_pattern_ops);
CREATE INDEX by_confidence ON sightings (confidence);
CREATE INDEX by_place ON sightings USING gist (place);
CREATE INDEX by_spot ON sightings USING gist (spot);
CREATE INDEX by_area ON sightings USING gist (area);
CREATE INDEX by_street ON sightings USING gin (street gin_trgm_ops);
CREATE TABLE corners AS SELECT n AS corner, st_setsrid(st_makepoint(-72.9 + n * 0.01, 41.31), 4326)::geometry(Point, 4326) AS at FROM generate_series(1, 3) n;
ALTER TABLE sightings OWNER TO reads_owner;
GRANT SELECT, UPDATE, DELETE ON sightings TO officer;
GRANT SELECT ON bare, corners TO officer;
SELECT ctlpr.govern('sightings', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
ANALYZE sightings, bare, corners;
DELETE FROM bare WHERE read_id % 4 > 1;

-- Which indexes a condition searches, and whether it finds the very rows that it finds without a policy
CREATE FUNCTION pg_temp.names_in(plan json) RETURNS SETOF text LANGUAGE sql AS $$
	WITH RECURSIVE node AS (
		SELECT plan AS n UNION ALL SELECT p FROM node, json_array_elements(node.n -> 'Plans') p
	)
	SELECT DISTINCT regexp_replace(n ->> 'Index Name', '.*(plate|lower|label|name|code|confidence|captured_at|place|spot|area|street).*', '\1') FROM node
	WHERE n ->> 'Index Cond' IS NOT NULL
$$;
CREATE FUNCTION pg_temp.indexes_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan;
	RETURN (SELECT string_agg(n, ', ' ORDER BY n) FROM pg_temp.names_in(plan -> 0 -> 'Plan') n);
END
$$;
CREATE FUNCTION pg_temp.search(condition text, source text DEFAULT 'sightings s') RETURNS TABLE (indexes text, rows bigint, same boolean) LANGUAGE plpgsql AS $$
DECLARE
	governed bigint[];
	bare     bigint[];
BEGIN
	EXECUTE format('SELECT array_agg(read_id ORDER BY read_id) FROM %s WHERE %s', source, condition) INTO governed;
	EXECUTE format('SELECT array_agg(read_id ORDER BY read_id) FROM %s WHERE %s', replace(source, 'sightings', 'bare'), condition) INTO bare;
	RETURN QUERY SELECT pg_temp.indexes_of(format('SELECT * FROM %s WHERE %s', source, condition)), coalesce(cardinality(governed), 0)::bigint, governed IS NOT DISTINCT FROM bare;
END
$$;
CREATE FUNCTION spy(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN IF $1 LIKE 'ZZ%' THEN RAISE 'saw a hidden plate'; END IF; RETURN true; END $$;
-- named like a vetted one, in the caller's way
CREATE SCHEMA decoy;
GRANT USAGE ON SCHEMA decoy TO PUBLIC;
CREATE FUNCTION decoy.similarity_op(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN RETURN public.spy($1); END $$;
CREATE OPERATOR ~~~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = decoy.similarity_op, RESTRICT = contsel);
SET enable_seqscan = off;
SET random_page_cost = 1;
RESET client_min_messages;
\o
\set QUIET off
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
-- what the server itself takes
SELECT * FROM pg_temp.search($$plate = 'AB3C59D'$$);
SELECT * FROM pg_temp.search($$plate = ANY ('{AB3C59D,ABC81E7}')$$);
-- patterns
SELECT * FROM pg_temp.search($$plate LIKE 'AB3C%'$$);
SELECT * FROM pg_temp.search($$plate LIKE '%3C5%'$$);
SELECT * FROM pg_temp.search($$plate ILIKE '%3c5%'$$);
SELECT * FROM pg_temp.search($$plate LIKE 'AB!3C%' ESCAPE '!'$$);
SELECT * FROM pg_temp.search($$plate ^@ 'AB3C'$$);
SELECT * FROM pg_temp.search($$lower(plate) = 'ab3c59d'$$);
SELECT * FROM pg_temp.search($$lower(plate) LIKE 'ab3c%'$$);
SELECT * FROM pg_temp.search($$name LIKE 'name12%'$$);
SELECT * FROM pg_temp.search($$code LIKE 'C12%'$$);
SELECT * FROM pg_temp.search($$label = 'pLATE12'$$);
SELECT * FROM pg_temp.search($$plate % 'AB3C59D'$$);
SELECT * FROM pg_temp.search($$'AB3C59' <% plate$$);
-- numbers
SELECT * FROM pg_temp.search($$confidence BETWEEN 100 AND 101$$);
-- places
SELECT * FROM pg_temp.search($$place && st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326)$$);
SELECT * FROM pg_temp.search($$place @ st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326)$$);
SELECT * FROM pg_temp.search($$st_dwithin(place, st_setsrid(st_makepoint(-72.85, 41.305), 4326), 0.003)$$);
SELECT * FROM pg_temp.search($$st_intersects(place, st_buffer(st_setsrid(st_makepoint(-72.85, 41.305), 4326), 0.003))$$);
SELECT * FROM pg_temp.search($$st_contains(st_buffer(st_setsrid(st_makepoint(-72.85, 41.305), 4326), 0.003), place)$$);
SELECT * FROM pg_temp.search($$st_within(place, st_buffer(st_setsrid(st_makepoint(-72.85, 41.305), 4326), 0.003))$$);
SELECT * FROM pg_temp.search($$st_dwithin(spot, st_setsrid(st_makepoint(-72.85, 41.305), 4326)::geography, 300)$$);
SELECT * FROM pg_temp.search($$st_dwithin(s.place, c.at, 0.002)$$, 'corners c JOIN sightings s ON true');
-- several together
SELECT * FROM pg_temp.search($$plate LIKE 'AB3C%' OR plate LIKE 'AB4D%' OR confidence = 100$$);
SELECT * FROM pg_temp.search($$plate LIKE '%3C5%' AND place && st_makeenvelope(-72.85, 41.305, -72.80, 41.33, 4326)$$);
-- with parameters: while the plan is made for their values
PREPARE part(text) AS SELECT count(*) FROM sightings WHERE plate ILIKE '%' || $1 || '%';
SET plan_cache_mode = force_custom_plan;
SELECT pg_temp.indexes_of($$EXECUTE part('3c5')$$);
EXECUTE part('3c5');
-- a plan for any value cannot know how the pattern ends
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.indexes_of($$EXECUTE part('3c5')$$);
EXECUTE part('3c5');
RESET plan_cache_mode;
-- a pattern that runs out after its escape fails for the rows that match so far: those that are visible, no others
SELECT * FROM pg_temp.search($$plate LIKE 'ZZ\'$$);
SAVEPOINT s;
SELECT * FROM pg_temp.search($$plate LIKE 'AB\'$$);
ROLLBACK TO s;
-- a collation that knows more than bytes
SELECT * FROM pg_temp.search($$street % 'street 1200'$$);
-- functions that were not vetted
SELECT * FROM pg_temp.search($$plate ~ '^AB3C'$$);
SELECT * FROM pg_temp.search($$spy(plate) AND plate LIKE 'AB3C%'$$);
SELECT * FROM pg_temp.search($$plate ~~~~ 'AB3C59D'$$);
SELECT * FROM pg_temp.search($$spy(plate) OR plate LIKE 'AB3C%'$$);
-- spatial functions fail on mixed reference systems: they look at visible rows only, the index at boxes
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326))$$);
SET enable_indexscan = off;
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326))$$);
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326)) AND plate LIKE 'AB3%'$$);
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326)) OR plate LIKE 'AB3%'$$);
RESET enable_indexscan;
SET enable_bitmapscan = off;
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326))$$);
SELECT * FROM pg_temp.search($$st_intersects(area, st_makeenvelope(-72.85, 41.305, -72.84, 41.31, 4326)) OR plate LIKE 'AB3%'$$);
RESET enable_bitmapscan;
-- changes search likewise
SELECT pg_temp.indexes_of($$DELETE FROM sightings WHERE plate LIKE 'AB3C5%'$$);
DELETE FROM sightings WHERE plate LIKE 'AB3C5%' OR plate LIKE 'ZZ%';
ROLLBACK;
RESET ROLE;
-- days, beside the condition that hides what is expired
CREATE INDEX by_day ON sightings (captured_at);
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT * FROM pg_temp.search($$captured_at BETWEEN now() - interval '70 minutes' AND now() - interval '65 minutes'$$);
SELECT * FROM pg_temp.search($$captured_at > date 'tomorrow'$$);
ROLLBACK;
RESET ROLE;
-- whatever the way to the rows: the same are counted as touched
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
DO $$
DECLARE
	setting text;
BEGIN
	FOREACH setting IN ARRAY '{enable_seqscan,enable_indexscan,enable_bitmapscan,enable_indexonlyscan}'::text[] LOOP
		PERFORM set_config(setting, 'off', true);
		PERFORM FROM sightings WHERE plate LIKE 'AB3%' AND place && st_makeenvelope(-72.9, 41.3, -72.84, 41.4, 4326) AND confidence > 50;
		PERFORM set_config(setting, 'on', true);
	END LOOP;
END
$$;
COMMIT;
RESET ROLE;
SELECT search_kind, plates, returned, touched, count(*) FROM pg_temp.log_since(:start_seq) WHERE relation = 'public.sightings' GROUP BY 1, 2, 3, 4;
RESET enable_seqscan;
SELECT ctlpr.release('sightings', 'the test is over') IS NOT NULL AS released;
DROP TABLE sightings;
DROP TABLE bare, corners;
DROP OPERATOR ~~~~ (text, text);
DROP SCHEMA decoy CASCADE;
DROP FUNCTION spy;
