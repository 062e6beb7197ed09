# 20,000 real searches as requests: who asks and what is stated decides, and each is on record once: 13(b)(1), 13(d)(6), 14(a)(6).
#
# They are replayed twice: by the agencies that made them, nearly all of other
# states, and mapped one to one onto agencies of Connecticut, so that purpose
# and reason decide.  What an offense type means as a purpose is this test's
# own table.
use strict;
use warnings;

use IPC::Run ();
use List::Util qw(sum0);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $data = '../../shared/data';
plan skip_all => "the real searches are not here ($data)" unless -r "$data/searches.tsv";

my $SESSIONS = 4;

my %purpose_of = (
	'Motor Vehicle Theft/Stolen'                    => 'stolen_vehicle',
	'Wanted Person (Arrest Warrant/Fugitive)'       => 'outstanding_warrant',
	'Missing/Endangered Person/Runaway'             => 'missing_person',
	'City Planning/Traffic Analysis'                => 'traffic_analytics',
);

# read_table(file) - rows as hashes by the names in its first line
sub read_table
{
	my ($file) = @_;
	open(my $in, '<:raw', $file) or die "$file: $!";
	chomp(my @lines = <$in>);
	close $in;
	my $comma = $file =~ /\.csv$/;
	my @names = split($comma ? ',' : "\t", shift @lines);
	return map { my %row; @row{@names} = split($comma ? ',' : "\t", $_, -1); \%row } @lines;
}

