/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_fixture.h"

/* Two networks, of both families, and a way out. */
static void configure_usual(struct fixture *f)
{
	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "198.51.100.1/24", "v1");
	has_address(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_address(&f->conf, 0, "2001:db8:2::1/64", "v1");
	has_route(&f->conf, 0, "default", "198.51.100.254", "v1");
	has_route(&f->conf, 0, "default", "2001:db8:2::fe", "");
	has_route(&f->conf, 0, "203.0.113.0/24", NULL, "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
}

static void taking_sets_addresses_and_routes(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	assert_says("ip addr show v0", "inet 192.0.2.1/24 scope global dynamic v0");
	assert_says("ip addr show v0", "valid_lft 6sec preferred_lft 6sec");
	assert_says("ip addr show v1", "inet 198.51.100.1/24");
	assert_says(
		"ip addr show v0", "inet6 2001:db8:1::1/64 scope global nodad deprecated dynamic");
	assert_says("ip addr show v0", "valid_lft 6sec preferred_lft 0sec");
	assert_says("ip route", "default via 198.51.100.254 dev v1 proto 158");
	assert_says("ip route", "203.0.113.0/24 dev v0 proto 158 scope link");
	assert_says(
		"ip -6 route", "default via 2001:db8:2::fe dev v1 proto 158 metric 512 expires");
	assert_int_equal(vip_held(f->vip), 1);
	assert_sound(f);
	/* Once more, and on an address that somebody set by hand. */
	run("ip addr del 192.0.2.1/24 dev v0; ip addr add 192.0.2.1/24 dev v0");
	assert_int_equal(audit(f).damaged, 1);
	add(f, 0);
	assert_says("ip addr show v0", "inet 192.0.2.1/24 scope global dynamic");
	assert_sound(f);
}

static void giving_up_leaves_nothing(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("ip addr; ip route; ip -6 route");
	add(f, 0);
	drop(f, 0, false);
	assert_int_equal(vip_held(f->vip), 0);
	run("ip addr show scope global; ip route; ip -6 route | grep -v ^fe80 || true");
	assert_string_equal(netns_said, "");
	/* Nothing left to remove is no failure. */
	drop(f, 0, false);
}

static void an_own_address_stays_the_source(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("ip addr add 198.51.100.9/24 dev v1; ip addr add 2001:db8:2::9/64 dev v1 nodad");
	add(f, 0);
	assert_says("ip addr show v1",
		"inet 198.51.100.1/24 scope global secondary dynamic noprefixroute");
	assert_says("ip addr show v1",
		"inet6 2001:db8:2::1/64 scope global nodad deprecated dynamic noprefixroute");
	assert_says("ip route get 198.51.100.77", "src 198.51.100.9");
	assert_says("ip route get 8.8.8.8", "src 198.51.100.9");
	assert_says("ip route get 2001:db8:2::77", "src 2001:db8:2::9");
	assert_says("ip route get 2001:db8:ffff::1", "src 2001:db8:2::9");
	/* Where it has no own one, the node speaks with the group's. */
	assert_says("ip route get 192.0.2.77", "src 192.0.2.1");
	assert_sound(f);
}

static void an_own_address_that_comes_later_becomes_the_source(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	assert_int_equal(heard(f), 0);
	run("ip addr add 198.51.100.9/24 dev v1; ip addr add 2001:db8:2::9/64 dev v1 nodad");
	assert_says("ip route get 198.51.100.77", "src 198.51.100.1");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).damaged, 1);
	assert_int_equal(audit(f).missing, 0);
	add(f, 0);
	assert_sound(f);
	assert_says("ip route get 198.51.100.77", "src 198.51.100.9");
	assert_says("ip route get 8.8.8.8", "src 198.51.100.9");
	assert_says("ip route get 2001:db8:2::77", "src 2001:db8:2::9");
	assert_says("ip addr show v1", "inet 198.51.100.9/24 scope global v1");
	assert_says("ip addr show v1", "inet 198.51.100.1/24 scope global secondary");
	assert_says("cat /proc/sys/net/ipv4/conf/v1/promote_secondaries", "0");
	/* And when it goes, ours bring the connected route again. */
	run("ip addr del 198.51.100.9/24 dev v1; ip addr del 2001:db8:2::9/64 dev v1");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).missing, 1);
	add(f, 0);
	assert_sound(f);
	assert_says("ip route", "198.51.100.0/24 dev v1 proto kernel scope link src 198.51.100.1");
	assert_says("ip route", "default via 198.51.100.254 dev v1");
	assert_says("ip -6 route", "2001:db8:2::/64 dev v1 proto kernel");
}

