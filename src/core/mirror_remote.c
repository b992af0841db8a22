/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the peer says of objects. */
#include "mirror.h"

#include <string.h>

#include "state.h"

/* Whether the peer's word on an own entry came too early: it did not know yet what this node said
 * of it. Adoption beats an event, and of two events node 0's counts. */
static bool keeps_own(const struct node *n, const struct entry *e, const struct mirror_delivery *d)
{
	const struct mirror *m = n->mirror;

	if (!channel_before(m->adopted_at, d->heard))
		return true;
	return n->conf->self == 0 && !channel_before(e->stamp, d->heard);
}

static void confirm(struct mirror *m, struct entry *e)
{
	if (e->stamp != m->stamp)
		m->confirmed++;
	e->stamp = m->stamp;
}

/* This kernel is told what the peer has now. */
static void replace(struct node *n, enum object_op op, struct entry *e, const struct record *r,
	const struct object *o, struct mirror_delivery *d)
{
	index_update(&n->mirror->index, e, o);
	e->flags &= (uint8_t)~INDEX_LEARNT;
	e->pass = n->mirror->pass.number;
	mirror_order(n, op, r->kind, r->key, r->value, d->out);
}

static bool describe(struct node *n, const struct record *r, struct object *ret)
{
	*ret = (struct object){ .kind = r->kind };
	if (n->env.describe(r->kind, r->key, r->value, ret) != 0) {
		node_count(n, COUNTER_RECORDS_MALFORMED);
		return false;
	}
	ret->kind = r->kind;
	if (r->op == WIRE_RECORD_CHANGE) {
		ret->base = r->base;
		ret->known &= (uint8_t)~OBJECT_KNOWS_RARE;
	}
	return true;
}

/* An object that is not in the index. */
static void install(struct node *n, uint64_t hash, const struct record *r, const struct object *o,
	enum index_owner owner, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;
	uint32_t limit = n->env.mirror_limit[r->kind];

	if (owner == INDEX_PEER && limit != 0 && m->index.peer[r->kind].entries >= limit) {
		node_count(n, COUNTER_REFUSED_FULL);
		return;
	}
	struct entry *e = index_add(&m->index, hash, o, owner);

	if (e == NULL) {
		node_count(n, COUNTER_INDEX_FULL);
		return;
	}
	e->pass = m->pass.number;
	if (owner == INDEX_PEER)
		confirm(m, e);
	else
		e->stamp = channel_out_number(&m->out);
	mirror_order(n, OBJECT_WHOLE, r->kind, r->key, r->value, d->out);
}

/* An own entry becomes the peer's. Where nothing is forwarded any more its window goes stale. */
static void give_up(
	struct node *n, struct entry *e, const struct record *r, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;

	index_set_owner(&m->index, e, INDEX_PEER);
	e->stamp = 0;
	if (mirror_is_shared(index_kind(e))) {
		e->flags |= INDEX_LEARNT;
		return;
	}
	if (m->role != MIRROR_IDLE)
		return;
	mirror_renew_later(m, d->now);
	if (r->key.len > 0)
		mirror_loosen(n, r->kind, r->key, d->out);
	else
		mirror_forgive(m);
}

/* An own entry stays so, whatever was heard of late. What both kernels know is the master's. */
static bool is_claimed(
	const struct node *n, const struct entry *e, const struct record *r, const struct object *o)
{
	if (r->op == WIRE_RECORD_BULK)
		return n->conf->self == 0;
	return mirror_is_shared(r->kind) && index_same(e, o) && n->mirror->role != MIRROR_IDLE &&
	       !mirror_peer_is_master(n);
}

/* A former master goes on sending until its policies are held: not by the numbers of the next one,
 * which says them again. */
static bool comes_too_early(struct mirror *m, const struct entry *e)
{
	if (index_kind(e) != OBJECT_SA || mirror_ipsec_takes_numbers(m))
		return false;
	mirror_ask_bucket(m, index_bucket(index_hash_of(e)));
	return true;
}

