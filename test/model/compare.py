#!/usr/bin/env python3
"""compare.py - asks the extension and the model of law.py the same questions.

    compare.py [--combinations N] [--seed S] [--world N] [--mutate RULE] [--list-mutations]

A world - agencies, roles, declarations, instruments, suspensions, networks,
contracts, limits, training, and reads - is drawn from the seed and the world's
number, and filed in a database of its own, which PGDATABASE, PGHOST and so on
name; the extension is created there when it is missing.  Then come requests,
drawn too.  Each is put to check_request(); those that the model allows, and
some of those that it refuses, are begun in truth, and what the begun ones see
of the reads is compared read by read.  A combination is a request with its
verdict, or a request with one read.

The worlds are INSERTed into the tables of the extension by a superuser, not
filed through its functions: most of what is interesting here - declarations
with a point missing or signed tomorrow, lapsed warrants, members of a network
that have not declared - is what those functions refuse to file, or what only
time brings about.  What they store in another form than they take it, plates
and days, is stored in that form.

The model stands still at the instant at which a world was filed, and the
clock goes on.  So no instant of a world lies in the seconds that follow, and
a world that took longer than that is drawn again.

Exit status: 0 both agree, 1 they do not, 2 the comparison could not be made.
"""
import argparse
import collections
import datetime
import random
import subprocess
import sys
import time
import zoneinfo

import law

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * law.HOUR
MARGIN = 20 * SECOND  # nothing that the clock decides lies in the next seconds ...
LONGEST = 10 * SECOND  # ... and a world is done well before they have passed
REQUESTS = 150  # in each world
READS = 60
ROLES = [f'model_{n}' for n in range(16)]
DONE = 'done with it'

CASES = ('26-1', '26-1', '26-1', ' 26-1', 'CFS 7', 'pending', ' PENDING ', '', '  ', None, None, None)
REASONS = ('homicide', 'homicide', 'homicide', 'homicide', 'by the owner', '', '   ', None)
OFFICERS = ('Trained', 'Trained', 'Last day', 'Lapsed', 'Nobody', None)
PLATES = ('AB12345', 'HA1', 'NH-777', 'ct 9z', 'QQ 1 Q', 'X')
CAMERAS = ('c1', 'c2', '3', None)
PURPOSES = 3 * [p for p in law.PERMITTED] + 3 * ['stolen_vehicle', 'missing_person', 'criminal_investigation', 'outstanding_warrant'] + \
    list(law.FORBIDDEN) + list(law.STANDING_ONLY) + ['curiosity', 'Stolen_Vehicle']
STATES = ('CT', 'MA', 'RI', 'NY', 'TX', 'US')
KINDS = law.PUBLIC + ('vendor', 'other')
# Those that make the most differences come most often.
COMMON = 4 * [('police', 'CT')] + 2 * [('public_agency', 'CT')] + 2 * [('police', 'MA'), ('police', 'NY'), ('police', 'RI')] + \
    2 * [('vendor', 'CT'), ('vendor', 'US')] + 2 * [('task_force', 'MA'), ('federal', 'US'), ('police', 'TX')] + \
    [('prosecutor', 'CT'), ('task_force', 'CT'), ('task_force', 'NY'), ('prosecutor', 'MA'), ('other', 'CT'), ('federal', 'CT'), ('federal', 'MA'),
     ('public_agency', 'MA')]
# What ctlpr.authorize() files: kinds and states of agencies that an instrument can be for.
HOLDERS = {
    'probable_cause_warrant': (('police', 'federal', 'prosecutor', 'task_force'), STATES),
    'terrorist_screening_match': (('police', 'federal', 'prosecutor', 'task_force'), STATES),
    'task_force': (('task_force',), ('CT', 'NY', 'RI', 'MA')),
    'registrant': (('police', 'public_agency', 'prosecutor'), ('CT',)),
    'court_order': (('prosecutor', 'other'), STATES),
}


class Failed(Exception):
    """The comparison could not be made."""


