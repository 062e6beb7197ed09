-- 13(b)(2)(A)(iii), 13(c): an evidence table follows its relation, and nothing that the owner of a table made runs with more rights than his
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET client_min_messages = error;
CREATE ROLE chief;
CREATE ROLE other_owner;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true) \g /dev/null
GRANT CREATE ON SCHEMA public TO reads_owner;
GRANT ctlpr_auditor TO stranger;
SELECT ctlpr.bind_auditor('stranger') \g /dev/null
SET ROLE reads_owner;
CREATE TABLE ran_as (who name NOT NULL);
GRANT INSERT ON ran_as TO PUBLIC;
CREATE FUNCTION note() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.ran_as VALUES (current_user); RETURN true; END $$;
CREATE FUNCTION lie(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.note(); END $$;
CREATE FUNCTION lie(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.note(); END $$;
CREATE DOMAIN short AS varchar(8);
CREATE TABLE r (captured_at timestamptz NOT NULL, plate varchar(8) NOT NULL, lane int NOT NULL, image bytea, model short);
INSERT INTO r VALUES (now() - interval '1 hour', 'AB1', 1, '\x01'), (now() - interval '1 hour', 'AB1', 1, '\x02'), (now() - interval '2 hours', 'ZZ9', 1, NULL);
RESET ROLE;
SELECT ctlpr.govern('r', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD', image => 'image') \g /dev/null
SELECT ctlpr.start_purge('r', 'Chief') \g /dev/null
-- what nobody may add to a governed table, as if it had been there before
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER DOMAIN short ADD CHECK (lie(VALUE::text));
CREATE INDEX ON r (lane) WHERE lie(5);
COMMIT;
TRUNCATE ran_as;
GRANT SELECT ON r TO officer;
RESET client_min_messages;

-- two reads that differ in a column are two, whether or not there is a key
SET ROLE chief;
SELECT ctlpr.preserve('r', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{AB1,CD2}') AS hold \gset
RESET ROLE;
SELECT ctlpr.held_reads(:hold);
SELECT string_agg(format('%s %s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' END), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'r_evidence'::regclass AND attnum > 0;

-- the relation changes: another domain, a wider column, one that may be null, a new one, a column of a reserved name
SET ROLE reads_owner;
CREATE DOMAIN checked AS text CHECK (lie(VALUE));
RESET ROLE;
BEGIN;
SELECT ctlpr.break_glass('test') > 0 AS broken;
ALTER TABLE r ALTER COLUMN plate TYPE varchar(20), ALTER COLUMN lane DROP NOT NULL, ALTER COLUMN lane TYPE bigint, ADD COLUMN make checked, ADD COLUMN ctlpr_hold_id int;
COMMIT;
DELETE FROM ran_as WHERE who = 'postgres' \g /dev/null
GRANT INSERT ON r TO camera_feed;
SET ROLE camera_feed;
INSERT INTO r (captured_at, plate, lane, image, make) VALUES (now(), 'CD2', NULL, '\x03', 'a make'), (now(), 'CD2', 5000000000, NULL, NULL);
RESET ROLE;
SELECT ctlpr.apply_hold(:hold);
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('criminal_investigation', '26-7', 'homicide') > 0 AS begun;
SELECT plate, lane, image, make FROM r_evidence ORDER BY plate, image;
COMMIT;
RESET ROLE;
SELECT string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'r_evidence'::regclass AND attnum > 0 AND NOT attisdropped;

-- ... and its owner
ALTER TABLE r OWNER TO other_owner;
SET ROLE camera_feed;
INSERT INTO r VALUES (now(), 'AB1', 7);
RESET ROLE;
SELECT ctlpr.apply_hold(:hold);
SELECT (SELECT relowner::regrole FROM pg_class WHERE oid = 'r_evidence'::regclass) AS owner;
ALTER TABLE r OWNER TO reads_owner;
SELECT ctlpr.apply_hold(:hold);

-- an error tells nothing of a row
CREATE FUNCTION as_ctlpr(regclass, text, boolean) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT ctlpr.alter_governed($1, $2, $3)';
\set VERBOSITY default
SET ROLE reads_owner;
CREATE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'plate %', $1; END $$;
RESET ROLE;
SELECT as_ctlpr('r_evidence', 'CREATE INDEX fails ON r_evidence (fails(plate)) WHERE lane = 9', true);
SET ROLE camera_feed;
INSERT INTO r VALUES (now(), 'AB1', 9);
RESET ROLE;
DO $$
DECLARE
	message text;
	detail  text;
BEGIN
	PERFORM ctlpr.apply_hold(max(hold_id)) FROM ctlpr.hold;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RAISE WARNING USING MESSAGE = regexp_replace(message, '\d+', 'N'), DETAIL = detail;
END $$;
\set VERBOSITY sqlstate
SELECT as_ctlpr('r_evidence', 'DROP INDEX fails', true);
SELECT ctlpr.apply_hold(:hold);

-- a hold that has ended and is not purged yet, as auditors see it
SET ROLE chief;
SELECT ctlpr.end_hold(:hold, 'no_charges');
SET ROLE stranger;
SELECT relation, expired_rows, purge_lag >= interval '0' AS lag FROM ctlpr.retention_status WHERE relation = 'r_evidence'::regclass;
SELECT reads FROM ctlpr.holds;
SELECT count(*) FROM ctlpr.purge_status WHERE false;
SELECT count(*) FROM ctlpr.findings WHERE kind = 'none';
RESET ROLE;

-- aggregates are approved without a look that could run anything
SET ROLE reads_owner;
CREATE TABLE sums (lane int, reads bigint);
CREATE INDEX ON sums (lane) WHERE lie(5);
RESET ROLE;
SELECT ctlpr.register_aggregate('sums', 'Commissioner', 'reads by lane');

-- whoever looked, what the owner made ran as him, or as who used the table
SELECT DISTINCT who FROM ran_as ORDER BY who;

-- an evidence table that is gone all the same stops the purge of its relation, and nothing else
SET ROLE chief;
SELECT ctlpr.preserve('r', 'criminal_evidence', 'homicide', '26-8', 'Officer A', plates => '{AB1}') AS hold \gset
RESET ROLE;
SELECT as_ctlpr('r_evidence', 'DROP TABLE r_evidence', false);
SELECT ctlpr.held_reads(:hold);
SELECT ctlpr.apply_hold(:hold);
SET ROLE stranger;
SELECT reads FROM ctlpr.holds WHERE hold_id = :hold;
RESET ROLE;

SET client_min_messages = error;
DELETE FROM ctlpr.hold;
DELETE FROM ctlpr.aggregate;
SELECT ctlpr.release(relation, 'the test is over') FROM ctlpr.governed_relation WHERE relation_name LIKE 'public.r%' \g /dev/null
DROP TABLE r, sums, ran_as;
DROP DOMAIN short, checked;
DROP FUNCTION lie(text), lie(int), note, fails;
SELECT ctlpr.unbind_auditor('stranger') \g /dev/null
SELECT ctlpr.unbind_role('chief', 'CT-NHPD') \g /dev/null
DROP OWNED BY chief, other_owner;
DROP ROLE chief, other_owner;
