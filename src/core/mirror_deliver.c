/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of the peer's records, in order; and what it says of the mirror as a whole. */
#include "mirror.h"

#include <string.h>

#include "document.h"
#include "state.h"

/* While this node runs with real-time priority, bulk takes half of its time at most: who forwards
 * may have no other processor. */
enum {
	BULK_US = 1000, /* then it rests for as long as it took */
	REST_MAX_US = 5000,
};

/* Orders that a frame's records can become: three bytes on the wire may be sixteen. */
enum { DELIVERY_BYTES = 6 * WIRE_FRAME_MAX };

static bool has_own_sessions(const struct mirror *m)
{
	uint32_t entries = 0;

	for (uint8_t kind = 0; kind < INDEX_KINDS; kind++)
		entries += mirror_is_shared(kind) ? 0 : m->index.own[kind].entries;
	return entries > 0;
}

/* The peer owns everything: this kernel's timers and windows go stale from here on. */
static void adopted(struct node *n, const struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;

	/* Both said so at once: node 0's word counts. */
	if (!channel_before(m->adopted_at, d->heard) && n->conf->self == 0 &&
		m->role == MIRROR_SOLE)
		return;
	if (has_own_sessions(m) && !mirror_is_loosening(m))
		mirror_forgive(m);
	if (has_own_sessions(m))
		mirror_renew_later(m, d->now);
	index_adopt(&m->index, INDEX_PEER);
}

static void heard_begin(struct node *n, struct span value, const struct mirror_delivery *d)
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
	/* Within an epoch nothing was missed: what was complete stays so. */
	m->receiving = true;
	m->receiving_since = d->now;
	m->confirmed = m->received = 0;
	m->sweep_kinds = 0;
	memcpy(m->sweep_buckets, buckets.data, buckets.len);
	if (!(flags & WIRE_BEGIN_FULL))
		return;
	m->ask = false;
	memset(m->ask_buckets, 0, sizeof(m->ask_buckets));
	log_info(n->env.log, "mirror: resync from %s begins", mirror_peer_name(n));
}

static bool is_full(const uint8_t buckets[RECORD_BITMAP_LEN])
{
	for (unsigned i = 0; i < RECORD_BITMAP_LEN; i++) {
		if (buckets[i] != 0xff)
			return false;
	}
	return true;
}

static void heard_end(struct node *n, struct span value, const struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint32_t generation = reader_u32(&r), sent = reader_u32(&r);
	uint16_t kinds = r.left > 0 ? reader_u16(&r) : UINT16_MAX;

	if (!reader_ok(&r) || !m->receiving || generation != m->heard_generation)
		return;
	m->receiving = false;
	m->sweep_kinds = kinds;
	/* Without anything stale, and with a kernel that is known, there is nothing to sweep. */
	if (!m->learned || index_entries(&m->index, INDEX_PEER) > m->confirmed ||
		!is_full(m->sweep_buckets))
		m->wants |= WANT_SWEEP;
	if (!is_full(m->sweep_buckets))
		return;
	m->complete = true;
	m->peer_restarted &= (m->wants & WANT_SWEEP) != 0;
	m->pass_after = d->now; /* the sweep does not wait */
	node_count(n, COUNTER_RESYNCS_HEARD);
	mirror_copied(n, d->now, m->receiving_since, sent, false);
	log_info(n->env.log, "mirror: resync from %s: %u objects in %u ms", mirror_peer_name(n),
		sent, (unsigned)(mono_since_us(m->receiving_since, d->now) / 1000));
}

static void heard_sums(struct node *n, struct span value, const struct mirror_delivery *d)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint8_t kind = reader_u8(&r);
	unsigned bucket = reader_u16(&r);

	if (!reader_ok(&r) || kind > OBJECT_KIND_MAX || !(m->kinds >> kind & 1))
		return;
	bool failed = !m->complete || !m->same_hash;
	/* What this kernel knows by itself, and an adoption took, comes back by the sweep. */
	bool too_early = mirror_is_shared(kind) && (mirror_wants(m) & WANT_SWEEP);

	for (; r.left >= 8 && bucket < INDEX_BUCKETS; bucket++) {
		if (reader_u64(&r) == m->index.peer[kind].sum[bucket] || failed || too_early)
			continue;
		node_count(n, COUNTER_SUMS_DIFFER);
		m->differed++;
		mirror_ask_bucket(m, bucket);
	}
	if (bucket == INDEX_BUCKETS && !m->ask)
		m->ask_ms = 0;
	/* The lowest kind comes last. */
	if (bucket == INDEX_BUCKETS && (m->kinds & ((1u << kind) - 1)) == 0)
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

/* Who is master of nothing sends no copy: one that had begun has no end. */
static void heard_offered(struct mirror *m)
{
	m->offers_heard = true;
	m->receiving = false;
}

