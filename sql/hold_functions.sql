/*
 * hold_functions.sql - preserve() and end_hold().
 *
 * The main table purges without asking: what is held is copied into an evidence
 * table that is governed itself.  Its rows are seen by requests that state the
 * case alone, and deleted when the hold that they were copied for has ended.
 */

/*
 * evidence_key(relation) - quoted columns by which a copy of a read is known:
 * the primary key, or else captured time, plate, owner and camera.
 */
CREATE FUNCTION ctlpr.evidence_key(relation regclass)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(
		(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
			FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
			WHERE i.indrelid = evidence_key.relation AND i.indisprimary),
		(SELECT concat_ws(', ', quote_ident(g.captured_at_column), quote_ident(g.plate_column), quote_ident(g.agency_column), quote_ident(g.camera_column))
			FROM ctlpr.governed_relation g WHERE g.relation = evidence_key.relation))
$$;
COMMENT ON FUNCTION ctlpr.evidence_key(regclass) IS 'Internal: columns by which a copy of a read is known in an evidence table';

/*
 * evidence_table(relation) - the evidence table of a governed relation, made
 * and governed where there is none yet; columns that the relation has got
 * since are added.
 *
 * Result: the evidence table.
 */
CREATE FUNCTION ctlpr.evidence_table(relation regclass)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source   ctlpr.governed_relation;
	evidence regclass;
	class    record;
	name     text;
	missing  record;
	reader   record;
BEGIN
	SELECT * INTO source FROM ctlpr.governed_relation g WHERE g.relation = evidence_table.relation FOR UPDATE;
	SELECT g.relation INTO evidence FROM ctlpr.governed_relation g WHERE g.evidence_of = evidence_table.relation;
	SELECT c.relname, n.nspname, r.rolname INTO class
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = evidence_table.relation;

	IF evidence IS NULL THEN
		name := format('%I.%I', class.nspname, left(class.relname, 54) || '_evidence');
		EXECUTE format('CREATE TABLE %s (LIKE %s, ctlpr_hold_id bigint NOT NULL, ctlpr_held_at timestamptz NOT NULL DEFAULT now())', name, evidence_table.relation);
		evidence := name::regclass;
		EXECUTE format('COMMENT ON TABLE %s IS %L', evidence, format('Reads of %s that are held past retention, see ctlpr.hold', source.relation_name));
		EXECUTE format('CREATE UNIQUE INDEX ON %s (ctlpr_hold_id, %s) NULLS NOT DISTINCT', evidence, ctlpr.evidence_key(evidence_table.relation));
		EXECUTE format('ALTER TABLE %s OWNER TO %I', evidence, class.rolname);
		FOR reader IN
			SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee
				FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
				WHERE c.oid = evidence_table.relation AND x.privilege_type = 'SELECT' AND (x.grantee = 0 OR r.rolname IS NOT NULL)
		LOOP
			EXECUTE format('GRANT SELECT ON %s TO %s', evidence, reader.grantee);
		END LOOP;
		INSERT INTO ctlpr.governed_relation AS g (relation, relation_name, captured_at_column, plate_column, agency_column, owner_agency, camera_column,
												  image_column, retention, mode, purging, purge_approved_by, purge_started_at, evidence_of)
			VALUES (evidence, name, source.captured_at_column, source.plate_column, source.agency_column, source.owner_agency, source.camera_column,
					source.image_column, 'evidence', 'enforce', true, 'ctlpr.end_hold()', now(), source.relation);
		PERFORM ctlpr.apply_guard(evidence);
	END IF;

	FOR missing IN
		SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type
			FROM pg_attribute a
			WHERE a.attrelid = evidence_table.relation AND a.attnum > 0 AND NOT a.attisdropped
				AND NOT EXISTS (SELECT FROM pg_attribute e WHERE e.attrelid = evidence AND e.attname = a.attname AND NOT e.attisdropped)
	LOOP
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', evidence, missing.attname, missing.type);
	END LOOP;
	RETURN evidence;
END
$$;
COMMENT ON FUNCTION ctlpr.evidence_table(regclass) IS 'Internal: the evidence table of a governed relation, made and governed where there is none yet';

/*
 * preserve(relation, basis, purpose, case_number, requested_by, plates,
 * captured) - hold an agency's reads past their retention.
 *
 * Copies the matching live reads of the agency, images included, and goes on
 * to catch those that come in later, until end_hold().  The approver is the
 * calling role, bound as a supervisor of the agency, and not the requester.
 * relation: a governed table of reads; basis: one of ctlpr.statute_hold;
 * purpose: of the designation; case_number: a request must state it to see the
 * evidence; requested_by: who asked; plates: compared without case, spaces and
 * punctuation, NULL for any; captured: range of capture, NULL for any.
 * Result: number of the hold.
 * Errors: 22004, 22001, 22023 an argument; LP030 relation not governed; and,
 * recorded: LP002 role bound to no agency, LP003 basis unknown, LP005 not a
 * supervisor, or the requester approves.
 * Clause: 13(b)(2)(A)(i) to (iii), 13(b)(2)(B); 14(a)(6).
 */
