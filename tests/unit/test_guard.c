/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct guard g;
static struct guard_actions out;
static mono_t now;
static struct conf conf;

enum { BEAT_MS = 50, PATIENCE_MS = 75 };

/* Three groups, nothing held, the engine runs. */
static int set_up(void **state)
{
	(void)state;
	now = (mono_t){ 100000000 };
	conf = (struct conf){ .heartbeat_ms = BEAT_MS, .lost_after = 4, .n_groups = 3 };
	guard_init(&g, &conf, 0, now);
	guard_timer(&g, now, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.action[0].type, GUARD_SPAWN);
	return 0;
}

static unsigned done(enum guard_action_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out.n; i++)
		n += out.action[i].type == type;
	return n;
}

static void order(unsigned group, enum role role, uint32_t term)
{
	guard_ordered(&g, now, group, role, term, &out);
}

static void pass(uint64_t ms)
{
	now = mono_after_ms(now, ms);
}

/* The engine lives; the timer fires whenever it is due. What it did is counted. */
static unsigned live(uint64_t ms, enum guard_action_type type)
{
	mono_t until = mono_after_ms(now, ms);
	unsigned n = 0;

	while (mono_before(now, until)) {
		guard_engine_heard(&g, mono_after_ms(now, BEAT_MS));
		mono_t due = guard_deadline(&g);

		now = mono_min(mono_min(due, mono_after_ms(now, BEAT_MS)), until);
		if (mono_reached(due, now)) {
			guard_timer(&g, now, &out);
			n += done(type);
		}
		/* No spinning. */
		assert_true(mono_before(now, guard_deadline(&g)));
	}
	return n;
}

static void orders_become_actions_and_are_reported(void **state)
{
	(void)state;
	order(1, ROLE_TAKE, 5);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.action[0].type, GUARD_ADD);
	assert_int_equal(out.action[0].group, 1);
	assert_int_equal(out.action[0].term, 5);
	assert_true(out.action[0].report);
	assert_int_equal(guard_held(&g), 2);
	order(1, ROLE_DROP, 6);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.action[0].type, GUARD_REMOVE);
	assert_true(out.action[0].report);
	assert_int_equal(guard_held(&g), 0);
}

static void a_lingering_group_is_removed_after_two_seconds(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	order(0, ROLE_DROP_LINGER, 1);
	assert_int_equal(out.action[0].type, GUARD_REMOVE_LINGER);
	assert_int_equal(guard_held(&g), 0);
	assert_int_equal(live(GUARD_LINGER_MS - 1, GUARD_REMOVE_REST), 0);
	assert_int_equal(live(2, GUARD_REMOVE_REST), 1);
	assert_int_equal(live(20000, GUARD_REMOVE_REST), 0);
}

static void a_group_taken_again_does_not_lose_what_lingers(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	order(0, ROLE_DROP_LINGER, 1);
	pass(500);
	order(0, ROLE_TAKE, 2);
	assert_int_equal(live(GUARD_LINGER_MS + 100, GUARD_REMOVE_REST), 0);
	assert_int_equal(guard_held(&g), 1);
}

static void leases_are_renewed_while_something_is_held(void **state)
{
	(void)state;
	assert_int_equal(live(20000, GUARD_RENEW), 0);
	order(0, ROLE_TAKE, 1);
	assert_int_equal(live(20001, GUARD_RENEW), 10);
	order(0, ROLE_DROP, 1);
	assert_int_equal(live(20000, GUARD_RENEW), 0);
	order(0, ROLE_TAKE, 2); /* after a while without, the lease is a whole one */
	assert_int_equal(live(1999, GUARD_RENEW), 0);
	assert_int_equal(live(2, GUARD_RENEW), 1);
}

static void a_guardian_that_was_paused_past_the_lease_owns_nothing(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	order(2, ROLE_TAKE, 4);
	pass(GUARD_LEASE_MS);
	guard_engine_heard(&g, now);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_REMOVE), 2);
	assert_int_equal(done(GUARD_TELL_LEASE_LOST), 2);
	assert_int_equal(done(GUARD_RENEW), 0);
	assert_int_equal(out.action[3].group, 2);
	assert_int_equal(out.action[3].term, 4);
	assert_int_equal(guard_held(&g), 0);
}

