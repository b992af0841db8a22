/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations as compact bytes. The layout is that of doc/PROTOCOL.md, "Objects".
 */
#include "expect.h"

#include <errno.h>

static bool is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

static uint8_t *encode_name(uint8_t *at, const struct expect_name *name)
{
	*at++ = name->len;
	return bytes_put(at, name->text, name->len);
}

static bool decode_name(struct bytes *r, struct expect_name *name, size_t max)
{
	name->len = bytes_take_8(r);
	if (name->len == 0 || name->len > max)
		return false;
	bytes_take_to(r, name->text, name->len);
	return memchr(name->text, 0, name->len) == NULL;
}

size_t expect_encode(const struct expectation *e, uint16_t fields, uint8_t *value)
{
	size_t len = tuple_address_len(e->tuple.family);
	uint8_t *at = value;

	fields &= e->fields;
	at = bytes_put_16(at, fields);
	at = tuple_encode(at, &e->master, (struct zone){ 0 });
	if (fields & EXPECT_ADDRESS_MASK)
		at = bytes_put(at, e->address_mask, len);
	if (fields & EXPECT_PORT_MASK)
		at = bytes_put(at, e->port_mask, 2);
	if (fields & EXPECT_FLAGS)
		at = bytes_put_varint(at, e->flags);
	if (fields & EXPECT_CLASS)
		at = bytes_put_varint(at, e->class);
	if (fields & EXPECT_NAT) {
		*at++ = e->nat_dir;
		at = bytes_put(at, e->nat_address, len);
		at = bytes_put(at, e->nat_port, 2);
	}
	if (fields & EXPECT_HELPER)
		at = encode_name(at, &e->helper);
	if (fields & EXPECT_FN)
		at = encode_name(at, &e->fn);
	if (fields & EXPECT_TIMEOUT)
		at = bytes_put_varint(at, e->timeout);
	return (size_t)(at - value);
}

static bool decode_masks(struct bytes *r, struct expectation *e)
{
	size_t len = tuple_address_len(e->tuple.family);

	memset(e->address_mask, 0, sizeof(e->address_mask));
	memset(e->port_mask, 0, sizeof(e->port_mask));
	if (e->fields & EXPECT_ADDRESS_MASK) {
		bytes_take_to(r, e->address_mask, len);
		if (is_zero(e->address_mask, len))
			return false;
	}
	if (e->fields & EXPECT_PORT_MASK) {
		bytes_take_to(r, e->port_mask, 2);
		if (is_zero(e->port_mask, 2))
			return false;
	}
	return true;
}

static bool decode_numbers(struct bytes *r, struct expectation *e)
{
	e->flags = e->fields & EXPECT_FLAGS ? bytes_take_varint(r) : 0;
	e->class = e->fields & EXPECT_CLASS ? bytes_take_varint(r) : 0;
	if (e->fields & EXPECT_NAT) {
		e->nat_dir = bytes_take_8(r);
		bytes_take_to(r, e->nat_address, tuple_address_len(e->tuple.family));
		bytes_take_to(r, e->nat_port, 2);
		if (e->nat_dir > 1)
			return false;
	}
	return (e->flags != 0) == ((e->fields & EXPECT_FLAGS) != 0) &&
	       (e->class != 0) == ((e->fields & EXPECT_CLASS) != 0);
}

static bool decode_value(struct bytes *r, struct expectation *e)
{
	struct zone none;

	e->fields = bytes_take_16(r);
	if ((e->fields & ~(unsigned)EXPECT_FIELDS) != 0)
		return false;
	if (!tuple_decode(r, &e->master, &none) || none.dir != TUPLE_ZONE_NONE ||
		e->master.family != e->tuple.family)
		return false;
	if (!decode_masks(r, e) || !decode_numbers(r, e))
		return false;
	if ((e->fields & EXPECT_HELPER) && !decode_name(r, &e->helper, 15))
		return false;
	if ((e->fields & EXPECT_FN) && !decode_name(r, &e->fn, EXPECT_NAME_MAX))
		return false;
	e->timeout = e->fields & EXPECT_TIMEOUT ? bytes_take_varint(r) : 0;
	return !r->bad && r->at == r->end;
}

int expect_decode(struct span key, struct span value, struct expectation *ret)
{
	struct bytes r = bytes_of(value);
	int err = tuple_decode_key(key, &ret->tuple, &ret->zone);

	if (err != 0)
		return err;
	if (ret->zone.dir > TUPLE_ZONE_BOTH)
		return -EBADMSG;
	ret->fields = 0;
	return value.len == 0 || decode_value(&r, ret) ? 0 : -EBADMSG;
}
