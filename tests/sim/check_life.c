/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "core/state.h"
#include "machine.h"

static bool works(const struct wire *wire)
{
	return !wire->cut && wire->loss + wire->duplicate + wire->corrupt + wire->truncate == 0 &&
	       wire->withheld == 0 && wire->delay <= 30 && wire->jitter <= 20;
}

static bool path_works(const struct world *w, unsigned p)
{
	return w->carrier[p] && p < w->machine[0].conf->n_paths &&
	       p < w->machine[1].conf->n_paths && works(&w->wire[0][p]) && works(&w->wire[1][p]);
}

void check_disturbed(struct world *w)
{
	struct check *c = &w->check;

	c->disturbed_at = c->calm_at = w->now;
	if (c->slow || w->kernel_delay_max > 2000)
		c->slow_at = w->now;
	c->slow = w->kernel_delay_max > 2000;
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		if (!path_works(w, p))
			c->path_ok_since[p] = 0;
		else if (c->path_ok_since[p] == 0)
			c->path_ok_since[p] = w->now + 1;
	}
}

void check_lasting(struct world *w, bool on)
{
	w->check.lasting += on ? 1 : -1u;
	check_disturbed(w);
}

uint64_t check_path_ok_us(const struct world *w, unsigned path)
{
	uint64_t since = w->check.path_ok_since[path];

	return since != 0 && since < w->now ? w->now - since : 0;
}

uint64_t check_calm_us(const struct world *w)
{
	const struct check *c = &w->check;

	if (c->lasting > 0 || !machine_runs(&w->machine[0]) || !machine_runs(&w->machine[1]))
		return 0;
	return w->now - c->calm_at;
}

void check_powered(struct world *w, unsigned m)
{
	struct check_machine *c = &w->check.of[m];

	c->powered_at = w->now;
	c->gone_since = 0;
	c->stopped_at = 0;
	for (unsigned g = 0; g < WORLD_GROUPS_MAX; g++)
		c->group[g].lingers_since = 0; /* a new guardian begins with nothing else */
}

void check_engine_started(struct world *w, unsigned m, uint64_t adopted)
{
	struct check_machine *c = &w->check.of[m];
	const struct node *n = w->machine[m].node;

	c->engine_since = c->on_time_since = c->awake_since = c->fresh_at = w->now;
	c->adopted = adopted;
	c->carrier_at = c->lost = c->late_us = c->suspicions = 0;
	memset(&c->hold, 0, sizeof(c->hold));
	memset(&c->parting, 0, sizeof(c->parting));
	c->in_sync = c->stopping = false;
	c->listens_until = c->stopped_at = 0;
	c->request.engine = c->request.id = 0;
	c->request.n = 0;
	c->n_sessions = c->n_late = 0;
	memset(c->failed, 0, sizeof(c->failed));
	for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++) {
		/* A restart is a failure: it ends the suspension on both nodes. */
		c->group[g].suspended = w->check.of[1 - m].group[g].suspended = false;
		c->group[g].fit_since = c->group[g].unfit_at = 0;
		c->group[g].state = n->group[g].state;
		c->group[g].dropping = c->group[g].lease_lost = false;
		c->group[g].phase = HANDOVER_NONE;
		c->group[g].refused_at = 0;
		if (n->group[g].maintenance != c->group[g].maintenance)
			world_fail(w, "%s forgets the maintenance of group %u",
				w->machine[m].conf->node[m], g);
	}
}

void check_engine_ended(struct world *w, unsigned m)
{
	struct check_machine *c = &w->check.of[m];

	for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++)
		c->group[g].maintenance = w->machine[m].node->group[g].maintenance;
}

void check_blank(struct world *w, unsigned m)
{
	for (unsigned g = 0; g < WORLD_GROUPS_MAX; g++)
		w->check.of[m].group[g].maintenance = false;
	memset(w->machine[m].term_seen, 0, sizeof(w->machine[m].term_seen));
}

void check_stops(struct world *w, unsigned m)
{
	if (w->check.of[m].stopped_at == 0)
		w->check.of[m].stopped_at = w->now;
}

/* A stall so short that its peer sees nothing amiss: a beat may have been due at its begin. */
bool check_is_short(const struct world *w, uint64_t us)
{
	return us + check_heartbeat_us(w) * 3 / 2 + 1000 < check_detection_us(w);
}

void check_wakes(struct world *w, unsigned m)
{
	struct check_machine *c = &w->check.of[m];
	const struct machine *machine = &w->machine[m];

	if (machine->paused_until != 0)
		return;
	c->woke_at = w->now;
	c->late_us = w->now - c->stopped_at;
	if (!check_is_short(w, c->late_us))
		c->on_time_since = w->now;
	if (c->late_us >= check_detection_us(w) - check_detection_us(w) / 100)
		c->awake_since = w->now;
	/* A timer was due a heartbeat after it stopped, at the latest. */
	if (c->late_us > (check_detection_us(w) + check_heartbeat_us(w)) * 21 / 20 + 1000) {
		c->listens_until = w->now + check_detection_us(w) * 19 / 20;
		c->n_late = 0;
	} else {
		c->late[c->n_late % CHECK_LATE].woke_at = w->now;
		c->late[c->n_late++ % CHECK_LATE].us = c->late_us;
	}
	if (!machine->hangs)
		c->stopped_at = 0;
}

void check_lease_over(struct world *w, unsigned m, unsigned group)
{
	const struct check_machine *c = &w->check.of[m];
	const struct machine *machine = &w->machine[m];
	const uint64_t long_us = (GUARD_LEASE_MS + GUARD_RENEW_MS) * UINT64_C(1000);

	if (machine->powered && machine->paused_until == 0 && w->now > c->powered_at + long_us &&
		w->now > c->woke_at + long_us && !check_was_slow(w, 2 * long_us))
		world_fail(
			w, "%s lets the lease of group %u run out", machine->conf->node[m], group);
}

void check_parted(struct world *w, unsigned m)
{
	const struct machine *machine = &w->machine[m];

	for (unsigned g = 0; g < machine->conf->n_groups; g++) {
		if (machine->held[g] && machine->kernel_pending == 0)
			world_fail(w, "P6.5: %s parts and holds group %u", check_name(w, m), g);
	}
}

void check_exit(struct world *w, unsigned m)
{
	const struct machine *machine = &w->machine[m];

	for (unsigned g = 0; g < machine->conf->n_groups; g++) {
		if ((machine->held[g] || w->check.of[m].group[g].lingers_since != 0) &&
			machine->kernel_pending == 0)
			world_fail(w, "the guardian of %s ends and leaves group %u's addresses",
				machine->conf->node[m], g);
	}
}
