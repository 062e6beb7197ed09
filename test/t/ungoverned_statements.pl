# Statements on other tables pay next to nothing: no entry, no writer, no request, the same plan: invariant 7.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $node = new_node('main', "autovacuum = off\nctlpr.purge_naptime = 1h\n");
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('postgres', 'CREATE DATABASE beside');

# The same tables in a database with governed ones and in one without ctlpr
my $tables = <<'SQL';
CREATE TABLE vehicles (plate text PRIMARY KEY, model int NOT NULL, owner_id int NOT NULL);
CREATE TABLE owners (owner_id int PRIMARY KEY, name text NOT NULL);
INSERT INTO owners SELECT n, 'owner ' || n FROM generate_series(1, 2000) n;
INSERT INTO vehicles SELECT 'V' || n, n % 50, 1 + n % 2000 FROM generate_series(1, 20000) n;
CREATE INDEX vehicles_model_idx ON vehicles (model);
ALTER TABLE vehicles ADD FOREIGN KEY (owner_id) REFERENCES owners;
CREATE TABLE log_of_visits (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE visits_1 PARTITION OF log_of_visits FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE visits_2 PARTITION OF log_of_visits FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE guarded (who name, what text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON guarded USING (who = current_user);
CREATE VIEW cheap AS SELECT v.plate, o.name FROM vehicles v JOIN owners o USING (owner_id) WHERE v.model = 3;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO PUBLIC;
ANALYZE;
SQL
$node->safe_psql($_, $tables) for 'city', 'beside';
govern_reads($node, 'city');

my @statements = (
	"SELECT * FROM vehicles WHERE plate = 'V77'",
	'SELECT count(*) FROM vehicles WHERE model = 3',
	"SELECT * FROM vehicles WHERE plate LIKE 'V1%' ORDER BY plate LIMIT 5",
	'SELECT o.name, count(*) FROM vehicles v JOIN owners o USING (owner_id) GROUP BY o.name ORDER BY 2 DESC, 1 LIMIT 3',
	'SELECT * FROM cheap',
	"SELECT * FROM log_of_visits WHERE at >= '2021-06-01'",
	'SELECT * FROM guarded',
	'WITH w AS (SELECT model FROM vehicles) SELECT count(*) FROM w WHERE model IN (SELECT owner_id FROM owners)',
	"UPDATE vehicles SET model = 4 WHERE plate = 'V5'",
	"DELETE FROM vehicles WHERE plate = 'V6'",
	"INSERT INTO vehicles VALUES ('NEW', 1, 1) ON CONFLICT DO NOTHING",
	"MERGE INTO vehicles v USING owners o ON v.owner_id = o.owner_id AND o.owner_id = 1 WHEN MATCHED THEN UPDATE SET model = 9",
	'SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.oid < 16384');

for my $user ('nhpd', 'unbound', owner_login())
{
	my $city = connect_as($node, 'city', $user);
	my $beside = connect_as($node, 'beside', $user);
	for my $statement (@statements)
	{
		my @plan = map { join("\n", map { $_->[0] } @{ $_->query("EXPLAIN (VERBOSE, COSTS ON) $statement")->{rows} }) } $city, $beside;
		# catalogs differ in size between the two databases
		@plan = map { s/\(cost=[^)]*\)//gr } @plan if $statement =~ /pg_class/;
		isnt($plan[0], '', "$user has a plan") if $statement eq $statements[0];
		is($plan[0], $plan[1], "$user has the same plan as without ctlpr: $statement");
	}
	$_->close for $city, $beside;
}

# Run them, from a fresh start: no entry, and nobody starts a writer
my $before = log_value($node, 'city', "max(seq) || ' ' || count(*)", "entry = 'verdict' AND relation IS DISTINCT FROM 'ctlpr.audit_entry'");
$node->restart;
my $client = connect_as($node, 'city', 'unbound');
$client->query('SET plan_cache_mode = force_generic_plan');
for my $round (1 .. 50)
{
	$client->query('BEGIN') if $round % 2;
	for my $statement (@statements, 'CREATE TEMP TABLE scratch AS SELECT * FROM vehicles; DROP TABLE scratch', 'COPY (SELECT 1 FROM owners) TO STDOUT', 'DO $$ BEGIN PERFORM count(*) FROM owners; END $$')
	{
		my $result = $client->query($statement);
		BAIL_OUT("$statement: $result->{error}{C} $result->{error}{M}") if $result->{error};
	}
	$client->query('ROLLBACK') if $round % 2;
}
is(sqlstate_of($client->query('SELECT 1 / 0')), '22012', 'errors too');
$client->close;
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ctlpr audit writer'"), '0', 'no writer was started');
is(log_value($node, 'city', "max(seq) || ' ' || count(*)", "entry = 'verdict' AND relation IS DISTINCT FROM 'ctlpr.audit_entry'"), $before, 'no entry was made');

# A request is of no concern to them
my $nhpd = connect_as($node, 'city', 'nhpd');
$nhpd->query('BEGIN');
my $request = $nhpd->query(request_sql('a request'))->{rows}[0][0];
is(scalar @{ $nhpd->query('SELECT * FROM vehicles')->{rows} }, 20000, 'under a request they run as ever');
$nhpd->query('COMMIT');
is(log_value($node, 'city', 'count(*)', "request_seq = $request"), '0', '... and are no part of its record');
$node->stop;

done_testing();
