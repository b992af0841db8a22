/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

/* Counted by src/io, which is not simulated; and what cannot occur here. */
static const bool outside[COUNTER_COUNT] = {
	[COUNTER_SEND_ERRORS] = true,
	[COUNTER_SEND_FILTERED] = true,
	[COUNTER_RECEIVE_OVERRUNS] = true,
	[COUNTER_PUT_BACK] = true,
	[COUNTER_MAC_CLASHES] = true,
	[COUNTER_HOLDS_SENT] = true,
	[COUNTER_PARTINGS_SENT] = true,
	[COUNTER_CONTROL_REQUESTS] = true,
	[COUNTER_CONTROL_MALFORMED] = true,
	[COUNTER_CONTROL_REFUSED] = true,
	[COUNTER_ENGINE_STARTS] = true,
	[COUNTER_CLERK_STARTS] = true,
	[COUNTER_HOOKS_RUN] = true,
	[COUNTER_HOOKS_FAILED] = true,
	[COUNTER_HOOKS_SKIPPED] = true,
	[COUNTER_SCRIPTS_FAILED] = true,
	[COUNTER_SCRIPTS_SKIPPED] = true,
	[COUNTER_PROGRAMS_HUNG] = true,
	[COUNTER_MONITOR_PROBES] = true,
	[COUNTER_MONITOR_ANSWERS] = true,
	[COUNTER_MONITOR_LATE] = true,
	[COUNTER_MONITOR_ERRORS] = true,
	[COUNTER_KERNEL_EVENTS] = true,
	[COUNTER_KERNEL_IGNORED] = true,
	[COUNTER_KERNEL_OVERRUNS] = true,
	[COUNTER_KERNEL_MALFORMED] = true,
	[COUNTER_KERNEL_DUMPS] = true,
	[COUNTER_KERNEL_DUMPED] = true,
	[COUNTER_KERNEL_RESTARTED] = true,
	[COUNTER_KERNEL_ORDERS] = true,
	[COUNTER_KERNEL_REFUSED] = true,
	/* What no peer of this release and no kernel of the model does. */
	[COUNTER_RECORDS_MALFORMED] = true,
	[COUNTER_REFUSED_OTHER] = true,
	[COUNTER_INDEX_FULL] = true,
	[COUNTER_CHANNEL_BEYOND] = true,
};

static bool edge_is_possible(unsigned from, unsigned to)
{
	if (from < GROUP_INIT || to < GROUP_INIT || from == to)
		return false;
	return true;
}

static unsigned missing(FILE *to, const char *what, const char *name, uint64_t n)
{
	fprintf(to, "  %-9s %10llu  %s%s\n", what, (unsigned long long)n, name,
		n == 0 ? "  <- never" : "");
	return n == 0;
}

static unsigned print_edges(const struct stats *s, FILE *to)
{
	unsigned never = 0;

	for (unsigned from = GROUP_INIT; from < STATS_STATES; from++) {
		for (unsigned next = GROUP_INIT; next < STATS_STATES; next++) {
			char name[64];

			if (!edge_is_possible(from, next))
				continue;
			snprintf(name, sizeof(name), "%s -> %s", group_state_name(from),
				group_state_name(next));
			never += missing(to, "edge", name, s->edge[from][next]);
		}
	}
	return never;
}

unsigned stats_print(const struct stats *s, FILE *to)
{
	unsigned never = 0;

	fprintf(to, "%llu schedules, %llu steps\n", (unsigned long long)s->schedules,
		(unsigned long long)s->steps);
	for (unsigned i = 0; i < THEME_COUNT; i++)
		never += missing(to, "theme", theme_text(i), s->theme[i]);
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		never += missing(to, "fault", fault_text(i), s->fault[i]);
	for (unsigned i = RULE_NONE + 1; i < RULE_COUNT; i++)
		never += missing(to, "rule", rule_text(i), s->rule[i]);
#define X(name, number, text)                                                                      \
	if (REASON_##name != REASON_NONE && REASON_##name != REASON_START)                         \
		never += missing(to, "reason", text, s->reason[number]);
	REASONS(X)
#undef X
#define X(name, number, ok, text) never += missing(to, "result", text, s->result[number]);
	RESULTS(X)
#undef X
	never += print_edges(s, to);
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		if (!outside[i])
			never += missing(to, "counter", counter_key(i), s->counter[i]);
	}
	return never;
}
