/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neighbours: what ARP and neighbour discovery found out, so that a new master need not ask first.
 *
 * A copy is installed STALE: the kernel sends the first packet at once, and asks the neighbour
 * itself then. It is installed as learnt by another program (NTF_EXT_LEARNED), which exempts it
 * from the kernel's garbage collection and from its limits: on a standby nobody uses it, and it
 * would be the first to go. When this node owns it, SETTLE takes that off again.
 *
 * Of the neighbour's state nothing is mirrored: it is each kernel's own, and changes with traffic.
 * What a kernel forgets (garbage collection, an interface that loses its carrier or its last
 * address) is told with the address it had; what it asked for in vain, without.
 */
#include "neigh.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "attr.h"
#include "bytes.h"
#include "text.h"
#include "tuple.h"

enum { VALID = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE };

/* Key: address family (1: 4 or 6), length of the interface's name (1), name, address. Value: flags
 * (1), link-layer address (6). */

static size_t address_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* ---- bytes ------------------------------------------------------------------------------ */

static size_t put_key(const struct neigh *n, uint8_t *at)
{
	uint8_t *start = at;

	*at++ = n->ip.family == AF_INET ? 4 : 6;
	*at++ = n->name_len;
	at = bytes_put(at, n->name, n->name_len);
	at = bytes_put(at, n->ip.bytes, address_len(n->ip.family));
	return (size_t)(at - start);
}

static size_t put_value(const struct neigh *n, uint8_t *at)
{
	if (!n->has_value)
		return 0;
	*at = n->flags;
	memcpy(at + 1, n->mac, NEIGH_MAC_LEN);
	return 1 + NEIGH_MAC_LEN;
}

/* Of one host, and of any. */
static bool is_unicast(const uint8_t mac[NEIGH_MAC_LEN])
{
	static const uint8_t none[NEIGH_MAC_LEN];

	return (mac[0] & 1) == 0 && memcmp(mac, none, NEIGH_MAC_LEN) != 0;
}

static bool decode_value(struct span value, struct neigh *n)
{
	struct bytes r = bytes_of(value);

	n->flags = bytes_take_8(&r);
	bytes_take_to(&r, n->mac, NEIGH_MAC_LEN);
	n->has_value = true;
	return !r.bad && r.at == r.end && is_unicast(n->mac) &&
	       (n->flags == 0 || (n->flags == NEIGH_ROUTER && n->ip.family == AF_INET6));
}

int neigh_decode(struct span key, struct span value, struct neigh *ret)
{
	struct bytes r = bytes_of(key);
	uint8_t version = bytes_take_8(&r);

	memset(ret, 0, sizeof(*ret));
	if (version != 4 && version != 6)
		return -EBADMSG;
	ret->ip.family = version == 4 ? AF_INET : AF_INET6;
	ret->name_len = bytes_take_8(&r);
	if (ret->name_len == 0 || ret->name_len >= CONF_NAME_MAX)
		return -EBADMSG;
	bytes_take_to(&r, ret->name, ret->name_len);
	bytes_take_to(&r, ret->ip.bytes, address_len(ret->ip.family));
	if (r.bad || r.at != r.end || memchr(ret->name, 0, ret->name_len) != NULL)
		return -EBADMSG;
	return value.len == 0 || decode_value(value, ret) ? 0 : -EBADMSG;
}

/* ---- what the kernel says --------------------------------------------------------------- */

static bool name_interface(const struct object_host *host, uint32_t ifindex, struct neigh *n)
{
	for (unsigned i = 0; i < host->n_interfaces; i++) {
		const struct object_interface *known = &host->interface[i];

		if (known->ifindex != ifindex)
			continue;
		n->name_len = (uint8_t)strnlen(known->name, CONF_NAME_MAX - 1);
		memcpy(n->name, known->name, n->name_len);
		return true;
	}
	return false;
}

/* A neighbour as the kernel tells it. */
struct heard {
	struct ndmsg header;
	struct neigh neigh;
	uint8_t proto;
	bool has_ip;
};

static int parse_attributes(const struct nlmsghdr *nlh, struct heard *h)
{
	const uint8_t *start = (const uint8_t *)nlh;
	struct attrs in = { start + NLMSG_HDRLEN + sizeof(h->header), start + nlh->nlmsg_len,
		false };
	size_t len = address_len(h->header.ndm_family);
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == NDA_DST) {
			if (a.len != len)
				return -EBADMSG;
			memcpy(h->neigh.ip.bytes, a.data, len);
			h->has_ip = true;
		} else if (a.type == NDA_LLADDR && a.len == NEIGH_MAC_LEN) {
			memcpy(h->neigh.mac, a.data, NEIGH_MAC_LEN);
			h->neigh.has_value = is_unicast(h->neigh.mac);
		} else if (a.type == NDA_PROTOCOL && a.len == 1) {
			h->proto = a.data[0];
		}
	}
	return in.bad || !h->has_ip ? -EBADMSG : 0;
}

