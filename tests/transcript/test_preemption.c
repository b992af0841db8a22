/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preemption: the hold-down, its conditions, and what suspends it.
 */
#include "story.h"

#include "core/state.h"

static void preempting_pair(struct pair *p)
{
	p->side[0].conf->group[0].preempt = true;
	pair_same_conf(p);
	pair_start(p, 1);
	pair_run(p, 11000);
}

static void preemption_waits_for_the_hold_down(void **state)
{
	struct pair *p = *state;

	preempting_pair(p);
	pair_start(p, 0);
	pair_run(p, 2900);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_run(p, 200);
	ASSERT_TOLD(p, "fw2: group 7: master -> primary-backup, preemption (rule 2c, term 1)",
		"fw1: group 7: primary-backup -> master, preemption (rule 2c, term 2)");
	assert_int_equal(p->both_us, 0);
}

static void the_hold_down_starts_anew_when_its_conditions_lapse(void **state)
{
	struct pair *p = *state;

	preempting_pair(p);
	pair_start(p, 0);
	pair_run(p, 2900);
	pair_monitor(p, 0, 0, false);
	pair_monitor(p, 0, 0, true);
	pair_run(p, 2900);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_run(p, 200);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

/* The master asks by what was said before; the two words cross. */
static void a_preemption_whose_conditions_lapsed_is_refused(void **state)
{
	struct pair *p = *state;

	preempting_pair(p);
	pair_start(p, 0);
	while (!p->side[0].node->group[0].preempting)
		pair_run_us(p, PAIR_FRAME_US / 2);
	pair_monitor(p, 0, 0, false);
	pair_monitor(p, 0, 0, true);
	pair_run(p, 2900);
	ASSERT_TOLD(p, "fw2: group 7: hand-over none -> asking, term 2",
		"fw1: group 7: hand-over none -> refusing, term 2",
		"fw2: group 7: hand-over to fw1 failed: the peer refused");
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_run(p, 200);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void a_node_that_is_not_in_sync_does_not_preempt(void **state)
{
	struct pair *p = *state;

	preempting_pair(p);
	p->side[0].in_sync = false;
	pair_start(p, 0);
	pair_run(p, 20000);
	assert_states(p, GROUP_BACKUP, GROUP_MASTER);
	assert_int_equal(p->side[0].node->group[0].rule, RULE_NOT_IN_SYNC);
	assert_int_equal(p->side[1].node->group[0].rule, RULE_NOT_IN_SYNC);
	pair_sync(p, 0, true);
	pair_run(p, 3100);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void manual_failover_suspends_preemption_until_a_real_failure(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->group[0].preempt = true;
	pair_same_conf(p);
	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 20000);
	ASSERT_TOLD(p, "fw1: group 7: master -> primary-backup, operator's failover (rule 2d",
		"fw2: group 7: primary-backup -> master, operator's failover (rule 2d, term 2)");
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_false(p->side[0].node->group[0].preempting); /* both nodes keep to it */

	pair_power_off(p, 1);
	pair_run(p, 1000);
	assert_false(p->side[0].node->group[0].preempt_suspended);
	pair_start(p, 1);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_power_off(p, 0);
	pair_run(p, 1000);
	pair_start(p, 0);
	pair_run(p, 4000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP); /* preempted again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(preemption_waits_for_the_hold_down),
		STORY(the_hold_down_starts_anew_when_its_conditions_lapse),
		STORY(a_preemption_whose_conditions_lapsed_is_refused),
		STORY(a_node_that_is_not_in_sync_does_not_preempt),
		STORY(manual_failover_suspends_preemption_until_a_real_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
