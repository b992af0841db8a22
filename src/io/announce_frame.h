/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * announce_frame: the Ethernet frames that tell a network who has an address. Pure.
 */
#ifndef NSRP_IO_ANNOUNCE_FRAME_H
#define NSRP_IO_ANNOUNCE_FRAME_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

enum {
	ANNOUNCE_ARP_LEN = 42,
	ANNOUNCE_NEIGHBOUR_LEN = 86,
	ANNOUNCE_FRAME_MAX = ANNOUNCE_NEIGHBOUR_LEN,
};

/* Some hosts learn from one form of gratuitous ARP only, some from the other. */
enum announce_form { ANNOUNCE_REQUEST, ANNOUNCE_REPLY };

/* Gratuitous ARP (RFC 5227, section 3; reply form: RFC 5944, section 4.6), broadcast. `ip` is
 * IPv4. Writes ANNOUNCE_ARP_LEN bytes. */
void announce_build_arp(uint8_t frame[ANNOUNCE_FRAME_MAX], const uint8_t mac[6],
	const struct conf_ip *ip, enum announce_form form);

/* Unsolicited neighbour advertisement with override (RFC 4861, sections 4.4 and 7.2.6), to all
 * nodes. `ip` is IPv6; `router`: this node forwards there. Writes ANNOUNCE_NEIGHBOUR_LEN
 * bytes. */
void announce_build_neighbour(uint8_t frame[ANNOUNCE_FRAME_MAX], const uint8_t mac[6],
	const struct conf_ip *ip, bool router);

#endif
