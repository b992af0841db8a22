/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of a planned failover (doc/PROTOCOL.md, section 8), and what interrupts them.
 */
#include "story.h"

#include "core/state.h"

enum { STEP_AT = 9, STATE_AT = 2 }; /* in the value of GROUPS with one record */

static uint8_t step_told(struct span frame)
{
	struct span groups = pair_tlv(frame, WIRE_TLV_GROUPS);

	return groups.len > STEP_AT ? groups.data[STEP_AT] : 0;
}

static bool says_master(struct span frame)
{
	struct span groups = pair_tlv(frame, WIRE_TLV_GROUPS);

	return groups.len > STATE_AT && groups.data[STATE_AT] == GROUP_MASTER;
}

/* Filters: which frames pass. */
static bool no_release(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p, (void)from, (void)path;
	return step_told(frame) != WIRE_HANDOVER_RELEASED;
}

static bool no_answer(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p, (void)from, (void)path;
	return step_told(frame) != WIRE_HANDOVER_ACCEPT && step_told(frame) != WIRE_HANDOVER_REFUSE;
}

static bool no_new_master(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p, (void)path;
	return from == 0 || !says_master(frame);
}

/* What a filter takes out is not to lose the peer. */
static void patient_pair(struct pair *p)
{
	p->side[0].conf->lost_after = 200;
	pair_same_conf(p);
	pair_start_both(p);
}

static void ask(struct pair *p)
{
	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
}

static void a_planned_failover_has_one_owner_at_any_time(void **state)
{
	struct pair *p = *state;

	ask(p);
	assert_int_equal(p->side[0].n_replies, 0);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: group 7: hand-over none -> asking, term 2",
		"fw2: group 7: hand-over looking -> reserved, term 2",
		"fw1: group 7: hand-over asking -> draining, term 2",
		"fw1: group 7: hand-over draining -> releasing, term 2",
		"fw1: group 7: master -> primary-backup, operator's failover (rule 2d, term 1)",
		"fw1: group 7: hand-over releasing -> released, term 2",
		"fw2: group 7: hand-over reserved -> none, term 2",
		"fw2: group 7: primary-backup -> master, operator's failover (rule 2d, term 2)",
		"fw1: group 7: hand-over released -> none, term 2");
	assert_owner(p, 1);
	assert_int_equal(p->side[0].ordered, ROLE_DROP_LINGER); /* it goes on forwarding */
	assert_int_equal(p->both_us, 0);
	assert_in_range(p->nobody_us, PAIR_ROLE_US, PAIR_ROLE_US + 2 * PAIR_FRAME_US);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_DONE);
	assert_int_equal(pair_counter(p, 0, COUNTER_HANDOVERS), 1);
}

static void it_goes_on_over_the_secondary_path_alone(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 1000);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 300);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(p->both_us, 0);
}

static void an_answer_that_does_not_come_leaves_the_master(void **state)
{
	struct pair *p = *state;

	patient_pair(p);
	p->passes = no_answer;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 299);
	assert_int_equal(p->side[0].n_replies, 0);
	pair_run(p, 2);
	assert_int_equal(p->side[0].result, RESULT_NOT_CONFIRMED);
	ASSERT_TOLD(p, "fw1: group 7: hand-over to fw2 failed: the peer did not confirm");
	pair_run(p, 5000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(p->nobody_us, 0);
	/* P8.2; and the peer's reservation is forgotten. */
	ASSERT_TOLD(p, "fw2: group 7: hand-over reserved -> none");
}

static void hand_over_not_confirmed_is_taken_back_under_a_new_term(void **state)
{
	struct pair *p = *state;

	patient_pair(p);
	p->passes = no_release;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 500);
	ASSERT_TOLD(p, "fw1: group 7: hand-over releasing -> released, term 2",
		"fw1: group 7: hand-over to fw2 failed: the peer did not confirm",
		"fw1: group 7: primary-backup -> master, hand-over not confirmed (rule 4d, term "
		"3)");
	assert_int_equal(p->side[0].result, RESULT_NOT_CONFIRMED);
	assert_owner(p, 0);
	assert_int_equal(p->both_us, 0);
	p->passes = NULL;
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(p->side[1].node->group[0].term, 3);
}

