# conduct.pl - the campaign of role_swapping.sh: loads the reads, starts PgBouncer, pgbench and the checking clients, changes
# an agency's standing under them, and sums up.  Environment: SEED, SECONDS_OF_LOAD, CLIENTS, MIN_ROWS, PARALLEL_SETTING,
# PGBOUNCER, PGHOST, PGPORT, CTLPR_WORK.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../perl";
use POSIX ();
use Time::HiRes qw(sleep time);

use Client;
use CtlprProtocol;
use Oracle;

$| = 1;
my ($seed, $seconds, $clients, $min_rows) = @ENV{qw(SEED SECONDS_OF_LOAD CLIENTS MIN_ROWS)};
my ($work, $host, $port) = @ENV{qw(CTLPR_WORK PGHOST PGPORT)};
my $database = 'swap';
my $pool_port = 6432;
my $started_by = $$;
my %children;    # pid => name
my $failed = 0;

END
{
	if ($$ == $started_by)
	{
		my $status = $?;
		kill 'TERM', keys %children;
		waitpid $_, 0 for keys %children;
		$? = $status;
	}
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

sub failure { $failed = 1; print "FAILURE: @_\n"; return }

my $super = CtlprProtocol->new($host, $port, $database, 'postgres');

sub query
{
	my ($sql) = @_;
	my $result = $super->query($sql, 300);
	die 'the server said ' . ($result->{error} ? "$result->{error}{C} $result->{error}{M}" : 'nothing') . ' to: ' . substr($sql, 0, 200) . "\n" if $result->{error} || $result->{gone};
	return $result->{rows};
}

sub in_batches
{
	my ($table, @tuples) = @_;
	while (my @some = splice(@tuples, 0, 500)) { query("INSERT INTO $table VALUES " . join(', ', @some)) }
	return;
}

# ---- the world ----

my $base = int(time) + 10;
my $reads = make_reads($base, $seconds, $seed);
in_batches('plate_reads (read_id, captured_at, plate, agency_id)', map { "($_->{id}, to_timestamp($_->{captured}), '$_->{plate}', '$_->{agency}')" } @$reads);
in_batches('vehicle', map { "('$_', '" . maker_of($_) . "')" } sort keys %{ vehicles() });

# The pgbench scripts know reads that do not expire meanwhile, and roles whose standing does not change
my @steady = grep { $_->{plate} !~ /^DY/ } @$reads;
my %steady_plates = map { $_->{plate} => 1 } @steady;
my @plates = grep { /^SH/ || /[05]\z/ } sort keys %steady_plates;
in_batches('swap.truth', map { "($_->{id}, '$_->{agency}', '$_->{plate}', " . ($_->{expires} > $base ? 'true' : 'false') . ')' } @steady);
in_batches('swap.plate', map { '(' . ($_ + 1) . ", '$plates[$_]')" } 0 .. $#plates);
my @actors;
for my $role (grep { $_ ne 'cpd' } @roles)
{
	for my $kind (qw(none own case forbidden unknown warrant))
	{
		my $begins = $kind eq 'none' ? 'none' : begin_answer($role, $kind, undef, 'open');
		my $sight = sight($role, $begins eq 'begun' ? { role => $role, kind => $kind } : undef, 'open');
		push @actors, { role => $role, kind => $kind, begins => $begins, sight => $sight };
	}
}
@actors = sort { ($b->{sight}{answer} eq 'rows') <=> ($a->{sight}{answer} eq 'rows') } @actors;
my $searchers = grep { $_->{sight}{answer} eq 'rows' } @actors;
for my $number (1 .. @actors)
{
	my ($actor, $sight) = ($actors[ $number - 1 ], $actors[ $number - 1 ]{sight});
	query("INSERT INTO swap.actor VALUES ($number, '$actor->{role}', '$actor->{kind}', '$actor->{begins}', '$sight->{answer}')");
	for my $owner (sort keys %{ $sight->{owners} // {} })
	{
		query("INSERT INTO swap.permitted VALUES ($number, '$owner', $_)") for $sight->{plates} ? map { "'$_'" } sort keys %{ $sight->{plates} } : 'NULL';
	}
}
query('ANALYZE');
query("SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')");
my $authorization = query("SELECT ctlpr.authorize('probable_cause_warrant', 'US-FBI', plates => '{" . join(',', sort keys %warrant_plates) . "}',"
	  . " captured => tstzrange(now() - interval '40 days', now() + interval '1 day'), case_number => '26-9', issued_by => 'Judge A', court => 'District of Connecticut', valid_until => now() + interval '10 days')")->[0][0];
query("INSERT INTO swap.warrant VALUES ($authorization)");

# ---- PgBouncer: few server connections, all of them for everybody ----

open(my $users, '>', "$work/pgbouncer.users") or die "$work/pgbouncer.users: $!";
print $users qq("$_" ""\n) for @roles, 'app';
close $users;
open(my $ini, '>', "$work/pgbouncer.ini") or die "$work/pgbouncer.ini: $!";
print $ini <<"INI";
[databases]
$database = host=$host port=$port dbname=$database pool_size=1
shared = host=$host port=$port dbname=$database user=app pool_size=3
kept = host=$host port=$port dbname=$database user=app pool_size=2 connect_query='SELECT swap.prepare()'
[pgbouncer]
listen_addr =
unix_socket_dir = $work/socket
listen_port = $pool_port
auth_type = trust
auth_file = $work/pgbouncer.users
pool_mode = transaction
reserve_pool_size = 0
min_pool_size = 0
max_client_conn = 500
logfile = $work/pgbouncer.log
pidfile = $work/pgbouncer.pid
INI
close $ini;

# start(name, output, command ...) - a program of its own
sub start
{
	my ($name, $output, @command) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', $output);
		open(STDERR, '>&', \*STDOUT);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	$children{$pid} = $name;
	return $pid;
}

my $pgbouncer = start('PgBouncer', "$work/pgbouncer.out", $ENV{PGBOUNCER}, "$work/pgbouncer.ini");
my $answers = 0;
for (1 .. 100)
{
	last if $answers = eval { CtlprProtocol->new("$work/socket", $pool_port, 'shared', 'app')->query('SELECT 1')->{rows}[0][0] };
	sleep 0.1;
}
die "PgBouncer does not answer\n" if !$answers;

# ---- load ----

my $until = time + $seconds;
my $phase_file = "$work/phase";
open(my $phase, '+>:raw', $phase_file) or die "$phase_file: $!";
sub say_phase { sysseek($phase, 0, 0); syswrite($phase, pack('N', $_[0])); return }
say_phase(my $number = 1);

my %scripts = (
	'shared pool' => [ 'shared_pool', 'extended', $pool_port, 'shared', 3 ],
	'kept plans' => [ 'kept_plans', 'simple', $pool_port, 'kept', 3 ],
	'straight' => [ 'straight', 'prepared', $port, $database, 2 ]);
my %bench;
for my $name (sort keys %scripts)
{
	my ($file, $protocol, $at, $where, $count) = @{ $scripts{$name} };
	$bench{ start("pgbench, $name", "$work/$file.out", 'pgbench', '--no-vacuum', "--time=$seconds", "--client=$count", '--jobs=1', "--protocol=$protocol", "--random-seed=$seed",
			"--define=actors=" . @actors, "--define=searchers=$searchers", '--define=plates=' . @plates, "--file=$FindBin::Bin/$file.pgbench",
			'--host=' . "$work/socket", "--port=$at", '--username=app', $where) } = "$work/$file.out";
}

my @ways = qw(shared own straight);
my %checkers;
for my $client (1 .. $clients)
{
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		my $counts = eval {
			srand($seed + $client);
			Client->new($ways[ $client % @ways ], $client, pool => [ "$work/socket", $pool_port ], server => [ $host, $port ], database => $database, phase_file => $phase_file,
				authorization => $authorization, parallel => $ENV{PARALLEL_SETTING})->run($until);
		};
		print "FAILURE: client $client: $@" if !$counts;
		open(my $file, '>', "$work/client.$client") or POSIX::_exit(1);
		print $file "$counts->{$_}\t$_\n" for sort keys %{ $counts // {} };
		close $file;
		POSIX::_exit($counts ? 0 : 1);
	}
	$children{$pid} = "client $client";
	$checkers{$pid} = "$work/client.$client";
}

# One agency declares, takes it back, declares again, is suspended, is not, and so on; the number says when that is under way
my $declaration;
my @changes = (
	sub { query("SELECT ctlpr.withdraw_declaration($declaration, 'changed')") },
	sub { $declaration = query("SELECT ctlpr.file_declaration('MA-CPD', signed_by => 'Chief', signed_on => current_date - 3)")->[0][0] },
	sub { query("SELECT ctlpr.suspend_sharing('MA-CPD', directed_by => 'Council', reason => 'changed')") },
	sub { query("SELECT ctlpr.resume_sharing('MA-CPD', directed_by => 'Council', reason => 'changed')") });
$changes[1]->();
my $changed = 0;
my $next_line = time + 15;
say_phase($number = 8);    # the same as 0
while (time < $until)
{
	sleep 0.3 + rand 0.5;
	say_phase(++$number);
	$changes[ ($number % 8 - 1) / 2 ]->();
	say_phase(++$number);
	$changed++;
	if (time > $next_line)
	{
		printf "%.0f s to go, %s entries in the log\n", $until - time > 0 ? $until - time : 0, query('SELECT max(seq) FROM ctlpr.audit_entry')->[0][0];
		$next_line += 15;
	}
}

# ---- sum ----

my $deadline = time + 120;
for my $pid (keys %bench, keys %checkers)
{
	my $name = $children{$pid};
	while (waitpid($pid, POSIX::WNOHANG()) == 0)
	{
		if (time > $deadline) { failure("$name does not end"); kill 'KILL', $pid; }
		sleep 0.05;
	}
	delete $children{$pid};
	failure("$name ended with status " . ($? >> 8)) if $?;
	next if !$bench{$pid};
	open(my $output, '<', $bench{$pid}) or die "$bench{$pid}: $!";
	my @lines = <$output>;
	my @errors = grep { /error|abort/i && !/number of failed|^pgbench: warning/ } @lines;
	failure("$name: $_") for map { s/\n\z//r } @errors;
	print "$name: ", map { /([\d.]+ .*|tps = .*)/ ? "$1\n" : () } grep { /^tps/ } @lines;
}
my %sum;
for my $file (values %checkers)
{
	open(my $counts, '<', $file) or next;
	while (<$counts>) { $sum{$2} += $1 if /^(\d+)\t(.*)$/ }
}

# What pgbench compared: an actor that is refused sees nothing
my $wrong = query(<<'SQL');
SELECT t.script, a.role, a.kind, t.plate, t.began, t.state, t.seen, t.outside, t.missing
FROM (SELECT *, CASE WHEN script = 'straight, later' THEN 'none' ELSE null END AS no_request FROM swap.tally) t JOIN swap.actor a USING (actor_id)
	LEFT JOIN swap.actor n ON n.role = a.role AND n.kind = 'none'
WHERE t.outside > 0 OR t.missing > 0 OR t.began <> coalesce(t.no_request, a.begins) OR t.state <> CASE WHEN t.no_request IS NULL THEN a.searches ELSE n.searches END
SQL
my %bench_leaks = (shown => 0, leak => 0, missing => 0);
for my $row (@$wrong)
{
	failure('pgbench: ' . join(', ', map { $_ // 'null' } @$row)) if $bench_leaks{shown}++ < 20;
	$bench_leaks{leak} += $row->[7];
	$bench_leaks{missing} += $row->[8];
}
my $tallies = query("SELECT script, count(*), sum(seen), count(*) FILTER (WHERE state <> 'rows') FROM swap.tally GROUP BY script ORDER BY script");
my $bench_refusals = query("SELECT s, count(*) FROM swap.tally, LATERAL (VALUES (began), (state)) v (s) WHERE s LIKE 'LP%' GROUP BY s ORDER BY s");
$sum{"refused $_->[0]"} += $_->[1] for @$bench_refusals;

# The log is whole, and knows no search that was allowed without a reason stated
my $log = query("SELECT count(*) = max(seq) AND min(seq) = 1 AND count(DISTINCT seq) = count(*), count(*), count(*) FILTER (WHERE entry = 'verdict' AND action IN ('select', 'copy', 'delete') AND allowed AND reason IS NULL AND relation NOT LIKE 'ctlpr.%') FROM ctlpr.audit_entry");
failure('the log has gaps') if $log->[0][0] ne 't';
failure("$log->[0][2] searches were allowed without a request") if $log->[0][2] != 0;

print "\n";
print "statements of clients by form:\n";
printf "  %8d %s\n", $sum{$_}, s/^form //r for grep { /^form/ } sort keys %sum;
print "and by kind:\n";
printf "  %8d %s\n", $sum{$_}, s/^search //r for grep { /^search/ } sort keys %sum;
print "comparisons of pgbench (number, reads found, refused):\n";
printf "  %8d %8d %8d  %s\n", @$_[ 1, 2, 3, 0 ] for @$tallies;
my %meaning = (
	'22012' => 'error in the middle', '22P02' => 'error of a found plate', '42501' => 'request forged', LP001 => 'no request', LP002 => 'bound to no agency', LP003 => 'purpose unknown', LP004 => 'purpose forbidden',
	LP005 => 'case number or agency missing', LP006 => 'no basis', LP007 => 'suspended', LP010 => 'switched half way', LP013 => 'expired half way');
print "refused or failed as expected:\n";
printf "  %8d %s %s\n", $sum{$_}, s/^refused //r, $meaning{ s/^refused //r } // '' for grep { /^refused/ } sort keys %sum;
my ($rows, $statements) = ($sum{rows} // 0, $sum{statements} // 0);
my ($bench_rows, $bench_statements) = (0, 0);
for my $tally (@$tallies) { $bench_statements += $tally->[1]; $bench_rows += $tally->[2] }
my $problems = 0;
for my $problem (grep { /^problem/ } sort keys %sum)
{
	print "$sum{$problem} times ", $problem =~ s/^problem //r, "\n";
	$problems += $sum{$problem};
}
failure("only $rows rows of clients were checked, wanted $min_rows") if $rows < $min_rows;
failure("only $bench_rows rows of pgbench were checked, wanted $min_rows") if $bench_rows < $min_rows;
for my $wanted ('refused LP001', 'refused LP006', 'refused LP007', 'parts after a switch', 'statements found prepared')
{
	failure("nothing of: $wanted") if !$sum{$wanted};
}
$failed = 1 if $problems;
my $leaks = 0;
$leaks += $sum{$_} for grep { /^problem leak/ } keys %sum;
printf "%d transactions of %d clients, %d requests begun, standing changed %d times, statements prepared %d and found prepared %d, %d entries in the log\n",
  $sum{transactions} // 0, $clients, $sum{'requests begun'} // 0, $changed, $sum{'statements prepared'} // 0, $sum{'statements found prepared'} // 0, $log->[0][1];
printf "checked: %d statements and %d rows by clients, %d statements and %d rows by pgbench; leaks %d, missing %d, other failures %d; seed %d\n",
  $statements, $rows, $bench_statements, $bench_rows,
  $leaks + $bench_leaks{leak}, ($sum{'problem missing'} // 0) + $bench_leaks{missing},
  $problems - $leaks - ($sum{'problem missing'} // 0), $seed;
exit($failed ? 1 : 0);
