/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: policy.c policy_parse.c */
#include "object_fixture.h"

#include <errno.h>

#include "object/policy.h"
#include "xfrm_samples.h"

static const char *const samples[] = { POLICY_OUT, POLICY_FWD, POLICY_IN, POLICY_OUT_618,
	POLICY_FWD_618, POLICY_IN_618 };

static int hear(const struct object_host *h, const struct sample *s, struct parsed *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->err = policy_ops.parse(h, (const struct nlmsghdr *)s->at, &ret->object, ret->room);
	return ret->err;
}

static void hear_hex(const char *hex, struct parsed *ret)
{
	struct sample s = sample_of(hex);

	assert_int_equal(hear(host_of_test(), &s, ret), 0);
}

static struct sample tell(enum object_op op, const struct parsed *p)
{
	struct sample s = { .len = 0 };
	int len = policy_ops.put_order(
		host_of_test(), op, key_of(p), value_of(p), memset(s.at, 0xaa, SAMPLE_MAX));

	assert_in_range(len, 0, SAMPLE_MAX);
	s.len = (size_t)len;
	return s;
}

static uint16_t type_of(const struct sample *s)
{
	return ((const struct nlmsghdr *)s->at)->nlmsg_type;
}

static struct xfrm_userpolicy_info info_of(const struct sample *s)
{
	struct xfrm_userpolicy_info info;

	memcpy(&info, s->at + NLMSG_HDRLEN, sizeof(info));
	return info;
}

static void a_policy_is_named_by_what_it_is_for(void **state)
{
	struct parsed p;

	(void)state;
	hear_hex(POLICY_OUT, &p);
	assert_int_equal(p.object.kind, OBJECT_POLICY);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	assert_int_equal(p.object.marks, OBJECT_AGES);
	assert_bytes(key_of(&p), "04010000"
				 "1818"
				 "0000000000000000"
				 "0a4d0000"
				 "0a5a0100"
				 "00");
	hear_hex(POLICY_FWD, &p);
	assert_bytes(key_of(&p), "36020006"
				 "4040"
				 "000000000050ffff"
				 "fd900006000000000000000000000000"
				 "fd770000000000000000000000000000"
				 "00000007000000ff"
				 "00000009"
				 "00");
}

static void what_does_not_end_at_the_first_groups_addresses_is_the_nodes_own(void **state)
{
	struct object_host *host = host_of_test();
	struct parsed p;

	(void)state;
	object_own_clear(&host->first);
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct sample s = sample_of(samples[i]);

		assert_int_equal(hear(host, &s, &p), -ENOMSG);
	}
}

static void kernels_events_and_dumps_agree(void **state)
{
	struct parsed a, b;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		hear_hex(samples[i], &a);
		hear_hex(samples[i + 3], &b);
		assert_int_equal(a.object.key_len, b.object.key_len);
		assert_memory_equal(a.object.key, b.object.key, a.object.key_len);
		assert_int_equal(a.object.base, b.object.base);
	}
	hear_hex(POLICY_OUT, &a);
	hear_hex(POLICY_OUT_DUMPED, &b);
	assert_int_equal(a.object.base, b.object.base);
	hear_hex(POLICY_OUT_DUMPED_618, &b);
	assert_int_equal(a.object.base, b.object.base);
}

static void what_is_made_for_the_peer_is_what_was_parsed_and_held(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct parsed p, again;
		struct object o = { 0 };
		struct sample s;

		hear_hex(samples[i], &p);
		assert_int_equal(policy_ops.describe(key_of(&p), value_of(&p), &o), 0);
		assert_int_equal(o.base, p.object.base);
		s = tell(OBJECT_CREATE, &p);
		assert_int_equal(type_of(&s), XFRM_MSG_UPDPOLICY);
		assert_int_equal(hear(host_of_test(), &s, &again), 0);
		assert_int_equal(again.object.base, p.object.base);
		assert_memory_equal(again.object.key, p.object.key, p.object.key_len);
		assert_int_equal(again.object.marks, p.object.marks ? OBJECT_HELD : 0);
	}
}

static void what_is_held_lets_nothing_out_until_it_is_settled(void **state)
{
	struct parsed p, held;
	struct sample s;

	(void)state;
	hear_hex(POLICY_OUT, &p);
	s = tell(OBJECT_HOLD, &p);
	assert_int_equal(type_of(&s), XFRM_MSG_UPDPOLICY);
	assert_int_equal(info_of(&s).action, XFRM_POLICY_BLOCK);
	assert_int_equal(hear(host_of_test(), &s, &held), 0);
	s = tell(OBJECT_SETTLE, &held);
	assert_int_equal(type_of(&s), XFRM_MSG_UPDPOLICY);
	assert_int_equal(info_of(&s).action, XFRM_POLICY_ALLOW);
	assert_int_equal(info_of(&s).priority, 100);
	assert_true(info_of(&s).lft.soft_byte_limit == XFRM_INF);
}

