/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clash.h"

#include "group.h"

static bool may_be_the_peers(const struct node *n, mono_t now, unsigned g, bool known)
{
	const struct group *group = &n->group[g];
	struct standing peer = group_peer_standing(n, g);

	if (!known)
		return n->peer_known && n->peer_digest != n->conf->digest;
	return group->state != GROUP_MASTER || group->handover.phase != HANDOVER_NONE ||
	       !mono_reached(mono_after_ms(group->since, CLASH_SETTLE_MS), now) ||
	       (peer.known && (peer.master || peer.holding));
}

void clash_heard(
	struct node *n, mono_t now, unsigned g, bool known, unsigned frames, const char *what)
{
	struct group *group = &n->group[g];

	if (may_be_the_peers(n, now, g, known))
		return;
	n->counter[COUNTER_MAC_CLASHES] += frames;
	group->clash_at = now;
	if (!mono_is_never(group->clash_told_at) &&
		!mono_reached(mono_after_ms(group->clash_told_at, CLASH_LOG_MS), now))
		return;
	group->clash_told_at = now;
	log_err(n->env.log, "group %u: its virtual MAC is used by others, for %s: %s",
		n->conf->group[g].id, what,
		known ? "a copy of this cluster, a peer that is not heard, or our own frames that "
			"come back"
		      : "another cluster with the same id in this network");
}

bool clash_is_recent(const struct node *n, mono_t now, unsigned g)
{
	mono_t at = n->group[g].clash_at;

	return !mono_is_never(at) && !mono_reached(mono_after_ms(at, CLASH_SHOWN_MS), now);
}
