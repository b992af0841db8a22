#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sessions while daemons, links and the mirror itself are in trouble: none is lost, and the tables
# of both kernels are equal once it is over.
#
#   SESSIONS                 TCP connections with NAT, and as many without (300)
#   FLOOD_RATE, FLOOD_TIME   new UDP flows a second, and for how many seconds (20000, 10)
#   CHURN                    sessions beside them that are there at a time, ever new ones as fast as
#                            the kernel takes them (20000) ...
#   HA_RATE                  ... and what the HA link carries meanwhile: less than is made (200 kbytes/second)
#   GROWTH_MAX               kB of memory that a daemon may need more after it (32768)
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT
SESSIONS=${SESSIONS:-300}
FLOOD_RATE=${FLOOD_RATE:-20000} FLOOD_TIME=${FLOOD_TIME:-10}
CHURN=${CHURN:-20000} HA_RATE=${HA_RATE:-200 kbytes/second} GROWTH_MAX=${GROWTH_MAX:-32768}
FLOOD=${FLOOD:-$(dirname "$STREAM")/flood}

all_alive() { # [GROUP...] beside the usual
	local group status=0
	tell client busy snat 0
	for group in snat plain "$@"; do alive client "$group" || status=1; done
	for group in 5000 5001; do alive server "$group" || status=1; done
	alive server dnat || status=1
	tell client busy snat 5
	return "$status"
}

resyncs() { echo "$(($(counter fw1 resyncs_sent) + $(counter fw2 resyncs_sent)))"; }
no_resync_since() { [ "$(resyncs)" = "$1" ]; }

cut() { for i in "$@"; do on fw1 ip link set "$i" down; done; }
heal() { for i in "$@"; do on fw1 ip link set "$i" up; done; }

mac() { on "$1" cat "/sys/class/net/$2/address"; }
goes_by() { # NODE: client and server send their packets there
	on client ip neigh replace "$LAN_VIP" lladdr "$(mac "$1" lan0)" dev eth0 nud permanent
	on server ip neigh replace "$WAN_VIP" lladdr "$(mac "$1" wan0)" dev eth0 nud permanent
}
stays_with() { # NODE: they go on so until they hear of another one
	on client ip neigh replace "$LAN_VIP" lladdr "$(mac "$1" lan0)" dev eth0 nud reachable
	on server ip neigh replace "$WAN_VIP" lladdr "$(mac "$1" wan0)" dev eth0 nud reachable
}

# A node's own TCP answers packets that its kernel takes for no session's, and that are addressed
# to what its source NAT uses.
count_resets() { # NODE: from now on
	on "$1" nft -f - <<-EOF
		table inet resets {
			counter sent { }
			chain out {
				type filter hook output priority filter
				ip saddr $WAN_VIP tcp flags & rst == rst counter name "sent"
			}
		}
	EOF
}
resets_of() { # NODE
	on "$1" nft -j list counter inet resets sent | jq '.nftables[] | .counter? // empty | .packets'
}
resets() { echo "$(($(resets_of fw1) + $(resets_of fw2)))"; }
no_reset_since() { # BEFORE
	local now
	now=$(resets)
	[ "$now" = "$1" ] || { echo "# resets: $1 before, $now now"; false; }
}

# One HA link is left, the one whose frames a rule sees, and carries no more than that of long ones:
# heartbeats are short.
narrow() {
	cut ha0
	on fw2 nft -f - <<-EOF
		table netdev narrow {
			chain in {
				type filter hook ingress device ha1 priority 0
				meta length > 400 limit rate over $HA_RATE drop
			}
		}
	EOF
}
widen() {
	on fw2 nft delete table netdev narrow
	heal ha0
}

flood() { # RATE SECONDS: in the background
	ip netns exec "$LAB-client" "$FLOOD" "$SERVER" "$1" "$2" >"$LAB_DIR/flood" &
	FLOOD_PID=$!
	ip netns exec "$LAB-fw1" "$FLOOD" churn "$CHURN" "$2" >"$LAB_DIR/churn" &
	CHURN_PID=$!
}
flood_end() {
	wait "$FLOOD_PID" "$CHURN_PID"
	echo "# flood: $(cat "$LAB_DIR/flood"), and of others $(cat "$LAB_DIR/churn")"
}

