/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vigil: what the nodes tell each other of their monitors (doc/PROTOCOL.md, MONITORS).
 *
 * For the operator, who sees both nodes' monitors on either; what counts in elections travels with
 * the groups. A beat tells a part of the monitors when there are many.
 */
#ifndef NSRP_CORE_VIGIL_H
#define NSRP_CORE_VIGIL_H

#include "codec.h"
#include "health.h"
#include "nsrp/node.h"

enum { VIGIL_RECORDS_MAX = 16 }; /* in a beat */

struct vigil {
	uint32_t tag[CONF_MONITORS_MAX]; /* of the name of each */
	unsigned next;                   /* to be told */
	struct monitor_view peer[CONF_MONITORS_MAX];
};

/* Of a configuration, which may be a new one. Nothing is known of the peer then. */
void vigil_init(struct vigil *v, const struct conf *conf);

/* Monitor i changed: the next beat begins with it. */
void vigil_tell_first(struct vigil *v, unsigned i);

/* Writes as many as fit, and goes on behind them next time; nothing when there are none. */
void vigil_put(struct vigil *v, const struct health *h, const struct conf *conf, struct writer *w);

/* The value of a TLV that a peer sent. */
bool vigil_is_well_formed(struct span value);
/* Takes a well-formed one. Tags that no monitor here has are passed over. */
void vigil_heard(struct vigil *v, const struct conf *conf, struct span value);

void vigil_forget_peer(struct vigil *v);

#endif
