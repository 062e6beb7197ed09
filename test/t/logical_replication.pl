# 13(d)(6), 13(d)(8): reads leave by logical replication only with leave, to a subscriber of the agency that owns them; none come in that way.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CtlprTest;

my $node = new_node('main', "wal_level = logical\nautovacuum = off\nctlpr.purge_naptime = 1s", allows_streaming => 1);
$node->start;
new_world($node, 'city');
$node->safe_psql('city', q{
	CREATE TABLE cameras (camera_id int PRIMARY KEY);
	INSERT INTO cameras VALUES (1);
	CREATE SCHEMA reads_here;
	CREATE TABLE own_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, PRIMARY KEY (plate, captured_at));
	INSERT INTO own_reads VALUES (now(), 'OWN1'), (now() - interval '30 days', 'OLD1');
	CREATE TABLE of_two (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, PRIMARY KEY (plate, captured_at, agency_id));
	CREATE ROLE subscriber LOGIN REPLICATION;
	CREATE ROLE curious LOGIN REPLICATION;
	GRANT SELECT ON ALL TABLES IN SCHEMA public TO subscriber;
	SELECT ctlpr.bind_role('subscriber', 'CT-NHPD');
});

sub quoted { return "'" . ($_[0] =~ s/'/''/gr) . "'" }

# fails(sql, sqlstate, name) - as a superuser
sub fails
{
	my ($sql, $state, $name) = @_;
	my ($status, $out, $err) = $node->psql('city', $sql, extra_params => [ '--set=VERBOSITY=sqlstate' ]);
	like($err, qr/ERROR:  $state/, $name);
	return;
}

# In the way of govern(): a slot whose plugin heeds no publication, and a publication
my $emergency = q{BEGIN; SELECT ctlpr.break_glass('test');};
$node->safe_psql('city', qq{$emergency SELECT pg_create_logical_replication_slot('everything', 'test_decoding'); COMMIT});
fails(q{SELECT ctlpr.govern('own_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD')}, '55000', 'govern() refuses while a slot shows every change');
$node->safe_psql('city', q{SELECT pg_drop_replication_slot('everything')});
$node->safe_psql('city', 'CREATE PUBLICATION early FOR TABLE own_reads');
fails(q{SELECT ctlpr.govern('own_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD')}, '55000', '... and while a publication carries the table');
$node->safe_psql('city', q{DROP PUBLICATION early;
	SELECT ctlpr.govern('own_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD');
	SELECT ctlpr.govern('of_two', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')});

# Publications, in every way that they can come to hold a governed table
fails('CREATE PUBLICATION p FOR TABLE own_reads', 'LP011', 'a publication of a governed table');
fails('CREATE PUBLICATION p FOR ALL TABLES', 'LP011', 'of all tables');
fails('CREATE PUBLICATION p FOR TABLES IN SCHEMA public', 'LP011', 'of a schema');
$node->safe_psql('city', 'CREATE PUBLICATION p FOR TABLE cameras');
fails('ALTER PUBLICATION p ADD TABLE own_reads', 'LP011', 'a table that is added');
fails('ALTER PUBLICATION p SET TABLE own_reads', 'LP011', 'or put in the place of others');
fails('ALTER PUBLICATION p ADD TABLES IN SCHEMA public', 'LP011', 'a schema that is added');
$node->safe_psql('city', 'CREATE PUBLICATION s FOR TABLES IN SCHEMA reads_here');
fails('ALTER TABLE own_reads SET SCHEMA reads_here', 'LP011', 'a table that moves into a published schema');
is($node->safe_psql('city', 'SELECT count(*) FROM ctlpr.published_without_leave()'), '0', 'none of it is published');

# Decoding
fails(q{SELECT pg_create_logical_replication_slot('x', 'test_decoding')}, 'LP010', 'a logical slot');
fails(q{SELECT * FROM pg_logical_slot_get_changes('x', NULL, NULL)}, 'LP010', 'reading one');
fails(q{SELECT * FROM pg_logical_slot_peek_binary_changes('x', NULL, NULL)}, 'LP010', 'or peeking');
$node->safe_psql('city', q{SELECT pg_create_physical_replication_slot('standby')});

# Connections
my ($status, $out, $err) = $node->psql('city', 'IDENTIFY_SYSTEM', replication => 'database', connstr => $node->connstr('city') . ' user=curious');
like($err, qr/logical decoding would show every read/, 'a connection for logical replication without leave');
($status, $out, $err) = $node->psql('city', 'IDENTIFY_SYSTEM', replication => 'database');
like($err, qr/logical decoding would show every read/, '... a superuser\'s too');
($status, $out, $err) = $node->psql('postgres', 'IDENTIFY_SYSTEM', replication => 'database', connstr => $node->connstr('postgres') . ' user=curious');
is($status, 0, 'into a database that governs nothing it goes through');
($status, $out, $err) = $node->psql('city', 'IDENTIFY_SYSTEM', replication => 'true', connstr => $node->connstr('city') . ' user=curious');
is($status, 0, 'a connection of a physical standby goes through');

# Leave
fails(q{SELECT ctlpr.allow_publication('p', 'city''s own store', '', subscriber => 'subscriber')}, 'LP005', 'leave needs an approval');
fails(q{SELECT ctlpr.allow_publication('p', 'city''s own store', 'Chief', subscriber => 'curious')}, '55000', 'and a subscriber that acts for an agency');
fails(q{SELECT ctlpr.allow_publication('p', 'city''s own store', 'Chief')}, '22004', 'named by its role');
$node->safe_psql('city', q{SELECT ctlpr.allow_publication('own', 'the city''s own store', 'Chief', subscriber => 'subscriber')});
$node->safe_psql('city', 'CREATE PUBLICATION own FOR TABLE own_reads');
fails('ALTER PUBLICATION own ADD TABLE of_two', 'LP011', 'leave is for reads of that agency alone');
fails(q{ALTER PUBLICATION own ADD TABLE of_two WHERE (agency_id = 'CT-HPD')}, 'LP011', 'not of another');
fails(q{ALTER PUBLICATION own ADD TABLE of_two WHERE (agency_id = 'CT-NHPD' OR plate = 'X')}, 'LP011', 'nor of more');
$node->safe_psql('city', q{ALTER PUBLICATION own ADD TABLE of_two WHERE (agency_id = 'CT-NHPD')});
fails(q{ALTER PUBLICATION own SET (publish = 'insert, update')}, 'LP011', 'what is deleted here is deleted there');
fails(q{ALTER PUBLICATION own RENAME TO other}, 'LP011', 'leave is for the publication of that name');
($status, $out, $err) = $node->psql('city', 'IDENTIFY_SYSTEM', replication => 'database', connstr => $node->connstr('city') . ' user=subscriber');
is($status, 0, 'the subscriber connects');
is($node->safe_psql('city', q{SELECT severity FROM ctlpr.posture WHERE item = 'publication' AND detail ~ 'own'}), 'info', 'and is shown');

# A subscriber's database governs what it receives; a subscription cannot write into a governed table
my $store = new_node('store', "wal_level = logical\nautovacuum = off", allows_streaming => 1);
$store->start;
$store->safe_psql('postgres', 'CREATE TABLE own_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, PRIMARY KEY (plate, captured_at))');
$node->safe_psql('city', q{SELECT ctlpr.standing_request('subscriber', 'backup', 'the city''s own store', 'Chief', now() + interval '1 day')});
$node->safe_psql('city', q{SELECT ctlpr.allow_publication('own_only', 'the city''s own store', 'Chief', subscriber => 'subscriber'); CREATE PUBLICATION own_only FOR TABLE own_reads});
$store->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION sub CONNECTION %s PUBLICATION own_only}, quoted($node->connstr('city') . ' user=subscriber'));
$node->wait_for_catchup('sub');
ok(await_true(sub { $store->safe_psql('postgres', "SELECT string_agg(plate, ' ') FROM own_reads") eq 'OWN1' }), 'the subscriber gets the live reads of its agency, under its standing request');
is(log_value($node, 'city', 'count(*) > 0', q{role = 'subscriber' AND action = 'copy' AND allowed}), 't', '... on record');
$store->safe_psql('postgres', 'DROP SUBSCRIPTION sub');

$store->safe_psql('postgres', 'CREATE TABLE incoming (captured_at timestamptz NOT NULL, plate text NOT NULL, PRIMARY KEY (plate, captured_at)); CREATE TABLE cameras2 (camera_id int PRIMARY KEY); CREATE PUBLICATION incoming FOR TABLE incoming; CREATE PUBLICATION harmless FOR TABLE cameras2');
$node->safe_psql('city', q{CREATE TABLE incoming (captured_at timestamptz NOT NULL, plate text NOT NULL, PRIMARY KEY (plate, captured_at)); CREATE TABLE cameras2 (camera_id int PRIMARY KEY);
	SELECT ctlpr.govern('incoming', captured_at => 'captured_at', plate => 'plate', owner_agency => 'CT-NHPD')});
fails(sprintf(q{CREATE SUBSCRIPTION writes CONNECTION %s PUBLICATION incoming}, quoted($store->connstr('postgres'))), 'LP012', 'a subscription into a governed table');
$store->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active});
$node->safe_psql('city', sprintf(q{CREATE SUBSCRIPTION writes CONNECTION %s PUBLICATION harmless}, quoted($store->connstr('postgres'))));
fails('ALTER SUBSCRIPTION writes ADD PUBLICATION incoming', 'LP012', 'nor one that gets it later');
$node->safe_psql('city', 'DROP SUBSCRIPTION writes');

# The end of it
fails(q{SELECT ctlpr.withdraw_publication('own', 'no longer')}, '55000', 'leave is withdrawn when nothing is published any more');
$node->safe_psql('city', q{DROP PUBLICATION own, own_only; SELECT ctlpr.withdraw_publication('own', 'no longer'); SELECT ctlpr.withdraw_publication('own_only', 'no longer')});
($status, $out, $err) = $node->psql('city', 'IDENTIFY_SYSTEM', replication => 'database', connstr => $node->connstr('city') . ' user=subscriber');
like($err, qr/logical decoding would show every read/, 'and the subscriber connects no more');

# Every refusal is an entry
is($node->safe_psql('city', q{SELECT string_agg(format('%s %s %s', action, sqlstate, count), ', ' ORDER BY action, sqlstate) FROM (SELECT action, sqlstate, count(*) FROM ctlpr.audit_entry WHERE sqlstate IN ('LP010', 'LP011', 'LP012') AND entry = 'verdict' AND NOT allowed GROUP BY 1, 2) s}),
	'ddl LP011 12, ddl LP012 2, export LP010 6', 'every refusal is an entry');
check_log_is_whole($node, 'city', 'the log');
$store->stop;
$node->stop;
done_testing();
