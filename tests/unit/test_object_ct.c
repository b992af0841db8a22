/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: ct.c ct_parse.c ct_wire.c tuple.c */
#include "object_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

static void a_new_tcp_session_is_whole_and_takes_nineteen_bytes(void **state)
{
	struct parsed p;

	(void)state;
	parse_hex(TCP_NEW, &p);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	assert_int_equal(
		p.object.known, OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE);
	assert_int_equal(p.object.marks, 0);
	assert_bytes(key_of(&p), "02060a0100020a0200099c400050");
	assert_bytes(value_of(&p), "1878100030");
}

static void an_update_is_a_change_that_holds_what_the_event_tells(void **state)
{
	struct parsed p;
	struct ct_session s;

	(void)state;
	parse_hex(TCP_ESTABLISHED, &p);
	assert_int_equal(p.object.op, OBJECT_CHANGE);
	assert_int_equal(p.object.known, OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE);
	assert_int_equal(p.object.marks, 0);
	s = session_of(&p);
	assert_int_equal(s.fields, CT_TIMEOUT | CT_TCP);
	assert_int_equal(s.status, IPS_SEEN_REPLY | IPS_ASSURED);
	assert_int_equal(s.tcp.state, TCP_CONNTRACK_ESTABLISHED);
	assert_int_equal(s.timeout, 432000);
}

