/*
 * register_functions.sql - filling the registers of register.sql.
 */

/*
 * check_signed(what, signed_on, agency_id, clause, arguments) - a paper was
 * signed, and not in the future.
 *
 * Errors: LP005, recorded.
 */
CREATE FUNCTION ctlpr.check_signed(what text, signed_on date, agency_id text, clause text, arguments jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF signed_on IS NULL OR NOT isfinite(signed_on) OR signed_on > (now() AT TIME ZONE (ctlpr.adopted_statute()).time_zone)::date THEN
		PERFORM ctlpr.record_event('configuration', agency_id => check_signed.agency_id, clause => check_signed.clause, sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = format('the %s lacks a date of signature that is not in the future', what),
			DETAIL = format('Clause %s demands it.', clause),
			HINT = 'State the day on which it was signed.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_signed(text, date, text, text, jsonb) IS 'Internal: errors unless a paper was signed, and not in the future';

/*
 * check_day(argument, value) - a day that is stated is one of the calendar.
 *
 * Errors: 22023.
 */
CREATE FUNCTION ctlpr.check_day(argument text, value date)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value NOT BETWEEN '1900-01-01' AND '9999-12-30' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('argument "%s" must be a day', argument),
			HINT = 'State a day of the calendar, or leave it out where there is none.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_day(text, date) IS 'Internal: errors unless a day that is stated is one of the calendar';

/*
 * check_number(argument, value) - a number of a register is stated.
 *
 * Errors: 22004.
 */
CREATE FUNCTION ctlpr.check_number(argument text, value bigint)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = format('argument "%s" must not be null', argument),
			HINT = 'Use the number that the function which registered it returned.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_number(text, bigint) IS 'Internal: errors unless a number of a register is stated';

/*
 * check_shorter_retention(retention, agency_id, arguments) - a retention that
 * an agency or a contract sets is shorter than the statute's.
 *
 * Errors: 22023 not positive, or in months; LP012 longer than the standard of
 * the statute, recorded.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.check_shorter_retention(retention interval, agency_id text, arguments jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule ctlpr.statute_retention;
BEGIN
	IF retention IS NULL THEN
		RETURN;
	END IF;
	IF retention <= interval '0' OR extract(year FROM retention) <> 0 OR extract(month FROM retention) <> 0 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a retention is a positive number of days, hours, minutes',
			HINT = 'Months and years differ in length; state days or hours.';
	END IF;
	SELECT * INTO rule FROM ctlpr.statute_retention r
		WHERE r.statute = (ctlpr.adopted_statute()).statute AND r.rule = 'standard' AND r.valid_from <= now() AND now() < r.valid_until;
	IF rule.period IS NULL OR retention > rule.period THEN
		PERFORM ctlpr.record_event('configuration', agency_id => check_shorter_retention.agency_id, clause => coalesce(rule.clause, '13(b)(2)(A)'), sqlstate => 'LP012', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP012',
			MESSAGE = 'a retention may be shorter than the statute''s, never longer',
			DETAIL = format('Clause %s sets the longest.', coalesce(rule.clause, '13(b)(2)(A)')),
			HINT = 'State a shorter one.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_shorter_retention(interval, text, jsonb) IS 'Internal: errors unless a retention is shorter than the statute''s';

/*
 * register_contract(vendor_id, agency_id, signed_on, valid_until, retention,
 * bars_sale, document) - a vendor may act for an agency.
 *
 * signed_on: day of signature, from which it holds; valid_until: last day on
 * which it holds, NULL until it is ended; retention: shorter period that it
 * sets for the agency's reads; bars_sale: it bars the sale of the data.
 * Result: number of the contract.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 42710 one of
 * the two is in force; and, recorded: LP005 it does not bar sale, or is not
 * signed; LP012 a longer retention than the statute's.
 * Clause: 13(g)(1) to (4), 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.register_contract(vendor_id text, agency_id text, signed_on date, valid_until date DEFAULT NULL, retention interval DEFAULT NULL,
										bars_sale boolean DEFAULT true, document text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	vendor     ctlpr.agency := ctlpr.check_agency(register_contract.vendor_id);
	contractor ctlpr.agency := ctlpr.check_agency(register_contract.agency_id);
	zone       text := (ctlpr.adopted_statute()).time_zone;
	ends       timestamptz;
	arguments  jsonb := jsonb_build_object('function', 'register_contract', 'vendor_id', vendor.agency_id, 'agency_id', contractor.agency_id,
										   'signed_on', register_contract.signed_on, 'valid_until', register_contract.valid_until, 'retention', register_contract.retention);
	result     bigint;
BEGIN
	IF vendor.kind <> 'vendor' OR contractor.kind = 'vendor' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a contract is between a vendor and an agency',
			HINT = 'Name the vendor first, registered as of kind vendor, then the agency.';
	END IF;
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF bars_sale IS NOT TRUE THEN
		PERFORM ctlpr.record_event('configuration', agency_id => contractor.agency_id, clause => '13(g)(1)', sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = 'the contract does not bar the sale of the data',
			DETAIL = 'Clause 13(g)(1) demands that it does.',
			HINT = 'Amend the contract first.';
	END IF;
	PERFORM ctlpr.check_signed('contract', register_contract.signed_on, contractor.agency_id, '13(g)(1)', arguments);
	PERFORM ctlpr.check_shorter_retention(register_contract.retention, contractor.agency_id, arguments);
	PERFORM ctlpr.check_day('valid_until', register_contract.valid_until);
	ends := coalesce((register_contract.valid_until + 1)::timestamp AT TIME ZONE zone, 'infinity');
	IF ends <= now() OR register_contract.valid_until < register_contract.signed_on THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until lies before today or before the day of signature',
			HINT = 'State the last day on which the contract holds, or leave it out when it holds until ended.';
	END IF;
	LOCK TABLE ctlpr.contract IN SHARE ROW EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM ctlpr.contract c WHERE c.vendor_id = vendor.agency_id AND c.agency_id = contractor.agency_id AND c.ended_at IS NULL AND c.valid_until > now()) THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('a contract of "%s" with "%s" is in force', vendor.agency_id, contractor.agency_id),
			HINT = 'End it with ctlpr.end_contract() when the new one replaces it.';
	END IF;
	INSERT INTO ctlpr.contract AS c (vendor_id, agency_id, valid_from, valid_until, retention, bars_sale, signed_on, document)
		VALUES (vendor.agency_id, contractor.agency_id, register_contract.signed_on::timestamp AT TIME ZONE zone, ends, register_contract.retention, true,
				register_contract.signed_on, register_contract.document)
		RETURNING c.contract_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => contractor.agency_id, clause => '13(g)(1)', detail => arguments || jsonb_build_object('contract_id', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.register_contract(text, text, date, date, interval, boolean, text) IS 'Registers a vendor''s contract with an agency, 13(g); returns its number';

/*
 * end_contract(contract_id, reason) - the vendor no longer acts for the agency;
 * what it was authorized to pass on ends with it.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 ended before.
 * Clause: 13(g).
 */
CREATE FUNCTION ctlpr.end_contract(contract_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.contract;
	revoked  bigint;
BEGIN
	PERFORM ctlpr.check_number('contract_id', end_contract.contract_id);
	PERFORM ctlpr.check_text('reason', end_contract.reason);
	SELECT * INTO standing FROM ctlpr.contract c WHERE c.contract_id = end_contract.contract_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = 'there is no such contract', HINT = 'The table ctlpr.contract lists them.';
	END IF;
	IF standing.ended_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('contract %s was ended before', standing.contract_id), HINT = 'Nothing needs to be done.';
	END IF;
	UPDATE ctlpr.contract c SET ended_at = now(), ended_by = session_user, ended_reason = end_contract.reason WHERE c.contract_id = standing.contract_id;
	-- What the vendor was authorized to pass on rests on the contract.
	UPDATE ctlpr.vendor_authorization a SET revoked_at = now(), revoked_by = session_user, revoked_reason = end_contract.reason
		WHERE a.vendor_id = standing.vendor_id AND a.agency_id = standing.agency_id AND a.revoked_at IS NULL AND a.valid_until > now();
	GET DIAGNOSTICS revoked = ROW_COUNT;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.agency_id, reason => end_contract.reason, clause => '13(g)(1)',
		detail => jsonb_build_object('function', 'end_contract', 'contract_id', standing.contract_id, 'vendor_id', standing.vendor_id, 'revoked', revoked));
END
$$;
COMMENT ON FUNCTION ctlpr.end_contract(bigint, text) IS 'Ends a vendor''s contract at once, also for sessions that are open';

/*
 * authorize_vendor(vendor_id, agency_id, third_party, purpose, valid_until,
 * document) - an agency's express written authorization that its vendor
 * shares with a third party, for a specific purpose.
 *
 * A register: what a vendor passes on, it passes on outside of this database.
 * Result: number of the authorization.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; and,
 * recorded: LP003 purpose unknown, or not one of the agency's kind, LP004
 * forbidden, LP006 no contract in force; 42710 there already.
 * Clause: 13(g)(2).
 */
CREATE FUNCTION ctlpr.authorize_vendor(vendor_id text, agency_id text, third_party text, purpose text, valid_until timestamptz, document text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	vendor    ctlpr.agency := ctlpr.check_agency(authorize_vendor.vendor_id);
	owner     ctlpr.agency := ctlpr.check_agency(authorize_vendor.agency_id);
	stated    ctlpr.statute_purpose;
	contract  ctlpr.contract;
	state     text;
	arguments jsonb := jsonb_build_object('function', 'authorize_vendor', 'vendor_id', vendor.agency_id, 'third_party', authorize_vendor.third_party, 'valid_until', authorize_vendor.valid_until);
	result    bigint;
BEGIN
	PERFORM ctlpr.check_text('third_party', authorize_vendor.third_party);
	PERFORM ctlpr.check_text('purpose', authorize_vendor.purpose);
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF authorize_vendor.valid_until IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "valid_until" must not be null',
			HINT = 'State the instant at which the authorization lapses.';
	END IF;
	IF authorize_vendor.valid_until <= now() OR NOT isfinite(authorize_vendor.valid_until) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until must be an instant in the future',
			HINT = 'State the instant at which the authorization lapses.';
	END IF;
	IF ctlpr.plain_name(authorize_vendor.third_party) IN (ctlpr.plain_name(vendor.agency_id), ctlpr.plain_name(owner.agency_id)) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the third party is one of the two',
			HINT = 'Name with whom the vendor may share, beside the agency and itself.';
	END IF;
	SELECT p.* INTO stated FROM ctlpr.statute_purpose p
		WHERE p.statute = (ctlpr.adopted_statute()).statute AND p.purpose = authorize_vendor.purpose
		ORDER BY (p.valid_from <= now() AND now() < p.valid_until) DESC, p.valid_from DESC LIMIT 1;
	SELECT c.* INTO contract FROM ctlpr.contract c
		WHERE c.vendor_id = vendor.agency_id AND c.agency_id = owner.agency_id AND c.ended_at IS NULL AND now() >= c.valid_from AND now() < c.valid_until;
	state := CASE WHEN stated.purpose IS NULL THEN 'LP003' WHEN NOT stated.permitted THEN 'LP004' WHEN owner.kind <> ALL (stated.agency_kinds) THEN 'LP003'
				  WHEN contract.contract_id IS NULL THEN 'LP006' END;
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => owner.agency_id, purpose => authorize_vendor.purpose,
			clause => CASE state WHEN 'LP004' THEN stated.clause ELSE '13(g)(2)' END, sqlstate => state, detail => arguments);
		RAISE EXCEPTION USING ERRCODE = state,
			MESSAGE = CASE state WHEN 'LP003' THEN 'the statute in force knows no such purpose for this kind of agency' WHEN 'LP004' THEN 'the purpose is forbidden'
					  ELSE format('no contract of "%s" with "%s" is in force', vendor.agency_id, owner.agency_id) END,
			DETAIL = 'Clause 13(g)(2) takes the agency''s authorization for a specific, lawful purpose.',
			HINT = 'See ctlpr.statute_purpose and ctlpr.contract.';
	END IF;
	IF authorize_vendor.valid_until > contract.valid_until THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'valid_until lies beyond the contract',
			HINT = 'State an instant within the time of the contract.';
	END IF;
	LOCK TABLE ctlpr.vendor_authorization IN SHARE ROW EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM ctlpr.vendor_authorization a WHERE a.vendor_id = vendor.agency_id AND a.agency_id = owner.agency_id AND a.purpose = authorize_vendor.purpose
				AND ctlpr.plain_name(a.third_party) = ctlpr.plain_name(authorize_vendor.third_party) AND a.revoked_at IS NULL AND a.valid_until > now()) THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = 'such an authorization is in force',
			HINT = 'Revoke it with ctlpr.revoke_vendor_authorization() when the new one replaces it.';
	END IF;
	INSERT INTO ctlpr.vendor_authorization AS a (vendor_id, agency_id, third_party, purpose, valid_until, document)
		VALUES (vendor.agency_id, owner.agency_id, authorize_vendor.third_party, authorize_vendor.purpose, authorize_vendor.valid_until, authorize_vendor.document)
		RETURNING a.vendor_authorization_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => owner.agency_id, purpose => authorize_vendor.purpose, clause => '13(g)(2)',
		detail => arguments || jsonb_build_object('vendor_authorization_id', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.authorize_vendor(text, text, text, text, timestamptz, text) IS 'Registers an agency''s authorization that its vendor shares with a third party, 13(g)(2); returns its number';

/*
 * revoke_vendor_authorization(vendor_authorization_id, reason) - it no longer holds.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 revoked before.
 * Clause: 13(g)(2).
 */
CREATE FUNCTION ctlpr.revoke_vendor_authorization(vendor_authorization_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.vendor_authorization;
BEGIN
	PERFORM ctlpr.check_number('vendor_authorization_id', revoke_vendor_authorization.vendor_authorization_id);
	PERFORM ctlpr.check_text('reason', revoke_vendor_authorization.reason);
	SELECT * INTO standing FROM ctlpr.vendor_authorization a WHERE a.vendor_authorization_id = revoke_vendor_authorization.vendor_authorization_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = 'there is no such authorization', HINT = 'The table ctlpr.vendor_authorization lists them.';
	END IF;
	IF standing.revoked_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('authorization %s was revoked before', standing.vendor_authorization_id), HINT = 'Nothing needs to be done.';
	END IF;
	UPDATE ctlpr.vendor_authorization a SET revoked_at = now(), revoked_by = session_user, revoked_reason = revoke_vendor_authorization.reason
		WHERE a.vendor_authorization_id = standing.vendor_authorization_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.agency_id, reason => revoke_vendor_authorization.reason, clause => '13(g)(2)',
		detail => jsonb_build_object('function', 'revoke_vendor_authorization', 'vendor_authorization_id', standing.vendor_authorization_id));
END
$$;
COMMENT ON FUNCTION ctlpr.revoke_vendor_authorization(bigint, text) IS 'Revokes an authorization of authorize_vendor()';

/*
 * set_agency_option(agency_id, demands_training, retention, oversight) - what
 * an agency asks beyond the act.
 *
 * demands_training: requests name an officer with valid training; retention:
 * the agency's reads are hidden and deleted after this time, no longer than
 * the statute's, and what is expired stays expired when it is raised again;
 * oversight: its oversight officer or unit.  What is NULL stays as it is.
 * Errors: 22001, 22023 an argument; 42704 agency unknown; LP012 a longer
 * retention than the statute's, recorded.
 * Clause: 14(a)(4) and (5), 14(b), 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.set_agency_option(agency_id text, demands_training boolean DEFAULT NULL, retention interval DEFAULT NULL, oversight text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	asking    ctlpr.agency := ctlpr.check_agency(set_agency_option.agency_id);
	arguments jsonb := jsonb_build_object('function', 'set_agency_option', 'demands_training', set_agency_option.demands_training,
										  'retention', set_agency_option.retention, 'oversight', set_agency_option.oversight);
BEGIN
	IF oversight IS NOT NULL THEN
		PERFORM ctlpr.check_text('oversight', oversight);
	END IF;
	PERFORM ctlpr.check_shorter_retention(set_agency_option.retention, asking.agency_id, arguments);
	INSERT INTO ctlpr.agency_option AS o (agency_id, demands_training, retention, oversight)
		VALUES (asking.agency_id, coalesce(set_agency_option.demands_training, false), set_agency_option.retention, set_agency_option.oversight)
		ON CONFLICT ON CONSTRAINT agency_option_pkey DO UPDATE
			SET demands_training = coalesce(set_agency_option.demands_training, o.demands_training),
				retention = coalesce(set_agency_option.retention, o.retention),
				oversight = coalesce(set_agency_option.oversight, o.oversight),
				hidden_before = CASE WHEN set_agency_option.retention > o.retention THEN greatest(o.hidden_before, now() - o.retention) ELSE o.hidden_before END;
	PERFORM ctlpr.record_event('configuration', agency_id => asking.agency_id, clause => '14(b)', detail => arguments);
END
$$;
COMMENT ON FUNCTION ctlpr.set_agency_option(text, boolean, interval, text) IS 'Sets what an agency asks beyond the act: training, a shorter retention, its oversight officer';

/*
 * register_officer(agency_id, officer, training_valid_until, trained_by) - an
 * officer was trained, or trained again.
 *
 * officer: as requests state it; training_valid_until: last day of validity in
 * the statute's time zone.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown.
 * Clause: 14(a)(5).
 */
CREATE FUNCTION ctlpr.register_officer(agency_id text, officer text, training_valid_until date, trained_by text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	employer ctlpr.agency := ctlpr.check_agency(register_officer.agency_id);
BEGIN
	PERFORM ctlpr.check_text('officer', register_officer.officer);
	IF trained_by IS NOT NULL THEN
		PERFORM ctlpr.check_text('trained_by', trained_by);
	END IF;
	IF training_valid_until IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "training_valid_until" must not be null',
			HINT = 'Training is periodic: state the last day on which it is valid.';
	END IF;
	PERFORM ctlpr.check_day('training_valid_until', training_valid_until);
	INSERT INTO ctlpr.officer AS o (agency_id, officer, training_valid_until, trained_by)
		VALUES (employer.agency_id, register_officer.officer, register_officer.training_valid_until, register_officer.trained_by)
		ON CONFLICT ON CONSTRAINT officer_pkey DO UPDATE
			SET training_valid_until = excluded.training_valid_until, trained_by = excluded.trained_by, registered_at = now(), registered_by = session_user;
	PERFORM ctlpr.record_event('configuration', agency_id => employer.agency_id, clause => '14(a)(5)',
		detail => jsonb_build_object('function', 'register_officer', 'officer', register_officer.officer, 'training_valid_until', register_officer.training_valid_until));
END
$$;
COMMENT ON FUNCTION ctlpr.register_officer(text, text, date, text) IS 'Registers an officer''s training, 14(a)(5)';

/*
 * register_policy(agency_id, kind, adopted_on, published_at, stricter,
 * document) - an agency adopted a policy.
 *
 * kind: one of ctlpr.statute_policy; published_at: where the public finds it.
 * Result: number of the policy.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency or kind unknown;
 * LP005 adopted in the future, recorded.
 * Clause: 13(f), 14(b).
 */
CREATE FUNCTION ctlpr.register_policy(agency_id text, kind text, adopted_on date, published_at text, stricter boolean DEFAULT false, document text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	adopting  ctlpr.agency := ctlpr.check_agency(register_policy.agency_id);
	demanded  ctlpr.statute_policy;
	arguments jsonb := jsonb_build_object('function', 'register_policy', 'kind', register_policy.kind, 'adopted_on', register_policy.adopted_on, 'published_at', register_policy.published_at);
	result    bigint;
BEGIN
	PERFORM ctlpr.check_text('kind', register_policy.kind);
	PERFORM ctlpr.check_text('published_at', register_policy.published_at);
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF stricter IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "stricter" must not be null', HINT = 'Use true or false.';
	END IF;
	SELECT * INTO demanded FROM ctlpr.statute_policy p WHERE p.statute = (ctlpr.adopted_statute()).statute AND p.kind = register_policy.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'the statute in force knows no such kind of policy',
			HINT = 'The table ctlpr.statute_policy lists them.';
	END IF;
	PERFORM ctlpr.check_signed('policy', register_policy.adopted_on, adopting.agency_id, demanded.clause, arguments);
	INSERT INTO ctlpr.policy AS p (agency_id, kind, adopted_on, published_at, stricter, document)
		VALUES (adopting.agency_id, demanded.kind, register_policy.adopted_on, register_policy.published_at, register_policy.stricter, register_policy.document)
		RETURNING p.policy_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => adopting.agency_id, clause => demanded.clause, detail => arguments || jsonb_build_object('policy_id', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.register_policy(text, text, date, text, boolean, text) IS 'Registers a policy that an agency adopted, 13(f) and 14(b); returns its number';

/*
 * report_suspected_misuse(agency_id, reported_by_agency, described, evidence,
 * notice_sent_on) - register a notice to the training council.
 *
 * agency_id: the agency of another state or of the federation that is
 * suspected; evidence: numbers of entries of the log; notice_sent_on: day of
 * the notice, NULL until it is sent.
 * Result: number of the report.
 * Errors: 22004, 22001, 22023 an argument; 42704 an agency or an entry unknown.
 * Clause: 13(l).
 */
CREATE FUNCTION ctlpr.report_suspected_misuse(agency_id text, reported_by_agency text, described text, evidence bigint[] DEFAULT NULL, notice_sent_on date DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	suspected ctlpr.agency := ctlpr.check_agency(report_suspected_misuse.agency_id);
	reporting ctlpr.agency := ctlpr.check_agency(report_suspected_misuse.reported_by_agency);
	result    bigint;
BEGIN
	PERFORM ctlpr.check_text('described', report_suspected_misuse.described);
	IF suspected.state = (ctlpr.adopted_statute()).state THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the agency is one of this state',
			DETAIL = 'Clause 13(l) is about agencies of other states and of the federation.',
			HINT = 'Misuse by an agency of this state is a matter for its oversight officer and for 13(j) and (k).';
	END IF;
	IF reporting.state <> (ctlpr.adopted_statute()).state THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the reporting agency is none of this state',
			HINT = 'Clause 13(l) has agencies of this state report: name the one that suspects misuse.';
	END IF;
	PERFORM ctlpr.check_day('notice_sent_on', report_suspected_misuse.notice_sent_on);
	IF report_suspected_misuse.notice_sent_on > (now() AT TIME ZONE (ctlpr.adopted_statute()).time_zone)::date THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the notice was sent on a day to come',
			HINT = 'Leave notice_sent_on out until it is sent; ctlpr.record_post_notice() adds it.';
	END IF;
	IF array_position(evidence, NULL) IS NOT NULL OR (SELECT count(*) FROM unnest(evidence) v (seq) WHERE NOT EXISTS (SELECT FROM ctlpr.audit_entry e WHERE e.seq = v.seq)) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = 'the evidence names an entry that the log does not have',
			HINT = 'Name entries by their numbers in ctlpr.audit_log.';
	END IF;
	INSERT INTO ctlpr.misuse_report AS m (agency_id, reported_by_agency, described, evidence, notice_sent_on)
		VALUES (suspected.agency_id, reporting.agency_id, report_suspected_misuse.described, coalesce(report_suspected_misuse.evidence, '{}'), report_suspected_misuse.notice_sent_on)
		RETURNING m.report_id INTO result;
	PERFORM ctlpr.record_event('configuration', agency_id => reporting.agency_id, reason => report_suspected_misuse.described, clause => '13(l)',
		detail => jsonb_build_object('function', 'report_suspected_misuse', 'report_id', result, 'suspected_agency', suspected.agency_id, 'evidence', to_jsonb(coalesce(report_suspected_misuse.evidence, '{}'))));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.report_suspected_misuse(text, text, text, bigint[], date) IS 'Registers a notice of suspected misuse to the training council, 13(l); returns its number';

/*
 * record_post_notice(report_id, sent_on) - the notice of a report was sent to
 * the training council (POST).
 *
 * Errors: 22004, 22023 an argument; 42704 unknown; 55000 sent before.
 * Clause: 13(l).
 */
CREATE FUNCTION ctlpr.record_post_notice(report_id bigint, sent_on date)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.misuse_report;
BEGIN
	PERFORM ctlpr.check_number('report_id', record_post_notice.report_id);
	IF record_post_notice.sent_on IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "sent_on" must not be null', HINT = 'State the day on which it was sent.';
	END IF;
	PERFORM ctlpr.check_day('sent_on', record_post_notice.sent_on);
	IF record_post_notice.sent_on > (now() AT TIME ZONE (ctlpr.adopted_statute()).time_zone)::date THEN
		RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the notice was sent on a day to come', HINT = 'State the day on which it was sent.';
	END IF;
	SELECT * INTO standing FROM ctlpr.misuse_report m WHERE m.report_id = record_post_notice.report_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = 'there is no such report', HINT = 'The table ctlpr.misuse_report lists them.';
	END IF;
	IF standing.notice_sent_on IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('the notice of report %s was sent before', standing.report_id), HINT = 'What is on record stays.';
	END IF;
	UPDATE ctlpr.misuse_report m SET notice_sent_on = record_post_notice.sent_on WHERE m.report_id = standing.report_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.reported_by_agency, clause => '13(l)',
		detail => jsonb_build_object('function', 'record_post_notice', 'report_id', standing.report_id, 'sent_on', record_post_notice.sent_on));
END
$$;
COMMENT ON FUNCTION ctlpr.record_post_notice(bigint, date) IS 'Registers that the notice of suspected misuse was sent to the training council, 13(l)';

/*
 * record_determination(report_id, determination) - what the council
 * determined: misuse or no_misuse.  To stop sharing, call suspend_sharing().
 *
 * Errors: 22023 an argument; 42704 unknown; 55000 determined before.
 * Clause: 13(l).
 */
CREATE FUNCTION ctlpr.record_determination(report_id bigint, determination text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.misuse_report;
BEGIN
	PERFORM ctlpr.check_number('report_id', record_determination.report_id);
	IF determination IS NULL OR determination NOT IN ('misuse', 'no_misuse') THEN
		RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'unknown determination', HINT = 'Use misuse or no_misuse.';
	END IF;
	SELECT * INTO standing FROM ctlpr.misuse_report m WHERE m.report_id = record_determination.report_id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = 'there is no such report', HINT = 'The table ctlpr.misuse_report lists them.';
	END IF;
	IF standing.determination IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('report %s was determined before', standing.report_id), HINT = 'What is on record stays; register a new report.';
	END IF;
	UPDATE ctlpr.misuse_report m SET determination = record_determination.determination, determined_at = now() WHERE m.report_id = standing.report_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.reported_by_agency, clause => '13(l)',
		detail => jsonb_build_object('function', 'record_determination', 'report_id', standing.report_id, 'determination', record_determination.determination));
END
$$;
COMMENT ON FUNCTION ctlpr.record_determination(bigint, text) IS 'Registers what the training council determined about a report of suspected misuse';

/*
 * register_aggregate(relation, approved_by, described) - approve a table of
 * aggregates, which may outlive the reads that it sums up.
 *
 * The table is an empty, permanent, ordinary or partitioned table outside of
 * governance, whose columns are numbers, dates, times, booleans, short texts
 * and places; none has the name of a plate or image column of a governed
 * relation.  Statements that fill it may select nothing of a single read but
 * through aggregate functions and what they group by, and never the plate.
 * Errors: 22004, 22001, 22023 an argument, or a column that it may not have;
 * 42710 registered; 42809 no table that qualifies; 55000 not empty; LP005,
 * recorded: approved by whoever calls.
 * Clause: 13(b)(2)(A)(iv).
 */
CREATE FUNCTION ctlpr.register_aggregate(relation regclass, approved_by text, described text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class   pg_class;
	offense text;
	filled  boolean;
BEGIN
	PERFORM ctlpr.check_text('approved_by', register_aggregate.approved_by);
	PERFORM ctlpr.check_text('described', register_aggregate.described);
	SELECT * INTO class FROM pg_class c WHERE c.oid = register_aggregate.relation;
	IF NOT FOUND OR class.relkind NOT IN ('r', 'p') OR class.relpersistence <> 'p' OR class.relnamespace IN ('pg_catalog'::regnamespace, 'ctlpr'::regnamespace)
			OR EXISTS (SELECT FROM ctlpr.governed_relation g JOIN LATERAL ctlpr.relation_members(g.relation) m (member) ON m.member = register_aggregate.relation) THEN
		RAISE EXCEPTION USING ERRCODE = '42809',
			MESSAGE = 'an aggregate is kept in a permanent table of its own, outside of governance',
			HINT = 'Create a table for it.';
	END IF;
	IF ctlpr.plain_name(register_aggregate.approved_by) IN (ctlpr.plain_name(session_user), ctlpr.plain_name(pg_get_userbyid(ctlpr.outer_role()))) THEN
		PERFORM ctlpr.record_event('configuration', relation => register_aggregate.relation, clause => '13(b)(2)(A)(iv)', sqlstate => 'LP005',
			detail => jsonb_build_object('function', 'register_aggregate'));
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = 'whoever registers an aggregate does not approve it',
			DETAIL = 'Clause 13(b)(2)(A)(iv) lets aggregates outlive the reads; somebody else judges that they are such.',
			HINT = 'State in approved_by who approved it.';
	END IF;
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', register_aggregate.relation);
	SELECT a.attname INTO offense FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		WHERE a.attrelid = register_aggregate.relation AND a.attnum > 0 AND NOT a.attisdropped
			AND (t.typcategory NOT IN ('N', 'D', 'T', 'B', 'S', 'G', 'U', 'E') OR t.typname IN ('bytea', 'json', 'jsonb', 'xml', 'hstore', 'uuid')
				 OR EXISTS (SELECT FROM ctlpr.governed_relation g WHERE a.attname IN (g.plate_column, g.image_column)))
		LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('column "%s" could hold what identifies a read', offense),
			DETAIL = 'Clause 13(b)(2)(A)(iv) lets only de-identified, aggregated or summarized data outlive the reads.',
			HINT = 'Use columns of numbers, times, short texts and places, under names of their own.';
	END IF;
	-- By size: a query could run what the table's owner made.
	filled := EXISTS (SELECT FROM ctlpr.relation_members(register_aggregate.relation) m WHERE pg_relation_size(m) > 0);
	IF filled THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = 'the table is not empty',
			HINT = 'Approve the table first, then fill it.';
	END IF;
	INSERT INTO ctlpr.aggregate AS a (relation, relation_name, approved_by, described)
		VALUES (register_aggregate.relation, register_aggregate.relation::text, register_aggregate.approved_by, register_aggregate.described)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = 'the table was registered before', HINT = 'The table ctlpr.aggregate lists them.';
	END IF;
	PERFORM ctlpr.record_event('configuration', relation => register_aggregate.relation, clause => '13(b)(2)(A)(iv)',
		detail => jsonb_build_object('function', 'register_aggregate', 'approved_by', register_aggregate.approved_by, 'described', register_aggregate.described));
END
$$;
COMMENT ON FUNCTION ctlpr.register_aggregate(regclass, text, text) IS 'Approves a table of aggregates, which may outlive the reads that it sums up, 13(b)(2)(A)(iv)';

/*
 * withdraw_aggregate(relation, reason) - nothing more may be added to it.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 not registered; 55000
 * withdrawn before.
 * Clause: 13(b)(2)(A)(iv).
 */
CREATE FUNCTION ctlpr.withdraw_aggregate(relation regclass, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing ctlpr.aggregate;
BEGIN
	PERFORM ctlpr.check_text('reason', withdraw_aggregate.reason);
	SELECT * INTO standing FROM ctlpr.aggregate a WHERE a.relation = withdraw_aggregate.relation FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = 'the table is no approved aggregate', HINT = 'The table ctlpr.aggregate lists them.';
	END IF;
	IF standing.withdrawn_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'the approval was withdrawn before', HINT = 'Nothing needs to be done.';
	END IF;
	UPDATE ctlpr.aggregate a SET withdrawn_at = now() WHERE a.relation = standing.relation;
	PERFORM ctlpr.record_event('configuration', reason => withdraw_aggregate.reason, clause => '13(b)(2)(A)(iv)',
		detail => jsonb_build_object('function', 'withdraw_aggregate', 'relation', standing.relation_name));
END
$$;
COMMENT ON FUNCTION ctlpr.withdraw_aggregate(regclass, text) IS 'Withdraws the approval of a table of aggregates';

/*
 * quarter_start(quarter) - the instant at which a quarter of a year begins, in
 * the statute's time zone.
 *
 * quarter: such as 2026Q4.  Errors: 22004, 22023 none.
 */
CREATE FUNCTION ctlpr.quarter_start(quarter text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('quarter', quarter_start.quarter);
	IF quarter !~ '^(19|20|21)[0-9]{2}Q[1-4]$' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "quarter" names no quarter of a year',
			HINT = 'Write the year and the quarter, as in 2026Q4.';
	END IF;
	RETURN make_timestamp(left(quarter, 4)::int, 3 * right(quarter, 1)::int - 2, 1, 0, 0, 0) AT TIME ZONE (ctlpr.adopted_statute()).time_zone;
END
$$;
COMMENT ON FUNCTION ctlpr.quarter_start(text) IS 'Internal: the instant at which a quarter such as 2026Q4 begins, in the statute''s time zone';

/*
 * record_review(agency_id, quarter, reviewer, reviewed_on, conclusion,
 * document) - the entries of an agency in a quarter were audited.
 *
 * Called by registrars, and by auditors of the agency: its oversight officer.
 * quarter: one that has ended, such as 2026Q4; reviewer: who audited;
 * reviewed_on: when that was finished, after the quarter, today where left out;
 * conclusion: what it came to; document: where the paper is kept.
 * What is on record stays: a quarter is registered once.
 * Errors: 22004, 22001, 22023 an argument; 42501 an auditor of others; 42704
 * agency unknown; 42710 reviewed before; 55000 the quarter has not ended.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.record_review(agency_id text, quarter text, reviewer text, reviewed_on date DEFAULT NULL, conclusion text DEFAULT NULL, document text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	audited   ctlpr.agency := ctlpr.check_agency(record_review.agency_id);
	started   timestamptz := ctlpr.quarter_start(record_review.quarter);
	zone      text := (ctlpr.adopted_statute()).time_zone;
	ended_on  date := ((started AT TIME ZONE zone) + interval '3 months')::date;
	today     date := (now() AT TIME ZONE zone)::date;
	finished  date := coalesce(record_review.reviewed_on, today);
	arguments jsonb := jsonb_build_object('function', 'record_review', 'quarter', record_review.quarter);
BEGIN
	PERFORM ctlpr.check_text('reviewer', record_review.reviewer);
	IF conclusion IS NOT NULL THEN
		PERFORM ctlpr.check_text('conclusion', conclusion);
	END IF;
	IF document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', document);
	END IF;
	IF NOT pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE') AND NOT ctlpr.auditor_sees(audited.agency_id, NULL) THEN
		PERFORM ctlpr.record_event('configuration', agency_id => audited.agency_id, clause => '14(a)(6)', sqlstate => '42501', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = 'the role audits other agencies',
			HINT = 'An auditor registers reviews of the agencies that ctlpr.bind_auditor() names; a registrar may register all.';
	END IF;
	IF today < ended_on THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('quarter %s has not ended', record_review.quarter),
			DETAIL = format('Its last day is %s; entries that were yet to come cannot have been reviewed.', ended_on - 1),
			HINT = 'Register the review when the quarter is over.';
	END IF;
	IF finished NOT BETWEEN ended_on AND today THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the review was finished before the quarter was, or on a day to come',
			HINT = format('State a day from %s to %s.', ended_on, today);
	END IF;
	INSERT INTO ctlpr.audit_review AS r (agency_id, quarter, reviewer, reviewed_on, conclusion, document)
		VALUES (audited.agency_id, record_review.quarter, record_review.reviewer, finished, record_review.conclusion, record_review.document)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('quarter %s of agency "%s" was reviewed before', record_review.quarter, audited.agency_id),
			HINT = 'What is on record stays; the table ctlpr.audit_review has it.';
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => audited.agency_id, clause => '14(a)(6)', detail => arguments || jsonb_build_object('reviewed_on', finished));
END
$$;
COMMENT ON FUNCTION ctlpr.record_review(text, text, text, date, text, text) IS 'Registers that the entries of an agency in a quarter were audited, 14(a)(6)';
