/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: ct_put.c ct_time.c */
#include "object_fixture.h"

#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

static uint16_t flags_of(const struct sample *s)
{
	return ((const struct nlmsghdr *)s->at)->nlmsg_flags;
}

static uint16_t type_of(const struct sample *s)
{
	return ((const struct nlmsghdr *)s->at)->nlmsg_type & 0xff;
}

static bool has(const struct sample *s, uint16_t type)
{
	return ATTR(s, type).data != NULL;
}

static void a_session_is_created_confirmed_held_and_liberal(void **state)
{
	const uint8_t flags[2] = { IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM |
					   IP_CT_TCP_FLAG_BE_LIBERAL,
		CT_TCP_MIRRORED | CT_TCP_LOCAL };
	struct parsed p;
	struct sample s;
	struct attr a;

	(void)state;
	parse_hex(TCP_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(type_of(&s), IPCTNL_MSG_CT_NEW);
	assert_int_equal(flags_of(&s), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(
		number_at(ATTR(&s, CTA_STATUS)), IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 600);
	assert_int_equal(
		number_at(ATTR(&s, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE)),
		TCP_CONNTRACK_ESTABLISHED);
	a = ATTR(&s, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL);
	assert_memory_equal(a.data, flags, 2);
	a = ATTR(&s, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_FLAGS_REPLY);
	assert_memory_equal(a.data, flags, 2);
	assert_false(has(&s, CTA_NAT_SRC) || has(&s, CTA_NAT_DST) || has(&s, CTA_MARK));
}

static void an_unreplied_session_is_held_for_twice_its_own_time(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(TCP_NEW, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_STATUS)), IPS_CONFIRMED);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 240);
	s = told(host_of_test(), OBJECT_HOLD, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 240);
	p.object.value_len = 0; /* not known */
	s = told(host_of_test(), OBJECT_HOLD, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 600);
}

static void nat_is_told_with_the_reply_as_it_would_be_without(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(UDP_NAT_DUMPED, &p); /* 10.1.0.3:5 -> 10.2.0.1:6, by 10.3.0.1:9 to 10.4.0.1:8 */
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(
		number_at(ATTR(&s, CTA_TUPLE_REPLY, CTA_TUPLE_IP, CTA_IP_V4_SRC)), 0x0a020001);
	assert_int_equal(
		number_at(ATTR(&s, CTA_TUPLE_REPLY, CTA_TUPLE_IP, CTA_IP_V4_DST)), 0x0a010003);
	assert_int_equal(number_at(ATTR(&s, CTA_NAT_SRC, CTA_NAT_V4_MINIP)), 0x0a030001);
	assert_int_equal(number_at(ATTR(&s, CTA_NAT_DST, CTA_NAT_V4_MINIP)), 0x0a040001);
	assert_int_equal(number_at(ATTR(&s, CTA_NAT_SRC, CTA_NAT_PROTO, CTA_PROTONAT_PORT_MIN)), 9);
	assert_int_equal(number_at(ATTR(&s, CTA_NAT_DST, CTA_NAT_PROTO, CTA_PROTONAT_PORT_MAX)), 8);
}

static void updates_carry_neither_nat_nor_master_nor_helper(void **state)
{
	static const char *const all[] = { NAT_DUMPED, CHILD_DUMPED, FTP_DUMPED, SYNPROXY_DUMPED };
	static const enum object_op ops[] = { OBJECT_CHANGE, OBJECT_HOLD, OBJECT_LOOSEN };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(all) * ARRAY_LEN(ops); i++) {
		struct parsed p;
		struct sample s;

		parse_hex(all[i / ARRAY_LEN(ops)], &p);
		s = told(host_of_test(), ops[i % ARRAY_LEN(ops)], &p);
		assert_int_equal(flags_of(&s), NLM_F_REQUEST);
		assert_true(has(&s, CTA_TUPLE_ORIG));
		assert_false(has(&s, CTA_NAT_SRC) || has(&s, CTA_NAT_DST) ||
			     has(&s, CTA_TUPLE_MASTER) || has(&s, CTA_HELP) ||
			     has(&s, CTA_TUPLE_REPLY));
	}
}

