-- title: The officer goes around the table, to a partition, and changes when a car was seen
-- role: nhpd_officer
-- law: Both refused: partitions are read through their table (LP010), and time and owner of a read stand as captured (LP013).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117') AS request;
SAVEPOINT around;
-- expect: LP010
SELECT count(*) FROM :yesterday;
ROLLBACK TO around;
-- expect: LP013
UPDATE plate_reads SET captured_at = now() WHERE plate = 'BK40817';
ROLLBACK;
