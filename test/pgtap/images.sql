-- 13(a), 13(b)(2)(A): images that are kept elsewhere are queued for deletion; who claims them, what is told of them, and what is no reference.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(41);

CREATE SCHEMA images;
CREATE ROLE images_stranger;
CREATE ROLE images_admin IN ROLE ctlpr_admin;
CREATE ROLE images_deleter IN ROLE ctlpr_image_deleter;
CREATE ROLE images_unbound IN ROLE ctlpr_image_deleter;
CREATE ROLE images_vendor IN ROLE ctlpr_image_deleter;
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'a statute is adopted');
SELECT ctlpr.register_agency('IM-POLICE', 'Police Department', 'police', 'CT') \g /dev/null
SELECT ctlpr.register_agency('IM-TRANSIT', 'Transit District', 'public_agency', 'CT') \g /dev/null
SELECT ctlpr.register_agency('IM-VENDOR', 'Readers Inc.', 'vendor', 'CT') \g /dev/null
SELECT ctlpr.bind_role('images_deleter', 'IM-POLICE') \g /dev/null
SELECT ctlpr.bind_role('images_vendor', 'IM-VENDOR') \g /dev/null
SELECT throws_ok($$SELECT ctlpr.bind_role('ctlpr_image_deleter', 'IM-POLICE')$$, '42939', NULL, 'the group role itself is bound to nobody');

-- What may be an image column: an image, or a reference to one
CREATE DOMAIN images.path AS text;
CREATE FUNCTION images.governed(type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'governed';
BEGIN
	EXECUTE format('CREATE TABLE images.t (captured_at timestamptz NOT NULL, plate text NOT NULL, image %s)', type);
	BEGIN
		PERFORM ctlpr.govern('images.t', captured_at => 'captured_at', plate => 'plate', owner_agency => 'IM-POLICE', image => 'image');
		PERFORM ctlpr.release('images.t', 'a test');
	EXCEPTION WHEN datatype_mismatch THEN
		state := SQLSTATE;
	END;
	EXECUTE 'DROP TABLE images.t';
	RETURN state;
END
$$;
SELECT is(images.governed(t), w, format('an image column of type %s: %s', t, w))
	FROM (VALUES ('text', 'governed'), ('varchar(200)', 'governed'), ('uuid', 'governed'), ('bigint', 'governed'), ('images.path', 'governed'), ('bytea', 'governed'),
				 ('jsonb', '42804'), ('text[]', '42804'), ('point', '42804'), ('timestamptz', '42804')) AS v (t, w);

-- A queue as a purge leaves it
CREATE TABLE images.reads (captured_at timestamptz NOT NULL, plate text NOT NULL, image text);
SELECT ctlpr.govern('images.reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'IM-POLICE', image => 'image') \g /dev/null
INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at)
	SELECT 'images.reads'::regclass, 'images.reads', a, format('SECRET-%s-%s', a, n), now() + n * interval '1 hour' FROM unnest('{IM-POLICE,IM-TRANSIT,7}'::text[]) a, generate_series(1, 3) n;
SELECT throws_ok($$INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at) VALUES ('images.reads'::regclass, 'images.reads', 'IM-POLICE', 'SECRET-IM-POLICE-1', now())$$,
	'23505', NULL, 'an image is queued once for a relation');

SET LOCAL ROLE images_deleter;
SELECT throws_ok(format('SELECT * FROM ctlpr.claim_image_deletions(%s)', a), s, NULL, d)
	FROM (VALUES ('NULL', '22004', 'as many as what is refused'), ('0', '22023', 'none'), ('10001', '22023', 'too many'), ('1, NULL', '22004', 'for no time'),
				 ('1, ''0 s''', '22023', 'for too little'), ('1, ''2 days''', '22023', 'for too long')) AS v (a, s, d);
