/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The set of this node's own addresses: open addressing, linear probing, nothing is ever taken
 * out but all at once. At most three quarters of the slots are in use, so a free one ends each
 * search.
 */
#include "nsrp/object.h"

#include <string.h>
#include <sys/socket.h>

static size_t address_len(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* The slot that has the address, or the free one where it would be. */
static unsigned slot_of(const struct object_own *own, uint8_t family, const void *bytes)
{
	size_t len = address_len(family);
	unsigned i = object_hash(family, bytes, len) % OBJECT_OWN_SLOTS;

	while (own->slot[i].family != 0 &&
		(own->slot[i].family != family || memcmp(own->slot[i].bytes, bytes, len) != 0))
		i = (i + 1) % OBJECT_OWN_SLOTS;
	return i;
}

void object_own_clear(struct object_own *own)
{
	memset(own, 0, sizeof(*own));
}

bool object_own_add(struct object_own *own, const struct conf_ip *ip)
{
	unsigned i;

	if (ip->family != AF_INET && ip->family != AF_INET6)
		return false;
	i = slot_of(own, ip->family, ip->bytes);
	if (own->slot[i].family != 0)
		return true;
	if (own->n == OBJECT_OWN_MAX)
		return false;
	own->slot[i].family = ip->family;
	memcpy(own->slot[i].bytes, ip->bytes, address_len(ip->family));
	own->n++;
	return true;
}

bool object_own_has(const struct object_own *own, uint8_t family, const void *bytes)
{
	return own->n != 0 && own->slot[slot_of(own, family, bytes)].family != 0;
}
