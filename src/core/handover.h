/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * handover: the planned failover of a group, seen from both sides (doc/PROTOCOL.md, section 8).
 *
 * One assigner, handover_enter(), sets the phase. The master's phases are ASKING, DRAINING,
 * RELEASING, RELEASED; the peer's RESERVED and REFUSING. What the peer says arrives with its group
 * record.
 */
#ifndef NSRP_CORE_HANDOVER_H
#define NSRP_CORE_HANDOVER_H

#include "state.h"

/* The master starts to hand group g over. `token` is told the result. */
void handover_start(struct node *n, mono_t now, unsigned g, enum reason reason, bool force,
	uint32_t token, struct actions *out);

/* A new record of the peer's stands in group g. */
void handover_heard(struct node *n, mono_t now, unsigned g, struct actions *out);

/* The addresses of group g have been removed for the hand-over. */
void handover_released(struct node *n, mono_t now, unsigned g, struct actions *out);

/* The group changed by another way (peer lost, two masters): ends what is under way. */
void handover_cancel(
	struct node *n, mono_t now, unsigned g, enum result result, struct actions *out);

/* Gives up phases whose time is over. */
void handover_expire(struct node *n, mono_t now, unsigned g, struct actions *out);

/* True while the election must not move the group. */
bool handover_is_active(const struct node *n, unsigned g);

/* The step to tell the peer. */
enum wire_handover handover_step(const struct node *n, unsigned g);

/* The link monitors of group g were read anew: the peer that asked for it is answered.
 * `doubtful`: weight of monitors that are about to fail. */
void handover_looked(struct node *n, mono_t now, unsigned g, uint16_t doubtful);

#endif
