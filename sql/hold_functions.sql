/*
 * hold_functions.sql - preserve() and end_hold().
 *
 * The main table purges without asking: what is held is copied into an evidence
 * table that is governed itself.  Its rows are seen by requests that state the
 * case alone, and deleted when the hold that they were copied for has ended.
 */

/*
 * evidence_key(relation) - quoted columns by which a copy of a read is known:
 * the primary key, or else ctlpr_read_key, a digest of the whole read.
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
		'ctlpr_read_key')
$$;
COMMENT ON FUNCTION ctlpr.evidence_key(regclass) IS 'Internal: columns by which a copy of a read is known in an evidence table';

/*
 * evidence_columns(relation) - the columns of a relation as its evidence table
 * has them: without constraints, lengths and domains, so that whatever the
 * relation took can be copied, and nothing that its owner made runs meanwhile.
 *
 * Result: name, and type with its collation where that is not the type's own.
 */
CREATE FUNCTION ctlpr.evidence_columns(relation regclass)
RETURNS TABLE (name name, type text, collation_clause text)
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.attname, format_type(base.oid, -1),
		CASE WHEN a.attcollation <> base.typcollation THEN format(' COLLATE %I.%I', n.nspname, c.collname) ELSE '' END
	FROM pg_attribute a
		CROSS JOIN LATERAL (
			WITH RECURSIVE plain AS (
				SELECT t.oid, t.typtype, t.typbasetype, t.typcollation FROM pg_type t WHERE t.oid = a.atttypid
				UNION ALL
				SELECT t.oid, t.typtype, t.typbasetype, t.typcollation FROM plain p JOIN pg_type t ON t.oid = p.typbasetype WHERE p.typtype = 'd')
			SELECT p.oid, p.typcollation FROM plain p WHERE p.typtype <> 'd') base
		LEFT JOIN pg_collation c ON c.oid = a.attcollation
		LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
	WHERE a.attrelid = evidence_columns.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE 'ctlpr\_%'
	ORDER BY a.attnum
$$;
COMMENT ON FUNCTION ctlpr.evidence_columns(regclass) IS 'Internal: the columns of a relation as its evidence table has them';

/*
 * create_evidence_table(source) - make and govern the evidence table of a
 * governed relation.
 *
 * Result: the table.
 */
CREATE FUNCTION ctlpr.create_evidence_table(source ctlpr.governed_relation)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class    pg_class;
	name     text;
	evidence regclass;
	key      text := ctlpr.evidence_key(source.relation);
	reader   record;
