/*
 * authorization.sql - legal instruments: written declarations, authorizations
 * for specific data, suspensions.
 *
 * For ctlpr_registrar, the legal staff: who opens the data to others is not
 * who runs the database.
 */

/*
 * file_declaration(agency_id, signed_by, signed_on, document, valid_until,
 * affirms_compliance, affirms_no_immigration, affirms_no_care,
 * affirms_no_disclosure) - file the written declaration of an agency of
 * another state, or of a task force.
 *
 * agency_id: who declared; signed_by: who signed for it; signed_on: date of
 * signature in the statute's time zone; document: where the paper is kept;
 * valid_until: last day on which it holds, NULL until it is withdrawn; the last
 * four: the points that the act demands, each affirmed by the paper.  Filing
 * without naming them says that it affirms them all; one that is false or NULL
 * makes it no declaration.
 * Result: number of the declaration.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 55000 no
 * statute; LP006 the statute does not take a declaration from an agency of
 * that kind and state; LP005 unsigned, signed in the future, or a point missing.  LP005 and LP006 are recorded.
 * Clause: 13(d)(6)(B), 13(d)(7); found in ctlpr.statute_recipient.
 */
CREATE FUNCTION ctlpr.file_declaration(agency_id text, signed_by text, signed_on date, document text DEFAULT NULL, valid_until date DEFAULT NULL,
									   affirms_compliance boolean DEFAULT true, affirms_no_immigration boolean DEFAULT true,
									   affirms_no_care boolean DEFAULT true, affirms_no_disclosure boolean DEFAULT true)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	declaring ctlpr.agency := ctlpr.check_agency(file_declaration.agency_id);
	in_force  ctlpr.statute := ctlpr.adopted_statute();
	rule      ctlpr.statute_recipient;
	clause    text;
	today     date := (now() AT TIME ZONE in_force.time_zone)::date;
	filed     bigint;
	missing   text;
	arguments jsonb := jsonb_build_object('function', 'file_declaration', 'agency_id', file_declaration.agency_id,
										  'signed_on', file_declaration.signed_on, 'valid_until', file_declaration.valid_until);
