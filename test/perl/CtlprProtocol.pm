# CtlprProtocol.pm - a client that speaks the wire protocol (version 3) itself.
#
# libpq hides what these tests are about: the moment at which the first row is
# there, portals that are left half way and taken up again, a connection that
# is gone in the middle of a result.  Unix socket, trust authentication, text
# format; nothing more than the tests need.
package CtlprProtocol;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;

# new(host, port, database, user, options) - connect; dies with the server's message if refused.  options: of the server's
# command line, such as "-c ctlpr.restore=on"
sub new
{
	my ($class, $host, $port, $database, $user, $options) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => "$host/.s.PGSQL.$port") or die "could not connect to $host/.s.PGSQL.$port: $!";
	my $self = bless { socket => $socket, buffer => '', timeout => 60 }, $class;
	my %parameters = (user => $user, database => $database, application_name => 'ctlpr test', client_encoding => 'UTF8');
	$parameters{options} = $options if $options;
	my $startup = pack('N', 196608) . join('', map { "$_\0$parameters{$_}\0" } sort keys %parameters) . "\0";

	$self->_write(pack('N', length($startup) + 4) . $startup);
	my $result = $self->collect;
	die "connection refused: $result->{error}{C} $result->{error}{M}\n" if $result->{error};
	return $self;
}

sub _write
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes)
	{
		my $written = syswrite($self->{socket}, $bytes);
		return 0 if !defined $written;
		substr($bytes, 0, $written) = '';
	}
	return 1;
}

# send_message(type, payload)
sub send_message
{
	my ($self, $type, $payload) = @_;
	return $self->_write($type . pack('N', length($payload) + 4) . $payload);
}

# next_message(timeout) - (type, payload), or () when the connection is gone; dies after the timeout in seconds
sub next_message
{
	my ($self, $timeout) = @_;
	$timeout //= $self->{timeout};
	my $until = time + $timeout;

	for (;;)
	{
		if (length $self->{buffer} >= 5)
		{
			my $length = unpack('N', substr($self->{buffer}, 1, 4));
			if (length $self->{buffer} >= $length + 1)
			{
				my $type = substr($self->{buffer}, 0, 1);
				my $payload = substr($self->{buffer}, 5, $length - 4);
				substr($self->{buffer}, 0, $length + 1) = '';
				return ($type, $payload);
			}
		}
		my $left = $until - time;
		die "no message of the server within $timeout s\n" if $left < 0;
		# a signal, such as that of a child that ended, interrupts the wait
		next if !IO::Select->new($self->{socket})->can_read($left || 0.5);
		my $got = sysread($self->{socket}, $self->{buffer}, 65536, length $self->{buffer});
		return () if !$got;
	}
}

# fields of an ErrorResponse or NoticeResponse: C SQLSTATE, M message, D detail, H hint, ...
sub fields
{
	my %fields = map { (substr($_, 0, 1) => substr($_, 1)) } grep { length } split(/\0/, $_[0]);
	return \%fields;
}

# columns of a DataRow; undef for null
sub columns
{
	my ($payload) = @_;
	my $count = unpack('n', $payload);
	my $at = 2;
	my @columns;
	for (1 .. $count)
	{
		my $length = unpack('N', substr($payload, $at, 4));
		$at += 4;
		if ($length == 0xFFFFFFFF)
		{
			push @columns, undef;
			next;
		}
		push @columns, substr($payload, $at, $length);
		$at += $length;
	}
	return \@columns;
}

# collect() - everything up to ReadyForQuery:
# { rows => [[...], ...], tags => [...], error => {C, M, D, H} or undef, notices => [...], suspended => n, status => I|T|E, gone => bool }
sub collect
{
	my ($self, $timeout) = @_;
	my %result = (rows => [], tags => [], notices => [], suspended => 0, error => undef, status => '', gone => 0);
	for (;;)
	{
		my ($type, $payload) = $self->next_message($timeout);
		if (!defined $type)
		{
			$result{gone} = 1;
			return \%result;
		}
		if ($type eq 'D') { push @{ $result{rows} }, columns($payload) }
		elsif ($type eq 'd') { push @{ $result{rows} }, [$payload] }    # a line of COPY
		elsif ($type eq 'E') { $result{error} //= fields($payload) }
		elsif ($type eq 'N') { push @{ $result{notices} }, fields($payload) }
		elsif ($type eq 'C') { push @{ $result{tags} }, substr($payload, 0, -1) }
		elsif ($type eq 's') { $result{suspended}++ }
		elsif ($type eq 'K') { ($self->{pid}, $self->{key}) = unpack('NN', $payload) }
		elsif ($type eq 'Z') { $result{status} = $payload; return \%result }
	}
}

sub pid { return $_[0]->{pid} }

# send_query(sql) - send it, read nothing; query(sql) - collect the result as well
sub send_query { my ($self, $sql) = @_; return $self->send_message('Q', "$sql\0") }

sub query
{
	my ($self, $sql, $timeout) = @_;
	$self->send_query($sql);
	return $self->collect($timeout);
}

# until_first_row() - read up to the first DataRow and return its columns; undef when an error or the end comes before, which
# is then in $self->{before_row}
sub until_first_row
{
	my ($self) = @_;
	delete $self->{before_row};
	for (;;)
	{
		my ($type, $payload) = $self->next_message;
		return undef if !defined $type;
		return columns($payload) if $type eq 'D';
		if ($type eq 'E') { $self->{before_row} = fields($payload) }
		return undef if $type eq 'Z';
	}
}

# The extended protocol.  Each sends one message; sync() ends the round and collects.
sub parse { my ($self, $name, $sql) = @_; return $self->send_message('P', "$name\0$sql\0" . pack('n', 0)) }

sub bind_portal
{
	my ($self, $portal, $statement, @values) = @_;
	return $self->send_message(
		'B',
		"$portal\0$statement\0"
		  . pack('n', 0)
		  . pack('n', scalar @values)
		  . join('', map { defined $_ ? pack('N', length $_) . $_ : pack('N', 0xFFFFFFFF) } @values)
		  . pack('n', 0));
}

sub execute { my ($self, $portal, $limit) = @_; return $self->send_message('E', "$portal\0" . pack('N', $limit // 0)) }
sub close_portal { my ($self, $portal) = @_; return $self->send_message('C', "P$portal\0") }
sub sync { my ($self) = @_; $self->send_message('S', ''); return $self->collect }

sub close
{
	my ($self) = @_;
	return if !$self->{socket};
	$self->send_message('X', '');
	CORE::close($self->{socket});
	$self->{socket} = undef;
	return;
}

1;
