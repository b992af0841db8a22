/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnels.h"

#include <string.h>

#include "check.h"
#include "core/mirror.h"
#include "core/state.h"
#include "machine.h"
#include "world.h"

enum {
	KEY_LEN = 2,
	NUMBER_LEN = 4, /* of an SA: what a CHANGE tells */
	SA_LEN = 5,
	POLICY_LEN = 1,
	TOLD_PACKETS = 64, /* the kernel tells of an SA's number after so many packets ... */
	TOLD_US = 1000000, /* ... or that time */
	ONE_OF = 3,        /* schedules that mirror have tunnels */
	FOLLOW_US = 100000,
};

static bool is_ipsec(uint8_t kind)
{
	return kind == OBJECT_SA || kind == OBJECT_POLICY;
}

void tunnels_init(struct world *w)
{
	w->has_tunnels = w->theme == THEME_MIRROR && w->seed / 7 % ONE_OF == 0;
	w->tunnel_rng.state = w->seed ^ UINT64_C(0x74756e6e656c73);
	if (!w->has_tunnels)
		return;
	memset(w->ledger, 0, sizeof(w->ledger));
	for (unsigned i = 0; i < 2; i++)
		w->machine[i].confs[0].mirror.ipsec = true;
	world_later(w, 1000, ITEM_TUNNELS, 0);
}

void tunnels_clear(struct machine *m)
{
	const struct tunnels *other = &m->world->machine[1 - m->id].tunnels;

	for (unsigned id = 0; id < TUNNELS; id++) {
		struct tunnel_ledger *l = &m->world->ledger[id];

		l->lost |= l->top[m->id] >= other->sa[id].number + TUNNELS_JUMP;
	}
	memset(&m->tunnels, 0, sizeof(m->tunnels));
}

void tunnels_start(struct machine *m)
{
	m->tunnels.n_events = 0;
	m->tunnels.lost = m->tunnels.reading_soon = false;
}

/* ---- objects ------------------------------------------------------------------------------- */

