# The tree is Certificate Transparency's: its published vectors of roots, inclusion and consistency proofs, RFC 6962 and RFC 9162, 2.1.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my $include = qx($pg_config --includedir-server);
chomp $include;
plan skip_all => 'no compiler or no development files of the server' if system('gcc --version >/dev/null 2>&1') != 0 || !-e "$include/postgres.h";

my $library = PostgreSQL::Test::Utils::tempdir() . '/merkle_vectors.so';
system_or_bail('gcc', '-shared', '-fPIC', "-I$include", '-o', $library, 'modules/merkle_vectors.c', '-lcrypto');

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION root(leaves bytea[]) RETURNS bytea AS '$library', 'merkle_vector_root' LANGUAGE C STRICT;
CREATE FUNCTION inclusion(leaves bytea[], leaf int) RETURNS bytea[] AS '$library', 'merkle_vector_inclusion' LANGUAGE C STRICT;
CREATE FUNCTION consistency(leaves bytea[], old_size int) RETURNS bytea[] AS '$library', 'merkle_vector_consistency' LANGUAGE C STRICT;
SQL

my @leaves = ('', qw(00 10 2021 3031 40414243 5051525354555657 606162636465666768696a6b6c6d6e6f));
sub leaves { return 'ARRAY[' . join(',', map { "'\\x$_'::bytea" } @leaves[ 0 .. $_[0] - 1 ]) . ']::bytea[]' }
sub root { return $node->safe_psql('postgres', "SELECT encode(root(" . leaves($_[0]) . "), 'hex')") }
sub proof { return $node->safe_psql('postgres', "SELECT coalesce(string_agg(encode(h, 'hex'), ' ' ORDER BY n), '') FROM unnest($_[0]) WITH ORDINALITY u (h, n)") }

is(root(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'root of no leaf');
my @roots = qw(
  6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
  fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
  aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
  d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
  4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
  76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
  ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
  5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328);
is(root($_), $roots[ $_ - 1 ], "root of $_") for 1 .. 8;

my %inclusion = (
	'0 of 1' => '',
	'0 of 8' => '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
	'5 of 8' => 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
	'2 of 3' => 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
	'1 of 5' => '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b');
for (sort keys %inclusion)
{
	my ($leaf, $size) = /^(\d+) of (\d+)$/;
	is(proof("inclusion(" . leaves($size) . ", $leaf)"), $inclusion{$_}, "inclusion of leaf $_");
}

my %consistency = (
	'1 in 1' => '',
	'1 in 8' => '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
	'6 in 8' => '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
	'2 in 5' => '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b');
for (sort keys %consistency)
{
	my ($old, $size) = /^(\d+) in (\d+)$/;
	is(proof("consistency(" . leaves($size) . ", $old)"), $consistency{$_}, "consistency of $_");
}
$node->stop;
done_testing();
