#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The life of the Debian package on two machines that run systemd: installed, a pair, upgraded while
# master, killed, removed, purged.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/systemd.sh
. ./systemd.sh
# shellcheck source=tests/netns/package.sh
. ./package.sh
trap systemd_end EXIT

if ! systemd_possible; then
	echo "skip - the package under systemd: this machine has none"
	exit 0
fi
lab_up
quietly() { # FILE COMMAND...: what it says goes into that
	local said=$1
	shift
	"$@" >"$said" 2>&1
}
packages() { # The package as it is built, and one that calls itself a later release.
	package_get "$LAB_DIR/package.deb" || return 1
	dpkg-deb -R "$LAB_DIR/package.deb" "$LAB_DIR/later"
	sed -i 's/^Version: .*/&+later/' "$LAB_DIR/later/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$LAB_DIR/later" "$LAB_DIR/later.deb" >/dev/null
	rm -r "$LAB_DIR/later"
}
check "there is a package" packages
for node in fw1 fw2; do
	systemd_prepare $node
	check "$node boots" systemd_boot $node
	cp "$LAB_DIR/package.deb" "$(systemd_root $node)/root/package.deb"
	cp "$LAB_DIR/later.deb" "$(systemd_root $node)/root/later.deb"
	check "$node: the package is installed" quietly "$LAB_DIR/$node/install.log" inside $node dpkg -i /root/package.deb
	check "$node: the user is there" quietly /dev/null inside $node getent passwd nsrp
	check "$node: and both groups" quietly /dev/null inside $node getent group nsrp nsrp-admin
	check "$node: the service is enabled" inside $node systemctl -q is-enabled nsrpd
	waits() { [ "$(inside "$1" systemctl is-active nsrpd)" = inactive ]; }
	check "$node: and waits for a configuration" waits $node
done

# As the quick start has it.
lab_conf
sed -i "s|^key-file = .*|key-file = /etc/nsrpd/cluster.key|" "$LAB_DIR/nsrpd.conf"
inside fw1 nsrpctl genkey /etc/nsrpd/cluster.key
for node in fw1 fw2; do
	root=$(systemd_root $node)
	cp "$LAB_DIR/nsrpd.conf" "$root/etc/nsrpd/nsrpd.conf"
	[ $node = fw1 ] || cp -p "$(systemd_root fw1)/etc/nsrpd/cluster.key" "$root/etc/nsrpd/cluster.key"
	check "$node: the configuration is good" quietly /dev/null inside $node nsrpctl check
	if [ $node = fw2 ]; then # it may list rules
		mkdir -p "$root/etc/systemd/system/nsrpd.service.d"
		cp "$root/usr/share/doc/nsrpd/examples/nsrpd-documents.conf" "$root/etc/systemd/system/nsrpd.service.d/"
		inside $node systemctl daemon-reload
	fi
	check "$node: the service starts, and says when it is ready" inside $node systemctl start nsrpd
done

ctl() { # NODE VERB...
	local node=$1
	shift
	inside "$node" nsrpctl "$@"
}
check "fw1 is master" wait_state fw1 master
[ "$FAILED" = 0 ] || exit 1 # what follows has no meaning
check "fw2 stands by" wait_state fw2 primary-backup
well() { ctl "$1" status --check; }
for node in fw1 fw2; do check "$node: all is well" wait_for 10 well $node; done
unit() { inside "$1" systemctl show -P "$2" nsrpd; }
main_pid() { unit "$1" MainPID; }
process() { # NODE PID FIELD
	inside "$1" sed -n "s/^$3:[[:space:]]*//p" "/proc/$2/status"
}
engine_of() { inside "$1" pgrep -x -P "$(main_pid "$1")" nsrpd; }
is_nsrp() { [ "$(inside "$1" ps -o user= -p "$(engine_of "$1")")" = nsrp ]; }
check "the engine is user nsrp's" is_nsrp fw1
four() { [ "$(process "$1" "$(engine_of "$1")" CapEff)" = 0000000000807000 ]; }
check "with four capabilities" four fw1
bounded() { [ "$(process "$1" "$(main_pid "$1")" CapBnd)" = 00000000008071e0 ]; }
check "the guardian has six more to make it with" bounded fw1
filtered() { [ "$(process "$1" "$(engine_of "$1")" Seccomp)" = 2 ]; }
check "both have a filter of system calls" filtered fw1
realtime() { [ "$(inside "$1" ps -o cls= -p "$(engine_of "$1")" | tr -d ' ')" = FF ]; }
check "and real-time priority" realtime fw1
check "the settings of networks are written" [ "$(on fw1 sysctl -n net.netfilter.nf_conntrack_events)" = 1 ]
watched() { [ "$(unit fw1 WatchdogUSec)" = 15s ] && [ "$(unit fw1 NRestarts)" = 0 ]; }
check "systemd watches the guardian" watched
as() { inside fw1 setpriv --reuid 65533 --regid 65533 --groups "$1" nsrpctl "${@:2}" >/dev/null 2>&1; }
check "group nsrp may read" as nsrp status
not() { ! "$@"; }
check "but not command" not as nsrp failover
check "group nsrp-admin may" as nsrp-admin reload
check "nobody else reads" not as nogroup status
check "a reload is the unit's, too" inside fw1 systemctl reload nsrpd
figures() {
	inside "$1" python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:9417/metrics").read().decode())' |
		grep -qx 'nsrpd_up 1'
}
inside fw1 systemctl start nsrpd-metrics
check "a service without any privilege serves the figures" wait_for 5 figures fw1

