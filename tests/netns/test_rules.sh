#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The rules of one kernel, taken over by another: a corpus of rulesets, names that differ, what is
# refused, replacements under traffic and by a process that dies. No daemon takes part.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
RULES=${RULES:-$(dirname "$STREAM")/rules}
SIZE=${SIZE:-2000} # rules of the large ruleset; elements are ten times as many
trap 'exec 7>&-; lab_down' EXIT

rules() { between "$RULES" "$@"; } # [-i ... -l ...] VERB NODE...

# What nft lists, but for what each kernel has of its own: counters, what is left of a time, and the
# order of a set without one.
listed() { # NODE
	on "$1" nft list ruleset 2>/dev/null | sed -E 's/ expires [0-9a-z]+//g; s/packets [0-9]+ bytes [0-9]+/packets N bytes N/' | python3 -c '
import re, sys
def sort(m):
    return "elements = { " + ", ".join(sorted(" ".join(e.split()) for e in m.group(1).split(","))) + " }"
print(re.sub(r"elements = \{(.*?)\}", sort, sys.stdin.read(), flags=re.S))'
}

same() {
	diff <(listed fw1) <(listed fw2) >"$LAB_DIR/differ" || {
		head -n 20 "$LAB_DIR/differ" | sed 's/^/# /'
		return 1
	}
}

same_digest() { # NODE NODE
	[ "$(rules digest "$1" | cut -d ' ' -f 1)" = "$(rules digest "$2" | cut -d ' ' -f 1)" ]
}

refused() { # PATTERN COMMAND...: it fails, and says why
	local pattern=$1
	shift
	! "$@" >"$LAB_DIR/why" 2>&1 && {
		sed 's/^/# /' "$LAB_DIR/why"
		grep -q -- "$pattern" "$LAB_DIR/why"
	}
}

unchanged() { # NODE COMMAND...: whatever becomes of it
	local node=$1 before after
	shift
	before=$(listed "$node")
	"$@" >/dev/null 2>&1
	after=$(listed "$node")
	[ "$before" = "$after" ]
}

flush() {
	on fw1 nft flush ruleset
	on fw2 nft flush ruleset
}

load() { # NODE FILE
	on "$1" nft -f "$2"
}

copied() { # [OPTION...]: also a second time, to the same end
	rules "$@" copy fw1 fw2 >"$LAB_DIR/out" && same &&
		rules "$@" copy fw1 fw2 >"$LAB_DIR/out" && same && same_digest fw1 fw2
}

lab_up

# Not before they are to: packets change what sets hold.
for node in fw1 fw2; do
	for link in ha0 ha1 lan0 wan0; do on "$node" ip link set "$link" down; done
done

# ---- a corpus ------------------------------------------------------------------------------

