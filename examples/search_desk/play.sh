#!/usr/bin/env bash
# play.sh - makes the search desk's database on the server of PGHOST and PGPORT, where the caller is a superuser and ctlpr is
# preloaded, and goes through a day at the desk.  Says what is not as expected, and ends with 1 then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PGDATABASE=search_desk PYTHONDONTWRITEBYTECODE=1
failures=0
output=

# step TITLE EXPECTED ARGUMENT ... - desk.py with these arguments, input from ours; each line of EXPECTED is a regular expression
# that its output must match, but ! before one says that it must not; leaves it in $output
step() {
	local title=$1 expected=$2 line
	shift 2
	printf '\n%s\n\n    $ desk.py' "$title"
	printf ' %q' "$@"
	printf '\n'
	output=$(python3 desk.py "$@" 2>&1) || true
	sed 's/^/    /' <<<"$output"
	while IFS= read -r line; do
		if [[ $line == '!'* ]] && grep -qE -- "${line#!}" <<<"$output" || [[ $line != '!'* ]] && ! grep -qE -- "$line" <<<"$output"; then
			printf '    NOT AS EXPECTED: %s\n' "$line"
			failures=$((failures + 1))
		fi
	done <<<"$expected"
}

# csv HOURS PLATE CAMERA AGENCY ... - a line of the feed for each four
csv() {
	while [ $# -gt 0 ]; do
		printf '%s,%s,%s,%s\n' "$(date --utc --date="$1 hours ago" +%FT%TZ)" "$2" "$3" "$4"
		shift 4
	done
}

psql --no-psqlrc --quiet --dbname=postgres --command='CREATE DATABASE search_desk'
psql --no-psqlrc --quiet --tuples-only --file=schema.sql

step "The purposes that the act permits a police agency" $'stolen_vehicle\n!immigration' purposes </dev/null
csv 2 CT4711A 1 CT-NHPD 30 CT4711A 2 CT-NHPD 5 CT9000B 3 CT-NHPD 600 CT4711A 1 CT-NHPD |
	step "New Haven's cameras bring in what they saw; one of them was off for weeks" $'^3 reads came in\n^1 read past its retention was left out' feed -
csv 20 CT4711A 11 CT-HPD | step "So do Hartford's" '^1 reads came in' feed - --role desk_feed_hartford
csv 1 CT1 11 CT-HPD | step "New Haven's feed cannot bring in Hartford's" 'Refused \(LP013\)' feed -
step "An officer looks for a stolen car: own reads" $'Elm Street\nChapel Street\n^2 reads\n!Hartford' \
	search stolen_vehicle ct4711a --officer 'badge 4711' --reason 'taken from Elm Street' </dev/null
step "With a case number, those of all agencies of the state" $'Main Street, Hartford\n^3 reads' \
	search stolen_vehicle ct4711a --officer 'badge 4711' --case_number 26-1001 </dev/null
step "An investigation needs a reason: the desk asks for it" $'reason argument\n^.*1 read$' \
	search criminal_investigation ct9000b --officer 'badge 12' <<<'robbery at the Chapel Street branch'
step "A forbidden purpose" $'Refused \(LP004\)\nunder any other purpose\n!CT4711A' \
	search immigration_enforcement ct4711a --officer 'badge 12' --case_number 26-1002 </dev/null
step "A reason that gives one away" $'Refused \(LP008\)\nask your supervisor\n!CT4711A' \
	search stolen_vehicle ct4711a --officer 'badge 12' --reason 'ICE assist' </dev/null
step "A reason that a supervisor has to see" 'Refused \(LP008\)' \
	search stolen_vehicle ct9000b --officer 'badge 12' --reason 'taken from the car park of the clinic' </dev/null
step "What was refused for its reason" $'^[0-9]+  badge 12  stolen_vehicle  ICE assist\n^[0-9]+  badge 12  stolen_vehicle  taken from the car park' refused </dev/null
request=$(sed -n 's/^ *\([0-9]*\)  badge 12 .*clinic.*/\1/p' <<<"$output")
step "The supervisor admits the one, and lets the other stand" '^approved, entry [0-9]+' approve "$request" 'the owner reported the theft' </dev/null
step "Now it may be searched" $'Whalley Avenue\n^1 read' \
	search stolen_vehicle ct9000b --officer 'badge 12' --reason 'taken from the car park of the clinic' </dev/null
step "A request that nobody made cannot be admitted" '^Failed \(42704\)' approve 999999 'nothing' </dev/null
step "The reads are evidence: a supervisor holds them past the 21 days" '^hold [0-9]+' \
	hold ct4711a 26-1001 'badge 4711' 'trial for vehicle theft' </dev/null
step "What is held" '^1  26-1001  badge 4711  desk_supervisor  2  open' holds </dev/null
step "The case is closed without charges" '^hold 1 ended' release 1 no_charges </dev/null
step "What an officer searched, as the log has it" $'stolen_vehicle +26-1001 +CT4711A +3 reads' searches 'badge 4711' </dev/null
step "... and what another was refused" $'refused LP004\nrefused LP005\nrefused LP008\n1 reads' searches 'badge 12' </dev/null

printf '\n'
if [ $failures -ne 0 ]; then
	printf '%s answers were NOT as expected.\n' "$failures"
	exit 1
fi
printf 'All was as expected.\n'
