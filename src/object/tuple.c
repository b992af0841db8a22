/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tuple.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

/* The first byte of a key. */
enum { KEY_IPV6 = 1, KEY_SHAPE_SHIFT = 1, KEY_ZONE_SHIFT = 3, KEY_KNOWN = 0x1f };

static bool parse_addresses(const struct attr *nest, struct tuple *t)
{
	size_t len = tuple_address_len(t->family);
	uint16_t first = t->family == AF_INET6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC;
	struct attrs in = attrs_in(nest);
	struct attr a;
	unsigned seen = 0;

	while (attr_next(&in, &a)) {
		if (a.len < len)
			continue;
		if (a.type == first) {
			memcpy(t->src, a.data, len);
			seen |= 1;
		} else if (a.type == first + 1) {
			memcpy(t->dst, a.data, len);
			seen |= 2;
		}
	}
	return seen == 3 && !in.bad;
}

static bool parse_proto(const struct attr *nest, struct tuple *t)
{
	struct attrs in = attrs_in(nest);
	struct attr a;
	bool seen = false;

	t->shape = TUPLE_PLAIN;
	memset(t->l4, 0, sizeof(t->l4));
	while (attr_next(&in, &a)) {
		if (a.len < 1)
			continue;
		switch (a.type) {
		case CTA_PROTO_NUM:
			t->proto = a.data[0];
			seen = true;
			break;
		case CTA_PROTO_SRC_PORT:
		case CTA_PROTO_DST_PORT:
			if (a.len < 2)
				return false;
			t->shape = TUPLE_PORTS;
			memcpy(t->l4 + (a.type == CTA_PROTO_DST_PORT ? 2 : 0), a.data, 2);
			break;
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			if (a.len < 2)
				return false;
			t->shape = TUPLE_ICMP;
			memcpy(t->l4, a.data, 2);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE: t->l4[2] = a.data[0]; break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE: t->l4[3] = a.data[0]; break;
		default: break;
		}
	}
	return seen && !in.bad;
}

int tuple_parse(const struct attr *nest, uint8_t family, struct tuple *ret, uint16_t *zone)
{
	struct attrs in = attrs_in(nest);
	struct attr a;
	unsigned seen = 0;

	ret->family = family;
	while (attr_next(&in, &a)) {
		if (a.type == CTA_TUPLE_IP && parse_addresses(&a, ret))
			seen |= 1;
		else if (a.type == CTA_TUPLE_PROTO && parse_proto(&a, ret))
			seen |= 2;
		else if (a.type == CTA_TUPLE_ZONE && a.len >= 2)
			*zone = attr_be16(a.data);
	}
	return seen == 3 && !in.bad ? 0 : -EBADMSG;
}

void tuple_put(struct message *m, uint16_t type, const struct tuple *t, uint16_t zone)
{
	size_t len = tuple_address_len(t->family);
	uint16_t first = t->family == AF_INET6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC;
	uint16_t icmp = t->proto == IPPROTO_ICMPV6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID;
	uint8_t *nest = attr_begin(m, type), *inner = attr_begin(m, CTA_TUPLE_IP);

	attr_put(m, first, t->src, len);
	attr_put(m, first + 1, t->dst, len);
	attr_end(m, inner);
	inner = attr_begin(m, CTA_TUPLE_PROTO);
	attr_put_u8(m, CTA_PROTO_NUM, t->proto);
	if (t->shape == TUPLE_PORTS) {
		attr_put(m, CTA_PROTO_SRC_PORT, t->l4, 2);
		attr_put(m, CTA_PROTO_DST_PORT, t->l4 + 2, 2);
	} else if (t->shape == TUPLE_ICMP) {
		attr_put(m, icmp, t->l4, 2);
		attr_put_u8(m, icmp + 1, t->l4[2]);
		attr_put_u8(m, icmp + 2, t->l4[3]);
	}
	attr_end(m, inner);
	if (zone != 0)
		attr_put_be16(m, CTA_TUPLE_ZONE, zone);
	attr_end(m, nest);
}

uint8_t *tuple_encode(uint8_t *at, const struct tuple *t, struct zone zone)
{
	size_t len = tuple_address_len(t->family);

	*at++ = (uint8_t)((t->family == AF_INET6 ? KEY_IPV6 : 0) | t->shape << KEY_SHAPE_SHIFT |
			  zone.dir << KEY_ZONE_SHIFT);
	*at++ = t->proto;
	at = bytes_put(at, t->src, len);
	at = bytes_put(at, t->dst, len);
	if (t->shape != TUPLE_PLAIN)
		at = bytes_put(at, t->l4, sizeof(t->l4));
	if (zone.dir != TUPLE_ZONE_NONE)
		at = bytes_put_16(at, zone.id);
	return at;
}

