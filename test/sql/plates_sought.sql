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
