-- The search desk's database: run by a superuser in a database of its own, made for it.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE desk_owner;				-- owns the tables; nobody logs in as it
CREATE ROLE desk_feed LOGIN;		-- brings New Haven's reads in
CREATE ROLE desk_app LOGIN;			-- serves New Haven's officers
CREATE ROLE desk_supervisor LOGIN;	-- New Haven's supervisory officer: holds evidence, approves reasons
CREATE ROLE desk_auditor LOGIN;		-- reads New Haven's log
CREATE ROLE desk_feed_hartford LOGIN;

CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-ct-2026') \g /dev/null
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT') \g /dev/null
SELECT ctlpr.bind_role('desk_feed', 'CT-NHPD', may_ingest => true),
	ctlpr.bind_role('desk_feed_hartford', 'CT-HPD', may_ingest => true),
	ctlpr.bind_role('desk_app', 'CT-NHPD'),
	ctlpr.bind_role('desk_supervisor', 'CT-NHPD', supervisor => true) \g /dev/null
GRANT ctlpr_auditor TO desk_auditor;
SELECT ctlpr.bind_auditor('desk_auditor', 'CT-NHPD') \g /dev/null

-- stricter than what ctlpr comes with (14(b)): a supervisor looks at whatever is said about a clinic
SELECT ctlpr.set_screen_term('clinic', 'reproductive_health_care', 'refuse', '13(d)(4)', 'New Haven: a supervisor looks at it') \g /dev/null

CREATE TABLE cameras (
	camera_id int PRIMARY KEY,
	street    text NOT NULL
);
INSERT INTO cameras VALUES (1, 'Elm Street'), (2, 'Chapel Street'), (3, 'Whalley Avenue'), (11, 'Main Street, Hartford');
CREATE TABLE reads (
	read_id     bigint GENERATED ALWAYS AS IDENTITY,
	captured_at timestamptz NOT NULL,
	plate       text NOT NULL,
	camera_id   int NOT NULL,
	agency_id   text NOT NULL
) PARTITION BY RANGE (captured_at);
-- a partition a day, back to the oldest read that may come in; a job makes tomorrow's (docs of the server: partitioning)
SELECT format('CREATE TABLE reads_%s PARTITION OF reads FOR VALUES FROM (%L) TO (%L)', to_char(day, 'YYYYMMDD'), day, day + 1)
FROM (SELECT current_date + n AS day FROM generate_series(-22, 2) n) d \gexec
CREATE INDEX ON reads (plate, captured_at);
CREATE INDEX ON reads (captured_at);
ALTER TABLE cameras OWNER TO desk_owner;
ALTER TABLE reads OWNER TO desk_owner;
SELECT format('ALTER TABLE %s OWNER TO desk_owner', inhrelid::regclass) FROM pg_inherits WHERE inhparent = 'reads'::regclass \gexec

-- what the desk offers: the statute's own list, which only administrators read
CREATE TABLE purposes AS
SELECT purpose, description FROM ctlpr.statute_purpose
WHERE statute = 'us-ct-2026' AND permitted AND NOT standing_only AND 'police' = ANY (agency_kinds);

GRANT SELECT ON cameras, purposes TO desk_app, desk_supervisor;
GRANT INSERT ON reads TO desk_feed, desk_feed_hartford;
GRANT SELECT ON reads TO desk_app, desk_supervisor;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') \g /dev/null
SELECT ctlpr.start_purge('reads', approved_by => 'Records Supervisor Okafor') \g /dev/null
