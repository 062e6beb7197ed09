# A vendor's audit comes from a file that the caller may read or from a client, once and whole, and nothing of it reaches the server log: 14(a)(6), 13(e)(1).
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $node = new_node('main', "log_min_error_statement = error\nlog_error_verbosity = verbose\nlog_min_messages = notice\nlog_statement = none");
$node->start;
new_world($node, 'city', govern => 0);
my $directory = PostgreSQL::Test::Utils::tempdir();

# Screening is a part of its own; where it is not there, its signature is enough for what is tested here.
my $stand_in = <<'SQL';
DO $do$
BEGIN
	IF to_regprocedure('ctlpr.screen_reason(text)') IS NULL THEN
		CREATE FUNCTION ctlpr.screen_reason(reason text) RETURNS TABLE (action text, category text, clause text, term text) LANGUAGE sql STABLE AS
			$$ SELECT 'refuse', 'immigration', '13(d)(3)', 'immigration' WHERE reason ~* '\mimmigration\M' $$;
	END IF;
END
$do$;
SQL
$node->safe_psql('city', $stand_in);
$node->safe_psql('city', <<'SQL');
CREATE ROLE oversight LOGIN;
SELECT ctlpr.bind_auditor('oversight', 'CT-NHPD');
CREATE ROLE reader LOGIN;
GRANT pg_read_server_files TO reader;
SELECT ctlpr.bind_auditor('reader', 'CT-NHPD');
CREATE ROLE stranger LOGIN;
GRANT pg_read_server_files TO stranger;
SQL

sub write_file
{
	my ($name, $bytes) = @_;
	open(my $out, '>:raw', "$directory/$name") or die "$name: $!";
	print $out $bytes;
	close $out or die "$name: $!";
	return "$directory/$name";
}

# An audit of the 13 columns, with so many searches from a number on
my $header = qq(ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,Text Prompt,Moderation\n);
my @reasons = ('', '', 'Stolen vehicle', 'inv', '26-10423', 'fled CFS 26-123', 'Motor Vehicle Theft/Stolen - 26-10423', '"burglary, ""A"" street"', '***', 'Immigration');

sub searches
{
	my ($count, $from) = @_;
	return join '', map
	{
		sprintf qq(%08x-0000-4000-8000-000000000000,SECRET Officer %d,%s,%d,"10/%02d/2026, 12:00:00 AM UTC\n10/%02d/2026, 11:00:00 PM UTC",ZZ%d,%s,,,"10/%02d/2026, %02d:%02d:%02d PM UTC",search,,\n),
		  $_, $_ % 40, ('New Haven CT PD', 'Boston MA PD', 'Houston TX PD')[ $_ % 3 ], $_ % 900, 1 + $_ % 9, 10 + $_ % 9, $_ % 5000, $reasons[ $_ % @reasons ], 1 + $_ % 28, 1 + $_ % 12, $_ % 60, $_ % 60
	} $from + 1 .. $from + $count;
}
sub as_user { my ($user, $sql) = @_; my ($out, $err); my $status = $node->psql('city', $sql, extra_params => [ '-U', $user ], stdout => \$out, stderr => \$err, on_error_die => 0); return ($status, $out, $err) }
sub count_of { return $node->safe_psql('city', 'SELECT count(*) FROM ctlpr.external_search') }

# From a file of the server
my $log_start = -s $node->logfile;
my $file = write_file('audit.csv', $header . searches(300, 0));
my ($status, $out, $err) = as_user('reader', "SELECT ctlpr.import_external_audit('Vendor', '$file', 'CT-NHPD')");
is("$status $out", '0 1', 'an auditor who may read files of the server imports one');
is(count_of(), 300, '... all of it');
is($node->safe_psql('city', 'SELECT file_name, rows, rejected_lines FROM ctlpr.external_audit'), 'audit.csv|300|0', '... by its name');
is($node->safe_psql('city', "SELECT encode(sha256, 'hex') = '" . (split ' ', `sha256sum $file`)[0] . "' FROM ctlpr.external_audit"), 't', '... and the hash of its bytes');

