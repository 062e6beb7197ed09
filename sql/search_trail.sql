/*
 * search_trail.sql - who searched for a plate: 13(j) gives whoever is
 * aggrieved a claim, and an auditor has to be able to say who sought the
 * plate, or tried to.
 *
 * The log keeps what a statement compared the plate column with, not which
 * reads it returned, and it keeps no reads.  So this tells of the searches
 * that named the plate, and it cannot tell of
 *   - searches by place and time, and statements without a condition: they may
 *     have shown the plate without naming it (search_kind area_time, browse);
 *   - conditions of other kinds: plate <> 'X', one-sided ranges, plates that a
 *     join or a subquery brought;
 *   - comparisons of own reads with a hotlist, which are on record with their
 *     sources and not with the plates on them; comparisons with other
 *     agencies' reads are on record by plate, as searches;
 *   - what was redacted or is past the log's own retention.
 *
 * The plates of the log are compared one by one, not through an index: what
 * is alike without case, spaces and punctuation has no common order there, and
 * the log takes no index over an expression (src/audit_writer.c).  A pass over
 * a million entries takes a fraction of a second, docs/findings.md has the
 * figures.
 */

/*
 * plate_condition(plate, sought, statement) - whether a condition on the plate
 * column other than equality covers a plate, as far as its constants tell.
 *
 * plate: as normal_plate() has it; sought: the constants, patterns among them;
 * statement: its text without literals.
 * Result: pattern, range, or NULL.  It rather says too much: which operator
 * a constant belonged to is not on record, so a plain one counts where it is a
 * part of the plate (starts_with(), position()), a pattern where it matches as
 * LIKE or as a regular expression does, and two as a range where the text has
 * comparisons.
 */
