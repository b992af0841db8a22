/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "announce.h"

#include <assert.h>
#include <sys/socket.h>

static const uint32_t burst_ms[ANNOUNCE_BURST] = { 0, 50, 200, 1000 };
/* The old master, which has the same MAC, is quiet GUARD_SUPERSEDED_MS after it heard the first. */
static const uint32_t burst_vmac_ms[ANNOUNCE_BURST] = { 0, 30, 200, 1000 };

void announce_init(struct announce *a, const struct conf *conf)
{
	*a = (struct announce){ .conf = conf };
}

static void begin(struct announce_group *g, mono_t now)
{
	g->held = true;
	g->began_at = g->due = now;
	g->round = g->cursor = 0;
}

void announce_taken(struct announce *a, unsigned group, mono_t now)
{
	assert(group < a->conf->n_groups);
	begin(&a->group[group], now);
}

void announce_dropped(struct announce *a, unsigned group)
{
	assert(group < a->conf->n_groups);
	a->group[group].held = false;
}

void announce_again(struct announce *a, unsigned group, mono_t now)
{
	struct announce_group *g = &a->group[group];

	assert(group < a->conf->n_groups);
	if (g->held && mono_reached(mono_after_ms(g->began_at, ANNOUNCE_AGAIN_MS), now))
		begin(g, now);
}

/* The held group whose round has been due for longest; NULL if none is. */
static struct announce_group *next_due(struct announce *a, mono_t now)
{
	struct announce_group *first = NULL;

	for (unsigned i = 0; i < a->conf->n_groups; i++) {
		struct announce_group *g = &a->group[i];

		if (g->held && mono_reached(g->due, now) &&
			(!first || mono_before(g->due, first->due)))
			first = g;
	}
	return first;
}

static void round_done(const struct announce *a, struct announce_group *g, mono_t now)
{
	bool virtual_mac = a->conf->group[g - a->group].virtual_mac;
	const uint32_t *rounds_ms = virtual_mac ? burst_vmac_ms : burst_ms;
	uint32_t refresh_ms = virtual_mac ? ANNOUNCE_REFRESH_VMAC_MS : ANNOUNCE_REFRESH_MS;

	g->cursor = 0;
	/* Rounds whose time passed meanwhile were served by this one. */
	while (g->round < ANNOUNCE_BURST &&
		mono_reached(mono_after_ms(g->began_at, rounds_ms[g->round]), now))
		g->round++;
	g->due = g->round < ANNOUNCE_BURST ? mono_after_ms(g->began_at, rounds_ms[g->round])
					   : mono_after_ms(now, refresh_ms);
}

/* Adds frames of the group's round until it is done or the list full; the list's new length. */
static unsigned take_frames(const struct announce *a, struct announce_group *g, mono_t now,
	struct announce_frame due[ANNOUNCE_MAX], unsigned n)
{
	const struct conf_group *group = &a->conf->group[g - a->group];

	for (; g->cursor < 2 * group->n_addresses; g->cursor++) {
		bool again = g->cursor >= group->n_addresses;
		unsigned i = group->first_address + g->cursor - (again ? group->n_addresses : 0);

		if (again && a->conf->address[i].ip.family != AF_INET)
			continue;
		if (n == ANNOUNCE_MAX)
			return n;
		due[n++] = (struct announce_frame){ .address = i,
			.form = again ? ANNOUNCE_REPLY : ANNOUNCE_REQUEST };
	}
	round_done(a, g, now);
	return n;
}

unsigned announce_due(struct announce *a, mono_t now, struct announce_frame due[ANNOUNCE_MAX])
{
	struct announce_group *g;
	unsigned n = 0;

	if (mono_before(now, a->paced_until))
		return 0;
	while (n < ANNOUNCE_MAX && (g = next_due(a, now)))
		n = take_frames(a, g, now, due, n);
	if (n == ANNOUNCE_MAX)
		a->paced_until = mono_after_us(now, ANNOUNCE_PACE_US);
	return n;
}

mono_t announce_deadline(const struct announce *a)
{
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < a->conf->n_groups; i++)
		if (a->group[i].held)
			at = mono_min(at, a->group[i].due);
	return mono_is_never(at) ? at : mono_max(at, a->paced_until);
}
