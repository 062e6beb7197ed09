"""A mixed workload in the manner of GDPRbench: administrator, investigator, registrant and auditor

The roles are those that GDPRbench calls controller, processor, customer and regulator; its keys are plates.  The rival is an
application on the bare tables that keeps its own record in the same transaction and puts the conditions into its statements by
hand.  Reported are, as there, correctness (the share of answers that are those of an oracle), completion time, and space.
"""
import time

import psycopg2

OPERATIONS = 100  # of each role
LIVE = "captured_at >= now() - interval '504 hours'"


class Search:
    """One search: what it selects, on which condition, and what an oracle finds for it"""

    def __init__(self, what, condition, plate=None, with_case=False, grouping=''):
        self.what, self.condition, self.plate, self.with_case, self.grouping = what, condition, plate, with_case, grouping

    def on_bare(self):
        owned = '' if self.with_case else " AND agency_id = 'CT-NHPD'"
        return f'SELECT {self.what} FROM bare.reads WHERE {self.condition} AND {LIVE}{owned} {self.grouping}'

    def on_governed(self):
        return f'SELECT {self.what} FROM governed.reads WHERE {self.condition} {self.grouping}'


def answer(cursor, statement, values=None):
    cursor.execute(statement, values)
    return sorted(map(repr, cursor.fetchall()))


class Application:
    record, table = 'bare.searches', 'bare.reads'

    def __init__(self, bench):
        self.started = bench.administer('SELECT now()')[0][0]
        self.officer, self.feed, self.auditor = (bench.connect(user).cursor() for user in ('officer', 'feed', 'reviewer'))

    def search(self, search, purpose='stolen_vehicle'):
        self.officer.execute('BEGIN')
        self.officer.execute("INSERT INTO bare.searches (agency, purpose, sought) VALUES ('CT-NHPD', %s, %s)", (purpose, search.plate))
        found = answer(self.officer, search.on_bare())
        self.officer.execute('COMMIT')
        return found

    def search_by_registrant(self, search):
        return self.search(search, 'registrant_request')

    def ingest(self, values):
        self.feed.execute(f'INSERT INTO bare.reads VALUES {values}')

    def count_searches(self, plate):
        return answer(self.auditor, "SELECT count(*) FROM bare.searches WHERE sought = %s AND purpose = 'stolen_vehicle' AND at >= %s", (plate, self.started))


class Governed:
    record, table = 'ctlpr.audit_entry', 'governed.reads'

    def __init__(self, bench):
        self.bench = bench
        self.started = bench.administer('SELECT now()')[0][0]
        self.officer, self.feed, self.auditor = (bench.connect(user).cursor() for user in ('officer', 'feed', 'reviewer'))

    def search(self, search, purpose='stolen_vehicle', authorization=None):
        self.officer.execute('BEGIN')
        try:
            self.officer.execute("SELECT ctlpr.begin_request(%s, officer => 'badge 1', reason => 'bench', case_number => %s, authorization_id => %s)",
                                 (purpose, '26-1' if search.with_case else None, authorization))
            found = answer(self.officer, search.on_governed())
            self.officer.execute('COMMIT')
            return found
        except psycopg2.Error as error:
            self.officer.execute('ROLLBACK')
            return error.pgcode

    def search_by_registrant(self, search):
        number = self.bench.administer(f"SELECT ctlpr.authorize('registrant', 'CT-NHPD', plates => '{{{search.plate}}}', captured => tstzrange(now() - interval '20 days 23 hours', now()), "
                                       "registrants => '{A}', consenting => '{A}')")[0][0]
        return self.search(search, 'registrant_request', number)

    def ingest(self, values):
        self.feed.execute(f'INSERT INTO governed.reads VALUES {values}')

    def count_searches(self, plate):
        return answer(self.auditor, "SELECT count(*) FROM ctlpr.audit_log WHERE plates = ARRAY[%s] AND action = 'select' AND purpose = 'stolen_vehicle' AND at >= %s", (plate, self.started))


# ---- what the roles do: pairs of the right answer, or how to find it, and the operation ----

