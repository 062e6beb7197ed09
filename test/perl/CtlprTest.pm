# CtlprTest.pm - clusters with ctlpr preloaded and the tables, agencies and roles that the tests share.
#
# The world: CT-NHPD and CT-HPD are police of Connecticut, MA-BPD and TX-HPD
# are not.  Roles nhpd, hpd, bpd and txpd act for them, nhpd_ingest brings in
# reads of New Haven, unbound acts for nobody, auditor reads the log of all.
# plate_reads holds live and expired reads of both Connecticut agencies.
package CtlprTest;

use strict;
use warnings;

use Exporter 'import';
use IO::Handle;
use IPC::Run ();
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprProtocol;

our @EXPORT = qw(
  new_node require_faketime shift_clock start_shifted new_world govern_reads connect_as request_sql log_value await_log await_true worker_pid
  await_writer start_child lines_of kill_and_recover check_log_is_whole sqlstate_of owner_login major
);

sub owner_login { return scalar getpwuid($<) }

# major(node) - of the server
sub major
{
	my ($node) = @_;
	return int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
}

# new_node(name, settings, init options) - initialized with ctlpr preloaded, not started
sub new_node
{
	my ($name, $settings, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(%options);
	$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'ctlpr'", 'timezone = UTC', 'max_worker_processes = 16', $settings // '', ''));
	return $node;
}

# A clock that is the test's: libfaketime adds to the time of day what a file says, and leaves the monotonic clock alone.
# require_faketime() - skips the whole test where it is not installed
# shift_clock(node, text) - from now on the node's time of day is off by that much: '+0d', '-26h', seconds as '+3600'
# start_shifted(node) - starts the server under that clock
my $faketime;

sub require_faketime
{
	($faketime) = grep { -e } glob('/usr/lib/*/faketime/libfaketime.so.1'), '/usr/lib/faketime/libfaketime.so.1';
	plan skip_all => 'libfaketime is not installed (Debian package libfaketime)' if !$faketime;
	return;
}

sub clock_offset { return $_[0]->basedir . '/offset' }

sub shift_clock
{
	my ($node, $text) = @_;
	my $offset = clock_offset($node);
	open(my $handle, '>', "$offset.new") or die "$offset.new: $!";
	print $handle "$text\n";
	close $handle or die "$offset.new: $!";
	rename "$offset.new", $offset or die "$offset: $!";
	return;
}

sub start_shifted
{
	my ($node) = @_;
	local %ENV = (%ENV, LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => clock_offset($node), FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
	$node->start;
	return;
}

# Roles belong to the cluster, so they are made once.
my $roles_sql = <<'SQL';
DO $$
DECLARE
	r name;
BEGIN
	FOREACH r IN ARRAY '{nhpd,hpd,bpd,txpd,nhpd_ingest,unbound,auditor,reads_owner}'::name[] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', r);
		END IF;
	END LOOP;
END
$$;
SQL

my $world_sql = <<'SQL';
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');
SELECT ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT');
SELECT ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA');
SELECT ctlpr.register_agency('TX-HPD', 'Houston Police', 'police', 'TX');
SELECT ctlpr.bind_role('nhpd', 'CT-NHPD');
SELECT ctlpr.bind_role('hpd', 'CT-HPD');
SELECT ctlpr.bind_role('bpd', 'MA-BPD');
SELECT ctlpr.bind_role('txpd', 'TX-HPD');
SELECT ctlpr.bind_role('nhpd_ingest', 'CT-NHPD', may_ingest => true);
GRANT ctlpr_auditor TO auditor;
SELECT ctlpr.bind_auditor('auditor');
CREATE TABLE plate_reads (
	read_id     bigint GENERATED ALWAYS AS IDENTITY,
	captured_at timestamptz NOT NULL,
	plate       text NOT NULL,
	agency_id   text NOT NULL
);
ALTER TABLE plate_reads OWNER TO reads_owner;
CREATE INDEX plate_reads_plate_idx ON plate_reads (plate);
CREATE INDEX plate_reads_captured_at_idx ON plate_reads (captured_at);
GRANT SELECT ON plate_reads TO PUBLIC;
GRANT INSERT ON plate_reads TO nhpd_ingest;
-- per agency 100 live reads, the oldest of 10 days ago, and 20 expired ones
INSERT INTO plate_reads (captured_at, plate, agency_id)
SELECT now() - n * interval '2.4 hours', a.prefix || n, a.agency_id
FROM (VALUES ('CT-NHPD', 'NH'), ('CT-HPD', 'HA')) a (agency_id, prefix), generate_series(1, 100) n;
INSERT INTO plate_reads (captured_at, plate, agency_id)
SELECT now() - interval '22 days' - n * interval '1 hour', a.prefix || 'X' || n, a.agency_id
FROM (VALUES ('CT-NHPD', 'NH'), ('CT-HPD', 'HA')) a (agency_id, prefix), generate_series(1, 20) n;
ANALYZE plate_reads;
SQL

# new_world(node, database) - the database with everything named above; the table is governed unless govern => 0; version => of the extension
sub new_world
{
	my ($node, $database, %options) = @_;
	$node->safe_psql('postgres', $roles_sql);
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, defined $options{version} ? $world_sql =~ s/EXTENSION ctlpr /EXTENSION ctlpr VERSION '$options{version}' /r : $world_sql);
	govern_reads($node, $database) if $options{govern} // 1;
	return;
}

sub govern_reads
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "SET client_min_messages = warning; SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')");
	return;
}

