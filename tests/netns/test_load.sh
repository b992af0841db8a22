#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Many addresses, and a busy machine: heartbeats stay on time.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh

trap lab_down EXIT

addresses() { # NODE
	on "$1" ip -o addr show dev lan0 | grep -c " 10\.9[12]\."
}

has_all() { [ "$(addresses "$1")" = 1000 ]; }
has_none() { [ "$(addresses "$1")" = 0 ]; }
peer_never_lost() { [ "$(($(counter fw1 peer_lost) + $(counter fw2 peer_lost)))" = 0 ]; }

takeovers() { echo "$(($(counter fw1 takeovers) + $(counter fw2 takeovers)))"; }

lab_up
lab_conf
{
	echo "[group 1]"
	echo "priority.fw1 = 50"
	for i in $(seq 0 999); do echo "address = 10.9$((1 + i / 500)).$((i % 500 / 250)).$((1 + i % 250))/16 dev lan0"; done
} >>"$LAB_DIR/nsrpd.conf"
lab_pair
wait_state fw1 master 1
check "1000 addresses are set" wait_for 5 has_all fw1
ctl fw1 failover 1 >/dev/null
check "1000 addresses move" wait_for 5 has_all fw2
check "and are gone where they were" wait_for 5 has_none fw1
ctl fw2 failover 1 >/dev/null
check "and back" wait_for 5 has_all fw1
check "heartbeats were on time throughout" peer_never_lost
lab_stop fw2
lab_stop fw1

lab_conf $'heartbeat = 10ms\nlost-after = 3'
lab_pair
realtime=$(ctl fw1 --json status | jq .realtime)
lab_busy 16
sleep "${BUSY_SECONDS:-10}"
lab_idle
if [ "$realtime" = true ]; then
	check "16 busy loops at 10 ms heartbeats: the master stays" is_state fw1 master
	check "and nobody took over" [ "$(takeovers)" = 1 ]
else
	echo "skip - 16 busy loops at 10 ms heartbeats: no real-time priority here"
fi
exit "$FAILED"
