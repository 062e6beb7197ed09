# For who watches over several servers: a line of the server log for each entry, once it is durable, which tells of no plate, reason, officer or case, and which nobody can write but the writer: 14(a)(6), 13(e)(1).
use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use CtlprTest;

my $node = new_node('main', <<'CONF');
autovacuum = off
restart_after_crash = on
log_statement = none
log_min_error_statement = panic
log_line_prefix = '%m [%p] %b %q%a '
ctlpr.purge_naptime = 1h
CONF
$node->start;
new_world($node, 'city');

my $position = 0;
sub since
{
	my $log = slurp_file($node->logfile, $position);
	$position += length $log;
	return $log;
}

# mirrored(text) - entries that its lines tell of
sub mirrored { my ($log) = @_; return map { decode_json($_) } $log =~ /^\S+ \S+ \S+ \[\d+\] ctlpr audit writer LOG:  ctlpr audit: (\{.*\})$/mg }
sub value { return $node->safe_psql('city', $_[0]) }

# settled() - outcomes are stored a moment after; the number of the last entry then.  To read the log is on record itself.
sub settled { sleep 1; return value('SELECT max(seq) FROM ctlpr.audit_entry') }

settled();
is(scalar(mirrored(since())), 0, 'off: no line');
my ($status, $out, $err) = $node->psql('city', 'SET ctlpr.audit_mirror = log');
like($err, qr/cannot be changed now/, 'a session does not change that');
my $before = settled() + 2;    # the entry of that look, and its outcome
$node->append_conf('postgresql.conf', 'ctlpr.audit_mirror = log');
$node->reload;
sleep 0.5;

