#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Virtual MACs: what neighbours see when a group moves, what is set for it on a node, and that all of
# it is looked after, adopted, and restored.
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

LAN=nsrp0-lan0 WAN=nsrp0-wan0
LAN_MAC=92:07:00:e9:b2:79 WAN_MAC=92:07:00:2b:a6:64

flags() { # NODE INTERFACE
	on "$1" ip -o link show "$2" 2>/dev/null | sed -n 's/.*<\(.*\)>.*/\1/p'
}
is_up() { flags "$1" "$2" | grep -qw UP; }
is_down() { [ -n "$(flags "$1" "$2")" ] && ! is_up "$1" "$2"; }
is_gone() { [ -z "$(flags "$1" "$2")" ]; }
has_mac() { on "$1" ip link show "$2" | grep -q "link/ether $3"; }
key() { on "$1" cat "/proc/sys/net/$2"; }                    # NODE ipv4/conf/lan0/arp_ignore
is_key() { [ "$(key "$1" "$2" 2>/dev/null)" = "$3" ]; }      # NODE KEY VALUE
lies_on() { on "$1" ip -o addr show dev "$2" | grep -qF " $3/"; }

alone_has() { # NODE that has all addresses on its macvlans; the other's are down
	local other=fw2
	[ "$1" = fw1 ] || other=fw1
	one_owner "$1" &&
		lies_on "$1" $LAN "$LAN_VIP" && lies_on "$1" $WAN "$WAN_VIP" &&
		lies_on "$1" $LAN "$LAN_VIP6" && lies_on "$1" $WAN "$WAN_VIP6" &&
		is_up "$1" $LAN && is_up "$1" $WAN &&
		is_down "$other" $LAN && is_down "$other" $WAN
}

neighbours() { # what client and server have of the pair
	on client ip neigh show "$LAN_VIP"
	on client ip neigh show "$LAN_VIP6"
	on server ip neigh show "$WAN_VIP"
	on server ip neigh show "$WAN_VIP6"
}
macs() { neighbours | sed -n 's/.* lladdr \([^ ]*\).*/\1/p' | tr '\n' ' '; }
behind() { # SWITCH MAC PORT: where the switch knows it
	on "$1" bridge fdb show br br0 | grep -i "^$2 " | grep -q "dev $3 "
}
own_source() {
	on "$1" ip route get "$CLIENT" | grep -q "dev lan0 src 10.77.0.1[12]" &&
		on "$1" ip -6 route get fd77::100 | grep -q "dev lan0 .*src fd77::1[12]"
}
# Nobody has to believe an announcement: what clients know stays as it is.
fixed_neighbours() {
	on client ip neigh replace "$LAN_VIP" lladdr $LAN_MAC dev eth0 nud permanent
	on client ip neigh replace "$LAN_VIP6" lladdr $LAN_MAC dev eth0 nud permanent
	on server ip neigh replace "$WAN_VIP" lladdr $WAN_MAC dev eth0 nud permanent
	on server ip neigh replace "$WAN_VIP6" lladdr $WAN_MAC dev eth0 nud permanent
}
free_neighbours() {
	on client ip neigh flush dev eth0 nud permanent
	on server ip neigh flush dev eth0 nud permanent
}

lab_up
for node in fw1 fw2; do
	on $node sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wan0.arp_ignore=2 \
		net.ipv6.conf.default.accept_ra=2
done
lab_conf
echo "virtual-mac = yes" >>"$LAB_DIR/nsrpd.conf"
on fw1 "$NSRPCTL" check -n fw1 "$LAB_DIR/nsrpd.conf" >"$LAB_DIR/findings" 2>&1
check "nsrpctl check has nothing against it" refused grep -q virtual-mac "$LAB_DIR/findings"
sed 's/ dev lan0/ dev fw1/; s/ dev wan0/ dev br0/' "$LAB_DIR/nsrpd.conf" >"$LAB_DIR/other.conf"
on lan sysctl -qw net.ipv4.conf.all.arp_ignore=3
on lan "$NSRPCTL" check -n fw1 "$LAB_DIR/other.conf" >"$LAB_DIR/findings" 2>&1
check "but against a bridge's port" grep -q "virtual-mac: fw1 belongs to the bridge br0" "$LAB_DIR/findings"
check "not against the bridge" refused grep -q "virtual-mac: br0" "$LAB_DIR/findings"
check "and it names a setting that is in the way" grep -q "all.arp_ignore is 3" "$LAB_DIR/findings"
lab_pair

