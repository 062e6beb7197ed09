/*
 * audit.sql - the log.
 *
 * One background worker per database inserts here (src/audit_writer.c); it is
 * the only one that may.  A statement, a request or an event is a 'verdict'
 * entry that is durable before any row is released; what came of it follows
 * in 'outcome' entries that name the verdict in of_seq.  The views in
 * report.sql put the two together.
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
	detail           jsonb
);
ALTER TABLE ctlpr.audit_entry ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (seq);
CREATE INDEX audit_entry_of_seq_idx ON ctlpr.audit_entry (of_seq) WHERE of_seq IS NOT NULL;
CREATE INDEX audit_entry_at_idx ON ctlpr.audit_entry (at);
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
