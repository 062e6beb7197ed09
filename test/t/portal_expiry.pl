# 13(b)(2)(A): each Execute has its own instant: rows kept in a sort, a hash or a materialized node may not outlive their retention, nor a portal its request.
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
$node->safe_psql('city', "CREATE ROLE console LOGIN; SELECT ctlpr.bind_role('console', 'CT-NHPD', session_scope => true); ALTER ROLE console SET ctlpr.request_timeout = '2s'");
my $console = connect_as($node, 'city', 'console');
$console->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => 'short', scope => 'session')");
$console->query('BEGIN');
$console->parse('', "SELECT plate FROM plate_reads");
$console->bind_portal('p', '');
$console->execute('p', 2);
is(scalar @{ $console->sync->{rows} }, 2, 'a portal under a request of session scope');
sleep 2.2;
$console->execute('p', 2);
my $r = $console->sync;
isnt(sqlstate_of($r), '00000', 'Execute after the request expired is refused') or diag scalar(@{$r->{rows}}) . ' rows';
$console->close;

my $nhpd = connect_as($node, 'city', 'nhpd');
my $ingest = connect_as($node, 'city', 'nhpd_ingest');
for my $case (['sort', "SELECT plate FROM plate_reads WHERE plate LIKE 'SOON%' ORDER BY plate DESC"],
	['materialized CTE', "WITH m AS MATERIALIZED (SELECT plate, random() FROM plate_reads WHERE plate LIKE 'SOON%' ORDER BY 2) SELECT plate FROM m"],
	['hash join', "SELECT r.plate FROM (VALUES (1), (2), (3)) v (n) JOIN plate_reads r ON r.read_id % 3 + 1 = v.n WHERE r.plate LIKE 'SOON%'"],
	['aggregate', "SELECT plate, count(*) FROM plate_reads WHERE plate LIKE 'SOON%' GROUP BY plate"],
	['subquery that is run once', "SELECT (SELECT max(plate) FROM plate_reads WHERE plate LIKE 'SOON%'), n FROM generate_series(1, 10) n"],
	['subquery in a hash', "SELECT n FROM generate_series(1, 10) n WHERE 'SOON' || n IN (SELECT plate FROM plate_reads OFFSET 0)"],
	['rows of a row', "SELECT plate, generate_series(1, 9) FROM plate_reads WHERE plate LIKE 'SOON%'"],
	['nested loop', "SELECT plate, n FROM plate_reads, LATERAL (SELECT n FROM generate_series(1, 9) n OFFSET 0) g WHERE plate LIKE 'SOON%'"]) {
	$ingest->query("INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - interval '504 hours' + interval '2.0 seconds', 'SOON' || n, 'CT-NHPD' FROM generate_series(1, 10) n");
	$nhpd->query('BEGIN'); $nhpd->query(request_sql("expiry"));
	$nhpd->parse('', $case->[1]); $nhpd->bind_portal('p', ''); $nhpd->execute('p', 3);
	is(scalar @{ $nhpd->sync->{rows} }, 3, "$case->[0]: seen before they expire");
	sleep 2.2;
	$nhpd->execute('p', 0);
	$r = $nhpd->sync;
	is(scalar @{ $r->{rows} }, 0, "$case->[0]: the next Execute shows none that expired in between");
	$nhpd->query('COMMIT');
}
# SCROLL cursor going back
$ingest->query("INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - interval '504 hours' + interval '2.0 seconds', 'SOON' || n, 'CT-NHPD' FROM generate_series(1, 10) n");
$nhpd->query($_) for 'BEGIN', request_sql('scroll'), "DECLARE c SCROLL CURSOR FOR SELECT plate FROM plate_reads WHERE plate LIKE 'SOON%'", 'FETCH 3 FROM c';
sleep 2.2;
is(scalar @{ $nhpd->query('FETCH BACKWARD ALL FROM c')->{rows} }, 0, 'going back shows none that expired');
$nhpd->query('COMMIT');
# role change in a target list
$nhpd->close;
$node->safe_psql('city', "CREATE ROLE app LOGIN NOINHERIT; GRANT nhpd, hpd TO app");
my $app = connect_as($node, 'city', 'app');
$app->query($_) for 'BEGIN', 'SET LOCAL ROLE nhpd', request_sql('x');
$r = $app->query("SELECT set_config('role', 'hpd', true), plate, agency_id FROM plate_reads");
my %a = map { $_->[2] => 1 } @{ $r->{rows} };
is_deeply(\%a, { 'CT-NHPD' => 1 }, 'set_config(role) in a target list does not switch sight') or diag explain \%a, $r->{error};
$app->query('ROLLBACK');
$node->stop;
done_testing();
