-- 13(d)(5), 13(e)(2)(A), 15(a)(1)(F): no fixed camera stands within the distance of a protected site unless authorized under C.G.S. 29-6d or on federal property; each attempt is on record.

-- Reading the log is on record once a transaction, so this is one of its own.
BEGIN;
\o /dev/null
SELECT count(*) FROM ctlpr.camera_requests_at_sites;
\o
ROLLBACK;

BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(174);

CREATE SCHEMA cameras;
CREATE ROLE cameras_admin IN ROLE ctlpr_admin;
CREATE ROLE cameras_registrar IN ROLE ctlpr_registrar;
CREATE ROLE cameras_auditor;
CREATE ROLE cameras_auditor_one;
CREATE ROLE cameras_stranger;
CREATE ROLE cameras_public IN ROLE ctlpr_public;
GRANT USAGE ON SCHEMA cameras TO PUBLIC;

-- The log outlives this transaction, so only what is newer counts.
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;

-- A refusal has its SQLSTATE and a hint that leads on.  None tells of a site.
CREATE FUNCTION cameras.refused(statement text, state text, hint_pattern text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state  text;
	got_hint   text;
	got_detail text;
	got_text   text;
	as_wanted  boolean;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT, got_detail = PG_EXCEPTION_DETAIL;
	END;
	as_wanted := coalesce(got_state = state AND got_hint ~ hint_pattern AND (got_state !~ '^LP' OR got_detail ~ '^Clause 13\(')
		AND concat(got_text, got_detail, got_hint) !~ 'Secret|Elm', false);
	RETURN ok(as_wanted, description)
		|| CASE WHEN as_wanted THEN '' ELSE E'\n' || diag(format('got %s: %s; detail: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_detail, got_hint)) END;
END
$$;

-- How many entries of this test the log has for a function.
CREATE FUNCTION cameras.recorded(function_name text, state text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM ctlpr.audit_entry e
	WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'configuration' AND e.allowed = (state IS NULL)
		AND e.detail ->> 'function' = function_name AND e.sqlstate IS NOT DISTINCT FROM state
$$;

-- active and barred_by of a camera, in short
CREATE FUNCTION cameras.state(camera text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN c.active THEN 'active' ELSE 'inactive' END || CASE WHEN c.barred_by IS NOT NULL THEN ', barred' ELSE '' END
	FROM ctlpr.camera c WHERE c.camera_id = camera
$$;

-- How the site that bars a position is found.
CREATE FUNCTION cameras.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN SELECT FROM ctlpr.protected_site s WHERE ctlpr.site_reaches(s.area, ''POINT(-72.93 41.31)'', (SELECT max(w.distance_m) FROM ctlpr.protected_site w))';
END
$$;

SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, '2026-10-01')$$, '55000', 'adopt_statute', 'without a statute no site is registered');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'the statute is adopted');
SELECT ctlpr.register_agency('T-CAM-PD', 'A police department', 'police', 'CT'), ctlpr.register_agency('T-CAM-OTHER', 'Another', 'police', 'CT');
SELECT ctlpr.bind_auditor('cameras_auditor'), ctlpr.bind_auditor('cameras_auditor_one', 'T-CAM-OTHER');

-- The C library reads the first five columns by number.
SELECT is((SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'ctlpr.camera'::regclass AND a.attnum BETWEEN 1 AND 5),
	'camera_id text, agency_id text, fixed boolean, active boolean, barred_by bigint', 'the first columns of ctlpr.camera stand in their order');
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		   WHERE c.oid IN ('ctlpr.camera'::regclass, 'ctlpr.protected_site'::regclass, 'ctlpr.camera_requests_at_sites'::regclass) AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column has a comment');

-- register_camera()
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-1', 'T-CAM-PD', true, 'POINT(-72.93 41.31)', place => 'Main and Elm', funding => 'city')$$, 'a fixed camera is registered');
SELECT is(cameras.state('CAM-1'), 'active', 'and is active');
SELECT is((SELECT (agency_id, fixed, place, funding, nondisclosure, federal_property, authorization_29_6d, registered_by, st_astext(position), deactivated_at)::text FROM ctlpr.camera WHERE camera_id = 'CAM-1'),
	format('(T-CAM-PD,t,"Main and Elm",city,f,f,,%s,"POINT(-72.93 41.31)",)', session_user), 'as it was described');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAR-1', 'T-CAM-PD', false)$$, 'a mobile camera needs no position');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAR-2', 'T-CAM-PD', false, 'POINT(-72.93 41.31)')$$, 'and may have one');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-DHS', 'T-CAM-PD', true, 'POINT(-72.5 41.5)', funding => 'UASI grant', nondisclosure => true)$$, 'a camera whose funding demands non-disclosure is registered: 13(e)(2)(A)');
