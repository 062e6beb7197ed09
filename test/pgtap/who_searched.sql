-- 13(j): whoever is aggrieved has a claim, so an auditor can tell who sought a plate, or tried to, however it was written; and that an auditor asked is on record
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(58);

CREATE SCHEMA trail;
GRANT USAGE ON SCHEMA trail TO PUBLIC;
CREATE ROLE trail_pd;
CREATE ROLE trail_hpd;
CREATE ROLE trail_all;
CREATE ROLE trail_one;
CREATE ROLE trail_other;
CREATE ROLE trail_third;
CREATE ROLE trail_nobody;
DO $$
BEGIN
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.register_agency('T-TRAIL-PD', 'First', 'police', 'CT'), ctlpr.register_agency('T-TRAIL-HPD', 'Second', 'police', 'CT'), ctlpr.register_agency('T-TRAIL-3', 'Third', 'police', 'CT');
	PERFORM ctlpr.bind_role('trail_pd', 'T-TRAIL-PD'), ctlpr.bind_role('trail_hpd', 'T-TRAIL-HPD');
	PERFORM ctlpr.bind_auditor('trail_all'), ctlpr.bind_auditor('trail_one', 'T-TRAIL-PD'), ctlpr.bind_auditor('trail_other', 'T-TRAIL-HPD'), ctlpr.bind_auditor('trail_third', 'T-TRAIL-3');
END
$$;
GRANT ctlpr_auditor TO trail_nobody;

CREATE TABLE trail.reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency text NOT NULL);
INSERT INTO trail.reads VALUES (now() - interval '1 hour', 'TRL123', 'T-TRAIL-PD'), (now() - interval '2 hours', 'XYZ999', 'T-TRAIL-PD'), (now() - interval '3 hours', 'TRL123', 'T-TRAIL-HPD');
SELECT ctlpr.govern('trail.reads', 'captured_at', 'plate', agency => 'agency');
GRANT SELECT ON trail.reads TO trail_pd, trail_hpd;
SELECT coalesce(max(seq), 0) AS start FROM ctlpr.audit_entry \gset

-- one search after the other, each named by the alias of its count
CREATE FUNCTION trail.search(who name, condition text, label text, purpose text DEFAULT 'stolen_vehicle', case_number text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	request bigint;
BEGIN
	PERFORM set_config('role', who, true);
	request := ctlpr.begin_request(search.purpose, case_number => search.case_number, officer => 'Officer ' || label);
	EXECUTE format('SELECT count(*) AS %I FROM trail.reads r WHERE %s', label, condition);
	PERFORM ctlpr.end_request();
	PERFORM set_config('role', 'none', true);
	RETURN request;
EXCEPTION WHEN OTHERS THEN
	PERFORM set_config('role', 'none', true);
	RETURN NULL;
END
$$;
DO $$
BEGIN
	PERFORM trail.search('trail_pd', 'plate = ''TRL123''', 's01'), trail.search('trail_pd', 'plate = ''trl-123''', 's02'), trail.search('trail_pd', 'plate IN (''AAA111'', ''TRL 123'')', 's03'),
		trail.search('trail_pd', 'upper(plate) = ''TRL123''', 's04'), trail.search('trail_pd', 'plate LIKE ''TRL%''', 's05'), trail.search('trail_pd', 'plate LIKE ''_RL1_3''', 's06'),
		trail.search('trail_pd', 'plate LIKE ''TRL_123''', 's07'), trail.search('trail_pd', 'plate ILIKE ''%l12%''', 's08'), trail.search('trail_pd', 'starts_with(plate, ''TRL1'')', 's09'),
		trail.search('trail_pd', 'plate ~ ''^[S-U]RL[0-9]+$''', 's10'), trail.search('trail_pd', 'plate BETWEEN ''TRL000'' AND ''TRL500''', 's11'),
		trail.search('trail_hpd', 'plate = ''TRL123''', 's12', case_number => '26-1'), trail.search('trail_hpd', 'plate = ''TRL123''', 's13');
	/* and those that it is not among */
	PERFORM trail.search('trail_pd', 'plate = ''TRL1234''', 'n01'), trail.search('trail_pd', 'plate = ''RL123''', 'n02'), trail.search('trail_pd', 'plate LIKE ''XTRL%''', 'n03'),
		trail.search('trail_pd', 'plate LIKE ''%124''', 'n04'), trail.search('trail_pd', 'plate ~ ''^[A-F]''', 'n05'), trail.search('trail_pd', 'plate BETWEEN ''TRL200'' AND ''TRL500''', 'n06'),
		trail.search('trail_pd', 'plate ~ ''^TRX''', 'n07'), trail.search('trail_pd', 'captured_at > now() - interval ''1 day''', 'n08'), trail.search('trail_pd', 'true', 'n09'),
		trail.search('trail_pd', 'plate = ANY (''{}'')', 'n10'), trail.search('trail_pd', 'plate LIKE ''XYZ%'' AND captured_at > now() - interval ''1 day''', 'n11');
END
$$;
-- without a request, which is refused
DO $$
BEGIN
	SET LOCAL ROLE trail_pd;
	BEGIN
		PERFORM count(*) AS s14 FROM trail.reads WHERE plate = 'TRL123';
	EXCEPTION WHEN SQLSTATE 'LP001' THEN
	END;
	RESET ROLE;
END
$$;

-- the outcome of a statement follows it
CREATE FUNCTION trail.await() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	waiting bigint;
BEGIN
	FOR i IN 1 .. 100 LOOP
		SELECT count(*) INTO waiting FROM ctlpr.audit_entry e
			WHERE e.entry = 'verdict' AND e.action = 'select' AND e.allowed AND e.relation = 'trail.reads' AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = e.seq);
		EXIT WHEN waiting = 0;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN waiting;