static void a_new_master_that_is_not_heard_meets_the_old_one(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->passes = no_new_master;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	p->passes = NULL; /* before the 300 ms are over */
	pair_run(p, 60);
	assert_int_equal(p->side[0].result, RESULT_DONE);
	assert_int_equal(p->both_us, 0);
}

static void a_peer_that_is_not_in_sync_is_not_asked_without_force(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[0].result, RESULT_PEER_NOT_IN_SYNC);
	pair_command(p, 0, COMMAND_FAILOVER, 0, true);
	pair_run(p, 100);
	assert_int_equal(p->side[0].result, RESULT_DONE);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

/* What the peer became since the master last heard it. */
static void a_peer_that_is_not_ready_refuses(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: hand-over none -> refusing",
		"fw1: group 7: hand-over to fw2 failed: the peer refused",
		"fw2: group 7: hand-over refusing -> none");
	assert_int_equal(p->side[0].result, RESULT_PEER_REFUSED);
	assert_states(p, GROUP_MASTER, GROUP_BACKUP);
	assert_int_equal(pair_counter(p, 0, COUNTER_HANDOVERS_FAILED), 1);
}

static void a_failed_monitor_asks_again_less_and_less_often(void **state)
{
	struct pair *p = *state;

	patient_pair(p);
	p->passes = no_answer;
	pair_monitor(p, 0, 0, false);
	pair_run(p, 20000);
	/* At 0, 1.3, 3.6, 7.9 and 16.2 s: 300 ms each, then 1, 2, 4, 8 s of rest. */
	assert_int_equal(pair_said(p, "fw1: group 7: hand-over none -> asking"), 5);
	p->passes = NULL;
	pair_run(p, 20000);
	assert_states(p, GROUP_INOPERABLE, GROUP_MASTER);
}

/* The kernel may tell of a lost carrier a second late. */
static void a_peer_reads_its_links_anew_before_it_accepts(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[1].finds = 1;
	pair_monitor(p, 0, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: hand-over none -> looking", "fw2: monitor m0: fails",
		"fw2: group 7: hand-over looking -> refusing",
		"fw1: group 7: hand-over to fw2 failed: the peer refused");
	assert_states(p, GROUP_MASTER, GROUP_INOPERABLE);
	assert_int_equal(p->side[0].node->group[0].rule, RULE_BOTH_INOPERABLE);
	assert_owner(p, 0);
}

/* Both lost their uplink, and the master was the first to notice. */
static void a_peer_about_to_fail_itself_does_not_accept(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[1].doubts = 255;
	pair_monitor(p, 0, 0, false);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: hand-over looking -> refusing",
		"fw1: group 7: hand-over to fw2 failed: the peer refused");
	pair_monitor(p, 1, 0, false);
	p->side[1].doubts = 0;
	pair_run(p, 10000);
	assert_states(p, GROUP_MASTER, GROUP_INOPERABLE);
	assert_int_equal(pair_counter(p, 0, COUNTER_HANDOVERS_FAILED), 1);
}

static void a_doubt_that_was_none_delays_the_hand_over(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[1].doubts = 255;
	pair_monitor(p, 0, 0, false);
	pair_run(p, 100);
	p->side[1].doubts = 154; /* below the threshold, with what fails */
	pair_monitor(p, 1, 1, false);
	pair_run(p, 1000);
	assert_states(p, GROUP_INOPERABLE, GROUP_MASTER);
}

/* Maintenance, and whoever forces it, asks for the peer as it is. */
static void who_must_accept_reads_nothing_anew(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[1].finds = 1;
	pair_command(p, 0, COMMAND_FAILOVER, 0, true);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: hand-over none -> reserved");
	assert_silent(p, "fails");
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void a_look_that_never_ends_is_no_answer(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[1].blind = true;
	pair_monitor(p, 0, 0, false);
	pair_run(p, 310);
	ASSERT_TOLD(p, "fw2: group 7: hand-over none -> looking",
		"fw1: group 7: hand-over to fw2 failed: the peer did not confirm");
	p->side[1].blind = false;
	pair_run(p, 5000);
	assert_states(p, GROUP_INOPERABLE, GROUP_MASTER);
}

static void a_peer_lost_while_it_is_asked_ends_the_hand_over(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_power_off(p, 1);
	pair_run(p, 150);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 200);
	ASSERT_TOLD(p, "fw1: peer fw2: lost",
		"fw1: group 7: hand-over to fw2 failed: the peer is "
		"not heard");
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_owner(p, 0);
}

