/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "moment.h"

#include <string.h>

#include "check.h"
#include "core/state.h"
#include "machine.h"
#include "stats.h"
#include "wire.h"

static void report_monitor(struct world *w, unsigned m, unsigned monitor, bool ok)
{
	struct event event = { .type = EVENT_MONITOR };

	event.monitor.monitor = monitor;
	event.monitor.ok = ok;
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

void moment_monitor(struct world *w, unsigned m)
{
	report_monitor(w, m, (unsigned)rng_below(&w->rng, 3), rng_chance(&w->rng, 40));
}

void moment_both_monitors(struct world *w, unsigned m)
{
	report_monitor(w, m, 0, rng_chance(&w->rng, 20));
	report_monitor(w, 1 - m, 0, rng_chance(&w->rng, 20));
}

static void report_sync(struct world *w, unsigned m, bool in_sync)
{
	struct event event = { .type = EVENT_SYNC };

	event.sync.in_sync = in_sync;
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

/* Now and then for good: a node that never gets in sync. */
void moment_out_of_sync(struct world *w, unsigned m)
{
	report_sync(w, m, false);
	if (rng_chance(&w->rng, 20))
		return;
	world_run(w, w->now + moment_time(w));
	if (!w->failed)
		report_sync(w, m, true);
}

void moment_mend_out_of_sync(struct world *w, unsigned m)
{
	report_monitor(w, m, 0, false);
	report_monitor(w, 1 - m, 0, false);
	report_sync(w, m, false);
	world_run(w, w->now + moment_time(w));
	if (!w->failed)
		report_monitor(w, m, 0, true);
}

void moment_served(struct world *w, unsigned m)
{
	struct event event = { .type = EVENT_SERVED };

	event.served.group = moment_group(w);
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

static void command(struct world *w, unsigned m, enum command_verb verb, bool force, bool peer)
{
	struct event event = { .type = EVENT_COMMAND };

	event.command.verb = verb;
	event.command.group =
		rng_chance(&w->rng, 40) ? COMMAND_ALL_GROUPS : (uint16_t)rng_below(&w->rng, 4);
	event.command.force = force;
	event.command.peer = peer;
	event.command.token = (uint32_t)rng_between(&w->rng, 1, 1000);
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

/* A standby is asked to take over before it says that it is not fit for it, and refuses. */
void moment_asked_unfit(struct world *w, unsigned m)
{
	struct event event = { .type = EVENT_COMMAND };

	switch (rng_below(&w->rng, 3)) {
	case 0: report_sync(w, m, false); break;
	case 1: report_monitor(w, m, 0, false); break;
	default: command(w, m, COMMAND_MAINTENANCE_ON, true, false); break;
	}
	event.command.verb = COMMAND_FAILOVER;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.token = 1;
	if (machine_runs(&w->machine[1 - m]))
		machine_event(w, 1 - m, &event);
}

void moment_failover(struct world *w, unsigned m)
{
	command(w, m, COMMAND_FAILOVER, false, false);
}

void moment_forced_failover(struct world *w, unsigned m)
{
	command(w, m, COMMAND_FAILOVER, true, false);
}

void moment_maintenance(struct world *w, unsigned m)
{
	bool on = rng_chance(&w->rng, 50);

	command(w, m, on ? COMMAND_MAINTENANCE_ON : COMMAND_MAINTENANCE_OFF, false,
		rng_chance(&w->rng, 50));
}

void moment_forced_maintenance(struct world *w, unsigned m)
{
	command(w, m, COMMAND_MAINTENANCE_ON, true, false);
}

/* Another configuration: a group's priority changes, and now and then a path goes. */
void moment_reload(struct world *w, unsigned m)
{
	bool foreign = rng_chance(&w->rng, 5);
	struct conf *next = machine_next_conf(w, m);

	if (!machine_runs(&w->machine[m]))
		return;
	next->group[0].priority[0] = (uint8_t)rng_between(&w->rng, 50, 52);
	next->digest++;
	if (next->n_paths > next->n_links && rng_chance(&w->rng, 30))
		next->n_paths--;
	if (foreign)
		next->cluster_id++;
	enum result result = machine_reload(w, m);

	w->stats->result[result]++;
	if (result != (foreign ? RESULT_NEEDS_RESTART : RESULT_DONE))
		world_fail(w, "a reload is judged wrongly: %s", result_text(result));
}

static bool reload_paths(struct world *w, unsigned m, unsigned n_paths)
{
	if (!machine_runs(&w->machine[m]))
		return false;
	machine_next_conf(w, m)->n_paths = n_paths;
	return machine_reload(w, m) == RESULT_DONE;
}

/* What was heard on it before is played again. */
void moment_path_returns(struct world *w, unsigned m)
{
	const struct conf *conf = w->machine[m].conf;
	unsigned path = conf->n_paths - 1;

	if (conf->n_paths == conf->n_links || !reload_paths(w, m, path))
		return;
	world_run(w, w->now + rng_below(&w->rng, check_heartbeat_us(w)));
	if (w->failed || !reload_paths(w, m, path + 1))
		return;
	for (unsigned i = 0; i < w->n_recorded; i++) {
		if (w->recorded[i].to == m && w->recorded[i].origin.path == path)
			wire_inject(w, m, path, span_of(w->recorded[i].bytes, w->recorded[i].len),
				&w->recorded[i].origin, rng_below(&w->rng, 1000));
	}
}

/* Both nodes read the file they read at first. */
void moment_reload_all(struct world *w)
{
	for (unsigned m = 0; m < 2; m++) {
		struct conf *next = machine_next_conf(w, m);

		next->n_paths = w->n_paths;
		next->digest = 1;
		next->group[0].priority[0] = w->priority;
		if (machine_runs(&w->machine[m]))
			machine_reload(w, m);
		else if (!w->machine[m].engine)
			w->machine[m].conf = next;
	}
}
