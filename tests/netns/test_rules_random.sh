#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Random rulesets of one kernel, and random changes of them, taken over by another (rules_random.py
# says how). No daemon takes part, and no packet. RULES_SECONDS makes it a longer run, RULES_FIRST and
# RULES_SEEDS one of other seeds; with RULES_VERBOSE it tells what led to a failure, and what nft refused.
#
# beside others
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
RULES=${RULES:-$(dirname "$STREAM")/rules}
RULES_SECONDS=${RULES_SECONDS:-15} RULES_FIRST=${RULES_FIRST:-1} RULES_SEEDS=${RULES_SEEDS:-12}
LAB_NODES="fw1 fw2"
LAB_DIR=$(mktemp -d)
trap lab_down EXIT

for node in $LAB_NODES; do
	ip netns add "$LAB-$node"
	on "$node" ip link add wan0 type veth peer name lan0
	on "$node" ip link add wan2 type veth peer name x-wan2
done
on fw2 ip link set wan0 name ext0

random() { # OPTION...
	on fw1 python3 rules_random.py "$@" "$RULES" "$LAB-fw1" "$LAB-fw2"
}
check "what nft takes, the other kernel has, whatever changes" \
	random -s "$RULES_SECONDS" -f "$RULES_FIRST" -n "$RULES_SEEDS" ${RULES_VERBOSE:+-v}

exit "$FAILED"
