#!/usr/bin/env python3
"""measure.py - takes the measurements of bench/run.sh.

    measure.py --rows N --rounds N --seconds N --socket DIR --data DIR --log FILE --out DIR GROUP...

Each group measures rivals in turn, round by round, and keeps the medians.  A ratio is always of two rivals of one run.
"""
import argparse
import csv
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time

import psycopg2

REQUEST = "SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session', officer => 'badge 1')"
BY_HAND = "captured_at >= now() - interval '504 hours' AND agency_id = 'CT-NHPD'"
RIVALS = ('bare', 'native', 'governed')


class Bench:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(4711)
        self.rows = []  # (group, what, measure, value, unit)
        self.ratios = []  # (group, what, ratio, goal, better)
        self.failed = False

    # ---- means ----

    def connect(self, user='officer'):
        connection = psycopg2.connect(host=self.options.socket, dbname='bench', user=user)
        connection.autocommit = True
        return connection

    def administer(self, *statements):
        connection = self.connect('postgres')
        for statement in statements:
            connection.cursor().execute(statement)
        connection.close()

    def durability(self, mode):
        self.administer(f"ALTER SYSTEM SET ctlpr.audit_durability = {mode}", 'SELECT pg_reload_conf()', 'SELECT pg_sleep(0.3)')

    def say(self, text):
        print(text, flush=True)

    def keep(self, group, what, measure, value, unit):
        self.rows.append((group, what, measure, value, unit))
        self.say(f'  {what}: {measure} {value:.4g} {unit}')

    def ratio(self, group, what, value, goal, better):
        self.ratios.append((group, what, value, goal, better))

    def pgbench(self, script, user, clients):
        path = os.path.join(self.options.out, 'script.sql')
        with open(path, 'w', encoding='utf-8') as out:
            out.write(script)
        run = subprocess.run(['pgbench', '-n', '-M', 'prepared', '-D', 'begun=0', '-c', str(clients), '-j', str(min(clients, os.cpu_count() or 1)), '-T', str(self.options.seconds),
                              '-U', user, '-h', self.options.socket, '-f', path, 'bench'], capture_output=True, text=True, check=False)
        found = re.search(r'tps = ([0-9.]+) \(without', run.stdout)
        if run.returncode != 0 or not found or 'aborted' in run.stderr:
            raise RuntimeError(f'pgbench failed: {run.stdout}{run.stderr}')
        os.remove(path)
        return float(found[1])

    # ---- groups ----

    def searches(self):
        """Searches with constants, one after the other in one session; the record as the two modes of durability have it"""
        hexadecimal = '0123456789ABCDEF'

        def letters(count):
            return ''.join(self.random.choice(hexadecimal) for _ in range(count))

        prefix = max(2, round(self.options.rows ** 0.25 / 11))
        kinds = (
            ('partial plate', 20, lambda: f"SELECT * FROM {{t}} WHERE plate LIKE '{letters(prefix + 2)}%'"),
            ('trigram', 10, lambda: f"SELECT * FROM {{t}} WHERE plate ILIKE '%{letters(4).lower()}%'"),
            ('map box', 10, lambda: "SELECT * FROM {t} WHERE place && st_makeenvelope(%s, %s, %s, %s, 4326)" % box()),
            ('ST_DWithin', 10, lambda: "SELECT * FROM {t} WHERE st_dwithin(place, st_setsrid(st_makepoint(%s, %s), 4326), 0.002)" % box()[:2]),
            ('count by camera over a day', 2, lambda: "SELECT camera_id, count(*) FROM {t} WHERE captured_at >= now() - interval '3 days' AND captured_at < now() - interval '2 days' {w}GROUP BY 1"))

        def box():
            x, y = -73.5 + self.random.randrange(190) * 0.008, 41.0 + self.random.randrange(190) * 0.004
            return x, y, x + 0.001, y + 0.001

        for mode in ('async', 'sync'):
            self.durability(mode)
            connections = {rival: self.connect() for rival in RIVALS}
            connections['governed'].cursor().execute(REQUEST)
            for name, count, make in kinds:
                times = {rival: [] for rival in RIVALS}
                for _ in range(self.options.rounds):
                    statements = [make() for _ in range(count)]
                    answers = {}
                    for rival in self.random.sample(RIVALS, len(RIVALS)):
                        cursor = connections[rival].cursor()
                        taken, answer = 0.0, []
                        for statement in statements:
                            text = statement.replace('{t}', f'{rival}.reads')
                            condition = f'AND {BY_HAND} ' if rival == 'bare' else ''
                            text = text.replace('{w}', condition) if '{w}' in text else f'{text} {condition}'
                            started = time.perf_counter()
                            cursor.execute(text)
                            found = cursor.fetchall()
                            taken += time.perf_counter() - started
                            answer.append(sorted(map(repr, found)))
                        times[rival].append(taken / count * 1000)
                        answers[rival] = answer
                    if answers['bare'] != answers['governed'] or answers['bare'] != answers['native']:
                        self.say(f'FLAW: {name}: the rivals give different answers')
                        self.failed = True
                medians = {rival: statistics.median(values) for rival, values in times.items()}
                for rival in RIVALS:
                    self.keep('searches', f'{name}, {mode}', rival, medians[rival], 'ms')
                goal = 1.10 if name.startswith('count') else 1.25
                self.ratio('searches', f'{name}, {mode}: time against bare', medians['governed'] / medians['bare'], goal, 'lower')
                self.ratio('searches', f'{name}, {mode}: time against a native policy', medians['governed'] / medians['native'], 1.0, 'lower')
            for connection in connections.values():
                connection.close()

    def point(self):
        """An exact plate, prepared, by pgbench"""
        seek = f"\\set n random(1, {self.options.rows})\nSELECT read_id, captured_at, camera_id FROM {{t}} WHERE plate = upper(substr(md5((:n)::text), 1, 7)){{w}};\n"
        bare = seek.replace('{t}', 'bare.reads').replace('{w}', f' AND {BY_HAND}')
        plain = bare
        governed = seek.replace('{t}', 'governed.reads').replace('{w}', '')
        own_row = ("BEGIN;\nINSERT INTO bare.searches (agency, purpose, sought) VALUES ('CT-NHPD', 'stolen_vehicle', 'plate');\n" + bare + 'COMMIT;\n')
        commits = "INSERT INTO bare.commits (n) VALUES (1);\n"
        for clients in (1, 8):
            runs = {'bare': (plain, 'officer', None), 'pgaudit': (plain, 'audited', None), 'governed async': (self.in_request(governed), 'officer', 'async'),
                    'governed sync': (self.in_request(governed), 'officer', 'sync'), 'own audit row': (own_row, 'officer', None), 'one-row INSERT commits': (commits, 'officer', None)}
            rates = {name: [] for name in runs}
            for _ in range(self.options.rounds):
                for name in self.random.sample(list(runs), len(runs)):
                    script, user, mode = runs[name]
                    if mode:
                        self.durability(mode)
                    rates[name].append(self.pgbench(script, user, clients))
            medians = {name: statistics.median(values) for name, values in rates.items()}
            for name, value in medians.items():
                self.keep('point', f'exact plate, {clients} clients', name, value, 'per second')
            self.ratio('point', f'{clients} clients, async: rate against bare', medians['governed async'] / medians['bare'], 0.85 if clients == 1 else 0.70, 'higher')
            self.ratio('point', f'{clients} clients, pgaudit (not durable): rate against bare', medians['pgaudit'] / medians['bare'], None, 'higher')
            self.ratio('point', f'{clients} clients, sync: rate against one-row INSERT commits', medians['governed sync'] / medians['one-row INSERT commits'], 0.85, 'higher')
            self.ratio('point', f"{clients} clients, sync: rate against an application's own audit row", medians['governed sync'] / medians['own audit row'], 1.8, 'higher')

    @staticmethod
    def in_request(script):
        """One request of session scope for a client, stated with its first transaction"""
        return f"\\if :begun = 0\n{REQUEST};\n\\set begun 1\n\\endif\n{script}"

    def ingest(self):
        """COPY and INSERT of many rows by an ingest role"""
        copied = max(20000, self.options.rows // 20)
        path = os.path.join(self.options.out, 'copied')
        self.administer(f"COPY (SELECT n, now() - (n % 86400) * interval '1 second', upper(substr(md5((n + 100000000)::text), 1, 7)), 'CT-NHPD', n % 200, NULL FROM generate_series(1, {copied}) n) TO '{path}'")
        many = "INSERT INTO {t} SELECT n, now() - n * interval '1 second', 'AB' || n, 'CT-NHPD', n % 200, NULL FROM generate_series(1, 1000) n"
        connection = self.connect('feed')
        for name, statement, repeats in (('COPY', f"COPY {{t}} FROM '{path}'", 1), ('INSERT of 1,000 rows', many, 20)):
            times = {'bare': [], 'governed': []}
            for _ in range(self.options.rounds):
                for rival in self.random.sample(list(times), 2):
                    started = time.perf_counter()
                    for _ in range(repeats):
                        connection.cursor().execute(statement.replace('{t}', f'{rival}.reads'))
                    times[rival].append((time.perf_counter() - started) / repeats)
            rows = copied if name == 'COPY' else 1000
            medians = {rival: rows / statistics.median(values) for rival, values in times.items()}
            for rival, value in medians.items():
                self.keep('ingest', name, rival, value, 'rows per second')
            self.ratio('ingest', f'{name}: rate against bare', medians['governed'] / medians['bare'], 0.95 if name == 'COPY' else 0.90, 'higher')
        connection.close()
        os.remove(path)

    def purge(self):
        """Deleting expired reads, against one plain DELETE"""
        count = max(20000, self.options.rows // 40)
        rates = {'plain DELETE': [], 'ctlpr.purge()': []}
        old = f"SELECT n, now() - interval '504 hours' - n * interval '1 millisecond', 'OLD' || n, 'CT-NHPD', n % 200, NULL FROM generate_series(1, {count}) n"
        path = os.path.join(self.options.out, 'old')
        # In the partition that is expired in part: a whole one is dropped, which is no rival to a DELETE.
        self.administer("SELECT ctlpr.start_purge('governed.reads', approved_by => 'bench')", 'SELECT pg_sleep(3)')
        for _ in range(min(3, self.options.rounds)):
            self.administer(f'INSERT INTO bare.reads {old}', f"COPY ({old}) TO '{path}'")
            connection = self.connect('postgres')
            connection.cursor().execute('SET ctlpr.restore = on')
            connection.cursor().execute(f"COPY governed.reads FROM '{path}'")
            connection.close()
            started = time.perf_counter()
            self.administer("DELETE FROM bare.reads WHERE captured_at < now() - interval '504 hours'")
            rates['plain DELETE'].append(count / (time.perf_counter() - started))
            started = time.perf_counter()
            self.administer("SELECT ctlpr.purge('governed.reads')")
            rates['ctlpr.purge()'].append(count / (time.perf_counter() - started))
        os.remove(path)
        medians = {name: statistics.median(values) for name, values in rates.items()}
        for name, value in medians.items():
            self.keep('purge', 'expired reads', name, value, 'rows per second')
        self.ratio('purge', 'purge: rate against a plain DELETE', medians['ctlpr.purge()'] / medians['plain DELETE'], 0.9, 'higher')

    def ungoverned(self):
        """pgbench on a table that nobody governs: with the library while something is governed, and without the library"""
        script = "\\set aid random(1, 100000)\nSELECT balance FROM bare.accounts WHERE aid = :aid;\n"
        rates = {'with': [], 'without': []}
        for turn in range(2 * self.options.rounds):
            name = ('with', 'without')[turn % 2]
            libraries = 'ctlpr, pgaudit' if name == 'with' else 'pgaudit'
            subprocess.run(['pg_ctl', '-D', self.options.data, '-l', self.options.log, '-o', f"-c shared_preload_libraries='{libraries}'" + ('' if name == 'with' else ' -c ctlpr.bulk_row_limit=0'),
                            '-w', '-s', 'restart'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.pgbench(script, 'officer', 2)  # into memory
            rates[name].append(self.pgbench(script, 'officer', 2))
        medians = {name: statistics.median(values) for name, values in rates.items()}
        for name, value in medians.items():
            self.keep('ungoverned', 'select of one row', f'{name} the library', value, 'per second')
        self.ratio('ungoverned', 'select of one row: rate against without the library', medians['with'] / medians['without'], 0.99, 'higher')

    # ---- results ----

    def write(self):
        stamp = time.strftime('%Y-%m-%d')
        for group in dict.fromkeys(row[0] for row in self.rows):
            with open(os.path.join(self.options.out, f'{stamp}-{group}.csv'), 'w', encoding='utf-8', newline='') as out:
                writer = csv.writer(out)
                writer.writerow(('what', 'rival', 'value', 'unit'))
                writer.writerows((what, measure, f'{value:.6g}', unit) for g, what, measure, value, unit in self.rows if g == group)
            with open(os.path.join(self.options.out, f'{stamp}-{group}.svg'), 'w', encoding='utf-8') as out:
                out.write(plot(group, [r for r in self.ratios if r[0] == group]))

    def report(self):
        connection = self.connect('postgres')
        cursor = connection.cursor()
        cursor.execute('SELECT version()')
        version = cursor.fetchone()[0]
        cursor.execute('SELECT postgis_lib_version(), (SELECT extversion FROM pg_extension WHERE extname = %s)', ('pgaudit',))
        postgis, pgaudit = cursor.fetchone()
        connection.close()
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2 ** 30
        model = ''
        with open('/proc/cpuinfo', encoding='utf-8') as info:
            model = next((line.split(':')[1].strip() for line in info if line.startswith('model name')), platform.machine())
        print(f'\n{time.strftime("%Y-%m-%d")}: {model}, {os.cpu_count()} cores, {memory:.0f} GiB; {version.split(" on ")[0]}, PostGIS {postgis}, pgaudit {pgaudit}; '
              f'{self.options.rows} reads, medians of {self.options.rounds} rounds, rivals in turn')
        print('| what | ratio | goal |\n|---|---|---|')
        for _, what, value, goal, better in self.ratios:
            print(f'| {what} | {value:.2f} | {"-" if goal is None else ("at most " if better == "lower" else "at least ") + format(goal, ".2f")} |')


def plot(group, ratios):
    """Bars of the ratios, with a mark where the goal is"""
    most = max([r[2] for r in ratios] + [r[3] or 0 for r in ratios] + [1.0]) * 1.1
    height = 40 + 26 * len(ratios)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height}" font-family="sans-serif" font-size="12">',
             f'<text x="10" y="20" font-size="14">{group}: ratios, the line is the goal</text>']
    for number, (_, what, value, goal, better) in enumerate(ratios):
        y = 34 + 26 * number
        reached = goal is None or (value <= goal if better == 'lower' else value >= goal)
        lines.append(f'<text x="10" y="{y + 13}">{what}</text>')
        lines.append(f'<rect x="440" y="{y}" width="{value / most * 380:.1f}" height="16" fill="{"#4a7" if reached else "#c64"}"/>')
        lines.append(f'<text x="{446 + value / most * 380:.1f}" y="{y + 13}">{value:.2f}</text>')
        if goal is not None:
            x = 440 + goal / most * 380
            lines.append(f'<line x1="{x:.1f}" y1="{y - 3}" x2="{x:.1f}" y2="{y + 19}" stroke="black"/>')
    return '\n'.join(lines + ['</svg>', ''])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('rows', 'rounds', 'seconds'):
        parser.add_argument(f'--{name}', type=int, required=True)
    for name in ('socket', 'data', 'log', 'out'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('groups', nargs='+', choices=('searches', 'point', 'ingest', 'purge', 'ungoverned'))
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    bench = Bench(options)
    for group in options.groups:
        bench.say(f'{group}: {getattr(bench, group).__doc__}')
        getattr(bench, group)()
    bench.write()
    bench.report()
    sys.exit(1 if bench.failed else 0)


if __name__ == '__main__':
    main()
