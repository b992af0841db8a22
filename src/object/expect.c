/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations: what helpers (FTP, SIP, ...) have read in one session of another that will come.
 *
 * The kernel knows little of how to be told of them: it takes the timeout from the helper's
 * policy when an expectation is made, and of one that is there it changes nothing else; it does
 * not say in which zone one is, so only those without a zone can be made again.
 */
#include "expect.h"

#include <errno.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "text.h"

/* What the helpers' policies give at most, but to the permanent ones. */
enum { EXPECT_OWN_TIMEOUT_S = 300 };

/* ---- what the kernel says -------------------------------------------------------------- */

/* The kernel's mask has the source alone. */
static bool parse_mask(const struct attr *nest, struct expectation *e)
{
	static const uint8_t none[16];
	struct tuple mask;
	uint16_t zone = 0;

	memset(&mask, 0, sizeof(mask));
	if (tuple_parse(nest, e->tuple.family, &mask, &zone) != 0)
		return false;
	memcpy(e->address_mask, mask.src, sizeof(mask.src));
	memcpy(e->port_mask, mask.l4, 2);
	if (memcmp(e->address_mask, none, 16) != 0)
		e->fields |= EXPECT_ADDRESS_MASK;
	if (memcmp(e->port_mask, none, 2) != 0)
		e->fields |= EXPECT_PORT_MASK;
	return true;
}

static bool parse_nat(const struct attr *nest, struct expectation *e)
{
	struct attrs in = attrs_in(nest);
	struct attr a;
	struct tuple tuple = { 0 };
	unsigned seen = 0;
	uint16_t zone = 0;

	while (attr_next(&in, &a)) {
		if (a.type == CTA_EXPECT_NAT_DIR && a.len >= 4) {
			e->nat_dir = attr_be32(a.data) != 0;
			seen |= 1;
		} else if (a.type == CTA_EXPECT_NAT_TUPLE) {
			if (tuple_parse(&a, e->tuple.family, &tuple, &zone) != 0)
				return false;
			memcpy(e->nat_address, tuple.src, sizeof(e->nat_address));
			memcpy(e->nat_port, tuple.l4, 2);
			seen |= 2;
		}
	}
	e->fields |= EXPECT_NAT;
	return seen == 3;
}

static void parse_name(const struct attr *a, struct expect_name *name, uint16_t field, size_t max,
	struct expectation *e)
{
	size_t len = strnlen((const char *)a->data, a->len);

	if (len == 0 || len > max)
		return;
	memcpy(name->text, a->data, len);
	name->len = (uint8_t)len;
	e->fields |= field;
}

static bool parse_number(const struct attr *a, struct expectation *e)
{
	uint32_t v;

	if (a->len < 4)
		return false;
	v = attr_be32(a->data);
	switch (a->type) {
	case CTA_EXPECT_TIMEOUT:
		e->timeout = v;
		e->fields |= EXPECT_TIMEOUT;
		break;
	case CTA_EXPECT_CLASS:
		e->class = v;
		e->fields |= v != 0 ? EXPECT_CLASS : 0;
		break;
	default: /* CTA_EXPECT_FLAGS; who made it, the kernel says by itself */
		e->flags = v & ~(uint32_t)NF_CT_EXPECT_USERSPACE;
		e->fields |= e->flags != 0 ? EXPECT_FLAGS : 0;
		break;
	}
	return true;
}

