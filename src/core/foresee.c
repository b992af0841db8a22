/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What would come of a mishap: the election's own verdicts, on facts that are changed for it. */
#include "group.h"

#include <assert.h>

/* A node with its side of the election. */
struct side {
	bool lives; /* and is known */
	struct election election;
	struct verdict verdict;
};

/* The peer's monitors count by the weights that it tells. */
static bool peer_would_be_operable(const struct node *n, unsigned g, unsigned monitor)
{
	const struct monitor_view *m = &n->vigil.peer[monitor];
	uint32_t weight = n->group[g].peer.failed_weight;

	if (m->known && m->ok)
		weight += m->weight;
	return weight < n->conf->group[g].threshold;
}

static void strike_monitor(
	const struct node *n, unsigned g, const struct mishap *m, struct election *e)
{
	const struct conf_monitor *monitor = &n->conf->monitor[m->index];

	if (!monitor->all_groups && monitor->group != g)
		return;
	if (m->here)
		e->own.operable = health_would_be_operable(&n->health, n->conf, g, m->index);
	if (m->there)
		e->peer.operable = e->peer.operable && peer_would_be_operable(n, g, m->index);
}

static bool strikes_path(const struct node *n, const struct mishap *m, unsigned path)
{
	switch (m->kind) {
	case MISHAP_MONITOR: return false;
	case MISHAP_PATH: return path == m->index;
	case MISHAP_LINKS: return path < n->conf->n_links;
	case MISHAP_APART:
	case MISHAP_NODE: break;
	}
	return true;
}

/* The nodes still hear each other by a path that is left. */
static bool hear_each_other(const struct node *n, const struct mishap *m)
{
	for (unsigned i = 0; i < n->conf->n_paths; i++) {
		if (n->links.path[i].state == PATH_ALIVE && !strikes_path(n, m, i))
			return true;
	}
	return false;
}

/* The same facts, as the peer has them. */
static struct election seen_from_peer(const struct election *e)
{
	return (struct election){
		.own = e->peer,
		.peer = e->own,
		.preempt = e->preempt,
		.preempt_suspended = e->preempt_suspended,
	};
}

static bool is_master_then(const struct side *side, const struct side *other)
{
	switch (side->verdict.outcome) {
	case ELECTION_TAKE: return true;
	case ELECTION_WITHDRAW:
	case ELECTION_HAND_OVER: return false;
	case ELECTION_STAY: break;
	}
	return side->lives &&
	       (side->election.own.master || other->verdict.outcome == ELECTION_HAND_OVER);
}

/* How much a side's verdict is the one to name. */
static int importance(const struct side *side)
{
	return !side->lives                             ? 0
	       : side->verdict.outcome != ELECTION_STAY ? 3
	       : side->election.own.master              ? 2
							: 1;
}

void node_foresee(const struct node *n, mono_t now, unsigned g, const struct mishap *mishap,
	struct foresight *ret_foresight)
{
	unsigned self = n->conf->self;
	bool node = mishap->kind == MISHAP_NODE;
	struct side here = { .election = group_election(n, g) }, there;

	assert(mishap->kind != MISHAP_MONITOR || mishap->index < n->conf->n_monitors);
	if (mishap->kind == MISHAP_MONITOR)
		strike_monitor(n, g, mishap, &here.election);
	here.election.waiting = false;
	here.lives = !(node && mishap->here);
	there = (struct side){
		.lives = here.election.peer.known && !(node && mishap->there),
		.election = seen_from_peer(&here.election),
	};
	if (!there.lives || !hear_each_other(n, mishap))
		here.election.peer.known = false;
	if (!here.lives || !hear_each_other(n, mishap))
		there.election.peer.known = false;
	if (here.lives)
		here.verdict = group_verdict(n, now, g, &here.election);
	if (there.lives)
		there.verdict = election_decide(&there.election);
	ret_foresight->master[self] = is_master_then(&here, &there);
	ret_foresight->master[1 - self] = is_master_then(&there, &here);
	ret_foresight->rule =
		importance(&there) > importance(&here) ? there.verdict.rule : here.verdict.rule;
}
