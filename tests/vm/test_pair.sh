#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The pair in a virtual machine: it fails over as on the host, and what only a machine of one's own
# lets a test do: the wall clock is set by hours, HA links lose and delay frames, and the groups'
# addresses live on VLANs.
#
# beside others
set -eu
. "$(dirname "$0")/vm.sh"
vm_enter "$@"
. "$(dirname "$0")/../netns/lab.sh"
trap lab_down EXIT

is_master() { # NODE TERM
	[ "$(ctl "$1" --json status | jq -r '.groups[0] | "\(.state) \(.term)"')" = "master $2" ]
}

term() { ctl "$1" --json status | jq .groups[0].term; }

step_clock() { # HOURS, e.g. -5
	date -s "@$(($(date +%s) + $1 * 3600))" >/dev/null
}

sessions() { # NODE: the client's, as the kernel has them
	on "$1" conntrack -L -p udp --src "$CLIENT" 2>/dev/null | grep -c "dport=$ECHO_PORT" || true
}

# The other node's too: both run on this machine's clock.
clock_is_stepped() { # HOURS
	local before
	before=$(term fw1)
	probe 3000
	sleep 1
	step_clock "$1"
	probe_end
	echo "# $PROBE"
	[ "$(field lost "$PROBE")" -le 5 ] && is_master fw1 "$before" && is_state fw2 primary-backup &&
		one_owner fw1 && [ "$(sessions fw1)" -ge 1 ] && [ "$(sessions fw2)" -ge 1 ]
}

# Terms grow with each line, whatever the clock said.
history_is_in_order() {
	ctl fw1 --json history >"$LAB_DIR/history"
	jq -e '[.. | objects | select(.group == 0 and .to == "master") | .term] |
		length > 1 and . == sort' "$LAB_DIR/history" >/dev/null ||
		{ jq -c . "$LAB_DIR/history" && return 1; }
}

failover() { # fault that strikes fw1
	probe 3000
	sleep 1
	"$@" >/dev/null
	wait_state fw2 master
	probe_end
	echo "# $PROBE"
	has_address fw2 "$WAN_VIP" && at_most "$(field gap_ms "$PROBE")" 500
}

# Addresses on a VLAN go along.
vlan_up() {
	local node
	for node in fw1 fw2 client; do
		on "$node" ip link add link "$(vlan_below "$node")" name vlan5 type vlan id 5
		on "$node" ip link set vlan5 up
	done
	on client ip addr add 10.80.0.100/24 dev vlan5
	printf '[group 1]\npriority.fw1 = 50\npriority.fw2 = 100\naddress = 10.80.0.1/24 dev vlan5\n' \
		>>"$LAB_DIR/nsrpd.conf"
}

vlan_below() { # NODE
	if [ "$1" = client ]; then echo eth0; else echo lan0; fi
}

vlan_answers() {
	on client ping -q -c 1 -W 2 10.80.0.1 >/dev/null
}

track_sessions() { # NODE: rules are what makes its kernel do so; this one has no families of nft's
	on "$1" iptables-legacy -A FORWARD -m conntrack --ctstate INVALID -j DROP
}

give_back() {
	wait_state fw1 primary-backup && hand_over fw2 >/dev/null && wait_state fw1 master &&
		wait_state fw2 primary-backup
}

impaired() { # NETEM WORDS...: no mastership moves in five seconds, and sessions are still mirrored
	local before i
	before=$(term fw1)
	for i in ha0 ha1; do
		on fw1 tc qdisc replace dev "$i" root netem "$@"
		on fw2 tc qdisc replace dev "$i" root netem "$@"
	done
	sleep 5
	is_master fw1 "$before" && one_owner fw1
}

unimpaired() {
	local i
	for i in ha0 ha1; do
		on fw1 tc qdisc del dev "$i" root
		on fw2 tc qdisc del dev "$i" root
	done
}

lab_up
vm_conf
vlan_up
track_sessions fw1
track_sessions fw2
lab_pair
check "a pair runs in the machine" one_owner fw1
check "an address on a VLAN" vlan_answers

check "a planned failover" failover hand_over fw1
check "back again" give_back
for hours in 7 -13 6; do
	check "the wall clock set by $hours hours: nobody takes over, no session ends" \
		clock_is_stepped "$hours"
done
check "a failover after that" failover hand_over fw1
check "history is in order" history_is_in_order
check "back once more" give_back
check "HA links that lose every fifth frame" impaired loss 20%
check "HA links that delay by 20 ms, unevenly" impaired delay 20ms 10ms
unimpaired

check "power-off" failover lab_power_off fw1
wait_state fw2 master 1
check "the address on a VLAN went along" vlan_answers
exit "$FAILED"
