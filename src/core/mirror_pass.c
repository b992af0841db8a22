/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <string.h>

#include "state.h"

enum {
	WALK_STEP = 2048,            /* entries in one step */
	PASS_EVERY_MS = 1000,        /* at most that often, but for resyncs */
	BACKLOG_MAX = 256 * 1024,    /* of bulk that waits in the channel */
	STAMP_FOUND = CHANNEL_FIRST, /* no word of the peer's carries it */
	SUMS_LEN = 3 + 8 * RECORD_SUMS_MAX,
};

/* These do not wait for the time of the next pass. */
static const unsigned urgent_wants = WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS | WANT_LOOSEN;

static uint64_t audit_every_ms(const struct node *n)
{
	uint64_t ms = n->conf->mirror.hold_ms / 4;

	return ms > 0 ? ms : 1;
}

static bool has_bucket(const uint8_t bitmap[RECORD_BITMAP_LEN], uint64_t hash)
{
	unsigned bucket = index_bucket(hash);

	return bitmap[bucket / 8] >> bucket % 8 & 1;
}

static uint8_t next_kind(const struct mirror *m, uint8_t kind)
{
	for (kind++; kind <= OBJECT_KIND_MAX; kind++) {
		if (m->kinds >> kind & 1)
			return kind;
	}
	return 0;
}

void mirror_pass_abort(struct node *n, unsigned wants)
{
	n->mirror->wants &= ~wants;
	n->mirror->pass.wants &= ~wants;
	if (wants & WANT_BUCKETS)
		memset(n->mirror->send_buckets, 0, sizeof(n->mirror->send_buckets));
}

static void put_begin(struct node *n, mono_t now, bool full)
{
	struct mirror *m = n->mirror;
	uint8_t value[5 + RECORD_BITMAP_LEN];
	struct writer w = writer_of(value, sizeof(value));
	struct record r = { .op = WIRE_RECORD_BEGIN, .value = span_of(value, sizeof(value)) };

	if (full)
		memset(m->pass.buckets, 0xff, sizeof(m->pass.buckets));
	else
		memcpy(m->pass.buckets, m->send_buckets, sizeof(m->pass.buckets));
	memset(m->send_buckets, 0, sizeof(m->send_buckets));
	m->generation++;
	writer_u32(&w, m->generation);
	writer_u8(&w, (uint8_t)((full ? WIRE_BEGIN_FULL : 0) |
				(m->role == MIRROR_SOLE ? WIRE_BEGIN_ADOPT : 0)));
	writer_bytes(&w, m->pass.buckets, sizeof(m->pass.buckets));
	if (m->role == MIRROR_SOLE) {
		m->adopted_at = channel_out_number(&m->out);
		mirror_adopt(n, now);
	}
	(void)mirror_put(n, now, &r);
}

static void begin(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;

	*p = (struct mirror_pass){
		.running = true,
		.number = (uint8_t)(p->number + 1),
		.kind = next_kind(m, 0),
		.wants = m->wants,
		.walk_at = 1,
		.since = now,
	};
	m->wants = 0;
	m->audit_now = m->rest = false;
	m->audit_due = mono_after_ms(now, audit_every_ms(n));
	m->pass_after = mono_after_ms(now, PASS_EVERY_MS);
	m->past.walks++;
	node_count(n, COUNTER_AUDITS);
	if (p->wants & (WANT_RESYNC | WANT_BUCKETS))
		put_begin(n, now, p->wants & WANT_RESYNC);
}

static void send_object(struct node *n, mono_t now, uint8_t op, const struct object *o)
{
	struct record r = {
		.op = op,
		.kind = o->kind,
		.key = object_key(o),
		.value = object_value(o),
	};

	if (mirror_put(n, now, &r))
		n->mirror->pass.sent++;
}

/* What this kernel has of the peer's does not run out, and does not judge by old TCP windows. */
static void keep_peers(
	struct node *n, mono_t now, const struct object *o, bool loosen, struct actions *out)
{
	if ((o->marks & OBJECT_AGES) && mirror_holds(n->mirror, now))
		mirror_order(n, OBJECT_HOLD, o->kind, object_key(o), span_of(NULL, 0), out);
	if (loosen)
		mirror_order(n, OBJECT_LOOSEN, o->kind, object_key(o), span_of(NULL, 0), out);
}

/* In the kernel, and not in the index: of before this start, or its event was lost or waits to be
 * read. On a node that is master of nothing it is what is left of the peer's. */
static void found_unknown(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	bool own = m->role != MIRROR_IDLE;

	if (!own && (m->pass.wants & WANT_SWEEP)) {
		node_count(n, COUNTER_SWEPT);
		mirror_order(n, OBJECT_REMOVE, o->kind, object_key(o), span_of(NULL, 0), out);
		return;
	}
	struct entry *e = index_add(&m->index, hash, o, own ? INDEX_OWN : INDEX_PEER);

	if (e == NULL) {
		node_count(n, COUNTER_INDEX_FULL);
		return;
	}
	e->pass = m->pass.number;
	if (m->learned)
		mirror_differed(n);
	if (own) {
		e->stamp = channel_out_number(&m->out);
		send_object(n, now, WIRE_RECORD_WHOLE, o);
	} else {
		e->stamp = STAMP_FOUND;
		if (m->learned)
			mirror_ask_bucket(m, hash);
		keep_peers(n, now, o, true, out);
	}
}