# Times that what the master's kernel said was more than could be mirrored.
too_much() { echo "$(($(counter fw1 events_lost) + $(counter fw1 channel_overflows)))"; }
was_too_much() { # BEFORE
	echo "# lost: $(counter fw1 events_lost), overflows: $(counter fw1 channel_overflows)"
	[ "$(too_much)" -gt "$1" ]
}

memory() { # NODE: kB of the engine, at most so far
	awk '/^VmHWM/ { print $2 }' "/proc/$(lab_engine_pid "$1")/status"
}
grew_little() { # NODE KB
	local now
	now=$(memory "$1")
	echo "# $1: $2 kB before, $now at most"
	[ $((now - $2)) -le "$GROWTH_MAX" ]
}

sessions_lab
on server nft add table ip flood
on server nft add chain ip flood in '{ type filter hook input priority filter; }'
on server nft add rule ip flood in udp dport 10000-59999 drop
for node in fw1 fw2; do on "$node" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=3; done
for node in fw1 fw2; do count_resets "$node"; done
lab_pair
check "connections with source NAT" opens client open snat "$SESSIONS" "$SERVER" 5001
check "without" opens client open plain "$SESSIONS" "$SERVER" 5000
check "by destination NAT" opens server open dnat 20 "$WAN_VIP" 8080
check "all answer" all_alive
check "the tables are equal" wait_equal 5 $((2 * SESSIONS + 20))

# ---- the standby's daemon ------------------------------------------------------------------

lab_stop fw2
check "while the standby's daemon is away new ones are made" opens client open while-away 20 "$SERVER" 5000
tell client close while-away
check "and others" opens client open away 20 "$SERVER" 5001
lab_start fw2
check "restarted, it is in sync" wait_for 15 in_sync fw2
check "restarted, its table is the master's" wait_equal 10 $((2 * SESSIONS + 40))
quietly ctl fw1 failover
wait_state fw2 master
check "after it all go on over the restarted node" all_alive away
wait_for 10 in_sync fw1
quietly ctl fw2 failover
wait_state fw1 master
check "and back" all_alive away
wait_for 10 in_sync fw2

# ---- HA links ------------------------------------------------------------------------------

before=$(resyncs)
cut ha0
check "one HA link cut: new sessions" opens client open one-link 20 "$SERVER" 5001
check "one HA link cut: the tables are equal" wait_equal 5
check "one HA link cut: nothing was sent anew" no_resync_since "$before"
heal ha0
cut ha1
check "the other one cut: new sessions" opens client open other-link 20 "$SERVER" 5000
check "the other one cut: the tables are equal" wait_equal 5
check "the other one cut: nothing was sent anew" no_resync_since "$before"
heal ha1
sleep 1
check "the roles stayed" roles_are fw1 fw2

cut ha0 ha1
sleep 1
check "both HA links cut: the master stays" is_state fw1 master
check "both HA links cut: there is one" refused is_state fw2 master
check "both HA links cut: new sessions" opens client open no-link 20 "$SERVER" 5001
tell client close one-link
sleep 1
heal ha0 ha1
check "healed: the tables are equal" wait_equal 15
check "healed: the roles stayed" wait_for 10 roles_are fw1 fw2

# ---- more than can be mirrored -------------------------------------------------------------

takeovers=$(($(counter fw1 takeovers) + $(counter fw2 takeovers)))
lost=$(($(counter fw1 peer_lost) + $(counter fw2 peer_lost)))
narrow
crowded=$(too_much) memory1=$(memory fw1) memory2=$(memory fw2)
flood "$FLOOD_RATE" "$FLOOD_TIME"
sleep 1
check "flood: new sessions are let in" opens client open flooded 20 "$SERVER" 5001
check "flood: all go on" all_alive flooded
flood_end
widen
check "flood: it was more than can be mirrored" was_too_much "$crowded"
check "flood: memory is bounded on the master" grew_little fw1 "$memory1"
check "flood: and on the standby" grew_little fw2 "$memory2"
check "flood: nobody took over" [ $(($(counter fw1 takeovers) + $(counter fw2 takeovers))) = "$takeovers" ]
check "flood: heartbeats were on time" [ $(($(counter fw1 peer_lost) + $(counter fw2 peer_lost))) = "$lost" ]
check "flood: the tables are equal after it" wait_equal 60 "$((CHURN - CHURN % 500))"
on fw1 conntrack -D -s 10.0.0.0/24 >/dev/null 2>&1 || true
check "flood: and when what was made is gone" wait_equal 30
check "flood: the standby is in sync after it" wait_for 15 roles_are fw1 fw2

