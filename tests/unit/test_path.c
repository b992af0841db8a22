/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

static const struct conf_link LINK = {
	.name = "ha0",
	.tag = 1,
	.transport = CONF_TRANSPORT_ETHERNET,
	.device = "ha",
};
static const struct conf_link SECONDARY = {
	.name = "eth0",
	.tag = 2,
	.transport = CONF_TRANSPORT_ETHERNET,
	.device = "data",
	.secondary = true,
};

static void open_in(struct world *w, int which, struct path *p, const struct conf_link *conf)
{
	path_close(p);
	enter(w, which);
	assert_int_equal(path_open(p, conf, PATH_HEARS, &w->log), 0);
}

static void open_both(struct world *w, const struct conf_link *conf)
{
	open_in(w, A, &w->a, conf);
	open_in(w, B, &w->b, conf);
}

static void frames_arrive_whole_in_both_directions(void **state)
{
	struct world *w = world_of(state);
	static const size_t len[] = { 1, 40, 41, 1432, 1500 };

	for (unsigned secondary = 0; secondary < 2; secondary++) {
		open_both(w, secondary ? &SECONDARY : &LINK);
		assert_int_equal(path_error(&w->a), 0);
		for (unsigned i = 0; i < ARRAY_LEN(len); i++) {
			assert_true(gets_through(w, &w->a, &w->b, len[i]));
			assert_true(gets_through(w, &w->b, &w->a, len[i]));
		}
		assert_int_equal(w->a.count.sent, ARRAY_LEN(len));
		assert_int_equal(w->a.count.received, ARRAY_LEN(len));
		assert_int_equal(hear(w, &w->a, 1, NEVER_MS), 0); /* nor our own, come back */
		assert_int_equal(w->a.count.foreign, 0);
	}
}

static void an_ingress_rule_cuts_secondary_paths_only(void **state)
{
	struct world *w = world_of(state);

	run(w, B,
		"nft 'table netdev t { chain h { type filter hook ingress device ha priority -500;"
		" policy drop; }; chain d { type filter hook ingress device data priority 0;"
		" policy drop; }; }'");
	open_both(w, &LINK);
	assert_true(gets_through(w, &w->a, &w->b, 100));
	open_both(w, &SECONDARY);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), 0);
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
}

static void what_an_egress_rule_drops_is_counted_and_logged_once(void **state)
{
	struct world *w = world_of(state);
	struct span frames[3] = { span_of("x", 1), span_of("y", 1), span_of("z", 1) };

	run(w, A,
		"nft 'table netdev t { chain h { type filter hook egress device ha priority 0;"
		" policy drop; }; chain d { type filter hook egress device data priority 0;"
		" policy drop; }; }'");
	open_both(w, &SECONDARY);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENOBUFS);
	assert_int_equal(w->a.count.send_filtered, 1);
	assert_int_equal(path_error(&w->a), 0);
	open_both(w, &LINK);
	w->n_logs = 0;
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENOBUFS);
	assert_int_equal(path_send_batch(&w->a, frames, 3), 0);
	assert_int_equal(w->n_logs, 0); /* it might be the carrier */
	usleep(1600000);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENOBUFS);
	assert_int_equal(w->n_logs, 1);
	assert_non_null(strstr(w->last_log, "drops all that we send"));
	assert_int_equal(w->a.count.send_filtered, 7);
	assert_int_equal(w->a.count.send_errors, 0);
	assert_int_equal(path_error(&w->a), 0);
	run(w, A, "nft flush ruleset");
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_int_equal(w->n_logs, 2);
}

/* Traffic control is in the queueing layer, which an HA link's frames do not see. */
static void a_queue_that_drops_cuts_secondary_paths_only(void **state)
{
	struct world *w = world_of(state);

	run(w, A,
		"tc qdisc add dev ha root pfifo limit 0; tc qdisc add dev data root pfifo limit 0");
	open_both(w, &LINK);
	assert_true(gets_through(w, &w->a, &w->b, 100));
	open_both(w, &SECONDARY);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENOBUFS);
	assert_int_equal(w->a.count.send_filtered, 1);
}

static void an_interface_in_a_bridge_still_hears(void **state)
{
	struct world *w = world_of(state);

	run(w, B, "ip link add br0 type bridge; ip link set br0 up; ip link set ha master br0");
	open_both(w, &LINK);
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_true(gets_through(w, &w->b, &w->a, 100));
}

