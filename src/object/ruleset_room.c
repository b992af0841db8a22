/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_room.h"

#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_MAX = 256 };

void ruleset_room_free(struct ruleset_room *r)
{
	free(r->data);
	*r = (struct ruleset_room){ .data = NULL };
}

uint8_t *ruleset_room_grow(struct ruleset_room *r, size_t len)
{
	size_t max = r->max > 0 ? r->max : FIRST_MAX;

	if (r->failed)
		return NULL;
	while (max - r->len < len)
		max *= 2;
	if (max != r->max) {
		uint8_t *data = realloc(r->data, max);

		if (!data) {
			r->failed = true;
			return NULL;
		}
		r->data = data;
		r->max = max;
	}
	r->len += len;
	return r->data + r->len - len;
}

void ruleset_room_put(struct ruleset_room *r, const void *data, size_t len)
{
	uint8_t *at = ruleset_room_grow(r, len);

	if (at && len > 0)
		memcpy(at, data, len);
}

void ruleset_room_attr(struct ruleset_room *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr header = { .nla_type = type };
	size_t padded = (len + NLA_ALIGNTO - 1) & ~(size_t)(NLA_ALIGNTO - 1);

	if (len > UINT16_MAX - sizeof(header)) {
		r->failed = true;
		return;
	}
	header.nla_len = (uint16_t)(sizeof(header) + len);
	uint8_t *at = ruleset_room_grow(r, sizeof(header) + padded);

	if (!at)
		return;
	memcpy(at, &header, sizeof(header));
	if (len > 0)
		memcpy(at + sizeof(header), data, len);
	memset(at + sizeof(header) + len, 0, padded - len);
}

void ruleset_room_u32(struct ruleset_room *r, uint16_t type, uint32_t value)
{
	value = htobe32(value);
	ruleset_room_attr(r, type, &value, sizeof(value));
}

void ruleset_room_u64(struct ruleset_room *r, uint16_t type, uint64_t value)
{
	value = htobe64(value);
	ruleset_room_attr(r, type, &value, sizeof(value));
}

void ruleset_room_text(struct ruleset_room *r, uint16_t type, const char *text)
{
	ruleset_room_attr(r, type, text, strlen(text) + 1);
}

size_t ruleset_room_open(struct ruleset_room *r, uint16_t type)
{
	size_t nest = r->len;

	ruleset_room_attr(r, type, NULL, 0);
	return nest;
}

void ruleset_room_close(struct ruleset_room *r, size_t nest)
{
	size_t len = r->len - nest;

	if (r->failed || len > UINT16_MAX) {
		r->failed = true;
		return;
	}
	uint16_t nla_len = (uint16_t)len;

	memcpy(r->data + nest + offsetof(struct nlattr, nla_len), &nla_len, sizeof(nla_len));
}

size_t ruleset_room_message(
	struct ruleset_room *r, uint8_t type, uint16_t flags, uint8_t family, uint32_t seq)
{
	struct nlmsghdr header = {
		.nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = seq,
	};
	struct nfgenmsg generic = { .nfgen_family = family, .version = NFNETLINK_V0 };
	size_t message = r->len;

	ruleset_room_put(r, &header, sizeof(header));
	ruleset_room_put(r, &generic, sizeof(generic));
	return message;
}

void ruleset_room_message_end(struct ruleset_room *r, size_t message)
{
	uint32_t len = (uint32_t)(r->len - message);

	if (!r->failed)
		memcpy(r->data + message + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
}