static void an_end_names_the_session_and_what_nat_it_had(void **state)
{
	struct parsed p, began;

	(void)state;
	parse_hex(NAT_NEW, &began);
	parse_hex(NAT_GONE, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_bytes(key_of(&p), "02060a4d00640a4d0001eb5e1f91");
	assert_int_equal(p.object.key_len, began.object.key_len);
	assert_memory_equal(p.object.key, began.object.key, p.object.key_len);
	assert_int_equal(session_of(&p).nat, session_of(&began).nat);
}

static void what_a_dump_tells_has_the_prints_of_the_events_before(void **state)
{
	static const char *const pairs[][2] = { { TCP_ESTABLISHED, TCP_DUMPED },
		{ CHILD_CHANGED, CHILD_DUMPED } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
		struct parsed event, dumped;

		parse_hex(pairs[i][0], &event);
		parse_hex(pairs[i][1], &dumped);
		assert_int_equal(event.object.key_len, dumped.object.key_len);
		assert_memory_equal(event.object.key, dumped.object.key, event.object.key_len);
		assert_int_equal(event.object.base, dumped.object.base);
		assert_int_equal(event.object.state, dumped.object.state);
	}
}

static void prints_tell_sessions_states_and_rarities_apart(void **state)
{
	struct parsed a, b;

	(void)state;
	parse_hex(TCP_NEW, &a);
	parse_hex(TCP_ANSWERED, &b);
	assert_int_not_equal(a.object.base, b.object.base); /* SEEN_REPLY */
	assert_int_not_equal(a.object.state, b.object.state);
	assert_int_equal(a.object.rare, 0);
	parse_hex(LABEL_DUMPED, &a);
	assert_int_not_equal(a.object.rare, 0);
	parse_hex(NAT_DUMPED, &b);
	assert_int_not_equal(a.object.base, b.object.base);
	parse_hex(SCTP_DUMPED, &b);
	assert_int_not_equal(b.object.state, 0);
	parse_hex(UDP_DUMPED, &b);
	assert_int_equal(b.object.state, 0);
	assert_int_not_equal(b.object.known & OBJECT_KNOWS_STATE, 0);
}

static void an_event_of_something_rare_asks_for_the_whole(void **state)
{
	struct parsed p;

	(void)state;
	parse_hex(SYNPROXY_CHANGED, &p);
	assert_int_equal(p.object.marks, OBJECT_PARTIAL);
	assert_int_equal(p.object.known, OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE);
	parse_hex(SEQADJ_CHANGED, &p);
	assert_int_equal(p.object.marks, OBJECT_PARTIAL);
	assert_int_equal(p.object.known, OBJECT_KNOWS_BASE);
	parse_hex(CHILD_NEW, &p); /* which tells of its master, as a whole does */
	assert_int_equal(p.object.marks, 0);
	parse_hex(SYNPROXY_DUMPED, &p);
	assert_int_equal(p.object.marks & OBJECT_PARTIAL, 0);
	assert_int_equal(p.object.known & OBJECT_KNOWS_RARE, OBJECT_KNOWS_RARE);
}

/* Takes an attribute of the message out of sight. */
static void hide(struct sample *s, uint16_t type)
{
	struct attr a = ATTR(s, type);
	uint16_t unknown = 99;

	assert_non_null(a.data);
	memcpy(s->at + (a.data - s->at) - 2, &unknown, sizeof(unknown));
}

static void set_status(struct sample *s, uint32_t set)
{
	struct attr a = ATTR(s, CTA_STATUS);
	uint32_t status = htonl(number_at(a) | set);

	memcpy(s->at + (a.data - s->at), &status, sizeof(status));
}

static void a_new_session_without_what_a_whole_needs_is_partial(void **state)
{
	struct sample s = sample_of(TCP_NEW);
	struct parsed p;

	(void)state;
	hide(&s, CTA_PROTOINFO);
	parse_with(host_of_test(), &s, &p);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	assert_int_equal(p.object.marks, OBJECT_PARTIAL);
	assert_int_equal(p.object.known, OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE);
}

static void an_offloaded_flow_is_established_and_its_timer_is_nobodys_care(void **state)
{
	struct sample s = sample_of(TCP_DUMPED);
	struct parsed p;
	struct ct_session c;

	(void)state;
	hide(&s, CTA_PROTOINFO);
	hide(&s, CTA_TIMEOUT);
	set_status(&s, IPS_OFFLOAD | IPS_HW_OFFLOAD);
	parse_with(host_of_test(), &s, &p);
	assert_int_equal(p.err, 0);
	assert_int_equal(p.object.marks, 0);
	assert_int_equal(p.object.known, OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE);
	c = session_of(&p);
	assert_int_equal(c.tcp.state, TCP_CONNTRACK_ESTABLISHED);
	assert_int_equal(c.status, IPS_SEEN_REPLY | IPS_ASSURED);
}

/* What becomes of a message in which another address stands. */
static int parsed_with(const char *hex, uint16_t which, const char *address)
{
	struct sample s = sample_of(hex), bytes = sample_of(address);
	struct attr a = ATTR(&s, CTA_TUPLE_ORIG, CTA_TUPLE_IP, which);
	struct parsed p;

	assert_int_equal(a.len, bytes.len);
	memcpy(s.at + (a.data - s.at), bytes.at, bytes.len);
	parse_with(host_of_test(), &s, &p);
	return p.err;
}

static void what_stays_on_a_link_or_a_node_is_not_mirrored(void **state)
{
	static const struct {
		uint16_t which;
		const char *address;
		int err;
	} c[] = {
		{ CTA_IP_V4_SRC, "7f000001", -ENOMSG },
		{ CTA_IP_V4_DST, "7f010203", -ENOMSG },
		{ CTA_IP_V4_DST, "e0000012", -ENOMSG },
		{ CTA_IP_V4_DST, "ffffffff", -ENOMSG },
		{ CTA_IP_V4_DST, "e0000101", 0 },
		{ CTA_IP_V6_SRC, "fe800000000000000000000000000001", -ENOMSG },
		{ CTA_IP_V6_DST, "febf0000000000000000000000000001", -ENOMSG },
		{ CTA_IP_V6_DST, "ff020000000000000000000000000001", -ENOMSG },
		{ CTA_IP_V6_DST, "00000000000000000000000000000001", -ENOMSG },
		{ CTA_IP_V6_DST, "ff050000000000000000000000000001", 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
		bool v6 = c[i].which >= CTA_IP_V6_SRC;

		assert_int_equal(
			parsed_with(v6 ? TCP6_NEW : TCP_NEW, c[i].which, c[i].address), c[i].err);
	}
}

static int parsed_on_host_with(const char *hex, const char *address)
{
	struct object_host *host = host_of_test();
	struct sample s = sample_of(hex), bytes = sample_of(address);
	struct conf_ip ip = { .family = AF_INET };
	struct parsed p;

	memcpy(ip.bytes, bytes.at, bytes.len);
	assert_true(object_own_add(&host->own, &ip));
	parse_with(host, &s, &p);
	return p.err;
}

static void the_nodes_own_sessions_are_not_mirrored(void **state)
{
	(void)state;
	assert_int_equal(parsed_on_host_with(TCP_NEW, "0a010002"), -ENOMSG); /* from it */
	assert_int_equal(parsed_on_host_with(TCP_NEW, "0a020009"), -ENOMSG); /* to it */
	assert_int_equal(parsed_on_host_with(TCP_GONE, "0a020009"), -ENOMSG);
	/* To its own address, but NAT sends it on; from behind its own address. */
	assert_int_equal(parsed_on_host_with(NAT_NEW, "0a4d0001"), 0);
	assert_int_equal(parsed_on_host_with(NAT_NEW, "0a4e0001"), 0);
	assert_int_equal(parsed_on_host_with(NAT_NEW, "0a4e0064"), -ENOMSG);
	assert_int_equal(parsed_on_host_with(EXPECT_NEW, "0a4d0064"), -ENOMSG);
}

static void entries_that_die_and_templates_are_not_mirrored(void **state)
{
	static const uint32_t bits[] = { IPS_DYING, IPS_TEMPLATE };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
		struct sample s = sample_of(TCP_DUMPED);
		struct parsed p;

		set_status(&s, bits[i]);
		parse_with(host_of_test(), &s, &p);
		assert_int_equal(p.err, -ENOMSG);
	}
}

static void nat_is_found_in_the_reply(void **state)
{
	struct parsed p;
	struct ct_session s;

	(void)state;
	parse_hex(NAT_NEW, &p);
	s = session_of(&p);
	assert_int_equal(s.nat, CT_NAT_SRC | CT_NAT_DST | CT_NAT_DST_PORT);
	assert_bytes(span_of(s.reply.dst, 4), "0a4e0001");
	assert_bytes(span_of(s.reply.src, 4), "0a4e0064");
	parse_hex(UDP_NAT_DUMPED, &p);
	s = session_of(&p);
	assert_int_equal(s.nat, CT_NAT_FLAGS);
	assert_bytes(span_of(s.reply.l4, 4), "00080009");
	parse_hex(ICMP_DUMPED, &p);
	assert_int_equal(session_of(&p).nat, CT_NAT_SRC);
	parse_hex(TCP_DUMPED, &p);
	assert_int_equal(session_of(&p).fields & CT_NAT, 0);
}

static void a_zone_is_part_of_the_key(void **state)
{
	struct parsed both, orig, reply;

	(void)state;
	parse_hex(ZONE_DUMPED, &both);
	parse_hex(ZONE_ORIG_DUMPED, &orig);
	parse_hex(ZONE_REPLY_DUMPED, &reply);
	assert_int_equal(session_of(&both).zone.dir, TUPLE_ZONE_BOTH);
	assert_int_equal(session_of(&both).zone.id, 5);
	assert_int_equal(session_of(&orig).zone.dir, TUPLE_ZONE_ORIG);
	assert_int_equal(session_of(&orig).zone.id, 6);
	assert_int_equal(session_of(&reply).zone.dir, TUPLE_ZONE_REPLY);
	assert_int_equal(session_of(&reply).zone.id, 9);
	assert_int_equal(both.object.key_len, 16);
}

static void a_message_cut_short_is_never_read_behind_its_end(void **state)
{
#define X(name) name,
	static const char *const all[] = { SAMPLES(X) };
#undef X
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		struct sample s = sample_of(all[i]);

		for (size_t len = NLMSG_HDRLEN; len < s.len; len++) {
			/* In memory of its own, so that a read behind its end is seen. */
			struct nlmsghdr *nlh = malloc(len);
			struct object o;
			uint8_t room[OBJECT_KEY_MAX + OBJECT_VALUE_MAX];

			assert_non_null(nlh);
			memcpy(nlh, s.at, len);
			nlh->nlmsg_len = (uint32_t)len;
			assert_true(ops_for(&s)->parse(host_of_test(), nlh, &o, room) <= 0);
			free(nlh);
		}
	}
}

