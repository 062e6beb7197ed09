# Reads that somebody holds stay for the next round, all others that have expired go, what is held is kept first, and certificates say what went: 13(b)(2)(A), invariants 2 and 6.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use CtlprTest;

my $node = new_node('main', <<'CONF');
ctlpr.purge_naptime = 1h
ctlpr.purge_batch_rows = 40
max_connections = 60
autovacuum = off
CONF
$node->start;
new_world($node, 'city', govern => 0);
$node->safe_psql('city', <<'SQL');
SET client_min_messages = warning;
CREATE ROLE chief;
SELECT ctlpr.bind_role('chief', 'CT-NHPD', supervisor => true);
CREATE TABLE counted (relation name PRIMARY KEY, reads bigint NOT NULL DEFAULT 0);
ALTER TABLE counted OWNER TO reads_owner;
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.counted SET reads = reads + 1 WHERE relation = TG_RELNAME; RETURN NULL; END $$;
CREATE FUNCTION ignore_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SQL

sub value { return $node->safe_psql('city', $_[0]) }
sub by_owner { return value("SELECT string_agg(format('%s %s', owner, reads), ', ' ORDER BY owner) FROM (SELECT owner, sum(reads) AS reads FROM ($_[0]) o (owner, reads) GROUP BY 1) s") }
sub expired { return by_owner("SELECT agency_id, reads FROM ctlpr.expired_reads('$_[0]')") }
sub last_seq { return log_value($node, 'city', 'max(seq)') }

# certified(table, seq) - what its certificates after that entry of the log add up to
sub certified
{
	my ($name, $since) = @_;
	my $where = "relation_name = 'public.$name' AND seq > $since";
	return value("SELECT coalesce(sum(rows_deleted), 0) FROM ctlpr.purges WHERE $where") . ': ' . by_owner("SELECT e.key, e.value::bigint FROM ctlpr.purges, jsonb_each_text(owners) e WHERE $where");
}

# purge(table, what) - a round by hand, over all tables unless one is named; how many went of each
sub purge
{
	my ($name, $what) = @_;
	my $started = time;
	my %went = map { split /\|/ } split /\n/, value('SELECT relation, rows_deleted FROM ctlpr.purge(' . ($name ? "'$name'" : '') . ')');
	cmp_ok(time - $started, '<', 6, "$what: the round does not wait");
	return \%went;
}

# Each table has 150 expired reads, 100 of New Haven; 20 live ones of New Haven that expire when it keeps reads for a minute, and
# one that does not; 10 live ones of Hartford.
my $reads = <<'SQL';
SELECT row_number() OVER (), now() - age AS captured_at, plate, agency_id FROM (
	SELECT interval '22 days' + n % 4 * interval '1 day' + n * interval '1 minute', 'OLD' || n, CASE WHEN n <= 100 THEN 'CT-NHPD' ELSE 'CT-HPD' END FROM generate_series(1, 150) n
	UNION ALL SELECT n * interval '1 hour', 'LIVE' || n, 'CT-NHPD' FROM generate_series(1, 20) n
	UNION ALL SELECT interval '-4 minutes', 'NEW', 'CT-NHPD'
	UNION ALL SELECT n * interval '1 hour', 'LIVE' || n, 'CT-HPD' FROM generate_series(1, 10) n) r (age, plate, agency_id)
ORDER BY %s
SQL
# Thousands of the very same instant, each fourth of them Hartford's and live
my $same = <<'SQL';
SELECT n, now() - interval '5 hours', 'SAME' || n, CASE WHEN n % 4 = 3 THEN 'CT-HPD' ELSE 'CT-NHPD' END FROM generate_series(1, 4000) n
UNION ALL SELECT n, now() - interval '22 days', 'OLD' || n, 'CT-HPD' FROM generate_series(4001, 5000) n
SQL
my $recent = sprintf($reads, 'captured_at') =~ s/SELECT interval '22 days'.*\n\tUNION ALL //r;
my $ancient = join '', map { sprintf "%d\t-infinity\tOLD%d\t%s\t\n", $_, $_, $_ <= 100 ? 'CT-NHPD' : 'CT-HPD' } 1 .. 150;

