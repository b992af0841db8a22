/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stats: how often each fault kind, rule, reason, state edge and counter occurred. A long run in
 * which one never did proves less than it seems, and fails.
 */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include <stdio.h>

#include "fault.h"
#include "nsrp/node.h"
#include "theme.h"

enum { STATS_STATES = 7, STATS_REASONS = 32, STATS_RESULTS = 32 };

struct stats {
	uint64_t schedules, steps;
	uint64_t theme[THEME_COUNT];
	uint64_t fault[FAULT_COUNT];
	uint64_t rule[RULE_COUNT];
	uint64_t reason[STATS_REASONS];
	uint64_t result[STATS_RESULTS];
	uint64_t edge[STATS_STATES][STATS_STATES];
	uint64_t counter[COUNTER_COUNT];
};

/* Prints all numbers; returns how many that should have occurred did not. */
unsigned stats_print(const struct stats *s, FILE *to);

#endif
