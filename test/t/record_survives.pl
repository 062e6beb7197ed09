# The record of an access is durable before anything of it is released, and outlives rollback, error and crash: 14(a)(6), invariant 1.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

# A process that is killed loses what it had not written out.  synchronous_commit = off and a lazy WAL writer leave every
# commit that does not insist on a flush in that state.
my $node = new_node('main', <<'CONF');
restart_after_crash = on
synchronous_commit = off
wal_writer_delay = 10s
wal_writer_flush_after = 1GB
autovacuum = off
CONF
$node->start;
new_world($node, 'city');

my $nhpd = connect_as($node, 'city', 'nhpd');
my $result;

sub entries { my ($where) = @_; return log_value($node, 'city', 'count(*)', "entry = 'verdict' AND $where") }

# ROLLBACK
$nhpd->query('BEGIN');
$result = $nhpd->query(request_sql('rollback 1'));
my $request = $result->{rows}[0][0];
like($request, qr/^\d+$/, 'begin_request() returns the number of its entry');
is(scalar @{ $nhpd->query("SELECT plate FROM plate_reads WHERE plate = 'NH7'")->{rows} }, 1, 'an allowed select returns its row');
$nhpd->query('ROLLBACK');
is(entries("seq = $request AND action = 'request' AND reason = 'rollback 1' AND allowed"), '1', 'the request is on record after ROLLBACK');
is(entries("request_seq = $request AND action = 'select' AND allowed AND plates = '{NH7}'"), '1', 'the select is on record after ROLLBACK');

$nhpd->query('BEGIN');
$result = $nhpd->query("SELECT plate, 'rollback 2' FROM plate_reads");
is(sqlstate_of($result), 'LP001', 'a select without a request is refused');
$nhpd->query('ROLLBACK');
is(entries("action = 'select' AND NOT allowed AND sqlstate = 'LP001'"), '1', 'the refusal of a statement is on record after ROLLBACK');

$nhpd->query('BEGIN');
$result = $nhpd->query("SELECT ctlpr.begin_request('immigration_enforcement', reason => 'rollback 3')");
is(sqlstate_of($result), 'LP004', 'a forbidden purpose is refused');
$nhpd->query('ROLLBACK');
is(entries("action = 'request' AND NOT allowed AND sqlstate = 'LP004' AND reason = 'rollback 3' AND clause = '13(d)(3)'"), '1', 'the refusal of a request is on record after ROLLBACK');

# An error in the same statement would print a plate
$nhpd->query('BEGIN');
$request = $nhpd->query(request_sql('cast'))->{rows}[0][0];
$nhpd->send_query("SELECT plate::int FROM plate_reads WHERE plate = 'NH8'");
is($nhpd->until_first_row, undef, 'a failing cast returns no row');
is($nhpd->{before_row}{C}, '22P02', '... but its error');
is(entries("request_seq = $request AND action = 'select' AND allowed AND plates = '{NH8}'"), '1', 'the entry is there when the error text is');
$nhpd->query('ROLLBACK');
ok(await_log($node, 'city', "entry = 'outcome' AND of_seq IN (SELECT seq FROM ctlpr.audit_entry WHERE request_seq = $request AND action = 'select') AND outcome = 'error' AND sqlstate = '22P02'"),
	'its outcome is the error');

