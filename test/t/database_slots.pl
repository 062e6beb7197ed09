# 13(b)(2)(A): slots of dropped databases are free again, the writer lets a database be copied, purge() says that it has no worker.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CtlprTest;
my $node = new_node('main', "autovacuum = off\nctlpr.max_databases=2\nctlpr.audit_timeout=1s");
$node->start;
new_world($node, 'city');
my $bad = '';
for my $n (1..3) {
	$node->safe_psql('postgres', "CREATE DATABASE d$n");
	my ($s, $o, $e) = $node->psql("d$n", "SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; SELECT ctlpr.adopt_statute('us-ct-2026')");
	is($e, '', "database $n, of which one is there at a time");
	$node->psql('postgres', "DROP DATABASE d$n");
}
my $nhpd = connect_as($node, 'city', 'nhpd'); $nhpd->query('SELECT 1 FROM plate_reads'); $nhpd->close; await_writer($node, 'city');
my ($s, $o, $e) = $node->psql('postgres', 'CREATE DATABASE copy TEMPLATE city');
is($e, '', 'CREATE DATABASE ... TEMPLATE of a database whose writer idles');
($s, $o, $e) = $node->psql('postgres', 'ALTER DATABASE city RENAME TO town'); is($e, '', 'ALTER DATABASE ... RENAME while the writer idles'); $node->psql('postgres', 'ALTER DATABASE town RENAME TO city');
$node->append_conf('postgresql.conf', "max_worker_processes = 2\nmax_logical_replication_workers = 1\n");
$node->restart;
($s, $o, $e) = $node->psql('city', "SET statement_timeout = '20s'; SELECT * FROM ctlpr.purge()");
unlike($e, qr/statement timeout/, 'purge() by hand without a free worker slot says so') or diag $e;
$node->stop;
done_testing();
