# 13(d)(6): the second wall holds without the first: a plan that another module took the policy out of is refused, and on record.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CtlprTest;

my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my $include = `$pg_config --includedir-server`;
chomp $include;
plan skip_all => 'no compiler or no development files of the server' if system("gcc --version >/dev/null 2>&1") != 0 || !-e "$include/postgres.h";

my $library = PostgreSQL::Test::Utils::tempdir() . '/strip_policy.so';
system_or_bail('gcc', '-shared', '-fPIC', "-I$include", '-o', $library, 'modules/strip_policy.c');

my $node = new_node('main', 'autovacuum = off');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ctlpr,$library'");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', 'GRANT UPDATE, DELETE ON plate_reads TO nhpd');
my $officer = connect_as($node, 'city', 'nhpd');
my $request = request_sql('stripped');

# ask(statement, strip) - under a request, with the plan stripped or not
sub ask
{
	my ($statement, $strip) = @_;
	$officer->query('BEGIN');
	is($officer->query($request)->{error}, undef, 'a request');
	$officer->query('SET LOCAL strip_policy.strip = ' . ($strip ? 'on' : 'off'));
	my $result = $officer->query($statement);
	$officer->query('ROLLBACK');
	return $result;
}

my @statements = (
	'SELECT plate FROM plate_reads',
	'SELECT count(*) FROM plate_reads',
	"SELECT plate FROM plate_reads WHERE plate = 'NH1'",
	'SELECT 1 WHERE EXISTS (SELECT FROM plate_reads)',
	'WITH r AS MATERIALIZED (SELECT plate FROM plate_reads) SELECT count(*) FROM r',
	"UPDATE plate_reads SET plate = 'X'",
	'DELETE FROM plate_reads',
	'EXPLAIN SELECT plate FROM plate_reads',
);
for my $statement (@statements)
{
	is(ask($statement, 0)->{error}, undef, "$statement: runs");
	my $result = ask($statement, 1);
	is(sqlstate_of($result), 'LP010', "$statement: refused without its policy");
	like($result->{error}{M}, qr/without its policy/, '... for that reason');
	is(scalar @{ $result->{rows} }, 0, '... and shows nothing');
}
is(log_value($node, 'city', 'count(*)', "sqlstate = 'LP010' AND entry = 'verdict' AND NOT allowed AND role = 'nhpd'"), scalar @statements, 'each of these refusals is on record');
is(sqlstate_of($officer->query('SET strip_policy.strip = on')), '00000', 'what is not governed');
is(scalar @{ $officer->query('SELECT 1 FROM pg_class LIMIT 1')->{rows} }, 1, '... goes on without its conditions');
$node->stop;
done_testing();