class Session:
    """A psql that is fed statements and answers with lines."""

    def __init__(self):
        self.psql = subprocess.Popen(['psql', '-X', '-q', '-A', '-t', '-F', '\t', '-P', 'null=\\N'],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')

    def ask(self, script):
        """The lines that a script prints; less than a pipe holds, since they are read when all of the script has been written."""
        lines = []
        try:
            self.psql.stdin.write(f'{script}\n\\echo {DONE}\n')
            self.psql.stdin.flush()
        except BrokenPipeError:
            pass  # what it printed says why
        for line in self.psql.stdout:
            if line == DONE + '\n':
                return lines
            lines.append(line.rstrip('\n'))
        raise Failed('psql ended:\n' + '\n'.join(lines[-20:]))

    def do(self, script):
        """A script that prints nothing unless it fails."""
        lines = [line for line in self.ask(script) if line]
        if lines:
            raise Failed('\n'.join(lines[:20]))


def quoted(value):
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"ARRAY[{', '.join(quoted(v) for v in value)}]::text[]"
    return "'" + value.replace("'", "''") + "'"


def instant(value):
    """An instant as the server reads it; None is no limit."""
    return 'infinity' if value is None else (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)).isoformat(' ') + '+00'


def day(value):
    return None if value is None else datetime.date.fromordinal(value).isoformat()


def midnight_instant(value):
    """The same as an instant."""
    begins = datetime.datetime.combine(datetime.date.fromordinal(value), datetime.time(), zoneinfo.ZoneInfo('America/New_York'))
    return int(begins.timestamp()) * SECOND


def midnight(value):
    """The instant at which a day begins where the law is."""
    return 'infinity' if value is None else Raw(f"'{day(value)}'::timestamp AT TIME ZONE 'America/New_York'")


class Raw(str):
    """An expression, not a value."""


def insert(table, columns, rows):
    if not rows:
        return ''
    tuples = ',\n'.join('(' + ', '.join(v if isinstance(v, Raw) else quoted(v) for v in row) + ')' for row in rows)
    return f'INSERT INTO {table} ({columns}) VALUES\n{tuples};'


def range_of(captured, draw):
    """[first, after) in one of the ways in which a range can be written."""
    first, after = captured
    opening, closing = '[', ')'
    if first is not None and draw.random() < 0.2:
        opening, first = '(', first - 1
    if after is not None and draw.random() < 0.2:
        closing, after = ']', after - 1
    ends = ['NULL' if end is None else quoted(instant(end)) for end in (first, after)]
    return Raw(f"tstzrange({ends[0]}, {ends[1]}, '{opening}{closing}')")


