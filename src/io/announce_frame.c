/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "announce_frame.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ETHERTYPE_AT = 12,
	PAYLOAD_AT = 14,
	IPV6_SOURCE_AT = PAYLOAD_AT + 8,
	IPV6_DESTINATION_AT = PAYLOAD_AT + 24,
	ICMPV6_AT = PAYLOAD_AT + 40,
	ICMPV6_LEN = 32,
	ICMPV6_CHECKSUM_AT = ICMPV6_AT + 2,
	NEXT_HEADER_ICMPV6 = 58,
	NEIGHBOUR_ADVERTISEMENT = 136,
	FLAG_ROUTER = 0x80,
	FLAG_OVERRIDE = 0x20,
};

void announce_build_arp(uint8_t frame[ANNOUNCE_FRAME_MAX], const uint8_t mac[6],
	const struct conf_ip *ip, enum announce_form form)
{
	/* EtherType; hardware: Ethernet; protocol: IPv4; address lengths; operation. */
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0 };
	uint8_t *at = frame;

	assert(ip->family == AF_INET);
	memset(at, 0xff, 6);
	memcpy(at + 6, mac, 6);
	memcpy(at + ETHERTYPE_AT, head, sizeof(head));
	at += ETHERTYPE_AT + sizeof(head);
	*at++ = form == ANNOUNCE_REQUEST ? 1 : 2;
	memcpy(at, mac, 6);
	memcpy(at + 6, ip->bytes, 4);
	/* The target's hardware address means nothing in a request. */
	if (form == ANNOUNCE_REQUEST)
		memset(at + 10, 0, 6);
	else
		memcpy(at + 10, mac, 6);
	memcpy(at + 16, ip->bytes, 4);
	assert(at + 20 == frame + ANNOUNCE_ARP_LEN);
}

/* The one's complement sum of 16-bit words (RFC 1071), unfolded. len is even. */
static uint32_t sum(const uint8_t *data, size_t len)
{
	uint32_t total = 0;

	for (size_t i = 0; i < len; i += 2)
		total += (uint32_t)(data[i] << 8 | data[i + 1]);
	return total;
}

/* Over the pseudo header (RFC 8200, section 8.1) and the message, whose checksum field is 0. */
static uint16_t checksum(const uint8_t *frame)
{
	uint32_t total = sum(frame + IPV6_SOURCE_AT, 32) + ICMPV6_LEN + NEXT_HEADER_ICMPV6 +
			 sum(frame + ICMPV6_AT, ICMPV6_LEN);

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

void announce_build_neighbour(uint8_t frame[ANNOUNCE_FRAME_MAX], const uint8_t mac[6],
	const struct conf_ip *ip, bool router)
{
	static const uint8_t ethernet[] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t all_nodes[] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	/* Version; length; next header; hop limit. */
	static const uint8_t ipv6[] = { 0x60, 0, 0, 0, 0, ICMPV6_LEN, NEXT_HEADER_ICMPV6, 255 };
	uint8_t *at;
	uint16_t sum_of_all;

	assert(ip->family == AF_INET6);
	memset(frame, 0, ANNOUNCE_NEIGHBOUR_LEN);
	memcpy(frame, ethernet, sizeof(ethernet));
	memcpy(frame + 6, mac, 6);
	frame[ETHERTYPE_AT] = 0x86;
	frame[ETHERTYPE_AT + 1] = 0xdd;
	memcpy(frame + PAYLOAD_AT, ipv6, sizeof(ipv6));
	memcpy(frame + IPV6_SOURCE_AT, ip->bytes, 16);
	memcpy(frame + IPV6_DESTINATION_AT, all_nodes, sizeof(all_nodes));

	at = frame + ICMPV6_AT;
	at[0] = NEIGHBOUR_ADVERTISEMENT;
	at[4] = FLAG_OVERRIDE | (router ? FLAG_ROUTER : 0);
	memcpy(at + 8, ip->bytes, 16);
	at[24] = 2; /* option: target link-layer address */
	at[25] = 1; /* 8 bytes */
	memcpy(at + 26, mac, 6);
	sum_of_all = checksum(frame);
	frame[ICMPV6_CHECKSUM_AT] = (uint8_t)(sum_of_all >> 8);
	frame[ICMPV6_CHECKSUM_AT + 1] = (uint8_t)sum_of_all;
}
