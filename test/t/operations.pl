# 14(a)(6), 13(b)(2)(A), 13(g)(5): what docs/operations.md tells an administrator is so: every piece of its SQL runs, its settings and figures are the server's, its alerts
# ring when they have to and not before, and its remedies are some.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $page = slurp_file('../docs/operations.md');
my (%sql, %role, @order, %ran);
while ($page =~ /<!-- run: (\w+) as (\w+) -->\n```sql\n(.*?)```/gs) { ($sql{$1}, $role{$1}) = ($3, $2); push @order, $1 }
is(scalar(() = $page =~ /```sql\n/g), scalar @order, 'every piece of SQL on the page says who runs it');

my $keys = PostgreSQL::Test::Utils::tempdir();
my $published = PostgreSQL::Test::Utils::tempdir();
sub new_key
{
	unlink "$keys/private.pem";
	system('sh', '-c', "openssl genpkey -algorithm ed25519 -out $keys/private.pem 2>/dev/null && chmod 600 $keys/private.pem") == 0 or die 'openssl';
	return;
}
new_key();

my $node = new_node('main', 'autovacuum = off', allows_streaming => 1);
$node->start;

# run(name, node, database) - a piece of the page as the role that it says; its output.  dies_with: a pattern
sub run_piece
{
	my ($name, $database, %options) = @_;
	my $on = $options{node} // $node;
	die "the page has no $name" if !defined $sql{$name};
	$ran{$name} = 1;
	my $user = $role{$name} eq 'superuser' ? owner_login() : $role{$name};
	my ($out, $err) = ('', '');
	my $status = $on->psql($database, $sql{$name}, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ], on_error_stop => 1, timeout => 60);
	is($status, 0, "$name: runs as $role{$name}") or diag($err);
	return $out;
}

# Settings: all of them, with their defaults and who may change them
my %may = (postmaster => 'restart', sighup => 'reload', superuser => 'superuser', user => 'anybody');
my %row = map { my ($name, $default, $context, $text) = /^\| `(ctlpr\.\w+)` \| (.*?) \| (\w+) \| (.+) \|$/ or die $_; ($name => "$default, $context") } $page =~ /^(\| `ctlpr\.\w+` \|.*)$/mg;
my %server = map { my ($name, $default, $context) = split /\|/; ($name => ($default eq '' ? 'none' : "`$default`") . ", $may{$context}") } split /\n/,
	$node->safe_psql('postgres', "SELECT name, current_setting(name), context FROM pg_settings WHERE name LIKE 'ctlpr.%' AND name <> 'ctlpr.request' AND source = 'default'");
cmp_ok(scalar keys %server, '>', 20, 'there are settings');
is_deeply(\%row, \%server, 'the page has every setting with its default and who changes it');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name LIKE 'ctlpr.%' AND source <> 'default' AND name <> 'ctlpr.request'"), '0', 'none was changed here');

# Setting up
$node->safe_psql('postgres', 'CREATE ROLE dba LOGIN; CREATE ROLE monitoring LOGIN; CREATE DATABASE bare');
$node->safe_psql('postgres', "ALTER SYSTEM SET client_min_messages = warning");
$node->reload;
{
	# The group roles come with the first database.
	run_piece('install', 'bare');
}
new_world($node, 'city');
$node->safe_psql('postgres', "ALTER SYSTEM SET ctlpr.checkpoint_key = '$keys/private.pem'");
$node->safe_psql('postgres', "ALTER SYSTEM SET ctlpr.checkpoint_directory = '$published'");
$node->safe_psql('postgres', "ALTER SYSTEM SET ctlpr.audit_timeout = '1s'");
$node->reload;
my $nhpd = connect_as($node, 'city', 'nhpd');

# Figures: what a search takes
sub search { my ($session, $n) = @_; return $session->query('BEGIN; ' . "SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-10423', reason => 'taken from Elm St 12', officer => 'badge 4711')" . "; SELECT plate, captured_at FROM plate_reads WHERE plate = 'NH$n'; COMMIT") }
sub taken { return split /\|/, $node->safe_psql('city', "SELECT pg_total_relation_size('ctlpr.audit_entry') + pg_total_relation_size('ctlpr.audit_tile'), pg_current_wal_insert_lsn() - '0/0'::pg_lsn") }
search($nhpd, $_ % 100) for 1 .. 200;
$node->safe_psql('city', 'CHECKPOINT');
search($nhpd, $_ % 100) for 1 .. 200;
await_true(sub { return $node->safe_psql('city', 'SELECT queue_entries FROM ctlpr.ctlpr_stat') == 0 });
my $searches = 3000;
my @before = taken();
search($nhpd, $_ % 100) for 1 .. $searches;
await_true(sub { return $node->safe_psql('city', 'SELECT queue_entries FROM ctlpr.ctlpr_stat') == 0 });
my @after = taken();
for my $figure ([ 'log', 0 ], [ 'WAL', 1 ])
{
	my ($name, $at) = @$figure;
	my ($told) = $page =~ /^\| $name \| (\d+) bytes a search \|/m;
	my $measured = ($after[$at] - $before[$at]) / $searches;
	# How many records share a page in full is the machine's.
	my $span = $name eq 'WAL' ? 1.6 : 1.2;
	ok($told > $measured / $span && $told < $measured * $span, sprintf('a search takes the %s that the page says: %d bytes, %d', $name, $told, $measured));
}
my ($yearly) = $page =~ /2,000 searches a day writes ([\d.]+) GB of log a year/;
ok(abs($yearly - 2000 * 365 * ($after[0] - $before[0]) / $searches / 1e9) < 0.3, "... and a year $yearly GB");

# Monitoring: silent while all is well
my $stat = run_piece('stat', 'city');
like($stat, qr/^(idle|writing)\|/, 'the writer is seen');
is(run_piece('alerts', 'city'), '', 'no alert rings while all is well');
# ... and each of the slow ones where its time is shorter
my $alerts = $sql{alerts};
$node->safe_psql('city', "SELECT FROM ctlpr.audit_checkpoint()");
search($nhpd, 1);
$node->safe_psql('city', "SELECT ctlpr.start_purge('plate_reads', 'Chief'); SELECT ctlpr.purge()");
for my $case ([ qr/interval '1 hour'/, "interval '-1 s'", 'expired reads are not deleted|page' ], [ qr/greatest\(.*\)\),/, "interval '-1 s'),", 'expired reads are deleted late|ticket' ],
	[ qr/interval '1 day'/, "interval '-1 s'", 'bytes of deleted reads are not erased|ticket' ], [ qr/> 3 \*/, '> 0 *', 'the log is not signed|ticket' ], [ qr/0\.5 \*/, '-1 *', 'the queue fills|page' ])
{
	my ($long, $short, $alert) = @$case;
	($sql{alerts} = $alerts) =~ s/$long/$short/ or die "$long";
	is(run_piece('alerts', 'city'), $alert, "that rings: $alert");
}
$sql{alerts} = $alerts;
run_piece('workers', 'city');
run_piece('copy', 'city');

# Backup role
run_piece('backup_role', 'city');
my $dump = "$keys/dump.sql";
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', 'nightly', '-d', 'city', '-f', $dump ], 'that role dumps the database');
like(slurp_file($dump), qr/\tNH7\t/, '... with its reads');

# The writer is stopped: symptoms, check, remedy
my $writer = await_writer($node, 'city') || do { search($nhpd, 1); await_writer($node, 'city') };
kill 'STOP', $writer;
is(sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')), 'LP020', 'a stopped writer: LP020');
sleep 1.5;
like(run_piece('alerts', 'city'), qr/^records are not written\|page$/m, '... and the alert rings');
like(run_piece('writer', 'city'), qr/^(idle|writing)\|$writer\|.*^$writer\|ctlpr audit writer\|city/ms, '... and the page finds the process');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($writer)");
kill 'CONT', $writer;    # a process that is stopped takes the signal when it goes on
ok(await_true(sub { return sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')) eq 'LP001' }), '... another writer follows');
is(run_piece('alerts', 'city'), '', '... and the alert falls silent');
check_log_is_whole($node, 'city', 'after the writer');

# Expired reads that stay
my $locker = connect_as($node, 'city');
$locker->query('BEGIN; LOCK TABLE plate_reads IN SHARE MODE');
$node->safe_psql('city', 'SELECT ctlpr.purge()');
is(run_piece('holders', 'city'), '', 'a transaction of a moment ago is none to end');
$sql{holders} =~ s/interval '5 minutes'/interval '1 second'/ or die;
sleep 1.1;
like(run_piece('holders', 'city'), qr/\|plate_reads\|ShareLock/, 'one that is old is named');
$locker->query('ROLLBACK');
$locker->close;

# Clock
$node->safe_psql('city', "SET session_replication_role = replica; INSERT INTO ctlpr.clock (seen_at) VALUES (now()) ON CONFLICT DO NOTHING; UPDATE ctlpr.clock SET doubted_at = now()");
run_piece('clock', 'city');
is($node->safe_psql('city', 'SELECT doubted_at IS NULL FROM ctlpr.clock'), 't', 'a confirmed clock is believed');

# Partitions
$node->safe_psql('city', <<'SQL');
CREATE TABLE reads_by_day (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY RANGE (captured_at);
ALTER TABLE reads_by_day OWNER TO reads_owner;
GRANT CREATE ON SCHEMA public TO reads_owner;
GRANT SELECT, INSERT ON reads_by_day TO nhpd, nhpd_ingest;
SELECT ctlpr.govern('reads_by_day', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
run_piece('partitions', 'city') for 1, 2;
is($node->safe_psql('city', "SELECT count(*) >= 8, bool_and(relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'ctlpr_guard')) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'reads_by_day'::regclass"), 't|t', 'partitions for a week are there, and guarded');
is(sqlstate_of(connect_as($node, 'city', 'nhpd_ingest')->query("INSERT INTO reads_by_day VALUES (now(), 'DAY', 'CT-NHPD')")), '00000', '... and take reads');

SKIP:
{
	my $missing = $node->safe_psql('city', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_partman'") eq '0';
	$ran{$_} = 1 for $missing ? qw(partman partman_maintenance) : ();
	skip 'pg_partman is not installed (Debian package postgresql-N-partman)', 1 if $missing;
	$node->safe_psql('city', <<'SQL');
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
GRANT ALL ON SCHEMA partman TO reads_owner;
GRANT ALL ON ALL TABLES IN SCHEMA partman TO reads_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA partman TO reads_owner;
CREATE TABLE reads_by_month (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY RANGE (captured_at);
ALTER TABLE reads_by_month OWNER TO reads_owner;
SELECT ctlpr.govern('reads_by_month', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
	my $version = $node->safe_psql('city', "SELECT split_part(extversion, '.', 1)::int FROM pg_extension WHERE extname = 'pg_partman'");
	$node->safe_psql('city', 'SET ROLE reads_owner; ' . ($version >= 5
		? "SELECT partman.create_parent('public.reads_by_month', 'captured_at', '1 day', p_premake => 2, p_start_partition => (now() - interval '30 days')::text)"
		: "SELECT partman.create_parent('public.reads_by_month', 'captured_at', 'native', 'daily', p_premake => 2, p_start_partition => (now() - interval '30 days')::text)"));
	my $count = sub { return $node->safe_psql('city', "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'reads_by_month'::regclass AND c.relname !~ 'default'") };
	my $made = $count->();
	run_piece('partman', 'city');
	run_piece('partman_maintenance', 'city');
	cmp_ok($count->(), '>=', $made + 4, 'pg_partman makes the partitions to come');
	$made = $count->();
	$node->safe_psql('city', "COPY (SELECT now() - n * interval '1 day', 'OLD' || n, 'CT-NHPD' FROM generate_series(20, 29) n) TO '$keys/old'; SET ctlpr.restore = on; COPY reads_by_month FROM '$keys/old'");
	$node->safe_psql('city', "SELECT ctlpr.start_purge('reads_by_month', 'Chief'); SELECT ctlpr.purge('reads_by_month')");
	my $kept = $count->();
	cmp_ok($kept, '<=', $made - 8, '... and ctlpr drops those that have expired');
	run_piece('partman_maintenance', 'city');
	is($count->(), $kept, '... which pg_partman leaves gone');
	is($node->safe_psql('city', "SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation = 'reads_by_month'::regclass"), '9', '... with a certificate of their reads');
}

# Another key
my $signed = $node->safe_psql('city', 'SELECT size FROM ctlpr.audit_checkpoint()');
new_key();
$node->reload;
search($nhpd, 3);
like(run_piece('key', 'city'), qr/^\d+\|/, 'a new key signs');
is($node->safe_psql('city', 'SELECT valid FROM ctlpr.verify_audit()'), 't', '... and the log stays valid, with checkpoints of the old one in it');

# A backup from before is restored: the log has gone on since, and a checkpoint says so.
$node->backup('base');
my $at_backup = log_value($node, 'city', 'max(seq)');
search($nhpd, $_) for 1 .. 20;
$node->safe_psql('city', 'SELECT size FROM ctlpr.audit_checkpoint()');
run_piece('version', 'city');
$nhpd->close;
$node->stop;
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'base');
$restored->start;
$nhpd = connect_as($restored, 'city', 'nhpd');
is(sqlstate_of(search($nhpd, 1)), 'LP020', 'a log that was set back is not written to');
is($restored->safe_psql('city', 'SELECT writer_state FROM ctlpr.ctlpr_stat'), 'forked', '... and the writer says so');
like(run_piece('alerts', 'city', node => $restored), qr/^records are not written\|page$/m, '... and the alert rings');
run_piece('fork', 'city', node => $restored);
ok(await_true(sub { $nhpd->query('ROLLBACK'); return sqlstate_of(search($nhpd, 1)) eq '00000' }), 'when the fork is accepted, searches are answered');
is($restored->safe_psql('city', 'SELECT valid FROM ctlpr.verify_audit()'), 't', '... and the log is valid');
is(run_piece('alerts', 'city', node => $restored), '', '... and no alert rings');
$nhpd->close;

is(join(' ', grep { !$ran{$_} } @order), '', 'every piece of the page was run');
for my $on ($node, $restored) { unlike(slurp_file($on->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, $on->name . ': no process crashed') }
$restored->stop;

done_testing();
