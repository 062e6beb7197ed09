# What posture shows of replication, libraries and the network, which a test within one transaction cannot make, and on a standby: 13(d)(8), 14(a)(6).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $primary = new_node('primary', <<'CONF', allows_streaming => 1);
autovacuum = off
wal_level = logical
max_wal_senders = 4
hot_standby = on
archive_mode = on
archive_command = 'true'
shared_preload_libraries = 'ctlpr, auto_explain,"pg_stat_statements"'
session_preload_libraries = '$libdir/auto_explain'
auto_explain.log_min_duration = -1
CONF
$primary->start;
new_world($primary, 'city');

# posture(node, item) - its rows, as an auditor who is nothing else; severity, detail and remedy in a line each
sub posture
{
	my ($node, $item) = @_;
	my $result = connect_as($node, 'city', 'auditor')->query("SELECT severity || '|' || detail || '|' || remedy FROM ctlpr.posture WHERE item = '$item' ORDER BY 1");
	return defined $result->{error} ? "error $result->{error}{C}" : join("\n", map { $_->[0] } @{ $result->{rows} });
}

# Libraries
like(posture($primary, 'library auto_explain'), qr/^info\|session_preload_libraries has auto_explain: .*\|ALTER SYSTEM RESET session_preload_libraries.*\ninfo\|shared_preload_libraries has auto_explain: /, 'a library is named for each place that loads it');
like(posture($primary, 'library pg_stat_statements'), qr/^info\|.*without their constants/, 'and what pg_stat_statements keeps');
is(posture($primary, 'library ctlpr'), '', 'ctlpr itself is no weakness');
like(posture($primary, 'setting pg_stat_statements.track_utility'), qr/^warning\|.*utility statements may keep their constants/, 'utility statements may keep plates');
is(posture($primary, 'setting auto_explain.log_min_duration'), '', 'a library that logs nothing is only loaded');
like(posture($primary, 'write-ahead log archive'), qr/^info\|archiving is on/, 'an archive is named');
like(posture($primary, 'logical decoding'), qr/^info\|wal_level is logical/, 'so is logical decoding');

# The network
is(posture($primary, 'connections without TLS'), '', 'a server that listens to its socket sends nothing in clear text');
$primary->append_conf('postgresql.conf', "listen_addresses = 'localhost, 0.0.0.0'\n");
unlike(posture($primary, 'authentication by trust'), qr/violation/, 'trust is for this machine so far');
$primary->append_conf('pg_hba.conf', "host all all 203.0.113.0/24 trust\nhost all all 127.0.0.1/32 trust\n");
like(posture($primary, 'authentication by trust'), qr/^violation\|pg_hba.conf, line \d+: whoever reaches the port/m, 'trust for others is a violation');
$primary->append_conf('pg_hba.conf', "host all all 203.0.113.0/24\n");
unlike(posture($primary, 'authentication by trust'), qr/^error/, 'a file with a mistake in it does not take the view away');
my $hba = $primary->data_dir . '/pg_hba.conf';
rename($hba, "$hba.away") or die;
like(posture($primary, 'authentication by trust'), qr/^info\|pg_hba.conf cannot be read/, 'nor does a file that is not there');
rename("$hba.away", $hba) or die;
{
	open my $in, '<', $hba or die;
	my @lines = grep { !/203\.0\.113/ } <$in>;
	close $in;
	open my $out, '>', $hba or die;
	print $out @lines;
	close $out;
}
$primary->restart;
like(posture($primary, 'connections without TLS'), qr/^warning\|ssl is off and the server listens on 0\.0\.0\.0: /, 'one that listens to the network does');
$primary->append_conf('postgresql.conf', "listen_addresses = ''\n");

# Slots
is(posture($primary, 'logical slot'), '', 'no slot yet');
$primary->safe_psql('city', "BEGIN; SELECT ctlpr.break_glass('test'); SELECT pg_create_logical_replication_slot($_); COMMIT") for q{'decoded', 'test_decoding'}, q{'published', 'pgoutput'};
$primary->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('elsewhere', 'test_decoding')");
is( posture($primary, 'logical slot'),
	"violation|slot decoded of plugin test_decoding, not in use, gives the changes of every table|SELECT pg_drop_replication_slot('decoded');\n"
	  . "warning|slot published of plugin pgoutput, not in use, gives the changes of published tables|SELECT pg_drop_replication_slot('published');",
	'a slot that decodes governed relations is a violation; other databases have their own');
$primary->safe_psql('postgres', "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
is(posture($primary, 'logical slot'), '', 'gone with its remedy');
is(posture($primary, 'replication connection'), '', 'nobody replicates yet');
is(posture($primary, 'recovery'), '', 'a primary is not in recovery');

# A physical standby is allowed and shown
$primary->restart;
$primary->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('for_standby')");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_slot_name = 'for_standby'\n");
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
like(posture($primary, 'replication connection'), qr/^info\|a physical standby, application standby, role \S+, from this machine, state streaming\|SELECT pg_terminate_backend\(\d+\); if it is not known\.$/, 'a standby is shown as what it is');
like(posture($primary, 'physical slot'), qr/^info\|slot for_standby for a standby, in use; /, 'so is its slot');

like(posture($standby, 'recovery'), qr/^info\|this server is a standby/, 'on the standby the view works, and says where it is');
my $there = connect_as($standby, 'city', 'auditor');
is($there->query("SET statement_timeout = '1s'")->{error}, undef, 'with little time');
my $result = $there->query('SELECT item FROM ctlpr.posture');
is(sqlstate_of($result), '00000', '... all of it is there');
cmp_ok(scalar @{ $result->{rows} }, '>', 8, '... and it is not empty');
is(sqlstate_of($there->query('SELECT * FROM ctlpr.current_posture()')), '00000', 'as from its function');
is(sqlstate_of(connect_as($standby, 'city', 'nhpd')->query('SELECT * FROM ctlpr.posture')), '42501', 'others are refused there too');
$there->close;
$standby->stop;
$primary->stop;

done_testing();
