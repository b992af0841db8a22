#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# beside others
#
# The pulse: what both nodes saw of each second around a failover, a dead peer, an engine that is
# held up and one that dies; as text, as JSON and in the report.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=lab.sh
. ./lab.sh
trap lab_down EXIT

pulse() { # NODE FILTER: which is true of the samples
	ctl "$1" --json show pulse | jq -e ".samples | $2" >/dev/null
}
# The states of group 0 one after the other, `HERE/THERE`.
story() { # NODE
	ctl "$1" --json show pulse | jq -r '.samples[].groups[0] | "\(.own)/\(.peer)"' | uniq | tr '\n' ' '
}
tells() { # NODE PATTERN
	[[ $(story "$1") == $2 ]] || { echo "# $1: $(story "$1")" && false; }
}

lab_up
lab_conf
lab_pair
sleep 3
check "a second of peace is a sample with heartbeats on each link" wait_for 5 pulse fw1 \
	'.[-1] | .ms >= 900 and .ms < 1500 and .silence_ms < 200 and .late_ms < 200 and .failed == []
	and ([.links[] | select(.secondary | not)] | length == 2 and all(.state == "alive" and .beats >= 10))'
check "samples follow each other without gaps" pulse fw1 '[.[1:][].number] == [range(1; length)]'
ctl fw1 failover >/dev/null
wait_state fw2 master
wait_state fw1 primary-backup
check "after a failover the old master's pulse shows it" wait_for 3 tells fw1 '*master/primary-backup *primary-backup/master '
check "and the new one's, the other way round" wait_for 3 tells fw2 '*primary-backup/master *master/primary-backup '
on fw1 ip link set wan0 down
check "a failed monitor is named, with its weight" wait_for 3 pulse fw1 \
	'.[-1] | .failed == ["wan0/0"] and .groups[0].failed_weight == 255'
check "and at the peer" wait_for 3 pulse fw2 '.[-1] | .peer_failed == ["wan0/0"] and .groups[0].peer_failed_weight == 255'
lab_link_up fw1 wan0
wait_state fw1 primary-backup

engine=$(lab_engine_pid fw2)
before=$(ctl fw2 --json show pulse | jq '.samples | length')
kill -9 "$engine"
wait_state fw2 master
more_than_before() { pulse fw2 "length >= $before + 2 and .[0].number == 0"; }
check "what an engine saw outlives it" wait_for 5 more_than_before

guardian=$(lab_pid fw1) engine=$(lab_engine_pid fw1)
kill -STOP "$guardian" "$engine"
sleep 3
kill -CONT "$engine" "$guardian"
at='(.at | sub("\\.[0-9]+Z$"; "Z") | fromdate)'
check "while a node is held up its samples are missing, and it tells how late it was" wait_for 4 pulse fw1 \
	"[.[:-1], .[1:]] | transpose | any((.[1] | $at) - (.[0] | $at) >= 3 and .[1].late_ms >= 2000)"
check "none of them is made up" pulse fw1 'all(.ms < 2500)'
check "the table says so" bash -c "[[ \$(ip netns exec $LAB-fw1 '$NSRPCTL' -r '$LAB_DIR/fw1/run' show pulse) == *'nobody looked for '* ]]"
check "the other one heard nothing meanwhile" pulse fw2 'any(.silence_ms >= 2000)'
wait_state fw1 primary-backup

lab_power_off fw2
wait_state fw1 master
check "of a dead peer the silence grows, and there is no state of its groups" wait_for 6 pulse fw1 \
	'.[-1] | .silence_ms > 2000 and .groups[0].peer == null and .lag_ms == null and all(.links[]; .state == "lost" and .beats == 0)'
page() { ctl fw1 report | tee "$LAB_DIR/report.html" | python3 -c '
import sys, xml.etree.ElementTree as tree
page = tree.parse(sys.stdin).getroot()
text, svg = "".join(page.itertext()), "{http://www.w3.org/1999/xhtml}svg"
picture = page.find(f".//{svg}[@aria-labelledby]")
kinds = {e.get("class") for e in picture.iter()}
assert {"master", "primary-backup", "alive", "lost", "failed", "unseen", "hole", "mark"} <= kinds, kinds
assert "Nobody looked" in text and "wan0/0" in text, text'; }
check "the report draws it" page

exit "$FAILED"
