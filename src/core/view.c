/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "clash.h"
#include "document.h"
#include "group.h"
#include "handover.h"
#include "mirror.h"
#include "state.h"

static struct standing_view view_of(
	const struct standing *s, enum group_state state, uint16_t failed_weight)
{
	return (struct standing_view){
		.known = s->known,
		.state = state,
		.term = s->term,
		.priority = s->priority,
		.eligible = s->eligible,
		.operable = s->operable,
		.in_sync = s->in_sync,
		.served = s->served,
		.holding = s->holding,
		.failed_weight = failed_weight,
	};
}

static void look_at_group(const struct node *n, mono_t now, unsigned g, struct group_view *v)
{
	const struct group *group = &n->group[g];
	struct standing own = group_own_standing(n, g), peer = group_peer_standing(n, g);

	v->id = n->conf->group[g].id;
	v->own = view_of(&own, group->state, health_failed_weight(&n->health, n->conf, g));
	if (peer.known)
		v->peer = view_of(&peer, group->peer.state, group->peer.failed_weight);
	v->master = -1;
	if (own.master)
		v->master = n->conf->self;
	else if (peer.known && peer.master)
		v->master = 1 - n->conf->self;
	v->since = group->since;
	v->rule = group->rule;
	v->reason = group->reason;
	v->preempt_suspended = group->preempt_suspended;
	v->rests_until = flap_rests_until(&group->flap);
	v->handing_over = handover_is_active(n, g);
	v->role_failed = group->role_failed;
	v->clashes = clash_is_recent(n, now, g);
}

static bool peer_is_in_sync(const struct node *n)
{
	return n->peer_known && n->conf->n_groups > 0 &&
	       (n->group[0].peer.flags & WIRE_GROUP_IN_SYNC) != 0;
}

void node_look(const struct node *n, mono_t now, struct node_view *ret_view)
{
	struct node_view *v = ret_view;

	memset(v, 0, sizeof(*v));
	v->now = now;
	mirror_look(n, now, &v->mirror);
	documents_look(n, v);
	v->peer_alive = n->links.peer_alive;
	v->peer_since = n->peer_since;
	v->peer_in_sync = peer_is_in_sync(n);
	v->in_sync = n->in_sync;
	v->session = handshake_has(&n->handshake, SESSION_CURRENT);
	v->conf_differs = n->peer_known && n->peer_digest != n->conf->digest;
	v->realtime = n->env.realtime;
	v->peer_realtime = n->peer_known && n->peer_realtime;
	v->stopping = n->stopping;
	v->n_groups = n->conf->n_groups;
	v->n_paths = n->conf->n_paths;
	for (unsigned g = 0; g < v->n_groups; g++)
		look_at_group(n, now, g, &v->group[g]);
	for (unsigned i = 0; i < v->n_paths; i++) {
		v->path[i].state = n->links.path[i].state;
		v->path[i].carrier = n->carrier[i];
		v->path[i].heard_at = n->links.path[i].heard_at;
		v->path[i].echo_age_us = (uint32_t)n->links.path[i].echo_age_us;
	}
	for (unsigned i = 0; i < n->conf->n_monitors; i++) {
		v->monitor_ok[i] = !n->health.failed[i];
		v->peer_monitor[i] = n->vigil.peer[i];
	}
}
