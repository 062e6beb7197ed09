#!/usr/bin/env bash
# crashes.sh - the server is killed (SIGKILL) at every stage of purge, drop and erase, and comes back: never is an expired read seen,
# a held one lost, something certified that was not done, or the log broken.
#
# The library is built with points at which it kills its server
# (src/crash_point.h).  In each cycle tables are made, one of them by a way of
# its own: purged by an index on time, as the rows lie, or by dropped
# partitions; some reads are held, half of those without a copy yet.  A point
# and how often it is passed are drawn, a round is asked for, and after the
# crash the tables, the certificates and the log are looked at: at once, and
# again when a round has gone through; where erasure is claimed then, the files
# of the server are searched for the plates.
#
#   PG_CONFIG    the server to test with
#   CYCLES       how often it is killed (default 200)
#   CTLPR_SEED   to draw the same again
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

cycles=${CYCLES:-200}
seed=${CTLPR_SEED:-$((RANDOM * 32768 + RANDOM))}
[[ $cycles =~ ^[0-9]+$ && $seed =~ ^[0-9]+$ ]] || die "CYCLES and CTLPR_SEED must be numbers"

find_server gcc make libc6-dev libicu-dev libssl-dev util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
source_copy=$(mktemp -d "${TMPDIR:-/tmp}/ctlpr-crash-source.XXXXXX")
git -C "$root" ls-files -z --cached --others --exclude-standard | (cd "$root" && xargs -0 cp --parents -t "$source_copy")
root=$source_copy
export PG_CPPFLAGS=-DCTLPR_CRASH_POINTS
make_work crashes
cp -a "$root/test/long/crashes" "$work/"
mapfile -t points < <(grep -rhoP 'CRASH_POINT\("\K[^"]+' "$root/src" | sort -u)
rm -rf "$source_copy"
own_work
say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work, seed $seed, $cycles cycles"

sql() { as_user env PGOPTIONS='-c client_min_messages=warning' psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname=crashes "$@"; }

start_cluster "autovacuum = off" "ctlpr.purge_naptime = 1h" "ctlpr.purge_batch_rows = 20" "ctlpr.purge_lock_timeout = 1s" "checkpoint_timeout = 1h" "ctlpr.erase_rate = 0"
as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE DATABASE crashes"
sql --file="$work/crashes/world.sql" >/dev/null

declare -A reached

RANDOM=$((seed % 32768))
flaws=0
erased=0
# look SQL - what it finds is a flaw if it is still there a little later: a round that goes on after the restart commits between
# one part of the query and another
look() {
	local found problem try
	for try in 1 2 3; do
		found=$(sql "$@" 2>&1)
		[ -n "${found//[$' \n']/}" ] || return 0
		sleep 1
	done
	while read -r problem; do
		[ -n "$problem" ] || continue
		say "cycle $cycle, $point $number: $problem"
		flaws=$((flaws + 1))
	done <<<"$found"
}