BEGIN
	SELECT * INTO class FROM pg_class c WHERE c.oid = source.relation;
	name := left(class.relname, 54) || '_evidence';
	IF EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = class.relnamespace AND t.typname = name) THEN
		name := format('%s_%s_evidence', left(class.relname, 43), source.relation::oid);
	END IF;
	name := format('%s.%I', class.relnamespace::regnamespace, name);
	EXECUTE format('CREATE TABLE %s (%s, ctlpr_hold_id bigint NOT NULL, ctlpr_held_at timestamptz NOT NULL DEFAULT now()%s)', name,
		(SELECT string_agg(format('%I %s%s', c.name, c.type, c.collation_clause), ', ') FROM ctlpr.evidence_columns(source.relation) c),
		CASE key WHEN 'ctlpr_read_key' THEN ', ctlpr_read_key uuid NOT NULL' END);
	evidence := name::regclass;
	EXECUTE format('COMMENT ON TABLE %s IS %L', evidence, format('Reads of %s that are held past retention, see ctlpr.hold', source.relation_name));
	EXECUTE format('CREATE UNIQUE INDEX ON %s (ctlpr_hold_id, %s)', evidence, key);
	EXECUTE format('ALTER TABLE %s OWNER TO %I', evidence, pg_get_userbyid(class.relowner));
	FOR reader IN
		SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee
			FROM aclexplode(class.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
			WHERE x.privilege_type = 'SELECT' AND (x.grantee = 0 OR r.rolname IS NOT NULL)
	LOOP
		EXECUTE format('GRANT SELECT ON %s TO %s', evidence, reader.grantee);
	END LOOP;
	-- Once it is registered nobody alters it.
	PERFORM ctlpr.apply_guard(evidence);
	INSERT INTO ctlpr.governed_relation AS g (relation, relation_name, captured_at_column, plate_column, agency_column, owner_agency, camera_column,
											  image_column, retention, mode, purging, purge_approved_by, purge_started_at, evidence_of)
		VALUES (evidence, name, source.captured_at_column, source.plate_column, source.agency_column, source.owner_agency, source.camera_column,
				source.image_column, 'evidence', 'enforce', true, 'ctlpr.end_hold()', now(), source.relation);
	RETURN evidence;
END
$$;
COMMENT ON FUNCTION ctlpr.create_evidence_table(ctlpr.governed_relation) IS 'Internal: makes and governs the evidence table of a governed relation';

/*
 * evidence_table(relation) - the evidence table of a governed relation, made
 * where there is none yet, and brought up to what the relation has become
 * since: its columns, their types, its owner, and the owners of its partitions,
 * who copy from them.
 *
 * What could run anything of the owner's runs with his rights.
 * Result: the evidence table.  Errors: LP030 it is registered, and gone.
 */
CREATE FUNCTION ctlpr.evidence_table(relation regclass)
RETURNS regclass
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source   ctlpr.governed_relation;
	evidence regclass;
	owner    oid;
	wanted   record;
BEGIN
	SELECT * INTO source FROM ctlpr.governed_relation g WHERE g.relation = evidence_table.relation FOR UPDATE;
	SELECT g.relation INTO evidence FROM ctlpr.governed_relation g WHERE g.evidence_of = evidence_table.relation;
	IF evidence IS NULL THEN
		evidence := ctlpr.create_evidence_table(source);
	ELSIF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = evidence) THEN
		RAISE EXCEPTION USING ERRCODE = 'LP030',
			MESSAGE = format('the evidence table of relation %s is missing', source.relation_name),
			DETAIL = 'What open holds keep would be lost, so the relation is not purged (13(b)(2)(A)(iii)).',
			HINT = 'Restore it from a backup, or end the holds with ctlpr.end_hold() and release it by its number.';
	END IF;
	SELECT c.relowner INTO owner FROM pg_class c WHERE c.oid = evidence_table.relation;
	IF owner <> (SELECT c.relowner FROM pg_class c WHERE c.oid = evidence) THEN
		PERFORM ctlpr.alter_governed(evidence, format('ALTER TABLE %s OWNER TO %I', evidence, pg_get_userbyid(owner)), false);
	END IF;
	FOR wanted IN
		SELECT DISTINCT c.relowner FROM ctlpr.relation_members(evidence_table.relation) m JOIN pg_class c ON c.oid = m
			WHERE c.relowner <> owner AND NOT has_table_privilege(c.relowner, evidence, 'INSERT')
	LOOP
		EXECUTE format('GRANT SELECT, INSERT ON %s TO %I', evidence, pg_get_userbyid(wanted.relowner));
	END LOOP;

	FOR wanted IN
		SELECT w.name, w.type, w.collation_clause, h.type AS has
			FROM ctlpr.evidence_columns(evidence_table.relation) w LEFT JOIN ctlpr.evidence_columns(evidence) h ON h.name = w.name
			WHERE h.type IS DISTINCT FROM w.type
	LOOP
		IF wanted.has IS NOT NULL THEN
			-- A cast of anybody's would see what is held, and could make it something else.
			IF NOT EXISTS (SELECT FROM pg_type t JOIN pg_authid r ON r.oid = t.typowner
						   WHERE t.oid IN (wanted.has::regtype, wanted.type::regtype) AND NOT r.rolsuper) THEN
				BEGIN
					PERFORM ctlpr.alter_governed(evidence, format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %2$I::%3$s', evidence, wanted.name, wanted.type), true);
					CONTINUE;
				EXCEPTION WHEN OTHERS THEN
					NULL; -- as below
				END;
			END IF;
			-- What cannot be converted stays under another name.
			PERFORM ctlpr.alter_governed(evidence, format('ALTER TABLE %s RENAME COLUMN %I TO %I', evidence, wanted.name,
				format('%s_until_%s', left(wanted.name, 40), to_char(clock_timestamp(), 'YYYYMMDDHH24MISS'))), true);
		END IF;
		PERFORM ctlpr.alter_governed(evidence, format('ALTER TABLE %s ADD COLUMN %I %s%s', evidence, wanted.name, wanted.type, wanted.collation_clause), true);
	END LOOP;
	RETURN evidence;
END
$$;
COMMENT ON FUNCTION ctlpr.evidence_table(regclass) IS 'Internal: the evidence table of a governed relation, made where there is none yet, with the columns and the owner that the relation has now';

/*
 * preserve(relation, basis, purpose, case_number, requested_by, plates,
 * captured, agency_id) - hold an agency's reads past their retention.
 *
 * Copies the matching live reads of the agency, images included, and goes on
 * to catch those that come in later, until end_hold().  The approver is the
 * calling role, bound as a supervisor of the agency, and not the requester.
 * relation: a governed table of reads; basis: one of ctlpr.statute_hold;
 * purpose: of the designation; case_number: a request must state it to see the
 * evidence; requested_by: who asked; plates: compared without case, spaces and
 * punctuation, NULL for any; captured: range of capture, NULL for any;
 * agency_id: whose reads, where the role is bound as a supervisor of several.
 * Result: number of the hold.
 * Errors: 22004, 22001, 22023 an argument; LP030 relation not governed; and,
 * recorded: LP002 role bound to no agency, LP003 basis unknown, LP005 not a
 * supervisor, or the requester approves, LP008 the purpose reveals a forbidden one.
 * Clause: 13(b)(2)(A)(i) to (iii), 13(b)(2)(B); 14(a)(6).
 */
CREATE FUNCTION ctlpr.preserve(relation regclass, basis text, purpose text, case_number text, requested_by text, plates text[] DEFAULT NULL, captured tstzrange DEFAULT NULL,
							   agency_id text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = 'panic'
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
	bindings  int;
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

	SELECT min(b.agency_id), count(*) INTO agency, bindings FROM ctlpr.role_binding b
		WHERE b.role::oid = ctlpr.outer_role() AND b.supervisor AND b.agency_id = coalesce(preserve.agency_id, b.agency_id);
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
	ELSIF bindings > 1 THEN
		state := 'LP005';
		message := 'the role is bound as a supervisor of several agencies';
		hint_text := 'Name the one whose reads are held with the agency_id argument.';
	ELSIF ctlpr.is_pending(preserve.case_number) THEN
		state := 'LP005';
		message := 'a hold needs the number of its case';
		hint_text := 'Evidence is seen by requests that state its case: state the number.';
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

	-- What a court ordered is not for its wording to undo.
	IF rule.basis <> 'court_order' THEN
		PERFORM ctlpr.refuse_forbidden_text(preserve.purpose, 'hold', agency, NULL);
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
COMMENT ON FUNCTION ctlpr.preserve(regclass, text, text, text, text, text[], tstzrange, text) IS 'Holds an agency''s reads past their retention, 13(b)(2)(A)(i) to (iii) and (B); basis: court_order | criminal_evidence | highway_fee | subsequent_offense; returns the number of the hold';

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