static uint32_t number_of(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int tunnels_describe(uint8_t kind, struct span key, struct span value, struct object *ret)
{
	size_t whole = kind == OBJECT_SA ? SA_LEN : POLICY_LEN;

	if (!is_ipsec(kind) || key.len != KEY_LEN ||
		(value.len != whole && !(kind == OBJECT_SA && value.len == NUMBER_LEN)))
		return -1;
	ret->known = value.len == whole ? OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE : 0;
	ret->base = 7;
	ret->state = kind == OBJECT_SA ? (uint16_t)(number_of(value.data) / TUNNELS_JUMP) : 0;
	return 0;
}

static void add(struct object_batch *b, const struct tunnel_event *e)
{
	struct object *o = &b->object[b->n++];
	uint8_t *room = b->bytes + b->used;
	uint32_t number = e->kind == OBJECT_SA ? e->sa.number : 0;

	*o = (struct object){ .kind = e->kind, .op = e->op, .key = room, .key_len = KEY_LEN };
	*room++ = e->id;
	*room++ = e->kind == OBJECT_SA ? e->sa.spi : 0;
	o->value = room;
	for (int shift = 24; shift >= 0; shift -= 8)
		*room++ = (uint8_t)(number >> shift);
	o->value_len = e->kind == OBJECT_POLICY ? POLICY_LEN
		       : e->op == OBJECT_CHANGE ? NUMBER_LEN
						: SA_LEN;
	*room++ = 0;
	b->used += 8;
	o->state = e->kind == OBJECT_SA ? (uint16_t)(e->sa.number / TUNNELS_JUMP) : 0;
	if (e->op == OBJECT_CHANGE)
		return;
	o->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE;
	o->base = 7;
	if (e->op != OBJECT_WHOLE)
		return;
	if (e->kind == OBJECT_POLICY)
		o->marks = e->policy.held ? OBJECT_HELD : OBJECT_AGES;
	else
		o->marks = e->sa.held     ? OBJECT_HELD
			   : e->sa.jumped ? OBJECT_HELD | OBJECT_AGES
					  : OBJECT_AGES;
}

static struct tunnel_event seen(const struct machine *m, uint8_t kind, uint8_t op, unsigned id)
{
	return (struct tunnel_event){
		.op = op,
		.kind = kind,
		.id = (uint8_t)id,
		.sa = m->tunnels.sa[id],
		.policy = m->tunnels.policy[id],
	};
}

static bool is_there(const struct machine *m, uint8_t kind, unsigned id)
{
	return kind == OBJECT_SA ? m->tunnels.sa[id].there : m->tunnels.policy[id].there;
}

void tunnels_dump(const struct machine *m, uint8_t kind, struct object_batch *b)
{
	for (unsigned id = 0; id < TUNNELS && is_ipsec(kind); id++) {
		struct tunnel_event e = seen(m, kind, OBJECT_WHOLE, id);

		if (is_there(m, kind, id))
			add(b, &e);
	}
}

void tunnels_fetched(struct world *w, struct machine *m, uint8_t kind, struct span key)
{
	struct object_batch b = { .n = 0 };
	unsigned id = key.data[0];

	if (key.len != KEY_LEN || id >= TUNNELS || !is_there(m, kind, id) ||
		(kind == OBJECT_SA && m->tunnels.sa[id].spi != key.data[1]))
		return;
	struct tunnel_event e = seen(m, kind, OBJECT_WHOLE, id);

	add(&b, &e);
	machine_objects(w, m, &b, OBJECT_FETCHED);
}

/* ---- events -------------------------------------------------------------------------------- */

static void tell(struct world *w, struct machine *m, uint8_t kind, uint8_t op, unsigned id)
{
	struct tunnels *t = &m->tunnels;

	if (!m->engine)
		return;
	if (!t->reading_soon) {
		t->reading_soon = true;
		world_later(
			w, w->now + rng_between(&w->tunnel_rng, 10, 300), ITEM_TUNNELS_TOLD, m->id);
	}
	world_trace(w, "%s: event %u of %s %u, number %u", m->conf->node[m->id], op,
		kind == OBJECT_SA ? "SA" : "policy", id, t->sa[id].number);
	if (t->n_events == TUNNELS_EVENTS_MAX)
		t->lost = true;
	else
		t->event[t->n_events++] = seen(m, kind, op, id);
}

void tunnels_read(struct world *w, struct machine *m)
{
	static const struct event lost = { .type = EVENT_LOST };
	struct object_batch b = { .n = 0 };
	struct tunnels *t = &m->tunnels;
	bool was_lost = t->lost;

	t->reading_soon = t->lost = false;
	for (unsigned i = 0; i < t->n_events; i++)
		add(&b, &t->event[i]);
	t->n_events = 0;
	machine_objects(w, m, &b, OBJECT_EVENT);
	if (was_lost && m->engine)
		machine_event(w, m->id, &lost);
}

void tunnels_lose(struct machine *m)
{
	m->tunnels.lost |= m->tunnels.n_events > 0;
	m->tunnels.n_events = 0;
}

/* ---- orders -------------------------------------------------------------------------------- */

/* The kernel of machine m has that number from now on: what its peer, or it, sent beyond it, it
 * does not know of. */
static void note_written(struct world *w, unsigned id, uint8_t spi, uint32_t number)
{
	struct tunnel_ledger *l = &w->ledger[id];

	for (unsigned i = 0; i < 2 && l->spi == spi; i++) {
		uint32_t beyond = l->top[i] > number ? l->top[i] - number : 0;

		if (l->spree[i] > beyond)
			l->spree[i] = beyond;
	}
}

/* Each machine has every other block of numbers for itself, from its first jump on: so those that
 * two masters who do not hear each other use are not the same, however often they jump. */
static uint32_t jumped(const struct machine *m, uint32_t number, uint32_t by)
{
	uint32_t block = (number + by + TUNNELS_JUMP - 1) / TUNNELS_JUMP;

	block += block % 2 != m->id;
	number = block * TUNNELS_JUMP;
	return number < TUNNELS_NUMBERS - 1 ? number : TUNNELS_NUMBERS - 1;
}

static int write_sa(struct world *w, struct machine *m, const struct object_order *o)
{
	const uint8_t *key = object_order_key(o), *value = object_order_value(o);
	struct tunnel_sa *sa = &m->tunnels.sa[key[0]];
	bool is_other = sa->there && sa->spi != key[1];

	if ((o->op == OBJECT_WHOLE || o->op == OBJECT_CREATE) &&
		(is_other || rng_chance(&w->tunnel_rng, m->table.refuse)))
		return REFUSED_FULL + 1;
	if (o->op == OBJECT_CREATE && sa->there)
		return REFUSED_CLASH + 1;
	if (o->op == OBJECT_CHANGE && (!sa->there || is_other))
		return REFUSED_MISSING + 1;
	if (o->op == OBJECT_WHOLE || o->op == OBJECT_CREATE || o->op == OBJECT_CHANGE) {
		*sa = (struct tunnel_sa){ .there = true, .held = true, .spi = key[1] };
		sa->number = sa->told = number_of(value);
		note_written(w, key[0], sa->spi, sa->number);
		return 0;
	}
	if (!sa->there || is_other)
		return 0;
	if ((o->op == OBJECT_SETTLE || o->op == OBJECT_LOOSEN) &&
		rng_chance(&w->tunnel_rng, m->table.refuse / 2))
		return REFUSED_OTHER + 1;
	switch ((enum object_op)o->op) {
	case OBJECT_REMOVE:
		tell(w, m, OBJECT_SA, OBJECT_REMOVE, key[0]);
		sa->there = false;
		break;
	case OBJECT_HOLD:
		sa->held = true;
		sa->jumped = false;
		break;
	case OBJECT_SETTLE:
	case OBJECT_RETIME:
		sa->number = sa->held ? jumped(m, sa->number, TUNNELS_JUMP) : sa->number;
		sa->jumped = sa->held && o->op == OBJECT_SETTLE;
		sa->held = false;
		break;
	case OBJECT_LOOSEN: sa->number = jumped(m, sa->number, 4 * TUNNELS_JUMP); break;
	case OBJECT_WHOLE:
	case OBJECT_CREATE:
	case OBJECT_CHANGE:
	case OBJECT_EVICT: break;
	}
	return 0;
}

static int write_policy(struct world *w, struct machine *m, const struct object_order *o)
{
	unsigned id = object_order_key(o)[0];
	struct tunnel_policy *policy = &m->tunnels.policy[id];
	const struct tunnel_sa *sa = &m->tunnels.sa[id];

	switch ((enum object_op)o->op) {
	case OBJECT_WHOLE:
	case OBJECT_CREATE:
	case OBJECT_CHANGE: *policy = (struct tunnel_policy){ .there = true, .held = true }; break;
	case OBJECT_REMOVE: policy->there = false; break;
	case OBJECT_HOLD: policy->held = true; break;
	case OBJECT_SETTLE:
	case OBJECT_RETIME:
		if (sa->there && sa->held && policy->there && policy->held)
			world_fail(w, "IPsec: %s lets packets out before its SA %u jumped",
				check_name(w, m->id), id);
		policy->held = false;
		break;
	case OBJECT_LOOSEN:
	case OBJECT_EVICT: break;
	}
	return 0;
}

int tunnels_carry_out(struct world *w, struct machine *m, const struct object_order *o)
{
	if (o->key_len != KEY_LEN || object_order_key(o)[0] >= TUNNELS)
		return REFUSED_OTHER + 1;
	return o->kind == OBJECT_SA ? write_sa(w, m, o) : write_policy(w, m, o);
}

/* ---- traffic ------------------------------------------------------------------------------- */

static void sends_number(struct world *w, const struct machine *m, unsigned id)
{
	const struct tunnel_sa *sa = &m->tunnels.sa[id];
	struct tunnel_ledger *l = &w->ledger[id];
	uint8_t *byte = &l->sent[sa->number / 8], bit = (uint8_t)(1u << sa->number % 8);

	if (sa->spi != l->spi)
		return; /* what it sent before is forgotten */
	l->spree[m->id]++;
	if ((*byte & bit) && !l->lost && l->spree[0] < TUNNELS_JUMP && l->spree[1] < TUNNELS_JUMP)
		world_fail(w, "IPsec: %s sends number %u of SA %u, which was sent before",
			check_name(w, m->id), sa->number, id);
	*byte |= bit;
	l->top[m->id] = sa->number > l->top[m->id] ? sa->number : l->top[m->id];
}

static void send(struct world *w, struct machine *m, unsigned id)
{
	struct tunnel_sa *sa = &m->tunnels.sa[id];
	const struct tunnel_policy *policy = &m->tunnels.policy[id];
	/* Most packets come to the addresses. */
	unsigned n = (unsigned)rng_below(&w->tunnel_rng, m->held[0] ? 12 : 2);

	if (!m->powered || !policy->there || policy->held || !sa->there)
		return;
	for (; n > 0 && sa->number < TUNNELS_NUMBERS - 1 && !w->failed; n--) {
		sa->number++;
		sends_number(w, m, id);
	}
}

static void tell_number(struct world *w, struct machine *m, unsigned id)
{
	struct tunnel_sa *sa = &m->tunnels.sa[id];

	if (!sa->there || sa->held || sa->number == sa->told ||
		(sa->number < sa->told + TOLD_PACKETS && w->now < sa->told_at + TOLD_US))
		return;
	sa->told = sa->number;
	sa->told_at = w->now;
	tell(w, m, OBJECT_SA, OBJECT_CHANGE, id);
}

/* Who serves the addresses negotiates what there is not. */
static void negotiate(struct world *w, struct machine *m, unsigned id)
{
	const struct tunnels *other = &w->machine[1 - m->id].tunnels;
	struct tunnels *t = &m->tunnels;

	if (!m->powered || !m->held[0] || w->machine[1 - m->id].held[0])
		return;
	if (!t->policy[id].there) {
		t->policy[id] = (struct tunnel_policy){ .there = true };
		tell(w, m, OBJECT_POLICY, OBJECT_WHOLE, id);
	}
	if (t->sa[id].there || other->sa[id].there)
		return;
	struct tunnel_ledger *l = &w->ledger[id];
	uint8_t spi = (uint8_t)(l->spi + 1);

	memset(l, 0, sizeof(*l));
	l->spi = spi;
	t->sa[id] = (struct tunnel_sa){ .there = true, .spi = spi, .told_at = w->now };
	tell(w, m, OBJECT_SA, OBJECT_WHOLE, id);
}

/* The IKE daemon of a machine that does not serve writes what it believes in. */
static void meddle(struct world *w, struct machine *m, unsigned id)
{
	struct tunnel_policy *policy = &m->tunnels.policy[id];

	if (!machine_runs(m) || m->held[0] || !policy->there || m->node->joining != JOINING_NOT ||
		m->node->group[0].state == GROUP_MASTER)
		return;
	policy->held = false;
	tell(w, m, OBJECT_POLICY, OBJECT_WHOLE, id);
	tunnels_read(w, m); /* it is read before a packet comes */
}

void tunnels_happen(struct world *w)
{
	unsigned id = (unsigned)rng_below(&w->tunnel_rng, TUNNELS);

	for (unsigned i = 0; i < 2 && !w->failed; i++) {
		struct machine *m = &w->machine[i];

		if (!w->no_traffic) {
			send(w, m, id);
			if (rng_chance(&w->tunnel_rng, 10))
				negotiate(w, m, id);
			if (rng_chance(&w->tunnel_rng, 1))
				meddle(w, m, id);
		}
		if (m->powered)
			tell_number(w, m, id);
	}
	world_later(w, w->now + rng_between(&w->tunnel_rng, 200, 10000), ITEM_TUNNELS, 0);
}

/* ---- checks -------------------------------------------------------------------------------- */

static void check_tunnel(struct world *w, unsigned master, unsigned id)
{
	const struct tunnels *own = &w->machine[master].tunnels;
	const struct tunnels *other = &w->machine[1 - master].tunnels;
	const struct tunnel_sa *a = &own->sa[id], *b = &other->sa[id];

	if (a->there && a->held)
		world_fail(w, "quiet: SA %u is held on the master", id);
	if (own->policy[id].there && own->policy[id].held)
		world_fail(w, "quiet: policy %u is held on the master", id);
	if ((b->there && !b->held) || (other->policy[id].there && !other->policy[id].held))
		world_fail(w, "quiet: tunnel %u is not held on the standby", id);
	if (own->policy[id].there != other->policy[id].there)
		world_fail(w, "quiet: policy %u is not on both machines", id);
	if (a->there != b->there || (a->there && (a->spi != b->spi || a->number != b->number)))
		world_fail(w, "quiet: SA %u is %d, SPI %u, number %u, not %d, SPI %u, number %u",
			id, a->there, a->spi, a->number, b->there, b->spi, b->number);
}

void tunnels_check_quiet(struct world *w)
{
	for (unsigned i = 0; i < 2 && w->has_tunnels; i++) {
		if (w->machine[i].node->group[0].state != GROUP_MASTER)
			continue;
		for (unsigned id = 0; id < TUNNELS; id++)
			check_tunnel(w, i, id);
	}
}

/* What passes is told at once, long before an audit could mend what was not. */
void tunnels_check_follow(struct world *w)
{
	for (unsigned i = 0; i < 2 && w->has_tunnels; i++) {
		struct machine *m = &w->machine[i];

		for (unsigned id = 0; id < TUNNELS && m->node->group[0].state == GROUP_MASTER;
			id++) {
			struct tunnel_sa *sa = &m->tunnels.sa[id];

			if (!sa->there || sa->held || sa->number == TUNNELS_NUMBERS - 1)
				continue;
			sa->told = ++sa->number;
			sends_number(w, m, id);
			tell(w, m, OBJECT_SA, OBJECT_CHANGE, id);
		}
	}
	if (!w->has_tunnels || w->failed)
		return;
	world_run(w, w->now + FOLLOW_US);
	if (!w->failed)
		tunnels_check_quiet(w);
}
