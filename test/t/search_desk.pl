# 13(b)(1), 13(b)(2)(A)(iii), 14(a)(6): the search desk of examples/ runs, and every answer is the one that it says it expects.
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $output = '';
plan skip_all => 'psycopg is not installed (Debian package python3-psycopg)' if !IPC::Run::run([ 'python3', '-c', 'import psycopg' ], '>&', \$output);

my $node = new_node('main', 'autovacuum = off');
$node->start;
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, TZ => 'UTC');
	my $fine = IPC::Run::run([ '../examples/search_desk/play.sh' ], '<', '/dev/null', '>&', \$output);
	ok($fine, 'a day at the search desk goes as its script expects') or diag($output);
	unlike($output, qr/Traceback|NOT AS EXPECTED/, '... without a step that it did not expect');
	cmp_ok(scalar(() = $output =~ /\$ desk\.py/g), '>=', 15, '... all of it');
}
is(log_value($node, 'search_desk', "string_agg(DISTINCT sqlstate, ' ' ORDER BY sqlstate)", "entry = 'verdict' AND role = 'desk_app' AND NOT allowed"), 'LP004 LP005 LP008', 'what was refused at the desk is on record');
is(log_value($node, 'search_desk', "count(*)", "entry = 'verdict' AND role = 'desk_app' AND allowed AND action = 'select' AND officer IS NULL"), 0, '... and no search is without its officer');
check_log_is_whole($node, 'search_desk', 'after the day');

$node->stop;
done_testing();