static int parse_message(
	const struct object_host *host, const struct nlmsghdr *nlh, struct heard *h)
{
	int result;

	if (nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH)
		return -ENOMSG;
	memset(h, 0, sizeof(*h));
	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(h->header))
		return -EBADMSG;
	memcpy(&h->header, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(h->header));
	/* A bridge tells of what it learnt in the same words. */
	if ((h->header.ndm_family != AF_INET && h->header.ndm_family != AF_INET6) ||
		(h->header.ndm_flags & NTF_PROXY) ||
		!name_interface(host, (uint32_t)h->header.ndm_ifindex, &h->neigh))
		return -ENOMSG;
	h->neigh.ip.family = h->header.ndm_family;
	result = parse_attributes(nlh, h);
	if (result != 0)
		return result;
	if ((h->header.ndm_flags & NTF_ROUTER) && h->neigh.ip.family == AF_INET6)
		h->neigh.flags = NEIGH_ROUTER;
	return object_own_has(&host->own, h->neigh.ip.family, h->neigh.ip.bytes) ||
			       object_own_has(&host->shared, h->neigh.ip.family, h->neigh.ip.bytes)
		       ? -ENOMSG
		       : 0;
}

/* What it is to the mirror; 0: nothing. */
static uint8_t op_of(const struct nlmsghdr *nlh, const struct heard *h)
{
	/* Who deletes one makes it FAILED first. */
	if (nlh->nlmsg_type == RTM_DELNEIGH)
		return h->neigh.has_value && !(h->header.ndm_state & NUD_FAILED) ? OBJECT_REMOVE
										 : 0;
	if ((h->header.ndm_state & VALID) && h->neigh.has_value)
		return OBJECT_WHOLE;
	/* A dump shows what was asked for in vain, too. */
	if ((h->header.ndm_state & NUD_FAILED) && !(nlh->nlmsg_flags & NLM_F_MULTI))
		return OBJECT_REMOVE;
	return 0;
}

static uint32_t print_of(const uint8_t *value, size_t len)
{
	return object_hash(0, value, len);
}

static int neigh_parse(const struct object_host *host, const struct nlmsghdr *nlh,
	struct object *ret, uint8_t *room)
{
	struct heard h;
	int result = parse_message(host, nlh, &h);

	if (result != 0)
		return result;
	*ret = (struct object){ .kind = OBJECT_NEIGHBOUR, .op = op_of(nlh, &h), .key = room };
	if (ret->op == 0)
		return -ENOMSG;
	if (h.header.ndm_state & NUD_FAILED)
		h.neigh.has_value = false;
	ret->key_len = (uint8_t)put_key(&h.neigh, room);
	ret->value = room + ret->key_len;
	ret->value_len = (uint16_t)put_value(&h.neigh, room + ret->key_len);
	/* Installed for the peer, and this kernel was not left to deal with it. */
	if ((h.header.ndm_flags & NTF_EXT_LEARNED) && h.proto == OBJECT_NEIGHBOUR_PROTO) {
		if (h.header.ndm_state & (NUD_STALE | NUD_FAILED))
			ret->marks |= OBJECT_HELD;
		if (!(h.header.ndm_state & NUD_REACHABLE))
			ret->marks |= OBJECT_UNSEEN;
	}
	if (ret->op != OBJECT_WHOLE)
		return 0;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->base = print_of(ret->value, ret->value_len);
	return 0;
}

static int neigh_describe(struct span key, struct span value, struct object *ret)
{
	struct neigh n;

	if (value.len == 0 || neigh_decode(key, value, &n) != 0)
		return -EBADMSG;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->base = print_of(value.data, value.len);
	return 0;
}

/* ---- what it is told -------------------------------------------------------------------- */

static struct message start(void *room, uint16_t type, unsigned flags, const struct ndmsg *header)
{
	struct nlmsghdr nlh = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	};
	struct message m = { .start = room, .at = room };

	memcpy(m.at, &nlh, sizeof(nlh));
	memcpy(m.at + NLMSG_HDRLEN, header, sizeof(*header));
	m.at += NLMSG_HDRLEN + sizeof(*header);
	return m;
}

