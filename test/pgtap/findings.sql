-- 14(a)(6), 13(k): auditors are told of what lapses and lags, and settle what they have looked into; a state does not vanish by a signature
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(102);

CREATE SCHEMA findings;
GRANT USAGE ON SCHEMA findings TO PUBLIC;
CREATE ROLE find_all;
CREATE ROLE find_one;
CREATE ROLE find_other;
CREATE ROLE find_nobody;
DO $$
BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.register_agency('T-FIND-PD', 'First', 'police', 'CT'), ctlpr.register_agency('T-FIND-HPD', 'Second', 'police', 'CT'), ctlpr.register_agency('T-FIND-MA', 'Boston', 'police', 'MA'),
		ctlpr.register_agency('T-FIND-VENDOR', 'Readers Inc.', 'vendor', 'CT');
	PERFORM ctlpr.bind_auditor('find_all'), ctlpr.bind_auditor('find_one', 'T-FIND-PD'), ctlpr.bind_auditor('find_other', 'T-FIND-HPD');
END
$$;
GRANT ctlpr_auditor TO find_nobody;

-- told(role, statement) - what a role is told; value() - what it reads
CREATE FUNCTION findings.told(who name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', who, true);
	EXECUTE statement;
	PERFORM set_config('role', 'none', true);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	PERFORM set_config('role', 'none', true);
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION findings.value(who name, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', who, true);
	EXECUTE statement INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;
CREATE FUNCTION findings.forbidden(who name DEFAULT 'find_all') RETURNS text LANGUAGE sql AS $$
	SELECT findings.value(who, 'SELECT string_agg(f.agency_id || '' '' || cardinality(f.evidence), '', '' ORDER BY f.agency_id) FROM ctlpr.findings f WHERE f.kind = ''forbidden_purpose'' AND f.agency_id LIKE ''T-FIND-%''')
$$;
CREATE FUNCTION findings.refused(agency text) RETURNS bigint LANGUAGE sql AS $$
	SELECT ctlpr.record_event('request', agency_id => agency, purpose => 'immigration_enforcement', clause => '13(d)(3)', sqlstate => 'LP004')
$$;

-- closing
SELECT findings.refused('T-FIND-PD') AS first, findings.refused('T-FIND-HPD') AS others \gset
SELECT ctlpr.finding_id('forbidden_purpose', 'T-FIND-PD', NULL, '13(d)(3)') AS found \gset
SELECT is(findings.forbidden(), 'T-FIND-HPD 1, T-FIND-PD 1', 'refused purposes are findings');
SELECT is(findings.forbidden('find_one'), 'T-FIND-PD 1', 'an auditor of one agency sees its own');
SELECT is(findings.told('find_other', format('SELECT ctlpr.close_finding(%s, ''looked into'')', :found)), format('42704 there is no finding %s', :found), 'what an auditor does not see is not closed');
SELECT is(findings.told('find_one', 'SELECT ctlpr.close_finding(NULL, ''x'')'), '22004 argument "finding_id" must not be null', 'nor nothing');
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, '' '')', :found)), '22023 argument "disposition" must not be blank', 'nor without a disposition');
SELECT is(findings.told('find_one', 'SELECT ctlpr.close_finding(-1, ''x'')'), '42704 there is no finding -1', 'nor what there is not');
SELECT is(findings.told('find_nobody', format('SELECT ctlpr.close_finding(%s, ''x'')', :found)), format('42704 there is no finding %s', :found), 'nor by who audits nobody');
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''x'', through_seq => %s)', :found, :first - 1)), '22023 through_seq lies before all evidence of the finding', 'nor before its evidence');
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''a typing error; officer spoken to'')', :found)), 'done', '14(a)(6): an auditor closes a finding about past entries');
SELECT is(findings.forbidden(), 'T-FIND-HPD 1', '... and it leaves the findings of everybody');
SELECT is(findings.value('find_one', 'SELECT string_agg(concat_ws('' '', c.finding_id, c.kind, c.severity, c.agency_id, c.disposition, c.through_seq, c.evidence, c.closed_by = session_user, c.standing), ''; '') FROM ctlpr.closed_findings c'),
	format('%s forbidden_purpose warning T-FIND-PD a typing error; officer spoken to %s {%s} t t', :found, :first, :first), '... for those that are closed');
