-- Three rivals with the same reads: bare (no policy), native (a tuned policy of the server's own), governed.
-- psql variable: rows
\set ON_ERROR_STOP on
\o /dev/null
SET client_min_messages = error;
CREATE EXTENSION ctlpr CASCADE;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgaudit;
CREATE ROLE officer LOGIN;
CREATE ROLE audited LOGIN;
CREATE ROLE feed LOGIN;
GRANT pg_read_server_files, pg_write_server_files TO feed;
ALTER ROLE audited SET pgaudit.log = 'read';
ALTER ROLE officer SET app.agency = 'CT-NHPD';
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT');
SELECT ctlpr.bind_role('officer', 'CT-NHPD', session_scope => true), ctlpr.bind_role('feed', 'CT-NHPD', may_ingest => true);

-- Reads of twenty live days, a quarter of them another agency's.  Plates are seven digits, so that pgbench can name one that is there.
CREATE TABLE source AS
SELECT n AS read_id, now() - (n::float8 / :rows) * interval '20 days' AS captured_at, (1000000 + n * 7919 % 8999999)::text AS plate,
	CASE n % 4 WHEN 3 THEN 'CT-HPD' ELSE 'CT-NHPD' END AS agency_id, (n * 7919 % 200)::int AS camera_id,
	st_setsrid(st_makepoint(-73.5 + (n * 7919 % 200) * 0.008 + (n % 97) * 0.00001, 41.0 + (n * 104729 % 200) * 0.004), 4326)::geometry(Point, 4326) AS place
FROM generate_series(1::bigint, :rows) n;

CREATE SCHEMA bare;
CREATE SCHEMA native;
CREATE SCHEMA governed;
SELECT format('CREATE TABLE %s.reads (read_id bigint, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera_id int, place geometry(Point, 4326)) PARTITION BY RANGE (captured_at)', s)
FROM unnest('{bare,native,governed}'::text[]) s \gexec
SELECT format('CREATE TABLE %1$s.reads_%2$s PARTITION OF %1$s.reads FOR VALUES FROM (%3$L) TO (%4$L)', s, n, date 'tomorrow' - n, date 'tomorrow' - n + 1)
FROM unnest('{bare,native,governed}'::text[]) s, generate_series(0, 30) n \gexec
SELECT format('INSERT INTO %s.reads SELECT * FROM source', s) FROM unnest('{bare,native,governed}'::text[]) s \gexec
-- the same in one table, for what is to be told of a record and not of partitions
CREATE TABLE bare.single AS SELECT * FROM source;
ALTER TABLE bare.single ALTER captured_at SET NOT NULL, ALTER plate SET NOT NULL, ALTER agency_id SET NOT NULL;
CREATE TABLE governed.single (LIKE bare.single);
INSERT INTO governed.single SELECT * FROM source;
SELECT format(i, s) FROM unnest('{bare,governed}'::text[]) s, unnest(ARRAY['CREATE INDEX ON %s.single (captured_at)', 'CREATE INDEX ON %s.single (plate)']) i \gexec
DROP TABLE source;
SELECT format(i, s) FROM unnest('{bare,native,governed}'::text[]) s, unnest(ARRAY['CREATE INDEX ON %s.reads (captured_at)', 'CREATE INDEX ON %s.reads (plate)',
	'CREATE INDEX ON %s.reads (plate text_pattern_ops)', 'CREATE INDEX ON %s.reads USING gin (plate gin_trgm_ops)', 'CREATE INDEX ON %s.reads USING gist (place)']) i \gexec

CREATE FUNCTION native.my_agency() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.agency') $$;
ALTER TABLE native.reads ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON native.reads USING (captured_at >= (SELECT now() - interval '504 hours') AND agency_id = (SELECT native.my_agency()));
SELECT ctlpr.govern('governed.reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id');
SELECT ctlpr.govern('governed.single', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id');

-- an application's own record, and the least that a durable record can cost
CREATE TABLE bare.searches (at timestamptz DEFAULT now(), officer text DEFAULT current_user, agency text, purpose text, sought text, found int);
CREATE INDEX ON bare.searches (at);
CREATE TABLE bare.commits (at timestamptz DEFAULT now(), n int);
-- what nobody governs
CREATE TABLE bare.accounts (aid int PRIMARY KEY, balance int);
INSERT INTO bare.accounts SELECT n, 0 FROM generate_series(1, 100000) n;
GRANT USAGE ON SCHEMA bare, native, governed TO PUBLIC;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA bare, native, governed TO officer, audited, feed;
VACUUM ANALYZE;
CHECKPOINT;
