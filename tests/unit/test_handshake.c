/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: handshake.c session.c */
#include "core/handshake.h"

#include "handshake_fixture.h"

static void two_nodes_agree_within_three_hellos(void **state)
{
	(void)state;
	assert_true(handshake_wants_hello(&side[0].h));
	assert_int_equal(tells(0), HANDSHAKE_ANSWER); /* not fresh: 1 was not heard yet */
	assert_int_equal(tells(1), HANDSHAKE_ANSWER); /* fresh: 0 has a candidate */
	assert_true(handshake_has(&side[0].h, SESSION_CANDIDATE));
	assert_false(handshake_has(&side[1].h, SESSION_CANDIDATE));
	assert_int_equal(tells(0), HANDSHAKE_ANSWER);
	assert_true(handshake_has(&side[1].h, SESSION_CANDIDATE));
	assert_int_equal(beats(0, SESSION_CANDIDATE), OPENED_CONFIRMED);
	assert_int_equal(beats(1, SESSION_CURRENT), OPENED_CONFIRMED);
	assert_int_equal(beats(0, SESSION_CURRENT), OPENED);
	assert_false(handshake_wants_hello(&side[0].h));
	assert_false(handshake_wants_hello(&side[1].h));
	assert_int_equal(side[0].derived + side[1].derived, 2);
}

static void nothing_expensive_happens_before_a_fresh_hello(void **state)
{
	(void)state;
	struct bytes hello = hello_of(0, 0);

	/* P4.1: an unauthentic one, and then one of another boot's time. */
	hello.data[hello.len - 1] ^= 1;
	assert_int_equal(hears(1, 0, &hello), HANDSHAKE_DROP_AUTH);
	tells(0);
	hello = hello_of(1, 0); /* fresh for this boot of 0 */
	start(0, 9, KEY_A, 0);
	assert_int_equal(hears(0, 0, &hello), HANDSHAKE_ANSWER);
	assert_int_equal(side[0].derived + side[1].derived, 0);
	assert_false(handshake_has(&side[0].h, SESSION_CANDIDATE));
}

static void a_stale_hello_is_answered_once_in_five_milliseconds_on_each_path(void **state)
{
	struct bytes hello[PATHS];

	(void)state;
	for (unsigned path = 0; path < PATHS; path++)
		hello[path] = hello_of(0, path);
	for (unsigned path = 0; path < PATHS; path++) {
		assert_int_equal(hears(1, path, &hello[path]), HANDSHAKE_ANSWER);
		assert_int_equal(hears(1, path, &hello[path]), HANDSHAKE_STALE);
	}
	now = mono_after_us(now, 4999);
	assert_int_equal(hears(1, 0, &hello[0]), HANDSHAKE_STALE);
	now = mono_after_us(now, 1);
	assert_int_equal(hears(1, 0, &hello[0]), HANDSHAKE_ANSWER);
}

static void a_hello_that_brings_nothing_new_is_not_answered(void **state)
{
	(void)state;
	tells(0);
	tells(1);
	tells(0);
	assert_int_equal(tells(0), HANDSHAKE_NOTHING); /* the candidate's */
	assert_int_equal(side[1].derived, 1);
	beats(0, SESSION_CANDIDATE);
	assert_int_equal(tells(0), HANDSHAKE_NOTHING); /* the session's */
	assert_int_equal(side[1].derived, 1);
}

static void a_replayed_hello_leaves_the_session_alone(void **state)
{
	struct bytes tape[3];

	(void)state;
	tape[0] = hello_of(1, 0);
	tells(0);
	tape[1] = hello_of(1, 0);
	agree();
	uint32_t id = side[0].h.session[SESSION_CURRENT].id;
	unsigned derived = side[0].derived;

	for (unsigned i = 0; i < 2; i++) {
		now = mono_after_ms(now, 10);
		assert_true(hears(0, 0, &tape[i]) != HANDSHAKE_DROP_AUTH);
		assert_false(handshake_has(&side[0].h, SESSION_CANDIDATE));
	}
	assert_int_equal(side[0].h.session[SESSION_CURRENT].id, id);
	assert_int_equal(side[0].derived, derived);
	assert_int_equal(beats(1, SESSION_CURRENT), OPENED);
}

