#!/usr/bin/env python3
"""campaign.py - runs what sqlsmith generates on the governed database and on oracles, and compares.

    campaign.py --statements N --seed S --workers W [--timeout MS] [--stop-at-first] --details FILE --socket DIR

Databases, made of schema.sql: `governed`, and for each of two scopes two oracles, `own_a`, `own_b`, `case_a`, `case_b`,
whose tables nobody governs and which hold the rows that the scope permits and no others, the two in different order.
For three of four batches sqlsmith looks at the catalog of `generator`, see generator.sql, else at that of `governed`.

A statement runs in a transaction of its own, under a request.  Two things are asked of it:

Leaks.  Whatever comes back - values, the texts of errors with DETAIL, HINT and CONTEXT, notices - is searched for what
marks the rows that the request may not see (see schema.sql).  Generated statements contain no such mark.

Differences.  Where the statement succeeds and both oracles give the same rows and the same command tag, and none of the
functions in it look at what differs between databases, then so must the governed database.  Rows are compared as
multisets.  Before a difference counts, the oracles are asked again with their rows shuffled, with other plans, and
without LIMIT, which sqlsmith sets without an order: a statement whose answer depends on any of these is not comparable.

And one of the log: a statement that gave back a mark of a permitted row has an entry under its request.

Statements are sometimes run in other ways: through a cursor, as a prepared statement with one plan for both scopes, as
COPY (...) TO STDOUT, under EXPLAIN ANALYZE.  In half of them TABLESAMPLE is taken out and subqueries of one row are given an
order, so that more can be compared.
"""
import argparse
import collections
import io
import multiprocessing
import queue
import random
import re
import struct
import subprocess
import sys
import time
import traceback

import psycopg2
import psycopg2.extensions

BATCH = 1500  # statements of one run of sqlsmith
MOST_COMPARED = 200_000  # rows; beyond, an answer is only searched
REQUESTS = {
    'own': "SELECT ctlpr.begin_request('stolen_vehicle', officer => 'badge 1')",
    'case': "SELECT ctlpr.begin_request('criminal_investigation', case_number => '26-1', reason => 'homicide', officer => 'badge 1')",
}


def marks(texts, numbers, microseconds, longitudes):
    """What shows that a value was made of rows with these marks."""
    parts = []
    for text in texts:
        parts += [text, text[::-1], text.encode().hex(), text.upper().encode().hex()]
    parts += [rf'(?<![0-9.]){number}\d{{{9 - len(number)}}}(?!\d)' for number in numbers]
    parts += [rf':\d\d\.{micro}(?!\d)' for micro in microseconds]
    for longitude in longitudes:
        parts += [re.escape(longitude.lstrip('-')), struct.pack('<d', float(longitude)).hex()]
    return re.compile('|'.join(parts), re.IGNORECASE)


NEVER = (('zqxj',), ('8877[1-4]',), ('73739[2-5]',), ('-88.776655',))
OTHERS = (('wvkq',), ('88550',), ('737391',), ('-88.556655',))
OWN = (('okpw',), ('88660',), ('737390',), ())
FORBIDDEN = {'own': marks(*(a + b for a, b in zip(NEVER, OTHERS))), 'case': marks(*NEVER)}
PERMITTED = {'own': marks(*OWN), 'case': marks(*(a + b for a, b in zip(OWN, OTHERS)))}

# What looks at more than the rows: at chance, the clock, the session, the database, its catalog, sequences, other transactions
UNCOMPARABLE = re.compile(
    r'''tablesample|\bctlpr\.|information_schema|\b(ctid|xmin|xmax|cmin|cmax|tableoid)\b|
        random|uuid|nextval|currval|lastval|setval|setseed|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|
        \bnow\(|current_(database|catalog|query|setting|date|time)|localtime|\bage\(|snapshot|xid|xact|txid|backend|
        pg_catalog\.(pg_|has_|row_security|lo_|lo|to_reg|reg|col_description|obj_description|shobj_description|format_type|currtid|
                     database_to|schema_to|table_to|query_to|cursor_to|oid|ts_|to_ts|ts|array_agg|string_agg|
                     json_agg|jsonb_agg|json_object_agg|jsonb_object_agg|xmlagg|ts_debug|nameconcatoid)|
        st_.*(cluster|random|generatepoints)|_postgis|postgis_''', re.IGNORECASE | re.VERBOSE)

