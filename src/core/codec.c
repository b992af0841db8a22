/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "codec.h"

#include <string.h>

struct reader reader_of(struct span bytes)
{
	return (struct reader){ .at = bytes.data, .left = bytes.len };
}

struct span reader_bytes(struct reader *r, size_t len)
{
	if (r->bad || len > r->left) {
		r->bad = true;
		return span_of(r->at, 0);
	}
	struct span bytes = span_of(r->at, len);

	if (len > 0) { /* `at` may be NULL when nothing is left */
		r->at += len;
		r->left -= len;
	}
	return bytes;
}

static uint64_t reader_integer(struct reader *r, size_t len)
{
	struct span bytes = reader_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.len; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)reader_integer(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
	return (uint16_t)reader_integer(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
	return (uint32_t)reader_integer(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
	return reader_integer(r, 8);
}

bool reader_tlv(struct reader *r, uint8_t *ret_type, struct span *ret_value)
{
	if (r->bad || r->left == 0)
		return false;
	uint8_t type = reader_u8(r);
	uint16_t len = reader_u16(r);
	struct span value = reader_bytes(r, len);

	if (r->bad)
		return false;
	*ret_type = type;
	*ret_value = value;
	return true;
}

bool reader_ok(const struct reader *r)
{
	return !r->bad;
}

struct writer writer_of(void *bytes, size_t size)
{
	return (struct writer){ .start = bytes, .size = size };
}

void writer_bytes(struct writer *w, const void *bytes, size_t len)
{
	if (w->bad || len > w->size - w->used) {
		w->bad = true;
		return;
	}
	if (len > 0)
		memcpy(w->start + w->used, bytes, len);
	w->used += len;
}

static void writer_integer(struct writer *w, uint64_t value, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	writer_bytes(w, bytes, len);
}

void writer_u8(struct writer *w, uint8_t value)
{
	writer_integer(w, value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
	writer_integer(w, value, 2);
}

void writer_u32(struct writer *w, uint32_t value)
{
	writer_integer(w, value, 4);
}

void writer_u64(struct writer *w, uint64_t value)
{
	writer_integer(w, value, 8);
}

size_t writer_tlv(struct writer *w, uint8_t type)
{
	writer_u8(w, type);
	writer_u16(w, 0);
	return w->used;
}

void writer_tlv_end(struct writer *w, size_t mark)
{
	if (w->bad)
		return;
	size_t len = w->used - mark;

	if (len > UINT16_MAX) {
		w->bad = true;
		return;
	}
	w->start[mark - 2] = (uint8_t)(len >> 8);
	w->start[mark - 1] = (uint8_t)len;
}

bool writer_ok(const struct writer *w)
{
	return !w->bad;
}
