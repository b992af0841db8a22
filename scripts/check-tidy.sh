#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What no compiler says: sizes of files and functions, banned calls, missing unit tests,
# undocumented configuration keywords, missing licence lines, words that do not belong.
set -eu
cd "$(dirname "$0")/.."

failed=0
complain() # FILE LINE TEXT
{
	echo "$1:$2: $3"
	failed=1
}
# Prints its input; any line of it is a failure.
findings()
{
	local text
	text=$(cat)
	[ -z "$text" ] || {
		echo "$text"
		failed=1
	}
}

mapfile -t c_files < <(find include src tests -name '*.[ch]' | sort)
mapfile -t scripts < <(
	find Makefile .ci scripts tests -type f ! -path '*/corpus/*' ! -name '*.[ch]' -print0 |
		xargs -0 grep -lIE '^#!|^# SPDX' | sort
)
mapfile -t texts < <(
	find . -path ./.git -prune -o -path ./build -prune -o -path '*/corpus' -prune -o \
		-type f ! -name LICENSE -print | sed 's,^\./,,' | sort
)

# Files of at most 600 lines, functions of at most 60 (from brace to brace), banned calls.
# Comments and strings are blanked first. A function's braces stand in the first column.
[ ${#c_files[@]} = 0 ] || findings < <(awk '
	function code(s,    out, m) {
		out = ""
		while (s != "") {
			if (in_comment) {
				m = index(s, "*/")
				if (!m)
					return out
				in_comment = 0
				s = substr(s, m + 2)
			} else if (match(s, /^"(\\.|[^"\\])*"/) || match(s, /^\047(\\.|[^\047\\])+\047/)) {
				out = out "\"\""
				s = substr(s, RLENGTH + 1)
			} else if (s ~ /^\/\//) {
				return out
			} else if (s ~ /^\/\*/) {
				in_comment = 1
				s = substr(s, 3)
			} else {
				out = out substr(s, 1, 1)
				s = substr(s, 2)
			}
		}
		return out
	}
	FNR == 1 { in_comment = 0; begin = 0 }
	FNR == 601 { print FILENAME ":601: file of more than 600 lines" }
	{ text = code($0) }
	text ~ /^\{/ { begin = FNR }
	text ~ /^\}/ && begin {
		if (FNR - begin + 1 > 60)
			print FILENAME ":" begin ": function of " FNR - begin + 1 " lines, at most 60"
		begin = 0
	}
	match(text, /(^|[^A-Za-z0-9_.>])(strcpy|sprintf|atoi|rand|system|gettimeofday|alloca)[ \t]*\(/) {
		call = substr(text, RSTART, RLENGTH)
		gsub(/[^a-z]/, "", call)
		print FILENAME ":" FNR ": " call "() is banned"
	}' "${c_files[@]}")

# The licence stands in the first line, or behind a script's interpreter line.
for file in "${c_files[@]}" "${scripts[@]}"; do
	n=1
	read -r first <"$file" || true
	[[ $first != '#!'* ]] || n=2
	sed -n "${n}p" "$file" | grep -qE '^(/\*|#) SPDX-License-Identifier: GPL-3\.0-or-later( \*/)?$' ||
		complain "$file" $n "no SPDX-License-Identifier line"
done

# Every file of the core has its unit test, or a test that says `/* covers: a.c b.c */`.
covered=" $(find tests/unit tests/transcript -name 'test_*.c' -exec head -qn 5 {} + |
	sed -n 's,^/\* covers: \(.*\) \*/$,\1,p' | tr '\n' ' ') "
for file in src/core/*.c; do
	[ -e "$file" ] || continue
	name=$(basename "$file")
	[ -e "tests/unit/test_$name" ] || [[ $covered == *" $name "* ]] ||
		complain "$file" 1 "has no tests/unit/test_$name, and no test covers it"
done

# Every keyword of the table in src/conf is shown in its section of the example, which may
# have it commented out.
example=conf/nsrpd.conf.example
[ ! -e $example ] || findings < <(
	grep -rnoE '\.section = CONF_SECTION_[A-Z]+, *\.key = "[^"]+"' src/conf --include='*.c' |
		sed -E 's/^([^:]*:[0-9]+):.*CONF_SECTION_([A-Z]+).*"(.*)"$/\1 \L\2\E \3/' |
		awk -v example=$example '
			NR == FNR {
				sub(/^[;#]+ */, "")
				if (match($0, /^\[[a-z]+/))
					section = substr($0, 2, RLENGTH - 1)
				else if (match($0, /^[a-z-]+/))
					shown[section " " substr($0, 1, RLENGTH)] = 1
				next
			}
			!(($2 " " $3) in shown) { print $1 ": " $3 " of [" $2 "] is not in " example }
		' $example -
)

# The brackets keep these patterns from finding themselves.
findings < <(grep -nHIE '\b(TO[D]O|FIX[M]E|X[X]X)\b' "${texts[@]}" |
	sed -E 's/^([^:]*:[0-9]+):.*/\1: unfinished: finish it or say it in plain words/')
findings < <(grep -nHIE '(^|[[:space:](])[#][0-9]+\b|\b[Ii]ssue [#]?[0-9]+' "${texts[@]}" |
	sed -E 's/^([^:]*:[0-9]+):.*/\1: names an issue; say what it is about/')
findings < <(grep -nHIE '/wor[k]/|/hom[e]/[a-z]' "${texts[@]}" |
	sed -E 's/^([^:]*:[0-9]+):.*/\1: path of one machine/')
exit $failed
