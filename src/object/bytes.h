/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bytes: cursors over the compact bytes of keys and values. Integers are big-endian; a varint
 * has seven bits to the byte, lowest first, and no longer form than it needs.
 */
#ifndef NSRP_OBJECT_BYTES_H
#define NSRP_OBJECT_BYTES_H

#include <string.h>

#include "nsrp/base.h"

/* Reads; once too few are left, `bad` is set and all that is read is zero. */
struct bytes {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct bytes bytes_of(struct span bytes)
{
	static const uint8_t none[1];
	const uint8_t *at = bytes.len != 0 ? bytes.data : none; /* no bytes may be nowhere */

	return (struct bytes){ at, at + bytes.len, false };
}

/* The next `len` bytes, or NULL. */
static inline const uint8_t *bytes_take(struct bytes *r, size_t len)
{
	const uint8_t *at = r->at;

	if ((size_t)(r->end - at) < len) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	return at;
}

static inline void bytes_take_to(struct bytes *r, void *to, size_t len)
{
	const uint8_t *at = bytes_take(r, len);

	if (at != NULL)
		memcpy(to, at, len);
	else
		memset(to, 0, len);
}

static inline uint8_t bytes_take_8(struct bytes *r)
{
	const uint8_t *at = bytes_take(r, 1);

	return at != NULL ? *at : 0;
}

static inline uint16_t bytes_take_16(struct bytes *r)
{
	const uint8_t *at = bytes_take(r, 2);

	if (at == NULL)
		return 0;
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t bytes_take_32(struct bytes *r)
{
	const uint8_t *at = bytes_take(r, 4);

	if (at == NULL)
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t bytes_take_varint(struct bytes *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t byte = bytes_take_8(r);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			r->bad |= (byte == 0 && shift != 0) || v > UINT32_MAX;
			return r->bad ? 0 : (uint32_t)v;
		}
	}
	r->bad = true;
	return 0;
}

/* These write at `at`, where there is room, and return where they ended. */
static inline uint8_t *bytes_put(uint8_t *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

static inline uint8_t *bytes_put_8(uint8_t *at, uint8_t v)
{
	*at = v;
	return at + 1;
}

static inline uint8_t *bytes_put_16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	return at + 2;
}

static inline uint8_t *bytes_put_32(uint8_t *at, uint32_t v)
{
	return bytes_put_16(bytes_put_16(at, (uint16_t)(v >> 16)), (uint16_t)v);
}

static inline uint8_t *bytes_put_varint(uint8_t *at, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

#endif
