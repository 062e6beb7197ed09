#!/usr/bin/env bash
# server_suite.sh - PostgreSQL's own regression and isolation tests pass with the library preloaded: with the extension
# absent, and with it installed but governing nothing.
#
# The tests come from Debian's source package of the server, which is fetched
# into the work directory with an apt configuration of its own, or from
# SERVER_SOURCE; nothing of the machine's configuration changes.  They run
# against the installed server, as `make installcheck-parallel` does.
#
# Each case is run twice: in a cluster without the library, for reference, and
# in one that differs in nothing but shared_preload_libraries.  So a case with
# the extension has its objects in both, and tests that list all functions,
# types or roles show them in both.  A test passes when its output is as the
# server's authors expect or else, character by character, the output of the
# reference; those of the second sort are named.  There is no list of
# exceptions.  Where the archive lacks the server's very release, some tests
# of another may go astray early, in both runs, and then prove less.
#
#   PG_CONFIG      the server to test with
#   SERVER_SOURCE  an unpacked source tree of the server; empty: Debian's source package
#   CASES          of absent, installed, elsewhere (default: the first two); in the third an empty table is governed that
#                  no test knows, so that what ctlpr refuses of a whole database shows as well
#   SUITES         of regress, isolation (default: both)
#   SUITE_TIMEOUT  seconds that one run of one suite may take (default 420)
#   DIFF_LINES     how many lines of differences to show for a run (default 200)
#
# It prints for every run how many tests passed, and the differences of those
# that did not.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

read -r -a cases <<<"${CASES:-absent installed}"
read -r -a suites <<<"${SUITES:-regress isolation}"
suite_timeout=${SUITE_TIMEOUT:-420}
diff_lines=${DIFF_LINES:-200}
for name in "${cases[@]}"; do
	[[ $name =~ ^(absent|installed|elsewhere)$ ]] || die "no such case: $name (absent, installed, elsewhere)"
done
for name in "${suites[@]}"; do
	[[ $name =~ ^(regress|isolation)$ ]] || die "no such suite: $name (regress, isolation)"
done
[[ $suite_timeout =~ ^[0-9]+$ ]] || die "SUITE_TIMEOUT must be a number"
[[ $diff_lines =~ ^[0-9]+$ ]] || die "DIFF_LINES must be a number"
summary=()
failed=0

# own_apt TOOL ARGUMENT ... - an apt tool that knows the machine's archives as archives of sources
own_apt() {
	local tool=$1
	shift
	as_user "$tool" -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/sources" -o Dir::State::Lists="$work/apt/lists" \
		-o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none "$@" </dev/null
}

# fetch_source - Debian's source package of the server, of its very version where the archive has it; sets source
fetch_source() {
	local file name versions wanted upstream chosen tried='' fetched=''

	command -v apt-get >/dev/null || die "no apt-get to fetch the server's source with; set SERVER_SOURCE"
	mkdir -p "$work/apt/sources" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		[ -f "$file" ] || continue
		name=$(basename "$file")
		case $name in
		*.sources) sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/apt/sources/$name" ;;
		*.list) sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$file" | sort -u >"$work/apt/sources/$name" ;;
		esac
	done
	own_work
	own_apt apt-get update >"$work/apt/update.log" 2>&1 || { cat "$work/apt/update.log"; die "apt-get update failed"; }
	versions=$(own_apt apt-cache showsrc --only-source "postgresql-$major" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vu)
	[ -n "$versions" ] || die "the archive has no source package postgresql-$major; set SERVER_SOURCE"

	# "PostgreSQL 15.20 (Debian 15.20-0+deb12u1)" names its package; a server built from source only its release.  An
	# archive may list what it no longer holds, so that the next best is tried then.
	wanted=$("$PG_CONFIG" --version)
	upstream=${wanted#PostgreSQL }
	upstream=${upstream%% *}
	for chosen in $(grep -Fx "$(sed -n 's/.*(Debian \(.*\))$/\1/p' <<<"$wanted")" <<<"$versions") \
		$(grep "^${upstream//./\\.}-" <<<"$versions" | sort -rV) $(sort -rV <<<"$versions"); do
		[[ " $tried " != *" $chosen "* ]] || continue
		tried+=" $chosen"
		say "fetching the source package postgresql-$major $chosen"
		if own_apt apt-get source "postgresql-$major=$chosen" >"$work/apt/source.log" 2>&1; then
			fetched=$chosen
			break
		fi
		grep '^E:' "$work/apt/source.log" | head -n 3
	done
	[ -n "$fetched" ] || die "no source package postgresql-$major can be fetched; set SERVER_SOURCE"
	[[ $fetched == "$upstream"-* ]] || say "the archive has no source of $wanted: the tests are those of $fetched"
	source=$(find "$work" -mindepth 1 -maxdepth 1 -type d -name "postgresql-$major-*")
}

