/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { AEAD_NONCE_LEN = 12, SHARED_LEN = 32, SESSION_ID_LEN = 4 };

/* One key, expanded once for each direction of use. */
struct slot {
	bool is_set;
	uint8_t key[CRYPTO_KEY_LEN];
	EVP_CIPHER_CTX *sealing, *opening; /* owned */
};

struct seal_secret {
	unsigned n_keys;
	uint8_t key[CRYPTO_CLUSTER_KEYS_MAX][CRYPTO_KEY_LEN];
	uint8_t hint[CRYPTO_CLUSTER_KEYS_MAX];
	bool offered;
	uint8_t private[CRYPTO_PUBLIC_LEN];
	EVP_CIPHER *cipher; /* owned */
	EVP_KDF *kdf;       /* owned */
	struct slot slot[CRYPTO_SLOTS];
};

/* Going on without a key or a nonce would be worse than a restart. */
static void must(bool succeeded, const char *what)
{
	if (succeeded)
		return;
	fprintf(stderr, "seal: OpenSSL failed to %s: %s\n", what,
		ERR_reason_error_string(ERR_peek_last_error()));
	abort();
}

/* For interfaces that take a pointer to non-const and only read. */
static void *unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

static bool hkdf(
	EVP_KDF *kdf, struct span ikm, struct span salt, struct span info, uint8_t *out, size_t len)
{
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	static const char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, unconst(digest), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(ikm.data), ikm.len),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, unconst(salt.data), salt.len),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, unconst(info.data), info.len),
		OSSL_PARAM_construct_end(),
	};
	bool derived = ctx && EVP_KDF_derive(ctx, out, len, params) > 0;

	EVP_KDF_CTX_free(ctx);
	return derived;
}

static bool derive_hint(EVP_KDF *kdf, const uint8_t *key, uint8_t *hint)
{
	static const char info[] = "nsrp hint 1";

	return hkdf(kdf, span_of(key, CRYPTO_KEY_LEN), span_of("", 0),
		span_of(info, sizeof(info) - 1), hint, 1);
}

static void set_slot(struct seal_secret *s, unsigned i, const uint8_t *key)
{
	assert(i < CRYPTO_SLOTS);
	struct slot *slot = &s->slot[i];

	memmove(slot->key, key, CRYPTO_KEY_LEN);
	must(EVP_EncryptInit_ex2(slot->sealing, s->cipher, slot->key, NULL, NULL) > 0 &&
			EVP_DecryptInit_ex2(slot->opening, s->cipher, slot->key, NULL, NULL) > 0,
		"set a key");
	slot->is_set = true;
}

static unsigned seal_cluster_keys(void *user)
{
	return ((struct seal *)user)->secret->n_keys;
}

static uint8_t seal_key_hint(void *user, unsigned i)
{
	struct seal_secret *s = ((struct seal *)user)->secret;

	assert(i < s->n_keys);
	return s->hint[i];
}

static void seal_random(void *user, uint8_t *ret_bytes, size_t len)
{
	(void)user;
	while (len > 0) {
		ssize_t n = getrandom(ret_bytes, len, 0);

		must(n > 0 || (n < 0 && errno == EINTR), "get random bytes");
		if (n > 0) {
			ret_bytes += n;
			len -= (size_t)n;
		}
	}
}

static EVP_PKEY *private_key(const struct seal_secret *s)
{
	return EVP_PKEY_new_raw_private_key_ex(
		NULL, "X25519", NULL, s->private, sizeof(s->private));
}

static void seal_offer(void *user, uint8_t ret_public[CRYPTO_PUBLIC_LEN])
{
	struct seal_secret *s = ((struct seal *)user)->secret;
	size_t len = CRYPTO_PUBLIC_LEN;

	seal_random(user, s->private, sizeof(s->private)); /* X25519 clamps it itself */
	s->offered = true;
	EVP_PKEY *own = private_key(s);

	must(own && EVP_PKEY_get_raw_public_key(own, ret_public, &len) > 0, "make a key pair");
	EVP_PKEY_free(own);
}

static void seal_derive_hello(
	void *user, unsigned slot, unsigned i, const uint8_t boot_nonce[CRYPTO_NONCE_LEN])
{
	struct seal_secret *s = ((struct seal *)user)->secret;
	static const char info[] = "nsrp hello 1";
	uint8_t key[CRYPTO_KEY_LEN];

	assert(i < s->n_keys);
	must(hkdf(s->kdf, span_of(s->key[i], CRYPTO_KEY_LEN), span_of(boot_nonce, CRYPTO_NONCE_LEN),
		     span_of(info, sizeof(info) - 1), key, sizeof(key)),
		"derive a hello key");
	set_slot(s, slot, key);
	OPENSSL_cleanse(key, sizeof(key));
}

