# Client.pm - one client of the campaign: random transactions under random roles, every row checked when it is there.
#
# It follows the role and the request that it has set through savepoints,
# COMMIT, ROLLBACK and resets in a model of its own, asks Oracle.pm what a
# search then has to find, and takes everything else for a failure.
package Client;

use strict;
use warnings;

use Time::HiRes qw(time);

use CtlprProtocol;
use Oracle;
use Searches;

# Between the clock of this program and that which the server goes by, in seconds
my $slack_s = 0.003;
my @phases = qw(open changing withdrawn changing open changing suspended changing);
my %refusals_while_changing = map { $_ => 1 } qw(LP006 LP007 LP010);
my $shown_problems = 20;

# new(way, number, parameters): way is shared (PgBouncer, all as app), own (PgBouncer, a login for each role) or straight
# (the server, as app); parameters: pool, server (directory and port each), database, phase_file, authorization, parallel
sub new
{
	my ($class, $way, $number, %parameters) = @_;
	my $self = bless { way => $way, number => $number, %parameters, counts => {}, problems => 0 }, $class;
	open($self->{phase}, '<:raw', $parameters{phase_file}) or die "$parameters{phase_file}: $!";
	$self->connect;
	return $self;
}

sub connect
{
	my ($self) = @_;
	$self->{client}->close if $self->{client};
	$self->{login} = $self->{way} eq 'own' ? $roles[ rand @roles ] : 'app';
	$self->{client} = CtlprProtocol->new(@{ $self->{way} eq 'straight' ? $self->{server} : $self->{pool} }, $self->{way} eq 'shared' ? 'shared' : $self->{database}, $self->{login});
	$self->{named} = {};
	$self->{session_request} = undef;
	$self->{left_role} = undef;
	return;
}

