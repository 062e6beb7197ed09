# What the public counts is right to the month and cannot be differenced into a case, and is whole while reads are purged: 13(e)(2)(B), 15(a)(1).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
ctlpr.purge_naptime = 1s
ctlpr.purge_batch_rows = 10
ctlpr.public_delay = 0
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE past');
$node->safe_psql('past', 'SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; CREATE ROLE web LOGIN IN ROLE ctlpr_public');
sub value { return $node->safe_psql('past', $_[0]) }
sub as_web { return $node->safe_psql($_[0], $_[1], extra_params => ['--username' => 'web']) }

# The log of months past comes from a dump, into an empty one.  Months are counted back from this one, in Connecticut.
my @columns = qw(seq entry of_seq at request_seq agency_id agency_kind on_behalf_of purpose basis relation action allowed enforced sqlstate clause outcome statute owners owner_rows detail);
my ($seq, @rows) = (0);

# entry(time, columns) - the next entry of the log, a time being [months ago, '+10 days']; its number
sub entry
{
	my ($time, %given) = @_;
	my %row = (entry => 'verdict', at => $time, agency_id => 'CT-NHPD', agency_kind => 'police', relation => 'public.plate_reads', statute => 'us-ct-2026', allowed => 't', enforced => 't', %given);
	push @rows, { %row, seq => ++$seq };
	return $seq;
}
sub request { my ($time, %given) = @_; return entry($time, action => 'request', purpose => 'stolen_vehicle', relation => undef, %given) }
sub statement { my ($time, $request, %given) = @_; return entry($time, action => 'select', purpose => 'stolen_vehicle', request_seq => $request, %given) }
sub outcome
{
	my ($time, $of, %owners) = @_;
	my @owners = sort keys %owners;
	return entry($time, entry => 'outcome', of_seq => $of, action => 'select', outcome => 'ok', (map { $_ => undef } qw(agency_id agency_kind relation statute allowed enforced)),
		owners => '{' . join(',', @owners) . '}', owner_rows => '{' . join(',', @owners{@owners}) . '}');
}

my $then = [2, '10 days'];
my $standing = entry($then, action => 'configuration', purpose => 'traffic_analytics');
my $request = request($then);
my $select = statement($then, $request);
outcome($then, $select, 'CT-NHPD' => 1, 'CT-HPD' => 2);
outcome($then, $select, 'CT-HPD' => 1);    # a parallel worker's
statement($then, $request);
request($then);                            # nothing ran under it
statement($then, request($then, purpose => 'hotlist_comparison'), purpose => 'hotlist_comparison');
entry($then, action => 'hotlist', purpose => 'hotlist_comparison', detail => '{"function": "match_hotlist", "sources": ["collect", "ncic"]}');
entry($then, action => 'hotlist', purpose => 'hotlist_comparison', detail => '{"function": "match_at_ingest", "sources": ["ncic"]}');
request($then, purpose => 'immigration_enforcement', allowed => 'f', sqlstate => 'LP004', clause => '13(d)(3)');
statement($then, $request, allowed => 'f', sqlstate => 'LP006', clause => '13(d)(6)');
request($then, purpose => 'KXR4417', allowed => 'f', sqlstate => 'LP003', clause => '13(b)(1)');
entry($then, action => 'select', relation => 'ctlpr.audit_entry');
my %vendor = (agency_id => 'VENDOR', agency_kind => 'vendor', on_behalf_of => 'CT-NHPD');
outcome($then, statement($then, request($then, %vendor), %vendor), 'CT-NHPD' => 3);
my %texas = (agency_id => 'TX-HPD', basis => 'probable_cause_warrant');
outcome($then, statement($then, request($then, %texas), %texas), 'CT-NHPD' => 1);
outcome($then, statement($then, request($then, on_behalf_of => 'KXR4417'), on_behalf_of => 'KXR4417'), 'CT-HPD' => 1);
entry($then, action => 'disclosure', purpose => 'stolen_vehicle', detail => '{"recipient_agency": "MA-BPD", "owners": ["CT-HPD"], "basis": "declaration"}');
statement($then, $standing, purpose => 'traffic_analytics');
statement($then, undef, purpose => 'KXR4417');    # lawful under another statute
statement($then, undef, agency_id => 'KXR4417');        # an agency that is not registered here
my %unbound = (agency_id => undef, agency_kind => undef, purpose => undef, allowed => 'f', enforced => 'f', sqlstate => 'LP001', clause => '13(b)(1)');
outcome($then, statement($then, undef, %unbound), 'CT-NHPD' => 1);
my $late = request([1, '-1 second']);
statement([1, '1 second'], $late);
statement([1, '2 seconds'], $late);
statement([0, '1 second'], request([0, '1 second'], purpose => 'missing_person'), purpose => 'missing_person');

