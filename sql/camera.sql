/*
 * camera.sql - where reads come from, and where none may be collected: which
 * readers the law permits, the cameras, and the sites that 13(d)(5) keeps
 * fixed ones away from.
 *
 * A camera's row carries the verdict in barred_by, so that whoever takes a
 * read needs no geometry to know of it; the functions in camera_functions.sql
 * keep it true.  A list of protected sites is itself sensitive: their names
 * and places are in this table alone, never in the log or in a message.
 *
 * The C library reads ctlpr.camera by attribute number: append columns, never
 * move them.  PostGIS' types are found through the search path of CREATE
 * EXTENSION, which has its schema; what is stored is their OID.
 */
CREATE TABLE ctlpr.statute_camera (
	statute     text NOT NULL,
	fixed       boolean NOT NULL,
	clause      text NOT NULL,
	permitted   boolean NOT NULL,
	attended    boolean NOT NULL DEFAULT false,
	description text NOT NULL,
	valid_from  timestamptz NOT NULL DEFAULT '-infinity',
	valid_until timestamptz NOT NULL DEFAULT 'infinity',
	PRIMARY KEY (statute, fixed, valid_from),
	CHECK (valid_from < valid_until)
);
COMMENT ON TABLE ctlpr.statute_camera IS 'Which readers the law permits at all; a sort that has no row is permitted';
COMMENT ON COLUMN ctlpr.statute_camera.statute IS 'The profile';
COMMENT ON COLUMN ctlpr.statute_camera.fixed IS 'The row is about fixed readers; false: about those on a vehicle or carried';
COMMENT ON COLUMN ctlpr.statute_camera.clause IS 'Clause that permits or forbids them';
COMMENT ON COLUMN ctlpr.statute_camera.permitted IS 'False: none may be registered or activated';
COMMENT ON COLUMN ctlpr.statute_camera.attended IS 'register_camera() must state that an officer attends it while it reads';
COMMENT ON COLUMN ctlpr.statute_camera.description IS 'What it means, in a sentence';
COMMENT ON COLUMN ctlpr.statute_camera.valid_from IS 'In force from this instant';
COMMENT ON COLUMN ctlpr.statute_camera.valid_until IS 'In force before this instant';

CREATE TABLE ctlpr.camera (
	camera_id           text PRIMARY KEY CHECK (camera_id <> '' AND octet_length(camera_id) <= 255),
	agency_id           text NOT NULL,
	fixed               boolean NOT NULL,
	active              boolean NOT NULL,
	barred_by           bigint,
	position            geography(Point, 4326),
	place               text,
	funding             text,
	nondisclosure       boolean NOT NULL DEFAULT false,
	authorization_29_6d text,
	registered_at       timestamptz NOT NULL DEFAULT now(),
	registered_by       name NOT NULL DEFAULT session_user,
	deactivated_at      timestamptz,
	deactivated_by      name,
	deactivated_reason  text,
	federal_property    boolean NOT NULL DEFAULT false,
	moved_at            timestamptz,
	authorized_at       timestamptz,
	authorized_by       name,
	attended            boolean NOT NULL DEFAULT false,
	CHECK (NOT fixed OR position IS NOT NULL),
	CHECK (barred_by IS NULL OR (fixed AND NOT active AND NOT federal_property AND authorization_29_6d IS NULL)),
	CHECK (active = (deactivated_at IS NULL)),
	CHECK ((deactivated_at IS NULL) = (deactivated_reason IS NULL)),
	CHECK ((authorized_at IS NULL) = (authorization_29_6d IS NULL))
);
CREATE INDEX camera_position_idx ON ctlpr.camera USING gist (position);
CREATE INDEX camera_barred_by_idx ON ctlpr.camera (barred_by) WHERE barred_by IS NOT NULL;
COMMENT ON TABLE ctlpr.camera IS 'Plate readers, fixed and mobile (13(d)(5), 13(e)(2)(A))';
COMMENT ON COLUMN ctlpr.camera.camera_id IS 'Identifier, the value that a read''s camera column holds; at most 255 bytes';
COMMENT ON COLUMN ctlpr.camera.agency_id IS 'The agency that it reads for';
COMMENT ON COLUMN ctlpr.camera.fixed IS 'It stands in one place, so that 13(d)(5) applies to it; false: mounted on a vehicle or carried';
COMMENT ON COLUMN ctlpr.camera.active IS 'It may collect reads';
COMMENT ON COLUMN ctlpr.camera.barred_by IS 'Number of the protected site that bars it, 13(d)(5); NULL: none does';
COMMENT ON COLUMN ctlpr.camera.position IS 'Where it stands, longitude and latitude in degrees (SRID 4326); a mobile one may have none';
COMMENT ON COLUMN ctlpr.camera.place IS 'The same in words, such as a crossing';
COMMENT ON COLUMN ctlpr.camera.funding IS 'Who paid for it';
COMMENT ON COLUMN ctlpr.camera.nondisclosure IS 'Bought with federal homeland-security money on condition that its place is not disclosed, 13(e)(2)(A)';
COMMENT ON COLUMN ctlpr.camera.authorization_29_6d IS 'Its authorization under C.G.S. 29-6d, under which it may stand at a protected site; NULL: none';
COMMENT ON COLUMN ctlpr.camera.registered_at IS 'When it was registered';
COMMENT ON COLUMN ctlpr.camera.registered_by IS 'Login that registered it';
COMMENT ON COLUMN ctlpr.camera.deactivated_at IS 'Since when it has been inactive; NULL while it is active';
COMMENT ON COLUMN ctlpr.camera.deactivated_by IS 'Login whose call made it inactive';
COMMENT ON COLUMN ctlpr.camera.deactivated_reason IS 'Why it is inactive';
COMMENT ON COLUMN ctlpr.camera.federal_property IS 'It stands on federal property, which 13(d)(5) exempts';
COMMENT ON COLUMN ctlpr.camera.moved_at IS 'When its position last changed; NULL: never';
COMMENT ON COLUMN ctlpr.camera.authorized_at IS 'When the authorization under C.G.S. 29-6d was filed here';
COMMENT ON COLUMN ctlpr.camera.authorized_by IS 'Login that filed it';
COMMENT ON COLUMN ctlpr.camera.attended IS 'As stated by whoever registered it: an officer attends it while it reads';

