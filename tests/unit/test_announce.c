/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/announce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
static const struct conf_ip ipv4 = { AF_INET, { 192, 0, 2, 1 } };
static const struct conf_ip ipv6 = { AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };

/* ---- frames -------------------------------------------------------------------------------- */

/* The frame is these bytes: hexadecimal digits, with spaces between fields. */
static void assert_frame(const uint8_t *frame, size_t len, const char *expected)
{
	char text[4 * ANNOUNCE_FRAME_MAX] = "";
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		while (expected[at] == ' ')
			text[at++] = ' ';
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", frame[i]);
	}
	assert_string_equal(text, expected);
}

static void a_request_names_no_target_hardware(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	(void)state;
	announce_build_arp(frame, mac, &ipv4, ANNOUNCE_REQUEST);
	assert_frame(frame, ANNOUNCE_ARP_LEN,
		"ffffffffffff 021122334455 0806 0001 0800 06 04 0001 "
		"021122334455 c0000201 000000000000 c0000201");
}

static void a_reply_names_the_sender_twice(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	(void)state;
	announce_build_arp(frame, mac, &ipv4, ANNOUNCE_REPLY);
	assert_frame(frame, ANNOUNCE_ARP_LEN,
		"ffffffffffff 021122334455 0806 0001 0800 06 04 0002 "
		"021122334455 c0000201 021122334455 c0000201");
}

/* The checksum was worked out apart from the code, from RFC 8200's pseudo header. */
static void an_advertisement_is_for_all_nodes_and_overrides(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	(void)state;
	announce_build_neighbour(frame, mac, &ipv6, false);
	assert_frame(frame, ANNOUNCE_NEIGHBOUR_LEN,
		"333300000001 021122334455 86dd 60000000 0020 3a ff "
		"20010db8000000000000000000000001 ff020000000000000000000000000001 "
		"88 00 9292 20000000 20010db8000000000000000000000001 02 01 021122334455");
}

static void a_forwarding_node_says_that_it_is_a_router(void **state)
{
	uint8_t host[ANNOUNCE_FRAME_MAX], router[ANNOUNCE_FRAME_MAX];

	(void)state;
	announce_build_neighbour(host, mac, &ipv6, false);
	announce_build_neighbour(router, mac, &ipv6, true);
	assert_int_equal(router[58], 0xa0);
	/* 0x8000 more in the sum. */
	assert_int_equal(router[56], host[56] ^ 0x80);
	assert_int_equal(router[57], host[57]);
	router[56] = host[56];
	router[58] = host[58];
	assert_memory_equal(router, host, ANNOUNCE_NEIGHBOUR_LEN);
}

/* ---- schedule ------------------------------------------------------------------------------ */

struct fixture {
	struct conf conf;
	struct announce announce;
	struct announce_frame due[ANNOUNCE_MAX];
};

static mono_t ms(uint64_t at)
{
	return (mono_t){ (1000 + at) * 1000 };
}

/* Groups with so many addresses each, every `ipv6_each`th of them IPv6 (0 = none). */
static void configure(
	struct fixture *f, unsigned n_groups, unsigned n_addresses, unsigned ipv6_each)
{
	memset(&f->conf, 0, sizeof(f->conf));
	f->conf.n_groups = n_groups;
	for (unsigned g = 0; g < n_groups; g++) {
		f->conf.group[g].first_address = f->conf.n_addresses;
		f->conf.group[g].n_addresses = n_addresses;
		for (unsigned i = 0; i < n_addresses; i++)
			f->conf.address[f->conf.n_addresses++] = (struct conf_address){
				.group = (uint8_t)g,
				.ip = ipv6_each && i % ipv6_each == 0 ? ipv6 : ipv4,
			};
	}
	announce_init(&f->announce, &f->conf);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	return 0;
}

/* Takes all that is due at this instant; the pace is waited out. Returns how many. */
static unsigned drain(struct fixture *f, mono_t *now)
{
	unsigned total = 0, n;

	while (mono_reached(
		announce_deadline(&f->announce), mono_after_us(*now, ANNOUNCE_PACE_US))) {
		*now = mono_max(*now, announce_deadline(&f->announce));
		n = announce_due(&f->announce, *now, f->due);
		assert_in_range(n, 1, ANNOUNCE_MAX);
		total += n;
	}
	return total;
}

static void nothing_is_due_before_a_group_is_taken(void **state)
{
	struct fixture *f = *state;

	configure(f, 2, 3, 0);
	assert_true(mono_is_never(announce_deadline(&f->announce)));
	assert_int_equal(announce_due(&f->announce, ms(0), f->due), 0);
	announce_again(&f->announce, 0, ms(500));
	assert_int_equal(announce_due(&f->announce, ms(500), f->due), 0);
}

static void assert_rounds(struct fixture *f, const uint64_t at[6])
{
	announce_taken(&f->announce, 0, ms(0));
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(announce_deadline(&f->announce).us, ms(at[i]).us);
		if (at[i])
			assert_int_equal(announce_due(&f->announce, ms(at[i] - 1), f->due), 0);
		assert_int_equal(announce_due(&f->announce, ms(at[i]), f->due), 2);
		assert_int_equal(announce_due(&f->announce, ms(at[i]), f->due), 0);
	}
}

static void a_burst_is_followed_by_a_slow_refresh(void **state)
{
	static const uint64_t at[] = { 0, 50, 200, 1000, 61000, 121000 };

	configure(*state, 1, 1, 0);
	assert_rounds(*state, at);
}

