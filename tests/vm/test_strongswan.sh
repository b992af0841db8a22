#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A tunnel that strongSwan negotiated goes through failovers, with conf/strongswan on the pair, in a virtual
# machine. The remote gateway, which knows of no pair, asks whether its peer lives and renews keys after
# each, and tears nothing down; it takes no packet for a replay.
#
# beside others
set -eu
. "$(dirname "$0")/vm.sh"
. "$(dirname "$0")/strongswan.sh"
if lack=$(swan_lacks); then
	echo "skip - test_strongswan: $lack"
	exit 0
fi
vm_enter "$@"
. "$(dirname "$0")/../netns/lab.sh"
. "$(dirname "$0")/tunnels.sh"
trap swan_down EXIT

swan_down() {
	local status=$? node
	set +e
	[ "$status" = 0 ] || for node in fw1 fw2 server; do
		echo "--- charon of $node"
		tail -n 60 "$(swan_dir $node)/log" "$(swan_dir $node)/said"
	done
	(exit "$status")
	lab_down
}

# One is active, the other knows all of it and is passive.
are_together() { # ACTIVE PASSIVE
	swan_is "$1" ESTABLISHED && swan_is "$2" PASSIVE
}

# The longest gap of a stream through the tunnel while FAULT strikes.
survives() { # NEW_MASTER FAULT...
	local master=$1
	shift
	probe 2500 $SWAN_TARGET
	sleep 1
	"$@" >/dev/null
	wait_for 3 is_state "$master" master
	probe_end
	echo "# $PROBE"
	at_most "$(field gap_ms "$PROBE")" 500 && wait_for 3 swan_is "$master" ESTABLISHED &&
		swan_is server ESTABLISHED
}

# A charon asks one second after its start, and may not have read its tunnels by then, here.
is_told_all() {
	wait_for 3 swan_is fw2 PASSIVE || {
		echo "# it asked too early"
		"$LAB_DIR/follow" fw1 --resync
	}
	wait_for 10 are_together fw1 fw2
}

same_ike() {
	[ -n "$SPIS" ] && [ "$(swan_spis server)" = "$SPIS" ]
}

# Requests of the remote gateway that were answered.
answers() {
	grep -c 'parsed INFORMATIONAL response' "$(swan_dir server)/log" || true
}

# One that the fault swallowed is repeated after 4 s, before there are others.
lives() {
	local before
	before=$(answers)
	wait_for 12 eval "[ \$(answers) -ge $((before + 2)) ]" && same_ike && return
	sed -n '/DPD\|INFORMATIONAL\|retransmit/s/^/# /p' "$(swan_dir server)/log" | tail -n 30
	return 1
}

renews() { # NODE --child net|--ike site
	swan "$1" --rekey "$2" "$3" >/dev/null && wait_for 5 swan_is server ESTABLISHED && reaches
}

reaches() {
	on client ping -q -c 3 -i 0.1 -W 2 $SWAN_TARGET >/dev/null
}

not_replayed() {
	refusals server >"$LAB_DIR/refused"
	sed 's/^/# server: /' "$LAB_DIR/refused"
	! grep -qE 'Replay|replay|SeqError|ProtoError|InvalidSeq' "$LAB_DIR/refused"
}

# Nothing was refused, given up or asked for in vain; what it deletes it replaced before.
nothing_torn_down() {
	! grep -E 'giving up|not responding|received DELETE for IKE_SA|received (NO|TS|INVALID|AUTH|TEMPORARY|CHILD_SA)_[A-Z_]* |unable|failed' \
		"$(swan_dir server)/log" | sed 's/^/# /' | grep .
}

charon_lives() { # NODE
	NSRP_MONITOR=charon "$LAB_DIR/follow" "$1" 2>/dev/null
}

is_held() { # NODE: nothing of the tunnel leaves it
	on "$1" ip xfrm policy list dir out src 10.77.0.0/24 | grep -q 'action block'
}

# The keys that both daemons tell each other.
never_in_clear() {
	kill "$CAPTURE"
	wait "$CAPTURE" 2>/dev/null || true
	echo "# on the HA link: $(tcpdump -r "$LAB_DIR/capture" 2>/dev/null | wc -l) frames of charon's"
	tcpdump -r "$LAB_DIR/capture" esp 2>/dev/null | grep -q ESP &&
		! tcpdump -r "$LAB_DIR/capture" udp port 4510 2>/dev/null | grep -q .
}

lab_up
BOOT_WAIT=4s vm_conf # who starts first is the master, however slow it is
printf 'hook = %s\n[mirror]\nike-wait = 2s\n' "$LAB_DIR/follow" >>"$LAB_DIR/nsrpd.conf"
swan_files
on fw1 tcpdump -i ha1 -U -w "$LAB_DIR/capture" 'esp or udp port 4510' 2>/dev/null &
CAPTURE=$!
LAB_PIDS="$LAB_PIDS $!"
lab_pair
for node in fw1 fw2 server; do swan_start $node; done
for node in fw1 fw2 server; do swan_load $node; done
check "the master's charon becomes active" "$LAB_DIR/follow" fw1 --start
check "the remote gateway makes a tunnel" swan server --initiate --child net
SPIS=$(swan_spis server)
check "the standby's charon knows it, too" wait_for 5 are_together fw1 fw2
check "and is held" wait_for 5 is_held fw2

check "a planned failover" survives fw2 hand_over fw1
check "the former master is passive, and held" wait_for 5 eval 'are_together fw2 fw1 && is_held fw1'
power_off() {
	lab_power_off fw2
	swan_kill fw2
}
check "power-off" survives fw1 power_off
check "a monitor sees which charon lives" eval 'charon_lives fw1 && ! charon_lives fw2'
check "the remote gateway's questions are answered" lives
check "it renews the tunnel's keys" renews server --child net

on fw2 ip xfrm state flush
on fw2 ip xfrm policy flush
lab_power_on fw2
swan_route fw2
swan_start fw2
swan_load fw2
check "a node that comes back is told all" eval 'wait_state fw2 primary-backup && is_told_all'
check "before its charon ends the master hands over" survives fw2 "$LAB_DIR/follow" fw1 --stop
check "and renews keys itself" renews fw2 --child net
check "the remote gateway has kept its IKE SA all the time" same_ike
check "it renews that, too" renews server --ike site
check "nothing was torn down there" nothing_torn_down
check "nothing was taken for a replay" not_replayed
check "keys never passed the HA link in clear" never_in_clear
exit "$FAILED"
