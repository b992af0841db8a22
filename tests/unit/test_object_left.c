/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: left.c */
#include "object_fixture.h"

#include <arpa/inet.h>

#include "object/policy.h"
#include "object/sa.h"
#include "xfrm_samples.h"

static const struct nlmsghdr *message_of(const struct sample *s)
{
	return (const struct nlmsghdr *)s->at;
}

static struct sample sa_made_at(uint64_t time)
{
	struct sample s = sample_of(SA_GCM_DUMPED);

	((struct xfrm_usersa_info *)(void *)(s.at + NLMSG_HDRLEN))->curlft.add_time = time;
	return s;
}

/* As the kernel has it after an order. */
static struct sample policy_told(enum object_op op, const char *hex)
{
	struct sample s = sample_of(hex), told = { .len = 0 };
	struct parsed p = { .err = 0 };

	assert_int_equal(policy_ops.parse(host_of_test(), message_of(&s), &p.object, p.room), 0);
	told.len =
		(size_t)policy_ops.put_order(host_of_test(), op, key_of(&p), value_of(&p), told.at);
	((struct nlmsghdr *)(void *)told.at)->nlmsg_type = XFRM_MSG_NEWPOLICY;
	return told;
}

static enum object_left left_of(const struct sample *s, struct object_ends *ret)
{
	memset(ret, 0xaa, sizeof(*ret));
	return object_left_of(message_of(s), ret);
}

static void what_the_peer_told_of_and_is_held_goes(void **state)
{
	struct sample s = sa_made_at(SA_TIME_COPIED + 1000);
	struct object_ends ends;

	(void)state;
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_GOES);
	s = policy_told(OBJECT_CREATE, POLICY_OUT);
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_GOES);
	s = policy_told(OBJECT_CHANGE, POLICY_FWD);
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_GOES);
}

static void what_this_node_made_or_sent_by_stays(void **state)
{
	static const uint64_t times[] = { 1000, SA_TIME_JUMPED + 1000, SA_TIME_HELD + 1000 };
	struct object_ends ends;
	struct sample s;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(times); i++) {
		s = sa_made_at(times[i]);
		assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_STAYS);
	}
	s = sample_of(POLICY_OUT);
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_STAYS);
	s = policy_told(OBJECT_SETTLE, POLICY_OUT);
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_STAYS);
	s = sample_of(POLICY_OUT_GONE);
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_STAYS);
	assert_int_equal(object_put_leave(message_of(&s), s.at), 0);
}

static void policies_of_the_same_tunnel_follow(void **state)
{
	struct object_ends ends, held, in, sa;
	struct sample s = policy_told(OBJECT_CREATE, POLICY_OUT);

	(void)state;
	assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_GOES);
	s = policy_told(OBJECT_HOLD, POLICY_OUT);
	assert_int_equal(left_of(&s, &held), OBJECT_LEFT_FOLLOWS);
	assert_memory_equal(&ends, &held, sizeof(ends));
	s = sa_made_at(SA_TIME_COPIED);
	assert_int_equal(left_of(&s, &sa), OBJECT_LEFT_GOES);
	assert_memory_equal(&ends, &sa, sizeof(ends));
	/* Its ends are the other way round. */
	s = sample_of(POLICY_OUT);
	((struct xfrm_userpolicy_info *)(void *)(s.at + NLMSG_HDRLEN))->dir = XFRM_POLICY_IN;
	assert_int_equal(left_of(&s, &in), OBJECT_LEFT_FOLLOWS);
	assert_memory_equal(&ends, &in, sizeof(ends));
	/* Of a socket. */
	((struct xfrm_userpolicy_info *)(void *)(s.at + NLMSG_HDRLEN))->dir = 3;
	assert_int_equal(left_of(&s, &in), OBJECT_LEFT_STAYS);
}

static void it_is_removed_by_its_name(void **state)
{
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	const struct nlmsghdr *nlh = (const void *)room;
	struct sample s = policy_told(OBJECT_CREATE, POLICY_FWD);
	int len = object_put_leave(message_of(&s), room);
	struct xfrm_userpolicy_id policy;
	struct xfrm_usersa_id sa;

	(void)state;
	assert_int_equal(len, nlh->nlmsg_len);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_DELPOLICY);
	memcpy(&policy, room + NLMSG_HDRLEN, sizeof(policy));
	assert_int_equal(policy.dir, XFRM_POLICY_FWD);
	assert_int_equal(policy.sel.proto, 6);
	/* With the mark and the if_id. */
	assert_int_equal(nlh->nlmsg_len, NLMSG_HDRLEN + sizeof(policy) + 12 + 8);
	s = sa_made_at(SA_TIME_COPIED);
	len = object_put_leave(message_of(&s), room);
	assert_int_equal(len, nlh->nlmsg_len);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_DELSA);
	memcpy(&sa, room + NLMSG_HDRLEN, sizeof(sa));
	assert_int_equal(ntohl(sa.spi), 0x1001);
	assert_int_equal(sa.proto, IPPROTO_ESP);
}

static void what_is_cut_short_stays(void **state)
{
	struct sample s = policy_told(OBJECT_CREATE, POLICY_OUT);
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	struct object_ends ends;

	(void)state;
	for (unsigned len = NLMSG_HDRLEN; len < NLMSG_HDRLEN + sizeof(struct xfrm_userpolicy_info);
		len++) {
		((struct nlmsghdr *)(void *)s.at)->nlmsg_len = len;
		assert_int_equal(left_of(&s, &ends), OBJECT_LEFT_STAYS);
		assert_int_equal(object_put_leave(message_of(&s), room), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_peer_told_of_and_is_held_goes),
		cmocka_unit_test(what_this_node_made_or_sent_by_stays),
		cmocka_unit_test(policies_of_the_same_tunnel_follow),
		cmocka_unit_test(it_is_removed_by_its_name),
		cmocka_unit_test(what_is_cut_short_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
