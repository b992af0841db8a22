/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay: which sequence numbers of a path and session have been accepted (RFC 6479's idea: a
 * ring of words, no shifting). P2.2 of doc/PROTOCOL.md.
 */
#ifndef NSRP_CORE_REPLAY_H
#define NSRP_CORE_REPLAY_H

#include "nsrp/base.h"

enum { REPLAY_WORDS = 5, REPLAY_WINDOW = (REPLAY_WORDS - 1) * 64 };

/* Zero-initialised = nothing accepted. Sequence numbers start at 1. */
struct replay {
	uint64_t highest;
	uint64_t word[REPLAY_WORDS];
};

/* True when `sequence` was not accepted yet and is not too old to tell. Changes nothing. */
bool replay_is_new(const struct replay *r, uint64_t sequence);

/* Marks `sequence`, which is new and authentic, as accepted. */
void replay_accepted(struct replay *r, uint64_t sequence);

#endif
