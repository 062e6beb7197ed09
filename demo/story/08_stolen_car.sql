-- title: The officer states a request: a stolen car
-- role: nhpd_officer
-- law: Allowed (13(b)(1)(B)(ii)(IV)): New Haven's own reads, and Hartford's, since the request names a case (13(d)(6)(A),
-- law: 13(d)(8)). The table has a sixth read of this car; it is 22 days old, and gone for everyone (13(b)(2)(A)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117',
                           officer => 'Ofc. Rivera') AS request;
-- expect: 5 rows
SELECT agency_id, place, date_trunc('minute', now() - captured_at) AS ago
FROM plate_reads JOIN cameras USING (camera_id, agency_id)
WHERE plate = 'BK40817' ORDER BY captured_at DESC;
COMMIT;
