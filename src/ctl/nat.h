/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nat: what a ruleset translates source addresses to.
 *
 * Pure: it reads the JSON that nft(8) prints (libnftables-json(5)); what it does not know it skips.
 */
#ifndef NSRP_CTL_NAT_H
#define NSRP_CTL_NAT_H

#include "nsrp/conf.h"

#include <jansson.h>

enum {
	NAT_TRANSLATIONS_MAX = 256,
	NAT_VISITS_MAX = 1024, /* of chains, each way to one counted */
	NAT_TEXT_MAX = 96,
};

/* A packet's mark, and its session's. */
enum nat_mark { NAT_MARK_PACKET, NAT_MARK_SESSION, NAT_MARKS };

/* One that applies must have, in these bits, this value. */
struct nat_bits {
	uint32_t mask, value;
};

struct nat_translation {
	char where[NAT_TEXT_MAX];   /* family, table and chain */
	char address[NAT_TEXT_MAX]; /* as the ruleset has it; empty: one of the interface's */
	struct conf_ip first, last; /* family 0: one of the interface's */
	uint16_t first_port, last_port;
	bool own; /* by a table, or by elements, that are each node's own (ruleset-local) */
	/* Of the marks' bits, those that tables of the node's own set: they tell the nodes apart.
	 */
	struct nat_bits mark[NAT_MARKS];
};

/* The fields are for reading. */
struct nat {
	unsigned n;
	struct nat_translation translation[NAT_TRANSLATIONS_MAX];
	bool cut;     /* there are more */
	bool foreign; /* there are rules that nft(8) does not understand: those of iptables */
};

/* `ruleset`: {"nftables": [...]}; anything else has no translations. Static NAT of networks, and of
 * single hosts, chooses no ports: it is left out. */
void nat_read(const json_t *ruleset, const struct conf_mirror *mirror, struct nat *ret);

/* Two nodes that both have this one may choose the same port for two sessions. */
bool nat_is_ambiguous(const struct nat_translation *t);

/* These are for different nodes, which may choose the same port. */
bool nat_overlap(const struct nat_translation *a, const struct nat_translation *b);

#endif
