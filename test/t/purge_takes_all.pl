# One round takes all that has expired, whichever index the planner likes, ends whatever is locked, and loses nothing that is held, however late it commits: 13(b)(2)(A), invariants 2 and 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

# A planner that has fast disks takes an index where it can.
my $node = new_node('main', <<'CONF', allows_streaming => 1);
wal_level = logical
ctlpr.purge_naptime = 1h
ctlpr.purge_batch_rows = 100
ctlpr.purge_lock_timeout = 2s
random_page_cost = 1.1
max_connections = 40
autovacuum = off
CONF
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE chief;
CREATE ROLE subscriber LOGIN REPLICATION;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true), ctlpr.bind_role('subscriber', 'CT-NHPD');
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$;
SQL

sub value { return $node->safe_psql('city', $_[0]) }
sub expired { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('$_[0]')") }
sub live { return value("BEGIN; SELECT FROM ctlpr.break_glass('count'); SELECT count(*) FROM $_[0]; COMMIT") }
sub held { return value("SELECT ctlpr.held_reads($_[0])") }

# certified(table) - rows of its certificates, and how many of those there are
sub certified { return value("SELECT coalesce(sum(rows_deleted), 0), count(*) FROM ctlpr.purges WHERE relation_name = 'public.$_[0]'") }

# make_table(name, statements before it is governed, what governs it besides, how it is partitioned) - purged from now on
sub make_table
{
	my ($name, $sql, $govern, $how) = @_;
	$govern //= '';
	$how //= '';
	$node->safe_psql('city', <<"SQL");
SET client_min_messages = warning;
CREATE TABLE $name (read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera_id int) $how;
$sql;
ALTER TABLE $name OWNER TO reads_owner;
GRANT SELECT, INSERT, UPDATE ON $name TO PUBLIC;
ANALYZE $name;
SELECT ctlpr.govern('$name', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id' $govern), ctlpr.start_purge('$name', 'Chief');
SQL
	return;
}

# hold(table, plate) - number of a new hold
sub hold
{
	my ($name, $plate) = @_;
	return value("SET ROLE chief; SELECT ctlpr.preserve('$name', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{$plate}')");
}

# purge(table) - a round by hand; what it says that went
sub purge { return value("SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purge('$_[0]')") }

# begin_purge(table, patience) - the same, not waited for; end_purge(session) - the result, or an SQLSTATE when patience has ended
sub begin_purge
{
	my ($name, $patience) = @_;
	my $session = connect_as($node, 'city');
	$session->query(sprintf "SET statement_timeout = '%s'", $patience // '30s');
	$session->send_query("SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purge('$name')");
	return $session;
}

sub end_purge
{
	my ($session) = @_;
	my $result = $session->collect;
	$session->close;
	return $result->{error} ? $result->{error}{C} : $result->{rows}[0][0];
}

# insert(what, values) - SQL for as many reads of New Haven
my $old = "now() - interval '22 days' - n * interval '1 minute'";
my $wide = "ALTER TABLE %1\$s ADD COLUMN picture text DEFAULT repeat('x', 800);";
sub insert { return "INSERT INTO $_[0] (captured_at, plate, agency_id, camera_id) SELECT $_[1]" }

# ---- whichever index there is ----

# Evidence of a hold that has ended, in a table that another index could be read by
make_table('cases', insert('cases', q(now() - n * interval '1 second', CASE WHEN n <= 2000 THEN 'CASEA' ELSE 'CASEB' END, 'CT-NHPD', 1 FROM generate_series(1, 22000) n)));
my ($case_a, $case_b) = map { hold('cases', $_) } qw(CASEA CASEB);
is(held($case_a) . ' ' . held($case_b), '2000 20000', 'evidence: two holds have their copies');
value('ANALYZE cases_evidence');
value("SET ROLE chief; SELECT ctlpr.end_hold($case_a, 'no_charges')");
is(purge('cases_evidence'), '2000', 'evidence: a round says how much of the ended hold it took');
is(held($case_a), '0', '... which is all');
is(held($case_b), '20000', '... and what the other hold keeps stays');
is(certified('cases_evidence'), '2000|1', '... and the certificate says so');

# Rows that another table refers to
make_table('referenced', sprintf($wide, 'referenced') . insert('referenced', qq(CASE WHEN n % 40 = 0 THEN $old ELSE now() - n * interval '1 second' END, 'P' || n, 'CT-NHPD', n % 20 FROM generate_series(1, 40000) n ORDER BY random()))
	  . '; ALTER TABLE referenced ADD PRIMARY KEY (read_id); CREATE INDEX ON referenced (camera_id, captured_at);'
	  . 'CREATE TABLE notes (read_id bigint REFERENCES referenced ON DELETE CASCADE); INSERT INTO notes SELECT read_id FROM referenced ORDER BY captured_at LIMIT 10; ALTER TABLE notes OWNER TO reads_owner');
is(purge('referenced'), '1000', 'referred to: a round takes all, though an index has them in another order');
is(expired('referenced'), '0', '... so that nothing is left');
is(live('referenced'), '39000', '... but what is live');
is(certified('referenced'), '1000|1', '... and the certificate says so');
is(value('SELECT count(*) FROM notes'), '0', '... and what referred to them is gone with them');

# Where they lie in the order of the plates, the index on those costs less than the one on time; the first plate's expired last.
my $plates = insert('%1$s', qq($old + n * interval '2 minutes', '0UNKNOWN', 'CT-NHPD', 1 FROM generate_series(1, 300) n)) . ';'
  . insert('%1$s', q(CASE WHEN n % 10 = 0 THEN now() - interval '23 days' - random() * interval '5 days' ELSE now() - random() * interval '20 days' END, 'P' || lpad(n::text, 5, '0'), 'CT-NHPD', 1 FROM generate_series(1, 27000) n)) . ';';
my %index = (
	plate_and_time => '(plate, captured_at); CREATE INDEX ON %1$s (captured_at)',
	time_and_plate => '(captured_at); CREATE INDEX ON %1$s (plate, captured_at)',
	time_nulls_last => '(captured_at DESC NULLS LAST)',
	time_nulls_first => '(captured_at NULLS FIRST)',
	time_desc => '(captured_at DESC)');
for my $name (sort keys %index)
{
	make_table($name, sprintf(($name =~ /plate/ ? $wide : '') . "$plates CREATE INDEX ON %1\$s $index{$name}", $name));
	is(purge($name), '3000', "$name: a round takes all");
	is(expired($name), '0', "$name: ... so that nothing is left");
	is(live($name), '24300', "$name: ... but what is live");
	is(certified($name), '3000|1', "$name: ... and the certificate says so");
}

# ---- what commits late ----

# Into each come a read that is held and one that nobody holds; both expire in two seconds, and have not committed when a round
# begins.  Its batches are small, so that it lasts.
my $slow = q(CREATE TRIGGER slow AFTER DELETE ON %1$s FOR EACH STATEMENT EXECUTE FUNCTION slow());
my %late = (
	late => { reads => 10000, first => $wide },
	late_slow => { reads => 300, first => $wide, more => $slow, govern => q(, allow_triggers => '{slow}') },
	late_indexed => { reads => 10000, more => 'CREATE INDEX ON %1$s (captured_at)' },
	late_indexed_slow => { reads => 150, more => "CREATE INDEX ON %1\$s (captured_at); $slow", govern => q(, allow_triggers => '{slow}') });
$node->append_conf('postgresql.conf', 'ctlpr.purge_batch_rows = 5');
$node->reload;
for my $name (sort keys %late)
{
	my $case = $late{$name};
	my $insert = insert('%1$s', qq(now() - interval '22 days' - n * interval '1 second', 'OLD' || n, 'CT-NHPD', 1 FROM generate_series(1, $case->{reads}) n));
	make_table($name, sprintf(($case->{first} // '') . "$insert; " . ($case->{more} // ''), $name), $case->{govern});
	$case->{hold} = hold($name, 'HELD1');
}
# ... and into partitions that end in eight, with ten reads there already
my %dropped = (dropped => { after => 0.3 }, dropped_later => { after => 1.8 }, dropped_deep => { after => 0.3, deep => 1 });
for my $name (sort keys %dropped)
{
	make_table($name, "CREATE TABLE ${name}_old PARTITION OF $name FOR VALUES FROM (now() - interval '30 days') TO (now() - interval '504 hours' + interval '8 seconds')" . ($dropped{$name}{deep} ? " PARTITION BY LIST (agency_id); CREATE TABLE ${name}_leaf PARTITION OF ${name}_old DEFAULT; ALTER TABLE ${name}_leaf OWNER TO reads_owner;" : ';')
		  . "CREATE TABLE ${name}_rest PARTITION OF $name DEFAULT; ALTER TABLE ${name}_old OWNER TO reads_owner; ALTER TABLE ${name}_rest OWNER TO reads_owner;"
		  . insert($name, qq($old, 'OLD' || n, 'CT-NHPD', 1 FROM generate_series(1, 10) n)) . ';'
		  . insert($name, q(now() - n * interval '1 hour', 'LIVE' || n, 'CT-NHPD', 1 FROM generate_series(1, 20) n)), '', 'PARTITION BY RANGE (captured_at)');
	$dropped{$name}{hold} = hold($name, 'HELD1');
}
my $made = time;
my %open = (%late, %dropped);
for my $name (sort keys %open)
{
	my $session = $open{$name}{session} = connect_as($node, 'city', 'nhpd_ingest');
	$session->query('BEGIN');
	is($session->query(insert($name, q(now() - interval '504 hours' + interval '2 seconds', p, 'CT-NHPD', 1 FROM unnest('{HELD1,OTHER}'::text[]) p)))->{tags}[0], 'INSERT 0 2', "$name: two reads come in while they are live");
}
sleep 2.5;

my $looker = connect_as($node, 'city');
for my $name (sort keys %late)
{
	my $case = $late{$name};
	my $purging = begin_purge($name);
	my $progress = "SELECT rows_deleted FROM ctlpr.purge_run WHERE relation = '$name'::regclass AND finished_at IS NULL";
	my $deleted;
	my $until = time + 10;
	sleep 0.002 while !($deleted = $looker->query("$progress AND rows_deleted > 0")->{rows}[0][0]) && time < $until;
	is(sqlstate_of($case->{session}->query('COMMIT')), '00000', "$name: both commit after the first batch");
	cmp_ok($looker->query($progress)->{rows}[0][0] // $case->{reads}, '<', $case->{reads}, "$name: ... and before the last");
	is(end_purge($purging), $case->{reads} + 2, "$name: the round takes both");
	is(expired($name), '0', "$name: ... and leaves nothing");
	is(held($case->{hold}), '1', "$name: ... and that which is held is in evidence");
	is(certified($name), $case->{reads} + 2 . '|1', "$name: ... and the certificate counts both");
}

$node->append_conf('postgresql.conf', 'ctlpr.purge_batch_rows = 100');
$node->reload;
sleep 0.1 while time < $made + 9;

# watch(table, seconds) - a child that reads again and again beside a purge; its lines: how long the longest took, and what it saw
sub watch
{
	my ($name, $seconds) = @_;
	return start_child(
		sub {
			my ($lines) = @_;
			my $reader = connect_as($node, 'city', 'nhpd');
			my $longest = 0;
			my %seen;
			for (my $until = time + $seconds; time < $until; sleep 0.05)
			{
				my $asked = time;
				$reader->query('BEGIN');
				$reader->query(request_sql('beside a purge'));
				my $result = $reader->query("SELECT count(*) FROM $name");
				$seen{ sqlstate_of($result) . ' ' . ($result->{rows}[0][0] // '') } = 1;
				$reader->query('COMMIT');
				$longest = time - $asked if time - $asked > $longest;
			}
			print $lines join("\n", $longest, sort keys %seen), "\n";
		});
}
for my $name (sort keys %dropped)
{
	my $case = $dropped{$name};
	my $watching = watch($name, $case->{after} + 0.5);
	my $purging = begin_purge($name);
	sleep $case->{after};
	is(sqlstate_of($case->{session}->query('COMMIT')), '00000', "$name: both commit while the partition is in the way of a round");
	like(end_purge($purging), qr/^1[02]$/, "$name: ... which takes what it sees");
	my ($longest, @seen) = lines_of($watching);
	cmp_ok($longest, '<', 1, "$name: ... who reads meanwhile does not wait");
	is(join(', ', @seen), '00000 20', "$name: ... and sees what is live");
	purge($name);
	is(value("SELECT to_regclass('${name}_old') IS NULL"), 't', "$name: in the end the partition is gone");
	is(expired($name), '0', "$name: ... and all that had expired");
	is(held($case->{hold}), '1', "$name: ... that which is held is in evidence");
	is((split /\|/, certified($name))[0], '12', "$name: ... and certificates count both");
	is(live($name), '20', "$name: ... and live reads stay");
}

# ---- what somebody locks ----

# 300 reads at the front are held while they expire, and nobody may write when the round begins.
make_table('locked', insert('locked', q(now() - interval '1 hour', 'FRONT' || n, 'CT-HPD', 1 FROM generate_series(1, 300) n)) . ';' . insert('locked', qq($old, 'OLD' || n, 'CT-NHPD', 1 FROM generate_series(1, 250) n)));
my $holder = connect_as($node, 'city', 'hpd');
$holder->query('BEGIN');
$holder->query(request_sql('held'));
is($holder->query("SELECT FROM locked WHERE plate LIKE 'FRONT%' FOR UPDATE")->{tags}[0], 'SELECT 300', 'locked: reads are held');
value("SELECT ctlpr.set_agency_option('CT-HPD', retention => '1 minute')");
is(expired('locked'), '550', 'locked: ... and have expired');
my $locker = connect_as($node, 'city');
$locker->query('BEGIN');
is(sqlstate_of($locker->query('LOCK TABLE locked IN SHARE MODE')), '00000', 'locked: nobody may write');
my $purging = begin_purge('locked', '10s');
ok(await_true(sub { return value("SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass AND mode = 'RowExclusiveLock' AND NOT granted") }), 'locked: the round waits');
sleep 2.3;
$locker->query('ROLLBACK');
is(end_purge($purging), '250', 'locked: the round ends, and has taken all that nobody holds');
is(expired('locked'), '300', 'locked: ... and left what is held');
$holder->query('ROLLBACK');
is(purge('locked'), '300', 'locked: when it is free, the next round takes it');
is(expired('locked'), '0', 'locked: ... so that nothing is left');
is(certified('locked'), '550|2', 'locked: ... and certificates say so');

# Held reads behind locked ones come in after the hold began: a batch that goes around the locks must not reach further than was copied.
make_table('behind', 'CREATE INDEX ON behind (captured_at);' . sprintf($slow, 'behind'), q(, allow_triggers => '{slow}'));
my $behind = hold('behind', 'HELD1');
my $feed = connect_as($node, 'city', 'nhpd_ingest');
is($feed->query(insert('behind', q(now() - interval '504 hours' + interval '3 seconds' + n * interval '1 ms',
	CASE WHEN n <= 50 THEN 'FRONT' WHEN n <= 110 THEN 'MIDDLE' ELSE 'HELD1' END, 'CT-NHPD', 1 FROM generate_series(1, 150) n)))->{tags}[0], 'INSERT 0 150', 'behind: reads come in');
$made = time;
$holder = connect_as($node, 'city', 'nhpd');
$holder->query('BEGIN');
$holder->query(request_sql('held'));
is($holder->query("SELECT FROM behind WHERE plate = 'FRONT' FOR UPDATE")->{tags}[0], 'SELECT 50', 'behind: those at the front are locked');
is(held($behind), '0', 'behind: what is held has no copy yet');
sleep 0.1 while time < $made + 4;
is(purge('behind'), '100', 'behind: a round takes all that nobody locks');
is(held($behind), '40', 'behind: ... after a copy of what is held');
$holder->query('ROLLBACK');
is(purge('behind'), '50', 'behind: the next round takes the rest');

# ---- what goes elsewhere as well ----

# A subscriber would not hear of what goes, or which rows it is that go.
my %published = (published => '55000', published_partly => '42P10');
value(q{SELECT ctlpr.allow_publication('own', 'the city''s own store', 'Chief', subscriber => 'subscriber'), ctlpr.allow_publication('partly', 'the city''s own store', 'Chief', subscriber => 'subscriber')});
make_table($_, insert($_, qq($old, 'OLD' || n, 'CT-NHPD', 1 FROM generate_series(1, 250) n))) for sort keys %published;
value("SELECT ctlpr.release('published', 'it is all of one agency'), ctlpr.govern('published', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD'), ctlpr.start_purge('published', 'Chief')");
value("CREATE PUBLICATION own FOR TABLE published; CREATE PUBLICATION partly FOR TABLE published_partly WHERE (agency_id = 'CT-NHPD')");
for my $name (sort keys %published)
{
	is(purge($name), '0', "$name: without an identity nothing goes");
	is(expired($name), '250', "$name: ... all is still there");
	is(certified($name), '0|0', "$name: ... and nothing is certified");
	is(value("SELECT last_sqlstate FROM ctlpr.purge_status WHERE relation = '$name'::regclass"), $published{$name}, "$name: ... and purge_status says why");
	value("ALTER TABLE $name REPLICA IDENTITY FULL");
	is(purge($name), '250', "$name: with one all goes");
	is(expired($name), '0', "$name: ... so that nothing is left");
	is(certified($name), '250|1', "$name: ... and the certificate says so");
	is(value("SELECT last_sqlstate IS NULL FROM ctlpr.purge_status WHERE relation = '$name'::regclass"), 't', "$name: ... and purge_status has nothing to say");
}
check_log_is_whole($node, 'city', 'after all');

# ---- a log that is gone ----

# What was recorded last is on its way still when the log goes that it was for.
$node->safe_psql('postgres', 'CREATE DATABASE state');
$node->safe_psql('state', q(SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; SELECT ctlpr.adopt_statute('us-ct-2026')));
for my $round (1 .. 3)
{
	$node->safe_psql('state', <<'SQL');
SET client_min_messages = warning;
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');
BEGIN;
DROP EXTENSION ctlpr CASCADE;
CREATE EXTENSION ctlpr;
COMMIT;
SQL
	sleep 1;    # so that it has arrived
	$node->safe_psql('state', q(SELECT ctlpr.adopt_statute('us-ct-2026')));
	is(log_value($node, 'state', "string_agg(detail ->> 'function', ' ' ORDER BY seq)", "entry = 'verdict'"), 'adopt_statute', "new log $round: it holds what was recorded since");
	check_log_is_whole($node, 'state', "new log $round");
}
$node->stop;

done_testing();