/* X25519. False: the peer's key is of small order, or unusable altogether. */
static bool agree(const struct seal_secret *s, const uint8_t *peer_public, uint8_t *shared)
{
	static const uint8_t zero[SHARED_LEN];
	size_t len = SHARED_LEN;
	EVP_PKEY *own = private_key(s);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(
		NULL, "X25519", NULL, peer_public, CRYPTO_PUBLIC_LEN);
	EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;

	must(own && peer && ctx && EVP_PKEY_derive_init(ctx) > 0, "prepare X25519");
	bool agreed = EVP_PKEY_derive_set_peer(ctx, peer) > 0 &&
		      EVP_PKEY_derive(ctx, shared, &len) > 0 &&
		      CRYPTO_memcmp(shared, zero, SHARED_LEN) != 0;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	ERR_clear_error(); /* a refused key is input, and leaves no trace */
	return agreed;
}

static bool seal_derive_session(void *user, unsigned low_slot, unsigned high_slot, unsigned i,
	const uint8_t peer_public[CRYPTO_PUBLIC_LEN], struct span transcript, uint32_t *ret_id)
{
	struct seal_secret *s = ((struct seal *)user)->secret;
	static const char label[] = "nsrp session 1";
	uint8_t ikm[SHARED_LEN + CRYPTO_KEY_LEN];
	uint8_t info[sizeof(label) - 1 + SEAL_TRANSCRIPT_MAX];
	uint8_t okm[2 * CRYPTO_KEY_LEN + SESSION_ID_LEN];

	assert(s->offered && i < s->n_keys);
	assert(transcript.len <= SEAL_TRANSCRIPT_MAX);
	bool agreed = agree(s, peer_public, ikm);

	if (agreed) {
		const uint8_t *id = okm + sizeof(okm) - SESSION_ID_LEN;

		memcpy(ikm + SHARED_LEN, s->key[i], CRYPTO_KEY_LEN);
		memcpy(info, label, sizeof(label) - 1);
		if (transcript.len > 0)
			memcpy(info + sizeof(label) - 1, transcript.data, transcript.len);
		must(hkdf(s->kdf, span_of(ikm, sizeof(ikm)), span_of("", 0),
			     span_of(info, sizeof(label) - 1 + transcript.len), okm, sizeof(okm)),
			"derive a session");
		set_slot(s, low_slot, okm);
		set_slot(s, high_slot, okm + CRYPTO_KEY_LEN);
		*ret_id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 |
			  id[3];
		OPENSSL_cleanse(okm, sizeof(okm));
	}
	OPENSSL_cleanse(ikm, sizeof(ikm));
	return agreed;
}

static void seal_copy(void *user, unsigned to, unsigned from)
{
	struct seal_secret *s = ((struct seal *)user)->secret;

	assert(from < CRYPTO_SLOTS && s->slot[from].is_set);
	set_slot(s, to, s->slot[from].key);
}

static void make_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint16_t path, uint64_t sequence)
{
	nonce[0] = (uint8_t)(path >> 8);
	nonce[1] = (uint8_t)path;
	nonce[2] = nonce[3] = 0;
	for (unsigned i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(sequence >> (56 - 8 * i));
}

static const struct slot *usable_slot(void *user, unsigned i)
{
	assert(i < CRYPTO_SLOTS);
	const struct slot *slot = &((struct seal *)user)->secret->slot[i];

	assert(slot->is_set);
	return slot;
}

static void seal_seal(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
	struct span text, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = usable_slot(user, slot)->sealing;
	uint8_t nonce[AEAD_NONCE_LEN];
	int n;

	assert(aad.len <= SEAL_TEXT_MAX && text.len <= SEAL_TEXT_MAX);
	make_nonce(nonce, path, sequence);
	bool sealed = EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) > 0;

	if (aad.len > 0)
		sealed = sealed && EVP_EncryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) > 0;
	if (text.len > 0)
		sealed = sealed && EVP_EncryptUpdate(ctx, out, &n, text.data, (int)text.len) > 0;
	sealed =
		sealed && EVP_EncryptFinal_ex(ctx, out + text.len, &n) > 0 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, out + text.len) > 0;
	must(sealed, "seal");
}

static bool seal_open(void *user, unsigned slot, uint16_t path, uint64_t sequence, struct span aad,
	struct span sealed, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = usable_slot(user, slot)->opening;
	uint8_t nonce[AEAD_NONCE_LEN], tag[CRYPTO_TAG_LEN];
	int n;

	if (sealed.len < CRYPTO_TAG_LEN)
		return false;
	size_t len = sealed.len - CRYPTO_TAG_LEN;

	assert(aad.len <= SEAL_TEXT_MAX && len <= SEAL_TEXT_MAX);
	memcpy(tag, sealed.data + len, sizeof(tag));
	make_nonce(nonce, path, sequence);
	bool opened = EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) > 0 &&
		      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_LEN, tag) > 0;

	if (aad.len > 0)
		opened = opened && EVP_DecryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) > 0;
	if (len > 0)
		opened = opened && EVP_DecryptUpdate(ctx, out, &n, sealed.data, (int)len) > 0;
	must(opened, "open"); /* so far nothing depended on what the frame says */
	return EVP_DecryptFinal_ex(ctx, out + len, &n) > 0;
}

