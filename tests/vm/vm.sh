# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# vm: what the host's kernel lacks (ESP, netem, VLANs, a wall clock of one's own) is tested in
# User-Mode Linux. A test sources this, calls vm_enter, and goes on in a virtual machine:
#
#   . "$(dirname "$0")/vm.sh"
#   vm_enter "$@"
#
# The machine's root is the host's file system, read-only; what it writes goes to tmpfs, and what
# it says, to the host.

VM_MEMORY=${VM_MEMORY:-768M}
VM_SECONDS=${VM_SECONDS:-240}
VM_KERNEL=${VM_KERNEL:-linux.uml}

# The lines of the environment that a test needs, as shell. The address space of a process there ends
# below what AddressSanitizer needs: the programs are those without.
vm_environment() {
	local name
	for name in NSRPD_RELEASE NSRPCTL_RELEASE STREAM FLOOD CI VM_DIR LAB_KEEP; do
		[ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	echo 'export NSRPD=$NSRPD_RELEASE NSRPCTL=$NSRPCTL_RELEASE'
	printf 'cd %q\nexec bash %q' "$PWD" "$1"
	shift
	[ $# = 0 ] || printf ' %q' "$@"
	echo
}

# In the machine, where the lab is sourced: one processor has to do everything, and waits for the host
# at times. A configuration that does not take that for a fault, and traffic that leaves it some air.
LAB_DISTANCE_US=5000
vm_conf() { # [LINE of cluster...]
	lab_conf "$(printf '%s\n' 'heartbeat = 100ms' 'lost-after = 10' "$@")"
}

# A planned failover that such a machine, beside others, may be too busy to confirm in time.
hand_over() { # NODE
	ctl "$1" failover || ctl "$1" failover
}

# Says what is missing, and is true when something is.
vm_lacks() {
	command -v "$VM_KERNEL" >/dev/null || { echo "no User-Mode Linux (package user-mode-linux)" && return; }
	command -v modprobe >/dev/null || { echo "no modprobe (package kmod)" && return; }
	return 1
}

# On the host: the same test runs in a machine, and its result is this one's. In it: goes on.
vm_enter() { # [ARGUMENT...]
	local status=0 lack test
	[ -z "${VM_INSIDE:-}" ] || return 0
	test=$(realpath "$0")
	if lack=$(vm_lacks); then
		echo "skip - $(basename "$test" .sh): $lack"
		exit 0
	fi
	VM_DIR=$(mktemp -d)
	vm_environment "$test" "$@" >"$VM_DIR/run"
	touch "$VM_DIR/output"
	# The machine's memory is a file in TMPDIR.
	TMPDIR=/dev/shm timeout -k 5 "$VM_SECONDS" "$VM_KERNEL" "mem=$VM_MEMORY" root=/dev/root \
		rootfstype=hostfs rootflags=/ ro "init=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/init" "VM_DIR=$VM_DIR" \
		"uml_dir=$VM_DIR/" con=null con0=null,fd:1 quiet >"$VM_DIR/console" 2>&1 </dev/null ||
		status=$?
	cat "$VM_DIR/output"
	[ -s "$VM_DIR/status" ] && [ "$status" = 0 ] || {
		echo "the machine did not end well ($status); its console:"
		tail -n 40 "$VM_DIR/console"
	}
	status=$(cat "$VM_DIR/status" 2>/dev/null || echo 1)
	rm -rf "$VM_DIR"
	exit "$status"
}
