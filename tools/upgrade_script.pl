#!/usr/bin/perl
# upgrade_script.pl OLD NEW STEP - the script that brings the extension from one version to the next, on standard output.
#
# OLD and NEW are the scripts that create the versions (.gz: compressed), STEP is what is written by hand of the way between
# them: what comes before the line "-- derived" and what comes after it.  Everything else is derived, statement by statement,
# in the order of NEW, so that nothing is written twice:
#
#   - a function or view that is new or has changed: CREATE OR REPLACE
#   - any other statement that OLD does not have, as it is: new tables, indexes, rows, comments
#   - GRANT, REVOKE, DO, COMMENT and the marks for pg_dump, whether they have changed or not: they are written so that
#     doing them once more does no harm, and those that go over all objects have to see the new ones
#
# What cannot be derived fails, until STEP says that it has done it, by a line "-- instead of: " with the statement's first
# line: a table, type or rows that have changed, and whatever OLD has and NEW has not.  test/t/extension_update.pl proves the
# result: a database that went this way is the same as a new one.
use strict;
use warnings;

die "usage: upgrade_script.pl OLD NEW STEP\n" if @ARGV != 3;
my ($old, $new, $step) = map { slurp($_) } @ARGV;

sub slurp
{
	my ($name) = @_;
	my $handle;
	($name =~ /\.gz\z/ ? open($handle, '-|', 'gzip', '-dc', $name) : open($handle, '<', $name)) or die "$name: $!\n";
	local $/;
	my $text = <$handle>;
	close $handle or die "$name: could not be read\n";
	die "$name: is empty\n" if !defined $text || $text eq '';
	return $text;
}

