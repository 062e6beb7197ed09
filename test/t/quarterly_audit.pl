# What a reviewer signs for a quarter: access, how often and how long data was retained, refusals, and a log that is as it was signed, each with its entries: 14(a)(6).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use CtlprTest;

my $node = new_node('main', 'ctlpr.purge_naptime = 1h');
my $key = $node->basedir . '/private.pem';
system("openssl genpkey -algorithm ed25519 -out $key 2>/dev/null && chmod 600 $key") == 0 or die 'openssl';
$node->append_conf('postgresql.conf', "ctlpr.checkpoint_key = '$key'\nctlpr.checkpoint_interval = 1d");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE city');
sub value { return $node->safe_psql('city', $_[0]) }

# The log of the quarter two before this one, and what came a second before and after it, from a dump into an empty one.
my ($quarter, $first, $next) = split /\|/, value(q(SELECT to_char(q, 'YYYY"Q"Q'), q::date, (q + interval '3 months')::date FROM (SELECT date_trunc('quarter', now() AT TIME ZONE 'America/New_York') - interval '6 months') x (q)));
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
CREATE TABLE past (LIKE ctlpr.audit_entry);
-- happens(days, what) - an entry on that day of the quarter, at noon in Connecticut; outcome(seq, what) - what came of it
CREATE FUNCTION happens(days numeric, what jsonb) RETURNS bigint LANGUAGE sql AS \$\$
	INSERT INTO past SELECT (jsonb_populate_record(NULL::past, '{"entry": "verdict", "allowed": true, "enforced": true, "agency_id": "CT-NHPD", "agency_kind": "police", "agency_state": "CT"}'::jsonb || what
		|| jsonb_build_object('seq', (SELECT coalesce(max(seq), 0) + 1 FROM past), 'at', ('$first'::timestamp + days * interval '1 day') AT TIME ZONE 'America/New_York'))).* RETURNING seq
\$\$;
CREATE FUNCTION outcome(bigint, what jsonb) RETURNS bigint LANGUAGE sql AS \$\$
	INSERT INTO past SELECT (jsonb_populate_record(NULL::past, '{"entry": "outcome", "action": "select", "outcome": "ok"}'::jsonb || what
		|| jsonb_build_object('seq', (SELECT max(seq) + 1 FROM past), 'of_seq', \$1, 'at', (SELECT p.at + interval '1 s' FROM past p WHERE p.seq = \$1)))).* RETURNING seq
\$\$;
CREATE FUNCTION search(days numeric, request jsonb, came jsonb) RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE
	r bigint := happens(days, '{"action": "request"}'::jsonb || request);
	s bigint := happens(days, '{"action": "select", "relation": "public.plate_reads", "search_kind": "plate"}'::jsonb || request || jsonb_build_object('request_seq', r));
BEGIN
	IF came IS NOT NULL THEN
		PERFORM outcome(s, came);
	END IF;
	RETURN r;
END
\$\$;
DO \$\$
DECLARE
	a jsonb := '{"officer": "A", "purpose": "stolen_vehicle", "reason": "stolen from a garage", "case_number": "26-1", "basis": "own"}';