CREATE FUNCTION ctlpr.plate_condition(plate text, sought text[], statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one    text;
	normal text;
	plain  text[] := '{}';
	likes  text;
BEGIN
	FOREACH one IN ARRAY sought LOOP
		CONTINUE WHEN one IS NULL;
		normal := ctlpr.normal_plate(one);
		/* the plate itself, or a part of it */
		IF normal = plate OR (char_length(normal) > 1 AND one !~ '[%_]' AND position(normal IN plate) > 0) THEN
			RETURN 'pattern';
		END IF;
		IF one ~ '[%_]' THEN
			/* an underscore may stand for a character of the plate, or for a separator that is left out here */
			likes := upper(regexp_replace(one COLLATE "C", '[\x01-\x24\x26-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]', '', 'g') COLLATE "C");
			IF plate LIKE likes OR plate LIKE replace(likes, '_', '') THEN
				RETURN 'pattern';
			END IF;
		END IF;
		IF one ~ '[][^$.(){}*+?|\\]' AND octet_length(one) <= 200 AND one !~ '\\[0-9]' THEN
			BEGIN
				IF plate ~* one THEN
					RETURN 'pattern';
				END IF;
			EXCEPTION WHEN invalid_regular_expression THEN
				NULL;
			END;
		ELSIF one !~ '[%_]' AND normal <> '' THEN
			plain := plain || normal;
		END IF;
	END LOOP;
	IF cardinality(plain) > 1 AND statement ~* '\mbetween\M|[<>]'
			AND (SELECT min(p COLLATE "C") <= plate COLLATE "C" AND plate COLLATE "C" <= max(p COLLATE "C") FROM unnest(plain) p) THEN
		RETURN 'range';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ctlpr.plate_condition(text, text[], text) IS 'Internal: how constants that the plate column was compared with cover a plate: pattern, range or NULL';

/*
 * sought_plate(plate, search_kind, sought, statement) - whether a search covers
 * a plate: exact | pattern | range | NULL.
 */
CREATE FUNCTION ctlpr.sought_plate(plate text, search_kind text, sought text[], statement text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN CASE
		WHEN search_kind = 'plate' THEN CASE WHEN EXISTS (SELECT FROM unnest(sought) x (plate) WHERE ctlpr.normal_plate(x.plate) = sought_plate.plate) THEN 'exact' END
		ELSE ctlpr.plate_condition(plate, sought, statement)
	END;
COMMENT ON FUNCTION ctlpr.sought_plate(text, text, text[], text) IS 'Internal: how a search covers a plate: exact, pattern, range or NULL';

/*
 * who_searched(plate, claim) - the searches on record that sought a plate,
 * refused ones included, and what of their results was passed on.
 *
 * Called by auditors; each sees what ctlpr.audit_log shows.  plate: compared
 * as instruments compare it, without case, spaces and punctuation; claim: why
 * the auditor asks, such as the number of a claim under 13(j).
 * Result: entries, newest first; how: exact (a search for whole plates, this
 * one among them), pattern (the plate column was compared in another way with
 * something that covers it), range, disclosure (record_disclosure() under the
 * request of such a search).  See above for what the log cannot tell.
 *
 * The lookup is an entry of its own, durable before anything is returned.  It
 * does not name the plate, or the lookup would leave a trail of its own; it
 * has the numbers of the first 100 entries that were found, through which an
 * auditor of all agencies can tell what was looked up for as long as they
 * hold the plate.
 * Errors: 22004, 22001, 22023 an argument; LP020, LP021 it cannot be recorded.
 * Clause: 13(j).
 */
CREATE FUNCTION ctlpr.who_searched(plate text, claim text DEFAULT NULL)
RETURNS TABLE (seq bigint, request_seq bigint, at timestamptz, session_role name, role name, agency_id text, agency_kind text, agency_state text,
	on_behalf_of text, officer text, purpose text, offense text, case_number text, reason text, relation_name text, action text, search_kind text,
	allowed boolean, enforced boolean, sqlstate text, clause text, rows_returned bigint, owners text[], how text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked      text := $2;
	sought     text;
	/* a filter that lets through what may be exact and costs less than to compare: the plate's characters, with anything left out between them */
	exact      text;
	found_seqs bigint[];
BEGIN
	PERFORM ctlpr.check_text('plate', $1);
	IF asked IS NOT NULL THEN
		PERFORM ctlpr.check_text('claim', asked);
	END IF;
	sought := ctlpr.normal_plate($1);
	IF sought = '' OR char_length(sought) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "plate" has no characters of a plate, or too many',
			HINT = 'State the whole plate; case, spaces and punctuation do not matter.';
	END IF;
	exact := regexp_replace(sought, '(.)', '\1[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]*', 'g');

	SELECT coalesce(array_agg(e.seq), '{}') INTO found_seqs
	FROM ctlpr.audit_entry e
	WHERE e.entry = 'verdict'
		AND e.plates IS NOT NULL
		AND (e.search_kind <> 'plate' OR array_to_string(e.plates, E'\n') COLLATE "C" ~* exact)
		AND ctlpr.sought_plate(sought, e.search_kind, e.plates, e.statement) IS NOT NULL
		AND ctlpr.auditor_sees(e.agency_id, (SELECT array_agg(o.owner) FROM ctlpr.audit_entry x, unnest(x.owners) o (owner) WHERE x.of_seq = e.seq AND x.entry = 'outcome'));
	IF found_seqs <> '{}' THEN
		found_seqs := found_seqs || ARRAY(
			SELECT d.seq
			FROM ctlpr.audit_entry d
			WHERE d.entry = 'verdict'
				AND d.action = 'disclosure'
				AND d.seq > (SELECT min(f) FROM unnest(found_seqs) f)
				AND (d.detail ->> 'request_seq')::bigint IN (SELECT e.request_seq FROM ctlpr.audit_entry e WHERE e.seq = ANY (found_seqs))
				AND ctlpr.auditor_sees(d.agency_id, NULL));
	END IF;

	PERFORM ctlpr.record_event('who_searched', reason => asked, clause => '13(j)',
		detail => jsonb_build_object('function', 'who_searched', 'entries', cardinality(found_seqs),
									 'found', to_jsonb(ARRAY(SELECT f FROM unnest(found_seqs) f ORDER BY f DESC LIMIT 100))));

	RETURN QUERY
	SELECT e.seq, coalesce(e.request_seq, (e.detail ->> 'request_seq')::bigint), e.at, e.session_role, e.role, e.agency_id, e.agency_kind, e.agency_state,
		CASE e.action WHEN 'disclosure' THEN e.detail ->> 'recipient_agency' ELSE e.on_behalf_of END,
		e.officer, e.purpose, e.offense, e.case_number, e.reason, e.relation, e.action, e.search_kind,
		e.allowed, e.enforced, coalesce(e.sqlstate, o.sqlstate), e.clause, o.rows_returned, o.owners,
		CASE e.action WHEN 'disclosure' THEN 'disclosure' ELSE ctlpr.sought_plate(sought, e.search_kind, e.plates, e.statement) END
	FROM ctlpr.audit_entry e
		CROSS JOIN LATERAL (
			SELECT min(x.sqlstate) FILTER (WHERE x.outcome = 'error') AS sqlstate, sum(x.rows_returned)::bigint AS rows_returned,
				(SELECT array_agg(DISTINCT u.owner ORDER BY u.owner) FROM ctlpr.audit_entry y, unnest(y.owners) u (owner) WHERE y.of_seq = e.seq AND y.entry = 'outcome') AS owners
			FROM ctlpr.audit_entry x
			WHERE x.of_seq = e.seq AND x.entry = 'outcome'
		) o
	WHERE e.seq = ANY (found_seqs)
	ORDER BY e.seq DESC;
END
$$;
COMMENT ON FUNCTION ctlpr.who_searched(text, text) IS 'The searches on record that sought a plate, refused ones included, newest first (13(j)); itself recorded, without the plate. Searches by place or time may have shown the plate without naming it, and are not among them';

/*
 * who_searched_outside(plate, claim) - the same from the audits that vendors
 * wrote (external_audit.sql), which are the vendors' word.
 *
 * Result: searches of the agencies that the role audits, and those in the
 * audits that they imported, newest first; how: exact, or pattern where the
 * searcher left something of the plate open (* or ?).
 * Errors and record: as those of who_searched().
 * Clause: 13(j).
 */
CREATE FUNCTION ctlpr.who_searched_outside(plate text, claim text DEFAULT NULL)
RETURNS TABLE (import_id bigint, line_no bigint, source text, searched_at timestamptz, searching_agency text, agency_id text, officer text,
	reason text, case_number text, offense text, screen_action text, screen_category text, screen_clause text, how text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	asked  text := $2;
	sought text;
	many   bigint;
BEGIN
	PERFORM ctlpr.check_text('plate', $1);
	IF asked IS NOT NULL THEN
		PERFORM ctlpr.check_text('claim', asked);
	END IF;
	sought := ctlpr.normal_plate($1);
	IF sought = '' OR char_length(sought) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "plate" has no characters of a plate, or too many',
			HINT = 'State the whole plate; case, spaces and punctuation do not matter.';
	END IF;
	RETURN QUERY
	SELECT s.import_id, s.line_no, a.source, s.searched_at, s.searching_agency, s.agency_id, s.officer, s.reason, s.case_number, s.offense,
		s.screen_action, s.screen_category, s.screen_clause, p.how
	FROM ctlpr.external_search s
		JOIN ctlpr.external_audit a ON a.import_id = s.import_id
		CROSS JOIN LATERAL (
			SELECT min(CASE WHEN x.plate ~ '[*?]' THEN 'pattern' ELSE 'exact' END) AS how
			FROM unnest(s.plates) x (plate)
			WHERE CASE
				WHEN x.plate ~ '[*?]' THEN ctlpr.normal_plate(x.plate) <> ''
					AND sought LIKE translate(upper(regexp_replace(x.plate COLLATE "C", '[\x01-\x29\x2b-\x2f\x3a-\x3e\x40\x5b-\x60\x7b-\x7f]', '', 'g') COLLATE "C"), '*?', '%_')
				ELSE ctlpr.normal_plate(x.plate) = sought
			END
		) p
	WHERE s.plates IS NOT NULL
		AND p.how IS NOT NULL
		/* the audit is the agency's that exported it, the search that of whoever searched */
		AND ctlpr.auditor_sees(s.agency_id, ARRAY[a.agency_id])
	ORDER BY s.searched_at DESC, s.import_id, s.line_no;
	GET DIAGNOSTICS many = ROW_COUNT;
	PERFORM ctlpr.record_event('who_searched', reason => asked, clause => '13(j)',
		detail => jsonb_build_object('function', 'who_searched_outside', 'searches', many));
END
$$;
COMMENT ON FUNCTION ctlpr.who_searched_outside(text, text) IS 'The searches in imported audits of vendors that sought a plate, newest first (13(j)); itself recorded, without the plate';

REVOKE ALL ON FUNCTION ctlpr.plate_condition(text, text[], text), ctlpr.sought_plate(text, text, text[], text), ctlpr.who_searched(text, text),
	ctlpr.who_searched_outside(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.who_searched(text, text), ctlpr.who_searched_outside(text, text) TO ctlpr_auditor;
