/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtnl_fixture.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

static void put_address(struct rtnl *r, uint16_t type, uint8_t last, uint32_t ifindex, uint32_t tag)
{
	const uint8_t ip[4] = { 192, 0, 2, last };
	struct nlmsghdr *nlh =
		rtnl_add(r, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0, tag);
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));

	message->ifa_family = AF_INET;
	message->ifa_prefixlen = 24;
	message->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, sizeof(ip), ip);
	mnl_attr_put(nlh, IFA_ADDRESS, sizeof(ip), ip);
}

static void each_refusal_belongs_to_its_message(void **state)
{
	uint32_t v0;
	RTNL(r);

	v0 = if_nametoindex("v0");
	rtnl_begin(r);
	put_address(r, RTM_NEWADDR, 1, v0, 100);
	put_address(r, RTM_NEWADDR, 1, v0, 101);     /* there already */
	put_address(r, RTM_NEWADDR, 2, 999999, 102); /* nowhere */
	put_address(r, RTM_NEWADDR, 3, v0, 103);
	assert_int_equal(rtnl_send(r), 0);
	assert_int_equal(rtnl_count(r), 4);
	assert_int_equal(rtnl_outcome(r, 0)->error, 0);
	assert_int_equal(rtnl_outcome(r, 1)->error, -EEXIST);
	assert_int_equal(rtnl_outcome(r, 2)->error, -ENODEV);
	assert_int_equal(rtnl_outcome(r, 3)->error, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rtnl_outcome(r, i)->tag, 100 + i);
	assert_string_equal(rtnl_outcome(r, 0)->text, "");
	assert_string_equal(rtnl_outcome(r, 2)->text, "ipv4: Device not found");
	assert_says("ip addr show v0", "192.0.2.3/24");
	/* The last one's, too, and nothing of the batch before is left. */
	rtnl_begin(r);
	put_address(r, RTM_DELADDR, 3, v0, 0);
	put_address(r, RTM_DELADDR, 3, v0, 1);
	assert_int_equal(rtnl_send(r), 0);
	assert_int_equal(rtnl_outcome(r, 0)->error, 0);
	assert_int_equal(rtnl_outcome(r, 1)->error, -EADDRNOTAVAIL);
	rtnl_begin(r);
	assert_int_equal(rtnl_send(r), 0);
}

static void a_full_batch_of_refusals_gets_through(void **state)
{
	RTNL(r);

	for (unsigned round = 0; round < 3; round++) {
		rtnl_begin(r);
		for (unsigned i = 0; i < RTNL_BATCH_MAX; i++)
			put_address(r, RTM_NEWADDR, 1, 999999, i);
		assert_null(rtnl_add(r, RTM_NEWADDR, 0, 0));
		assert_int_equal(rtnl_send(r), 0);
		for (unsigned i = 0; i < RTNL_BATCH_MAX; i++)
			assert_int_equal(rtnl_outcome(r, i)->error, -ENODEV);
	}
}

struct count {
	unsigned starts, messages;
	int stop;
};

static int counted(void *user, const struct nlmsghdr *nlh)
{
	struct count *count = user;

	count->starts += !nlh;
	count->messages = nlh ? count->messages + 1 : 0;
	return nlh ? count->stop : 0;
}

static int dump_addresses(struct rtnl *r, struct count *count)
{
	const struct rtnl_reader reader = { .message = counted, .user = count };
	struct ifaddrmsg *message =
		mnl_nlmsg_put_extra_header(rtnl_ask(r, RTM_GETADDR), sizeof(*message));

	message->ifa_family = AF_INET;
	return rtnl_dump(r, &reader);
}

static void a_dump_of_many_datagrams_is_read_whole(void **state)
{
	struct count count = { .starts = 0 }, stopped = { .stop = -ECANCELED };
	RTNL(r);

	run("for i in $(seq 1 1000); do echo addr add 10.0.$((i / 250)).$((i % 250 + 1))/16 dev "
	    "v0; "
	    "done | ip -batch -");
	assert_int_equal(dump_addresses(r, &count), 0);
	assert_int_equal(count.messages, 1001); /* and the loopback's */
	assert_int_equal(count.starts, 1);
	/* Broken off half-way, the next question is answered all the same. */
	assert_int_equal(dump_addresses(r, &stopped), -ECANCELED);
	assert_int_equal(dump_addresses(r, &count), 0);
	assert_int_equal(count.messages, 1001);
}

static void the_kernels_refusal_of_a_question_is_its_result(void **state)
{
	struct count count = { .starts = 0 };
	const struct rtnl_reader reader = { .message = counted, .user = &count };
	struct ifinfomsg *info;
	RTNL(r);

	info = mnl_nlmsg_put_extra_header(rtnl_ask(r, RTM_GETLINK), sizeof(*info));
	info->ifi_index = 999999;
	assert_int_equal(rtnl_get(r, &reader), -ENODEV);
	info = mnl_nlmsg_put_extra_header(rtnl_ask(r, RTM_GETLINK), sizeof(*info));
	info->ifi_index = (int)if_nametoindex("v0");
	assert_int_equal(rtnl_get(r, &reader), 0);
	assert_int_equal(count.messages, 1);
	/* The strict check: a header that is not filled as it must be. */
	info = mnl_nlmsg_put_extra_header(rtnl_ask(r, RTM_GETLINK), sizeof(*info));
	info->ifi_change = 1;
	assert_int_equal(rtnl_dump(r, &reader), -EINVAL);
}

/* ---- attributes, without a kernel ---------------------------------------------------------- */

static void attributes_of_a_cut_message_stay_inside_it(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[256];
	const struct nlattr *table[IFA_PROTO + 1];
	struct nlmsghdr *nlh;

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	nlh = mnl_nlmsg_put_header(bytes);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	mnl_attr_put_u32(nlh, IFA_LOCAL, 7);
	mnl_attr_put_u8(nlh, IFA_PROTO, 9);
	mnl_attr_put_u32(nlh, 4000, 1); /* of a newer kernel */
	assert_true(rtnl_attributes(nlh, sizeof(struct ifaddrmsg), table, IFA_PROTO));
	assert_int_equal(rtnl_u32(table[IFA_LOCAL], 0), 7);
	assert_int_equal(rtnl_u8(table[IFA_PROTO], 0), 9);
	assert_int_equal(rtnl_u32(table[IFA_PROTO], 5), 5); /* not of that size */
	assert_int_equal(rtnl_u32(table[IFA_ADDRESS], 6), 6);
	for (uint32_t len = 0; len < nlh->nlmsg_len; len++) {
		struct nlmsghdr cut = *nlh;
		uint8_t exact[256];

		cut.nlmsg_len = len;
		memcpy(exact, bytes, sizeof(exact));
		memcpy(bytes, &cut, sizeof(cut));
		if (rtnl_attributes((const struct nlmsghdr *)(void *)bytes,
			    sizeof(struct ifaddrmsg), table, IFA_PROTO))
			assert_true(len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)));
		if (table[IFA_LOCAL])
			assert_true(len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) + 8);
		memcpy(bytes, exact, sizeof(exact));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rtnl_set_up, rtnl_tear_down)
	const struct CMUnitTest tests[] = {
		T(each_refusal_belongs_to_its_message),
		T(a_full_batch_of_refusals_gets_through),
		T(a_dump_of_many_datagrams_is_read_whole),
		T(the_kernels_refusal_of_a_question_is_its_result),
		cmocka_unit_test(attributes_of_a_cut_message_stay_inside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