BEGIN
	PERFORM search(-0.00001, a, '{}');
	PERFORM search(0, a, '{"owners": ["CT-NHPD"], "owner_rows": [2]}');
	PERFORM search(1, a || '{"officer": "B", "case_number": " "}', '{"owners": ["CT-NHPD"], "owner_rows": [2]}');
	PERFORM search(2, a || '{"officer": "B", "reason": null, "case_number": "pending", "purpose": "missing_person"}', NULL);
	/* a number that followed; reads of Hartford too, which is Hartford's to audit */
	PERFORM search(2.5, a || '{"case_number": "pending", "purpose": "missing_person"}', '{"owners": ["CT-HPD", "CT-NHPD"], "owner_rows": [1, 1]}');
	/* observe mode: refused to another agency, and let pass */
	PERFORM outcome(happens(2.6, '{"action": "select", "agency_id": "CT-HPD", "relation": "public.plate_reads", "allowed": false, "enforced": false, "sqlstate": "LP001", "clause": "14(a)(6)"}'), '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	PERFORM search(3, '{"agency_id": "CT-HPD", "officer": "H", "purpose": "criminal_investigation", "reason": "robbery", "case_number": "1", "basis": "in_state"}', '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	PERFORM search(4, '{"agency_id": "CT-HPD", "officer": "H", "purpose": "criminal_investigation", "reason": "not of New Haven", "case_number": "1", "basis": "own"}', '{"owners": ["CT-HPD"], "owner_rows": [1]}');
	PERFORM happens(5, '{"action": "request", "officer": "B", "purpose": "immigration_enforcement", "allowed": false, "sqlstate": "LP004", "clause": "13(d)(3)"}');
	PERFORM happens(6, '{"action": "break_glass", "agency_id": null, "reason": "the index is corrupt"}');
	PERFORM happens(7, '{"action": "disclosure", "purpose": "stolen_vehicle", "detail": {"function": "record_disclosure", "recipient_agency": "CT-HPD", "basis": "in_state", "owners": ["CT-NHPD"]}}');
	PERFORM happens(8, '{"action": "purge", "agency_id": null, "relation": "public.plate_reads", "detail": {"run_id": 1, "rows_deleted": 10, "owners": {"CT-NHPD": 7, "CT-HPD": 3}}}');
	PERFORM happens(9, '{"action": "erase", "agency_id": null, "relation": "public.plate_reads", "detail": {"erase_run": 1, "latency": {"erased_within": "02:00:00"}}}');
	PERFORM outcome(happens(10, '{"action": "image_deletion", "detail": {"function": "acknowledge_image_deletion", "outcome": "deleted", "images": 4}}'), '{"action": "image_deletion"}');
	PERFORM outcome(happens(20, '{"action": "hold", "clause": "13(b)(2)(A)(iii)", "detail": {"function": "preserve", "hold_id": 1}}'), '{"action": "hold"}');
	PERFORM outcome(happens(30, '{"action": "hold", "clause": "13(b)(2)(A)(iii)", "detail": {"function": "preserve", "hold_id": 2}}'), '{"action": "hold"}');
	PERFORM happens(('$next'::date - '$first'::date), '{"action": "request", "officer": "B", "purpose": "immigration_enforcement", "allowed": false, "sqlstate": "LP004", "clause": "13(d)(3)"}');
END
\$\$;
SQL
my $rows = value('COPY past TO stdout');
$node->safe_psql('city', "SET ctlpr.restore = on;\nCOPY ctlpr.audit_entry FROM stdin;\n$rows\n\\.\n");
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT'), ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA');
CREATE ROLE oversight; CREATE ROLE nobody_here;
SELECT ctlpr.bind_auditor('oversight', 'CT-NHPD');
INSERT INTO ctlpr.request_completion (request_seq, case_number, completed_by) SELECT p.seq, '26-9', 'x' FROM past p WHERE p.action = 'request' AND p.officer = 'A' AND p.case_number = 'pending';
-- one hold that was begun before and ended in it, one that is open, one that ended after it, one of another agency
INSERT INTO ctlpr.hold (relation, relation_name, agency_id, case_number, basis, clause, purpose, requested_by, approved_by, started_at, ended_at, outcome, purge_after, live_since)
SELECT 'past'::regclass, 'public.plate_reads', h.agency_id, h.case_number, h.basis, '13(b)(2)(A)(iii)', 'x', 'y', 'z', ('$first'::timestamp + h.begun * interval '1 day') AT TIME ZONE 'America/New_York',
	('$first'::timestamp + h.ended * interval '1 day') AT TIME ZONE 'America/New_York', CASE WHEN h.ended IS NOT NULL THEN 'no_charges' END, NULL, now()
FROM (VALUES ('CT-NHPD', 'h1', 'criminal_evidence', 20, NULL), ('CT-NHPD', 'h2', 'court_order', 30, 40), ('CT-NHPD', 'h3', 'criminal_evidence', -10, 95), ('CT-NHPD', 'h4', 'criminal_evidence', -20, -1), ('CT-HPD', 'h5', 'criminal_evidence', 1, NULL)) h (agency_id, case_number, basis, begun, ended);
INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, rows_deleted, owners, oldest_read_on, newest_read_on, started_at, progress_at, finished_at, certificate_seq)
SELECT 1, 'past'::regclass, 'public.plate_reads', t.at - interval '504 hours', t.at, 10, '{"CT-NHPD": 7, "CT-HPD": 3}', '$first'::date - 15, '$first'::date - 15, t.at, t.at, t.at + interval '1 s', (SELECT seq FROM past WHERE action = 'purge')
FROM (SELECT ('$first'::timestamp + interval '8 days') AT TIME ZONE 'America/New_York') t (at);
SQL

