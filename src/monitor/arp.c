/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARP probes (RFC 5227, section 2.1.1): a request whose sender has no IP address yet. So a node
 * without an address of its own in the network can ask, and nobody learns anything from it.
 *
 * A reply counts when it comes from the target to this interface's own MAC address. It has no
 * number, so it answers the last question.
 */
#include "prober.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ARP_LEN = 28, /* of Ethernet and IPv4 */
	OPERATION_AT = 6,
	SENDER_MAC_AT = 8,
	SENDER_IP_AT = 14,
	TARGET_MAC_AT = 18,
	TARGET_IP_AT = 24,
};

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Deaf until it is bound: no protocol yet. */
static int arp_make(struct prober *p)
{
	const struct sock_filter replies[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, OPERATION_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SENDER_IP_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(p->target.bytes), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBER_PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	p->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return p->fd < 0 ? -errno : prober_filter(p, replies, ARRAY_LEN(replies));
}

static int arp_attach(struct prober *p)
{
	const struct sockaddr_ll self = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)p->ifindex,
	};

	return bind(p->fd, (const struct sockaddr *)&self, sizeof(self)) ? -errno : 0;
}

static int arp_ask(struct prober *p, uint16_t sequence)
{
	/* Ethernet, IPv4, lengths of their addresses, request. */
	static const uint8_t head[] = { 0, 1, 0x08, 0, 6, 4, 0, ARPOP_REQUEST };
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)p->ifindex,
		.sll_halen = ETH_ALEN,
	};
	uint8_t request[ARP_LEN] = { 0 };

	(void)sequence;
	if (p->ifindex == 0)
		return -ENODEV;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	memcpy(request, head, sizeof(head));
	memcpy(request + SENDER_MAC_AT, p->mac, sizeof(p->mac));
	memcpy(request + TARGET_IP_AT, p->target.bytes, 4);
	return sendto(p->fd, request, sizeof(request), MSG_DONTWAIT, (const struct sockaddr *)&to,
		       sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static bool arp_is_answer(
	const struct prober *p, const struct prober_packet *packet, uint16_t *ret_sequence)
{
	const uint8_t *reply = packet->bytes.data;

	(void)ret_sequence;
	return packet->bytes.len >= ARP_LEN && reply[OPERATION_AT] == 0 &&
	       reply[OPERATION_AT + 1] == ARPOP_REPLY &&
	       memcmp(reply + SENDER_IP_AT, p->target.bytes, 4) == 0 &&
	       memcmp(reply + TARGET_MAC_AT, p->mac, sizeof(p->mac)) == 0;
}

const struct prober_ops prober_arp = {
	.name = "ARP",
	.make = arp_make,
	.attach = arp_attach,
	.ask = arp_ask,
	.is_answer = arp_is_answer,
};