bool tuple_decode(struct bytes *r, struct tuple *ret, struct zone *ret_zone)
{
	uint8_t first = bytes_take_8(r);

	ret->family = first & KEY_IPV6 ? AF_INET6 : AF_INET;
	ret->shape = first >> KEY_SHAPE_SHIFT & 3;
	ret->proto = bytes_take_8(r);
	bytes_take_to(r, ret->src, tuple_address_len(ret->family));
	bytes_take_to(r, ret->dst, tuple_address_len(ret->family));
	if (ret->shape != TUPLE_PLAIN)
		bytes_take_to(r, ret->l4, sizeof(ret->l4));
	else
		memset(ret->l4, 0, sizeof(ret->l4));
	ret_zone->dir = first >> KEY_ZONE_SHIFT & 3;
	ret_zone->id = ret_zone->dir != TUPLE_ZONE_NONE ? bytes_take_16(r) : 0;
	if (r->bad || (first & ~KEY_KNOWN) != 0 || ret->shape > TUPLE_ICMP)
		return false;
	return (ret_zone->dir != TUPLE_ZONE_NONE) == (ret_zone->id != 0);
}

int tuple_decode_key(struct span key, struct tuple *ret, struct zone *ret_zone)
{
	struct bytes r = bytes_of(key);

	return tuple_decode(&r, ret, ret_zone) && r.at == r.end ? 0 : -EBADMSG;
}

/* Queries and their answers, in pairs; the kernel's own list. */
static bool invert_icmp(uint8_t proto, uint8_t type, uint8_t *ret)
{
	static const uint8_t v4[] = { 8, 0, 13, 14, 15, 16, 17, 18 }, v6[] = { 128, 129, 139, 140 };
	const uint8_t *pairs = proto == IPPROTO_ICMPV6 ? v6 : v4;
	size_t n = proto == IPPROTO_ICMPV6 ? sizeof(v6) : sizeof(v4);

	for (size_t i = 0; i < n; i++) {
		if (pairs[i] == type) {
			*ret = pairs[i ^ 1];
			return true;
		}
	}
	return false;
}

bool tuple_invert(const struct tuple *t, struct tuple *ret)
{
	size_t len = tuple_address_len(t->family);

	ret->family = t->family;
	ret->proto = t->proto;
	ret->shape = t->shape;
	memcpy(ret->src, t->dst, len);
	memcpy(ret->dst, t->src, len);
	memcpy(ret->l4, t->l4, sizeof(t->l4));
	if (t->shape == TUPLE_ICMP)
		return invert_icmp(t->proto, t->l4[2], &ret->l4[2]);
	memcpy(ret->l4, t->l4 + 2, 2);
	memcpy(ret->l4 + 2, t->l4, 2);
	return true;
}

static bool stays_on_link(const struct tuple *t)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	const uint8_t *s = t->src, *d = t->dst;

	if (t->family == AF_INET)
		return s[0] == 127 || d[0] == 127 || (d[0] == 224 && d[1] == 0 && d[2] == 0) ||
		       (d[0] & d[1] & d[2] & d[3]) == 255;
	if ((s[0] == 0xfe && (s[1] & 0xc0) == 0x80) || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80))
		return true;
	if (d[0] == 0xff && (d[1] & 0x0f) <= 2) /* interface and link scope, well-known or not */
		return true;
	return (s[0] == 0 && memcmp(s, loopback, 16) == 0) ||
	       (d[0] == 0 && memcmp(d, loopback, 16) == 0);
}

bool tuple_is_local(const struct object_own *own, const struct tuple *t)
{
	return stays_on_link(t) || object_own_has(own, t->family, t->src);
}

void tuple_print_address(uint8_t family, const uint8_t *address, char text[48])
{
	if (inet_ntop(family, address, text, 48) == NULL)
		text[0] = '\0';
}

const char *tuple_proto_name(uint8_t proto, char room[8])
{
	switch (proto) {
	case IPPROTO_ICMP: return "icmp";
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_DCCP: return "dccp";
	case IPPROTO_GRE: return "gre";
	case IPPROTO_ICMPV6: return "icmpv6";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_UDPLITE: return "udplite";
	default: snprintf(room, 8, "%u", proto); return room;
	}
}

void tuple_print(const struct tuple *t, char text[TUPLE_TEXT_MAX])
{
	char src[48], dst[48], room[8];
	unsigned a = attr_be16(t->l4), b = attr_be16(t->l4 + 2);
	int len;

	tuple_print_address(t->family, t->src, src);
	tuple_print_address(t->family, t->dst, dst);
	len = snprintf(text, TUPLE_TEXT_MAX, "%s src=%s dst=%s", tuple_proto_name(t->proto, room),
		src, dst);
	if (len < 0 || len > TUPLE_TEXT_MAX - 40)
		return;
	if (t->shape == TUPLE_PORTS)
		snprintf(text + len, (size_t)(TUPLE_TEXT_MAX - len),
			t->proto == IPPROTO_GRE ? " srckey=0x%x dstkey=0x%x" : " sport=%u dport=%u",
			a, b);
	else if (t->shape == TUPLE_ICMP)
		snprintf(text + len, (size_t)(TUPLE_TEXT_MAX - len), " type=%u code=%u id=%u",
			t->l4[2], t->l4[3], a);
}
