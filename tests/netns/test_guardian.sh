#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What becomes of a node whose engine dies or hangs: its guardian speaks for it.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

# Looks who has the address until there is a file `enough`; what it saw is in the file `owners`.
watch_owners() {
	local before other after
	rm -f "$LAB_DIR/enough"
	while [ ! -e "$LAB_DIR/enough" ]; do
		before=$(on fw1 ip -o addr show dev lan0 to "$LAN_VIP")
		other=$(on fw2 ip -o addr show dev lan0 to "$LAN_VIP")
		after=$(on fw1 ip -o addr show dev lan0 to "$LAN_VIP")
		echo "${before:+1}${other:+2}${after:+1}"
	done >"$LAB_DIR/owners" &
	WATCHER=$!
}

watch_end() {
	touch "$LAB_DIR/enough"
	wait "$WATCHER"
}

# One that moved between two looks is not there twice.
never_two_owners() {
	echo "# looked $(wc -l <"$LAB_DIR/owners") times"
	! grep -q 121 "$LAB_DIR/owners"
}

takeovers() {
	echo $(($(counter fw1 takeovers) + $(counter fw2 takeovers)))
}

is_new_engine() { # NODE, other than PID
	local pid
	pid=$(lab_engine_pid "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ] && ctl "$1" status
}

reason() { # NODE: of the last change
	ctl "$1" --json why | jq -r '.groups[0].reason'
}

lab_up
lab_conf "heartbeat = 10ms
lost-after = 3"
lab_pair

engine=$(lab_engine_pid fw1)
probe 3000
watch_owners
sleep 0.5
kill -9 "$engine"
check "killed: a new engine starts" wait_for 3 is_new_engine fw1 "$engine"
probe_end
watch_end
check "killed: no packet is lost" no_packet_lost
check "killed: one owner throughout" never_two_owners
check "killed: and it is the same" one_owner fw1
check "killed: the peer waited" [ "$(counter fw2 holds_heard)" -ge 1 ]
check "killed: its guardian said so" [ "$(counter fw1 holds_sent)" -ge 1 ]
check "killed: nobody took over" [ "$(counter fw2 takeovers)" = 0 ]
check "killed: the node is master again" wait_state fw1 master

sleep 5 # a second death within five seconds is another matter
engine=$(lab_engine_pid fw1)
probe 4000
watch_owners
sleep 0.5
kill -STOP "$engine"
check "hung: the peer takes over" wait_for 3 is_state fw2 master
check "hung: a new engine starts" wait_for 4 is_new_engine fw1 "$engine"
probe_end
watch_end
echo "# $PROBE"
check "hung: traffic goes on" at_most "$(field gap_ms "$PROBE")" 500
check "hung: never two owners" never_two_owners
check "hung: the peer has all" one_owner fw2
check "hung: because the guardian gave up" [ "$(reason fw2)" = "peer stopped" ]
check "hung: which it said" [ "$(counter fw1 partings_sent)" = 1 ]
check "hung: the node is the backup" wait_state fw1 primary-backup

engine=$(lab_engine_pid fw2)
watch_owners
kill -9 "$engine"
wait_for 3 is_new_engine fw2 "$engine"
check "killed, on the other node: it stays" wait_state fw2 master
probe 4000
sleep 0.5
kill -9 "$(lab_engine_pid fw2)"
check "killed twice in a row: the peer takes over" wait_for 3 is_state fw1 master
probe_end
watch_end
echo "# $PROBE"
check "killed twice: traffic goes on" at_most "$(field gap_ms "$PROBE")" 500
check "killed twice: never two owners" never_two_owners
check "killed twice: the node is the backup" wait_state fw2 primary-backup

before=$(takeovers)
kill -9 "$(lab_engine_pid fw2)"
check "killed, on the backup: it is the backup again" wait_state fw2 primary-backup
check "killed, on the backup: nobody took over" [ "$(counter fw1 takeovers)" -le "$before" ]
check "killed, on the backup: the master goes on" one_owner fw1

# One that is killed may be there for a moment more, as its memory is large.
restarts() {
	local pid
	for _ in 1 2 3 4 5 6 7 8; do
		lab_kill fw2
		lab_start fw2
		pid=$(lab_pid fw2)
		wait_for 5 is_state fw2 primary-backup || return 1
		kill -0 "$pid" || return 1
	done
}
check "killed, all of it, and started at once: it runs" restarts

exit "$FAILED"
