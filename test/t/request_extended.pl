# A portal or prepared statement never carries one requester's sight, or one instant's, to another: 13(b)(2)(A), 13(d)(6), invariant 4.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $node = new_node('main', 'autovacuum = off');
$node->start;
new_world($node, 'city');
$node->safe_psql('city', <<'SQL');
CREATE ROLE app LOGIN NOINHERIT;
GRANT nhpd, hpd, unbound TO app;
CREATE ROLE console LOGIN;
SELECT ctlpr.bind_role('console', 'CT-NHPD', session_scope => true);
SQL
my $app = connect_as($node, 'city', 'app');
my $result;

# run(sql ...) - each as a message of its own; dies on an error
sub run
{
	for my $sql (@_)
	{
		my $r = $app->query($sql);
		die "$sql: $r->{error}{C} $r->{error}{M}" if $r->{error};
	}
	return;
}

# open_portal(sql, values) - parsed and bound under the name "p"
sub open_portal
{
	my ($sql, @values) = @_;
	$app->parse('', $sql);
	$app->bind_portal('p', '', @values);
	return $app->sync;
}

sub more
{
	my ($limit) = @_;
	$app->execute('p', $limit);
	return $app->sync;
}

sub selects { my ($more) = @_; return log_value($node, 'city', 'count(*)', "entry = 'verdict' AND action = 'select' AND relation = 'public.plate_reads'" . ($more ? " AND $more" : '')) }

# Taken up again under the same request
my $own = "SELECT plate FROM plate_reads WHERE agency_id = 'CT-NHPD'";
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('resumed'));
my $before = selects();
is(open_portal($own)->{error}, undef, 'a portal is bound');
my $rows = 0;
for my $step (1 .. 4)
{
	$result = more(30);
	is($result->{error}, undef, "step $step under the same request");
	$rows += @{ $result->{rows} };
	is($result->{suspended}, $step < 4 ? 1 : 0, $step < 4 ? '... is left half way' : '... is the last');
}
is($rows, 100, 'all live reads of the agency arrived, in steps');
$app->close_portal('p');
run('COMMIT');
ok(await_log($node, 'city', "entry = 'outcome' AND rows_returned = 100 AND outcome = 'ok'"), 'its outcome counts them all');
is(selects() - $before, 1, '... in one entry for the statement');

# Something changed while it was suspended
for my $change (
	[ 'end_request()',           'SELECT ctlpr.end_request()' ],
	[ 'another request',         request_sql('another') ],
	[ 'another role',            'SET LOCAL ROLE hpd' ],
	[ 'another unbound role',    'SET LOCAL ROLE unbound' ],
	[ 'RESET ROLE',              'RESET ROLE' ],
	[ 'RESET ALL',               'RESET ALL' ],
	[ 'a savepoint rolled back', 'ROLLBACK TO SAVEPOINT before_request' ])
{
	my ($name, $sql) = @$change;
	run('BEGIN', 'SET LOCAL ROLE nhpd');
	if ($name =~ /savepoint/)
	{
		# The portal must be older than the savepoint to outlive it, so its request is, too.
		run(request_sql('outer'));
		open_portal($own);
		is(scalar @{ more(2)->{rows} }, 2, "$name: first rows");
		run('SAVEPOINT before_request', request_sql('inner'));
		is(sqlstate_of(more(2)), 'LP010', '... refused under an inner request');
		run($sql);
	}
	else
	{
		run(request_sql("before $name"));
		open_portal($own);
		$result = more(2);
		is(scalar @{ $result->{rows} }, 2, "$name: first rows");
		run($sql);
		$result = more(2);
		is(sqlstate_of($result), 'LP010', '... refused afterwards');
		is(scalar @{ $result->{rows} }, 0, '... without a row');
	}
	$app->query('ROLLBACK');
}
is(selects("sqlstate = 'LP010' AND NOT allowed"), 7, 'each of these refusals is on record');

# A cursor is a portal too
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('cursor'), "DECLARE c CURSOR FOR $own", 'FETCH 2 FROM c', 'SET LOCAL ROLE hpd');
is(sqlstate_of($app->query('FETCH 2 FROM c')), 'LP010', 'FETCH by another role is refused');
$app->query('ROLLBACK');
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('cursor'), "DECLARE c CURSOR FOR $own");
run('SELECT ctlpr.end_request()');
is(sqlstate_of($app->query('FETCH 2 FROM c')), 'LP010', 'the first FETCH after the request ended is refused');
$app->query('ROLLBACK');
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('hold'));
is(sqlstate_of($app->query("DECLARE c CURSOR WITH HOLD FOR $own")), 'LP011', 'a cursor WITH HOLD would outlive the request');
$app->query('ROLLBACK');

# A request of session scope that expires
$node->safe_psql('city', "ALTER ROLE console SET ctlpr.request_timeout = '2s'");
my $console = connect_as($node, 'city', 'console');
$console->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => 'short', scope => 'session')");
is(scalar @{ $console->query($own)->{rows} }, 100, 'a request of session scope is in force');
$console->query('BEGIN');
$console->parse('', $own);
$console->bind_portal('p', '');
$console->execute('p', 2);
is(scalar @{ $console->sync->{rows} }, 2, '... also for a portal');
sleep 2.2;
is(sqlstate_of($console->query('SAVEPOINT s')), '00000', 'its time passes');
$console->query('ROLLBACK');
is(sqlstate_of($console->query($own)), 'LP001', 'a statement after its time is refused');
$console->close;

