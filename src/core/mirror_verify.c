/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What copies and comparisons found: for the operator, and for a peer that asks.
 *
 * The two kernels hold the same when three comparisons find nothing: this kernel with this index,
 * by a pass; the peer's kernel with its index, by a pass there, which AUDIT asks for; and the two
 * indexes, by SUMS. Their order does not matter.
 */
#include "mirror.h"

#include "state.h"

enum { FOUND_LEN = 9 };

void mirror_differed(struct node *n)
{
	node_count(n, COUNTER_AUDIT_REPAIRS);
	n->mirror->pass.differed++;
}

void mirror_copied(struct node *n, mono_t now, mono_t since, uint32_t objects, bool sent)
{
	struct mirror *m = n->mirror;
	struct mirror_copy *copy = sent ? &m->past.sent : &m->past.heard;

	*copy = (struct mirror_copy){
		.times = copy->times + 1,
		.objects = objects,
		.ms = (uint32_t)(mono_since_us(since, now) / 1000),
		.at = now,
	};
	if (sent)
		m->copied = mirror_mark(n);
}

static void put_found(
	struct node *n, mono_t now, enum wire_found which, const struct mirror_found *found)
{
	uint8_t value[FOUND_LEN];
	struct writer w = writer_of(value, sizeof(value));

	writer_u8(&w, (uint8_t)which);
	writer_u32(&w, found->compared);
	writer_u32(&w, found->differed);
	mirror_put_plain(n, now, WIRE_RECORD_FOUND, span_of(value, sizeof(value)));
}

void mirror_walked(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	struct mirror_past *past = &m->past;

	past->own = (struct mirror_found){
		.times = past->walks,
		.compared = m->pass.seen,
		.differed = m->pass.differed,
		.ever = past->own.ever + m->pass.differed,
	};
	past->own_ms = (uint32_t)(mono_since_us(m->pass.since, now) / 1000);
	past->own_at = now;
	if (m->answer_at == 0 || m->answer_at > past->walks)
		return;
	m->answer_at = 0;
	put_found(n, now, WIRE_FOUND_WALK, &past->own);
}

void mirror_compared(struct node *n, mono_t now, bool failed)
{
	struct mirror *m = n->mirror;
	uint32_t kinds = 0;

	for (unsigned kind = 0; kind < INDEX_KINDS; kind++)
		kinds += m->kinds >> kind & 1;
	m->past.theirs = (struct mirror_found){
		.times = m->past.theirs.times + 1,
		.compared = kinds * INDEX_BUCKETS,
		.differed = m->differed,
		.failed = failed,
		.ever = m->past.theirs.ever + m->differed,
	};
	m->differed = 0;
	put_found(n, now, failed ? WIRE_FOUND_NOT_COMPARED : WIRE_FOUND_SUMS, &m->past.theirs);
}

void mirror_verify_settle(struct node *n, mono_t now)
{
	if (!n->mirror->verify || !mirror_is_sending(n->mirror))
		return;
	n->mirror->verify = false;
	mirror_put_plain(n, now, WIRE_RECORD_AUDIT, span_of(NULL, 0));
}

void mirror_heard_audit(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	m->audit_now = true;
	m->pass_after = m->ask_due = now;
	m->ask_ms = 0;
	/* The one under way may be past what the operator means. */
	m->answer_at = m->past.walks + 1;
}

void mirror_heard_found(struct node *n, struct span value)
{
	struct mirror_past *past = &n->mirror->past;
	struct reader r = reader_of(value);
	uint8_t which = reader_u8(&r);
	uint32_t compared = reader_u32(&r), differed = reader_u32(&r);
	struct mirror_found *found = which == WIRE_FOUND_WALK ? &past->peer : &past->ours;

	if (!reader_ok(&r) || which < WIRE_FOUND_WALK || which > WIRE_FOUND_NOT_COMPARED) {
		node_count(n, COUNTER_RECORDS_MALFORMED);
		return;
	}
	*found = (struct mirror_found){
		.times = found->times + 1,
		.compared = compared,
		.differed = differed,
		.failed = which == WIRE_FOUND_NOT_COMPARED,
		.ever = found->ever + differed,
	};
	if (which != WIRE_FOUND_WALK && past->unanswered > 0)
		past->unanswered--;
}

void mirror_look(const struct node *n, mono_t now, struct mirror_view *v)
{
	const struct mirror *m = n->mirror;

	if (m == NULL)
		return;
	v->on = m->on;
	v->kinds = m->kinds;
	v->up = m->up;
	v->complete = m->complete;
	v->waited = m->waited;
	v->sending = m->sending == SENDING_RESYNC;
	v->receiving = m->receiving;
	v->sent_so_far = m->pass.sent;
	v->received_so_far = m->received;
	for (unsigned kind = 0; kind <= OBJECT_KIND_MAX; kind++) {
		v->local[kind] = m->index.own[kind].entries;
		v->mirrored[kind] = m->index.peer[kind].entries;
		v->index_used += v->local[kind] + v->mirrored[kind];
	}
	v->index_size = m->index.capacity;
	v->numbers_at = m->ipsec.numbers_at;
	v->lag_us = channel_out_lag_us(&m->out, now);
	v->peer_lag_us = (uint64_t)m->peer.lag_ms * 1000;
	v->backlog = channel_out_backlog(&m->out);
	v->auditing = m->pass.running;
	v->arrived = m->past.sent.times > 0 && mirror_is_drained(n, m->copied);
	v->past = m->past;
}
