#!/usr/bin/env bash
# private_install.sh [DIRECTORY] - a copy of the server of PG_CONFIG with the extension installed in it.
#
# The server finds its libraries and shared files relative to its own binary,
# so that a copy with the same layout below another directory (by default
# build/pgN here) is a server of its own.  Tests and the demo work on such a
# copy and leave the system's directories alone.  A server built from source has no
# PostGIS and no pgTAP: those come from Debian's packages for the same
# major version.  Files are copied, not linked: whoever owns the copy then
# owns nothing of the system.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${PG_CONFIG:=$("$root/test/find_pg_config.sh")}"
version=$("$PG_CONFIG" --version)
version=${version#PostgreSQL }
major=${version%%[!0-9]*}
destination=${1:-$root/build/pg$major}

bin=$("$PG_CONFIG" --bindir)
lib=$("$PG_CONFIG" --pkglibdir)
share=$("$PG_CONFIG" --sharedir)

rm -rf "$destination"
mkdir -p "$destination"
for directory in "$bin" "$lib" "$share"; do
	mkdir -p "$destination$directory"
	cp -a --reflink=auto "$directory/." "$destination$directory/"
done

# copy_missing NAME - bring Debian's files of an extension
copy_missing() {
	[ ! -e "$destination$share/extension/$1.control" ] || return 0
	[ -e "/usr/share/postgresql/$major/extension/$1.control" ] || return 0
	cp -aL "/usr/share/postgresql/$major/extension/$1"* "$destination$share/extension/"
	# libraries may share a directory with the server's own
	find "/usr/lib/postgresql/$major/lib" -maxdepth 1 -name "$1*.so" -exec cp -an -t "$destination$lib/" {} +
}
copy_missing postgis
copy_missing pgtap

make -C "$root" --no-print-directory -s install DESTDIR="$(cd "$destination" && pwd)" PG_CONFIG="$PG_CONFIG" >/dev/null
echo "$destination$bin"
