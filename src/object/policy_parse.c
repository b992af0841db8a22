/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of policies, and what it is told of them. */
#include "policy.h"

#include <errno.h>
#include <stdio.h>

enum { IF_ID = XFRMA_IF_ID };

/* ---- held ------------------------------------------------------------------------------- */

bool policy_is_held(const struct xfrm_userpolicy_info *info)
{
	return (info->lft.soft_byte_limit & ~UINT64_C(0xff)) == POLICY_HELD;
}

static bool has_limits(const struct xfrm_lifetime_cfg *l)
{
	return l->soft_add_expires_seconds != 0 || l->hard_add_expires_seconds != 0 ||
	       l->soft_use_expires_seconds != 0 || l->hard_use_expires_seconds != 0;
}

static uint64_t pair(uint64_t high, uint64_t low)
{
	return (high > UINT32_MAX ? UINT32_MAX : high) << 32 |
	       (low > UINT32_MAX ? UINT32_MAX : low);
}

/* What must not run, or let anything out, on a node that is not to send. */
static bool is_to_hold(const struct policy *p)
{
	return has_limits(&p->info.lft) ||
	       (p->dir != XFRM_POLICY_IN && p->info.action == XFRM_POLICY_ALLOW &&
		       policy_transforms(p));
}

static void hold(struct policy *p, bool copied)
{
	struct xfrm_lifetime_cfg *l = &p->info.lft;

	if (!is_to_hold(p))
		return;
	*l = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = POLICY_HELD | p->info.action,
		.hard_byte_limit = pair(l->soft_add_expires_seconds, l->hard_add_expires_seconds),
		.soft_packet_limit = pair(l->soft_use_expires_seconds, l->hard_use_expires_seconds),
		.hard_packet_limit = copied ? POLICY_COPIED : XFRM_INF,
	};
	if (p->dir != XFRM_POLICY_IN && policy_transforms(p))
		p->info.action = XFRM_POLICY_BLOCK;
}

