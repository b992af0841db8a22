#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A standby whose processes are killed while they take a ruleset over: it has the old one or the new
# one, and once all of them run again both nodes have the same. What a clerk died over it has refused:
# then the operator asks for it again.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
RULES=${RULES:-$(dirname "$STREAM")/rules}
KILL_SECONDS=${KILL_SECONDS:-7} SIZE=${SIZE:-500}
BOOT_WAIT=1s
trap lab_down EXIT

large() { # NUMBER: a table of its own size and name
	awk -v n="$SIZE" -v which="$1" 'BEGIN {
		print "flush ruleset\ntable inet large" which " {\n\tset nets {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = {"
		for (i = 0; i < n * 4; i++)
			printf "10.%d.%d.%d/31,\n", which, i / 100 % 256, i % 100 * 2
		print "}\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;\n\t\tip saddr @nets drop"
		for (i = 0; i < n; i++)
			printf "\t\tip saddr 192.0.%d.%d tcp dport { %d, 7 } counter accept\n", i / 250, i % 250, i + which + 10
		print "\t}\n}"
	}'
}
digest_of() { # NODE
	"$RULES" digest "$LAB-$1" | cut -d ' ' -f 1
}
condition_is() { # NODE CONDITION
	[ "$(ctl "$1" --json show mirror | jq -r ".mirror.ruleset.condition")" = "$2" ]
}
same() { condition_is fw1 equal && condition_is fw2 equal && [ "$(digest_of fw1)" = "$(digest_of fw2)" ]; }
on_its_way() { # BYTES: fw2 logs, behind that many, that there is another one
	local end=$((SECONDS + 3))
	until tail -c "+$1" "$LAB_DIR/fw2/log" | grep -q "ruleset: .* -> moving" || [ "$SECONDS" -ge "$end" ]; do :; done
}
settled() { condition_is fw1 equal && condition_is fw2 equal || condition_is fw2 refused; }
gone() { # PID...
	local pid
	for pid in "$@"; do [ ! -e "/proc/$pid" ] || return 1; done
}
strike() { # clerk|engine|guardian|all, of fw2
	case $1 in
	clerk) kill -9 "$clerk" ;;
	engine) kill -9 "$engine" ;;
	guardian) kill -9 "$guardian" ;;
	all) kill -9 "$guardian" "$engine" "$clerk" ;;
	esac
	case $1 in
	guardian | all)
		rm -f "$LAB_DIR/fw2/pid"
		wait "$guardian" 2>/dev/null
		wait_for 3 gone "$engine" "$clerk" || echo "# it left processes behind"
		;;
	esac
}

lab_up
lab_conf
for which in 1 2; do
	large "$which" >"$LAB_DIR/large$which"
	on fw1 nft -f "$LAB_DIR/large$which"
	digest[which]=$(digest_of fw1)
done
on fw2 nft -f "$LAB_DIR/large1"
lab_pair
check "the operator asks for it" wait_for 5 ctl fw1 sync ruleset
check "both have the same" wait_for 5 same

now=2 rounds=0 old=0 new=0 torn=0 apart=0 refused=0
begin=$SECONDS
while [ $((SECONDS - begin)) -lt "$KILL_SECONDS" ]; do
	for victim in clerk engine guardian all; do
		now=$((3 - now)) rounds=$((rounds + 1))
		guardian=$(lab_pid fw2) engine=$(lab_engine_pid fw2) clerk=$(pgrep -x -P "$(lab_pid fw2)" nsrpd-clerk)
		logged=$(wc -c <"$LAB_DIR/fw2/log")
		on fw1 nft -f "$LAB_DIR/large$now"
		on_its_way "$logged"
		sleep "0.$(printf %02d $((RANDOM % 9)))"
		strike "$victim"
		found=$("$RULES" digest "$LAB-fw2") # or why it cannot be read
		case ${found%% *} in
		"${digest[now]}") new=$((new + 1)) ;;
		"${digest[3 - now]}") old=$((old + 1)) ;;
		*)
			echo "# round $rounds, $victim: fw2 has $found"
			torn=$((torn + 1))
			;;
		esac
		[ -e "$LAB_DIR/fw2/pid" ] || lab_start fw2
		wait_for 5 settled
		condition_is fw2 refused && ctl fw1 sync ruleset >/dev/null && refused=$((refused + 1))
		wait_for 8 same || {
			echo "# round $rounds, $victim: not the same"
			apart=$((apart + 1))
		}
	done
done
echo "# killed $rounds times: $old times it had the old one, $new times the new one; refused $refused times"
check "killed at any time it has the old ruleset or the new one" [ "$torn" = 0 ]
check "and both nodes have the same soon after" [ "$apart" = 0 ]

exit "$FAILED"