END
$$;
SELECT is(trail.await(), 0::bigint, 'every search has its outcome');

CREATE FUNCTION trail.who(auditor name, plate text, claim text DEFAULT NULL, what text DEFAULT 'label || '' '' || w.how') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', auditor, true);
	EXECUTE format('SELECT string_agg(%s, '', '' ORDER BY label, w.seq) FROM (SELECT w.*, coalesce(substring(w.officer FROM ''Officer (.*)''), w.action) AS label FROM ctlpr.who_searched(%L, %L) w) w', what, plate, claim) INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;

\set all 's01 exact, s02 exact, s03 exact, s04 pattern, s05 pattern, s06 pattern, s07 pattern, s08 pattern, s09 pattern, s10 pattern, s11 range, s12 exact, s13 exact, select exact'
SELECT is(trail.who('trail_all', 'TRL123'), :'all', '13(j): each search that sought the plate is found, refused ones included, and no other');
SELECT is(trail.who('trail_all', ' trl-1 23'), :'all', '... however it is written');
SELECT is(trail.who('trail_one', 'TRL123'), replace(:'all', ', s13 exact', ''), 'an auditor sees the searches of the agency, and those that touched its reads');
SELECT is(trail.who('trail_other', 'TRL123'), 's12 exact, s13 exact', '... and no others''');
SELECT is(trail.who('trail_third', 'TRL123'), NULL, '... none where neither was its own');
SELECT is(trail.who('trail_nobody', 'TRL123'), NULL, '... nor who audits nobody');
SELECT is(trail.who('trail_all', 'TRL123', NULL, 'CASE WHEN label IN (''s12'', ''select'') THEN concat_ws('' '', label, w.agency_id, w.agency_kind, w.case_number, w.purpose, w.action, w.search_kind, w.allowed, w.sqlstate, w.rows_returned, w.owners, w.relation_name) END'),
	's12 T-TRAIL-HPD police 26-1 stolen_vehicle select plate t 1 {T-TRAIL-HPD,T-TRAIL-PD} trail.reads, select T-TRAIL-PD police select plate f LP001 trail.reads', 'with who, why, what came of it and whose reads they were');
SELECT is(trail.who('trail_all', 'XYZ999'), 'n11 pattern', 'a plate that nobody named is found where a pattern covers it');
SELECT is(trail.who('trail_all', 'QQQ000'), NULL, 'one that nobody sought is not found');

-- what was passed on
SELECT e.seq AS request FROM ctlpr.audit_entry e WHERE e.seq > :start AND e.action = 'request' AND e.officer = 'Officer s12' \gset
SET LOCAL ROLE trail_hpd;
SELECT ctlpr.record_disclosure(:request, 'T-TRAIL-3', 'same case') AS passed \gset
RESET ROLE;
DO $$ BEGIN PERFORM trail.search('trail_hpd', 'plate = ''XYZ999''', 'n12', case_number => '26-2'); END $$;
SELECT e.seq AS request_of_another FROM ctlpr.audit_entry e WHERE e.seq > :start AND e.action = 'request' AND e.officer = 'Officer n12' \gset
SET LOCAL ROLE trail_hpd;
SELECT ctlpr.record_disclosure(:request_of_another, 'T-TRAIL-3', 'another case') AS passed_too \gset
RESET ROLE;
SELECT is(trail.who('trail_all', 'TRL123', NULL, 'CASE WHEN w.how = ''disclosure'' THEN concat_ws('' '', w.seq, w.request_seq, w.agency_id, w.on_behalf_of, w.reason, w.allowed) END'), format('%s %s T-TRAIL-HPD T-TRAIL-3 same case t', :passed, :request), 'what was found and passed on is told, and to whom');
SELECT is(trail.who('trail_all', 'ZZZ', NULL, 'w.how'), NULL, '... for that plate');