CREATE FUNCTION ctlpr.preserve(relation regclass, basis text, purpose text, case_number text, requested_by text, plates text[] DEFAULT NULL, captured tstzrange DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source    ctlpr.governed_relation;
	rule      ctlpr.statute_hold;
	acting    text[] := ctlpr.acting_agencies();
	approver  name := pg_get_userbyid(ctlpr.outer_role());
	agency    text;
	state     text;
	message   text;
	hint_text text;
	result    bigint;
	copied    bigint;
	arguments jsonb;
BEGIN
	PERFORM ctlpr.check_text('basis', preserve.basis);
	PERFORM ctlpr.check_text('purpose', preserve.purpose);
	PERFORM ctlpr.check_text('case_number', preserve.case_number);
	PERFORM ctlpr.check_text('requested_by', preserve.requested_by);
	IF array_position(preserve.plates, NULL) IS NOT NULL OR cardinality(preserve.plates) = 0
			OR EXISTS (SELECT FROM unnest(preserve.plates) p (plate) WHERE ctlpr.normal_plate(p.plate) = '') OR isempty(preserve.captured) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'the list of plates or the range of capture is empty, or names a plate that is null or blank',
			HINT = 'Name each plate and a range, or leave out what does not narrow the hold.';
	END IF;
	IF preserve.plates IS NULL AND NOT coalesce(isfinite(lower(preserve.captured)), false) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'a hold on every read is none',
			HINT = 'Name the plates, or a range of capture with a beginning, that the case is about.';
	END IF;
	SELECT * INTO source FROM ctlpr.governed_relation g WHERE g.relation = preserve.relation AND g.evidence_of IS NULL AND g.mode = 'enforce';
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'LP030',
			MESSAGE = 'only reads of a governed relation can be held',
			DETAIL = 'It is not governed, is observed only, or is an evidence table itself (13(b)(2)(A)).',
			HINT = 'The table ctlpr.governed_relation lists what is governed; for a partition, name its root.';
	END IF;

	SELECT b.agency_id INTO agency FROM ctlpr.role_binding b WHERE b.role::oid = ctlpr.outer_role() AND b.supervisor ORDER BY b.agency_id LIMIT 1;
	SELECT * INTO rule FROM ctlpr.statute_hold h WHERE h.statute = (ctlpr.adopted_statute()).statute AND h.basis = preserve.basis LIMIT 1;
	IF cardinality(acting) = 0 THEN
		state := 'LP002';
		message := 'the role is bound to no agency';
		hint_text := 'An administrator binds roles with ctlpr.bind_role().';
	ELSIF rule.basis IS NULL THEN
		state := 'LP003';
		message := 'the statute knows no such basis of a hold';
		hint_text := format('Its bases are: %s.', (SELECT string_agg(DISTINCT h.basis, ', ') FROM ctlpr.statute_hold h WHERE h.statute = (ctlpr.adopted_statute()).statute));
	ELSIF agency IS NULL THEN
		state := 'LP005';
		message := 'the role is bound as no supervisor';
		hint_text := 'A supervisory officer approves: call it as a role bound with supervisor => true.';
	ELSIF ctlpr.plain_name(preserve.requested_by) IN (ctlpr.plain_name(approver), ctlpr.plain_name(session_user)) THEN
		state := 'LP005';
		message := 'the requester may not approve the hold';
		hint_text := 'Have another supervisory officer call it.';
	END IF;
	arguments := jsonb_build_object('function', 'preserve', 'basis', preserve.basis, 'requested_by', preserve.requested_by, 'plates', cardinality(preserve.plates));
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('hold', relation => preserve.relation, agency_id => coalesce(agency, acting[1]), reason => preserve.purpose,
			clause => coalesce(rule.clause, '13(b)(2)(A)'), sqlstate => state, detail => arguments);
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message,
			DETAIL = format('The statute decides so in %s.', coalesce(rule.clause, '13(b)(2)(A)')), HINT = hint_text;
	END IF;

	PERFORM ctlpr.evidence_table(preserve.relation);
	INSERT INTO ctlpr.hold AS h (relation, relation_name, agency_id, case_number, basis, clause, purpose, plates, captured, requested_by, approved_by, live_since)
		VALUES (source.relation, source.relation_name, agency, preserve.case_number, rule.basis, rule.clause, preserve.purpose,
				(SELECT array_agg(DISTINCT ctlpr.normal_plate(p.plate)) FROM unnest(preserve.plates) p (plate)), preserve.captured, preserve.requested_by, approver,
				greatest(ctlpr.retention_limit(preserve.relation), ctlpr.agency_retention_limit(agency)))
		RETURNING h.hold_id INTO result;
	copied := ctlpr.apply_hold(result);
	PERFORM ctlpr.record_event('hold', relation => preserve.relation, agency_id => agency, reason => preserve.purpose, clause => rule.clause,
		detail => arguments || jsonb_build_object('hold_id', result, 'case_number', preserve.case_number, 'reads', copied));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.preserve(regclass, text, text, text, text, text[], tstzrange) IS 'Holds an agency''s reads past their retention, 13(b)(2)(A)(i) to (iii) and (B); basis: court_order | criminal_evidence | highway_fee | subsequent_offense; returns the number of the hold';

/*
 * end_hold(hold_id, outcome) - the event that ends a hold has come.
 *
 * Its copies are deleted by the worker, at once or after the delay that the
 * act sets; copies of other holds stay.
 * outcome: one of ctlpr.statute_hold for the basis of the hold.
 * Errors: 22004 an argument; LP030 hold unknown or of another agency, ended
 * before, or an outcome that does not end it; LP002, LP005 the role is no
 * supervisor of the agency, recorded.
 * Clause: 13(b)(2)(A)(i) to (iii), 13(b)(2)(B).
 */
CREATE FUNCTION ctlpr.end_hold(hold_id bigint, outcome text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	held  ctlpr.hold;
	rule  ctlpr.statute_hold;
	state text;
BEGIN
	PERFORM ctlpr.check_text('outcome', end_hold.outcome);
	SELECT * INTO held FROM ctlpr.hold h WHERE h.hold_id = end_hold.hold_id AND h.agency_id = ANY (ctlpr.acting_agencies()) FOR UPDATE;
	state := CASE WHEN cardinality(ctlpr.acting_agencies()) = 0 THEN 'LP002'
				  WHEN held.hold_id IS NOT NULL AND NOT EXISTS (SELECT FROM ctlpr.role_binding b WHERE b.role::oid = ctlpr.outer_role() AND b.supervisor AND b.agency_id = held.agency_id) THEN 'LP005' END;
	IF state IS NOT NULL THEN
		PERFORM ctlpr.record_event('hold', agency_id => held.agency_id, clause => coalesce(held.clause, '13(b)(2)(A)'), sqlstate => state,
			detail => jsonb_build_object('function', 'end_hold', 'hold_id', end_hold.hold_id));
		RAISE EXCEPTION USING ERRCODE = state,
			MESSAGE = CASE state WHEN 'LP002' THEN 'the role is bound to no agency' ELSE 'the role is bound as no supervisor' END,
			DETAIL = format('The statute decides so in %s.', coalesce(held.clause, '13(b)(2)(A)')),
			HINT = 'A supervisory officer of the agency ends its holds.';
	END IF;
	IF held.hold_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'LP030', MESSAGE = 'there is no such hold of the agency', HINT = 'The view ctlpr.holds lists them.';
	END IF;
	IF held.ended_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'LP030',
			MESSAGE = format('hold %s was ended before', held.hold_id),
			DETAIL = format('It ended at %s (%s).', held.ended_at, held.clause),
			HINT = 'What no other hold keeps is deleted already, or will be.';
	END IF;
	SELECT * INTO rule FROM ctlpr.statute_hold r
		WHERE r.statute = (ctlpr.adopted_statute()).statute AND r.basis = held.basis AND r.outcome = end_hold.outcome;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'LP030',
			MESSAGE = format('that outcome does not end a hold of basis "%s"', held.basis),
			DETAIL = format('Clause %s names what does.', held.clause),
			HINT = format('Its outcomes are: %s.', (SELECT string_agg(r.outcome, ', ' ORDER BY r.outcome) FROM ctlpr.statute_hold r
													WHERE r.statute = (ctlpr.adopted_statute()).statute AND r.basis = held.basis));
	END IF;
	UPDATE ctlpr.hold h SET ended_at = now(), outcome = rule.outcome, ended_by = pg_get_userbyid(ctlpr.outer_role()), purge_after = now() + rule.delay
		WHERE h.hold_id = held.hold_id;
	PERFORM ctlpr.record_event('hold', relation => to_regclass(held.relation_name), agency_id => held.agency_id, clause => held.clause,
		detail => jsonb_build_object('function', 'end_hold', 'hold_id', held.hold_id, 'outcome', rule.outcome, 'purge_after', now() + rule.delay));
END
$$;
COMMENT ON FUNCTION ctlpr.end_hold(bigint, text) IS 'Ends a hold by the event that the act names; its copies are deleted';
