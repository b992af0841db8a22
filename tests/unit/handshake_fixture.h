/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * handshake_fixture: two handshakes, and what one says carried to the other by hand.
 */
#ifndef UNIT_HANDSHAKE_FIXTURE_H
#define UNIT_HANDSHAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../sim/toy.h"
#include "core/codec.h"
#include "core/handshake.h"

enum {
	CLUSTER = 3,
	PATHS = 2,
	TAG = 0x100, /* of path 0; path 1 has the next one */
	KEY_A = 0x0a0a0a01,
	KEY_B = 0x0b0b0b02,
	KEY_C = 0x0c0c0c03,
	FRAME_LEN = WIRE_FRAME_MAX,
	CLEAR_LEN = WIRE_HEADER_LEN + CRYPTO_NONCE_LEN,
};

/* One node: a handshake behind a table of functions that counts what is expensive. */
struct side {
	struct handshake h;
	struct toy toy;
	struct crypto crypto;
	unsigned derived;
};

struct bytes {
	size_t len;
	uint8_t data[FRAME_LEN];
};

static struct side side[2];
static mono_t now;

static inline bool counting_derive(void *user, unsigned low, unsigned high, unsigned i,
	const uint8_t *peer_public, struct span transcript, uint32_t *ret_id)
{
	struct side *s = user == &side[0].toy ? &side[0] : &side[1];

	s->derived++;
	return s->toy.crypto.derive_session(user, low, high, i, peer_public, transcript, ret_id);
}

static inline void start(unsigned i, uint64_t seed, uint64_t key, uint64_t previous)
{
	struct side *s = &side[i];

	toy_init(&s->toy, seed, key, previous);
	s->crypto = s->toy.crypto;
	s->crypto.derive_session = counting_derive;
	s->derived = 0;
	handshake_init(&s->h, &s->crypto, CLUSTER, (uint8_t)i, "test");
}

static inline int set_up(void **state)
{
	(void)state;
	now = (mono_t){ 50000000 };
	start(0, 1, KEY_A, 0);
	start(1, 2, KEY_A, 0);
	return 0;
}

static inline struct bytes hello_of(unsigned i, unsigned path)
{
	struct bytes b;

	b.len = handshake_put_hello(&side[i].h, path, (uint16_t)(TAG + path), b.data);
	return b;
}

static struct frame_header header_of(unsigned to, unsigned path, const struct bytes *b)
{
	struct frame_place place = { CLUSTER, (uint16_t)(TAG + path), (uint8_t)to };
	struct frame_header header;

	assert_int_equal(frame_parse(span_of(b->data, b->len), &place, &header), FRAME_OK);
	return header;
}

static inline enum handshake_outcome hears(unsigned to, unsigned path, const struct bytes *b)
{
	struct frame_header header = header_of(to, path, b);
	uint8_t text[FRAME_LEN];

	return handshake_heard(&side[to].h, now, path, &header, span_of(b->data, b->len), text);
}

static inline struct bytes sealed(
	unsigned i, enum handshake_session kind, unsigned path, const char *text)
{
	struct bytes b;

	memcpy(b.data + WIRE_HEADER_LEN, text, strlen(text));
	b.len = handshake_seal(
		&side[i].h, kind, path, (uint16_t)(TAG + path), b.data, strlen(text));
	return b;
}

static inline enum handshake_opened opens(unsigned to, unsigned path, const struct bytes *b)
{
	struct frame_header header = header_of(to, path, b);
	uint8_t text[FRAME_LEN];

	return handshake_open(&side[to].h, now, path, &header, span_of(b->data, b->len), text);
}

/* What node `from` says now comes to its peer by path 0. */
static inline enum handshake_outcome tells(unsigned from)
{
	struct bytes hello = hello_of(from, 0);

	return hears(1 - from, 0, &hello);
}

static inline enum handshake_opened beats(unsigned from, enum handshake_session kind)
{
	struct bytes b = sealed(from, kind, 0, "beat");

	return opens(1 - from, 0, &b);
}

/* Three hellos and a beat each way. */
static inline void agree(void)
{
	now = mono_after_ms(now, 10);
	tells(0);
	tells(1);
	tells(0);
	assert_true(handshake_has(&side[0].h, SESSION_CANDIDATE));
	assert_true(handshake_has(&side[1].h, SESSION_CANDIDATE));
	beats(0, SESSION_CANDIDATE);
	beats(1, SESSION_CURRENT);
	assert_true(handshake_has(&side[0].h, SESSION_CURRENT));
	assert_true(handshake_has(&side[1].h, SESSION_CURRENT));
}

#define T(name) cmocka_unit_test_setup(name, set_up)

#endif
