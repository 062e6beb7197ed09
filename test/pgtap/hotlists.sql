-- 13(b)(1)(B)(i), 13(d)(3), 14(a)(1): hotlists have a source that the law names, a supervisor's approval and a time limit; immigration files do not come in. Matching is tested in test/sql/hotlists.sql.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(105);

CREATE SCHEMA hotlists;
CREATE ROLE hotlists_registrar IN ROLE ctlpr_registrar;
CREATE ROLE hotlists_admin IN ROLE ctlpr_admin;
CREATE ROLE hotlists_auditor;
CREATE ROLE hotlists_other_auditor;
CREATE ROLE hotlists_stranger;
CREATE ROLE hotlists_matcher IN ROLE ctlpr_matcher;

-- The log outlives this transaction, so only what is newer counts.
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- A refusal has its SQLSTATE, a hint that leads on, and nothing of an entry in any part.
CREATE FUNCTION hotlists.refused(statement text, state text, hint_pattern text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state text;
	got_hint  text;
	got_text  text;
	got_more  text;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT, got_more = PG_EXCEPTION_DETAIL;
	END;
	RETURN ok(coalesce(got_state = state AND got_hint ~ hint_pattern AND concat(got_text, got_more, got_hint) !~ 'HL[0-9]|Rivera', false), description)
		|| CASE WHEN got_state = state AND got_hint ~ hint_pattern THEN ''
				ELSE E'\n' || diag(format('got %s: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_hint)) END;
END
$$;
-- load_hotlist() with what is not of interest filled in
CREATE FUNCTION hotlists.load(entries jsonb, source text DEFAULT 'ncic', approver text DEFAULT 'Lt. Rivera', name text DEFAULT 'daily', expiry timestamptz DEFAULT now() + interval '10 days') RETURNS bigint
	LANGUAGE sql AS $$ SELECT ctlpr.load_hotlist(source, approver, expiry, 'T-CT-HAMDEN', name, entries) $$;
CREATE FUNCTION hotlists.recorded(function_name text, state text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'configuration'
		AND e.detail ->> 'function' = function_name AND e.sqlstate IS NOT DISTINCT FROM state
$$;
CREATE FUNCTION hotlists.detail(key text) RETURNS text LANGUAGE sql AS $$
	SELECT e.detail ->> key FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.detail ->> 'function' IN ('load_hotlist', 'withdraw_hotlist') ORDER BY e.seq DESC LIMIT 1
$$;

-- The sources
SELECT is((SELECT string_agg(format('%s %s %s', substr(clause, 15), source, approval), '; ' ORDER BY clause, source) FROM ctlpr.statute_hotlist_source WHERE statute = 'us-ct-2026'),
	'(I) addendum entry; (I) local entry; (II) collect list; (III) fbi_kidnapping list; (IV) cjis list; (V) terrorist_screening list; (VI) ncic list; (VII) ncmec list',
	'the list of sources is closed, each with its clause and how it is approved: 13(b)(1)(B)(i)(I)-(VII)');
SELECT is((SELECT array_agg(DISTINCT clause !~ '^13\(b\)\(1\)\(B\)\(i\)\(' OR refused_clause <> '13(d)(3)' OR valid_from <> '2026-10-01 04:00:00+00') FROM ctlpr.statute_hotlist_source WHERE statute = 'us-ct-2026'), '{false}'::boolean[],
	'no source takes immigration files, from midnight in Connecticut: 13(d)(3)');
SELECT is(ctlpr.hotlist_file(' Immigration-Violator  File'), 'immigration_violator_file', 'names of files are compared in one spelling');
SELECT is(ctlpr.hotlist_file(' -- '), NULL, 'and a name without a letter is none');
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest('{ice detainers,removal orders,immigrationviolators,i_v_f,I.V.F.,alien_absconders,civil ICE hold,deportee,immi gration,immigrant_visa_overstay,immigration,Immigration Violator File,IMMIGRATION_VIOLATOR,IVF,Deported Felon,deported-felon,NSEERS,ICE detainer,ICE Administrative Warrant,NCIC/Immigration Violator/absconder}'::text[]) f
		   WHERE ctlpr.hotlist_refuses((SELECT refused_files FROM ctlpr.statute_hotlist_source WHERE statute = 'us-ct-2026' AND source = 'ncic'), ctlpr.hotlist_words(f, NULL)) IS NULL), NULL, 'each way to name an immigration file is one that is refused');
SELECT is((SELECT array_agg(f ORDER BY f) FROM unnest('{police hold,police detainer,in vitro,stolen vehicle,wanted person,foreign fugitive,missing person,police officer,probation absconder,license plate,justice department,violent person}'::text[]) f
		   WHERE ctlpr.hotlist_refuses((SELECT refused_files FROM ctlpr.statute_hotlist_source WHERE statute = 'us-ct-2026' AND source = 'ncic'), ctlpr.hotlist_words(f, NULL)) IS NOT NULL), NULL, 'and no other file is');
SELECT is(ctlpr.hotlist_refuses('{immigration}', ctlpr.hotlist_words('wanted person', 'Immigration')), 'immigration', 'a code can tell as well');
SELECT is(ctlpr.hotlist_refuses('{immigration*}', ctlpr.hotlist_words(E'\uff29\uff4d\uff4d\uff49\uff47\uff52\uff41\uff54\uff49\uff4f\uff4e')), 'immigration*', 'full width letters are letters');
SELECT is(ctlpr.hotlist_refuses('{immigration*}', ctlpr.hotlist_words('wanted person', NULL, 'immigration detainer 5', 'daily')), 'immigration*', 'a case number can tell as well');
SELECT is(ctlpr.hotlist_refuses('{immigration*}', ctlpr.hotlist_words('wanted person', NULL, NULL, 'ICE administrative warrants / immigration')), 'immigration*', 'and the name of the list');
SELECT is(ctlpr.hotlist_refuses('{ice_hold}', ctlpr.hotlist_words('police hold', NULL)), NULL, 'a word is a word of its own');
SELECT is(ctlpr.hotlist_refuses('{ice_warrant}', ctlpr.hotlist_words('theft of ice', 'warrant')), NULL, 'but file and code are not read in one');

-- Before a statute is adopted there is no source.
SELECT hotlists.refused($$SELECT ctlpr.load_hotlist('ncic', 'x', now() + interval '1 day', 'T-CT-HAMDEN', 'daily', '[]')$$, '55000', 'adopt_statute', 'without a statute nothing is loaded');
DO $$ BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.register_agency('T-CT-HAMDEN', 'Hamden Police Department', 'police', 'CT');
	PERFORM ctlpr.register_agency('T-CT-MILFORD', 'Milford Police Department', 'police', 'CT');
	PERFORM ctlpr.register_agency('T-CT-FERRY', 'Ferry District', 'public_agency', 'CT');
	PERFORM ctlpr.bind_auditor('hotlists_auditor', 'T-CT-HAMDEN');
	PERFORM ctlpr.bind_auditor('hotlists_other_auditor', 'T-CT-MILFORD');
END $$;

-- Arguments
SELECT hotlists.refused($$SELECT hotlists.load('[]', source => NULL)$$, '22004', 'source', 'a NULL source is refused');
SELECT hotlists.refused($$SELECT hotlists.load('[]', name => NULL)$$, '22004', 'name', 'a NULL name is refused');
SELECT hotlists.refused($$SELECT hotlists.load('[]', name => ' ')$$, '22023', 'name', 'a blank name is refused');
SELECT hotlists.refused($$SELECT hotlists.load('[]', name => repeat('x', 4097))$$, '22001', 'Shorten', 'a name has at most 4096 bytes');
SELECT hotlists.refused($$SELECT hotlists.load('[]', approver => repeat('x', 4097))$$, '22001', 'Shorten', 'an approver too');
SELECT hotlists.refused($$SELECT hotlists.load(NULL)$$, '22004', 'withdraw_hotlist', 'NULL entries are refused');
SELECT hotlists.refused($$SELECT hotlists.load('{"plate": "HL1"}')$$, '22023', 'array', 'entries are an array');
SELECT hotlists.refused($$SELECT hotlists.load('[]', expiry => NULL)$$, '22004', 'instant', 'a list without an expiry is refused');
SELECT hotlists.refused($$SELECT hotlists.load('[]', expiry => now() - interval '1 second')$$, '22023', 'load the list again', 'a list that has expired is refused');
SELECT hotlists.refused($$SELECT hotlists.load('[]', expiry => 'infinity')$$, '22023', 'load the list again', 'and one that never would');
SELECT hotlists.refused($$SELECT ctlpr.load_hotlist('ncic', 'x', now() + interval '1 day', 'T-NOWHERE', 'daily', '[]')$$, '42704', 'register_agency', 'an unknown agency is refused');
SELECT hotlists.refused($$SELECT ctlpr.load_hotlist('ncic', 'x', now() + interval '1 day', NULL, 'daily', '[]')$$, '22004', 'agency', 'a NULL agency is refused');
SELECT is(hotlists.recorded('load_hotlist') + (SELECT count(*) FROM ctlpr.hotlist), 0::bigint, 'bad arguments left nothing');

-- Who compares with what
SELECT hotlists.refused($$SELECT hotlists.load('[]', source => 'facebook')$$, 'LP003', 'collect.*ncic', 'a source that the law does not name is refused and the sources are listed');
SELECT hotlists.refused($$SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'T-CT-FERRY', 'daily', '[]')$$, 'LP003', 'law enforcement', 'a civil agency compares with none');
SELECT is(hotlists.recorded('load_hotlist', 'LP003'), 2::bigint, 'both are on record');

-- Approval
SELECT hotlists.refused($$SELECT hotlists.load('[]', approver => NULL)$$, 'LP005', 'approver', 'NCIC is approved as a whole: 14(a)(1)');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "category": "Wanted person", "approved_by": "Lt. Rivera"}]', source => 'collect', approver => ' ')$$, 'LP005', 'approver', 'so is COLLECT, whatever its entries say');
SELECT hotlists.refused($$SELECT hotlists.load('[]', approver => session_user)$$, 'LP005', 'approver', 'nobody approves what he loads');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "approved_by": "Lt. Rivera"}, {"plate": "HL2"}]', source => 'local')$$, 'LP005', 'approved_by', 'each entry of a local list is approved, whoever approved the list');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "approved_by": " "}]', source => 'addendum')$$, 'LP005', 'approved_by', 'also of an addendum');
SELECT hotlists.refused(format('SELECT hotlists.load(%L, source => %L)', jsonb_build_array(jsonb_build_object('plate', 'HL1', 'approved_by', session_user)), 'local'), 'LP005', 'other than', 'and not by whoever loads it');
SELECT is(hotlists.recorded('load_hotlist', 'LP005'), 6::bigint, 'each is on record');
SELECT is(hotlists.detail('entry'), '1', 'with the place of the entry');
SELECT is((SELECT count(*) FROM ctlpr.hotlist), 0::bigint, 'and nothing is half loaded');