/* Node 1 is another boot, and both agree again. */
static void restart(void)
{
	start(1, 22, KEY_A, 0);
	now = mono_after_ms(now, 10);
	tells(1);
	tells(0); /* fresh: 1 has a candidate, which names an offer that 0 gives up */
	tells(1); /* fresh, and 0's offer is used: a new one */
	assert_int_equal(side[0].h.offer, 2);
	assert_true(handshake_wants_hello(&side[0].h));
	tells(0);
	tells(1);
	assert_int_equal(beats(1, SESSION_CANDIDATE), OPENED_RESTARTED);
	assert_int_equal(beats(0, SESSION_CURRENT), OPENED_CONFIRMED);
}

static void a_restarted_peer_is_told_from_a_renewed_session(void **state)
{
	(void)state;
	agree();
	restart();
}

static void the_previous_session_opens_for_one_second_and_seals_nothing(void **state)
{
	struct bytes late[2];

	(void)state;
	agree();
	late[0] = sealed(0, SESSION_CURRENT, 0, "late");
	late[1] = sealed(0, SESSION_CURRENT, 0, "later");
	side[0].h.session[SESSION_CURRENT].sent[1] = 1 << 28;
	assert_true(handshake_renew(&side[0].h, now));
	assert_true(handshake_renew(&side[0].h, now) == false);
	tells(0);
	tells(1);
	tells(0);
	assert_int_equal(beats(0, SESSION_CANDIDATE), OPENED_CONFIRMED);
	now = mono_after_us(now, 999999);
	assert_int_equal(opens(1, 0, &late[0]), OPENED);
	assert_int_equal(opens(1, 0, &late[0]), OPENED_REPLAY);
	now = mono_after_us(now, 1);
	assert_int_equal(opens(1, 0, &late[1]), OPENED_SESSION);
}

/* Its beats' numbers may be higher than those of the boot that is there now. */
static void nothing_of_a_former_boot_is_heard_once_the_new_one_is(void **state)
{
	(void)state;
	agree();
	struct bytes late = sealed(1, SESSION_CURRENT, 0, "late");

	restart();
	assert_int_equal(opens(0, 0, &late), OPENED_SESSION);
}

/* Else its sequence numbers would begin anew under the same key. */
static void no_candidate_is_derived_twice(void **state)
{
	(void)state;
	tells(0);
	tells(1); /* 0 has a candidate */
	struct bytes former = hello_of(1, 0), later;
	unsigned derived = side[0].derived;

	side[1].h.offer++; /* as after a renewal */
	later = hello_of(1, 0);
	assert_int_equal(hears(0, 0, &later), HANDSHAKE_ANSWER);
	assert_int_equal(side[0].derived, derived + 1);
	assert_int_equal(hears(0, 0, &former), HANDSHAKE_NOTHING);
	assert_int_equal(side[0].derived, derived + 1);
	assert_int_equal(side[0].h.session[SESSION_CANDIDATE].pair.peer_offer, 2);
}

/* Two boots of the peer answered the same offer: it is given up. */
static void a_candidate_of_another_boot_is_not_derived_again(void **state)
{
	(void)state;
	tells(0);
	tells(1);
	struct bytes former = hello_of(1, 0);
	unsigned derived = side[0].derived;

	start(1, 22, KEY_A, 0);
	tells(0);
	struct bytes later = hello_of(1, 0);

	assert_int_equal(hears(0, 0, &later), HANDSHAKE_ANSWER);
	assert_int_equal(side[0].h.offer, 2);
	now = mono_after_ms(now, 10);
	assert_int_equal(hears(0, 0, &former), HANDSHAKE_ANSWER); /* it is not fresh any more */
	assert_int_equal(side[0].derived, derived);
	agree();
}

