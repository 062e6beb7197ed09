"""Searches with constants, one after the other in one session; the record as the two modes of durability have it"""
import math
import statistics
import time

REQUEST = "SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session', officer => 'badge 1')"
RIVALS = ('bare', 'native', 'governed')
DAY = "captured_at >= now() - interval '3 days' AND captured_at < now() - interval '2 days'"


def measure(bench):
    def digits(count):
        return str(bench.random.randrange(10 ** (count - 1), 10 ** count))

    def corner():
        return -73.5 + bench.random.randrange(190) * 0.008, 41.0 + bench.random.randrange(190) * 0.004

    def box():
        x, y = corner()
        return f'st_makeenvelope({x}, {y}, {x + 0.001}, {y + 0.001}, 4326)'

    def point():
        return 'st_setsrid(st_makepoint(%s, %s), 4326)' % corner()

    # as many digits as leave a handful of reads
    beginning = round(math.log10(bench.options.rows / 45)) + 1
    part = round(math.log10(bench.options.rows)) - 1
    kinds = (  # name, statements a round, condition, rest, goal against bare
        ('partial plate', 20, lambda: f"plate LIKE '{digits(beginning)}%'", '*', '', 1.25),
        ('trigram', 10, lambda: f"plate ILIKE '%{digits(part)}%'", '*', '', 1.25),
        ('map box', 10, lambda: f'place && {box()}', '*', '', 1.25),
        ('ST_DWithin', 10, lambda: f'st_dwithin(place, {point()}, 0.002)', '*', '', 1.25),
        ('count by camera over a day', 2, lambda: DAY, 'camera_id, count(*)', 'GROUP BY 1', 1.10))

    for mode in ('async', 'sync'):
        bench.durability(mode)
        cursors = {rival: bench.connect().cursor() for rival in RIVALS}
        cursors['governed'].execute(REQUEST)
        for name, count, condition, columns, rest, goal in kinds:
            times = {rival: [] for rival in RIVALS}
            for _ in range(bench.options.rounds):
                conditions = [condition() for _ in range(count)]
                answers = {}
                for rival in bench.random.sample(RIVALS, len(RIVALS)):
                    by_hand = f' AND {bench.by_hand}' if rival == 'bare' else ''
                    # a native policy takes seconds for what takes the others milliseconds
                    asked = conditions[:2] if rival == 'native' else conditions
                    taken, answers[rival] = 0.0, []
                    for stated in asked:
                        started = time.perf_counter()
                        cursors[rival].execute(f'SELECT {columns} FROM {rival}.reads WHERE {stated}{by_hand} {rest}')
                        found = cursors[rival].fetchall()
                        taken += time.perf_counter() - started
                        answers[rival].append(sorted(map(repr, found)))
                    times[rival].append(taken / len(asked) * 1000)
                if answers['bare'] != answers['governed'] or answers['bare'][:2] != answers['native']:
                    bench.flaw(f'{name}: the rivals give different answers')
            medians = {rival: statistics.median(values) for rival, values in times.items()}
            for rival in RIVALS:
                bench.keep(f'{name}, {mode}', rival, medians[rival], 'ms')
            bench.ratio(f'{name}, {mode}: time against bare', medians['governed'] / medians['bare'], goal, 'lower')
            bench.ratio(f'{name}, {mode}: time against a native policy', medians['governed'] / medians['native'], 1.0, 'lower')
