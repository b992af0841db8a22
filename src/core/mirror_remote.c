/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <string.h>

#include "state.h"

/* Orders that a frame's records can become: three bytes on the wire may be sixteen. */
enum { DELIVERY_BYTES = 6 * WIRE_FRAME_MAX };

/* A frame of records that is being delivered. */
struct delivery {
	mono_t now;
	uint32_t heard; /* the peer had delivered ours up to there when it sent this */
	struct actions *out;
};

/* Whether the peer's word on an own entry came too early: it did not know yet what this node said
 * of it. Adoption beats an event, and of two events node 0's counts. */
static bool keeps_own(const struct node *n, const struct entry *e, const struct delivery *d)
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
	e->pass = m->pass.number;
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
	enum index_owner owner, struct delivery *d)
{
	struct mirror *m = n->mirror;
	struct entry *e = index_add(&m->index, hash, o, owner);

	if (e == NULL) {
		node_count(n, COUNTER_INDEX_FULL);
		return;
	}
	if (owner == INDEX_PEER) {
		confirm(m, e);
	} else {
		e->stamp = channel_out_number(&m->out);
		e->pass = m->pass.number;
	}
	mirror_order(n, OBJECT_WHOLE, r->kind, r->key, r->value, d->out);
}

/* An own entry becomes the peer's. Where nothing is forwarded any more its window goes stale. */
static void give_up(struct node *n, struct entry *e, const struct record *r, struct delivery *d)
{
	struct mirror *m = n->mirror;

	index_set_owner(&m->index, e, INDEX_PEER);
	e->stamp = 0;
	if (m->role != MIRROR_IDLE)
		return;
	if (r->key.len > 0)
		mirror_order(n, OBJECT_LOOSEN, r->kind, r->key, span_of(NULL, 0), d->out);
	else
		m->wants |= WANT_LOOSEN;
}

static void claim(struct node *n, const struct entry *e, struct delivery *d)
{
	uint64_t hash = index_hash_of(e);
	uint8_t value[1 + RECORD_HASH_LEN] = { index_kind(e) };
	struct record r = { .op = WIRE_RECORD_CLAIM, .value = span_of(value, sizeof(value)) };

	for (unsigned i = 0; i < RECORD_HASH_LEN; i++)
		value[1 + i] = (uint8_t)(hash >> (8 * (RECORD_HASH_LEN - 1 - i)));
	(void)mirror_put(n, d->now, &r);
}

/* WHOLE and BULK. */
static void heard_whole(struct node *n, uint64_t hash, struct entry *e, const struct record *r,
	const struct object *o, struct delivery *d)
{
	struct mirror *m = n->mirror;

	if (e != NULL && index_is_dead(e)) {
		index_remove(&m->index, e);
		e = NULL;
	}
	if (e == NULL) {
		install(n, hash, r, o, INDEX_PEER, d);
		return;
	}
	if (index_owner(&m->index, e) == INDEX_OWN) {
		if (r->op == WIRE_RECORD_BULK && n->conf->self == 0) {
			claim(n, e, d);
			return;
		}
		/* Node 0 follows a word of this node's that is on its way. */
		if (r->op == WIRE_RECORD_WHOLE ? keeps_own(n, e, d)
					       : !channel_before(e->stamp, d->heard))
			return;
		give_up(n, e, r, d);
	}
	confirm(m, e);
	if (index_same(e, o))
		return;
	/* What is replaced takes with it what depends on it. Where an event did not change the
	 * base it need not be; what differs for another reason, as BULK finds it, is. */
	enum object_op op =
		r->op == WIRE_RECORD_WHOLE && e->base == o->base ? OBJECT_CHANGE : OBJECT_WHOLE;

	index_update(&m->index, e, o);
	mirror_order(n, op, r->kind, r->key, r->value, d->out);
}

