# Where the library is not loaded, no ordinary role reads a governed table: 13(d)(6), invariant 5.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', 'autovacuum = off');
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
CREATE POLICY everybody ON plate_reads FOR ALL TO PUBLIC USING (true) WITH CHECK (true);
GRANT INSERT, UPDATE, DELETE ON plate_reads TO nhpd;
CREATE TABLE daily (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY RANGE (captured_at);
CREATE TABLE daily_before PARTITION OF daily FOR VALUES FROM ('2000-01-01') TO ('2001-01-01');
CREATE TABLE parent (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
ALTER TABLE daily OWNER TO reads_owner;
ALTER TABLE daily_before OWNER TO reads_owner;
ALTER TABLE parent OWNER TO reads_owner;
GRANT CREATE ON SCHEMA public TO reads_owner;
GRANT SELECT ON daily, daily_before, parent TO PUBLIC;
SET client_min_messages = warning;
SELECT ctlpr.govern(t, captured_at => 'captured_at', plate => 'plate', agency => 'agency_id') FROM unnest('{plate_reads,daily,parent}'::regclass[]) t;
SQL
# Partitions and children that come after govern(), by every way there is, made by the owner
$node->safe_psql('city', <<'SQL');
SET ROLE reads_owner;
CREATE TABLE daily_after PARTITION OF daily FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE TABLE daily_attached (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
ALTER TABLE daily ATTACH PARTITION daily_attached FOR VALUES FROM ('2002-01-01') TO ('2003-01-01');
CREATE TABLE daily_tree PARTITION OF daily FOR VALUES FROM ('2003-01-01') TO ('2004-01-01') PARTITION BY LIST (agency_id);
CREATE TABLE daily_leaf PARTITION OF daily_tree FOR VALUES IN ('CT-NHPD');
CREATE TABLE tree_apart (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY LIST (agency_id);
CREATE TABLE leaf_apart PARTITION OF tree_apart DEFAULT;
ALTER TABLE daily ATTACH PARTITION tree_apart FOR VALUES FROM ('2004-01-01') TO ('2005-01-01');
CREATE TABLE daily_default PARTITION OF daily DEFAULT;
CREATE TABLE child () INHERITS (parent);
CREATE TABLE grandchild () INHERITS (child);
CREATE TABLE adopted (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
ALTER TABLE adopted INHERIT parent;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
RESET ROLE;
SQL
my @members = qw(plate_reads daily daily_before daily_after daily_attached daily_tree daily_leaf tree_apart leaf_apart daily_default parent child grandchild adopted);
is( $node->safe_psql('city', "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relname = ANY ('{" . join(',', @members) . "}') AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'ctlpr_guard' AND NOT p.polpermissive AND p.polcmd = '*'))"),
	'', 'row security is enabled and forced, with the guard, on every relation, partition and child, old and new');
$node->safe_psql('city', "SET ctlpr.restore = on; COPY daily FROM PROGRAM \$\$printf '2001-06-01\\tOLD1\\tCT-NHPD\\n2002-06-01\\tOLD2\\tCT-NHPD\\n2003-06-01\\tOLD3\\tCT-NHPD\\n2004-06-01\\tOLD4\\tCT-NHPD\\n'\$\$");

# Without the library
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
for my $user (qw(nhpd hpd unbound reads_owner nhpd_ingest))
{
	my $client = connect_as($node, 'city', $user);
	for my $relation (@members)
	{
		my $result = $client->query("SELECT * FROM $relation");
		# Where no policy of the table's own lets any row pass, the server need not even ask the guard.
		is(scalar @{ $result->{rows} }, 0, "$user reads nothing of $relation");
		is(sqlstate_of($result), '55000', '... but the error of the guard') if $relation eq 'plate_reads';
		last if $result->{gone};
	}
	$client->close;
}
my $nhpd = connect_as($node, 'city', 'nhpd');
my $result = $nhpd->query('SELECT * FROM plate_reads');
is(sqlstate_of($result), '55000', 'a permissive policy of its own opens nothing');
like($result->{error}{M}, qr/ctlpr must be loaded/, '... the error says what is missing');
like($result->{error}{H}, qr/shared_preload_libraries/, '... and what to set');
for my $statement (
	'SELECT count(*) FROM plate_reads',
	"INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'X', 'CT-NHPD')",
	"UPDATE plate_reads SET plate = 'X'",
	'DELETE FROM plate_reads',
	'COPY plate_reads TO STDOUT',
	'SELECT * FROM plate_reads WHERE false OR plate > $$$$')
{
	$result = $nhpd->query($statement);
	ok($result->{error} && !@{ $result->{rows} }, "refused: $statement: " . sqlstate_of($result));
}
is(sqlstate_of($nhpd->query("LOAD 'ctlpr'")), '42501', 'an officer cannot load it into the session');
$nhpd->query('BEGIN');
is(sqlstate_of($nhpd->query(request_sql('no library'))), '55000', 'begin_request() is refused');
$nhpd->query('ROLLBACK');
is(sqlstate_of($nhpd->query('SELECT count(*) FROM pg_class')), '00000', 'other statements go on');
my ($status, $out, $err) = $node->psql('city', "LOAD 'ctlpr'");
like($err, qr/ERROR: .*must be loaded by the server at its start/, 'a superuser cannot load it into a session either');

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
($status, $out, $err) = $node->psql('fresh', 'CREATE EXTENSION ctlpr CASCADE');
like($err, qr/ERROR: .*ctlpr must be loaded by the server at its start/, 'CREATE EXTENSION fails without the library preloaded');
like($err, qr/HINT: .*Add ctlpr to shared_preload_libraries in postgresql\.conf and restart the server/, '... with the hint');
is($node->safe_psql('fresh', "SELECT count(*) FROM pg_extension WHERE extname = 'ctlpr'"), '0', '... and leaves nothing');

# And with it again
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ctlpr'\n");
$node->restart;
$nhpd = connect_as($node, 'city', 'nhpd');
$nhpd->query('BEGIN');
is($nhpd->query(request_sql('library again'))->{error}, undef, 'with the library requests are taken again');
is(scalar @{ $nhpd->query('SELECT * FROM plate_reads')->{rows} }, 100, '... and reads are seen');
is(scalar @{ $nhpd->query('SELECT * FROM daily')->{rows} }, 0, '... those that expired are not');
$nhpd->query('COMMIT');
$nhpd->close;
$node->stop;

done_testing();
