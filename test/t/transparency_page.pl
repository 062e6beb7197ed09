# 13(e)(2), 14(a)(7): the transparency page shows what the public views show and no plate; it loads nothing, and everybody can read it.
#
# One database is a world of ctlpr's own with searches, sharing, refusals and a
# purge, and plates written wherever somebody can write; the clock is the test's,
# as the public sees whole months that are over.  The other has tables
# of the same shape as the views, to see the page with names, numbers and times
# that no test could bring about.  AXE_CORE=path of axe.min.js has axe-core look
# at each page as well.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8 encode_utf8);
use File::Find ();
use FindBin;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprBrowser;
use CtlprTest;

my $tool = "$FindBin::Bin/../../tools/ctlpr-page";
plan skip_all => 'python3 is not installed' if system('python3 -c "" 2>/dev/null') != 0;
plan skip_all => 'chromium is not installed (Debian package chromium)' if !CtlprBrowser::program();
die "tools/ctlpr-page is not built (make tools)" if !-x $tool;

require_faketime();

my $sites = PostgreSQL::Test::Utils::tempdir;
my $node = new_node('page', "ctlpr.public_delay = 0\nctlpr.purge_naptime = 1s\nctlpr.checkpoint_origin = 'police.example.gov/ctlpr'\nctlpr.checkpoint_key = '$sites/key.pem'");

# ---- what a world has to tell ----

my $key;
IPC::Run::run([ "$FindBin::Bin/../../tools/keygen.sh", "$sites/key.pem", 'police.example.gov/ctlpr' ], '>', \$key) or die 'no key';
chomp $key;

shift_clock($node, '+0d');
start_shifted($node);
new_world($node, 'world');

