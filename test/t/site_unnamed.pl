# 13(d)(5): the list of protected sites is itself sensitive, so no name or place of one reaches the server log
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', "log_min_messages = notice\nlog_error_verbosity = verbose\nlog_statement = none\n");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', q{SET client_min_messages = warning; SELECT ctlpr.register_camera('CAM-1', 'CT-NHPD', true, 'POINT(-72.93 41.31)')});

my $from = -s $node->logfile;
$node->safe_psql('city', q{SET client_min_messages = warning; SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.3101)', 100, current_date - 3)});
my %refused = (
	'in the future' => q{SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.3101)', 100, current_date + 3)},
	'of no kind' => q{SELECT ctlpr.register_protected_site('school', 'Secret', 'POINT(-72.93 41.3101)', 100, current_date - 3)},
	'without distance' => q{SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.3101)', 0, current_date - 3)},
	'crossing itself' => q{SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POLYGON((-72.93 41.3101, -73 42, -72.93 42, -73 41.3101, -72.93 41.3101))', 10, current_date - 3)},
	'under another isolation level' => q{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT ctlpr.register_protected_site('immigrant_service', 'Secret', 'POINT(-72.93 41.3101)', 100, current_date - 3)});
for my $how (sort keys %refused)
{
	my ($status, $out, $err) = $node->psql('city', $refused{$how});
	like($err, qr/ERROR:/, "a site $how is refused");
}
my ($status, $out, $err) = $node->psql('city', q{SELECT ctlpr.activate_camera('CAM-1')});
like($err, qr/ERROR: .*protected site/, 'its camera is barred');

my $log = slurp_file($node->logfile, $from);
like($log, qr/cameras made inactive by protected site 1: 1/, 'the server log has the notice');
is(() = $log =~ /ERROR:/g, 6, 'and the errors');
unlike($log, qr/Secret|41\.3101/, 'but no name and no place');
like($node->safe_psql('city', q{SHOW log_min_error_statement}), qr/^error$/, 'other statements are quoted as before');

$node->stop;
done_testing();
