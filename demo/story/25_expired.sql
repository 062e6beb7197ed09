-- title: Day 22
-- role: nhpd_officer
-- law: The read of day 22 is still on disk, and is returned to nobody: past 21 days it is gone at the instant (13(b)(2)(A)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117') AS request;
-- expect: no rows
SELECT * FROM plate_reads WHERE plate = 'BK40817' AND captured_at < now() - interval '21 days';
COMMIT;
