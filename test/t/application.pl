# 13(b)(1), 13(b)(2)(A): an application written for an ungoverned table runs on, byte for byte, but for its role and one begin_request();
# by the recipe of docs/migration.md and docs/applications.md, taken out of the pages themselves, in both its variants.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $directory = 'application';
my %recipe = recipe('../docs/applications.md', '../docs/migration.md');
my @transactions = transactions("$directory/statements.sql");

my $node = new_node('main', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', "CREATE ROLE lpr LOGIN; $recipe{roles}");
my $now = $node->safe_psql('postgres', "SELECT now() - interval '1 minute'");

# the city's database, and the same with reads that nobody of the city's may see later
$node->safe_psql('postgres', 'CREATE DATABASE plain');
load('plain', "$directory/schema.sql");
$node->safe_psql('postgres', 'CREATE DATABASE mixed TEMPLATE plain');
load('mixed', "$directory/more.sql");
$node->safe_psql('postgres', "CREATE DATABASE $_->[0] TEMPLATE $_->[1]") for ['plain_a', 'plain'], ['plain_b', 'plain'], ['mixed_a', 'mixed'], ['mixed_b', 'mixed'];

# before: one role, no request
my %before = map { $_->{name} => run_transaction('plain', 'lpr', $_, 0) } @transactions;
my @broken = grep { $before{$_}{error} ne '' } sort keys %before;
is_deeply(\@broken, [], 'every transaction of the application works ungoverned') or diag(map { "$_: $before{$_}{error}\n" } @broken);
is_deeply([ map { $_->{name} } grep { $_->{role} eq 'app' && $before{ $_->{name} }{rows} !~ /\A(?!0\b)./ } @transactions ], [], 'and all that people ask has an answer');
is($node->safe_psql('plain', "SELECT count(*) FROM reads WHERE plate IN ('CB177', 'TAI11')"), 2, 'two misreads were corrected');
is($before{'retention by count'}{rows} =~ s/\|.*//r, 500, 'retention by count deleted');
isnt(run_transaction('mixed', 'lpr', find('dashboard'), 0)->{rows}, $before{dashboard}{rows}, 'the reads beside would show in the dashboard if they were seen');

for my $case (['plain_a', 'A'], ['plain_b', 'B'], ['mixed_a', 'A'], ['mixed_b', 'B'])
{
	my ($database, $variant) = @$case;
	migrate($database, $variant);
	my $start = log_value($node, $database, 'coalesce(max(seq), 0)');
	my $different = 0;
	for my $transaction (@transactions)
	{
		my $after = run_transaction($database, "lpr_$transaction->{role}", $transaction, $transaction->{role} eq 'app');
		my $same = is($after->{error} . $after->{rows}, $before{ $transaction->{name} }{rows}, "$database: $transaction->{name}");
		$different++ if !$same;
	}
	is($different, 0, "$database: everything as before");
	check_log($database, $variant, $start);
	check_derived($database, $variant);
	check_refusals($database, $variant);
}
done_testing();

# recipe(page) - the SQL blocks that are marked as such, by name
sub recipe
{
	my (@pages) = @_;
	my $text = join '', map { slurp_file($_) } @pages;
	my %blocks;
	$blocks{$1} = $2 while $text =~ /<!-- recipe: (\w+) -->\n```sql\n(.*?)```/gs;
	is(join(' ', sort keys %blocks), 'A B extension grants preflight purge purge_A roles use', 'the pages have every step of the recipe');
	return %blocks;
}

# transactions(file) - { name, role, kinds, plates, sql } in order
sub transactions
{
	my ($file) = @_;
	my (undef, @parts) = split /^-- name: /m, slurp_file($file);
	my @found;
	for my $part (@parts)
	{
		my ($name, $rest) = $part =~ /\A(.*?)\n(.*)\z/s;
		my %transaction = (name => $name, role => 'app');
		$transaction{$1} = $2 while $rest =~ s/\A-- (role|kinds|plates): (.*)\n//;
		push @found, { %transaction, sql => $rest };
	}
	return @found;
}

sub find { my ($name) = @_; return (grep { $_->{name} eq $name } @transactions)[0] }

sub load
{
	my ($database, $file) = @_;
	$node->command_ok([ 'psql', '--no-psqlrc', '--quiet', '--dbname', $node->connstr($database), '--set', "now=$now", '--file', $file ], "$file is loaded into $database");
	return;
}

# run_transaction(database, role, transaction, request) - { rows, error }; the request is the only thing that is added
sub run_transaction
{
	my ($database, $role, $transaction, $request) = @_;
	my $sql = $transaction->{sql};
	my $copied = join "\n", map { "CD$_,$now,$_,0.8" } 1 .. 6;
	$sql =~ s/\@COPY\@/$copied/;
	my $begin = $request ? request_sql('the application asks', "officer => 'badge 1'") . " AS request \\gset\n" : '';
	my ($rows, $error) = ('', '');
	$node->psql($database, "\\set now '$now'\n\\set VERBOSITY verbose\nBEGIN;\n$begin$sql\nCOMMIT;\n", stdout => \$rows, stderr => \$error, extra_params => [ '-U', $role ], on_error_stop => 0);
	return { rows => $rows, error => $error };
}

# migrate(database, variant) - the steps of the page
sub migrate
{
	my ($database, $variant) = @_;
	$node->safe_psql($database, "$recipe{extension} $recipe{grants}");
	like($node->safe_psql($database, $recipe{preflight}), qr/count_plate/, "$database: preflight() names the trigger");
	is($node->safe_psql($database, "SELECT count(*) FROM ctlpr.preflight('reads') WHERE severity = 'error'"), 0, "$database: and no error");
	$node->safe_psql($database, $recipe{$variant});
	return;
}

sub check_log
{
	my ($database, $variant, $start) = @_;
	await_log($node, $database, "seq > $start AND entry = 'outcome'", 1);
	my $since = "entry = 'verdict' AND seq > $start AND relation IS DISTINCT FROM 'ctlpr.audit_entry'";
	is(log_value($node, $database, "coalesce(string_agg(DISTINCT action || ' ' || coalesce(sqlstate, '-'), ', '), 'nothing')", "$since AND role = 'lpr_feed'"), 'nothing', "$database: ingest leaves no entry");
	is(log_value($node, $database, 'count(*)', "$since AND NOT allowed"), 0, "$database: nothing was refused");
	is(log_value($node, $database, 'count(*)', "$since AND action = 'request'"), scalar(grep { $_->{role} eq 'app' } @transactions), "$database: one request for each transaction of the application");
	is(log_value($node, $database, 'count(*)', "$since AND action <> 'request' AND (request_seq IS NULL OR officer <> 'badge 1' OR reason <> 'the application asks')"), 0, "$database: every entry has its request");
	my $first = log_value($node, $database, 'max(seq)');
	run_transaction($database, 'lpr_app', find('plates by count'), 1);
	is(log_value($node, $database, 'relation', "entry = 'verdict' AND seq > $first AND action = 'select' AND relation LIKE 'public%'"), $variant eq 'A' ? 'public.plates_by_day' : 'public.reads', "$database: a search of plates is logged");
	my $replayed = 0;
	for my $transaction (grep { $_->{kinds} || $_->{plates} } @transactions)
	{
		my $from = log_value($node, $database, 'max(seq)');
		run_transaction($database, 'lpr_app', $transaction, 1);
		my $entries = "entry = 'verdict' AND seq > $from AND action = 'select' AND relation = 'public.reads'";
		is(log_value($node, $database, "string_agg(DISTINCT search_kind, ',')", $entries), $transaction->{kinds}, "$database: kind of $transaction->{name}") if $transaction->{kinds};
		is(log_value($node, $database, "(SELECT string_agg(DISTINCT p, ',' ORDER BY p) FROM ctlpr.audit_entry v, unnest(v.plates) p WHERE v.seq > $from AND v.entry = 'verdict')", "seq = $from"), $transaction->{plates}, "$database: plates of $transaction->{name}") if $transaction->{plates};
		$replayed++;
	}
	cmp_ok($replayed, '>', 8, "$database: kinds and plates were looked at");
	is($node->safe_psql($database, "SELECT sum(reads) FROM ctlpr.ingest_count WHERE relation = 'public.reads'"), 15, "$database: ingest was counted");
	return;
}

# a car that comes back after its rows expired is counted; after corrections A stays as the trigger wrote it, B follows
sub check_derived
{
	my ($database, $variant) = @_;
	my $counts = { name => 'counts', role => 'app', sql => "SELECT plate, times FROM plates WHERE plate IN ('CB177', 'TAI11', 'DONE1', 'CB777', 'BACK1', 'UNDONE') ORDER BY plate;" };
	is(run_transaction($database, 'lpr_feed', { sql => "INSERT INTO reads (plate, camera_id) VALUES ('BACK1', 1), ('BACK1', 2);" }, 0)->{error}, '', "$database: reads come in");
	is(run_transaction($database, 'lpr_app', $counts, 1)->{rows}, $variant eq 'A' ? "BACK1|2\nCB777|2\nDONE1|1" : "BACK1|2\nCB177|1\nDONE1|1\nTAI11|1", "$database: counts after corrections");
	if ($variant eq 'A')
	{
		like(run_transaction($database, 'lpr_app', { sql => 'SELECT count(*) FROM plates_by_day;' }, 0)->{error}, qr/LP001/, "$database: the derived table needs a request");
		# the one read that meets an expired row: nearly as old as it may be, of the same day; not looked at around midnight, when the two are of two days
		my ($row, $read, $same_day) = split /\|/, $node->safe_psql($database, "SELECT t, t + interval '6 minutes', t::date = (t + interval '6 minutes')::date FROM (SELECT now() - interval '504 hours 1 minute' AS t) t");
		$node->safe_psql($database, "SET ctlpr.restore = on; COPY plates_by_day (plate, agency, first_seen, last_seen) FROM STDIN;\nLATE1\tCT-NHPD\t$row\t$row\n\\.\n");
		my $late = run_transaction($database, 'lpr_feed', { sql => "INSERT INTO reads (plate, captured_at) VALUES ('LATE1', '$read');" }, 0)->{error};
		if ($same_day eq 't') { like($late, qr/ERROR:  42501/, "$database: a read three weeks late meets the expired row of its day") }
		else { is($late, '', "$database: a read three weeks late comes in beside the row of the day before") }
	}
	like(run_transaction($database, 'lpr_app', { sql => 'SELECT count(*) FROM plates;' }, 0)->{error}, qr/LP001/, "$database: and so does what bears its name");
	return;
}

sub expired { my ($database) = @_; return $node->safe_psql($database, 'SELECT sum(expired_rows) FROM ctlpr.retention_status') }

# what the page says will fail, fails so
sub check_refusals
{
	my ($database, $variant) = @_;
	my @wrong = (
		['lpr_app', 0, 'SELECT count(*) FROM reads;', 'LP001'],
		['lpr_app', 1, "UPDATE reads SET captured_at = now() WHERE id = 610;", 'LP013'],
		['lpr_app', 1, 'CREATE TABLE kept AS SELECT * FROM reads;', 'LP011|42501'],
		['lpr_app', 1, 'DECLARE c CURSOR WITH HOLD FOR SELECT plate FROM reads;', 'LP011'],
		['lpr_feed', 0, "INSERT INTO reads (plate, captured_at) VALUES ('X', now() - interval '22 days');", 'LP013'],
		['lpr_feed', 0, "INSERT INTO reads (plate, agency) VALUES ('X', 'CT-HPD');", 'LP013'],
		['lpr_feed', 0, 'SELECT count(*) FROM reads;', 'LP001'],
		['lpr', 0, 'SELECT count(*) FROM reads;', 'LP002'],
		['lpr_app', 1, 'EXPLAIN ANALYZE SELECT * FROM reads;', 'LP010'],
		['lpr_app', 1, 'EXPLAIN SELECT * FROM reads;', ''],
	);
	for my $case (@wrong)
	{
		my ($role, $request, $sql, $state) = @$case;
		my $result = run_transaction($database, $role, { sql => $sql }, $request);
		if ($state eq '') { is($result->{error}, '', "$database: $role may: $sql") }
		else { like($result->{error}, qr/ERROR:  (?:$state)/, "$database: $role may not: $sql") }
	}
	like(run_transaction($database, 'lpr_feed', { sql => "SET LOCAL ctlpr.on_expired_ingest = skip; INSERT INTO reads (plate, captured_at) VALUES ('LATE', now() - interval '22 days'), ('LATE', now());" }, 0)->{error}, qr/NOTICE/, "$database: expired reads are left out if asked for");
	is(run_transaction($database, 'lpr_app', { sql => "SELECT count(*) FROM reads WHERE plate = 'LATE';" }, 1)->{rows}, 1, "$database: and the others come in");
	is($node->psql($database, $recipe{use}, extra_params => [ '-U', 'lpr_app' ]), 0, "$database: the page's own example works");
	my @relations = $variant eq 'A' ? qw(reads plates_by_day) : qw(reads);
	cmp_ok(expired($database), '>=', $variant eq 'A' ? 100 : 60, "$database: what has expired is still there") if $database =~ /mixed/;
	$node->safe_psql($database, $recipe{purge});
	$node->safe_psql($database, $recipe{purge_A}) if $variant eq 'A';
	$node->safe_psql($database, "SELECT ctlpr.purge('$_')") for @relations;
	is(expired($database), 0, "$database: what had expired is deleted");
	is($node->safe_psql($database, 'SELECT count(*) FROM bookmarks WHERE read_id > 1000000'), 0, "$database: and what referred to it");
	return;
}
