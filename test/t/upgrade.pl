# A cluster is upgraded with pg_upgrade: rules, registry, evidence, hotlists and log come along, expired reads stay hidden, and the log goes on without a gap: 13(b)(2)(A), 13(c), 14(a)(6), invariants 2, 5 and 8.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $old = new_node('old', "ctlpr.purge_naptime = 1h\nautovacuum = off\n");
$old->start;
new_world($old, 'city');
$old->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE nightly LOGIN BYPASSRLS;
CREATE ROLE chief;
CREATE ROLE registrar;
GRANT pg_read_all_data TO nightly;
GRANT ctlpr_registrar TO registrar;
SELECT ctlpr.bind_role('nightly', 'CT-NHPD'), ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true), ctlpr.bind_role('registrar', 'CT-NHPD');
SELECT ctlpr.standing_request('nightly', 'backup', 'nightly dump', 'Chief', now() + interval '1 year');
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 3, document => 'file 7');
CREATE TABLE daily (captured_at timestamptz NOT NULL, plate text NOT NULL, owner_no int NOT NULL, dropped int, note text) PARTITION BY RANGE (captured_at);
ALTER TABLE daily DROP COLUMN dropped;
SELECT format('CREATE TABLE daily_%s PARTITION OF daily FOR VALUES FROM (%L) TO (%L)', n, date_trunc('day', now()) - n * interval '1 day', date_trunc('day', now()) - (n - 1) * interval '1 day') FROM generate_series(0, 30) n \gexec
INSERT INTO daily SELECT now() - n * interval '1 day', 'DAY' || n, 7 FROM generate_series(0, 29) n;
SELECT format('ALTER TABLE %s OWNER TO reads_owner', m) FROM ctlpr.relation_members('daily') m \gexec
SELECT ctlpr.agency_key('CT-NHPD', 'daily', '7');
SELECT ctlpr.govern('daily', captured_at => 'captured_at', plate => 'plate', agency => 'owner_no');
GRANT SELECT ON daily TO PUBLIC;
SELECT ctlpr.start_purge('plate_reads', 'Chief');
SELECT ctlpr.register_camera('CAM-1', 'CT-NHPD', true, 'POINT(-72.93 41.31)');
SET ROLE registrar;
SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'CT-NHPD', 'daily', '[{"plate": "NH7", "category": "Stolen vehicle", "state": "CT"}]');
RESET ROLE;
SQL
my $hold = $old->safe_psql('city', "SET ROLE chief; SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{NH5}')");
my $nhpd = connect_as($old, 'city', 'nhpd');
for my $n (1 .. 5)
{
	$nhpd->query('BEGIN; ' . request_sql("before $n") . "; SELECT plate FROM plate_reads WHERE plate = 'NH$n'; COMMIT");
}
is(sqlstate_of($nhpd->query('SELECT plate FROM plate_reads')), 'LP001', 'the old cluster governs');
$nhpd->close;
await_log($old, 'city', "entry = 'outcome' AND rows_returned = 1", 5);

my @tables = split /\n/, $old->safe_psql('city', "SELECT relname FROM pg_class WHERE relnamespace = 'ctlpr'::regnamespace AND relkind = 'r' AND relname NOT IN ('clock', 'audit_entry') ORDER BY 1");
sub digest { my ($node, $table) = @_; return $node->safe_psql('city', "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM ctlpr.$table t") }
my %before = map { $_ => digest($old, $_) } @tables;
my $sequences = "SELECT string_agg(sequencename || ' ' || coalesce(last_value, 0), ', ' ORDER BY sequencename) FROM pg_sequences WHERE schemaname = 'ctlpr'";
my $sequences_before = $old->safe_psql('city', $sequences);
my $registry = "SELECT string_agg(format('%s %s %s', relation, captured_at_column, evidence_of), ', ' ORDER BY relation::text) FROM ctlpr.governed_relation";
my $registry_before = $old->safe_psql('city', $registry);
# A clean stop drains the queue; what is the last entry is seen in the new cluster.
$old->safe_psql('postgres', 'CHECKPOINT');
sub log_digest { my ($node, $upto) = @_; return log_value($node, 'city', q{count(*), min(seq), max(seq), md5(string_agg(e::text, E'\n' ORDER BY seq))}, "seq <= $upto") }
my $last = log_value($old, 'city', 'max(seq)');
my $log_before = log_digest($old, $last);
$old->stop;

