# A clock that is set back brings no expired read back, in a running server or across a restart: 13(b)(2)(A), invariant 2.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

require_faketime();

my $node = new_node('main', 'autovacuum = off');
shift_clock($node, '+0d');
start_shifted($node);
new_world($node, 'city');

sub hours_off { return $node->safe_psql('postgres', "SELECT round(extract(epoch FROM clock_timestamp() - to_timestamp(" . time . ")) / 3600)") }
sub seen
{
	my ($reason) = @_;
	my $officer = connect_as($node, 'city', 'nhpd');
	$officer->query('BEGIN');
	$officer->query(request_sql($reason));
	my $result = $officer->query('SELECT plate FROM plate_reads');
	$officer->query('COMMIT');
	$officer->close;
	return sqlstate_of($result) . ' live ' . (grep { $_->[0] =~ /^NH\d/ } @{ $result->{rows} }) . ' expired ' . (grep { $_->[0] =~ /^NHX/ } @{ $result->{rows} });
}

my $right = '00000 live 100 expired 0';
is(seen('right time'), $right, 'with the right time live reads are seen and expired ones are not');
await_log($node, 'city', "entry = 'outcome' AND rows_returned = 100");

shift_clock($node, '-2d');
is(hours_off(), '-48', "the server's clock is set back by two days while it runs");
is(seen('set back while running'), $right, 'no expired read comes back');

$node->stop;
start_shifted($node);
is(hours_off(), '-48', 'it is still set back after a restart');
is(seen('set back, restarted'), $right, 'no expired read comes back after a restart');

is(log_value($node, 'city', 'max(at) - min(at) < $$1 hour$$', "entry = 'verdict' AND action = 'request'"), 't', 'the log shows no time before what it has seen');
$node->stop('immediate');
shift_clock($node, '+0d');
start_shifted($node);
is(hours_off(), '0', 'the clock is right again');
is(seen('right again'), $right, 'all is as before');
$node->stop;

done_testing();
