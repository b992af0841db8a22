/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_room: bytes that grow as they are written, with netlink attributes and nests.
 *
 * What fails (no memory, an attribute above 64 KiB) is remembered: writers go on, and who began
 * asks once at the end.
 */
#ifndef NSRP_OBJECT_RULESET_ROOM_H
#define NSRP_OBJECT_RULESET_ROOM_H

#include <linux/netlink.h>

#include "nsrp/base.h"

/* Zero-initialised = empty. */
struct ruleset_room {
	uint8_t *data; /* owned */
	size_t len, max;
	bool failed;
};

void ruleset_room_free(struct ruleset_room *r);

/* Adds `len` bytes and returns where they lie until the next call; NULL once it failed. They hold
 * nothing in particular. */
uint8_t *ruleset_room_grow(struct ruleset_room *r, size_t len);
void ruleset_room_put(struct ruleset_room *r, const void *data, size_t len);

/* An attribute; `type` may have NLA_F_NESTED. */
void ruleset_room_attr(struct ruleset_room *r, uint16_t type, const void *data, size_t len);
void ruleset_room_u32(struct ruleset_room *r, uint16_t type, uint32_t value);    /* network order */
void ruleset_room_u64(struct ruleset_room *r, uint16_t type, uint64_t value);    /* likewise */
void ruleset_room_text(struct ruleset_room *r, uint16_t type, const char *text); /* with its NUL */

/* Opens a nest; ruleset_room_close() takes what this returns. */
size_t ruleset_room_open(struct ruleset_room *r, uint16_t type);
void ruleset_room_close(struct ruleset_room *r, size_t nest);

/* A message of nf_tables (NFT_MSG_*); ended likewise. */
size_t ruleset_room_message(
	struct ruleset_room *r, uint8_t type, uint16_t flags, uint8_t family, uint32_t seq);
void ruleset_room_message_end(struct ruleset_room *r, size_t message);

#endif
