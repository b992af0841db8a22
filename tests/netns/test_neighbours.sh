#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Neighbours: both kernels have them, by the word of `ip neigh`; and a new master forwards the first
# packet without a question for the client or the next hop.
#
#   NEIGHBOURS   how many come at once (1000)
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT
NEIGHBOURS=${NEIGHBOURS:-1000}
CLIENT6=fd77::100
declare -A LAN=([fw1]=lan0 [fw2]=inside0)

# fw2 has another name for the same interface.
configure() { # LINES of [mirror]
	lab_conf
	sed -i 's/ dev lan0$/ dev lan/' "$LAB_DIR/nsrpd.conf"
	cat >>"$LAB_DIR/nsrpd.conf" <<-END
		[interface lan]
		device.fw1 = lan0
		device.fw2 = inside0
		[mirror]
		$*
	END
}

valid() { # NODE: its neighbours on the groups' interfaces, but for the firewalls themselves
	on "$1" ip -j neigh | jq -r --arg lan "${LAN[$1]}" '.[]
		| select(.dev == $lan or .dev == "wan0")
		| select(.lladdr and ([.state[] | IN("REACHABLE", "STALE", "DELAY", "PROBE")] | any))
		| "\(if .dev == $lan then "lan" else .dev end) \(.dst) \(.lladdr) \(has("router"))"' |
		grep -vwFf "$LAB_DIR/own" | sort
}

own_addresses() {
	for node in fw1 fw2; do
		on $node ip -j addr | jq -r '.[].addr_info[].local'
	done >"$LAB_DIR/own"
	printf '%s\n' "$LAN_VIP" "$WAN_VIP" "$LAN_VIP6" "$WAN_VIP6" >>"$LAB_DIR/own"
}

equal() {
	[ -n "$(valid fw1)" ] && [ "$(valid fw1)" = "$(valid fw2)" ]
}

copies() { # NODE: how many were installed there and are not the kernel's own yet
	on "$1" ip neigh | grep -c 'extern_learn.*proto 158'
}

has() { # NODE TEXT
	on "$1" ip neigh | grep -q "$2"
}

hasnt() {
	! has "$@"
}

none() { # NODE
	[ "$(copies "$1")" = 0 ]
}

warm() {
	on client ping -q -c 2 -i 0.2 "$SERVER" >/dev/null
	on client ping -q -c 2 -i 0.2 "$SERVER6" >/dev/null
}

# Questions of the node for the client and the server, on the wire of either.
watch_wire() { # HOST ADDRESS (IPv4, hexadecimal) NODE DEVICE
	local wire=$LAB_DIR/$1 mac
	rm -f "$wire.dump"
	mac=$(on "$3" cat "/sys/class/net/$4/address")
	ip netns exec "$LAB-$1" timeout 60 tcpdump -lni eth0 --immediate-mode "ether src $mac and
		(arp[6:2] = 1 and arp[24:4] = $2 or
		icmp6 and ip6[40] = 135 and ip6[60:4] = 0x00000100)" >"$wire.questions" 2>"$wire.dump" &
	WATCHERS="$WATCHERS $!"
	wait_for 5 grep -qs listening "$wire.dump"
}

watch_questions() { # NODE
	WATCHERS=
	watch_wire client 0x0a4d0064 "$1" "${LAN[$1]}"
	watch_wire server 0x0a4e0064 "$1" wan0
	LAB_PIDS="$LAB_PIDS $WATCHERS"
}

# One packet each way, IPv4 and IPv6; what was asked for until it was back is in QUESTIONS.
first_packets() {
	local status=0
	on client ping -q -c 1 -W 2 "$SERVER" >/dev/null || status=1
	on client ping -q -c 1 -W 2 "$SERVER6" >/dev/null || status=1
	# shellcheck disable=SC2086
	kill $WATCHERS 2>/dev/null
	# shellcheck disable=SC2086
	wait $WATCHERS 2>/dev/null
	QUESTIONS=$(cat "$LAB_DIR/client.questions" "$LAB_DIR/server.questions")
	return "$status"
}

unasked() {
	[ -z "$QUESTIONS" ] || {
		echo "# $QUESTIONS"
		return 1
	}
}

asked() {
	[ -n "$QUESTIONS" ]
}

