-- 13(d)(6): whatever type the owner and the plate have, a read is its owner's; an owner that nobody registered is nobody's
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
CREATE TYPE city AS ENUM ('CT-NHPD', 'CT-HPD', 'ct-nhpd');
CREATE DOMAIN agency_name AS varchar(20);
CREATE TABLE by_char (captured_at timestamptz NOT NULL, plate char(10) NOT NULL, owner char(12));
CREATE TABLE by_enum (captured_at timestamptz NOT NULL, plate varchar NOT NULL, owner city);
CREATE TABLE by_domain (captured_at timestamptz NOT NULL, plate text NOT NULL, owner agency_name);
CREATE TABLE by_varchar (captured_at timestamptz(0) NOT NULL, plate text COLLATE "C" NOT NULL, owner varchar(20));
CREATE TABLE by_bigint (captured_at timestamptz NOT NULL, plate text NOT NULL, owner bigint);
INSERT INTO by_char VALUES (now(), 'P', 'CT-NHPD'), (now(), 'Q', 'CT-HPD'), (now(), 'R', NULL), (now(), 'S', ''), (now(), 'T', 'ct-nhpd'), ('-infinity', 'U', 'CT-NHPD');
INSERT INTO by_varchar VALUES (now(), 'P', 'CT-NHPD'), (now(), 'Q', 'CT-HPD'), (now(), 'T', ' CT-NHPD');
INSERT INTO by_bigint VALUES (now(), 'P', 1), (now(), 'Q', 2), (now(), 'R', NULL), (now(), 'S', 11);
GRANT ALL ON by_char, by_varchar, by_bigint TO officer, camera_feed;
SET client_min_messages = error;
SELECT ctlpr.govern('by_char', captured_at => 'captured_at', plate => 'plate', agency => 'owner');
-- types that cannot name an agency surely
SELECT ctlpr.govern('by_enum', captured_at => 'captured_at', plate => 'plate', agency => 'owner');
SELECT ctlpr.govern('by_domain', captured_at => 'captured_at', plate => 'plate', agency => 'owner');
SELECT ctlpr.govern('by_varchar', captured_at => 'captured_at', plate => 'plate', agency => 'owner');
SELECT ctlpr.govern('by_bigint', captured_at => 'captured_at', plate => 'plate', agency => 'owner');
RESET client_min_messages;
SELECT ctlpr.agency_key('CT-NHPD', 'by_bigint', '1');
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT plate FROM by_char ORDER BY 1;
SELECT plate FROM by_varchar ORDER BY 1;
SELECT plate FROM by_bigint ORDER BY 1;
SELECT count(*) FROM by_char WHERE plate = 'P';
SELECT count(*) FROM by_varchar WHERE plate IN ('P', 'Q');
SELECT count(*) FROM by_bigint r JOIN by_bigint d USING (plate) WHERE r.plate = 'P';
COMMIT;
SET ROLE camera_feed;
INSERT INTO by_char VALUES (now(), 'N', 'CT-NHPD');
INSERT INTO by_char VALUES (now(), 'N', 'ct-nhpd');
INSERT INTO by_char VALUES ('infinity', 'N', 'CT-NHPD');
INSERT INTO by_char VALUES ('-infinity', 'N', 'CT-NHPD');
INSERT INTO by_varchar VALUES (now(), 'N', ' CT-NHPD');
INSERT INTO by_bigint VALUES (now(), 'N', 1);
INSERT INTO by_bigint VALUES (now(), 'N', 3);
RESET ROLE;
SELECT role, relation, action, allowed, sqlstate, plates FROM pg_temp.log_since(:start_seq) WHERE action IN ('select', 'insert');
SELECT count(ctlpr.release(t, 'test')) FROM unnest('{by_char,by_varchar,by_bigint}'::regclass[]) t;
DROP TABLE by_char, by_enum, by_domain, by_varchar, by_bigint;
DROP TYPE city;
DROP DOMAIN agency_name;
