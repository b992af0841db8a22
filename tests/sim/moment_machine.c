/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "moment.h"

#include <string.h>

#include "check.h"
#include "core/state.h"
#include "machine.h"
#include "stats.h"
#include "wire.h"

static void steal(struct world *w, unsigned m, unsigned times)
{
	unsigned g = moment_group(w);

	for (unsigned i = 0; i < times && !w->failed; i++) {
		machine_missing(w, m, g);
		world_run(w, w->now + 3000);
	}
}

void moment_missing(struct world *w, unsigned m)
{
	steal(w, m, 1);
}

void moment_thief(struct world *w, unsigned m)
{
	steal(w, m, 8);
}

void moment_power_off(struct world *w, unsigned m)
{
	table_check_ready(w, &w->machine[m]);
	machine_power_off(w, m);
	world_later(w, w->now + moment_time(w), ITEM_POWER_ON, m);
}

void moment_power_off_blank(struct world *w, unsigned m)
{
	moment_power_off(w, m);
	memset(&w->machine[m].disk, 0, sizeof(w->machine[m].disk));
	check_blank(w, m);
}

void moment_engine_crash_twice(struct world *w, unsigned m)
{
	for (unsigned i = 0; i < 3 && !w->failed; i++) {
		machine_kill_engine(w, m);
		world_run(w, w->now + 30000);
	}
}

void moment_kill_all(struct world *w, unsigned m)
{
	machine_kill_all(w, m);
	world_later(w, w->now + rng_between(&w->rng, 1000, 8000000), ITEM_POWER_ON, m);
}

void moment_stall(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, 1000, check_detection_us(w)));
}

/* So short that its peer sees nothing amiss. */
void moment_short_stall(struct world *w, unsigned m)
{
	uint64_t most = check_detection_us(w) - check_heartbeat_us(w) * 3 / 2 - 1500;

	machine_pause(w, m, rng_between(&w->rng, most / 4, most));
}

/* Now and then for longer than its guardian waits. */
void moment_hang(struct world *w, unsigned m)
{
	machine_hang_engine(w, m,
		rng_chance(&w->rng, 50) ? moment_time(w) : rng_between(&w->rng, 1000000, 4500000));
}

void moment_pause_machine(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, check_detection_us(w), 5 * check_detection_us(w)));
}

void moment_pause_long(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, 5000000, 9000000));
}

void moment_guardian_pause(struct world *w, unsigned m)
{
	struct machine *machine = &w->machine[m];

	if (!machine_runs(machine))
		return;
	for (unsigned g = 0; g < machine->conf->n_groups; g++)
		machine->held[g] = false;
	machine->guard.renewed_at.us -= (GUARD_LEASE_MS + 1000) * UINT64_C(1000);
	machine->guard.renew_due = machine_clock(machine, w->now);
}

void moment_boot_together(struct world *w, unsigned m)
{
	for (unsigned i = 0; i < 2; i++) {
		machine_power_off(w, i);
		world_later(w, w->now + 1000 + rng_below(&w->rng, check_heartbeat_us(w)),
			ITEM_POWER_ON, i);
	}
	(void)m;
}

void moment_rotation(struct world *w, unsigned m)
{
	machine_power_off(w, m);
	toy_init(&w->machine[m].toy, rng_next(&w->rng), 0x2222222222222202, 0x1111111111111101);
	world_later(w, w->now + moment_time(w), ITEM_POWER_ON, m);
}

void moment_boot_in_maintenance(struct world *w, unsigned m)
{
	struct machine *machine = &w->machine[m];
	struct event off = { .type = EVENT_COMMAND };

	machine_power_off(w, 1 - m);
	machine_power_off(w, m);
	machine->disk.n_maintenance = 1;
	machine->disk.maintenance[0] = machine->conf->group[0].id;
	for (unsigned g = 0; g < machine->conf->n_groups; g++)
		w->check.of[m].group[g].maintenance = g == 0;
	machine_power_on(w, m);
	world_later(w, w->now + moment_time(w), ITEM_POWER_ON, 1 - m);
	world_run(w, w->now + rng_between(&w->rng, 20000, 20000 + check_detection_us(w)));
	off.command.verb = COMMAND_MAINTENANCE_OFF;
	off.command.group = COMMAND_ALL_GROUPS;
	off.command.token = 1;
	if (!w->failed && machine_runs(machine))
		machine_event(w, m, &off);
}
