# The annual report has every figure of 15(a), counted from the log of the year alone, the same at every later call; who may have it, and the finding where none was sent: 15(a) to (c).
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

# The log of last year, and of the one before, comes from a dump into an empty one.
my $year = value(q(SELECT extract(year FROM now() AT TIME ZONE 'America/New_York')::int - 1));
my ($before, $now_year) = ($year - 1, $year + 1);
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
CREATE TABLE past (LIKE ctlpr.audit_entry);
-- happens(at, what) - an entry of that time in Connecticut; outcome(seq, what) - what came of it, a second later
CREATE FUNCTION happens(at text, what jsonb) RETURNS bigint LANGUAGE sql AS \$\$
	INSERT INTO past SELECT (jsonb_populate_record(NULL::past, '{"entry": "verdict", "allowed": true, "enforced": true, "agency_kind": "police", "agency_state": "CT"}'::jsonb || what
		|| jsonb_build_object('seq', (SELECT coalesce(max(seq), 0) + 1 FROM past), 'at', at::timestamp AT TIME ZONE 'America/New_York'))).* RETURNING seq
\$\$;
CREATE FUNCTION outcome(of_seq bigint, what jsonb) RETURNS bigint LANGUAGE sql AS \$\$
	INSERT INTO past SELECT (jsonb_populate_record(NULL::past, '{"entry": "outcome", "action": "select", "outcome": "ok"}'::jsonb || what
		|| jsonb_build_object('seq', (SELECT max(seq) + 1 FROM past), 'of_seq', \$1, 'at', (SELECT p.at + interval '1 s' FROM past p WHERE p.seq = \$1)))).* RETURNING seq
\$\$;
-- search(at, request, statement, outcome) - a request and one statement under it
CREATE FUNCTION search(at text, request jsonb, statement jsonb, came jsonb) RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE
	r bigint := happens(at, '{"action": "request"}'::jsonb || request);
BEGIN
	PERFORM outcome(happens(at, '{"action": "select", "relation": "public.plate_reads", "search_kind": "plate", "plates": ["SECRET1"]}'::jsonb || request || statement || jsonb_build_object('request_seq', r)), came);
	RETURN r;
END
\$\$;
SQL
value(<<SQL);
DO \$\$
DECLARE
	y text := '$year-';
	r bigint;
	nh jsonb := '{"agency_id": "CT-NHPD", "purpose": "stolen_vehicle", "offense": "Motor Vehicle Theft/Stolen", "officer": "SECRET", "reason": "plate SECRET1", "basis": "own"}';
	hp jsonb := '{"agency_id": "CT-HPD", "purpose": "criminal_investigation", "case_number": "26-1", "offense": "SECRET9 and more", "basis": "in_state"}';
	ma jsonb := '{"agency_id": "MA-BPD", "agency_state": "MA", "purpose": "criminal_investigation", "case_number": "b", "basis": "declaration"}';
	tx jsonb := '{"agency_id": "TX-HPD", "agency_state": "TX", "purpose": "criminal_investigation", "basis": "probable_cause_warrant"}';
