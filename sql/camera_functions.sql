/*
 * camera_functions.sql - registering cameras and protected sites, and keeping
 * them apart.
 *
 * Cameras are for ctlpr_admin; sites and authorizations under C.G.S. 29-6d
 * are for ctlpr_registrar.  What holds after each function here: a fixed
 * camera within the distance of a standing site, neither on federal property
 * nor authorized, is inactive and names the site in barred_by.
 *
 * A standing site is one that was not withdrawn.  The place of a camera or a
 * site is in no entry of the log and in no message; sites go by their number.
 */

/*
 * PostGIS, in whichever schema it was installed.  Bodies in this form are
 * parsed now, while the search path has that schema, and bound to the
 * functions themselves, so these need no search path pinned; and without one
 * the planner can inline site_reaches() and use the index on its arguments.
 */
CREATE FUNCTION ctlpr.site_reaches(area geography, "position" geography, distance_m double precision)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN st_dwithin(area, "position", distance_m);
COMMENT ON FUNCTION ctlpr.site_reaches(geography, geography, double precision) IS 'Internal: whether a position lies in an area or at most so many metres from it, on the spheroid';

/*
 * location_flaw(location, kinds) - what is wrong with a position or an area.
 *
 * location: not NULL; kinds: types of geometry that are taken.
 * Result: the end of a sentence that begins with the argument's name, NULL
 * where nothing is wrong.  The checks stand in an order in which each may
 * rely on those before it: st_isvaliddetail() wants numbers.
 */
