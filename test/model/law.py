"""law.py - Connecticut Public Act 26-14 once more, to judge the extension by.

Written from the text of the law and from the manual, not from the extension:
it shares no line, no table and no order of evaluation with it on purpose.  A
world is what the registers hold; decide() says whether a request may begin,
and sees() whether it shows one read.  Nothing in here knows of SQL.

Where the act leaves a question open, the manual answers it:
 - Public agencies of 13(b)(1)(A) are police, prosecutors and civil agencies; task
   forces of several states and agencies of the federation are not.
 - By declaration, 13(d)(6)(B), police are let in; prosecutors of other states
   need a warrant as those of any state do.
 - In a network, 13(d)(7), agencies of other states have to have declared.
 - The case number of 13(d)(8) may be the request's or its instrument's; counsel
   and other parties, who are no agencies, need none.
 - What a judge orders opens its purpose to whom it is for, even where the list of
   purposes lacks that one, and no limit of an agency's withholds it; a vendor has
   no order of its own.
 - Who searches for another states a purpose that is open to both.
 - An agency of the state has its own reads, whatever is not shared with it.
 - A vendor may do for the agency that it acts for what that agency may itself, by
   that agency's own policy too.
 - A case number may follow where all that takes part in the request is of the state.
 - A registrant's request names the instrument that says who consents.
 - What had expired under a contract that is over stays expired.

Instants are microseconds since 1970, durations microseconds, days the ordinal
numbers of dates in the time zone of the law.
"""
from dataclasses import dataclass, field
from typing import Optional

HOUR = 3_600_000_000
RETENTION = 21 * 24 * HOUR  # 13(b)(2)(A)
HOME = 'CT'

# Rules that --mutate breaks, so that the comparison can show that it notices.
WRONG = set()
MUTATIONS = {
    'texas': 'a declaration opens the reads to Texas',
    'no_case': 'across agencies no case number is demanded',
    'own_reads': 'without a case other agencies\' reads are shown in the state',
    'suspension': 'a suspension stops nobody',
    'lapsed_day': 'a declaration holds no longer on its last day',
    'four_points': 'a declaration may leave out further disclosure',
    'retention': 'a read is kept an hour longer',
    'shorter': 'an agency\'s shorter retention is ignored',
    'scope': 'a warrant opens every plate',
    'range_end': 'a warrant\'s range includes its end',
    'limits': 'what agencies withhold is shown',
    'training': 'nobody needs training',
    'vendor': 'a vendor needs no contract',
    'police_only': 'every agency may investigate',
    'network': 'a participant that has not declared does not matter',
    'lapsed_warrant': 'a warrant does not lapse',
    'early_warrant': 'a warrant holds before its time',
    'revoked': 'a revoked instrument holds',
    'foreign_warrant': 'a warrant for one agency serves another',
    'range_start': 'a warrant\'s range leaves its first instant out',
    'camera': 'an instrument opens every camera',
    'hold': 'an order about a hold opens live reads',
    'judge': 'what agencies withhold is withheld from a judge, too',
    'forbidden': 'immigration enforcement is a purpose like any other',
    'pending': 'the case number may always follow later',
    'reason': 'nobody has to state a reason',
    'behalf': 'it does not matter for whom a search is',
    'withdrawn': 'a withdrawn declaration holds',
    'future': 'a declaration holds before it is signed',
    'unregistered': 'reads of owners that nobody registered are seen',
    'task_force': 'a task force needs no declaration besides its approval',
    'ended_contract': 'a contract that was ended goes on',
    'resurrected': 'what had expired under a contract comes back when it is over',
    'lifted': 'a limit that was lifted goes on',
    'compelled': 'a judge\'s order is served for the agency\'s own purposes only',
    'own_purpose': 'what an agency forbids its people is forbidden to others only',
}


@dataclass(frozen=True)
class Agency:
    id: str
    kind: str
    state: str


@dataclass
class Declaration:
    agency: str
    signed_on: int
    last_day: Optional[int] = None
    points: tuple = (True, True, True, True)  # compliance, no immigration, no care, no disclosure
    withdrawn: bool = False