sub fails
{
	my ($user, $sql, $pattern, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($failed, undef, $said) = as_user($user, "\\set VERBOSITY verbose\n$sql");
	ok($failed != 0 && $said =~ $pattern && $said !~ /SECRET|ZZ\d/, $name) or diag("got $said");
	return;
}
fails('oversight', "SELECT ctlpr.import_external_audit('Vendor', '$file', 'CT-NHPD')", qr/42501.*permission denied to read a file/s, 'one who may not does not');
fails('oversight', "SELECT ctlpr.import_external_audit('Vendor', '$directory/none', 'CT-NHPD')", qr/42501(?!.*none)/s, '... nor learns whether there is one');
fails('oversight', "SELECT ctlpr.read_server_file('$file')", qr/42501/, '... in any other way');
fails('stranger', "SELECT ctlpr.import_external_audit('Vendor', '$file', 'CT-NHPD')", qr/42501/, 'and who may read files is no auditor by that');

# A function that runs with its owner's rights is its owner: as for COPY, the caller's own right does not count there.
$node->safe_psql('city', <<"SQL");
CREATE FUNCTION lure() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT ctlpr.import_external_audit('Vendor', '$file', 'CT-NHPD') \$\$;
ALTER FUNCTION lure() OWNER TO oversight;
SQL
fails('reader', 'SELECT lure()', qr/42501.*permission denied to read a file/s, 'a definer function reads with the rights of its owner');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', 'audit.csv', 'CT-NHPD')", qr/42602/, 'a relative path is refused');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '$directory', 'CT-NHPD')", qr/42809.*no regular file/s, 'a directory too');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '$directory/none', 'CT-NHPD')", qr/58P01/, 'and a file that is not there');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '$file', 'CT-NHPD')", qr/42710.*import 1/s, 'the same file is imported once');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '" . write_file('sheet.xlsx', "PK\x03\x04\x14\x00") . "', 'CT-NHPD')", qr/22P04.*spreadsheet/s, 'a spreadsheet is told');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '" . write_file('torn.csv', "SECRET,ZZ1\n" x 40) . "', 'CT-NHPD')", qr/22P04.*line 1/s, 'so is what has no header');

# From a client, as the manual has it
my $client = write_file('client.csv', $header . searches(200, 300));
($out, $err) = ('', '');
ok(IPC::Run::run([ 'psql', '-X', '-At', '-h', $node->host, '-p', $node->port, '-d', 'city', '-U', 'oversight' ], '<', \<<"PSQL", '>', \$out, '2>', \$err), 'psql sends what it reads');
\\set content `cat $client`
SELECT ctlpr.import_external_audit_text('Vendor', :'content', 'CT-NHPD', file_name => 'client.csv');
PSQL
my $sent = $node->safe_psql('city', "SELECT import_id FROM ctlpr.external_audit WHERE file_name = 'client.csv'");
is("$out$err", "$sent\n", '... as an import');
is(count_of(), 500, '... all of it');
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '$client', 'CT-NHPD')", qr/42710.*import $sent/s, 'the same content as a file is no other audit');
my $bytes = unpack 'H*', $header . searches(50, 500) . qq(x,Jos\xe9,Boston MA PD,1,,,fled,,,"10/05/2026, 01:00:00 PM UTC",search,,\n);
($status, $out) = as_user('oversight', "SELECT ctlpr.import_external_audit_bytes('Vendor', '\\x$bytes', 'CT-NHPD')");
like("$status $out", qr/^0 \d+$/, 'or as bytes, in whatever encoding');
is($node->safe_psql('city', "SELECT encode(convert_to(officer, 'UTF8'), 'hex') FROM ctlpr.external_search WHERE vendor_id = 'x'"), '4a6f73c3a9', '... of which the text is right');

# Nothing half: an import that is interrupted, or of which the last lines are another audit's
my $before = count_of();
my $joined = write_file('joined.csv', $header . searches(45000, 1000) . "Name,Org Name,Search Time,Reason\n" . "SECRET,SECRET PD,2026-10-05T00:00:00Z,x\n");
fails('reader', "SELECT ctlpr.import_external_audit('Vendor', '$joined', 'CT-NHPD')", qr/22P04.*Line 90002 is a header/s, 'two audits in one are told by the line');
fails('reader', "SET statement_timeout = 500; SELECT ctlpr.import_external_audit('Vendor', '" . write_file('long.csv', $header . searches(45000, 100000)) . "', 'CT-NHPD')", qr/57014/, 'an import can be canceled');
is(count_of() . ' ' . $node->safe_psql('city', 'SELECT count(*) FROM ctlpr.external_audit'), "$before 3", '... and leaves nothing');

