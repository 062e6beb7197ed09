#!/usr/bin/env bash
# role_swapping.sh - many clients swap roles and requests in sessions that they share; every row that comes back is one that
# the law opens to the role and its request, and none of those is missing.
#
# Through PgBouncer in transaction mode, with fewer server connections than
# clients, and straight to the server: pgbench with generic plans that one role
# makes and the next one uses, each search compared row by row on the server
# with a table of permissions; and clients of the wire protocol that compare
# every row themselves with an oracle (role_swapping/Oracle.pm) that asks
# neither ctlpr nor the server.  Meanwhile reads expire, and an agency's
# declaration is filed and withdrawn and its sharing suspended and resumed.
#
#   PG_CONFIG      the server to test with
#   SWAP_SECONDS   how long the load lasts (default 60)
#   SWAP_CLIENTS   checking clients, a third each through a pool that logs all in alike, through a pool for each login, and
#                  straight to the server (default 9); eight connections of pgbench come on top
#   SWAP_MIN_ROWS  how many rows the clients, and pgbench, have to check at least (default 50 for each second)
#   CTLPR_SEED     to choose the same statements again; how they interleave is up to the machine
#
# It prints each failure with its statement, then statements and rows checked,
# refusals by SQLSTATE, leaks, and the seed.  It fails for a row too many or
# too few, an SQLSTATE that nothing explains, a crash, or too few rows.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

load_seconds=${SWAP_SECONDS:-60}
clients=${SWAP_CLIENTS:-9}
seed=${CTLPR_SEED:-$((RANDOM * 32768 + RANDOM))}
for number in "$load_seconds" "$clients" "$seed" "${SWAP_MIN_ROWS:-0}"; do
	[[ $number =~ ^[0-9]+$ ]] || die "SWAP_SECONDS, SWAP_CLIENTS, SWAP_MIN_ROWS and CTLPR_SEED must be numbers"
done

find_server gcc make libc6-dev libicu-dev libssl-dev perl pgbouncer util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || die "PgBouncer is not installed"
make_work swap
mkdir -p "$work/test/long"
cp -a "$root/test/perl" "$work/test/"
cp -a "$root/test/long/role_swapping" "$work/test/long/"
own_work
say "$("$PG_CONFIG" --version), $("$pgbouncer" --version | head -n 1), as user ${run_user:-$(id -un)}, in $work, seed $seed"
start_cluster "fsync = off" "full_page_writes = off" "autovacuum = off" "max_parallel_workers_per_gather = 1"
as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE DATABASE swap"
as_user psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=swap --file="$work/test/long/role_swapping/world.sql" >/dev/null

parallel_setting=force_parallel_mode
[ "$major" -lt 16 ] || parallel_setting=debug_parallel_query
status=0
as_user env SEED="$seed" SECONDS_OF_LOAD="$load_seconds" CLIENTS="$clients" MIN_ROWS="${SWAP_MIN_ROWS:-$((50 * load_seconds))}" \
	PARALLEL_SETTING=$parallel_setting PGBOUNCER="$pgbouncer" CTLPR_WORK="$work" \
	perl "$work/test/long/role_swapping/conduct.pl" || status=$?

crashes=$(grep -E 'TRAP: |PANIC: |was terminated by signal (4|6|7|8|11)\b' "$work/server.log" || true)
if [ -n "$crashes" ]; then
	say "the server crashed:"
	say "$crashes"
	status=1
fi
if [ $status -ne 0 ]; then
	stop_cluster
	keep_work=1
	say "logs are kept in $work"
fi
exit $status
