/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of the election, each as a pair comes to it. Group 7; fw1 has the better priority.
 */
#include "story.h"

#include "core/state.h"

static void two_nodes_in_init_elect_at_once(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 300);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_start(p, 1);
	pair_run(p, 50);
	ASSERT_TOLD(p, "fw1: peer fw2: alive",
		"fw1: group 7: init -> master, elected (rule 4a, term 1)");
	ASSERT_TOLD(p, "fw2: group 7: init -> primary-backup, elected (rule 4a, term 0)");
	assert_true(pair_said_at(p, "init -> master") < 301000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_owner(p, 0);
}

static void a_node_without_a_master_is_in_sync_or_says_that_it_is_not(void **state)
{
	struct pair *p = *state;

	p->side[0].in_sync = false;
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 50);
	/* Better: eligible, operable, in sync; only then the priority. */
	ASSERT_TOLD(p, "fw2: group 7: init -> master, elected (rule 4a, term 1)");
	assert_states(p, GROUP_BACKUP, GROUP_MASTER);
	pair_sync(p, 0, true);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void a_lone_node_waits_for_the_boot_wait(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 9999);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	assert_int_equal(p->side[0].node->group[0].rule, RULE_BOOTING);
	pair_run(p, 2);
	ASSERT_TOLD(p, "fw1: group 7: init -> master, nobody heard during the boot wait"
		       " (rule 4b, term 1)");
	assert_int_equal(pair_said_at(p, "init -> master"), 10000000);
}

static void a_lone_node_without_a_carrier_waits_longer_but_not_for_ever(void **state)
{
	struct pair *p = *state;

	p->side[0].no_carrier = true;
	pair_start(p, 0);
	pair_run(p, 59999);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INIT);
	pair_run(p, 2);
	assert_int_equal(pair_said_at(p, "init -> master"), 60000000);
}

static void the_boot_wait_starts_with_the_first_carrier(void **state)
{
	struct event event = { .type = EVENT_CARRIER, .carrier = { .path = 1, .up = true } };
	struct pair *p = *state;

	p->side[0].no_carrier = true;
	pair_start(p, 0);
	pair_run(p, 20000);
	pair_event(p, 0, &event);
	pair_run(p, 5000);
	event.carrier.path = 0; /* a second one starts nothing anew */
	pair_event(p, 0, &event);
	pair_run(p, 5001);
	assert_int_equal(pair_said_at(p, "init -> master"), 30000000);
}

static void power_off_costs_the_detection_time(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_power_off(p, 0);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: peer fw1: lost, nothing heard for 200 ms",
		"fw2: group 7: primary-backup -> master, peer lost (rule 4c, term 2)");
	assert_owner(p, 1);
	/* The last beat was at most a heartbeat old. */
	assert_in_range(p->nobody_us, 150000, 201000);
}

static void a_standby_tells_what_changed_it(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_forget(p);
	pair_sync(p, 1, false);
	pair_sync(p, 1, true);
	pair_monitor(p, 1, 0, false);
	pair_monitor(p, 1, 0, true);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 500);
	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 500);
	ASSERT_TOLD(p, "fw2: group 7: primary-backup -> backup, in-sync state changed (rule 2a",
		"fw2: group 7: backup -> primary-backup, in-sync state changed (rule 2a",
		"fw2: group 7: primary-backup -> inoperable, monitors (rule 2a",
		"fw2: group 7: inoperable -> primary-backup, monitors (rule 2a",
		"fw2: group 7: primary-backup -> ineligible, maintenance (rule 2a",
		"fw2: group 7: ineligible -> primary-backup, maintenance (rule 2a");
	assert_owner(p, 0);
}

