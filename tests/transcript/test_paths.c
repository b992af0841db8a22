/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Liveness, lateness, and the session under it: which path is how, and what a paused node or a
 * recording may bring about.
 */
#include "story.h"

#include "core/state.h"
#include "io/seal.h"

static void a_lost_link_is_a_line_in_the_log_and_nothing_more(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut(p, 0, true);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: link ha0: lost");
	assert_int_equal(pair_said(p, "fw1: link ha0: lost"), 1);
	assert_silent(p, "->");
	pair_cut(p, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: link ha0: lost", "fw1: link ha0: alive");
}

static void one_way_path_is_told_apart_from_a_lost_one(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->cut[0][0] = true; /* fw1 is not heard on ha0 */
	pair_run(p, 1000);
	assert_int_equal(pair_path(p, 0, 0), PATH_ONE_WAY); /* it hears that it is not heard */
	assert_int_equal(pair_path(p, 1, 0), PATH_LOST);
	assert_int_equal(pair_path(p, 0, 1), PATH_ALIVE);
	ASSERT_TOLD(p, "fw1: link ha0: one-way");
	ASSERT_TOLD(p, "fw2: link ha0: lost");
	assert_silent(p, "group");
}

/* fw2 still sends, but hears nothing: that keeps nobody alive. */
static void a_peer_that_hears_nothing_is_lost(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = true;
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: peer fw1: lost");
	ASSERT_TOLD(p, "fw1: peer fw2: lost");
	assert_true(pair_counter(p, 0, COUNTER_BEATS_STALE) > 0);
}

/* fw2 pauses for less than the detection time while a beat waits in its socket. */
static void pause_the_backup(struct pair *p, uint64_t ms)
{
	pair_start_both(p);
	pair_pause(p, 1);
	pair_run(p, ms);
	pair_wake(p, 1);
}

static void a_late_node_does_not_judge_its_peer(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut_all(p, true); /* what was sent while it paused did not come */
	pair_run(p, 60);
	pair_pause(p, 1);
	pair_run(p, 180);
	pair_cut_all(p, false);
	pair_wake(p, 1);
	pair_run(p, 1000);
	assert_int_equal(pair_counter(p, 1, COUNTER_LATE), 1);
	assert_silent(p, "fw2: peer fw1: lost");
	assert_silent(p, "fw2: group");
}

/* The counter-example: as above, but the node is told that it was on time. */
static void without_the_discount_it_would(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut_all(p, true);
	pair_run(p, 60);
	pair_pause(p, 1);
	pair_run(p, 180);
	pair_cut_all(p, false);
	p->side[1].node->deadline = pair_clock(p, 1);
	pair_wake(p, 1);
	assert_int_equal(pair_counter(p, 1, COUNTER_LATE), 0);
	ASSERT_TOLD(p, "fw2: peer fw1: lost", "fw2: group 7: primary-backup -> master");
}

static void a_short_pause_is_nobodys_business(void **state)
{
	struct pair *p = *state;

	pause_the_backup(p, 50);
	pair_run(p, 1000);
	assert_int_equal(pair_counter(p, 1, COUNTER_LATE_DETECTION), 0);
	assert_silent(p, "fw2: peer fw1: lost");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void a_paused_master_touches_nothing_before_it_has_listened(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_pause(p, 0);
	pair_run(p, 2000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	pair_forget(p);
	pair_cut_all(p, true); /* it hears nothing yet */
	pair_wake(p, 0);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	assert_int_equal(pair_counter(p, 0, COUNTER_LATE_DETECTION), 1);
	assert_int_equal(p->side[0].n_announced, 0);
	pair_run(p, 100);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_cut_all(p, false);
	pair_run(p, 90);
	ASSERT_TOLD(p, "fw1: this node ran", "fw1: group 7: master -> init, this node ran late",
		"fw1: group 7: init -> primary-backup, the peer is master");
	assert_int_equal(p->side[0].n_announced, 0);
	assert_owner(p, 1);
}

static void a_paused_master_whose_peer_is_gone_resumes_after_the_detection_time(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_power_off(p, 1);
	pair_pause(p, 0);
	pair_run(p, 2000);
	pair_forget(p);
	pair_wake(p, 0);
	pair_run(p, 199);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 2);
	ASSERT_TOLD(p, "fw1: group 7: init -> master, the peer did not take over meanwhile");
	assert_owner(p, 0);
}

static void a_paused_node_on_its_way_up_starts_no_second_wait(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 100);
	pair_pause(p, 0);
	pair_run(p, 5000);
	pair_wake(p, 0);
	pair_run(p, 4800);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 200);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	/* Late once more, and again before the wait is over: it starts anew. */
	pair_pause(p, 0);
	pair_run(p, 1000);
	pair_wake(p, 0);
	pair_run(p, 100);
	pair_pause(p, 0);
	pair_run(p, 1000);
	pair_wake(p, 0);
	pair_run(p, 199);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 2);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
}

