/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "linkset.h"

#include <assert.h>
#include <string.h>

static struct path silent_path(void)
{
	return (struct path){
		.state = PATH_SILENT,
		.heard_at = MONO_NEVER,
		.heard_until = MONO_NEVER,
		.alive_until = MONO_NEVER,
		.rtt_us = UINT64_MAX,
	};
}

void linkset_init(struct linkset *ls, unsigned n_links, unsigned n_paths, uint64_t detection_us)
{
	assert(n_links <= n_paths && n_paths <= CONF_PATHS_MAX);
	memset(ls, 0, sizeof(*ls));
	ls->n_links = n_links;
	ls->n_paths = n_paths;
	ls->detection_us = detection_us;
	ls->peer_until = ls->links_fresh_at = MONO_NEVER;
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		ls->path[i] = silent_path();
}

void linkset_rearrange(
	struct linkset *ls, unsigned n_links, unsigned n_paths, const int from[CONF_PATHS_MAX])
{
	struct path old[CONF_PATHS_MAX];

	assert(n_links <= n_paths && n_paths <= CONF_PATHS_MAX);
	memcpy(old, ls->path, sizeof(old));
	ls->n_links = n_links;
	ls->n_paths = n_paths;
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		ls->path[i] = i < n_paths && from[i] >= 0 ? old[from[i]] : silent_path();
}

uint64_t linkset_next_beat(struct linkset *ls, mono_t now)
{
	ls->beat = now.us > ls->beat ? now.us : ls->beat + 1;
	return ls->beat;
}

/* How long path i may be silent. */
static uint64_t allowance_us(const struct linkset *ls, unsigned i)
{
	return i < ls->n_links ? ls->detection_us : ls->detection_us * LINKSET_SECONDARY_FACTOR;
}

static bool is_recent(const struct linkset *ls, uint64_t echo, mono_t now, uint64_t allowance)
{
	uint64_t grace = mono_before(now, ls->grace_until) ? ls->grace_us : 0;

	return echo != 0 && echo <= ls->beat && echo + allowance + grace >= now.us;
}

struct linkset_change linkset_heard(struct linkset *ls, unsigned i, mono_t now, uint64_t number,
	uint64_t echo_here, uint64_t echo_best)
{
	assert(i < ls->n_paths);
	struct path *p = &ls->path[i];
	struct linkset_change change = { 0 };
	enum path_state before = p->state;
	uint64_t allowance = allowance_us(ls, i);

	p->heard_at = now;
	p->heard_until = mono_after_us(now, allowance);
	p->beat = number > p->beat ? number : p->beat;
	/* The echo of a later one tells when the peer beats, not how long the path is. */
	if (p->probe != 0 && echo_here >= p->probe) {
		if (echo_here == p->probe) {
			p->rtt_us = mono_since_us((mono_t){ echo_here }, now);
			p->rtt_at = now;
		}
		p->probe = 0;
	}
	if (is_recent(ls, echo_here, now, allowance)) {
		p->state = PATH_ALIVE;
		p->alive_until = p->heard_until;
		p->echo_age_us = now.us - echo_here;
	} else if (p->state != PATH_ALIVE) {
		p->state = PATH_ONE_WAY;
	}
	change.paths = p->state != before ? 1u << i : 0;
	change.fresh = is_recent(ls, echo_best, now, ls->detection_us);
	if (change.fresh) {
		change.peer = !ls->peer_alive;
		ls->peer_alive = true;
		ls->peer_until = mono_after_us(now, ls->detection_us);
		if (i < ls->n_links)
			ls->links_fresh_at = now;
	}
	return change;
}

bool linkset_wants_probe(const struct linkset *ls, mono_t now)
{
	for (unsigned i = ls->n_links; i < ls->n_paths; i++) {
		const struct path *p = &ls->path[i];

		if (p->state == PATH_ALIVE &&
			(p->rtt_us > LINKSET_RTT_QUICK_US ||
				mono_reached(mono_after_ms(p->rtt_at, LINKSET_RTT_EVERY_MS), now)))
			return true;
	}
	return false;
}

