#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the simulator through SEEDS seeds (ten million) in PROCESSES processes (two), each with
# a range of its own. Fails when one of them does; the output of each is in build/soak/.
#
#   scripts/soak.sh [SIMULATOR]
set -eu
cd "$(dirname "$0")/.."

sim=${1:-build/gcc/sim}
seeds=${SEEDS:-10000000}
processes=${PROCESSES:-2}
share=$(((seeds + processes - 1) / processes))

mkdir -p build/soak
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; exit 130' INT TERM
for ((i = 0; i < processes; i++)); do
	"$sim" --first $((i * share + 1)) --seeds $share >build/soak/$i.log 2>&1 &
	pids+=($!)
done

failed=0
for ((i = 0; i < processes; i++)); do
	wait "${pids[i]}" || {
		echo "soak: process $i failed; the end of build/soak/$i.log:" >&2
		tail -n 40 build/soak/$i.log >&2
		failed=$((failed + 1))
	}
done
echo "$((share * (processes - failed))) seeds passed in $SECONDS s, $failed of $processes processes failed"
[ $failed = 0 ]
