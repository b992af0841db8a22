/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a guardian says for its engine: HOLD and PARTING, P6.7 and P6.8.
 */
/* covers: will.c */
#include "story.h"

#include "core/state.h"

/* Longer than the detection time, shorter than a HOLD lasts. */
enum { FOR_LONG_MS = 350 };

static void crash(struct pair *p, unsigned i)
{
	pair_start_both(p);
	pair_kill_engine(p, i);
	pair_guardian_says(p, i, WIRE_FRAME_HOLD);
}

static void an_engine_that_starts_again_while_its_guardian_holds_moves_nothing(void **state)
{
	struct pair *p = *state;

	crash(p, 0);
	pair_run(p, FOR_LONG_MS);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_restart_engine(p, 0);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: peer fw1: its engine is silent, roles stay for 500 ms at most",
		"fw2: peer fw1: restarted");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_silent(p, "fw2: group 7");
	assert_int_equal(p->nobody_us + p->both_us, 0);
	assert_int_equal(pair_counter(p, 1, COUNTER_HOLDS_HEARD), 1); /* by three paths */
}

static void a_hold_is_over_after_half_a_second(void **state)
{
	struct pair *p = *state;

	crash(p, 0);
	pair_run(p, 495);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_run(p, 10);
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	ASSERT_TOLD(p, "fw2: peer fw1: lost", "fw2: group 7: primary-backup -> master");
}

static void after_a_restart_the_detection_time_counts_again(void **state)
{
	struct pair *p = *state;

	crash(p, 0);
	pair_run(p, 20);
	pair_restart_engine(p, 0);
	pair_run(p, 30);
	pair_power_off(p, 0);
	pair_run(p, 205);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
}

/* Each frame counts once, whoever sends it again. */
static struct pair_item kept;

static bool keep_a_hold(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	if (from == 0 && path == 0 && frame.data[2] == WIRE_FRAME_HOLD) {
		memcpy(kept.bytes, frame.data, frame.len);
		kept.len = frame.len;
	}
	return true;
}

static void a_recorded_hold_counts_once(void **state)
{
	struct pair *p = *state;

	p->passes = keep_a_hold;
	crash(p, 0);
	assert_true(kept.len > 0);
	pair_run(p, 490);
	pair_frame(p, 1, 0, kept.bytes, kept.len);
	pair_run(p, 20);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_int_equal(pair_counter(p, 1, COUNTER_HOLDS_HEARD), 1);
}

static void a_hold_of_another_term_does_not_count(void **state)
{
	struct pair *p = *state;
	struct entrusted old;

	pair_start_both(p);
	old = p->side[0].entrusted;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 3000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	p->side[0].entrusted = old;
	pair_kill_engine(p, 0);
	pair_guardian_says(p, 0, WIRE_FRAME_HOLD);
	pair_run(p, 300);
	assert_int_equal(pair_counter(p, 1, COUNTER_HOLDS_HEARD), 0);
	assert_false(p->side[1].node->peer_known);
}

/* The words for one situation do not speak for the next. */
static void each_mastership_has_a_will_of_its_own(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 3000);
	pair_kill_engine(p, 1);
	pair_guardian_says(p, 1, WIRE_FRAME_HOLD);
	pair_run(p, FOR_LONG_MS);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_true(p->side[0].node->peer_known);
}

/* The guardian may have spoken for an engine that was late: it is given new words. */
static void an_engine_that_was_late_entrusts_anew(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_pause(p, 0);
	pair_run(p, 140);
	pair_guardian_says(p, 0, WIRE_FRAME_HOLD);
	pair_run(p, FOR_LONG_MS);
	pair_wake(p, 0);
	pair_run(p, 200);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_kill_engine(p, 0);
	pair_guardian_says(p, 0, WIRE_FRAME_HOLD);
	pair_run(p, FOR_LONG_MS);
	assert_int_equal(pair_counter(p, 1, COUNTER_HOLDS_HEARD), 2);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(p->both_us, 0);
}

static void the_peer_takes_over_at_once_when_a_guardian_parts(void **state)
{
	struct pair *p = *state;

	crash(p, 0);
	pair_run(p, FOR_LONG_MS);
	p->side[0].owns[0] = false;
	pair_guardian_says(p, 0, WIRE_FRAME_PARTING);
	pair_run(p, 1);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_owner(p, 1);
	ASSERT_TOLD(p, "fw2: peer fw1: its guardian gave everything up",
		"fw2: group 7: primary-backup -> master, peer stopped (rule 4c");
	assert_int_equal(pair_counter(p, 1, COUNTER_PARTINGS_HEARD), 1);
}

