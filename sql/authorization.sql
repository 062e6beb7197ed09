/*
 * authorization.sql - legal instruments: written declarations.
 *
 * For ctlpr_registrar, the legal staff: who opens the data to others is not
 * who runs the database.
 */

/*
 * file_declaration(agency_id, signed_by, signed_on, document, valid_until) -
 * file the written declaration of an agency of another state.
 *
 * agency_id: who declared; signed_by: who signed for it; signed_on: date of
 * signature in the statute's time zone; document: where the paper is kept;
 * valid_until: last day on which it holds, NULL until it is withdrawn.
 * Result: number of the declaration.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 55000 no
 * statute; LP006 the statute does not take a declaration from an agency of
 * that kind and state; LP005 unsigned, or signed in the future.  LP005 and LP006 are recorded.
 * Clause: 13(d)(6)(B), 13(d)(7); found in ctlpr.statute_recipient.
 */
CREATE FUNCTION ctlpr.file_declaration(agency_id text, signed_by text, signed_on date, document text DEFAULT NULL, valid_until date DEFAULT NULL)
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
	IF rule.basis IS DISTINCT FROM 'declaration' THEN
		PERFORM ctlpr.record_event('configuration', agency_id => declaring.agency_id, clause => clause, sqlstate => 'LP006', detail => arguments);
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
					WHEN signed_on > today THEN 'a signature that is not in the future' END;
	IF missing IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => declaring.agency_id, clause => rule.clause, sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = format('the declaration lacks %s', missing),
			DETAIL = format('Clause %s demands a written declaration that has been signed.', rule.clause),
			HINT = 'State in signed_by who signed, and in signed_on the day of signature.';
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
COMMENT ON FUNCTION ctlpr.file_declaration(text, text, date, text, date) IS 'Files a written declaration under 13(d)(6)(B); returns its number';

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
