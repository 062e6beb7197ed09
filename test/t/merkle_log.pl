# The log is a Merkle tree that others can verify: proofs, checkpoints, tampering found, redaction that gives nothing away, forks: 14(a)(6), 13(c), invariant 8.
use strict;
use warnings;

use FindBin;
use Digest::SHA qw(sha256 sha256_hex);
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

# Pages are changed by hand further down.
my $node = new_node('main', "autovacuum = off\nctlpr.purge_naptime = 1h\nfsync = off\nignore_checksum_failure = on\nrestart_after_crash = on\n");
my $keys = $node->basedir . '/keys';
mkdir $keys;
mkdir "$keys/published";
system("openssl genpkey -algorithm ed25519 -out $keys/private.pem 2>/dev/null && openssl pkey -in $keys/private.pem -pubout -out $keys/public.pem && chmod 600 $keys/private.pem") == 0 or die 'openssl';
$node->append_conf('postgresql.conf', <<"CONF");
ctlpr.checkpoint_key = '$keys/private.pem'
ctlpr.checkpoint_directory = '$keys/published'
ctlpr.checkpoint_origin = 'police.example.gov/ctlpr'
ctlpr.checkpoint_interval = 0
CONF
$node->start;
new_world($node, 'city');

sub value { return $node->safe_psql('city', $_[0]) }

# ---- an implementation of RFC 9162 of the test's own ----

sub node_hash { return sha256("\x01$_[0]$_[1]") }
sub split_of { my $k = 1; $k *= 2 while $k * 2 < $_[0]; return $k }

sub root_of
{
	my (@leaves) = @_;
	return sha256('') if !@leaves;
	my @level = @leaves;
	my @stack;    # of [height, hash]
	for my $leaf (@leaves)
	{
		my ($height, $hash) = (0, $leaf);
		while (@stack && $stack[-1][0] == $height) { $hash = node_hash(pop(@stack)->[1], $hash); $height++ }
		push @stack, [ $height, $hash ];
	}
	my $hash = pop(@stack)->[1];
	$hash = node_hash(pop(@stack)->[1], $hash) while @stack;
	return $hash;
}

# RFC 9162, 2.1.3.2 and 2.1.4.2
sub inclusion_holds
{
	my ($leaf, $index, $size, $root, @proof) = @_;
	return 0 if $index >= $size;
	my ($fn, $sn, $r) = ($index, $size - 1, $leaf);
	for my $p (@proof)
	{
		return 0 if $sn == 0;
		if (($fn & 1) || $fn == $sn)
		{
			$r = node_hash($p, $r);
			if (!($fn & 1)) { do { $fn >>= 1; $sn >>= 1 } while (!($fn & 1) && $fn != 0) }
		}
		else { $r = node_hash($r, $p) }
		$fn >>= 1;
		$sn >>= 1;
	}
	return $sn == 0 && $r eq $root;
}

sub consistency_holds
{
	my ($old_size, $size, $old_root, $root, @proof) = @_;
	return !@proof && $old_root eq $root if $old_size == $size;
	return 0 if !@proof;
	unshift @proof, $old_root if ($old_size & ($old_size - 1)) == 0;
	my ($fn, $sn) = ($old_size - 1, $size - 1);
	while ($fn & 1) { $fn >>= 1; $sn >>= 1 }
	my $fr = my $sr = shift @proof;
	for my $c (@proof)
	{
		return 0 if $sn == 0;
		if (($fn & 1) || $fn == $sn)
		{
			$fr = node_hash($c, $fr);
			$sr = node_hash($c, $sr);
			if (!($fn & 1)) { do { $fn >>= 1; $sn >>= 1 } while (!($fn & 1) && $fn != 0) }
		}
		else { $sr = node_hash($sr, $c) }
		$fn >>= 1;
		$sn >>= 1;
	}
	return $sn == 0 && $fr eq $old_root && $sr eq $root;
}

sub proof { return map { pack('H*', $_) } split /\n/, value("SELECT encode(h, 'hex') FROM unnest($_[0]) WITH ORDINALITY p (h, n) ORDER BY n") }
sub root_at { return pack('H*', value("SELECT encode(ctlpr.audit_root($_[0]), 'hex')")) }