SELECT is((SELECT nondisclosure FROM ctlpr.camera WHERE camera_id = 'CAM-DHS'), true, 'and says so');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.5 41.5)', nondisclosure => true)$$, 'LP005', 'grant', 'non-disclosure needs the funding that it rests on: 13(e)(2)(A)');
SELECT is(cameras.recorded('register_camera', 'LP005'), 1::bigint, 'which is on record');
SELECT lives_ok(format($$SELECT ctlpr.register_camera(%L, 'T-CAM-PD', false)$$, repeat('x', 255)), 'an identifier has 255 bytes');
SELECT cameras.refused($$SELECT ctlpr.register_camera(repeat('x', 256), 'T-CAM-PD', false)$$, '22001', 'reads carry', 'and no more');
SELECT cameras.refused($$SELECT ctlpr.register_camera(repeat('é', 128), 'T-CAM-PD', false)$$, '22001', 'reads carry', 'counted in bytes');
SELECT cameras.refused($$SELECT ctlpr.register_camera(NULL, 'T-CAM-PD', false)$$, '22004', 'camera_id', 'a NULL identifier is refused');
SELECT cameras.refused($$SELECT ctlpr.register_camera(' ', 'T-CAM-PD', false)$$, '22023', 'camera_id', 'a blank one too');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', NULL, false)$$, '22004', 'agency', 'a NULL agency is refused');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-NOWHERE', false)$$, '42704', 'register_agency', 'an unknown agency too');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', NULL)$$, '22004', 'true or false', 'fixed or mobile must be stated');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', false, nondisclosure => NULL)$$, '22004', 'true or false', 'non-disclosure is not NULL');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', false, federal_property => NULL)$$, '22004', 'true or false', 'nor is federal property');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true)$$, '22004', 'POINT', 'a fixed camera has a position');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', false, place => repeat('x', 4097))$$, '22001', 'Shorten', 'a place has at most 4096 bytes');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', false, funding => ' ')$$, '22023', 'funding', 'funding is not blank');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', false, authorization_29_6d => '')$$, '22023', 'authorization_29_6d', 'nor is an authorization');
SELECT cameras.refused($$SELECT ctlpr.register_camera('CAM-1', 'T-CAM-PD', true, 'POINT(-72 41)')$$, '42710', 'move_camera', 'a camera is registered once');
SELECT cameras.refused(format($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', %L, %s)$$, fixed, location), '22023', 'degrees', format('%s is no position, fixed: %s', what, fixed))
	FROM (VALUES ('an empty point', $$'POINT EMPTY'$$),
				 ('a longitude that is NaN', $$st_setsrid(st_makepoint('NaN', 41), 4326)::geography$$),
				 ('an infinite latitude', $$st_setsrid(st_makepoint(-72, 'Infinity'), 4326)::geography$$),
				 ('a line', $$'LINESTRING(-72 41, -73 41)'$$),
				 ('a polygon', $$'POLYGON((-72 41, -73 41, -73 42, -72 41))'$$),
				 ('a point in the air', $$'POINT Z (-72 41 3)'$$),
				 ('a point of another datum', $$'SRID=4269;POINT(-72 41)'$$)) AS v (what, location), (VALUES (true), (false)) AS f (fixed);
SELECT is((SELECT count(*) FROM ctlpr.camera WHERE camera_id = 'X' OR length(camera_id) > 255), 0::bigint, 'refused registrations left nothing');
SELECT is(cameras.recorded('register_camera'), 5::bigint, 'each registration is on record');

-- deactivate_camera() and activate_camera()
SELECT cameras.refused($$SELECT ctlpr.deactivate_camera('CAM-1', NULL)$$, '22004', 'reason', 'a camera is not taken off without a reason');
SELECT cameras.refused($$SELECT ctlpr.deactivate_camera(NULL, 'maintenance')$$, '22004', 'ctlpr.camera', 'nor none');
SELECT cameras.refused($$SELECT ctlpr.deactivate_camera('CAM-NONE', 'maintenance')$$, '42704', 'register_camera', 'nor one that is unknown');
SELECT cameras.refused($$SELECT ctlpr.activate_camera('CAM-1')$$, '55000', 'deactivate_camera', 'an active camera is not activated');
SELECT cameras.refused($$SELECT ctlpr.activate_camera('CAM-NONE')$$, '42704', 'register_camera', 'nor an unknown one');
SELECT cameras.refused($$SELECT ctlpr.activate_camera(NULL)$$, '22004', 'ctlpr.camera', 'nor none');
SELECT lives_ok($$SELECT ctlpr.deactivate_camera('CAM-1', 'maintenance')$$, 'a camera is taken off');
SELECT is((SELECT (active, barred_by, deactivated_at = now(), deactivated_by = session_user, deactivated_reason)::text FROM ctlpr.camera WHERE camera_id = 'CAM-1'), '(f,,t,t,maintenance)', 'who did it, when and why is kept');
SELECT cameras.refused($$SELECT ctlpr.deactivate_camera('CAM-1', 'again')$$, '55000', 'activate_camera', 'once');
SELECT lives_ok($$SELECT ctlpr.activate_camera('CAM-1')$$, 'and put on again');
SELECT is((SELECT (active, barred_by, deactivated_at, deactivated_by, deactivated_reason)::text FROM ctlpr.camera WHERE camera_id = 'CAM-1'), '(t,,,,)', 'with nothing left of it');
SELECT is(ARRAY[cameras.recorded('deactivate_camera'), cameras.recorded('activate_camera')], '{1,1}'::bigint[], 'both are on record');

-- register_protected_site(): bad input
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', NULL, 100, '2026-10-01')$$, '22004', 'POINT', 'a site without location is refused');
SELECT cameras.refused(format($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', %s, 100, '2026-10-01')$$, location), '22023', 'degrees', format('%s is no area', what))
	FROM (VALUES ('an empty polygon', $$'POLYGON EMPTY'$$),
				 ('a line', $$'LINESTRING(-72 41, -73 41)'$$),
				 ('a collection', $$'GEOMETRYCOLLECTION(POINT(-72 41))'$$),
				 ('a polygon that crosses itself', $$'POLYGON((-72 41, -73 42, -72 42, -73 41, -72 41))'$$),
				 ('a polygon without surface', $$'POLYGON((-72 41, -72 41, -72 41, -72 41))'$$),
				 ('a polygon with a NaN', $$st_setsrid(st_makepolygon(st_makeline(ARRAY[st_makepoint(-72, 41), st_makepoint(-72, 42), st_makepoint('NaN', 42), st_makepoint(-72, 41)])), 4326)::geography$$),
				 ('a polygon of another datum', $$'SRID=4269;POLYGON((-72 41, -73 41, -73 42, -72 41))'$$)) AS v (what, location);
SELECT cameras.refused(format($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', %s, '2026-10-01')$$, distance), state, 'metres', format('a distance of %s is refused', distance))
	FROM (VALUES ('NULL', '22004'), ('0', '22023'), ('-1', '22023'), ($$'NaN'$$, '22023'), ($$'Infinity'$$, '22023'), ($$'-Infinity'$$, '22023')) AS v (distance, state);
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('school', 'Secret', 'POINT(-72.93 41.31)', 100, '2026-10-01')$$, '22023', 'reproductive_health', 'an unknown kind is refused and the kinds are listed');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site(NULL, 'Secret', 'POINT(-72.93 41.31)', 100, '2026-10-01')$$, '22004', 'kind', 'a NULL kind too');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', NULL, 'POINT(-72.93 41.31)', 100, '2026-10-01')$$, '22004', 'name', 'a NULL name too');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', repeat('Secret', 700), 'POINT(-72.93 41.31)', 100, '2026-10-01')$$, '22001', 'Shorten', 'a name has at most 4096 bytes');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, '2026-10-01', document => ' ')$$, '22023', 'document', 'a document is not blank');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, NULL)$$, 'LP005', 'noticed_on', 'a site that gave no notice is refused: 13(d)(5)');
SELECT cameras.refused(format($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, %L)$$, (now() AT TIME ZONE 'America/New_York')::date + 1), 'LP005', 'noticed_on', 'so is a notice in the future');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, 'infinity')$$, 'LP005', 'noticed_on', 'or never');
SELECT cameras.refused($$SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.31)', 100, '-infinity')$$, '22023', 'day', 'a notice has a day');
SELECT is(cameras.recorded('register_protected_site', 'LP005'), 3::bigint, 'what the clause refuses is on record');
SELECT is((SELECT count(*) FROM ctlpr.protected_site), 0::bigint, 'refused registrations left nothing');
SELECT is(cameras.state('CAM-1'), 'active', 'and barred nothing');

