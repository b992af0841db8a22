/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

/* Integers alone: the same on every machine. The offset wraps, so that a clock may begin anew. */
mono_t machine_clock(const struct machine *m, uint64_t at)
{
	return (mono_t){ m->offset + (uint64_t)((int64_t)at + (int64_t)at * m->ppm / 1000000) };
}

/* When, in the world's time, a machine's clock reads `local`. */
static uint64_t world_time(const struct machine *m, mono_t local)
{
	int64_t since = (int64_t)(local.us - m->offset);

	if (mono_is_never(local))
		return UINT64_MAX;
	if (since <= 0)
		return 0;
	uint64_t at = (uint64_t)(since - since * m->ppm / 1000000);

	while (at > 0 && !mono_before(machine_clock(m, at), local))
		at--;
	while (mono_before(machine_clock(m, at), local))
		at++;
	return at;
}

static uint64_t due_at(const struct machine *m, struct due *due, mono_t local)
{
	if (due->local.us != local.us)
		*due = (struct due){ .local = local, .at = world_time(m, local) };
	return due->at;
}

uint64_t machine_due(struct machine *m)
{
	if (!m->powered || m->paused_until != 0)
		return UINT64_MAX;
	uint64_t due = due_at(m, &m->guard_due, guard_deadline(&m->guard));

	if (m->engine && !m->hangs) {
		uint64_t engine = due_at(m, &m->engine_due, node_deadline(m->node));

		due = engine < due ? engine : due;
	}
	return due;
}

void machine_new_clock(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	uint64_t reads = rng_between(&w->rng, 4000, 1000000) * 1000000;

	m->offset = 0;
	m->offset = reads - machine_clock(m, w->now).us;
	m->guard_due = m->engine_due = (struct due){ .local = MONO_NEVER, .at = UINT64_MAX };
}