/* The masks need the tuple, which the kernel sends first. */
static bool parse_attribute(const struct attr *a, struct expectation *e, unsigned *seen)
{
	uint16_t zone = 0;

	switch (a->type) {
	case CTA_EXPECT_TUPLE:
		*seen |= 1;
		return tuple_parse(a, e->tuple.family, &e->tuple, &zone) == 0;
	case CTA_EXPECT_MASTER:
		*seen |= 2;
		return tuple_parse(a, e->tuple.family, &e->master, &zone) == 0;
	case CTA_EXPECT_MASK: *seen |= 4; return parse_mask(a, e);
	case CTA_EXPECT_NAT: return parse_nat(a, e);
	case CTA_EXPECT_TIMEOUT:
	case CTA_EXPECT_CLASS:
	case CTA_EXPECT_FLAGS: return parse_number(a, e);
	case CTA_EXPECT_HELP_NAME: parse_name(a, &e->helper, EXPECT_HELPER, 15, e); return true;
	case CTA_EXPECT_FN: parse_name(a, &e->fn, EXPECT_FN, EXPECT_NAME_MAX, e); return true;
	case CTA_EXPECT_ZONE:
		if (a->len < 2)
			return false;
		e->zone.id = attr_be16(a->data);
		e->zone.dir = e->zone.id != 0 ? TUPLE_ZONE_BOTH : TUPLE_ZONE_NONE;
		return true;
	default: return true;
	}
}

static int parse_message(const struct nlmsghdr *nlh, struct expectation *e)
{
	unsigned type = nlh->nlmsg_type & 0xff, seen = 0;
	struct nfgenmsg generic;
	struct attrs in;
	struct attr a;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK_EXP ||
		(type != IPCTNL_MSG_EXP_NEW && type != IPCTNL_MSG_EXP_DELETE))
		return -ENOMSG;
	if (nlh->nlmsg_len < NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(generic)))
		return -EBADMSG;
	memcpy(&generic, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(generic));
	if (generic.nfgen_family != AF_INET && generic.nfgen_family != AF_INET6)
		return -ENOMSG;
	memset(e, 0, sizeof(*e));
	e->tuple.family = generic.nfgen_family;
	in = attrs_of(nlh);
	while (attr_next(&in, &a)) {
		if (!parse_attribute(&a, e, &seen))
			return -EBADMSG;
	}
	return in.bad || seen != 7 ? -EBADMSG : 0;
}

static bool is_held(const struct expectation *e)
{
	return (e->fields & EXPECT_TIMEOUT) && e->timeout > EXPECT_OWN_TIMEOUT_S &&
	       !(e->flags & NF_CT_EXPECT_PERMANENT);
}

static uint32_t print_of(const struct expectation *e)
{
	uint8_t told[OBJECT_VALUE_MAX];

	return object_hash(0, told, expect_encode(e, EXPECT_FIELDS & ~EXPECT_TIMEOUT, told));
}

static int expect_parse(const struct object_host *host, const struct nlmsghdr *nlh,
	struct object *ret, uint8_t *room)
{
	struct expectation e;
	int err = parse_message(nlh, &e);

	if (err != 0)
		return err;
	if (tuple_is_local(&host->own, &e.master))
		return -ENOMSG;
	*ret = (struct object){ .kind = OBJECT_EXPECTATION, .op = OBJECT_REMOVE, .key = room };
	ret->key_len = (uint8_t)(tuple_encode(room, &e.tuple, e.zone) - room);
	ret->value = room + ret->key_len;
	if ((nlh->nlmsg_type & 0xff) == IPCTNL_MSG_EXP_DELETE)
		return 0;
	ret->op = OBJECT_WHOLE;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->value_len = (uint16_t)expect_encode(&e, EXPECT_FIELDS, room + ret->key_len);
	ret->base = print_of(&e);
	/* A helper that changes what it reads moves its session's sequence numbers. */
	if (e.fields & EXPECT_NAT) {
		uint8_t *origin = room + ret->key_len + ret->value_len;

		ret->origin = origin;
		ret->origin_kind = OBJECT_CONNTRACK;
		ret->origin_len = (uint8_t)(tuple_encode(origin, &e.master, e.zone) - origin);
	}
	if (nlh->nlmsg_flags & NLM_F_MULTI) {
		ret->marks |= OBJECT_UNSEEN; /* its traffic makes a session of it */
		if (e.timeout < host->hold_s / 2)
			ret->marks |= OBJECT_AGES;
		if (is_held(&e))
			ret->marks |= OBJECT_HELD;
	}
	return 0;
}