static void a_session_is_renewed_by_volume_or_time(void **state)
{
	(void)state;
	assert_false(handshake_renew(&side[0].h, now)); /* there is none */
	agree();
	mono_t made = side[0].h.session[SESSION_CURRENT].made_at;

	assert_false(handshake_renew(&side[0].h, mono_after_us(made, 3599999999)));
	side[0].h.session[SESSION_CURRENT].sent[1] = (1 << 28) - 1;
	assert_false(handshake_renew(&side[0].h, now));
	side[0].h.session[SESSION_CURRENT].sent[1]++;
	assert_true(handshake_renew(&side[0].h, now));
	assert_true(handshake_wants_hello(&side[0].h));
	assert_true(handshake_has(&side[0].h, SESSION_CURRENT)); /* P4.2 */
	assert_true(handshake_renew(
		&side[1].h, mono_after_ms(side[1].h.session[SESSION_CURRENT].made_at, 3600000)));
}

static void a_candidate_that_nobody_confirms_ends_nothing(void **state)
{
	(void)state;
	agree();
	assert_false(handshake_has(&side[0].h, SESSION_CANDIDATE));
	side[1].h.session[SESSION_CURRENT].sent[0] = 1 << 28;
	handshake_renew(&side[1].h, now);
	tells(1); /* names no offer of 0's that is unused: 0 makes one */
	tells(0);
	assert_true(handshake_has(&side[1].h, SESSION_CANDIDATE));
	struct bytes wrong = sealed(1, SESSION_CANDIDATE, 0, "x");

	wrong.data[wrong.len - 1] ^= 1;
	assert_int_equal(opens(0, 0, &wrong), OPENED_SESSION); /* 0 has not derived it yet */
	assert_int_equal(beats(0, SESSION_CURRENT), OPENED);
	tells(1);
	assert_true(handshake_has(&side[0].h, SESSION_CANDIDATE));
	wrong = sealed(1, SESSION_CANDIDATE, 0, "x");
	wrong.data[wrong.len - 1] ^= 1;
	assert_int_equal(opens(0, 0, &wrong), OPENED_AUTH);
	assert_true(handshake_has(&side[0].h, SESSION_CANDIDATE));
}

static void session_frames_are_opened_once_and_by_their_receiver(void **state)
{
	(void)state;
	agree();
	struct bytes b = sealed(0, SESSION_CURRENT, 1, "hello");

	assert_int_equal(b.len, WIRE_HEADER_LEN + 5 + CRYPTO_TAG_LEN);
	assert_int_equal(opens(1, 1, &b), OPENED);
	assert_int_equal(opens(1, 1, &b), OPENED_REPLAY);
	/* The same bytes back: its own key opens nothing. */
	b = sealed(0, SESSION_CURRENT, 1, "hello");
	struct frame_header header = header_of(1, 1, &b);
	uint8_t text[FRAME_LEN];

	assert_int_equal(handshake_open(&side[0].h, now, 1, &header, span_of(b.data, b.len), text),
		OPENED_AUTH);
}

static void each_path_counts_its_own_frames_without_a_gap(void **state)
{
	(void)state;
	agree();
	for (unsigned i = 0; i < 6; i++) {
		uint64_t before = side[0].h.session[SESSION_CURRENT].sent[i % 2];
		struct bytes b = sealed(0, SESSION_CURRENT, i % 2, "x");

		assert_int_equal(header_of(1, i % 2, &b).sequence, before + 1);
	}
}

static void an_unauthentic_frame_uses_no_number_up(void **state)
{
	(void)state;
	agree();
	struct bytes good = sealed(0, SESSION_CURRENT, 0, "hello"), bad = good;

	bad.data[WIRE_HEADER_LEN] ^= 1;
	assert_int_equal(opens(1, 0, &bad), OPENED_AUTH);
	assert_int_equal(opens(1, 0, &good), OPENED);
}

