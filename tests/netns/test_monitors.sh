#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Monitors: what makes a group move, how fast, and what does not.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
ROUNDS=${ROUNDS:-3} # of what is measured

trap lab_down EXIT

monitor() { # NODE NAME KEY
	ctl "$1" --json show monitors | jq -r ".monitors[] | select(.name == \"$2\") | .$3"
}

monitor_is() { # NODE NAME KEY VALUE
	[ "$(monitor "$1" "$2" "$3")" = "$4" ]
}

one_master() {
	[ "$(is_state fw1 master && echo 1)$(is_state fw2 master && echo 1)" = 1 ]
}

term() { ctl fw1 --json status | jq '.groups[0].term'; }

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

# Milliseconds from $1, in microseconds, to when the node logged that last; logs have whole ones.
took_ms() { # SINCE NODE TEXT
	local stamp
	stamp=$(grep -F "$3" "$LAB_DIR/$2/log" | tail -n 1 | cut -d' ' -f1)
	[ -n "$stamp" ] || return 1
	awk -v a="$1" -v b="$(date -d "$stamp" +%s%6N)" 'BEGIN { printf "%.1f", (b - a) / 1000 }'
}

reload() {
	ctl fw1 reload >/dev/null && ctl fw2 reload >/dev/null
}

home() { # the group is fw1's again
	wait_state fw1 primary-backup && wait_state fw2 master && ctl fw2 failover >/dev/null
	wait_state fw1 master && wait_state fw2 primary-backup
}

# For each fault: packets that a stream of one a millisecond lost, its longest gap (other work of
# these cores included, as reading of the kernels' tables is), and how long it took to the log's
# line, from before and from behind the command: the fault lies between the two.
LOST=() GAPS=() BEFORE=() BEHIND=()
fault() { # NODE TEXT COMMAND...
	local node=$1 text=$2 since behind
	shift 2
	probe 2500
	sleep "1.$((RANDOM % 200 + 100))"
	since=$(now_us)
	"$@"
	behind=$(now_us)
	probe_end
	LOST+=("$(field lost "$PROBE")")
	GAPS+=("$(field gap_ms "$PROBE")")
	BEFORE+=("$(took_ms "$since" "$node" "$text")")
	BEHIND+=("$(took_ms "$behind" "$node" "$text")")
}

measured() { # NAME
	echo "# $1: packets lost ${LOST[*]}, median $(median "${LOST[@]}");" \
		"gap ${GAPS[*]}, median $(median "${GAPS[@]}") ms;" \
		"to the log ${BEFORE[*]} ms, less the command ${BEHIND[*]} ms"
}

TAKEN="primary-backup -> master, monitors (rule 2b"

# ---- links -----------------------------------------------------------------------------------

lab_up
lab_conf
lab_pair
check "every interface of the group is watched" monitor_is fw1 lan0/0 ok true
check "a node tells the peer's monitors, too" wait_for 3 monitor_is fw1 wan0/0 peer.ok true

lose() { # NAME WATCHED NODE DEVICE
	LOST=() GAPS=() BEFORE=() BEHIND=()
	for _ in $(seq "$ROUNDS"); do
		fault fw2 "$TAKEN" on "$3" ip link set "$4" down
		is_state fw2 master || not_ok "$1: the peer is master"
		monitor_is fw2 "$2/0" peer.ok false || not_ok "$1: the peer tells of it"
		lab_link_up "$3" "$4"
		home
	done
	measured "$1"
	check "$1: the outage is at most 5 ms" at_most "$(median "${LOST[@]}")" 5
}
lose "own side of lan0 down" lan0 fw1 lan0
lose "own side of wan0 down" wan0 fw1 wan0
lose "switch side of lan0 down" lan0 lan fw1

on fw1 ip link set lan0 down
wait_state fw1 inoperable
lab_link_up fw1 lan0
sleep 0.3
check "carrier alone does not make it good" monitor_is fw1 lan0/0 ok false
check "it is after rise x interval" wait_for 2 monitor_is fw1 lan0/0 ok true
check "and the node is the backup again" wait_state fw1 primary-backup
home

