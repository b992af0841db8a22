# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# tunnels: IPsec between the pair and a remote gateway, with keys that a test gives. Sourced behind
# lab.sh; the lab's server is the remote gateway, and what lies behind it its own addresses.
#
#   client -- [lan] == fw1, fw2 == [wan] -- server, with 10.90.N.1 and fd90:N::1 behind tunnel N
#
# A tunnel is a line of $TUNNELS: NAME MODE FAMILY ALGORITHM [OPTION...]. All end at the pair's
# virtual addresses. NAME is what a test calls it, its line's number N its SPIs and its networks.

GCM='aead rfc4106(gcm(aes)) 0x0102030405060708010203040506070801020304 128'
CBC='enc cbc(aes) 0x01020304050607080102030405060708 auth-trunc hmac(sha256) 0x0102030405060708010203040506070801020304050607080102030405060708 128'
CHACHA='aead rfc7539esp(chacha20,poly1305) 0x010203040506070801020304050607080102030405060708010203040506070801020304 128'
AH='auth-trunc hmac(sha256) 0x0102030405060708010203040506070801020304050607080102030405060708 128'

algorithm() { # NAME: as words of `ip xfrm state`
	case $1 in
	gcm) echo "$GCM" ;;
	cbc) echo "$CBC" ;;
	chacha) echo "$CHACHA" ;;
	ah) echo "$AH" ;;
	esac
}

# One SA of a tunnel, as a line for `ip -batch`.
sa_line() { # PROTO SRC DST SPI MODE ALGORITHM OPTIONS
	printf 'xfrm state add src %s dst %s proto %s spi 0x%x reqid %d mode %s %s %s\n' \
		"$2" "$3" "$1" "$4" "$(($4 & 0xff))" "$5" "$(algorithm "$6")" "$7"
}

sa_options() { # SRC DST OPTION...
	local words='' o
	for o in "${@:3}"; do
		case $o in
		esn) words="$words replay-window 64 flag esn" ;;
		natt) words="$words encap espinudp 4500 4500 0.0.0.0" ;;
		limits) words="$words limit time-soft 5000 limit time-hard 6000" ;;
		esac
	done
	[[ $words == *replay-window* ]] || words="$words replay-window 32"
	echo "$words"
}

# The addresses of a tunnel's ends: of the pair, of the remote gateway.
tunnel_ends() { # FAMILY
	if [ "$1" = 6 ]; then echo "$WAN_VIP6 $SERVER6"; else echo "$WAN_VIP $SERVER"; fi
}

# What is sent through it: from the client's network to one behind the gateway; in transport mode
# between the ends themselves.
tunnel_nets() { # FAMILY N MODE
	if [ "$3" = transport ]; then
		if [ "$1" = 6 ]; then echo "$WAN_VIP6 $SERVER6"; else echo "$WAN_VIP $SERVER"; fi
	elif [ "$1" = 6 ]; then
		echo "fd77::/64 fd90:$2::/64"
	else
		echo "10.77.0.0/24 10.90.$2.0/24"
	fi
}

# Lines for `ip -batch` of one node: SAs of both directions, and policies as seen from SIDE.
tunnel_lines() { # SIDE N MODE FAMILY ALGORITHM OPTION...
	local side=$1 n=$2 mode=$3 family=$4 algorithm=$5 here there near far proto=esp
	shift 5
	[ "$algorithm" != ah ] || proto=ah
	read -r here there <<<"$(tunnel_ends "$family")"
	read -r near far <<<"$(tunnel_nets "$family" "$n" "$mode")"
	sa_line $proto "$here" "$there" $((0x1000 + n)) "$mode" "$algorithm" "$(sa_options x x "$@")"
	sa_line $proto "$there" "$here" $((0x2000 + n)) "$mode" "$algorithm" "$(sa_options x x "$@")"
	if [ "$side" = pair ]; then
		policy_lines "$near" "$far" "$here" "$there" $proto "$mode" "$n"
	else
		policy_lines "$far" "$near" "$there" "$here" $proto "$mode" "$n"
	fi
}

policy_lines() { # FROM TO HERE THERE PROTO MODE N: for who is HERE
	local template="proto $5 reqid $7 mode $6" ends="src $3 dst $4" back="src $4 dst $3"
	local only=''
	# Between the ends there is more than this tunnel.
	if [ "$6" = transport ]; then ends='' back='' only='proto icmp'; fi
	echo "xfrm policy add src $1 dst $2 $only dir out tmpl $ends $template"
	echo "xfrm policy add src $2 dst $1 $only dir in tmpl $back $template"
	echo "xfrm policy add src $2 dst $1 $only dir fwd tmpl $back $template"
}

# All tunnels, on one node.
tunnels_up() { # NODE SIDE
	local n=0 name mode family algorithm options
	while read -r name mode family algorithm options; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # a list
		tunnel_lines "$2" $n "$mode" "$family" "$algorithm" $options
	done <<<"$TUNNELS" >"$LAB_DIR/$2.batch"
	on "$1" ip -batch "$LAB_DIR/$2.batch"
}

# The networks behind the gateway.
tunnels_remote() {
	local n=0 node name mode family rest
	while read -r name mode family rest; do
		n=$((n + 1))
		[ "$mode" = tunnel ] || continue
		if [ "$family" = 6 ]; then
			on server ip addr add "fd90:$n::1/64" dev lo nodad
		else
			on server ip addr add "10.90.$n.1/24" dev lo
		fi
	done <<<"$TUNNELS"
	# What answers to a tunnel's packets, too, is to come from its network.
	on server ip route add 10.77.0.0/24 via "$WAN_VIP" src 10.90.1.1
	for node in fw1 fw2; do tunnels_ready "$node"; done
	encapsulates server
	tunnels_up server remote
}

# What a firewall has of its own: routes, and somebody who takes encapsulated packets.
tunnels_ready() { # FIREWALL
	on "$1" ip route add 10.90.0.0/16 via "$SERVER" dev wan0
	on "$1" ip -6 route add fd90::/16 via "$SERVER6" dev wan0
	encapsulates "$1"
}

encapsulates() { # NODE
	on "$1" python3 -c '
import socket, signal
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 100, 2) # UDP_ENCAP, ESP in UDP
s.bind(("0.0.0.0", 4500))
signal.pause()' &
	LAB_PIDS="$LAB_PIDS $!"
	disown "$!"
}

target() { # N FAMILY
	if [ "$2" = 6 ]; then echo "fd90:$1::1"; else echo "10.90.$1.1"; fi
}

# Counts of what a node refused by IPsec, and of packets that an SA took for replays.
refusals() { # NODE
	on "$1" cat /proc/net/xfrm_stat | awk '$2 > 0 { print $1, $2 }'
	on "$1" ip -s xfrm state | awk '/replay-window.*replay .*failed/ { r += $4; f += $6 }
		END { if (r + f > 0) print "replay", r, "failed", f }'
}
