/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * neigh: one neighbour, taken apart: which link-layer address a host on an interface has.
 */
#ifndef NSRP_OBJECT_NEIGH_H
#define NSRP_OBJECT_NEIGH_H

#include "nsrp/object.h"

enum { NEIGH_MAC_LEN = 6 }; /* Ethernet's; no others are mirrored */

enum neigh_flag { NEIGH_ROUTER = 1 }; /* on the wire; IPv6 only */

struct neigh {
	struct conf_ip ip;
	uint8_t name_len;
	char name[CONF_NAME_MAX]; /* of the interface, as both nodes know it; ended by NUL */
	bool has_value;           /* the rest is known */
	uint8_t flags;            /* enum neigh_flag */
	uint8_t mac[NEIGH_MAC_LEN];
};

/* Key and value; a value of no bytes leaves has_value false. 0, or -EBADMSG. */
int neigh_decode(struct span key, struct span value, struct neigh *ret);

extern const struct object_ops neigh_ops;

#endif