# ---- engines -------------------------------------------------------------------------------

stopped=$(lab_engine_pid fw2)
kill -STOP "$stopped"
check "standby stopped: new sessions" opens client open stopped 100 "$SERVER" 5001
check "standby stopped: all go on" all_alive stopped
sleep 1
kill -CONT "$stopped"
check "standby awake: the tables are equal" wait_equal 15
check "standby awake: it is in sync" wait_for 15 roles_are fw1 fw2

kill -9 "$(lab_engine_pid fw1)"
check "master's engine killed: new sessions" opens client open killed 20 "$SERVER" 5001
check "master's engine killed: all go on" all_alive killed
check "master's engine killed: it stays master" wait_for 10 roles_are fw1 fw2
tell client close stopped
check "master's engine killed: the tables are equal" wait_equal 10
quietly ctl fw1 failover
wait_state fw2 master
check "and all are known to the other node" all_alive killed
wait_for 15 in_sync fw1
quietly ctl fw2 failover
wait_state fw1 master

# ---- a resync that the master's end interrupts ---------------------------------------------

lab_stop fw2
: >"$LAB_DIR/fw2/log"
lab_start fw2
for _ in $(seq 500); do
	! grep -q "resync from fw1 begins" "$LAB_DIR/fw2/log" || break
	sleep 0.01
done
lab_power_off fw1
wait_state fw2 master
check "resync interrupted: all go on" all_alive killed
on fw1 conntrack -F 2>/dev/null
lab_power_on fw1
check "the node that comes back is in sync" wait_for 15 in_sync fw1
check "and its table is the master's" wait_equal 10

# ---- both alone ----------------------------------------------------------------------------

# Nodes that do not hear each other judge sessions by the TCP windows that each saw itself. So here
# all packets of a session pass one node as long as both are alone: what changes nodes then, or
# passes both, is no longer what either kernel takes for valid. Who stays master forgives it.
both_master() { is_state fw1 master && is_state fw2 master; }
part_and_meet() { # HOW WHO_STAYS WHO_LOSES [WHO_FORWARDS]: meanwhile; else both do
	local how=$1 stays=$2 loses=$3 over=${4:-$2 $3} resets node groups=()
	tell client busy snat 0
	resets=$(resets)
	goes_by "${over% *}"
	lab_apart on
	cut ha0 ha1
	check "$how, apart: both are master" wait_for 15 both_master
	on "$stays" ip neigh flush dev lan0
	on "$stays" ip neigh flush dev wan0
	for node in $over; do
		sleep 0.5 # to the last acknowledgement
		goes_by "$node"
		check "$how, apart: sessions over $node" opens client open "on-$node" 20 "$SERVER" 5001
		groups+=("on-$node")
	done
	tell client busy snat 1
	sleep 1
	stays_with "$node"
	sleep 1.2 # an announcement is heeded from then on
	check "$how, apart: nothing was reset" no_reset_since "$resets"
	lab_apart off
	heal ha0 ha1
	check "$how, together: there is one master" wait_for 15 roles_are "$stays" "$loses"
	sleep 1
	check "$how, together: what the loser made, or forwarded, goes on" all_alive "${groups[@]}"
	check "$how, together: nothing was reset" no_reset_since "$resets"
	check "$how, together: the tables are equal" wait_equal 15
	for node in $over; do tell client close "on-$node"; done
}

knows() { # NODE HOST DEVICE replace|del: by heart, so that it never asks
	local address
	for address in $(on "$2" ip -o addr show dev eth0 | awk '{ sub("/.*", "", $4); print $4 }'); do
		on "$1" ip neigh "$4" "$address" lladdr "$(mac "$2" eth0)" dev "$3" nud permanent
	done
}

old=fw1 new=fw2
is_state fw1 master || old=fw2 new=fw1
# It need not ask for them: so nobody answers it.
knows "$new" client lan0 replace
knows "$new" server wan0 replace
part_and_meet "the old one served" "$old" "$new" "$old"
wait_for 15 in_sync "$new"
knows "$new" client lan0 replace # the mirror told it more
knows "$new" server wan0 replace
part_and_meet "the new one forwarded" "$new" "$old"
knows "$new" client lan0 del
knows "$new" server wan0 del
wait_for 15 in_sync "$old"
part_and_meet "both served" "$old" "$new"
exit "$FAILED"
