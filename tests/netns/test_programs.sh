#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Hooks and script monitors of a real pair: what they are told and when, what becomes of those that
# fail, hang or are not there, and that nothing waits for them.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh

finish() {
	local status=$?
	answer_again
	(exit $status)
	lab_down
}
trap finish EXIT

# A file system that nobody serves: who looks at a file there waits.
MUTE_PID=
go_mute() { # DIRECTORY
	mkdir "$1"
	python3 - "$1" <<-'EOF' &
		import ctypes, os, signal, sys
		fd = os.open("/dev/fuse", os.O_RDWR)
		options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
		libc = ctypes.CDLL(None, use_errno=True)
		if libc.mount(b"nsrp", sys.argv[1].encode(), b"fuse", 0, options) != 0:
		    sys.exit(os.strerror(ctypes.get_errno()))
		signal.pause()
	EOF
	MUTE_PID=$! MUTE=$1
	disown "$MUTE_PID"
	wait_for 5 grep -q " $MUTE fuse" /proc/mounts
}
answer_again() {
	[ -n "$MUTE_PID" ] || return 0
	kill -9 "$MUTE_PID" 2>/dev/null
	MUTE_PID=
	umount -l "$MUTE"
}

script() { # NAME: its text is stdin
	{
		echo '#!/bin/sh'
		echo "D=$LAB_DIR"
		cat
	} >"$LAB_DIR/$1"
	chmod 755 "$LAB_DIR/$1"
}