CREATE FUNCTION ctlpr.location_flaw(location geography, kinds text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
RETURN CASE
	WHEN st_srid(location::geometry) <> 4326 THEN 'must have SRID 4326'
	WHEN geometrytype(location) <> ALL (kinds) OR st_ndims(location::geometry) <> 2
		THEN 'must be a two-dimensional ' || lower(array_to_string(kinds, ' or '))
	WHEN st_isempty(location::geometry) THEN 'must not be empty'
	WHEN EXISTS (SELECT FROM st_dumppoints(location::geometry) AS vertex
				 WHERE NOT (st_x(vertex.geom) BETWEEN -180 AND 180 AND st_y(vertex.geom) BETWEEN -90 AND 90))
		THEN 'must have finite coordinates in degrees'
	WHEN NOT (st_isvaliddetail(location::geometry)).valid THEN 'must be a valid geometry'
END;
COMMENT ON FUNCTION ctlpr.location_flaw(geography, text[]) IS 'Internal: what is wrong with a position or an area, NULL if nothing is';

/*
 * check_location(argument, location, kinds) - a position or an area is one.
 *
 * argument: its name, for the message.
 * Errors: 22004 NULL; 22023 of another type or SRID, empty, invalid, or with
 * coordinates that are NaN, infinite or no degrees.
 */
CREATE FUNCTION ctlpr.check_location(argument text, location geography, kinds text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	flaw text;
BEGIN
	IF location IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = format('argument "%s" must not be null', argument),
			HINT = format('State "%s" as longitude and latitude, such as ''POINT(-72.93 41.31)''.', argument);
	END IF;
	flaw := ctlpr.location_flaw(location, kinds);
	IF flaw IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('argument "%s" %s', argument, flaw),
			HINT = format('State "%s" as longitude and latitude in degrees, such as ''POINT(-72.93 41.31)''.', argument);
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_location(text, geography, text[]) IS 'Internal: errors unless a position or an area is present and sound';

/*
 * lock_cameras() - one change of cameras or sites at a time, each seeing the
 * one before.
 *
 * Otherwise a camera and a site that are registered at the same time would
 * not see each other.  A snapshot taken before the lock would miss as much,
 * so isolation levels that keep one are refused.
 * Errors: 55000 the transaction is not READ COMMITTED.
 */
CREATE FUNCTION ctlpr.lock_cameras()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = 'cameras and protected sites cannot be changed under this isolation level',
			DETAIL = format('The transaction is %s, so that it may not see what was registered meanwhile.', upper(current_setting('transaction_isolation'))),
			HINT = 'Begin the transaction with ISOLATION LEVEL READ COMMITTED.';
	END IF;
	LOCK TABLE ctlpr.camera IN SHARE ROW EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION ctlpr.lock_cameras() IS 'Internal: has changes of cameras and protected sites follow one another';

/*
 * check_camera(camera_id) - the camera is registered; changes of cameras wait
 * from here on.
 *
 * Result: its row.  Errors: 22004 NULL; 42704 unknown; 55000 see lock_cameras().
 */
CREATE FUNCTION ctlpr.check_camera(camera_id text)
RETURNS ctlpr.camera
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_camera ctlpr.camera;
BEGIN
	IF check_camera.camera_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "camera_id" must not be null',
			HINT = 'Name a camera of ctlpr.camera.';
	END IF;
	PERFORM ctlpr.lock_cameras();
	SELECT * INTO found_camera FROM ctlpr.camera c WHERE c.camera_id = check_camera.camera_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('camera "%s" is not registered', left(check_camera.camera_id, 63)),
			HINT = 'Register it with ctlpr.register_camera(), or name a camera of ctlpr.camera.';
	END IF;
	RETURN found_camera;
END
$$;
COMMENT ON FUNCTION ctlpr.check_camera(text) IS 'Internal: the row of a registered camera, or an error; holds off other changes of cameras';

/*
 * barring_site(camera) - the site that bars a camera where it stands.
 *
 * camera: a row, also one that is not stored.
 * Result: number of the first standing site that reaches it; NULL if none
 * does, or if 13(d)(5) does not apply: it is mobile, on federal property or
 * authorized.  The widest distance of all is there for the index.
 */
CREATE FUNCTION ctlpr.barring_site(camera ctlpr.camera)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT camera.fixed OR camera.federal_property OR camera.authorization_29_6d IS NOT NULL THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT min(s.site_id)
			FROM ctlpr.protected_site s
			WHERE s.withdrawn_at IS NULL
				AND ctlpr.site_reaches(s.area, camera.position, (SELECT max(w.distance_m) FROM ctlpr.protected_site w WHERE w.withdrawn_at IS NULL))
				AND ctlpr.site_reaches(s.area, camera.position, s.distance_m));
END
$$;
COMMENT ON FUNCTION ctlpr.barring_site(ctlpr.camera) IS 'Internal: number of a protected site that bars the camera where it stands, NULL if none does (13(d)(5))';

/*
 * refuse_barred(camera, arguments) - refuse what would have a fixed camera
 * collect, or stand, at a protected site.
 *
 * camera: its row as it would be; arguments: what the entry tells of the call.
 * Errors: LP014, recorded, if a standing site bars it; 15(a)(1)(F) counts the
 * entries.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.refuse_barred(camera ctlpr.camera, arguments jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	site bigint := ctlpr.barring_site(camera);
BEGIN
	IF site IS NULL THEN
		RETURN;
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, clause => '13(d)(5)', sqlstate => 'LP014',
		detail => arguments || jsonb_build_object('site_id', site));
	RAISE EXCEPTION USING ERRCODE = 'LP014',
		MESSAGE = 'a fixed camera may not stand within the distance of a protected site',
		DETAIL = 'Clause 13(d)(5) bars fixed readers on the premises of such a site and within the distance from it that the Police Officer Standards and Training Council set.',
		HINT = CASE arguments ->> 'function'
				WHEN 'register_camera' THEN 'Place it farther away, or state authorization_29_6d if it is authorized under C.G.S. 29-6d, or federal_property if it stands on such.'
				ELSE 'Place it farther away, or have a registrar file its authorization under C.G.S. 29-6d with ctlpr.authorize_camera().'
			   END;
END
$$;
COMMENT ON FUNCTION ctlpr.refuse_barred(ctlpr.camera, jsonb) IS 'Internal: records and raises LP014 if a protected site bars the camera (13(d)(5), 15(a)(1)(F))';

/*
 * camera_rule(camera) - the rule of the statute in force that a camera breaks.
 *
 * camera: a row, also one that is not stored.
 * Result: the row of ctlpr.statute_camera in force for its sort that does not
 * permit it, or that demands an officer who attends it where none does; all
 * NULL if there is none, or if no statute is adopted.
 */
CREATE FUNCTION ctlpr.camera_rule(camera ctlpr.camera)
RETURNS ctlpr.statute_camera
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.*
	FROM ctlpr.statute_adoption a JOIN ctlpr.statute_camera r ON r.statute = a.statute
	WHERE r.fixed = camera.fixed AND r.valid_from <= now() AND now() < r.valid_until
		AND (NOT r.permitted OR (r.attended AND NOT camera.attended))
	ORDER BY r.permitted, r.valid_from LIMIT 1
$$;
COMMENT ON FUNCTION ctlpr.camera_rule(ctlpr.camera) IS 'Internal: the rule of ctlpr.statute_camera that a camera breaks, NULL if none';

/*
 * refuse_unlawful(camera, arguments) - refuse what would have a camera collect
 * that the statute in force does not permit.
 *
 * camera: its row as it would be; arguments: what the entry tells of the call.
 * Errors: LP005, recorded.
 * Clause: found in ctlpr.statute_camera.
 */
CREATE FUNCTION ctlpr.refuse_unlawful(camera ctlpr.camera, arguments jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	broken ctlpr.statute_camera := ctlpr.camera_rule(camera);
BEGIN
	IF broken.statute IS NULL THEN
		RETURN;
	END IF;
	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, clause => broken.clause, sqlstate => 'LP005', detail => arguments);
	RAISE EXCEPTION USING ERRCODE = 'LP005',
		MESSAGE = CASE WHEN broken.permitted THEN 'the camera lacks an officer who attends it'
					   WHEN broken.fixed THEN 'the statute in force permits no fixed cameras'
					   ELSE 'the statute in force permits no mobile cameras' END,
		DETAIL = format('Clause %s: %s.', broken.clause, broken.description),
		HINT = CASE WHEN broken.permitted THEN 'Register a camera that an officer attends while it reads, with attended => true.'
					ELSE 'The table ctlpr.statute_camera says which cameras the statute permits.' END;
END
$$;
COMMENT ON FUNCTION ctlpr.refuse_unlawful(ctlpr.camera, jsonb) IS 'Internal: records and raises LP005 if the statute in force does not permit the camera';

/*
 * bar_camera(camera, site, cause) - a site bars a registered camera from now
 * on, and it is inactive at once.
 *
 * cause: name of the function that brought it about, for the entry.
 * Result: whether it was active.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.bar_camera(camera ctlpr.camera, site bigint, cause text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE ctlpr.camera c
		SET barred_by = site, active = false,
			deactivated_at = coalesce(c.deactivated_at, now()),
			deactivated_by = CASE WHEN c.active THEN session_user ELSE c.deactivated_by END,
			deactivated_reason = coalesce(c.deactivated_reason, format('barred by protected site %s, 13(d)(5)', site))
		WHERE c.camera_id = camera.camera_id;
	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, clause => '13(d)(5)',
		detail => jsonb_build_object('function', 'bar_camera', 'cause', cause, 'camera_id', camera.camera_id, 'site_id', site, 'was_active', camera.active));
	RETURN camera.active;
END
$$;
COMMENT ON FUNCTION ctlpr.bar_camera(ctlpr.camera, bigint, text) IS 'Internal: makes a camera inactive because a protected site bars it (13(d)(5))';

/*
 * register_camera(camera_id, agency_id, fixed, position, place, funding,
 * nondisclosure, authorization_29_6d, federal_property, attended) - make a
 * camera known; it is active from now on.
 *
 * camera_id: the value that reads carry, at most 255 bytes; agency_id: whom it
 * reads for; fixed: false for one on a vehicle; position: a point, longitude
 * and latitude (SRID 4326), demanded of fixed ones; place: the same in words;
 * funding: who paid; nondisclosure: bought with federal homeland-security
 * money conditioned on it; authorization_29_6d: where that authorization is
 * kept; federal_property: it stands on such; attended: an officer attends it
 * while it reads, which some statutes demand.
 * Errors: 22004, 22001, 22023 an argument; 42501 the last two but one, stated by
 * a role that is no registrar; 42704 agency unknown; 42710 already
 * registered; LP005 non-disclosure without the funding that conditions it, or
 * a camera that ctlpr.statute_camera does not permit;
 * LP014 fixed, at a protected site, and neither authorized nor on federal
 * property.  LP005 and LP014 are recorded.
 * Clause: 13(d)(5), 13(e)(2)(A), 15(a)(1)(F).
 */
CREATE FUNCTION ctlpr.register_camera(camera_id text, agency_id text, fixed boolean, "position" geography DEFAULT NULL, place text DEFAULT NULL,
	funding text DEFAULT NULL, nondisclosure boolean DEFAULT false, authorization_29_6d text DEFAULT NULL, federal_property boolean DEFAULT false,
	attended boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_camera ctlpr.camera;
	optional   record;
	arguments  jsonb;
BEGIN
	PERFORM ctlpr.check_text('camera_id', register_camera.camera_id);
	IF octet_length(register_camera.camera_id) > 255 THEN
		RAISE EXCEPTION USING ERRCODE = '22001',
			MESSAGE = 'argument "camera_id" is too long',
			DETAIL = format('It has %s bytes; at most 255 are stored.', octet_length(register_camera.camera_id)),
			HINT = 'Use the identifier that the camera''s reads carry.';
	END IF;
	PERFORM ctlpr.check_agency(register_camera.agency_id);
	IF register_camera.fixed IS NULL OR register_camera.nondisclosure IS NULL OR register_camera.federal_property IS NULL
			OR register_camera.attended IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "fixed", "nondisclosure", "federal_property" and "attended" must not be null',
			HINT = 'Use true or false, or leave the last three out.';
	END IF;
	IF register_camera.fixed OR register_camera.position IS NOT NULL THEN
		PERFORM ctlpr.check_location('position', register_camera.position, '{POINT}');
	END IF;
	FOR optional IN
		SELECT * FROM (VALUES ('place', register_camera.place), ('funding', register_camera.funding),
							  ('authorization_29_6d', register_camera.authorization_29_6d)) AS v (argument, value)
		WHERE v.value IS NOT NULL
	LOOP
		PERFORM ctlpr.check_text(optional.argument, optional.value);
	END LOOP;

	PERFORM ctlpr.lock_cameras();
	IF EXISTS (SELECT FROM ctlpr.camera c WHERE c.camera_id = register_camera.camera_id) THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('camera "%s" is already registered', left(register_camera.camera_id, 63)),
			HINT = 'Change it with ctlpr.move_camera(), ctlpr.activate_camera() or ctlpr.deactivate_camera().';
	END IF;

	IF (register_camera.authorization_29_6d IS NOT NULL OR register_camera.federal_property) AND NOT pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE') THEN
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = 'authorizations and federal property are for registrars to state',
			DETAIL = 'Both take a camera out of clause 13(d)(5): who opens that way is not who runs the database.',
			HINT = 'Have a registrar register the camera, or file the authorization with ctlpr.authorize_camera().';
	END IF;

	arguments := jsonb_build_object('function', 'register_camera', 'camera_id', register_camera.camera_id, 'agency_id', register_camera.agency_id,
		'fixed', register_camera.fixed, 'nondisclosure', register_camera.nondisclosure, 'authorization_29_6d', register_camera.authorization_29_6d,
		'federal_property', register_camera.federal_property, 'attended', register_camera.attended);
	IF register_camera.nondisclosure AND register_camera.funding IS NULL THEN
		PERFORM ctlpr.record_event('configuration', agency_id => register_camera.agency_id, clause => '13(e)(2)(A)', sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = 'the camera lacks the funding that its non-disclosure rests on',
			DETAIL = 'Clause 13(e)(2)(A) makes the places of cameras public, except of those bought with federal homeland-security money conditioned on non-disclosure.',
			HINT = 'State the grant in funding, or leave nondisclosure out.';
	END IF;

	new_camera.camera_id := register_camera.camera_id;
	new_camera.agency_id := register_camera.agency_id;
	new_camera.fixed := register_camera.fixed;
	new_camera.position := register_camera.position;
	new_camera.authorization_29_6d := register_camera.authorization_29_6d;
	new_camera.federal_property := register_camera.federal_property;
	new_camera.attended := register_camera.attended;
	PERFORM ctlpr.refuse_unlawful(new_camera, arguments);
	PERFORM ctlpr.refuse_barred(new_camera, arguments);

	INSERT INTO ctlpr.camera (camera_id, agency_id, fixed, active, position, place, funding, nondisclosure, authorization_29_6d, federal_property,
							  authorized_at, authorized_by, attended)
		VALUES (register_camera.camera_id, register_camera.agency_id, register_camera.fixed, true, register_camera.position, register_camera.place,
				register_camera.funding, register_camera.nondisclosure, register_camera.authorization_29_6d, register_camera.federal_property,
				CASE WHEN register_camera.authorization_29_6d IS NOT NULL THEN now() END,
				CASE WHEN register_camera.authorization_29_6d IS NOT NULL THEN session_user END, register_camera.attended);

	PERFORM ctlpr.record_event('configuration', agency_id => register_camera.agency_id, clause => '13(d)(5)', detail => arguments);
END
$$;
COMMENT ON FUNCTION ctlpr.register_camera(text, text, boolean, geography, text, text, boolean, text, boolean, boolean) IS
	'Registers a camera, active from now on; a fixed one is refused at a protected site unless authorized under C.G.S. 29-6d or on federal property (13(d)(5))';

/*
 * move_camera(camera_id, position) - it stands elsewhere now.
 *
 * position: as register_camera() takes it; NULL for a mobile camera that has
 * none.  A camera that a site barred is barred no longer where none reaches
 * it, and stays inactive until activated.
 * Errors: 22004, 22023 an argument; 42704 unknown; LP014 a protected site bars
 * it there, active or not; recorded.
 * Clause: 13(d)(5), 15(a)(1)(F).
 */
CREATE FUNCTION ctlpr.move_camera(camera_id text, "position" geography)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	moved     ctlpr.camera := ctlpr.check_camera(move_camera.camera_id);
	arguments jsonb := jsonb_build_object('function', 'move_camera', 'camera_id', moved.camera_id);
BEGIN
	IF moved.fixed OR move_camera.position IS NOT NULL THEN
		PERFORM ctlpr.check_location('position', move_camera.position, '{POINT}');
	END IF;
	moved.position := move_camera.position;
	PERFORM ctlpr.refuse_barred(moved, arguments);

	UPDATE ctlpr.camera c SET position = move_camera.position, barred_by = NULL, moved_at = now() WHERE c.camera_id = moved.camera_id;

	PERFORM ctlpr.record_event('configuration', agency_id => moved.agency_id, clause => '13(d)(5)',
		detail => arguments || jsonb_build_object('was_barred_by', moved.barred_by));
END
$$;
COMMENT ON FUNCTION ctlpr.move_camera(text, geography) IS 'Changes where a camera stands; refused where a protected site bars it (13(d)(5))';

/*
 * activate_camera(camera_id) - it collects again.
 *
 * Errors: 22004 the argument; 42704 unknown; 55000 active already; LP005
 * ctlpr.statute_camera does not permit it, LP014 a protected site bars it; both
 * recorded.
 * Clause: 13(d)(5), 15(a)(1)(F).
 */
CREATE FUNCTION ctlpr.activate_camera(camera_id text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	camera    ctlpr.camera := ctlpr.check_camera(activate_camera.camera_id);
	arguments jsonb := jsonb_build_object('function', 'activate_camera', 'camera_id', camera.camera_id);
BEGIN
	IF camera.active THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('camera "%s" is active already', camera.camera_id),
			HINT = 'Nothing needs to be done; ctlpr.deactivate_camera() would end it.';
	END IF;
	PERFORM ctlpr.refuse_unlawful(camera, arguments);
	PERFORM ctlpr.refuse_barred(camera, arguments);

	UPDATE ctlpr.camera c
		SET active = true, barred_by = NULL, deactivated_at = NULL, deactivated_by = NULL, deactivated_reason = NULL
		WHERE c.camera_id = camera.camera_id;

	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, clause => '13(d)(5)', detail => arguments);
END
$$;
COMMENT ON FUNCTION ctlpr.activate_camera(text) IS 'Has an inactive camera collect again; refused while a protected site bars it (13(d)(5))';

/*
 * deactivate_camera(camera_id, reason) - it collects no more.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 inactive
 * already.
 * Clause: 13(d)(5), 15(a)(2).
 */
CREATE FUNCTION ctlpr.deactivate_camera(camera_id text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	camera ctlpr.camera;
BEGIN
	PERFORM ctlpr.check_text('reason', deactivate_camera.reason);
	camera := ctlpr.check_camera(deactivate_camera.camera_id);
	IF NOT camera.active THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('camera "%s" is inactive already', camera.camera_id),
			DETAIL = format('It has been since %s.', camera.deactivated_at),
			HINT = 'Nothing needs to be done; ctlpr.activate_camera() would have it collect again.';
	END IF;

	UPDATE ctlpr.camera c
		SET active = false, deactivated_at = now(), deactivated_by = session_user, deactivated_reason = deactivate_camera.reason
		WHERE c.camera_id = camera.camera_id;

	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, reason => deactivate_camera.reason, clause => '13(d)(5)',
		detail => jsonb_build_object('function', 'deactivate_camera', 'camera_id', camera.camera_id));
END
$$;
COMMENT ON FUNCTION ctlpr.deactivate_camera(text, text) IS 'Has a camera collect no more';

/*
 * authorize_camera(camera_id, document) - file its authorization under
 * C.G.S. 29-6d.
 *
 * document: where it is kept; replaces the one before.  No site bars the
 * camera from now on; if one did, it stays inactive until activated.
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.authorize_camera(camera_id text, document text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	camera ctlpr.camera;
BEGIN
	PERFORM ctlpr.check_text('document', authorize_camera.document);
	camera := ctlpr.check_camera(authorize_camera.camera_id);

	UPDATE ctlpr.camera c
		SET authorization_29_6d = authorize_camera.document, authorized_at = now(), authorized_by = session_user, barred_by = NULL
		WHERE c.camera_id = camera.camera_id;

	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, clause => '13(d)(5)',
		detail => jsonb_build_object('function', 'authorize_camera', 'camera_id', camera.camera_id, 'document', authorize_camera.document,
			'replaced', camera.authorization_29_6d, 'was_barred_by', camera.barred_by));
END
$$;
COMMENT ON FUNCTION ctlpr.authorize_camera(text, text) IS 'Files a camera''s authorization under C.G.S. 29-6d, under which no protected site bars it (13(d)(5))';

/*
 * revoke_camera_authorization(camera_id, reason) - that authorization holds no
 * longer.
 *
 * A fixed camera at a protected site is barred and inactive at once; a NOTICE
 * says so.
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 it has none.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.revoke_camera_authorization(camera_id text, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	camera  ctlpr.camera;
	revoked text;
	site    bigint;
BEGIN
	PERFORM ctlpr.check_text('reason', revoke_camera_authorization.reason);
	camera := ctlpr.check_camera(revoke_camera_authorization.camera_id);
	IF camera.authorization_29_6d IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('camera "%s" has no authorization under C.G.S. 29-6d', camera.camera_id),
			HINT = 'The column authorization_29_6d of ctlpr.camera shows which cameras have one.';
	END IF;

	revoked := camera.authorization_29_6d;
	UPDATE ctlpr.camera c
		SET authorization_29_6d = NULL, authorized_at = NULL, authorized_by = NULL
		WHERE c.camera_id = camera.camera_id;
	PERFORM ctlpr.record_event('configuration', agency_id => camera.agency_id, reason => revoke_camera_authorization.reason, clause => '13(d)(5)',
		detail => jsonb_build_object('function', 'revoke_camera_authorization', 'camera_id', camera.camera_id, 'document', revoked));

	camera.authorization_29_6d := NULL;
	site := ctlpr.barring_site(camera);
	IF site IS NOT NULL THEN
		IF ctlpr.bar_camera(camera, site, 'revoke_camera_authorization') THEN
			RAISE NOTICE USING MESSAGE = format('camera "%s" is inactive from now on', camera.camera_id),
				DETAIL = 'A protected site bars it under clause 13(d)(5).';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.revoke_camera_authorization(text, text) IS 'Ends a camera''s authorization under C.G.S. 29-6d; at a protected site it is inactive at once (13(d)(5))';

/*
 * register_protected_site(kind, name, area, distance_m, noticed_on, document)
 * - a facility or organization that gave notice to the council.
 *
 * kind: reproductive_health | gender_affirming_care | immigrant_service; area:
 * its premises, a point, polygon or multipolygon in longitude and latitude
 * (SRID 4326); distance_m: metres, as the Police Officer Standards and
 * Training Council set it; noticed_on: day of the notice in the statute's time
 * zone; document: where the notice is kept.
 * Result: number of the site.  Fixed cameras that it reaches, unless they are
 * authorized or on federal property, are barred and inactive at once, each on
 * record; a NOTICE says how many were active.  The server log does not quote
 * a call that fails in here, as it tells name and place.
 * Errors: 22004, 22001, 22023 an argument; 55000 no statute; LP005 no notice,
 * or one in the future; recorded.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.register_protected_site(kind text, name text, area geography, distance_m double precision, noticed_on date, document text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = 'panic'
AS $$
DECLARE
	in_force    ctlpr.statute := ctlpr.adopted_statute();
	today       date := (now() AT TIME ZONE in_force.time_zone)::date;
	registered  bigint;
	reached     ctlpr.camera;
	deactivated bigint := 0;
	missing     text;
	arguments   jsonb := jsonb_build_object('function', 'register_protected_site', 'distance_m', register_protected_site.distance_m::text,
											'noticed_on', register_protected_site.noticed_on);
BEGIN
	PERFORM ctlpr.check_text('kind', register_protected_site.kind);
	IF register_protected_site.kind NOT IN ('reproductive_health', 'gender_affirming_care', 'immigrant_service') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "kind" is not a kind of protected site',
			HINT = 'Use reproductive_health, gender_affirming_care or immigrant_service.';
	END IF;
	PERFORM ctlpr.check_text('name', register_protected_site.name);
	PERFORM ctlpr.check_location('area', register_protected_site.area, '{POINT,POLYGON,MULTIPOLYGON}');
	IF register_protected_site.distance_m IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "distance_m" must not be null',
			HINT = 'State the distance that the council set, in metres.';
	END IF;
	-- NaN is greater than Infinity
	IF NOT (register_protected_site.distance_m > 0 AND register_protected_site.distance_m < 'Infinity') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "distance_m" must be positive and finite',
			HINT = 'State the distance that the council set, in metres.';
	END IF;
	IF register_protected_site.document IS NOT NULL THEN
		PERFORM ctlpr.check_text('document', register_protected_site.document);
	END IF;
	IF register_protected_site.noticed_on = '-infinity' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "noticed_on" must be a day',
			HINT = 'State the day of the notice.';
	END IF;

	missing := CASE WHEN register_protected_site.noticed_on IS NULL THEN 'a notice'
					WHEN register_protected_site.noticed_on > today THEN 'a notice that is not in the future' END;
	IF missing IS NOT NULL THEN
		PERFORM ctlpr.record_event('configuration', clause => '13(d)(5)', sqlstate => 'LP005', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = format('the protected site lacks %s', missing),
			DETAIL = 'Clause 13(d)(5) protects sites that gave notice to the Police Officer Standards and Training Council.',
			HINT = 'State in noticed_on the day of that notice.';
	END IF;

	PERFORM ctlpr.lock_cameras();
	INSERT INTO ctlpr.protected_site AS s (kind, name, area, distance_m, noticed_on, document)
		VALUES (register_protected_site.kind, register_protected_site.name, register_protected_site.area, register_protected_site.distance_m,
				register_protected_site.noticed_on, register_protected_site.document)
		RETURNING s.site_id INTO registered;
	PERFORM ctlpr.record_event('configuration', clause => '13(d)(5)', detail => arguments || jsonb_build_object('site_id', registered));

	FOR reached IN
		SELECT c.* FROM ctlpr.camera c
		WHERE c.fixed AND NOT c.federal_property AND c.authorization_29_6d IS NULL AND c.barred_by IS NULL
			AND ctlpr.site_reaches(register_protected_site.area, c.position, register_protected_site.distance_m)
		ORDER BY c.camera_id
	LOOP
		IF ctlpr.bar_camera(reached, registered, 'register_protected_site') THEN
			deactivated := deactivated + 1;
		END IF;
	END LOOP;
	RAISE NOTICE USING MESSAGE = format('cameras made inactive by protected site %s: %s', registered, deactivated),
		DETAIL = 'Clause 13(d)(5) bars fixed readers within its distance.',
		HINT = 'The column barred_by of ctlpr.camera shows which; the log has an entry for each.';
	RETURN registered;
END
$$;
COMMENT ON FUNCTION ctlpr.register_protected_site(text, text, geography, double precision, date, text) IS
	'Registers a site that gave notice under 13(d)(5), distance in metres; fixed cameras within it become inactive at once; returns its number';

/*
 * withdraw_protected_site(site_id, reason) - it is protected no longer.
 *
 * Cameras that it barred are barred by another standing site that reaches
 * them, or by none; they stay inactive until activated.  A NOTICE says how
 * many none bars.
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 55000 withdrawn
 * before.
 * Clause: 13(d)(5).
 */
CREATE FUNCTION ctlpr.withdraw_protected_site(site_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	site   ctlpr.protected_site;
	barred ctlpr.camera;
	other  bigint;
	freed  bigint := 0;
BEGIN
	IF withdraw_protected_site.site_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "site_id" must not be null',
			HINT = 'Use the number that ctlpr.register_protected_site() returned.';
	END IF;
	PERFORM ctlpr.check_text('reason', withdraw_protected_site.reason);
	PERFORM ctlpr.lock_cameras();
	SELECT * INTO site FROM ctlpr.protected_site s WHERE s.site_id = withdraw_protected_site.site_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('protected site %s does not exist', withdraw_protected_site.site_id),
			HINT = 'The table ctlpr.protected_site lists what is registered.';
	END IF;
	IF site.withdrawn_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('protected site %s was withdrawn before', site.site_id),
			DETAIL = format('It has not stood since %s.', site.withdrawn_at),
			HINT = 'To protect it again, register its new notice with ctlpr.register_protected_site().';
	END IF;

	UPDATE ctlpr.protected_site s
		SET withdrawn_at = now(), withdrawn_by = session_user, withdrawn_reason = withdraw_protected_site.reason
		WHERE s.site_id = site.site_id;
	PERFORM ctlpr.record_event('configuration', reason => withdraw_protected_site.reason, clause => '13(d)(5)',
		detail => jsonb_build_object('function', 'withdraw_protected_site', 'site_id', site.site_id));

	FOR barred IN SELECT c.* FROM ctlpr.camera c WHERE c.barred_by = site.site_id ORDER BY c.camera_id
	LOOP
		other := ctlpr.barring_site(barred);
		UPDATE ctlpr.camera c SET barred_by = other WHERE c.camera_id = barred.camera_id;
		freed := freed + (other IS NULL)::int;
		PERFORM ctlpr.record_event('configuration', agency_id => barred.agency_id, clause => '13(d)(5)',
			detail => jsonb_build_object('function', 'unbar_camera', 'cause', 'withdraw_protected_site', 'camera_id', barred.camera_id,
				'site_id', site.site_id, 'barred_by', other));
	END LOOP;
	RAISE NOTICE USING MESSAGE = format('cameras that no protected site bars any longer: %s', freed),
		HINT = 'They stay inactive until ctlpr.activate_camera().';
END
$$;
COMMENT ON FUNCTION ctlpr.withdraw_protected_site(bigint, text) IS 'Withdraws a protected site; cameras that no other site bars may be activated again (13(d)(5))';

/* What 15(a)(1)(F) counts: verdicts that refused with LP014. */
CREATE VIEW ctlpr.camera_requests_at_sites WITH (security_barrier) AS
SELECT e.agency_id, e.at, e.seq, e.action,
	e.detail ->> 'camera_id' AS camera_id,
	(e.detail ->> 'site_id')::bigint AS site_id
FROM ctlpr.audit_entry e
WHERE e.entry = 'verdict'
	AND e.sqlstate = 'LP014'
	AND ctlpr.auditor_sees(e.agency_id, NULL)
ORDER BY e.seq DESC;
COMMENT ON VIEW ctlpr.camera_requests_at_sites IS 'Instances when collection was requested at a site of 13(d)(5), each refused, newest first (15(a)(1)(F))';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.agency_id IS 'Agency of the camera or, where a read was refused, the one that ingested; NULL if none';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.at IS 'When it was requested';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.seq IS 'Entry of the log';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.action IS 'configuration: placing or activating a camera; any other: a read of a barred camera';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.camera_id IS 'The camera; NULL where the entry does not tell';
COMMENT ON COLUMN ctlpr.camera_requests_at_sites.site_id IS 'Number of the protected site; NULL where the entry does not tell';

/* Where devices stand is public, but for those bought with federal homeland-security money on condition of non-disclosure. */
CREATE VIEW ctlpr.public_cameras WITH (security_barrier) AS
SELECT c.camera_id, c.agency_id, a.name AS agency_name, c.fixed, c.active, c.place, c.position, c.funding
FROM ctlpr.camera c
	JOIN ctlpr.agency a ON a.agency_id = c.agency_id
WHERE NOT c.nondisclosure
ORDER BY c.agency_id, c.camera_id;
COMMENT ON VIEW ctlpr.public_cameras IS 'The cameras, for the public: all but those under a condition of non-disclosure (13(e)(2)(A))';
COMMENT ON COLUMN ctlpr.public_cameras.camera_id IS 'The camera';
COMMENT ON COLUMN ctlpr.public_cameras.agency_id IS 'The agency that it reads for';
COMMENT ON COLUMN ctlpr.public_cameras.agency_name IS 'Name of the agency';
COMMENT ON COLUMN ctlpr.public_cameras.fixed IS 'False: it is on a vehicle';
COMMENT ON COLUMN ctlpr.public_cameras.active IS 'It collects';
COMMENT ON COLUMN ctlpr.public_cameras.place IS 'Where it stands, in words';
COMMENT ON COLUMN ctlpr.public_cameras.position IS 'Where it stands (longitude, latitude)';
COMMENT ON COLUMN ctlpr.public_cameras.funding IS 'Who paid for it';