static void found_own(
	struct node *n, mono_t now, struct entry *e, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	uint64_t hash = index_hash_of(e);
	unsigned wants = m->pass.wants;

	if (!index_same(e, o)) {
		mirror_differed(n);
		index_update(&m->index, e, o);
		e->stamp = channel_out_number(&m->out);
		send_object(n, now, WIRE_RECORD_WHOLE, o);
	} else if ((wants & WANT_RESYNC) ||
		   ((wants & WANT_BUCKETS) && has_bucket(m->pass.buckets, hash))) {
		send_object(n, now, WIRE_RECORD_BULK, o);
	} else if ((wants & WANT_OFFERS) && !channel_before(e->stamp, m->untold)) {
		send_object(n, now, WIRE_RECORD_OFFER, o);
	}
	if ((wants & WANT_SETTLE) && (o->marks & OBJECT_HELD))
		mirror_order(n, OBJECT_SETTLE, o->kind, object_key(o), object_value(o), out);
	else if (wants & WANT_LOOSEN)
		mirror_order(n, OBJECT_LOOSEN, o->kind, object_key(o), span_of(NULL, 0), out);
}

static void loosen(struct node *n, const struct object *o, struct actions *out)
{
	if (n->mirror->pass.wants & WANT_LOOSEN)
		mirror_order(n, OBJECT_LOOSEN, o->kind, object_key(o), span_of(NULL, 0), out);
}

static void found_peers(
	struct node *n, mono_t now, struct entry *e, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	unsigned wants = m->pass.wants;

	if ((wants & WANT_SWEEP) && e->stamp == STAMP_FOUND && m->role != MIRROR_IDLE) {
		/* Of before this start, and not the peer's: it is served here. */
		index_set_owner(&m->index, e, INDEX_OWN);
		index_update(&m->index, e, o);
		e->stamp = channel_out_number(&m->out);
		send_object(n, now, WIRE_RECORD_WHOLE, o);
		return;
	}
	if ((wants & WANT_SWEEP) && e->stamp != m->stamp &&
		(e->stamp == 0 || has_bucket(m->sweep_buckets, index_hash_of(e)))) {
		node_count(n, COUNTER_SWEPT);
		index_remove(&m->index, e);
		mirror_order(n, OBJECT_REMOVE, o->kind, object_key(o), span_of(NULL, 0), out);
		return;
	}
	if (!index_same(e, o)) {
		/* Not as the peer said: it is to say it again. */
		mirror_differed(n);
		mirror_ask_bucket(m, index_hash_of(e));
		index_update(&m->index, e, o);
	}
	keep_peers(n, now, o, wants & WANT_LOOSEN, out);
}

void mirror_pass_object(struct node *n, mono_t now, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (!m->pass.running)
		return;
	uint64_t hash = index_hash(&m->index, o->kind, object_key(o));
	struct entry *e = index_find(&m->index, hash, o->kind);

	if (e == NULL) {
		m->pass.seen++;
		found_unknown(n, now, hash, o, out);
		return;
	}
	if (index_is_dead(e))
		return;
	bool own = index_owner(&m->index, e) == INDEX_OWN;

	/* What an event or the peer said since the pass began is newer than the dump. */
	if (e->pass == m->pass.number) {
		if (!own)
			loosen(n, o, out);
		return;
	}
	e->pass = m->pass.number;
	m->pass.seen++;
	if (own)
		found_own(n, now, e, o, out);
	else
		found_peers(n, now, e, o, out);
}

struct walker {
	struct node *n;
	mono_t now;
};

/* Every entry that the dump did not show is not in the kernel. */
static void visit(void *user, struct entry *e)
{
	struct walker *w = user;
	struct mirror *m = w->n->mirror;

	if (index_is_dead(e)) {
		index_remove(&m->index, e);
		return;
	}
	if (e->pass == m->pass.number || !(m->kinds >> index_kind(e) & 1))
		return;
	mirror_differed(w->n);
	if (index_owner(&m->index, e) == INDEX_OWN) {
		uint64_t hash = index_hash_of(e);
		uint8_t value[1 + RECORD_HASH_LEN] = { index_kind(e) };
		struct record r = { .op = WIRE_RECORD_GONE,
			.value = span_of(value, sizeof(value)) };

		for (unsigned i = 0; i < RECORD_HASH_LEN; i++)
			value[1 + i] = (uint8_t)(hash >> (8 * (RECORD_HASH_LEN - 1 - i)));
		(void)mirror_put(w->n, w->now, &r);
	} else {
		mirror_ask_bucket(m, index_hash_of(e));
	}
	index_remove(&m->index, e);
}