-- register_protected_site(): cameras within the distance are inactive at once.  A thousandth of a degree of latitude is 111 m.
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-FAR', 'T-CAM-PD', true, 'POINT(-72.93 41.314)')$$, 'a camera 444 m away');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-FED', 'T-CAM-PD', true, 'POINT(-72.93 41.31)', federal_property => true)$$, 'one on federal property');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-AUTH', 'T-CAM-PD', true, 'POINT(-72.93 41.31)', authorization_29_6d => 'file 12')$$, 'one authorized under C.G.S. 29-6d');
SELECT ctlpr.register_camera('CAM-OFF', 'T-CAM-OTHER', true, 'POINT(-72.93 41.31)'), ctlpr.deactivate_camera('CAM-OFF', 'maintenance');
CREATE TEMP TABLE site AS SELECT 'clinic' AS site, ctlpr.register_protected_site('reproductive_health', 'Secret Clinic', 'POINT(-72.93 41.311)', 300, (now() AT TIME ZONE 'America/New_York')::date, 'binder 7') AS site_id;
SELECT is((SELECT (kind, name, st_astext(area), distance_m, document, registered_by = session_user, withdrawn_at)::text FROM ctlpr.protected_site), '(reproductive_health,"Secret Clinic","POINT(-72.93 41.311)",300,"binder 7",t,)', 'a site that gave notice today is registered');
SELECT is((SELECT array_agg(camera_id || ': ' || cameras.state(camera_id) ORDER BY camera_id) FROM ctlpr.camera WHERE camera_id ~ '^C'),
	'{"CAM-1: inactive, barred","CAM-AUTH: active","CAM-DHS: active","CAM-FAR: active","CAM-FED: active","CAM-OFF: inactive, barred","CAR-1: active","CAR-2: active"}'::text[],
	'fixed cameras within its distance are barred; others, mobile, authorized and those on federal property are not: 13(d)(5)');