static void the_sitting_master_stays(void **state)
{
	struct pair *p = *state;

	pair_start(p, 1);
	pair_run(p, 11000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	pair_start(p, 0); /* whose priority is better */
	pair_run(p, 20000);
	ASSERT_TOLD(
		p, "fw1: group 7: init -> primary-backup, the peer is master (rule 2a, term 1)");
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void an_inoperable_master_gives_way(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 0, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: monitor m0: fails",
		"fw1: group 7: master -> inoperable, monitors (rule 2b, term 1)",
		"fw2: group 7: primary-backup -> master, monitors (rule 2b, term 2)");
	assert_int_equal(p->both_us, 0);
	pair_monitor(p, 0, 0, true);
	pair_run(p, 10000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void an_inoperable_master_gives_way_to_a_peer_that_is_not_in_sync(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_run(p, 100);
	pair_monitor(p, 0, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: backup -> master, monitors (rule 2b, term 2)");
}

static void failures_below_the_threshold_move_nothing(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 0, 1, false);
	pair_run(p, 5000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_silent(p, "->");
}

static void failures_that_reach_the_threshold_only_together_do_so(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->monitor[0].weight = 155;
	pair_same_conf(p);
	pair_start_both(p);
	pair_monitor(p, 0, 0, false);
	pair_run(p, 5000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_monitor(p, 1, 0, false); /* the peer is no better in this, and that moves nothing */
	pair_monitor(p, 0, 1, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: group 7: master -> inoperable, monitors (rule 2b, term 1)",
		"fw2: group 7: primary-backup -> master, monitors (rule 2b, term 2)");
}

static void both_inoperable_nothing_moves(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 1, 0, false);
	pair_run(p, 100);
	pair_monitor(p, 0, 0, false);
	pair_run(p, 5000);
	assert_states(p, GROUP_MASTER, GROUP_INOPERABLE);
	assert_int_equal(p->side[0].node->group[0].rule, RULE_BOTH_INOPERABLE);
	pair_monitor(p, 1, 0, true); /* one of them recovers */
	pair_run(p, 100);
	assert_states(p, GROUP_INOPERABLE, GROUP_MASTER);
}

static void a_robbed_master_gives_way_to_a_peer_that_is_ready(void **state)
{
	struct event event = { .type = EVENT_TAKEN_AWAY };
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_run(p, 100);
	pair_event(p, 0, &event);
	pair_run(p, 500);
	assert_states(p, GROUP_MASTER, GROUP_BACKUP);
	pair_sync(p, 1, true);
	pair_run(p, 100);
	pair_event(p, 0, &event);
	pair_run(p, 500);
	ASSERT_TOLD(p, "fw1: group 7: another program keeps removing its addresses",
		"fw2: group 7: primary-backup -> master, another program keeps removing the "
		"addresses (rule 2e, term 2)");
}

static void a_master_whose_lease_ran_out_is_elected_anew(void **state)
{
	struct event event = { .type = EVENT_LEASE_LOST };
	struct pair *p = *state;

	pair_start_both(p);
	p->side[0].owns[0] = false;
	pair_event(p, 0, &event);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: group 7: the lease of its addresses ran out",
		"fw1: group 7: master -> init, the lease of the addresses ran out",
		"fw1: group 7: init -> master, elected (rule 4a, term 2)");
	assert_owner(p, 0);
}

/* Both are master, each alone; the paths have just been mended. */
static void meet(struct pair *p)
{
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	pair_cut_all(p, false);
	pair_run(p, 100);
	assert_true(pair_said(p, "two masters met") > 0);
}

static void part(struct pair *p)
{
	pair_start_both(p);
	pair_cut_all(p, true);
	pair_run(p, 1000);
}

static void two_masters_the_higher_term_stays(void **state)
{
	struct pair *p = *state;

	part(p);
	meet(p);
	ASSERT_TOLD(p, "fw1: group 7: two masters met, own term 1, peer's term 2 (rule 6c)",
		"fw1: group 7: master -> primary-backup, two masters met (rule 6c");
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(p->side[0].ordered, ROLE_DROP);
	assert_owner(p, 1);
	assert_true(p->side[1].n_announced > 0);
}

/* Both nodes' history tells when, and for how long there were two. */
static void two_masters_are_told_by_history(void **state)
{
	struct pair *p = *state;

	part(p);
	meet(p);
	for (unsigned i = 0; i < 2; i++) {
		const struct action_record *record = &p->side[i].record;

		assert_int_equal(record->reason, REASON_TWO_MASTERS);
		assert_int_equal(record->rule, RULE_TWO_MASTERS_TERM);
		assert_int_equal(record->from, GROUP_MASTER);
		/* Of 1000: less the detection, and a beat more. */
		assert_in_range(record->two_masters_ms, 790, 910);
	}
	assert_int_equal(p->side[1].record.to, GROUP_MASTER);
}

static void two_masters_the_served_one_stays(void **state)
{
	struct pair *p = *state;

	part(p);
	pair_served(p, 0, 0);
	meet(p);
	ASSERT_TOLD(p, "fw2: group 7: master -> primary-backup, two masters met (rule 6b");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_owner(p, 0);
	assert_true(p->side[0].n_announced > 0);
}

/* fw2 hears fw1 before fw1 hears fw2: so fw1 is the first to know that they hear each other. */
static void two_masters_the_one_that_stays_goes_above_the_others_term(void **state)
{
	struct pair *p = *state;

	part(p);
	pair_served(p, 0, 0);
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = false;
	pair_run(p, 60);
	meet(p);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(p->side[0].node->group[0].term, 3);
	assert_int_equal(p->side[1].node->group[0].term, 3);
}

/* Records of fw2 that say that it holds the group are lost. */
/* fw1's engine dies when its addresses are removed, and before it can say so. */
static void the_addresses_of_a_former_boot_are_announced_over(void **state)
{
	struct pair *p = *state;

	part(p);
	pair_cut_all(p, false);
	while (p->side[0].ordered != ROLE_DROP)
		pair_run_us(p, 10);
	pair_run_us(p, PAIR_FRAME_US + 20); /* fw2 hears that it still holds them */
	p->side[0].owns[0] = false;
	pair_forget(p);
	pair_restart_engine(p, 0);
	pair_run(p, 1000);
	assert_silent(p, "fw2: peer fw1: lost");
	assert_owner(p, 1);
	assert_true(p->side[1].n_announced > 0);
}

static void two_masters_in_sync_plays_no_part(void **state)
{
	struct pair *p = *state;

	part(p);
	pair_sync(p, 1, false);
	meet(p);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void two_masters_the_operable_one_stays(void **state)
{
	struct pair *p = *state;

	part(p);
	pair_monitor(p, 1, 0, false);
	pair_served(p, 1, 0);
	meet(p);
	ASSERT_TOLD(p, "fw2: group 7: master -> inoperable, two masters met (rule 6a");
	assert_states(p, GROUP_MASTER, GROUP_INOPERABLE);
}

static void both_start_alone(struct pair *p)
{
	pair_cut_all(p, true);
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 11000);
}

static void two_masters_the_better_priority_stays(void **state)
{
	struct pair *p = *state;

	both_start_alone(p);
	meet(p);
	ASSERT_TOLD(p, "fw2: group 7: master -> primary-backup, two masters met (rule 6d");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	/* Its own higher term is no second meeting. */
	assert_int_equal(p->side[0].node->counter[COUNTER_TWO_MASTERS], 1);
}

static void two_masters_the_lower_node_id_stays(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->group[0].priority[0] = 100;
	pair_same_conf(p);
	both_start_alone(p);
	meet(p);
	ASSERT_TOLD(p, "fw2: group 7: master -> primary-backup, two masters met (rule 6e");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

/* fw2 hears nothing of fw1 and takes over; fw1, which is being taken out, still hears fw2. */
static void two_masters_the_eligible_one_stays(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = true;
	pair_run(p, 140);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	while (pair_state(p, 1, 0) != GROUP_MASTER && p->now < 3000000)
		pair_run_us(p, 100);
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	pair_cut_all(p, false);
	pair_run(p, 60);
	ASSERT_TOLD(p, "fw1: group 7: two masters met, own term 1, peer's term 2 (rule 6f)",
		"fw1: group 7: master -> ineligible, two masters met (rule 6f");
	assert_states(p, GROUP_INELIGIBLE, GROUP_MASTER);
	assert_owner(p, 1);
}

static void maintenance_survives_a_restart(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 100);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_DONE);
	ASSERT_TOLD(p, "fw1: maintenance: on by the operator",
		"fw1: group 7: master -> ineligible, maintenance (rule 1a, term 1)",
		"fw2: group 7: primary-backup -> master, maintenance (rule 1a, term 2)");
	pair_power_off(p, 0);
	pair_run(p, 1000);
	pair_start(p, 0);
	pair_run(p, 1000);
	assert_states(p, GROUP_INELIGIBLE, GROUP_MASTER);
	pair_power_off(p, 1); /* an ineligible node never stands */
	pair_run(p, 20000);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INELIGIBLE);
	pair_command(p, 0, COMMAND_MAINTENANCE_OFF, COMMAND_ALL_GROUPS, false);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(p->side[0].disk.n_maintenance, 0);
}

static void the_last_eligible_node_refuses_maintenance(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 100);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	assert_int_equal(p->side[1].result, RESULT_LAST_ELIGIBLE);
	assert_states(p, GROUP_INELIGIBLE, GROUP_MASTER);
	pair_forget(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, true);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	ASSERT_TOLD(p, "fw2: group 7: no master: no node is eligible",
		"fw2: group 7: master -> ineligible, maintenance (rule 1b, term 2)");
	assert_false(p->side[0].owns[0] || p->side[1].owns[0]);
}