/* This kernel has later numbers of the SA than its owner knows of, and may have sent by them when
 * the other did not hear it: it does not go back, and the owner is to go beyond. */
static bool is_ahead(
	struct node *n, const struct entry *e, const struct object *o, struct mirror_delivery *d)
{
	bool is_another = (o->known & OBJECT_KNOWS_BASE) && e->base != o->base;

	if (index_kind(e) != OBJECT_SA || is_another || !index_is_ahead(e, o))
		return false;
	mirror_put_hash(n, d->now, WIRE_RECORD_CLAIM, e);
	return true;
}

/* WHOLE and BULK. */
static void heard_whole(struct node *n, uint64_t hash, struct entry *e, const struct record *r,
	const struct object *o, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;

	if (e != NULL && index_is_dead(e)) {
		index_remove(&m->index, e);
		e = NULL;
	}
	if (e == NULL) {
		/* What came with all others was there before: the daemon had its time. */
		if (r->op == WIRE_RECORD_BULK ? !mirror_ike_has(m, hash)
					      : !mirror_ike_leaves(n, d->now, hash, r->kind))
			install(n, hash, r, o, INDEX_PEER, d);
		return;
	}
	if (index_owner(&m->index, e) == INDEX_OWN) {
		if (is_claimed(n, e, r, o)) {
			mirror_put_hash(n, d->now, WIRE_RECORD_CLAIM, e);
			return;
		}
		/* Node 0 follows a word of this node's that is on its way. */
		if (r->op == WIRE_RECORD_WHOLE ? keeps_own(n, e, d)
					       : !channel_before(e->stamp, d->heard))
			return;
		give_up(n, e, r, d);
	}
	confirm(m, e);
	if ((index_same(e, o) && r->kind != OBJECT_SA) || comes_too_early(m, e) ||
		is_ahead(n, e, o, d))
		return;
	/* What is replaced takes with it what depends on it. Where an event did not change the
	 * base it need not be; what differs for another reason, as BULK finds it, is. */
	bool is_same = r->op == WIRE_RECORD_WHOLE || r->kind == OBJECT_SA;
	enum object_op op = is_same && e->base == o->base ? OBJECT_CHANGE : OBJECT_WHOLE;

	replace(n, op, e, r, o, d);
}

static void heard_change(struct node *n, uint64_t hash, struct entry *e, const struct record *r,
	const struct object *o, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;

	if (e == NULL || index_is_dead(e)) {
		if (mirror_ike_leaves(n, d->now, hash, r->kind))
			return;
		node_count(n, COUNTER_MISSING);
		mirror_ask_bucket(m, index_bucket(hash));
		return;
	}
	if (index_owner(&m->index, e) == INDEX_OWN) {
		if (keeps_own(n, e, d))
			return;
		give_up(n, e, r, d);
	}
	confirm(m, e);
	if ((index_same(e, o) && r->kind != OBJECT_SA) || comes_too_early(m, e) ||
		is_ahead(n, e, o, d))
		return;
	replace(n, OBJECT_CHANGE, e, r, o, d);
}

/* The owner is not always who forwards it: traffic that changes nothing makes no event. A master
 * asks its own kernel before it believes that the peer's session is over. */
static bool is_in_doubt(
	const struct mirror *m, const struct entry *e, const struct mirror_delivery *d)
{
	return m->role != MIRROR_IDLE && e != NULL && !index_is_dead(e) &&
	       d->out->n < ACTIONS_MAX / 2;
}

/* What this kernel knows by itself is its own from here on. The peer, whose kernel found that it is
 * not so, is not told. */
static void keep(struct mirror *m, struct entry *e)
{
	index_set_owner(&m->index, e, INDEX_OWN);
	e->flags = (uint8_t)((e->flags & ~INDEX_LEARNT) | INDEX_HELD);
	e->stamp = channel_out_number(&m->out);
}