static void what_a_lease_took_is_not_put_back(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	pass(GUARD_LEASE_MS - 1);
	guard_missing(&g, now, 0, &out); /* another program did that */
	assert_int_equal(done(GUARD_PUT_BACK), 1);
	pass(1);
	guard_missing(&g, now, 0, &out); /* heard before the timer */
	assert_int_equal(out.n, 0);
}

static void nor_tried_again(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	for (unsigned i = 0; i <= GUARD_PUT_BACK_MAX; i++)
		guard_missing(&g, now, 0, &out);
	assert_int_equal(done(GUARD_TELL_TAKEN_AWAY), 1);
	pass(GUARD_PUT_BACK_MS); /* paused */
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_PUT_BACK), 0);
	assert_int_equal(done(GUARD_REMOVE), 1);
	assert_int_equal(done(GUARD_TELL_LEASE_LOST), 1);
}

static void a_pause_shorter_than_the_lease_renews_it(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	pass(GUARD_LEASE_MS - 1);
	guard_engine_heard(&g, now);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_RENEW), 1);
	assert_int_equal(guard_held(&g), 1);
}

static void an_engine_that_dies_once_is_replaced_at_once(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	guard_engine_died(&g, now, false, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
	assert_int_equal(guard_held(&g), 1); /* the next one adopts */
	assert_true(mono_reached(guard_deadline(&g), now));
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 1);
	assert_int_equal(done(GUARD_REMOVE), 0);
	assert_int_equal(g.starts, 2);
}

static void an_engine_that_dies_again_soon_is_withdrawn_and_waits(void **state)
{
	(void)state;
	guard_engine_died(&g, now, false, &out);
	guard_timer(&g, now, &out);
	order(0, ROLE_TAKE, 1);
	order(1, ROLE_TAKE, 1);
	order(1, ROLE_DROP_LINGER, 1);
	pass(GUARD_SOON_MS - 1);
	guard_engine_died(&g, now, false, &out);
	assert_int_equal(done(GUARD_SAY_HOLD), 0);
	assert_int_equal(done(GUARD_REMOVE), 2); /* also what lingers */
	assert_int_equal(out.action[2].type, GUARD_SAY_PARTING);
	assert_int_equal(guard_held(&g), 0);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 0);
	assert_int_equal(guard_deadline(&g).us, now.us + 1000000);
	pass(1000);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 1);
}

static void an_engine_that_dies_after_a_while_died_once(void **state)
{
	(void)state;
	guard_engine_died(&g, now, false, &out);
	guard_timer(&g, now, &out);
	order(0, ROLE_TAKE, 1);
	pass(GUARD_SOON_MS);
	guard_engine_died(&g, now, false, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
	assert_int_equal(guard_held(&g), 1);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 1);
}

static void the_wait_for_a_new_engine_doubles_up_to_half_a_minute(void **state)
{
	static const uint64_t waits[] = { 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(waits); i++) {
		guard_engine_died(&g, now, false, &out);
		assert_int_equal(guard_deadline(&g).us, now.us + waits[i] * 1000);
		/* It dies again and again at its start. */
		now = guard_deadline(&g);
		guard_timer(&g, now, &out);
		assert_int_equal(done(GUARD_SPAWN), 1);
		if (waits[i] >= GUARD_SOON_MS)
			g.died_at = now; /* as if it had died soon */
	}
}

/* The timer fires; what it did is in `out`. */
static void fire_after(uint64_t ms)
{
	pass(ms);
	guard_timer(&g, now, &out);
}

static void an_engine_that_is_late_is_spoken_for_once(void **state)
{
	(void)state;
	guard_engine_heard(&g, mono_after_ms(now, BEAT_MS));
	fire_after(BEAT_MS + PATIENCE_MS - 1);
	assert_int_equal(out.n, 0);
	fire_after(1);
	assert_int_equal(out.n, 1);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
	fire_after(1);
	assert_int_equal(out.n, 0);
	guard_engine_heard(&g, mono_after_ms(now, BEAT_MS)); /* it runs again */
	assert_int_equal(guard_deadline(&g).us, now.us + (BEAT_MS + PATIENCE_MS) * UINT64_C(1000));
	fire_after(BEAT_MS + PATIENCE_MS);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
}