static void heard_change(struct node *n, uint64_t hash, struct entry *e, const struct record *r,
	const struct object *o, struct delivery *d)
{
	struct mirror *m = n->mirror;

	if (e == NULL || index_is_dead(e)) {
		node_count(n, COUNTER_MISSING);
		mirror_ask_bucket(m, hash);
		return;
	}
	if (index_owner(&m->index, e) == INDEX_OWN) {
		if (keeps_own(n, e, d))
			return;
		give_up(n, e, r, d);
	}
	confirm(m, e);
	if (index_same(e, o))
		return;
	index_update(&m->index, e, o);
	mirror_order(n, OBJECT_CHANGE, r->kind, r->key, r->value, d->out);
}

static void heard_remove(
	struct node *n, struct entry *e, const struct record *r, struct delivery *d)
{
	struct mirror *m = n->mirror;

	if (e != NULL && !index_is_dead(e)) {
		if (index_owner(&m->index, e) == INDEX_OWN)
			return;
		if (e->stamp == m->stamp && m->confirmed > 0)
			m->confirmed--;
		if (m->pass.running)
			index_kill(&m->index, e);
		else
			index_remove(&m->index, e);
	}
	mirror_order(n, OBJECT_REMOVE, r->kind, r->key, span_of(NULL, 0), d->out);
}

/* A former master had it: taken over unless there is one, as this node's own. */
static void heard_offer(struct node *n, uint64_t hash, const struct entry *e,
	const struct record *r, const struct object *o, struct delivery *d)
{
	if (e != NULL || n->mirror->role == MIRROR_IDLE)
		return;
	node_count(n, COUNTER_OFFERS);
	/* It comes with the hold's timer. */
	if (mono_is_never(n->mirror->settle_due))
		n->mirror->settle_due = mono_after_ms(d->now, MIRROR_SETTLE_AFTER_MS);
	install(n, hash, r, o, INDEX_OWN, d);
}

static void heard_object(struct node *n, const struct record *r, struct delivery *d)
{
	struct mirror *m = n->mirror;
	struct object o;

	if (!(m->kinds >> r->kind & 1))
		return; /* of a later release */
	uint64_t hash = index_hash(&m->index, r->kind, r->key);
	struct entry *e = index_find(&m->index, hash, r->kind);

	if (r->op == WIRE_RECORD_REMOVE) {
		heard_remove(n, e, r, d);
		return;
	}
	if (!describe(n, r, &o))
		return;
	m->received++;
	if (r->op == WIRE_RECORD_CHANGE)
		heard_change(n, hash, e, r, &o, d);
	else if (r->op == WIRE_RECORD_OFFER)
		heard_offer(n, hash, e, r, &o, d);
	else
		heard_whole(n, hash, e, r, &o, d);
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

static void heard_gone(struct node *n, struct span value)
{
	struct mirror *m = n->mirror;
	uint64_t hash;
	struct entry *e = hashed(n, value, &hash);

	if (e == NULL || index_owner(&m->index, e) == INDEX_OWN)
		return;
	if (e->stamp == m->stamp && m->confirmed > 0)
		m->confirmed--;
	e->stamp = 0;
	m->wants |= WANT_SWEEP;
}

static void heard_claim(struct node *n, const struct record *r, struct delivery *d)
{
	struct mirror *m = n->mirror;
	uint64_t hash;
	struct entry *e = hashed(n, r->value, &hash);

	if (e == NULL || index_owner(&m->index, e) == INDEX_PEER ||
		!channel_before(e->stamp, d->heard) || !channel_before(m->adopted_at, d->heard))
		return;
	give_up(n, e, r, d);
	confirm(m, e);
}

/* The peer owns everything: this kernel's timers and windows go stale from here on. */
static void adopted(struct node *n, const struct delivery *d)
{
	struct mirror *m = n->mirror;
	bool owned = false;

	/* Both said so at once: node 0's word counts. */
	if (!channel_before(m->adopted_at, d->heard) && n->conf->self == 0 &&
		m->role == MIRROR_SOLE)
		return;
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++)
		owned |= m->index.own[kind].entries > 0;
	index_adopt(&m->index, INDEX_PEER);
	if (owned && !mirror_is_loosening(m))
		m->wants |= WANT_LOOSEN;
}

