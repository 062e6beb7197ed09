# A clock that is set back brings no expired read back, in a running server or across a restart: 13(b)(2)(A), invariant 2.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my ($faketime) = grep { -e } glob('/usr/lib/*/faketime/libfaketime.so.1'), '/usr/lib/faketime/libfaketime.so.1';
plan skip_all => 'libfaketime is not installed (Debian package libfaketime)' if !$faketime;

# The server's clock is ours: libfaketime adds what the file says to the time of day, and leaves the monotonic clock alone.
my $node = new_node('main', 'autovacuum = off');
my $offset = $node->basedir . '/offset';
sub shift_clock
{
	my ($text) = @_;
	open(my $handle, '>', "$offset.new") or die;
	print $handle "$text\n";
	close $handle;
	rename "$offset.new", $offset or die;
	return;
}
sub start_server
{
	local %ENV = (%ENV, LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => $offset, FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
	$node->start;
	return;
}
shift_clock('+0d');
start_server();
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

shift_clock('-2d');
is(hours_off(), '-48', "the server's clock is set back by two days while it runs");
is(seen('set back while running'), $right, 'no expired read comes back');

$node->stop;
start_server();
is(hours_off(), '-48', 'it is still set back after a restart');
is(seen('set back, restarted'), $right, 'no expired read comes back after a restart');

is(log_value($node, 'city', 'max(at) - min(at) < $$1 hour$$', "entry = 'verdict' AND action = 'request'"), 't', 'the log shows no time before what it has seen');
$node->stop('immediate');
shift_clock('+0d');
start_server();
is(hours_off(), '0', 'the clock is right again');
is(seen('right again'), $right, 'all is as before');
$node->stop;

done_testing();
