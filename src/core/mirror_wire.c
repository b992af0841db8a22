/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <assert.h>
#include <string.h>

#include "state.h"

enum { FRAMES_STEP = 64 }; /* sent in one step; the rest follows in the next */

/* Seals the body that stands behind the header's place in actions.bytes, and sends it. */
static void send_frame(struct node *n, size_t body_len, struct actions *out)
{
	unsigned path = n->mirror->path;
	uint8_t *frame = out->bytes + out->used;
	size_t len = handshake_seal(
		&n->handshake, SESSION_CURRENT, path, n->conf->path[path].tag, frame, body_len);

	node_act(out, ACTION_SEND, path)->bytes = span_of(frame, len);
	out->used += len;
	node_count(n, COUNTER_FRAMES_SENT);
}

static struct writer body_of(struct actions *out)
{
	assert(out->used + WIRE_FRAME_MAX <= ACTIONS_BYTES);
	return writer_of(out->bytes + out->used + WIRE_HEADER_LEN,
		WIRE_FRAME_MAX - WIRE_HEADER_LEN - CRYPTO_TAG_LEN);
}

static void send_data(
	struct node *n, mono_t now, uint32_t number, struct span records, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct writer w = body_of(out);
	size_t mark = writer_tlv(&w, WIRE_TLV_DATA);
	struct channel_point heard = channel_out_knows(&m->out, number);

	writer_u32(&w, m->out.epoch);
	writer_u32(&w, number);
	writer_u32(&w, heard.epoch);
	writer_u32(&w, heard.next);
	writer_bytes(&w, records.data, records.len);
	writer_tlv_end(&w, mark);
	assert(writer_ok(&w));
	if (number != m->out.fresh)
		node_count(n, COUNTER_CHANNEL_RESENT);
	channel_out_sent(&m->out, now, number, m->path);
	send_frame(n, w.used, out);
}

static void send_ack(struct node *n, struct actions *out)
{
	struct channel_ack ack;
	struct writer w = body_of(out);
	size_t mark = writer_tlv(&w, WIRE_TLV_ACK);

	channel_in_take_ack(&n->mirror->in, &ack);
	writer_u32(&w, ack.epoch);
	writer_u32(&w, ack.next);
	for (unsigned i = 0; i < ack.n; i++) {
		writer_u16(&w, ack.range[i].first);
		writer_u16(&w, ack.range[i].end);
	}
	writer_tlv_end(&w, mark);
	assert(writer_ok(&w));
	send_frame(n, w.used, out);
}

/* The first HA link that works both ways and has carrier; or works both ways, whatever was told of
 * its carrier. -1: none. */
static int best_path(const struct node *n)
{
	int best = -1;

	for (unsigned i = n->conf->n_links; i-- > 0;) {
		if (n->links.path[i].state == PATH_ALIVE &&
			(n->carrier[i] || best < 0 || !n->carrier[best]))
			best = (int)i;
	}
	return best;
}

/* What is under way on a link that died goes by another. */
static bool choose_path(struct node *n)
{
	struct mirror *m = n->mirror;
	int best = best_path(n);

	if (best < 0)
		return false;
	bool old_works = m->path < n->conf->n_links && n->links.path[m->path].state == PATH_ALIVE &&
			 n->carrier[m->path];

	if ((unsigned)best != m->path && !old_works)
		channel_out_path_lost(&m->out, m->path);
	m->path = (unsigned)best;
	return true;
}

void mirror_send(struct node *n, mono_t now, struct actions *out)
{
	struct mirror *m = n->mirror;
	uint32_t number;
	struct span records;

	if (m == NULL || !m->up)
		return;
	m->has_path = choose_path(n);
	if (!m->has_path)
		return;
	if (channel_in_ack_due(&m->in, now))
		send_ack(n, out);
	for (unsigned i = 0; channel_out_due(&m->out, now, &number, &records); i++) {
		if (i == FRAMES_STEP || out->used + WIRE_FRAME_MAX > ACTIONS_BYTES / 2) {
			out->more = true;
			return;
		}
		send_data(n, now, number, records, out);
	}
}

bool mirror_heard_ack(struct node *n, mono_t now, struct span value)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	struct channel_ack ack = { .epoch = reader_u32(&r), .next = 0 };

	ack.next = reader_u32(&r);
	while (reader_ok(&r) && r.left > 0 && ack.n < CHANNEL_ACK_RANGES) {
		ack.range[ack.n].first = reader_u16(&r);
		ack.range[ack.n++].end = reader_u16(&r);
	}
	if (!reader_ok(&r))
		return false;
	if (m != NULL && m->up)
		(void)channel_out_acked(&m->out, now, &ack);
	return true;
}

void mirror_put_channel(const struct node *n, mono_t now, struct writer *w)
{
	const struct mirror *m = n->mirror;

	if (m == NULL || !m->on)
		return;
	size_t mark = writer_tlv(w, WIRE_TLV_CHANNEL);
	uint64_t lag_ms = channel_out_lag_us(&m->out, now) / 1000;

	writer_u32(w, m->out.epoch);
	writer_u32(w, m->out.next);
	writer_u16(w, (uint16_t)(lag_ms < UINT16_MAX ? lag_ms : UINT16_MAX));
	writer_u8(w, (uint8_t)((m->sending == SENDING_DOWN ? WIRE_CHANNEL_BROKEN : 0) |
			       (m->keeps ? WIRE_CHANNEL_KEEPS : 0)));
	writer_u32(w, mirror_hash_proof(m));
	writer_tlv_end(w, mark);
}

bool mirror_heard_channel(struct node *n, struct span value)
{
	struct mirror *m = n->mirror;
	struct reader r = reader_of(value);
	uint32_t epoch = reader_u32(&r);

	(void)reader_u32(&r); /* the number its next frame will have */
	uint16_t lag_ms = reader_u16(&r);
	uint8_t flags = reader_u8(&r);
	uint32_t proof = reader_u32(&r);

	if (!reader_ok(&r))
		return false;
	if (m == NULL)
		return true;
	m->same_hash = proof == mirror_hash_proof(m);
	if (!m->same_hash && !m->peer.known)
		log_warn(n->env.log, "mirror: the two nodes started with different cluster keys: "
				     "they are compared again when both were restarted");
	m->peer.known = true;
	m->peer.epoch = epoch;
	m->peer.lag_ms = lag_ms;
	m->peer.broken = flags & WIRE_CHANNEL_BROKEN;
	m->peer.keeps = flags & WIRE_CHANNEL_KEEPS;
	return true;
}

void mirror_paths_moved(struct node *n)
{
	for (unsigned i = 0; n->mirror != NULL && i < CONF_LINKS_MAX; i++)
		channel_out_path_lost(&n->mirror->out, i);
}