# sqlsmith takes these pseudo-types for types; such a statement never gets as far as a plan.
HOPELESS = re.compile(r'as (anymultirange|anyrange|anyenum|cstring|gidx)\b')

# sqlsmith knows hardly a constant but null.
VALUES = {
    'int2': ('0', '2', '5'), 'int4': ('0', '3', '27', '60'), 'int8': ('1', '7', '12'), 'float4': ('0.5', '2'), 'float8': ('1.5', '40', '-72.9'),
    'numeric': ('0', '35.0', '3.5'), 'text': ('', 'note%', 'CT-NHPD', 'a'), 'varchar': ('26-1003', 'n', ''), 'bpchar': ('x',), 'name': ('plate',),
    'bool': ('t', 'f'), 'date': ('2026-01-01', '2024-02-03'), 'timestamptz': ('2026-01-03 00:00Z', '2030-01-01 00:00Z'), 'timestamp': ('2026-01-03 00:00',),
    'interval': ('1 day', '0'), 'jsonb': ('{}', '{"lane": 1}'), 'json': ('[1, 2]',), 'time': ('12:00',), 'geometry': ('SRID=4326;POINT(-72.9 41.2)',),
}


def as_text(value, _cursor):
    return value


def read_everything_as_text():
    oids = list(psycopg2.extensions.string_types)
    psycopg2.extensions.register_type(psycopg2.extensions.new_type(tuple(oids), 'TEXT_OF_ALL', as_text))


class Answer:
    """What came of a statement."""

    def __init__(self):
        self.rows = []
        self.tag = ''
        self.sqlstate = None
        self.messages = []
        self.lost = False
        self.unfinished = False  # the first ROLLBACK failed

    def texts(self):
        yield from self.messages
        for row in self.rows:
            yield '\x1f'.join('' if value is None else str(value) for value in row)

    def same_as(self, other):
        return self.sqlstate is None and other.sqlstate is None and self.tag == other.tag and \
            collections.Counter(map(tuple, self.rows)) == collections.Counter(map(tuple, other.rows))

    def found(self, pattern):
        for text in self.texts():
            match = pattern.search(text)
            if match:
                return text[max(0, match.start() - 60):match.end() + 60]
        return None


class Session:
    """A connection that is made again when it is lost."""

    def __init__(self, options, database, role, timeout):
        self.options = {'host': options.socket, 'dbname': database, 'user': role, 'application_name': 'sqlsmith',
                        'options': f'-c statement_timeout={timeout} -c timezone=UTC -c client_min_messages=notice -c lock_timeout=2000'}
        self.connection = None
        self.settings = []

    def cursor(self):
        if self.connection is None or self.connection.closed:
            for attempt in range(60):
                try:
                    self.connection = psycopg2.connect(**self.options)
                    break
                except psycopg2.OperationalError:
                    if attempt == 59:
                        raise
                    time.sleep(1)
            self.connection.autocommit = True
            for setting in self.settings:
                self.connection.cursor().execute(setting)
        del self.connection.notices[:]
        return self.connection.cursor()

    def use(self, settings):
        self.settings = list(settings)
        self.cursor().execute('RESET ALL; SELECT pg_advisory_unlock_all(); ' + '; '.join(settings))

    def attempt(self, steps, end, before=None):
        """Run steps in a transaction and gather what they say; before is run first and its value returned beside."""
        answer = Answer()
        first = None
        cursor = self.cursor()
        try:
            cursor.execute('BEGIN')
            if before:
                cursor.execute(before)
                first = cursor.fetchone()
            tags = []
            for step in steps:
                if step.startswith('COPY ('):
                    taken = io.StringIO()
                    cursor.copy_expert(step, taken)
                    answer.rows += [(line,) for line in taken.getvalue().splitlines()]
                else:
                    cursor.execute(step)
                    if cursor.description:
                        answer.rows += cursor.fetchall()
                tags.append(cursor.statusmessage or '')
            answer.tag = tags[-1] if len(tags) == 1 else ''
            if end == 'COMMIT':
                cursor.execute('COMMIT')
        except psycopg2.Error as error:
            answer.sqlstate = error.pgcode or ('08006' if self.connection.closed else 'XXCLI')
            answer.lost = bool(self.connection.closed) or answer.sqlstate.startswith(('08', '57P'))
            answer.messages.append(error.pgerror or str(error))
            for part in ('message_primary', 'message_detail', 'message_hint', 'context', 'column_name', 'datatype_name', 'internal_query'):
                answer.messages.append(getattr(error.diag, part) or '')
        except (UnicodeError, ValueError, MemoryError) as error:
            answer.sqlstate = 'XXCLI'
            answer.messages.append(repr(error))
        if not self.connection.closed:
            answer.messages += self.connection.notices
        # A timeout that struck too late for the statement strikes the next one.
        for _ in range(2):
            if self.connection.closed or self.connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                break
            try:
                self.connection.cursor().execute('ROLLBACK')
            except psycopg2.Error as error:
                answer.messages.append(f'at ROLLBACK: {error.pgcode} {error}')
                answer.unfinished = True
        if self.connection.closed:
            answer.lost = True
        return first, answer