static void a_path_opens_before_its_interface_is_there(void **state)
{
	struct world *w = world_of(state);
	struct conf_link late = LINK;

	snprintf(late.device, sizeof(late.device), "late");
	open_both(w, &late);
	assert_int_equal(path_error(&w->a), -ENODEV);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENODEV);
	assert_int_equal(w->a.count.send_errors, 1);
	int fd = path_fd(&w->a);

	make_pair(w, "late");
	path_refresh(&w->a, index_of(w, A, "late"));
	path_refresh(&w->b, index_of(w, B, "late"));
	assert_int_equal(path_error(&w->a), 0);
	assert_string_equal(w->last_log, "path ha0: down -> up, late");
	assert_int_equal(path_fd(&w->a), fd);
	assert_true(gets_through(w, &w->a, &w->b, 100));
}

static void an_interface_that_goes_and_comes_is_taken_up_again(void **state)
{
	struct world *w = world_of(state);

	for (unsigned secondary = 0; secondary < 2; secondary++) {
		const struct conf_link *conf = secondary ? &SECONDARY : &LINK;

		open_both(w, conf);
		w->n_logs = 0;
		run(w, A, "ip link del %s", conf->device);
		assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0); /* learns it by itself */
		assert_int_not_equal(path_error(&w->b), 0);
		assert_int_not_equal(path_send(&w->a, span_of("x", 1)), 0);
		assert_int_not_equal(path_error(&w->a), 0);
		assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENODEV);
		path_refresh(&w->a, 0);
		path_refresh(&w->a, 0);
		assert_int_equal(w->n_logs, 2); /* one for each side */

		make_pair(w, conf->device);
		path_refresh(&w->a, index_of(w, A, conf->device));
		enter(w, B);
		path_look_up(&w->b);
		assert_int_equal(w->n_logs, 4);
		assert_true(gets_through(w, &w->a, &w->b, 100));
		assert_true(gets_through(w, &w->b, &w->a, 100));
	}
}

/* The netlink messages may have been lost, and the index be the same: no path_refresh(). */
static void a_path_whose_interface_was_replaced_unseen_is_not_deaf(void **state)
{
	struct world *w = world_of(state);
	unsigned index = index_of(w, A, "ha");

	open_both(w, &LINK);
	run(w, A, "ip link del ha");
	run(w, A, "ip link add ha index %u type veth peer name ha netns /proc/%d/fd/%d", index,
		(int)getpid(), w->ns[B]);
	run(w, A, "ip link set ha up");
	run(w, B, "ip link set ha up");
	path_refresh(&w->b, index_of(w, B, "ha"));
	path_refresh(&w->a, index);
	for (unsigned i = 0; i < 2; i++) /* the first is told what happened meanwhile */
		(void)path_send(&w->a, span_of("x", 1));
	assert_int_equal(hear(w, &w->b, 1, SOON_MS), 1);
	assert_true(gets_through(w, &w->b, &w->a, 100));
}

/* Replaced while it was switched off, of which the kernel does not tell the socket. */
static void the_same_goes_for_one_that_was_off(void **state)
{
	struct world *w = world_of(state);
	unsigned index = index_of(w, A, "ha");

	open_both(w, &LINK);
	run(w, A, "ip link set ha down");
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENETDOWN);
	run(w, A, "ip link del ha");
	run(w, A, "ip link add ha index %u type veth peer name ha netns /proc/%d/fd/%d", index,
		(int)getpid(), w->ns[B]);
	run(w, A, "ip link set ha up");
	run(w, B, "ip link set ha up");
	path_refresh(&w->b, 0);
	path_refresh(&w->b, index_of(w, B, "ha"));
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_true(gets_through(w, &w->b, &w->a, 100));
}

static void an_interface_switched_off_and_on_needs_nobody_s_help(void **state)
{
	struct world *w = world_of(state);

	open_both(w, &LINK);
	w->n_logs = 0;
	run(w, A, "ip link set ha down");
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENETDOWN);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENETDOWN);
	assert_int_equal(path_error(&w->a), -ENETDOWN);
	assert_string_equal(w->last_log, "path ha0: up -> down, ha: Network is down");
	assert_int_equal(w->n_logs, 1);
	path_refresh(&w->a, index_of(w, A, "ha"));
	assert_int_equal(w->n_logs, 1);

	run(w, A, "ip link set ha up");
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_int_equal(path_error(&w->a), 0);
	assert_int_equal(w->n_logs, 2);
	assert_true(gets_through(w, &w->b, &w->a, 100));
}

