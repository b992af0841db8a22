/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_fixture.h"

static void configure_usual(struct fixture *f)
{
	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "192.0.2.2/24", "v0");
	has_address(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	has_route(&f->conf, 0, "default", "2001:db8:1::fe", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
}

static void mend(struct fixture *f)
{
	add(f, 0);
	assert_sound(f);
	assert_says("ip addr show v0", "192.0.2.1/24");
	assert_says("ip addr show v0", "192.0.2.2/24");
	assert_says("ip addr show v0", "2001:db8:1::1/64");
	assert_says("ip route", "default via 192.0.2.254");
	assert_says("ip -6 route", "default via 2001:db8:1::fe");
	/* What we do ourselves to IPv4 is not heard; of IPv6 it may be, and is sound. */
	(void)heard(f);
	assert_sound(f);
}

static void an_address_taken_away_is_missed_and_put_back(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	assert_int_equal(heard(f), 0);
	assert_sound(f);
	/* The first of a subnet takes the second with it. */
	run("ip addr del 192.0.2.1/24 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).missing, 1);
	assert_int_equal(audit(f).addresses, 2);
	/* The interface's last one took the route, too. */
	assert_int_equal(audit(f).routes, 1);
	mend(f);
	run("ip addr del 192.0.2.2/24 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).addresses, 1);
	assert_int_equal(audit(f).routes, 0);
	assert_int_equal(audit(f).missing, 1);
	assert_says("ip addr show v0", "192.0.2.1/24");
	mend(f);
	run("ip addr del 2001:db8:1::1/64 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).addresses, 1);
	mend(f);
}

static void a_promoted_address_is_mended(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("sysctl -qw net.ipv4.conf.v0.promote_secondaries=1; ip addr add 192.0.2.9/24 dev v0");
	add(f, 0);
	run("ip addr del 192.0.2.9/24 dev v0");
	/* Ours is promoted, but brings no connected route. */
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).damaged, 1);
	mend(f);
	assert_says("ip route", "192.0.2.0/24 dev v0 proto kernel");
}

static void a_route_taken_away_is_missed_and_put_back(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	run("ip route del default; ip -6 route del default");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).missing, 1);
	assert_int_equal(audit(f).routes, 2);
	assert_int_equal(audit(f).addresses, 0);
	mend(f);
	/* Replaced by the operator: his stays behind ours. */
	run("ip route replace default via 192.0.2.253");
	assert_int_equal(heard(f), 0); /* the kernel tells of no removal */
	assert_int_equal(audit(f).routes, 1);
	mend(f);
	assert_says("ip route", "default via 192.0.2.253");
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254");
}

static void a_connected_route_that_we_put_is_missed_and_put_back(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("ip addr add 192.0.2.9/32 dev v0");
	add(f, 0);
	assert_sound(f);
	run("ip route del 192.0.2.0/24 proto 158");
	assert_int_equal(heard(f), 1);
	/* The route by the gateway has it in its way, but stays. */
	assert_int_equal(audit(f).routes, 1);
	mend(f);
	assert_says("ip route", "192.0.2.0/24 dev v0 proto 158 scope link src 192.0.2.9");
}

static void our_own_changes_wake_nobody(void **state)
{
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "192.0.2.2/24", "v0");
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	(void)heard(f);
	add(f, 0);
	drop(f, 0, true);
	(void)vip_remove_rest(f->vip, 0);
	assert_quiet(watch_fd(f->watch));
}

static void other_programs_changes_do_not_concern_us(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	run("ip addr add 203.0.113.1/24 dev v0; ip addr del 203.0.113.1/24 dev v0; "
	    "ip route add 10.0.0.0/8 via 192.0.2.7; ip route del 10.0.0.0/8; "
	    "ip addr add 192.0.2.77/24 dev v1; ip neigh add 192.0.2.8 dev v0 lladdr "
	    "02:00:00:00:00:01");
	assert_int_equal(heard(f), 0);
	/* Nor what is ours once it is not held. */
	drop(f, 0, false);
	run("ip addr add 192.0.2.1/24 dev v0; ip addr del 192.0.2.1/24 dev v0");
	assert_int_equal(heard(f), 0);
}