static int expect_describe(struct span key, struct span value, struct object *ret)
{
	struct expectation e;

	if (value.len == 0 || expect_decode(key, value, &e) != 0)
		return -EBADMSG;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->base = print_of(&e);
	return 0;
}

/* ---- what it is told ------------------------------------------------------------------- */

static struct message start(void *room, unsigned type, unsigned flags, uint8_t family)
{
	return message_start(room, (uint16_t)(NFNL_SUBSYS_CTNETLINK_EXP << 8 | type),
		(uint16_t)(NLM_F_REQUEST | flags), family);
}

static struct message start_for(
	const struct expectation *e, unsigned type, unsigned flags, void *room)
{
	struct message m = start(room, type, flags, e->tuple.family);

	tuple_put(&m, CTA_EXPECT_TUPLE, &e->tuple, 0);
	if (e->zone.id != 0)
		attr_put_be16(&m, CTA_EXPECT_ZONE, e->zone.id);
	return m;
}

static int expect_put_dump(void *room)
{
	struct message m = start(room, IPCTNL_MSG_EXP_GET, NLM_F_DUMP, AF_UNSPEC);

	return message_end(&m);
}

static int expect_put_get(struct span key, void *room)
{
	struct expectation e;
	struct message m;

	if (expect_decode(key, (struct span){ 0 }, &e) != 0)
		return -EBADMSG;
	m = start_for(&e, IPCTNL_MSG_EXP_GET, 0, room);
	return message_end(&m);
}

static void put_name(struct message *m, uint16_t type, const struct expect_name *name)
{
	char text[EXPECT_NAME_MAX + 1];

	memcpy(text, name->text, name->len);
	text[name->len] = '\0';
	attr_put(m, type, text, name->len + 1u);
}

static void put_nat(struct message *m, const struct expectation *e)
{
	uint8_t *nest = attr_begin(m, CTA_EXPECT_NAT);
	struct tuple t = {
		.family = e->tuple.family, .proto = e->master.proto, .shape = e->master.shape
	};

	memcpy(t.src, e->nat_address, sizeof(t.src));
	memcpy(t.l4, e->nat_port, 2);
	attr_put_be32(m, CTA_EXPECT_NAT_DIR, e->nat_dir);
	tuple_put(m, CTA_EXPECT_NAT_TUPLE, &t, 0);
	attr_end(m, nest);
}

static int put_create(const struct expectation *e, void *room)
{
	struct message m = start_for(e, IPCTNL_MSG_EXP_NEW, NLM_F_CREATE | NLM_F_EXCL, room);
	struct tuple mask = e->tuple;

	memcpy(mask.src, e->address_mask, sizeof(mask.src));
	memset(mask.dst, 0xff, sizeof(mask.dst));
	memset(mask.l4, 0xff, sizeof(mask.l4));
	memcpy(mask.l4, e->port_mask, 2);
	tuple_put(&m, CTA_EXPECT_MASK, &mask, 0);
	tuple_put(&m, CTA_EXPECT_MASTER, &e->master, 0);
	attr_put_be32(&m, CTA_EXPECT_FLAGS, e->flags);
	/* The kernel takes no class without the helper; and a helper that is named is what the
	 * expected session gets, too. So it is not, where the class does not need it. */
	if ((e->fields & EXPECT_CLASS) && (e->fields & EXPECT_HELPER)) {
		attr_put_be32(&m, CTA_EXPECT_CLASS, e->class);
		put_name(&m, CTA_EXPECT_HELP_NAME, &e->helper);
	}
	if (e->fields & EXPECT_FN)
		put_name(&m, CTA_EXPECT_FN, &e->fn);
	if (e->fields & EXPECT_NAT)
		put_nat(&m, e);
	return message_end(&m);
}