class Drawer:
    """Draws a world and its requests."""

    def __init__(self, seed, number, now, today):
        self.draw = random.Random(f'{seed}/{number}')
        self.world = law.World(now=now, today=today)
        self.number = number

    def chance(self, probability):
        return self.draw.random() < probability

    def some(self, choices, most):
        choices = list(choices)
        return self.draw.sample(choices, min(len(choices), self.draw.randint(0, most)))

    def past_or_future(self):
        """An instant that is not in the seconds to come; now itself is one that has come."""
        w = self.world
        return self.draw.choice((w.now, w.now - 1, w.now - SECOND, w.now - self.draw.randint(1, 30 * DAY), w.now + MARGIN,
                                 w.now + law.HOUR, w.now + self.draw.randint(MARGIN, 30 * DAY)))

    def some_day(self):
        return self.world.today + self.draw.choice((0, 0, -1, 1, -self.draw.randint(2, 400), self.draw.randint(2, 400)))

    def draw_world(self):
        self.draw_agencies()
        self.draw_papers()
        self.draw_reads()
        self.draw_instruments()
        return self.world

    def draw_agencies(self):
        w, draw = self.world, self.draw
        for n in range(16):
            kind, state = (draw.choice(KINDS), draw.choice(STATES)) if self.chance(0.1) else draw.choice(COMMON)
            w.agencies[f'{state}-{n}'] = law.Agency(f'{state}-{n}', kind, state)
        ids = list(w.agencies)
        acting = [a.id for a in w.agencies.values() if a.kind != 'other'] or ids
        for n, role in enumerate(ROLES):
            w.roles[role] = () if n == 0 else tuple(draw.sample(acting if self.chance(0.9) else ids, 1 if n < 13 else draw.randint(2, 3)))
        for role in [r for r in ROLES[1:] if self.chance(0.02)]:
            w.roles[role] = ()

    def draw_papers(self):
        w, draw = self.world, self.draw
        for agency in w.agencies.values():
            if agency.state != law.HOME and agency.kind != 'vendor' or agency.kind == 'task_force' or self.chance(0.1):
                # one that is in force, one that lacks a single thing, others that lack anything, or none at all
                chosen = draw.randrange(8)
                if chosen < 4:
                    w.declarations.append(law.Declaration(agency.id, w.today - draw.choice((0, 0, 1, 300)), draw.choice((None, w.today, w.today, w.today + 1))))
                elif chosen < 7:
                    lacking = law.Declaration(agency.id, w.today - 1)
                    lack = draw.randrange(7)
                    if lack < 4:
                        lacking.points = tuple(n != lack for n in range(4))
                    elif lack == 4:
                        lacking.signed_on = w.today + 1
                    elif lack == 5:
                        lacking.last_day = w.today - 1
                    else:
                        lacking.withdrawn = True
                    w.declarations.append(lacking)
                for _ in range(draw.choice((0, 0, 0, 1, 2))):
                    points = [True] * 4
                    if self.chance(0.5):
                        points[draw.randrange(4)] = False
                    w.declarations.append(law.Declaration(agency.id, self.some_day(), draw.choice((None, self.some_day())), tuple(points), self.chance(0.25)))
            if self.chance(0.08):
                w.suspended.add(agency.id)
            if self.chance(0.15):
                w.demands_training.add(agency.id)
            if self.chance(0.25):
                w.retention[agency.id] = draw.choice((3 * MINUTE, law.HOUR, 5 * DAY, 10 * DAY, law.RETENTION - law.HOUR))
            for officer, last_day in (('Trained', w.today + draw.randint(1, 300)), ('Last day', w.today), ('Lapsed', w.today - draw.choice((1, 1, 100)))):
                if self.chance(0.9):
                    w.training[agency.id, officer] = last_day
        outside = [a.id for a in w.agencies.values() if a.kind != 'vendor']
        for vendor in [a.id for a in w.agencies.values() if a.kind == 'vendor']:
            for agency in self.some(outside, 5):
                begins, ends = w.today - draw.randint(0, 400), draw.choice((None, w.today, w.today + draw.randint(1, 400)))
                if self.chance(0.15):
                    begins, ends = w.today - draw.randint(1, 400), w.today - 1  # yesterday was its last day
                elif self.chance(0.1):
                    begins, ends = w.today + 1, None
                ended = self.chance(0.15)
                over_at = midnight_instant(ends + 1) if ends is not None and ends < w.today else w.now if ended else None
                w.contracts.append(law.Contract(vendor, agency, begins, ends, ended, draw.choice((None, None, 3 * DAY, 12 * DAY)), over_at))
        for name in self.some(('A', 'B'), 2):
            near = [a.id for a in w.agencies.values() if a.state in (law.HOME,) + law.DECLARING_STATES or self.chance(0.1)]
            w.networks[name] = tuple(self.some(near, 5))
        for owner in self.some(w.agencies, 8):
            limit = law.Limit(owner, lifted=self.chance(0.3))
            if self.chance(0.4):
                limit.own, limit.purpose = True, draw.choice(list(law.PERMITTED))
            else:
                narrowing = draw.randrange(5)
                limit.recipient = draw.choice(list(w.agencies)) if narrowing == 0 else None
                limit.state = draw.choice(STATES) if narrowing in (1, 4) else None
                limit.kind = draw.choice(KINDS) if narrowing in (2, 4) else None
                limit.purpose = draw.choice(list(law.PERMITTED)) if narrowing == 3 or self.chance(0.2) else None
            w.limits.append(limit)

    def draw_reads(self):
        w, draw = self.world, self.draw
        self.single_owner = draw.choice(list(w.agencies)) if self.chance(0.1) else None
        owners = [a.id for a in w.agencies.values() if a.state == law.HOME] or list(w.agencies)
        periods = {law.RETENTION} | set(w.retention.values()) | {c.retention for c in w.contracts if c.retention}
        for number in range(1, READS + 1):
            if self.single_owner:
                owner = self.single_owner
            else:
                owner = draw.choice(owners if self.chance(0.7) else list(w.agencies) if self.chance(0.85) else ('NOBODY', 'ct-1', ''))
            period = draw.choice(sorted(periods))
            age = None
            while age is None or any(0 < p - age < MARGIN for p in periods):
                age = draw.choice((draw.randint(0, period), draw.randint(0, period), draw.randint(0, 25 * DAY), draw.randint(0, law.HOUR), period, period + 1,
                                   period + SECOND, period + law.HOUR, period - MARGIN, max(period - law.HOUR, 0)))
            plate = draw.choice(PLATES)
            if self.chance(0.3):
                plate = draw.choice((plate.lower(), plate.replace('-', ' '), f' {plate}', '.'.join(plate)))
            w.reads.append(law.Read(number, owner, plate, w.now - age, draw.choice(CAMERAS)))

    def draw_instruments(self):
        w, draw = self.world, self.draw
        captured = [r.captured_at for r in w.reads]

        def some_range(bounded):
            # its ends are instants of reads as often as not, to the microsecond
            ends = sorted({draw.choice(captured) + draw.choice((0, 0, 0, 1, -1)) for _ in range(2)})
            if len(ends) < 2 or self.chance(0.3):
                ends = [w.now - 30 * DAY, w.now + draw.choice((-DAY, DAY))]
            if not bounded and self.chance(0.3):
                ends[draw.randrange(2)] = None
            return tuple(ends)

        number = 0
        for agency in w.agencies.values():
            kinds = [k for k, (holders, states) in HOLDERS.items() if agency.kind in holders and agency.state in states]
            for kind in [draw.choice(kinds) for _ in range(draw.choice((1, 2, 3, 4)))] if kinds else []:
                number += 1
                inst = law.Instrument(str(number), kind, agency.id)
                many = draw.randint(1, 3)
                inst.plates = tuple(draw.sample(PLATES, 1 if kind == 'registrant' else many))
                if kind != 'terrorist_screening_match' or self.chance(0.5):
                    inst.captured = some_range(bounded=kind in ('probable_cause_warrant', 'registrant'))
                inst.cameras = tuple(draw.sample(CAMERAS[:-1], draw.randint(1, 2))) if self.chance(0.2) else None
                if kind == 'task_force':
                    inst.participant = draw.choice(list(w.agencies))
                    named = draw.randrange(4)  # one of the three is enough, when the range has two ends
                    if named == 1:
                        inst.plates, inst.captured, inst.cameras = None, None, ('c1', '3')
                    elif named == 2:
                        inst.plates, inst.captured, inst.cameras = None, some_range(bounded=True), None
                if kind == 'court_order':
                    inst.plates = inst.captured = inst.cameras = None
                    inst.hold = True
                elif self.chance(0.03):
                    inst.hold = True
                if self.chance(0.25):
                    inst.valid_from = self.past_or_future()
                if self.chance(0.35):
                    inst.valid_until = self.past_or_future()
                if inst.valid_until is not None and inst.valid_until <= (inst.valid_from if inst.valid_from is not None else w.now - 60 * DAY):
                    inst.valid_from, inst.valid_until = inst.valid_until, (inst.valid_from or w.now) + 1
                    if w.now < inst.valid_until < w.now + MARGIN:
                        inst.valid_until = w.now + MARGIN
                inst.case_number = draw.choice((None, None, 'TX-1'))
                inst.revoked = self.chance(0.08)
                w.instruments[inst.name] = inst

    def draw_request(self, number):
        w, draw = self.world, self.draw
        role = draw.choice(ROLES[1:]) if self.chance(0.98) else draw.choice(ROLES)
        bound = w.roles[role]
        agency = None
        if len(bound) > 1 and self.chance(0.85) or self.chance(0.1):
            agency = draw.choice(bound) if bound and self.chance(0.8) else draw.choice(list(w.agencies) + ['NOBODY'])
        acting = w.agencies.get(agency or (bound[0] if bound else None))
        behalf = None
        if acting and acting.kind == 'vendor' and self.chance(0.9):
            partners = [c.agency for c in w.contracts if c.vendor == acting.id]
            behalf = draw.choice(partners) if partners and self.chance(0.85) else draw.choice(list(w.agencies))
        elif self.chance(0.25):
            behalf = draw.choice(list(w.agencies) + ['NOBODY'] + ([acting.id] if acting else []))
        inst = None
        if acting and self.chance(0.45):
            of_party = [i.name for i in w.instruments.values() if i.agency == (behalf or acting.id)]
            if of_party and self.chance(0.85):
                inst = draw.choice(of_party)
            elif self.chance(0.3):
                inst = draw.choice(list(w.instruments) + ['999999'])
        if inst in w.instruments and w.instruments[inst].kind == 'registrant' and self.chance(0.7):
            purpose = 'registrant_request'
        elif acting and self.chance(0.8):
            purpose = draw.choice([p for p in PURPOSES if p in law.PERMITTED and acting.kind in law.PERMITTED[p][1]] or PURPOSES)
        else:
            purpose = draw.choice(PURPOSES)
        return law.Request(number, role, purpose, draw.choice(CASES), draw.choice(REASONS), draw.choice(OFFICERS), agency, inst, behalf,
                           draw.choice((None, 'larceny')))

    def sql(self):
        """Statements that file the world."""
        w, draw = self.world, self.draw
        yes = 'it was so'
        out = ['\\set ON_ERROR_STOP on', '\\set VERBOSITY verbose', "SELECT ctlpr.release('model_reads', 'the world is over') \\g /dev/null",
               'TRUNCATE model_reads;', 'BEGIN;']
        out += [f'DELETE FROM ctlpr.{t};' for t in ('agency', 'role_binding', 'declaration', 'legal_authorization', 'suspension', 'network_member', 'network',
                                                    'contract', 'sharing_limit', 'agency_option', 'officer')]
        out.append(insert('ctlpr.agency', 'agency_id, name, kind, state', [(a.id, a.id, a.kind, a.state) for a in w.agencies.values()]))
        out.append(insert('ctlpr.role_binding', 'role, role_name, agency_id', [(r, r, a) for r, bound in w.roles.items() for a in bound]))
        out.append(insert('ctlpr.declaration', 'agency_id, signed_by, signed_on, valid_until, affirms_compliance, affirms_no_immigration, affirms_no_care, '
                          'affirms_no_disclosure, withdrawn_at, withdrawn_reason',
                          [(d.agency, 'Chief', day(d.signed_on), day(d.last_day), *d.points, Raw('now()') if d.withdrawn else None, yes if d.withdrawn else None)
                           for d in w.declarations]))
        out.append(insert('ctlpr.legal_authorization', 'authorization_id, kind, agency_id, plates, captured, cameras, hold_id, valid_from, valid_until, '
                          'revoked_at, revoked_reason, participating_agency, case_number',
                          [(int(i.name), i.kind, i.agency, None if i.plates is None else sorted({law.plate_key(p) for p in i.plates}),
                            None if i.captured is None else range_of(i.captured, draw), i.cameras, 1 if i.hold else None,
                            instant(w.now - 60 * DAY if i.valid_from is None else i.valid_from), instant(i.valid_until),
                            instant(w.now) if i.revoked else None, yes if i.revoked else None, i.participant, i.case_number) for i in w.instruments.values()]))
        suspensions = [(a, 'POST', yes, None, None) for a in w.suspended]
        suspensions += [(a, 'POST', yes, instant(w.now), 'POST') for a in w.agencies if a not in w.suspended and self.chance(0.1)]
        out.append(insert('ctlpr.suspension', 'agency_id, directed_by, reason, resumed_at, resumed_directed_by', suspensions))
        out.append(insert('ctlpr.network', 'network_id, name', [(n, n) for n in w.networks]))
        out.append(insert('ctlpr.network_member', 'network_id, agency_id', [(n, a) for n, members in w.networks.items() for a in members]))
        out.append(insert('ctlpr.contract', 'vendor_id, agency_id, valid_from, valid_until, ended_at, ended_reason, retention, bars_sale, signed_on',
                          [(c.vendor, c.agency, midnight(c.first_day), midnight(None if c.last_day is None else c.last_day + 1), instant(w.now) if c.ended else None,
                            yes if c.ended else None, None if c.retention is None else f'{c.retention} microseconds', True, day(c.first_day)) for c in w.contracts]))
        out.append(insert('ctlpr.sharing_limit', 'agency_id, recipient_agency, recipient_state, recipient_kind, purpose, own, lifted_at, reason',
                          [(x.agency, x.recipient, x.state, x.kind, x.purpose, x.own, instant(w.now) if x.lifted else None, yes) for x in w.limits]))
        options = sorted(w.demands_training | set(w.retention))
        out.append(insert('ctlpr.agency_option', 'agency_id, demands_training, retention',
                          [(a, a in w.demands_training, f'{w.retention[a]} microseconds' if a in w.retention else None) for a in options]))
        out.append(insert('ctlpr.officer', 'agency_id, officer, training_valid_until', [(a, o, day(d)) for (a, o), d in w.training.items()]))
        out.append(insert('model_reads', 'read_id, captured_at, plate, agency_id, camera', [(r.id, instant(r.captured_at), r.plate, r.owner, r.camera) for r in w.reads]))
        out.append('COMMIT;')
        owner = f"owner_agency => {quoted(self.single_owner)}" if self.single_owner else "agency => 'agency_id'"
        out.append(f"SELECT ctlpr.govern('model_reads', captured_at => 'captured_at', plate => 'plate', {owner}, camera => 'camera') \\g /dev/null")
        return '\n'.join(out)


