# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2317 # matrix_do calls these by name
#
# The cases of the fault matrix: each a line for matrix_case (see matrix.sh), and what it does.
# fw1 is master when the fault strikes.

# ---- nothing, and the operator -------------------------------------------------------------

matrix_case nothing default 1 0 1 "fw1 = 2a" "lost 0"

matrix_case planned default 1 1 2 "fw2 master 2d operator's failover; fw2 = 2a" "lost 0"
strike_planned() { lab_failover fw1; }

# ---- a node dies or sleeps -----------------------------------------------------------------

matrix_case power-off default 1.2 1 2 "fw2 master 4c peer lost; fw2 ~ fw1 is not heard for" "lost 10"
prepare_power_off() { sleep 6; } # the secondary paths' round-trip time is measured each 5 s
strike_power_off() { lab_power_off fw1; }
heal_power_off() { lab_power_on fw1; }

matrix_case standby-power-off default 1.2 0 1 "fw1 = 2a; fw1 ~ fw2 is not heard for" "lost 0"
strike_standby_power_off() { lab_power_off fw2; }
heal_standby_power_off() { lab_power_on fw2; }

# No carrier falls: nothing but silence tells of it.
matrix_case silent-death fast 1.2 1 2 "fw2 master 4c peer lost; fw2 ~ fw1 is not heard for" "lost 35"
strike_silent_death() {
	mute fw1
	lab_kill fw1
}
heal_silent_death() {
	lab_withdraw fw1
	unmute fw1
	lab_start fw1
}

pause() { # NODE: all of it, and what it would say
	mute "$1"
	# shellcheck disable=SC2046 # may be several
	kill -STOP $(lab_pid "$1") "$(lab_engine_pid "$1")"
}
resume() {
	local pids
	pids="$(lab_pid "$1") $(lab_engine_pid "$1")"
	unmute "$1"
	tell owners healed
	# shellcheck disable=SC2086
	kill -CONT $pids
}

matrix_case pause default 1.5 1 2 "fw2 master 4c peer lost; fw2 = 2a" "healed 50"
strike_pause() { pause fw1; }
heal_pause() { resume fw1; }

# Its leases run out meanwhile.
matrix_case pause-long default 8 1 2 "fw2 master 4c peer lost; fw2 = 2a" "two 0"
strike_pause_long() { pause fw1; }
heal_pause_long() { resume fw1; }

matrix_case pause-fast fast 1.5 1 2 "fw2 master 4c peer lost; fw2 = 2a" "lost 35 healed 10"
strike_pause_fast() { pause fw1; }
heal_pause_fast() { resume fw1; }

matrix_case standby-pause default 1.5 0 1 "fw1 = 2a" "lost 0"
strike_standby_pause() { pause fw2; }
heal_standby_pause() { resume fw2; }

# ---- its processes -------------------------------------------------------------------------

matrix_case engine-kill default 1.2 0 1 "fw1 master 2a the peer did not take over meanwhile" "lost 0 two 0"
prepare_engine_kill() { sleep 5; } # since it died last
strike_engine_kill() { kill -9 "$(lab_engine_pid fw1)"; }

# One that dies again within seconds is given up.
matrix_case engine-kill-again default 2 1 2 \
	"fw1 master 2a the peer did not take over meanwhile; fw2 master 4c peer stopped" "two 0"
prepare_engine_kill_again() { sleep 5; }
strike_engine_kill_again() {
	kill -9 "$(lab_engine_pid fw1)"
	wait_for 5 is_state fw1 master
	kill -9 "$(lab_engine_pid fw1)"
}

# Shorter than its guardian waits.
matrix_case engine-stop default 1.2 0 1 "fw1 master 2a the peer did not take over meanwhile" "lost 0 two 0"
strike_engine_stop() {
	local engine
	engine=$(lab_engine_pid fw1)
	kill -STOP "$engine"
	sleep 0.3
	kill -CONT "$engine"
}

# The guardian kills it.
matrix_case engine-hang default 3 1 2 "fw2 master 4c peer stopped" "lost 10 two 0"
strike_engine_hang() { kill -STOP "$(lab_engine_pid fw1)"; }

