/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: mirror_ipsec.c */
/*
 * SAs have one owner, who alone sends by them (P10.19 to P10.21).
 */
#include "mirror_story.h"

enum { AUDIT_MS = 150 * 1000 + 2000, SAS = 200 };

static int sas_begin(void **state)
{
	struct pair *p = pair_new();

	pair_mirror_sas(p);
	*state = p;
	return 0;
}

#define SAS_STORY(name) cmocka_unit_test_setup_teardown(name, sas_begin, story_ends)

static unsigned held(const struct pair *p, unsigned i)
{
	unsigned n = 0;

	for (unsigned key = 0; key < SAS; key++)
		n += pair_session(p, i, key)->there && pair_session(p, i, key)->held;
	return n;
}

static uint8_t number(const struct pair *p, unsigned i, unsigned key)
{
	return pair_session(p, i, key)->state;
}

static void the_standby_holds_what_the_master_sends_by(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	pair_run(p, 2 * AUDIT_MS);
	assert_int_equal(held(p, 0), 0);
	assert_int_equal(held(p, 1), SAS);
	for (unsigned key = 0; key < SAS; key++) {
		assert_true(pair_owns(p, 0, key));
		assert_false(pair_owns(p, 1, key));
	}
	assert_int_equal(counted(p, 1, COUNTER_SUMS_DIFFER), 0);
}

static void numbers_follow_though_nothing_else_changes(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	for (uint8_t round = 2; round < 7; round++) {
		pair_change(p, 0, 7, round);
		pair_run(p, 100);
		assert_int_equal(number(p, 1, 7), round);
	}
	/* Also those of which the event was lost, with the next audit. */
	p->side[0].kernel->session[8].state = 99;
	pair_run(p, AUDIT_MS);
	assert_int_equal(number(p, 1, 8), 99);
	assert_int_equal(counted(p, 0, COUNTER_AUDIT_REPAIRS), 0);
}

static void a_takeover_jumps_each_once_and_a_standby_holds_again(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_int_equal(held(p, 1), 0);
	for (unsigned key = 0; key < SAS; key++)
		assert_int_equal(number(p, 1, key), 1 + PAIR_JUMP);
	pair_run(p, 2 * AUDIT_MS);
	assert_int_equal(number(p, 1, 0), 1 + PAIR_JUMP);
	pair_start(p, 0);
	pair_run(p, 15000);
	assert_int_equal(held(p, 0), SAS);
	assert_int_equal(held(p, 1), 0);
	assert_int_equal(number(p, 0, 0), 1 + PAIR_JUMP);
}

/* At no time do both send: the old one holds before it gives the addresses up. */
static void a_planned_failover_holds_before_it_releases(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	for (unsigned i = 0; i < 3000; i++) {
		pair_run_us(p, 100);
		assert_true(held(p, 0) == SAS || held(p, 1) == SAS);
		if (!p->side[0].owns[0])
			assert_int_equal(held(p, 0), SAS);
	}
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(held(p, 1), 0);
	assert_int_equal(number(p, 1, 0), 1 + PAIR_JUMP);
	ASSERT_TOLD(p, "fw1: group 7: hand-over draining -> stopping",
		"fw1: group 7: hand-over stopping -> releasing");
}

static void an_engine_that_starts_anew_leaves_what_is_sent_by_alone(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	pair_restart_engine(p, 0);
	for (unsigned i = 0; i < 100; i++) {
		pair_run(p, 50);
		assert_int_equal(held(p, 0), 0);
	}
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(number(p, 0, 0), 1);
	assert_int_equal(pair_different(p), -1);
}

static void of_two_masters_the_one_that_stays_jumps_over_the_other(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	pair_cut_all(p, true);
	pair_run(p, 3000);
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	assert_int_equal(number(p, 0, 0), 1);
	assert_int_equal(number(p, 1, 0), 1 + PAIR_JUMP);
	pair_cut_all(p, false);
	pair_run(p, 5000);
	unsigned winner = pair_state(p, 0, 0) == GROUP_MASTER ? 0 : 1;

	assert_int_equal(held(p, winner), 0);
	assert_int_equal(held(p, 1 - winner), SAS);
	assert_true(number(p, winner, 0) > 1 + PAIR_JUMP);
	assert_int_equal(number(p, winner, 0), number(p, 1 - winner, 0));
}

