/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"

#include <assert.h>
#include <string.h>

/* An object record: op and kind (1), length of the key (1), of the value (1; 255: two more
 * bytes), key, value; REMOVE has no value, CHANGE a print (4) before it. Others: op and kind (1),
 * length (2), value. */

static bool has_key(uint8_t op)
{
	return op >= WIRE_RECORD_WHOLE && op <= WIRE_RECORD_OFFER;
}

static bool has_value(uint8_t op)
{
	return op != WIRE_RECORD_REMOVE;
}

enum { LONG_VALUE = 255 };

size_t record_len(const struct record *r)
{
	if (!has_key(r->op))
		return 3 + r->value.len;
	if (!has_value(r->op))
		return 2 + r->key.len;
	return 2 + r->key.len + (r->op == WIRE_RECORD_CHANGE ? 4 : 0) +
	       (r->value.len < LONG_VALUE ? 1 : 3) + r->value.len;
}

static void put_bytes(uint8_t *room, struct span bytes)
{
	if (bytes.len > 0)
		memcpy(room, bytes.data, bytes.len);
}

void record_put(const struct record *r, uint8_t *room)
{
	uint8_t *at = room;

	*at++ = (uint8_t)(r->op << 4 | r->kind);
	if (!has_key(r->op)) {
		*at++ = (uint8_t)(r->value.len >> 8);
		*at++ = (uint8_t)r->value.len;
		put_bytes(at, r->value);
		return;
	}
	assert(r->key.len <= OBJECT_KEY_MAX && r->value.len <= OBJECT_VALUE_MAX);
	*at++ = (uint8_t)r->key.len;
	if (has_value(r->op)) {
		bool is_long = r->value.len >= LONG_VALUE;

		*at++ = is_long ? LONG_VALUE : (uint8_t)r->value.len;
		if (is_long) {
			*at++ = (uint8_t)(r->value.len >> 8);
			*at++ = (uint8_t)r->value.len;
		}
	}
	for (unsigned i = 4; r->op == WIRE_RECORD_CHANGE && i-- > 0;)
		*at++ = (uint8_t)(r->base >> 8 * i);
	put_bytes(at, r->key);
	if (has_value(r->op))
		put_bytes(at + r->key.len, r->value);
}

bool record_next(struct reader *r, struct record *ret)
{
	if (!reader_ok(r) || r->left == 0)
		return false;
	uint8_t first = reader_u8(r);
	size_t key_len = 0, value_len = 0;

	*ret = (struct record){ .op = first >> 4, .kind = first & 0x0f };
	if (has_key(ret->op)) {
		key_len = reader_u8(r);
		if (has_value(ret->op))
			value_len = reader_u8(r);
		if (value_len == LONG_VALUE)
			value_len = reader_u16(r);
		r->bad |= key_len == 0 || key_len > OBJECT_KEY_MAX ||
			  value_len > OBJECT_VALUE_MAX || ret->kind == 0;
	} else {
		value_len = reader_u16(r);
	}
	if (ret->op == WIRE_RECORD_CHANGE)
		ret->base = reader_u32(r);
	ret->key = reader_bytes(r, key_len);
	ret->value = reader_bytes(r, value_len);
	return reader_ok(r);
}