/* Own addresses with another prefix length: each is a primary, and the first counts. */
static void own_subnets_of_other_sizes_keep_their_source(void **state)
{
	static const char *const own[] = { "192.0.2.9/16", "192.0.2.9/28", "192.0.2.9/32" };
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	for (unsigned i = 0; i < ARRAY_LEN(own); i++)
		for (unsigned later = 0; later < 2; later++) {
			char command[64];

			(void)snprintf(command, sizeof(command), "ip addr add %s dev v0", own[i]);
			if (later)
				add(f, 0);
			run(command);
			add(f, 0);
			assert_sound(f);
			assert_says("ip addr show v0", "inet 192.0.2.1/24");
			assert_says("ip route get 192.0.2.7", "src 192.0.2.9");
			assert_says("ip route get 192.0.2.200", "src 192.0.2.9");
			assert_says("ip route get 8.8.8.8", "src 192.0.2.9");
			drop(f, 0, false);
			assert_says("ip -4 addr show v0", own[i]);
			assert_silent_on("ip route", "proto 158");
			run("ip addr flush dev v0 scope global");
		}
}

/* However it came about, what is not ours is there afterwards. */
static void removing_leaves_own_addresses_alone(void **state)
{
	static const char *const own = "ip addr add 198.51.100.9/24 brd + label v1:own dev v1";
	FIXTURE(f);

	configure_usual(f);
	for (unsigned i = 0; i < 8; i++) {
		bool before = i & 1, promotes = i & 2, mended = i & 4;

		run(promotes ? "sysctl -qw net.ipv4.conf.v1.promote_secondaries=1"
			     : "sysctl -qw net.ipv4.conf.v1.promote_secondaries=0");
		if (before)
			run(own);
		add(f, 0);
		if (!before)
			run(own);
		if (mended)
			add(f, 0);
		run("ip route add 10.0.0.0/8 via 198.51.100.7 src 198.51.100.9");
		drop(f, 0, false);
		assert_says("ip addr show v1",
			"inet 198.51.100.9/24 brd 198.51.100.255 scope global v1:own");
		assert_silent_on("ip addr show v1", "198.51.100.1/");
		assert_says("ip route",
			"198.51.100.0/24 dev v1 proto kernel scope link src 198.51.100.9");
		assert_says("ip route", "10.0.0.0/8 via 198.51.100.7 dev v1 src 198.51.100.9");
		assert_silent_on("ip route", "proto 158");
		assert_says(
			"cat /proc/sys/net/ipv4/conf/v1/promote_secondaries", promotes ? "1" : "0");
		run("ip addr flush dev v1 scope global");
	}
}

/* Whoever is killed there, or changes its mind, leaves the setting as it was. */
static void between_chunks_the_interface_has_its_own_setting(void **state)
{
	static const char setting[] = "cat /proc/sys/net/ipv4/conf/v0/promote_secondaries";
	FIXTURE(f);
	unsigned chunks = 0;

	for (unsigned i = 0; i < 600; i++) {
		char prefix[32];

		(void)snprintf(prefix, sizeof(prefix), "10.1.%u.%u/16", i / 200, 1 + i % 200);
		has_address(&f->conf, 0, prefix, "v0");
	}
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	add(f, 0);
	run("ip addr add 10.1.99.1/16 dev v0");
	assert_says("ip addr show v0", "10.1.99.1/16 scope global secondary");
	for (bool more = vip_remove(f->vip, 0, false); more; more = vip_continue(f->vip)) {
		assert_says(setting, "0");
		chunks++;
	}
	assert_true(chunks >= 2);
	assert_says(setting, "0");
	assert_says("ip addr show v0", "10.1.99.1/16");
	assert_silent_on("ip addr show v0", "10.1.0.");
}

