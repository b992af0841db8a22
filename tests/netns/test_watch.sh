#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# `nsrpctl watch` in a terminal: live, over a resize and a restart of the daemon, and gone without
# a trace however it ends.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
trap lab_down EXIT

watch() { # NAME COLUMNS ROWS: one of fw1's, from now on
	NO_COLOR=1 TERM=xterm listener "$1" ip netns exec "$LAB-fw1" "$PWD/terminal.py" "$2" "$3" \
		"$NSRPCTL" -r "$LAB_DIR/fw1/run" watch
}
answers_to() { # ANSWER NAME COMMAND...
	local expected=$1
	shift
	tell "$@"
	[ "$ANSWER" = "$expected" ] || {
		echo "# $*: $ANSWER"
		tell "$1" show
		sed 's/^/# /' "$LAB_DIR/$1.err"
		false
	}
}

lab_up
lab_conf
lab_pair
watch one 80 40
check "watch shows the status" answers_to yes one sees 5 "fw1, cluster 7:"
check "and the changes" answers_to yes one sees 5 "init -> master"
check "it fits the terminal" [ "$(tell one widest && echo "$ANSWER")" -le 80 ]
on fw1 ip link set wan0 down
check "what changes is seen at once" answers_to yes one sees 5 "master -> inoperable: monitors,"
check "what is wrong is seen first" answers_to yes one first "fw1, cluster 7: WARNING"
check "with its steps" answers_to yes one sees 8 "asked "
lab_link_up fw1 wan0
check "and that it is over" answers_to yes one sees 10 "fw1, cluster 7: OK"

tell one resize 132 60
check "a wider terminal is used" answers_to yes one lacks 5 "more lines"
tell one resize 80 10
check "of a small one the first lines are shown" answers_to yes one sees 5 "more lines: nsrpctl status)"
check "with the verdict on top" answers_to yes one first "fw1, cluster 7: OK"

lab_stop fw1
check "a daemon that is gone is told of" answers_to yes one sees 5 "what follows was so"
tell one sees 5 "nsrpd is not running"
check "in the first line" answers_to yes one first "nsrpd is not running"
lab_start fw1
check "one that is back is shown again" answers_to yes one sees 10 "fw1, cluster 7:"
check "without trouble" answers_to yes one lacks 5 "not running"
check "q ends it" answers_to done one type q
check "and leaves the terminal as it was" answers_to "0 restored" one ended 5
for signal in INT TERM HUP QUIT; do
	watch "by$signal" 80 24
	tell "by$signal" sees 5 "cluster 7"
	tell "by$signal" signal "$signal"
	check "so does SIG$signal" answers_to "0 restored" "by$signal" ended 5
done
watch stopped 80 24
tell stopped sees 5 "cluster 7"
tell stopped signal TSTP
check "Ctrl-Z stops it" answers_to yes stopped stopped 5
tell stopped signal CONT
tell stopped resize 100 24
check "one that was stopped goes on" answers_to yes stopped sees 5 "cluster 7"
tell stopped type q
check "and ends" answers_to "0 restored" stopped ended 5

no_terminal() { ctl fw1 watch </dev/null 2>&1 | grep -q "watch needs a terminal"; }
check "without a terminal it says what to use" no_terminal
lines() { timeout 3 ip netns exec "$LAB-fw1" "$NSRPCTL" -r "$LAB_DIR/fw1/run" --json watch | jq -es 'length >= 2 and all(.node == "fw1")' >/dev/null; }
check "for programs there is a line each second" lines

exit "$FAILED"
