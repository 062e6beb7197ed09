# CtlprBrowser.pm - Debian's chromium, without a window, driven through its DevTools protocol.
#
# The protocol runs over a pair of pipes (--remote-debugging-pipe: messages of
# JSON that end in a zero byte), so that no port is opened and no library is
# needed.  Names are resolved to nothing, and every request of the page is
# kept: what a page that loads nothing must not do is seen if it does it.
package CtlprBrowser;

use strict;
use warnings;

use Fcntl qw(F_DUPFD);
use File::Path ();
use File::Temp;
use IO::Handle;
use IO::Select;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

# program() - path of chromium, undef where it is not installed
sub program
{
	my ($path) = grep { -x } map { "$_/chromium" } split /:/, "$ENV{PATH}:/usr/bin";
	return $path;
}

# start() - a browser with an empty profile of its own
sub start
{
	my ($class) = @_;
	my $profile = File::Temp->newdir('ctlpr-browser.XXXXXX', TMPDIR => 1, CLEANUP => 0);
	pipe(my $their_input, my $input) or die "pipe: $!";
	pipe(my $output, my $their_output) or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		# Out of the way of 3 and 4 first: either pipe may be one of them.
		my $read = fcntl($their_input, F_DUPFD, 10);
		my $write = fcntl($their_output, F_DUPFD, 10);
		POSIX::dup2($read, 3) && POSIX::dup2($write, 4) || POSIX::_exit(126);
		POSIX::setpgid(0, 0);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$profile/output";
		open STDERR, '>&', \*STDOUT;
		my @options = map { "--$_" } qw(headless no-sandbox disable-gpu disable-dev-shm-usage no-first-run disable-background-networking disable-component-update disable-sync
		  disable-extensions remote-debugging-pipe), 'host-resolver-rules=MAP * ~NOTFOUND', "user-data-dir=$profile/profile";
		{ exec { program() } 'chromium', @options, 'about:blank' }
		POSIX::_exit(127);
	}
	close $their_input;
	close $their_output;
	$input->autoflush(1);
	my $self = bless { pid => $pid, input => $input, output => $output, profile => $profile, buffer => '', number => 0, events => [] }, $class;
	my ($page) = grep { $_->{type} eq 'page' } @{ $self->call('Target.getTargets')->{targetInfos} };
	$self->{session} = $self->call('Target.attachToTarget', { targetId => $page->{targetId}, flatten => JSON::PP::true })->{sessionId};
	$self->call("$_.enable") for qw(Page Network Log Runtime);
	return $self;
}

# _take(seconds) - the next message, undef when none comes in time
sub _take
{
	my ($self, $seconds) = @_;
	my $until = time + $seconds;
	my $end;
	while (($end = index($self->{buffer}, "\0")) < 0)
	{
		my $left = $until - time;
		return undef if $left <= 0 || !IO::Select->new($self->{output})->can_read($left);
		sysread($self->{output}, $self->{buffer}, 65536, length $self->{buffer}) or die "the browser is gone\n";
	}
	return decode_json(substr(substr($self->{buffer}, 0, $end + 1, ''), 0, $end));
}

# call(method, parameters) - the result of a command of the protocol; dies of its error
sub call
{
	my ($self, $method, $parameters) = @_;
	my $number = ++$self->{number};
	my %message = (id => $number, method => $method, params => $parameters // {});
	$message{sessionId} = $self->{session} if $self->{session};
	print { $self->{input} } encode_json(\%message), "\0" or die "the browser is gone\n";
	while (my $answer = $self->_take(60))
	{
		if (($answer->{id} // 0) == $number)
		{
			die "$method: $answer->{error}{message}\n" if $answer->{error};
			return $answer->{result};
		}
		push @{ $self->{events} }, $answer if $answer->{method};
	}
	die "$method: no answer\n";
}

# open_page(url) - load it, with nothing kept of what was before
sub open_page
{
	my ($self, $url) = @_;
	$self->{events} = [];
	my $result = $self->call('Page.navigate', { url => $url });
	die "$url: $result->{errorText}\n" if $result->{errorText};
	my $until = time + 60;
	until (grep { $_->{method} eq 'Page.loadEventFired' } @{ $self->{events} })
	{
		my $event = $self->_take($until - time) or die "$url: not loaded\n";
		push @{ $self->{events} }, $event if $event->{method};
	}
	return;
}

# value(script) - what the expression, or the promise that it is, comes to
sub value
{
	my ($self, $script) = @_;
	my $result = $self->call('Runtime.evaluate', { expression => $script, returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true });
	die "in the page: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
	return $result->{result}{value};
}

# viewport(width, height); media(type, features) - what the page is shown on, such as media('screen', 'prefers-color-scheme' => 'dark')
sub viewport
{
	my ($self, $width, $height) = @_;
	$self->call('Emulation.setDeviceMetricsOverride', { width => $width, height => $height // 900, deviceScaleFactor => 1, mobile => JSON::PP::false });
	return;
}

sub media
{
	my ($self, $type, %features) = @_;
	$self->call('Emulation.setEmulatedMedia', { media => $type, features => [ map { { name => $_, value => $features{$_} } } keys %features ] });
	return;
}

# press(key, code) - a key, down and up
sub press
{
	my ($self, $key, $code) = @_;
	my %event = (key => $key, code => $key, windowsVirtualKeyCode => $code, nativeVirtualKeyCode => $code, $key eq 'Enter' ? (text => "\r") : ());
	$self->call('Input.dispatchKeyEvent', { type => $_, %event }) for qw(keyDown keyUp);
	return;
}

# requests() - addresses that the page has asked for since open_page(); complaints() - what it put on the console
sub requests
{
	my ($self) = @_;
	return map { $_->{params}{request}{url} } grep { $_->{method} eq 'Network.requestWillBeSent' } @{ $self->{events} };
}

sub complaints
{
	my ($self) = @_;
	return (
		(map { "$_->{params}{entry}{level}: $_->{params}{entry}{text}" } grep { $_->{method} eq 'Log.entryAdded' } @{ $self->{events} }),
		(map { "console: $_->{params}{type}" } grep { $_->{method} eq 'Runtime.consoleAPICalled' } @{ $self->{events} }),
		(map { "exception: $_->{params}{exceptionDetails}{text}" } grep { $_->{method} eq 'Runtime.exceptionThrown' } @{ $self->{events} }));
}

# stop() - end it, and all that it has started
sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	delete $self->{session};
	eval { $self->call('Browser.close') };
	my $until = time + 10;
	sleep 0.05 while waitpid($pid, POSIX::WNOHANG()) == 0 && time < $until;
	kill 'KILL', -$pid;
	waitpid $pid, 0;
	File::Path::remove_tree("$self->{profile}", { error => \my $left_over });
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	$self->stop;
	return;
}

1;
