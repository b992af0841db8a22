#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every function that doc/ARCHITECTURE.md names is defined in src/ (or declared with a `*`), every
# file it names is there, and its walk of one failover stays short: at most 6 files, 60 lines.
set -eu
cd "$(dirname "$0")/.."
doc=${1:-doc/ARCHITECTURE.md}
status=0
complain() {
	echo "$doc: $*" >&2
	status=1
}

for symbol in $(grep -o '`[a-z_]*()`' "$doc" | tr -d '`()' | sort -u); do
	grep -rqE "^[a-z].*[ *]$symbol\(" src --include='*.c' ||
		complain "$symbol() is defined nowhere in src/"
done
for file in $(grep -oE '\b(src|tests|include|scripts)/[a-z_/]*\.[ch]\b' "$doc" | sort -u); do
	[ -e "$file" ] || complain "$file is not there"
done
walk=$(sed -n '/^## One failover/,/^## And/p' "$doc" | sed '$d')
lines=$(printf '%s\n' "$walk" | wc -l)
files=$(printf '%s\n' "$walk" | grep -oE 'src/[a-z_/]*\.c' | sort -u | wc -l)
[ "$files" -ge 3 ] || complain "the walk of one failover was not found"
[ "$lines" -le 60 ] || complain "the walk of one failover has $lines lines, at most 60 are allowed"
[ "$files" -le 6 ] || complain "the walk of one failover goes through $files files, at most 6"
exit "$status"
