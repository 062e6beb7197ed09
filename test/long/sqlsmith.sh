#!/usr/bin/env bash
# sqlsmith.sh - what sqlsmith generates, run by an officer's role on a governed schema, brings out no row that is not permitted,
# loses none that is, leaves its record and crashes nothing; and a server with one wall removed is found out.
#
# test/long/sqlsmith/campaign.py says how a statement is judged, schema.sql what it runs on.
#
#   PG_CONFIG           the server to test with
#   ASSERT_PG_CONFIG    pg_config of a server configured with --enable-cassert: taken instead of PG_CONFIG when set
#   STATEMENTS          how many at least (default 100000)
#   SEED                to repeat a run (default: drawn)
#   WORKERS             how many sessions at a time (default 2)
#   STATEMENT_TIMEOUT   milliseconds (default 500)
#   MUTANTS             names of test/long/sqlsmith/mutants.txt to try afterwards; all by default, none when empty
#   MUTANT_STATEMENTS   within how many statements each has to be found (default 20000)
#   DETAILS             file to keep the statements of leaks, differences and internal errors in (default: shown, 60 lines)
#   STOP_AT_FIRST       set to stop at the first leak or difference
#
# It prints how many statements ran, their SQLSTATEs, how many were compared with how many rows, leaks, differences, lost
# connections, the state of the log, the seed and the time; and for each mutant after how many statements it was found.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

statements=${STATEMENTS:-100000}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
workers=${WORKERS:-2}
timeout=${STATEMENT_TIMEOUT:-500}
mutant_statements=${MUTANT_STATEMENTS:-20000}
for number in "$statements" "$seed" "$workers" "$timeout" "$mutant_statements"; do
	[[ $number =~ ^[0-9]+$ ]] || die "not a number: $number"
done
mutants_file=$root/test/long/sqlsmith/mutants.txt
read -r -d '' -a mutants <<<"${MUTANTS-$(sed -n 's/^== \([a-z_]*\).*/\1/p' "$mutants_file")}" || true
[ -z "${ASSERT_PG_CONFIG:-}" ] || PG_CONFIG=$ASSERT_PG_CONFIG
failed=0

find_server gcc make libc6-dev libicu-dev libssl-dev patch python3 python3-psycopg2 sqlsmith util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
make_work sqlsmith
cp -a "$root/test/long/sqlsmith" "$work/campaign"
own_work
say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work"
# Rows of other agencies are counted again with every rescan of a join, and this is not about the bulk limit.
start_cluster "fsync = off" "full_page_writes = off" "ctlpr.bulk_row_limit = 0" "ctlpr.audit_queue_size = '8MB'" "max_worker_processes = 24" \
	"autovacuum = off" "jit = off" "log_min_messages = warning" "log_min_error_statement = panic" "restart_after_crash = on"

midday=$(date -u +'%Y-%m-%d %H:00Z')
as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE ROLE officer LOGIN" --command="CREATE ROLE officer_wide LOGIN" \
	--command="CREATE ROLE reads_owner"
# make_database NAME ORACLE SCOPE SHIFT
make_database() {
	local extension=postgis

	[ "$2" = true ] || extension=ctlpr
	as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE DATABASE $1"
	as_user psql --no-psqlrc --quiet --dbname="$1" --command="SET client_min_messages = error; CREATE EXTENSION $extension CASCADE"
	as_user psql --no-psqlrc --dbname="$1" --set=oracle="$2" --set=scope="$3" --set=shift="$4" --set=midday="$midday" \
		--file="$work/campaign/schema.sql"
}
make_database governed false none 1
make_database own_a true own 2
make_database own_b true own 3
make_database case_a true case 4
make_database case_b true case 5
make_database generator true own 6
as_user psql --no-psqlrc --quiet --dbname=generator --file="$work/campaign/generator.sql"

python=/usr/bin/python3
[ -x $python ] || python=python3
as_user $python -B "$work/campaign/campaign.py" --statements "$statements" --seed "$seed" --workers "$workers" --timeout "$timeout" \
	--socket "$work/socket" --details "$work/details" ${STOP_AT_FIRST:+--stop-at-first} || failed=1

if grep -aE 'TRAP:|PANIC:|terminated by signal|server process .* exited with exit code' "$work/server.log"; then
	say "FLAW: the server crashed; around it:"
	grep -aE -A 12 'TRAP:|PANIC:|terminated by signal' "$work/server.log" | head -n 60
	failed=1
fi
if [ -s "$work/details" ]; then
	if [ -n "${DETAILS:-}" ]; then
		cp "$work/details" "$DETAILS"
	else
		head -n 60 "$work/details"
	fi
fi

# try_mutant NAME - a copy of the sources with one wall removed is found out
try_mutant() {
	local copy=$work/mutant-$1 output status=0

	mkdir "$copy"
	tar -C "$root" --exclude=.git --exclude='*.o' --exclude='*.so' --exclude=./build -cf - . | tar -C "$copy" -xf -
	awk -v wanted="$1" '/^== / { on = $2 == wanted; next } on && !/^#/' "$mutants_file" >"$work/$1.patch"
	patch --quiet --directory="$copy" --strip=1 --fuzz=2 <"$work/$1.patch" || { say "FLAW: mutant $1 cannot be made of these sources"; return 1; }
	chmod 755 "$work"
	output=$work/$1.out
	MUTANTS='' STATEMENTS=$mutant_statements STOP_AT_FIRST=1 SEED=$seed DETAILS=$work/$1.details TMPDIR='' \
		bash "$copy/test/long/sqlsmith.sh" >"$output" 2>&1 || status=$?
	if [ $status -eq 1 ] && grep -E '^first (leak|difference) in' "$output"; then
		say "mutant $1: found; $(grep -E '^comparable:' "$output")"
		head -n 3 "$work/$1.details"
	else
		say "FLAW: mutant $1 was not found:"
		tail -n 20 "$output"
		return 1
	fi
}
stop_cluster
for mutant in "${mutants[@]}"; do
	say "-- mutant $mutant"
	try_mutant "$mutant" || failed=1
done
exit $failed
