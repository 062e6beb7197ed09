/*
 * hotlist_functions.sql - hotlists: loading and withdrawing them, comparing
 * reads with them on demand and as they come in.
 *
 * Registrars load and withdraw.  Members of ctlpr_matcher compare: what they
 * run is theirs, under their own request and binding, and the gate decides
 * and records it like any other INSERT ... SELECT.  A hit is a row of a
 * governed table that keeps the time of capture, so a hit expires with its
 * read (13(b)(2): a hit alone is no exception).
 */

/*
 * hotlist_file(name) - how the name of a file, or a code, is spelled for comparison.
 *
 * Result: lower case, compatibility forms of letters as letters, words joined
 * by one underscore; NULL where nothing is left.
 */
CREATE FUNCTION ctlpr.hotlist_file(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN nullif(trim(BOTH '_' FROM regexp_replace(lower(CASE WHEN getdatabaseencoding() = 'UTF8' THEN normalize(name, NFKC) ELSE name END), '[^a-z0-9]+', '_', 'g')), '');
COMMENT ON FUNCTION ctlpr.hotlist_file(text) IS 'Internal: name of a file within a source, in the spelling that is compared';

/*
 * hotlist_words(texts) - the words of what says where an entry is from.
 *
 * Result: single spaces around and between the words of each text; behind a
 * "#", the letters and digits of each.
 */
CREATE FUNCTION ctlpr.hotlist_words(VARIADIC texts text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN (SELECT ' ' || string_agg(translate(coalesce(f.file, ''), '_', ' '), ' | ' ORDER BY f.place) || ' #' || string_agg(translate(coalesce(f.file, ''), '_', ''), '|' ORDER BY f.place)
		FROM (SELECT ctlpr.hotlist_file(t.value) AS file, t.place FROM unnest(texts) WITH ORDINALITY AS t (value, place)) f);
COMMENT ON FUNCTION ctlpr.hotlist_words(text[]) IS 'Internal: words of what says where an entry is from: its file, code and case number, and the name of its list';

/*
 * hotlist_pattern(file) - what the words of an entry of that file are LIKE: a
 * word, or several in a row; with a star behind, its letters anywhere, however
 * they are written.
 */
CREATE FUNCTION ctlpr.hotlist_pattern(file text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN CASE WHEN file LIKE '%*' THEN '%#%' || translate(file, '_*', '') || '%' ELSE '% ' || translate(file, '_', ' ') || ' %' END;
COMMENT ON FUNCTION ctlpr.hotlist_pattern(text) IS 'Internal: pattern of the words of entries of a file';

/*
 * hotlist_patterns(refused_files) - what the words of an entry that may not
 * come in are LIKE.
 */
CREATE FUNCTION ctlpr.hotlist_patterns(refused_files text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN (SELECT coalesce(array_agg(ctlpr.hotlist_pattern(f.file)), '{}') FROM unnest(refused_files) AS f (file));
COMMENT ON FUNCTION ctlpr.hotlist_patterns(text[]) IS 'Internal: patterns of the words of entries that may not come in';

/*
 * hotlist_refuses(refused_files, words) - the first of the files by which an
 * entry of these words may not come in, or NULL.
 */
CREATE FUNCTION ctlpr.hotlist_refuses(refused_files text[], words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN (SELECT min(f.file) FROM unnest(refused_files) AS f (file) WHERE words LIKE ctlpr.hotlist_pattern(f.file));
COMMENT ON FUNCTION ctlpr.hotlist_refuses(text[], text) IS 'Internal: the file by which an entry may not come in, or NULL';

CREATE VIEW ctlpr.hotlist_in_force AS
	SELECT h.agency_id, h.hotlist_id, h.source, s.clause, e.plate, e.case_number
	FROM ctlpr.hotlist h
	JOIN ctlpr.hotlist_entry e ON e.hotlist_id = h.hotlist_id
	JOIN ctlpr.statute_adoption a ON true
	JOIN (SELECT p.statute, p.source, p.clause, p.valid_from, p.valid_until, ctlpr.hotlist_patterns(p.refused_files) AS refused
		  FROM ctlpr.statute_hotlist_source p OFFSET 0) s ON s.statute = a.statute AND s.source = h.source
	WHERE h.withdrawn_at IS NULL AND h.expires_at > statement_timestamp() AND e.expires_at > statement_timestamp()
		AND s.valid_from <= statement_timestamp() AND statement_timestamp() < s.valid_until
		AND NOT e.words LIKE ANY (s.refused);
COMMENT ON VIEW ctlpr.hotlist_in_force IS 'Internal: entries that match now';
COMMENT ON COLUMN ctlpr.hotlist_in_force.agency_id IS 'The agency that compares with the list';
COMMENT ON COLUMN ctlpr.hotlist_in_force.hotlist_id IS 'The list';
COMMENT ON COLUMN ctlpr.hotlist_in_force.source IS 'Its source';
COMMENT ON COLUMN ctlpr.hotlist_in_force.clause IS 'Clause that permits the comparison';
COMMENT ON COLUMN ctlpr.hotlist_in_force.plate IS 'Plate characters';
COMMENT ON COLUMN ctlpr.hotlist_in_force.case_number IS 'Case, incident or alert number of the entry';

-- Rows of an agency's lists, for its auditors; withdrawn lists too, which have no entries.
CREATE VIEW ctlpr.hotlist_entries WITH (security_barrier) AS
	SELECT h.hotlist_id, h.agency_id, h.source, h.name, h.approved_by AS list_approved_by, h.approved_at, h.expires_at AS list_expires_at,
		h.loaded_at, h.loaded_by, h.entries_loaded, h.entries_dropped, h.entries_expired, h.withdrawn_at, h.withdrawn_by, h.withdrawn_reason,
		e.entry_no, e.plate, e.plate_state, e.category, e.reason_code, e.case_number, e.approved_by, e.expires_at
	FROM ctlpr.hotlist h LEFT JOIN ctlpr.hotlist_entry e ON e.hotlist_id = h.hotlist_id
	WHERE ctlpr.auditor_sees(h.agency_id, NULL);
COMMENT ON VIEW ctlpr.hotlist_entries IS 'Hotlists and what is on them, for auditors of the agency (14(a)(1))';
DO $$
DECLARE
	col record;
BEGIN
	-- Each column is explained where it is stored.
	FOR col IN
		SELECT v.attname, pg_catalog.col_description(t.attrelid, t.attnum) AS text
			FROM pg_catalog.pg_attribute v
			JOIN pg_catalog.pg_attribute t ON t.attrelid = CASE WHEN v.attnum <= 15 THEN 'ctlpr.hotlist'::pg_catalog.regclass ELSE 'ctlpr.hotlist_entry'::pg_catalog.regclass END
				AND t.attname = pg_catalog.regexp_replace(v.attname, '^list_', '')
			WHERE v.attrelid = 'ctlpr.hotlist_entries'::pg_catalog.regclass AND v.attnum > 0
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN ctlpr.hotlist_entries.%I IS %L', col.attname, col.text);
	END LOOP;
END
$$;

/*
 * load_hotlist(source, approver, expiry, agency_id, name, entries) - load a
 * list that an agency compares its reads with, in place of what it loaded
 * under the same source and name before.
 *
 * source: one that the statute in force names; approver: the supervisor who
 * approved the list, demanded where the source is approved as a whole and
 * optional where each entry is; expiry: instant from which nothing on it
 * matches; agency_id: whose list; name: what the agency calls it; entries:
 * array of objects {"plate", "state", "category", "reason_code",
 * "case_number", "approved_by", "expires_at"}, all texts.  plate is demanded;
 * category, the file within the source, is demanded of sources approved as a
 * whole, else it is the source; expires_at is cut to expiry.
 * Entries of files that may not come in are left out and counted, and so are
 * those whose time has passed; a NOTICE has the numbers.
 * Result: number of the list, the same as before when it is loaded again.
 * Errors: 22004, 22001, 22023 an argument or an entry; 42704 agency unknown;
 * 55000 no statute; and, recorded: LP003 source not named by the statute, or
 * an agency that may not compare; LP005 an approval is missing.  Nothing is
 * half loaded.
 * Clause: 13(b)(1)(B)(i), 13(d)(3), 14(a)(1); found in ctlpr.statute_hotlist_source.
 */
CREATE FUNCTION ctlpr.load_hotlist(source text, approver text, expiry timestamptz, agency_id text, name text, entries jsonb)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = 'panic'
AS $$
DECLARE
	in_force     ctlpr.statute := ctlpr.adopted_statute();
	comparing    ctlpr.agency := ctlpr.check_agency(load_hotlist.agency_id);
	callers      text[] := ARRAY[ctlpr.plain_name(session_user), ctlpr.plain_name(pg_get_userbyid(ctlpr.outer_role()))];
	listed       ctlpr.statute_hotlist_source;
	permitted    ctlpr.statute_purpose;
	approved     text := CASE WHEN load_hotlist.approver ~ '[^[:space:]]' THEN load_hotlist.approver END;
	refused      text[];
	bad          record;
	state        text;
	message      text;
	detail_text  text;
	hint_text    text;
	loaded       bigint;
	stored       bigint;
	dropped      jsonb;
	drops        bigint;
	expired      bigint;
	arguments    jsonb;
BEGIN
	PERFORM ctlpr.check_text('source', load_hotlist.source);
	PERFORM ctlpr.check_text('name', load_hotlist.name);
	IF octet_length(load_hotlist.approver) > 4096 THEN
		PERFORM ctlpr.check_text('approver', load_hotlist.approver);
	END IF;
	IF load_hotlist.expiry IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "expiry" must not be null',
			HINT = 'State the instant from which nothing on the list matches.';
	END IF;
	IF load_hotlist.expiry <= clock_timestamp() OR NOT isfinite(load_hotlist.expiry) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'expiry must be an instant in the future',
			HINT = 'State the instant from which nothing on the list matches; load the list again to go on with it.';
	END IF;
	IF load_hotlist.entries IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "entries" must not be null',
			HINT = 'Pass an array of objects, each with a plate; ctlpr.withdraw_hotlist() ends a list.';
	END IF;
	IF jsonb_typeof(load_hotlist.entries) <> 'array' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "entries" must be an array',
			HINT = 'Pass an array of objects, each with a plate.';
	END IF;
	arguments := jsonb_build_object('function', 'load_hotlist', 'agency_id', comparing.agency_id, 'source', left(load_hotlist.source, 63),
									'name', load_hotlist.name, 'approver', load_hotlist.approver, 'expiry', load_hotlist.expiry,
									'entries', jsonb_array_length(load_hotlist.entries));

	-- The source, and who may compare with it; one that begins later counts, for lists are made ready before the day.
	SELECT s.* INTO listed FROM ctlpr.statute_hotlist_source s
		WHERE s.statute = in_force.statute AND s.source = load_hotlist.source AND s.valid_until > now()
		ORDER BY s.valid_from LIMIT 1;
	SELECT p.* INTO permitted FROM ctlpr.statute_purpose p
		WHERE p.statute = in_force.statute AND p.purpose = 'hotlist_comparison' AND p.permitted AND p.valid_until > now()
		ORDER BY p.valid_from LIMIT 1;
	IF listed.source IS NULL THEN
		state := 'LP003';
		message := 'source is not on the permitted list';
		detail_text := format('Clause %s names the lists that reads may be compared with; this is none of them.', coalesce(permitted.clause, '13(b)(1)(B)(i)'));
		hint_text := coalesce((SELECT format('Use one of: %s.', string_agg(DISTINCT s.source, ', ' ORDER BY s.source))
							   FROM ctlpr.statute_hotlist_source s WHERE s.statute = in_force.statute AND s.valid_until > now()
							   HAVING count(*) > 0),
							  'The statute in force names no lists.');
	ELSIF permitted.purpose IS NULL OR comparing.kind <> ALL (permitted.agency_kinds) THEN
		state := 'LP003';
		message := format('comparison with hotlists is not open to an agency of kind %s', comparing.kind);
		detail_text := format('Clause %s permits it to agencies of kind %s.', listed.clause, coalesce(array_to_string(permitted.agency_kinds, ', '), 'none'));
		hint_text := 'Load the list for the law enforcement agency that compares with it.';
	ELSIF listed.approval = 'list' AND approved IS NULL THEN
		state := 'LP005';
		message := 'the list lacks an approval';
		detail_text := format('Clause 14(a)(1) demands supervisory approval of hotlists; lists under clause %s are approved as a whole.', listed.clause);
		hint_text := 'State in approver which supervisor approved the list.';
	ELSIF ctlpr.plain_name(approved) = ANY (callers) THEN
		state := 'LP005';
		message := 'whoever loads a list does not approve it';
		detail_text := 'Clause 14(a)(1) demands supervisory approval of hotlists.';
		hint_text := 'State in approver which supervisor approved the list.';
	END IF;
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => comparing.agency_id, clause => coalesce(listed.clause, permitted.clause, '13(b)(1)(B)(i)'),
			sqlstate => state, detail => arguments);
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail_text, HINT = hint_text;
	END IF;

	-- The first bad entry, by its place alone: what is in it stays out of messages.
	refused := ctlpr.hotlist_patterns(listed.refused_files);
	SELECT b.place, b.problem INTO bad FROM (
		SELECT x.place,
			CASE WHEN jsonb_typeof(x.entry) <> 'object' THEN 1
				 WHEN x.entry - '{plate,state,category,reason_code,case_number,approved_by,expires_at}'::text[] <> '{}' THEN 2
				 WHEN EXISTS (SELECT FROM jsonb_each(x.entry) f WHERE jsonb_typeof(f.value) NOT IN ('string', 'null')) THEN 3
				 WHEN coalesce(x.entry ->> 'plate', '') !~ '[^[:space:]]' THEN 4
				 WHEN octet_length(x.entry ->> 'plate') > 63 THEN 5
				 WHEN octet_length(x.entry::text) > 4096 THEN 6
				 WHEN listed.approval = 'list' AND ctlpr.hotlist_file(x.entry ->> 'category') IS NULL THEN 7
				 WHEN listed.approval = 'entry' AND (coalesce(x.entry ->> 'approved_by', '') !~ '[^[:space:]]' OR ctlpr.plain_name(x.entry ->> 'approved_by') = ANY (callers))
					AND NOT ctlpr.hotlist_words(x.entry ->> 'category', x.entry ->> 'reason_code', x.entry ->> 'case_number', load_hotlist.name) LIKE ANY (refused) THEN 8 END AS problem
			FROM jsonb_array_elements(load_hotlist.entries) WITH ORDINALITY AS x (entry, place)) b
		WHERE b.problem IS NOT NULL ORDER BY b.place LIMIT 1;
	IF bad.problem = 8 THEN
		PERFORM ctlpr.record_event('configuration', agency_id => comparing.agency_id, clause => listed.clause, sqlstate => 'LP005',
			detail => arguments || jsonb_build_object('entry', bad.place));
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = format('entry %s of the list lacks an approval', bad.place),
			DETAIL = format('Clause 14(a)(1) demands supervisory approval of hotlists; under clause %s source %s needs one for each entry.', listed.clause, listed.source),
			HINT = 'State in approved_by which supervisor, other than whoever loads the list, approved the entry.';
	ELSIF bad.problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = CASE WHEN bad.problem IN (5, 6) THEN '22001' ELSE '22023' END,
			MESSAGE = format('entry %s of the list %s', bad.place, (ARRAY['is no object', 'has an unknown key', 'has a value that is no text', 'lacks a plate',
				'has a plate of more than 63 bytes', 'has more than 4096 bytes', 'lacks a category'])[bad.problem]),
			HINT = (ARRAY['Pass an object with a plate for each entry.',
				'Keys are plate, state, category, reason_code, case_number, approved_by and expires_at.',
				'All values are texts, expires_at an instant such as 2026-10-01T00:00:00-04:00.',
				'State the plate characters of each entry.', 'State the plate characters only.', 'Shorten it.',
				format('State the file of source %s that it is from: some files may not come in.', listed.source)])[bad.problem];
	END IF;

	-- The row of the list is locked from here on, so that two loads of it come one after the other.
	INSERT INTO ctlpr.hotlist AS h (agency_id, source, name, approved_by, approved_at, expires_at)
		VALUES (comparing.agency_id, listed.source, load_hotlist.name, approved, CASE WHEN approved IS NOT NULL THEN now() END, load_hotlist.expiry)
		ON CONFLICT ON CONSTRAINT hotlist_agency_source_name_key DO UPDATE
			SET approved_by = excluded.approved_by, approved_at = excluded.approved_at, expires_at = excluded.expires_at,
				loaded_at = excluded.loaded_at, loaded_by = excluded.loaded_by,
				withdrawn_at = NULL, withdrawn_by = NULL, withdrawn_reason = NULL
		RETURNING h.hotlist_id INTO loaded;
	DELETE FROM ctlpr.hotlist_entry e WHERE e.hotlist_id = loaded;

	BEGIN
		INSERT INTO ctlpr.hotlist_entry (hotlist_id, entry_no, plate, plate_state, category, reason_code, case_number, approved_by, expires_at, words)
			SELECT loaded, x.place, trim(x.entry ->> 'plate'), nullif(trim(x.entry ->> 'state'), ''),
					coalesce(ctlpr.hotlist_file(x.entry ->> 'category'), listed.source), nullif(trim(x.entry ->> 'reason_code'), ''),
					nullif(trim(x.entry ->> 'case_number'), ''), nullif(trim(x.entry ->> 'approved_by'), ''),
					least((x.entry ->> 'expires_at')::timestamptz, load_hotlist.expiry), x.words
				FROM (SELECT a.entry, a.place, ctlpr.hotlist_words(a.entry ->> 'category', a.entry ->> 'reason_code', a.entry ->> 'case_number', load_hotlist.name) AS words
					  FROM jsonb_array_elements(load_hotlist.entries) WITH ORDINALITY AS a (entry, place) OFFSET 0) x
				WHERE NOT x.words LIKE ANY (refused);
		GET DIAGNOSTICS stored = ROW_COUNT;
	EXCEPTION WHEN data_exception THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'an entry of the list has an expires_at that is no instant',
			HINT = 'Write instants as in 2026-10-01T00:00:00-04:00.';
	END;
	DELETE FROM ctlpr.hotlist_entry e WHERE e.hotlist_id = loaded AND e.expires_at <= clock_timestamp();
	GET DIAGNOSTICS expired = ROW_COUNT;
	stored := stored - expired;

	SELECT coalesce(jsonb_object_agg(d.file, d.entries), '{}'), coalesce(sum(d.entries), 0) INTO dropped, drops
		FROM (SELECT ctlpr.hotlist_refuses(listed.refused_files, x.words) AS file, count(*) AS entries
			  FROM (SELECT ctlpr.hotlist_words(a.entry ->> 'category', a.entry ->> 'reason_code', a.entry ->> 'case_number', load_hotlist.name) AS words
					FROM jsonb_array_elements(load_hotlist.entries) AS a (entry) OFFSET 0) x
			  WHERE x.words LIKE ANY (refused) GROUP BY 1) d;
	UPDATE ctlpr.hotlist h SET entries_loaded = stored, entries_dropped = drops, entries_expired = expired WHERE h.hotlist_id = loaded;

	PERFORM ctlpr.record_event('configuration', agency_id => comparing.agency_id, clause => listed.clause,
		detail => arguments || jsonb_build_object('hotlist_id', loaded, 'entries_loaded', stored, 'entries_expired', expired,
			'entries_dropped', drops, 'dropped_files', dropped, 'dropped_clause', listed.refused_clause));
	IF drops > 0 THEN
		RAISE NOTICE USING
			MESSAGE = format('%s of %s entries were dropped', drops, jsonb_array_length(load_hotlist.entries)),
			DETAIL = format('They are from files that clause %s keeps out of hotlists.', listed.refused_clause);
	END IF;
	IF expired > 0 THEN
		RAISE NOTICE USING MESSAGE = format('%s of %s entries had expired', expired, jsonb_array_length(load_hotlist.entries));
	END IF;
	RETURN loaded;
END
$$;
COMMENT ON FUNCTION ctlpr.load_hotlist(text, text, timestamptz, text, text, jsonb) IS 'Loads a hotlist, in place of the one of the same agency, source and name; entries of immigration files are dropped and counted (13(d)(3)); returns its number';

/*
 * withdraw_hotlist(hotlist_id, reason) - from now on nothing on it matches.
 *
 * What is on it is deleted; the list itself, its approval and its numbers stay.
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 withdrawn before.
 * Clause: 14(a)(1).
 */
CREATE FUNCTION ctlpr.withdraw_hotlist(hotlist_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filed   ctlpr.hotlist;
	removed bigint;
BEGIN
	IF withdraw_hotlist.hotlist_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "hotlist_id" must not be null',
			HINT = 'Use the number that ctlpr.load_hotlist() returned.';
	END IF;
	PERFORM ctlpr.check_text('reason', withdraw_hotlist.reason);
	SELECT * INTO filed FROM ctlpr.hotlist h WHERE h.hotlist_id = withdraw_hotlist.hotlist_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('hotlist %s does not exist', withdraw_hotlist.hotlist_id),
			HINT = 'The table ctlpr.hotlist lists what is loaded.';
	END IF;
	IF filed.withdrawn_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('hotlist %s was withdrawn before', filed.hotlist_id),
			DETAIL = format('Nothing on it has matched since %s.', filed.withdrawn_at),
			HINT = 'To compare with it again, load it with ctlpr.load_hotlist().';
	END IF;
	UPDATE ctlpr.hotlist h
		SET withdrawn_at = now(), withdrawn_by = session_user, withdrawn_reason = withdraw_hotlist.reason
		WHERE h.hotlist_id = filed.hotlist_id;
	DELETE FROM ctlpr.hotlist_entry e WHERE e.hotlist_id = filed.hotlist_id;
	GET DIAGNOSTICS removed = ROW_COUNT;
	PERFORM ctlpr.record_event('configuration', agency_id => filed.agency_id, reason => withdraw_hotlist.reason, clause => '14(a)(1)',
		detail => jsonb_build_object('function', 'withdraw_hotlist', 'hotlist_id', filed.hotlist_id, 'agency_id', filed.agency_id,
									 'source', filed.source, 'name', filed.name, 'entries', removed));
END
$$;
COMMENT ON FUNCTION ctlpr.withdraw_hotlist(bigint, text) IS 'Withdraws a hotlist at once and deletes what is on it';

/*
 * hotlist_request() - the agency for which the acting role compares now.
 *
 * Result: the agency of its request, standing ones included.
 * Errors: LP001, recorded, unless a request for hotlist_comparison is in force.
 * Clause: 13(b)(1)(B)(i).
 */
CREATE FUNCTION ctlpr.hotlist_request()
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stated record;
BEGIN
	SELECT * INTO stated FROM ctlpr.current_request();
	IF stated.purpose IS DISTINCT FROM 'hotlist_comparison' OR stated.agency_id IS NULL THEN
		PERFORM ctlpr.record_event('hotlist', purpose => stated.purpose, clause => '13(b)(1)(B)(i)', sqlstate => 'LP001',
			detail => jsonb_build_object('function', 'hotlist_request'));
		RAISE EXCEPTION USING ERRCODE = 'LP001',
			MESSAGE = 'no request for the comparison with hotlists is in force',
			DETAIL = 'Clause 13(b)(1)(B)(i) permits comparing reads with the lists that it names, and no other use of them.',
			HINT = 'Begin one with ctlpr.begin_request(''hotlist_comparison''), or have an administrator file ctlpr.standing_request() for a program.';
	END IF;
	RETURN stated.agency_id;
END
$$;
COMMENT ON FUNCTION ctlpr.hotlist_request() IS 'Internal: agency of the request for hotlist_comparison that is in force, or LP001';

/*
 * hotlist_sources(agency_id) - the sources of the lists that match now, and
 * the clauses that permit the comparison.
 */
CREATE FUNCTION ctlpr.hotlist_sources(agency_id text, OUT sources text[], OUT clause text)
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT coalesce(array_agg(DISTINCT l.source ORDER BY l.source), '{}'), coalesce(string_agg(DISTINCT l.clause, ', ' ORDER BY l.clause), '13(b)(1)(B)(i)')
		INTO sources, clause
		FROM ctlpr.hotlist h
		CROSS JOIN LATERAL (SELECT f.source, f.clause FROM ctlpr.hotlist_in_force f WHERE f.hotlist_id = h.hotlist_id LIMIT 1) l
		WHERE h.agency_id = hotlist_sources.agency_id;
END
$$;
COMMENT ON FUNCTION ctlpr.hotlist_sources(text) IS 'Internal: sources of an agency''s lists that match now, with their clauses';

/*
 * live_hotlist_entries() - what is on the hotlists of the agency of the
 * request in force, and matches now.
 *
 * Result: plate; hotlist_id; has_case, whether the entry has a case number,
 * without which it is compared with own reads only; case_number.
 * Each call is recorded with the sources, before anything is returned.
 * Errors: LP001, recorded, unless a request for hotlist_comparison is in force.
 * Clause: 13(b)(1)(B)(i).
 */
CREATE FUNCTION ctlpr.live_hotlist_entries()
RETURNS TABLE (plate text, hotlist_id bigint, has_case boolean, case_number text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	comparing text := ctlpr.hotlist_request();
	compared  record := ctlpr.hotlist_sources(comparing);
	entries   bigint;
BEGIN
	RETURN QUERY SELECT f.plate, f.hotlist_id, f.case_number IS NOT NULL, f.case_number
		FROM ctlpr.hotlist_in_force f WHERE f.agency_id = comparing;
	GET DIAGNOSTICS entries = ROW_COUNT;
	PERFORM ctlpr.record_event('hotlist', agency_id => comparing, purpose => 'hotlist_comparison', clause => compared.clause,
		detail => jsonb_build_object('function', 'live_hotlist_entries', 'sources', compared.sources, 'entries', entries));
END
$$;
COMMENT ON FUNCTION ctlpr.live_hotlist_entries() IS 'Entries that match now on the hotlists of the agency of the request in force, which must be for hotlist_comparison (LP001); recorded with the sources';

/*
 * hotlist_owner_values(relation, agency_id) - what the agency column of a
 * governed relation holds for reads of an agency, in text form.
 */
CREATE FUNCTION ctlpr.hotlist_owner_values(relation regclass, agency_id text)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT coalesce(array_agg(v.value ORDER BY v.rank, v.value), '{}') FROM (
			SELECT 1 AS rank, hotlist_owner_values.agency_id AS value
				FROM ctlpr.governed_relation g
				JOIN pg_attribute a ON a.attrelid = g.relation AND a.attname = g.agency_column AND NOT a.attisdropped
				WHERE g.relation = hotlist_owner_values.relation AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
					AND NOT EXISTS (SELECT FROM ctlpr.agency_key k WHERE k.relation = hotlist_owner_values.relation AND k.value = hotlist_owner_values.agency_id)
			UNION ALL
			SELECT 2, k.value FROM ctlpr.agency_key k
				WHERE k.relation = hotlist_owner_values.relation AND k.agency_id = hotlist_owner_values.agency_id) v);
END
$$;
COMMENT ON FUNCTION ctlpr.hotlist_owner_values(regclass, text) IS 'Internal: values of a relation''s agency column that stand for an agency';

/*
 * hotlist_statement(reads, hits, kind, agency_id) - the INSERT that makes hits
 * of reads, with the names of the registered columns.
 *
 * kind: own (the agency's own reads, all live entries), shared (others' reads,
 * the plates of $4 and their lists of $5), ingest (the transition table
 * new_reads, what hotlist_matches() finds for it).
 * Result: the statement, NULL where that kind of read cannot be in the
 * relation.  Its parameters: $1 text, the agency as hits holds it; $2 text[],
 * the agency as reads holds it; $3 timestamptz, captured since; $4 text[];
 * $5 bigint[].  own_value and own_values are for $1 and $2; limit_at is the
 * instant before which hits would not be kept.
 * Errors: 42704 a relation not governed; 22023 hits owned by another agency;
 * 55000 no agency_key() for hits.
 */
CREATE FUNCTION ctlpr.hotlist_statement(reads regclass, hits regclass, kind text, agency_id text,
		OUT statement text, OUT own_value text, OUT own_values text[], OUT limit_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source     ctlpr.governed_relation;
	target     ctlpr.governed_relation;
	with_list  boolean;
	with_owner boolean;
	camera     boolean;
	plate_type text;
	collation_ text;
	owner_type text;
	owner      text;
	hit_type   text;
	columns    text;
	selected   text;
	matched    text;
	condition  text;
	entries    text;
BEGIN
	SELECT * INTO source FROM ctlpr.governed_relation g WHERE g.relation = hotlist_statement.reads;
	SELECT * INTO target FROM ctlpr.governed_relation g WHERE g.relation = hotlist_statement.hits;
	IF source.relation IS NULL OR target.relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('relation %s is not governed', CASE WHEN source.relation IS NULL THEN hotlist_statement.reads ELSE hotlist_statement.hits END),
			DETAIL = 'Reads and hits are both license plate reads (13(a)); a hit is kept no longer than its read (13(b)(2)).',
			HINT = 'Bring it under governance with ctlpr.govern().';
	END IF;
	IF target.owner_agency <> hotlist_statement.agency_id THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('relation %s does not hold hits of agency "%s"', target.relation, left(hotlist_statement.agency_id, 63)),
			DETAIL = format('Its reads belong to agency "%s".', target.owner_agency),
			HINT = 'Use a table of hits of the agency''s own.';
	END IF;
	own_values := ctlpr.hotlist_owner_values(source.relation, hotlist_statement.agency_id);
	own_value := (ctlpr.hotlist_owner_values(target.relation, hotlist_statement.agency_id))[1];
	-- What its agency, or the table of hits, would not keep is no hit.
	limit_at := greatest(ctlpr.retention_limit(source.relation), ctlpr.retention_limit(target.relation), ctlpr.agency_retention_limit(hotlist_statement.agency_id));
	IF target.agency_column IS NOT NULL AND own_value IS NULL AND hotlist_statement.kind <> 'ingest' THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('no value of the agency column of relation %s stands for agency "%s"', target.relation, left(hotlist_statement.agency_id, 63)),
			HINT = 'State it with ctlpr.agency_key().';
	END IF;

	-- By their own names: "character" without a length would cut to one.
	SELECT format('pg_catalog.%I', t.typname) INTO owner_type
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = source.relation AND a.attname = source.agency_column;
	SELECT format('pg_catalog.%I', t.typname) INTO hit_type
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = target.relation AND a.attname = target.agency_column;
	SELECT CASE a.atttypid WHEN 'bpchar'::regtype THEN 'pg_catalog.bpchar' ELSE 'pg_catalog.text' END INTO plate_type
		FROM pg_attribute a WHERE a.attrelid = source.relation AND a.attname = source.plate_column;
	SELECT format('%I.%I', n.nspname, c.collname) INTO collation_
		FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation JOIN pg_namespace n ON n.oid = c.collnamespace
		WHERE a.attrelid = target.relation AND a.attname = target.plate_column;
	camera := (SELECT count(*) = 2 AND count(DISTINCT a.atttypid) = 1 FROM pg_attribute a
			   WHERE a.attrelid = source.relation AND a.attname = source.camera_column OR a.attrelid = target.relation AND a.attname = target.camera_column);
	with_list := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target.relation AND a.attname = 'hotlist_id' AND a.atttypid = 'bigint'::regtype AND NOT a.attisdropped);

	with_owner := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target.relation AND a.attname = 'read_agency' AND a.atttypid = 'text'::regtype AND NOT a.attisdropped
						  AND a.attname <> ALL (array_remove(ARRAY[target.plate_column, target.agency_column, target.camera_column, target.image_column], NULL)));

	owner := CASE WHEN source.agency_column IS NULL THEN quote_literal(source.owner_agency) ELSE format('r.%I::text', source.agency_column) END;
	columns := format('%I, %I', target.captured_at_column, target.plate_column);
	selected := format('r.%I, r.%I', source.captured_at_column, source.plate_column);
	matched := format('h.%I = r.%I AND h.%I = r.%I COLLATE %s', target.captured_at_column, source.captured_at_column,
					  target.plate_column, source.plate_column, collation_);
	IF target.agency_column IS NOT NULL THEN
		columns := format('%s, %I', columns, target.agency_column);
		selected := format('%s, (%s)::%s', selected, CASE hotlist_statement.kind WHEN 'ingest' THEN 'm.hits_value' ELSE '$1' END, hit_type);
		IF hotlist_statement.kind <> 'ingest' THEN
			matched := format('%s AND h.%I = $1::%s', matched, target.agency_column, hit_type);
		END IF;
	END IF;
	IF camera THEN
		columns := format('%s, %I', columns, target.camera_column);
		selected := format('%s, r.%I', selected, source.camera_column);
		matched := format('%s AND h.%I IS NOT DISTINCT FROM r.%I', matched, target.camera_column, source.camera_column);
	END IF;
	IF with_owner THEN
		columns := columns || ', read_agency';
		selected := format('%s, %s', selected, owner);
		matched := format('%s AND h.read_agency = %s', matched, owner);
	END IF;
	IF with_list THEN
		columns := columns || ', hotlist_id';
		selected := selected || ', m.hotlist_id';
		matched := matched || ' AND h.hotlist_id = m.hotlist_id';
	END IF;

	CASE hotlist_statement.kind
		WHEN 'own' THEN
			condition := CASE WHEN source.agency_column IS NOT NULL THEN format('r.%I = ANY ($2::%s[])', source.agency_column, owner_type)
							  WHEN source.owner_agency = hotlist_statement.agency_id THEN 'true' END;
			entries := format('(SELECT l.plate, %s AS hotlist_id FROM ctlpr.live_hotlist_entries() l GROUP BY l.plate%s)',
							  CASE WHEN with_list THEN 'l.hotlist_id' ELSE 'min(l.hotlist_id)' END, CASE WHEN with_list THEN ', l.hotlist_id' END);
		WHEN 'shared' THEN
			-- The plates stand in a condition on the reads: a search for them, on record by plate.
			condition := CASE WHEN source.agency_column IS NOT NULL
							  THEN format('r.%I <> ALL ($2::%s[]) AND r.%I = ANY ($4::%s[])', source.agency_column, owner_type, source.plate_column, plate_type)
							  WHEN source.owner_agency <> hotlist_statement.agency_id
							  THEN format('r.%I = ANY ($4::%s[])', source.plate_column, plate_type) END;
			entries := format('(SELECT u.plate, %s AS hotlist_id FROM unnest($4, $5) AS u (plate, hotlist_id) GROUP BY u.plate%s)',
							  CASE WHEN with_list THEN 'u.hotlist_id' ELSE 'min(u.hotlist_id)' END, CASE WHEN with_list THEN ', u.hotlist_id' END);
		WHEN 'ingest' THEN
			condition := CASE WHEN source.agency_column IS NOT NULL THEN format('r.%I::text = m.owner_value', source.agency_column) ELSE 'true' END;
			entries := format('(SELECT x.plate, x.owner_value, x.hits_value, %s AS hotlist_id FROM ctlpr.hotlist_matches(%L, %L, ARRAY(SELECT DISTINCT n.%I::text FROM new_reads n)) x GROUP BY 1, 2, 3%s)',
							  CASE WHEN with_list THEN 'x.hotlist_id' ELSE 'min(x.hotlist_id)' END, source.relation, target.relation, source.plate_column,
							  CASE WHEN with_list THEN ', 4' END);
	END CASE;
	statement := format('INSERT INTO %s (%s) SELECT %s FROM %s r JOIN %s m ON r.%I = m.plate::%s WHERE %s AND r.%I >= $3%s ON CONFLICT DO NOTHING',
		target.relation, columns, selected, CASE hotlist_statement.kind WHEN 'ingest' THEN 'new_reads' ELSE source.relation::text END,
		entries, source.plate_column, plate_type, condition, source.captured_at_column,
		CASE WHEN hotlist_statement.kind <> 'ingest' THEN format(' AND NOT EXISTS (SELECT FROM %s h WHERE %s)', target.relation, matched) END);
END
$$;
COMMENT ON FUNCTION ctlpr.hotlist_statement(regclass, regclass, text, text) IS 'Internal: the INSERT that makes hits of reads, with the registered columns of both relations';

/*
 * record_hotlist_comparison(reads, hits, new_hits) - put a comparison on
 * record: the sources compared with and the number of new hits.
 *
 * Errors: LP001, recorded, unless a request for hotlist_comparison is in force.
 * Clause: 13(b)(1)(B)(i): the source compared with is recorded.
 */
CREATE FUNCTION ctlpr.record_hotlist_comparison(reads regclass, hits regclass, new_hits bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	comparing text := ctlpr.hotlist_request();
	compared  record := ctlpr.hotlist_sources(comparing);
BEGIN
	PERFORM ctlpr.record_event('hotlist', relation => record_hotlist_comparison.reads, agency_id => comparing, purpose => 'hotlist_comparison',
		clause => compared.clause,
		detail => jsonb_build_object('function', 'match_hotlist', 'sources', compared.sources,
									 'into', record_hotlist_comparison.hits::text, 'hits', record_hotlist_comparison.new_hits));
END
$$;
COMMENT ON FUNCTION ctlpr.record_hotlist_comparison(regclass, regclass, bigint) IS 'Internal: records a comparison with the sources and the number of new hits';

/*
 * match_hotlist(reads, hits, since) - compare reads with the hotlists of the
 * agency of the request in force, and insert the hits that are not there yet.
 *
 * reads, hits: governed relations; since: reads captured since then, NULL for
 * all that are live.  It runs with the caller's rights, under the caller's
 * request (purpose hotlist_comparison) and binding (may_ingest for the same
 * agency).  Own reads are compared with all live entries; other agencies'
 * reads only when the request states a case number, and only with entries
 * that have one, which are on record as plates sought.  A hit has the plate,
 * the time of capture, the camera where both relations have one of the same
 * type registered, the agency that compared, and, where hits has such columns,
 * read_agency (text: whose read it is, as reads holds it) and hotlist_id
 * (bigint: one hit for each list).
 * Result: number of new hits.
 * Errors: 22004, 22023 an argument; 42704 a relation not governed; 55000 no
 * agency_key() for hits; LP001 no such request; and those of INSERT ...
 * SELECT: 42501, LP002 to LP013.
 * Clause: 13(b)(1)(B)(i); 13(d)(8) for other agencies' reads; 13(b)(2): the
 * clock of a hit is that of its read.
 */
CREATE FUNCTION ctlpr.match_hotlist(reads regclass, hits regclass, since timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stated   record;
	own      record;
	shared   record;
	part     record;
	new_hits bigint := 0;
	added    bigint;
BEGIN
	IF match_hotlist.reads IS NULL OR match_hotlist.hits IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "reads" and "hits" must not be null',
			HINT = 'Name the governed table of reads and the governed table that hits go to.';
	END IF;
	IF match_hotlist.reads = match_hotlist.hits THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'reads and hits are the same relation',
			HINT = 'Name a governed table of its own for hits.';
	END IF;
	SELECT * INTO stated FROM ctlpr.current_request();
	IF stated.purpose IS DISTINCT FROM 'hotlist_comparison' OR stated.agency_id IS NULL THEN
		PERFORM ctlpr.record_hotlist_comparison(match_hotlist.reads, match_hotlist.hits, 0);	-- refuses
	END IF;

	own := ctlpr.hotlist_statement(match_hotlist.reads, match_hotlist.hits, 'own', stated.agency_id);
	IF own.statement IS NOT NULL THEN
		EXECUTE own.statement USING own.own_value, own.own_values, greatest(match_hotlist.since, own.limit_at), NULL::text[], NULL::bigint[];
		GET DIAGNOSTICS new_hits = ROW_COUNT;
	END IF;

	shared := ctlpr.hotlist_statement(match_hotlist.reads, match_hotlist.hits, 'shared', stated.agency_id);
	IF shared.statement IS NOT NULL AND stated.case_number IS NOT NULL THEN
		-- In parts, so that each entry of the log has room for the plates sought.
		FOR part IN
			SELECT array_agg(e.plate ORDER BY e.place) AS plates, array_agg(e.hotlist_id ORDER BY e.place) AS hotlists
				FROM (SELECT l.plate, l.hotlist_id, row_number() OVER (ORDER BY l.plate, l.hotlist_id) AS place
					  FROM ctlpr.live_hotlist_entries() l WHERE l.has_case) e
				GROUP BY (e.place - 1) / 500 ORDER BY (e.place - 1) / 500
		LOOP
			EXECUTE shared.statement USING shared.own_value, shared.own_values, greatest(match_hotlist.since, shared.limit_at), part.plates, part.hotlists;
			GET DIAGNOSTICS added = ROW_COUNT;
			new_hits := new_hits + added;
		END LOOP;
	END IF;
	PERFORM ctlpr.record_hotlist_comparison(match_hotlist.reads, match_hotlist.hits, new_hits);
	RETURN new_hits;
END
$$;
COMMENT ON FUNCTION ctlpr.match_hotlist(regclass, regclass, timestamptz) IS 'Compares reads with the hotlists of the agency of the request in force and inserts new hits; returns their number';

/*
 * hotlist_matches(reads, hits, plates) - which of the plates that just came in
 * are on a list of an agency that the acting role ingests for.
 *
 * Result: plate; owner_value, the agency as reads holds it (any, where reads
 * has one owner: NULL); hits_value, the agency as hits holds it; hotlist_id.
 * Where there is a match, it is recorded first, with the sources.
 * Errors: 55000 outside of a trigger: it would tell who is on a list.
 * Clause: 13(b)(1)(B)(i).
 */
CREATE FUNCTION ctlpr.hotlist_matches(reads regclass, hits regclass, plates text[])
RETURNS TABLE (plate text, owner_value text, hits_value text, hotlist_id bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	source   ctlpr.governed_relation;
	target   ctlpr.governed_relation;
	ingested text[];
	compared record;
BEGIN
	IF pg_trigger_depth() = 0 THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = 'hotlists are looked up by match_at_ingest() only',
			HINT = 'Use ctlpr.match_hotlist() under a request.';
	END IF;
	SELECT * INTO source FROM ctlpr.governed_relation g WHERE g.relation = hotlist_matches.reads;
	SELECT * INTO target FROM ctlpr.governed_relation g WHERE g.relation = hotlist_matches.hits;
	SELECT array_agg(b.agency_id) INTO ingested FROM ctlpr.role_binding b
		WHERE b.role = ctlpr.outer_role() AND b.may_ingest
			AND (source.owner_agency IS NULL OR b.agency_id = source.owner_agency)
			AND (target.owner_agency IS NULL OR b.agency_id = target.owner_agency);
	FOR compared IN
		SELECT f.agency_id, array_agg(DISTINCT f.source ORDER BY f.source) AS sources, string_agg(DISTINCT f.clause, ', ' ORDER BY f.clause) AS clause,
				count(DISTINCT f.plate) AS plates_matched
			FROM ctlpr.hotlist_in_force f
			WHERE f.plate = ANY (hotlist_matches.plates) AND f.agency_id = ANY (ingested)
			GROUP BY f.agency_id
	LOOP
		PERFORM ctlpr.record_event('hotlist', relation => hotlist_matches.reads, agency_id => compared.agency_id, purpose => 'hotlist_comparison',
			clause => compared.clause,
			detail => jsonb_build_object('function', 'match_at_ingest', 'sources', compared.sources, 'into', hotlist_matches.hits::text,
										 'plates_matched', compared.plates_matched));
	END LOOP;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	RETURN QUERY
		SELECT f.plate, v.value, (ctlpr.hotlist_owner_values(target.relation, f.agency_id))[1], f.hotlist_id
		FROM ctlpr.hotlist_in_force f
		CROSS JOIN LATERAL unnest(CASE WHEN source.owner_agency IS NOT NULL THEN ARRAY[NULL::text]
									   ELSE ctlpr.hotlist_owner_values(source.relation, f.agency_id) END) AS v (value)
		WHERE f.plate = ANY (hotlist_matches.plates) AND f.agency_id = ANY (ingested);
END
$$;
COMMENT ON FUNCTION ctlpr.hotlist_matches(regclass, regclass, text[]) IS 'Internal: plates of an ingest statement that are on a list of the ingesting agency; recorded with the sources';

/*
 * match_at_ingest() - statement trigger that makes hits of reads as they come in.
 *
 * CREATE TRIGGER ... AFTER INSERT ON reads REFERENCING NEW TABLE AS new_reads
 * FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.match_at_ingest('public.hits'), before
 * govern(reads, ..., allow_triggers => ...).  It inserts as the ingesting
 * role, a member of ctlpr_matcher with the right to insert into hits, for
 * reads and lists of the agencies that the role ingests for.
 * Errors: 39P01 not called as such a trigger; 42P01 no such table; 22023 the
 * table itself; 42704 a relation not governed;
 * and those of an INSERT: 42501, LP001 to LP014.
 * Clause: 13(b)(1)(B)(i).
 */
CREATE FUNCTION ctlpr.match_at_ingest()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hits regclass;
	made record;
BEGIN
	IF TG_OP <> 'INSERT' OR TG_WHEN <> 'AFTER' OR TG_LEVEL <> 'STATEMENT' OR TG_NARGS <> 1 OR
		NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME AND t.tgnewtable = 'new_reads') THEN
		RAISE EXCEPTION USING ERRCODE = '39P01',
			MESSAGE = format('trigger "%s" does not call match_at_ingest() as it must be called', TG_NAME),
			HINT = 'Use AFTER INSERT, REFERENCING NEW TABLE AS new_reads, FOR EACH STATEMENT, and name the table of hits as the argument.';
	END IF;
	hits := to_regclass(TG_ARGV[0]);
	IF hits IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '42P01',
			MESSAGE = format('the table of hits of trigger "%s" does not exist', TG_NAME),
			HINT = 'Name it with its schema as the argument of match_at_ingest().';
	END IF;
	IF TG_RELID = hits THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'reads and hits are the same relation',
			HINT = 'Name a governed table of its own for hits.';
	END IF;
	made := ctlpr.hotlist_statement(TG_RELID::regclass, hits, 'ingest', NULL);
	EXECUTE made.statement USING NULL::text, NULL::text[], made.limit_at;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ctlpr.match_at_ingest() IS 'Statement trigger: hits of reads as they come in; argument: the governed table of hits';
