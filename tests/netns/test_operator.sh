#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What an operator is told of a pair: what would come of failures, and what came of them.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

# Of what `why` tells: MASTERS RULE of the mishap WHAT that names NAME at WHERE (- = nowhere).
foreseen() { # NODE WHAT NAME WHERE
	ctl "$1" --json why 0 | jq -r --arg what "$2" --arg name "$3" --arg where "$4" '.groups[0].if[] |
		select(.what == $what and (.names | index($name)) and (.where // "-") == $where) |
		"\(.masters | join(",")) \(.rule)"'
}
foresees() { # NODE WHAT NAME WHERE ANSWER
	[ "$(foreseen "$1" "$2" "$3" "$4")" = "$5" ]
}

# The last mastership that NODE took, or gave up.
last() { # NODE from|to FILTER
	ctl "$1" --json history |
		jq -r "[.history[] | select(.$2 == \"master\" and .from != .to)] | last | $3"
}
told() { # NODE from|to FILTER: is true
	[ "$(last "$1" "$2" "$3")" = true ]
}

# What each node says of itself is what the other says of it.
facts() { # NODE own|peer
	local monitors='.ok, .weight'
	[ "$2" = own ] || monitors='.peer.ok, .peer.weight'
	ctl "$1" --json status | jq -c "[.groups[].$2, .groups[0].master, [.monitors[] | $monitors],
		(if \"$2\" == \"own\" then .in_sync, .realtime else .peer.in_sync, .peer.realtime end)]"
}
agree() { [ "$(facts fw1 own)" = "$(facts fw2 peer)" ] && [ "$(facts fw2 own)" = "$(facts fw1 peer)" ]; }

lines() { # NODE: of its log
	wc -l <"$LAB_DIR/$1/log"
}
# Lines at most since then, in which the group changed; one that repeats is no line of its own.
few_lines() { # NODE SINCE
	local n
	n=$(tail -n "+$(($2 + 1))" "$LAB_DIR/$1/log" | wc -l)
	[ "$n" -le 10 ] || tail -n "+$(($2 + 1))" "$LAB_DIR/$1/log" | sed 's/^/# /'
	[ "$n" -le 10 ]
}

# Each answer goes to the schema's judge, under its name there.
told_json() { # NAME NODE VERB...
	local name=$1
	shift
	printf '%s\t%s\n' "$name" "$(ctl "$1" --json "${@:2}")" >>"$LAB_DIR/answers"
}
ask_all() { # NODE
	local verb
	for verb in status why history version verify sync metrics report; do told_json "$verb" "$1" "$verb"; done
	for verb in groups links monitors mirror counters config pulse; do
		told_json "show $verb" "$1" show "$verb"
	done
}
steer_all() {
	told_json failover fw1 failover
	wait_state fw1 master
	told_json maintenance fw1 maintenance on
	wait_state fw2 master
	told_json status fw2 status
	told_json maintenance fw1 maintenance off
	told_json reload fw1 reload
	told_json sync fw1 sync ruleset
	on fw1 nft add table inet drifts
	on fw1 nft add chain inet drifts here
	ctl fw1 --json diff | sed 's/^/diff\t/' >>"$LAB_DIR/answers"
	on fw1 nft delete table inet drifts
	wait_state fw1 primary-backup
	told_json check fw1 check "$LAB_DIR/nsrpd.conf"
	told_json genkey fw1 genkey
	told_json genkey fw1 genkey "$LAB_DIR/new.key"
	printf 'watch\t%s\n' "$(timeout 1 ip netns exec "$LAB-fw1" "$NSRPCTL" -r "$LAB_DIR/fw1/run" --json watch)" \
		>>"$LAB_DIR/answers"
	printf 'watch\t%s\n' "$(timeout 1 "$NSRPCTL" -r "$LAB_DIR/nowhere" --json watch)" >>"$LAB_DIR/answers"
}
as_documented() { ./schema.py ../../doc/nsrpctl.schema.json <"$LAB_DIR/answers"; }

lab_up
lab_conf
printf '[monitor gateway]\ntype = ping\ntarget = %s\n' "$SERVER" >>"$LAB_DIR/nsrpd.conf"
lab_pair
alive() { [ "$(ctl "$1" --json status | jq '[.links[].state == "alive"] | all')" = true ]; }
wait_for 5 alive fw1
wait_for 5 alive fw2

check "why: a monitor of the master would move the group" foresees fw1 monitor gateway fw1 "fw2 2b"
check "the standby says the same of it" foresees fw2 monitor gateway fw1 "fw2 2b"
check "one of the standby would move nothing" foresees fw2 monitor gateway fw2 "fw1 2a"
check "nor one of both" foresees fw1 monitor gateway both "fw1 3"
check "the peer would take over from a dead master" foresees fw1 node fw1 - "fw2 4c"
check "nothing comes of a dead standby" foresees fw2 node fw2 - "fw1 2a"
check "nor of cut HA links" foresees fw1 links ha0 - "fw1 2a"
apart() { ctl "$1" --json why | jq -e '.groups[0].if[] | select(.what == "apart") | .masters == ["fw1", "fw2"]' >/dev/null; }
check "nodes that are cut off from each other would both be master" apart fw2

check "either node tells the same of both" wait_for 3 agree
ask_all fw1
ask_all fw2
before=$(lines fw1) before2=$(lines fw2)
on fw1 ip link set wan0 down
check "a link is lost, and what was foreseen comes" wait_state fw2 master
wait_state fw1 inoperable
check "history names the monitor on the node that took over" told fw2 to '.reason == "monitors" and .rule == "2b" and .monitor == "wan0/0"'
check "and on the other one" told fw1 from '.monitor == "wan0/0" and .rule == "2b"'
steps() { told "$1" "$2" ".steps_us | $3"; }
check "its steps are told in their order" steps fw2 to '.asked <= .accepted and .accepted < 0 and .set > 0 and .announced > 0'
check "and the gap, of milliseconds" told fw2 to '.gap_us == .steps_us.announced - .steps_us.asked and .gap_us < 500000'
check "the old master tells its own" wait_for 3 steps fw1 from '.asked <= .drained and .drained < 0 and .confirmed > 0'
check "sessions settle" wait_for 8 steps fw2 to '.settled > .set'
check "one that takes over writes ten lines at most" few_lines fw2 "$before2"
check "and one that lost a link" few_lines fw1 "$before"
check "either node tells the same of both, then too" wait_for 3 agree
ask_all fw1
lab_link_up fw1 wan0
wait_state fw1 primary-backup
wait_for 5 alive fw1
wait_for 5 alive fw2
steer_all

before=$(lines fw1)
lab_power_off fw2
check "power is lost" wait_state fw1 master
check "history tells when the peer was heard last" steps fw1 to '.heard < 0 and .set > 0'
check "and the gap since" told fw1 to '.gap_us == .steps_us.announced - .steps_us.heard'
sleep 2.5
check "ten lines at most tell of it" few_lines fw1 "$before"
for verb in status why history; do told_json $verb fw1 $verb; done
told_json "show mirror" fw1 show mirror
told_json "show groups" fw1 show groups
check "what each verb says as JSON is what its schema says" as_documented
check "of one node why tells what is left" foresees fw1 node fw1 - " 0"
check "and nothing of one that is not heard" [ -z "$(foreseen fw1 node fw2 -)" ]
page() { ctl fw1 report | tee "$LAB_DIR/report.html" | python3 -c '
import sys, xml.etree.ElementTree as tree
page = tree.parse(sys.stdin).getroot()
text = "".join(page.itertext())
assert "peer lost" in text and "monitors, wan0/0" in text and "gap, at most" in text, text
assert not [e for e in page.iter() if any(a in e.attrib for a in ("src", "href"))]'; }
check "the report is a page that needs no other, and tells of both" page
history=$(ctl fw1 --json history)
lab_stop fw1
lab_start fw1
kept() { # what was there is there
	[ "$(ctl fw1 --json history | jq -c --argjson old "$history" '.history[:($old.history | length)] == $old.history')" = true ]
}
check "history is kept over a restart" wait_for 5 kept
fits() { ! ctl fw1 history | grep -qE '^.{81}'; }
check "and fits into 80 columns" fits

exit "$FAILED"
