-- The schema on which the generated statements run, the same in the governed database and in the oracles, and its rows.
-- psql variables: midday, an instant of today that all databases share; oracle, true in an oracle; scope, in an oracle
-- which rows it holds: own | case; shift, a number that makes the physical order of the rows another one.
--
-- What marks a row as one of a class can be seen in whatever is made of it, see campaign.py:
--   okpw, 8866.....   the agency's own live reads
--   wvkq, 8855.....   another registered agency's live reads, permitted with a case number
--   zqxj, 8877.....   expired reads, and those of an owner that nobody registered: never permitted
\set ON_ERROR_STOP on
\set QUIET on
\o /dev/null
SET client_min_messages = error;
SET timezone = 'UTC';

CREATE SCHEMA alpr AUTHORIZATION reads_owner;
GRANT USAGE ON SCHEMA alpr TO officer, officer_wide;
SET ROLE reads_owner;

CREATE TABLE alpr.cameras (
	camera_id   int PRIMARY KEY,
	name        text NOT NULL,
	lane        smallint,
	speed_limit numeric(5, 1),
	installed   date,
	active      boolean NOT NULL DEFAULT true
);
CREATE TABLE alpr.cases (
	case_id     bigint PRIMARY KEY,
	number      varchar(20) NOT NULL,
	agency_id   text NOT NULL,
	opened      timestamptz NOT NULL DEFAULT '2026-01-01 00:00Z',
	offense     text,
	priority    real DEFAULT 1
);
CREATE TABLE alpr.reads (
	read_id     bigint NOT NULL DEFAULT 1,
	captured_at timestamptz NOT NULL DEFAULT now(),
	plate       text NOT NULL DEFAULT 'new',
	agency_id   text NOT NULL DEFAULT 'CT-NHPD',
	camera_id   int,
	image       text,
	note        varchar(60),
	confidence  numeric,
	speed       int,
	weight      float8,
	stolen      boolean,
	seen_on     date,
	place       public.geometry(Point, 4326),
	extra       jsonb,
	tags        text[],
	UNIQUE (plate, captured_at, agency_id)
) PARTITION BY RANGE (captured_at);
CREATE TABLE alpr.hits (
	hit_id      bigint NOT NULL DEFAULT 1,
	captured_at timestamptz NOT NULL DEFAULT now(),
	plate       text NOT NULL DEFAULT 'new hit',
	agency_id   text NOT NULL DEFAULT 'CT-NHPD',
	read_id     bigint,
	listed      text,
	score       float8,
	confirmed   boolean
);
SELECT format('CREATE TABLE alpr.reads_%s PARTITION OF alpr.reads FOR VALUES FROM (%L) TO (%L)', n,
	timestamptz :'midday' - interval '240 hours' * (5 - n), timestamptz :'midday' - interval '240 hours' * (4 - n))
FROM generate_series(1, 6) n \gexec
CREATE INDEX ON alpr.reads (captured_at);
CREATE INDEX ON alpr.reads USING gist (place);
CREATE INDEX ON alpr.reads (plate text_pattern_ops);
CREATE INDEX ON alpr.reads (camera_id, speed);
CREATE INDEX ON alpr.hits (read_id);

-- who: owner, marker, and whether it is live, in hours of age from and to
CREATE TEMP TABLE class AS
SELECT * FROM (VALUES
	(0, 'CT-NHPD', 'okpw', 88660, 40, 4, 460), (1, 'CT-HPD', 'wvkq', 88550, 24, 4, 460),
	(2, 'CT-NHPD', 'zqxj', 88771, 24, 530, 950), (3, 'CT-HPD', 'zqxj', 88772, 14, 530, 950),
	(4, 'XX-NONE', 'zqxj', 88773, 14, 4, 460), (5, 'XX-NONE', 'zqxj', 88774, 8, 530, 950)) c (class, agency_id, marker, base, rows, youngest, oldest);
CREATE TEMP TABLE seed AS
SELECT c.class, c.agency_id, c.marker, c.base::bigint * 10000 + n AS number, n,
	date_trunc('hour', timestamptz :'midday') - (youngest + (oldest - youngest) * (n - 1) / rows) * interval '1 hour'
		+ (n * 37 % 60) * interval '1 minute' + (n * 17 % 60) * interval '1 second' + (737390 + c.class) * interval '1 microsecond' AS captured_at
FROM class c, generate_series(1, c.rows) n;
\if :oracle
DELETE FROM seed WHERE class > CASE :'scope' WHEN 'own' THEN 0 ELSE 1 END;
\endif

INSERT INTO alpr.cameras
SELECT n, 'camera ' || n, n % 4, 25 + n % 5 * 10, date '2024-01-01' + n * 11, n % 5 <> 0
FROM generate_series(1, 12) n ORDER BY md5(n || :'shift');
INSERT INTO alpr.cases
SELECT n, '26-' || 1000 + n, CASE n % 3 WHEN 0 THEN 'CT-HPD' ELSE 'CT-NHPD' END, timestamptz '2026-01-01 00:00Z' + n * interval '31 hours', 'offense ' || n % 4, n / 8.0
FROM generate_series(1, 15) n ORDER BY md5(n || :'shift');
INSERT INTO alpr.reads
SELECT number, captured_at, marker || number, agency_id, n % 12 + 1, '/images/' || marker || number || '.jpg', 'note ' || marker || n,
	number + 0.5, CASE WHEN class < 2 THEN 20 + n * 7 % 90 ELSE number END, CASE WHEN class < 2 THEN n / 4.0 ELSE number END, n % 7 = 0, captured_at::date,
	public.st_setsrid(public.st_makepoint(CASE WHEN class > 1 THEN -88.776655 WHEN class = 1 THEN -88.556655 ELSE -72.9 END, 41 + n / 64.0), 4326),
	jsonb_build_object('marker', marker || number, 'lane', n % 3), ARRAY[marker || 'tag' || n % 5, marker || 'x']