BEGIN
	/* the year before: a session's request that was used on both sides of midnight, one that was used after it only, a standing request */
	PERFORM happens('$before-06-01 12:00', '{"agency_id": "CT-NHPD", "action": "request", "purpose": "missing_person"}');
	PERFORM outcome(happens('$before-07-01 12:00', '{"agency_id": "CT-QUIET", "action": "configuration", "detail": {"function": "set_agency_option"}}'), '{"action": "configuration"}');
	r := search('$before-12-31 23:50', nh, '{}', '{"owners": ["CT-NHPD"], "owner_rows": [1], "oldest_age_days": 1}');
	PERFORM happens('$before-12-31 23:57', '{"agency_id": "CT-NHPD", "action": "configuration", "purpose": "parking_enforcement", "detail": {"function": "standing_request"}}');
	PERFORM happens('$before-12-31 23:58', nh || '{"action": "request", "purpose": "missing_person"}');
	PERFORM happens('$before-12-31 23:59:59.999999', '{"agency_id": "CT-NHPD", "action": "request", "purpose": "stolen_vehicle", "allowed": false, "sqlstate": "LP005", "clause": "13(d)(8)"}');
	/* the first instant of the year, in Connecticut */
	PERFORM happens(y || '01-01 00:00', '{"agency_id": "CT-NHPD", "action": "request", "purpose": "see SECRET1", "allowed": false, "sqlstate": "LP003", "clause": "13(b)(1)"}');
	PERFORM outcome(happens(y || '01-01 00:05', nh || jsonb_build_object('action', 'select', 'relation', 'public.plate_reads', 'request_seq', r)), '{}');
	PERFORM outcome(happens(y || '01-01 00:06', nh || jsonb_build_object('action', 'select', 'relation', 'public.plate_reads', 'purpose', 'missing_person', 'request_seq', (SELECT max(seq) FROM past WHERE action = 'request' AND purpose = 'missing_person'))), '{}');
	PERFORM outcome(happens(y || '01-01 00:07', nh || jsonb_build_object('action', 'select', 'relation', 'public.plate_reads', 'purpose', 'parking_enforcement', 'request_seq', (SELECT max(seq) FROM past WHERE purpose = 'parking_enforcement'))), '{}');
	/* searches */
	r := search(y || '02-01 08:00', nh, '{}', '{"owners": ["CT-NHPD"], "owner_rows": [5], "oldest_age_days": 3}');
	PERFORM outcome(happens(y || '02-01 08:01', nh || jsonb_build_object('action', 'select', 'relation', 'public.plate_reads', 'request_seq', r)), '{"owners": ["CT-NHPD"], "owner_rows": [5], "oldest_age_days": 14}');
	PERFORM search(y || '03-01 09:00', hp, '{}', '{"owners": ["CT-HPD", "CT-NHPD"], "owner_rows": [0, 2], "oldest_age_days": 13}');
	PERFORM search(y || '03-02 09:00', ma, '{}', '{"owners": ["CT-HPD", "CT-NHPD"], "owner_rows": [4, 2], "oldest_age_days": 2}');
	PERFORM search(y || '03-03 09:00', tx, '{}', '{"owners": ["CT-NHPD"], "owner_rows": [2], "oldest_age_days": 15}');
	PERFORM search(y || '03-04 09:00', nh || '{"on_behalf_of": "MA-BPD", "basis": "declaration"}', '{}', '{"owners": ["CT-NHPD"], "owner_rows": [1], "oldest_age_days": 2}');
	PERFORM search(y || '03-05 09:00', '{"agency_id": "VENDOR", "agency_kind": "vendor", "on_behalf_of": "CT-NHPD", "purpose": "parking_enforcement", "basis": "in_state"}', '{}', '{"owners": ["CT-NHPD"], "owner_rows": [1], "oldest_age_days": 12}');
	PERFORM search(y || '03-06 09:00', '{"agency_id": "VENDOR", "agency_kind": "vendor", "on_behalf_of": "CT-HPD", "purpose": "parking_enforcement", "basis": "in_state"}', '{}', '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	PERFORM search(y || '03-07 09:00', nh || '{"basis": "probable_cause_warrant", "offense": null}', '{}', '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	/* an instrument, but of no judge */
	PERFORM search(y || '03-03 10:00', tx || '{"basis": "terrorist_screening_match"}', '{}', '{"owners": ["CT-NHPD"], "owner_rows": [2], "oldest_age_days": 1}');
	/* no read of New Haven was touched */
	PERFORM search(y || '03-07 10:00', ma, '{}', '{"owners": ["CT-HPD", "CT-NHPD"], "owner_rows": [1, 0], "oldest_age_days": 15}');
	/* nothing ran under it; refused; ended in an error and no outcome at all: both of them ran */
	PERFORM happens(y || '03-08 09:00', nh || '{"action": "request"}');
	PERFORM happens(y || '03-09 09:00', nh || '{"action": "select", "allowed": false, "sqlstate": "LP001", "clause": "14(a)(6)", "purpose": null, "offense": null}');
	PERFORM search(y || '03-10 09:00', nh || '{"offense": " "}', '{}', '{"outcome": "error", "sqlstate": "57014"}');
	/* explained only */
	PERFORM search(y || '03-11 09:00', nh || '{"purpose": "outstanding_warrant"}', '{"action": "explain"}', '{}');
	/* break-glass and observe mode */
	r := happens(y || '04-01 09:00', '{"action": "break_glass", "reason": "SECRET1", "agency_kind": null, "agency_state": null}');
	PERFORM outcome(happens(y || '04-01 09:01', jsonb_build_object('action', 'select', 'relation', 'public.plate_reads', 'basis', 'break_glass', 'request_seq', r, 'agency_kind', NULL)), '{"owners": ["CT-NHPD"], "owner_rows": [9], "oldest_age_days": 20}');
	PERFORM search(y || '04-02 09:00', nh || '{"purpose": "missing_person"}', '{"enforced": false}', '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	PERFORM outcome(happens(y || '04-03 09:00', '{"action": "select", "relation": "public.plate_reads", "agency_id": "TX-HPD", "agency_state": "TX", "allowed": false, "enforced": false, "sqlstate": "LP001", "clause": "14(a)(6)"}'), '{"owners": ["CT-NHPD"], "owner_rows": [3], "oldest_age_days": 14}');
	/* hotlists */
	PERFORM search(y || '05-01 09:00', nh || '{"purpose": "hotlist_comparison", "offense": null}', '{"action": "insert"}', '{"owners": ["CT-NHPD"], "owner_rows": [1]}');
	PERFORM outcome(happens(y || '05-01 09:01', '{"action": "hotlist", "agency_id": "CT-NHPD", "purpose": "hotlist_comparison", "detail": {"function": "match_hotlist", "sources": ["local", "ncic"], "hits": 2}}'), '{"action": "hotlist"}');
	PERFORM outcome(happens(y || '05-01 09:02', '{"action": "hotlist", "agency_id": "CT-NHPD", "purpose": "hotlist_comparison", "detail": {"function": "match_hotlist", "sources": [], "hits": 0}}'), '{"action": "hotlist"}');
	PERFORM outcome(happens(y || '05-01 09:03', '{"action": "hotlist", "agency_id": "CT-NHPD", "purpose": "hotlist_comparison", "detail": {"function": "match_at_ingest", "sources": ["ncic"], "plates_matched": 2}}'), '{"action": "hotlist"}');
	/* passed on */
	PERFORM happens(y || '06-01 09:00', '{"action": "disclosure", "agency_id": "CT-NHPD", "purpose": "stolen_vehicle", "reason": "SECRET1", "clause": "13(d)(6)(B)", "detail": {"function": "record_disclosure", "recipient_agency": "MA-BPD", "basis": "declaration", "owners": ["CT-HPD"]}}');
	PERFORM happens(y || '06-02 09:00', '{"action": "disclosure", "agency_id": "CT-HPD", "purpose": "stolen_vehicle", "clause": "13(d)(6)(C)", "detail": {"function": "record_disclosure", "recipient_agency": "TX-HPD", "basis": "probable_cause_warrant", "owners": ["CT-HPD", "CT-NHPD"]}}');
	PERFORM happens(y || '06-03 09:00', '{"action": "disclosure", "agency_id": "CT-NHPD", "purpose": "stolen_vehicle", "allowed": false, "sqlstate": "LP006", "clause": "13(d)(6)(C)", "detail": {"function": "record_disclosure", "recipient_agency": "TX-HPD", "basis": null, "owners": null}}');
	/* a certificate; sites; changes of the rules, one of them rolled back */
	PERFORM happens(y || '07-01 09:00', '{"action": "purge", "agency_kind": null, "relation": "public.plate_reads", "detail": {"run_id": 1, "rows_deleted": 10, "owners": {"CT-NHPD": 7, "CT-HPD": 3}}}');
	PERFORM happens(y || '07-02 09:00', '{"action": "configuration", "agency_id": "CT-NHPD", "allowed": false, "sqlstate": "LP014", "clause": "13(d)(5)", "detail": {"function": "activate_camera", "camera_id": "C1", "site_id": 1}}');
	PERFORM happens(y || '07-03 09:00', '{"action": "insert", "agency_id": "CT-NHPD", "allowed": false, "sqlstate": "LP014", "clause": "13(d)(5)"}');
	PERFORM outcome(happens(y || '08-01 09:00', '{"action": "configuration", "agency_id": "MA-BPD", "agency_state": "MA", "detail": {"function": "file_declaration"}}'), '{"action": "configuration"}');
	PERFORM outcome(happens(y || '08-02 09:00', '{"action": "configuration", "agency_id": "CT-NHPD", "detail": {"function": "limit_sharing"}}'), '{"action": "configuration"}');
	PERFORM outcome(happens(y || '08-03 09:00', '{"action": "configuration", "agency_id": "CT-NHPD", "detail": {"function": "limit_sharing"}}'), '{"action": "configuration", "outcome": "error", "sqlstate": "40000"}');
	PERFORM outcome(happens(y || '08-04 09:00', '{"action": "configuration", "detail": {"function": "govern"}}'), '{"action": "configuration"}');
	PERFORM outcome(happens(y || '08-05 09:00', '{"action": "configuration", "agency_id": "CT-NHPD", "detail": {"function": "bind_role"}}'), '{"action": "configuration"}');
	PERFORM outcome(happens(y || '08-06 09:00', '{"action": "configuration", "agency_id": "CT-HPD", "detail": {"function": "set_agency_option"}}'), '{"action": "configuration"}');
	PERFORM outcome(happens(y || '08-07 09:00', '{"action": "configuration", "agency_id": "CT-NHPD", "detail": {"function": "a_rule_to_come"}}'), '{"action": "configuration"}');
	/* the log was read */
	PERFORM outcome(happens(y || '09-01 09:00', '{"action": "select", "agency_id": "CT-NHPD", "relation": "ctlpr.audit_entry"}'), '{}');
	/* the last instant, and the first after */
	PERFORM happens(y || '12-31 23:59:59.999999', '{"agency_id": "CT-NHPD", "action": "request", "purpose": "immigration_enforcement", "allowed": false, "sqlstate": "LP004", "clause": "13(d)(3)"}');
	PERFORM happens('$now_year-01-01 00:00', '{"agency_id": "CT-NHPD", "action": "request", "purpose": "immigration_enforcement", "allowed": false, "sqlstate": "LP004", "clause": "13(d)(3)"}');
END
\$\$;
SQL
my $rows = value('COPY past TO stdout');
$node->safe_psql('city', "SET ctlpr.restore = on;\nCOPY ctlpr.audit_entry FROM stdin;\n$rows\n\\.\n");
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT'), ctlpr.register_agency('CT-QUIET', 'Quiet Police', 'police', 'CT'),
	ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA'), ctlpr.register_agency('TX-HPD', 'Houston Police', 'police', 'TX'), ctlpr.register_agency('VENDOR', 'Readers Inc.', 'vendor', 'CT');
CREATE ROLE oversight; CREATE ROLE attorney_general; CREATE ROLE unbound_auditor IN ROLE ctlpr_auditor; CREATE ROLE nobody_here; CREATE ROLE legal IN ROLE ctlpr_registrar;
SELECT ctlpr.bind_auditor('oversight', 'CT-NHPD'), ctlpr.bind_auditor('attorney_general');
INSERT INTO ctlpr.ingest_count VALUES ('public.plate_reads', 'CT-NHPD', '$before-12-31', 1000), ('public.plate_reads', 'CT-NHPD', '$year-01-01', 200), ('public.plate_reads', 'CT-NHPD', '$year-12-31', 30),
	('public.plate_reads', 'CT-NHPD', '$now_year-01-01', 4), ('public.plate_reads', 'CT-HPD', '$year-06-01', 5000);
-- deleted 27 hours after the oldest may have expired; an hour and a half after the run before; in time; the year before
INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, rows_deleted, owners, oldest_read_on, newest_read_on, started_at, progress_at, finished_at, certificate_seq)
SELECT n, 'past'::regclass, 'public.plate_reads', t.at - interval '504 hours', t.at, 10, '{"CT-NHPD": 7, "CT-HPD": 3}', t.oldest, t.oldest, t.at, t.at, t.at + interval '1 s', NULL
FROM (VALUES (1, '$year-05-02 03:00 America/New_York'::timestamptz, '$year-04-10'::date), (2, '$year-05-02 04:30 America/New_York', '$year-04-11'), (3, '$year-05-02 04:31 America/New_York', '$year-04-11'),
			 (4, '$before-05-02 04:31 America/New_York', '$before-03-11')) t (n, at, oldest);
SQL

# report(agency, year) - rows of it; an item of which there is nothing is left out of what is compared, and counted
sub rows_of { my ($agency, $y, $role) = @_; return ($role ? "SET ROLE $role; " : '') . "SELECT string_agg(concat_ws('|', clause, item, coalesce(entity, '-'), coalesce(reason, '-'), count), E'\\n' ORDER BY n) FROM ctlpr.annual_report($agency, $y) WITH ORDINALITY r (clause, item, entity, reason, count, n)" }
my $report = value(rows_of("'CT-NHPD'", $year));
my @zero = grep { /\|0$/ } split /\n/, $report;
is(join("\n", grep { !/\|0$/ } split /\n/, $report), <<'ROWS' =~ s/\n\z//r, 'every figure of an agency is counted from what happened in the year');
15(a)(1)(A)|plates scanned|-|-|230
15(a)(1)(A)|reads deleted by the purge|-|-|7
15(a)(1)(B)|searches|-|missing_person|1
15(a)(1)(B)|searches|-|parking_enforcement|1
15(a)(1)(B)|searches|-|stolen_vehicle|4
15(a)(1)(B)|searches, by offense|-|none stated|3
15(a)(1)(B)|searches, by offense|-|stolen vehicle|3
15(a)(1)(B)|searches in observe mode|-|missing_person|1
15(a)(1)(B)|requests without a statement|-|outstanding_warrant|1
15(a)(1)(B)|requests without a statement|-|stolen_vehicle|1
15(a)(1)(B)|requests refused|-|13(b)(1)|1
15(a)(1)(B)|requests refused|-|13(d)(3)|1
15(a)(1)(B)|statements|-|missing_person|1
15(a)(1)(B)|statements|-|parking_enforcement|1
15(a)(1)(B)|statements|-|stolen_vehicle|6
15(a)(1)(B)|statements refused|-|13(d)(5)|1
15(a)(1)(B)|statements refused|-|14(a)(6)|1
15(a)(1)(B)|statements under standing requests|-|parking_enforcement|1
15(a)(1)(B)|statements under break-glass|-|-|1
15(a)(1)(B)|statements in observe mode|-|allowed|1
15(a)(1)(B)|statements for hotlist comparison|-|hotlist_comparison|1
15(a)(1)(B)|hotlist comparisons|-|local|1
15(a)(1)(B)|hotlist comparisons|-|ncic|1
15(a)(1)(B)|hotlist comparisons|-|no list in force|1
15(a)(1)(B)|hotlist matches at ingest|-|ncic|1
15(a)(1)(C)|accessed by another entity|CT-HPD|criminal_investigation|1
15(a)(1)(C)|accessed by another entity|CT-HPD|parking_enforcement|1
15(a)(1)(C)|accessed by another entity|MA-BPD|criminal_investigation|1
15(a)(1)(C)|accessed by another entity|MA-BPD|stolen_vehicle|1
15(a)(1)(C)|accessed by another entity|TX-HPD|criminal_investigation|2
15(a)(1)(C)|accessed by another entity|administrator (break-glass)|-|1
15(a)(1)(C)|accessed by another entity, by basis|CT-HPD|in_state|2
15(a)(1)(C)|accessed by another entity, by basis|MA-BPD|declaration|2
15(a)(1)(C)|accessed by another entity, by basis|TX-HPD|probable_cause_warrant|1
15(a)(1)(C)|accessed by another entity, by basis|TX-HPD|terrorist_screening_match|1
15(a)(1)(C)|accessed by another entity, by basis|administrator (break-glass)|break_glass|1
15(a)(1)(C)|accessed by another entity in observe mode|TX-HPD|-|1
15(a)(1)(C)|disclosed outside of the database|MA-BPD|stolen_vehicle|1
15(a)(1)(C)|disclosed outside of the database|TX-HPD|stolen_vehicle|1
15(a)(1)(C)|disclosed without a basis|TX-HPD|13(d)(6)(C)|1
15(a)(1)(D)|shared or accessed under a judicial warrant|TX-HPD|probable_cause_warrant|2
15(a)(1)(D)|own access under a judicial warrant|-|probable_cause_warrant|1
15(a)(1)(E)|reads deleted late|-|more than a day|7
15(a)(1)(E)|reads deleted late|-|up to a day|7
15(a)(1)(F)|collection requested at a protected site|-|activate_camera|1
15(a)(1)(F)|collection requested at a protected site|-|read of a barred camera|1
15(a)(1)(G)|accessed on or after the 14th day|CT-NHPD|stolen_vehicle|1
15(a)(1)(G)|accessed on or after the 14th day|TX-HPD|criminal_investigation|1
15(a)(1)(G)|accessed on or after the 14th day|TX-HPD|observe mode|1
15(a)(1)(G)|accessed on or after the 14th day|administrator (break-glass)|break_glass|1
15(a)(1)(G)|accessed in the 24 hours before 14 full days|CT-HPD|criminal_investigation|1
15(a)(2)|collection rules changed|-|govern|1
15(a)(2)|sharing rules changed|-|limit_sharing|1
15(a)(2)|sharing rules changed|MA-BPD|file_declaration|1
15(a)(2)|other rules changed|-|a_rule_to_come|1
ROWS
is(join("\n", @zero), <<'ROWS' =~ s/\n\z//r, '... and an item of which there is nothing says so');
15(a)(1)(B)|hotlists handed to a matcher|-|-|0
15(a)(1)(E)|expired reads present when the report was made|-|-|0
15(a)(1)(E)|copies kept too long|-|-|0
15(a)(2)|retention rules changed|-|-|0
15(a)(2)|screening rules changed|-|-|0
15(a)(2)|statute changed|-|-|0
15(a)(2)|policy registered|-|-|0
ROWS
unlike($report . value("SELECT ctlpr.annual_report_json('CT-NHPD', $year)::text"), qr/SECRET/, 'nothing that somebody typed is in it');

# Others count the same from the views.
my $span = "l.at >= '$year-01-01 America/New_York' AND l.at < '$now_year-01-01 America/New_York'";
sub total { my ($item, $more) = @_; return value("SELECT sum(count) FROM ctlpr.annual_report(NULL, $year) WHERE item = '$item'" . ($more // '')) }
is(total('statements'), value("SELECT count(*) FROM ctlpr.audit_log l JOIN ctlpr.audit_log r ON r.seq = l.request_seq AND r.action = 'request' WHERE $span AND l.action IN ('select', 'insert') AND l.allowed AND l.enforced AND l.purpose <> 'hotlist_comparison'"), 'statements of all agencies, by audit_log');
is(total('searches'), value("SELECT count(*) FROM (SELECT l.request_seq, min(l.at) AS at FROM ctlpr.audit_log l JOIN ctlpr.audit_log r ON r.seq = l.request_seq AND r.action = 'request' WHERE l.action = 'select' AND l.allowed AND l.enforced GROUP BY 1) l WHERE $span"), 'searches of all agencies, by audit_log: requests whose first statement ran in the year');
is(total('accessed by another entity'), value("SELECT count(DISTINCT l.seq) FROM ctlpr.disclosures l WHERE $span AND l.action <> 'disclosure'"), 'access by others, by disclosures');
is(total('disclosed outside of the database'), value("SELECT count(DISTINCT l.seq) FROM ctlpr.disclosures l WHERE $span AND l.action = 'disclosure'"), 'disclosures outside of the database, by disclosures');
is(total('requests refused') + total('statements refused') + total('disclosed without a basis'), value("SELECT count(*) FROM ctlpr.refusals l WHERE $span AND l.enforced AND l.action <> 'configuration'"), 'refusals, by refusals');
is(total('reads deleted by the purge'), value("SELECT sum(p.rows_deleted) FROM ctlpr.purges p JOIN ctlpr.audit_log l ON l.seq = p.seq WHERE $span"), 'reads deleted, by purges');
is(total('collection requested at a protected site'), value("SELECT count(*) FROM ctlpr.camera_requests_at_sites l WHERE $span"), 'requests at protected sites, by camera_requests_at_sites');
is(total('accessed on or after the 14th day'), value("SELECT count(*) FROM ctlpr.audit_log l WHERE $span AND l.oldest_age_days >= 14"), 'access on or after the 14th day, by audit_log');

# What happens later changes nothing of a year that is over.
my $digest = "SELECT md5(string_agg(r::text, ';' ORDER BY n)) FROM ctlpr.annual_report(\%s, $year) WITH ORDINALITY r (clause, item, entity, reason, count, n)";
my @first = map { value(sprintf($digest, $_)) } "'CT-NHPD'", 'NULL';
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
CREATE TABLE plate_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
CREATE ROLE nhpd; CREATE ROLE hpd;
GRANT ALL ON plate_reads TO nhpd, hpd;
SELECT ctlpr.bind_role('nhpd', 'CT-NHPD', may_ingest => true), ctlpr.bind_role('hpd', 'CT-HPD'), ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id');
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 1), ctlpr.forbid_purpose('CT-NHPD', 'missing_person', 'a policy');
SET ROLE nhpd;
INSERT INTO plate_reads SELECT now() - n * interval '1 hour', 'SECRET' || n, 'CT-NHPD' FROM generate_series(1, 10) n;
SET ROLE hpd;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1', offense => 'Robbery of SECRET1');
SELECT count(*) FROM plate_reads;
COMMIT;
SQL
await_log($node, 'city', "entry = 'outcome' AND 'CT-NHPD' = ANY (owners) AND at > now() - interval '1 hour'");
is_deeply([map { value(sprintf($digest, $_)) } "'CT-NHPD'", 'NULL'], \@first, 'the report of a year that is over is the same at any later call');
my $running = value(rows_of("'CT-NHPD'", $now_year));
like($running, qr/^15\(a\)\(1\)\(B\)\|requests refused\|-\|13\(d\)\(3\)\|1$/m, 'what came with the next year is in the next report');
like($running, qr/^15\(a\)\(1\)\(C\)\|accessed by another entity\|CT-HPD\|stolen_vehicle\|1$/m, '... and what happens now, as it is recorded');
like($running, qr/^15\(a\)\(1\)\(A\)\|plates scanned\|-\|-\|1[04]$/m, '... reads that came in too');
like(value(rows_of("'CT-HPD'", $now_year)), qr/^15\(a\)\(1\)\(B\)\|searches, by offense\|-\|robbery\|1$/m, '... with the offense as a category');
unlike($running, qr/SECRET/, '... and nothing that somebody typed');

# What has expired and is there still is told of the year in which it expired, and of each after.
$node->safe_psql('city', <<SQL);
SET client_min_messages = warning;
CREATE TABLE old_reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
INSERT INTO old_reads SELECT '$year-06-01 12:00 America/New_York', 'SECRET' || n FROM generate_series(1, 3) n;
INSERT INTO old_reads SELECT '$year-12-20 12:00 America/New_York', 'SECRET' || n FROM generate_series(1, 2) n;
SELECT ctlpr.govern('old_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
SQL
sub present { return value("SELECT sum(count) FROM ctlpr.annual_report($_[0], $_[1]) WHERE item = 'expired reads present when the report was made'") }
my $expired = value("SELECT CASE WHEN now() > '$year-12-20 12:00 America/New_York'::timestamptz + interval '504 hours' THEN 5 ELSE 3 END");
is(join(' ', present("'CT-NHPD'", $before), present("'CT-NHPD'", $year), present("'CT-NHPD'", $now_year), present("'CT-HPD'", $now_year), present('NULL', $now_year)), "0 3 $expired 0 $expired", 'expired reads that are there when the report is made are in it');
$node->safe_psql('city', "SELECT ctlpr.release('old_reads', 'the test goes on')");

# Who may have it; making it is a reading of the log.
is(value(rows_of("'CT-NHPD'", $year, 'oversight')), $report, 'an auditor of the agency gets the same');
is(log_value($node, 'city', 'count(*) > 0', "entry = 'verdict' AND relation = 'ctlpr.audit_entry' AND role = 'oversight' AND action = 'select'"), 't', '... which is recorded as a reading of the log');
sub refused
{
	my ($sql, $state, $text, $name) = @_;
	my (undef, undef, $error) = $node->psql('city', "\\set VERBOSITY verbose\n$sql");
	return like($error, qr/ERROR:  $state: $text/, $name) && like($error, qr/HINT/, '... with a way out');
}
for my $function (qw(annual_report annual_report_json annual_report_csv))
{
	refused("SET ROLE oversight; SELECT ctlpr.$function('CT-HPD', $year)", 42501, 'the role audits other agencies', "$function: an auditor of one agency has none of another");
	refused("SET ROLE oversight; SELECT ctlpr.$function(NULL, $year)", 42501, 'the role does not audit all agencies', '... nor that of all');
	refused("SET ROLE unbound_auditor; SELECT ctlpr.$function('CT-HPD', $year)", 42501, 'the role audits other agencies', '... nor one who audits no agency');
	my (undef, undef, $error) = $node->psql('city', "SET ROLE nobody_here; SELECT ctlpr.$function('CT-HPD', $year)");
	like($error, qr/permission denied for function $function/, '... and nobody else may call it');
}
is(log_value($node, 'city', "string_agg(DISTINCT concat_ws(' ', role, agency_id, clause, sqlstate, detail ->> 'report'), ', ')", "entry = 'verdict' AND action = 'report' AND role = 'oversight'"),
	"oversight 13(e)(1) 42501 year $year, oversight CT-HPD 13(e)(1) 42501 year $year", 'who was refused is on record');
is(value("SET ROLE attorney_general; SELECT count(*) > 30 FROM ctlpr.annual_report(NULL, $year)"), 't', 'an auditor of all agencies has that of all');

# No report
refused("SELECT ctlpr.annual_report('CT-NONE', $year)", 42704, 'agency "CT-NONE" is not registered', 'none of an agency that nobody registered');
refused("SELECT ctlpr.annual_report('MA-BPD', $year)", 22023, 'agency "MA-BPD" is no agency of CT', 'none of one of another state');
refused("SELECT ctlpr.annual_report('VENDOR', $year)", 22023, 'agency "VENDOR" is a vendor', 'none of a vendor');
refused("SELECT ctlpr.annual_report('CT-NHPD', $now_year + 1)", 22023, 'year \d+ has not begun', 'none of a year to come');
refused("SELECT ctlpr.annual_report('CT-NHPD', $before - 1)", 55000, 'the log holds nothing of year \d+', 'none of a year before the log: it would say that nothing happened');
refused("SELECT ctlpr.annual_report('CT-NHPD', NULL)", 22004, 'argument "year" must not be null', 'none without a year');
refused("SELECT ctlpr.annual_report('CT-NHPD', 26)", 22023, 'argument "year" names no year', 'nor with half of one');
sub notices { my (undef, undef, $error) = $node->psql('city', "SELECT count(*) FROM ctlpr.annual_report($_[0], $_[1])"); return join('; ', map { s/.*NOTICE:  //r } grep { /NOTICE/ } split /\n/, $error) }
is(notices("'CT-NHPD'", $year), '', 'a whole year of an agency needs no word');
is(notices("'CT-NHPD'", $now_year), "year $now_year is not over", 'one that is not over is said to be');
is(notices("'CT-NHPD'", $before), "the log covers year $before from $before-06-01 on only", '... and one in which the log began');
is(notices("'CT-QUIET'", $year), "no entry of the log in year $year is of agency \"CT-QUIET\"", '... and one in which the agency did nothing');
is(value("SELECT sum(count) FILTER (WHERE clause <> '15(a)(2)'), count(DISTINCT item) > 30 FROM ctlpr.annual_report('CT-QUIET', $year)"), '0|t', '... which has every item, and nothing of it');

# What vendors reported stands behind it, apart.
$node->safe_psql('city', <<SQL) if value("SELECT to_regclass('ctlpr.external_searches') IS NULL") eq 't';
CREATE TABLE ctlpr.external_audit (import_id bigint, source text, agency_id text);
CREATE TABLE ctlpr.external_search (import_id bigint, line_no bigint, searched_at timestamptz, searching_agency text, agency_id text, reason text, offense text, screen_action text, screen_category text, screen_clause text, vendor_id text);
CREATE VIEW ctlpr.external_searches AS SELECT s.import_id, s.line_no, a.source, a.agency_id AS audited_agency_id, s.searched_at, s.searching_agency, s.agency_id, s.reason, s.offense, s.vendor_id, s.screen_action, s.screen_category, s.screen_clause
	FROM ctlpr.external_search s JOIN ctlpr.external_audit a USING (import_id) WHERE ctlpr.auditor_sees(a.agency_id, NULL);
SQL
my %filled = map { $_ => 1 } split /\n/, value("SELECT attname FROM pg_attribute WHERE attrelid = 'ctlpr.external_audit'::regclass AND attnum > 0");
my ($more_columns, $more_values) = $filled{content_sha256} ? (', sha256, content_sha256, bytes, encoding, delimiter, form, columns', q(, sha256(i::text::bytea), sha256(i::text::bytea), 1, 'UTF8', ',', 'network audit', '{}')) : ('', '');
$node->safe_psql('city', <<SQL);
INSERT INTO ctlpr.external_audit (import_id, source, agency_id$more_columns) SELECT i, 'Vendor cloud', a$more_values FROM (VALUES (1, 'CT-NHPD'), (2, 'CT-NHPD'), (3, 'CT-HPD')) v (i, a);
INSERT INTO ctlpr.external_search (import_id, line_no, searched_at, searching_agency, agency_id, reason, offense, screen_action, screen_category, screen_clause, vendor_id) VALUES
	(1, 2, '$year-03-01 America/New_York', NULL, NULL, 'SECRET1', 'Burglary/Breaking & Entering', NULL, NULL, NULL, 'v1'),
	(1, 3, '$year-12-31 23:59:59 America/New_York', 'New Haven CT PD', 'CT-NHPD', 'x', NULL, NULL, NULL, NULL, NULL),
	(1, 4, '$now_year-01-01 America/New_York', NULL, NULL, 'x', NULL, NULL, NULL, NULL, NULL),
	(1, 5, '$year-04-01 America/New_York', 'Dallas TX PD', NULL, 'immigration', 'SECRET', 'refuse', 'immigration', '13(d)(3)', 'v2'),
	(2, 2, '$year-04-01 America/New_York', 'Dallas TX PD', NULL, 'immigration', 'SECRET', 'refuse', 'immigration', '13(d)(3)', 'v2'),
	(2, 4, '$year-03-01 America/New_York', NULL, NULL, 'SECRET1', 'Burglary/Breaking & Entering', NULL, NULL, NULL, 'v1'),
	(2, 3, '@{[$before - 1]}-04-01 America/New_York', 'Dallas TX PD', NULL, 'x', NULL, NULL, NULL, NULL, NULL),
	(3, 2, '$year-04-01 America/New_York', 'New Haven CT PD', 'CT-NHPD', 'x', NULL, NULL, NULL, NULL, NULL);
SQL
my $reported = <<'ROWS' =~ s/\n\z//r;
15(a)(1)(C)|searches by others in Vendor cloud (as reported by the vendor)|Dallas TX PD|other|1
15(a)(1)(B)|searches in Vendor cloud (as reported by the vendor)|-|burglary|1
15(a)(1)(B)|searches in Vendor cloud (as reported by the vendor)|-|none stated|1
13(d)(3)|searches in Vendor cloud whose reason was found by screening (as reported by the vendor)|Dallas TX PD|immigration|1
ROWS
is(value(rows_of("'CT-NHPD'", $year)), "$report\n$reported", 'what a vendor reported stands behind the figures of the log, as items of its own, and in none of them');
is(value(rows_of("'CT-NHPD'", $year, 'oversight')), "$report\n$reported", '... for an auditor of the agency too');
is(value(rows_of("'CT-NHPD'", $before - 1)), '15(a)(1)(C)|searches by others in Vendor cloud (as reported by the vendor)|Dallas TX PD|none stated|1', '... and alone for a year before the log');
refused("SELECT ctlpr.annual_report('CT-HPD', $before - 1)", 55000, 'the log holds nothing of year \d+', '... but for an agency of which nothing was reported');
is(value("SELECT concat_ws(' ', j ->> 'complete', j ->> 'covered_from', jsonb_array_length(j -> 'rows')) FROM ctlpr.annual_report_json('CT-NHPD', $before - 1) j"), 'false 1', '... which the JSON tells');
is(value("SELECT string_agg(concat_ws('|', coalesce(entity, '-'), reason, count), ', ' ORDER BY item, entity) FROM ctlpr.annual_report(NULL, $year) WHERE item LIKE 'searches by others in %'"), 'CT-NHPD|none stated|1, Dallas TX PD|other|1', '... and of all agencies');
$node->safe_psql('city', 'DELETE FROM ctlpr.external_search; DELETE FROM ctlpr.external_audit');

# JSON and CSV are the same rows.
is(value("SELECT string_agg(concat_ws('|', r ->> 'clause', r ->> 'item', coalesce(r ->> 'entity', '-'), coalesce(r ->> 'reason', '-'), r ->> 'count'), E'\\n' ORDER BY n) FROM jsonb_array_elements(ctlpr.annual_report_json('CT-NHPD', $year) -> 'rows') WITH ORDINALITY x (r, n)"), $report, 'the JSON has the same rows');
is(value("SELECT concat_ws(' ', j -> 'agency' ->> 'agency_id', j ->> 'year', j ->> 'statute', j ->> 'complete', (j -> 'log' ->> 'first_seq')::bigint = (SELECT min(seq) FROM past WHERE at >= '$year-01-01 America/New_York'),
	(j -> 'log' ->> 'last_seq')::bigint = (SELECT max(seq) FROM past WHERE at < '$now_year-01-01 America/New_York'), (j ->> 'citation') <> '', (j ->> 'made_at')::timestamptz > now() - interval '1 minute') FROM ctlpr.annual_report_json('CT-NHPD', $year) j"),
	"CT-NHPD $year us-ct-2026 true t t t t", '... and a head that says of what');
is(value("SELECT concat_ws(' ', j ->> 'complete', j ->> 'agency') FROM ctlpr.annual_report_json(NULL, $now_year) j"), 'false', '... of all agencies, and that the year is not over');
my $csv = value("SELECT replace(encode(convert_to(ctlpr.annual_report_csv('CT-NHPD', $year), 'UTF8'), 'base64'), E'\\n', '')");
require MIME::Base64;
$csv = MIME::Base64::decode($csv);
like($csv, qr/\A(?:[^\r\n]+\r\n)+\z/, 'the CSV has lines that end in CR LF');
is(join("\n", map { my @cell = map { s/^"|"$//gr } /("[^"]*"|[^,]*)(?:,|$)/g; join '|', map({ $_ eq '' ? '-' : $_ } @cell[2, 3]) } (split /\r\n/, $csv)[1 .. 3]), join("\n", map { join '|', (split /\|/)[2, 3] } (split /\n/, $report)[0 .. 2]), '... with an empty cell where there is nothing');
is((split /\r\n/, $csv)[0], 'clause,item,entity,reason,count', '... and a header');
is(scalar(split /\r\n/, $csv) - 1, scalar(split /\n/, $report), '... and a line for each row');
is(value(q(SELECT string_agg(ctlpr.csv_cell(c), '#' ORDER BY n) FROM unnest(ARRAY['a', 'a,b', 'a"b', E'a\nb', '=1+1', '+1', '-1', '@SUM(A1)', E'\t=1', ' =1', NULL, '', '＝1', '=a,b']) WITH ORDINALITY x (c, n))),
	qq(a#"a,b"#"a""b"#"a\nb"#'=1+1#'+1#'-1#'\@SUM(A1)#'\t=1#' =1###'\x{ef}\x{bc}\x{9d}1#"'=a,b"), 'a cell is quoted by RFC 4180, and never a formula');

# A checkpoint ties it to the log.
is(value("SELECT concat_ws(' ', j -> 'log' ->> 'covering_checkpoint', j -> 'log' ->> 'latest_checkpoint') FROM ctlpr.annual_report_json(NULL, $year) j"), '', 'where nothing was signed, the head has no checkpoint');
$node->safe_psql('city', "INSERT INTO ctlpr.checkpoint VALUES (0, 5, '\\x05', now(), 'a'), (0, (SELECT max(seq) FROM past), '\\x06', now(), 'b'), (0, (SELECT max(seq) + 3 FROM past), '\\x07', now(), 'c')");
is(value("SELECT concat_ws(' ', j -> 'log' -> 'covering_checkpoint' ->> 'root', j -> 'log' -> 'latest_checkpoint' ->> 'root') FROM ctlpr.annual_report_json(NULL, $year) j"), '06 07', '... otherwise the first that covers the year, and the latest');

# Reports that were not sent
my $due = value("SELECT (now() AT TIME ZONE 'America/New_York')::date >= make_date($now_year, 2, 1)") eq 't' ? 'violation' : 'info';
sub missing { return value(($_[0] ? "SET ROLE $_[0]; " : '') . "SELECT string_agg(format('%s %s %s %s', f.agency_id, substring(f.finding FROM 'and (\\d+),'), f.severity, f.clause), ', ' ORDER BY 1) FROM (SELECT * FROM ctlpr.findings WHERE kind = 'missing_annual_report' ORDER BY agency_id, finding) f") }
is(missing(), "CT-HPD $year $due 15(b), 15(c), CT-NHPD $before violation 15(b), 15(c), CT-NHPD $year $due 15(b), 15(c)", 'a year that has entries of an agency of the state and no report is a finding');
is(missing('oversight'), "CT-NHPD $before violation 15(b), 15(c), CT-NHPD $year $due 15(b), 15(c)", '... told to the auditors of the agency');
is(value("SELECT count(*) FROM ctlpr.findings f CROSS JOIN LATERAL unnest(f.evidence) s JOIN ctlpr.audit_entry e ON e.seq = s AND e.agency_id = f.agency_id WHERE f.kind = 'missing_annual_report'"), '6', '... with the first and last entry');
refused("SET ROLE oversight; SELECT ctlpr.record_annual_report('CT-HPD', $year)", 42501, 'the role audits other agencies', 'an auditor registers no report of another agency');
refused("SELECT ctlpr.record_annual_report('CT-HPD', $now_year)", 55000, "year $now_year is not over", 'nobody one of a year that is not over');
refused("SELECT ctlpr.record_annual_report('CT-HPD', $year, '$year-12-31')", 22023, 'the report was sent before its year was over', '... or sent before its end');
refused("SELECT ctlpr.record_annual_report('CT-HPD', $year, (now() + interval '2 days')::date)", 22023, 'the report was sent before its year was over, or on a day to come', '... or on a day to come');
refused("SELECT ctlpr.record_annual_report('CT-HPD', $year, document => ' ')", 22023, 'argument "document" must not be blank', '... or with a blank document');
value("SET ROLE oversight; SELECT ctlpr.record_annual_report('CT-NHPD', $year, document => 'binder 8', published_at => 'https://example.org/alpr')");
value("SET ROLE legal; SELECT ctlpr.record_annual_report('CT-HPD', $year, '$now_year-01-01')");
is(missing(), "CT-NHPD $before violation 15(b), 15(c)", 'a report that was sent is missing no more');
refused("SET ROLE legal; SELECT ctlpr.record_annual_report('CT-HPD', $year)", 42710, 'the report of agency "CT-HPD" on \d+ was registered before', 'what is on record stays');
is(value("SET ROLE oversight; SELECT string_agg(concat_ws(' ', agency_id, year, document, published_at), ', ') FROM ctlpr.annual_submission"), "CT-NHPD $year binder 8 https://example.org/alpr", 'an auditor sees the reports of the agency');
is(log_value($node, 'city', "string_agg(concat_ws(' ', agency_id, role, sqlstate, detail ->> 'year'), ', ' ORDER BY seq)", "entry = 'verdict' AND detail ->> 'function' = 'record_annual_report'"),
	"CT-HPD oversight 42501 $year, CT-NHPD oversight $year, CT-HPD legal $year", 'each is on record, and who was refused');

$node->stop;
done_testing();
