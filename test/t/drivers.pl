# 13(b)(1), 14(a)(6): the programs of docs/applications.md, taken out of the page itself, run with their drivers: each searches, is
# refused, asks for what is missing and waits for a late record, and each leaves its entries.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $page = slurp_file('../docs/applications.md');
my $directory = PostgreSQL::Test::Utils::tempdir_short();
my %snippet;
while ($page =~ /<!-- snippet: (\S+) -->\n```\w+\n(.*?)```\n/gs)
{
	$snippet{$1} = $2;
	append_to_file("$directory/$1", $2);
}
is(join(' ', sort keys %snippet), 'Search.java feed.py pgbouncer.ini pool.sql pool_use.sql search.c search.js search.py search.sql', 'the page has every program');

my $node = new_node('main', "autovacuum = off\nlisten_addresses = '127.0.0.1'\nctlpr.bulk_row_limit = 20");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE lpr');
$node->safe_psql('lpr', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE lpr LOGIN;
CREATE ROLE lpr_app LOGIN;
CREATE ROLE lpr_feed LOGIN;
CREATE ROLE lpr_hartford LOGIN;
CREATE ROLE lpr_houston LOGIN;
CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');
SELECT ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT');
SELECT ctlpr.register_agency('TX-HPD', 'Houston Police', 'police', 'TX');
SELECT ctlpr.bind_role('lpr_app', 'CT-NHPD');
SELECT ctlpr.bind_role('lpr_feed', 'CT-NHPD', may_ingest => true);
SELECT ctlpr.bind_role('lpr_hartford', 'CT-HPD');
SELECT ctlpr.bind_role('lpr_houston', 'TX-HPD');
CREATE TABLE reads (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	plate       text NOT NULL,
	captured_at timestamptz NOT NULL,
	camera_id   int NOT NULL,
	agency      text NOT NULL
);
ALTER TABLE reads OWNER TO lpr;
INSERT INTO reads (plate, captured_at, camera_id, agency)
SELECT a.prefix || n, now() - n * interval '1 hour', n % 7, a.agency
FROM (VALUES ('CT-NHPD', 'NH'), ('CT-HPD', 'HA')) a (agency, prefix), generate_series(1, 100) n;
INSERT INTO reads (plate, captured_at, camera_id, agency) VALUES ('NH1OLD', now() - interval '22 days', 1, 'CT-NHPD');
GRANT SELECT ON reads TO lpr_app, lpr_hartford, lpr_houston;
GRANT INSERT ON reads TO lpr_feed;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency');
ALTER ROLE lpr_app SET ctlpr.audit_timeout = '1s';
SQL

# ---- which drivers are there ----

# works(command) - does it end well?
sub works
{
	my (@command) = @_;
	my $output = '';
	return eval { IPC::Run::run(\@command, '<', '/dev/null', '>&', \$output) };
}

my $jar = '/usr/share/java/postgresql.jar';
local $ENV{NODE_PATH} = join ':', $ENV{NODE_PATH} // (), '/usr/share/nodejs';
my ($libpq_include, $libpq_lib) = map { my $out = `$ENV{PG_CONFIG} $_`; chomp $out; $out } '--includedir', '--libdir';
my $psycopg2 = $snippet{'search.py'};
$psycopg2 =~ s/import psycopg$/import psycopg2 as psycopg/m and $psycopg2 =~ s/with connection\.transaction\(\):/with connection:/ and $psycopg2 =~ s/e\.sqlstate/e.pgcode/ or die 'the program is another';
append_to_file("$directory/search2.py", $psycopg2);

# name, packages, is it there, what makes it ready, the command before the five arguments
my @drivers = (
	['psycopg', 'python3-psycopg', sub { works('python3', '-c', 'import psycopg') }, undef, sub { ('python3', "$directory/search.py", @_) }],
	['psycopg2', 'python3-psycopg2', sub { works('python3', '-c', 'import psycopg2') }, undef, sub { ('python3', "$directory/search2.py", @_) }],
	['JDBC', 'default-jdk-headless and libpostgresql-jdbc-java', sub { -e $jar && works('javac', '-version') }, [ 'javac', '-cp', $jar, '-d', $directory, "$directory/Search.java" ],
		sub { ('java', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-cp', "$directory:$jar", 'Search', @_) }],
	['Node', 'node-pg', sub { works('node', '-e', "require('pg')") }, undef, sub { ('node', "$directory/search.js", @_) }],
	['libpq', 'gcc and libpq-dev', sub { -e "$libpq_include/libpq-fe.h" && works('gcc', '--version') },
		[ 'gcc', '-std=gnu99', '-Wall', '-Wextra', '-Werror', "-I$libpq_include", '-o', "$directory/search", "$directory/search.c", "-L$libpq_lib", "-Wl,-rpath,$libpq_lib", '-lpq' ], sub { ("$directory/search", @_) }],
	['psql', 'postgresql-client', sub { 1 }, undef,
		sub { my @names = qw(purpose plate officer reason case_number); ('psql', '-qX', (map { ('-v', "$names[$_]=$_[$_]") } 0 .. 4), '-f', "$directory/search.sql") }],
);

# start(role, input, command) - a program as that role of the database
sub start
{
	my ($role, $input, @command) = @_;
	my $run = { output => '', input => $input };
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'lpr', PGUSER => $role,
		JDBC_URL => 'jdbc:postgresql://127.0.0.1:' . $node->port . "/lpr?user=$role");
	$run->{harness} = IPC::Run::start(\@command, '<', \$run->{input}, '>', \$run->{output}, '2>', \$run->{output}, IPC::Run::timeout(60));
	return $run;
}

sub run_as { my $run = start(@_); $run->{harness}->finish; return $run->{output} }

my $ran = 0;
for my $driver (@drivers)
{
	my ($name, $packages, $present, $prepare, $command) = @$driver;
  SKIP:
	{
		skip "$name is not installed (Debian: $packages)", 1 if !$present->();
		$ran++;
		my $started = time;
		command_ok($prepare, "$name: the program compiles") if $prepare;
		my $officer = "badge $name";
		my $from = log_value($node, 'lpr', 'coalesce(max(seq), 0)');
		my $ask = sub { my ($role, $input, $purpose, $plate, $reason, $case) = @_; return run_as($role, $input, $command->($purpose, $plate, $officer, $reason, $case)) };

		my $found = $ask->('lpr_app', '', 'stolen_vehicle', 'NH1%', 'taken from Elm Street', '');
		like($found, qr/\bNH1\b/, "$name: a search is answered");
		unlike($found, qr/LP0|NH1OLD|HA1/, "$name: ... with what the request opens");
		like($ask->('lpr_app', "theft of a car\n", 'criminal_investigation', 'NH2', '', ''), qr/reason: .*\bNH2\b/s, "$name: a missing reason is asked for, LP005");
		my @refused = (
			['LP004', 'the purpose is forbidden', 'lpr_app', 'immigration_enforcement', 'NH3', 'theft', '26-1'],
			['LP006', 'no authorization for specific data', 'lpr_houston', 'stolen_vehicle', 'NH3', 'theft', '26-1'],
			['LP008', 'reveals a forbidden purpose', 'lpr_app', 'stolen_vehicle', 'NH3', 'ICE assist', '26-1'],
			['LP009', 'ctlpr.bulk_row_limit', 'lpr_app', 'stolen_vehicle', '%', 'theft', '26-1'],
		);
		for my $case (@refused)
		{
			my ($state, $words, $role, @stated) = @$case;
			my $said = $ask->($role, '', @stated);
			like($said, qr/(?=.*\b$state\b)(?=.*\Q$words\E)/s, "$name: $state is told");
			unlike($said, qr/(?:NH|HA)\d/, "$name: ... without a plate");
		}

		# the writer stands still until the first try has failed
		my $writer = await_writer($node, 'lpr');
		kill 'STOP', $writer;
		my $late = start('lpr_app', '', $command->('stolen_vehicle', 'NH4', $officer, 'taken', ''));
		$late->{harness}->pump until $late->{output} =~ /trying again/ || !$late->{harness}->pumpable;
		kill 'CONT', $writer;
		$late->{harness}->finish;
		like($late->{output}, qr/trying again.*\bNH4\b/s, "$name: a search is tried again after LP020");

		await_log($node, 'lpr', "seq > $from AND entry = 'verdict' AND relation = 'public.reads' AND plates = '{NH4}'");
		my $mine = "seq > $from AND entry = 'verdict' AND officer = '$officer'";
		is(log_value($node, 'lpr', "string_agg(DISTINCT sqlstate, ' ' ORDER BY sqlstate)", "$mine AND NOT allowed AND sqlstate <> 'LP020'"), 'LP004 LP005 LP006 LP008 LP009', "$name: the refusals are on record");
		my $searches = $node->safe_psql('lpr', "SELECT string_agg(DISTINCT p, ' ' ORDER BY p) FROM ctlpr.audit_entry e, unnest(e.plates) p WHERE $mine AND allowed AND action = 'select'");
		like($searches, qr/\bNH2\b.*\bNH4\b/, "$name: the searches are on record with their plates");
		note sprintf('%s took %.1f s', $name, time - $started);
	}
}
cmp_ok($ran, '>', 0, 'programs ran');

# ---- the feed ----

SKIP:
{
	skip 'psycopg is not installed (Debian: python3-psycopg)', 3 if !$drivers[0][2]->();
	my $csv = $node->safe_psql('lpr', "SELECT format('FEED%s,%s,1,CT-NHPD', n, now() - n * interval '1 minute') FROM generate_series(1, 20) n");
	like(run_as('lpr_feed', "$csv\n", 'python3', "$directory/feed.py"), qr/^20 reads$/m, 'the feed copies reads in');
	like(run_as('lpr_feed', "$csv\nLATE,2020-01-01,1,CT-NHPD\n", 'python3', "$directory/feed.py"), qr/past its retention/, '... and an expired one fails the batch');
	is($node->safe_psql('lpr', "SELECT sum(reads) FROM ctlpr.ingest_count WHERE relation = 'public.reads'"), 20, '... of which nothing is counted');
}

# ---- what the page says of statements ----

my $client = connect_as($node, 'lpr', 'lpr_app');
my $search = 'SELECT plate FROM reads WHERE plate = \'NH1\'';

# in_turn(sql ...) - one after the other, rolled back; the SQLSTATE of each, and the rows of the last
sub in_turn
{
	my @results = map { $client->query($_) } @_;
	$client->query('ROLLBACK');
	return join(' ', (map { sqlstate_of($_) } @results), map { join ',', map { $_ // 'null' } @$_ } @{ $results[-1]{rows} });
}
my $request = request_sql('the page');
is(in_turn($request), '25P01', 'a request outside of a transaction block is refused');
is(in_turn("BEGIN $_", $request, $search), '00000 00000 00000 NH1', "a search works: $_") for 'READ ONLY', 'ISOLATION LEVEL REPEATABLE READ', 'ISOLATION LEVEL SERIALIZABLE';
is(in_turn("PREPARE ask (text) AS SELECT ctlpr.begin_request('stolen_vehicle', reason => \$1)", "PREPARE look AS $search"), '00000 00000', 'both can be prepared');
$client->query("SET plan_cache_mode = force_generic_plan");
is(in_turn('BEGIN', "EXECUTE ask('prepared')", 'EXECUTE look'), '00000 00000 00000 NH1', "... and run, round $_") for 1 .. 3;
is(in_turn('BEGIN', 'EXECUTE look'), '00000 LP001', '... and carry no request over');
is(in_turn('BEGIN', $request, "DECLARE c CURSOR FOR SELECT plate FROM reads WHERE plate LIKE 'NH%' ORDER BY captured_at DESC", 'FETCH 1 FROM c', 'FETCH 1 FROM c'), '00000 00000 00000 00000 00000 NH2', 'a cursor streams');
like(in_turn('BEGIN', $request, "DECLARE c CURSOR FOR SELECT plate FROM reads WHERE plate LIKE 'NH%'", 'FETCH 1 FROM c', $_, 'FETCH 1 FROM c'), qr/\A00000 00000 00000 00000 (?:LP010 25P02|00000 LP010)\z/, "... but not past: $_")
	for request_sql('another'), 'SELECT ctlpr.end_request()';
is(in_turn('BEGIN', $request, 'DECLARE c CURSOR WITH HOLD FOR SELECT plate FROM reads'), '00000 00000 LP011', 'a cursor WITH HOLD is refused');
is(in_turn('BEGIN', $request, 'SAVEPOINT s', request_sql('later'), 'ROLLBACK TO s', 'SELECT (ctlpr.current_request()).reason'), '00000 00000 00000 00000 00000 00000 the page', 'a savepoint brings back the request before');
$client->close;
$client = connect_as($node, 'lpr');    # a superuser may become either
is(in_turn('BEGIN', 'SET LOCAL ROLE lpr_app', $request, 'SET LOCAL ROLE lpr_hartford', $search), '00000 00000 00000 00000 LP001', 'a request is its role\'s alone');
is(in_turn('BEGIN', $request), '00000 LP002', 'a role that is bound to no agency has none');
$client->close;

# ---- two agencies through one server connection of PgBouncer ----

SKIP:
{
	my ($pgbouncer) = grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', map { "$_/pgbouncer" } split /:/, $ENV{PATH};
	skip 'PgBouncer is not installed (Debian: pgbouncer)', 1 if !$pgbouncer;
	skip 'PgBouncer does not run as root', 1 if $< == 0;
	$node->safe_psql('lpr', $snippet{'pool.sql'});
	my $pool_port = PostgreSQL::Test::Cluster::get_free_port();
	my $ini = $snippet{'pgbouncer.ini'};
	my ($host, $port) = ($node->host, $node->port);
	$ini =~ s{host=/var/run/postgresql}{host=$host port=$port} && $ini =~ s{/var/run/pgbouncer}{$directory} && $ini =~ s{6432}{$pool_port} && $ini =~ s{/etc/pgbouncer/users}{$directory/users} or die 'pgbouncer.ini is another';
	append_to_file("$directory/pool.ini", "${ini}listen_addr =\nlogfile = $directory/pgbouncer.log\npidfile = $directory/pgbouncer.pid\n");
	append_to_file("$directory/users", qq("lpr_web" ""\n));
	my $output = '';
	my $process = IPC::Run::start([ $pgbouncer, "$directory/pool.ini" ], '<', '/dev/null', '>', \$output, '2>', \$output);
	my $client = sub { return CtlprProtocol->new($directory, $pool_port, 'lpr', 'lpr_web') };
	if (!await_true(sub { return eval { $client->()->query('SELECT 1')->{rows}[0][0] } }, 15))
	{
		fail('PgBouncer answers');
		diag($output);
	}
	else
	{
		my ($new_haven, $hartford) = ($client->(), $client->());
		is($new_haven->query('SELECT pg_backend_pid()')->{rows}[0][0], $hartford->query('SELECT pg_backend_pid()')->{rows}[0][0], 'two clients share one server connection');
		my @steps = grep { /\S/ } split /;\n/, $snippet{'pool_use.sql'};
		my @hartford = map { s/lpr_app/lpr_hartford/r } @steps;
		for my $round (1 .. 3)
		{
			my @own = map { $new_haven->query($_) } @steps;
			is(join(' ', map { $_->{error} ? $_->{error}{C} : () } @own) . scalar(grep { $_->[0] =~ /^(?:NH|FEED)/ } @{ $own[3]{rows} }), 10, "round $round: one agency searches its own");
			is(sqlstate_of($hartford->query("BEGIN; SET LOCAL ROLE lpr_hartford; $hartford[3]")), 'LP001', '... the other has no request of it');
			$hartford->query('ROLLBACK');
			is(sqlstate_of($hartford->query($hartford[3])), '42501', '... and the login no right');
			my @other = map { $hartford->query($_) } @hartford;
			is(scalar(grep { $_->[0] =~ /^HA/ } @{ $other[3]{rows} }), 10, '... and the other its own, with its own');
		}
		# the other comes while the one is in its transaction
		$new_haven->query($_) for @steps[ 0 .. 2 ];
		$hartford->send_query("BEGIN; SET LOCAL ROLE lpr_hartford; SELECT pg_backend_pid(); $hartford[3]");
		my $pid = $new_haven->query('SELECT pg_backend_pid()')->{rows}[0][0];
		is(scalar @{ $new_haven->query($steps[3])->{rows} }, 10, 'the one goes on while the other waits');
		$new_haven->query('COMMIT');
		my $waited = $hartford->collect;
		is("$waited->{rows}[0][0] " . sqlstate_of($waited), "$pid LP001", '... which comes in on the same server connection without a request');
		$hartford->query('ROLLBACK');
		is(log_value($node, 'lpr', "string_agg(DISTINCT role || ' ' || agency_id, ', ')", "session_role = 'lpr_web' AND allowed AND action = 'select' AND entry = 'verdict' AND relation = 'public.reads'"),
			'lpr_app CT-NHPD, lpr_hartford CT-HPD', 'the log tells them apart');
		$_->close for $new_haven, $hartford;
	}
	$process->signal('TERM');
	$process->finish;
}

$node->stop;
done_testing();