# prepare_suites - copies of the tests to run in, and the C functions that they call
prepare_suites() {
	local module
	[ -e "$source/src/test/regress/parallel_schedule" ] || die "no source tree of PostgreSQL: $source"
	mkdir -p "$work/suite/modules" "$work/runs"
	cp -R "$source/src/test/regress" "$source/src/test/isolation" "$work/suite/"
	for module in src/test/regress/regress.c contrib/spi/autoinc.c contrib/spi/refint.c; do
		[ ! -e "$source/$module" ] || cp "$source/$module" "$work/suite/modules/"
	done
	cat >"$work/suite/modules/Makefile" <<-'END'
		MODULES = $(basename $(wildcard *.c))
		override with_llvm = no
		refint.o: override CPPFLAGS += -DREFINT_VERBOSE
		PGXS := $(shell $(PG_CONFIG) --pgxs)
		.DEFAULT_GOAL = all
		include $(PGXS)
	END
	own_work
	as_user make -C "$work/suite/modules" -s PG_CONFIG="$PG_CONFIG" </dev/null >"$work/modules.log" 2>&1 ||
		{ cat "$work/modules.log"; die "the tests' C functions do not compile"; }
}

query() {
	as_user psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --dbname="$1" --command="$2" </dev/null
}

# database SUITE - the one that its runner would make
database() {
	if [ "$1" = regress ]; then say regression; else say isolation_regression; fi
}

# prepare_cluster CASE LIBRARIES - a fresh cluster with a database for every suite
prepare_cluster() {
	local suite name setting

	stop_cluster
	rm -rf "$work/data"
	: >"$work/server.log"
	own_work
	start_cluster "fsync = off" "full_page_writes = off"
	for suite in "${suites[@]}"; do
		name=$(database "$suite")
		query postgres "CREATE DATABASE $name TEMPLATE template0"
		for setting in lc_messages=C lc_monetary=C lc_numeric=C lc_time=C bytea_output=hex timezone_abbreviations=Default; do
			query postgres "ALTER DATABASE $name SET ${setting%=*} TO '${setting#*=}'"
		done
		[ "$1" = absent ] || query "$name" "SET client_min_messages = warning; CREATE EXTENSION ctlpr CASCADE"
		[ "$1" != elsewhere ] || query "$name" "
			SET client_min_messages = warning;
			CREATE SCHEMA elsewhere;
			CREATE TABLE elsewhere.plate_reads (captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL);
			CREATE INDEX ON elsewhere.plate_reads (captured_at);
			SELECT ctlpr.adopt_statute('us-ct-2026');
			SELECT ctlpr.govern('elsewhere.plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id')" >/dev/null
	done
	# The extension cannot be made without the library, so that the reference loses it only now.
	say "shared_preload_libraries = '$2'" | as_user tee -a "$work/data/postgresql.conf" >/dev/null
	as_user pg_ctl --pgdata="$work/data" --log="$work/server.log" --wait --silent restart </dev/null >"$work/start.log" 2>&1 ||
		{ cat "$work/start.log"; die "the server did not start again"; }
	: >"$work/server.log"
}

# verdicts LOG - "ok NAME" or "failed NAME" for every test, as pg_regress told until 15 and since
verdicts() {
	sed -nE -e 's/^(test)? +([^ ]+) +\.\.\. ok .*/ok \2/p' -e 's/^(test)? +([^ ]+) +\.\.\. (FAILED|failed).*/failed \2/p' \
		-e 's/^ok +[0-9]+ +[-+] ([^ ]+) .*/ok \1/p' -e 's/^not ok +[0-9]+ +[-+] ([^ ]+).*/failed \1/p' "$1"
}

# run_suite SUITE RUN - leaves its results, verdicts and log in runs/RUN
run_suite() {
	local suite=$1 run=$work/runs/$2 tree=$work/suite/$1 output=$work/output runner schedule options=() status=0
	if [ "$suite" = regress ]; then
		runner=$pg_lib/pgxs/src/test/regress/pg_regress
		schedule=$tree/parallel_schedule
		options=(--dlpath="$work/suite/modules" --max-concurrent-tests=20)
	else
		runner=$pg_lib/pgxs/src/test/isolation/pg_isolation_regress
		schedule=$tree/isolation_schedule
	fi
	[ "$major" -lt 16 ] || options+=(--expecteddir="$tree")
	rm -rf "$output"
	mkdir -p "$output" "$run"
	own_work
	as_user timeout --kill-after=30 "$suite_timeout" "$runner" --use-existing --bindir="$pg_bin" --host="$work/socket" --port=5432 \
		--user=postgres --dbname="$(database "$suite")" --inputdir="$tree" --outputdir="$output" --schedule="$schedule" "${options[@]}" \
		</dev/null >"$run/log" 2>&1 || status=$?
	[ $status -lt 124 ] || say "$suite took longer than $suite_timeout s and was ended"
	mv "$output" "$run/output"
	verdicts "$run/log" >"$run/verdicts"
	# What is scheduled and has no verdict did not run.
	sed -n 's/^test: *//p' "$schedule" | tr -s ' ' '\n' | grep . | sort >"$run/scheduled"
	cut -d ' ' -f 2 "$run/verdicts" | sort | comm -23 "$run/scheduled" - >"$run/not-run"
}

