# 14(a)(6): a governed table that was dropped does not blind the views of retention.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CtlprTest;
my $node = new_node('main', 'autovacuum = off');
$node->start;
new_world($node, 'city');
$node->safe_psql('city', "BEGIN; SELECT ctlpr.break_glass('test'); DROP TABLE plate_reads; COMMIT");
for my $view (qw(retention_status purge_status findings)) {
	my ($status, $out, $err) = $node->psql('city', "SELECT count(*) FROM ctlpr.$view");
	is($err, '', "$view after DROP TABLE of a governed table");
}
$node->stop;
done_testing();