my $index = 'CREATE INDEX ON %1$s (captured_at)';
my $trigger = 'CREATE TRIGGER count_it AFTER DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION count_it()';
my $notes = 'CREATE TABLE notes_on_%1$s (read_id bigint REFERENCES %1$s ON DELETE CASCADE); ALTER TABLE notes_on_%1$s OWNER TO reads_owner; GRANT SELECT, INSERT ON notes_on_%1$s TO PUBLIC';
my $partition = 'CREATE TABLE %1$s_%2$s PARTITION OF %1$s %3$s; ALTER TABLE %1$s_%2$s OWNER TO reads_owner';

# What New Haven holds of them: five of those that will expire
my $locked = "agency_id = 'CT-NHPD' AND plate IN ('LIVE4', 'LIVE8', 'LIVE12', 'LIVE16', 'LIVE20')";
my $lock = "SELECT FROM %s WHERE $locked FOR UPDATE";
my $change = "UPDATE %s SET note = 'seen' WHERE $locked";
# ... and of those of one instant, more than a batch has, among the first
my $lock_same = "SELECT FROM %s WHERE plate IN (SELECT 'SAME' || n * 4 FROM generate_series(1, 125) n) FOR UPDATE";

my %locked = (expired => 'CT-HPD 50, CT-NHPD 120', goes => '165: CT-HPD 50, CT-NHPD 115', stays => 'CT-NHPD 5', rest => '5: CT-NHPD 5', live => 'CT-HPD 10, CT-NHPD 1');
my %same = (reads => $same, lock => $lock_same, expired => 'CT-HPD 1000, CT-NHPD 3000', goes => '3875: CT-HPD 1000, CT-NHPD 2875', stays => 'CT-NHPD 125', rest => '125: CT-NHPD 125', live => 'CT-HPD 1000');
my %kept = (reads => $recent, lock => "UPDATE %s SET note = 'seen' WHERE read_id IN (1120, 1119, 1101, 1050, 1002)", end => 'COMMIT', expired => 'CT-NHPD 140', goes => '135: CT-NHPD 135', stays => 'CT-NHPD 5', rest => '5: CT-NHPD 5');
my %ancient = (reads => "SELECT 151, now() - interval '1 day', 'LIVE', 'CT-HPD'", copy => $ancient, expired => 'CT-HPD 50, CT-NHPD 100', goes => '150: CT-HPD 50, CT-NHPD 100', stays => '', rest => '0: ', live => 'CT-HPD 1');
my @cases = (
	{ name => 'plain', %locked },
	{ name => 'plain_changed', lock => $change, end => 'COMMIT', %locked },
	{ name => 'plain_changed_back', lock => $change, %locked },
	{ name => 'indexed', more => $index, %locked },
	{ name => 'indexed_changed', more => $index, lock => $change, end => 'COMMIT', %locked },
	{ name => 'indexed_twice', more => "$index; CREATE INDEX ON %1\$s (agency_id)", lock => $change, %locked },
	# with triggers, and with rows of another table's that go with theirs or lock them
	{ name => 'triggered', more => $trigger, allow => 'count_it', %locked },
	{ name => 'triggered_changed', more => "$trigger; $index", allow => 'count_it', lock => $change, end => 'COMMIT', %locked },
	{ name => 'ignored', more => 'CREATE TRIGGER ignore_it AFTER DELETE ON %1$s FOR EACH STATEMENT EXECUTE FUNCTION ignore_it()', allow => 'ignore_it', %locked },
	{ name => 'referenced', more => "$notes; INSERT INTO notes_on_%1\$s SELECT read_id FROM %1\$s", lock => $change, end => 'COMMIT', %locked },
	{ name => 'referenced_now', more => $notes, note => 1, end => 'COMMIT', %locked },
	# however the reads lie there, and whatever index there is
	{ name => 'ascending', order => 'captured_at', %locked },
	{ name => 'descending', order => 'captured_at DESC', %locked },
	{ name => 'descending_indexed', order => 'captured_at DESC', more => $index, %locked },
	{ name => 'indexed_desc', more => 'CREATE INDEX ON %1$s (captured_at DESC)', %locked },
	{ name => 'indexed_by_agency', more => 'CREATE INDEX ON %1$s (agency_id, captured_at)', %locked },
	{ name => 'indexed_partly', more => q(CREATE INDEX ON %1$s (captured_at) WHERE agency_id = 'CT-HPD'), %locked },
	# of one instant
	{ name => 'same', %same },
	{ name => 'same_indexed', more => $index, %same },
	{ name => 'same_triggered', more => $trigger, allow => 'count_it', %same },
	# held for a case
	{ name => 'kept', %kept },
	{ name => 'kept_indexed', more => $index, %kept },
	{ name => 'kept_triggered', more => $trigger, allow => 'count_it', %kept },
	# captured at no time at all, as a dump may bring it
	{ name => 'ancient', %ancient },
	{ name => 'ancient_indexed', more => $index, %ancient },
	{ name => 'ancient_triggered', more => $trigger, allow => 'count_it', %ancient },
	{ name => 'ancient_partitioned', parts => [ [ 'rest', 'DEFAULT' ] ], %ancient },
	{ name => 'ancient_dropped', parts => [ [ 'first', "FOR VALUES FROM (MINVALUE) TO ('2020-01-01')" ], [ 'rest', 'DEFAULT' ] ], %ancient });

