#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What of the ruleset goes with the power: the last that both nodes had is kept, and loaded once after a
# boot of a machine that does not hear its peer; with the operator's consent alone.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/documents.sh
. ./documents.sh
BOOT_WAIT=1s
trap lab_down EXIT

# A daemon that sees a boot id of its own, in the mount namespace that `ip netns exec` makes for it.
program=$NSRPD
boots=0
boot() { # NODE: the machine starts, with the rules that its own service loads
	boots=$((boots + 1))
	printf '%08d-0000-4000-8000-000000000000\n' "$boots" >"$LAB_DIR/$1/boot_id"
	on "$1" nft flush ruleset
	on "$1" nft -f - <<-EOR
		table inet host$boots { chain in { type filter hook input priority 3; policy accept; }; }
	EOR
	: >"$LAB_DIR/$1/log"
	lab_start "$1"
}
wrap() {
	cat >"$LAB_DIR/booted" <<-EOR
		#!/bin/sh
		mount --bind "$LAB_DIR/\$(ip netns identify \$\$ | sed 's/.*-//')/boot_id" /proc/sys/kernel/random/boot_id || exit 1
		exec "$program" "\$@"
	EOR
	chmod 755 "$LAB_DIR/booted"
	NSRPD=$LAB_DIR/booted
}
logged() { grep -q -- "$2" "$LAB_DIR/$1/log"; }
is_loaded() { logged "$1" "the last that both nodes had, since the peer is not heard: accepted"; }
not_loaded() { ! logged "$1" "the last that both nodes had"; }

lab_up
wrap
lab_conf
on fw1 nft flush ruleset
boot fw1
boot fw2
on fw1 nft -f rulesets/gateway.nft
on fw1 nft insert rule inet filter input iifname ha0 accept
on fw1 nft insert rule inet filter input udp dport 8133 accept
wait_state fw1 master
wait_state fw2 primary-backup
ctl fw1 sync ruleset >/dev/null
check "both have the same" wait_for 8 both_are equal
kept() { [ -s "$LAB_DIR/$1/state/ruleset.kept" ]; }
check "which is not kept at once" refused kept fw2
check "but when it has lasted" wait_for 12 kept fw2
on fw1 nft insert rule inet filter forward ip saddr 192.0.2.77 drop
check "a change goes over" wait_for 5 has fw2 192.0.2.77

power_cut() { # NODE: not even the clerk, who writes when it is dismissed, has time for anything
	kill -STOP "$(lab_pid "$1")"
	kill -9 "$(pgrep -x -P "$(lab_pid "$1")" nsrpd-clerk)"
	lab_kill "$1"
}
power_cut fw1
power_cut fw2
boot fw2
check "a machine that boots alone loads what was kept" wait_for 8 is_loaded fw2
check "in place of what its host loaded" lacks fw2 "table inet host$boots"
check "it is what both had, and had for a while" eval 'has fw2 "log in from desks" && lacks fw2 192.0.2.77'
wait_state fw2 master
on fw2 nft insert rule inet filter forward ip saddr 192.0.2.88 drop
kill -9 "$(lab_engine_pid fw2)"
wait_state fw2 master
sleep 1
check "a new engine does not load it again" has fw2 192.0.2.88
lab_stop fw2
lab_start fw2
wait_state fw2 master
sleep 0.5
check "nor does a new daemon in this boot" has fw2 192.0.2.88

boot fw1
wait_state fw1 primary-backup
check "who boots and hears the peer has the peer's" wait_for 8 has fw1 192.0.2.88
check "and loads nothing" not_loaded fw1
check "both have the same again" wait_for 8 both_are equal

lab_stop fw1
lab_stop fw2
rm "$LAB_DIR/fw1/state/state" # and with it the operator's word
printf 'x' | dd of="$LAB_DIR/fw2/state/ruleset.kept" bs=1 seek=300 conv=notrunc status=none
check "there is something to load" eval 'kept fw1 && kept fw2'
boot fw1
wait_state fw1 master
sleep 0.5
check "without consent nothing is loaded" eval 'has fw1 "table inet host$boots" && not_loaded fw1'
lab_kill fw1
boot fw2
said() { logged fw2 "since the peer is not heard: refused: .*: ."; }
check "what was kept and is damaged is refused, with the reason" wait_for 5 said
check "and changes nothing" eval 'has fw2 "table inet host$boots" && lacks fw2 "log in from desks"'
exit "$FAILED"
