/*
 * statute_functions.sql - putting a statute profile in force.
 */

/*
 * adopt_statute(statute) - put a profile in force in this database.
 *
 * One profile is in force at a time: adopting another replaces it, provided
 * that it has the retention rules under which relations are governed; evidence
 * has none, it goes when its hold ends.
 * Adopting the one in force again does nothing and says so.
 * Errors: 22004, 22023 the argument; 42704 unknown, the hint lists what is
 * known; 55000 a governed relation's retention rule is missing from it, or it
 * has a flaw that statute_flaws() finds.
 * Clause: all of them; 15(a)(2) asks for such changes in the report.
 */
CREATE FUNCTION ctlpr.adopt_statute(statute text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	previous text;
	orphan   record;
	flaw     record;
BEGIN
	PERFORM ctlpr.check_text('statute', adopt_statute.statute);
	IF NOT EXISTS (SELECT FROM ctlpr.statute s WHERE s.statute = adopt_statute.statute) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('statute "%s" is not known', left(adopt_statute.statute, 63)),
			HINT = coalesce((SELECT format('Known are: %s.', string_agg(s.statute, ', ' ORDER BY s.statute)) FROM ctlpr.statute s),
							'None is known: ctlpr.statute is empty.');
	END IF;

	LOCK TABLE ctlpr.statute_adoption IN SHARE ROW EXCLUSIVE MODE;
	SELECT a.statute INTO previous FROM ctlpr.statute_adoption a;
	IF previous = adopt_statute.statute THEN
		RAISE NOTICE USING MESSAGE = format('statute "%s" is in force already', adopt_statute.statute);
		RETURN;
	END IF;
	SELECT g.relation_name, g.retention INTO orphan
		FROM ctlpr.governed_relation g
		WHERE g.evidence_of IS NULL
			AND NOT EXISTS (SELECT FROM ctlpr.statute_retention r
							WHERE r.statute = adopt_statute.statute AND r.rule = g.retention AND r.valid_until > now())
		ORDER BY g.relation_name LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('statute "%s" has no retention rule "%s"', adopt_statute.statute, orphan.retention),
			DETAIL = format('Relation %s is governed under that rule.', orphan.relation_name),
			HINT = 'Add the rule to ctlpr.statute_retention, or release the relation and govern it under another rule.';
	END IF;

	-- What is expired stays so, whatever the retention of the next.
	UPDATE ctlpr.governed_relation g
		SET hidden_before = greatest(g.hidden_before, ctlpr.retention_limit(g.relation))
		WHERE g.evidence_of IS NULL AND g.mode = 'enforce' AND previous IS NOT NULL;
	SELECT f.* INTO flaw FROM ctlpr.statute_flaws(adopt_statute.statute) f LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('statute "%s" is not written down well', adopt_statute.statute),
			DETAIL = format('In ctlpr.%s, the rule "%s" %s.', flaw.relation, flaw.rule, flaw.flaw),
			HINT = 'Mend the rows that ctlpr.statute_flaws() lists.';
	END IF;
	DELETE FROM ctlpr.statute_adoption a;
	INSERT INTO ctlpr.statute_adoption (statute) VALUES (adopt_statute.statute);

	PERFORM ctlpr.record_event('configuration',
		detail => jsonb_build_object('function', 'adopt_statute', 'statute', adopt_statute.statute, 'replaced', previous));
END
$$;
COMMENT ON FUNCTION ctlpr.adopt_statute(text) IS 'Puts a statute profile in force in this database, in place of the one before';

/*
 * adopted_statute() - the profile in force.
 *
 * Result: its row.  Errors: 55000 none is adopted.
 */
CREATE FUNCTION ctlpr.adopted_statute()
RETURNS ctlpr.statute
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	in_force ctlpr.statute;
BEGIN
	SELECT s.* INTO in_force FROM ctlpr.statute_adoption a JOIN ctlpr.statute s ON s.statute = a.statute;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = 'no statute is adopted in this database',
			HINT = coalesce((SELECT format('Adopt one, such as SELECT ctlpr.adopt_statute(%L).', min(s.statute)) FROM ctlpr.statute s HAVING count(*) > 0),
							'Fill ctlpr.statute and call ctlpr.adopt_statute().');
	END IF;
	RETURN in_force;
END
$$;
COMMENT ON FUNCTION ctlpr.adopted_statute() IS 'Internal: the row of the statute in force, or an error';

/*
 * copy_statute(statute, copy, title) - a profile of one's own, to be amended.
 *
 * The rows of a profile that came with the extension are no one's to change: a
 * dump leaves them out, so that a restore brings back what the extension has.
 * The copy is dumped.  It is not in force before adopt_statute().
 * statute: a profile; copy: name of the new one, not known yet; title: of the
 * new one, NULL for that of the other.
 * Errors: 22004, 22001, 22023 an argument; 42704 unknown; 42710 the copy is
 * known already.
 * Clause: 15(a)(2) asks for such changes in the report.
 */
CREATE FUNCTION ctlpr.copy_statute(statute text, copy text, title text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule_table name;
BEGIN
	PERFORM ctlpr.check_text('statute', copy_statute.statute);
	PERFORM ctlpr.check_text('copy', copy_statute.copy);
	IF copy_statute.title IS NOT NULL THEN
		PERFORM ctlpr.check_text('title', copy_statute.title);
	END IF;
	LOCK TABLE ctlpr.statute IN SHARE ROW EXCLUSIVE MODE;
	IF NOT EXISTS (SELECT FROM ctlpr.statute s WHERE s.statute = copy_statute.statute) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('statute "%s" is not known', left(copy_statute.statute, 63)),
			HINT = coalesce((SELECT format('Known are: %s.', string_agg(s.statute, ', ' ORDER BY s.statute)) FROM ctlpr.statute s),
							'None is known: ctlpr.statute is empty.');
	END IF;
	IF EXISTS (SELECT FROM ctlpr.statute s WHERE s.statute = copy_statute.copy) THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('statute "%s" is known already', left(copy_statute.copy, 63)),
			HINT = 'Choose another name; ctlpr.statute lists those in use.';
	END IF;

	INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation, log_retention, log_clause)
		SELECT copy_statute.copy, coalesce(copy_statute.title, s.title), s.state, s.time_zone, s.citation, s.log_retention, s.log_clause
		FROM ctlpr.statute s WHERE s.statute = copy_statute.statute;
	FOR rule_table IN
		SELECT c.relname FROM pg_class c
			WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind = 'r' AND (c.relname LIKE 'statute\_%' AND c.relname <> 'statute_adoption' OR c.relname = 'screen_term')
			ORDER BY c.relname
	LOOP
		EXECUTE format('INSERT INTO ctlpr.%1$I SELECT (jsonb_populate_record(r, jsonb_build_object(''statute'', $1, ''shipped'', false))).* FROM ctlpr.%1$I r WHERE r.statute = $2', rule_table)
			USING copy_statute.copy, copy_statute.statute;
	END LOOP;

	PERFORM ctlpr.record_event('configuration', clause => '15(a)(2)',
		detail => jsonb_build_object('function', 'copy_statute', 'statute', copy_statute.statute, 'copy', copy_statute.copy));
END
$$;
COMMENT ON FUNCTION ctlpr.copy_statute(text, text, text) IS 'Copies a statute profile under another name, to be amended there; dumps take the copy along';

/*
 * statute_flaws(statute) - what is wrong with a profile, for whoever writes
 * one.
 *
 * Result: table and rule, and what is wrong; no row when nothing is.  Not
 * found are flaws that only a reader of the law can see.
 */
CREATE FUNCTION ctlpr.statute_flaws(statute text)
RETURNS TABLE (relation text, rule text, flaw text)
LANGUAGE sql STABLE PARALLEL RESTRICTED NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	WITH versions (relation, rule, valid_from, valid_until) AS (
		SELECT 'statute_purpose', p.purpose, p.valid_from, p.valid_until FROM ctlpr.statute_purpose p WHERE p.statute = $1
		UNION ALL SELECT 'statute_retention', r.rule, r.valid_from, r.valid_until FROM ctlpr.statute_retention r WHERE r.statute = $1
		UNION ALL SELECT 'statute_recipient', r.rank::text, r.valid_from, r.valid_until FROM ctlpr.statute_recipient r WHERE r.statute = $1
		UNION ALL SELECT 'statute_authorization', a.kind, a.valid_from, a.valid_until FROM ctlpr.statute_authorization a WHERE a.statute = $1
		UNION ALL SELECT 'statute_hotlist_source', h.source, h.valid_from, h.valid_until FROM ctlpr.statute_hotlist_source h WHERE h.statute = $1
		UNION ALL SELECT 'statute_camera', CASE WHEN c.fixed THEN 'fixed' ELSE 'mobile' END, c.valid_from, c.valid_until FROM ctlpr.statute_camera c WHERE c.statute = $1
	), kinds (relation, rule, agency_kinds) AS (
		SELECT 'statute_purpose', p.purpose, p.agency_kinds FROM ctlpr.statute_purpose p WHERE p.statute = $1
		UNION ALL SELECT 'statute_recipient', r.rank::text, r.agency_kinds FROM ctlpr.statute_recipient r WHERE r.statute = $1
		UNION ALL SELECT 'statute_authorization', a.kind, a.agency_kinds FROM ctlpr.statute_authorization a WHERE a.statute = $1
		UNION ALL SELECT 'statute_policy', o.kind, o.agency_kinds FROM ctlpr.statute_policy o WHERE o.statute = $1
	)
	SELECT 'statute', $1, 'is not known' WHERE NOT EXISTS (SELECT FROM ctlpr.statute s WHERE s.statute = $1)
	UNION ALL
	SELECT 'statute', s.statute, format('knows no time zone "%s"', s.time_zone) FROM ctlpr.statute s
		WHERE s.statute = $1 AND NOT EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name) = lower(s.time_zone))
	UNION ALL
	SELECT 'statute_retention', 'standard', 'is not there, now or later' FROM ctlpr.statute s
		WHERE s.statute = $1 AND NOT EXISTS (SELECT FROM ctlpr.statute_retention r WHERE r.statute = $1 AND r.rule = 'standard' AND r.valid_until > now())
	UNION ALL
	SELECT DISTINCT v.relation, v.rule, 'has versions whose times overlap' FROM versions v JOIN versions w
		ON w.relation = v.relation AND w.rule = v.rule AND v.valid_from < w.valid_from AND w.valid_from < v.valid_until
	UNION ALL
	SELECT k.relation, k.rule, format('names an unknown kind of agency "%s"', n.kind) FROM kinds k CROSS JOIN LATERAL unnest(k.agency_kinds) n (kind)
		WHERE n.kind IS NULL OR n.kind <> ALL ('{police,public_agency,task_force,prosecutor,federal,vendor,other}')
	UNION ALL
	SELECT 'statute_purpose', p.purpose, 'is permitted to no kind of agency' FROM ctlpr.statute_purpose p
		WHERE p.statute = $1 AND p.permitted AND p.agency_kinds = '{}'
	UNION ALL
	SELECT 'statute_authorization', a.kind, format('serves an unknown purpose "%s"', n.purpose) FROM ctlpr.statute_authorization a CROSS JOIN LATERAL unnest(a.purposes) n (purpose)
		WHERE a.statute = $1 AND NOT EXISTS (SELECT FROM ctlpr.statute_purpose p WHERE p.statute = $1 AND p.purpose = n.purpose)
	UNION ALL
	SELECT 'screen_term', t.pattern, ctlpr.screen_pattern_flaw(t.pattern) FROM ctlpr.screen_term t
		WHERE t.statute = $1 AND t.action <> 'off' AND ctlpr.screen_pattern_flaw(t.pattern) IS NOT NULL
	ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION ctlpr.statute_flaws(text) IS 'What is wrong with a statute profile: overlapping versions, unknown kinds, purposes and time zones; no row when nothing is';

/*
 * statute_changed() - statement trigger of the tables of rules: whoever changes
 * the law as it is written down here is on record.
 *
 * A restore brings back what was on record before.
 * Clause: 15(a)(2).
 */
CREATE FUNCTION ctlpr.statute_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('ctlpr.restore') <> 'on' THEN
		PERFORM ctlpr.record_event('configuration', clause => '15(a)(2)',
			detail => jsonb_build_object('function', 'statute_changed', 'table', TG_TABLE_NAME, 'operation', lower(TG_OP)));
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ctlpr.statute_changed() IS 'Statement trigger: puts changes of the rules of a statute on record';
