-- title: The same without a case number
-- role: nhpd_officer
-- law: Without a documented case an agency sees its own reads only: sharing goes case by case (13(d)(8)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle') AS request;
-- expect: 4 rows
SELECT agency_id, place, date_trunc('minute', now() - captured_at) AS ago
FROM plate_reads JOIN cameras USING (camera_id, agency_id)
WHERE plate = 'BK40817' ORDER BY captured_at DESC;
COMMIT;
