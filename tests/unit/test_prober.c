/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each way of asking, of a host at the other end of a veth pair.
 */
#include "monitor/prober.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "in_netns.h"

enum { SOON_MS = 1000, NEVER_MS = 80 };

/* v0 here, p0 on the host, which answers. */
struct fixture {
	bool exists;
	pid_t host;
	struct prober prober;
};

#define HOST_SETUP                                                                                 \
	"ip addr add 10.5.0.2/24 dev p0; ip addr add fd05::2/64 dev p0 nodad; "                    \
	"ip addr add 10.6.0.9/32 dev p0"

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .exists = netns_enter() };
	*state = &f;
	f.prober.fd = -1;
	if (f.exists)
		f.host = start_host("p0", HOST_SETUP);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	prober_close(&f->prober);
	if (f->exists)
		stop_host(f->host);
	return 0;
}

static struct fixture *fixture_of(void **state)
{
	struct fixture *f = *state;

	if (!f->exists)
		skip();
	return f;
}

static struct prober *opened(
	struct fixture *f, enum conf_monitor_type type, const char *target, const char *device)
{
	struct conf_monitor conf = { .type = type };

	conf.target.family = strchr(target, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(conf.target.family, target, conf.target.bytes), 1);
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	prober_close(&f->prober);
	assert_int_equal(prober_open(&f->prober, &conf), 0);
	return &f->prober;
}

/* Whether an answer comes; *ret_sequence is of which question. */
static bool answered(struct prober *p, int wait_ms, uint16_t *ret_sequence)
{
	struct pollfd ready = { .fd = prober_fd(p), .events = POLLIN };

	for (unsigned i = 0; i < 50 && poll(&ready, 1, wait_ms) > 0; i++) {
		if (prober_hear(p, ret_sequence))
			return true;
	}
	return false;
}

