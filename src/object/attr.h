/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attr: netlink attributes, read and written in place.
 *
 * libmnl's format with everything inline: a session has some thirty attributes, and a call for
 * each of their parts is what reading one would cost most.
 */
#ifndef NSRP_OBJECT_ATTR_H
#define NSRP_OBJECT_ATTR_H

#include <assert.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "nsrp/object.h"

static inline size_t attr_align(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* One attribute, or the attributes below one. Borrowed from the message. */
struct attr {
	uint16_t type, len; /* len: of data */
	const uint8_t *data;
};

/* Attributes in a row. `bad` once a length was wrong; then there are no more. */
struct attrs {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct attrs attrs_in(const struct attr *nest)
{
	return (struct attrs){ nest->data, nest->data + nest->len, false };
}

/* The attributes of a message of nfnetlink whose length has been checked. */
static inline struct attrs attrs_of(const struct nlmsghdr *nlh)
{
	const uint8_t *start = (const uint8_t *)nlh;

	return (struct attrs){ start + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg)),
		start + nlh->nlmsg_len, false };
}

/* False at the end, and at the first attribute that is not well-formed. */
static inline bool attr_next(struct attrs *in, struct attr *ret)
{
	struct nlattr header;
	size_t left = (size_t)(in->end - in->at);

	if (left < sizeof(header)) {
		in->bad |= left != 0;
		return false;
	}
	memcpy(&header, in->at, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > left) {
		in->bad = true;
		return false;
	}
	ret->type = header.nla_type & (uint16_t)NLA_TYPE_MASK;
	ret->len = (uint16_t)(header.nla_len - sizeof(header));
	ret->data = in->at + sizeof(header);
	in->at = attr_align(header.nla_len) < left ? in->at + attr_align(header.nla_len) : in->end;
	return true;
}

/* Whether it is that text, with its NUL. */
static inline bool attr_is_text(const struct attr *a, const char *text)
{
	size_t len = strlen(text);

	return a->len == len + 1 && memcmp(a->data, text, len + 1) == 0;
}

static inline uint16_t attr_be16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static inline uint32_t attr_be32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

/* A message in the making, in OBJECT_NETLINK_MAX bytes. No kind's largest comes near that. */
struct message {
	uint8_t *start, *at;
};

static inline struct message message_start(
	void *room, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr header = { .nlmsg_type = type, .nlmsg_flags = flags };
	struct nfgenmsg generic = { .nfgen_family = family, .version = NFNETLINK_V0 };
	struct message m = { .start = room, .at = room };

	memcpy(m.at, &header, sizeof(header));
	memcpy(m.at + NLMSG_HDRLEN, &generic, sizeof(generic));
	m.at += NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(generic));
	return m;
}

/* Its length, which its header has from now on. */
static inline int message_end(const struct message *m)
{
	uint32_t len = (uint32_t)(m->at - m->start);

	assert(len <= OBJECT_NETLINK_MAX);
	memcpy(m->start + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
	return (int)len;
}

static inline void attr_put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr header = { .nla_len = (uint16_t)(sizeof(header) + len), .nla_type = type };
	size_t padded = attr_align(len);

	assert((size_t)(m->at - m->start) + sizeof(header) + padded <= OBJECT_NETLINK_MAX);
	memcpy(m->at, &header, sizeof(header));
	m->at += sizeof(header);
	if (padded != len)
		memset(m->at + padded - 4, 0, 4);
	if (len > 0) /* a nest that is begun has no data */
		memcpy(m->at, data, len);
	m->at += padded;
}

static inline void attr_put_u8(struct message *m, uint16_t type, uint8_t v)
{
	attr_put(m, type, &v, 1);
}

static inline void attr_put_be16(struct message *m, uint16_t type, uint16_t v)
{
	const uint8_t data[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	attr_put(m, type, data, sizeof(data));
}

static inline void attr_put_be32(struct message *m, uint16_t type, uint32_t v)
{
	const uint8_t data[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		(uint8_t)v };

	attr_put(m, type, data, sizeof(data));
}

/* Opens a nest; attr_end() takes what this returns. */
static inline uint8_t *attr_begin(struct message *m, uint16_t type)
{
	uint8_t *nest = m->at;

	attr_put(m, type | NLA_F_NESTED, "", 0);
	return nest;
}

static inline void attr_end(const struct message *m, uint8_t *nest)
{
	uint16_t len = (uint16_t)(m->at - nest);

	memcpy(nest + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

#endif
