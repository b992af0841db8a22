/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ear: hears who claims addresses with one of our virtual MACs, on the interface below.
 *
 * It hears what the interface itself gets of one protocol: ARP, or IPv6; a filter in the kernel
 * passes only what comes from a virtual MAC of this cluster's id. That is broadcast and multicast;
 * frames for a macvlan never come by. It waits for nobody, and takes no RTNL.
 */
#ifndef NSRP_IO_EAR_H
#define NSRP_IO_EAR_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

/* A frame came from `mac`, and says that `ip` is there. */
struct ear_claim {
	uint8_t mac[6];
	struct conf_ip ip;
};

struct ear {
	int fd;
	bool ipv6;
	uint32_t ifindex; /* 0 = deaf */
};

/* Deaf as yet. 0 or negative errno. */
int ear_open(struct ear *ear, uint8_t cluster, bool ipv6);
void ear_close(struct ear *ear);

/* Hears on this interface from now on; 0: on none. 0 or negative errno: it is deaf. */
int ear_listen(struct ear *ear, uint32_t ifindex);

/* The next claim that waits. False: none does. */
bool ear_hear(struct ear *ear, struct ear_claim *ret_claim);

/* What a frame claims: the sender of ARP, the target of a neighbour advertisement, the source of a
 * solicitation or of a router's message. False: nothing, or it is malformed. Pure. */
bool ear_parse(const uint8_t *frame, size_t len, struct ear_claim *ret_claim);

#endif