static void a_change_of_an_expected_session_says_so_and_a_creation_does_not(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(CHILD_CHANGED, &p);
	s = told(host_of_test(), OBJECT_CHANGE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_STATUS)),
		IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED | IPS_EXPECTED);
	parse_hex(CHILD_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(
		number_at(ATTR(&s, CTA_STATUS)), IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	assert_true(has(&s, CTA_TUPLE_MASTER));
}

static void a_change_tells_that_the_mark_is_gone(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(TCP_ANSWERED, &p);
	s = told(host_of_test(), OBJECT_CHANGE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_MARK)), 0);
	assert_int_equal(number_at(ATTR(&s, CTA_STATUS)), IPS_CONFIRMED | IPS_SEEN_REPLY);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 600);
}

static void labels_adjustments_synproxy_and_helper_come_along(void **state)
{
	struct parsed p;
	struct sample s, dumped = sample_of(SYNPROXY_DUMPED);
	struct attr a, b;

	(void)state;
	parse_hex(SYNPROXY_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	a = ATTR(&s, CTA_SYNPROXY);
	b = ATTR(&dumped, CTA_SYNPROXY);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	a = ATTR(&s, CTA_SEQ_ADJ_REPLY);
	b = ATTR(&dumped, CTA_SEQ_ADJ_REPLY);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	parse_hex(LABEL_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(ATTR(&s, CTA_LABELS).len, 16);
	assert_int_equal(ATTR(&s, CTA_LABELS).data[0], 8);
	assert_int_equal(number_at(ATTR(&s, CTA_MARK)), 0x77);
	parse_hex(FTP_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_string_equal((const char *)ATTR(&s, CTA_HELP, CTA_HELP_NAME).data, "ftp");
}

static void zones_stand_where_the_kernel_has_them(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(ZONE_DUMPED, &p);
	s = told(host_of_test(), OBJECT_REMOVE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_ZONE)), 5);
	parse_hex(ZONE_ORIG_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CHANGE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_TUPLE_ORIG, CTA_TUPLE_ZONE)), 6);
	parse_hex(ZONE_REPLY_DUMPED, &p);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_TUPLE_REPLY, CTA_TUPLE_ZONE)), 9);
	assert_null(ATTR(&s, CTA_TUPLE_ORIG, CTA_TUPLE_ZONE).data);
	s = told(host_of_test(), OBJECT_EVICT, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_TUPLE_REPLY, CTA_TUPLE_ZONE)), 9);
}

static void a_removal_always_names_one_session(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(TCP_GONE, &p);
	s = told(host_of_test(), OBJECT_REMOVE, &p);
	assert_int_equal(type_of(&s), IPCTNL_MSG_CT_DELETE);
	assert_true(has(&s, CTA_TUPLE_ORIG));
	parse_hex(NAT_DUMPED, &p);
	s = told(host_of_test(), OBJECT_EVICT, &p);
	assert_int_equal(type_of(&s), IPCTNL_MSG_CT_DELETE);
	assert_false(has(&s, CTA_TUPLE_ORIG));
	/* What owns the reply that NAT made. */
	assert_int_equal(
		number_at(ATTR(&s, CTA_TUPLE_REPLY, CTA_TUPLE_IP, CTA_IP_V4_DST)), 0x0a4e0001);
}

static void loosening_sets_the_flags_alone(void **state)
{
	const uint8_t flags[2] = { IP_CT_TCP_FLAG_BE_LIBERAL, CT_TCP_LOCAL };
	struct parsed p;
	struct sample s;
	struct attr a;

	(void)state;
	parse_hex(TCP_DUMPED, &p);
	p.object.value_len = 0;
	s = told(host_of_test(), OBJECT_LOOSEN, &p);
	a = ATTR(&s, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL);
	assert_memory_equal(a.data, flags, 2);
	assert_null(ATTR(&s, CTA_PROTOINFO, CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE).data);
	assert_false(has(&s, CTA_TIMEOUT) || has(&s, CTA_STATUS));
	parse_hex(UDP_DUMPED, &p);
	assert_int_equal(told(host_of_test(), OBJECT_LOOSEN, &p).len, 0);
}

