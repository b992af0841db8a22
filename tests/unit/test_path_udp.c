/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_path.h"

#include <arpa/inet.h>
#include <errno.h>

enum { PORT = 8133 };

static struct conf_ip ip(const char *text)
{
	struct conf_ip out = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(out.family, text, out.bytes), 1);
	return out;
}

static struct conf_link link_between(const char *local, const char *remote, const char *device)
{
	struct conf_link link = {
		.name = "ha1",
		.tag = 3,
		.transport = CONF_TRANSPORT_UDP,
		.local = ip(local),
		.remote = ip(remote),
		.local_port = PORT,
		.remote_port = PORT,
	};

	snprintf(link.device, sizeof(link.device), "%s", device);
	return link;
}

/* A path from A to B and back. */
static void open_both(struct world *w, const char *a, const char *b, const char *device)
{
	struct conf_link from_a = link_between(a, b, device), from_b = link_between(b, a, device);

	path_close(&w->a);
	path_close(&w->b);
	enter(w, A);
	assert_int_equal(path_open(&w->a, &from_a, PATH_HEARS, &w->log), 0);
	enter(w, B);
	assert_int_equal(path_open(&w->b, &from_b, PATH_HEARS, &w->log), 0);
}

static struct world *addressed_world_of(void **state)
{
	struct world *w = world_of(state);

	run(w, A, "ip addr add 10.9.0.1/24 dev ha; ip addr add fd09::1/64 dev ha nodad");
	run(w, B, "ip addr add 10.9.0.2/24 dev ha; ip addr add fd09::2/64 dev ha nodad");
	return w;
}

static void assert_both_ways(struct world *w)
{
	/* The longest is fragmented at an MTU of 1500. */
	static const size_t len[] = { 1, 1432, 1500, WIRE_FRAME_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(len); i++) {
		assert_true(gets_through(w, &w->a, &w->b, len[i]));
		assert_true(gets_through(w, &w->b, &w->a, len[i]));
	}
	assert_int_equal(path_error(&w->a), 0);
}

static void datagrams_arrive_over_ipv4(void **state)
{
	struct world *w = addressed_world_of(state);

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	assert_both_ways(w);
	open_both(w, "10.9.0.1", "10.9.0.2", "ha");
	assert_both_ways(w);
}

static void datagrams_arrive_over_ipv6(void **state)
{
	struct world *w = addressed_world_of(state);

	open_both(w, "fd09::1", "fd09::2", "");
	assert_both_ways(w);
	open_both(w, "fd09::1", "fd09::2", "ha");
	assert_both_ways(w);
}

static void link_local_addresses_serve_when_the_device_is_named(void **state)
{
	struct world *w = world_of(state);

	run(w, A, "ip addr add fe80::a/64 dev ha nodad");
	run(w, B, "ip addr add fe80::b/64 dev ha nodad");
	open_both(w, "fe80::a", "fe80::b", "ha");
	assert_both_ways(w);
}

static void another_s_datagram_is_not_heard(void **state)
{
	struct world *w = addressed_world_of(state);
	struct path stranger;
	struct conf_link strange[] = {
		link_between("10.9.0.66", "10.9.0.2", ""),
		link_between("fd09::66", "fd09::2", ""),
	};

	run(w, A, "ip addr add 10.9.0.66/24 dev ha; ip addr add fd09::66/64 dev ha nodad");
	for (unsigned i = 0; i < ARRAY_LEN(strange); i++) {
		if (i == 0)
			open_both(w, "10.9.0.1", "10.9.0.2", "");
		else
			open_both(w, "fd09::1", "fd09::2", "");
		enter(w, A);
		assert_int_equal(path_open(&stranger, &strange[i], PATH_HEARS, &w->log), 0);
		assert_int_equal(path_send(&stranger, span_of("x", 1)), 0);
		assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
		assert_int_equal(w->b.count.foreign, 1);
		assert_int_equal(w->b.count.overruns, 0);
		path_close(&stranger);
	}
}

