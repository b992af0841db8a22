#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# With user and group nsrp and group nsrp-admin on the host: what the engine may do, and who may
# ask and command it. The users are there for this test alone: it runs in a mount namespace, with
# copies of the host's lists.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
if [ "${1:-}" != inside ]; then
	exec unshare -m --propagation private "./$(basename "$0")" inside
fi
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
lists=$(mktemp -d)
finish() {
	local status=$?
	rm -rf "$lists"
	(exit $status)
	lab_down
}
trap finish EXIT

free_id=64000
while cut -d: -f3 /etc/passwd /etc/group | grep -qx "$free_id"; do free_id=$((free_id + 5)); done
READER=$((free_id + 2)) ADMIN=$((free_id + 3)) STRANGER=$((free_id + 4))
NSRP=$free_id NSRP_ADMIN=$((free_id + 1))
{
	grep -v '^nsrp' /etc/passwd
	echo "nsrp:x:$NSRP:$NSRP::/nonexistent:/usr/sbin/nologin"
} >"$lists/passwd"
{
	grep -v '^nsrp' /etc/group
	echo "nsrp:x:$NSRP:"
	echo "nsrp-admin:x:$NSRP_ADMIN:"
} >"$lists/group"
for list in passwd group; do mount --bind "$lists/$list" "/etc/$list" || exit 1; done

