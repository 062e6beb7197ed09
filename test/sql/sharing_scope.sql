-- 13(d)(6), 13(d)(8): own reads; the state's on a case; declared states' with a declaration; nobody else's
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
-- for whom the search really is decides as well
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1', on_behalf_of => 'US-ICE');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1', on_behalf_of => 'NO-SUCH');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', on_behalf_of => 'CT-HPD');
ROLLBACK;
SET ROLE texan;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => 'H-1', reason => 'stolen');
ROLLBACK;
SET ROLE agent;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => 'I-1', reason => 'stolen');
ROLLBACK;
SET ROLE detective;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => 'B-1');
ROLLBACK;
RESET ROLE;
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 3) AS declaration \gset
SET ROLE detective;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => 'B-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
DELETE FROM plate_reads;
UPDATE plate_reads SET plate = 'X';
-- withdrawn: the next statement of the same transaction is refused
RESET ROLE;
SELECT ctlpr.withdraw_declaration(:declaration, 'test');
SET ROLE detective;
SELECT count(*) FROM plate_reads;
ROLLBACK;
RESET ROLE;
SELECT ctlpr.withdraw_declaration(:declaration, 'test');
SELECT role, action, purpose, allowed, sqlstate, clause, returned, touched FROM pg_temp.log_since(:start_seq) WHERE action <> 'configuration';
SELECT agency_id, owner_agency_id, owner_rows, basis FROM ctlpr.disclosures WHERE seq > :start_seq ORDER BY seq, 2;