static void an_engine_that_stays_late_is_killed_and_withdrawn(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	guard_engine_heard(&g, now);
	fire_after(PATIENCE_MS);
	fire_after(GUARD_HANG_MS - 1);
	assert_int_equal(done(GUARD_KILL), 0);
	fire_after(1);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.action[0].type, GUARD_KILL); /* it cannot wake in the middle */
	assert_int_equal(out.action[1].type, GUARD_REMOVE);
	assert_int_equal(out.action[2].type, GUARD_SAY_PARTING);
	guard_timer(&g, now, &out); /* once */
	assert_int_equal(done(GUARD_KILL), 0);
	guard_engine_died(&g, now, false, &out);
	assert_int_equal(done(GUARD_SAY_HOLD), 0);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 0);
	fire_after(1000);
	assert_int_equal(done(GUARD_SPAWN), 1);
}

static void an_engine_has_time_to_start(void **state)
{
	(void)state;
	fire_after(GUARD_START_MS + PATIENCE_MS - 1);
	assert_int_equal(out.n, 0);
	fire_after(1);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
}

static void a_guardian_that_was_paused_too_does_not_judge_its_engine(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	guard_engine_heard(&g, now);
	fire_after(PATIENCE_MS + GUARD_LATE_MS + 1);
	assert_int_equal(done(GUARD_SAY_HOLD), 0);
	fire_after(PATIENCE_MS);
	assert_int_equal(done(GUARD_SAY_HOLD), 1);
	fire_after(GUARD_HANG_MS + GUARD_LATE_MS + 1);
	assert_int_equal(done(GUARD_KILL), 0);
	assert_int_equal(guard_held(&g), 1);
}

static void patience_ends_before_the_peer_loses_the_node(void **state)
{
	(void)state;
	for (unsigned lost_after = 2; lost_after < 255; lost_after++) {
		conf.lost_after = (uint16_t)lost_after;
		uint64_t detection_us = BEAT_MS * UINT64_C(1000) * lost_after;

		assert_true(guard_patience_us(&conf) > 0);
		assert_true(BEAT_MS * UINT64_C(1000) + guard_patience_us(&conf) < detection_us);
	}
}

static void a_new_master_that_is_heard_ends_the_lingering(void **state)
{
	(void)state;
	order(1, ROLE_TAKE, 5);
	guard_superseded(&g, now, 1); /* held: it is somebody else's mistake */
	assert_int_equal(live(GUARD_LINGER_MS, GUARD_REMOVE_REST), 0);
	assert_int_equal(guard_held(&g), 2);
	order(1, ROLE_DROP_LINGER, 6);
	assert_int_equal(live(10, GUARD_REMOVE_REST), 0);
	guard_superseded(&g, now, 1);
	guard_superseded(&g, now, 2); /* nothing lingers there */
	assert_int_equal(live(GUARD_SUPERSEDED_MS - 1, GUARD_REMOVE_REST), 0);
	guard_superseded(&g, now, 1); /* once more changes nothing */
	assert_int_equal(live(2, GUARD_REMOVE_REST), 1);
	guard_superseded(&g, now, 1);
	assert_int_equal(live(2 * GUARD_LINGER_MS, GUARD_REMOVE_REST), 0);
	/* Late, it does not make it longer. */
	order(1, ROLE_TAKE, 7);
	order(1, ROLE_DROP_LINGER, 8);
	(void)live(GUARD_LINGER_MS - 5, GUARD_REMOVE_REST);
	guard_superseded(&g, now, 1);
	assert_int_equal(live(6, GUARD_REMOVE_REST), 1);
}

