/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suspect.h"

#include "beat.h"
#include "state.h"

/* The HA links had carrier a moment ago, and none has it now. */
static bool all_went_at_once(const struct node *n, mono_t now)
{
	for (unsigned i = 0; i < n->conf->n_links; i++) {
		if (n->carrier[i] ||
			mono_since_us(n->suspect.down_at[i], now) > SUSPECT_TOGETHER_US)
			return false;
	}
	return n->conf->n_links > 0;
}

/* Heard both ways within the last two of its intervals, and quick: its silence means something. */
static bool can_tell(const struct node *n, mono_t now, unsigned path)
{
	const struct path *p = &n->links.path[path];
	uint64_t own_us = (uint64_t)n->conf->heartbeat_ms * 1000;
	uint64_t interval_us = own_us > n->peer_interval_us ? own_us : n->peer_interval_us;

	return n->conf->path[path].secondary && n->carrier[path] && p->state == PATH_ALIVE &&
	       p->rtt_us <= SUSPECT_RTT_MAX_US &&
	       mono_since_us(p->heard_at, now) <= 2 * LINKSET_SECONDARY_FACTOR * interval_us;
}

static bool any_can_tell(const struct node *n, mono_t now)
{
	for (unsigned i = n->conf->n_links; i < n->conf->n_paths; i++) {
		if (can_tell(n, now, i))
			return true;
	}
	return false;
}

static bool is_suspicious(const struct node *n, mono_t now)
{
	return n->links.peer_alive && n->peer_known && n->peer_realtime && !n->stopping &&
	       mono_reached(n->links.hold_until, now) && all_went_at_once(n, now) &&
	       any_can_tell(n, now);
}

void suspect_carrier(struct node *n, mono_t now, unsigned path)
{
	struct suspect *s = &n->suspect;

	if (path >= n->conf->n_links)
		return;
	if (n->carrier[path]) {
		s->running = false;
		return;
	}
	s->down_at[path] = now;
	if (s->running || !is_suspicious(n, now))
		return;
	node_count(n, COUNTER_SUSPICIONS);
	log_info(n->env.log, "peer %s: suspected, no HA link has carrier",
		n->conf->node[1 - n->conf->self]);
	*s = (struct suspect){ .running = true, .due = now, .first = UINT64_MAX };
}

void suspect_heard(struct node *n, uint64_t echo)
{
	if (!n->suspect.running || echo < n->suspect.first)
		return;
	n->suspect.running = false;
	log_info(n->env.log, "peer %s: answers, only the HA links are gone",
		n->conf->node[1 - n->conf->self]);
}

/* False: no path is left that could tell. */
static bool probe(struct node *n, mono_t now, struct actions *out)
{
	struct suspect *s = &n->suspect;
	bool sent = false;

	for (unsigned i = n->conf->n_links; i < n->conf->n_paths; i++) {
		if (!can_tell(n, now, i))
			continue;
		beat_send_probe(n, now, i, out);
		if (s->first == UINT64_MAX)
			s->first = n->links.beat;
		sent = true;
	}
	s->probes++;
	s->due = mono_after_us(now, SUSPECT_SPACING_US);
	return sent;
}

void suspect_settle(struct node *n, mono_t now, struct actions *out)
{
	struct suspect *s = &n->suspect;

	if (!n->links.peer_alive)
		s->running = false;
	if (!s->running || !mono_reached(s->due, now))
		return;
	if (s->probes < SUSPECT_PROBES) {
		s->running = probe(n, now, out);
		return;
	}
	s->running = false;
	if (!any_can_tell(n, now))
		return;
	log_warn(n->env.log, "peer %s: lost, no HA link has carrier and %u probes are unanswered",
		n->conf->node[1 - n->conf->self], (unsigned)SUSPECT_PROBES);
	linkset_parted(&n->links);
	node_peer_lost(n, now, out);
}

mono_t suspect_deadline(const struct node *n)
{
	return n->suspect.running ? n->suspect.due : MONO_NEVER;
}
