-- 13(b)(1), 13(d)(6), 13(g)(2): who acts for another agency may not do more than that agency, nor than itself
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET client_min_messages = error;
CREATE ROLE vendor_desk LOGIN;
SELECT ctlpr.register_agency('V-3', 'A vendor', 'vendor', 'US') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'V-3') \g /dev/null
SELECT ctlpr.bind_role('vendor_desk', 'V-3') \g /dev/null
SELECT ctlpr.register_contract('V-3', 'CT-NHPD', current_date - 5) AS contract \gset
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 3) AS declaration \gset
SELECT ctlpr.authorize('probable_cause_warrant', 'CT-NHPD', plates => '{NH1}', captured => tstzrange(now() - interval '10 days', now()), issued_by => 'Judge A', case_number => '26-1') AS warrant \gset
GRANT SELECT ON plate_reads TO vendor_desk;
RESET client_min_messages;

-- an instrument narrows what a vendor sees as it narrows its agency, and opens no purpose to it
SET ROLE vendor_desk;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'burglary', on_behalf_of => 'CT-NHPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'burglary', on_behalf_of => 'CT-NHPD', authorization_id => :warrant);
BEGIN;
SELECT ctlpr.begin_request('parking_enforcement', on_behalf_of => 'CT-NHPD', authorization_id => :warrant) > 0 AS begun;
SELECT agency_id, plate, count(*) FROM plate_reads GROUP BY 1, 2;
SELECT ctlpr.begin_request('parking_enforcement', on_behalf_of => 'CT-NHPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
COMMIT;
RESET ROLE;

-- it acts for agencies of the state; for one of another state no more than that agency may itself
SELECT ctlpr.register_contract('V-3', 'TX-HPD', current_date - 5) > 0 AS contract;
SELECT ctlpr.register_contract('V-3', 'MA-BPD', current_date - 5) > 0 AS contract;
SET ROLE vendor_desk;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison', on_behalf_of => 'TX-HPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison', on_behalf_of => 'MA-BPD');
RESET ROLE;

-- what the agency rules out or demands, it rules out and demands of its vendor
SELECT ctlpr.forbid_purpose('CT-NHPD', 'parking_enforcement', 'policy') AS no_parking \gset
SELECT ctlpr.set_agency_option('CT-NHPD', demands_training => true);
SELECT ctlpr.register_officer('CT-NHPD', 'Trained', current_date + 1);
SET ROLE vendor_desk;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('parking_enforcement', officer => 'Trained', on_behalf_of => 'CT-NHPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('weigh_station', on_behalf_of => 'CT-NHPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('weigh_station', officer => 'Nobody', on_behalf_of => 'CT-NHPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('weigh_station', officer => 'Trained', on_behalf_of => 'CT-NHPD');
RESET ROLE;
SELECT ctlpr.lift_limit(:no_parking, 'the test is over');
DELETE FROM ctlpr.agency_option;
DELETE FROM ctlpr.officer;

-- police do not search for an agency that may not search so itself
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'burglary', on_behalf_of => 'CT-PARK');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'burglary', on_behalf_of => 'CT-HPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('parking_enforcement', '26-1', on_behalf_of => 'CT-PARK');

-- what an agency has itself is shared when it searches for another: counted, on record with the basis of that other, and disclosed
RESET ROLE;
SELECT coalesce(max(seq), 0) AS shared_seq FROM ctlpr.audit_entry \gset
SET ctlpr.bulk_row_limit = 10;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1', on_behalf_of => 'MA-BPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads WHERE agency_id = 'CT-NHPD' GROUP BY 1;
SAVEPOINT a;
SELECT count(*) FROM plate_reads;
ROLLBACK;
RESET ROLE;
RESET ctlpr.bulk_row_limit;
SELECT count(*) > 0 AS read FROM ctlpr.audit_entry;
SELECT agency_id, on_behalf_of, owner_agency_id, basis, clause, declaration_id = :declaration AS by_declaration, outcome, count(*) FROM ctlpr.disclosures WHERE seq > :shared_seq GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 7, 3;
SET ROLE vendor_desk;
BEGIN;
SELECT ctlpr.begin_request('parking_enforcement', on_behalf_of => 'CT-NHPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1;
COMMIT;
RESET ROLE;
SELECT count(*) > 0 AS read FROM ctlpr.audit_entry;
SELECT count(*) AS of_a_vendor FROM ctlpr.disclosures WHERE agency_id = 'V-3';

-- a case number follows within the state alone
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', 'pending');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', 'pending', on_behalf_of => 'CT-HPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', 'pending', on_behalf_of => 'MA-BPD');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', 'pending');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', 'B-1');
RESET ROLE;

SET client_min_messages = error;
SELECT ctlpr.withdraw_declaration(:declaration, 'the test is over') \g /dev/null
SELECT ctlpr.revoke_authorization(:warrant, 'the test is over') \g /dev/null
DELETE FROM ctlpr.contract;
SELECT ctlpr.unbind_role('vendor_desk', 'V-3') \g /dev/null
DROP OWNED BY vendor_desk;
DROP ROLE vendor_desk;
