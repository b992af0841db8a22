/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fixed bytes come from a program of its own (Python's hmac, AES and GHASH written out), not
 * from OpenSSL. Where a random key pair is in play, the key schedule is done again here, from
 * HMAC upwards, and that in turn is held against the RFCs' vectors.
 */
#include "io/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { PATH = 0x1234 };
static const uint64_t SEQUENCE = 0x0102030405060708;
static const char TEXT[] = "The quick brown fox jumps over";
static const char AAD[] = "associated";
enum { TEXT_LEN = sizeof(TEXT) - 1, AAD_LEN = sizeof(AAD) - 1, SEALED_LEN = TEXT_LEN + 16 };

/* Allocations of OpenSSL; see main(). */
static unsigned allocations;

struct fixture {
	struct seal seal[2];
	const struct crypto *a, *b;
};

static void count_up(uint8_t *out, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(first + i);
}

static int set_up(void **state)
{
	static struct fixture f;
	uint8_t key[CRYPTO_KEY_LEN];

	count_up(key, sizeof(key), 0);
	assert_int_equal(seal_init(&f.seal[0], key, NULL), 0);
	assert_int_equal(seal_init(&f.seal[1], key, NULL), 0);
	f.a = seal_crypto(&f.seal[0]);
	f.b = seal_crypto(&f.seal[1]);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	seal_fini(&f->seal[0]);
	seal_fini(&f->seal[1]);
	seal_fini(&f->seal[1]); /* harmless */
	return 0;
}

static void from_hex(const char *hex, uint8_t *out, size_t len)
{
	assert_int_equal(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static void assert_hex(const uint8_t *bytes, const char *hex)
{
	uint8_t expected[128];
	size_t len = strlen(hex) / 2;

	from_hex(hex, expected, len);
	assert_memory_equal(bytes, expected, len);
}

/* RFC 5869, section 2, from HMAC. */
static void hkdf(struct span ikm, struct span salt, struct span info, uint8_t *out, size_t len)
{
	static const uint8_t zeros[32];
	uint8_t prk[32], t[32], block[512];
	size_t t_len = 0, done = 0;

	if (salt.len == 0)
		salt = span_of(zeros, sizeof(zeros));
	HMAC(EVP_sha256(), salt.data, (int)salt.len, ikm.data, ikm.len, prk, NULL);
	for (uint8_t i = 1; done < len; i++) {
		size_t n = len - done < 32 ? len - done : 32;

		assert_true(t_len + info.len + 1 <= sizeof(block));
		memcpy(block, t, t_len);
		memcpy(block + t_len, info.data, info.len);
		block[t_len + info.len] = i;
		HMAC(EVP_sha256(), prk, sizeof(prk), block, t_len + info.len + 1, t, NULL);
		t_len = sizeof(t);
		memcpy(out + done, t, n);
		done += n;
	}
}

static void x25519(const uint8_t own[32], const uint8_t peer[32], uint8_t out[32])
{
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, own, 32);
	EVP_PKEY *p = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	size_t len = 32;

	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, p), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, out, &len), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(p);
	EVP_PKEY_free(k);
}

static void public_of(const uint8_t own[32], uint8_t out[32])
{
	static const uint8_t base[32] = { 9 };

	x25519(own, base, out);
}

/* AES-256-GCM under a nonce given whole. */
static bool gcm_opens(const uint8_t key[32], const uint8_t nonce[12], const uint8_t *sealed,
	const char *aad, const char *text)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t out[64], tag[16];
	int n, len = (int)strlen(text);

	memcpy(tag, sealed + len, sizeof(tag));
	assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce), 1);
	EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)strlen(aad));
	EVP_DecryptUpdate(ctx, out, &n, sealed, len);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag);
	bool opens =
		EVP_DecryptFinal_ex(ctx, out + len, &n) == 1 && memcmp(out, text, (size_t)len) == 0;

	EVP_CIPHER_CTX_free(ctx);
	return opens;
}

