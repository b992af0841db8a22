#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The converter makes of each sample configuration of keepalived's and conntrackd's packages one that
# nsrpctl accepts, and says what it could not carry over.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
convert=$PWD/../../scripts/convert-keepalived
LAB_DIR=$(mktemp -d --suffix="-$LAB")
trap 'rm -rf "$LAB_DIR"' EXIT
cd "$LAB_DIR" || exit 1

converted() { # KEEPALIVED.CONF [CONNTRACKD.CONF]: into `result`
	"$convert" "$@" >result 2>said
}
accepted() {
	local node
	for node in fw1 fw2; do
		"$NSRPCTL" check result -n $node >checked 2>&1 || {
			cat checked
			return 1
		}
	done
}
has() { grep -qxF -- "$1" result; }
says() { grep -qF -- "$1" said && grep '^# - ' result | grep -qF -- "$1"; }

cat >keepalived.conf <<-'EOF'
	! what most have
	vrrp_script router {
	    script "/usr/bin/ping -c 1 198.51.100.254"
	    interval 2
	    fall 2
	}
	vrrp_script disk { script /usr/local/sbin/check-disk }
	vrrp_sync_group both { group { inside
	    outside } notify_master "/usr/local/sbin/up" }
	vrrp_instance inside {
	    state MASTER
	    interface eth0
	    virtual_router_id 7
	    priority 150
	    preempt_delay 30
	    unicast_src_ip 10.0.0.1
	    unicast_peer { 10.0.0.2 }
	    virtual_ipaddress { 192.0.2.1/24 dev eth0 label eth0:1
	        2001:db8::1/64 }
	    track_interface { eth3 weight -20 }
	    track_script { router
	        disk }
	}
	vrrp_instance outside
	{
	    interface eth1
	    virtual_router_id 8
	    virtual_ipaddress { 198.51.100.1/24 }
	    virtual_routes { default via 198.51.100.254 }
	    virtual_rules { from 192.0.2.0/24 table 5 }
	}
	virtual_server 192.0.2.1 80 { lb_algo rr }
EOF
check "a common configuration is converted" converted --node fw1 --peer fw2 keepalived.conf
check "and accepted on both nodes" accepted
check "a sync group is one group" test "$(grep -c '^\[group' result)" = 1
for line in "[group 7]" "priority.fw1 = 106" "preempt = yes" "preempt-hold = 30s" "address = 192.0.2.1/24 dev eth0" \
	"address = 2001:db8::1/64 dev eth0" "address = 198.51.100.1/24 dev eth1" \
	"route = default via 198.51.100.254" "address.fw1 = 10.0.0.1" "address.fw2 = 10.0.0.2" \
	"program = /usr/local/sbin/check-disk" "interval = 2000ms" "fall = 2" "interface = eth3"; do
	check "it has $line" has "$line"
done
for text in "script router: make /etc/nsrpd/check-router, which does: /usr/bin/ping" "notify_master: one" \
	"the weight -20 of eth3" '`virtual_rules`' "virtual_server: nsrpd balances no load" \
	"the priority of fw2 is a guess" "there is one HA link"; do
	check "it says $text" says "$text"
done
cat >conntrackd.conf <<-'EOF'
	Sync { Mode FTFW { DisableExternalCache On }
	    Multicast { Interface eth2
	        Group 3780 }
	    UDP { IPv4_address 10.1.0.1
	        IPv4_Destination_Address 10.1.0.2
	        Port 3781 } }
	General { Filter { Protocol Accept { TCP } } }
EOF
check "with conntrackd's configuration" converted keepalived.conf conntrackd.conf
check "it is accepted" accepted
check "the dedicated interface is an HA link" has "interface = eth2"
check "so is the way by UDP" has "address.fw2 = 10.1.0.2"
check "filters are told of" says "conntrackd: General"
echo 'virtual_server 1.2.3.4 80 { }' >none.conf
check "what has no instance is refused" refused "$convert" none.conf
printf 'vrrp_instance a {\n interface eth0\n virtual_ipaddress { nonsense\n 1.2.3.4/33 } } } } {{' >none.conf
check "what makes no sense, too" refused "$convert" none.conf
check "which is told" grep -q "nothing to convert" "$LAB_DIR/out"

if ! apt-get download keepalived conntrackd >/dev/null 2>&1; then
	echo "skip - the samples of the packages: they cannot be had here"
	exit "$FAILED"
fi
for package in ./*.deb; do dpkg-deb -x "$package" packages; done
found=0
for sample in packages/etc/keepalived/*.sample packages/usr/share/doc/keepalived/samples/keepalived.conf.* \
	packages/usr/share/doc/conntrackd/examples/sync/keepalived.conf; do
	grep -q '^ *vrrp_instance' "$sample" || continue
	for with in "" packages/usr/share/doc/conntrackd/examples/sync/*/conntrackd.conf; do
		found=$((found + 1))
		# shellcheck disable=SC2086 # one or none
		check "$(basename "$sample") $with is converted" converted "$sample" $with
		check "and accepted" accepted
	done
done
check "there were samples" test $found -gt 20
exit "$FAILED"
