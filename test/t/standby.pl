# A standby can write no record, so it releases nothing; after promotion the log goes on where it stood: 14(a)(6), invariant 5.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $primary = new_node('primary', "autovacuum = off\nwal_level = replica\nmax_wal_senders = 4\nhot_standby = on\n", allows_streaming => 1);
$primary->start;
new_world($primary, 'city');
my $nhpd = connect_as($primary, 'city', 'nhpd');
$nhpd->query('BEGIN');
is($nhpd->query(request_sql('on the primary'))->{error}, undef, 'the primary takes requests');
is(scalar @{ $nhpd->query("SELECT plate FROM plate_reads WHERE plate = 'NH1'")->{rows} }, 1, '... and answers searches');
$nhpd->query('COMMIT');
await_log($primary, 'city', "entry = 'outcome' AND action = 'select' AND rows_returned = 1");
$primary->safe_psql('city', "CREATE TABLE cameras (id int); INSERT INTO cameras VALUES (1); GRANT SELECT ON cameras TO PUBLIC");
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'a hot standby is up');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ctlpr%'"), '0', 'no worker of ctlpr runs on it');

my $there = connect_as($standby, 'city', 'nhpd');
my $result;
for my $statement (
	'SELECT plate FROM plate_reads',
	'SELECT count(*) FROM plate_reads',
	"SELECT plate::int FROM plate_reads WHERE plate = 'NH1'",
	'EXPLAIN SELECT plate FROM plate_reads',
	'COPY (SELECT plate FROM plate_reads) TO STDOUT',
	'COPY plate_reads TO STDOUT')
{
	$result = $there->query($statement);
	is(sqlstate_of($result), 'LP021', "$statement: refused");
	is(scalar @{ $result->{rows} }, 0, '... without a row');
}
$there->query('BEGIN');
$result = $there->query(request_sql('on the standby'));
is(sqlstate_of($result), 'LP021', 'begin_request() is refused');
ok($result->{error}{H}, '... with a hint');
$there->query('ROLLBACK');
is(sqlstate_of($there->query('SELECT * FROM cameras')), '00000', 'an ungoverned statement runs');
my $dba = connect_as($standby, 'city');
is(sqlstate_of($dba->query('SELECT plate FROM plate_reads')), 'LP021', "a superuser's read is refused too");
$dba->query('BEGIN');
is(sqlstate_of($dba->query("SELECT ctlpr.break_glass('on the standby')")), 'LP021', 'there is no break_glass() on a standby');
$dba->query('ROLLBACK');
my $unbound = connect_as($standby, 'city', 'unbound');
is(sqlstate_of($unbound->query('SELECT plate FROM plate_reads')), 'LP021', "an unbound role's read is refused");
is(sqlstate_of($there->query("SELECT * FROM plate_reads_none")), '42P01', 'other errors stay what they are');
is($standby->safe_psql('city', 'SELECT writer_state, writer_pid IS NULL, queue_entries, waiting_backends FROM ctlpr.ctlpr_stat'), 'none|t|0|0', 'ctlpr_stat can be asked there');
is(sqlstate_of(connect_as($standby, 'city', 'auditor')->query('SELECT count(*) FROM ctlpr.audit_log')), '00000', 'an auditor reads the log there, which no entry can tell of');
my $last = log_value($standby, 'city', 'max(seq)');
cmp_ok($last, '>', 5, 'the log can be looked at by a superuser on the standby');

# The primary is lost
$primary->stop('immediate');
$standby->promote;
$there->query('BEGIN');
$result = $there->query(request_sql('after promotion'));
is($result->{error}, undef, 'after promotion a request is taken, by the same session');
my $seq = $result->{rows}[0][0] // 0;
cmp_ok($seq, '>', $last, 'its number goes on from the log');
is(scalar @{ $there->query("SELECT plate FROM plate_reads WHERE plate = 'NH2'")->{rows} }, 1, 'searches are answered');
$there->query('COMMIT');
ok(await_log($standby, 'city', "entry = 'verdict' AND request_seq = $seq AND action = 'select' AND plates = '{NH2}'"), 'they are on record');
is(log_value($standby, 'city', 'count(*)', "reason = 'on the standby'"), '0', 'what was tried on the standby is not, for want of a way to write it');
check_log_is_whole($standby, 'city', 'after promotion');
$there->close;
$standby->stop;

done_testing();