for my $case (@cases)
{
	my $name = $case->{name};
	my $parts = $case->{parts};
	my $how = $parts ? 'PARTITION BY RANGE (captured_at); ' . join '; ', map { sprintf $partition, $name, @$_ } @$parts : '';
	my $key = $parts ? '' : 'PRIMARY KEY';
	my $rows = $case->{reads} // sprintf($reads, $case->{order} // 'random()');
	my $more = sprintf($case->{more} // '', $name);
	my $allow = $case->{allow} ? ", allow_triggers => '{$case->{allow}}'" : '';
	$node->safe_psql('city', <<"SQL");
SET client_min_messages = warning;
CREATE TABLE $name (read_id bigint $key, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, note text) $how;
INSERT INTO $name $rows;
ALTER TABLE $name OWNER TO reads_owner;
GRANT SELECT, INSERT, UPDATE ON $name TO PUBLIC;
INSERT INTO counted VALUES ('$name');
$more;
ANALYZE $name;
SELECT ctlpr.govern('$name', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id' $allow), ctlpr.start_purge('$name', 'Chief');
SQL
	value("SET ctlpr.restore = on; COPY $name FROM STDIN;\n$case->{copy}\\.\n") if $case->{copy};
	next if $name !~ /^kept/;
	# the oldest of those that will expire come in after the hold, spelled otherwise, and have no copy yet
	$case->{hold} = value("SET ROLE chief; SELECT ctlpr.preserve('$name', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => '{LIVE20,LIVE19,LIVE1,LATE}')");
	is(value("SELECT ctlpr.held_reads($case->{hold})"), '3', "$name: what is held is copied");
	value("SET ROLE nhpd_ingest; INSERT INTO $name (read_id, captured_at, plate, agency_id) SELECT 1000 + n, now() - interval '30 hours' - n * interval '1 second', CASE WHEN n % 2 = 0 THEN 'LA TE' ELSE 'OTHER' END, 'CT-NHPD' FROM generate_series(1, 120) n");
}

# They are held while they expire
for my $case (@cases)
{
	my $name = $case->{name};
	next if $case->{copy};
	my $session = $case->{session} = connect_as($node, 'city', 'nhpd');
	$session->query('BEGIN');
	$session->query(request_sql('held'));
	my $statement = sprintf($case->{lock} // $lock, $name);
	$statement = "INSERT INTO notes_on_$name VALUES " . join ', ', map { "($_->[0])" } @{ $session->query("SELECT read_id FROM $name WHERE $locked")->{rows} } if $case->{note};
	like($session->query($statement)->{tags}[0] // '', $case->{lock} && $case->{lock} eq $lock_same ? qr/ 125$/ : qr/ 5$/, "$name: some reads are held");
}
value("SELECT ctlpr.set_agency_option('CT-NHPD', retention => '1 minute')");
is(expired($_->{name}), $_->{expired}, "$_->{name}: reads have expired, held or not") for @cases;
is(value("SELECT expired_rows, purge_lag > interval '1000 years' FROM ctlpr.retention_status WHERE relation = 'ancient'::regclass"), '150|t', 'the lag of a read is told however old it is');
is(purge('plain', 'by name')->{plain}, 165, 'purge() of one table says what went');
is(expired('indexed'), $locked{expired}, '... and leaves the others alone');
my $went = purge('', 'all');
$went->{plain} = 165;
for my $case (@cases)
{
	my $name = $case->{name};
	is($went->{$name} . ':', $case->{goes} =~ s/: .*/:/r, "$name: all go that nobody holds");
	is(certified($name, 0), $case->{goes}, "$name: ... with a certificate of just those");
	is(expired($name), $case->{stays}, "$name: ... and those that are held stay");
	is(value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT count(*) FROM ${name}_evidence WHERE read_id NOT IN (1120, 1050, 1002); COMMIT"), '60', "$name: ... after a copy for the hold") if $case->{hold};
}
my $seq = last_seq();
is(join(' ', grep { $_ } values %{ purge('', 'again') }), '', 'another round finds nothing to delete');
is(value("SELECT count(*) FROM ctlpr.purges WHERE seq > $seq"), '0', '... and certifies nothing');

# When nobody holds them any more they go as well
for my $case (grep { $_->{session} } @cases)
{
	is(sqlstate_of($case->{session}->query($case->{end} // 'ROLLBACK')), '00000', "$case->{name}: who held them has noticed nothing");
	$case->{session}->close;
}
$seq = last_seq();
$went = purge('', 'at last');
for my $case (@cases)
{
	my $name = $case->{name};
	is(($went->{$name} // 0) . ':', $case->{rest} =~ s/: .*/:/r, "$name: the next round takes the rest");
	is(certified($name, $seq), $case->{rest}, "$name: ... and certifies just that");
	is(expired($name), '', "$name: ... so that nothing is left");
	my ($first) = $case->{goes} =~ /^(\d+)/;
	my ($rest) = $case->{rest} =~ /^(\d+)/;
	is(value("SELECT reads FROM counted WHERE relation = '$name'"), ($case->{allow} // '') eq 'count_it' ? $first + $rest : 0, "$name: a trigger has fired for each");
	if ($case->{hold})
	{
		is(value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT count(*), count(DISTINCT read_id), count(*) FILTER (WHERE plate = 'LA TE') FROM ${name}_evidence; COMMIT"), '63|63|60', "$name: all that is held is in evidence, once");
		is(value("BEGIN; SELECT FROM ctlpr.break_glass('look'); SELECT agency_id, count(*) FROM $name GROUP BY 1 ORDER BY 1; COMMIT"), "CT-HPD|10\nCT-NHPD|1", "$name: live reads stay");
		next;
	}
	# what is really there
	$node->safe_psql('city', "SET client_min_messages = warning; SELECT ctlpr.release('$name', 'to look')");
	is(by_owner("SELECT agency_id, 1 FROM $name"), $case->{live}, "$name: live reads stay");
}
is(value('SELECT count(*) FROM notes_on_referenced'), '11', 'rows that refer to a deleted read have gone with it, others have not');
is(value('SELECT count(*) FROM notes_on_referenced_now'), '0', '... also those that had locked it');
is(value("SELECT partitions_dropped FROM ctlpr.purges WHERE relation_name = 'public.ancient_dropped'"), '1', 'the partition of what was captured at -infinity is dropped as a whole');
check_log_is_whole($node, 'city', 'after all');
$node->stop;

done_testing();
