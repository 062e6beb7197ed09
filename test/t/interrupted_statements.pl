# 14(a)(6): a statement that is cancelled, timed out, cut off, out of memory or in error below another leaves one entry with its outcome, nobody
# waiting, and a session that is bound as before.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CtlprTest;

my $node = new_node('main', "autovacuum = off\nctlpr.audit_timeout = 20s\nmax_prepared_transactions = 5\nmax_stack_depth = 500kB");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', <<'SQL');
GRANT UPDATE, DELETE ON plate_reads TO nhpd;
CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN PERFORM pg_sleep(30); RETURN true; END $$;
CREATE FUNCTION caught_cancel() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	BEGIN
		PERFORM plate, pg_sleep(30) FROM plate_reads;
	EXCEPTION WHEN query_canceled THEN
		SELECT count(*) INTO n FROM plate_reads;
	END;
	RETURN n;
END $$;
CREATE FUNCTION caught_cast() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint := 0; r record;
BEGIN
	FOR r IN SELECT plate FROM plate_reads LIMIT 10 LOOP
		BEGIN
			PERFORM r.plate::int FROM plate_reads WHERE plate = r.plate;
			PERFORM plate::int FROM plate_reads WHERE plate = r.plate;
		EXCEPTION WHEN OTHERS THEN n := n + 1;
		END;
	END LOOP;
	RETURN n;
