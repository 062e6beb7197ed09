# A filled database of version 0.1 is brought to this version by ALTER EXTENSION ctlpr UPDATE: nothing of what was there is lost or opened, the log goes on,
# and every object is as in a database that has begun with this version: 13(b)(2)(A), 13(c), 14(a)(6), invariants 1, 2, 5 and 8.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $keys = PostgreSQL::Test::Utils::tempdir();
system("openssl genpkey -algorithm ed25519 -out $keys/private.pem 2>/dev/null && chmod 600 $keys/private.pem") == 0 or die 'openssl';
my $node = new_node('main', "ctlpr.purge_naptime = 1h\nctlpr.erase_naptime = 1h\nautovacuum = off\nctlpr.checkpoint_key = '$keys/private.pem'\nctlpr.checkpoint_interval = 0\n");

# The script of the old version lies beside those of this one, for this test alone.
my $scripts = $node->config_data('--sharedir') . '/extension';
my $old_script = qx(gzip -dc ../sql/upgrades/ctlpr--0.1.sql.gz);
ok(length $old_script > 100_000, 'the script of 0.1 is kept');
my ($current) = slurp_file("$scripts/ctlpr.control") =~ /^default_version = '(.*)'/m;
ok(!-e "$scripts/ctlpr--0.1.sql", 'it is not installed: nobody makes an old version');
write_file("$scripts/ctlpr--0.1.sql", $old_script);
# ... and what leads to one before that, which lacks a function that the library calls
my @lacks = $old_script =~ /^((?:CREATE|COMMENT ON) FUNCTION ctlpr\.touch_given\(.*?;|GRANT EXECUTE ON FUNCTION ctlpr\.touch_given [^;]*;)\n/gms;
is(scalar @lacks, 3, 'a version before lacks a function');
write_file("$scripts/ctlpr--0.1--0.0.sql", 'DROP FUNCTION ctlpr.touch_given;');
write_file("$scripts/ctlpr--0.0--0.1.sql", join("\n", @lacks, ''));

sub write_file
{
	my ($name, $text) = @_;
	open(my $handle, '>', $name) or die "$name: $!";
	print $handle $text;
	close $handle or die "$name: $!";
	return;
}
END { unlink map { "$scripts/ctlpr--$_.sql" } '0.1', '0.1--0.0', '0.0--0.1' if defined $scripts }

sub version_of { my ($database) = @_; return $node->safe_psql($database, "SELECT extversion FROM pg_extension WHERE extname = 'ctlpr'") }
sub search
{
	my ($session, $database, $sql) = @_;
	$session->query('BEGIN');
	my $result = $session->query(request_sql('search', "case_number => '26-7'"));
	$result = $session->query($sql) if !$result->{error};
	$session->query($result->{error} ? 'ROLLBACK' : 'COMMIT');
	return $result;
}

$node->start;
new_world($node, 'city', version => '0.1');
is(version_of('city'), '0.1', 'a database begins with 0.1');
is($node->safe_psql('city', "SELECT path IS NOT NULL FROM pg_extension_update_paths('ctlpr') WHERE source = '0.1' AND target = '$current'"), 't', "there is a way from 0.1 to $current");

# It is filled, by the new library: so is every database between the installation of the package and ALTER EXTENSION.
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE nightly LOGIN BYPASSRLS;
CREATE ROLE chief;
CREATE ROLE registrar;
GRANT pg_read_all_data TO nightly;
GRANT ctlpr_registrar TO registrar;
SELECT ctlpr.bind_role('nightly', 'CT-NHPD'), ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true), ctlpr.bind_role('registrar', 'CT-NHPD');
SELECT ctlpr.standing_request('nightly', 'backup', 'nightly dump', 'Chief', now() + interval '1 year');
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 3, document => 'file 7');
CREATE TABLE daily (captured_at timestamptz NOT NULL, plate text NOT NULL, owner_no int NOT NULL, note text) PARTITION BY RANGE (captured_at);
SELECT format('CREATE TABLE daily_%s PARTITION OF daily FOR VALUES FROM (%L) TO (%L)', n, date_trunc('day', now()) - n * interval '1 day', date_trunc('day', now()) - (n - 1) * interval '1 day') FROM generate_series(0, 30) n \gexec
INSERT INTO daily SELECT now() - n * interval '1 day', 'DAY' || n, 7 FROM generate_series(0, 29) n;
SELECT format('ALTER TABLE %s OWNER TO reads_owner', m) FROM ctlpr.relation_members('daily') m \gexec
SELECT ctlpr.agency_key('CT-NHPD', 'daily', '7');
SELECT ctlpr.govern('daily', captured_at => 'captured_at', plate => 'plate', agency => 'owner_no');
GRANT SELECT ON daily TO PUBLIC;
SELECT ctlpr.register_camera('CAM-1', 'CT-NHPD', true, 'POINT(-72.93 41.31)');
SELECT ctlpr.register_protected_site('immigrant_service', 'A center', 'POLYGON((-72.94 41.3, -72.92 41.3, -72.92 41.32, -72.94 41.3))', 100, current_date - 3);
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{NH3}', captured => tstzrange(now() - interval '20 days', now()), case_number => 'TX-1', issued_by => 'Judge Roe', approved_by => 'Counsel', valid_until => now() + interval '30 days', document => 'w1', court => 'D. Conn.');
SET ROLE registrar;
SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'CT-NHPD', 'daily', '[{"plate": "NH7", "category": "Stolen vehicle", "state": "CT"}]');
SQL
my $hold = $node->safe_psql('city', "SET ROLE chief; SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{NH5}')");
my $nhpd = connect_as($node, 'city', 'nhpd');
my $kept = connect_as($node, 'city', 'nhpd');
for my $n (1 .. 5)
{
	$nhpd->query('BEGIN; ' . request_sql("before $n") . "; SELECT plate FROM plate_reads WHERE plate = 'NH$n'; COMMIT");
}
$kept->query("PREPARE kept AS SELECT plate FROM plate_reads WHERE plate LIKE 'NH1%'");
is(scalar @{ search($kept, 'city', 'EXECUTE kept')->{rows} }, 12, 'the new library serves a database of 0.1');
is(sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')), 'LP001', '... refuses what 0.1 refuses');
$nhpd->query("BEGIN; SELECT ctlpr.begin_request('immigration_enforcement')");
$nhpd->query('ROLLBACK');
is(log_value($node, 'city', 'count(*)', "NOT allowed AND sqlstate IN ('LP001', 'LP004')"), '2', '... and records it');
is(sqlstate_of(connect_as($node, 'city')->query('SELECT plate FROM daily_3')), 'LP010', '... to superusers, too');
is(sqlstate_of($nhpd->query('SELECT * FROM ctlpr.ctlpr_stat')), '42P01', 'what 0.1 does not have is not there');
$node->safe_psql('city', "SET ctlpr.audit_durability = async; DO \$\$ BEGIN FOR i IN 1 .. 700 LOOP PERFORM ctlpr.record_event('configuration', sqlstate => 'LP005'); END LOOP; END \$\$");
$node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.start_purge('plate_reads', 'Chief'); SELECT ctlpr.purge(); SELECT ctlpr.preserve('daily', 'court_order', 'order', '26-8', 'Clerk', plates => '{DAY2}') FROM set_config('role', 'chief', false); RESET ROLE");
$node->safe_psql('city', 'CALL ctlpr.erase()');
cmp_ok($node->safe_psql('city', "SELECT count(*) FROM ctlpr.$_ WHERE relation = 'plate_reads'::regclass"), '>', 0, "$_ have their certificates") for qw(purges erasures);
my ($size, $root) = split /\|/, $node->safe_psql('city', 'SELECT size, root FROM ctlpr.audit_checkpoint()');

# What is there before
my @tables = split /\n/, $node->safe_psql('city', "SELECT relname FROM pg_class WHERE relnamespace = 'ctlpr'::regnamespace AND relkind = 'r' AND relname NOT IN ('clock', 'audit_entry', 'audit_tile') ORDER BY 1");
my %columns = map { $_ => $node->safe_psql('city', "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'ctlpr.$_'::regclass AND attnum > 0 AND NOT attisdropped") } @tables;
sub digest { my ($table) = @_; return $node->safe_psql('city', "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM (SELECT $columns{$table} FROM ctlpr.$table) t") }
my %before = map { $_ => digest($_) } @tables;
my @empty = grep { $before{$_} =~ /^0\|/ } @tables;
cmp_ok(@tables - @empty, '>', 25, @tables - @empty . ' of ' . @tables . ' tables hold rows');
my $last = log_value($node, 'city', 'max(seq)');
my $log_digest = q{count(*), md5(string_agg(to_jsonb(e)::text, E'\n' ORDER BY seq))};
my $log_before = log_value($node, 'city', $log_digest, "seq <= $last");

# Nobody but a superuser, and not in pieces
my $admin = connect_as($node, 'city', 'nhpd');
is(sqlstate_of($admin->query("ALTER EXTENSION ctlpr UPDATE")), '42501', 'an officer does not update the extension');
my $root_session = connect_as($node, 'city');
$root_session->query('BEGIN');
is(sqlstate_of($root_session->query("ALTER EXTENSION ctlpr UPDATE TO '$current'")), '00000', 'the update runs in a transaction');
is(sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')), 'LP001', '... while others are served');
$root_session->query('ROLLBACK');
is(version_of('city'), '0.1', '... and is gone when that rolls back');
is(scalar @{ search($nhpd, 'city', 'SELECT plate FROM plate_reads')->{rows} }, 200, '... with all in order');

my $upgraded = $root_session->query("ALTER EXTENSION ctlpr UPDATE");
is($upgraded->{error} ? $upgraded->{error}{M} . ($upgraded->{error}{W} // '') : '', '', 'ALTER EXTENSION ctlpr UPDATE');
is(version_of('city'), $current, "... to $current");
ok(await_log($node, 'city', "entry = 'outcome' AND outcome = 'ok' AND of_seq IN (SELECT seq FROM ctlpr.audit_entry WHERE action = 'ddl' AND statement ILIKE 'ALTER EXTENSION%' AND seq > $last)"), 'that it was updated is on record');

# What was there is there
for my $table (grep { !/^statute/ || /adoption/ } @tables) { is(digest($table), $before{$table}, "ctlpr.$table is as it was") }
is(log_value($node, 'city', $log_digest, "seq <= $last"), $log_before, 'the log has its old entries');

# Every object is as it is where this version came first
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE');
is(version_of('fresh'), $current, "a new database has $current");
my $describe = slurp_file('upgrade/describe.sql');
sub describe { my ($database) = @_; return split /\n/, $node->safe_psql($database, $describe) }
my @fresh = describe('fresh');
sub is_as_fresh
{
	my ($database, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @here = describe($database);
	my %fresh = map { $_ => 1 } @fresh;
	my %here = map { $_ => 1 } @here;
	my @differences = ((map { "only in $database: $_" } grep { !$fresh{$_} } @here), (map { "only in a new one: $_" } grep { !$here{$_} } @fresh));
	is(scalar @differences, 0, $name) or diag(map { substr($_, 0, 400) . "\n" } @differences[0 .. ($#differences > 20 ? 20 : $#differences)]);
	is(scalar @here, scalar @fresh, '... line by line');
	return;
}
cmp_ok(scalar @fresh, '>', 1500, 'the description has ' . @fresh . ' lines');
is_as_fresh('city', 'every object of the updated extension is as in a new database');

# ... and works
is(sqlstate_of($nhpd->query("SELECT plate FROM $_")), 'LP001', "$_ is governed") for qw(plate_reads daily);
is(sqlstate_of($root_session->query("SELECT plate FROM $_")), 'LP010', "... $_ for a superuser, too") for qw(plate_reads daily daily_3 plate_reads_evidence);
is(scalar @{ search($kept, 'city', 'EXECUTE kept')->{rows} }, 12, 'a session and its plan go on');
is(scalar @{ search($nhpd, 'city', 'SELECT plate FROM daily')->{rows} }, 21, 'a partitioned table with keys is searched');
my $plates = join ' ', map { $_->[0] } @{ search($nhpd, 'city', 'SELECT plate FROM plate_reads')->{rows} };
unlike($plates, qr/X/, 'what has expired stays hidden');
my $bpd = connect_as($node, 'city', 'bpd');
cmp_ok(scalar @{ search($bpd, 'city', 'SELECT plate FROM plate_reads')->{rows} }, '>', 100, 'a declaration opens what it opened');
my $texas = connect_as($node, 'city', 'txpd');
$texas->query('BEGIN');
is(sqlstate_of($texas->query(request_sql('other', "authorization_id => 1, case_number => 'TX-1'"))), '00000', 'so does a warrant');
is(join(' ', map { $_->[0] } @{ $texas->query('SELECT plate FROM plate_reads')->{rows} }), 'NH3', '... the plate that it names');
$texas->query('COMMIT');
is(scalar @{ search($nhpd, 'city', 'SELECT plate FROM plate_reads_evidence')->{rows} }, 1, 'evidence is there for its case');
is($node->safe_psql('city', "SELECT ctlpr.held_reads($hold)"), '1', '... and held');
is(connect_as($node, 'city', 'nhpd_ingest')->query("INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'FRESH', 'CT-NHPD')")->{error}, undef, 'reads come in');
is($node->safe_psql('city', "SELECT valid FROM ctlpr.verify_audit()"), 't', 'the log is valid');
my $new_size = $node->safe_psql('city', 'SELECT size FROM ctlpr.audit_checkpoint()');
cmp_ok($new_size, '>', $size, 'a checkpoint follows');
is($node->safe_psql('city', "SELECT root = ctlpr.audit_root($size) FROM ctlpr.checkpoints WHERE size = $size"), 't', '... the one before still stands');
is($node->safe_psql('city', "SELECT count(*) > 0 FROM unnest(ctlpr.consistency_proof($size, $new_size)) p"), 't', '... and is extended by it, with proof');
check_log_is_whole($node, 'city', 'after the update');
$node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.start_purge('daily', 'Chief')");
ok($node->safe_psql('city', "SELECT sum(partitions_dropped) FROM ctlpr.purge('daily')") > 0, 'the purge goes on');
$node->safe_psql('city', 'CALL ctlpr.erase()');
is($node->safe_psql('city', "SELECT erase_lag FROM ctlpr.ctlpr_stat"), '00:00:00', 'so does erasure; and what is new works');
$node->safe_psql('city', "SELECT ctlpr.suspend_sharing('MA-BPD', 'POST', 'misuse')");
is(sqlstate_of(search($bpd, 'city', 'SELECT plate FROM plate_reads')), 'LP007', 'rules bite at once');

# Dumped and loaded
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-d', 'city', '-U', 'nightly', '-f', $dump ], 'the backup role dumps the updated database');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
{
	local $ENV{PGOPTIONS} = '-c ctlpr.restore=on -c client_min_messages=warning';
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'restored', '-f', $dump ], '... it is loaded');
}
is_as_fresh('restored', '... and its objects are as in a new database');
is(sqlstate_of(connect_as($node, 'restored', 'nhpd')->query('SELECT plate FROM plate_reads')), 'LP001', '... and governed');
is($node->safe_psql('restored', 'SELECT valid FROM ctlpr.verify_audit()'), 't', '... and its log is valid');

# A library that needs what the extension does not have yet answers nobody, says why, and lets it be mended.
new_world($node, 'older', version => '0.1');
my $session = connect_as($node, 'older', 'nhpd');
is(scalar @{ search($session, 'older', 'SELECT plate FROM plate_reads')->{rows} }, 200, 'a session has searched');
my ($status, $out, $err) = $node->psql('older', "ALTER EXTENSION ctlpr UPDATE TO '0.0'");
is($err, '', 'an extension can be older than what the library serves');
isnt(sqlstate_of(search($session, 'older', 'SELECT plate FROM plate_reads')), '00000', '... then no search is answered');
isnt(sqlstate_of($session->query($_)), '00000', '... nor any other way') for 'SELECT count(*) FROM plate_reads', 'TABLE plate_reads', 'COPY plate_reads TO STDOUT';
isnt(sqlstate_of(connect_as($node, 'older')->query('SELECT plate FROM plate_reads')), '00000', '... not to a superuser either');
($status, $out, $err) = $node->psql('older', 'CREATE TABLE t (i int)');
like($err, qr/ERROR:  an object of extension "ctlpr" is missing/, '... then commands are refused');
like($err, qr/HINT:  .*ALTER EXTENSION ctlpr UPDATE/, '... and the hint says what mends it');
($status, $out, $err) = $node->psql('older', "SELECT ctlpr.register_agency('CT-X', 'X', 'police', 'CT')");
like($err, qr/HINT:  .*ALTER EXTENSION ctlpr UPDATE/, '... so are searches and changes of rules');
($status, $out, $err) = $node->psql('older', 'ALTER EXTENSION ctlpr UPDATE');
is($err, '', 'the one command that mends it is not');
is_as_fresh('older', '... and leaves every object as in a new database');
is(scalar @{ search($session, 'older', 'SELECT plate FROM plate_reads')->{rows} }, 200, '... so that it serves again, in a session that was there all the time, too');
check_log_is_whole($node, 'older', 'the log of the older one');

$_->close for $session, $nhpd, $kept, $admin, $root_session, $bpd, $texas;
unlike(slurp_file($node->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, 'no process crashed');
$node->stop;

done_testing();