-- Entries
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "category": "x"}, "HL2"]')$$, '22023', 'object', 'an entry is an object');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "category": "x", "expiry": "2026-12-01"}]')$$, '22023', 'expires_at', 'an unknown key is refused: it could have been a limit');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": 123, "category": "x"}]')$$, '22023', 'texts', 'values are texts');
SELECT hotlists.refused($$SELECT hotlists.load('[{"category": "x"}]')$$, '22023', 'plate', 'an entry has a plate');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": " ", "category": "x"}]')$$, '22023', 'plate', 'and it is not blank');
SELECT hotlists.refused(format('SELECT hotlists.load(%L)', jsonb_build_array(jsonb_build_object('plate', repeat('H', 64), 'category', 'x'))), '22001', 'plate characters only', 'nor longer than 63 bytes');
SELECT hotlists.refused(format('SELECT hotlists.load(%L)', jsonb_build_array(jsonb_build_object('plate', 'HL1', 'category', 'x', 'case_number', repeat('H', 4097)))), '22001', 'Shorten', 'no value is longer than 4096 bytes');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1"}]')$$, '22023', 'file of source ncic', 'an entry of NCIC says which file it is from: it could be the immigration file');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "category": "x", "expires_at": "soon HL1"}]')$$, '22023', '2026-10-01', 'an expiry is an instant');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL1", "category": "x", "expires_at": "2026-13-45"}]')$$, '22023', '2026-10-01', 'that there is');
SELECT is(hotlists.recorded('load_hotlist') + (SELECT count(*) FROM ctlpr.hotlist) + (SELECT count(*) FROM ctlpr.hotlist_entry), 0::bigint, 'bad entries left nothing');

