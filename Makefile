# SPDX-License-Identifier: GPL-3.0-or-later
#
# nsrpd's build. `make help` lists the targets.
#
# Every mode has a tree of its own, build/<mode>/: the compiler, plus what is asked of it.
#   make                      build/gcc         release: optimised, hardened, asserts on
#   make CC=clang             build/clang
#   make SAN=address,undefined  build/gcc-asan  what `make check` tests; SAN=thread likewise
#   make FUZZ=1 CC=clang      build/clang-fuzz  libFuzzer programs
#   make COVERAGE=1           build/gcc-coverage
# WERROR=1 makes warnings errors, V=1 shows the commands. CPPFLAGS, CFLAGS and LDFLAGS are added.

VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif
SAN ?=
FUZZ ?=
COVERAGE ?=
WERROR ?=
FUZZ_SECONDS ?= 10
PREFIX ?= /usr/local
DESTDIR ?=

# ---- the mode -----------------------------------------------------------------------------

comma := ,
CLANG := $(findstring clang,$(notdir $(firstword $(CC))))
SAN_NAME := $(subst address$(comma)undefined,asan,$(SAN))
SAN_NAME := $(subst $(comma),-,$(SAN_NAME:thread=tsan))
MODE := $(notdir $(firstword $(CC)))$(if $(SAN),-$(SAN_NAME))$(if $(FUZZ),-fuzz)
MODE := $(MODE)$(if $(COVERAGE),-coverage)
BUILD := build/$(MODE)
PLAIN := $(if $(SAN)$(FUZZ)$(COVERAGE),,yes)
# What `make check` tests, and the fuzzers' sanitizers.
CHECK_SAN := $(or $(SAN),address$(comma)undefined)

ifeq ($(V),)
Q := @
ifeq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say = @echo '  $(1)  $(2)'
endif
endif

# ---- flags --------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wformat=2 \
	-Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wundef -Wvla -Wswitch-enum \
	-Wimplicit-fallthrough -Wnull-dereference -Wredundant-decls -Wunused-macros
ifneq ($(CLANG),)
WARNINGS += -Wunreachable-code -Wcomma -Wassign-enum -Wconditional-uninitialized \
	-Wmissing-variable-declarations
else
WARNINGS += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wformat-truncation=2 \
	-Warray-bounds=2 -Wjump-misses-init
ifeq ($(PLAIN),)
# The code that gcc adds for a sanitizer makes these warn where there is nothing.
WARNINGS += -Wno-null-dereference -Wno-maybe-uninitialized -Wno-array-bounds \
	-Wno-format-truncation -Wno-stringop-overflow
endif
endif
WARNINGS += $(if $(WERROR),-Werror)

INCLUDES := -Iinclude -Isrc
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(filter x86_64 i%86,$(shell uname -m)),-fcf-protection) \
	$(if $(CLANG),,-ftrivial-auto-var-init=zero)

ifneq ($(PLAIN),)
MODE_CFLAGS := -O2 $(HARDENING)
MODE_LDFLAGS := -pie -Wl,-z,relro,-z,now
endif
ifneq ($(SAN),)
MODE_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
MODE_LDFLAGS := -fsanitize=$(SAN)
ifeq ($(CLANG)$(SAN_NAME),asan)
# gcc's two shared libraries disagree on log_path, by which run-tests collects daemons' reports.
MODE_LDFLAGS += -static-libasan -static-libubsan
endif
endif
ifneq ($(FUZZ),)
MODE_CFLAGS := -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined
MODE_LDFLAGS := -fsanitize=fuzzer,address,undefined
endif
ifneq ($(COVERAGE),)
MODE_CFLAGS := -O0 --coverage
MODE_LDFLAGS := --coverage
endif

# -std=c11 hides what is not ISO C; _GNU_SOURCE shows POSIX and Linux again.
# Netlink messages are structures in arrays of bytes, which strict aliasing does not know.
COMPILE := -std=c11 -g -fno-strict-aliasing $(MODE_CFLAGS) $(INCLUDES) -D_GNU_SOURCE= -DNSRP_VERSION='"$(VERSION)"' \
	$(WARNINGS) $(CPPFLAGS) $(CFLAGS)
LINK := $(MODE_LDFLAGS) $(LDFLAGS) -Wl,--as-needed
# libev ships no pkg-config file in Debian, so all are named plainly.
LIBS := -pthread -lev -lmnl -lcrypto -ljansson -lsystemd -lcap -linih -lnetfilter_conntrack -lnftnl -lnftables
# Of the programs nsrpctl alone serves metrics.
CTL_LIBS := -lmicrohttpd -lm

