#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Tunnels with fixed keys go through failovers: real ESP and AH, in a virtual machine. The remote gateway
# takes nothing for a replay, and what each SA still has in front of it comes along.
#
# beside others
set -eu
. "$(dirname "$0")/vm.sh"
vm_enter "$@"
. "$(dirname "$0")/../netns/lab.sh"
. "$(dirname "$0")/tunnels.sh"
trap lab_down EXIT

TUNNELS='gcm tunnel 4 gcm limits
cbc tunnel 4 cbc
chacha tunnel 4 chacha
natt tunnel 4 cbc natt
esn tunnel 4 gcm esn
six tunnel 6 gcm
transport transport 4 gcm
ah tunnel 6 ah'

# Each tunnel on its own: answers come through it, and by the SAs that are its.
tunnel_works() { # N MODE FAMILY
	if [ "$2" = transport ]; then
		ping_from "$MASTER" "$SERVER" -I "$WAN_VIP"
	else
		ping_from client "$(target "$1" "$3")"
	fi
}

ping_from() { # NODE ADDRESS OPTION...
	local node=$1 address=$2
	shift 2
	on "$node" ping -q -c 2 -i 0.1 -W 2 "$@" "$address" >/dev/null
}

all_work() {
	local n=0 bad=0 name mode family rest
	while read -r name mode family rest; do
		n=$((n + 1))
		tunnel_works $n "$mode" "$family" || { echo "# $name: no answer" && bad=1; }
	done <<<"$TUNNELS"
	return $bad
}

# Nobody took a packet for a replay, or failed to understand one; nothing went out in clear.
nothing_refused() {
	local node
	for node in server fw1 fw2; do refusals "$node" >"$LAB_DIR/refused.$node"; done
	sed 's/^/# server: /' "$LAB_DIR/refused.server"
	! grep -qE 'Replay|replay|SeqError|ProtoError|InvalidSeq' "$LAB_DIR/refused.server" "$LAB_DIR/refused.fw1" \
		"$LAB_DIR/refused.fw2"
}

count() { # NODE state|policy
	on "$1" ip xfrm "$2" list | grep -c '^src'
}

are_mirrored() {
	[ "$(count fw2 state)" = "$(count fw1 state)" ] &&
		[ "$(count fw2 policy)" = "$(count fw1 policy)" ]
}

is_held() { # NODE: nothing leaves it by IPsec
	on "$1" ip xfrm policy list dir out >"$LAB_DIR/policies"
	[ "$(grep -c 'action block' "$LAB_DIR/policies")" = "$(grep -c '^src' "$LAB_DIR/policies")" ]
}

# The peer told of all SAs since the node gave them up.
are_copied() { # NODE
	[ "$(on "$1" ip -s xfrm state | grep -c 'add 2[4-9]')" = "$(count "$1" state)" ]
}

has_none() { # NODE
	[ "$(count "$1" state) $(count "$1" policy)" = "0 0" ]
}

sends() { # NODE
	! on "$1" ip xfrm policy | grep -q 'action block' &&
		! on "$1" ip -s xfrm state | grep -q 'add 2[1-9]'
}

# The longest gap of a stream, one packet each LAB_DISTANCE_US, while FAULT strikes.
gap_of() { # ADDRESS FAULT...: in $GAP
	local address=$1
	shift
	probe 6000 "$address"
	sleep 1
	"$@" >/dev/null
	wait_for 3 is_state "$MASTER" master
	kill -0 "$PROBE_PID" 2>/dev/null || echo "# the stream ended before the fault was over"
	probe_end
	echo "# $PROBE"
	GAP=$(field gap_ms "$PROBE")
}

survives() { # FROM TO FAULT...
	local from=$1 to=$2
	shift 2
	MASTER=$to
	gap_of "$(target 1 4)" "$@"
	wait_state "$to" master && at_most "$GAP" 500 && all_work && nothing_refused
}

MASTER=fw1
lab_up
vm_conf
tunnels_remote
lab_pair
tunnels_up fw1 pair
check "all is mirrored" wait_for 10 are_mirrored
check "the standby is held, the master sends" eval 'is_held fw2 && sends fw1'
check "every tunnel works" all_work
check "nothing was refused" nothing_refused

check "a planned failover" survives fw1 fw2 hand_over fw1
check "roles have changed places" wait_for 10 eval 'is_held fw1 && sends fw2'
check "and back" survives fw2 fw1 hand_over fw2
check "roles are as before" wait_for 10 eval 'is_held fw2 && sends fw1'

check "power-off" survives fw1 fw2 lab_power_off fw1
check "the new master sends" wait_for 10 sends fw2
on fw1 ip xfrm state flush
on fw1 ip xfrm policy flush
lab_power_on fw1
on fw1 ip route add 10.90.0.0/16 via "$SERVER" dev wan0
on fw1 ip -6 route add fd90::/16 via "$SERVER6" dev wan0
check "the node that comes back gets all" eval 'wait_state fw1 primary-backup && wait_for 10 are_mirrored && is_held fw1'
check "and sends again" survives fw2 fw1 hand_over fw2

# It made none of them new, and was master of all.
check "roles are as at first" wait_for 10 eval 'is_held fw2 && sends fw1 && are_copied fw2'
lab_stop fw2
check "a standby that is stopped has none" has_none fw2
lab_start fw2
check "and gets all again" eval 'wait_state fw2 primary-backup && wait_for 10 are_mirrored && is_held fw2'

on fw1 ip xfrm state flush
on fw1 ip xfrm policy flush
check "what is flushed on the master goes on the standby" \
	wait_for 10 has_none fw2
exit "$FAILED"