@dataclass
class Instrument:
    name: str
    kind: str
    agency: str
    plates: Optional[tuple] = None
    captured: Optional[tuple] = None  # first instant, the instant after the last; either may be None
    cameras: Optional[tuple] = None
    hold: bool = False  # about the evidence of a hold, not about live reads
    valid_from: Optional[int] = None
    valid_until: Optional[int] = None
    revoked: bool = False
    participant: Optional[str] = None
    case_number: Optional[str] = None


@dataclass
class Contract:
    vendor: str
    agency: str
    first_day: int
    last_day: Optional[int] = None
    ended: bool = False
    retention: Optional[int] = None
    over_at: Optional[int] = None  # the instant at which it was ended or had lapsed; None while it holds


@dataclass
class Limit:
    agency: str
    recipient: Optional[str] = None
    state: Optional[str] = None
    kind: Optional[str] = None
    purpose: Optional[str] = None
    own: bool = False
    lifted: bool = False


@dataclass(frozen=True)
class Read:
    id: int
    owner: str
    plate: str
    captured_at: int
    camera: Optional[str]


@dataclass(frozen=True)
class Request:
    id: int
    role: str
    purpose: Optional[str] = None
    case_number: Optional[str] = None
    reason: Optional[str] = None
    officer: Optional[str] = None
    agency: Optional[str] = None
    instrument: Optional[str] = None
    on_behalf_of: Optional[str] = None
    offense: Optional[str] = None


@dataclass
class World:
    now: int
    today: int
    agencies: dict = field(default_factory=dict)
    roles: dict = field(default_factory=dict)  # role: agencies that it is bound to
    declarations: list = field(default_factory=list)
    instruments: dict = field(default_factory=dict)
    suspended: set = field(default_factory=set)
    contracts: list = field(default_factory=list)
    limits: list = field(default_factory=list)
    networks: dict = field(default_factory=dict)  # network: participants
    training: dict = field(default_factory=dict)  # (agency, officer): last day
    demands_training: set = field(default_factory=set)
    retention: dict = field(default_factory=dict)  # agency: its own, shorter period
    reads: list = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """The law knows no order among the grounds of a refusal, so all are here: SQLSTATE and clause, None where it names none.  Without any it is allowed."""
    grounds: frozenset = frozenset()
    agency: Optional[str] = None
    beneficiary: Optional[str] = None

    @property
    def allowed(self):
        return not self.grounds

    def agrees(self, sqlstate, clause=None):
        """An answer is right when it is one of the grounds."""
        if sqlstate is None:
            return self.allowed
        return any(state == sqlstate and (clause is None or named in (None, clause)) for state, named in self.grounds)


def refused(sqlstate, clause=None):
    return Verdict(frozenset({(sqlstate, clause)}))


# 13(b)(1): the closed list, and who is on it
LAW_ENFORCEMENT = ('police', 'task_force', 'prosecutor', 'federal')
# Task forces of several states and agencies of the federation are no public agencies of the state.
PUBLIC = ('public_agency', 'police', 'prosecutor')
PERMITTED = {
    'weigh_station': ('13(b)(1)(A)(i)', PUBLIC + ('vendor',)),
    'own_vehicles': ('13(b)(1)(A)(ii)', PUBLIC + ('vendor',)),
    'secured_area_access': ('13(b)(1)(A)(iii)', PUBLIC + ('vendor',)),
    'traffic_analytics': ('13(b)(1)(A)(iv)', PUBLIC + ('vendor',)),
    'parking_enforcement': ('13(b)(1)(A)(v)', PUBLIC + ('vendor',)),
    'state_facility_security': ('13(b)(1)(A)(vi)', PUBLIC + ('vendor',)),
    'motor_vehicle_tax': ('13(b)(1)(A)(vii)', PUBLIC + ('vendor',)),
    'hotlist_comparison': ('13(b)(1)(B)(i)', LAW_ENFORCEMENT + ('vendor',)),
    'criminal_investigation': ('13(b)(1)(B)(ii)(I)', LAW_ENFORCEMENT),
    'outstanding_warrant': ('13(b)(1)(B)(ii)(II)', LAW_ENFORCEMENT),
    'missing_person': ('13(b)(1)(B)(ii)(III)', LAW_ENFORCEMENT),
    'stolen_vehicle': ('13(b)(1)(B)(ii)(IV)', LAW_ENFORCEMENT),
    'registrant_request': ('13(e)(3)', PUBLIC + ('vendor',)),
}
FORBIDDEN = {
    'immigration_enforcement': '13(d)(3)',
    'reproductive_health_care': '13(d)(4)',
    'gender_affirming_care': '13(d)(4)',
    'protected_activity': '13(d)(2)',
    'protected_class': '13(d)(1)',
    'public_records': '13(e)(1)',
    'sale': '13(g)(1)',
}
STANDING_ONLY = ('backup',)
NEEDS_REASON = ('criminal_investigation', 'registrant_request')  # for the latter: whose request it is
DECLARING_STATES = ('NY', 'RI', 'MA')  # 13(d)(6)(B)

