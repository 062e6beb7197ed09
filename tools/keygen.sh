#!/bin/sh
# keygen.sh KEY ORIGIN - make a key that signs the checkpoints of the log ORIGIN.
#
# The private key goes to the file KEY, which must not exist, for its owner
# alone.  The verifier's key is printed: give it to whoever is to check the log.
set -eu
export LC_ALL=C
[ $# -eq 2 ] && [ -n "$1" ] && [ -n "$2" ] || { echo "usage: keygen KEY ORIGIN; make keygen KEY=path ORIGIN=name" >&2; exit 2; }
key=$1
origin=$2
# What a verifier's key can name: docs/log-format.md
case $origin in
*[!!-~]* | *+*) echo "an origin is printable ASCII without spaces and plus signs" >&2; exit 2 ;;
esac
command -v openssl >/dev/null || { echo "openssl is not installed" >&2; exit 2; }

# The shell creates the file, as only the shell can say that it must be new.
umask 077
set -C
: >"$key" || exit 2
set +C
trap 'rm -f "$key"' EXIT
openssl genpkey -algorithm ed25519 -out "$key"
chmod 600 "$key"

# The public key is the end of its DER form.  Its number: of name, line feed, type and key.
public() { printf '\001'; openssl pkey -in "$key" -pubout -outform DER | tail -c 32; }
number=$({ printf '%s\n' "$origin"; public; } | openssl dgst -sha256 -r | cut -c 1-8)
encoded=$(public | openssl base64 -A)
[ ${#number} -eq 8 ] && [ ${#encoded} -eq 44 ] || { echo "openssl made no key" >&2; exit 2; }
trap - EXIT
printf '%s+%s+%s\n' "$origin" "$number" "$encoded"
