/*
 * governance.sql - bringing a table of reads under governance: agency keys,
 * preflight(), govern(), start_purge(), release().
 *
 * What is checked here is checked once, with the table locked; keeping it so
 * afterwards is the C library's part.  None of these functions reads the
 * table itself: govern() runs as the extension's owner, and must not run an
 * expression of the table's owner with those rights.  preflight() counts rows
 * and therefore runs with the rights of its caller.
 */

/*
 * relation_members(relation) - the relation, its partitions and inheritance
 * children, at every depth, parents first.
 */
CREATE FUNCTION ctlpr.relation_members(relation regclass)
RETURNS SETOF regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
		WITH RECURSIVE member (member_oid, depth) AS (
			SELECT relation_members.relation::oid, 0
			UNION
			SELECT i.inhrelid, m.depth + 1 FROM member m JOIN pg_inherits i ON i.inhparent = m.member_oid)
		SELECT m.member_oid::regclass FROM member m GROUP BY m.member_oid ORDER BY max(m.depth), m.member_oid;
END
$$;
COMMENT ON FUNCTION ctlpr.relation_members(regclass) IS 'Internal: a relation, its partitions and inheritance children at every depth, parents first';

/*
 * apply_guard(relation) - the wall that holds without the library: row
 * security enabled and forced, and a RESTRICTIVE policy USING (ctlpr.guard()),
 * on the relation and all of its partitions and children.
 *
 * Changes only what is missing, so it may be called again for partitions
 * attached later, and takes ACCESS EXCLUSIVE only where it changes something.
 * Errors: 42809 a member that cannot carry row security (a foreign table).
 * Clause: 13(b)(1), 13(d)(6).
 */
CREATE FUNCTION ctlpr.apply_guard(relation regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	member record;
	guard  record;
BEGIN
	FOR member IN
		SELECT m.relation, c.relkind, c.relrowsecurity, c.relforcerowsecurity
			FROM ctlpr.relation_members(apply_guard.relation) WITH ORDINALITY AS m (relation, place)
			JOIN pg_class c ON c.oid = m.relation
			ORDER BY m.place
	LOOP
		IF member.relkind NOT IN ('r', 'p') THEN
			RAISE EXCEPTION USING ERRCODE = '42809',
				MESSAGE = format('%s cannot be governed', member.relation),
				DETAIL = 'It is no ordinary or partitioned table, so it cannot carry row security.',
				HINT = 'Move its reads into a table of this database, or keep it apart from the governed relation.';
		END IF;
		IF NOT member.relrowsecurity THEN
			EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', member.relation);
		END IF;
		IF NOT member.relforcerowsecurity THEN
			EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', member.relation);
		END IF;
		SELECT NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
				AND pg_get_expr(p.polqual, p.polrelid) = 'ctlpr.guard()'
				AND pg_get_expr(p.polwithcheck, p.polrelid) = 'ctlpr.guard()' AS intact
			INTO guard
			FROM pg_policy p WHERE p.polrelid = member.relation AND p.polname = 'ctlpr_guard';
		IF FOUND AND NOT coalesce(guard.intact, false) THEN
			PERFORM ctlpr.alter_governed(member.relation, format('DROP POLICY ctlpr_guard ON %s', member.relation), false);
		END IF;
		IF NOT coalesce(guard.intact, false) THEN
			EXECUTE format('CREATE POLICY ctlpr_guard ON %s AS RESTRICTIVE FOR ALL TO PUBLIC USING (ctlpr.guard()) WITH CHECK (ctlpr.guard())', member.relation);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ctlpr.apply_guard(regclass) IS 'Internal: enables and forces row security and leaves the policy ctlpr_guard on a relation and all its partitions and children, where missing';

/*
 * govern_detached(relation) - a partition or child that is about to leave its
 * governed root stays governed, by a registration of its own.
 *
 * The library calls it before ALTER TABLE ... DETACH PARTITION and NO INHERIT
 * run.  While the relation still has its parent, the root's registration counts.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.govern_detached(relation regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	root regclass;
BEGIN
	SELECT g.relation INTO root
		FROM ctlpr.governed_relation g
		WHERE g.relation <> govern_detached.relation AND govern_detached.relation IN (SELECT m FROM ctlpr.relation_members(g.relation) m)
		LIMIT 1;
	IF NOT FOUND OR EXISTS (SELECT FROM ctlpr.governed_relation g WHERE g.relation = govern_detached.relation) THEN
		RETURN;
	END IF;
	INSERT INTO ctlpr.governed_relation AS g (relation, relation_name, captured_at_column, plate_column, agency_column, owner_agency, camera_column,
			image_column, retention, mode, observe_until, allow_triggers, purging, purge_approved_by, purge_started_at, hidden_before, detached_from)
		SELECT govern_detached.relation, format('%I.%I', n.nspname, c.relname), r.captured_at_column, r.plate_column, r.agency_column, r.owner_agency, r.camera_column,
				r.image_column, r.retention, r.mode, r.observe_until, r.allow_triggers, r.purging, r.purge_approved_by, r.purge_started_at, r.hidden_before, root
			FROM ctlpr.governed_relation r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE r.relation = root AND c.oid = govern_detached.relation;
	INSERT INTO ctlpr.agency_key AS k (relation, value, agency_id)
		SELECT govern_detached.relation, r.value, r.agency_id FROM ctlpr.agency_key r WHERE r.relation = root
		ON CONFLICT DO NOTHING;
	PERFORM ctlpr.record_event('configuration', relation => govern_detached.relation, clause => '13(b)(2)(A)',
		detail => jsonb_build_object('function', 'govern_detached', 'relation', govern_detached.relation::text, 'detached_from', root::text));
END
$$;
COMMENT ON FUNCTION ctlpr.govern_detached(regclass) IS 'Internal: registers a partition or child by itself before it leaves its governed root';

/*
 * follow_parent(relation) - a relation that was governed by itself has become
 * a member of a governed root, whose registration counts from now on.
 */
CREATE FUNCTION ctlpr.follow_parent(relation regclass)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM ctlpr.governed_relation d
		WHERE d.relation = follow_parent.relation AND d.detached_from IS NOT NULL
			AND EXISTS (SELECT FROM ctlpr.governed_relation g
						WHERE g.relation <> d.relation AND d.relation IN (SELECT m FROM ctlpr.relation_members(g.relation) m));
	IF FOUND THEN
		DELETE FROM ctlpr.agency_key k WHERE k.relation = follow_parent.relation;
		PERFORM ctlpr.record_event('configuration', relation => follow_parent.relation, clause => '13(b)(2)(A)',
			detail => jsonb_build_object('function', 'follow_parent', 'relation', follow_parent.relation::text));
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.follow_parent(regclass) IS 'Internal: drops the registration of a relation that is a member of a governed root again';

/*
 * forget_dropped() - drop the registrations of detached partitions that are
 * gone; their DROP TABLE is on record.
 */
CREATE FUNCTION ctlpr.forget_dropped()
RETURNS SETOF oid
LANGUAGE sql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM ctlpr.agency_key k
		WHERE k.relation IN (SELECT g.relation FROM ctlpr.governed_relation g WHERE g.detached_from IS NOT NULL)
			AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = k.relation);
	DELETE FROM ctlpr.governed_relation g
		WHERE g.detached_from IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = g.relation)
		RETURNING g.relation::oid
$$;
COMMENT ON FUNCTION ctlpr.forget_dropped() IS 'Internal: drops the registrations of detached partitions that are gone';

/*
 * governing_columns(relation) - the columns of a governed relation, or of a
 * member of one, that make a read what it is: the instant, the plate, the
 * agency; NULL where the relation is not governed.
 */
CREATE FUNCTION ctlpr.governing_columns(relation regclass)
RETURNS name[]
LANGUAGE sql STABLE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_remove(ARRAY[g.captured_at_column, g.plate_column, g.agency_column], NULL)
		FROM ctlpr.governed_relation g
		WHERE governing_columns.relation IN (SELECT m FROM ctlpr.relation_members(g.relation) m)
		LIMIT 1
$$;
COMMENT ON FUNCTION ctlpr.governing_columns(regclass) IS 'Internal: the columns of a governed relation or member that make a read what it is';

/*
 * acting_keys(relation, columns) - foreign keys of the relation and its
 * members by which a change of the table they point to would delete reads, or
 * change one of the columns.  Whoever may change that table need not be of the
 * agency, and the server carries such actions out past row security.
 */
