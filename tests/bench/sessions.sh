# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The parts of scripts/bench-sessions: the lab, the systems, what is measured of each, the table.
# Values are kept as lines `SYSTEM KEY VALUE` in $RAW. scripts/profile-sessions shares the lab.

# shellcheck source=tests/bench/conntrackd.sh
. "${BASH_SOURCE[0]%/*}/conntrackd.sh"

PIDS=() SYSTEM=
TRACKED_MAX=2500000 BUCKETS=1048576
FW1=/run/netns/$LAB-fw1 FW2=/run/netns/$LAB-fw2

note() { # KEY VALUE
	echo "$SYSTEM $1 $2" >>"$RAW"
}

# shellcheck disable=SC2153 # SYSTEMS is the script's
has_system() { [[ " $SYSTEMS " == *" $1 "* ]]; }

calc() { awk "BEGIN { printf \"%.4f\", $1 }"; }

bench_lab() {
	local node
	lab_up
	conntrackd_lab
	for node in fw1 fw2; do
		# Sessions are tracked where a rule asks for their state.
		on "$node" nft 'table ip t { chain c { type filter hook forward priority 0; ct state invalid counter; }; }'
		on "$node" ip route add 10.99.0.0/16 via "$SERVER"
	done
	on client ip route replace default via 10.77.0.11
	on server ip route add blackhole 10.99.0.0/16
	on server ip route replace 10.77.0.100/32 via 10.78.0.11
	ip netns exec "$LAB-server" "$BENCH" serve 7008 &
	LAB_PIDS="$LAB_PIDS $!"
	disown "$!"
}

# The lab, and room for the sessions; both go with the script.
bench_begin() {
	mkdir -p "$OUT"
	OLD_MAX=$(sysctl -n net.netfilter.nf_conntrack_max)
	OLD_BUCKETS=$(sysctl -n net.netfilter.nf_conntrack_buckets)
	trap bench_end EXIT
	sysctl -qw "net.netfilter.nf_conntrack_max=$TRACKED_MAX"
	sysctl -qw "net.netfilter.nf_conntrack_buckets=$BUCKETS"
	bench_lab
}

bench_end() {
	local status=$?
	set +e
	stop_system 2>/dev/null || true
	sysctl -qw "net.netfilter.nf_conntrack_max=$OLD_MAX" || true
	sysctl -qw "net.netfilter.nf_conntrack_buckets=$OLD_BUCKETS" || true
	(exit $status)
	lab_down
}

# ---- the systems ----------------------------------------------------------------------------

start_node() { # SYSTEM NODE
	local direct=on
	[ "$1" = direct ] || direct=off
	case $1 in
	nsrpd) lab_start "$2" ;;
	bare)
		[ "$2" = fw2 ] || return 0
		"$PAIR" "$FW1" "$FW2" &
		PIDS+=("$!")
		;;
	*)
		conntrackd_start "$2" $direct
		PIDS+=("$CONNTRACKD_PID")
		;;
	esac
}

nsrpd_ready() {
	wait_state fw1 master
	wait_state fw2 primary-backup
}

system_pids() {
	case $SYSTEM in
	nsrpd) echo "$(lab_pid fw1) $(lab_engine_pid fw1) $(lab_pid fw2) $(lab_engine_pid fw2)" ;;
	bare) echo "${PIDS[0]} $(pgrep -P "${PIDS[0]}")" ;;
	*) echo "${PIDS[*]}" ;;
	esac
}

start_system() { # SYSTEM
	SYSTEM=$1
	if [ "$1" = nsrpd ]; then lab_conf; fi
	start_node "$1" fw1
	start_node "$1" fw2
	if [ "$1" = nsrpd ]; then nsrpd_ready; fi
	sleep 1
}

flush_all() {
	on fw1 "$BENCH" flush
	on fw2 "$BENCH" flush
}

stop_system() {
	local pid
	for pid in "${PIDS[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	PIDS=()
	[ ! -e "$LAB_DIR/fw2/pid" ] || lab_stop fw2
	[ ! -e "$LAB_DIR/fw1/pid" ] || lab_stop fw1
	flush_all
	sleep 0.3
}

# ---- what is measured -----------------------------------------------------------------------

cpu_us() { # of all processes of the system, so far
	local pid sum=0
	for pid in $(system_pids); do
		sum=$((sum + $(awk '{ print int($1 / 1000) }' "/proc/$pid/schedstat")))
	done
	echo "$sum"
}

