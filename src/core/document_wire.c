/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents in beats, and in records of the channel. */
#include "document.h"

#include <assert.h>
#include <string.h>

#include "mirror.h"
#include "state.h"

enum {
	AGAIN_MS = 5000,  /* what was asked for, and does not come, is asked for again */
	PIECES_STEP = 32, /* put into the channel in one step */
	/* Of each piece but the last, at least: so few of them make a frame. */
	PIECE_MIN = 512,
	PIECE_MAX = WIRE_BEAT_FRAME_MAX - MIRROR_FRAME_OVERHEAD - 3 - 1,
	CONTROL_MAX = 1 + 1 + 4 + 2 * DOCUMENT_DIGEST_LEN + DOCUMENT_TEXT_MAX,
};

static const struct document_digest nothing;

static void put_digest(struct writer *w, const struct document_digest *digest)
{
	writer_bytes(w, digest->bytes, DOCUMENT_DIGEST_LEN);
}

static struct document_digest read_digest(struct reader *r)
{
	struct document_digest digest = nothing;
	struct span bytes = reader_bytes(r, DOCUMENT_DIGEST_LEN);

	if (bytes.len == DOCUMENT_DIGEST_LEN)
		memcpy(digest.bytes, bytes.data, DOCUMENT_DIGEST_LEN);
	return digest;
}

/* ---- beats --------------------------------------------------------------------------------- */

void documents_put(const struct node *n, struct writer *w)
{
	if (!documents_any(n))
		return;
	size_t mark = writer_tlv(w, WIRE_TLV_DOCUMENTS);

	writer_u8(w, WIRE_DOCUMENT_RECORD_LEN);
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		const struct document *d = &n->document[i];

		if (!d->on)
			continue;
		writer_u8(w, d->kind);
		writer_u8(w, d->format);
		writer_u8(w, document_flags(n, d));
		writer_u32(w, d->sync);
		put_digest(w, &d->own);
		put_digest(w, &d->lasting);
	}
	writer_tlv_end(w, mark);
}

bool documents_are_well_formed(struct span value)
{
	struct reader r = reader_of(value);
	uint8_t len = reader_u8(&r);

	return reader_ok(&r) && len >= WIRE_DOCUMENT_RECORD_MIN && r.left % len == 0;
}

static void heard_one(struct node *n, struct reader *r)
{
	unsigned place = document_place(reader_u8(r));

	if (place == DOCUMENTS)
		return; /* of a later release */
	struct document_peer *peer = &n->document[place].peer;

	peer->known = true;
	peer->format = reader_u8(r);
	peer->flags = reader_u8(r);
	peer->sync = reader_u32(r);
	peer->digest = read_digest(r);
	peer->lasting = r->left >= DOCUMENT_DIGEST_LEN ? read_digest(r) : peer->digest;
}

void documents_heard(struct node *n, struct span value)
{
	struct reader r = reader_of(value);
	uint8_t len = value.len > 0 ? reader_u8(&r) : 0;

	documents_forget_peer(n);
	while (len > 0 && r.left >= len) {
		struct reader record = reader_of(reader_bytes(&r, len));

		heard_one(n, &record);
	}
}

/* ---- records that go out ------------------------------------------------------------------- */

static void put_record(struct node *n, mono_t now, const struct document *d, const struct writer *w)
{
	struct record r = {
		.op = WIRE_RECORD_DOCUMENT,
		.kind = d->kind,
		.value = span_of(w->start, w->used),
	};

	assert(writer_ok(w));
	(void)mirror_put(n, now, &r);
}

