/*
 * agency_functions.sql - registering agencies and binding roles and auditors.
 *
 * All of these are for ctlpr_admin.  They run as the extension's owner, and
 * the log says who called (ctlpr.record_event() takes the caller's roles).
 * None is STRICT: a NULL argument is an error, never a call that did nothing.
 */

/*
 * check_text(argument, value) - a text argument is present and of sane size.
 *
 * argument: its name, for the message; value: what was given.
 * Errors: 22004 NULL; 22023 blank; 22001 over 4096 bytes.  The value itself
 * never appears in a message.
 */
CREATE FUNCTION ctlpr.check_text(argument text, value text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = format('argument "%s" must not be null', argument),
			HINT = format('State "%s".', argument);
	END IF;
	IF octet_length(value) > 4096 THEN
		RAISE EXCEPTION USING ERRCODE = '22001',
			MESSAGE = format('argument "%s" is too long', argument),
			DETAIL = format('It has %s bytes; at most 4096 are stored.', octet_length(value)),
			HINT = 'Shorten it, or keep the document elsewhere and state where.';
	END IF;
	IF value !~ '[^[:space:]]' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('argument "%s" must not be blank', argument),
			HINT = format('State "%s".', argument);
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_text(text, text) IS 'Internal: errors unless a text argument is present, not blank and at most 4096 bytes long';

/*
 * plain_name(name) - a name as two statements of it are compared: without
 * case, and with single blanks between its words.
 */
CREATE FUNCTION ctlpr.plain_name(name text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE NOT LEAKPROOF
	RETURN pg_catalog.lower(pg_catalog.btrim(pg_catalog.regexp_replace(name, '[[:space:]]+', ' ', 'g')));
COMMENT ON FUNCTION ctlpr.plain_name(text) IS 'Internal: a name as two statements of it are compared';

/*
 * check_role(role) - a role that may be bound exists and is no group role of
 * the server or of this extension.
 *
 * Result: its name.  Errors: 22004 NULL; 42704 unknown; 42939 reserved.
 */
CREATE FUNCTION ctlpr.check_role(role regrole)
RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_name name;
BEGIN
	IF role IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "role" must not be null',
			HINT = 'Name the database role.';
	END IF;
	SELECT r.rolname INTO found_name FROM pg_roles r WHERE r.oid = role::oid;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('role with OID %s does not exist', role::oid),
			HINT = 'Create the role first, with CREATE ROLE.';
	END IF;
	IF found_name ~ '^pg_' OR found_name IN ('ctlpr_admin', 'ctlpr_registrar', 'ctlpr_auditor', 'ctlpr_matcher', 'ctlpr_image_deleter', 'ctlpr_public') THEN
		RAISE EXCEPTION USING ERRCODE = '42939',
			MESSAGE = format('role "%s" is reserved', found_name),
			HINT = 'Bind the role that the people or the program act under.';
	END IF;
	RETURN found_name;
END
$$;
COMMENT ON FUNCTION ctlpr.check_role(regrole) IS 'Internal: name of a role that may be bound, or an error';

/*
 * check_agency(agency_id) - the agency is registered.
 *
 * Result: its row.  Errors: 22004 NULL; 42704 unknown.
 */
CREATE FUNCTION ctlpr.check_agency(agency_id text)
RETURNS ctlpr.agency
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_agency ctlpr.agency;
BEGIN
	IF check_agency.agency_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "agency_id" must not be null',
			HINT = 'Name an agency of ctlpr.agency.';
	END IF;
	SELECT * INTO found_agency FROM ctlpr.agency a WHERE a.agency_id = check_agency.agency_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('agency "%s" is not registered', left(check_agency.agency_id, 63)),
			HINT = 'Register it with ctlpr.register_agency(), or name an agency of ctlpr.agency.';
	END IF;
	RETURN found_agency;
END
$$;
COMMENT ON FUNCTION ctlpr.check_agency(text) IS 'Internal: the row of a registered agency, or an error';

/*
 * register_agency(agency_id, name, kind, state) - make an agency known.
 *
 * agency_id: short identifier, at most 63 bytes, the value that reads carry;
 * name: as the public knows it; kind: police | public_agency | task_force |
 * prosecutor | federal | vendor | other; state: two capital letters, US for
 * federal agencies.
 * Errors: 22004, 22023, 22001 an argument; 42710 already registered.
 * Clause: the kinds of 13(a), on which 13(b)(1) and 13(d)(6) turn.
 */
CREATE FUNCTION ctlpr.register_agency(agency_id text, name text, kind text, state text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('agency_id', register_agency.agency_id);
	PERFORM ctlpr.check_text('name', register_agency.name);
	PERFORM ctlpr.check_text('kind', register_agency.kind);
	PERFORM ctlpr.check_text('state', register_agency.state);
	IF octet_length(register_agency.agency_id) > 63 OR register_agency.agency_id ~ '^[[:space:]]|[[:space:]]$|[[:cntrl:]]' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'agency identifier is not usable',
			DETAIL = 'It is longer than 63 bytes, or has control characters or spaces at its ends.',
			HINT = 'Use a short stable identifier, such as CT-NEWHAVEN.';
	END IF;
	IF register_agency.kind NOT IN ('police', 'public_agency', 'task_force', 'prosecutor', 'federal', 'vendor', 'other') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('kind of agency "%s" is not known', left(register_agency.kind, 63)),
			HINT = 'Use police, public_agency, task_force, prosecutor, federal, vendor or other.';
	END IF;
	IF register_agency.state !~ '^[A-Z]{2}$' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('state "%s" is not a two-letter code', left(register_agency.state, 63)),
			HINT = 'Use two capital letters, such as CT, and US for federal agencies.';
	END IF;
	IF register_agency.kind = 'federal' AND register_agency.state <> 'US' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a federal agency belongs to no state',
			HINT = 'Use state US.';
	END IF;

	INSERT INTO ctlpr.agency AS a (agency_id, name, kind, state)
		VALUES (register_agency.agency_id, register_agency.name, register_agency.kind, register_agency.state)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('agency "%s" is already registered', register_agency.agency_id),
			HINT = 'Use it as it is, or register the other agency under an identifier of its own.';
	END IF;

	PERFORM ctlpr.record_event('configuration', agency_id => register_agency.agency_id,
		detail => jsonb_build_object('function', 'register_agency', 'agency_id', register_agency.agency_id,
			'name', register_agency.name, 'kind', register_agency.kind, 'state', register_agency.state));
END
$$;
COMMENT ON FUNCTION ctlpr.register_agency(text, text, text, text) IS 'Registers an agency; kind: police | public_agency | task_force | prosecutor | federal | vendor | other; state: two letters, US for federal';

/*
 * bind_role(role, agency_id, may_ingest, supervisor, session_scope) - let a
 * database role act for an agency.
 *
 * A role may be bound to several agencies (a vendor's pool login): its
 * requests then name one of them.  may_ingest: it inserts that agency's reads
 * without a request; supervisor: it approves what the act reserves to
 * supervisory officers; session_scope: its requests may outlive a transaction.
 * Errors: 22004 an argument; 42704 role or agency unknown; 42939 group role;
 * 42710 already bound to that agency.  WARNING for a superuser.
 * Clause: 13(b)(1), who may use it; 13(g)(1)-(4), for whom a vendor acts.
 */
CREATE FUNCTION ctlpr.bind_role(role regrole, agency_id text, may_ingest boolean DEFAULT false, supervisor boolean DEFAULT false, session_scope boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound_name name := ctlpr.check_role(bind_role.role);
BEGIN
	PERFORM ctlpr.check_agency(bind_role.agency_id);
	IF may_ingest IS NULL OR supervisor IS NULL OR session_scope IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "may_ingest", "supervisor" and "session_scope" must not be null',
			HINT = 'Use true or false, or leave them out.';
	END IF;

	INSERT INTO ctlpr.role_binding AS b (role, role_name, agency_id, may_ingest, supervisor, session_scope)
		VALUES (bind_role.role, bound_name, bind_role.agency_id, bind_role.may_ingest, bind_role.supervisor, bind_role.session_scope)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('role "%s" is already bound to agency "%s"', bound_name, bind_role.agency_id),
			HINT = 'To change how it is bound, call ctlpr.unbind_role() first.';
	END IF;
	IF (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = bind_role.role::oid) THEN
		RAISE WARNING USING MESSAGE = format('role "%s" is a superuser', bound_name),
			DETAIL = 'Its statements on governed relations are refused with LP010, request or not.',
			HINT = 'Let agencies act through roles without SUPERUSER.';
	END IF;

	PERFORM ctlpr.record_event('configuration', agency_id => bind_role.agency_id,
		detail => jsonb_build_object('function', 'bind_role', 'role', bound_name, 'agency_id', bind_role.agency_id,
			'may_ingest', bind_role.may_ingest, 'supervisor', bind_role.supervisor, 'session_scope', bind_role.session_scope));
END
$$;
COMMENT ON FUNCTION ctlpr.bind_role(regrole, text, boolean, boolean, boolean) IS 'Lets a database role act for an agency; a role may be bound to several';

/*
 * unbind_role(role, agency_id) - end such a binding.
 *
 * Standing requests of the role for that agency end with it.  A role that was
 * dropped can be named by its number.
 * Errors: 22004 an argument; 42704 not bound.
 * Clause: 13(b)(1).
 */
CREATE FUNCTION ctlpr.unbind_role(role regrole, agency_id text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound_name name;
	ended      bigint[];
BEGIN
	IF unbind_role.role IS NULL OR unbind_role.agency_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "role" and "agency_id" must not be null',
			HINT = 'Name the role and the agency as ctlpr.role_binding has them.';
	END IF;
	DELETE FROM ctlpr.role_binding b
		WHERE b.role = unbind_role.role AND b.agency_id = unbind_role.agency_id
		RETURNING b.role_name INTO bound_name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('role "%s" is not bound to agency "%s"', unbind_role.role, left(unbind_role.agency_id, 63)),
			HINT = 'The table ctlpr.role_binding lists what is bound.';
	END IF;
	WITH gone AS (
		DELETE FROM ctlpr.standing_request s
			WHERE s.role = unbind_role.role AND s.agency_id = unbind_role.agency_id
			RETURNING s.request_seq)
	SELECT coalesce(array_agg(g.request_seq ORDER BY g.request_seq), '{}') INTO ended FROM gone g;

	PERFORM ctlpr.record_event('configuration', agency_id => unbind_role.agency_id,
		detail => jsonb_build_object('function', 'unbind_role', 'role', bound_name, 'agency_id', unbind_role.agency_id,
			'standing_requests_ended', to_jsonb(ended)));
END
$$;
COMMENT ON FUNCTION ctlpr.unbind_role(regrole, text) IS 'Ends a role''s binding to an agency, and its standing requests there';

/*
 * bind_auditor(role, agency_id) - let a role read the log.
 *
 * agency_id: whose entries it sees; NULL means all agencies (the Attorney
 * General).  Also grants membership in ctlpr_auditor, which carries the views.
 * Errors: 22004 role; 42704 role or agency unknown; 42939 group role; 42710
 * already bound so.
 * Clause: 14(a)(6), audits of the access logs; 13(i), (j).
 */
CREATE FUNCTION ctlpr.bind_auditor(role regrole, agency_id text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound_name name := ctlpr.check_role(bind_auditor.role);
BEGIN
	IF bind_auditor.agency_id IS NOT NULL THEN
		PERFORM ctlpr.check_agency(bind_auditor.agency_id);
	END IF;
	INSERT INTO ctlpr.auditor_binding AS b (role, role_name, agency_id)
		VALUES (bind_auditor.role, bound_name, bind_auditor.agency_id)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = CASE WHEN bind_auditor.agency_id IS NULL
						   THEN format('role "%s" is already auditor of all agencies', bound_name)
						   ELSE format('role "%s" is already auditor of agency "%s"', bound_name, bind_auditor.agency_id) END,
			HINT = 'Nothing needs to be done; ctlpr.unbind_auditor() would end it.';
	END IF;
	EXECUTE format('GRANT ctlpr_auditor TO %I', bound_name);

	PERFORM ctlpr.record_event('configuration', agency_id => bind_auditor.agency_id,
		detail => jsonb_build_object('function', 'bind_auditor', 'role', bound_name, 'agency_id', bind_auditor.agency_id));
END
$$;
COMMENT ON FUNCTION ctlpr.bind_auditor(regrole, text) IS 'Lets a role read the log of one agency, or of all when agency_id is NULL, and makes it a member of ctlpr_auditor';

/*
 * unbind_auditor(role, agency_id) - end such a binding.
 *
 * agency_id: as it was bound, NULL for the binding to all agencies.  With its
 * last binding the role leaves ctlpr_auditor.
 * Errors: 22004 role; 42704 not bound so.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.unbind_auditor(role regrole, agency_id text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound_name name;
	live_name  name;
BEGIN
	IF unbind_auditor.role IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "role" must not be null',
			HINT = 'Name the role as ctlpr.auditor_binding has it.';
	END IF;
	DELETE FROM ctlpr.auditor_binding b
		WHERE b.role = unbind_auditor.role AND b.agency_id IS NOT DISTINCT FROM unbind_auditor.agency_id
		RETURNING b.role_name INTO bound_name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = CASE WHEN unbind_auditor.agency_id IS NULL
						   THEN format('role "%s" is not auditor of all agencies', unbind_auditor.role)
						   ELSE format('role "%s" is not auditor of agency "%s"', unbind_auditor.role, left(unbind_auditor.agency_id, 63)) END,
			HINT = 'The table ctlpr.auditor_binding lists what is bound; a NULL agency_id there means all.';
	END IF;
	IF NOT EXISTS (SELECT FROM ctlpr.auditor_binding b WHERE b.role = unbind_auditor.role) THEN
		SELECT r.rolname INTO live_name FROM pg_roles r WHERE r.oid = unbind_auditor.role::oid;
		IF FOUND THEN
			EXECUTE format('REVOKE ctlpr_auditor FROM %I', live_name);
		END IF;
	END IF;

	PERFORM ctlpr.record_event('configuration', agency_id => unbind_auditor.agency_id,
		detail => jsonb_build_object('function', 'unbind_auditor', 'role', bound_name, 'agency_id', unbind_auditor.agency_id));
END
$$;
COMMENT ON FUNCTION ctlpr.unbind_auditor(regrole, text) IS 'Ends an auditor''s binding; with the last one the role leaves ctlpr_auditor';
