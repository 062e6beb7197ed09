"""What the queue takes of shared memory, and the caches of a backend"""
AGENCIES = 5000
CACHES_KB = 1024


def measure(bench):
    def shared():
        return bench.administer("SELECT allocated_size FROM pg_shmem_allocations WHERE name = 'ctlpr'")[0][0]

    before = shared()
    known = bench.administer('SELECT count(*) FROM ctlpr.agency')[0][0]
    bench.administer(
        f"SELECT ctlpr.register_agency('CT-' || n, 'Police of town ' || n, 'police', 'CT') FROM generate_series(1, {AGENCIES - known}) n",
        'CREATE TABLE governed.of_many (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, part int)',
        "INSERT INTO governed.of_many SELECT now() - interval '1 hour', 'AB12345', agency_id, row_number() OVER () % 10 FROM ctlpr.agency",
        'GRANT SELECT ON governed.of_many TO officer', 'GRANT pg_read_all_stats TO officer',
        "SELECT ctlpr.govern('governed.of_many', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')")
    cursor = bench.connect().cursor()
    cursor.execute("SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1', scope => 'session', officer => 'badge 1')")
    # a hundred searches that stay prepared, over partitions
    for number in range(100):
        cursor.execute(f'PREPARE seek_{number} (text) AS SELECT count(*) FROM governed.reads WHERE plate = $1')
        for _ in range(7):
            cursor.execute(f"EXECUTE seek_{number} ('{1000000 + number}')")
    # a tenth of the agencies after the other; the caches are largest somewhere on the way
    met, caches = 0, []
    for part in range(10):
        cursor.execute('SELECT count(*) FROM governed.of_many WHERE part = %s', (part,))
        met += cursor.fetchone()[0]
        cursor.execute("SELECT name, sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name LIKE 'ctlpr%' GROUP BY 1 ORDER BY 2 DESC")
        caches = max(caches, cursor.fetchall(), key=lambda found: sum(size for _, size in found))
    if met != AGENCIES:
        bench.flaw(f'reads of {met} agencies are seen, not of {AGENCIES}')
    for name, size in caches:
        bench.keep(f'caches of a backend, {AGENCIES} agencies met', name, size / 1024, 'kB')
    total = float(sum(size for _, size in caches)) / 1024
    bench.keep(f'caches of a backend, {AGENCIES} agencies met', 'all', total, 'kB')
    bench.ratio(f'memory: caches of a backend that meets {AGENCIES} agencies, of {CACHES_KB} kB', total / CACHES_KB, 1.0, 'lower')
    bench.keep('shared memory', 'after', shared() / 1024, 'kB')
    bench.ratio('memory: shared memory after all this, of what it was at the start', shared() / before, 1.0, 'lower')
