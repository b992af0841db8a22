/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * protocol_example: what section 11 of doc/PROTOCOL.md shows, made anew from its inputs: cluster
 * key 00..1f, cluster 1, path 0x1234, boot nonces 20..3f (node 0) and 40..5f (node 1), the key
 * pairs of RFC 7748, section 6.1 (Alice is node 0, Bob is node 1).
 */
#ifndef UNIT_PROTOCOL_EXAMPLE_H
#define UNIT_PROTOCOL_EXAMPLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../sim/pair.h"
#include "core/codec.h"
#include "core/handshake.h"
#include "core/state.h"
#include "io/seal.h"

enum {
	EXAMPLE_CLUSTER = 1,
	EXAMPLE_PATH = 0x1234,
	EXAMPLE_KEYS_LEN = 32 + 32 + 4,
	EXAMPLE_SEQUENCE = 21,
	EXAMPLE_NUMBER = 1001000000,
	EXAMPLE_ECHO = 2000999900,
};
#define EXAMPLE_DIGEST UINT64_C(0x0123456789abcdef)

static const char example_alice_private[] =
	"77076d0a7318a57d3c16c17251b26645df4c2f92ebc099e5be2d7dbf0b6c2d1a"; /* not a secret */
static const char example_alice[] =
	"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
static const char example_bob[] =
	"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

static inline void example_hex(const char *hex, uint8_t *out)
{
	for (size_t i = 0; hex[2 * i] != '\0'; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static inline void example_count_up(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

/* Node 0's second hello of its boot on this path: it has heard node 1's. */
static inline size_t example_hello(struct seal *seal, struct handshake *h, uint8_t *frame)
{
	uint8_t key[CRYPTO_KEY_LEN];

	example_count_up(key, sizeof(key), 0);
	if (seal_init(seal, key, NULL) != 0)
		abort();
	handshake_init(h, seal_crypto(seal), EXAMPLE_CLUSTER, 0, "0.1.0");
	example_count_up(h->nonce, sizeof(h->nonce), 0x20);
	example_hex(example_alice, h->offer_public);
	handshake_keys_changed(h);
	h->heard.valid = true;
	h->heard.offer = 1;
	h->heard.n_hints = 1;
	h->heard.hint[0] = h->crypto->key_hint(h->crypto->user, 0);
	example_count_up(h->heard.nonce, sizeof(h->heard.nonce), 0x40);
	return handshake_put_hello(h, 0, EXAMPLE_PATH, frame);
}

static inline void example_put_transcript(struct writer *w)
{
	uint8_t bytes[32];

	writer_u8(w, EXAMPLE_CLUSTER);
	for (unsigned node = 0; node < 2; node++) {
		example_count_up(bytes, sizeof(bytes), node == 0 ? 0x20 : 0x40);
		writer_bytes(w, bytes, sizeof(bytes));
		example_hex(node == 0 ? example_alice : example_bob, bytes);
		writer_bytes(w, bytes, sizeof(bytes));
	}
}

/* RFC 5869 with an empty salt; `info` has room for 33 bytes in front, and one behind. */
static inline void example_hkdf(const uint8_t *ikm, size_t ikm_len, uint8_t *info, size_t info_len,
	uint8_t *out, size_t len)
{
	static const uint8_t salt[32];
	uint8_t prk[32], block[32];

	HMAC(EVP_sha256(), salt, sizeof(salt), ikm, ikm_len, prk, NULL);
	for (uint8_t i = 1; len > 0; i++) {
		size_t n = len < 32 ? len : 32;
		uint8_t *start = i == 1 ? info : info - 32;

		if (i > 1)
			memcpy(start, block, 32);
		info[info_len] = i;
		HMAC(EVP_sha256(), prk, sizeof(prk), start, (size_t)(info - start) + info_len + 1,
			block, NULL);
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
}

/* Node 0's key, node 1's key and the session's id. */
static inline void example_keys(uint8_t keys[EXAMPLE_KEYS_LEN])
{
	uint8_t own[32], peer[32], ikm[64], info[32 + 256];
	struct writer w = writer_of(info + 32, sizeof(info) - 32 - 1);
	size_t len = 32;

	example_hex(example_alice_private, own);
	example_hex(example_bob, peer);
	EVP_PKEY *a = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, own, 32);
	EVP_PKEY *b = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(a, NULL);

	if (EVP_PKEY_derive_init(ctx) <= 0 || EVP_PKEY_derive_set_peer(ctx, b) <= 0 ||
		EVP_PKEY_derive(ctx, ikm, &len) <= 0)
		abort();
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	example_count_up(ikm + 32, 32, 0);
	writer_bytes(&w, "nsrp session 1", 14);
	example_put_transcript(&w);
	example_hkdf(ikm, sizeof(ikm), info + 32, w.used, keys, EXAMPLE_KEYS_LEN);
}

static inline void example_put_group(struct writer *w)
{
	writer_u8(w, WIRE_GROUP_RECORD_LEN);
	writer_u8(w, 0);
	writer_u8(w, GROUP_MASTER);
	writer_u8(w, WIRE_GROUP_ELIGIBLE | WIRE_GROUP_OPERABLE | WIRE_GROUP_IN_SYNC |
			     WIRE_GROUP_SERVED | WIRE_GROUP_HOLDING);
	writer_u8(w, 50);
	writer_u32(w, 2);
	writer_u8(w, WIRE_HANDOVER_NONE);
	writer_u8(w, REASON_PEER_LOST);
	writer_u32(w, 0);
	writer_u16(w, 100);
}

static inline size_t example_body(uint8_t *body, size_t size)
{
	struct writer w = writer_of(body, size);
	size_t mark = writer_tlv(&w, WIRE_TLV_BEAT);

	writer_u64(&w, EXAMPLE_NUMBER);
	writer_u32(&w, 50000);
	writer_u8(&w, WIRE_BEAT_REALTIME);
	writer_u64(&w, EXAMPLE_DIGEST);
	writer_tlv_end(&w, mark);
	mark = writer_tlv(&w, WIRE_TLV_ECHO);
	writer_u16(&w, EXAMPLE_PATH);
	writer_u64(&w, EXAMPLE_ECHO);
	writer_tlv_end(&w, mark);
	mark = writer_tlv(&w, WIRE_TLV_GROUPS);
	example_put_group(&w);
	writer_tlv_end(&w, mark);
	return w.used;
}

/* AES-256-GCM under node 0's key, as a struct crypto's function; `user` is the key. */
static inline void example_seal(void *user, unsigned slot, uint16_t path, uint64_t sequence,
	struct span aad, struct span text, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	struct writer w = writer_of(nonce, sizeof(nonce));
	int n;

	(void)slot;
	writer_u16(&w, path);
	writer_u16(&w, 0);
	writer_u64(&w, sequence);
	if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, user, nonce) <= 0 ||
		EVP_EncryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) <= 0 ||
		EVP_EncryptUpdate(ctx, out, &n, text.data, (int)text.len) <= 0 ||
		EVP_EncryptFinal_ex(ctx, out + text.len, &n) <= 0 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, out + text.len) <=
			0)
		abort();
	EVP_CIPHER_CTX_free(ctx);
}