SELECT is(findings.value('find_other', 'SELECT count(*) FROM ctlpr.closed_findings'), '0', '... which auditors of others do not see');
SELECT is(findings.value('find_nobody', 'SELECT count(*) FROM ctlpr.closed_findings'), '0', '... nor who audits nobody');
SELECT is((SELECT concat_ws(' ', e.agency_id, e.reason, e.detail ->> 'finding_id', e.detail ->> 'kind', e.detail ->> 'through_seq', e.allowed) FROM ctlpr.audit_entry e WHERE e.seq > :others AND e.detail ->> 'function' = 'close_finding'),
	format('T-FIND-PD a typing error; officer spoken to %s forbidden_purpose %s t', :found, :first), '... and it is on record');
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''again'')', :found)), format('55000 finding %s was closed before', :found), 'it is closed once');

-- what brings it back
SELECT ok(ctlpr.finding_closed(:found, 'forbidden_purpose', 'warning', ARRAY[:first]::bigint[]), 'as it was, it stays closed');
SELECT ok(ctlpr.finding_closed(:found, 'forbidden_purpose', 'info', '{}'), '... and when there is less of it');
SELECT ok(NOT ctlpr.finding_closed(:found, 'forbidden_purpose', 'violation', ARRAY[:first]::bigint[]), 'more severe, it is back');
SELECT ok(NOT ctlpr.finding_closed(:found, 'forbidden_purpose', 'warning', ARRAY[:first, :first - 1]::bigint[]), '... and with an older entry that was not there');
SELECT ok(NOT ctlpr.finding_closed(:found, 'row_security', 'warning', ARRAY[:first]::bigint[]), 'a state is never closed');
SELECT ok(NOT ctlpr.finding_closed(:found, 'no_such_kind', 'warning', ARRAY[:first]::bigint[]), '... nor what has no kind');
SELECT findings.refused('T-FIND-PD') AS second \gset
SELECT is(findings.forbidden(), 'T-FIND-HPD 1, T-FIND-PD 2', 'a new entry brings a closed finding back');
SELECT findings.refused('T-FIND-PD') AS third \gset
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''looked at two'', through_seq => %s)', :found, :second)), 'done', 'it may be closed through an entry');
SELECT is(findings.forbidden(), 'T-FIND-HPD 1, T-FIND-PD 3', '... and is there for the entry after it');
SELECT is(findings.told('find_all', format('SELECT ctlpr.close_finding(%s, ''looked at all'')', :found)), 'done', 'an auditor of all agencies closes it too');
SELECT is(findings.forbidden('find_one'), NULL, '... for the agency''s auditor as well');
SELECT is(findings.value('find_one', 'SELECT string_agg(c.disposition || '' '' || c.standing, ''; '') FROM ctlpr.closed_findings c'), 'looked at all true; looked at two false; a typing error; officer spoken to false', 'earlier closures stay on record');
SELECT is(findings.told('find_other', format('SELECT ctlpr.reopen_finding(%s, ''why'')', :found)), format('42704 there is no closed finding %s', :found), 'auditors of others do not reopen it');
SELECT is(findings.told('find_one', format('SELECT ctlpr.reopen_finding(%s, NULL)', :found)), '22004 argument "reason" must not be null', 'nor anybody without a reason');
SELECT is(findings.told('find_one', format('SELECT ctlpr.reopen_finding(%s, ''the officer was not heard'')', :found)), 'done', 'a closed finding is reopened');
SELECT is(findings.forbidden('find_one'), 'T-FIND-PD 3', '... and is back');
SELECT is(findings.told('find_one', format('SELECT ctlpr.reopen_finding(%s, ''again'')', :found)), format('55000 finding %s was reopened before', :found), '... once');
SELECT is((SELECT concat_ws(' ', e.agency_id, e.reason) FROM ctlpr.audit_entry e WHERE e.seq > :others AND e.detail ->> 'function' = 'reopen_finding'), 'T-FIND-PD the officer was not heard', '... on record');

-- a statement that was at work at the closing and ended without an outcome since
INSERT INTO ctlpr.finding_closure (finding_id, kind, severity, finding, disposition, through_seq, evidence)
	VALUES (-2, 'no_outcome', 'warning', 'x', 'x', 3000, ARRAY(SELECT s FROM generate_series(3000, 2001, -1) s));