# Nobody is left to take the addresses away but the kernel.
matrix_case kill-both default 8 1 2 "fw2 master 4c peer lost; fw2 ~ fw1 is not heard for" "two 6500"
strike_kill_both() { lab_kill fw1; }
heal_kill_both() { lab_start fw1; }

# ---- links of the data side ----------------------------------------------------------------

matrix_case lan-link default 1.2 1 2 \
	"fw2 master 2b monitors, lan0/0; fw1 inoperable 2b monitors, lan0/0; fw1 ~ inoperable: failed weight 255 of 255: lan0/0" "lost 5"
strike_lan_link() { on fw1 ip link set lan0 down; }
heal_lan_link() { lab_link_up fw1 lan0; }

matrix_case wan-link default 1.2 1 2 \
	"fw2 master 2b monitors, wan0/0; fw1 inoperable 2b monitors, wan0/0; fw1 ~ inoperable: failed weight 255 of 255: wan0/0" "lost 5"
strike_wan_link() { on fw1 ip link set wan0 down; }
heal_wan_link() { lab_link_up fw1 wan0; }

matrix_case lan-port default 1.2 1 2 \
	"fw2 master 2b monitors, lan0/0; fw1 inoperable 2b monitors, lan0/0; fw1 ~ inoperable: failed weight 255 of 255: lan0/0" "lost 5"
strike_lan_port() { on lan ip link set fw1 down; }
heal_lan_port() { lab_link_up lan fw1; }

matrix_case wan-port default 1.2 1 2 \
	"fw2 master 2b monitors, wan0/0; fw1 inoperable 2b monitors, wan0/0; fw1 ~ inoperable: failed weight 255 of 255: wan0/0" "lost 5"
strike_wan_port() { on wan ip link set fw1 down; }
heal_wan_port() { lab_link_up wan fw1; }

matrix_case standby-port default 1.2 0 1 "fw2 inoperable 2a monitors; fw1 = 2a; fw1 ~ fw2 is inoperable: failed weight 255 of 255: lan0/0" "lost 0"
strike_standby_port() { on lan ip link set fw2 down; }
heal_standby_port() { lab_link_up lan fw2; }

# The master's goes last and comes back first, so that it is never the only one without.
matrix_case both-uplinks default 1.2 0 - "fw2 inoperable * monitors; fw1 = 3; fw1 ~ fw1 is master: failed weight 255 of 255: wan0/0"
strike_both_uplinks() {
	on wan ip -batch - <<-EOF
		link set fw2 down
		link set fw1 down
	EOF
}
heal_both_uplinks() {
	lab_link_up wan fw1
	sleep 1.5
	lab_link_up wan fw2
}

# What lies behind the switch does not hear fw1, nor does fw1 hear it; the links are up.
matrix_case black-hole watched 1.5 1 2 \
	"fw2 master 2b monitors, uplink; fw1 inoperable 2b monitors, uplink; fw2 ~ fw1 is inoperable: failed weight 255 of 255: uplink" "lost 605"
strike_black_hole() {
	on wan nft -f - <<-EOF
		table netdev hole {
			chain in { type filter hook ingress device fw1 priority 0; policy drop; }
			chain out { type filter hook egress device fw1 priority 0; policy drop; }
		}
	EOF
}
heal_black_hole() { on wan nft delete table netdev hole; }

# The kernel keeps its lock while it deletes one: the other addresses can go only after that.
matrix_case interface-deleted default 1.2 1 2 \
	"fw2 master 2b monitors, lan0/0; fw1 inoperable 2b monitors, lan0/0; fw1 ~ inoperable: failed weight 255 of 255: lan0/0" "lost 30"
strike_interface_deleted() { on fw1 ip link del lan0; }
heal_interface_deleted() { lab_port fw1 lan; }

matrix_case address-removed default 1.2 0 1 "fw1 = 2a" "none 5"
strike_address_removed() { on fw1 ip addr del "$LAN_VIP/24" dev lan0; }

# ---- HA links ------------------------------------------------------------------------------

ha_links() { # up|down LINK...: at fw1; both ends lose their carrier
	local state=$1
	shift
	printf "link set %s $state\n" "$@" | on fw1 ip -batch -
}

matrix_case ha-a default 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_a() { ha_links down ha0; }
heal_ha_a() { ha_links up ha0; }

