# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2317 # lab.sh calls these by name
#
# keepalived with conntrackd as what runs on the firewalls of the lab (LAB_SYSTEM=keepalived).
# Sourced after lab.sh and conntrackd.sh.
#
#   ADVERT   seconds between adverts
#   OVER     lan: an instance on each side, in one sync group; ha: one instance, on ha0
#   DIRECT   on: conntrackd without its external cache
#   WATCH    yes: with a script that pings the server

ADVERT=1 OVER=lan DIRECT=off WATCH=no

# Commits what the other firewall knew, as the script that comes with conntrackd does.
keepalived_hook() { # NODE
	cat >"$LAB_DIR/$1/hook" <<-EOF
		#!/bin/sh
		tell() { conntrackd -C "$LAB_DIR/$1/conntrackd.conf" "\$1"; }
		case \$1 in
		master) tell -c; tell -f; tell -R; tell -B ;;
		backup) tell -t; tell -n ;;
		*) tell -t ;;
		esac >>"$LAB_DIR/$1/hook.log" 2>&1
	EOF
	chmod 755 "$LAB_DIR/$1/hook"
}

keepalived_addresses() { # lan|wan...
	local side
	echo "virtual_ipaddress {"
	for side; do [ "$side" = lan ] && echo "$LAN_VIP/24 dev lan0" || echo "$WAN_VIP/24 dev wan0"; done
	echo "}"
	echo "virtual_ipaddress_excluded {"
	for side; do [ "$side" = lan ] && echo "$LAN_VIP6/64 dev lan0" || echo "$WAN_VIP6/64 dev wan0"; done
	echo "}"
}

keepalived_instance() { # NAME INTERFACE ID PRIORITY SIDE...
	local name=$1 interface=$2 id=$3 priority=$4
	shift 4
	cat <<-EOF
		vrrp_instance $name {
			state BACKUP
			interface $interface
			virtual_router_id $id
			priority $priority
			advert_int $ADVERT
			$(keepalived_addresses "$@")
	EOF
	[ "$OVER" = lan ] || echo "track_interface { lan0 wan0 }"
	echo "}"
}

# It is given what its manual has for short intervals: real-time priority, and memory that stays.
keepalived_conf() { # NODE PRIORITY
	local state
	cat <<-EOF
		global_defs {
			router_id $1
			script_user root
			vrrp_version 3
			vrrp_rt_priority 50
			vrrp_rlimit_rttime 1000000
			vrrp_no_swap
		}
	EOF
	# By IPv6: what goes by ICMP has the shared address as its source, which the standby has not.
	[ "$WATCH" = no ] || cat <<-EOF
		vrrp_script uplink {
			script "$(command -v ping) -qnc 1 -W 1 $SERVER6"
			interval 1
			timeout 1
			fall 2
			rise 2
		}
	EOF
	echo "vrrp_sync_group all {"
	[ "$OVER" = lan ] && echo "group { lan wan }" || echo "group { both }"
	[ "$WATCH" = no ] || echo "track_script { uplink }"
	for state in master backup fault; do echo "notify_$state \"$LAB_DIR/$1/hook $state\""; done
	echo "}"
	if [ "$OVER" = lan ]; then
		keepalived_instance lan lan0 77 "$2" lan
		keepalived_instance wan wan0 78 "$2" wan
	else
		keepalived_instance both ha0 79 "$2" lan wan
	fi
}

# The first pid is keepalived's, whose child does the work.
keepalived_start() { # NODE
	local dir=$LAB_DIR/$1
	rm -f "$dir/keepalived.pid" "$dir/vrrp.pid"
	conntrackd_start "$1" "$DIRECT"
	keepalived_hook "$1"
	keepalived_conf "$1" $((200 - 50 * ${1#fw})) >"$dir/keepalived.conf"
	ip netns exec "$LAB-$1" keepalived --vrrp --dont-fork --log-console --log-detail --no-syslog \
		-f "$dir/keepalived.conf" -p "$dir/keepalived.pid" -r "$dir/vrrp.pid" >>"$dir/log" 2>&1 &
	printf '%s\n' "$!" "$CONNTRACKD_PID" >"$dir/pid"
}

keepalived_withdraw() { # NODE
	on "$1" ip -force -batch - >/dev/null 2>&1 <<-EOF || true
		addr del $LAN_VIP/24 dev lan0
		addr del $WAN_VIP/24 dev wan0
		addr del $LAN_VIP6/64 dev lan0
		addr del $WAN_VIP6/64 dev wan0
	EOF
}

# By a priority below the peer's, and a reload.
keepalived_failover() { # NODE
	keepalived_conf "$1" 50 >"$LAB_DIR/$1/keepalived.conf"
	kill -HUP "$(lab_pid "$1" | head -n 1)"
}

# A standby that runs; were it the master for a moment, it had the addresses.
keepalived_ready() {
	[ -e "$LAB_DIR/fw2/vrrp.pid" ] && one_owner fw1
}