# Each Execute has its own instant
for my $plan ('seqscan', 'indexscan')
{
	$node->safe_psql('city', "SET ctlpr.restore = on; COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM 'true'");
	my $ingest = connect_as($node, 'city', 'nhpd_ingest');
	$result = $ingest->query("INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - interval '504 hours' + interval '2.5 seconds', 'SOON' || n, 'CT-NHPD' FROM generate_series(1, 10) n");
	is($result->{error}, undef, "$plan: reads that expire soon come in");
	$ingest->close;
	run('BEGIN', 'SET LOCAL ROLE nhpd', 'SET LOCAL enable_bitmapscan = off', 'SET LOCAL enable_' . ($plan eq 'seqscan' ? 'indexscan' : 'seqscan') . ' = off', request_sql('expiry'));
	open_portal("SELECT plate FROM plate_reads WHERE plate LIKE 'SOON%'");
	is(scalar @{ more(3)->{rows} }, 3, "$plan: they are seen before they expire");
	sleep 2.7;
	$result = more(0);
	is(scalar @{ $result->{rows} }, 0, "$plan: the next Execute shows none that expired in between");
	is($result->{error}, undef, '... and ends well');
	$app->query('COMMIT');
}

# Prepared statements, generic plans included
for my $mode ('auto', 'force_generic_plan')
{
	run("SET plan_cache_mode = $mode", 'DEALLOCATE ALL');
	$app->parse("s_$mode", 'SELECT count(*), min(agency_id), max(agency_id) FROM plate_reads WHERE plate <> $1');
	$app->sync;
	my $execute = sub {
		$app->bind_portal('', "s_$mode", 'none');
		$app->execute('', 0);
		return $app->sync;
	};
	for my $round (1 .. 7)
	{
		run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql("generic $round"));
		is_deeply($execute->()->{rows}, [ [ 100, 'CT-NHPD', 'CT-NHPD' ] ], "$mode, round $round: own reads");
		run('COMMIT');
	}
	run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('case', "case_number => 'C-1'"));
	is_deeply($execute->()->{rows}, [ [ 200, 'CT-HPD', 'CT-NHPD' ] ], "$mode: with a case number the same plan shows the state's reads");
	run('COMMIT', 'BEGIN', 'SET LOCAL ROLE hpd', request_sql('other'));
	is_deeply($execute->()->{rows}, [ [ 100, 'CT-HPD', 'CT-HPD' ] ], "$mode: another role sees its own");
	run('COMMIT', 'BEGIN', 'SET LOCAL ROLE nhpd');
	is(sqlstate_of($execute->()), 'LP001', "$mode: without a request it is refused");
	run('ROLLBACK', 'BEGIN', 'SET LOCAL ROLE unbound');
	is(sqlstate_of($execute->()), 'LP002', "$mode: for an unbound role it is refused");
	run('ROLLBACK');
}
# ... prepared by a superuser, run by others, and the other way round
my $dba = connect_as($node, 'city');
$dba->query($_) for 'SET plan_cache_mode = force_generic_plan', 'PREPARE s AS SELECT count(*) FROM plate_reads';
is(sqlstate_of($dba->query('EXECUTE s')), 'LP010', 'a superuser is refused');
$dba->query($_) for 'BEGIN', 'SET LOCAL ROLE nhpd', request_sql('as officer');
is_deeply($dba->query('EXECUTE s')->{rows}, [ [100] ], 'the same prepared statement as an officer shows own reads');
$dba->query('COMMIT');
is(sqlstate_of($dba->query('EXECUTE s')), 'LP010', 'a superuser is still refused');
$dba->query($_) for 'BEGIN', "SELECT ctlpr.break_glass('fire in the archive')";
is_deeply($dba->query('EXECUTE s')->{rows}, [ [200] ], 'under break_glass() it shows the live reads of all, none that is expired') or diag explain $dba->query('ROLLBACK');
$dba->query('COMMIT');
is(sqlstate_of($dba->query('EXECUTE s')), 'LP010', 'after break_glass() a superuser is refused again');

# A role that changes in the middle of a statement
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('set_config'));
is(sqlstate_of($app->query("SELECT set_config('role', 'hpd', true), plate FROM plate_reads LIMIT 5")), '00000', 'a role changed in a target list ...');
$app->query('ROLLBACK');
run('BEGIN', 'SET LOCAL ROLE nhpd', request_sql('begin_request in a target list', "case_number => 'C-2'"));
is(sqlstate_of($app->query("SELECT ctlpr.end_request(), plate FROM plate_reads LIMIT 5")), 'LP010', 'end_request() in a target list over governed rows is refused');
$app->query('ROLLBACK');

check_log_is_whole($node, 'city', 'after all');
$app->close;
$node->stop;

done_testing();