before=$(term)
on fw2 ip link set lan0 down
wait_state fw2 inoperable
check "a standby whose link is lost is inoperable, its master stays" is_state fw1 master
on fw1 ip link set lan0 down
sleep 1
check "both nodes' link lost: the master stays" is_state fw1 master
check "and nothing moved meanwhile" [ "$before" = "$(term)" ]
check "why names the rule" [ "$(ctl fw1 --json why | jq -r '.groups[0].rule')" = 3 ]
lab_link_up fw2 lan0
check "the one that is good again takes over" wait_state fw2 master
lab_link_up fw1 lan0
home

on fw1 ip link del lan0
check "an interface that is deleted fails" wait_state fw2 master
check "and is told as failed" monitor_is fw1 lan0/0 ok false
lab_port fw1 lan
check "one of its name is taken up" wait_for 3 monitor_is fw1 lan0/0 ok true
home

# A bond is one link; the test's has no other use.
on fw1 ip link add bond0 type bond mode active-backup miimon 10 2>/dev/null || on fw1 ip link add bond0 type dummy
for port in b0 b1; do
	on fw1 ip link add "$port" type veth peer name "p$port" netns "$LAB-lan"
	on lan ip link set "p$port" up
	on fw1 ip link set "$port" master bond0 2>/dev/null
	on fw1 ip link set "$port" up
done
on fw1 ip link set bond0 up
cp "$LAB_DIR/nsrpd.conf" "$LAB_DIR/before"
printf '[monitor bond]\ntype = link\ninterface = bond0\nweight = 10\n' >>"$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
if on fw1 ip -d link show bond0 | grep -q "bond mode"; then
	wait_for 3 monitor_is fw1 bond ok true
	on lan ip link set pb0 down
	check "a bond without one of its members passes" wait_for 2 monitor_is fw1 bond lost_members b0
	check "and it does" monitor_is fw1 bond ok true
	warned() { ctl fw1 --json status | jq -r '.warnings[]' | grep -q "members of bond0 without carrier: b0"; }
	check "it is warned of" warned
	on lan ip link set pb1 down
	check "without both it fails" wait_for 2 monitor_is fw1 bond ok false
	on lan ip link set pb0 up
	on lan ip link set pb1 up
	check "with them it passes again" wait_for 3 monitor_is fw1 bond ok true
	check "and no member is missed" wait_for 2 monitor_is fw1 bond lost_members null
else
	echo "# a bond is one link: this kernel makes none"
fi
cp "$LAB_DIR/before" "$LAB_DIR/nsrpd.conf"
reload
on fw1 ip link del bond0

# ---- targets ---------------------------------------------------------------------------------

conf_monitors() { # THRESHOLD, and the sections from stdin: instead of those before
	sed -i '/^threshold/,$d' "$LAB_DIR/nsrpd.conf"
	{ echo "threshold = $1" && cat; } >>"$LAB_DIR/nsrpd.conf"
	reload
}

before=$(term)
conf_monitors 200 <<END
[monitor watch]
type = ping
target = 10.78.0.250
weight = 0
[monitor gateway]
type = ping
target = $SERVER
weight = 200
END
check "monitors that are added pass" wait_for 2 monitor_is fw1 gateway ok true
has_rtt() { at_most "$(monitor fw1 gateway rtt_us)" 100000; }
check "the round-trip time is told" wait_for 2 has_rtt
check "what does not answer fails" wait_for 3 monitor_is fw1 watch ok false
check "on the standby, too" wait_for 3 monitor_is fw2 watch ok false
check "weight 0 moves nothing" is_state fw1 master
check "nor does a reload" [ "$before" = "$(term)" ]
sleep 1
probes=$(monitor fw1 gateway probes)
sed -i 's/^weight = 200/weight = 201/' "$LAB_DIR/nsrpd.conf"
reload
goes_on() { [ "$(monitor fw1 gateway probes)" -ge "$probes" ]; }
check "what only weighs differently goes on" goes_on
check "the new weight is told" monitor_is fw1 gateway weight 201