static void a_boot_wait_that_was_slept_through_is_none(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 100);
	pair_pause(p, 0);
	pair_run(p, 15000);
	pair_wake(p, 0);
	pair_run(p, 199);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 2);
	ASSERT_TOLD(p, "fw1: group 7: init -> master, nobody heard during the boot wait");
}

static void the_first_carrier_does_not_cut_short_the_listening_of_a_late_node(void **state)
{
	struct event event = { .type = EVENT_CARRIER, .carrier = { .up = true } };
	struct pair *p = *state;

	p->side[0].no_carrier = true;
	pair_start(p, 0);
	pair_run(p, 100);
	pair_pause(p, 0);
	pair_run(p, 70000);
	pair_wake(p, 0);
	pair_run(p, 50);
	pair_event(p, 0, &event);
	pair_run(p, 149);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 2);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
}

/* Two beats of fw2 never come at the same time. */
static bool one_at_a_time(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	uint64_t *last = p->user;

	(void)path;
	if (from == 0 || frame.data[2] != WIRE_FRAME_SESSION)
		return true;
	bool passes = p->now > *last;

	*last = p->now;
	return passes;
}

static void a_late_master_that_goes_on_is_judged_at_once(void **state)
{
	struct pair *p = *state;
	uint64_t last = 0;

	pair_start_both(p);
	pair_power_off(p, 1);
	pair_run(p, 1000);
	pair_monitor(p, 0, 0, false);
	p->passes = one_at_a_time;
	p->user = &last;
	pair_start(p, 1);
	pair_pause(p, 0);
	pair_run(p, 300);
	pair_forget(p);
	pair_wake(p, 0);
	pair_run(p, 500);
	ASSERT_TOLD(p, "fw1: group 7: init -> master, the peer did not take over meanwhile",
		"fw1: group 7: hand-over none -> asking", "fw2: group 7: primary-backup -> master");
	assert_int_equal(pair_said_at(p, "init -> master, the peer did not"),
		pair_said_at(p, "none -> asking"));
}

struct tape {
	unsigned n;
	struct {
		unsigned to, path;
		size_t len;
		uint8_t bytes[PAIR_FRAME_MAX];
	} frame[512];
};

static bool record(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct tape *t = p->user;

	if (t->n < ARRAY_LEN(t->frame)) {
		t->frame[t->n].to = 1 - from;
		t->frame[t->n].path = path;
		t->frame[t->n].len = frame.len;
		memcpy(t->frame[t->n++].bytes, frame.data, frame.len);
	}
	return true;
}

static void play(struct pair *p, const struct tape *t)
{
	for (unsigned i = 0; i < t->n; i++)
		pair_frame(p, t->frame[i].to, t->frame[i].path, t->frame[i].bytes, t->frame[i].len);
}

static uint64_t sum_of(const struct pair *p, enum counter counter)
{
	return pair_counter(p, 0, counter) + pair_counter(p, 1, counter);
}

