/*
 * audit.sql - the log.
 *
 * One background worker per database inserts here (src/audit_writer.c); it is
 * the only one that may.  A statement, a request or an event is a 'verdict'
 * entry that is durable before any row is released; what came of it follows
 * in 'outcome' entries that name the verdict in of_seq.  The views in
 * report.sql put the two together.
 *
 * Each row is a leaf of a Merkle tree, whose nodes stand in ctlpr.audit_tile
 * (src/audit_tree.c, docs/log-format.md).
 *
 * The C library forms these rows by attribute number (src/audit_entry.h):
 * append columns, never move them.  No trigger, no foreign key, no default:
 * nothing of a user's runs in the writer.
 */
CREATE TABLE ctlpr.audit_entry (
	seq              bigint NOT NULL,
	entry            text NOT NULL,
	of_seq           bigint,
	at               timestamptz NOT NULL,
	request_seq      bigint,
	session_role     name,
	role             name,
	agency_id        text,
	agency_kind      text,
	agency_state     text,
	on_behalf_of     text,
	officer          text,
	purpose          text,
	offense          text,
	case_number      text,
	reason           text,
	basis            text,
	declaration_id   bigint,
	authorization_id bigint,
	relation         text,
	action           text NOT NULL,
	search_kind      text,
	plates           text[],
	statement        text,
	allowed          boolean,
	enforced         boolean,
	sqlstate         text,
	clause           text,
	outcome          text,
	rows_returned    bigint,
	rows_touched     bigint,
	oldest_age_days  int,
	client_addr      inet,
	application_name text,
	terminal         text,
	backend_pid      int,
	statute          text,
	owners           text[],
	owner_rows       bigint[],
	detail           jsonb,
	officer_salt     uuid,
	case_number_salt uuid,
	reason_salt      uuid,
	plates_salt      uuid,
	detail_salt      uuid,
	redacted         jsonb
);
ALTER TABLE ctlpr.audit_entry ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (seq);
CREATE INDEX audit_entry_of_seq_idx ON ctlpr.audit_entry (of_seq) WHERE of_seq IS NOT NULL;
CREATE INDEX audit_entry_at_idx ON ctlpr.audit_entry (at);
CREATE INDEX audit_entry_redacted_idx ON ctlpr.audit_entry (seq) WHERE redacted IS NOT NULL;
COMMENT ON TABLE ctlpr.audit_entry IS 'The log as it is stored: verdicts and their outcomes; read it through ctlpr.audit_log';
COMMENT ON COLUMN ctlpr.audit_entry.seq IS 'Number of the entry, without gaps, in the order of recording';
COMMENT ON COLUMN ctlpr.audit_entry.entry IS 'verdict | outcome';
COMMENT ON COLUMN ctlpr.audit_entry.of_seq IS 'For an outcome: the verdict that it completes';
COMMENT ON COLUMN ctlpr.audit_entry.at IS 'When it was queued';
COMMENT ON COLUMN ctlpr.audit_entry.request_seq IS 'The entry of the request under which a statement ran';
COMMENT ON COLUMN ctlpr.audit_entry.session_role IS 'Login';
COMMENT ON COLUMN ctlpr.audit_entry.role IS 'Role that acted, after SET ROLE';
COMMENT ON COLUMN ctlpr.audit_entry.agency_id IS 'Agency for which it acted';
COMMENT ON COLUMN ctlpr.audit_entry.agency_kind IS 'Kind of that agency at the time';
COMMENT ON COLUMN ctlpr.audit_entry.agency_state IS 'State of that agency at the time';
COMMENT ON COLUMN ctlpr.audit_entry.on_behalf_of IS 'Agency that the search was really for, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.officer IS 'Officer, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.purpose IS 'Purpose, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.offense IS 'Offense, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.case_number IS 'Case, incident, dispatch or alert number, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.reason IS 'Reason, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.basis IS 'own | in_state | declaration | ... : what opened the widest reads that the statement could see';
COMMENT ON COLUMN ctlpr.audit_entry.declaration_id IS 'Declaration in force that was relied on';
COMMENT ON COLUMN ctlpr.audit_entry.authorization_id IS 'Instrument that was relied on';
COMMENT ON COLUMN ctlpr.audit_entry.relation IS 'Qualified name of the governed relation at the time';
COMMENT ON COLUMN ctlpr.audit_entry.action IS 'request | select | insert | update | delete | merge | copy | ddl | break_glass | purge | configuration | ...';
COMMENT ON COLUMN ctlpr.audit_entry.search_kind IS 'plate | partial | area_time | browse | none';
COMMENT ON COLUMN ctlpr.audit_entry.plates IS 'Constants and parameters compared with the plate column';
COMMENT ON COLUMN ctlpr.audit_entry.statement IS 'Text of the statement, literals and comments removed';
COMMENT ON COLUMN ctlpr.audit_entry.allowed IS 'The verdict';
COMMENT ON COLUMN ctlpr.audit_entry.enforced IS 'False in observe mode: the verdict was recorded only';
COMMENT ON COLUMN ctlpr.audit_entry.sqlstate IS 'SQLSTATE of a refusal or, in an outcome, of an error';
COMMENT ON COLUMN ctlpr.audit_entry.clause IS 'Clause of the statute behind the verdict';
COMMENT ON COLUMN ctlpr.audit_entry.outcome IS 'ok | error, in outcome entries';
COMMENT ON COLUMN ctlpr.audit_entry.rows_returned IS 'Rows sent or changed';
COMMENT ON COLUMN ctlpr.audit_entry.rows_touched IS 'Rows that passed all conditions of their scan';
COMMENT ON COLUMN ctlpr.audit_entry.oldest_age_days IS 'Age in whole days of the oldest read touched, 15(a)(1)(G)';
COMMENT ON COLUMN ctlpr.audit_entry.client_addr IS 'Address of the client; NULL for a local socket';
COMMENT ON COLUMN ctlpr.audit_entry.application_name IS 'Name of the application, as it states it';
COMMENT ON COLUMN ctlpr.audit_entry.terminal IS 'Terminal, as stated';
COMMENT ON COLUMN ctlpr.audit_entry.backend_pid IS 'Process that served the session';
COMMENT ON COLUMN ctlpr.audit_entry.statute IS 'Profile in force';
COMMENT ON COLUMN ctlpr.audit_entry.owners IS 'In an outcome: agencies whose reads were touched';
COMMENT ON COLUMN ctlpr.audit_entry.owner_rows IS 'In an outcome: how many reads of each were touched';
COMMENT ON COLUMN ctlpr.audit_entry.detail IS 'What else belongs to an event: a purge certificate, a configuration change';
COMMENT ON COLUMN ctlpr.audit_entry.officer_salt IS 'Random salt of the hash by which the officer enters the tree';
COMMENT ON COLUMN ctlpr.audit_entry.case_number_salt IS 'Random salt of the hash by which the case number enters the tree';
COMMENT ON COLUMN ctlpr.audit_entry.reason_salt IS 'Random salt of the hash by which the reason enters the tree';
COMMENT ON COLUMN ctlpr.audit_entry.plates_salt IS 'Random salt of the hash by which the plates enter the tree';
COMMENT ON COLUMN ctlpr.audit_entry.detail_salt IS 'Random salt of the hash by which the detail enters the tree';
COMMENT ON COLUMN ctlpr.audit_entry.redacted IS 'Hashes of values that have been taken out, with their salts, by column; NULL: none has been';

