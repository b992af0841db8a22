#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sets that packets fill, on a pair of daemons: what packets add comes along, moves nothing else, hides
# no drift and undoes no refusal; what hands change in them is there at once.
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/documents.sh
. ./documents.sh
trap 'lab_down; stop_packets' EXIT
FLOOD_PID=
stop_packets() {
	[ -z "$FLOOD_PID" ] || kill "$FLOOD_PID" 2>/dev/null
	FLOOD_PID=
}

elements() { # NODE SET
	on "$1" nft -j list set inet seen "$2" | jq '[.nftables[].set? // empty | .elem[]?] | length'
}
# Packets from an address each, a few in a millisecond or so, through the firewall.
packets() { # NETWORK N
	ip netns exec "$LAB-client" python3 - "$1" "$2" "$SERVER" <<-'PYTHON' &
		import socket, sys, time
		net, n, server = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		def packet(i):
		    source = socket.inet_aton(f"{net}.{i // 250}.{i % 250 + 1}")
		    udp = b"\x04\x00\x1b\xbb\x00\x08\x00\x00"
		    return (b"\x45\x00\x00\x1c\x00\x00\x00\x00\x40\x11\x00\x00" + source
		            + socket.inet_aton(server) + udp)
		for i in range(n):
		    s.sendto(packet(i), (server, 0))
		    time.sleep(0.004)
	PYTHON
	FLOOD_PID=$!
}

lab_up
lab_conf
cat >"$LAB_DIR/seen.nft" <<-EOF
	table inet seen {
		set sources { type ipv4_addr; size 4096; flags dynamic,timeout; timeout 1m; }
		set short { type ipv4_addr; size 4096; flags dynamic,timeout; timeout 2s; }
		set ports { type ipv4_addr . inet_service; size 4096; flags dynamic; }
		set hosts { type ipv4_addr; flags timeout; }
		chain forward {
			type filter hook forward priority 0; policy accept;
			udp dport 7099 update @sources { ip saddr limit rate 100/second burst 5 packets }
			udp dport 7099 add @short { ip saddr }
			udp dport 7099 add @ports { ip saddr . udp dport }
		}
	}
EOF
on fw1 nft -f "$LAB_DIR/seen.nft"
lab_pair
ctl fw1 sync ruleset >/dev/null
check "both have the same" wait_for 8 both_are equal
check "the sets are there" has fw2 "set sources"

# ---- packets

for node in fw1 fw2; do on $node sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lan0.rp_filter=0; done
changes() { grep -cE 'ruleset: [a-z]+ -> ' "$LAB_DIR/$1/log"; }
before=$(changes fw1)-$(changes fw2)
packets 10.176 1000
sleep 2
values=
for i in 1 2 3 4 5; do values="$values $(lag "192.0.2.$i" add element inet seen hosts "{ 192.0.2.$i timeout 1m }")"; done
# shellcheck disable=SC2086 # a list, on purpose
ms=$(median $values)
echo "# while packets add elements, one by hand was there after$values ms"
check "an element by hand is there within 200 ms" at_most "$ms" 200
wait "$FLOOD_PID" || true
FLOOD_PID=
echo "# fw1 has $(elements fw1 sources), $(elements fw1 short), $(elements fw1 ports)"
check "packets filled the sets" test "$(elements fw1 sources)" = 1000
same_elements() { [ "$(elements fw2 "$1")" = "$(elements fw1 "$1")" ]; }
check "all of it is there" wait_for 5 same_elements sources
check "also of a set without times" wait_for 5 same_elements ports
check "meanwhile both had the same, and never anything else" [ "$before" = "$(changes fw1)-$(changes fw2)" ]
empty() { [ "$(elements "$1" short)" = 0 ]; }
check "what has little time goes on both" eval 'wait_for 4 empty fw1 && wait_for 4 empty fw2'
quiet_for() { # SECONDS: nothing is applied
	local n
	n=$(counter fw2 documents_accepted)
	sleep "$1"
	echo "# applied $(($(counter fw2 documents_accepted) - n)) times in $1 s without packets"
	[ "$(counter fw2 documents_accepted)" = "$n" ]
}
check "and then nothing moves any more" quiet_for 2

# ---- drift

on fw2 nft add rule inet seen forward ip daddr 192.0.2.99 drop
check "an edit on the standby is drift" wait_for 5 condition_is fw2 drift
packets 10.177 400
sleep 2.5
check "which packets do not hide" both_are drift
check "nor undo" has fw2 192.0.2.99
on fw1 nft add rule inet seen forward ip daddr 192.0.2.98 drop
came_back() { has fw2 192.0.2.98 && lacks fw2 192.0.2.99; }
check "the master's next change does" wait_for 5 came_back
stop_packets
check "and both have the same again" wait_for 5 both_are equal

# ---- refusals

on fw1 ip link add only1 type veth peer name x-only1
on fw1 nft add rule inet seen forward iif only1 accept
check "what the standby cannot take is refused" wait_for 5 both_are refused
n=$(counter fw2 documents_refused)
packets 10.178 400
sleep 2.5
check "once, however many packets add" [ "$(counter fw2 documents_refused)" = "$n" ]
check "and stays so" both_are refused
stop_packets

# ---- a takeover

rule=$(on fw1 nft -a list chain inet seen forward | sed -n 's/.*only1.*handle //p')
on fw1 nft delete rule inet seen forward handle "$rule"
check "without it both have the same" wait_for 5 both_are equal
n=$(elements fw2 sources)
ctl fw1 failover >/dev/null
wait_state fw2 master
wait_state fw1 primary-backup
check "after a failover the new master has what packets added" [ "$(elements fw2 sources)" = "$n" ]
packets 10.179 200
sleep 1.5
check "both have the same" both_are equal
check "and packets fill the other one's now" wait_for 5 same_elements sources
exit "$FAILED"
