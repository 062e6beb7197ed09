# Oracle.pm - the reads of the campaign, and what the law lets each role see of them; knows nothing of ctlpr, asks no server.
#
# 13(b)(2)(A): no read past its retention, 21 days or the shorter period of
# its agency.  13(d)(6): an agency of Connecticut sees its own reads, and those
# of all agencies of Connecticut with a case number; one of Massachusetts sees
# them with a declaration in force and a case number; any other one what a
# warrant names.  An owner that is no agency is seen by nobody.
package Oracle;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(make_reads reads_of_plate all_reads some_plate begin_answer sight @roles @connecticut %warrant_plates $makers maker_of vehicles);

our @connecticut = ('CT-NHPD', 'CT-HPD', 'CT-WPD');
my @owners = (@connecticut, 'CT-GONE');
my %retention_s = ((map { $_ => 504 * 3600 } @owners), 'CT-WPD' => 7 * 86400);

# Whom a role acts for
my %bound = (
	nhpd => ['CT-NHPD'],
	hpd => ['CT-HPD'],
	wpd => ['CT-WPD'],
	dispatch => [ 'CT-NHPD', 'CT-HPD' ],
	console => ['CT-NHPD'],
	bpd => ['MA-BPD'],
	mawpd => ['MA-WPD'],
	cpd => ['MA-CPD'],
	fed => ['US-ICE'],
	fbi => ['US-FBI'],
	unbound => []);
our @roles = sort keys %bound;
our %warrant_plates = map { sprintf('SH%04d', $_) => 1 } 0 .. 9;
our $makers = 50;

my @reads;
my %of_plate;
my @plates;
my %maker;

# make_reads(base, seconds, seed) - reads that are live all the time, expired all the time, and that expire during the
# seconds after base, one after the other; the same for the same arguments
sub make_reads
{
	my ($base, $seconds, $seed) = @_;
	my $add = sub {
		my ($agency, $plate, $expires) = @_;
		my $read = { id => 1 + @reads, agency => $agency, plate => $plate, expires => $expires, captured => $expires - $retention_s{$agency} };
		push @reads, $read;
		push @{ $of_plate{$plate} }, $read;
	};
	srand($seed);
	for my $agency (@owners)
	{
		my ($mark) = $agency =~ /-(\w)/;
		my $retention = $retention_s{$agency};
		for my $n (0 .. 299)
		{
			my $live = $base + $seconds + 3600 + int(rand($retention - $seconds - 7200));
			my $expired = $base - 3600 - int(rand(36 * 86400 - $retention - 3600));
			my $plate = sprintf('SH%04d', $n % 100);      # of all agencies, live with some and expired with others
			$add->($agency, $plate, rand() < 0.7 ? $live : $expired);
			$add->($agency, sprintf('%s%04d', $mark, $n), $live) if $n % 2;
			$add->($agency, sprintf('%sX%03d', $mark, $n % 50), $expired) if $n % 5 == 0;
		}
		my $step = 0.5;
		for (my $after = 5; $after < $seconds + 30; $after += $step)
		{
			$add->($agency, sprintf('DY%03d', rand 60), int($base + $after) + int(rand 1000) / 1000);
		}
	}
	@plates = sort keys %of_plate;
	$maker{ $plates[$_] } = 'maker ' . $_ % $makers for grep { $_ % 3 } 0 .. $#plates;
	$maker{"NONE$_"} = "maker $_" for 0 .. $makers - 1;
	return \@reads;
}

sub all_reads { return \@reads }
sub reads_of_plate { return $of_plate{ $_[0] } // [] }
sub some_plate { return rand() < 0.6 ? sprintf('SH%04d', rand 100) : $plates[ rand @plates ] }
sub maker_of { return $maker{ $_[0] } // '' }
sub vehicles { return \%maker }

sub in_state { return $_[0] =~ /^CT-/ }

# begin_answer(role, kind, agency, phase) - begun, or the SQLSTATE of the refusal.  kind: own (no case number), case,
# forbidden, unknown, warrant; agency: named in the request; phase: of the agency whose standing changes: open, withdrawn,
# suspended
sub begin_answer
{
	my ($role, $kind, $named, $phase) = @_;
	my @agencies = @{ $bound{$role} // [] };
	return 'LP002' if !@agencies;
	return 'LP005' if @agencies > 1 && !defined $named;
	my $agency = $named // $agencies[0];
	return 'LP004' if $kind eq 'forbidden';
	return 'LP003' if $kind eq 'unknown';
	return $agency eq 'US-FBI' ? 'begun' : 'LP006' if $kind eq 'warrant';
	return 'begun' if in_state($agency);
	return 'LP007' if $agency eq 'MA-CPD' && $phase eq 'suspended';
	return 'LP006' if $agency ne 'MA-BPD' && !($agency eq 'MA-CPD' && $phase eq 'open');
	return $kind eq 'case' ? 'begun' : 'LP005';
}

# sight(role, request, phase) - what a search by the role meets: { answer => rows or an SQLSTATE, owners => {...}, own => {...}, plates => {...} or undef }
sub sight
{
	my ($role, $request, $phase) = @_;
	return { answer => 'LP002' } if !@{ $bound{$role} // [] };
	return { answer => 'LP001' } if !$request || $request->{role} ne $role;
	my $agency = $request->{agency} // $bound{$role}[0];
	my $answer = begin_answer($role, $request->{kind}, $agency, $phase);
	return { answer => $answer } if $answer ne 'begun';
	my @seen = $request->{kind} eq 'own' ? ($agency) : @connecticut;
	return { answer => 'rows', owners => { map { $_ => 1 } @seen }, own => { $agency => 1 }, plates => $request->{kind} eq 'warrant' ? \%warrant_plates : undef };
}

1;