/* As a NAT would change it, and as the guardian has it. */
static void the_peer_is_heard_from_any_port(void **state)
{
	struct world *w = addressed_world_of(state);
	struct conf_link link = link_between("10.9.0.1", "10.9.0.2", "");
	struct path guardian, second;

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	enter(w, A);
	assert_int_equal(path_open(&second, &link, PATH_HEARS, &w->log), -EADDRINUSE);
	path_close(&second);
	assert_int_equal(path_open(&guardian, &link, PATH_JOINS, &w->log), 0);
	assert_true(gets_through(w, &guardian, &w->b, 100));
	assert_true(gets_through(w, &w->b, &w->a, 100)); /* not to the guardian's port */

	/* Who only sends, hears nothing, even when spoken to. */
	struct conf_link to_guardian = link_between("10.9.0.2", "10.9.0.1", "");
	struct sockaddr_in self;
	socklen_t len = sizeof(self);

	assert_int_equal(getsockname(path_fd(&guardian), (struct sockaddr *)&self, &len), 0);
	to_guardian.remote_port = ntohs(self.sin_port);
	to_guardian.local_port = PORT + 1;
	enter(w, B);
	assert_int_equal(path_open(&second, &to_guardian, PATH_HEARS, &w->log), 0);
	assert_int_equal(path_send(&second, span_of("x", 1)), 0);
	assert_int_equal(hear(w, &guardian, 1, NEVER_MS), 0);
	path_close(&second);
	path_close(&guardian);
}

static void a_peer_without_a_listener_costs_no_frame(void **state)
{
	struct world *w = addressed_world_of(state);

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	path_close(&w->b);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(path_send(&w->a, span_of("x", 1)), 0);
		assert_int_equal(hear(w, &w->a, 1, 5), 0);
	}
	assert_int_equal(path_error(&w->a), 0);
}

static void a_path_opens_before_its_address_is_there(void **state)
{
	struct world *w = world_of(state);

	run(w, B, "ip addr add 10.9.0.2/24 dev ha; ip addr add fd09::2/64 dev ha nodad");
	open_both(w, "10.9.0.1", "10.9.0.2", "");
	assert_int_not_equal(path_send(&w->a, span_of("x", 1)), 0);
	assert_int_not_equal(path_error(&w->a), 0);
	w->n_logs = 0;
	assert_int_not_equal(path_send(&w->a, span_of("x", 1)), 0);
	assert_int_equal(w->n_logs, 0);
	run(w, A, "ip addr add 10.9.0.1/24 dev ha");
	assert_both_ways(w);
	assert_string_equal(w->last_log, "path ha1: down -> up, udp");

	open_both(w, "fd09::1", "fd09::2", "");
	assert_int_not_equal(path_send(&w->a, span_of("x", 1)), 0);
	run(w, A, "ip addr add fd09::1/64 dev ha nodad");
	assert_both_ways(w);
}

static void a_path_whose_address_goes_is_down_and_says_so_once(void **state)
{
	struct world *w = addressed_world_of(state);

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	w->n_logs = 0;
	run(w, A, "ip addr del 10.9.0.1/24 dev ha; ip addr add 10.9.0.8/24 dev ha");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENETUNREACH);
	assert_int_equal(path_error(&w->a), -ENETUNREACH);
	assert_int_equal(w->n_logs, 1);
	assert_string_equal(w->last_log, "path ha1: up -> down, udp: Network is unreachable");
}

