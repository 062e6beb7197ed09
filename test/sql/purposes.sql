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

-- who may state what: each purpose of the closed list, with its clause and the kinds of agency that it is open to
SET client_min_messages = error;
CREATE TEMP TABLE asked (kind text, purpose text, sqlstate text, clause text);
GRANT INSERT ON asked TO PUBLIC;
DO $$
DECLARE
	kind text;
BEGIN
	FOREACH kind IN ARRAY '{police,public_agency,task_force,prosecutor,federal,vendor,other}'::text[] LOOP
		PERFORM ctlpr.register_agency('K-' || kind, kind, kind, CASE kind WHEN 'federal' THEN 'US' ELSE 'CT' END);
		EXECUTE format('CREATE ROLE %I', 'kind_' || kind);
		PERFORM ctlpr.bind_role(('kind_' || kind)::regrole, 'K-' || kind);
	END LOOP;
END $$;
CREATE TEMP TABLE purposes AS SELECT purpose FROM ctlpr.statute_purpose WHERE statute = 'us-ct-2026' AND permitted AND NOT standing_only;
GRANT SELECT ON purposes TO PUBLIC;
DO $$
DECLARE
	kind text;
BEGIN
	FOREACH kind IN ARRAY '{police,public_agency,task_force,prosecutor,federal,vendor,other}'::text[] LOOP
		PERFORM set_config('role', 'kind_' || kind, true);
		INSERT INTO asked SELECT kind, p.purpose, c.sqlstate, c.clause FROM purposes p, LATERAL ctlpr.check_request(p.purpose, '26-1', 'a reason', on_behalf_of => CASE kind WHEN 'vendor' THEN 'K-police' END) c;
	END LOOP;
END $$;
SELECT s.clause, a.purpose, string_agg(a.kind, ' ' ORDER BY a.kind) FILTER (WHERE a.sqlstate IS DISTINCT FROM 'LP003') AS open_to, bool_and(a.clause = s.clause) FILTER (WHERE a.sqlstate = 'LP003') AS refused_by_its_clause
FROM asked a JOIN ctlpr.statute_purpose s ON s.statute = 'us-ct-2026' AND s.purpose = a.purpose GROUP BY 1, 2 ORDER BY 1;
DO $$
DECLARE
	kind text;
BEGIN
	FOREACH kind IN ARRAY '{police,public_agency,task_force,prosecutor,federal,vendor,other}'::text[] LOOP
		PERFORM ctlpr.unbind_role(('kind_' || kind)::regrole, 'K-' || kind);
		EXECUTE format('DROP ROLE %I', 'kind_' || kind);
	END LOOP;
	DELETE FROM ctlpr.agency WHERE agency_id LIKE 'K-%';
END $$;
-- what is forbidden is forbidden to all of them
SET ROLE officer;
SELECT p.purpose, c.sqlstate, c.clause FROM unnest('{protected_class,protected_activity,immigration_enforcement,reproductive_health_care,gender_affirming_care,public_records,sale}'::text[]) p (purpose), LATERAL ctlpr.check_request(p.purpose, '26-1', 'a reason') c;
RESET ROLE;
