-- 13(b)(2)(C): reads for the vehicle tax are kept for 90 days, or until a finding of compliance, and shared with the assessor or the registrant alone
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET client_min_messages = error;
CREATE ROLE assessor LOGIN;
SELECT ctlpr.register_agency('CT-ASSR', 'Assessor', 'public_agency', 'CT') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'CT-ASSR') \g /dev/null
SELECT ctlpr.bind_role('assessor', 'CT-ASSR') \g /dev/null
CREATE TABLE tax_reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO tax_reads SELECT now() - age * interval '1 hour', 'TAX' || age FROM unnest('{1,720,2159,2161}'::int[]) age;
GRANT SELECT ON tax_reads TO officer, texan, assessor;
GRANT SELECT, DELETE ON tax_reads TO officer_hpd;
SELECT ctlpr.govern('tax_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-HPD', retention => 'motor_vehicle_tax') \g /dev/null
RESET client_min_messages;

-- kept for 2160 hours, for the agency that took them
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax') > 0 AS begun;
SELECT plate FROM tax_reads ORDER BY 1;
COMMIT;

-- shared with the assessor, for the tax
SET ROLE assessor;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax', '2026-T-1') > 0 AS begun;
SELECT plate FROM tax_reads ORDER BY 1;
SELECT ctlpr.begin_request('parking_enforcement', '2026-P-1') > 0 AS begun;
SELECT count(*) FROM tax_reads;
COMMIT;

-- ... and not with police, for whatever purpose, or under a warrant
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax', '2026-T-1') > 0 AS begun;
SELECT count(*) FROM tax_reads;
SELECT ctlpr.begin_request('criminal_investigation', '26-1', 'burglary') > 0 AS begun;
SELECT count(*) FROM tax_reads;
COMMIT;
RESET ROLE;
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{TAX1}', captured => tstzrange(now() - interval '10 days', now()), case_number => 'H-1', issued_by => 'Judge A') AS warrant \gset
SET ROLE texan;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', 'H-1', 'homicide', authorization_id => :warrant) > 0 AS begun;
SELECT count(*) FROM tax_reads;
COMMIT;

-- ... nor by way of the agency itself
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1', on_behalf_of => 'CT-NHPD') > 0 AS begun;
SELECT count(*) FROM tax_reads;
SELECT ctlpr.begin_request('motor_vehicle_tax', '2026-T-1', on_behalf_of => 'CT-ASSR') > 0 AS begun;
SELECT count(*) FROM tax_reads;
COMMIT;

-- a finding of compliance: the agency deletes them before their time
RESET ROLE;
SELECT coalesce(max(seq), 0) AS start_seq FROM ctlpr.audit_entry \gset
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax', '2026-T-1') > 0 AS begun;
DELETE FROM tax_reads WHERE plate = 'TAX1';
COMMIT;
SET ROLE assessor;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax', '2026-T-1') > 0 AS begun;
SELECT plate FROM tax_reads ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT role, action, purpose, clause, plates, touched FROM pg_temp.log_since(:start_seq) WHERE action = 'delete';
-- a read is not copied to where it is kept for longer, nor from here to where others see it
GRANT SELECT ON tax_reads TO camera_feed;
GRANT INSERT ON tax_reads TO camera_feed;
SET ROLE camera_feed;
BEGIN;
SELECT ctlpr.begin_request('motor_vehicle_tax') > 0 AS begun;
SAVEPOINT a;
INSERT INTO tax_reads SELECT captured_at, plate FROM plate_reads;
ROLLBACK TO a;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate, 'CT-NHPD' FROM tax_reads;
ROLLBACK TO a;
INSERT INTO tax_reads SELECT now(), plate FROM plate_reads;
ROLLBACK TO a;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT captured_at, plate || '-', agency_id FROM plate_reads WHERE plate = 'NH120';
COMMIT;
RESET ROLE;
SET client_min_messages = error;
SELECT ctlpr.release('tax_reads', 'the test is over') \g /dev/null
DROP TABLE tax_reads;
SELECT ctlpr.unbind_role('assessor', 'CT-ASSR') \g /dev/null
DROP OWNED BY assessor;
DROP ROLE assessor;