static void an_interface_made_anew_gets_all_back(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	run("ip link del v0");
	(void)heard(f);
	assert_int_equal(audit(f).absent, 3);
	run("ip link add v0 type veth peer name p0; ip link set p0 up; ip link set v0 up");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).addresses, 3);
	assert_int_equal(audit(f).absent, 0);
	mend(f);
}

static void an_interface_that_was_down_gets_all_back(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	run("ip link set v0 down");
	(void)heard(f);
	run("ip link set v0 up");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).missing, 1);
	mend(f);
}

/* Whatever put it there: a duplicate was found, and the address is dead. */
static void a_failed_duplicate_check_is_mended(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("sysctl -qw net.ipv6.conf.v0.accept_dad=1; "
	    "ip addr add 2001:db8:1::1/64 dev p0 nodad; ip addr add 2001:db8:1::1/64 dev v0");
	for (unsigned i = 0; i < 50; i++) {
		sleep_ms(100);
		run("ip addr show v0");
		if (strstr(netns_said, "dadfailed"))
			break;
	}
	assert_says("ip addr show v0", "dadfailed");
	add(f, 0);
	assert_silent_on("ip addr show v0", "dadfailed");
	assert_silent_on("ip addr show v0 scope global", "tentative");
	assert_sound(f);
	/* While it is held: put there anew by hand, it is tentative and not ours. */
	run("ip addr del 2001:db8:1::1/64 dev v0; ip addr add 2001:db8:1::1/64 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).damaged, 1);
	mend(f);
	assert_silent_on("ip addr show v0 scope global", "tentative");
}

static void lost_events_make_all_be_audited(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	/* More than the buffer holds; each of these goes through the filter. */
	run("i=0; while [ $i -lt 400 ]; do for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
	    "echo link set v1 mtu $((1400 + j)); done; i=$((i + 1)); done | ip -batch -");
	run("ip addr del 192.0.2.2/24 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(watch_counters(f->watch)->overruns, 1);
	assert_int_equal(audit(f).addresses, 1);
}

/* ---- at the start and the end -------------------------------------------------------------- */

static void configure_three(struct fixture *f)
{
	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	has_address(&f->conf, 1, "198.51.100.1/24", "v1");
	has_address(&f->conf, 1, "2001:db8:2::1/64", "v1");
	has_address(&f->conf, 2, "203.0.113.1/24", "v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
}

/* As after a lease that ran out while nobody was there: IPv4 routes know none. */
static void a_route_alone_is_a_leftover(void **state)
{
	struct vip_leftovers leftovers;
	FIXTURE(f);

	configure_three(f);
	run("ip addr add 192.0.2.9/24 dev v0");
	add(f, 0);
	run("ip addr del 192.0.2.1/24 dev v0; ip -6 addr flush dev v0");
	assert_says("ip route", "proto 158");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_int_equal(vip_leftovers(f->vip, &leftovers), 0);
	assert_int_equal(leftovers.some, 1);
	assert_int_equal(leftovers.complete, 0);
	drop(f, 0, false);
	assert_silent_on("ip route", "proto 158");
}

static void leftovers_are_found_and_strays_removed(void **state)
{
	struct vip_leftovers leftovers;
	FIXTURE(f);

	configure_three(f);
	assert_int_equal(vip_leftovers(f->vip, &leftovers), 0);
	assert_int_equal(leftovers.some, 0);
	assert_int_equal(leftovers.complete, 0);
	add(f, 0);
	add(f, 1);
	run("ip addr del 198.51.100.1/24 dev v1");
	/* What an older configuration left, and the operator's own as its secondary. */
	has_address(&f->other, 0, "10.0.0.1/24", "v1");
	has_address(&f->other, 0, "10.0.0.2/24", "v1");
	has_address(&f->other, 0, "2001:db8:3::1/64", "v1");
	has_route(&f->other, 0, "10.7.0.0/16", "10.0.0.254", "v1");
	has_route(&f->other, 0, "2001:db8:7::/48", "2001:db8:3::fe", "v1");
	assert_int_equal(vip_configure(f->vip, &f->other), 0);
	add(f, 0);
	run("ip addr add 10.0.0.9/24 dev v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_int_equal(vip_leftovers(f->vip, &leftovers), 0);
	assert_int_equal(leftovers.complete, 1);
	assert_int_equal(leftovers.some, 3);
	assert_int_equal(leftovers.removed, 5);
	assert_says("ip addr show v1", "10.0.0.9/24");
	assert_silent_on("ip addr show v1", "10.0.0.1/");
	assert_silent_on("ip addr show v1", "10.0.0.2/");
	assert_silent_on("ip addr show v1", "2001:db8:3::1/64");
	assert_silent_on("ip route", "10.7.0.0/16");
	assert_silent_on("ip -6 route", "2001:db8:7::/48");
	assert_says("ip addr show v1", "2001:db8:2::1/64");
	/* Adopted, as an engine does that starts again. */
	add(f, 0);
	add(f, 1);
	assert_sound(f);
}

static void withdrawing_removes_all_of_ours(void **state)
{
	unsigned removed;
	FIXTURE(f);

	configure_three(f);
	for (unsigned g = 0; g < 3; g++)
		add(f, g);
	/* Forwarding goes on for group 1, when all are killed. */
	drop(f, 1, true);
	run("ip addr add 192.0.2.9/24 dev v0; ip route add 10.0.0.0/8 via 192.0.2.77");
	assert_int_equal(vip_withdraw_all(f->rtnl, &removed), 0);
	assert_in_range(removed, 4, 6);
	run("ip addr show scope global");
	assert_null(strstr(netns_said, "203.0.113.1"));
	assert_null(strstr(netns_said, "192.0.2.1/"));
	assert_non_null(strstr(netns_said, "192.0.2.9/24"));
	assert_silent_on("ip route; ip -6 route", "proto 158");
	assert_says("ip route", "10.0.0.0/8 via 192.0.2.77");
	assert_says("cat /proc/sys/net/ipv4/conf/v0/promote_secondaries", "0");
	assert_int_equal(vip_withdraw_all(f->rtnl, &removed), 0);
	assert_int_equal(removed, 0);
}

static void a_reload_leaves_unchanged_groups_alone(void **state)
{
	struct vip_leftovers leftovers;
	FIXTURE(f);

	configure_three(f);
	for (unsigned g = 0; g < 3; g++)
		add(f, g);
	/* Group 0 is gone, 1 has another address, 2 is as it was, one place further up. */
	drop(f, 0, false);
	has_address(&f->other, 0, "198.51.100.1/24", "v1");
	has_address(&f->other, 0, "2001:db8:2::2/64", "v1");
	f->other.group[0].id = f->conf.group[1].id;
	has_address(&f->other, 1, "203.0.113.1/24", "v1");
	f->other.group[1].id = f->conf.group[2].id;
	/* The old one need not be there any more. */
	f->conf = f->other;
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_int_equal(vip_held(f->vip), 3);
	assert_int_equal(vip_leftovers(f->vip, &leftovers), 0);
	assert_int_equal(leftovers.complete, 2);
	assert_int_equal(leftovers.removed, 1);
	add(f, 0);
	assert_sound(f);
	assert_silent_on("ip addr show v1", "2001:db8:2::1/64");
	assert_says("ip addr show v1", "2001:db8:2::2/64");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_long, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		T(an_address_taken_away_is_missed_and_put_back),
		T(a_promoted_address_is_mended),
		T(a_route_taken_away_is_missed_and_put_back),
		T(a_connected_route_that_we_put_is_missed_and_put_back),
		T(our_own_changes_wake_nobody),
		T(other_programs_changes_do_not_concern_us),
		T(an_interface_made_anew_gets_all_back),
		T(an_interface_that_was_down_gets_all_back),
		T(a_failed_duplicate_check_is_mended),
		T(lost_events_make_all_be_audited),
		T(a_route_alone_is_a_leftover),
		T(leftovers_are_found_and_strays_removed),
		T(withdrawing_removes_all_of_ours),
		T(a_reload_leaves_unchanged_groups_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