# ---- sources ------------------------------------------------------------------------------

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
programs = $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/$(1)/$(2)_*.c))

LIB_OBJECTS := $(call objects,$(foreach d,core conf object monitor io,$(wildcard src/$(d)/*.c)))
DAEMON_OBJECTS := $(call objects,$(filter-out src/daemon/main.c,$(wildcard src/daemon/*.c)))
DAEMON_MAIN := $(call objects,$(wildcard src/daemon/main.c))
CTL_OBJECTS := $(call objects,$(filter-out src/ctl/main.c,$(wildcard src/ctl/*.c)))
CTL_MAIN := $(call objects,$(wildcard src/ctl/main.c))
SIM_OBJECTS := $(call objects,$(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)))
SIM_MAIN := $(call objects,$(wildcard tests/sim/main.c))

PROGRAMS := $(if $(DAEMON_MAIN),$(BUILD)/nsrpd) $(if $(CTL_MAIN),$(BUILD)/nsrpctl)
UNIT_TESTS := $(call programs,unit,test)
TRANSCRIPT_TESTS := $(call programs,transcript,test)
FUZZ_TESTS := $(call programs,fuzz,fuzz)
SIM := $(if $(SIM_MAIN),$(BUILD)/sim)
ALL_TESTS := $(if $(FUZZ),$(FUZZ_TESTS),$(UNIT_TESTS) $(TRANSCRIPT_TESTS) $(SIM))

# ---- building -----------------------------------------------------------------------------

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all everything objects programs unit-tests transcript-tests sim-program fuzz-tests \
	check checks unit transcript sim-smoke fuzz-smoke netns vm check-vm sim soak mutants coverage \
	bench bench-kernel bench-sessions bench-ipsec profile-sessions matrix analyze analyze-gcc analyze-tidy analyze-cppcheck analyze-clang format demo deps root-deps install deb clean flags print-build help FORCE

## all: the programs of this mode; a plain build is also linked as build/nsrpd, build/nsrpctl
all: programs
ifneq ($(PLAIN),)
	@for p in $(notdir $(PROGRAMS)); do ln -sfn $(MODE)/$$p build/$$p; done
endif

## everything: the programs and all tests of this mode
everything: $(if $(FUZZ),,all) $(ALL_TESTS)

objects: $(LIB_OBJECTS) $(DAEMON_OBJECTS) $(DAEMON_MAIN) $(CTL_OBJECTS)
programs: $(BUILD)/libnsrp.a $(PROGRAMS) $(BUILD)/stream $(BUILD)/flood $(BUILD)/owners $(BUILD)/objects \
	$(BUILD)/rules $(BUILD)/kernel_probe
unit-tests: $(UNIT_TESTS)
transcript-tests: $(TRANSCRIPT_TESTS)
sim-program: $(SIM)
fuzz-tests: $(FUZZ_TESTS)

# Writes $(2) to the target when it holds something else, so that what depends on it is made
# again exactly when it changed.
same = $(if $(subst x$(strip $(1))x,,x$(strip $(2))x),,yes)
remember = $(if $(call same,$(file <$(1)),$(2)),,$(file >$(1),$(strip $(2))))

$(BUILD):
	@mkdir -p $@

$(BUILD)/compile: FORCE | $(BUILD)
	@$(call remember,$@,$(CC) $(COMPILE)):
$(BUILD)/link: FORCE | $(BUILD)
	@$(call remember,$@,$(CC) $(LINK) $(LIBS)):
$(BUILD)/libnsrp.list: FORCE | $(BUILD)
	@$(call remember,$@,$(LIB_OBJECTS)):
$(BUILD)/libdaemon.list: FORCE | $(BUILD)
	@$(call remember,$@,$(DAEMON_OBJECTS)):
$(BUILD)/libctl.list: FORCE | $(BUILD)
	@$(call remember,$@,$(CTL_OBJECTS)):
$(BUILD)/libsim.list: FORCE | $(BUILD)
	@$(call remember,$@,$(SIM_OBJECTS)):

# libmnl casts byte pointers to structures.
$(BUILD)/obj/src/object/%.o: EXTRA := -Wno-cast-align
$(BUILD)/obj/tests/netns/objects.o: EXTRA := -Wno-cast-align
# cmocka's assertions do not return, but do not say so.
$(BUILD)/obj/tests/unit/%.o: EXTRA := -Wno-null-dereference
$(BUILD)/obj/tests/unit/test_object_%.o $(BUILD)/obj/tests/unit/test_ruleset.o: EXTRA := -Wno-null-dereference -Wno-cast-align
$(BUILD)/obj/tests/transcript/%.o $(BUILD)/obj/tests/fuzz/%.o: EXTRA := -Itests/sim \
	-Wno-null-dereference

$(BUILD)/obj/%.o: %.c $(BUILD)/compile
	$(call say,CC  ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMPILE) $(EXTRA) -MMD -MP -c -o $@ $<

archive = $(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)
link = $(Q)mkdir -p $(@D) && $(CC) $(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(1) $(LIBS)

$(BUILD)/libnsrp.a: $(LIB_OBJECTS) $(BUILD)/libnsrp.list
	$(call say,AR  ,$@)
	$(archive)
$(BUILD)/libdaemon.a: $(DAEMON_OBJECTS) $(BUILD)/libdaemon.list
	$(call say,AR  ,$@)
	$(archive)
$(BUILD)/libctl.a: $(CTL_OBJECTS) $(BUILD)/libctl.list
	$(call say,AR  ,$@)
	$(archive)
$(BUILD)/libsim.a: $(SIM_OBJECTS) $(BUILD)/libsim.list
	$(call say,AR  ,$@)
	$(archive)

$(BUILD)/nsrpd: $(DAEMON_MAIN) $(BUILD)/libdaemon.a $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/nsrpctl: $(CTL_MAIN) $(BUILD)/libctl.a $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link,$(CTL_LIBS))
$(BUILD)/stream: $(BUILD)/obj/tests/netns/stream.o $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/flood: $(BUILD)/obj/tests/netns/flood.o $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/owners: $(BUILD)/obj/tests/netns/owners.o $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/objects: $(BUILD)/obj/tests/netns/objects.o $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/rules: $(BUILD)/obj/tests/netns/rules.o $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/kernel_probe: $(BUILD)/obj/tests/netns/kernel_probe.o $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/bench_kernel: $(BUILD)/obj/tests/bench/bench_kernel.o $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/bench_sessions $(BUILD)/bench_pair $(BUILD)/bench_ipsec $(BUILD)/bench_floor: $(BUILD)/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(BUILD)/sim: $(SIM_MAIN) $(BUILD)/libsim.a $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link)
$(UNIT_TESTS) $(TRANSCRIPT_TESTS): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(BUILD)/libsim.a \
		$(BUILD)/libctl.a $(BUILD)/libdaemon.a $(BUILD)/libnsrp.a $(BUILD)/link
	$(call say,LINK,$@)
	$(call link,-lcmocka $(CTL_LIBS))
$(FUZZ_TESTS): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(BUILD)/libsim.a $(BUILD)/libnsrp.a \
		$(BUILD)/link
	$(call say,LINK,$@)
	$(call link)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- testing ------------------------------------------------------------------------------

# Two targets of these must not build in the same tree at the same time.
ifneq ($(filter check checks unit transcript sim-smoke fuzz-smoke netns vm check-vm clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

RUN = +@MAKE='$(MAKE)' CC='$(CC)' CHECK_SAN='$(CHECK_SAN)' FUZZ_SECONDS='$(FUZZ_SECONDS)' \
	scripts/run-tests

root-deps:
	@if [ "$$(id -u)" = 0 ]; then scripts/deps; fi

## check: every test, under SAN (address,undefined); installs what is missing when root
check: root-deps
	$(RUN) checks unit transcript sim fuzz netns vm
## checks unit transcript sim-smoke fuzz-smoke netns vm: a part of `check`
checks unit transcript netns vm:
	$(RUN) $@
## check-vm: what the host's kernel lacks, in User-Mode Linux; `vm` is the same
check-vm: root-deps
	$(RUN) vm
sim-smoke:
	$(RUN) sim
fuzz-smoke:
	$(RUN) fuzz

## sim SEED=123: plays one seed of the simulator again, with its trace
sim: sim-program
	$(if $(SEED),$(BUILD)/sim --seed $(SEED) --trace)
## soak: ten million seeds of the simulator
soak: sim-program
	scripts/soak.sh $(BUILD)/sim
## mutants: breaks the core on purpose; every mutant must be caught
mutants:
	+scripts/mutants

## coverage: branches of src/core reached by the unit, transcript and simulator runs
COVERAGE_DIR := build/gcc-coverage
coverage:
	$(MAKE) CC=gcc SAN= FUZZ= COVERAGE=1 unit-tests transcript-tests sim-program
	find $(COVERAGE_DIR) -name '*.gcda' -delete
	set -e; for t in $(patsubst $(BUILD)/%,$(COVERAGE_DIR)/%,$(UNIT_TESTS) $(TRANSCRIPT_TESTS)); \
		do $$t >/dev/null 2>&1 || { echo "$$t failed" >&2; exit 1; }; done
	$(if $(SIM),$(COVERAGE_DIR)/sim --seeds 1000 >/dev/null)
	gcovr --root . --filter src/core/ --branches --exclude-branches-by-pattern '\s*assert\(.*' \
		--object-directory $(COVERAGE_DIR) $(COVERAGE_DIR)

## bench-kernel: what src/io/kernel*.c costs beyond the kernel's own work; needs root
bench-kernel: $(BUILD)/bench_kernel
	$(BUILD)/bench_kernel

## bench-sessions: mirroring, side by side with conntrackd; needs root. See scripts/bench-sessions
bench-sessions: programs $(BUILD)/bench_sessions $(BUILD)/bench_pair
	scripts/bench-sessions

## bench-ipsec: many tunnels, in User-Mode Linux; needs root. See scripts/bench-ipsec
bench-ipsec: programs $(BUILD)/bench_ipsec
	scripts/bench-ipsec

## bench ROUNDS=5 SYSTEMS="..." CASES="...": failovers, side by side with keepalived; needs root. See scripts/bench
bench: programs $(BUILD)/bench_sessions $(BUILD)/bench_pair $(BUILD)/bench_kernel $(BUILD)/bench_floor
	+@ROUNDS='$(ROUNDS)' SYSTEMS='$(SYSTEMS)' CASES='$(CASES)' scripts/bench

## profile-sessions: where the time goes while sessions are mirrored; needs root
profile-sessions: programs $(BUILD)/bench_sessions
	scripts/profile-sessions

## matrix ROUNDS=5 CASES="...": what each fault costs a pair, and what it says of it; needs root
matrix: programs
	+@ROUNDS='$(ROUNDS)' CASES='$(CASES)' scripts/matrix

# ---- static analysis ----------------------------------------------------------------------

ANALYZED := $(wildcard src/*/*.c)
# Left out: parameters of one type side by side are no bug; memset_s is in no libc here.
TIDY := bugprone-*,cert-*,clang-analyzer-*,misc-*,-bugprone-easily-swappable-parameters
TIDY := $(TIDY),-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
have = command -v $(1) >/dev/null || { echo 'skipped: no $(1)'; exit 0; };

## analyze: gcc -fanalyzer, clang-tidy, cppcheck and scan-build over src; with -k all of them
analyze: analyze-gcc analyze-tidy analyze-cppcheck analyze-clang
analyze-gcc:
	@$(call have,gcc) for f in $(ANALYZED); do gcc $(filter-out -O%,$(COMPILE)) -O1 \
		-Wno-cast-align -fanalyzer -Werror -c -o /dev/null $$f || bad=1; done; exit $${bad:-0}
analyze-tidy:
	@$(call have,clang-tidy) clang-tidy --quiet --checks='-*,$(TIDY)' --warnings-as-errors='*' \
		$(ANALYZED) -- -std=c11 $(INCLUDES) -D_GNU_SOURCE= -DNSRP_VERSION='"$(VERSION)"'
analyze-cppcheck:
	@$(call have,cppcheck) cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
		--enable=warning,performance,portability $(INCLUDES) -DNSRP_VERSION='"$(VERSION)"' src
analyze-clang:
	+@$(call have,scan-build) rm -rf build/ccc-analyzer && scan-build -o build/scan-build \
		--status-bugs --use-cc=gcc env -u MAKEFLAGS $(MAKE) objects

# ---- the rest -----------------------------------------------------------------------------

## format: clang-format over include, src and tests
format:
	find include src tests -name '*.[ch]' -exec clang-format -i {} +
## demo: two nodes, a client and a server as namespaces on this machine
demo: root-deps
	$(MAKE) all
	scripts/demo
## deps: installs the Debian packages that the build and the tests need
deps:
	scripts/deps

# $(1) mode, $(2) directory, $(3) files. Programs are named in them with the prefix /usr.
put = $(if $(3),install -d $(DESTDIR)$(2) && install -m $(1) $(3) $(DESTDIR)$(2))
units = sed -i 's,/usr/\(s\?bin\)/nsrp,$(PREFIX)/\1/nsrp,' \
	$(patsubst conf/%,$(DESTDIR)$(UNIT_DIR)/%,$(wildcard conf/*.service))
SHARE := $(PREFIX)/share
UNIT_DIR ?= $(PREFIX)/lib/systemd/system
## install: under DESTDIR and PREFIX; units under UNIT_DIR
install: all
	$(call put,755,$(PREFIX)/sbin,$(filter %/nsrpd,$(PROGRAMS)))
	$(call put,755,$(PREFIX)/bin,$(filter %/nsrpctl,$(PROGRAMS)))
	$(call put,644,$(SHARE)/man/man8,$(wildcard doc/*.8))
	$(call put,644,$(SHARE)/man/man5,$(wildcard doc/*.5))
	install -d $(DESTDIR)/etc/nsrpd
	$(call put,644,$(SHARE)/doc/nsrpd,$(INSTALLED_DOCS))
	$(call put,644,$(SHARE)/doc/nsrpd/examples,$(wildcard conf/*.example conf/*.nft) conf/nsrpd-documents.conf)
	$(call put,644,$(SHARE)/nsrpd,conf/wireshark/nsrp.lua conf/grafana/nsrpd.json conf/prometheus/nsrpd.rules.yml)
	$(call put,755,$(SHARE)/doc/nsrpd/examples,scripts/convert-keepalived)
	$(call put,755,$(PREFIX)/libexec/nsrpd,conf/strongswan/strongswan)
	$(call put,644,$(SHARE)/doc/nsrpd/examples/strongswan,$(wildcard conf/strongswan/*.conf))
	sed -i 's,/usr/libexec/,$(PREFIX)/libexec/,' $(DESTDIR)$(SHARE)/doc/nsrpd/examples/strongswan/*.conf
	$(call put,644,$(SHARE)/bash-completion/completions,conf/bash-completion/nsrpctl)
	$(call put,644,$(UNIT_DIR),$(wildcard conf/*.service))
	$(units)
	$(call put,644,$(PREFIX)/lib/sysctl.d,$(wildcard conf/sysctl.d/*.conf))
	$(call put,644,$(PREFIX)/lib/sysusers.d,$(wildcard conf/sysusers.d/*.conf))
	$(call put,644,$(PREFIX)/lib/tmpfiles.d,$(wildcard conf/tmpfiles.d/*.conf))
	$(call put,644,$(PREFIX)/lib/systemd/network,$(wildcard conf/networkd/*.network))
	$(call put,644,$(PREFIX)/lib/systemd/networkd.conf.d,$(wildcard conf/networkd/networkd.conf.d/*))
	$(call put,644,$(PREFIX)/lib/NetworkManager/conf.d,$(wildcard conf/NetworkManager/*.conf))
INSTALLED_DOCS := $(addprefix doc/,GUIDE.md ACTIVE-ACTIVE.md IPSEC.md MIRRORED.md PROTOCOL.md VIRTUAL_MAC.md nsrpctl.schema.json)

## deb: a Debian package, build/deb/nsrpd_VERSION_ARCH.deb; DEB= names another directory
DEB ?= build/deb
DEB_SOURCE = $(DEB)/source
deb:
	rm -rf $(DEB_SOURCE)
	mkdir -p $(DEB_SOURCE)/nsrpd $(DEB)
	cp -a Makefile README.md conf doc include scripts src tests $(DEB_SOURCE)/nsrpd
	mv $(DEB_SOURCE)/nsrpd/conf/debian $(DEB_SOURCE)/nsrpd/debian
	sed -i '1s/(.*)/($(VERSION))/' $(DEB_SOURCE)/nsrpd/debian/changelog
	cd $(DEB_SOURCE)/nsrpd && env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES \
		dpkg-buildpackage -j2 --no-sign --build=binary >../log 2>&1 || { tail -n 30 ../log; exit 1; }
	mv $(DEB_SOURCE)/nsrpd*_* $(DEB)
	rm -rf $(DEB_SOURCE)
	@ls $(DEB)/nsrpd_*.deb

clean:
	rm -rf build

# What scripts ask for: where a mode's tree is, and what check-headers.sh compiles with.
print-build:
	@echo $(BUILD)
flags:
	@echo '$(COMPILE)'

help:
	@sed -n 's/^## //p' Makefile
