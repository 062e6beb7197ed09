-- 14(a)(6): what a requester states is kept as given, each text up to 4096 bytes, and nothing is kept of more
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
-- one byte too many, for each of the arguments
BEGIN;
SAVEPOINT a;
SELECT ctlpr.begin_request(repeat('p', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => repeat('c', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', reason => repeat('é', 2049));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', officer => repeat('o', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', agency_id => repeat('a', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', on_behalf_of => repeat('a', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', offense => repeat('f', 4097));
ROLLBACK TO a;
SELECT ctlpr.begin_request('stolen_vehicle', terminal => repeat('t', 4097));
ROLLBACK;
RESET ROLE;
SELECT count(*) AS kept FROM ctlpr.audit_entry WHERE seq > :start_seq AND action = 'request';
-- the most of all of them, and a search with that; then texts that look like parts of a record
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => repeat('c', 4096), reason => repeat('é', 2048), officer => repeat('o', 4096), offense => repeat('f', 4096), terminal => repeat('t', 4096)) > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '-', reason => E'\n\t\x01''"\\ 3:abc-', officer => '', offense => '5:', terminal => U&'\+01F697\0301 %s %n') > 0 AS begun;
SELECT case_number, reason = E'\n\t\x01''"\\ 3:abc-' AS same_reason, officer, offense, terminal = U&'\+01F697\0301 %s %n' AS same_terminal, on_behalf_of IS NULL AS no_other FROM ctlpr.current_request();
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
RESET ROLE;
SELECT action, octet_length(case_number) AS case_number, octet_length(reason) AS reason, octet_length(officer) AS officer, octet_length(offense) AS offense, octet_length(terminal) AS terminal, on_behalf_of
FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND role = 'officer' ORDER BY seq;
-- a statement of which no whole record can be made is refused
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE plate = repeat('x', 300000);
ROLLBACK;
RESET ROLE;
