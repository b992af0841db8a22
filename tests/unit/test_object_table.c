/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: table.c expect.c expect_wire.c own.c hash.c text.c */
#include "object_fixture.h"

#include <errno.h>
#include <stdio.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "object/expect.h"

#define X(name) name,
static const char *const samples[] = { SAMPLES(X) };
#undef X

static void kinds_and_names_are_unique_and_in_the_order_of_installation(void **state)
{
	(void)state;
	for (unsigned i = 0; object_table[i] != NULL; i++) {
		const struct object_ops *o = object_table[i];

		assert_in_range(o->kind, 1, OBJECT_KIND_MAX);
		assert_ptr_equal(object_ops_of(o->kind), o);
		assert_true(i == 0 || object_table[i - 1]->order < o->order);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(object_table[j]->name, o->name);
	}
	assert_null(object_ops_of(0));
	assert_null(object_ops_of(OBJECT_KIND_MAX));
#define X(tag, number, text) assert_string_equal(object_ops_of(number)->name, text);
	OBJECT_KINDS(X)
#undef X
}

static void messages_of_another_kind_are_told_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct sample s = sample_of(samples[i]);

		for (unsigned j = 0; object_table[j] != NULL; j++) {
			struct parsed p;

			/* Of another protocol, numbers mean other things. */
			if (object_table[j]->nl_proto != ops_for(&s)->nl_proto)
				continue;
			p.err = object_table[j]->parse(
				host_of_test(), (const void *)s.at, &p.object, p.room);
			assert_int_equal(p.err, object_table[j] == ops_for(&s) ? 0 : -ENOMSG);
		}
	}
}

/* What CREATE tells, heard as if it were dumped. NAT it tells in another way than a dump, and
 * that a session has a master is for the kernel to say. */
static void what_is_created_is_what_was_parsed(void **state)
{
	unsigned compared = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct parsed p, again;
		struct sample s;

		parse_hex(samples[i], &p);
		if (p.object.op != OBJECT_WHOLE)
			continue;
		s = told(host_of_test(), OBJECT_CREATE, &p);
		if (p.object.kind == OBJECT_CONNTRACK &&
			(ATTR(&s, CTA_NAT_SRC).data != NULL || ATTR(&s, CTA_TUPLE_MASTER).data))
			continue;
		parse_with(host_of_test(), &s, &again);
		assert_int_equal(again.err, 0);
		assert_int_equal(again.object.key_len, p.object.key_len);
		assert_memory_equal(again.object.key, p.object.key, p.object.key_len);
		compared++;
		if (p.object.kind != OBJECT_CONNTRACK)
			continue; /* the helper's name is not always told */
		assert_int_equal(again.object.base, p.object.base);
		assert_int_equal(again.object.state, p.object.state);
		assert_int_equal(again.object.rare, p.object.rare);
	}
	assert_true(compared > 10);
}

static void a_whole_is_described_as_it_was_parsed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct parsed p;
		struct object o = { 0 };

		parse_hex(samples[i], &p);
		if (p.object.op != OBJECT_WHOLE)
			continue;
		assert_int_equal(object_describe(p.object.kind, key_of(&p), value_of(&p), &o), 0);
		assert_int_equal(o.base, p.object.base);
		assert_int_equal(o.state, p.object.state);
		assert_int_equal(o.rare, p.object.rare);
		assert_int_equal(o.known & p.object.known, p.object.known);
		assert_int_equal(
			object_describe(p.object.kind, key_of(&p), span_of("", 0), &o), -EBADMSG);
	}
}

static void a_value_taken_apart_and_put_together_is_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct parsed p;
		uint8_t value[OBJECT_VALUE_MAX];
		struct ct_session s;
		struct expectation e;
		size_t len;

		parse_hex(samples[i], &p);
		if (p.object.value_len == 0)
			continue;
		if (p.object.kind == OBJECT_CONNTRACK) {
			s = session_of(&p);
			len = ct_encode(&s, CT_FIELDS, value);
		} else {
			assert_int_equal(expect_decode(key_of(&p), value_of(&p), &e), 0);
			len = expect_encode(&e, EXPECT_FIELDS, value);
		}
		assert_int_equal(len, p.object.value_len);
		assert_memory_equal(value, p.object.value, len);
	}
}

