/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session: one agreed pair of keys, with the sequence numbers sent and heard on each path.
 */
#ifndef NSRP_CORE_SESSION_H
#define NSRP_CORE_SESSION_H

#include "nsrp/conf.h"
#include "nsrp/crypto.h"
#include "nsrp/wire.h"
#include "frame.h"
#include "replay.h"

/* Which offers a session was made of. */
struct session_pair {
	uint8_t peer_nonce[CRYPTO_NONCE_LEN];
	uint32_t peer_offer, own_offer;
};

struct session {
	bool valid;
	uint32_t id;
	struct session_pair pair;
	mono_t made_at;
	uint64_t sent[CONF_PATHS_MAX];
	uint64_t sent_floor; /* no path that is added later starts below this */
	uint64_t wills;      /* sealed, on all paths together */
	struct replay heard[CONF_PATHS_MAX];
};

enum session_verdict { SESSION_OK, SESSION_REPLAY, SESSION_AUTH };

/* Seals a frame in place: its text of text_len bytes stands at frame + WIRE_HEADER_LEN, and
 * room for the tag behind it. *header's sequence, session and length are filled in; a will
 * (HOLD, PARTING) has a row of sequence numbers of its own. Returns the length of the whole
 * frame. */
size_t session_seal(struct session *s, const struct crypto *crypto, unsigned slot, unsigned path,
	struct frame_header *header, uint8_t *frame, size_t text_len);

/* Opens the body of `frame` into text (at least header->length bytes). Marks the sequence number
 * as heard on SESSION_OK only; that of a will is not looked at: its text has a number. */
enum session_verdict session_open(struct session *s, const struct crypto *crypto, unsigned slot,
	unsigned path, const struct frame_header *header, struct span frame, uint8_t *text);

/* The most frames sent on any one path. */
uint64_t session_sent_most(const struct session *s);

#endif
