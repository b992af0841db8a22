/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xfrm.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

/*
 * A packed byte row is a row of pieces. Below RUN, a piece is its own length less one, and that
 * many bytes; from there on, a run of zeros, from RUN_ONES on, of 0xff.
 */
enum {
	RUN = 0x80,
	RUN_ONES = 0xc0,
	RUN_MIN = 2, /* shorter ones are no shorter as runs */
	RUN_MAX = RUN_MIN + 0x3f,
	PLAIN_MAX = RUN,
};

/* The first byte of a value. */
enum {
	ORDER_LITTLE = 1,
	ORDER_BIG = 2,
	ORDER = BYTE_ORDER == LITTLE_ENDIAN ? ORDER_LITTLE : ORDER_BIG,
	WHOLE = 0x10,
	HEAD_LEN = 3, /* and the length of what moves (2) */
};

bool xfrm_add(struct xfrm_value *v, const void *bytes, size_t len)
{
	if (len > sizeof(v->bytes) - v->len)
		return false;
	if (len > 0)
		memcpy(v->bytes + v->len, bytes, len);
	v->len += len;
	return true;
}

bool xfrm_add_attr(struct xfrm_value *v, const struct attr *a)
{
	static const uint8_t padding[4];
	struct nlattr header = {
		.nla_len = (uint16_t)(sizeof(header) + a->len),
		.nla_type = a->type,
	};

	return xfrm_add(v, &header, sizeof(header)) && xfrm_add(v, a->data, a->len) &&
	       xfrm_add(v, padding, attr_align(a->len) - a->len);
}

/* ---- packing ---------------------------------------------------------------------------- */

/* How many bytes from `at` on are the same, and worth a run; 0: none. */
static size_t run_at(const uint8_t *at, const uint8_t *end)
{
	size_t n = 0, max = (size_t)(end - at) < RUN_MAX ? (size_t)(end - at) : RUN_MAX;

	if (*at != 0 && *at != 0xff)
		return 0;
	while (n < max && at[n] == at[0])
		n++;
	return n >= RUN_MIN ? n : 0;
}

static size_t plain_at(const uint8_t *at, const uint8_t *end)
{
	size_t n = 1;

	while (n < PLAIN_MAX && at + n < end && run_at(at + n, end) == 0)
		n++;
	return n;
}

size_t xfrm_value_put(const struct xfrm_value *v, uint8_t *at)
{
	const uint8_t *from = v->bytes, *end = v->bytes + v->len;
	const uint8_t *limit = at + OBJECT_VALUE_MAX;
	uint8_t *start = at;

	at = bytes_put_8(at, (uint8_t)(ORDER | (v->whole ? WHOLE : 0)));
	at = bytes_put_16(at, (uint16_t)v->moving_len);
	while (from < end) {
		size_t run = run_at(from, end), plain = run > 0 ? 0 : plain_at(from, end);

		if ((size_t)(limit - at) < 1 + plain)
			return 0;
		if (run > 0) {
			*at++ = (uint8_t)((*from == 0 ? RUN : RUN_ONES) + (run - RUN_MIN));
		} else {
			*at++ = (uint8_t)(plain - 1);
			at = bytes_put(at, from, plain);
		}
		from += run + plain;
	}
	return (size_t)(at - start);
}

static bool unpack(struct bytes *r, struct xfrm_value *v)
{
	while (r->at < r->end) {
		uint8_t piece = bytes_take_8(r);
		size_t len = piece < RUN ? piece + 1u : (piece & 0x3fu) + RUN_MIN;

		if (len > sizeof(v->bytes) - v->len)
			return false;
		if (piece < RUN)
			bytes_take_to(r, v->bytes + v->len, len);
		else
			memset(v->bytes + v->len, piece < RUN_ONES ? 0 : 0xff, len);
		v->len += len;
	}
	return !r->bad;
}

