"""What it costs to screen a reason: on a request, and against terms that are regular expressions"""
import time

# As officers write them; no plate, no name
REASONS = ('stolen vehicle from Elm Street', 'Motor Vehicle Theft/Stolen - recovered in New Haven', 'hit and run investigation, dark sedan', 'missing endangered juvenile',
           'assault on an ICE agent at the courthouse', 'burglary suspect vehicle', '26-10423', 'investigation', 'Larceny/Theft Offenses - catalytic converters',
           'warrant service for robbery, armed', 'road rage with a firearm on Route 15', 'slid on ice into a pole and left', 'DUI, refused to stop', 'shots fired call')

# A verdict on a request, over and over, with a text that is screened or with the same one that is not
REQUESTS = "DO $$ BEGIN FOR i IN 1 .. {count} LOOP PERFORM ctlpr.check_request('stolen_vehicle', {argument} => (ARRAY[{texts}])[1 + i % {many}], officer => 'badge 1'); END LOOP; END $$"


def seconds(bench, statement, *arguments):
    connection = bench.connect('postgres')
    cursor = connection.cursor()
    cursor.execute(statement, arguments)
    started = time.perf_counter()
    cursor.execute(statement, arguments)
    found = cursor.fetchone()[0]
    taken = time.perf_counter() - started
    connection.close()
    return taken, found


def measure(bench):
    many = 20000
    bench.administer('CREATE TABLE IF NOT EXISTS bench_reason (n int, reason text)', 'TRUNCATE bench_reason',
                     'INSERT INTO bench_reason SELECT n, (ARRAY[' + ', '.join("'" + reason + "'" for reason in REASONS) + f'])[1 + n % {len(REASONS)}] FROM generate_series(1, {many}) n')
    # The same words as regular expressions, as an application would keep them
    bench.administer('CREATE TABLE IF NOT EXISTS bench_term (pattern text)', 'TRUNCATE bench_term',
                     r"INSERT INTO bench_term SELECT '\m' || replace(replace(regexp_replace(pattern, '[@^$#?+]', '', 'g'), ' .. ', '.*'), ' ', '\s+') || '\M' "
                     "FROM ctlpr.screen_term WHERE statute = 'us-ct-2026' AND action IN ('refuse', 'flag')")

    def ours():
        return seconds(bench, 'SELECT count(*) FROM bench_reason b CROSS JOIN LATERAL ctlpr.screen_reason(b.reason || b.n) s')[0] / many * 1e6

    def expressions():
        return seconds(bench, 'SELECT count(*) FROM (SELECT * FROM bench_reason LIMIT 2000) b WHERE EXISTS (SELECT FROM bench_term t WHERE b.reason || b.n ~* t.pattern)')[0] / 2000 * 1e6

    taken = bench.in_turn({'screen_reason()': ours, 'regular expressions': expressions})
    for name, value in taken.items():
        bench.keep('screening a reason', name, value, 'us')
    bench.ratio('screening a reason: time against regular expressions', taken['screen_reason()'] / taken['regular expressions'], 1.0, 'lower')
    bench.ratio('screening a reason: time, of 50 us', taken['screen_reason()'] / 50, 1.0, 'lower')

    longest = [seconds(bench, 'SELECT count(*) FROM ctlpr.screen_reason(%s)', text)[0] * 1000
               for text in ('\u0456\u0441\u0435 ' * 585, '\u0456 \u0441 \u0435 ' * 450, 'assault ' * 512, '\u0438' * 2048)]
    bench.keep('screening four kilobytes of look-alike letters', 'longest', max(longest), 'ms')

    def verdicts(argument):
        connection = bench.connect()
        cursor = connection.cursor()
        statement = REQUESTS.format(count=many, argument=argument, texts=', '.join(f"'{reason}'" for reason in REASONS), many=len(REASONS))
        cursor.execute(statement)
        started = time.perf_counter()
        cursor.execute(statement)
        used = time.perf_counter() - started
        connection.close()
        return used / many * 1e6

    taken = bench.in_turn({'with a reason': lambda: verdicts('reason'), 'without one': lambda: verdicts('terminal')})
    for name, value in taken.items():
        bench.keep('verdict on a request', name, value, 'us')
    bench.ratio('verdict on a request: more time with a reason, of 50 us', (taken['with a reason'] - taken['without one']) / 50, 1.0, 'lower')