echo "# a rule that fw2 cannot take, under the unit's restrictions"
on fw1 ip link add only1 type veth peer name x-only1
on fw1 nft -f - <<-'RULES'
	table inet own {
		chain input {
			type filter hook input priority 0; policy accept;
			iif only1 accept
		}
	}
RULES
refusal='refused: the old one stays: inet own input rule 1: there is no interface only1 here'
not quietly "$LAB_DIR/sync" ctl fw1 sync ruleset
sed 's/^/# /' "$LAB_DIR/sync"
check "who asks for it is told why" grep -q "$refusal" "$LAB_DIR/sync"
logged() { inside fw2 journalctl -q -u nsrpd 2>/dev/null | grep "$refusal" >"$LAB_DIR/fw2/refusal"; }
check "and so is fw2's log" wait_for 5 logged
sed 's/^/# /' "$LAB_DIR/fw2/refusal"
check "with the rule as nft lists it" grep -q 'here: iif "only1" accept' "$LAB_DIR/fw2/refusal"
not quietly "$LAB_DIR/diff" ctl fw2 diff ruleset
check "diff lists it, too" grep -q '^+.*iif "only1" accept' "$LAB_DIR/diff"
not quietly "$LAB_DIR/diff" ctl fw1 diff ruleset
check "without the drop-in it tells what it lacks" grep -q 'nsrpd-documents.conf' "$LAB_DIR/diff"
on fw1 nft delete table inet own
on fw1 ip link del only1
check "without it all is well" wait_for 10 well fw2

echo "# fw1 is upgraded while it is master"
probe 12000
sleep 1
old=$(main_pid fw1)
check "fw1 is upgraded" quietly "$LAB_DIR/fw1/upgrade.log" inside fw1 dpkg -i /root/later.deb
probe_end
check "no packet was lost" no_packet_lost
check "the new release runs" [ "$old" != "$(main_pid fw1)" ]
check "fw2 is master" wait_state fw2 master
check "fw1 stands by" wait_state fw1 primary-backup

echo "# fw2 is upgraded while it is master and nobody could take over"
inside fw1 systemctl stop nsrpd
old=$(main_pid fw2)
probe 8000
check "fw2 is upgraded" quietly "$LAB_DIR/fw2/upgrade.log" inside fw2 dpkg -i /root/later.deb
probe_end
check "no packet was lost" no_packet_lost
check "the old release goes on" [ "$old" = "$(main_pid fw2)" ]
check "and the operator is told" grep -q 'the old release goes on' "$LAB_DIR/fw2/upgrade.log"
inside fw1 systemctl start nsrpd
wait_state fw1 primary-backup
check "later it is restarted" inside fw2 systemctl restart nsrpd
check "and fw1 takes over" wait_state fw1 master
wait_state fw2 primary-backup

echo "# guardian and engine are killed"
inside fw1 systemctl kill --signal=KILL nsrpd
check "fw2 takes over" wait_state fw2 master
check "it alone has the addresses" wait_for 3 one_owner fw2
check "fw1 is started again, and stands by" wait_state fw1 primary-backup

echo "# fw2 is removed while it is master"
probe 4000
sleep 1
check "fw2's package is removed" quietly /dev/null inside fw2 dpkg -r nsrpd
probe_end
check "no packet was lost" no_packet_lost
check "fw1 is master" wait_state fw1 master
check "fw1 alone has the addresses" one_owner fw1
check "the key stays" [ -e "$(systemd_root fw2)/etc/nsrpd/cluster.key" ]
check "and what it knew" [ -d "$(systemd_root fw2)/var/lib/nsrpd" ]
inside fw2 dpkg -P nsrpd >/dev/null 2>&1
check "until it is purged" [ ! -e "$(systemd_root fw2)/var/lib/nsrpd" ]
exit "$FAILED"
