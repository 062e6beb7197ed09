# After purge and erasure no byte of an expired read is left in any file of the server, or of a standby: 13(b)(2)(A).
use strict;
use warnings;

use Digest::MD5 'md5_hex';
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

# Files of the log before a checkpoint are removed, not kept for later.
my $node = new_node('main', <<'CONF', allows_streaming => 1);
autovacuum = off
wal_recycle = off
min_wal_size = 32MB
max_wal_size = 512MB
ctlpr.purge_naptime = 1h
ctlpr.erase = off
ctlpr.erase_rate = 0
CONF
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', "CREATE ROLE hpd_ingest LOGIN; SELECT ctlpr.bind_role('hpd_ingest', 'CT-HPD', may_ingest => true)");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

sub value { return $node->safe_psql('city', $_[0]) }

# What to look for: the server makes them, so that no statement names one.
my $reads = 400;
my $plate_sql = q{'ZQ' || upper(substr(md5('plate' || n % 97), 1, 6))};
my $image_sql = q{(SELECT string_agg('zqimage' || md5(n || '.' || i), ' ') FROM generate_series(1, 120) i)};
my %canary = map { ('ZQ' . uc(substr(md5_hex("plate$_"), 0, 6)) => 'plate') } 0 .. 96;
$canary{"zqimage" . md5_hex("$_.5")} = 'image' for 1 .. $reads;
my %place = map { (pack('d<', -72.9 - $_ / 7919) => 'place') } 1 .. $reads;
my $place = join '|', map { quotemeta } keys %place;

# found(node) - how many files hold something of an expired read, of what kind: { file => { plate => ..., image => ..., place => ... } }
sub found
{
	my ($where) = @_;
	my %hits;
	my @files = ($where->logfile);
	find({ no_chdir => 1, wanted => sub { push @files, $_ if -f $_ && !-l $_ } }, $where->data_dir);
	for my $file (@files)
	{
		my $bytes = slurp_file($file);
		while ($bytes =~ /(ZQ[0-9A-F]{6}|zqimage[0-9a-f]{32})|($place)/gs)
		{
			my $kind = defined $1 ? $canary{$1} : 'place';
			$hits{ $file =~ s{^\Q@{[$where->basedir]}\E/?}{}r }{$kind}++ if $kind;
		}
	}
	return \%hits;
}

sub say_hits
{
	my ($hits) = @_;
	return join '; ', map { my $file = $_; "$file: " . join ', ', map { "$hits->{$file}{$_} $_" } sort keys %{ $hits->{$file} } } sort keys %$hits;
}

# files_of(condition) - paths of the files of relations, to know where something was found
sub files_of
{
	my ($condition) = @_;
	my %name;
	for (split /\n/, value("SELECT pg_relation_filepath(c.oid), c.relname FROM pg_class c WHERE c.relkind IN ('r', 'i', 't') AND ($condition)"))
	{
		my ($path, $relation) = split /\|/;
		$name{"pgdata/$path"} = $relation;
	}
	return \%name;
}

# outside_rows(path) - looked at by other means than the server's: pages of a heap that have bytes other than zero between the
# line pointers and the rows, and behind rows that do not end where the next may begin
sub outside_rows
{
	my ($path) = @_;
	my $bytes = slurp_file($node->data_dir . "/$path");
	my ($holes, $padding) = (0, 0);
	for (my $at = 0; $at < length $bytes; $at += 8192)
	{
		my $page = substr $bytes, $at, 8192;
		my ($lower, $upper, $special) = unpack 'x12 v3', $page;
		next if $upper == 0;
		my @rows = grep { $_ >> 15 & 3 and $_ >> 17 } unpack 'V' . ($lower - 24) / 4, substr $page, 24;
		$holes++ if substr($page, $lower, $upper - $lower) =~ /[^\0]/;
		substr($page, $_ & 0x7fff, $_ >> 17) = "\0" x ($_ >> 17) for @rows;
		$padding++ if substr($page, $upper, $special - $upper) =~ /[^\0]/;
	}
	return ($holes, $padding);
}

