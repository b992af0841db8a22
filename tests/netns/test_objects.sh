#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sessions and expectations of one kernel, copied into another's: the same to nsrpd, the same to
# conntrack(8), and the traffic goes on. No daemon takes part.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
OBJECTS=${OBJECTS:-$(dirname "$STREAM")/objects}
trap lab_down EXIT

objects() { between "$OBJECTS" "$@"; } # VERB [OP] NODE...

# What conntrack(8) shows, but for what is each kernel's own: timeouts, use, ids.
outside() { # NODE
	on "$1" conntrack -L -o extended 2>/dev/null |
		sed -E 's/^(ipv[46] +[0-9]+ +[a-z0-9]+ +[0-9]+) [0-9]+/\1/; s/ use=[0-9]+//' | sort
	on "$1" conntrack -L expect 2>/dev/null | sed -E 's/^[0-9]+ //' | sort
}

same_outside() {
	diff <(outside fw1) <(outside fw2)
}

same_inside() {
	objects compare fw1 fw2
}

# talk NAME ADDRESS PORT: a TCP connection of the client, kept open.
talk() {
	mkfifo "$LAB_DIR/$1.in"
	# shellcheck disable=SC2016 # the inner shell's
	ip netns exec "$LAB-client" bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit
		while read -r line; do
			printf "%s\r\n" "$line" >&3
			read -r -t 2 answer <&3 && printf "%s\n" "${answer%$'"'\r'"'}"
		done' talk "$2" "$3" <"$LAB_DIR/$1.in" >"$LAB_DIR/$1.out" 2>&1 &
	LAB_PIDS="$LAB_PIDS $!"
	disown "$!"
	exec {fd}>"$LAB_DIR/$1.in" # held open, so that the talk does not end
}

says() { # NAME LINE
	echo "$2" >"$LAB_DIR/$1.in"
	wait_for 3 grep -qxF "$2" "$LAB_DIR/$1.out"
}

rules() { # NODE
	on "$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 # what synproxy needs
	on "$1" nft -f - <<-EOF
		table inet lab {
			ct helper ftp { type "ftp" protocol tcp; }
			chain zones {
				type filter hook prerouting priority raw
				udp dport 7020 ct zone set 5
				udp dport 7021 ct original zone set 6
				tcp dport 7014 tcp flags syn notrack
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				tcp dport 21 ct helper set "ftp"
				tcp dport 7012 ct mark set 0x77 ct label set 3
				tcp dport 7014 ct state invalid,untracked \
					synproxy mss 1460 wscale 7 timestamp sack-perm
				tcp dport 7014 ct state invalid drop
				ct state established,related accept
				tcp dport { 21, 7008, 7012, 7013, 7014 } accept
				meta l4proto { icmp, icmpv6, udp, gre, 253 } accept
			}
		}
		table ip nat {
			chain before {
				type nat hook prerouting priority dstnat
				ip daddr $LAN_VIP tcp dport 8080 dnat to $SERVER:7008
				ip daddr $LAN_VIP tcp dport 8081 dnat to $SERVER:7013
				ip daddr $LAN_VIP udp dport 8082 dnat to $SERVER:$ECHO_PORT
			}
			chain after {
				type nat hook postrouting priority srcnat
				tcp dport { 21, 7012, 7013 } snat to $WAN_VIP
				ip protocol icmp snat to $WAN_VIP
			}
		}
	EOF
}

moves_to() { # NODE NODE: from one to the other
	local a
	for a in "$LAN_VIP/24 dev lan0" "$WAN_VIP/24 dev wan0"; do
		# shellcheck disable=SC2086
		[ -z "$1" ] || on "$1" ip addr del $a
		# shellcheck disable=SC2086
		on "$2" ip addr add $a
	done
	for a in "$LAN_VIP6/64 dev lan0" "$WAN_VIP6/64 dev wan0"; do
		# shellcheck disable=SC2086
		[ -z "$1" ] || on "$1" ip addr del $a
		# shellcheck disable=SC2086
		on "$2" ip addr add $a nodad
	done
	on client ip neigh flush dev eth0
	on server ip neigh flush dev eth0
}

raw_packet() { # PROTOCOL HEX
	on client python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, $1)
s.sendto(bytes.fromhex('$2'), ('$SERVER', 0))"
}

injected() { # on fw1, what no traffic here makes
	local i="on fw1 conntrack -I -t 500"
	{
		$i -p sctp -s 10.1.0.1 -d 10.2.0.1 --sport 5 --dport 6 --state ESTABLISHED \
			--orig-vtag 77 --reply-vtag 88 -u SEEN_REPLY,ASSURED &&
			$i -p udp -s 10.1.0.2 -d 10.2.0.1 --sport 5 --dport 6 --reply-zone 9 &&
			$i -p tcp -s fd01::1 -d fd02::1 --sport 5 --dport 6 --state FIN_WAIT \
				-u SEEN_REPLY,ASSURED -m 0x80000001 &&
			$i -p udp -s 10.1.0.3 -d 10.2.0.1 --sport 5 --dport 6 --src-nat 10.3.0.1:9 \
				--dst-nat 10.4.0.1:8 -u SEEN_REPLY &&
			$i -p udp -s fd01::2 -d fd02::1 --sport 5 --dport 6 --dst-nat fd03::1
	} >/dev/null 2>&1
}

lab_up
ip netns exec "$LAB-server" ./echo.py 21 7008 7012 7013 7014 50010 50011 &
LAB_PIDS="$LAB_PIDS $!"
disown "$!"
for node in fw1 fw2; do
	check "$node takes the ruleset, with a helper, NAT and zones" rules "$node"