# Two sessions with the same file: one waits for the other's end
my $twice = write_file('twice.csv', $header . searches(100, 200000));
my $first = connect_as($node, 'city', 'reader');
$first->query('BEGIN');
is(sqlstate_of($first->query("SELECT ctlpr.import_external_audit('Vendor', '$twice', 'CT-NHPD')")), '00000', 'a session imports');
my $child = start_child(sub { my ($lines) = @_; my $second = connect_as($node, 'city', 'reader'); print $lines sqlstate_of($second->query("SELECT ctlpr.import_external_audit('Vendor', '$twice', 'CT-NHPD')", 60)), "\n"; });
ok(await_true(sub { return $node->safe_psql('city', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND wait_event_type = 'Lock'") }), 'another with the same file waits');
$first->query('COMMIT');
is((lines_of($child))[0], '42710', '... and is told that it is there');
$first->close;

# Reading is on record, imports too, and what was imported is in no part of the server log
as_user('oversight', "SELECT count(*) FROM ctlpr.external_searches; SELECT count(*) FROM ctlpr.external_searches WHERE plates @> '{ZZ7}'");
is(log_value($node, 'city', 'count(*)', "entry = 'verdict' AND relation = 'ctlpr.external_search' AND role = 'oversight'"), '2', 'each transaction that reads searches is on record');
($status, $out) = as_user('oversight', 'SELECT count(*) FROM ctlpr.external_searches WHERE false');
is($status, 0, 'a search for nothing goes well');
fails('oversight', "SELECT ctlpr.import_external_audit_text('Vendor', 'SECRET,ZZ17\n1,2\n', 'CT-NHPD')", qr/22P04/, 'text that is no audit is refused');
fails('oversight', "SELECT ctlpr.import_external_audit_text('Vendor', 'Search Time,Reason\n2026-10-05T00:00:00Z,SECRET ZZ17\n', 'CT-HPD')", qr/42501/, 'and text of another agency');
my $log = slurp_file($node->logfile, $log_start);
like($log, qr/22P04|42501/, 'the server log tells that imports failed');
unlike($log, qr/SECRET|ZZ\d/, '... and nothing that stood in them');

# A dump brings all of it
my $dump = "$directory/dump.sql";
$node->safe_psql('city', 'DROP FUNCTION lure');
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-d', 'city', '-f', $dump ], 'imports are dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'restored', '-c', 'SET ctlpr.restore = on', '-f', $dump ], '... and restored');
for my $table (qw(external_audit external_search external_rejection external_agency_name))
{
	my $sum = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ctlpr.$table t";
	is($node->safe_psql('restored', $sum), $node->safe_psql('city', $sum), "... $table as it was");
}

# Of a database of another encoding
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('latin', "SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; $stand_in");
is($node->safe_psql('latin', "SELECT ctlpr.import_external_audit_bytes('v', convert_to(E'Search Time,Org Name,Reason\\n2026-10-05T00:00:00Z,A CT PD,Jos', 'LATIN1') || '\\xc3a9'::bytea)"), '1', 'a database in Latin-1 takes UTF-8');
is($node->safe_psql('latin', "SELECT encode(convert_to(reason, 'LATIN1'), 'hex') FROM ctlpr.external_search"), '4a6f73e9', '... as its own text');
($status, undef, $err) = $node->psql('latin', "SELECT ctlpr.import_external_audit_bytes('v', convert_to(E'Search Time,Org Name,Reason\\n2026-10-05T00:00:00Z,A CT PD,', 'LATIN1') || '\\xe29688e29688'::bytea || repeat(E'\\n2026-10-05T00:00:00Z,A CT PD,x', 3)::bytea)");
ok($status != 0 && $err =~ /cannot hold/, 'what it cannot hold is told') or diag($err);

# Speed: linear, thousands of lines a second
my $big = write_file('big.csv', $header . searches(100000, 1000000));
my $began = time;
($status, $out, $err) = as_user('reader', "SELECT ctlpr.import_external_audit('Vendor', '$big', 'CT-NHPD')");
my $took = time - $began;
is($status, 0, 'a hundred thousand searches are imported') or diag($err);
like($err, qr/NOTICE:  import \d+: 100000 lines read, 0 rejected/, '... telling how far it is');
note(sprintf '100,000 searches of 13 columns in %.1f s, %.0f a second', $took, 100000 / $took);
cmp_ok($took, '<', 120, '... in reasonable time');

# Real ones
my $data = '../../shared/data/searches.tsv';
SKIP:
{
	skip "the real searches are not here ($data)", 6 unless -r $data;
	my $real = write_file('searches.tsv', slurp_file($data));
	$began = time;
	($status, $out) = as_user('reader', "SELECT ctlpr.import_external_audit('Portal', '$real', 'CT-NHPD')");
	note(sprintf '20,000 real searches in %.1f s', time - $began);
	is($status, 0, '20,000 real searches are imported');
	my $of = "ctlpr.external_search WHERE import_id = $out";
	is($node->safe_psql('city', "SELECT rows, rejected_lines FROM ctlpr.external_audit WHERE import_id = $out"), '20000|0', '... each of them');
	my ($reasons, $offenses, $cases) = (0, 0, 0);
	open(my $in, '<:raw', $data) or die "$data: $!";
	my @lines = <$in>;
	close $in;
	for (@lines[ 1 .. $#lines ])
	{
		chomp;
		my @cells = split /\t/, $_, -1;
		$reasons++ if $cells[3] =~ /\S/ && $cells[3] ne '[REDACTED]';
		$offenses++ if $cells[4] ne '';
		$cases++ if $cells[3] =~ /^\s*2[3-6]-\d{3,6}\s*$/;
	}
	is($node->safe_psql('city', "SELECT count(reason), count(offense), count(DISTINCT searching_agency) FROM $of"), "$reasons|$offenses|" . scalar(keys %{ { map { (split /\t/)[1] => 1 } @lines[ 1 .. $#lines ] } }), '... with what is stated');
	is($node->safe_psql('city', "SELECT count(*) FROM $of AND reason ~ '^\\s*2[3-6]-[0-9]{3,6}\\s*\$' AND case_from_reason"), $cases, '... and the case numbers that are all of a reason');
	is($node->safe_psql('city', "SELECT count(*) FROM $of AND searching_state IS NULL"), '16', '... the state in all names that tell it');
	is($node->safe_psql('city', "SELECT count(*) FROM ctlpr.external_audit_findings() f WHERE f.finding ~ 'audit(s)? $out\\M' AND f.severity = 'violation'"), '0', '... before the act binds they are no violations');
}
$node->stop;
done_testing();
