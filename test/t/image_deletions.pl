# The image of a purged read goes too: it is queued with the purge, handed to one program at a time, kept while evidence has it, and its reference is gone when it is deleted: 13(a), 13(b)(2)(A).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
ctlpr.purge_naptime = 1h
ctlpr.purge_batch_rows = 40
ctlpr.purge_lock_timeout = 2s
restart_after_crash = on
log_min_messages = debug1
log_statement = none
log_min_error_statement = panic
autovacuum = off
CONF
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE chief;
CREATE ROLE cleaner LOGIN IN ROLE ctlpr_image_deleter;
CREATE ROLE hpd_cleaner LOGIN IN ROLE ctlpr_image_deleter;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true), ctlpr.bind_role('cleaner', 'CT-NHPD'), ctlpr.bind_role('hpd_cleaner', 'CT-HPD');
SQL

sub value { return $node->safe_psql('city', $_[0]) }

# make_table(name, how it is partitioned, before it is governed, type of the image column, what governs it besides) - with 100
# expired reads of New Haven and 10 of Hartford, each with an image, and 10 expired and 20 live ones without
sub make_table
{
	my ($name, $how, $more, $type, $govern) = @_;
	$type //= 'text';
	my $image = $type eq 'bytea' ? "convert_to('$name/' || n, 'UTF8')" : "'$name/' || n || '.jpg'";
	$node->safe_psql('city', sprintf <<"SQL", $how // '', $more // '', $govern // '');
SET client_min_messages = warning;
CREATE TABLE $name (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, picture $type) %s;
%s
INSERT INTO $name SELECT now() - interval '22 days' - n * interval '1 minute', 'OLD' || n, CASE WHEN n <= 100 THEN 'CT-NHPD' ELSE 'CT-HPD' END, $image FROM generate_series(1, 110) n;
INSERT INTO $name SELECT now() - interval '22 days' - n * interval '1 minute', 'NONE' || n, 'CT-NHPD', NULL FROM generate_series(1, 10) n;
INSERT INTO $name SELECT now() - n * interval '1 hour', 'LIVE' || n, 'CT-NHPD', NULL FROM generate_series(1, 20) n;
ALTER TABLE $name OWNER TO reads_owner;
GRANT SELECT, INSERT ON $name TO PUBLIC;
SELECT ctlpr.govern('$name', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', image => 'picture'%s), ctlpr.start_purge('$name', 'Chief');
SQL
	return;
}

sub purge { return value("SELECT coalesce(sum(rows_deleted), 0), coalesce(sum(partitions_dropped), 0) FROM ctlpr.purge('$_[0]')") }
sub queue { return value("SELECT count(*), count(reference) FROM ctlpr.image_deletion WHERE relation_name = 'public.$_[0]'") }
sub state { return value("SELECT string_agg(format('%s %s %s %s %s %s', agency_id, queued, kept, claimed, overdue, deleted), ', ' ORDER BY agency_id) FROM ctlpr.image_deletions WHERE relation_name = 'public.$_[0]'") }
sub certified { return value("SELECT sum(images_queued) FROM ctlpr.purges WHERE relation_name = 'public.$_[0]'") }
sub recorded { return value("SELECT coalesce(sum((e.detail ->> 'images')::bigint), 0) FROM ctlpr.audit_entry e WHERE e.action = 'image_deletion' AND e.allowed AND e.detail ->> 'function' = '$_[0]' AND e.relation = 'public.$_[1]'") }
sub forget { value("SELECT count(*) FROM ctlpr.governed_relation; DELETE FROM ctlpr.image_deletion"); return }

# claim(role, arguments) - in a session of its own, committed; rows of deletion_id, relation, reference
sub claim
{
	my ($role, $arguments) = @_;
	my $session = connect_as($node, 'city', $role);
	my $result = $session->query(sprintf 'SELECT deletion_id, relation, reference, deadline FROM ctlpr.claim_image_deletions(%s)', $arguments // '');
	$session->close;
	is(sqlstate_of($result), '00000', 'a claim ends well');
	return @{ $result->{rows} };
}

sub acknowledge
{
	my ($role, $outcome, @rows) = @_;
	my $session = connect_as($node, 'city', $role);
	my $result = $session->query(sprintf "SELECT ctlpr.acknowledge_image_deletion('{%s}', '%s')", join(',', map { $_->[0] } @rows), $outcome);
	$session->close;
	return $result->{error} ? $result->{error}{C} : $result->{rows}[0][0];
}
sub references_of { return join(' ', sort map { $_->[2] } @_) }

# ---- by rows, with and without a trigger, and by partition ----

make_table('plain');
make_table('indexed', '', 'CREATE INDEX ON indexed (captured_at);');
value(q(CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$));
make_table('triggered', '', 'CREATE TRIGGER t AFTER DELETE ON triggered FOR EACH STATEMENT EXECUTE FUNCTION nothing();', 'varchar', q(, allow_triggers => '{t}'));
make_table('daily', 'PARTITION BY RANGE (captured_at)', q(CREATE TABLE daily_old PARTITION OF daily FOR VALUES FROM (now() - interval '30 days') TO (now() - interval '21 days 12 hours'); CREATE TABLE daily_rest PARTITION OF daily DEFAULT; ALTER TABLE daily_old OWNER TO reads_owner; ALTER TABLE daily_rest OWNER TO reads_owner;));
make_table('inside', '', '', 'bytea');
for my $name (qw(plain indexed triggered daily))
{
	my $dropped = $name eq 'daily' ? 1 : 0;
	is(purge($name), "120|$dropped", "$name: a round takes what has expired");
	is(queue($name), '110|110', "$name: ... and queues each image that there was");
	is(certified($name), '110', "$name: ... as the certificate says");
	is(state($name), 'CT-HPD 10 0 0 0 0, CT-NHPD 100 0 0 0 0', "$name: ... for each owner");
	is(value("SELECT count(*) FROM ctlpr.image_deletion WHERE relation_name = 'public.$name' AND due_at - queued_at BETWEEN interval '23:59' AND interval '24:01'"), '110', "$name: ... due in a day");
}
is(purge('inside'), '120|0', 'inside: images in the database go with their reads');
is(queue('inside'), '0|0', 'inside: ... and nobody else deletes them');

# ---- one program after the other ----

forget();
make_table('claimed');
purge('claimed');
my @first = claim('cleaner', '30');
is(scalar @first, 30, 'as many as were asked for are claimed');
is(join(' ', map { $_->[1] } grep { $_->[2] !~ m{^claimed/\d+\.jpg$} || $_->[1] ne 'claimed' } @first), '', '... each with its relation and reference');
is(recorded('claim_image_deletions', 'claimed'), '30', '... on record');
is(log_value($node, 'city', 'count(*)', "to_jsonb(e)::text LIKE '%.jpg%'"), '0', '... without a reference');
is(state('claimed'), 'CT-HPD 10 0 0 0 0, CT-NHPD 70 0 30 0 0', '... and counted');
my @hartford = claim('hpd_cleaner', '1000');
is(scalar(@hartford) . ' ' . scalar(grep { $_->[2] =~ m{/(10[1-9]|110)\.jpg} } @hartford), '10 10', 'a program of another agency gets that one\'s images only');
is(acknowledge('hpd_cleaner', 'deleted', $first[0]), '42704', '... and acknowledges no others');
my $stranger = connect_as($node, 'city', 'nhpd');
is(sqlstate_of($stranger->query('SELECT * FROM ctlpr.claim_image_deletions()')), '42501', 'who is no deleter claims nothing');
is(sqlstate_of($stranger->query('SELECT * FROM ctlpr.image_deletion')), '42501', '... and reads no queue');
value('GRANT ctlpr_image_deleter TO unbound');
is(sqlstate_of(connect_as($node, 'city', 'unbound')->query('SELECT * FROM ctlpr.claim_image_deletions()')), 'LP002', 'nor does one of no agency');

is(acknowledge('cleaner', 'deleted', @first[0 .. 9]), '10', 'deletion is acknowledged');
is(acknowledge('cleaner', 'missing', $first[10]), '1', '... also of what was not there');
is(acknowledge('cleaner', 'deleted', @first[0 .. 10]), '0', '... once');
is(recorded('acknowledge_image_deletion', 'claimed'), '11', '... on record');
is(value("SELECT count(*) FROM ctlpr.image_deletion d WHERE deletion_id = ANY ('{" . join(',', map { $_->[0] } @first[0 .. 10]) . "}') AND to_jsonb(d)::text LIKE '%.jpg%'"), '0', '... and the references are gone');
is(state('claimed'), 'CT-HPD 0 0 10 0 0, CT-NHPD 70 0 19 0 11', '... and it counts as deleted');
is(acknowledge('cleaner', 'failed', @first[11, 12]), '2', 'one that could not be deleted');
is(scalar(grep { $_->[0] == $first[11][0] } claim('cleaner', '5')), 0, '... is not claimed again at once');
value("UPDATE ctlpr.image_deletion SET available_at = now() WHERE deletion_id = $first[11][0]");
is(scalar(grep { $_->[0] == $first[11][0] } claim('cleaner', '1000')), 1, '... but after a while');
is(acknowledge('cleaner', 'deleted', [ value("SELECT min(deletion_id) FROM ctlpr.image_deletion WHERE relation_name = 'public.plain'") || 0 ]), '42704', 'what is not there is not acknowledged');

# Two at once
forget();
make_table('contended');
purge('contended');
my $one = connect_as($node, 'city', 'cleaner');
my $two = connect_as($node, 'city', 'cleaner');
$_->query('BEGIN') for $one, $two;
my @of_one = @{ $one->query('SELECT deletion_id FROM ctlpr.claim_image_deletions(20)')->{rows} };
my @of_two = @{ $two->query('SELECT deletion_id FROM ctlpr.claim_image_deletions(20)', 10)->{rows} };
is(scalar(@of_one) . ' ' . scalar(@of_two), '20 20', 'two claim in transactions at once, and neither waits');
my %seen;
$seen{ $_->[0] }++ for @of_one, @of_two;
is(scalar(keys %seen), 40, '... and none gets the other\'s');
$one->query('COMMIT');
$two->query('ROLLBACK');
my @children = map {
	start_child(
		sub {
			my ($lines) = @_;
			my $session = connect_as($node, 'city', 'cleaner');
			while (my @rows = @{ $session->query('SELECT deletion_id FROM ctlpr.claim_image_deletions(3)')->{rows} })
			{
				print $lines "$_->[0]\n" for @rows;
			}
		})
} 1 .. 4;
my @claimed = map { lines_of($_) } @children;
my %distinct = map { $_ => 1 } @claimed;
is(scalar(@claimed) . ' ' . scalar(keys %distinct), '80 80', 'four programs share out the rest, what was rolled back included');

# One that dies
forget();
make_table('lost');
purge('lost');
my $dying = connect_as($node, 'city', 'cleaner');
my @lost = @{ $dying->query("SELECT deletion_id FROM ctlpr.claim_image_deletions(100, lease => '2 seconds')")->{rows} };
is(scalar @lost, 100, 'a program claims all and dies');
$dying->close;
is(scalar(claim('cleaner')), 0, '... while its lease runs nobody gets them');
sleep 2.2;
my @again = claim('cleaner', '1000');
is(join(' ', sort map { $_->[0] } @again), join(' ', sort map { $_->[0] } @lost), '... and then they are claimed again');
is(acknowledge('cleaner', 'deleted', @again), '100', '... and deleted');

# ---- a crash ----

forget();
make_table('crashed');
is(purge('crashed'), '120|0', 'reads are purged');
my $victim = connect_as($node, 'city');
ok(kill_and_recover($node, $victim->query('SELECT pg_backend_pid()')->{rows}[0][0]), '... and the server crashes');
is(queue('crashed'), '110|110', '... and has every image to delete');
my @after = claim('cleaner', '1000');
is(references_of(@after), join(' ', sort map { "crashed/$_.jpg" } 1 .. 100), '... which are claimed then');

# A batch that fails keeps its reads and queues nothing
forget();
value(q(CREATE TABLE stop (x int); GRANT SELECT ON stop TO PUBLIC; INSERT INTO stop VALUES (1); CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM public.stop) THEN RAISE EXCEPTION 'no'; END IF; RETURN NULL; END $$));
make_table('failing', '', 'CREATE TRIGGER t AFTER DELETE ON failing FOR EACH STATEMENT EXECUTE FUNCTION fail();', 'text', q(, allow_triggers => '{t}'));
purge('failing');
is(value("SELECT sum(reads) FROM ctlpr.expired_reads('failing')") . ' ' . queue('failing'), '120 0|0', 'a batch that is rolled back leaves reads and queues no image');
value('TRUNCATE stop');
is(purge('failing') . ' ' . queue('failing'), '120|0 110|110', '... and the next one does both');

# ---- holds ----

forget();
make_table('held');
my $feed = connect_as($node, 'city', 'nhpd_ingest');
is(sqlstate_of($feed->query(q(INSERT INTO held SELECT now() - interval '504 hours' + interval '4 seconds', p, 'CT-NHPD', 'held/' || i || '.jpg' FROM (VALUES ('HELD1', 'shared'), ('OTHER1', 'shared'), ('HELD1', 'evidence'), ('OTHER2', 'other')) v (p, i)))), '00000', 'reads come in, two of one image');
my $inserted = time;
my $hold = value("SET ROLE chief; SELECT ctlpr.preserve('held', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{HELD1}')");
is(value("SELECT ctlpr.held_reads($hold)"), '2', '... and two of them are held');
sleep 0.1 while time < $inserted + 4.5;
is(purge('held'), '124|0', 'all expire and are purged');
is(references_of(claim('cleaner', '1000')), join(' ', sort 'held/other.jpg', map { "held/$_.jpg" } 1 .. 100), 'images that evidence has are not handed out, one that it shares with another read included');
is(state('held'), 'CT-HPD 10 0 0 0 0, CT-NHPD 0 2 101 0 0', '... but kept');
is(scalar(claim('cleaner', '1000')), 0, '... and stay so');

# With no program to look, the worker does when they are due, and again when they were kept.
my $late = "SET due_at = now() - interval '1 minute', available_at = now() - interval '2 minutes'";
value("UPDATE ctlpr.image_deletion $late, kept_at = NULL WHERE kept_at IS NOT NULL");
is(state('held'), 'CT-HPD 10 0 0 0 0, CT-NHPD 2 0 101 2 0', '... past their deadline');
purge('held');
is(state('held'), 'CT-HPD 10 0 0 0 0, CT-NHPD 0 2 101 0 0', '... they are not overdue');
value("UPDATE ctlpr.image_deletion $late WHERE kept_at IS NOT NULL");
purge('held');
is(value("SELECT count(*) FROM ctlpr.image_deletion WHERE kept_at IS NOT NULL AND due_at > now() + interval '23 hours' AND available_at > now() + interval '50 minutes'"), '2', '... nor ever while evidence has them');
value("INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at, available_at, kept_at) SELECT 'held'::regclass, 'public.held', 'CT-NHPD', 'held/gone.jpg', now() - interval '1 minute', now() - interval '2 minutes', now() - interval '1 hour'");
purge('held');
is(state('held'), 'CT-HPD 10 0 0 0 0, CT-NHPD 1 2 101 1 0', '... and one that no read has any more is');
value("DELETE FROM ctlpr.image_deletion WHERE reference = 'held/gone.jpg'");
value("SET ROLE chief; SELECT ctlpr.end_hold($hold, 'no_charges')");
is(purge('held_evidence'), '2|0', 'when the hold has ended its evidence goes');
my @freed = claim('cleaner', '1000');
is(references_of(@freed), 'held/evidence.jpg held/shared.jpg', '... and the images with it');
is(join(' ', map { $_->[1] } @freed), 'held held', '... as those of the reads that it kept');
is(value("SELECT count(*) FROM ctlpr.image_deletion WHERE relation = 'held'::regclass AND reference LIKE '%shared%'"), '1', '... each once');

# A second table of reads that has the same image
forget();
make_table('copied');
make_table('original');
value("INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at) SELECT 'copied'::regclass, 'public.copied', 'CT-NHPD', 'original/5.jpg', now() + interval '1 day'");
is(scalar(claim('cleaner')), 0, 'an image that a read of another relation has is kept, expired or not');
purge('original');
is(scalar(grep { $_->[2] eq 'original/5.jpg' } claim('cleaner', '1000')), 1, '... when that is purged it goes');

# While a hold is being registered nobody knows what it will copy.
forget();
make_table('registering');
purge('registering');
my $chief = connect_as($node, 'city');
$chief->query($_) for 'BEGIN', 'SET ROLE chief';
is(sqlstate_of($chief->query("SELECT ctlpr.preserve('registering', 'criminal_evidence', 'homicide', '26-8', 'Officer A', plates => '{LIVE1}')")), '00000', 'a hold is being registered');
is(scalar(claim('cleaner')), 0, '... and nothing is handed out');
$chief->query('COMMIT');
is(scalar(claim('cleaner')), 100, '... until it is');

# ---- partitions that somebody drops ----

forget();
make_table('by_hand', 'PARTITION BY RANGE (captured_at)', q(CREATE TABLE by_hand_old PARTITION OF by_hand FOR VALUES FROM (now() - interval '30 days') TO (now() - interval '1 day'); CREATE TABLE by_hand_rest PARTITION OF by_hand DEFAULT; ALTER TABLE by_hand_old OWNER TO reads_owner; ALTER TABLE by_hand_rest OWNER TO reads_owner;));
my $owner = connect_as($node, 'city', 'reads_owner');
is(sqlstate_of($owner->query('DROP TABLE by_hand_old')), '00000', 'the owner drops a partition');
is(queue('by_hand'), '110|110', '... and its images are queued too');

# ---- the program of the manual ----

forget();
make_table('manual');
purge('manual');
my $page = slurp_file('../docs/applications.md');
my ($roles) = $page =~ /```sql\n(CREATE ROLE lpr_images.*?)CREATE INDEX/s;
my ($program) = $page =~ /```sh\n(.*?)```/s;
value($roles);
my $images = $node->basedir . '/images';
$program =~ s{/srv/images}{$images}g or die 'the program is another';
$program =~ s{PGDATABASE=lpr\b}{PGDATABASE=city} or die 'the program is another';
mkdir $_ or die "$_: $!" for $images, "$images/manual";
my $file = sub { open(my $handle, '>', $_[0]) or die "$_[0]: $!"; close $handle; return };
$file->("$images/manual/$_.jpg") for 1 .. 90, 200;    # ten are gone already, one is another's
$file->($node->basedir . '/outside.jpg');
value("INSERT INTO ctlpr.image_deletion (relation, relation_name, agency_id, reference, due_at) SELECT 'manual'::regclass, 'public.manual', 'CT-NHPD', r, now() FROM unnest(ARRAY['../outside.jpg', 'manual/../../outside.jpg', '" . $node->basedir . "/outside.jpg']) r");
my $script = $node->basedir . '/delete_images.sh';
append_to_file($script, $program);
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
	command_ok([ 'sh', $script ], 'the program of the manual runs');
}
is(join(' ', map { s{.*/}{}r } glob "$images/manual/*"), '200.jpg', '... and deletes what was purged, and nothing else');
ok(-e $node->basedir . '/outside.jpg', '... nor outside of its directory');
is(value("SELECT string_agg(n || ' ' || coalesce(outcome, 'open'), ', ' ORDER BY outcome) FROM (SELECT outcome, count(*) AS n FROM ctlpr.image_deletion WHERE agency_id = 'CT-NHPD' GROUP BY 1) o"), '90 deleted, 10 missing, 3 open', '... and says so');

# ---- deadlines ----

forget();
$node->append_conf('postgresql.conf', 'ctlpr.image_deletion_limit = 1min');
$node->reload;
sleep 0.5;
make_table('late');
purge('late');
is(value("SELECT count(*) FROM ctlpr.image_deletion WHERE due_at - queued_at BETWEEN interval '59 s' AND interval '61 s'"), '110', 'the deadline is that of the setting');
sub overdue { return value("SELECT string_agg(format('%s %s %s', severity, clause, agency_id) || substring(finding FROM ': \\d+,'), '; ' ORDER BY agency_id) FROM ctlpr.findings WHERE kind = 'overdue_image'") }
is(overdue(), '', 'none is overdue');
value("UPDATE ctlpr.image_deletion SET due_at = now() - interval '1 second' WHERE relation = 'late'::regclass");
is(overdue(), 'violation 13(b)(2)(A) CT-HPD: 10,; violation 13(b)(2)(A) CT-NHPD: 100,', 'past it they are a violation of each owner: 13(b)(2)(A)');
is(acknowledge('cleaner', 'deleted', claim('cleaner', '1000')) . ' ' . overdue(), '100 violation 13(b)(2)(A) CT-HPD: 10,', '... until they are deleted');
value("UPDATE ctlpr.image_deletion SET acknowledged_at = now() - interval '91 days' WHERE acknowledged_at IS NOT NULL");
purge('late');
is(queue('late'), '10|10', 'what was deleted long ago is forgotten');

unlike(slurp_file($node->logfile), qr/\.jpg/, 'no reference stands in the server log');
$node->stop;
done_testing();
