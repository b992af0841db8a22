#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guide, followed to the letter on two machines that run systemd: each command in its shell blocks is
# run where it says, each configuration is read. And the manual has the options that nsrpd has.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/systemd.sh
. ./systemd.sh
# shellcheck source=tests/netns/package.sh
. ./package.sh
top=$(cd ../.. && pwd)
trap systemd_end EXIT

same_options() {
	diff <("$NSRPD" --help | grep -oE '^  --?[a-z]+' | sort) \
		<(sed -nE 's/^\.It Fl ([a-z-]+).*/  -\1/p' "$top/doc/nsrpd.8" | grep -v version | sort)
}
check "nsrpd(8) has the options of nsrpd" same_options
targets() { # of the README's blocks
	local target
	for target in $(sed -n '/^```sh/,/^```/s/^sudo make \([a-z-]*\).*/\1/p' "$top/README.md"); do
		grep -qE "^([a-z -]* )?$target( [a-z -]*)?:" "$top/Makefile" || return 1
	done
}
check "what the README has made can be made" targets
completed() { # WORDS WORD...: what bash offers for the last of WORD
	local wanted=$1 offered
	shift
	# shellcheck disable=SC2016 # expanded there
	offered=$(PATH=$(dirname "$NSRPCTL"):$PATH timeout 20 bash -c '. "$1"
		shift
		compopt() { :; }
		COMP_WORDS=(nsrpctl "$@") COMP_CWORD=$#
		_nsrpctl
		echo "${COMPREPLY[*]}"' - "$top/conf/bash-completion/nsrpctl" "$@")
	[ "$offered" = "$wanted" ] || {
		echo "# offered: $offered"
		false
	}
}
check "bash completes a verb" completed maintenance mai
check "behind an option, too" completed failover -r /run/other fail
check "the words of a verb" completed "monitors mirror" show m
check "its options" completed --force maintenance on --f
check "and nothing where there is nothing" completed "" genkey ""
if ! systemd_possible; then
	echo "skip - the guide: this machine has no systemd"
	exit "$FAILED"
fi

lab_up
on server ip addr add 10.78.0.254/24 dev eth0 # the provider
# The guide's interfaces and addresses are the lab's.
localized() {
	sed -e 's/\beth0\b/lan0/g; s/\beth1\b/wan0/g; s/\beth2\b/ha0/g; s/\beth3\b/ha1/g' \
		-e 's/192\.0\.2\./10.77.0./g; s/198\.51\.100\./10.78.0./g'
}
# Writes the blocks of the guide into $LAB_DIR/blocks/NUMBER.KIND[.WHERE].
mkdir "$LAB_DIR/blocks"
localized <"$top/doc/GUIDE.md" | awk -v dir="$LAB_DIR/blocks" '
	/^```[a-z]/ { file = sprintf("%s/%02d.%s", dir, ++n, substr($0, 4)); gsub(/ /, ".", file); next }
	/^```/ { file = ""; next }
	file { print > file }'
check "the guide has blocks" test "$(find "$LAB_DIR/blocks" -name '*.sh.*' | wc -l)" -gt 8
check "all of which say where" test -z "$(find "$LAB_DIR/blocks" -name '*.sh')"

check "there is a package" package_get "$LAB_DIR/nsrpd.deb"
for node in fw1 fw2; do
	systemd_prepare $node
	check "$node boots" systemd_boot $node
	root=$(systemd_root $node)
	cp "$LAB_DIR/nsrpd.deb" "$root/root/"
	mkdir -p "$root/etc/keepalived" "$root/etc/conntrackd"
	printf 'vrrp_instance a {\n interface lan0\n virtual_ipaddress { 10.77.0.1/24 } }\n' >"$root/etc/keepalived/keepalived.conf"
	printf 'Sync { Multicast { Interface ha0 \n } }\n' >"$root/etc/conntrackd/conntrackd.conf"
done

ctl() { # NODE VERB...
	local node=$1
	shift
	inside "$node" nsrpctl "$@"
}
copy() { # as `scp -p FILE fw2:DIRECTORY`
	cp -p "$(systemd_root fw1)$3" "$(systemd_root fw2)${4#fw2:}"
}
run() { # NODE COMMAND
	case $2 in
	scp\ *)
		# shellcheck disable=SC2086 # words
		copy $2
		;;
	*) inside "$1" bash -c "cd /root && $2" ;;
	esac >"$LAB_DIR/out" 2>&1 || {
		sed 's/^/# /' "$LAB_DIR/out"
		return 1
	}
}
# What the guide lets its reader wait for.
settled() { well fw1 && well fw2; }
well() { ctl "$1" status --check >/dev/null; }
patience() { # COMMAND: before it, or after it
	case $1 in
	*failover* | *status* | *"maintenance off"*) wait_for 20 settled ;;
	esac
}
for block in "$LAB_DIR"/blocks/*; do
	name=$(basename "$block")
	case $name in
	*.ini)
		for node in fw1 fw2; do cp "$block" "$(systemd_root $node)/etc/nsrpd/nsrpd.conf"; done
		cp "$block" "$LAB_DIR/whole.conf"
		continue
		;;
	*.ini.add)
		# Its sections in the place of those of the quick start.
		awk 'NR == FNR { if (/^\[/) mine[$1 " " $2] = 1; next }
			/^\[/ { skip = ($1 " " $2) in mine } !skip' "$block" "$LAB_DIR/whole.conf" >"$(systemd_root fw1)/root/add.conf"
		cat "$block" >>"$(systemd_root fw1)/root/add.conf"
		for node in fw1 fw2; do check "$name: accepted on $node" run fw1 "nsrpctl check /root/add.conf -n $node"; done
		continue
		;;
	*.both) nodes="fw1 fw2" ;;
	*) nodes=${name##*.} ;;
	esac
	while IFS= read -r command <&3; do
		for node in $nodes; do
			[[ $command != *--check* ]] || patience status
			check "$name on $node: $command" run "$node" "$command"
		done
		patience "$command"
	done 3<"$block"
done
check "in the end there is a master" wait_for 10 settled
moved() { ctl fw1 history | grep -q "operator's failover"; }
check "and the history tells of what was done" moved
exit "$FAILED"
