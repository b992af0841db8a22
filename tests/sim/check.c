/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "core/group.h"
#include "machine.h"

enum {
	SLACK_US = 12000, /* an address operation of each side, frames under way */
	SPAWN_US = 25000, /* a new engine starts */
};

/* From an order to addresses until it is done, in a kernel that is not slow. */
static uint64_t kernel_us(const struct world *w)
{
	return 4 * (w->machine[0].conf->n_groups + 1) * UINT64_C(2100);
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

	return conf->boot_wait_max_ms * UINT64_C(1000) + 2 * check_detection_us(w) + 700000 +
	       2 * w->kernel_delay_max;
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
		if (check_calm_us(w) > grace_us(w))
			world_fail(w, "two owners of group %u though nothing was wrong", g);
		return;
	}
	if (c->contact[0][g] <= c->calm_at || c->contact[1][g] <= c->calm_at)
		return;
	uint64_t since = c->contact[0][g] > c->contact[1][g] ? c->contact[0][g] : c->contact[1][g];

	if (a->kernel_pending > 0 || b->kernel_pending > 0) /* the order was given */
		return;
	if (w->now > since + check_heartbeat_us(w) + SLACK_US)
		world_fail(w,
			"two owners of group %u for %llu us after both nodes heard each other", g,
			(unsigned long long)(w->now - since));
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

/* Addresses outlive their engine for as long as a new one needs to start, or a hanging one to be
 * found out. */
static void check_guard(struct world *w, const struct machine *m)
{
	struct check_machine *c = &w->check.of[m->id];
	bool gone = m->powered && (!m->engine || m->hangs);

	if (!gone)
		c->gone_since = 0;
	else if (c->gone_since == 0)
		c->gone_since = w->now;
	if (!gone || m->paused_until != 0 || m->kernel_pending > 0)
		return;
	uint64_t hang_us = GUARD_HANG_MS * UINT64_C(1001) + check_detection_us(w) + kernel_us(w);
	uint64_t limit = m->hangs ? hang_us : SPAWN_US;
	/* A guardian that was paused, too, waits anew; one that waits for its kernel does too. */
	uint64_t since = c->gone_since > c->woke_at ? c->gone_since : c->woke_at;

	since = since > m->kernel_free_at ? since : m->kernel_free_at;

	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		if (m->held[g] && w->now > since + limit)
			world_fail(
				w, "%s holds group %u without an engine", m->conf->node[m->id], g);
	}
}

static void check_lingering(struct world *w, const struct machine *m)
{
	const struct check_machine *c = &w->check.of[m->id];
	uint64_t limit = GUARD_LINGER_MS * UINT64_C(1001) + kernel_us(w);

	if (!m->powered || m->paused_until != 0 || check_was_slow(w, 4 * limit) ||
		c->woke_at + 4 * limit > w->now)
		return;
	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		uint64_t since = c->group[g].lingers_since;

		if (since != 0 && w->now > since + limit)
			world_fail(
				w, "%s goes on forwarding for group %u", m->conf->node[m->id], g);
	}
}

/* A pair with which nothing is wrong hears each other. */
static void check_hearing(struct world *w)
{
	const uint64_t rate_limited_us = 1000000;

	if (w->check.path_ok_since[0] == 0 ||
		check_calm_us(w) < rate_limited_us + 2 * check_detection_us(w))
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (!w->machine[i].node->peer_known)
			world_fail(w, "%s does not know its peer though nothing is wrong",
				w->machine[i].conf->node[i]);
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

/* P7.1: who stays of two masters has the higher term from then on, as whoever takes has. */
static void check_outlasting(struct world *w, const struct machine *m)
{
	for (unsigned g = 0; g < m->conf->n_groups && machine_runs(m); g++) {
		const struct group *group = &m->node->group[g];

		if (group->state == GROUP_MASTER && group->peer.known &&
			group->peer.state == GROUP_MASTER && group->term <= group->peer.term)
			world_fail(w, "P7.1: %s stays master of group %u, term %u, beside term %u",
				check_name(w, m->id), g, group->term, group->peer.term);
	}
}

void check_world(struct world *w)
{
	check_time(w);
	for (unsigned g = 0; g < w->machine[0].conf->n_groups; g++) {
		check_owners(w, g);
		check_somebody(w, g);
	}
	for (unsigned i = 0; i < 2; i++) {
		check_kernel(w, &w->machine[i]);
		check_guard(w, &w->machine[i]);
		check_lingering(w, &w->machine[i]);
		check_outlasting(w, &w->machine[i]);
	}
	check_hearing(w);
}
