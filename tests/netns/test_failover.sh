#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A pair with real traffic: who is master, and what the traffic sees when that changes.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT

own_source() {
	on "$1" ip route get "$CLIENT" | grep -q "src 10.77.0.1[12]" &&
		on "$1" ip -6 route get fd77::100 | grep -q "src fd77::1[12]"
}

same_view() {
	[ "$(ctl fw1 --json status | jq -c '.groups[0] | [.master, .term]')" = \
		"$(ctl fw2 --json status | jq -c '.groups[0] | [.master, .term]')" ]
}

lab_up
lab_conf
lab_pair
check "the better priority is master and alone has the addresses" one_owner fw1
check "traffic passes, IPv4 and IPv6" reaches_server
check "virtual addresses are not the source of own traffic" own_source fw1
check "both nodes tell the same" wait_for 3 same_view

probe 2000
sleep 0.5
ctl fw2 failover >/dev/null # asked of the node that is not master
probe_end
check "a planned failover loses no packet" no_packet_lost
wait_state fw2 master
check "after it the other node alone has the addresses" wait_for 3 one_owner fw2
probe 2000
sleep 0.5
ctl fw2 failover >/dev/null
probe_end
check "nor does the way back" no_packet_lost
wait_state fw1 master

probe 4000
sleep 1
lab_power_off fw1
probe_end
echo "# power off: $PROBE"
check "the survivor is master after a power cut" is_state fw2 master
check "traffic goes on after a power cut" at_most "$(field gap_ms "$PROBE")" 1500
lab_power_on fw1
check "the node that comes back is the backup" wait_state fw1 primary-backup
check "and takes nothing back by itself" is_state fw2 master
wait_for 3 one_owner fw2
check "nor any address" one_owner fw2

probe 4000
sleep 1
kill -9 "$(lab_engine_pid fw2)"
probe_end
check "an engine that is killed costs no packet" no_packet_lost
check "nor the mastership" wait_state fw2 master
check "nor an address" one_owner fw2
wait_state fw1 primary-backup

probe 6000
sleep 1
lab_stop fw2
probe_end
check "a service that stops hands over without loss" no_packet_lost
check "the peer of a stopped service is master" is_state fw1 master
check "the stopped service leaves nothing behind" one_owner fw1
lab_start fw2
wait_state fw2 primary-backup

kill -9 "$(lab_pid fw1)" # the guardian alone
wait_for 3 is_state fw2 master
check "without its guardian an engine gives everything up" wait_for 3 one_owner fw2
rm -f "$LAB_DIR/fw1/pid"
lab_start fw1
check "and the node comes back as the backup" wait_state fw1 primary-backup

lab_kill fw2 # guardian and engine: the kernel keeps the addresses until the lease ends
wait_state fw1 master
check "the lease takes the addresses of a killed service" wait_for 9 one_owner fw1
lab_start fw2
wait_state fw2 primary-backup

exit "$FAILED"
