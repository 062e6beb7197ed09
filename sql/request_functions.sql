/*
 * request_functions.sql - standing requests, for programs that cannot call
 * begin_request(): dashboards, matchers, backups.
 */

/*
 * standing_request(role, purpose, reason, approved_by, valid_until,
 * agency_id) - open a role's own agency's reads for a purpose that may stand.
 *
 * role: the program's role, bound to an agency; purpose: one that the statute
 * lets stand, never an investigative one; reason: why; approved_by: who
 * approved; valid_until: instant at which it lapses; agency_id: which agency,
 * where the role is bound to several.
 * Result: number of the entry of the log under which its statements are recorded.
 * Errors: 22004, 22001, 22023 an argument; 42704 role unknown; 42710 one is
 * in force for that role and agency; 55000 no statute; and, recorded: LP002
 * not bound, LP003 purpose unknown, not in force, not for that kind of agency
 * or not one that may stand, LP004 purpose forbidden, LP005 agency, reason or
 * approval missing, LP006 the agency owns no reads here, LP008 the reason
 * reveals a forbidden purpose.
 * Clause: that of the purpose, 13(b)(1) or 13(g)(5); 13(d)(8) for why it
 * never reaches other agencies.
 */
CREATE FUNCTION ctlpr.standing_request(role regrole, purpose text, reason text, approved_by text, valid_until timestamptz, agency_id text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held_name   name := ctlpr.check_role(standing_request.role);
	in_force    ctlpr.statute := ctlpr.adopted_statute();
	bound       text[];
	acting_id   text;
	acting      ctlpr.agency;
	stated      ctlpr.statute_purpose;
	state       text;
	message     text;
	detail_text text;
	hint_text   text;
	existing    bigint;
	seq         bigint;
	arguments   jsonb;
BEGIN
	PERFORM ctlpr.check_text('purpose', standing_request.purpose);
	IF octet_length(standing_request.reason) > 4096 THEN
		PERFORM ctlpr.check_text('reason', standing_request.reason);
	END IF;
	IF octet_length(standing_request.approved_by) > 4096 THEN
		PERFORM ctlpr.check_text('approved_by', standing_request.approved_by);
	END IF;
	IF octet_length(standing_request.agency_id) > 4096 THEN
		PERFORM ctlpr.check_text('agency_id', standing_request.agency_id);
	END IF;
	IF standing_request.valid_until IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "valid_until" must not be null',
			HINT = 'State the instant at which the request lapses.';
	END IF;
	IF standing_request.valid_until <= now() OR NOT isfinite(standing_request.valid_until) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until must be an instant in the future',
			HINT = 'State the instant at which the request lapses; renew it then if it is still needed.';
	END IF;

	-- Agency: the checks and their order are those of begin_request().
	SELECT coalesce(array_agg(b.agency_id ORDER BY b.agency_id), '{}') INTO bound
		FROM ctlpr.role_binding b WHERE b.role = standing_request.role;
	acting_id := coalesce(standing_request.agency_id, CASE WHEN cardinality(bound) = 1 THEN bound[1] END);
	IF cardinality(bound) = 0 OR NOT coalesce(acting_id = ANY (bound), true) THEN
		state := 'LP002';
		message := format('role "%s" is not bound to %s', held_name,
						  CASE WHEN acting_id IS NULL THEN 'an agency' ELSE format('agency "%s"', left(acting_id, 63)) END);
		detail_text := 'A standing request opens the reads of the agency that the role acts for (13(b)(1)).';
		hint_text := 'Bind the role with ctlpr.bind_role().';
	ELSIF acting_id IS NULL THEN
		state := 'LP005';
		message := format('role "%s" is bound to several agencies', held_name);
		detail_text := 'A standing request is for one agency (13(b)(1)).';
		hint_text := 'State agency_id, and file a request for each agency that needs one.';
	END IF;

	-- Purpose.
	IF state IS NULL THEN
		acting := ctlpr.check_agency(acting_id);
		SELECT * INTO stated FROM ctlpr.statute_purpose p
			WHERE p.statute = in_force.statute AND p.purpose = standing_request.purpose
			ORDER BY (p.valid_from <= now() AND now() < p.valid_until) DESC, p.valid_from DESC LIMIT 1;
		IF stated.purpose IS NULL THEN
			state := 'LP003';
			message := 'purpose is not on the permitted list';
			detail_text := format('Statute %s knows no such purpose; the list of permitted purposes is closed.', in_force.statute);
		ELSIF NOT stated.permitted THEN
			state := 'LP004';
			message := format('purpose "%s" is forbidden', stated.purpose);
			detail_text := format('Clause %s forbids it to everybody.', stated.clause);
		ELSIF now() < stated.valid_from OR now() >= stated.valid_until THEN
			state := 'LP003';
			message := format('purpose "%s" is not in force', stated.purpose);
			detail_text := format('Clause %s does not permit it today.', stated.clause);
		ELSIF acting.kind <> ALL (stated.agency_kinds) THEN
			state := 'LP003';
			message := format('purpose "%s" is not open to an agency of kind %s', stated.purpose, acting.kind);
			detail_text := format('Clause %s permits it to others.', stated.clause);
		ELSIF NOT stated.standing THEN
			state := 'LP003';
			message := format('purpose "%s" may not stand', stated.purpose);
			detail_text := format('Under clause %s each use is a case of its own.', stated.clause);
		ELSIF standing_request.reason IS NULL OR standing_request.reason !~ '[^[:space:]]' THEN
			state := 'LP005';
			message := 'a standing request needs a reason';
			detail_text := format('The purpose is permitted by clause %s; why it must stand is part of the record.', stated.clause);
			hint_text := 'State the reason.';
		ELSIF standing_request.approved_by IS NULL OR standing_request.approved_by !~ '[^[:space:]]' THEN
			state := 'LP005';
			message := 'a standing request needs an approval';
			detail_text := format('The purpose is permitted by clause %s; who let it stand is part of the record.', stated.clause);
			hint_text := 'State in approved_by who approved it.';
		ELSIF acting.state <> in_force.state THEN
			state := 'LP006';
			message := format('agency "%s" owns no reads here', acting.agency_id);
			detail_text := 'A standing request opens own reads only; sharing is for documented, case-specific requests (13(d)(8)).';
			hint_text := 'Use ctlpr.begin_request() for each case.';
		END IF;
		IF state IS NOT NULL AND hint_text IS NULL THEN
			hint_text := coalesce((SELECT format('Purposes that may stand are: %s. Others are stated for each case with ctlpr.begin_request().', string_agg(p.purpose, ', ' ORDER BY p.purpose))
								   FROM ctlpr.statute_purpose p
								   WHERE p.statute = in_force.statute AND p.permitted AND p.standing
									   AND acting.kind = ANY (p.agency_kinds) AND p.valid_from <= now() AND now() < p.valid_until),
								  'State the purpose for each case with ctlpr.begin_request().');
		END IF;
	END IF;

	IF state IS NULL THEN
		PERFORM ctlpr.refuse_forbidden_text(standing_request.reason, 'configuration', acting_id, stated.purpose);
	END IF;
	arguments := jsonb_build_object('function', 'standing_request', 'role', held_name, 'agency_id', acting_id,
									'approved_by', standing_request.approved_by, 'valid_until', standing_request.valid_until);
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => acting_id, purpose => standing_request.purpose, reason => standing_request.reason,
			clause => coalesce(stated.clause, '13(b)(1)'), sqlstate => state, detail => arguments);
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail_text, HINT = hint_text;
	END IF;

	-- Two in force would leave open under which a statement is recorded.
	LOCK TABLE ctlpr.standing_request IN SHARE ROW EXCLUSIVE MODE;
	SELECT s.request_seq INTO existing FROM ctlpr.standing_request s
		WHERE s.role = standing_request.role AND s.agency_id = acting.agency_id AND s.valid_until > now();
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('role "%s" has a standing request for agency "%s"', held_name, acting.agency_id),
			HINT = format('End it with ctlpr.revoke_standing_request(%s, reason) first, or use another role for the other program.', existing);
	END IF;

	seq := ctlpr.record_event('configuration', agency_id => acting.agency_id, purpose => stated.purpose, reason => standing_request.reason,
		clause => stated.clause, detail => arguments);
	INSERT INTO ctlpr.standing_request AS s (request_seq, role, role_name, agency_id, purpose, reason, approved_by, valid_until)
		VALUES (seq, standing_request.role, held_name, acting.agency_id, stated.purpose, standing_request.reason,
				standing_request.approved_by, standing_request.valid_until);
	RETURN seq;
