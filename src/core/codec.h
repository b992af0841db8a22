/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * codec: cursors that read and write big-endian integers and TLVs and cannot overrun.
 *
 * A cursor that would overrun goes bad: every later read gives zeros, every later write
 * nothing, and reader_ok() or writer_ok() tells. So a caller may read a whole record and ask
 * once at its end.
 */
#ifndef NSRP_CORE_CODEC_H
#define NSRP_CORE_CODEC_H

#include "nsrp/base.h"

struct reader {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool bad;
};

struct reader reader_of(struct span bytes);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* The next `len` bytes, borrowed from the reader's source; empty when there are fewer. */
struct span reader_bytes(struct reader *r, size_t len);
/* Reads one TLV. False at the end of the source, or when it is bad. */
bool reader_tlv(struct reader *r, uint8_t *ret_type, struct span *ret_value);
bool reader_ok(const struct reader *r);

struct writer {
	uint8_t *start; /* borrowed */
	size_t used, size;
	bool bad;
};

struct writer writer_of(void *bytes, size_t size);
void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_bytes(struct writer *w, const void *bytes, size_t len);
/* Opens a TLV; its value is what is written until writer_tlv_end() with the returned mark. */
size_t writer_tlv(struct writer *w, uint8_t type);
void writer_tlv_end(struct writer *w, size_t mark);
bool writer_ok(const struct writer *w);

#endif