rss_kb() { # PIDS...
	local pid sum=0
	for pid in "$@"; do sum=$((sum + $(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"))); done
	echo "$sum"
}

node_rss_kb() { # NODE
	case $SYSTEM in
	nsrpd) rss_kb "$(lab_pid "$1")" "$(lab_engine_pid "$1")" ;;
	*) rss_kb "${PIDS[$((${1#fw} - 1))]}" ;;
	esac
}

wire_bytes() { # NODE: sent on the HA links
	on "$1" cat /sys/class/net/ha0/statistics/tx_bytes
}

cached() {
	conntrackd_ask fw2 -s cache | awk '/^cache:external/ { print $NF; exit }'
}

# As bench_sessions mirror, into the daemon's cache.
mirror_to_cache() { # RATE
	local began now have=0 last=0 quiet=0
	began=$(date +%s.%N)
	on fw1 "$BENCH" mirror "$FLOWS" "$1" "$FW1" 0 >/dev/null &
	while [ "$have" -lt "$FLOWS" ] && [ "$quiet" -lt 40 ]; do
		sleep 0.05
		have=$(cached)
		now=$(date +%s.%N)
		quiet=$((quiet + 1))
		[ "$have" = "$last" ] || quiet=0
		last=$have
	done
	wait "$!" || true
	echo "arrived $have seconds $(calc "$now - $began")"
}

mirror_once() { # RATE
	if [ "$SYSTEM" = cache ]; then
		mirror_to_cache "$1"
	else
		on fw1 "$BENCH" mirror "$FLOWS" "$1" "$FW2" 2
	fi
}

empty() { # what was removed here is gone there, too
	on fw1 "$BENCH" flush
	sleep 1
	[ "$SYSTEM" = nsrpd ] || on fw2 "$BENCH" flush
	[ "$SYSTEM" != cache ] || conntrackd_ask fw2 -f >/dev/null 2>&1 || true
	sleep 0.3
}

# The greatest rate without a loss.
measure_flows() {
	local rate result tx1 tx2 cpu seconds
	for rate in 0 150000 120000 100000 80000 65000 55000 45000 35000 25000; do
		tx1=$(wire_bytes fw1) tx2=$(wire_bytes fw2) cpu=$(cpu_us)
		result=$(mirror_once $rate)
		seconds=$(field seconds "$result")
		echo "$SYSTEM rate $rate: $result" >>"$RAW"
		if [ "$(field arrived "$result")" -ge "$FLOWS" ]; then
			note flows "$(calc "$FLOWS / $seconds")"
			note flow_us "$(calc "($(cpu_us) - $cpu) / $FLOWS")"
			note wire "$(calc "($(wire_bytes fw1) - $tx1) / $FLOWS")"
			note wire_back "$(calc "($(wire_bytes fw2) - $tx2) / $FLOWS")"
			[ "$rate" != 0 ] || note at_once 1
			break
		fi
		empty
	done
	empty
}

cpu_of() { # KEY N COMMAND...: of a client
	local key=$1 n=$2 before began idle
	shift 2
	before=$(cpu_us) began=$(date +%s.%N)
	on client "$@"
	sleep 0.5
	idle=$(calc "$IDLE * ($(date +%s.%N) - $began)")
	note "$key" "$(calc "($(cpu_us) - $before - $idle) / $n")"
	empty
}

measure_system() { # SYSTEM
	local before result
	start_system "$1"
	[ "$1" = bare ] || for node in fw1 fw2; do note "rss_empty_$node" "$(node_rss_kb "$node")"; done
	before=$(cpu_us)
	sleep 1
	IDLE=$(($(cpu_us) - before))
	measure_flows
	cpu_of udp_us "$UDP" "$BENCH" udp "$UDP" 10.99.0.1 "$FW1"
	cpu_of tcp_us "$TCP" "$BENCH" tcp "$TCP" "$SERVER" 7008 "$FW1"
	if [ "$1" != cache ]; then
		result=$(on client "$BENCH" lag "$LAGS" 10.99.0.1 "$FW2")
		echo "$SYSTEM lag: $result" >>"$RAW"
		note lag_p50 "$(field p50 "$result")"
		note lag_p99 "$(field p99 "$result")"
		note lag_lost "$(field lost "$result")"
	fi
	stop_system
}

# The second node starts when the first has so many.
measure_resync() { # SYSTEM SIZE
	local began result size=$2 node
	SYSTEM=$1
	on fw1 "$BENCH" create 0 "$size"
	if [ "$1" = nsrpd ]; then lab_conf; fi
	start_node "$1" fw1
	if [ "$1" = nsrpd ]; then wait_state fw1 master; fi
	sleep 3
	began=$(awk '{ print $1 }' /proc/uptime)
	start_node "$1" fw2
	if [ "$1" = cache ]; then
		sleep 8
		note "resync_${size}_arrived" "$(cached)"
		began=$(date +%s.%N)
		conntrackd_ask fw2 -c >/dev/null 2>&1 || true
		result=$(on fw2 "$BENCH" await "$size" 3)
		note "commit_$size" "$(calc "$(date +%s.%N) - $began")"
	else
		result=$(on fw2 "$BENCH" await "$size" 6)
		note "resync_$size" "$(calc "$(field at "$result") - $began")"
		note "resync_${size}_arrived" "$(field arrived "$result")"
	fi
	if [ "$1" = nsrpd ]; then
		wait_state fw2 primary-backup || note "not_in_sync_$size" 1
		for node in fw1 fw2; do
			note "late_$size" "$(counter $node late)"
			note "peer_lost_$size" "$(counter $node peer_lost)"
		done
		grep -h "resync from" "$LAB_DIR/fw2/log" | tail -n 1 >>"$RAW"
	fi
	for node in fw1 fw2; do note "rss_${size}_$node" "$(node_rss_kb "$node")"; done
	stop_system
}

measure_takeover() { # SIZE
	on client ip route replace default via "$LAN_VIP"
	on server ip route replace "$CLIENT/32" via "$WAN_VIP"
	start_system nsrpd
	on fw1 "$BENCH" create 0 "$1"
	on fw2 "$BENCH" await "$1" 3 >/dev/null
	sleep 1
	probe 3000
	sleep 1
	lab_power_off fw1
	probe_end
	note "takeover_$1" "$(field gap_ms "$PROBE")"
	grep -h "late" "$LAB_DIR/fw2/log" | tail -n 3 >>"$RAW" || true
	lab_stop fw2
	for i in ha0 ha1 lan0 wan0; do on fw1 ip link set "$i" up; done
	on fw1 "$NSRPD" --withdraw >/dev/null 2>&1 || true
	conntrackd_lab
	on fw1 ip route replace 10.99.0.0/16 via "$SERVER"
	stop_system
}

# ---- the table ------------------------------------------------------------------------------

value() { # SYSTEM KEY: the median; - when there is none
	local values
	mapfile -t values < <(awk -v s="$1" -v k="$2" '$1 == s && $2 == k { print $3 }' "$RAW")
	[ "${#values[@]}" -gt 0 ] || {
		echo -
		return
	}
	median "${values[@]}"
}

shown() { # FORMAT SYSTEM KEY
	local v
	v=$(value "$2" "$3")
	# shellcheck disable=SC2059
	if [ "$v" = - ]; then echo -; else printf "$1" "$v"; fi
}

row() { # TITLE FORMAT KEY TARGET
	local line="| $1 |" system
	for system in nsrpd direct cache bare; do line+=" $(shown "$2" "$system" "$3") |"; done
	echo "$line $4 |"
}

per_session() { # SYSTEM SIZE NODE
	local with without
	with=$(value "$1" "rss_${2}_$3") without=$(value "$1" "rss_empty_$3")
	if [ "$with" = - ] || [ "$without" = - ]; then echo -; else calc "($with - $without) * 1024 / $2"; fi
}

ratio() { # A B: systems; of flows a second
	local a b
	a=$(value "$1" flows) b=$(value "$2" flows)
	if [ "$a" = - ] || [ "$b" = - ]; then echo -; else calc "$a / $b"; fi
}

print_table() {
	local size node
	echo "| what | nsrpd | direct | cache | bare | target |"
	echo "| --- | --- | --- | --- | --- | --- |"
	row "sessions mirrored a second" %.0f flows ">= 2.5 x direct, >= 0.8 x bare"
	echo "| nsrpd's share: of direct, of bare | $(ratio nsrpd direct) | $(ratio nsrpd bare) | | | 2.5, 0.8 |"
	row "processor of such a session, us" %.2f flow_us ""
	row "processor of a UDP flow, us" %.2f udp_us "<= 10"
	row "processor of a TCP connection, us" %.2f tcp_us "<= 40"
	row "lag p50, ms" %.3f lag_p50 "<= 0.25"
	row "lag p99, ms" %.3f lag_p99 "<= 0.5"
	row "bytes on the wire, new session" %.1f wire "<= 36"
	row "bytes back" %.1f wire_back ""
	for size in $RESYNCS; do
		row "resync of $size, s" %.2f "resync_$size" "500 k: <= 2.5, 1 M: <= 5"
		row "of them arrived" %.0f "resync_${size}_arrived" all
		row "commit of $size, s" %.2f "commit_$size" ""
		for node in fw1 fw2; do
			echo "| bytes of memory each, $node | $(per_session nsrpd "$size" $node) | $(per_session direct "$size" $node) | $(per_session cache "$size" $node) | | <= 32 |"
		done
		row "times a node ran late in it" %.0f "late_$size" 0
	done
	for size in $TAKEOVERS; do row "outage by power-off with $size, ms" %.2f "takeover_$size" "as with 1 k"; done
}