static int ask(struct prober *p, uint16_t sequence)
{
	struct ifreq request = { .ifr_ifindex = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(request.ifr_name, p->device, sizeof(p->device));
	(void)ioctl(fd, SIOCGIFHWADDR, &request);
	close(fd);
	return prober_ask(p, sequence, if_nametoindex(p->device),
		(const uint8_t *)request.ifr_hwaddr.sa_data);
}

static bool asks(struct prober *p, uint16_t sequence)
{
	uint16_t heard = 0;

	if (ask(p, sequence) != 0)
		return false;
	return answered(p, SOON_MS, &heard) && heard == sequence;
}

static bool is_mute(struct prober *p, uint16_t sequence)
{
	uint16_t heard;

	(void)ask(p, sequence);
	return !answered(p, NEVER_MS, &heard);
}

static void ping_asks_a_host(void **state)
{
	struct fixture *f = fixture_of(state);

	run("ip addr add 10.5.0.1/24 dev v0; ip addr add fd05::1/64 dev v0 nodad");
	assert_true(asks(opened(f, CONF_MONITOR_PING, "10.5.0.2", ""), 7));
	assert_true(asks(&f->prober, 65535));
	assert_true(asks(opened(f, CONF_MONITOR_PING, "10.5.0.2", "v0"), 7));
	assert_true(asks(opened(f, CONF_MONITOR_PING, "fd05::2", ""), 7));
	assert_true(asks(opened(f, CONF_MONITOR_PING, "fd05::2", "v0"), 9));
	assert_true(is_mute(opened(f, CONF_MONITOR_PING, "10.5.0.77", "v0"), 7));
	assert_true(is_mute(opened(f, CONF_MONITOR_PING, "fd05::77", "v0"), 7));
	/* No way there. */
	assert_true(is_mute(opened(f, CONF_MONITOR_PING, "10.99.0.1", ""), 7));
	assert_int_equal(f->prober.error, -ENETUNREACH);
	assert_true(is_mute(opened(f, CONF_MONITOR_PING, "10.5.0.2", "v1"), 7));
}

static void ping_asks_a_link_local_host(void **state)
{
	struct fixture *f = fixture_of(state);
	char *at, *end;

	run("ip addr add 10.5.0.1/24 dev v0");
	char command[128];

	snprintf(command, sizeof(command), "nsenter -t %d -n ip -6 -o addr show dev p0 scope link",
		(int)f->host);
	run(command);
	at = strstr(netns_said, "fe80");
	assert_non_null(at);
	end = strchr(at, '/');
	assert_non_null(end);
	*end = '\0';
	assert_true(asks(opened(f, CONF_MONITOR_PING, at, "v0"), 1));
}

static void an_unreachable_told_by_a_router_is_no_answer(void **state)
{
	struct fixture *f = fixture_of(state);

	run("ip addr add 10.5.0.1/24 dev v0; ip route add 10.8.0.0/24 via 10.5.0.2");
	assert_true(is_mute(opened(f, CONF_MONITOR_PING, "10.8.0.1", ""), 1));
	assert_int_equal(f->prober.error, 0);
}

static void answers_for_others_wake_nobody(void **state)
{
	struct fixture *f = fixture_of(state);

	run("ip addr add 10.5.0.1/24 dev v0; ip addr add fd05::1/64 dev v0 nodad");
	struct prober *v4 = opened(f, CONF_MONITOR_PING, "10.5.0.2", "");

	run("ping -qc 2 -i 0.01 10.5.0.2");
	assert_quiet(prober_fd(v4));
	struct prober *v6 = opened(f, CONF_MONITOR_PING, "fd05::2", "");

	run("ping -qc 2 -i 0.01 fd05::2");
	assert_quiet(prober_fd(v6));
	struct prober *arp = opened(f, CONF_MONITOR_ARP, "10.5.0.3", "v0");

	run("ip neigh flush dev v0; ping -qc 1 10.5.0.2");
	assert_quiet(prober_fd(arp));
	struct prober *neighbour = opened(f, CONF_MONITOR_ARP, "fd05::3", "v0");

	run("ip -6 neigh flush dev v0; ping -qc 1 fd05::2");
	assert_quiet(prober_fd(neighbour));
}

static void an_answer_names_its_question(void **state)
{
	struct fixture *f = fixture_of(state);
	uint16_t sequence;

	run("ip addr add 10.5.0.1/24 dev v0");
	struct prober *p = opened(f, CONF_MONITOR_PING, "10.5.0.2", "");

	assert_true(asks(p, 1)); /* the neighbour is known now */
	assert_int_equal(ask(p, 5), 0);
	assert_int_equal(ask(p, 6), 0);
	assert_true(answered(p, SOON_MS, &sequence));
	assert_int_equal(sequence, 5);
	assert_true(answered(p, SOON_MS, &sequence));
	assert_int_equal(sequence, 6);
}

/* The same answer with a byte that differs, and from another. */
static void what_only_looks_like_an_echo_reply_is_none(void **state)
{
	struct prober p = { .ops = &prober_icmpv6, .id = 0x1234, .token = "abcdefg" };
	uint8_t echo[16] = { 129, 0, 0, 0, 0x12, 0x34, 0, 9 };
	struct prober_packet packet = { .bytes = { echo, sizeof(echo) }, .hop_limit = 64 };
	uint16_t sequence = 0;

	(void)state;
	p.target = packet.from = (struct conf_ip){ AF_INET6, { 0xfd, 5, [15] = 2 } };
	memcpy(echo + 8, p.token, 8);
	assert_true(p.ops->is_answer(&p, &packet, &sequence));
	assert_int_equal(sequence, 9);
	for (unsigned i = 0; i < sizeof(echo); i++) {
		bool counts = i == 0 || i == 4 || i == 5 || i >= 8;

		echo[i] ^= 1;
		assert_int_equal(p.ops->is_answer(&p, &packet, &sequence), !counts);
		echo[i] ^= 1;
	}
	for (packet.bytes.len = 0; packet.bytes.len < sizeof(echo); packet.bytes.len++)
		assert_false(p.ops->is_answer(&p, &packet, &sequence));
	packet.bytes.len = sizeof(echo);
	packet.from.bytes[15] = 3;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
}

/* An IPv4 header that claims to be longer, or shorter, than it can be. */
static void a_header_of_another_length_is_refused(void **state)
{
	struct prober p = { .ops = &prober_icmp, .id = 0x1234, .token = "abcdefg" };
	struct prober_packet packet = { .hop_limit = -1 };
	uint16_t sequence = 0;

	(void)state;
	uint8_t v4[36] = { 0x45, [20] = 0, [24] = 0x12, [25] = 0x34, [27] = 9 };

	p.target = packet.from = (struct conf_ip){ AF_INET, { 10, 5, 0, 2 } };
	memcpy(v4 + 28, p.token, 8);
	packet.bytes = span_of(v4, sizeof(v4));
	assert_true(p.ops->is_answer(&p, &packet, &sequence));
	v4[0] = 0x4f;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
	v4[0] = 0x40;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
	for (packet.bytes.len = 0; packet.bytes.len < sizeof(v4); packet.bytes.len++) {
		v4[0] = 0x45;
		assert_false(p.ops->is_answer(&p, &packet, &sequence));
	}
}

/* Not solicited; from behind a router; for another. */
static void what_only_looks_like_an_advertisement_is_none(void **state)
{
	struct prober p = { .ops = &prober_neighbour };
	struct prober_packet packet = { .hop_limit = 255 };
	uint16_t sequence = 0;

	(void)state;
	uint8_t advertisement[24] = { 136, [4] = 0x40 };

	p.target = (struct conf_ip){ AF_INET6, { 0xfd, 5, [15] = 2 } };
	memcpy(advertisement + 8, p.target.bytes, 16);
	packet.bytes = span_of(advertisement, sizeof(advertisement));
	packet.hop_limit = 255;
	assert_true(p.ops->is_answer(&p, &packet, &sequence));
	packet.hop_limit = 254;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
	packet.hop_limit = 255;
	advertisement[4] = 0x20;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
	advertisement[4] = 0x40;
	advertisement[23] ^= 1;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
}

/* To another's MAC address; a request. */
static void what_only_looks_like_an_arp_reply_is_none(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct prober p = { .ops = &prober_arp };
	struct prober_packet packet = { .hop_limit = -1 };
	uint16_t sequence = 0;

	(void)state;
	uint8_t reply[28] = { 0, 1, 8, 0, 6, 4, 0, 2, [14] = 10, 5, 0, 2 };

	p.target = (struct conf_ip){ AF_INET, { 10, 5, 0, 2 } };
	memcpy(p.mac, mac, 6);
	memcpy(reply + 18, mac, 6);
	packet.bytes = span_of(reply, sizeof(reply));
	assert_true(p.ops->is_answer(&p, &packet, &sequence));
	reply[18] ^= 4;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
	reply[18] ^= 4;
	reply[7] = 1;
	assert_false(p.ops->is_answer(&p, &packet, &sequence));
}

static void arp_needs_no_address(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_true(asks(opened(f, CONF_MONITOR_ARP, "10.5.0.2", "v0"), 7));
	assert_true(asks(&f->prober, 8));
	assert_true(is_mute(opened(f, CONF_MONITOR_ARP, "10.5.0.77", "v0"), 7));
	assert_true(is_mute(opened(f, CONF_MONITOR_ARP, "10.5.0.2", "v1"), 7));
}

/* RFC 5227: whoever hears a probe learns nothing from it. */
static void arp_leaves_no_trace_on_the_host(void **state)
{
	struct fixture *f = fixture_of(state);
	char command[128];

	assert_true(asks(opened(f, CONF_MONITOR_ARP, "10.5.0.2", "v0"), 7));
	snprintf(command, sizeof(command), "nsenter -t %d -n ip -4 neigh show", (int)f->host);
	run(command);
	assert_string_equal(netns_said, "");
}

static void neighbours_are_asked_from_the_link_local_address(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_true(asks(opened(f, CONF_MONITOR_ARP, "fd05::2", "v0"), 7));
	assert_true(asks(&f->prober, 8));
	assert_true(is_mute(opened(f, CONF_MONITOR_ARP, "fd05::77", "v0"), 7));
	assert_true(is_mute(opened(f, CONF_MONITOR_ARP, "fd05::2", "v1"), 7));
}

static void an_interface_that_goes_and_comes_is_taken_up_again(void **state)
{
	static const struct {
		enum conf_monitor_type type;
		const char *target;
	} all[] = {
		{ CONF_MONITOR_ARP, "10.5.0.2" },
		{ CONF_MONITOR_ARP, "10.5.0.2" },
		{ CONF_MONITOR_ARP, "fd05::2" },
		{ CONF_MONITOR_ARP, "fd05::2" },
		{ CONF_MONITOR_PING, "10.5.0.2" },
		{ CONF_MONITOR_PING, "10.5.0.2" },
		{ CONF_MONITOR_PING, "fd05::2" },
		{ CONF_MONITOR_PING, "fd05::2" },
	};
	struct fixture *f = fixture_of(state);

	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		run("ip addr replace 10.5.0.1/24 dev v0; ip addr replace fd05::1/64 dev v0 nodad");
		struct prober *p = opened(f, all[i].type, all[i].target, "v0");

		assert_true(asks(p, 1));
		run("ip link set v0 down");
		assert_true(is_mute(p, 2));
		run("ip link set v0 up; ip addr replace fd05::1/64 dev v0 nodad; sleep 0.1");
		assert_true(asks(p, 3));
		run("ip link del v0");
		/* Every second one is not asked in between: the index is another at once. */
		if (i % 2 == 0) {
			assert_true(is_mute(p, 4));
			assert_int_equal(p->error, -ENODEV);
		}
		stop_host(f->host);
		run("ip link add v0 type veth peer name p0 && ip link set v0 up && "
		    "ip addr add 10.5.0.1/24 dev v0 && ip addr add fd05::1/64 dev v0 nodad");
		f->host = start_host("p0", HOST_SETUP);
		sleep_ms(100);
		assert_true(asks(p, 5));
	}
}

