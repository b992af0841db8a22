/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as records that a mirror hears, in the order of the channel or, with the flag, with
 * the bytes' own numbers before them; an acknowledgement of any bytes for every fourth item. What
 * is ordered of the kernel stays in proportion to what came.
 */
#include "pair_fuzz.h"
#include "core/mirror.h"

enum { FUZZ_SESSIONS = 64, ORDERS_EACH_MAX = 6 * WIRE_FRAME_MAX };

/* All but the large arrays of bytes, which need not be what they were. */
static void restore(struct mirror *to, const struct mirror *from, size_t index_bytes)
{
	size_t index_at = node_mirror_size(0) - index_memory(0);

	memcpy(to, from, offsetof(struct mirror, out) + offsetof(struct channel_out, bytes));
	memcpy(&to->in, &from->in, offsetof(struct channel_in, bytes));
	memcpy((uint8_t *)to + index_at, (const uint8_t *)from + index_at, index_bytes);
}

/* A pair that mirrors some sessions, the same for every input. */
static struct pair *mirroring_pair(void)
{
	static struct pair_kernel kernel[2];
	static struct mirror *mirror[2];
	static bool made;
	struct pair *p = fuzz_pair_of(FUZZ_SESSIONS);

	for (unsigned i = 0; i < 2; i++) {
		struct pair_kernel *k = p->side[i].kernel;
		size_t size = node_mirror_size(FUZZ_SESSIONS);

		if (!made) {
			mirror[i] = malloc(size);
			if (mirror[i] == NULL)
				abort();
			memcpy(mirror[i], k->mirror, size);
			kernel[i] = *k;
		}
		*k = kernel[i];
		restore(k->mirror, mirror[i], index_memory(FUZZ_SESSIONS));
	}
	made = true;
	return p;
}

static void deliver(struct pair *p, const struct fuzz_item *item, unsigned n)
{
	struct handshake *h = &p->side[1 - item->to].node->handshake;
	const struct mirror *m = pair_mirror_of(p, item->to);
	unsigned path = item->path;
	uint16_t tag = p->side[item->to].conf->path[path].tag;
	uint8_t frame[WIRE_FRAME_MAX];
	struct writer w = writer_of(
		frame + WIRE_HEADER_LEN, sizeof(frame) - WIRE_HEADER_LEN - CRYPTO_TAG_LEN);
	size_t mark = writer_tlv(&w, n % 4 == 3 ? WIRE_TLV_ACK : WIRE_TLV_DATA);

	if (n % 4 == 3) {
		writer_u32(&w, m->out.epoch);
	} else if (!item->flag) {
		writer_u32(&w, m->in.epoch);
		writer_u32(&w, m->in.next);
		writer_u32(&w, m->out.epoch);
		writer_u32(&w, m->out.next);
	}
	writer_bytes(&w, item->bytes.data, item->bytes.len);
	writer_tlv_end(&w, mark);
	if (!writer_ok(&w) || !handshake_has(h, SESSION_CURRENT))
		return;
	size_t len = handshake_seal(h, SESSION_CURRENT, path, tag, frame, w.used);
	struct actions *out = p->side[item->to].out;

	pair_frame(p, item->to, path, frame, len);
	for (unsigned i = 0; i < out->n; i++) {
		if (out->action[i].type == ACTION_WRITE &&
			out->action[i].bytes.len > ACTIONS_BYTES / 2 + ORDERS_EACH_MAX)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair *p = mirroring_pair();
	struct reader r = reader_of(span_of(data, size));
	struct fuzz_item item;

	for (unsigned i = 0; i < FUZZ_ITEMS_MAX && fuzz_next(p, &r, &item); i++)
		deliver(p, &item, i);
	fuzz_settle(p);
	return 0;
}
