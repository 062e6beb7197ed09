# docs/log-format.md: whoever keeps a checkpoint finds out, without the server, that the log was changed, and from which entry on: 13(d)(8).
#
# The logs here are made by this file alone, from the specification; the server
# and the tool's own sources have no part in it.
use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use File::Temp;
use FindBin;
use IPC::Run;
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More;

my $tools = "$FindBin::Bin/../../tools";
my $directory = File::Temp->newdir;
die "tools/ctlpr-verify is not built (make tools)" if !-x "$tools/ctlpr-verify";

sub write_file
{
	my ($name, $content) = @_;
	open(my $handle, '>:raw', "$directory/$name") or die "$name: $!";
	print $handle $content;
	close $handle or die "$name: $!";
	return "$directory/$name";
}

sub run_tool
{
	my ($command, $input) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run($command, '<', \($input // ''), '>', \$out, '2>', \$err);
	return ($? & 127 ? -1 : $? >> 8, $out, $err);
}

# ---- keys ----

my $origin = 'police.example.gov/ctlpr';

# make_key(name, origin) - its file, and its verifier's key put together here
sub make_key
{
	my ($name, $of) = @_;
	my ($status, $out) = run_tool([ "$tools/keygen.sh", "$directory/$name", $of ]);
	die "no key: $out" if $status;
	my ($failed, $der) = run_tool([ 'openssl', 'pkey', '-in', "$directory/$name", '-pubout', '-outform', 'DER' ]);
	my $public = "\x01" . substr($der, -32);
	my $number = substr(sha256("$of\n$public"), 0, 4);
	my $line = "$of+" . unpack('H*', $number) . '+' . encode_base64($public, '');
	return { file => "$directory/$name", name => $of, number => $number, line => $line, printed => $out };
}

my $key = make_key('key', $origin);
my $new_key = make_key('new_key', $origin);
my $other_key = make_key('other_key', 'elsewhere.example.gov/ctlpr');
my $witness = make_key('witness', 'witness.example.org');
is($key->{printed}, "$key->{line}\n", 'keygen prints the key of the specification');
is((stat $key->{file})[2] & 0777, 0600, '... and keeps the private one for its owner');
{
	my ($status, $out, $err) = run_tool([ "$tools/keygen.sh", $key->{file}, $origin ]);
	is($status, 2, '... and writes over none');
	($status) = run_tool([ "$tools/keygen.sh", "$directory/spaces", 'two words' ]);
	ok($status == 2 && !-e "$directory/spaces", '... and takes no origin that a note cannot name');
}

my %signatures;

sub sign
{
	my ($with, $text) = @_;
	$signatures{ $with->{file} }{$text} //= do
	{
		my $file = write_file('signed_text', $text);
		my ($status, $out, $err) = run_tool([ 'openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', $with->{file}, '-in', $file ]);
		die "no signature: $err" if $status || length($out) != 64;
		$out;
	};
	return $signatures{ $with->{file} }{$text};
}

sub signature_line
{
	my ($with, $text) = @_;
	return "\xe2\x80\x94 $with->{name} " . encode_base64($with->{number} . sign($with, $text), '') . "\n";
}

sub signed_note
{
	my ($text, @with) = @_;
	return join('', "$text\n", (map { signature_line($_, $text) } @with ? @with : $key), "\n");
}

# ---- the tree, by its definition (RFC 9162, 2.1) ----

# split_of(n) - the largest power of two below n
sub split_of { my ($n) = @_; my $k = 1; $k *= 2 while 2 * $k < $n; return $k; }

# root_of(leaf hashes, from, count); kept in the cache, a hash, if there is one
sub root_of
{
	my ($leaves, $from, $count, $cache) = @_;
	return sha256('') if $count == 0;
	return $leaves->[$from] if $count == 1;
	return $cache->{"$from $count"} if $cache && $cache->{"$from $count"};
	my $k = split_of($count);
	my $root = sha256("\x01" . root_of($leaves, $from, $k, $cache) . root_of($leaves, $from + $k, $count - $k, $cache));
	$cache->{"$from $count"} = $root if $cache;
	return $root;
}

# inclusion_path(leaves, from, count, index within), consistency_path(leaves, from, count, first size, is the first whole)
sub inclusion_path
{
	my ($leaves, $from, $count, $index) = @_;
	return () if $count == 1;
	my $k = split_of($count);
	return $index < $k
	  ? (inclusion_path($leaves, $from, $k, $index), root_of($leaves, $from + $k, $count - $k))
	  : (inclusion_path($leaves, $from + $k, $count - $k, $index - $k), root_of($leaves, $from, $k));
}

sub consistency_path
{
	my ($leaves, $from, $count, $first, $whole) = @_;
	return $whole ? () : root_of($leaves, $from, $count) if $first == $count;
	my $k = split_of($count);
	return $first <= $k
	  ? (consistency_path($leaves, $from, $k, $first, $whole), root_of($leaves, $from + $k, $count - $k))
	  : (consistency_path($leaves, $from + $k, $count - $k, $first - $k, 0), root_of($leaves, $from, $k));
}

# ---- Certificate Transparency's own vectors ----

my @ct_leaves = map { sha256("\x00" . pack 'H*', $_) } '', qw(00 10 2021 3031 40414243 5051525354555657 606162636465666768696a6b6c6d6e6f);
my @ct_roots = qw(6e340b9c fac54203 aeb6bcfe d37ee418 4e3bbb1f 76e67dad ddb89be4 5dc9da79);

sub proof_status
{
	my ($status, $out) = run_tool([ "$tools/ctlpr-verify", map { length == 32 ? unpack 'H*', $_ : $_ } @_ ]);
	return $status == 0 && $out =~ /^valid: / ? 'valid' : $status == 1 && $out =~ /^not valid: / ? 'not valid' : "status $status";
}

for my $size (1 .. 8)
{
	my $root = root_of(\@ct_leaves, 0, $size);
	is(substr(unpack('H*', $root), 0, 8), $ct_roots[ $size - 1 ], "root of $size leaves, as published");
	my (@wrong, @refused);
	for my $index (0 .. $size - 1)
	{
		my @path = inclusion_path(\@ct_leaves, 0, $size, $index);
		push @wrong, $index if proof_status('inclusion', $index + 1, $ct_leaves[$index], $size, $root, @path) ne 'valid';
		push @refused, $index if proof_status('inclusion', $index + 1, sha256('x'), $size, $root, @path) eq 'not valid';
	}
	is_deeply(\@wrong, [], '... all its leaves are found in it');
	is_deeply(\@refused, [ 0 .. $size - 1 ], '... and no other is');
	@wrong = grep { proof_status('consistency', $_, root_of(\@ct_leaves, 0, $_), $size, $root, $_ ? consistency_path(\@ct_leaves, 0, $size, $_, 1) : ()) ne 'valid' } 0 .. $size;
	is_deeply(\@wrong, [], '... and it extends all smaller ones');
}
is_deeply(
	[ map { unpack 'H*', $_ } inclusion_path(\@ct_leaves, 0, 8, 0) ],
	[   '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
		'5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
		'6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4' ],
	'the proof of the first of eight leaves, as published');
{
	my $root = root_of(\@ct_leaves, 0, 7);
	my @path = inclusion_path(\@ct_leaves, 0, 7, 4);
	is(proof_status('inclusion', 5, $ct_leaves[4], 7, encode_base64($root, ''), @path), 'valid', 'a root in base64 is one');
	is(proof_status('inclusion', 4, $ct_leaves[4], 7, $root, @path), 'not valid', 'a leaf is at one place');
	is(proof_status('inclusion', 5, $ct_leaves[4], 7, $root, @path, $path[0]), 'not valid', 'a proof that is too long');
	is(proof_status('inclusion', 5, $ct_leaves[4], 7, $root, @path[ 0 .. $#path - 1 ]), 'not valid', '... too short');
	is(proof_status('inclusion', 5, $ct_leaves[4], 7, $root, reverse @path), 'not valid', '... in another order');
	is(proof_status('inclusion', 8, $ct_leaves[7], 7, $root), 'not valid', 'an entry behind the end');
	is(proof_status('inclusion', 0, $ct_leaves[0], 7, $root), 'not valid', 'an entry before the first');
	is(proof_status('inclusion', 5, 'abc', 7, $root, @path), 'status 2', 'what is no hash');
	is(proof_status('inclusion', 5, $ct_leaves[4], '07', $root, @path), 'status 2', '... or no number');
	is(proof_status('inclusion', 1, $ct_leaves[0], 8, root_of(\@ct_leaves, 0, 4), inclusion_path(\@ct_leaves, 0, 4, 0)), 'not valid', 'the root of another size');
	is(proof_status('consistency', 2, root_of(\@ct_leaves, 0, 2), 8, root_of(\@ct_leaves, 0, 4), consistency_path(\@ct_leaves, 0, 4, 2, 1)), 'not valid', '... of a log that is to be extended');
	my ($first, @between) = (root_of(\@ct_leaves, 0, 3), consistency_path(\@ct_leaves, 0, 7, 3, 1));
	is(proof_status('consistency', 3, root_of(\@ct_leaves, 1, 3), 7, $root, @between), 'not valid', 'another first root');
	is(proof_status('consistency', 3, $first, 7, root_of(\@ct_leaves, 0, 8), @between), 'not valid', 'another second root');
	is(proof_status('consistency', 3, $first, 7, $root, @between, $first), 'not valid', 'a proof that is too long');
	is(proof_status('consistency', 3, $first, 7, $root, @between[ 0 .. $#between - 1 ]), 'not valid', '... too short');
	is(proof_status('consistency', 3, $first, 7, $root), 'not valid', '... of nothing');
	is(proof_status('consistency', 4, root_of(\@ct_leaves, 0, 4), 7, $root), 'not valid', '... of nothing after a complete tree');
	is(proof_status('consistency', 8, root_of(\@ct_leaves, 0, 8), 7, $root), 'not valid', 'a log that has become shorter');
	is(proof_status('consistency', 0, $first, 7, $root), 'not valid', 'a root that the empty log does not have');
}

# ---- logs ----

my @columns = qw(entry of_seq at request_seq session_role role agency_id agency_kind agency_state on_behalf_of officer purpose offense
  case_number reason basis declaration_id authorization_id relation action search_kind plates statement allowed enforced
  sqlstate clause outcome rows_returned rows_touched oldest_age_days client_addr application_name terminal backend_pid statute
  owners owner_rows detail);
my @salted = qw(officer case_number reason plates detail);

# What entries hold; SECRET stands wherever the tool must not say what it read.
sub fill
{
	my ($entry) = @_;
	$entry->{text} = join "\t", 'ctlpr-entry-1', map { my $column = $_; $entry->{hashes}{$column} // $entry->{fields}{$column} // '\N' } @columns;
	$entry->{hash} = sha256("\x00$entry->{text}");
	return $entry;
}

sub new_entry
{
	my ($n, $branch) = @_;
	my %entry = (
		fields => {
			entry => 'search', at => '2026-10-01T12:00:00.000000Z', session_role => "SECRETrole$n", relation => 'public.plate_reads', action => 'select',
			statement => 'SELECT \\\\ \t \n', allowed => 't', enforced => 't', client_addr => '10.1.2.3', backend_pid => 4711 + $n, owners => '{CT-NHPD,CT-HPD}',
			application_name => $branch // "caf\xc3\xa9" },
		values => []);
	# Every entry but each seventh has salted values, each tenth all five.
	for my $i (0 .. $#salted)
	{
		next if $n % 7 == 0 || ($n % 10 && ($n + $i) % 2 && $i < 4);
		my $value = "SECRET $salted[$i] of $n" . ($i == 3 ? '}' : '') =~ s/^/{/r;
		my $salt = substr(sha256("salt $n $i"), 0, 16);
		push @{ $entry{values} }, { column => $salted[$i], salt => $salt, value => $value };
		$entry{hashes}{ $salted[$i] } = unpack 'H*', sha256($salt . $value);
	}
	return fill(\%entry);
}

my @entries = map { new_entry($_) } 1 .. 1000;
my $cache = {};

# copy_of(count) - the first entries, to be tampered with; renumber them with number()
sub copy_of
{
	my ($count) = @_;
	my $seq = 0;
	return map { $seq++; +{ %$_, seq => $seq, values => [ map { +{ %$_, seq => $seq } } @{ $_->{values} } ] } } @entries[ 0 .. $count - 1 ];
}

sub number
{
	my $seq = 0;
	for my $entry (@_)
	{
		$seq++;
		$entry->{seq} = $seq;
		$_->{seq} = $seq for @{ $entry->{values} };
	}
	return @_;
}

sub lines_of_entry
{
	my ($entry) = @_;
	return ((join "\t", 'entry', $entry->{seq}, $entry->{hash_text} // unpack('H*', $entry->{hash}), $entry->{text} // ()),
		map { join "\t", 'value', $_->{seq}, $_->{column}, unpack('H*', $_->{salt}), $_->{value} } @{ $entry->{values} });
}

sub log_of { return join '', map { "$_\n" } "log\tctlpr-log-1\t$origin", map { lines_of_entry($_) } @_; }

# checkpoint_text(size, root, origin, further lines), checkpoint(size) - of the log that nobody has changed
sub checkpoint_text
{
	my ($size, $root, $of, @more) = @_;
	return join '', map { "$_\n" } $of // $origin, $size, encode_base64($root, ''), @more;
}

sub text_at { my ($size) = @_; return checkpoint_text($size, root_of([ map { $_->{hash} } @entries ], 0, $size, $cache)); }
sub checkpoint { my ($size) = @_; return signed_note(text_at($size)); }

# verdict(name, log, notes, what the output should be like, options) - the verdict and the notes to it
my $failures = 0;

sub verdict
{
	my ($name, $log, $notes, $expected, @options) = @_;
	@options = ('--key', $key->{line}) if !@options;
	my $log_file = write_file('log', $log);
	my ($status, $out, $err) = run_tool([ "$tools/ctlpr-verify", @options, $log_file, map { write_file("notes", $_) } defined $notes ? $notes : () ]);
	my $said = $status == 2 ? "no verdict: $err" : "$out$err";
	like($said, $expected, $name);
	is($status, $expected =~ /\^valid/ ? 0 : $expected =~ /\^not valid/ ? 1 : 2, '... with the status for it');
	unlike("$out$err", qr/SECRET/, '... and says nothing of what the log holds') if "$out$err" =~ /SECRET/;
	return $out;
}

# first(entry, reason) - what the tool says of the first entry that is not valid
sub first { my ($seq, $reason) = @_; return qr/^not valid: first entry that is not: $seq: .*$reason/; }

for my $size (0, 1, 2, 3, 7, 8, 255, 256, 257, 1000)
{
	my @sizes = grep { $_ <= $size } 0 .. 17, 31, 32, 33, 100, 127, 128, 129, 254 .. 258, 511, 512, 513, 700, 999, 1000;
	my $root = encode_base64(root_of([ map { $_->{hash} } @entries ], 0, $size, $cache), '');
	my $count = @sizes;
	verdict("a log of $size entries", log_of(copy_of($size)), join('', map { checkpoint($_) } reverse @sizes), qr/^valid: $size entries, $count checkpoints, root \Q$root\E\n\z/);
}

# ---- tampering ----

my $size = 257;
my @notes = map { checkpoint($_) } 1, 100, 200, 250;
my $notes = join '', @notes;

# tampered(name, code, expected, ...) - the code gets the entries and gives those that are written
sub tampered
{
	my ($name, $code, $expected) = @_;
	return verdict($name, log_of($code->(copy_of($size))), $notes, $expected);
}

sub at { my ($entries, $seq) = @_; return $entries->[ $seq - 1 ]; }

# altered(entry) - it is another then, with the hash that belongs to it
sub altered { my ($entry) = @_; $entry->{text} =~ s/search/notice/; $entry->{hash} = sha256("\x00$entry->{text}"); return; }

tampered('nothing', sub { @_ }, qr/^valid: 257 entries, 4 checkpoints, root \S+\nnote: no checkpoint vouches for what follows entry 250\n\z/);
tampered('a text', sub { at(\@_, 150)->{text} =~ s/search/notice/; @_ }, first(150, 'text'));
tampered('the first text', sub { at(\@_, 1)->{text} =~ s/search/notice/; @_ }, first(1, 'text'));
tampered('the last text', sub { at(\@_, 257)->{text} =~ s/search/notice/; @_ }, first(257, 'text'));
tampered('a hash', sub { at(\@_, 150)->{hash} = sha256('x'); @_ }, first(150, 'text'));
tampered('a text and its hash', sub { altered(at(\@_, 150)); @_ }, first(101, 'checkpoint at 200'));
tampered('a text and its hash at a checkpoint', sub { altered(at(\@_, 200)); @_ }, first(101, 'checkpoint at 200'));
tampered('a text and its hash behind one', sub { altered(at(\@_, 201)); @_ }, first(201, 'checkpoint at 250'));
tampered('a text and its hash before the first', sub { altered(at(\@_, 1)); @_ }, first(1, 'checkpoint at 1 '));
tampered('a text and its hash behind the newest, which nobody can see', sub { altered(at(\@_, 251)); @_ }, qr/^valid: .*\nnote: no checkpoint vouches for what follows entry 250\n/);
tampered('an earlier text besides', sub { altered(at(\@_, 150)); at(\@_, 120)->{text} .= 'x'; @_ }, first(120, 'text'));
tampered('a value', sub { at(\@_, 150)->{values}[1]{value} .= 'x'; @_ }, first(150, 'case_number'));
tampered('a salt', sub { at(\@_, 150)->{values}[0]{salt} = 'x' x 16; @_ }, first(150, 'officer'));
tampered('a value under another column', sub { my $v = at(\@_, 150)->{values}; @$v[ 0, 2 ] = ({ %{ $v->[0] }, column => 'reason' }, { %{ $v->[2] }, column => 'officer' }); @_ }, first(150, 'reason'));
tampered('a value that moves between salt and text', sub { my $v = at(\@_, 150)->{values}[0]; ($v->{salt}, $v->{value}) = (substr($v->{salt}, 0, 15), substr($v->{salt}, 15) . $v->{value}); @_ }, first(150, 'form'));
tampered('a value of a column that is NULL', sub { push @{ at(\@_, 151)->{values} }, { %{ at(\@_, 151)->{values}[0] }, column => 'officer' }; @_ }, first(151, 'officer has a value and is NULL'));
tampered('a value twice', sub { push @{ at(\@_, 150)->{values} }, at(\@_, 150)->{values}[0]; @_ }, first(150, 'officer has two values'));
tampered('a value of a column without', sub { at(\@_, 150)->{values}[0]{column} = 'purpose'; @_ }, first(150, 'column'));
tampered('a value that says it is NULL', sub { at(\@_, 150)->{values}[0]{value} = '\N'; @_ }, first(150, 'officer'));
tampered('a value with a field more', sub { at(\@_, 150)->{values}[0]{value} .= "\tx"; @_ }, first(150, 'form'));
tampered('values in another order', sub { @{ at(\@_, 150)->{values} } = reverse @{ at(\@_, 150)->{values} }; @_ }, qr/^valid: 257/);
tampered('a value of the entry before', sub { push @{ at(\@_, 150)->{values} }, at(\@_, 149)->{values}[0]; @_ }, first(149, 'follow'));
tampered('a value of the entry after', sub { push @{ at(\@_, 150)->{values} }, at(\@_, 151)->{values}[0]; @_ }, first(151, 'follow'));
tampered('an entry taken out', sub { splice @_, 149, 1; @_ }, first(150, 'number 151'));
tampered('... and the others numbered anew', sub { splice @_, 149, 1; number(@_) }, first(101, 'checkpoint at 200'));
tampered('the first taken out', sub { shift @_; @_ }, first(1, 'number 2'));
tampered('... and the others numbered anew', sub { shift @_; number(@_) }, first(1, 'checkpoint at 1 '));
tampered('an entry put in', sub { splice @_, 150, 0, { %{ at(\@_, 10) }, seq => 150, values => [] }; @_ }, first(151, 'number 150'));
tampered('... and the others numbered anew', sub { splice @_, 150, 0, { %{ at(\@_, 10) }, values => [] }; number(@_) }, first(101, 'checkpoint at 200'));
tampered('two swapped', sub { @_[ 149, 150 ] = @_[ 150, 149 ]; @_ }, first(150, 'number 151'));
tampered('... and numbered anew', sub { @_[ 149, 150 ] = @_[ 150, 149 ]; number(@_) }, first(101, 'checkpoint at 200'));
tampered('the end cut off', sub { @_[ 0 .. 219 ] }, first(201, 'checkpoint at 250 entries: the log has 220'));
tampered('the end cut off behind the newest checkpoint, which nobody can see', sub { @_[ 0 .. 249 ] }, qr/^valid: 250 entries, 4 checkpoints, root \S+\n\z/);
tampered('all cut off', sub { () }, first(1, 'the log has 0'));
tampered('a number', sub { at(\@_, 150)->{seq} = 151; @_ }, first(150, 'number 151'));
for my $number ('0150', '+150', ' 150', '150 ', '18446744073709551766', '9' x 30, '', '1e2', '-1')
{
	tampered("the number as '$number'", sub { at(\@_, 150)->{seq} = $number; @_ }, first(150, 'form'));
}
tampered('the number 2^63', sub { at(\@_, 150)->{seq} = '9223372036854775808'; @_ }, first(150, 'form'));
tampered('a hash in capitals', sub { at(\@_, 150)->{hash_text} = uc unpack 'H*', at(\@_, 150)->{hash}; @_ }, first(150, 'form'));
tampered('a hash too short', sub { at(\@_, 150)->{hash_text} = '00' x 31; @_ }, first(150, 'form'));
tampered('a hash too long', sub { at(\@_, 150)->{hash_text} = '00' x 33; @_ }, first(150, 'form'));
tampered('a text that became empty', sub { at(\@_, 150)->{text} = ''; @_ }, first(150, 'text'));

# What may be taken out
tampered('contents that are not kept', sub { at(\@_, 150)->{text} = undef; at(\@_, 150)->{values} = []; @_ }, qr/^valid: 257 .*\nnote: the contents of 1 entries are not there/s);
tampered('... and their hash altered', sub { at(\@_, 150)->{text} = undef; at(\@_, 150)->{values} = []; at(\@_, 150)->{hash} = sha256('x'); @_ }, first(101, 'checkpoint at 200'));
tampered('... while the values were', sub { at(\@_, 150)->{text} = undef; @_ }, first(150, 'officer has a value, and there is no text'));
tampered('values that were redacted', sub { splice @{ at(\@_, 150)->{values} }, 1, 2; at(\@_, 101)->{values} = []; @_ }, qr/^valid: 257 .*\nnote: 5 values are not there/s);
tampered('... and their hash altered in the text', sub { my $e = at(\@_, 150); $e->{values} = []; $e->{text} =~ s/\t[0-9a-f]{64}/"\t" . '00' x 32/e; @_ }, first(150, 'text'));

# Entries of which the hash is right, behind the newest checkpoint
sub rewritten { my ($code) = @_; return sub { my $e = at(\@_, 255); $e->{values} = []; local $_ = $e->{text}; $code->(); $e->{text} = $_; $e->{hash} = sha256("\x00$_"); return @_; }; }
tampered('a text with a field less', rewritten(sub { s/\t[^\t]*\z// }), first(255, 'fields'));
tampered('a text with a field more', rewritten(sub { $_ .= "\tx" }), first(255, 'fields'));
tampered('a text of another version', rewritten(sub { s/entry-1/entry-2/ }), first(255, 'form'));
tampered('a value in the open', rewritten(sub { s/\t[0-9a-f]{64}/\tSECRET/ }), first(255, 'in the text is neither'));
tampered('a hash of a value in capitals', rewritten(sub { s/(\t[0-9a-f]{64})/\U$1/ }), first(255, 'in the text is neither'));

# Lines
sub relined
{
	my ($name, $code, $expected) = @_;
	local $_ = log_of(copy_of($size));
	$code->();
	verdict($name, $_, $notes, $expected);
	return;
}
my $line_of_150 = qr/(?<=\n)entry\t150\t[^\n]*\n/;
relined('an unknown record', sub { s/($line_of_150)/other\t150\n$1/ }, first(150, 'unknown'));
relined('an empty line', sub { s/($line_of_150)/\n$1/ }, first(150, 'unknown'));
relined('a second header', sub { s/($line_of_150)/log\tctlpr-log-1\t$origin\n$1/ }, first(150, 'unknown'));
relined('a NUL byte', sub { s/(entry\t150\t)/$1\0/ }, first(150, 'byte'));
relined('a NUL byte alone', sub { s/($line_of_150)/\0\n$1/ }, first(150, 'byte'));
relined('a carriage return', sub { s/($line_of_150)/$1 =~ s{\n}{\r\n}r/e }, first(150, 'byte'));
relined('carriage returns everywhere', sub { s/\n/\r\n/g }, qr/^no verdict: .*origin/);
relined('a word alone', sub { s/$line_of_150/entry\n/ }, first(150, 'form'));
relined('a number alone', sub { s/$line_of_150/entry\t150\n/ }, first(150, 'form'));
relined('a value alone', sub { s/($line_of_150)/$1value\n/ }, first(150, 'form'));
relined('a value without its text', sub { s/(${line_of_150}value\t150\tofficer\t[0-9a-f]*)[^\n]*/$1/ }, first(150, 'form'));
relined('a value before all entries', sub { s/\n/\nvalue\t1\tofficer\t${\ ('00' x 16)}\tx\n/ }, first(1, 'follow'));
relined('a value of entry 0', sub { s/\n/\nvalue\t0\tofficer\t${\ ('00' x 16)}\tx\n/ }, first(1, 'follow'));
relined('a file that ends within a line', sub { $_ = substr($_, 0, index($_, "entry\t230\t") + 100) }, first(230, 'text'));
relined('a file that ends within a number', sub { $_ = substr($_, 0, index($_, "entry\t230\t") + 8) }, first(230, 'form'));
relined('a file without its last line feed', sub { s/\n\z// }, qr/^valid: 257/);
relined('no header', sub { s/^[^\n]*\n// }, qr/^no verdict: .*header/);
relined('an empty file', sub { $_ = '' }, qr/^no verdict: .*empty/);
relined('a log of another version', sub { s/ctlpr-log-1/ctlpr-log-2/ }, qr/^no verdict: .*format/);
relined('a header without its origin', sub { s/\t\Q$origin\E\n/\n/ }, qr/^no verdict: .*origin/);
relined('a header with a field more', sub { s/\n/\tx\n/ }, qr/^no verdict: .*origin/);
relined('another origin', sub { s/police/potice/ }, first(1, 'origin'));
relined('what a terminal would obey', sub { s/police/\e]0;/ }, qr/^no verdict: .*origin/);
relined('... in eight bits', sub { s/police/\xc2\x9b/ }, qr/^no verdict: .*origin/);
relined('an origin of two words', sub { s/police/po lice/ }, qr/^no verdict: .*origin/);
relined('an origin that no key can have', sub { s/police/po+lice/ }, qr/^no verdict: .*origin/);

# A line of five million characters
{
	my @long = (copy_of(2), fill({ seq => 3, fields => {}, values => [], statement => '' }));
	my $value = 'SECRET' x 900_000;
	$long[2]{hashes}{reason} = unpack 'H*', sha256("\0" x 16 . $value);
	$long[2]{fields}{statement} = $value;
	fill($long[2]);
	$long[2]{values} = [ { seq => 3, column => 'reason', salt => "\0" x 16, value => $value } ];
	my $long_note = signed_note(checkpoint_text(3, root_of([ map { $_->{hash} } @long ], 0, 3)));
	verdict('a long line', log_of(@long), $long_note, qr/^valid: 3 entries, 1 checkpoints, root \S+\n\z/);
}

# ---- tampering with checkpoints ----

my $log = log_of(copy_of($size));
my $text = text_at(200);

# with(text of the checkpoint at 200 entries and its signatures) - all of them
sub with { return join '', @notes[ 0, 1 ], $_[0], $notes[3]; }

# resigned(code, keys) - the text altered, the signatures what they were
sub unsigned { my ($code) = @_; local $_ = $text; $code->(); return with("$_\n" . signature_line($key, $text) . "\n"); }

verdict('a size', $log, unsigned(sub { s/\n200\n/\n201\n/ }), first(101, 'checkpoint at 201 entries: its signature'));
verdict('a size behind the end', $log, unsigned(sub { s/\n200\n/\n9223372036854775807\n/ }), first(251, 'signature'));
verdict('a root', $log, unsigned(sub { s/\n200\n.*/\n200\n@{[encode_base64(sha256('x'), '')]}/ }), first(101, 'signature'));
verdict('an origin', $log, unsigned(sub { s/police/potice/ }), first(101, 'origin'));
verdict('an extension', $log, unsigned(sub { $_ .= "more\n" }), first(101, 'signature'));
verdict('a signature', $log, with("$text\n" . signature_line($key, text_at(199)) . "\n"), first(101, 'signature'));
verdict('a signature of another key of that name', $log, with(signed_note($text, $new_key)), first(101, 'no key'));
verdict('... of another key under the number of ours', $log, with(signed_note($text, { %$new_key, number => $key->{number} })), first(101, 'signature'));
verdict('... of a witness alone', $log, with(signed_note($text, $witness)), first(101, 'no key'));
verdict('... of ours under the name of a witness', $log, with(signed_note($text, { %$key, name => $witness->{name} })), first(101, 'no key'));
verdict('... of a witness besides', $log, with(signed_note($text, $witness, $key)), qr/^valid: 257 entries, 4 /);
verdict('... of ours twice, of which one is wrong', $log, with("$text\n" . signature_line($key, $text) . signature_line($key, text_at(199)) . "\n"), first(101, 'signature'));
verdict('... of a new key, where both are given', $log, with(signed_note($text, $new_key)), qr/^valid: 257 entries, 4 /, map { ('--key', $_->{line}) } $key, $new_key);
verdict('a root that was signed and is not the log\'s', $log, with(signed_note(checkpoint_text(200, sha256('x')))), first(101, 'root'));
verdict('... besides the one that is', $log, with(join '', signed_note($text), signed_note(checkpoint_text(200, sha256('x')))), first(101, 'root'));
verdict('... in the other order', $log, with(join '', signed_note(checkpoint_text(200, sha256('x'))), signed_note($text)), first(101, 'root'));
verdict('a root of the empty log that is none', $log, with(signed_note(checkpoint_text(0, sha256('x')))), first(1, 'checkpoint at 0 '));
verdict('a checkpoint of more than there is', $log, with(checkpoint(258)), first(251, 'the log has 257'));
verdict('a checkpoint of another log', $log, with(signed_note(checkpoint_text(200, sha256('x'), $other_key->{name}), $other_key)), first(101, 'origin'));
verdict('another key', $log, $notes, first(1, 'no key'), '--key', $new_key->{line});
verdict('a key of another log', $log, $notes, first(1, 'origin'), '--key', $other_key->{line});
verdict('an extension that says nothing of epochs', $log, with(signed_note("${text}more of it\n")), qr/^valid: 257 entries, 4 /);
verdict('only the empty log\'s', $log, checkpoint(0), qr/^valid: 257 entries, 1 .*\nnote: no checkpoint vouches for what follows entry 0\n/);

for my $case (
	[ 'without a signature', "$text\n\n" ],
	[ 'without the empty line', "$text" . signature_line($key, $text) . "\n" ],
	[ 'without its root', signed_note("$origin\n200\n") ],
	[ 'with a size that has zeros in front', signed_note($text =~ s/\n200/\n0200/r) ],
	[ 'with a size that is too large', signed_note($text =~ s/\n200/\n9223372036854775808/r) ],
	[ 'with a size below zero', signed_note($text =~ s/\n200/\n-1/r) ],
	[ 'with a root that is too long', signed_note($text =~ s/=$/AAA=/mr) ],
	[ 'with a root that has bits too many', signed_note($text =~ s/(.)=$/chr(ord($1) + 1) . '='/emr) ],
	[ 'with a root without its padding', signed_note($text =~ s/=$//mr) ],
	[ 'with carriage returns', checkpoint(200) =~ s/\n/\r\n/gr ],
	[ 'with a carriage return where nobody looks', signed_note("${text}more\r\n") ],
	[ 'with a NUL byte', signed_note($text =~ s/police/pol\0ce/r) ],
	[ 'with a signature that is none', "$text\n- $origin " . encode_base64('x' x 68, '') . "\n\n" ],
	[ 'with a signature that is not base64', "$text\n\xe2\x80\x94 $origin !!!!!!!!!!!!\n\n" ],
	[ 'with a signature that is too short to have a number', "$text\n\xe2\x80\x94 $origin AAAA\n\n" ],
	[ 'that is cut off', substr(checkpoint(200), 0, length($text) - 3) ])
{
	verdict("a checkpoint $case->[0]", $log, join('', @notes[ 0, 1 ], $case->[1]), qr/^no verdict: .*notes/);
}
verdict('a signature that is too long', $log, with("$text\n\xe2\x80\x94 $origin " . encode_base64($key->{number} . 'x' x 4000, '') . "\n\n"), first(101, 'signature'));
verdict('a file of checkpoints that has none', $log, "\n\n", qr/^no verdict: .*no checkpoint/);

# ---- what is missing is said ----

verdict('no key', $log, $notes, qr/^no verdict: .*no key .*--no-signatures/, '--from-checkpoint', write_file('kept', $notes));
verdict('signatures that nobody checks', $log, unsigned(sub { $_ .= "more\n" }), qr/^valid: 257 .*\nnote: signatures were not checked\n/, '--no-signatures');
verdict('... while the roots are', $log, unsigned(sub { s/\n200\n/\n201\n/ }), first(101, 'root'), '--no-signatures');
verdict('no checkpoint', $log, undef, qr/^no verdict: .*no checkpoint/);
verdict('no checkpoint on purpose', $log, undef, qr/^valid: 257 entries, 0 checkpoints, .*\nnote: without a checkpoint a log that was written anew is valid as well\n/, '--no-checkpoints');
verdict('keys of two logs', $log, $notes, qr/^no verdict: .*keys/, map { ('--key', $_->{line}) } $key, $other_key);
verdict('both a key and none', $log, $notes, qr/^no verdict: .*exclude/, '--no-signatures', '--key', $key->{line});
for my $bad ('', 'x', $origin, $key->{line} =~ s/\+/ /r, $key->{line} =~ s/\+[0-9a-f]{8}/+00000000/r, $key->{line} =~ s/.\z//r, $key->{line} =~ s/.\z/\n/r, "$origin+" . substr(sha256_hex("$origin\n\x02" . 'x' x 32), 0, 8) . '+' . encode_base64("\x02" . 'x' x 32, ''))
{
	verdict('a key that is none', $log, $notes, qr/^no verdict: .*key/, '--key', $bad);
}
{
	my @command = ("$tools/ctlpr-verify", '--key', $key->{line});
	my $notes_file = write_file('notes', $notes);
	my ($status, $out) = run_tool([ @command, '-', $notes_file ], $log);
	is("$status $out" =~ /^0 valid: 257 entries, 4 / ? 1 : "$status $out", 1, 'a log on the standard input');
	($status, $out) = run_tool([ @command, write_file('log', $log), map { write_file("notes_$_", $notes[$_]) } 0 .. 3 ]);
	is("$status $out" =~ /^0 valid: 257 entries, 4 / ? 1 : "$status $out", 1, 'checkpoints in several files');
	($status) = run_tool([ @command, "$directory/none", $notes_file ]);
	is($status, 2, 'a log that is not there');
	($status) = run_tool([ @command, write_file('log', $log), "$directory/none" ]);
	is($status, 2, 'checkpoints that are not there');
	($status, $out, my $err) = run_tool([ @command, "$directory", $notes_file ]);
	is("$status $err", "2 ctlpr-verify: the log cannot be read\n", 'a log that cannot be read');
	($status) = run_tool([ @command, '--other', write_file('log', $log), $notes_file ]);
	is($status, 2, 'an option that is none');
	($status, $out) = run_tool([ "$tools/ctlpr-verify", '--help' ]);
	is($status, 0, 'help');
	my $full = IPC::Run::run([ @command, write_file('log', $log), $notes_file ], '>', '/dev/full', '2>', '/dev/null');
	is($? >> 8, 2, 'a verdict that could not be written is none') if -e '/dev/full';
}

# ---- forks that the agency accepted ----

# Epoch 2 began when epoch 0 had 200 entries, from a backup with 120 of them, and has 180; epoch 3 began at 180 from 160.
sub root_at { my ($of, $n) = @_; return root_of([ map { $_->{hash} } @$of ], 0, $n); }
my @second = (@entries[ 0 .. 119 ], map { new_entry($_, 'second') } 121 .. 180);
my @third = (@second[ 0 .. 159 ], map { new_entry($_, 'third') } 161 .. 190);
my $extends = "extends $origin 200 " . encode_base64(root_at(\@entries, 200), '');
my $extends_second = "extends $origin/2 180 " . encode_base64(root_at(\@second, 180), '');
sub second { my ($n) = @_; return signed_note(checkpoint_text($n, root_at(\@second, $n), "$origin/2", 'epoch 2', $extends)); }
sub third { my ($n) = @_; return signed_note(checkpoint_text($n, root_at(\@third, $n), "$origin/3", 'epoch 3', $extends_second)); }
my $second_log = log_of(number(@second)) =~ s/^(log\t\S+\t\S+)/$1\/2/r;
my $third_log = log_of(number(@third)) =~ s/^(log\t\S+\t\S+)/$1\/3/r;
my $new = join '', second(150), second(180);

verdict('a fork, and its own checkpoints', $second_log, $new,
	qr/^valid: 180 entries, 2 checkpoints, root \S+\nforked: epoch 2 began when \Q$origin\E had 200 entries; this log parts from it behind entry 0 or later\n\z/);
verdict('... and those of before', $second_log, join('', map({ checkpoint($_) } 50, 100, 130, 200), $new),
	qr/^valid: 180 entries, 4 checkpoints, .*forked: epoch 2 .* behind entry 100 or later\nexcused: the checkpoint of \Q$origin\E at 130 entries: .*root.*; epoch 2 .*\nexcused: the checkpoint of \Q$origin\E at 200 entries: .*shorter; epoch 2 .*\n\z/s);
verdict('... without its own', $second_log, join('', map { checkpoint($_) } 50, 100, 130, 200), first(101, 'checkpoint at 130 entries: its root'));
verdict('... and one larger than the end that was cited', $second_log, join('', checkpoint(201), $new), first(181, 'checkpoint at 201'));
verdict('... and another at that end', $second_log, join('', signed_note(checkpoint_text(200, sha256('x'))), $new), first(181, 'checkpoint at 200'));
verdict('... and one that was kept', $second_log, $new, first(181, 'checkpoint at 200'), '--key', $key->{line}, '--from-checkpoint', write_file('kept', checkpoint(200)));
verdict('... and one that was kept and is extended', $second_log, $new, qr/^valid: 180 entries, 3 .*behind entry 100 or later\n\z/s, '--key', $key->{line}, '--from-checkpoint', write_file('kept', checkpoint(100)));
verdict('a kept one alone', $second_log, undef, qr/^valid: 180 entries, 1 /, '--key', $key->{line}, '--from-checkpoint', write_file('kept', checkpoint(100)));
verdict('an excuse that nobody signed', $second_log, join('', checkpoint(130), second(150) =~ s/\n\n.*\n/"\n\n" . signature_line($key, text_at(1))/er), first(1, 'checkpoint at 1[35]0'));
verdict('a new epoch\'s own is not excused', $second_log, join('', $new, signed_note(checkpoint_text(170, sha256('x'), "$origin/2", 'epoch 2', $extends))), first(151, 'checkpoint at 170'));
verdict('an acceptance without a fork', log_of(copy_of(210)), join('', checkpoint(130), signed_note(checkpoint_text(205, root_at(\@entries, 205), "$origin/2", 'epoch 2', $extends))),
	qr/^valid: 210 entries, 2 checkpoints, .*\nforked: epoch 2 began when \Q$origin\E had 200 entries; this log still holds all of them\n/);
verdict('two epochs that extend the same one', log_of(copy_of(210)), join('', map { signed_note(checkpoint_text(204 + $_->[0], root_at(\@entries, 204 + $_->[0]), "$origin/$_->[0]", "epoch $_->[0]", "extends $origin 200 " . encode_base64($_->[1], ''))) } [ 2, root_at(\@entries, 200) ], [ 3, sha256('x') ]),
	first(207, 'contradicts what it extends'));
verdict('signatures unchecked, with epochs', $second_log, join('', $new, checkpoint(200)), qr/^valid: 180 .*excused: .*not checked/s, '--no-signatures');

verdict('a fork of a fork', $third_log, join('', third(190), $new, checkpoint(130), checkpoint(100)),
	qr/^valid: 190 entries, 3 checkpoints, root \S+\nforked: epoch 3 began when \Q$origin\E\/2 had 180 entries; this log parts from it behind entry 150 or later\nforked: epoch 2 .* behind entry 100 or later\nexcused: the checkpoint of \Q$origin\E at 130 .*epoch 2 .*\nexcused: the checkpoint of \Q$origin\E\/2 at 180 .*epoch 3 .*\n\z/);
verdict('... without what excuses the first epoch', $third_log, join('', third(190), checkpoint(130)), first(1, 'checkpoint at 130'));

for my $case (
	[ 'an epoch that the origin lacks', $origin, 'epoch 2', $extends ],
	[ 'an epoch other than the origin\'s', "$origin/3", 'epoch 2', $extends ],
	[ 'an origin\'s epoch alone', "$origin/2" ],
	[ 'an epoch that extends nothing', "$origin/2", 'epoch 2' ],
	[ 'one that extends itself', "$origin/2", 'epoch 2', $extends_second ],
	[ 'one that extends and is none', $origin, $extends ],
	[ 'one that extends something else than its fellows', "$origin/2", 'epoch 2', $extends =~ s/ 200 / 199 /r ],
	[ 'one that extends another root than its fellows', "$origin/2", 'epoch 2', $extends =~ s/ \S+\z/ @{[encode_base64(sha256('x'), '')]}/r ])
{
	my ($name, $of, @lines) = @$case;
	verdict($name, $second_log, join('', second(150), signed_note(checkpoint_text(180, root_at(\@second, 180), $of, @lines))), first(151, $name =~ /fellows/ ? 'contradicts what it extends' : 'do not agree'));
}
for my $case (
	[ 'two epochs', 'epoch 2', 'epoch 2', $extends ],
	[ 'two extensions', 'epoch 2', $extends, $extends ],
	[ 'no epoch\'s number', 'epoch two', $extends ],
	[ 'epoch 0', 'epoch 0', $extends ],
	[ 'an extension of epoch 0', 'epoch 2', $extends =~ s/ 200 /\/0 200 /r ],
	[ 'an extension of another log', 'epoch 2', $extends =~ s/police/potice/r ],
	[ 'an extension without a root', 'epoch 2', $extends =~ s/ \S+\z//r ],
	[ 'an extension with more', 'epoch 2', "$extends x" ])
{
	my ($name, @lines) = @$case;
	verdict($name, $second_log, signed_note(checkpoint_text(180, root_at(\@second, 180), "$origin/2", @lines)), qr/^no verdict: .*notes/);
}

done_testing();