def arguments(q):
    values = (('purpose', q.purpose), ('case_number', q.case_number), ('reason', q.reason), ('officer', q.officer), ('agency_id', q.agency),
              ('on_behalf_of', q.on_behalf_of), ('offense', q.offense))
    said = [f'{name} => {quoted(value)}' for name, value in values if value is not None]
    if q.instrument is not None:
        said.append(f'authorization_id => {int(q.instrument)}')
    return ', '.join(said)


def checked(session, requests):
    """What check_request() says of each: number -> (sqlstate, clause)."""
    answers = {}
    by_role = collections.defaultdict(list)
    for q in requests:
        by_role[q.role].append(q)
    for role, asked in by_role.items():
        script = [f'SET ROLE {role};']
        script += [f'SELECT {q.id}, c.allowed, c.sqlstate, c.clause FROM ctlpr.check_request({arguments(q)}) c;' for q in asked]
        script.append('RESET ROLE;')
        lines = session.ask('\n'.join(script))
        for line in lines:
            parts = line.split('\t')
            if len(parts) != 4:
                raise Failed(f'check_request: {line}')
            number, allowed, sqlstate, clause = (None if p == '\\N' else p for p in parts)
            if (allowed == 't') != (sqlstate in (None, '00000')):
                raise Failed(f'check_request contradicts itself: {line}')
            answers[int(number)] = (None if allowed == 't' else sqlstate, clause)
    if len(answers) != len(requests):
        raise Failed(f'check_request answered {len(answers)} of {len(requests)} requests')
    return answers


