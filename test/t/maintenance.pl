# A governed table is maintained like any other, by its owner and by a superuser and without break_glass(), and stays governed all the while: 13(b)(1), 13(b)(2)(A), 13(d)(6), 14(a)(6), invariants 2 and 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

# Partitions begin at midnight in UTC; a run over midnight is no different, as there are some days to come.
my $node = new_node('main', <<'CONF');
ctlpr.purge_naptime = 1s
autovacuum_naptime = 1s
autovacuum_vacuum_threshold = 5
autovacuum_vacuum_scale_factor = 0
autovacuum_vacuum_insert_threshold = 5
autovacuum_vacuum_insert_scale_factor = 0
autovacuum_analyze_threshold = 5
autovacuum_analyze_scale_factor = 0
CONF
$node->start;
new_world($node, 'city', govern => 0);

my $live    = 20;
my $expired = 10;
my $columns = 'read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera text, note text, lane int';
my $midnight = "date_trunc('day', now())";

$node->safe_psql('city', <<"SQL");
SET client_min_messages = warning;
CREATE EXTENSION pg_trgm;
CREATE ROLE new_owner LOGIN;
CREATE SCHEMA archive;
GRANT CREATE, USAGE ON SCHEMA public, archive TO reads_owner, new_owner;
GRANT USAGE ON SCHEMA archive TO PUBLIC;
GRANT CREATE ON DATABASE city TO reads_owner;
CREATE TABLE plain ($columns);
CREATE TABLE daily ($columns) PARTITION BY RANGE (captured_at);
CREATE TABLE hourly ($columns) PARTITION BY RANGE (captured_at);
SELECT format('CREATE TABLE %s_%s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', t, n, t, $midnight - n * interval '1 day', $midnight - (n - 1) * interval '1 day')
FROM unnest('{daily,hourly}'::text[]) t, generate_series(0, 30) n \\gexec
CREATE TABLE daily_default PARTITION OF daily DEFAULT;
SELECT format(\$x\$INSERT INTO %s (captured_at, plate, agency_id, camera, note, lane) SELECT now() - n * interval '21 hours', 'AB' || n, 'CT-NHPD', 'cam ' || mod(n, 3), 'note ' || n, n FROM generate_series(1, $live) n\$x\$, t)
FROM unnest('{plain,daily,hourly}'::text[]) t \\gexec
SELECT format(\$x\$INSERT INTO %s (captured_at, plate, agency_id, lane) SELECT now() - interval '22 days' - n * interval '12 hours', 'OLD' || n, 'CT-NHPD', n FROM generate_series(1, $expired) n\$x\$, t)
FROM unnest('{plain,daily,hourly}'::text[]) t \\gexec
SELECT format('ALTER TABLE %s OWNER TO reads_owner', m) FROM unnest('{plain,daily,hourly}'::regclass[]) t, ctlpr.relation_members(t) m \\gexec
GRANT SELECT, UPDATE, DELETE ON plain, daily, hourly TO nhpd;
GRANT SELECT, INSERT ON plain, daily, hourly TO nhpd_ingest;
SELECT ctlpr.govern(t, captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera') FROM unnest('{plain,daily,hourly}'::regclass[]) t;
SQL

# value(sql) - what it returns, or its error: a way that fails spoils no other
sub value
{
	my ($status, $out, $err) = $node->psql('city', $_[0], on_error_stop => 1);
	return $status ? "failed: $err" : $out;
}
sub expired { return value("SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('$_[0]')") }

my %as = (owner => connect_as($node, 'city', 'reads_owner'), superuser => connect_as($node, 'city'));
my $nhpd = connect_as($node, 'city', 'nhpd');

# works(who, statement) - runs outside a transaction block, as maintenance does
sub works
{
	my ($who, $statement, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $result = $as{$who}->query($statement);
	return ok(!$result->{error} && !$result->{gone}, "$who: " . ($name // $statement)) || diag($result->{error} ? "$result->{error}{C} $result->{error}{M}" : 'connection lost');
}

# Plates that an officer with a request sees, or the SQLSTATE
sub seen
{
	my ($table) = @_;
	$nhpd->query('BEGIN');
	$nhpd->query(request_sql('maintenance'));
	my $result = $nhpd->query("SELECT plate FROM $table");
	$nhpd->query('COMMIT');
	return $result->{error} ? $result->{error}{C} : join(',', sort map { $_->[0] } @{ $result->{rows} });
}

# check_governed(table, name, number of live reads) - every live read under a request and no other, nothing without one, the
# relation's present name in the log, and the guard on every member of the tree
sub check_governed
{
	my ($table, $name, $count) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $last = log_value($node, 'city', 'coalesce(max(seq), 0)');
	my $seen = seen($table);
	is(scalar(split /,/, $seen), $count // $live, "$name: a request sees the live reads") || diag($seen);
	unlike($seen, qr/OLD/, "$name: ... and no expired one");
	is(sqlstate_of($nhpd->query("SELECT plate FROM $table")), 'LP001', "$name: none without a request");
	is(sqlstate_of($as{superuser}->query("SELECT plate FROM $table")), 'LP010', "$name: none for a superuser");
	my $qualified = $table =~ /\./ ? $table : "public.$table";
	is(log_value($node, 'city', "string_agg(DISTINCT relation, ' ')", "seq > $last AND action = 'select' AND relation <> 'ctlpr.audit_entry'"), $qualified, "$name: the log names $qualified");
	is(unguarded($table), '', "$name: row security and the guard on all of it");
	return;
}

# Members of the tree without enabled and forced row security and the guard
sub unguarded
{
	my ($table) = @_;
	return value("SELECT coalesce(string_agg(m.m::text, ' '), '') FROM ctlpr.relation_members('$table') m (m) JOIN pg_class c ON c.oid = m.m WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = m.m AND p.polname = 'ctlpr_guard' AND NOT p.polpermissive))");
}

check_governed($_, "$_ at first") for qw(plain daily);
is(sqlstate_of($as{owner}->query("SELECT plate FROM $_")), 'LP002', "$_ at first: none for its owner, who acts for nobody") for qw(plain daily);

# Autovacuum runs by itself over what comes in
my %runs = map { $_ => value("SELECT autovacuum_count || ' ' || autoanalyze_count FROM pg_stat_all_tables WHERE relid = '$_'::regclass") } qw(plain daily_0);
my $ingest = connect_as($node, 'city', 'nhpd_ingest');
for my $table (qw(plain daily))
{
	is($ingest->query("INSERT INTO $table (captured_at, plate, agency_id, lane) SELECT greatest(now() - n * interval '1 second', $midnight), 'NEW' || n, 'CT-NHPD', n FROM generate_series(1, 50) n")->{error}, undef, "reads come into $table");
	$nhpd->query('BEGIN');
	$nhpd->query(request_sql('deleted again'));
	is($nhpd->query("DELETE FROM $table WHERE plate LIKE 'NEW%'")->{tags}[0], 'DELETE 50', '... and are deleted under a request');
	$nhpd->query('COMMIT');
}
# Sessions report what they did at a pause of theirs.
for my $table (sort keys %runs)
{
	my ($vacuums, $analyzes) = split / /, $runs{$table};
	ok(await_true(sub { $nhpd->query('SELECT 1'); return value("SELECT autovacuum_count > $vacuums AND autoanalyze_count > $analyzes FROM pg_stat_all_tables WHERE relid = '$table'::regclass") eq 't' }, 30), "autovacuum vacuumed and analyzed $table");
}

# What owners and superusers do with tables
sub maintain
{
	my ($who, $table, $partition) = @_;
	my $constrained = $table eq 'daily' ? 'read_id, captured_at' : 'read_id';
	works($who, $_) for
	  "VACUUM $table", "VACUUM (ANALYZE, FREEZE, DISABLE_PAGE_SKIPPING) $table", "ANALYZE $table", "ANALYZE $table (plate, lane)",
	  "CREATE INDEX mx_plate ON $table (plate)", "CREATE INDEX mx_trgm ON $table USING gin (plate gin_trgm_ops)", "CREATE INDEX mx_brin ON $table USING brin (captured_at)",
	  "CREATE INDEX mx_partial ON $table (lane) WHERE lane > 3 AND note IS NOT NULL", "CREATE INDEX mx_expression ON $table (upper(plate), length(note))",
	  "CREATE INDEX CONCURRENTLY mx_concurrent ON $partition (plate, camera)", "CREATE INDEX CONCURRENTLY mx_concurrent_trgm ON $partition USING gin (note gin_trgm_ops)",
	  "VACUUM FULL $table", "VACUUM FULL $partition", "REINDEX TABLE $table", "REINDEX TABLE CONCURRENTLY $table", "REINDEX INDEX mx_trgm", "REINDEX INDEX CONCURRENTLY mx_plate", "REINDEX INDEX CONCURRENTLY mx_expression",
	  ($node->pg_version >= 15 || $table ne 'daily' ? "CLUSTER $table USING mx_plate" : ()), "CLUSTER $partition USING mx_concurrent", "CLUSTER $partition",
	  "DROP INDEX CONCURRENTLY mx_concurrent", 'DROP INDEX mx_concurrent_trgm, mx_plate, mx_trgm, mx_brin, mx_partial, mx_expression',
	  "ALTER TABLE $table ADD COLUMN speed int", "ALTER TABLE $table ADD COLUMN seen_by text NOT NULL DEFAULT 'nobody', ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
	  "ALTER TABLE $table RENAME COLUMN speed TO miles", "ALTER TABLE $table ALTER COLUMN miles TYPE numeric(6, 2)", "ALTER TABLE $table ALTER COLUMN miles TYPE text USING lane::text || 'x'",
	  "ALTER TABLE $table ALTER COLUMN miles SET DEFAULT 'none', ALTER COLUMN miles SET NOT NULL", "ALTER TABLE $table ALTER COLUMN miles DROP NOT NULL, ALTER COLUMN miles DROP DEFAULT",
	  "ALTER TABLE $table ALTER COLUMN lane TYPE bigint", "ALTER TABLE $table ALTER COLUMN lane TYPE int",
	  "ALTER TABLE $table ALTER COLUMN lane SET STATISTICS 500, ALTER COLUMN plate SET STATISTICS 500, ALTER COLUMN note SET STORAGE EXTERNAL", "ALTER TABLE $table ALTER COLUMN lane SET STATISTICS -1, ALTER COLUMN plate SET STATISTICS -1",
	  "CREATE STATISTICS mx_statistics (dependencies, ndistinct, mcv) ON lane, camera FROM $table", "ANALYZE $table", 'DROP STATISTICS mx_statistics',
	  "ALTER TABLE $table ADD CONSTRAINT mx_check CHECK (length(plate) <= 20 AND lower(note) <> 'none' AND lane >= 0)", "ALTER TABLE $table ADD CONSTRAINT mx_later CHECK (lane < 1000) NOT VALID", "ALTER TABLE $table VALIDATE CONSTRAINT mx_later",
	  "ALTER TABLE $table DROP CONSTRAINT mx_check, DROP CONSTRAINT mx_later", "ALTER TABLE $table ADD PRIMARY KEY ($constrained)", "ALTER TABLE $table ADD CONSTRAINT mx_unique UNIQUE (plate, captured_at, agency_id)",
	  "ALTER TABLE $table DROP CONSTRAINT mx_unique, DROP CONSTRAINT ${table}_pkey", "ALTER TABLE $table DROP COLUMN miles, DROP COLUMN seen_by, DROP COLUMN token",
	  "ALTER TABLE $partition SET (fillfactor = 90, autovacuum_vacuum_threshold = 6)", "COMMENT ON TABLE $table IS 'maintained'", "GRANT SELECT ON $table TO nhpd", "VACUUM (ANALYZE) $table";
	check_governed($table, "$table after maintenance by the $who");
	is(expired($table), $expired, "... nothing is lost");
	return;
}
my $last = log_value($node, 'city', 'max(seq)');
for my $who (qw(owner superuser))
{
	maintain($who, 'plain', 'plain');
	maintain($who, 'daily', 'daily_2');
}
is(log_value($node, 'city', "string_agg(action || ' ' || sqlstate || ' ' || coalesce(statement, ''), E'\\n')", "seq > $last AND NOT allowed AND action <> 'select'"), '', 'no maintenance was refused');

# check_detached(table, name, number of live reads) - what was a partition is governed by itself, under the same rules
sub check_detached
{
	my ($table, $name, $count) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(value("SELECT count(*) FROM ctlpr.governed_relation WHERE relation = '$table'::regclass"), '1', "$name: it is governed by itself");
	check_governed($table, $name, $count);
	is(sqlstate_of($as{owner}->query("SELECT plate FROM $table")), 'LP002', "$name: none for its owner, who acts for nobody");
	return;
}
# Partitions come and go
my $days = 40;
for my $who (qw(owner superuser))
{
	$days += 2;
	my $more = $days + 1;
	$as{$who}->query("SET timezone = 'UTC'");
	works($who, value("SELECT format('CREATE TABLE created_$who PARTITION OF daily FOR VALUES FROM (%L) TO (%L)', $midnight + interval '$days days', $midnight + interval '$more days')"), 'a partition is created');
	is(unguarded('daily'), '', '... and guarded');
	works($who, 'CREATE TABLE attached_' . $who . ' (LIKE daily INCLUDING DEFAULTS)', 'a table like it is created');
	works($who, value("SELECT format('ALTER TABLE daily ATTACH PARTITION attached_$who FOR VALUES FROM (%L) TO (%L)', $midnight + interval '$more days', $midnight + interval '$more days' + interval '1 day')"), 'a table is attached');
	is(unguarded('daily'), '', '... and guarded');
	is(sqlstate_of($nhpd->query("SELECT plate FROM attached_$who")), '42501', '... and an officer has no right on it');
	is(sqlstate_of($as{superuser}->query("SELECT plate FROM attached_$who")), 'LP010', '... nor a superuser');
	works($who, "DROP TABLE attached_$who", 'a partition is dropped');
	works($who, "ALTER TABLE daily DETACH PARTITION created_$who", 'an empty partition is detached');
	works($who, "DROP TABLE created_$who", '... and dropped');
}
check_governed('daily', 'daily after its partitions came and went');

# A partition that leaves takes its rules along: live reads under a request only, expired ones for nobody
is(value('SELECT count(*) FROM ctlpr.governed_relation'), '3', 'dropped partitions leave no rule behind');
value('GRANT SELECT ON ' . join(', ', map { "hourly_$_" } 2, 3, 25, 26) . ' TO nhpd, unbound');
my %held = map { my $n = $_; $n => value("BEGIN; SELECT FROM ctlpr.break_glass('how many'); SELECT count(*) FROM hourly WHERE captured_at >= $midnight - interval '$n days' AND captured_at < $midnight - interval '$n days' + interval '1 day'; COMMIT") } 2, 3;
works('owner', 'ALTER TABLE hourly DETACH PARTITION hourly_2', 'a partition with live reads is detached');
works('superuser', 'ALTER TABLE hourly DETACH PARTITION hourly_3 CONCURRENTLY', 'another one is detached concurrently');
works('owner', 'ALTER TABLE hourly DETACH PARTITION hourly_25', 'a partition with expired reads is detached');
works('superuser', 'ALTER TABLE hourly DETACH PARTITION hourly_26 CONCURRENTLY', 'another one concurrently');
check_detached("hourly_$_", "hourly_$_, detached", $held{$_} // 0) for 2, 3, 25, 26;
check_governed('hourly', 'hourly without them', $live - $held{2} - $held{3});

# It is renamed, moved and given away, and governance, purge and log follow
my $file = PostgreSQL::Test::Utils::tempdir() . '/expired.csv';
# With numbers, as a table that was detached has no identity column any more
sub bring_in_expired
{
	my ($table) = @_;
	value("COPY (SELECT 1000 + n, now() - interval '23 days', 'OLDER' || n, 'CT-NHPD' FROM generate_series(1, 7) n) TO '$file'");
	my $restoring = connect_as($node, 'city', undef, '-c ctlpr.restore=on');
	my $result = $restoring->query("COPY $table (read_id, captured_at, plate, agency_id) FROM '$file'");
	is($result->{error}, undef, 'expired reads are restored') || diag($result->{error}{M});
	$restoring->close;
	return;
}
sub check_purged
{
	my ($table, $seconds) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $before = value("SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purges WHERE relation_name = '$table'");
	bring_in_expired($table);
	ok(await_true(sub { return expired($table) eq '0' }, $seconds), "$table: the worker deletes them");
	ok(await_true(sub { return value("SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation_name = '$table'") eq $before + 7 }, $seconds), "$table: the certificate has its present name");
	return;
}
for my $table (qw(plain daily))
{
	value("SET client_min_messages = warning; SELECT ctlpr.start_purge('$table', 'Chief')");
	ok(await_true(sub { return expired($table) eq '0' }), "$table: what had expired is purged");
	for my $who (qw(owner superuser))
	{
		works($who, "ALTER TABLE $table RENAME TO ${table}_$who");
		check_governed("${table}_$who", "${table}_$who, renamed");
		check_purged("public.${table}_$who");
		works($who, "ALTER TABLE ${table}_$who SET SCHEMA archive");
		check_governed("archive.${table}_$who", "archive.${table}_$who, moved");
		check_purged("archive.${table}_$who");
		works($who, "ALTER TABLE archive.${table}_$who SET SCHEMA public; ALTER TABLE ${table}_$who RENAME TO $table", 'it comes back');
	}
	works('superuser', "ALTER TABLE $table OWNER TO new_owner");
	check_governed($table, "$table, given away");
	# Partitions do not follow their parent's owner, and the worker acts as the parent's.
	value("SELECT format('ALTER TABLE %s OWNER TO new_owner', m) FROM ctlpr.relation_members('$table') m \\gexec");
	check_purged("public.$table");
}
# What is detached while its parent is purged is purged itself, and comes back as a partition under its parent's rules
value("SET client_min_messages = warning; SELECT ctlpr.start_purge('hourly', 'Chief')");
works('owner', 'ALTER TABLE hourly DETACH PARTITION hourly_4', 'a partition is detached while its parent is purged');
check_purged('public.hourly_4', 5);
works('owner', value("SELECT format('ALTER TABLE hourly ATTACH PARTITION hourly_4 FOR VALUES FROM (%L) TO (%L)', $midnight - interval '4 days', $midnight - interval '3 days')"), 'it is attached again');
check_governed('hourly', 'hourly with it', $live - $held{2} - $held{3});
is(value("SELECT count(*) FROM ctlpr.governed_relation WHERE relation = 'hourly_4'::regclass"), '0', '... and has no rules of its own any more');

is(log_value($node, 'city', 'count(*)', "action = 'break_glass'"), '2', 'break_glass() was used to count alone');

# pg_partman
SKIP:
{
	skip 'pg_partman is not installed (Debian package postgresql-N-partman)', 1 if value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_partman'") eq '0';
	$node->safe_psql('city', <<'SQL');
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
GRANT ALL ON SCHEMA partman TO reads_owner;
GRANT ALL ON ALL TABLES IN SCHEMA partman TO reads_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA partman TO reads_owner;
SQL
	my $version = value("SELECT split_part(extversion, '.', 1)::int FROM pg_extension WHERE extname = 'pg_partman'");
	# pg_partman asks partitions by name whether they hold a row: until 5 by default, since then always.  Whoever runs it is refused that,
	# but for a role of its own with a standing request.
	$node->safe_psql('city', q{CREATE ROLE keeper LOGIN IN ROLE reads_owner; SELECT ctlpr.bind_role('keeper', 'CT-NHPD');
		SELECT ctlpr.standing_request('keeper', 'backup', 'partitions are made and dropped', 'Chief', now() + interval '1 day')});
	$as{keeper} = connect_as($node, 'city', 'keeper');
	for my $who (qw(owner superuser keeper))
	{
		for my $variant ([ 'kept', 'true', 1 ], [ 'dropped', 'false', 1 ], [ 'default', 'false', 0 ])
		{
			my ($name, $keep, $blind) = @$variant;
			my $table = "parted_${who}_$name";
			$node->safe_psql('city', <<"SQL");
SET client_min_messages = warning;
CREATE TABLE $table ($columns) PARTITION BY RANGE (captured_at);
ALTER TABLE $table OWNER TO reads_owner;
GRANT SELECT, INSERT ON $table TO nhpd, nhpd_ingest;
SELECT ctlpr.govern('$table', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
			works($who, $version >= 5
				? "SELECT partman.create_parent('public.$table', 'captured_at', '1 day', p_premake => 2, p_start_partition => (now() - interval '30 days')::text)"
				: "SELECT partman.create_parent('public.$table', 'captured_at', 'native', 'daily', p_premake => 2, p_start_partition => (now() - interval '30 days')::text)", "$table: create_parent()");
			value("UPDATE partman.part_config SET retention = '26 days', retention_keep_table = $keep, retention_keep_index = $keep, premake = 6, inherit_privileges = true" . ($blind ? ', infinite_time_partitions = true, ignore_default_data = true' : '') . " WHERE parent_table = 'public.$table'");
			is($ingest->query("INSERT INTO $table (captured_at, plate, agency_id) SELECT now() - n * interval '20 hours', 'AB' || n, 'CT-NHPD' FROM generate_series(0, @{[ $live - 1 ]}) n")->{error}, undef, "$table: reads come in");
			value("COPY (SELECT now() - n * interval '1 day', 'OLD' || n, 'CT-NHPD' FROM generate_series(22, 29) n) TO '$file'");
			my $restoring = connect_as($node, 'city', undef, '-c ctlpr.restore=on');
			is($restoring->query("COPY $table (captured_at, plate, agency_id) FROM '$file'")->{error}, undef, "$table: expired reads are restored");
			$restoring->close;
			my $before = value("SELECT count(*) FROM pg_inherits WHERE inhparent = '$table'::regclass");
			my $newest = value("SELECT to_regclass('$table' || to_char(now() + interval '5 days', '\"_p\"YYYY_MM_DD')) IS NULL AND to_regclass('$table' || to_char(now() + interval '5 days', '\"_p\"YYYYMMDD')) IS NULL");
			is($newest, 't', "$table: the partition of five days on is not there yet");
			if ($who ne 'keeper' && ($name eq 'default' || $version >= 5))
			{
				my $answer = $as{$who}->query("SELECT partman.run_maintenance('public.$table')");
				# From 5.5 on pg_partman goes on with the next table, and warns.
				my $told = join ' ', map { $_->{M} } grep { defined } $answer->{error}, @{ $answer->{notices} };
				like($told, qr/may not be named directly|bypasses row security/, "$table: pg_partman's own look into each partition is refused");
				is(value("SELECT count(*) FROM pg_inherits WHERE inhparent = '$table'::regclass"), $before, "$table: ... and nothing is half done");
				next;
			}
			works($who, "SELECT partman.run_maintenance('public.$table')", "$table: run_maintenance()");
			$newest = value("SELECT coalesce(to_regclass('$table' || to_char(now() + interval '5 days', '\"_p\"YYYY_MM_DD')), to_regclass('$table' || to_char(now() + interval '5 days', '\"_p\"YYYYMMDD')))");
			isnt($newest, '', "$table: ... has created it");
			is(unguarded($table), '', "$table: ... and it is guarded like all others");
			is(sqlstate_of($as{superuser}->query("SELECT plate FROM $newest")), 'LP010', "$table: ... and governed") if $newest ne '';
			check_governed($table, $table);
			value("SET client_min_messages = warning; SELECT ctlpr.start_purge('$table', 'Chief')") if $name eq 'dropped';
			ok(await_true(sub { return expired($table) eq '0' }), "$table: expired reads are purged, whoever made the partitions") if $name eq 'dropped';
			ok(await_true(sub { return value("SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '$table'::regclass AND c.relname ~ to_char(now() - interval '24 days', 'YYYY(_?)MM(_?)DD')") eq '0' }, 10),
				"$table: ... and their partitions are dropped") if $name eq 'dropped';
			my $oldest = value("SELECT coalesce(to_regclass('$table' || to_char(now() - interval '29 days', '\"_p\"YYYY_MM_DD')), to_regclass('$table' || to_char(now() - interval '29 days', '\"_p\"YYYYMMDD')))");
			is(value("SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '$table'::regclass AND c.relname ~ to_char(now() - interval '29 days', 'YYYY(_?)MM(_?)DD')"), '0', "$table: the partition past retention is none any more");
			if ($keep eq 'false')
			{
				is($oldest, '', "$table: ... but dropped");
				next;
			}
			isnt($oldest, '', "$table: ... but kept");
			next if $oldest eq '';
			value("GRANT SELECT ON $oldest TO nhpd, reads_owner");
			check_detached($oldest, "$oldest, kept by pg_partman", 0);
		}
	}
}

unlike(slurp_file($node->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, 'no process crashed');
check_log_is_whole($node, 'city', 'after all maintenance');
$_->close for values %as, $nhpd, $ingest;
$node->stop;

done_testing();
