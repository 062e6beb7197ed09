# The verdicts and the reads shown are those of a model written from the text of the law, in random worlds, and a wrong rule on either side is found: 13(b), 13(d).
#
#   CTLPR_SEED  to repeat a run
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $seed = $ENV{CTLPR_SEED} // int(rand(2**32));
my @compare = ('python3', '-B', "$FindBin::Bin/../model/compare.py", '--seed', $seed);

my $node = new_node('main', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE model');

# compare(arguments) - exit status and output of the comparison; it stops at the first difference
sub compare
{
	my (@arguments) = @_;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'model', PGUSER => owner_login());
	my $output = '';
	my $run = IPC::Run::start([ @compare, @arguments ], '<', \undef, '>', \$output, '2>&1', IPC::Run::timeout(180));
	my $ended = eval { IPC::Run::finish($run); 1 };
	IPC::Run::kill_kill($run) if !$ended;
	return ($ended ? $run->result(0) : -1, $output);
}

sub agrees
{
	my ($name, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $output) = compare(@arguments);
	is($status, 0, $name) or diag($output);
	note($output);
	return;
}

sub is_found
{
	my ($name, @arguments) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $output) = compare('--combinations', 1_000_000, @arguments);
	ok($status == 1 && $output =~ /^difference in world/m, "found: $name") or diag("status $status\n$output");
	return;
}

diag("seed $seed");
agrees('both agree on 50,000 combinations', '--combinations', 50_000);

# The model gets it wrong.
my ($status, $list) = compare('--list-mutations');
my @mutations = map { [ split /\t/ ] } split /\n/, $list;
cmp_ok(scalar @mutations, '>=', 30, 'rules of the model that can be broken');
is_found("in the model, $_->[1]", '--mutate', $_->[0]) for @mutations;

# The database gets it wrong: what to do, and how it was.
my @wrong = (
	[ 'a declaration opens the reads to Texas', "UPDATE ctlpr.statute_recipient SET states = states || '{TX}' WHERE statute = 'us-ct-2026' AND rank = 20",
		"UPDATE ctlpr.statute_recipient SET states = array_remove(states, 'TX') WHERE statute = 'us-ct-2026' AND rank = 20" ],
	[ 'Massachusetts needs no declaration', "UPDATE ctlpr.statute_recipient SET basis = 'none' WHERE statute = 'us-ct-2026' AND rank = 20", "UPDATE ctlpr.statute_recipient SET basis = 'declaration' WHERE statute = 'us-ct-2026' AND rank = 20" ],
	[ 'Connecticut agencies need no case number', "UPDATE ctlpr.statute_recipient SET demands = '{}' WHERE statute = 'us-ct-2026' AND rank = 10", "UPDATE ctlpr.statute_recipient SET demands = '{case_number}' WHERE statute = 'us-ct-2026' AND rank = 10" ],
	[ 'other agencies need no case number', "UPDATE ctlpr.statute_recipient SET demands = '{}' WHERE statute = 'us-ct-2026' AND rank = 40", "UPDATE ctlpr.statute_recipient SET demands = '{case_number}' WHERE statute = 'us-ct-2026' AND rank = 40" ],
	[ 'an investigation needs no reason', "UPDATE ctlpr.statute_purpose SET demands = '{}' WHERE statute = 'us-ct-2026' AND purpose = 'criminal_investigation'",
		"UPDATE ctlpr.statute_purpose SET demands = '{reason}' WHERE statute = 'us-ct-2026' AND purpose = 'criminal_investigation'" ],
	[ 'any agency may look for stolen vehicles', "UPDATE ctlpr.statute_purpose SET agency_kinds = agency_kinds || '{public_agency}' WHERE statute = 'us-ct-2026' AND purpose = 'stolen_vehicle'",
		"UPDATE ctlpr.statute_purpose SET agency_kinds = array_remove(agency_kinds, 'public_agency') WHERE statute = 'us-ct-2026' AND purpose = 'stolen_vehicle'" ],
	[ 'immigration enforcement is permitted', "UPDATE ctlpr.statute_purpose SET permitted = true, agency_kinds = '{police}' WHERE statute = 'us-ct-2026' AND purpose = 'immigration_enforcement'",
		"UPDATE ctlpr.statute_purpose SET permitted = false, agency_kinds = '{}' WHERE statute = 'us-ct-2026' AND purpose = 'immigration_enforcement'" ],
	[ 'an investigation may state its case later', "UPDATE ctlpr.statute_purpose SET pending_case = true WHERE statute = 'us-ct-2026' AND purpose = 'criminal_investigation'",
		"UPDATE ctlpr.statute_purpose SET pending_case = false WHERE statute = 'us-ct-2026' AND purpose = 'criminal_investigation'" ],
	[ 'reads are kept for an hour more', "UPDATE ctlpr.statute_retention SET period = '505 hours' WHERE statute = 'us-ct-2026' AND rule = 'standard'", "UPDATE ctlpr.statute_retention SET period = '504 hours' WHERE statute = 'us-ct-2026' AND rule = 'standard'" ],
	[ 'reads are kept for an hour less', "UPDATE ctlpr.statute_retention SET period = '503 hours' WHERE statute = 'us-ct-2026' AND rule = 'standard'", "UPDATE ctlpr.statute_retention SET period = '504 hours' WHERE statute = 'us-ct-2026' AND rule = 'standard'" ],
	[ 'a screening match compels', "UPDATE ctlpr.statute_authorization SET compels = true WHERE statute = 'us-ct-2026' AND kind = 'terrorist_screening_match'",
		"UPDATE ctlpr.statute_authorization SET compels = false WHERE statute = 'us-ct-2026' AND kind = 'terrorist_screening_match'" ],
	[ 'a task force needs no declaration', "UPDATE ctlpr.statute_authorization SET declared = false WHERE statute = 'us-ct-2026' AND kind = 'task_force'", "UPDATE ctlpr.statute_authorization SET declared = true WHERE statute = 'us-ct-2026' AND kind = 'task_force'" ]);
for my $rule (@wrong)
{
	my ($name, $break, $mend) = @$rule;
	$node->safe_psql('model', $break);
	is_found("in the database, $name", ());
	$node->safe_psql('model', $mend);
}
agrees('both agree again', '--combinations', 10_000);

$node->stop;
done_testing();
