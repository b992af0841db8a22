/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "core/group.h"

enum { SLACK_US = 12000 }; /* an address operation of each side, frames under way */

static uint64_t heartbeat_us(const struct world *w)
{
	return w->machine[0].conf->heartbeat_ms * UINT64_C(1000);
}

static uint64_t detection_us(const struct world *w)
{
	return conf_detection_ms(w->machine[0].conf) * UINT64_C(1000);
}

void check_disturbed(struct world *w)
{
	w->check.disturbed_at = w->now;
}

void check_contact(struct world *w, unsigned m, uint64_t sent_at)
{
	for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++) {
		uint64_t since = w->check.both_since[g];

		if (since != 0 && sent_at > since && w->check.contact[m][g] == 0)
			w->check.contact[m][g] = w->now;
	}
}

static bool is_planned(enum election_rule rule)
{
	return rule == RULE_MANUAL || rule == RULE_PREEMPT || rule == RULE_MASTER_INOPERABLE ||
	       rule == RULE_INELIGIBLE;
}

void check_role(struct world *w, unsigned m, unsigned group, enum role role, uint32_t term,
	enum election_rule rule)
{
	struct machine *own = &w->machine[m], *peer = &w->machine[1 - m];

	if (role != ROLE_TAKE)
		return;
	if (is_planned(rule) && peer->held[group] && peer->powered)
		world_fail(w, "P8.1: %s takes group %u over while %s still holds it",
			own->conf->node[m], group, own->conf->node[1 - m]);
	if (rule != RULE_SITTING_MASTER && term <= own->term_seen[group])
		world_fail(w, "P7.1: %s takes group %u with term %u after term %u",
			own->conf->node[m], group, term, own->term_seen[group]);
	own->term_seen[group] = term;
}

/* Two owners are allowed while the nodes cannot hear each other, and one heartbeat longer. */
static void check_owners(struct world *w, unsigned g)
{
	struct check *c = &w->check;
	const struct machine *a = &w->machine[0], *b = &w->machine[1];

	if (!a->held[g] || !b->held[g] || !machine_runs(a) || !machine_runs(b)) {
		c->both_since[g] = 0;
		c->contact[0][g] = c->contact[1][g] = 0;
		return;
	}
	if (c->both_since[g] == 0) {
		c->both_since[g] = w->now;
		return;
	}
	if (c->contact[0][g] == 0 || c->contact[1][g] == 0)
		return;
	uint64_t since = c->contact[0][g] > c->contact[1][g] ? c->contact[0][g] : c->contact[1][g];

	for (unsigned i = 0; i < 2; i++) {
		if (w->machine[i].kernel_free_at > since) /* the order was given */
			since = w->machine[i].kernel_free_at;
	}
	/* What changed since they heard each other may still be under way. */
	if (w->now > since + heartbeat_us(w) + SLACK_US + w->frame_delay_max)
		world_fail(w,
			"two owners of group %u for %llu us after both nodes heard each other", g,
			(unsigned long long)(w->now - since));
}

static bool may_be_master(const struct machine *m, unsigned g)
{
	return machine_runs(m) && group_is_eligible(m->node, g);
}

/* The longest that a pair with an eligible node may be without a master when nothing new goes
 * wrong. */
static uint64_t grace_us(const struct world *w)
{
	const struct conf *conf = w->machine[0].conf;

	return conf->boot_wait_max_ms * UINT64_C(1000) + 2 * detection_us(w) + 700000 +
	       2 * w->kernel_delay_max;
}

static bool has_master(const struct world *w, unsigned g)
{
	for (unsigned i = 0; i < 2; i++) {
		if (w->machine[i].held[g])
			return true;
	}
	return false;
}

/* To a thief, for a while. */
static bool yields(const struct machine *m, unsigned g)
{
	return m->powered && m->guard.group[g].held && m->guard.group[g].yielded;
}

static void check_somebody(struct world *w, unsigned g)
{
	struct check *c = &w->check;

	if (has_master(w, g) || yields(&w->machine[0], g) || yields(&w->machine[1], g)) {
		c->none_since[g] = 0;
		return;
	}
	if (c->none_since[g] == 0)
		c->none_since[g] = w->now;
	uint64_t since = c->none_since[g] > c->disturbed_at ? c->none_since[g] : c->disturbed_at;

	if (w->now <= since + grace_us(w))
		return;
	if (may_be_master(&w->machine[0], g) || may_be_master(&w->machine[1], g))
		world_fail(w, "no owner of group %u for %llu us", g,
			(unsigned long long)(w->now - since));
}

/* What the core believes to hold is what the kernel has. */
static void check_kernel(struct world *w, const struct machine *m)
{
	if (!machine_runs(m) || m->kernel_pending > 0)
		return;
	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		if (m->held[g] && !m->node->group[g].holding)
			world_fail(w, "%s holds group %u and does not know it",
				m->conf->node[m->id], g);
	}
}

static void check_time(struct world *w)
{
	struct check *c = &w->check;

	if (w->now != c->same_time) {
		c->same_time = w->now;
		c->steps_there = 0;
	} else if (++c->steps_there > 20000) {
		world_fail(w, "time stands still");
	}
}

void check_world(struct world *w)
{
	check_time(w);
	for (unsigned g = 0; g < w->machine[0].conf->n_groups; g++) {
		check_owners(w, g);
		check_somebody(w, g);
	}
	for (unsigned i = 0; i < 2; i++)
		check_kernel(w, &w->machine[i]);
}

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
}