static void heard_record(struct node *n, const struct record *r, struct mirror_delivery *d)
{
	switch ((enum wire_record)r->op) {
	case WIRE_RECORD_DOCUMENT: document_heard_record(n, d->now, r, d->out); break;
	case WIRE_RECORD_WHOLE:
	case WIRE_RECORD_CHANGE:
	case WIRE_RECORD_REMOVE:
	case WIRE_RECORD_BULK:
	case WIRE_RECORD_OFFER: mirror_heard_object(n, r, d); break;
	case WIRE_RECORD_GONE: mirror_heard_gone(n, r->value); break;
	case WIRE_RECORD_CLAIM: mirror_heard_claim(n, r, d); break;
	case WIRE_RECORD_BEGIN: heard_begin(n, r->value, d); break;
	case WIRE_RECORD_END: heard_end(n, r->value, d); break;
	case WIRE_RECORD_ADOPT: adopted(n, d); break;
	case WIRE_RECORD_OFFERED: heard_offered(n->mirror); break;
	case WIRE_RECORD_AUDIT: mirror_heard_audit(n, d->now); break;
	case WIRE_RECORD_FOUND: mirror_heard_found(n, r->value); break;
	case WIRE_RECORD_SUMS: heard_sums(n, r->value, d); break;
	case WIRE_RECORD_ASK: heard_ask(n, r->value); break;
	}
}

/* What this node says while it delivers a frame answers that already. */
void mirror_heard_so_far(struct mirror *m)
{
	struct channel_point heard = { m->in.epoch, m->in.next };

	channel_out_heard(&m->out, m->in.open ? heard : (struct channel_point){ 0, 0 });
}

static void expect_objects(struct mirror *m, struct span records)
{
	struct reader reader = reader_of(records);
	uint64_t hash[OBJECT_BATCH_MAX];
	struct record r;
	unsigned n = 0;

	while (n < OBJECT_BATCH_MAX && record_next(&reader, &r)) {
		if (r.key.len > 0)
			hash[n++] = index_hash(&m->index, r.kind, r.key);
	}
	index_expect(&m->index, hash, n);
}

static void deliver(struct node *n, struct span records, struct mirror_delivery *d)
{
	struct reader reader = reader_of(records);
	struct record r;

	expect_objects(n->mirror, records);
	while (record_next(&reader, &r)) {
		node_count(n, COUNTER_RECORDS_HEARD);
		if (r.op == WIRE_RECORD_BULK || r.op == WIRE_RECORD_OFFER ||
			r.op == WIRE_RECORD_DOCUMENT)
			n->mirror->bulk_at = d->now;
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

/* The step after one that delivered bulk follows at once, and so knows how long that took, with
 * all that the kernel had to do. */
void mirror_step_begins(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (m == NULL || mono_is_never(m->bulk_at))
		return;
	m->bulk_us += (uint32_t)mono_since_us(m->bulk_at, now);
	m->bulk_at = MONO_NEVER;
	if (m->bulk_us < BULK_US)
		return;
	m->rest_until = mono_after_us(now, m->bulk_us < REST_MAX_US ? m->bulk_us : REST_MAX_US);
	m->bulk_us = 0;
}

/* When the peer is lost, what it said last is wanted soon. */
static bool rests(const struct node *n, mono_t now)
{
	return n->env.realtime && n->links.peer_alive && mono_before(now, n->mirror->rest_until);
}

void mirror_deliver_held(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct mirror_delivery d = { .now = now, .out = out };
	struct span records;

	/* One with bulk in a step, whose time is taken. */
	while (mono_is_never(m->bulk_at) && !rests(n, now)) {
		if (out->used + DELIVERY_BYTES > ACTIONS_BYTES / 2) {
			out->more |= channel_in_is_held(&m->in);
			return;
		}
		d.heard = m->heard[m->in.next % CHANNEL_WINDOW];
		if (!channel_in_held(&m->in, now, &records))
			return;
		mirror_heard_so_far(m);
		deliver(n, records, &d);
	}
	out->more |= !mono_is_never(m->bulk_at);
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
	struct mirror_delivery d = {
		.now = now, .heard = heard_epoch != 0 ? heard : 0, .out = out
	};

	m->in.rests = rests(n, now);
	enum channel_heard heard_as = channel_in_heard(&m->in, now, epoch, number, records);

	mirror_heard_so_far(m);
	switch (heard_as) {
	case CHANNEL_EPOCH:
	case CHANNEL_NEXT:
		if (heard_as == CHANNEL_EPOCH)
			epoch_began(n);
		deliver(n, records, &d);
		break;
	case CHANNEL_WAITS_EPOCH:
	case CHANNEL_WAITS:
		if (heard_as == CHANNEL_WAITS_EPOCH)
			epoch_began(n);
		m->heard[number % CHANNEL_WINDOW] = d.heard;
		break;
	case CHANNEL_AGAIN: node_count(n, COUNTER_CHANNEL_AGAIN); break;
	case CHANNEL_BEYOND: node_count(n, COUNTER_CHANNEL_BEYOND); break;
	}
	return true;
}