BEGIN
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF octet_length(signed_by) > 4096 THEN
		PERFORM ctlpr.check_text('signed_by', signed_by);
	END IF;

	-- A rule that begins later counts: agencies declare before the day.
	SELECT min(r.clause) INTO clause
		FROM ctlpr.statute_recipient r
		WHERE r.statute = in_force.statute AND r.basis = 'declaration' AND r.valid_until > now();
	SELECT * INTO rule
		FROM ctlpr.statute_recipient r
		WHERE r.statute = in_force.statute AND r.valid_until > now()
			AND (r.states IS NULL OR declaring.state = ANY (r.states)) AND declaring.kind = ANY (r.agency_kinds)
		ORDER BY r.basis <> 'declaration', r.rank, r.valid_from LIMIT 1;
	IF rule.basis IS DISTINCT FROM 'declaration' AND NOT EXISTS (
			SELECT FROM ctlpr.statute_authorization i
			WHERE i.statute = in_force.statute AND i.declared AND i.valid_until > now()
				AND (i.states IS NULL OR declaring.state = ANY (i.states)) AND declaring.kind = ANY (i.agency_kinds)) THEN
		PERFORM ctlpr.record_event('configuration', agency_id => declaring.agency_id, clause => coalesce(clause, rule.clause), sqlstate => 'LP006', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP006',
			MESSAGE = format('a declaration opens nothing to agency "%s"', declaring.agency_id),
			DETAIL = CASE rule.basis
						WHEN 'authorization' THEN format('Clause %s opens reads to an agency of kind %s and state %s by an instrument for specific data only.', rule.clause, declaring.kind, declaring.state)
						WHEN 'none' THEN format('Clause %s opens reads to an agency of kind %s and state %s without a declaration.', rule.clause, declaring.kind, declaring.state)
						ELSE format('No clause of statute %s names an agency of kind %s and state %s.', in_force.statute, declaring.kind, declaring.state)
					 END,
			HINT = coalesce((SELECT format('Declarations are taken under clause %s from agencies of kind %s in %s.', r.clause,
										   array_to_string(r.agency_kinds, ', '), coalesce(array_to_string(r.states, ', '), 'any state'))
							 FROM ctlpr.statute_recipient r
							 WHERE r.statute = in_force.statute AND r.basis = 'declaration' AND r.valid_until > now()
							 ORDER BY r.rank LIMIT 1),
							'The statute in force takes no declarations.');
	END IF;

	missing := CASE WHEN signed_by IS NULL OR signed_by !~ '[^[:space:]]' THEN 'a signature'
					WHEN signed_on IS NULL THEN 'a date of signature'
					WHEN signed_on > today THEN 'a signature that is not in the future'
					WHEN affirms_compliance IS NOT TRUE THEN 'compliance with the prohibitions'
					WHEN affirms_no_immigration IS NOT TRUE THEN 'the point on immigration enforcement'
					WHEN affirms_no_care IS NOT TRUE THEN 'the point on reproductive and gender-affirming care'
					WHEN affirms_no_disclosure IS NOT TRUE THEN 'the point on further disclosure' END;
	IF missing IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => declaring.agency_id, clause => rule.clause, sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = format('the declaration lacks %s', missing),
			DETAIL = format('Clause %s demands a written declaration that has been signed and that affirms four points.', rule.clause),
			HINT = 'State in signed_by who signed, in signed_on the day of signature, and file it once it affirms all points.';
	END IF;
	IF NOT isfinite(signed_on) OR NOT isfinite(coalesce(valid_until, signed_on)) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'signed_on and valid_until must be days',
			HINT = 'Leave valid_until out when it holds until withdrawn.';
	END IF;
	IF valid_until < signed_on OR valid_until < today THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until lies before the day of signature or before today',
			HINT = 'State the last day on which the declaration holds, or leave it out when it holds until withdrawn.';
	END IF;

	INSERT INTO ctlpr.declaration AS d (agency_id, signed_by, signed_on, document, valid_until)
		VALUES (declaring.agency_id, file_declaration.signed_by, file_declaration.signed_on, file_declaration.document, file_declaration.valid_until)
		RETURNING d.declaration_id INTO filed;

	PERFORM ctlpr.record_event('configuration', agency_id => declaring.agency_id, clause => rule.clause,
		detail => arguments || jsonb_build_object('declaration_id', filed, 'signed_by', file_declaration.signed_by, 'document', file_declaration.document));
	RETURN filed;
END
$$;
COMMENT ON FUNCTION ctlpr.file_declaration(text, text, date, text, date, boolean, boolean, boolean, boolean) IS 'Files a written declaration under 13(d)(6)(B); returns its number';

/*
 * withdraw_declaration(declaration_id, reason) - from now on it no longer holds.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 withdrawn
 * before.  Statements that start after the commit are refused in open
 * sessions too.
 * Clause: 13(d)(6)(B), 13(d)(7).
 */
CREATE FUNCTION ctlpr.withdraw_declaration(declaration_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filed  ctlpr.declaration;
	clause text;
BEGIN
	IF withdraw_declaration.declaration_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "declaration_id" must not be null',
			HINT = 'Use the number that ctlpr.file_declaration() returned.';
	END IF;
	PERFORM ctlpr.check_text('reason', withdraw_declaration.reason);
	SELECT * INTO filed FROM ctlpr.declaration d WHERE d.declaration_id = withdraw_declaration.declaration_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('declaration %s does not exist', withdraw_declaration.declaration_id),
			HINT = 'The table ctlpr.declaration lists what is filed.';
	END IF;
	IF filed.withdrawn_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('declaration %s was withdrawn before', filed.declaration_id),
			DETAIL = format('It has not held since %s.', filed.withdrawn_at),
			HINT = 'To let the agency in again, file the new declaration with ctlpr.file_declaration().';
	END IF;

	UPDATE ctlpr.declaration d
		SET withdrawn_at = now(), withdrawn_by = session_user, withdrawn_reason = withdraw_declaration.reason
		WHERE d.declaration_id = filed.declaration_id;

	SELECT min(r.clause) INTO clause
		FROM ctlpr.statute_recipient r JOIN ctlpr.statute_adoption a ON a.statute = r.statute
		WHERE r.basis = 'declaration' AND r.valid_until > now();
	PERFORM ctlpr.record_event('configuration', agency_id => filed.agency_id, reason => withdraw_declaration.reason, clause => clause,
		detail => jsonb_build_object('function', 'withdraw_declaration', 'declaration_id', filed.declaration_id, 'agency_id', filed.agency_id));
END
$$;
COMMENT ON FUNCTION ctlpr.withdraw_declaration(bigint, text) IS 'Withdraws a declaration at once, also for sessions that are open';

/*
 * normal_plate(plate) - a plate as instruments compare it: capital letters and
 * digits.  Only ASCII is changed, as the library does (instruments.c): what else
 * there is stays as it is, whatever the locale.
 */
CREATE FUNCTION ctlpr.normal_plate(plate text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE NOT LEAKPROOF
	RETURN pg_catalog.upper(pg_catalog.regexp_replace(plate COLLATE "C", '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]', '', 'g') COLLATE "C");
COMMENT ON FUNCTION ctlpr.normal_plate(text) IS 'A plate as instruments compare it: without case, spaces and punctuation';

/*
 * is_bounded(captured) - has a range of capture a beginning and an end?
 */
CREATE FUNCTION ctlpr.is_bounded(captured tstzrange) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN coalesce(pg_catalog.isfinite(pg_catalog.lower(captured)) AND pg_catalog.isfinite(pg_catalog.upper(captured)), false);
COMMENT ON FUNCTION ctlpr.is_bounded(tstzrange) IS 'Internal: a range of capture has a beginning and an end';

/*
 * missing_demand(kind's row, ...) - what an instrument lacks that its kind
 * demands; NULL when it lacks nothing.
 */
CREATE FUNCTION ctlpr.missing_demand(rule ctlpr.statute_authorization, filed ctlpr.legal_authorization)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE
		WHEN 'plates' = ANY (rule.demands) AND filed.plates IS NULL THEN 'the plates that it names'
		WHEN 'one_plate' = ANY (rule.demands) AND coalesce(cardinality(filed.plates), 0) <> 1 THEN 'the one plate that it is about'
		WHEN 'captured' = ANY (rule.demands) AND NOT ctlpr.is_bounded(filed.captured) THEN 'the range of capture that it names, with a beginning and an end'
		WHEN 'specific' = ANY (rule.demands) AND filed.plates IS NULL AND filed.cameras IS NULL AND NOT ctlpr.is_bounded(filed.captured) THEN 'the specific data that it covers'
		WHEN 'hold' = ANY (rule.demands) AND filed.hold_id IS NULL THEN 'the hold whose evidence it covers'
		WHEN 'issuer' = ANY (rule.demands) AND coalesce(filed.issued_by !~ '[^[:space:]]', true) THEN 'the judge who issued it'
		WHEN 'approver' = ANY (rule.demands) AND coalesce(filed.approved_by !~ '[^[:space:]]', true) THEN 'the approval of the head or the designee'
		WHEN 'participant' = ANY (rule.demands) AND filed.participating_agency IS NULL THEN 'the agency of this state that takes part'
		WHEN 'case_number' = ANY (rule.demands) AND coalesce(filed.case_number !~ '[^[:space:]]', true) THEN 'a case number'
		WHEN 'consent' = ANY (rule.demands) AND coalesce(cardinality(filed.registrants), 0) = 0 THEN 'the registrants'
		WHEN 'consent' = ANY (rule.demands) AND NOT coalesce(filed.registrants <@ filed.consenting, false) THEN 'the consent of every co-registrant'
	END;
END
$$;
COMMENT ON FUNCTION ctlpr.missing_demand(ctlpr.statute_authorization, ctlpr.legal_authorization) IS 'Internal: what an instrument lacks that its kind demands; NULL when nothing';

/*
 * authorize(kind, agency_id, plates, captured, case_number, issued_by,
 * approved_by, valid_until, document, court, cameras, hold_id,
 * participating_agency, registrants, consenting, natural_persons, valid_from)
 * - file an instrument that opens specific data.
 *
 * kind: one of ctlpr.statute_authorization; agency_id: whom it is for; plates:
 * those it names (compared without case, spaces and punctuation); captured:
 * range of capture that it names; cameras: those it names, as the relation's
 * camera column has them; hold_id: the hold whose evidence it covers; issued_by
 * and court: judge and court; approved_by: head of the task force or designee;
 * participating_agency: agency of this state that belongs to the task force;
 * registrants: all owners, lessors and regular users of the vehicle during
 * captured, and consenting: those who joined in the request; natural_persons:
 * all of them are; valid_from, valid_until: when it may be used.  What is NULL
 * does not narrow; a kind that demands specific data refuses it.
 * Result: number that begin_request() takes.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency or hold unknown;
 * 55000 no statute; and, recorded: LP003 the statute knows no such kind,
 * LP005 something that the clause demands is missing, LP006 not for an agency
 * of that kind and state, or the issuer is none.
 * Clause: 13(d)(6)(B) to (D), 13(b)(2)(A)(i); found in ctlpr.statute_authorization.
 */
CREATE FUNCTION ctlpr.authorize(kind text, agency_id text, plates text[] DEFAULT NULL, captured tstzrange DEFAULT NULL, case_number text DEFAULT NULL,
								issued_by text DEFAULT NULL, approved_by text DEFAULT NULL, valid_until timestamptz DEFAULT NULL, document text DEFAULT NULL,
								court text DEFAULT NULL, cameras text[] DEFAULT NULL, hold_id bigint DEFAULT NULL, participating_agency text DEFAULT NULL,
								registrants text[] DEFAULT NULL, consenting text[] DEFAULT NULL, natural_persons boolean DEFAULT true,
								valid_from timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = 'panic'
AS $$
DECLARE
	holder    ctlpr.agency := ctlpr.check_agency(authorize.agency_id);
	in_force  ctlpr.statute := ctlpr.adopted_statute();
	rule      ctlpr.statute_authorization;
	filed     ctlpr.legal_authorization;
	state     text;
	message   text;
	hint_text text;
	missing   text;
	value     text;
	result    bigint;
	arguments jsonb;
BEGIN
	PERFORM ctlpr.check_text('kind', authorize.kind);
	FOREACH value IN ARRAY ARRAY[case_number, issued_by, approved_by, document, court] LOOP
		IF octet_length(value) > 4096 THEN
			PERFORM ctlpr.check_text('argument', value);
		END IF;
	END LOOP;
	IF participating_agency IS NOT NULL THEN
		IF (ctlpr.check_agency(participating_agency)).state <> in_force.state THEN
			RAISE EXCEPTION USING ERRCODE = '22023',
				MESSAGE = 'the participating agency is none of this state',
				HINT = 'Name the agency of this state that belongs to the task force.';
		END IF;
	END IF;
	IF array_position(authorize.plates, NULL) IS NOT NULL OR array_position(authorize.cameras, NULL) IS NOT NULL
			OR EXISTS (SELECT FROM unnest(authorize.plates) p (plate) WHERE ctlpr.normal_plate(p.plate) = '')
			OR cardinality(authorize.plates) = 0 OR cardinality(authorize.cameras) = 0 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a list of plates or cameras is empty, or names one that is null or blank',
			HINT = 'Name each, or leave the list out where the instrument does not narrow by it.';
	END IF;
	IF isempty(authorize.captured) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the range of capture is empty',
			HINT = 'State the first and the last instant that the instrument names.';
	END IF;
	IF coalesce(authorize.valid_until, 'infinity') <= greatest(now(), coalesce(authorize.valid_from, now())) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until must lie in the future, after valid_from',
			HINT = 'State the instant at which the instrument can no longer be used.';
	END IF;
	IF NOT EXISTS (SELECT FROM ctlpr.hold h WHERE h.hold_id = authorize.hold_id) AND authorize.hold_id IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('hold %s does not exist', authorize.hold_id),
			HINT = 'Use the number that ctlpr.preserve() returned.';
	END IF;

	filed := ROW (NULL, authorize.kind, holder.agency_id,
				  (SELECT array_agg(DISTINCT ctlpr.normal_plate(p.plate)) FROM unnest(authorize.plates) p (plate)),
				  authorize.captured, authorize.cameras, authorize.hold_id, authorize.case_number,
				  coalesce(authorize.valid_from, now()), coalesce(authorize.valid_until, 'infinity'), NULL,
				  authorize.issued_by, authorize.court, authorize.approved_by, authorize.participating_agency,
				  authorize.registrants, authorize.consenting, authorize.document, now(), session_user, NULL, NULL)::ctlpr.legal_authorization;
	arguments := jsonb_build_object('function', 'authorize', 'kind', authorize.kind, 'agency_id', holder.agency_id,
									'plates', cardinality(filed.plates), 'valid_from', filed.valid_from, 'valid_until', filed.valid_until);

	-- A rule that begins later counts: instruments are filed before the day.
	SELECT * INTO rule FROM ctlpr.statute_authorization i
		WHERE i.statute = in_force.statute AND i.kind = authorize.kind AND i.valid_until > now()
		ORDER BY i.valid_from LIMIT 1;
	IF rule.kind IS NULL THEN
		state := 'LP003';
		message := 'the statute knows no instrument of that kind';
		hint_text := format('Its kinds are: %s.', (SELECT string_agg(DISTINCT i.kind, ', ') FROM ctlpr.statute_authorization i WHERE i.statute = in_force.statute));
	ELSIF holder.kind <> ALL (rule.agency_kinds) OR NOT coalesce(holder.state = ANY (rule.states), true) THEN
		state := 'LP006';
		message := format('an instrument of kind "%s" is not for an agency of kind %s and state %s', rule.kind, holder.kind, holder.state);
		hint_text := 'The table ctlpr.statute_authorization says which instruments an agency can have.';
	ELSIF rule.refused_issuers IS NOT NULL AND concat_ws(' ', issued_by, court, document, approved_by) ~* rule.refused_issuers THEN
		state := 'LP006';
		message := format('what was issued is no instrument of kind "%s"', rule.kind);
		hint_text := 'A subpoena or a grand jury''s demand opens nothing: it takes a judge.';
	ELSE
		missing := ctlpr.missing_demand(rule, filed);
		IF missing IS NULL AND 'consent' = ANY (rule.demands) AND natural_persons IS NOT TRUE THEN
			missing := 'registrants who are natural persons';
		END IF;
		IF missing IS NOT NULL THEN
			state := 'LP005';
			message := format('the instrument lacks %s', missing);
			hint_text := 'Complete it, or have it completed by who issued it.';
		END IF;
	END IF;
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => holder.agency_id, clause => coalesce(rule.clause, '13(d)(6)'), sqlstate => state, detail => arguments);
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message,
			DETAIL = format('Clause %s demands it.', coalesce(rule.clause, '13(d)(6)')), HINT = hint_text;
	END IF;

	INSERT INTO ctlpr.legal_authorization AS a (kind, agency_id, plates, captured, cameras, hold_id, case_number, valid_from, valid_until, issued_by, court,
												approved_by, participating_agency, registrants, consenting, document)
		VALUES (filed.kind, filed.agency_id, filed.plates, filed.captured, filed.cameras, filed.hold_id, filed.case_number, filed.valid_from, filed.valid_until,
				filed.issued_by, filed.court, filed.approved_by, filed.participating_agency, filed.registrants, filed.consenting, filed.document)
		RETURNING a.authorization_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => holder.agency_id, clause => rule.clause,
		detail => arguments || jsonb_build_object('authorization_id', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.authorize(text, text, text[], tstzrange, text, text, text, timestamptz, text, text, text[], bigint, text, text[], text[], boolean, timestamptz) IS
	'Files an instrument that opens specific data: probable_cause_warrant | terrorist_screening_match | task_force | court_order | registrant; returns the number that begin_request() takes';

/*
 * revoke_authorization(authorization_id, reason) - from now on it opens nothing.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 revoked
 * before.  Statements that start after the commit are refused in open
 * sessions too.
 * Clause: 13(d)(6).
 */
CREATE FUNCTION ctlpr.revoke_authorization(authorization_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filed ctlpr.legal_authorization;
BEGIN
	IF revoke_authorization.authorization_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "authorization_id" must not be null',
			HINT = 'Use the number that ctlpr.authorize() returned.';
	END IF;
	PERFORM ctlpr.check_text('reason', revoke_authorization.reason);
	SELECT * INTO filed FROM ctlpr.legal_authorization a WHERE a.authorization_id = revoke_authorization.authorization_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('authorization %s does not exist', revoke_authorization.authorization_id),
			HINT = 'The table ctlpr.legal_authorization lists what is filed.';
	END IF;
	IF filed.revoked_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('authorization %s was revoked before', filed.authorization_id),
			DETAIL = format('It has not held since %s.', filed.revoked_at),
			HINT = 'To open the data again, file the new instrument with ctlpr.authorize().';
	END IF;
	UPDATE ctlpr.legal_authorization a
		SET revoked_at = now(), revoked_by = session_user, revoked_reason = revoke_authorization.reason
		WHERE a.authorization_id = filed.authorization_id;
	PERFORM ctlpr.record_event('configuration', agency_id => filed.agency_id, reason => revoke_authorization.reason, clause => '13(d)(6)',
		detail => jsonb_build_object('function', 'revoke_authorization', 'authorization_id', filed.authorization_id, 'kind', filed.kind));
END
$$;
COMMENT ON FUNCTION ctlpr.revoke_authorization(bigint, text) IS 'Revokes an instrument at once, also for sessions that are open';

/*
 * suspend_sharing(agency_id, directed_by, reason) - stop sharing with an
 * agency, in every session at once.
 *
 * directed_by: who directed it (the Police Officer Standards and Training
 * Council, after a determination of misuse).  No statement that starts after
 * the commit returns rows to that agency, or to anyone on its behalf.  Of its
 * own reads an agency of this state keeps the use.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 42710
 * suspended already.
 * Clause: 13(l).
 */
CREATE FUNCTION ctlpr.suspend_sharing(agency_id text, directed_by text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stopped ctlpr.agency := ctlpr.check_agency(suspend_sharing.agency_id);
BEGIN
	PERFORM ctlpr.check_text('directed_by', suspend_sharing.directed_by);
	PERFORM ctlpr.check_text('reason', suspend_sharing.reason);
	INSERT INTO ctlpr.suspension AS s (agency_id, directed_by, reason)
		VALUES (stopped.agency_id, suspend_sharing.directed_by, suspend_sharing.reason)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('sharing with agency "%s" is suspended already', stopped.agency_id),
			HINT = 'The table ctlpr.suspension says since when and by whose direction.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => stopped.agency_id, reason => suspend_sharing.reason, clause => '13(l)',
		detail => jsonb_build_object('function', 'suspend_sharing', 'agency_id', stopped.agency_id, 'directed_by', suspend_sharing.directed_by));
END
$$;
COMMENT ON FUNCTION ctlpr.suspend_sharing(text, text, text) IS 'Stops sharing with an agency in every session at once, 13(l)';

/*
 * resume_sharing(agency_id, directed_by, reason) - end a suspension.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 55000 not
 * suspended.
 * Clause: 13(l).
 */
CREATE FUNCTION ctlpr.resume_sharing(agency_id text, directed_by text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stopped ctlpr.agency := ctlpr.check_agency(resume_sharing.agency_id);
BEGIN
	PERFORM ctlpr.check_text('directed_by', resume_sharing.directed_by);
	PERFORM ctlpr.check_text('reason', resume_sharing.reason);
	UPDATE ctlpr.suspension s
		SET resumed_at = now(), resumed_by = session_user, resumed_directed_by = resume_sharing.directed_by, resumed_reason = resume_sharing.reason
		WHERE s.agency_id = stopped.agency_id AND s.resumed_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('sharing with agency "%s" is not suspended', stopped.agency_id),
			HINT = 'The table ctlpr.suspension lists what is, and was.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => stopped.agency_id, reason => resume_sharing.reason, clause => '13(l)',
		detail => jsonb_build_object('function', 'resume_sharing', 'agency_id', stopped.agency_id, 'directed_by', resume_sharing.directed_by));
END
$$;
COMMENT ON FUNCTION ctlpr.resume_sharing(text, text, text) IS 'Ends a suspension, 13(l)';
