#!/usr/bin/env python3
"""measure.py - takes the measurements of bench/run.sh.

    measure.py --rows N --rounds N --seconds N --socket DIR --data DIR --out DIR GROUP...

Each group is a module of bench/groups with a function measure(bench).  It measures rivals in turn, round by round, and keeps the
medians.  A ratio is always of two rivals of one run.
"""
import argparse
import csv
import importlib
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time

import psycopg2

GROUPS = ('searches', 'point', 'scale', 'memory', 'workload', 'ingest', 'purge', 'erase', 'log', 'screening', 'ungoverned')


class Bench:
    # What a statement on the bare tables has to demand that the policy demands of the governed ones
    by_hand = "captured_at >= now() - interval '504 hours' AND agency_id = 'CT-NHPD'"

    def __init__(self, options):
        self.options = options
        self.random = random.Random(4711)
        self.rows = []  # (group, what, measure, value, unit)
        self.ratios = []  # (group, what, ratio, goal, better)
        self.group = None
        self.failed = False

    # ---- means ----

    def connect(self, user='officer'):
        connection = psycopg2.connect(host=self.options.socket, dbname='bench', user=user)
        connection.autocommit = True
        return connection

    def administer(self, *statements):
        """Statements of a superuser; result: the rows of the last one, if it has any"""
        connection = self.connect('postgres')
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    def durability(self, mode):
        self.administer(f'ALTER SYSTEM SET ctlpr.audit_durability = {mode}', 'SELECT pg_reload_conf()', 'SELECT pg_sleep(0.3)')

    def pgbench(self, script, user, clients, seconds=None, protocol='prepared', port=5432, database='bench'):
        """Transactions a second of a script, which may ask by the variable begun whether its client has begun"""
        path = os.path.join(self.options.out, 'script.sql')
        with open(path, 'w', encoding='utf-8') as out:
            out.write(script)
        run = subprocess.run(['pgbench', '-n', '-M', protocol, '-D', 'begun=0', '-c', str(clients), '-j', str(min(clients, os.cpu_count() or 1)),
                              '-T', str(seconds or self.options.seconds), '-U', user, '-h', self.options.socket, '-p', str(port), '-f', path, database],
                             capture_output=True, text=True, check=False)
        found = re.search(r'tps = ([0-9.]+) \(without', run.stdout)
        if run.returncode != 0 or not found or 'aborted' in run.stderr:
            raise RuntimeError(f'pgbench failed: {run.stdout}{run.stderr}')
        os.remove(path)
        return float(found[1])

    @staticmethod
    def in_request(script, case_number=None):
        """The script under one request of session scope for each client, stated with its first transaction"""
        stated = f", case_number => '{case_number}'" if case_number else ''
        request = f"SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session', officer => 'badge 1'{stated})"
        return f'\\if :begun = 0\n{request};\n\\set begun 1\n\\endif\n{script}'

    def seek(self, table, condition=None):
        """A script that searches one plate that is there"""
        rows = self.options.rows
        where = f' AND {condition}' if condition else ''
        return (f'\\set n 1000000 + (random(1, {rows}) * 7919) % 8999999\n'
                f'SELECT read_id, captured_at, camera_id FROM {table} WHERE plate = :n{where};\n')

    def in_turn(self, rivals, rounds=None):
        """Medians of what the rivals' functions return, each called once a round, in an order that changes"""
        values = {name: [] for name in rivals}
        for _ in range(rounds or self.options.rounds):
            for name in self.random.sample(list(rivals), len(rivals)):
                values[name].append(rivals[name]())
        return {name: statistics.median(taken) for name, taken in values.items()}

    # ---- results ----

    def say(self, text):
        print(text, flush=True)

    def keep(self, what, measure, value, unit):
        self.rows.append((self.group, what, measure, value, unit))
        self.say(f'  {what}: {measure} {value:.4g} {unit}')

    def ratio(self, what, value, goal=None, better='higher'):
        self.ratios.append((self.group, what, value, goal, better))

    def flaw(self, text):
        self.say(f'FLAW: {text}')
        self.failed = True

    def run(self, group):
        module = importlib.import_module(f'groups.{group}')
        self.group = group
        self.say(f'{group}: {module.__doc__.splitlines()[0]}')
        self.durability('sync')
        module.measure(self)

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
        version, postgis, pgaudit = self.administer(
            "SELECT version(), postgis_lib_version(), (SELECT extversion FROM pg_extension WHERE extname = 'pgaudit')")[0]
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2 ** 30
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
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="{height}" font-family="sans-serif" font-size="12">',
             f'<text x="10" y="20" font-size="14">{group}: ratios, the line is the goal</text>']
    for number, (_, what, value, goal, better) in enumerate(ratios):
        y = 34 + 26 * number
        reached = goal is None or (value <= goal if better == 'lower' else value >= goal)
        lines.append(f'<text x="10" y="{y + 13}">{what}</text>')
        lines.append(f'<rect x="540" y="{y}" width="{value / most * 380:.1f}" height="16" fill="{"#4a7" if reached else "#c64"}"/>')
        lines.append(f'<text x="{546 + value / most * 380:.1f}" y="{y + 13}">{value:.2f}</text>')
        if goal is not None:
            x = 540 + goal / most * 380
            lines.append(f'<line x1="{x:.1f}" y1="{y - 3}" x2="{x:.1f}" y2="{y + 19}" stroke="black"/>')
    return '\n'.join(lines + ['</svg>', ''])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('rows', 'rounds', 'seconds'):
        parser.add_argument(f'--{name}', type=int, required=True)
    for name in ('socket', 'data', 'out'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--without-tree', default='')
    parser.add_argument('groups', nargs='+', choices=GROUPS)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    bench = Bench(options)
    for group in (known for known in GROUPS if known in options.groups):
        bench.run(group)
    bench.write()
    bench.report()
    sys.exit(1 if bench.failed else 0)


if __name__ == '__main__':
    main()
