/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of src/object share: a host, a message parsed, a message told.
 */
#ifndef OBJECT_FIXTURE_H
#define OBJECT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "object/ct.h"
#include "object_samples.h"

/* A host with no addresses of its own, two interfaces and the kernel's default timeouts. */
/* The first group's addresses. */
static const struct conf_ip tunnels_end_at[] = {
	{ .family = AF_INET, .bytes = { 10, 78, 0, 1 } },
	{ .family = AF_INET6, .bytes = { 0xfd, 0x78, [15] = 1 } },
};

static inline struct object_host *host_of_test(void)
{
	static struct object_host host;

	memset(&host, 0, sizeof(host));
	host.hold_s = 600;
	host.n_interfaces = 2;
	host.interface[0] = (struct object_interface){ "wan", 2 };
	host.interface[1] = (struct object_interface){ "lan", 3 };
	host.timeouts = (struct object_timeouts){
		.tcp = { 0, 120, 60, 432000, 120, 60, 30, 120, 10, 0 },
		.udp = 30,
		.udp_stream = 120,
		.icmp = 30,
		.icmpv6 = 30,
		.generic = 600,
		.gre = 30,
		.gre_stream = 180,
		.sctp = { 0, 10, 3, 3, 210, 3, 3, 3, 30, 30 },
	};
	for (unsigned i = 0; i < 2; i++)
		(void)object_own_add(&host.first, &tunnels_end_at[i]);
	return &host;
}

/* An object that owns its bytes. */
struct parsed {
	int err;
	struct object object;
	uint8_t room[OBJECT_KEY_MAX + OBJECT_VALUE_MAX];
};

static inline const struct object_ops *ops_for(const struct sample *s)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)s->at;
	uint8_t kind = nlh->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK       ? OBJECT_CONNTRACK
		       : nlh->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK_EXP ? OBJECT_EXPECTATION
									   : OBJECT_NEIGHBOUR;

	return object_ops_of(kind);
}

static inline void parse_with(
	const struct object_host *host, const struct sample *s, struct parsed *ret)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)s->at;

	memset(ret, 0, sizeof(*ret));
	ret->err = ops_for(s)->parse(host, nlh, &ret->object, ret->room);
	if (ret->err == 0)
		assert_int_equal(ret->object.kind, ops_for(s)->kind);
}

static inline void parse_hex(const char *hex, struct parsed *ret)
{
	struct sample s = sample_of(hex);

	parse_with(host_of_test(), &s, ret);
	assert_int_equal(ret->err, 0);
}

static inline struct span key_of(const struct parsed *p)
{
	return span_of(p->object.key, p->object.key_len);
}

static inline struct span value_of(const struct parsed *p)
{
	return span_of(p->object.value, p->object.value_len);
}

static inline struct ct_session session_of(const struct parsed *p)
{
	struct ct_session s;

	memset(&s, 0, sizeof(s));
	assert_int_equal(ct_decode(key_of(p), value_of(p), &s), 0);
	return s;
}

/* The message that tells `op`. */
static inline struct sample told(
	const struct object_host *host, enum object_op op, const struct parsed *p)
{
	struct sample s = { .len = 0 };
	int len = object_ops_of(p->object.kind)
			  ->put_order(
				  host, op, key_of(p), value_of(p), memset(s.at, 0xaa, SAMPLE_MAX));

	assert_in_range(len, 0, SAMPLE_MAX);
	s.len = (size_t)len;
	if (len > 0)
		assert_int_equal(((const struct nlmsghdr *)s.at)->nlmsg_len, len);
	return s;
}

/* An attribute by its path of types, ended by 0; .data NULL when there is none. */
static inline struct attr attr_at(const struct sample *s, const uint16_t *path)
{
	struct attrs in = attrs_of((const struct nlmsghdr *)s->at);
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type != path[0])
			continue;
		if (path[1] == 0)
			return a;
		in = attrs_in(&a);
		path++;
	}
	assert_false(in.bad);
	return (struct attr){ 0 };
}

#define ATTR(sample, ...) attr_at(sample, (const uint16_t[]){ __VA_ARGS__, 0 })

static inline uint32_t number_at(const struct attr a)
{
	assert_non_null(a.data);
	return a.len >= 4 ? attr_be32(a.data) : a.len >= 2 ? attr_be16(a.data) : a.data[0];
}

static inline void assert_bytes(struct span bytes, const char *hex)
{
	struct sample s = sample_of(hex);

	assert_int_equal(bytes.len, s.len);
	assert_memory_equal(bytes.data, s.at, s.len);
}

#endif
