/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clash: whether another cluster uses a virtual MAC of ours.
 *
 * On the network a virtual MAC belongs to whoever is master, so frames that come from it are the
 * peer's by right, most of the time. Each node hears what others claim with it, and judges:
 *
 *  - an address that is none of the group's is another cluster's, which has the same id and
 *    group; but while the two nodes read different files it may be the peer's new one;
 *  - an address of the group, while this node is master for longer than an old master lingers, and
 *    the peer does not say that it is master, too, comes from a copy of this cluster, from a peer
 *    that is not heard, or from a network that returns what we send.
 */
#ifndef NSRP_CORE_CLASH_H
#define NSRP_CORE_CLASH_H

#include "state.h"

enum {
	CLASH_SETTLE_MS = 2500,  /* after a take-over: GUARD_LINGER_MS and a while */
	CLASH_LOG_MS = 60000,    /* between two lines of a group */
	CLASH_SHOWN_MS = 300000, /* the status warns for so long */
};

/* Somebody else claims an address with the group's virtual MAC, in so many frames. `known`: it is
 * one of the group's. `what` is for the log. */
void clash_heard(
	struct node *n, mono_t now, unsigned g, bool known, unsigned frames, const char *what);

/* There was one within CLASH_SHOWN_MS. */
bool clash_is_recent(const struct node *n, mono_t now, unsigned g);

#endif