# 13(d)(6): the clause of each instrument for specific data
INSTRUMENT_CLAUSE = {
    'probable_cause_warrant': '13(d)(6)(C)',
    'terrorist_screening_match': '13(d)(6)(C)',
    'task_force': '13(d)(6)(B)',
    'registrant': '13(d)(6)(D)',
    'court_order': '13(b)(2)(A)(i)',
}
# An agency may share less than the law allows, but not less than a judge orders.
COMPELLING = ('probable_cause_warrant', 'court_order')


def blank(text):
    return text is None or text.strip() == ''


def plate_key(plate):
    return ''.join(c for c in plate.upper() if c.isalnum())


def documented(q, inst=None, at_home=True):
    """13(d)(8): a documented, case-specific request, by its own number or its instrument's; for a person in danger it may follow, in the state."""
    if inst is not None and not blank(inst.case_number):
        return True
    if blank(q.case_number):
        return False
    return q.case_number.strip().lower() != 'pending' or q.purpose == 'missing_person' and at_home or 'pending' in WRONG


def all_at_home(w, agency, beneficiary):
    """Everybody who takes part is of the state; a vendor is of none."""
    return (agency.kind == 'vendor' or agency.state == HOME) and (beneficiary is None or beneficiary in w.agencies and w.agencies[beneficiary].state == HOME)


def is_home_agency(agency):
    """13(d)(6)(A): a public agency of Connecticut; task forces have a clause of their own."""
    return agency.state == HOME and agency.kind in ('police', 'public_agency', 'prosecutor')


def declared(w, agency):
    """13(d)(6)(B): a written declaration with all of its points is in force."""
    def holds(d):
        points = d.points[:3] if 'four_points' in WRONG else d.points
        last = None if d.last_day is None else d.last_day - ('lapsed_day' in WRONG)
        signed = d.signed_on <= w.today or 'future' in WRONG
        return d.agency == agency and (not d.withdrawn or 'withdrawn' in WRONG) and all(points) and signed and (last is None or w.today <= last)
    return any(holds(d) for d in w.declarations)


def network_holds(w, agency):
    """13(d)(7): no network in which a participant of another state has not declared."""
    if 'network' in WRONG:
        return True
    return all(w.agencies[other].state == HOME or declared(w, other)
               for members in w.networks.values() if agency in members for other in members)


def usable(w, inst, agency, q):
    """The instrument is in force, for that agency and for that purpose."""
    if inst is None or inst.agency != agency and 'foreign_warrant' not in WRONG or inst.revoked and 'revoked' not in WRONG:
        return False
    if inst.valid_from is not None and w.now < inst.valid_from and 'early_warrant' not in WRONG:
        return False
    if inst.valid_until is not None and w.now >= inst.valid_until and 'lapsed_warrant' not in WRONG:
        return False
    return inst.kind != 'registrant' or q.purpose == 'registrant_request'


def contract_in_force(w, vendor, agency):
    return 'vendor' in WRONG or any(
        c.vendor == vendor and c.agency == agency and (not c.ended or 'ended_contract' in WRONG)
        and c.first_day <= w.today and (c.last_day is None or w.today <= c.last_day) for c in w.contracts)