told() { # NODE: what its hook was told, one word for each
	cut -d' ' -f1 "$LAB_DIR/$1/told" 2>/dev/null | xargs
}
is_told() { # NODE STATE: the last
	[[ $(tail -n 1 "$LAB_DIR/$1/told" | cut -d' ' -f1) == *">$2" ]]
}
# On a busy machine a state may have come and gone; what is told is a chain all the same.
is_chain() { # FIRST... LAST: words OLD>NEW, of which each begins where the one before ended
	local word at=${1%%>*}
	for word; do
		[ "${word%%>*}" = "$at" ] || return 1
		at=${word##*>}
	done
}
forget() {
	rm -f "$LAB_DIR"/fw?/told
}
logged() { # NODE PATTERN
	grep -q -- "$2" "$LAB_DIR/$1/log"
}
counted() { # NODE KEY LEAST
	[ "$(counter "$1" "$2")" -ge "$3" ]
}
monitor_ok() { # NODE MONITOR true|false
	[ "$(ctl "$1" --json status | jq -r ".monitors[] | select(.name == \"$2\") | .ok")" = "$3" ]
}
programs_of() { # NODE: the guardian's children that are no daemon
	pgrep -P "$(lab_pid "$1")" | while read -r pid; do
		[[ $(cat "/proc/$pid/comm" 2>/dev/null) = nsrpd* ]] || echo "$pid"
	done
}
none_left() { # NODE
	[ -z "$(programs_of "$1")" ]
}
# Outage of the stream while fw1 hands over, as a median of three.
handovers() {
	local gaps=() lost=0 from=$1 other
	for _ in 1 2 3; do
		other=$([ "$from" = fw1 ] && echo fw2 || echo fw1)
		wait_state "$from" master
		wait_state "$other" primary-backup
		sleep 0.3
		probe 1500
		sleep 0.4
		ctl "$from" failover >/dev/null
		probe_end
		gaps+=("$(field gap_ms "$PROBE")")
		lost=$((lost + $(field lost "$PROBE")))
		wait_state "$other" master
		from=$other
	done
	wait_state "$([ "$from" = fw1 ] && echo fw2 || echo fw1)" primary-backup
	GAP=$(median "${gaps[@]}") LOST=$lost
	echo "# $2: gap_ms ${gaps[*]}, lost $lost"
}

lab_up
check "a file system that does not answer" go_mute "$LAB_DIR/mute" # for daemons to come
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-END
	hook = $LAB_DIR/hook
	[monitor disk]
	type = script
	program = $LAB_DIR/disk
	interval = 100ms
	fall = 3
	rise = 2
END
script hook <<-'END'
	echo "$NSRP_OLD_STATE>$NSRP_STATE $(env | grep ^NSRP_ | sort | xargs) $(ip -o addr show dev lan0 | grep -c 10.77.0.1/)" >>"$D/$NSRP_NODE/told"
END
script disk <<-'END'
	[ ! -e "$D/$NSRP_NODE/hang" ] || { echo hangs; sleep 60 & wait; }
	[ ! -e "$D/$NSRP_NODE/bad" ] || { echo "disk full"; exit 1; }
END

lab_pair
check "a hook is told that the node is master" wait_for 3 is_told fw1 master
check "and on the other node that it is ready" wait_for 3 is_told fw2 primary-backup
echo "# fw1 was told: $(told fw1); fw2: $(told fw2)"
environment() {
	grep -qE "^init>master NSRP_CLUSTER=7 NSRP_GROUP=0 NSRP_NODE=fw1 NSRP_OLD_STATE=init NSRP_PEER=fw2 NSRP_REASON=.* NSRP_RULE=4[a-e] NSRP_STATE=master NSRP_TERM=1 1$" "$LAB_DIR/fw1/told"
}
check "with the whole environment, when the addresses are there" environment

forget
lab_power_off fw1
wait_state fw2 master
check "a failover tells the new master" wait_for 3 is_told fw2 master
lab_power_on fw1
wait_state fw1 primary-backup
check "a node that comes back begins with init" wait_for 3 is_told fw1 primary-backup
forget
ctl fw2 failover >/dev/null
wait_state fw1 master
wait_state fw2 primary-backup
check "a planned failover tells the old master" wait_for 3 is_told fw2 primary-backup
check "and the new one" wait_for 3 is_told fw1 master
check "once" [ "$(told fw1)" = "primary-backup>master" ]
# shellcheck disable=SC2046 # words
check "in order, each from where the one before ended" is_chain $(told fw2)
echo "# fw1 was told: $(told fw1); fw2: $(told fw2)"

forget
old=$(lab_engine_pid fw1)
kill -9 "$old"
wait_for 5 eval '[ -n "$(lab_engine_pid fw1)" ] && [ "$(lab_engine_pid fw1)" != "$old" ]'
wait_state fw1 master
sleep 1
# One that ran late besides was no master for a moment.
nothing_told() {
	local words
	words=$(told fw1)
	echo "# fw1 was told: $words"
	[ -z "$words" ] || { [[ $words == "master>init"* ]] && logged fw1 'ran .* ms late'; }
}
check "an engine that is adopted repeats no hook" nothing_told
check "and has been told by the scripts" monitor_ok fw1 disk true

touch "$LAB_DIR/fw1/bad"
check "a script that exits 1 fails its monitor" wait_for 5 monitor_ok fw1 disk false
check "and moves the group" wait_state fw2 master
check "the node is inoperable" wait_state fw1 inoperable
check "which the hook is told" wait_for 3 is_told fw1 inoperable
check "the script's last words are in the log" logged fw1 'monitor disk: .*/disk: exited 1, its last line: disk full'
lines() { [ "$(grep -c 'its last line: disk full' "$LAB_DIR/fw1/log")" = 1 ]; }
sleep 1
check "once" lines
rm "$LAB_DIR/fw1/bad"
check "one that passes again makes the node ready" wait_state fw1 primary-backup

touch "$LAB_DIR/fw2/hang"
check "a script that hangs has failed" wait_for 10 monitor_ok fw2 disk false
check "and moves the group, too" wait_state fw1 master
check "it is logged" logged fw2 'monitor disk: .*did not end in time and was killed, its last line: hangs'
check "and counted" counted fw2 programs_hung 3
check "and those that were due meanwhile are" counted fw2 scripts_skipped 5
rm "$LAB_DIR/fw2/hang"
check "it recovers" wait_state fw2 primary-backup

# The hook of fw1 hangs from here on; nothing but the hook knows.
script hook </dev/null
handovers fw1 "hooks that end"
quick=$GAP quick_lost=$LOST
[ "$(state fw1)" = master ] || { ctl fw2 failover >/dev/null; wait_state fw1 master; wait_state fw2 primary-backup; }
script hook <<-'END'
	echo "$NSRP_OLD_STATE>$NSRP_STATE" >>"$D/$NSRP_NODE/told"
	echo waits for a switch
	trap '' TERM
	while :; do sleep 1; done
END
forget
hung_at=$SECONDS
handovers fw1 "hooks that hang"
check "planned failovers lose no packet while hooks hang" [ "$LOST" = "$quick_lost" ]
check "and take no longer" at_most "$GAP" "$(awk -v q="$quick" 'BEGIN { print q + 20 }')"
check "one hook of a group runs at a time" [ "$(programs_of fw1 | wc -l)" -le 2 ] # and a script
check "the states in between are left out" [ "$(told fw1 | wc -w)" = 1 ]
probe 4000
sleep 1
lab_power_off fw2
probe_end
echo "# power off with a hook that hangs: $PROBE"
check "nor does a takeover wait" at_most "$(field gap_ms "$PROBE")" 1500
check "the survivor is master" is_state fw1 master
script hook <<-'END'
	echo "$NSRP_OLD_STATE>$NSRP_STATE $NSRP_TERM" >>"$D/$NSRP_NODE/told"
END
check "a hook that hangs is killed" wait_for $((hung_at + 45 - SECONDS)) logged fw1 'group 0: hook .*/hook for .*: did not end in time and was killed, its last line: waits for a switch'
check "then the last state is told" wait_for 3 is_told fw1 master
check "it is counted" counted fw1 hooks_failed 1
check "as are the states left out" counted fw1 hooks_skipped 2
lab_power_on fw2
wait_state fw2 primary-backup

forget
began=$SECONDS
lab_stop fw1
check "a service that stops tells it last" [ "$(told fw1)" = "master>ineligible" ]
lab_start fw1
wait_state fw1 primary-backup
script hook <<-'END'
	echo "$NSRP_OLD_STATE>$NSRP_STATE" >>"$D/$NSRP_NODE/told"
	while :; do sleep 1; done
END
ctl fw2 failover >/dev/null
wait_state fw1 master
forget
began=$SECONDS
lab_stop fw1
check "and waits for hooks, but not for long" [ $((SECONDS - began)) -le 12 ]
echo "# the stop took $((SECONDS - began)) s"
check "whose last is still told" [ "$(told fw1)" = "master>ineligible" ]
left() {
	local pid
	for pid in $(pgrep -f "$LAB_DIR/hook"); do
		! grep -qz NSRP_NODE=fw1 "/proc/$pid/environ" || return 0
	done
	return 1
}
check "nothing of them is left" refused left

sed -i '/^hook =/d; s/^interval = .*/interval = 200ms/' "$LAB_DIR/nsrpd.conf"
lab_start fw1
wait_state fw1 primary-backup
forget
sed -i "s|^program = .*|program = $LAB_DIR/none|" "$LAB_DIR/nsrpd.conf"
check "a program that is missing does not refuse a reload" ctl fw1 reload
check "but is logged at once" logged fw1 'monitor disk. program: .*/none: there is no such file'
check "and its monitor fails" wait_for 5 monitor_ok fw1 disk false
check "which takes the node out" wait_state fw1 inoperable
check "check tells of it" eval "'$NSRPCTL' check -n fw1 '$LAB_DIR/nsrpd.conf' | grep -q '\[monitor disk\]: .*/none: there is no such file'"
chmod 777 "$LAB_DIR/disk"
sed -i "s|^program = .*|program = $LAB_DIR/disk|" "$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
check "one that others may write is not run" wait_for 3 logged fw1 'monitor disk: .*not started: its group or others may write it'
chmod 755 "$LAB_DIR/disk"
check "until they may not" wait_state fw1 primary-backup
touch "$LAB_DIR/fw1/hang"
wait_for 5 eval '[ -n "$(programs_of fw1)" ]'
sed -i '/^\[monitor disk/,$d' "$LAB_DIR/nsrpd.conf"
ctl fw1 reload >/dev/null
check "a monitor that is taken out takes its program along" wait_for 1 none_left fw1

# ---- a file system that does not answer ------------------------------------------------------

within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	"$@" && [ "$SECONDS" -le "$end" ]
}
sed -i "/^\[group 0\]/a hook = $LAB_DIR/mute/hook" "$LAB_DIR/nsrpd.conf"
check "one that does not answer holds up no reload of a master" within 4 ctl fw2 reload
check "nor the next" within 4 ctl fw2 reload
sleep 7
check "which renews its leases" one_owner fw2
check "and stays master" is_state fw2 master
answer_again
check "what it looks at is told when it can" wait_for 3 logged fw2 'group 0. hook: .*/mute/hook: it cannot be looked at'

exit "$FAILED"