-- A load: immigration files are dropped and counted, the rest goes on
CREATE TEMP TABLE loaded AS SELECT hotlists.load(jsonb_build_array(
	'{"plate": " HL1 ", "state": "CT", "category": "Stolen Vehicle", "reason_code": "SV", "case_number": " "}'::jsonb,
	'{"plate": "HL2", "category": "Immigration Violator File"}'::jsonb,
	'{"plate": "HL3", "category": "Wanted Person", "case_number": "26-1", "approved_by": "Lt. Rivera"}'::jsonb,
	'{"plate": "HL4", "category": "deported felon", "expires_at": "no instant at all"}'::jsonb,
	'{"plate": "HL5", "category": "Wanted Person", "reason_code": "immigration"}'::jsonb,
	jsonb_build_object('plate', 'HL6', 'category', 'Wanted Person', 'expires_at', now() + interval '1 day'),
	jsonb_build_object('plate', 'HL7', 'category', 'Wanted Person', 'expires_at', now() + interval '11 days'),
	jsonb_build_object('plate', 'HL8', 'category', 'Wanted Person', 'expires_at', now() - interval '1 day'))) AS id;
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_entry), '{HL1,HL3,HL6,HL7}'::text[], 'immigration entries and expired ones stay out, the rest comes in');
SELECT is((SELECT ARRAY[entries_loaded, entries_dropped, entries_expired] FROM ctlpr.hotlist), '{4,3,1}'::bigint[], 'and all are counted');
SELECT is((SELECT ARRAY[agency_id, source, name, approved_by, loaded_by]::text[] FROM ctlpr.hotlist), ARRAY['T-CT-HAMDEN', 'ncic', 'daily', 'Lt. Rivera', session_user]::text[], 'the list has its source and its approver');
SELECT is((SELECT approved_at = now() AND expires_at = now() + interval '10 days' FROM ctlpr.hotlist), true, 'and its time limit: 14(a)(1)');
SELECT is((SELECT ARRAY[plate_state, category, reason_code, case_number, approved_by] FROM ctlpr.hotlist_entry WHERE plate = 'HL1'), ARRAY['CT', 'stolen_vehicle', 'SV', NULL, NULL], 'an entry is as it was stated, a blank case is none');
SELECT is((SELECT ARRAY[category, case_number, approved_by] FROM ctlpr.hotlist_entry WHERE plate = 'HL3'), ARRAY['wanted_person', '26-1', 'Lt. Rivera'], 'so is another');
SELECT is((SELECT array_agg(plate || ' ' || (expires_at - now()) ORDER BY plate) FROM ctlpr.hotlist_entry), '{"HL1 10 days","HL3 10 days","HL6 1 day","HL7 10 days"}'::text[], 'no entry outlives its list');
SELECT is(hotlists.recorded('load_hotlist'), 1::bigint, 'the load is on record');
SELECT is(ARRAY[hotlists.detail('hotlist_id'), hotlists.detail('source'), hotlists.detail('approver'), hotlists.detail('entries'), hotlists.detail('entries_loaded'), hotlists.detail('entries_dropped'), hotlists.detail('entries_expired')],
	ARRAY[(SELECT id::text FROM loaded), 'ncic', 'Lt. Rivera', '8', '4', '3', '1'], 'with its source, its approver and the numbers');
