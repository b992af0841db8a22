# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# systemd: the firewalls of lab.sh as machines of their own: systemd boots in namespaces, over this
# machine's own root file system, of which nothing is changed: what they write lies in $LAB_DIR.
# Sourced behind lab.sh.

# Where this machine's control groups are; systemd keeps its own list in the named one, and uses the
# others as it likes. A new group of those that share out real-time priority would have none.
SYSTEMD_CGROUPS=$(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts |
	while read -r group; do [ -e "$group/cpu.rt_runtime_us" ] || echo "$group"; done)

# Inside the new namespaces: mounts what a machine has, and becomes its systemd. A word for
# `bash -c`, with the root directory as its argument.
# shellcheck disable=SC2016 # expanded there
SYSTEMD_INIT='
	set -e
	root=$1
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs sysfs "$root/sys"
	for place in run tmp dev; do mount -t tmpfs "$place" "$root/$place"; done
	for device in null zero full random urandom tty; do
		touch "$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t tmpfs cgroups "$root/sys/fs/cgroup"
	mkdir "$root/sys/fs/cgroup/systemd"
	mount -t cgroup -o none,name=systemd,xattr cgroup "$root/sys/fs/cgroup/systemd"
	# The settings of networks are those of the namespace, all others this machine'"'"'s.
	mount -t proc proc "$root/mnt"
	mount --bind "$root/mnt/sys/net" "$root/proc/sys/net"
	umount -l "$root/mnt"
	hostname "$2"
	exec env -i container=nsrp PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIFIED_CGROUP_HIERARCHY=0 \
		chroot "$root" /lib/systemd/systemd systemd.unit=basic.target
'

# systemd_possible: this machine has what it takes.
systemd_possible() {
	[ -x /lib/systemd/systemd ] && [ -d /sys/fs/cgroup/systemd ]
}

systemd_root() { # NODE
	echo "$LAB_DIR/$1/root"
}

# Makes the node's file system: a layer over this machine's, without what others configured there.
systemd_prepare() { # NODE
	local root layer unit
	root=$(systemd_root "$1")
	layer=$LAB_DIR/$1/layer
	mkdir -p "$root" "$layer/upper" "$layer/work"
	mount -t overlay "$LAB-$1" -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
	rm -rf "$root/etc/nsrpd" "$root/var/lib/nsrpd" "$root/usr/sbin/policy-rc.d"
	echo "$1" >"$root/etc/hostname"
	for unit in systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved \
		systemd-timesyncd systemd-logind systemd-sysctl systemd-binfmt nftables; do
		ln -sfn /dev/null "$root/etc/systemd/system/$unit.service"
	done
}

systemd_boot() { # NODE
	(
		for group in $SYSTEMD_CGROUPS; do
			mkdir "$group/$LAB-$1"
			# Sets of processors are inherited by request alone.
			echo 1 >"$group/$LAB-$1/cgroup.clone_children" || true
			cat "$group/cpuset.cpus" >"$group/$LAB-$1/cpuset.cpus" || true
			cat "$group/cpuset.mems" >"$group/$LAB-$1/cpuset.mems" || true
			echo "$BASHPID" >"$group/$LAB-$1/cgroup.procs"
		done 2>/dev/null
		exec nsenter "--net=/run/netns/$LAB-$1" unshare --mount --pid --uts --ipc --cgroup \
			--propagation private --fork --kill-child \
			bash -c "$SYSTEMD_INIT" init "$(systemd_root "$1")" "$1"
	) >"$LAB_DIR/$1/boot.log" 2>&1 &
	echo "$!" >"$LAB_DIR/$1/boot"
	disown "$!"
	wait_for 20 systemd_is_up "$1"
}

systemd_pid() { # NODE: of its first process
	pgrep -P "$(cat "$LAB_DIR/$1/boot")" | head -n 1
}

inside() { # NODE COMMAND...: on that machine
	local node=$1
	shift
	nsenter -t "$(systemd_pid "$node")" --mount --pid --uts --ipc --cgroup --net \
		chroot "$(systemd_root "$node")" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive "$@"
}

systemd_is_up() { # NODE
	case $(inside "$1" systemctl is-system-running 2>/dev/null) in
	running | degraded) true ;;
	*) false ;;
	esac
}

# Power off, without a word; and what it left on this machine is removed.
systemd_down() { # NODE
	local group
	[ -e "$LAB_DIR/$1/boot" ] || return 0
	kill -9 "$(systemd_pid "$1")" "$(cat "$LAB_DIR/$1/boot")" 2>/dev/null || true
	rm -f "$LAB_DIR/$1/boot"
	for group in $SYSTEMD_CGROUPS; do
		for _ in $(seq 100); do
			[ -d "$group/$LAB-$1" ] || break
			find "$group/$LAB-$1" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
		done
	done
}

systemd_forget() { # NODE
	systemd_down "$1"
	umount -l "$(systemd_root "$1")" 2>/dev/null || true
}

# The end of a test: both machines go, and the lab; what failed has their journals.
systemd_end() {
	local status=$? node
	for node in fw1 fw2; do
		if [ "$FAILED" != 0 ] && [ -e "$LAB_DIR/$node/boot" ]; then
			echo "--- $node's journal"
			inside "$node" journalctl --no-pager -n 300 2>/dev/null
			cat "$LAB_DIR/$node/boot.log" 2>/dev/null
		fi
		systemd_forget "$node"
	done
	(exit "$status")
	lab_down
}
