#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The kernel's events overrun the master's socket: it is stopped, for less than its watchdog and the
# peer wait for, while another program makes more sessions than the socket holds events, and while
# it ends them.
#
#   EVENTS   so many; 64 MiB of buffer hold some 105000 (130000)
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT
EVENTS=${EVENTS:-130000}
FLOOD=${FLOOD:-$(dirname "$STREAM")/flood}

while_stopped() { # NODE COMMAND...: by that node's kernel
	local node=$1 engine status=0
	shift
	engine=$(lab_engine_pid "$node")
	kill -STOP "$engine"
	on "$node" "$@" || status=$?
	kill -CONT "$engine"
	return "$status"
}

has_lines() { # N: in the compared table of fw1
	[ "$(wc -l <"$LAB_DIR/table.fw1")" -ge "$1" ]
}

told() { # NODE TIMES TEXT
	[ "$(grep -c "$3" "$LAB_DIR/$1/log")" -ge "$2" ]
}

stayed() { # the roles, engines and daemons of the beginning
	is_state fw1 master && is_state fw2 primary-backup && unchanged fw1 takeovers "$takeovers" &&
		unchanged fw2 takeovers 0 && unchanged fw1 engine_starts "$starts"
}

sessions_lab "heartbeat = 1s"
lab_pair
check "connections of a client" opens client open plain 50 "$SERVER" 5000
check "the tables are equal" wait_equal 10 50
takeovers=$(counter fw1 takeovers) starts=$(counter fw1 engine_starts)
check "nothing was lost so far" unchanged fw1 events_lost 0

check "sessions made while the master's engine is stopped" while_stopped fw1 "$FLOOD" create "$EVENTS"
check "their events overran its socket" wait_for 10 grew fw1 events_lost 0
check "the log says so" told fw1 1 "warning: mirror: the kernel lost events: its table is compared"
check "the tables are equal after it" wait_equal 60 "$EVENTS"
check "with all of them" has_lines "$EVENTS"

lost=$(counter fw1 events_lost)
check "sessions ended while it is stopped" while_stopped fw1 "$FLOOD" remove "$EVENTS"
check "their events overran it, too" wait_for 10 grew fw1 events_lost "$lost"
check "the log says so again" told fw1 2 "the kernel lost events"
check "the tables are equal after that" wait_equal 60 50
check "and short again" refused has_lines 10000
check "the connections go on" alive client plain
check "nobody took over, or started anew" stayed
exit "$FAILED"
