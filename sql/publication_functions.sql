/*
 * publication_functions.sql - leave for a publication to carry reads.
 */

/*
 * allow_publication(publication, reason, approved_by, subscriber) - a
 * publication may carry reads of the subscriber's agency, and the subscriber
 * may connect for logical replication.
 *
 * publication: its name, made already or to be made; subscriber: the role that
 * the subscription connects as, bound to one agency.  A governed table may
 * stand in the publication if all of its reads are that agency's (govern(...,
 * owner_agency)), or if the row filter of the publication is agency_column =
 * 'agency' and nothing else.  The publication must publish deletes, or its
 * copies would outlive the reads.  The subscriber's database has to govern
 * what it receives.
 * Errors: 22004, 22001, 22023 an argument; 42704 no such role; 55000 the role is
 * bound to no agency, or to several; LP005, recorded: nobody approved.
 * Clause: 13(d)(6), 13(d)(8).
 */
CREATE FUNCTION ctlpr.allow_publication(publication name, reason text, approved_by text, subscriber regrole DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agencies text[];
BEGIN
	IF allow_publication.publication IS NULL OR allow_publication.subscriber IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "publication" and "subscriber" must not be null',
			HINT = 'Name the publication, and the role that the subscription connects as.';
	END IF;
	PERFORM ctlpr.check_text('reason', allow_publication.reason);
	PERFORM ctlpr.check_role(allow_publication.subscriber);
	agencies := ARRAY(SELECT b.agency_id FROM ctlpr.role_binding b WHERE b.role = allow_publication.subscriber);
	IF cardinality(agencies) <> 1 THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('role "%s" is bound to %s', allow_publication.subscriber,
							 CASE cardinality(agencies) WHEN 0 THEN 'no agency' ELSE 'several agencies' END),
			HINT = 'Bind a role of its own for the subscription, with ctlpr.bind_role(), to the agency that owns the reads.';
	END IF;
	IF allow_publication.approved_by IS NULL OR allow_publication.approved_by !~ '[^[:space:]]' THEN
		PERFORM ctlpr.record_event('configuration', agency_id => agencies[1], reason => allow_publication.reason, clause => '13(d)(6)', sqlstate => 'LP005',
			detail => jsonb_build_object('function', 'allow_publication', 'publication', allow_publication.publication));
		RAISE EXCEPTION USING ERRCODE = 'LP005',
			MESSAGE = 'a publication of reads needs an approval',
			DETAIL = 'What it carries leaves without a statement to record (13(d)(6)).',
			HINT = 'State in approved_by who approved it.';
	END IF;
	PERFORM ctlpr.check_text('approved_by', allow_publication.approved_by);

	UPDATE ctlpr.allowed_publication a SET withdrawn_at = now()
		WHERE a.publication = allow_publication.publication AND a.subscriber = allow_publication.subscriber AND a.withdrawn_at IS NULL;
	INSERT INTO ctlpr.allowed_publication AS a (publication, subscriber, subscriber_name, agency_id, reason, approved_by, allowed_at)
		VALUES (allow_publication.publication, allow_publication.subscriber,
				(SELECT r.rolname FROM pg_roles r WHERE r.oid = allow_publication.subscriber), agencies[1], allow_publication.reason,
				allow_publication.approved_by, clock_timestamp());
	PERFORM ctlpr.record_event('configuration', agency_id => agencies[1], reason => allow_publication.reason, clause => '13(d)(6)',
		detail => jsonb_build_object('function', 'allow_publication', 'publication', allow_publication.publication,
			'subscriber', allow_publication.subscriber::text, 'approved_by', allow_publication.approved_by));
END
$$;
COMMENT ON FUNCTION ctlpr.allow_publication(name, text, text, regrole) IS 'Lets a publication carry the reads of an agency to a subscriber of the same agency';

/*
 * withdraw_publication(publication, reason) - end that leave.
 *
 * The publication must not hold governed tables any more: what it held is
 * taken out of it first.  Connections of the subscriber that are open stay
 * open, and carry nothing governed.
 * Errors: 22004, 22001, 22023 an argument; 42704 there is no leave; 55000 the
 * publication carries governed tables still.
 * Clause: 13(d)(6).
 */
CREATE FUNCTION ctlpr.withdraw_publication(publication name, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	carried text;
BEGIN
	IF withdraw_publication.publication IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'argument "publication" must not be null',
			HINT = 'The table ctlpr.allowed_publication lists what is allowed.';
	END IF;
	PERFORM ctlpr.check_text('reason', withdraw_publication.reason);
	UPDATE ctlpr.allowed_publication a SET withdrawn_at = now()
		WHERE a.publication = withdraw_publication.publication AND a.withdrawn_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('publication "%s" has no leave', withdraw_publication.publication),
			HINT = 'The table ctlpr.allowed_publication lists what is allowed.';
	END IF;
	SELECT string_agg(p.relation::text, ', ' ORDER BY p.relation::text) INTO carried
		FROM ctlpr.published_without_leave() p WHERE p.publication = withdraw_publication.publication;
	IF carried IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('publication "%s" still carries governed tables', withdraw_publication.publication),
			DETAIL = format('It carries %s.', carried),
			HINT = format('Run DROP PUBLICATION %I, or ALTER PUBLICATION %I DROP TABLE ... first.', withdraw_publication.publication, withdraw_publication.publication);
	END IF;
	PERFORM ctlpr.record_event('configuration', reason => withdraw_publication.reason, clause => '13(d)(6)',
		detail => jsonb_build_object('function', 'withdraw_publication', 'publication', withdraw_publication.publication));
END
$$;
COMMENT ON FUNCTION ctlpr.withdraw_publication(name, text) IS 'Ends the leave that allow_publication() gave';

/*
 * published_without_leave() - governed tables, and members of such, that stand
 * in a publication without leave, or in another way than leave was given for.
 */
CREATE FUNCTION ctlpr.published_without_leave()
RETURNS TABLE (publication name, relation regclass)
LANGUAGE sql STABLE PARALLEL RESTRICTED NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	WITH member AS (
		SELECT g.relation AS root, g.agency_column, g.owner_agency, m.member, c.relkind, c.relnamespace
			FROM ctlpr.governed_relation g
			CROSS JOIN LATERAL ctlpr.relation_members(g.relation) AS m (member)
			JOIN pg_class c ON c.oid = m.member),
	published AS (
		SELECT p.oid, p.pubname, p.pubdelete, p.pubviaroot, m.root, m.member, m.relkind, m.agency_column, m.owner_agency,
				CASE WHEN p.puballtables OR n.oid IS NOT NULL THEN NULL ELSE pg_get_expr(r.prqual, r.prrelid) END AS filter
			FROM pg_publication p
			CROSS JOIN member m
			LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = m.member
			LEFT JOIN pg_publication_namespace n ON n.pnpubid = p.oid AND n.pnnspid = m.relnamespace
			WHERE p.puballtables OR r.oid IS NOT NULL OR n.oid IS NOT NULL)
	SELECT p.pubname, p.member
		FROM published p
		WHERE NOT EXISTS (
			SELECT FROM ctlpr.allowed_publication a
				WHERE a.publication = p.pubname AND a.withdrawn_at IS NULL AND p.pubdelete
					AND (p.owner_agency = a.agency_id
						 OR (p.filter = format('(%I = %L::text)', p.agency_column, a.agency_id) AND (p.relkind <> 'p' OR p.pubviaroot))))
		ORDER BY 1, 2
$$;
COMMENT ON FUNCTION ctlpr.published_without_leave() IS 'Internal: governed tables and their members that a publication carries without leave';
