# Searches.pm - the statements of the campaign, and whether what came back is what had to.
#
# some_search() makes one with random values:
#   name, sql with $1 ..., types and values of these
#   reads    the reads that it would find if all were there for all
#   collects its rows come from a function that returns all of them at once, whether or not they are wanted yet
#   shape    how rows stand for reads: row, pair, vehicle, no vehicle, list, groups, cast
# check(search, rows, must, may) compares the rows with the reads that had to
# be found and those that could be; what expires while a statement runs is of
# the second sort alone.
package Searches;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(some_search some_deletion literal check);

use Oracle;

my $columns = 'r.read_id, r.agency_id, r.plate';

sub found { my ($match, $from) = @_; return [ grep { $match->($_) } @{ $from // all_reads() } ] }
sub of_plate { my ($plate) = @_; return reads_of_plate($plate) }

sub like
{
	my ($pattern) = @_;
	my $start = $pattern =~ s/%\z//r;
	return found(sub { return index($_[0]{plate}, $start) == 0 });
}

sub prefix
{
	my @prefixes = ('SH00', 'SH005', 'DY0', 'N01', 'H02', 'W003', 'G01', 'NX', 'WX0', 'DY03', 'SH');
	return $prefixes[ rand @prefixes ] . '%';
}

sub exact
{
	my ($name, $sql, $collects) = @_;
	return sub { my $plate = some_plate(); return { name => $name, sql => $sql, types => ['text'], values => [$plate], reads => of_plate($plate), shape => 'row', collects => $collects } };
}

sub partial
{
	my ($name, $sql, $collects) = @_;
	return sub { my $pattern = prefix(); return { name => $name, sql => $sql, types => ['text'], values => [$pattern], reads => like($pattern), shape => 'row', collects => $collects } };
}

my @searches = (
	exact('plate', "SELECT $columns FROM plate_reads r WHERE r.plate = \$1"),
	exact('ordered', "SELECT $columns FROM plate_reads r WHERE r.plate = \$1 ORDER BY r.captured_at DESC"),
	exact('view of the invoker', "SELECT $columns FROM reads_of_invoker r WHERE r.plate = \$1"),
	exact("view of the table's owner", "SELECT $columns FROM reads_of_owner r WHERE r.plate = \$1"),
	exact('function', "SELECT $columns FROM swap.by_plate(\$1) r", 1),
	exact('composed in a function', "SELECT $columns FROM swap.composed(\$1) r", 1),
	exact('inlined function', "SELECT $columns FROM swap.inlined(\$1) r"),
	exact('function of the definer', "SELECT $columns FROM swap.of_definer(\$1) r", 1),
	exact('scalar subquery', "SELECT $columns FROM plate_reads r WHERE r.plate = (SELECT max(o.plate) FROM plate_reads o WHERE o.plate = \$1)"),
	exact('union', "SELECT $columns FROM plate_reads r WHERE r.plate = \$1 AND r.read_id % 2 = 0 UNION ALL SELECT $columns FROM plate_reads r WHERE r.plate = \$1 AND r.read_id % 2 = 1"),
	partial('prefix', "SELECT $columns FROM plate_reads r WHERE r.plate LIKE \$1"),
	partial('loop in a function', "SELECT $columns FROM swap.one_by_one(\$1) r", 1),
	partial('window function', "SELECT r.read_id, r.agency_id, max(r.plate) OVER (PARTITION BY r.read_id) FROM plate_reads r WHERE r.plate LIKE \$1"),
	sub
	{
		my @plates = map { some_plate() } 1 .. 1 + rand 5;
		my %wanted = map { $_ => 1 } @plates;
		return { name => 'any of', sql => "SELECT $columns FROM plate_reads r WHERE r.plate = ANY (\$1)", types => ['text[]'], values => [ '{' . join(',', @plates) . '}' ],
			reads => [ map { @{ of_plate($_) } } keys %wanted ], shape => 'row' };
	},
	sub
	{
		my $from = all_reads()->[ rand @{ all_reads() } ]{captured};
		my $until = $from + 3600 * (1 + int(rand 48));
		return { name => 'window of time', sql => "SELECT $columns FROM plate_reads r WHERE r.captured_at >= to_timestamp(\$1) AND r.captured_at < to_timestamp(\$2)", types => [ 'float8', 'float8' ],
			values => [ $from - 0.0005, $until - 0.0005 ], reads => found(sub { return $_[0]{captured} > $from - 0.0005 && $_[0]{captured} < $until - 0.0005 }), shape => 'row' };
	},
	sub
	{
		my $owner = ('CT-NHPD', 'CT-HPD', 'CT-WPD', 'CT-GONE')[ rand 4 ];
		my $rest = int(rand 7);
		return { name => 'owner', sql => "SELECT $columns FROM plate_reads r WHERE r.agency_id = \$1 AND r.read_id % 7 = \$2", types => [ 'text', 'int' ], values => [ $owner, $rest ],
			reads => found(sub { return $_[0]{agency} eq $owner && $_[0]{id} % 7 == $rest }), shape => 'row' };
	},
	sub
	{
		my $maker = 'maker ' . int(rand $makers);
		return { name => 'join', sql => "SELECT $columns FROM vehicle v JOIN plate_reads r USING (plate) WHERE v.maker = \$1", types => ['text'], values => [$maker],
			reads => found(sub { return maker_of($_[0]{plate}) eq $maker }), shape => 'row' };
	},
	sub
	{
		my $maker = 'maker ' . int(rand $makers);
		return { name => 'lateral', sql => "SELECT r.* FROM vehicle v, LATERAL (SELECT $columns FROM plate_reads r WHERE r.plate = v.plate OFFSET 0) r WHERE v.maker = \$1", types => ['text'], values => [$maker],
			reads => found(sub { return maker_of($_[0]{plate}) eq $maker }), shape => 'row' };
	},
	sub
	{
		my $pattern = prefix();
		my $rest = int(rand 2);
		return { name => 'common table expression', sql => "WITH found AS MATERIALIZED (SELECT * FROM plate_reads WHERE plate LIKE \$1) SELECT $columns FROM found r WHERE r.read_id % 2 = \$2", types => [ 'text', 'int' ],
			values => [ $pattern, $rest ], reads => found(sub { return $_[0]{id} % 2 == $rest }, like($pattern)), shape => 'row' };
	},
	sub
	{
		my $plate = some_plate();
		return { name => 'self join', sql => 'SELECT a.read_id, b.read_id FROM plate_reads a JOIN plate_reads b USING (plate) WHERE a.plate = $1 AND a.read_id <= b.read_id', types => ['text'], values => [$plate],
			reads => of_plate($plate), shape => 'pair' };
	},
	(map {
		my $not = $_;
		sub
		{
			my $maker = 'maker ' . int(rand $makers);
			return { name => "${not}EXISTS", sql => "SELECT v.plate FROM vehicle v WHERE v.maker = \$1 AND ${not}EXISTS (SELECT FROM plate_reads r WHERE r.plate = v.plate)", types => ['text'], values => [$maker],
				reads => found(sub { return maker_of($_[0]{plate}) eq $maker }), shape => $not ? 'no vehicle' : 'vehicle', maker => $maker };
		}
	} '', 'NOT '),
	sub
	{
		my $pattern = prefix();
		return { name => 'aggregate', sql => 'SELECT count(*), array_agg(r.read_id) FROM plate_reads r WHERE r.plate LIKE $1', types => ['text'], values => [$pattern], reads => like($pattern), shape => 'list' };
	},
	sub
	{
		my $pattern = prefix();
		return { name => 'groups', sql => 'SELECT r.agency_id, count(*) FROM plate_reads r WHERE r.plate LIKE $1 GROUP BY r.agency_id', types => ['text'], values => [$pattern], reads => like($pattern), shape => 'groups' };
	},
	sub
	{
		my $plate = some_plate();
		return { name => 'error of a found plate', sql => 'SELECT r.plate::int FROM plate_reads r WHERE r.plate = $1', types => ['text'], values => [$plate], reads => of_plate($plate), shape => 'cast' };
	},
	sub
	{
		my $plate = some_plate();
		return { name => 'error of a condition', sql => 'SELECT r.read_id FROM plate_reads r WHERE r.plate = $1 AND r.plate::int > 0', types => ['text'], values => [$plate], reads => of_plate($plate), shape => 'cast' };
	});

sub some_search { return $searches[ rand @searches ]->() }

# A deletion of one read, for a transaction that is rolled back: own reads alone
sub some_deletion
{
	my $read = all_reads()->[ rand @{ all_reads() } ];
	return { name => 'deletion', sql => "DELETE FROM plate_reads r WHERE r.read_id = \$1 RETURNING $columns", types => ['int8'], values => [ $read->{id} ], reads => [$read], shape => 'row', own => 1 };
}

sub quoted { my ($value) = @_; return "'" . $value =~ s/'/''/gr . "'" }

# The statement with its values in it
sub literal
{
	my ($search) = @_;
	return $search->{sql} =~ s/\$(\d)/quoted($search->{values}[$1 - 1]) . '::' . $search->{types}[$1 - 1]/ger;
}

# ---- what had to come back ----

my %keys = (
	row => sub { return map { ("$_->{id}|$_->{agency}|$_->{plate}") } @_ },
	list => sub { return map { $_->{id} } @_ },
	vehicle => sub { my %plates = map { $_->{plate} => 1 } @_; return keys %plates },
	pair => sub {
		my @reads = @_;
		my @pairs;
		for my $a (@reads) { push @pairs, map { "$a->{id}|$_->{id}" } grep { $a->{id} <= $_->{id} } @reads }
		return @pairs;
	});

sub compare
{
	my ($returned, $must, $may) = @_;
	my %may = map { $_ => 1 } @$may;
	my %seen;
	my @problems;
	for my $key (@$returned)
	{
		push @problems, [ 'leak', $key ] if !$may{$key};
		push @problems, [ 'double', $key ] if $seen{$key}++;
	}
	push @problems, map { [ 'missing', $_ ] } grep { !$seen{$_} } @$must;
	return @problems;
}

# check(search, rows, must, may) - problems, each [leak|missing|double|wrong, what]
sub check
{
	my ($search, $rows, $must, $may) = @_;
	my $shape = $search->{shape};

	if ($shape eq 'no vehicle')
	{
		my %none = map { $_ => 1 } grep { maker_of($_) eq $search->{maker} } keys %{ vehicles() };
		my %must = %none;
		my %may = %none;
		delete @must{ map { $_->{plate} } @$may };
		delete @may{ map { $_->{plate} } @$must };
		return compare([ map { $_->[0] } @$rows ], [ keys %must ], [ keys %may ]);
	}
	if ($shape eq 'groups')
	{
		my (%must, %may, %returned);
		$must{ $_->{agency} }++ for @$must;
		$may{ $_->{agency} }++ for @$may;
		$returned{ $_->[0] } = $_->[1] for @$rows;
		return (
			(map { [ 'leak', "$_: $returned{$_}" ] } grep { $returned{$_} > ($may{$_} // 0) } keys %returned),
			(map { [ 'missing', "$_: $must{$_}" ] } grep { ($returned{$_} // 0) < $must{$_} } keys %must));
	}
	if ($shape eq 'list')
	{
		return [ 'wrong', scalar(@$rows) . ' rows' ] if @$rows != 1;
		my @ids = split /,/, ($rows->[0][1] // '') =~ tr/{}//dr;
		return [ 'wrong', "$rows->[0][0] counted, " . @ids . ' listed' ] if $rows->[0][0] != @ids;
		return compare(\@ids, map { [ $keys{list}->(@$_) ] } $must, $may);
	}
	return compare([ map { $_->[0] } @$rows ], [], []) if $shape eq 'cast';
	return compare([ map { join('|', @$_) } @$rows ], map { [ $keys{$shape}->(@$_) ] } $must, $may);
}

1;
