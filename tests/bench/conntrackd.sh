# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# conntrackd (FT-FW) on the firewalls of the lab, over ha0, where they have 10.80.0.1 and 10.80.0.2.
# Sourced after lab.sh.

conntrackd_conf() { # NODE on|off: without its external cache, or with it
	cat <<-EOF
		Sync {
			Mode FTFW {
				ResendQueueSize 131072
				ACKWindowSize 300
				DisableExternalCache $2
				StartupResync yes
			}
			UDP {
				IPv4_address 10.80.0.${1#fw}
				IPv4_Destination_Address 10.80.0.$((3 - ${1#fw}))
				Port 3780
				Interface ha0
				SndSocketBuffer 8388608
				RcvSocketBuffer 8388608
				Checksum on
			}
			Options { TCPWindowTracking Off }
		}
		General {
			Scheduler {
				Type FIFO
				Priority 50
			}
			HashSize 524288
			HashLimit 2500000
			Syslog off
			LockFile $LAB_DIR/$1/conntrackd.lock
			UNIX { Path $LAB_DIR/$1/conntrackd.ctl }
			NetlinkBufferSize 67108864
			NetlinkBufferSizeMaxGrowth 67108864
			NetlinkOverrunResync On
			NetlinkEventsReliable Off
			Filter From Userspace {
				Address Ignore { IPv4_address 127.0.0.1 IPv4_address 10.80.0.1 IPv4_address 10.80.0.2 }
			}
		}
	EOF
}

conntrackd_ask() { # NODE OPTION...
	local node=$1
	shift
	on "$node" conntrackd -C "$LAB_DIR/$node/conntrackd.conf" "$@"
}

# Its pid is in $CONNTRACKD_PID.
conntrackd_start() { # NODE on|off
	rm -f "$LAB_DIR/$1/conntrackd.lock" "$LAB_DIR/$1/conntrackd.ctl"
	conntrackd_conf "$1" "$2" >"$LAB_DIR/$1/conntrackd.conf"
	ip netns exec "$LAB-$1" conntrackd -C "$LAB_DIR/$1/conntrackd.conf" >>"$LAB_DIR/$1/log" 2>&1 &
	CONNTRACKD_PID=$!
}

# As operators do before the first session: with 2 the kernel tells of a session only while
# somebody listened when it was made.
conntrackd_lab() {
	local node
	for node in fw1 fw2; do
		on "$node" ip addr replace "10.80.0.${node#fw}/24" dev ha0
		on "$node" sysctl -qw net.netfilter.nf_conntrack_events=1
	done
}

install_missing() { # PROGRAM...: each in a package of its name
	local program
	for program; do
		command -v "$program" || {
			apt-get update && apt-get install -y --no-install-recommends "$program"
		}
	done >/dev/null
}
