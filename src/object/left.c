/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of IPsec leaves a kernel whose node is looked after no more.
 *
 * Policies that are held would block for good, and what the peer sends by is not this node's to
 * send by. So what the peer has goes: SAs and policies that it told of, which says their mark; with
 * them the policies of the same tunnels that this node made itself, or sent by when it was master,
 * and those of what comes in, which are never held. What only this node has stays.
 */
#include <stdlib.h>

#include "policy.h"
#include "sa.h"

/* A template without addresses is for the ends of the packet itself. */
static void ends_of(
	uint16_t family, const xfrm_address_t *a, const xfrm_address_t *b, struct object_ends *ret)
{
	size_t len = xfrm_address_len(family);
	bool descends = memcmp(a, b, len) > 0;

	memset(ret, 0, sizeof(*ret));
	ret->family = (uint8_t)family;
	memcpy(ret->address[0], descends ? b : a, len);
	memcpy(ret->address[1], descends ? a : b, len);
}

static bool is_any(uint16_t family, const xfrm_address_t *address)
{
	static const xfrm_address_t any;

	return memcmp(address, &any, xfrm_address_len(family)) == 0;
}

/* Of its first template that says so, else of its selector. False: it transforms nothing. */
static bool policy_ends(
	struct attrs in, const struct xfrm_userpolicy_info *info, struct object_ends *ret)
{
	struct xfrm_user_tmpl t;
	struct attr a;
	bool transforms = false;

	while (attr_next(&in, &a)) {
		for (size_t at = 0; a.type == XFRMA_TMPL && at + sizeof(t) <= a.len;
			at += sizeof(t)) {
			memcpy(&t, a.data + at, sizeof(t));
			transforms = true;
			if (is_any(t.family, &t.saddr) || is_any(t.family, &t.id.daddr))
				continue;
			ends_of(t.family, &t.saddr, &t.id.daddr, ret);
			return true;
		}
	}
	ends_of(info->sel.family, &info->sel.saddr, &info->sel.daddr, ret);
	return transforms;
}

static enum object_left policy_left(const struct nlmsghdr *dumped, struct object_ends *ret_ends)
{
	struct xfrm_userpolicy_info info;
	struct attrs in;
	bool held;

	if (!xfrm_attrs_of(dumped, sizeof(info), &in))
		return OBJECT_LEFT_STAYS;
	memcpy(&info, (const uint8_t *)dumped + NLMSG_HDRLEN, sizeof(info));
	held = policy_is_held(&info);
	if (info.dir > XFRM_POLICY_FWD || (!held && info.dir != XFRM_POLICY_IN) ||
		!policy_ends(in, &info, ret_ends))
		return OBJECT_LEFT_STAYS;
	return held && info.lft.hard_packet_limit == POLICY_COPIED ? OBJECT_LEFT_GOES
								   : OBJECT_LEFT_FOLLOWS;
}

static enum object_left sa_left(const struct nlmsghdr *dumped, struct object_ends *ret_ends)
{
	struct xfrm_usersa_info info;
	struct attrs in;

	if (!xfrm_attrs_of(dumped, sizeof(info), &in))
		return OBJECT_LEFT_STAYS;
	memcpy(&info, (const uint8_t *)dumped + NLMSG_HDRLEN, sizeof(info));
	if (sa_stage(&info.curlft) != SA_COPIED)
		return OBJECT_LEFT_STAYS;
	ends_of(info.family, &info.saddr, &info.id.daddr, ret_ends);
	return OBJECT_LEFT_GOES;
}

enum object_left object_left_of(const struct nlmsghdr *dumped, struct object_ends *ret_ends)
{
	switch (dumped->nlmsg_type) {
	case XFRM_MSG_NEWSA: return sa_left(dumped, ret_ends);
	case XFRM_MSG_NEWPOLICY: return policy_left(dumped, ret_ends);
	default: return OBJECT_LEFT_STAYS;
	}
}

/* ---- removal ------------------------------------------------------------------------------ */

static int put_removal(
	uint16_t type, const void *fixed, size_t fixed_len, struct attrs names, void *room)
{
	struct message m = xfrm_start(room, type, 0, fixed, fixed_len);
	struct attr a;

	while (attr_next(&names, &a)) {
		if (a.type == XFRMA_MARK || a.type == XFRMA_IF_ID || a.type == XFRMA_POLICY_TYPE)
			attr_put(&m, a.type, a.data, a.len);
	}
	return message_end(&m);
}

int object_put_leave(const struct nlmsghdr *dumped, void *room)
{
	const uint8_t *at = (const uint8_t *)dumped + NLMSG_HDRLEN;
	struct xfrm_userpolicy_info policy;
	struct xfrm_usersa_info sa;
	struct attrs in;

	if (dumped->nlmsg_type == XFRM_MSG_NEWSA && xfrm_attrs_of(dumped, sizeof(sa), &in)) {
		memcpy(&sa, at, sizeof(sa));
		const struct xfrm_usersa_id id = { .daddr = sa.id.daddr,
			.spi = sa.id.spi,
			.family = sa.family,
			.proto = sa.id.proto };

		return put_removal(XFRM_MSG_DELSA, &id, sizeof(id), in, room);
	}
	if (dumped->nlmsg_type == XFRM_MSG_NEWPOLICY &&
		xfrm_attrs_of(dumped, sizeof(policy), &in)) {
		memcpy(&policy, at, sizeof(policy));
		const struct xfrm_userpolicy_id id = { .sel = policy.sel, .dir = policy.dir };

		return put_removal(XFRM_MSG_DELPOLICY, &id, sizeof(id), in, room);
	}
	return 0;
}
