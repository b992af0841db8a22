/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What history tells of a change of mastership: the steps before it, those behind it, and the
 * monitor that failed.
 */
#include "mirror_story.h"

#include "core/state.h"

#define BIT(step) (1u << (step))

static const struct action_record *record(const struct pair *p, unsigned i)
{
	return &p->side[i].record;
}

static void a_lost_peer_was_heard_a_detection_time_ago(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_forget(p);
	pair_power_off(p, 0);
	pair_run(p, 150);
	assert_int_equal(p->side[1].told, 0);
	pair_run(p, 300);
	assert_int_equal(record(p, 1)->to, GROUP_MASTER);
	assert_int_equal(record(p, 1)->steps, BIT(STEP_HEARD));
	/* The last beat by the secondary path may be the later one. */
	assert_in_range(record(p, 1)->step_us[STEP_HEARD], 150000, 200000);
	assert_int_equal(record(p, 1)->monitor, -1);
	/* Without a mirror nothing is left to do. */
	assert_int_equal(p->side[1].told, BIT(STEP_SETTLED));
}

static void a_planned_failover_tells_its_steps_in_order(void **state)
{
	struct pair *p = *state;
	const uint32_t *old = record(p, 0)->step_us, *new = record(p, 1)->step_us;

	pair_start_both(p);
	pair_forget(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_owner(p, 1);
	assert_int_equal(record(p, 0)->from, GROUP_MASTER);
	assert_int_equal(
		record(p, 0)->steps, BIT(STEP_ASKED) | BIT(STEP_ACCEPTED) | BIT(STEP_DRAINED));
	assert_true(old[STEP_ASKED] > old[STEP_ACCEPTED]);
	assert_true(old[STEP_ACCEPTED] >= old[STEP_DRAINED]);
	assert_true(old[STEP_DRAINED] >= PAIR_ROLE_US);
	assert_int_equal(p->side[0].told, BIT(STEP_CONFIRMED));

	assert_int_equal(record(p, 1)->to, GROUP_MASTER);
	assert_int_equal(record(p, 1)->steps, BIT(STEP_ASKED) | BIT(STEP_ACCEPTED));
	assert_true(new[STEP_ASKED] >= new[STEP_ACCEPTED] && new[STEP_ACCEPTED] > 0);
	assert_int_equal(p->side[1].told, BIT(STEP_SETTLED));
}

static void a_hand_over_that_came_to_nothing_leaves_no_steps(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run_us(p, 150);
	assert_int_equal(p->side[1].node->group[0].handover.phase, HANDOVER_RESERVED);
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_owner(p, 1);
	assert_int_equal(record(p, 1)->steps, BIT(STEP_HEARD));
}

static void the_next_mastership_does_not_tell_of_the_last_hand_over(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 500);
	assert_int_equal(p->side[0].node->group[0].handover.steps, 0);
	assert_int_equal(p->side[1].node->group[0].handover.steps, 0);
	pair_power_off(p, 1);
	pair_run(p, 500);
	assert_owner(p, 0);
	assert_int_equal(record(p, 0)->steps, BIT(STEP_HEARD));
}

static void the_failed_monitor_is_named_on_both_nodes(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 0, 1, false); /* weight 100 */
	pair_monitor(p, 0, 0, false); /* 255 */
	pair_run(p, 500);
	assert_owner(p, 1);
	assert_int_equal(record(p, 0)->reason, REASON_MONITORS);
	assert_int_equal(record(p, 0)->monitor, 0);
	assert_int_equal(record(p, 1)->reason, REASON_MONITORS);
	assert_int_equal(record(p, 1)->monitor, 0);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 100);
	assert_int_equal(record(p, 0)->reason, REASON_MAINTENANCE);
	assert_int_equal(record(p, 0)->monitor, -1);
}

static void two_masters_that_met_went_through_no_steps(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut_all(p, true);
	pair_run(p, 1000);
	pair_cut_all(p, false);
	pair_run(p, 1000);
	assert_owner(p, 1);
	assert_int_equal(record(p, 1)->reason, REASON_TWO_MASTERS);
	assert_int_equal(record(p, 1)->steps, 0);
	assert_true(record(p, 1)->two_masters_ms > 0);
}

static void a_takeover_is_settled_when_sessions_run_out_by_their_own_time(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_run(p, 5000);
	pair_forget(p);
	pair_power_off(p, 0);
	pair_run(p, MIRROR_SETTLE_AFTER_MS);
	assert_owner(p, 1);
	assert_int_equal(p->side[1].told, 0);
	pair_run(p, 3000);
	assert_int_equal(p->side[1].told, BIT(STEP_SETTLED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_lost_peer_was_heard_a_detection_time_ago),
		STORY(a_planned_failover_tells_its_steps_in_order),
		STORY(a_hand_over_that_came_to_nothing_leaves_no_steps),
		STORY(the_next_mastership_does_not_tell_of_the_last_hand_over),
		STORY(the_failed_monitor_is_named_on_both_nodes),
		STORY(two_masters_that_met_went_through_no_steps),
		MIRROR(a_takeover_is_settled_when_sessions_run_out_by_their_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