/* As it is where it is not held; counts that nobody keeps are unlimited. */
static void release(struct xfrm_userpolicy_info *info)
{
	struct xfrm_lifetime_cfg *l = &info->lft;

	if (policy_is_held(info)) {
		info->action = (uint8_t)l->soft_byte_limit;
		l->soft_add_expires_seconds = l->hard_byte_limit >> 32;
		l->hard_add_expires_seconds = (uint32_t)l->hard_byte_limit;
		l->soft_use_expires_seconds = l->soft_packet_limit >> 32;
		l->hard_use_expires_seconds = (uint32_t)l->soft_packet_limit;
	}
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

/* ---- what the kernel says --------------------------------------------------------------- */

static bool name_interface(const struct object_host *host, uint32_t ifindex, struct policy *p)
{
	for (unsigned i = 0; i < host->n_interfaces; i++) {
		if (host->interface[i].ifindex != ifindex)
			continue;
		p->name_len = (uint8_t)strnlen(host->interface[i].name, CONF_NAME_MAX - 1);
		memcpy(p->name, host->interface[i].name, p->name_len);
		return true;
	}
	return false;
}

typedef bool whose(const struct object_host *host, uint16_t family, const xfrm_address_t *address);

/* A template of a tunnel that ends there. */
static bool has_end(const struct object_host *host, const struct attr *a, whose *is_theirs)
{
	struct xfrm_user_tmpl t;

	for (size_t at = 0; at + sizeof(t) <= a->len; at += sizeof(t)) {
		memcpy(&t, a->data + at, sizeof(t));
		if (is_theirs(host, t.family, &t.saddr) || is_theirs(host, t.family, &t.id.daddr))
			return true;
	}
	return false;
}

static bool selects(
	const struct object_host *host, const struct xfrm_selector *sel, whose *is_theirs)
{
	unsigned bits = sel->family == AF_INET ? 32 : 128;

	return (sel->prefixlen_s == bits && is_theirs(host, sel->family, &sel->saddr)) ||
	       (sel->prefixlen_d == bits && is_theirs(host, sel->family, &sel->daddr));
}

static int hear_attribute(const struct object_host *host, struct policy *p, const struct attr *a)
{
	struct xfrm_userpolicy_type type;

	if (a->type == XFRMA_MARK && a->len == sizeof(p->mark)) {
		memcpy(&p->mark, a->data, sizeof(p->mark));
	} else if (a->type == IF_ID && a->len == sizeof(p->if_id)) {
		memcpy(&p->if_id, a->data, sizeof(p->if_id));
	} else if (a->type == XFRMA_POLICY_TYPE && a->len >= sizeof(type)) {
		memcpy(&type, a->data, sizeof(type));
		p->type = type.type;
	} else if (a->type == XFRMA_POLICY && a->len == sizeof(p->info)) {
		memcpy(&p->info, a->data, sizeof(p->info));
	} else if (a->type == XFRMA_MARK || a->type == IF_ID || a->type == XFRMA_POLICY_TYPE ||
		   a->type == XFRMA_POLICY) {
		return -EBADMSG;
	} else if (a->type == XFRMA_TMPL) {
		p->is_pairs |= has_end(host, a, xfrm_is_pairs);
		if (has_end(host, a, xfrm_is_own))
			return -ENOMSG;
	}
	return 0;
}

static int hear(const struct object_host *host, const struct nlmsghdr *nlh, struct policy *p,
	struct attrs *ret_attributes)
{
	const uint8_t *at = (const uint8_t *)nlh + NLMSG_HDRLEN;
	size_t fixed = nlh->nlmsg_type == XFRM_MSG_DELPOLICY   ? sizeof(struct xfrm_userpolicy_id)
		       : nlh->nlmsg_type == XFRM_MSG_POLEXPIRE ? sizeof(struct xfrm_user_polexpire)
							       : sizeof(p->info);
	struct attrs in;
	struct attr a;
	int result = 0;

	if (!xfrm_attrs_of(nlh, fixed, &in))
		return -EBADMSG;
	if (nlh->nlmsg_type == XFRM_MSG_POLEXPIRE && at[sizeof(p->info)] == 0)
		return -ENOMSG;
	*ret_attributes = in;
	if (nlh->nlmsg_type != XFRM_MSG_DELPOLICY)
		memcpy(&p->info, at, sizeof(p->info));
	while (result == 0 && attr_next(&in, &a))
		result = hear_attribute(host, p, &a);
	return in.bad ? -EBADMSG : result;
}

/* The selector stands in the key, the interface by its name. */
static int take_selector(const struct object_host *host, struct policy *p)
{
	unsigned bits = p->info.sel.family == AF_INET ? 32 : 128;

	p->sel = p->info.sel;
	p->dir = p->info.dir;
	/* Those of sockets are no business of others. */
	if (xfrm_address_len(p->sel.family) == 0 || p->dir > XFRM_POLICY_FWD ||
		selects(host, &p->sel, xfrm_is_own))
		return -ENOMSG;
	if (p->type > XFRM_POLICY_TYPE_SUB || p->sel.prefixlen_s > bits ||
		p->sel.prefixlen_d > bits)
		return -EBADMSG;
	if (p->sel.ifindex != 0 && !name_interface(host, (uint32_t)p->sel.ifindex, p))
		return -ENOMSG;
	p->sel.ifindex = 0;
	memset(&p->info.sel, 0, sizeof(p->info.sel));
	return 0;
}

static bool add_value(struct policy *p, struct attrs in)
{
	struct attr a;

	memset(&p->info.curlft, 0, sizeof(p->info.curlft));
	p->info.index = 0;
	p->value.whole = true;
	p->value.len = p->value.moving_len = 0;
	if (!xfrm_add(&p->value, &p->info, sizeof(p->info)))
		return false;
	while (attr_next(&in, &a)) {
		if (xfrm_is_local(a.type) || a.type == IF_ID || a.type == XFRMA_POLICY_TYPE)
			continue;
		if (!xfrm_add_attr(&p->value, &a))
			return false;
	}
	return true;
}

static uint8_t op_of(uint16_t type)
{
	switch (type) {
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY: return OBJECT_WHOLE;
	case XFRM_MSG_DELPOLICY:
	case XFRM_MSG_POLEXPIRE: return OBJECT_REMOVE;
	default: return 0;
	}
}

int policy_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room)
{
	struct policy p = { .dir = 0 };
	uint8_t op = op_of(nlh->nlmsg_type);
	struct attrs attributes;
	bool held;
	int result;

	if (nlh->nlmsg_type == XFRM_MSG_FLUSHPOLICY)
		return -ESTALE;
	if (op == 0)
		return -ENOMSG;
	result = hear(host, nlh, &p, &attributes);
	if (result == 0)
		result = take_selector(host, &p);
	if (result == 0 && op != OBJECT_REMOVE && !p.is_pairs &&
		!selects(host, &p.sel, xfrm_is_pairs))
		result = -ENOMSG;
	if (result != 0)
		return result;
	held = policy_is_held(&p.info);
	release(&p.info);
	if (!add_value(&p, attributes))
		return -EBADMSG;
	*ret = (struct object){ .kind = OBJECT_POLICY, .op = op, .key = room };
	ret->key_len = (uint8_t)policy_encode_key(&p, room);
	ret->value = room + ret->key_len;
	ret->value_len = (uint16_t)xfrm_value_put(&p.value, room + ret->key_len);
	if (ret->value_len == 0)
		return -EBADMSG;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE;
	ret->base = object_hash(0, p.value.bytes, p.value.len);
	if (op == OBJECT_WHOLE)
		ret->marks = held ? OBJECT_HELD : is_to_hold(&p) ? OBJECT_AGES : 0;
	return 0;
}

