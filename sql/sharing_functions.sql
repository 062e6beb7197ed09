/*
 * sharing_functions.sql - networks, limits that agencies set themselves, and
 * what agency applications add to a request afterwards.
 */

/*
 * register_network(network_id, name) - make a sharing network known.
 *
 * Errors: 22004, 22001, 22023 an argument; 42710 registered already.
 * Clause: 13(d)(7).
 */
CREATE FUNCTION ctlpr.register_network(network_id text, name text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('network_id', register_network.network_id);
	PERFORM ctlpr.check_text('name', register_network.name);
	IF octet_length(register_network.network_id) > 63 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'network identifier is longer than 63 bytes',
			HINT = 'Use a short stable identifier.';
	END IF;
	INSERT INTO ctlpr.network AS n (network_id, name) VALUES (register_network.network_id, register_network.name) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('network "%s" is registered already', register_network.network_id),
			HINT = 'Admit its participants with ctlpr.join_network().';
	END IF;
	PERFORM ctlpr.record_event('configuration', clause => '13(d)(7)',
		detail => jsonb_build_object('function', 'register_network', 'network_id', register_network.network_id));
END
$$;
COMMENT ON FUNCTION ctlpr.register_network(text, text) IS 'Registers a sharing network, 13(d)(7)';

/*
 * join_network(network_id, agency_id) - admit a participant.
 *
 * An agency of another state needs a declaration in force; when that ends, the
 * network shares with none of its members of other states until it is renewed
 * or the member has left.
 * Errors: 22004 an argument; 42704 network or agency unknown; 42710 a member
 * already; LP006 no declaration in force, recorded.
 * Clause: 13(d)(7).
 */
CREATE FUNCTION ctlpr.join_network(network_id text, agency_id text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	joining  ctlpr.agency := ctlpr.check_agency(join_network.agency_id);
	in_force ctlpr.statute := ctlpr.adopted_statute();
	today    date := (now() AT TIME ZONE in_force.time_zone)::date;
BEGIN
	IF NOT EXISTS (SELECT FROM ctlpr.network n WHERE n.network_id = join_network.network_id) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'network is not registered',
			HINT = 'Register it with ctlpr.register_network().';
	END IF;
	IF joining.state <> in_force.state AND NOT EXISTS (
			SELECT FROM ctlpr.declaration d
			WHERE d.agency_id = joining.agency_id AND d.withdrawn_at IS NULL AND today BETWEEN d.signed_on AND coalesce(d.valid_until, 'infinity')
				AND d.affirms_compliance AND d.affirms_no_immigration AND d.affirms_no_care AND d.affirms_no_disclosure) THEN
		PERFORM ctlpr.record_event('configuration', agency_id => joining.agency_id, clause => '13(d)(7)', sqlstate => 'LP006',
			detail => jsonb_build_object('function', 'join_network', 'network_id', join_network.network_id, 'agency_id', joining.agency_id));
		RAISE EXCEPTION USING ERRCODE = 'LP006',
			MESSAGE = format('agency "%s" has no declaration in force', joining.agency_id),
			DETAIL = 'Clause 13(d)(7) allows a sharing network only where each participant executed a declaration.',
			HINT = 'File its declaration with ctlpr.file_declaration() first.';
	END IF;
	INSERT INTO ctlpr.network_member AS m (network_id, agency_id) VALUES (join_network.network_id, joining.agency_id) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('agency "%s" is a member of the network already', joining.agency_id),
			HINT = 'Nothing needs to be done.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => joining.agency_id, clause => '13(d)(7)',
		detail => jsonb_build_object('function', 'join_network', 'network_id', join_network.network_id, 'agency_id', joining.agency_id));
END
$$;
COMMENT ON FUNCTION ctlpr.join_network(text, text) IS 'Admits a participant to a sharing network, 13(d)(7)';

/*
 * leave_network(network_id, agency_id) - end a participation.
 *
 * Errors: 42704 not a member.
 * Clause: 13(d)(7).
 */
CREATE FUNCTION ctlpr.leave_network(network_id text, agency_id text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM ctlpr.network_member m WHERE m.network_id = leave_network.network_id AND m.agency_id = leave_network.agency_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'the agency is no member of the network',
			HINT = 'The table ctlpr.network_member lists the participants.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => leave_network.agency_id, clause => '13(d)(7)',
		detail => jsonb_build_object('function', 'leave_network', 'network_id', leave_network.network_id, 'agency_id', leave_network.agency_id));
END
$$;
COMMENT ON FUNCTION ctlpr.leave_network(text, text) IS 'Ends a participation in a sharing network, 13(d)(7)';

/*
 * limit_sharing(agency_id, reason, recipient_agency, recipient_state,
 * recipient_kind, purpose) - withhold an agency's reads from whom the law
 * would let see them.
 *
 * What is NULL does not narrow the limit: one without recipient and purpose
 * withholds the reads from every other agency.  An instrument that compels,
 * such as a judge's warrant, is not limited.
 * Result: number of the limit.
 * Errors: 22004, 22001, 22023 an argument; 42704 an agency or purpose unknown.
 * Clause: 13(d)(6) permits sharing and compels none; 14(b), a stricter policy.
 */
CREATE FUNCTION ctlpr.limit_sharing(agency_id text, reason text, recipient_agency text DEFAULT NULL, recipient_state text DEFAULT NULL,
									recipient_kind text DEFAULT NULL, purpose text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner  ctlpr.agency := ctlpr.check_agency(limit_sharing.agency_id);
	result bigint;
BEGIN
	PERFORM ctlpr.check_text('reason', limit_sharing.reason);
	IF limit_sharing.recipient_agency IS NOT NULL THEN
		PERFORM ctlpr.check_agency(limit_sharing.recipient_agency);
	END IF;
	IF limit_sharing.recipient_state !~ '^[A-Z]{2}$' OR limit_sharing.recipient_kind NOT IN ('police', 'public_agency', 'task_force', 'prosecutor', 'federal', 'vendor', 'other') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'state or kind of the recipient is not known',
			HINT = 'Use a two-letter state, and a kind that ctlpr.register_agency() takes.';
	END IF;
	IF limit_sharing.purpose IS NOT NULL THEN
		PERFORM ctlpr.check_purpose(limit_sharing.purpose);
	END IF;
	INSERT INTO ctlpr.sharing_limit AS l (agency_id, recipient_agency, recipient_state, recipient_kind, purpose, reason)
		VALUES (owner.agency_id, limit_sharing.recipient_agency, limit_sharing.recipient_state, limit_sharing.recipient_kind, limit_sharing.purpose, limit_sharing.reason)
		RETURNING l.limit_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => owner.agency_id, reason => limit_sharing.reason, clause => '13(d)(6)',
		detail => jsonb_build_object('function', 'limit_sharing', 'limit_id', result, 'recipient_agency', limit_sharing.recipient_agency,
			'recipient_state', limit_sharing.recipient_state, 'recipient_kind', limit_sharing.recipient_kind, 'purpose', limit_sharing.purpose));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.limit_sharing(text, text, text, text, text, text) IS 'Withholds an agency''s reads from recipients or for purposes that the law would allow; returns the number of the limit';

/*
 * check_purpose(purpose) - the statute in force knows it.
 *
 * Errors: 22004 NULL; 42704 unknown; 55000 no statute.
 */
CREATE FUNCTION ctlpr.check_purpose(purpose text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('purpose', check_purpose.purpose);
	IF NOT EXISTS (SELECT FROM ctlpr.statute_purpose p WHERE p.statute = (ctlpr.adopted_statute()).statute AND p.purpose = check_purpose.purpose) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'the statute in force knows no such purpose',
			HINT = 'The table ctlpr.statute_purpose lists those that it knows.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_purpose(text) IS 'Internal: errors unless the statute in force knows the purpose';

/*
 * forbid_purpose(agency_id, purpose, reason) - an agency rules out a purpose
 * for its own people, and for others over its reads.
 *
 * Result: number of the limit.  Errors: as limit_sharing().
 * Clause: 14(b), a stricter policy.
 */
CREATE FUNCTION ctlpr.forbid_purpose(agency_id text, purpose text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner  ctlpr.agency := ctlpr.check_agency(forbid_purpose.agency_id);
	result bigint;
BEGIN
	PERFORM ctlpr.check_text('reason', forbid_purpose.reason);
	PERFORM ctlpr.check_purpose(forbid_purpose.purpose);
	INSERT INTO ctlpr.sharing_limit AS l (agency_id, purpose, own, reason)
		VALUES (owner.agency_id, forbid_purpose.purpose, true, forbid_purpose.reason)
		RETURNING l.limit_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => owner.agency_id, reason => forbid_purpose.reason, clause => '14(b)',
		detail => jsonb_build_object('function', 'forbid_purpose', 'limit_id', result, 'purpose', forbid_purpose.purpose));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.forbid_purpose(text, text, text) IS 'Rules out a purpose for an agency''s own people and over its reads; returns the number of the limit';

/*
 * lift_limit(limit_id, reason) - end a limit of limit_sharing() or forbid_purpose().
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 lifted before.
 */
CREATE FUNCTION ctlpr.lift_limit(limit_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.sharing_limit;
BEGIN
	PERFORM ctlpr.check_text('reason', lift_limit.reason);
	SELECT * INTO standing FROM ctlpr.sharing_limit l WHERE l.limit_id = lift_limit.limit_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'there is no such limit',
			HINT = 'The table ctlpr.sharing_limit lists them.';
	END IF;
	IF standing.lifted_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('limit %s was lifted before', standing.limit_id),
			HINT = 'Nothing needs to be done.';
	END IF;
	UPDATE ctlpr.sharing_limit l SET lifted_at = now(), lifted_by = session_user, lifted_reason = lift_limit.reason WHERE l.limit_id = standing.limit_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.agency_id, reason => lift_limit.reason, clause => '13(d)(6)',
		detail => jsonb_build_object('function', 'lift_limit', 'limit_id', standing.limit_id));
END
$$;
COMMENT ON FUNCTION ctlpr.lift_limit(bigint, text) IS 'Ends a limit that an agency had set itself';

/*
 * acting_agencies() - agencies that the acting role is bound to.
 */
CREATE FUNCTION ctlpr.acting_agencies()
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(b.agency_id ORDER BY b.agency_id), '{}') FROM ctlpr.role_binding b WHERE b.role::oid = ctlpr.outer_role()
$$;
COMMENT ON FUNCTION ctlpr.acting_agencies() IS 'Internal: agencies that the acting role is bound to';

/*
 * own_request(request_seq) - the request as recorded, when it is one of an
 * agency that the acting role is bound to.
 *
 * Errors: 22004 NULL; 42704 there is none, or it is another agency's (recorded as LP002).
 */
CREATE FUNCTION ctlpr.own_request(request_seq bigint)
RETURNS ctlpr.audit_entry
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_request ctlpr.audit_entry;
BEGIN
	IF own_request.request_seq IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "request_seq" must not be null',
			HINT = 'Use the number that ctlpr.begin_request() returned.';
	END IF;
	IF cardinality(ctlpr.acting_agencies()) = 0 THEN
		PERFORM ctlpr.record_event('request', clause => '13(d)(6)', sqlstate => 'LP002');
		RAISE EXCEPTION USING ERRCODE = 'LP002',
			MESSAGE = 'the role is bound to no agency',
			DETAIL = 'The statute decides so in 13(d)(6).',
			HINT = 'An administrator binds roles with ctlpr.bind_role().';
	END IF;
	SELECT * INTO found_request FROM ctlpr.audit_entry e
		WHERE e.seq = own_request.request_seq AND e.entry = 'verdict' AND e.action = 'request' AND e.allowed AND e.agency_id = ANY (ctlpr.acting_agencies());
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('request %s is none of the agencies that the role acts for', own_request.request_seq),
			HINT = 'Use the number that ctlpr.begin_request() returned.';
	END IF;
	RETURN found_request;
END
$$;
COMMENT ON FUNCTION ctlpr.own_request(bigint) IS 'Internal: a recorded request of an agency that the acting role is bound to, or an error';

/*
 * is_pending(case_number) - it says that a number will follow, as the library
 * reads it (request.c).
 */
CREATE FUNCTION ctlpr.is_pending(case_number text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE NOT LEAKPROOF
	RETURN pg_catalog.lower(pg_catalog.btrim(case_number, E' \t\r\n')) OPERATOR(pg_catalog.=) 'pending';
COMMENT ON FUNCTION ctlpr.is_pending(text) IS 'Internal: a case number that is to follow';

/*
 * complete_request(request_seq, case_number) - add the number to a request
 * that stated "pending".
 *
 * May be called by any role of the agency, once.
 * Errors: 22004, 22001, 22023 an argument; 42704 no such request of the
 * agency; 55000 it had a number, or was completed before; and, recorded: LP002
 * role bound to no agency, LP008 the number reveals a forbidden purpose.
 * Clause: 13(d)(8).
 */
CREATE FUNCTION ctlpr.complete_request(request_seq bigint, case_number text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	begun ctlpr.audit_entry;
BEGIN
	PERFORM ctlpr.check_text('case_number', complete_request.case_number);
	begun := ctlpr.own_request(complete_request.request_seq);
	IF NOT coalesce(ctlpr.is_pending(begun.case_number), false) THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('request %s did not state that its case number is pending', begun.seq),
			HINT = 'A number is stated when the request begins; only "pending" is completed.';
	END IF;
	PERFORM ctlpr.refuse_forbidden_text(complete_request.case_number, 'complete_request', begun.agency_id, begun.purpose);
	IF ctlpr.is_pending(complete_request.case_number) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the case number is still pending',
			HINT = 'State the case, incident, dispatch or alert number.';
	END IF;
	INSERT INTO ctlpr.request_completion AS c (request_seq, case_number, completed_by)
		VALUES (begun.seq, complete_request.case_number, pg_get_userbyid(ctlpr.outer_role()))
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('request %s was completed before', begun.seq),
			HINT = 'What is on record stays.';
	END IF;
	PERFORM ctlpr.record_event('complete_request', agency_id => begun.agency_id, purpose => begun.purpose, clause => '13(d)(8)',
		detail => jsonb_build_object('function', 'complete_request', 'request_seq', begun.seq, 'case_number', complete_request.case_number));
END
$$;
COMMENT ON FUNCTION ctlpr.complete_request(bigint, text) IS 'Adds the case number to a request that stated "pending", 13(d)(8)';

/*
 * record_disclosure(request_seq, recipient_agency, reason) - register that
 * what a request found was passed on outside of the database.
 *
 * recipient_agency: a registered agency.  The disclosure is decided as sharing
 * with that agency would be; an unlawful one is recorded as such and raised.
 * Result: number of the entry.
 * Errors: 22004, 22001, 22023 an argument; 42704 request or agency unknown;
 * and, recorded: LP002 role bound to no agency, LP005 the request states no
 * case, LP006 no basis to share with that agency, or the owner of the reads
 * withholds them, LP007 sharing with it is suspended, LP008 the reason reveals
 * a forbidden purpose.
 * Clause: 13(d)(6), 15(a)(1)(C).
 */
CREATE FUNCTION ctlpr.record_disclosure(request_seq bigint, recipient_agency text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	begun     ctlpr.audit_entry;
	recipient ctlpr.agency := ctlpr.check_agency(record_disclosure.recipient_agency);
	owners    text[];
	basis     record;
	detail    jsonb;
BEGIN
	PERFORM ctlpr.check_text('reason', record_disclosure.reason);
	begun := ctlpr.own_request(record_disclosure.request_seq);
	PERFORM ctlpr.refuse_forbidden_text(record_disclosure.reason, 'disclosure', begun.agency_id, begun.purpose);
	owners := ARRAY(SELECT DISTINCT o.owner FROM ctlpr.audit_entry v JOIN ctlpr.audit_entry r ON r.of_seq = v.seq, unnest(r.owners) o (owner)
					WHERE v.request_seq = begun.seq ORDER BY 1);
	SELECT * INTO basis FROM ctlpr.sharing_basis(recipient.agency_id, begun.authorization_id, begun.purpose,
		coalesce((SELECT c.case_number FROM ctlpr.request_completion c WHERE c.request_seq = begun.seq), begun.case_number), owners);
	detail := jsonb_build_object('function', 'record_disclosure', 'request_seq', begun.seq, 'recipient_agency', recipient.agency_id,
								 'basis', basis.basis, 'owners', CASE WHEN owners <> '{}' THEN to_jsonb(owners) END);
	IF basis.sqlstate IS NOT NULL THEN
		PERFORM ctlpr.record_event('disclosure', agency_id => begun.agency_id, purpose => begun.purpose, reason => record_disclosure.reason,
			clause => basis.clause, sqlstate => basis.sqlstate, detail => detail);
		RAISE EXCEPTION USING ERRCODE = basis.sqlstate,
			MESSAGE = format('there is no basis to disclose reads to agency "%s"', recipient.agency_id),
			DETAIL = format('The statute decides so in %s.', basis.clause),
			HINT = 'What was passed on without a basis is on record; see the agency''s oversight officer.';
	END IF;
	RETURN ctlpr.record_event('disclosure', agency_id => begun.agency_id, purpose => begun.purpose, reason => record_disclosure.reason,
		clause => basis.clause, detail => detail);
END
$$;
COMMENT ON FUNCTION ctlpr.record_disclosure(bigint, text, text) IS 'Registers that what a request found was passed on outside of the database; returns the entry''s number';