static struct ct_session silent(uint8_t proto, uint32_t timeout)
{
	struct ct_session s = { .orig = { .family = AF_INET, .proto = proto },
		.status = IPS_SEEN_REPLY | IPS_ASSURED,
		.timeout = timeout,
		.fields = CT_TIMEOUT };

	return s;
}

static struct ct_session silent_tcp(uint8_t state, uint8_t flags, uint32_t timeout)
{
	struct ct_session s = silent(IPPROTO_TCP, timeout);

	s.fields |= CT_TCP;
	s.tcp.state = state;
	s.tcp.flags[0] = s.tcp.flags[1] = flags;
	return s;
}

static void the_end_of_a_hold_gives_a_silent_session_its_own_time(void **state)
{
	const struct object_host *host = host_of_test();
	struct ct_session s = silent(IPPROTO_UDP, 590);

	(void)state;
	assert_true(ct_settle(host, &s).retime);
	assert_int_equal(ct_settle(host, &s).timeout, 120);
	s.timeout = 100; /* it has less already */
	assert_false(ct_settle(host, &s).retime);
	s = silent_tcp(TCP_CONNTRACK_TIME_WAIT, IP_CT_TCP_FLAG_BE_LIBERAL, 590);
	assert_int_equal(ct_settle(host, &s).timeout, 120);
	assert_false(ct_settle(host, &s).strict);
	/* The hold made it shorter. */
	s = silent_tcp(TCP_CONNTRACK_ESTABLISHED, IP_CT_TCP_FLAG_BE_LIBERAL, 590);
	assert_true(ct_settle(host, &s).retime);
	assert_int_equal(ct_settle(host, &s).timeout, 432000);
	s.timeout = 432000;
	assert_false(ct_settle(host, &s).retime);
}

static void tcp_is_strict_again_when_both_sides_have_been_heard_here(void **state)
{
	struct object_host *host = host_of_test();
	struct ct_session s = silent_tcp(TCP_CONNTRACK_ESTABLISHED, CT_TCP_LOCAL, 431999);

	(void)state;
	assert_true(ct_settle(host, &s).strict);
	assert_false(ct_settle(host, &s).retime);
	s.tcp.flags[1] = IP_CT_TCP_FLAG_BE_LIBERAL;
	assert_false(ct_settle(host, &s).strict);
	s.tcp.flags[1] = CT_TCP_LOCAL;
	host->tcp_liberal = true; /* by itself */
	assert_false(ct_settle(host, &s).strict);
}

/* The message of an order on the session of TCP_DUMPED with these flags and this timeout. */
static struct sample told_of_tcp(enum object_op op, uint8_t flags, uint32_t timeout)
{
	uint8_t value[OBJECT_VALUE_MAX];
	struct parsed p;

	parse_hex(TCP_DUMPED, &p);
	struct ct_session s = session_of(&p);

	s.timeout = timeout;
	s.tcp.flags[0] = s.tcp.flags[1] = flags;
	p.object.value = value;
	p.object.value_len = (uint16_t)ct_encode(&s, s.fields, value);
	return told(host_of_test(), op, &p);
}

static void the_end_of_a_hold_may_leave_windows_alone(void **state)
{
	struct sample s = told_of_tcp(OBJECT_SETTLE, CT_TCP_LOCAL, 431999);

	(void)state;
	assert_true(has(&s, CTA_PROTOINFO));
	s = told_of_tcp(OBJECT_RETIME, CT_TCP_LOCAL, 431999);
	assert_int_equal(s.len, 0);
	s = told_of_tcp(OBJECT_RETIME, IP_CT_TCP_FLAG_BE_LIBERAL, 590);
	assert_int_equal(number_at(ATTR(&s, CTA_TIMEOUT)), 432000);
	assert_false(has(&s, CTA_PROTOINFO));
}

