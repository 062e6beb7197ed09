# Whoever watches over the server sees in ctlpr_stat what holds up the record and the deletion of reads, and sees no person: 14(a)(6), 13(b)(2)(A), 13(g)(5).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', "ctlpr.audit_timeout = 20s\nctlpr.audit_queue_size = 512kB\nctlpr.purge_naptime = 1s\nctlpr.erase_naptime = 1h\nautovacuum = off\n");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', 'CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher');
my $watcher = connect_as($node, 'city', 'watcher');

# stat(column ...) - a value of each, as the watcher sees them
sub stat_of
{
	my (@columns) = @_;
	my $result = $watcher->query('SELECT ' . join(', ', @columns) . ' FROM ctlpr.ctlpr_stat');
	BAIL_OUT("ctlpr_stat: $result->{error}{M}") if $result->{error};
	is(scalar @{ $result->{rows} }, 1, 'ctlpr_stat has one row') if @{ $result->{rows} } != 1;
	return wantarray ? @{ $result->{rows}[0] } : $result->{rows}[0][0];
}

# Who may look, and what it costs the log
my $entries = log_value($node, 'city', 'count(*)');
stat_of('*') for 1 .. 3;
is(log_value($node, 'city', 'count(*)', "session_role = 'watcher'"), '0', 'looking leaves no entry: it is about nobody');
is(sqlstate_of(connect_as($node, 'city', 'nhpd')->query('SELECT * FROM ctlpr.ctlpr_stat')), '42501', 'an officer does not see it');
is(sqlstate_of(connect_as($node, 'city', 'auditor')->query('SELECT * FROM ctlpr.ctlpr_stat')), '00000', 'an auditor does');
is(sqlstate_of($watcher->query('SELECT * FROM ctlpr.audit_log')), '42501', 'who watches does not read the log');

# Requests and refusals are counted as the log has them
my ($requests, $requests_refused, $refusals) = stat_of(qw(requests requests_refused refusals));
my $nhpd = connect_as($node, 'city', 'nhpd');
$nhpd->query('BEGIN; ' . request_sql("counted $_") . "; SELECT plate FROM plate_reads WHERE plate = 'NH$_'; COMMIT") for 1 .. 7;
for (1 .. 2) { $nhpd->query("BEGIN; SELECT ctlpr.begin_request('immigration_enforcement')"); $nhpd->query('ROLLBACK') }
$nhpd->query('SELECT plate FROM plate_reads') for 1 .. 3;
my ($requests_now, $requests_refused_now, $refusals_now) = stat_of(qw(requests requests_refused refusals));
is($requests_now - $requests, 9, 'requests are counted');
is($requests_refused_now - $requests_refused, 2, '... those that were refused');
is($refusals_now - $refusals, 5, '... and all refusals');
is($refusals_now, log_value($node, 'city', 'count(*)', "entry = 'verdict' AND allowed = false AND enforced"), 'that is what the log has');
$node->safe_psql('city', "UPDATE ctlpr.governed_relation SET mode = 'observe', observe_until = now() + interval '1 hour'");
$nhpd->query('SELECT count(*) FROM plate_reads');
$nhpd->query('BEGIN; ' . request_sql('enforced again') . '; COMMIT');
is(stat_of('refusals'), $refusals_now, 'what is observed and would be refused is no refusal');
$node->safe_psql('city', "UPDATE ctlpr.governed_relation SET mode = 'enforce', observe_until = NULL");

# What is written is counted as the log has it, however many writers there were
sub await_empty { return await_true(sub { return stat_of('queue_entries = 0 AND waiting_backends = 0') eq 't' }) }
ok(await_empty(), 'the queue empties');
my $missing = sub { my ($written, $log) = stat_of(qw(entries_written log_entries)); return $log - $written };
is($missing->(), 0, 'each entry of the log has been counted when it was written');
is(stat_of('log_entries'), log_value($node, 'city', 'max(seq)'), '... up to the newest');
await_empty();
my ($batches, $flush, $last, $bytes, $unwritten) = stat_of(qw(batches flush_time_ms flush_last_ms queue_bytes oldest_unwritten_age));
cmp_ok($batches, '>', 5, 'batches are counted');
cmp_ok($batches, '<=', stat_of('entries_written'), '... none is empty');
ok($flush > 0 && $flush < 5000 && $last > 0, "their flushes are timed ($flush ms)");
is($bytes, 0, 'an empty queue takes no room');
is($unwritten, undef, '... and nothing in it is old');
await_true(sub { return stat_of("clock_timestamp() - since > interval '2 seconds'") eq 't' });
my ($rate, $recent, $age, $written) = stat_of('entries_per_second', 'entries_per_second_recent', 'extract(epoch FROM clock_timestamp() - since)', 'entries_written');
cmp_ok(abs($rate * $age - $written), '<=', $written * 0.05 + 1, "entries a second are entries by seconds ($rate for $age s, $written)");
cmp_ok(abs($recent - $rate), '<=', $rate * 0.05, '... and in the first minute those of the last one');
my ($waits, $wait_ms) = stat_of(qw(waits wait_time_ms));
cmp_ok($waits, '>', 0, 'waits are counted');

