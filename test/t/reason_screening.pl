# What a stated reason reveals: forbidden purposes are refused, contested ones flagged, lawful ones let through: 13(d)(1) to (4).
#
# The texts are those of screening/*.txt, and the real ones of the shared data
# where it is there.  All of them are screened in one statement; what
# begin_request() and approve_reason() make of it is tried on a few.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $data = '../../shared/data';

my %clause_of = (
	immigration              => '13(d)(3)',
	reproductive_health_care => '13(d)(4)',
	gender_affirming_care    => '13(d)(4)',
	protected_activity       => '13(d)(2)',
	protected_class          => '13(d)(1)',
);

# What the labels of the shared data are called here
my %category_of = (
	immigration      => 'immigration',
	reproductive     => 'reproductive_health_care',
	gender_affirming => 'gender_affirming_care',
	protest          => 'protected_activity',
);

# character(number) - its bytes in UTF-8; unescape(line) - the text that a line of a list stands for, as bytes
sub character { my $character = chr $_[0]; utf8::encode($character); return $character }
my %escaped = (n => "\n", t => "\t", '\\' => '\\');
sub unescape { return $_[0] =~ s/\\(?:x\{([0-9A-Fa-f]+)\}|([nt\\]))/defined $1 ? character(hex $1) : $escaped{$2}/ger }
sub quote { my ($text) = @_; return 'NULL' unless defined $text; return "'" . ($text =~ s/'/''/gr) . "'" }

sub lines_in
{
	my ($file) = @_;
	open(my $in, '<:raw', $file) or die "$file: $!";
	chomp(my @lines = <$in>);
	return @lines;
}

# Every text: { list, label, note, text, shown }, and what came out: action, category, clause, term
my @texts;
for my $list (qw(lawful contested))
{
	push @texts, map { { list => $list, label => $list, text => unescape($_), shown => $_ } } grep { /\S/ && !/^#/ } lines_in("screening/$list.txt");
}
for my $line (grep { /\S/ && !/^#/ } lines_in('screening/forbidden.txt'))
{
	my ($category, $text) = split /\t/, $line, 2;
	push @texts, { list => 'forbidden', label => $category, text => unescape($text), shown => $text };
}
my $real = -r "$data/reasons.tsv" && -r "$data/reasons_written.tsv";
for my $list ($real ? qw(reasons reasons_written) : ())
{
	my (undef, @lines) = lines_in("$data/$list.tsv");
	for my $line (@lines)
	{
		my ($label, $text, $note) = split /\t/, $line, -1;
		push @texts, { list => $list, label => $label, note => $note // '', text => $text, shown => $text };
	}
}
sub of_list { my ($list) = @_; return grep { $_->{list} eq $list } @texts }

# The lists hold what they are meant to; a list cut short would pass all that follows
cmp_ok(scalar of_list('lawful'), '>=', 120, 'at least 120 lawful reasons');
cmp_ok(scalar of_list('forbidden'), '>=', 150, 'at least 150 forbidden ones');
cmp_ok(scalar of_list('contested'), '>=', 20, 'at least 20 contested ones');
is(join(', ', grep { !exists $clause_of{$_} } map { split /\|/, $_->{label} } of_list('forbidden')), '', 'each forbidden one names its category');
cmp_ok(scalar(grep { my $text = $_; grep { $text->{label} eq $_ } keys %clause_of } of_list('forbidden')), '>=', 150, '... and nearly all just one');

my $node = new_node('main', "log_statement = none\nlog_min_error_statement = error");
$node->start;
new_world($node, 'city');
$node->safe_psql('city', <<'SQL');
CREATE ROLE chief LOGIN;
CREATE ROLE deputy LOGIN;
CREATE ROLE hpd_chief LOGIN;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true);
SELECT ctlpr.bind_role('deputy', 'CT-NHPD', supervisor => true);
SELECT ctlpr.bind_role('hpd_chief', 'CT-HPD', supervisor => true);
SQL

# screened(database, texts) - what screen_reason() says of each, in one statement: [ [action, category, clause, term], ... ] of each
sub screened
{
	my ($database, @list) = @_;
	my $values = join(",\n", map { "($_, " . quote($list[$_]) . ')' } 0 .. $#list);
	my $rows = $node->safe_psql($database, "SET client_encoding = 'UTF8';
		CREATE TEMPORARY TABLE stated (n int, reason text); INSERT INTO stated VALUES $values;
		SELECT t.n, s.action, s.category, s.clause, translate(s.term, E'\\n', ' ') FROM stated t CROSS JOIN LATERAL ctlpr.screen_reason(t.reason) s ORDER BY t.n");
	my @found = map { [] } @list;
	for my $row (split /\n/, $rows)
	{
		my ($n, @found_of) = split /\|/, $row, 5;
		push @{ $found[$n] }, \@found_of;
	}
	return @found;
}

my $started = time;
my @found = screened('city', map { $_->{text} } @texts);
my $seconds = time - $started;
for my $n (0 .. $#texts)
{
	@{ $texts[$n] }{qw(action category clause term)} = @{ $found[$n][0] // [ ('') x 4 ] };
}
is(scalar(grep { @$_ > 1 } @found), 0, 'one row decides, or none');
is(scalar(grep { $_->{action} !~ /^(?:refuse|flag)?$/ } @texts), 0, 'it refuses or flags');
is(scalar(grep { $_->{action} && !length $_->{term} } @texts), 0, '... and names the term');
is(join("\n", map { "$_->{category} $_->{clause}: $_->{shown}" } grep { $_->{action} eq 'refuse' && ($clause_of{ $_->{category} } // '') ne $_->{clause} } @texts), '', 'what is refused is refused under the clause of its category');

# shown(texts) - for a failure: what came out of each
sub shown { return join("\n", map { sprintf '%s: %s', join(' ', grep { length } $_->{label}, '->', $_->{action} || 'nothing', $_->{category}, $_->{term}), $_->{shown} } @_) }

# holds_for_none(texts, name) - a test that fails with the texts that it found
sub holds_for_none
{
	my ($wrong, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(!@$wrong, $name) or diag(scalar(@$wrong) . " texts:\n" . shown(@$wrong));
	return;
}

sub refused { return grep { $_->{action} eq 'refuse' } @_ }
sub flagged { return grep { $_->{action} eq 'flag' } @_ }
sub labelled { my ($label, @list) = @_; return grep { $_->{label} eq $label } @list }

# The lists
holds_for_none([ refused(of_list('lawful')) ], 'no lawful reason is refused');
holds_for_none([ grep { $_->{action} ne 'refuse' } of_list('forbidden') ], 'every forbidden reason is refused');
holds_for_none([ grep { my $text = $_; $text->{action} eq 'refuse' && !grep { $_ eq $text->{category} } split /\|/, $text->{label} } of_list('forbidden') ], '... under its category');
holds_for_none([ grep { $_->{action} ne 'flag' } of_list('contested') ], 'every contested reason is flagged, and not refused');

# The real reasons
SKIP:
{
	skip "the real reasons are not here ($data)", 7 unless $real;
	my @certain = grep { $_->{note} ne 'ambiguous' } of_list('reasons');
	my @immigration = labelled('immigration', @certain);
	my @benign = labelled('benign', @certain);
	cmp_ok(scalar @certain, '>', 2000, 'the real reasons are read');
	cmp_ok(scalar @immigration, '>', 0, '... some of them of immigration');
	my $recall = refused(@immigration) / (@immigration || 1);
	cmp_ok($recall, '>=', 0.97, 'of those of immigration nearly all are refused') or diag(shown(grep { $_->{action} ne 'refuse' } @immigration));
	holds_for_none([ refused(map { labelled($_, @certain) } qw(benign vague case_number_only)) ], 'no benign, vague or case-number-only reason is refused');
	cmp_ok(100 * flagged(@benign), '<=', scalar @benign, 'at most 1 in 100 benign reasons is flagged') or diag(shown(flagged(@benign)));
	holds_for_none([ refused(labelled('benign', of_list('reasons_written'))) ], 'of what is easily confused nothing benign is refused');
	holds_for_none([ grep { my $category = $category_of{ $_->{label} }; $category && $_->{action} eq 'refuse' && $_->{category} ne $category } of_list('reasons_written') ],
		'... and what is refused is refused under its own category');
}

# The report: what came out of each list and label, and the texts that came out otherwise than their label says
my $report = sprintf("%-16s %-36s %6s %8s %8s %8s\n", qw(list label texts refused flagged nothing));
for my $list (qw(lawful contested forbidden reasons reasons_written))
{
	my %group;
	push @{ $group{ $_->{label} . ($_->{note} ? " ($_->{note})" : '') } }, $_ for of_list($list);
	for my $label (sort keys %group)
	{
		my @group = @{ $group{$label} };
		$report .= sprintf("%-16s %-36s %6d %8d %8d %8d\n", $list, $label, scalar @group, scalar refused(@group), scalar flagged(@group), scalar grep { !$_->{action} } @group);
	}
}
diag("\n" . $report . sprintf('%d texts in %.0f ms, loading and answers included: %.1f us each', scalar @texts, 1000 * $seconds, 1e6 * $seconds / @texts));
my @surprising = grep { $category_of{ $_->{label} } ? $_->{action} ne 'refuse' : $_->{label} eq 'benign' && $_->{action} } grep { $_->{list} =~ /^reasons/ } @texts;
diag(scalar(@surprising) . " real and easily confused reasons came out otherwise than labelled:\n" . shown(@surprising)) if @surprising;
note("lawful, and flagged:\n" . shown(flagged(of_list('lawful'))));
for my $action ('refuse', 'flag', '')
{
	my %count;
	$count{ $_->{category} || 'nothing' }++ for grep { $_->{action} eq $action } @texts;
	note(($action || 'nothing') . ': ' . join(', ', map { "$_ $count{$_}" } sort keys %count));
}

# What is no sentence at all
my %odd = (
	null                                     => undef,
	empty                                    => '',
	blank                                    => " \t\n ",
	'blank of other widths'                  => join('', map { character($_) } 0xA0, 0x2003, 0x3000, 0x200B),
	'combining marks alone'                  => join('', map { character($_) } (0x301, 0x327, 0x336) x 40),
	'marks of direction alone'               => join('', map { character($_) } 0x202E, 0x2066, 0x200F),
	'characters outside of the first plane'  => join('', map { character($_) } 0x1F697, 0x10FFFF, 0xE0049),
	'patterns of a regular expression'       => '(((((.*)*)+)?[[:alpha:]{9999} \\m\\M % _ $1 ${x}',
	'look-alikes of one letter'              => character(0x456) x 2048,
	'separators'                             => '.-' x 2048,
	'single letters'                         => 'i ' x 2048,
	'a word that never ends'                 => 'immigr' x 682,
	'the start of a word with marks'         => 'i' . character(0x301) x 2047,
);
my @odd = sort keys %odd;
my @result = eval { screened('city', @odd{@odd}) };
is($@, '', 'no odd text is an error');
my %odd_result;
@odd_result{@odd} = @result;
is(scalar @{ $odd_result{$_} }, 0, "$_: no row") for 'null', 'empty', 'blank';

# 4,096 bytes that look like the word, over and over, and the word at the end of as many that do not
my $lookalike = join('', map { character($_) } 0x406, 0x421, 0x415) . ' ';
my @long = ($lookalike x 585, 'x ' x 2042 . ' ICE assist', ('x' x 4083) . ' immigration');
is(join(' ', map { length } @long), '4095 4095 4095', 'texts of nearly 4,096 bytes');
$started = time;
@result = screened('city', @long);
note(sprintf '%d texts of 4,096 bytes in %.0f ms', scalar @long, 1000 * (time - $started));
is(join(' ', map { $_->[0][0] // 'nothing' } @result), 'refuse refuse refuse', '... are refused for the one word, wherever it stands');

# Of no use as a reason, and flagged for that
@result = screened('city', 'investigation', 'suspect vehicle', '26-004512', 'CASE # 2026-00417');
is(join(' ', map { join('/', @{ $_->[0] // ['nothing'] }[ 0, 1 ]) } @result), 'flag/vague flag/vague flag/case_number_only flag/case_number_only', 'a vague reason, and a case number alone, are flagged as that');

# begin_request(): refused, on record, and told without a word of the reason
my $officer = connect_as($node, 'city', 'nhpd');

# requested(connection, arguments) - the result of a request in a transaction of its own
sub requested
{
	my ($connection, $arguments) = @_;
	my $result = $connection->query("BEGIN; SELECT ctlpr.begin_request($arguments); COMMIT");
	$connection->query('ROLLBACK') if $result->{status} ne 'I';
	return $result;
}

# entry_of(condition) - the last request on record; last_of(role)
sub entry_of
{
	my ($where) = @_;
	my %entry;
	@entry{qw(seq allowed sqlstate clause field action category of_clause approval term)} = split /\|/,
		log_value($node, 'city', 'e.seq, e.allowed, e.sqlstate, e.clause, '
			. join(', ', map { "e.detail -> 'screen' ->> '$_'" } qw(field action category clause approval_seq term)),
			"e.action = 'request' AND $where ORDER BY e.seq DESC LIMIT 1"), 10;
	$_ //= '' for values %entry;
	$entry{seq} ||= 0;
	return \%entry;
}
sub last_of { return entry_of("e.role = '$_[0]'") }

# told(result) - all that the client was told; since() - what the server's log has got since the last call
sub told { my ($result) = @_; return join("\n", map { @{$_}{ grep { /^[MDHWqst]$/ } keys %$_ } } grep { defined } $result->{error}, @{ $result->{notices} }) }
my $position = -s $node->logfile;
sub since
{
	my $log = slurp_file($node->logfile, $position);
	$position += length $log;
	return $log;
}

my $secret = 'Zzqtoken, Qwertyson: pick up with ICE for ERO';
my $of_secret = qr/zzqtoken|qwertyson|pick up|\bice\b|\bero\b/i;
sub verdicts { return log_value($node, 'city', 'count(*)', "e.entry = 'verdict' AND e.role = 'nhpd'") }
my $before = verdicts();
my $result = requested($officer, "'stolen_vehicle', case_number => '26-71', reason => '$secret'");
is(sqlstate_of($result), 'LP008', 'a request with a forbidden reason is refused');
unlike(told($result), $of_secret, '... message, detail and hint repeat no word of the reason');
like($result->{error}{M} // '', qr/^[^A-Z].*[^.]$/, '... message in the style of the server');
like($result->{error}{D} // '', qr/13\(d\)\(3\).*\.$/s, '... the detail names the clause');
like($result->{error}{H} // '', qr/\.$/, '... the hint says what to do');
my $log = since();
like($log, qr/ERROR: /, '... the server logs the error');
unlike($log, $of_secret, '... without a word of the reason');
my $entry = last_of('nhpd');
is(verdicts(), $before + 1, '... one entry is made of it');
is("@{$entry}{qw(allowed sqlstate clause)}", 'f LP008 13(d)(3)', '... the refusal, under the clause');
is("@{$entry}{qw(field action category of_clause approval)}", 'reason refuse immigration 13(d)(3) ', '... and what was found where');
is($entry->{term}, $node->safe_psql('city', "SELECT term FROM ctlpr.screen_reason('$secret')"), '... and by which term');
cmp_ok(length $entry->{term}, '>', 0, '... which has a name');
is(log_value($node, 'city', "e.reason = '$secret' AND e.case_number = '26-71'", "e.seq = $entry->{seq}"), 't', '... the reason is kept as stated');
is(scalar @{ $officer->query('SELECT request_seq FROM ctlpr.current_request()')->{rows} }, 1, '... the session goes on');
is($officer->query('SELECT request_seq FROM ctlpr.current_request()')->{rows}[0][0], undef, '... with no request in force');
is(sqlstate_of($officer->query("BEGIN; SELECT ctlpr.begin_request('stolen_vehicle', reason => '$secret'); SELECT count(*) FROM plate_reads")), 'LP008', '... nor in a transaction');
is(sqlstate_of($officer->query('ROLLBACK')), '00000', '... which is rolled back');
is(last_of('nhpd')->{sqlstate}, 'LP008', '... and on record all the same');

# check_request() says so beforehand, and records nothing
$before = verdicts();
is(join(' ', @{ $officer->query("SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', reason => '$secret')")->{rows}[0] // [] }), 'f LP008 13(d)(3)', 'check_request() tells of it beforehand');
unlike($officer->query("SELECT explanation FROM ctlpr.check_request('stolen_vehicle', reason => '$secret')")->{rows}[0][0] // '', $of_secret, '... without a word of the reason');
is(verdicts(), $before, '... and records nothing');

# Each category under its clause; the other texts that are stated
for my $case ([ 'reproductive_health_care', 'out of state abortion' ], [ 'gender_affirming_care', 'gender affirming care' ], [ 'protected_activity', 'identify protesters' ], [ 'protected_class', 'racial profiling' ])
{
	my ($category, $text) = @$case;
	is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => '$text'")), 'LP008', "a reason of $category is refused");
	$entry = last_of('nhpd');
	is("@{$entry}{qw(clause field action category of_clause)}", "$clause_of{$category} reason refuse $category $clause_of{$category}", '... under its clause');
}
for my $field ('offense', 'case_number')
{
	my $result = requested($officer, "'stolen_vehicle', reason => 'stolen Altima', $field => 'ICE detainer'");
	is(sqlstate_of($result), 'LP008', "a forbidden purpose in $field is refused");
	unlike(told($result), qr/detainer|altima|\bice\b/i, '... and not repeated');
	$entry = last_of('nhpd');
	is("@{$entry}{qw(allowed sqlstate clause field action category)}", "f LP008 13(d)(3) $field refuse immigration", '... the entry tells where it stood');
}
is(sqlstate_of(requested($officer, "'stolen_vehicle', offense => 'Immigration (civil/administrative)'")), 'LP008', '... without a reason as well');

# Restated, flagged, or with nothing to find
$result = $officer->query("BEGIN; SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-71', reason => 'stolen Altima, plate seen by witness') > 0; SELECT count(*) FROM plate_reads WHERE plate = 'NH1'; COMMIT");
is(sqlstate_of($result), '00000', 'the officer may restate');
is($result->{rows}[1][0], '1', '... and searches');
$entry = last_of('nhpd');
is("$entry->{allowed} $entry->{action}", 't ', '... of which the entry has nothing to tell');
$result = requested($officer, "'stolen_vehicle', reason => 'HSI request'");
is(sqlstate_of($result), '00000', 'a contested reason is allowed');
$entry = entry_of("e.seq = " . ($result->{rows}[0][0] // 0));
is("@{$entry}{qw(allowed field action category)}", 't reason flag contested', '... and flagged in its entry');
cmp_ok(length $entry->{term}, '>', 0, '... with the term');
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'HSI request', offense => 'ICE detainer'")), 'LP008', 'what is flagged in one text is refused for another');
$entry = last_of('nhpd');
is("@{$entry}{qw(field action)}", 'offense refuse', '... which decides');
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'assault on an ICE agent'")), '00000', 'a lawful sentence that mentions the word is allowed');
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => NULL")), '00000', 'no reason reveals nothing, where none is demanded');
is(sqlstate_of(requested($officer, "'immigration_enforcement', reason => 'stolen Altima'")), 'LP004', 'a forbidden purpose stays what it is');
$result = requested($officer, "'stolen_vehicle', reason => '" . $lookalike x 585 . "'");
is(sqlstate_of($result), 'LP008', '4,096 bytes of look-alike letters are refused as a reason');
cmp_ok(length told($result), '<', 2000, '... in few words');
since();

# A term that an administrator adds bites in the next request of a session that is open, and no more once it is gone
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'zorblatt survey'")), '00000', 'a word that no term knows');
$node->safe_psql('city', "INSERT INTO ctlpr.screen_term (statute, pattern, category, clause, action, note) VALUES ('us-ct-2026', 'zorblatt', 'immigration', '13(d)(3)', 'refuse', 'local name of an operation')");
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'zorblatt survey'")), 'LP008', '... is refused once it is a term');
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'Z.\x{d0}\x{9e}.R.B.L.A.T.T'")), 'LP008', '... disguised, too');
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'zorblattery'")), '00000', '... as a word, not as a part of one');
$node->safe_psql('city', "UPDATE ctlpr.screen_term SET action = 'flag', category = 'contested' WHERE pattern = 'zorblatt'");
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'zorblatt survey'")), '00000', '... allowed when it flags');
is(last_of('nhpd')->{action}, 'flag', '... and flagged');
$node->safe_psql('city', "DELETE FROM ctlpr.screen_term WHERE pattern = 'zorblatt'");
is(sqlstate_of(requested($officer, "'stolen_vehicle', reason => 'zorblatt survey'")), '00000', '... and allowed when it is none any more');
is(last_of('nhpd')->{action}, '', '... without a flag');
is(sqlstate_of($officer->query("INSERT INTO ctlpr.screen_term (statute, pattern, category, clause, action, note) VALUES ('us-ct-2026', 'x', 'immigration', '13(d)(3)', 'flag', '')")), '42501', 'an officer adds no term');
is(sqlstate_of($officer->query('DELETE FROM ctlpr.screen_term')), '42501', '... and takes none away');
cmp_ok(log_value($node, 'city', 'count(*)', "concat(e.relation, e.detail) LIKE '%screen_term%' AND e.allowed"), '>=', 3, 'changes of the terms are on record');

# approve_reason(): another supervisor of the agency admits what was stated
my %session = map { $_ => connect_as($node, 'city', $_) } qw(nhpd hpd chief deputy hpd_chief unbound);
my $stated = "'criminal_investigation', case_number => '26-88', reason => 'homicide suspect, Qwertyson, on ICE detainer', offense => 'homicide'";
sub approved { my ($role, $seq, $why) = @_; return $session{$role}->query("SELECT ctlpr.approve_reason($seq, " . quote($why) . ')') }

# refused_entry(role, arguments) - the number of the entry of such a refusal
sub refused_entry
{
	my ($role, $arguments) = @_;
	is(sqlstate_of(requested($session{$role}, $arguments)), 'LP008', "a reason of $role to approve is refused at first");
	return last_of($role)->{seq};
}
my $seq = refused_entry('nhpd', $stated);
my $own = refused_entry('chief', $stated);
my $why = 'Zzqtoken: the case is a homicide, not the removal';
requested($officer, "'immigration_enforcement', reason => 'ICE detainer', case_number => '26-88'");
my $forbidden = last_of('nhpd');
is($forbidden->{sqlstate}, 'LP004', 'a forbidden purpose is refused as that');
my $allowed = requested($officer, "'stolen_vehicle', reason => 'HSI request'")->{rows}[0][0];
my $statement = log_value($node, 'city', 'max(e.seq)', "e.action = 'select'");

for my $case (
	[ 'nhpd', $seq, $why, 'the requester' ],
	[ 'chief', $own, $why, 'a supervisor who is the requester' ],
	[ 'hpd', $seq, $why, 'an officer of another agency' ],
	[ 'hpd_chief', $seq, $why, 'a supervisor of another agency' ],
	[ 'unbound', $seq, $why, 'a role of no agency' ],
	[ 'chief', $forbidden->{seq}, $why, 'of a forbidden purpose, anybody' ],
	[ 'chief', $allowed, $why, 'of a request that was allowed, anybody' ],
	[ 'chief', $statement, $why, 'of an entry that is no request, anybody' ],
	[ 'chief', 99999999, $why, 'of an entry that is not there, anybody' ],
	[ 'chief', 'NULL', $why, 'of no entry, anybody' ],
	[ 'chief', $seq, undef, 'without a justification, a supervisor' ],
	[ 'chief', $seq, " \t ", 'with a blank justification, a supervisor' ],
)
{
	my ($role, $entry, $text, $name) = @$case;
	my $result = approved($role, $entry, $text);
	like(sqlstate_of($result), qr/^(?:LP0|22|42|55)/, "$name cannot approve");
	unlike(told($result), qr/zzqtoken|qwertyson|homicide|detainer/i, '... and is told no word of it');
	unlike(told($result), qr/13\(d\)\(3\)/, '... nor what it was refused for') if $role =~ /^(?:hpd|hpd_chief|unbound)$/;
	is(log_value($node, 'city', 'coalesce((array_agg(e.agency_id ORDER BY e.seq DESC))[1], \'none\')', "e.role = 'unbound'"), 'none', '... and what it tries is no refusal of the agency that asked') if $role eq 'unbound';
	is(sqlstate_of(requested($officer, $stated)), 'LP008', '... the reason stays refused');
}
is(sqlstate_of(requested($officer, "'immigration_enforcement', reason => 'ICE detainer', case_number => '26-88'")), 'LP004', 'a forbidden purpose stays refused');
unlike(since(), qr/zzqtoken|qwertyson|homicide|detainer/i, 'the server logs no word of all that');
cmp_ok(log_value($node, 'city', 'count(*)', "e.role = '$_' AND e.sqlstate LIKE 'LP%' AND e.action <> 'request'"), '>=', 1, "an approval refused to $_ is on record") for 'nhpd', 'hpd_chief';

$result = approved('chief', $seq, $why);
is(sqlstate_of($result), '00000', 'a supervisor of the agency approves');
$result = requested($officer, $stated);
is(sqlstate_of($result), '00000', '... and what was refused is admitted');
$entry = entry_of('e.seq = ' . ($result->{rows}[0][0] // 0));
is("@{$entry}{qw(allowed field action category of_clause)}", 't reason refuse immigration 13(d)(3)', '... its entry tells that it would have been refused, and for what');
cmp_ok($entry->{approval} || 0, '>', $seq, '... and which entry approved it');
is(log_value($node, 'city', 'e.role, e.agency_id, e.allowed', 'e.seq = ' . ($entry->{approval} || 0)), 'chief|CT-NHPD|t', '... that of the supervisor');
like(log_value($node, 'city', "concat(e.reason, e.detail)", 'e.seq = ' . ($entry->{approval} || 0)), qr/not the removal/, '... with the justification');
cmp_ok($node->safe_psql('city', "SELECT count(*) FROM ctlpr.findings f WHERE f.evidence && ARRAY[" . ($entry->{approval} || 0) . ', ' . ($entry->{seq} || 0) . ']::bigint[]'), '>=', 1, '... which is a finding');
is($officer->query("BEGIN; SELECT ctlpr.begin_request($stated) > 0; SELECT count(*) FROM plate_reads WHERE plate = 'NH1'; COMMIT")->{rows}[1][0], '1', '... and searches run under it');

# It admits that and nothing else
for my $case (
	[ 'nhpd', $stated =~ s/detainer'/detainer too'/r, 'another reason' ],
	[ 'nhpd', $stated =~ s/26-88/26-89/r, 'another case' ],
	[ 'nhpd', $stated =~ s/case_number => '26-88', //r, 'no case' ],
	[ 'nhpd', $stated =~ s/, offense => 'homicide'//r, 'no offense' ],
	[ 'nhpd', $stated =~ s/offense => 'homicide'/offense => 'assault'/r, 'another offense' ],
	[ 'nhpd', $stated =~ s/criminal_investigation/stolen_vehicle/r, 'another purpose' ],
	[ 'nhpd', "$stated, on_behalf_of => 'CT-HPD'", 'a search for another agency' ],
	[ 'hpd', $stated, 'another agency' ],
)
{
	my ($role, $arguments, $name) = @$case;
	is(sqlstate_of(requested($session{$role}, $arguments)), 'LP008', "an approval is none for $name");
}
is(sqlstate_of(approved('deputy', $own, 'the same case')), '00000', 'what a supervisor stated, another one approves');

# A transaction that is rolled back approves nothing
my $other = "'criminal_investigation', case_number => '26-90', reason => 'ICE detainer found at homicide scene'";
$seq = refused_entry('nhpd', $other);
$session{chief}->query("BEGIN; SELECT ctlpr.approve_reason($seq, 'a homicide'); ROLLBACK");
is(sqlstate_of(requested($officer, $other)), 'LP008', 'an approval that is rolled back admits nothing');

# What is stated is not in the server's log because of another error, and counts of scans do not tell what others stated
since();
is(sqlstate_of($officer->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => '$secret')")), '25P01', 'a request outside of a transaction');
is(sqlstate_of($officer->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => '$secret', scope => 'week')")), '22023', '... or of an unknown scope');
unlike(since(), $of_secret, '... is logged without a word of its reason');
is(sqlstate_of($officer->query("SELECT pg_stat_get_xact_numscans(indexrelid) FROM pg_index WHERE indrelid = 'ctlpr.audit_entry'::regclass")), 'LP010', 'scans of an index are not counted for everybody');

# An approval is for a day
$node->safe_psql('city', "UPDATE ctlpr.reason_approval SET valid_until = now()");
is(sqlstate_of(requested($officer, $stated)), 'LP008', 'an approval that has lapsed admits nothing');

# Quality is asked of the reason alone
$result = requested($officer, "'stolen_vehicle', reason => 'stolen Altima', offense => 'investigation', case_number => '26-004512'");
is(entry_of('e.seq = ' . ($result->{rows}[0][0] // 0))->{action}, '', 'a vague offense and a case number are no flaws');

# A request is screened again by its statements when the terms have changed
is(sqlstate_of($officer->query("BEGIN; SELECT ctlpr.begin_request('stolen_vehicle', reason => 'quuxville survey'); SELECT count(*) FROM plate_reads")), '00000', 'a request without a flaw searches');
$node->safe_psql('city', "SELECT ctlpr.set_screen_term('quuxville', 'immigration', 'refuse', '13(d)(3)')");
is(sqlstate_of($officer->query('SELECT count(*) FROM plate_reads')), 'LP008', '... and searches no more once a term forbids what it states');
$officer->query('ROLLBACK');
$node->safe_psql('city', "SELECT ctlpr.drop_screen_term('quuxville')");

# An agency that assists immigration enforcement by agreement: what says nothing is contested
my $agreement = $node->safe_psql('city', "SELECT ctlpr.register_immigration_agreement('CT-NHPD', '8 U.S.C. 1357(g)')");
for my $case ([ "reason => 'investigation'", 't reason flag contested' ], [ 'reason => NULL', 't reason flag contested' ], [ "reason => 'stolen Altima'", 't   ' ], [ "reason => 'ICE detainer'", 'f reason refuse immigration' ])
{
	requested($officer, "'stolen_vehicle', $case->[0]");
	is("@{last_of('nhpd')}{qw(allowed field action category)}", $case->[1], "under an agreement, $case->[0]");
}
requested($session{hpd}, "'stolen_vehicle', reason => 'investigation', case_number => '26-7', on_behalf_of => 'CT-NHPD'");
is(last_of('hpd')->{category}, 'contested', '... and so is what another agency states on its behalf');
$node->safe_psql('city', "SELECT ctlpr.end_immigration_agreement($agreement)");
requested($officer, "'stolen_vehicle', reason => 'investigation'");
is(last_of('nhpd')->{category}, 'vague', '... until the agreement ends');

# break_glass(), standing requests, disclosures, holds and case numbers that follow
is(sqlstate_of(connect_as($node, 'city', owner_login())->query("BEGIN; SELECT ctlpr.break_glass('ICE detainer')")), 'LP008', 'no break-glass for a forbidden purpose');
my $begun = requested($officer, "'missing_person', case_number => 'pending', reason => 'missing child'")->{rows}[0][0];
is(sqlstate_of($officer->query("SELECT ctlpr.complete_request($begun, 'ICE detainer')")), 'LP008', 'none in a case number that follows');
$begun = requested($officer, "'stolen_vehicle', case_number => '26-9', reason => 'stolen Altima'")->{rows}[0][0];
is(sqlstate_of($officer->query("SELECT ctlpr.record_disclosure($begun, 'CT-HPD', 'ICE detainer')")), 'LP008', 'none in what was passed on');
is(sqlstate_of($session{chief}->query("SELECT ctlpr.preserve('plate_reads', 'criminal_evidence', 'ICE detainer', '26-9', 'Officer A', plates => '{NH1}')")), 'LP008', 'none in what evidence is kept for');
my $standing = eval { $node->safe_psql('city', "SELECT ctlpr.standing_request('nhpd', 'parking_enforcement', 'ICE detainer', 'Captain B', now() + interval '1 day')") };
like($@, qr/reveals a forbidden purpose/, 'none in what stands');
is(log_value($node, 'city', "count(*)", "e.sqlstate = 'LP008' AND e.action IN ('complete_request', 'disclosure', 'hold', 'configuration', 'break_glass')"), '5', '... all on record');

# Other encodings: what is ASCII is screened alike, and no byte is an error
my @plain = grep { $_->{text} !~ /[^\x00-\x7F]/ && $_->{list} !~ /^reasons/ } @texts;
for my $encoding ('LATIN1', 'SQL_ASCII')
{
	my $database = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, "SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE; SELECT ctlpr.adopt_statute('us-ct-2026')");
	my @there = screened($database, map { $_->{text} } @plain);
	my @differ = grep { join('|', @{ $there[$_][0] // [ ('') x 4 ] }) ne join('|', @{ $plain[$_] }{qw(action category clause term)}) } 0 .. $#plain;
	cmp_ok(scalar @plain, '>', 300, "$encoding: reasons in ASCII") or diag(scalar @plain);
	is(join("\n", map { $plain[$_]{shown} } @differ), '', "$encoding: they are screened as in UTF8");
	my $bytes = $encoding eq 'LATIN1' ? "convert_from('\\xe9f8ad494345206465746169e9ff'::bytea, 'LATIN1')" : "E'\\351\\370\\377 ICE hold \\200'";
	my $found = $node->safe_psql($database, "SELECT count(*) FROM ctlpr.screen_reason($bytes)");
	like($found, qr/^[01]$/, "$encoding: bytes beyond ASCII are no error");
	is($node->safe_psql($database, "SELECT action, category FROM ctlpr.screen_reason(convert_from('\\xed63e92068f46c64'::bytea, 'LATIN1'))"), 'refuse|immigration', 'LATIN1: letters of that encoding are read') if $encoding eq 'LATIN1';
	is($node->safe_psql($database, "SELECT action, category FROM ctlpr.screen_reason(" . ($encoding eq 'LATIN1' ? "convert_from('\\x49434520686f6c6420ef'::bytea, 'LATIN1')" : "E'ICE hold \\351'") . ')'), 'refuse|immigration', "$encoding: ... and hide no word beside them");
}

$node->stop;
done_testing();