static void every_byte_of_a_frame_is_authenticated(void **state)
{
	(void)state;
	agree();
	struct bytes good = sealed(0, SESSION_CURRENT, 0, "hello");
	struct frame_header header = header_of(1, 0, &good);
	uint8_t text[FRAME_LEN];

	for (size_t i = 0; i < good.len; i++) {
		struct bytes bad = good;

		bad.data[i] ^= 0x10;
		assert_int_equal(handshake_open(&side[1].h, now, 0, &header,
					 span_of(bad.data, bad.len), text),
			OPENED_AUTH);
	}
	assert_int_equal(opens(1, 0, &good), OPENED);
}

static void short_and_strange_frames_are_named(void **state)
{
	struct bytes b;
	struct frame_header header;
	uint8_t text[FRAME_LEN];

	(void)state;
	agree();
	b = sealed(0, SESSION_CURRENT, 0, "");
	header = header_of(1, 0, &b);
	header.length = CRYPTO_TAG_LEN - 1;
	assert_int_equal(handshake_open(&side[1].h, now, 0, &header, span_of(b.data, b.len), text),
		OPENED_LENGTH);
	assert_int_equal(opens(1, 0, &b), OPENED); /* an empty body is one */
	b = sealed(0, SESSION_CURRENT, 0, "x");
	b.data[8] ^= 1;
	assert_int_equal(opens(1, 0, &b), OPENED_SESSION);
	b = hello_of(0, 0);
	header = header_of(1, 0, &b);
	header.length = CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN - 1;
	assert_int_equal(handshake_heard(&side[1].h, now, 0, &header, span_of(b.data, b.len), text),
		HANDSHAKE_DROP_LENGTH);
	b.data[7] ^= 1;
	assert_int_equal(hears(1, 0, &b), HANDSHAKE_DROP_KEY);
}

static void a_hundred_unauthentic_frames_of_a_type_in_a_second_are_enough(void **state)
{
	(void)state;
	agree();
	struct bytes good = sealed(0, SESSION_CURRENT, 0, "x"), bad = good;
	struct bytes other = sealed(0, SESSION_CURRENT, 1, "x");
	struct bytes hello = hello_of(0, 0);

	bad.data[WIRE_HEADER_LEN] ^= 1;
	hello.data[CLEAR_LEN] ^= 1;
	now = mono_after_ms(now, 2000);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(opens(1, 0, &bad), OPENED_AUTH);
		assert_int_equal(hears(1, 0, &hello), HANDSHAKE_DROP_AUTH);
	}
	assert_int_equal(opens(1, 0, &bad), OPENED_RATE);
	assert_int_equal(hears(1, 0, &hello), HANDSHAKE_DROP_RATE);
	assert_int_equal(opens(1, 1, &other), OPENED); /* the other path is another matter */
	now = mono_after_us(now, 999999);
	assert_int_equal(opens(1, 0, &good), OPENED_RATE);
	now = mono_after_us(now, 1);
	assert_int_equal(opens(1, 0, &good), OPENED);
}

static void forged_frames_of_one_type_do_not_silence_the_other(void **state)
{
	(void)state;
	agree();
	struct bytes forged = hello_of(0, 0), bad = sealed(0, SESSION_CURRENT, 0, "x");

	forged.data[CLEAR_LEN] ^= 1;
	bad.data[WIRE_HEADER_LEN] ^= 1;
	now = mono_after_ms(now, 2000);
	for (unsigned i = 0; i < 1000; i++)
		hears(1, 0, &forged);
	assert_int_equal(hears(1, 0, &forged), HANDSHAKE_DROP_RATE);
	assert_int_equal(beats(0, SESSION_CURRENT), OPENED);
	now = mono_after_ms(now, 2000);
	for (unsigned i = 0; i < 1000; i++)
		opens(1, 0, &bad);
	assert_int_equal(opens(1, 0, &bad), OPENED_RATE);
	assert_int_equal(tells(0), HANDSHAKE_NOTHING);
}

static void a_new_key_does_not_end_the_session(void **state)
{
	(void)state;
	agree();
	side[0].toy.key[1] = KEY_B;
	side[0].toy.n_keys = 2;
	handshake_keys_changed(&side[0].h);
	assert_int_equal(beats(0, SESSION_CURRENT), OPENED);
	assert_int_equal(beats(1, SESSION_CURRENT), OPENED);
	assert_int_equal(tells(1), HANDSHAKE_NOTHING);
}