# Certificate Transparency's reference vectors hold for it
my @vector = map { sha256("\x00" . pack('H*', $_)) } '', qw(00 10 2021 3031 40414243 5051525354555657 606162636465666768696a6b6c6d6e6f);
is(unpack('H*', root_of(@vector[ 0 .. $_->[0] - 1 ])), $_->[1], "reference root of $_->[0]")
  for [ 1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' ], [ 2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125' ],
  [ 3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77' ], [ 5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4' ],
  [ 8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328' ];

# ---- entries of every kind ----

my $officer = connect_as($node, 'city', 'nhpd');
$officer->query('BEGIN');
$officer->query("SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-100', reason => E'tab\\tline\\nback\\\\slash, comma', officer => 'Officer Needle', terminal => 'car 7')");
$officer->query("SELECT count(*) FROM plate_reads WHERE plate IN ('NH1', 'A,B', E'C\\\\D')");
$officer->query('COMMIT');
my $searched = value("SELECT max(seq) FROM ctlpr.audit_entry WHERE action = 'select' AND plates IS NOT NULL");
ok($searched > 0, 'a search with plates is on record');
value(<<'SQL');
SET ctlpr.audit_durability = async;
DO $$ BEGIN FOR i IN 1 .. 66000 LOOP PERFORM ctlpr.record_event('configuration', reason => CASE WHEN i % 3 = 0 THEN 'needle-' || lpad(i::text, 6, '0') END, sqlstate => 'LP005'); END LOOP; END $$;
SQL
ok(await_log($node, 'city', "action = 'configuration'", 66000), 'as many entries as fill a tile of tiles');

# The text of a leaf, made in SQL from the page that describes it
my $leaf_sql = <<'SQL';
CREATE OR REPLACE FUNCTION pg_temp.esc(v text) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(replace(replace(v, '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r') $$;
CREATE OR REPLACE FUNCTION pg_temp.arr(v text[]) RETURNS text LANGUAGE sql AS $$ SELECT '{' || coalesce(string_agg(replace(pg_temp.esc(x), ',', '\,'), ',' ORDER BY n), '') || '}' FROM unnest(v) WITH ORDINALITY u (x, n) $$;
CREATE OR REPLACE FUNCTION pg_temp.salted(salt uuid, v text) RETURNS text LANGUAGE sql AS $$ SELECT encode(sha256(decode(replace(salt::text, '-', ''), 'hex') || convert_to(v, 'UTF8')), 'hex') $$;
CREATE OR REPLACE FUNCTION pg_temp.leaf(e ctlpr.audit_entry) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce(x, '\N'), E'\t' ORDER BY n) FROM unnest(ARRAY['ctlpr-entry-1', pg_temp.esc(e.entry), e.of_seq::text, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.request_seq::text,
		pg_temp.esc(e.session_role::text), pg_temp.esc(e.role::text), pg_temp.esc(e.agency_id), pg_temp.esc(e.agency_kind), pg_temp.esc(e.agency_state), pg_temp.esc(e.on_behalf_of),
		pg_temp.salted(e.officer_salt, pg_temp.esc(e.officer)), pg_temp.esc(e.purpose), pg_temp.esc(e.offense), pg_temp.salted(e.case_number_salt, pg_temp.esc(e.case_number)),
		pg_temp.salted(e.reason_salt, pg_temp.esc(e.reason)), pg_temp.esc(e.basis), e.declaration_id::text, e.authorization_id::text, pg_temp.esc(e.relation), pg_temp.esc(e.action), pg_temp.esc(e.search_kind),
		CASE WHEN e.plates IS NOT NULL THEN pg_temp.salted(e.plates_salt, pg_temp.arr(e.plates)) END, pg_temp.esc(e.statement), CASE WHEN e.allowed THEN 't' WHEN NOT e.allowed THEN 'f' END, CASE WHEN e.enforced THEN 't' WHEN NOT e.enforced THEN 'f' END,
		pg_temp.esc(e.sqlstate), pg_temp.esc(e.clause), pg_temp.esc(e.outcome), e.rows_returned::text, e.rows_touched::text, e.oldest_age_days::text, host(e.client_addr), pg_temp.esc(e.application_name), pg_temp.esc(e.terminal),
		e.backend_pid::text, pg_temp.esc(e.statute), CASE WHEN e.owners IS NOT NULL THEN pg_temp.arr(e.owners) END, CASE WHEN e.owner_rows IS NOT NULL THEN pg_temp.arr(e.owner_rows::text[]) END,
		pg_temp.salted(e.detail_salt, pg_temp.esc(e.detail::text))]) WITH ORDINALITY u (x, n) $$;
SQL

# export(from, to) - the records of an exported log by number
sub export
{
	my (@range) = @_;
	my %entry;
	my ($header, @lines) = split /\n/, value('SELECT ctlpr.export_audit(' . join(', ', @range) . ')');
	for (@lines)
	{
		my ($kind, $seq, $rest) = split /\t/, $_, 3;
		if ($kind eq 'entry') { @{ $entry{$seq} }{qw(hash text)} = split /\t/, $rest, 2 }
		else
		{
			my ($column, $salt, $held) = split /\t/, $rest, 3;
			$entry{$seq}{value}{$column} = [ $salt, $held ];
		}
	}
	return ($header, \%entry);
}

my ($header, $entries) = export();
my $size = keys %$entries;
is($header, "log\tctlpr-log-1\tpolice.example.gov/ctlpr", 'an export says whose log it is');
is(join(',', (sort { $a <=> $b } keys %$entries)[ 0, -1 ]), "1,$size", '... and has all entries');
my @leaves = map { pack('H*', $entries->{$_}{hash}) } 1 .. $size;
is((grep { sha256_hex("\x00$entries->{$_}{text}") ne $entries->{$_}{hash} } 1 .. $size), 0, '... whose hashes are those of their texts');
my $unlike = 0;
for my $seq (1 .. $size)
{
	for my $held (values %{ $entries->{$seq}{value} // {} })
	{
		my $hash = sha256_hex(pack('H*', $held->[0]) . $held->[1]);
		$unlike++ if index($entries->{$seq}{text}, $hash) < 0;
	}
}
is($unlike, 0, '... and each value that it shows is the one that was hashed');
my %made = map { split /\|/ } split /\n/, value("$leaf_sql SELECT e.seq, encode(sha256('\\x00'::bytea || convert_to(pg_temp.leaf(e), 'UTF8')), 'hex') FROM ctlpr.audit_entry e WHERE e.seq <= 400 OR e.seq % 997 = 0");
ok(scalar(keys %made) > 400, 'leaves are made again in SQL');
is((grep { $made{$_} ne ($entries->{$_}{hash} // '') } grep { $_ <= $size } keys %made), 0, '... and are the same');

# ---- roots and proofs ----

is(unpack('H*', root_at($_)), unpack('H*', root_of(@leaves[ 0 .. $_ - 1 ])), "root over $_ entries") for 1, 2, 3, 7, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, $size;
my %root = map { $_ => root_of(@leaves[ 0 .. $_ - 1 ]) } 1, 5, 256, 300, 40000, 65536, 66001;
my $wrong = 0;
for my $of (keys %root)
{
	for my $seq (1, 2, 3, 5, 77, 256, 257, 300, 39999, 40000, 65536, 66001)
	{
		next if $seq > $of;
		my @proof = proof("ctlpr.inclusion_proof($seq, $of)");
		$wrong++ if !inclusion_holds($leaves[ $seq - 1 ], $seq - 1, $of, $root{$of}, @proof);
		$wrong++ if inclusion_holds($leaves[$seq], $seq - 1, $of, $root{$of}, @proof);
	}
	for my $old (grep { $_ <= $of } keys %root)
	{
		$wrong++ if !consistency_holds($old, $of, $root{$old}, $root{$of}, proof("ctlpr.consistency_proof($old, $of)"));
	}
}
is($wrong, 0, 'proofs of inclusion and consistency hold, and for no other entry');
for my $call ('inclusion_proof(0, 5)', 'inclusion_proof(6, 5)', 'inclusion_proof(1, 99999999)', 'consistency_proof(0, 5)', 'consistency_proof(6, 5)', 'audit_root(-1)', 'verify_audit(0)', 'export_audit(0)')
{
	my ($status, $out, $error) = $node->psql('city', "SELECT ctlpr.$call", on_error_stop => 1);
	like($error, qr/must be/, "$call is an error that says what it must be");
}

# ---- verification ----

sub verdict { return value('SELECT valid, first_bad_seq FROM ctlpr.verify_audit(' . join(', ', @_) . ')') }
like(value('SELECT valid, entries, first_bad_seq, encode(root_hash, \'hex\') = encode(ctlpr.audit_root(entries), \'hex\') FROM ctlpr.verify_audit()'), qr/^t\|$size\|\|t$|^t\|\d+\|\|t$/, 'the log verifies');
is(verdict(@$_), 't|', "... from $_->[0] to $_->[1]") for [ 1, 10 ], [ 300, 600 ], [ 65000, 66000 ], [ 65537, 65600 ];

# ---- checkpoints ----

sub slurp { return slurp_file($_[0]) }
my $published = "$keys/published/police.example.gov_ctlpr.city.checkpoint";
my ($note_size, $note_root) = split /\|/, value("SELECT size, encode(root, 'hex') FROM ctlpr.audit_checkpoint()");
my $note = slurp($published);
is(value('SELECT note FROM ctlpr.checkpoints'), $note, 'a checkpoint is published as it is stored');
is((stat $published)[2] & 0777, 0644, '... for everybody to read');
my ($text, $signature) = $note =~ /\A((?:[^\n]+\n)+)\n\xe2\x80\x94 police\.example\.gov\/ctlpr (\S+)\n\z/;
is($text, "police.example.gov/ctlpr\n$note_size\n" . encode_base64(pack('H*', $note_root), '') . "\n", '... and says origin, size and root');
is($note_root, unpack('H*', root_at($note_size)), '... the root of the log');
my $raw = decode_base64($signature);
my $public = substr(decode_base64(join '', grep { !/^-/ } split /\n/, slurp("$keys/public.pem")), -32);
is(unpack('H*', substr($raw, 0, 4)), substr(sha256_hex("police.example.gov/ctlpr\n\x01$public"), 0, 8), '... with the number of the key');
sub spew { open(my $handle, '>:raw', $_[0]) or die "$_[0]: $!"; print $handle $_[1]; close $handle or die "$_[0]: $!"; return }
spew("$keys/text", $text);
spew("$keys/signature", substr($raw, 4));
is(system("openssl pkeyutl -verify -pubin -inkey $keys/public.pem -rawin -in $keys/text -sigfile $keys/signature >/dev/null 2>&1"), 0, '... and a signature that OpenSSL finds good');

# ---- the verifier outside ----

my $verifier = "$FindBin::Bin/../../tools/ctlpr-verify";
my $verifier_key = sprintf('police.example.gov/ctlpr+%s+%s', unpack('H*', substr($raw, 0, 4)), encode_base64("\x01$public", ''));

# verify_outside(database's export, notes) - its first line
sub verify_outside
{
	my (@notes) = @_;
	my ($log, $file) = ("$keys/log", "$keys/notes");
	my ($status, $out) = $node->psql('city', 'SELECT ctlpr.export_audit()');
	return 'refused' if $status != 0;
	spew($log, "$out\n");
	spew($file, join('', map { "$_\n" } @notes));
	my ($said) = qx('$verifier' --key '$verifier_key' '$log' '$file' 2>&1) =~ /\A([^\n]*)/;
	return $said;
}
like(verify_outside($note), qr/^valid: \d+ entries, 1 checkpoints?, root /, 'the verifier outside finds the export valid');
like(verify_outside($note =~ s/\n\d+\n/\n1\n/r), qr/^not valid/, '... but not with a checkpoint that was changed');

# ---- crashes ----

my $running = start_child(sub { my $session = connect_as($node, 'city', 'nhpd'); for (1 .. 4000) { last if grep { $session->query($_)->{gone} } 'BEGIN', request_sql('crash'), 'COMMIT' } });
sleep 0.3;
kill_and_recover($node, await_writer($node, 'city'));
lines_of($running);
check_log_is_whole($node, 'city', 'after a crash of the writer amid entries');
value('SELECT size FROM ctlpr.audit_checkpoint()');

# ---- redaction ----

is(value("SELECT ctlpr.redact_entry($searched, '{plates,reason,officer,case_number}', 'court order', 'Judge')"), '4', 'plates, reason, officer and case number are taken out of an entry');
is(value("SELECT plates IS NULL AND plates_salt IS NULL AND redacted ? 'plates' FROM ctlpr.audit_entry WHERE seq = $searched"), 't', '... value and salt are gone');
is(verdict(), 't|', '... and the log verifies');
my (undef, $after) = export($searched, $searched);
is($after->{$searched}{text}, $entries->{$searched}{text}, '... the leaf is what it was');
ok(!exists $after->{$searched}{value}, '... and an export shows no value');
my $hash = sha256_hex(pack('H*', $entries->{$searched}{value}{plates}[0]) . $entries->{$searched}{value}{plates}[1]);
ok(index($after->{$searched}{text}, $hash) >= 0, 'guessing: who knows the salt finds the plates');
my $guessed = 0;
for my $plates ('{NH1,A\\,B,C\\\\D}', map { "{NH$_}" } 0 .. 20000)
{
	for my $salt ('', "\0" x 16, map { pack('N4', 0, 0, 0, $_) } 1 .. 3)
	{
		$guessed++ if index($after->{$searched}{text}, sha256_hex($salt . $plates)) >= 0;
	}
}
is($guessed, 0, '... who does not finds nothing');
is(value("SELECT count(*) FROM ctlpr.audit_entry WHERE action = 'redaction' AND entry = 'verdict'"), '1', 'the redaction is on record');
like(($node->psql('city', "SELECT ctlpr.redact_entry($searched, '{plates,plates}', 'twice', 'Judge')"))[2], qr/holds none of these values/, '... which can be done once');
like(($node->psql('city', "SELECT ctlpr.redact_entry($searched, '{role}', 'x', 'y')"))[2], qr/cannot be redacted/, 'other columns stay');

# ---- tampering behind a checkpoint ----

# An entry that says that contents were deleted can be had by any superuser.
value("SELECT ctlpr.record_event('log_retention', detail => '{\"through\": 1024}')");
$size = value('SELECT size FROM ctlpr.audit_checkpoint()');
my $kept = slurp($published);
value('CHECKPOINT');
$node->stop;
my $saved = $node->basedir . '/saved';
my $pristine = sub { system("rm -rf '$saved' && cp -a '" . $node->data_dir . "' '$saved'") == 0 or die 'copy' };
$pristine->();
my $restore = sub { system("rm -rf '" . $node->data_dir . "' && cp -a '$saved' '" . $node->data_dir . "'") == 0 or die 'copy' };

# without_library(statements) - run by a superuser while the server, which is stopped before, does not load the library; runs with it afterwards
sub without_library
{
	my ($sql) = @_;
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
	$node->start;
	value(join '; ', (map { "ALTER TABLE ctlpr.$_ DISABLE TRIGGER USER" } qw(audit_tile checkpoint statute log_trim log_fork)), 'SET session_replication_role = replica', $sql);
	$node->stop;
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'ctlpr'");
	$node->start;
	return;
}

# As a superuser whose server does not load the library; columns are named, for a number stays where it is when a row is made anew
my %tampering = (
	'an altered column' => [ "UPDATE ctlpr.audit_entry SET purpose = 'weigh_station' WHERE seq = 300", 300 ],
	'an altered reason' => [ "UPDATE ctlpr.audit_entry SET reason = 'harmless' WHERE seq = (SELECT min(seq) FROM ctlpr.audit_entry WHERE reason LIKE 'needle-%' AND seq > 1000)", undef ],
	'a value beside the hash of another' => [ "UPDATE ctlpr.audit_entry SET plates = '{OTHER}' WHERE seq = $searched", $searched ],
	'a salt exchanged' => [ "UPDATE ctlpr.audit_entry SET reason_salt = gen_random_uuid() WHERE seq = (SELECT min(seq) FROM ctlpr.audit_entry WHERE reason LIKE 'needle-%' AND seq > 1000)", undef ],
	'a missing entry' => [ 'DELETE FROM ctlpr.audit_entry WHERE seq = 5000', 5000 ],
	'a missing first entry' => [ 'DELETE FROM ctlpr.audit_entry WHERE seq = 1', 1 ],
	'an entry put in' => [ 'UPDATE ctlpr.audit_entry SET seq = -seq WHERE seq >= 7000; UPDATE ctlpr.audit_entry SET seq = 1 - seq WHERE seq < 0; INSERT INTO ctlpr.audit_entry (seq, entry, at, action) SELECT 7000, entry, at, action FROM ctlpr.audit_entry WHERE seq = 6999', 7000 ],
	'entries exchanged' => [ 'UPDATE ctlpr.audit_entry SET seq = -1 WHERE seq = 400; UPDATE ctlpr.audit_entry SET seq = 400 WHERE seq = 900; UPDATE ctlpr.audit_entry SET seq = 900 WHERE seq = -1', 400 ],
	'a log cut short' => [ 'DELETE FROM ctlpr.audit_entry WHERE seq > ' . ($size - 3), $size - 2 ],
	'a log cut short with its tiles' => [ 'DELETE FROM ctlpr.audit_entry WHERE seq > 2560; DELETE FROM ctlpr.audit_tile WHERE level > 0 OR number >= 10', 2561 ],
	'an entry and its tiles' => [ "UPDATE ctlpr.audit_entry SET purpose = 'weigh_station' WHERE seq = 300; DELETE FROM ctlpr.audit_tile", 1 ],
	'a log cut short, with all that tells of it here' => [ "DELETE FROM ctlpr.audit_entry WHERE seq > 2560; DELETE FROM ctlpr.audit_tile WHERE level > 0 OR number >= 10; DELETE FROM ctlpr.checkpoint", 'outside' ],
	'an entry, with all that tells of it here' => [ "UPDATE ctlpr.audit_entry SET purpose = 'weigh_station' WHERE seq = 300; DELETE FROM ctlpr.audit_tile; DELETE FROM ctlpr.checkpoint", 'outside' ],
	'a row beside the log' => [ 'INSERT INTO ctlpr.audit_entry (seq, entry, at, action) VALUES (-7, \'verdict\', now(), \'select\')', 1 ],
	'contents said to be deleted that are there' => [ "UPDATE ctlpr.audit_entry SET purpose = 'weigh_station' WHERE seq = 800; INSERT INTO ctlpr.log_trim SELECT 1024, seq, now(), 'me' FROM ctlpr.audit_entry WHERE action = 'log_retention' AND entry = 'verdict'", 1 ],
	'a fork that nobody needed' => [ "INSERT INTO ctlpr.log_fork SELECT 2, regexp_replace(note, '\n[0-9]+\n', E'\n999999999\n'), 999999999, root, now(), 'me', 'none', 'nobody' FROM ctlpr.checkpoint WHERE size = $size; UPDATE ctlpr.audit_entry SET purpose = 'weigh_station' WHERE seq = 300; DELETE FROM ctlpr.audit_tile", 1 ],
	'a tile' => [ 'UPDATE ctlpr.audit_tile SET hashes = set_byte(hashes, 100, get_byte(hashes, 100) # 1) WHERE level = 0 AND number = 3', 3 * 256 + 4 ],
	'a root' => [ 'UPDATE ctlpr.audit_tile SET root = set_byte(root, 1, get_byte(root, 1) # 1) WHERE level = 0 AND number = 3', 3 * 256 + 1 ],
	'a signature' => [ "UPDATE ctlpr.checkpoint SET note = left(note, -60) || translate(right(note, 60), 'abcdefghijklmnopqrstuvwxyz', 'bcdefghijklmnopqrstuvwxyza') WHERE size = $size", undef ],
	'a checkpoint' => [ "UPDATE ctlpr.checkpoint SET note = replace(note, E'\\n$size\\n', E'\\n" . ($size + 1) . "\\n') WHERE size = $size", undef ],
);
for my $name (sort keys %tampering)
{
	my ($sql, $bad) = @{ $tampering{$name} };
	my $unseen = defined $bad && $bad eq 'outside';
	unlink $published if $unseen;
	without_library($sql);
	value('SELECT count(*) FROM ctlpr.audit_log') if $unseen;
	my ($status, $out) = $node->psql('city', 'SELECT valid, first_bad_seq FROM ctlpr.verify_audit()');
	like($out, $unseen ? qr/^t\|$/ : defined $bad ? qr/^f\|$bad$/ : qr/^f\|\d+$/, ($unseen ? 'not seen by whom all is kept from: ' : 'found: ') . $name);
	# What is written to no more is exported no more.  What others keep is not what was changed in some cases.
	my $said = verify_outside($note, $kept);
	if ($said eq 'refused') { like($name, qr/cut short|put in|tiles|fork/, '... and nothing is exported of it') }
	elsif ($name =~ /^a (?:checkpoint|root|signature|row beside the log)$|^contents said/) { like($said, qr/^valid: /, '... and the verifier outside has its own') }
	else { like($said, $unseen || !defined $bad ? qr/^not valid: first entry that is not: \d+:/ : qr/^not valid: first entry that is not: $bad:/, '... by the verifier outside as well') }
	$node->stop;
	$restore->();
	spew($published, $kept) if $unseen;
}

# A tile that is missing among those that the writer needs is made anew from its entries
without_library('DELETE FROM ctlpr.audit_tile WHERE level = 0 AND number = (SELECT max(number) - 2 FROM ctlpr.audit_tile WHERE level = 0)');
is(($node->psql('city', "SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"))[0], 0, 'a log with a missing tile is written to');
is(verdict(), 't|', '... and verifies: the tile is back');
$node->stop;
$restore->();

# With an editor, in the file of the table
$node->start;
is(verdict(), 't|', 'put back as it was, the log verifies');
my ($file, $needle, $needle_seq) = split /\|/, value("SELECT pg_relation_filepath('ctlpr.audit_entry'), reason, seq FROM ctlpr.audit_entry WHERE reason LIKE 'needle-%' AND seq > 20000 ORDER BY seq LIMIT 1");
$node->stop;
my $path = $node->data_dir . "/$file";
my $bytes = slurp($path);
is(() = $bytes =~ /$needle/g, 1, 'the reason stands in the file once');
$bytes =~ s/$needle/needle-999999/;
spew($path, $bytes);
$node->start;
is(verdict(), "f|$needle_seq", 'found: a byte of the file changed');
$node->stop;
$restore->();

# edit_rows(code) - each row of the table's file, to be changed: the code gets its number and references to its page and to where
# its line pointer and its number stand in that
sub edit_rows
{
	my ($code) = @_;
	my $file = slurp($path);
	for (my $start = 0; $start < length $file; $start += 8192)
	{
		my $page = substr($file, $start, 8192);
		my $lower = unpack('v', substr($page, 12, 2));
		for (my $pointer = 24; $pointer < $lower; $pointer += 4)
		{
			my $item = unpack('V', substr($page, $pointer, 4));
			my ($offset, $flags) = ($item & 0x7fff, ($item >> 15) & 3);
			next if $flags != 1;
			my $number = $offset + ord(substr($page, $offset + 22, 1));
			$code->(unpack('q<', substr($page, $number, 8)), \$page, $pointer, $number);
		}
		substr($file, $start, 8192) = $page;
	}
	spew($path, $file);
	return;
}
my $gone = sub { my ($page, $pointer) = @_; substr($$page, $pointer, 4) = "\0" x 4 };
my %edits = (
	'removed' => [ sub { my ($seq, $page, $pointer) = @_; $gone->($page, $pointer) if $seq == 21000 }, 21000 ],
	'exchanged' => [ sub { my ($seq, $page, $pointer, $number) = @_; my %other = (22000 => 23000, 23000 => 22000); substr($$page, $number, 8) = pack('q<', $other{$seq}) if $other{$seq} }, 22000 ],
	'put in with a number that is taken' => [ sub { my ($seq, $page, $pointer, $number) = @_; substr($$page, $number, 8) = pack('q<', 24000) if $seq == 24001 }, 24001 ],
	'cut off' => [ sub { my ($seq, $page, $pointer) = @_; $gone->($page, $pointer) if $seq > 30000 }, 30001 ]);
for my $edit (sort keys %edits)
{
	edit_rows($edits{$edit}[0]);
	$node->start;
	is(($node->psql('city', 'SELECT valid, first_bad_seq FROM ctlpr.verify_audit()'))[1], "f|$edits{$edit}[1]", "found: entries $edit in the file");
	$node->stop;
	$restore->();
}

# ---- the log's own retention ----

$node->start;
like(($node->psql('city', "SELECT ctlpr.trim_log('Clerk')"))[2], qr/sets no retention of the log/, 'under a statute that does not say how long, the log is kept');
$node->stop;
without_library("UPDATE ctlpr.statute SET log_retention = '1 ms', log_clause = '13(c)'");
my $whole = value('SELECT max(seq) FROM ctlpr.audit_entry');
my $before_trim = root_at(40000);
my $trimmed = value("SELECT ctlpr.trim_log('Clerk')");
cmp_ok($trimmed, '>', 60000, 'entries past their retention are deleted');
is($trimmed % 256, 0, '... by whole tiles');
is(value('SELECT min(seq) FROM ctlpr.audit_entry'), $trimmed + 1, '... and are gone');
is(value("SELECT count(*) FROM ctlpr.audit_entry WHERE action = 'log_retention' AND detail ->> 'through' = '$trimmed' AND clause = '13(c)' AND entry = 'verdict'"), '1', '... which is on record');
is(verdict(), 't|', '... and the log verifies, by the checkpoints from before too');
is(root_at(40000), $before_trim, '... old roots are what they were');
ok(inclusion_holds($leaves[299], 299, 66001, $root{66001}, proof('ctlpr.inclusion_proof(300, 66001)')), '... and so are proofs of what is gone');
(undef, my $rest) = export(1, $trimmed + 2);
is(join(' ', grep { defined $rest->{$_}{text} } sort { $a <=> $b } keys %$rest), join(' ', $trimmed + 1, $trimmed + 2), '... an export has hashes of what is gone');
is((grep { $rest->{$_}{hash} ne $entries->{$_}{hash} } 1 .. 60000), 0, '... the same as before');
$node->stop;
without_library("UPDATE ctlpr.audit_entry SET detail = detail || '{\"through\": 1}' WHERE action = 'log_retention'");
is(verdict(), 'f|1', 'found: entries missing of which the log does not tell');
$node->stop;
$restore->();

# ---- forks ----

$node->start;
value('SELECT size FROM ctlpr.audit_checkpoint()');
my $last = slurp($published);
value("SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')");
my $ahead = value('SELECT size FROM ctlpr.audit_checkpoint()');
$node->stop;
$restore->();
$node->append_conf('postgresql.conf', "ctlpr.audit_timeout = '500ms'");
$node->start;
$officer = connect_as($node, 'city', 'nhpd');
$officer->query('BEGIN');
my $refused = $officer->query(request_sql('fork'));
is(sqlstate_of($refused), 'LP020', 'a database that was set back behind its published checkpoint records nothing');
like($refused->{error}{M}, qr/contradicts its last checkpoint/, '... and says why');
$officer->query('ROLLBACK');
like(verdict(), qr/^f\|\d+$/, '... and verification says from where entries are missing');
like(($node->psql('city', "SELECT ctlpr.accept_log_fork('', 'Chief')"))[2], qr/must be stated/, 'a fork is not accepted without a reason');
is(value("SELECT ctlpr.accept_log_fork('recovery to a point in time', 'Chief')"), '2', 'a fork is accepted');
ok(await_true(sub { return ($node->psql('city', 'SELECT FROM ctlpr.audit_entry LIMIT 1'))[0] == 0 }), '... and the log is written again');
ok(await_log($node, 'city', "action = 'log_fork' AND detail ->> 'approved_by' = 'Chief' AND (detail ->> 'checkpoint') LIKE '%$ahead%'"), '... which is on record, with the checkpoint that is not extended');
is(sqlstate_of($officer->query($_)), '00000', '... and work goes on') for 'BEGIN', request_sql('after a fork'), 'COMMIT';
value('SELECT size FROM ctlpr.audit_checkpoint()');
my ($old_root) = $last =~ /\A[^\n]*\n\d+\n(\S+)/;
like(slurp($published), qr{\Apolice\.example\.gov/ctlpr/2\n\d+\n\S+\nepoch 2\nextends police\.example\.gov/ctlpr $ahead \S+\n\n\xe2\x80\x94 police\.example\.gov/ctlpr \S+\n\z}, '... under an origin of its own, citing the old');
is(verdict(), 't|', '... and verifies');
like(value("SELECT string_agg(severity || ' ' || kind || ' ' || clause || ' ' || cardinality(evidence), ',') FROM ctlpr.findings WHERE kind LIKE 'log%'"), qr/^warning log_fork 14\(a\)\(6\) 1$/, '... and is a finding');
like(($node->psql('city', "SELECT ctlpr.accept_log_fork('again', 'Chief')"))[2], qr/contradicts no checkpoint/, 'nothing is left to accept');
check_log_is_whole($node, 'city', 'after a fork');

# ---- what keeps nobody from recording ----

# A contradiction that passes, while entries wait: the directory of another log, put right again
my $right = slurp($published);
kill 'TERM', await_writer($node, 'city');
ok(await_true(sub { return worker_pid($node, 'city', 'ctlpr audit writer') eq '' }), 'no writer runs');
spew($published, "nonsense\n");
like(($node->psql('city', "SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"))[2], qr/contradicts its last checkpoint/, 'a published checkpoint that cannot be read stops the log');
spew($published, $right);
ok(await_true(sub { return ($node->psql('city', "SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"))[0] == 0 }), '... until it is put right, without a restart');
check_log_is_whole($node, 'city', 'after a contradiction that passed');

# Another name for a log that was forked
$node->adjust_conf('postgresql.conf', 'ctlpr.checkpoint_origin', "'police.example.gov/renamed'");
$node->restart;
is(($node->psql('city', "SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"))[0], 0, 'under another name entries are recorded');
like(($node->psql('city', 'SELECT size FROM ctlpr.audit_checkpoint()'))[1], qr/^\d+$/, '... and signed');
is(verdict(), 't|', '... and checkpoints of the old name still hold');
$node->adjust_conf('postgresql.conf', 'ctlpr.checkpoint_origin', "'police.example.gov/ctlpr'");
$node->restart;

# Bytes that are no characters of Unicode
$node->safe_psql('postgres', "CREATE DATABASE western ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->safe_psql('western', q{SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE});
$node->safe_psql('western', q{SELECT ctlpr.adopt_statute('us-ct-2026'), ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT'), ctlpr.bind_role('nhpd', 'CT-NHPD')});
my $western = connect_as($node, 'western', 'nhpd');
$western->query("SET client_encoding = 'WIN1252'");
$western->query('BEGIN');
is(sqlstate_of($western->query("SELECT ctlpr.begin_request('stolen_vehicle', reason => 'caf\x81')")), '00000', 'a reason of bytes that have no counterpart in UTF-8 is recorded');
$western->query('COMMIT');
check_log_is_whole($node, 'western', 'another encoding');

# Values taken out past redact_entry()
my $with_reason = value("SELECT max(seq) FROM ctlpr.audit_entry WHERE reason IS NOT NULL AND entry = 'verdict'");
value("SELECT ctlpr.redact_stored($with_reason, '{reason}')");
is(value("SELECT string_agg(severity || ' ' || evidence[1], ',') FROM ctlpr.findings WHERE kind = 'unrecorded_redaction'"), "violation $with_reason", 'values taken out without a record are a finding, those taken out with one are none');
my $about_fork = value("SELECT seq FROM ctlpr.audit_entry WHERE action = 'log_fork' AND entry = 'verdict'");
like(($node->psql('city', "SELECT ctlpr.redact_entry($about_fork, '{detail}', 'x', 'y')"))[2], qr/the detail of an entry about log_fork stays/, 'what the log hangs on cannot be taken out');

# ---- at an interval ----

$node->adjust_conf('postgresql.conf', 'ctlpr.checkpoint_interval', "'1s'");
$node->reload;
my $signed = value('SELECT max(size) FROM ctlpr.checkpoint WHERE epoch = 2');
ok(await_true(sub { value("SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"); return value('SELECT max(size) FROM ctlpr.checkpoint WHERE epoch = 2') > $signed + 1 }), 'checkpoints are made while the log grows');
my ($said_size) = slurp($published) =~ /\A[^\n]*\n(\d+)\n/;
cmp_ok($said_size, '>', $signed, '... and published');
is(verdict(), 't|', '... and hold');

# ---- no key, a bad key ----

$node->adjust_conf('postgresql.conf', 'ctlpr.checkpoint_key', "''");
$node->reload;
like(($node->psql('city', 'SELECT ctlpr.audit_checkpoint()'))[2], qr/no key to sign/, 'without a key: an error that says so');
chmod 0644, "$keys/private.pem";
$node->adjust_conf('postgresql.conf', 'ctlpr.checkpoint_key', "'$keys/private.pem'");
$node->reload;
ok(await_true(sub { return ($node->psql('city', 'SELECT ctlpr.audit_checkpoint()'))[2] =~ /could not be signed/ }), 'a key that others may read is not used');
$node->restart;
is(($node->psql('city', "SELECT ctlpr.record_event('configuration', sqlstate => 'LP005')"))[0], 0, '... and keeps nobody from recording');
is(verdict(), 't|', '... nor from verifying');
$node->stop;
done_testing();