static uint8_t last_beat[PAIR_FRAME_MAX];
static size_t last_beat_len;

static bool keep_back_the_last(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	if (from != 0 || frame.data[2] != WIRE_FRAME_SESSION || p->user == NULL)
		return true;
	if (path == 1) {
		memcpy(last_beat, frame.data, frame.len);
		last_beat_len = frame.len;
	}
	return false;
}

static void no_beat_of_the_engine_counts_after_its_guardian_parted(void **state)
{
	struct pair *p = *state;

	p->passes = keep_back_the_last;
	pair_start_both(p);
	p->user = p;
	pair_run(p, 60);
	pair_kill_engine(p, 0);
	p->side[0].owns[0] = false;
	pair_guardian_says(p, 0, WIRE_FRAME_PARTING);
	pair_run(p, 1);
	assert_true(last_beat_len > 0);
	pair_frame(p, 1, 1, last_beat, last_beat_len);
	assert_false(p->side[1].node->links.peer_alive);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	p->passes = NULL;
	pair_start(p, 0); /* another boot is heard */
	pair_run(p, 500);
	assert_true(p->side[1].node->peer_known);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

/* Sealed by fw1's engine, and not as the protocol has it. */
static void malformed(struct pair *p, const uint8_t *body, size_t len)
{
	uint8_t frame[PAIR_FRAME_MAX];
	uint64_t before = pair_counter(p, 1, COUNTER_DROP_MALFORMED);
	struct handshake *h = &p->side[0].node->handshake;

	memcpy(frame + WIRE_HEADER_LEN, body, len);
	len = handshake_seal_will(
		h, WIRE_FRAME_PARTING, 0, p->side[1].conf->path[0].tag, frame, len);
	pair_frame(p, 1, 0, frame, len);
	assert_int_equal(pair_counter(p, 1, COUNTER_DROP_MALFORMED), before + 1);
}

static void a_body_that_is_not_well_formed_is_dropped(void **state)
{
	static const uint8_t short_number[] = { WIRE_TLV_WILL, 0, 7, 1, 1, 1, 1, 1, 1, 1 };
	static const uint8_t half_a_group[] = { WIRE_TLV_WILL, 0, 11, 9, 9, 9, 9, 9, 9, 9, 9, 7, 0,
		0 };
	static const uint8_t another[] = { WIRE_TLV_ECHO, 0, 0 };
	struct pair *p = *state;

	pair_start_both(p);
	malformed(p, short_number, sizeof(short_number));
	malformed(p, half_a_group, sizeof(half_a_group));
	malformed(p, another, sizeof(another));
	malformed(p, another, 0);
	assert_true(p->side[1].node->peer_known);
	assert_int_equal(pair_counter(p, 1, COUNTER_PARTINGS_HEARD), 0);
}

static void junk_is_neither(void **state)
{
	struct pair *p = *state;

	p->passes = keep_a_hold;
	crash(p, 0);
	for (unsigned i = 0; i < kept.len; i++) {
		kept.bytes[i] ^= 1;
		pair_frame(p, 1, 0, kept.bytes, kept.len);
		kept.bytes[i] ^= 1;
		pair_frame(p, 1, 0, kept.bytes, i);
	}
	pair_run(p, 1);
	assert_int_equal(pair_counter(p, 1, COUNTER_HOLDS_HEARD), 1);
	assert_int_equal(pair_counter(p, 1, COUNTER_PARTINGS_HEARD), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_engine_that_starts_again_while_its_guardian_holds_moves_nothing),
		STORY(a_hold_is_over_after_half_a_second),
		STORY(after_a_restart_the_detection_time_counts_again),
		STORY(a_recorded_hold_counts_once),
		STORY(a_hold_of_another_term_does_not_count),
		STORY(each_mastership_has_a_will_of_its_own),
		STORY(an_engine_that_was_late_entrusts_anew),
		STORY(the_peer_takes_over_at_once_when_a_guardian_parts),
		STORY(no_beat_of_the_engine_counts_after_its_guardian_parted),
		STORY(a_body_that_is_not_well_formed_is_dropped),
		STORY(junk_is_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
