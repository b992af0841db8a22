/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_fixture.h"

enum { SHORT_LEASE_S = 2 };

static int set_up_short(void **state)
{
	static struct fixture fixture;

	*state = fixture_open(&fixture, SHORT_LEASE_S) ? &fixture : NULL;
	return 0;
}

static unsigned lines(const char *command)
{
	unsigned n = 0;

	run(command);
	for (const char *at = netns_said; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void renew(struct fixture *f, uint64_t groups)
{
	bool more = vip_renew(f->vip, groups);

	while (more)
		more = vip_continue(f->vip);
}

/* ---- the lease ----------------------------------------------------------------------------- */

static void what_is_not_renewed_expires(void **state)
{
	FIXTURE(f);

	for (unsigned g = 0; g < 2; g++) {
		const char *device = g ? "v1" : "v0";

		has_address(&f->conf, g, g ? "198.51.100.1/24" : "192.0.2.1/24", device);
		has_address(&f->conf, g, g ? "198.51.100.2/24" : "192.0.2.2/24", device);
		has_address(&f->conf, g, g ? "2001:db8:2::1/64" : "2001:db8:1::1/64", device);
		has_route(&f->conf, g, g ? "10.2.0.0/16" : "10.1.0.0/16",
			g ? "198.51.100.254" : "192.0.2.254", device);
		has_route(&f->conf, g, g ? "2001:db8:f2::/48" : "2001:db8:f1::/48",
			g ? "2001:db8:2::fe" : "2001:db8:1::fe", device);
	}
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	add(f, 0);
	add(f, 1);
	/* Twice the lease, one group renewed. */
	for (unsigned i = 0; i < 10; i++) {
		sleep_ms(300);
		renew(f, 1);
	}
	assert_int_equal(audit(f).missing, 2);
	assert_int_equal(audit(f).addresses, 3);
	assert_says("ip addr show v0", "192.0.2.1/24");
	assert_int_equal(lines("ip addr show v1 scope global | grep inet || true"), 0);
	assert_silent_on("ip route", "v1");
	/* Expired IPv6 routes stay in the table for a while, but serve no more. */
	assert_int_not_equal(try_run("ip -6 route get 2001:db8:f2::1 2>&1"), 0);
	assert_int_not_equal(try_run("ip -6 route get 2001:db8:2::77 2>&1"), 0);
	assert_says("ip route", "10.1.0.0/16 via 192.0.2.254");
	assert_says("ip -6 route get 2001:db8:f1::1", "via 2001:db8:1::fe");
	/* The guardian hears of it. */
	assert_int_equal(heard(f), 2);
	add(f, 1);
	assert_says("ip -6 route get 2001:db8:f2::1", "via 2001:db8:2::fe");
}

/* Only what is needed wakes anybody. */
static void renewal_is_silent_for_us(void **state)
{
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_route(&f->conf, 0, "2001:db8:f1::/48", "2001:db8:1::fe", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	add(f, 0);
	(void)heard(f);
	for (unsigned i = 0; i < 3; i++)
		renew(f, 1);
	assert_quiet(watch_fd(f->watch));
	/* What is not held is not renewed. */
	drop(f, 0, false);
	renew(f, UINT64_MAX);
	assert_int_equal(lines("ip addr show scope global"), 0);
}

/* ---- many addresses ------------------------------------------------------------------------ */

/* 10.<net>.x.y/16, or 2001:db8:<net>::x:y/64, from x.y = 0.1 on. */
static void has_many(
	struct conf *conf, unsigned group, unsigned n, int family, unsigned net, const char *device)
{
	for (unsigned i = 1; i <= n; i++) {
		char prefix[64];

		if (family == AF_INET)
			(void)snprintf(
				prefix, sizeof(prefix), "10.%u.%u.%u/16", net, i / 256, i % 256);
		else
			(void)snprintf(prefix, sizeof(prefix), "2001:db8:%x::%x/64", net, i);
		has_address(conf, group, prefix, device);
	}
}

static void a_thousand_addresses_go_in_chunks(void **state)
{
	unsigned chunks = 1;
	FIXTURE(f);

	has_many(&f->conf, 0, 1000, AF_INET, 0, "v0");
	has_address(&f->conf, 0, "198.51.100.1/24", "v1");
	has_route(&f->conf, 0, "default", "198.51.100.254", "v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_true(vip_add(f->vip, 0));
	/* The first of every subnet, and the routes, do not wait for the rest. */
	assert_says("ip addr show v0", "10.0.0.1/16");
	assert_says("ip addr show v1", "198.51.100.1/24");
	assert_says("ip route", "default via 198.51.100.254");
	assert_int_equal(vip_pending(f->vip), 1);
	assert_int_equal(audit(f).missing, 0);
	while (vip_continue(f->vip))
		chunks++;
	assert_in_range(chunks, 3, 4);
	assert_int_equal(vip_failed(f->vip, 0), 0);
	assert_int_equal(lines("ip -4 addr show scope global | grep inet"), 1001);
	assert_sound(f);
	renew(f, 1);
	drop(f, 0, false);
	assert_int_equal(lines("ip -4 addr show scope global | grep inet || true"), 0);
	assert_int_equal(lines("ip route"), 0);
}

static void a_change_of_mind_stops_the_rest(void **state)
{
	FIXTURE(f);

	has_many(&f->conf, 0, 1000, AF_INET, 0, "v0");
	has_many(&f->conf, 1, 600, AF_INET, 1, "v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_true(vip_add(f->vip, 0));
	assert_true(vip_continue(f->vip));
	/* Another group joins in; then the first is given up, and little of it was there. */
	assert_true(vip_add(f->vip, 1));
	assert_int_equal(vip_pending(f->vip), 3);
	(void)vip_remove(f->vip, 0, false);
	finish(f);
	assert_int_equal(lines("ip -4 addr show v0 | grep inet || true"), 0);
	assert_int_equal(lines("ip -4 addr show v1 | grep inet"), 600);
	assert_int_equal(vip_held(f->vip), 2);
	assert_sound(f);
}

static void many_ipv6_addresses_have_a_longer_lease_and_turns(void **state)
{
	unsigned chunks = 1;
	FIXTURE(f);

	has_many(&f->conf, 0, 300, AF_INET6, 1, "v0");
	has_address(&f->conf, 0, "2001:db8:2::1/64", "v1");
	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	assert_int_equal(vip_lease_s(f->vip, 0), 2 * VIP_LEASE_S);
	assert_int_equal(vip_lease_s(f->vip, 300), VIP_LEASE_S);
	assert_int_equal(vip_lease_s(f->vip, 301), VIP_LEASE_S);
	assert_true(vip_add(f->vip, 0));
	while (vip_continue(f->vip))
		chunks++;
	assert_in_range(chunks, 10, 20);
	assert_int_equal(lines("ip -6 addr show v0 | grep 'inet6 2001'"), 300);
	/* A round renews half of them, the next one the other. */
	sleep_ms(2100);
	renew(f, 1);
	assert_in_range(lines("ip -6 addr show v0 | grep 'valid_lft 1[12]sec'"), 150, 150);
	renew(f, 1);
	assert_in_range(lines("ip -6 addr show v0 | grep 'valid_lft 1[12]sec'"), 300, 300);
	drop(f, 0, false);
	assert_int_equal(lines("ip -6 addr show v0 | grep 'inet6 2001' || true"), 0);
}

/* ---- forwarding while giving up ------------------------------------------------------------ */

/* How many of 5 pings of both families are not answered. */
static unsigned lost(pid_t from)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
		"nsenter -t %d -n sh -c 'for t in 198.51.100.7 2001:db8:2::7; do "
		"ping -n -c 5 -i 0.01 -W 1 $t | grep \"bytes from\"; done'; true",
		(int)from);
	return 10 - lines(command);
}

/* Gives up in the midst of a stream of a packet each millisecond; returns how many got lost. */
static unsigned lost_while_giving_up(struct fixture *f, pid_t from, const char *to)
{
	char command[128];
	FILE *stream;
	unsigned sent, received;

	(void)snprintf(command, sizeof(command),
		"nsenter -t %d -n ping -q -n -i 0.001 -c 400 -W 0.3 %s | grep transmitted",
		(int)from, to);
	stream = popen(command, "r");
	assert_non_null(stream);
	sleep_ms(150);
	drop(f, 0, true);
	assert_int_equal(fscanf(stream, "%u packets transmitted, %u", &sent, &received), 2);
	pclose(stream);
	return sent - received;
}

/* The host has not heard of a new master, and goes on sending to us without asking again. */
static void believes_in_us(const struct fixture *f, pid_t host, const char *interface,
	const char *ours, const char *ipv4, const char *ipv6)
{
	const uint8_t *mac = watch_link(f->watch, ours)->mac;
	const char *const ip[] = { ipv4, ipv6 };

	for (unsigned i = 0; i < ARRAY_LEN(ip); i++) {
		char command[256];

		(void)snprintf(command, sizeof(command),
			"nsenter -t %d -n ip neigh replace %s dev %s nud permanent lladdr "
			"%02x:%02x:%02x:%02x:%02x:%02x",
			(int)host, ip[i], interface, mac[0], mac[1], mac[2], mac[3], mac[4],
			mac[5]);
		run(command);
	}
}

static void giving_up_goes_on_forwarding_for_a_while(void **state)
{
	pid_t client, server;
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "198.51.100.1/24", "v1");
	has_address(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_address(&f->conf, 0, "2001:db8:2::1/64", "v1");
	has_route(&f->conf, 0, "default", "198.51.100.254", "v1");
	has_route(&f->conf, 0, "2001:db8:ff::/48", "2001:db8:2::fe", "v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
	    "net.ipv4.conf.all.rp_filter=1");
	client = start_host("p0",
		"ip addr add 192.0.2.7/24 dev p0; ip route add default via 192.0.2.1; "
		"ip addr add 2001:db8:1::7/64 dev p0 nodad; ip route add default via "
		"2001:db8:1::1");
	server = start_host("p1",
		"ip addr add 198.51.100.7/24 dev p1; ip route add default via 198.51.100.1; "
		"ip addr add 2001:db8:2::7/64 dev p1 nodad; ip route add default via "
		"2001:db8:2::1");
	believes_in_us(f, client, "p0", "v0", "192.0.2.1", "2001:db8:1::1");
	believes_in_us(f, server, "p1", "v1", "198.51.100.1", "2001:db8:2::1");
	add(f, 0);
	/* With the last IPv4 address the kernel drops routes and neighbours, some microseconds. */
	assert_in_range(lost_while_giving_up(f, client, "198.51.100.7"), 0, 2);
	add(f, 0);
	assert_int_equal(lost_while_giving_up(f, client, "2001:db8:2::7"), 0);

	assert_int_equal(lines("ip addr show scope global | grep inet || true"), 0);
	assert_says("ip route", "192.0.2.0/24 dev v0 proto 158 scope link");
	assert_says("ip route", "default via 198.51.100.254 dev v1 proto 158");
	assert_says("ip -6 route", "2001:db8:1::/64 dev v0 proto 158");
	assert_says("ip -6 route", "2001:db8:ff::/48 via 2001:db8:2::fe");
	assert_int_equal(lost(client), 0);

	assert_false(vip_remove_rest(f->vip, 0));
	assert_silent_on("ip route; ip -6 route", "158");
	assert_silent_on("ip -6 route", "2001:db8");
	assert_int_equal(lost(client), 10);

	/* Taken back in the meantime, nothing of it stays behind. */
	add(f, 0);
	drop(f, 0, true);
	add(f, 0);
	assert_false(vip_remove_rest(f->vip, 0));
	assert_sound(f);
	assert_silent_on("ip route", "192.0.2.0/24 dev v0 proto 158");
	assert_silent_on("ip -6 route", "2001:db8:1::/64 dev v0 proto 158");
	assert_int_equal(lost(client), 0);
	stop_host(client);
	stop_host(server);
}

/* An own address there, or another group's, forwards by itself. */
static void stand_ins_are_put_only_where_needed(void **state)
{
	FIXTURE(f);

	has_address(&f->conf, 0, "192.0.2.1/24", "v0");
	has_address(&f->conf, 0, "198.51.100.1/24", "v1");
	has_address(&f->conf, 1, "198.51.100.2/24", "v1");
	has_route(&f->conf, 1, "10.2.0.0/16", "198.51.100.254", "v1");
	assert_int_equal(vip_configure(f->vip, &f->conf), 0);
	run("ip addr add 192.0.2.9/24 dev v0");
	add(f, 0);
	add(f, 1);
	drop(f, 0, true);
	assert_silent_on("ip route | grep -v ^10", "proto 158");
	assert_sound(f);
	assert_says("ip route", "198.51.100.0/24 dev v1 proto kernel scope link src 198.51.100.2");
	drop(f, 1, true);
	assert_says("ip route", "198.51.100.0/24 dev v1 proto 158");
	assert_says("ip route", "10.2.0.0/16");
	/* Both linger in that subnet: the first one's end is not the second's. */
	assert_false(vip_remove_rest(f->vip, 0));
	assert_says("ip route", "198.51.100.0/24 dev v1 proto 158");
	assert_false(vip_remove_rest(f->vip, 1));
	assert_silent_on("ip route", "proto 158");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_long, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_not_renewed_expires, set_up_short, fixture_tear_down),
		T(renewal_is_silent_for_us),
		T(a_thousand_addresses_go_in_chunks),
		T(a_change_of_mind_stops_the_rest),
		cmocka_unit_test_setup_teardown(many_ipv6_addresses_have_a_longer_lease_and_turns,
			fixture_set_up, fixture_tear_down),
		T(giving_up_goes_on_forwarding_for_a_while),
		T(stand_ins_are_put_only_where_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
