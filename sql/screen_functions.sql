/*
 * screen_functions.sql - screening of stated reasons: the terms, what they
 * find, and a supervisor's approval.
 */
CREATE FUNCTION ctlpr.screen_reason(reason text)
	RETURNS TABLE (action text, category text, clause text, term text)
	AS 'MODULE_PATHNAME', 'ctlpr_screen_reason' LANGUAGE C STABLE PARALLEL RESTRICTED NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.screen_reason(text) IS 'What a stated reason reveals under the statute in force: refuse or flag, category, clause and the term that decided; no row: nothing, or no statute is in force';

CREATE FUNCTION ctlpr.screen_pattern_flaw(pattern text) RETURNS text
	AS 'MODULE_PATHNAME', 'ctlpr_screen_pattern_flaw' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.screen_pattern_flaw(text) IS 'Internal: what is wrong with the pattern of a screen term; NULL: nothing';

CREATE FUNCTION ctlpr.reason_digest(agency_id text, purpose text, reason text, offense text, case_number text, on_behalf_of text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'ctlpr_reason_digest' LANGUAGE C IMMUTABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.reason_digest(text, text, text, text, text, text) IS 'Internal: digest of what a supervisor''s approval is about';

/*
 * set_screen_term(pattern, category, action, clause, note, statute) - write a
 * term, or put one in the place of the one that came with the extension.
 *
 * pattern: see docs/screening.md; category: what it reveals, a name in lower
 * case; action: refuse, flag, lawful or off; clause: what forbids it, needed
 * for refuse; note: why; statute: a known one, by default the one in force.
 * Errors: 22004, 22001, 22023 an argument; 42704 statute unknown; 55000 none
 * is adopted.
 * Clause: 13(d)(1) to (4); 15(a)(2) asks for such changes in the report.
 */
CREATE FUNCTION ctlpr.set_screen_term(pattern text, category text, action text, clause text DEFAULT NULL, note text DEFAULT NULL, statute text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law      text := set_screen_term.statute;
	plain    text;
	flaw     text;
	previous ctlpr.screen_term;
BEGIN
	PERFORM ctlpr.check_text('pattern', set_screen_term.pattern);
	PERFORM ctlpr.check_text('category', set_screen_term.category);
	PERFORM ctlpr.check_text('action', set_screen_term.action);
	IF set_screen_term.note IS NOT NULL THEN
		PERFORM ctlpr.check_text('note', set_screen_term.note);
	END IF;
	IF law IS NULL THEN
		law := (ctlpr.adopted_statute()).statute;
	ELSIF NOT EXISTS (SELECT FROM ctlpr.statute s WHERE s.statute = law) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('statute "%s" is not known', left(law, 63)),
			HINT = 'The table ctlpr.statute lists those that are.';
	END IF;
	IF set_screen_term.action NOT IN ('refuse', 'flag', 'lawful', 'off') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'unknown action of a screen term',
			HINT = 'The action is "refuse", "flag", "lawful" or "off".';
	END IF;
	IF set_screen_term.category !~ '^[a-z_]+$' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the category of a screen term has lower-case letters and underscores',
			HINT = 'See those that ctlpr.screen_term has.';
	END IF;
	IF set_screen_term.action = 'refuse' AND coalesce(set_screen_term.clause, '') = '' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a term that refuses names the clause that forbids',
			HINT = 'State clause, such as ''13(d)(3)''.';
	END IF;
	plain := regexp_replace(btrim(lower(set_screen_term.pattern)), '\s+', ' ', 'g');
	flaw := ctlpr.screen_pattern_flaw(plain);
	IF flaw IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the pattern of the screen term cannot be read',
			DETAIL = format('It %s.', flaw),
			HINT = 'A pattern is words between spaces: word, word*, word~, @list, #, _, (a|b), element?, element+, .., ^ and $; see docs/screening.md.';
	END IF;
	SELECT * INTO previous FROM ctlpr.screen_term t
		WHERE t.statute = law AND t.pattern = plain ORDER BY t.shipped LIMIT 1;
	INSERT INTO ctlpr.screen_term AS t (statute, pattern, category, action, clause, note)
		VALUES (law, plain, set_screen_term.category, set_screen_term.action, set_screen_term.clause, set_screen_term.note)
		ON CONFLICT ON CONSTRAINT screen_term_pkey DO UPDATE
			SET category = excluded.category, action = excluded.action, clause = excluded.clause, note = excluded.note, changed_at = now(), changed_by = session_user;
	PERFORM ctlpr.record_event('configuration', clause => coalesce(set_screen_term.clause, '13(d)'),
		detail => jsonb_build_object('function', 'set_screen_term', 'statute', law, 'term', plain, 'category', set_screen_term.category,
									 'action', set_screen_term.action, 'previous_action', previous.action));
END
$$;
COMMENT ON FUNCTION ctlpr.set_screen_term(text, text, text, text, text, text) IS 'Writes a term by which stated reasons are screened, or puts one in the place of the one that came with the extension; recorded';

/*
 * drop_screen_term(pattern, statute) - take back a term of one's own; one that
 * came with the extension is in force again.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 there is none of one's own;
 * 55000 no statute is adopted.
 * Clause: as set_screen_term().
 */
CREATE FUNCTION ctlpr.drop_screen_term(pattern text, statute text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law     text := coalesce(drop_screen_term.statute, (ctlpr.adopted_statute()).statute);
	plain   text;
	dropped ctlpr.screen_term;
BEGIN
	PERFORM ctlpr.check_text('pattern', drop_screen_term.pattern);
	plain := regexp_replace(btrim(lower(drop_screen_term.pattern)), '\s+', ' ', 'g');
	DELETE FROM ctlpr.screen_term t WHERE t.statute = law AND t.pattern = plain AND NOT t.shipped RETURNING t.* INTO dropped;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'there is no screen term of that pattern that was written here',
			HINT = CASE WHEN EXISTS (SELECT FROM ctlpr.screen_term t WHERE t.statute = law AND t.pattern = plain)
						THEN 'It came with the extension: SELECT ctlpr.set_screen_term(pattern, category, ''off'') puts it out of force.'
						ELSE 'The table ctlpr.screen_term lists the terms.' END;
	END IF;
	PERFORM ctlpr.record_event('configuration', clause => coalesce(dropped.clause, '13(d)'),
		detail => jsonb_build_object('function', 'drop_screen_term', 'statute', law, 'term', plain, 'category', dropped.category, 'action', dropped.action));
END
$$;
COMMENT ON FUNCTION ctlpr.drop_screen_term(text, text) IS 'Takes back a screen term that was written here; recorded';

/*
 * set_screen_list(list, words, note) - write a list of words that patterns
 * name, or put one in the place of the one that came with the extension; NULL
 * words: take it back.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 there is none to take back;
 * 55006 a pattern needs it.
 * Clause: as set_screen_term().
 */
CREATE FUNCTION ctlpr.set_screen_list(list text, words text[], note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('list', set_screen_list.list);
	IF set_screen_list.note IS NOT NULL THEN
		PERFORM ctlpr.check_text('note', set_screen_list.note);
	END IF;
	IF set_screen_list.list !~ '^[a-z_]{1,27}$' OR cardinality(set_screen_list.words) = 0
			OR EXISTS (SELECT FROM unnest(set_screen_list.words) w (word) WHERE (w.word ~ '^[a-z0-9]{1,29}[*~]?$') IS NOT TRUE) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the list of screened words cannot be read',
			HINT = 'Its name has lower-case letters and underscores; its words lower-case letters and digits, with * or ~ at the end where meant.';
	END IF;
	IF set_screen_list.words IS NULL THEN
		DELETE FROM ctlpr.screen_list l WHERE l.list = set_screen_list.list AND NOT l.shipped;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = '42704',
				MESSAGE = 'there is no list of that name that was written here',
				HINT = 'The table ctlpr.screen_list lists them.';
		END IF;
		IF NOT EXISTS (SELECT FROM ctlpr.screen_list l WHERE l.list = set_screen_list.list)
				AND EXISTS (SELECT FROM ctlpr.screen_term t WHERE t.pattern ~ ('@' || set_screen_list.list || '($|[^a-z_])')) THEN
			RAISE EXCEPTION USING ERRCODE = '55006',
				MESSAGE = 'patterns of ctlpr.screen_term name the list',
				HINT = 'Change or drop them first.';
		END IF;
	ELSE
		INSERT INTO ctlpr.screen_list AS l (list, words, note) VALUES (set_screen_list.list, set_screen_list.words, set_screen_list.note)
			ON CONFLICT ON CONSTRAINT screen_list_pkey DO UPDATE SET words = excluded.words, note = excluded.note, changed_at = now(), changed_by = session_user;
	END IF;
	PERFORM ctlpr.record_event('configuration', clause => '13(d)',
		detail => jsonb_build_object('function', 'set_screen_list', 'list', set_screen_list.list, 'words', cardinality(set_screen_list.words)));
END
$$;
COMMENT ON FUNCTION ctlpr.set_screen_list(text, text[], text) IS 'Writes a list of words that screen terms name as @list, or takes it back; recorded';

/*
 * refuse_forbidden_text(stated, action, agency_id, purpose) - what is stated
 * elsewhere than in begin_request() reveals no forbidden purpose either.
 *
 * Errors: LP008, recorded under that action.  Clause: 13(d)(1) to (4).
 */
CREATE FUNCTION ctlpr.refuse_forbidden_text(stated text, action text, agency_id text, purpose text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	screened record;
BEGIN
	SELECT * INTO screened FROM ctlpr.screen_reason(refuse_forbidden_text.stated) s;
	IF screened.action = 'refuse' THEN
		PERFORM ctlpr.record_event(refuse_forbidden_text.action, agency_id => refuse_forbidden_text.agency_id, purpose => refuse_forbidden_text.purpose,
			reason => refuse_forbidden_text.stated, clause => screened.clause, sqlstate => 'LP008',
			detail => jsonb_build_object('screen', jsonb_build_object('field', 'reason', 'action', screened.action, 'category', screened.category,
																	  'clause', screened.clause, 'term', screened.term)));
		RAISE EXCEPTION USING ERRCODE = 'LP008',
			MESSAGE = 'what is stated reveals a forbidden purpose',
			DETAIL = format('The statute decides so in %s.', screened.clause),
			HINT = 'State it again, as it is.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.refuse_forbidden_text(text, text, text, text) IS 'Internal: records and refuses a stated text that reveals a forbidden purpose';

/*
 * approve_reason(request_seq, justification) - a supervisor admits what a
 * request stated and was refused for.
 *
 * For a day, requests of that agency that state the same purpose, reason,
 * offense and case number, for the same agency, are not refused for it, and each says so in its
 * entry.  Nothing else of the decision changes: a forbidden purpose (LP004)
 * stays forbidden, whatever the reason.
 * request_seq: entry of the refused request, see ctlpr.refusals; justification:
 * why it is lawful.  The approver is the acting role, bound as a supervisor of
 * that agency, who is not whoever asked.
 * Result: number of the entry of the approval.
 * Errors: 22004, 22001, 22023 an argument; 42704 no such request; 55000 it was
 * not refused for its reason; and, recorded: LP002 role bound to no agency,
 * LP005 no supervisor of the agency that asked, or the requester approves.
 * Clause: 13(d)(1) to (4).
 */
CREATE FUNCTION ctlpr.approve_reason(request_seq bigint, justification text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = 'panic'
AS $$
DECLARE
	refused   ctlpr.audit_entry;
	approver  name := pg_get_userbyid(ctlpr.outer_role());
	state     text;
	message   text;
	hint_text text;
	/* of the refusal; that of the request only for who may approve for its agency: it tells what others were refused for */
	against   text := '13(d)';
	approval  bigint;
BEGIN
	IF approve_reason.request_seq IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "request_seq" must not be null',
			HINT = 'Use the number of the refused request, see ctlpr.refusals.';
	END IF;
	PERFORM ctlpr.check_text('justification', approve_reason.justification);
	SELECT * INTO refused FROM ctlpr.audit_entry e
		WHERE e.seq = approve_reason.request_seq AND e.entry = 'verdict' AND e.action = 'request';
	IF cardinality(ctlpr.acting_agencies()) = 0 THEN
		state := 'LP002';
		message := 'the role is bound to no agency';
		hint_text := 'An administrator binds roles with ctlpr.bind_role().';
	ELSIF refused.seq IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('entry %s of the log is no request', approve_reason.request_seq),
			HINT = 'Use the number of the refused request, see ctlpr.refusals.';
	ELSIF NOT EXISTS (SELECT FROM ctlpr.role_binding b
						WHERE b.role::oid = ctlpr.outer_role() AND b.agency_id = refused.agency_id AND b.supervisor) THEN
		state := 'LP005';
		message := 'the role is bound as no supervisor of the agency that asked';
		hint_text := 'A supervisory officer approves: call it as a role bound with supervisor => true.';
	ELSIF refused.sqlstate IS DISTINCT FROM 'LP008' THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('request %s was not refused for what it stated', refused.seq),
			DETAIL = 'Only LP008 can be admitted; no approval makes a forbidden purpose lawful (13(d)).',
			HINT = 'See its SQLSTATE and clause in ctlpr.refusals.';
	ELSIF refused.role IN (approver, session_user) OR refused.session_role IN (approver, session_user)
			OR ctlpr.plain_name(refused.officer) IN (ctlpr.plain_name(approver), ctlpr.plain_name(session_user)) THEN
		state := 'LP005';
		against := coalesce(refused.clause, against);
		message := 'the requester may not approve the reason';
		hint_text := 'Have another supervisory officer call it.';
	END IF;
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('reason_approval', agency_id => (ctlpr.acting_agencies())[1], reason => approve_reason.justification,
			clause => against, sqlstate => state,
			detail => jsonb_build_object('function', 'approve_reason', 'request_seq', approve_reason.request_seq));
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message,
			DETAIL = format('The statute decides so in %s.', against), HINT = hint_text;
	END IF;
	approval := ctlpr.record_event('reason_approval', agency_id => refused.agency_id, purpose => refused.purpose, reason => approve_reason.justification,
		clause => refused.clause,
		detail => jsonb_build_object('function', 'approve_reason', 'request_seq', refused.seq, 'term', refused.detail #> '{screen,term}'));
	INSERT INTO ctlpr.reason_approval AS a (request_seq, approval_seq, agency_id, digest, valid_until, justification, approved_by)
		VALUES (refused.seq, approval, refused.agency_id,
				ctlpr.reason_digest(refused.agency_id, refused.purpose, refused.reason, refused.offense, refused.case_number, refused.on_behalf_of),
				now() + interval '24 hours', approve_reason.justification, approver)
		ON CONFLICT ON CONSTRAINT reason_approval_pkey DO UPDATE
			SET approval_seq = excluded.approval_seq, valid_until = excluded.valid_until, justification = excluded.justification,
				approved_at = now(), approved_by = excluded.approved_by;
	RETURN approval;
END
$$;
COMMENT ON FUNCTION ctlpr.approve_reason(bigint, text) IS 'A supervisor admits for a day what a request stated and was refused for (LP008); recorded, and a finding; returns the entry''s number';

/*
 * register_immigration_agreement(agency_id, agreement),
 * end_immigration_agreement(agreement_id) - an agency assists immigration
 * enforcement by agreement, or does no more.
 *
 * A vague or missing reason of such an agency is flagged as contested.
 * Result: number of the agreement.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency or agreement unknown;
 * 55000 it has ended already.
 * Clause: 13(d)(3).
 */
CREATE FUNCTION ctlpr.register_immigration_agreement(agency_id text, agreement text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	party  ctlpr.agency := ctlpr.check_agency(register_immigration_agreement.agency_id);
	number bigint;
BEGIN
	PERFORM ctlpr.check_text('agreement', register_immigration_agreement.agreement);
	INSERT INTO ctlpr.immigration_agreement AS a (agency_id, agreement) VALUES (party.agency_id, register_immigration_agreement.agreement)
		RETURNING a.agreement_id INTO number;
	PERFORM ctlpr.record_event('configuration', agency_id => party.agency_id, clause => '13(d)(3)',
		detail => jsonb_build_object('function', 'register_immigration_agreement', 'agreement_id', number, 'agreement', register_immigration_agreement.agreement));
	RETURN number;
END
$$;
COMMENT ON FUNCTION ctlpr.register_immigration_agreement(text, text) IS 'Registers that an agency assists immigration enforcement by agreement, so that its vague reasons are contested ones, 13(d)(3)';

CREATE FUNCTION ctlpr.end_immigration_agreement(agreement_id bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.immigration_agreement;
BEGIN
	SELECT * INTO standing FROM ctlpr.immigration_agreement a WHERE a.agreement_id = end_immigration_agreement.agreement_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('agreement %s does not exist', coalesce(end_immigration_agreement.agreement_id::text, 'NULL')),
			HINT = 'The table ctlpr.immigration_agreement lists them.';
	END IF;
	IF standing.ended_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('agreement %s has ended already', standing.agreement_id);
	END IF;
	UPDATE ctlpr.immigration_agreement a SET ended_at = now(), ended_by = session_user WHERE a.agreement_id = standing.agreement_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.agency_id, clause => '13(d)(3)',
		detail => jsonb_build_object('function', 'end_immigration_agreement', 'agreement_id', standing.agreement_id));
END
$$;
COMMENT ON FUNCTION ctlpr.end_immigration_agreement(bigint) IS 'Registers that an agency no longer assists immigration enforcement by agreement';