static bool are_attributes(struct attrs in)
{
	struct attr a;

	while (attr_next(&in, &a))
		;
	return !in.bad;
}

int xfrm_value_take(struct span value, size_t fixed, struct xfrm_value *ret)
{
	struct bytes r = bytes_of(value);
	uint8_t first = bytes_take_8(&r);

	ret->moving_len = bytes_take_16(&r);
	ret->whole = first & WHOLE;
	ret->len = 0;
	if (r.bad || (first & ~WHOLE) != ORDER || !unpack(&r, ret) || ret->moving_len % 4 != 0)
		return -EBADMSG;
	if (ret->whole ? ret->len < ret->moving_len + fixed : ret->len != ret->moving_len)
		return -EBADMSG;
	if (!are_attributes(xfrm_moving(ret)) ||
		(ret->whole && !are_attributes(xfrm_rest(ret, fixed))))
		return -EBADMSG;
	return 0;
}

/* ---- messages --------------------------------------------------------------------------- */

bool xfrm_is_local(uint16_t type)
{
	switch (type) {
	case XFRMA_UNSPEC:
	case XFRMA_SA:
	case XFRMA_POLICY:
	case XFRMA_SEC_CTX:        /* labels of one machine's policy */
	case XFRMA_OFFLOAD_DEV:    /* its hardware */
	case XFRMA_SRCADDR:        /* stands in the structure */
	case XFRMA_MARK:           /* stands in the key */
	case XFRMA_LTIME_VAL:      /* moves */
	case XFRMA_REPLAY_VAL:     /* moves */
	case XFRMA_REPLAY_ESN_VAL: /* moves */
	case XFRMA_LASTUSED:
	case XFRMA_REPLAY_THRESH:
	case XFRMA_ETIMER_THRESH:
	case XFRMA_PAD: return true;
	default: return false;
	}
}

bool xfrm_attrs_of(const struct nlmsghdr *nlh, size_t fixed, struct attrs *ret)
{
	const uint8_t *start = (const uint8_t *)nlh;

	fixed = NLMSG_ALIGN(fixed);
	if (nlh->nlmsg_len < NLMSG_HDRLEN + fixed)
		return false;
	*ret = (struct attrs){ start + NLMSG_HDRLEN + fixed, start + nlh->nlmsg_len, false };
	return true;
}

struct message xfrm_start(
	void *room, uint16_t type, unsigned flags, const void *fixed, size_t fixed_len)
{
	struct nlmsghdr header = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	};
	struct message m = { .start = room, .at = room };

	memcpy(m.at, &header, sizeof(header));
	memset(m.at + NLMSG_HDRLEN, 0, NLMSG_ALIGN(fixed_len));
	if (fixed_len > 0)
		memcpy(m.at + NLMSG_HDRLEN, fixed, fixed_len);
	m.at += NLMSG_HDRLEN + NLMSG_ALIGN(fixed_len);
	return m;
}

void xfrm_put_mark(struct message *m, const struct xfrm_mark *mark)
{
	if (mark->m != 0 || mark->v != 0)
		attr_put(m, XFRMA_MARK, mark, sizeof(*mark));
}

/* ---- addresses -------------------------------------------------------------------------- */

size_t xfrm_address_len(uint16_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

bool xfrm_is_own(const struct object_host *host, uint16_t family, const xfrm_address_t *address)
{
	return xfrm_address_len(family) != 0 &&
	       object_own_has(&host->own, (uint8_t)family, address);
}

bool xfrm_is_here(const struct object_host *host, uint16_t family, const xfrm_address_t *address)
{
	return xfrm_address_len(family) != 0 &&
	       object_own_has(&host->shared, (uint8_t)family, address);
}

bool xfrm_is_pairs(const struct object_host *host, uint16_t family, const xfrm_address_t *address)
{
	return xfrm_address_len(family) != 0 &&
	       object_own_has(&host->first, (uint8_t)family, address);
}
