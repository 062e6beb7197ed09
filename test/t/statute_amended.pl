# An amendment is rows with dates: each rule has one version before midnight and another after, in the statute's time zone whatever the session's is, on days of 23 hours too.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

require_faketime();

# The server's clock is set to an instant and goes on from there.
my $node = new_node('main', "autovacuum = off\nctlpr.request_timeout = 1d\n");
sub set_clock { return shift_clock($node, sprintf('%+d', $_[0] - time)) }

# The law of New York's time zone: on March 14, 2027 the clocks go forward at two.  The first midnight is at 05:00 UTC, the
# next one 23 hours later.
my $first = 1804982400 + 5 * 3600;    # 2027-03-14 00:00 EST
my $second = $first + 23 * 3600;      # 2027-03-15 00:00 EDT
set_clock($first - 3600);
start_shifted($node);
new_world($node, 'city', govern => 0);
is($node->safe_psql('postgres', "SELECT to_timestamp($first) = '2027-03-14 00:00 America/New_York' AND to_timestamp($second) = '2027-03-15 00:00 America/New_York'"), 't', 'both instants are midnights');

# The amendment, as docs/statutes.md has it
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
SET TimeZone = 'Asia/Tokyo';
BEGIN;
SELECT ctlpr.copy_statute('us-ct-2026', 'us-ct-amended', 'Connecticut as amended by this test');
UPDATE ctlpr.statute_retention SET valid_until = '2027-03-14 00:00 America/New_York' WHERE statute = 'us-ct-amended' AND rule = 'standard';
INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description, valid_from, valid_until) VALUES
	('us-ct-amended', 'standard', 'amended (1)', '14 days', 'Two weeks', '2027-03-14 00:00 America/New_York', '2027-03-15 00:00 America/New_York'),
	('us-ct-amended', 'standard', 'amended (2)', '10 days', 'Ten days', '2027-03-15 00:00 America/New_York', 'infinity');
UPDATE ctlpr.statute_purpose SET valid_until = '2027-03-14 00:00 America/New_York' WHERE statute = 'us-ct-amended' AND purpose IN ('parking_enforcement', 'weigh_station');
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, description, valid_from, valid_until) VALUES
	('us-ct-amended', 'parking_enforcement', 'amended (3)', false, '{}', 'Forbidden from now on', '2027-03-14 00:00 America/New_York', 'infinity'),
	('us-ct-amended', 'toll_enforcement', 'amended (4)', true, '{police}', 'For one day', '2027-03-14 00:00 America/New_York', '2027-03-15 00:00 America/New_York');
UPDATE ctlpr.statute_recipient SET valid_until = '2027-03-14 00:00 America/New_York' WHERE statute = 'us-ct-amended' AND rank = 20;
INSERT INTO ctlpr.statute_recipient (statute, rank, clause, states, agency_kinds, basis, demands, description, valid_from) VALUES
	('us-ct-amended', 20, 'amended (5)', '{NY,RI}', '{police}', 'declaration', '{case_number}', 'Massachusetts no more', '2027-03-14 00:00 America/New_York');
UPDATE ctlpr.statute_authorization SET valid_until = '2027-03-15 00:00 America/New_York' WHERE statute = 'us-ct-amended' AND kind = 'terrorist_screening_match';
INSERT INTO ctlpr.statute_camera (statute, fixed, clause, permitted, description, valid_from) VALUES
	('us-ct-amended', true, 'amended (6)', false, 'No fixed readers from now on', '2027-03-14 00:00 America/New_York');
SELECT ctlpr.record_event('configuration', reason => 'Public Act of this test', clause => '15(a)(2)', detail => '{"function": "amend_statute", "statute": "us-ct-amended"}');
SELECT ctlpr.adopt_statute('us-ct-amended');
COMMIT;
SELECT ctlpr.register_agency('NY-PD', 'New York Police', 'police', 'NY'), ctlpr.register_agency('RI-SP', 'Rhode Island State Police', 'police', 'RI');
CREATE ROLE nypd LOGIN;
CREATE ROLE risp LOGIN;
SELECT ctlpr.bind_role('nypd', 'NY-PD'), ctlpr.bind_role('risp', 'RI-SP');
-- New York's holds on March 13 for the last time
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', '2027-03-01'), ctlpr.file_declaration('RI-SP', 'Superintendent', '2027-03-01'), ctlpr.file_declaration('NY-PD', 'Commissioner', '2027-03-01', valid_until => '2027-03-13');
SELECT ctlpr.authorize('terrorist_screening_match', 'TX-HPD', plates => '{NINE}');
CREATE TABLE reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO reads VALUES ('2027-03-06 04:00Z', 'NINE'), ('2027-03-04 04:00Z', 'ELEVEN'), ('2027-03-01 05:00Z', 'THIRTEEN'), ('2027-02-28 17:00Z', 'NOON'), ('2027-02-27 05:00Z', 'FIFTEEN'), ('2027-02-20 04:00Z', 'OLD');
GRANT SELECT ON reads TO PUBLIC;
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
SQL
is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.statute_flaws('us-ct-amended')"), '0', 'the amended profile has no flaw');

