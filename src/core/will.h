/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * will: what the guardian says for an engine that cannot.
 *
 * The engine seals two frames for each path ahead and entrusts them to its guardian: HOLD, to be
 * sent when the engine died and another one starts, or when it is late; and PARTING, to be sent
 * when the addresses were withdrawn. They are sealed anew for each session, whenever the groups
 * this node is master of or their terms change, and once the ones before may be used up. The rules
 * are P6.7 and P6.8 of doc/PROTOCOL.md.
 */
#ifndef NSRP_CORE_WILL_H
#define NSRP_CORE_WILL_H

#include "nsrp/node.h"

struct will {
	bool due;       /* another one is to be sealed */
	uint64_t heard; /* the highest number heard of this boot of the peer; 0 = none */
};

/* Seals and entrusts what is due. */
void will_entrust(struct node *n, mono_t now, struct actions *out);

/* The body of a HOLD or PARTING, as `type` says. False: not well-formed. */
bool will_heard(struct node *n, mono_t now, uint8_t type, struct span body, struct actions *out);

#endif
