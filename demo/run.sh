#!/usr/bin/env bash
# run.sh - the demo: a throwaway cluster, 30 days of generated reads, and the story told in demo/story/*.sql.
#
# A file of the story is a step: plain SQL with a few comments that are read here.
#
#   -- title: what the step is about
#   -- role: the role that logs in
#   -- law: what happened and by which clause, printed once all came out as expected
#   -- quiet: results from here on are not shown
#   -- expect: what the next statement must come to: ok (the default), rows (at least one), N rows, no rows, or an SQLSTATE
#
# A statement ends with the line that ends in a semicolon; :yesterday is the partition of the day before.
#
#   READS  how many reads to generate (default 500000)
#   KEEP   set to leave the cluster running
. "$(dirname "${BASH_SOURCE[0]}")/../test/lib.sh"

reads=${READS:-500000}
[[ $reads =~ ^[0-9]+$ ]] && [ "$reads" -ge 3000 ] || die "READS must be a number, 3000 at least"
yesterday=plate_reads_$(TZ=America/New_York date --date=yesterday +%Y%m%d)
steps=0
failures=0
bold= plain=
if [ -t 1 ]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi

# thousands NUMBER - with commas
thousands() { sed -e ':a' -e 's/\B[0-9]\{3\}\>/,&/;ta' <<<"$1"; }

# demo_psql ROLE [ARGUMENT ...] - in the demo's database, nothing of the caller's own settings
demo_psql() {
	local role=$1
	shift
	as_user stdbuf -oL psql --no-psqlrc --quiet --username="$role" --dbname=city "$@" 2>&1
}

# load_reads - the generated reads, day by day, with a line that tells how far it is
load_reads() {
	local day per_day=$((reads / 30)) done_reads=0 quarter=0
	: >"$work/load.out"
	for ((day = 29; day >= 0; day--)); do
		printf '\\set day %d\n\\set reads %d\n' "$day" $((day == 0 ? reads - 29 * per_day : per_day))
		cat "$root/demo/reads.sql"
		printf '\\echo loaded\n'
	done | demo_psql city_dba --set=ON_ERROR_STOP=1 >"$work/load.out" &
	# The loader's own progress is followed in its output.
	while kill -0 $! 2>/dev/null; do
		done_reads=$(($(grep -c loaded "$work/load.out" || true) * per_day))
		if [ -t 1 ]; then
			printf '\r    %s of %s reads' "$(thousands "$done_reads")" "$(thousands "$reads")"
		elif [ $((4 * done_reads / reads)) -gt $quarter ]; then
			quarter=$((4 * done_reads / reads))
			say "    $(thousands "$done_reads") of $(thousands "$reads") reads"
		fi
		sleep 0.2
	done
	[ ! -t 1 ] || printf '\r%60s\r' ''
	wait $! || { cat "$work/load.out"; die "loading the reads failed"; }
	say "    $(thousands "$reads") reads in $((SECONDS - started)) s"
}

# check_statement NUMBER EXPECTED SQLSTATE ROWS - complain unless it came to what the law has
check_statement() {
	local wanted=$2 state=$3 rows=$4 fine=
	case $wanted in
	ok) [ "$state" != 00000 ] || fine=1 ;;
	rows) { [ "$state" != 00000 ] || [ "$rows" -eq 0 ]; } || fine=1 ;;
	'no rows') { [ "$state" != 00000 ] || [ "$rows" -ne 0 ]; } || fine=1 ;;
	*' rows') { [ "$state" != 00000 ] || [ "$rows" -ne "${wanted% rows}" ]; } || fine=1 ;;
	*) [ "$state" != "$wanted" ] || fine=1 ;;
	esac
	if [ -z "$fine" ]; then
		say "    NOT AS EXPECTED: statement $1 ended with SQLSTATE $state and $rows rows, not with: $wanted"
		step_failed=1
	fi
}

# read_step FILE - its comments and statements, into the variables of run_step
read_step() {
	local line statement= expect=ok

	while IFS= read -r line; do
		line=${line//:yesterday/$yesterday}
		case $line in
		'-- title: '*) title=${line#*: } ;;
		'-- role: '*) role=${line#*: } ;;
		'-- law: '*) law+="${line#*: } " ;;
		'-- quiet') quiet_from=${#statements[@]} ;;
		'-- expect: '*) expect=${line#*: } ;;
		'' | '--'*) ;;
		*)
			statement+="${statement:+$'\n'}$line"
			if [[ $line == *';' ]]; then
				statements+=("$statement")
				expected+=("$expect")
				statement=
				expect=ok
			fi
			;;
		esac
	done <"$1"
}

# show_statement PROMPT STATEMENT - as psql shows it
show_statement() {
	local line mark=$1
	while IFS= read -r line; do
		say "    $mark $line"
		mark=${mark/=/-}
	done <<<"$2"
}