def begun(session, requests):
    """What comes of beginning each and reading: number -> (sqlstate, the reads, None where reading failed)."""
    answers = {}
    script = ['\\set ON_ERROR_STOP off', '\\set VERBOSITY sqlstate']
    for q in requests:
        script.append(f'\\echo request {q.id}')
        script.append(f'BEGIN; SET LOCAL ROLE {q.role};')
        script.append(f'SELECT ctlpr.begin_request({arguments(q)}) \\g /dev/null')
        script.append('\\echo begun :SQLSTATE')
        script.append("SELECT 'reads', coalesce(string_agg(r.read_id::text, ' '), '') FROM model_reads r;")
        script.append('\\echo read :SQLSTATE')
        script.append('ROLLBACK;')
    number = state = reads = None
    for line in session.ask('\n'.join(script)):
        if line.startswith('request '):
            number, state, reads = int(line[8:]), None, None
        elif line.startswith('begun '):
            state = None if line == 'begun 00000' else line[6:]
        elif line.startswith('reads\t'):
            reads = {int(n) for n in line[6:].split()}
        elif line.startswith('read '):
            answers[number] = (state, reads if line == 'read 00000' else line[5:])
        elif not line.startswith('ERROR'):
            raise Failed(f'begin_request: {line}')
    if len(answers) != len(requests):
        raise Failed(f'{len(answers)} of {len(requests)} requests came to an end')
    return answers