my $month = value(q(SELECT date_trunc('month', now() AT TIME ZONE 'America/New_York')));
sub instant { my ($time) = @_; return value("SELECT (timestamp '$month' - interval '$time->[0] months' + interval '$time->[1]') AT TIME ZONE 'America/New_York'") }
my %instants;
$_->{at} = $instants{"@{$_->{at}}"} //= instant($_->{at}) for @rows;
my $lines = join('', map { my $row = $_; join("\t", map { defined $row->{$_} ? $row->{$_} : '\N' } @columns) . "\n" } @rows);
value("SET ctlpr.restore = on;\nCOPY ctlpr.audit_entry (" . join(', ', @columns) . ") FROM stdin;\n$lines\\.\n");
value(<<"SQL");
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT'),
	ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA'), ctlpr.register_agency('TX-HPD', 'Houston Police', 'police', 'TX'), ctlpr.register_agency('VENDOR', 'Readers Inc.', 'vendor', 'CT');
INSERT INTO ctlpr.ingest_count (relation, agency_id, read_on, reads) SELECT 'public.plate_reads', 'CT-NHPD', (timestamp '$month' - m * interval '1 month' + d * interval '1 day')::date, n
	FROM (VALUES (2, 0, 100), (2, 1, 11), (0, 0, 1000)) v (m, d, n);
CREATE TABLE plate_reads ();
INSERT INTO ctlpr.purge_run (round, relation, relation_name, limit_at, expired_at, rows_deleted, owners, started_at, progress_at, finished_at, certificate_seq, oldest_read_on)
SELECT v.n, 'plate_reads', 'public.plate_reads', t.at - interval '504 hours', t.at, 7, v.owners::jsonb, t.at, t.at, t.at, v.n, (t.at - interval '504 hours' - v.late)::date
	FROM (VALUES (1, interval '0', interval '0', '{}'), (2, interval '1 minute', interval '0', '{"CT-HPD": 5}'), (3, interval '2 minutes', interval '4 days', '{"CT-HPD": 7}')) v (n, after, late, owners)
		CROSS JOIN LATERAL (SELECT (timestamp '$month' - interval '1 month' - interval '4 days' + interval '12 hours') AT TIME ZONE 'America/New_York' + v.after AS at) t
SQL

