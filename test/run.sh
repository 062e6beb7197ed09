#!/usr/bin/env bash
# run.sh [GROUP ...] - run the tests on throwaway clusters: regress, isolation, pgtap, tap; all of them by default.
#
# As root it installs what is missing and runs the tests as an unprivileged
# user; as anybody else it says what is missing.  All groups run even if one
# fails.  The output ends with the summary lines of the runners themselves.
#
#   PG_CONFIG      the server to test with
#   TESTS          only these: names of a group's tests, without directory and suffix
#   PROVE_FLAGS    for prove, such as --verbose
#   GROUP_TIMEOUT  seconds that one group may take (default 2400)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(regress isolation pgtap tap)
read -r -a only <<<"${TESTS:-}"
summary=()
skipped=()
failed=0

# picked DIRECTORY SUFFIX - names of the tests there, those of TESTS if it is set
picked() {
	local path
	if [ ${#only[@]} -gt 0 ]; then
		for path in "${only[@]}"; do
			path=${path##*/}
			say "${path%"$2"}"
		done
	else
		for path in "$1"/*"$2"; do
			[ ! -e "$path" ] || basename "$path" "$2"
		done
	fi
}

# fresh_database NAME EXTENSION... - a database with these extensions
fresh_database() {
	local name=$1 extension
	shift
	as_user psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=postgres --command="CREATE DATABASE $name"
	for extension; do
		as_user psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$name" \
			--command="SET client_min_messages = warning" --command="CREATE EXTENSION $extension"
	done
}

# pg_regress puts its summary in a frame until 15, behind a # since
group_regress() {
	local input=$work/regress expected_dir=() selection=() listed name
	local tests
	mapfile -t tests < <(picked "$tree/test/sql" .sql)
	if [ ${#tests[@]} -eq 0 ]; then
		skipped+=("regress: no test/sql/*.sql")
		return 0
	fi
	fresh_database ctlpr_regress postgis ctlpr || return 1
	# 15 knows one input directory for both
	mkdir -p "$input"
	cp -a "$tree/test/sql" "$input/sql"
	cp -a "$tree/expected" "$input/expected"
	if [ ${#only[@]} -eq 0 ] && [ -e "$tree/test/schedule" ]; then
		listed=$(sed -n 's/^test: *//p' "$tree/test/schedule" | tr -s ' ' '\n')
		for name in "${tests[@]}"; do
			if ! grep -qxF "$name" <<<"$listed"; then
				say "test/sql/$name.sql is not in test/schedule"
				return 1
			fi
		done
		selection=(--schedule="$tree/test/schedule")
	else
		selection=("${tests[@]}")
	fi
	[ "$major" -lt 16 ] || expected_dir=(--expecteddir="$input")
	own_work
	limited "$pg_lib/pgxs/src/test/regress/pg_regress" --use-existing --bindir="$pg_bin" --host="$work/socket" --port=5432 \
		--user=postgres --dbname=ctlpr_regress --inputdir="$input" "${expected_dir[@]}" --outputdir="$input" "${selection[@]}"
}

group_isolation() {
	local input=$tree/test/isolation output=$work/isolation expected_dir=() tests
	mapfile -t tests < <(picked "$input/specs" .spec)
	if [ ${#tests[@]} -eq 0 ]; then
		skipped+=("isolation: no test/isolation/specs/*.spec")
		return 0
	fi
	fresh_database ctlpr_isolation postgis ctlpr || return 1
	[ "$major" -lt 16 ] || expected_dir=(--expecteddir="$input")
	mkdir -p "$output"
	own_work
	limited "$pg_lib/pgxs/src/test/isolation/pg_isolation_regress" --use-existing --bindir="$pg_bin" --host="$work/socket" --port=5432 \
		--user=postgres --dbname=ctlpr_isolation --inputdir="$input" "${expected_dir[@]}" --outputdir="$output" "${tests[@]}"
}

group_pgtap() {
	local tests
	mapfile -t tests < <(picked "$tree/test/pgtap" .sql)
	if [ ${#tests[@]} -eq 0 ]; then
		skipped+=("pgtap: no test/pgtap/*.sql")
		return 0
	fi
	fresh_database ctlpr_pgtap postgis pgtap ctlpr || return 1
	tests=("${tests[@]/#/test/pgtap/}")
	limited env -C "$tree" pg_prove --psql-bin "$pg_bin/psql" --host "$work/socket" --port 5432 --username postgres \
		--dbname ctlpr_pgtap ${PROVE_FLAGS:-} "${tests[@]/%/.sql}"
}

# The server's own test library; each test makes and stops its own clusters.
group_tap() {
	local tests output=$work/tap
	mapfile -t tests < <(picked "$tree/test/t" .pl)
	if [ ${#tests[@]} -eq 0 ]; then
		skipped+=("tap: no test/t/*.pl")
		return 0
	fi
	mkdir -p "$output/tmp_check/log"
	own_work
	tests=("${tests[@]/#/t/}")
	limited env -u PGHOST -u PGUSER -C "$tree/test" PGPORT=65432 TESTDIR="$output" TESTDATADIR="$output/tmp_check" \
		TESTLOGDIR="$output/tmp_check/log" PG_REGRESS="$pg_lib/pgxs/src/test/regress/pg_regress" top_builddir="$pg_lib/pgxs" \
		PERL5LIB="$pg_lib/pgxs/src/test/perl:$tree/test/perl${PERL5LIB:+:$PERL5LIB}" \
		prove ${PROVE_FLAGS:-} "${tests[@]/%/.pl}"
}

# limited COMMAND ... - as the unprivileged user, without input, for a limited time
limited() {
	as_user timeout --kill-after=30 "${GROUP_TIMEOUT:-2400}" "$@" </dev/null
}

# show_failure GROUP - what is needed to understand it from the output alone
show_failure() {
	local file name
	case $1 in
	regress | isolation)
		for file in "$work/$1/regression.diffs" "$work/$1/output_iso/regression.diffs"; do
			[ ! -s "$file" ] || { say "-- ${file#"$work/"}"; head -n 400 "$file"; }
		done
		;;
	tap)
		find "$work/tap" -path '*/log/regress_log_*' 2>/dev/null | while read -r file; do
			if grep -q '^\[[^]]*\].*not ok\|^not ok\|^# *Failed\|[Tt]ests* died\|Bail out' "$file"; then
				say "-- ${file#"$work/"}"
				tail -n 40 "$file"
				name=${file##*/regress_log_}
				tail -n 30 "${file%/*}/$name"_*.log 2>/dev/null || true
			fi
		done
		;;
	esac
	if [ "$1" != tap ] && [ -s "$work/server.log" ]; then
		say "-- server.log"
		tail -n 60 "$work/server.log"
	fi
}

# run_group NAME - run it, see that the server lived through it, keep its summary lines
run_group() {
	local name=$1 output=$work/$1.out started=$SECONDS status=0 log_size=0 skipped_before=${#skipped[@]} crashes
	[ ! -e "$work/server.log" ] || log_size=$(stat -c %s "$work/server.log")
	say "== $name"
	set +e
	(set -e; "group_$name"; printf '%s' "${skipped[*]:$skipped_before}" >"$work/skipped") 2>&1 | tee "$output"
	status=${PIPESTATUS[0]}
	set -e
	if [ "$status" -eq 0 ] && [ -s "$work/skipped" ]; then
		skipped+=("$(cat "$work/skipped")")
		say "skipped ${skipped[-1]}"
		return 0
	fi
	if [ "$name" = tap ]; then
		crashes=$(grep -rE 'TRAP: ' "$work/tap/tmp_check/log" 2>/dev/null || true)
	else
		crashes=$(tail -c +$((log_size + 1)) "$work/server.log" |
			grep -E 'TRAP: |PANIC: |was terminated by signal (4|6|7|8|11)\b' || true)
	fi
	if [ -n "$crashes" ]; then
		say "the server crashed:"
		say "$crashes"
		status=1
	fi
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		say "$name took longer than ${GROUP_TIMEOUT:-2400} s and was ended"
	fi
	if [ "$status" -eq 0 ]; then
		summary+=("== $name: passed, $((SECONDS - started)) s")
	else
		failed=1
		show_failure "$name"
		summary+=("== $name: FAILED, $((SECONDS - started)) s")
	fi
	summary+=("$(grep -E '^#? *(All [0-9]+ tests passed|[0-9]+ of [0-9]+ tests (passed|failed))|^(All tests successful|Files=|Result: |Failed [0-9]+/)' "$output" || true)")
}

for group in "${groups[@]}"; do
	[ "$(type -t "group_$group")" = function ] || die "no such group of tests: $group (regress, isolation, pgtap, tap)"
done
find_server gcc make libc6-dev libicu-dev libssl-dev openssl perl python3 libipc-run-perl libtap-parser-sourcehandler-pgtap-perl libfaketime pgbouncer util-linux \
	postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts postgresql-N-pgtap postgresql-N-partman
# What one test alone needs, and names when it skips: the drivers of t/drivers.pl
if [[ " ${groups[*]} " == *" tap "* ]] && { [ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " =~ (drivers|search_desk) ]]; }; then
	install_if_possible python3-psycopg python3-psycopg2 default-jdk-headless libpostgresql-jdbc-java node-pg libpq-dev
fi
make_work check
make -C "$root" --no-print-directory -s tools || die "the tools were not built"

# The tests run in a copy, with the shared data beside it as it is beside the original.
tree=$work/ctlpr
mkdir "$tree"
for part in src test expected sql docs demo examples tools ctlpr.control README.md; do
	[ ! -e "$root/$part" ] || cp -a "$root/$part" "$tree/"
done
if [ -d "$root/../shared/data" ]; then
	mkdir "$work/shared"
	cp -a "$root/../shared/data" "$work/shared/"
fi
own_work

say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work"
start_cluster "fsync = off" "full_page_writes = off"
for group in "${groups[@]}"; do
	run_group "$group"
done

say ""
for line in "${skipped[@]}"; do
	say "== skipped $line"
done
for line in "${summary[@]}"; do
	[ -z "$line" ] || say "$line"
done
if [ $failed -ne 0 ]; then
	stop_cluster
	keep_work=1
	say "logs and results are kept in $work"
fi
exit $failed
