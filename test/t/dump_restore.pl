# A backup keeps agencies, instruments, registry and log, and brings no expired read back: 13(b)(2)(A), 13(g)(5), 14(a)(6), invariant 2.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', "autovacuum = off\nctlpr.max_databases = 12\n");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
SELECT ctlpr.copy_statute('us-ct-2026', 'us-ct-local'), ctlpr.adopt_statute('us-ct-local');
INSERT INTO ctlpr.statute_camera (statute, fixed, clause, permitted, attended, description) VALUES ('us-ct-local', false, 'local', true, false, 'A row of a table that Connecticut leaves empty');
CREATE ROLE nightly LOGIN BYPASSRLS;
GRANT pg_read_all_data TO nightly;
SELECT ctlpr.bind_role('nightly', 'CT-NHPD');
SELECT ctlpr.standing_request('nightly', 'backup', 'nightly dump', 'Chief', now() + interval '1 year');
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 3, document => 'file 7');
CREATE TABLE keyed (captured_at timestamptz NOT NULL, plate text NOT NULL, owner_no int NOT NULL);
INSERT INTO keyed SELECT now() - n * interval '1 hour', 'KEY' || n, 7 FROM generate_series(1, 10) n;
SELECT ctlpr.agency_key('CT-NHPD', 'keyed', '7');
SELECT ctlpr.govern('keyed', captured_at => 'captured_at', plate => 'plate', agency => 'owner_no');
GRANT SELECT ON keyed TO PUBLIC;
SELECT ctlpr.register_camera('CAM-1', 'CT-NHPD', true, 'POINT(-72.93 41.31)'), ctlpr.register_camera('CAR-1', 'CT-NHPD', false);
SELECT ctlpr.register_protected_site('immigrant_service', 'A center', 'POLYGON((-72.94 41.3, -72.92 41.3, -72.92 41.32, -72.94 41.3))', 100, current_date - 3);
CREATE TABLE cameras (id int PRIMARY KEY);
INSERT INTO cameras VALUES (1), (2);
SQL
my $nhpd = connect_as($node, 'city', 'nhpd');
for my $n (1 .. 5)
{
	$nhpd->query('BEGIN; ' . request_sql("reason $n, with a tab\t, a \\ and \xc3\xa9") . "; SELECT plate FROM plate_reads WHERE plate = 'NH$n'; COMMIT");
}
$nhpd->query('SELECT plate FROM plate_reads');
$nhpd->close;
await_log($node, 'city', "entry = 'outcome' AND rows_returned = 1", 5);
# ... and enough for some tiles of the tree over the log
$node->safe_psql('city', "SET ctlpr.audit_durability = async; DO \$\$ BEGIN FOR i IN 1 .. 700 LOOP PERFORM ctlpr.record_event('configuration', sqlstate => 'LP005'); END LOOP; END \$\$");

# Who may not dump
my $directory = PostgreSQL::Test::Utils::tempdir();
my @as = ('-h', $node->host, '-p', $node->port, '-d', 'city');
$node->command_fails_like([ 'pg_dump', @as, '-U', 'reads_owner', '-t', 'plate_reads', '-f', "$directory/owner.sql" ], qr/row-level security|LP010|row security/, "an owner's pg_dump of a governed table is refused");
$node->command_fails_like([ 'pg_dump', @as, '-f', "$directory/superuser.sql" ], qr/bypasses row security/, "a superuser's pg_dump of a governed database is refused");
for my $file (grep { -e } "$directory/owner.sql", "$directory/superuser.sql")
{
	unlike(slurp_file($file), qr/^\S.*\tNH\d+\t/m, '... no read is in what it wrote');
}
is(log_value($node, 'city', 'count(*) > 0', "action = 'copy' AND NOT allowed AND sqlstate = 'LP010'"), 't', "the superuser's attempt is on record");

# What a backup role dumps
my @nightly = ('pg_dump', @as, '-U', 'nightly');
$node->command_ok([ @nightly, '-f', "$directory/plain.sql" ], 'plain dump by the backup role');
$node->command_ok([ @nightly, '-Fc', '-f', "$directory/custom" ], 'custom dump');
$node->command_ok([ @nightly, '--schema-only', '-f', "$directory/schema.sql" ], 'schema-only dump');
$node->command_ok([ @nightly, '--data-only', '-f', "$directory/data.sql" ], 'data-only dump');
is(log_value($node, 'city', 'count(*)', "action = 'copy' AND allowed AND purpose = 'backup' AND role = 'nightly' AND relation = 'public.plate_reads' AND entry = 'verdict'"), '3', 'each dump of a governed table is on record under the standing request');
unlike(slurp_file("$directory/plain.sql"), qr/\t(NHX|HAX)\d/, 'no expired read is in a dump');
unlike(slurp_file("$directory/plain.sql"), qr/\tHA\d/, "nor another agency's");

