# A clock that is set forward hides reads and deletes none until somebody confirms it, across a restart or in a running server: 13(b)(2)(A).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

require_faketime();

my $node = new_node('main', "autovacuum = off\nctlpr.purge_naptime = 1s");
sub value { return $node->safe_psql('city', $_[0]) }
sub doubted { return value('SELECT count(*) FROM ctlpr.clock WHERE doubted_at IS NOT NULL') }
sub set_naptime
{
	my ($naptime) = @_;
	$node->append_conf('postgresql.conf', "ctlpr.purge_naptime = $naptime");
	if (-e $node->data_dir . '/postmaster.pid')
	{
		$node->reload;
		sleep 2;
	}
	return;
}
sub seen { return value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT count(*) FROM reads; COMMIT") }

shift_clock($node, '+0d');
start_shifted($node);
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE TABLE reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO reads SELECT now() - n * interval '1 day', 'P' || n FROM generate_series(0, 25) n;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
SELECT ctlpr.start_purge('reads', 'Chief');
SQL
ok(await_true(sub { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('reads')") eq '0' }), 'with the right time expired reads are deleted');
is(seen(), '21', 'the others are there');
is(doubted(), '0', 'nobody doubts the clock');
like(($node->psql('city', "SELECT ctlpr.confirm_clock('why not')"))[2], qr/ERROR: .*not in doubt/, '... and nobody needs to confirm it');

# Since it was last seen, two days passed while the server was down; the worker sleeps, so that it does not see them pass
set_naptime('1h');
value("UPDATE ctlpr.clock SET seen_at = seen_at - interval '2 days'");
$node->stop;
set_naptime('1s');
start_shifted($node);
ok(await_true(sub { return doubted() eq '1' }), 'a gap of two days over a restart is doubted');
value("INSERT INTO ctlpr.statute_retention SELECT statute, rule, clause, '240 hours', description, now() FROM ctlpr.statute_retention WHERE rule = 'standard'; UPDATE ctlpr.statute_retention SET valid_until = now() WHERE rule = 'standard' AND period = '504 hours'");
is(seen(), '10', 'what is expired is hidden at once');
sleep 2.5;
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '11', '... and not deleted');
like(($node->psql('city', 'SELECT * FROM ctlpr.purge()'))[2], qr/ERROR: .*suspended.*confirm_clock/s, 'purging by hand says why');
is(value("SELECT severity, clause, cardinality(evidence) FROM ctlpr.findings WHERE kind = 'clock'"), 'warning|13(b)(2)(A)|1', 'it is a finding with its entry');

# A restart does not take the doubt away
$node->stop;
start_shifted($node);
sleep 2.5;
is(doubted(), '1', 'the doubt outlives a restart');
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '11', '... with the reads');
like(($node->psql('city', 'SELECT ctlpr.confirm_clock(NULL)'))[2], qr/ERROR/, 'a confirmation says how the time was checked');
value("SELECT ctlpr.confirm_clock('compared with the radio clock')");
ok(await_true(sub { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('reads')") eq '0' }), 'once confirmed, deletion goes on');
is(value("SELECT count(*) FROM ctlpr.findings WHERE kind = 'clock'"), '0', '... and the finding is gone');
is(log_value($node, 'city', 'count(*)', "action = 'configuration' AND detail ->> 'function' = 'confirm_clock'"), '1', '... and the confirmation on record');

# While the server runs
SKIP:
{
	# Before 16 the postmaster forks workers from a signal handler, inside a select() that libfaketime does not fake: they see the true time.
	skip 'libfaketime does not reach background workers before PostgreSQL 16', 4 if $node->pg_version < 16;
	shift_clock($node, '+30m');
	sleep 2.5;
	is(doubted(), '0', 'a small step is not doubted');
	shift_clock($node, '+3d');
	ok(await_true(sub { return doubted() eq '1' }), 'a step of three days is noticed while the server runs');
	is(seen(), '7', 'what seems expired is hidden at once');
	is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '3', '... and not deleted');
}
$node->stop;
done_testing();