SELECT ok(ctlpr.finding_closed(-2, 'no_outcome', 'warning', '{3000,1500}'), 'of evidence that was cut, what is older than its end was known');
INSERT INTO ctlpr.finding_closure (finding_id, kind, severity, finding, disposition, through_seq, evidence) VALUES (-2, 'no_outcome', 'warning', 'x', 'x', 3000, '{3000,2000}');
SELECT ok(NOT ctlpr.finding_closed(-2, 'no_outcome', 'warning', '{3000,1500}'), '... of evidence that was not, it is new');

-- about everybody
SELECT ctlpr.record_event('break_glass') AS glass \gset
SELECT ctlpr.finding_id('break_glass', :'glass') AS broken \gset
SELECT is(findings.value('find_one', format('SELECT count(*) FROM ctlpr.findings WHERE finding_id = %s', :broken)), '1', 'break-glass is told to every auditor');
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''fine by me'')', :broken)), '42501 the finding concerns other agencies too', 'what concerns everybody is not closed by one agency''s auditor');
SELECT is(findings.value('find_one', format('SELECT count(*) FROM ctlpr.findings WHERE finding_id = %s', :broken)), '1', '... it stays');
SELECT is((SELECT e.sqlstate FROM ctlpr.audit_entry e WHERE e.seq > :glass AND e.detail ->> 'function' = 'close_finding' AND NOT e.allowed), '42501', '... and the attempt is on record');
SELECT is(findings.told('find_all', format('SELECT ctlpr.close_finding(%s, ''confirmed in writing'')', :broken)), 'done', '... but by one of all agencies');
SELECT is(findings.value('find_one', format('SELECT count(*) FROM ctlpr.findings WHERE finding_id = %s', :broken)), '0', '... for everybody');
SELECT is(findings.told('find_one', format('SELECT ctlpr.reopen_finding(%s, ''not confirmed to me'')', :broken)), '42501 the finding concerns other agencies too', '... who reopens it, too');

-- states
SELECT set_config('ctlpr.audit_durability', 'async', true);
SELECT is(findings.told('find_all', format('SELECT ctlpr.close_finding(%s, ''known'')', ctlpr.finding_id('async_durability', 'ctlpr.audit_durability'))),
	format('55000 finding %s is about a state, which no signature mends', ctlpr.finding_id('async_durability', 'ctlpr.audit_durability')), 'a state is not closed');
SELECT is((SELECT count(*) FROM ctlpr.findings WHERE kind = 'async_durability'), 1::bigint, '... it stays');
SELECT set_config('ctlpr.audit_durability', 'sync', true);

-- shifts: days are those of a clock on the wall; 2026-10-05 is a Monday
SELECT is((SELECT string_agg(at, ' ' ORDER BY at) FROM unnest('{2026-10-04 22:30,2026-10-05 05:59,2026-10-05 06:00,2026-10-05 13:59,2026-10-05 14:00,2026-10-06 06:00}'::text[]) at WHERE ctlpr.in_shift('{1}', '06:00', '14:00', at::timestamp)),
	'2026-10-05 06:00 2026-10-05 13:59', 'a shift is from its first minute until before its end, on its days');
SELECT is((SELECT string_agg(at, ' ' ORDER BY at) FROM unnest('{2026-10-05 05:00,2026-10-05 21:59,2026-10-05 22:00,2026-10-05 23:59,2026-10-06 00:00,2026-10-06 05:59,2026-10-06 06:00,2026-10-06 22:00}'::text[]) at WHERE ctlpr.in_shift('{1}', '22:00', '06:00', at::timestamp)),
	'2026-10-05 22:00 2026-10-05 23:59 2026-10-06 00:00 2026-10-06 05:59', 'one over midnight is of the day on which it begins');