static void what_is_missing_is_put_back_five_times_in_ten_seconds(void **state)
{
	(void)state;
	guard_missing(&g, now, 0, &out); /* not ours */
	assert_int_equal(out.n, 0);
	order(0, ROLE_TAKE, 3);
	for (unsigned i = 0; i < GUARD_PUT_BACK_MAX; i++) {
		guard_missing(&g, now, 0, &out);
		assert_int_equal(out.n, 1);
		assert_int_equal(out.action[0].type, GUARD_PUT_BACK);
		assert_int_equal(out.action[0].term, 3);
	}
	guard_missing(&g, now, 0, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.action[0].type, GUARD_TELL_TAKEN_AWAY);
	guard_missing(&g, now, 0, &out); /* told once, not fought */
	assert_int_equal(out.n, 0);
	/* Nobody else took over: it is tried again when the ten seconds are over. */
	assert_int_equal(live(GUARD_PUT_BACK_MS - 1, GUARD_PUT_BACK), 0);
	assert_int_equal(live(2, GUARD_PUT_BACK), 1);
	for (unsigned i = 1; i < GUARD_PUT_BACK_MAX; i++)
		guard_missing(&g, now, 0, &out);
	assert_int_equal(done(GUARD_PUT_BACK), 1);
	guard_missing(&g, now, 0, &out);
	assert_int_equal(done(GUARD_TELL_TAKEN_AWAY), 1);
}

static void a_slow_thief_is_answered_for_ever(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 3);
	for (unsigned i = 0; i < 100; i++) {
		live(3000, GUARD_RENEW);
		guard_missing(&g, now, 0, &out);
		assert_int_equal(done(GUARD_PUT_BACK), 1);
	}
}

static void a_group_that_yielded_and_was_dropped_is_left_alone(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 3);
	for (unsigned i = 0; i <= GUARD_PUT_BACK_MAX; i++)
		guard_missing(&g, now, 0, &out);
	order(0, ROLE_DROP_LINGER, 3);
	assert_int_equal(live(30000, GUARD_PUT_BACK), 0);
	order(0, ROLE_TAKE, 5); /* and starts anew */
	guard_missing(&g, now, 0, &out);
	assert_int_equal(done(GUARD_PUT_BACK), 1);
}

static void a_clean_end_removes_all_and_exits_when_nothing_lingers(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	order(1, ROLE_TAKE, 1);
	order(1, ROLE_DROP_LINGER, 1);
	guard_stop(&g, now, &out);
	assert_int_equal(out.n, 0); /* the engine hands over first */
	guard_engine_died(&g, now, true, &out);
	assert_int_equal(done(GUARD_REMOVE), 1);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_EXIT), 0);
	now = guard_deadline(&g);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_REMOVE_REST), 1);
	assert_int_equal(done(GUARD_EXIT), 1);
}

static void an_engine_that_ends_by_itself_is_not_started_again(void **state)
{
	(void)state;
	guard_engine_died(&g, now, true, &out);
	assert_true(mono_reached(guard_deadline(&g), now));
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 0);
	assert_int_equal(done(GUARD_EXIT), 1);
}

static void an_engine_that_dies_while_it_stops_is_not_started_again(void **state)
{
	(void)state;
	order(0, ROLE_TAKE, 1);
	guard_stop(&g, now, &out);
	guard_engine_died(&g, now, false, &out);
	assert_int_equal(done(GUARD_REMOVE), 1);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_SPAWN), 0);
	assert_int_equal(done(GUARD_EXIT), 1);
}

static void a_stop_without_an_engine_exits_at_once(void **state)
{
	(void)state;
	guard_init(&g, &conf, 0, now);
	guard_stop(&g, now, &out);
	assert_int_equal(done(GUARD_EXIT), 1);
	assert_int_equal(done(GUARD_SPAWN), 0);
}

static void a_stop_without_an_engine_removes_what_is_held(void **state)
{
	unsigned exits;

	(void)state;
	order(0, ROLE_TAKE, 1);
	guard_engine_died(&g, now, false, &out); /* and before the next one starts */
	guard_stop(&g, now, &out);
	exits = done(GUARD_EXIT);
	for (unsigned i = 0; i < 10 && exits == 0; i++) {
		now = mono_max(now, guard_deadline(&g));
		guard_timer(&g, now, &out);
		exits += done(GUARD_EXIT);
	}
	assert_int_equal(exits, 1);
	assert_int_equal(guard_held(&g), 0);
}