MOODS = (
    [],
    ['SET enable_seqscan = off', 'SET enable_bitmapscan = off'],
    ['SET enable_indexscan = off', 'SET enable_indexonlyscan = off', 'SET enable_hashjoin = off'],
    ['SET enable_nestloop = off', 'SET enable_mergejoin = off'],
    ['SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0', 'SET min_parallel_index_scan_size = 0'],
    ['SET enable_hashagg = off', 'SET enable_material = off', 'SET enable_memoize = off', 'SET enable_partitionwise_join = on'],
)


class Worker:
    def __init__(self, options, number, events):
        self.options = options
        self.number = number
        self.events = events
        self.random = random.Random(options.seed * 1000 + number)
        self.counts = collections.Counter()
        self.states = collections.Counter()

    def generate(self, role, batch):
        database = 'generator' if batch % 4 else 'governed'
        seed = (self.options.seed * 7919 + self.number * 104729 + batch * 31) % 2_000_000_000
        return subprocess.Popen(['sqlsmith', f'--target=host={self.options.socket} port=5432 dbname={database} user={role}', '--dry-run', '--exclude-catalog',
                                 f'--seed={seed}', f'--max-queries={BATCH}'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding='utf-8')

    @staticmethod
    def statements(generator):
        pending = []
        for line in generator.stdout:
            pending.append(line)
            if line.rstrip().endswith(';'):
                yield ''.join(pending).strip().rstrip(';').strip()
                pending = []
        generator.wait()

    def value(self, match):
        values = VALUES.get(match[1])
        return f"cast('{self.random.choice(values)}' as {match[0][13:]}" if values and self.random.random() < 0.7 else match[0]

    def settle(self, statement):
        """More to compare: no samples, no subqueries of whatever row comes first, fewer nulls, fewer conditions."""
        if statement.lower().startswith('delete') and self.random.random() < 0.3:
            # What asks for no column is held back by nothing but the policy for changes.
            return re.split(r'\bwhere\b', statement)[0]
        statement = re.sub(r'tablesample \w+ \([0-9.]+\)', '', statement)
        statement = re.sub(r'cast\(null as "?(\w+)"?\)', self.value, statement)
        statement = re.sub(r'\bwhere\b', lambda match: 'where true or ' if self.random.random() < 0.3 else match[0], statement)
        return re.sub(r'\(select (\S+) from (\S+)\s+limit 1 offset (\d+)\)', r'(select \1 from \2 order by 1 limit 1 offset \3)', statement)

    def say(self, kind, text, statement):
        self.events.put((kind, text, statement, sum(self.states.values())))

    def oracle(self, scope, which, steps, shuffled=False):
        session = self.sessions[f'{scope}_{which}']
        before = 'SELECT alpr.shuffle()' if shuffled else None
        return session.attempt(steps, 'ROLLBACK', before)[1]

    def is_settled(self, scope, statement, reference):
        """Do the oracles give this answer in whatever order their rows are, whatever the plan and whatever a LIMIT left out?"""
        # A subquery of whatever row comes first may matter for very few rows.
        if re.search(r'(?<!order by 1 )limit 1 offset', statement):
            return False
        if not self.oracle(scope, 'a', [re.sub(r'\blimit \d+(?!\d| offset)', 'limit 1000000', statement)]).same_as(reference):
            return False
        for turn in range(2 * len(MOODS)):
            self.sessions[f'{scope}_{"ab"[turn % 2]}'].use(MOODS[turn // 2])
            if not self.oracle(scope, 'ab'[turn % 2], [statement], True).same_as(reference):
                return False
        return True

    def compare(self, scope, statement, answer):
        if answer.sqlstate is not None or len(answer.rows) > MOST_COMPARED:
            return
        if UNCOMPARABLE.search(statement):
            self.counts['succeeded, not comparable by rule'] += 1
            return
        first = self.oracle(scope, 'a', [statement])
        second = self.oracle(scope, 'b', [statement])
        for other in (first, second):
            if other.lost:
                self.say('crash', f'in an oracle: {other.messages[:1]}', statement)
        if not first.same_as(second):
            self.counts['an oracle failed' if first.sqlstate or second.sqlstate else 'oracles disagree'] += 1
            return
        answer.tag = answer.tag or first.tag
        if answer.same_as(first):
            self.counts['comparable'] += 1
            self.counts['comparable, with rows'] += bool(answer.rows)
            self.counts['rows compared'] += len(answer.rows)
            return
        # Both oracles ran with plans of their own; only what they always say counts.
        if not self.is_settled(scope, statement, first):
            self.counts['oracles disagree'] += 1
            return
        self.counts['comparable'] += 1
        self.counts['differences'] += 1
        extra = collections.Counter(map(tuple, answer.rows)) - collections.Counter(map(tuple, first.rows))
        missing = collections.Counter(map(tuple, first.rows)) - collections.Counter(map(tuple, answer.rows))
        self.say('difference', f'scope {scope}, {answer.tag} against {first.tag}; {sum(extra.values())} rows too many, {sum(missing.values())} missing\n'
                 f'too many: {list(extra)[:3]}\nmissing: {list(missing)[:3]}', statement)

    def judge(self, scope, request, answer, statement):
        self.states[answer.sqlstate or '00000'] += 1
        if answer.lost:
            self.counts['connections lost'] += 1
            self.say('lost', f'{answer.sqlstate} {answer.messages}', statement)
        if answer.unfinished:
            self.counts['errors at ROLLBACK'] += 1
            self.say('rollback', f'{answer.sqlstate} {answer.messages}', statement)
        leak = answer.found(FORBIDDEN[scope])
        if leak:
            self.counts['leaks'] += 1
            self.say('leak', f'scope {scope}: {leak}', statement)
        if answer.sqlstate == 'XX000':
            # PostGIS calls many of its ordinary errors internal.
            if not UNCOMPARABLE.search(statement) and not any(self.oracle(scope, which, [statement]).sqlstate for which in 'ab'):
                self.counts['internal errors of the governed database alone'] += 1
                self.say('internal', f'scope {scope}: {answer.messages[1]}', statement)
        if request and answer.found(PERMITTED[scope]):
            self.counts['gave governed rows'] += 1
            self.requests.append(request)

    def run_one(self, role, statement, modify):
        chance = self.random.random()
        scope = self.random.choice(('own', 'case'))
        governed = self.sessions['governed']
        reads_only = statement.lower().startswith('select')
        if modify:
            statement = self.settle(statement)
        if reads_only and chance < 0.08:
            steps, mode = [f'DECLARE c CURSOR FOR {statement}', 'FETCH 3 FROM c', 'FETCH ALL FROM c'], 'cursor'
        elif chance < 0.16 and not statement.lower().startswith('with'):
            mode = 'prepared'
        elif reads_only and chance < 0.20:
            steps, mode = [f'COPY ({statement}) TO STDOUT'], 'copy'
        elif chance < 0.23:
            steps, mode = [f'EXPLAIN ({self.random.choice(("ANALYZE", "COSTS"))}, VERBOSE) {statement}'], 'explain'
        else:
            steps, mode = [statement], 'plain'
        self.counts[f'run as {mode}'] += 1
        if mode == 'prepared':
            return self.run_prepared(governed, statement)
        end = 'COMMIT' if reads_only and chance > 0.8 else 'ROLLBACK'
        first, answer = governed.attempt(steps, end, REQUESTS[scope])
        self.judge(scope, first and first[0], answer, statement)
        if mode in ('plain', 'cursor') and (scope == 'own' or reads_only):
            self.compare(scope, statement, answer)
        return None

    def run_prepared(self, governed, statement):
        """One plan, first for one scope, then for the other"""
        try:
            cursor = governed.cursor()
            cursor.execute(f'SET plan_cache_mode = force_generic_plan; PREPARE p AS {statement}')
        except psycopg2.Error as error:
            answer = Answer()
            answer.sqlstate = error.pgcode or '08006'
            answer.lost = bool(governed.connection.closed)
            answer.messages = [error.pgerror or str(error), error.diag.message_primary or '']
            self.judge('own', None, answer, statement)
            return
        scopes = ['own', 'case']
        self.random.shuffle(scopes)
        for scope in scopes:
            first, answer = governed.attempt(['EXECUTE p'], 'ROLLBACK', REQUESTS[scope])
            if answer.sqlstate == '26000':  # the connection was made anew
                break
            self.judge(scope, first and first[0], answer, statement)
            if scope == 'own' or statement.lower().startswith('select'):
                self.compare(scope, statement, answer)
        if not governed.connection.closed:
            governed.connection.cursor().execute('DEALLOCATE ALL; RESET plan_cache_mode')

    def run(self):
        share = self.options.statements // self.options.workers + 1
        batch = 0
        done = 0
        roles = ['officer'] * 5 + ['officer_wide']
        generator = self.generate('officer', 0)
        while done < share:
            role = roles[batch % len(roles)]
            following = self.generate(roles[(batch + 1) % len(roles)], batch + 1)
            self.requests = []
            self.sessions = {name: Session(self.options, name, role, self.options.timeout)
                             for name in ('governed', 'own_a', 'own_b', 'case_a', 'case_b')}
            for name, session in self.sessions.items():
                session.use(MOODS[self.random.randrange(len(MOODS))])
            got = 0
            for statement in self.statements(generator):
                got += 1
                if HOPELESS.search(statement):
                    self.counts['not run: pseudo-types'] += 1
                    continue
                self.run_one(role, statement, got % 4 != 0)
                done += 1
                if done % 100 == 0 and self.options.stop.is_set():
                    done = share
                if done >= share:
                    break
            generator.kill()
            generator.stdout.close()
            generator.wait()
            generator = following
            for session in self.sessions.values():
                if session.connection:
                    session.connection.close()
            if got == 0:
                self.counts['empty batches'] += 1
                if self.counts['empty batches'] > 3:
                    self.say('stuck', 'sqlsmith generates nothing', '')
                    break
            self.events.put(('requests', self.requests, None, None))
            batch += 1
        generator.kill()
        self.events.put(('done', (self.counts, self.states), None, None))


def work(options, number, events):
    read_everything_as_text()
    try:
        Worker(options, number, events).run()
    except BaseException as error:
        events.put(('stuck', traceback.format_exc(), '', 0))
        events.put(('done', (collections.Counter(), collections.Counter()), None, None))
        raise SystemExit(1) from error


def check_log(options, requests):
    """The log's own side: numbers without gaps, an entry for every statement that gave out something"""
    connection = psycopg2.connect(host=options.socket, dbname='governed', user='postgres')
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute('SELECT FROM ctlpr.audit_entry LIMIT 1')  # waits for what is queued
    cursor.execute('SELECT count(*), min(seq), max(seq), count(*) FILTER (WHERE entry = %s) FROM ctlpr.audit_entry', ('verdict',))
    entries, least, greatest, verdicts = map(int, cursor.fetchone())
    flaws = []
    if entries != greatest - least + 1 or least != 1:
        flaws.append(f'{entries} entries numbered from {least} to {greatest}')
    cursor.execute('CREATE TEMP TABLE gave (request_seq bigint)')
    cursor.copy_expert('COPY gave FROM STDIN', io.StringIO(''.join(f'{request}\n' for request in requests)))
    cursor.execute("""SELECT count(DISTINCT g.request_seq) FILTER (WHERE NOT EXISTS (
                          SELECT FROM ctlpr.audit_entry v WHERE v.request_seq = g.request_seq AND v.entry = 'verdict' AND v.allowed
                          AND v.action <> 'request' AND v.relation LIKE 'alpr.%')), count(*)
                      FROM gave g""")
    without, gave = map(int, cursor.fetchone())
    if without:
        flaws.append(f'{without} of {gave} statements that gave governed rows have no entry')
    cursor.execute("""SELECT count(*) FROM ctlpr.audit_entry v WHERE v.entry = 'verdict' AND v.allowed AND v.relation LIKE 'alpr.%'
                      AND v.outcome IS NULL AND NOT EXISTS (SELECT FROM ctlpr.audit_entry o WHERE o.of_seq = v.seq)""")
    open_verdicts = int(cursor.fetchone()[0])
    print(f'log: {entries} entries, {verdicts} verdicts, {len(requests)} statements that gave governed rows, {open_verdicts} verdicts without an outcome')
    return flaws


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--statements', type=int, required=True)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--timeout', type=int, default=500)
    parser.add_argument('--stop-at-first', action='store_true')
    parser.add_argument('--details', required=True)
    parser.add_argument('--socket', required=True)
    options = parser.parse_args()
    options.stop = multiprocessing.Event()
    started = time.monotonic()
    read_everything_as_text()
    events = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(options, number, events)) for number in range(options.workers)]
    for worker in workers:
        worker.start()
    counts, states, seen, requests = collections.Counter(), collections.Counter(), collections.Counter(), []
    left = len(workers)
    found_at = None
    with open(options.details, 'w', encoding='utf-8') as details:
        while left:
            try:
                kind, text, statement, at = events.get(timeout=60)
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    break
                continue
            if kind == 'done':
                left -= 1
                counts.update(text[0])
                states.update(text[1])
                continue
            if kind == 'requests':
                requests += text
                print(f'{time.monotonic() - started:.0f} s: {len(requests)} statements gave governed rows so far' +
                      ''.join(f', {n} {k}' for k, n in sorted(seen.items())), flush=True)
                continue
            seen[kind] += 1
            if seen[kind] <= 200:
                details.write(f'== {kind} at {at}\n{text}\n-- statement\n{statement}\n\n')
                details.flush()
            if kind in ('leak', 'difference') and found_at is None:
                found_at = at
                print(f'first {kind} in statement {at} of a worker', flush=True)
                if options.stop_at_first:
                    options.stop.set()
    for worker in workers:
        worker.join()
    flaws = check_log(options, requests)
    total = sum(states.values())
    print(f'statements: {total} executions, {states["00000"]} without error, in {time.monotonic() - started:.0f} s, seed {options.seed}')
    print('by SQLSTATE: ' + ', '.join(f'{state} {n}' for state, n in states.most_common(40)))
    print('; '.join(f'{name}: {counts[name]}' for name in sorted(counts)))
    print(f'comparable: {counts["comparable"]}, rows compared: {counts["rows compared"]}, leaks: {counts["leaks"]}, differences: {counts["differences"]}, '
          f'connections lost: {counts["connections lost"]}')
    if total < options.statements and not options.stop_at_first:
        flaws.append(f'{total} executions are too few')
    if not counts['comparable'] or not counts['gave governed rows']:
        flaws.append('nothing was compared')
    for name, number in (('leaks', counts['leaks']), ('differences', counts['differences']), ('connections lost', counts['connections lost']),
                         ('crashes of an oracle', seen['crash']), ('workers that gave up', seen['stuck'])):
        if number:
            flaws.append(f'{number} {name}')
    for flaw in flaws:
        print(f'FLAW: {flaw}')
    sys.exit(1 if flaws else 0)


if __name__ == '__main__':
    main()
