/*
 * statute.sql - the law as data.  A profile (sql/statutes/) fills these tables;
 * adopt_statute() puts one in force.  Every rule carries effective dates, so
 * an amendment is a new row, not new code.
 *
 * The C library reads these tables by attribute number (src/rules.c): append
 * columns, never move them.
 */
CREATE TABLE ctlpr.statute (
	statute   text PRIMARY KEY,
	title     text NOT NULL,
	state     text NOT NULL CHECK (state ~ '^[A-Z]{2}$'),
	time_zone text NOT NULL,
	citation  text NOT NULL,
	shipped   boolean NOT NULL DEFAULT false,
	log_retention interval CHECK (log_retention > interval '0'),
	log_clause    text,
	CHECK ((log_retention IS NULL) = (log_clause IS NULL))
);
COMMENT ON TABLE ctlpr.statute IS 'Statute profiles that this database knows';
COMMENT ON COLUMN ctlpr.statute.statute IS 'Name of the profile, such as us-ct-2026';
COMMENT ON COLUMN ctlpr.statute.title IS 'Title of the act';
COMMENT ON COLUMN ctlpr.statute.state IS 'State whose agencies are in-state agencies';
COMMENT ON COLUMN ctlpr.statute.time_zone IS 'Time zone in which the dates of the law are read';
COMMENT ON COLUMN ctlpr.statute.citation IS 'Where the official text stands';
COMMENT ON COLUMN ctlpr.statute.shipped IS 'Came with the extension, so dumps leave it out';
COMMENT ON COLUMN ctlpr.statute.log_retention IS 'How long the law has the audit trail kept; NULL: it does not say, and the log is kept';
COMMENT ON COLUMN ctlpr.statute.log_clause IS 'Clause that sets log_retention';

CREATE TABLE ctlpr.statute_adoption (
	statute    text PRIMARY KEY,
	adopted_at timestamptz NOT NULL DEFAULT now(),
	adopted_by name NOT NULL DEFAULT session_user
);
CREATE UNIQUE INDEX statute_adoption_one_idx ON ctlpr.statute_adoption ((true));
COMMENT ON TABLE ctlpr.statute_adoption IS 'The one profile in force in this database';
COMMENT ON COLUMN ctlpr.statute_adoption.statute IS 'The profile in force';
COMMENT ON COLUMN ctlpr.statute_adoption.adopted_at IS 'When it was adopted';
COMMENT ON COLUMN ctlpr.statute_adoption.adopted_by IS 'Login that adopted it';

CREATE TABLE ctlpr.statute_purpose (
	statute      text NOT NULL,
	purpose      text NOT NULL CHECK (purpose ~ '^[a-z][a-z0-9_]*$'),
	clause       text NOT NULL,
	permitted    boolean NOT NULL,
	agency_kinds text[] NOT NULL DEFAULT '{}',
	demands      text[] NOT NULL DEFAULT '{}' CHECK (demands <@ '{reason,case_number,officer,offense,authorization}'),
	standing     boolean NOT NULL DEFAULT false,
	description  text NOT NULL,
	valid_from   timestamptz NOT NULL DEFAULT '-infinity',
	valid_until  timestamptz NOT NULL DEFAULT 'infinity',
	standing_only boolean NOT NULL DEFAULT false,
	pending_case boolean NOT NULL DEFAULT false,
	PRIMARY KEY (statute, purpose, valid_from),
	CHECK (valid_from < valid_until),
	CHECK (standing OR NOT standing_only)
);
COMMENT ON TABLE ctlpr.statute_purpose IS 'Purposes that the law knows, permitted and forbidden';
COMMENT ON COLUMN ctlpr.statute_purpose.statute IS 'The profile';
COMMENT ON COLUMN ctlpr.statute_purpose.purpose IS 'Name that begin_request() takes';
COMMENT ON COLUMN ctlpr.statute_purpose.clause IS 'Clause that permits or forbids it';
COMMENT ON COLUMN ctlpr.statute_purpose.permitted IS 'False: known, and forbidden to everybody';
COMMENT ON COLUMN ctlpr.statute_purpose.agency_kinds IS 'Kinds of agency that may state it';
COMMENT ON COLUMN ctlpr.statute_purpose.demands IS 'What the request must state: reason, case_number, officer, offense, authorization (the number of an instrument)';
COMMENT ON COLUMN ctlpr.statute_purpose.standing IS 'May be the purpose of a standing request';
COMMENT ON COLUMN ctlpr.statute_purpose.description IS 'What it means, in a sentence';
COMMENT ON COLUMN ctlpr.statute_purpose.valid_from IS 'In force from this instant';
COMMENT ON COLUMN ctlpr.statute_purpose.valid_until IS 'In force before this instant';
COMMENT ON COLUMN ctlpr.statute_purpose.standing_only IS 'Only a standing request may have it, never begin_request()';
COMMENT ON COLUMN ctlpr.statute_purpose.pending_case IS 'The case number may be stated as "pending" and completed within ctlpr.pending_limit';