# The uplink is a black hole, for one node or both; the link is up.
hole() { # RULE...
	printf 'table netdev hole { chain in { type filter hook ingress device eth0 priority 0; %s }; }' \
		"$(printf '%s drop; ' "$@")" | on server nft -f -
}
heal() { on server nft flush ruleset; }

fw1_probes() { # KIND
	case $1 in
	ping4) echo "ip saddr 10.78.0.11 icmp type echo-request" ;;
	ping6) echo "ip6 saddr fd78::11 icmpv6 type echo-request" ;;
	arp4) echo "ether saddr $MAC arp operation request" ;;
	arp6) echo "ether saddr $MAC icmpv6 type nd-neighbor-solicit" ;;
	esac
}

hole "udp dport 1" # the first use of nft takes its time
heal
MAC=$(on fw1 cat /sys/class/net/wan0/address)
for kind in ping4 ping6 arp4 arp6; do
	target=$SERVER
	[ "${kind%6}" = "$kind" ] || target=$SERVER6
	conf_monitors 255 <<-END
		[monitor $kind]
		type = ${kind%?}
		interface = wan0
		target = $target
	END
	wait_for 3 monitor_is fw1 "$kind" ok true
	sleep 1.5
	LOST=() GAPS=() BEFORE=() BEHIND=()
	for _ in $(seq "$ROUNDS"); do
		fault fw1 "monitor $kind: fails" hole "$(fw1_probes $kind)"
		is_state fw2 master || not_ok "$kind: a black hole moves the group"
		heal
		home
	done
	measured "$kind, black hole to verdict"
	worst=$(printf '%s\n' "${BEHIND[@]}" | sort -n | tail -n 1)
	check "$kind: a black hole is noticed within interval x fall + 5 ms" \
		at_most "$worst" 605
done

before=$(term)
hole "meta protocol { ip, ip6, arp }"
wait_for 5 monitor_is fw1 arp6 ok false
sleep 1
check "the target mute for both: the master stays" is_state fw1 master
heal
wait_for 5 monitor_is fw1 arp6 ok true
wait_for 5 monitor_is fw2 arp6 ok true
check "and one is master when it answers again" one_master

conf_halves() { # [LINE of the first]: two monitors that reach the threshold together
	conf_monitors 250 <<-END
		[monitor half]
		type = ping
		target = $SERVER
		weight = 125
		$*
		[monitor other]
		type = ping
		target = $SERVER6
		weight = 125
	END
}

conf_halves
check "monitors that are taken out are gone" [ "$(monitor fw1 arp6 ok)" = "" ]
wait_for 3 monitor_is fw1 other ok true
is_state fw1 master || home
sleep 1.5
hole "$(fw1_probes ping4)"
wait_for 3 monitor_is fw1 half ok false
sleep 0.5
check "a weight below the threshold moves nothing" is_state fw1 master
conf_halves "interval = 300ms"
check "one that asks otherwise fails on until it passes" [ "$(monitor fw1 half ok)" = false ]
hole "$(fw1_probes ping6)"
check "two that reach it together do" wait_state fw2 master
heal
check "they are good again after rise probes" wait_for 3 monitor_is fw1 half ok true
home

# ---- a busy machine --------------------------------------------------------------------------

verdicts() { cat "$LAB_DIR"/fw?/log | grep -c "monitor .*: fails"; }

failures=$(verdicts)
lab_busy 16
sleep "${BUSY_SECONDS:-10}"
lab_idle
check "16 busy loops fail no monitor" [ "$failures" = "$(verdicts)" ]
check "and move nothing" is_state fw1 master
engine=$(lab_engine_pid fw2)
kill -STOP "$engine"
sleep 1.5
kill -CONT "$engine"
sleep 1
check "nor does a pause of the engine fail one" [ "$failures" = "$(verdicts)" ]

exit "$FAILED"