static void paths_keep_their_numbers_when_they_move(void **state)
{
	int from[CONF_PATHS_MAX] = { 1, -1, 0 };
	struct session *s = &side[0].h.session[SESSION_CURRENT];

	(void)state;
	agree();
	s->sent[0] = 100;
	s->sent[1] = 70;
	s->heard[1].highest = 33;
	side[0].h.hellos_sent[1] = 500;
	handshake_rearrange(&side[0].h, 3, from);
	assert_int_equal(s->sent[0], 70);
	assert_int_equal(s->sent[1], 100); /* a new one starts above all */
	assert_int_equal(s->sent[2], 100);
	assert_int_equal(s->heard[0].highest, 33);
	/* A path that is new, or came back, hears nothing before the next session. */
	assert_false(replay_is_new(&s->heard[1], 101));
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		assert_int_equal(side[0].h.hellos_sent[i], 500);
	assert_true(handshake_wants_hello(&side[0].h)); /* and the session is renewed */

	/* A path that goes and comes back never counts backwards. */
	handshake_rearrange(&side[0].h, 1, (const int[CONF_PATHS_MAX]){ 0 });
	assert_int_equal(s->sent[0], 70);
	handshake_rearrange(&side[0].h, 2, (const int[CONF_PATHS_MAX]){ 0, -1 });
	assert_int_equal(s->sent[1], 100);
	assert_int_equal(session_sent_most(s), 100);
}

/* It was made of an offer that the paths' change gives up: the path would stay closed. */
static void a_candidate_is_renewed_too_when_paths_change(void **state)
{
	int from[CONF_PATHS_MAX] = { 0, -1 };

	(void)state;
	tells(0);
	tells(1);
	tells(0);
	assert_true(handshake_has(&side[1].h, SESSION_CANDIDATE));
	uint32_t offer = side[1].h.offer;

	handshake_rearrange(&side[1].h, 2, from);
	assert_int_equal(side[1].h.offer, offer + 1);
}

static void a_long_release_name_is_cut(void **state)
{
	(void)state;
	handshake_init(&side[0].h, &side[0].crypto, CLUSTER, 0,
		"a name of more than thirty-two bytes, which is the limit");
	assert_int_equal(strlen(side[0].h.release), HANDSHAKE_RELEASE_MAX);
	assert_int_equal(tells(0), HANDSHAKE_ANSWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_nodes_agree_within_three_hellos),
		T(nothing_expensive_happens_before_a_fresh_hello),
		T(a_stale_hello_is_answered_once_in_five_milliseconds_on_each_path),
		T(a_hello_that_brings_nothing_new_is_not_answered),
		T(a_replayed_hello_leaves_the_session_alone),
		T(a_restarted_peer_is_told_from_a_renewed_session),
		T(the_previous_session_opens_for_one_second_and_seals_nothing),
		T(nothing_of_a_former_boot_is_heard_once_the_new_one_is),
		T(no_candidate_is_derived_twice),
		T(a_candidate_of_another_boot_is_not_derived_again),
		T(a_session_is_renewed_by_volume_or_time),
		T(a_candidate_that_nobody_confirms_ends_nothing),
		T(session_frames_are_opened_once_and_by_their_receiver),
		T(each_path_counts_its_own_frames_without_a_gap),
		T(an_unauthentic_frame_uses_no_number_up),
		T(every_byte_of_a_frame_is_authenticated),
		T(short_and_strange_frames_are_named),
		T(a_hundred_unauthentic_frames_of_a_type_in_a_second_are_enough),
		T(forged_frames_of_one_type_do_not_silence_the_other),
		T(a_new_key_does_not_end_the_session),
		T(paths_keep_their_numbers_when_they_move),
		T(a_candidate_is_renewed_too_when_paths_change),
		T(a_long_release_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
