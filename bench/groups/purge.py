"""Deleting expired reads against one plain DELETE, and how long others wait for purge's locks"""
import os
import threading
import time

DEADLINE_MS = 50
EXPIRED_DAYS = range(23, 30)  # partitions of the world that are expired as a whole


def measure(bench):
    measure_rate(bench)
    measure_waits(bench)


def load_expired(bench, table, query, path):
    """Reads that are past their retention get in by a restore alone."""
    bench.administer(f"COPY ({query}) TO '{path}'", 'SET ctlpr.restore = on', f"COPY {table} FROM '{path}'")
    os.remove(path)


def start_purge(bench, table):
    bench.administer(f"SELECT ctlpr.start_purge('{table}', approved_by => 'bench')", 'SELECT pg_sleep(3)')


def measure_rate(bench):
    """In one table: a partition that is expired as a whole is dropped, which is no rival to a DELETE."""
    count = max(100000, bench.options.rows // 4)
    old = (f"SELECT n, now() - interval '504 hours' - ({count} - n) * interval '2 milliseconds', 'OLD' || n, CASE n % 4 WHEN 3 THEN 'CT-HPD' ELSE 'CT-NHPD' END, n % 200, NULL::geometry "
           f'FROM generate_series(1, {count}) n')
    path = os.path.join(bench.options.out, 'old')
    start_purge(bench, 'governed.single')
    rates = {'plain DELETE': [], 'ctlpr.purge()': []}
    for _ in range(bench.options.rounds):
        bench.administer(f'INSERT INTO bare.single {old}')
        load_expired(bench, 'governed.single', old, path)
        # The dead rows of the round before are autovacuum's business, which is off here.
        bench.administer('VACUUM bare.single', 'VACUUM governed.single', 'CHECKPOINT')
        for name, statement in (('plain DELETE', "DELETE FROM bare.single WHERE captured_at < now() - interval '504 hours'"), ('ctlpr.purge()', "SELECT ctlpr.purge('governed.single')")):
            started = time.perf_counter()
            bench.administer(statement)
            rates[name].append(count / (time.perf_counter() - started))
        certified = bench.administer('SELECT sum(rows_deleted) FROM ctlpr.purges WHERE relation_name = $$governed.single$$')[0][0]
        if certified != count * len(rates['plain DELETE']):
            bench.flaw(f'{certified} deleted reads are certified')
    medians = {name: sorted(values)[len(values) // 2] for name, values in rates.items()}
    for name, value in medians.items():
        bench.keep('purge of expired reads', name, value, 'rows per second')
    bench.ratio('purge: rate against a plain DELETE', medians['ctlpr.purge()'] / medians['plain DELETE'], 0.9)


class Session(threading.Thread):
    """Statements without a pause, until told to stop"""

    def __init__(self, bench, user, begin, statement, pause=0.0):
        super().__init__(daemon=True)
        self.connection = bench.connect(user)
        self.cursor = self.connection.cursor()
        self.statement, self.pause, self.stopped, self.longest = statement, pause, False, 0.0
        if begin:
            self.cursor.execute(begin)

    def run(self):
        while not self.stopped:
            started = time.perf_counter()
            self.cursor.execute(self.statement)
            self.longest = max(self.longest, time.perf_counter() - started)
            time.sleep(self.pause)

    def stop(self):
        self.stopped = True
        self.join()
        self.connection.close()


def longest_wait(bench, purge):
    """The longest that pg_locks shows anybody but the purge worker to have waited, in milliseconds, while purge() runs"""
    done = threading.Event()

    def work():
        purge()
        done.set()

    worker = threading.Thread(target=work)
    cursor = bench.connect('postgres').cursor()
    longest = 0.0
    worker.start()
    while not done.is_set():
        cursor.execute("SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)) * 1000, 0)::float8 FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                       "WHERE NOT l.granted AND l.locktype = 'relation' AND a.backend_type = 'client backend'")
        longest = max(longest, cursor.fetchone()[0])
    worker.join()
    return longest


def measure_waits(bench):
    """Partitions are dropped while others read and write, one of them in transactions that hold their locks for a while."""
    request = "SELECT ctlpr.begin_request('stolen_vehicle', scope => 'session', officer => 'badge 1')"
    read = "SELECT count(*) FROM governed.reads WHERE plate = '1000000'"
    write = "INSERT INTO governed.reads SELECT 1, now(), 'AB12345', 'CT-NHPD', 1, NULL"
    path = os.path.join(bench.options.out, 'old')
    start_purge(bench, 'governed.reads')
    waits = []
    dropped = 0
    for _ in range(bench.options.rounds):
        bench.administer(*(f"CREATE TABLE IF NOT EXISTS governed.reads_{day} PARTITION OF governed.reads FOR VALUES FROM (date 'tomorrow' - {day}) TO (date 'tomorrow' - {day} + 1)" for day in EXPIRED_DAYS))
        load_expired(bench, 'governed.reads', f"SELECT n, date 'tomorrow' - {EXPIRED_DAYS[0]} - n % {len(EXPIRED_DAYS)} + interval '1 hour', 'OLD' || n, 'CT-NHPD', 1, NULL::geometry FROM generate_series(1, 70000) n", path)
        sessions = [Session(bench, 'officer', request, read), Session(bench, 'feed', None, write),
                    Session(bench, 'officer', request, f'BEGIN; {read}; SELECT pg_sleep(0.1); COMMIT', pause=0.05)]
        for session in sessions:
            session.start()
        time.sleep(1)
        waits.append(longest_wait(bench, lambda: bench.administer("SELECT ctlpr.purge('governed.reads')")))
        for session in sessions:
            session.stop()
        # what could not be dropped among the readers goes without them
        bench.administer("SELECT ctlpr.purge('governed.reads')")
        dropped = bench.administer('SELECT sum(partitions_dropped) FROM ctlpr.purges WHERE relation_name = $$governed.reads$$')[0][0]
    bench.keep('purge', 'partitions dropped', dropped, 'partitions')
    bench.keep('purge', 'longest wait for its locks', max(waits), 'ms')
    bench.ratio(f'purge: longest wait for its locks, of {DEADLINE_MS} ms', max(waits) / DEADLINE_MS, 1.0, 'lower')
