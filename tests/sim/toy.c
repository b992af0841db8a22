/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "toy.h"

#include <assert.h>
#include <string.h>

#include "nsrp/wire.h"

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = (a ^ b >> 32 ^ b << 32) * UINT64_C(0xd6e8feb86659fd93);

	z = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return z ^ z >> 32;
}

static uint64_t hash(uint64_t seed, const uint8_t *bytes, size_t len)
{
	uint64_t h = mix(seed, len);

	while (len >= 8) {
		uint64_t word;

		memcpy(&word, bytes, 8);
		h = mix(h, word);
		bytes += 8;
		len -= 8;
	}
	for (; len > 0; len--)
		h = mix(h, *bytes++);
	return h;
}

static unsigned toy_cluster_keys(void *user)
{
	const struct toy *t = user;

	return t->n_keys;
}

static uint8_t toy_key_hint(void *user, unsigned i)
{
	const struct toy *t = user;

	return (uint8_t)t->key[i];
}

static void toy_random(void *user, uint8_t *ret_bytes, size_t len)
{
	struct toy *t = user;

	for (size_t i = 0; i < len; i++)
		ret_bytes[i] = (uint8_t)rng_next(&t->rng);
}

/* Diffie and Hellman in the ring of 64-bit integers: a * (b * G) = b * (a * G). */
static const uint64_t generator = UINT64_C(0x9e3779b97f4a7c15);

static void toy_offer(void *user, uint8_t ret_public[CRYPTO_PUBLIC_LEN])
{
	struct toy *t = user;
	uint64_t public_key;

	t->secret = rng_next(&t->rng) | 1;
	public_key = t->secret * generator;
	memset(ret_public, 0, CRYPTO_PUBLIC_LEN);
	memcpy(ret_public, &public_key, sizeof(public_key));
}

static void toy_derive_hello(
	void *user, unsigned slot, unsigned i, const uint8_t boot_nonce[CRYPTO_NONCE_LEN])
{
	struct toy *t = user;

	t->slot[slot] = hash(t->key[i], boot_nonce, CRYPTO_NONCE_LEN);
}

static bool toy_derive_session(void *user, unsigned low_slot, unsigned high_slot, unsigned i,
	const uint8_t peer_public[CRYPTO_PUBLIC_LEN], struct span transcript, uint32_t *ret_id)
{
	struct toy *t = user;
	uint64_t public_key, shared;

	memcpy(&public_key, peer_public, sizeof(public_key));
	if (public_key == 0)
		return false;
	shared = hash(mix(t->secret * public_key, t->key[i]), transcript.data, transcript.len);
	t->slot[low_slot] = mix(shared, 1);
	t->slot[high_slot] = mix(shared, 2);
	*ret_id = (uint32_t)mix(shared, 3);
	return true;
}

static void toy_copy(void *user, unsigned to, unsigned from)
{
	struct toy *t = user;

	assert(t->slot[from] != 0); /* no key is copied before it was derived */
	t->slot[to] = t->slot[from];
}

static void make_tag(const struct toy *t, unsigned slot, uint16_t path, uint64_t sequence,
	struct span aad, struct span text, uint8_t tag[CRYPTO_TAG_LEN])
{
	assert(slot < CRYPTO_SLOTS);
	uint64_t a = hash(mix(t->slot[slot], sequence), aad.data, aad.len);
	uint64_t b = hash(mix(a, path), text.data, text.len);

	memcpy(tag, &a, 8);
	memcpy(tag + 8, &b, 8);
}

/* Wills have a row of sequence numbers of their own. */
static void note_nonce(struct toy *t, unsigned slot, uint16_t path, uint64_t sequence)
{
	uint64_t row = path | (sequence & WIRE_WILL_SEQUENCE);
	uint64_t key_and_path = mix(t->slot[slot], row);
	unsigned i = (unsigned)(key_and_path % TOY_SEALED);

	if (t->sealed[i].key_and_path == key_and_path && sequence <= t->sealed[i].sequence)
		t->reuses = true;
	t->sealed[i].key_and_path = key_and_path;
	t->sealed[i].sequence = sequence;
}

static void toy_seal(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
	struct span text, uint8_t *out)
{
	uint8_t tag[CRYPTO_TAG_LEN];

	note_nonce(user, slot, path, sequence);
	make_tag(user, slot, path, sequence, aad, text, tag);
	memmove(out, text.data, text.len);
	memcpy(out + text.len, tag, sizeof(tag));
}

static bool toy_open(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
	struct span sealed, uint8_t *out)
{
	uint8_t tag[CRYPTO_TAG_LEN];
	size_t len = sealed.len - CRYPTO_TAG_LEN;

	make_tag(user, slot, path, sequence, aad, span_of(sealed.data, len), tag);
	if (memcmp(tag, sealed.data + len, sizeof(tag)) != 0)
		return false;
	memmove(out, sealed.data, len);
	return true;
}

void toy_init(struct toy *t, uint64_t seed, uint64_t key, uint64_t previous)
{
	memset(t, 0, sizeof(*t));
	t->rng.state = seed;
	t->key[0] = key;
	t->key[1] = previous;
	t->n_keys = previous != 0 ? 2 : 1;
	t->crypto = (struct crypto){
		.user = t,
		.cluster_keys = toy_cluster_keys,
		.key_hint = toy_key_hint,
		.random = toy_random,
		.offer = toy_offer,
		.derive_hello = toy_derive_hello,
		.derive_session = toy_derive_session,
		.copy = toy_copy,
		.seal = toy_seal,
		.open = toy_open,
	};
}
