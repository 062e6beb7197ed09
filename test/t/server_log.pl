# 13(b)(2)(A), 14(a)(6): what the server writes into its log of itself tells of no read: neither the input of a COPY, nor counts of hidden rows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use CtlprTest;

my $node = new_node('main', "autovacuum = off\nlog_statement = none\nlog_min_error_statement = error");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', 'GRANT pg_execute_server_program TO nhpd_ingest');

# since(position) - what the log has got since then
my $position = 0;
sub since
{
	my $log = slurp_file($node->logfile, $position);
	$position += length $log;
	return $log;
}
since();

# What a COPY brings that may not come in, or does not fit
my $ingest = connect_as($node, 'city', 'nhpd_ingest');
my @refused = (
	[ 'LP013', q{date -d '-30 days' +%Y-%m-%dT%H:%M:%SZ%tZZOLD1%tCT-NHPD} ],
	[ 'LP013', q{date +%Y-%m-%dT%H:%M:%SZ%tZZOTHER1%tCT-HPD} ],
	[ '22007', q{printf 'ZZSHIFTED1\tnow\tCT-NHPD\n'} ],
	[ '22P04', q{printf 'now\tZZSHORT1\n'} ],
	[ '22P04', q{printf 'now\tZZLONG1\tCT-NHPD\tx\n'} ],
	[ '22021', q{printf 'now\tZZBYTES1\377\tCT-NHPD\n'} ],
);
for my $case (@refused)
{
	my ($state, $program) = @$case;
	my $result = $ingest->query('COPY plate_reads (captured_at, plate, agency_id) FROM PROGRAM ' . "'" . ($program =~ s/'/''/gr) . "'");
	is(sqlstate_of($result), $state, "a COPY that is refused: $state");
	like($result->{error}{W} // '', qr/COPY plate_reads, line 1/, '... the client is told the line');
	unlike($result->{error}{M}, qr/ZZ/, '... the message quotes no value');
}
my $log = since();
like($log, qr/ERROR: /, 'the log has the errors');
unlike($log, qr/ZZ(OLD|OTHER|SHIFTED|SHORT|LONG|BYTES)1/, 'no line of the input stands in the server log');

# auto_explain, called before ctlpr and after it
for my $libraries ('auto_explain,ctlpr', 'ctlpr,auto_explain')
{
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'$libraries'");
	$node->append_conf('postgresql.conf', "auto_explain.log_min_duration = 0\nauto_explain.log_analyze = on\nauto_explain.log_nested_statements = on\n") if $libraries =~ /^auto/;
	$node->restart;
	since();
	my $officer = connect_as($node, 'city', 'nhpd');
	is($officer->query("BEGIN; " . request_sql("look"))->{error}, undef, "$libraries: a request");
	is(scalar @{ $officer->query('SELECT * FROM plate_reads')->{rows} }, 100, '... and its rows');
	is(scalar @{ $officer->query('SELECT 4711 AS ungoverned FROM pg_class LIMIT 1')->{rows} }, 1, '... and an ungoverned statement');
	$log = since();
	like($log, qr/Query Text: SELECT \* FROM plate_reads/, '... its plan is logged');
	my ($plan) = $log =~ /Query Text: SELECT \* FROM plate_reads(.*?)\n\S*\d{4}-/s;
	unlike($plan, qr/Rows Removed|actual (time|rows)/, '... no count of hidden rows in it');
	like($log, qr/Query Text: SELECT 4711.*?actual (time|rows)/s, '... elsewhere the counts are there');
}

# Statistics over a column that is no number: autovacuum tells nobody which value is none
$node->safe_psql('city', "CREATE STATISTICS numbers ON (plate::int), agency_id FROM plate_reads");
$node->safe_psql('city', "CREATE TABLE others (plate text); INSERT INTO others SELECT 'ZZOPEN' FROM generate_series(1, 100)");
since();
$node->adjust_conf('postgresql.conf', $_->[0], $_->[1]) for ['autovacuum', 'on'], ['autovacuum_naptime', '1s'];
$node->append_conf('postgresql.conf', "autovacuum_analyze_threshold = 1\nautovacuum_analyze_scale_factor = 0\nlog_autovacuum_min_duration = 0\n");
$node->restart;
connect_as($node, 'city', 'nhpd_ingest')->query("INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now(), 'ZZNUMBER' || n, 'CT-NHPD' FROM generate_series(1, 200) n");
$log = '';
for (1 .. 240)
{
	$log .= since();
	last if $log =~ /failed with SQLSTATE 22P02/;
	sleep 0.5;
}
like($log, qr/ERROR:  the command on a governed table failed with SQLSTATE 22P02.*?CONTEXT:  automatic analyze of table/s, 'autovacuum fails, and says on which table');
unlike($log, qr/invalid input syntax|for type integer/, '... not on which value');
$node->stop;
done_testing();
