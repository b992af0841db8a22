/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "in_netns.h"

#include "io/announcer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

/* What is announced on v0 is heard on p0. */
struct fixture {
	struct watch *watch;
	struct announcer announcer;
	struct conf conf;
	int heard_fd;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;
	const struct watch_setup setup = { .flags = 0 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0003) };

	memset(f, 0, sizeof(*f));
	*state = NULL;
	if (!netns_enter())
		return 0;
	run("sysctl -qw net.ipv6.conf.v0.forwarding=1; ip link set p1 down");
	assert_int_equal(watch_new(&setup, &f->watch), 0);
	assert_int_equal(announcer_init(&f->announcer, f->watch), 0);
	f->heard_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sll_ifindex = (int)if_nametoindex("p0");
	assert_int_equal(bind(f->heard_fd, (const void *)&address, sizeof(address)), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	close(f->heard_fd);
	announcer_fini(&f->announcer);
	watch_free(f->watch);
	return 0;
}

static void has(struct fixture *f, uint8_t family, uint8_t last, const char *device)
{
	struct conf_address *a = &f->conf.address[f->conf.n_addresses++];

	a->ip = (struct conf_ip){ .family = family };
	a->ip.bytes[family == AF_INET ? 3 : 15] = last;
	(void)snprintf(a->device, sizeof(a->device), "%s", device);
}

/* The next frame of this type that others sent to p0; its length, or 0. */
static size_t next(struct fixture *f, uint16_t type, uint8_t frame[256])
{
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(f->heard_fd, frame, 256, 0, (void *)&from, &len)) >= 0) {
		bool own = from.sll_pkttype == PACKET_OUTGOING;
		bool discovery = type == 0x86dd && frame[54] != 136;

		if (!own && !discovery && frame[12] == type >> 8 && frame[13] == (type & 0xff))
			return (size_t)n;
	}
	assert_int_equal(errno, EAGAIN);
	return 0;
}

static void frames_reach_the_network(void **state)
{
	const struct announce_frame frames[] = { { 0, ANNOUNCE_REQUEST }, { 0, ANNOUNCE_REPLY } };
	const struct watch_link *link;
	uint8_t frame[256], expected[ANNOUNCE_FRAME_MAX];
	FIXTURE(f);

	has(f, AF_INET, 7, "v0");
	link = watch_link(f->watch, "v0");
	announcer_send(&f->announcer, &f->conf, frames, ARRAY_LEN(frames));
	assert_int_equal(f->announcer.sent, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(next(f, 0x0806, frame), ANNOUNCE_ARP_LEN);
		announce_build_arp(expected, link->mac, &f->conf.address[0].ip, frames[i].form);
		assert_memory_equal(frame, expected, ANNOUNCE_ARP_LEN);
	}
	assert_int_equal(next(f, 0x0806, frame), 0);
}

static void a_forwarding_interface_is_announced_as_router(void **state)
{
	const struct announce_frame frames[] = { { 0, ANNOUNCE_REQUEST } };
	uint8_t frame[256];
	FIXTURE(f);

	has(f, AF_INET6, 7, "v0");
	announcer_send(&f->announcer, &f->conf, frames, 1);
	assert_int_equal(f->announcer.sent, 1);
	assert_int_equal(next(f, 0x86dd, frame), ANNOUNCE_NEIGHBOUR_LEN);
	assert_int_equal(frame[58], 0xa0);
}

/* The macvlan was set up a moment ago: the watch has heard that it was made, no more. */
static void a_virtual_mac_speaks_from_its_macvlan(void **state)
{
	const struct announce_frame frames[] = { { 0, ANNOUNCE_REQUEST } };
	uint8_t frame[256], expected[ANNOUNCE_FRAME_MAX];
	FIXTURE(f);

	has(f, AF_INET, 7, "v0");
	f->conf.address[0].vmac = 1;
	f->conf.n_vmacs = 1;
	f->conf.vmac[0] = (struct conf_vmac){ 0, "v0", "mv", { 0x92, 1, 0, 1, 2, 3 } };
	announcer_send(&f->announcer, &f->conf, frames, 1);
	assert_int_equal(f->announcer.skipped, 1); /* there is none */
	run("ip link add mv link v0 address 92:01:00:01:02:03 type macvlan mode bridge");
	assert_true(watch_read(f->watch) >= 0);
	run("ip link set mv up");
	announcer_send(&f->announcer, &f->conf, frames, 1);
	assert_int_equal(f->announcer.sent, 1);
	assert_int_equal(next(f, 0x0806, frame), ANNOUNCE_ARP_LEN);
	announce_build_arp(expected, f->conf.vmac[0].mac, &f->conf.address[0].ip, ANNOUNCE_REQUEST);
	assert_memory_equal(frame, expected, ANNOUNCE_ARP_LEN);
}

static void what_cannot_take_frames_is_skipped_and_counted(void **state)
{
	struct announce_frame frames[ANNOUNCE_MAX];
	uint8_t frame[256];
	unsigned n = 0;
	FIXTURE(f);

	has(f, AF_INET, 1, "nowhere");
	has(f, AF_INET, 2, "lo");
	has(f, AF_INET, 3, "v1"); /* no carrier */
	has(f, AF_INET, 4, "v0");
	for (unsigned i = 0; i < ANNOUNCE_MAX; i++)
		frames[i] = (struct announce_frame){ .address = i % 4 };
	announcer_send(&f->announcer, &f->conf, frames, ANNOUNCE_MAX);
	assert_int_equal(f->announcer.skipped, ANNOUNCE_MAX / 4 * 3);
	assert_int_equal(f->announcer.sent, ANNOUNCE_MAX / 4);
	while (next(f, 0x0806, frame))
		n += frame[31] == 4;
	assert_int_equal(n, ANNOUNCE_MAX / 4);
}

/* Gone since the watch last read: each frame is refused, none holds up the others. */
static void a_refused_frame_does_not_stop_the_rest(void **state)
{
	const struct announce_frame frames[] = { { 0, ANNOUNCE_REQUEST }, { 1, ANNOUNCE_REQUEST },
		{ 0, ANNOUNCE_REPLY }, { 1, ANNOUNCE_REPLY } };
	FIXTURE(f);

	run("ip link add v2 type veth peer name p2; ip link set p2 up; ip link set v2 up");
	while (!watch_link(f->watch, "v2") || !watch_link(f->watch, "v2")->carrier) {
		assert_true(watch_read(f->watch) >= 0);
		sleep_ms(10);
	}
	run("ip link del v2");
	has(f, AF_INET, 1, "v2");
	has(f, AF_INET, 2, "v0");
	announcer_send(&f->announcer, &f->conf, frames, ARRAY_LEN(frames));
	assert_int_equal(f->announcer.errors, 2);
	assert_int_equal(f->announcer.sent, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(frames_reach_the_network),
		T(a_forwarding_interface_is_announced_as_router),
		T(a_virtual_mac_speaks_from_its_macvlan),
		T(what_cannot_take_frames_is_skipped_and_counted),
		T(a_refused_frame_does_not_stop_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
