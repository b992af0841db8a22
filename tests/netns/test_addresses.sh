#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What keeps the addresses and routes of a group as they should be: a reload in the middle of a
# long change, routes replaced by hand, carriers that return, leases that run out.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

addresses() { # NODE PATTERN
	on "$1" ip -o addr show dev lan0 | grep -c " $2"
}
has_n() { [ "$(addresses "$1" "$2")" = "$3" ]; }

many() { # FIRST LAST: so many IPv6 addresses that setting them takes more than a second
	for i in $(seq "$1" "$2"); do printf 'address = fd90::%x/64 dev lan0\n' "$i"; done
}

lab_up
lab_conf
cp "$LAB_DIR/nsrpd.conf" "$LAB_DIR/begin"
{
	cat "$LAB_DIR/begin"
	echo "route = 10.99.0.0/16 via $SERVER dev wan0"
	echo "[group 1]"
	echo "priority.fw1 = 50"
	echo "address = 10.90.0.1/24 dev lan0"
	many 1 1500
} >"$LAB_DIR/nsrpd.conf"
lab_pair
wait_state fw1 master 1
wait_state fw2 primary-backup 1
check "1501 addresses are set" wait_for 10 has_n fw1 'fd90:' 1500

# The new file gives group 0 more addresses, so that those of group 1 have other numbers.
more=$(for i in $(seq 0 499); do printf 'address = 10.91.%d.%d/16 dev lan0\\n' $((i / 250)) $((1 + i % 250)); done)
sed -i "/^\[group 1\]/i $more" "$LAB_DIR/nsrpd.conf"
ctl fw1 failover 1 >/dev/null &
asked=$!
wait_for 5 has_address fw2 10.90.0.1
kill -HUP "$(lab_pid fw2)"
strays=0
for _ in $(seq 20); do
	n=$(addresses fw2 '10\.91\.')
	[ "$n" -le "$strays" ] || strays=$n
	sleep 0.05
done
echo "# strays: $strays"
check "a reload in the middle of a change sets no other group's addresses" [ "$strays" = 0 ]
check "and the change is carried out" wait_for 10 has_n fw2 'fd90:' 1500
wait "$asked"
ctl fw1 reload >/dev/null
check "after it the group moves again" ctl fw2 failover 1
wait_state fw1 master 1
check "with all its addresses" wait_for 10 has_n fw1 'fd90:' 1500
check "and none is left behind" wait_for 10 has_n fw2 'fd90:' 0

before=$(counter fw1 put_back)
ctl fw1 failover 1 >/dev/null
wait_for 10 has_n fw2 'fd90:' 1500
ctl fw2 failover 1 >/dev/null &
asked=$!
wait_for 5 has_address fw1 10.90.0.1
on fw1 ip addr del 10.90.0.1/24 dev lan0
wait "$asked"
put_back() { [ "$(counter fw1 put_back)" -gt "$before" ]; }
check "an address removed in the middle of a change is put back, and counted" wait_for 10 put_back
check "and is there" has_address fw1 10.90.0.1

route_is() { on fw1 ip route get 10.99.0.1 | grep -q "via $1"; }
check "the group's route is there" wait_for 3 route_is "$SERVER"
on fw1 ip route replace 10.99.0.0/16 via 10.78.0.99
check "a route replaced by hand is put back" wait_for 6 route_is "$SERVER"
on fw1 ip route del 10.99.0.0/16 via 10.78.0.99

lab_stop fw2 # fw1 is to stay master while its cable is out
on client ip neigh replace "$LAN_VIP" lladdr 02:00:00:00:00:99 dev eth0 nud reachable
on lan ip link set fw1 down
wait_for 3 refused on fw1 ip link show lan0 up
on lan ip link set fw1 up
lladdr_is_right() {
	local mac
	mac=$(on fw1 cat /sys/class/net/lan0/address)
	on client ip neigh show "$LAN_VIP" | grep -q "$mac"
}
check "addresses are announced again when a carrier returns" wait_for 5 lladdr_is_right

kill -STOP "$(lab_engine_pid fw1)" "$(lab_pid fw1)"
gone() { ! has_address fw1 "$1"; }
check "a lease that runs out takes the addresses" wait_for 12 gone "$WAN_VIP"
has_route() { on fw1 ip route show | grep -q '^10\.99\.'; }
kill -CONT "$(lab_pid fw1)"
check "who wakes behind its lease removes the routes, too" wait_for 3 refused has_route
kill -CONT "$(lab_engine_pid fw1)" 2>/dev/null
check "and is master again in the end" wait_state fw1 master
check "with the route" wait_for 5 has_route

# Without the many, which have a longer lease.
{ cat "$LAB_DIR/begin" && echo "route = 10.99.0.0/16 via $SERVER dev wan0"; } >"$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
check "a reload removes a group with all its addresses" wait_for 10 has_n fw1 'fd90:' 0
sleep 3 # to the next renewal
lab_kill fw1 # nobody is left to remove anything but the kernel
all_gone() { gone "$WAN_VIP" && gone "$WAN_VIP6" && gone "$LAN_VIP" && gone "$LAN_VIP6"; }
check "the lease takes the addresses of a killed service" wait_for 12 all_gone
check "and leaves an IPv4 route" has_route
lab_start fw2
wait_state fw2 master
lab_start fw1
check "the service that comes back beside a master" wait_state fw1 primary-backup
check "removes it" refused has_route

exit "$FAILED"
