/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * announce: when to tell the network that a group's addresses are here.
 *
 * Pure: it is told the time and what happened, and answers which frames are due.
 *
 * A group that is taken is announced in a burst of rounds, at 0, 50 (with a virtual MAC 30), 200
 * and 1000 ms, since
 * one frame gets lost, and a switch or the old master may be slow to see; then every
 * ANNOUNCE_REFRESH_MS (with a virtual MAC ANNOUNCE_REFRESH_VMAC_MS) while it is held. A round names
 * each address once, IPv4 ones as request, and then the IPv4 ones again as reply. One call gives
 * ANNOUNCE_MAX frames at most, and after that many waits ANNOUNCE_PACE_US: 1000 addresses are all
 * named in 8 ms. A stall costs one round, not all those missed.
 */
#ifndef NSRP_IO_ANNOUNCE_H
#define NSRP_IO_ANNOUNCE_H

#include "announce_frame.h"

enum {
	ANNOUNCE_MAX = 64,
	ANNOUNCE_PACE_US = 500,
	ANNOUNCE_BURST = 4, /* rounds */
	ANNOUNCE_REFRESH_MS = 60000,
	/* Of a virtual MAC. A switch forgets one from which nothing comes, and what the group
	 * forwards comes from another. */
	ANNOUNCE_REFRESH_VMAC_MS = 15000,
	/* A burst younger than this is not begun anew: its later rounds serve. */
	ANNOUNCE_AGAIN_MS = 200,
};

/* Address `address` of the configuration, in this form (of no meaning for IPv6). */
struct announce_frame {
	unsigned address;
	enum announce_form form;
};

/* Embedded by value; the fields are private. */
struct announce {
	const struct conf *conf; /* borrowed */
	mono_t paced_until;
	struct announce_group {
		bool held;
		mono_t began_at;
		mono_t due;      /* of the round; past while it is under way */
		unsigned round;  /* of the burst; ANNOUNCE_BURST = refresh */
		unsigned cursor; /* frame within the round */
	} group[CONF_GROUPS_MAX];
};

/* No group is held. *conf is borrowed until the next call: after a reload call it again, and
 * announce_taken() for what is held. */
void announce_init(struct announce *a, const struct conf *conf);

/* The group's addresses are set: the first round is due at once. */
void announce_taken(struct announce *a, unsigned group, mono_t now);
void announce_dropped(struct announce *a, unsigned group);

/* The network may believe somebody else (a conflict was heard, the peer came back, a carrier
 * did): a held group's burst begins anew. */
void announce_again(struct announce *a, unsigned group, mono_t now);

/* Returns how many frames must go out now, and counts them as sent: a lost one is made good by
 * the next round. */
unsigned announce_due(struct announce *a, mono_t now, struct announce_frame due[ANNOUNCE_MAX]);

/* When announce_due() has something to say. */
mono_t announce_deadline(const struct announce *a);

#endif