def administrator(bench, searches):
    """Reads come in; one time in ten somebody states a forbidden purpose, and has to be refused"""
    def ingest(first):
        values = ', '.join(f"({first + n}, now(), 'IN{first + n}', 'CT-NHPD', 1, NULL)" for n in range(50))
        return lambda rival: rival.ingest(values)

    return [('LP004', lambda rival: rival.search(searches[0], 'immigration_enforcement')) if number % 10 == 9 else (None, ingest(10 ** 9 + number * 50)) for number in range(OPERATIONS)]


def investigator(bench, searches):
    """By plate, by part of one, by place, by day; own reads without a case, all of the state's with one"""
    return [(lambda s=search: answer(bench.connect('postgres').cursor(), s.on_bare()), lambda rival, s=search: rival.search(s)) for search in searches]


def registrant(bench, searches):
    """All reads of the own plate"""
    own = [Search('read_id, captured_at', f"plate = '{search.plate}'", search.plate, True) for search in searches if search.plate]
    return [(lambda s=search: answer(bench.connect('postgres').cursor(), s.on_bare()), lambda rival, s=search: rival.search_by_registrant(s)) for search in own]


def auditor(bench, searches):
    """How often was a plate searched for since then?"""
    plates = [search.plate for search in searches if search.plate]
    return [([repr((plates.count(plate),))], lambda rival, p=plate: rival.count_searches(p)) for plate in plates]


def make_searches(bench):
    searches = []
    for number in range(OPERATIONS):
        plate = str(1000000 + bench.random.randrange(1, bench.options.rows + 1) * 7919 % 8999999)
        x, y = -73.5 + bench.random.randrange(190) * 0.008, 41.0 + bench.random.randrange(190) * 0.004
        with_case = number % 3 == 0
        searches += [
            Search('read_id, captured_at', f"plate = '{plate}'", plate, with_case),
            Search('read_id, captured_at', f"plate LIKE '{plate[:6]}%'", None, with_case),
            Search('read_id, captured_at', f'place && st_makeenvelope({x}, {y}, {x + 0.001}, {y + 0.001}, 4326)', None, with_case)]
    days = [Search('camera_id, count(*)', f"captured_at >= now()::date - {day + 1} AND captured_at < now()::date - {day}", None, day % 2 == 0, 'GROUP BY 1') for day in range(1, 6)]
    return bench.random.sample(searches, OPERATIONS - len(days)) + days


def measure(bench):
    bench.administer('CREATE ROLE reviewer LOGIN', "SELECT ctlpr.bind_auditor('reviewer')", 'GRANT USAGE ON SCHEMA bare TO reviewer', 'GRANT SELECT ON bare.searches TO reviewer')
    searches = make_searches(bench)
    rivals = {'application': Application(bench), 'governed': Governed(bench)}
    before = {name: bench.administer(f"SELECT pg_total_relation_size('{rival.record}')")[0][0] for name, rival in rivals.items()}
    done = 0
    for role in (administrator, investigator, registrant, auditor):
        operations = role(bench, searches)
        done += len(operations)
        taken = {}
        for name, rival in rivals.items():
            right, taken[name] = 0, 0.0
            for expected, operation in operations:
                started = time.perf_counter()
                found = operation(rival)
                taken[name] += time.perf_counter() - started
                right += found == (expected() if callable(expected) else expected)
            bench.keep(f'{role.__name__}: right answers', name, 100 * right / len(operations), 'percent')
            bench.keep(f'{role.__name__}: completion of {len(operations)} operations', name, taken[name] * 1000, 'ms')
            if name == 'governed' and right != len(operations):
                bench.flaw(f'{role.__name__}: {len(operations) - right} answers are not those of the oracle')
        bench.ratio(f'{role.__name__}: completion time against an application on bare tables', taken['governed'] / taken['application'], None, 'lower')
    for name, rival in rivals.items():
        grown = bench.administer(f"SELECT pg_total_relation_size('{rival.record}')")[0][0] - before[name]
        data = bench.administer(f"SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('{rival.table}') WHERE isleaf")[0][0]
        bench.keep('space', f'{name}: record of an operation', grown / done / 1024, 'kB')
        bench.keep('space', f'{name}: reads with their indexes', float(data) / 2 ** 20, 'MB')
