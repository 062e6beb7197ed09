/*
 * publication.sql - logical replication of governed tables: refused, but for a
 * subscriber of the agency that owns the reads.
 */
CREATE TABLE ctlpr.allowed_publication (
	publication     name NOT NULL,
	subscriber      regrole NOT NULL,
	subscriber_name name NOT NULL,
	agency_id       text NOT NULL,
	reason          text NOT NULL,
	approved_by     text NOT NULL,
	allowed_at      timestamptz NOT NULL DEFAULT now(),
	allowed_by      name NOT NULL DEFAULT session_user,
	withdrawn_at    timestamptz,
	PRIMARY KEY (publication, subscriber, allowed_at)
);
COMMENT ON TABLE ctlpr.allowed_publication IS 'Publications that an administrator allowed to carry reads of an agency to a subscriber of the same agency';
COMMENT ON COLUMN ctlpr.allowed_publication.publication IS 'Name of the publication, made or to be made';
COMMENT ON COLUMN ctlpr.allowed_publication.subscriber IS 'Role that the subscription connects as';
COMMENT ON COLUMN ctlpr.allowed_publication.subscriber_name IS 'Its name when allowed, for readers of an old dump';
COMMENT ON COLUMN ctlpr.allowed_publication.agency_id IS 'The agency of the subscriber, and of every read that the publication carries';
COMMENT ON COLUMN ctlpr.allowed_publication.reason IS 'Why';
COMMENT ON COLUMN ctlpr.allowed_publication.approved_by IS 'Who approved it';
COMMENT ON COLUMN ctlpr.allowed_publication.allowed_at IS 'When it was allowed';
COMMENT ON COLUMN ctlpr.allowed_publication.allowed_by IS 'Login that allowed it';
COMMENT ON COLUMN ctlpr.allowed_publication.withdrawn_at IS 'When the leave was withdrawn; NULL: it stands';
