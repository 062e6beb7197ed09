#!/usr/bin/env bash
# run.sh - a day at the search desk (play.sh), on a throwaway cluster.
. "$(dirname "${BASH_SOURCE[0]}")/../../test/lib.sh"

find_server gcc make libc6-dev libssl-dev libicu-dev python3 python3-psycopg util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 \
	postgresql-N-postgis-3-scripts
make_work example
start_cluster
cp -a "$root/examples/search_desk" "$work/"
own_work
as_user "$work/search_desk/play.sh"