# A plain table with every kind of index, and a partitioned one; more live reads than expired ones, and among them
my $columns = 'read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, image text, position geometry(Point, 4326)';
my $expired = "SELECT now() - interval '22 days' - n % 5 * interval '1 hour', $plate_sql, 'CT-NHPD', $image_sql, ST_SetSRID(ST_MakePoint(-72.9 - n / 7919.0::float8, 41.3), 4326) FROM generate_series(1, $reads) n";
my $live = "SELECT now() - n * interval '1 minute', 'LIVE' || n, 'CT-NHPD', CASE WHEN n % 10 = 0 THEN (SELECT string_agg('live' || md5(n || '.' || i), ' ') FROM generate_series(1, 120) i) ELSE repeat('live' || n, 20) END, ST_SetSRID(ST_MakePoint(-73, 41 + n / 10000.0), 4326) FROM generate_series(1, 3000) n";
my $into = '(captured_at, plate, agency_id, image, position)';
$node->safe_psql('city', <<"SQL");
SET client_min_messages = warning;
CREATE EXTENSION pg_trgm;
CREATE TABLE plain ($columns);
ALTER TABLE plain ALTER image SET STORAGE EXTERNAL;
CREATE TABLE daily ($columns) PARTITION BY RANGE (captured_at);
CREATE TABLE daily_old PARTITION OF daily FOR VALUES FROM (now() - interval '40 days') TO (now() - interval '22 days' - interval '150 minutes');
CREATE TABLE daily_rest PARTITION OF daily DEFAULT;
INSERT INTO plain $into SELECT * FROM (($live) UNION ALL ($expired)) r (captured_at, plate, agency_id, image, position) ORDER BY md5(plate || captured_at);
INSERT INTO daily $into SELECT * FROM (($live) UNION ALL ($expired)) r (captured_at, plate, agency_id, image, position) ORDER BY md5(plate || captured_at);
ALTER TABLE plain ADD PRIMARY KEY (read_id);
CREATE INDEX plain_plate ON plain (plate);
CREATE INDEX plain_time ON plain (captured_at);
CREATE INDEX plain_lower ON plain (lower(plate));
CREATE INDEX plain_hash ON plain USING hash (plate);
CREATE INDEX plain_trgm ON plain USING gin (plate gin_trgm_ops);
CREATE INDEX plain_brin ON plain USING brin (plate, captured_at) WITH (pages_per_range = 1);
CREATE INDEX plain_gist ON plain USING gist (position);
CREATE INDEX daily_plate ON daily (plate);
CREATE STATISTICS plain_both (mcv) ON plate, agency_id FROM plain;
-- small enough not to be compressed
ALTER STATISTICS plain_both SET STATISTICS 20;
CREATE STATISTICS daily_both (mcv) ON plate, agency_id FROM daily;
ANALYZE plain;
ANALYZE daily;
-- reads that never came, and reads whose first version is gone
BEGIN;
INSERT INTO plain $into $expired;
ROLLBACK;
UPDATE plain SET image = image || ' ' WHERE read_id % 7 = 0;
SELECT format('ALTER TABLE %s OWNER TO reads_owner', r) FROM unnest('{plain,daily,daily_old,daily_rest}'::text[]) r \\gexec
GRANT INSERT ON plain TO hpd_ingest;
SELECT ctlpr.govern(r::regclass, captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', image => 'image'), ctlpr.start_purge(r::regclass, 'Chief') FROM unnest('{plain,daily}'::text[]) r;
SQL

# settle() - everything on disk, here and on the standby, and no log that is older than what is there
sub settle
{
	for (1 .. 2)
	{
		$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
		# A segment that the standby has not got would be missed by it.
		$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
		$node->safe_psql('postgres', 'CHECKPOINT');
	}
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	$standby->safe_psql('postgres', 'CHECKPOINT');
	return;
}

# Purged and not erased
is(value('SELECT sum(rows_deleted) FROM ctlpr.purge()'), 2 * $reads, 'what has expired is purged');
is(value("SELECT to_regclass('daily_old') IS NULL"), 't', '... a whole partition with it');
value('VACUUM');
# New rows are put where old ones were, and padded with what lay there.
$node->safe_psql('city', "INSERT INTO plain $into SELECT now() - n * interval '1 second', repeat('N', 1 + n % 8), 'CT-HPD', NULL, NULL FROM generate_series(1, 600) n", extra_params => ['-U', 'hpd_ingest']);
settle();
my @heaps = split /\n/, value(q{SELECT pg_relation_filepath(f) FROM (SELECT c.oid, c.reltoastrelid FROM pg_class c WHERE c.relname IN ('plain', 'daily_rest', 'pg_statistic', 'pg_statistic_ext_data')) c CROSS JOIN LATERAL unnest(ARRAY[c.oid, c.reltoastrelid]) f WHERE f <> 0});
my ($holes, $padding) = (0, 0);
for (@heaps) { my @outside = outside_rows($_); $holes += $outside[0]; $padding += $outside[1] }
cmp_ok($holes, '>', 10, 'without erasure vacuumed pages have bytes that belong to no row');
cmp_ok($padding, '>', 0, '... also behind rows that came later');
my $hits = found($node);
my %names = (%{ files_of("c.relname ~ '^(plain|daily)' OR c.relname ~ 'statistic' OR EXISTS (SELECT FROM pg_class t WHERE t.reltoastrelid = c.oid AND t.relname = 'plain')") });
my %where = map { ($names{$_} // $_ => 1) } keys %$hits;
ok((grep { /^(plain)$/ } keys %where), 'without erasure bytes are left in the table, vacuumed as it is');
ok((grep { /^pg_toast/ } keys %where), '... and in its TOAST');
ok($where{$_}, "... in index $_") for qw(plain_plate plain_brin);
ok($where{pg_statistic}, '... in statistics');
ok($where{pg_statistic_ext_data}, '... and in extended ones') or diag(join ' ', sort keys %where);
ok(!(grep { /^(pgdata\/pg_wal|log)/ } keys %where), '... and not in the log') or diag(say_hits($hits));
cmp_ok(scalar(keys %{ found($standby) }), '>', 3, '... nor are they gone from the standby');
is(value("SELECT bool_and(erased_through IS NULL AND pending_reads = $reads) FROM ctlpr.erase_status"), 't', 'erase_status claims nothing');
is(value("SELECT string_agg(kind, ' ') FROM ctlpr.findings WHERE kind = 'not_erased'"), 'not_erased not_erased', 'that erasure is off is a finding');

# Erased: the images too, as far as the database knows of them
$node->safe_psql('city', 'SET client_min_messages = warning; CREATE ROLE deleter LOGIN; GRANT ctlpr_image_deleter TO deleter; SELECT ctlpr.bind_role(\'deleter\', \'CT-NHPD\')');
cmp_ok($node->safe_psql('city', 'SELECT ctlpr.acknowledge_image_deletion(array_agg(deletion_id)) FROM ctlpr.claim_image_deletions(10000)', extra_params => ['-U', 'deleter']), '>', 0, 'images are deleted');
is(value('SELECT count(*) FROM ctlpr.image_deletion WHERE reference IS NOT NULL'), '0', '... all of them');
my $before = value("SELECT string_agg(indexrelid::text, ' ' ORDER BY indexrelid) FROM pg_index WHERE indrelid = 'plain'::regclass");
my $started = time;
value('CALL ctlpr.erase()');
note(sprintf 'erased in %.1f s', time - $started);
is(value('SELECT bool_and(erased_through IS NOT NULL AND pending_reads = 0 AND waiting_for IS NULL AND last_sqlstate IS NULL) FROM ctlpr.erase_status'), 't', 'erase_status says that all is erased')
  or diag(value('SELECT * FROM ctlpr.erase_status'), "\n", value('SELECT * FROM ctlpr.erase_member'));
note(value('SELECT relation, how FROM ctlpr.erase_status'));
settle();
is(join(' ', outside_rows($_)), '0 0', "no byte of file $_ belongs to no row") for @heaps;
$hits = found($node);
is(say_hits($hits), '', 'no byte of an expired read is left in any file of the server');
$hits = found($standby);
is(say_hits($hits), '', '... or of the standby');
is(value('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '0', 'all indexes are valid');
is(value("SELECT count(*) FROM pg_class WHERE relname ~ '_cc(new|old)'"), '0', '... and bear their names');
is(value("BEGIN; SELECT FROM ctlpr.break_glass('count'); SELECT count(*) FROM plain; COMMIT"), '3600', 'live reads are there');
is(value("SELECT count(*) FROM ctlpr.erasures WHERE erased_within > '0' AND pages_verified > 0 AND indexes_rebuilt > 0"), '2', 'each has its certificate');
is(value("SELECT partitions_unlinked FROM ctlpr.erasures WHERE relation_name = 'public.daily'"), '1', '... which says what was unlinked');

# Nothing lost, nothing to do
my $runs = value('SELECT count(*) FROM ctlpr.erase_run');
value('CALL ctlpr.erase()');
is(value('SELECT count(*) FROM ctlpr.erase_run'), $runs, 'where nothing was lost, nothing is erased again');

$_->stop for $standby, $node;
is(say_hits(found($_)), '', 'nor does anything come back as the ' . $_->name . ' server stops') for $node, $standby;

done_testing();