static void an_interface_that_goes_and_comes_is_taken_up_again(void **state)
{
	struct world *w = addressed_world_of(state);
	static const char *const pair[][2] = { { "10.9.0.1", "10.9.0.2" }, { "fd09::1", "fd09::2" },
		{ "fe80::a", "fe80::b" } };

	for (unsigned i = 0; i < ARRAY_LEN(pair); i++) {
		const char *nodad = i > 0 ? "nodad" : "";

		if (i == 2) {
			run(w, A, "ip addr add fe80::a/64 dev ha nodad");
			run(w, B, "ip addr add fe80::b/64 dev ha nodad");
		}
		open_both(w, pair[i][0], pair[i][1], "ha");
		assert_true(gets_through(w, &w->a, &w->b, 100));
		int fd = path_fd(&w->a);
		run(w, A, "ip link del ha");
		assert_int_not_equal(path_send(&w->a, span_of("x", 1)), 0);
		path_refresh(&w->a, 0);
		path_refresh(&w->b, 0);
		assert_int_equal(path_error(&w->a), -ENODEV);
		make_pair(w, "pad"); /* so that the index is another */
		make_pair(w, "ha");
		run(w, A, "ip addr add %s/24 dev ha %s", pair[i][0], nodad);
		run(w, B, "ip addr add %s/24 dev ha %s", pair[i][1], nodad);
		path_refresh(&w->a, index_of(w, A, "ha"));
		path_refresh(&w->b, index_of(w, B, "ha"));
		assert_both_ways(w);
		assert_int_equal(path_fd(&w->a), fd);
		run(w, A,
			"ip link del pad; ip addr add fd09::1/64 dev ha nodad 2>/dev/null || true");
		run(w, B, "ip addr add fd09::2/64 dev ha nodad 2>/dev/null || true");
	}
}

static void a_path_with_a_device_hears_no_other_device(void **state)
{
	struct world *w = addressed_world_of(state);
	struct path stranger;
	struct conf_link other = link_between("10.9.0.1", "10.9.0.2", "");

	open_both(w, "10.9.0.1", "10.9.0.2", "ha");
	path_close(&w->a);
	/* The peer's address, but by the other cable. */
	run(w, A, "ip addr flush dev ha; ip addr add 10.9.0.1/24 dev data");
	run(w, B, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.data.rp_filter=0");
	enter(w, A);
	assert_int_equal(path_open(&stranger, &other, PATH_HEARS, &w->log), 0);
	assert_int_equal(path_send(&stranger, span_of("x", 1)), 0);
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
	assert_int_equal(w->b.count.foreign, 0);
	path_close(&stranger);
}

static void what_an_output_rule_drops_is_counted_as_filtered(void **state)
{
	struct world *w = addressed_world_of(state);

	run(w, A,
		"nft 'table inet t { chain c { type filter hook output priority 0;"
		" udp dport 8133 drop; }; }'");
	open_both(w, "10.9.0.1", "10.9.0.2", "");
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -EPERM);
	assert_int_equal(w->a.count.send_filtered, 1);
	assert_int_equal(w->a.count.send_errors, 0);
	assert_int_equal(path_error(&w->a), 0);
}

static void a_burst_of_1000_datagrams_arrives_whole(void **state)
{
	struct world *w = addressed_world_of(state);

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	assert_true(gets_through(w, &w->b, &w->a, 1)); /* resolves the neighbour */
	assert_burst_arrives(w, 1400, 1000);
	open_both(w, "fd09::1", "fd09::2", "");
	assert_true(gets_through(w, &w->b, &w->a, 1));
	assert_burst_arrives(w, 1400, 1000);
}

static void a_datagram_too_long_for_the_protocol_is_counted_and_dropped(void **state)
{
	struct world *w = addressed_world_of(state);
	static uint8_t bytes[WIRE_FRAME_MAX + 1];

	open_both(w, "10.9.0.1", "10.9.0.2", "");
	assert_int_equal(path_send(&w->a, span_of(bytes, sizeof(bytes))), 0);
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
	assert_int_equal(w->b.count.truncated, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(datagrams_arrive_over_ipv4),
		T(datagrams_arrive_over_ipv6),
		T(link_local_addresses_serve_when_the_device_is_named),
		T(another_s_datagram_is_not_heard),
		T(the_peer_is_heard_from_any_port),
		T(a_peer_without_a_listener_costs_no_frame),
		T(a_path_opens_before_its_address_is_there),
		T(a_path_whose_address_goes_is_down_and_says_so_once),
		T(an_interface_that_goes_and_comes_is_taken_up_again),
		T(a_path_with_a_device_hears_no_other_device),
		T(what_an_output_rule_drops_is_counted_as_filtered),
		T(a_burst_of_1000_datagrams_arrives_whole),
		T(a_datagram_too_long_for_the_protocol_is_counted_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
