"""What the Merkle tree over the log costs, and how long proofs, checkpoints and verification take over a million entries"""
import os
import statistics
import subprocess
import time

PORT = 5434
CLIENTS = 32
ENTRIES = 1000000

# An entry that somebody waits for: a request of its own transaction
REQUEST = "BEGIN;\nSELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1', reason => 'stolen from Elm Street', officer => 'badge 1');\nCOMMIT;\n"

WORLD = ("CREATE EXTENSION ctlpr CASCADE", "SELECT ctlpr.adopt_statute('us-ct-2026')", "SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT')",
         "CREATE ROLE officer LOGIN", "SELECT ctlpr.bind_role('officer', 'CT-NHPD', session_scope => true)")

# Entries of the kind that a log is full of, quickly: refused events have no outcome that would be waited for
FILL = ("SET ctlpr.audit_durability = async",
        "DO $$ BEGIN FOR i IN 1 .. {count} LOOP PERFORM ctlpr.record_event('configuration', agency_id => 'CT-NHPD', purpose => 'stolen_vehicle', "
        "reason => 'stolen from Elm Street ' || i, sqlstate => 'LP005'); END LOOP; END $$")


def sql(bench, statement, port=5432, database='bench'):
    run = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', bench.options.socket, '-p', str(port), '-U', 'postgres', '-d', database, '-c', statement],
                         check=True, capture_output=True, text=True)
    return run.stdout.strip()


def start_without_tree(bench):
    binaries = bench.options.without_tree
    data = os.path.join(os.path.dirname(bench.options.data), 'without_tree_data')
    subprocess.run([os.path.join(binaries, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '-E', 'UTF8', '-N'], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(bench.options.data, 'postgresql.conf'), encoding='utf-8') as governed, \
            open(os.path.join(data, 'postgresql.conf'), 'w', encoding='utf-8') as plain:
        plain.writelines(line for line in governed if not line.startswith(('port', 'shared_preload_libraries', 'logging_collector', 'shared_buffers')))
        plain.write(f"port = {PORT}\nshared_preload_libraries = 'ctlpr'\nshared_buffers = '512MB'\n")
    subprocess.run([os.path.join(binaries, 'pg_ctl'), '-D', data, '-l', os.path.join(data, 'log'), '-w', '-s', 'start'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for statement in WORLD:
        sql(bench, statement, PORT, 'postgres')
    return data


def entries_a_second(bench):
    """Durable entries a second, with and without the tree"""
    data = start_without_tree(bench)
    try:
        rates = bench.in_turn({'with the tree': lambda: bench.pgbench(REQUEST, 'officer', CLIENTS, protocol='simple'),
                               'without the tree': lambda: bench.pgbench(REQUEST, 'officer', CLIENTS, protocol='simple', port=PORT, database='postgres')})
    finally:
        subprocess.run([os.path.join(bench.options.without_tree, 'pg_ctl'), '-D', data, '-w', '-s', '-m', 'fast', 'stop'], check=False, stdin=subprocess.DEVNULL)
    for name, rate in rates.items():
        bench.keep(f'durable entries, {CLIENTS} clients', name, rate, 'per second')
    bench.ratio(f'durable entries, {CLIENTS} clients: rate against without the tree', rates['with the tree'] / rates['without the tree'], 0.9)
    bench.ratio(f'durable entries, {CLIENTS} clients: a second, of 10,000', rates['with the tree'] / 10000, 1.0)


def timed(bench, statement, times):
    """Median milliseconds of a statement, which may hold a random number {n}"""
    connection = bench.connect('postgres')
    cursor = connection.cursor()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        cursor.execute(statement.format(n=bench.random.randint(1, ENTRIES)))
        cursor.fetchall()
        taken.append((time.perf_counter() - started) * 1000)
    connection.close()
    return statistics.median(taken)


def verify_outside(bench, entries):
    """Entries a second of the verifier outside, on an exported log and the checkpoints"""
    log = os.path.join(bench.options.out, 'log')
    notes = os.path.join(bench.options.out, 'checkpoints')
    with open(log, 'w', encoding='utf-8') as out:
        subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'FETCH_COUNT=10000', '-h', bench.options.socket, '-U', 'postgres', '-d', 'bench', '-c', 'SELECT ctlpr.export_audit()'],
                       check=True, stdout=out)
    with open(notes, 'w', encoding='utf-8') as out:
        out.write(sql(bench, "SELECT string_agg(note, E'\\n' ORDER BY size) FROM ctlpr.checkpoints") + '\n\n')
    started = time.perf_counter()
    run = subprocess.run([os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'ctlpr-verify'), '--no-signatures', log, notes], capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if run.returncode != 0:
        bench.flaw(f'the verifier outside: {run.stdout}{run.stderr}')
    os.remove(log)
    os.remove(notes)
    return entries / taken


def measure(bench):
    entries_a_second(bench)

    connection = bench.connect('postgres')
    for statement in FILL:
        connection.cursor().execute(statement.format(count=ENTRIES))
    connection.close()
    key = os.path.join(os.path.dirname(bench.options.data), 'key.pem')
    if not os.path.exists(key):
        os.umask(0o077)
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', key], check=True, capture_output=True)
        os.umask(0o022)
    bench.administer(f"ALTER SYSTEM SET ctlpr.checkpoint_key = '{key}'", 'ALTER SYSTEM SET ctlpr.checkpoint_interval = 0', 'SELECT pg_reload_conf()', 'SELECT pg_sleep(1)')

    for what, statement, times, limit in (('inclusion proof', 'SELECT ctlpr.inclusion_proof({n})', 100, 5), ('consistency proof', 'SELECT ctlpr.consistency_proof({n})', 100, 5),
                                          ('checkpoint', 'SELECT size FROM ctlpr.audit_checkpoint()', 20, 50)):
        taken = timed(bench, statement, times)
        bench.keep(f'{what} over {ENTRIES} entries', 'median', taken, 'ms')
        bench.ratio(f'{what} over {ENTRIES} entries: time, of {limit} ms', taken / limit, 1.0, 'lower')

    entries = int(sql(bench, 'SELECT max(seq) FROM ctlpr.audit_entry'))
    started = time.perf_counter()
    if sql(bench, 'SELECT valid FROM ctlpr.verify_audit()') != 't':
        bench.flaw('verify_audit() says that the log is not valid')
    for what, rate in (('verify_audit()', entries / (time.perf_counter() - started)), ('the verifier outside', verify_outside(bench, entries))):
        bench.keep(f'{what} over {entries} entries', 'median', rate, 'per second')
        bench.ratio(f'{what}: entries a second, of 200,000', rate / 200000, 1.0)