/* An old master of the same MAC is quiet after 20 ms, and switches forget. */
static void a_virtual_mac_is_told_sooner_and_more_often(void **state)
{
	static const uint64_t at[] = { 0, 30, 200, 1000, 16000, 31000 };
	struct fixture *f = *state;

	configure(f, 1, 1, 0);
	f->conf.group[0].virtual_mac = true;
	assert_rounds(f, at);
}

static void all_are_named_once_before_the_second_form(void **state)
{
	struct fixture *f = *state;

	configure(f, 1, 3, 3); /* IPv6, IPv4, IPv4 */
	announce_taken(&f->announce, 0, ms(0));
	assert_int_equal(announce_due(&f->announce, ms(0), f->due), 5);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(f->due[i].address, i);
		assert_int_equal(f->due[i].form, ANNOUNCE_REQUEST);
	}
	assert_int_equal(f->due[3].address, 1);
	assert_int_equal(f->due[3].form, ANNOUNCE_REPLY);
	assert_int_equal(f->due[4].address, 2);
}

static void a_thousand_addresses_go_in_bounded_steps(void **state)
{
	struct fixture *f = *state;
	bool named[1000] = { false };
	mono_t now = ms(0);
	unsigned n, steps = 0, total = 0;

	configure(f, 1, 1000, 0);
	announce_taken(&f->announce, 0, now);
	do {
		n = announce_due(&f->announce, now, f->due);
		assert_in_range(n, 1, ANNOUNCE_MAX);
		for (unsigned i = 0; i < n; i++)
			named[f->due[i].address] |= f->due[i].form == ANNOUNCE_REQUEST;
		if (++steps == 16)
			for (unsigned i = 0; i < 1000; i++)
				assert_true(named[i]);
		total += n;
		assert_int_equal(announce_due(&f->announce, now, f->due), 0);
		now = announce_deadline(&f->announce);
	} while (n == ANNOUNCE_MAX);
	assert_int_equal(total, 2000);
	assert_int_equal(steps, 32);
	assert_int_equal(now.us, ms(50).us);
}

static void a_stall_costs_one_round(void **state)
{
	struct fixture *f = *state;

	configure(f, 1, 1, 0);
	announce_taken(&f->announce, 0, ms(0));
	assert_int_equal(announce_due(&f->announce, ms(0), f->due), 2);
	assert_int_equal(announce_due(&f->announce, ms(700), f->due), 2);
	assert_int_equal(announce_due(&f->announce, ms(700), f->due), 0);
	assert_int_equal(announce_deadline(&f->announce).us, ms(1000).us);
	assert_int_equal(announce_due(&f->announce, ms(200000), f->due), 2);
	assert_int_equal(announce_deadline(&f->announce).us, ms(260000).us);
}

static void asked_again_the_burst_begins_anew(void **state)
{
	struct fixture *f = *state;
	mono_t now = ms(5000);

	configure(f, 1, 1, 0);
	announce_taken(&f->announce, 0, ms(0));
	assert_int_equal(announce_due(&f->announce, now, f->due), 2);
	announce_again(&f->announce, 0, now);
	assert_int_equal(announce_due(&f->announce, now, f->due), 2);
	assert_int_equal(announce_deadline(&f->announce).us, ms(5050).us);
	/* Asked with every heartbeat of a conflict, it does not begin with each. */
	announce_again(&f->announce, 0, ms(5010));
	assert_int_equal(announce_due(&f->announce, ms(5010), f->due), 0);
	assert_int_equal(announce_deadline(&f->announce).us, ms(5050).us);
}

static void a_dropped_group_falls_silent_at_once(void **state)
{
	struct fixture *f = *state;

	configure(f, 1, 100, 0);
	announce_taken(&f->announce, 0, ms(0));
	assert_int_equal(announce_due(&f->announce, ms(0), f->due), ANNOUNCE_MAX);
	announce_dropped(&f->announce, 0);
	assert_true(mono_is_never(announce_deadline(&f->announce)));
	assert_int_equal(announce_due(&f->announce, ms(60), f->due), 0);
	/* Taken again, it starts from its first address. */
	announce_taken(&f->announce, 0, ms(60));
	assert_int_equal(announce_due(&f->announce, ms(60), f->due), ANNOUNCE_MAX);
	assert_int_equal(f->due[0].address, 0);
}

static void groups_share_a_step_and_none_starves(void **state)
{
	struct fixture *f = *state;
	mono_t now = ms(0);

	configure(f, 3, 10, 0);
	for (unsigned g = 0; g < 3; g++)
		announce_taken(&f->announce, g, ms(0));
	assert_int_equal(announce_due(&f->announce, now, f->due), 60);
	/* A group that is asked again and again does not hold up another one's round. */
	configure(f, 2, 300, 0);
	announce_taken(&f->announce, 1, ms(0));
	announce_taken(&f->announce, 0, ms(1));
	now = ms(1);
	assert_int_equal(announce_due(&f->announce, now, f->due), ANNOUNCE_MAX);
	assert_int_equal(f->due[0].address, 300);
	now = ms(2);
	assert_int_equal(drain(f, &now), 1200 - ANNOUNCE_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		T(a_request_names_no_target_hardware),
		T(a_reply_names_the_sender_twice),
		T(an_advertisement_is_for_all_nodes_and_overrides),
		T(a_forwarding_node_says_that_it_is_a_router),
		T(nothing_is_due_before_a_group_is_taken),
		T(a_burst_is_followed_by_a_slow_refresh),
		T(a_virtual_mac_is_told_sooner_and_more_often),
		T(all_are_named_once_before_the_second_form),
		T(a_thousand_addresses_go_in_bounded_steps),
		T(a_stall_costs_one_round),
		T(asked_again_the_burst_begins_anew),
		T(a_dropped_group_falls_silent_at_once),
		T(groups_share_a_step_and_none_starves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
