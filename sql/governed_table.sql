/*
 * governed_table.sql - which relations are governed, and how their columns
 * are to be read.
 *
 * The C library reads these tables by attribute number (src/registry.c):
 * append columns, never move them.
 */
CREATE TABLE ctlpr.governed_relation (
	relation           regclass PRIMARY KEY,
	relation_name      text NOT NULL,
	captured_at_column name NOT NULL,
	plate_column       name NOT NULL,
	agency_column      name,
	owner_agency       text,
	camera_column      name,
	image_column       name,
	retention          text NOT NULL,
	mode               text NOT NULL CHECK (mode IN ('enforce', 'observe')),
	observe_until      timestamptz,
	allow_triggers     name[] NOT NULL DEFAULT '{}',
	purging            boolean NOT NULL DEFAULT false,
	purge_approved_by  text,
	purge_started_at   timestamptz,
	governed_at        timestamptz NOT NULL DEFAULT now(),
	governed_by        name NOT NULL DEFAULT session_user,
	evidence_of        regclass,
	hidden_before      timestamptz,
	detached_from      regclass,
	CHECK ((agency_column IS NULL) <> (owner_agency IS NULL)),
	CHECK ((mode = 'observe') = (observe_until IS NOT NULL)),
	CHECK (NOT purging OR (purge_approved_by IS NOT NULL AND purge_started_at IS NOT NULL))
);
COMMENT ON TABLE ctlpr.governed_relation IS 'Relations under governance; partitions and inheritance children follow their parent';
COMMENT ON COLUMN ctlpr.governed_relation.relation IS 'The table of reads';
COMMENT ON COLUMN ctlpr.governed_relation.relation_name IS 'Its qualified name when governed, for readers of an old dump';
COMMENT ON COLUMN ctlpr.governed_relation.captured_at_column IS 'timestamptz column with the instant of capture: the clock of 13(b)(2) starts here';
COMMENT ON COLUMN ctlpr.governed_relation.plate_column IS 'Column with the plate characters';
COMMENT ON COLUMN ctlpr.governed_relation.agency_column IS 'Column that names the owning agency of each read; NULL where owner_agency owns all';
COMMENT ON COLUMN ctlpr.governed_relation.owner_agency IS 'The agency that owns every read; NULL where agency_column tells';
COMMENT ON COLUMN ctlpr.governed_relation.camera_column IS 'Column that names the camera, where there is one';
COMMENT ON COLUMN ctlpr.governed_relation.image_column IS 'Column with the image (bytea) or a reference to one that is kept elsewhere and deleted by its reference, see ctlpr.image_deletion; NULL where there is none';
COMMENT ON COLUMN ctlpr.governed_relation.retention IS 'Retention rule of the statute in force';
COMMENT ON COLUMN ctlpr.governed_relation.mode IS 'enforce, or observe: verdicts are recorded and nothing is refused, hidden or purged';
COMMENT ON COLUMN ctlpr.governed_relation.observe_until IS 'Instant at which observation ends and enforcement begins by itself';
COMMENT ON COLUMN ctlpr.governed_relation.allow_triggers IS 'Triggers that an administrator allowed by name';
COMMENT ON COLUMN ctlpr.governed_relation.purging IS 'The worker deletes expired reads; see start_purge()';
COMMENT ON COLUMN ctlpr.governed_relation.purge_approved_by IS 'Who approved that deletion starts';
COMMENT ON COLUMN ctlpr.governed_relation.purge_started_at IS 'When deletion was started';
COMMENT ON COLUMN ctlpr.governed_relation.governed_at IS 'When it came under governance';
COMMENT ON COLUMN ctlpr.governed_relation.governed_by IS 'Login that governed it';
COMMENT ON COLUMN ctlpr.governed_relation.hidden_before IS 'Reads captured before had expired when another statute was adopted, and stay expired whatever its retention; NULL: none was';
COMMENT ON COLUMN ctlpr.governed_relation.detached_from IS 'The governed relation whose partition or child it was; NULL for what govern() was called for';
COMMENT ON COLUMN ctlpr.governed_relation.evidence_of IS 'The relation whose held reads it keeps, see ctlpr.hold; NULL for a table of reads';

/*
 * No foreign key to governed_relation: keys may be declared before govern(), so
 * that every read has its owner from the first governed statement on.
 */
CREATE TABLE ctlpr.agency_key (
	relation  regclass NOT NULL,
	value     text NOT NULL,
	agency_id text NOT NULL,
	PRIMARY KEY (relation, value)
);
COMMENT ON TABLE ctlpr.agency_key IS 'What the values of a relation''s agency column mean, where they are not agency identifiers themselves';
COMMENT ON COLUMN ctlpr.agency_key.relation IS 'The relation, governed or about to be';
COMMENT ON COLUMN ctlpr.agency_key.value IS 'Text form of the value in its agency column';
COMMENT ON COLUMN ctlpr.agency_key.agency_id IS 'The agency it stands for';

CREATE TABLE ctlpr.ingest_count (
	relation  text NOT NULL,
	agency_id text,
	read_on   date NOT NULL,
	reads     bigint NOT NULL
);
COMMENT ON TABLE ctlpr.ingest_count IS 'Reads ingested, a row for each statement or, once the worker has folded them, for each day: 15(a)(1)(A) asks for plates scanned, also of reads since purged';
COMMENT ON COLUMN ctlpr.ingest_count.relation IS 'Qualified name of the governed relation';
COMMENT ON COLUMN ctlpr.ingest_count.agency_id IS 'The owning agency';
COMMENT ON COLUMN ctlpr.ingest_count.read_on IS 'Day of capture in the statute''s time zone';
COMMENT ON COLUMN ctlpr.ingest_count.reads IS 'Number of reads';