def shown(world, q):
    """What of the world bears on a request."""
    parties = [a for a in (*world.roles.get(q.role, ()), q.agency, q.on_behalf_of) if a]
    out = [f'role {q.role} is bound to {list(world.roles.get(q.role, ()))}']
    out += [str(world.agencies[a]) for a in dict.fromkeys(parties) if a in world.agencies]
    out += [str(d) for d in world.declarations if d.agency in parties]
    out += [str(i) for i in world.instruments.values() if i.name == q.instrument]
    out += [str(c) for c in world.contracts if c.vendor in parties]
    out += [f'network {n}: {m}' for n, m in world.networks.items() if set(m) & set(parties)]
    out += [f'suspended: {a}' for a in parties if a in world.suspended]
    out += [f'training of {k}: {d}' for k, d in world.training.items() if k[0] in parties and k[1] == q.officer]
    out += [f'demands training: {a}' for a in parties if a in world.demands_training]
    out += [str(x) for x in world.limits]
    return out


class Comparison:
    def __init__(self, session, seed, keep_going):
        self.session, self.seed, self.keep_going = session, seed, keep_going
        self.verdicts = collections.Counter()
        self.clauses = collections.Counter()
        self.combinations = self.rows_seen = self.rows = self.worlds = self.begun = self.again = self.differences = 0
        self.unbalanced = False

    def clock(self):
        answer = self.session.ask("SELECT (extract(epoch FROM now()) * 1000000)::bigint, "
                                  "(now() AT TIME ZONE 'America/New_York')::date - '0001-01-01'::date + 1;")
        return tuple(int(value) for value in answer[-1].split('\t'))

    def differ(self, number, world, q, what, model, extension, reads=()):
        self.differences += 1
        print(f'\ndifference in world {number} of seed {self.seed}: {what}', *shown(world, q), q, *reads,
              f'now {instant(world.now)}, today {day(world.today)} ({world.today})', f'SELECT ctlpr.begin_request({arguments(q)}) as {q.role}',
              f'the model says      {model}', f'the extension says  {extension}', sep='\n  ')
        print(f'again with --seed {self.seed} --world {number}', flush=True)
        return self.keep_going

    def world(self, number):
        """Compares one world; False at the first difference."""
        for _ in range(20):
            drawer = Drawer(self.seed, number, *self.clock())
            world = drawer.draw_world()
            self.session.do(drawer.sql())
            asked = [drawer.draw_request(n) for n in range(REQUESTS)]
            verdicts = {q.id: law.decide(world, q) for q in asked}
            answers = checked(self.session, asked)
            to_begin = [q for q in asked if verdicts[q.id].allowed or answers[q.id][0] is None or q.id % 5 == 0]
            results = begun(self.session, to_begin)
            ended, today = self.clock()
            if ended - world.now < LONGEST and today == world.today:
                break
            self.again += 1
        else:
            raise Failed(f'no world takes less than {LONGEST // SECOND} seconds here')
        self.worlds += 1
        for q in asked:
            verdict, (sqlstate, clause) = verdicts[q.id], answers[q.id]
            self.combinations += 1
            self.verdicts[sqlstate or 'allowed'] += 1
            self.clauses[sqlstate, clause] += 1
            if verdict.agrees(sqlstate, clause):
                continue
            if not self.differ(number, world, q, 'verdict', verdict, answers[q.id]):
                return False
        for q in to_begin:
            verdict, (sqlstate, reads) = verdicts[q.id], results[q.id]
            self.begun += 1
            if sqlstate != answers[q.id][0]:
                if not self.differ(number, world, q, 'begin_request is at odds with check_request', answers[q.id], sqlstate):
                    return False
            elif sqlstate is None and verdict.allowed:
                expected = {r.id for r in world.reads if law.sees(world, q, verdict, r)}
                self.combinations += len(world.reads)
                self.rows += len(world.reads)
                self.rows_seen += len(expected)
                wrong = world.reads if isinstance(reads, str) else [r for r in world.reads if (r.id in reads) != (r.id in expected)]
                if wrong and not self.differ(number, world, q, 'reads', sorted(expected), reads if isinstance(reads, str) else sorted(reads),
                                             [f'{r}, age {datetime.timedelta(microseconds=world.now - r.captured_at)}'
                                              for r in wrong]):
                    return False
        return True

    def report(self, seconds):
        requests = sum(self.verdicts.values())
        print(f'seed {self.seed}: {self.combinations} combinations ({requests} requests, {self.rows} reads in question, {self.rows_seen} of them shown; '
              f'{self.begun} requests begun) in {self.worlds} worlds, {seconds:.0f} s, {self.combinations / max(seconds, 0.001):.0f} a second')
        if self.again:
            print(f'{self.again} worlds took too long and were drawn again')
        for name in ('allowed', 'LP002', 'LP003', 'LP004', 'LP005', 'LP006', 'LP007'):
            count = self.verdicts[name]
            if requests >= 5000 and 100 * count < requests:
                self.unbalanced = True
            print(f'  {name:8} {count:8}  {100 * count / requests:5.1f} %   ' +
                  ', '.join(f'{clause} {n}' for (state, clause), n in sorted(self.clauses.items(), key=str) if state == name))
        if self.unbalanced:
            print('an answer that can be given was given to less than one request in a hundred')