static void what_a_former_guardian_left_is_adopted(void **state)
{
	(void)state;
	guard_init(&g, &conf, 5, now);
	assert_int_equal(guard_held(&g), 5);
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_RENEW), 1);
	assert_int_equal(done(GUARD_SPAWN), 1);
}

static void groups_keep_their_state_when_they_move(void **state)
{
	int from[CONF_GROUPS_MAX] = { 2, -1, 0, 1 };

	(void)state;
	order(0, ROLE_TAKE, 7);
	order(2, ROLE_TAKE, 8);
	conf.n_groups = 4;
	guard_rearrange(&g, &conf, from);
	assert_int_equal(guard_held(&g), 1 | 4);
	assert_int_equal(g.group[0].term, 8);
	assert_int_equal(g.group[2].term, 7);
	from[0] = 1;
	conf.n_groups = 1;
	guard_rearrange(&g, &conf, from);
	assert_int_equal(guard_held(&g), 0);
}

static void every_group_at_once_fits_into_the_list(void **state)
{
	(void)state;
	conf.n_groups = CONF_GROUPS_MAX;
	guard_init(&g, &conf, UINT64_MAX, now);
	guard_timer(&g, now, &out);
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i++) {
		for (unsigned k = 0; k <= GUARD_PUT_BACK_MAX; k++)
			guard_missing(&g, now, i, &out);
	}
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i += 2)
		order(i, ROLE_DROP_LINGER, 1);
	pass(GUARD_PUT_BACK_MS + GUARD_LEASE_MS); /* all is due at once */
	g.held_at = (mono_t){ now.us - GUARD_HANG_MS * UINT64_C(1000) };
	guard_timer(&g, now, &out);
	assert_int_equal(done(GUARD_REMOVE_REST), CONF_GROUPS_MAX / 2);
	assert_int_equal(done(GUARD_REMOVE), CONF_GROUPS_MAX / 2);
	assert_int_equal(done(GUARD_TELL_LEASE_LOST), CONF_GROUPS_MAX / 2);
	assert_int_equal(done(GUARD_KILL), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		T(orders_become_actions_and_are_reported),
		T(a_lingering_group_is_removed_after_two_seconds),
		T(a_group_taken_again_does_not_lose_what_lingers),
		T(leases_are_renewed_while_something_is_held),
		T(a_guardian_that_was_paused_past_the_lease_owns_nothing),
		T(what_a_lease_took_is_not_put_back),
		T(nor_tried_again),
		T(a_pause_shorter_than_the_lease_renews_it),
		T(an_engine_that_dies_once_is_replaced_at_once),
		T(an_engine_that_dies_again_soon_is_withdrawn_and_waits),
		T(an_engine_that_dies_after_a_while_died_once),
		T(the_wait_for_a_new_engine_doubles_up_to_half_a_minute),
		T(an_engine_that_is_late_is_spoken_for_once),
		T(an_engine_that_stays_late_is_killed_and_withdrawn),
		T(an_engine_has_time_to_start),
		T(a_guardian_that_was_paused_too_does_not_judge_its_engine),
		T(patience_ends_before_the_peer_loses_the_node),
		T(a_new_master_that_is_heard_ends_the_lingering),
		T(what_is_missing_is_put_back_five_times_in_ten_seconds),
		T(a_slow_thief_is_answered_for_ever),
		T(a_group_that_yielded_and_was_dropped_is_left_alone),
		T(a_clean_end_removes_all_and_exits_when_nothing_lingers),
		T(an_engine_that_ends_by_itself_is_not_started_again),
		T(an_engine_that_dies_while_it_stops_is_not_started_again),
		T(a_stop_without_an_engine_exits_at_once),
		T(what_a_former_guardian_left_is_adopted),
		T(groups_keep_their_state_when_they_move),
		T(every_group_at_once_fits_into_the_list),
		T(a_stop_without_an_engine_removes_what_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
