-- A city's database as it stood before: roles, cameras, and reads in a partition for each day.  Nothing here knows of ctlpr.
CREATE ROLE city_dba LOGIN;			-- runs the database
CREATE ROLE city_clerk LOGIN;		-- keeps the legal papers
CREATE ROLE nhpd_ingest LOGIN;		-- the program that brings in New Haven's reads
CREATE ROLE nhpd_hotlist LOGIN;		-- the program that compares them with hotlists
CREATE ROLE nhpd_officer LOGIN;		-- New Haven
CREATE ROLE nhpd_captain LOGIN;		-- New Haven, supervisory officer
CREATE ROLE bpd_detective LOGIN;	-- Boston
CREATE ROLE tx_officer LOGIN;		-- Houston
CREATE ROLE ice_agent LOGIN;		-- federal immigration enforcement
CREATE ROLE ag_auditor LOGIN;		-- the Attorney General

CREATE TABLE cameras (
	camera_id int PRIMARY KEY,
	agency_id text NOT NULL,
	place     text NOT NULL,
	position  geometry(Point, 4326) NOT NULL
);
CREATE TABLE plate_reads (
	read_id     bigint GENERATED ALWAYS AS IDENTITY,
	captured_at timestamptz NOT NULL,
	plate       text NOT NULL,
	agency_id   text NOT NULL,
	camera_id   int NOT NULL,
	position    geometry(Point, 4326) NOT NULL,
	image_ref   text
) PARTITION BY RANGE (captured_at);
CREATE TABLE hotlist_hits (
	captured_at timestamptz NOT NULL,
	plate       text NOT NULL,
	agency_id   text NOT NULL,
	camera_id   int NOT NULL,
	hotlist_id  bigint NOT NULL
);
ALTER DATABASE city OWNER TO city_dba;
ALTER TABLE cameras OWNER TO city_dba;
ALTER TABLE plate_reads OWNER TO city_dba;
ALTER TABLE hotlist_hits OWNER TO city_dba;
GRANT SELECT ON cameras TO nhpd_ingest, nhpd_captain, nhpd_officer, bpd_detective, tx_officer, ice_agent;
GRANT SELECT ON plate_reads TO nhpd_officer, nhpd_captain, nhpd_hotlist, bpd_detective, tx_officer, ice_agent;
GRANT UPDATE ON plate_reads TO nhpd_officer;
GRANT SELECT, INSERT ON plate_reads TO nhpd_ingest;
GRANT SELECT, INSERT ON hotlist_hits TO nhpd_hotlist;
GRANT SELECT ON hotlist_hits TO nhpd_officer;

SET ROLE city_dba;

SELECT format('CREATE TABLE plate_reads_%s PARTITION OF plate_reads FOR VALUES FROM (%L) TO (%L)',
			  to_char(d, 'YYYYMMDD'), d, d + interval '1 day')
FROM generate_series(current_date - 30, current_date + 1, interval '1 day') d
\gexec
SELECT format('GRANT SELECT ON plate_reads_%s TO nhpd_officer', to_char(current_date - 1, 'YYYYMMDD'))
\gexec

-- Twelve readers in each of two cities, half a kilometre apart.
INSERT INTO cameras
SELECT 12 * city.n + i, city.agency_id, format('%s %s', city.name, i),
	   ST_SetSRID(ST_MakePoint(city.longitude + 0.006 * (i % 4), city.latitude + 0.0045 * (i / 4)), 4326)
FROM (VALUES (0, 'CT-NHPD', 'New Haven', -72.9352, 41.3005), (1, 'CT-HPD', 'Hartford', -72.6906, 41.7577))
		AS city (n, agency_id, name, longitude, latitude),
	 generate_series(1, 12) i;