static int decoded(const char *key, const char *value)
{
	struct sample k = sample_of(key), v = sample_of(value);
	struct ct_session s;

	return ct_decode(span_of(k.at, k.len), span_of(v.at, v.len), &s);
}

static void a_value_that_is_not_well_formed_is_refused(void **state)
{
	static const char *const key = "02060a0100020a0200099c400050";
	static const char *const bad[] = {
		"18781000",               /* short */
		"187810003000",           /* long */
		"8080",                   /* an unknown field */
		"8000",                   /* more fields, of which there are none */
		"18f88000100030",         /* a number longer than it need be */
		"08ffffffff7f",           /* one too large */
		"10f00000",               /* TCP has no such state */
		"2000",                   /* NAT that changes nothing */
		"20010a010002",           /* nor does this */
		"4000000000",             /* a mark that is none */
		"800100",                 /* no labels */
		"80020361006200",         /* a name with a NUL in it */
		"8040010000000100000002", /* SCTP's state */
	};

	(void)state;
	assert_int_equal(decoded(key, "1878100030"), 0);
	assert_int_equal(decoded(key, "20010a010003"), 0);
	assert_int_equal(decoded(key, ""), 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(decoded(key, bad[i]), -EBADMSG);
	assert_int_equal(decoded("02110a0100020a0200099c400050", "10100030"), -EBADMSG); /* UDP */
}

static void a_key_that_is_not_well_formed_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "22060a0100020a0200099c400050", /* an unknown bit */
		"06060a0100020a0200099c400050",     /* an unknown shape */
		"0a060a0100020a0200099c4000500000", /* zone 0, which is no zone */
		"02060a0100020a0200099c4000",       /* short */
		"02060a0100020a0200099c40005000",   /* long */
		"04010a0100020a0200090001ff00",     /* ICMP that has no answer */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(decoded(bad[i], ""), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_tcp_session_is_whole_and_takes_nineteen_bytes),
		cmocka_unit_test(an_update_is_a_change_that_holds_what_the_event_tells),
		cmocka_unit_test(an_end_names_the_session_and_what_nat_it_had),
		cmocka_unit_test(what_a_dump_tells_has_the_prints_of_the_events_before),
		cmocka_unit_test(prints_tell_sessions_states_and_rarities_apart),
		cmocka_unit_test(an_event_of_something_rare_asks_for_the_whole),
		cmocka_unit_test(a_new_session_without_what_a_whole_needs_is_partial),
		cmocka_unit_test(an_offloaded_flow_is_established_and_its_timer_is_nobodys_care),
		cmocka_unit_test(what_stays_on_a_link_or_a_node_is_not_mirrored),
		cmocka_unit_test(the_nodes_own_sessions_are_not_mirrored),
		cmocka_unit_test(entries_that_die_and_templates_are_not_mirrored),
		cmocka_unit_test(nat_is_found_in_the_reply),
		cmocka_unit_test(a_zone_is_part_of_the_key),
		cmocka_unit_test(a_message_cut_short_is_never_read_behind_its_end),
		cmocka_unit_test(a_value_that_is_not_well_formed_is_refused),
		cmocka_unit_test(a_key_that_is_not_well_formed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
