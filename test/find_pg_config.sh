#!/bin/sh
# Prints the pg_config to build with when nobody chose one: the newest of Debian's servers with development files,
# or else the one in the PATH.
newest=$(ls -1v /usr/lib/postgresql/*/lib/pgxs/src/makefiles/pgxs.mk 2>/dev/null | tail -n 1)
if [ -n "$newest" ]; then
	echo "${newest%/lib/pgxs/src/makefiles/pgxs.mk}/bin/pg_config"
else
	echo pg_config
fi
