/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "check.h"
#include "core/mirror.h"
#include "core/state.h"
#include "machine.h"
#include "table.h"

enum {
	LAG_SLACK_US = 300000,
	DRAIN_US = 95000,
	SETTLED_US = 3500000, /* 2 s, a pass that waits for the one before it, and a dump */
	RENEWED_US = 6500000, /* 3 s, and likewise; not what the peer speaks of meanwhile */
};

static bool is_sending(const struct machine *m)
{
	return m->node->mirror->up && m->node->mirror->sending >= SENDING_START;
}

static uint64_t lag_us(const struct world *w, const struct machine *m)
{
	return channel_out_lag_us(&m->node->mirror->out, machine_clock(m, w->now));
}

/* A link that works is enough for the channel not to stand still. */
static void check_lag(struct world *w, const struct machine *m)
{
	uint64_t settle = check_settle_us(w) + LAG_SLACK_US;

	for (unsigned i = 0; i < 2; i++) {
		if (!machine_runs(&w->machine[i]) ||
			w->now - w->check.of[i].on_time_since < settle ||
			w->now - w->check.of[i].woke_at < settle || check_was_slow(w, settle))
			return;
	}
	if (!is_sending(m) || check_is_flooded(w) || lag_us(w, m) < settle)
		return;
	for (unsigned p = 0; p < m->conf->n_links; p++) {
		if (check_path_ok_us(w, p) > 2 * settle)
			world_fail(w, "9: %s has sent nothing for %llu us though path %u works",
				check_name(w, m->id), (unsigned long long)lag_us(w, m), p);
	}
}

static bool is_told_of_masters(const struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].peer.known && n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

/* The peer says how far its channel lags. */
static void check_in_sync(struct world *w, const struct machine *m)
{
	const struct machine *peer = &w->machine[1 - m->id];
	const struct node *n = m->node;

	if (n->in_sync && !n->mirror->waited && n->links.peer_alive && n->peer_known &&
		is_told_of_masters(n) && machine_runs(peer) && is_sending(peer) &&
		w->now - w->check.of[m->id].woke_at > check_settle_us(w) &&
		lag_us(w, peer) > 1000000 + 2 * check_detection_us(w))
		world_fail(w, "%s is in sync, and its peer's channel lags", check_name(w, m->id));
}

/* The peer has every record before the addresses go, but for a time limit. */
static void check_drained(struct world *w, struct machine *m, unsigned g)
{
	const struct machine *peer = &w->machine[1 - m->id];
	const struct handover *h = &m->node->group[g].handover;
	bool releasing = h->phase == HANDOVER_RELEASING, began = !m->table.releasing[g];

	m->table.releasing[g] = releasing;
	if (h->phase != HANDOVER_DRAINING && h->phase != HANDOVER_STOPPING && !releasing)
		m->table.draining_since[g] = w->now;
	if (releasing && began && is_sending(m) && peer->engine && peer->node->mirror->in.open &&
		peer->node->mirror->in.epoch == m->node->mirror->out.epoch &&
		w->now < m->table.draining_since[g] + DRAIN_US &&
		channel_before(peer->node->mirror->in.next, h->mark))
		world_fail(w, "8: %s gives group %u up, and its peer lacks records",
			check_name(w, m->id), g);
}

void check_mirror_step(struct world *w, struct machine *m)
{
	check_lag(w, m);
	check_in_sync(w, m);
	for (unsigned g = 0; g < m->conf->n_groups; g++)
		check_drained(w, m, g);
}

/* The sums are those of the entries. */
static void check_sums(struct world *w, const struct machine *m)
{
	static _Alignas(8) uint8_t memory[64 * 1024];
	static struct index all;
	const struct index *ix = &m->node->mirror->index;

	if (index_memory(ix->capacity) > sizeof(memory))
		return;
	memset(memory, 0, sizeof(memory));
	index_init(&all, (const uint8_t[SIPHASH_KEY_LEN]){ 0 }, ix->capacity, memory);
	for (uint32_t i = 1; i <= ix->used; i++) {
		const struct entry *e = &ix->entry[i];
		struct object o = { .kind = index_kind(e), .base = e->base, .state = e->state };

		if (o.kind == 0 || index_is_dead(e))
			continue;
		o.known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
		o.rare = e->rare;
		index_add(&all, index_hash_of(e), &o, index_owner(ix, e));
	}
	if (memcmp(all.own, ix->own, sizeof(all.own)) != 0 ||
		memcmp(all.peer, ix->peer, sizeof(all.peer)) != 0)
		world_fail(w, "quiet: the sums of %s are not those of its entries",
			check_name(w, m->id));
}

/* A master of all has settled what it took over; who is not keeps windows open, and who is master
 * of nothing timers from running out. */
static void check_session(struct world *w, const struct machine *m, unsigned key)
{
	const struct row *s = &m->table.session[key];
	uint64_t hold = m->conf->mirror.hold_ms * UINT64_C(1000);
	uint64_t aged = hold / 4 * 3 + 1500000;
	uint64_t calm = check_calm_us(w);

	if (m->node->mirror->role == MIRROR_SOLE && s->held && calm > SETTLED_US)
		world_fail(w, "quiet: session %u of %s, the master, is not settled", key,
			check_name(w, m->id));
	if (m->node->mirror->role == MIRROR_SOLE)
		return;
	if (s->strict && calm > SETTLED_US)
		world_fail(w, "quiet: session %u of %s, which does not see all of it, is strict",
			key, check_name(w, m->id));
	if (m->node->mirror->role == MIRROR_SHARED)
		return;
	if (s->behind && calm > RENEWED_US && w->now > m->table.idle_since + RENEWED_US &&
		m->table.idle_since != 0)
		world_fail(w, "quiet: %s, the standby, has old windows of session %u",
			check_name(w, m->id), key);
	if (s->held && calm > aged && w->now - s->held_at > aged)
		world_fail(w, "quiet: session %u runs out on %s", key, check_name(w, m->id));
}

void check_mirror_quiet(struct world *w, const struct machine *m)
{
	check_sums(w, m);
	for (unsigned key = 0; key < TABLE_KEYS; key++) {
		if (m->table.session[key].there)
			check_session(w, m, key);
	}
}