static void a_peer_lost_after_the_release_is_replaced_by_the_old_master(void **state)
{
	struct pair *p = *state;

	ask(p);
	while (p->side[0].node->group[0].handover.phase != HANDOVER_RELEASING)
		pair_run_us(p, 50);
	pair_power_off(p, 1);
	pair_run(p, 400);
	ASSERT_TOLD(p, "fw1: group 7: hand-over releasing -> released",
		"fw1: group 7: primary-backup -> master");
	assert_int_equal(p->side[0].owns[0], true);
	assert_in_range(p->nobody_us, 100000, 301000);
}

static void the_same_command_twice_is_busy(void **state)
{
	struct pair *p = *state;

	ask(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_BUSY);
	pair_run(p, 100);
	assert_int_equal(p->side[0].n_replies, 2);
	assert_int_equal(p->side[0].result, RESULT_DONE);
}

/* The release lay in a socket for longer than fw2 may act upon: fw1 takes back meanwhile. */
static void a_release_heard_late_is_not_acted_upon(void **state)
{
	struct pair *p = *state;

	ask(p);
	while (p->side[0].node->group[0].handover.phase != HANDOVER_RELEASING)
		pair_run_us(p, 50);
	pair_pause(p, 1);
	pair_run(p, 180);
	assert_int_equal(p->side[0].owns[0], false);
	pair_wake(p, 1);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_PRIMARY_BACKUP);
	pair_run(p, 1000);
	assert_int_equal(p->both_us, 0);
	assert_true(p->side[0].owns[0] != p->side[1].owns[0]);
}

/* Taken out in the very moment it is asked. */
static void a_peer_in_maintenance_refuses(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_int_equal(p->side[0].result, RESULT_PEER_REFUSED);
	assert_states(p, GROUP_MASTER, GROUP_INELIGIBLE);
}

static void release(struct pair *p)
{
	while (p->side[0].node->group[0].handover.phase != HANDOVER_RELEASING)
		pair_run_us(p, 50);
}

static void a_peer_taken_out_after_its_promise_leaves_the_old_master(void **state)
{
	struct pair *p = *state;

	ask(p);
	release(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 500);
	assert_states(p, GROUP_MASTER, GROUP_INELIGIBLE);
	assert_owner(p, 0);
	assert_int_equal(p->both_us, 0);
	assert_int_equal(p->side[0].node->group[0].term, 3);
}

static void when_both_are_taken_out_nobody_takes_back(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	release(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, true);
	pair_run(p, 1000);
	assert_states(p, GROUP_INELIGIBLE, GROUP_INELIGIBLE);
	assert_false(p->side[0].owns[0] || p->side[1].owns[0]);
	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 10);
	assert_states(p, GROUP_INELIGIBLE, GROUP_MASTER);
}

/* The kernel is slow: the addresses go when the peer is already lost. */
static void a_peer_lost_while_the_addresses_go_gets_nothing(void **state)
{
	struct event event = { .type = EVENT_ROLE_DONE,
		.role_done = { .role = ROLE_DROP_LINGER, .term = 1 } };
	struct pair *p = *state;

	pair_start_both(p);
	p->side[0].kernel_hangs = true;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	release(p);
	pair_power_off(p, 1);
	pair_run(p, 300);
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	p->side[0].kernel_hangs = false;
	p->side[0].owns[0] = false;
	pair_event(p, 0, &event);
	pair_run(p, 1);
	ASSERT_TOLD(p, "fw1: group 7: master -> primary-backup",
		"fw1: group 7: primary-backup -> master, peer lost (rule 4c, term 2)");
	assert_owner(p, 0);
}

static void a_stopping_master_hands_over_before_it_parts(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_stop(p, 0);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: group 7: master -> ineligible, the daemon stops (rule 1a, term 1)",
		"fw2: group 7: primary-backup -> master, the daemon stops (rule 1a, term 2)");
	assert_true(p->side[0].exited);
	assert_false(p->side[1].node->peer_known);
	assert_int_equal(p->both_us, 0);
	assert_in_range(p->nobody_us, PAIR_ROLE_US, PAIR_ROLE_US + 2 * PAIR_FRAME_US);
	pair_run(p, 1000);
	assert_int_equal(p->side[1].owns[0], true);
}

