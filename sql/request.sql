/*
 * request.sql - requests (src/request.c) and standing requests.
 *
 * The C library reads standing_request by attribute number (src/rules.c):
 * append columns, never move them.
 */
CREATE TABLE ctlpr.standing_request (
	request_seq bigint PRIMARY KEY,
	role        regrole NOT NULL,
	role_name   name NOT NULL,
	agency_id   text NOT NULL,
	purpose     text NOT NULL,
	reason      text NOT NULL CHECK (reason <> ''),
	approved_by text NOT NULL CHECK (approved_by <> ''),
	valid_until timestamptz NOT NULL,
	filed_at    timestamptz NOT NULL DEFAULT now(),
	filed_by    name NOT NULL DEFAULT session_user
);
CREATE INDEX standing_request_role_idx ON ctlpr.standing_request (role);
COMMENT ON TABLE ctlpr.standing_request IS 'Requests of programs that cannot call begin_request(): own agency''s reads only';
COMMENT ON COLUMN ctlpr.standing_request.request_seq IS 'Entry of the log under which its statements are recorded';
COMMENT ON COLUMN ctlpr.standing_request.role IS 'The role that it covers';
COMMENT ON COLUMN ctlpr.standing_request.role_name IS 'Its name when filed, for readers of an old dump';
COMMENT ON COLUMN ctlpr.standing_request.agency_id IS 'The agency whose reads it opens';
COMMENT ON COLUMN ctlpr.standing_request.purpose IS 'A purpose that the statute allows to stand';
COMMENT ON COLUMN ctlpr.standing_request.reason IS 'Why it is needed';
COMMENT ON COLUMN ctlpr.standing_request.approved_by IS 'Who approved it';
COMMENT ON COLUMN ctlpr.standing_request.valid_until IS 'Instant at which it lapses';
COMMENT ON COLUMN ctlpr.standing_request.filed_at IS 'When it was filed';
COMMENT ON COLUMN ctlpr.standing_request.filed_by IS 'Login that filed it';
