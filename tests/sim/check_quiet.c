/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "clerk.h"
#include "core/state.h"
#include "machine.h"

/* The hold-down is long over: where it may, the better priority has preempted. */
static void check_preempted(struct world *w, const struct node_view v[2], unsigned g)
{
	const struct standing_view *a = &v[0].group[g].own, *b = &v[1].group[g].own;
	bool fit = a->eligible && a->operable && a->in_sync && b->eligible && b->operable &&
		   b->in_sync;
	int better = a->priority < b->priority ? 0 : 1;

	if (!w->machine[0].conf->group[g].preempt || a->priority == b->priority || !fit ||
		v[0].group[g].preempt_suspended || v[1].group[g].preempt_suspended)
		return;
	if (v[0].group[g].master != better)
		world_fail(w, "quiet: group %u was not preempted", g);
}

/* An hour is more than a schedule: what grew so old did so by a fault, and was renewed. */
static void check_session(struct world *w, const struct machine *m)
{
	const struct session *s = &m->node->handshake.session[SESSION_CURRENT];

	if (machine_clock(m, w->now).us - s->made_at.us > UINT64_C(3600) * 1000000)
		world_fail(w, "P4.3: quiet: %s keeps an old session", m->conf->node[m->id]);
}

static void check_pair(struct world *w, const struct node_view v[2], unsigned g)
{
	const struct standing_view *a = &v[0].group[g].own, *b = &v[1].group[g].own;
	bool a_master = a->state == GROUP_MASTER, b_master = b->state == GROUP_MASTER;

	if (a_master && b_master)
		world_fail(w, "quiet: two masters of group %u", g);
	else if (!a_master && !b_master && (a->eligible || b->eligible))
		world_fail(w, "quiet: no master of group %u", g);
	if (w->machine[0].held[g] != a_master || w->machine[1].held[g] != b_master)
		world_fail(w, "quiet: the owner of group %u's addresses is not its master", g);
	if (v[0].group[g].master != v[1].group[g].master)
		world_fail(w, "quiet: the nodes name different masters of group %u", g);
	if (a->term != v[1].group[g].peer.term || b->term != v[0].group[g].peer.term)
		world_fail(w, "quiet: the nodes know different terms of group %u", g);
	if (a->state == GROUP_INIT || b->state == GROUP_INIT)
		world_fail(w, "quiet: group %u is still in init", g);
	if (v[0].group[g].handing_over || v[1].group[g].handing_over)
		world_fail(w, "quiet: group %u is still handed over", g);
	if ((a_master && !a->operable && b->eligible && b->operable) ||
		(b_master && !b->operable && a->eligible && a->operable))
		world_fail(w, "quiet: an inoperable master of group %u beside an operable peer", g);
	check_preempted(w, v, g);
	if ((a_master && !a->eligible) || (b_master && !b->eligible))
		world_fail(w, "quiet: an ineligible master of group %u", g);
}

void check_quiet(struct world *w)
{
	struct node_view view[2];

	for (unsigned i = 0; i < 2; i++) {
		if (!machine_runs(&w->machine[i])) {
			world_fail(w, "quiet: %s does not run", w->machine[i].conf->node[i]);
			return;
		}
		node_look(w->machine[i].node, (mono_t){ 0 }, &view[i]);
		check_session(w, &w->machine[i]);
		if (!view[i].peer_alive || !view[i].session)
			world_fail(
				w, "quiet: %s does not hear its peer", w->machine[i].conf->node[i]);
		for (unsigned p = 0; p < view[i].n_paths; p++) {
			if (view[i].path[p].state != PATH_ALIVE)
				world_fail(w, "quiet: path %u of %s is %s", p,
					w->machine[i].conf->node[i],
					path_state_name(view[i].path[p].state));
		}
	}
	for (unsigned g = 0; g < view[0].n_groups; g++)
		check_pair(w, view, g);
	table_check_quiet(w);
	clerk_check_quiet(w);
}
