# The main table purges without asking, and what is held is in evidence before it goes - batches, whole partitions, reads that came in after the hold: 13(b)(2)(A)(iii), invariant 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
ctlpr.purge_naptime = 1h
autovacuum = off
CONF
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
CREATE ROLE chief;
CREATE ROLE camera_feed;
SET client_min_messages = warning;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true), ctlpr.bind_role('camera_feed', 'CT-NHPD', may_ingest => true);
CREATE TABLE plain (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, picture text);
CREATE TABLE daily (read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY RANGE (captured_at);
SELECT format('CREATE TABLE daily_%s PARTITION OF daily FOR VALUES FROM (%L) TO (%L)', n, now() - n * interval '1 day', now() - (n - 1) * interval '1 day') FROM generate_series(0, 30) n \gexec
INSERT INTO plain SELECT now() - n * interval '1 hour', p, 'CT-NHPD', 'picture' FROM generate_series(1, 400, 20) n, unnest('{HELD,OTHER}'::text[]) p;
INSERT INTO daily (captured_at, plate, agency_id) SELECT now() - n * interval '1 hour', p, 'CT-NHPD' FROM generate_series(1, 400, 20) n, unnest('{HELD,OTHER}'::text[]) p;
ALTER TABLE plain OWNER TO reads_owner;
ALTER TABLE daily OWNER TO reads_owner;
SELECT format('ALTER TABLE %s OWNER TO reads_owner', inhrelid::regclass) FROM pg_inherits WHERE inhparent = 'daily'::regclass \gexec
GRANT SELECT, INSERT ON plain, daily TO camera_feed;
SELECT ctlpr.govern('plain', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', image => 'picture');
SELECT ctlpr.govern('daily', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SELECT ctlpr.start_purge('plain', 'Chief'), ctlpr.start_purge('daily', 'Chief');
SQL

sub as_chief { return $node->safe_psql('city', "SET ROLE chief; $_[0]") }
sub value { return $node->safe_psql('city', $_[0]) }

my %hold;
$hold{$_} = as_chief("SELECT ctlpr.preserve('$_', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{he-ld}')") for qw(plain daily);
is(value("SELECT ctlpr.held_reads($hold{$_})"), '20', "$_: the live reads of the plate are copied when the hold begins") for qw(plain daily);

# What comes in afterwards is copied in the next round, or when it goes
value("SET ROLE camera_feed; INSERT INTO $_ (captured_at, plate, agency_id) VALUES (now(), 'HELD', 'CT-NHPD'), (now() - interval '100 hours', 'HE LD', 'CT-NHPD')") for qw(plain daily);
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT ctlpr.held_reads($hold{plain})"), '21', 'a round copies what came in as the hold writes it');

# An agency that keeps its reads for an hour only: all but the newest go
value("SELECT ctlpr.set_agency_option('CT-NHPD', retention => '30 minutes')");
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT ctlpr.held_reads($hold{$_})"), '22', "$_: what is spelled otherwise is copied before it is deleted") for qw(plain daily);
is(value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('$_')"), '0', "$_: the main table is purged") for qw(plain daily);
is(value("SELECT count(*) FROM (SELECT FROM ctlpr.audit_entry WHERE action = 'purge' AND relation = 'public.$_' AND detail ->> 'rows_deleted' = '41') c"), '1', "$_: ... with a certificate of what went") for qw(plain daily);
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT ctlpr.held_reads($hold{$_})"), '22', "$_: one copy for each hold and read") for qw(plain daily);
is($node->safe_psql('city', "BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT count(*) FROM plain_evidence WHERE picture = 'picture'; COMMIT"), '20', 'images are in the copies');

# Whole partitions
value('DELETE FROM ctlpr.agency_option');
$node->safe_psql('city', "SET client_min_messages = warning; CREATE TABLE old (captured_at timestamptz NOT NULL, plate text NOT NULL) PARTITION BY RANGE (captured_at);
	CREATE TABLE old_1 PARTITION OF old FOR VALUES FROM (now() - interval '10 days') TO (now() - interval '3 seconds'); CREATE TABLE old_2 PARTITION OF old DEFAULT;
	INSERT INTO old SELECT now() - n * interval '1 hour', 'HELD' FROM generate_series(1, 5) n;
	ALTER TABLE old OWNER TO reads_owner; ALTER TABLE old_1 OWNER TO reads_owner; ALTER TABLE old_2 OWNER TO reads_owner;
	SELECT ctlpr.govern('old', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD'); SELECT ctlpr.start_purge('old', 'Chief')");
my $old = as_chief("SELECT ctlpr.preserve('old', 'court_order', 'order', '26-8', 'Officer A', captured => tstzrange(now() - interval '2 days', NULL))");
value("UPDATE ctlpr.statute_retention SET period = '6 seconds' WHERE rule = 'standard'");
sleep 5;
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT to_regclass('old_1') IS NULL"), 't', 'a whole partition is dropped');
is(value("SELECT ctlpr.held_reads($old)"), '5', '... and what was held of it is kept');
value("UPDATE ctlpr.statute_retention SET period = '504 hours' WHERE rule = 'standard'");

# The end of a hold deletes its own copies only
my $again = as_chief("SELECT ctlpr.preserve('old', 'court_order', 'order', '26-9', 'Officer A', captured => tstzrange(now() - interval '2 days', NULL))");
as_chief("SELECT ctlpr.end_hold($hold{plain}, 'final_disposition')");
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT ctlpr.held_reads($hold{plain})"), '0', 'copies go when their hold has ended');
is(value("SELECT ctlpr.held_reads($hold{daily}), ctlpr.held_reads($old)"), '22|5', '... and those of other holds stay');
is(value("SELECT count(*) FROM ctlpr.audit_entry WHERE action = 'purge' AND relation = 'public.plain_evidence' AND detail ->> 'rows_deleted' = '22'"), '1', '... with a certificate');
is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.findings WHERE kind = 'over_retention'"), '0', 'evidence is no over-retention');

# What an agency's own shorter retention had let expire is not held, though it was still there
value("SET ROLE camera_feed; INSERT INTO plain (captured_at, plate, agency_id) SELECT now() - h * interval '1 hour', 'LATE', 'CT-NHPD' FROM unnest(ARRAY[1, 5]) h");
value("SELECT ctlpr.set_agency_option('CT-NHPD', retention => '3 hours')");
my $late = as_chief("SELECT ctlpr.preserve('plain', 'court_order', 'order', '26-11', 'Officer A', plates => '{LATE}')");
is(value("SELECT ctlpr.held_reads($late)"), '1', 'what has expired by the rules of its agency is not held');
value('SELECT count(*) FROM ctlpr.purge()');
is(value("SELECT ctlpr.held_reads($late)"), '1', '... nor when it is deleted');
value('DELETE FROM ctlpr.agency_option');

# A column that is added, and a name that is taken
$node->safe_psql('city', 'ALTER TABLE daily ADD COLUMN lane int');
as_chief("SELECT ctlpr.preserve('daily', 'court_order', 'order', '26-10', 'Officer A', plates => '{OTHER}')");
is(value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'daily_evidence'::regclass AND attname = 'lane'"), '1', 'a column added to the relation reaches its evidence table');
$node->stop;
done_testing();
