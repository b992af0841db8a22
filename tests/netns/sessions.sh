# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# sessions: what the tests of the session mirror share. Sourced after lab.sh.
#
# Both nodes let in new sessions from the LAN alone, and to one server of the LAN by destination
# NAT; what is neither new nor known is dropped. So a session that the other node's kernel does
# not have is one that does not go on, but for what comes from the LAN and may be new: that is
# counted.

declare -A TO FROM
TALK=$(dirname "${BASH_SOURCE[0]}")/talk.py
TALK_PORTS="5000 5001 5005 5006 6000 21 2121"
DATA_PORTS="50010 50011 50012 50013"

session_filter() { # NODE
	on "$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	on "$1" nft -f - <<-EOF
		table inet fw {
			counter invalid { }
			counter new { }
			ct helper ftp { type "ftp" protocol tcp; }
			chain forward {
				type filter hook forward priority filter; policy drop
				ct state invalid counter name "invalid" drop
				tcp dport { 21, 2121 } ct helper set "ftp"
				ct state established,related accept
				udp dport != 5007 ct state new counter name "new"
				meta l4proto != udp ct state new counter name "new"
				iifname "lan0" oifname "wan0" ct state new accept
				ct status dnat accept
			}
		}
	EOF
}

session_rules() { # NODE
	session_filter "$1"
	on "$1" nft -f - <<-EOF
		table ip nat {
			chain before {
				type nat hook prerouting priority dstnat
				iifname "wan0" ip daddr $WAN_VIP tcp dport 8080 dnat to $CLIENT:6000
			}
			chain after {
				type nat hook postrouting priority srcnat
				oifname "wan0" tcp dport { 5001, 2121 } snat to $WAN_VIP
				oifname "wan0" udp dport 5006 snat to $WAN_VIP
				oifname "wan0" ip protocol icmp snat to $WAN_VIP
			}
		}
		table ip6 nat {
			chain after {
				type nat hook postrouting priority srcnat
				oifname "wan0" tcp dport 5001 snat to $WAN_VIP6
			}
		}
	EOF
}

# A program that answers each line it is told by a line.
listener() { # NAME COMMAND...: from now on it can be told
	local name=$1 in out
	shift
	mkfifo "$LAB_DIR/$name.in" "$LAB_DIR/$name.out"
	exec {in}<>"$LAB_DIR/$name.in" {out}<>"$LAB_DIR/$name.out"
	"$@" <"$LAB_DIR/$name.in" >"$LAB_DIR/$name.out" 2>"$LAB_DIR/$name.err" &
	LAB_PIDS="$LAB_PIDS $!"
	disown "$!"
	TO[$name]=$in FROM[$name]=$out
}

talker() { # NODE ARGUMENT...
	local node=$1
	shift
	listener "$node" ip netns exec "$LAB-$node" "$TALK" "$@"
	tell "$node" close nothing # it listens before it answers
}

tell() { # NAME COMMAND...: the answer is in $ANSWER
	local node=$1
	shift
	echo "$*" >&"${TO[$node]}"
	read -r -t 60 ANSWER <&"${FROM[$node]}" || ANSWER="no answer from $node"
}

opens() { # NODE COMMAND...
	tell "$@"
	[[ $ANSWER =~ ^opened\ ([0-9]+)\ of\ ([0-9]+)$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]] ||
		{ echo "# $*: $ANSWER"; false; }
}

# Every connection of the group answers, none was reset.
alive() { # NODE GROUP
	tell "$1" ask "$2" 12
	[[ $ANSWER =~ \ ([0-9]+)\ of\ ([0-9]+)\ reset\ 0$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" &&
		${BASH_REMATCH[1]} != 0 ]] || { echo "# $1: $ANSWER"; false; }
}

answers() { # NODE GROUP
	tell "$1" answers "$2"
	echo "${ANSWER#answers }"
}

sessions_lab() { # [LINES of cluster]: all is up, and the talkers wait
	lab_up
	lab_conf "$@"
	# shellcheck disable=SC2086
	talker server $TALK_PORTS --sink 5007
	# shellcheck disable=SC2086
	talker client 6000 $DATA_PORTS
	for node in fw1 fw2; do session_rules "$node"; done
}

quietly() { # COMMAND...: says something only when it fails
	"$@" >"$LAB_DIR/out" 2>&1 || { sed 's/^/# /' "$LAB_DIR/out"; false; }
}

# How many packets a counter of the ruleset has counted.
packets() { # NODE COUNTER
	on "$1" nft -j list counter inet fw "$2" | jq '.nftables[] | .counter? // empty | .packets'
}

forget_packets() { # NODE
	on "$1" nft reset counters >/dev/null
}

# Of all that went through that node since then, none was unknown to it.
nothing_unknown() { # NODE
	local new invalid
	new=$(packets "$1" new) invalid=$(packets "$1" invalid)
	[ "$new" = 0 ] && [ "$invalid" = 0 ] || { echo "# $1: new $new invalid $invalid"; false; }
}

# What conntrack(8) shows, but for what is each kernel's own: timeouts, use, ids, and the nodes'
# own traffic.
OWN='(src|dst)=(10\.7[78]\.0\.1[12]|10\.79\.0\.[12]|fd7[78]::1[12]|127\.0\.0\.1|fe80:|ff02:|224\.)'
outside() { # NODE
	on "$1" conntrack -L -o extended 2>/dev/null | grep -vE "$OWN" |
		sed -E 's/^(ipv[46] +[0-9]+ +[a-z0-9-]+ +[0-9]+) [0-9]+/\1/; s/ use=[0-9]+//' | sort
	on "$1" conntrack -L expect 2>/dev/null | grep -vE "$OWN" | sed -E 's/^-?[0-9]+ //' | sort
}

tables_equal() {
	outside fw1 >"$LAB_DIR/table.fw1"
	outside fw2 >"$LAB_DIR/table.fw2"
	diff "$LAB_DIR/table.fw1" "$LAB_DIR/table.fw2" >"$LAB_DIR/table.diff"
}

# wait_equal SECONDS [MIN]: both kernels' tables become equal, and have at least MIN lines.
wait_equal() {
	if ! wait_for "$1" tables_equal || [ "$(wc -l <"$LAB_DIR/table.fw1")" -lt "${2:-1}" ]; then
		echo "# fw1 $(wc -l <"$LAB_DIR/table.fw1") fw2 $(wc -l <"$LAB_DIR/table.fw2")" \
			"different $(grep -c '^[<>]' "$LAB_DIR/table.diff")"
		grep '^[<>]' "$LAB_DIR/table.diff" | head -n 10 | sed 's/^/# /'
		return 1
	fi
	echo "# equal: $(wc -l <"$LAB_DIR/table.fw1") lines"
}

roles_are() { # MASTER STANDBY
	is_state "$1" master && is_state "$2" primary-backup
}

in_sync() { # NODE: the standby
	is_state "$1" primary-backup
}

unchanged() { # NODE COUNTER VALUE
	local now
	now=$(counter "$1" "$2")
	[ "$now" = "$3" ] || { echo "# $1: $2 was $3, is $now"; false; }
}

grew() { # NODE COUNTER VALUE
	local now
	now=$(counter "$1" "$2")
	[ "$now" -gt "$3" ] || { echo "# $1: $2 was $3, is $now"; false; }
}
