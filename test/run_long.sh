#!/usr/bin/env bash
# run_long.sh - what takes long: all tests on an assert-enabled server, then test/long/*.sh.
#
#   ASSERT_PG_CONFIG  pg_config of a server configured with --enable-cassert, of a major version that Debian has PostGIS for
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0
if [ -z "${ASSERT_PG_CONFIG:-}" ]; then
	echo "skipped: no assert-enabled server; set ASSERT_PG_CONFIG to the pg_config of one"
else
	case $("$ASSERT_PG_CONFIG" --configure) in
	*--enable-cassert*) ;;
	*) echo "$ASSERT_PG_CONFIG belongs to a server without --enable-cassert" >&2; exit 1 ;;
	esac
	PG_CONFIG=$ASSERT_PG_CONFIG test/run.sh || failed=1
fi
for script in test/long/*.sh; do
	[ -e "$script" ] || continue
	echo "== $script"
	if bash "$script"; then
		echo "== $script: passed"
	else
		echo "== $script: FAILED"
		failed=1
	fi
done
exit $failed