# run_step FILE - log in, run it, show it as psql would, check each statement
run_step() {
	local title= role= law= quiet_from= statements=() expected=()
	local script=$work/tmp/step.sql mark line number state rows ended=0 blank= indent= step_failed=

	read_step "$1"
	mark="$role=>"
	[ "$role" != postgres ] || mark="$role=#"
	{
		printf '\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n\\pset null -\n'
		for number in "${!statements[@]}"; do
			[ "$number" != "$quiet_from" ] || printf '\\o /dev/null\n'
			printf '\\echo @@begin %d\n%s\n\\echo @@end %d :SQLSTATE :ROW_COUNT\n' "$number" "${statements[number]}" "$number"
		done
	} >"$script"

	steps=$((steps + 1))
	printf '\n%s%2d. %s%s\n\n' "$bold" "$steps" "$title" "$plain"
	while IFS= read -r line; do
		case $line in
		'') blank=1; continue ;;
		'LOCATION: '*) continue ;;
		'@@end '*)
			read -r number state rows <<<"${line#* }"
			ended=$((ended + 1))
			check_statement $((number + 1)) "${expected[number]}" "$state" "$rows"
			continue
			;;
		esac
		[ -z "$blank" ] || say ""
		blank=
		case $line in
		'@@begin '*)
			indent=
			show_statement "$mark" "${statements[${line#* }]}"
			;;
		'DETAIL: '*)
			say "    $line"
			indent='         '
			;;
		'HINT: '*)
			indent=
			say "    $line"
			;;
		*) sed -E 's/^( *(NOTICE|WARNING|INFO): +)[0-9A-Z]{5}: /\1/' <<<"    $indent$line" ;;
		esac
	done < <(demo_psql "$role" <"$script")
	if [ $ended -ne ${#statements[@]} ]; then
		say "    NOT AS EXPECTED: the session ended before all statements had run"
		step_failed=1
	fi
	if [ -z "$step_failed" ]; then
		say ""
		fmt -w 104 <<<"$law" | sed 's/^/    /; 1s/^    /  * /'
	else
		failures=$((failures + 1))
	fi
}

# show_ways_in - how to go on by hand
show_ways_in() {
	local as= psql="psql -h $work/socket -d city"
	[ -z "$run_user" ] || [ "$(id -u)" -eq 0 ] || as="sudo -u $run_user "
	say ""
	say "The cluster goes on running. Ways in, none with a password:"
	say ""
	say "    officer   $as$psql -U nhpd_officer"
	say "    partner   $as$psql -U bpd_detective"
	say "    auditor   $as$psql -U ag_auditor"
	say "    DBA       $as$psql -U city_dba       (superuser: -U postgres)"
	say ""
	say "A search begins with a request:"
	say ""
	say "    BEGIN;"
	say "    SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => '26-40117');"
	say "    SELECT * FROM plate_reads WHERE plate = 'BK40817';"
	say "    COMMIT;"
	say ""
	say "To stop it and remove everything:"
	say ""
	say "    ${run_user:+setpriv --reuid $run_user --regid $(id -g "$run_user") --clear-groups -- }$pg_bin/pg_ctl -D $work/data -m fast stop; rm -rf $work"
}

say "${bold}ctlpr: license plate reads kept inside the law${plain}"
find_server gcc make libc6-dev libicu-dev libssl-dev util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 \
	postgresql-N-postgis-3-scripts postgresql-N-pgtap
say "Connecticut Public Act 26-14, sections 13 to 15, played on a throwaway cluster of $("$PG_CONFIG" --version | cut -d' ' -f1,2)"
make_work demo
start_cluster "timezone = 'America/New_York'" "ctlpr.purge_naptime = '1h'" 'ctlpr.bulk_row_limit = 500'
started=$SECONDS
as_user psql --no-psqlrc --quiet --dbname=postgres --command='CREATE DATABASE city'
demo_psql postgres --set=ON_ERROR_STOP=1 --command='SET client_min_messages = warning' --command='CREATE EXTENSION postgis' \
	--file=- <"$root/demo/tables.sql" >"$work/tables.out" || { cat "$work/tables.out"; die "making the tables failed"; }
say ""
say "Generating $(thousands "$reads") reads of 30 days at 24 cameras in two cities"
load_reads
demo_psql city_dba --set=ON_ERROR_STOP=1 <"$root/demo/stolen_car.sql" >"$work/load.out" || { cat "$work/load.out"; die "loading the reads failed"; }

for file in "$root"/demo/story/*.sql; do
	run_step "$file"
done

say ""
if [ $failures -eq 0 ]; then
	say "${bold}All $steps steps came out as the law has it, in $((SECONDS - started)) s.${plain}"
else
	say "${bold}$failures of $steps steps did NOT come out as the law has it.${plain}"
	say "Last lines of the server's log:"
	tail -n 20 "$work/server.log"
fi
if [ -n "${KEEP:-}" ]; then
	keep_work=1
	show_ways_in
fi
[ $failures -eq 0 ]