static void a_replayed_hello_resets_nothing(void **state)
{
	static struct tape tape;
	struct pair *p = *state;

	p->user = &tape;
	p->passes = record;
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 20);
	p->passes = NULL;
	pair_run(p, 1000);
	pair_forget(p);
	uint64_t handshakes = sum_of(p, COUNTER_HANDSHAKES);

	for (unsigned i = 0; i < 20; i++) {
		play(p, &tape);
		pair_run(p, 50);
	}
	assert_true(tape.n > 8);
	assert_int_equal(sum_of(p, COUNTER_HANDSHAKES), handshakes);
	assert_true(sum_of(p, COUNTER_DROP_REPLAY) > 0);
	assert_silent(p, "peer");
	assert_silent(p, "group");
	assert_true(p->side[0].node->peer_known && p->side[1].node->peer_known);

	/* Nor does a recording of another boot. */
	pair_power_off(p, 1);
	pair_start(p, 1);
	pair_run(p, 2000);
	pair_forget(p);
	handshakes = sum_of(p, COUNTER_HANDSHAKES);
	play(p, &tape);
	pair_run(p, 1000);
	assert_int_equal(sum_of(p, COUNTER_HANDSHAKES), handshakes);
	assert_silent(p, "fw");
	assert_true(sum_of(p, COUNTER_DROP_SESSION) > 0);
}

static bool withhold(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	record(p, from, path, frame);
	return false;
}

/* One frame, kept back and delivered after its sender's restart, whose clock begins anew. */
static void a_frame_of_a_former_boot_deafens_nobody(void **state)
{
	static struct tape tape;
	struct pair *p = *state;

	pair_start_both(p);
	p->user = &tape;
	p->passes = withhold;
	pair_run(p, 60);
	p->passes = NULL;
	pair_power_off(p, 1);
	p->side[1].clock = 1000000;
	pair_start(p, 1);
	while (!p->side[0].node->peer_known || pair_said(p, "fw1: peer fw2: restarted") == 0)
		pair_run(p, 1);
	play(p, &tape);
	pair_forget(p);
	pair_run(p, 2000);
	assert_silent(p, "peer");
	assert_silent(p, "group");
}

static void a_session_is_renewed_without_losing_a_beat(void **state)
{
	struct pair *p = *state;
	uint64_t handshakes, beats, stale;

	p->side[0].conf->heartbeat_ms = 1000;
	pair_same_conf(p);
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 3598000);
	pair_forget(p);
	handshakes = sum_of(p, COUNTER_HANDSHAKES);
	beats = sum_of(p, COUNTER_BEATS_SENT) - sum_of(p, COUNTER_BEATS_HEARD);
	stale = sum_of(p, COUNTER_BEATS_STALE);
	pair_run(p, 10000);
	assert_true(sum_of(p, COUNTER_REKEYS) >= 1);
	assert_true(sum_of(p, COUNTER_HANDSHAKES) >= handshakes + 2);
	assert_silent(p, "fw");
	/* What was sent under the candidate before the other side had it may be dropped: the same
	 * beat went out under the session. */
	uint64_t dropped = sum_of(p, COUNTER_DROP_SESSION);

	assert_int_equal(
		sum_of(p, COUNTER_BEATS_SENT) - sum_of(p, COUNTER_BEATS_HEARD), beats + dropped);
	assert_int_equal(sum_of(p, COUNTER_BEATS_STALE), stale);
	assert_true(p->side[0].node->peer_known && p->side[1].node->peer_known);
	assert_false(handshake_wants_hello(&p->side[0].node->handshake));
	assert_false(handshake_wants_hello(&p->side[1].node->handshake));
}

static void renew(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i);
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
	}
}