END $$;
CREATE TABLE daily (captured_at timestamptz NOT NULL, plate text NOT NULL) PARTITION BY RANGE (captured_at);
CREATE TABLE daily_all PARTITION OF daily DEFAULT;
INSERT INTO daily VALUES (now(), 'D1'), (now() - interval '30 days', 'OLD');
GRANT SELECT ON daily, daily_all TO nhpd;
SELECT ctlpr.govern('daily', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
CREATE FUNCTION caught_partition(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	SELECT count(*) INTO n FROM daily_all;
	RETURN n;
EXCEPTION WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE FUNCTION deep(n int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT deep(n + 1) + count(*) FROM plate_reads WHERE plate = 'NH1'); END $$;
CREATE FUNCTION nested(n int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN IF n = 0 THEN RETURN 0; END IF; RETURN (SELECT nested(n - 1) + count(*) FROM plate_reads WHERE plate = 'NH1'); END $$;
CREATE PROCEDURE looping() LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT plate FROM plate_reads LOOP COMMIT; END LOOP; END $$;
CREATE FUNCTION after_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE TABLE hits (captured_at timestamptz NOT NULL, plate text NOT NULL);
CREATE TRIGGER slow AFTER INSERT ON hits FOR EACH ROW EXECUTE FUNCTION after_insert();
GRANT INSERT ON hits TO nhpd_ingest;
SELECT ctlpr.govern('hits', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD', allow_triggers => '{slow}');
SQL

my $dba = connect_as($node, 'city');
my $officer = connect_as($node, 'city', 'nhpd');
my $cases = 0;
my $live = 100;    # reads of the officer's agency

# begun(session) - a transaction with a request of its own; its reason is the case's name
sub begun
{
	my ($session) = @_;
	my $case = 'case ' . ++$cases;
	$session->query('BEGIN');
	is($session->query(request_sql($case))->{error}, undef, "$case: a request");
	return $case;
}

sub backend_waits
{
	my ($pid, $event) = @_;
	return await_true(sub { return $dba->query("SELECT 1 FROM pg_stat_activity WHERE pid = $pid AND state = 'active'" . ($event ? " AND wait_event = '$event'" : ''))->{rows}[0] });
}

# interrupt(session, case's statement, how, wait event) - send it, wait until it is under way, interrupt it
sub interrupt
{
	my ($session, $statement, $how, $event) = @_;
	my $pid = $session->pid;
	$session->send_query($statement);
	ok(backend_waits($pid, $event // 'PgSleep'), "$how: the statement is under way");
	$dba->query("SELECT $how($pid)");
	return $session->collect;
}

# one_outcome(case, statements, name) - each verdict of the case has one outcome, the last of them an error; no number twice
sub one_outcome
{
	my ($case, $statements, $name) = @_;
	my $where = "v.reason = '$case' AND v.entry = 'verdict' AND v.action <> 'request'";
	my $found = await_true(sub {
		my $row = $dba->query("SELECT count(DISTINCT v.seq), count(o.seq), max(o.outcome) FILTER (WHERE o.outcome = 'error') FROM ctlpr.audit_entry v LEFT JOIN ctlpr.audit_entry o ON o.of_seq = v.seq AND o.rows_returned IS DISTINCT FROM -1 WHERE $where")->{rows}[0];
		return $row && $row->[0] == $statements && $row->[1] == $statements && ($row->[2] // '') eq 'error' ? 1 : 0;
	}, 15);
	ok($found, "$case, $name: one entry, one outcome") || diag(join ' ', map { $_ // 'null' } map { @$_ } @{ $dba->query("SELECT v.seq, v.action, v.statement, v.allowed, o.outcome, o.sqlstate FROM ctlpr.audit_entry v LEFT JOIN ctlpr.audit_entry o ON o.of_seq = v.seq WHERE $where ORDER BY 1")->{rows} });
	return;
}

# bound(session, name) - the session is as it should be
sub bound
{
	my ($session, $name) = @_;
	$session->query('ROLLBACK');
	is(sqlstate_of($session->query('SELECT 1 FROM plate_reads')), 'LP001', "$name: without a request nothing is shown");
	$session->query('BEGIN');
	is($session->query(request_sql('afterwards'))->{error}, undef, '... a request is taken');
	is($session->query('SELECT count(*) FROM plate_reads')->{rows}[0][0], $live, '... and shows what it should');
	$session->query('COMMIT');
	return;
}

# Cancelled in the places where a statement can stand
my @running = (
	[ 'in its target list',        'SELECT plate, pg_sleep(30) FROM plate_reads',                                                          1 ],
	[ 'in its condition',          'SELECT plate FROM plate_reads WHERE slow(plate)',                                                      1 ],
	[ 'in a cursor\'s FETCH',      'DECLARE c CURSOR FOR SELECT plate, pg_sleep(30) FROM plate_reads; FETCH 1 FROM c',                      1 ],
	[ 'in a subquery',             'SELECT (SELECT pg_sleep(30) FROM plate_reads LIMIT 1) FROM pg_class',                                   1 ],
	[ 'in an UPDATE',              'UPDATE plate_reads SET plate = plate WHERE slow(plate)',                                               1 ],
	[ 'in a WITH query that writes', 'WITH d AS (DELETE FROM plate_reads WHERE plate = \'NH1\' RETURNING plate, pg_sleep(30)) SELECT * FROM d', 1 ],
	[ 'in COPY',                   'COPY (SELECT plate, pg_sleep(30) FROM plate_reads) TO STDOUT',                                          1 ],
);
for my $place (@running)
{
	my $case = begun($officer);
	is(sqlstate_of(interrupt($officer, $place->[1], 'pg_cancel_backend')), '57014', "$case: cancelled $place->[0]");
	one_outcome($case, $place->[2], $place->[0]);
	bound($officer, $place->[0]);
}

# ... in a portal that was left half way
my $case = begun($officer);
$officer->parse('', 'SELECT plate, pg_sleep(CASE WHEN row_number() OVER () > 3 THEN 30 ELSE 0 END) FROM plate_reads');
$officer->bind_portal('p', '');
$officer->execute('p', 3);
$officer->send_message('H', '');
my $half = 0;
while ($half < 3) { my ($type) = $officer->next_message; $half++ if $type eq 'D' }
$officer->execute('p', 3);
$officer->send_message('S', '');
ok(backend_waits($officer->pid, 'PgSleep'), 'a portal goes on');
$dba->query('SELECT pg_cancel_backend(' . $officer->pid . ')');
is(sqlstate_of($officer->collect), '57014', "$case: cancelled in its second half");
one_outcome($case, 1, 'half way');
bound($officer, 'half way');

# ... in parallel workers
$case = begun($officer);
$officer->query("SELECT set_config(name, 'on', true) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
$officer->query('SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0');
$officer->send_query('SELECT count(*) FROM plate_reads WHERE slow(plate)');
ok(await_true(sub { return $dba->query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")->{rows}[0] }), 'a parallel statement is under way');
$dba->query('SELECT pg_cancel_backend(' . $officer->pid . ')');
is(sqlstate_of($officer->collect), '57014', "$case: cancelled in parallel");
one_outcome($case, 1, 'in parallel');
bound($officer, 'parallel workers');

# ... caught by a function that goes on with another
$case = begun($officer);
my $result = interrupt($officer, 'SELECT caught_cancel()', 'pg_cancel_backend');
is($result->{rows}[0][0], $live, "$case: a function catches it, and its next statement shows what it should");
one_outcome($case, 2, 'caught');
bound($officer, 'caught');

# ... while it waits for its record
my $writer = worker_pid($node, 'city', 'ctlpr audit writer');
$case = begun($officer);
kill 'STOP', $writer;
$officer->send_query('SELECT plate FROM plate_reads');
ok(backend_waits($officer->pid, 'Extension'), 'a statement waits for its record');
$dba->query('SELECT pg_cancel_backend(' . $officer->pid . ')');
$result = $officer->collect;
kill 'CONT', $writer;
is(sqlstate_of($result), '57014', "$case: cancelled while it waits");
is(scalar @{ $result->{rows} }, 0, '... without a row');
one_outcome($case, 1, 'waiting');
bound($officer, 'waiting');

# ... in a trigger of an ingest statement, and in a COPY that comes in
my $feed = connect_as($node, 'city', 'nhpd_ingest');
is(sqlstate_of(interrupt($feed, q{INSERT INTO hits VALUES (now(), 'Z1')}, 'pg_cancel_backend')), '57014', 'ingest is cancelled in its trigger');
$feed->send_query('COPY plate_reads (captured_at, plate, agency_id) FROM STDIN');
my ($type) = $feed->next_message;
is($type, 'G', 'a COPY is under way');
$feed->send_message('d', "now\tZ2\tCT-NHPD\n");
ok(backend_waits($feed->pid, 'ClientRead'), '... and waits for more');
$dba->query('SELECT pg_cancel_backend(' . $feed->pid . ')');
$feed->send_message('d', "now\tZ3\tCT-NHPD\n");
$feed->send_message('c', '');
is(sqlstate_of($feed->collect), '57014', '... is cancelled');
$feed->send_query('COPY plate_reads (captured_at, plate, agency_id) FROM STDIN');
$feed->next_message;
$feed->send_message('d', "now\tZ4\tCT-NHPD\n");
$feed->send_message('f', "given up\0");
is(sqlstate_of($feed->collect), '57014', '... or given up by the client');
is($feed->query(q{INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'Z5', 'CT-NHPD')})->{error}, undef, 'the feed goes on');
$live++;
is($dba->query(q{SELECT sum(reads) FROM ctlpr.ingest_count WHERE relation = 'public.plate_reads'})->{rows}[0][0], 1, '... and what came in is counted, nothing else');
$feed->close;

# Timeouts
$case = begun($officer);
$officer->query("SET LOCAL statement_timeout = '200ms'");
is(sqlstate_of($officer->query('SELECT plate, pg_sleep(30) FROM plate_reads')), '57014', "$case: statement_timeout");
one_outcome($case, 1, 'statement_timeout');
bound($officer, 'statement_timeout');
my $other = connect_as($node, 'city', 'nhpd');
$other->query('BEGIN');
$other->query(request_sql('the other one'));
is($other->query(q{UPDATE plate_reads SET plate = plate WHERE plate = 'NH1'})->{error}, undef, 'another holds a row');
$case = begun($officer);
$officer->query("SET LOCAL lock_timeout = '200ms'");
is(sqlstate_of($officer->query(q{UPDATE plate_reads SET plate = plate WHERE plate = 'NH1'})), '55P03', "$case: lock_timeout");
one_outcome($case, 1, 'lock_timeout');
$other->query('ROLLBACK');
bound($officer, 'lock_timeout');
$case = begun($other);
$other->query('DECLARE c CURSOR FOR SELECT plate FROM plate_reads');
is(scalar @{ $other->query('FETCH 3 FROM c')->{rows} }, 3, 'a cursor is open');
$other->query("SET LOCAL idle_in_transaction_session_timeout = '200ms'");
ok($other->query('SELECT pg_sleep(0)') && $other->collect(20)->{gone}, "$case: idle_in_transaction_session_timeout");
one_outcome($case, 1, 'idle with a cursor');

# Cut off
for my $statement ('SELECT plate, pg_sleep(30) FROM plate_reads', 'DECLARE c CURSOR FOR SELECT plate, pg_sleep(30) FROM plate_reads; FETCH 1 FROM c')
{
	my $victim = connect_as($node, 'city', 'nhpd');
	$case = begun($victim);
	$result = interrupt($victim, $statement, 'pg_terminate_backend');
	ok($result->{gone} || sqlstate_of($result) eq '57P01', "$case: terminated");
	one_outcome($case, 1, 'terminated');
}
my $victim = connect_as($node, 'city', 'nhpd');
$case = begun($victim);
my $victims_pid = $victim->pid;
kill 'STOP', $writer;
$victim->send_query('SELECT plate FROM plate_reads');
ok(backend_waits($victims_pid, 'Extension'), 'a statement waits for its record');
$dba->query("SELECT pg_terminate_backend($victims_pid)");
ok($victim->collect->{gone} || 1, "$case: terminated while it waits");
kill 'CONT', $writer;
ok(await_true(sub { return !$dba->query("SELECT 1 FROM pg_stat_activity WHERE pid = $victims_pid")->{rows}[0] }), '... nobody is left waiting');
one_outcome($case, 1, 'terminated while it waits');
$victim = connect_as($node, 'city', 'nhpd');
$case = begun($victim);
$victims_pid = $victim->pid;
$victim->send_query("SELECT repeat(plate, 10000), pg_sleep(0.05) FROM plate_reads");
$victim->next_message;
close $victim->{socket};
ok(await_true(sub { return !$dba->query("SELECT 1 FROM pg_stat_activity WHERE pid = $victims_pid")->{rows}[0] }, 30), "$case: the client is gone in the middle of its rows");
one_outcome($case, 1, 'client gone');

# Errors below
$case = begun($officer);
is($officer->query('SELECT caught_cast()')->{rows}[0][0], 10, "$case: errors are caught, one by one");
is($officer->query('SELECT count(*) FROM plate_reads')->{rows}[0][0], $live, '... and the next statement shows what it should');
bound($officer, 'errors caught');
$case = begun($officer);
my %answers = map { $_->[0] => 1 } @{ $officer->query('SELECT caught_partition(plate) FROM plate_reads LIMIT 5')->{rows} };
is(join(' ', sort keys %answers), 'LP010', "$case: a refusal below is caught, and stays one");
is($officer->query('SELECT count(*) FROM plate_reads, LATERAL (SELECT caught_partition(plate)) x WHERE plate <> \'NH1\'')->{rows}[0][0], $live - 1, '... and the statement above is filtered as before');
bound($officer, 'refusals caught');
$case = begun($officer);
$officer->query('DECLARE c CURSOR FOR SELECT plate FROM plate_reads ORDER BY plate');
is(scalar @{ $officer->query('FETCH 2 FROM c')->{rows} }, 2, "$case: a cursor");
$officer->query('SAVEPOINT s');
is(sqlstate_of($officer->query('SELECT plate::int FROM plate_reads')), '22P02', '... an error behind a savepoint');
$officer->query('ROLLBACK TO s');
is(scalar @{ $officer->query('FETCH ALL FROM c')->{rows} }, $live - 2, '... and the cursor goes on');
bound($officer, 'savepoint');
$case = begun($officer);
is(sqlstate_of($officer->query('SELECT deep(1)')), '54001', "$case: too deep");
bound($officer, 'too deep');
$case = begun($officer);
is($officer->query('SELECT nested(60)')->{rows}[0][0], 60, "$case: sixty levels");
is($dba->query("SELECT count(*) FROM ctlpr.audit_entry WHERE reason = '$case' AND action = 'select' AND entry = 'verdict'")->{rows}[0][0], 60, '... each with its entry');
bound($officer, 'sixty levels');
is(sqlstate_of($officer->query('CALL looping()')), 'LP001', 'a loop that commits has no request');
bound($officer, 'a loop that commits');

# Out of memory: a value that is too large, and a backend that gets no more
$case = begun($officer);
like(sqlstate_of($officer->query('SELECT repeat(plate, 1000000000) FROM plate_reads')), qr/^(54000|53200|XX000)$/, "$case: a value beyond what memory takes");
one_outcome($case, 1, 'too large');
bound($officer, 'too large');
SKIP:
{
	skip 'no prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;
	my %ended;
	for my $room (1, 2, 4, 8, 16, 32, 64)
	{
		my $poor = connect_as($node, 'city', 'nhpd');
		$case = begun($poor);
		$poor->query("SET LOCAL work_mem = '1GB'");
		my ($size) = slurp_file('/proc/' . $poor->pid . '/status') =~ /VmSize:\s+(\d+) kB/;
		system_or_bail('prlimit', '--pid', $poor->pid, '--as=' . ($size + $room * 1024) * 1024);
		my $plates = join(',', map { "'P$_'" } 1 .. 3000);
		$result = $poor->query("SELECT count(*) FROM (SELECT DISTINCT plate || g FROM plate_reads, generate_series(1, 20000) g WHERE plate NOT IN ($plates)) s");
		my $state = $result->{gone} ? 'gone' : sqlstate_of($result);
		$ended{$state}++;
		like($state, qr/^(53200|00000|LP020)$/, "$case: $room MB of room: $state");
		$poor->close if !$result->{gone};
		ok(await_true(sub { return $dba->query("SELECT count(*) = count(DISTINCT v.seq) FROM ctlpr.audit_entry v JOIN ctlpr.audit_entry o ON o.of_seq = v.seq WHERE v.reason = '$case'")->{rows}[0][0] eq 't' }), '... no outcome twice');
	}
	ok($ended{53200}, 'memory ran out at least once');
}

# Two phases
$feed = connect_as($node, 'city', 'nhpd_ingest');
$feed->query('BEGIN');
is($feed->query(q{INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now(), 'Z6', 'CT-NHPD')})->{error}, undef, 'ingest in a transaction');
is($feed->query(q{PREPARE TRANSACTION 'feed'})->{error}, undef, '... that is prepared');
is($feed->query(q{ROLLBACK PREPARED 'feed'})->{error}, undef, '... and rolled back');
$case = begun($officer);
$officer->query('SELECT count(*) FROM plate_reads');
is($officer->query(q{PREPARE TRANSACTION 'search'})->{error}, undef, "$case: a search in a transaction that is prepared");
is($officer->query(q{COMMIT PREPARED 'search'})->{error}, undef, '... and committed');

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal/, 'no process crashed');
is($dba->query("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'")->{rows}[0][0], 0, 'nobody waits');
check_log_is_whole($node, 'city', 'the log');
$node->stop;
done_testing();