SELECT is(hotlists.detail('dropped_files')::jsonb, '{"immigration*": 2, "deport*": 1}', 'with what was dropped, by the word that told');
SELECT is(hotlists.detail('dropped_clause'), '13(d)(3)', 'and why');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM beginning b) AND e.detail::text ~ 'HL[0-9]'), 0::bigint, 'no plate of a list is in the log');
SELECT is((SELECT array_agg(DISTINCT clause) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM beginning b) AND e.detail ->> 'function' = 'load_hotlist' AND e.sqlstate IS NULL AND e.entry = 'verdict'), '{13(b)(1)(B)(i)(VI)}'::text[], 'the entry names the clause of the source');

-- The same list again, another beside it
SELECT is(hotlists.load('[{"plate": "HL9", "category": "Wanted Person"}]'), (SELECT id FROM loaded), 'a list loaded again keeps its number');
SELECT is((SELECT array_agg(plate) FROM ctlpr.hotlist_entry), '{HL9}'::text[], 'and is what was loaded last');
SELECT is((SELECT ARRAY[entries_loaded, entries_dropped, entries_expired] FROM ctlpr.hotlist), '{1,0,0}'::bigint[], 'numbers and all');
SELECT hotlists.refused($$SELECT hotlists.load('[{"plate": "HL8", "category": "Wanted Person"}, {}]')$$, '22023', 'plate', 'a load that fails');
SELECT is((SELECT array_agg(plate) FROM ctlpr.hotlist_entry), '{HL9}'::text[], 'leaves the list as it was');
SELECT isnt(hotlists.load('[{"plate": "HL10", "category": "Wanted Person"}]', source => 'collect'), (SELECT id FROM loaded), 'another source is another list');
SELECT isnt(hotlists.load('[{"plate": "HL11", "category": "Wanted Person"}]', name => 'weekly'), (SELECT id FROM loaded), 'so is another name');
SELECT isnt((SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'T-CT-MILFORD', 'daily', '[{"plate": "HL12", "category": "Wanted Person"}]')), (SELECT id FROM loaded), 'and another agency');
SELECT lives_ok($$SELECT hotlists.load('[{"plate": "HL13", "approved_by": "Lt. Rivera"}, {"plate": "HL14", "category": "immigration"}]', source => 'local', approver => NULL, name => 'local')$$, 'a local list needs no approval as a whole, and what is dropped none at all');
SELECT is((SELECT ARRAY[h.entries_loaded::text, h.entries_dropped::text, h.approved_by, e.category, e.approved_by] FROM ctlpr.hotlist h JOIN ctlpr.hotlist_entry e USING (hotlist_id) WHERE h.source = 'local'), ARRAY['1', '1', NULL, 'local', 'Lt. Rivera'], 'its entries have theirs');
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_in_force), '{HL10,HL11,HL12,HL13,HL9}'::text[], 'all of them match');