SELECT is((SELECT string_agg(at, ' ' ORDER BY at) FROM unnest('{2026-10-11 23:00,2026-10-12 01:00,2026-10-12 23:00}'::text[]) at WHERE ctlpr.in_shift('{7}', '22:00', '06:00', at::timestamp)), '2026-10-11 23:00 2026-10-12 01:00', 'also from Sunday to Monday');
SELECT is((SELECT string_agg(at, ' ' ORDER BY at) FROM unnest('{2026-10-05 00:00,2026-10-05 23:59:59.999,2026-10-06 00:00}'::text[]) at WHERE ctlpr.in_shift('{1}', '00:00', '24:00', at::timestamp)), '2026-10-05 00:00 2026-10-05 23:59:59.999', 'a whole day is until 24:00');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-NONE', '{1}', '06:00', '14:00')$$, '42704', 'agency "T-FIND-NONE" is not registered', 'a shift is of a registered agency');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', NULL, '06:00', '14:00')$$, '22004', 'arguments "weekdays", "from_time" and "until_time" must not be null', 'it has days');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{}', '06:00', '14:00')$$, '22023', 'argument "weekdays" names no days of a week', '... at least one');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{0,1}', '06:00', '14:00')$$, '22023', 'argument "weekdays" names no days of a week', '... of a week');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{NULL}', '06:00', '14:00')$$, '22023', 'argument "weekdays" names no days of a week', '... that are known');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{1}', '06:00', '06:00')$$, '22023', 'the shift has no beginning or no length', '... and a length');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{1}', '06:00', '14:00', ' ')$$, '22023', 'argument "officer" must not be blank', 'its officer has a name');
SELECT ctlpr.set_shift('T-FIND-PD', '{2,1,2}', '06:00', '14:00', 'Officer One') AS shift \gset
SELECT is((SELECT concat_ws(' ', weekdays, from_time, until_time, valid_from = now()) FROM ctlpr.shift WHERE shift_id = :shift), '{1,2} 06:00:00 14:00:00 t', 'it holds from now on');
SELECT throws_ok($$SELECT ctlpr.set_shift('T-FIND-PD', '{1,2}', '06:00', '14:00', 'officer  ONE')$$, '42710', 'the shift was registered before', '... and is registered once');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > :glass AND e.agency_id = 'T-FIND-PD' AND e.detail ->> 'function' = 'set_shift' AND e.detail ->> 'shift_id' = :'shift' AND e::text NOT LIKE '%Officer One%'), 1::bigint, '... on record, without the name');
SELECT throws_ok(format('SELECT ctlpr.end_shift(%s, NULL)', :shift), '22004', 'argument "reason" must not be null', 'it ends with a reason');
SELECT lives_ok(format('SELECT ctlpr.end_shift(%s, ''reorganized'')', :shift), '... with one it does');
SELECT throws_ok(format('SELECT ctlpr.end_shift(%s, ''reorganized'')', :shift), '55000', format('shift %s was ended before', :shift), '... once');
SELECT throws_ok('SELECT ctlpr.end_shift(-1, ''reorganized'')', '42704', 'there is no such shift', '... one that there is');

