/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flap: how long a group rests where monitors or a preemption have moved it (P7.3 of
 * doc/PROTOCOL.md).
 *
 * Monitors that come and go would move a group to and fro. Each such move makes the rest after it
 * twice as long, until nothing has moved it for a while. Losing the peer, maintenance and the
 * operator ask nothing of this.
 */
#ifndef NSRP_CORE_FLAP_H
#define NSRP_CORE_FLAP_H

#include "nsrp/base.h"

enum { FLAP_FIRST_MS = 1000, FLAP_MAX_MS = 60000, FLAP_FORGET_MS = 300000 };

/* Zero-initialised = it never moved. */
struct flap {
	unsigned moves; /* to this node, in a row */
	mono_t moved_at;
};

/* Monitors or a preemption moved the group to this node. */
void flap_moved(struct flap *f, mono_t now);
/* Not before then does either move it away; in the past when nothing holds it. */
mono_t flap_rests_until(const struct flap *f);

#endif
