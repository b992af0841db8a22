/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as frames, to either node of a pair. */
#include "pair_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair *p = fuzz_pair();
	struct reader r = reader_of(span_of(data, size));
	struct fuzz_item item;

	for (unsigned i = 0; i < FUZZ_ITEMS_MAX && fuzz_next(p, &r, &item); i++) {
		/* In memory of its own, so that a read behind its end is seen. */
		uint8_t *frame = malloc(item.bytes.len + 1);

		if (frame == NULL)
			abort();
		memcpy(frame + 1, item.bytes.data, item.bytes.len);
		pair_frame(p, item.to, item.path, frame + 1, item.bytes.len);
		free(frame);
	}
	fuzz_settle(p);
	return 0;
}
