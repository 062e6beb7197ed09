"""Whether it stays as fast with many declarations, partitions and clients, where the bare table does"""
FLAT = 0.85
PARTNERS = 1200
PARTITIONS = (5, 100, 1000)
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
COMMIT = 'INSERT INTO bare.commits (n) VALUES (1);\n'


def measure(bench):
    measure_declarations(bench)
    measure_partitions(bench)
    measure_clients(bench)


def compare(bench, label, bare, governed, clients=4, user='officer', protocol='prepared'):
    """The governed rate as a share of the bare one; of enough clients that no processor falls asleep between two statements"""
    rates = bench.in_turn({'bare': lambda: bench.pgbench(bare, user, clients, protocol=protocol), 'governed': lambda: bench.pgbench(governed, user, clients, protocol=protocol)})
    for name, rate in rates.items():
        bench.keep(label, name, rate, 'per second')
    return rates['governed'] / rates['bare']


def measure_declarations(bench):
    """Searches of a declared agency of another state, among few and among many of them"""
    def declare(first, last):
        bench.administer(f"SELECT ctlpr.register_agency('MA-' || n, 'Police of town ' || n, 'police', 'MA') FROM generate_series({first}, {last}) n",
                         f"SELECT ctlpr.file_declaration('MA-' || n, 'Chief ' || n, current_date - 1) FROM generate_series({first}, {last}) n")

    declare(1, 1)
    bench.administer("CREATE ROLE partner LOGIN", 'GRANT USAGE ON SCHEMA bare, governed TO partner', 'GRANT SELECT ON ALL TABLES IN SCHEMA bare, governed TO partner',
                     "SELECT ctlpr.bind_role('partner', 'MA-1', session_scope => true)")
    bench.durability('async')
    bare = bench.seek('bare.single', "captured_at >= now() - interval '504 hours'")
    governed = bench.in_request(bench.seek('governed.single'), case_number='26-1')
    few = compare(bench, 'one declaration', bare, governed, user='partner')
    declare(2, PARTNERS)
    many = compare(bench, f'{PARTNERS} declarations', bare, governed, user='partner')
    bench.ratio(f'rate against bare, with {PARTNERS} declarations as share of that with one', many / few, FLAT)


def measure_partitions(bench):
    """Searches within an hour, which one or two partitions can answer"""
    rows = min(bench.options.rows, 200000)
    within = "captured_at >= :'from'::timestamptz AND captured_at < :'to'::timestamptz"
    source = (f"SELECT n AS read_id, now() - (n::float8 / {rows}) * interval '20 days' AS captured_at, (1000000 + n::bigint * 7919 % 8999999)::text AS plate, 'CT-NHPD' AS agency_id, (n % 200)::int AS camera_id "
              f'FROM generate_series(1, {rows}) n')
    shares = {}
    bench.durability('async')
    for count in PARTITIONS:
        for schema in ('bare', 'governed'):
            table = f'{schema}.in_{count}'
            bench.administer(
                f'CREATE TABLE {table} (read_id bigint, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, camera_id int) PARTITION BY RANGE (captured_at)',
                f"DO $$ BEGIN FOR n IN 0..{count - 1} LOOP EXECUTE format('CREATE TABLE {table}_%s PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)', n, "
                f"date 'tomorrow' - interval '21 days' / {count} * (n + 1), date 'tomorrow' - interval '21 days' / {count} * n); END LOOP; END $$",
                f'INSERT INTO {table} {source}', f'CREATE INDEX ON {table} (plate)', f'CREATE INDEX ON {table} (captured_at)', f'GRANT SELECT ON {table} TO officer', f'VACUUM ANALYZE {table}')
        bench.administer(f"SELECT ctlpr.govern('governed.in_{count}', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')")
        hour = bench.administer("SELECT now() - interval '49 hours', now() - interval '48 hours'")[0]
        limits = within.replace(":'from'", f"'{hour[0].isoformat()}'").replace(":'to'", f"'{hour[1].isoformat()}'")
        bare = bench.seek(f'bare.in_{count}', f'{bench.by_hand} AND {limits}')
        governed = bench.in_request(bench.seek(f'governed.in_{count}', limits))
        # planned for each search, so that only partitions of that hour are there
        shares[count] = compare(bench, f'{count} partitions', bare, governed, protocol='extended')
    least, most = PARTITIONS[0], PARTITIONS[-1]
    bench.ratio(f'rate against bare, over {most} partitions as share of that over {least}', shares[most] / shares[least], FLAT)


def measure_clients(bench):
    """Exact plates in one table; durable records against one-row INSERT commits of as many clients"""
    bare = bench.seek('bare.single', bench.by_hand)
    governed = bench.in_request(bench.seek('governed.single'))
    shares = {'async': {}, 'sync': {}}
    for clients in CLIENTS:
        for mode, rival in (('async', bare), ('sync', COMMIT)):
            bench.durability(mode)
            shares[mode][clients] = compare(bench, f'{clients} clients, {mode}', rival, governed, clients=clients)
    for mode, rival in (('async', 'bare'), ('sync', 'one-row INSERT commits')):
        of = shares[mode]
        bench.ratio(f'{mode}: rate against {rival}, with 64 clients as share of that with 8', of[64] / of[8], FLAT)
        bench.ratio(f'{mode}: rate against {rival}, least over 1 to 64 clients as share of the median', min(of.values()) / sorted(of.values())[len(of) // 2])
