/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suspect: the short way to a lost peer (P6.6 of doc/PROTOCOL.md).
 *
 * When the carrier of all HA links goes at once, the peer's machine is off or the links are cut.
 * Live secondary paths tell which: probes by each of them that stay unanswered lose the peer
 * within milliseconds. In every other case the detection time decides.
 */
#ifndef NSRP_CORE_SUSPECT_H
#define NSRP_CORE_SUSPECT_H

#include "linkset.h"
#include "nsrp/node.h"

enum {
	SUSPECT_PROBES = 5,
	SUSPECT_SPACING_US = 1500,
	SUSPECT_RTT_MAX_US = LINKSET_RTT_QUICK_US, /* of a path whose silence means something */
	SUSPECT_TOGETHER_US = 20000, /* the first and the last carrier to go "at once" */
};

/* Zero-initialised = no suspicion. */
struct suspect {
	mono_t down_at[CONF_LINKS_MAX]; /* meaningful while the HA link has no carrier */
	bool running;
	unsigned probes; /* sent */
	uint64_t first;  /* number of the first probe */
	mono_t due;      /* the next probe, or the verdict; meaningful while running */
};

/* The carrier of a path changed; n->carrier has it already. */
void suspect_carrier(struct node *n, mono_t now, unsigned path);
/* A beat echoes `echo` as the highest number of ours that the peer heard. */
void suspect_heard(struct node *n, uint64_t echo);
/* Sends the probe that is due, or loses the peer. */
void suspect_settle(struct node *n, mono_t now, struct actions *out);
/* MONO_NEVER: nothing is due. */
mono_t suspect_deadline(const struct node *n);

#endif