many() { # HOW_MANY ACTION: of hosts that are not there; exempt from the kernel's own limits
	local i
	for i in $(seq "$1"); do
		echo "neigh $2 10.77.$((i / 250 + 1)).$((i % 250)) dev lan0" \
			"$([ "$2" = del ] || printf 'lladdr 02:00:00:01:%02x:%02x nud stale extern_learn' \
				$((i / 256)) $((i % 256)))"
	done | on fw1 ip -batch -
}

member() { # NODE KIND NAME
	ctl "$1" --json status | jq ".mirror.$2.$3"
}

records() {
	echo $(($(counter fw1 records_sent) + $(counter fw2 records_sent)))
}

is_quiet() { # the start's walks are over, and all have introduced themselves
	local before
	before=$(records)
	sleep 2.5
	[ "$(records)" = "$before" ]
}

changes_of_state_cost_nothing() {
	local sent events
	wait_for 30 is_quiet
	on fw1 sysctl -qw net.ipv4.neigh.lan0.base_reachable_time_ms=500 \
		net.ipv4.neigh.lan0.delay_first_probe_time=1
	sent=$(records)
	events=$(counter fw1 kernel_events)
	on fw1 ping -q -i 0.5 -c 12 "$CLIENT" >/dev/null
	sent=$(($(records) - sent))
	events=$(($(counter fw1 kernel_events) - events))
	echo "# $events events, $sent records"
	[ "$events" -ge 2 ] && [ "$sent" = 0 ]
}

equal_or_say() {
	wait_for 10 equal || {
		diff <(valid fw1) <(valid fw2) | sed 's/^/# /' | head -n 20
		return 1
	}
}

lab_up
on fw2 ip link set lan0 down
on fw2 ip link set lan0 name inside0
on fw2 ip link set inside0 up
on fw2 ip -6 addr add fd77::12/64 dev inside0 nodad
own_addresses
configure 'hold = 1h'
lab_pair
warm
check "both kernels have the same neighbours" equal_or_say
check "those of the client and the server, IPv4 and IPv6" \
	test "$(valid fw2 | grep -cE " ($CLIENT|$CLIENT6|$SERVER|$SERVER6) ")" = 4
check "the status counts them" test "$(member fw2 neighbour mirrored)" -ge 4
check "they never make a node out of sync" test "$(member fw2 neighbour in_sync)" = true
check "neighbours on the HA links stay where they are" hasnt fw2 'dev ha.*proto 158'
check "a change of state alone costs nothing on the wire" changes_of_state_cost_nothing

on fw1 ip neigh replace 10.77.0.50 lladdr 02:00:00:00:00:50 dev lan0 nud reachable
check "a new one follows" wait_for 5 has fw2 '10.77.0.50 .*02:00:00:00:00:50.*STALE'
on fw1 ip neigh replace 10.77.0.50 lladdr 02:00:00:00:00:51 dev lan0 nud reachable
check "another link-layer address follows" wait_for 5 has fw2 '10.77.0.50 .*02:00:00:00:00:51'
on client ip link set eth0 address 02:00:00:00:77:64
warm
check "that of the client, too" wait_for 5 has fw2 "$CLIENT .*02:00:00:00:77:64"
on fw1 ip neigh del 10.77.0.50 dev lan0
check "a removal follows" wait_for 5 hasnt fw2 '10.77.0.50 '
on fw1 ip -6 neigh replace fe80::77 lladdr 02:00:00:00:00:77 router dev wan0 nud reachable
check "a router is one" wait_for 5 has fw2 'fe80::77 .*router'
on fw1 ip neigh replace 10.77.0.60 lladdr 02:00:00:00:00:60 dev lan0 nud stale
wait_for 5 has fw2 '10.77.0.60 '
on fw1 ping -q -c 1 -W 1 10.77.0.60 >/dev/null
check "one that does not answer goes there, too" wait_for 15 hasnt fw2 '10.77.0.60 '
check "permanent ones stay here" eval \
	'on fw1 ip neigh replace 10.77.0.61 lladdr 02:00:00:00:00:61 dev lan0 nud permanent; sleep 0.5;
	hasnt fw2 "10.77.0.61 "'
on fw1 ip neigh del 10.77.0.61 dev lan0

on fw2 ip neigh del "$SERVER" dev wan0
on fw2 ping -q -c 1 -W 1 -I wan0 "$SERVER" >/dev/null
on fw1 ip neigh del "$SERVER" dev wan0
sleep 0.5
check "what the standby knows by itself stays, whatever the master loses" has fw2 "$SERVER .*lladdr"
warm
check "nothing differs in the end" equal_or_say

