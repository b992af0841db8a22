/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "core/mirror.h"
#include "core/state.h"
#include "machine.h"
#include "table.h"

static bool is_master_of_all(const struct machine *m)
{
	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		if (m->node->group[g].state != GROUP_MASTER)
			return false;
	}
	return m->engine;
}

static bool holds_any(const struct machine *m)
{
	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		if (m->held[g] || (m->engine && m->node->group[g].state == GROUP_MASTER))
			return true;
	}
	return false;
}

void table_check_step(struct world *w, struct machine *m)
{
	struct table *t = &m->table;

	if (!t->on)
		return;
	/* The former master goes on forwarding for 2 s. */
	if (holds_any(&w->machine[1 - m->id]))
		w->shared_at = w->now;
	if (!is_master_of_all(m) || w->now < w->shared_at + 2000000)
		t->sole_since = 0;
	else if (t->sole_since == 0)
		t->sole_since = w->now;
}

static bool same(const struct row *a, const struct row *b)
{
	return a->there == b->there &&
	       (!a->there || (a->nat == b->nat && a->status == b->status && a->state == b->state &&
				     a->rare == b->rare));
}

static unsigned owners(const struct world *w, unsigned key)
{
	uint8_t bytes[2] = { (uint8_t)key, (uint8_t)~key };
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct index *ix = &w->machine[i].node->mirror->index;
		const struct entry *e = index_find(
			ix, index_hash(ix, OBJECT_CONNTRACK, span_of(bytes, 2)), OBJECT_CONNTRACK);

		if (e != NULL && !index_is_dead(e) && index_owner(ix, e) == INDEX_OWN)
			n++;
	}
	return n;
}

void table_check_quiet(struct world *w)
{
	const struct machine *a = &w->machine[0], *b = &w->machine[1];

	if (!a->table.on || w->failed)
		return;
	for (unsigned key = 0; key < TABLE_KEYS; key++) {
		const struct row *x = &a->table.session[key], *y = &b->table.session[key];

		if (!same(x, y))
			world_fail(w,
				"quiet: session %u is %d (%u %u %u %u) on fw1, %d (%u %u %u %u) on "
				"fw2",
				key, x->there, x->nat, x->status, x->state, x->rare, y->there,
				y->nat, y->status, y->state, y->rare);
		else if (owners(w, key) != (x->there ? 1u : 0u))
			world_fail(w, "quiet: session %u has %u owners", key, owners(w, key));
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!w->machine[i].node->in_sync)
			world_fail(w, "quiet: %s is not in sync", check_name(w, i));
	}
}

enum { READY_AFTER_US = 300000 };

void table_check_ready(struct world *w, const struct machine *m)
{
	const struct machine *peer = &w->machine[1 - m->id];

	if (!m->table.on || m->table.sole_since == 0 || !machine_runs(m) || !machine_runs(peer) ||
		check_calm_us(w) < READY_AFTER_US || !peer->node->in_sync ||
		!peer->node->mirror->complete || peer->node->mirror->waited ||
		w->now - w->table_fault_at < READY_AFTER_US)
		return;
	for (unsigned key = 0; key < TABLE_KEYS; key++) {
		const struct row *s = &m->table.session[key];

		if (s->there && s->touched_at + READY_AFTER_US < w->now &&
			!same(s, &peer->table.session[key]))
			world_fail(w, "mirror: %s is to take over, and session %u is not as on %s",
				check_name(w, peer->id), key, check_name(w, m->id));
	}
}
