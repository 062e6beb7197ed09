-- title: Boston asks again
-- role: bpd_detective
-- law: Allowed under the declaration, for a documented case (13(d)(6)(B), 13(d)(8)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => 'B-771204',
                           officer => 'Det. Walsh') AS request;
-- expect: 5 rows
SELECT agency_id, place, date_trunc('minute', now() - captured_at) AS ago
FROM plate_reads JOIN cameras USING (camera_id, agency_id)
WHERE plate = 'BK40817' ORDER BY captured_at DESC;
COMMIT;
