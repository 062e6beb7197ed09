/*
 * audit_functions.sql - proofs from the Merkle tree over the log
 * (src/audit_proof.c) and its checkpoints (src/checkpoint.c).
 */
CREATE FUNCTION ctlpr.audit_root(size bigint DEFAULT NULL) RETURNS bytea
	AS 'MODULE_PATHNAME', 'ctlpr_audit_root' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.audit_root(bigint) IS 'Root of the Merkle tree (RFC 9162, SHA-256) over the first entries of the log; NULL: over all';

CREATE FUNCTION ctlpr.inclusion_proof(seq bigint, size bigint DEFAULT NULL) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'ctlpr_inclusion_proof' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.inclusion_proof(bigint, bigint) IS
	'Proof (RFC 9162, 2.1.3) that an entry, leaf seq - 1, is in the log of the first "size" entries; NULL: of all';

CREATE FUNCTION ctlpr.consistency_proof(size1 bigint, size2 bigint DEFAULT NULL) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'ctlpr_consistency_proof' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.consistency_proof(bigint, bigint) IS
	'Proof (RFC 9162, 2.1.4) that the log of the first size2 entries extends that of the first size1; NULL: all entries';

CREATE FUNCTION ctlpr.verify_audit(from_seq bigint DEFAULT 1, to_seq bigint DEFAULT NULL,
		OUT valid boolean, OUT entries bigint, OUT first_bad_seq bigint, OUT root_hash bytea)
	AS 'MODULE_PATHNAME', 'ctlpr_verify_audit' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.verify_audit(bigint, bigint) IS
	'Makes the tree over the log anew and compares it with its tiles and checkpoints; the first entry that is not as it was, or the root over those that were read';

CREATE FUNCTION ctlpr.export_audit(from_seq bigint DEFAULT 1, to_seq bigint DEFAULT NULL) RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'ctlpr_export_audit' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.export_audit(bigint, bigint) IS 'The log as lines for a verifier outside (docs/log-format.md); auditors of all agencies only';

CREATE FUNCTION ctlpr.audit_checkpoint(OUT epoch int, OUT size bigint, OUT root bytea, OUT signed_at timestamptz, OUT note text)
	AS 'MODULE_PATHNAME', 'ctlpr_audit_checkpoint' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.audit_checkpoint() IS 'Has the writer sign the log now, publish that, and waits for it (LP020); the checkpoint (C2SP tlog-checkpoint)';

CREATE FUNCTION ctlpr.accept_log_fork(reason text, approved_by text) RETURNS int
	AS 'MODULE_PATHNAME', 'ctlpr_accept_log_fork' LANGUAGE C VOLATILE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.accept_log_fork(text, text) IS
	'After a failover, a recovery to a point in time or a restore: goes on with a log that contradicts its last checkpoint, which the new epoch cites; returns the epoch';

/*
 * A restore brings the tiles of the log that it has loaded before, which the
 * writer may have made anew meanwhile, or be about to: so the first row
 * waits for what the writer has begun, and the writer for the statement.
 */
CREATE FUNCTION ctlpr.skip_known_tile() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	LOCK TABLE ctlpr.audit_tile IN SHARE ROW EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM ctlpr.audit_tile t WHERE t.level = NEW.level AND t.number = NEW.number) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION ctlpr.skip_known_tile() IS 'Internal: leaves out tiles that are there, in a restore';
CREATE TRIGGER skip_known_tile BEFORE INSERT ON ctlpr.audit_tile FOR EACH ROW EXECUTE FUNCTION ctlpr.skip_known_tile();
ALTER TABLE ctlpr.audit_tile ENABLE ALWAYS TRIGGER skip_known_tile;

CREATE VIEW ctlpr.checkpoints AS
	SELECT c.epoch, c.size, c.root, c.signed_at, c.note FROM ctlpr.checkpoint c ORDER BY c.epoch, c.size;
COMMENT ON VIEW ctlpr.checkpoints IS 'Checkpoints of the log, oldest first, to be kept by others than its administrator';
COMMENT ON COLUMN ctlpr.checkpoints.epoch IS 'One more for each fork of the log that was accepted';
COMMENT ON COLUMN ctlpr.checkpoints.size IS 'Entries of the log that it is about';
COMMENT ON COLUMN ctlpr.checkpoints.root IS 'Root of the tree over them (SHA-256)';
COMMENT ON COLUMN ctlpr.checkpoints.signed_at IS 'When it was signed';
COMMENT ON COLUMN ctlpr.checkpoints.note IS 'The signed note';

