/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ear.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nsrp/confread.h"

enum {
	SOURCE_AT = 6,
	ETHERTYPE_AT = 12,
	PAYLOAD_AT = 14,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IPV6 = 0x86dd,
	ARP_PROTOCOL_AT = PAYLOAD_AT + 2,
	ARP_SENDER_AT = PAYLOAD_AT + 14,
	ARP_END = PAYLOAD_AT + 28,
	IPV6_NEXT_AT = PAYLOAD_AT + 6,
	IPV6_SOURCE_AT = PAYLOAD_AT + 8,
	ICMPV6_AT = PAYLOAD_AT + 40,
	ICMPV6_TARGET_AT = ICMPV6_AT + 8,
	NEXT_HEADER_ICMPV6 = 58,
	ROUTER_SOLICITATION = 133,
	NEIGHBOUR_ADVERTISEMENT = 136,
	FRAME_MAX = 128, /* what follows says nothing */
	BUFFER = 256 * 1024,
	TRIES = 64, /* frames that claim nothing, before others have their turn */
};

static uint16_t u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Passes what a virtual MAC of this cluster sent, untagged. */
static int set_filter(int fd, uint8_t cluster)
{
	const uint32_t aux = (uint32_t)SKF_AD_OFF;
	struct sock_filter ours[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SOURCE_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(CONF_VMAC_FIRST << 8 | cluster), 0,
			3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, aux + SKF_AD_VLAN_TAG_PRESENT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(ours), .filter = ours };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

int ear_open(struct ear *ear, uint8_t cluster, bool ipv6)
{
	int one = 1, bytes = BUFFER, result;

	*ear = (struct ear){ .ipv6 = ipv6 };
	/* Without a protocol it hears nothing before the filter is set. */
	ear->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ear->fd < 0)
		return -errno;
	result = set_filter(ear->fd, cluster);
	if (!result && setsockopt(ear->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)))
		result = -errno;
	if (result) {
		ear_close(ear);
		return result;
	}
	(void)setsockopt(ear->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

void ear_close(struct ear *ear)
{
	if (ear->fd >= 0)
		close(ear->fd);
	ear->fd = -1;
}

int ear_listen(struct ear *ear, uint32_t ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ear->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP),
		.sll_ifindex = (int)ifindex,
	};

	if (!ifindex)
		address.sll_protocol = 0;
	ear->ifindex = 0;
	if (bind(ear->fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	ear->ifindex = ifindex;
	return 0;
}

static bool parse_ipv6(const uint8_t *frame, size_t len, struct conf_ip *ret_ip)
{
	static const uint8_t unspecified[16];
	const uint8_t *at = frame + IPV6_SOURCE_AT;

	if (len < ICMPV6_TARGET_AT || frame[IPV6_NEXT_AT] != NEXT_HEADER_ICMPV6)
		return false;
	if (frame[ICMPV6_AT] < ROUTER_SOLICITATION || frame[ICMPV6_AT] > NEIGHBOUR_ADVERTISEMENT)
		return false;
	if (frame[ICMPV6_AT] == NEIGHBOUR_ADVERTISEMENT) {
		if (len < ICMPV6_TARGET_AT + 16)
			return false;
		at = frame + ICMPV6_TARGET_AT;
	}
	ret_ip->family = AF_INET6;
	memcpy(ret_ip->bytes, at, 16);
	return memcmp(at, unspecified, 16) != 0;
}

bool ear_parse(const uint8_t *frame, size_t len, struct ear_claim *ret_claim)
{
	struct ear_claim claim = { .ip = { .family = 0 } };

	if (len < PAYLOAD_AT)
		return false;
	memcpy(claim.mac, frame + SOURCE_AT, sizeof(claim.mac));
	if (u16(frame + ETHERTYPE_AT) == ETHERTYPE_IPV6) {
		if (!parse_ipv6(frame, len, &claim.ip))
			return false;
	} else if (u16(frame + ETHERTYPE_AT) == ETHERTYPE_ARP && len >= ARP_END &&
		   u16(frame + ARP_PROTOCOL_AT) == 0x0800) {
		claim.ip.family = AF_INET;
		memcpy(claim.ip.bytes, frame + ARP_SENDER_AT, 4);
	} else {
		return false;
	}
	*ret_claim = claim;
	return true;
}

bool ear_hear(struct ear *ear, struct ear_claim *ret_claim)
{
	uint8_t frame[FRAME_MAX];
	struct sockaddr_ll from;

	for (unsigned i = 0; i < TRIES; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(ear->fd, frame, sizeof(frame), 0,
			(struct sockaddr *)(void *)&from, &from_len);

		/* An interface that goes leaves an error behind; what waited comes after it. */
		if (n < 0 && (errno == EINTR || errno == ENETDOWN))
			continue;
		if (n < 0)
			return false;
		/* Those of a VLAN above come by, too. */
		if (from.sll_ifindex == (int)ear->ifindex && ear_parse(frame, (size_t)n, ret_claim))
			return true;
	}
	return false;
}
