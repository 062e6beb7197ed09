#!/usr/bin/env bash
# reference.sh - write docs/reference.md anew, from the comments of the extension on a throwaway cluster.
. "$(dirname "${BASH_SOURCE[0]}")/../test/lib.sh"

find_server gcc make libc6-dev libicu-dev libssl-dev util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
make_work reference
start_cluster
as_user psql -Xq -v ON_ERROR_STOP=1 -d postgres -c 'SET client_min_messages = error' -c 'CREATE EXTENSION ctlpr CASCADE'
as_user psql -XAtq -v ON_ERROR_STOP=1 -d postgres -f - <"$root/tools/reference.sql" >"$work/reference.md"
if cmp -s "$work/reference.md" "$root/docs/reference.md"; then
	say "docs/reference.md is as the comments have it"
else
	cat "$work/reference.md" >"$root/docs/reference.md"
	say "docs/reference.md was written: $(wc -l <"$root/docs/reference.md") lines"
fi