# ---- at rest
check "the master alone has the addresses, on macvlans that are up; the standby's are down" \
	wait_for 3 alone_has fw1
check "the MAC is made of cluster, group and interface" has_mac fw1 $LAN $LAN_MAC
check "and is the same on both nodes" has_mac fw2 $LAN $LAN_MAC
check "also that of another interface" has_mac fw2 $WAN $WAN_MAC
check "traffic passes, IPv4 and IPv6" reaches_server
on fw1 ip neigh flush dev lan0
on client ping -qc 1 -W 2 "$LAN_VIP" >/dev/null # the answer takes a question of the master's
check "neighbours know the virtual MAC alone" [ "$(macs)" = "$LAN_MAC $LAN_MAC $WAN_MAC $WAN_MAC " ]
check "virtual addresses are not the source of own traffic" own_source fw1
for node in fw1 fw2; do
	check "$node: the interface below leaves ARP for the address to the macvlan" \
		is_key $node ipv4/conf/lan0/arp_ignore 1
	check "$node: and speaks in its own name" is_key $node ipv4/conf/lan0/arp_announce 2
	check "$node: what is good already is left alone" is_key $node ipv4/conf/wan0/arp_ignore 2
	check "$node: the macvlan answers for its own addresses" is_key $node ipv4/conf/$LAN/arp_ignore 1
	check "$node: is loose about the way back" is_key $node ipv4/conf/$LAN/rp_filter 2
	check "$node: makes no link-local address" is_key $node ipv6/conf/$LAN/addr_gen_mode 1
	check "$node: believes no router" is_key $node ipv6/conf/$LAN/accept_ra 0
	check "$node: forwards" is_key $node ipv6/conf/$LAN/forwarding 1
done
check "there is no IPv6 address but the group's" \
	[ "$(on fw1 ip -6 -o addr show dev $LAN | wc -l)" = 1 ]
ctl fw1 show groups >"$LAB_DIR/out"
check "show groups names macvlan and MAC" grep -q "$LAN on lan0, $LAN_MAC" "$LAB_DIR/out"

# ---- moving
fixed_neighbours
probe 3000
sleep 0.5
ctl fw1 failover >/dev/null
probe_end
check "a planned failover loses no packet, whatever neighbours believe" no_packet_lost
check "after it the other node alone has the addresses" wait_for 4 alone_has fw2
check "the switch knows the new port" behind lan $LAN_MAC fw2
check "on both sides" behind wan $WAN_MAC fw2
check "traffic passes, IPv4 and IPv6, to neighbours that learnt nothing" reaches_server
probe 3000 "$SERVER6"
sleep 0.5
ctl fw2 failover >/dev/null
probe_end
check "nor does the way back, in IPv6" no_packet_lost
wait_for 4 alone_has fw1

probe 4000
sleep 1
lab_power_off fw1
probe_end
echo "# power off: $PROBE"
check "the survivor is master after a power cut" is_state fw2 master
check "traffic goes on after a power cut" at_most "$(field gap_ms "$PROBE")" 1500
check "in IPv6, too" reaches_server
free_neighbours
lab_power_on fw1
wait_state fw1 primary-backup
check "the node that comes back has its macvlans down" wait_for 4 alone_has fw2
before=$(macs)
on client ping -qc 1 -W 2 "$SERVER" >/dev/null
ctl fw2 failover >/dev/null
reaches_server
check "neighbours that learn know the same MAC before and after" \
	[ "$(macs)" = "$LAN_MAC $LAN_MAC $WAN_MAC $WAN_MAC " ]
wait_for 4 alone_has fw1

