#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# src/io/kernel*.c with the real kernel's tables. The cases of kernel_probe bring namespaces of
# their own; here real traffic goes through a firewall, and what is heard of it is looked at.
#
#   KERNEL_PROBE   the program
#
# beside others
set -u
LAB=nsrpk$$
DIR=$(mktemp -d --suffix="-$LAB")
FAILED=0
PID=

on() { # NODE COMMAND...
	local node=$1
	shift
	ip netns exec "$LAB-$node" "$@"
}

down() {
	[ -z "$PID" ] || kill "$PID" 2>/dev/null
	for node in client fw server; do ip netns del "$LAB-$node" 2>/dev/null; done
	rm -rf "$DIR"
}
trap down EXIT

wire() { # NODE ADDRESS FW-ADDRESS
	ip link add "$1" netns "$LAB-fw" type veth peer name eth0 netns "$LAB-$1"
	on "$1" ip addr add "$2/24" dev eth0
	on "$1" ip link set eth0 up
	on "$1" ip route add default via "$3"
	on fw ip addr add "$3/24" dev "$1"
	on fw ip link set "$1" up
}

check() { # NAME PATTERN...: each is heard
	local name=$1 pattern
	shift
	for pattern in "$@"; do
		grep -qE "$pattern" "$DIR/heard" || {
			echo "not ok - $name"
			echo "# lacks '$pattern' in:"
			sed 's/^/# /' "$DIR/heard"
			FAILED=1
			return
		}
	done
	echo "ok - $name"
}

for node in client fw server; do ip netns add "$LAB-$node"; done
wire client 10.1.1.2 10.1.1.1
wire server 10.2.2.2 10.2.2.1
on fw sysctl -qw net.ipv4.ip_forward=1
on fw nft -f - <<-END
	table ip t {
		chain forward { type filter hook forward priority 0; ct state new counter; }
		chain nat { type nat hook postrouting priority 100; udp dport 9 snat to 10.2.2.77:4000; }
	}
END

on fw "$KERNEL_PROBE" watch 4000 >"$DIR/heard" &
PID=$!
for _ in $(seq 100); do
	! grep -q ready "$DIR/heard" || break
	sleep 0.02
done
on client ping -q -c 2 -i 0.2 10.2.2.2 >/dev/null
on client bash -c 'exec 3<>/dev/tcp/10.2.2.2/81' 2>/dev/null
on client bash -c 'echo >/dev/udp/10.2.2.2/9'
sleep 0.1
on fw conntrack -D -p icmp >/dev/null 2>&1
wait "$PID"
PID=
check "an echo is heard from its first packet to its end" \
	'^whole icmp src=10.1.1.2 dst=10.2.2.2 .* unreplied' \
	'^change icmp src=10.1.1.2 dst=10.2.2.2' '^remove icmp src=10.1.1.2 dst=10.2.2.2'
check "a connection that is refused is heard" \
	'^whole tcp src=10.1.1.2 dst=10.2.2.2 .*dport=81 SYN_SENT' \
	'^remove tcp src=10.1.1.2 dst=10.2.2.2 .*dport=81'
check "address translation is heard" '^whole udp .*dport=9 .*snat=10.2.2.77#4000'

"$KERNEL_PROBE" || FAILED=1
exit "$FAILED"
