# A quarter that has entries of an agency of the state, and no audit a month after its end, is a finding: 14(a)(6).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', 'ctlpr.purge_naptime = 1h');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE city');
sub value { return $node->safe_psql('city', $_[0]) }

# The log of years past comes from a dump, into an empty one.  Quarters are counted back from this one, in Connecticut.
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
CREATE TABLE past (agency_id text, action text, first_day date, days int);
INSERT INTO past
SELECT v.agency_id, v.action, (date_trunc('quarter', now() AT TIME ZONE 'America/New_York') - v.ago * interval '3 months')::date, v.days
FROM (VALUES ('CT-NHPD', 'select', 0, 0), ('CT-NHPD', 'select', 2, 0), ('CT-NHPD', 'select', 2, 30), ('CT-NHPD', 'request', 3, -1), ('CT-NHPD', 'select', 5, 10),
			 ('CT-HPD', 'configuration', 2, 5), ('CT-HPD', 'select', 4, 5), ('MA-BPD', 'select', 2, 5), ('VENDOR', 'select', 2, 5), ('NOBODY', 'select', 2, 5)) v (agency_id, action, ago, days);
SQL
my $rows = value(q(SELECT string_agg(concat_ws(E'\t', n, 'verdict', to_char(p.first_day::timestamp + p.days * interval '1 day' + interval '1 second', 'YYYY-MM-DD HH24:MI:SS') || ' America/New_York', p.agency_id, p.action, 't'), E'\n' ORDER BY n)
	FROM (SELECT row_number() OVER (ORDER BY first_day + days, agency_id) AS n, * FROM past) p)) . "\n";
my $load = "SET ctlpr.restore = on;\nCOPY ctlpr.audit_entry (seq, entry, at, agency_id, action, allowed) FROM stdin;\n$rows\\.\n";
$node->safe_psql('city', $load);
$node->safe_psql('city', <<'SQL');
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT'),
	ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA'), ctlpr.register_agency('VENDOR', 'Readers Inc.', 'vendor', 'CT');
CREATE ROLE oversight;
SELECT ctlpr.bind_auditor('oversight', 'CT-HPD');
SQL
sub quarter { return value("SELECT to_char((now() AT TIME ZONE 'America/New_York') - $_[0] * interval '3 months', 'YYYY\"Q\"Q')") }

# missing(role) - agency, severity, clause, quarter, entries, first and last of them
sub missing { return value(($_[0] ? "SET ROLE $_[0]; " : '') . "SELECT string_agg(format('%s %s %s %s %s', f.agency_id, f.severity, f.clause, substring(f.finding FROM 'quarter (\\S+),'), substring(f.finding FROM '\\d+\$')), ', ' ORDER BY f.agency_id, f.finding) FROM ctlpr.findings f WHERE f.kind = 'missing_review'") }

my ($two, $four, $five) = map { quarter($_) } 2, 4, 5;
my $hpd = "CT-HPD violation 14(a)(6) $four 1";
is(missing(), "$hpd, CT-NHPD violation 14(a)(6) $four 1, CT-NHPD violation 14(a)(6) $five 1, CT-NHPD violation 14(a)(6) $two 2" =~ s/(CT-NHPD.*)$/join(', ', sort split(m{, }, $1))/er,
	'quarters with entries of an agency of the state, by the days of Connecticut, are to be audited; changes of the rules are no use of the data');
is(missing('oversight'), $hpd, 'an auditor of one agency is told of that one');
is(value("SELECT count(*) FROM ctlpr.findings f CROSS JOIN LATERAL unnest(f.evidence) s JOIN ctlpr.audit_entry e ON e.seq = s AND e.agency_id = f.agency_id WHERE f.kind = 'missing_review'"), '8', '... with the first and the last entry');
value("SELECT ctlpr.record_review('CT-NHPD', q, reviewer => 'Captain B') FROM unnest('{$four,$two}'::text[]) q");
is(missing(), "$hpd, CT-NHPD violation 14(a)(6) $five 1", 'what was audited is missing no more');
value("SET ROLE oversight; SELECT ctlpr.record_review('CT-HPD', '$four', reviewer => 'Captain B')");
is(missing(), "CT-NHPD violation 14(a)(6) $five 1", '... of each agency by itself');
$node->stop;
done_testing();