static void limits_do_not_run_while_held_and_one_that_blocks_goes_on_blocking(void **state)
{
	struct parsed p, held;
	struct sample s;
	struct xfrm_userpolicy_info info;

	(void)state;
	hear_hex(POLICY_FWD, &p);
	s = tell(OBJECT_CREATE, &p);
	info = info_of(&s);
	assert_true(info.lft.hard_add_expires_seconds == 0);
	assert_int_equal(info.action, XFRM_POLICY_BLOCK);
	assert_int_equal(hear(host_of_test(), &s, &held), 0);
	s = tell(OBJECT_SETTLE, &held);
	assert_true(info_of(&s).lft.hard_add_expires_seconds == 100);
	assert_int_equal(info_of(&s).action, XFRM_POLICY_ALLOW);

	s = sample_of(POLICY_FWD);
	info.lft.hard_add_expires_seconds = 100;
	((struct xfrm_userpolicy_info *)(void *)(s.at + NLMSG_HDRLEN))->action = XFRM_POLICY_BLOCK;
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	s = tell(OBJECT_CREATE, &p);
	assert_int_equal(hear(host_of_test(), &s, &held), 0);
	s = tell(OBJECT_SETTLE, &held);
	assert_int_equal(info_of(&s).action, XFRM_POLICY_BLOCK);
	hear_hex(POLICY_IN, &p);
	assert_int_equal(p.object.marks, 0);
	s = tell(OBJECT_CREATE, &p);
	assert_int_equal(info_of(&s).action, XFRM_POLICY_BLOCK);
	assert_true(info_of(&s).lft.soft_byte_limit == XFRM_INF);
}

static void an_interface_goes_by_its_name(void **state)
{
	struct sample s = sample_of(POLICY_OUT);
	struct xfrm_userpolicy_info *info = (void *)(s.at + NLMSG_HDRLEN);
	struct object_host *host = host_of_test();
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	struct parsed p;

	(void)state;
	info->sel.ifindex = 3;
	assert_int_equal(hear(host, &s, &p), 0);
	host->interface[1].ifindex = 33;
	assert_true(policy_ops.put_order(host, OBJECT_CREATE, key_of(&p), value_of(&p), room) > 0);
	memcpy(&s.at, room, sizeof(s.at));
	assert_int_equal(info_of(&s).sel.ifindex, 33);
	host->n_interfaces = 1;
	assert_int_equal(
		policy_ops.put_order(host, OBJECT_CREATE, key_of(&p), value_of(&p), room), -ENODEV);
	assert_int_equal(
		policy_ops.put_order(host, OBJECT_REMOVE, key_of(&p), value_of(&p), room), 0);
	assert_int_equal(policy_ops.put_get(key_of(&p), room), 0);
	s = sample_of(POLICY_OUT);
	info->sel.ifindex = 99;
	assert_int_equal(hear(host_of_test(), &s, &p), -ENOMSG);
}

static void a_deletion_names_it_and_could_be_undone(void **state)
{
	struct parsed made, p;
	struct sample s;

	(void)state;
	hear_hex(POLICY_OUT, &made);
	hear_hex(POLICY_OUT_GONE, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_memory_equal(p.object.key, made.object.key, made.object.key_len);
	assert_int_equal(p.object.base, made.object.base);
	s = tell(OBJECT_REMOVE, &p);
	assert_int_equal(type_of(&s), XFRM_MSG_DELPOLICY);
	hear_hex(POLICY_OUT_GONE_618, &p);
	assert_memory_equal(p.object.key, made.object.key, made.object.key_len);
	s = sample_of(POLICY_FLUSHED);
	assert_int_equal(hear(host_of_test(), &s, &p), -ESTALE);
	assert_int_equal(tell(OBJECT_LOOSEN, &made).len, 0);
	assert_int_equal(tell(OBJECT_EVICT, &made).len, 0);
}

static void those_of_sockets_and_of_this_node_itself_stay_out(void **state)
{
	struct object_host *host = host_of_test();
	const struct conf_ip own = { .family = AF_INET, .bytes = { 10, 78, 0, 1 } };
	struct sample s = sample_of(POLICY_OUT);
	struct parsed p;

	(void)state;
	((struct xfrm_userpolicy_info *)(void *)(s.at + NLMSG_HDRLEN))->dir = 4;
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
	s = sample_of(POLICY_OUT);
	assert_true(object_own_add(&host->own, &own));
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
}

static void print_tells_it_and_what_is_cut_short_is_refused(void **state)
{
	char text[OBJECT_TEXT_MAX];
	struct object o = { 0 };
	struct parsed p;
	unsigned whole = 0;

	(void)state;
	hear_hex(POLICY_FWD, &p);
	policy_ops.print(key_of(&p), value_of(&p), text);
	assert_string_equal(text, "fwd src fd90:6::/64 dst fd77::/64 proto 6 dport 80 mark "
				  "0x7/0xff if_id 9 priority 0 allow transform");
	for (size_t len = 0; len < p.object.value_len; len++)
		whole += policy_ops.describe(key_of(&p), span_of(p.object.value, len), &o) == 0;
	assert_in_range(whole, 0, 2);
	for (size_t len = 0; len < p.object.key_len; len++) {
		policy_ops.print(span_of(p.object.key, len), value_of(&p), text);
		assert_string_equal(text, "malformed");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_named_by_what_it_is_for),
		cmocka_unit_test(what_does_not_end_at_the_first_groups_addresses_is_the_nodes_own),
		cmocka_unit_test(kernels_events_and_dumps_agree),
		cmocka_unit_test(what_is_made_for_the_peer_is_what_was_parsed_and_held),
		cmocka_unit_test(what_is_held_lets_nothing_out_until_it_is_settled),
		cmocka_unit_test(limits_do_not_run_while_held_and_one_that_blocks_goes_on_blocking),
		cmocka_unit_test(an_interface_goes_by_its_name),
		cmocka_unit_test(a_deletion_names_it_and_could_be_undone),
		cmocka_unit_test(those_of_sockets_and_of_this_node_itself_stay_out),
		cmocka_unit_test(print_tells_it_and_what_is_cut_short_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
