/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <assert.h>

static bool is_will(const struct frame_header *header)
{
	return header->type != WIRE_FRAME_SESSION;
}

size_t session_seal(struct session *s, const struct crypto *crypto, unsigned slot, unsigned path,
	struct frame_header *header, uint8_t *frame, size_t text_len)
{
	uint8_t *text = frame + WIRE_HEADER_LEN;

	assert(s->valid && path < CONF_PATHS_MAX);
	assert(WIRE_HEADER_LEN + text_len + CRYPTO_TAG_LEN <= WIRE_FRAME_MAX);
	header->session = s->id;
	header->sequence = is_will(header) ? WIRE_WILL_SEQUENCE + s->wills++ : ++s->sent[path];
	header->length = (uint16_t)(text_len + CRYPTO_TAG_LEN);
	frame_put_header(header, frame);
	crypto->seal(crypto->user, slot, header->path, header->sequence,
		span_of(frame, WIRE_HEADER_LEN), span_of(text, text_len), text);
	return WIRE_HEADER_LEN + text_len + CRYPTO_TAG_LEN;
}

enum session_verdict session_open(struct session *s, const struct crypto *crypto, unsigned slot,
	unsigned path, const struct frame_header *header, struct span frame, uint8_t *text)
{
	assert(s->valid && path < CONF_PATHS_MAX);
	assert(header->length >= CRYPTO_TAG_LEN);
	if (!is_will(header) && !replay_is_new(&s->heard[path], header->sequence))
		return SESSION_REPLAY;
	if (!crypto->open(crypto->user, slot, header->path, header->sequence,
		    span_of(frame.data, WIRE_HEADER_LEN),
		    span_of(frame.data + WIRE_HEADER_LEN, header->length), text))
		return SESSION_AUTH;
	if (!is_will(header))
		replay_accepted(&s->heard[path], header->sequence);
	return SESSION_OK;
}

uint64_t session_sent_most(const struct session *s)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		most = s->sent[i] > most ? s->sent[i] : most;
	return most;
}
