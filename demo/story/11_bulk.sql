-- title: The same officer takes the case for a key to everything
-- role: nhpd_officer
-- law: Refused: a case opens what concerns it, and no bulk access to other agencies' reads (13(d)(8)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117') AS request;
-- expect: LP009
SELECT agency_id, count(*) FROM plate_reads GROUP BY agency_id;
ROLLBACK;
