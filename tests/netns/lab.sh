# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# lab: two firewalls, a client, a server, the switches between them and two HA links, as network
# namespaces. Sourced by the tests and by scripts/demo.
#
#   client -- [lan switch] == fw1, fw2 == [wan switch] -- server        fw1 == ha0, ha1 == fw2
#
# Everything has the prefix $LAB and is removed by lab_down, also when the test fails.
#
#   NSRPD, NSRPCTL, STREAM   the programs
#   LAB_SYSTEM               what runs on the firewalls, and what its processes are called: nsrpd.
#                            Who sets another defines its NAME_start, NAME_withdraw, NAME_failover.
#   LAB_DIR                  configuration, state and logs
#   LAB_LOST_AFTER           a test whose subject is not the detection time sets 20, so that what
#                            else the machine does is not taken for a failure

LAB=${LAB:-nsrp$$}
LAB_DIR=${LAB_DIR:-}
LAB_SYSTEM=nsrpd
FAILED=0
LAB_BUSY=()
LAB_NODES="client lan fw1 fw2 wan server"
LAN_VIP=10.77.0.1 WAN_VIP=10.78.0.1 LAN_VIP6=fd77::1 WAN_VIP6=fd78::1
CLIENT=10.77.0.100 SERVER=10.78.0.100 SERVER6=fd78::100
ECHO_PORT=7007 LAB_DISTANCE_US=${LAB_DISTANCE_US:-1000}

on() { # NODE COMMAND...
	local node=$1
	shift
	ip netns exec "$LAB-$node" "$@"
}

between() { # PROGRAM WORD...: fw1 and fw2 among the words become the names of namespaces
	local words=() word
	for word in "$@"; do
		case $word in fw1 | fw2) word=$LAB-$word ;; esac
		words+=("$word")
	done
	"${words[@]}"
}

ctl() { # NODE VERB...
	local node=$1
	shift
	on "$node" "$NSRPCTL" -r "$LAB_DIR/$node/run" "$@"
}

# Where both ends have one index the kernel may tell of a lost carrier late, by what happened
# anywhere on the machine within the last second.
lab_wire() { # NODE INTERFACE NODE INTERFACE [INDEX of the first]
	ip link add "$2" ${5:+index "$5"} netns "$LAB-$1" type veth peer name "$4" netns "$LAB-$3"
	on "$1" ip link set "$2" up
	on "$3" ip link set "$4" up
}

lab_switch() { # NODE
	on "$1" ip link add br0 type bridge forward_delay 0
	on "$1" ip link set br0 up
}

lab_plug() { # SWITCH PORT
	on "$1" ip link set "$2" master br0
}

lab_node() { # NODE
	ip netns add "$LAB-$1"
	on "$1" ip link set lo up
	on "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

# What a firewall has of its own on lan0 or wan0.
lab_own_addresses() { # FIREWALL SWITCH
	local net=77
	[ "$2" = lan ] || net=78
	on "$1" ip addr replace "10.$net.0.1${1#fw}/24" dev "${2}0"
	on "$1" ip addr replace "fd$net::1${1#fw}/64" dev "${2}0" nodad
}

lab_port() { # FIREWALL SWITCH: its interface to the switch, of which it is named
	local index=20
	[ "$2" = lan ] || index=21
	lab_wire "$1" "${2}0" "$2" "$1" $index
	lab_plug "$2" "$1"
	lab_own_addresses "$1" "$2"
}

lab_firewall() { # NODE
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_port "$1" lan
	lab_port "$1" wan
	mkdir -p "$LAB_DIR/$1"
}

lab_host() { # NODE SWITCH IPV4 IPV6
	lab_wire "$1" eth0 "$2" "$1"
	lab_plug "$2" "$1"
	on "$1" ip addr add "$3/24" dev eth0
	on "$1" ip addr add "$4/64" dev eth0 nodad
}

lab_link_up() { # NODE DEVICE
	on "$1" ip link set "$2" up
	# IPv6 addresses went with the interface.
	case $1-$2 in
	fw?-lan0 | fw?-wan0) lab_own_addresses "$1" "${2%0}" ;;
	esac
}

# The firewalls do not hear each other over lan and wan, but all others.
lab_apart() { # on|off
	local switch port
	for switch in lan wan; do
		for port in fw1 fw2; do on "$switch" bridge link set dev "$port" isolated "$1"; done
	done
}