static void an_interface_that_is_not_there_yet_is_no_error_to_begin_with(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_int_equal(opened(f, CONF_MONITOR_ARP, "10.5.0.2", "later")->error, -ENODEV);
	assert_int_equal(opened(f, CONF_MONITOR_ARP, "fd05::2", "later")->error, -ENODEV);
	assert_int_equal(opened(f, CONF_MONITOR_PING, "10.5.0.2", "later")->error, -ENODEV);
	assert_int_equal(ask(&f->prober, 1), -ENODEV);
}

static void other_types_do_not_ask(void **state)
{
	struct conf_monitor conf = { .type = CONF_MONITOR_LINK };
	struct prober p;

	(void)state;
	assert_null(prober_ops_of(&conf));
	assert_int_equal(prober_open(&p, &conf), -EPROTONOSUPPORT);
	conf.type = CONF_MONITOR_SCRIPT;
	assert_null(prober_ops_of(&conf));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ping_asks_a_host),
		TEST(ping_asks_a_link_local_host),
		TEST(an_unreachable_told_by_a_router_is_no_answer),
		TEST(answers_for_others_wake_nobody),
		TEST(an_answer_names_its_question),
		cmocka_unit_test(what_only_looks_like_an_echo_reply_is_none),
		cmocka_unit_test(a_header_of_another_length_is_refused),
		cmocka_unit_test(what_only_looks_like_an_advertisement_is_none),
		cmocka_unit_test(what_only_looks_like_an_arp_reply_is_none),
		TEST(arp_needs_no_address),
		TEST(arp_leaves_no_trace_on_the_host),
		TEST(neighbours_are_asked_from_the_link_local_address),
		TEST(an_interface_that_goes_and_comes_is_taken_up_again),
		TEST(an_interface_that_is_not_there_yet_is_no_error_to_begin_with),
		cmocka_unit_test(other_types_do_not_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