def closed(w, agency, inst):
    """13(d)(6), 13(d)(7): the clauses for which no other agency's reads may reach that one; none when they may."""
    states = DECLARING_STATES + (('TX',) if 'texas' in WRONG else ())
    if inst is not None and inst.agency == agency.id:
        return {'13(d)(6)(B)'} if inst.kind == 'task_force' and 'task_force' not in WRONG and not declared(w, agency.id) else set()
    if is_home_agency(agency):
        return set()
    clauses = set()
    if not network_holds(w, agency.id) and agency.state != HOME:
        clauses.add('13(d)(7)')
    if agency.kind == 'task_force':
        clauses.add('13(d)(6)(B)')  # the approval for the specific data is an instrument
    elif agency.state in states and agency.kind == 'police':
        if not declared(w, agency.id):
            clauses.add('13(d)(6)(B)')
    elif agency.kind in LAW_ENFORCEMENT:
        clauses.add('13(d)(6)(C)')
    else:
        clauses.add('13(d)(6)')
    return clauses


def recipient_clause(agency):
    """13(d)(6): the clause that names agencies like this one."""
    if is_home_agency(agency):
        return '13(d)(6)(A)'
    return '13(d)(6)(B)' if agency.kind == 'task_force' or agency.kind == 'police' and agency.state in DECLARING_STATES else '13(d)(6)(C)'


def decide(w, q):
    """May this request begin?"""
    # who asks, and whether the purpose is one at all: without these there is nothing else to decide
    bound = w.roles.get(q.role, ())
    if not bound:
        return refused('LP002', '13(d)(6)')
    if q.agency is None:
        if len(bound) > 1:
            return refused('LP005')
        agency = w.agencies[bound[0]]
    elif q.agency in bound:
        agency = w.agencies[q.agency]
    else:
        return refused('LP005')  # it is bound, and still has to name one of its agencies
    if q.purpose in FORBIDDEN:
        if 'forbidden' in WRONG and q.purpose == 'immigration_enforcement':
            return Verdict()
        return refused('LP004', FORBIDDEN[q.purpose])
    if q.purpose in STANDING_ONLY:
        return refused('LP003')
    if q.purpose not in PERMITTED:
        return refused('LP003', '13(b)(1)')

    grounds = set()
    purpose_clause, kinds = PERMITTED[q.purpose]
    beneficiary = q.on_behalf_of if q.on_behalf_of != agency.id and ('behalf' not in WRONG or agency.kind == 'vendor') else None
    recipient = w.agencies.get(beneficiary)
    at_home = all_at_home(w, agency, beneficiary)

    # the instrument that it names, which is for the agency that the search is for
    inst = None
    compelled = False
    if q.instrument is not None:
        inst = w.instruments.get(q.instrument)
        if not usable(w, inst, beneficiary or agency.id, q):
            grounds.add(('LP006', INSTRUMENT_CLAUSE[inst.kind] if inst else None))
        else:
            compelled = inst.kind in COMPELLING and 'compelled' not in WRONG

    # 13(b)(1): the purpose is one for agencies like this, and for the agency whose vendor this is.  What a judge orders is done by whoever
    # has the data, for whomever it is.
    if 'police_only' not in WRONG:
        if agency.kind not in kinds and not (compelled and beneficiary is None and agency.kind != 'vendor'):
            grounds.add(('LP003', purpose_clause))
        if recipient and recipient.kind not in kinds and not (compelled and recipient.kind != 'vendor'):
            grounds.add(('LP003', purpose_clause))
    policies = [agency.id] + ([beneficiary] if agency.kind == 'vendor' and recipient else [])
    if 'own_purpose' not in WRONG and any(x.own and not x.lifted and x.agency in policies and x.purpose == q.purpose for x in w.limits):
        grounds.add(('LP003', '14(b)'))
    if q.purpose == 'registrant_request' and inst is None:
        grounds.add(('LP005', purpose_clause))
    if q.purpose in NEEDS_REASON and blank(q.reason) and 'reason' not in WRONG:
        grounds.add(('LP005', purpose_clause))
    for party in policies:
        last_day = w.training.get((party, q.officer))
        if party in w.demands_training and 'training' not in WRONG and (last_day is None or last_day < w.today):
            grounds.add(('LP005', '14(a)(5)'))

    # 13(g)(2): a vendor acts for the agency that has a contract with it, and for nobody else
    if agency.kind == 'vendor':
        if beneficiary is None:
            grounds.add(('LP005', '13(g)(2)'))
        elif not contract_in_force(w, agency.id, beneficiary):
            grounds.add(('LP006', '13(g)(2)'))

    # 13(l), 13(d)(6): for whom it is, and who asks if from outside of the state; who asks from within has reads of its own.
    # A vendor is shown the reads of the agency that it acts for, and may do what that agency may.
    for party in (beneficiary, agency.id):
        if party is None or party == agency.id and agency.kind != 'vendor' and agency.state == HOME:
            continue
        if party not in w.agencies:
            grounds.add(('LP006', '13(d)(6)'))
            continue
        if party in w.suspended and 'suspension' not in WRONG:
            grounds.add(('LP007', '13(l)'))
        to = w.agencies[party]
        if agency.kind == 'vendor' and (to is agency or to.state == HOME):
            continue
        grounds |= {('LP006', clause) for clause in closed(w, to, inst)}
        # 13(d)(8) speaks of agencies
        if agency.kind != 'vendor' and to.kind != 'other' and not documented(q, inst, at_home) and 'no_case' not in WRONG:
            grounds.add(('LP005', recipient_clause(to)))
    return Verdict(frozenset(grounds), agency.id, beneficiary)