many "$NEIGHBOURS" replace
check "$NEIGHBOURS at once" equal_or_say
check "there are so many" test "$(valid fw2 | wc -l)" -ge "$NEIGHBOURS"
ctl fw1 sync neighbour >/dev/null
check "a resync changes nothing" equal_or_say
ctl fw1 verify >"$LAB_DIR/verify"
ctl fw1 verify >"$LAB_DIR/verify"
check "verify finds both nodes equal" grep -q '^the nodes are equal' "$LAB_DIR/verify"
on fw2 ip neigh flush 10.77.2.0/24 dev inside0
check "what is lost on the standby comes back by verify" eval \
	'ctl fw1 verify >/dev/null; equal_or_say'
many "$NEIGHBOURS" del
check "as many removals" equal_or_say
check "leave nothing behind" eval '! valid fw2 | grep -q " 02:00:00:01"'

limit=$(on fw2 ip -j ntable show 2>/dev/null | jq '[.[].thresh3 // 0] | add' 2>/dev/null)
limit=${limit:-0}
if [ "$limit" -gt 0 ] && [ "$limit" -le 8192 ]; then
	many $((limit + 100)) replace
	wait_for 20 eval '[ "$(member fw2 neighbour mirrored)" -ge '"$limit"' ]'
	check "no more than this kernel would keep" eval \
		'[ "$(copies fw2)" -le '"$limit"' ] && [ "$(counter fw2 refused_full)" -gt 0 ]'
	many $((limit + 100)) del
	wait_for 10 eval '! valid fw2 | grep -q " 02:00:00:01"'
fi

warm
equal_or_say
watch_questions fw2
lab_power_off fw1
wait_state fw2 master
check "after a power-off the first packets arrive" first_packets
check "and nobody was asked for before" unasked
lab_power_on fw1
wait_state fw1 primary-backup
check "who comes back gets them" wait_for 10 has fw1 "$SERVER .*lladdr.*proto 158"
warm
watch_questions fw1
check "a planned failover" ctl fw2 failover
wait_state fw1 master
check "has its first packets arrive" first_packets
check "unasked" unasked
lab_stop fw2
check "who stops leaves ordinary neighbours" eval 'none fw2 && has fw2 "$SERVER .*lladdr"'
lab_start fw2
wait_state fw2 primary-backup
lab_kill fw2
on fw2 "$NSRPD" --withdraw
check "so does who withdraws" none fw2
lab_stop fw1

# The groups' addresses are the only IPv4 ones: with the last one the kernel drops its neighbours.
for node in fw1 fw2; do
	on $node ip neigh flush all
	for device in "${LAN[$node]}" wan0; do on $node ip -4 addr flush dev "$device"; done
done
# A neighbour that is reached from now on counts as such for 2 to 6 s, not 15 to 45. The kernel's
# collector takes who was reached for used; who was used within the delay is probed, and is reached.
for family in ipv4 ipv6; do
	for device in "${LAN[fw2]}" wan0; do
		on fw2 sysctl -qw "net.$family.neigh.$device.base_reachable_time_ms=4000" \
			"net.$family.neigh.$device.delay_first_probe_time=1"
	done
done
configure 'hold = 8s'
lab_pair
warm
wait_for 5 has fw2 "$CLIENT .*lladdr"
wait_for 5 has fw2 "$SERVER .*lladdr"
watch_questions fw2
check "without addresses of their own: a planned failover" ctl fw1 failover
wait_state fw2 master
check "has its first packets arrive" first_packets
check "unasked" unasked
check "and the old master's kernel gets back what it dropped" wait_for 20 eval \
	'has fw1 "$CLIENT .*lladdr" && has fw1 "$SERVER .*lladdr"'
lab_power_off fw1
wait_for 30 none fw2 || on fw2 ip -s neigh show | grep -v ' ha[01] ' | sed 's/^/# /'
check "after a while what is idle is the new master's kernel's own" none fw2
lab_power_on fw1
wait_state fw1 primary-backup
lab_stop fw1
lab_stop fw2

for node in fw1 fw2; do on $node ip neigh flush all; done
configure 'neighbours = no'
lab_pair
warm
sleep 0.5
check "neighbours = no: none is mirrored" eval 'none fw2 && hasnt fw2 "$SERVER "'
check "nor counted" test "$(member fw2 neighbour mirrored)$(member fw1 neighbour local)" = 00
watch_questions fw2
lab_power_off fw1
wait_state fw2 master
first_packets
check "and the new master has to ask" asked
exit "$FAILED"