/*
 * The Merkle tree over the log.  A tile holds 256 neighbouring hashes: of level
 * 0 those of entries 256 * number + 1 on, of level n the roots of tiles of level
 * n - 1.  It is stored when it is full and never changes; the hashes of a tile
 * that is not full yet follow from what it is about.
 */
CREATE TABLE ctlpr.audit_tile (
	level  smallint NOT NULL,
	number bigint NOT NULL,
	root   bytea NOT NULL,
	hashes bytea NOT NULL
);
ALTER TABLE ctlpr.audit_tile ADD CONSTRAINT audit_tile_pkey PRIMARY KEY (level, number);
-- Hashes do not compress.
ALTER TABLE ctlpr.audit_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE ctlpr.audit_tile IS 'Full tiles of the Merkle tree over the log, written with the entry that fills them';
COMMENT ON COLUMN ctlpr.audit_tile.level IS '0: hashes of entries; n: roots of the tiles of level n - 1';
COMMENT ON COLUMN ctlpr.audit_tile.number IS 'Number of the tile on its level, from 0';
COMMENT ON COLUMN ctlpr.audit_tile.root IS 'Hash over the tile (SHA-256)';
COMMENT ON COLUMN ctlpr.audit_tile.hashes IS '256 hashes of 32 bytes';