void linkset_probed(struct linkset *ls)
{
	for (unsigned i = ls->n_links; i < ls->n_paths; i++)
		ls->path[i].probe = ls->beat;
}

/* When the peer is lost unless it is heard. */
static mono_t lost_at(const struct linkset *ls)
{
	return mono_max(ls->peer_until, ls->hold_until);
}

struct linkset_change linkset_expire(struct linkset *ls, mono_t now)
{
	struct linkset_change change = { 0 };

	for (unsigned i = 0; i < ls->n_paths; i++) {
		struct path *p = &ls->path[i];
		enum path_state before = p->state;

		if (p->state == PATH_ALIVE && mono_reached(p->alive_until, now))
			p->state = PATH_ONE_WAY;
		if (p->state == PATH_ONE_WAY && mono_reached(p->heard_until, now))
			p->state = PATH_LOST;
		if (p->state != before)
			change.paths |= 1u << i;
	}
	if (ls->peer_alive && mono_reached(lost_at(ls), now)) {
		ls->peer_alive = false;
		change.peer = true;
	}
	return change;
}

void linkset_ran_late(struct linkset *ls, mono_t now, uint64_t late_us)
{
	for (unsigned i = 0; i < ls->n_paths; i++) {
		struct path *p = &ls->path[i];

		p->alive_until = mono_after_us(p->alive_until, late_us);
		p->heard_until = mono_after_us(p->heard_until, late_us);
	}
	ls->peer_until = mono_after_us(ls->peer_until, late_us);
	ls->grace_us = late_us;
	ls->grace_until = mono_after_us(now, ls->detection_us);
}

void linkset_forget(struct linkset *ls)
{
	for (unsigned i = 0; i < ls->n_paths; i++) {
		struct path *p = &ls->path[i];

		if (p->state != PATH_SILENT)
			p->state = PATH_LOST;
	}
	linkset_parted(ls);
	ls->grace_us = 0;
}

void linkset_peer_restarted(struct linkset *ls, mono_t now)
{
	ls->hold_until = mono_min(ls->hold_until, mono_after_us(now, ls->detection_us));
	for (unsigned i = 0; i < ls->n_paths; i++)
		ls->path[i].beat = 0;
}

void linkset_hold(struct linkset *ls, mono_t now)
{
	ls->hold_until = mono_after_ms(now, LINKSET_HOLD_MS);
}

void linkset_parted(struct linkset *ls)
{
	ls->peer_alive = false;
	ls->hold_until = (mono_t){ 0 };
}

bool linkset_is_urgent(const struct linkset *ls, mono_t now, uint64_t heartbeat_us)
{
	if (!ls->peer_alive)
		return false;
	return mono_is_never(ls->links_fresh_at) ||
	       mono_reached(mono_after_us(ls->links_fresh_at, heartbeat_us * 3 / 2), now);
}

mono_t linkset_urgent_at(const struct linkset *ls, mono_t now, uint64_t heartbeat_us)
{
	if (!ls->peer_alive || ls->n_paths == ls->n_links ||
		linkset_is_urgent(ls, now, heartbeat_us))
		return MONO_NEVER;
	return mono_after_us(ls->links_fresh_at, heartbeat_us * 3 / 2);
}

mono_t linkset_deadline(const struct linkset *ls)
{
	mono_t at = ls->peer_alive ? lost_at(ls) : MONO_NEVER;

	for (unsigned i = 0; i < ls->n_paths; i++) {
		const struct path *p = &ls->path[i];

		if (p->state == PATH_ALIVE)
			at = mono_min(at, p->alive_until);
		else if (p->state == PATH_ONE_WAY)
			at = mono_min(at, p->heard_until);
	}
	return at;
}