static int fetch(EVP_KDF **ret_kdf)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);

	if (!kdf)
		return -ENOTSUP;
	*ret_kdf = kdf;
	return 0;
}

int seal_hint(const uint8_t key[CRYPTO_KEY_LEN], uint8_t *ret_hint)
{
	EVP_KDF *kdf;
	int error = fetch(&kdf);

	if (error)
		return error;
	error = derive_hint(kdf, key, ret_hint) ? 0 : -ENOMEM;
	EVP_KDF_free(kdf);
	return error;
}

int seal_index_key(const uint8_t key[CRYPTO_KEY_LEN], uint8_t ret_key[16])
{
	static const char info[] = "nsrp index 1";
	EVP_KDF *kdf;
	int error = fetch(&kdf);

	if (error)
		return error;
	if (!hkdf(kdf, span_of(key, CRYPTO_KEY_LEN), span_of("", 0),
		    span_of(info, sizeof(info) - 1), ret_key, 16))
		error = -ENOMEM;
	EVP_KDF_free(kdf);
	return error;
}

int seal_set_keys(struct seal *s, const uint8_t key[CRYPTO_KEY_LEN], const uint8_t *previous)
{
	struct seal_secret *secret = s->secret;
	uint8_t hint[CRYPTO_CLUSTER_KEYS_MAX] = { 0 };

	if (!derive_hint(secret->kdf, key, &hint[0]) ||
		(previous && !derive_hint(secret->kdf, previous, &hint[1])))
		return -ENOMEM;
	if (previous && hint[0] == hint[1])
		return -EINVAL;
	OPENSSL_cleanse(secret->key, sizeof(secret->key));
	memcpy(secret->key[0], key, CRYPTO_KEY_LEN);
	if (previous)
		memcpy(secret->key[1], previous, CRYPTO_KEY_LEN);
	memcpy(secret->hint, hint, sizeof(hint));
	secret->n_keys = previous ? 2 : 1;
	return 0;
}

static int make_slots(struct seal_secret *s)
{
	for (unsigned i = 0; i < CRYPTO_SLOTS; i++) {
		s->slot[i].sealing = EVP_CIPHER_CTX_new();
		s->slot[i].opening = EVP_CIPHER_CTX_new();
		if (!s->slot[i].sealing || !s->slot[i].opening)
			return -ENOMEM;
	}
	return 0;
}

int seal_init(struct seal *s, const uint8_t key[CRYPTO_KEY_LEN], const uint8_t *previous)
{
	void *memory = mmap(NULL, sizeof(struct seal_secret), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(s, 0, sizeof(*s));
	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* Best effort: an old kernel or a low limit is no reason not to start. */
	(void)madvise(memory, sizeof(struct seal_secret), MADV_DONTDUMP);
	(void)mlock(memory, sizeof(struct seal_secret));
	s->secret = memory;
	s->crypto = (struct crypto){
		.user = s,
		.cluster_keys = seal_cluster_keys,
		.key_hint = seal_key_hint,
		.random = seal_random,
		.offer = seal_offer,
		.derive_hello = seal_derive_hello,
		.derive_session = seal_derive_session,
		.copy = seal_copy,
		.seal = seal_seal,
		.open = seal_open,
	};

	int error = fetch(&s->secret->kdf);
	if (!error) {
		s->secret->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
		error = s->secret->cipher ? make_slots(s->secret) : -ENOTSUP;
	}
	if (!error)
		error = seal_set_keys(s, key, previous);
	if (error)
		seal_fini(s);
	return error;
}

void seal_fini(struct seal *s)
{
	if (!s->secret)
		return;
	for (unsigned i = 0; i < CRYPTO_SLOTS; i++) {
		EVP_CIPHER_CTX_free(s->secret->slot[i].sealing);
		EVP_CIPHER_CTX_free(s->secret->slot[i].opening);
	}
	EVP_CIPHER_free(s->secret->cipher);
	EVP_KDF_free(s->secret->kdf);
	OPENSSL_cleanse(s->secret, sizeof(*s->secret));
	munmap(s->secret, sizeof(*s->secret));
	s->secret = NULL;
}

const struct crypto *seal_crypto(struct seal *s)
{
	return &s->crypto;
}
