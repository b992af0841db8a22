/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the body of a frame of the session; with the flag, behind a beat that is fresh. What
 * begins with WILL comes as HOLD or PARTING. */
#include "pair_fuzz.h"

static size_t seal(
	struct handshake *h, const struct fuzz_item *item, uint16_t tag, uint8_t *frame, size_t len)
{
	if (len == 0 || frame[WIRE_HEADER_LEN] != WIRE_TLV_WILL)
		return handshake_seal(h, SESSION_CURRENT, item->path, tag, frame, len);
	return handshake_seal_will(h, len % 2 == 0 ? WIRE_FRAME_HOLD : WIRE_FRAME_PARTING,
		item->path, tag, frame, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair *p = fuzz_pair();
	struct reader r = reader_of(span_of(data, size));
	struct fuzz_item item;

	for (unsigned i = 0; i < FUZZ_ITEMS_MAX && fuzz_next(p, &r, &item); i++) {
		struct handshake *h = &p->side[1 - item.to].node->handshake;
		const struct node *to = p->side[item.to].node;
		uint16_t tag = to->conf->path[item.path].tag;
		uint8_t frame[WIRE_FRAME_MAX];
		struct writer w = writer_of(
			frame + WIRE_HEADER_LEN, sizeof(frame) - WIRE_HEADER_LEN - CRYPTO_TAG_LEN);

		if (item.flag) {
			writer_bytes(&w, (const uint8_t[]){ WIRE_TLV_BEAT, 0, 21 }, 3);
			writer_u64(&w, to->peer_beat + 1);
			writer_bytes(&w, (const uint8_t[13]){ 0, 0, 200, 0 }, 13);
			writer_bytes(&w, (const uint8_t[]){ WIRE_TLV_ECHO, 0, 10 }, 3);
			writer_u16(&w, tag);
			writer_u64(&w, to->links.beat);
		}
		writer_bytes(&w, item.bytes.data, item.bytes.len);
		if (!writer_ok(&w) || !handshake_has(h, SESSION_CURRENT))
			break;
		size_t len = seal(h, &item, tag, frame, w.used);

		pair_frame(p, item.to, item.path, frame, len);
	}
	fuzz_settle(p);
	return 0;
}
