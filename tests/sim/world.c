/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "clerk.h"
#include "fault.h"
#include "machine.h"

void world_trace(struct world *w, const char *format, ...)
{
	if (!w->trace)
		return;
	char *line = w->lines[w->n_lines++ % WORLD_TRACE_LINES];
	unsigned long long us = w->now;
	int n = snprintf(line, WORLD_TRACE_LEN, "%6llu.%03llu ms  ", us / 1000, us % 1000);
	va_list args;

	va_start(args, format);
	vsnprintf(line + n, WORLD_TRACE_LEN - (size_t)n, format, args);
	va_end(args);
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	world_trace(w, "FAILED: %s", w->failure);
}

static void dispatch(struct world *w, const struct item *item)
{
	switch (item->type) {
	case ITEM_END_FAULT: fault_end(w, item->end.fault, item->end.path, item->end.from); break;
	case ITEM_POWER_ON: machine_power_on(w, item->machine); break;
	case ITEM_WAKE:
	case ITEM_UNHANG:
		if (item->boot == w->machine[item->machine].boot)
			machine_wakes(w, item->machine);
		break;
	case ITEM_FRAME:
	case ITEM_KERNEL:
	case ITEM_TELL:
	case ITEM_SPAWN:
	case ITEM_EVENTS:
	case ITEM_TUNNELS_TOLD:
	case ITEM_DUMPED: machine_arrives(w, item); break;
	case ITEM_JUDGED: machine_arrives(w, item); break;
	case ITEM_TRAFFIC: table_traffic(w); break;
	case ITEM_TUNNELS: tunnels_happen(w); break;
	case ITEM_CLERK: clerk_happens(w); break;
	}
}

static bool run_next(struct world *w, uint64_t until)
{
	uint64_t at = w->n_items > 0 ? w->heap[0].at : UINT64_MAX;
	int timer = -1;

	for (int i = 0; i < 2; i++) {
		uint64_t due = machine_due(&w->machine[i]);

		if (due < at) {
			at = due;
			timer = i;
		}
	}
	if (at > until)
		return false;
	w->now = at > w->now ? at : w->now;
	for (unsigned i = 0; i < 2; i++)
		machine_expire_leases(w, i);
	if (timer >= 0) {
		machine_timer(w, &w->machine[timer]);
	} else {
		struct item item = world_pop(w);

		dispatch(w, &item);
	}
	check_world(w);
	return true;
}

void world_run(struct world *w, uint64_t until)
{
	while (!w->failed && run_next(w, until))
		;
	if (!w->failed)
		w->now = until;
}
