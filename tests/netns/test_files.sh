#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Listed files and directories are the same on both nodes: brought over as a whole, refused as a whole,
# never beyond the list; drift is shown and kept, and an operator's word ends it.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/documents.sh
. ./documents.sh
DOCUMENT=files

# Both nodes are namespaces of one machine, and a path of the list is one path: so each node runs in a
# mount namespace of its own, where $TREE is a file system of its own.
TREE=
cleanup() {
	local status=$?
	for node in fw1 fw2; do
		[ -z "${HOLD[$node]:-}" ] || kill "${HOLD[$node]}" 2>/dev/null || true
	done
	(exit "$status")
	lab_down
}
trap cleanup EXIT
declare -A HOLD=()

# A process that keeps the node's mount namespace.
make_tree() { # NODE
	ip netns exec "$LAB-$1" unshare --mount --propagation private sh -c \
		"mount -t tmpfs -o size=24m nsrp-test '$TREE' && mkdir '$TREE/d' && echo ready >'$LAB_DIR/$1/mounted' && exec sleep 900" &
	HOLD[$1]=$!
	wait_for 5 test -e "$LAB_DIR/$1/mounted"
}

within() { # NODE COMMAND...
	local node=$1
	shift
	nsenter --mount="/proc/${HOLD[$node]}/ns/mnt" "$@"
}

start_within() { # NODE
	nsenter --mount="/proc/${HOLD[$1]}/ns/mnt" ip netns exec "$LAB-$1" true 2>/dev/null
	nsenter --mount="/proc/${HOLD[$1]}/ns/mnt" --net="/run/netns/$LAB-$1" "$NSRPD" -f \
		-c "$LAB_DIR/nsrpd.conf" -n "$1" -r "$LAB_DIR/$1/run" -s "$LAB_DIR/$1/state" \
		>>"$LAB_DIR/$1/log" 2>&1 &
	echo "$!" >"$LAB_DIR/$1/pid"
}

write_file() { # NODE NAME TEXT
	printf '%s' "$3" | within "$1" sh -c "cat >'$TREE/$2.tmp' && mv '$TREE/$2.tmp' '$TREE/$2'"
}

content_is() { # NODE NAME TEXT
	[ "$(within "$1" cat "$TREE/$2" 2>/dev/null)" = "$3" ]
}

is_missing() { # NODE NAME
	! within "$1" test -e "$TREE/$2"
}

warned() { # NODE TEXT
	ctl "$1" --json status | jq -r '.warnings[]' | grep -q "$2"
}

lab_up
TREE=$LAB_DIR/tree
mkdir "$TREE"
lab_conf
cat >>"$LAB_DIR/nsrpd.conf" <<-CONF
	[mirror]
	files = $TREE/one, $TREE/d, $TREE/link, $LAB_DIR/key
	files-apply = $LAB_DIR/applied.sh
	files-validate = $LAB_DIR/validate.sh
CONF
cat >"$LAB_DIR/applied.sh" <<-'PROGRAM'
	#!/bin/sh
	cat "$NSRP_CHANGED" >>"$(dirname "$0")/applied.$NSRP_NODE"
PROGRAM
cat >"$LAB_DIR/validate.sh" <<-'PROGRAM'
	#!/bin/sh
	if grep -rq forbidden "$NSRP_STAGED"; then echo "no such word, please"; exit 3; fi
PROGRAM
chmod 755 "$LAB_DIR/applied.sh" "$LAB_DIR/validate.sh"
for node in fw1 fw2; do make_tree $node; done
write_file fw1 one "first"
write_file fw2 one "other"
start_within fw1
start_within fw2
wait_state fw1 master
wait_state fw2 primary-backup
check "the master's file comes to the standby by itself" wait_for 5 content_is fw2 one first
check "and both say that they have the same" wait_for 5 both_are equal
check "the version before is kept" grep -q other "$LAB_DIR/fw2/state/previous$TREE/one"
check "the apply program is told what changed, there alone" \
	test "$(cat "$LAB_DIR/applied.fw2")" = "$TREE/one" -a ! -e "$LAB_DIR/applied.fw1"
check "the clerk is a process with few rights" \
	grep -q '^CapAmb:.0*$' "/proc/$(pgrep -x -P "$(lab_pid fw2)" nsrpd-clerk)/status"

# ---- changes

lag_of() { # NODE from, NODE to: milliseconds
	local begin end=$((SECONDS + 5))
	begin=$(date +%s%N)
	write_file "$1" d/lag "$begin"
	until content_is "$2" d/lag "$begin"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.01
	done
	echo $((($(date +%s%N) - begin) / 1000000))
}
lag=$(lag_of fw1 fw2)
echo "# a changed file was there after $lag ms"
check "a changed file comes in half a second" at_most "$lag" 500

