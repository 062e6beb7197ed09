"""An exact plate, prepared, by pgbench: over partitions by day, and in one table"""
COMMIT = 'INSERT INTO bare.commits (n) VALUES (1);\n'
OWN_ROW = "INSERT INTO bare.searches (agency, purpose, sought) VALUES ('CT-NHPD', 'stolen_vehicle', 'plate');\n"


def measure(bench):
    def rival(script, user, clients, mode=None):
        def run():
            if mode:
                bench.durability(mode)
            return bench.pgbench(script, user, clients)
        return run

    for shape, table in (('31 partitions', 'reads'), ('one table', 'single')):
        bare = bench.seek(f'bare.{table}', bench.by_hand)
        governed = bench.in_request(bench.seek(f'governed.{table}'))
        for clients in (1, 8):
            rates = bench.in_turn({
                'bare': rival(bare, 'officer', clients),
                'pgaudit': rival(bare, 'audited', clients),
                'governed async': rival(governed, 'officer', clients, 'async'),
                'governed sync': rival(governed, 'officer', clients, 'sync'),
                'own audit row': rival(f'BEGIN;\n{OWN_ROW}{bare}COMMIT;\n', 'officer', clients),
                'one-row INSERT commits': rival(COMMIT, 'officer', clients)})
            label = f'exact plate, {shape}, {clients} client{"s" if clients > 1 else ""}'
            for name, rate in rates.items():
                bench.keep(label, name, rate, 'per second')
            bench.ratio(f'{label}, async: rate against bare', rates['governed async'] / rates['bare'], 0.85 if clients == 1 else 0.70)
            bench.ratio(f'{label}, pgaudit (not durable): rate against bare', rates['pgaudit'] / rates['bare'])
            bench.ratio(f'{label}, sync: rate against one-row INSERT commits', rates['governed sync'] / rates['one-row INSERT commits'], 0.85)
            bench.ratio(f"{label}, sync: rate against an application's own audit row", rates['governed sync'] / rates['own audit row'], 1.8)
            bench.ratio(f'{label}, bare (no record): rate against one-row INSERT commits', rates['bare'] / rates['one-row INSERT commits'])
