-- 13(d)(6)(B) to (D): an instrument opens the specific data that it names, to whom it names, while it is in force
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE FUNCTION pg_temp.refused(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RETURN 'allowed';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT ctlpr.register_agency('TF-NE', 'New England Task Force', 'task_force', 'MA') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'TF-NE');
SELECT ctlpr.register_agency('DEF-1', 'Counsel for the defence', 'other', 'CT') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'DEF-1');
CREATE ROLE deputy;
GRANT SELECT ON plate_reads TO deputy;
SELECT ctlpr.bind_role('deputy', 'TF-NE');

-- what cannot be filed
SELECT n, pg_temp.refused(sql) FROM (VALUES
	(1, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Grand Jury of Travis County')$$),
	(2, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A', document => 'Subpoena 7')$$),
	(3, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A')$$),
	(4, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', issued_by => 'Judge A')$$),
	(5, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', NULL), issued_by => 'Judge A')$$),
	(6, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()))$$),
	(7, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A')$$),
	(8, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{" - "}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A')$$),
	(9, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => 'empty', issued_by => 'Judge A')$$),
	(10, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A', valid_until => now() - interval '1 day')$$),
	(11, $$SELECT ctlpr.authorize('probable_cause_warrant', 'NOBODY', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A')$$),
	(12, $$SELECT ctlpr.authorize('letter', 'TX-HPD', plates => '{AB12345}')$$),
	(13, $$SELECT ctlpr.authorize('task_force', 'TX-HPD', plates => '{AB12345}', approved_by => 'Head', participating_agency => 'CT-HPD', case_number => '1')$$),
	(14, $$SELECT ctlpr.authorize('task_force', 'TF-NE', plates => '{AB12345}', participating_agency => 'CT-HPD', case_number => '1')$$),
	(15, $$SELECT ctlpr.authorize('task_force', 'TF-NE', approved_by => 'Head', participating_agency => 'CT-HPD', case_number => '1')$$),
	(16, $$SELECT ctlpr.authorize('task_force', 'TF-NE', plates => '{AB12345}', approved_by => 'Head', participating_agency => 'MA-BPD', case_number => '1')$$),
	(17, $$SELECT ctlpr.authorize('registrant', 'CT-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), registrants => '{A,B}', consenting => '{A}')$$),
	(18, $$SELECT ctlpr.authorize('registrant', 'CT-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '20 days', now()), registrants => '{A}', consenting => '{A}', natural_persons => false)$$),
	(19, $$SELECT ctlpr.authorize('registrant', 'CT-HPD', plates => '{AB12345,HA1}', captured => tstzrange(now() - interval '20 days', now()), registrants => '{A}', consenting => '{A}')$$),
	(20, $$SELECT ctlpr.authorize('court_order', 'DEF-1', issued_by => 'Judge A')$$),
	(21, $$SELECT ctlpr.authorize('court_order', 'DEF-1', issued_by => 'Judge A', hold_id => 0)$$),
	(22, $$SELECT ctlpr.authorize('task_force', 'TF-NE', captured => '[-infinity,infinity]', approved_by => 'Head', participating_agency => 'CT-HPD', case_number => '1')$$),
	(23, $$SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => '[-infinity,infinity]', issued_by => 'Judge A')$$)) v (n, sql) ORDER BY n;

-- a warrant: Texas sees the plate and the time that it names, of every owner, and nothing else
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{ab-12345}', captured => tstzrange(now() - interval '200 hours', now()), issued_by => 'Judge A', case_number => 'TX-1') AS warrant \gset
SELECT ctlpr.authorize('probable_cause_warrant', 'US-ICE', plates => '{AB12345}', captured => tstzrange(now() - interval '200 hours', now()), issued_by => 'Judge B') AS other_warrant \gset
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{AB12345}', captured => tstzrange(now() - interval '200 hours', now()), issued_by => 'Judge A', valid_from => now() + interval '1 day') AS later \gset
SET ROLE texan;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', reason => 'homicide', authorization_id => :warrant) > 0 AS begun;
SELECT plate, agency_id, count(*) FROM plate_reads GROUP BY 1, 2 ORDER BY 2;
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide', authorization_id => :other_warrant);
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide', authorization_id => :later);
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide', authorization_id => 999999);
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('immigration_enforcement', reason => 'x', authorization_id => :warrant);
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', authorization_id => :warrant);
-- revoked while a cursor is open
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', reason => 'homicide', authorization_id => :warrant) > 0 AS begun;
DECLARE c CURSOR FOR SELECT plate FROM plate_reads;
FETCH c;
RESET ROLE;
SELECT ctlpr.revoke_authorization(:warrant, 'quashed');
SET ROLE texan;
FETCH c;
ROLLBACK;
RESET ROLE;
SELECT ctlpr.revoke_authorization(:warrant, 'quashed');
SELECT ctlpr.revoke_authorization(:warrant, 'quashed');
SET ROLE texan;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide', authorization_id => :warrant);
RESET ROLE;

-- an officer who searches for another agency is that agency
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'homicide', on_behalf_of => 'US-ICE');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'homicide', on_behalf_of => 'US-ICE', authorization_id => :other_warrant);
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', '26-1', 'homicide', on_behalf_of => 'US-ICE', authorization_id => :other_warrant) > 0 AS begun;
SELECT plate, agency_id, count(*) FROM plate_reads GROUP BY 1, 2 ORDER BY 2;
COMMIT;
RESET ROLE;

-- a task force: declaration, approval and a participant of this state
SELECT ctlpr.authorize('task_force', 'TF-NE', plates => '{HA1,NH1}', cameras => '{1,2}', approved_by => 'Head', participating_agency => 'CT-HPD', case_number => 'TF-7') AS approval \gset
SET ROLE deputy;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', reason => 'homicide', authorization_id => :approval);
RESET ROLE;
SELECT ctlpr.file_declaration('TF-NE', 'Head', current_date - 1) > 0 AS filed;
SET ROLE deputy;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', reason => 'homicide', authorization_id => :approval) > 0 AS begun;
SELECT plate, agency_id FROM plate_reads ORDER BY 1;
COMMIT;
RESET ROLE;

-- a registrant's request, for one plate
SELECT ctlpr.authorize('registrant', 'CT-HPD', plates => '{NH1}', captured => tstzrange(now() - interval '20 days', now()), registrants => '{A,B}', consenting => '{B,A}') AS registrant \gset
SET ROLE officer_hpd;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', '26-1', authorization_id => :registrant);
BEGIN;
SELECT ctlpr.begin_request('registrant_request', '26-1', 'by the owner', authorization_id => :registrant) > 0 AS begun;
SELECT plate, agency_id FROM plate_reads;
COMMIT;
RESET ROLE;

-- an auditor of one agency sees that agency's instruments
GRANT ctlpr_auditor TO stranger;
SELECT ctlpr.bind_auditor('stranger', 'TX-HPD');
SET ROLE stranger;
SELECT DISTINCT agency_id FROM ctlpr.legal_authorization;
RESET ROLE;
SELECT ctlpr.unbind_auditor('stranger', 'TX-HPD');
SELECT ctlpr.bind_auditor('stranger');
SET ROLE stranger;
SELECT count(DISTINCT agency_id) > 1 AS all_agencies FROM ctlpr.legal_authorization;
RESET ROLE;
SELECT ctlpr.unbind_auditor('stranger');

-- the basis stands on every entry
SELECT role, action, purpose, basis, authorization_id IS NOT NULL AS by_instrument, declaration_id IS NOT NULL AS by_declaration, allowed, sqlstate
FROM ctlpr.audit_entry WHERE seq > :start_seq AND entry = 'verdict' AND action IN ('request', 'select') AND relation IS DISTINCT FROM 'ctlpr.audit_entry' ORDER BY seq;
SELECT detail ->> 'function' AS function, sqlstate, clause, count(*) FROM ctlpr.audit_entry WHERE seq > :start_seq AND action = 'configuration' AND detail ->> 'function' LIKE '%authoriz%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(ctlpr.withdraw_declaration(declaration_id, 'the test is over')) FROM ctlpr.declaration WHERE withdrawn_at IS NULL;
SELECT ctlpr.unbind_role('deputy', 'TF-NE');
DROP OWNED BY deputy;
DROP ROLE deputy;