-- the lookup
SELECT max(e.seq) AS before FROM ctlpr.audit_entry e \gset
SELECT is(trail.who('trail_one', 'trl 123', 'claim 26-77', 'w.how') IS NOT NULL, true, 'an auditor looks');
SELECT is((SELECT concat_ws(' ', e.role, e.reason, e.clause, e.allowed, e.plates, e.detail ->> 'entries', jsonb_array_length(e.detail -> 'found')) FROM ctlpr.audit_entry e WHERE e.seq > :before AND e.entry = 'verdict' AND e.action = 'who_searched'),
	'trail_one claim 26-77 13(j) t 13 13', 'the lookup is on record, with its reason and what it found');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > :before AND ctlpr.normal_plate(e::text) LIKE '%TRL123%'), 0::bigint, '... and does not name the plate');
SELECT is((SELECT bool_and(ctlpr.sought_plate('TRL123', s.search_kind, s.plates, s.statement) IS NOT NULL) FROM ctlpr.audit_entry e, jsonb_array_elements_text(e.detail -> 'found') f JOIN ctlpr.audit_entry s ON s.seq = f::bigint WHERE e.seq > :before AND e.action = 'who_searched'), true, '... which the entries that it names tell');
SET LOCAL ROLE trail_one;
SELECT count(*) AS seen FROM ctlpr.audit_log l WHERE l.action = 'who_searched' AND l.seq > :before \gset
RESET ROLE;
SELECT is(:seen, 0, '... to auditors of all agencies, not to those of one');
SELECT max(e.seq) AS before FROM ctlpr.audit_entry e \gset
SELECT is(trail.who('trail_third', 'TRL123'), NULL, 'a lookup that finds nothing');
SELECT is((SELECT concat_ws(' ', e.role, e.detail ->> 'entries', e.detail -> 'found') FROM ctlpr.audit_entry e WHERE e.seq > :before AND e.entry = 'verdict' AND e.action = 'who_searched'), 'trail_third 0 []', '... is on record too');

-- bad input
SET LOCAL ROLE trail_all;
SELECT throws_ok('SELECT * FROM ctlpr.who_searched(NULL)', '22004', 'argument "plate" must not be null', 'a plate is stated');
SELECT throws_ok('SELECT * FROM ctlpr.who_searched('' '')', '22023', 'argument "plate" must not be blank', '... and is not blank');
SELECT throws_ok('SELECT * FROM ctlpr.who_searched(''--'')', '22023', 'argument "plate" has no characters of a plate, or too many', '... nor punctuation');
SELECT throws_ok('SELECT * FROM ctlpr.who_searched(repeat(''A'', 64))', '22023', 'argument "plate" has no characters of a plate, or too many', '... nor a book');
SELECT throws_ok('SELECT * FROM ctlpr.who_searched(''TRL123'', '' '')', '22023', 'argument "claim" must not be blank', 'a claim that is stated is not blank');
RESET ROLE;
SET LOCAL ROLE trail_pd;
SELECT throws_ok('SELECT * FROM ctlpr.who_searched(''TRL123'')', '42501', NULL, 'whoever searches does not ask who searched');
RESET ROLE;

-- what constants that the plate column was compared with cover, otherwise than by equality
SELECT is(ctlpr.plate_condition('ABC123', sought, statement), how, format('%s in "%s": %s', sought, statement, coalesce(how, 'not covered')))
FROM (VALUES ('{ABC123}'::text[], '<>', 'pattern'), ('{%}', 'LIKE', 'pattern'), ('{"abc 1%"}', 'ILIKE', 'pattern'), ('{AB\\_123}', 'LIKE', 'pattern'), ('{ABC\\_123}', 'LIKE', 'pattern'), ('{A_C123}', 'LIKE', 'pattern'), ('{ABC_1%}', 'LIKE', 'pattern'), ('{A__C123}', 'LIKE', NULL),
	('{^abc}', '~*', 'pattern'), ('{^B}', '~', NULL), ('{"[0-9]{3}$"}', '~', 'pattern'), ('{"[0-9]{4}$"}', '~', NULL), ('{(}', '~', NULL), ('{"(A)\\\\1"}', '~', NULL), ('{A}', 'starts_with', NULL), ('{AB}', 'starts_with', 'pattern'), ('{BC1}', 'position', 'pattern'),
	('{ABC100,ABC200}', 'BETWEEN', 'range'), ('{ABC200,ABC100}', '> AND <', 'range'), ('{ABC124,ABC200}', 'between', NULL), ('{ABB,ABD}', 'IN', NULL), ('{ABC200}', '<', NULL), ('{NULL}', '=', NULL), ('{}', '=', NULL), ('{""}', '=', NULL),
	('{ABC100%,ABC200%}', 'between', NULL), ('{plate,ABC123}', 'to_jsonb', 'pattern')) v (sought, statement, how);

