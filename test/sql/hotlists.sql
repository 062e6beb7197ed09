-- 13(b)(1)(B)(i), 13(d)(3), 14(a)(1): reads are compared with approved hotlists only; hits are reads; others' reads need a case on both sides
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set QUIET on
SET client_min_messages = error;
CREATE ROLE matcher LOGIN IN ROLE ctlpr_matcher;
CREATE ROLE list_keeper LOGIN IN ROLE ctlpr_registrar;
CREATE TABLE hits (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera_id int, read_agency text, hotlist_id bigint, seen bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE plain_hits (captured_at timestamptz NOT NULL, plate varchar(10) COLLATE "C" NOT NULL);
DO $$ BEGIN
	PERFORM ctlpr.bind_role('matcher', 'CT-NHPD', may_ingest => true);
	PERFORM ctlpr.govern('hits', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id');
	PERFORM ctlpr.govern('plain_hits', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
END $$;
GRANT SELECT ON plate_reads TO matcher;
GRANT SELECT, INSERT ON hits, plain_hits TO matcher, officer;
GRANT INSERT ON hits TO camera_feed;
-- what the log has of hotlists since the last look
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
CREATE FUNCTION pg_temp.events(start bigint) RETURNS TABLE (role name, agency_id text, relation text, sqlstate text, clause text, detail text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	PERFORM FROM ctlpr.audit_entry LIMIT 1;
	RETURN QUERY SELECT e.role, e.agency_id, e.relation, e.sqlstate, e.clause, e.detail::text FROM ctlpr.audit_entry e
		WHERE e.seq > start AND e.entry = 'verdict' AND e.action = 'hotlist' ORDER BY e.seq;
END $$;
RESET client_min_messages;
\set QUIET off

-- lists of New Haven: NCIC as a whole, with a plate of Hartford's reads too, and an entry of the immigration file; a local one with a case
SET ROLE list_keeper;
\set VERBOSITY default
SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'CT-NHPD', 'daily', '[
	{"plate": "NH120", "category": "Stolen vehicle", "state": "CT"}, {"plate": "HA120", "category": "Wanted person"}, {"plate": "NH530", "category": "Stolen vehicle"},
	{"plate": "NH300", "category": "Immigration Violator File"}]') AS ncic \gset
\set VERBOSITY sqlstate
SELECT ctlpr.load_hotlist('local', NULL, now() + interval '1 day', 'CT-NHPD', 'burglaries', '[
	{"plate": "AB12345", "case_number": "26-77", "approved_by": "Lt. Rivera"}]') AS local \gset
SELECT ctlpr.load_hotlist('collect', 'Lt. Doe', now() + interval '1 day', 'CT-HPD', 'daily', '[{"plate": "NH120", "category": "Stolen vehicle"}, {"plate": "NH1", "category": "Stolen vehicle"}]') AS hartford \gset
SELECT source, name, entries_loaded, entries_dropped FROM ctlpr.hotlist WHERE hotlist_id IN (:ncic, :local, :hartford) ORDER BY hotlist_id;
SELECT * FROM ctlpr.hotlist_entry;
RESET ROLE;

-- without a request, with one for another purpose, by a role that is no matcher, without the right to insert
SET ROLE matcher;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
SELECT count(*) FROM ctlpr.live_hotlist_entries();
SELECT * FROM ctlpr.hotlist_entry;
SELECT * FROM ctlpr.hotlist_matches('plate_reads', 'hits', '{NH120}');
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
ROLLBACK;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison') > 0 AS begun;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
ROLLBACK;
RESET ROLE;
GRANT ctlpr_matcher TO officer;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison') > 0 AS begun;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
ROLLBACK;
RESET ROLE;
REVOKE ctlpr_matcher FROM officer;
SELECT * FROM pg_temp.events(:start_seq);
SELECT count(*) FROM hits;

-- own reads: live ones, each list's hit once, with the captured time of the read
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE matcher;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison') > 0 AS begun;
SELECT ctlpr.match_hotlist('plate_reads', 'hits', since => now() - interval '50 hours');
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
SELECT ctlpr.match_hotlist('plate_reads', 'plain_hits');
SELECT h.plate, h.agency_id, h.camera_id, h.hotlist_id = :ncic AS of_ncic, round(extract(epoch FROM now() - h.captured_at) / 3600) AS age FROM hits h ORDER BY h.captured_at, h.plate;
SELECT count(*) FROM hits h JOIN plate_reads r USING (captured_at, plate, agency_id);
SELECT plate, count(*) FROM plain_hits GROUP BY plate ORDER BY plate;
COMMIT;
RESET ROLE;
SELECT * FROM pg_temp.events(:start_seq);
SELECT role, action, relation, purpose, allowed, search_kind, plates, returned FROM pg_temp.log_since(:start_seq) WHERE action IN ('insert', 'select');

-- others' reads: the request states a case, and so does the entry
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE matcher;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison', case_number => '26-77') > 0 AS begun;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
SELECT h.read_agency, h.plate, h.agency_id, h.hotlist_id = :local AS of_local, count(*) FROM hits h GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
COMMIT;
RESET ROLE;
SELECT * FROM pg_temp.events(:start_seq);
SELECT role, action, relation, search_kind, plates, returned FROM pg_temp.log_since(:start_seq) WHERE action = 'select' AND relation = 'public.plate_reads';

-- a list loaded again keeps its number, so that what was a hit is none again; a standing request will do for own reads
SET ROLE list_keeper;
SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'CT-NHPD', 'daily', '[{"plate": "NH120", "category": "Stolen vehicle"}, {"plate": "NH1", "category": "Stolen vehicle"}]') = :ncic AS same;
RESET ROLE;
SELECT ctlpr.standing_request('matcher', 'hotlist_comparison', 'compares reads as they come', 'Captain Hill', now() + interval '1 day') > 0 AS standing;
SET ROLE matcher;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
RESET ROLE;
SET ROLE list_keeper;
SELECT ctlpr.withdraw_hotlist(:ncic, 'replaced by another feed');
RESET ROLE;
SET ROLE matcher;
SELECT count(*) FROM ctlpr.live_hotlist_entries() WHERE hotlist_id = :ncic;
RESET ROLE;

-- entries and lists whose time has come match nothing
SET ROLE list_keeper;
SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', clock_timestamp() + interval '4 seconds', 'CT-NHPD', 'short', '[{"plate": "NH300", "category": "Stolen vehicle", "expires_at": "infinity"}]') AS short \gset
RESET ROLE;
SET ROLE matcher;
SELECT count(*) FROM ctlpr.live_hotlist_entries() WHERE hotlist_id = :short;
SELECT pg_sleep(4.1);
SELECT count(*) FROM ctlpr.live_hotlist_entries() WHERE hotlist_id = :short;
SELECT ctlpr.match_hotlist('plate_reads', 'hits');
RESET ROLE;

-- wrong relations
SET ROLE matcher;
SELECT ctlpr.match_hotlist('plate_reads', 'plate_reads');
SELECT ctlpr.match_hotlist('plate_reads', NULL);
SELECT ctlpr.match_hotlist('plate_reads', 'pg_class');
SELECT ctlpr.match_hotlist(4294967290::oid::regclass, 'hits');
RESET ROLE;
SET client_min_messages = error;
SELECT ctlpr.release('plain_hits', 'the other agency''s turn');
SELECT ctlpr.govern('plain_hits', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-HPD');
SET ROLE matcher;
SELECT ctlpr.match_hotlist('plate_reads', 'plain_hits');
RESET ROLE;

-- as reads come in: the trigger stands before govern() and is allowed by name
SELECT ctlpr.release('plate_reads', 'a trigger is to be set');
CREATE TRIGGER hotlist AFTER INSERT ON plate_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.hits');
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera_id', allow_triggers => '{hotlist}');
RESET client_min_messages;
SELECT max(seen) AS last_seen FROM (SELECT pg_sequence_last_value(pg_get_serial_sequence('hits', 'seen')) AS seen) s \gset
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'AB12345', 'CT-NHPD', 7);
RESET ROLE;
GRANT ctlpr_matcher TO camera_feed;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'AB12345', 'CT-NHPD', 7), (now(), 'ZZ1', 'CT-NHPD', 7);
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'ZZ2', 'CT-NHPD', 7);
BEGIN;
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) VALUES (now(), 'AB12345', 'CT-NHPD', 9);
ROLLBACK;
SELECT * FROM hits;
SELECT * FROM ctlpr.hotlist_matches('plate_reads', 'hits', '{AB12345}');
RESET ROLE;
SELECT * FROM pg_temp.events(:start_seq);
SELECT role, action, relation, allowed, sqlstate FROM pg_temp.log_since(:start_seq) WHERE relation IN ('public.hits', 'public.plate_reads');
SET ROLE matcher;
SELECT h.plate, h.agency_id, h.camera_id, h.hotlist_id = :local AS of_local, h.captured_at > now() - interval '1 hour' AS captured_now FROM hits h WHERE h.seen > :last_seen ORDER BY h.seen;
RESET ROLE;
-- agencies by number, differently in both tables; a role that ingests for two agencies makes each one's hits
\set QUIET on
SET client_min_messages = error;
CREATE TABLE numbered_reads (at timestamptz NOT NULL, tag char(8) NOT NULL, "Owner" int);
CREATE TABLE numbered_hits (at timestamptz NOT NULL, tag text COLLATE "POSIX" NOT NULL, whose smallint, read_agency text);
CREATE TRIGGER hotlist AFTER INSERT ON numbered_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.numbered_hits');
DO $$ BEGIN
	PERFORM ctlpr.agency_key('CT-NHPD', 'numbered_reads', '1'), ctlpr.agency_key('CT-NHPD', 'numbered_reads', '11'), ctlpr.agency_key('CT-HPD', 'numbered_reads', '2');
	PERFORM ctlpr.agency_key('CT-NHPD', 'numbered_hits', '7'), ctlpr.agency_key('CT-HPD', 'numbered_hits', '8');
	PERFORM ctlpr.govern('numbered_reads', captured_at => 'at', plate => 'tag', agency => 'Owner', allow_triggers => '{hotlist}');
	PERFORM ctlpr.govern('numbered_hits', captured_at => 'at', plate => 'tag', agency => 'whose');
	PERFORM ctlpr.load_hotlist('collect', 'Lt. Doe', now() + interval '1 day', 'CT-HPD', 'daily', '[{"plate": "AB12345", "category": "Stolen vehicle"}, {"plate": "HA1", "category": "Stolen vehicle", "case_number": "26-78"}]');
	PERFORM ctlpr.load_hotlist('local', NULL, now() + interval '1 day', 'CT-NHPD', 'burglaries', '[{"plate": "AB12345", "approved_by": "Lt. Rivera"}, {"plate": "NH1", "case_number": "26-79", "approved_by": "Lt. Rivera"}]');
	PERFORM ctlpr.bind_role('matcher', 'CT-HPD', may_ingest => true);
	PERFORM ctlpr.revoke_standing_request(request_seq, 'the test goes on') FROM ctlpr.standing_request WHERE role_name = 'matcher';