SELECT throws_ok(format('SELECT ctlpr.acknowledge_image_deletion(%s)', a), s, NULL, d)
	FROM (VALUES ('NULL', '22004', 'no list'), ('''{NULL}''', '22004', 'a null in the list'), ('''{1}'', NULL', '22004', 'no outcome'), ('''{1}'', ''burnt''', '22023', 'an outcome that nobody knows'),
				 ('''{-1}''', '42704', 'a number of nothing')) AS v (a, s, d);
SELECT throws_ok('SELECT * FROM ctlpr.image_deletion', '42501', NULL, 'the queue is read by nobody');
SELECT throws_ok('SELECT * FROM ctlpr.image_deletions', '42501', NULL, 'nor its counts by a deleter');
SELECT throws_ok($$SELECT ctlpr.images_in_use('{x}')$$, '42501', NULL, 'nor may it ask for references');
SELECT results_eq('SELECT reference, relation::text FROM ctlpr.claim_image_deletions(2)', $$VALUES ('SECRET-IM-POLICE-1', 'images.reads'), ('SECRET-IM-POLICE-2', 'images.reads')$$, 'a deleter gets its agency''s images, the most urgent first');
SELECT is((SELECT count(*) FROM ctlpr.claim_image_deletions()), 1::bigint, 'what is claimed is not claimed again');
RESET ROLE;
SELECT throws_ok(format('SET LOCAL ROLE images_deleter; SELECT ctlpr.acknowledge_image_deletion(ARRAY[%s])', (SELECT min(deletion_id) FROM ctlpr.image_deletion WHERE agency_id = 'IM-TRANSIT')), '42704', NULL, 'another agency''s are not acknowledged');
UPDATE ctlpr.image_deletion SET claims = 0 WHERE reference = 'SECRET-IM-POLICE-3';
SELECT throws_ok(format('SET LOCAL ROLE images_deleter; SELECT ctlpr.acknowledge_image_deletion(ARRAY[%s])', (SELECT deletion_id FROM ctlpr.image_deletion WHERE reference = 'SECRET-IM-POLICE-3')), '55000', NULL, 'nor is what was never claimed');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE to_jsonb(e)::text LIKE '%SECRET%'), 0::bigint, 'no reference is on record');
SELECT is((SELECT sum((e.detail ->> 'images')::int) FROM ctlpr.audit_entry e WHERE e.action = 'image_deletion' AND e.agency_id = 'IM-POLICE' AND e.role = 'images_deleter'), 3::bigint, 'but their number');

-- An owner that stood for nobody, and a vendor of the agency's
SET LOCAL ROLE images_unbound;
SELECT throws_ok('SELECT * FROM ctlpr.claim_image_deletions()', 'LP002', NULL, 'a role that is bound to no agency claims nothing');
RESET ROLE;
INSERT INTO ctlpr.contract (vendor_id, agency_id, valid_from, valid_until, bars_sale, signed_on)
	VALUES ('IM-OTHER', 'IM-TRANSIT', now() - interval '1 day', 'infinity', true, '2026-10-01'), ('IM-VENDOR', 'IM-TRANSIT', now() - interval '2 days', now() - interval '1 day', true, '2026-10-01');
SET LOCAL ROLE images_vendor;
SELECT is((SELECT count(*) FROM ctlpr.claim_image_deletions()), 0::bigint, 'a vendor without a contract in force claims nothing');
RESET ROLE;
INSERT INTO ctlpr.contract (vendor_id, agency_id, valid_from, bars_sale, signed_on) VALUES ('IM-VENDOR', 'IM-TRANSIT', now() - interval '1 day', true, '2026-10-01');
INSERT INTO ctlpr.agency_key (relation, value, agency_id) VALUES ('images.reads'::regclass, '7', 'IM-POLICE');
SET LOCAL ROLE images_vendor;
SELECT is((SELECT count(*) FROM ctlpr.claim_image_deletions() WHERE reference LIKE 'SECRET-IM-TRANSIT-%'), 3::bigint, 'with one it claims the agency''s');
RESET ROLE;
SET LOCAL ROLE images_deleter;
SELECT is((SELECT count(*) FROM ctlpr.claim_image_deletions() WHERE reference LIKE 'SECRET-7-%'), 3::bigint, 'a key that is declared later says whose an image is');
RESET ROLE;

SET LOCAL ROLE images_admin;
SELECT results_eq('SELECT agency_id, claimed FROM ctlpr.image_deletions ORDER BY agency_id', $$VALUES ('7', 3::bigint), ('IM-POLICE', 3), ('IM-TRANSIT', 3)$$, 'administrators see how many');
SELECT throws_ok('SELECT * FROM ctlpr.claim_image_deletions()', '42501', NULL, 'and claim none');
RESET ROLE;
SELECT is((SELECT array_agg(p.proname ORDER BY p.proname) FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND has_function_privilege('ctlpr_image_deleter', p.oid, 'EXECUTE') AND NOT has_function_privilege('public', p.oid, 'EXECUTE')),
	'{acknowledge_image_deletion,claim_image_deletions}'::name[], 'a deleter has two functions');
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		   WHERE c.relname IN ('image_deletion', 'image_deletions', 'purge_run', 'purges') AND c.relnamespace = 'ctlpr'::regnamespace AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column is explained');

SELECT * FROM finish();
ROLLBACK;
