#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# IPsec policies of two nodes, by the word of `ip xfrm`: what somebody does with them on the master,
# or with the copies of the standby. Real tunnels need a kernel that has them: tests/vm.
#
#   POLICIES   how many of each direction (150)
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
LAB_LOST_AFTER=20
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
trap lab_down EXIT
POLICIES=${POLICIES:-150}

# A batch of `ip`: both directions of tunnels from the pair to the server.
policies() { # VERB [PRIORITY]
	local n
	for ((n = 1; n <= POLICIES; n++)); do
		if [ "$1" = delete ]; then
			echo "xfrm policy delete src 10.77.0.0/24 dst 10.90.$n.0/24 dir out"
			echo "xfrm policy delete src 10.90.$n.0/24 dst 10.77.0.0/24 dir fwd"
			continue
		fi
		echo "xfrm policy $1 src 10.77.0.0/24 dst 10.90.$n.0/24 dir out priority ${2:-100}" \
			"tmpl src $WAN_VIP dst $SERVER proto esp reqid $n mode tunnel"
		echo "xfrm policy $1 src 10.90.$n.0/24 dst 10.77.0.0/24 dir fwd priority ${2:-100}" \
			"tmpl src $SERVER dst $WAN_VIP proto esp reqid $n mode tunnel"
	done
}

listed() { # NODE [WORDS]: how many policies with these words
	on "$1" ip xfrm policy list | grep -c "dir .*${2:-}"
}

has() { # NODE N [WORDS]
	[ "$(listed "$1" "${3:-}")" = "$2" ]
}

# All of them, of that priority, and none of them lets anything out.
holds() { # NODE PRIORITY
	has "$1" $((2 * POLICIES)) "priority $2" && has "$1" $((2 * POLICIES)) 'action block'
}

sends() { # NODE PRIORITY
	has "$1" $((2 * POLICIES)) "priority $2" && has "$1" 0 'action block'
}

refusals() { # NODE
	echo $(($(counter "$1" refused_clash) + $(counter "$1" refused_other)))
}

# What the kernel tells of policies, from here on.
listen() { # NODE
	ip netns exec "$LAB-$1" timeout 60 stdbuf -oL ip xfrm monitor policy >"$LAB_DIR/told" 2>&1 &
	LISTENER=$!
	LAB_PIDS="$LAB_PIDS $LISTENER"
	sleep 0.3
}

told() { # WORDS: how often
	grep -c "$1" "$LAB_DIR/told"
}

hashes() { # NODE THRESHOLDS: what IPv4's policies need at least
	on "$1" ip -s -s xfrm policy count | grep -q "IPv4 thresholds: $2"
}

lab_up
lab_conf
lab_pair
policies add | on fw1 ip -batch -
check "the standby has the master's policies, held" wait_for 5 holds fw2 100
check "the master sends by them" sends fw1 100
for node in fw1 fw2; do
	check "$node: the kernel finds so many by a hash" hashes $node 'local 24 remote 24'
done

# ---- replaced --------------------------------------------------------------------------------
listen fw2
policies update 200 | on fw1 ip -batch -
check "what is replaced on the master is replaced on the standby" wait_for 5 holds fw2 200
sleep 0.2
kill "$LISTENER"
check "and was there all the while" [ "$(told Deleted)" = 0 ]

before=$(refusals fw2)
for _ in 1 2 3; do { policies delete && policies add 300; } | on fw1 ip -batch -; done
check "what is deleted and made anew on the master is so on the standby" wait_for 5 holds fw2 300
# The engine hears of all of it at once: what it puts back is there again by then.
engine=$(lab_engine_pid fw2)
{ policies delete && policies add 400; } >"$LAB_DIR/batch"
kill -STOP "$engine"
on fw2 ip -batch "$LAB_DIR/batch"
kill -CONT "$engine"
check "nothing lets packets out that somebody makes anew on the standby" \
	wait_for 5 has fw2 $((2 * POLICIES)) 'action block'
check "and nothing is in the way of it" [ "$(refusals fw2)" = "$before" ]
ctl fw1 verify >/dev/null
check "an audit puts the master's back" wait_for 5 holds fw2 300

# ---- flushed ---------------------------------------------------------------------------------
on fw2 ip xfrm policy flush
ctl fw1 verify >/dev/null
check "what is flushed on the standby comes back, held" wait_for 5 holds fw2 300
on fw1 ip xfrm policy flush
check "what is flushed on the master goes on the standby" wait_for 5 has fw2 0
check "nothing of it comes back" has fw1 0

# ---- nobody looks after it -------------------------------------------------------------------
# One of somebody else, and one of arriving packets, which are never held.
{
	echo "xfrm policy add src 10.77.0.0/24 dst 10.99.0.0/24 dir out" \
		"tmpl src 10.78.0.12 dst 10.78.0.99 proto esp mode tunnel"
	echo "xfrm policy add src 10.99.0.0/24 dst 10.77.0.0/24 dir in" \
		"tmpl src 10.78.0.99 dst 10.78.0.12 proto esp mode tunnel"
} | on fw2 ip -batch -
policies add | on fw1 ip -batch -
on fw1 ip xfrm policy add src 10.90.1.0/24 dst 10.77.0.0/24 dir in \
	tmpl src "$SERVER" dst "$WAN_VIP" proto esp reqid 1 mode tunnel

copied() { # the standby has all, and the two that are not the pair's
	has fw2 $((2 * POLICIES + 3)) && has fw2 $((2 * POLICIES)) 'action block'
}

alone() { # of what is not the pair's, both; nothing else
	has fw2 2 && has fw2 0 'action block'
}

check "the standby has all again" wait_for 5 copied
lab_stop fw2
check "a standby that is stopped has none of the pair's" alone
lab_start fw2
check "one that starts gets all" wait_for 15 copied
kill -9 "$(lab_pid fw2)"
check "an engine whose guardian is killed leaves none" wait_for 5 alone
rm -f "$LAB_DIR/fw2/pid"
sleep 0.5
lab_start fw2
check "one that starts gets all, again" wait_for 15 copied
lab_kill fw2
check "of guardian and engine, both killed, all is left, and lets nothing out" copied
on fw2 "$NSRPD" --withdraw 2>/dev/null
check "nsrpd --withdraw removes it" alone

# What only this node has is not removed with the daemon.
lab_stop fw1
check "a node that is the only one keeps its own" has fw1 $((2 * POLICIES + 1))
on fw1 "$NSRPD" --withdraw 2>/dev/null
check "also when what is left is withdrawn" has fw1 $((2 * POLICIES + 1))
lab_start fw1
check "and sends by it when it is master again" wait_for 15 has fw1 0 'action block'
exit "$FAILED"