static void what_somebody_makes_on_the_standby_is_not_told_and_goes(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_make(p, 1, 50, 1);
	pair_run(p, 100);
	assert_false(pair_session(p, 0, 50)->there);
	pair_remove(p, 1, 3);
	pair_run(p, 100);
	assert_true(pair_session(p, 1, 3)->there);
	assert_true(pair_session(p, 1, 3)->held);
	pair_remove(p, 0, 4);
	pair_run(p, 100);
	assert_false(pair_session(p, 1, 4)->there);
}

/* ---- policies --------------------------------------------------------------------------- */

/* fw1 is master; both have SAs, and a policy for each. */
static void start_with_policies(struct pair *p)
{
	start_with(p, SAS);
	pair_make_many(p, 0, PAIR_POLICIES, SAS);
	pair_run(p, 2000);
	assert_int_equal(pair_different(p), -1);
	pair_forget(p);
}

static unsigned policies_held(const struct pair *p, unsigned i)
{
	unsigned n = 0;

	for (unsigned key = 0; key < SAS; key++)
		n += pair_session(p, i, PAIR_POLICIES + key)->held;
	return n;
}

/* A step of the next dump of policies does not come. */
static void stop_among_policies(struct pair *p, unsigned i)
{
	struct pair_kernel *k = p->side[i].kernel;

	k->dump.kind = 0;
	for (unsigned n = 0; n < 20000 && k->dump.kind != OBJECT_POLICY; n++) {
		k->dump_waits = false;
		if (k->dump.asked)
			pair_dump_goes_on(p, i);
		k->dump_waits = true;
		pair_run_us(p, PAIR_KERNEL_US);
	}
	assert_int_equal(k->dump.kind, OBJECT_POLICY);
	assert_true(k->dump.asked);
}

static void policies_let_nothing_out_before_all_sas_jumped(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	assert_int_equal(policies_held(p, 1), SAS);
	/* An audit of the standby is among the policies when it takes over. */
	pair_plain_event(p, 1, EVENT_AUDIT);
	stop_among_policies(p, 1);
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	pair_dump_goes_on(p, 1);
	pair_run(p, 500);
	assert_int_equal(p->side[1].kernel->early, 0);
	assert_int_equal(policies_held(p, 1), 0);
	assert_int_equal(held(p, 1), 0);
}

/* It may be about to hold all when it takes over: that pass was not to end so. */
static void a_pass_that_began_with_another_aim_begins_anew(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	pair_restart_engine(p, 1);
	stop_among_policies(p, 1);
	assert_int_equal(pair_mirror_of(p, 1)->ipsec.now, IPSEC_HOLDS);
	assert_true(pair_mirror_of(p, 1)->pass.wants & WANT_IPSEC);
	pair_power_off(p, 0);
	pair_run(p, 20000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	pair_dump_goes_on(p, 1);
	pair_run(p, 500);
	assert_int_equal(p->side[1].kernel->early, 0);
	assert_int_equal(policies_held(p, 1) + held(p, 1), 0);
}

static void an_sa_that_cannot_jump_goes_before_its_policy_lets_out(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	p->side[1].kernel->refuses_settling = 1;
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_false(pair_session(p, 1, 0)->there);
	assert_int_equal(held(p, 1) + policies_held(p, 1), 0);
	for (unsigned key = 1; key < SAS; key++)
		assert_int_equal(number(p, 1, key), 1 + PAIR_JUMP);
}

/* An IKE daemon there writes what it believes in. */
static void what_somebody_opens_on_the_standby_is_held_at_once(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	pair_make(p, 1, PAIR_POLICIES + 3, 1);
	pair_make(p, 1, 4, 1);
	pair_make(p, 1, PAIR_POLICIES + SAS, 1);
	pair_run_us(p, 2 * PAIR_KERNEL_US);
	assert_true(pair_session(p, 1, PAIR_POLICIES + 3)->held);
	assert_true(pair_session(p, 1, 4)->held);
	assert_true(pair_session(p, 1, PAIR_POLICIES + SAS)->held);
	pair_run(p, AUDIT_MS);
	assert_int_equal(policies_held(p, 1), SAS);
}

static void nor_does_it_stay_open_where_there_is_no_master(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	pair_power_off(p, 1);
	pair_run(p, 500);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS, true);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 0, 0), GROUP_INELIGIBLE);
	assert_int_equal(policies_held(p, 0), SAS);
	pair_make(p, 0, PAIR_POLICIES + 3, 1);
	pair_run_us(p, 2 * PAIR_KERNEL_US);
	assert_int_equal(policies_held(p, 0), SAS);
}