within fw1 sh -c "mkdir -p '$TREE/d/sub/deep' && echo x >'$TREE/d/sub/deep/file' && chmod 2750 '$TREE/d/sub' &&
	chown games:mail '$TREE/d/sub/deep/file' && chmod 4611 '$TREE/d/sub/deep/file' && ln -s /etc/passwd '$TREE/d/outside'"
same_attributes() {
	[ "$(within fw1 stat -c '%a %U %G' "$TREE/d/sub" "$TREE/d/sub/deep/file")" = \
		"$(within fw2 stat -c '%a %U %G' "$TREE/d/sub" "$TREE/d/sub/deep/file" 2>/dev/null)" ]
}
check "directories come with mode and owner" wait_for 5 same_attributes
check "a symbolic link does not" is_missing fw2 d/outside
within fw1 rm -r "$TREE/d/sub"
check "what goes there goes here" wait_for 5 is_missing fw2 d/sub
check "and is kept for once" test -e "$LAB_DIR/fw2/state/previous$TREE/d/sub/deep/file"
within fw1 sh -c "for i in \$(seq 300); do echo \$i >'$TREE/d/'\$i; done"
all_there() { [ "$(within fw2 find "$TREE/d" -type f | wc -l)" = 301 ]; }
check "a crowd of them comes as well" wait_for 8 all_there
check "the key is not mirrored, though it is listed" refused grep -rq "$(cat "$LAB_DIR/key")" "$LAB_DIR/fw2/state"

late() { echo $(($(counter "$1" late) + $(counter "$1" peer_lost))); }
before=$(late fw1)-$(late fw2)
within fw1 sh -c "for i in 1 2 3; do head -c 3500000 /dev/urandom >'$TREE/d/big'\$i; done"
same_big() { cmp -s <(within fw1 cat "$TREE/d/big3") <(within fw2 cat "$TREE/d/big3"); }
check "10 MB come as well" wait_for 10 same_big
wait_for 5 both_are equal
echo "# late before $before, after $(late fw1)-$(late fw2)"
within fw1 sh -c "rm -f '$TREE'/d/*"
check "and go" wait_for 8 both_are equal

# ---- drift

write_file fw2 one "edited here"
check "an edit on the standby is shown there" wait_for 3 condition_is fw2 drift
check "and on the master" wait_for 3 condition_is fw1 drift
check "as a warning on both" eval 'warned fw1 "changed on fw2" && warned fw2 "changed on fw2"'
differs() { ctl "$1" diff files >"$LAB_DIR/diff" && grep -qx -- "$2" "$LAB_DIR/diff" && grep -qx -- "$3" "$LAB_DIR/diff"; }
check "diff shows it on the standby" differs fw2 "-edited here" "+first"
check "and on the master, the other way round" differs fw1 "-first" "+edited here"
kill -9 "$(lab_engine_pid fw2)"
sleep 1
check "a new engine on the standby keeps it" wait_for 5 condition_is fw2 drift
kill -9 "$(lab_engine_pid fw1)"
sleep 1
check "and one on the master" wait_for 5 condition_is fw1 drift
kill -9 "$(pgrep -x -P "$(lab_pid fw2)" nsrpd-clerk)"
sleep 1
check "and a new clerk" wait_for 5 condition_is fw2 drift
check "it is still there" content_is fw2 one "edited here"
on fw1 ip link set ha0 down
on fw1 ip link set ha1 down
sleep 1
on fw1 ip link set ha0 up
on fw1 ip link set ha1 up
sleep 2
check "and after the links were cut" content_is fw2 one "edited here"
ctl fw2 sync files --dry-run >"$LAB_DIR/out" 2>&1
check "a dry run says that it would go" grep -q "would be accepted" "$LAB_DIR/out"
check "and changes nothing" content_is fw2 one "edited here"
ctl fw2 sync files >"$LAB_DIR/out" 2>&1
check "sync ends it, from either node" content_is fw2 one first
check "and says so" grep -q "files at fw2: accepted" "$LAB_DIR/out"
write_file fw2 one "once more"
wait_for 3 condition_is fw1 drift
write_file fw1 one second
check "the master's next change ends it, too" wait_for 5 content_is fw2 one second

# ---- refusals

write_file fw1 one "a forbidden word"
check "what the validate program refuses is refused" wait_for 5 both_are refused
check "the old one stays" content_is fw2 one second
check "both say why" eval 'warned fw1 "no such word, please" && warned fw2 "no such word, please"'
n=$(counter fw2 documents_refused)
sleep 2
check "it is not tried again" [ "$(counter fw2 documents_refused)" = "$n" ]
check "but when the operator wants it" refused ctl fw1 sync files
check "who hears why" grep -q "no such word, please" "$LAB_DIR/out"
write_file fw1 one third
check "another change is taken again" wait_for 5 content_is fw2 one third

