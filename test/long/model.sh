#!/usr/bin/env bash
# model.sh - the extension and the model of the law in test/model agree on a million random combinations of role, agency,
# purpose, basis, dates and row.
#
#   PG_CONFIG           the server to test with
#   MODEL_COMBINATIONS  how many at least (default 1000000)
#   CTLPR_SEED          to repeat a run
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

combinations=${MODEL_COMBINATIONS:-1000000}
[[ $combinations =~ ^[0-9]+$ ]] || die "MODEL_COMBINATIONS must be a number"
[[ ${CTLPR_SEED:-0} =~ ^[0-9]+$ ]] || die "CTLPR_SEED must be a number"

find_server gcc make libc6-dev libicu-dev libssl-dev python3 util-linux postgresql-N postgresql-server-dev-N postgresql-N-postgis-3 postgresql-N-postgis-3-scripts
make_work model
cp -a "$root/test/model" "$work/"
own_work
say "$("$PG_CONFIG" --version), as user ${run_user:-$(id -un)}, in $work"
start_cluster "fsync = off" "full_page_writes = off"
as_user psql --no-psqlrc --quiet --dbname=postgres --command="CREATE DATABASE model"
as_user env PGDATABASE=model python3 -B "$work/model/compare.py" --combinations "$combinations" ${CTLPR_SEED:+--seed "$CTLPR_SEED"}