/* Its own detection time is over; its peer's, which reads another file, is not. */
static void a_peer_that_holds_the_addresses_is_waited_for(void **state)
{
	struct pair *p = *state;
	bool held = false;

	p->side[1].conf->lost_after = 20;
	pair_start_both(p);
	pair_pause(p, 0);
	pair_run(p, 400);
	pair_wake(p, 0);
	for (unsigned i = 0; i < 100; i++) {
		pair_run_us(p, 50);
		held |= p->side[1].node->group[0].rule == RULE_HELD;
	}
	assert_true(held);
	ASSERT_TOLD(p, "fw1: group 7: master -> init, this node ran late",
		"fw1: group 7: init -> master, the peer did not take over meanwhile (rule 2a, "
		"term 1)");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void an_engine_that_starts_again_within_the_detection_time_moves_nothing(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_kill_engine(p, 0);
	pair_run(p, 20);
	pair_restart_engine(p, 0);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: peer fw1: restarted");
	ASSERT_TOLD(p, "fw1: group 7: init -> master, the peer did not take over meanwhile");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_silent(p, "fw2: group 7");
	assert_int_equal(p->nobody_us + p->both_us, 0);
}

static void an_engine_that_died_for_long_finds_its_peer_master_and_withdraws(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_kill_engine(p, 0);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	pair_restart_engine(p, 0);
	pair_run(p, 100);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_owner(p, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(two_nodes_in_init_elect_at_once),
		STORY(a_node_without_a_master_is_in_sync_or_says_that_it_is_not),
		STORY(a_lone_node_waits_for_the_boot_wait),
		STORY(a_lone_node_without_a_carrier_waits_longer_but_not_for_ever),
		STORY(the_boot_wait_starts_with_the_first_carrier),
		STORY(power_off_costs_the_detection_time),
		STORY(a_standby_tells_what_changed_it),
		STORY(the_sitting_master_stays),
		STORY(an_inoperable_master_gives_way),
		STORY(an_inoperable_master_gives_way_to_a_peer_that_is_not_in_sync),
		STORY(failures_below_the_threshold_move_nothing),
		STORY(failures_that_reach_the_threshold_only_together_do_so),
		STORY(both_inoperable_nothing_moves),
		STORY(a_robbed_master_gives_way_to_a_peer_that_is_ready),
		STORY(a_master_whose_lease_ran_out_is_elected_anew),
		STORY(two_masters_the_higher_term_stays),
		STORY(two_masters_are_told_by_history),
		STORY(two_masters_the_served_one_stays),
		STORY(two_masters_the_one_that_stays_goes_above_the_others_term),
		STORY(the_addresses_of_a_former_boot_are_announced_over),
		STORY(two_masters_in_sync_plays_no_part),
		STORY(two_masters_the_operable_one_stays),
		STORY(two_masters_the_better_priority_stays),
		STORY(two_masters_the_lower_node_id_stays),
		STORY(two_masters_the_eligible_one_stays),
		STORY(maintenance_survives_a_restart),
		STORY(the_last_eligible_node_refuses_maintenance),
		STORY(a_peer_that_holds_the_addresses_is_waited_for),
		STORY(an_engine_that_died_for_long_finds_its_peer_master_and_withdraws),
		STORY(an_engine_that_starts_again_within_the_detection_time_moves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
