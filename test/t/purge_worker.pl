# Expired reads are deleted by themselves, by the owner's rights, past whatever fails, and each run has a true certificate: 13(b)(2)(A), invariants 2 and 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
restart_after_crash = on
ctlpr.purge_naptime = 1s
ctlpr.purge_batch_rows = 50
autovacuum = off
CONF
$node->start;
new_world($node, 'city', govern => 0);

# Each table has 100 expired reads of New Haven and 50 of Hartford, a day apart, and 20 live ones.
my $make = <<'SQL';
CREATE TABLE %1$s (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) %2$s;
%3$s
INSERT INTO %1$s SELECT now() - interval '22 days' - n %% 4 * interval '1 day', 'OLD' || n, CASE WHEN n <= 100 THEN 'CT-NHPD' ELSE 'CT-HPD' END FROM generate_series(1, 150) n;
INSERT INTO %1$s SELECT now() - n * interval '1 hour', 'LIVE' || n, 'CT-NHPD' FROM generate_series(1, 20) n;
ALTER TABLE %1$s OWNER TO reads_owner;
GRANT SELECT ON %1$s TO PUBLIC;
SQL
my $days = join(' ', map { "CREATE TABLE daily_$_ PARTITION OF daily FOR VALUES FROM (date_trunc('day', now()) - interval '$_ days') TO (date_trunc('day', now()) - interval '$_ days' + interval '1 day'); ALTER TABLE daily_$_ OWNER TO reads_owner;" } 0 .. 30)
  . ' CREATE TABLE daily_default PARTITION OF daily DEFAULT; ALTER TABLE daily_default OWNER TO reads_owner;';