static void a_timer_below_half_of_the_hold_is_marked(void **state)
{
	struct object_host *host = host_of_test();
	struct sample s = sample_of(UDP_DUMPED); /* 28 s */
	struct parsed p;

	(void)state;
	parse_with(host, &s, &p);
	assert_int_equal(p.object.marks, OBJECT_AGES);
	host->hold_s = 56;
	parse_with(host, &s, &p);
	assert_false(p.object.marks & OBJECT_AGES);
	s = sample_of(UDP6_NAT_DUMPED); /* 499 s, and unreplied */
	parse_with(host, &s, &p);
	assert_int_equal(p.object.marks, OBJECT_HELD | OBJECT_UNSEEN);
}

/* A timer that this kernel's packets and the hold may both have set tells nothing. */
static void what_the_timer_cannot_tell_was_not_seen(void **state)
{
	struct object_host *host = host_of_test();
	struct sample s = sample_of(UDP_DUMPED); /* 28 s, replied */
	struct parsed p;

	(void)state;
	host->hold_s = 600;
	parse_with(host, &s, &p);
	assert_false(p.object.marks & OBJECT_UNSEEN);
	host->hold_s = 40; /* not much more than its own, of 30 s */
	parse_with(host, &s, &p);
	assert_true(p.object.marks & OBJECT_UNSEEN);
}

static void what_is_judged_by_what_was_seen_is_marked(void **state)
{
	struct object_host *host = host_of_test();
	struct sample s = sample_of(TCP_DUMPED);
	struct parsed p;

	(void)state;
	parse_with(host, &s, &p);
	assert_true(p.object.marks & OBJECT_JUDGED);
	s = sample_of(UDP_DUMPED);
	parse_with(host, &s, &p);
	assert_false(p.object.marks & OBJECT_JUDGED);
	s = sample_of(FTP_DUMPED); /* its expectations would go with it */
	parse_with(host, &s, &p);
	assert_false(p.object.marks & OBJECT_JUDGED);
}

static void orders_that_need_a_value_are_refused_without(void **state)
{
	static const enum object_op ops[] = { OBJECT_WHOLE, OBJECT_CREATE, OBJECT_CHANGE,
		OBJECT_EVICT, OBJECT_SETTLE, OBJECT_RETIME };
	struct parsed p;
	uint8_t room[OBJECT_NETLINK_MAX];

	(void)state;
	parse_hex(TCP_DUMPED, &p);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		assert_int_equal(
			ct_put_order(host_of_test(), ops[i], key_of(&p), span_of("", 0), room),
			-EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_created_confirmed_held_and_liberal),
		cmocka_unit_test(an_unreplied_session_is_held_for_twice_its_own_time),
		cmocka_unit_test(nat_is_told_with_the_reply_as_it_would_be_without),
		cmocka_unit_test(updates_carry_neither_nat_nor_master_nor_helper),
		cmocka_unit_test(a_change_of_an_expected_session_says_so_and_a_creation_does_not),
		cmocka_unit_test(a_change_tells_that_the_mark_is_gone),
		cmocka_unit_test(labels_adjustments_synproxy_and_helper_come_along),
		cmocka_unit_test(zones_stand_where_the_kernel_has_them),
		cmocka_unit_test(a_removal_always_names_one_session),
		cmocka_unit_test(loosening_sets_the_flags_alone),
		cmocka_unit_test(the_end_of_a_hold_gives_a_silent_session_its_own_time),
		cmocka_unit_test(tcp_is_strict_again_when_both_sides_have_been_heard_here),
		cmocka_unit_test(the_end_of_a_hold_may_leave_windows_alone),
		cmocka_unit_test(a_timer_below_half_of_the_hold_is_marked),
		cmocka_unit_test(what_the_timer_cannot_tell_was_not_seen),
		cmocka_unit_test(what_is_judged_by_what_was_seen_is_marked),
		cmocka_unit_test(orders_that_need_a_value_are_refused_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