END $$;
GRANT SELECT, INSERT ON numbered_reads, numbered_hits TO matcher;
RESET client_min_messages;
\set QUIET off
SET ROLE matcher;
INSERT INTO numbered_reads VALUES (now(), 'AB12345', 1), (now(), 'AB12345', 2), (now(), 'HA1', 1), (now(), 'HA1', 2), (now(), 'NH1', 11), (now(), 'NH1', 2);
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison', agency_id => 'CT-HPD') > 0 AS begun;
SELECT ctlpr.match_hotlist('numbered_reads', 'numbered_hits');
SELECT tag, whose, read_agency FROM numbered_hits ORDER BY 1, 2, 3;
COMMIT;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison', agency_id => 'CT-NHPD', case_number => '26-79') > 0 AS begun;
SELECT ctlpr.match_hotlist('numbered_reads', 'numbered_hits');
SELECT tag, whose, read_agency FROM numbered_hits ORDER BY 1, 2, 3;
COMMIT;
RESET ROLE;
SELECT ctlpr.drop_agency_key('numbered_hits', '7');
SET ROLE matcher;
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison', agency_id => 'CT-NHPD') > 0 AS begun;
SELECT ctlpr.match_hotlist('numbered_reads', 'numbered_hits');
ROLLBACK;
RESET ROLE;
-- a trigger that is not called as it must be
CREATE TABLE other_reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TRIGGER hotlist AFTER INSERT ON other_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest();
INSERT INTO other_reads VALUES (now(), 'AB12345');
CREATE OR REPLACE TRIGGER hotlist AFTER INSERT ON other_reads REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.hits');
INSERT INTO other_reads VALUES (now(), 'AB12345');
CREATE OR REPLACE TRIGGER hotlist AFTER UPDATE ON other_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.hits');
UPDATE other_reads SET plate = 'x';
DROP TRIGGER hotlist ON other_reads;
CREATE TRIGGER hotlist AFTER INSERT ON other_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('hits');
INSERT INTO other_reads VALUES (now(), 'AB12345');
CREATE OR REPLACE TRIGGER hotlist AFTER INSERT ON other_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.other_reads');
INSERT INTO other_reads VALUES (now(), 'AB12345');
CREATE OR REPLACE TRIGGER hotlist AFTER INSERT ON other_reads REFERENCING NEW TABLE AS new_reads FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.hits');
INSERT INTO other_reads VALUES (now(), 'AB12345');

-- leave the world as it was
\set QUIET on
SET client_min_messages = error;
DO $$ BEGIN
	PERFORM ctlpr.withdraw_hotlist(hotlist_id, 'the test is over') FROM ctlpr.hotlist WHERE withdrawn_at IS NULL;
	PERFORM ctlpr.release('hits', 'the test is over');
	PERFORM ctlpr.release('plain_hits', 'the test is over');
	PERFORM ctlpr.release('plate_reads', 'the test is over');
	PERFORM ctlpr.release('numbered_reads', 'the test is over');
	PERFORM ctlpr.release('numbered_hits', 'the test is over');
	PERFORM ctlpr.unbind_role('matcher', 'CT-NHPD');
	PERFORM ctlpr.unbind_role('matcher', 'CT-HPD');
END $$;
DROP TRIGGER hotlist ON plate_reads;
DELETE FROM ctlpr.ingest_count;
DROP TABLE hits, plain_hits, other_reads, numbered_reads, numbered_hits;
REVOKE ctlpr_matcher FROM camera_feed;
REVOKE ALL ON plate_reads FROM matcher;
DROP ROLE matcher, list_keeper;