CREATE TABLE ctlpr.protected_site (
	site_id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	kind             text NOT NULL CHECK (kind IN ('reproductive_health', 'gender_affirming_care', 'immigrant_service')),
	name             text NOT NULL CHECK (name <> ''),
	area             geography(Geometry, 4326) NOT NULL,
	distance_m       double precision NOT NULL CHECK (distance_m > 0 AND distance_m < 'Infinity'),
	noticed_on       date NOT NULL CHECK (isfinite(noticed_on)),
	document         text,
	registered_at    timestamptz NOT NULL DEFAULT now(),
	registered_by    name NOT NULL DEFAULT session_user,
	withdrawn_at     timestamptz,
	withdrawn_by     name,
	withdrawn_reason text,
	CHECK ((withdrawn_at IS NULL) = (withdrawn_reason IS NULL))
);
CREATE INDEX protected_site_area_idx ON ctlpr.protected_site USING gist (area);
COMMENT ON TABLE ctlpr.protected_site IS 'Facilities and organizations that gave notice, and the distance within which no fixed reader may stand (13(d)(5)); the list is itself sensitive';
COMMENT ON COLUMN ctlpr.protected_site.site_id IS 'Number of the site, by which the log and messages know it';
COMMENT ON COLUMN ctlpr.protected_site.kind IS 'reproductive_health | gender_affirming_care | immigrant_service';
COMMENT ON COLUMN ctlpr.protected_site.name IS 'Name of the facility or organization';
COMMENT ON COLUMN ctlpr.protected_site.area IS 'Its premises: a point or polygons, longitude and latitude in degrees (SRID 4326)';
COMMENT ON COLUMN ctlpr.protected_site.distance_m IS 'Distance from the premises that the Police Officer Standards and Training Council set, in metres';
COMMENT ON COLUMN ctlpr.protected_site.noticed_on IS 'Day of the notice to the council, in the statute''s time zone';
COMMENT ON COLUMN ctlpr.protected_site.document IS 'Where the notice is kept';
COMMENT ON COLUMN ctlpr.protected_site.registered_at IS 'When it was registered';
COMMENT ON COLUMN ctlpr.protected_site.registered_by IS 'Login that registered it';
COMMENT ON COLUMN ctlpr.protected_site.withdrawn_at IS 'When it was withdrawn; NULL while it stands';
COMMENT ON COLUMN ctlpr.protected_site.withdrawn_by IS 'Login that recorded the withdrawal';
COMMENT ON COLUMN ctlpr.protected_site.withdrawn_reason IS 'Why it was withdrawn';
