# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# matrix: one fault after the other strikes a pair with traffic and live sessions, heals, and is
# measured from outside and compared with what the daemons themselves say of it. Sourced after
# lab.sh and sessions.sh; the faults are in matrix_cases.sh.
#
#   SESSIONS   TCP connections that must live through everything, half of them with NAT (1000)
#   RAW        a file that gets a line for each round, and what owners(1) saw
#
# How a round goes: the pair is at home (fw1 is master, fw2 ready) -> a stream begins -> strike ->
# the sessions are asked -> a stream begins -> heal -> both nodes have settled -> the sessions are
# asked -> the record is read -> home.

SESSIONS=${SESSIONS:-1000}
RAW=${RAW:-/dev/null}
OWNERS=${OWNERS:-$(dirname "$STREAM")/owners}
BEFORE_MS=300 # of a stream, before the strike
HEAL_MS=1200  # of the one around the heal

declare -A CASE_SETUP CASE_SECONDS CASE_TAKEOVERS CASE_OWNER CASE_RECORD CASE_BOUNDS
CASES=()

# One case. SETUP is a word of matrix_setup; SECONDS pass between strike and heal; TAKEOVERS are
# counted until both have settled. OWNER (1, 2) has the addresses when that time is over; `-`
# where nobody can be reached: no stream, and the sessions are asked after the heal alone. RECORD: what
# `nsrpctl history` must tell its reader, separated by `; `, each `NODE STATE RULE REASON`, with
# `, MONITOR` where it was one, and must not tell of other masters; `NODE = RULE` is what
# `nsrpctl why` names before the heal, and `NODE ~ TEXT` what it tells then. Words may be patterns.
# BOUNDS: `METRIC MOST`, of the median.
matrix_case() { # NAME SETUP SECONDS TAKEOVERS OWNER RECORD [BOUNDS]
	CASES+=("$1")
	CASE_SETUP[$1]=$2 CASE_SECONDS[$1]=$3 CASE_TAKEOVERS[$1]=$4 CASE_OWNER[$1]=$5
	CASE_RECORD[$1]=$6 CASE_BOUNDS[$1]=${7:-}
}

# What a case does: the function strike_NAME, heal_NAME or prepare_NAME, when there is one.
matrix_do() { # WHAT NAME
	local function=$1_${2//-/_}
	! declare -F "$function" >/dev/null || "$function"
}

# ---- the pair ------------------------------------------------------------------------------

# The HA links as cables, or each over a switch, so that a cut takes no carrier.
matrix_wires() { # cables|switches
	local link
	[ "$1" != "${WIRES:-cables}" ] || return 0
	WIRES=$1
	for link in ha0 ha1; do
		on fw1 ip link del "$link"
		if [ "$1" = cables ]; then
			on fw2 ip link del "$link"
			lab_wire fw1 "$link" fw2 "$link" "4${link#ha}"
			continue
		fi
		for node in fw1 fw2; do
			lab_wire "$node" "$link" ha "$link-$node"
			on ha ip link set "$link-$node" master "$link"
		done
	done
	on fw1 ip addr add 10.79.0.1/24 dev ha1
	on fw2 ip addr add 10.79.0.2/24 dev ha1
}

# Appends a monitor of what lies behind the switch.
matrix_watch() {
	printf '[monitor uplink]\ntype = arp\ninterface = wan0\ntarget = %s\n' "$SERVER" \
		>>"$LAB_DIR/nsrpd.conf"
}

# default: as the daemon comes. watched: with an ARP monitor. fast: 10ms x 3, over switches.
matrix_setup() { # SETUP
	[ "$1" != "${SETUP:-}" ] || return 0
	for node in fw2 fw1; do [ ! -e "$LAB_DIR/$node/pid" ] || lab_stop "$node"; done
	SETUP=$1
	case $1 in
	default) matrix_wires cables && lab_conf ;;
	watched)
		matrix_wires cables && lab_conf
		matrix_watch
		;;
	fast) matrix_wires switches && lab_conf $'heartbeat = 10ms\nlost-after = 3' ;;
	esac
	lab_start fw1
	lab_start fw2
	at_home
}

