/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <string.h>

#include "check.h"
#include "clerk.h"
#include "fault.h"
#include "wire.h"

void machine_power_on(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	uint64_t held = 0;

	if (m->powered)
		return;
	m->powered = true;
	m->boot++;
	clerk_boot(m);
	m->kernel_free_at = 0;
	m->kernel_pending = 0;
	check_powered(w, id);
	for (unsigned g = 0; g < m->conf->n_groups; g++)
		held |= (uint64_t)m->held[g] << g;
	guard_init(&m->guard, m->conf, held, machine_clock(m, w->now));
	if (w->direct && w->machine[1 - id].powered)
		fault_set_links(w, true);
	world_trace(w, "%s: power on, held %llx", m->conf->node[id], (unsigned long long)held);
	check_disturbed(w);
}

void machine_kill_all(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	machine_end_engine(w, m);
	m->entrusted = (struct entrusted){ 0 };
	m->powered = false;
	clerk_end(m, false);
	m->spawning = false;
	m->paused_until = 0;
	m->boot++;
	machine_forget_inbox(w, m);
	check_disturbed(w);
}

void machine_power_off(struct world *w, unsigned id)
{
	machine_kill_all(w, id);
	memset(w->machine[id].held, 0, sizeof(w->machine[id].held));
	table_clear(&w->machine[id]);
	clerk_end(&w->machine[id], true);
	machine_new_clock(w, id);
	if (w->direct)
		fault_set_links(w, false);
}

void machine_kill_engine(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	check_disturbed(w);
	if (machine_runs(m))
		machine_engine_died(w, m, false);
}

void machine_pause(struct world *w, unsigned id, uint64_t us)
{
	struct machine *m = &w->machine[id];

	if (!m->powered || m->paused_until != 0)
		return;
	check_stops(w, id);
	m->paused_until = w->now + us;
	world_later(w, m->paused_until, ITEM_WAKE, id);
	check_disturbed(w);
}

void machine_hang_engine(struct world *w, unsigned id, uint64_t us)
{
	struct machine *m = &w->machine[id];

	if (!machine_runs(m))
		return;
	check_stops(w, id);
	m->hangs = true;
	m->hangs_until = w->now + us;
	world_later(w, m->hangs_until, ITEM_UNHANG, id);
	check_disturbed(w);
}

static void find_missing(struct world *w, struct machine *m, unsigned group)
{
	struct guard_actions out;

	guard_missing(&m->guard, machine_clock(m, w->now), group, &out);
	machine_obey_guard(w, m, &out);
	check_disturbed(w);
}

void machine_missing(struct world *w, unsigned id, unsigned group)
{
	struct machine *m = &w->machine[id];

	if (!machine_runs(m) || !m->held[group])
		return;
	m->held[group] = false;
	find_missing(w, m, group);
}

void machine_stop(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	struct event event = { .type = EVENT_STOP };
	struct guard_actions out;

	if (!machine_runs(m))
		return;
	guard_stop(&m->guard, machine_clock(m, w->now), &out);
	machine_obey_guard(w, m, &out);
	if (m->engine)
		machine_event(w, id, &event);
	check_disturbed(w);
}

struct conf *machine_next_conf(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	struct conf *next = &m->confs[m->conf == &m->confs[0]];

	*next = *m->conf;
	return next;
}

enum result machine_reload(struct world *w, unsigned id)
{
	static const struct event timer = { .type = EVENT_TIMER };
	static struct actions out;
	struct machine *m = &w->machine[id];
	const struct conf *next = &m->confs[m->conf == &m->confs[0]];
	enum result result = node_reconfigure(m->node, machine_clock(m, w->now), next, &out);

	if (result == RESULT_DONE)
		m->conf = next;
	check_step(w, id, &timer);
	machine_carry_out(w, m, &out);
	machine_tell_carriers(w, id);
	return result;
}

void machine_arrives(struct world *w, const struct item *item)
{
	struct machine *m = &w->machine[item->machine];
	bool frame = item->type == ITEM_FRAME;
	bool engine = frame || item->type == ITEM_EVENTS || item->type == ITEM_DUMPED ||
		      item->type == ITEM_TUNNELS_TOLD;
	bool lives = item->boot == m->boot && (!engine || m->engine);
	bool waits = m->paused_until != 0 || (engine && m->hangs);

	if (lives && !waits)
		machine_item(w, m, item);
	else if (lives && m->n_inbox < WORLD_INBOX_MAX - (frame ? WORLD_INBOX_RESERVE : 0))
		m->inbox[m->n_inbox++] = *item;
	else if (frame)
		wire_forget(w, item);
}

/* What came meanwhile is waiting, and so are timers: the daemon drains its sockets first. */
static void catch_up(struct world *w, struct machine *m)
{
	struct item inbox[WORLD_INBOX_MAX];
	unsigned n = m->n_inbox;

	memcpy(inbox, m->inbox, n * sizeof(inbox[0]));
	m->n_inbox = 0;
	world_trace(w, "%s: wakes", m->conf->node[m->id]);
	for (unsigned i = 0; i < n; i++)
		machine_arrives(w, &inbox[i]);
	for (unsigned g = 0; g < m->conf->n_groups && m->powered; g++) {
		if (m->guard.group[g].held && !m->held[g] && m->kernel_pending == 0)
			find_missing(w, m, g);
	}
}

void machine_wakes(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	if (!m->hangs && m->paused_until == 0) /* the engine that hung is no more */
		return;
	if (m->paused_until <= w->now)
		m->paused_until = 0;
	if (m->hangs_until <= w->now)
		m->hangs = false;
	check_disturbed(w);
	check_wakes(w, m->id);
	if (m->paused_until == 0)
		catch_up(w, m);
}

void machine_expire_leases(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		if (!m->held[g] || m->lease_until[g] > w->now)
			continue;
		check_lease_over(w, id, g);
		if (machine_runs(m))
			machine_missing(w, id, g);
		m->held[g] = false;
	}
}