static void heard_begin(struct node *n, struct span value, const struct delivery *d)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint32_t generation = reader_u32(&r);
	uint8_t flags = reader_u8(&r);
	struct span buckets = reader_bytes(&r, RECORD_BITMAP_LEN);

	if (!reader_ok(&r)) {
		node_count(n, COUNTER_RECORDS_MALFORMED);
		return;
	}
	mirror_pass_abort(n, WANT_SWEEP);
	if (flags & WIRE_BEGIN_ADOPT)
		adopted(n, d);
	m->heard_generation = generation;
	/* Never a number of the channel, nor 0. */
	m->stamp = m->stamp % (CHANNEL_FIRST - 1) + 1;
	m->receiving = true;
	m->receiving_since = d->now;
	m->confirmed = m->received = 0;
	memcpy(m->sweep_buckets, buckets.data, buckets.len);
	if (!(flags & WIRE_BEGIN_FULL))
		return;
	m->ask = false;
	memset(m->ask_buckets, 0, sizeof(m->ask_buckets));
	/* Within an epoch nothing was missed: what was complete stays so. */
	log_info(n->env.log, "mirror: resync from %s begins", n->conf->node[1 - n->conf->self]);
}

static bool is_full(const uint8_t buckets[RECORD_BITMAP_LEN])
{
	for (unsigned i = 0; i < RECORD_BITMAP_LEN; i++) {
		if (buckets[i] != 0xff)
			return false;
	}
	return true;
}

static void heard_end(struct node *n, struct span value, const struct delivery *d)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint32_t generation = reader_u32(&r), sent = reader_u32(&r);
	uint32_t entries = 0;

	if (!reader_ok(&r) || !m->receiving || generation != m->heard_generation)
		return;
	m->receiving = false;
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++)
		entries += m->index.peer[kind].entries;
	/* Without anything stale, and with a kernel that is known, there is nothing to sweep. */
	if (!m->learned || entries > m->confirmed || !is_full(m->sweep_buckets))
		m->wants |= WANT_SWEEP;
	if (!is_full(m->sweep_buckets))
		return;
	m->complete = true;
	m->pass_after = d->now; /* the sweep does not wait */
	node_count(n, COUNTER_RESYNCS_HEARD);
	mirror_copied(n, d->now, m->receiving_since, sent, false);
	log_info(n->env.log, "mirror: resync from %s: %u objects in %u ms",
		n->conf->node[1 - n->conf->self], sent,
		(unsigned)(mono_since_us(m->receiving_since, d->now) / 1000));
}

static void heard_sums(struct node *n, struct span value, const struct delivery *d)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint8_t kind = reader_u8(&r);
	unsigned bucket = reader_u16(&r);

	if (!reader_ok(&r) || kind > OBJECT_KIND_MAX)
		return;
	bool failed = !m->complete || !m->same_hash;

	for (; r.left >= 8 && bucket < INDEX_BUCKETS; bucket++) {
		if (reader_u64(&r) == m->index.peer[kind].sum[bucket] || failed)
			continue;
		node_count(n, COUNTER_SUMS_DIFFER);
		m->differed++;
		m->ask_buckets[bucket / 8] |= (uint8_t)(1u << bucket % 8);
		m->ask = true;
	}
	if (bucket == INDEX_BUCKETS && !m->ask)
		m->ask_ms = 0;
	if (bucket == INDEX_BUCKETS && m->kinds >> kind == 1)
		mirror_compared(n, d->now, failed);
}

static void heard_ask(struct node *n, struct span value)
{
	struct mirror *m = n->mirror;

	if (value.len < RECORD_BITMAP_LEN || m->sending != SENDING_EVENTS) {
		n->counter[COUNTER_RECORDS_MALFORMED] += value.len < RECORD_BITMAP_LEN;
		return;
	}
	for (unsigned i = 0; i < RECORD_BITMAP_LEN; i++)
		m->send_buckets[i] |= value.data[i];
	if (is_full(m->send_buckets))
		m->sending = m->role != MIRROR_IDLE ? SENDING_START : m->sending;
	else
		m->wants |= WANT_BUCKETS;
}

