#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every kind of session, through every kind of change of the master: nobody notices, and both
# kernels' tables are equal again after it.
#
#   SESSIONS   TCP connections with NAT, and as many without (1000)
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT
SESSIONS=${SESSIONS:-1000}

# UDP is to outlive its timeout on the standby, and the silent session the hold.
timeouts() { # NODE
	on "$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=4 \
		net.netfilter.nf_conntrack_udp_timeout_stream=4 \
		net.netfilter.nf_conntrack_icmp_timeout=4 net.netfilter.nf_conntrack_icmpv6_timeout=4
}

open_all() {
	check "$SESSIONS connections with source NAT" opens client open snat "$SESSIONS" "$SERVER" 5001
	check "$SESSIONS without" opens client open plain "$SESSIONS" "$SERVER" 5000
	check "some over IPv6" opens client open six 100 "$SERVER6" 5000
	check "with NAT, too" opens client open six-snat 50 "$SERVER6" 5001
	check "some that come in by destination NAT" opens server open dnat 50 "$WAN_VIP" 8080
	check "FTP" opens client open ftp 1 "$SERVER" 21
	check "FTP with NAT" opens client open ftp-snat 1 "$SERVER" 2121
	check "one that is to stay silent" opens client open silent 1 "$SERVER" 5000
	tell client udp udp 10 "$SERVER" 5005 300
	tell client udp udp-snat 10 "$SERVER" 5006 300
	tell client udp udp-six 5 "$SERVER6" 5005 300
	tell client udp one-way 5 "$SERVER" 5007 300
	on client ping -i 0.2 "$SERVER" >"$LAB_DIR/ping" 2>&1 &
	PINGS="$!"
	on client ping -i 0.2 "$SERVER6" >"$LAB_DIR/ping6" 2>&1 &
	PINGS="$PINGS $!"
	LAB_PIDS="$LAB_PIDS $PINGS"
	tell client busy plain 5
	tell client busy snat 5
}

GROUPS_CLIENT="snat plain six six-snat ftp ftp-snat udp udp-snat udp-six"

# Asked by the client's end, and by the server's end of the same sessions.
all_alive() {
	local group status=0
	tell client busy plain 0
	tell client busy snat 0
	for group in $GROUPS_CLIENT; do alive client "$group" || status=1; done
	for group in dnat 5000 5001 21 2121; do alive server "$group" || status=1; done
	alive client 6000 || status=1
	tell client busy plain 5
	tell client busy snat 5
	return "$status"
}

expected() { # NODE PORT PORT: their low bytes
	[ "$(on "$1" conntrack -L expect 2>/dev/null | grep -cE " dport=($((50010 - 90 + $2))|$((50010 - 90 + $3))) ")" = 2 ]
}

# The client names a port that the server shall connect to: which it does after the change.
name_ports() { # PLAIN SNAT: the low bytes of two ports
	tell client say ftp "PORT 10,77,0,100,195,$1"
	tell client say ftp-snat "PORT 10,77,0,100,195,$2"
}

data_port_of() { # GROUP: as the server heard it
	tell server heard "$1"
	[[ $ANSWER =~ PORT\ ([0-9,]+),([0-9]+),([0-9]+) ]] || return 1
	echo "${BASH_REMATCH[1]//,/.} $((BASH_REMATCH[2] * 256 + BASH_REMATCH[3]))"
}

data_opens() { # NAME GROUP
	local target
	target=$(data_port_of "$2") || return 1
	# shellcheck disable=SC2086
	opens server open "$1" 1 $target && alive server "$1"
}

pings_go_on() { # FILE: its last answer is young
	local before
	before=$(grep -c "bytes from" "$1")
	sleep 0.5
	[ "$(grep -c "bytes from" "$1")" -gt "$before" ]
}

timeout_of() { # NODE PATTERN
	on "$1" conntrack -L -o extended 2>/dev/null | grep -E -- "$2" | head -n 1 | awk '{ print $5 }'
}

# What holds after every change of the master.
goes_on() { # WHAT, NODE that is master now, PORT PORT named before
	check "$1: every connection goes on, in both directions, none is reset" all_alive
	check "$1: the data session that was expected is let in" data_opens "data-$3" 21
	check "$1: the one through NAT, too" data_opens "data-$4" 2121
	check "$1: IPv4 pings are answered" pings_go_on "$LAB_DIR/ping"
	check "$1: IPv6 pings are answered" pings_go_on "$LAB_DIR/ping6"
	check "$1: no packet of all that was unknown to $2" nothing_unknown "$2"
}

sessions_lab
for node in fw1 fw2; do timeouts "$node"; done
lab_pair
open_all
check "all connections answer" all_alive
name_ports 90 91
sleep 5 # more than UDP's timeout
check "the standby expects what the master expects" wait_for 2 expected fw2 90 91
check "the standby's table is the master's" wait_equal 5 $((2 * SESSIONS + 200))
one_way_held() { [ "$(on fw2 conntrack -L -p udp --dport 5007 2>/dev/null | wc -l)" = 5 ]; }
check "a flow without answers is held there" wait_for 1 one_way_held

forget_packets fw2
lab_power_off fw1
wait_state fw2 master
goes_on "power-off" fw2 90 91
lab_power_on fw1
check "the node that comes back is in sync" wait_for 15 in_sync fw1
check "and has the master's table" wait_equal 10 $((2 * SESSIONS + 200))

name_ports 92 93
check "the next ports are expected on both" wait_for 2 expected fw1 92 93
forget_packets fw1
check "a planned failover" quietly ctl fw2 failover
wait_state fw1 master
goes_on "planned failover" fw1 92 93
check "the tables are equal after it" wait_equal 8 $((2 * SESSIONS + 200))

check "fw2 is in sync" wait_for 10 in_sync fw2
name_ports 90 91
check "the ports are expected on both" wait_for 2 expected fw2 90 91
forget_packets fw2
check "failback" quietly ctl fw1 failover
wait_state fw2 master
goes_on "failback" fw2 90 91
check "the tables are equal after it" wait_equal 8 $((2 * SESSIONS + 200))

check "fw1 is in sync" wait_for 10 in_sync fw1
name_ports 92 93
check "the next ports are expected on both" wait_for 2 expected fw1 92 93
forget_packets fw1
lab_power_off fw2
on fw2 conntrack -F 2>/dev/null # fw1 kept its kernel's table in the first one
wait_state fw1 master
goes_on "power-off back" fw1 92 93
lab_power_on fw2
check "the node that comes back is in sync" wait_for 15 in_sync fw2
check "and has the master's table" wait_equal 10 $((2 * SESSIONS + 200))

tell client busy snat 0
tell client busy plain 0
tell client close snat
tell client reset plain
check "what ends is gone on both" wait_equal 10
for name in fw1 fw2; do
	echo "# $name: $(ctl "$name" --json show counters | jq -c '[.counters[] | select(.value > 0)
		| select(.key | test("audit|sums|refused|renewed|missing|events_lost|resyncs"))
		| {(.key): .value}] | add')"
done
# shellcheck disable=SC2086
kill $PINGS
exit "$FAILED"