# statements(script) - without comments between them, trailing semicolons and lines of psql's
sub statements
{
	my ($script) = @_;
	my @statements;
	my $text = '';
	pos($script) = 0;
	while (pos($script) < length $script)
	{
		if ($script =~ /\G\\[^\n]*\n/gc && $text !~ /\S/) { $text = '' }
		elsif ($script =~ /\G(--[^\n]*\n?)/gc)
		{
			my $comment = $1;
			$text .= $comment if $text =~ /\S/;
		}
		elsif ($script =~ m{\G/\*}gc)
		{
			my $from = pos($script) - 2;
			my $depth = 1;
			while ($depth > 0) { $script =~ m{\G.*?(/\*|\*/)}gcs or die "a comment has no end\n"; $depth += $1 eq '/*' ? 1 : -1 }
			$text .= substr($script, $from, pos($script) - $from) if $text =~ /\S/;
		}
		elsif ($script =~ /\G(?:[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")/gcs) { $text .= $& }
		elsif ($script =~ /\G(\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$).*?\1/gcs) { $text .= $& }
		elsif ($script =~ /\G;/gc)
		{
			$text =~ s/\A\s+|\s+\z//g;
			push @statements, $text if $text ne '';
			$text = '';
		}
		elsif ($script =~ /\G[A-Za-z_][A-Za-z_0-9\$]*|\G\s+|\G./gcs) { $text .= $& }
	}
	die "the last statement has no end: $text\n" if $text =~ /\S/;
	return @statements;
}

sub first_line { my ($statement) = @_; return $statement =~ /\A([^\n]*)/ ? $1 =~ s/\s+\z//r : '' }

# identity(statement) - the object that it makes, if there is a CREATE OR REPLACE of its kind, or another table or type
sub identity
{
	my ($statement) = @_;
	if ($statement =~ /\ACREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE|TRIGGER|VIEW) (\S+?)(?=[\s(])(.*)/s)
	{
		my ($kind, $name, $rest) = ($1, $2, $3);
		return "$kind $name" if $kind eq 'VIEW' || $kind eq 'TRIGGER';
		return "$kind $name(" . argument_types($rest) . ')';
	}
	return "$1 $2" if $statement =~ /\ACREATE (?:UNLOGGED )?(TABLE|TYPE|DOMAIN|SEQUENCE) (\S+?)(?=[\s(])/;
	return undef;
}

# argument_types(what follows the name of a function) - the types by which the server tells functions of one name apart
sub argument_types
{
	my ($rest) = @_;
	$rest =~ s{--[^\n]*}{}g;
	my ($list) = $rest =~ /\A\s*(\((?:[^()']|'(?:[^']|'')*'|(?1))*\))/s or die "no arguments: $rest\n";
	$list = substr($list, 1, -1);
	my @arguments;
	push @arguments, '' if $list =~ /\S/;
	while ($list =~ /\G(?:'(?:[^']|'')*'|(\((?:[^()]|(?1))*\))|[^,'(]+|,)/g) { if ($& eq ',') { push @arguments, '' } else { $arguments[-1] .= $& } }
	my @types;
	for (@arguments)
	{
		s/\A\s+|\s+\z//g;
		s/\s+(?:DEFAULT\b|=).*\z//s;
		next if /\A(?:OUT|TABLE)\s/;
		s/\A(?:INOUT|IN|VARIADIC)\s+//;
		s/\A[a-z_][a-z_0-9]*\s+(?=\S)// if !/\A(?:double precision|timestamp with|time with)/;
		push @types, s/\s+/ /gr;
	}
	return join ', ', @types;
}

my %old_statement = map { $_ => 1 } statements($old);
my %old_object = map { my $id = identity($_); defined $id ? ($id => $_) : () } keys %old_statement;
my @new = statements($new);
my %new_statement = map { $_ => 1 } @new;
my %new_object = map { my $id = identity($_); defined $id ? ($id => $_) : () } @new;
my %done = map { $_ => 1 } $step =~ /^-- instead of: (.*?)\s*$/mg;
my %needed;
my @undone;

# need(statement, what) - something that STEP has to have done
sub need
{
	my ($statement, $what) = @_;
	my $line = first_line($statement);
	$needed{$line} = 1;
	push @undone, "$what: $line" if !$done{$line};
	return;
}

my @derived;
for my $statement (@new)
{
	my $id = identity($statement);
	if ($statement =~ /\A(?:GRANT|REVOKE|DO|COMMENT)\b|\ASELECT pg_catalog\.pg_extension_config_dump\(/) { push @derived, $statement }
	elsif ($old_statement{$statement}) { next }
	elsif (defined $id && $id =~ /\A(?:FUNCTION|PROCEDURE|VIEW|TRIGGER)/) { push @derived, $statement =~ s/\ACREATE (?!OR REPLACE)/CREATE OR REPLACE /r }
	elsif (defined $id && $old_object{$id}) { need($statement, 'has changed') }
	elsif ($statement =~ /\A(?:INSERT INTO|UPDATE|DELETE FROM|COPY) (\S+)/ && $old_object{"TABLE $1"}) { need($statement, 'rows of a table that is there already') }
	else { push @derived, $statement }
}
for my $statement (sort keys %old_statement)
{
	my $id = identity($statement);
	next if $new_statement{$statement} || (defined $id && $new_object{$id});
	# What was said or granted before is said and granted anew; rows that were to come have come.
	next if $statement =~ /\A(?:GRANT|REVOKE|DO|COMMENT)\b/;
	next if $statement =~ /\AINSERT INTO (\S+)/ && grep { /\AINSERT INTO \Q$1\E\b/ && $needed{ first_line($_) } } @new;
	need($statement, 'is not there any more');
}
push @undone, map { "is marked as done, and was not to do: $_" } grep { !$needed{$_} } sort keys %done;
die "$ARGV[2] has to do what cannot be derived, with a line \"-- instead of: \" for each:\n", map { "  $_\n" } @undone if @undone;

my ($before, $after, $more) = split /^-- derived\s*\n/m, $step;
die "$ARGV[2]: one line has to be \"-- derived\"\n" if !defined $after || defined $more;
my ($from, $to) = $ARGV[2] =~ /([^-\/]+)--([^-\/]+)\.sql\z/ or die "$ARGV[2]: the name does not say from what to what\n";
print "/* ctlpr--$from--$to.sql - made by tools/upgrade_script.pl */\n";
print "\\echo Use \"ALTER EXTENSION ctlpr UPDATE TO '$to'\" to load this file. \\quit\n\n";
print $before, (map { "$_;\n" } @derived), $after;