# The plates that nobody may find: one that is read and searched, one that is only written into texts, in its usual forms.
my @plates = qw(QX7RMB2 ZK94WPT);
my $hostile = q{O'Brien & Söhne <script>alert("1")</script> 'Town'};
my $hostile_sql = $hostile =~ s/'/''/gr;
$node->safe_psql('world', encode_utf8(<<"SQL"));
SELECT ctlpr.register_agency('CT-<i>&"', '$hostile_sql', 'police', 'CT');
SELECT ctlpr.register_agency('CT-NONE', 'Nowhere Police', 'police', 'CT');
SELECT ctlpr.register_camera('C' || n, 'CT-NHPD', true, ST_SetSRID(ST_MakePoint(-72.99 + n * 0.006, 41.28 + (n * 7 % 12) * 0.005), 4326)::geography, 'Crossing ' || n || ' <b>&')
	FROM generate_series(1, 11) n;
SELECT ctlpr.register_camera('C12', 'CT-NHPD', true, ST_SetSRID(ST_MakePoint(-72.9, 41.3), 4326)::geography, 'Unseen Quay', 'federal', nondisclosure => true);
SELECT ctlpr.register_camera('CAR', 'CT-NHPD', false);
SQL

# statements(user, sql, ...) - each in a session's transaction of its own, whatever comes of it
sub statements
{
	my ($user, @sql) = @_;
	my $session = connect_as($node, 'world', $user);
	for my $sql (@sql) { $session->query("BEGIN; $sql"); $session->query('ROLLBACK') }
	return;
}
my $texts = "reason => 'blue Ford zk9-4wpt seen by ZK9 4WPT', case_number => 'ZK94WPT', officer => 'zk94wpt', offense => 'theft of ZK94-WPT', terminal => 'ZK94WPT'";
$node->safe_psql('world', "SET ROLE nhpd_ingest; INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '1 hour', 'QX7RMB2', 'CT-NHPD')");
statements('nhpd', map { "SELECT ctlpr.begin_request('$_', $texts); SELECT * FROM plate_reads WHERE plate = 'QX7RMB2'" } qw(stolen_vehicle stolen_vehicle missing_person));
statements('hpd', map { "SELECT ctlpr.begin_request('stolen_vehicle', $texts); SELECT * FROM plate_reads WHERE plate IN ('QX7RMB2', 'ZK94WPT')" } 1 .. 4);
statements('nhpd', "SELECT ctlpr.begin_request('ZK94WPT', $texts)", "SELECT ctlpr.begin_request('immigration_enforcement', $texts)",
	"SELECT ctlpr.begin_request('stolen_vehicle', $texts, on_behalf_of => 'ZK94WPT')", "SELECT * FROM plate_reads WHERE plate = 'QX7RMB2'");
statements('txpd', "SELECT ctlpr.begin_request('stolen_vehicle', $texts); SELECT * FROM plate_reads WHERE plate = 'QX7RMB2'");
$node->safe_psql('world', "SET client_min_messages = warning; SELECT ctlpr.start_purge('plate_reads', approved_by => 'Chief'); SELECT ctlpr.purge('plate_reads')");
# Six weeks later.  Nobody believes such a clock until somebody vouches for it; before 16 libfaketime does not reach the worker that doubts it.
$node->stop;
shift_clock($node, '+45d');
start_shifted($node);
if (major($node) >= 16)
{
	await_true(sub { return $node->safe_psql('world', 'SELECT count(*) FROM ctlpr.clock WHERE doubted_at IS NOT NULL') eq '1' }) or die 'the clock is not doubted';
	$node->safe_psql('world', "SELECT ctlpr.confirm_clock('the test has set it')");
}
$node->safe_psql('world', 'SELECT ctlpr.audit_checkpoint()');
$node->safe_psql('world', 'CREATE ROLE page LOGIN IN ROLE ctlpr_public; CREATE ROLE nobody_much LOGIN');

# ---- the tool ----

# run_page(arguments) - (exit code, standard output, standard error) of the tool
sub run_page
{
	my @arguments = @_;
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => 'page', PGDATABASE => 'world', LC_ALL => 'C.UTF-8');
	IPC::Run::run([ $tool, map { encode_utf8($_) } @arguments ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? & 127 ? -1 : $? >> 8, decode_utf8($out), decode_utf8($err));
}

sub slurp { my ($path) = @_; open(my $file, '<:raw', $path) or die "$path: $!"; local $/; return decode_utf8(scalar <$file>) }

# files_of(directory) - relative names of all that is in it
sub files_of
{
	my ($directory) = @_;
	my @found;
	File::Find::find({ no_chdir => 1, wanted => sub { push @found, substr($_, length($directory) + 1) if -f } }, $directory);
	return sort @found;
}

my @expected_files = sort('.ctlpr-page', 'index.html', map { "data/$_" } qw(cameras.csv cameras.geojson checkpoint.txt log.csv purges.csv rules.csv usage.csv));
# Meanwhile the worker deletes what has expired: a page belongs to counts that are the same before and after it.
my ($code, $out, $err, $counted);
await_true(sub {
	my $count = sub { return $node->safe_psql('world', "SET ROLE ctlpr_public; SELECT measure, count FROM ctlpr.public_usage WHERE agency_id = 'CT-NHPD'") };
	$counted = $count->();
	($code, $out, $err) = run_page('--agency', 'CT-NHPD', '--output', "$sites/nhpd", '--contact', 'records@example.gov', '--contact', 'Ask <us>');
	return $code != 0 || $count->() eq $counted;
}, 60) or die 'the counts do not come to rest';
is($code, 0, 'the site is written') or diag $err;
is($err, '', '... and nothing said on the standard error');
like($out, qr/CT-NHPD, [\d,]+ entries of the log, 8 files/, '... but what there is');
is_deeply([ files_of("$sites/nhpd") ], \@expected_files, '... whole');
my $page = slurp("$sites/nhpd/index.html");

subtest 'no plate is in any file of the site, however it is written' => sub {
	for my $file (files_of("$sites/nhpd"))
	{
		my $normal = uc(slurp("$sites/nhpd/$file")) =~ s/[^A-Z0-9]//gr;
		is(join(' ', grep { index($normal, $_) >= 0 } @plates), '', $file);
	}
	is(log_value($node, 'world', 'count(*) > 5', "e::text ~* 'zk94'"), 't', 'they are in the log');
};

subtest 'what the page says is what the views say' => sub {
	my $view = sub { return $node->safe_psql('world', "SET ROLE ctlpr_public; $_[0]") };
	my %measured = ('Plates read' => 'reads_collected', 'Searches' => 'searches', 'Times shared' => 'shared|disclosed', 'Refusals' => 'refusals', 'Reads deleted' => 'reads_deleted');
	my %figures = $page =~ m{<div><dt>([^<]*)<span[^>]*>[^<]*</span></dt><dd>([\d,]+)</dd>}g;
	for my $name (sort keys %measured)
	{
		my $sum = 0;
		$sum += $_ for $counted =~ /^(?:$measured{$name})\|(\d+)$/mg;
		is($figures{$name} =~ tr/,//dr, $sum, "$name: as counted");
		isnt($figures{$name}, '0', '... and some');
	}
	my @rows = split /\r\n/, slurp("$sites/nhpd/data/log.csv");
	is(@rows - 1, $view->("SELECT count(*) FROM ctlpr.public_audit_log WHERE agency_id = 'CT-NHPD' OR 'CT-NHPD' = ANY (owners)"), 'every entry of the agency, or about its reads, that is published');
	like($rows[0], qr/^seq,at,agency_id,/, '... under the names of the columns');
	is(scalar(grep { /,CT-HPD,/ } @rows) > 0, 1, '... those of others who saw its reads with them');
	is(scalar(split(/\r\n/, slurp("$sites/nhpd/data/usage.csv"))) - 1, scalar(split /\n/, $counted), 'every count');
	is(scalar(split(/\r\n/, slurp("$sites/nhpd/data/rules.csv"))) - 1, $view->('SELECT count(*) FROM ctlpr.public_rules'), 'every rule');
	my $layer = decode_json(encode_utf8(slurp("$sites/nhpd/data/cameras.geojson")));
	is(scalar(@{ $layer->{features} }), 12, 'every camera but the one under non-disclosure');
	my ($first) = grep { $_->{id} eq 'C1' } @{ $layer->{features} };
	ok(abs($first->{geometry}{coordinates}[0] + 72.984) < 1e-9 && abs($first->{geometry}{coordinates}[1] - 41.315) < 1e-9, '... where it stands, longitude first')
	  or diag explain $first;
	unlike(join('', map { slurp("$sites/nhpd/$_") } files_of("$sites/nhpd")), qr/Unseen Quay|\bC12\b/, '... which is nowhere');
	my @read = grep { /^\S+ \S+ \S+ \[\d+\] ctlpr-page / } split /\n(?=\d{4}-)/, slurp($node->logfile);
	is(scalar(grep { /statement: BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;/ } @read), scalar(grep { /statement: COMMIT;/ } @read), 'all of it is read in one transaction, of one instant');
	like($read[1], qr/SET LOCAL search_path = pg_catalog, pg_temp;/, '... under a search path of its own');
	like($page, qr{13\(b\)\(2\)\(A\)}, 'rules stand with their clause');
	like($page, qr{New Haven Police}, 'the agency is named');
	like($page, qr{href="mailto:records\@example\.gov"}, 'whom to ask');
	like($page, qr{Ask &lt;us&gt;}, '... as text');
};

subtest 'the checkpoint of the page proves the log to whoever keeps it' => sub {
	is(encode_utf8(slurp("$sites/nhpd/data/checkpoint.txt")), $node->safe_psql('world', 'SELECT note FROM ctlpr.checkpoints ORDER BY epoch DESC, size DESC LIMIT 1'), 'the signed note, byte by byte');
	$node->safe_psql('world', "\\o $sites/log.txt\nSELECT ctlpr.export_audit()");
	IPC::Run::run([ "$FindBin::Bin/../../tools/ctlpr-verify", '--key', $key, "$sites/log.txt", "$sites/nhpd/data/checkpoint.txt" ], '>', \my $said, '2>&1');
	like($said, qr/valid/, 'ctlpr-verify takes it') or diag $said;
	is($? >> 8, 0, '... and the log for valid');
};

subtest 'what cannot be done is said in a line, and nothing is half written' => sub {
	my $before = join '', map { "$_\n" . slurp("$sites/nhpd/$_") } files_of("$sites/nhpd");
	my $fails = sub {
		my ($wanted, $message, $name, @arguments) = @_;
		my ($code, $out, $err) = run_page(@arguments);
		is($code, $wanted, "$name: exit code $wanted") or diag $err;
		like($err, qr/\Actlpr-page: $message[^\n]*\n\z/, '... one line');
		is($out, '', '... and no other word');
	};
	my @ours = ('--output', "$sites/nhpd");
	$fails->(5, qr/there is no agency CT-XYZ/, 'an agency that nobody registered', '--agency', 'CT-XYZ', @ours);
	$fails->(5, qr/there is no agency/, 'SQL for an agency', '--agency', q{CT-NHPD' OR 'a' = 'a}, @ours);
	$fails->(5, qr/there is no agency/, 'a command of psql for one', '--agency', ":'zone'\n\\! touch $sites/ran", @ours);
	ok(!-e "$sites/ran", '... which is not run');
	$fails->(6, qr/nothing was published for CT-NHPD in 1999/, 'a year without data', '--agency', 'CT-NHPD', '--year', 1999, @ours);
	$fails->(3, qr/cannot connect: /, 'a server that is down', '--agency', 'CT-NHPD', '--port', 1, @ours);
	$fails->(3, qr/cannot run /, 'no psql', '--agency', 'CT-NHPD', '--psql', "$sites/none", @ours);
	$fails->(4, qr/the public views are missing/, 'a database without ctlpr', '--agency', 'CT-NHPD', '--dbname', 'postgres', @ours);
	$fails->(4, qr/this login may not act as ctlpr_public/, 'a login that is none of ctlpr_public', '--agency', 'CT-NHPD', '--username', 'nobody_much', @ours);
	$fails->(2, qr/no such time zone: Mars/, 'a time zone that there is not', '--agency', 'CT-NHPD', '--time-zone', 'Mars', @ours);
	is(join('', map { "$_\n" . slurp("$sites/nhpd/$_") } files_of("$sites/nhpd")), $before, 'the site is as it was');
	for my $wrong ([], [ '--agency', 'CT-NHPD' ], [ '--agency', 'CT-NHPD', @ours, '--year', '26' ], [ '--agency', 'CT-NHPD', @ours, '--yea', '2026' ], [ '--agency', 'CT-NHPD', @ours, 'more' ])
	{
		is((run_page(@$wrong))[0], 2, 'wrong arguments: ' . join(' ', @$wrong));
	}
	mkdir "$sites/closed" && chmod(0555, "$sites/closed") or die "$sites/closed: $!";
	SKIP:
	{
		skip 'root writes everywhere', 3 if $> == 0;
		$fails->(7, qr/cannot write into /, 'a directory that is not writable', '--agency', 'CT-NHPD', '--output', "$sites/closed/site");
	}
	$fails->(7, qr/cannot write into /, 'a directory that is not there', '--agency', 'CT-NHPD', '--output', "$sites/nowhere/site");
	mkdir "$sites/foreign" or die "$sites/foreign: $!";
	append_to_file("$sites/foreign/thesis.txt", 'the only copy');
	$fails->(7, qr/[^\n]* was not made by ctlpr-page/, 'a directory of somebody', '--agency', 'CT-NHPD', '--output', "$sites/foreign");
	is(slurp("$sites/foreign/thesis.txt"), 'the only copy', '... is left alone');
	$fails->(7, qr/[^\n]* is no directory/, 'a file', '--agency', 'CT-NHPD', '--output', "$sites/foreign/thesis.txt");
	is((run_page('--agency', 'CT-NHPD', '--output', "$sites/foreign", '--force'))[0], 0, '... but with --force');
	is_deeply([ files_of("$sites/foreign") ], \@expected_files, '... which replaces all of it');
	mkdir "$sites/empty" or die "$sites/empty: $!";
	is((run_page('--agency', 'CT-NHPD', '--output', "$sites/empty/"))[0], 0, 'an empty directory is nobody\'s');
	symlink "$sites/empty", "$sites/link" or die "$sites/link: $!";
	is((run_page('--agency', 'CT-NONE', '--output', "$sites/link"))[0], 0, 'one behind a symbolic link is replaced there');
	ok(-l "$sites/link" && slurp("$sites/empty/index.html") =~ /Nowhere Police/, '... and the link stays');

	# A psql that gives half of an answer and then hangs: ended by a signal, nothing is left.
	append_to_file("$sites/slow", "#!/bin/sh\necho \@moment\necho '{\"at\":\"2026-01-01T00:00\",\"zone\":\"EST\",\"delay\":\"30d\",\"version\":\"1\"}'\nexec sleep 600\n");
	chmod 0755, "$sites/slow" or die "$sites/slow: $!";
	for my $signal (qw(TERM INT))
	{
		my $run = IPC::Run::start([ $tool, '--agency', 'CT-NHPD', '--output', "$sites/nhpd", '--psql', "$sites/slow" ], '>', \my $ignored, '2>', \my $said);
		await_true(sub { return scalar glob("$sites/.nhpd.*.new/data") });
		$run->signal($signal);
		$run->finish;
		is(($? >> 8) . " $said", $signal eq 'TERM' ? '143 ' : '130 ', "ended by SIG$signal");
	}
	is(join('', map { "$_\n" . slurp("$sites/nhpd/$_") } files_of("$sites/nhpd")), $before, 'the site is still as it was');
	is(join(' ', glob("$sites/.*.new $sites/.*.old")), '', 'nothing half made is left anywhere');
	my ($code, $out) = run_page('--help');
	is($code, 0, '--help');
	is(join(' ', grep { index($out, $_) < 0 } qw(--agency --output --year --contact --force --dbname --host --port --username --time-zone --psql --quiet), 0, 2 .. 7), '', '... has every option and exit code');
};

# ---- names, numbers and times that a world cannot have ----

$node->safe_psql('postgres', 'CREATE DATABASE shapes');
$node->safe_psql('shapes', 'CREATE EXTENSION postgis; CREATE SCHEMA ctlpr; GRANT USAGE ON SCHEMA ctlpr TO ctlpr_public');
for my $view (split /\n/, $node->safe_psql('world', "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ctlpr'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'public\\_%'"))
{
	my $columns = $node->safe_psql('world', "SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'ctlpr.$view'::regclass AND attnum > 0");
	$node->safe_psql('shapes', "CREATE TABLE ctlpr.$view ($columns); GRANT SELECT ON ctlpr.$view TO ctlpr_public");
}
$node->safe_psql('shapes', 'GRANT USAGE ON SCHEMA ctlpr TO nobody_much; GRANT SELECT ON ALL TABLES IN SCHEMA ctlpr TO nobody_much');
my $long = 'Honorable ' . 'Metropolitan-Interjurisdictional-' x 8 . 'Police';
my $right_to_left = "\x{202e}\x{5de}\x{5e9}\x{5d8}\x{5e8}\x{5d4} 12 <img src=x onerror=alert(1)>";
my $quoted = sub { return "'" . $_[0] =~ s/'/''/gr . "'" };
$node->safe_psql('shapes', encode_utf8(<<"SQL"));
INSERT INTO ctlpr.public_agencies (agency_id, name, kind, state) VALUES ('MANY', @{[ $quoted->($right_to_left) ]}, 'police', 'CT'), ('LONG', @{[ $quoted->($long) ]}, 'police', 'CT'),
	('ONE', 'One', 'police', 'NH');
INSERT INTO ctlpr.public_cameras (camera_id, agency_id, agency_name, fixed, active, place, position, funding)
	SELECT 'X' || n, 'MANY', '', true, n % 7 > 0, CASE n % 3 WHEN 0 THEN @{[ $quoted->($right_to_left) ]} WHEN 1 THEN '=HYPERLINK("http://example.com")' END, ST_MakePoint(-73.5 + n * 37 % 500 * 0.003, 41.0 + n * 91 % 500 * 0.002)::geography,
		CASE WHEN n % 2 = 0 THEN E'\\t=1+1' END FROM generate_series(1, 500) n;
INSERT INTO ctlpr.public_cameras (camera_id, agency_id, agency_name, fixed, active, place, position) SELECT n::text, 'LONG', '', true, true, @{[ $quoted->($long) ]}, ST_MakePoint(-72.9 + n * 0.01, 41.3)::geography FROM generate_series(1, 40) n;
INSERT INTO ctlpr.public_cameras (camera_id, agency_id, agency_name, fixed, active, position) VALUES ('only', 'ONE', '', true, true, ST_MakePoint(-72.9, 41.3)::geography);
INSERT INTO ctlpr.public_usage (agency_id, month, measure, clause, item, entity, count)
	SELECT 'MANY', m::date, x.measure, x.clause, x.item, x.entity, (x.scale * (2 + sin(extract(epoch FROM m) / 5e6)))::bigint
	FROM generate_series('2026-10-01'::date, '2028-09-01'::date, '1 month') m, (VALUES ('reads_collected', NULL, NULL, NULL, 7e8), ('reads_deleted', NULL, NULL, NULL, 6e8), ('refusals', '<clause>', NULL, NULL, 3),
		('searches', '13(b)(1)(B)(ii)(IV)', 'stolen_vehicle', NULL, 1234), ('searches', '-1+1', 'a<b>', NULL, 1)) x (measure, clause, item, entity, scale);
INSERT INTO ctlpr.public_usage (agency_id, month, measure, clause, item, entity, count)
	VALUES ('MANY', '2027-02-01', 'hotlist_comparisons', NULL, 'ncic', NULL, 70), ('MANY', '2027-02-01', 'hotlist_matches_at_ingest', NULL, 'ncic', NULL, 12345), ('MANY', '2027-02-01', 'hotlist_handovers', NULL, '<own>', NULL, 3),
		('MANY', '2027-02-01', 'refusals_observed', '13(d)(3)', 'LP004', NULL, 1701), ('MANY', '2027-02-01', 'searches_observed', NULL, 'x', NULL, 1702), ('MANY', '2027-02-01', 'shared_observed', NULL, 'x', 'y', 1703),
		('MANY', '2027-02-01', 'disclosed', NULL, 'stolen_vehicle', 'ONE', 1704), ('MANY', '2027-02-01', 'shared', NULL, NULL, 'no agency', 1), ('MANY', '2027-02-01', 'shared', NULL, NULL, 'unregistered', 1),
		('MANY', '2027-02-01', 'warrants', NULL, NULL, 'ONE', 1705), ('MANY', '2027-02-01', 'over_retention', NULL, NULL, NULL, 1706), ('MANY', '2027-02-01', 'statements', NULL, NULL, NULL, 1707);
INSERT INTO ctlpr.public_usage (agency_id, month, measure, clause, item, entity, count)
	SELECT 'MANY', '2027-01-01', 'shared', '13(d)(6)(A)', 'stolen_vehicle', n || ' ' || @{[ $quoted->($long) ]}, n FROM generate_series(1, 60) n;
INSERT INTO ctlpr.public_usage (agency_id, month, measure, clause, item, entity, count) VALUES ('ONE', '2027-01-01', 'searches', '13(b)(1)(B)(ii)(IV)', 'stolen_vehicle', NULL, 1), ('ONE', '2027-01-01', 'reads_collected', NULL, NULL, NULL, 1);
INSERT INTO ctlpr.public_audit_log (seq, at, agency_id, agency_name, purpose, action, allowed, owners, reason) SELECT n, '2028-01-01'::timestamptz + n * interval '1 minute', 'MANY', @{[ $quoted->($right_to_left) ]}, 'stolen_vehicle', 'select', true, '{MANY}', '\@SUM(1) & "<b>'
	FROM generate_series(1, 5000) n;
INSERT INTO ctlpr.public_audit_log (seq, at, agency_id, agency_name, action, allowed) VALUES (9001, '2026-12-31 23:59 America/New_York', 'ONE', 'One', 'select', true), (9002, '2027-01-01 00:00 America/New_York', 'ONE', 'One', 'select', true),
	(9003, '2028-01-01 00:00 America/New_York', 'ONE', 'One', 'select', false);
SQL

my %page_of = (nhpd => [ 'world', 'CT-NHPD' ], hostile => [ 'world', 'CT-<i>&"' ], nothing => [ 'world', 'CT-NONE' ], many => [ 'shapes', 'MANY' ], long => [ 'shapes', 'LONG' ], one => [ 'shapes', 'ONE' ]);
for my $name (sort keys %page_of)
{
	my ($database, $agency) = @{ $page_of{$name} };
	my ($code, undef, $err) = run_page('--dbname', $database, '--agency', $agency, '--output', "$sites/$name");
	is("$code $err", '0 ', "the page of $agency");
}

is((run_page('--dbname', 'shapes', '--agency', 'ONE', '--output', "$sites/none", '--username', 'nobody_much'))[0], 4, 'who may read the views by another right does not read them as the public');

subtest 'a spreadsheet finds no formula' => sub {
	for my $file (grep { /csv$/ } files_of("$sites/many"))
	{
		unlike(slurp("$sites/many/$file"), qr/(?:^|,|\n)"?[\t ]*[=+@]|(?:^|,|\n)"?-(?![0-9.]+(?:,|\r))/, $file);
	}
	like(slurp("$sites/many/data/cameras.csv"), qr/,"'=HYPERLINK\(""http/, 'it is there as text');
	like(slurp("$sites/many/data/cameras.csv"), qr/,41\.\d+,-73\.\d+\r/, '... and a longitude is a number');
};

like($page, qr/confidential \(section 13\(e\)\(1\)\)/, 'an agency of Connecticut cites its act');
unlike(slurp("$sites/one/index.html"), qr/section 13/, '... and one of another state does not');

subtest 'a year is that of the law\'s time zone' => sub {
	is((run_page('--dbname', 'shapes', '--agency', 'ONE', '--year', 2027, '--output', "$sites/one2027"))[0], 0, 'one year');
	is(join(' ', slurp("$sites/one2027/data/log.csv") =~ /^(\d+),/mg), '9002', 'its entries');
	like(slurp("$sites/one2027/index.html"), qr/transparency report 2027/, 'it is said');
	is((run_page('--dbname', 'shapes', '--agency', 'ONE', '--year', 2030, '--output', "$sites/one2030"))[0], 6, 'a year of nothing');
	ok(!-e "$sites/one2030", '... leaves nothing');
};

# ---- the pages in a browser ----

my $checks = slurp("$FindBin::Bin/../page/checks.js");
my $browser = CtlprBrowser->start;
for my $name (sort keys %page_of)
{
	subtest "the page \"$name\" in a browser" => sub {
		my $look = sub { my ($check, $said) = @_; is_deeply($browser->value("checks.$check()"), [], $said) };
		$browser->media('screen', 'prefers-color-scheme' => 'light', 'prefers-reduced-motion' => 'reduce');
		$browser->viewport(1280);
		$browser->open_page("file://$sites/$name/index.html");
		$browser->value($checks);
		$look->('structure', 'headings, landmarks, names and ids');
		$look->('tables', 'tables have captions, headings with a scope, and can be scrolled by keyboard');
		$look->('charts', 'drawings have a title, a description, and their figures in a table');
		$look->('self_contained', 'nothing that runs, loads or sends');
		for my $scheme (qw(light dark))
		{
			$browser->media('screen', 'prefers-color-scheme' => $scheme, 'prefers-reduced-motion' => 'reduce');
			for my $width (1280, 768, 320)
			{
				$browser->viewport($width);
				$look->('scrolls_sideways', "$width pixels, $scheme: nothing sticks out") if $scheme eq 'light';
				$look->('contrast', "$width pixels, $scheme: contrast of text and marks");
			}
			if ($ENV{AXE_CORE})
			{
				$browser->value(slurp($ENV{AXE_CORE}) . '; 0');
				is_deeply($browser->value('axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes[0].html.slice(0, 200)))'), [], "axe-core, $scheme");
			}
		}
		$browser->viewport(800);
		$browser->value('document.activeElement.blur(); scrollTo(0, 0)');
		$browser->press('Tab', 9);
		is($browser->value('document.activeElement.getAttribute("href")'), '#main', 'the first that the keyboard reaches skips to the content');
		ok($browser->value('(() => { const b = document.activeElement.getBoundingClientRect(); return b.top >= 0 && b.width > 0 && getComputedStyle(document.activeElement).outlineStyle !== "none" })()'), '... and can be seen there');
		$browser->press('Enter', 13);
		is($browser->value('document.activeElement.id'), 'main', '... and does');
		$browser->value('document.querySelectorAll("details").forEach(details => { details.open = false })');
		$browser->media('print');
		is_deeply($browser->value('[...document.querySelectorAll("details table, .scroll")].filter(e => !e.getBoundingClientRect().height || e.scrollHeight > e.clientHeight + 1 || !e.checkVisibility()).map(e => e.outerHTML.slice(0, 100))'), [], 'on paper every table is there whole');
		is($browser->value('getComputedStyle(document.querySelector("nav")).display'), 'none', '... and the list of contents is not');
		is_deeply([ $browser->requests ], ["file://$sites/$name/index.html"], 'it has asked for nothing but itself');
		is_deeply([ $browser->complaints ], [], '... and the console is empty');
	};
}

subtest 'the map shows where the cameras are' => sub {
	$browser->media('screen', 'prefers-color-scheme' => 'light', 'prefers-reduced-motion' => 'reduce');
	$browser->viewport(1280);
	$browser->open_page("file://$sites/nhpd/index.html");
	$browser->value($checks);
	is($browser->value('[...document.querySelectorAll("#cameras ~ .scroll tbody td:nth-child(2)")].map(e => e.textContent).join(" ")'), 'C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 CAR', 'in the table by name, as people count');
	my $map = $browser->value('checks.map()');
	is_deeply([ sort { $a <=> $b } keys %{ $map->{places} } ], [ 1 .. 11 ], 'each fixed one has its number on the map');
	my ($mile) = map { $map->{lengths}{$_} / (split)[0] } grep { / mi$/ } keys %{ $map->{lengths} };
	my ($kilometer) = map { $map->{lengths}{$_} / (split)[0] } grep { / km$/ } keys %{ $map->{lengths} };
	ok(abs($mile / $kilometer - 1.609344) < 0.02, 'a mile is a mile') or diag explain $map;
	my @wrong;
	for my $n (2 .. 11)
	{
		my ($x, $y) = map { $map->{places}{$n}[$_] - $map->{places}{1}[$_] } 0, 1;
		my $east = ($n - 1) * 0.006 * 111.195 * cos(41.31 * atan2(1, 1) / 45);
		my $north = ($n * 7 % 12 - 7) * 0.005 * 111.195;
		push @wrong, "$n: $x, $y" if abs($x / $kilometer - $east) > 0.03 || abs(-$y / $kilometer - $north) > 0.03;
	}
	is_deeply(\@wrong, [], '... and the cameras are as far apart as they are, by its own scale');
};

subtest 'names that somebody typed are text' => sub {
	$browser->open_page("file://$sites/hostile/index.html");
	is(decode_utf8(encode_utf8($browser->value('document.querySelector("h1").textContent'))), $hostile, 'markup in a name');
	is($browser->value('document.title'), "$hostile: license plate reader transparency report", '... in the title');
	is($browser->value('document.querySelector("meta[name=description]").content'), "License plate readers of $hostile: rules, cameras, searches, sharing, refusals and deletion.", '... in an attribute');
	$browser->open_page("file://$sites/many/index.html");
	is($browser->value('document.querySelector("h1 bdi").textContent'), $right_to_left, 'a name from right to left, kept apart');
	is($browser->value('document.querySelectorAll(".map .dot").length > 100 && document.querySelectorAll("#cameras ~ .scroll tbody tr").length'), 500, 'a map and a table of 500 cameras');
	is($browser->value('document.querySelectorAll("svg.columns .mark").length'), 3 * 24, '24 months are 24 columns');
	my $text = $browser->value('document.body.textContent');
	like($text, $_, "all that is counted is told: $_")
	  for qr/\(NCIC\)7012,3450/, qr/<own>003/, qr/recorded 1,701 refusals without refusing.*1,702 searches and 1,703 times of sharing/, qr/OneTold, or passed onStolen vehicle1,704/, qr/An administrator, in an emergency/, qr/An agency that is not registered/, qr/1,705 times under a judge/,
	  qr/Up to 1,706 reads were deleted later/, qr/answered 1,707 statements/;
	$browser->open_page("file://$sites/long/index.html");
	is($browser->value('document.querySelector("h1").textContent'), $long, 'a very long name');
};

subtest 'what is not there is said in words' => sub {
	$browser->open_page("file://$sites/nothing/index.html");
	my $text = $browser->value('document.body.innerText');
	like($text, $_, $_) for qr/has registered no camera/, qr/No reads were counted/, qr/Nobody searched/, qr/shared with nobody/, qr/No search was refused/, qr/No deletion of reads was recorded/, qr/has not been published|No entry has been published/;
	is($browser->value('document.querySelectorAll("svg").length'), 0, 'and no drawing of nothing');
};

subtest 'what somebody gets into the page is refused by its policy' => sub {
	$browser->open_page("file://$sites/nhpd/index.html");
	$browser->value($checks);
	is(join(' ', @{ $browser->value('checks.policy()') }), 'connect-src img-src refused script-src-elem style-src-attr undefined', 'script, image, style and request');
};
$browser->stop;

$node->stop;
done_testing();