/* Its policies are open until a pass has held them, and its packets would go by those numbers. */
static void a_former_master_takes_no_numbers_before_it_holds(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	pair_pause(p, 0);
	pair_run(p, 2000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	p->side[0].kernel->dump_waits = true;
	pair_wake(p, 0);
	pair_run(p, 200);
	assert_states(p, GROUP_BACKUP, GROUP_MASTER);
	assert_int_equal(policies_held(p, 0), 0);
	pair_change(p, 1, 7, 60);
	pair_run(p, 50);
	assert_int_equal(number(p, 0, 7), 1);
	pair_dump_goes_on(p, 0);
	pair_run(p, 15000);
	assert_int_equal(policies_held(p, 0), SAS);
	assert_int_equal(number(p, 0, 7), 60);
}

static bool fw2_does_not_say_master(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct span groups = pair_tlv(frame, WIRE_TLV_GROUPS);

	(void)p, (void)path;
	return from == 0 || groups.len == 0 || groups.data[2] != GROUP_MASTER;
}

/* It hears of the adoption before it hears who is master now, and goes on sending. */
static void a_former_owners_last_words_are_set_aside(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->lost_after = 200;
	pair_same_conf(p);
	start_with_policies(p);
	p->passes = fw2_does_not_say_master;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 20);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_change(p, 0, PAIR_POLICIES + 7, 10);
	pair_run(p, 20);
	assert_int_equal(number(p, 1, PAIR_POLICIES + 7), 1);
}

/* ---- who mirrors IPsec ------------------------------------------------------------------ */

static void what_the_master_does_not_mirror_is_not_swept(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.neighbours = p->side[1].conf->mirror.neighbours = true;
	p->side[0].conf->mirror.ipsec = false;
	for (unsigned key = 0; key < 10; key++)
		p->side[1].kernel->session[key] =
			(struct pair_session){ .there = true, .state = 1 };
	pair_start_both(p);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_run(p, AUDIT_MS);
	assert_true(in_sync(p, 1));
	assert_int_equal(pair_sessions(p, 1), 10);
	assert_int_equal(held(p, 1), 10);
	/* Where it does, its word counts. */
	pair_next_conf(p, 0)->mirror.ipsec = true;
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_make(p, 0, 3, 7);
	pair_run(p, 10000);
	assert_int_equal(pair_sessions(p, 1), 1);
	assert_int_equal(number(p, 1, 3), 7);
}

static void what_is_mirrored_no_more_is_let_go(void **state)
{
	struct pair *p = *state;

	start_with_policies(p);
	pair_next_conf(p, 1)->mirror.ipsec = false;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	pair_run(p, 1000);
	assert_int_equal(held(p, 1) + policies_held(p, 1), 0);
	assert_int_equal(p->side[1].kernel->early, 0);
	for (unsigned key = 0; key < SAS; key++)
		assert_int_equal(number(p, 1, key), 1 + PAIR_JUMP);
	assert_int_equal(held(p, 0) + policies_held(p, 0), 0);
	ASSERT_TOLD(p, "fw2: mirror: 400 objects of IPsec, let go: they are mirrored no more");
	pair_next_conf(p, 1)->mirror.ipsec = true;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	pair_run(p, 5000);
	assert_int_equal(held(p, 1), SAS);
	assert_int_equal(policies_held(p, 1), SAS);
	assert_int_equal(pair_different(p), -1);
}

static void what_the_index_has_no_room_for_is_settled_all_the_same(void **state)
{
	struct pair *p = *state;

	p->side[1].kernel->objects = 8;
	pair_start_both(p);
	pair_make_many(p, 0, 0, 8);
	pair_run(p, 2000);
	for (unsigned key = 8; key < SAS; key++)
		p->side[1].kernel->session[key] =
			(struct pair_session){ .there = true, .state = 1, .held = true };
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_true(counted(p, 1, COUNTER_INDEX_FULL) > 0);
	assert_int_equal(held(p, 1), 0);
	assert_int_equal(number(p, 1, SAS - 1), 1 + PAIR_JUMP);
}

