#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the kernel does to those who mirror sessions, one by one.
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT
OBJECTS=${OBJECTS:-$(dirname "$STREAM")/objects}
SESSIONS=${SESSIONS:-200}

has_session() { # NODE CONNTRACK-OPTION...
	local node=$1
	shift
	[ -n "$(on "$node" conntrack -L "$@" 2>/dev/null)" ]
}

inject() { # NODE CONNTRACK-OPTION...: a session that no traffic made
	local node=$1
	shift
	on "$node" conntrack -I "$@" >/dev/null 2>&1
}

# The longest time that any session of that port has left.
timeout_of() { # NODE PORT
	on "$1" conntrack -L -p tcp --dport "$2" --state ESTABLISHED 2>/dev/null |
		awk '{ print $3 }' | sort -n | tail -n 1
}
timeout_within() { # NODE PORT MIN MAX
	local t
	t=$(timeout_of "$1" "$2")
	[ "${t:-0}" -ge "$3" ] && [ "${t:-0}" -le "$4" ] || { echo "# $1: timeout ${t:-none}"; false; }
}

liberal() { # NODE PORT: sessions that are
	"$OBJECTS" print "$LAB-$1" | grep " dport=$2 ESTABLISHED" | grep -c liberal
}
liberal_is() { [ "$(liberal "$1" "$2")" = "$3" ]; }

resets() { # NODE: RSTs that it was sent
	on "$1" nft -j list counter inet rst seen | jq '.nftables[] | .counter? // empty | .packets'
}
no_resets() {
	echo "# RSTs: client $(resets client) server $(resets server)"
	[ "$(resets client)" = 0 ] && [ "$(resets server)" = 0 ]
}

all_alive() {
	local group status=0
	for group in snat plain; do alive client "$group" || status=1; done
	for group in 5000 5001; do alive server "$group" || status=1; done
	return "$status"
}

failover_from() { # NODE, whose peer is NODE
	wait_for 15 in_sync "$2" && quietly ctl "$1" failover && wait_state "$2" master
}

sessions_lab
printf '[mirror]\nhold = 8s\n' >>"$LAB_DIR/nsrpd.conf"
for node in fw1 fw2; do on "$node" sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=100; done
for node in client server; do
	on "$node" nft add table inet rst
	on "$node" nft add counter inet rst seen
	on "$node" nft add chain inet rst in '{ type filter hook input priority filter; }'
	on "$node" nft add rule inet rst in tcp flags rst counter name seen
done

# ---- nf_conntrack_events = 2 ---------------------------------------------------------------

inject fw1 -t 500 -p udp -s 10.1.0.1 -d 10.2.0.1 --sport 5 --dport 6 -u SEEN_REPLY
lab_pair
check "events: the guardian sets what the kernel left at 2" \
	[ "$(on fw1 sysctl -n net.netfilter.nf_conntrack_events)" = 1 ]
check "events: and says so" grep -q "nf_conntrack_events: 2 -> 1" "$LAB_DIR/fw1/log"
check "events: a session of before is mirrored" wait_for 5 has_session fw2 -s 10.1.0.1
on fw1 conntrack -D -s 10.1.0.1 >/dev/null 2>&1
gone() { ! has_session fw2 -s 10.1.0.1; }
check "events: its silent end is found" wait_for 8 gone
echo "# differences that fw1's audits found: $(counter fw1 audit_repairs)"

# ---- own events ----------------------------------------------------------------------------

sleep 1
told=$(counter fw2 records_sent) heard=$(counter fw2 records_heard)
check "echo: sessions" opens client open snat "$SESSIONS" "$SERVER" 5001
check "echo: sessions" opens client open plain "$SESSIONS" "$SERVER" 5000
check "echo: sessions that end" opens client open short 50 "$SERVER" 5000
tell client close short
check "echo: the tables are equal" wait_equal 5 $((2 * SESSIONS))
check "echo: the standby was told" grew fw2 records_heard "$((heard + SESSIONS))"
# An audit of the master's may come between, and is answered.
told_little() { [ "$(counter fw2 records_sent)" -le $((told + 5)) ]; }
check "echo: and tells nothing of it" told_little

# ---- the hold, and its end -----------------------------------------------------------------

