#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Two groups on two masters, each of which forwards about half: of clients that use one of two
# gateway addresses, and of one that uses both by an ECMP route. Sessions whose packets pass both
# nodes, one direction by each, with and without NAT; one node lost, and the other; no session is.
#
#   SESSIONS   TCP connections of a client, of each sort (100)
#   LOAD       bytes that each sends and gets back at once (200000): more than any window
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT
SESSIONS=${SESSIONS:-100} LOAD=${LOAD:-200000}
CONF=../../conf
LAB_NODES="client client1 client2 lan fw1 fw2 wan server server1"
# The second group, and the address of the first that both nodes translate to.
LAN_VIP_1=10.77.0.2 WAN_VIP_1=10.78.0.2 LAN_VIP6_1=fd77::2 WAN_VIP6_1=fd78::2
PUBLIC=10.78.0.3 PUBLIC6=fd78::3
CLIENT1=10.77.0.101 CLIENT1_6=fd77::101 CLIENT2=10.77.0.102 CLIENT2_6=fd77::102
# Whose answers go crosswise.
SERVER1=10.78.0.101 SERVER1_6=fd78::101
LOW="1024 33279" HIGH="33280 65535"

second_group() {
	cat >>"$LAB_DIR/nsrpd.conf" <<-EOT
		address = $PUBLIC/24 dev wan0
		address = $PUBLIC6/64 dev wan0
		preempt = yes
		preempt-hold = 1s
		[group 1]
		priority.fw1 = 100
		priority.fw2 = 50
		preempt = yes
		preempt-hold = 1s
		address = $LAN_VIP_1/24 dev lan0
		address = $WAN_VIP_1/24 dev wan0
		address = $LAN_VIP6_1/64 dev lan0
		address = $WAN_VIP6_1/64 dev wan0
		[mirror]
		ruleset-local = inet node
	EOT
}

# client uses the one gateway, client1 the other, client2 both; and server in its answers. server1
# does the contrary.
routes() {
	lab_host client1 lan "$CLIENT1" "$CLIENT1_6"
	lab_host client2 lan "$CLIENT2" "$CLIENT2_6"
	on client1 ip route add default via "$LAN_VIP_1"
	on client1 ip -6 route add default via "$LAN_VIP6_1"
	on client2 ip route add default nexthop via "$LAN_VIP" nexthop via "$LAN_VIP_1"
	on client2 ip -6 route add default nexthop via "$LAN_VIP6" nexthop via "$LAN_VIP6_1"
	on server ip route add "$CLIENT1" via "$WAN_VIP_1"
	on server ip -6 route add "$CLIENT1_6" via "$WAN_VIP6_1"
	on server ip route add "$CLIENT2" nexthop via "$WAN_VIP" nexthop via "$WAN_VIP_1"
	on server ip -6 route add "$CLIENT2_6" nexthop via "$WAN_VIP6" nexthop via "$WAN_VIP6_1"
	for node in client2 server; do # by flow, not by address
		on "$node" sysctl -qw net.ipv4.fib_multipath_hash_policy=1 \
			net.ipv6.fib_multipath_hash_policy=1
	done
	lab_host server1 wan "$SERVER1" "$SERVER1_6"
	on server1 ip route add default via "$WAN_VIP_1"
	on server1 ip -6 route add default via "$WAN_VIP6_1"
	on server1 ip route add "$CLIENT1" via "$WAN_VIP"
	on server1 ip -6 route add "$CLIENT1_6" via "$WAN_VIP6"
}