CREATE TABLE ctlpr.statute_retention (
	statute     text NOT NULL,
	rule        text NOT NULL,
	clause      text NOT NULL,
	period      interval NOT NULL CHECK (period > interval '0' AND extract(year FROM period) = 0 AND extract(month FROM period) = 0),
	description text NOT NULL,
	valid_from  timestamptz NOT NULL DEFAULT '-infinity',
	valid_until timestamptz NOT NULL DEFAULT 'infinity',
	shared_purposes  text[],
	shared_kinds     text[],
	PRIMARY KEY (statute, rule, valid_from),
	CHECK (valid_from < valid_until),
	CHECK ((shared_purposes IS NULL) = (shared_kinds IS NULL))
);
COMMENT ON TABLE ctlpr.statute_retention IS 'How long reads may be kept; a day is 24 hours whatever the time zone';
COMMENT ON COLUMN ctlpr.statute_retention.statute IS 'The profile';
COMMENT ON COLUMN ctlpr.statute_retention.rule IS 'Name that govern(retention) takes';
COMMENT ON COLUMN ctlpr.statute_retention.clause IS 'Clause that sets it';
COMMENT ON COLUMN ctlpr.statute_retention.period IS 'From capture to the instant at which a read is gone';
COMMENT ON COLUMN ctlpr.statute_retention.description IS 'What it covers, in a sentence';
COMMENT ON COLUMN ctlpr.statute_retention.valid_from IS 'In force from this instant';
COMMENT ON COLUMN ctlpr.statute_retention.valid_until IS 'In force before this instant';
COMMENT ON COLUMN ctlpr.statute_retention.shared_purposes IS 'Purposes under which agencies other than the owner may see reads kept by this rule, whatever else would open them; NULL: any lawful one';
COMMENT ON COLUMN ctlpr.statute_retention.shared_kinds IS 'Kinds of agency that may, for these purposes';

CREATE TABLE ctlpr.statute_recipient (
	statute      text NOT NULL,
	rank         int NOT NULL,
	clause       text NOT NULL,
	states       text[] CHECK (states <> '{}'),
	agency_kinds text[] NOT NULL,
	basis        text NOT NULL CHECK (basis IN ('none', 'declaration', 'authorization')),
	demands      text[] NOT NULL DEFAULT '{}' CHECK (demands <@ '{reason,case_number,officer,offense,authorization}'),
	description  text NOT NULL,
	valid_from   timestamptz NOT NULL DEFAULT '-infinity',
	valid_until  timestamptz NOT NULL DEFAULT 'infinity',
	PRIMARY KEY (statute, rank, valid_from),
	CHECK (valid_from < valid_until)
);
COMMENT ON TABLE ctlpr.statute_recipient IS 'Who may see another agency''s reads, and on what basis: the first match by rank decides, no match means no one';
COMMENT ON COLUMN ctlpr.statute_recipient.statute IS 'The profile';
COMMENT ON COLUMN ctlpr.statute_recipient.rank IS 'Order of matching, lowest first';
COMMENT ON COLUMN ctlpr.statute_recipient.clause IS 'Clause that opens, or names who opens, the way';
COMMENT ON COLUMN ctlpr.statute_recipient.states IS 'States of the recipient; NULL means any';
COMMENT ON COLUMN ctlpr.statute_recipient.agency_kinds IS 'Kinds of the recipient';
COMMENT ON COLUMN ctlpr.statute_recipient.basis IS 'none: sharing is open; declaration: one must be in force; authorization: an instrument for specific data';
COMMENT ON COLUMN ctlpr.statute_recipient.demands IS 'What the request must state before another agency''s reads are seen';
COMMENT ON COLUMN ctlpr.statute_recipient.description IS 'What it means, in a sentence';
COMMENT ON COLUMN ctlpr.statute_recipient.valid_from IS 'In force from this instant';
COMMENT ON COLUMN ctlpr.statute_recipient.valid_until IS 'In force before this instant';
