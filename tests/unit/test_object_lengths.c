/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: lengths.c */
#include "object_fixture.h"

#include <arpa/inet.h>

#include "object/policy.h"

static struct object_lengths lengths;

/* A policy of IPv4 or IPv6 from a local prefix to a remote one, seen in that direction. */
static bool add(uint8_t dir, uint16_t family, uint8_t local, uint8_t remote)
{
	bool out = dir == XFRM_POLICY_OUT;
	struct policy p = { .dir = dir,
		.sel = { .family = family,
			.prefixlen_s = out ? local : remote,
			.prefixlen_d = out ? remote : local } };
	uint8_t key[OBJECT_KEY_MAX];

	return object_lengths_add(&lengths, span_of(key, policy_encode_key(&p, key)));
}

static void add_many(unsigned n, uint16_t family, uint8_t local, uint8_t remote)
{
	for (unsigned i = 0; i < n; i++)
		(void)add((uint8_t)(i % 3), family, local, remote);
}

struct lowered {
	bool any;
	struct xfrmu_spdhthresh v4, v6; /* zero: not told */
};

/* What the kernel is told, whose thresholds are these. */
static struct lowered lowered_from(uint8_t l4, uint8_t r4, uint8_t l6, uint8_t r6)
{
	_Alignas(8) uint8_t answer[OBJECT_NETLINK_MAX], room[OBJECT_NETLINK_MAX];
	const struct xfrmu_spdhthresh v4 = { l4, r4 }, v6 = { l6, r6 };
	const uint32_t flags = 0;
	struct message m = xfrm_start(answer, XFRM_MSG_NEWSPDINFO, 0, &flags, sizeof(flags));
	struct lowered ret = { .any = false };
	struct attrs in;
	struct attr a;

	attr_put(&m, XFRMA_SPD_IPV4_HTHRESH, &v4, sizeof(v4));
	attr_put(&m, XFRMA_SPD_IPV6_HTHRESH, &v6, sizeof(v6));
	(void)message_end(&m);
	int len = object_put_thresholds(&lengths, (const struct nlmsghdr *)(void *)answer, room);
	const struct nlmsghdr *nlh = (const void *)room;

	if (len == 0)
		return ret;
	assert_int_equal(len, nlh->nlmsg_len);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_NEWSPDINFO);
	assert_true(xfrm_attrs_of(nlh, sizeof(flags), &in));
	while (attr_next(&in, &a)) {
		ret.any = true;
		memcpy(a.type == XFRMA_SPD_IPV4_HTHRESH ? &ret.v4 : &ret.v6, a.data, sizeof(v4));
	}
	return ret;
}

static int forget(void **state)
{
	(void)state;
	memset(&lengths, 0, sizeof(lengths));
	return 0;
}

static void many_policies_are_found_by_the_hash(void **state)
{
	struct lowered t;

	(void)state;
	add_many(OBJECT_LENGTHS_MANY, AF_INET, 16, 24);
	add_many(OBJECT_LENGTHS_MANY, AF_INET6, 48, 64);
	t = lowered_from(32, 32, 128, 128);
	assert_true(t.any);
	assert_int_equal(t.v4.lbits, 16);
	assert_int_equal(t.v4.rbits, 24);
	assert_int_equal(t.v6.lbits, 48);
	assert_int_equal(t.v6.rbits, 64);
}

static void few_policies_change_nothing(void **state)
{
	(void)state;
	add_many(OBJECT_LENGTHS_MANY - 1, AF_INET, 16, 24);
	assert_false(lowered_from(32, 32, 128, 128).any);
}

static void a_threshold_is_never_raised(void **state)
{
	struct lowered t;

	(void)state;
	add_many(OBJECT_LENGTHS_MANY, AF_INET, 16, 24);
	assert_false(lowered_from(16, 24, 128, 128).any);
	assert_false(lowered_from(8, 8, 128, 128).any);
	t = lowered_from(8, 32, 128, 128);
	assert_int_equal(t.v4.lbits, 8);
	assert_int_equal(t.v4.rbits, 24);
	assert_int_equal(t.v6.rbits, 0);
}

static void some_with_shorter_prefixes_do_not_spoil_the_hash(void **state)
{
	struct lowered t;

	(void)state;
	add_many(500, AF_INET, 24, 24);
	add_many(30, AF_INET, 0, 0);
	t = lowered_from(32, 32, 128, 128);
	assert_int_equal(t.v4.lbits, 24);
	assert_int_equal(t.v4.rbits, 24);
	/* More of them: by the remote prefix alone. */
	add_many(30, AF_INET, 0, 24);
	t = lowered_from(32, 32, 128, 128);
	assert_int_equal(t.v4.lbits, 0);
	assert_int_equal(t.v4.rbits, 24);
}

static void a_hash_that_tells_nothing_apart_is_none(void **state)
{
	(void)state;
	add_many(1000, AF_INET, 24, 0);
	assert_false(lowered_from(32, 32, 128, 128).any);
}

static void it_is_looked_at_once_for_each_doubling(void **state)
{
	unsigned looks = 0;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		looks += add(XFRM_POLICY_FWD, AF_INET, 24, 24);
	assert_int_equal(looks, 5); /* 256, 512, 1024, 2048, 4096 */
	assert_false(object_lengths_add(&lengths, span_of(NULL, 0)));
}

static void another_answer_changes_nothing(void **state)
{
	_Alignas(8) uint8_t answer[OBJECT_NETLINK_MAX], room[OBJECT_NETLINK_MAX];
	struct nlmsghdr *nlh = (void *)answer;

	(void)state;
	add_many(1000, AF_INET, 24, 24);
	assert_true(object_put_ask_thresholds(answer) > 0);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_GETSPDINFO);
	assert_int_equal(object_put_thresholds(&lengths, nlh, room), 0);
	nlh->nlmsg_type = XFRM_MSG_NEWSPDINFO;
	nlh->nlmsg_len = NLMSG_HDRLEN;
	assert_int_equal(object_put_thresholds(&lengths, nlh, room), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(many_policies_are_found_by_the_hash, forget),
		cmocka_unit_test_setup(few_policies_change_nothing, forget),
		cmocka_unit_test_setup(a_threshold_is_never_raised, forget),
		cmocka_unit_test_setup(some_with_shorter_prefixes_do_not_spoil_the_hash, forget),
		cmocka_unit_test_setup(a_hash_that_tells_nothing_apart_is_none, forget),
		cmocka_unit_test_setup(it_is_looked_at_once_for_each_doubling, forget),
		cmocka_unit_test_setup(another_answer_changes_nothing, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