status_of() { # PID FIELD
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

is_uid() { # PID UID: real, effective, saved and of the file system
	[ "$(status_of "$1" Uid)" = "$2"$'\t'"$2"$'\t'"$2"$'\t'"$2" ]
}

# CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_IPC_LOCK 14, CAP_SYS_NICE 23
FOUR=0000000000807000
has_four() { # PID
	[ "$(status_of "$1" CapEff)" = $FOUR ] && [ "$(status_of "$1" CapPrm)" = $FOUR ] &&
		[ "$(status_of "$1" CapBnd)" = $FOUR ] && [ "$(status_of "$1" CapAmb)" = 0000000000000000 ] &&
		[ "$(status_of "$1" CapInh)" = 0000000000000000 ]
}
no_new_privileges() { [ "$(status_of "$1" NoNewPrivs)" = 1 ]; }
in_group_nsrp_alone() { [ "$(status_of "$1" Gid | cut -f1)" = "$NSRP" ] && [ "$(status_of "$1" Groups | xargs)" = "$NSRP" ]; }

as() { # UID GROUP NODE VERB...: asks as a user of that group, with the installed program
	local uid=$1 group=$2 node=$3
	shift 3
	on "$node" setpriv --reuid "$uid" --regid "$uid" --groups "$group" --inh-caps=-all \
		"$LAB_DIR/nsrpctl" -r "$LAB_DIR/$node/run" "$@" >"$LAB_DIR/out" 2>&1
}
exits() { # STATUS COMMAND...
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" = "$wanted" ]
}
said() { grep -q "$1" "$LAB_DIR/out"; }

lab_up
chmod 711 "$LAB_DIR" # its name is no secret; what lies in it is
chmod 755 "$LAB_DIR/fw1" "$LAB_DIR/fw2"
cp "${NSRPCTL_RELEASE:-$NSRPCTL}" "$LAB_DIR/nsrpctl"
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-EOF
	hook = $LAB_DIR/hook
	[monitor script]
	type = script
	program = $LAB_DIR/probe
EOF
for name in hook probe; do
	cat >"$LAB_DIR/$name" <<-EOF
		#!/bin/sh
		cat /proc/self/status >$LAB_DIR/$name.\$NSRP_NODE
	EOF
	chmod 755 "$LAB_DIR/$name"
done
umask 077 # as a service manager may have it
check "the key file is root's alone" [ "$(stat -c '%a %u' "$LAB_DIR/key")" = "600 0" ]
chmod 600 "$LAB_DIR/nsrpd.conf"
lab_pair
check "with an engine of user nsrp there is a master" is_state fw1 master
for node in fw1 fw2; do
	engine=$(lab_engine_pid $node)
	check "$node: the engine runs as user nsrp" is_uid "$engine" "$NSRP"
	check "$node: and in its group alone" in_group_nsrp_alone "$engine"
	check "$node: it has four capabilities" has_four "$engine"
	check "$node: and cannot get more" no_new_privileges "$engine"
	check "$node: the guardian is root's" is_uid "$(lab_pid $node)" 0
done
# Hooks and scripts are the guardian's: root's, who has nothing but a name.
without_capabilities() { # FILE: as /proc/PID/status
	[ "$(sed -n 's/^Uid:[[:space:]]*//p' "$1" | xargs)" = "0 0 0 0" ] &&
		[ "$(grep -cE '^Cap(Inh|Prm|Eff|Amb):[[:space:]]*0000000000000000$' "$1")" = 4 ] &&
		grep -q '^NoNewPrivs:[[:space:]]*1$' "$1"
}
for node in fw1 fw2; do
	check "$node: a hook is root's, without capabilities" wait_for 3 without_capabilities "$LAB_DIR/hook.$node"
	check "$node: so is a script" wait_for 3 without_capabilities "$LAB_DIR/probe.$node"
done
no_file_of_the_host() {
	! setpriv --reuid "$NSRP" --regid "$NSRP" --clear-groups cat "$LAB_DIR/key" 2>/dev/null
}
check "user nsrp does not read the key file" no_file_of_the_host

ctl fw1 failover >/dev/null
check "a failover moves the group" wait_state fw2 master
lab_power_off fw2
check "a power cut does, too" wait_state fw1 master
lab_power_on fw2
wait_state fw2 primary-backup

check "a member of nsrp reads" exits 0 as "$READER" "$NSRP" fw1 status
check "a member of nsrp reads the history" exits 0 as "$READER" "$NSRP" fw1 history
check "which has something" said "operator's failover"
no_entry() { ! setpriv --reuid "$STRANGER" --regid "$STRANGER" --clear-groups cat "$LAB_DIR/fw1/state/history" 2>/dev/null; }
check "others do not" no_entry
check "and has no say" exits 1 as "$READER" "$NSRP" fw1 failover
check "which is told" said "nsrp-admin"
check "nor about the configuration" exits 1 as "$READER" "$NSRP" fw1 reload
check "nor about maintenance" exits 1 as "$READER" "$NSRP" fw1 maintenance on
check "nothing moved" is_state fw1 master
check "a member of nsrp-admin reads" exits 0 as "$ADMIN" "$NSRP_ADMIN" fw1 status
check "and commands" exits 0 as "$ADMIN" "$NSRP_ADMIN" fw1 failover
check "which is done" wait_state fw2 master
wait_state fw1 primary-backup
check "and may reload" exits 0 as "$ADMIN" "$NSRP_ADMIN" fw1 reload
check "nobody else connects" exits 3 as "$STRANGER" "$STRANGER" fw1 status
check "which is told, too" said "no permission"

sed -i "s|^hook = .*|&\naddress = 10.77.0.3/24 dev lan0|" "$LAB_DIR/nsrpd.conf"
check "a reload is read by the guardian" ctl fw2 reload
ctl fw1 reload >/dev/null
check "and in force" wait_for 3 has_address fw2 10.77.0.3
"$NSRPCTL" genkey >"$LAB_DIR/next"
chmod 600 "$LAB_DIR/next"
sed -i "s|^key-file = .*|key-file = $LAB_DIR/next\nprevious-key-file = $LAB_DIR/key|" "$LAB_DIR/nsrpd.conf"
check "so is a new key" ctl fw2 reload
check "on both nodes" ctl fw1 reload
sleep 1
alive() { [ "$(ctl fw1 --json status | jq .peer.alive)" = true ]; }
check "by which the pair goes on" alive
printf '[link ha2]\ninterface = ha2\n' >>"$LAB_DIR/nsrpd.conf"
lab_wire fw1 ha2 fw2 ha2
ctl fw1 reload >/dev/null
ctl fw2 reload >/dev/null
link_alive() { [ "$(ctl fw1 --json status | jq -r '.links[] | select(.name == "ha2") | .state')" = alive ]; }
check "a link added by a reload is opened by the engine" wait_for 5 link_alive

kill -9 "$(lab_engine_pid fw2)"
check "a new engine is user nsrp's, too" wait_for 5 eval 'is_uid "$(lab_engine_pid fw2)" "$NSRP"'
check "and keeps the mastership" wait_state fw2 master
kill -9 "$(lab_pid fw2)" # the guardian alone
gone() { ! has_address fw2 "$LAN_VIP"; }
check "an engine without its guardian removes the addresses" wait_for 3 gone
check "and the peer takes over" wait_state fw1 master
rm -f "$LAB_DIR/fw2/pid"

exit "$FAILED"