# One session of each, in Tokyo, open all the time
my %session = map { $_ => connect_as($node, 'city', $_, '-c TimeZone=Asia/Tokyo') } qw(nhpd bpd nypd risp txpd);
$session{$_}->query("SET plan_cache_mode = force_generic_plan; PREPARE seen AS SELECT plate FROM reads ORDER BY captured_at DESC") for keys %session;
sub verdict
{
	my ($result) = @_;
	return join(' ', map { $_->[0] } @{ $result->{rows} }) if !$result->{error};
	return $result->{error}{C} . ': ' . ($result->{error}{D} =~ s/^The statute decides so in (.*)\.$/$1/r);
}
sub asked
{
	my ($role, $arguments) = @_;
	$session{$role}->query('BEGIN');
	my $result = $session{$role}->query("SELECT ctlpr.begin_request($arguments)");
	$result = $session{$role}->query('EXECUTE seen') if !$result->{error};
	$session{$role}->query('ROLLBACK');
	return verdict($result);
}
sub value { return $node->safe_psql('city', "SET TimeZone = 'Asia/Tokyo'; $_[0]") }
sub now_is { return value("SELECT clock_timestamp() < to_timestamp($_[0])") eq 't' ? 'before' : 'after' }
sub pass_by { my ($instant) = @_; ok(await_true(sub { return now_is($instant) eq 'after' }, 60), 'the clock passes ' . value("SELECT to_timestamp($instant) AT TIME ZONE 'America/New_York'")); return }
sub camera { my ($name) = @_; my ($status, $out, $err) = $node->psql('city', "BEGIN; SELECT ctlpr.register_camera('$name', 'CT-NHPD', true, 'POINT(-72.93 41.31)'); ROLLBACK"); return $err =~ /DETAIL:  Clause (amended \(\d\))/ ? $1 : $err }
my $case = "'stolen_vehicle', case_number => '27-1'";
my $match = value('SELECT max(authorization_id) FROM ctlpr.legal_authorization');

# The first midnight
set_clock($first - 15);
is(value('SELECT current_date'), '2027-03-14', 'in Tokyo the day has come long ago');
my $under_way = connect_as($node, 'city', 'nhpd', '-c TimeZone=Asia/Tokyo');
$under_way->query('BEGIN');
$under_way->query("SELECT ctlpr.begin_request('weigh_station')");
my %before = (
	'nhpd, retention' => asked('nhpd', "'stolen_vehicle'"),
	'nhpd, parking' => asked('nhpd', "'parking_enforcement'"),
	'nhpd, toll' => asked('nhpd', "'toll_enforcement'"),
	'bpd' => asked('bpd', $case),
	'nypd' => asked('nypd', $case),
	'risp' => asked('risp', $case),
	'under way' => verdict($under_way->query('SELECT plate FROM reads ORDER BY captured_at DESC')),
	'camera' => camera('FIXED'),
	'retention_status' => value("SELECT retention FROM ctlpr.retention_status WHERE relation = 'reads'::regclass"));
