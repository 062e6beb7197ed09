/*
 * statute_functions.sql - putting a statute profile in force.
 */

/*
 * adopt_statute(statute) - put a profile in force in this database.
 *
 * One profile is in force at a time: adopting another replaces it, provided
 * that it has the retention rules under which relations are governed.
 * Adopting the one in force again does nothing and says so.
 * Errors: 22004, 22023 the argument; 42704 unknown, the hint lists what is
 * known; 55000 a governed relation's retention rule is missing from it.
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
		WHERE NOT EXISTS (SELECT FROM ctlpr.statute_retention r
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