static void print_never_overruns_and_names_what_is_malformed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(samples); i++) {
		struct parsed p;

		parse_hex(samples[i], &p);
		for (size_t len = 0; len <= p.object.value_len; len++) {
			char *text = malloc(OBJECT_TEXT_MAX);

			assert_non_null(text);
			object_ops_of(p.object.kind)
				->print(key_of(&p), span_of(p.object.value, len), text);
			assert_true(strlen(text) > 0);
			if (len == p.object.value_len)
				assert_string_not_equal(text, "malformed");
			free(text);
		}
	}
}

static void the_longest_session_fits_its_message_and_its_line(void **state)
{
	struct ct_session s = { .fields = CT_FIELDS & ~CT_SCTP,
		.status = CT_STATUS_MIRRORED,
		.timeout = UINT32_MAX,
		.mark = UINT32_MAX,
		.helper_len = CT_HELPER_MAX };
	uint8_t key[OBJECT_KEY_MAX], value[OBJECT_VALUE_MAX];
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	char text[OBJECT_TEXT_MAX];
	struct span k, v;

	(void)state;
	s.orig = (struct tuple){ .family = AF_INET6, .proto = 6, .shape = TUPLE_PORTS };
	memset(s.orig.src, 0xee, 16);
	memset(s.orig.dst, 0xdd, 16);
	s.reply = s.master = s.orig;
	memset(s.reply.l4, 0xff, 4);
	memset(s.labels, 0xff, sizeof(s.labels));
	memset(s.helper, 'x', sizeof(s.helper));
	memset(s.seqadj, 0x80, sizeof(s.seqadj));
	memset(s.synproxy, 0xff, sizeof(s.synproxy));
	memset(&s.tcp, 3, sizeof(s.tcp));
	s.zone = (struct zone){ TUPLE_ZONE_BOTH, 65535 };
	assert_true(ct_find_nat(&s));
	k = span_of(key, (size_t)(tuple_encode(key, &s.orig, s.zone) - key));
	v = span_of(value, ct_encode(&s, CT_FIELDS, value));
	assert_true(ct_put_order(host_of_test(), OBJECT_CREATE, k, v, room) > 0);
	ct_print(k, v, text);
	assert_true(strlen(text) < OBJECT_TEXT_MAX);
	assert_non_null(strstr(text, "helper="));
}

/* ---- expectations ---------------------------------------------------------------------- */

static void an_expectation_is_created_with_its_master_mask_and_function(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	parse_hex(EXPECT_NEW, &p);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	s = told(host_of_test(), OBJECT_CREATE, &p);
	assert_int_equal(
		number_at(ATTR(&s, CTA_EXPECT_MASK, CTA_TUPLE_IP, CTA_IP_V4_SRC)), UINT32_MAX);
	assert_int_equal(
		number_at(ATTR(&s, CTA_EXPECT_MASK, CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT)), 0);
	assert_int_equal(
		number_at(ATTR(&s, CTA_EXPECT_MASTER, CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT)), 21);
	assert_string_equal((const char *)ATTR(&s, CTA_EXPECT_FN).data, "nat-follow-master");
	assert_int_equal(number_at(ATTR(&s, CTA_EXPECT_NAT, CTA_EXPECT_NAT_DIR)), 0);
	/* Of the first class: the expected session must not get the helper. */
	assert_null(ATTR(&s, CTA_EXPECT_HELP_NAME).data);
	s = told(host_of_test(), OBJECT_HOLD, &p);
	assert_int_equal(number_at(ATTR(&s, CTA_EXPECT_TIMEOUT)), 600);
	assert_int_equal(told(host_of_test(), OBJECT_SETTLE, &p).len, 0);
	assert_int_equal(told(host_of_test(), OBJECT_RETIME, &p).len, 0);
	assert_int_equal(told(host_of_test(), OBJECT_LOOSEN, &p).len, 0);
}