-- What matches
UPDATE ctlpr.hotlist_entry SET expires_at = now() WHERE plate = 'HL10';
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_in_force), '{HL11,HL12,HL13,HL9}'::text[], 'an expired entry does not');
UPDATE ctlpr.hotlist SET expires_at = now() WHERE name = 'weekly';
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_in_force), '{HL12,HL13,HL9}'::text[], 'nor anything on an expired list');
UPDATE ctlpr.statute_hotlist_source SET refused_files = refused_files || '{wanted}' WHERE source = 'ncic' AND statute = 'us-ct-2026';
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_in_force), '{HL13}'::text[], 'nor entries of a file that an amendment keeps out');
UPDATE ctlpr.statute_hotlist_source SET valid_until = now() WHERE statute = 'us-ct-2026' AND source = 'local';
SELECT is((SELECT count(*) FROM ctlpr.hotlist_in_force), 0::bigint, 'nor a source that the law names no longer');
SELECT hotlists.refused($$SELECT hotlists.load('[]', source => 'local')$$, 'LP003', 'collect.*ncmec', 'which is not loaded either');

-- Withdrawal
SELECT hotlists.refused($$SELECT ctlpr.withdraw_hotlist(NULL, 'x')$$, '22004', 'load_hotlist', 'a NULL number is refused');
SELECT hotlists.refused($$SELECT ctlpr.withdraw_hotlist(-1, 'x')$$, '42704', 'ctlpr.hotlist', 'an unknown number too');
SELECT hotlists.refused($$SELECT ctlpr.withdraw_hotlist((SELECT id FROM loaded), NULL)$$, '22004', 'reason', 'a withdrawal has a reason');
SELECT lives_ok($$SELECT ctlpr.withdraw_hotlist((SELECT id FROM loaded), 'stale')$$, 'a list is withdrawn');
SELECT is((SELECT ARRAY[withdrawn_by, withdrawn_reason]::text[] FROM ctlpr.hotlist WHERE withdrawn_at = now()), ARRAY[session_user, 'stale']::text[], 'by whom and why is kept');
SELECT is((SELECT count(*) FROM ctlpr.hotlist_entry WHERE hotlist_id = (SELECT id FROM loaded)), 0::bigint, 'what was on it is not');
SELECT is(hotlists.recorded('withdraw_hotlist'), 1::bigint, 'the withdrawal is on record');
SELECT is(ARRAY[hotlists.detail('hotlist_id'), hotlists.detail('entries')], ARRAY[(SELECT id::text FROM loaded), '1'], 'with the list and how much was on it');
SELECT hotlists.refused($$SELECT ctlpr.withdraw_hotlist((SELECT id FROM loaded), 'stale')$$, '55000', 'load_hotlist', 'a list is withdrawn once');
SELECT is(hotlists.load('[{"plate": "HL1", "category": "Stolen Vehicle"}]'), (SELECT id FROM loaded), 'and can be loaded again');
SELECT is((SELECT withdrawn_at IS NULL AND withdrawn_by IS NULL AND withdrawn_reason IS NULL FROM ctlpr.hotlist WHERE hotlist_id = (SELECT id FROM loaded)), true, 'so that it stands');

