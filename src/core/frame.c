/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

#include <assert.h>

#include "codec.h"

void frame_put_header(const struct frame_header *header, uint8_t ret_bytes[WIRE_HEADER_LEN])
{
	struct writer w = writer_of(ret_bytes, WIRE_HEADER_LEN);

	writer_u8(&w, WIRE_MAGIC);
	writer_u8(&w, WIRE_VERSION);
	writer_u8(&w, header->type);
	writer_u8(&w, header->cluster);
	writer_u16(&w, header->path);
	writer_u8(&w, header->sender);
	writer_u8(&w, header->key_hint);
	writer_u32(&w, header->session);
	writer_u16(&w, header->length);
	writer_u16(&w, 0);
	writer_u64(&w, header->sequence);
	assert(writer_ok(&w) && w.used == WIRE_HEADER_LEN);
}

enum frame_verdict frame_parse(
	struct span frame, const struct frame_place *place, struct frame_header *ret_header)
{
	struct reader r = reader_of(frame);
	struct frame_header h = { 0 };

	if (frame.len < WIRE_HEADER_LEN)
		return FRAME_SHORT;
	uint8_t magic = reader_u8(&r);
	uint8_t version = reader_u8(&r);

	h.type = reader_u8(&r);
	h.cluster = reader_u8(&r);
	h.path = reader_u16(&r);
	h.sender = reader_u8(&r);
	h.key_hint = reader_u8(&r);
	h.session = reader_u32(&r);
	h.length = reader_u16(&r);
	reader_u16(&r);
	h.sequence = reader_u64(&r);

	if (magic != WIRE_MAGIC)
		return FRAME_MAGIC;
	if (version != WIRE_VERSION)
		return FRAME_VERSION;
	if (h.cluster != place->cluster)
		return FRAME_CLUSTER;
	if (h.path != place->path)
		return FRAME_PATH;
	if (h.sender != 1 - place->self)
		return FRAME_REFLECTED;
	if (h.type < WIRE_FRAME_HELLO || h.type > WIRE_FRAME_PARTING)
		return FRAME_TYPE;
	if (h.length > r.left || WIRE_HEADER_LEN + h.length > WIRE_FRAME_MAX)
		return FRAME_LENGTH;
	*ret_header = h;
	return FRAME_OK;
}

enum counter frame_counter(enum frame_verdict verdict)
{
	switch (verdict) {
	case FRAME_OK: break;
	case FRAME_SHORT: return COUNTER_DROP_SHORT;
	case FRAME_MAGIC: return COUNTER_DROP_MAGIC;
	case FRAME_VERSION: return COUNTER_DROP_VERSION;
	case FRAME_CLUSTER: return COUNTER_DROP_CLUSTER;
	case FRAME_PATH: return COUNTER_DROP_PATH;
	case FRAME_REFLECTED: return COUNTER_DROP_REFLECTED;
	case FRAME_TYPE: return COUNTER_DROP_TYPE;
	case FRAME_LENGTH: return COUNTER_DROP_LENGTH;
	}
	assert(verdict != FRAME_OK);
	return COUNTER_DROP_SHORT;
}