-- what lapses: 30 days ahead, and 30 days after
SELECT (now() AT TIME ZONE 'America/New_York')::date AS today \gset
CREATE FUNCTION findings.lapse(what text, who name DEFAULT 'find_all') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(findings.value(who, format('SELECT string_agg(f.severity || '' '' || f.agency_id, '', '' ORDER BY 1) FROM ctlpr.findings f WHERE f.kind = %L AND f.agency_id LIKE ''T-FIND-%%''', what)), 'none')
$$;
CREATE FUNCTION findings.lapses(what text, change text, days int[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(days) LOOP
		EXECUTE format(change, (now() AT TIME ZONE 'America/New_York')::date + days[i]);
		result := result || (days[i] || ': ' || findings.lapse(what));
	END LOOP;
	RETURN array_to_string(result, '; ');
END
$$;
SELECT ctlpr.file_declaration('T-FIND-MA', 'The Commissioner', :'today', valid_until => :'today') AS declaration \gset
SELECT is(findings.lapses('declaration_lapse', 'UPDATE ctlpr.declaration SET valid_until = %L WHERE agency_id = ''T-FIND-MA''', '{31,30,0,-1,-30,-31}'),
	'31: none; 30: info T-FIND-MA; 0: info T-FIND-MA; -1: warning T-FIND-MA; -30: warning T-FIND-MA; -31: none', '13(d)(6)(B): a declaration that is about to lapse is announced, and missed when it has lapsed');
UPDATE ctlpr.declaration SET valid_until = :'today'::date - 1 WHERE agency_id = 'T-FIND-MA';
SELECT is(findings.lapse('declaration_lapse', 'find_one'), 'warning T-FIND-MA', '... to every auditor');
INSERT INTO ctlpr.declaration (agency_id, signed_by, signed_on, affirms_no_care) VALUES ('T-FIND-MA', 'The Commissioner', :'today', false);
SELECT is(findings.lapse('declaration_lapse'), 'warning T-FIND-MA', '... one that leaves out a point is no successor');
SELECT ctlpr.file_declaration('T-FIND-MA', 'The Commissioner', :'today') AS declaration \gset
SELECT is(findings.lapse('declaration_lapse'), 'none', '... one that holds is');
UPDATE ctlpr.declaration SET withdrawn_at = now(), withdrawn_reason = 'x' WHERE declaration_id = :declaration;
SELECT is(findings.lapse('declaration_lapse'), 'warning T-FIND-MA', '... until it is withdrawn');
SELECT ctlpr.register_contract('T-FIND-VENDOR', 'T-FIND-PD', signed_on => :'today', valid_until => :'today') AS contract \gset
SELECT is(findings.lapses('contract_lapse', 'UPDATE ctlpr.contract SET valid_from = ''2020-01-01'', valid_until = (%L::date + 1)::timestamp AT TIME ZONE ''America/New_York'' WHERE agency_id = ''T-FIND-PD''', '{31,29,0,-1,-29,-32}'),
	'31: none; 29: info T-FIND-PD; 0: info T-FIND-PD; -1: warning T-FIND-PD; -29: warning T-FIND-PD; -32: none', '13(g): so is a contract with a vendor');
UPDATE ctlpr.contract SET valid_until = (:'today'::date + 1)::timestamp AT TIME ZONE 'America/New_York' WHERE agency_id = 'T-FIND-PD';
SELECT ok((SELECT f.finding LIKE '%is about to lapse on ' || :'today' FROM ctlpr.findings f WHERE f.kind = 'contract_lapse' AND f.agency_id = 'T-FIND-PD'), '... by its last day');
SELECT is(findings.lapse('contract_lapse', 'find_other'), 'none', '... to auditors of that agency');
DO $$ BEGIN PERFORM ctlpr.end_contract((SELECT c.contract_id FROM ctlpr.contract c WHERE c.agency_id = 'T-FIND-PD'), 'another vendor'); END $$;
SELECT is(findings.lapse('contract_lapse'), 'none', '... and not when it was ended');
DO $$ BEGIN PERFORM ctlpr.register_officer('T-FIND-PD', o, (now() AT TIME ZONE 'America/New_York')::date) FROM unnest('{Officer One,Officer Two}'::text[]) o; END $$;
SELECT is(findings.lapse('training_lapse'), 'none', 'where an agency demands no training, none is missed');
DO $$ BEGIN PERFORM ctlpr.set_agency_option('T-FIND-PD', demands_training => true); END $$;
SELECT is(findings.lapses('training_lapse', 'UPDATE ctlpr.officer SET training_valid_until = %L WHERE agency_id = ''T-FIND-PD''', '{31,30,0,-1,-30,-31}'),
	'31: none; 30: info T-FIND-PD; 0: info T-FIND-PD; -1: warning T-FIND-PD; -30: warning T-FIND-PD; -31: none', '14(a)(5): where it does, it is one finding for all whose training ends on a day');
SELECT is(findings.lapse('training_lapse', 'find_other'), 'none', '... to auditors of that agency');

UPDATE ctlpr.officer SET training_valid_until = :'today' WHERE agency_id = 'T-FIND-PD';
DO $$ BEGIN PERFORM ctlpr.set_agency_option('T-FIND-PD', demands_training => false); END $$;
SELECT is(findings.lapse('training_lapse'), 'none', '... and not when the agency demands none any more');

-- a purge that does not come around, before anything is late
CREATE TABLE findings.reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TABLE findings.late_reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO findings.late_reads VALUES (now() - interval '30 days', 'LATE1');
SELECT ctlpr.govern('findings.reads', 'captured_at', 'plate', owner_agency => 'T-FIND-PD');
CREATE FUNCTION findings.lag() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(f.severity || ' ' || f.kind || ' ' || f.agency_id, ', ' ORDER BY f.kind) FROM ctlpr.findings f WHERE f.kind IN ('purge_lag', 'over_retention') AND f.finding LIKE '%findings.reads%'
$$;
SELECT is(findings.lag(), NULL, 'a purge that was not started does not lag');
DO $$ BEGIN PERFORM ctlpr.start_purge('findings.reads', 'The Chief'); END $$;
SELECT is(findings.lag(), NULL, '... nor one that was just started');
UPDATE ctlpr.governed_relation SET purge_started_at = now() - interval '1 day' WHERE relation = 'findings.reads'::regclass;
SELECT is(findings.lag(), 'warning purge_lag T-FIND-PD', '13(b)(2)(A): one that never came around is a finding');
INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, started_at, progress_at, finished_at, last_sqlstate)
	SELECT 0, g.relation, g.relation_name, now() - interval '504 hours', now(), now(), now(), now(), '55P03' FROM ctlpr.governed_relation g WHERE g.relation = 'findings.reads'::regclass;
SELECT is(findings.lag(), 'warning purge_lag T-FIND-PD', '... also where it met an error');
UPDATE ctlpr.purge_run SET last_sqlstate = NULL WHERE relation = 'findings.reads'::regclass;
SELECT is(findings.lag(), NULL, '... until it has');

SELECT ctlpr.govern('findings.late_reads', 'captured_at', 'plate', owner_agency => 'T-FIND-PD');
DO $$ BEGIN PERFORM ctlpr.start_purge('findings.late_reads', 'The Chief'); END $$;
UPDATE ctlpr.governed_relation SET purge_started_at = now() - interval '1 day' WHERE relation = 'findings.late_reads'::regclass;
SELECT is((SELECT string_agg(f.kind, ', ') FROM ctlpr.findings f WHERE f.kind IN ('purge_lag', 'over_retention') AND f.finding LIKE '%findings.late_reads%'), 'over_retention', '... nor is it one besides the reads that it left behind');

-- the screen: what it catches no more, and what a supervisor let pass
CREATE FUNCTION findings.weakened(who name DEFAULT 'find_one') RETURNS text LANGUAGE sql AS $$
	SELECT findings.value(who, 'SELECT string_agg(f.severity || '' '' || f.clause || '': '' || f.finding || '' '' || cardinality(f.evidence), ''; '' ORDER BY f.finding) FROM ctlpr.findings f WHERE f.kind = ''screen_weakened''')
$$;
SELECT is(findings.weakened(), NULL, 'a screen as it came is no finding');
SELECT ctlpr.set_screen_term('quuxlaw detail', 'immigration', 'refuse', '13(d)(3)');
SELECT is(findings.weakened(), NULL, 'nor is a term that refuses more');
SELECT ctlpr.set_screen_term('quuxlaw detail', 'immigration', 'flag', '13(d)(3)');
SELECT is(findings.weakened(), 'warning 13(d)(3): the screen term "quuxlaw detail" is one to flag; it was to refuse 2', '13(d): a term that refused and flags now is, to every auditor');
SELECT ctlpr.set_screen_term('quuxlaw detail', 'immigration', 'refuse', '13(d)(3)');
SELECT is(findings.weakened(), NULL, '... until it refuses again');
SELECT ctlpr.drop_screen_term('quuxlaw detail');
SELECT is(findings.weakened(), 'warning 13(d)(3): the screen term "quuxlaw detail" is gone; it was to refuse 4', '... or when it is gone');
SELECT ctlpr.finding_id('screen_weakened', 'term', 'us-ct-2026', 'quuxlaw detail') AS weakened \gset
SELECT is(findings.told('find_one', format('SELECT ctlpr.close_finding(%s, ''nobody is called that'')', :weakened)), '42501 the finding concerns other agencies too', '... which an auditor of all agencies settles');
SELECT is(findings.told('find_all', format('SELECT ctlpr.close_finding(%s, ''nobody is called that'')', :weakened)), 'done', '... once');
SELECT is(findings.weakened(), NULL, '... for all');
SELECT t.pattern AS shipped, t.category AS category FROM ctlpr.screen_term t WHERE t.statute = 'us-ct-2026' AND t.shipped AND t.action = 'refuse' ORDER BY t.pattern LIMIT 1 \gset
SELECT ctlpr.set_screen_term(:'shipped', :'category', 'off');
SELECT is(findings.weakened() LIKE format('warning %%: the screen term "%s" is out of force; it was to refuse 1', :'shipped'), true, 'a term that came with the extension and is put out of force is one');
SELECT ctlpr.drop_screen_term(:'shipped');
SELECT is(findings.weakened(), NULL, '... until it is in force again');
SELECT ctlpr.set_screen_term('quuxlaw convention', 'immigration', 'lawful');
SELECT is(findings.weakened(), 'warning 13(d): the screen term "quuxlaw convention" lets reasons pass 1', 'so is an exception');
SELECT ctlpr.drop_screen_term('quuxlaw convention');
SELECT is(findings.weakened(), NULL, '... while it stands');
SELECT l.list AS list, l.words AS words FROM ctlpr.screen_list l WHERE l.shipped AND cardinality(l.words) > 2 ORDER BY l.list LIMIT 1 \gset
SELECT ctlpr.set_screen_list(:'list', :'words'::text[] || '{quuxlaw}'::text[]);
SELECT is(findings.weakened(), NULL, 'a longer list is none');
SELECT ctlpr.set_screen_list(:'list', (:'words'::text[])[2:]);
SELECT is(findings.weakened(), format('warning 13(d): the list "%s" that reasons are screened by lacks words that came with it: %s 2', :'list', (:'words'::text[])[1]), '... a shorter one is');

CREATE ROLE find_officer;
CREATE ROLE find_chief;
DO $$ BEGIN PERFORM ctlpr.bind_role('find_officer', 'T-FIND-PD'), ctlpr.bind_role('find_chief', 'T-FIND-PD', supervisor => true), ctlpr.set_agency_option('T-FIND-PD', demands_training => false); END $$;
CREATE FUNCTION findings.approved() RETURNS text LANGUAGE sql AS $$
	SELECT findings.value('find_one', 'SELECT string_agg(concat_ws('' '', f.severity, f.clause, f.officer, substring(f.finding FROM ''approvals \d+, requests \d+''), cardinality(f.evidence)), ''; '') FROM ctlpr.findings f WHERE f.kind = ''reason_approved'' AND f.agency_id = ''T-FIND-PD''')
$$;
SELECT matches(findings.told('find_officer', $$SELECT ctlpr.begin_request('criminal_investigation', reason => 'immigration', officer => 'Officer Q')$$), '^LP008 ', 'a reason that reveals a forbidden purpose is refused');
SELECT max(e.seq) AS refused FROM ctlpr.audit_entry e WHERE e.sqlstate = 'LP008' AND e.officer = 'Officer Q' \gset
SELECT is(findings.approved(), NULL, '... which is no approval');
SET LOCAL SESSION AUTHORIZATION find_chief;
SELECT ctlpr.approve_reason(:refused, 'smuggling of people, which is a crime') AS approval \gset
RESET SESSION AUTHORIZATION;
SELECT is(findings.approved(), 'warning 13(d)(3) Officer Q approvals 1, requests 0 1', '13(d): that a supervisor approves it is a finding about the officer');
SELECT is(findings.told('find_officer', $$SELECT ctlpr.begin_request('criminal_investigation', reason => 'immigration', officer => 'Officer Q')$$), 'done', 'the officer asks again');
SELECT is(findings.approved(), 'warning 13(d)(3) Officer Q approvals 1, requests 1 2', '... and that is more of it');

-- kinds
SELECT is((SELECT string_agg(DISTINCT f.kind || ' ' || f.severity, ', ') FROM ctlpr.findings f WHERE NOT EXISTS (SELECT FROM ctlpr.finding_kinds k WHERE k.kind = f.kind AND f.severity = ANY (string_to_array(k.severity, ', ')))), NULL, 'every finding is of a kind, and as severe as its kind says');
SELECT is((SELECT string_agg(p.oid::regprocedure || ' ' || r, ', ') FROM pg_proc p, unnest('{find_nobody,ctlpr_admin,ctlpr_registrar,ctlpr_public,ctlpr_auditor}'::name[]) r
		   WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.proname ~ '_findings$|^finding_' AND NOT p.prosecdef AND has_function_privilege(r, p.oid, 'EXECUTE')), NULL, 'what is behind the view is granted to nobody, unless it asks for itself who may know');

SELECT * FROM finish();
ROLLBACK;