# What people state, and how they are called
$node->safe_psql('city', <<'SQL');
CREATE ROLE "evil
2026-01-01 LOG:  ctlpr audit: {""seq"":1}" LOGIN;
SELECT ctlpr.bind_role('"evil
2026-01-01 LOG:  ctlpr audit: {""seq"":1}"', 'CT-NHPD');
SET client_min_messages = warning;
CREATE TABLE "zoë ☃ 🚗
LOG:  ctlpr audit: {}" (captured_at timestamptz NOT NULL, plate text NOT NULL);
SELECT ctlpr.govern('"zoë ☃ 🚗
LOG:  ctlpr audit: {}"', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
GRANT SELECT ON "zoë ☃ 🚗
LOG:  ctlpr audit: {}" TO PUBLIC;
SQL
my $officer = connect_as($node, 'city', 'nhpd');
$officer->query("SET application_name = E'zzapp\\n2026 ctlpr audit writer LOG:  ctlpr audit: {}'");
$officer->query('BEGIN');
is(sqlstate_of($officer->query(request_sql('ZZREASON', "officer => 'ZZOFFICER', case_number => 'ZZCASE', offense => 'ZZOFFENSE', terminal => 'ZZTERMINAL'"))), '00000', 'a request');
is(sqlstate_of($officer->query("SELECT count(*) FROM plate_reads WHERE plate = 'ZZPLATE'")), '00000', '... and a search');
$officer->query('COMMIT');
for my $refused ("SELECT ctlpr.begin_request('zzpurpose')", "SELECT ctlpr.begin_request('immigration_enforcement', reason => 'ZZREASON')", "SELECT ctlpr.begin_request('stolen_vehicle', agency_id => 'ZZAGENCY')", 'SELECT * FROM plate_reads')
{
	$officer->query('BEGIN');
	like(sqlstate_of($officer->query($refused)), qr/^LP00/, '... and what is refused');
	$officer->query('ROLLBACK');
}
my $evil = connect_as($node, 'city', "evil\n2026-01-01 LOG:  ctlpr audit: {\"seq\":1}");
$evil->query('BEGIN');
$evil->query(request_sql('ZZREASON'));
is(sqlstate_of($evil->query("SELECT count(*) FROM \"zoë ☃ 🚗\nLOG:  ctlpr audit: {}\"")), '00000', 'one of an odd name searches a table of an odd name');
$evil->query('COMMIT');

value("SELECT ctlpr.record_event('configuration', agency_id => 'ZZNOBODY')");

my $last = settled();
my $log = since();
my @entries = grep { $_->{seq} > $before && $_->{seq} <= $last } mirrored($log);
is(join(',', sort { $a <=> $b } map { $_->{seq} } @entries), join(',', $before + 1 .. $last), 'each entry has one line');
my @told = $log =~ /^\S+ \S+ \S+ \[\d+\] ctlpr audit writer LOG: +ctlpr audit: .*$/mg;
my %told = map { $_->{seq} => 1 } mirrored($log);
is(scalar(@told), scalar(keys %told), '... and whoever reads them by the writer that wrote them meets no other');
is(scalar(grep { /[^ -~]/ } @told), 0, '... each in plain characters');
unlike($log, qr/ctlpr audit.*ZZ/i, 'nothing of what was stated stands in them');
unlike($log, qr/ZZ(REASON|OFFICER|CASE|OFFENSE|TERMINAL|PLATE|AGENCY)/, '... nor elsewhere in the server log');
my %of = map { $_->{seq} => $_ } @entries;
my $compared = value(q(SELECT string_agg(format('%s|%s|%s|%s|%s|%s|%s', seq, entry, action, role, allowed, sqlstate, rows_returned), E'\x1e' ORDER BY seq) FROM ctlpr.audit_entry WHERE seq > ) . "$before AND seq <= $last");
is(join("\x1e", map { my $e = $_; join '|', $e->{seq}, $e->{entry}, $e->{action}, $e->{role} // '', defined $e->{allowed} ? ($e->{allowed} ? 't' : 'f') : '', $e->{sqlstate} // '', $e->{rows_returned} // '' } map { $of{$_} } sort { $a <=> $b } keys %of), $compared, '... and they say what the entries say');
my ($search) = grep { $_->{action} eq 'select' && ($_->{search_kind} // '') eq 'plate' } @entries;
is(join(' ', map { $search->{$_} // '' } qw(role agency_id purpose relation allowed entry)), 'nhpd CT-NHPD stolen_vehicle public.plate_reads 1 verdict', 'a search');
like($search->{at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, '... with its time in UTC');
is((grep { ($_->{of_seq} // 0) == $search->{seq} } @entries)[0]{outcome}, 'ok', '... and its outcome');
is(join(' ', map { $_->{purpose} // '-' } grep { ($_->{sqlstate} // '') =~ /^LP00[34]$/ } @entries), '(unknown) immigration_enforcement', 'a purpose that a rule knows is told, and no other');
is(scalar(grep { ($_->{relation} // '') =~ /zo\x{eb} \x{2603} \x{1f697}\nLOG/ } @entries) > 0, 1, 'a name of many characters comes through whole');
my %known = map { $_ => 1 } qw(seq entry of_seq at role agency_id purpose relation action search_kind allowed sqlstate clause outcome rows_returned rows_touched);
is(join(' ', grep { !$known{$_} } map { keys %$_ } @entries), '', 'no other column is told');

# A crash: the entry is there, with or without its line, and no line is there without its entry
$officer->query('BEGIN');
$officer->query(request_sql('before'));
ok(kill_and_recover($node, worker_pid($node, 'city', 'ctlpr audit writer')), 'the server crashes');
my $again = connect_as($node, 'city', 'nhpd');
$again->query('BEGIN');
is(sqlstate_of($again->query(request_sql('after'))), '00000', 'it goes on');
$again->query('COMMIT');
settled();
@entries = mirrored(since());
cmp_ok(scalar @entries, '>=', 1, '... and is mirrored again');
is(value("SELECT count(*) FROM unnest('{" . join(',', map { $_->{seq} } @entries) . "}'::bigint[]) s WHERE NOT EXISTS (SELECT FROM ctlpr.audit_entry e WHERE e.seq = s)"), '0', '... and no line is about an entry that is not there');

# Off again
$node->append_conf('postgresql.conf', 'ctlpr.audit_mirror = off');
$node->reload;
sleep 0.5;
since();
$again->query('BEGIN');
$again->query(request_sql('silent'));
$again->query('COMMIT');
settled();
unlike(since(), qr/ctlpr audit:/, 'off again: no line');
$node->stop;
done_testing();
