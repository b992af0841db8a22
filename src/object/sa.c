/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SAs: the security associations of IPsec, with their keys, replay state and limits.
 *
 * Key: family (1: 4 or 6; 16: with a mark), protocol (1), SPI (4), destination, mark and mask (4
 * each). Value: xfrm.h.
 */
#include "sa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "text.h"
#include "tuple.h"

static bool decode_key(struct span key, struct sa *ret)
{
	struct bytes r = bytes_of(key);
	uint8_t first = bytes_take_8(&r);

	ret->family = (first & 0x0f) == 4 ? AF_INET : AF_INET6;
	ret->proto = bytes_take_8(&r);
	bytes_take_to(&r, &ret->spi, sizeof(ret->spi));
	bytes_take_to(&r, &ret->daddr, xfrm_address_len(ret->family));
	if (first & 0x10) {
		ret->mark.v = bytes_take_32(&r);
		ret->mark.m = bytes_take_32(&r);
	}
	return !r.bad && r.at == r.end && ((first & ~0x10) == 4 || (first & ~0x10) == 6) &&
	       !(first & 0x10) == !(ret->mark.v | ret->mark.m);
}

static bool take_moving(struct sa *sa)
{
	struct attrs in = xfrm_moving(&sa->value);
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == XFRMA_LTIME_VAL && a.len == sizeof(sa->times)) {
			memcpy(&sa->times, a.data, sizeof(sa->times));
			sa->has_times = true;
		} else if (a.type == XFRMA_REPLAY_VAL && a.len == sizeof(sa->replay)) {
			memcpy(&sa->replay, a.data, sizeof(sa->replay));
			sa->has_replay = true;
		} else if (a.type == XFRMA_REPLAY_ESN_VAL &&
			   a.len >= sizeof(struct xfrm_replay_state_esn) && sa->esn == NULL) {
			sa->esn = a.data;
			sa->esn_len = a.len;
		} else {
			return false;
		}
	}
	return sa->has_times && sa->has_replay == (sa->esn == NULL);
}

int sa_decode(struct span key, struct span value, struct sa *ret)
{
	memset(ret, 0, offsetof(struct sa, value));
	ret->value.whole = false;
	ret->value.len = ret->value.moving_len = 0;
	if (!decode_key(key, ret))
		return -EBADMSG;
	if (value.len == 0)
		return 0;
	if (xfrm_value_take(value, sizeof(ret->info), &ret->value) != 0 || !take_moving(ret))
		return -EBADMSG;
	if (!ret->value.whole)
		return 0;
	memcpy(&ret->info, xfrm_fixed(&ret->value), sizeof(ret->info));
	if (ret->info.family != ret->family || ret->info.id.proto != ret->proto ||
		ret->info.id.spi != ret->spi ||
		memcmp(&ret->info.id.daddr, &ret->daddr, xfrm_address_len(ret->family)) != 0)
		return -EBADMSG;
	return 0;
}

enum sa_stage sa_stage(const struct xfrm_lifetime_cur *times)
{
	return times->add_time >= SA_TIME_COPIED   ? SA_COPIED
	       : times->add_time >= SA_TIME_HELD   ? SA_HELD
	       : times->add_time >= SA_TIME_JUMPED ? SA_JUMPED
						   : SA_LIVE;
}

uint64_t sa_number(const uint8_t *esn, const struct xfrm_replay_state *replay)
{
	struct xfrm_replay_state_esn long_form;

	if (esn == NULL)
		return replay->oseq;
	memcpy(&long_form, esn, sizeof(long_form));
	return (uint64_t)long_form.oseq_hi << 32 | long_form.oseq;
}

uint16_t sa_block(uint64_t number)
{
	return (uint16_t)(number / SA_JUMP);
}

uint32_t sa_print_of(const struct xfrm_value *v)
{
	return object_hash(0, xfrm_fixed(v), v->len - v->moving_len);
}

static int sa_describe(struct span key, struct span value, struct object *ret)
{
	struct sa sa;

	if (value.len == 0 || sa_decode(key, value, &sa) != 0)
		return -EBADMSG;
	/* What moves is in no print: it is told, and never compared. */
	ret->known = 0;
	ret->state = sa_block(sa_number(sa.esn, &sa.replay));
	if (!sa.value.whole)
		return 0;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE;
	ret->base = sa_print_of(&sa.value);
	return 0;
}

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_ESP: return "esp";
	case IPPROTO_AH: return "ah";
	case IPPROTO_COMP: return "comp";
	default: return "?";
	}
}

static void add_algorithms(struct text *t, const struct sa *sa)
{
	struct attrs in = xfrm_rest(&sa->value, sizeof(sa->info));
	struct attr a;

	while (attr_next(&in, &a)) {
		bool names = a.type == XFRMA_ALG_AEAD || a.type == XFRMA_ALG_CRYPT ||
			     a.type == XFRMA_ALG_AUTH || a.type == XFRMA_ALG_AUTH_TRUNC ||
			     a.type == XFRMA_ALG_COMP;

		/* The name alone: the key stands behind it. */
		if (names && a.len >= sizeof(struct xfrm_algo))
			text_add(t, " %.64s", (const char *)a.data);
	}
}

static void add_numbers(struct text *t, const struct sa *sa)
{
	struct xfrm_replay_state_esn esn = { 0 };

	if (sa->esn != NULL) {
		memcpy(&esn, sa->esn, sizeof(esn));
		text_add(t, " out %llu in %llu",
			(unsigned long long)((uint64_t)esn.oseq_hi << 32 | esn.oseq),
			(unsigned long long)((uint64_t)esn.seq_hi << 32 | esn.seq));
	} else {
		text_add(t, " out %u in %u", sa->replay.oseq, sa->replay.seq);
	}
}

static void sa_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX])
{
	static const char *const stages[] = { "", " jumped", " held", " copied" };
	struct text t = text_in(text);
	struct sa sa;
	char address[48];

	if (sa_decode(key, value, &sa) != 0) {
		text_add(&t, "malformed");
		return;
	}
	tuple_print_address((uint8_t)sa.family, (const uint8_t *)&sa.daddr, address);
	text_add(&t, "to %s %s spi 0x%08x", address, proto_name(sa.proto), ntohl(sa.spi));
	if (sa.mark.m != 0 || sa.mark.v != 0)
		text_add(&t, " mark 0x%x/0x%x", sa.mark.v, sa.mark.m);
	if (sa.value.whole) {
		tuple_print_address((uint8_t)sa.family, (const uint8_t *)&sa.info.saddr, address);
		text_add(&t, " from %s mode %u reqid %u", address, sa.info.mode, sa.info.reqid);
		add_algorithms(&t, &sa);
	}
	if (value.len == 0)
		return;
	add_numbers(&t, &sa);
	text_add(&t, "%s", stages[sa_stage(&sa.times)]);
}

static const uint32_t groups[] = { XFRMNLGRP_SA, XFRMNLGRP_EXPIRE, XFRMNLGRP_AEVENTS, 0 };

const struct object_ops sa_ops = {
	.name = "sa",
	.kind = OBJECT_SA,
	.order = 40,
	.nl_proto = NETLINK_XFRM,
	.nl_groups = groups,
	.parse = sa_parse,
	.describe = sa_describe,
	.put_dump = sa_put_dump,
	.put_get = sa_put_get,
	.put_order = sa_put_order,
	.print = sa_print,
};