CREATE FUNCTION ctlpr.acting_keys(relation regclass, columns name[])
RETURNS TABLE (name name, member regclass)
LANGUAGE sql STABLE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT k.conname, k.conrelid::regclass
		FROM pg_constraint k
		WHERE k.contype = 'f' AND k.conrelid IN (SELECT m FROM ctlpr.relation_members(acting_keys.relation) m)
			AND (k.confdeltype = 'c'
				OR (k.confdeltype IN ('n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
					AND EXISTS (SELECT FROM pg_attribute a
								WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = ANY (acting_keys.columns)))
		ORDER BY k.conname, k.conrelid
$$;
COMMENT ON FUNCTION ctlpr.acting_keys(regclass, name[]) IS 'Internal: foreign keys of a relation and its members whose actions would delete reads or change one of the columns';

/*
 * unfit_members(relation) - the relation, and those below it, that are to be
 * members of a governed root but have a rule, no write-ahead log, or a trigger
 * that its govern() did not allow: by its name, doing what the root's does.
 */
CREATE FUNCTION ctlpr.unfit_members(relation regclass)
RETURNS TABLE (member regclass)
LANGUAGE sql STABLE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.member
		FROM ctlpr.relation_members(unfit_members.relation) AS m (member)
		JOIN pg_class c ON c.oid = m.member
		WHERE c.relpersistence <> 'p'
			OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = m.member)
			OR EXISTS (SELECT FROM pg_trigger t
					   WHERE t.tgrelid = m.member AND NOT t.tgisinternal AND t.tgparentid = 0
						   AND ((t.tgtype & 1) = 1 AND (t.tgtype & 66) <> 0
								OR NOT EXISTS (SELECT FROM ctlpr.governed_relation g
											   JOIN pg_trigger r ON r.tgrelid = g.relation AND r.tgname = t.tgname AND r.tgfoid = t.tgfoid AND r.tgtype = t.tgtype
													AND r.tgargs = t.tgargs AND r.tgattr::text = t.tgattr::text AND r.tgqual::text IS NOT DISTINCT FROM t.tgqual::text
													AND r.tgoldtable IS NOT DISTINCT FROM t.tgoldtable AND r.tgnewtable IS NOT DISTINCT FROM t.tgnewtable
											   WHERE t.tgname = ANY (g.allow_triggers) AND m.member IN (SELECT s FROM ctlpr.relation_members(g.relation) s))))
$$;
COMMENT ON FUNCTION ctlpr.unfit_members(regclass) IS 'Internal: members of a governed root with a trigger that was not allowed, a rule, or no write-ahead log';

/*
 * unvetted_expressions(relation) - expressions that the server runs over every
 * row of the relation and its members, expired ones included, and that call a
 * function which is not vetted to see them (src/expressions.c).
 */
CREATE FUNCTION ctlpr.unvetted_expressions(relation regclass)
RETURNS TABLE (kind text, name text, member regclass, function regprocedure)
LANGUAGE sql STABLE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.kind, e.name, e.member, e.function
	FROM (
		SELECT 'index' AS kind, x.indexrelid::regclass::text AS name, x.indrelid::regclass AS member,
				ctlpr.unvetted_function('pg_class'::regclass, x.indexrelid, 0) AS function
			FROM pg_index x
			WHERE x.indrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m) AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
		UNION ALL
		SELECT 'check constraint', k.conname, k.conrelid::regclass, ctlpr.unvetted_function('pg_constraint'::regclass, k.oid, 0)
			FROM pg_constraint k
			WHERE k.conrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m) AND k.contype = 'c'
		UNION ALL
		SELECT 'generated column', a.attname, a.attrelid::regclass, ctlpr.unvetted_function('pg_attrdef'::regclass, a.attrelid, a.attnum)
			FROM pg_attribute a
			WHERE a.attrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m) AND a.attgenerated <> '' AND NOT a.attisdropped
		UNION ALL
		SELECT 'statistics', s.stxname, s.stxrelid::regclass, ctlpr.unvetted_function('pg_statistic_ext'::regclass, s.oid, 0)
			FROM pg_statistic_ext s
			WHERE s.stxrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m)
		UNION ALL
		SELECT 'policy', p.polname, p.polrelid::regclass, ctlpr.unvetted_function('pg_policy'::regclass, p.oid, 0)
			FROM pg_policy p
			WHERE p.polrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m)
		UNION ALL
		SELECT 'partition key', p.partrelid::regclass::text, p.partrelid::regclass, ctlpr.unvetted_function('pg_partitioned_table'::regclass, p.partrelid, 0)
			FROM pg_partitioned_table p
			WHERE p.partrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m) AND p.partexprs IS NOT NULL
		UNION ALL
		SELECT 'type', format_type(a.atttypid, NULL), a.attrelid::regclass, ctlpr.unvetted_function('pg_type'::regclass, a.atttypid, 0)
			FROM pg_attribute a
			WHERE a.attrelid IN (SELECT m FROM ctlpr.relation_members(unvetted_expressions.relation) m) AND a.attnum > 0 AND NOT a.attisdropped) e
	WHERE e.function IS NOT NULL
	ORDER BY e.kind, e.name, e.member::text
$$;
COMMENT ON FUNCTION ctlpr.unvetted_expressions(regclass) IS 'Internal: expressions over every row of a relation and its members that call a function which is not vetted';

/*
 * check_relation(relation) - the relation is of a kind that can be governed.
 *
 * Looks at the catalog only, and may be called before the relation is locked.
 * Errors: 22004 NULL; 42P01 does not exist; 42809 not an ordinary or
 * partitioned table, or not the root of its tree, or not a permanent table of
 * a user, or a typed table, or a member of the tree is not fit.
 */
CREATE FUNCTION ctlpr.check_relation(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class  pg_class;
	member record;
	parent regclass;
BEGIN
	IF check_relation.relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "relation" must not be null',
			HINT = 'Name the table of reads.';
	END IF;
	SELECT * INTO class FROM pg_class c WHERE c.oid = check_relation.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42P01',
			MESSAGE = format('relation with OID %s does not exist', check_relation.relation::oid),
			HINT = 'Name the table of reads.';
	END IF;
	IF class.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION USING ERRCODE = '42809',
			MESSAGE = format('%s cannot be governed: it is %s', check_relation.relation,
							 CASE class.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
												WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence'
												WHEN 'i' THEN 'an index' WHEN 'I' THEN 'an index'
												WHEN 'c' THEN 'a composite type' ELSE 'not a table' END),
			HINT = CASE class.relkind
					   WHEN 'v' THEN 'Govern the tables that it reads.'
					   WHEN 'm' THEN 'Drop it, or make it a table and govern that; a copy of a read is ALPR data.'
					   WHEN 'f' THEN 'Govern the table in the database where it is stored.'
					   ELSE 'Govern the table of reads.' END;
	END IF;
	IF class.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'ctlpr'::regnamespace, 'pg_toast'::regnamespace) THEN
		RAISE EXCEPTION USING ERRCODE = '42809',
			MESSAGE = format('%s cannot be governed: it belongs to the system or to this extension', check_relation.relation),
			HINT = 'Govern the table of reads.';
	END IF;
	SELECT i.inhparent::regclass INTO parent FROM pg_inherits i WHERE i.inhrelid = check_relation.relation ORDER BY i.inhseqno LIMIT 1;
	IF FOUND THEN
		SELECT coalesce(pg_partition_root(check_relation.relation), parent) INTO parent;
		RAISE EXCEPTION USING ERRCODE = '42809',
			MESSAGE = format('%s cannot be governed by itself: it is %s', check_relation.relation,
							 CASE WHEN class.relispartition THEN 'a partition' ELSE 'an inheritance child' END),
			HINT = format('Govern %s; partitions and children follow it.', parent);
	END IF;

	FOR member IN
		SELECT m.relation, c.relkind, c.relpersistence, c.reloftype::regtype AS of_type
			FROM ctlpr.relation_members(check_relation.relation) WITH ORDINALITY AS m (relation, place)
			JOIN pg_class c ON c.oid = m.relation
			ORDER BY m.place
	LOOP
		IF member.relkind NOT IN ('r', 'p') THEN
			RAISE EXCEPTION USING ERRCODE = '42809',
				MESSAGE = format('%s cannot be governed: %s is a foreign table', check_relation.relation, member.relation),
				HINT = 'Detach it, or move its reads into a table of this database.';
		END IF;
		IF member.relpersistence = 't' THEN
			RAISE EXCEPTION USING ERRCODE = '42809',
				MESSAGE = format('%s cannot be governed: it is a temporary table', member.relation),
				HINT = 'Keep the reads in a permanent table.';
		END IF;
		IF member.relpersistence <> 'p' THEN
			RAISE EXCEPTION USING ERRCODE = '42809',
				MESSAGE = format('%s cannot be governed: it is unlogged', member.relation),
				DETAIL = 'Erasing what was deleted works through the write-ahead log.',
				HINT = CASE member.relkind
						   WHEN 'r' THEN format('Run ALTER TABLE %s SET LOGGED.', member.relation)
						   ELSE 'Make the partitioned table anew, without UNLOGGED.' END;
		END IF;
		IF member.of_type <> 0 THEN
			RAISE EXCEPTION USING ERRCODE = '42809',
				MESSAGE = format('%s cannot be governed: it is a typed table', member.relation),
				DETAIL = format('ALTER TYPE %s would alter it.', member.of_type),
				HINT = format('Run ALTER TABLE %s NOT OF.', member.relation);
		END IF;
	END LOOP;

	-- A second parent would be a second way in.
	SELECT i.inhrelid::regclass AS child, i.inhparent::regclass AS other INTO member
		FROM pg_inherits i
		WHERE i.inhrelid IN (SELECT m FROM ctlpr.relation_members(check_relation.relation) m)
			AND i.inhparent NOT IN (SELECT m FROM ctlpr.relation_members(check_relation.relation) m)
		LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42809',
			MESSAGE = format('%s cannot be governed: its child %s has another parent', check_relation.relation, member.child),
			HINT = format('Run ALTER TABLE %s NO INHERIT %s.', member.child, member.other);
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_relation(regclass) IS 'Internal: errors unless the relation is the root of a tree of permanent ordinary tables';

/*
 * check_governable(...) - columns, triggers and rules are fit for govern().
 *
 * The arguments are those of govern(); the relation has passed
 * check_relation() and is locked.
 * Errors: 22004, 22023 columns not named, named twice, or both or none of
 * agency and owner_agency; 42703 no such column; 42804 wrong type; 42P22 a
 * collation that is not deterministic; 55000 a nullable or generated column,
 * a trigger or a rule in the way; 42704 a trigger of allow_triggers, or the
 * owning agency, does not exist.
 * Each hint has the statement that puts it right.
 */