static void heard_remove(struct node *n, uint64_t hash, struct entry *e, const struct record *r,
	struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;

	if (e != NULL && !index_is_dead(e) && index_owner(&m->index, e) == INDEX_OWN)
		return;
	mirror_ike_over(m, hash);
	if (mirror_is_shared(r->kind)) {
		if (e != NULL && !index_is_dead(e) && (e->flags & INDEX_LEARNT)) {
			mirror_unconfirm(m, e);
			keep(m, e);
			return;
		}
	} else if (!mirror_is_ipsec(r->kind) && is_in_doubt(m, e, d)) {
		mirror_unconfirm(m, e);
		e->stamp = 0;
		mirror_fetch(n, r->kind, r->key, d->out);
		return;
	}
	mirror_forget(m, hash, r->kind, e);
	mirror_order(n, OBJECT_REMOVE, r->kind, r->key, span_of(NULL, 0), d->out);
}

/* A former master had it: taken over unless there is one, as this node's own. */
static void heard_offer(struct node *n, uint64_t hash, const struct entry *e,
	const struct record *r, const struct object *o, struct mirror_delivery *d)
{
	if (e != NULL || n->mirror->role == MIRROR_IDLE)
		return;
	node_count(n, COUNTER_OFFERS);
	/* It comes with the hold's timer. */
	mirror_settle_later(n->mirror, d->now);
	install(n, hash, r, o, INDEX_OWN, d);
}

void mirror_heard_object(struct node *n, const struct record *r, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;
	struct object o;

	if (!(m->kinds >> r->kind & 1))
		return; /* of a later release */
	/* A former owner's last words. */
	if (mirror_is_ipsec(r->kind) && mirror_owns_ipsec(m) && r->op != WIRE_RECORD_OFFER)
		return;
	uint64_t hash = index_hash(&m->index, r->kind, r->key);
	struct entry *e = index_find(&m->index, hash, r->kind);

	if (r->op == WIRE_RECORD_REMOVE) {
		heard_remove(n, hash, e, r, d);
		return;
	}
	if (!describe(n, r, &o))
		return;
	m->received++;
	if (r->kind == OBJECT_SA)
		m->ipsec.numbers_at = d->now;
	if (r->op == WIRE_RECORD_CHANGE)
		heard_change(n, hash, e, r, &o, d);
	else if (r->op == WIRE_RECORD_OFFER)
		heard_offer(n, hash, e, r, &o, d);
	else
		heard_whole(n, hash, e, r, &o, d);
	/* A packet strayed to the standby, or its event waited long. */
	if (m->role == MIRROR_SOLE && r->op != WIRE_RECORD_OFFER && !mirror_is_shared(r->kind))
		mirror_adopt_later(m, d->now);
}

static struct entry *hashed(struct node *n, struct span value, uint64_t *ret_hash)
{
	struct reader r = reader_of(value);
	uint8_t kind = reader_u8(&r);
	uint64_t high = reader_u16(&r);

	*ret_hash = high << 32 | reader_u32(&r);
	if (!reader_ok(&r)) {
		node_count(n, COUNTER_RECORDS_MALFORMED);
		return NULL;
	}
	struct entry *e =
		n->mirror->same_hash ? index_find(&n->mirror->index, *ret_hash, kind) : NULL;

	return e != NULL && !index_is_dead(e) ? e : NULL;
}

void mirror_heard_gone(struct node *n, struct span value)
{
	struct mirror *m = n->mirror;
	uint64_t hash;
	struct entry *e = hashed(n, value, &hash);

	if (e == NULL || index_owner(&m->index, e) == INDEX_OWN)
		return;
	mirror_unconfirm(m, e);
	e->stamp = 0;
	m->wants |= WANT_SWEEP;
}

void mirror_heard_claim(struct node *n, const struct record *r, struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;
	uint64_t hash;
	struct entry *e = hashed(n, r->value, &hash);

	if (e != NULL && index_kind(e) == OBJECT_SA) {
		mirror_ipsec_is_behind(m, d);
		return;
	}
	if (e == NULL || index_owner(&m->index, e) == INDEX_PEER ||
		!channel_before(e->stamp, d->heard) || !channel_before(m->adopted_at, d->heard))
		return;
	give_up(n, e, r, d);
	confirm(m, e);
}