sub make_table
{
	my ($name, $how, $more, $govern) = @_;
	$node->safe_psql('city', sprintf($make, $name, $how // '', $more // ''));
	$node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.govern('$name', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id'" . ($govern // '') . ')');
	return;
}
sub start_purge { $node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.start_purge('$_[0]', 'Chief')"); return }
sub expired { return $node->safe_psql('city', "SELECT coalesce(sum(reads), 0) FROM ctlpr.expired_reads('$_[0]')") }
sub live { return $node->safe_psql('city', "BEGIN; SELECT FROM ctlpr.break_glass('count'); SELECT count(*) FROM $_[0]; COMMIT") }
sub certified { return $node->safe_psql('city', "SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purges WHERE relation_name = 'public.$_[0]'") }

make_table('plain');
make_table('waiting');
make_table('observed', '', '', ", mode => 'observe'");
make_table('daily', 'PARTITION BY RANGE (captured_at)', $days);

# Nothing goes before start_purge()
sleep 2.2;
is(expired('plain'), '150', 'nothing is deleted before start_purge()');
sub over_retention { return $node->safe_psql('city', "SELECT string_agg(format('%s %s %s', severity, agency_id, clause), ', ' ORDER BY agency_id) FROM ctlpr.findings WHERE kind = 'over_retention' AND finding LIKE '% public.$_[0]:%'") }
is(over_retention('plain'), 'violation CT-HPD 13(b)(2)(A), 15(a)(1)(E), violation CT-NHPD 13(b)(2)(A), 15(a)(1)(E)', 'reads kept too long are a violation of each owner: 15(a)(1)(E)');
my ($status, $out, $err) = $node->psql('city', "SELECT * FROM ctlpr.purge('plain')", on_error_stop => 0);
like($err, qr/ERROR/, 'purge() by hand before start_purge() is refused');
($status, $out, $err) = $node->psql('city', "SELECT ctlpr.start_purge('observed', 'Chief')");
like($err, qr/ERROR: .*observed only/, 'an observed relation is not purged');

# Batches of one table, by themselves
start_purge('plain');
ok(await_true(sub { return expired('plain') eq '0' }), 'the launcher sees to it that expired rows are deleted');
is(over_retention('plain'), '', '... and are none any more');
is(live('plain'), '20', 'live rows stay');
ok(await_true(sub { return certified('plain') eq '150' }), 'certificates add up to the rows that went');
is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.purge_run WHERE relation_name = 'public.plain' AND finished_at IS NULL"), '0', 'its runs are finished');
is($node->safe_psql('city', "SELECT owners FROM ctlpr.purges WHERE relation_name = 'public.plain'"), '{"CT-HPD": 50, "CT-NHPD": 100}', 'the certificate has the rows of each owner');
is( $node->safe_psql('city', "SELECT oldest_read_on = ((now() - interval '25 days') AT TIME ZONE 'America/New_York')::date, newest_read_on = ((now() - interval '22 days') AT TIME ZONE 'America/New_York')::date, partitions_dropped, started_at <= finished_at, limit_at BETWEEN now() - interval '504 hours 1 minute' AND now() - interval '504 hours' FROM ctlpr.purges WHERE relation_name = 'public.plain'"),
	't|t|0|t|t', '... the oldest and newest day, the limit and the duration');
is(log_value($node, 'city', 'allowed, clause, detail ? $$run_id$$', "action = 'purge' AND relation = 'public.plain'"), 't|13(b)(2)(A)|t', 'the certificate is an entry of the log');
unlike(log_value($node, 'city', 'detail', "action = 'purge'"), qr/OLD\d/, '... without a plate');

# An agency that keeps its reads for a shorter time
my $certified_before = certified('plain');
$node->safe_psql('city', "SELECT ctlpr.set_agency_option('CT-HPD', retention => '1 minute'), ctlpr.set_agency_option('CT-NHPD', retention => '10 hours 30 minutes')");
ok(await_true(sub { return certified('plain') == $certified_before + 10 }), 'the reads of an agency with a shorter retention are purged after its own time');
$node->safe_psql('city', "SELECT ctlpr.set_agency_option('CT-HPD', retention => '504 hours'), ctlpr.set_agency_option('CT-NHPD', retention => '504 hours'); UPDATE ctlpr.agency_option SET hidden_before = NULL");
is(live('plain'), '10', '... and are gone when it keeps reads for longer again');

# Whole partitions
start_purge('daily');
ok(await_true(sub { return expired('daily') eq '0' }), 'expired rows of a partitioned table are deleted');
ok(await_true(sub { return certified('daily') eq '150' }), 'its certificates add up');
cmp_ok($node->safe_psql('city', "SELECT sum(partitions_dropped) FROM ctlpr.purges WHERE relation_name = 'public.daily'"), '>=', 8, 'whole partitions were dropped, empty ones too');
is($node->safe_psql('city', "SELECT to_regclass('daily_25') IS NULL AND to_regclass('daily_30') IS NULL AND to_regclass('daily_0') IS NOT NULL AND to_regclass('daily_default') IS NOT NULL"), 't', '... those past the limit');
is($node->safe_psql('city', "SELECT sum((e.value)::int) FROM ctlpr.purges p, jsonb_each(p.owners) e WHERE p.relation_name = 'public.daily'"), '150', 'rows of dropped partitions are counted for their owners');
is(live('daily'), '20', 'live rows stay');

# Past what fails
make_table('trapped', '', <<'SQL', q(, allow_triggers => '{keep}'));
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'keep %', (SELECT string_agg(plate, ',') FROM gone); END $$;
CREATE TRIGGER keep AFTER DELETE ON trapped REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep();
SQL
make_table('zeal');
start_purge('trapped');
start_purge('zeal');
ok(await_true(sub { return expired('zeal') eq '0' }), 'the worker goes on past a relation that fails');
is(expired('trapped'), '150', 'what fails stays, hidden');
ok(await_true(sub { return $node->safe_psql('city', "SELECT last_sqlstate = 'P0001' AND expired_rows = 150 AND purge_lag > interval '3 days' FROM ctlpr.purge_status WHERE relation = 'trapped'::regclass") eq 't' }), 'purge_status tells of it: SQLSTATE, rows and lag');
is($node->safe_psql('city', "SELECT expired_rows, purging, purge_lag > interval '3 days' FROM ctlpr.retention_status WHERE relation = 'trapped'::regclass"), '150|t|t', 'so does retention_status');
is($node->safe_psql('city', "SELECT purge_lag, expired_rows FROM ctlpr.retention_status WHERE relation = 'zeal'::regclass"), '00:00:00|0', 'a relation without expired rows has no lag');
is(certified('trapped'), '0', 'nothing is certified that was not deleted');
unlike(slurp_file($node->logfile) =~ s/^.*LOG:  statement: .*$//mgr, qr/\bkeep .*OLD\d/, 'no plate of the error is in the server log');
$node->safe_psql('city', 'DROP TRIGGER keep ON trapped');
ok(await_true(sub { return expired('trapped') eq '0' && certified('trapped') eq '150' }), 'when the cause is gone the rows go');
is($node->safe_psql('city', "SELECT last_sqlstate IS NULL AND purge_lag = interval '0' FROM ctlpr.purge_status WHERE relation = 'trapped'::regclass"), 't', '... and the lag with them');

# A partition that is locked: its rows go in batches, the empty partition later
$node->safe_psql('city', "CREATE TABLE daily_40 PARTITION OF daily FOR VALUES FROM (date_trunc('day', now()) - interval '40 days') TO (date_trunc('day', now()) - interval '39 days'); ALTER TABLE daily_40 OWNER TO reads_owner");
my $locker = connect_as($node, 'city');
$locker->query('BEGIN');
$locker->query('LOCK TABLE ONLY daily_40 IN ACCESS SHARE MODE');
my $purged_before = certified('daily');
ok(await_true(sub { return $node->safe_psql('city', "SELECT last_sqlstate FROM ctlpr.purge_status WHERE relation = 'daily'::regclass") eq '55P03' }), 'a locked partition is noted');
is($node->safe_psql('city', "SELECT to_regclass('daily_40') IS NOT NULL"), 't', '... and is still there');
$locker->query('ROLLBACK');
ok(await_true(sub { return $node->safe_psql('city', "SELECT to_regclass('daily_40') IS NULL") eq 't' }), 'it is dropped later');
is(certified('daily'), $purged_before, '... and certified with the rows that it had, none');

# As the owner, not as a superuser
$node->safe_psql('city', 'CREATE TABLE seen (who name, super boolean, what text); ALTER TABLE seen OWNER TO reads_owner');
make_table('curious', '', <<'SQL', q(, allow_triggers => '{look}'));
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	try text;
	state text;
BEGIN
	INSERT INTO public.seen SELECT current_user, r.rolsuper, 'role' FROM pg_roles r WHERE r.rolname = current_user;
	FOREACH try IN ARRAY ARRAY['SELECT pg_read_file(''PG_VERSION'')', 'SELECT count(*) FROM ctlpr.audit_entry', 'UPDATE ctlpr.purge_run SET rows_deleted = 0',
		'SELECT ctlpr.expired_reads(''public.curious'')', 'SET ROLE nhpd', 'SET SESSION AUTHORIZATION nhpd', 'RESET SESSION AUTHORIZATION', 'CREATE TEMP TABLE t ()', 'LISTEN x',
		'ALTER ROLE reads_owner SUPERUSER', 'SET LOCAL ctlpr.audit_durability = async', 'SELECT count(*) FROM public.curious']
	LOOP
		BEGIN
			EXECUTE try;
			state := 'done';
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE;
		END;
		INSERT INTO public.seen VALUES (current_user, NULL, try || ': ' || state);
	END LOOP;
	RETURN NULL;
END
$$;
CREATE TRIGGER look AFTER DELETE ON curious FOR EACH STATEMENT EXECUTE FUNCTION look();
SQL
start_purge('curious');
ok(await_true(sub { return expired('curious') eq '0' }), 'a relation with an allowed trigger is purged');
is($node->safe_psql('city', "SELECT DISTINCT who, super FROM seen WHERE what = 'role'"), 'reads_owner|f', 'the trigger runs as the owner, who is no superuser');
is($node->safe_psql('city', "SELECT DISTINCT who FROM seen"), 'reads_owner', '... and stays so');
is($node->safe_psql('city', "SELECT what FROM seen WHERE what LIKE '%: done' ORDER BY 1"), '', 'it can do nothing that the owner may not');
diag($node->safe_psql('city', "SELECT DISTINCT what FROM seen WHERE what ~ ':' ORDER BY 1"));
is(certified('curious'), '150', 'the certificate is right');

# kill -9 in the middle of a run, a few times: progress and certificates say what is gone, never more
$node->safe_psql('city', 'DROP TRIGGER look ON curious');
make_table('long', '', <<'SQL', q(, allow_triggers => '{slow}'));
INSERT INTO long SELECT now() - interval '30 days', 'OLD' || n, 'CT-NHPD' FROM generate_series(1, 4850) n;
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER DELETE ON long FOR EACH STATEMENT EXECUTE FUNCTION slow();
SQL
is(expired('long'), '5000', 'a long run is ahead');
start_purge('long');
for my $round (1 .. 3)
{
	ok(await_true(sub { return $node->safe_psql('city', "SELECT rows_deleted > 0 FROM ctlpr.purge_run WHERE relation_name = 'public.long' AND finished_at IS NULL ORDER BY run_id DESC LIMIT 1") eq 't' }), "kill $round: a run is under way");
	is($node->safe_psql('city', "SELECT running FROM ctlpr.purge_status WHERE relation = 'long'::regclass"), 't', "kill $round: purge_status shows it");
	my $officer = connect_as($node, 'city', 'nhpd');
	$officer->query('BEGIN');
	$officer->query(request_sql("in between $round"));
	is($officer->query("SELECT count(*) FROM long WHERE plate LIKE 'OLD%'")->{rows}[0][0], '0', "kill $round: expired reads are not seen meanwhile");
	$officer->query('COMMIT');
	$officer->close;
	my $worker = worker_pid($node, 'city', 'ctlpr purge worker');
	ok($worker && kill_and_recover($node, $worker), "kill $round: the server recovers from kill -9 of the purge worker");
	is($node->safe_psql('city', "SELECT sum(rows_deleted) + (SELECT sum(reads) FROM ctlpr.expired_reads('long')) FROM ctlpr.purge_run WHERE relation_name = 'public.long'"), '5000', "kill $round: progress is what is gone");
}
$node->safe_psql('city', 'DROP TRIGGER slow ON long');
ok(await_true(sub { return expired('long') eq '0' && certified('long') eq '5000' }, 30), 'in the end all are gone and the certificates add up');
is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.purge_run WHERE relation_name = 'public.long' AND rows_deleted > 0 AND certificate_seq IS NULL"), '0', 'every run has its certificate');
is($node->safe_psql('city', "SELECT count(*) FROM (SELECT FROM ctlpr.audit_entry WHERE action = 'purge' GROUP BY detail ->> 'run_id' HAVING count(*) > 1) d"), '0', '... and only one');
is(live('long'), '20', 'live rows stay');

# By hand, in a transaction whose snapshot is older
$node->append_conf('postgresql.conf', "ctlpr.purge_naptime = 1h\n");
$node->reload;
make_table('manual');
start_purge('manual');
sleep 1.5 while worker_pid($node, 'city', 'ctlpr purge worker');
SKIP:
{
	skip 'the worker was faster', 3 if expired('manual') eq '0';
	is($node->safe_psql('city', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class WHERE relname = 'none'; SELECT relation, rows_deleted, partitions_dropped FROM ctlpr.purge('manual'); COMMIT"), "0\nmanual|150|0", 'purge() inside REPEATABLE READ says what the worker did');
	is(expired('manual'), '0', '... and it did');
	is(certified('manual'), '150', '... and certified it');
}
is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.purge()"), '0', 'purge() without work returns no row');
is(expired('waiting'), '150', 'a relation without start_purge() is never purged');
is(expired('observed'), '150', 'nor is an observed one');
check_log_is_whole($node, 'city', 'after all');
$node->stop;

done_testing();
