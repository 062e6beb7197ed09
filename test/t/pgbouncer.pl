# Clients that share a server connection never see each other's request: 13(d)(6), invariant 4; PgBouncer in transaction mode.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my ($pgbouncer) = grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', map { "$_/pgbouncer" } split /:/, $ENV{PATH};
plan skip_all => 'PgBouncer is not installed' if !$pgbouncer;
plan skip_all => 'PgBouncer does not run as root' if $< == 0;

my $node = new_node('main', 'autovacuum = off');
$node->start;
new_world($node, 'city');
$node->safe_psql('city', <<'SQL');
CREATE ROLE app LOGIN NOINHERIT;
GRANT nhpd, hpd TO app;
CREATE ROLE console LOGIN;
SELECT ctlpr.bind_role('console', 'CT-NHPD', session_scope => true);
GRANT console TO app;
SQL

# One server connection for all clients of a pool; "shared" logs everybody in as app, as a web application does.
my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $host = $node->host;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $server_port = $node->port;
append_to_file("$directory/users", join('', map { qq("$_" ""\n) } qw(nhpd hpd app console)));
append_to_file("$directory/pgbouncer.ini", <<INI);
[databases]
city = host=$host port=$server_port dbname=city
shared = host=$host port=$server_port dbname=city user=app
[pgbouncer]
listen_addr =
unix_socket_dir = $directory
listen_port = $port
auth_type = trust
auth_file = $directory/users
pool_mode = transaction
default_pool_size = 1
reserve_pool_size = 0
min_pool_size = 0
max_client_conn = 20
logfile = $directory/pgbouncer.log
pidfile = $directory/pgbouncer.pid
INI
my $output = '';
my $process = IPC::Run::start([ $pgbouncer, "$directory/pgbouncer.ini" ], '<', '/dev/null', '>', \$output, '2>', \$output);

sub client { my ($database, $user) = @_; return CtlprProtocol->new($directory, $port, $database, $user) }
if (!await_true(sub { return eval { client('city', 'nhpd')->query('SELECT 1')->{rows}[0][0] } }, 15))
{
	diag($output, -e "$directory/pgbouncer.log" ? slurp_file("$directory/pgbouncer.log") : '');
	BAIL_OUT('PgBouncer does not answer');
}

# Two clients of one role
my $first = client('city', 'nhpd');
my $second = client('city', 'nhpd');
my $result;
is($first->query('SELECT pg_backend_pid()')->{rows}[0][0], $second->query('SELECT pg_backend_pid()')->{rows}[0][0], 'two clients share one server connection');
my $search = "SELECT plate FROM plate_reads WHERE plate = 'NH1'";
for my $end ('COMMIT', 'ROLLBACK')
{
	$first->query('BEGIN');
	is($first->query(request_sql("first client, $end"))->{error}, undef, "before $end: the first client states its request");
	is(scalar @{ $first->query($search)->{rows} }, 1, '... and searches');
	$first->query($end);
	is(sqlstate_of($second->query($search)), 'LP001', "after $end: the second client has no request");
	is($second->query('SELECT (ctlpr.current_request()).request_seq')->{rows}[0][0], undef, '... and sees none');
	is($second->query("SELECT current_setting('ctlpr.request', true)")->{rows}[0][0] // '', '', '... nor what carries it');
}

# While the first is in its transaction, the second waits for the connection and comes in without a request
$first->query('BEGIN');
$first->query(request_sql('waiting'));
$second->send_query($search);
is(scalar @{ $first->query($search)->{rows} }, 1, 'the first client goes on in its transaction');
$first->query('COMMIT');
is(sqlstate_of($second->collect), 'LP001', 'the second client, which waited, has no request');

# A transaction that an error left
$first->query('BEGIN');
$first->query(request_sql('error'));
is(sqlstate_of($first->query('SELECT plate::int FROM plate_reads')), '22P02', "the first client's statement fails");
is($first->query('COMMIT')->{tags}[0], 'ROLLBACK', '... so does its transaction');
is(sqlstate_of($second->query($search)), 'LP001', 'the second client has no request after an error');

# A client that leaves in the middle of a transaction
$first->query('BEGIN');
$first->query(request_sql('gone'));
$first->close;
is(sqlstate_of($second->query($search)), 'LP001', 'the second client has no request after the first left in its transaction');

# One login for several officers' roles: SET LOCAL ROLE in each transaction
my $nhpd = client('shared', 'app');
my $hpd = client('shared', 'app');
is($nhpd->query('SELECT pg_backend_pid()')->{rows}[0][0], $hpd->query('SELECT pg_backend_pid()')->{rows}[0][0], 'both roles share one server connection');
$nhpd->query('BEGIN; SET LOCAL ROLE nhpd');
$nhpd->query(request_sql('own reads'));
is($nhpd->query('SELECT string_agg(DISTINCT agency_id, \',\') FROM plate_reads')->{rows}[0][0], 'CT-NHPD', 'one role sees its own reads');
$nhpd->query('COMMIT');
is(sqlstate_of($hpd->query("BEGIN; SET LOCAL ROLE hpd; $search")), 'LP001', 'the other has no request');
$hpd->query('ROLLBACK');
$hpd->query('BEGIN; SET LOCAL ROLE hpd');
$hpd->query(request_sql('own reads'));
is($hpd->query('SELECT string_agg(DISTINCT agency_id, \',\') FROM plate_reads')->{rows}[0][0], 'CT-HPD', '... and sees its own reads with one of its own');
is(sqlstate_of($hpd->query("SET LOCAL ROLE nhpd; SELECT * FROM plate_reads")), 'LP001', "... which does not follow it into another role");
$hpd->query('ROLLBACK');

# A request of session scope stays with the server connection: not for pools.  It is its role's alone even there.
$nhpd->query('SET ROLE console');
$result = $nhpd->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => 'session', scope => 'session')");
is($result->{error}, undef, 'a role with session_scope begins a request of session scope');
for my $role ('nhpd', 'hpd')
{
	is(sqlstate_of($hpd->query("BEGIN; SET LOCAL ROLE $role; $search")), 'LP001', "role $role does not have it on the same connection");
	$hpd->query('ROLLBACK');
}
is(sqlstate_of($hpd->query("BEGIN; RESET ROLE; $search")), 'LP002', 'nor does the login');
$hpd->query($_) for 'ROLLBACK', 'DISCARD ALL', 'SET ROLE console';
is(sqlstate_of($hpd->query($search)), 'LP001', 'DISCARD ALL ends it');

my $log = log_value($node, 'city', "count(*)", "action = 'select' AND allowed AND reason IS NULL AND entry = 'verdict' AND relation NOT LIKE 'ctlpr.%'");
is($log, '0', 'no search was allowed without a stated request');
check_log_is_whole($node, 'city', 'through the pool');

$_->close for ($second, $nhpd, $hpd);
$process->signal('TERM');
$process->finish;
$node->stop;

done_testing();
