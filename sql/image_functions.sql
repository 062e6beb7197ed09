/*
 * image_functions.sql - what the program that deletes images calls, and what
 * administrators and auditors see of its work.
 *
 * The program acts as a role that is a member of ctlpr_image_deleter and bound
 * to the agencies whose images it deletes, or to a vendor of theirs.  It claims
 * some for a while, deletes them where they are kept, and acknowledges.  What it
 * does not acknowledge in time is claimed again.
 */

/*
 * image_agencies() - agencies whose images the acting role deletes: those that
 * it is bound to, and those that a vendor it is bound to has a contract with.
 */
CREATE FUNCTION ctlpr.image_agencies()
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.bound || ARRAY(SELECT c.agency_id FROM ctlpr.contract c
							WHERE c.vendor_id = ANY (a.bound) AND c.ended_at IS NULL AND c.valid_from <= now() AND now() < c.valid_until)
	FROM (SELECT ctlpr.acting_agencies() AS bound) a
$$;
COMMENT ON FUNCTION ctlpr.image_agencies() IS 'Internal: agencies whose images the acting role deletes';

/*
 * image_owned(relation, owner, agencies) - is an image one of these agencies'?
 *
 * owner: as ctlpr.image_deletion has it; a key that was declared since counts.
 */
CREATE FUNCTION ctlpr.image_owned(relation regclass, owner text, agencies text[])
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT owner = ANY (agencies)
		OR NOT EXISTS (SELECT FROM ctlpr.agency a WHERE a.agency_id = owner)
			AND EXISTS (SELECT FROM ctlpr.agency_key k WHERE k.relation = image_owned.relation AND k.value = owner AND k.agency_id = ANY (agencies))
$$;
COMMENT ON FUNCTION ctlpr.image_owned(regclass, text, text[]) IS 'Internal: is an image one of these agencies''?';

/*
 * keep_used_images(deletion_ids) - hold back those of the images that another
 * read still has, evidence included.
 *
 * They are looked at again within the hour, or when such a read is purged.
 * Result: the others; NULL while that cannot be told.
 */