# The new cluster loads the library before pg_upgrade runs; --check already tells when it does not.
my $bin = $old->config_data('--bindir');
sub upgrade_command
{
	my ($new, @more) = @_;
	return [ 'pg_upgrade', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin, '-s', $new->host, '-p', $old->port, '-P', $new->port, @more ];
}
chdir $PostgreSQL::Test::Utils::tmp_check;
my $without = new_node('without');
$without->append_conf('postgresql.conf', "shared_preload_libraries = ''");
command_checks_all(upgrade_command($without, '--check'), 1, [qr/loadable libraries|could not load/], [qr//], 'pg_upgrade --check refuses a new cluster that does not preload the library');
my ($why) = map { slurp_file($_) } glob($without->data_dir . '/pg_upgrade_output.d/*/loadable_libraries.txt');
like($why // '', qr{could not load library ".libdir/ctlpr": ERROR:.*shared_preload_libraries}s, '... and says why');

my $new = new_node('new', "ctlpr.purge_naptime = 1s\nautovacuum = off\n");
command_ok(upgrade_command($new, '--check'), 'pg_upgrade --check');
command_ok(upgrade_command($new), 'pg_upgrade');
$new->start;

# Nothing is lost, and nobody noticed that the registry's numbers were those of another cluster
for my $table (@tables)
{
	# The workers are at work in the new cluster.
	next if $table =~ /^(purge_run|erase_run|erase_member|erase_loss|ingest_count)$/;
	is(digest($new, $table), $before{$table}, "ctlpr.$table is as it was");
}
is($new->safe_psql('city', $registry), $registry_before, 'the registry names the same relations');
is(log_digest($new, $last), $log_before, 'the log has all its old entries');

my $officer = connect_as($new, 'city', 'nhpd');
is(sqlstate_of($officer->query("SELECT plate FROM $_")), 'LP001', "$_ is governed") for qw(plate_reads daily);
my $superuser = connect_as($new, 'city');
is(sqlstate_of($superuser->query("SELECT plate FROM $_")), 'LP010', "... $_ for a superuser, too") for qw(plate_reads daily daily_3 plate_reads_evidence);
is($new->safe_psql('city', "SELECT count(*) FROM ctlpr.governed_relation g, LATERAL ctlpr.relation_members(g.relation) m JOIN pg_class c ON c.oid = m WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = m AND p.polname = 'ctlpr_guard' AND NOT p.polpermissive))"),
	'0', 'the guard is on all of them');
$officer->query('BEGIN');
my $result = $officer->query(request_sql('after the upgrade'));
is($result->{error}, undef, 'requests are taken');
my $plates = join ' ', map { $_->[0] } @{ $officer->query('SELECT plate FROM plate_reads')->{rows} };
is(scalar(split / /, $plates), 100, "the agency's live reads are there");
unlike($plates, qr/X/, '... and none that has expired');
is(scalar @{ $officer->query('SELECT plate FROM daily')->{rows} }, 21, 'so are those of a partitioned table with keys for agencies');
$officer->query('COMMIT');

# The log
my $started = $new->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my ($before_start, $first) = map { log_value($new, 'city', "$_->[0](seq)", "at $_->[1] '$started'") } [ 'max', '<' ], [ 'min', '>=' ];
cmp_ok($before_start, '>=', $last, 'the last entry of the old cluster is there');
is($first, $before_start + 1, 'the log goes on with the next number');
cmp_ok($result->{rows}[0][0] // 0, '>', $last, 'a request has a later number');
check_log_is_whole($new, 'city', 'after the upgrade');

# Evidence, hotlist, backup
is($new->safe_psql('city', "SELECT ctlpr.held_reads($hold)"), '1', 'held reads are there');
$officer->query('BEGIN');
$officer->query(request_sql('evidence', "case_number => '26-7'"));
is(scalar @{ $officer->query('SELECT plate FROM plate_reads_evidence')->{rows} }, 1, '... and are seen by a request that states their case');
$officer->query('COMMIT');
is(sqlstate_of($superuser->query('DROP TABLE plate_reads_evidence')), 'LP012', '... and their table cannot be dropped');
is($new->safe_psql('city', 'SELECT count(*) FROM ctlpr.hotlist_entry'), '1', 'the hotlist is there');
$new->safe_psql('city', "SET ROLE registrar; SELECT ctlpr.load_hotlist('ncic', 'Lt. Rivera', now() + interval '1 day', 'CT-NHPD', 'second', '[{\"plate\": \"NH8\", \"category\": \"Stolen vehicle\", \"state\": \"CT\"}]')");
is($new->safe_psql('city', "SELECT count(*) FROM ctlpr.hotlist"), '2', '... and can be followed by another');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$new->command_ok([ 'pg_dump', '-h', $new->host, '-p', $new->port, '-d', 'city', '-U', 'nightly', '-f', $dump ], 'the backup role dumps under its standing request');
like(slurp_file($dump), qr/\tNH7\t/, "... its agency's live reads");
unlike(slurp_file($dump), qr/\t(NHX|HAX)\d/, '... and no expired one');

is(connect_as($new, 'city', 'nhpd_ingest')->query("INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'FRESH', 'CT-NHPD')")->{error}, undef, 'reads come in');

# The worker goes on with what had been started, and with nothing else
ok(await_true(sub { return $new->safe_psql('city', "SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('plate_reads')") eq '0' }), 'the purge worker deletes what has expired');
ok(await_true(sub { return $new->safe_psql('city', "SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation_name = 'public.plate_reads'") eq '40' }), '... with a certificate');
cmp_ok($new->safe_psql('city', "SELECT sum(reads) FROM ctlpr.expired_reads('daily')"), '>', 0, '... and nothing of a relation whose purge was not started');

like($sequences_before, qr/hold_hold_id_seq \d/, 'there were sequences in use');
is($new->safe_psql('city', $sequences) =~ s/(hotlist_hotlist_id_seq|hotlist_entry_entry_id_seq|purge_run_run_id_seq|erase_run_run_id_seq) \d+/$1/gr, $sequences_before =~ s/(hotlist_hotlist_id_seq|hotlist_entry_entry_id_seq|purge_run_run_id_seq|erase_run_run_id_seq) \d+/$1/gr, 'sequences go on where they were');

# Once more through a stop
$_->close for $officer, $superuser;
$new->restart;
$officer = connect_as($new, 'city', 'nhpd');
$officer->query('BEGIN');
is($officer->query(request_sql('after a restart'))->{error}, undef, 'requests are taken after a restart');
$officer->query('COMMIT');
$officer->close;
check_log_is_whole($new, 'city', 'after a restart');
for my $node ($old, $new) { unlike(slurp_file($node->logfile), qr/\bPANIC\b|TRAP:|terminated by signal/, $node->name . ': no process crashed') }
$new->stop;

done_testing();