lab_up() {
	# In memory: who logs into a file waits for the disk now and then.
	LAB_DIR=$(mktemp -d --tmpdir="$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" --suffix="-$LAB")
	for node in $LAB_NODES; do lab_node "$node"; done
	lab_switch lan
	lab_switch wan
	lab_firewall fw1
	lab_firewall fw2
	lab_wire fw1 ha0 fw2 ha0 40
	lab_wire fw1 ha1 fw2 ha1 41
	on fw1 ip addr add 10.79.0.1/24 dev ha1
	on fw2 ip addr add 10.79.0.2/24 dev ha1
	lab_host client lan "$CLIENT" fd77::100
	lab_host server wan "$SERVER" "$SERVER6"
	on client ip route add default via "$LAN_VIP"
	on client ip -6 route add default via "$LAN_VIP6"
	on server ip route add default via "$WAN_VIP"
	on server ip -6 route add default via "$WAN_VIP6"
	ip netns exec "$LAB-server" "$STREAM" echo "$ECHO_PORT" &
	LAB_PIDS="$!"
	disown "$!" # its end is no news
	"$NSRPCTL" genkey >"$LAB_DIR/key"
	chmod 600 "$LAB_DIR/key"
}

# Loops that take all the processor there is, for so many seconds at most.
lab_busy() { # HOW_MANY [SECONDS]
	for _ in $(seq "$1"); do
		timeout "${2:-90}" sh -c 'while :; do :; done' &
		LAB_BUSY+=("$!")
	done
}

lab_idle() {
	local pid
	for pid in "${LAB_BUSY[@]}"; do kill "$pid" 2>/dev/null || true; done
	LAB_BUSY=()
}

lab_down() {
	local status=$? pid
	lab_idle
	for node in fw1 fw2; do lab_kill "$node"; done
	for pid in ${LAB_PIDS:-}; do kill -9 "$pid" 2>/dev/null || true; done
	for node in $LAB_NODES ha; do
		ip netns del "$LAB-$node" 2>/dev/null || true
	done
	if [ "$status" -ne 0 ] && [ -n "$LAB_DIR" ]; then
		for node in fw1 fw2; do
			echo "--- $node's log"
			tail -n 60 "$LAB_DIR/$node/log" 2>/dev/null || true
		done
	fi
	[ -z "$LAB_DIR" ] || [ -n "${LAB_KEEP:-}" ] || rm -rf "$LAB_DIR"
	return "$status"
}

# lab_conf [LINES of cluster]: one file for both nodes. More sections may be appended to it.
lab_conf() {
	cat >"$LAB_DIR/nsrpd.conf" <<-EOF
		[cluster]
		id = 7
		key-file = $LAB_DIR/key
		boot-wait = ${BOOT_WAIT:-2s}
		${LAB_LOST_AFTER:+lost-after = $LAB_LOST_AFTER}
		$*
		[node fw1]
		[node fw2]
		[link ha0]
		interface = ha0
		[link ha1]
		transport = udp
		address.fw1 = 10.79.0.1
		address.fw2 = 10.79.0.2
		[group 0]
		priority.fw1 = 50
		priority.fw2 = 100
		address = $LAN_VIP/24 dev lan0
		address = $WAN_VIP/24 dev wan0
		address = $LAN_VIP6/64 dev lan0
		address = $WAN_VIP6/64 dev wan0
	EOF
}

nsrpd_start() { # NODE [OPTION...]
	local node=$1
	shift
	ip netns exec "$LAB-$node" "$NSRPD" -f -c "$LAB_DIR/nsrpd.conf" -n "$node" \
		-r "$LAB_DIR/$node/run" -s "$LAB_DIR/$node/state" "$@" >>"$LAB_DIR/$node/log" 2>&1 &
	echo "$!" >"$LAB_DIR/$node/pid"
}

# What a daemon that could not say goodbye left.
nsrpd_withdraw() { # NODE
	on "$1" "$NSRPD" --withdraw >/dev/null 2>&1
}

nsrpd_failover() { # NODE that gives its mastership up
	ctl "$1" failover >/dev/null
}

lab_start() { "${LAB_SYSTEM}_start" "$@"; }
lab_withdraw() { "${LAB_SYSTEM}_withdraw" "$@"; }
lab_failover() { "${LAB_SYSTEM}_failover" "$@"; }

lab_pid() { # NODE: the guardian's; or, of others, those of all that was started
	cat "$LAB_DIR/$1/pid"
}

lab_engine_pid() { # NODE
	pgrep -x -P "$(lab_pid "$1" | head -n 1)" "$LAB_SYSTEM" | head -n 1
}

# From now on neither guardian nor engine does anything, nor sees the other go.
lab_freeze() { # NODE
	local pids
	pids="$(lab_engine_pid "$1" || true) $(lab_pid "$1")"
	# shellcheck disable=SC2086
	kill -STOP $pids 2>/dev/null || true
}

