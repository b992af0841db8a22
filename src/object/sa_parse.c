/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of SAs. */
#include "sa.h"

#include <errno.h>

enum { NAME_LEN = 64 }; /* of an algorithm, before its lengths and its key */

/* An SA as a message tells it. */
struct heard {
	struct xfrm_usersa_info info;
	struct xfrm_mark mark;
	struct attr replay, esn, times; /* .data NULL: not told */
	bool has_keys, has_short_auth;
	struct attrs rest; /* all attributes */
};

/* Of a kernel that does not show keys (lockdown) they are zeros. */
static bool is_redacted(const struct attr *a)
{
	size_t head = a->type == XFRMA_ALG_AEAD || a->type == XFRMA_ALG_AUTH_TRUNC
			      ? sizeof(struct xfrm_algo_aead)
			      : sizeof(struct xfrm_algo);

	for (size_t i = head; i < a->len; i++) {
		if (a->data[i] != 0)
			return false;
	}
	return a->len > head;
}

static int hear_attribute(struct heard *h, const struct attr *a)
{
	switch (a->type) {
	case XFRMA_ALG_AUTH:
	case XFRMA_ALG_AUTH_TRUNC:
	case XFRMA_ALG_CRYPT:
	case XFRMA_ALG_AEAD:
		if (a->len < NAME_LEN || is_redacted(a))
			return -EBADMSG;
		h->has_keys = true;
		h->has_short_auth |= a->type == XFRMA_ALG_AUTH_TRUNC;
		return 0;
	case XFRMA_ALG_COMP: h->has_keys = true; return 0;
	case XFRMA_MARK:
		if (a->len != sizeof(h->mark))
			return -EBADMSG;
		memcpy(&h->mark, a->data, sizeof(h->mark));
		return 0;
	case XFRMA_REPLAY_VAL:
		h->replay = *a;
		return a->len == sizeof(struct xfrm_replay_state) ? 0 : -EBADMSG;
	case XFRMA_REPLAY_ESN_VAL:
		h->esn = *a;
		return a->len >= sizeof(struct xfrm_replay_state_esn) ? 0 : -EBADMSG;
	case XFRMA_LTIME_VAL:
		h->times = *a;
		return a->len == sizeof(struct xfrm_lifetime_cur) ? 0 : -EBADMSG;
	case XFRMA_SA:
		if (a->len != sizeof(h->info))
			return -EBADMSG;
		memcpy(&h->info, a->data, sizeof(h->info));
		return 0;
	default: return 0;
	}
}

static int hear_attributes(struct heard *h)
{
	struct attrs in = h->rest;
	struct attr a;
	int result = 0;

	while (result == 0 && attr_next(&in, &a))
		result = hear_attribute(h, &a);
	return in.bad ? -EBADMSG : result;
}

/* The structure that a message begins with. */
static int hear_info(const struct nlmsghdr *nlh, struct heard *h)
{
	const uint8_t *at = (const uint8_t *)nlh + NLMSG_HDRLEN;
	size_t fixed = nlh->nlmsg_type == XFRM_MSG_DELSA    ? sizeof(struct xfrm_usersa_id)
		       : nlh->nlmsg_type == XFRM_MSG_EXPIRE ? sizeof(struct xfrm_user_expire)
							    : sizeof(h->info);
	int result;

	if (!xfrm_attrs_of(nlh, fixed, &h->rest))
		return -EBADMSG;
	if (nlh->nlmsg_type == XFRM_MSG_EXPIRE && at[sizeof(h->info)] == 0)
		return -ENOMSG; /* a request to make a new one in time */
	if (nlh->nlmsg_type != XFRM_MSG_DELSA)
		memcpy(&h->info, at, sizeof(h->info));
	result = hear_attributes(h);
	if (result != 0)
		return result;
	return xfrm_address_len(h->info.family) != 0 ? 0 : -ENOMSG;
}

static int hear_numbers(const struct nlmsghdr *nlh, struct heard *h)
{
	struct xfrm_aevent_id id;

	if (!xfrm_attrs_of(nlh, sizeof(id), &h->rest))
		return -EBADMSG;
	memcpy(&id, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(id));
	h->info.family = id.sa_id.family;
	h->info.id.proto = id.sa_id.proto;
	h->info.id.spi = id.sa_id.spi;
	h->info.id.daddr = id.sa_id.daddr;
	h->info.saddr = id.saddr;
	if (xfrm_address_len(h->info.family) == 0)
		return -ENOMSG;
	return hear_attributes(h);
}

/* ---- bytes ------------------------------------------------------------------------------ */

static size_t put_key(const struct heard *h, uint8_t *at)
{
	bool marked = h->mark.m != 0 || h->mark.v != 0;
	uint8_t *start = at;

	at = bytes_put_8(at, (uint8_t)((h->info.family == AF_INET ? 4 : 6) | (marked ? 0x10 : 0)));
	at = bytes_put_8(at, h->info.id.proto);
	at = bytes_put(at, &h->info.id.spi, sizeof(h->info.id.spi));
	at = bytes_put(at, &h->info.id.daddr, xfrm_address_len(h->info.family));
	if (marked)
		at = bytes_put_32(bytes_put_32(at, h->mark.v), h->mark.m);
	return (size_t)(at - start);
}