# usage(delay in minutes) - all rows, months counted back from this one
sub usage
{
	my ($delay) = @_;
	return value("SET ctlpr.public_delay = $delay; SET ROLE web; SELECT string_agg(concat_ws(' ', coalesce(agency_id, '-'), (timestamp '$month' - month)::interval < interval '32 days', measure, clause, coalesce(item, '-'), coalesce(entity, '-'), count), E'\\n' ORDER BY agency_id, month, measure, clause, item, entity) FROM ctlpr.public_usage");
}
my @before_last = split /\n/, <<'USAGE';
CT-HPD f disclosed 15(a)(1)(C) stolen_vehicle MA-BPD 1
CT-HPD f over_retention 15(a)(1)(E) - - 7
CT-HPD f reads_deleted 13(b)(2)(A) - - 12
CT-HPD f shared 15(a)(1)(C) stolen_vehicle CT-NHPD 1
CT-HPD f shared 15(a)(1)(C) stolen_vehicle unregistered 1
CT-NHPD f disclosed 15(a)(1)(C) stolen_vehicle MA-BPD 1
CT-NHPD f hotlist_comparisons 13(b)(1)(B)(i) collect - 1
CT-NHPD f hotlist_comparisons 13(b)(1)(B)(i) ncic - 1
CT-NHPD f hotlist_matches_at_ingest 13(b)(1)(B)(i) ncic - 1
CT-NHPD f reads_collected 15(a)(1)(A) - - 111
CT-NHPD f refusals 13(b)(1) LP003 - 1
CT-NHPD f refusals 13(d)(3) LP004 - 1
CT-NHPD f refusals 13(d)(6) LP006 - 1
CT-NHPD f searches 15(a)(1)(B) stolen_vehicle - 3
CT-NHPD f shared 15(a)(1)(C) stolen_vehicle TX-HPD 1
CT-NHPD f shared_observed 15(a)(1)(C) - no agency 1
CT-NHPD f statements 15(a)(1)(B) hotlist_comparison - 1
CT-NHPD f statements 15(a)(1)(B) stolen_vehicle - 4
CT-NHPD f statements 15(a)(1)(B) traffic_analytics - 1
CT-NHPD f statements 15(a)(1)(B) unknown purpose - 1
CT-NHPD f warrants 15(a)(1)(D) stolen_vehicle TX-HPD 1
TX-HPD f searches 15(a)(1)(B) stolen_vehicle - 1
TX-HPD f statements 15(a)(1)(B) stolen_vehicle - 1
- f refusals_observed 13(b)(1) LP001 - 1
- f statements 15(a)(1)(B) stolen_vehicle - 1
- f statements_observed 15(a)(1)(B) - - 1
USAGE
my @last = ('CT-NHPD t searches 15(a)(1)(B) stolen_vehicle - 1', 'CT-NHPD t statements 15(a)(1)(B) stolen_vehicle - 2');
is(usage(0), join("\n", sort { ($a =~ /^-/) <=> ($b =~ /^-/) || ($a =~ /^(\S+ \S)/)[0] cmp ($b =~ /^(\S+ \S)/)[0] } @before_last, @last),
	'a search is a request under which a statement ran, in the month of the first; statements, hotlists, sharing, warrants and refusals are counted apart, by whole months');

# A month shows when all of it is past the delay, and all at once
my $since = value("SELECT floor(extract(epoch FROM now() - (timestamp '$month' - interval '1 month') AT TIME ZONE 'America/New_York') / 60)::int");
is(usage($since - 2), join("\n", @before_last), 'a month shows when its end is past the delay');
is(usage($since + 2), '', '... and nothing of it before: two looks at it differ by whole months, never by a search');
my $entries = value("SET ctlpr.public_delay = @{[$since + 2]}; SET ROLE web; SELECT count(*) FROM ctlpr.public_audit_log");
is(value("SET ctlpr.public_delay = @{[$since - 2]}; SET ROLE web; SELECT count(*) - $entries FROM ctlpr.public_audit_log"), '3', 'entries show as each of them is past it');
unlike(value('SET ROLE web; SELECT string_agg(t::text, E\'\n\') FROM ctlpr.public_audit_log t') . usage(0), qr/KXR/, 'no plate that was stated as a purpose or an agency shows');
is(value(q(SELECT ctlpr.register_agency('OTHER', 'Nobody', 'police', 'CT'); SET ROLE web; SELECT count(*) FROM ctlpr.public_usage WHERE agency_id = 'OTHER')), '0' =~ s/^/\n/r, 'an agency without entries has an empty record');

