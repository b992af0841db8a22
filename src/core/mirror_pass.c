/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <string.h>

#include "state.h"

enum {
	WALK_STEP = 2048,         /* entries in one step */
	PASS_EVERY_MS = 1000,     /* at most that often, but for resyncs */
	BACKLOG_MAX = 256 * 1024, /* of bulk that waits in the channel */
	SUMS_LEN = 3 + 8 * RECORD_SUMS_MAX,
};

/* These do not wait for the time of the next pass. */
static const unsigned urgent_wants =
	WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS | WANT_LOOSEN | WANT_IPSEC;

static uint64_t audit_every_ms(const struct node *n)
{
	uint64_t ms = n->conf->mirror.hold_ms / 4;

	return ms > 0 ? ms : 1;
}

static uint8_t next_kind(uint32_t kinds, uint8_t kind)
{
	for (kind++; kind <= OBJECT_KIND_MAX; kind++) {
		if (kinds >> kind & 1)
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
	mirror_put_plain(n, now, WIRE_RECORD_BEGIN, span_of(value, sizeof(value)));
	if (m->role == MIRROR_SOLE)
		mirror_adopt(n, now);
}

static void start(struct mirror *m, mono_t now, uint32_t kinds, unsigned wants)
{
	struct mirror_pass *p = &m->pass;

	*p = (struct mirror_pass){
		.running = true,
		.number = (uint8_t)(p->number % UINT8_MAX + 1), /* never 0 */
		.kind = next_kind(kinds, 0),
		.kinds = kinds,
		.dumped = kinds == 0, /* documents alone are mirrored */
		.wants = wants,
		.walk_at = 1,
		.since = now,
	};
	m->wants &= ~wants;
}

/* A pass that is not for IPsec. */
static bool is_other_wanted(const struct mirror *m, mono_t now)
{
	return (m->wants & ~(unsigned)WANT_IPSEC) != 0 || m->audit_now ||
	       mono_reached(m->audit_due, now);
}

static void begin(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;

	if ((m->wants & WANT_IPSEC) && !(m->ipsec.unread && is_other_wanted(m, now))) {
		start(m, now, OBJECT_IPSEC & ~n->env.mirror_absent, WANT_IPSEC);
		mirror_ipsec_begins(m);
		return;
	}
	start(m, now, m->kinds, m->wants & ~(unsigned)WANT_IPSEC);
	m->audit_now = m->rest = false;
	m->audit_due = mono_after_ms(now, audit_every_ms(n));
	m->pass_after = mono_after_ms(now, PASS_EVERY_MS);
	m->past.walks++;
	node_count(n, COUNTER_AUDITS);
	if (p->wants & (WANT_RESYNC | WANT_BUCKETS))
		put_begin(n, now, p->wants & WANT_RESYNC);
}

struct walker {
	struct node *n;
	mono_t now;
};

/* What a pass that did not come to its end was for is wanted still. */
static void put_back(struct mirror *m)
{
	m->pass.running = false;
	m->wants |= m->pass.wants;
	if (m->pass.wants & WANT_IPSEC)
		mirror_ipsec_put_back(m);
	for (unsigned i = 0; (m->pass.wants & WANT_BUCKETS) && i < RECORD_BITMAP_LEN; i++)
		m->send_buckets[i] |= m->pass.buckets[i];
}

/* Every entry that the dump did not show is not in the kernel. */
static void visit(void *user, struct entry *e)
{
	struct walker *w = user;
	struct mirror *m = w->n->mirror;

	if (index_is_dead(e) || !(m->kinds >> index_kind(e) & 1)) {
		index_remove(&m->index, e);
		return;
	}
	if (e->pass == m->pass.number || !(m->pass.kinds >> index_kind(e) & 1) ||
		(e->pass == 0 && index_owner(&m->index, e) == INDEX_PEER))
		return;
	bool own = index_owner(&m->index, e) == INDEX_OWN;

	if (!own || !(e->flags & INDEX_FORGOTTEN))
		mirror_differed(w->n);
	if (own) {
		mirror_put_hash(w->n, w->now, WIRE_RECORD_GONE, e);
	} else {
		mirror_ask_bucket(m, index_bucket(index_hash_of(e)));
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
	uint8_t value[10];
	struct writer w = writer_of(value, sizeof(value));

	writer_u32(&w, m->generation);
	writer_u32(&w, m->pass.sent);
	writer_u16(&w, (uint16_t)m->pass.kinds);
	mirror_put_plain(n, now, WIRE_RECORD_END, span_of(value, sizeof(value)));
}

static void end(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;
	unsigned ms = (unsigned)(mono_since_us(p->since, now) / 1000);

	p->running = m->ipsec.unread = false;
	m->learned = true;
	if ((p->wants & WANT_SWEEP) && m->complete)
		m->peer_restarted = false;
	if (p->wants & WANT_OFFERS) {
		mirror_put_plain(n, now, WIRE_RECORD_OFFERED, span_of(NULL, 0));
		log_info(n->env.log, "mirror: %u objects offered to %s", p->sent,
			mirror_peer_name(n));
		if (m->sending == SENDING_OFFERS)
			m->sending = SENDING_EVENTS;
	}
	if (p->wants & (WANT_RESYNC | WANT_BUCKETS)) {
		put_end(n, now);
		if (p->wants & WANT_RESYNC)
			mirror_copied(n, now, m->resync_since, p->sent, true);
		log_info(n->env.log, "mirror: %s to %s: %u objects in %u ms",
			p->wants & WANT_RESYNC ? "resync" : "repair", mirror_peer_name(n), p->sent,
			ms);
		if (m->sending == SENDING_RESYNC)
			m->sending = SENDING_EVENTS;
	}
	if (m->sending == SENDING_EVENTS && m->role != MIRROR_IDLE) {
		m->past.unanswered++;
		for (uint8_t kind = OBJECT_KIND_MAX; kind != 0; kind--) {
			if (p->kinds >> kind & 1)
				put_sums(n, now, kind);
		}
	}
	mirror_walked(n, now);
}

static bool is_wanted(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;

	if ((m->wants & WANT_IPSEC) && !m->ipsec.unread)
		return true;
	if ((m->wants & urgent_wants & ~(unsigned)WANT_IPSEC) && !m->rest)
		return true;
	return (m->wants != 0 || is_other_wanted(m, now)) && mono_reached(m->pass_after, now);
}

static void go_on(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;
	struct walker walker = { .n = n, .now = now };

	if (p->dumped && (p->wants & WANT_IPSEC)) {
		p->running = false;
		mirror_ipsec_ended(n, out);
		return;
	}
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

/* A copy for the peer does not wait for a pass that sends nothing, and IPsec for none, not even for
 * its own that began with another aim; what that was for, the next one does on its way. */
static bool gives_way(const struct mirror *m)
{
	if (!m->pass.running || m->pass.dumping || m->pass.dumped)
		return false;
	return ((m->wants & WANT_IPSEC) && !m->ipsec.unread) ||
	       ((m->wants & WANT_RESYNC) && !(m->pass.wants & urgent_wants));
}

void mirror_pass_settle(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (!m->on)
		return;
	if (gives_way(m)) {
		put_back(m);
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

static void next_dump(struct mirror_pass *p)
{
	p->kind = next_kind(p->kinds, p->kind);
	p->dumped = p->kind == 0;
}

/* What was not seen may be there: of such a kind nothing is concluded from what a pass did not
 * find. Sessions are wanted whole; nothing that is not IPsec waits for IPsec. */
static void dump_failed(struct node *n, mono_t now)
{
	static const char *const names[OBJECT_KIND_MAX + 1] = {
#define X(name, number, text) [number] = text,
		OBJECT_KINDS(X)
#undef X
	};
	struct mirror *m = n->mirror;
	struct mirror_pass *p = &m->pass;
	bool alone = p->wants & WANT_IPSEC;

	if (!(m->unread >> p->kind & 1))
		log_warn(n->env.log, "mirror: the kernel's table could not be read to its end: %s",
			names[p->kind]);
	m->unread |= (uint16_t)(1u << p->kind);
	if (!alone && !(OBJECT_SESSIONS >> p->kind & 1)) {
		p->kinds &= ~(1u << p->kind);
		if (mirror_is_ipsec(p->kind)) { /* no policy before the SAs */
			p->kinds &= ~(uint32_t)OBJECT_IPSEC;
			m->wants |= WANT_IPSEC;
			m->ipsec.unread = true;
		}
		next_dump(p);
		return;
	}
	put_back(m);
	m->ipsec.unread = alone;
	m->audit_now |= !alone;
	m->rest = !alone;
	m->pass_after = mono_after_ms(now, PASS_EVERY_MS);
}

/* One that could not be read before is told of now. */
static void dump_done(struct mirror *m)
{
	uint16_t kind = (uint16_t)(1u << m->pass.kind);

	m->audit_now |= (m->unread & kind) != 0 && (m->pass.wants & WANT_IPSEC);
	m->unread &= (uint16_t)~kind;
	next_dump(&m->pass);
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
	case DUMP_DONE: dump_done(m); break;
	case DUMP_FAILED: dump_failed(n, now); break;
	}
}