END
$$;
COMMENT ON FUNCTION ctlpr.standing_request(regrole, text, text, text, timestamptz, text) IS 'Opens a role''s own agency''s reads to a program for a purpose that may stand; returns the entry of the log under which its statements are recorded';

/*
 * revoke_standing_request(request_seq, reason) - end one before it lapses.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown.
 * Clause: 13(b)(1).
 */
CREATE FUNCTION ctlpr.revoke_standing_request(request_seq bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	filed ctlpr.standing_request;
BEGIN
	IF revoke_standing_request.request_seq IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "request_seq" must not be null',
			HINT = 'Use the number that ctlpr.standing_request() returned.';
	END IF;
	PERFORM ctlpr.check_text('reason', revoke_standing_request.reason);
	DELETE FROM ctlpr.standing_request s WHERE s.request_seq = revoke_standing_request.request_seq RETURNING s.* INTO filed;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('standing request %s does not exist', revoke_standing_request.request_seq),
			HINT = 'The table ctlpr.standing_request lists those that stand.';
	END IF;

	PERFORM ctlpr.record_event('configuration', agency_id => filed.agency_id, purpose => filed.purpose, reason => revoke_standing_request.reason,
		detail => jsonb_build_object('function', 'revoke_standing_request', 'request_seq', filed.request_seq, 'role', filed.role_name));
END
$$;
COMMENT ON FUNCTION ctlpr.revoke_standing_request(bigint, text) IS 'Ends a standing request at once';