# ---- looked after
put_back() { [ "$(counter "$1" put_back)" -gt "$before" ]; }
before=$(counter fw1 put_back)
on fw1 ip link del $LAN
check "a macvlan removed by hand is put back with its addresses" wait_for 5 alone_has fw1
check "and counted" wait_for 3 put_back fw1
check "traffic passes again" wait_for 3 reaches_server
before=$(counter fw1 put_back)
on fw1 ip link set $LAN down
check "one set down by hand is up again" wait_for 5 alone_has fw1
check "and counted, too" wait_for 3 put_back fw1
before=$(counter fw2 put_back)
on fw2 ip link del $LAN
check "the standby's is put back, down" wait_for 5 is_down fw2 $LAN
check "and counted, there" wait_for 3 put_back fw2
on fw2 ip link set $LAN up
check "the standby's that was set up is down again" wait_for 5 is_down fw2 $LAN
on fw1 sysctl -qw net.ipv4.conf.lan0.arp_ignore=0 "net.ipv6.conf.$LAN.accept_ra=2"
check "a setting below that was changed is put back" wait_for 5 is_key fw1 ipv4/conf/lan0/arp_ignore 1
check "and one of the macvlan" wait_for 5 is_key fw1 ipv6/conf/$LAN/accept_ra 0
check "which the log says" grep -q "net.ipv4.conf.lan0.arp_ignore was 0, put back to 1" "$LAB_DIR/fw1/log"
on fw1 sysctl -qw net.ipv4.conf.all.arp_ignore=8
said() { grep -q "net.ipv4.conf.$LAN.arp_ignore = 1, net.ipv4.conf.all.arp_ignore = 8" "$LAB_DIR/fw1/log"; }
check "one that cannot be had is named" wait_for 5 said
on fw1 sysctl -qw net.ipv4.conf.all.arp_ignore=0
on fw2 ip link set lan0 mtu 1400
on fw2 ip link set lan0 mtu 1450
mtu_is() { [ "$(on "$1" cat "/proc/sys/net/ipv6/conf/$2/mtu")" = "$3" ]; }
check "the macvlan follows the interface's MTU" wait_for 5 mtu_is fw2 $LAN 1450
on fw2 ip link set lan0 mtu 1500

# ---- the interface below goes and comes
on fw2 ip link del lan0
wait_for 3 is_gone fw2 $LAN
lab_wire fw2 lan0 lan fw2
lab_plug lan fw2
on fw2 ip addr add 10.77.0.12/24 dev lan0
on fw2 ip addr add fd77::12/64 dev lan0 nodad
check "an interface that comes again gets its macvlan" wait_for 6 is_down fw2 $LAN
check "with everything set" wait_for 5 is_key fw2 ipv4/conf/lan0/arp_ignore 1
wait_state fw2 primary-backup

# ---- reload
sed -i 's/^virtual-mac = yes/virtual-mac = no/' "$LAB_DIR/nsrpd.conf"
ctl fw2 reload >/dev/null
ctl fw1 reload >/dev/null
plain() { lies_on fw1 lan0 "$LAN_VIP" && lies_on fw1 wan0 "$WAN_VIP6" && is_gone fw1 $LAN && is_gone fw2 $WAN; }
check "switched off by a reload, the addresses lie on the interfaces" wait_for 5 plain
check "what was set below is as it was" is_key fw1 ipv4/conf/lan0/arp_ignore 0
check "all of it" is_key fw1 ipv4/conf/lan0/arp_announce 0
check "and traffic passes" wait_for 3 reaches_server
sed -i 's/^virtual-mac = no/virtual-mac = yes/' "$LAB_DIR/nsrpd.conf"
ctl fw2 reload >/dev/null
ctl fw1 reload >/dev/null
check "switched on again, they lie on macvlans" wait_for 5 alone_has fw1
check "and traffic passes, still" wait_for 3 reaches_server

# ---- crash, stop
index() { on fw2 cat "/proc/sys/net/ipv6/conf/$LAN/stable_secret" 2>/dev/null; on fw2 ip -o link show $LAN | cut -d: -f1; }
was=$(index)
lab_kill fw2
on fw2 ip link set $LAN up
on fw2 sysctl -qw "net.ipv6.conf.$LAN.accept_ra=2"
check "a killed service leaves its macvlan" is_up fw2 $LAN
lab_start fw2
wait_state fw2 primary-backup
check "the next one adopts it" [ "$(index)" = "$was" ]
check "down" wait_for 3 is_down fw2 $LAN
check "with everything set, once more" is_key fw2 ipv6/conf/$LAN/accept_ra 0
lab_stop fw2
check "a service that stops leaves none" is_gone fw2 $LAN
check "and what was set before it was first started" is_key fw2 ipv4/conf/lan0/arp_ignore 0
check "also of what was good already" is_key fw2 ipv4/conf/wan0/arp_ignore 2
lab_start fw2
wait_state fw2 primary-backup
lab_kill fw2
on fw2 ip link add nsrp9-x link lan0 type macvlan mode bridge
on fw2 "$NSRPD" --withdraw
check "--withdraw removes what a killed service left" is_gone fw2 $LAN
check "and restores" is_key fw2 ipv4/conf/lan0/arp_ignore 0
check "but leaves another program's macvlan" is_down fw2 nsrp9-x
on fw2 ip link del nsrp9-x
lab_start fw2
wait_state fw2 primary-backup
kill -9 "$(lab_pid fw2)" # the engine withdraws
rm -f "$LAB_DIR/fw2/pid"
check "without its guardian an engine removes the macvlans" wait_for 5 is_gone fw2 $LAN
check "and restores, too" wait_for 5 is_key fw2 ipv4/conf/lan0/arp_ignore 0
lab_start fw2
wait_state fw2 primary-backup