SELECT is((SELECT (barred_by = site_id, deactivated_at = now(), deactivated_by = session_user, deactivated_reason = format('barred by protected site %s, 13(d)(5)', site_id))::text FROM ctlpr.camera, site WHERE camera_id = 'CAM-1'), '(t,t,t,t)', 'the row says by which');
SELECT is((SELECT deactivated_reason FROM ctlpr.camera WHERE camera_id = 'CAM-OFF'), 'maintenance', 'what was inactive before keeps its reason');
SELECT is((SELECT array_agg(format('%s %s %s %s', e.agency_id, e.detail ->> 'camera_id', e.detail ->> 'was_active', e.clause) ORDER BY e.seq) FROM ctlpr.audit_entry e, site WHERE e.seq > (SELECT seq FROM beginning) AND e.detail ->> 'function' = 'bar_camera' AND e.detail ->> 'site_id' = site_id::text),
	'{"T-CAM-PD CAM-1 true 13(d)(5)","T-CAM-OTHER CAM-OFF false 13(d)(5)"}'::text[], 'each is on record for its agency');
SELECT is(cameras.recorded('register_protected_site'), 1::bigint, 'the site too');

-- LP014: 13(d)(5)
SELECT cameras.refused($$SELECT ctlpr.activate_camera('CAM-1')$$, 'LP014', 'authorize_camera', 'a barred camera is not activated');
SELECT cameras.refused($$SELECT ctlpr.register_camera('CAM-2', 'T-CAM-PD', true, 'POINT(-72.93 41.3085)')$$, 'LP014', 'farther away', 'nor is one registered within the distance');
SELECT is(cameras.state('CAM-2'), NULL, 'and nothing is left of it');
SELECT cameras.refused($$SELECT ctlpr.move_camera('CAM-FAR', 'POINT(-72.93 41.312)')$$, 'LP014', 'farther away', 'nor moved there');
SELECT cameras.refused($$SELECT ctlpr.move_camera('CAM-1', 'POINT(-72.93 41.312)')$$, 'LP014', 'farther away', 'nor moved within it');
SELECT is((SELECT st_astext(position) || ' ' || cameras.state(camera_id) FROM ctlpr.camera WHERE camera_id = 'CAM-FAR'), 'POINT(-72.93 41.314) active', 'it stays where it was');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-3', 'T-CAM-PD', true, 'POINT(-72.93 41.3082)')$$, 'at 311 m a camera is registered');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-FED-2', 'T-CAM-PD', true, 'POINT(-72.93 41.311)', federal_property => true)$$, 'so is one at the site on federal property');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-AUTH-2', 'T-CAM-PD', true, 'POINT(-72.93 41.311)', authorization_29_6d => 'file 13')$$, 'and an authorized one');
SELECT lives_ok($$SELECT ctlpr.move_camera('CAR-1', 'POINT(-72.93 41.311)')$$, 'a mobile camera may be there');
SELECT lives_ok($$SELECT ctlpr.move_camera('CAR-1', NULL)$$, 'or anywhere');
SELECT is(ARRAY[cameras.recorded('activate_camera', 'LP014'), cameras.recorded('register_camera', 'LP014'), cameras.recorded('move_camera', 'LP014')], '{1,1,2}'::bigint[], 'each attempt is on record');
SELECT is((SELECT array_agg(DISTINCT format('%s %s %s %s', e.agency_id, e.clause, e.allowed, e.detail ->> 'site_id')) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.sqlstate = 'LP014'),
	(SELECT ARRAY[format('T-CAM-PD 13(d)(5) f %s', site_id)] FROM site), 'for the agency, with the clause and the number of the site');

