# docs/reference.md says of each public function, view, table and setting what its comment says, and leaves none out.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main');
$node->start;
$node->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION ctlpr CASCADE');

my ($status, $written, $errors) = $node->psql('postgres', slurp_file('../tools/reference.sql'), extra_params => ['-XAtq'], on_error_stop => 1);
is($errors, '', 'the page can be written');
my $page = slurp_file('../docs/reference.md');
chomp $page;
ok($page eq $written, 'and is what docs/reference.md has (make reference writes it)') or first_difference($page, $written);

# Whoever writes a function comments it, or the page would not tell.
is($node->safe_psql('postgres', <<'SQL'), '', 'nothing public is without a comment');
SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'ctlpr'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL
UNION ALL
SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
SQL

sub first_difference
{
	my @have = split /\n/, $_[0], -1;
	my @want = split /\n/, $_[1], -1;
	for my $line (0 .. $#want)
	{
		next if defined $have[$line] && $have[$line] eq $want[$line];
		diag('line ' . ($line + 1) . ":\n  page:     " . ($have[$line] // '(none)') . "\n  comments: $want[$line]");
		return;
	}
	diag('the page goes on after line ' . scalar(@want));
	return;
}

done_testing();