for node in fw1 fw2; do on "$node" ip link add wan1 type veth peer name x-wan1; done
for file in rulesets/*.nft; do
	flush
	name=$(basename "$file" .nft)
	case $name in
	flowtable)
		if ! load fw1 "$file" 2>/dev/null; then
			echo "ok - $name # SKIP this kernel has no flowtables"
			continue
		fi
		;;
	*) check "$name: nft takes it" load fw1 "$file" ;;
	esac
	check "$name: both nodes list the same" copied
done
flush
on fw1 rulesets/iptables.sh
check "rules that iptables wrote: both nodes list the same" copied
same_iptables() { diff <(on fw1 iptables-nft-save) <(on fw2 iptables-nft-save); }
check "and iptables shows the same" same_iptables
flush
for file in rulesets/gateway.nft rulesets/banned.nft rulesets/containers.nft rulesets/objects.nft; do
	load fw1 "$file"
	check "one table after another: $(basename "$file" .nft)" copied
done
on fw1 nft delete table ip nat
check "a table that went" copied

# ---- names ---------------------------------------------------------------------------------

flush
on fw2 ip link set wan0 name ext0
on fw2 ip link set lan0 name int0
names="-i wan=wan0,ext0 -i lan=lan0,int0"
load fw1 rulesets/names.nft
same_by_name() {
	local one two
	one=$(listed fw1 | tr -d ',' | tr ' ' '\n' | sort)
	two=$(listed fw2 | sed 's/ext0/wan0/g; s/int0/lan0/g' | tr -d ',' | tr ' ' '\n' | sort)
	diff <(echo "$one") <(echo "$two")
}
# shellcheck disable=SC2086 # a list, on purpose
check "interfaces that have other names there" rules $names copy fw1 fw2
check "every name is the other node's" same_by_name
check "a name that is nobody's is refused" \
	refused "there is no interface nix0" rules -i wan=wan0,nix0 -i lan=lan0,int0 copy fw1 fw2
on fw2 ip link set ext0 name wan0
on fw2 ip link set int0 name lan0

# ---- what is refused -----------------------------------------------------------------------

flush
load fw1 rulesets/gateway.nft
load fw2 rulesets/containers.nft
on fw1 ip link add only1 type veth peer name x-only1
on fw1 nft -f - <<-EOF
	table inet filter { chain input { iif only1 accept comment "the odd one"; }; }
EOF
check "a rule about an interface that is not there" refused "rule 1[0-9] (\"the odd one\"): there is no interface only1 here: iif \"only1\" accept comment" rules copy fw1 fw2
check "leaves the old rules" unchanged fw2 rules copy fw1 fw2
odd=$(on fw1 nft -a list chain inet filter input | sed -n 's/.*odd one.*handle //p')
on fw1 nft delete rule inet filter input handle "$odd"
# A table that a program holds is the program's, and nobody else's, as long as it runs.
mkfifo "$LAB_DIR/nft.in"
ip netns exec "$LAB-fw2" nft -i <"$LAB_DIR/nft.in" >/dev/null 2>&1 &
LAB_PIDS="$LAB_PIDS $!"
disown "$!"
exec 7>"$LAB_DIR/nft.in"
held() { on fw2 nft list tables | grep -q "ip nat"; }
echo 'add table ip nat { flags owner; }' >&7
check "a table that a program holds" wait_for 3 held
check "is in the way of one that is wanted" refused "ip nat: Operation not permitted" rules copy fw1 fw2
check "which leaves the old rules, too" unchanged fw2 rules copy fw1 fw2
check "a trial says the same" refused "ip nat: Operation not permitted" rules dry fw1 fw2
on fw1 nft delete table ip nat
check "one that nobody wants" rules copy fw1 fw2
check "is left alone" held
exec 7>&-
load fw1 rulesets/gateway.nft
on fw1 nft flush chain inet filter output
gone() { ! held; }
check "and goes with its program" wait_for 3 gone
check "a trial of what is good" rules dry fw1 fw2
check "changes nothing" unchanged fw2 rules dry fw1 fw2
check "which is then taken" copied
on fw1 nft flush ruleset
on fw1 nft add table inet hollow
check "nothing that filters" refused "no base chain" rules copy fw1 fw2
head -c 4000 /dev/urandom >"$LAB_DIR/noise"
check "bytes that are no document" refused "malformed" rules apply fw2 0 "$LAB_DIR/noise"

# ---- in words ------------------------------------------------------------------------------

flush
load fw1 rulesets/gateway.nft
load fw2 rulesets/gateway.nft
nothing_to_say() { [ -z "$(rules diff fw1 fw2)" ]; }
check "two that are the same: nothing to say" nothing_to_say
on fw2 nft -f - <<-EOF
	add element inet filter admins { 10.77.0.99 }
	delete element inet filter admins { 10.77.0.6 }
	insert rule inet filter input iif lan0 drop
	add table ip extra
EOF
on fw1 nft -f - <<-EOF
	table ip nat { chain more { tcp dport 1 accept; }; }
	table inet filter { chain output { oifname "wan*" accept; }; }
EOF
cat >"$LAB_DIR/expected" <<-EOF
	  table inet filter {
	  	set admins {
	- 		10.77.0.99
	+ 		10.77.0.6
	  	chain input {
	- 		iif "lan0" drop
	  	chain output {
	+ 		oifname "wan*" accept
	- table ip extra {
	  table ip nat {
	+ 	chain more {
	+ 		tcp dport 1 accept
EOF
in_words() { rules diff fw1 fw2 | diff "$LAB_DIR/expected" - | sed 's/^/# /'; [ "${PIPESTATUS[1]}" = 0 ]; }
check "a difference is told by table, chain and rule" in_words

# ---- what is local -------------------------------------------------------------------------

flush
load fw1 rulesets/gateway.nft
on fw2 nft -f - <<-EOF
	table inet own { chain in { type filter hook input priority 7; policy accept; }; }
	table inet filter { set admins { type ipv4_addr; comment "who may log in"; elements = { 10.99.0.1 }; }; }
EOF
check "local tables and sets are no matter" rules -l "inet own" -l "inet filter/admins" copy fw1 fw2
has() { on fw2 nft list ruleset | grep -q -- "$1"; }
check "the local table is still there" has "priority filter + 7"
check "a local set has what it had" has "10.99.0.1"
check "all else came" has "dnat ip to tcp dport map @forwards"
lacks() { ! has "$1"; }
check "but not what the set holds elsewhere" lacks "10.77.0.6"

# ---- changes, one by one -------------------------------------------------------------------

flush
load fw1 rulesets/gateway.nft
load fw1 rulesets/banned.nft
"$RULES" follow "$LAB-fw1" "$LAB-fw2" 60 >"$LAB_DIR/follow" 2>&1 &
follower=$!
LAB_PIDS="$LAB_PIDS $follower"
disown "$follower"
wait_for 3 grep -q following "$LAB_DIR/follow"
step() { # NAME NFT...: it is there within a second
	local name=$1
	shift
	on fw1 nft "$@"
	check "$name" wait_for 2 same
}
step "an element" add element inet filter admins '{ 10.77.0.9 }'
step "an element that goes" delete element inet filter admins '{ 10.77.0.6 }'
step "an interval" add element inet filter spoofed '{ 240.0.0.0/8 }' 2>/dev/null
step "an element of a map" add element ip nat forwards '{ 9090 : 10.77.0.81 . 91 }'
step "an element with a time" add element inet banlist ssh4 '{ 192.0.2.50 timeout 1m }'
step "a rule in front" insert rule inet filter input ip saddr 192.0.2.66 drop
step "a rule behind" add rule inet filter forward ip saddr { 192.0.2.67, 192.0.2.68 } drop
step "a chain and a rule" -f - <<-EOF
	table inet filter { chain extra { tcp dport 99 accept; }; chain forward { jump extra; }; }
EOF
step "a map that leads to a chain" -f - <<-EOF
	table inet filter {
		map ways { type ifname : verdict; elements = { lan0 : jump extra }; }
		chain forward { iifname vmap @ways; }
	}
EOF
step "a chain that has another name" rename chain inet filter extra beyond
on fw1 nft add set inet filter seen '{ type ipv4_addr; }'
step "a set that packets write into from now on" add rule inet filter forward add @seen '{ ip saddr }'
step "a policy" chain inet filter forward '{ policy accept; }'
step "a set of another kind" -f - <<-EOF
	flush chain inet filter input
	delete set inet filter spoofed
	table inet filter {
		set spoofed { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 7 }; }
		chain input { ip saddr . tcp dport @spoofed drop; }
	}
EOF
step "a set that is empty now" flush set inet filter admins
step "no set any more" delete set inet filter admins
on fw1 nft add element inet banlist ssh4 '{ 192.0.2.51 timeout 1s }'
gone_by_itself() { lacks 192.0.2.51; }
check "what runs out runs out there, too" wait_for 3 gone_by_itself
# Neighbours that come and run out: what begins where another ends has one of its own.
on fw1 nft add set inet banlist nets '{ type ipv4_addr; flags interval,timeout; }'
for i in $(seq 60); do
	n=$((i * 7 % 24 * 10))
	on fw1 nft add element inet banlist nets "{ 10.5.0.$n-10.5.0.$((n + 9)) timeout $((i % 5 * 50 + 60))ms }" 2>/dev/null
done
sleep 0.4
step "intervals that run out and come again" add element inet banlist nets '{ 10.5.0.0-10.5.0.4 timeout 1m, 10.5.0.5-10.5.0.99 timeout 1m }'
kill "$follower"
grep -v "^patch" "$LAB_DIR/follow" | sed 's/^/# /'
check "nothing was refused" sh -c "! grep -q refused $LAB_DIR/follow"
on fw1 nft list ruleset >/dev/null

# ---- what runs out meanwhile ---------------------------------------------------------------

flush
short_lived() { # each millisecond some run out
	echo "table inet short {"
	for set in "plain { type ipv4_addr; flags timeout" "nets { type ipv4_addr; flags interval,timeout"; do
		echo "set $set; elements = {"
		for i in $(seq 250); do echo "10.9.0.$i timeout $((i * 2))ms,"; done
		echo "}; }"
	done
	echo "}"
}
empty() { echo "table inet short { set plain { type ipv4_addr; flags timeout; }; set nets { type ipv4_addr; flags interval,timeout; }; }"; }
base() { echo "table inet fence { chain in { type filter hook input priority 0; }; }"; }
base | on fw2 nft -f -
empty | on fw2 nft -f -
rules write fw2 "$LAB_DIR/empty"
on fw2 nft flush ruleset
{ base && short_lived; } | on fw2 nft -f -
rules write fw2 "$LAB_DIR/short"
rules -p 20 apply fw2 3 "$LAB_DIR/short" "$LAB_DIR/empty" >"$LAB_DIR/apply" 2>&1
sed 's/^/# /' "$LAB_DIR/apply" | tail -n 3
check "an element that runs out as it is to go is no reason to refuse" \
	grep -qE "^[0-9]{2,} times, 0 refused" "$LAB_DIR/apply"

# ---- many ----------------------------------------------------------------------------------

large() { # RULES ELEMENTS
	awk -v rules="$1" -v elements="$2" 'BEGIN {
		print "table inet large {\n\tset nets {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = {"
		for (i = 0; i < elements; i++) {
			n = 16777216 + i * 701 + (i * 7919) % 300
			m = n + 1 + (i * 31) % 350
			printf "%d.%d.%d.%d-%d.%d.%d.%d,\n", n / 16777216, n / 65536 % 256, n / 256 % 256,
				n % 256, m / 16777216, m / 65536 % 256, m / 256 % 256, m % 256
		}
		print "}\n\t}\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy accept;"
		for (i = 0; i < rules; i++)
			printf "ip saddr 10.%d.%d.%d tcp dport %s counter accept comment \"rule %d\"\n",
				i / 65536 % 256, i / 256 % 256, i % 256,
				i % 9 ? i % 60000 + 1 : "{ 1, " i % 60000 + 2 " }", i
		print "\t\tip saddr @nets drop\n\t}\n}"
	}'
}
flush
large "$SIZE" $((SIZE * 10)) >"$LAB_DIR/large.nft"
load fw1 "$LAB_DIR/large.nft"
check "$SIZE rules and $((SIZE * 10)) intervals" rules copy fw1 fw2
check "are the same to both" same_digest fw1 fw2
check "and listed the same" same

# ---- under traffic -------------------------------------------------------------------------

flush
lab_link_up fw1 lan0
lab_link_up fw1 wan0
on fw1 ip addr add "$LAN_VIP/24" dev lan0
on fw1 ip addr add "$WAN_VIP/24" dev wan0
doc() { # FILE: written of what fw2 has
	rules write fw2 "$1"
}
one() {
	cat <<-EOF
		table inet fence {
			set good { type ipv4_addr; elements = { $CLIENT, $SERVER }; }
			map where { type ifname : verdict; elements = { lan0 : jump out, wan0 : jump in }; }
			chain in { udp sport { $ECHO_PORT, 7 } accept; }
			chain out { udp dport { $ECHO_PORT, 8 } accept; tcp dport 1-1024 drop; }
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state invalid drop
				ip saddr @good iifname vmap @where
			}
		}
	EOF
}
two() {
	cat <<-EOF
		table inet fence {
			set good { type ipv4_addr; elements = { $CLIENT, $SERVER, 192.0.2.1 }; }
			map where { type ifname : verdict; elements = { lan0 : jump out, wan0 : jump in, lan1 : drop }; }
			chain in { udp sport { $ECHO_PORT, 9 } jump { ip saddr 10.0.0.0/8 accept; drop; }; }
			chain out { udp dport vmap { $ECHO_PORT : accept, 10 : drop }; }
			chain forward {
				type filter hook forward priority 0; policy drop;
				ip saddr @good iifname vmap @where
				counter
			}
		}
		table ip more { chain forward { type filter hook forward priority 10; policy accept; }; }
	EOF
}
for n in one two; do
	on fw2 nft flush ruleset
	$n | on fw2 nft -f -
	doc "$LAB_DIR/$n"
done
one | on fw1 nft -f -
on server nft -f - <<-EOF
	table ip seen { chain in { type filter hook prerouting priority -400; udp dport 7099 counter; }; }
EOF
on client "$STREAM" probe "$SERVER" 7099 100 >/dev/null 2>&1 # finds the neighbours
probe 3000
on client sh -c "$STREAM probe $SERVER 7099 2500 >/dev/null 2>&1" &
LAB_PIDS="$LAB_PIDS $!"
disown "$!"
rules -p 10 apply fw1 2.5 "$LAB_DIR/two" "$LAB_DIR/one" >"$LAB_DIR/apply" 2>&1
probe_end
sed 's/^/# /' "$LAB_DIR/apply"
check "two rulesets change places a hundred times" grep -qE "^[0-9]{3,} times, 0 refused" "$LAB_DIR/apply"
check "no packet that both let through was lost" no_packet_lost
none_seen() { on server nft list ruleset | grep -q "counter packets 0 "; }
check "none that both forbid came through" none_seen

# ---- read while it is replaced -------------------------------------------------------------

# The kernel lists what a transaction brings beside what it removes.
on fw1 nft flush ruleset
{
	echo "table inet large"
	echo "delete table inet large"
	large 20 100
} >"$LAB_DIR/replace"
load fw1 "$LAB_DIR/replace"
good=$(rules digest fw1 | cut -d ' ' -f 1)
replace_for() { # SECONDS, beside what makes processes wait in the middle of it
	local end=$((SECONDS + $1))
	timeout "$1" sh -c 'while :; do :; done' &
	timeout "$1" sh -c 'while :; do :; done' &
	while [ "$SECONDS" -lt "$end" ]; do load fw1 "$LAB_DIR/replace"; done
	wait
}
replace_for 6 &
replacing=$!
reads=0 torn=0
while kill -0 "$replacing" 2>/dev/null; do
	found=$(rules digest fw1)
	reads=$((reads + 1))
	[ "${found%% *}" = "$good" ] || {
		torn=$((torn + 1))
		echo "# read: $found"
	}
done
echo "# read $reads times, $torn times not as it was"
check "a ruleset is read while it is replaced" [ "$reads" -gt 20 ]
check "and is whole each time" [ "$torn" = 0 ]

# ---- by one that dies ----------------------------------------------------------------------

digest_of() { # NODE
	rules digest "$1" | cut -d ' ' -f 1
}
on fw1 nft flush ruleset
large 300 500 | on fw2 nft -f -
doc "$LAB_DIR/many"
good="$(digest_of fw2)"
on fw2 nft flush ruleset
one | on fw2 nft -f -
good="$good $(digest_of fw2)"
rules apply fw1 0 "$LAB_DIR/one" >/dev/null
killed=0 broken=0
for _ in $(seq 30); do
	"$RULES" apply "$LAB-fw1" 5 "$LAB_DIR/many" "$LAB_DIR/one" >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$((RANDOM % 90 + 10))"
	kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	wait "$pid" 2>/dev/null
	case " $good " in
	*" $(digest_of fw1) "*) ;;
	*) broken=$((broken + 1)) ;;
	esac
done
echo "# killed $killed times, $broken times neither old nor new"
check "one that applies is killed meanwhile" [ "$killed" -gt 20 ]
check "and leaves the old or the new" [ "$broken" = 0 ]

exit "$FAILED"
