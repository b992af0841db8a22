# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# The rounds of scripts/bench: one fault strikes one system, the same way as in the fault matrix,
# whose cases, stream, sessions and observer of owners these are. Sourced after lab.sh,
# sessions.sh, matrix.sh, matrix_cases.sh, conntrackd.sh and keepalived.sh.
#
# How a round goes: both firewalls start with empty tables -> fw1 is master -> connections ->
# a stream begins -> strike -> who owns the addresses, and which connections live -> where the
# fault's end matters: a stream begins -> heal -> the same again -> everything is stopped.
#
# Systems are `nsrpd` and `nsrpd-fast` (10ms x 3), and `keepalived-ADVERT[-ha][-direct]`: seconds
# or milliseconds between adverts, as in 50ms or 1s; see keepalived.sh.

FAILOVER_CASES="nothing planned stop power-off silent-death lan-port black-hole engine-kill
	kill-both engine-hang pause ha-both ha-both-silent"
FAILOVER_HEALED=" engine-hang pause ha-both ha-both-silent "
FAILOVER_SYSTEMS="nsrpd nsrpd-fast keepalived-1s keepalived-200ms keepalived-50ms keepalived-10ms
	keepalived-50ms-direct keepalived-50ms-ha"

# What the matrix has not, or has no end for.
# shellcheck disable=SC2317 # matrix_do calls these by name
strike_stop() { kill -TERM "$(lab_pid fw1 | head -n 1)"; }
# shellcheck disable=SC2317
heal_engine_hang() { kill -CONT "$(lab_engine_pid fw1)" 2>/dev/null || true; }
# shellcheck disable=SC2034
CASE_SETUP['stop']=default CASE_SECONDS['stop']=1

# Variants of conntrackd and of the adverts' way are tried where they differ.
failover_applies() { # SYSTEM CASE
	case $1:$2 in
	*-ha:ha-both*) true ;;
	*-direct:planned | *-direct:power-off | *-direct:pause) true ;;
	*-ha:* | *-direct:*) false ;;
	esac
}

failover_system() { # SYSTEM
	local rest=${1#*-}
	SYSTEM=$1 LAB_SYSTEM=${1%%-*} OVER=lan DIRECT=off
	[ "$LAB_SYSTEM" = keepalived ] || return 0
	[[ $rest != *-direct ]] || DIRECT=on rest=${rest%-direct}
	[[ $rest != *-ha ]] || OVER=ha rest=${rest%-ha}
	case $rest in
	*ms) ADVERT=$(awk -v ms="${rest%ms}" 'BEGIN { print ms / 1000 }') ;;
	*s) ADVERT=${rest%s} ;;
	esac
}

failover_known() { # SYSTEM
	[[ $1 =~ ^(nsrpd|nsrpd-fast|keepalived-[0-9]+m?s(-ha)?(-direct)?)$ ]]
}

# How long a stream goes on behind strike or heal, in seconds: an outage is to end within it.
failover_seconds() { # CASE
	local least=1.2
	if [ "$LAB_SYSTEM" = keepalived ]; then
		least=$(awk -v a="$ADVERT" 'BEGIN { print 1.5 + 4 * a }')
		[ "$1" != black-hole ] || least=$(awk -v l="$least" 'BEGIN { print l + 3 }')
	fi
	printf '%s\n' "$least" "${CASE_SECONDS[$1]}" | sort -g | tail -n 1
}

# Both may begin at home; on a busy machine they may not.
nsrpd_ready() {
	ready || return 1
	is_state fw1 master || {
		quietly ctl fw2 failover
		return 1
	}
}

failover_start() { # CASE
	local cluster=""
	local -A wires=([default]=cables [watched]=cables [fast]=switches)
	matrix_wires "${wires[${CASE_SETUP[$1]}]}"
	conntrackd_lab
	[ "$SYSTEM" != nsrpd-fast ] || cluster=$'heartbeat = 10ms\nlost-after = 3'
	lab_conf "$cluster"
	WATCH=no
	if [ "${CASE_SETUP[$1]}" = watched ]; then
		WATCH=yes
		matrix_watch
	fi
	lab_start fw1
	lab_start fw2
	wait_for 20 "${LAB_SYSTEM}_ready"
}

failover_stop() {
	local node
	tell client reset live
	tell server reset 5000
	tell server reset 5001
	for node in fw1 fw2; do
		lab_kill "$node"
		lab_withdraw "$node" || true
		on "$node" conntrack -F >/dev/null 2>&1
	done
}