def expired(w, read):
    """13(b)(2)(A): past the shortest period that holds for its owner, or that held when it was over."""
    if 'shorter' in WRONG:
        return read.captured_at <= w.now - RETENTION
    periods = [RETENTION + (HOUR if 'retention' in WRONG else 0)]
    if read.owner in w.retention:
        periods.append(w.retention[read.owner])
    contracts = [c for c in w.contracts if c.agency == read.owner and c.retention is not None and c.first_day <= w.today]
    periods += [c.retention for c in contracts if c.over_at is None]
    if 'resurrected' not in WRONG and any(read.captured_at < c.over_at - c.retention for c in contracts if c.over_at is not None):
        return True
    return read.captured_at <= w.now - min(periods)


def in_scope(inst, read):
    """13(d)(6)(B) to (D): the specific data that the instrument names."""
    if inst.hold and 'hold' not in WRONG:
        return False
    if inst.plates is not None and plate_key(read.plate) not in {plate_key(p) for p in inst.plates} and 'scope' not in WRONG:
        return False
    if inst.captured is not None:
        first, after = inst.captured
        if first is not None and read.captured_at < first + ('range_start' in WRONG):
            return False
        if after is not None and read.captured_at >= after + ('range_end' in WRONG):
            return False
    return inst.cameras is None or read.camera in inst.cameras or 'camera' in WRONG


def limited(w, owner, recipient, purpose):
    """A limit of the owner's names that recipient and that purpose."""
    to = w.agencies[recipient]
    return any(x.agency == owner and (not x.lifted or 'lifted' in WRONG) and x.recipient in (None, to.id) and x.state in (None, to.state)
               and x.kind in (None, to.kind) and x.purpose in (None, purpose) for x in w.limits)


def withheld(w, owner, recipient, purpose):
    """The owner shares less than it may: not with that other agency, or not for that purpose."""
    return owner != recipient and 'limits' not in WRONG and limited(w, owner, recipient, purpose)


def sees(w, q, verdict, read):
    """Does an allowed request show this read?  The read's age is taken at the instant of the world."""
    if read.owner not in w.agencies and 'unregistered' not in WRONG or expired(w, read):
        return False
    agency = w.agencies[verdict.agency]
    inst = w.instruments[q.instrument] if q.instrument is not None else None
    if inst is not None and not in_scope(inst, read):
        return False
    if agency.kind == 'vendor':
        return read.owner == verdict.beneficiary
    recipients = [agency.id] + ([verdict.beneficiary] if verdict.beneficiary else [])
    compelled = inst is not None and inst.kind in COMPELLING and 'judge' not in WRONG
    if not compelled and any(withheld(w, read.owner, r, q.purpose) for r in recipients):
        return False
    if read.owner == agency.id:
        return True
    if agency.id in w.suspended and 'suspension' not in WRONG:
        return False
    if closed(w, agency, inst):
        return False
    return documented(q, inst, all_at_home(w, agency, verdict.beneficiary)) or 'own_reads' in WRONG