my $length = value("SELECT '$next'::date - '$first'::date");
my $open = $length - 20;
my $open3 = $length + 10;
sub pack_of { my ($agency, $condition, $role) = @_; return value(($role ? "SET ROLE $role; " : '') . "SELECT string_agg(concat_ws('|', section, item, coalesce(detail, '-'), count, coalesce(value, '-'), cardinality(evidence)), E'\\n' ORDER BY n) FROM ctlpr.quarterly_audit($agency, '$quarter') WITH ORDINALITY q (section, item, detail, count, value, evidence, n) WHERE $condition") }
my $outside = q(count > 0 AND section NOT IN ('log', 'now'));
my $days = sub { my @d = @_; my $m = 0; $m += $_ for @d; return sprintf('%.1f', $m / @d) };
is(pack_of("'CT-NHPD'", $outside), <<"ROWS" =~ s/\n\z//r, 'a quarter of an agency: access, refusals, sharing, what was held and for how long, what was purged');
access|searches|missing_person|2|-|2
access|searches|stolen_vehicle|2|-|2
access|searches by officer|A|2|-|2
access|searches by officer|B|2|-|2
access|searches by stated reason|stolen from a garage|3|-|3
access|searches by stated reason|(none stated)|1|-|1
access|searches whose case number is pending|missing_person|1|-|1
access|searches without a case number|stolen_vehicle|1|-|1
access|statements by basis|own|4|-|4
access|statements by kind|plate|4|-|4
access|statements in observe mode|would have been refused|1|-|1
access|break-glass|the index is corrupt|1|statements under it: 0|1
refusals|refused|13(d)(3)|1|LP004, request|1
sharing|accessed by another entity|CT-HPD|1|criminal_investigation, in_state|1
sharing|accessed by another entity in observe mode|CT-HPD|1||1
sharing|disclosed outside of the database|CT-HPD|1|stolen_vehicle, in_state|1
retention (A), number|holds begun|court_order|1|-|1
retention (A), number|holds begun|criminal_evidence|1|-|1
retention (A), number|holds ended|court_order|1|no_charges|1
retention (A), number|holds open at the end|criminal_evidence|2|-|1
retention (B), duration|ended hold|hold 2, court_order, case h2|10|days; ended: no_charges|1
retention (B), duration|open hold|hold 3, criminal_evidence, case h3|$open3|days; open|1
retention (B), duration|open hold|hold 1, criminal_evidence, case h1|$open|days; open|1
retention (B), duration|longest and mean of the holds|criminal_evidence|$open3|days; mean @{[$days->($open, $open3)]}|0
retention (B), duration|longest and mean of the holds|court_order|10|days; mean 10.0|0
purge|certificates of deletion|-|1|-|1
purge|reads deleted|-|7|-|0
purge|reads deleted late|-|7|longest, at most: 2 days 00:00:01|1
purge|certificates of erasure|-|1|bytes were there, at most: 02:00:00|1
purge|images acknowledged|deleted|4|-|1
ROWS
is(value("SELECT string_agg(DISTINCT item, ', ' ORDER BY item) FROM ctlpr.quarterly_audit('CT-NHPD', '$quarter') WHERE count = 0 AND section NOT IN ('log', 'now')"),
	'disclosed without a basis', 'what there was none of is said');
is(value("SELECT count(*) FROM ctlpr.quarterly_audit('CT-NHPD', '$quarter') q CROSS JOIN LATERAL unnest(q.evidence) s JOIN ctlpr.audit_entry e ON e.seq = s
	WHERE q.section IN ('access', 'refusals', 'sharing') AND (e.at < '$first America/New_York' OR e.at >= '$next America/New_York')"), 0, 'its evidence is of the quarter');

# Entries whose outcome never came, by number
is(value("SELECT concat_ws(' ', count, evidence) FROM ctlpr.quarterly_audit('CT-NHPD', '$quarter') WHERE item = 'entries without an outcome'"), value("SELECT format('%s {%s}', count(*), string_agg(seq::text, ',' ORDER BY seq DESC)) FROM past p WHERE entry = 'verdict' AND agency_id = 'CT-NHPD' AND action NOT IN ('request') AND at >= '$first America/New_York' AND NOT EXISTS (SELECT FROM past o WHERE o.of_seq = p.seq)"), 'entries without an outcome are named');

# The log: a sample of it is hashed anew, and the roots that were signed in the quarter are compared.
sub log_checks { return value("SELECT string_agg(concat_ws('|', item, regexp_replace(detail, ' of epoch.*', ''), count, value, evidence), E'\\n' ORDER BY n) FROM ctlpr.quarterly_audit('CT-NHPD', '$quarter') WITH ORDINALITY q (section, item, detail, count, value, evidence, n) WHERE section = 'log' AND (item LIKE '%checkpoint%' OR item LIKE '%hashed%')") }
my ($low, $high, $entries) = split /\|/, value("SELECT min(seq), max(seq), count(*) FROM past WHERE at >= '$first America/New_York' AND at < '$next America/New_York'");
like(log_checks(), qr/\Acheckpoints signed\|0\|\{\}\nfirst entries, hashed anew\|entries $low to $high\|\d+\|as they were\|\{$low,$high\}\nlast entries, hashed anew\|entries $low to $high\|\d+\|as they were\|\{$low,$high\}\z/, 'a log that nobody signed is hashed anew');
# Signed now, and moved into the quarter: when it was signed is in no signature.
value('SELECT ctlpr.audit_checkpoint()');
value("SELECT ctlpr.record_event('test')");
value('SELECT ctlpr.audit_checkpoint()');
value("SELECT ctlpr.record_event('test')");
value('SELECT ctlpr.audit_checkpoint()');
$node->safe_psql('city', "UPDATE ctlpr.checkpoint c SET signed_at = ('$first'::timestamp + n * interval '1 day') AT TIME ZONE 'America/New_York' FROM (SELECT size, row_number() OVER (ORDER BY size) AS n FROM ctlpr.checkpoint) k WHERE k.size = c.size");
my @sizes = split /\n/, value('SELECT size FROM ctlpr.checkpoint ORDER BY size');
my $count = @sizes;
cmp_ok($count, '>=', 3, 'the log was signed');
like(log_checks(), qr/\Acheckpoints signed\|$count\|\{\}\nfirst checkpoint\|size $sizes[0]\|1\|the log has this root\|\{$sizes[0]\}\nlast checkpoint\|size $sizes[-1]\|1\|the log has this root\|\{$sizes[-1]\}\nfirst entries.*as they were.*\nlast entries.*as they were/, 'one that was signed is compared with the first and the last checkpoint of the quarter');
is(value("SELECT count(*) FROM ctlpr.quarterly_audit('CT-NHPD', '$quarter') WHERE detail LIKE '%root ' || (SELECT encode(root, 'hex') FROM ctlpr.checkpoint WHERE size = $sizes[-1])"), 1, '... whose root is told');
my $root = value("SELECT encode(root, 'hex') FROM ctlpr.checkpoint WHERE size = $sizes[0]");
$node->safe_psql('city', "UPDATE ctlpr.checkpoint SET root = sha256('x') WHERE size = $sizes[0]");
like(log_checks(), qr/first checkpoint\|size $sizes[0]\|1\|the log has another root\|\{$sizes[0]\}\nlast checkpoint\|size $sizes[-1]\|1\|the log has this root/, '... and a log that has another root than was signed is told');
$node->safe_psql('city', "INSERT INTO ctlpr.checkpoint SELECT max(epoch), 10, sha256('x'), '$first America/New_York'::timestamptz, 'forged' FROM ctlpr.checkpoint");
like(log_checks(), qr/first checkpoint\|size 10\|1\|the log has another root\|\{10\}\n.*\nfirst entries, hashed anew\|[^|]*\|\d+\|entry \d+ is not as it was\|\{\d+\}/, '... and entries that do not hash to it');
$node->safe_psql('city', 'DELETE FROM ctlpr.checkpoint WHERE size = 10');
$node->safe_psql('city', "UPDATE ctlpr.checkpoint SET root = '\\x$root', epoch = -1 WHERE size = $sizes[0]");
like(log_checks(), qr/first checkpoint\|size $sizes[0]\|1\|of an epoch before a fork of the log: not compared\|/, '... but not what was signed before a fork');
$node->safe_psql('city', 'DELETE FROM ctlpr.checkpoint WHERE epoch = -1');

# The state now: findings that are open, and the review, once it is registered
like(pack_of("'CT-NHPD'", q(section = 'now')), qr/now\|finding: missing_review\|no audit of the log is registered for CT-NHPD and quarter $quarter[^|]*\|1\|violation, 14\(a\)\(6\)\|2/, 'findings that are open are in it, with their entries');
value("SET ROLE oversight; SELECT ctlpr.record_review('CT-NHPD', '$quarter', reviewer => 'Captain B', conclusion => 'one search without a case')");
like(pack_of("'CT-NHPD'", q(section = 'now')), qr/now\|review registered\|CT-NHPD\|1\|Captain B, [0-9-]+, one search without a case\|0/, '... and that it was reviewed');
unlike(pack_of("'CT-NHPD'", q(section = 'now')), qr/missing_review\|[^|]*$quarter/, '... which is no finding any more');

# The same whenever it is made, whoever of its auditors makes it
my $own = pack_of("'CT-NHPD'", $outside);
is(pack_of("'CT-NHPD'", $outside, 'oversight'), $own, 'an auditor of the agency has it');
value("UPDATE ctlpr.hold SET ended_at = now(), outcome = 'final_disposition' WHERE case_number = 'h1'");
is(pack_of("'CT-NHPD'", $outside), $own, 'what ends later was open at the end of the quarter');
is(value("SELECT count(*) FROM ctlpr.quarterly_audit(NULL, '$quarter') WHERE item = 'searches by officer' AND detail = 'H' AND count = 2"), 1, 'that of all agencies has the searches of all');
is(value("SELECT concat_ws('|', detail, count, value, cardinality(evidence)) FROM ctlpr.quarterly_audit(NULL, '$quarter') WHERE item = 'break-glass'"), 'the index is corrupt|1|statements under it: 0|1', '... and break-glass') ;
is(value("SELECT sum(count) FROM ctlpr.quarterly_audit(NULL, '$quarter') WHERE item = 'statements by basis'"), value("SELECT count(*) FROM ctlpr.audit_log l WHERE l.action = 'select' AND (l.allowed OR NOT l.enforced) AND l.relation_name IS NOT NULL AND l.at >= '$first America/New_York' AND l.at < '$next America/New_York'"), '... as audit_log has them');
is(value("SELECT concat_ws(' ', j -> 'agency' ->> 'agency_id', j ->> 'quarter', j ->> 'complete', (j -> 'log' ->> 'last_seq')::bigint = $high, jsonb_array_length(j -> 'rows') > 30) FROM ctlpr.quarterly_audit_json('CT-NHPD', '$quarter') j"), "CT-NHPD $quarter true t t", 'as JSON it has a head that ties it to the log');

sub refused
{
	my ($sql, $state, $text, $name) = @_;
	my (undef, undef, $error) = $node->psql('city', "\\set VERBOSITY verbose\n$sql");
	return like($error, qr/ERROR:  $state: $text/, $name);
}
my $this = value(q(SELECT to_char(now() AT TIME ZONE 'America/New_York', 'YYYY"Q"Q')));
for my $function (qw(quarterly_audit quarterly_audit_json))
{
	refused("SET ROLE oversight; SELECT ctlpr.$function('CT-HPD', '$quarter')", 42501, 'the role audits other agencies', "$function: an auditor of one agency has none of another");
	refused("SET ROLE oversight; SELECT ctlpr.$function(NULL, '$quarter')", 42501, 'the role does not audit all agencies', '... nor that of all');
	refused("SET ROLE nobody_here; SELECT ctlpr.$function('CT-HPD', '$quarter')", 42501, "permission denied for function $function", '... and nobody else any');
	refused("SELECT ctlpr.$function('CT-NHPD', '2026Q5')", 22023, 'argument "quarter" names no quarter', '... none of a fifth quarter');
	refused("SELECT ctlpr.$function('CT-NHPD', '2199Q1')", 22023, 'quarter 2199Q1 has not begun', '... nor of one to come');
	refused("SELECT ctlpr.$function('CT-NHPD', '2001Q1')", 55000, 'the log holds nothing of quarter 2001Q1', '... nor of one before the log');
	refused("SELECT ctlpr.$function('MA-BPD', '$quarter')", 22023, 'agency "MA-BPD" is no agency of CT', '... nor of an agency of another state');
}
my (undef, undef, $notice) = $node->psql('city', "SELECT count(*) FROM ctlpr.quarterly_audit('CT-NHPD', '$this')");
like($notice, qr/NOTICE:  quarter $this is not over/, 'one that is not over is said to be');
$node->stop;
done_testing();
