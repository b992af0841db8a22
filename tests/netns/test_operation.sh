#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What operators and other programs do to a pair: maintenance, reload, addresses removed by
# hand, links cut, rules in the way.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

peer_alive() { # NODE
	[ "$(ctl "$1" --json status | jq .peer.alive)" = true ]
}

link_is() { # NODE LINK STATE
	[ "$(ctl "$1" --json status | jq -r ".links[] | select(.name == \"$2\") | .state")" = "$3" ]
}

term() {
	ctl fw1 --json status | jq '.groups[0].term'
}

lab_up
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-EOF
	address = 10.77.0.2/24 dev lan0
	route = default via $SERVER dev wan0
	[group 1]
	priority.fw1 = 100
	priority.fw2 = 50
	address = 10.90.0.1/24 dev lan0
	address = 10.90.0.2/24 dev lan0
EOF
lab_pair
wait_state fw2 master 1
check "two groups have two masters" is_state fw1 primary-backup 1
has_route() { on "$1" ip route show default | grep -q "via $SERVER"; }
check "the master has the group's default route" has_route fw1
check "the backup has not" refused has_route fw2

served() { [ "$(ctl fw1 --json show groups | jq -r '.groups[0].own.served')" = true ]; }
wait_for 5 link_is fw1 lan0 alive
on fw1 ping -qc 1 -W 2 10.77.0.12 >/dev/null
on fw1 ip neigh show 10.77.0.12 | grep -q REACHABLE || echo "# the peer is not reachable"
sleep 0.2
check "that the peer answers is no service" refused served
on fw1 ping -qc 1 -W 2 "$CLIENT" >/dev/null
check "that somebody else does, is" wait_for 3 served

on fw2 ip addr del 10.90.0.1/24 dev lan0 # takes the subnet's other address along
check "an address removed by hand is put back" wait_for 3 has_address fw2 10.90.0.1
check "and so is what the kernel took along" wait_for 3 has_address fw2 10.90.0.2
on fw1 ip route del default
check "a route removed by hand is put back" wait_for 3 has_route fw1
put_back() { [ "$(counter fw2 put_back)" -ge 1 ]; }
check "putting back is counted" put_back

ctl fw1 failover 0 >/dev/null
wait_state fw2 master
check "the default route moves with the group" wait_for 3 has_route fw2
check "and is gone where it was" wait_for 4 refused has_route fw1
ctl fw1 failover 0 >/dev/null
wait_state fw1 master
check "the default route is there after every takeover" wait_for 3 has_route fw1

ctl fw1 maintenance on 0 >/dev/null
check "maintenance hands the group over" wait_state fw2 master
check "the node in maintenance is ineligible" wait_state fw1 ineligible
check "maintenance of the last eligible node is refused" refused ctl fw2 maintenance on 0
check "and says so" grep -q "last eligible" "$LAB_DIR/out"
lab_stop fw1
lab_start fw1
check "maintenance survives a restart" wait_state fw1 ineligible
check "failover to a node in maintenance is refused" refused ctl fw2 failover 0
ctl fw1 maintenance off 0 >/dev/null
check "lifted, the node is the backup" wait_state fw1 primary-backup
ctl fw1 failover 0 >/dev/null
wait_state fw1 master
wait_state fw2 primary-backup

before=$(term)
echo "nonsense = 1" >>"$LAB_DIR/nsrpd.conf"
check "a wrong file is refused" refused ctl fw1 reload
check "the message names file and line" grep -q "nsrpd.conf:[0-9]" "$LAB_DIR/out"
sed -i '$d' "$LAB_DIR/nsrpd.conf"
echo "address = 10.90.0.3/24 dev lan0" >>"$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
ctl fw2 reload >/dev/null
check "an address added by reload is set" wait_for 3 has_address fw2 10.90.0.3
sed -i '$d' "$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
kill -HUP "$(lab_pid fw2)"
gone() { ! has_address "$1" "$2"; }
check "and one taken out is removed, by SIGHUP too" wait_for 3 gone fw2 10.90.0.3
check "a reload moves no mastership" [ "$before" = "$(term)" ]

on fw1 ip link set ha0 down
check "a cut link is told" wait_for 3 link_is fw2 ha0 lost
check "with one link left the peer is alive" peer_alive fw2
on fw1 ip link set ha1 down
wait_for 3 link_is fw2 ha1 lost
sleep 0.5
check "both links cut: the peer is heard on a secondary path" peer_alive fw2
check "both links cut: roles stay" is_state fw1 master
check "for every group" is_state fw2 master 1
on fw1 ip link set ha0 up
on fw1 ip link set ha1 up
check "healed links are alive again" wait_for 5 link_is fw2 ha0 alive

on fw1 ip link del ha0
wait_for 3 link_is fw1 ha0 lost
lab_wire fw1 ha0 fw2 ha0
check "a link survives its interface" wait_for 5 link_is fw1 ha0 alive
check "on both sides" wait_for 5 link_is fw2 ha0 alive

for node in fw1 fw2; do
	on "$node" nft -f - <<-EOF
		table netdev cut {
			chain ha0 { type filter hook ingress device ha0 priority 0; policy drop; }
			chain ha1 { type filter hook ingress device ha1 priority 0; policy drop; }
		}
		table inet cut {
			chain input { type filter hook input priority 0; policy drop; }
			chain output { type filter hook output priority 0; policy drop; }
			chain forward { type filter hook forward priority 0; policy drop; }
		}
	EOF
done
check "drop policies on every hook cut a UDP link" wait_for 5 link_is fw2 ha1 lost
sleep 1
check "drop policies on every hook do not cut an Ethernet link" link_is fw2 ha0 alive
check "nor move a mastership" [ "$before" = "$(term)" ]
for node in fw1 fw2; do on "$node" nft flush ruleset; done
check "a UDP link is back without them" wait_for 5 link_is fw2 ha1 alive

check "a second daemon on one RUNDIR is refused" refused timeout 5 ip netns exec "$LAB-fw1" "$NSRPD" -f \
	-c "$LAB_DIR/nsrpd.conf" -n fw1 -r "$LAB_DIR/fw1/run" -s "$LAB_DIR/fw1/state"
check "and leaves the first one alone" is_state fw1 master

lab_stop fw2
"$NSRPCTL" genkey >"$LAB_DIR/other"
chmod 600 "$LAB_DIR/other"
sed "s|^key-file = .*|key-file = $LAB_DIR/other|" "$LAB_DIR/nsrpd.conf" >"$LAB_DIR/other.conf"
lab_start fw2 -c "$LAB_DIR/other.conf"
stranger() { [ "$(($(counter fw1 drop_key) + $(counter fw1 drop_auth)))" -gt 0 ]; }
check "a stranger's frames are dropped and counted" wait_for 5 stranger
check "a stranger is no peer" refused peer_alive fw1
lab_stop fw2

lab_kill fw1
on fw1 "$NSRPD" --withdraw
check "withdraw removes what a killed service left" gone fw1 "$LAN_VIP"
check "also routes" refused has_route fw1

exit "$FAILED"