CREATE FUNCTION ctlpr.check_governable(relation regclass, captured_at name, plate name, agency name, owner_agency text, camera name, image name, allow_triggers name[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	time_zone text := (ctlpr.adopted_statute()).time_zone;
	wanted    record;
	col       record;
	key       record;
	hindrance record;
	missing   name;
	unproven  name;
BEGIN
	IF captured_at IS NULL OR plate IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "captured_at" and "plate" must not be null',
			HINT = 'Name the columns that hold the instant of capture and the plate.';
	END IF;
	IF (agency IS NULL) = (owner_agency IS NULL) THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = CASE WHEN agency IS NULL THEN 'the owner of the reads is not stated' ELSE 'the owner of the reads is stated twice' END,
			HINT = 'State either agency, the column that names each read''s agency, or owner_agency, the one agency that owns them all.';
	END IF;
	IF owner_agency IS NOT NULL THEN
		PERFORM ctlpr.check_agency(owner_agency);
	END IF;
	SELECT w.col_name INTO missing
		FROM (VALUES (captured_at), (plate), (agency), (camera), (image)) AS w (col_name)
		WHERE w.col_name IS NOT NULL GROUP BY w.col_name HAVING count(*) > 1 LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('column "%s" is named twice', missing),
			HINT = 'Name a column of its own for each, and leave out what the table does not have.';
	END IF;

	FOR wanted IN
		SELECT m.relation, w.part, w.col_name
			FROM ctlpr.relation_members(check_governable.relation) WITH ORDINALITY AS m (relation, place)
			CROSS JOIN (VALUES (1, 'captured_at', captured_at), (2, 'plate', plate), (3, 'agency', agency), (4, 'camera', camera), (5, 'image', image)) AS w (rank, part, col_name)
			WHERE w.col_name IS NOT NULL
			ORDER BY m.place, w.rank
	LOOP
		SELECT a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated, c.collname, c.collisdeterministic
			INTO col
			FROM pg_attribute a
			LEFT JOIN pg_collation c ON c.oid = a.attcollation
			WHERE a.attrelid = wanted.relation AND a.attname = wanted.col_name AND a.attnum > 0 AND NOT a.attisdropped;
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = '42703',
				MESSAGE = format('column "%s" of relation %s does not exist', wanted.col_name, wanted.relation),
				HINT = format('State in "%s" one of: %s.', wanted.part,
							  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
							   WHERE a.attrelid = wanted.relation AND a.attnum > 0 AND NOT a.attisdropped));
		END IF;

		-- Types.
		IF wanted.part = 'captured_at' AND col.atttypid <> 'timestamptz'::regtype THEN
			RAISE EXCEPTION USING ERRCODE = '42804',
				MESSAGE = format('column "%s" of relation %s has type %s, not timestamp with time zone', wanted.col_name, wanted.relation, format_type(col.atttypid, col.atttypmod)),
				DETAIL = 'The retention clock starts at an instant; a time without a zone is none.',
				HINT = CASE WHEN col.atttypid IN ('timestamp'::regtype, 'date'::regtype)
							THEN format('Run ALTER TABLE %s ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE %L, with the zone in which it was written.',
										check_governable.relation, wanted.col_name, wanted.col_name, time_zone)
							ELSE 'Name the column that holds the instant of capture, or make it timestamptz with ALTER TABLE ... ALTER COLUMN ... TYPE timestamptz USING ....' END;
		END IF;
		IF wanted.part = 'plate' AND col.atttypid NOT IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) THEN
			RAISE EXCEPTION USING ERRCODE = '42804',
				MESSAGE = format('column "%s" of relation %s has type %s, not a character string type', wanted.col_name, wanted.relation, format_type(col.atttypid, col.atttypmod)),
				HINT = format('Name the column with the plate characters, or run ALTER TABLE %s ALTER COLUMN %I TYPE text.', check_governable.relation, wanted.col_name);
		END IF;
		IF wanted.part = 'plate' AND NOT col.collisdeterministic THEN
			RAISE EXCEPTION USING ERRCODE = '42P22',
				MESSAGE = format('column "%s" of relation %s has the nondeterministic collation "%s"', wanted.col_name, wanted.relation, col.collname),
				DETAIL = 'The log names the plates that a search compared; under such a collation other plates would have matched.',
				HINT = format('Run ALTER TABLE %s ALTER COLUMN %I TYPE %s COLLATE "C".', check_governable.relation, wanted.col_name, format_type(col.atttypid, col.atttypmod));
		END IF;
		IF wanted.part = 'image' AND NOT EXISTS (
				SELECT FROM pg_type t
				WHERE t.oid = col.atttypid AND (t.typcategory IN ('S', 'N') OR coalesce(nullif(t.typbasetype, 0), t.oid) IN ('bytea'::regtype, 'uuid'::regtype))) THEN
			RAISE EXCEPTION USING ERRCODE = '42804',
				MESSAGE = format('column "%s" of relation %s has type %s, which is neither an image nor a reference to one', wanted.col_name, wanted.relation, format_type(col.atttypid, col.atttypmod)),
				DETAIL = 'An image that is kept elsewhere is deleted by its reference when its read is purged.',
				HINT = 'Name a column of type text, uuid or an integer type that refers to one image, or of type bytea that holds it.';
		END IF;
		IF wanted.part = 'agency' AND col.atttypid NOT IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype) THEN
			RAISE EXCEPTION USING ERRCODE = '42804',
				MESSAGE = format('column "%s" of relation %s has type %s, which cannot name an agency', wanted.col_name, wanted.relation, format_type(col.atttypid, col.atttypmod)),
				HINT = format('Run ALTER TABLE %s ALTER COLUMN %I TYPE text; integers and uuid work too, with ctlpr.agency_key().', check_governable.relation, wanted.col_name);
		END IF;

		-- States.
		IF wanted.part IN ('captured_at', 'plate') AND NOT col.attnotnull THEN
			RAISE EXCEPTION USING ERRCODE = '55000',
				MESSAGE = format('column "%s" of relation %s may be null', wanted.col_name, wanted.relation),
				DETAIL = CASE wanted.part WHEN 'captured_at' THEN 'A read without an instant of capture would never expire.'
										  ELSE 'A row without a plate is found by no search and by no audit.' END,
				HINT = format('Run ALTER TABLE %s ALTER COLUMN %I SET NOT NULL.', wanted.relation, wanted.col_name);
		END IF;
		SELECT k.conname INTO unproven FROM pg_constraint k
			WHERE k.conrelid = wanted.relation AND k.contype = 'n' AND NOT k.convalidated AND col.attnum = ANY (k.conkey);
		IF FOUND AND wanted.part IN ('captured_at', 'plate') THEN
			RAISE EXCEPTION USING ERRCODE = '55000',
				MESSAGE = format('column "%s" of relation %s may hold nulls from before', wanted.col_name, wanted.relation),
				DETAIL = format('Its not-null constraint "%s" is not validated.', unproven),
				HINT = format('Run ALTER TABLE %s VALIDATE CONSTRAINT %I.', wanted.relation, unproven);
		END IF;
		IF col.attgenerated <> '' THEN
			RAISE EXCEPTION USING ERRCODE = '55000',
				MESSAGE = format('column "%s" of relation %s is a generated column', wanted.col_name, wanted.relation),
				DETAIL = 'It is computed after a read was admitted.',
				HINT = CASE col.attgenerated WHEN 's' THEN format('Run ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION.', check_governable.relation, wanted.col_name)
											 ELSE 'Store the value in a column of its own.' END;
		END IF;

		-- Keys declared before must be such as the column can hold.
		IF wanted.part = 'agency' AND wanted.relation = check_governable.relation THEN
			FOR key IN SELECT k.value FROM ctlpr.agency_key k WHERE k.relation = check_governable.relation ORDER BY k.value LOOP
				PERFORM ctlpr.check_agency_key(col.atttypid, key.value);
			END LOOP;
		END IF;
	END LOOP;

	-- Triggers: those of constraints are the server's own.
	IF allow_triggers IS NULL OR array_position(allow_triggers, NULL) IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "allow_triggers" must not be null or contain nulls',
			HINT = 'Leave it out to allow none.';
	END IF;
	SELECT n.trigger_name INTO missing
		FROM unnest(allow_triggers) AS n (trigger_name)
		WHERE NOT EXISTS (SELECT FROM pg_trigger t
						  WHERE t.tgname = n.trigger_name AND NOT t.tgisinternal
							  AND t.tgrelid IN (SELECT m FROM ctlpr.relation_members(check_governable.relation) m))
		LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('trigger "%s" for relation %s does not exist', missing, check_governable.relation),
			HINT = 'Take it off allow_triggers.';
	END IF;
	SELECT t.tgname, t.tgrelid::regclass AS relation, (t.tgtype & 1) = 1 AND (t.tgtype & 66) <> 0 AS before_row
		INTO hindrance
		FROM pg_trigger t
		WHERE t.tgrelid IN (SELECT m FROM ctlpr.relation_members(check_governable.relation) m) AND NOT t.tgisinternal
			AND ((t.tgtype & 1) = 1 AND (t.tgtype & 66) <> 0 OR t.tgname <> ALL (allow_triggers))
		ORDER BY t.tgparentid <> 0, t.tgname LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('relation %s has the trigger "%s"', hindrance.relation, hindrance.tgname),
			DETAIL = CASE WHEN hindrance.before_row THEN 'A row trigger that runs before the change could alter a read after it was admitted, or keep an expired one from being deleted.'
						  ELSE 'A trigger sees every read that is written, and could copy it.' END,
			HINT = CASE WHEN hindrance.before_row THEN format('Run DROP TRIGGER %I ON %s.', hindrance.tgname, hindrance.relation)
						ELSE format('Run DROP TRIGGER %I ON %s, or name it in allow_triggers if it carries nothing away.', hindrance.tgname, hindrance.relation) END;
	END IF;
	SELECT r.rulename, r.ev_class::regclass AS relation INTO hindrance
		FROM pg_rewrite r
		WHERE r.ev_class IN (SELECT m FROM ctlpr.relation_members(check_governable.relation) m)
		ORDER BY r.rulename LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('relation %s has the rule "%s"', hindrance.relation, hindrance.rulename),
			DETAIL = 'A rule rewrites statements before they are judged.',
			HINT = format('Run DROP RULE %I ON %s.', hindrance.rulename, hindrance.relation);
	END IF;

	-- Ways past every statement.
	SELECT k.name, k.member INTO hindrance
		FROM ctlpr.acting_keys(check_governable.relation, ARRAY[captured_at, plate, agency]) k LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('the foreign key "%s" of relation %s would change or delete reads', hindrance.name, hindrance.member),
			DETAIL = 'Whoever changes the table that it points to need not be of the agency whose reads they are.',
			HINT = 'Declare it with ON DELETE and ON UPDATE NO ACTION or RESTRICT.';
	END IF;
	SELECT e.kind, e.name, e.member, e.function INTO hindrance FROM ctlpr.unvetted_expressions(check_governable.relation) e LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('the %s "%s" of relation %s calls a function that is not vetted', hindrance.kind, hindrance.name, hindrance.member),
			DETAIL = format('%s would see every read, expired ones included.', hindrance.function),
			HINT = 'Drop it, or write it with functions of the server and of extensions that only compute.';
	END IF;
	SELECT s.subname, r.srrelid::regclass AS relation INTO hindrance
		FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
		WHERE r.srrelid IN (SELECT m FROM ctlpr.relation_members(check_governable.relation) m) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('relation %s is filled by the subscription "%s"', hindrance.relation, hindrance.subname),
			DETAIL = 'What a subscription writes is checked by nothing.',
			HINT = 'Take the table out of the publication that it subscribes to, and refresh it; or drop the subscription.';
	END IF;
	SELECT s.slot_name, s.plugin INTO hindrance
		FROM pg_replication_slots s WHERE s.database = current_database() AND s.slot_type = 'logical' AND s.plugin <> 'pgoutput' LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('the logical replication slot "%s" shows every change of this database', hindrance.slot_name),
			DETAIL = format('Its plugin is %s, which heeds no publication.', hindrance.plugin),
			HINT = format('Run SELECT pg_drop_replication_slot(%L).', hindrance.slot_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_governable(regclass, name, name, name, text, name, name, name[]) IS 'Internal: errors unless columns, triggers and rules of a relation are fit for govern()';

/*
 * check_agency_key(column_type, value) - a key is written as the column's text
 * form writes it; 007 would match no integer.
 *
 * Errors: 22023 it is not; the hint has the form that is.
 */
CREATE FUNCTION ctlpr.check_agency_key(column_type oid, value text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	as_stored text;
BEGIN
	BEGIN
		as_stored := CASE column_type
						 WHEN 'int2'::regtype THEN check_agency_key.value::int2::text
						 WHEN 'int4'::regtype THEN check_agency_key.value::int4::text
						 WHEN 'int8'::regtype THEN check_agency_key.value::int8::text
						 WHEN 'uuid'::regtype THEN check_agency_key.value::uuid::text
						 ELSE check_agency_key.value END;
	EXCEPTION WHEN data_exception THEN
		as_stored := NULL;
	END;
	IF as_stored IS DISTINCT FROM check_agency_key.value THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = format('agency key "%s" is not as type %s writes it', left(check_agency_key.value, 63), format_type(column_type, NULL)),
			HINT = CASE WHEN as_stored IS NULL THEN 'Use a value that the agency column can hold; ctlpr.drop_agency_key() removes a wrong one.'
						ELSE format('Use "%s"; ctlpr.drop_agency_key() removes a wrong one.', as_stored) END;
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_agency_key(oid, text) IS 'Internal: errors unless a key is written as the text form of its column''s type';

/*
 * agency_key(agency_id, relation, value) - say what a value of the relation's
 * agency column means, where it is no agency identifier itself.
 *
 * agency_id: the agency; relation: governed already, or about to be: keys
 * declared before govern() let it count by owner, and leave no moment in
 * which reads belong to nobody; value: text form of the value in the column.
 * Errors: 22004, 22001, 22023 an argument; 42704 agency unknown; 42P01, 42809
 * the relation; 42710 the value has its agency already; 55000 the relation is
 * governed with one owner.
 * Clause: 13(d)(6), whose reads they are.
 */
CREATE FUNCTION ctlpr.agency_key(agency_id text, relation regclass, value text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	governed    ctlpr.governed_relation;
	column_type oid;
	existing    text;
BEGIN
	PERFORM ctlpr.check_agency(agency_key.agency_id);
	PERFORM ctlpr.check_relation(agency_key.relation);
	PERFORM ctlpr.check_text('value', agency_key.value);
	-- govern() locks the relation and looks at the keys.
	EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', agency_key.relation);
	SELECT * INTO governed FROM ctlpr.governed_relation g WHERE g.relation = agency_key.relation;
	IF FOUND THEN
		IF governed.agency_column IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = '55000',
				MESSAGE = format('relation %s has no agency column', agency_key.relation),
				DETAIL = format('All its reads belong to agency "%s".', governed.owner_agency),
				HINT = 'Keys are for relations governed with an agency column.';
		END IF;
		SELECT a.atttypid INTO column_type FROM pg_attribute a
			WHERE a.attrelid = agency_key.relation AND a.attname = governed.agency_column AND NOT a.attisdropped;
		PERFORM ctlpr.check_agency_key(column_type, agency_key.value);
	END IF;

	INSERT INTO ctlpr.agency_key AS k (relation, value, agency_id)
		VALUES (agency_key.relation, agency_key.value, agency_key.agency_id)
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		SELECT k.agency_id INTO existing FROM ctlpr.agency_key k WHERE k.relation = agency_key.relation AND k.value = agency_key.value;
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('value "%s" of relation %s already stands for agency "%s"', left(agency_key.value, 63), agency_key.relation, existing),
			HINT = 'To let it stand for another agency, call ctlpr.drop_agency_key() first.';
	END IF;

	PERFORM ctlpr.record_event('configuration', relation => agency_key.relation, agency_id => agency_key.agency_id,
		detail => jsonb_build_object('function', 'agency_key', 'agency_id', agency_key.agency_id,
			'relation', agency_key.relation::text, 'value', agency_key.value));
END
$$;
COMMENT ON FUNCTION ctlpr.agency_key(text, regclass, text) IS 'Says which agency a value of a relation''s agency column stands for; may be called before or after govern()';

/*
 * drop_agency_key(relation, value) - the value no longer stands for an agency.
 *
 * Its reads then belong to no known agency.
 * Errors: 22004 an argument; 42704 there is no such key.
 * Clause: 13(d)(6).
 */
CREATE FUNCTION ctlpr.drop_agency_key(relation regclass, value text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stood_for text;
BEGIN
	IF drop_agency_key.relation IS NULL OR drop_agency_key.value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "relation" and "value" must not be null',
			HINT = 'Name both as ctlpr.agency_key has them.';
	END IF;
	DELETE FROM ctlpr.agency_key k
		WHERE k.relation = drop_agency_key.relation AND k.value = drop_agency_key.value
		RETURNING k.agency_id INTO stood_for;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('value "%s" of relation %s stands for no agency', left(drop_agency_key.value, 63), drop_agency_key.relation),
			HINT = 'The table ctlpr.agency_key lists the keys.';
	END IF;

	PERFORM ctlpr.record_event('configuration', relation => drop_agency_key.relation, agency_id => stood_for,
		detail => jsonb_build_object('function', 'drop_agency_key', 'agency_id', stood_for,
			'relation', drop_agency_key.relation::text, 'value', drop_agency_key.value));
END
$$;
COMMENT ON FUNCTION ctlpr.drop_agency_key(regclass, text) IS 'Removes what agency_key() declared';

/*
 * report_expired(relation, what, hint) - a NOTICE with the number of expired
 * reads, by month of capture and owning agency.
 */
CREATE FUNCTION ctlpr.report_expired(relation regclass, what text, hint text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	total bigint;
	lines text;
BEGIN
	SELECT coalesce(sum(m.reads), 0), string_agg(format('%s  %s  %s', m.month, coalesce(m.agency_id, '(no known agency)'), m.reads), E'\n' ORDER BY m.month, m.agency_id)
		INTO total, lines
		FROM (SELECT CASE WHEN isfinite(e.read_on) THEN to_char(e.read_on, 'YYYY-MM') ELSE '(no date)' END AS month, e.agency_id, sum(e.reads)::bigint AS reads
			  FROM ctlpr.expired_reads(report_expired.relation) e
			  GROUP BY 1, 2) m;
	IF total = 0 THEN
		RAISE NOTICE USING MESSAGE = format('%s holds no expired reads', report_expired.relation), HINT = report_expired.hint;
	ELSE
		RAISE NOTICE USING MESSAGE = format('%s holds %s expired reads: %s', report_expired.relation, total, what),
			DETAIL = lines, HINT = report_expired.hint;
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.report_expired(regclass, text, text) IS 'Internal: a notice with the number of expired reads by month and owning agency';

/*
 * govern(relation, captured_at, plate, agency, owner_agency, camera, image,
 * retention, mode, allow_triggers) - bring a table of reads under governance.
 *
 * relation: an ordinary table, or the root of a partitioned or inheritance
 * tree; captured_at: timestamptz column with the instant of capture; plate:
 * column with the plate characters; agency: column that names each read's
 * agency, or owner_agency: the one agency that owns them all; camera, image:
 * further columns, where there are such; retention: rule of the statute in
 * force; mode: 'enforce', or 'observe' (every statement is recorded with the
 * verdict it would have had, nothing is refused, hidden or purged, until
 * ctlpr.observe_limit has passed); allow_triggers: triggers that stay.
 *
 * Called with mode 'enforce' for a relation that is being observed, it begins
 * enforcement and keeps the other settings.  It never begins deletion: it
 * prints what has expired, and start_purge() begins.
 * Locks the relation and its partitions, ACCESS EXCLUSIVE to enforce, SHARE
 * UPDATE EXCLUSIVE to observe, the root first.
 * Errors: 42710 governed already; 22023 mode; 55000 no statute adopted; 42704
 * retention rule unknown; and those of check_relation() and
 * check_governable().
 * Clause: 13(b), 13(d); retention 13(b)(2).
 */
CREATE FUNCTION ctlpr.govern(relation regclass, captured_at name, plate name, agency name DEFAULT NULL, owner_agency text DEFAULT NULL, camera name DEFAULT NULL,
							 image name DEFAULT NULL, retention text DEFAULT 'standard', mode text DEFAULT 'enforce', allow_triggers name[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	governed     ctlpr.governed_relation;
	in_force     ctlpr.statute;
	clause       text;
	observe_end  timestamptz;
	agency_type  oid;
	published    record;
	known_before boolean;
BEGIN
	PERFORM ctlpr.check_relation(govern.relation);
	IF govern.mode IS NULL OR govern.mode NOT IN ('enforce', 'observe') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'mode of governance is not known',
			HINT = 'Use enforce or observe.';
	END IF;
	in_force := ctlpr.adopted_statute();

	-- The root first; LOCK TABLE then goes down the tree.
	EXECUTE format('LOCK TABLE %s IN %s MODE', govern.relation,
				   CASE govern.mode WHEN 'enforce' THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE UPDATE EXCLUSIVE' END);
	PERFORM ctlpr.check_relation(govern.relation);

	SELECT * INTO governed FROM ctlpr.governed_relation g WHERE g.relation = govern.relation;
	known_before := FOUND;
	IF known_before AND (governed.mode = 'enforce' OR govern.mode = 'observe') THEN
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('relation %s is already governed', govern.relation),
			DETAIL = format('Its mode is %s.', governed.mode),
			HINT = CASE governed.mode
					   WHEN 'observe' THEN 'To begin enforcement, call ctlpr.govern() with mode => ''enforce''.'
					   ELSE 'To change how it is governed, call ctlpr.release() first.' END;
	END IF;
	IF known_before THEN
		IF govern.captured_at IS DISTINCT FROM governed.captured_at_column OR govern.plate IS DISTINCT FROM governed.plate_column
			OR govern.agency <> governed.agency_column OR govern.owner_agency <> governed.owner_agency
			OR (govern.agency IS NOT NULL AND governed.agency_column IS NULL) OR (govern.owner_agency IS NOT NULL AND governed.owner_agency IS NULL)
			OR (govern.camera IS NOT NULL AND govern.camera IS DISTINCT FROM governed.camera_column)
			OR (govern.image IS NOT NULL AND govern.image IS DISTINCT FROM governed.image_column)
			OR (govern.retention <> 'standard' AND govern.retention <> governed.retention)
			OR (govern.allow_triggers <> '{}' AND govern.allow_triggers <> governed.allow_triggers) THEN
			RAISE EXCEPTION USING ERRCODE = '22023',
				MESSAGE = format('relation %s is observed with other settings', govern.relation),
				DETAIL = 'Beginning enforcement keeps the settings with which it was observed.',
				HINT = 'State only relation, captured_at and plate as they are, and mode; to change the rest, call ctlpr.release() first.';
		END IF;
	ELSE
		governed.relation := govern.relation;
		governed.relation_name := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = govern.relation);
		governed.captured_at_column := govern.captured_at;
		governed.plate_column := govern.plate;
		governed.agency_column := govern.agency;
		governed.owner_agency := govern.owner_agency;
		governed.camera_column := govern.camera;
		governed.image_column := govern.image;
		governed.retention := govern.retention;
		governed.allow_triggers := govern.allow_triggers;
	END IF;

	SELECT r.clause INTO clause FROM ctlpr.statute_retention r
		WHERE r.statute = in_force.statute AND r.rule = governed.retention AND r.valid_until > now()
		ORDER BY r.valid_from LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = CASE WHEN governed.retention IS NULL THEN 'no retention rule is stated'
						   ELSE format('retention rule "%s" is not known', left(governed.retention, 63)) END,
			HINT = coalesce((SELECT format('Statute %s has: %s.', in_force.statute, string_agg(DISTINCT r.rule, ', '))
							 FROM ctlpr.statute_retention r WHERE r.statute = in_force.statute AND r.valid_until > now() HAVING count(*) > 0),
							format('Statute %s has none.', in_force.statute));
	END IF;
	PERFORM ctlpr.check_governable(govern.relation, governed.captured_at_column, governed.plate_column, governed.agency_column,
								   governed.owner_agency, governed.camera_column, governed.image_column, governed.allow_triggers);

	IF known_before THEN
		UPDATE ctlpr.governed_relation g SET mode = 'enforce', observe_until = NULL WHERE g.relation = govern.relation;
	ELSE
		IF govern.mode = 'observe' THEN
			observe_end := now() + current_setting('ctlpr.observe_limit')::interval;
		END IF;
		INSERT INTO ctlpr.governed_relation AS g (relation, relation_name, captured_at_column, plate_column, agency_column, owner_agency,
												  camera_column, image_column, retention, mode, observe_until, allow_triggers)
			VALUES (governed.relation, governed.relation_name, governed.captured_at_column, governed.plate_column, governed.agency_column, governed.owner_agency,
					governed.camera_column, governed.image_column, governed.retention, govern.mode, observe_end, governed.allow_triggers);
	END IF;
	IF govern.mode = 'enforce' THEN
		PERFORM ctlpr.apply_guard(govern.relation);
	END IF;
	SELECT p.publication, p.relation INTO published FROM ctlpr.published_without_leave() p
		WHERE p.relation IN (SELECT m FROM ctlpr.relation_members(govern.relation) m) LIMIT 1;
	IF FOUND AND govern.mode = 'enforce' THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('the publication "%s" carries relation %s', published.publication, published.relation),
			DETAIL = 'A subscriber gets every read, without a statement to record.',
			HINT = 'Take the table out of the publication; for a subscriber of the same agency, call ctlpr.allow_publication() first.';
	END IF;

	PERFORM ctlpr.record_event('configuration', relation => govern.relation, agency_id => governed.owner_agency, clause => clause,
		detail => jsonb_build_object('function', 'govern', 'relation', governed.relation_name, 'captured_at', governed.captured_at_column,
			'plate', governed.plate_column, 'agency', governed.agency_column, 'owner_agency', governed.owner_agency, 'camera', governed.camera_column,
			'image', governed.image_column, 'retention', governed.retention, 'mode', govern.mode, 'observe_until', observe_end,
			'allow_triggers', governed.allow_triggers, 'was_observed', known_before));

	SELECT a.atttypid INTO agency_type FROM pg_attribute a
		WHERE a.attrelid = govern.relation AND a.attname = governed.agency_column AND NOT a.attisdropped;
	IF agency_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)
		AND NOT EXISTS (SELECT FROM ctlpr.agency_key k WHERE k.relation = govern.relation) THEN
		RAISE WARNING USING MESSAGE = format('values of column "%s" stand for no agency yet', governed.agency_column),
			DETAIL = 'Until they do, the reads belong to no known agency.',
			HINT = 'Declare each value with ctlpr.agency_key().';
	END IF;
	IF govern.mode = 'observe' THEN
		RAISE NOTICE USING MESSAGE = format('%s is observed until %s: statements are recorded, nothing is refused, hidden or deleted', govern.relation, observe_end),
			HINT = 'Begin enforcement before that, with ctlpr.govern() and mode => ''enforce''.';
		PERFORM ctlpr.report_expired(govern.relation, 'they stay visible while it is observed',
									 'Nothing is deleted until enforcement has begun and ctlpr.start_purge() is called.');
	ELSE
		PERFORM ctlpr.report_expired(govern.relation, 'they are hidden from now on and not yet deleted',
									 'Nothing is deleted until ctlpr.start_purge() is called.');
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.govern(regclass, name, name, name, text, name, name, text, text, name[]) IS 'Brings a table of reads, partitions and children included, under governance; mode observe records verdicts only; never begins deletion';

/*
 * start_purge(relation, approved_by) - let the worker delete expired reads.
 *
 * Prints what will go, by month and owner, and records who approved.
 * Errors: 22004, 22001 an argument; 42704 not governed; 55000 observed only,
 * no retention rule in force, or begun before; LP005, recorded: nobody
 * approved.
 * Clause: that of the retention rule, 13(b)(2).
 */
CREATE FUNCTION ctlpr.start_purge(relation regclass, approved_by text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	governed ctlpr.governed_relation;
	clause   text;
BEGIN
	IF start_purge.relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "relation" must not be null',
			HINT = 'Name a relation of ctlpr.governed_relation.';
	END IF;
	IF octet_length(start_purge.approved_by) > 4096 THEN
		PERFORM ctlpr.check_text('approved_by', start_purge.approved_by);
	END IF;
	SELECT * INTO governed FROM ctlpr.governed_relation g WHERE g.relation = start_purge.relation FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('relation %s is not governed', start_purge.relation),
			HINT = 'Call ctlpr.govern() first; for a partition, name its root.';
	END IF;
	IF governed.mode = 'observe' THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('relation %s is observed only', start_purge.relation),
			DETAIL = 'While it is observed, nothing is hidden or deleted.',
			HINT = 'Begin enforcement first, with ctlpr.govern() and mode => ''enforce''.';
	END IF;
	IF governed.purging THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('expired reads of relation %s are being deleted already', start_purge.relation),
			DETAIL = format('It began at %s.', governed.purge_started_at),
			HINT = 'See ctlpr.purge_status.';
	END IF;
	SELECT r.clause INTO clause
		FROM ctlpr.statute_retention r JOIN ctlpr.statute_adoption a ON a.statute = r.statute
		WHERE r.rule = governed.retention AND r.valid_from <= now() AND now() < r.valid_until
		ORDER BY r.valid_from DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('no retention rule is in force for relation %s', start_purge.relation),
			DETAIL = format('It is governed under the rule "%s".', governed.retention),
			HINT = 'See the dates in ctlpr.statute_retention, and adopt a statute with ctlpr.adopt_statute().';
	END IF;
	IF start_purge.approved_by IS NULL OR start_purge.approved_by !~ '[^[:space:]]' THEN
		PERFORM ctlpr.record_event('configuration', relation => start_purge.relation, clause => clause, sqlstate => 'LP005',
			detail => jsonb_build_object('function', 'start_purge', 'relation', governed.relation_name));
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = 'deletion needs an approval',
			DETAIL = format('Deletion under clause %s cannot be undone; who let it begin is part of the record.', clause),
			HINT = 'State in approved_by who approved it.';
	END IF;

	UPDATE ctlpr.governed_relation g
		SET purging = true, purge_approved_by = start_purge.approved_by, purge_started_at = now()
		WHERE g.relation = start_purge.relation;

	PERFORM ctlpr.record_event('configuration', relation => start_purge.relation, clause => clause,
		detail => jsonb_build_object('function', 'start_purge', 'relation', governed.relation_name, 'approved_by', start_purge.approved_by));
	PERFORM ctlpr.report_expired(start_purge.relation, 'the purge worker deletes them from now on',
								 'Deletion begins when this transaction commits; see ctlpr.purge_status.');
END
$$;
COMMENT ON FUNCTION ctlpr.start_purge(regclass, text) IS 'Lets the purge worker delete expired reads of a governed relation, after printing how many there are by month and owning agency';

/*
 * confirm_clock(reason) - the server's clock is right, so expired reads may be
 * deleted by it again.
 *
 * After a clock was set forward, reads that seem expired are hidden, but not
 * deleted until this is called.  reason: how the time was checked.
 * Errors: 22004, 22001, 22023 an argument; 55000 nobody doubts it.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.confirm_clock(reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('reason', confirm_clock.reason);
	UPDATE ctlpr.clock c
		SET seen_at = clock_timestamp(), doubted_at = NULL, confirmed_at = clock_timestamp(), confirmed_by = session_user, confirmed_reason = confirm_clock.reason
		WHERE c.doubted_at IS NOT NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = 'the clock is not in doubt',
			HINT = 'Nothing needs to be done; deletion is not suspended.';
	END IF;
	PERFORM ctlpr.record_event('configuration', reason => confirm_clock.reason, clause => '13(b)(2)(A)',
		detail => jsonb_build_object('function', 'confirm_clock'));
END
$$;
COMMENT ON FUNCTION ctlpr.confirm_clock(text) IS 'States that the server''s clock is right, after it was set forward; deletion goes on';

/*
 * release(relation, reason) - end the governance of a relation.
 *
 * Takes the guard off the relation and its partitions; row security is
 * disabled where no other policy is left, and stays as it is elsewhere.
 * Agency keys go too.  A relation that was dropped can be named by its number.
 * Errors: 22004, 22001, 22023 an argument; 42704 not governed; LP012, recorded:
 * its reads are held.
 * Clause: 15(a)(2), a change that affects privacy, recorded before it happens.
 */
CREATE FUNCTION ctlpr.release(relation regclass, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	governed ctlpr.governed_relation;
	member   regclass;
	present  boolean;
	kept     text[] := '{}';
BEGIN
	IF release.relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "relation" must not be null',
			HINT = 'Name a relation of ctlpr.governed_relation.';
	END IF;
	PERFORM ctlpr.check_text('reason', release.reason);
	IF NOT EXISTS (SELECT FROM ctlpr.governed_relation g WHERE g.relation = release.relation) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('relation %s is not governed', release.relation),
			HINT = 'The table ctlpr.governed_relation lists what is; for a partition, name its root.';
	END IF;
	present := EXISTS (SELECT FROM pg_class c WHERE c.oid = release.relation);
	IF present THEN
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', release.relation);
	END IF;
	SELECT * INTO governed FROM ctlpr.governed_relation g WHERE g.relation = release.relation FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('relation %s is not governed', release.relation),
			HINT = 'Another session released it just now.';
	END IF;

	IF EXISTS (SELECT FROM ctlpr.hold h WHERE h.relation = coalesce(governed.evidence_of, governed.relation)
				AND (h.ended_at IS NULL OR ctlpr.held_reads(h.hold_id) > 0)) THEN
		PERFORM ctlpr.record_event('configuration', relation => CASE WHEN present THEN release.relation END, agency_id => governed.owner_agency,
			reason => release.reason, clause => '13(b)(2)(A)', sqlstate => 'LP012',
			detail => jsonb_build_object('function', 'release', 'relation', governed.relation_name));
		RAISE EXCEPTION USING ERRCODE = 'LP012',
			MESSAGE = format('reads of relation %s are held', governed.relation_name),
			DETAIL = 'Evidence is kept and governed until its hold has ended (13(b)(2)(A), 13(c)).',
			HINT = 'End the holds with ctlpr.end_hold(), and let the worker delete what they kept; the view ctlpr.holds lists them.';
	END IF;

	-- Recorded first, so that the record still finds it governed.
	PERFORM ctlpr.record_event('configuration', relation => CASE WHEN present THEN release.relation END, agency_id => governed.owner_agency,
		reason => release.reason,
		detail => jsonb_build_object('function', 'release', 'relation', governed.relation_name, 'mode', governed.mode, 'retention', governed.retention, 'purging', governed.purging));

	IF present THEN
		FOR member IN SELECT m FROM ctlpr.relation_members(release.relation) WITH ORDINALITY AS t (m, place) ORDER BY t.place LOOP
			CONTINUE WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = member AND p.polname = 'ctlpr_guard');
			PERFORM ctlpr.alter_governed(member, format('DROP POLICY ctlpr_guard ON %s', member), false);
			IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = member) THEN
				kept := kept || member::text;
			ELSE
				PERFORM ctlpr.alter_governed(member, format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', member), false);
			END IF;
		END LOOP;
	END IF;
	DELETE FROM ctlpr.agency_key k WHERE k.relation = release.relation;
	DELETE FROM ctlpr.governed_relation g WHERE g.relation = release.relation;

	RAISE NOTICE USING MESSAGE = format('%s is no longer governed: its reads are no longer recorded, hidden or deleted', governed.relation_name),
		HINT = 'The duties of the act remain; ctlpr.govern() brings it back.';
	IF cardinality(kept) > 0 THEN
		RAISE NOTICE USING MESSAGE = format('row security stays enabled and forced on %s', array_to_string(kept, ', ')),
			DETAIL = 'It has policies of its own.',
			HINT = 'If its owner was exempt before, run ALTER TABLE ... NO FORCE ROW LEVEL SECURITY.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.release(regclass, text) IS 'Ends the governance of a relation; the reason is recorded';

/*
 * bypassing_logins() - superusers and roles with BYPASSRLS that are connected
 * to this database.  A definer's, because an administrator who is no
 * superuser is not shown what kind of process the others are.
 */
CREATE FUNCTION ctlpr.bypassing_logins(OUT role name, OUT superuser boolean, OUT sessions bigint) RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.rolname, r.rolsuper, count(*)
	FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
	WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
		AND (r.rolsuper OR r.rolbypassrls)
	GROUP BY 1, 2
$$;
COMMENT ON FUNCTION ctlpr.bypassing_logins() IS 'Internal: connected roles that row security does not reach';


/*
 * preflight(relation) - what would break or weaken once the relation is
 * governed, each finding with the statement that puts it right.
 *
 * severity: error (govern() would refuse), warning (an application would
 * break, or a way past governance exists), info.  item: what kind of finding;
 * detail: what was found; remedy: a statement to run, or two to choose from.
 * Takes only the relation, so it guesses the columns by type and name, and
 * says what it took.
 * Runs with the rights of its caller and changes nothing; counting expired
 * rows is an ordinary query and needs SELECT on the relation.
 * Errors: 22004 NULL; 42P01 the relation does not exist.
 * Clause: 13(b), 13(d); 13(g)(5) for the ways around.
 */
CREATE FUNCTION ctlpr.preflight(relation regclass)
RETURNS TABLE (severity text, item text, detail text, remedy text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class         pg_class;
	members       oid[];
	root          regclass;
	time_zone     text;
	period        interval;
	is_governed   boolean;
	time_column   name;
	time_columns  name[];
	plate_column  name;
	plate_columns name[];
	agency_column name;
	agency_type   oid;
	candidate     record;
	counted       record;
BEGIN
	IF preflight.relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "relation" must not be null',
			HINT = 'Name the table of reads.';
	END IF;
	SELECT * INTO class FROM pg_class c WHERE c.oid = preflight.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42P01',
			MESSAGE = format('relation with OID %s does not exist', preflight.relation::oid),
			HINT = 'Name the table of reads.';
	END IF;
	members := ARRAY(SELECT m::oid FROM ctlpr.relation_members(preflight.relation) m);
	is_governed := EXISTS (SELECT FROM ctlpr.governed_relation g WHERE g.relation = preflight.relation);

	-- The statute.
	SELECT s.time_zone, r.period INTO time_zone, period
		FROM ctlpr.statute_adoption a
		JOIN ctlpr.statute s ON s.statute = a.statute
		LEFT JOIN ctlpr.statute_retention r ON r.statute = s.statute AND r.rule = 'standard' AND r.valid_until > now()
		ORDER BY r.valid_from LIMIT 1;
	IF NOT FOUND THEN
		RETURN QUERY SELECT 'error', 'statute', 'no statute is adopted in this database',
			format('SELECT ctlpr.adopt_statute(%L)', coalesce((SELECT min(s.statute) FROM ctlpr.statute s), 'us-ct-2026'));
	END IF;

	-- What kind of relation it is.
	IF is_governed THEN
		RETURN QUERY SELECT 'info', 'governed already', format('%s is governed in mode %s', g.relation_name, g.mode),
				CASE g.mode WHEN 'observe' THEN format('SELECT ctlpr.govern(%L, captured_at => %L, plate => %L, mode => ''enforce'')', g.relation_name, g.captured_at_column, g.plate_column)
							ELSE format('SELECT ctlpr.release(%L, reason => ''...'')', g.relation_name) END
			FROM ctlpr.governed_relation g WHERE g.relation = preflight.relation;
	END IF;
	IF class.relkind NOT IN ('r', 'p') THEN
		RETURN QUERY SELECT 'error', 'kind of relation', format('%s is no ordinary or partitioned table', preflight.relation),
			coalesce((SELECT string_agg(DISTINCT format('SELECT * FROM ctlpr.preflight(%L)', d.refobjid::regclass), '; ')
					  FROM pg_rewrite w
					  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
					  JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p')
					  WHERE w.ev_class = preflight.relation),
					 'govern the table in the database where it is stored');
		RETURN;
	END IF;
	SELECT coalesce(pg_partition_root(preflight.relation)::oid, i.inhparent)::regclass INTO root
		FROM pg_inherits i WHERE i.inhrelid = preflight.relation ORDER BY i.inhseqno LIMIT 1;
	IF FOUND THEN
		RETURN QUERY SELECT 'error', 'kind of relation', format('%s is a partition or child of %s', preflight.relation, root),
			format('SELECT * FROM ctlpr.preflight(%L)', root);
		RETURN;
	END IF;
	IF class.relpersistence = 't' THEN
		RETURN QUERY SELECT 'error', 'kind of relation', format('%s is a temporary table', preflight.relation),
			format('CREATE TABLE %I (LIKE %s INCLUDING ALL)', class.relname, preflight.relation);
		RETURN;
	END IF;
	RETURN QUERY SELECT 'error', 'unlogged table', format('%s is unlogged', c.oid::regclass), format('ALTER TABLE %s SET LOGGED', c.oid::regclass)
		FROM pg_class c WHERE c.oid = ANY (members) AND c.relpersistence = 'u' ORDER BY c.oid;
	RETURN QUERY SELECT 'error', 'foreign table', format('%s is a foreign table', c.oid::regclass),
			CASE WHEN c.relispartition THEN format('ALTER TABLE %s DETACH PARTITION %s', i.inhparent::regclass, c.oid::regclass)
				 ELSE format('ALTER FOREIGN TABLE %s NO INHERIT %s', c.oid::regclass, i.inhparent::regclass) END
		FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
		WHERE c.oid = ANY (members) AND c.relkind = 'f' ORDER BY c.oid;
	RETURN QUERY SELECT 'error', 'other parent', format('%s has another parent, %s', i.inhrelid::regclass, i.inhparent::regclass),
			format('ALTER TABLE %s NO INHERIT %s', i.inhrelid::regclass, i.inhparent::regclass)
		FROM pg_inherits i WHERE i.inhrelid = ANY (members) AND i.inhparent <> ALL (members) ORDER BY i.inhrelid;

	-- Time column: by type, the likelier names first.
	time_columns := ARRAY(SELECT a.attname FROM pg_attribute a
						  WHERE a.attrelid = preflight.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'timestamptz'::regtype
						  ORDER BY (a.attname ~* 'captur') DESC, (a.attname ~* 'read|seen|scan|detect|observ') DESC, (a.attname ~* 'creat|insert|updat|load|receiv|import') ASC, a.attnum);
	time_column := time_columns[1];
	IF time_column IS NULL THEN
		FOR candidate IN
			SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type_name FROM pg_attribute a
				WHERE a.attrelid = preflight.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('timestamp'::regtype, 'date'::regtype)
				ORDER BY (a.attname ~* 'captur') DESC, a.attnum
		LOOP
			RETURN QUERY SELECT 'error', 'column type', format('column "%s" has type %s, not timestamp with time zone', candidate.attname, candidate.type_name),
				format('ALTER TABLE %s ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE %L', preflight.relation, candidate.attname, candidate.attname, coalesce(time_zone, 'America/New_York'));
		END LOOP;
		IF NOT FOUND THEN
			RETURN QUERY SELECT 'error', 'time column', 'there is no column with an instant of capture',
				format('ALTER TABLE %s ADD COLUMN captured_at timestamptz', preflight.relation);
		END IF;
	ELSIF cardinality(time_columns) > 1 THEN
		RETURN QUERY SELECT 'info', 'time column', format('ambiguous: taken is "%s", further columns of that type are %s', time_column,
														  (SELECT string_agg(format('"%s"', t), ', ') FROM unnest(time_columns[2:]) t)),
			format('SELECT ctlpr.govern(%L, captured_at => %L, ...)', preflight.relation, time_column);
	END IF;

	-- Plate column.
	plate_columns := ARRAY(SELECT a.attname FROM pg_attribute a
						   WHERE a.attrelid = preflight.relation AND a.attnum > 0 AND NOT a.attisdropped
							   AND a.attname ~* '(?<!tem)plate|licen[sc]e' AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
						   ORDER BY (a.attname ~* 'state|country|type|colou?r|image|photo|url') ASC, (a.attname ~* '(?<!tem)plate') DESC, length(a.attname), a.attnum);
	plate_column := plate_columns[1];
	IF plate_column IS NULL THEN
		FOR candidate IN
			SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type_name FROM pg_attribute a
				WHERE a.attrelid = preflight.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~* '(?<!tem)plate|licen[sc]e'
				ORDER BY a.attnum
		LOOP
			RETURN QUERY SELECT 'error', 'column type', format('column "%s" has type %s, not a character string type', candidate.attname, candidate.type_name),
				format('ALTER TABLE %s ALTER COLUMN %I TYPE text', preflight.relation, candidate.attname);
			plate_column := candidate.attname;
		END LOOP;
		IF plate_column IS NULL THEN
			RETURN QUERY SELECT 'info', 'plate column', 'no column is named like one with plates',
				format('SELECT ctlpr.govern(%L, captured_at => %L, plate => ''...'', ...)', preflight.relation, coalesce(time_column, '...'));
		END IF;
	END IF;

	-- Columns that may be null, are generated, or compare loosely.
	RETURN QUERY SELECT 'error', 'nullable column', format('column "%s" of %s may be null', a.attname, a.attrelid::regclass),
			format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', a.attrelid::regclass, a.attname)
		FROM pg_attribute a
		WHERE (a.attrelid = preflight.relation
			   OR a.attrelid = ANY (members) AND NOT EXISTS (SELECT FROM pg_attribute p WHERE p.attrelid = preflight.relation AND p.attname = a.attname AND NOT p.attnotnull))
			AND a.attname IN (time_column, plate_column) AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull
		ORDER BY a.attrelid, a.attnum;
	-- From PostgreSQL 18 on a constraint can be there without having been proved.
	RETURN QUERY SELECT 'error', 'nullable column', format('not-null constraint "%s" of %s is not validated', k.conname, k.conrelid::regclass),
			format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
		FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
		WHERE k.conrelid = ANY (members) AND k.contype = 'n' AND NOT k.convalidated AND a.attname IN (time_column, plate_column)
		ORDER BY k.conrelid, k.conname;
	RETURN QUERY SELECT 'error', 'generated column', format('column "%s" is a generated column', a.attname),
			format('ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION', preflight.relation, a.attname)
		FROM pg_attribute a
		WHERE a.attrelid = preflight.relation AND a.attname IN (time_column, plate_column) AND a.attgenerated <> '' ORDER BY a.attnum;
	RETURN QUERY SELECT 'error', 'collation', format('column "%s" has the nondeterministic collation "%s"', a.attname, c.collname),
			format('ALTER TABLE %s ALTER COLUMN %I TYPE %s COLLATE "C"', preflight.relation, a.attname, format_type(a.atttypid, a.atttypmod))
		FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
		WHERE a.attrelid = preflight.relation AND a.attname = plate_column AND NOT c.collisdeterministic;

	-- Whose reads they are.
	SELECT a.attname, a.atttypid INTO agency_column, agency_type FROM pg_attribute a
		WHERE a.attrelid = preflight.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~* 'agency|owner|department|organi[sz]ation|tenant|(^|_)ori($|_)'
			AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)
		ORDER BY (a.attname ~* 'agency') DESC, a.attnum LIMIT 1;
	IF agency_column IS NOT NULL AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = preflight.relation AND a.attname = agency_column AND NOT a.attnotnull) THEN
		RETURN QUERY SELECT 'warning', 'nullable column', format('column "%s" of %s may be null; a read without an agency belongs to nobody', agency_column, preflight.relation),
			format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', preflight.relation, agency_column);
	END IF;
	IF agency_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype)
		AND NOT EXISTS (SELECT FROM ctlpr.agency_key k WHERE k.relation = preflight.relation) THEN
		RETURN QUERY SELECT 'warning', 'agency column', format('values of column "%s" stand for no agency yet', agency_column),
			format('SELECT ctlpr.agency_key(''...'', %L, v.%I::text) FROM (SELECT DISTINCT %I FROM %s) v', preflight.relation, agency_column, agency_column, preflight.relation);
	END IF;

	-- Triggers and rules.
	RETURN QUERY SELECT CASE WHEN t.before_row THEN 'error' ELSE 'warning' END, 'trigger',
			CASE WHEN t.before_row THEN format('row trigger "%s" on %s runs before the change and could alter a read after it was admitted', t.tgname, t.on_relation)
				 ELSE format('trigger "%s" on %s sees every read that is written', t.tgname, t.on_relation) END,
			CASE WHEN t.before_row THEN format('DROP TRIGGER %I ON %s', t.tgname, t.on_relation)
				 ELSE format('DROP TRIGGER %I ON %s; or allow it: SELECT ctlpr.govern(%L, ..., allow_triggers => %L)', t.tgname, t.on_relation, preflight.relation, ARRAY[t.tgname]) END
		FROM (SELECT g.tgname, g.tgrelid::regclass AS on_relation, (g.tgtype & 1) = 1 AND (g.tgtype & 66) <> 0 AS before_row
			  FROM pg_trigger g WHERE g.tgrelid = ANY (members) AND NOT g.tgisinternal AND g.tgparentid = 0) t
		ORDER BY t.tgname, t.on_relation::oid;
	RETURN QUERY SELECT 'error', 'rule', format('rule "%s" on %s rewrites statements before they are judged', w.rulename, w.ev_class::regclass),
			format('DROP RULE %I ON %s', w.rulename, w.ev_class::regclass)
		FROM pg_rewrite w WHERE w.ev_class = ANY (members) ORDER BY w.rulename;

	-- Policies.
	RETURN QUERY SELECT 'warning', 'existing policy', format('policy "%s" on %s will apply besides those of this extension', p.polname, p.polrelid::regclass),
			format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
		FROM pg_policy p WHERE p.polrelid = ANY (members) AND p.polname <> 'ctlpr_guard' ORDER BY p.polrelid, p.polname;

	-- Logins in use that row security does not reach.
	RETURN QUERY SELECT 'warning', 'bypassing login',
			format('%s %s connected as "%s", which %s; its statements will be refused', s.sessions, CASE WHEN s.sessions = 1 THEN 'session is' ELSE 'sessions are' END, s.role,
				   CASE WHEN s.superuser THEN 'is a superuser' ELSE 'has BYPASSRLS' END),
			format('ALTER ROLE %I %s', s.role, CASE WHEN s.superuser THEN 'NOSUPERUSER NOBYPASSRLS' ELSE 'NOBYPASSRLS' END)
		FROM ctlpr.bypassing_logins() s ORDER BY s.role;

	-- Views, at every depth.
	RETURN QUERY
		WITH RECURSIVE dependent (oid) AS (
			SELECT m FROM unnest(members) m
			UNION
			SELECT w.ev_class FROM dependent b
				JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = b.oid AND d.classid = 'pg_rewrite'::regclass
				JOIN pg_rewrite w ON w.oid = d.objid)
		SELECT 'warning', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
				CASE c.relkind WHEN 'm' THEN format('materialized view %s keeps copies of reads past their retention', c.oid::regclass)
							   ELSE format('view %s reads it with the rights of its owner "%s"', c.oid::regclass, pg_get_userbyid(c.relowner)) END,
				CASE c.relkind WHEN 'm' THEN format('DROP MATERIALIZED VIEW %s', c.oid::regclass)
							   ELSE format('ALTER VIEW %s SET (security_invoker = true)', c.oid::regclass) END
			FROM dependent b JOIN pg_class c ON c.oid = b.oid
			WHERE c.relkind IN ('v', 'm')
				AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)
			ORDER BY c.relkind DESC, c.oid;

	-- Functions that lend their owner's rights.
	RETURN QUERY SELECT 'warning', 'definer function', format('%s runs with the rights of "%s" and mentions the relation', p.oid::regprocedure, pg_get_userbyid(p.proowner)),
			format('ALTER ROUTINE %s SECURITY INVOKER', p.oid::regprocedure)
		FROM pg_proc p
		WHERE p.prosecdef AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'ctlpr'::regnamespace)
			AND (EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY (members) AND position(lower(c.relname) IN lower(p.prosrc)) > 0)
				 OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (members)))
		ORDER BY p.oid;

	-- Foreign keys, both ways.
	RETURN QUERY SELECT 'warning', 'foreign key', format('"%s" on %s points here; rows that it points to cannot be purged before it lets go', k.conname, k.conrelid::regclass),
			format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
		FROM pg_constraint k
		WHERE k.contype = 'f' AND k.confrelid = ANY (members) AND k.conrelid <> ALL (members) AND k.conparentid = 0 ORDER BY k.conrelid, k.conname;
	RETURN QUERY SELECT CASE WHEN k.confdeltype IN ('a', 'r') AND k.confupdtype IN ('a', 'r') THEN 'info'
							 WHEN EXISTS (SELECT FROM ctlpr.acting_keys(k.conrelid, ARRAY[time_column, plate_column, agency_column]) x WHERE x.member = k.conrelid AND x.name = k.conname) THEN 'error'
							 ELSE 'warning' END, 'foreign key',
			CASE WHEN k.confdeltype IN ('a', 'r') AND k.confupdtype IN ('a', 'r')
				 THEN format('"%s" points to %s; its checks go on working', k.conname, k.confrelid::regclass)
				 ELSE format('"%s" lets a change of %s change or delete reads', k.conname, k.confrelid::regclass) END,
			format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
		FROM pg_constraint k
		WHERE k.contype = 'f' AND k.conrelid = ANY (members) AND k.confrelid <> ALL (members) AND k.conparentid = 0 ORDER BY k.conrelid, k.conname;

	-- Publications: a stream of changes is bulk, automatic access (13(d)(8)).
	RETURN QUERY SELECT 'error', 'publication', format('publication "%s" sends every read to its subscribers', p.pubname),
			CASE WHEN p.puballtables THEN format('DROP PUBLICATION %I', p.pubname)
				 WHEN n.pnnspid IS NOT NULL THEN format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname, (SELECT s.nspname FROM pg_namespace s WHERE s.oid = n.pnnspid))
				 ELSE format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, t.prrelid::regclass) END
		FROM pg_publication p
		LEFT JOIN pg_publication_rel t ON t.prpubid = p.oid AND t.prrelid = ANY (members)
		LEFT JOIN pg_publication_namespace n ON n.pnpubid = p.oid AND n.pnnspid IN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = ANY (members))
		WHERE (p.puballtables OR t.prrelid IS NOT NULL OR n.pnnspid IS NOT NULL)
			AND (NOT is_governed OR EXISTS (SELECT FROM ctlpr.published_without_leave() w WHERE w.publication = p.pubname AND w.relation = ANY (members)))
			AND NOT EXISTS (SELECT FROM ctlpr.allowed_publication a WHERE a.publication = p.pubname AND a.withdrawn_at IS NULL AND NOT is_governed)
		ORDER BY p.pubname, t.prrelid, n.pnnspid;

	-- Expressions that would see every read.
	RETURN QUERY SELECT 'error', 'unvetted expression', format('%s "%s" of %s calls %s, which would see every read, expired ones included', e.kind, e.name, e.member, e.function),
			CASE e.kind WHEN 'index' THEN format('DROP INDEX %s', e.name)
						WHEN 'check constraint' THEN format('ALTER TABLE %s DROP CONSTRAINT %I', e.member, e.name)
						WHEN 'generated column' THEN format('ALTER TABLE %s DROP COLUMN %I', e.member, e.name)
						WHEN 'statistics' THEN format('DROP STATISTICS %I', e.name)
						WHEN 'policy' THEN format('DROP POLICY %I ON %s, or compare its columns with what the function returns', e.name, e.member)
						WHEN 'partition key' THEN 'partition by columns, or by functions of the server''s'
						ELSE format('give the column another type than %s, or take the function from it', e.name) END
		FROM ctlpr.unvetted_expressions(preflight.relation) e;

	-- Other tables that look as if they held plates.
	RETURN QUERY SELECT 'warning', 'other table with plates', format('%s has the column %s', c.oid::regclass, string_agg(format('"%s"', a.attname), ', ' ORDER BY a.attnum)),
			CASE c.relkind WHEN 'm' THEN format('DROP MATERIALIZED VIEW %s', c.oid::regclass) ELSE format('SELECT * FROM ctlpr.preflight(%L)', c.oid::regclass) END
		FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~* '(?<!tem)plate|licen[sc]e'
		WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition AND c.oid <> ALL (members) AND c.relpersistence <> 't'
			AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, '_text'::regtype, '_varchar'::regtype)
			AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'ctlpr'::regnamespace)
			AND NOT EXISTS (SELECT FROM ctlpr.governed_relation g CROSS JOIN LATERAL ctlpr.relation_members(g.relation) m WHERE m = c.oid)
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		GROUP BY c.oid, c.relkind
		ORDER BY c.oid;

	-- Roles with rights on it that act for nobody.
	RETURN QUERY SELECT 'warning', 'unbound role', format('PUBLIC has %s on %s', string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type), c.oid::regclass),
			format('REVOKE ALL ON %s FROM PUBLIC', c.oid::regclass)
		FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
		WHERE c.oid = ANY (members) AND x.grantee = 0 GROUP BY c.oid ORDER BY c.oid;
	RETURN QUERY SELECT 'warning', 'unbound role',
			CASE WHEN r.oid = class.relowner THEN format('"%s" owns the relation and is bound to no agency', r.rolname)
				 ELSE format('"%s" may use the relation and is bound to no agency', r.rolname) END,
			format('SELECT ctlpr.bind_role(%L, ''...'')', r.oid::regrole)
			|| CASE WHEN EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x WHERE c.oid = ANY (members) AND x.grantee = r.oid AND r.oid <> c.relowner)
					THEN format('; or REVOKE ALL ON %s FROM %I',
								(SELECT string_agg(DISTINCT c.oid::regclass::text, ', ') FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
								 WHERE c.oid = ANY (members) AND x.grantee = r.oid AND r.oid <> c.relowner), r.rolname)
					ELSE '' END
		FROM pg_roles r
		WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'
			AND (r.rolcanlogin OR EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x WHERE c.oid = ANY (members) AND x.grantee = r.oid))
			AND EXISTS (SELECT FROM unnest(members) m
						WHERE has_table_privilege(r.oid, m, 'SELECT, INSERT, UPDATE, DELETE') OR has_any_column_privilege(r.oid, m, 'SELECT, INSERT, UPDATE'))
			AND NOT EXISTS (SELECT FROM ctlpr.role_binding b WHERE b.role = r.oid)
		ORDER BY r.rolname;

	-- An index on the time column, for the limit and for the purge.
	IF time_column IS NOT NULL THEN
		RETURN QUERY SELECT 'warning', 'missing index', format('%s has no index that begins with "%s"; expired reads are found by reading all of it', string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid), time_column),
				CASE class.relkind WHEN 'p' THEN format('CREATE INDEX ON %s (%I)', preflight.relation, time_column)
								   ELSE string_agg(format('CREATE INDEX CONCURRENTLY ON %s (%I)', c.oid::regclass, time_column), '; ' ORDER BY c.oid) END
			FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = time_column AND NOT a.attisdropped
			WHERE c.oid = ANY (members) AND c.relkind IN ('r', 'p') AND (c.relkind = 'r' OR cardinality(members) = 1)
				AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisvalid AND x.indpred IS NULL AND x.indkey[0] = a.attnum)
			HAVING count(*) > 0;
	END IF;

	-- Expired rows by month: what start_purge() would take.
	IF is_governed OR time_column IS NULL OR period IS NULL THEN
		NULL;
	ELSIF NOT has_column_privilege(preflight.relation, time_column, 'SELECT') THEN
		RETURN QUERY SELECT 'info', 'expired reads', 'not counted: the role that asks may not read the relation',
			format('GRANT SELECT (%I) ON %s TO %I', time_column, preflight.relation, current_user);
	ELSE
		FOR counted IN EXECUTE format(
			'SELECT CASE WHEN isfinite(t.%1$I) THEN to_char(t.%1$I AT TIME ZONE $1, ''YYYY-MM'') ELSE ''(no date)'' END AS month, count(*) AS reads FROM %2$s t WHERE t.%1$I < now() - $2 GROUP BY 1 ORDER BY 1',
			time_column, preflight.relation) USING time_zone, period
		LOOP
			RETURN QUERY SELECT 'warning', 'expired reads', format('%s of %s past the standard retention by column "%s", to be hidden at once',
					CASE counted.reads WHEN 1 THEN '1 read' ELSE format('%s reads', counted.reads) END, counted.month, time_column),
				format('SELECT ctlpr.start_purge(%L, approved_by => ''...'')', preflight.relation);
		END LOOP;
	END IF;

	-- What to run when the rest is settled.
	IF NOT is_governed AND time_column IS NOT NULL AND plate_column IS NOT NULL THEN
		RETURN QUERY SELECT 'info', 'next step', 'when the findings are settled; with mode => ''observe'' first where an application is live',
			format('SELECT ctlpr.govern(%L, captured_at => %L, plate => %L, %s)', preflight.relation, time_column, plate_column,
				   CASE WHEN agency_column IS NULL THEN 'owner_agency => ''...''' ELSE format('agency => %L', agency_column) END);
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.preflight(regclass) IS 'What would break or weaken once a relation is governed, each finding with its remedy; severity: error (govern() would refuse) | warning | info';