static void a_path_opened_while_the_interface_is_off_comes_up_with_it(void **state)
{
	struct world *w = world_of(state);

	run(w, A, "ip link set ha down");
	open_both(w, &LINK);
	assert_int_equal(path_error(&w->a), -ENETDOWN);
	run(w, A, "ip link set ha up");
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_true(gets_through(w, &w->b, &w->a, 100));
	assert_int_equal(path_error(&w->a), 0);
}

static void without_carrier_frames_are_lost_and_the_path_stays_up(void **state)
{
	struct world *w = world_of(state);
	unsigned tries = 0;

	open_both(w, &LINK);
	w->n_logs = 0;
	run(w, B, "ip link set ha down");
	/* The kernel may take a second to tell of the carrier. */
	for (; w->a.count.send_errors < 2 && tries < 150; tries++) {
		assert_int_equal(path_send(&w->a, span_of("x", 1)), -ENOBUFS);
		usleep(10000);
	}
	assert_int_equal(w->a.count.send_errors, 2);
	assert_int_equal(w->a.count.send_filtered, tries - 2);
	assert_int_equal(path_error(&w->a), 0);
	run(w, B, "ip link set ha up");
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_int_equal(w->n_logs, 1); /* B's end was switched off and on; A's says nothing */
}

static void a_frame_longer_than_the_mtu_is_refused_and_the_next_one_goes(void **state)
{
	struct world *w = world_of(state);
	static uint8_t frame[WIRE_FRAME_MAX];
	struct span frames[3] = { span_of(frame, 100), span_of(frame, 1501), span_of(frame, 200) };

	open_both(w, &LINK);
	assert_int_equal(path_send(&w->a, frames[1]), -EMSGSIZE);
	assert_int_equal(path_send_batch(&w->a, frames, 3), 2);
	assert_int_equal(w->a.count.send_errors, 2);
	assert_int_equal(w->a.count.sent, 2);
	assert_int_equal(path_error(&w->a), 0);
	assert_int_equal(hear(w, &w->b, 2, SOON_MS), 2);
	assert_int_equal(w->len, 200);
}

/* Sends raw bytes, Ethernet header included, from A's ha. */
static void send_raw(struct world *w, const uint8_t *bytes, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };

	to.sll_ifindex = (int)index_of(w, A, "ha");
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, bytes, len, 0, (const struct sockaddr *)&to, sizeof(to)), len);
	close(fd);
}

static void a_frame_too_long_for_the_protocol_is_counted_and_dropped(void **state)
{
	struct world *w = world_of(state);
	static uint8_t raw[ETH_HLEN + WIRE_FRAME_MAX + 1] = { 3, 'n', 's', 'r', 'p', 1, 2, 0, 0, 0,
		0, 1, 0x88, 0xb5 };

	run(w, A, "ip link set ha mtu 9300");
	run(w, B, "ip link set ha mtu 9300");
	open_both(w, &LINK);
	assert_true(gets_through(w, &w->a, &w->b, WIRE_FRAME_MAX));
	send_raw(w, raw, sizeof(raw));
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
	assert_int_equal(w->b.count.truncated, 1);
	send_raw(w, raw, sizeof(raw) - 1);
	assert_int_equal(hear(w, &w->b, 1, SOON_MS), 1);
}

static void what_is_not_ours_is_not_heard(void **state)
{
	struct world *w = world_of(state);
	/* Destination, source, then what differs. */
	static const uint8_t other_type[] = { 3, 'n', 's', 'r', 'p', 1, 2, 0, 0, 0, 0, 1, 0x88,
		0xb6, 'x' };
	static const uint8_t other_host[] = { 2, 9, 9, 9, 9, 9, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 'x' };
	static const uint8_t other_vlan[] = { 3, 'n', 's', 'r', 'p', 1, 2, 0, 0, 0, 0, 1, 0x81, 0,
		0x60, 5, 0x88, 0xb5, 'x', 'y' };
	static const uint8_t two_tags[] = { 3, 'n', 's', 'r', 'p', 1, 2, 0, 0, 0, 0, 1, 0x81, 0,
		0x60, 0, 0x81, 0, 0, 5, 0x88, 0xb5, 'x', 'y' };
	static const uint8_t priority[] = { 3, 'n', 's', 'r', 'p', 1, 2, 0, 0, 0, 0, 1, 0x81, 0,
		0xe0, 0, 0x88, 0xb5, 'x', 'y' };

	open_both(w, &LINK);
	send_raw(w, other_type, sizeof(other_type));
	send_raw(w, other_host, sizeof(other_host));
	send_raw(w, other_vlan, sizeof(other_vlan));
	send_raw(w, two_tags, sizeof(two_tags));
	run(w, A, "ping -c 1 -W 1 ff02::1%%ha >/dev/null 2>&1 || true");
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
	assert_int_equal(w->b.count.foreign, 0); /* the kernel's filter did it */
	send_raw(w, priority, sizeof(priority));
	assert_int_equal(hear(w, &w->b, 1, SOON_MS), 1);
	assert_int_equal(w->len, 2);
}

