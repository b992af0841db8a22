/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tuple: who talks to whom, as the kernel's connection tracking sees one direction.
 *
 * Its compact bytes are a session's key (with the zone) and stand in values, where one session
 * names another (without). doc/PROTOCOL.md has the layout.
 */
#ifndef NSRP_OBJECT_TUPLE_H
#define NSRP_OBJECT_TUPLE_H

#include <sys/socket.h>

#include "attr.h"
#include "bytes.h"
#include "nsrp/object.h"

/* What tells apart the talks of one pair of addresses. */
enum tuple_shape {
	TUPLE_PLAIN = 0, /* nothing: a protocol that the kernel does not know */
	TUPLE_PORTS = 1, /* ports; for GRE, its keys */
	TUPLE_ICMP = 2,
};

/* In which direction a zone counts: the kernel has at most one zone for a session. */
enum tuple_zone {
	TUPLE_ZONE_NONE = 0,
	TUPLE_ZONE_BOTH = 1,
	TUPLE_ZONE_ORIG = 2,
	TUPLE_ZONE_REPLY = 3,
};

struct zone {
	uint8_t dir; /* enum tuple_zone */
	uint16_t id; /* 0 exactly when there is none */
};

struct tuple {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t proto;
	uint8_t shape; /* enum tuple_shape */
	/* Network byte order. PORTS: source, destination; ICMP: id, type (1), code (1). */
	uint8_t l4[4];
	uint8_t src[16], dst[16];
};

enum { TUPLE_MAX = 1 + 1 + 32 + 4, TUPLE_KEY_MAX = TUPLE_MAX + 2, TUPLE_TEXT_MAX = 160 };

static inline size_t tuple_address_len(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* Attributes of a CTA_TUPLE_*. *zone gets a zone that stands among them, else stays. 0, or
 * -EBADMSG. */
int tuple_parse(const struct attr *nest, uint8_t family, struct tuple *ret, uint16_t *zone);
void tuple_put(struct message *m, uint16_t type, const struct tuple *t, uint16_t zone);

/* Writes at most TUPLE_KEY_MAX bytes, TUPLE_MAX without a zone; returns where they end. */
uint8_t *tuple_encode(uint8_t *at, const struct tuple *t, struct zone zone);
/* False, or r->bad: not a tuple. */
bool tuple_decode(struct bytes *r, struct tuple *ret, struct zone *ret_zone);
/* All of the key. 0, or -EBADMSG. */
int tuple_decode_key(struct span key, struct tuple *ret, struct zone *ret_zone);

/* What answers would look like without NAT. False: the kernel tracks no such thing. */
bool tuple_invert(const struct tuple *t, struct tuple *ret);

/* Is this talk the business of one node alone: its own (by either source), loopback, or one
 * that never leaves the link? */
bool tuple_is_local(const struct object_own *own, const struct tuple *t);

void tuple_print(const struct tuple *t, char text[TUPLE_TEXT_MAX]);
const char *tuple_proto_name(uint8_t proto, char room[8]);
/* An address, as text. */
void tuple_print_address(uint8_t family, const uint8_t *address, char text[48]);

#endif