/* The peer compares these with its own at this very place in the row of records. */
static void put_sums(struct node *n, mono_t now, uint8_t kind)
{
	const struct index_sums *sums = &n->mirror->index.own[kind];
	uint8_t value[SUMS_LEN];

	for (unsigned first = 0; first < INDEX_BUCKETS; first += RECORD_SUMS_MAX) {
		struct writer w = writer_of(value, sizeof(value));
		struct record r = { .op = WIRE_RECORD_SUMS };

		writer_u8(&w, kind);
		writer_u16(&w, (uint16_t)first);
		for (unsigned i = 0; i < RECORD_SUMS_MAX; i++)
			writer_u64(&w, sums->sum[first + i]);
		r.value = span_of(value, w.used);
		if (!mirror_put(n, now, &r))
			return;
	}
}

static void put_end(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	uint8_t value[8];
	struct writer w = writer_of(value, sizeof(value));
	struct record r = { .op = WIRE_RECORD_END, .value = span_of(value, sizeof(value)) };

	writer_u32(&w, m->generation);
	writer_u32(&w, m->pass.sent);
	(void)mirror_put(n, now, &r);
}

static void end(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;
	unsigned ms = (unsigned)(mono_since_us(p->since, now) / 1000);

	p->running = false;
	m->learned = true;
	if (p->wants & WANT_OFFERS) {
		struct record r = { .op = WIRE_RECORD_OFFERED };

		(void)mirror_put(n, now, &r);
		log_info(n->env.log, "mirror: %u objects offered to %s", p->sent,
			n->conf->node[1 - n->conf->self]);
		if (m->sending == SENDING_OFFERS)
			m->sending = SENDING_EVENTS;
	}
	if (p->wants & (WANT_RESYNC | WANT_BUCKETS)) {
		put_end(n, now);
		if (p->wants & WANT_RESYNC)
			mirror_copied(n, now, m->resync_since, p->sent, true);
		log_info(n->env.log, "mirror: %s to %s: %u objects in %u ms",
			p->wants & WANT_RESYNC ? "resync" : "repair",
			n->conf->node[1 - n->conf->self], p->sent, ms);
		if (m->sending == SENDING_RESYNC)
			m->sending = SENDING_EVENTS;
	}
	if (m->sending == SENDING_EVENTS && m->role != MIRROR_IDLE) {
		m->past.unanswered++;
		for (uint8_t kind = next_kind(m, 0); kind != 0; kind = next_kind(m, kind))
			put_sums(n, now, kind);
	}
	mirror_walked(n, now);
}

static bool is_wanted(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;

	if ((m->wants & urgent_wants) && !m->rest)
		return true;
	return (m->wants != 0 || m->audit_now || mono_reached(m->audit_due, now)) &&
	       mono_reached(m->pass_after, now);
}

static void go_on(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;
	struct walker walker = { .n = n, .now = now };

	if (p->dumped) {
		if (!index_walk(&m->index, &p->walk_at, WALK_STEP, visit, &walker))
			end(n, now);
		return;
	}
	if (p->dumping || (mirror_is_sending(m) && channel_out_backlog(&m->out) > BACKLOG_MAX))
		return;
	p->dumping = true;
	node_act(out, ACTION_DUMP, p->kind);
}

/* A copy for the peer does not wait for a pass that sends nothing; what that was for, the next
 * one does on its way. */
static bool gives_way(const struct mirror *m)
{
	return m->pass.running && !m->pass.dumping && !m->pass.dumped && (m->wants & WANT_RESYNC) &&
	       !(m->pass.wants & urgent_wants);
}

void mirror_pass_settle(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (!m->on)
		return;
	if (gives_way(m)) {
		m->wants |= m->pass.wants;
		m->pass.running = false;
		node_act(out, ACTION_END_DUMP, m->pass.kind);
	}
	if (!m->pass.running && is_wanted(n, now))
		begin(n, now);
	if (m->pass.running)
		go_on(n, now, out);
}

bool mirror_pass_is_busy(const struct mirror *m)
{
	return m->on && m->pass.running && m->pass.dumped;
}

mono_t mirror_pass_deadline(const struct mirror *m)
{
	if (!m->on || m->pass.running)
		return MONO_NEVER;
	if (m->wants != 0 || m->audit_now)
		return m->pass_after;
	return mono_max(m->audit_due, m->pass_after);
}

void mirror_dumped(struct node *n, mono_t now, enum dump_result result)
{
	struct mirror *m = n->mirror;

	if (m == NULL || !m->pass.running)
		return;
	m->pass.dumping = false;
	switch (result) {
	case DUMP_MORE:
	case DUMP_AGAIN: break;
	case DUMP_DONE:
		m->pass.kind = next_kind(m, m->pass.kind);
		m->pass.dumped = m->pass.kind == 0;
		break;
	case DUMP_FAILED:
		/* What was not seen may be there. */
		log_warn(n->env.log, "mirror: the kernel's table could not be read to its end");
		m->pass.running = false;
		m->wants |= m->pass.wants;
		for (unsigned i = 0; (m->pass.wants & WANT_BUCKETS) && i < RECORD_BITMAP_LEN; i++)
			m->send_buckets[i] |= m->pass.buckets[i];
		m->audit_now = m->rest = true;
		m->pass_after = mono_after_ms(now, PASS_EVERY_MS);
		break;
	}
}
