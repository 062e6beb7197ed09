"""COPY and INSERT of many rows by an ingest role"""
import os
import time

MANY = "INSERT INTO {t} SELECT n, now() - n * interval '1 second', 'AB' || n, 'CT-NHPD', n % 200, NULL FROM generate_series(1, 1000) n"


def measure(bench):
    copied = max(20000, bench.options.rows // 20)
    path = os.path.join(bench.options.out, 'copied')
    bench.administer(f"COPY (SELECT n, now() - (n % 86400) * interval '1 second', upper(substr(md5((n + 100000000)::text), 1, 7)), 'CT-NHPD', n % 200, NULL "
                     f"FROM generate_series(1, {copied}) n) TO '{path}'")
    cursor = bench.connect('feed').cursor()

    def rival(statement, repeats, rows):
        def run():
            started = time.perf_counter()
            for _ in range(repeats):
                cursor.execute(statement)
            return rows * repeats / (time.perf_counter() - started)
        return run

    for name, statement, repeats, rows, goal in (('COPY', f"COPY {{t}} FROM '{path}'", 1, copied, 0.95), ('INSERT of 1,000 rows', MANY, 20, 1000, 0.90)):
        rates = bench.in_turn({table: rival(statement.replace('{t}', f'{table}.reads'), repeats, rows) for table in ('bare', 'governed')})
        for table, rate in rates.items():
            bench.keep(name, table, rate, 'rows per second')
        bench.ratio(f'{name}: rate against bare', rates['governed'] / rates['bare'], goal)
    os.remove(path)