static void the_end_of_an_expectation_names_it(void **state)
{
	struct parsed began, p;
	struct sample s;

	(void)state;
	parse_hex(EXPECT_NEW, &began);
	parse_hex(EXPECT_GONE, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_memory_equal(p.object.key, began.object.key, p.object.key_len);
	s = told(host_of_test(), OBJECT_REMOVE, &p);
	assert_non_null(ATTR(&s, CTA_EXPECT_TUPLE).data);
	assert_int_equal(((const struct nlmsghdr *)s.at)->nlmsg_type,
		NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_DELETE);
}

/* ---- addresses and hashes -------------------------------------------------------------- */

static void own_addresses_are_found_until_the_set_is_full(void **state)
{
	struct object_own *own = &host_of_test()->own;
	struct conf_ip ip = { .family = AF_INET };

	(void)state;
	assert_false(object_own_has(own, AF_INET, ip.bytes));
	assert_false(object_own_add(own, &(struct conf_ip){ .family = 0 }));
	for (unsigned i = 0; i < OBJECT_OWN_MAX; i++) {
		memcpy(ip.bytes, &i, 4);
		ip.family = i % 2 ? AF_INET : AF_INET6;
		assert_true(object_own_add(own, &ip));
		assert_true(object_own_add(own, &ip));
		assert_int_equal(own->n, i + 1);
	}
	for (unsigned i = 0; i < OBJECT_OWN_MAX; i++) {
		memcpy(ip.bytes, &i, 4);
		assert_true(object_own_has(own, i % 2 ? AF_INET : AF_INET6, ip.bytes));
		assert_false(object_own_has(own, i % 2 ? AF_INET6 : AF_INET, ip.bytes));
	}
	assert_true(object_own_add(own, &ip)); /* which is there */
	memset(ip.bytes, 0xff, 16);
	assert_false(object_own_add(own, &ip));
	object_own_clear(own);
	assert_int_equal(own->n, 0);
	assert_true(object_own_add(own, &ip));
}

static void a_hash_depends_on_every_bit_seed_and_length(void **state)
{
	uint8_t bytes[64] = { 0 };
	uint32_t plain[65];

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		plain[len] = object_hash(0, bytes, len);
		assert_int_not_equal(plain[len], object_hash(1, bytes, len));
		for (size_t i = 0; i < len; i++)
			assert_int_not_equal(plain[len], plain[i]);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			uint32_t changed;

			bytes[bit / 8] = (uint8_t)(1u << bit % 8);
			changed = object_hash(0, bytes, len) ^ plain[len];
			bytes[bit / 8] = 0;
			assert_in_range(__builtin_popcount(changed), 3, 29);
		}
	}
	/* The same on every machine. */
	assert_int_equal(object_hash(7, "conntrack", 9), 0xbce428a7);
}

/* doc/MIRRORED.md has a row for every kind, and for no other. */
static void the_page_of_what_is_mirrored_has_every_kind(void **state)
{
	char line[1024], name[32];
	unsigned rows = 0, kinds = 0;
	bool in_table = false;
	FILE *f = fopen("doc/MIRRORED.md", "r");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		bool known = false;

		if (strncmp(line, "| kind |", 8) == 0 || line[0] != '|')
			in_table = line[0] == '|';
		else if (in_table && sscanf(line, "| %31[a-z] |", name) == 1) {
			for (unsigned i = 0; object_table[i] != NULL; i++)
				known |= strcmp(object_table[i]->name, name) == 0;
			assert_true(known);
			rows++;
		}
	}
	fclose(f);
	while (object_table[kinds] != NULL)
		kinds++;
	assert_int_equal(rows, kinds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_of_what_is_mirrored_has_every_kind),
		cmocka_unit_test(kinds_and_names_are_unique_and_in_the_order_of_installation),
		cmocka_unit_test(messages_of_another_kind_are_told_apart),
		cmocka_unit_test(what_is_created_is_what_was_parsed),
		cmocka_unit_test(a_whole_is_described_as_it_was_parsed),
		cmocka_unit_test(a_value_taken_apart_and_put_together_is_the_same),
		cmocka_unit_test(print_never_overruns_and_names_what_is_malformed),
		cmocka_unit_test(the_longest_session_fits_its_message_and_its_line),
		cmocka_unit_test(an_expectation_is_created_with_its_master_mask_and_function),
		cmocka_unit_test(the_end_of_an_expectation_names_it),
		cmocka_unit_test(own_addresses_are_found_until_the_set_is_full),
		cmocka_unit_test(a_hash_depends_on_every_bit_seed_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
