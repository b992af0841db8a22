/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xfrm: what SAs and policies have in common: how a value holds what the kernel said.
 *
 * A value is the kernel's own bytes: one fixed structure, and attributes as they are, so that what
 * a newer kernel adds is not lost. What is the business of one machine (hardware, counters,
 * security contexts, what a time limit began with) is taken out before. Runs of equal bytes, which
 * such structures mostly consist of, are packed. Both nodes must have the same byte order.
 */
#ifndef NSRP_OBJECT_XFRM_H
#define NSRP_OBJECT_XFRM_H

#include <sys/socket.h>

#include <linux/xfrm.h>

#include "attr.h"
#include "bytes.h"
#include "nsrp/object.h"

enum { XFRM_VALUE_MAX = 2048 }; /* bytes of one, unpacked */

struct xfrm_value {
	bool whole; /* false: what moves is all */
	/* The first so many bytes are attributes that change with traffic; the structure and the
	 * other attributes follow. */
	size_t moving_len, len;
	_Alignas(8) uint8_t bytes[XFRM_VALUE_MAX];
};

/* Packs it into OBJECT_VALUE_MAX bytes; the length, or 0 when it does not fit. */
size_t xfrm_value_put(const struct xfrm_value *v, uint8_t *at);
/* 0, or -EBADMSG. Attributes are well-formed then, and a whole one has `fixed` bytes before the
 * second row of them. */
int xfrm_value_take(struct span value, size_t fixed, struct xfrm_value *ret);

/* Adds bytes, or an attribute as it is. False: there is no room. */
bool xfrm_add(struct xfrm_value *v, const void *bytes, size_t len);
bool xfrm_add_attr(struct xfrm_value *v, const struct attr *a);

/* Of a whole one: the structure, and the attributes behind it. */
static inline const uint8_t *xfrm_fixed(const struct xfrm_value *v)
{
	return v->bytes + v->moving_len;
}

static inline struct attrs xfrm_rest(const struct xfrm_value *v, size_t fixed)
{
	return (struct attrs){ v->bytes + v->moving_len + fixed, v->bytes + v->len, false };
}

static inline struct attrs xfrm_moving(const struct xfrm_value *v)
{
	return (struct attrs){ v->bytes, v->bytes + v->moving_len, false };
}

/* What belongs to one machine. */
bool xfrm_is_local(uint16_t type);

/* Attributes behind `fixed` bytes of a message of that protocol; false when it is shorter. */
bool xfrm_attrs_of(const struct nlmsghdr *nlh, size_t fixed, struct attrs *ret);
/* Starts a message with `fixed` bytes of structure. */
struct message xfrm_start(
	void *room, uint16_t type, unsigned flags, const void *fixed, size_t fixed_len);
void xfrm_put_mark(struct message *m, const struct xfrm_mark *mark);

/* 4 or 16; 0: another family. */
size_t xfrm_address_len(uint16_t family);
/* The address is this node's own, whatever group is where. */
bool xfrm_is_own(const struct object_host *host, uint16_t family, const xfrm_address_t *address);
/* It is here whenever this node may send. */
bool xfrm_is_here(const struct object_host *host, uint16_t family, const xfrm_address_t *address);
/* One of the first group's: what ends there is mirrored. */
bool xfrm_is_pairs(const struct object_host *host, uint16_t family, const xfrm_address_t *address);

#endif