sub count { my ($self, $what, $more) = @_; $self->{counts}{$what} += $more // 1; return }

# The number that says how often the changing agency's standing has changed, or begun to
sub phase_number
{
	my ($self) = @_;
	my $bytes;
	sysseek($self->{phase}, 0, 0);
	sysread($self->{phase}, $bytes, 4) == 4 or die "phase: $!";
	return unpack('N', $bytes);
}

# phase_between(number) - of all the time since then: open, withdrawn or suspended; otherwise changing
sub phase_between
{
	my ($self, $before) = @_;
	return $self->phase_number == $before ? $phases[ $before % 8 ] : 'changing';
}

# ---- failures ----

sub problem
{
	my ($self, $kind, $what, $statement) = @_;
	my $state = $self->{state};
	my $request = $state && $state->{request};
	$self->count("problem $kind");
	return if $self->{problems}++ >= $shown_problems;
	print "FAILURE ($kind) client $self->{number}, $self->{way}: $what\n",
	  '    role ', ($state ? $state->{role} : '-'), ', request ', ($request ? "$request->{kind} of $request->{role}" . (defined $request->{agency} ? " for $request->{agency}" : '') : 'none'), "\n",
	  "    $statement\n";
	return;
}

sub state_of
{
	my ($result) = @_;
	return $result->{gone} ? 'gone' : $result->{error} ? $result->{error}{C} : '00000';
}

# sent(sql, expected SQLSTATEs ...) - a statement of no interest by itself; '00000' when none is named
sub sent
{
	my ($self, $sql, @expected) = @_;
	my $result = $self->{client}->query($sql);
	my $state = state_of($result);
	@expected = ('00000') if !@expected;
	$self->problem('unexpected SQLSTATE', "$state instead of @expected", $sql) if !grep { $_ eq $state } @expected;
	$self->count("refused $state") if $state ne '00000' && grep { $_ eq $state } @expected;
	die "the connection is gone\n" if $result->{gone};
	return $state;
}

# ---- the model of a transaction: role and request, and what they were at each savepoint ----

sub copy_state { my ($state) = @_; return {%$state} }

sub begin
{
	my ($self) = @_;
	my $how = rand() < 0.1 ? ' ISOLATION LEVEL REPEATABLE READ' : '';
	$self->{read_only} = rand() < 0.15;
	$how .= ($how ? ',' : '') . ' READ ONLY' if $self->{read_only};
	$self->sent("BEGIN$how");
	$self->{state} = { role => $self->{left_role} // $self->{login}, request => $self->{session_request}, cleared => 0 };
	$self->{savepoints} = [];
	$self->{open} = 1;
	$self->{deleted} = 0;
	$self->{prepared} = undef;
	# another client of the pool may have left any role behind
	$self->swap_role if $self->{way} eq 'shared' || $self->{way} eq 'straight' && rand() < 0.95;
	$self->sent('SET LOCAL plan_cache_mode = ' . ('force_generic_plan', 'force_generic_plan', 'force_custom_plan', 'auto')[ rand 4 ]);
	$self->sent("SET LOCAL $self->{parallel} = on") if rand() < 0.05;
	return;
}

sub swap_role
{
	my ($self) = @_;
	my $role = $roles[ rand @roles ];
	$self->sent("SET LOCAL ROLE $role");
	$self->{state}{role} = $role;
	return;
}

sub finish
{
	my ($self, $how) = @_;
	$self->sent($how);
	$self->{session_request} = undef if $how eq 'COMMIT' && $self->{state}{cleared};
	$self->{open} = 0;
	return;
}

# After an error: back to the last savepoint, or out
sub recover
{
	my ($self) = @_;
	my $savepoints = $self->{savepoints};
	return $self->finish('ROLLBACK') if !@$savepoints;
	$self->sent('ROLLBACK TO SAVEPOINT s' . @$savepoints);
	$self->{state} = copy_state($savepoints->[-1]);
	return;
}

sub savepoint
{
	my ($self) = @_;
	push @{ $self->{savepoints} }, copy_state($self->{state});
	$self->sent('SAVEPOINT s' . @{ $self->{savepoints} });
	return;
}

sub leave_savepoint
{
	my ($self) = @_;
	my $savepoints = $self->{savepoints};
	return if !@$savepoints;
	return $self->recover if rand() < 0.5;
	$self->sent('RELEASE SAVEPOINT s' . @$savepoints);
	pop @$savepoints;
	return;
}

# ---- requests ----

# some_request() - kind and named agency, and the call
sub some_request
{
	my ($self) = @_;
	my $role = $self->{state}{role};
	my $kind = ('own', 'own', 'own', 'case', 'case', 'case', 'case', 'forbidden', 'unknown', $role eq 'fbi' || rand() < 0.3 ? 'warrant' : 'case')[ rand 10 ];
	my $agency = $role eq 'dispatch' && rand() < 0.9 ? ('CT-NHPD', 'CT-HPD')[ rand 2 ] : undef;
	my $purpose = { forbidden => 'immigration_enforcement', unknown => 'lunch', warrant => 'criminal_investigation' }->{$kind} // 'stolen_vehicle';
	my @arguments = ("'$purpose'", "reason => '$kind'");
	push @arguments, "case_number => '26-1'" if $kind ne 'own';
	push @arguments, "agency_id => '$agency'" if defined $agency;
	push @arguments, "authorization_id => $self->{authorization}" if $kind eq 'warrant';
	return ({ role => $role, kind => $kind, agency => $agency }, 'SELECT ctlpr.begin_request(' . join(', ', @arguments) . ')');
}

# Which answers begin_request() may give, when the standing was before that number
sub possible_answers
{
	my ($self, $request, $before) = @_;
	my $phase = $self->phase_between($before);
	my %answers = map { begin_answer($request->{role}, $request->{kind}, $request->{agency}, $_) => 1 } $phase eq 'changing' ? qw(open withdrawn suspended) : $phase;
	return map { $_ eq 'begun' ? '00000' : $_ } sort keys %answers;
}

sub begin_request
{
	my ($self) = @_;
	my ($request, $sql) = $self->some_request;
	my $before = $self->phase_number;
	my $result = $self->{client}->query($sql);
	my $state = state_of($result);
	my @possible = $self->possible_answers($request, $before);
	$self->problem('unexpected SQLSTATE', "$state instead of @possible", $sql) if !grep { $_ eq $state } @possible;
	$self->count($state eq '00000' ? 'requests begun' : "refused $state");
	return $self->recover if $state ne '00000';
	$self->{state}{request} = $request;
	return;
}

sub end_request
{
	my ($self) = @_;
	my $request = $self->{state}{request};
	$self->sent('SELECT ctlpr.end_request()');
	$self->{state}{cleared} = 1 if $request && $request->{session};
	$self->{state}{request} = undef;
	return;
}

sub reset_all
{
	my ($self) = @_;
	$self->sent('RESET ALL');
	@{ $self->{state} }{qw(request cleared)} = (undef, 1);
	return;
}

# What carries a request is no use to anybody else, nor later
sub forge
{
	my ($self) = @_;
	if (!defined $self->{carried} || ($self->{state}{request} && rand() < 0.2))
	{
		my $carried = $self->{client}->query("SELECT current_setting('ctlpr.request', true)")->{rows}[0][0];
		$self->{carried} = $carried if defined $carried && length $carried;
		return;
	}
	$self->sent("SELECT set_config('ctlpr.request', '$self->{carried}', true)", '42501');
	return $self->recover;
}

# ---- searches ----

# reads_for(search, sight, instant) - those of the search that the sight opens and that had not expired then
sub reads_for
{
	my ($search, $sight, $instant) = @_;
	return [] if $sight->{answer} ne 'rows';
	my $owners = $search->{own} ? $sight->{own} : $sight->{owners};
	my $plates = $sight->{plates};
	return [ grep { $_->{expires} > $instant && $owners->{ $_->{agency} } && (!$plates || $plates->{ $_->{plate} }) } @{ $search->{reads} } ];
}

# Check an answer: part is set for a part of the rows of a portal, of which none may be missing yet
sub checked
{
	my ($self, $search, $form, $sql, $result, $sight, $started, $phase, $part) = @_;
	my $state = state_of($result);
	my $ended = time;
	my $must = $part || $phase eq 'changing' && $self->{state}{role} eq 'cpd' ? [] : reads_for($search, $sight, $ended + $slack_s);
	my $may = reads_for($search, $sight, $started - $slack_s);
	my $wanted = $sight->{answer} eq 'rows' ? '00000' : $sight->{answer};
	my @possible = ($wanted);

	@possible = (@$must ? () : '00000', @$may ? '22P02' : ()) if $search->{shape} eq 'cast' && $wanted eq '00000';
	push @possible, '00000', keys %refusals_while_changing if $phase eq 'changing' && $self->{state}{role} eq 'cpd' && $self->{state}{request} && $self->{state}{request}{role} eq 'cpd';
	$self->count('statements');
	$self->count("form $form");
	$self->count("search $search->{name}");
	if (!grep { $_ eq $state } @possible)
	{
		$self->problem('unexpected SQLSTATE', "$state instead of @possible" . ($result->{error} ? ": $result->{error}{M}" : ''), "$form, $search->{name}: $sql");
	}
	elsif ($state ne '00000')
	{
		$self->count("refused $state");
	}
	# rows that came before an error count as well
	$self->count('rows', scalar @{ $result->{rows} });
	if ($state eq '00000' || @{ $result->{rows} })
	{
		for my $problem (check($search, $result->{rows}, $state eq '00000' ? $must : [], $may))
		{
			$self->problem($part && $problem->[0] eq 'leak' ? leak_of($search) : $problem->[0], $problem->[1], "$form, $search->{name}: $sql");
		}
	}
	return $state;
}

# What a function has collected is given out in parts without another look at it.
sub leak_of { my ($search) = @_; return $search->{collects} ? 'leak of what a function collected' : 'leak' }

sub current_sight { my ($self, $phase) = @_; return sight(@{ $self->{state} }{qw(role request)}, $phase eq 'changing' ? 'open' : $phase) }

# answer(search, form, sql, code) - one statement whose code sends it and returns its result
sub answer
{
	my ($self, $search, $form, $sql, $code) = @_;
	my $before = $self->phase_number;
	my $started = time;
	my $result = $code->();
	my $phase = $self->phase_between($before);
	die "the connection is gone\n" if $result->{gone};
	return $self->checked($search, $form, $sql, $result, $self->current_sight($phase), $started, $phase);
}

# SQL's own prepared statements, which all clients of a server connection share; one is planned by whoever comes first
sub prepare_shared
{
	my ($self, $search) = @_;
	my $name = 'p_' . ($search->{name} =~ tr/a-zA-Z/_/csr);
	if (!$self->{prepared})
	{
		my $result = $self->{client}->query('SELECT name FROM pg_prepared_statements WHERE from_sql');
		$self->{prepared} = { map { $_->[0] => 1 } @{ $result->{rows} } };
	}
	if (!$self->{prepared}{ lc $name }++)
	{
		$self->sent("PREPARE $name (" . join(', ', @{ $search->{types} }) . ") AS $search->{sql}");
		$self->count('statements prepared');
	}
	else { $self->count('statements found prepared') }
	return "EXECUTE $name (" . join(', ', map { "'$_'" } @{ $search->{values} }) . ')';
}

sub typed { my ($search) = @_; return $search->{sql} =~ s/\$(\d)/'$' . $1 . '::' . $search->{types}[$1 - 1]/ger }

# Rows in parts, by a cursor or a portal; each part counts as a run of its own.  Half way the role or the request may go.
sub in_parts
{
	my ($self, $search, $form, $open, $fetch, $close) = @_;
	my $before = $self->phase_number;
	my $opened = time;
	my $sql = typed($search);
	my @rows;
	my $result = $open->();
	my $phase = $self->phase_between($before);
	my $sight = $self->current_sight($phase);
	die "the connection is gone\n" if $result->{gone};
	if (state_of($result) ne '00000' || @{ $result->{rows} })
	{
		my $state = $self->checked($search, $form, $sql, $result, $sight, $opened, $phase, 1);
		return $state if $state ne '00000';
		push @rows, @{ $result->{rows} };
	}
	for my $part (1 .. 50)
	{
		my $switched = 0;
		if (rand() < 0.05)
		{
			my $role = $self->{state}{role};
			my $held = $self->{state}{request};
			if ($self->{login} eq 'app' && rand() < 0.5) { $self->swap_role; $switched = $self->{state}{role} ne $role }
			else { $self->end_request; $switched = defined $held }
		}
		my $started = time;
		my $number = $self->phase_number;
		$result = $fetch->();
		my $now = $self->phase_between($number);
		die "the connection is gone\n" if $result->{gone};
		# a function that has not been called yet searches as whoever it is now
		if ($switched && !($search->{collects} && $part == 1 && $form eq 'cursor'))
		{
			my $state = state_of($result);
			$self->count('parts after a switch');
			$self->problem(leak_of($search), scalar(@{ $result->{rows} }) . ' rows after the role or the request was switched', "$form, $search->{name}: $sql") if @{ $result->{rows} };
			# a function that has nothing left has nothing to refuse either
			$self->problem('unexpected SQLSTATE', "$state instead of LP010", "$form, $search->{name}: $sql") if $state ne 'LP010' && !($state eq '00000' && $search->{collects});
			return $close->() if $state eq '00000';
			$self->count("refused $state");
			return $state;
		}
		my $state = state_of($result);
		my $expired = grep { $_->{expires} > $opened - $slack_s && $_->{expires} < time() + $slack_s } @{ all_reads() };
		my $changed = $self->{state}{role} eq 'cpd' && $self->phase_between($before) eq 'changing';
		if ($state ne '00000' && ($changed && $refusals_while_changing{$state} || $expired && $state eq 'LP013'))
		{
			$self->count("refused $state");
			$self->problem('leak', scalar(@{ $result->{rows} }) . ' rows before the refusal of a part', $sql) if @{ $result->{rows} };
			return $state;
		}
		$state = $self->checked($search, $form, $sql, $result, $self->current_sight($changed ? 'open' : $now), $started, $changed ? 'changing' : $now, 1);
		return $state if $state ne '00000';
		push @rows, @{ $result->{rows} };
		last if !$result->{suspended} && !($form eq 'cursor' && @{ $result->{rows} });
		return $close->() if $part == 50 || rand() < 0.03;    # left half way
	}
	# and together they are all of them
	$phase = $self->phase_between($before);
	if ($phase ne 'changing' || $self->{state}{role} ne 'cpd')
	{
		$self->problem($_->[0], $_->[1], "$form, $search->{name}: $sql")
		  for check($search, \@rows, reads_for($search, $self->current_sight($phase), time() + $slack_s), reads_for($search, $self->current_sight($phase), $opened - $slack_s));
	}
	return $close->();
}

sub search
{
	my ($self, $search) = @_;
	my $client = $self->{client};
	my $partial = $search->{shape} =~ /^(row|pair)\z/ && !$search->{own};
	my @forms = ('literal', 'prepared', 'prepared', 'unnamed');
	push @forms, 'cursor', 'portal' if $partial;
	push @forms, 'copy' if $partial;
	push @forms, 'named', 'named' if $self->{way} eq 'straight';
	my $form = $forms[ rand @forms ];
	my $sql = literal($search);
	my $typed = typed($search);
	my $rows = 1 + int(rand 20);
	my $state;

	if ($form eq 'literal') { $state = $self->answer($search, $form, $sql, sub { return $client->query($sql) }) }
	elsif ($form eq 'copy')
	{
		$state = $self->answer($search, $form, $sql, sub {
			my $result = $client->query("COPY ($sql) TO STDOUT");
			$_ = [ split /\t/, $_->[0] =~ s/\n\z//r ] for @{ $result->{rows} };
			return $result;
		});
	}
	elsif ($form eq 'prepared')
	{
		my $execute = $self->prepare_shared($search);
		$state = $self->answer($search, $form, $execute, sub { return $client->query($execute) });
	}
	elsif ($form eq 'unnamed' || $form eq 'named')
	{
		my $name = $form eq 'named' ? $search->{name} : '';
		$state = $self->answer($search, $form, $typed, sub {
			if (!$self->{named}{$name} || $name eq '')
			{
				$client->parse($name, $typed);
				my $result = $client->sync;
				return $result if $result->{error};
				$self->{named}{$name} = 1;
			}
			$client->bind_portal('', $name, @{ $search->{values} });
			$client->execute('');
			return $client->sync;
		}) if $form eq 'named' || $self->{way} eq 'straight';
		$state //= $self->answer($search, $form, $typed, sub {
			$client->parse('', $typed);
			$client->bind_portal('', '', @{ $search->{values} });
			$client->execute('');
			return $client->sync;
		});
	}
	elsif ($form eq 'cursor')
	{
		$state = $self->in_parts($search, $form, sub { return $client->query("DECLARE c NO SCROLL CURSOR FOR $sql") }, sub { return $client->query("FETCH $rows FROM c") }, sub { return $self->sent('CLOSE c') });
	}
	else
	{
		$state = $self->in_parts(
			$search, $form,
			sub {
				$client->parse('', $typed);
				$client->bind_portal('c', '', @{ $search->{values} });
				$client->execute('c', $rows);
				return $client->sync;
			},
			sub { $client->execute('c', $rows); return $client->sync },
			sub { $client->close_portal('c'); return state_of($client->sync) });
	}
	return $self->recover if $state ne '00000';
	return;
}

# ---- what a client does ----

sub lone_search
{
	my ($self, $with_request) = @_;
	my $search = some_search();
	my $role = $self->{login} eq 'app' ? $roles[ rand @roles ] : $self->{login};
	my $start = $self->{login} eq 'app' ? "SET LOCAL ROLE $role; " : '';
	my $sql = literal($search);
	$self->{state} = { role => $role, request => $self->{session_request}, cleared => 0 };
	if (!$with_request)
	{
		$self->answer($search, 'by itself', $sql, sub { return $self->{client}->query($start . $sql) });
		return;
	}
	# request and search in one message
	my ($request, $call) = $self->some_request;
	my $before = $self->phase_number;
	my $started = time;
	my $result = $self->{client}->query("BEGIN; $start$call; $sql; COMMIT");
	my $phase = $self->phase_between($before);
	my @possible = $self->possible_answers($request, $before);
	$self->{state}{request} = $request;
	if (@{ $result->{rows} })
	{
		shift @{ $result->{rows} };    # of begin_request()
		$self->checked($search, 'one message', $sql, $result, $self->current_sight($phase), $started, $phase);
	}
	else
	{
		my $state = state_of($result);
		$self->problem('unexpected SQLSTATE', "$state instead of @possible", "$call; $sql") if !grep { $_ eq $state } @possible;
		$self->count("refused $state");
	}
	$self->sent('ROLLBACK') if $result->{status} ne 'I';
	return;
}

sub between_transactions
{
	my ($self) = @_;
	$self->{state} = undef;
	my $what = rand;
	if ($what < 0.02)
	{
		$self->sent('DISCARD ALL');
		$self->{session_request} = undef;
		$self->{left_role} = undef;
		$self->{named} = {};
	}
	elsif ($what < 0.08 && $self->{login} eq 'app')
	{
		$self->{left_role} = $roles[ rand @roles ];
		$self->sent("SET ROLE $self->{left_role}");
	}
	elsif ($what < 0.13) { $self->lone_search(0) }
	elsif ($what < 0.18) { $self->lone_search(1) }
	elsif ($what < 0.22 && $self->{way} eq 'straight')
	{
		my $kind = rand() < 0.5 ? 'own' : 'case';
		$self->sent("SET ROLE console; SELECT ctlpr.begin_request('stolen_vehicle', reason => 'session', scope => 'session'" . ($kind eq 'case' ? ", case_number => '26-1'" : '') . '); RESET ROLE');
		$self->{session_request} = { role => 'console', kind => $kind, session => 1 };
		$self->{left_role} = undef;
	}
	elsif ($what < 0.23 || ($what < 0.28 && $self->{way} eq 'own')) { $self->connect }
	return;
}

sub transaction
{
	my ($self) = @_;
	$self->begin;
	for my $step (1 .. 2 + rand 8)
	{
		my $what = rand;
		if ($step == 1 && $what < 0.8) { $self->savepoint if $what < 0.2; $self->begin_request }
		elsif ($what < 0.62) { $self->search(some_search()) }
		elsif ($what < 0.70) { $self->begin_request }
		elsif ($what < 0.74) { $self->end_request }
		elsif ($what < 0.82) { $self->savepoint }
		elsif ($what < 0.89) { $self->leave_savepoint }
		elsif ($what < 0.94) { $self->swap_role if $self->{login} eq 'app' }
		elsif ($what < 0.96) { $self->sent('SELECT 1 / 0', '22012'); $self->recover }
		elsif ($what < 0.97) { $self->reset_all }
		elsif ($what < 0.98) { $self->forge }
		elsif (!$self->{read_only})
		{
			# the row stays locked until the end, so one is all
			$self->search(some_deletion());
			$self->finish('ROLLBACK') if $self->{open};
		}
		last if !$self->{open};
	}
	return if !$self->{open};
	my $end = rand;
	return $self->finish('COMMIT') if $end < 0.8;
	return $self->finish('ROLLBACK') if $end < 0.95;
	$self->connect;    # gone in the middle
	return;
}

# run(until) - transactions until then
sub run
{
	my ($self, $until) = @_;
	while (time < $until)
	{
		$self->transaction;
		$self->count('transactions');
		$self->between_transactions;
	}
	$self->{client}->close;
	return $self->{counts};
}

1;