static inline size_t example_beat(
	uint8_t keys[EXAMPLE_KEYS_LEN], const uint8_t *body, size_t body_len, uint8_t *frame)
{
	struct crypto crypto = { .user = keys, .seal = example_seal };
	struct handshake h = { .crypto = &crypto, .cluster = EXAMPLE_CLUSTER };
	struct reader id = reader_of(span_of(keys + 64, 4));

	h.session[SESSION_CURRENT].valid = true;
	h.session[SESSION_CURRENT].id = reader_u32(&id);
	h.session[SESSION_CURRENT].sent[0] = EXAMPLE_SEQUENCE - 1;
	memcpy(frame + WIRE_HEADER_LEN, body, body_len);
	return handshake_seal(&h, SESSION_CURRENT, 0, EXAMPLE_PATH, frame, body_len);
}

/* A pair that the beat of the example fits: node 1 has just sent the beat that it echoes. */
static inline struct pair *example_pair(void)
{
	struct pair *p = pair_new();
	struct conf *c = p->side[0].conf;

	c->cluster_id = EXAMPLE_CLUSTER;
	c->n_links = c->n_paths = 1;
	c->path[0].tag = EXAMPLE_PATH;
	c->group[0].id = 0;
	pair_same_conf(p);
	p->side[1].clock = EXAMPLE_ECHO - 500000;
	p->side[0].clock = EXAMPLE_NUMBER - 600000;
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 500);
	p->side[1].node->links.beat = EXAMPLE_ECHO;
	return p;
}

#endif