my @tables = qw(agency role_binding auditor_binding declaration governed_relation agency_key standing_request statute_adoption statute statute_purpose statute_retention statute_recipient statute_authorization statute_policy statute_hold statute_hotlist_source statute_camera ingest_count camera protected_site);
my %source = map { $_ => $node->safe_psql('city', "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM ctlpr.$_ t") // '' } @tables;
sub log_digest { my ($database, $upto) = @_; return $node->safe_psql($database, "SELECT count(*), md5(string_agg(e::text, E'\\n' ORDER BY seq)) FROM ctlpr.audit_entry e WHERE seq <= $upto") }

# A read that is past its retention when the backup comes back: 22 days older in the file
sub age_file
{
	my ($file) = @_;
	my $text = slurp_file($file);
	my $old = $node->safe_psql('postgres', "SELECT now() - interval '22 days'");
	$text =~ s/^(\d+\t)[^\t]+(\tNH5\t)/$1$old$2/m or die 'no read to age';
	open(my $handle, '>:raw', $file) or die;
	print $handle $text;
	close $handle;
	return;
}
age_file("$directory/plain.sql");
age_file("$directory/data.sql");

sub psql_file
{
	my ($database, $file, $restore) = @_;
	local $ENV{PGOPTIONS} = $restore ? '-c ctlpr.restore=on' : '';
	my ($out, $err) = ('', '');
	IPC::Run::run([ $node->installed_command('psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', $database, '-f', $file ], '>', \$out, '2>', \$err);
	return $err =~ s/^.*(NOTICE|WARNING|HINT):.*\n//mgr;
}

sub check_restored
{
	my ($database, $how, $aged) = @_;
	for my $table (@tables)
	{
		is($node->safe_psql($database, "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM ctlpr.$table t"), $source{$table}, "$how: ctlpr.$table is as it was");
	}
	# The first statement that needs the log has the writer note the restore.
	my $officer = connect_as($node, $database, 'nhpd');
	$officer->query('BEGIN');
	my $result = $officer->query(request_sql("after $how"));
	is($result->{error}, undef, "$how: requests are taken");
	my $seq = $result->{rows}[0][0] // 0;
	my $rows = $officer->query("SELECT plate FROM plate_reads")->{rows};
	is(scalar @$rows, $aged ? 99 : 100, "$how: the agency's live reads are there");
	is(scalar(grep { $_->[0] eq 'NH5' } @$rows), $aged ? 0 : 1, "$how: the read that expired in the backup is hidden") if $aged;
	is(scalar @{ $officer->query('SELECT plate FROM keyed')->{rows} }, 10, "$how: also in the other table, whose agency column has keys");
	$officer->query('COMMIT');
	is(sqlstate_of($officer->query('SELECT plate FROM plate_reads')), 'LP001', "$how: and they are governed");
	$officer->close;
	is($node->safe_psql($database, "SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('plate_reads')"), $aged ? 1 : 0, "$how: what expired waits to be purged") if $aged;

	my $restore = log_value($node, $database, 'seq', "action = 'restore'");
	like($restore, qr/^\d+$/, "$how: the log has one entry that says that it was restored");
	my $last = $restore - 1;
	is(log_digest($database, $last), log_digest('city', $last), "$how: all $last entries before it are as they were");
	cmp_ok($seq, '>', $restore, "$how: numbering goes on");
	check_log_is_whole($node, $database, $how);
	cmp_ok($node->safe_psql($database, 'SELECT count(*) FROM ctlpr.audit_tile'), '>=', 2, "$how: tiles of the tree are there");
	is($node->safe_psql($database, 'SELECT count(*) FROM cameras'), '2', "$how: ungoverned tables too");
	is($node->safe_psql($database, "SELECT ctlpr.file_declaration('MA-BPD', 'Mayor', current_date - 1)"), '2', "$how: declarations are numbered on");
	is(($node->psql($database, q{SELECT ctlpr.activate_camera('CAM-1')}))[2] =~ /ERROR: .*protected site/ ? 1 : 0, 1, "$how: the protected site bars its camera");
	is($node->safe_psql($database, q{SET client_min_messages = warning; SELECT ctlpr.register_protected_site('immigrant_service', 'B', 'POINT(-72 41)', 1, current_date - 3)}), '2', "$how: sites are numbered on");
	my $guarded = $node->safe_psql($database, "SELECT count(*) FROM pg_policy WHERE polname = 'ctlpr_guard' AND NOT polpermissive");
	is($guarded, '2', "$how: both tables carry the guard");
	return;
}

# Without ctlpr.restore
$node->safe_psql('postgres', 'CREATE DATABASE refused');
my $error = psql_file('refused', "$directory/plain.sql", 0);
like($error, qr/audit log may not be changed|bypasses row security/, 'without ctlpr.restore a restore is refused');
is($node->safe_psql('refused', 'SELECT count(*) FROM pg_class WHERE relname = \'plate_reads\' AND reltuples > 0'), '0', '... and brings no reads');
my ($status, $out, $err) = $node->psql('city', "COPY ctlpr.audit_entry (seq, entry, at, action) FROM STDIN;\n999999\tverdict\tnow\tselect\n\\.\n");
like($err, qr/ERROR: .*audit log may not be changed/, 'COPY into the log is refused');
($status, $out, $err) = $node->psql('city', "COPY plate_reads (captured_at, plate, agency_id) FROM STDIN;\nnow\tZZ1\tCT-NHPD\n\\.\n");
like($err, qr/ERROR: .*bypasses row security/, "a superuser's COPY into a governed table is refused");
($status, $out, $err) = $node->psql('city', "SET ctlpr.restore = on; COPY ctlpr.audit_entry (seq, entry, at, action) FROM STDIN;\n999999\tverdict\tnow\tselect\n\\.\n");
like($err, qr/ERROR: .*audit log may not be changed/, 'with ctlpr.restore COPY into a log that is not empty is refused');
is(sqlstate_of(connect_as($node, 'city', 'nightly')->query('SET ctlpr.restore = on')), '42501', 'ctlpr.restore is for superusers');

# Plain
$node->safe_psql('postgres', 'CREATE DATABASE plain');
is(psql_file('plain', "$directory/plain.sql", 1), '', 'plain: restored without an error');
check_restored('plain', 'plain', 1);

# Custom, four at once
$node->safe_psql('postgres', 'CREATE DATABASE custom');
{
	local $ENV{PGOPTIONS} = '-c ctlpr.restore=on';
	my ($stdout, $stderr) = run_command([ $node->installed_command('pg_restore'), '-h', $node->host, '-p', $node->port, '-d', 'custom', '-j', '4', "$directory/custom" ]);
	is($stderr, '', 'custom with -j4: restored without an error');
}
check_restored('custom', 'custom with -j4', 0);

# Data only, into a schema that was restored before
$node->safe_psql('postgres', 'CREATE DATABASE data');
is(psql_file('data', "$directory/schema.sql", 1), '', 'data-only: the schema is restored without an error');
is(psql_file('data', "$directory/data.sql", 1), '', 'data-only: restored without an error');
check_restored('data', 'data-only', 1);

# A log that takes its time: nobody numbers an entry before it is loaded, and whoever restores beside it waits
$node->safe_psql('postgres', 'CREATE DATABASE slow');
$node->safe_psql('slow', 'SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE');
my $load = "SET ctlpr.restore = on;\nBEGIN;\nCOPY ctlpr.audit_entry (seq, entry, at, action) FROM STDIN;\n" . join('', map { "$_\tverdict\t2026-01-01\tselect\n" } 1 .. 300) . "\\.\nSELECT pg_sleep(5);\nCOMMIT;\n";
append_to_file("$directory/load.sql", $load);
my $loader = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('slow'), '-f', "$directory/load.sql" ], '>', '/dev/null', '2>', "$directory/load.log");
ok($node->poll_query_until('slow', "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'ctlpr.audit_entry'::regclass AND mode = 'ShareRowExclusiveLock' AND granted"), 'a log is being loaded');
my $hasty = "SET ctlpr.audit_timeout = '500ms'; SET client_min_messages = warning;";
($status, $out, $err) = $node->psql('slow', "\\set VERBOSITY sqlstate\n$hasty SELECT ctlpr.adopt_statute('us-ct-2026')");
like($err, qr/LP020/, 'what cannot be recorded meanwhile is refused');
($status, $out, $err) = $node->psql('slow', "$hasty SET ctlpr.restore = on; SELECT ctlpr.adopt_statute('us-ct-2026')");
is($err, '', '... and waits in a session of the restore');
ok($loader->finish, 'the log is loaded') or diag(slurp_file("$directory/load.log"));
is($node->safe_psql('slow', q{SELECT string_agg(seq || ' ' || action, ', ' ORDER BY seq) FROM ctlpr.audit_entry WHERE seq > 297 AND seq < 303 AND entry = 'verdict'}), '298 select, 299 select, 300 select, 301 restore, 302 configuration', 'numbering goes on behind it');
my $tile = $node->safe_psql('slow', 'SELECT level, number, root, hashes FROM ctlpr.audit_tile') =~ tr/|/\t/r =~ s/\\/\\\\/gr;
like($tile, qr/^0\t0\t/, 'the writer has made the tile of the tree that was not loaded yet');
($status, $out, $err) = $node->psql('slow', "SET ctlpr.restore = on; COPY ctlpr.audit_tile FROM STDIN;\n$tile\n\\.\n");
is($err, '', '... and one that comes after it is left out');
is($node->safe_psql('slow', 'SELECT count(*), (SELECT valid FROM ctlpr.verify_audit()) FROM ctlpr.audit_tile'), '1|t', '... so that the log verifies');

# A second generation: a backup of what was restored
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-d', 'plain', '-U', 'nightly', '-Fc', '-f', "$directory/second" ], 'a restored database can be dumped in turn');

unlike(slurp_file($node->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, 'no process crashed');
$node->stop;

done_testing();