matrix_case ha-b default 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_b() { ha_links down ha1; }
heal_ha_b() { ha_links up ha1; }

matrix_case ha-both default 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_both() { ha_links down ha0 ha1; }
heal_ha_both() { ha_links up ha0 ha1; }

# In the switches: what comes in at these ports goes no further, and no carrier falls.
ha_cut() { # PORT...
	local ports
	ports=$(printf '%s, ' "$@")
	on ha nft -f - <<-EOF
		table netdev cut {
			chain in {
				type filter hook ingress devices = { ${ports%, } } priority 0; policy drop;
			}
		}
	EOF
}
ha_healed() { on ha nft delete table netdev cut; }

matrix_case ha-both-silent fast 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_both_silent() { ha_cut ha0-fw1 ha0-fw2 ha1-fw1 ha1-fw2; }
heal_ha_both_silent() { ha_healed; }

matrix_case ha-one-way fast 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_one_way() { ha_cut ha0-fw1; }
heal_ha_one_way() { ha_healed; }

matrix_case ha-both-one-way fast 1.2 0 1 "fw1 = 2a" "lost 0"
strike_ha_both_one_way() { ha_cut ha0-fw1 ha1-fw1; }
heal_ha_both_one_way() { ha_healed; }

# They do not hear each other at all, and all others hear both. The bounds: a heartbeat, and 5 ms
# for the command that heals.
matrix_case apart default 1.2 1 both "fw2 master 4c peer lost; fw? *backup 6? two masters met" "healed 55"
strike_apart() {
	lab_apart on
	ha_links down ha0 ha1
}
heal_apart() {
	tell owners healed
	ha_links up ha0 ha1
	lab_apart off
}

matrix_case apart-silent fast 1.2 1 both "fw2 master 4c peer lost; fw? *backup 6? two masters met" "healed 15"
strike_apart_silent() {
	lab_apart on
	ha_cut ha0-fw1 ha0-fw2 ha1-fw1 ha1-fw2
}
heal_apart_silent() {
	poise ha
	tell owners healed
	at_once "delete table netdev cut"
	lab_apart off
}

# ---- booting -------------------------------------------------------------------------------

both_stopped() {
	lab_stop fw2
	lab_stop fw1
}

matrix_case boot-both default 6 0 - "fw1 master 4a elected; fw2 = 2a" "two 0"
prepare_boot_both() { both_stopped; }
strike_boot_both() {
	lab_start fw1
	lab_start fw2
}

matrix_case boot-alone default 5 1 - "fw2 master 4b nobody heard during the boot wait; fw2 = 2a" "two 0"
prepare_boot_alone() { both_stopped; }
strike_boot_alone() { lab_start fw2; }
heal_boot_alone() { lab_start fw1; }

# ---- the rest of the machine ---------------------------------------------------------------

# Whatever rules can drop, but for what leaves by a netdev hook.
drop_everything() { # NODE
	local family hook
	{
		echo "table netdev drops {"
		for link in ha0 ha1; do
			echo "chain $link { type filter hook ingress device $link priority 0; policy drop; }"
		done
		echo "}"
		for family in inet ip ip6 bridge; do
			echo "table $family drops {"
			for hook in prerouting input forward output postrouting; do
				echo "chain $hook { type filter hook $hook priority 0; policy drop; }"
			done
			echo "}"
		done
		echo "table arp drops {"
		for hook in input output; do
			echo "chain $hook { type filter hook $hook priority 0; policy drop; }"
		done
		echo "}"
	} | on "$1" nft -f -
}
drop_nothing() { # NODE
	local family
	for family in netdev inet ip ip6 bridge arp; do on "$1" nft delete table "$family" drops; done
}

matrix_case drop-policies default 2 0 - "fw1 = 2a"
strike_drop_policies() { for node in fw1 fw2; do drop_everything "$node"; done; }
heal_drop_policies() { for node in fw1 fw2; do drop_nothing "$node"; done; }

matrix_case busy-loops fast "${BUSY_SECONDS:-6}" 0 1 "fw1 = 2a" "lost 0"
strike_busy_loops() { lab_busy 16 $((${BUSY_SECONDS:-6} + 60)); }
heal_busy_loops() { lab_idle; }
