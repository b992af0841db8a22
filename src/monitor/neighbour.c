/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neighbour solicitations (RFC 4861, section 7.2): what ARP is for IPv4. They go to the target's
 * solicited-node address (RFC 4291, section 2.7.1), from the interface's link-local address.
 *
 * An advertisement counts when it was solicited, names the target, and crossed no router (its hop
 * limit is 255). It has no number, so it answers the last question.
 */
#include "prober.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SOLICITATION = 135,
	ADVERTISEMENT = 136,
	FLAG_SOLICITED = 0x40,
	SOURCE_MAC_OPTION = 1,
	TARGET_AT = 8,
	OPTION_AT = 24,
	SOLICITATION_LEN = 32,
	HOP_LIMIT = 255,
};

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int neighbour_make(struct prober *p)
{
	const uint8_t *target = p->target.bytes;
	const struct sock_filter advertisements[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ADVERTISEMENT, 0, 9),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(target), 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET_AT + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(target + 4), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET_AT + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(target + 8), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET_AT + 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(target + 12), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBER_PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	p->fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (p->fd < 0)
		return -errno;
	int result = prober_filter(p, advertisements, ARRAY_LEN(advertisements));

	if (!result)
		result = prober_option(p, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOP_LIMIT);
	if (!result)
		result = prober_option(p, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	return result ? result : prober_option(p, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

static int neighbour_ask(struct prober *p, uint16_t sequence)
{
	static const uint8_t solicited_node[13] = { 0xff, 2, [11] = 1, [12] = 0xff };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = p->ifindex };
	uint8_t request[SOLICITATION_LEN] = { SOLICITATION };

	(void)sequence;
	if (p->ifindex == 0)
		return -ENODEV;
	memcpy(&to.sin6_addr, solicited_node, sizeof(solicited_node));
	memcpy(to.sin6_addr.s6_addr + sizeof(solicited_node), p->target.bytes + 13, 3);
	memcpy(request + TARGET_AT, p->target.bytes, 16);
	request[OPTION_AT] = SOURCE_MAC_OPTION;
	request[OPTION_AT + 1] = 1; /* 8 bytes */
	memcpy(request + OPTION_AT + 2, p->mac, sizeof(p->mac));
	return sendto(p->fd, request, sizeof(request), MSG_DONTWAIT, (const struct sockaddr *)&to,
		       sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static bool neighbour_is_answer(
	const struct prober *p, const struct prober_packet *packet, uint16_t *ret_sequence)
{
	const uint8_t *reply = packet->bytes.data;

	(void)ret_sequence;
	return packet->bytes.len >= OPTION_AT && packet->hop_limit == HOP_LIMIT &&
	       reply[0] == ADVERTISEMENT && (reply[4] & FLAG_SOLICITED) &&
	       memcmp(reply + TARGET_AT, p->target.bytes, 16) == 0;
}

const struct prober_ops prober_neighbour = {
	.name = "neighbour discovery",
	.make = neighbour_make,
	.ask = neighbour_ask,
	.is_answer = neighbour_is_answer,
};