# A stream of so many seconds behind what is done; what it saw adds to GAP, SILENT and LOST.
failover_watch() { # SECONDS strike|heal CASE
	probe "$(awk -v s="$1" -v b="$BEFORE_MS" 'BEGIN { print int(1000 * s + b) }')"
	sleep "0.$((RANDOM % 100 + 200))"
	matrix_do "$2" "$3"
	[ "$2" = strike ] || tell owners healed # unless it was told already
	stream_end
	SILENT=$(printf '%s\n' "$SILENT" "$(field silent_ms "$PROBE")" | sort -g | tail -n 1)
	tell owners show
	OWNED=$ANSWER
}

# Those that live in the end, too.
failover_ask() {
	[ "$ALIVE_LEAST" != 0 ] || return 0
	sessions_alive || true
	[ "$ALIVE" -ge "$ALIVE_LEAST" ] || ALIVE_LEAST=$ALIVE
}

failover_strike() { # CASE
	local seconds
	seconds=$(failover_seconds "$1")
	matrix_do prepare "$1"
	tell owners begin
	tell owners show
	[ "$(field owner "$ANSWER")" = 1 ] || {
		matrix_problem "fw1 was not the owner before the fault: $ANSWER"
		return 1
	}
	failover_watch "$seconds" strike "$1"
	STRUCK=$(field owner "$OWNED")
	failover_ask
	STRUCK+=" alive_struck $ALIVE_LEAST"
	if [[ $FAILOVER_HEALED == *" $1 "* ]]; then
		failover_watch "$seconds" heal "$1"
		failover_ask
	else
		matrix_do heal "$1"
	fi
	return 0
}

# A round is a line: SYSTEM CASE, and words with values behind them.
failover_round() { # SYSTEM CASE
	GAP=0 LOST=0 SILENT=0 ALIVE_LEAST=$SESSIONS PROBLEMS=() STRUCK=- OWNED=-
	failover_system "$1"
	if ! failover_start "$2"; then
		matrix_problem "never became a pair"
	elif ! { matrix_sessions >/dev/null; }; then
		matrix_problem "$ALIVE of $SESSIONS connections before the fault"
	elif sleep 2 && failover_strike "$2"; then # the standby has them
		echo "$1 $2 gap_ms $GAP silent_ms $SILENT lost $LOST alive $ALIVE_LEAST struck $STRUCK $OWNED" |
			tee -a "$RAW" | sed 's/^/# /'
	fi
	for problem in "${PROBLEMS[@]}"; do echo "problem $1 $2 $problem" | tee -a "$RAW"; done
	failover_stop
}

# All cases by one system, then by the next; each round begins with another one.
failover_rounds() { # ROUNDS "SYSTEM..." "CASE..."
	local rounds=$1 systems system name round i
	read -ra systems <<<"${2//[$'\n\t']/ }"
	for ((round = 0; round < rounds; round++)); do
		for ((i = 0; i < ${#systems[@]}; i++)); do
			system=${systems[(i + round) % ${#systems[@]}]}
			for name in $3; do
				! failover_applies "$system" "$name" || failover_round "$system" "$name"
			done
		done
	done
}

# ---- beside the rounds -----------------------------------------------------------------------

bench_about() { # ROUNDS
	local commit
	commit=$(git describe --always --dirty 2>/dev/null || true)
	cat >>"$RAW" <<-EOF
		about date $(date -u '+%Y-%m-%d %H:%M UTC')
		about kernel $(uname -r)
		about processors $(nproc)
		about load $(cut -d ' ' -f 1-3 /proc/loadavg)
		about rounds $1
		about sessions $SESSIONS
		about nsrpd $("$NSRPCTL" version 2>/dev/null | sed -n 's/nsrpctl/nsrpd/p')${commit:+ ($commit)}
		about keepalived $(keepalived --version 2>&1 | sed -nE '1s/.* v([0-9.]+).*/keepalived \1/p')
		about conntrackd $(conntrackd -v 2>&1 | sed -nE 's/.* v([0-9.]*[0-9]).*/conntrackd \1/p;T;q')
	EOF
}

# In a namespace without a name, which goes with the program.
bench_floor() {
	# shellcheck disable=SC2016 # the inner shell's
	timeout 60 unshare --net sh -c '
		ip link add nsrpa type veth peer name nsrpb && ip link set nsrpb up && ip link set nsrpa up &&
			sleep 1.5 && exec "$1" nsrpa nsrpb 100' sh "${STREAM%/*}/bench_floor" |
		awk '{ print "floor carrier", $2, "ms"; print "floor announce", $4, "ms" }' >>"$RAW"
	timeout 240 "${STREAM%/*}/bench_kernel" 50000 3 | sed -nE '
		s/^creations +([0-9]+) .*/floor insert \1/p
		s/^events queued, read +([0-9]+) .*/floor events \1/p
		s/^events of live churn, read +([0-9]+) .*/floor live \1/p
		s/^events read, carried out elsewhere +([0-9]+) .*/floor pair \1/p' >>"$RAW"
}