for ((cycle = 1; cycle <= cycles; cycle++)); do
	ways=(time place partitions)
	way=${ways[$((cycle % 3))]}
	point=${points[$((RANDOM % ${#points[@]}))]}
	number=$((RANDOM % 4 == 0 ? RANDOM % 3 + 2 : 1))
	relation=reads_$cycle
	# What an agency has let expire does not come back, so each cycle has its own.
	sql >/dev/null <<-SQL
		CREATE ROLE feed_$cycle LOGIN;
		CREATE ROLE chief_$cycle LOGIN;
		SELECT ctlpr.register_agency('CT-$cycle', 'Police', 'police', 'CT');
		SELECT ctlpr.bind_role('feed_$cycle', 'CT-$cycle', may_ingest => true), ctlpr.bind_role('chief_$cycle', 'CT-$cycle', supervisor => true);
		CALL make_reads('$relation', '$way');
	SQL
	ingest="INSERT INTO $relation (captured_at, plate, agency_id) SELECT now() - n * interval '1 minute', 'HELD' || n, 'CT-$cycle' FROM generate_series"
	sql --username="feed_$cycle" --command="$ingest(1, 10) n" >/dev/null
	hold=$(sql --username="chief_$cycle" \
		--command="SELECT ctlpr.preserve('$relation', 'criminal_evidence', 'homicide', '26-7', 'Officer A', plates => (SELECT array_agg('HELD' || n) FROM generate_series(1, 20) n))")
	sql --username="feed_$cycle" --command="$ingest(11, 20) n" >/dev/null
	sql >/dev/null <<-SQL
		UPDATE under_test SET held = 20, expired = expired + 20, hold_id = $hold WHERE relation = '$relation';
		SELECT ctlpr.set_agency_option('CT-$cycle', retention => '1 second');
	SQL
	say "$point $number" | as_user tee "$work/data/crash_point" >/dev/null
	sql --command="SET statement_timeout = '20s'" --command="SELECT sum(rows_deleted) FROM ctlpr.purge('$relation')" --command="CALL ctlpr.erase('$relation')" >/dev/null 2>&1 || true

	if [ -e "$work/data/crash_point" ]; then
		rm -f "$work/data/crash_point"
	else
		reached[$point]=$((${reached[$point]:-0} + 1))
		for ((wait = 0; wait < 200; wait++)); do
			pgrep -f "$work/data" >/dev/null || pgrep -u "${run_user:-$(id -un)}" -f "postgres: .*crashes" >/dev/null || break
			sleep 0.05
		done
		# a zombie of the old postmaster would pass for one that runs
		rm -f "$work/data/postmaster.pid" "$work/socket/.s.PGSQL.5432.lock"
		as_user pg_ctl --pgdata="$work/data" --log="$work/server.log" --wait --silent start </dev/null >"$work/start.log" 2>&1 || { tail -n 20 "$work/server.log"; die "cycle $cycle, $point $number: the server did not come back"; }
	fi
	look --command="SELECT * FROM problems()"
	look --command="BEGIN; SELECT FROM ctlpr.break_glass('crash test'); SELECT * FROM problems_in_sight(); COMMIT"
	sql --command="SELECT FROM ctlpr.purge('$relation')" --command="CALL ctlpr.erase('$relation')" >/dev/null 2>&1 || { say "cycle $cycle, $point $number: no round goes through afterwards"; flaws=$((flaws + 1)); }
	look --command="SELECT * FROM problems_at_end()"
	# The plates of what has expired were never in a statement: where erasure is claimed, they are in no file.
	if [ "$(sql --command="SELECT erased_through IS NOT NULL AND pending_reads = 0 AND waiting_for IS NULL FROM ctlpr.erase_status WHERE relation = '$relation'::regclass")" = t ]; then
		sql --command="CHECKPOINT" >/dev/null
		erased=$((erased + 1))
		if grep -rqaE "CANARY${cycle}X[0-9]" "$work/data/base"; then
			say "cycle $cycle, $point $number: erasure is claimed, and bytes are left in: $(grep -rlaE "CANARY${cycle}X[0-9]" "$work/data/base" | tr '\n' ' ')"
			flaws=$((flaws + 1))
		fi
	fi
	sql --command="DELETE FROM under_test" >/dev/null
	[ $((cycle % 20)) -ne 0 ] || say "$cycle cycles, $flaws flaws"
done

for point in "${points[@]}"; do
	say "$point: ${reached[$point]:-0} crashes"
	[ "${reached[$point]:-0}" -gt 0 ] || [ "$cycles" -lt 100 ] || { say "$point was never reached"; flaws=$((flaws + 1)); }
done
say "seed $seed: $cycles cycles, in $erased of them erasure was claimed, $flaws flaws"
if [ "$flaws" -gt 0 ]; then
	stop_cluster
	keep_work=1
	say "logs are kept in $work"
	exit 1
fi