static int put_timeout(const struct expectation *e, uint32_t timeout, void *room)
{
	struct message m = start_for(e, IPCTNL_MSG_EXP_NEW, 0, room);

	/* These must be there, and are not looked at. */
	tuple_put(&m, CTA_EXPECT_MASK, &e->tuple, 0);
	tuple_put(&m, CTA_EXPECT_MASTER, &e->tuple, 0);
	attr_put_be32(&m, CTA_EXPECT_TIMEOUT, timeout);
	return message_end(&m);
}

static int put_remove(const struct expectation *e, void *room)
{
	struct message m = start_for(e, IPCTNL_MSG_EXP_DELETE, 0, room);

	return message_end(&m);
}

static int expect_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct expectation e;

	if (op == OBJECT_REMOVE) /* whatever stands beside the key */
		value.len = 0;
	if (expect_decode(key, value, &e) != 0)
		return -EBADMSG;
	switch (op) {
	case OBJECT_CREATE: return value.len != 0 ? put_create(&e, room) : -EBADMSG;
	case OBJECT_CHANGE:
	case OBJECT_HOLD: return put_timeout(&e, host->hold_s, room);
	case OBJECT_SETTLE:
	case OBJECT_RETIME:
		if (value.len == 0)
			return -EBADMSG;
		return is_held(&e) ? put_timeout(&e, EXPECT_OWN_TIMEOUT_S, room) : 0;
	case OBJECT_REMOVE:
	case OBJECT_EVICT: return put_remove(&e, room);
	case OBJECT_LOOSEN: return 0;
	case OBJECT_WHOLE: break; /* the caller's to resolve */
	}
	return -EBADMSG;
}

static void expect_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX])
{
	struct text t = text_in(text);
	struct expectation e;
	char tuple[TUPLE_TEXT_MAX], address[48];

	if (expect_decode(key, value, &e) != 0) {
		text_add(&t, "malformed");
		return;
	}
	tuple_print(&e.tuple, tuple);
	text_add(&t, "%s", tuple);
	if (e.zone.id != 0)
		text_add(&t, " zone=%u", e.zone.id);
	if (value.len == 0)
		return;
	tuple_print_address(e.tuple.family, e.address_mask, address);
	text_add(&t, " mask=%s#%u", address, attr_be16(e.port_mask));
	if (e.fields & EXPECT_FLAGS)
		text_add(&t, " flags=0x%x", e.flags);
	if (e.fields & EXPECT_CLASS)
		text_add(&t, " class=%u", e.class);
	if (e.fields & EXPECT_NAT) {
		tuple_print_address(e.tuple.family, e.nat_address, address);
		text_add(&t, " nat-%s=%s#%u", e.nat_dir == 0 ? "orig" : "reply", address,
			attr_be16(e.nat_port));
	}
	if (e.fields & EXPECT_HELPER)
		text_add(&t, " helper=%.*s", e.helper.len, e.helper.text);
	if (e.fields & EXPECT_FN)
		text_add(&t, " fn=%.*s", e.fn.len, e.fn.text);
	if (e.fields & EXPECT_TIMEOUT)
		text_add(&t, " timeout=%u", e.timeout);
	tuple_print(&e.master, tuple);
	text_add(&t, " master=[%s]", tuple);
}

static const uint32_t groups[] = { NFNLGRP_CONNTRACK_EXP_NEW, NFNLGRP_CONNTRACK_EXP_UPDATE,
	NFNLGRP_CONNTRACK_EXP_DESTROY, 0 };

const struct object_ops expect_ops = {
	.name = "expectation",
	.kind = OBJECT_EXPECTATION,
	.order = 20,
	.nl_proto = NETLINK_NETFILTER,
	.nl_groups = groups,
	.parse = expect_parse,
	.describe = expect_describe,
	.put_dump = expect_put_dump,
	.put_get = expect_put_get,
	.put_order = expect_put_order,
	.print = expect_print,
};
