#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One ruleset on two nodes: nothing before it is asked for, then each change within a second, drift
# that is shown, and refusals that are said.
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/documents.sh
. ./documents.sh
SIZE=${SIZE:-3000} # rules of the large one
trap lab_down EXIT

# Counters are each kernel's own, and sets have no order.
listed() { # NODE
	on "$1" nft -s list ruleset | sed -E 's/ expires [0-9a-z]+//g' | tr -s ', \n\t' '\n' | sort
}
same() { [ "$(listed fw1)" = "$(listed fw2)" ]; }
large() { # RULES
	awk -v n="$1" 'BEGIN {
		print "table inet large {\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;"
		for (i = 0; i < n; i++)
			printf "ip saddr 10.%d.%d.%d tcp dport %d counter accept comment \"rule %d\"\n",
				i / 65536 % 256, i / 256 % 256, i % 256, i % 60000 + 1, i
		print "\t}\n}"
	}'
}

lab_up
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-CONF
	[interface wan]
	device = wan0
	[mirror]
	ruleset-local = inet own
CONF
on fw1 nft -f rulesets/gateway.nft
on fw1 nft insert rule inet filter input iifname ha0 accept
on fw1 nft insert rule inet filter input udp dport 8133 accept
on fw2 nft -f - <<-EOF
	table inet own { chain in { type filter hook input priority 9; policy accept; }; }
	table inet old { chain in { type filter hook input priority 8; policy accept; }; }
EOF
lab_pair
sleep 1
check "nothing is mirrored before it is asked for" has fw2 "table inet old"
check "which a trial does not do" ctl fw1 sync ruleset --dry-run
check "the operator asks for it" ctl fw1 sync ruleset
check "both have the same then" wait_for 8 both_are equal
check "the standby has the master's rules" has fw2 "log in from desks"
check "and not its own any more" lacks fw2 "table inet old"
check "but its local table" has fw2 "table inet own"

ms=$(lag 192.0.2.77 insert rule inet filter forward ip saddr 192.0.2.77 drop)
echo "# a rule was there after $ms ms"
check "a rule comes within a second" at_most "$ms" 1000
values=
for i in 1 2 3 4 5; do values="$values $(lag "10.77.1.$i" add element inet filter admins "{ 10.77.1.$i }")"; done
# shellcheck disable=SC2086 # a list, on purpose
ms=$(median $values)
echo "# an element was there after$values ms"
check "an element within 200 ms" at_most "$ms" 200

on fw2 nft add rule inet filter output ip daddr 192.0.2.99 drop
check "an edit on the standby is drift" wait_for 5 condition_is fw2 drift
told() { ctl "$1" diff ruleset 2>/dev/null | grep -q "192.0.2.99"; }
check "diff tells the rule" told fw2
check "on the master, too" told fw1
check "which stays" has fw2 192.0.2.99
on fw1 nft add element inet filter admins '{ 10.77.2.1 }'
came_back() { has fw2 10.77.2.1 && lacks fw2 192.0.2.99; }
check "until the master's next change" wait_for 5 came_back

own() { on fw1 "$NSRPCTL" check "$LAB_DIR/nsrpd.conf" -n fw1 2>&1 | grep "warning: inet filter output: 10.77.0.11 is this node's own, on lan0"; }
checked() { on fw1 "$NSRPCTL" check "$LAB_DIR/nsrpd.conf" -n fw1; }
check "nothing of one node's own is in the rules" eval 'checked >"$LAB_DIR/out" && ! own'
on fw1 nft add rule inet filter output ip saddr 10.77.0.11 ip daddr "$LAN_VIP" accept
check "check tells an address that one node alone has" own
check "and so does diff" eval 'ctl fw1 diff ruleset | grep -q "^warning: inet filter output: 10.77.0.11 is this node"'
on fw1 nft flush chain inet filter output
on fw1 ip link add only1 type veth peer name x-only1
on fw1 nft add rule inet filter input iif only1 accept
refusal() { mirror "$1" "" | grep -q "there is no interface only1"; }
check "what the standby cannot take is refused, with its rule" wait_for 5 refusal fw2
check "and the master says so, too" wait_for 5 refusal fw1
rule_told() { mirror "$1" "" | grep -q 'iif \\"only1\\" accept'; }
check "as nft lists it" rule_told fw2
check "the old one stays" has fw2 "log in from desks"
on fw1 nft flush chain inet filter input
check "what comes next is taken" wait_for 8 both_are equal

large "$SIZE" >"$LAB_DIR/large.nft"
ms=$(lag "rule $((SIZE - 1))" -f "$LAB_DIR/large.nft")
echo "# $SIZE rules were there after $ms ms, with what nft took"
ms=$(lag "rule 7 again" insert rule inet large forward ip saddr 192.0.2.7 accept comment \"rule 7 again\")
echo "# one more rule among $SIZE was there after $ms ms"
check "a rule among many comes soon" at_most "$ms" 2000
check "many rules come as well" wait_for 8 both_are equal
on fw2 nft delete table inet own
check "and both list the same" same

exit "$FAILED"