# connect_as(node, database, user, options) - a connection of the protocol's own
sub connect_as
{
	my ($node, $database, $user, $options) = @_;
	return CtlprProtocol->new($node->host, $node->port, $database, $user // owner_login(), $options);
}

# request_sql(reason, arguments) - a call of begin_request() that every police agency of Connecticut may make
sub request_sql
{
	my ($reason, $more) = @_;
	$reason =~ s/'/''/g;
	return "SELECT ctlpr.begin_request('stolen_vehicle', reason => '$reason'" . (defined $more ? ", $more" : '') . ')';
}

sub sqlstate_of { my ($result) = @_; return $result->{error} ? $result->{error}{C} : '00000' }

# log_value(node, database, select list and what follows FROM the log AS e) - as the superuser, read past the views, which
# would make entries of their own
sub log_value
{
	my ($node, $database, $what, $where) = @_;
	return $node->safe_psql($database, "SELECT $what FROM ctlpr.audit_entry e WHERE " . ($where // 'true'));
}

# await_true(code, seconds) - poll; the last value of the code
sub await_true
{
	my ($code, $seconds) = @_;
	my $until = time + ($seconds // 60);
	my $value;
	while (!($value = $code->()) && time < $until) { sleep 0.05 }
	return $value;
}

# await_log(node, database, condition, count) - entries reach the log a moment after the statement when they are outcomes
sub await_log
{
	my ($node, $database, $where, $count) = @_;
	return await_true(sub { return log_value($node, $database, 'count(*)', $where) >= ($count // 1) });
}

# worker_pid(node, database, type) - process of a background worker, '' when none runs
sub worker_pid
{
	my ($node, $database, $type) = @_;
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = '$type' AND datname IS NOT DISTINCT FROM "
		  . (defined $database ? "'$database'" : 'NULL') . ' LIMIT 1');
}

# await_writer(node, database) - the audit writer's process; something must have asked for one
sub await_writer
{
	my ($node, $database) = @_;
	return await_true(sub { return worker_pid($node, $database, 'ctlpr audit writer') });
}

# start_child(code) - run the code, which gets a handle to write lines to, in a process of its own; lines_of(child) - wait for
# its end and return its lines.  They go to a file, as a pipe that nobody reads yet would hold the child up when it is full.
# The child leaves without the ends of tests and clusters that are its parent's.
sub start_child
{
	my ($code) = @_;
	open(my $lines, '+>', undef) or die "temporary file: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		$lines->autoflush(1);
		my $done = eval { $code->($lines); 1 };
		print STDERR "in a child: $@" if !$done;
		close $lines;
		POSIX::_exit($done ? 0 : 1);
	}
	return { pid => $pid, lines => $lines };
}

sub lines_of
{
	my ($child) = @_;
	my $lines = $child->{lines};
	waitpid $child->{pid}, 0;
	$child->{status} = $?;
	seek($lines, 0, 0) or die "seek: $!";
	return map { s/\n\z//r } <$lines>;
}

# kill_and_recover(node, pid) - kill -9 a process of the server and wait until the postmaster has recovered from that
sub kill_and_recover
{
	my ($node, $pid) = @_;
	my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
	my $witness = connect_as($node, 'postgres');
	kill 'KILL', $pid;
	await_true(sub { return $witness->query('SELECT 1', 30)->{gone} });    # the crash reached every session
	return await_true(sub { return eval { connect_as($node, 'postgres')->query('SELECT 1')->{rows}[0][0] } }, 60);
}

# check_log_is_whole(node, database, name) - numbers from 1 without a gap, outcomes of verdicts only, and the tree over it is whole
sub check_log_is_whole
{
	my ($node, $database, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(log_value($node, $database, "count(*) = max(seq) AND min(seq) = 1 AND count(DISTINCT seq) = count(*)"), 't', "$name: numbers without gap or double");
	is($node->safe_psql($database, "SELECT count(*) FROM ctlpr.audit_entry o LEFT JOIN ctlpr.audit_entry v ON v.seq = o.of_seq AND v.entry = 'verdict' WHERE o.entry = 'outcome' AND v.seq IS NULL"),
		'0', "$name: every outcome has its verdict");
	like($node->safe_psql($database, 'SELECT valid, first_bad_seq, entries > 0 FROM ctlpr.verify_audit()'), qr/^t\|\|t$/, "$name: the tree over the log is what its entries make it");
	return;
}

1;
