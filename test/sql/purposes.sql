-- 13(b)(1), 13(d)(1) to (4): the list of purposes is closed; what is forbidden is refused and on record
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('curiosity');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('immigration_enforcement', reason => 'ICE');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('reproductive_health_care');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request(NULL);
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', reason => E' \t ');
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('backup', reason => 'nightly');
ROLLBACK;
SET ROLE stranger;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle');
ROLLBACK;
RESET ROLE;
SELECT role, action, purpose, allowed, sqlstate, clause FROM pg_temp.log_since(:start_seq);
-- check_request() says the same and records nothing
SELECT coalesce(max(seq), 0) AS before FROM ctlpr.audit_entry WHERE relation IS DISTINCT FROM 'ctlpr.audit_entry' \gset
SET ROLE officer;
SELECT c.allowed, c.sqlstate, c.clause FROM ctlpr.check_request('immigration_enforcement') c;
SELECT c.allowed, c.sqlstate, c.clause, c.explanation FROM ctlpr.check_request('criminal_investigation') c;
SELECT c.allowed, c.sqlstate, c.clause FROM ctlpr.check_request('criminal_investigation', reason => 'burglary') c;
SELECT count(*) FROM plate_reads;
RESET ROLE;
SELECT count(*) AS requests_recorded FROM pg_temp.log_since(:before) WHERE action = 'request';
-- texts are kept as given, up to 4096 bytes
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', reason => repeat('x', 4097));
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', reason => repeat('é', 2048), officer => E'O''Brien, "Zoë" \\ 7:-,') > 0 AS begun;
SELECT length(reason), officer FROM ctlpr.current_request();
COMMIT;
RESET ROLE;
SELECT length(reason), octet_length(reason), officer FROM ctlpr.audit_entry WHERE seq > :before AND action = 'request';