within fw2 sh -c "rm '$TREE/one' && ln -s '$LAB_DIR/victim' '$TREE/one'"
sleep 0.5
write_file fw1 one fourth
refused_with() { condition_is "$1" "$2" && warned "$1" "$3"; }
check "a listed path that is a symbolic link is not mirrored" wait_for 5 refused_with fw2 unread "it is a symbolic link"
check "nor followed" test ! -e "$LAB_DIR/victim"
within fw2 rm "$TREE/one"
check "without it the file comes" wait_for 5 content_is fw2 one fourth

within fw1 sh -c "mkdir '$TREE/d/sub' && echo y >'$TREE/d/sub/f'"
wait_for 5 both_are equal
within fw2 sh -c "rm -r '$TREE/d/sub' && mkdir '$LAB_DIR/elsewhere' && ln -s '$LAB_DIR/elsewhere' '$TREE/d/sub'"
write_file fw1 d/sub/f "z"
check "a link in the way is refused" wait_for 5 refused_with fw1 refused "there is a symbolic link here"
check "and nothing comes where it leads" [ -z "$(within fw2 ls "$LAB_DIR/elsewhere")" ]
within fw2 rm "$TREE/d/sub"
ctl fw1 sync files >/dev/null
check "without it, it is taken" content_is fw2 d/sub/f z

within fw2 sh -c "mkdir '$TREE/d/mount' && mount -t tmpfs nsrp-test '$TREE/d/mount'"
within fw1 sh -c "mkdir '$TREE/d/mount' && echo w >'$TREE/d/mount/f'"
check "what begins another file system is not crossed" wait_for 5 refused_with fw1 refused "d/mount/f: another file system begins in its way"
check "and nothing comes there" [ -z "$(within fw2 ls "$TREE/d/mount")" ]
within fw2 sh -c "umount '$TREE/d/mount' && rmdir '$TREE/d/mount'"
ctl fw1 sync files >/dev/null
check "without that it is taken" content_is fw2 d/mount/f w
within fw1 rm -r "$TREE/d/mount"

within fw1 mkfifo "$TREE/d/fifo"
within fw1 truncate -s 5M "$TREE/d/huge"
check "a file that is too long stops it, with its name" wait_for 5 refused_with fw1 unread "d/huge: it is longer than 4 MiB"
within fw1 rm "$TREE/d/huge"
check "without it all is well; a FIFO is left out" wait_for 5 both_are equal

within fw2 sh -c "head -c 22M /dev/zero >'$TREE/filler'"
within fw1 sh -c "head -c 3M /dev/zero >'$TREE/d/new'; echo fifth >'$TREE/one'"
check "a full disk is a refusal" wait_for 5 refused_with fw1 refused "No space left"
check "after which nothing has changed" content_is fw2 one fourth
check "and nothing is left over" [ -z "$(within fw2 find "$TREE" -name '.nsrpd-*')" ]
within fw2 rm "$TREE/filler"
ctl fw1 sync files >/dev/null
check "with room it is taken" content_is fw2 one fifth

# ---- roles

ctl fw2 maintenance on >/dev/null
write_file fw1 one sixth
check "a node in maintenance takes nothing" wait_for 5 both_are held
sleep 0.5
check "though time passes" content_is fw2 one fifth
ctl fw2 maintenance off >/dev/null
check "afterwards it does" wait_for 5 content_is fw2 one sixth

write_file fw2 one "kept back"
wait_for 3 both_are drift
ctl fw1 failover >/dev/null
wait_state fw2 master
check "a new master that differs changes nothing" wait_for 5 both_are open
check "there" content_is fw1 one sixth
write_file fw2 one seventh
check "its next change counts" wait_for 5 content_is fw1 one seventh
ctl fw2 failover >/dev/null
wait_state fw1 master
check "one that has the same counts at once" wait_for 5 both_are equal
lag=$(lag_of fw1 fw2)
check "so that the next change goes at once" at_most "$lag" 500

lab_stop fw2
within fw2 sh -c "echo stale >'$TREE/one'"
write_file fw1 d/more more
start_within fw2
wait_state fw2 primary-backup
check "a returning node pulls" wait_for 5 content_is fw2 one seventh
check "all of it" content_is fw2 d/more more

sed -i "s|^files = .*|files = $TREE/one|" "$LAB_DIR/nsrpd.conf"
ctl fw2 reload >/dev/null
write_file fw1 one eighth
check "what is not in this node's list is refused" wait_for 5 refused_with fw2 refused "not in this node's list"
check "as a whole" content_is fw2 one seventh
ctl fw1 reload >/dev/null
check "until both have one list again" wait_for 5 content_is fw2 one eighth

check "no address changed its owner meanwhile" one_owner fw1
exit "$FAILED"