static int neigh_put_dump(void *room)
{
	const struct ndmsg any = { .ndm_family = AF_UNSPEC };
	struct message m = start(room, RTM_GETNEIGH, NLM_F_DUMP, &any);

	return message_end(&m);
}

/* Before Linux 6.17 this would wait for RTNL, and nothing of this kind is asked for singly. */
static int neigh_put_get(struct span key, void *room)
{
	struct neigh n;

	(void)room;
	return neigh_decode(key, (struct span){ 0 }, &n);
}

static uint32_t find_interface(const struct object_host *host, const struct neigh *n)
{
	for (unsigned i = 0; i < host->n_interfaces; i++) {
		if (strcmp(host->interface[i].name, n->name) == 0)
			return host->interface[i].ifindex;
	}
	return 0;
}

static int put_set(const struct neigh *n, uint32_t ifindex, bool is_peers, void *room)
{
	const struct ndmsg header = {
		.ndm_family = n->ip.family,
		.ndm_ifindex = (int32_t)ifindex,
		.ndm_state = NUD_STALE,
		.ndm_flags = (uint8_t)((is_peers ? NTF_EXT_LEARNED : 0) |
				       (n->flags & NEIGH_ROUTER ? NTF_ROUTER : 0)),
	};
	/* What is settled may have gone meanwhile. */
	unsigned flags = NLM_F_REPLACE | (is_peers ? NLM_F_CREATE : 0u);
	struct message m = start(room, RTM_NEWNEIGH, flags, &header);

	attr_put(&m, NDA_DST, n->ip.bytes, address_len(n->ip.family));
	attr_put(&m, NDA_LLADDR, n->mac, NEIGH_MAC_LEN);
	attr_put_u8(&m, NDA_PROTOCOL, OBJECT_NEIGHBOUR_PROTO);
	return message_end(&m);
}

static int put_remove(const struct neigh *n, uint32_t ifindex, void *room)
{
	const struct ndmsg header = {
		.ndm_family = n->ip.family,
		.ndm_ifindex = (int32_t)ifindex,
	};
	struct message m = start(room, RTM_DELNEIGH, 0, &header);

	attr_put(&m, NDA_DST, n->ip.bytes, address_len(n->ip.family));
	return message_end(&m);
}

static int neigh_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct neigh n;
	uint32_t ifindex;

	if (op == OBJECT_REMOVE) /* whatever stands beside the key */
		value.len = 0;
	if (neigh_decode(key, value, &n) != 0)
		return -EBADMSG;
	ifindex = find_interface(host, &n);
	switch (op) {
	case OBJECT_REMOVE: return ifindex != 0 ? put_remove(&n, ifindex, room) : 0;
	case OBJECT_EVICT:
	case OBJECT_HOLD:
	case OBJECT_LOOSEN:
	case OBJECT_RETIME: return 0;
	case OBJECT_WHOLE:
	case OBJECT_CREATE:
	case OBJECT_CHANGE:
	case OBJECT_SETTLE: break;
	}
	if (!n.has_value)
		return -EBADMSG;
	if (object_own_has(&host->own, n.ip.family, n.ip.bytes) ||
		object_own_has(&host->shared, n.ip.family, n.ip.bytes))
		return -EADDRNOTAVAIL;
	return ifindex != 0 ? put_set(&n, ifindex, op != OBJECT_SETTLE, room) : -ENODEV;
}

static void neigh_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX])
{
	struct text t = text_in(text);
	struct neigh n;
	char address[48];

	if (neigh_decode(key, value, &n) != 0) {
		text_add(&t, "malformed");
		return;
	}
	tuple_print_address(n.ip.family, n.ip.bytes, address);
	text_add(&t, "%s dev %s", address, n.name);
	if (!n.has_value)
		return;
	text_add(&t, " lladdr %02x:%02x:%02x:%02x:%02x:%02x%s", n.mac[0], n.mac[1], n.mac[2],
		n.mac[3], n.mac[4], n.mac[5], n.flags & NEIGH_ROUTER ? " router" : "");
}

static const uint32_t groups[] = { RTNLGRP_NEIGH, 0 };

const struct object_ops neigh_ops = {
	.name = "neighbour",
	.kind = OBJECT_NEIGHBOUR,
	.order = 30,
	.nl_proto = NETLINK_ROUTE,
	.nl_groups = groups,
	.parse = neigh_parse,
	.describe = neigh_describe,
	.put_dump = neigh_put_dump,
	.put_get = neigh_put_get,
	.put_order = neigh_put_order,
	.print = neigh_print,
};
