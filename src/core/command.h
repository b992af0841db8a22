/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: what operators ask for, here or by way of the other node.
 */
#ifndef NSRP_CORE_COMMAND_H
#define NSRP_CORE_COMMAND_H

#include "state.h"

/* Carries out a command; its reply comes now or later as ACTION_REPLY. */
void command_given(struct node *n, mono_t now, const struct command *c, struct actions *out);

/* The peer asks; the answer goes out with the beats. */
void command_requested(struct node *n, mono_t now, uint32_t id, uint8_t verb, uint8_t group_id,
	uint8_t flags, struct actions *out);

/* The peer answered a request of ours. */
void command_answered(struct node *n, uint32_t id, uint8_t result, struct actions *out);

/* A hand-over that a command started ended. Whoever has `token` is told when it was the last one
 * of the command: done, or how the first one that failed ended. */
void command_reply(struct node *n, uint32_t token, enum result result, struct actions *out);

/* Gives up a request the peer does not answer. */
void command_expire(struct node *n, mono_t now, struct actions *out);

#endif