static void a_burst_of_1000_frames_arrives_whole(void **state)
{
	struct world *w = world_of(state);

	open_both(w, &LINK);
	assert_burst_arrives(w, 1400, 1000);
	open_both(w, &SECONDARY);
	assert_burst_arrives(w, 200, 1000);
}

static void what_the_kernel_drops_is_counted(void **state)
{
	struct world *w = world_of(state);
	static uint8_t frame[1000];
	int small = 20000;

	open_both(w, &LINK);
	setsockopt(path_fd(&w->b), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(path_send(&w->a, span_of(frame, sizeof(frame))), 0);
	(void)hear(w, &w->b, 200, NEVER_MS);
	assert_true(gets_through(w, &w->a, &w->b, 10)); /* brings the count along */
	assert_in_range(w->b.count.received, 2, 199);
	assert_int_equal(w->b.count.received + w->b.count.overruns, 201);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(path_send(&w->a, span_of(frame, sizeof(frame))), 0);
	(void)hear(w, &w->b, 200, NEVER_MS);
	assert_true(gets_through(w, &w->a, &w->b, 10));
	assert_int_equal(w->b.count.received + w->b.count.overruns, 402);
}

static void one_who_only_sends_hears_nothing_and_joins_for_all(void **state)
{
	struct world *w = world_of(state);
	struct path guardian;
	struct conf_link strict = LINK;

	/* A macvlan filters multicast, as hardware does; a veth does not. */
	run(w, B, "ip link add mv link ha type macvlan mode bridge; ip link set mv up");
	snprintf(strict.device, sizeof(strict.device), "mv");
	open_in(w, A, &w->a, &LINK);
	open_in(w, B, &w->b, &strict);
	assert_int_equal(path_send(&w->a, span_of("x", 1)), 0);
	assert_int_equal(hear(w, &w->b, 1, NEVER_MS), 0);
	assert_int_equal(path_open(&guardian, &strict, PATH_JOINS, &w->log), 0);
	assert_true(gets_through(w, &w->a, &w->b, 100));
	assert_int_equal(hear(w, &guardian, 1, NEVER_MS), 0);
	assert_true(gets_through(w, &guardian, &w->a, 100));

	/* It joins again on an interface that is new. */
	run(w, B,
		"ip link del mv; ip link add mv link ha type macvlan mode bridge; ip link set mv "
		"up");
	enter(w, B);
	path_look_up(&guardian);
	path_look_up(&w->b);
	assert_true(gets_through(w, &w->a, &w->b, 100));
	path_close(&guardian);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(frames_arrive_whole_in_both_directions),
		T(an_ingress_rule_cuts_secondary_paths_only),
		T(what_an_egress_rule_drops_is_counted_and_logged_once),
		T(a_queue_that_drops_cuts_secondary_paths_only),
		T(an_interface_in_a_bridge_still_hears),
		T(a_path_opens_before_its_interface_is_there),
		T(an_interface_that_goes_and_comes_is_taken_up_again),
		T(a_path_whose_interface_was_replaced_unseen_is_not_deaf),
		T(the_same_goes_for_one_that_was_off),
		T(an_interface_switched_off_and_on_needs_nobody_s_help),
		T(a_path_opened_while_the_interface_is_off_comes_up_with_it),
		T(without_carrier_frames_are_lost_and_the_path_stays_up),
		T(a_frame_longer_than_the_mtu_is_refused_and_the_next_one_goes),
		T(a_frame_too_long_for_the_protocol_is_counted_and_dropped),
		T(what_is_not_ours_is_not_heard),
		T(a_burst_of_1000_frames_arrives_whole),
		T(what_the_kernel_drops_is_counted),
		T(one_who_only_sends_hears_nothing_and_joins_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
