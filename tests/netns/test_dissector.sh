#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dissector for Wireshark reads what a real pair sends, by Ethernet and UDP, and says of each
# frame what is true; of what is not NSRP, or is cut off, it says that.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT
script=$PWD/../../conf/wireshark/nsrp.lua

read_with() { # FILE, OPTION...: what tshark makes of a capture, as its user nobody
	local file=$1
	shift
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent \
		tshark -r "$file" -X "lua_script:$LAB_DIR/nsrp.lua" -o "nsrpd.paths:ha0 ha1 lan0 wan0" "$@" 2>"$LAB_DIR/said"
}
fields() { # FILE FILTER FIELD...
	local file=$1 filter=$2 options=() field
	shift 2
	for field in "$@"; do options+=(-e "$field"); done
	read_with "$file" -Y "$filter" -T fields "${options[@]}"
}
count() { fields "$@" frame.number | wc -l; }

lab_up
cp "$script" "$LAB_DIR/nsrp.lua"
chmod 755 "$LAB_DIR"
chmod 644 "$LAB_DIR/nsrp.lua"
lab_conf
# What a node sends in one go fits the buffer: one frame takes a whole slot of 256 KiB.
for link in ha0 ha1 lan0; do
	on fw2 timeout 60 tcpdump -q -U -B 16384 -i $link -w "$LAB_DIR/$link.pcap" --immediate-mode 2>/dev/null &
	LAB_PIDS+=" $!"
done
sleep 1
lab_pair
sleep 1
kill -9 "$(lab_engine_pid fw1)"
wait_state fw1 master
sleep 1
lab_stop fw1
sleep 1
chmod 644 "$LAB_DIR"/*.pcap

there() { [ "$(count "$@")" -gt 10 ]; }
check "frames of an Ethernet link are read" there "$LAB_DIR/ha0.pcap" 'nsrpd && eth.type == 0x88b5'
check "and of a UDP link" there "$LAB_DIR/ha1.pcap" 'nsrpd && udp.port == 8133'
check "and of a secondary path" there "$LAB_DIR/lan0.pcap" 'nsrpd && eth.type == 0x88b5'
check "the script has nothing to complain about" test -z "$(grep -i lua "$LAB_DIR/said" | grep -iv superuser)"
none() { # FILE FILTER: tshark understood both, and shows nothing
	local shown
	shown=$(fields "$@" frame.number) && [ -z "$shown" ]
}
for link in ha0 ha1 lan0; do
	check "$link: all are of cluster 7 and version 1" none "$LAB_DIR/$link.pcap" 'nsrpd && !(nsrpd.cluster == 7 && nsrpd.version == 1 && nsrpd.magic == 0x4e)'
	check "$link: all carry its tag" none "$LAB_DIR/$link.pcap" "nsrpd && !(nsrpd.path_name == \"$link\")"
	check "$link: no frame is shorter than it says" none "$LAB_DIR/$link.pcap" '_ws.malformed || nsrpd.short'
	check "$link: none of 0x88B5 or 8133 is left unread" none "$LAB_DIR/$link.pcap" '(eth.type == 0x88b5 || udp.port == 8133) && !nsrpd && !icmp'
done
check "hellos have a nonce and no session" none "$LAB_DIR/ha0.pcap" 'nsrpd.type == 1 && !(nsrpd.nonce && nsrpd.session == 0)'
some() { [ "$(count "$@")" -ge 1 ]; }
check "there are some" some "$LAB_DIR/ha0.pcap" 'nsrpd.type == 1'
check "sealed frames have a session and no nonce" none "$LAB_DIR/ha0.pcap" 'nsrpd.type != 1 && (nsrpd.nonce || nsrpd.session == 0)'
# What goes out by Ethernet is not seen on the node that sends it.
check "both nodes send" test "$(fields "$LAB_DIR/ha1.pcap" nsrpd nsrpd.sender | sort -u | xargs)" = "0 1"
check "the guardian's HOLD is one" some "$LAB_DIR/ha0.pcap" 'nsrpd.type == 3 && nsrpd.sequence >= 0x8000000000000000'
# Of one node under one session, in the order of the capture.
grows() {
	fields "$LAB_DIR/ha0.pcap" 'nsrpd.type == 2' nsrpd.session nsrpd.sender nsrpd.sequence |
		awk '{ k = $1 " " $2 } k in last && $3 != last[k] + 1 { bad = 1 } { last[k] = $3 } END { exit bad || !NR }'
}
check "sequence numbers grow by one" grows
# Padding of a short frame is no part of it.
lengths() {
	fields "$LAB_DIR/ha1.pcap" nsrpd udp.length nsrpd.length | awk '$1 != $2 + 8 + 24 { bad = 1 } END { exit bad || !NR }'
}
check "the length is that of the datagram" lengths

echo "# frames that are cut off, and others' of the same EtherType"
python3 - "$LAB_DIR/odd.pcap" <<'PY'
import struct, sys
head = bytes.fromhex("036e73727001" "020000000001" "88b5")
frames = [
    head + bytes([0x4e, 1, 2, 7]) + bytes(8) + struct.pack(">HH", 100, 0) + bytes(8) + bytes(40),
    head + bytes([0x4e, 1, 1, 7]) + bytes(8) + struct.pack(">HH", 20, 0) + bytes(8) + bytes(40),
    head + bytes([0x4e, 1, 2, 7]) + bytes(6),
    head + b"another experiment of this network",
    head,
]
with open(sys.argv[1], "wb") as out:
    out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for frame in frames:
        out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
PY
chmod 644 "$LAB_DIR/odd.pcap"
check "what is shorter than it says is marked" test "$(fields "$LAB_DIR/odd.pcap" nsrpd.short frame.number | xargs)" = "1 2"
check "what is none is left alone" test "$(fields "$LAB_DIR/odd.pcap" '!nsrpd' frame.number | xargs)" = "3 4 5"
exit "$FAILED"