/* ---- what it is told -------------------------------------------------------------------- */

static uint32_t index_of(const struct object_host *host, const struct policy *p)
{
	for (unsigned i = 0; i < host->n_interfaces; i++) {
		if (strcmp(host->interface[i].name, p->name) == 0)
			return host->interface[i].ifindex;
	}
	return 0;
}

static void put_names(struct message *m, const struct policy *p)
{
	struct xfrm_userpolicy_type type = { .type = p->type };

	xfrm_put_mark(m, &p->mark);
	if (p->type != XFRM_POLICY_TYPE_MAIN)
		attr_put(m, XFRMA_POLICY_TYPE, &type, sizeof(type));
	if (p->if_id != 0)
		attr_put(m, IF_ID, &p->if_id, sizeof(p->if_id));
}

static int put_id(const struct policy *p, uint32_t ifindex, uint16_t type, void *room)
{
	struct xfrm_userpolicy_id id = { .sel = p->sel, .dir = p->dir };
	struct message m;

	id.sel.ifindex = (int)ifindex;
	m = xfrm_start(room, type, 0, &id, sizeof(id));
	put_names(&m, p);
	return message_end(&m);
}

/* What is there is replaced, and at no moment missing. */
static int put_policy(struct policy *p, uint32_t ifindex, void *room)
{
	struct attrs in = xfrm_rest(&p->value, sizeof(p->info));
	struct message m;
	struct attr a;

	p->info.sel = p->sel;
	p->info.sel.ifindex = (int)ifindex;
	m = xfrm_start(room, XFRM_MSG_UPDPOLICY, 0, &p->info, sizeof(p->info));
	put_names(&m, p);
	while (attr_next(&in, &a))
		attr_put(&m, a.type, a.data, a.len);
	return message_end(&m);
}

int policy_put_dump(void *room)
{
	struct message m = xfrm_start(room, XFRM_MSG_GETPOLICY, NLM_F_DUMP, NULL, 0);

	return message_end(&m);
}

int policy_put_get(struct span key, void *room)
{
	struct policy p;

	if (policy_decode(key, span_of(NULL, 0), &p) != 0)
		return -EBADMSG;
	/* Its number would have to be looked up; an audit sees it as well. */
	return p.name_len > 0 ? 0 : put_id(&p, 0, XFRM_MSG_GETPOLICY, room);
}

int policy_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct policy p;
	uint32_t ifindex;

	if (op == OBJECT_REMOVE)
		value.len = 0;
	if (policy_decode(key, value, &p) != 0)
		return -EBADMSG;
	ifindex = index_of(host, &p);
	if (p.name_len > 0 && ifindex == 0)
		return op == OBJECT_REMOVE ? 0 : -ENODEV;
	if (p.name_len == 0)
		ifindex = 0;
	switch (op) {
	case OBJECT_REMOVE: return put_id(&p, ifindex, XFRM_MSG_DELPOLICY, room);
	case OBJECT_EVICT:
	case OBJECT_LOOSEN: return 0;
	case OBJECT_WHOLE:
	case OBJECT_CREATE:
	case OBJECT_CHANGE:
	case OBJECT_HOLD:
	case OBJECT_SETTLE:
	case OBJECT_RETIME: break;
	}
	if (value.len == 0)
		return -EBADMSG;
	if (op != OBJECT_SETTLE && op != OBJECT_RETIME)
		hold(&p, op != OBJECT_HOLD);
	return put_policy(&p, ifindex, room);
}
