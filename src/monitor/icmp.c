/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Echo requests over ICMP (RFC 792) and ICMPv6 (RFC 4443): asks any host that routes lead to, from
 * the address that the kernel chooses, which is never a virtual one.
 *
 * Errors that routers send back are no answer, and need not be heard to be that: the filter passes
 * echo replies of our identifier alone. Whose they are, our token in their data tells.
 */
#include "prober.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ECHO_LEN = 8 + PROBER_TOKEN_LEN,
	IPV4_HEADER_MIN = 20,
};

static int make(struct prober *p, int family, int protocol)
{
	p->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (p->fd < 0)
		return -errno;
	/* As urgent as routing is. A help, no condition. */
	if (family == AF_INET)
		(void)prober_option(p, IPPROTO_IP, IP_TOS, IPTOS_CLASS_CS6);
	else
		(void)prober_option(p, IPPROTO_IPV6, IPV6_TCLASS, IPTOS_CLASS_CS6);
	return 0;
}

/* An IPv4 socket's filter sees the IP header, which has options at times. */
static int icmp_make(struct prober *p)
{
	const struct sock_filter ours[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBER_PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int result = make(p, AF_INET, IPPROTO_ICMP);

	return result ? result : prober_filter(p, ours, ARRAY_LEN(ours));
}

/* An IPv6 socket's sees the message alone. */
static int icmpv6_make(struct prober *p)
{
	const struct sock_filter ours[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMPV6_ECHO_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBER_PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	int result = make(p, AF_INET6, IPPROTO_ICMPV6);

	return result ? result : prober_filter(p, ours, ARRAY_LEN(ours));
}

/* Type, code, checksum, identifier, number, token: the same in both protocols. */
static void put_echo(const struct prober *p, uint8_t type, uint16_t sequence, uint8_t *echo)
{
	memset(echo, 0, ECHO_LEN);
	echo[0] = type;
	echo[4] = (uint8_t)(p->id >> 8);
	echo[5] = (uint8_t)p->id;
	echo[6] = (uint8_t)(sequence >> 8);
	echo[7] = (uint8_t)sequence;
	memcpy(echo + 8, p->token, PROBER_TOKEN_LEN);
}

static int send_to(const struct prober *p, const uint8_t *echo, const void *to, socklen_t len)
{
	return sendto(p->fd, echo, ECHO_LEN, MSG_DONTWAIT, to, len) < 0 ? -errno : 0;
}

static int icmp_ask(struct prober *p, uint16_t sequence)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t echo[ECHO_LEN];

	put_echo(p, ICMP_ECHO, sequence, echo);
	uint16_t sum = prober_checksum(echo, ECHO_LEN);

	echo[2] = (uint8_t)(sum >> 8);
	echo[3] = (uint8_t)sum;
	memcpy(&to.sin_addr, p->target.bytes, 4);
	return send_to(p, echo, &to, sizeof(to));
}

/* The kernel fills in the checksum, which covers the source address. */
static int icmpv6_ask(struct prober *p, uint16_t sequence)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	uint8_t echo[ECHO_LEN];

	put_echo(p, ICMPV6_ECHO_REQUEST, sequence, echo);
	memcpy(&to.sin6_addr, p->target.bytes, 16);
	if (p->target.bytes[0] == 0xfe && (p->target.bytes[1] & 0xc0) == 0x80) /* link-local */
		to.sin6_scope_id = p->ifindex;
	return send_to(p, echo, &to, sizeof(to));
}

static bool is_reply(const struct prober *p, const struct prober_packet *packet, struct span echo,
	uint8_t type, uint16_t *ret_sequence)
{
	if (echo.len < ECHO_LEN || echo.data[0] != type ||
		(echo.data[4] << 8 | echo.data[5]) != p->id ||
		memcmp(echo.data + 8, p->token, PROBER_TOKEN_LEN) != 0 ||
		memcmp(&packet->from, &p->target, sizeof(p->target)) != 0)
		return false;
	*ret_sequence = (uint16_t)(echo.data[6] << 8 | echo.data[7]);
	return true;
}

static bool icmp_is_answer(
	const struct prober *p, const struct prober_packet *packet, uint16_t *ret_sequence)
{
	struct span all = packet->bytes;
	size_t header;

	if (all.len < IPV4_HEADER_MIN)
		return false;
	header = (size_t)(all.data[0] & 0xf) * 4;
	if (header < IPV4_HEADER_MIN || header > all.len)
		return false;
	return is_reply(p, packet, span_of(all.data + header, all.len - header), ICMP_ECHOREPLY,
		ret_sequence);
}

static bool icmpv6_is_answer(
	const struct prober *p, const struct prober_packet *packet, uint16_t *ret_sequence)
{
	return is_reply(p, packet, packet->bytes, ICMPV6_ECHO_REPLY, ret_sequence);
}

const struct prober_ops prober_icmp = {
	.name = "ICMP",
	.make = icmp_make,
	.ask = icmp_ask,
	.is_answer = icmp_is_answer,
};

const struct prober_ops prober_icmpv6 = {
	.name = "ICMPv6",
	.make = icmpv6_make,
	.ask = icmpv6_ask,
	.is_answer = icmpv6_is_answer,
};
