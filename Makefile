# ctlpr - built with the server's own extension makefiles (PGXS).
#
#   make                 build; WERROR=1 makes every warning an error
#   make install         into the server of PG_CONFIG, or below DESTDIR
#   make demo            the whole story on a throwaway cluster; READS=n, KEEP=1
#   make example         a day at the search desk of examples/, on a throwaway cluster
#   make check           all tests on throwaway clusters, or one group of them:
#                        check-regress check-pgtap check-isolation check-tap; TESTS="name ..." picks tests
#   make check-long      the same on an assert-enabled server (ASSERT_PG_CONFIG=...), then test/long/*.sh;
#                        the head of each script says by which variables it is made longer or repeated
#   make bench           what the policy costs, against rivals in the same run; ROWS=, ROUNDS=, ONLY=, see bench/run.sh
#   make tools           tools/ctlpr-verify, which checks an exported log (docs/log-format.md); needs libcrypto, and no server
#   make keygen          a key that signs checkpoints, into KEY=path, for the log named ORIGIN=name; prints its verifier's key
#   make reference       docs/reference.md, from the comments of the extension's objects
#   make format          clang-format over the sources; format-check only looks
#   make lint            cppcheck, and whether docs/law.md and docs/bypass.md hold what they say
#
# PG_CONFIG chooses the server; by default the newest one whose development files are installed.

PG_CONFIG ?= $(shell test/find_pg_config.sh)

EXTENSION = ctlpr
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
MODULE_big = ctlpr
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql

# One file per subject, joined in the order in which they need each other.
SQL_PARTS = $(addprefix sql/,$(addsuffix .sql, \
	schema agency statute instrument register screen governed_table publication audit request purge erase hold image hotlist camera external_audit shift functions \
	agency_functions screen_functions statute_functions authorization sharing_functions register_functions hold_functions publication_functions governance request_functions hotlist_functions audit_functions report image_functions erase_functions posture camera_functions public_record external_audit_functions annual_figures annual_report quarterly_audit usage_finding instrument_finding finding_closure finding search_trail \
	statutes/us-ct-2026 statutes/us-nh statutes/us-va-2025 statutes/us-ct-2026-screening privileges))

# The server's own headers do not pass -Wextra without these three.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
# Calls inside of the library, of which the policy makes some for each row, need no detour.
SHLIB_LINK = -Wl,-Bsymbolic-functions -lcrypto -licui18n -licuuc
ifeq ($(WERROR),1)
PG_CFLAGS += -Werror
endif

EXTRA_CLEAN = build tools/ctlpr-verify

# The goals below are scripts that find, or install, the server first; all others need PGXS now.
SCRIPT_GOALS = bench check check-regress check-isolation check-pgtap check-tap check-long demo example tools keygen reference format format-check lint
.DEFAULT_GOAL = all

ifneq ($(filter-out $(SCRIPT_GOALS),$(or $(MAKECMDGOALS),all)),)

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error no server development files found with PG_CONFIG=$(PG_CONFIG); install postgresql-server-dev-N or set PG_CONFIG)
endif

# Bitcode would only let JIT inline functions that are looked up at run time
# on purpose, and would make clang a requirement.
override with_llvm = no
include $(PGXS)

# What is compiled for one server, or with other flags, is no good for the next.
BUILT_FOR := $(shell ($(PG_CONFIG) --version; $(PG_CONFIG) --includedir-server; $(PG_CONFIG) --configure) | cksum) $(PG_CFLAGS)
$(shell mkdir -p build; echo '$(BUILT_FOR)' | cmp -s - build/built-for || echo '$(BUILT_FOR)' > build/built-for)
$(OBJS): build/built-for $(wildcard src/*.h)

$(DATA_built): $(SQL_PARTS) $(EXTENSION).control Makefile
	cat $(SQL_PARTS) > $@.part
	mv $@.part $@

endif

.PHONY: $(SCRIPT_GOALS)

# PGXS has a check goal of its own, which only says that it is none.
ifneq ($(filter $(SCRIPT_GOALS),$(MAKECMDGOALS)),)

check:
	+@PG_CONFIG='$(PG_CONFIG)' test/run.sh

check-regress check-isolation check-pgtap check-tap: check-%:
	+@PG_CONFIG='$(PG_CONFIG)' TESTS='$(TESTS)' test/run.sh $*

check-long:
	+@ASSERT_PG_CONFIG='$(ASSERT_PG_CONFIG)' PG_CONFIG='$(PG_CONFIG)' test/run_long.sh

bench:
	+@PG_CONFIG='$(PG_CONFIG)' bench/run.sh

demo:
	+@PG_CONFIG='$(PG_CONFIG)' READS='$(READS)' KEEP='$(KEEP)' demo/run.sh

example:
	+@PG_CONFIG='$(PG_CONFIG)' examples/search_desk/run.sh

tools: tools/ctlpr-verify

TOOL_CFLAGS ?= -O2 -g -Wall -Wextra
tools/ctlpr-verify: $(wildcard tools/*.c tools/*.h)
	$(CC) -std=c99 $(TOOL_CFLAGS) $(if $(filter 1,$(WERROR)),-Werror) $(CPPFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) -lcrypto -licui18n -licuuc

keygen:
	@tools/keygen.sh '$(KEY)' '$(ORIGIN)'

reference:
	+@PG_CONFIG='$(PG_CONFIG)' tools/reference.sh

CLANG_FORMAT ?= $(or $(shell command -v clang-format-14),clang-format)
C_FILES = $(shell git ls-files --cached --others --exclude-standard '*.c' '*.h')

format:
	$(CLANG_FORMAT) -i $(C_FILES)

format-check:
	$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

# The definitions stand for macros of the server, whose headers are not read; an error does not return.
lint:
	test/check_pages.sh
	@for version in 150000 180000; do \
		cppcheck --quiet --error-exitcode=1 --std=c99 --enable=warning,performance,portability \
			--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
			-DPG_VERSION_NUM=$$version -DERROR=21 -DFATAL=22 -DPANIC=23 -DWARNING=19 -DNOTICE=18 -DLOG=15 \
			-D'ereport(level, ...)=if ((level) >= ERROR) abort()' -D'elog(level, ...)=if ((level) >= ERROR) abort()' \
			-D'PG_MODULE_MAGIC=extern int magic' -D'PG_FUNCTION_INFO_V1(f)=extern int info_##f' \
			-D'pg_attribute_noreturn()=' -Dpg_noreturn= -DPGDLLEXPORT= src || exit 1; \
	done
	cppcheck --quiet --error-exitcode=1 --std=c99 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem tools

endif