# ---- others' frames
claim() { # MAC ADDRESS, FRAMES: gratuitous ARP by somebody else in the client's network
	on client python3 - "$1" "$2" "$3" <<-'EOF'
		import socket, sys, time
		mac = bytes.fromhex(sys.argv[1].replace(":", ""))
		ip = socket.inet_aton(sys.argv[2])
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		for _ in range(int(sys.argv[3])):
		    s.send(b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + ip + b"\0" * 6 + ip)
		    time.sleep(0.03)
	EOF
}
clashes() { [ "$(counter "$1" mac_clashes)" -ge "$2" ]; }
lines() { grep -c "virtual MAC is used by others" "$LAB_DIR/$1/log"; }
check "what the pair announces is no clash" [ "$(counter fw1 mac_clashes)$(counter fw2 mac_clashes)" = 00 ]
claim 92:07:01:e9:b2:79 10.77.0.55 3 # another group's
claim 92:08:00:e9:b2:79 10.77.0.55 3 # another cluster's
sleep 0.3
check "nor are other virtual MACs" [ "$(counter fw1 mac_clashes)$(counter fw2 mac_clashes)" = 00 ]
claim $LAN_MAC 10.77.0.55 5
check "another cluster of the same id is heard by the master" wait_for 3 clashes fw1 5
check "and by the standby" wait_for 3 clashes fw2 5
check "one line says so" [ "$(lines fw1)$(lines fw2)" = 11 ]
check "and names its address" grep -q "used by others, for 10.77.0.55 on lan0" "$LAB_DIR/fw1/log"
ctl fw1 --json status >"$LAB_DIR/out"
check "the status warns" grep -q "its virtual MAC is used by others" "$LAB_DIR/out"
sleep 2.5 # since the master took over
n=$(counter fw1 mac_clashes) m=$(counter fw2 mac_clashes)
claim $LAN_MAC "$LAN_VIP" 5
check "a copy of the master is heard by it" wait_for 3 clashes fw1 $((n + 5))
check "for the standby it is the master" [ "$(counter fw2 mac_clashes)" = "$m" ]
# The switch has to find the master again.
on client ping -qc 1 -W 2 -I eth0 10.77.0.11 >/dev/null
ctl fw1 failover >/dev/null
wait_for 4 alone_has fw2
ctl fw2 failover >/dev/null
wait_for 4 alone_has fw1

# ---- without own addresses
for node in fw1 fw2; do
	on $node ip addr del "10.78.0.1${node#fw}/24" dev wan0
	on $node ip addr del "fd78::1${node#fw}/64" dev wan0
done
fixed_neighbours
way_is() { on fw1 ip route get "$SERVER" | grep -q "dev $1 "; }
check "without an own address the macvlan has the connected route" wait_for 5 way_is $WAN
check "and traffic passes, IPv4 and IPv6" wait_for 3 reaches_server
for round in 1 2; do
	probe 3000
	sleep 0.5
	ctl fw1 failover >/dev/null
	probe_end
	echo "# $PROBE"
	# The new master has to ask for its neighbours first.
	check "a planned failover loses a packet at most, round $round" \
		at_most "$(field lost "$PROBE")" 1
	wait_for 4 alone_has "fw$((3 - round))"
done
sleep 3
check "the switch knows the port of the master" behind wan $WAN_MAC fw1
check "and traffic passes, in the end" reaches_server

exit "$FAILED"