static void put_want(struct node *n, mono_t now, struct document *d)
{
	struct document_incoming *in = &d->incoming;
	uint8_t bytes[CONTROL_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	writer_u8(&w, WIRE_DOCUMENT_RECORD_WANT);
	put_digest(&w, &in->digest);
	put_digest(&w, in->whole ? &nothing : &d->own);
	put_record(n, now, d, &w);
	in->phase = PHASE_WANTED;
	in->asked = true;
	in->out_epoch = n->mirror->out.epoch;
	in->in_epoch = n->mirror->in.open ? n->mirror->in.epoch : 0;
	in->again_at = mono_after_ms(now, AGAIN_MS);
}

static void put_verdict(struct node *n, mono_t now, struct document *d)
{
	uint8_t bytes[CONTROL_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	writer_u8(&w, WIRE_DOCUMENT_RECORD_VERDICT);
	writer_u8(&w, (uint8_t)d->mine.result);
	writer_u32(&w, d->mine.asked ? d->saved->sync : 0);
	put_digest(&w, &d->mine.digest);
	writer_bytes(&w, d->mine.text, strlen(d->mine.text));
	put_record(n, now, d, &w);
	d->untold = false;
	d->told_epoch = n->mirror->out.epoch;
}

static void put_begin(struct node *n, mono_t now, struct document *d, size_t len)
{
	uint8_t bytes[CONTROL_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	writer_u8(&w, WIRE_DOCUMENT_RECORD_BEGIN);
	writer_u8(&w, (uint8_t)d->outgoing.form);
	writer_u32(&w, (uint32_t)len);
	put_digest(&w, &d->own);
	put_digest(&w, d->outgoing.form == DOCUMENT_PATCH ? &d->base : &nothing);
	put_record(n, now, d, &w);
	d->outgoing.begun = true;
}

static void put_piece(struct node *n, mono_t now, struct document *d, struct span all)
{
	uint8_t bytes[1 + PIECE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t left = all.len - d->outgoing.at, len = left < PIECE_MAX ? left : PIECE_MAX;

	assert(d->outgoing.at < all.len);
	writer_u8(&w, WIRE_DOCUMENT_RECORD_PIECE);
	writer_bytes(&w, all.data + d->outgoing.at, len);
	d->outgoing.at += len;
	put_record(n, now, d, &w);
}

static void send_some(struct node *n, mono_t now, struct document *d, struct actions *out)
{
	struct document_outgoing *o = &d->outgoing;
	struct span all = o->form == DOCUMENT_PATCH ? d->patch : d->bytes;

	if (n->mirror->out.epoch != o->epoch) {
		o->active = false; /* another row of records: the peer asks again */
		return;
	}
	for (unsigned i = 0; o->active && i < PIECES_STEP && mirror_has_room(n); i++) {
		if (!o->begun)
			put_begin(n, now, d, all.len);
		else
			put_piece(n, now, d, all);
		o->active = o->at < all.len && n->mirror->out.epoch == o->epoch;
	}
	if (o->active)
		out->more |= mirror_has_room(n);
	else if (n->mirror->out.epoch == o->epoch)
		node_count(n, COUNTER_DOCUMENTS_SENT);
}

/* It will not come by itself any more. */
static bool is_broken_off(const struct node *n, mono_t now, const struct document_incoming *in)
{
	const struct mirror *m = n->mirror;

	return in->out_epoch != m->out.epoch || in->in_epoch != (m->in.open ? m->in.epoch : 0) ||
	       mono_reached(in->again_at, now);
}

void document_send(struct node *n, mono_t now, struct document *d, struct actions *out)
{
	struct document_incoming *in = &d->incoming;
	const struct mirror *m = n->mirror;

	if (!m->up || !mirror_is_sending(m))
		return;
	if ((in->phase == PHASE_WANTED || in->phase == PHASE_RECEIVING) && in->asked &&
		is_broken_off(n, now, in)) {
		node_count(n, COUNTER_DOCUMENTS_AGAIN);
		in->asked = false;
	}
	if (in->phase != PHASE_NONE && in->phase != PHASE_APPLYING && !in->asked)
		put_want(n, now, d);
	/* A source that started since knows nothing of it. */
	if (d->mine.times > 0 && !d->is_source && (d->untold || d->told_epoch != m->out.epoch))
		put_verdict(n, now, d);
	if (d->outgoing.active)
		send_some(n, now, d, out);
}

/* ---- records that come in ------------------------------------------------------------------ */

static void heard_want(struct node *n, struct document *d, struct reader *r)
{
	struct document_digest digest = read_digest(r), base = read_digest(r);

	/* Who wants another one hears of this one with the next beat, and asks for that. */
	if (!reader_ok(r) || !d->known || !document_same(&digest, &d->own))
		return;
	d->outgoing = (struct document_outgoing){
		.active = true,
		.epoch = n->mirror->out.epoch,
		.form = d->has_patch && document_same(&base, &d->base) ? DOCUMENT_PATCH
								       : DOCUMENT_WHOLE,
	};
}

static void note_complete(struct document_incoming *in)
{
	if (in->come == in->length)
		in->phase = PHASE_COMPLETE;
}

static void heard_begin(
	struct node *n, mono_t now, struct document *d, struct reader *r, struct actions *out)
{
	struct document_incoming *in = &d->incoming;
	uint8_t form = reader_u8(r);
	uint32_t length = reader_u32(r);
	struct document_digest digest = read_digest(r), base = read_digest(r);

	if (!reader_ok(r) || form > DOCUMENT_PATCH || in->phase == PHASE_NONE ||
		in->phase == PHASE_APPLYING || !document_same(&digest, &in->digest))
		return;
	if (length > DOCUMENT_BYTES_MAX) {
		document_refuse(n, now, d, "it is longer than 64 MiB");
		return;
	}
	in->phase = PHASE_RECEIVING;
	in->in_epoch = n->mirror->in.epoch;
	in->again_at = mono_after_ms(now, AGAIN_MS);
	in->form = (enum document_form)form;
	in->base = base;
	in->length = length;
	in->come = 0;
	node_act(out, ACTION_DOCUMENT_OPEN, d->kind);
	note_complete(in);
}

static void heard_piece(
	struct node *n, mono_t now, struct document *d, struct reader *r, struct actions *out)
{
	struct document_incoming *in = &d->incoming;
	uint32_t left = in->length - in->come;

	if (in->phase != PHASE_RECEIVING)
		return;
	if (r->left == 0 || r->left > left || (r->left < PIECE_MIN && r->left != left)) {
		node_count(n, COUNTER_RECORDS_MALFORMED);
		in->phase = PHASE_WANTED;
		return; /* it is asked for again, later */
	}
	assert(out->used + r->left <= ACTIONS_BYTES);
	uint8_t *room = out->bytes + out->used;

	memcpy(room, r->at, r->left);
	node_act(out, ACTION_DOCUMENT_PIECE, d->kind)->bytes = span_of(room, r->left);
	out->used += (r->left + 7) & ~(size_t)7;
	in->come += (uint32_t)r->left;
	in->again_at = mono_after_ms(now, AGAIN_MS);
	note_complete(in);
}

static void heard_verdict(struct node *n, mono_t now, struct document *d, struct reader *r)
{
	uint8_t result = reader_u8(r);
	uint32_t sync = reader_u32(r);
	struct document_digest digest = read_digest(r);

	if (reader_ok(r))
		document_heard_verdict(n, now, d, (enum document_result)result, sync, &digest,
			span_of(r->at, r->left));
}

void document_heard_record(struct node *n, mono_t now, const struct record *r, struct actions *out)
{
	unsigned place = document_place(r->kind);
	struct reader reader = reader_of(r->value);
	uint8_t what = reader_u8(&reader);

	if (place == DOCUMENTS || !n->document[place].on)
		return;
	struct document *d = &n->document[place];

	switch ((enum wire_document_record)what) {
	case WIRE_DOCUMENT_RECORD_WANT: heard_want(n, d, &reader); break;
	case WIRE_DOCUMENT_RECORD_BEGIN: heard_begin(n, now, d, &reader, out); break;
	case WIRE_DOCUMENT_RECORD_PIECE: heard_piece(n, now, d, &reader, out); break;
	case WIRE_DOCUMENT_RECORD_VERDICT: heard_verdict(n, now, d, &reader); break;
	}
	if (!reader_ok(&reader))
		node_count(n, COUNTER_RECORDS_MALFORMED);
}
