/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * handshake: how two nodes that share a cluster key agree on a session (doc/PROTOCOL.md,
 * sections 3 and 4).
 *
 * Up to three sessions exist at a time: the candidate, derived and not yet confirmed; the
 * current one, which seals everything; and the previous one, which only opens frames that were
 * under way when it was replaced.
 */
#ifndef NSRP_CORE_HANDSHAKE_H
#define NSRP_CORE_HANDSHAKE_H

#include "nsrp/conf.h"
#include "nsrp/crypto.h"
#include "nsrp/log.h"
#include "session.h"

enum { HANDSHAKE_RELEASE_MAX = 32 };

enum handshake_session { SESSION_CURRENT, SESSION_CANDIDATE, SESSION_PREVIOUS, SESSION_KINDS };

struct failures { /* unauthentic frames of one type, by one path */
	mono_t since;
	unsigned n;
};

struct handshake {
	const struct crypto *crypto; /* borrowed for life */
	uint8_t cluster, self;
	char release[HANDSHAKE_RELEASE_MAX + 1];

	uint8_t nonce[CRYPTO_NONCE_LEN];
	uint32_t offer; /* number of our present offer; 0 = none yet */
	uint8_t offer_public[CRYPTO_PUBLIC_LEN];
	uint64_t hellos_sent[CONF_PATHS_MAX];
	mono_t answer_due[CONF_PATHS_MAX]; /* no answer to a stale hello before this */

	struct heard { /* the peer's last authentic hello */
		bool valid;
		uint8_t nonce[CRYPTO_NONCE_LEN];
		uint32_t offer;
		uint8_t public_key[CRYPTO_PUBLIC_LEN];
		unsigned n_hints;
		uint8_t hint[CRYPTO_CLUSTER_KEYS_MAX];
	} heard;
	struct { /* whose hello key lies in the receiving slot */
		bool valid;
		unsigned cluster_key;
		uint8_t nonce[CRYPTO_NONCE_LEN];
	} hello_key;

	struct session session[SESSION_KINDS];
	mono_t previous_until;
	/* Counted apart, so that forged hellos do not silence a session. */
	struct failures hello_failures[CONF_PATHS_MAX], session_failures[CONF_PATHS_MAX];
};

enum handshake_outcome {
	HANDSHAKE_NOTHING, /* heard, nothing to do */
	HANDSHAKE_ANSWER,  /* send a hello by the path it came by */
	HANDSHAKE_STALE,   /* not fresh, and answered a moment ago */
	HANDSHAKE_DROP_LENGTH,
	HANDSHAKE_DROP_KEY,
	HANDSHAKE_DROP_RATE,
	HANDSHAKE_DROP_AUTH,
	HANDSHAKE_DROP_MALFORMED,
};

/* What opening a session frame came to. */
enum handshake_opened {
	OPENED,           /* text is set */
	OPENED_CONFIRMED, /* likewise, and the candidate became the current session */
	OPENED_RESTARTED, /* likewise, and its peer is another boot than the one before */
	OPENED_LENGTH,
	OPENED_SESSION,
	OPENED_REPLAY,
	OPENED_RATE,
	OPENED_AUTH,
};

/* Chooses a boot nonce. `crypto` and nothing else is borrowed. */
void handshake_init(struct handshake *h, const struct crypto *crypto, uint8_t cluster, uint8_t self,
	const char *release);

/* The cluster keys behind `crypto` changed: hello keys are derived anew. The session stays. */
void handshake_keys_changed(struct handshake *h);

/* The paths are other ones: from[i] is the old index of path i, or -1. Sequence numbers stay
 * with their paths, and the session is renewed, so that no nonce and no frame counts twice. */
void handshake_rearrange(struct handshake *h, unsigned n_paths, const int from[CONF_PATHS_MAX]);

/* True while each heartbeat is to be accompanied by a hello. */
bool handshake_wants_hello(const struct handshake *h);

/* Makes a new offer when the session is due for renewal; true if it did. */
bool handshake_renew(struct handshake *h, mono_t now);

/* Writes a whole hello frame for `path`, whose tag is `tag`; returns its length.
 * `frame` has room for WIRE_BEAT_FRAME_MAX bytes. */
size_t handshake_put_hello(struct handshake *h, unsigned path, uint16_t tag, uint8_t *frame);

/* A frame of type HELLO came by `path`; `text` is scratch memory of header->length bytes. */
enum handshake_outcome handshake_heard(struct handshake *h, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, uint8_t *text);

/* A frame of another type came by `path`: opens its body into text (header->length bytes). */
enum handshake_opened handshake_open(struct handshake *h, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, uint8_t *text);

/* Whether there is such a session to seal under. */
bool handshake_has(const struct handshake *h, enum handshake_session kind);

/* Seals as session_seal() does, under the session of that kind, which exists. */
size_t handshake_seal(struct handshake *h, enum handshake_session kind, unsigned path, uint16_t tag,
	uint8_t *frame, size_t text_len);
/* The same for HOLD and PARTING, under the current session. */
size_t handshake_seal_will(struct handshake *h, enum wire_frame_type type, unsigned path,
	uint16_t tag, uint8_t *frame, size_t text_len);

#endif