FROM seed ORDER BY md5(number || :'shift');
INSERT INTO alpr.hits
SELECT number, captured_at, marker || number, agency_id, number, 'list ' || marker || n, CASE WHEN class < 2 THEN n / 2.0 ELSE number END, n % 2 = 0
FROM seed WHERE n % 2 = 1 ORDER BY md5(number || :'shift');

CREATE FUNCTION alpr.last_plate(camera int) RETURNS text LANGUAGE sql STABLE AS
	'SELECT plate FROM alpr.reads WHERE camera_id = $1 ORDER BY captured_at DESC, read_id DESC LIMIT 1';
CREATE FUNCTION alpr.count_reads(camera int) RETURNS bigint LANGUAGE plpgsql STABLE AS
	$$ BEGIN RETURN (SELECT count(*) FROM alpr.reads r WHERE r.camera_id = camera); END $$;
CREATE FUNCTION alpr.first_note(camera int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS
	'SELECT min(note) FROM alpr.reads WHERE camera_id = $1';
CREATE FUNCTION alpr.reads_of(camera int) RETURNS SETOF alpr.reads LANGUAGE sql STABLE AS
	'SELECT * FROM alpr.reads WHERE camera_id = $1';
CREATE FUNCTION alpr.fast(speed int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 1 AS
	$$ BEGIN RAISE NOTICE 'speed %', speed; RETURN speed > 60; END $$;
CREATE VIEW alpr.camera_board AS
	SELECT camera_id, name, lane, alpr.last_plate(camera_id) AS last_plate, alpr.count_reads(camera_id) AS reads, alpr.first_note(camera_id) AS note FROM alpr.cameras;
CREATE VIEW alpr.plate_days AS
	SELECT plate, agency_id, seen_on, count(*) AS reads, max(speed) AS fastest FROM alpr.reads GROUP BY plate, agency_id, seen_on;
CREATE VIEW alpr.sightings WITH (security_invoker = true) AS
	SELECT r.*, c.name AS camera, c.speed_limit FROM alpr.reads r JOIN alpr.cameras c USING (camera_id);
CREATE VIEW alpr.hit_reads AS
	SELECT h.hit_id, h.listed, h.score, r.plate, r.note, r.captured_at, r.image FROM alpr.hits h LEFT JOIN alpr.reads r ON r.read_id = h.read_id AND alpr.fast(r.speed);
CREATE VIEW alpr.by_camera AS
	SELECT c.camera_id AS camera, r.read_id, r.plate, r.speed, r.note FROM alpr.cameras c, alpr.reads_of(c.camera_id) r;
CREATE VIEW alpr.own_reads AS
	SELECT read_id, captured_at, plate, agency_id, camera_id, speed, note FROM alpr.reads WHERE agency_id = 'CT-NHPD' WITH CHECK OPTION;
RESET ROLE;

-- for officer_wide alone: ways in that ctlpr refuses, beside those that it filters
CREATE VIEW alpr.of_superuser AS SELECT read_id, plate, note, captured_at FROM alpr.reads;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA alpr TO officer, officer_wide;
SELECT format('REVOKE ALL ON alpr.reads_%s FROM officer, officer_wide', n) FROM generate_series(1, 6) n \gexec
REVOKE ALL ON alpr.of_superuser FROM officer;
GRANT SELECT ON alpr.reads_2 TO officer_wide;
-- Aggregates of PostGIS 3.3 that crash on a record that is null, governed or not
SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE proname IN ('st_asflatgeobuf', 'st_asgeobuf', 'st_asmvt') AND pronamespace = 'public'::regnamespace \gexec
REVOKE ALL ON public.spatial_ref_sys, public.geometry_columns, public.geography_columns FROM PUBLIC;

\if :oracle
\else
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');
SELECT ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT');
SELECT ctlpr.bind_role('officer', 'CT-NHPD', may_ingest => true);
SELECT ctlpr.bind_role('officer_wide', 'CT-NHPD', may_ingest => true);
SELECT ctlpr.govern('alpr.reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id', image => 'image');
SELECT ctlpr.govern('alpr.hits', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
\endif
ANALYZE alpr.cameras, alpr.cases, alpr.reads, alpr.hits;

-- The oracle's rows in another order, for one transaction: what differs then depends on the order.
\if :oracle
CREATE FUNCTION alpr.shuffle() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY '{cameras,cases,reads,hits}'::text[] LOOP
		EXECUTE format('CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM alpr.%I; DELETE FROM alpr.%1$I; INSERT INTO alpr.%1$I SELECT * FROM kept ORDER BY pg_catalog.random(); DROP TABLE kept', r);
	END LOOP;
END $$;
\endif
