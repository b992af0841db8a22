/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

void vitals_init(struct engine *e)
{
	e->core_due = MONO_NEVER;
	pulse_start(e->setup->pulse, e->conf, loop_now());
}

void vitals_reconfigure(struct engine *e)
{
	pulse_reconfigure(e->setup->pulse, e->conf);
}

void vitals_woke(struct engine *e, mono_t now)
{
	pulse_woke(e->setup->pulse, now, mono_since_us(e->core_due, now));
}

void vitals_heard(struct engine *e, unsigned path)
{
	uint64_t beats = node_counters(e->node)[COUNTER_BEATS_HEARD];

	if (beats != e->vitals.beats)
		pulse_beat(e->setup->pulse, path, loop_now());
	e->vitals.beats = beats;
}

void vitals_stepped(struct engine *e, mono_t now)
{
	if (!pulse_is_due(e->setup->pulse, now))
		return;
	node_look(e->node, now, &e->vitals.view);
	pulse_close(e->setup->pulse, &e->vitals.view);
}
