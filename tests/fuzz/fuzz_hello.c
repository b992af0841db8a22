/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the body of a hello under the peer's hello key; with the flag, a fresh one. */
#include "pair_fuzz.h"

enum { CLEAR_LEN = WIRE_HEADER_LEN + CRYPTO_NONCE_LEN };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair *p = fuzz_pair();
	struct reader r = reader_of(span_of(data, size));
	struct fuzz_item item;

	for (unsigned i = 0; i < FUZZ_ITEMS_MAX && fuzz_next(p, &r, &item); i++) {
		struct handshake *h = &p->side[1 - item.to].node->handshake;
		const struct handshake *to = &p->side[item.to].node->handshake;
		struct frame_header header = { WIRE_FRAME_HELLO, to->cluster,
			p->side[0].conf->path[item.path].tag, h->self,
			h->crypto->key_hint(h->crypto->user, 0), 0, 0,
			++h->hellos_sent[item.path] };
		uint8_t frame[WIRE_FRAME_MAX];
		struct writer w =
			writer_of(frame + CLEAR_LEN, sizeof(frame) - CLEAR_LEN - CRYPTO_TAG_LEN);

		if (item.flag) {
			writer_bytes(&w, (const uint8_t[]){ WIRE_TLV_HEARD, 0, 36 }, 3);
			writer_bytes(&w, to->nonce, CRYPTO_NONCE_LEN);
			writer_u32(&w, to->offer);
		}
		writer_bytes(&w, item.bytes.data, item.bytes.len);
		header.length = (uint16_t)(CRYPTO_NONCE_LEN + w.used + CRYPTO_TAG_LEN);
		frame_put_header(&header, frame);
		memcpy(frame + WIRE_HEADER_LEN, h->nonce, CRYPTO_NONCE_LEN);
		h->crypto->seal(h->crypto->user, 0, header.path, header.sequence,
			span_of(frame, CLEAR_LEN), span_of(w.start, w.used), w.start);
		pair_frame(p, item.to, item.path, frame, CLEAR_LEN + w.used + CRYPTO_TAG_LEN);
	}
	fuzz_settle(p);
	return 0;
}