static bool add_moving(const struct heard *h, struct xfrm_value *v)
{
	struct attr times = {
		.type = XFRMA_LTIME_VAL,
		.len = sizeof(h->info.curlft),
		.data = (const uint8_t *)&h->info.curlft,
	};
	const struct attr *numbers = h->esn.data != NULL ? &h->esn : &h->replay;

	if (h->times.data != NULL)
		times = h->times;
	if (numbers->data == NULL || !xfrm_add_attr(v, numbers) || !xfrm_add_attr(v, &times))
		return false;
	v->moving_len = v->len;
	return true;
}

/* Of numbers, which add_moving() found to be there. */
static uint16_t block_of(const struct heard *h)
{
	struct xfrm_replay_state replay = { 0 };

	if (h->esn.data == NULL)
		memcpy(&replay, h->replay.data, sizeof(replay));
	return sa_block(sa_number(h->esn.data, &replay));
}

/* What is one kernel's own is zero. */
static bool add_whole(const struct heard *h, struct xfrm_value *v)
{
	struct xfrm_usersa_info info = h->info;
	struct attrs in = h->rest;
	struct attr a;

	memset(&info.curlft, 0, sizeof(info.curlft));
	memset(&info.stats, 0, sizeof(info.stats));
	info.seq = 0;
	v->whole = true;
	if (!xfrm_add(v, &info, sizeof(info)))
		return false;
	while (attr_next(&in, &a)) {
		/* The kernel tells of authentication in two ways. */
		if (xfrm_is_local(a.type) || (a.type == XFRMA_ALG_AUTH && h->has_short_auth))
			continue;
		if (!xfrm_add_attr(v, &a))
			return false;
	}
	return true;
}

static size_t put_value(const struct heard *h, bool whole, struct object *ret, uint8_t *at)
{
	struct xfrm_value v = { .whole = false };

	if (!add_moving(h, &v) || (whole && !add_whole(h, &v)))
		return 0;
	ret->state = block_of(h);
	if (whole) {
		ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE;
		ret->base = sa_print_of(&v);
	}
	return xfrm_value_put(&v, at);
}

/* ---- messages --------------------------------------------------------------------------- */

static uint8_t op_of(uint16_t type)
{
	switch (type) {
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA: return OBJECT_WHOLE;
	case XFRM_MSG_NEWAE: return OBJECT_CHANGE;
	case XFRM_MSG_DELSA:
	case XFRM_MSG_EXPIRE: return OBJECT_REMOVE;
	default: return 0;
	}
}

/* One that does not end at the first group's addresses, or ends on this node itself as well, or
 * that still is to get its keys, or is for one interface's packets alone. */
static bool is_left_out(const struct object_host *host, const struct heard *h, uint8_t op)
{
	return (op == OBJECT_WHOLE && !h->has_keys) || h->info.sel.ifindex != 0 ||
	       (op != OBJECT_REMOVE && !xfrm_is_pairs(host, h->info.family, &h->info.saddr) &&
		       !xfrm_is_pairs(host, h->info.family, &h->info.id.daddr)) ||
	       xfrm_is_own(host, h->info.family, &h->info.saddr) ||
	       xfrm_is_own(host, h->info.family, &h->info.id.daddr);
}

static uint8_t marks_of(enum sa_stage stage)
{
	switch (stage) {
	case SA_LIVE: return OBJECT_AGES;
	case SA_JUMPED: return OBJECT_HELD | OBJECT_AGES;
	case SA_HELD:
	case SA_COPIED: break;
	}
	return OBJECT_HELD;
}

int sa_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room)
{
	struct heard h = { .has_keys = false };
	uint8_t op = op_of(nlh->nlmsg_type);
	bool whole;
	int result;

	if (nlh->nlmsg_type == XFRM_MSG_FLUSHSA)
		return -ESTALE;
	if (op == 0)
		return -ENOMSG;
	result = op == OBJECT_CHANGE ? hear_numbers(nlh, &h) : hear_info(nlh, &h);
	if (result != 0)
		return result;
	if (is_left_out(host, &h, op))
		return -ENOMSG;
	*ret = (struct object){ .kind = OBJECT_SA, .op = op, .key = room };
	ret->key_len = (uint8_t)put_key(&h, room);
	ret->value = room + ret->key_len;
	whole = op == OBJECT_WHOLE || (op == OBJECT_REMOVE && h.has_keys);
	if (op == OBJECT_REMOVE && !whole)
		return 0;
	ret->value_len = (uint16_t)put_value(&h, whole, ret, room + ret->key_len);
	if (ret->value_len == 0)
		return -EBADMSG;
	if (op == OBJECT_WHOLE)
		ret->marks = marks_of(sa_stage(&h.info.curlft));
	return 0;
}