-- move_camera()
SELECT cameras.refused($$SELECT ctlpr.move_camera('CAM-1', NULL)$$, '22004', 'POINT', 'a fixed camera is somewhere');
SELECT cameras.refused($$SELECT ctlpr.move_camera('CAR-1', 'POINT EMPTY')$$, '22023', 'degrees', 'and a mobile one not at an empty point');
SELECT cameras.refused($$SELECT ctlpr.move_camera('CAM-NONE', 'POINT(-72 41)')$$, '42704', 'register_camera', 'an unknown camera is not moved');
SELECT cameras.refused($$SELECT ctlpr.move_camera(NULL, 'POINT(-72 41)')$$, '22004', 'ctlpr.camera', 'nor none');
SELECT lives_ok($$SELECT ctlpr.move_camera('CAM-OFF', 'POINT(-72.93 41.32)')$$, 'a barred camera is moved away');
SELECT is((SELECT cameras.state('CAM-OFF') || ' ' || (moved_at = now()) || ' ' || st_astext(position) FROM ctlpr.camera WHERE camera_id = 'CAM-OFF'), 'inactive true POINT(-72.93 41.32)', 'is barred no more, and stays inactive');
SELECT lives_ok($$SELECT ctlpr.activate_camera('CAM-OFF')$$, 'until activated');
SELECT is(cameras.recorded('move_camera'), 3::bigint, 'each move is on record');

