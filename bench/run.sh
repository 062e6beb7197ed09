#!/usr/bin/env bash
# run.sh - what the policy and its record cost, against rivals that run beside it on the same server.
#
#   PG_CONFIG  the server to measure
#   ROWS       reads in each rival's table (default 4000000)
#   ROUNDS     how often each measurement is taken, rivals in turn (default 5)
#   SECONDS_EACH  how long each run of pgbench takes (default 5)
#   ONLY       groups to run, of: searches point scale memory workload ingest purge erase log screening ungoverned (default all)
#   RESULTS    where the figures go (default bench/results)
#
# Prints one table of ratios with the machine and the versions; writes a CSV file and a plot (SVG) for each group.  The exit
# status tells whether everything ran and all rivals gave the same answers, not how fast.
. "$(dirname "${BASH_SOURCE[0]}")/../test/lib.sh"

rows=${ROWS:-4000000}
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
only=${ONLY:-searches point scale memory workload ingest purge erase log screening ungoverned}
results=${RESULTS:-$root/bench/results}
for number in "$rows" "$rounds" "$seconds"; do
	[[ $number =~ ^[0-9]+$ ]] || die "not a number: $number"
done
[ "$rows" -ge 10000 ] || die "ROWS must be 10000 at least"

find_server gcc make libc6-dev libicu-dev libssl-dev openssl python3 python3-psycopg2 util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 \
	postgresql-N-postgis-3-scripts postgresql-N-pgaudit
make_work bench
cp -a "$root/bench" "$work/bench"
if [[ " $only " == *" log "* ]]; then
	# The library once more, storing entries without the Merkle tree: the rival of the group log
	mkdir "$work/without_tree_source"
	git -C "$root" ls-files -z --cached --others --exclude-standard | (cd "$root" && xargs -0 cp --parents -t "$work/without_tree_source")
	PG_CPPFLAGS=-DCTLPR_WITHOUT_TREE "$work/without_tree_source/test/private_install.sh" "$work/without_tree" >"$work/without_tree.bin"
	make -C "$root" --no-print-directory -s tools
	cp "$root/tools/ctlpr-verify" "$work/bench/ctlpr-verify"
fi
own_work
say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work"
# Everything fits into memory; commits are as durable as the server makes them.
start_cluster "shared_preload_libraries = 'ctlpr, pgaudit'" "shared_buffers = '$((rows / 1000 + 512))MB'" "max_wal_size = '16GB'" \
	"checkpoint_timeout = '1h'" "autovacuum = off" "jit = off" "max_parallel_workers_per_gather = 0" "random_page_cost = 1.1" \
	"ctlpr.bulk_row_limit = 0" "ctlpr.purge_naptime = '1h'" "max_connections = 200" "logging_collector = on" "log_directory = '$work/tmp'" "log_filename = 'pgaudit'"
say "making $rows reads for each of three rivals"
started=$SECONDS
as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE DATABASE bench"
as_user psql --no-psqlrc --quiet --dbname=bench --set=rows="$rows" --file="$work/bench/world.sql"
say "made in $((SECONDS - started)) s"

python=/usr/bin/python3
[ -x $python ] || python=python3
mkdir -p "$results"
status=0
# shellcheck disable=SC2086
as_user $python -B "$work/bench/measure.py" --rows "$rows" --rounds "$rounds" --seconds "$seconds" --socket "$work/socket" \
	--data "$work/data" --without-tree "$(cat "$work/without_tree.bin" 2>/dev/null)" --out "$work/tmp/results" $only || status=$?
cp "$work"/tmp/results/* "$results"/ 2>/dev/null || true
say "figures are in $results"
exit $status
