/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crypto: the operations the core asks for, without knowing a key or a library.
 *
 * Keys live in numbered slots behind this table; the core names slots and never sees a key.
 * src/io/seal.c implements it with OpenSSL, the simulator with a fast keyed checksum. All
 * functions are deterministic but `random` and `offer`, return at once, and touch no socket.
 *
 * Key schedule (doc/PROTOCOL.md, section 3): HKDF-SHA256 (RFC 5869), X25519 (RFC 7748),
 * AES-256-GCM (RFC 5116, AEAD_AES_256_GCM) with a 16-byte tag.
 */
#ifndef NSRP_CRYPTO_H
#define NSRP_CRYPTO_H

#include "nsrp/base.h"

enum {
	CRYPTO_KEY_LEN = 32,    /* the cluster key */
	CRYPTO_NONCE_LEN = 32,  /* a boot nonce */
	CRYPTO_PUBLIC_LEN = 32, /* an X25519 public key */
	CRYPTO_TAG_LEN = 16,
	CRYPTO_CLUSTER_KEYS_MAX = 2, /* the present and the previous one */
	CRYPTO_SLOTS = 16,
};

struct crypto {
	void *user; /* borrowed, passed to every function */

	/* How many cluster keys there are (1 or 2; 0 is the preferred one), and the one-byte hint
	 * by which a frame names key i. Two keys never have the same hint. */
	unsigned (*cluster_keys)(void *user);
	uint8_t (*key_hint)(void *user, unsigned i);

	/* Unpredictable bytes. */
	void (*random)(void *user, uint8_t *ret_bytes, size_t len);

	/* Makes a new X25519 key pair, forgets the one before, returns the public half. */
	void (*offer)(void *user, uint8_t ret_public[CRYPTO_PUBLIC_LEN]);

	/* Derives the hello key of the node that chose `boot_nonce`, under cluster key i, into
	 * `slot`. */
	void (*derive_hello)(
		void *user, unsigned slot, unsigned i, const uint8_t boot_nonce[CRYPTO_NONCE_LEN]);

	/* Derives a session's two keys from our present key pair, the peer's public key, cluster
	 * key i and `transcript` (equal bytes on both nodes): low_slot seals what node 0 sends,
	 * high_slot what node 1 sends. *ret_id names the session on the wire. False: the public
	 * key is not a usable point (RFC 7748, section 6.1: an all-zero result). */
	bool (*derive_session)(void *user, unsigned low_slot, unsigned high_slot, unsigned i,
		const uint8_t peer_public[CRYPTO_PUBLIC_LEN], struct span transcript,
		uint32_t *ret_id);

	/* Copies the key of one slot to another; the source stays. */
	void (*copy)(void *user, unsigned to, unsigned from);

	/* Seals text into out (text.len + CRYPTO_TAG_LEN bytes; may be the same memory). The
	 * nonce is made of path and sequence; a pair is never used twice with one key. */
	void (*seal)(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
		struct span text, uint8_t *out);

	/* Opens sealed (text and tag) into out (sealed.len - CRYPTO_TAG_LEN bytes). False: not
	 * authentic; out is then undefined. */
	bool (*open)(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
		struct span sealed, uint8_t *out);
};

#endif
