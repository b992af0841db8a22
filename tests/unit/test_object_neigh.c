/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: neigh.c */
#include "object_fixture.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "object/neigh.h"

static int hear(struct object_host *h, const struct sample *s, struct parsed *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->err = neigh_ops.parse(h, (const struct nlmsghdr *)s->at, &ret->object, ret->room);
	return ret->err;
}

static void hear_hex(const char *hex, struct parsed *ret)
{
	struct sample s = sample_of(hex);

	assert_int_equal(hear(host_of_test(), &s, ret), 0);
}

static struct ndmsg header_of(const struct sample *s)
{
	struct ndmsg header;

	memcpy(&header, s->at + NLMSG_HDRLEN, sizeof(header));
	return header;
}

static uint16_t flags_of(const struct sample *s)
{
	return ((const struct nlmsghdr *)s->at)->nlmsg_flags;
}

/* The message as the kernel would tell it. */
static void hear_told(struct sample *s, struct parsed *ret)
{
	((struct nlmsghdr *)s->at)->nlmsg_flags = 0;
	assert_int_equal(hear(host_of_test(), s, ret), 0);
}

/* ---- what the kernel says --------------------------------------------------------------- */

static void a_neighbour_is_named_by_interface_and_address(void **state)
{
	struct parsed p;
	char text[OBJECT_TEXT_MAX];

	(void)state;
	hear_hex(NEIGHBOUR_REACHABLE, &p);
	assert_int_equal(p.object.kind, OBJECT_NEIGHBOUR);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	assert_int_equal(p.object.marks, 0);
	assert_bytes(key_of(&p), "0403"
				 "6c616e"
				 "0a4d0064");
	assert_bytes(value_of(&p), "00"
				   "020000000064");
	neigh_ops.print(key_of(&p), value_of(&p), text);
	assert_string_equal(text, "10.77.0.100 dev lan lladdr 02:00:00:00:00:64");
	hear_hex(NEIGHBOUR_ROUTER, &p);
	assert_bytes(key_of(&p), "0603"
				 "6c616e"
				 "fe800000000000000000000000000064");
	assert_bytes(value_of(&p), "01"
				   "020000000064");
	neigh_ops.print(key_of(&p), value_of(&p), text);
	assert_string_equal(text, "fe80::64 dev lan lladdr 02:00:00:00:00:64 router");
}

static void its_state_is_in_no_print(void **state)
{
	static const uint8_t states[] = { NUD_STALE, NUD_DELAY, NUD_PROBE };
	struct sample s = sample_of(NEIGHBOUR_REACHABLE);
	struct parsed p, again;

	(void)state;
	hear_hex(NEIGHBOUR_REACHABLE, &p);
	for (unsigned i = 0; i < sizeof(states); i++) {
		s.at[24] = states[i];
		assert_int_equal(hear(host_of_test(), &s, &again), 0);
		assert_int_equal(again.object.base, p.object.base);
		assert_int_equal(again.object.value_len, p.object.value_len);
	}
	s.at[45]++; /* of its link-layer address */
	assert_int_equal(hear(host_of_test(), &s, &again), 0);
	assert_int_not_equal(again.object.base, p.object.base);
}

static void what_was_installed_is_known_again(void **state)
{
	struct sample s = sample_of(NEIGHBOUR_INSTALLED);
	struct parsed p;

	(void)state;
	hear_hex(NEIGHBOUR_INSTALLED, &p);
	assert_int_equal(p.object.marks, OBJECT_HELD | OBJECT_UNSEEN);
	s.at[24] = NUD_PROBE; /* in use: not to be settled yet */
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	assert_int_equal(p.object.marks, OBJECT_UNSEEN);
	s.at[24] = NUD_REACHABLE; /* it answered here */
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	assert_int_equal(p.object.marks, 0);
	s.at[24] = NUD_STALE;
	s.at[80] = 42; /* of another program */
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	assert_int_equal(p.object.marks, 0);
}