# Purge, with readers at it
new_world($node, 'city', govern => 0);
my @tables = map { "reads_$_" } 1 .. 6;
for my $table (@tables)
{
	$node->safe_psql('city', "CREATE TABLE $table (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL) PARTITION BY RANGE (captured_at);\n"
		  . join('', map { "CREATE TABLE ${table}_$_ PARTITION OF $table FOR VALUES FROM (date_trunc('day', now()) - interval '$_ days') TO (date_trunc('day', now()) - interval '$_ days' + interval '1 day');\n" } 0, 22 .. 25)
		  . "CREATE TABLE ${table}_rest PARTITION OF $table DEFAULT;
			INSERT INTO $table SELECT now() - interval '22 days' - n % 4 * interval '1 day', 'OLD' || n, CASE WHEN n <= 100 THEN 'CT-NHPD' ELSE 'CT-HPD' END FROM generate_series(1, 150) n;
			SET client_min_messages = warning; SELECT ctlpr.govern('$table', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')");
}
my $stop = $node->basedir . '/stop';
my $read_all = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;'
  . join('', map { "SELECT count(*) FROM ctlpr.$_ t WHERE t::text <> '';" } qw(public_audit_log public_usage public_cameras public_cameras_geojson public_agencies public_rules public_checkpoint))
  . q(SELECT coalesce(sum(rows_deleted) FILTER (WHERE agency_id = 'CT-NHPD'), 0), coalesce(sum(rows_deleted) FILTER (WHERE agency_id = 'CT-HPD'), 0), (SELECT count(*) FROM ctlpr.public_audit_log WHERE action = 'purge') FROM ctlpr.public_purges; COMMIT);
my @readers = map {
	start_child(sub {
		my ($lines) = @_;
		my $web = connect_as($node, 'city', 'web');
		while (!-e $stop)
		{
			my $result = $web->query($read_all, 60);
			print $lines join(' ', sqlstate_of($result), $result->{error} ? $result->{error}{M} : @{ $result->{rows}[-1] }), "\n";
			last if $result->{gone};
		}
	})
} 1 .. 2;
# what is done, and what is half done, is three days old as soon as it can be: public_purges has days that are over
my $ager = start_child(sub {
	my ($lines) = @_;
	my $admin = connect_as($node, 'city');
	while (!-e $stop)
	{
		my $result = $admin->query("UPDATE ctlpr.purge_run SET finished_at = finished_at - interval '3 days' WHERE finished_at > now() - interval '1 day'", 60);
		print $lines sqlstate_of($result), "\n";
		sleep 0.01;
	}
});
sub purged { return $node->safe_psql('city', "SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purge_run WHERE certificate_seq IS NOT NULL") }
for my $table (@tables) { $node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.start_purge('$table', 'Chief')"); sleep 0.3 }
ok(await_true(sub { return purged() == 900 }, 90), 'the purge goes on while the public reads');
sleep 1.5;
append_to_file($stop, '');
my @lines = map { lines_of($_) } @readers;
my %ages = map { $_ => 1 } lines_of($ager);
is(join(' ', sort keys %ages), '00000', '(runs were made older)');
cmp_ok(scalar @lines, '>=', 10, 'the public read all views again and again');
is(join("\n", grep { !/^00000 / } @lines), '', '... without an error');
is(join("\n", grep { /^00000 (\d+) (\d+) / && ($1 % 100 || $2 != $1 / 2) } @lines), '', '... and never half a purge: each run shows whole, for all owners at once');
cmp_ok(scalar keys %{ { map { $_ => 1 } @lines } }, '>', 2, '... though it saw several states of it');
is(as_web('city', q(SELECT string_agg(agency_id || ' ' || rows_deleted, ', ' ORDER BY agency_id) FROM (SELECT agency_id, sum(rows_deleted) AS rows_deleted FROM ctlpr.public_purges GROUP BY agency_id) p)), 'CT-HPD 300, CT-NHPD 600', 'in the end all of it shows');

# A login that is nothing else
my ($status, $out, $err) = $node->psql('city', 'SELECT * FROM ctlpr.audit_entry', extra_params => ['--username' => 'web']);
like($err, qr/permission denied/, 'a login of the public reads no log but its views');
($status, $out, $err) = $node->psql('city', 'SELECT * FROM reads_1', extra_params => ['--username' => 'web']);
like($err, qr/permission denied/, '... and no read');
($status, $out, $err) = $node->psql('city', 'SET ctlpr.public_delay = 0', extra_params => ['--username' => 'web']);
like($err, qr/permission denied/, '... and shortens no delay');

# Where the library is not loaded, anybody may set what it does not define
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
($status, $out, $err) = $node->psql('city', "SET ctlpr.public_delay = 0; SELECT count(*) FROM ctlpr.public_audit_log", extra_params => ['--username' => 'web'], on_error_stop => 0);
is($out, '', 'without the library nothing is public');
like($err, qr/ctlpr must be loaded by the server at its start/, '... but an error');
$node->stop;
done_testing();
