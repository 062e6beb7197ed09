# Another law as data, without a change in C: New Hampshire RSA 261:75-b - three minutes, own reads only, attended readers on vehicles.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $node = new_node('main', "autovacuum = off\nctlpr.purge_naptime = 1s\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE granite');
$node->safe_psql('granite', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE concord LOGIN;
CREATE ROLE concord_chief LOGIN;
CREATE ROLE concord_feed LOGIN;
CREATE ROLE nashua LOGIN;
CREATE ROLE assessor LOGIN;
CREATE ROLE vermont LOGIN;
CREATE ROLE fbi LOGIN;
CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-nh');
SELECT ctlpr.register_agency('NH-CPD', 'Concord Police', 'police', 'NH'), ctlpr.register_agency('NH-NPD', 'Nashua Police', 'police', 'NH'), ctlpr.register_agency('NH-TAX', 'Assessor', 'public_agency', 'NH'),
	ctlpr.register_agency('VT-PD', 'Burlington Police', 'police', 'VT'), ctlpr.register_agency('US-FBI', 'FBI', 'federal', 'US');
SELECT ctlpr.bind_role('concord', 'NH-CPD'), ctlpr.bind_role('concord_chief', 'NH-CPD', supervisor => true), ctlpr.bind_role('concord_feed', 'NH-CPD', may_ingest => true),
	ctlpr.bind_role('nashua', 'NH-NPD'), ctlpr.bind_role('assessor', 'NH-TAX'), ctlpr.bind_role('vermont', 'VT-PD'), ctlpr.bind_role('fbi', 'US-FBI');
CREATE TABLE reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
CREATE INDEX ON reads (captured_at);
GRANT SELECT ON reads TO PUBLIC;
GRANT INSERT ON reads TO concord_feed;
-- of two minutes ago, of more than three minutes ago, and of a neighbour
INSERT INTO reads VALUES (now() - interval '2 minutes', 'AGED2', 'NH-CPD'), (now() - interval '181 seconds', 'AGED3', 'NH-CPD'), (now(), 'NASHUA', 'NH-NPD');
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
sub value { return $node->safe_psql('granite', $_[0]) }

# What a request gets: SQLSTATE and clause of its refusal, or the plates that it sees
sub asked
{
	my ($role, $arguments) = @_;
	my $client = connect_as($node, 'granite', $role);
	$client->query('BEGIN');
	my $result = $client->query("SELECT ctlpr.begin_request($arguments)");
	$result = $client->query('SELECT plate FROM reads ORDER BY plate') if !$result->{error};
	$client->close;
	return join(' ', map { $_->[0] } @{ $result->{rows} }) if !$result->{error};
	return $result->{error}{C} . ': ' . ($result->{error}{D} =~ s/^The statute decides so in (.*)\.$/$1/r);
}
sub last_entry { return log_value($node, 'granite', "e.statute || ': ' || e.sqlstate || ' ' || e.clause", "e.entry = 'verdict' AND e.action = 'request' ORDER BY e.seq DESC LIMIT 1") }
my $stolen = "'stolen_vehicle', officer => 'A. Smith'";

# Three minutes
is(asked('concord', $stolen), 'AGED2', 'a read of two minutes ago is seen, one of more than three is not, nor another agency\'s');
is(value("SELECT extract(epoch FROM retention) FROM ctlpr.retention_status WHERE relation = 'reads'::regclass"), '180.000000', 'retention_status has the three minutes');
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '1', 'the old one waits to be purged');
my $feed = connect_as($node, 'granite', 'concord_feed');
is(sqlstate_of($feed->query("INSERT INTO reads VALUES (now() - interval '181 seconds', 'LATE', 'NH-CPD')")), 'LP013', 'a read that is too old already does not come in');
is(sqlstate_of($feed->query("INSERT INTO reads VALUES (now() - interval '172 seconds', 'AGING', 'NH-CPD')")), '00000', 'one of less than three minutes does');
is(asked('concord', $stolen), 'AGED2 AGING', '... and is seen');
my $before = asked('concord', "'missing_person', officer => 'A. Smith'");
ok(await_true(sub { return asked('concord', $stolen) !~ /AGING/ }, 20), 'until it is three minutes old');
like($before, qr/AGING/, '... not before');
is(value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT count(*) FROM reads WHERE plate = 'AGING'; COMMIT"), '0', 'then nobody sees it, a superuser neither');
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '2', 'both are still there, hidden');
value("SET client_min_messages = warning; SELECT ctlpr.start_purge('reads', 'Chief')");
ok(await_true(sub { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('reads')") eq '0' }, 15), 'the worker deletes them by itself');
is(value("SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation_name = 'public.reads'"), '2', '... with a certificate');
value("SET ROLE concord_feed; INSERT INTO reads VALUES (now() - interval '177 seconds', 'SHORT', 'NH-CPD')");
ok(await_true(sub { return value("SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation_name = 'public.reads'") eq '3' }, 20), 'and what expires later, within its naptime');

# Purposes
my %purposes = (
	"'parking_enforcement'" => 'LP004: RSA 261:75-b, V',
	"'traffic_analytics'" => 'LP004: RSA 261:75-b, V',
	"'immigration_enforcement', officer => 'A. Smith', reason => 'x'" => 'LP004: RSA 261:75-b, V',
	"'stolen_vehicle'" => 'LP005: RSA 261:75-b, V(a)',
	"'suspected_offense', officer => 'A. Smith'" => 'LP005: RSA 261:75-b, V(e)',
	"'major_crime', officer => 'A. Smith', case_number => 'pending'" => 'LP005: RSA 261:75-b, V(h)',
	"'backup'" => 'LP003: RSA 261:75-b, VIII');
for my $arguments (sort keys %purposes)
{
	is(asked('concord', $arguments), $purposes{$arguments}, "begin_request($arguments)");
	is(last_entry(), 'us-nh: ' . ($purposes{$arguments} =~ s/://r), '... on record');
}
like(asked('concord', "'curiosity'"), qr/^LP003: /, 'an unknown purpose is none');
is(asked('assessor', $stolen), 'LP003: RSA 261:75-b, V(a)', 'law enforcement alone may use it');

# Nobody else's reads
value("SET ROLE concord_feed; INSERT INTO reads VALUES (now(), 'CONCORD', 'NH-CPD')");
is(asked('nashua', "$stolen, case_number => '26-1', reason => 'x'"), 'NASHUA', 'another agency of the state sees its own reads only, a case number or not');
for my $role (qw(vermont fbi))
{
	is(asked($role, "'outstanding_warrant', officer => 'B. Jones', case_number => '26-1'"), $role eq 'fbi' ? 'LP003: RSA 261:75-b, V(c)' : 'LP006: RSA 261:75-b, VIII', "$role is refused");
}
is(asked('concord', "$stolen, on_behalf_of => 'US-FBI'"), 'LP003: RSA 261:75-b, V(a)', 'also by way of an officer of the state');
is(asked('concord', "$stolen, on_behalf_of => 'NH-NPD'"), 'LP006: RSA 261:75-b, VIII', '... and another agency of the state likewise');
like(($node->psql('granite', "SELECT ctlpr.file_declaration('VT-PD', 'Chief', current_date - 1)"))[2], qr/DETAIL:  Clause RSA 261:75-b, VIII /, 'a declaration opens nothing');

# Held until final court disposition
my $hold = value("SET ROLE concord_chief; SELECT ctlpr.preserve('reads', 'arrest_or_citation', 'arrest', '26-7', 'Officer A', plates => '{CONCORD}')");
is(value("SELECT clause, case_number FROM ctlpr.hold WHERE hold_id = $hold"), 'RSA 261:75-b, VIII|26-7', 'a read that led to an arrest is held');
like(($node->psql('granite', "SET ROLE concord_chief; SELECT ctlpr.preserve('reads', 'highway_fee', 'fee', '26-8', 'Officer A', plates => '{CONCORD}')"))[2], qr/arrest_or_citation, wanted_or_stolen/, 'for no reason of another state');
value("UPDATE ctlpr.statute_retention SET period = '1 second' WHERE statute = 'us-nh'");
sleep 1.1;
ok(await_true(sub { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('reads')") eq '0' }, 15), 'the read goes with all others');
is(value("SELECT ctlpr.held_reads($hold)"), '1', '... its copy stays');
value("SET ROLE concord_chief; SELECT ctlpr.end_hold($hold, 'final_disposition')");
ok(await_true(sub { return value("SELECT ctlpr.held_reads($hold)") eq '0' }, 15), '... until the final disposition');
value("UPDATE ctlpr.statute_retention SET period = '3 minutes' WHERE statute = 'us-nh'");

# Readers
my %cameras = ("'FIXED', 'NH-CPD', true, 'POINT(-71.5 43.2)'" => 'no fixed cameras', "'CAR', 'NH-CPD', false" => 'lacks an officer who attends it');
for my $camera (sort keys %cameras)
{
	my ($status, $out, $err) = $node->psql('granite', "\\set VERBOSITY verbose\nSELECT ctlpr.register_camera($camera)");
	like($err, qr/ERROR:  LP005: .*\Q$cameras{$camera}\E.*RSA 259:68-a/s, "register_camera($camera) is refused");
}
value("SELECT ctlpr.register_camera('CAR', 'NH-CPD', false, attended => true)");
is(value("SELECT count(*) FROM ctlpr.findings WHERE kind IN ('camera_not_permitted', 'over_retention')"), '0', 'an attended reader on a vehicle is not');

is(value("SELECT count(*) FROM ctlpr.audit_entry WHERE statute IS DISTINCT FROM 'us-nh' AND action = 'request'"), '0', 'every request was decided under this statute');
check_log_is_whole($node, 'granite', 'the log');
$node->stop;

done_testing();