is(now_is($first), 'before', 'all this was before midnight');
my $three_weeks = 'NINE ELEVEN THIRTEEN NOON FIFTEEN';
is($before{'nhpd, retention'}, $three_weeks, 'before: reads of three weeks');
is($before{retention_status}, '504:00:00', 'before: so says retention_status');
is($before{'nhpd, parking'}, $three_weeks, 'before: a purpose is permitted');
is($before{'nhpd, toll'}, 'LP003: amended (4)', 'before: another is not in effect');
is($before{bpd}, $three_weeks, 'before: Massachusetts is shared with');
is($before{nypd}, $three_weeks, 'before: New York too, on the last day of its declaration');
is($before{risp}, $three_weeks, 'before: Rhode Island too');
is($before{'under way'}, $three_weeks, 'before: a request is under way');
is($before{camera}, '', 'before: a fixed camera is registered');
pass_by($first);
my $two_weeks = 'NINE ELEVEN THIRTEEN NOON';
is(asked('nhpd', "'stolen_vehicle'"), $two_weeks, 'after: reads of two weeks, by the same prepared statement');
is(value("SELECT retention::interval = '14 days' FROM ctlpr.retention_status WHERE relation = 'reads'::regclass"), 't', 'after: so says retention_status');
is(asked('nhpd', "'parking_enforcement'"), 'LP004: amended (3)', 'after: the purpose is forbidden, by the clause of the amendment');
is(asked('nhpd', "'toll_enforcement'"), $two_weeks, 'after: the other is in effect');
is(verdict($under_way->query('SELECT plate FROM reads ORDER BY captured_at DESC')), 'LP003: 13(b)(1)(A)(i)', 'after: a request under way sees nothing once its purpose has ended');
is(asked('bpd', $case), 'LP006: 13(d)(6)(C)', 'after: Massachusetts needs a warrant');
is(asked('nypd', $case), 'LP006: amended (5)', "after: New York's declaration has ended with the statute's day");
is(asked('risp', $case), $two_weeks, 'after: Rhode Island is shared with as before');
is(camera('FIXED'), 'amended (6)', 'after: a fixed camera is refused');

# Two weeks are 336 hours, on the day of 23 hours too: from noon on February 28 to one o'clock on March 14
my $one_oclock = $first + 12 * 3600;
is(value("SELECT to_timestamp($one_oclock) AT TIME ZONE 'America/New_York'"), '2027-03-14 13:00:00', 'summer time has begun');
set_clock($one_oclock - 10);
my $noon = asked('nhpd', "'stolen_vehicle'");
is(now_is($one_oclock), 'before', 'this was before one');
is($noon, $two_weeks, 'by one it is seen still');
pass_by($one_oclock);
is(asked('nhpd', "'stolen_vehicle'"), 'NINE ELEVEN THIRTEEN', 'from one on it is gone');

# The second midnight, 23 hours after the first
set_clock($second - 12);
%before = ('retention' => asked('nhpd', "'stolen_vehicle'"), 'toll' => asked('nhpd', "'toll_enforcement'"), 'match' => asked('txpd', "$case, authorization_id => $match"));
is(now_is($second), 'before', 'all this was before the next midnight');
is($before{retention}, 'NINE ELEVEN THIRTEEN', 'before: reads of two weeks');
is($before{toll}, 'NINE ELEVEN THIRTEEN', 'before: the purpose of one day is in effect');
is($before{match}, 'NINE', 'before: a screening match opens its specific data');
pass_by($second);
is(asked('nhpd', "'stolen_vehicle'"), 'NINE', 'after: reads of ten days');
is(asked('nhpd', "'toll_enforcement'"), 'LP003: amended (4)', 'after: the purpose of one day is over');
like(asked('txpd', "$case, authorization_id => $match"), qr/^LP006: /, 'after: a screening match is no instrument any more');

# What waits to be deleted goes by the version in force
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('reads')"), '5', 'five of six have expired');
is(log_value($node, 'city', 'count(*)', "detail ->> 'function' IN ('copy_statute', 'amend_statute', 'adopt_statute')"), '4', 'the amendment is on record');
is($node->safe_psql('city', "SELECT shipped FROM ctlpr.statute WHERE statute = 'us-ct-amended'"), 'f', 'and a dump takes it along');

# The recipe of the manual runs as it is printed
my ($recipe) = slurp_file('../docs/statutes.md') =~ /```sql\n(BEGIN;.*?COMMIT;\n)```/s;
ok($recipe, 'docs/statutes.md has a recipe');
new_world($node, 'recipe');
unlike($node->safe_psql('recipe', $recipe), qr/statute_/, '... which finds no flaw');
is($node->safe_psql('recipe', "SELECT a.statute, string_agg(extract(day FROM justify_hours(r.period)) || ' days ' || (r.valid_from AT TIME ZONE 'America/New_York')::date, ', ' ORDER BY r.valid_from) FROM ctlpr.statute_adoption a JOIN ctlpr.statute_retention r ON r.statute = a.statute AND r.rule = 'standard' GROUP BY 1"),
	'us-ct-local|21 days 2026-10-01, 14 days 2027-07-01', '... and has both versions in force');
is(log_value($node, 'recipe', "string_agg(detail ->> 'function', ' ' ORDER BY seq)", "detail ->> 'statute' = 'us-ct-local' OR detail ->> 'copy' = 'us-ct-local'"), 'copy_statute amend_statute adopt_statute', '... on record');
$node->stop;

done_testing();