static void forgotten_is_told_with_the_address_and_failed_without(void **state)
{
	struct sample s = sample_of(NEIGHBOUR_DELETED);
	struct parsed p;

	(void)state;
	hear_hex(NEIGHBOUR_FORGOTTEN, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_bytes(value_of(&p), "00"
				   "020000000066");
	hear_hex(NEIGHBOUR_FAILED, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_int_equal(p.object.value_len, 0);
	assert_int_equal(hear(host_of_test(), &s, &p), -ENOMSG); /* it failed before */
	s = sample_of(NEIGHBOUR_FAILED_DUMPED);
	assert_int_equal(hear(host_of_test(), &s, &p), -ENOMSG);
}

static void what_is_no_neighbour_of_a_group_stays_here(void **state)
{
	static const uint8_t states[] = { NUD_INCOMPLETE, NUD_NOARP, NUD_PERMANENT, NUD_NONE };
	struct object_host *h = host_of_test();
	struct conf_ip ip = { AF_INET, { 10, 77, 0, 100 } };
	struct sample s = sample_of(NEIGHBOUR_REACHABLE), other;
	struct parsed p;

	(void)state;
	for (unsigned i = 0; i < sizeof(states); i++) {
		other = s;
		other.at[24] = states[i];
		assert_int_equal(hear(h, &other, &p), -ENOMSG);
	}
	other = s;
	other.at[20] = 4; /* another interface */
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	other = s;
	other.at[26] = NTF_PROXY;
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	other = s;
	other.at[16] = AF_BRIDGE;
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	other = s;
	other.at[40] = 3; /* of many hosts */
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	other = s;
	memset(other.at + 40, 0, 6);
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	other = sample_of(NEIGHBOUR_MULTICAST_DUMPED);
	assert_int_equal(hear(h, &other, &p), -ENOMSG);
	assert_true(object_own_add(&h->shared, &ip));
	assert_int_equal(hear(h, &s, &p), -ENOMSG);
	h = host_of_test();
	assert_true(object_own_add(&h->own, &ip));
	assert_int_equal(hear(h, &s, &p), -ENOMSG);
}

static void a_malformed_message_is_refused(void **state)
{
	struct sample s = sample_of(NEIGHBOUR_REACHABLE), other;
	struct nlmsghdr *nlh = (struct nlmsghdr *)other.at;
	struct parsed p;

	(void)state;
	/* Up to the end of the destination; behind it an attribute cut short. */
	for (uint32_t len = NLMSG_HDRLEN; len < 38; len++) {
		other = s;
		nlh->nlmsg_len = len;
		assert_int_equal(hear(host_of_test(), &other, &p), len == 36 ? -ENOMSG : -EBADMSG);
	}
	other = s;
	other.at[28] = 7; /* of the destination */
	assert_int_equal(hear(host_of_test(), &other, &p), -EBADMSG);
	other = s;
	other.at[28] = 200;
	assert_int_equal(hear(host_of_test(), &other, &p), -EBADMSG);
}

/* ---- what it is told -------------------------------------------------------------------- */

static void a_copy_is_installed_stale_and_exempt_from_garbage_collection(void **state)
{
	static const char *const samples[] = { NEIGHBOUR_REACHABLE, NEIGHBOUR_ROUTER };
	static const enum object_op ops[] = { OBJECT_WHOLE, OBJECT_CREATE, OBJECT_CHANGE };
	struct parsed p, again;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		hear_hex(samples[i / 3], &p);
		struct sample s = told(host_of_test(), ops[i % 3], &p);
		struct ndmsg header = header_of(&s);

		assert_int_equal(flags_of(&s), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
		assert_int_equal(header.ndm_ifindex, 3);
		assert_int_equal(header.ndm_state, NUD_STALE);
		assert_int_equal(header.ndm_flags, NTF_EXT_LEARNED | (i / 3 == 1 ? NTF_ROUTER : 0));
		hear_told(&s, &again);
		assert_int_equal(again.object.marks, OBJECT_HELD | OBJECT_UNSEEN);
		assert_int_equal(again.object.base, p.object.base);
		assert_int_equal(again.object.key_len, p.object.key_len);
		assert_memory_equal(again.object.key, p.object.key, p.object.key_len);
		assert_int_equal(again.object.value_len, p.object.value_len);
		assert_memory_equal(again.object.value, p.object.value, p.object.value_len);
	}
}

static void what_is_settled_is_an_ordinary_neighbour(void **state)
{
	struct parsed p, again;
	struct sample s;

	(void)state;
	hear_hex(NEIGHBOUR_INSTALLED, &p);
	s = told(host_of_test(), OBJECT_SETTLE, &p);
	assert_int_equal(flags_of(&s), NLM_F_REQUEST | NLM_F_REPLACE); /* not made anew */
	hear_told(&s, &again);
	assert_int_equal(again.object.marks, 0);
	assert_int_equal(again.object.base, p.object.base);
}

static void a_removal_names_it(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	hear_hex(NEIGHBOUR_INSTALLED, &p);
	s = told(host_of_test(), OBJECT_REMOVE, &p);
	assert_int_equal(((const struct nlmsghdr *)s.at)->nlmsg_type, RTM_DELNEIGH);
	assert_int_equal(header_of(&s).ndm_ifindex, 3);
	assert_memory_equal(s.at + 32, "\x0a\x4d\x00\x65", 4);
	assert_int_equal(told(host_of_test(), OBJECT_HOLD, &p).len, 0);
	assert_int_equal(told(host_of_test(), OBJECT_LOOSEN, &p).len, 0);
	assert_int_equal(told(host_of_test(), OBJECT_EVICT, &p).len, 0);
}

static int order(const struct object_host *h, enum object_op op, const struct parsed *p)
{
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];

	return neigh_ops.put_order(h, op, key_of(p), value_of(p), room);
}

static void this_node_is_not_its_own_neighbour(void **state)
{
	struct object_host *h = host_of_test();
	struct conf_ip ip = { AF_INET, { 10, 77, 0, 100 } };
	struct parsed p;

	(void)state;
	hear_hex(NEIGHBOUR_REACHABLE, &p);
	h = host_of_test();
	assert_true(object_own_add(&h->own, &ip));
	assert_int_equal(order(h, OBJECT_WHOLE, &p), -EADDRNOTAVAIL);
	h = host_of_test();
	assert_true(object_own_add(&h->shared, &ip));
	assert_int_equal(order(h, OBJECT_WHOLE, &p), -EADDRNOTAVAIL);
	h = host_of_test();
	h->n_interfaces = 1;
	assert_int_equal(order(h, OBJECT_WHOLE, &p), -ENODEV);
	assert_int_equal(order(h, OBJECT_REMOVE, &p), 0);
	h->interface[0] = (struct object_interface){ "lan", 77 };
	assert_true(order(h, OBJECT_WHOLE, &p) > 0);
}

/* ---- what comes from another machine ----------------------------------------------------- */

static int describe(const char *key, const char *value)
{
	struct sample k = sample_of(key), v = sample_of(value);
	struct object o = { 0 };

	return neigh_ops.describe(span_of(k.at, k.len), span_of(v.at, v.len), &o);
}

#define LONG_NAME                                                                                  \
	"0420"                                                                                     \
	"6161616161616161"                                                                         \
	"6161616161616161"                                                                         \
	"6161616161616161"                                                                         \
	"6161616161616161"                                                                         \
	"0a4d0064"

static void keys_and_values_that_are_not_well_formed_are_refused(void **state)
{
	static const char *const keys[] = {
		"", "04", "04036c616e0a4d00", /* short */
		"04036c616e0a4d006400",       /* long */
		"05036c616e0a4d0064",         /* no family */
		"04000a4d0064",               /* no name */
		"04036c006e0a4d0064",         /* a name with an end in it */
		"06036c616e0a4d0064",         /* IPv4 in IPv6 */
		LONG_NAME,                    /* a name that is too long */
	};
	static const char *const values[] = {
		"",
		"00",
		"0002000000006400", /* long */
		"02020000000064",   /* an unknown flag */
		"01020000000064",   /* an IPv4 router */
		"00030000000064",   /* of many hosts */
		"00000000000000",
	};

	(void)state;
	assert_int_equal(describe("04036c616e0a4d0064", "00020000000064"), 0);
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(describe(keys[i], "00020000000064"), -EBADMSG);
	for (unsigned i = 0; i < ARRAY_LEN(values); i++)
		assert_int_equal(describe("04036c616e0a4d0064", values[i]), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_neighbour_is_named_by_interface_and_address),
		cmocka_unit_test(its_state_is_in_no_print),
		cmocka_unit_test(what_was_installed_is_known_again),
		cmocka_unit_test(forgotten_is_told_with_the_address_and_failed_without),
		cmocka_unit_test(what_is_no_neighbour_of_a_group_stays_here),
		cmocka_unit_test(a_malformed_message_is_refused),
		cmocka_unit_test(a_copy_is_installed_stale_and_exempt_from_garbage_collection),
		cmocka_unit_test(what_is_settled_is_an_ordinary_neighbour),
		cmocka_unit_test(a_removal_names_it),
		cmocka_unit_test(this_node_is_not_its_own_neighbour),
		cmocka_unit_test(keys_and_values_that_are_not_well_formed_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
