#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# src/core calls nothing that does I/O, reads a clock or allocates, and no file of src keeps
# state of its own: judged by the symbols of the plain gcc build's objects.
set -eu
cd "$(dirname "$0")/.."

may_call='memcpy|memset|memcmp|memmove|memchr|strlen|strcmp|strncmp|__assert_fail'
from_compiler='__stack_chk_fail|__(memcpy|memset|memmove)_chk|__[aut]san_.*|_GLOBAL_OFFSET_TABLE_'
may_vary='log_level' # the only variable of a file's own

make=("${MAKE:-make}" -s --no-print-directory CC=gcc SAN= FUZZ= COVERAGE=)
"${make[@]}" objects
objects=$("${make[@]}" print-build)/obj

failed=0
complain() # OBJECT SYMBOL TEXT
{
	local source=${1#"$objects"/} line
	source=${source%.o}.c
	line=$(grep -nwm1 -- "${2%%.*}" "$source" | cut -d: -f1)
	echo "$source:${line:-1}: $3"
	failed=1
}

# Objects whose source is gone stay behind in the tree: only sources that exist are asked.
of_sources() # FOLDER...
{
	find "$@" -name '*.c' | sort | while read -r source; do echo "$objects/${source%.c}.o"; done
}

mapfile -t core < <(of_sources src/core)
mapfile -t all < <(of_sources src)

if [ ${#core[@]} != 0 ]; then
	own=$(nm --defined-only -g -P "${core[@]}" | awk 'NF > 2 { print $1 }')
	while read -r object symbol; do
		if ! grep -qxE "$may_call|$from_compiler" <<<"$symbol" && ! grep -qx -- "$symbol" <<<"$own"; then
			complain "$object" "$symbol" "the core may not use $symbol"
		fi
	done < <(nm -A -u -P "${core[@]}" | sed 's/: / /' | awk '{ print $1, $2 }')
fi

# Constants that hold pointers are in .data.rel.ro: written once by the loader, then read-only.
if [ ${#all[@]} != 0 ]; then
	while read -r object symbol; do
		grep -qxE "$may_vary" <<<"${symbol%%.*}" ||
			complain "$object" "$symbol" "$symbol is state outside of any structure"
	done < <(objdump -t "${all[@]}" | awk '
		/: *file format / { object = $1; sub(/:$/, "", object) }
		/\.(data|bss|tdata|tbss)|\*COM\*/ && !/\.data\.rel\.ro/ && $NF !~ /^\./ { print object, $NF }')
fi
exit $failed
