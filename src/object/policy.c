/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Policies of IPsec.
 *
 * Key: family (1: 4 or 6; 16: with a mark, 32: with an if_id, 64: with a user), direction (1), type
 * (1), protocol (1), prefix lengths of source and destination (1 each), ports and their masks (2
 * each: source, its mask, destination, its mask), source, destination, mark and mask (4 each),
 * if_id (4), user (4), name of the interface: length (1), bytes. Value: xfrm.h.
 */
#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>

#include "text.h"
#include "tuple.h"

enum { HAS_MARK = 0x10, HAS_IF_ID = 0x20, HAS_USER = 0x40 };

size_t policy_encode_key(const struct policy *p, uint8_t *at)
{
	const struct xfrm_selector *sel = &p->sel;
	size_t len = xfrm_address_len(sel->family);
	bool marked = p->mark.v != 0 || p->mark.m != 0;
	uint8_t *start = at;

	at = bytes_put_8(
		at, (uint8_t)((sel->family == AF_INET ? 4 : 6) | (marked ? HAS_MARK : 0) |
			      (p->if_id != 0 ? HAS_IF_ID : 0) | (sel->user != 0 ? HAS_USER : 0)));
	at = bytes_put_8(at, p->dir);
	at = bytes_put_8(at, p->type);
	at = bytes_put_8(at, sel->proto);
	at = bytes_put_8(at, sel->prefixlen_s);
	at = bytes_put_8(at, sel->prefixlen_d);
	at = bytes_put(at, &sel->sport, 2);
	at = bytes_put(at, &sel->sport_mask, 2);
	at = bytes_put(at, &sel->dport, 2);
	at = bytes_put(at, &sel->dport_mask, 2);
	at = bytes_put(at, &sel->saddr, len);
	at = bytes_put(at, &sel->daddr, len);
	if (marked)
		at = bytes_put_32(bytes_put_32(at, p->mark.v), p->mark.m);
	if (p->if_id != 0)
		at = bytes_put_32(at, p->if_id);
	if (sel->user != 0)
		at = bytes_put_32(at, sel->user);
	at = bytes_put_8(at, p->name_len);
	at = bytes_put(at, p->name, p->name_len);
	return (size_t)(at - start);
}

static void take_selector(struct bytes *r, struct policy *p)
{
	struct xfrm_selector *sel = &p->sel;

	sel->proto = bytes_take_8(r);
	sel->prefixlen_s = bytes_take_8(r);
	sel->prefixlen_d = bytes_take_8(r);
	bytes_take_to(r, &sel->sport, 2);
	bytes_take_to(r, &sel->sport_mask, 2);
	bytes_take_to(r, &sel->dport, 2);
	bytes_take_to(r, &sel->dport_mask, 2);
	bytes_take_to(r, &sel->saddr, xfrm_address_len(sel->family));
	bytes_take_to(r, &sel->daddr, xfrm_address_len(sel->family));
}

static bool take_optional(struct bytes *r, uint8_t first, struct policy *p)
{
	if (first & HAS_MARK) {
		p->mark.v = bytes_take_32(r);
		p->mark.m = bytes_take_32(r);
	}
	if (first & HAS_IF_ID)
		p->if_id = bytes_take_32(r);
	if (first & HAS_USER)
		p->sel.user = bytes_take_32(r);
	return !(first & HAS_MARK) == !(p->mark.v | p->mark.m) &&
	       !(first & HAS_IF_ID) == !p->if_id && !(first & HAS_USER) == !p->sel.user;
}

static bool decode_key(struct span key, struct policy *p)
{
	struct bytes r = bytes_of(key);
	uint8_t first = bytes_take_8(&r), bits;

	if ((first & 0x8f) != 4 && (first & 0x8f) != 6)
		return false;
	p->sel.family = (first & 0x0f) == 4 ? AF_INET : AF_INET6;
	bits = p->sel.family == AF_INET ? 32 : 128;
	p->dir = bytes_take_8(&r);
	p->type = bytes_take_8(&r);
	take_selector(&r, p);
	if (!take_optional(&r, first, p))
		return false;
	p->name_len = bytes_take_8(&r);
	if (p->name_len >= sizeof(p->name))
		return false;
	bytes_take_to(&r, p->name, p->name_len);
	return !r.bad && r.at == r.end && p->dir <= XFRM_POLICY_FWD &&
	       p->type <= XFRM_POLICY_TYPE_SUB && p->sel.prefixlen_s <= bits &&
	       p->sel.prefixlen_d <= bits && memchr(p->name, 0, p->name_len) == NULL;
}