CREATE FUNCTION ctlpr.redact_stored(seq bigint, columns name[]) RETURNS int
	AS 'MODULE_PATHNAME', 'ctlpr_redact_stored' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.redact_stored(bigint, name[]) IS 'Takes values and their salts out of an entry; how many there were';

/*
 * What is taken out is in no later backup and on no page that vacuum has been
 * over; that it was, by whom and why, is an entry of its own.
 */
CREATE FUNCTION ctlpr.redact_entry(seq bigint, columns name[], reason text, approved_by text) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agency text;
	about  text;
	taken  int;
BEGIN
	IF coalesce(btrim(redact_entry.reason), '') = '' OR coalesce(btrim(redact_entry.approved_by), '') = '' OR cardinality(redact_entry.columns) IS NOT DISTINCT FROM 0 OR redact_entry.columns IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'columns, reason and approved_by must be stated';
	END IF;
	SELECT e.agency_id, e.action INTO agency, about FROM ctlpr.audit_entry e WHERE e.seq = redact_entry.seq;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no entry %s', redact_entry.seq);
	END IF;
	IF 'detail' = ANY (redact_entry.columns) AND about IN ('log_retention', 'log_fork', 'redaction', 'restore', 'purge', 'erase') THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format('the detail of an entry about %s stays', about),
			HINT = 'What follows in the log hangs on it.';
	END IF;
	PERFORM ctlpr.record_event('redaction', NULL, agency, NULL, redact_entry.reason, '14(a)(6)', NULL,
		jsonb_build_object('seq', redact_entry.seq, 'columns', to_jsonb(redact_entry.columns), 'approved_by', redact_entry.approved_by));
	taken := ctlpr.redact_stored(redact_entry.seq, redact_entry.columns);
	IF taken = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('entry %s holds none of these values', redact_entry.seq);
	END IF;
	RETURN taken;
END
$$;
COMMENT ON FUNCTION ctlpr.redact_entry(bigint, name[], text, text) IS
	'Takes officer, case_number, reason, plates or detail out of an entry, which still verifies; recorded; how many values there were';

CREATE FUNCTION ctlpr.trim_stored(through bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ctlpr_trim_stored' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.trim_stored(bigint) IS 'Deletes entries up to this number; how many there were';

/*
 * The hashes of what goes stay in their tiles: proofs and checkpoints, old ones
 * too, verify as before.  So only whole tiles go.
 */
CREATE FUNCTION ctlpr.trim_log(approved_by text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	law     ctlpr.statute;
	before  timestamptz;
	last    bigint;
	entry   bigint;
	deleted bigint;
BEGIN
	IF coalesce(btrim(trim_log.approved_by), '') = '' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'approved_by must be stated';
	END IF;
	SELECT s.* INTO law FROM ctlpr.statute_adoption a JOIN ctlpr.statute s ON s.statute = a.statute;
	IF law.log_retention IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = 'the statute sets no retention of the log',
			HINT = 'See log_retention in ctlpr.statute; without it the log is kept.';
	END IF;
	before := now() - law.log_retention;
	SELECT coalesce((SELECT min(e.seq) FROM ctlpr.audit_entry e WHERE e.at >= before) - 1, max(e.seq)) / 256 * 256 INTO last FROM ctlpr.audit_entry e;
	IF last <= 0 OR NOT EXISTS (SELECT FROM ctlpr.audit_entry e WHERE e.seq <= last) THEN
		RETURN 0;
	END IF;
	entry := ctlpr.record_event('log_retention', NULL, NULL, NULL, NULL, law.log_clause, NULL,
		jsonb_build_object('through', last, 'before', before, 'approved_by', trim_log.approved_by));
	deleted := ctlpr.trim_stored(last);
	INSERT INTO ctlpr.log_trim (through, seq, trimmed_at, approved_by) VALUES (last, entry, clock_timestamp(), trim_log.approved_by);
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION ctlpr.trim_log(text) IS
	'Deletes the contents of entries past the statute''s log_retention, in whole tiles; hashes stay, so that all proofs and checkpoints verify; recorded; how many entries';