static void a_stopping_master_whose_peer_does_not_answer_withdraws_in_the_end(void **state)
{
	struct pair *p = *state;

	patient_pair(p);
	p->passes = no_answer;
	pair_stop(p, 0);
	pair_run(p, 1499);
	assert_false(p->side[0].exited);
	assert_owner(p, 0);
	pair_run(p, 300); /* a hand-over that is under way is waited for */
	assert_true(p->side[0].exited);
	assert_owner(p, 1);
	assert_int_equal(p->both_us, 0);
}

static void a_lone_master_stops_at_once(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 11000);
	pair_stop(p, 0);
	pair_run(p, 1);
	assert_true(p->side[0].exited);
	assert_false(p->side[0].owns[0]);
	assert_true(mono_is_never(node_deadline(p->side[0].node)));
}

/* The backup stops without a hand-over; a parting beat is enough. */
static void a_parting_peer_is_replaced_at_once(void **state)
{
	struct pair *p = *state;

	patient_pair(p);
	p->passes = no_answer;
	pair_stop(p, 0);
	while (!p->side[0].exited && p->now < 10000000)
		pair_run_us(p, 100);
	pair_forget(p);
	pair_run(p, 1);
	ASSERT_TOLD(p, "fw2: group 7: primary-backup -> master, peer stopped (rule 4c");
	assert_in_range(p->nobody_us, 1, PAIR_FRAME_US + PAIR_ROLE_US);
	assert_int_equal(p->both_us, 0);
}

static void a_parting_peer_does_not_come_alive_again(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_stop(p, 1);
	pair_run(p, 1000);
	assert_false(p->side[0].node->links.peer_alive);
	assert_int_equal(pair_said(p, "fw1: peer fw2: stops"), 1); /* though every path says so */
	assert_silent(p, "fw1: peer fw2: alive");
	assert_silent(p, "lost, nothing heard");
}

static void a_lease_lost_during_a_hand_over_leaves_a_master(void **state)
{
	struct event event = { .type = EVENT_LEASE_LOST };
	struct pair *p = *state;

	ask(p);
	p->side[0].owns[0] = false;
	pair_event(p, 0, &event);
	pair_run(p, 5000);
	assert_true(p->side[0].owns[0] || p->side[1].owns[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_planned_failover_has_one_owner_at_any_time),
		STORY(it_goes_on_over_the_secondary_path_alone),
		STORY(an_answer_that_does_not_come_leaves_the_master),
		STORY(hand_over_not_confirmed_is_taken_back_under_a_new_term),
		STORY(a_new_master_that_is_not_heard_meets_the_old_one),
		STORY(a_peer_that_is_not_in_sync_is_not_asked_without_force),
		STORY(a_peer_that_is_not_ready_refuses),
		STORY(a_failed_monitor_asks_again_less_and_less_often),
		STORY(a_peer_reads_its_links_anew_before_it_accepts),
		STORY(a_peer_about_to_fail_itself_does_not_accept),
		STORY(a_doubt_that_was_none_delays_the_hand_over),
		STORY(who_must_accept_reads_nothing_anew),
		STORY(a_look_that_never_ends_is_no_answer),
		STORY(a_peer_lost_while_it_is_asked_ends_the_hand_over),
		STORY(a_peer_lost_after_the_release_is_replaced_by_the_old_master),
		STORY(the_same_command_twice_is_busy),
		STORY(a_release_heard_late_is_not_acted_upon),
		STORY(a_peer_in_maintenance_refuses),
		STORY(a_peer_taken_out_after_its_promise_leaves_the_old_master),
		STORY(when_both_are_taken_out_nobody_takes_back),
		STORY(a_peer_lost_while_the_addresses_go_gets_nothing),
		STORY(a_stopping_master_hands_over_before_it_parts),
		STORY(a_stopping_master_whose_peer_does_not_answer_withdraws_in_the_end),
		STORY(a_lone_master_stops_at_once),
		STORY(a_parting_peer_is_replaced_at_once),
		STORY(a_lease_lost_during_a_hand_over_leaves_a_master),
		STORY(a_parting_peer_does_not_come_alive_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