static void the_test_s_own_hkdf_is_that_of_rfc_5869(void **state)
{
	uint8_t ikm[80], salt[80], info[80], okm[82];

	(void)state;
	memset(ikm, 0x0b, 22);
	count_up(salt, 13, 0);
	count_up(info, 10, 0xf0);
	hkdf(span_of(ikm, 22), span_of(salt, 13), span_of(info, 10), okm, 42);
	assert_hex(okm, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf3400720"
			"8d5b887185865");
	hkdf(span_of(ikm, 22), span_of(salt, 0), span_of(info, 0), okm, 42);
	assert_hex(okm, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d20139"
			"5faa4b61a96c8");
	count_up(ikm, 80, 0);
	count_up(salt, 80, 0x60);
	count_up(info, 80, 0xb0);
	hkdf(span_of(ikm, 80), span_of(salt, 80), span_of(info, 80), okm, 82);
	assert_hex(okm, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a9"
			"9cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e"
			"87c14c01d5c1f3434f1d87");
}

static void the_library_s_x25519_is_that_of_rfc_7748(void **state)
{
	uint8_t alice[32], bob[32], public[32], shared[32];

	(void)state;
	from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", alice, 32);
	from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", bob, 32);
	public_of(alice, public);
	assert_hex(public, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	x25519(bob, public, shared);
	assert_hex(shared, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* Seals TEXT with AAD under the fixed path and sequence. */
static void seal_text(const struct crypto *c, unsigned slot, uint8_t *out)
{
	c->seal(c->user, slot, PATH, SEQUENCE, span_of(AAD, AAD_LEN), span_of(TEXT, TEXT_LEN), out);
}

static bool opens(const struct crypto *c, unsigned slot, const uint8_t *sealed)
{
	uint8_t out[TEXT_LEN];

	return c->open(c->user, slot, PATH, SEQUENCE, span_of(AAD, AAD_LEN),
		       span_of(sealed, SEALED_LEN), out) &&
	       memcmp(out, TEXT, TEXT_LEN) == 0;
}

static void derive_hello(const struct crypto *c, unsigned slot)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];

	count_up(nonce, sizeof(nonce), 32);
	c->derive_hello(c->user, slot, 0, nonce);
}

static void a_hello_key_seals_to_the_fixed_bytes(void **state)
{
	const struct crypto *a = ((struct fixture *)*state)->a;
	uint8_t sealed[SEALED_LEN];

	assert_int_equal(a->cluster_keys(a->user), 1);
	assert_int_equal(a->key_hint(a->user, 0), 0xe1);
	derive_hello(a, 3);
	seal_text(a, 3, sealed);
	assert_hex(sealed, "20cb5b7c096b5967c31ccdf1b92b81d64126248feb41319260c979b6162b5cd0497a1b"
			   "d5589e8766dad3db47782d");
	a->seal(a->user, 3, PATH, SEQUENCE, span_of(NULL, 0), span_of(NULL, 0), sealed);
	assert_hex(sealed, "fe5ec82554c1cd070e2d462ea79ed96b");
}

static void a_frame_without_text_still_carries_its_tag(void **state)
{
	struct fixture *f = *state;
	uint8_t tag[CRYPTO_TAG_LEN], out[1];
	struct span aad = span_of(AAD, AAD_LEN);

	derive_hello(f->a, 0);
	derive_hello(f->b, 0);
	f->a->seal(f->a->user, 0, PATH, SEQUENCE, aad, span_of(NULL, 0), tag);
	assert_true(f->b->open(f->b->user, 0, PATH, SEQUENCE, aad, span_of(tag, sizeof(tag)), out));
	tag[0] ^= 1;
	assert_false(
		f->b->open(f->b->user, 0, PATH, SEQUENCE, aad, span_of(tag, sizeof(tag)), out));
	assert_false(
		f->b->open(f->b->user, 0, PATH, SEQUENCE, aad, span_of(tag, sizeof(tag) - 1), out));
	assert_false(f->b->open(f->b->user, 0, PATH, SEQUENCE, aad, span_of(NULL, 0), out));
}

static void the_session_is_that_of_the_documented_schedule(void **state)
{
	const struct crypto *a = ((struct fixture *)*state)->a;
	static const char info[] = "nsrp session 1transcript";
	uint8_t own_public[32], peer[32], peer_public[32], ikm[64], okm[68], nonce[12];
	uint8_t sealed[SEALED_LEN];
	uint32_t id = 0;

	count_up(peer, sizeof(peer), 100);
	public_of(peer, peer_public);
	a->offer(a->user, own_public);
	assert_true(
		a->derive_session(a->user, 5, 9, 0, peer_public, span_of("transcript", 10), &id));

	x25519(peer, own_public, ikm);
	count_up(ikm + 32, 32, 0);
	hkdf(span_of(ikm, 64), span_of(NULL, 0), span_of(info, sizeof(info) - 1), okm, sizeof(okm));
	assert_int_equal(id, (uint32_t)okm[64] << 24 | (uint32_t)okm[65] << 16 |
				     (uint32_t)okm[66] << 8 | okm[67]);
	from_hex("123400000102030405060708", nonce, sizeof(nonce));
	seal_text(a, 5, sealed);
	assert_true(gcm_opens(okm, nonce, sealed, AAD, TEXT));
	assert_false(gcm_opens(okm + 32, nonce, sealed, AAD, TEXT));
	seal_text(a, 9, sealed);
	assert_true(gcm_opens(okm + 32, nonce, sealed, AAD, TEXT));
}

static void two_nodes_agree_on_a_session(void **state)
{
	struct fixture *f = *state;
	uint8_t a_public[32], b_public[32], sealed[SEALED_LEN];
	struct span transcript = span_of("same on both", 12);
	uint32_t a_id = 0, b_id = 1;

	f->a->offer(f->a->user, a_public);
	f->b->offer(f->b->user, b_public);
	assert_memory_not_equal(a_public, b_public, sizeof(a_public));
	assert_true(f->a->derive_session(f->a->user, 0, 1, 0, b_public, transcript, &a_id));
	assert_true(f->b->derive_session(f->b->user, 2, 3, 0, a_public, transcript, &b_id));
	assert_int_equal(a_id, b_id);
	seal_text(f->a, 0, sealed);
	assert_true(opens(f->b, 2, sealed));
	assert_false(opens(f->b, 3, sealed));
	seal_text(f->b, 3, sealed);
	assert_true(opens(f->a, 1, sealed));

	/* Another transcript, or a newer offer, is another session. */
	assert_true(f->b->derive_session(f->b->user, 2, 3, 0, a_public, span_of("", 0), &b_id));
	seal_text(f->a, 0, sealed);
	assert_false(opens(f->b, 2, sealed));
	f->b->offer(f->b->user, b_public);
	assert_true(f->b->derive_session(f->b->user, 2, 3, 0, a_public, transcript, &b_id));
	assert_false(opens(f->b, 2, sealed));
}

static void a_public_key_of_small_order_gives_no_session(void **state)
{
	const struct crypto *a = ((struct fixture *)*state)->a;
	static const char *const small[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t own[32], peer[32];
	uint32_t id = 77;

	a->offer(a->user, own);
	for (unsigned i = 0; i < ARRAY_LEN(small); i++) {
		from_hex(small[i], peer, sizeof(peer));
		assert_false(a->derive_session(a->user, 0, 1, 0, peer, span_of("", 0), &id));
	}
	assert_int_equal(id, 77);
}

static void whatever_is_changed_the_frame_does_not_open(void **state)
{
	struct fixture *f = *state;
	uint8_t sealed[SEALED_LEN], out[TEXT_LEN], nonce[CRYPTO_NONCE_LEN] = { 0 };
	struct span aad = span_of(AAD, AAD_LEN), whole = span_of(sealed, sizeof(sealed));

	derive_hello(f->a, 0);
	derive_hello(f->b, 0);
	f->b->derive_hello(f->b->user, 1, 0, nonce);
	seal_text(f->a, 0, sealed);
	assert_true(opens(f->b, 0, sealed));

	assert_false(opens(f->b, 1, sealed)); /* key */
	for (unsigned bit = 0; bit < 16; bit++)
		assert_false(f->b->open(
			f->b->user, 0, (uint16_t)(PATH ^ 1u << bit), SEQUENCE, aad, whole, out));
	for (unsigned bit = 0; bit < 64; bit++)
		assert_false(f->b->open(
			f->b->user, 0, PATH, SEQUENCE ^ UINT64_C(1) << bit, aad, whole, out));
	assert_false(
		f->b->open(f->b->user, 0, PATH, SEQUENCE, span_of(AAD, AAD_LEN - 1), whole, out));
	assert_false(f->b->open(
		f->b->user, 0, PATH, SEQUENCE, span_of("Associated", AAD_LEN), whole, out));
	assert_false(f->b->open(f->b->user, 0, PATH, SEQUENCE, span_of(NULL, 0), whole, out));
	for (unsigned bit = 0; bit < 8 * SEALED_LEN; bit++) { /* text and tag */
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(opens(f->b, 0, sealed));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < SEALED_LEN; len++)
		assert_false(
			f->b->open(f->b->user, 0, PATH, SEQUENCE, aad, span_of(sealed, len), out));
	assert_true(opens(f->b, 0, sealed)); /* refusals leave the slot as it was */
}

static void text_may_be_sealed_and_opened_in_place(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[1400 + CRYPTO_TAG_LEN], expected[1400];
	struct span aad = span_of(AAD, AAD_LEN);

	count_up(expected, sizeof(expected), 7);
	memcpy(bytes, expected, sizeof(expected));
	derive_hello(f->a, 0);
	f->a->seal(f->a->user, 0, 1, 2, aad, span_of(bytes, sizeof(expected)), bytes);
	assert_memory_not_equal(bytes, expected, sizeof(expected));
	assert_true(f->a->open(f->a->user, 0, 1, 2, aad, span_of(bytes, sizeof(bytes)), bytes));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void a_copied_slot_opens_what_the_source_sealed(void **state)
{
	struct fixture *f = *state;
	uint8_t sealed[SEALED_LEN], nonce[CRYPTO_NONCE_LEN] = { 0 };

	derive_hello(f->a, 0);
	f->a->copy(f->a->user, 15, 0);
	seal_text(f->a, 0, sealed);
	assert_true(opens(f->a, 15, sealed));
	f->a->derive_hello(f->a->user, 0, 0, nonce); /* the copy is its own */
	assert_true(opens(f->a, 15, sealed));
	f->a->copy(f->a->user, 15, 15);
	assert_true(opens(f->a, 15, sealed));
}

static void a_rotation_has_two_keys_told_apart_by_their_hints(void **state)
{
	struct fixture *f = *state;
	struct seal both;
	uint8_t old_key[CRYPTO_KEY_LEN], new_key[CRYPTO_KEY_LEN] = { 1 }, hint, sealed[SEALED_LEN];
	uint8_t nonce[CRYPTO_NONCE_LEN];

	count_up(old_key, sizeof(old_key), 0);
	assert_int_equal(seal_init(&both, new_key, old_key), 0);
	const struct crypto *c = seal_crypto(&both);
	assert_int_equal(c->cluster_keys(c->user), 2);
	assert_int_equal(seal_hint(new_key, &hint), 0);
	assert_int_equal(c->key_hint(c->user, 0), hint);
	assert_int_equal(c->key_hint(c->user, 1), 0xe1);
	count_up(nonce, sizeof(nonce), 32);
	c->derive_hello(c->user, 0, 0, nonce);
	c->derive_hello(c->user, 1, 1, nonce);
	derive_hello(f->a, 0);
	seal_text(f->a, 0, sealed);
	assert_true(opens(c, 1, sealed));
	assert_false(opens(c, 0, sealed));
	seal_fini(&both);
}

static void two_keys_with_one_hint_are_refused(void **state)
{
	struct seal s;
	uint8_t key[CRYPTO_KEY_LEN], other[CRYPTO_KEY_LEN] = { 0x00, 0x65 }, hint = 0;

	(void)state;
	count_up(key, sizeof(key), 0);
	assert_int_equal(seal_hint(other, &hint), 0);
	assert_int_equal(hint, 0xe1);
	assert_int_equal(seal_init(&s, key, other), -EINVAL);
	assert_int_equal(seal_init(&s, other, key), -EINVAL);
	assert_int_equal(seal_init(&s, key, key), -EINVAL);
	seal_fini(&s);
}

static void random_bytes_fill_all_of_the_buffer(void **state)
{
	const struct crypto *a = ((struct fixture *)*state)->a;
	uint8_t bytes[2][1000] = { { 0 } };
	unsigned zeros = 0;

	a->random(a->user, bytes[0], sizeof(bytes[0]));
	a->random(a->user, bytes[1], sizeof(bytes[1]));
	assert_memory_not_equal(bytes[0], bytes[1], sizeof(bytes[0]));
	for (size_t i = 0; i < sizeof(bytes[0]); i++)
		zeros += bytes[0][i] == 0;
	assert_true(zeros < 30);
}

static void sealing_and_opening_allocate_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t sealed[SEALED_LEN];

	derive_hello(f->a, 0);
	unsigned before = allocations;
	assert_true(before > 0); /* or the counter does not count */
	for (unsigned i = 0; i < 100; i++) {
		seal_text(f->a, 0, sealed);
		assert_true(opens(f->a, 0, sealed));
		sealed[0] ^= 1;
		assert_false(opens(f->a, 0, sealed));
	}
	assert_int_equal(allocations, before);
}

static void secrets_stay_out_of_core_dumps(void **state)
{
	struct fixture *f = *state;
	uintptr_t secret = (uintptr_t)f->seal[0].secret;
	bool is_ours = false, is_left_out = false;
	char line[512];
	FILE *maps = fopen("/proc/self/smaps", "re");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		char *after;
		unsigned long first = strtoul(line, &after, 16);

		if (*after == '-') {
			unsigned long end = strtoul(after + 1, &after, 16);

			if (*after == ' ')
				is_ours = first <= secret && secret < end;
		}
		if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
			is_left_out = strstr(line, " dd") != NULL;
	}
	fclose(maps);
	assert_true(is_left_out);
}

static void *count_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return malloc(size);
}

static void *count_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return realloc(p, size);
}

static void plain_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_test_s_own_hkdf_is_that_of_rfc_5869),
		T(the_library_s_x25519_is_that_of_rfc_7748),
		T(a_hello_key_seals_to_the_fixed_bytes),
		T(a_frame_without_text_still_carries_its_tag),
		T(the_session_is_that_of_the_documented_schedule),
		T(two_nodes_agree_on_a_session),
		T(a_public_key_of_small_order_gives_no_session),
		T(whatever_is_changed_the_frame_does_not_open),
		T(text_may_be_sealed_and_opened_in_place),
		T(a_copied_slot_opens_what_the_source_sealed),
		T(a_rotation_has_two_keys_told_apart_by_their_hints),
		T(two_keys_with_one_hint_are_refused),
		T(random_bytes_fill_all_of_the_buffer),
		T(sealing_and_opening_allocate_nothing),
		T(secrets_stay_out_of_core_dumps),
	};

	/* Before OpenSSL's first allocation, or it refuses. */
	if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, plain_free))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