sleep 18 # more than twice the hold
check "hold: silent sessions are there" wait_equal 2 $((2 * SESSIONS))
check "hold: by the hold's timeout" timeout_within fw2 5000 1 8
check "liberal: on the standby all are" liberal_is fw2 5001 "$SESSIONS"
on client nft reset counters >/dev/null
on server nft reset counters >/dev/null
tell client busy snat 5
lab_power_off fw1
wait_state fw2 master
tell client ask snat 5
check "settle: silent sessions have their own timeout" wait_for 6 timeout_within fw2 5000 60 100
check "liberal: no more, after traffic" wait_for 6 liberal_is fw2 5001 0
check "liberal: silent ones still are" liberal_is fw2 5000 "$SESSIONS"
tell client busy snat 0
check "sessions before addresses: all go on" all_alive
check "sessions before addresses: nobody was sent an RST" no_resets
lab_power_on fw1
check "the node that comes back is in sync" wait_for 15 in_sync fw1

# ---- stale TCP windows ---------------------------------------------------------------------

sleep 5 # what fw1's kernel saw of before is forgotten by then
check "windows: fw1 is master again" failover_from fw2 fw1
wait_for 15 in_sync fw2
check "windows: all go on" all_alive
check "windows: what had traffic is judged by them again" wait_for 6 liberal_is fw1 5001 0
guardian=$(lab_pid fw1) engine=$(lab_engine_pid fw1)
kill -STOP "$guardian" "$engine"
wait_state fw2 master
check "windows: a paused master's sessions go on" all_alive
check "windows: once more" all_alive
kill -CONT "$guardian" "$engine"
check "windows: awake, it is in sync" wait_for 15 in_sync fw1
check "windows: it is master again" failover_from fw2 fw1
check "windows: all go on over the node that was paused" all_alive
check "windows: failover" failover_from fw1 fw2
check "windows: failback at once" failover_from fw2 fw1
check "windows: all go on" all_alive
check "windows: there they are judged by none" wait_for 2 liberal_is fw1 5001 "$SESSIONS"
sleep 4
check "windows: nor later, while traffic passes" liberal_is fw1 5001 "$SESSIONS"
check "windows: failover" failover_from fw1 fw2
sleep 6
check "windows: failback after a while" failover_from fw2 fw1
check "windows: all go on" all_alive
check "windows: and are judged again" wait_for 6 liberal_is fw1 5001 0
check "windows: all go on" all_alive
check "windows: nobody was sent an RST" no_resets

# ---- reply tuples --------------------------------------------------------------------------

wait_for 15 in_sync fw2
lab_stop fw2
on fw2 conntrack -F 2>/dev/null
port=$(on fw1 conntrack -L -p tcp --dport 5001 --state ESTABLISHED 2>/dev/null |
	sed -E 's/.* sport=([0-9]+) dport=5001 .*/\1/' | head -n 1)
check "clash: a local leftover with another's reply tuple" inject fw2 -t 500 -p tcp \
	-s 10.77.0.99 -d "$SERVER" --sport "$port" --dport 5001 --src-nat "$WAN_VIP:$port" \
	--state ESTABLISHED -u SEEN_REPLY,ASSURED
lab_start fw2
check "clash: the standby is in sync" wait_for 15 in_sync fw2
check "clash: the leftover made room" wait_equal 10 $((2 * SESSIONS))
check "clash: failover" failover_from fw1 fw2
check "clash: all go on" all_alive

lab_stop fw1
lab_stop fw2
printf '[group 1]\npriority.fw1 = 100\npriority.fw2 = 50\naddress = 10.90.0.1/24 dev lan0\n' \
	>>"$LAB_DIR/nsrpd.conf"
for node in fw1 fw2; do on "$node" conntrack -F 2>/dev/null; done
lab_start fw1
lab_start fw2
wait_state fw1 master 0
wait_state fw2 master 1
sleep 3 # so that both are heard on secondary paths
for i in ha0 ha1; do on fw1 ip link set "$i" down; done
sleep 1
for i in 1 2; do
	inject "fw$i" -t 500 -p udp -s "10.1.0.$i" -d 10.2.0.1 --sport 5 --dport 6 \
		--src-nat 10.3.0.1:9 -u SEEN_REPLY
done
for i in ha0 ha1; do on fw1 ip link set "$i" up; done
check "two masters: they stay" wait_for 5 is_state fw2 master 1
clash_counted() { [ $(($(counter fw1 refused_clash) + $(counter fw2 refused_clash))) -ge 1 ]; }
check "two masters: of a clash one is refused, and counted" wait_for 10 clash_counted
kept() { has_session fw1 -s 10.1.0.1 && has_session fw2 -s 10.1.0.2; }
check "two masters: each keeps its own" kept
exit "$FAILED"