CREATE TABLE ctlpr.checkpoint (
	epoch     int NOT NULL,
	size      bigint NOT NULL,
	root      bytea NOT NULL,
	signed_at timestamptz NOT NULL,
	note      text NOT NULL
);
ALTER TABLE ctlpr.checkpoint ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (epoch, size);
COMMENT ON TABLE ctlpr.checkpoint IS 'Signed statements of the size and root of the log, as published';
COMMENT ON COLUMN ctlpr.checkpoint.epoch IS 'One more for each fork of the log that was accepted';
COMMENT ON COLUMN ctlpr.checkpoint.size IS 'Entries of the log that it is about';
COMMENT ON COLUMN ctlpr.checkpoint.root IS 'Root of the tree over them (SHA-256)';
COMMENT ON COLUMN ctlpr.checkpoint.signed_at IS 'When it was signed';
COMMENT ON COLUMN ctlpr.checkpoint.note IS 'The signed note (C2SP tlog-checkpoint)';

CREATE TABLE ctlpr.log_fork (
	epoch       int PRIMARY KEY,
	last_note   text NOT NULL,
	last_size   bigint NOT NULL,
	last_root   bytea NOT NULL,
	accepted_at timestamptz NOT NULL,
	accepted_by name NOT NULL,
	reason      text NOT NULL,
	approved_by text NOT NULL
);
COMMENT ON TABLE ctlpr.log_fork IS 'Forks of the log that were accepted, after a failover, a recovery to a point in time or a restore';
COMMENT ON COLUMN ctlpr.log_fork.epoch IS 'The epoch that begins with it';
COMMENT ON COLUMN ctlpr.log_fork.last_note IS 'The last checkpoint of the epoch before, which the log does not extend';
COMMENT ON COLUMN ctlpr.log_fork.last_size IS 'Its size';
COMMENT ON COLUMN ctlpr.log_fork.last_root IS 'Its root';
COMMENT ON COLUMN ctlpr.log_fork.accepted_at IS 'When it was accepted';
COMMENT ON COLUMN ctlpr.log_fork.accepted_by IS 'Login that accepted it';
COMMENT ON COLUMN ctlpr.log_fork.reason IS 'What that login stated';
COMMENT ON COLUMN ctlpr.log_fork.approved_by IS 'Who approved it, as stated';

CREATE TABLE ctlpr.log_trim (
	through     bigint PRIMARY KEY,
	seq         bigint NOT NULL,
	trimmed_at  timestamptz NOT NULL,
	approved_by text NOT NULL
);
COMMENT ON TABLE ctlpr.log_trim IS 'Up to which entry contents of the log were deleted at the end of its own retention; their hashes stay';
COMMENT ON COLUMN ctlpr.log_trim.through IS 'Last entry that is gone';
COMMENT ON COLUMN ctlpr.log_trim.seq IS 'The entry that tells of it';
COMMENT ON COLUMN ctlpr.log_trim.trimmed_at IS 'When they were deleted';
COMMENT ON COLUMN ctlpr.log_trim.approved_by IS 'Who approved it, as stated';
