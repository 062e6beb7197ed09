"""How fast the bytes of purged reads are erased, against a VACUUM of as much"""
import os
import time

from groups.purge import load_expired, start_purge


def megabytes(bench, table):
    return bench.administer(f"SELECT pg_total_relation_size('{table}')")[0][0] / 2 ** 20


def timed(bench, statement):
    started = time.perf_counter()
    bench.administer(statement)
    return time.perf_counter() - started


def measure(bench):
    """In one table; of the erasure, which vacuums itself, rebuilds indexes and looks at all twice, the size is counted once."""
    count = max(100000, bench.options.rows // 4)
    old = (f"SELECT n, now() - interval '504 hours' - ({count} - n) * interval '2 milliseconds', 'OLD' || n, CASE n % 4 WHEN 3 THEN 'CT-HPD' ELSE 'CT-NHPD' END, n % 200, NULL::geometry "
           f'FROM generate_series(1, {count}) n')
    path = os.path.join(bench.options.out, 'old')
    bench.administer('ALTER SYSTEM SET ctlpr.erase = on', 'ALTER SYSTEM SET ctlpr.erase_rate = 0', 'SELECT pg_reload_conf()')
    start_purge(bench, 'governed.single')
    rates = {'VACUUM': [], 'ctlpr.erase()': []}
    for _ in range(bench.options.rounds):
        bench.administer(f'INSERT INTO bare.single {old}')
        load_expired(bench, 'governed.single', old, path)
        bench.administer("DELETE FROM bare.single WHERE captured_at < now() - interval '504 hours'", "SELECT ctlpr.purge('governed.single')", 'CHECKPOINT')
        size = megabytes(bench, 'bare.single')
        rates['VACUUM'].append(size / timed(bench, 'VACUUM (INDEX_CLEANUP on, DISABLE_PAGE_SKIPPING) bare.single'))
        size = megabytes(bench, 'governed.single')
        rates['ctlpr.erase()'].append(size / timed(bench, "CALL ctlpr.erase('governed.single')"))
        pending = bench.administer("SELECT count(*) FROM ctlpr.erase_status WHERE relation = 'governed.single'::regclass AND (erased_through IS NULL OR pending_reads > 0 OR waiting_for IS NOT NULL)")[0][0]
        if pending:
            bench.flaw('the erasure is not done')
    medians = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
    for name, value in medians.items():
        bench.keep('erasure of a table and its indexes', name, value, 'MB per second')
    bench.ratio('erasure: MB a second against VACUUM', medians['ctlpr.erase()'] / medians['VACUUM'])