/* Both get the new key beside the old one, then the new one alone; a reload tells the core. */
static void key_rotation_is_hitless(void **state)
{
	const uint64_t old = 0x1111111111111101, new = 0x2222222222222202;
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned step = 0; step < 4; step++) {
		struct toy *t = &p->side[step % 2].toy;

		t->key[0] = new;
		t->key[1] = old;
		t->n_keys = step < 2 ? 2 : 1;
		pair_next_conf(p, step % 2);
		assert_int_equal(pair_reload(p, step % 2), RESULT_DONE);
		pair_run(p, 2000);
		/* Each step bears a renewal: the hellos find a key that both have. */
		p->side[0].node->handshake.session[SESSION_CURRENT].made_at = (mono_t){ 0 };
		p->side[1].node->handshake.session[SESSION_CURRENT].made_at = (mono_t){ 0 };
		uint64_t handshakes = sum_of(p, COUNTER_HANDSHAKES);

		p->side[0].node->handshake.session[SESSION_CURRENT].sent[0] = 1 << 28;
		pair_run(p, 1000);
		assert_true(sum_of(p, COUNTER_HANDSHAKES) >= handshakes + 2);
	}
	assert_silent(p, "peer");
	assert_silent(p, "group");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	renew(p);
	pair_power_off(p, 1); /* and with the new key alone a node comes back */
	pair_start(p, 1);
	pair_run(p, 1000);
	assert_true(p->side[1].node->peer_known);
}

static void two_nodes_with_different_keys_do_not_agree(void **state)
{
	struct pair *p = *state;

	p->side[1].toy.key[0] = 0x2222222222222202; /* another hint */
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 1000);
	assert_true(pair_counter(p, 0, COUNTER_DROP_KEY) > 0);
	assert_int_equal(sum_of(p, COUNTER_HANDSHAKES), 0);
	pair_power_off(p, 1);
	p->side[1].toy.key[0] = 0x2222222222222201; /* another key with this hint */
	pair_start(p, 1);
	pair_run(p, 1000);
	assert_true(pair_counter(p, 0, COUNTER_DROP_AUTH) > 0);
	assert_int_equal(sum_of(p, COUNTER_HANDSHAKES), 0);
	assert_states(p, GROUP_INIT, GROUP_INIT);
}

static void every_drop_has_its_counter(void **state)
{
	struct pair *p = *state;
	uint8_t frame[64] = { WIRE_MAGIC, WIRE_VERSION, WIRE_FRAME_SESSION, 3, 1, 1, 1 };
	static const struct {
		unsigned at;
		uint8_t value;
		enum counter counter;
	} cases[] = {
		{ 0, 0, COUNTER_DROP_MAGIC },
		{ 1, 2, COUNTER_DROP_VERSION },
		{ 3, 4, COUNTER_DROP_CLUSTER },
		{ 5, 2, COUNTER_DROP_PATH },
		{ 6, 0, COUNTER_DROP_REFLECTED },
		{ 2, 5, COUNTER_DROP_TYPE },
		{ 12, 1, COUNTER_DROP_LENGTH },
		{ 13, 15, COUNTER_DROP_LENGTH }, /* less than a tag */
		{ 13, 16, COUNTER_DROP_SESSION },
	};

	pair_start_both(p);
	pair_frame(p, 0, 0, frame, WIRE_HEADER_LEN - 1);
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_SHORT), 1);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before = pair_counter(p, 0, cases[i].counter);
		uint8_t kept = frame[cases[i].at];

		frame[cases[i].at] = cases[i].value;
		pair_frame(p, 0, 0, frame, sizeof(frame));
		frame[cases[i].at] = kept;
		assert_int_equal(pair_counter(p, 0, cases[i].counter), before + 1);
	}
}

