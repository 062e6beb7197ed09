#!/bin/sh
# check_pages.sh - docs/law.md has a row for every clause of the act, docs/bypass.md one for every way around, and what a row names
# exists: functions and views, settings, SQLSTATEs, tests that are run, with the words that the row quotes from them.  docs/findings.md
# has one for every kind of finding, and the table of errors in docs/applications.md one for every SQLSTATE of the source and for no other.
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C

# docs/findings.md has the kinds of ctlpr.finding_kinds, with their severities and whether they may be closed, and these are the kinds that findings have
page=$(sed -n 's/^| `\([a-z_]*\)` | \([a-z, ]*\) | \(yes\|no\) |.*/\1|\2|\3/p' docs/findings.md | sort)
kinds=$(sed -n "s/^\t('\([a-z_]*\)', '\([a-z, ]*\)', \(true\|false\), .*/\1|\2|\3/p" sql/finding_closure.sql | sed 's/true$/yes/; s/false$/no/' | sort)
made=$(for part in sql/*.sql; do [ "${part#sql/ctlpr--}" != "$part" ] || cat "$part"; done | grep -o "finding_id('[a-z_]*'" | sed "s/.*('//; s/'//" | sort -u)
if [ -z "$made" ] || [ "$page" != "$kinds" ] || [ "$(printf '%s\n' "$kinds" | sed 's/|.*//')" != "$made" ]; then
	echo "docs/findings.md, ctlpr.finding_kinds and the findings that sql/ makes differ:"
	printf '%s\n%s\n' "$page" "$kinds" | sort | uniq -u
	printf '%s\n%s\n' "$(printf '%s\n' "$kinds" | sed 's/|.*//')" "$made" | sort | uniq -u
	exit 1
fi

awk -v sql="$(cat sql/*.sql sql/statutes/*.sql | grep -o 'CREATE \(OR REPLACE \)\?\(FUNCTION\|VIEW\|TABLE\) ctlpr\.[a-z_]*' | sed 's/.* //' | sort -u | tr '\n' ' ')" \
	-v settings="$(grep -ho '"ctlpr\.[a-z_]*"' src/ctlpr.c src/request.c | tr -d '"' | sort -u | tr '\n' ' ')" \
	-v states="$(grep -ho "MAKE_SQLSTATE('L', 'P', '[0-9]', '[0-9]', '[0-9]')" src/ctlpr.h | tr -dc '0-9\n' | sed 's/^/LP/' | tr '\n' ' ')" '
function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
function is_run(file, line, result) {
	if (file ~ /^test\/(sql|pgtap)\/[a-z0-9_]+\.sql$/ || file ~ /^test\/isolation\/specs\/[a-z0-9_]+\.spec$/ || file ~ /^test\/t\/[a-z0-9_]+\.pl$/)
		return (getline line < file) > 0 && close(file) == 0
	return 0
}
# each test: a file that the runner takes by its place, then words from it in quotes
function check_tests(cell, count, parts, i, file, words, line, found) {
	count = split(cell, parts, /; test\//)
	for (i = 1; i <= count; i++) {
		file = (i > 1 ? "test/" : "") parts[i]
		words = file
		sub(/ .*/, "", file)
		sub(/^[^"]*"/, "", words)
		if (words !~ /"$/) { complain("no words of a test in quotes: " parts[i]); continue }
		sub(/"$/, "", words)
		if (!is_run(file)) { complain(file " is no test that is run"); continue }
		found = 0
		while ((getline line < file) > 0)
			if (index(line, words) || index(tolower(line), tolower(words))) found = 1
		close(file)
		if (!found) complain(file " does not say \"" words "\"")
	}
}
function check_names(cell, name, call) {
	while (match(cell, /`[^`]*`/)) {
		name = substr(cell, RSTART + 1, RLENGTH - 2)
		cell = substr(cell, RSTART + RLENGTH)
		if (name ~ /^LP/) {
			if (!index(" " states, " " name " ")) complain("no SQLSTATE " name)
		} else if (name ~ /^ctlpr\./) {
			call = name
			sub(/\(\)$/, "", call)
			if (!index(" " sql, " " call " ") && !index(" " settings, " " call " ")) complain("nothing is called " name)
		}
	}
}
FNR == NR { wanted[$0] = 1; next }
FILENAME == "docs/applications.md" {
	if (/^\| `LP/) {
		if (split($0, cell, "|") != 5 || trim(cell[3]) == "" || trim(cell[4]) == "") complain("a row has three cells")
		while (match(cell[2], /LP[0-9]+/)) {
			state = substr(cell[2], RSTART, RLENGTH)
			cell[2] = substr(cell[2], RSTART + RLENGTH)
			if (!index(" " states, " " state " ")) complain("no SQLSTATE " state)
			if (state in told) complain("a second row for " state)
			told[state] = 1
		}
	}
	next
}
FILENAME == "docs/bypass.md" && /^\| / && !/^\| way \|/ {
	if (split($0, cell, "|") != 6) { complain("a row has four cells"); next }
	ways++
	if (trim(cell[3]) == "" || trim(cell[4]) == "") complain("a way that nothing is said of")
	check_names(cell[4])
	check_tests(trim(cell[5]))
}
FILENAME == "docs/law.md" && /^\| 1[345]\(/ {
	if (split($0, cell, "|") != 6) { complain("a row has four cells"); next }
	clause = trim(cell[2])
	if (!(clause in wanted)) complain("no such clause: " clause)
	if (clause in seen) complain("a second row for " clause)
	seen[clause] = 1
	if (trim(cell[4]) == "") complain(clause " is answered by nothing")
	check_names(cell[4])
	if (trim(cell[5]) == "") complain(clause " is proved by nothing")
	else check_tests(trim(cell[5]))
}
END {
	for (clause in wanted)
		if (!(clause in seen)) { printf "docs/law.md: no row for %s\n", clause; bad = 1 }
	count = split(states, state_list, " ")
	if (count < 10) { print "src/ctlpr.h: SQLSTATEs are missing"; bad = 1 }
	for (i = 1; i <= count; i++)
		if (!(state_list[i] in told)) { printf "docs/applications.md: no row for %s\n", state_list[i]; bad = 1 }
	if (ways < 60) { print "docs/bypass.md: rows are missing"; bad = 1 }
	exit bad
}' test/law_clauses.txt docs/applications.md docs/law.md docs/bypass.md