def prepare(session):
    """The extension, the statute, the roles and the table of reads; whoever else compares in this database waits."""
    roles = ' '.join(f"CREATE ROLE {r};" for r in ROLES)
    session.do(rf'''
\set ON_ERROR_STOP on
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT pg_advisory_lock(2614) \g /dev/null
CREATE EXTENSION IF NOT EXISTS ctlpr CASCADE;
SELECT NOT EXISTS (SELECT FROM ctlpr.statute_adoption) AS fresh, to_regclass('model_reads') IS NULL AS no_table,
	to_regrole('{ROLES[0]}') IS NULL AS no_roles \gset
\if :fresh
SELECT ctlpr.adopt_statute('us-ct-2026') \g /dev/null
\endif
\if :no_roles
{roles}
\endif
\if :no_table
CREATE TABLE model_reads (read_id bigint PRIMARY KEY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera text);
GRANT SELECT ON model_reads TO PUBLIC;
INSERT INTO ctlpr.agency (agency_id, name, kind, state) VALUES ('first', 'first', 'police', 'CT') ON CONFLICT DO NOTHING;
SELECT ctlpr.govern('model_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id', camera => 'camera') \g /dev/null
\endif
''')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--combinations', type=int, default=50_000, help='how many at least (%(default)s)')
    parser.add_argument('--seed', type=int, help='to repeat a run; drawn when left out')
    parser.add_argument('--world', type=int, help='only the world of this number')
    parser.add_argument('--mutate', choices=sorted(law.MUTATIONS), help='a rule of the model to break')
    parser.add_argument('--list-mutations', action='store_true', help='the rules that --mutate breaks')
    parser.add_argument('--all', action='store_true', help='go on after a difference')
    options = parser.parse_args()
    if options.list_mutations:
        for name, meaning in law.MUTATIONS.items():
            print(f'{name}\t{meaning}')
        return 0
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f'seed {seed}', flush=True)
    if options.mutate:
        law.WRONG.add(options.mutate)
    try:
        session = Session()
        prepare(session)
        comparison = Comparison(session, seed, options.all)
        started = time.monotonic()
        number = options.world or 0
        while comparison.world(number) and options.world is None and comparison.combinations < options.combinations:
            number += 1
    except (Failed, OSError) as error:
        print(f'the comparison could not be made: {error}')
        return 2
    comparison.report(time.monotonic() - started)
    return 1 if comparison.differences else 2 if comparison.unbalanced else 0


if __name__ == '__main__':
    sys.exit(main())
