/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seal: struct crypto made of OpenSSL, whose only user this is.
 *
 * Key schedule, version 1 (strings are ASCII without a final NUL; HKDF is HKDF-SHA256 of RFC
 * 5869, extract and expand, an empty salt being 32 zero bytes):
 *
 *   hint      = HKDF(ikm = cluster key, salt = "", info = "nsrp hint 1", 1 byte)
 *   hello key = HKDF(ikm = cluster key, salt = boot nonce (32), info = "nsrp hello 1", 32 bytes)
 *   session   = HKDF(ikm = X25519(own private, peer's public) (32) || cluster key (32),
 *                    salt = "", info = "nsrp session 1" || transcript, 68 bytes)
 *             = low key (32) || high key (32) || session id (4, big-endian)
 *
 *   low key seals what node 0 sends, high key what node 1 sends. A shared secret of zero bytes
 *   only (a public key of small order) gives no session.
 *
 *   AEAD  = AES-256-GCM; nonce (12) = path (2, big-endian) || 0x0000 || sequence (8, big-endian);
 *           sealed = text's length of ciphertext || tag (16)
 *
 * Two cluster keys with equal hints cannot be told apart on the wire and are refused.
 *
 * Secrets (cluster keys, private key, slots' keys) lie in a mapping of their own, left out of
 * core dumps, locked in memory where the limit allows it, and wiped at the end. The expanded AES
 * keys are in OpenSSL's heap, wiped when freed but not left out of dumps: the process sees to
 * that (prctl(PR_SET_DUMPABLE, 0) or RLIMIT_CORE).
 *
 * Sealing and opening allocate nothing and set no key, only a nonce. The functions of struct
 * crypto cannot report that OpenSSL is out of memory or a primitive missing: they abort.
 */
#ifndef NSRP_IO_SEAL_H
#define NSRP_IO_SEAL_H

#include "nsrp/crypto.h"

enum {
	SEAL_TRANSCRIPT_MAX = 1000, /* HKDF's info has at most 1024 bytes in OpenSSL */
	SEAL_TEXT_MAX = 65536,
};

struct seal_secret;

/* The caller's storage; does not move while initialised. The fields are private. */
struct seal {
	struct crypto crypto;
	struct seal_secret *secret; /* owned */
};

/* Copies the keys (32 bytes each); `previous` may be NULL. -EINVAL: the two have one hint (also
 * when they are equal). -ENOTSUP: this OpenSSL lacks a primitive. -ENOMEM. */
int seal_init(struct seal *s, const uint8_t key[CRYPTO_KEY_LEN], const uint8_t *previous);
/* Replaces the cluster keys, as in seal_init(); sessions and the present offer stay. On failure
 * the old ones stay. */
int seal_set_keys(struct seal *s, const uint8_t key[CRYPTO_KEY_LEN], const uint8_t *previous);
/* Wipes and frees. Harmless after a failed seal_init() and when repeated. */
void seal_fini(struct seal *s);

/* Borrowed until seal_fini(). */
const struct crypto *seal_crypto(struct seal *s);

/* Of the preferred cluster key: HKDF(cluster key, salt = "", info = "nsrp index 1", 16 bytes), the
 * key of the mirror's hash. 0, -ENOTSUP or -ENOMEM. */
int seal_index_key(const uint8_t key[CRYPTO_KEY_LEN], uint8_t ret_key[16]);

/* A key's hint, for whoever makes or checks key files. 0, -ENOTSUP or -ENOMEM. */
int seal_hint(const uint8_t key[CRYPTO_KEY_LEN], uint8_t *ret_hint);

#endif