# The queue fills while the writer is stopped
my $writer = await_writer($node, 'city');
is(stat_of('writer_pid'), $writer, 'the writer is named');
ok(await_true(sub { return stat_of('writer_state') eq 'idle' }), '... and idle');
kill 'STOP', $writer;
my @children;
for my $client (1 .. 3)
{
	push @children, start_child(
		sub {
			my ($to) = @_;
			print $to sqlstate_of(connect_as($node, 'city', 'nhpd')->query('SELECT plate FROM plate_reads')) . "\n";
		});
}
ok(await_true(sub { return stat_of('waiting_backends') == 3 }), 'three sessions wait for a stopped writer');
my ($queued, $peak, $capacity);
($queued, $bytes, $peak, $capacity) = stat_of(qw(queue_entries queue_bytes queue_peak_bytes queue_capacity_bytes));
cmp_ok($queued, '>=', 3, 'their entries are queued');
ok($bytes > 3 * 100 && $bytes <= $peak && $peak <= $capacity && $capacity == 512 * 1024, "... and take room ($bytes of $capacity)");
sleep 1.2;
cmp_ok(stat_of('extract(epoch FROM oldest_unwritten_age)'), '>=', 1.2, 'the oldest of them grows old');
# One that is ended in its wait waits no more.
my $ended = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE usename = 'nhpd' AND state = 'active' LIMIT 1");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($ended)");
ok(await_true(sub { return stat_of('waiting_backends') == 2 }), 'a session that is ended in its wait is not counted any more');
my $cancelled = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE usename = 'nhpd' AND state = 'active' LIMIT 1");
$node->safe_psql('postgres', "SELECT pg_cancel_backend($cancelled)");
ok(await_true(sub { return stat_of('waiting_backends') == 1 }), '... nor one that is cancelled');
is(stat_of('timeouts'), 0, 'none of them has met the timeout');
kill 'CONT', $writer;
my %states;
$states{ (lines_of($_))[0] // 'gone' }++ for @children;
is($states{LP001}, 1, 'the third is answered when the writer goes on');
ok(await_empty(), '... and the queue empties');
my ($waits_now, $wait_ms_now) = stat_of(qw(waits wait_time_ms));
cmp_ok($waits_now - $waits, '>=', 2, 'their waits are counted');
cmp_ok($wait_ms_now - $wait_ms, '>=', 2 * 1200, '... and timed');
is($missing->(), 0, 'each entry has been counted once');
cmp_ok(stat_of('flush_last_ms'), '<', 1000, 'the time of the stop is not that of a flush');

# Timeouts and room
$node->safe_psql('city', "ALTER ROLE nhpd SET ctlpr.audit_timeout = '100ms'");
my $hasty = connect_as($node, 'city', 'nhpd');
my ($timeouts, $room) = stat_of(qw(timeouts room_waits));
$writer = await_writer($node, 'city') || $writer;
kill 'STOP', $writer;
my $long = 'x' x 4096;
for my $n (1 .. 40)
{
	$hasty->query("BEGIN; SELECT ctlpr.begin_request('stolen_vehicle', case_number => '$long', reason => 'full $n', officer => '$long', offense => '$long', terminal => '$long')");
	$hasty->query('ROLLBACK');
}
is(stat_of('timeouts') - $timeouts, 40, 'each statement that is refused for want of a record is counted');
cmp_ok(stat_of('room_waits') - $room, '>', 0, '... and those that found no room');
cmp_ok(stat_of('queue_peak_bytes'), '>', 0.9 * 512 * 1024, 'the queue has been full');
kill 'CONT', $writer;
ok(await_empty(), 'then it empties');
is($missing->(), 0, 'each entry has been counted once');
$node->safe_psql('city', 'ALTER ROLE nhpd RESET ALL');

# Another writer counts on
my ($before, $since) = stat_of(qw(entries_written writer_since));
await_empty();
$writer = await_writer($node, 'city');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($writer)");
ok(await_true(sub { return stat_of('writer_state') eq 'none' }), 'a writer that is ended leaves none');
is(stat_of('writer_pid'), undef, '... nor its process');
$nhpd->query('SELECT plate FROM plate_reads');
isnt(stat_of('writer_pid'), $writer, 'the next one is another process');
isnt(stat_of('writer_since'), $since, '... with its own time');
cmp_ok(stat_of('entries_written'), '>', $before, '... and counts on');
is($missing->(), 0, '... each entry once');

# Purge and erasure
is(stat_of('purge_lag'), undef, 'where nothing is purged there is no lag of it');
$node->safe_psql('city', "SET client_min_messages = error; SELECT ctlpr.start_purge('plate_reads', 'Chief')");
ok(await_true(sub { return $node->safe_psql('city', "SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('plate_reads')") eq '0' && stat_of('purge_lag < interval \'5 seconds\'') eq 't' }), 'the purge is as far as its naptime lets it be');
is(stat_of('purge_behind'), undef, '... and behind in nothing');
cmp_ok(stat_of('extract(epoch FROM erase_lag)'), '>', 0, 'what it deleted waits for erasure');
is(stat_of('erase_behind'), 'plate_reads', '... in that relation');
my $locker = connect_as($node, 'city');
$node->safe_psql('city', "SET session_replication_role = replica; SET ctlpr.restore = on; COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'echo 2020-01-01,LATE,CT-NHPD' WITH (FORMAT csv)");
$locker->query('BEGIN');
is(sqlstate_of($locker->query('LOCK TABLE plate_reads IN SHARE MODE')), '00000', 'somebody locks the table');
ok(await_true(sub { return (stat_of('purge_behind') // '') eq 'plate_reads' }), 'a relation that cannot be purged is named');
sleep 2.5;
cmp_ok(stat_of('extract(epoch FROM purge_lag)'), '>=', 2, '... and the lag grows');
$locker->query('ROLLBACK');
ok(await_true(sub { return !defined stat_of('purge_behind') && stat_of('purge_lag < interval \'2.5 seconds\'') eq 't' }), '... until it can');
$node->safe_psql('city', 'CALL ctlpr.erase()');
is(stat_of("erase_lag || ' ' || coalesce(erase_behind::text, 'none')"), '00:00:00 none', 'after the erasure nothing waits for it') or diag($node->safe_psql('city', 'SELECT * FROM ctlpr.erase_status'));

# Rules
my ($changes, $loads) = stat_of(qw(rule_changes rule_loads));
$node->safe_psql('city', "SELECT ctlpr.register_agency('CT-X', 'X', 'police', 'CT')");
$nhpd->query('SELECT plate FROM plate_reads');
cmp_ok(stat_of('rule_changes'), '>', $changes, 'changes of rules are counted');
cmp_ok(stat_of('rule_loads'), '>', $loads, '... and sessions that met them');

# Checkpoints: there are none without a key
is(join(' ', map { $_ // 'NULL' } stat_of(qw(checkpoint_size checkpoint_age))), 'NULL NULL', 'where nothing is signed no age of a checkpoint is told');

# Databases count apart
new_world($node, 'county');
my $county = connect_as($node, 'county', 'watcher');
$before = stat_of('refusals');
connect_as($node, 'county', 'nhpd')->query('SELECT plate FROM plate_reads');
is(stat_of('refusals'), $before, 'what is refused in another database is not counted here');
cmp_ok($county->query('SELECT refusals FROM ctlpr.ctlpr_stat')->{rows}[0][0], '>=', 1, '... but there');
$county->close;

# A restart begins anew
my $log_entries = stat_of('log_entries');
$watcher->close;
$node->restart;
$watcher = connect_as($node, 'city', 'watcher');
is(join(' ', stat_of(qw(requests requests_refused waits timeouts batches entries_written queue_peak_bytes))), '0 0 0 0 0 0 0', 'after a restart the counts begin anew');
is(stat_of('since >= pg_postmaster_start_time()'), 't', '... and say since when');
ok(await_true(sub { return stat_of('purge_lag < clock_timestamp() - pg_postmaster_start_time() + interval \'1 second\'') eq 't' }), 'the purge lag is none that is not known');
connect_as($node, 'city', 'nhpd')->query('SELECT plate FROM plate_reads');
cmp_ok(stat_of('log_entries'), '>', $log_entries, 'the log goes on');
is(stat_of('refusals'), 1, '... and the counts do');
check_log_is_whole($node, 'city', 'at the end');
unlike(slurp_file($node->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, 'no process crashed');
$node->stop;

done_testing();