static void heard_record(struct node *n, const struct record *r, struct delivery *d)
{
	switch ((enum wire_record)r->op) {
	case WIRE_RECORD_WHOLE:
	case WIRE_RECORD_CHANGE:
	case WIRE_RECORD_REMOVE:
	case WIRE_RECORD_BULK:
	case WIRE_RECORD_OFFER: heard_object(n, r, d); break;
	case WIRE_RECORD_GONE: heard_gone(n, r->value); break;
	case WIRE_RECORD_CLAIM: heard_claim(n, r, d); break;
	case WIRE_RECORD_BEGIN: heard_begin(n, r->value, d); break;
	case WIRE_RECORD_END: heard_end(n, r->value, d); break;
	case WIRE_RECORD_ADOPT: adopted(n, d); break;
	case WIRE_RECORD_OFFERED: n->mirror->offers_heard = true; break;
	case WIRE_RECORD_AUDIT: mirror_heard_audit(n, d->now); break;
	case WIRE_RECORD_FOUND: mirror_heard_found(n, r->value); break;
	case WIRE_RECORD_SUMS: heard_sums(n, r->value, d); break;
	case WIRE_RECORD_ASK: heard_ask(n, r->value); break;
	}
}

static void deliver(struct node *n, struct span records, struct delivery *d)
{
	struct reader reader = reader_of(records);
	struct record r;

	while (record_next(&reader, &r)) {
		node_count(n, COUNTER_RECORDS_HEARD);
		heard_record(n, &r, d);
	}
	if (!reader_ok(&reader))
		node_count(n, COUNTER_RECORDS_MALFORMED);
}

static void epoch_began(struct node *n)
{
	struct mirror *m = n->mirror;

	m->ask_ms = 0;
	m->complete = m->receiving = m->offers_heard = false;
	m->ask = false;
	m->differed = 0;
	memset(m->ask_buckets, 0, sizeof(m->ask_buckets));
}

/* Frames that waited for the one just delivered, as many as there is room for. */
void mirror_deliver_held(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct delivery d = { .now = now, .heard = m->peer_heard, .out = out };
	struct span records;

	for (;;) {
		if (out->used + DELIVERY_BYTES > ACTIONS_BYTES / 2) {
			out->more |= m->in.held > 0;
			return;
		}
		if (!channel_in_held(&m->in, &records))
			return;
		deliver(n, records, &d);
	}
}

bool mirror_heard_data(struct node *n, mono_t now, struct span value, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint32_t epoch = reader_u32(&r), number = reader_u32(&r);
	uint32_t heard_epoch = reader_u32(&r), heard = reader_u32(&r);

	if (!reader_ok(&r))
		return false;
	if (m == NULL || !m->up)
		return true;
	struct span records = span_of(r.at, r.left);
	struct delivery d = { .now = now, .heard = heard_epoch != 0 ? heard : 0, .out = out };

	m->peer_heard = d.heard;
	enum channel_heard heard_as = channel_in_heard(&m->in, now, epoch, number, records);

	switch (heard_as) {
	case CHANNEL_EPOCH:
	case CHANNEL_NEXT:
		if (heard_as == CHANNEL_EPOCH)
			epoch_began(n);
		deliver(n, records, &d);
		mirror_deliver_held(n, now, out);
		break;
	case CHANNEL_WAITS_EPOCH: epoch_began(n); break;
	case CHANNEL_WAITS: break;
	case CHANNEL_AGAIN: node_count(n, COUNTER_CHANNEL_AGAIN); break;
	case CHANNEL_BEYOND: node_count(n, COUNTER_CHANNEL_BEYOND); break;
	}
	return true;
}