-- authorize_camera() and revoke_camera_authorization()
SELECT cameras.refused($$SELECT ctlpr.authorize_camera('CAM-1', NULL)$$, '22004', 'document', 'an authorization is a document');
SELECT cameras.refused($$SELECT ctlpr.authorize_camera('CAM-NONE', 'file 14')$$, '42704', 'register_camera', 'for a known camera');
SELECT lives_ok($$SELECT ctlpr.authorize_camera('CAM-1', 'file 14')$$, 'an authorization under C.G.S. 29-6d is filed');
SELECT is((SELECT (authorization_29_6d, authorized_at = now(), authorized_by = session_user, cameras.state(camera_id))::text FROM ctlpr.camera WHERE camera_id = 'CAM-1'), '("file 14",t,t,inactive)', 'lifts the bar, and leaves the camera inactive');
SELECT lives_ok($$SELECT ctlpr.activate_camera('CAM-1')$$, 'until activated');
SELECT cameras.refused($$SELECT ctlpr.revoke_camera_authorization('CAM-1', ' ')$$, '22023', 'reason', 'it is not revoked without a reason');
SELECT cameras.refused($$SELECT ctlpr.revoke_camera_authorization('CAM-3', 'expired')$$, '55000', 'authorization_29_6d', 'nor where there is none');
SELECT cameras.refused($$SELECT ctlpr.revoke_camera_authorization('CAM-NONE', 'expired')$$, '42704', 'register_camera', 'nor for an unknown camera');
SELECT lives_ok($$SELECT ctlpr.revoke_camera_authorization('CAM-1', 'expired')$$, 'it is revoked');
SELECT is((SELECT (authorization_29_6d, authorized_at, authorized_by, barred_by = site_id, active)::text FROM ctlpr.camera, site WHERE camera_id = 'CAM-1'), '(,,,t,f)', 'and the camera barred and inactive at once');
SELECT lives_ok($$SELECT ctlpr.authorize_camera('CAM-FAR', 'file 15'), ctlpr.revoke_camera_authorization('CAM-FAR', 'not needed')$$, 'away from every site');
SELECT is(cameras.state('CAM-FAR'), 'active', 'a camera stays active without one');
SELECT is(ARRAY[cameras.recorded('authorize_camera'), cameras.recorded('revoke_camera_authorization'), cameras.recorded('bar_camera')], '{2,2,3}'::bigint[], 'each is on record');

-- An area: on the premises, in a hole of them, or near them; and two sites over one camera
INSERT INTO site SELECT 'campus', ctlpr.register_protected_site('immigrant_service', 'Secret Center',
	'MULTIPOLYGON(((-72.95 41.30, -72.92 41.30, -72.92 41.3105, -72.95 41.3105, -72.95 41.30), (-72.94 41.305, -72.939 41.305, -72.939 41.306, -72.94 41.305)), ((-72.8 41.3, -72.79 41.3, -72.79 41.31, -72.8 41.3)))', 50, '2026-10-01');
SELECT is(cameras.state('CAM-3'), 'inactive, barred', 'a camera on the premises is barred');
SELECT is((SELECT barred_by = site_id FROM ctlpr.camera, site WHERE camera_id = 'CAM-1' AND site = 'clinic'), true, 'one that a site bars already stays barred by that');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.9394 41.3055)')$$, 'LP014', 'farther', 'in a yard of 60 m no camera may stand');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.9503 41.305)')$$, 'LP014', 'farther', 'nor 25 m outside');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.792 41.305)')$$, 'LP014', 'farther', 'nor on its other part');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-4', 'T-CAM-PD', true, 'POINT(-72.9508 41.305)')$$, '67 m away it may');
SET LOCAL enable_seqscan = off;
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.9503 41.305)')$$, 'LP014', 'farther', 'through the index no less');
SELECT cameras.refused($$SELECT ctlpr.register_camera('X', 'T-CAM-PD', true, 'POINT(-72.93 41.313)')$$, 'LP014', 'farther', 'whichever site has the widest distance');
SELECT ok((SELECT string_agg(line, E'\n') FROM cameras.plan() AS line) ~ 'protected_site_area_idx', 'the index on the area is used');
RESET enable_seqscan;

