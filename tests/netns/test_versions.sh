#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The daemon of the previous commit and the present one, as one pair, both ways round.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
top=$(git rev-parse --show-toplevel)

# Builds the commit before this one (or this one, below uncommitted work) in build/previous.
build_previous() {
	local commit=HEAD dir=$top/build/previous
	[ -n "$(git -C "$top" status --porcelain -- src include)" ] || commit=HEAD~1
	commit=$(git -C "$top" rev-parse "$commit") || return 1
	PREVIOUS=$dir/build/gcc/nsrpd
	if [ "$(cat "$dir/commit" 2>/dev/null)" != "$commit" ]; then
		rm -rf "$dir"
		mkdir -p "$dir"
		git -C "$top" archive "$commit" | tar -x -C "$dir" || return 1
		env -u MAKEFLAGS -u MAKELEVEL make -s -C "$dir" -j2 CC=gcc SAN= WERROR= \
			build/gcc/nsrpd >"$dir/log" 2>&1 || {
			tail -n 20 "$dir/log"
			return 1
		}
		echo "$commit" >"$dir/commit"
	fi
	echo "# previous: $commit"
}

if ! build_previous; then
	not_ok "the previous commit builds"
	exit 1
fi
present=$NSRPD
trap lab_down EXIT
lab_up
lab_conf
for old in fw1 fw2; do
	new=fw2
	[ $old = fw1 ] || new=fw1
	NSRPD=$PREVIOUS lab_start $old
	NSRPD=$present lab_start $new
	check "old $old and new $new elect a master" wait_state fw1 master
	wait_state fw2 primary-backup
	probe 2000
	sleep 0.5
	ctl $new failover >/dev/null
	probe_end
	check "a planned failover from old $old or to it loses no packet" no_packet_lost
	check "and is done" wait_state fw2 master
	wait_state fw1 primary-backup
	probe 2000
	sleep 0.5
	ctl $new failover >/dev/null
	probe_end
	check "the way back loses no packet" no_packet_lost
	wait_state fw1 master
	lab_power_off fw1
	check "fw2 survives a power cut of fw1" wait_state fw2 master
	NSRPD=$present
	[ $old = fw2 ] || NSRPD=$PREVIOUS
	lab_power_on fw1
	NSRPD=$present
	check "and fw1 comes back as the backup" wait_state fw1 primary-backup
	lab_stop fw1
	lab_stop fw2
done
exit "$FAILED"
