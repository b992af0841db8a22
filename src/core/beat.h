/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * beat: heartbeats, written and heard (doc/PROTOCOL.md, sections 5 and 6).
 */
#ifndef NSRP_CORE_BEAT_H
#define NSRP_CORE_BEAT_H

#include "state.h"

/* Sends the beats and hellos that are due, or all at once when n->beat_now is set. */
void beat_send_due(struct node *n, mono_t now, struct actions *out);

/* Sends a beat by that path, which is answered at once. */
void beat_send_probe(struct node *n, mono_t now, unsigned path, struct actions *out);

/* Sends a last beat that says that this node is gone. */
void beat_send_parting(struct node *n, mono_t now, struct actions *out);

/* Sends one hello by `path`. */
void beat_send_hello(struct node *n, unsigned path, struct actions *out);

/* The body of an authentic session frame came by `path`. False: not well-formed, nothing of it
 * was used. */
bool beat_heard(struct node *n, mono_t now, unsigned path, struct span body, struct actions *out);

/* When beat_send_due() has something to send. */
mono_t beat_deadline(const struct node *n, mono_t now);

#endif