-- Who sees and does what
SELECT is((SELECT array_agg(r || ' ' || t ORDER BY r, t) FROM unnest('{public,ctlpr_admin,ctlpr_registrar,ctlpr_auditor,ctlpr_matcher,ctlpr_public}'::name[]) r, unnest('{hotlist,hotlist_entry,hotlist_in_force,hotlist_entries}'::text[]) t
		   WHERE has_table_privilege(r, 'ctlpr.' || t, 'SELECT')), '{"ctlpr_admin hotlist","ctlpr_auditor hotlist_entries","ctlpr_registrar hotlist"}'::text[], 'plates on lists are for auditors, through a view');
SELECT is((SELECT array_agg(r || ' ' || p.proname ORDER BY r, p.proname) FROM unnest('{public,ctlpr_admin,ctlpr_registrar,ctlpr_auditor,ctlpr_matcher,ctlpr_public}'::name[]) r, pg_proc p
		   WHERE p.pronamespace = 'ctlpr'::regnamespace AND (p.proname ~ 'hotlist' OR p.proname = 'match_at_ingest') AND has_function_privilege(r, p.oid, 'EXECUTE')),
	'{"ctlpr_admin match_at_ingest","ctlpr_matcher hotlist_matches","ctlpr_matcher hotlist_statement","ctlpr_matcher live_hotlist_entries","ctlpr_matcher match_hotlist","ctlpr_matcher record_hotlist_comparison","ctlpr_registrar load_hotlist","ctlpr_registrar withdraw_hotlist"}'::text[],
	'registrars load, matchers compare');
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		   WHERE c.oid IN ('ctlpr.hotlist'::regclass, 'ctlpr.hotlist_entry'::regclass, 'ctlpr.hotlist_entries'::regclass, 'ctlpr.hotlist_in_force'::regclass, 'ctlpr.statute_hotlist_source'::regclass) AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column is explained');
SELECT is((SELECT array_agg(DISTINCT c.relname ORDER BY c.relname) FROM pg_extension x CROSS JOIN LATERAL unnest(x.extconfig) t (oid) JOIN pg_class c ON c.oid = t.oid WHERE x.extname = 'ctlpr' AND c.relname ~ 'hotlist'),
	'{hotlist,hotlist_entry,hotlist_hotlist_id_seq,statute_hotlist_source}'::name[], 'a dump takes them along');