# The same with a record that cannot be made durable: the error text stays inside
$node->safe_psql('city', q{CREATE FUNCTION tell(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN 1; END'});
my $writer = worker_pid($node, 'city', 'ctlpr audit writer');
$node->safe_psql('city', "ALTER ROLE nhpd SET ctlpr.audit_timeout = '500ms'");
my $hasty = connect_as($node, 'city', 'nhpd');
$hasty->query('BEGIN');
$hasty->query(request_sql('cast without record'));
kill 'STOP', $writer;
for my $leak (
	[ 'a failing cast',           q{SELECT plate::int FROM plate_reads} ],
	[ 'a failing filter',         q{SELECT 1 FROM plate_reads WHERE plate::int = 7} ],
	[ 'a notice of a DO block',   q{DO $$ DECLARE p text; BEGIN SELECT plate INTO p FROM plate_reads LIMIT 1; RAISE NOTICE '%', p; END $$} ],
	[ 'an error of a DO block',   q{DO $$ DECLARE p text; BEGIN SELECT plate INTO p FROM plate_reads LIMIT 1; RAISE EXCEPTION '%', p; END $$} ],
	[ 'a notice of a function',   q{SELECT tell(plate) FROM plate_reads} ],
	[ 'an empty answer',          q{SELECT plate FROM plate_reads WHERE plate = 'NOWHERE'} ],
	[ 'a lock that others see',   q{SELECT pg_advisory_lock(hashtext(plate)) FROM plate_reads} ],
	[ 'a function that notifies', q{SELECT pg_notify('out', plate) FROM plate_reads} ],
	[ 'a cursor',                 q{DECLARE c CURSOR FOR SELECT plate FROM plate_reads; FETCH c} ],
	[ 'COPY TO',                  q{COPY (SELECT plate FROM plate_reads) TO STDOUT} ],
	[ 'EXPLAIN ANALYZE',          q{EXPLAIN ANALYZE SELECT plate FROM plate_reads WHERE plate::int = 7} ])
{
	$hasty->query('SAVEPOINT s');
	$result = $hasty->query($leak->[1]);
	is(sqlstate_of($result), 'LP020', "$leak->[0] waits for the record and is refused without it");
	unlike(join(' ', map { defined $_ ? values %$_ : () } $result->{error}, @{ $result->{notices} }), qr/NH\d|HA\d/, "$leak->[0] shows no plate in a message");
	is(scalar @{ $result->{rows} }, 0, "$leak->[0] returns no row");
	$hasty->query('ROLLBACK TO s');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'no such lock was taken');
kill 'CONT', $writer;
$hasty->query('ROLLBACK');
$hasty->close;

# kill -9 of the backend when its first row has arrived; the postmaster then ends all and recovers
my $many = 'SELECT plate FROM plate_reads, generate_series(1, 1000)';
for my $way ('rows of one statement', 'FETCH')
{
	my $victim = connect_as($node, 'city', 'nhpd');
	$victim->query('BEGIN');
	$request = $victim->query(request_sql("kill backend, $way"))->{rows}[0][0];
	if ($way eq 'FETCH')
	{
		$victim->query("DECLARE c CURSOR FOR $many");
		$victim->send_query('FETCH 1 FROM c');
	}
	else
	{
		$victim->send_query($many);
	}
	ok(defined $victim->until_first_row, "$way: the first row is there");
	ok(kill_and_recover($node, $victim->pid), "$way: the server recovers from kill -9 of the backend");
	is(entries("seq = $request AND action = 'request'"), '1', "$way: the request is on record");
	is(entries("request_seq = $request AND action = 'select' AND allowed"), '1', "$way: the select whose first row arrived is on record");
}

# kill -9 of the writer, right after the request and the first row
my $victim = connect_as($node, 'city', 'nhpd');
$victim->query('BEGIN');
$request = $victim->query(request_sql('kill writer'))->{rows}[0][0];
$writer = await_writer($node, 'city');
$victim->send_query($many);
ok(defined $victim->until_first_row, 'the first row is there');
ok(kill_and_recover($node, $writer), 'the server recovers from kill -9 of the writer');
is(entries("seq = $request AND action = 'request' AND reason = 'kill writer'"), '1', 'the request is on record after kill -9 of the writer');
is(entries("request_seq = $request AND action = 'select'"), '1', 'so is the select');

# kill -9 of everything, right after begin_request() returned
for my $round (1 .. 2)
{
	$victim = connect_as($node, 'city', 'nhpd');
	$victim->query('BEGIN');
	$request = $victim->query(request_sql("kill server $round"))->{rows}[0][0];
	$node->stop('immediate');
	$node->start;
	is(entries("seq = $request AND action = 'request' AND reason = 'kill server $round'"), '1', "round $round: the request is on record after the server was killed");
}

# Under load: whoever was told a number finds exactly that entry, and everything tried has one verdict at most
my @told;
for my $round (1 .. 3)
{
	my @children;
	for my $client (1 .. 3)
	{
		push @children, start_child(
			sub {
				my ($to) = @_;
				my $officer = connect_as($node, 'city', 'nhpd');
				for my $n (1 .. 100000)
				{
					my $r = $officer->query('BEGIN; ' . request_sql("load $round $client $n") . "; SELECT plate FROM plate_reads WHERE plate = 'NH$n'; ROLLBACK");
					last if $r->{gone} || $r->{error} || !@{ $r->{rows} };
					print $to "$r->{rows}[0][0] load $round $client $n\n";
				}
			});
	}
	sleep 0.7;
	if ($round == 1) { kill_and_recover($node, await_writer($node, 'city')) }
	elsif ($round == 2) { kill_and_recover($node, worker_pid($node, undef, 'ctlpr launcher')) }
	else { $node->stop('immediate'); $node->start }
	push @told, map { lines_of($_) } @children;
}
cmp_ok(scalar @told, '>', 30, 'clients were told ' . @told . ' numbers before the crashes');
my %told = map { /^(\d+) (.*)$/ ? ($2 => $1) : () } @told;
my %recorded;
my $doubled = 0;
for (split /\n/, log_value($node, 'city', "seq || ' ' || reason", "action = 'request' AND reason LIKE 'load %'"))
{
	my ($seq, $reason) = /^(\d+) (.*)$/;
	$doubled++ if exists $recorded{$reason};
	$recorded{$reason} = $seq;
}
is($doubled, 0, 'no request is recorded twice');
is(scalar(grep { ($recorded{$_} // '') ne $told{$_} } keys %told), 0, 'every number that was told is the entry of that request');
is(log_value($node, 'city', 'count(*)', "action = 'select' AND reason LIKE 'load %' AND entry = 'verdict'") <= keys %recorded, 1, 'no statement is recorded twice');
is($node->safe_psql('city', "SELECT count(*) FROM (SELECT FROM ctlpr.audit_entry WHERE entry = 'verdict' AND action = 'select' AND request_seq IS NOT NULL AND reason LIKE 'load %' GROUP BY request_seq HAVING count(*) > 1) d"),
	'0', 'one verdict for each statement');
my %searched = map { $_ => 1 } split /\n/, log_value($node, 'city', 'request_seq', "action = 'select' AND reason LIKE 'load %'");
is(scalar(grep { !$searched{$_} } values %told), 0, 'every search whose rows arrived has its entry');
check_log_is_whole($node, 'city', 'after eight crashes');
$node->stop;

done_testing();
