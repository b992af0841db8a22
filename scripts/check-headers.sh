#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every header below include/ and src/ compiles by itself, also twice in one file, with both
# compilers and the flags of the build.
set -eu
cd "$(dirname "$0")/.."

failed=0
for cc in gcc clang; do
	read -ra flags <<<"$(${MAKE:-make} -s --no-print-directory CC=$cc SAN= FUZZ= COVERAGE= WERROR=1 flags)"
	while read -r header; do
		include="#include \"${header#*/}\""
		printf '%s\n' "$include" "$include" 'typedef int not_empty;' |
			$cc "${flags[@]}" -Wno-cast-align -x c -fsyntax-only - || {
			echo "$header:1: does not compile by itself with $cc"
			failed=1
		}
	done < <(find include src -name '*.h' | sort)
done
exit $failed
