-- 13(b)(2)(A)(i) to (iii), 13(b)(2)(B): reads are held on a supervisor's approval, seen by their case alone, and deleted when their hold has ended
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET client_min_messages = error;
CREATE ROLE chief;
CREATE ROLE state_attorney;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true);
SELECT ctlpr.register_agency('CT-SA', 'State''s Attorney', 'prosecutor', 'CT') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'CT-SA');
SELECT ctlpr.bind_role('state_attorney', 'CT-SA');
GRANT SELECT ON plate_reads TO chief, state_attorney;
RESET client_min_messages;

-- what is no hold
SET ROLE stranger;
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{NH1}');
SET ROLE officer;
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{NH1}');
SET ROLE chief;
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', ' Chief', plates => '{NH1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', E'chief\t', plates => '{NH1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', upper(session_user), plates => '{NH1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', captured => '(,)');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', captured => '[-infinity,infinity]');
SELECT ctlpr.preserve('plate_reads', 'curiosity', 'homicide', '26-7', 'Officer A', plates => '{NH1}');
SELECT ctlpr.preserve('pg_class', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{NH1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', captured => 'empty');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '', 'Officer A', plates => '{NH1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', E' Pending\t', 'Officer A', plates => '{NH1}');
SELECT to_regclass('plate_reads_evidence') IS NULL AS nothing_half_done;

-- two holds on one plate: its live reads of the own agency, once for each
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{nh-1, nh 120,NH530}') AS homicide \gset
SELECT ctlpr.preserve('plate_reads', 'court_order', 'order of the court', '26-8', 'Officer B', plates => '{NH1,HA1}', captured => tstzrange(now() - interval '10 days', NULL)) AS ordered \gset
RESET ROLE;
SELECT ctlpr.held_reads(:homicide), ctlpr.held_reads(:ordered);
SELECT relation, evidence_of, retention, purging FROM ctlpr.governed_relation ORDER BY 1;

-- seen by requests that state the case alone
GRANT UPDATE, DELETE ON plate_reads_evidence TO officer;
SET ROLE officer;
SELECT count(*) FROM plate_reads_evidence;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads_evidence;
SELECT ctlpr.begin_request('criminal_investigation', '26-9', 'homicide') > 0 AS begun;
SELECT count(*) FROM plate_reads_evidence;
SELECT ctlpr.begin_request('criminal_investigation', ' 26-7 ', 'homicide') > 0 AS begun;
SELECT plate, agency_id, ctlpr_hold_id = :homicide AS of_the_case FROM plate_reads_evidence ORDER BY 1;
SELECT ctlpr.begin_request('criminal_investigation', '26-8', 'homicide') > 0 AS begun;
SELECT plate FROM plate_reads_evidence;
UPDATE plate_reads_evidence SET camera_id = 2;
SAVEPOINT a;
DELETE FROM plate_reads_evidence;
ROLLBACK TO a;
COMMIT;
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', '26-7', 'homicide') > 0 AS begun;
SELECT count(*) FROM plate_reads_evidence;
COMMIT;
RESET ROLE;
GRANT INSERT ON plate_reads_evidence TO camera_feed;
SET ROLE camera_feed;
INSERT INTO plate_reads_evidence (captured_at, plate, agency_id, read_id, ctlpr_hold_id) VALUES (now(), 'FAKE', 'CT-NHPD', 0, 1);

-- a backup takes evidence along
RESET ROLE;
SELECT ctlpr.standing_request('bypasser', 'backup', 'nightly', 'Chief', now() + interval '1 day', 'CT-NHPD') > 0 AS filed FROM (SELECT ctlpr.bind_role('bypasser', 'CT-NHPD')) b;
GRANT SELECT ON plate_reads_evidence TO bypasser;
SET ROLE bypasser;
SELECT count(*) FROM plate_reads_evidence;
RESET ROLE;
SELECT ctlpr.revoke_standing_request(max(request_seq), 'the test is over') FROM ctlpr.standing_request WHERE role_name = 'bypasser';
SELECT ctlpr.unbind_role('bypasser', 'CT-NHPD');

-- a supervisor of two agencies says whose reads are held
SELECT ctlpr.bind_role('chief', 'CT-HPD', supervisor => true);
SET ROLE chief;
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-20', 'Officer A', plates => '{HA1}');
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-20', 'Officer A', plates => '{HA1}', agency_id => 'CT-HPD') AS of_hartford \gset
SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-20', 'Officer A', plates => '{HA1}', agency_id => 'MA-BPD');
RESET ROLE;
SELECT ctlpr.held_reads(:of_hartford), agency_id FROM ctlpr.hold WHERE hold_id = :of_hartford;
DELETE FROM ctlpr.hold WHERE hold_id = :of_hartford;
SELECT ctlpr.unbind_role('chief', 'CT-HPD');

-- the prosecutor, under a court's order for the evidence of one hold
RESET ROLE;
SELECT ctlpr.authorize('court_order', 'CT-SA', issued_by => 'Judge A', hold_id => :ordered) AS court_order \gset
SELECT ctlpr.authorize('court_order', 'CT-SA', issued_by => 'Judge A', hold_id => 0);
SET ROLE state_attorney;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', 'SA-1', 'trial', authorization_id => :court_order) > 0 AS begun;
SELECT plate FROM plate_reads_evidence;
SELECT count(*) FROM plate_reads;
COMMIT;
RESET ROLE;

-- the old ones go, the held ones stay, and what comes in later is caught
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NH120', 'CT-NHPD');
RESET ROLE;
ALTER TABLE plate_reads ADD COLUMN lane int;
SELECT ctlpr.apply_hold(:homicide);
-- a type of the owner's comes beside what is held, and its cast sees nothing of that
ALTER TABLE plate_reads ADD COLUMN colour text DEFAULT 'red';
ALTER TABLE plate_reads OWNER TO reads_owner;
SELECT format('ALTER TABLE %s OWNER TO reads_owner', inhrelid::regclass) FROM pg_inherits WHERE inhparent = 'plate_reads'::regclass \gexec
SELECT ctlpr.apply_hold(:homicide);
SET ROLE reads_owner;
CREATE TYPE shade AS ENUM ('q');
CREATE FUNCTION as_shade(text) RETURNS shade LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN 'q'; END $$;
CREATE CAST (text AS shade) WITH FUNCTION as_shade(text);
ALTER TABLE plate_reads ALTER colour DROP DEFAULT, ALTER colour TYPE shade USING NULL;
RESET ROLE;
SELECT ctlpr.apply_hold(:homicide);
SELECT count(*) AS kept, count(*) FILTER (WHERE attname = 'colour') AS added FROM pg_attribute WHERE attrelid = 'plate_reads_evidence'::regclass AND attname LIKE 'colour%' AND NOT attisdropped;
SET ROLE chief;
SELECT ctlpr.preserve('plate_reads', 'highway_fee', 'fees', '26-10', 'Officer C', plates => '{NH300}') AS fees \gset
RESET ROLE;
SELECT string_agg(regexp_replace(attname, '_until_.*', '_until'), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'plate_reads_evidence'::regclass AND attnum > 0;

-- ending
SET ROLE officer;
SELECT ctlpr.end_hold(:homicide, 'no_charges');
SET ROLE stranger;
SELECT ctlpr.end_hold(:homicide, 'no_charges');
SET ROLE officer_hpd;
SELECT ctlpr.end_hold(:homicide, 'no_charges');
SET ROLE chief;
SELECT ctlpr.end_hold(:homicide, 'fee_collected');
SELECT ctlpr.end_hold(:homicide, 'no_charges');
SELECT ctlpr.end_hold(:homicide, 'no_charges');
SELECT ctlpr.end_hold(:fees, 'fee_collected');
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', '26-7', 'homicide') > 0 AS begun;
SELECT count(*) FROM plate_reads_evidence;
COMMIT;
RESET ROLE;
SELECT purge_after - ended_at AS delay, outcome FROM ctlpr.hold ORDER BY hold_id;
SELECT sum(reads) AS to_be_deleted FROM ctlpr.expired_reads('plate_reads_evidence');
SELECT rows_deleted FROM ctlpr.purge('plate_reads_evidence');
SELECT ctlpr.held_reads(:homicide), ctlpr.held_reads(:ordered), ctlpr.held_reads(:fees);

-- on record, and reported
SELECT allowed, sqlstate, clause, detail ->> 'function' AS function, detail ->> 'reads' AS reads, count(*) FROM ctlpr.audit_entry
WHERE seq > :start_seq AND action = 'hold' AND entry = 'verdict' GROUP BY 1, 2, 3, 4, 5 ORDER BY 4, 2, 3, 5;
SELECT relation, agency_id, basis, clause, case_number, requested_by, approved_by, outcome, reads, duration >= interval '0' AS lasted FROM ctlpr.holds ORDER BY hold_id;
-- evidence stays as it is while its hold stands, whoever asks
SET ROLE reads_owner;
DROP TABLE plate_reads_evidence;
TRUNCATE plate_reads_evidence;
ALTER TABLE plate_reads_evidence ALTER COLUMN ctlpr_hold_id TYPE bigint USING 7;
ALTER TABLE plate_reads_evidence RENAME TO gone;
CREATE INDEX ON plate_reads_evidence (plate);
DROP OWNED BY reads_owner CASCADE;
RESET ROLE;
DROP TABLE plate_reads_evidence;
SELECT ctlpr.release('plate_reads_evidence', 'the test is over');
SELECT ctlpr.release('plate_reads', 'the test is over');
DELETE FROM ctlpr.hold;
SELECT ctlpr.release('plate_reads_evidence', 'the test is over');
DROP TABLE plate_reads_evidence;
DROP OWNED BY chief, state_attorney;
SELECT ctlpr.unbind_role('chief', 'CT-NHPD'), ctlpr.unbind_role('state_attorney', 'CT-SA');
DROP ROLE chief, state_attorney;
DROP TYPE shade CASCADE;
