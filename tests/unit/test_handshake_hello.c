/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies of hellos, and the keys under which they go out.
 */
#include "core/handshake.h"

#include "handshake_fixture.h"

/* A hello frame of node 0 with any body at all, sealed as its own are. */
static struct bytes forged(const uint8_t *body, size_t len)
{
	struct bytes b;
	struct frame_header header = {
		.type = WIRE_FRAME_HELLO,
		.cluster = CLUSTER,
		.path = TAG,
		.sender = 0,
		.key_hint = side[0].crypto.key_hint(side[0].crypto.user, 0),
		.length = (uint16_t)(CRYPTO_NONCE_LEN + len + CRYPTO_TAG_LEN),
		.sequence = ++side[0].h.hellos_sent[0],
	};

	frame_put_header(&header, b.data);
	memcpy(b.data + WIRE_HEADER_LEN, side[0].h.nonce, CRYPTO_NONCE_LEN);
	side[0].crypto.seal(side[0].crypto.user, 0, TAG, header.sequence,
		span_of(b.data, CLEAR_LEN), span_of(body, len), b.data + CLEAR_LEN);
	b.len = CLEAR_LEN + len + CRYPTO_TAG_LEN;
	return b;
}

static void put_tlv(struct writer *w, uint8_t type, size_t len)
{
	static const uint8_t value[64] = { 0, 0, 0, 1, 9, 9, 9 };
	size_t mark = writer_tlv(w, type);

	writer_bytes(w, value, len);
	writer_tlv_end(w, mark);
}

static enum handshake_outcome hears_body(const struct writer *w)
{
	struct bytes b = forged(w->start, w->used);

	return hears(1, 0, &b);
}

static void a_hello_is_well_formed_or_changes_nothing(void **state)
{
	static const struct {
		size_t offer, heard, keys;
		bool well_formed;
	} cases[] = {
		{ 36, 36, 1, true },
		{ 40, 40, 2, true },  /* bytes behind what is known, and two keys */
		{ 36, 36, 40, true }, /* more keys than there can be: the first two count */
		{ 35, 36, 1, false },
		{ 3, 36, 1, false },
		{ 36, 35, 1, false },
		{ 36, 31, 1, false },
		{ 36, 36, 0, false },
	};
	uint8_t body[256];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct writer w = writer_of(body, sizeof(body));

		put_tlv(&w, 200, 5); /* of a later release */
		put_tlv(&w, WIRE_TLV_OFFER, cases[i].offer);
		put_tlv(&w, WIRE_TLV_HEARD, cases[i].heard);
		put_tlv(&w, WIRE_TLV_KEYS, cases[i].keys);
		side[1].h.heard.valid = false;
		now = mono_after_ms(now, 10);
		assert_int_equal(hears_body(&w),
			cases[i].well_formed ? HANDSHAKE_ANSWER : HANDSHAKE_DROP_MALFORMED);
		assert_int_equal(side[1].h.heard.valid, cases[i].well_formed);
		/* Cut anywhere, it is not. */
		for (size_t len = 0; len < w.used; len++) {
			struct writer cut = w;

			cut.used = len;
			assert_int_equal(hears_body(&cut), HANDSHAKE_DROP_MALFORMED);
		}
	}
}

/* A fresh hello of node 0 to node 1, with a key and a list of hints of its own. */
static enum handshake_outcome hears_fresh(uint8_t public_key, uint8_t hint)
{
	uint8_t body[256], key[CRYPTO_PUBLIC_LEN];
	struct writer w = writer_of(body, sizeof(body));
	size_t mark = writer_tlv(&w, WIRE_TLV_OFFER);

	memset(key, public_key, sizeof(key));
	writer_u32(&w, 1);
	writer_bytes(&w, key, sizeof(key));
	writer_tlv_end(&w, mark);
	mark = writer_tlv(&w, WIRE_TLV_HEARD);
	writer_bytes(&w, side[1].h.nonce, CRYPTO_NONCE_LEN);
	writer_u32(&w, side[1].h.offer);
	writer_tlv_end(&w, mark);
	mark = writer_tlv(&w, WIRE_TLV_KEYS);
	writer_u8(&w, hint);
	writer_tlv_end(&w, mark);
	return hears_body(&w);
}

static void an_unusable_public_key_gives_no_candidate(void **state)
{
	(void)state;
	assert_int_equal(hears_fresh(0, (uint8_t)KEY_A), HANDSHAKE_ANSWER);
	assert_int_equal(side[1].derived, 1);
	assert_false(handshake_has(&side[1].h, SESSION_CANDIDATE));
	hears_fresh(1, (uint8_t)KEY_A);
	assert_true(handshake_has(&side[1].h, SESSION_CANDIDATE));
}

static void without_a_common_key_there_is_no_candidate(void **state)
{
	(void)state;
	assert_int_equal(hears_fresh(1, (uint8_t)KEY_B), HANDSHAKE_ANSWER);
	assert_int_equal(side[1].derived, 0);
	assert_false(handshake_has(&side[1].h, SESSION_CANDIDATE));
}

static uint8_t hint_of(const struct bytes *hello)
{
	return hello->data[7];
}

static void hellos_go_out_under_each_key_until_the_common_one_is_known(void **state)
{
	(void)state;
	start(0, 1, KEY_B, KEY_A);
	start(1, 2, KEY_A, KEY_C);
	struct bytes first = hello_of(0, 0), second = hello_of(0, 0);

	assert_int_not_equal(hint_of(&first), hint_of(&second));
	/* One of the two is of use to the peer. */
	assert_true((hears(1, 0, &first) == HANDSHAKE_DROP_KEY) !=
		    (hears(1, 0, &second) == HANDSHAKE_DROP_KEY));
	for (unsigned i = 0; i < 4; i++) {
		struct bytes answer = hello_of(1, 0);

		assert_int_equal(hint_of(&answer), (uint8_t)KEY_A);
	}
	agree();
}

/* Both know both keys, and prefer different ones: node 0's preference counts. */
static void the_common_key_is_node_0s_first_one(void **state)
{
	(void)state;
	start(0, 1, KEY_B, KEY_A);
	start(1, 2, KEY_A, KEY_B);
	agree();
	struct bytes hello[2] = { hello_of(0, 0), hello_of(1, 0) };

	assert_int_equal(hint_of(&hello[0]), (uint8_t)KEY_B);
	assert_int_equal(hint_of(&hello[1]), (uint8_t)KEY_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hello_is_well_formed_or_changes_nothing),
		T(an_unusable_public_key_gives_no_candidate),
		T(without_a_common_key_there_is_no_candidate),
		T(hellos_go_out_under_each_key_until_the_common_one_is_known),
		T(the_common_key_is_node_0s_first_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
