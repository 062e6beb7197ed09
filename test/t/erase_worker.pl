# Bytes of purged reads are erased by themselves, and nothing is claimed before that: who may still see them, a crash, what only an administrator can do: 13(b)(2)(A), invariant 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
restart_after_crash = on
autovacuum = off
max_prepared_transactions = 2
ctlpr.purge_naptime = 1s
ctlpr.erase_naptime = 1s
ctlpr.erase_rate = 0
CONF
$node->start;
new_world($node, 'city', govern => 0);
sub value { return $node->safe_psql('city', $_[0]) }
sub status { return value("SELECT $_[1] FROM ctlpr.erase_status s WHERE relation = '$_[0]'::regclass") }
sub await_status { my ($name, $what, $seconds) = @_; return await_true(sub { return status($name, "coalesce($what, false)") eq 't' }, $seconds) }
sub await_erased
{
	my ($name, $seconds) = @_;
	my $erased = await_status($name, 'erased_through IS NOT NULL AND pending_reads = 0 AND finished_at IS NOT NULL', $seconds // 30);
	diag(status($name, 's') . ' ' . value("SELECT m FROM ctlpr.erase_member m WHERE member = '$name'::regclass")) if !$erased;
	return $erased;
}

# make_table(name, what it gets besides, how many reads of each kind, their padding)
sub make_table
{
	my ($name, $more, $reads, $wide) = @_;
	$reads //= 100;
	$wide //= 10;
	$node->safe_psql('city', sprintf <<'SQL', $name, $more // '', $reads, $wide);
SET client_min_messages = warning;
CREATE TABLE %1$s (read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, note text);
INSERT INTO %1$s (captured_at, plate, agency_id, note) SELECT now() - interval '22 days', 'OLD' || n %% 20, 'CT-NHPD', repeat('x', %4$s) FROM generate_series(1, %3$s) n;
CREATE INDEX %1$s_plate ON %1$s (plate);
CREATE INDEX %1$s_lower ON %1$s (lower(plate));
%2$s;
ANALYZE %1$s;
ALTER TABLE %1$s OWNER TO reads_owner;
SELECT ctlpr.govern('%1$s', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
	return;
}
sub start_purge { value("SET client_min_messages = warning; SELECT ctlpr.start_purge('$_[0]', 'Chief')"); return }

# By itself
make_table('plain');
is(status('plain', 'erased_through IS NULL AND pending_reads = 100'), 't', 'what is not purged is pending');
start_purge('plain');
ok(await_erased('plain'), 'what was purged is erased by itself');
is(value("SELECT count(*) FROM pg_statistic WHERE starelid = 'plain'::regclass OR starelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'plain'::regclass)"), '0', '... statistics of a table that has no row left, too');
my $seq = status('plain', 'certificate_seq');
is(log_value($node, 'city', 'action, relation, allowed, clause', "seq = $seq"), 'erase|public.plain|t|13(b)(2)(A)', '... with a certificate in the log');
unlike(log_value($node, 'city', 'detail', "seq = $seq"), qr/OLD\d/, '... without a plate');
is(value("SELECT detail -> 'purge_runs' ->> 'first_certificate' = (SELECT min(seq)::text FROM ctlpr.audit_entry WHERE action = 'purge' AND relation = 'public.plain') FROM ctlpr.audit_entry WHERE seq = $seq"), 't', '... that goes on from that of the purge');
is(value("SELECT reads || ' ' || agency_id || ' ' || (kept_longer_by > interval '1 h') FROM ctlpr.over_retention WHERE relation_name = 'public.plain'"), '100 CT-NHPD true', 'reads that were deleted late are counted: 15(a)(1)(E)');
my $through = status('plain', 'erased_through');
ok(await_status('plain', "erased_through > '$through'"), 'where nothing is lost, what is proven goes on');
is(value("SELECT count(*) FROM ctlpr.erase_run WHERE relation = 'plain'::regclass"), '1', '... without another run');
is(value("SELECT count(*) FROM ctlpr.findings WHERE kind IN ('no_outcome', 'not_erased')"), '0', '... and nothing is found amiss');

# A partition that comes, and loses what is changed in it
is(sqlstate_of(connect_as($node, 'city', 'nhpd')->query('CALL ctlpr.erase()')), '42501', 'not everybody may ask for a round');
my $dba = connect_as($node, 'city');
is(sqlstate_of($dba->query("CALL ctlpr.erase('pg_class')")), '42704', 'nor for one over what is not governed');
$dba->query('BEGIN');
is(sqlstate_of($dba->query('CALL ctlpr.erase()')), '25001', '... nor in a transaction, for which it would wait');
$dba->query('ROLLBACK');
make_table('unstarted');
is(sqlstate_of($dba->query("CALL ctlpr.erase('unstarted')")), '55000', '... nor of what is not purged');
is(sqlstate_of($dba->query('CALL ctlpr.erase()')), '00000', 'an administrator may');

# Who may still see deleted rows is waited for, and named
my %holder = (
	snapshot => [ [ 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1' ], 'ROLLBACK', qr/^process \d+ \(client backend\), in a transaction since 20/ ],
	prepared => [ [ 'BEGIN', 'CREATE TABLE made ()', "PREPARE TRANSACTION 'trip'" ], "ROLLBACK PREPARED 'trip'", qr/^prepared transaction "trip"$/ ]);
for my $name (sort keys %holder)
{
	my ($begin, $end, $named) = @{ $holder{$name} };
	make_table($name);
	my $session = connect_as($node, 'city');
	is(sqlstate_of($session->query($_)), '00000', "$name: $_") for @$begin;
	start_purge($name);
	ok(await_status($name, 'waiting_for IS NOT NULL'), "$name: the run waits");
	like(status($name, 'waiting_for'), $named, '... and says for whom');
	is(status($name, 'erased_through IS NULL AND pending_reads = 100 AND finished_at IS NULL'), 't', '... and claims nothing');
	is(value("SELECT count(*) FROM ctlpr.erasures WHERE relation_name = 'public.$name'"), '0', '... nor certifies it');
	$session->query($end);
	$session->close;
	ok(await_erased($name), "$name: then it goes on by itself");
}

# What a rebuild that was cut off left, and what cannot be rebuilt concurrently
make_table('indexed', q{ALTER TABLE indexed ADD EXCLUDE USING btree (read_id WITH =); CREATE INDEX indexed_plate_ccnew ON indexed (plate); CREATE INDEX indexed_failed ON indexed (plate); UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('indexed_plate_ccnew'::regclass, 'indexed_failed'::regclass)});
start_purge('indexed');
ok(await_status('indexed', 'waiting_for IS NOT NULL'), 'an exclusion constraint needs an administrator');
like(status('indexed', 'waiting_for'), qr/^REINDEX INDEX public\.indexed_read_id_excl, by hand/, '... who is told what to do');
is(value("SELECT to_regclass('indexed_plate_ccnew') IS NULL"), 't', 'what a rebuild has left is dropped');
is(value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'indexed_failed'::regclass"), 't', '... and an index that failed is built');
is(status('indexed', 'erased_through IS NULL'), 't', '... and nothing is claimed');
is(sqlstate_of($dba->query('REINDEX INDEX indexed_read_id_excl')), '00000', 'he rebuilds it');
ok(await_erased('indexed'), '... then it goes on by itself');

# A crash
$dba->close;
make_table('long', '', 15000, 1000);
$node->append_conf('postgresql.conf', 'ctlpr.erase_rate = 8');
$node->reload;
start_purge('long');
ok(await_status('long', 'pages_done > 0 AND finished_at IS NULL'), 'crash: a run is under way');
my $run = value("SELECT run_id FROM ctlpr.erase_run WHERE relation = 'long'::regclass");
ok(kill_and_recover($node, worker_pid($node, 'city', 'ctlpr erase worker')), '... and its worker is killed');
my $done = status('long', 'pages_done');
cmp_ok($done, '>', 0, '... and what it has done is on record');
$node->append_conf('postgresql.conf', 'ctlpr.erase_rate = 0');
$node->reload;
ok(await_erased('long', 60), '... and it goes on');
is(value("SELECT finished_at IS NOT NULL AND pages_done = pages_total FROM ctlpr.erase_run WHERE run_id = $run"), 't', '... with the same run');
is(value("SELECT pages_total < 2 * (pg_relation_size('long') / 8192 + 600) FROM ctlpr.erase_run WHERE run_id = $run"), 't', '... where it stood');
is(log_value($node, 'city', 'count(*)', "action = 'erase' AND detail ->> 'erase_run' = '$run'"), '1', '... and it is certified once');

# Switched off
$node->append_conf('postgresql.conf', 'ctlpr.erase = off');
$node->reload;
sleep 1.5;
make_table('kept');
start_purge('kept');
ok(await_status('kept', "(SELECT finished_at IS NOT NULL FROM ctlpr.purge_status WHERE relation = 'kept'::regclass)"), 'off: what has expired is purged');
sleep 2.5;
is(status('kept', 'erased_through IS NULL AND pending_reads = 100'), 't', '... and not erased');
is(value("SELECT severity || ' ' || clause FROM ctlpr.findings WHERE kind = 'not_erased'"), 'warning 13(b)(2)(A)', '... which is a finding');
is(value("SELECT severity FROM ctlpr.posture WHERE item = 'setting ctlpr.erase'"), 'warning', '... and weakens the posture');
value("CALL ctlpr.erase('kept')");
is(status('kept', 'erased_through IS NOT NULL AND pending_reads = 0'), 't', '... but by hand it is');
check_log_is_whole($node, 'city', 'in the end');
$node->stop;

done_testing();