-- withdraw_protected_site()
SELECT cameras.refused($$SELECT ctlpr.withdraw_protected_site(NULL, 'moved')$$, '22004', 'number', 'a site is withdrawn by its number');
SELECT cameras.refused($$SELECT ctlpr.withdraw_protected_site(-1, 'moved')$$, '42704', 'protected_site', 'a known one');
SELECT cameras.refused(format('SELECT ctlpr.withdraw_protected_site(%s, NULL)', site_id), '22004', 'reason', 'with a reason') FROM site WHERE site = 'clinic';
SELECT lives_ok(format($$SELECT ctlpr.withdraw_protected_site(%s, 'moved')$$, site_id), 'a site is withdrawn') FROM site WHERE site = 'clinic';
SELECT cameras.refused(format($$SELECT ctlpr.withdraw_protected_site(%s, 'again')$$, site_id), '55000', 'register_protected_site', 'once') FROM site WHERE site = 'clinic';
SELECT is((SELECT (withdrawn_at = now(), withdrawn_by = session_user, withdrawn_reason)::text FROM ctlpr.protected_site NATURAL JOIN site WHERE site = 'clinic'), '(t,t,moved)', 'the row says so');
SELECT is((SELECT barred_by = site_id AND NOT active FROM ctlpr.camera, site WHERE camera_id = 'CAM-1' AND site = 'campus'), true, 'a camera that another site reaches is barred by that');
SELECT cameras.refused($$SELECT ctlpr.activate_camera('CAM-1')$$, 'LP014', 'farther', 'and not activated');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-6', 'T-CAM-PD', true, 'POINT(-72.93 41.311)')$$, 'where only the withdrawn one was a camera may stand');
SELECT lives_ok(format($$SELECT ctlpr.withdraw_protected_site(%s, 'closed')$$, site_id), 'that site is withdrawn too') FROM site WHERE site = 'campus';
SELECT is(ARRAY[cameras.state('CAM-1'), cameras.state('CAM-3')], '{inactive,inactive}'::text[], 'their cameras are barred no more, and stay inactive');
SELECT lives_ok($$SELECT ctlpr.activate_camera('CAM-1'), ctlpr.activate_camera('CAM-3')$$, 'until activated');
SELECT is(ARRAY[cameras.recorded('withdraw_protected_site'), cameras.recorded('unbar_camera')], '{2,3}'::bigint[], 'the withdrawals and what they lift are on record');
SELECT is((SELECT array_agg(e.seq) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT seq FROM beginning) AND e.entry = 'verdict' AND e.action = 'configuration' AND e::text ~ 'Secret|Clinic|41\.3|Elm|reproductive|immigrant'), NULL, 'no entry tells the name, kind or place of a site, or the place of a camera');

-- camera_requests_at_sites: 15(a)(1)(F)
SET LOCAL ROLE cameras_auditor;
SELECT is((SELECT array_agg(format('%s %s %s', agency_id, action, camera_id) ORDER BY seq) FROM ctlpr.camera_requests_at_sites WHERE agency_id ~ '^T-CAM' AND at > now() - interval '10 minutes' AND camera_id <> 'X' AND seq > (SELECT max(seq) FROM ctlpr.audit_log WHERE detail ->> 'function' = 'register_agency' AND detail ->> 'agency_id' = 'T-CAM-PD')),
	'{"T-CAM-PD configuration CAM-1","T-CAM-PD configuration CAM-2","T-CAM-PD configuration CAM-FAR","T-CAM-PD configuration CAM-1","T-CAM-PD configuration CAM-1"}'::text[], 'an auditor sees each attempt');
SELECT ok((SELECT count(*) FROM ctlpr.camera) > 0 AND (SELECT count(*) FROM ctlpr.protected_site) > 0, 'cameras and sites too');
RESET ROLE;
SELECT ok(EXISTS (SELECT FROM ctlpr.audit_entry e WHERE e.backend_pid = pg_backend_pid() AND e.at < now() AND e.action = 'select' AND e.relation = 'ctlpr.audit_entry'), 'reading them is on record');
SET LOCAL ROLE cameras_auditor_one;
SELECT is((SELECT count(*) FROM ctlpr.camera_requests_at_sites WHERE agency_id = 'T-CAM-PD'), 0::bigint, 'another agency''s auditor does not');
RESET ROLE;

