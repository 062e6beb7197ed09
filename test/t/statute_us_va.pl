# Another law as data, without a change in C: Virginia Code 2.2-5517 - three weeks, shared in the state only, a list of purposes of its own.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $node = new_node('main', "autovacuum = off\nctlpr.purge_naptime = 1s\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE dominion');
$node->safe_psql('dominion', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE richmond LOGIN;
CREATE ROLE richmond_chief LOGIN;
CREATE ROLE richmond_feed LOGIN;
CREATE ROLE fairfax LOGIN;
CREATE ROLE attorney LOGIN;
CREATE ROLE parking LOGIN;
CREATE ROLE maryland LOGIN;
CREATE ROLE fbi LOGIN;
CREATE ROLE defence LOGIN;
CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-va-2025');
SELECT ctlpr.register_agency('VA-RPD', 'Richmond Police', 'police', 'VA'), ctlpr.register_agency('VA-FPD', 'Fairfax Police', 'police', 'VA'), ctlpr.register_agency('VA-CA', 'Attorney for the Commonwealth', 'prosecutor', 'VA'),
	ctlpr.register_agency('VA-PARK', 'Parking', 'public_agency', 'VA'), ctlpr.register_agency('MD-SP', 'Maryland State Police', 'police', 'MD'), ctlpr.register_agency('US-FBI', 'FBI', 'federal', 'US'),
	ctlpr.register_agency('VA-DEF', 'Counsel for the defence', 'other', 'VA');
SELECT ctlpr.bind_role('richmond', 'VA-RPD'), ctlpr.bind_role('richmond_chief', 'VA-RPD', supervisor => true), ctlpr.bind_role('richmond_feed', 'VA-RPD', may_ingest => true), ctlpr.bind_role('fairfax', 'VA-FPD'),
	ctlpr.bind_role('attorney', 'VA-CA'), ctlpr.bind_role('parking', 'VA-PARK'), ctlpr.bind_role('maryland', 'MD-SP'), ctlpr.bind_role('fbi', 'US-FBI'), ctlpr.bind_role('defence', 'VA-DEF');
CREATE TABLE reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
CREATE INDEX ON reads (captured_at);
GRANT SELECT ON reads TO PUBLIC;
GRANT INSERT ON reads TO richmond_feed;
INSERT INTO reads VALUES (now() - interval '20 days', 'RNEW', 'VA-RPD'), (now() - interval '503 hours 50 minutes', 'REDGE', 'VA-RPD'), (now() - interval '504 hours 1 second', 'ROLD', 'VA-RPD'),
	(now() - interval '20 days', 'FNEW', 'VA-FPD'), (now() - interval '22 days', 'FOLD', 'VA-FPD');
SELECT ctlpr.govern('reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SQL
sub value { return $node->safe_psql('dominion', $_[0]) }

# What a request gets: SQLSTATE and clause of its refusal, or the plates that it sees
sub asked
{
	my ($role, $arguments) = @_;
	my $client = connect_as($node, 'dominion', $role);
	$client->query('BEGIN');
	my $result = $client->query("SELECT ctlpr.begin_request($arguments)");
	$result = $client->query('SELECT plate FROM reads ORDER BY plate') if !$result->{error};
	$client->close;
	return join(' ', map { $_->[0] } @{ $result->{rows} }) if !$result->{error};
	return $result->{error}{C} . ': ' . ($result->{error}{D} =~ s/^The statute decides so in (.*)\.$/$1/r);
}
sub last_entry { return log_value($node, 'dominion', "e.statute || ': ' || e.sqlstate || ' ' || e.clause", "e.entry = 'verdict' AND e.action = 'request' ORDER BY e.seq DESC LIMIT 1") }

# SQLSTATE and clause of what a function for administrators answers
sub administered
{
	my ($call) = @_;
	my $client = connect_as($node, 'dominion');
	my $result = $client->query("SELECT ctlpr.$call");
	$client->close;
	return '00000' if !$result->{error};
	return $result->{error}{C} . ': ' . ($result->{error}{D} =~ s/^Clause (2\.2-5517 \(.*?\)).*$/$1/r);
}
my $why = "reason => 'hit and run', officer => 'A. Smith'";
my $investigation = "'criminal_investigation', $why";

# Three weeks, in hours; shared in the state
is(asked('richmond', $investigation), 'FNEW REDGE RNEW', "an officer sees the reads of the state's police that are less than 504 hours old");
is(asked('fairfax', $investigation), 'FNEW REDGE RNEW', '... of either agency');
is(log_value($node, 'dominion', "string_agg(e.basis || ' ' || e.clause, '; ' ORDER BY e.seq)", "e.entry = 'verdict' AND e.action = 'select' AND e.relation = 'public.reads'"), 'in_state 2.2-5517 (sharing); in_state 2.2-5517 (sharing)', '... on record as shared');
is(asked('attorney', "$investigation, case_number => 'CR26-1'"), 'FNEW REDGE RNEW', 'an attorney for the Commonwealth too, in a case');
is(asked('attorney', $investigation), '', '... and nothing without one');
my $feed = connect_as($node, 'dominion', 'richmond_feed');
is(sqlstate_of($feed->query("INSERT INTO reads VALUES (now() - interval '505 hours', 'LATE', 'VA-RPD')")), 'LP013', 'a read that is too old does not come in');
value("SET client_min_messages = warning; SELECT ctlpr.start_purge('reads', 'Chief')");
ok(await_true(sub { return value("SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purges WHERE relation_name = 'public.reads'") eq '2' }, 15), 'the worker deletes what is older, and nothing else');
is(value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT string_agg(plate, ' ' ORDER BY plate) FROM reads; COMMIT"), 'FNEW REDGE RNEW', '... the rest is there');

# Nobody outside of the state, on whatever paper
my $none = 'LP006: 2.2-5517 (sharing)';
is(asked('maryland', "$investigation, case_number => '26-1'"), $none, 'police of another state are refused');
is(last_entry(), 'us-va-2025: LP006 2.2-5517 (sharing)', '... on record');
is(asked('fbi', "$investigation, case_number => '26-1'"), 'LP003: 2.2-5517 (purposes) (i)', 'a federal agency has no purpose on the list');
is(asked('richmond', "$investigation, on_behalf_of => 'US-FBI'"), 'LP003: 2.2-5517 (purposes) (i)', '... and gets nothing through an officer of the state');
is(asked('richmond', "$investigation, on_behalf_of => 'MD-SP', case_number => '26-1'"), $none, '... nor does another state');
is(administered("file_declaration('MD-SP', 'Superintendent', current_date - 1)"), $none, 'a declaration is not even taken');
value("INSERT INTO ctlpr.declaration (agency_id, signed_by, signed_on) VALUES ('MD-SP', 'Superintendent', current_date - 1)");
is(asked('maryland', "$investigation, case_number => '26-1'"), $none, '... and one that is there opens nothing');
is(administered("authorize('court_order', 'MD-SP', plates => '{RNEW}', issued_by => 'Judge A')"), $none, 'nor is an order for another state');
like(administered("authorize('probable_cause_warrant', 'US-FBI', plates => '{RNEW}', captured => tstzrange(now() - interval '30 days', now()), issued_by => 'Judge A')"), qr/^LP003: /, 'a warrant of Connecticut\'s kind is unknown');
like(administered("authorize('court_order', 'VA-DEF', plates => '{RNEW}', issued_by => 'administrative subpoena of the agency')"), qr/^LP006: 2\.2-5517 \(sharing\)$/, 'an administrative subpoena is no order of a court');
is(administered("authorize('court_order', 'VA-DEF', plates => '{r-new}', issued_by => 'subpoena duces tecum, Judge A')"), '00000', 'one that a court issued is');
my $order = value("SELECT max(authorization_id) FROM ctlpr.legal_authorization");
is(asked('defence', "$investigation, authorization_id => $order"), 'RNEW', '... and opens its specific data to a party in the state');
is(asked('defence', $investigation), 'LP003: 2.2-5517 (purposes) (i)', '... and nothing without it');

# Purposes
my %purposes = (
	"'missing_person', $why" => 'FNEW REDGE RNEW',
	"'human_trafficking', $why" => 'FNEW REDGE RNEW',
	"'outstanding_warrant', $why" => 'FNEW REDGE RNEW',
	"'stolen_vehicle', $why" => 'FNEW REDGE RNEW',
	"'stolen_plate', $why" => 'FNEW REDGE RNEW',
	"'criminal_investigation', officer => 'A. Smith'" => 'LP005: 2.2-5517 (purposes) (i)',
	"'stolen_plate', reason => 'x'" => 'LP005: 2.2-5517 (purposes) (iii)',
	"'parking_enforcement', $why" => 'LP004: 2.2-5517 (purposes)',
	"'immigration_enforcement', $why" => 'LP004: 2.2-5517 (purposes)',
	"'protected_activity', $why" => 'LP004: 2.2-5517 (prohibited use)',
	"'sale', $why" => 'LP004: 2.2-5517 (sharing)',
	"'public_records', $why" => 'LP004: 2.2-5517 (confidentiality)',
	"'hotlist_comparison', $why" => 'FNEW REDGE RNEW');
for my $arguments (sort keys %purposes)
{
	is(asked('richmond', $arguments), $purposes{$arguments}, "begin_request($arguments)");
	is(last_entry(), 'us-va-2025: ' . ($purposes{$arguments} =~ s/://r), '... on record') if $purposes{$arguments} =~ /^LP/;
}
like(asked('richmond', "'weigh_station', $why"), qr/^LP003: /, "a purpose of another state's law is unknown");
is(asked('parking', $investigation), 'LP003: 2.2-5517 (purposes) (i)', 'law enforcement alone may use it');

# Held while it is part of an investigation or a proceeding
my $hold = value("SET ROLE richmond_chief; SELECT ctlpr.preserve('reads', 'criminal_evidence', 'hit and run', 'CR26-1', 'Officer A', plates => '{RNEW}')");
is(value("SELECT clause FROM ctlpr.hold WHERE hold_id = $hold"), '2.2-5517 (retention)', 'a read is held as evidence');
like(($node->psql('dominion', "SET ROLE richmond_chief; SELECT ctlpr.end_hold($hold, 'last_defendant_released')"))[2], qr/HINT:  Its outcomes are: final_disposition, no_charges/, '... which ends as this law says');
value("SET ROLE richmond_chief; SELECT ctlpr.end_hold($hold, 'no_charges')");
ok(await_true(sub { return value("SELECT ctlpr.held_reads($hold)") eq '0' }, 15), '... and is deleted then');

# What is no longer than the law, and what only stands written
is(administered("set_agency_option('VA-RPD', retention => '22 days')") =~ /^LP012/ ? 1 : 0, 1, 'an agency does not keep its reads longer');
value("SELECT ctlpr.set_agency_option('VA-RPD', retention => '7 days')");
is(asked('fairfax', $investigation), 'FNEW', '... but shorter, as a city may');
is(value("SELECT log_retention, log_clause FROM ctlpr.statute WHERE statute = 'us-va-2025'"), '2 years|2.2-5517 (audit trail)', 'the audit trail has its own two years');

is(value("SELECT count(*) FROM ctlpr.audit_entry WHERE statute IS DISTINCT FROM 'us-va-2025' AND action = 'request'"), '0', 'every request was decided under this statute');
check_log_is_whole($node, 'dominion', 'the log');
$node->stop;

done_testing();