SELECT hotlists.refused($$SELECT ctlpr.bind_role('ctlpr_matcher', 'T-CT-HAMDEN')$$, '42939', 'act under', 'the group role of matchers acts for nobody');
SET LOCAL ROLE hotlists_registrar;
SELECT lives_ok($$SELECT ctlpr.load_hotlist('ncmec', 'Lt. Rivera', now() + interval '1 day', 'T-CT-HAMDEN', 'alerts', '[{"plate": "HL1", "category": "AMBER alert"}]')$$, 'a registrar loads a list');
SELECT throws_ok('SELECT * FROM ctlpr.hotlist_entry', '42501', NULL, 'and does not see what is on any');
RESET ROLE;
SELECT is((SELECT entries_loaded FROM ctlpr.hotlist WHERE name = 'alerts'), 1::bigint, 'which is loaded');
SET LOCAL ROLE hotlists_stranger;
SELECT throws_ok($$SELECT ctlpr.load_hotlist('ncic', 'x', now() + interval '1 day', 'T-CT-HAMDEN', 'daily', '[]')$$, '42501', NULL, 'a stranger loads nothing');
SELECT throws_ok($$SELECT ctlpr.withdraw_hotlist(1, 'x')$$, '42501', NULL, 'withdraws nothing');
SELECT throws_ok($$SELECT ctlpr.match_hotlist('pg_class', 'pg_class')$$, '42501', NULL, 'and compares nothing');
SET LOCAL ROLE hotlists_admin;
SELECT throws_ok($$SELECT ctlpr.load_hotlist('ncic', 'x', now() + interval '1 day', 'T-CT-HAMDEN', 'daily', '[]')$$, '42501', NULL, 'nor does an administrator load');
SET LOCAL ROLE hotlists_matcher;
SELECT throws_ok($$SELECT * FROM ctlpr.live_hotlist_entries()$$, 'LP001', NULL, 'a matcher without a request sees no list');
SET LOCAL ROLE hotlists_auditor;
SELECT is((SELECT array_agg(DISTINCT agency_id) FROM ctlpr.hotlist_entries), '{T-CT-HAMDEN}'::text[], 'an auditor sees the lists of the agency');
SELECT is((SELECT array_agg(plate ORDER BY plate) FROM ctlpr.hotlist_entries WHERE source = 'ncmec'), '{HL1}'::text[], 'with what is on them');
SET LOCAL ROLE hotlists_other_auditor;
SELECT is((SELECT array_agg(plate) FROM ctlpr.hotlist_entries), '{HL12}'::text[], 'and those of no other');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
