#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What keeps the addresses and routes of a group as they should be: a reload in the middle of a
# long change.
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

exit "$FAILED"