sub quote { my ($text) = @_; return 'NULL' unless defined $text; $text =~ s/'/''/g; return "'$text'" }

my @searches = read_table("$data/searches.tsv");
my @agencies = read_table("$data/agencies.tsv");
my @cameras = read_table("$data/cameras_ct.csv");
is(scalar @searches, 20000, 'the searches are read');
cmp_ok(scalar @cameras, '>', 500, 'the cameras are read');

my %searches_of;
push @{ $searches_of{ $_->{searching_org_slug} } }, $_ for @searches;
my @requesters = sort { @{ $searches_of{$b} } <=> @{ $searches_of{$a} } || $a cmp $b } keys %searches_of;

# As they are: the state stands in the slug; what bears none is of no state that anything is shared with.
my %state_of = map { $_ => /-([a-z]{2})-/ ? uc $1 : 'ZZ' } @requesters;

# One to one onto Connecticut's agencies, the busiest first; there are fewer of those.
my @connecticut = sort map { $_->{name} } grep { $_->{state} eq 'CT' } @agencies;
my %mapped_to;
@mapped_to{ @requesters[0 .. $#connecticut] } = map { sprintf 'CT-%03d', $_ } 1 .. @connecticut if @connecticut <= @requesters;
my @left_out = grep { !$mapped_to{$_} } @requesters;
note(sprintf '%d agencies, %d of them mapped onto Connecticut; %d with %d searches find no counterpart there',
	scalar @requesters, scalar keys %mapped_to, scalar @left_out, sum0(map { scalar @{ $searches_of{$_} } } @left_out));

my $node = new_node('replay', 'max_connections = 40');
$node->start;
new_world($node, 'city', govern => 0);

# Roles: one for each agency, in both guises; cameras and reads at them
my $setup = "SET client_min_messages = warning;\n";
for my $i (0 .. $#requesters)
{
	my $slug = $requesters[$i];
	$setup .= "CREATE ROLE \"as_is_$i\"; SELECT ctlpr.register_agency('X-$i', " . quote($slug) . ", 'police', '$state_of{$slug}'); SELECT ctlpr.bind_role('as_is_$i', 'X-$i');\n";
	next unless $mapped_to{$slug};
	$setup .= "CREATE ROLE \"mapped_$i\"; SELECT ctlpr.register_agency('$mapped_to{$slug}', " . quote($connecticut[$i]) . ", 'police', 'CT'); SELECT ctlpr.bind_role('mapped_$i', '$mapped_to{$slug}');\n";
}
$setup .= "CREATE TABLE cameras (camera_id int PRIMARY KEY, operator text, position geometry(Point, 4326));\n";
$setup .= sprintf("INSERT INTO cameras VALUES (%d, %s, ST_SetSRID(ST_MakePoint(%s, %s), 4326));\n", $_ + 1, quote($cameras[$_]{operator}), $cameras[$_]{lon}, $cameras[$_]{lat})
	for 0 .. $#cameras;
$setup .= "ALTER TABLE plate_reads ADD camera_id int;\n"
	. "INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id) SELECT now() - n % 480 * interval '1 hour', 'R' || n % 2000, "
	. "'CT-' || lpad((n % " . @connecticut . " + 1)::text, 3, '0'), n % " . @cameras . " + 1 FROM generate_series(1, 20000) n; ANALYZE plate_reads;\n";
$node->safe_psql('city', $setup);
govern_reads($node, 'city');

# statements_of(search, role) - one request and, if it is allowed, its search
sub statements_of
{
	my ($search, $role, $number) = @_;
	my $purpose = $purpose_of{ $search->{offense_type} // '' } // 'criminal_investigation';
	my ($case) = ($search->{reason} // '') =~ /\b(\d{2,4}-?\d{4,8})\b/;
	return "SET SESSION AUTHORIZATION \"$role\";\nBEGIN;\n"
		. "SELECT ctlpr.begin_request(" . quote($purpose) . ", case_number => " . quote($case) . ", reason => " . quote($search->{reason})
		. ", offense => " . quote($search->{offense_type}) . ", terminal => 'replay $number');\n"
		. "SELECT count(*) FROM plate_reads WHERE plate = 'R" . ($number % 2000) . "';\nCOMMIT;\nRESET SESSION AUTHORIZATION;\n";
}

# replay(guise) - all searches of a guise through some sessions at once; result: number of searches and seconds
sub replay
{
	my ($guise) = @_;
	my %index_of = map { $requesters[$_] => $_ } 0 .. $#requesters;
	my @scripts = map { '' } 1 .. $SESSIONS;
	my $count = 0;
	for my $search (@searches)
	{
		my $slug = $search->{searching_org_slug};
		next if $guise eq 'mapped' && !$mapped_to{$slug};
		$scripts[$count % $SESSIONS] .= statements_of($search, "${guise}_$index_of{$slug}", $count);
		$count++;
	}
	my $started = time;
	my @runs;
	for my $i (0 .. $#scripts)
	{
		my $file = PostgreSQL::Test::Utils::tempdir() . "/$guise.$i.sql";
		append_to_file($file, $scripts[$i]);
		push @runs, IPC::Run::start(
			[ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('city'), '-f', $file ],
			'<', \undef, '>', "$file.out", '2>', "$file.err");
	}
	IPC::Run::finish($_) for @runs;
	my $seconds = time - $started;
	note(sprintf '%s: %d searches in %.1f s, %.0f a second', $guise, $count, $seconds, $count / $seconds);
	return $count;
}

# tally(guise) - verdicts on the guise's requests, by SQLSTATE
sub tally
{
	my ($guise) = @_;
	my %tally;
	for (split /\n/, log_value($node, 'city', "coalesce(e.sqlstate, 'allowed') || '|' || coalesce(e.clause, '') || '|' || count(*)",
			"e.action = 'request' AND e.role LIKE '$guise\\_%' GROUP BY e.sqlstate, e.clause ORDER BY 1"))
	{
		my ($sqlstate, $clause, $count) = split /\|/;
		note("$guise: $count requests $sqlstate under $clause");
		$tally{$sqlstate} += $count;
	}
	return \%tally;
}

# await_outcomes(guise) - wait until every statement of the guise has its outcome
sub await_outcomes
{
	my ($guise) = @_;
	return await_true(sub {
		return log_value($node, 'city', 'count(*)', "e.entry = 'verdict' AND e.action = 'select' AND e.allowed AND e.role LIKE '$guise\\_%' "
				. "AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = e.seq AND o.outcome = 'ok')") == 0;
	});
}

my $count = replay('as_is');
my $verdicts = tally('as_is');
my $of_others = sum0(map { scalar @{ $searches_of{$_} } } grep { $state_of{$_} ne 'CT' } @requesters);
is($count, 20000, 'all searches are replayed as they are');
is($verdicts->{LP006} // 0, $of_others, 'agencies of other states without a declaration are all refused with LP006');
is(log_value($node, 'city', 'count(*)', "e.action = 'request' AND e.role LIKE 'as\\_is\\_%'"), $count, 'each request has exactly one verdict');
is(log_value($node, 'city', 'count(DISTINCT terminal)', "e.action = 'request' AND e.role LIKE 'as\\_is\\_%'"), $count, '... and none has two');
is(log_value($node, 'city', 'count(*)', "e.entry = 'verdict' AND e.action = 'select' AND e.role LIKE 'as\\_is\\_%'"), $count - $of_others,
	'nobody who was refused searched');

$count = replay('mapped');
$verdicts = tally('mapped');
my $blank = grep { $mapped_to{ $_->{searching_org_slug} } && !($purpose_of{ $_->{offense_type} // '' }) && ($_->{reason} // '') !~ /\S/ } @searches;
cmp_ok($blank, '>', 1000, 'many real searches carry no reason');
is($verdicts->{LP005} // 0, $blank, 'a blank reason for criminal_investigation is refused with LP005');
is($verdicts->{allowed} // 0, $count - $blank, 'everything else is allowed');
is(log_value($node, 'city', 'count(*)', "e.action = 'request' AND e.role LIKE 'mapped\\_%'"), $count, 'each request has exactly one verdict');
ok(await_outcomes('mapped'), 'every search has its outcome');
is(log_value($node, 'city', 'count(*)', "e.entry = 'verdict' AND e.action = 'select' AND e.allowed AND e.role LIKE 'mapped\\_%' "
		. "AND e.search_kind = 'plate' AND EXISTS (SELECT FROM ctlpr.audit_entry r WHERE r.seq = e.request_seq AND r.terminal = e.terminal)"),
	$verdicts->{allowed}, 'every allowed request has its search, recorded as one for a plate');
is(log_value($node, 'city', 'count(*)', "e.action = 'request' AND e.role LIKE 'mapped\\_%' AND e.clause = '13(d)(6)(A)' AND e.case_number IS NULL"),
	0, 'without a case number nobody reaches another agency');
check_log_is_whole($node, 'city', 'the replay');

$node->stop;
done_testing();
