-- 14(a)(6): the plates that a statement seeks are on record, however it is written; its text carries none of them
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun \gset
SELECT count(*) AS c01 FROM plate_reads WHERE plate = $$NH1$$ OR plate = $q$N$$H$q$ OR plate = E'N\'H\x31' OR plate = U&'N\0048X' OR 'x' = plate;
SELECT count(*) AS c02 FROM plate_reads WHERE plate = 'N'
	'H1' /* NH1 /* NH1 */ NH1 */ AND camera_id = 1e0;
SELECT count(*) AS c03 FROM plate_reads WHERE (plate, agency_id) = ('NH1', 'CT-NHPD');
SELECT count(*) FILTER (WHERE plate = 'NH1') AS c04 FROM plate_reads;
SELECT max(plate) AS c05 FROM plate_reads GROUP BY plate HAVING max(plate) = 'NH1';
SELECT DISTINCT plate = 'NH1' AS c06 FROM plate_reads ORDER BY 1;
SELECT count(*) AS c07 FROM (SELECT plate FROM plate_reads UNION ALL SELECT 'x') u WHERE plate = 'NH1';
SELECT count(*) AS c08 FROM (SELECT plate, row_number() OVER () FROM plate_reads) u WHERE plate = 'NH1';
SELECT count(*) AS c09 FROM plate_reads WHERE plate ~ '^NH1$';
SELECT count(*) AS c10 FROM plate_reads WHERE starts_with(plate, 'NH1');
SELECT count(*) AS c11 FROM plate_reads WHERE plate BETWEEN 'NH1' AND 'NH12';
SELECT count(*) AS c12 FROM plate_reads WHERE plate ILIKE ANY ('{nh1%,ha1%}');
SELECT count(*) AS c13 FROM plate_reads WHERE plate NOT IN ('NH1', 'HA1');
SELECT array_agg(plate) @> '{NH1}' AS c14 FROM plate_reads;
SELECT CASE plate WHEN 'NH1' THEN 1 END AS c15 FROM plate_reads WHERE camera_id = 1 ORDER BY 1 LIMIT 1;
WITH w AS MATERIALIZED (SELECT plate FROM plate_reads) SELECT count(*) AS c16 FROM w WHERE plate = 'NH1';
SELECT count(*) AS c17 FROM plate_reads a JOIN plate_reads b USING (plate) WHERE b.plate = 'NH1';
DO $$ DECLARE p text := 'NH1'; BEGIN PERFORM count(*) FROM plate_reads WHERE plate = p; EXECUTE 'SELECT count(*) FROM plate_reads WHERE plate = $1' USING 'HA1'::varchar; END $$;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads WHERE plate = 'NH1';
FETCH c;
COMMIT;
RESET ROLE;
SELECT coalesce(substring(statement FROM ' (c[0-9][0-9]) '), 'no label') AS statement, search_kind, plates FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND role = 'officer' ORDER BY seq;
SELECT count(*) AS with_a_plate FROM ctlpr.audit_entry WHERE seq > :start_seq AND statement ~* 'NH|HA1|''';
-- through whole rows, computed columns, the arms of a set operation, and subqueries that the plate is looked up in
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
SELECT count(*) AS c01 FROM plate_reads r WHERE r::text LIKE '%NH1%';
SELECT count(*) AS c02 FROM plate_reads r WHERE to_jsonb(r)->>'plate' = 'NH1';
SELECT count(*) AS c03 FROM (SELECT upper(plate) AS p FROM plate_reads OFFSET 0) s WHERE p = 'NH1';
WITH m AS MATERIALIZED (SELECT lower(plate) AS p FROM plate_reads) SELECT count(*) AS c04 FROM m WHERE p = 'nh1';
SELECT count(*) AS c05 FROM (SELECT 'x' AS plate UNION ALL SELECT plate FROM plate_reads OFFSET 0) u WHERE plate = 'NH1';
SELECT count(*) AS c06 FROM plate_reads WHERE plate IN (SELECT 'NH1' UNION SELECT 'HA1');
SELECT 'NH1' IN (SELECT plate FROM plate_reads) AS c07;
SELECT 'NH1' = ANY (ARRAY(SELECT plate FROM plate_reads)) AS c08;
SELECT EXISTS (SELECT plate FROM plate_reads INTERSECT SELECT 'NH1') AS c09;
COMMIT;
RESET ROLE;
SELECT substring(statement FROM ' (c[0-9][0-9])') AS statement, search_kind, plates FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND role = 'officer' ORDER BY seq;
-- equality is what a superuser's operator family says, under a collation in which only the same texts are equal
CREATE SCHEMA own AUTHORIZATION officer;
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE officer;
CREATE FUNCTION own.anyp(text, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE FUNCTION own.same(p text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN p; END';
CREATE OPERATOR own.==== (leftarg = text, rightarg = text, function = own.anyp, restrict = eqsel, join = eqjoinsel, commutator = OPERATOR(own.====), hashes, merges);
CREATE COLLATION own.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
SELECT count(*) > 0 AS c01 FROM plate_reads WHERE plate OPERATOR(own.====) 'NH1';
SELECT count(*) > 0 AS c02 FROM plate_reads WHERE plate OPERATOR(own.====) ANY ('{NH1}');
SELECT count(*) AS c03 FROM plate_reads WHERE plate = 'nh1' COLLATE own.loose;
SELECT count(*) AS c04 FROM plate_reads WHERE plate = ANY ('{NH1,HA1}');
SELECT count(*) AS c05 FROM plate_reads WHERE plate::varchar = 'NH1'::varchar AND plate::name = 'NH1';
SELECT count(*) AS c06 FROM plate_reads WHERE 'NH1' = plate COLLATE "C";
SELECT count(*) AS c07 FROM plate_reads WHERE plate::bpchar = 'NH1';
SELECT count(*) AS c08 FROM plate_reads WHERE own.same(plate) = 'NH1';
SELECT count(*) AS c09 FROM (SELECT own.same(plate) AS p FROM plate_reads OFFSET 0) s WHERE p = 'NH1';
SELECT count(*) AS c10 FROM (SELECT 'x' AS p UNION ALL SELECT plate FROM plate_reads OFFSET 0) s WHERE p = 'NH1';
COMMIT;
RESET ROLE;
SELECT substring(statement FROM ' (c[0-9][0-9])') AS statement, search_kind, plates FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND role = 'officer' ORDER BY seq;
-- through what a subquery returns, what a recursion hands on to itself, and rows made of the plate in FROM
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun \gset
SELECT count(*) AS c01 FROM plate_reads o WHERE (SELECT i.plate FROM plate_reads i WHERE i.read_id = o.read_id OFFSET 0) = 'NH1';
WITH RECURSIVE w (p, n) AS (SELECT plate, 1 FROM plate_reads UNION ALL SELECT p, n + 1 FROM w WHERE p = 'NH1' AND n < 2) SELECT count(*) AS c02 FROM w WHERE n = 2;
SELECT count(*) AS c03 FROM plate_reads o, LATERAL unnest(ARRAY[o.plate]) u (p) WHERE u.p = 'NH1';
SELECT count(*) AS c04 FROM plate_reads o, XMLTABLE('/x' PASSING xmlelement(name x, o.plate) COLUMNS p text PATH '.') u WHERE u.p = 'NH1';
SELECT count(*) AS c05 FROM plate_reads o, XMLTABLE('/x[. = "NH1"]' PASSING xmlelement(name x, o.plate) COLUMNS p int PATH 'count(.)' DEFAULT 1) u WHERE u.p = 1;
SELECT count(*) AS c06 FROM plate_reads o, LATERAL (VALUES (o.plate), ('x')) v (p) WHERE v.p = 'NH1';
SELECT count(*) AS c07 FROM plate_reads o, LATERAL own.same(o.plate) u (p) WHERE u.p = 'NH1';
SELECT count(*) AS c08 FROM plate_reads o WHERE 'NH1' = ANY (ARRAY(SELECT i.plate FROM plate_reads i WHERE i.read_id = o.read_id));
SELECT count(*) AS c09 FROM plate_reads o WHERE o.camera_id = 1 AND (SELECT i.plate FROM plate_reads i ORDER BY i.read_id LIMIT 1) = 'NH1';
SELECT count(*) AS c10 FROM plate_reads o WHERE (SELECT string_agg(i.plate, ' ') FROM plate_reads i) = 'NH1';
SELECT count(*) AS c11 FROM plate_reads o WHERE ('NH1', 1) = (SELECT i.plate, i.camera_id FROM plate_reads i WHERE i.read_id = o.read_id);
SELECT count(*) AS c12 FROM plate_reads o WHERE ('NH1', 1) = (SELECT i.plate, i.camera_id FROM plate_reads i WHERE i.read_id = 1);
SELECT count(*) AS c13 FROM plate_reads o WHERE o.camera_id = 7 OR o.plate IN (SELECT s || 'H1' FROM unnest('{N,H}'::text[]) s);
SELECT count(*) AS c14 FROM plate_reads o WHERE o.plate = (SELECT CASE WHEN o.camera_id = i THEN 'NH1' ELSE 'x' END FROM generate_series(1, 1) i OFFSET 0);
SELECT count(*) AS c15 FROM plate_reads o WHERE EXISTS (SELECT FROM generate_series(1, 1) i WHERE o.plate = 'NH1' AND i = o.camera_id OFFSET 0);
SELECT count(*) AS c16 FROM (SELECT plate, camera_id FROM plate_reads OFFSET 0) s WHERE s::text LIKE '%NH1%';
SELECT count(*) AS c17 FROM plate_reads o WHERE (SELECT (SELECT i.plate FROM plate_reads i WHERE i.read_id = m.read_id OFFSET 0) FROM plate_reads m WHERE m.read_id = o.read_id OFFSET 0) = 'NH1';
WITH RECURSIVE w (a, b, n) AS (SELECT plate, agency_id, 1 FROM plate_reads UNION ALL SELECT b, a, n + 1 FROM w WHERE a = 'NH1' AND n < 3) SELECT count(*) AS c18 FROM w WHERE b = 'NH1';
WITH RECURSIVE w (p, n) AS (SELECT plate, 1 FROM plate_reads UNION ALL SELECT * FROM (WITH RECURSIVE v (q, m) AS (SELECT p, n + 1 FROM w WHERE n < 2 UNION ALL SELECT q || '', m + 1 FROM v WHERE q = 'NH1' AND m < 3) SELECT * FROM v) x) SELECT count(*) AS c19 FROM w;
WITH RECURSIVE w (p, n) AS (SELECT plate, 1 FROM plate_reads UNION ALL SELECT w::text, n + 1 FROM w WHERE w::text LIKE '(NH1,%' AND n < 2) SELECT count(*) AS c20 FROM w WHERE n = 2;
SELECT count(*) AS c21 FROM plate_reads o, LATERAL (VALUES (o.plate = 'NH1'), (false)) v (found) WHERE v.found;
SELECT count(*) AS c22 FROM plate_reads o, XMLTABLE('/x' PASSING xmlelement(name x, o.camera_id) COLUMNS p text PATH '.') u WHERE u.p = 'NH1';
WITH RECURSIVE w (p, n) AS (SELECT 'NH1', 1 UNION ALL SELECT p, n + 1 FROM w WHERE n < 2) SELECT count(*) AS c23 FROM plate_reads o, w WHERE o.plate = w.p;
-- and where a comparison decides how many rows there are
SELECT agency_id AS c24 FROM plate_reads LIMIT (CASE WHEN (SELECT plate FROM plate_reads ORDER BY read_id LIMIT 1) = 'NH1' THEN 1 ELSE 0 END);
SELECT count(camera_id) OVER (ROWS (CASE WHEN (SELECT plate FROM plate_reads ORDER BY read_id LIMIT 1) = 'NH1' THEN 1 ELSE 0 END) PRECEDING) AS c25 FROM plate_reads LIMIT 1;
SELECT count(*) AS c26 FROM plate_reads TABLESAMPLE bernoulli (CASE WHEN (SELECT plate FROM plate_reads ORDER BY read_id LIMIT 1) = 'NH1' THEN 100 ELSE 0 END);
SET LOCAL enable_seqscan = off;
SELECT count(*) AS c27 FROM plate_reads WHERE ctid = (CASE WHEN (SELECT plate FROM plate_reads ORDER BY read_id LIMIT 1) = 'NH1' THEN '(0,1)'::tid END);
RESET enable_seqscan;
SELECT count(*) AS c28 FROM plate_reads o, LATERAL ROWS FROM (unnest(ARRAY[o.camera_id::text]), unnest(ARRAY[o.plate])) WITH ORDINALITY u (c, p, n) WHERE u.c = '1' AND u.n = 1;
COMMIT;
RESET ROLE;
SELECT substring(statement FROM ' (c[0-9][0-9])') AS statement, search_kind, plates FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action = 'select' AND role = 'officer' ORDER BY seq;
DROP SCHEMA own CASCADE;
