/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "in_netns.h"

#include "io/announce_frame.h"
#include "io/ear.h"
#include "nsrp/confread.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

static const uint8_t ours[6] = { CONF_VMAC_FIRST, 7, 0, 1, 2, 3 };
static const struct conf_ip ipv4 = { AF_INET, { 192, 0, 2, 1 } };
static const struct conf_ip ipv6 = { AF_INET6, { 0x20, 1, 0x0d, 0xb8, [15] = 1 } };

static void assert_claims(const struct ear_claim *claim, const struct conf_ip *ip)
{
	assert_memory_equal(claim->mac, ours, sizeof(ours));
	assert_memory_equal(&claim->ip, ip, sizeof(*ip));
}

static void what_a_frame_claims_is_read(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct ear_claim claim;

	(void)state;
	announce_build_arp(frame, ours, &ipv4, ANNOUNCE_REPLY);
	assert_true(ear_parse(frame, ANNOUNCE_ARP_LEN, &claim));
	assert_claims(&claim, &ipv4);
	announce_build_neighbour(frame, ours, &ipv6, true);
	assert_true(ear_parse(frame, ANNOUNCE_NEIGHBOUR_LEN, &claim));
	assert_claims(&claim, &ipv6);
	/* A solicitation says where its sender is; without a source, nothing. */
	frame[54] = 135;
	assert_true(ear_parse(frame, ANNOUNCE_NEIGHBOUR_LEN, &claim));
	assert_claims(&claim, &ipv6);
	memset(frame + 22, 0, 16);
	assert_false(ear_parse(frame, ANNOUNCE_NEIGHBOUR_LEN, &claim));
	frame[54] = 128;
	assert_false(ear_parse(frame, ANNOUNCE_NEIGHBOUR_LEN, &claim));
}

static void short_and_strange_frames_claim_nothing(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct ear_claim claim;

	(void)state;
	announce_build_neighbour(frame, ours, &ipv6, true);
	for (size_t len = 0; len < 78; len++)
		assert_false(ear_parse(frame, len, &claim));
	announce_build_arp(frame, ours, &ipv4, ANNOUNCE_REQUEST);
	for (size_t len = 0; len < ANNOUNCE_ARP_LEN; len++)
		assert_false(ear_parse(frame, len, &claim));
	frame[16] = 0x86; /* not for IPv4 */
	assert_false(ear_parse(frame, ANNOUNCE_ARP_LEN, &claim));
	frame[12] = 0x88;
	assert_false(ear_parse(frame, ANNOUNCE_ARP_LEN, &claim));
}

static void send_on(const char *device, const uint8_t *frame, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	to.sll_ifindex = (int)if_nametoindex(device);
	assert_int_equal(sendto(fd, frame, len, 0, (const void *)&to, sizeof(to)), (ssize_t)len);
	close(fd);
}

static void our_macs_are_heard_whoever_sends(void **state)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	struct ear_claim claim;
	struct ear ear;

	(void)state;
	if (!netns_enter())
		skip();
	run("ip link add mv link v0 address 92:07:00:01:02:03 type macvlan mode bridge; "
	    "ip link set mv up");
	assert_int_equal(ear_open(&ear, 7, false), 0);
	announce_build_arp(frame, ours, &ipv4, ANNOUNCE_REQUEST);
	send_on("p0", frame, ANNOUNCE_ARP_LEN);
	assert_false(ear_hear(&ear, &claim)); /* deaf */
	assert_int_equal(ear_listen(&ear, if_nametoindex("v0")), 0);
	send_on("mv", frame, ANNOUNCE_ARP_LEN); /* our own */
	assert_false(ear_hear(&ear, &claim));
	send_on("p0", frame, ANNOUNCE_ARP_LEN);
	assert_true(ear_hear(&ear, &claim));
	assert_claims(&claim, &ipv4);
	frame[7] = 8; /* another cluster's */
	send_on("p0", frame, ANNOUNCE_ARP_LEN);
	frame[6] = 2; /* none of nsrpd's */
	frame[7] = 7;
	send_on("p0", frame, ANNOUNCE_ARP_LEN);
	assert_false(ear_hear(&ear, &claim));
	assert_int_equal(ear_listen(&ear, 0), 0);
	frame[6] = CONF_VMAC_FIRST;
	send_on("p0", frame, ANNOUNCE_ARP_LEN);
	assert_false(ear_hear(&ear, &claim));
	ear_close(&ear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_frame_claims_is_read),
		cmocka_unit_test(short_and_strange_frames_claim_nothing),
		cmocka_unit_test(our_macs_are_heard_whoever_sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