static void unauthentic_frames_are_limited_in_each_second(void **state)
{
	struct pair *p = *state;
	uint8_t frame[64] = { WIRE_MAGIC, WIRE_VERSION, WIRE_FRAME_HELLO, 3, 1, 1, 1, 0x01 };

	pair_start_both(p);
	pair_run(p, 5000);
	frame[13] = sizeof(frame) - WIRE_HEADER_LEN;
	frame[13] = CRYPTO_NONCE_LEN; /* too short for a tag */
	pair_frame(p, 0, 0, frame, sizeof(frame));
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_LENGTH), 1);

	uint8_t hello[WIRE_HEADER_LEN + CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN + 8];

	memset(hello, 0x55, sizeof(hello));
	memcpy(hello, frame, WIRE_HEADER_LEN);
	hello[13] = sizeof(hello) - WIRE_HEADER_LEN;
	for (unsigned i = 0; i < 250; i++)
		pair_frame(p, 0, 0, hello, sizeof(hello));
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_AUTH), 100);
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_RATE), 150);
	pair_run(p, 1000);
	assert_silent(p, "peer");
	assert_silent(p, "link"); /* the session goes on, by this path, too */
	pair_frame(p, 0, 0, hello, sizeof(hello));
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_AUTH), 101);
}

/* The same with OpenSSL's cryptography instead of the toy. */
static void the_core_agrees_with_the_real_cryptography(void **state)
{
	static const uint8_t key[CRYPTO_KEY_LEN] = { 1, 2, 3 };
	struct pair *p = *state;
	struct seal seal[2];

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(seal_init(&seal[i], key, NULL), 0);
		p->side[i].crypto = seal_crypto(&seal[i]);
	}
	pair_start_both(p);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_power_off(p, 0);
	pair_run(p, 300);
	pair_start(p, 0);
	pair_run(p, 300);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_AUTH), 0);
	for (unsigned i = 0; i < 2; i++)
		seal_fini(&seal[i]);
}

static struct {
	uint64_t at[2]; /* the last beat of each */
	unsigned n[2];
	unsigned in_step; /* beats of fw1 that follow one of fw2 at once */
} beats;

static bool watch_beats(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	if (path != 0 || pair_tlv(frame, WIRE_TLV_BEAT).len == 0)
		return true;
	beats.at[from] = p->now;
	beats.n[from]++;
	beats.in_step += from == 0 && p->now - beats.at[1] <= 2 * PAIR_FRAME_US;
	return true;
}

static void node_0_sends_its_beat_with_the_one_it_hears(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->passes = watch_beats;
	pair_run(p, 1000);
	memset(&beats, 0, sizeof(beats));
	pair_run(p, 1000);
	assert_in_range(beats.n[0], 19, 22);
	assert_in_range(beats.n[1], 19, 22);
	assert_in_range(beats.in_step, 19, 22);
	pair_power_off(p, 1);
	pair_run(p, 1000);
	memset(&beats, 0, sizeof(beats));
	pair_run(p, 1000); /* alone it goes by its own clock */
	assert_in_range(beats.n[0], 19, 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_lost_link_is_a_line_in_the_log_and_nothing_more),
		STORY(one_way_path_is_told_apart_from_a_lost_one),
		STORY(a_peer_that_hears_nothing_is_lost),
		STORY(a_late_node_does_not_judge_its_peer),
		STORY(without_the_discount_it_would),
		STORY(a_short_pause_is_nobodys_business),
		STORY(a_paused_master_touches_nothing_before_it_has_listened),
		STORY(a_paused_master_whose_peer_is_gone_resumes_after_the_detection_time),
		STORY(a_paused_node_on_its_way_up_starts_no_second_wait),
		STORY(a_boot_wait_that_was_slept_through_is_none),
		STORY(a_late_master_that_goes_on_is_judged_at_once),
		STORY(the_first_carrier_does_not_cut_short_the_listening_of_a_late_node),
		STORY(a_replayed_hello_resets_nothing),
		STORY(a_frame_of_a_former_boot_deafens_nobody),
		STORY(a_session_is_renewed_without_losing_a_beat),
		STORY(key_rotation_is_hitless),
		STORY(two_nodes_with_different_keys_do_not_agree),
		STORY(every_drop_has_its_counter),
		STORY(unauthentic_frames_are_limited_in_each_second),
		STORY(the_core_agrees_with_the_real_cryptography),
		STORY(node_0_sends_its_beat_with_the_one_it_hears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