static void groups_in_one_subnet_do_not_take_each_other_along(void **state)
{
	FIXTURE(f);

	for (unsigned g = 0; g < 2; g++) {
		has_address(&f->conf, g, g ? "192.0.2.2/24" : "192.0.2.1/24", "v0");
		has_address(&f->conf, g, g ? "2001:db8:1::2/64" : "2001:db8:1::1/64", "v0");
		has_route(&f->conf, g, "default", "192.0.2.254", "v0");
		has_route(&f->conf, g, g ? "10.2.0.0/16" : "10.1.0.0/16", "192.0.2.254", "v0");
	}
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	add(f, 0);
	add(f, 1);
	assert_says("ip addr show v0", "inet 192.0.2.2/24 scope global secondary");
	drop(f, 0, false);
	assert_sound(f);
	assert_says("ip addr show v0", "inet 192.0.2.2/24 scope global dynamic");
	assert_says("ip addr show v0", "inet6 2001:db8:1::2/64");
	assert_silent_on("ip addr show v0", "192.0.2.1/");
	assert_says("ip -6 route", "2001:db8:1::/64 dev v0 proto kernel");
	/* The route that both have stays, too. */
	assert_says("ip route", "default via 192.0.2.254");
	assert_says("ip route", "10.2.0.0/16");
	assert_silent_on("ip route", "10.1.0.0/16");
	drop(f, 1, false);
	run("ip route; ip addr show scope global");
	assert_string_equal(netns_said, "");
}

static void an_operators_routes_come_back(void **state)
{
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	has_route(&f->conf, 0, "default", "2001:db8:1::fe", "v0");
	has_route(&f->conf, 0, "2001:db8:ff::/48", "2001:db8:1::fe", "v0")->metric = 77;
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	run("ip addr add 198.51.100.9/24 dev v1; ip route add default via 198.51.100.254; "
	    "ip addr add 2001:db8:2::9/64 dev v1 nodad; ip -6 route add default via "
	    "2001:db8:2::fe; "
	    "ip -6 route add 2001:db8:ff::/48 via 2001:db8:2::fe metric 77");
	add(f, 0);
	assert_int_equal(audit(f).missing, 1);
	add(f, 0);
	assert_sound(f);
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254");
	assert_says("ip route get 2001:db8:ffff::1", "via 2001:db8:1::fe");
	/* Of equal metric, by another gateway: both share the traffic. */
	assert_says("ip -6 route", "nexthop via 2001:db8:1::fe dev v0");
	drop(f, 0, false);
	assert_says("ip route get 8.8.8.8", "via 198.51.100.254");
	assert_says("ip route get 2001:db8:ffff::1", "via 2001:db8:2::fe");
	assert_says("ip -6 route", "2001:db8:ff::/48 via 2001:db8:2::fe dev v1 metric 77");
	assert_silent_on("ip route; ip -6 route", "proto 158");
}

static void an_equal_ipv6_route_of_the_operator_serves(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("ip addr add 2001:db8:2::9/64 dev v1 nodad; "
	    "ip -6 route add default via 2001:db8:2::fe dev v1 metric 512");
	add(f, 0);
	/* Missed once, then known to be somebody else's. */
	assert_int_equal(audit(f).routes, 1);
	add(f, 0);
	assert_sound(f);
	drop(f, 0, false);
	assert_says("ip -6 route", "default via 2001:db8:2::fe dev v1 metric 512");
}

static void a_missing_interface_fails_only_its_own(void **state)
{
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "198.51.100.1/24", "nowhere");
	has_route(&f->conf, 0, "default", "198.51.100.254", "nowhere");
	has_route(&f->conf, 0, "10.0.0.0/8", "203.0.113.1", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_false(vip_add(f->vip, 0));
	assert_int_equal(vip_failed(f->vip, 0), 3);
	assert_int_equal(f->n_errors, 3);
	assert_non_null(
		strstr(f->log, "address 198.51.100.1/24 dev nowhere: not added: No such device"));
	/* The kernel's own words. */
	assert_non_null(strstr(f->log, "Nexthop has invalid gateway"));
	assert_says("ip addr show v0", "inet 192.0.2.1/24");
	assert_int_equal(audit(f).absent, 1);
	drop(f, 0, false);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		T(taking_sets_addresses_and_routes),
		T(giving_up_leaves_nothing),
		T(an_own_address_stays_the_source),
		T(an_own_address_that_comes_later_becomes_the_source),
		T(own_subnets_of_other_sizes_keep_their_source),
		T(removing_leaves_own_addresses_alone),
		T(between_chunks_the_interface_has_its_own_setting),
		T(groups_in_one_subnet_do_not_take_each_other_along),
		T(an_operators_routes_come_back),
		T(an_equal_ipv6_route_of_the_operator_serves),
		T(a_missing_interface_fails_only_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