# same_output TEST RUN REFERENCE - whether a test gave the same in both
same_output() {
	cmp -s "$work/runs/$2/output/results/$1.out" "$work/runs/$3/output/results/$1.out"
}

# judge CASE SUITE RUN REFERENCE - one line, and what differs
judge() {
	local run=$work/runs/$3 reference=$work/runs/$4 name count expected=0 identical=0 as_reference=() differ=()
	while read -r name; do
		if same_output "$name" "$3" "$4"; then
			identical=$((identical + 1))
		fi
		if grep -qx "ok $name" "$run/verdicts"; then
			expected=$((expected + 1))
		elif same_output "$name" "$3" "$4" && grep -qx "failed $name" "$reference/verdicts"; then
			as_reference+=("$name")
		else
			differ+=("$name")
		fi
	done <"$run/scheduled"
	count=$(wc -l <"$run/scheduled")
	say "-- $2, case $1: $expected of $count as expected, ${#as_reference[@]} only as without the library, ${#differ[@]} differ;" \
		"$identical outputs identical to those without the library"
	[ ${#as_reference[@]} -eq 0 ] || say "   as without the library: ${as_reference[*]}"
	if [ ${#differ[@]} -gt 0 ] || [ "$count" -eq 0 ]; then
		failed=1
		say "   differ: ${differ[*]}"
		[ ! -s "$run/not-run" ] || tail -n 20 "$run/log"
		for name in "${differ[@]}"; do
			diff -u --label "$name, without the library" --label "$name, with it" "$reference/output/results/$name.out" \
				"$run/output/results/$name.out" 2>&1 || true
		done >"$run/differences"
		head -n "$diff_lines" "$run/differences"
	fi
	summary+=("$2, case $1: $((expected + ${#as_reference[@]})) passed, ${#differ[@]} failed")
}

# check_state CASE - that the run was of what it claims to be of, and that the server lived through it
check_state() {
	local suite state want crashes
	want=ctlpr,0,
	case $1 in
	installed) want=ctlpr,1,0 ;;
	elsewhere) want=ctlpr,1,1 ;;
	esac
	for suite in "${suites[@]}"; do
		state=$(query "$(database "$suite")" "SELECT current_setting('shared_preload_libraries') || ',' || count(*) || ',' FROM pg_extension WHERE extname = 'ctlpr'")
		[ "$1" = absent ] || state+=$(query "$(database "$suite")" "SELECT count(*) FROM ctlpr.governed_relation")
		if [ "$state" != "$want" ]; then
			say "after $suite, case $1: library, extension and governed relations are $state instead of $want"
			failed=1
		fi
	done
	crashes=$(grep -E 'TRAP: |PANIC: |was terminated by signal (4|6|7|8|9|11)\b|background worker "ctlpr.*exited with exit code' "$work/server.log" || true)
	if [ -n "$crashes" ]; then
		say "the server's log, case $1:"
		head -n 20 <<<"$crashes"
		failed=1
	fi
}

find_server gcc make libc6-dev libicu-dev libssl-dev util-linux dpkg-dev bzip2 xz-utils diffutils \
	postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
make_work suite
if [ -n "${SERVER_SOURCE:-}" ]; then
	source=$(cd "$SERVER_SOURCE" && pwd)
	say "the tests are those of $source"
else
	fetch_source
fi
prepare_suites
say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work"

for case in "${cases[@]}"; do
	for libraries in '' ctlpr; do
		state=absent
		[ -z "$libraries" ] || state=preloaded
		prepare_cluster "$case" "$libraries"
		for suite in "${suites[@]}"; do
			started=$SECONDS
			run_suite "$suite" "$case-$suite-$state"
			say "== $suite, case $case, library $state: $((SECONDS - started)) s"
			[ -z "$libraries" ] || judge "$case" "$suite" "$case-$suite-preloaded" "$case-$suite-absent"
		done
	done
	check_state "$case"
done

say ""
printf '== %s\n' "${summary[@]}"
if [ $failed -ne 0 ]; then
	stop_cluster
	keep_work=1
	say "logs and results are kept in $work"
fi
exit $failed
