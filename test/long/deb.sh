#!/usr/bin/env bash
# deb.sh - the Debian packages are built, lintian finds no error in them, and they install into a clean chroot of the running
# release, work there (debian/tests), and are purged without leaving anything behind.
#
#   DEB_MIRROR   archive of the release (default http://deb.debian.org/debian)
#   DEB_CHROOT   a chroot made by debootstrap, to be copied instead of a new one
#
# Needs root, and a network for the packages of the chroot.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

mirror=${DEB_MIRROR:-http://deb.debian.org/debian}
[ "$(id -u)" -eq 0 ] || die "needs root: debootstrap makes a chroot"
command -v dpkg-query >/dev/null || { say "skipped: not a Debian system"; exit 0; }
: "${PG_CONFIG:=$("$root/test/find_pg_config.sh")}"
major=$(server_major)
install_packages build-essential debhelper debootstrap dpkg-dev fakeroot libicu-dev libssl-dev lintian postgresql-server-dev-all python3 util-linux
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

work=$(mktemp -d "${TMPDIR:-/tmp}/ctlpr-long.XXXXXX")
# What is mounted is so in a namespace of its own and gone with it.
trap 'rm -rf --one-file-system "$work"' EXIT
started=$SECONDS
DEB_OUT=$work/deb "$root/debian/build.sh"
say "built in $((SECONDS - started)) s"

started=$SECONDS
lintian --allow-root --no-cfg "$work"/deb/*.changes | tee "$work/lintian"
! grep -E '^E:' "$work/lintian" || die "lintian finds errors"
say "lintian: no error, $(grep -cE '^W:' "$work/lintian" || true) warnings"

chroot=$work/chroot
if [ -n "${DEB_CHROOT:-}" ]; then
	cp -a --one-file-system "$DEB_CHROOT" "$chroot"
else
	debootstrap --variant=minbase --include=ca-certificates "$suite" "$chroot" "$mirror" >"$work/debootstrap" 2>&1 || { tail "$work/debootstrap"; die "debootstrap failed"; }
fi
say "chroot of $suite made in $((SECONDS - started)) s"
# The server that the packages are built for is the newest of the release, security updates included.
{
	say "deb $mirror $suite main"
	[ "$suite" = sid ] || say "deb $mirror $suite-updates main"
	[ "$suite" = sid ] || say "deb ${mirror%/debian}/debian-security $suite-security main"
} >"$chroot/etc/apt/sources.list"
rm -f "$chroot"/etc/apt/sources.list.d/*
cp -L /etc/resolv.conf "$chroot/etc/" 2>/dev/null || true
printf '#!/bin/sh\nexit 101\n' >"$chroot/usr/sbin/policy-rc.d"
chmod +x "$chroot/usr/sbin/policy-rc.d"
mkdir "$chroot/packages"
find "$work/deb" -name '*.deb' ! -name '*-dbgsym_*' -exec cp -t "$chroot/packages" {} +
cp -a "$root/debian/tests" "$chroot/packages/tests"

cat >"$chroot/packages/test" <<'SH'
#!/bin/bash
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -qq
before=$(dpkg-query -W -f='${Package}\n')
apt-get install -y -qq --no-install-recommends /packages/*.deb >/packages/install.log 2>&1 || { tail -n 20 /packages/install.log; exit 1; }
echo "installed, with $(comm -13 <(sort <<<"$before") <(dpkg-query -W -f='${Package}\n' | sort) | wc -l) packages"
dpkg-query -W -f='${Package} ${Version} ${Installed-Size} kB\n' '*ctlpr*'
/packages/tests/installed
ctlpr-keygen /tmp/key.pem police.example.gov/ctlpr | grep -q '^police.example.gov/ctlpr+[0-9a-f]\{8\}+' || { echo "ctlpr-keygen made no key"; exit 1; }
packages=$(dpkg-query -W -f='${Package}\n' '*ctlpr*')
files=$(dpkg -L $packages | sort -u | while read -r file; do [ -d "$file" ] || echo "$file"; done)
[ "$(wc -l <<<"$files")" -gt 10 ] || { echo "the packages hold too few files"; exit 1; }
apt-get purge -y -qq $packages >/packages/purge.log 2>&1 || { tail -n 20 /packages/purge.log; exit 1; }
left=$(while read -r file; do [ ! -e "$file" ] || echo "$file"; done <<<"$files")
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
left=$(find / -xdev -name '*ctlpr*' ! -path '/packages/*' ! -path '/proc/*')
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
echo "purged, nothing is left"
SH
chmod +x "$chroot/packages/test"
started=$SECONDS
unshare --mount --pid --fork --kill-child bash -c '
	mount --make-rprivate / && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" && chroot "$1" /packages/test' bash "$chroot" ||
	die "the packages do not work in a clean chroot"
say "installed, tested and purged in $((SECONDS - started)) s"