/* ---- tables that cannot be read --------------------------------------------------------- */

static void what_cannot_be_read_keeps_nothing_else_waiting(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.sessions = p->side[1].conf->mirror.sessions = true;
	start_with_policies(p);
	p->side[0].kernel->unreadable = 1u << OBJECT_SA;
	pair_restart_engine(p, 0);
	pair_restart_engine(p, 1);
	pair_run(p, 20000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_true(in_sync(p, 1));
	assert_int_equal(pair_sessions(p, 1), 2 * SAS);
	assert_true(
		pair_said(p, "fw1: mirror: the kernel's table could not be read to its end: sa") <=
		2);
	p->side[0].kernel->session[9].state = 77;
	p->side[0].kernel->unreadable = 0;
	pair_run(p, 5000);
	assert_int_equal(number(p, 1, 9), 77);
	assert_int_equal(pair_different(p), -1);
}

static void a_takeover_waits_for_the_table_not_the_policies(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.sessions = p->side[1].conf->mirror.sessions = true;
	start_with_policies(p);
	p->side[1].kernel->unreadable = 1u << OBJECT_SA;
	pair_power_off(p, 0);
	pair_run(p, 10000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_int_equal(policies_held(p, 1), SAS);
	assert_int_equal(held(p, 1), SAS);
	assert_true(pair_said(p, "could not be read") <= 2);
	p->side[1].kernel->unreadable = 0;
	pair_run(p, 3000);
	assert_int_equal(policies_held(p, 1) + held(p, 1), 0);
	assert_int_equal(p->side[1].kernel->early, 0);
}

/* It sent when the owner did not hear it, and both forgot. */
static void a_standby_does_not_go_back_and_the_owner_goes_beyond(void **state)
{
	struct pair *p = *state;

	start_with(p, SAS);
	p->side[1].kernel->session[7].state = 5 * PAIR_JUMP;
	pair_restart_engine(p, 1);
	for (unsigned i = 0; i < 500; i++) {
		pair_run(p, 10);
		assert_true(number(p, 1, 7) >= 5 * PAIR_JUMP);
	}
	pair_run(p, AUDIT_MS);
	assert_true(number(p, 0, 7) >= 5 * PAIR_JUMP);
	for (unsigned key = 0; key < SAS; key++)
		assert_int_equal(number(p, 0, key), number(p, 1, key));
	assert_int_equal(held(p, 1), SAS);
	assert_int_equal(counted(p, 1, COUNTER_SUMS_DIFFER), 0);
	/* No more than it takes. */
	assert_in_range(number(p, 0, 8), 5 * PAIR_JUMP, 7 * PAIR_JUMP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAS_STORY(the_standby_holds_what_the_master_sends_by),
		SAS_STORY(numbers_follow_though_nothing_else_changes),
		SAS_STORY(a_takeover_jumps_each_once_and_a_standby_holds_again),
		SAS_STORY(a_planned_failover_holds_before_it_releases),
		SAS_STORY(an_engine_that_starts_anew_leaves_what_is_sent_by_alone),
		SAS_STORY(of_two_masters_the_one_that_stays_jumps_over_the_other),
		SAS_STORY(what_somebody_makes_on_the_standby_is_not_told_and_goes),
		SAS_STORY(policies_let_nothing_out_before_all_sas_jumped),
		SAS_STORY(a_pass_that_began_with_another_aim_begins_anew),
		SAS_STORY(an_sa_that_cannot_jump_goes_before_its_policy_lets_out),
		SAS_STORY(what_somebody_opens_on_the_standby_is_held_at_once),
		SAS_STORY(nor_does_it_stay_open_where_there_is_no_master),
		SAS_STORY(a_former_master_takes_no_numbers_before_it_holds),
		SAS_STORY(a_former_owners_last_words_are_set_aside),
		SAS_STORY(what_the_master_does_not_mirror_is_not_swept),
		SAS_STORY(what_is_mirrored_no_more_is_let_go),
		SAS_STORY(what_the_index_has_no_room_for_is_settled_all_the_same),
		SAS_STORY(what_cannot_be_read_keeps_nothing_else_waiting),
		SAS_STORY(a_standby_does_not_go_back_and_the_owner_goes_beyond),
		SAS_STORY(a_takeover_waits_for_the_table_not_the_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
