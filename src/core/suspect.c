/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suspect.h"

#include "beat.h"
#include "state.h"

static bool none_has_carrier(const struct node *n)
{
	for (unsigned i = 0; i < n->conf->n_links; i++) {
		if (n->carrier[i])
			return false;
	}
	return n->conf->n_links > 0;
}

static bool went_at_once(const struct node *n, mono_t now)
{
	for (unsigned i = 0; i < n->conf->n_links; i++) {
		if (mono_since_us(n->suspect.down_at[i], now) > SUSPECT_TOGETHER_US)
			return false;
	}
	return true;
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

/* Why the detection time has to decide, although no HA link has carrier; NULL: it need not. */
static const char *obstacle(const struct node *n, mono_t now)
{
	if (!n->peer_known || !n->peer_realtime)
		return "it runs without real-time priority";
	if (!mono_reached(n->links.hold_until, now))
		return "it asked for patience";
	if (!went_at_once(n, now))
		return "the HA links did not lose their carriers together";
	if (!any_can_tell(n, now))
		return "no secondary path answered quickly of late";
	return NULL;
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
	if (s->running || n->stopping || !n->links.peer_alive || !none_has_carrier(n))
		return;
	const char *why_not = obstacle(n, now);

	if (why_not != NULL) {
		log_info(n->env.log,
			"peer %s: no HA link has carrier; the detection time decides: %s",
			n->conf->node[1 - n->conf->self], why_not);
		return;
	}
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

/* An answer by any path is one: a path whose silence means nothing is asked as well. */
static void probe(struct node *n, mono_t now, struct actions *out)
{
	struct suspect *s = &n->suspect;

	for (unsigned i = n->conf->n_links; i < n->conf->n_paths; i++) {
		if (n->links.path[i].state != PATH_ALIVE)
			continue;
		beat_send_probe(n, now, i, out);
		if (s->first == UINT64_MAX)
			s->first = n->links.beat;
	}
	s->probes++;
	s->due = mono_after_us(now, SUSPECT_SPACING_US);
}

void suspect_settle(struct node *n, mono_t now, struct actions *out)
{
	struct suspect *s = &n->suspect;

	if (!n->links.peer_alive)
		s->running = false;
	if (!s->running || !mono_reached(s->due, now))
		return;
	if (s->probes < SUSPECT_PROBES) {
		probe(n, now, out);
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
