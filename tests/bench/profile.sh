# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The parts of scripts/profile-sessions: what perf saw of the daemons during a load, summed up by
# what the functions are for.

HERTZ=5000
PARTS=("kernel: session tables and their netlink" "kernel: frames to and from the peer"
	"kernel: to wake and to sleep" "kernel: other" "nsrpd" "cryptography" "libraries: other")

# Reads `PERCENT OBJECT SYMBOL`, writes a sum for each part.
sum_parts() {
	awk '
		function part(object, symbol) {
			if (object ~ /nsrpd/) return 5
			if (object ~ /libcrypto/) return 6
			if (object !~ /kernel/) return 7
			if (symbol ~ /nf_|nfnetlink|ctnetlink|netlink|nla_|nlmsg|conntrack|siphash|nfct|jhash/) return 1
			if (symbol ~ /veth|packet_|udp|^ip_|ip6_|skb|dev_|netif|fib_|neigh|sock_|napi|sendm|recvm/) return 2
			if (symbol ~ /finish_task_switch|schedule|epoll|ep_|timer|wake|_raw_spin_unlock_irq|futex|tick|clock/) return 3
			return 4
		}
		{ sum[part($2, $3)] += $1 }
		END { for (i = 1; i <= 7; i++) printf " %.0f |", sum[i] }'
}

profile_head() {
	local part
	printf '| load | us each |'
	for part in "${PARTS[@]}"; do printf ' %s |' "$part"; done
	printf '\n| --- | --- |'
	for part in "${PARTS[@]}"; do printf ' --- |'; done
	printf '\n'
}

# profile NAME N COMMAND...: what the daemons do during the command, for each of N sessions.
profile() {
	local name=$1 n=$2 data=$OUT/perf.data perf samples
	shift 2
	perf record -q -a -F "$HERTZ" -o "$data" >/dev/null 2>&1 &
	perf=$!
	sleep 0.5
	"$@" >>"$RAW"
	sleep 0.5
	kill -INT "$perf"
	wait "$perf" || true
	samples=$(perf script -i "$data" --comms nsrpd -F ip 2>/dev/null | grep -c . || true)
	printf '| %s | %.1f |%s\n' "$name" "$(calc "$samples * 1000000 / $HERTZ / $n")" \
		"$(perf report -i "$data" --stdio --comms nsrpd --percentage relative --sort dso,symbol \
			2>/dev/null | awk '/^ *[0-9.]+%/ { print $1, $2, $4 }' | tee -a "$RAW" | sum_parts)"
	rm -f "$data"
}

# The standby starts anew, and is given everything.
resync() { # N
	lab_stop fw2
	on fw2 "$BENCH" flush
	lab_start fw2
	on fw2 "$BENCH" await "$1" 6
	wait_state fw2 primary-backup
}