# The rules that are shipped, but for what goes to two of the servers' ports; and the way of a third
# that the comment in them tells of.
rules() { # NODE NUMBER
	session_filter "$1"
	on "$1" nft -f - <<-EOT
		table inet share {
			counter seen { }
			counter flows { }
			chain forward {
				type filter hook forward priority filter - 1
				iifname "lan0" counter name "seen"
				tcp flags & (syn | ack) == syn counter name "flows"
			}
			chain input {
				type filter hook input priority filter
				ct state invalid drop
				iifname "wan0" ip daddr $PUBLIC ct state new drop
				iifname "wan0" ip6 daddr $PUBLIC6 ct state new drop
			}
		}
	EOT
	sed "s/^define self = .*/define self = 0x000${2}0000/" $CONF/nftables-node.nft | on "$1" nft -f -
	sed "s/^define wan = .*/define wan = wan0/
		s,^define inside4 = .*,define inside4 = 10.77.0.0/24,
		s,^define inside6 = .*,define inside6 = fd77::/64,
		s/^define public4 = .*/define public4 = $PUBLIC/
		s/^define public6 = .*/define public6 = $PUBLIC6/
		/priority srcnat;/a tcp dport 5000 accept; udp dport 5005 accept
		/chain first {/a tcp dport 6000 masquerade to :1024-33279
		/chain second {/a tcp dport 6000 masquerade to :33280-65535" \
		$CONF/nftables-active-active.nft >"$LAB_DIR/nat.nft"
	on "$1" nft -f - <"$LAB_DIR/nat.nft"
}

both_serve() { # each has its group, and is ready for the other's
	is_state fw1 master 0 && is_state fw1 primary-backup 1 &&
		is_state fw2 master 1 && is_state fw2 primary-backup 0
}

forwarded() { # NODE COUNTER
	on "$1" nft -j list counter inet share "$2" | jq '.nftables[] | .counter? // empty | .packets'
}

# Each node forwarded 40 to 60 % of what was counted.
is_shared() { # COUNTER MIN
	local one two
	one=$(forwarded fw1 "$1") two=$(forwarded fw2 "$1")
	echo "# $1: fw1 $one, fw2 $two"
	[ $((one + two)) -ge "$2" ] && [ $((one * 100)) -ge $(((one + two) * 40)) ] &&
		[ $((one * 100)) -le $(((one + two) * 60)) ]
}

TCP_GROUPS="plain cross nat six six-cross six-nat"
UDP_GROUPS="udp udp-cross udp-nat"

open_from() { # CLIENT
	check "$1: $SESSIONS connections" opens "$1" open plain "$SESSIONS" "$SERVER" 5000
	check "$1: $SESSIONS whose answers come crosswise" opens "$1" open cross "$SESSIONS" "$SERVER1" 5000
	check "$1: $SESSIONS with source NAT" opens "$1" open nat "$SESSIONS" "$SERVER" 5001
	check "$1: some over IPv6" opens "$1" open six 20 "$SERVER6" 5000
	check "$1: crosswise" opens "$1" open six-cross 20 "$SERVER1_6" 5000
	check "$1: with source NAT" opens "$1" open six-nat 20 "$SERVER6" 5001
	tell "$1" udp udp 20 "$SERVER" 5005 300
	tell "$1" udp udp-cross 20 "$SERVER1" 5005 300
	tell "$1" udp udp-nat 20 "$SERVER" 5006 300
}

all_alive() {
	local status=0 node group
	for node in client client1 client2; do
		for group in $TCP_GROUPS $UDP_GROUPS; do alive "$node" "$group" || status=1; done
	done
	for group in 5000 5001; do alive server "$group" || status=1; done
	alive server1 5000 || status=1
	return "$status"
}

# More than a window, both ways, on every connection.
all_carry() {
	local status=0 node group
	for node in client client1 client2; do
		for group in $TCP_GROUPS; do
			tell "$node" ask "$group" 30 "$LOAD"
			[[ $ANSWER =~ \ ([0-9]+)\ of\ ([0-9]+)\ reset\ 0$ &&
				${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]] ||
				{ echo "# $node: $ANSWER"; status=1; }
		done
	done
	return "$status"
}

# Every session of a client's has a port, or id, of that range, and each another.
ports_of() { # NODE MIN CLIENT'S ADDRESS LOW HIGH CONNTRACK'S OPTIONS...
	local of node=$1 min=$2 client=$3 low=$4 high=$5
	shift 5
	of=$(on "$node" conntrack -L -s "$client" "$@" 2>/dev/null |
		sed -nE 's/.*( dport=|type=.* id=)([0-9]+) .*/\2/p')
	echo "# $(wc -w <<<"$of") sessions, ports $(sort -n <<<"$of" | sed -n '1p;$p' | xargs)"
	[ "$(wc -w <<<"$of")" -ge "$min" ] && [ "$(wc -w <<<"$of")" = "$(sort -u <<<"$of" | wc -l)" ] &&
		awk -v low="$low" -v high="$high" '$1 < low || $1 > high { exit 1 }' <<<"$of"
}

# One node is lost: the other takes all; it comes back: each has its own group again.
lose() { # NODE OTHER
	lab_power_off "$1"
	on "$1" conntrack -F 2>/dev/null
	wait_state "$2" master 0
	wait_state "$2" master 1
	check "$1 lost: every session goes on" all_alive
	check "$1 lost: new ones are made" opens client1 open nat 20 "$SERVER" 5001
	check "$1 lost: no port is taken twice" ports_of "$2" "$SESSIONS" "$CLIENT1" 1024 65535 -p tcp --dport 5001
	sleep 3 # judged by their windows from here on, where one node sees all
	check "$1 lost: they carry load" all_carry
	lab_power_on "$1"
	check "$1 is back: each node has its group" wait_for 25 both_serve
	check "$1 is back: every session goes on" all_alive
	check "$1 is back: and carries load" all_carry
	check "$1 is back: the tables are equal" wait_equal 10 $((9 * SESSIONS))
}

lab_up
lab_conf
second_group
routes
# shellcheck disable=SC2086
talker server $TALK_PORTS
talker server1 5000 5005
for node in client client1 client2; do talker "$node"; done
rules fw1 1
rules fw2 2
lab_start fw1
lab_start fw2
check "each node is master of one group" wait_for 15 both_serve

# ---- shares --------------------------------------------------------------------------------

for node in client client1; do
	check "$node: $((2 * SESSIONS)) connections" opens "$node" open share $((2 * SESSIONS)) "$SERVER" 5000
	for _ in 1 2 3 4 5; do alive "$node" share; done
done
check "two gateway addresses: each node forwards half of the packets" is_shared seen $((20 * SESSIONS))
check "two gateway addresses: and half of the connections" is_shared flows $((4 * SESSIONS))
for node in fw1 fw2; do forget_packets "$node"; done
check "client2: $((4 * SESSIONS)) connections" opens client2 open share $((4 * SESSIONS)) "$SERVER" 5000
for _ in 1 2 3 4 5; do alive client2 share; done
check "ECMP: each node forwards half of the packets" is_shared seen $((20 * SESSIONS))
check "ECMP: and half of the connections" is_shared flows $((4 * SESSIONS))
check "no connection is unknown on the other" wait_equal 5 $((8 * SESSIONS))
for node in client client1 client2; do tell "$node" close share; done
check "what ends is gone on both" wait_equal 10

# ---- every sort of session -----------------------------------------------------------------

for node in client client1 client2; do open_from "$node"; done
check "all answer" all_alive
check "all carry load" all_carry
for node in client client1; do
	check "$node: masqueraded" opens "$node" open masqueraded 20 "$SERVER" 6000
	on "$node" ping -c 3 -i 0.2 "$SERVER" >/dev/null
	on "$node" ping -c 3 -i 0.2 "$SERVER6" >/dev/null
done
# shellcheck disable=SC2086
{
	check "NAT by fw1: ports of its half" ports_of fw2 "$SESSIONS" "$CLIENT" $LOW -p tcp --dport 5001
	check "NAT by fw2: ports of the other" ports_of fw1 "$SESSIONS" "$CLIENT1" $HIGH -p tcp --dport 5001
	check "UDP: fw1" ports_of fw2 20 "$CLIENT" $LOW -p udp --dport 5006
	check "UDP: fw2" ports_of fw1 20 "$CLIENT1" $HIGH -p udp --dport 5006
	check "IPv6: fw1" ports_of fw2 20 fd77::100 $LOW -f ipv6 -p tcp --dport 5001
	check "IPv6: fw2" ports_of fw1 20 "$CLIENT1_6" $HIGH -f ipv6 -p tcp --dport 5001
	check "ICMP: fw1" ports_of fw1 1 "$CLIENT" $LOW -p icmp
	check "ICMP: fw2" ports_of fw2 1 "$CLIENT1" $HIGH -p icmp
	check "ICMPv6: fw1" ports_of fw1 1 fd77::100 $LOW -f ipv6 -p icmpv6
	check "ICMPv6: fw2" ports_of fw2 1 "$CLIENT1_6" $HIGH -f ipv6 -p icmpv6
	check "masquerading: fw1" ports_of fw1 20 "$CLIENT" $LOW -p tcp --dport 6000
	check "masquerading: fw2" ports_of fw2 20 "$CLIENT1" $HIGH -p tcp --dport 6000
}
for node in client client1; do tell "$node" close masqueraded; done
check "the tables are equal" wait_equal 10 $((9 * SESSIONS))
# What is just closing may be told of while it is compared.
check "for nsrpd, too" eval 'quietly ctl fw1 verify || quietly ctl fw1 verify'

# ---- what check says of the ruleset --------------------------------------------------------

nat_findings() { # NODE SEVERITY: how many there are of NAT
	on "$1" "$NSRPCTL" --json check -n "$1" "$LAB_DIR/nsrpd.conf" |
		jq "[.findings[] | select(.severity == \"$2\" and (.text | test(\"masters\")))] | length"
}
nothing_found() { [ "$(nat_findings fw1 warning) $(nat_findings fw2 note)" = "0 0" ]; }
check "check: nothing against the rules that are shipped" nothing_found
on fw1 nft add table ip plain
on fw1 nft add chain ip plain post '{ type nat hook postrouting priority srcnat + 1; }'
on fw1 nft add rule ip plain post oifname wan0 masquerade
on fw1 nft add rule ip plain post oifname wan0 snat to "$PUBLIC"
check "check: rules that know nothing of nodes are warned of" [ "$(nat_findings fw1 warning)" = 2 ]
on fw1 nft delete table ip plain

# ---- the loss of a node --------------------------------------------------------------------

lose fw1 fw2
lose fw2 fw1
for name in fw1 fw2; do
	echo "# $name: $(ctl "$name" --json show counters | jq -c '[.counters[] | select(.value > 0)
		| select(.key | test("audit|sums|refused|renewed|missing|events_lost|resyncs|fetched"))
		| {(.key): .value}] | add')"
done
exit "$FAILED"
