#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A part of the fault matrix, once each: who owns the addresses, how often that changed, which
# (rule, reason) the daemons record, and whether all sessions live. Times are not judged.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/netns/lab.sh
. ./lab.sh
# shellcheck source=tests/netns/sessions.sh
. ./sessions.sh
# shellcheck source=tests/netns/matrix.sh
. ./matrix.sh
# shellcheck source=tests/netns/matrix_cases.sh
. ./matrix_cases.sh
trap lab_down EXIT
WANTED=${CASES_WANTED:-power-off pause pause-long lan-port standby-port both-uplinks ha-both boot-both drop-policies black-hole silent-death ha-one-way apart-silent engine-kill engine-stop engine-hang}

try() { # CASE
	local problem
	matrix_round "$1"
	echo "# $1: gap $GAP lost $LOST $OWNED"
	for problem in "${PROBLEMS[@]}"; do echo "# $problem"; done
	check "$1: ${CASE_RECORD[$1]}" [ ${#PROBLEMS[@]} = 0 ]
}

matrix_up
matrix_each "$WANTED" try
exit "$FAILED"
