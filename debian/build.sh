#!/usr/bin/env bash
# build.sh - the Debian packages, built with the distribution's own helper from a copy of the tree.
#
#   DEB_OUT  where the packages go (default build/deb)
#
# One package for each server whose development files are installed, and one with the tools.  Prints the names of the
# packages.  For another release of Debian, run it there, in a chroot or container.
. "$(dirname "${BASH_SOURCE[0]}")/../test/lib.sh"

out=${DEB_OUT:-$root/build/deb}
versions=$(find /usr/lib/postgresql -path '*/lib/pgxs/src/makefiles/pgxs.mk' 2>/dev/null | sed 's:^/usr/lib/postgresql/\([0-9]*\)/.*:\1:' | sort -n)
major=${versions##*$'\n'}
[ -n "$major" ] || major=$(PG_CONFIG=none server_major)
install_packages build-essential debhelper dpkg-dev fakeroot libicu-dev libssl-dev postgresql-server-dev-all python3
[ -n "$versions" ] || versions=$major
command -v dpkg-buildpackage >/dev/null || die "no dpkg-buildpackage: this builds Debian's packages on Debian"

work=$(mktemp -d "${TMPDIR:-/tmp}/ctlpr-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/ctlpr"
# What git does not know of, tests and builds have left.
git -C "$root" ls-files -z --cached --others --exclude-standard | (cd "$root" && xargs -0 cp -a --parents -t "$work/ctlpr")
[ -e "$root/debian/build.sh" ] && rm "$work/ctlpr/debian/build.sh"
cd "$work/ctlpr"
changelog=$(dpkg-parsechangelog -S Version)
extension=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" ctlpr.control)
[ "${changelog%-*}" = "$extension" ] || die "debian/changelog is of version $changelog, ctlpr.control of $extension"
# The servers that are here, not all that the release supports
export PG_SUPPORTED_VERSIONS=$versions
pg_buildext updatecontrol
if ! dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary >"$work/log" 2>&1; then
	tail -n 40 "$work/log" >&2
	die "the build failed"
fi
mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.changes "$out"/*.buildinfo
cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$work/log" "$out"/
ls -1 "$out"/*.deb
