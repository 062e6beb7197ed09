-- title: The evidence, for its case and for no other
-- role: nhpd_officer
-- law: Held reads are seen by requests that state their case alone, and go when the event has come that ends the hold
-- law: (13(b)(2)(A)(iii)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40122') AS request;
-- expect: no rows
SELECT agency_id, plate FROM plate_reads_evidence;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117') AS request;
-- expect: 4 rows
SELECT agency_id, plate, date_trunc('minute', now() - captured_at) AS ago FROM plate_reads_evidence
ORDER BY captured_at DESC;
COMMIT;
