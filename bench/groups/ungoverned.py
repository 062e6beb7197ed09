"""pgbench on a table that nobody governs: on the server with the library, where others are governed, and on one without it"""
import os
import subprocess

PORT = 5433
SELECT = '\\set aid random(1, 100000)\nSELECT balance FROM accounts WHERE aid = :aid;\n'
MAKE = 'CREATE TABLE accounts (aid int PRIMARY KEY, balance int); INSERT INTO accounts SELECT n, 0 FROM generate_series(1, 100000) n; VACUUM ANALYZE accounts'

# Many short runs, since the machine itself changes its mind more often than the servers do
RUNS = 8


def measure(bench):
    data = os.path.join(os.path.dirname(bench.options.data), 'plain')
    settings = os.path.join(data, 'postgresql.conf')
    subprocess.run(['initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '-E', 'UTF8', '-N'], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(bench.options.data, 'postgresql.conf'), encoding='utf-8') as governed, open(settings, 'w', encoding='utf-8') as plain:
        plain.writelines(line for line in governed if not line.startswith(('ctlpr.', 'shared_preload_libraries', 'logging_collector')))
        plain.write(f"port = {PORT}\nshared_preload_libraries = 'pgaudit'\n")
    subprocess.run(['pg_ctl', '-D', data, '-l', os.path.join(data, 'log'), '-w', '-s', 'start'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for port, database in ((5432, 'bench'), (PORT, 'postgres')):
            for statement in MAKE.split('; '):
                subprocess.run(['psql', '-X', '-q', '-h', bench.options.socket, '-p', str(port), '-U', 'postgres', '-d', database, '-c', statement], check=True)
        for clients in (1, 2):
            rates = bench.in_turn({
                'with the library': lambda: bench.pgbench(SELECT, 'postgres', clients, seconds=2),
                'without the library': lambda: bench.pgbench(SELECT, 'postgres', clients, seconds=2, port=PORT, database='postgres')}, rounds=RUNS)
            label = f'ungoverned select of one row, {clients} client{"s" if clients > 1 else ""}'
            for name, rate in rates.items():
                bench.keep(label, name, rate, 'per second')
            bench.ratio(f'{label}: rate against without the library', rates['with the library'] / rates['without the library'], 0.99)
    finally:
        subprocess.run(['pg_ctl', '-D', data, '-w', '-s', '-m', 'fast', 'stop'], check=False, stdin=subprocess.DEVNULL)
