# What officers do with the data is reviewed: 14(a)(6), 13(k).  One plate again and again without a case, searches off duty,
# logins that are shared, reasons that say nothing, and reasons that a supervisor let pass are findings; ordinary work is none.
use strict;
use warnings;

use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', 'ctlpr.purge_naptime = 1h');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE city');
sub value { return $node->safe_psql('city', $_[0]) }
$node->safe_psql('city', 'SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE');

# ---- the log of the weeks before, from a dump ----

my @columns = qw(seq entry at request_seq session_role role agency_id officer purpose case_number reason relation action search_kind plates allowed enforced
	sqlstate clause client_addr terminal detail officer_salt case_number_salt reason_salt);
my (@rows, %last);

# noon, or another hour of UTC that is the same day in Connecticut, so many days ago, and minutes later
sub at { my ($days, $minutes, $hour) = @_; return strftime('%Y-%m-%d', gmtime(time - 86400 * $days)) . sprintf(' %02d:00:00+00', $hour // 17) . ($minutes ? "|$minutes" : '') }

sub entry {
	my ($agency, $action, $days, %with) = @_;
	my %row = (entry => 'verdict', agency_id => $agency, action => $action, at => at($days, $with{minute}, $with{hour}), session_role => 'app', role => 'app', officer => 'Officer One',
		purpose => 'criminal_investigation', allowed => 't', enforced => 't', search_kind => 'none', reason => 'burglary', %with);
	delete @row{qw(minute hour)};
	push @rows, \%row;
	return;
}
sub search { my ($agency, $days, $plate, %with) = @_; return entry($agency, 'select', $days, search_kind => 'plate', plates => $plate ? "{$plate}" : undef, relation => 'public.reads', %with) }
sub ask { my ($agency, $days, $minute, %with) = @_; return entry($agency, 'request', $days, minute => $minute, case_number => '26-1', %with) }

# one plate, however it is written and whoever of the agency seeks it
search('REPEATED', 20, 'AB-123');
search('REPEATED', 15, 'ab 123', officer => 'Officer Two');
search('REPEATED', 10, 'AB123',  officer => " OFFICER  one");
search('REPEATED', 15, 'CD456') for 1 .. 5;
search('REPEATED', $_, 'EF789') for 70, 38, 5;
search('REPEATED', $_, 'WX888') for 41, 20, 10;
search('REPEATED', $_, 'YZ999') for 40, 20, 10;
search('REPEATED', $_, 'GH111', case_number => '26-7') for 20, 15, 10;
search('REPEATED', $_, 'IJ222', purpose => 'parking_enforcement') for 20, 15, 10;
search('REPEATED', $_, 'KL333', allowed => 'f', sqlstate => 'LP009') for 20, 15, 10;
search('REPEATED', $_, 'PLATE', search_kind => 'partial') for 20, 15, 10;
search('REPEATED', $_, 'MN4%', search_kind => 'partial') for 20, 15, 10;
search('REPEATED', $_, 'OP444', case_number => 'Pending', request_seq => 900000 + $_) for 20, 15, 10;
search('REPEATED', $_, 'QR555') for 220, 215, 210;
search('REPEATED', $_, 'ST666') for 20, 15;
search('ANOTHER',  10, 'ST666');
search('ANOTHER',  $_, 'UV777', officer => undef) for 20, 15, 10;

# logins
sub alternate { my ($days, $apart, $what, $values, %with) = @_; ask('SHARED', $days, $_ * $apart, $what => $values->[$_ % 2], %with) for 0 .. 4; return }
alternate(10, 1, terminal => [ 'T1', 'T2' ], officer => 'Ana', session_role => 'ana');
ask('SHARED', 10, $_, terminal => $_ < 3 ? 'T1' : 'T2', officer => 'Ben', session_role => 'ben') for 0 .. 6;
alternate(10, 6, terminal => [ 'T1', 'T2' ], officer => 'Cy', session_role => 'cy');
alternate(10, 1, officer => [ 'Dora', 'Eve' ], session_role => 'dora');
alternate(10, 6, officer => [ 'Iva', 'Joe' ], session_role => 'iva');
ask('SHARED', 10, $_, officer => $_ == 1 ? 'Fay' : 'Flo', session_role => 'flo') for 0 .. 2;
alternate(10, 1, client_addr => [ '10.0.0.1', '10.0.0.2' ], officer => 'Gus', session_role => 'gus');
for my $minute (0 .. 35) { ask('SHARED', 11, $minute, officer => 'P' . $minute % 6, client_addr => '10.0.0.' . $minute % 4, session_role => 'pool') }
alternate(12, 1, terminal => [ 'T8', 'T9' ], officer => 'P1', session_role => 'pool');
alternate(12, 1, client_addr => [ '10.0.0.8', '10.0.0.9' ], officer => 'P2', session_role => 'pool');
ask('SHARED', 13, 100 * $_, terminal => "T$_", officer => 'P4', session_role => 'pool') for 1 .. 2;
alternate(14, 1, officer => [ 'P1', 'P4' ], session_role => 'pool');
alternate(15, 1, client_addr => [ '10.0.0.8', '10.0.0.9' ], officer => 'P1', session_role => 'pool');

# reasons: 11 of 20 that say nothing; 10 of 20; 11 of 11; under a purpose of programs; long ago
sub reasons {
	my ($agency, $days, $good, $vague, $number, $missing, %with) = @_;
	ask($agency, $days, 0, officer => undef, %with) for 1 .. $good;
	ask($agency, $days, 0, officer => undef, reason => 'inv', detail => '{"screen": {"action": "flag", "category": "vague"}}', %with) for 1 .. $vague;
	ask($agency, $days, 0, officer => undef, reason => '26-123', detail => '{"screen": {"action": "flag", "category": "case_number_only"}}', %with) for 1 .. $number;
	ask($agency, $days, 0, officer => undef, reason => undef, %with) for 1 .. $missing;
	return;
}
reasons('VAGUE', 30, 9, 5, 3, 3);
reasons('HALF', 30, 10, 4, 3, 3);
reasons('FEW', 30, 0, 4, 4, 3);
reasons('PROGRAM', 30, 0, 10, 10, 10, purpose => 'parking_enforcement');
reasons('LONGAGO', 95, 0, 10, 10, 10);
ask('CONTESTED', 30, 0, officer => undef, detail => '{"screen": {"action": "flag", "category": "contested"}}') for 1 .. 20;

# what the screen said
my $refused = '"field": "reason", "action": "refuse", "category": "immigration", "clause": "13(d)(3)", "term": "ice"';
ask('SCREENED', 5, 0, officer => 'Hal', reason => 'ICE assist', detail => "{\"screen\": {$refused, \"approval_seq\": 3}}") for 1 .. 2;
ask('SCREENED', 5, 0, officer => 'Ida', reason => 'ICE assist', detail => "{\"screen\": {$refused}}", allowed => 'f', sqlstate => 'LP008', clause => '13(d)(3)');
ask('SCREENED', 5, 0, officer => 'Hal', case_number => 'pending', detail => '{"screen": {"action": "flag", "category": "vague", "clause": "13(d)(3)"}}');
ask('SCREENED', 5, 0, officer => 'Jo',  detail => '{"screen": {"action": "flag", "category": "contested", "clause": "13(d)(3)"}}');

# by day and by night in Connecticut, of which noon and ten in the evening are 17:00 and 3:00 of UTC, or an hour earlier
for my $agency (qw(SHIFTS NOSHIFTS ENDED)) {
	search($agency, $_, 'XY111', case_number => '26-1', officer => 'Kim') for 5, 6;
	search($agency, 4, 'XY111', case_number => '26-1', officer => 'Kim', hour => 3);
	search($agency, 4, undef, search_kind => 'area_time', case_number => '26-1', officer => 'Night Owl', hour => 3);
	search($agency, 4, undef, search_kind => 'area_time', case_number => '26-1', officer => undef);
	search($agency, 4, 'XY111', officer => 'Kim', hour => 3, purpose => 'parking_enforcement');
	ask($agency, 4, 0, officer => 'Kim', hour => 3);
}

my $seq = 0;
sub instant { my ($time, $minutes) = split /\|/, $_[0]; $minutes //= 0; $time =~ s{ (\d\d):00}{sprintf ' %02d:%02d', $1 + int($minutes / 60), $minutes % 60}e; return $time }
$_->{at} = instant($_->{at}) for @rows;
@rows = sort { $a->{at} cmp $b->{at} } @rows;
for my $row (@rows) {
	$row->{seq} = ++$seq;
	defined $row->{$_} and $row->{"${_}_salt"} = sprintf('00000000-0000-4000-8000-%012d', $seq) for qw(officer case_number reason);
}
my $load = 'SET ctlpr.restore = on; COPY ctlpr.audit_entry (' . join(', ', @columns) . ") FROM stdin;\n";
$load .= join("\t", map { $_ // '\N' } @$_{@columns}) . "\n" for @rows;
$node->safe_psql('city', "$load\\.\n");

value(<<'SQL');
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency(a, a, 'police', 'CT') FROM unnest('{REPEATED,ANOTHER,SHARED,VAGUE,HALF,FEW,PROGRAM,LONGAGO,CONTESTED,SCREENED,SHIFTS,NOSHIFTS,ENDED}'::text[]) a;
CREATE ROLE oversight;
SELECT ctlpr.bind_auditor('oversight', 'ANOTHER');
SQL
sub found { my ($kind, $what, $role) = @_; return value(($role ? "SET ROLE $role; " : '') . "SELECT string_agg(format('%s %s %s', f.agency_id, f.severity, $what), '; ' ORDER BY f.agency_id, $what) FROM ctlpr.findings f WHERE f.kind = '$kind'") }

# ---- 13(b)(1)(B)(ii): a search has a case ----

my $plates = "(SELECT string_agg(DISTINCT ctlpr.normal_plate(e.plates[1]), ',') FROM ctlpr.audit_entry e WHERE e.seq = ANY (f.evidence))";
is(found('repeated_plate', "$plates || ' ' || coalesce(f.officer, '-') || ' ' || cardinality(f.evidence)"),
	'ANOTHER warning UV777 - 3; REPEATED warning AB123 - 3; REPEATED warning KL333 Officer One 3; REPEATED warning MN4 Officer One 3; REPEATED warning OP444 Officer One 3; REPEATED warning YZ999 Officer One 3',
	'a plate that is sought without a case on three days within a month, however it is written and by whom of an agency, is a finding');
like(value("SELECT string_agg(f.finding, '; ') FROM ctlpr.findings f WHERE f.kind = 'repeated_plate' AND $plates = 'AB123'"), qr/on 3 days, .*; officers: 2$/, '... which tells of how many officers');
unlike(value("SELECT string_agg(concat_ws(' ', f.finding, f.remedy), '; ') FROM ctlpr.findings f WHERE f.kind = 'repeated_plate'"), qr/AB123|UV777|KL333|MN4|OP444|YZ999/, '... and does not name the plate');
is(found('repeated_plate', 'cardinality(f.evidence)', 'oversight'), 'ANOTHER warning 3', 'an auditor of one agency is told of that one');
value("INSERT INTO ctlpr.request_completion (request_seq, case_number, completed_by) VALUES (900015, '26-9', 'app')");
is(value("SELECT count(*) FROM ctlpr.findings f WHERE f.kind = 'repeated_plate' AND $plates = 'OP444'"), '0', 'a case number that followed is one');

# ---- logins ----

is(found('shared_login', "coalesce(f.officer, substring(f.finding FROM 'login (\\w+)')) || substring(f.finding FROM ': \\d+ times')"), 'SHARED warning Ana: 3 times; SHARED warning Gus: 3 times; SHARED warning P1: 3 times; SHARED warning dora: 3 times',
	'a name in two places in turn, or two names on one login, within ten minutes is a finding; a walk to another terminal and an application with many officers are none');
is(value("SELECT count(*) FROM ctlpr.findings f, unnest(f.evidence) s JOIN ctlpr.audit_entry e ON e.seq = s WHERE f.kind = 'shared_login' AND f.officer = 'Ana' AND e.officer = 'Ana'"), '5', '... with all the entries that show it');
is(found('pooled_login', "substring(f.finding FROM 'login (\\w+)')"), 'SHARED info pool', 'a login of many officers is listed once, for information');

# ---- 15(a)(1)(B): the reason of each search ----

is(found('vague_reasons', "regexp_replace(f.finding, '^of (\\d+) requests in 90 days, (\\d+) % .*\\((\\d+)\\).*\\((\\d+)\\).*\\((\\d+)\\)\$', '\\1 \\2% \\3+\\4+\\5') || ' ' || cardinality(f.evidence)"),
	'VAGUE warning 20 55% 3+5+3 11', 'an agency is found whose reasons are mostly missing, vague or a case number');
is(found('reason_approved', "f.officer || ' ' || f.clause || ' ' || cardinality(f.evidence)"), 'SCREENED warning Hal 13(d)(3) 2', 'a refused reason that a supervisor let pass is a finding');
is(found('contested_reason', "coalesce(f.officer, '-') || ' ' || f.clause || ' ' || cardinality(f.evidence)"), 'CONTESTED warning - 13(d) 20; SCREENED warning Jo 13(d)(3) 1', '... one that may reveal a forbidden purpose is one to look at');
is(found('forbidden_purpose', "f.officer || ' ' || f.clause || ' ' || cardinality(f.evidence)"), 'SCREENED warning Ida 13(d)(3) 1', '... one that was refused is one about a forbidden purpose');

# ---- 13(k): off duty ----

sub outside { return found('outside_shift', "coalesce(f.officer, '-') || ' ' || cardinality(f.evidence)") }
is(outside(), '', 'where no shift is registered, nothing is outside of one');
value("SELECT ctlpr.set_shift('SHIFTS', '{1,2,3,4,5,6,7}', '06:00', '14:30'), ctlpr.set_shift('SHIFTS', '{1,2,3,4,5,6,7}', '20:00', '04:00', officer => 'night  OWL'), ctlpr.set_shift('ENDED', '{1,2,3,4,5,6,7}', '06:00', '06:01')");
is(outside(), '', 'what was searched before a shift was registered is not judged by it');
value("UPDATE ctlpr.shift SET valid_from = now() - interval '30 days'");
is(outside(), 'ENDED warning - 1; ENDED warning Kim 3; ENDED warning Night Owl 1; SHIFTS warning - 1; SHIFTS warning Kim 1',
	'searches outside of the shifts of an agency that registered some, in its local time, are findings; who is not named is on none');
value("SELECT ctlpr.end_shift(shift_id, 'reorganized') FROM ctlpr.shift WHERE agency_id = 'ENDED'; UPDATE ctlpr.shift SET ended_at = now() - interval '20 days' WHERE agency_id = 'ENDED'");
is(outside(), 'SHIFTS warning - 1; SHIFTS warning Kim 1', '... as long as the shift stood');
value("SELECT ctlpr.set_shift('SHIFTS', '{1,2,3,4,5,6,7}', '20:00', '24:00', officer => 'Kim'); UPDATE ctlpr.shift SET valid_from = now() - interval '30 days' WHERE agency_id = 'SHIFTS'");
is(outside(), 'SHIFTS warning - 1', '... and a shift of one officer counts');

# ---- what was taken out of the log is not missing from it ----

my @before = (found('repeated_plate', 'cardinality(f.evidence)'), outside(), found('vague_reasons', 'f.finding'));
value("SELECT ctlpr.redact_entry(e.seq, '{case_number}', 'order of the court', 'The Registrar') FROM ctlpr.audit_entry e WHERE e.plates = '{GH111}'");
value("SELECT ctlpr.redact_entry(e.seq, '{officer}', 'order of the court', 'The Registrar') FROM ctlpr.audit_entry e WHERE e.agency_id = 'SHIFTS' AND e.officer = 'Night Owl'");
value("SELECT ctlpr.redact_entry(e.seq, '{reason}', 'order of the court', 'The Registrar') FROM ctlpr.audit_entry e WHERE e.agency_id = 'HALF' AND e.reason = 'burglary' LIMIT 1");
is(join(' ', found('repeated_plate', 'cardinality(f.evidence)'), outside(), found('vague_reasons', 'f.finding')), join(' ', @before), 'a value that was redacted is not one that was never stated');

# ---- what was rolled back was never in force ----

value("BEGIN; SELECT ctlpr.set_screen_term('quuxlaw', 'immigration', 'refuse', '13(d)(3)'); ROLLBACK");
await_true(sub { value("SELECT count(*) FROM ctlpr.audit_entry v JOIN ctlpr.audit_entry o ON o.of_seq = v.seq AND o.outcome = 'error' WHERE v.detail ->> 'term' = 'quuxlaw'") });
is(found('screen_weakened', 'f.finding'), '', 'a screen term that was rolled back is not one that is gone');

$node->stop;
done_testing();