# Guardian, engine and all, as a power cut does.
lab_kill() { # NODE
	local pid children
	[ -e "$LAB_DIR/$1/pid" ] || return 0
	pid=$(lab_pid "$1")
	lab_freeze "$1"
	# From now on it has no new ones.
	children=$(pgrep -P "$(echo "$pid" | head -n 1)" || true)
	# shellcheck disable=SC2086
	kill -9 $children $pid 2>/dev/null || true
	# shellcheck disable=SC2086
	wait $pid 2>/dev/null || true
	rm -f "$LAB_DIR/$1/pid"
}

lab_stop() { # NODE
	local pid
	pid=$(lab_pid "$1")
	# shellcheck disable=SC2086
	kill -TERM $pid
	# shellcheck disable=SC2086
	wait $pid || true
	rm -f "$LAB_DIR/$1/pid"
}

# All interfaces go at once, and with them their carrier at the other end. The processes are silent
# before that, as a machine without power has no last words, and not for longer than it takes: their
# silence is not to be noticed first. So ip waits for its orders.
lab_power_off() { # NODE
	local links pid orders=$LAB_DIR/$1/orders
	mkfifo "$orders"
	on "$1" ip -batch - <"$orders" &
	pid=$!
	exec {links}>"$orders"
	rm "$orders"
	sleep 0.1
	[ ! -e "$LAB_DIR/$1/pid" ] || lab_freeze "$1"
	printf 'link set %s down\n' ha0 ha1 lan0 wan0 >&"$links"
	exec {links}>&-
	wait "$pid"
	lab_kill "$1"
}

lab_power_on() { # NODE [OPTION...]
	local i
	# A machine that was off has nothing left of ours.
	lab_withdraw "$1" || true
	for i in ha0 ha1 lan0 wan0; do lab_link_up "$1" "$i"; done
	lab_start "$@"
}

state() { # NODE [GROUP]
	ctl "$1" --json status 2>/dev/null | jq -r ".groups[] | select(.id == ${2:-0}) | .state"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

is_state() { # NODE STATE [GROUP]
	[ "$(state "$1" "${3:-0}")" = "$2" ]
}

wait_state() { # NODE STATE [GROUP]
	wait_for 15 is_state "$@" || {
		echo "$1 is $(state "$1" "${3:-0}"), not $2" >&2
		return 1
	}
}

has_address() { # NODE ADDRESS
	on "$1" ip -o addr show | grep -qF " $2/"
}

one_owner() { # NODE that has all addresses, and alone
	local other=fw2 address
	[ "$1" = fw1 ] || other=fw1
	for address in "$LAN_VIP" "$WAN_VIP" "$LAN_VIP6" "$WAN_VIP6"; do
		has_address "$1" "$address" || return 1
		! has_address "$other" "$address" || return 1
	done
}

reaches_server() { # from the client, IPv4 and IPv6
	on client ping -qc 1 -W 2 "$SERVER" >/dev/null && on client ping -qc 1 -W 2 "$SERVER6" >/dev/null
}

# Both daemons, up to fw1 master and fw2 ready.
lab_pair() {
	lab_start fw1
	lab_start fw2
	wait_state fw1 master
	wait_state fw2 primary-backup
}

# probe N: a stream of N milliseconds from the client to the server, in the background; a packet each
# LAB_DISTANCE_US.
probe() {
	ip netns exec "$LAB-client" "$STREAM" probe "${2:-$SERVER}" "$ECHO_PORT" \
		$(($1 * 1000 / LAB_DISTANCE_US)) "$LAB_DISTANCE_US" >"$LAB_DIR/probe" &
	PROBE_PID=$!
}

# What the stream saw is in $PROBE.
probe_end() {
	wait "$PROBE_PID" || true
	PROBE=$(cat "$LAB_DIR/probe")
}

no_packet_lost() {
	echo "# $PROBE"
	[ "$(field lost "$PROBE")" = 0 ]
}

field() { # NAME TEXT: the word behind NAME
	echo "$2" | sed -n "s/.*\b$1 \([^ ]*\).*/\1/p"
}

at_most() { # VALUE LIMIT
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 <= b + 0) }'
}

median() { # VALUES...
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

counter() { # NODE KEY
	ctl "$1" --json show counters | jq ".counters[] | select(.key == \"$2\") | .value"
}

ok() { echo "ok - $*"; }
not_ok() {
	local node
	for node in fw1 fw2; do
		[ ! -e "$LAB_DIR/$node/pid" ] || timeout 5 "$NSRPCTL" -r "$LAB_DIR/$node/run" status 2>&1
	done | grep -a . | head -n 40 | sed 's/^/# /'
	echo "not ok - $*"
	FAILED=1
}

check() { # NAME COMMAND...: one test; a script ends with `exit "$FAILED"`
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name"; fi
}

refused() { # COMMAND...: exits 1; what it says is in $LAB_DIR/out
	local status=0
	"$@" >"$LAB_DIR/out" 2>&1 || status=$?
	[ "$status" = 1 ]
}
