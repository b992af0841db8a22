#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What `make bench` is made of: a round by nsrpd alone, and what becomes of rounds in table and
# picture. Times are not judged.
# beside others
set -u
cd "$(dirname "$0")" || exit 1
SESSIONS=50
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
# shellcheck source=tests/netns/matrix.sh
. ./matrix.sh
# shellcheck source=tests/netns/matrix_cases.sh
. ./matrix_cases.sh
# shellcheck source=tests/bench/conntrackd.sh
. ./../bench/conntrackd.sh
# shellcheck source=tests/bench/keepalived.sh
. ./../bench/keepalived.sh
# shellcheck source=tests/bench/failover.sh
. ./../bench/failover.sh
trap lab_down EXIT

# Two rounds of a system that recovers, one that does not, and two owners that stay.
rounds() {
	local zero="struck 2 alive_struck 1000 owner 2 takeovers 1 two_ms 0.0 two_healed_ms 0.0 none_ms"
	cat <<-EOF
		about date today
		about kernel 6.1
		about processors 2
		about load 0.1 0.2 0.3
		about rounds 2
		about sessions 1000
		about nsrpd nsrpd 1
		about keepalived keepalived 2
		about conntrackd conntrackd 3
		keepalived-1s power-off gap_ms 3000.00 silent_ms 0.00 lost 3001 alive 1000 $zero 2999.0
		nsrpd power-off gap_ms 8.00 silent_ms 0.00 lost 8 alive 1000 $zero 7.0
		nsrpd power-off gap_ms 12.00 silent_ms 0.50 lost 10 alive 990 $zero 9.0
		keepalived-50ms black-hole gap_ms 2.00 silent_ms 1500.00 lost 1500 alive 0 $zero 0.0
		keepalived-50ms kill-both gap_ms 1.00 silent_ms 0.00 lost 0 alive 1000 struck both owner both two_ms 800.0 none_ms 0.0
		floor carrier 0.2 ms
		floor carrier 0.4 ms
		problem nsrpd pause never became a pair
	EOF
}

report() { # RAW: $LAB_DIR/table and $LAB_DIR/picture of it
	../bench/failover_table.py "$1" >"$LAB_DIR/table" && ../bench/failover_picture.py "$1" >"$LAB_DIR/picture"
}

has_row() { # TEXT
	grep -qxF "$1" "$LAB_DIR/table" || {
		sed 's/^/# /' "$LAB_DIR/table"
		false
	}
}

bars() { # HOW_MANY, of a picture that is well-formed
	python3 - "$LAB_DIR/picture" "$1" <<-EOF
		import sys, xml.etree.ElementTree as tree
		bars = [r for r in tree.parse(sys.argv[1]).getroot().iter("{http://www.w3.org/2000/svg}rect") if "y" in r.attrib]
		sys.exit(len(bars) != int(sys.argv[2]))
	EOF
}

matrix_up
RAW=$LAB_DIR/raw
rounds >"$RAW"
check "rounds become a table and a picture" report "$RAW"
check "a row has medians, least and most" has_row \
	"| power-off, HA links lose carrier | nsrpd, as it comes | 10 (8–12) | 9 (8–10) | 0 | 8 (7–9) | 995 (990–1000) |"
check "an outage without an end is as long as it was watched" has_row \
	"| uplink black-holed, link up | keepalived, 50 ms | 1500, no end | 1500 | 0 | 0 | 0 |"
check "two owners for good are told from two for a while" has_row \
	"| kill -9 of all its processes | keepalived, 50 ms | 1 | 0 | 800, no end | 0 | 1000 |"
check "what the kernel alone takes is in the table" has_row \
	"| carrier lost at one end of a cable, told at the other | 0.30 (0.20–0.40) ms |"
check "a round that could not be measured is named" has_row "Not measured: nsrpd pause never became a pair."
check "each row with a gap has its bar" bars 5

RAW=$LAB_DIR/live
bench_about 1
failover_rounds 1 nsrpd "power-off stop" >"$LAB_DIR/rounds"
cat "$LAB_DIR/rounds"
check "both faults were measured" [ "$(grep -c '^# nsrpd .* owner 2 takeovers 1 ' "$LAB_DIR/rounds")" = 2 ]
check "all connections lived on" [ "$(grep -c ' alive 50 ' "$RAW")" = 2 ]
check "they become a table and a picture, too" report "$RAW"
check "with a bar for each" bars 2
exit "$FAILED"