CREATE FUNCTION ctlpr.keep_used_images(deletion_ids bigint[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	used text[];
	kept bigint[];
BEGIN
	used := ctlpr.images_in_use(ARRAY(SELECT DISTINCT d.reference FROM ctlpr.image_deletion d WHERE d.deletion_id = ANY (keep_used_images.deletion_ids)));
	IF used IS NULL THEN
		RETURN NULL;
	END IF;
	WITH held AS (
		UPDATE ctlpr.image_deletion d
			SET kept_at = clock_timestamp(), available_at = clock_timestamp() + interval '1 hour',
				due_at = greatest(d.due_at, clock_timestamp() + current_setting('ctlpr.image_deletion_limit')::interval)
			WHERE d.deletion_id = ANY (keep_used_images.deletion_ids) AND d.reference = ANY (used)
			RETURNING d.deletion_id)
	SELECT coalesce(array_agg(h.deletion_id), '{}') INTO kept FROM held h;
	RETURN ARRAY(SELECT i.id FROM unnest(keep_used_images.deletion_ids) i (id) WHERE i.id <> ALL (kept));
END
$$;
COMMENT ON FUNCTION ctlpr.keep_used_images(bigint[]) IS 'Internal: holds back images that another read still has; returns the others, NULL while that cannot be told';

/*
 * record_images(function_name, deletion_ids, detail) - an entry for each
 * relation and agency, with the number of images and no reference.
 */
CREATE FUNCTION ctlpr.record_images(function_name text, deletion_ids bigint[], detail jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	counted record;
BEGIN
	FOR counted IN
		SELECT d.relation, d.agency_id, min(d.relation_name) AS relation_name, count(*) AS images
			FROM ctlpr.image_deletion d WHERE d.deletion_id = ANY (record_images.deletion_ids) GROUP BY d.relation, d.agency_id ORDER BY 3, 2
	LOOP
		PERFORM ctlpr.record_event('image_deletion', relation => counted.relation, agency_id => counted.agency_id, clause => '13(b)(2)(A)',
			detail => jsonb_build_object('function', record_images.function_name, 'relation', counted.relation_name, 'images', counted.images) || record_images.detail);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ctlpr.record_images(text, bigint[], jsonb) IS 'Internal: an entry for each relation and agency with the number of images';

/*
 * check_image_deleter(function_name) - the acting role is bound to an agency.
 *
 * Result: the agencies whose images it deletes.  Errors: LP002, recorded.
 */
CREATE FUNCTION ctlpr.check_image_deleter(function_name text)
RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agencies text[] := ctlpr.image_agencies();
BEGIN
	IF cardinality(agencies) = 0 THEN
		PERFORM ctlpr.record_event('image_deletion', clause => '13(b)(2)(A)', sqlstate => 'LP002', detail => jsonb_build_object('function', function_name));
		RAISE EXCEPTION USING ERRCODE = 'LP002',
			MESSAGE = 'the role is bound to no agency',
			DETAIL = 'A reference to an image is ALPR data, 13(a), and is told to nobody but a program of the agency that owns the image.',
			HINT = 'An administrator binds roles with ctlpr.bind_role().';
	END IF;
	RETURN agencies;
END
$$;
COMMENT ON FUNCTION ctlpr.check_image_deleter(text) IS 'Internal: agencies whose images the acting role deletes, or LP002';

/*
 * claim_image_deletions(max, lease) - images of purged reads that the caller is
 * to delete now.
 *
 * max: how many at most; lease: how long they are the caller's.  What is not
 * acknowledged by then may be claimed again.  Commit before anything is deleted:
 * a transaction that is rolled back has claimed nothing.  An image that another
 * read still has, evidence included, is held back; while a hold is being
 * registered nothing is handed out.
 * Result: number; relation whose read it was of; reference as the read had it;
 * deadline.
 * Recorded, as numbers, before anything is returned.
 * Errors: 22004, 22023 an argument; LP002, recorded: the role is bound to no
 * agency.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.claim_image_deletions(max int DEFAULT 100, lease interval DEFAULT '10 minutes')
RETURNS TABLE (deletion_id bigint, relation regclass, reference text, deadline timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agencies text[];
	started  timestamptz := clock_timestamp();
	batch    bigint[];
	claimed  bigint[] := '{}';
BEGIN
	IF claim_image_deletions.max IS NULL OR claim_image_deletions.lease IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "max" and "lease" must not be null',
			HINT = 'State how many images, and for how long, or leave them out.';
	END IF;
	IF claim_image_deletions.max NOT BETWEEN 1 AND 10000 OR claim_image_deletions.lease NOT BETWEEN interval '1 second' AND interval '1 day' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "max" or "lease" is out of range',
			HINT = 'Claim 1 to 10000 images for a second up to a day.';
	END IF;
	agencies := ctlpr.check_image_deleter('claim_image_deletions');

	-- What is held back is taken out of the way, so that each turn meets others.
	LOOP
		SELECT array_agg(p.deletion_id) INTO batch
			FROM (SELECT d.deletion_id FROM ctlpr.image_deletion d
				  WHERE d.reference IS NOT NULL AND d.available_at <= started AND ctlpr.image_owned(d.relation, d.agency_id, agencies)
				  ORDER BY d.due_at, d.deletion_id
				  LIMIT claim_image_deletions.max - cardinality(claimed) FOR UPDATE SKIP LOCKED) p;
		EXIT WHEN batch IS NULL;
		batch := ctlpr.keep_used_images(batch);
		EXIT WHEN batch IS NULL;
		UPDATE ctlpr.image_deletion d
			SET claimed_at = clock_timestamp(), claimed_by = pg_get_userbyid(ctlpr.outer_role()), claims = d.claims + 1, kept_at = NULL,
				available_at = clock_timestamp() + claim_image_deletions.lease
			WHERE d.deletion_id = ANY (batch);
		claimed := claimed || batch;
		EXIT WHEN cardinality(claimed) >= claim_image_deletions.max;
	END LOOP;

	PERFORM ctlpr.record_images('claim_image_deletions', claimed, jsonb_build_object('lease', claim_image_deletions.lease));
	RETURN QUERY SELECT d.deletion_id, d.relation, d.reference, d.due_at FROM ctlpr.image_deletion d WHERE d.deletion_id = ANY (claimed) ORDER BY d.due_at, d.deletion_id;
END
$$;
COMMENT ON FUNCTION ctlpr.claim_image_deletions(int, interval) IS 'Hands the caller images of purged reads to delete where they are kept, for the time of a lease; what is not acknowledged by then is claimed again (13(b)(2)(A))';

/*
 * acknowledge_image_deletion(deletion_ids, outcome) - claimed images are
 * deleted, or could not be.
 *
 * outcome: 'deleted'; 'missing', there was none; 'failed', they may be claimed
 * again after a pause, which grows from a minute to an hour.  With the first two
 * the reference is deleted here.  What was acknowledged before stays as it is.
 * Result: number of images to which it made a difference.
 * Errors: 22004, 22023 an argument; 42704 a number that is no image of the
 * role's agencies; 55000 one that was never claimed; LP002, recorded: the role
 * is bound to no agency.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.acknowledge_image_deletion(deletion_ids bigint[], outcome text DEFAULT 'deleted')
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	agencies text[];
	known    bigint[];
	pending  bigint[];
	unknown  bigint;
BEGIN
	IF acknowledge_image_deletion.deletion_ids IS NULL OR array_position(acknowledge_image_deletion.deletion_ids, NULL) IS NOT NULL OR acknowledge_image_deletion.outcome IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004',
			MESSAGE = 'arguments "deletion_ids" and "outcome" must not be null',
			HINT = 'Use the numbers that ctlpr.claim_image_deletions() returned.';
	END IF;
	IF acknowledge_image_deletion.outcome NOT IN ('deleted', 'missing', 'failed') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'unknown outcome of a deletion',
			HINT = 'Use deleted, missing or failed.';
	END IF;
	agencies := ctlpr.check_image_deleter('acknowledge_image_deletion');
	SELECT array_agg(p.deletion_id), array_agg(p.deletion_id) FILTER (WHERE p.reference IS NOT NULL) INTO known, pending
		FROM (SELECT d.deletion_id, d.reference FROM ctlpr.image_deletion d
			  WHERE d.deletion_id = ANY (acknowledge_image_deletion.deletion_ids) AND ctlpr.image_owned(d.relation, d.agency_id, agencies)
			  ORDER BY d.deletion_id FOR UPDATE) p;
	SELECT min(i.id) INTO unknown FROM unnest(acknowledge_image_deletion.deletion_ids) i (id) WHERE NOT coalesce(i.id = ANY (known), false);
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('there is no deletion %s of an image of the role''s agencies', unknown),
			HINT = 'Use the numbers that ctlpr.claim_image_deletions() returned.';
	END IF;
	SELECT min(d.deletion_id) INTO unknown FROM ctlpr.image_deletion d WHERE d.deletion_id = ANY (pending) AND d.claims = 0;
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('deletion %s was never claimed', unknown),
			HINT = 'Claim it with ctlpr.claim_image_deletions() first.';
	END IF;
	IF acknowledge_image_deletion.outcome = 'failed' THEN
		UPDATE ctlpr.image_deletion d
			SET claimed_at = NULL, claimed_by = NULL, available_at = clock_timestamp() + least(interval '1 minute' * d.claims, interval '1 hour')
			WHERE d.deletion_id = ANY (pending) AND d.kept_at IS NULL;
	ELSE
		UPDATE ctlpr.image_deletion d
			SET reference = NULL, outcome = acknowledge_image_deletion.outcome, kept_at = NULL,
				acknowledged_at = clock_timestamp(), acknowledged_by = pg_get_userbyid(ctlpr.outer_role())
			WHERE d.deletion_id = ANY (pending);
		/* what the row held is in its page until the erase worker has been there */
		INSERT INTO ctlpr.erase_loss (member) SELECT 'ctlpr.image_deletion' WHERE cardinality(pending) > 0;
	END IF;
	PERFORM ctlpr.record_images('acknowledge_image_deletion', pending, jsonb_build_object('outcome', acknowledge_image_deletion.outcome));
	RETURN coalesce(cardinality(pending), 0);
END
$$;
COMMENT ON FUNCTION ctlpr.acknowledge_image_deletion(bigint[], text) IS 'Claimed images are deleted (or missing, or failed); the reference is deleted with the acknowledgement (13(b)(2)(A)); returns how many were still open';

/*
 * settle_image_deletions() - what the worker does at the end of a round: of
 * images that nobody has claimed by their deadline, those that another read
 * still has are no finding; and what was deleted long ago is forgotten.
 */
CREATE FUNCTION ctlpr.settle_image_deletions()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	started timestamptz := clock_timestamp();
	late    bigint[];
BEGIN
	-- Each is looked at once, and again when it was held back.
	SELECT array_agg(p.deletion_id) INTO late
		FROM (SELECT d.deletion_id FROM ctlpr.image_deletion d
			  WHERE d.reference IS NOT NULL AND d.due_at <= started AND d.available_at <= started AND (d.kept_at IS NOT NULL OR d.available_at <= d.due_at)
			  ORDER BY d.due_at, d.deletion_id LIMIT 10000 FOR UPDATE SKIP LOCKED) p;
	IF late IS NOT NULL THEN
		late := ctlpr.keep_used_images(late);
		UPDATE ctlpr.image_deletion d SET kept_at = NULL, available_at = clock_timestamp() WHERE d.deletion_id = ANY (late);
	END IF;
	DELETE FROM ctlpr.image_deletion d WHERE d.acknowledged_at < now() - interval '90 days';
END
$$;
COMMENT ON FUNCTION ctlpr.settle_image_deletions() IS 'Internal: the worker''s look at images that were not claimed in time, and at those that are deleted long since';

/*
 * image_deletion_state() - what the view image_deletions shows: to
 * administrators all of it, to auditors that of their agencies.
 */
CREATE FUNCTION ctlpr.image_deletion_state()
RETURNS TABLE (relation regclass, agency_id text, queued bigint, kept bigint, claimed bigint, overdue bigint, deleted bigint, next_due_at timestamptz, relation_name text)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ctlpr.relation_named(d.relation_name), d.agency_id,
		count(*) FILTER (WHERE d.reference IS NOT NULL AND d.kept_at IS NULL AND NOT (d.claimed_at IS NOT NULL AND d.available_at > now())),
		count(*) FILTER (WHERE d.reference IS NOT NULL AND d.kept_at IS NOT NULL),
		count(*) FILTER (WHERE d.reference IS NOT NULL AND d.kept_at IS NULL AND d.claimed_at IS NOT NULL AND d.available_at > now()),
		count(*) FILTER (WHERE d.reference IS NOT NULL AND d.kept_at IS NULL AND d.due_at < now()),
		count(*) FILTER (WHERE d.reference IS NULL),
		min(d.due_at) FILTER (WHERE d.reference IS NOT NULL AND d.kept_at IS NULL),
		d.relation_name
	FROM ctlpr.image_deletion d
	WHERE pg_has_role(ctlpr.outer_role(), 'ctlpr_admin', 'USAGE') OR ctlpr.auditor_sees(d.agency_id, NULL)
	GROUP BY d.relation_name, d.agency_id
	ORDER BY d.relation_name, d.agency_id
$$;
COMMENT ON FUNCTION ctlpr.image_deletion_state() IS 'What image_deletions shows: the images of purged reads, counted, as far as the role that acts may know of them';

CREATE VIEW ctlpr.image_deletions WITH (security_barrier) AS
SELECT s.relation, s.agency_id, s.queued, s.kept, s.claimed, s.overdue, s.deleted, s.next_due_at, s.relation_name
FROM ctlpr.image_deletion_state() s;
COMMENT ON VIEW ctlpr.image_deletions IS 'Images of purged reads that are kept outside of the database, counted by relation and owner (13(b)(2)(A))';
COMMENT ON COLUMN ctlpr.image_deletions.relation IS 'The governed relation, if one bears that name today; see relation_name';
COMMENT ON COLUMN ctlpr.image_deletions.agency_id IS 'The agency that owned the reads';
COMMENT ON COLUMN ctlpr.image_deletions.queued IS 'Images that wait to be claimed, those whose lease has run out included';
COMMENT ON COLUMN ctlpr.image_deletions.kept IS 'Images that another read still has, evidence perhaps: they stay until that goes';
COMMENT ON COLUMN ctlpr.image_deletions.claimed IS 'Images that a program has claimed and not acknowledged';
COMMENT ON COLUMN ctlpr.image_deletions.overdue IS 'Of the queued and claimed ones, those past their deadline';
COMMENT ON COLUMN ctlpr.image_deletions.deleted IS 'Images whose deletion was acknowledged in the last 90 days';
COMMENT ON COLUMN ctlpr.image_deletions.next_due_at IS 'The earliest deadline of those that are queued or claimed';
COMMENT ON COLUMN ctlpr.image_deletions.relation_name IS 'Qualified name of the relation when the reads were purged';