matrix_up() {
	local link
	sessions_lab
	lab_node ha
	for link in ha0 ha1; do
		on ha ip link add "$link" type bridge forward_delay 0
		on ha ip link set "$link" up
	done
	listener owners "$OWNERS" "$LAB-fw1" "$LAB-fw2" "$LAN_VIP" "$WAN_VIP"
}

everything_alive() { # NODE: all links, and the monitors of both
	[ "$(ctl "$1" --json status | jq -c '[.peer.in_sync] + [.links[].state == "alive"] +
		[.monitors[].ok] | all')" = true ]
}

ready() {
	{ roles_are fw1 fw2 || roles_are fw2 fw1; } && everything_alive fw1 && everything_alive fw2
}

# The node and its sessions are as before the first fault.
at_home() {
	wait_for 30 ready || { matrix_problem "never settled" && return 1; }
	if is_state fw2 master; then
		quietly ctl fw2 failover
		wait_for 10 roles_are fw1 fw2 || { matrix_problem "does not go home" && return 1; }
		wait_for 10 ready
	fi
	sessions_alive || matrix_sessions
}

matrix_sessions() {
	tell client close live
	opens client open live $((SESSIONS / 2)) "$SERVER" 5000
	opens client open live $((SESSIONS - SESSIONS / 2)) "$SERVER" 5001
	tell client busy live 5
	sessions_alive
}

# How many answer is in $ALIVE.
sessions_alive() {
	tell client ask live 12
	ALIVE=0
	[[ ! $ANSWER =~ \ ([0-9]+)\ of\ ([0-9]+)\ reset ]] || ALIVE=${BASH_REMATCH[1]}
	[ "$ALIVE" = "$SESSIONS" ]
}

# Neither hears nor is heard, on any interface at one instant, but its cables are in.
mute() { # NODE
	local devices='{ ha0, ha1, lan0, wan0 }'
	on "$1" nft -f - <<-EOF
		table netdev mute {
			chain in { type filter hook ingress devices = $devices priority -400; policy drop; }
			chain out { type filter hook egress devices = $devices priority -400; policy drop; }
		}
	EOF
	tell owners mute "${1#fw}"
}

unmute() { # NODE
	poise "$1"
	tell owners unmute "${1#fw}"
	at_once "delete table netdev mute"
}

# nft takes its time to start: what is to be timed is told one that is ready.
poise() { # NODE
	exec {POISED}> >(on "$1" nft -f -)
	POISED_PID=$!
	sleep 0.2
}
at_once() { # RULES
	echo "$*" >&"$POISED"
	exec {POISED}>&-
	wait "$POISED_PID"
}

# ---- a round -------------------------------------------------------------------------------

matrix_problem() { # TEXT...
	PROBLEMS+=("$*")
}

# Changes of state since then, as `NODE STATE RULE REASON[, MONITOR] ...`: what stands on the
# screen, with broken lines made whole.
matrix_record() { # SINCE
	for node in fw1 fw2; do
		ctl "$node" history | awk -v since="$1" '
			/^[0-9]/ { if (line >= since) print line; line = $0; next }
			{ sub(/^ +/, " "); line = line $0 }
			END { if (line >= since) print line }' |
			sed -nE "s/^[0-9]\S+ +\S+ +\S+ +(\S+) +\S+ -> (\S+): /$node \2 \1 /p"
	done
}

is_recorded() { # PATTERN
	local line
	while read -r line; do
		# shellcheck disable=SC2053
		[[ $line != $1* ]] || return 0
	done <<<"$RECORD"
	return 1
}

# In one line, blanks made one.
why_tells() { # NODE PATTERN
	local text
	text=$(ctl "$1" why | tr -s ' \n' ' ')
	# shellcheck disable=SC2053
	[[ $text == *$2* ]]
}

# The items of a case's record: those that `why` answers, or those of the history.
matrix_items() { # NAME why|history
	tr ';' '\n' <<<"${CASE_RECORD[$1]}" | sed 's/^ *//; s/ *$//; /^$/d' |
		if [ "$2" = why ]; then sed -nE 's/ = (.*)/ because rule \1 says:/p; s/ ~ / /p'; else sed '/ [=~] /d'; fi
}

compare_why() { # NAME
	local node text
	while read -r node text; do
		why_tells "$node" "$text" || matrix_problem "why: $node does not tell: $text"
	done < <(matrix_items "$1" why)
}

compare_record() { # NAME
	local item line expected=0
	while read -r item; do
		is_recorded "$item" || matrix_problem "no record: $item"
		[[ $item != *' master '* ]] || expected=$((expected + 1))
	done < <(matrix_items "$1" history)
	[ "$(grep -c '^fw. master ' <<<"$RECORD")" = "$expected" ] ||
		while read -r line; do matrix_problem "recorded: $line"; done \
			< <(grep '^fw. master ' <<<"$RECORD" || echo "no master")
}

strike() { # NAME
	local name=$1 seconds=${CASE_SECONDS[$1]} owner=${CASE_OWNER[$1]}
	GAP=0 LOST=0
	[ "$owner" = - ] || probe "$(awk -v s="$seconds" -v b=$BEFORE_MS 'BEGIN { print int(1000 * s + b) }')"
	sleep "0.$((RANDOM % 100 + 200))"
	SINCE=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
	matrix_do strike "$name"
	if [ "$owner" = - ]; then
		sleep "$seconds"
	else
		stream_end
		tell owners show
		# shellcheck disable=SC2053
		[[ $(field owner "$ANSWER") == $owner ]] ||
			matrix_problem "owner before the heal: $(field owner "$ANSWER"), not $owner"
		sessions_alive || matrix_problem "sessions before the heal: $ALIVE of $SESSIONS"
		ALIVE_LEAST=$ALIVE
	fi
	compare_why "$name"
}

stream_end() {
	local lost
	probe_end
	lost=$(field lost "$PROBE")
	[ -n "$lost" ] || matrix_problem "the stream told nothing"
	GAP=$(printf '%s\n' "$GAP" "$(field gap_ms "$PROBE")" | sort -n | tail -n 1)
	LOST=$((LOST + lost))
}

heal() { # NAME
	[ "${CASE_OWNER[$1]}" = - ] || probe $HEAL_MS
	sleep "0.$((RANDOM % 100 + 200))"
	matrix_do heal "$1"
	tell owners healed # unless it was told already
	[ "${CASE_OWNER[$1]}" = - ] || stream_end
	wait_for 30 ready || matrix_problem "not ready again"
	tell owners show
	OWNED=$ANSWER
}

# A round; what did not go as it should is in PROBLEMS.
matrix_round() { # NAME
	local name=$1
	PROBLEMS=() ALIVE_LEAST=$SESSIONS
	matrix_setup "${CASE_SETUP[$name]}"
	matrix_do prepare "$name"
	tell owners begin
	strike "$name"
	heal "$name"
	[[ $(field owner "$OWNED") == [12] ]] || matrix_problem "owner: $(field owner "$OWNED")"
	[ "$(field takeovers "$OWNED")" = "${CASE_TAKEOVERS[$name]}" ] ||
		matrix_problem "takeovers: $(field takeovers "$OWNED"), not ${CASE_TAKEOVERS[$name]}"
	sessions_alive || matrix_problem "sessions: $ALIVE of $SESSIONS"
	[ "$ALIVE" -ge "$ALIVE_LEAST" ] || ALIVE_LEAST=$ALIVE
	RECORD=$(matrix_record "$SINCE")
	compare_record "$name"
	{
		echo "$name gap $GAP lost $LOST $OWNED alive $ALIVE_LEAST since $SINCE"
		sed "s/^/$name record /" <<<"$RECORD"
		for problem in "${PROBLEMS[@]}"; do echo "$name problem $problem"; done
	} >>"$RAW"
	at_home
}

# Those wanted (all, when there are none), those of one setup one after the other.
matrix_each() { # "CASE..." COMMAND...: the case's name comes behind it
	local wanted=$1 setup name
	shift
	for name in $wanted; do
		[ -n "${CASE_SETUP[$name]:-}" ] || {
			echo "no case $name; there are: ${CASES[*]}" >&2
			exit 2
		}
	done
	for setup in default watched fast; do
		for name in "${CASES[@]}"; do
			[ "${CASE_SETUP[$name]}" = $setup ] || continue
			[[ -z $wanted || " $wanted " == *" $name "* ]] || continue
			"$@" "$name"
		done
	done
}