int policy_decode(struct span key, struct span value, struct policy *ret)
{
	memset(ret, 0, offsetof(struct policy, value));
	memset(&ret->info, 0, sizeof(ret->info));
	ret->value.len = 0;
	if (!decode_key(key, ret))
		return -EBADMSG;
	if (value.len == 0)
		return 0;
	if (xfrm_value_take(value, sizeof(ret->info), &ret->value) != 0 || !ret->value.whole ||
		ret->value.moving_len != 0)
		return -EBADMSG;
	memcpy(&ret->info, xfrm_fixed(&ret->value), sizeof(ret->info));
	return ret->info.dir == ret->dir ? 0 : -EBADMSG;
}

bool policy_transforms(const struct policy *p)
{
	struct attrs in = xfrm_rest(&p->value, sizeof(p->info));
	struct attr a;

	while (p->value.len > 0 && attr_next(&in, &a)) {
		if (a.type == XFRMA_TMPL && a.len >= sizeof(struct xfrm_user_tmpl))
			return true;
	}
	return false;
}

static int policy_describe(struct span key, struct span value, struct object *ret)
{
	struct policy p;

	if (value.len == 0 || policy_decode(key, value, &p) != 0)
		return -EBADMSG;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->base = object_hash(0, p.value.bytes, p.value.len);
	return 0;
}

static void add_prefix(
	struct text *t, const char *what, uint16_t family, const xfrm_address_t *a, unsigned len)
{
	char address[48];

	tuple_print_address((uint8_t)family, (const uint8_t *)a, address);
	text_add(t, " %s %s/%u", what, address, len);
}

static void policy_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX])
{
	static const char *const dirs[] = { "in", "out", "fwd" };
	struct text t = text_in(text);
	struct policy p;

	if (policy_decode(key, value, &p) != 0) {
		text_add(&t, "malformed");
		return;
	}
	text_add(&t, "%s", dirs[p.dir]);
	add_prefix(&t, "src", p.sel.family, &p.sel.saddr, p.sel.prefixlen_s);
	add_prefix(&t, "dst", p.sel.family, &p.sel.daddr, p.sel.prefixlen_d);
	if (p.sel.proto != 0)
		text_add(&t, " proto %u", p.sel.proto);
	if (p.sel.sport_mask != 0)
		text_add(&t, " sport %u", ntohs(p.sel.sport));
	if (p.sel.dport_mask != 0)
		text_add(&t, " dport %u", ntohs(p.sel.dport));
	if (p.name_len > 0)
		text_add(&t, " dev %s", p.name);
	if (p.mark.v != 0 || p.mark.m != 0)
		text_add(&t, " mark 0x%x/0x%x", p.mark.v, p.mark.m);
	if (p.if_id != 0)
		text_add(&t, " if_id %u", p.if_id);
	if (value.len > 0)
		text_add(&t, " priority %u %s%s", p.info.priority,
			p.info.action == XFRM_POLICY_ALLOW ? "allow" : "block",
			policy_transforms(&p) ? " transform" : "");
}

static const uint32_t groups[] = { XFRMNLGRP_POLICY, XFRMNLGRP_EXPIRE, 0 };

const struct object_ops policy_ops = {
	.name = "policy",
	.kind = OBJECT_POLICY,
	.order = 50,
	.replaces = true,
	.nl_proto = NETLINK_XFRM,
	.nl_groups = groups,
	.parse = policy_parse,
	.describe = policy_describe,
	.put_dump = policy_put_dump,
	.put_get = policy_put_get,
	.put_order = policy_put_order,
	.print = policy_print,
};