-- Who may call what
SET LOCAL ROLE cameras_admin;
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-5', 'T-CAM-PD', true, 'POINT(-72 41)'), ctlpr.move_camera('CAM-5', 'POINT(-72 41.1)'), ctlpr.deactivate_camera('CAM-5', 'x'), ctlpr.activate_camera('CAM-5')$$, 'an administrator keeps cameras');
SELECT ok((SELECT count(*) FROM ctlpr.camera) > 0, 'and sees them');
SELECT throws_ok('SELECT * FROM ctlpr.protected_site', '42501', NULL, 'but no protected site');
SELECT throws_ok($$SELECT ctlpr.authorize_camera('CAM-5', 'file')$$, '42501', NULL, 'and files no authorization');
SELECT throws_ok($$SELECT ctlpr.register_protected_site('immigrant_service', 'x', 'POINT(-72 41)', 1, '2026-10-01')$$, '42501', NULL, 'and no site');
SELECT throws_ok($$SELECT ctlpr.withdraw_protected_site(1, 'x')$$, '42501', NULL, 'and withdraws none');
SELECT throws_ok('SELECT * FROM ctlpr.camera_requests_at_sites', '42501', NULL, 'and does not read the log');
RESET ROLE;
SET LOCAL ROLE cameras_registrar;
SELECT lives_ok($$SELECT ctlpr.withdraw_protected_site(ctlpr.register_protected_site('gender_affirming_care', 'x', 'POINT(-72 41.1)', 10, '2026-10-01'), 'x'), ctlpr.authorize_camera('CAM-5', 'file'), ctlpr.revoke_camera_authorization('CAM-5', 'x')$$, 'a registrar keeps sites and authorizations');
SELECT ok((SELECT count(*) FROM ctlpr.protected_site) > 0, 'and sees the sites');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-7', 'T-CAM-PD', true, 'POINT(-72 41.3)', authorization_29_6d => 'file', federal_property => true)$$, 'and registers a camera with its authorization');
SELECT throws_ok($$SELECT ctlpr.deactivate_camera('CAM-7', 'x')$$, '42501', NULL, 'but runs none');
RESET ROLE;
SET LOCAL ROLE cameras_admin;
SELECT throws_ok($$SELECT ctlpr.register_camera('CAM-8', 'T-CAM-PD', true, 'POINT(-72 41.3)', authorization_29_6d => 'file')$$, '42501', NULL, 'who runs the database authorizes no camera');
SELECT throws_ok($$SELECT ctlpr.register_camera('CAM-8', 'T-CAM-PD', true, 'POINT(-72 41.3)', federal_property => true)$$, '42501', NULL, 'nor says that it stands on federal property');
SELECT lives_ok($$SELECT ctlpr.register_camera('CAM-8', 'T-CAM-PD', true, 'POINT(-72 41.3)')$$, 'an ordinary one it registers');
RESET ROLE;
SET LOCAL ROLE cameras_registrar;
RESET ROLE;
SELECT is((SELECT array_agg(p.proname ORDER BY p.proname) FROM pg_proc p CROSS JOIN (VALUES ('ctlpr_admin'), ('ctlpr_registrar'), ('ctlpr_auditor'), ('cameras_stranger')) AS r (role_name)
		   WHERE p.oid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'ctlpr'::regnamespace AND proname IN ('site_reaches', 'location_flaw', 'check_location', 'lock_cameras', 'check_camera', 'barring_site', 'refuse_barred', 'bar_camera', 'camera_rule', 'refuse_unlawful'))
			   AND has_function_privilege(r.role_name, p.oid, 'EXECUTE')), NULL, 'the internal functions are nobody''s');
SELECT is((SELECT array_agg(p.proname) FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.proname ~ 'camera|site' AND has_function_privilege('cameras_stranger', p.oid, 'EXECUTE')), NULL, 'a stranger calls nothing');
SELECT is((SELECT array_agg(c.relname) FROM pg_class c WHERE c.oid IN ('ctlpr.camera'::regclass, 'ctlpr.protected_site'::regclass, 'ctlpr.camera_requests_at_sites'::regclass) AND has_table_privilege('cameras_stranger', c.oid, 'SELECT')), NULL, 'and sees nothing');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_extension e JOIN pg_class c ON c.oid = ANY (e.extconfig) WHERE e.extname = 'ctlpr' AND c.relname ~ 'camera|protected_site'), '{camera,protected_site,protected_site_site_id_seq,statute_camera}'::name[], 'a dump takes cameras and sites along');

-- 13(e)(2)(A): where devices stand is public
SELECT ok((SELECT count(*) FROM ctlpr.camera WHERE nondisclosure) > 0, 'there are cameras under a condition of non-disclosure');
SET LOCAL ROLE cameras_public;
SELECT is((SELECT array_agg(p.camera_id) FROM ctlpr.public_cameras p WHERE p.camera_id = 'CAM-8'), '{CAM-8}'::text[], 'the public sees where cameras stand');
SELECT is((SELECT array_agg(c.relname ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND has_table_privilege(c.oid, 'SELECT')), '{public_agencies,public_audit_log,public_cameras,public_cameras_geojson,public_checkpoint,public_purges,public_rules,public_usage}'::name[], 'and nothing else of the schema but the public record');
RESET ROLE;
SELECT is((SELECT count(*) FROM ctlpr.public_cameras p JOIN ctlpr.camera c USING (camera_id) WHERE c.nondisclosure) + (SELECT count(*) FROM ctlpr.camera WHERE NOT nondisclosure), (SELECT count(*) FROM ctlpr.public_cameras), 'all but those under that condition');

SELECT * FROM finish();
ROLLBACK;
