/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passage: what passes this network namespace, by the kernel's counters.
 *
 * The kernel counts datagrams that it forwards for the namespace as a whole, and frames received
 * for each interface. Every datagram that is forwarded came by some interface: so what is forwarded
 * beyond all that other interfaces received came by those in question. Where one interface stands
 * on another (VLANs, bonds) its frames are counted by both, and merged frames are forwarded as
 * one: the answer may be too small, and is never too great.
 */
#ifndef NSRP_IO_PASSAGE_H
#define NSRP_IO_PASSAGE_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

enum { PASSAGE_LINKS_MAX = 256 };

struct passage {
	/* Datagrams forwarded, IPv4 and IPv6, read before the interfaces and after them. */
	uint64_t before, after;
	unsigned n_links;
	struct passage_link {
		char name[CONF_DEVICE_MAX];
		uint64_t received; /* frames */
	} link[PASSAGE_LINKS_MAX];
};

/* Reads the counters of the caller's namespace. 0 or negative errno: -E2BIG when there are more
 * interfaces, -EBADMSG when the kernel's text is none that is known. Does not wait for RTNL. */
int passage_read(struct passage *ret_passage);

/* From one reading to a later one: how many datagrams were forwarded, at least, that came by
 * interfaces of which `ours` is true. 0 where it cannot be told. */
uint64_t passage_least(const struct passage *from, const struct passage *to,
	bool (*ours)(void *user, const char *name), void *user);

/* The texts of /proc/net: dev; snmp, or snmp6 (which may lack what is asked for: 0). Pure. */
int passage_parse_links(const char *text, struct passage *ret_passage);
int passage_parse_forwarded(const char *text, uint64_t *ret_forwarded);
uint64_t passage_parse_forwarded6(const char *text);

#endif
