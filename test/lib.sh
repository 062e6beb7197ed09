# lib.sh - what the test runner and the demo share; sourced by bash, not run.
#
# A script that sources it calls, in this order: find_server (after installing
# what is missing), make_work, and start_cluster.  Everything of the server then
# lives in one work directory under TMPDIR, owned by an unprivileged user, and
# nothing of it in the system's directories.

set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=			# the work directory, once made
run_user=		# the user under which servers and tests run; empty: the caller's own
cluster_running=
keep_work=		# set to leave the work directory behind

# Whatever server the caller's environment points to is none of ours.
for variable in ${!PG@}; do
	[ "$variable" = PG_CONFIG ] || unset "$variable"
done

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# server_major - major version of PG_CONFIG, of the version that its path names, or of Debian's default
server_major() {
	local version
	if version=$("$PG_CONFIG" --version 2>/dev/null); then
		version=${version#PostgreSQL }
		say "${version%%[!0-9]*}"
	elif [[ $PG_CONFIG =~ /postgresql/([0-9]+)/ ]]; then
		say "${BASH_REMATCH[1]}"
	else
		apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]\{1,\}\)$/\1/p' | head -n 1
	fi
}

# install_packages PACKAGE... - install what is missing of these from Debian; N in a name stands for the server's major
# version.  Without root it says what to install.
install_packages() {
	local package missing=() log status=0 policy=/usr/sbin/policy-rc.d made_policy=

	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system: taking for granted what it would install: $*"
		return
	fi
	if [ -z "$major" ] && [ "$(id -u)" -eq 0 ]; then
		apt-get update -qq >/dev/null || die "apt-get update failed"
		major=$(server_major)
	fi
	[ -n "$major" ] || die "no PostgreSQL server found; as root: apt-get update && apt-get install postgresql postgresql-server-dev-all"
	for package in "${@//-N/-$major}"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		say "packages are missing; as root:"
		say "    apt-get install --no-install-recommends ${missing[*]}"
		exit 1
	fi

	say "installing from Debian: ${missing[*]}"
	log=$(mktemp)
	# No server of the system starts because of us.
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
		made_policy=1
	fi
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
		</dev/null >"$log" 2>&1 || status=$?
	[ -z "$made_policy" ] || rm -f $policy
	if [ $status -ne 0 ]; then
		tail -n 30 "$log"
		rm -f "$log"
		die "installing failed"
	fi
	rm -f "$log"
}

# install_if_possible PACKAGE... - as install_packages, but what Debian's release does not carry, or this machine does not take, is
# named and left out
install_if_possible() {
	local package output
	if output=$(install_packages "$@" 2>&1); then
		[ -z "$output" ] || say "$output"
		return 0
	fi
	for package; do
		output=$(install_packages "$package" 2>&1) || say "without $package: $(tail -n 1 <<<"$output")"
	done
}

# find_server PACKAGE... - install what is missing, then settle PG_CONFIG, major and run_user
find_server() {
	: "${PG_CONFIG:=$("$root/test/find_pg_config.sh")}"
	major=$(server_major)
	install_packages "$@"
	if ! [ -e "$("$PG_CONFIG" --pgxs 2>/dev/null)" ]; then
		PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
	fi
	[ -e "$("$PG_CONFIG" --pgxs 2>/dev/null)" ] || die "no server development files found with PG_CONFIG=$PG_CONFIG"
	PG_CONFIG=$(command -v "$PG_CONFIG")
	export PG_CONFIG
	if [ "$(id -u)" -eq 0 ]; then
		run_user=nobody
		! id postgres >/dev/null 2>&1 || run_user=postgres
	fi
}

# make_work NAME - build, make the work directory and a private server with the extension in it
make_work() {
	local parent=${TMPDIR:-/tmp}

	make -C "$root" --no-print-directory -s all PG_CONFIG="$PG_CONFIG" || die "the build failed"
	[ ${#parent} -le 50 ] || parent=/tmp		# the path of a socket has 107 bytes at most
	work=$(mktemp -d "$parent/ctlpr-$1.XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir "$work/tmp" "$work/socket"
	"$root/test/private_install.sh" "$work/server" >/dev/null
	pg_bin=$work/server$("$PG_CONFIG" --bindir)
	pg_lib=$work/server$("$PG_CONFIG" --pkglibdir)
	own_work
}

# own_work - hand all of the work directory to the unprivileged user
own_work() {
	[ -z "$run_user" ] || chown -R "$run_user:$(id -g "$run_user")" "$work"
}

# as_user COMMAND ... - run it as the unprivileged user, in the work directory, with the private server in front
as_user() {
	local drop=()
	[ -z "$run_user" ] || drop=(setpriv --reuid "$run_user" --regid "$(id -g "$run_user")" --init-groups --)
	"${drop[@]}" env -C "$work" HOME="$work" TMPDIR="$work/tmp" USER="${run_user:-$(id -un)}" LOGNAME="${run_user:-$(id -un)}" \
		PATH="$pg_bin:$PATH" PGHOST="$work/socket" PGPORT=5432 PGUSER=postgres PGCONNECT_TIMEOUT=30 "$@"
}

# start_cluster [SETTING ...] - a cluster of our own behind a socket in the work directory, the library preloaded; the
# settings are lines of postgresql.conf
start_cluster() {
	as_user initdb --pgdata="$work/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
		</dev/null >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log"; die "initdb failed"; }
	{
		say "listen_addresses = ''"
		say "unix_socket_directories = '$work/socket'"
		say "unix_socket_permissions = 0700"
		say "port = 5432"
		say "timezone = 'UTC'"
		say "log_timezone = 'UTC'"
		say "shared_preload_libraries = 'ctlpr'"
		say "max_worker_processes = 16"
		say "max_prepared_transactions = 2"
		say "log_line_prefix = '%m [%p] %q%a '"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | as_user tee -a "$work/data/postgresql.conf" >/dev/null
	cluster_running=1
	as_user pg_ctl --pgdata="$work/data" --log="$work/server.log" --wait --silent start </dev/null >"$work/start.log" 2>&1 ||
		{ cat "$work/start.log"; tail -n 30 "$work/server.log"; die "the server did not start"; }
}

stop_cluster() {
	[ -n "$cluster_running" ] || return 0
	cluster_running=
	as_user pg_ctl --pgdata="$work/data" --mode=fast --wait --silent stop </dev/null >/dev/null 2>&1 ||
		as_user pg_ctl --pgdata="$work/data" --mode=immediate --wait --silent stop </dev/null >/dev/null 2>&1 || true
}

# cleanup - runs when the script ends, however it does
cleanup() {
	local status=$?
	trap - EXIT INT TERM HUP
	if [ -z "$keep_work" ]; then
		stop_cluster
		cd /
		rm -rf "$work"
	fi
	exit $status
}
