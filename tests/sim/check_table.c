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

/* What traffic made here since this machine became the only master is not the peer's to change. */
static bool serves_alone(const struct machine *m, unsigned key)
{
	const struct table *t = &m->table;

	return t->sole_since != 0 && t->session[key].touched_at > t->sole_since;
}

enum { CROSSING_US = 300000 };

/* Nor what its traffic used last, and long after the peer's, where both are masters. */
static bool used_it_last(const struct world *w, const struct machine *m, unsigned key)
{
	const struct machine *peer = &w->machine[1 - m->id];
	unsigned g = key % m->conf->n_groups;

	return m->held[g] && m->node->group[g].state == GROUP_MASTER && peer->engine &&
	       peer->node->group[g].state != GROUP_MASTER && !peer->held[g] &&
	       m->table.session[key].touched_at > peer->table.touched[key] + CROSSING_US &&
	       check_calm_us(w) > CROSSING_US;
}

void table_check_order(struct world *w, const struct machine *m, const struct object_order *o)
{
	unsigned key = object_order_key(o)[0];

	if (!m->table.session[key].there)
		return;
	if ((o->op == OBJECT_REMOVE || o->op == OBJECT_WHOLE || o->op == OBJECT_CHANGE) &&
		serves_alone(m, key))
		world_fail(w, "mirror: %s, the only master, gives up session %u that it serves",
			check_name(w, m->id), key);
	if (o->op == OBJECT_REMOVE && used_it_last(w, m, key))
		world_fail(w, "mirror: %s removes session %u, which it used last",
			check_name(w, m->id), key);
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
	if (!m->engine || m->node->mirror->role != MIRROR_IDLE)
		t->idle_since = 0;
	else if (t->idle_since == 0)
		t->idle_since = w->now;
	check_mirror_step(w, m);
}

static bool same(const struct row *a, const struct row *b)
{
	return a->there == b->there &&
	       (!a->there || (a->nat == b->nat && a->status == b->status && a->state == b->state &&
				     a->rare == b->rare));
}

static const struct entry *entry_of(const struct machine *m, unsigned key)
{
	uint8_t bytes[2] = { (uint8_t)key, (uint8_t)~key };
	struct index *ix = &m->node->mirror->index;
	const struct entry *e = index_find(
		ix, index_hash(ix, OBJECT_CONNTRACK, span_of(bytes, 2)), OBJECT_CONNTRACK);

	return e != NULL && !index_is_dead(e) ? e : NULL;
}

static unsigned owners(const struct world *w, unsigned key)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct machine *m = &w->machine[i];
		const struct entry *e = entry_of(m, key);

		n += e != NULL && index_owner(&m->node->mirror->index, e) == INDEX_OWN;
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
		const struct machine *m = &w->machine[i];

		if (!m->node->in_sync)
			world_fail(w, "quiet: %s is not in sync", check_name(w, i));
		check_mirror_quiet(w, m);
	}
	tunnels_check_quiet(w);
}

enum { READY_AFTER_US = 300000 };

void table_check_ready(struct world *w, const struct machine *m)
{
	const struct machine *peer = &w->machine[1 - m->id];

	if (!m->table.on || m->table.sole_since == 0 || !machine_runs(m) || !machine_runs(peer) ||
		check_calm_us(w) < READY_AFTER_US || !peer->node->in_sync ||
		peer->node->mirror->waited || w->now - w->table_fault_at < READY_AFTER_US)
		return;
	for (unsigned key = 0; key < TABLE_KEYS; key++) {
		const struct row *s = &m->table.session[key];

		if (m->table.touched[key] + READY_AFTER_US >= w->now ||
			peer->table.touched[key] + READY_AFTER_US >= w->now)
			continue;
		if (!same(s, &peer->table.session[key]))
			world_fail(w, "mirror: %s is to take over, and session %u is not as on %s",
				check_name(w, peer->id), key, check_name(w, m->id));
		else if (!s->there && (entry_of(m, key) != NULL || entry_of(peer, key) != NULL))
			world_fail(w, "mirror: session %u is gone, and still known", key);
	}
}

enum { DUMP_OLD_US = 2000 };

void table_check_dumped(struct world *w, const struct machine *m, const struct table_event *seen)
{
	const struct table *t = &m->table;
	const struct row *s = &t->session[seen->key];

	/* What was never known, or is swept, leaves no trace when it is removed. */
	if (!m->engine || !m->node->mirror->learned || (m->node->mirror->pass.wants & WANT_SWEEP) ||
		same(&seen->session, s) || t->lost || w->now - t->lost_at < DUMP_OLD_US ||
		w->now - w->table_fault_at < DUMP_OLD_US || w->table_fault_at > w->now ||
		w->now - t->refused_at < DUMP_OLD_US)
		return;
	for (unsigned i = 0; i < t->n_events; i++) {
		if (t->event[i].key == seen->key)
			return;
	}
	/* Traffic changed it just before the peer's word did: the event is the older news, and came
	 * later. */
	if (w->now - t->ordered[seen->key] < DUMP_OLD_US &&
		w->now - t->touched[seen->key] < DUMP_OLD_US)
		return;
	const struct entry *e = entry_of(m, seen->key);

	if (e != NULL && (!s->there || e->state != s->state))
		world_fail(w,
			"mirror: an old dump (%d, state %u) makes %s believe in session %u: "
			"%d, state %u, not %u",
			seen->session.there, seen->session.state, check_name(w, m->id), seen->key,
			s->there, s->state, e->state);
}