done
moves_to "" fw1
sleep 0.3

objects events fw1 8 >"$LAB_DIR/events" &
events=$!
wait_for 3 grep -q listens "$LAB_DIR/events"
talk plain "$SERVER6" 7008
talk snat "$SERVER" 7012
talk dnat "$LAN_VIP" 8080
talk both "$LAN_VIP" 8081
talk ftp "$SERVER" 21
talk synproxy "$SERVER" 7014
for name in plain snat dnat both ftp synproxy; do
	check "$name: the connection is there" says "$name" "hello from $name"
done
# An echoing server says what the client said: an answer to PASV.
check "ftp: a port is named" says ftp "227 Entering Passive Mode (10,78,0,100,195,90)"
talk data "$SERVER" 50010
check "ftp: the session that was expected is there" says data "data"
# The client's own address, which NAT makes shorter: sequence numbers are adjusted from here on.
echo "PORT 10,77,0,100,195,92" >"$LAB_DIR/ftp.in"
check "ftp: a port is named by the client" wait_for 3 grep -q "^PORT 10,78,0,1," "$LAB_DIR/ftp.out"
check "ftp: another port is named" says ftp "227 Entering Passive Mode (10,78,0,100,195,91)"
on client ping -qc 2 -i 0.2 "$SERVER" >/dev/null
on client ping -qc 2 -i 0.2 "$SERVER6" >/dev/null
probe 100
probe_end
on client bash -c "echo x >/dev/udp/$SERVER/7020; echo x >/dev/udp/$SERVER/7021; echo x >/dev/udp/$LAN_VIP/8082"
raw_packet 253 00112233
raw_packet 47 0000080000000000
check "sessions of other kinds are made by hand" injected
check "the expectation is there" grep -q . <(on fw1 conntrack -L expect 2>/dev/null)

check "all is copied" objects copy fw1 fw2
check "the copies have the originals' prints" same_inside
check "conntrack(8) shows the same of both" same_outside
objects print fw1 | sed 's/^/# /'

moves_to fw1 fw2
for name in plain snat dnat both ftp data synproxy; do
	check "$name: the connection goes on over the copy" says "$name" "and again from $name"
	check "$name: in both directions, more than once" says "$name" "once more from $name"
done
talk later "$SERVER" 50011
check "the session that was expected is let through by the copy" says later "later"
check "and is one with a master" grep -q "dport=50011.*expected.*master=" \
	<(objects print fw2)

# ---- orders --------------------------------------------------------------------------------

timeout_of() { # NODE TEXT
	objects print "$1" | grep -- "$2" | head -n 1 | sed -E 's/.*timeout=([0-9]+).*/\1/'
}
is_between() { # VALUE MIN MAX
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}
liberal() { # NODE TEXT: how many of the flags are set
	objects print "$1" | grep -- "$2" | grep -c "liberal"
}

check "a session that this kernel saw asks for the end of its hold" grep -q "marks=18 .*dport=7012" \
	<(objects print fw2)
check "it is liberal until then" [ "$(liberal fw2 dport=7012)" = 1 ]
check "so does a silent one, of which it saw nothing" grep -q "marks=26 .*SYN_SENT\|marks=26 .*FIN_WAIT" <(objects print fw2)
check "settle is carried out" objects order settle fw2 ""
check "settled: no session asks for more" [ "$(objects print fw2 | grep -cE 'marks=(2|3|10|11|18|19|26|27) ')" = 0 ]
check "settled: what was used is liberal no more" [ "$(liberal fw2 dport=7012)" = 0 ]
check "settled: a silent one has its own timeout" is_between "$(timeout_of fw2 FIN_WAIT)" 100 120
check "hold is carried out" objects order hold fw2 ""
check "held: by the hold's timeout" is_between "$(timeout_of fw2 FIN_WAIT)" 590 600
check "loosen is carried out" objects order loosen fw2 ""
check "loosened: liberal again" [ "$(liberal fw2 dport=7012)" = 1 ]
check "change is carried out" objects order change fw2 ""
check "the sessions are still the same" [ "$(objects compare fw1 fw2 | grep -c dport=7012)" = 0 ]
check "what exists is not created" [ "$(objects order create fw2 dport=7012 | grep -c exists)" = 1 ]
check "what owns a reply tuple is evicted" objects order evict fw2 dport=7012
check "and is gone" [ "$(objects print fw2 | grep -c dport=7012)" = 0 ]
check "remove is carried out" objects order remove fw2 "sctp"
check "and removes that one" [ "$(objects print fw2 | grep -c sctp)" = 0 ]
check "alone" [ "$(objects print fw2 | grep -c dport=8081)" = 1 ]

# ---- events --------------------------------------------------------------------------------

told() { # PATTERN: was it said of the connection to the plain port?
	grep "sport=.* dport=7008" "$LAB_DIR/events" | grep -q -- "$1"
}

on fw1 conntrack -D -p tcp --orig-port-dst 8081 >/dev/null 2>&1
wait "$events"
check "an event of a new session is whole" told "whole known=7 marks=0 .*SYN_SENT"
check "what follows are changes, of which the rare is not known" told "change known=3 .*assured"
check "an event of something rare asks for the whole" grep -q "change known=. marks=4.*7014" \
	"$LAB_DIR/events"
check "one of an end names the session" grep -q "remove known=0.*dport=8081" "$LAB_DIR/events"
exit $FAILED