-- the audits of vendors: tables of external_audit.sql, or what stands for them
DO $$
BEGIN
	IF to_regclass('ctlpr.external_search') IS NULL THEN
		CREATE TABLE ctlpr.external_audit (import_id bigint, source text, agency_id text, sha256 bytea, content_sha256 bytea, bytes bigint, encoding text, delimiter text, form text, columns text[]);
		CREATE TABLE ctlpr.external_search (import_id bigint, line_no bigint, searched_at timestamptz, searching_agency text, agency_id text, officer text, plates text[], reason text, case_number text, offense text,
			screen_action text, screen_category text, screen_clause text);
	END IF;
END
$$;
INSERT INTO ctlpr.external_audit (import_id, source, agency_id, sha256, content_sha256, bytes, encoding, delimiter, form, columns)
	SELECT -i, 'Readers Inc.', a, 'x' || i::text::bytea, 'x' || i::text::bytea, 1, 'UTF8', ',', '13', '{plate}' FROM (VALUES (1, 'T-TRAIL-PD'), (2, 'T-TRAIL-HPD')) v (i, a);
INSERT INTO ctlpr.external_search (import_id, line_no, searched_at, searching_agency, agency_id, officer, plates, reason)
	VALUES (-1, 1, '2026-10-05', 'Second PD CT', 'T-TRAIL-HPD', 'A. Cop', '{trl-123}', 'inv'), (-1, 2, '2026-10-06', 'Somewhere TX', NULL, 'B. Cop', '{AAA111,TRL123}', 'ICE'), (-1, 3, '2026-10-07', 'Somewhere TX', NULL, 'C. Cop', '{TRL1234}', 'inv'),
		(-1, 4, '2026-10-07', 'Somewhere TX', NULL, 'D. Cop', NULL, 'inv'), (-2, 1, '2026-10-08', 'Second PD CT', 'T-TRAIL-HPD', 'E. Cop', '{TRL123}', 'inv'),
		(-2, 2, '2026-10-09', 'Somewhere TX', NULL, 'F. Cop', '{TRL*}', 'inv'), (-2, 3, '2026-10-10', 'Somewhere TX', NULL, 'G. Cop', '{T-?L123,TRX*}', 'inv'), (-2, 4, '2026-10-11', 'Somewhere TX', NULL, 'H. Cop', '{TRL?123,*,*RL12}', 'inv');
CREATE FUNCTION trail.outside(auditor name, plate text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', auditor, true);
	EXECUTE format('SELECT string_agg(concat_ws('' '', w.officer, w.searching_agency, w.reason, w.how), '', '') FROM ctlpr.who_searched_outside(%L, ''claim 26-77'') w', plate) INTO result;
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;
SELECT max(e.seq) AS before FROM ctlpr.audit_entry e \gset
SELECT is(trail.outside('trail_all', 'TRL 123'), 'G. Cop Somewhere TX inv pattern, F. Cop Somewhere TX inv pattern, E. Cop Second PD CT inv exact, B. Cop Somewhere TX ICE exact, A. Cop Second PD CT inv exact', 'audits of vendors are looked through too, newest first');
SELECT is(trail.outside('trail_one', 'TRL 123'), 'B. Cop Somewhere TX ICE exact, A. Cop Second PD CT inv exact', '... those that the auditor''s agency imported');
SELECT is(trail.outside('trail_other', 'TRL 123'), 'G. Cop Somewhere TX inv pattern, F. Cop Somewhere TX inv pattern, E. Cop Second PD CT inv exact, A. Cop Second PD CT inv exact', '... and its own searches in those of others');
SELECT is(trail.outside('trail_third', 'TRL 123'), NULL, '... and no others');
SELECT is((SELECT string_agg(concat_ws(' ', e.role, e.reason, e.detail ->> 'function', e.detail ->> 'searches'), '; ' ORDER BY e.seq) FROM ctlpr.audit_entry e WHERE e.seq > :before AND e.entry = 'verdict' AND e.action = 'who_searched'),
	'trail_all claim 26-77 who_searched_outside 5; trail_one claim 26-77 who_searched_outside 2; trail_other claim 26-77 who_searched_outside 4; trail_third claim 26-77 who_searched_outside 0', '... on record');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > :before AND ctlpr.normal_plate(e::text) LIKE '%TRL123%'), 0::bigint, '... without the plate');

SELECT * FROM finish();
ROLLBACK;
