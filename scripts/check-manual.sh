#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The man pages are well-formed, and nothing in them warns when they are shown.
set -eu
cd "$(dirname "$0")/.."

pages=(doc/*.[58])
mandoc -T lint -W warning "${pages[@]}"
for page in "${pages[@]}"; do
	text=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
	[ -z "$text" ] || {
		echo "$page: $text"
		exit 1
	}
done
