# Without a working audit writer nothing is released, and nothing is lost or doubled once it works again: 14(a)(6), invariants 1 and 5.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
ctlpr.audit_timeout = 1s
ctlpr.audit_queue_size = 512kB
ctlpr.max_databases = 3
autovacuum = off
CONF
$node->start;
new_world($node, 'city');
my $nhpd = connect_as($node, 'city', 'nhpd');
my $result;

sub verdicts { my ($where) = @_; return log_value($node, 'city', 'count(*)', "entry = 'verdict' AND $where") }

# A writer that does not answer
$nhpd->query('BEGIN');
my $request = $nhpd->query(request_sql('stopped'))->{rows}[0][0];
my $writer = await_writer($node, 'city');
ok($writer, 'an audit writer runs');
kill 'STOP', $writer;
my $began = time;
$result = $nhpd->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'");
my $took = time - $began;
is(sqlstate_of($result), 'LP020', 'a search is refused while the writer does not answer');
is(scalar @{ $result->{rows} }, 0, '... without a row');
cmp_ok($took, '>=', 0.9, '... not before ctlpr.audit_timeout');
cmp_ok($took, '<', 3, '... and soon after it');
like($result->{error}{H} // '', qr/\.$/, '... with a hint');
$nhpd->query('ROLLBACK; BEGIN');
is(sqlstate_of($nhpd->query(request_sql('stopped request'))), 'LP020', 'so is begin_request()');
$nhpd->query('ROLLBACK');
is(sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')), 'LP020', 'a statement without a request is not answered either: its refusal is not on record');
is(sqlstate_of($nhpd->query('SELECT count(*) FROM pg_class')), '00000', 'an ungoverned statement goes on');
my $ingest = connect_as($node, 'city', 'nhpd_ingest');
is(sqlstate_of($ingest->query("INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'NEW1', 'CT-NHPD')")), '00000', 'ingest goes on: it needs no entry');
kill 'CONT', $writer;

$nhpd->query('BEGIN');
$nhpd->query(request_sql('going on'));
is(scalar @{ $nhpd->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'")->{rows} }, 1, 'a search is answered when the writer goes on');
$nhpd->query('COMMIT');
is(verdicts("request_seq = $request AND action = 'select'"), '1', 'what was queued for the refused search is on record, once');
ok(await_log($node, 'city', "entry = 'outcome' AND outcome = 'error' AND of_seq = (SELECT seq FROM ctlpr.audit_entry WHERE request_seq = $request AND action = 'select')"),
	'... and its outcome is an error');
is(verdicts("reason = 'stopped request'"), '1', 'the request that was not answered is on record, once');
is(verdicts("request_seq IN (SELECT seq FROM ctlpr.audit_entry WHERE reason = 'going on') AND action = 'select'"), '1', 'the search after it too');
check_log_is_whole($node, 'city', 'after the stop');

# A full queue: entries of some 20 kB while the writer is stopped
$node->safe_psql('city', "ALTER ROLE nhpd SET ctlpr.audit_timeout = '100ms'");
my $hasty = connect_as($node, 'city', 'nhpd');
my $long = 'x' x 4096;
my $tries = 40;
my %states;
kill 'STOP', $writer;
for my $n (1 .. $tries)
{
	$result = $hasty->query("BEGIN; SELECT ctlpr.begin_request('stolen_vehicle', case_number => '$long', reason => 'full $n', officer => '$long', offense => '$long', terminal => '$long')");
	$states{ sqlstate_of($result) }++;
	$hasty->query('ROLLBACK');
}
is_deeply(\%states, { LP020 => $tries }, 'every request is refused with LP020 while the queue fills up and when it is full');
kill 'CONT', $writer;
$hasty->query('BEGIN');
is(sqlstate_of(await_true(sub { my $r = $hasty->query(request_sql('after full')); $hasty->query('ROLLBACK; BEGIN') if $r->{error}; return $r->{error} ? undef : $r })), '00000', 'when the writer goes on, requests do');
is(scalar @{ $hasty->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'")->{rows} }, 1, '... and searches');
$hasty->query('COMMIT');
my $recorded = verdicts("reason LIKE 'full %'");
cmp_ok($recorded, '>', 10, "what the queue had taken is on record ($recorded of $tries)");
cmp_ok($recorded, '<', $tries, '... what it had no room for is not');
is(verdicts("reason LIKE 'full %' AND octet_length(case_number) = 4096"), $recorded, 'nothing of it is cut');
is(log_value($node, 'city', 'count(DISTINCT reason)', "reason LIKE 'full %'"), $recorded, 'nothing of it is doubled');
check_log_is_whole($node, 'city', 'after the full queue');
$node->safe_psql('city', 'ALTER ROLE nhpd RESET ALL');

# pg_terminate_backend() of the writer, again and again, under load: for some seconds, and on a slow machine until three have come
my $enough = $node->basedir . '/enough_writers';
my @children;
for my $client (1 .. 3)
{
	push @children, start_child(
		sub {
			my ($to) = @_;
			my $officer = connect_as($node, 'city', $client == 3 ? 'hpd' : 'nhpd');
			my $until = time + 60;
			for (my $n = 1; time < $until && !-e $enough; $n++)
			{
				my $r = $officer->query('BEGIN; ' . request_sql("terminate $client $n") . "; SELECT plate FROM plate_reads WHERE plate = 'NH1'; COMMIT");
				my $seq = @{ $r->{rows} } ? $r->{rows}[0][0] : 0;
				print $to sqlstate_of($r) . " $seq terminate $client $n\n";
				$officer->query('ROLLBACK') if $r->{status} ne 'I';
			}
		});
}
my %writers;
my $begun = time;
while (time < $begun + 3.5 || (keys %writers < 3 && time < $begun + 50))
{
	sleep 0.1;
	my $pid = worker_pid($node, 'city', 'ctlpr audit writer') or next;
	$writers{$pid}++;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") if rand() < 0.5;
}
append_to_file($enough, "enough\n");
my @told = map { lines_of($_) } @children;
cmp_ok(scalar keys %writers, '>', 2, 'several writers followed each other');
my @good = grep { /^00000/ } @told;
cmp_ok(scalar @good, '>', 20, @good . ' of ' . @told . ' searches were answered meanwhile');
is(scalar(grep { !/^(00000|LP020) / } @told), 0, 'each was answered or refused with LP020');
my %recorded = map { /^(\d+) (.*)$/ ? ($2 => $1) : () } split /\n/, log_value($node, 'city', "seq || ' ' || reason", "action = 'request' AND reason LIKE 'terminate %'");
is(scalar(grep { my ($seq, $reason) = /^00000 (\d+) (.*)$/; ($recorded{$reason} // 0) != $seq } @good), 0, 'each answered request is on record under its number');
is($node->safe_psql('city', "SELECT count(*) FROM (SELECT FROM ctlpr.audit_entry WHERE action = 'request' AND reason LIKE 'terminate %' GROUP BY reason HAVING count(*) > 1) d"), '0', 'no request is doubled');
is($node->safe_psql('city', "SELECT count(*) FROM (SELECT FROM ctlpr.audit_entry WHERE action = 'select' AND entry = 'verdict' AND reason LIKE 'terminate %' GROUP BY request_seq HAVING count(*) > 1) d"), '0', 'no search is doubled');
my %searched = map { $_ => 1 } split /\n/, log_value($node, 'city', 'request_seq', "action = 'select' AND reason LIKE 'terminate %'");
is(scalar(grep { my ($seq) = /^00000 (\d+) /; !$searched{$seq} } @good), 0, 'each answered search is on record');
check_log_is_whole($node, 'city', 'after the writers');

# audit_durability: a superuser's choice
is(sqlstate_of($nhpd->query('SET ctlpr.audit_durability = async')), '42501', 'an officer cannot give up durability');
is(sqlstate_of($nhpd->query("SET ctlpr.audit_timeout = '10min'")), '42501', '... nor change the timeout');
$node->safe_psql('city', "ALTER ROLE hpd SET ctlpr.audit_durability = 'async'");
my $hpd = connect_as($node, 'city', 'hpd');
$hpd->query('BEGIN');
$hpd->query(request_sql('async'));
$writer = await_writer($node, 'city');
kill 'STOP', $writer;
$began = time;
is(scalar @{ $hpd->query("SELECT plate FROM plate_reads WHERE plate = 'HA1'")->{rows} }, 1, 'with audit_durability = async rows do not wait');
cmp_ok(time - $began, '<', 0.8, '... not for the timeout either');
$hpd->query('COMMIT');
kill 'CONT', $writer;
ok(await_log($node, 'city', "action = 'select' AND reason = 'async'"), '... their entry follows');
$hpd->close;
$node->safe_psql('city', 'ALTER ROLE hpd RESET ALL');

# Several databases, each with its log
new_world($node, 'county');
my $other = connect_as($node, 'county', 'nhpd');
$other->query('BEGIN');
is($other->query(request_sql('county'))->{error}, undef, 'a second database has requests');
is(scalar @{ $other->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'")->{rows} }, 1, '... and searches');
$other->query('COMMIT');
$other->close;
is(verdicts("reason = 'county'"), '0', 'its entries are not in the first log');
is(log_value($node, 'county', 'count(*)', "reason = 'county' AND action = 'request'"), '1', '... but in its own');
check_log_is_whole($node, 'county', 'the second log');
$writer = worker_pid($node, 'city', 'ctlpr audit writer') || do { $nhpd->query('SELECT 1 FROM plate_reads'); await_writer($node, 'city') };
kill 'STOP', $writer;
$other = connect_as($node, 'county', 'nhpd');
$other->query('BEGIN');
$other->query(request_sql('county'));
is(scalar @{ $other->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'")->{rows} }, 1, 'a dead writer of one database does not hinder another');
$other->query('COMMIT');
$other->close;
kill 'CONT', $writer;

# More databases than ctlpr.max_databases
new_world($node, 'state');
$node->safe_psql('postgres', 'CREATE DATABASE nation');
my ($status, $out, $err) = $node->psql('nation', "SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; SELECT ctlpr.adopt_statute('us-ct-2026')");
like($err, qr/ERROR: .*too many databases use ctlpr/, 'one database more than ctlpr.max_databases is refused');
like($err, qr/HINT: .*ctlpr\.max_databases/, '... with the setting to raise');

# DROP DATABASE and DROP EXTENSION while a writer runs
$writer = worker_pid($node, 'county', 'ctlpr audit writer');
ok($writer, 'a writer runs in the second database');
($status, $out, $err) = $node->psql('postgres', 'DROP DATABASE county');
is($err, '', 'DROP DATABASE is not hindered by it');
my $third = connect_as($node, 'state', 'nhpd');
is(sqlstate_of($third->query('SELECT 1 FROM plate_reads')), 'LP001', 'a third database is governed');
ok(await_writer($node, 'state'), '... and has a writer');
$node->safe_psql('state', "SELECT ctlpr.release('plate_reads', 'end of the test'); DROP EXTENSION ctlpr");
is($node->safe_psql('state', "SELECT count(*) FROM pg_extension WHERE extname = 'ctlpr'"), '0', 'DROP EXTENSION works while a writer runs');
is(scalar @{ $third->query('SELECT 1 FROM plate_reads LIMIT 1')->{rows} }, 1, '... and nothing is governed any more, in a session that knew it either');
($status, $out, $err) = $node->psql('state', 'SET client_min_messages = warning; CREATE EXTENSION ctlpr; SELECT ctlpr.adopt_statute(\'us-ct-2026\')');
is($err, '', 'the extension can be made again at once');
is(log_value($node, 'state', 'min(seq)', "action = 'configuration' AND detail ->> 'function' = 'adopt_statute'"), '1', '... with a new log');
$third->close;

# No slot for a worker
$nhpd->close;
$node->append_conf('postgresql.conf', "max_worker_processes = 2\nmax_logical_replication_workers = 1\n");
$node->restart;
$nhpd = connect_as($node, 'city', 'nhpd');
$nhpd->query('BEGIN');
$result = $nhpd->query(request_sql('no slot'));
is(sqlstate_of($result), 'LP020', 'without a free worker slot a request is refused');
like($result->{error}{H}, qr/max_worker_processes/, '... with a hint that names max_worker_processes');
is(sqlstate_of($nhpd->query('ROLLBACK')), '00000', '... and the session goes on');
$nhpd->close;
like(slurp_file($node->logfile), qr/no free worker slot for ctlpr audit writer/, '... and the server log says so');
$node->append_conf('postgresql.conf', "max_worker_processes = 16\n");
$node->restart;
$nhpd = connect_as($node, 'city', 'nhpd');
$nhpd->query('BEGIN');
is($nhpd->query(request_sql('slots again'))->{error}, undef, 'with free slots it goes on');
$nhpd->query('COMMIT');
check_log_is_whole($node, 'city', 'after the restart');
$nhpd->close;

my $log = slurp_file($node->logfile);
unlike($log, qr/\bPANIC\b|TRAP:|terminated by signal/, 'no process crashed');
unlike($log, qr/ERROR.*duplicate key/, 'no writer met a number twice');
$node->stop;

done_testing();
