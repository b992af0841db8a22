/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "moment.h"

#include "machine.h"
#include "table.h"

void moment_events_lost(struct world *w, unsigned m)
{
	w->table_fault_at = w->now;
	for (unsigned i = 0; i < 40 && w->machine[m].table.n_events == 0 && !w->failed; i++)
		world_run(w, w->now + 200);
	table_lose(w, &w->machine[m]);
}

void moment_run_out(struct world *w, unsigned m)
{
	for (unsigned i = 0; i < 6; i++)
		table_expire(w, &w->machine[m]);
}

void moment_altered(struct world *w, unsigned m)
{
	w->table_fault_at = w->now;
	for (unsigned i = 0; i < 4; i++)
		table_alter(w, &w->machine[m]);
}

static void tell(struct world *w, unsigned m, enum event_type type)
{
	struct event event = { .type = type };

	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

void moment_resync(struct world *w, unsigned m)
{
	tell(w, m, EVENT_RESYNC);
}

void moment_audit(struct world *w, unsigned m)
{
	tell(w, m, EVENT_AUDIT);
}
